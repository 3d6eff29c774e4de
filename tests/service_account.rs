//! A service account's key: the request to IAM, its response, and the key file.

#[path = "support/script.rs"]
mod script;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use ring::signature::{RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::Value;
use yandex_cloud_auth::{
    CredentialCache, CredentialProvider, ProviderError, Scheme, ServiceAccountKey,
};

use crate::script::{Script, date, iam_token, printed};

const KEY: &str = include_str!("fixtures/service_account_key.json");

fn provider(script: &Script) -> ServiceAccountKey {
    ServiceAccountKey::from_json(KEY)
        .unwrap()
        .with_transport(script.clone())
}

/// The JWT in request number `n`: header, claims, and the whole text.
fn jwt(script: &Script, n: usize) -> (Value, Value, String) {
    let body: Value = serde_json::from_slice(script.request(n).body()).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1);
    let jwt = body["jwt"].as_str().unwrap().to_owned();
    let part = |n| {
        serde_json::from_slice(
            &URL_SAFE_NO_PAD
                .decode(jwt.split('.').nth(n).unwrap())
                .unwrap(),
        )
        .unwrap()
    };
    (part(0), part(1), jwt.clone())
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A path at which there is no file.
fn temporary(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("service_account");
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(name);
    let _ = fs::remove_file(&path);
    path
}

#[tokio::test]
async fn fetch_sends_one_signed_assertion() {
    let script = Script::new().reply(200, iam_token("t1.abc", 43_200));
    let credential = provider(&script).fetch().await.unwrap();
    assert_eq!(
        (
            credential.scheme(),
            credential.header_value().to_str().unwrap()
        ),
        (Scheme::Bearer, "Bearer t1.abc")
    );
    let left = credential
        .expires_at()
        .unwrap()
        .duration_since(SystemTime::now())
        .unwrap();
    assert!((43_100..=43_200).contains(&left.as_secs()));

    assert_eq!(script.calls(), 1);
    let request = script.request(0);
    assert_eq!(
        (
            request.method().as_str(),
            request.uri().to_string().as_str()
        ),
        ("POST", "https://iam.api.cloud.yandex.net/iam/v1/tokens")
    );
    assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
    assert!(
        !request.headers().contains_key(AUTHORIZATION)
            && !request.headers().contains_key(ACCEPT_ENCODING)
    );

    let (header, claims, jwt) = jwt(&script, 0);
    assert_eq!(
        header,
        serde_json::json!({ "typ": "JWT", "alg": "PS256", "kid": "ajekey00000000000000" })
    );
    assert_eq!(claims["iss"], "ajeaccount0000000000");
    assert_eq!(
        claims["aud"],
        "https://iam.api.cloud.yandex.net/iam/v1/tokens"
    );
    let (iat, exp) = (
        claims["iat"].as_u64().unwrap(),
        claims["exp"].as_u64().unwrap(),
    );
    assert!(iat <= now() && iat + 120 > now() && exp - iat <= 3600 && exp > now());

    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let pem = include_str!("fixtures/service_account_key.pem");
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let pair = RsaKeyPair::from_pkcs8(
        &base64::engine::general_purpose::STANDARD
            .decode(der)
            .unwrap(),
    )
    .unwrap();
    let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public().as_ref());
    public
        .verify(
            signed.as_bytes(),
            &URL_SAFE_NO_PAD.decode(signature).unwrap(),
        )
        .unwrap();
}

#[test]
fn assertion_is_signed_on_blocking_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let script = Script::new().reply(200, iam_token("t1.abc", 43_200));
    let provider = provider(&script);
    runtime.block_on(async {
        let (release, released) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || released.recv());
        let mut fetch = Box::pin(provider.fetch());
        assert!(fetch.as_mut().now_or_never().is_none());
        assert_eq!(script.calls(), 0);
        drop(release);
        fetch.await.unwrap();
        assert_eq!(script.calls(), 1);
    });
}

#[tokio::test]
async fn audience_stays_official_unless_set() {
    let script = Script::new().reply(200, iam_token("t1.abc", 60));
    provider(&script)
        .with_endpoint("http://127.0.0.1:9/")
        .fetch()
        .await
        .unwrap();
    assert_eq!(script.request(0).uri(), "http://127.0.0.1:9/iam/v1/tokens");
    assert_eq!(
        jwt(&script, 0).1["aud"],
        "https://iam.api.cloud.yandex.net/iam/v1/tokens"
    );

    provider(&script)
        .with_audience("https://iam.example/iam/v1/tokens")
        .fetch()
        .await
        .unwrap();
    assert_eq!(
        jwt(&script, 1).1["aud"],
        "https://iam.example/iam/v1/tokens"
    );
}

#[tokio::test]
async fn invalid_endpoint_sends_no_request() {
    let script = Script::new().reply(200, iam_token("t1.abc", 60));
    for endpoint in [
        "http://iam.example",
        "iam.example",
        "https://iam.example/path",
        "",
        "https://u:canary@h",
    ] {
        let error = provider(&script)
            .with_endpoint(endpoint)
            .fetch()
            .await
            .unwrap_err();
        assert!(
            error.is_permanent() && !printed(&error).contains("canary"),
            "{error}"
        );
        assert_eq!(error.provider(), Some("service account key"));
    }
    assert_eq!(script.calls(), 0);
}

#[tokio::test]
async fn wrong_clock_signs_with_server_time() {
    for (status, off) in [(401, 7200), (400, -7200)] {
        let ahead = date(off);
        let script = Script::new()
            .reply_with(
                status,
                &[("date", &ahead)],
                r#"{"code":16,"message":"expired"}"#,
            )
            .reply_with(200, &[("date", &ahead)], iam_token("t1.abc", 7300));
        let credential = provider(&script).fetch().await.unwrap();
        assert_eq!(script.calls(), 2);
        let iat = jwt(&script, 1).1["iat"].as_i64().unwrap();
        let expected = i64::try_from(now()).unwrap() + off - 60;
        assert!((iat - expected).abs() <= 5, "{iat} {expected}");
        assert_eq!(
            credential.expires_at(),
            None,
            "a lifetime, since the local clock is wrong"
        );
    }
}

#[tokio::test]
async fn assertion_is_signed_at_most_twice() {
    let (ahead, right) = (date(7200), date(0));
    for (status, date, calls) in [
        (401, Some(&ahead), 2),
        (403, Some(&ahead), 1),
        (503, Some(&ahead), 1),
        (401, Some(&right), 1),
        (401, None, 1),
    ] {
        let headers: Vec<_> = date.iter().map(|date| ("date", date.as_str())).collect();
        let script = Script::new().reply_with(status, &headers, "");
        provider(&script).fetch().await.unwrap_err();
        assert_eq!(script.calls(), calls, "{status} {date:?}");
    }
}

#[tokio::test]
async fn wrong_clock_counts_lifetime_from_server_time() {
    // The local clock is two hours behind: by it the token would live three hours.
    let script =
        Script::new().reply_with(200, &[("date", &date(7200))], iam_token("t1.abc", 3 * 3600));
    let cache = CredentialCache::new(provider(&script));
    cache.get().await.unwrap();
    let left = cache
        .status()
        .expires_at()
        .unwrap()
        .duration_since(SystemTime::now())
        .unwrap();
    assert!((3500..=3600).contains(&left.as_secs()), "{left:?}");
}

#[tokio::test]
async fn rejection_shows_request_id_without_assertion() {
    let script = Script::new().reply(401, "");
    provider(&script).fetch().await.unwrap_err();
    let (.., jwt) = jwt(&script, 0);
    let body = serde_json::json!({
        "code": 16,
        "message": format!("Key 'ajekey00000000000000' was not found: {jwt}"),
        "details": [{ "@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "e38e71c3", "assertion": jwt }],
    });
    let script = Script::new().reply(401, body.to_string());
    let error = provider(&script).fetch().await.unwrap_err();
    assert_eq!(script.calls(), 1);
    assert!(error.is_permanent());
    let text = error.to_string();
    let start = "service account key: https://iam.api.cloud.yandex.net/iam/v1/tokens responded with 401 Unauthorized: \
                 Key 'ajekey00000000000000' was not found: [secret] (code 16, request id e38e71c3)";
    assert!(text.starts_with(start), "{text}");
    for part in jwt.split('.') {
        assert!(!printed(&error).contains(part));
    }
}

#[tokio::test]
async fn status_decides_whether_error_is_transient() {
    for (status, transient) in [
        (400, false),
        (403, false),
        (404, false),
        (302, false),
        (408, true),
        (425, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        let script = Script::new().reply_with(
            status,
            &[("location", "https://login.example/canary")],
            "<html>canary",
        );
        let error = provider(&script).fetch().await.unwrap_err();
        assert_eq!(
            (script.calls(), error.is_transient(), error.is_permanent()),
            (1, transient, !transient),
            "{status}"
        );
        assert!(
            !printed(&error).contains("canary") && error.to_string().contains(&status.to_string()),
            "{error}"
        );
        assert_eq!(
            error.to_string().contains("login.example"),
            status == 302,
            "{error}"
        );
    }
}

#[tokio::test]
async fn invalid_success_is_transient_and_not_shown() {
    for body in [
        "",
        "canary",
        "<html>canary</html>",
        "[\"canary\"]",
        "{\"iamToken\":[\"canary\"]}",
        "{\"iamToken\":\"canary\",\"iamToken\":\"canary\"}",
        "{\"iamToken\":\"canary\\n\"}",
        "{\"iamToken\":\"canary\\u0000\"}",
        "{\"iamToken\":\"canaryé\"}",
        "{\"iamToken\":\"Bearer canary\"}",
        "{\"iamToken\":\"\",\"x\":\"canary\"}",
        "{\"token\":\"canary\"}",
        "{\"iamToken\":null,\"x\":\"canary\"}",
        &format!("{{\"iamToken\":\"{}\"}}", "canary".repeat(4000)),
        &format!("{{\"iamToken\":\"{}\"}}", "canary".repeat(40_000)),
        &"[".repeat(60_000),
    ] {
        let script = Script::new().reply(200, body);
        let error = provider(&script).fetch().await.unwrap_err();
        assert_eq!(script.calls(), 1);
        assert!(
            error.is_transient() && !printed(&error).contains("canary"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn token_without_expiry_is_accepted() {
    for body in [
        r#"{"iamToken":"t1.abc"}"#,
        r#"{"iamToken":"t1.abc","expiresAt":null}"#,
        r#"{"iamToken":"t1.abc","expiresAt":12345}"#,
        r#"{"iamToken":"t1.abc","expiresAt":"tomorrow","unknown":{"a":[]}}"#,
    ] {
        let cache = CredentialCache::new(provider(&Script::new().reply(200, body)));
        cache.get().await.unwrap();
        let left = cache
            .status()
            .expires_at()
            .unwrap()
            .duration_since(SystemTime::now())
            .unwrap();
        assert!((895..=900).contains(&left.as_secs()), "{left:?}");
    }
}

#[tokio::test]
async fn one_transport_serves_several_providers() {
    let script = Script::new().reply(200, iam_token("t1.abc", 60));
    let (first, second) = (provider(&script), provider(&script));
    first.fetch().await.unwrap();
    second.fetch().await.unwrap();
    assert_eq!(script.calls(), 2);
}

#[tokio::test]
async fn transport_error_names_url_and_cause() {
    let script = Script::new().fail("the tunnel is down");
    let error = provider(&script).fetch().await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(
        error.to_string(),
        "service account key: no response from https://iam.api.cloud.yandex.net/iam/v1/tokens: the tunnel is down"
    );
}

#[tokio::test]
async fn next_fetch_reads_rotated_key_file() {
    let path = temporary("rotated.json");
    fs::write(&path, KEY).unwrap();
    let script = Script::new().reply(200, iam_token("t1.abc", 60));
    let provider = ServiceAccountKey::from_file(&path)
        .unwrap()
        .with_transport(script.clone());
    provider.fetch().await.unwrap();

    // Fixed and rotated by renaming.
    let next = temporary("next.json");
    fs::write(&next, KEY.replace("ajekey", "ajenew")).unwrap();
    fs::rename(&next, &path).unwrap();
    provider.fetch().await.unwrap();
    assert_eq!(jwt(&script, 1).0["kid"], "ajenew00000000000000");

    type Break = fn(&PathBuf);
    let breaks: [(Break, bool); 4] = [
        (|path| fs::write(path, &KEY[..KEY.len() / 2]).unwrap(), true),
        (|path| fs::write(path, "").unwrap(), true),
        (|path| fs::remove_file(path).unwrap(), true),
        (|path| fs::write(path, "{}").unwrap(), false),
    ];
    for (damage, transient) in breaks {
        damage(&path);
        let error = provider.fetch().await.unwrap_err();
        assert_eq!(
            (error.is_transient(), error.is_permanent()),
            (transient, !transient),
            "{error}"
        );
        assert!(error.to_string().contains("rotated.json"), "{error}");
    }
    assert_eq!(script.calls(), 2);
    fs::write(&path, KEY).unwrap();
    provider.fetch().await.unwrap();
    assert_eq!(script.calls(), 3);
}

#[test]
fn invalid_key_file_fails_constructor() {
    let fifo = temporary("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let write = |name: &str, text: &[u8]| {
        let path = temporary(name);
        fs::write(&path, text).unwrap();
        path
    };
    for (path, transient, reason) in [
        (temporary("none.json"), true, "does not exist"),
        (temporary(""), false, "not a regular file"),
        (fifo, false, "not a regular file"),
        ("/dev/zero".into(), false, "not a regular file"),
        (
            write("large.json", &vec![b' '; 70_000]),
            false,
            "larger than 64 KiB",
        ),
        (
            write("half.json", &KEY.as_bytes()[..1000]),
            true,
            "half-written",
        ),
        (write("binary.json", b"\xff\xfecanary"), false, "not UTF-8"),
        (
            write("text.json", b"canary"),
            false,
            "not JSON (at line 1, column 1)",
        ),
        (
            write(
                "user.json",
                KEY.replace("service_account_id", "user_account_id")
                    .as_bytes(),
            ),
            false,
            "user account",
        ),
    ] {
        let error = ServiceAccountKey::from_file(&path).unwrap_err();
        assert_eq!(
            (error.is_transient(), error.is_permanent()),
            (transient, !transient),
            "{error}"
        );
        assert_eq!(error.provider(), Some("service account key"));
        let printed = printed(&error);
        assert!(
            printed.contains(reason) && printed.contains(&path.display().to_string()),
            "{error}"
        );
        assert!(
            !printed.contains("canary") && !printed.contains("MII") && !printed.contains("BEGIN"),
            "{error}"
        );
    }
}

#[test]
fn missing_file_error_explains_its_path() {
    let here = std::env::current_dir().unwrap();
    for (path, expected) in [
        (
            "none/key.json",
            format!(
                "none/key.json does not exist in the working directory {}",
                here.display()
            ),
        ),
        (
            "~/key.json",
            "~/key.json does not exist: `~` is not expanded, give the path in full".into(),
        ),
    ] {
        let error = ServiceAccountKey::from_file(path).unwrap_err();
        assert!(error.is_transient());
        assert_eq!(
            error.to_string(),
            format!("service account key: {expected}")
        );
    }
}

#[test]
fn key_is_never_printed() {
    let body: String = KEY.split("-----").nth(6).unwrap().replace("\\n", "");
    let error = ServiceAccountKey::from_json(
        KEY.replace("PRIVATE KEY-----\\nMII", "PRIVATE KEY-----\\nXXX"),
    )
    .unwrap_err();
    let provider = ServiceAccountKey::from_json(KEY).unwrap();
    let printed = format!("{provider:?} {provider:#?} {}", printed(&error));
    for piece in body.as_bytes().windows(12).step_by(4) {
        assert!(
            !printed.contains(std::str::from_utf8(piece).unwrap()),
            "{printed}"
        );
    }
    assert!(
        printed.contains("ajekey00000000000000")
            && printed.contains("https://iam.api.cloud.yandex.net")
    );
}

#[tokio::test(start_paused = true)]
async fn fetch_without_response_ends_with_caller() {
    let script = Script::new().hang();
    let provider = provider(&script);
    assert!(
        tokio::time::timeout(Duration::from_secs(30), provider.fetch())
            .await
            .is_err()
    );
    assert_eq!(script.calls(), 1);
}

#[test]
fn custom_transport_needs_no_runtime() {
    let script = Script::new().reply(200, iam_token("t1.abc", 60));
    let credential = futures_util::FutureExt::now_or_never(provider(&script).fetch())
        .unwrap()
        .unwrap();
    assert_eq!(credential.header_value(), "Bearer t1.abc");

    let nothing = ServiceAccountKey::from_json(KEY).unwrap();
    let error: ProviderError = futures_util::FutureExt::now_or_never(nothing.fetch())
        .unwrap()
        .unwrap_err();
    assert!(
        error.is_permanent() && error.to_string().contains("call it inside one"),
        "{error}"
    );
}

/// Whether openssl accepts the signature as PS256 over `text` with a salt of this many bytes.
fn openssl_verifies(signature: &Path, text: &Path, salt_len: u32) -> bool {
    let verified = Command::new("openssl")
        .args([
            "dgst",
            "-sha256",
            "-sigopt",
            "rsa_padding_mode:pss",
            "-sigopt",
            "rsa_mgf1_md:sha256",
        ])
        .args(["-sigopt", &format!("rsa_pss_saltlen:{salt_len}")])
        .args([
            "-verify",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/public_key.pem"),
            "-signature",
        ])
        .args([signature, text])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&verified.stdout);
    match (verified.status.success(), printed.trim()) {
        (true, "Verified OK") => true,
        (false, "Verification failure" | "Verification Failure") => false,
        _ => panic!("{verified:?}"),
    }
}

#[tokio::test]
#[ignore = "needs the program openssl"]
async fn openssl_verifies_assertion_with_32_byte_salt() {
    let script = Script::new().reply(200, iam_token("t1.abc", 60));
    provider(&script).fetch().await.unwrap();
    let (header, claims, jwt) = jwt(&script, 0);
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let (text, proof, forged) = (
        temporary("signed"),
        temporary("signature"),
        temporary("forged"),
    );
    fs::write(&text, signed).unwrap();
    fs::write(&forged, signed.to_lowercase()).unwrap();
    fs::write(&proof, URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    for (text, salt_len, verifies) in [
        (&text, 32, true),
        (&text, 20, false),
        (&text, 222, false),
        (&forged, 32, false),
    ] {
        assert_eq!(
            openssl_verifies(&proof, text, salt_len),
            verifies,
            "{salt_len}"
        );
    }

    // The claims that the signature covers.
    assert_eq!(
        header,
        serde_json::json!({ "typ": "JWT", "alg": "PS256", "kid": "ajekey00000000000000" })
    );
    let (iat, exp) = (
        claims["iat"].as_u64().unwrap(),
        claims["exp"].as_u64().unwrap(),
    );
    assert!(iat <= now() && now() < exp && exp - iat <= 3600, "{claims}");
    let aud = "https://iam.api.cloud.yandex.net/iam/v1/tokens";
    assert_eq!(
        claims,
        serde_json::json!({ "iss": "ajeaccount0000000000", "aud": aud, "iat": iat, "exp": exp })
    );
}
