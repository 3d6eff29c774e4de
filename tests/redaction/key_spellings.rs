//! A private key in `YC_SERVICE_ACCOUNT_KEY_FILE`, in every spelling that people use by mistake.

use std::convert::Infallible;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt};
use yandex_cloud_auth::*;

use crate::canary::*;
use crate::listener::Listener;

const VARIABLE: &str = "YC_SERVICE_ACCOUNT_KEY_FILE";

fn spellings() -> Vec<String> {
    let file: serde_json::Value = serde_json::from_str(KEY_FILE).unwrap();
    let pem = file["private_key"].as_str().unwrap();
    let key = KEY_FILE.trim();
    vec![
        format!("\"{key}\""),
        format!("'{key}'"),
        format!("\u{feff}{key}"),
        format!("[{key}]"),
        format!("({key})"),
        serde_json::Value::from(key).to_string(),
        key[1..].to_owned(),
        key[..key.len() / 2].to_owned(),
        pem.to_owned(),
        pem.replace('\n', "\\n"),
        pem.lines().nth(3).unwrap().to_owned(),
        STANDARD.encode(key),
        STANDARD.encode(key)[..200].to_owned(),
        API_KEY.to_owned(),
        TOKEN.to_owned(),
    ]
}

#[test]
fn spellings_of_key_are_in_no_output() {
    for spelling in spellings() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "key_spellings::output_of_one_spelling"])
            .args(["--ignored", "--nocapture"])
            .env_clear()
            .env(VARIABLE, &spelling)
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && stdout.contains("1 passed"),
            "{stdout}{stderr}"
        );
        assert_no_part(
            "the output of the process",
            &format!("{stdout}{stderr}"),
            &spelling,
        );
    }
}

/// Fails if `text` contains 16 characters of the private key, or of a spelling without its names.
fn assert_no_part(what: &str, text: &str, spelling: &str) {
    let body = KEY_FILE.split("-----").nth(6).unwrap().replace("\\n", "");
    let encoded = match spelling.contains(['{', ':']) {
        true => "",
        false => spelling.trim_start_matches("-----BEGIN PRIVATE KEY-----"),
    };
    for secret in [&body, encoded] {
        for part in secret.as_bytes().chunks_exact(16) {
            let part = std::str::from_utf8(part).unwrap();
            assert!(!text.contains(part), "{what} contains {part}: {text}");
        }
    }
}

/// Rejects every request, with the request in the error response.
async fn reject(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body);
    let body = serde_json::json!({ "code": 16, "message": text }).to_string();
    let response = Response::builder().status(401).body(Full::from(body));
    Ok(response.unwrap())
}

#[tokio::test]
#[ignore = "run by another test with its own environment"]
async fn output_of_one_spelling() {
    let spelling = std::env::var(VARIABLE).unwrap();
    let listener = Listener::default();
    tracing::subscriber::set_global_default(listener.clone()).unwrap();
    let chain = default_chain_with(tower::service_fn(reject));
    let mut text = debug(&chain) + &chain.name() + &debug(&chain.diagnose().await);
    text += &error(&chain.fetch().await.unwrap_err());

    let cache = CredentialCache::new(chain);
    text += &error(&cache.get().await.unwrap_err());
    text += &(debug(&cache) + &debug(&cache.status()));
    let layer = AuthLayer::from_cache(cache).with_policy(Unrestricted);
    let inner =
        tower::service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let rejected = layer.layer(inner).oneshot(Request::new(())).await;
    text += &debug(&rejected);
    let status = layer.grpc().layer(inner).oneshot(Request::new(())).await;
    let message = status.unwrap().headers()["grpc-message"].clone();
    text += &percent_decoded(message.to_str().unwrap());

    let events = listener.lines().join("\n");
    assert!(events.contains("credential fetch failed"), "{events}");
    assert_no_part("a value", &text, &spelling);
    assert_no_part("an event", &events, &spelling);
}

fn percent_decoded(text: &str) -> String {
    form_urlencoded::parse(text.replace('=', "%3D").replace('&', "%26").as_bytes())
        .map(|(text, _)| text.into_owned())
        .collect()
}
