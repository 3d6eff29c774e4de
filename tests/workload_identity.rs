//! Workload identity: the sources of the subject token, and its exchange.

#[path = "support/script.rs"]
mod script;

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::Full;
use tower::limit::ConcurrencyLimit;
use tower::{BoxError, Layer, Service, ServiceExt};
use yandex_cloud_auth::{AuthLayer, CredentialProvider, ProviderError, WorkloadIdentity};

use crate::script::{Script, printed};

const TOKEN: &str = r#"{"access_token":"t1.abc","token_type":"Bearer","expires_in":43200}"#;

fn subject_token(script: &Script, n: usize) -> String {
    let request = script.request(n);
    let mut pairs = form_urlencoded::parse(request.body());
    pairs
        .find(|(name, _)| name == "subject_token")
        .unwrap()
        .1
        .into_owned()
}

fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("workload_identity-{name}"))
}

#[tokio::test]
async fn subject_token_is_posted_once() {
    let script = Script::new().reply(200, TOKEN);
    let provider = WorkloadIdentity::from_fn("aje0", || async { Ok(" e30.e30.c2ln\n".to_owned()) });
    let credential = provider
        .with_transport(script.clone())
        .fetch()
        .await
        .unwrap();
    assert_eq!(credential.header_value(), "Bearer t1.abc");
    assert_eq!(script.calls(), 1);
    let request = script.request(0);
    assert_eq!(
        (
            request.method().as_str(),
            request.uri().to_string().as_str()
        ),
        ("POST", "https://auth.yandex.cloud/oauth/token")
    );
    assert_eq!(
        request.headers()["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert!(!request.headers().contains_key("authorization"));
    let pairs: Vec<_> = form_urlencoded::parse(request.body())
        .into_owned()
        .collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        pairs,
        [
            pair(
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange"
            ),
            pair(
                "requested_token_type",
                "urn:ietf:params:oauth:token-type:access_token"
            ),
            pair("audience", "aje0"),
            pair("subject_token", "e30.e30.c2ln"),
            pair(
                "subject_token_type",
                "urn:ietf:params:oauth:token-type:id_token"
            ),
        ]
    );
}

#[tokio::test]
async fn file_is_read_for_each_exchange() {
    let path = path("rotated");
    let script = Script::new().reply(200, TOKEN);
    let provider = WorkloadIdentity::from_file("aje0", &path).with_transport(script.clone());
    for (n, text) in ["first", "\u{feff}  second\r\n"].into_iter().enumerate() {
        fs::write(&path, text).unwrap();
        provider.fetch().await.unwrap();
        assert_eq!(subject_token(&script, n), ["first", "second"][n]);
    }
    fs::remove_file(&path).unwrap();
    let error = provider.fetch().await.unwrap_err();
    assert!(
        error.is_transient() && error.to_string().contains("-rotated does not exist"),
        "{error}"
    );
    assert_eq!(script.calls(), 2);
}

#[tokio::test]
async fn missing_source_is_not_configured() {
    let (empty, binary, large) = (path("empty"), path("binary"), path("large"));
    fs::write(&empty, " \n").unwrap();
    fs::write(&binary, b"canary\xff").unwrap();
    fs::write(&large, vec![b'a'; 70_000]).unwrap();
    for (provider, not_configured, reason) in [
        (
            WorkloadIdentity::from_file("aje0", "/nonexistent/token"),
            true,
            "/nonexistent/token does not exist",
        ),
        (
            WorkloadIdentity::from_file("aje0", &empty),
            true,
            "holds no subject token",
        ),
        (
            WorkloadIdentity::from_file("aje0", &binary),
            false,
            "not UTF-8",
        ),
        (
            WorkloadIdentity::from_file("aje0", &large),
            false,
            "larger than 64 KiB",
        ),
        (
            WorkloadIdentity::from_file("aje0", "/dev/zero"),
            false,
            "not a regular file",
        ),
        (
            WorkloadIdentity::from_env("aje0", "YANDEX_CLOUD_AUTH_UNSET"),
            true,
            "YANDEX_CLOUD_AUTH_UNSET is not set",
        ),
    ] {
        let script = Script::new().reply(200, TOKEN);
        let error = provider
            .with_transport(script.clone())
            .fetch()
            .await
            .unwrap_err();
        assert_eq!(
            (error.is_not_configured(), error.is_permanent()),
            (not_configured, !not_configured),
            "{error}"
        );
        assert!(
            error.to_string().starts_with("workload identity: ")
                && error.to_string().contains(reason),
            "{error}"
        );
        assert!(!printed(&error).contains("canary"));
        assert_eq!(script.calls(), 0);
    }
    for path in [empty, binary, large] {
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn variable_is_read() {
    // Cargo sets this variable for every test.
    let script = Script::new().reply(200, TOKEN);
    WorkloadIdentity::from_env("aje0", "CARGO_PKG_NAME")
        .with_transport(script.clone())
        .fetch()
        .await
        .unwrap();
    assert_eq!(subject_token(&script, 0), "yandex-cloud-auth");
}

#[tokio::test]
async fn function_is_called_for_each_exchange() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let provider = WorkloadIdentity::from_fn("aje0", || async {
        match CALLS.fetch_add(1, Ordering::Relaxed) {
            0 => Err(ProviderError::transient("github is down")),
            n => Ok(format!("token-{n}")),
        }
    });
    let script = Script::new().reply(200, TOKEN);
    let provider = provider.with_transport(script.clone());
    let error = provider.fetch().await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.to_string(), "workload identity: github is down");
    provider.fetch().await.unwrap();
    provider.fetch().await.unwrap();
    assert_eq!(
        (subject_token(&script, 0), subject_token(&script, 1)),
        ("token-1".into(), "token-2".into())
    );
}

#[tokio::test]
async fn rejection_shows_no_subject_token() {
    for (status, body, text) in [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"sub sesame is not known"}"#,
            "sub [secret] is not known (code invalid_grant)",
        ),
        (
            401,
            r#"{"code":16,"message":"bad sesame"}"#,
            "bad [secret] (code 16)",
        ),
    ] {
        let script = Script::new().reply(status, body);
        let provider = WorkloadIdentity::from_fn("aje0", || async { Ok("sesame".to_owned()) });
        let error = provider
            .with_transport(script.clone())
            .fetch()
            .await
            .unwrap_err();
        assert!(
            error.is_permanent() && error.to_string().contains(text),
            "{error}"
        );
        assert!(
            error.to_string().contains("federated credential")
                && !printed(&error).contains("sesame"),
            "{error}"
        );
        assert_eq!(script.calls(), 1);
    }
}

/// A JWT with these claims, without a valid signature.
fn jwt(claims: &str) -> String {
    format!("e30.{}.canary", URL_SAFE_NO_PAD.encode(claims))
}

async fn rejection(status: u16, token: String) -> String {
    let script = Script::new().reply(status, r#"{"error":"invalid_grant"}"#);
    let provider = WorkloadIdentity::from_fn("aje0", move || {
        let token = token.clone();
        async { Ok(token) }
    });
    let outcome = provider.with_transport(script).fetch().await;
    let error = outcome.unwrap_err();
    assert!(!printed(&error).contains("canary"), "{error}");
    error.to_string()
}

#[tokio::test]
async fn rejection_shows_claims_that_were_sent() {
    let claims = r#"{"iss":"https://token.actions.githubusercontent.com","aud":"yandex","sub":"repo:owner/name:ref:refs/heads/main","exp":1700000000}"#;
    let shown = r#"the subject token has `iss` "https://token.actions.githubusercontent.com", `aud` "yandex", `sub` "repo:owner/name:ref:refs/heads/main", `exp` 1700000000 (it has expired)"#;
    for (status, token, text) in [
        (400, jwt(claims), shown),
        (401, jwt(claims), shown),
        (403, jwt(claims), shown),
        (
            401,
            jwt(r#"{"exp":99999999999}"#),
            "`exp` 99999999999 (it has not expired)",
        ),
        (403, "canary".into(), "the subject token is not a JWT"),
    ] {
        let error = rejection(status, token).await;
        assert!(error.contains(text), "{error}");
    }
    let error = rejection(503, jwt(claims)).await;
    assert!(!error.contains("the subject token"), "{error}");
}

/// How many of eight concurrent requests through `inner` succeed in less than a fetch timeout.
async fn served<T>(inner: ConcurrencyLimit<Script>, transport: T) -> usize
where
    T: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = BoxError>
        + Clone
        + Send
        + 'static,
    T::Future: Send,
{
    let subject = || async { Ok("e30.e30.c2ln".to_owned()) };
    let provider = WorkloadIdentity::from_fn("aje0", subject).with_transport(transport);
    let client = AuthLayer::new(provider).layer(inner);
    let requests = (0..8).map(|_| {
        let url = "https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution";
        let request = Request::get(url).body(Full::default()).unwrap();
        tokio::time::timeout(Duration::from_secs(29), client.clone().oneshot(request))
    });
    let outcomes = join_all(requests).await;
    let succeeded = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(Ok(_))));
    succeeded.count()
}

#[tokio::test(start_paused = true)]
async fn shared_limit_starves_token_fetch() {
    let script = Script::new().reply(200, TOKEN);
    let limited = ConcurrencyLimit::new(script.clone(), 4);
    assert_eq!(served(limited.clone(), limited).await, 0);
    assert_eq!(script.calls(), 0);

    let limited = ConcurrencyLimit::new(script.clone(), 4);
    assert_eq!(served(limited, script.clone()).await, 8);
    assert_eq!(script.calls(), 9);
}
