//! The subject token of GitHub Actions, from a fake of its token endpoint on loopback. Each case
//! runs in a process of its own, whose variables the provider reads.

#[path = "support/script.rs"]
mod script;
#[path = "support/server.rs"]
mod server;

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};

use yandex_cloud_auth::{CredentialProvider, ProviderError, WorkloadIdentity};

use crate::script::Script;
use crate::server::{Server, read_request, run, with_length};

const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
const EXCHANGE: &str = "YANDEX_CLOUD_AUTH_TEST_EXCHANGE";

const ID_TOKEN: &str = r#"{"count":1,"value":"e30.e30.canary"}"#;
const IAM_TOKEN: &str = r#"{"access_token":"t1.abc","token_type":"Bearer","expires_in":43200}"#;

/// A server that records each request and answers with this response.
fn recording(status: &'static str, body: &'static str) -> (Server, Receiver<String>) {
    let (sender, requests) = channel();
    let server = Server::start(move |mut stream| {
        sender.send(read_request(&mut stream)).unwrap();
        let response = with_length(status, "connection: close\r\n", body);
        stream.write_all(response.as_bytes()).unwrap();
    });
    (server, requests)
}

/// Runs the test against GitHub's response, and returns what GitHub and the exchange received.
fn against(test: &str, status: &'static str, body: &'static str) -> (Vec<String>, Vec<String>) {
    let (github, from_github) = recording(status, body);
    let (exchange, from_exchange) = recording("200 OK", IAM_TOKEN);
    run(
        test,
        &[
            (
                URL,
                &format!("http://{}/job/idtoken?api-version=2.0", github.address),
            ),
            (TOKEN, "request-canary"),
            (EXCHANGE, &format!("http://{}", exchange.address)),
        ],
    );
    (
        from_github.try_iter().collect(),
        from_exchange.try_iter().collect(),
    )
}

#[test]
fn id_token_is_requested_and_exchanged_each_time() {
    let (github, exchange) = against("in_a_process::token_is_fetched_twice", "200 OK", ID_TOKEN);
    assert_eq!((github.len(), exchange.len()), (2, 2));
    for request in github {
        let request = request.to_ascii_lowercase();
        assert!(
            request.starts_with(
                "get /job/idtoken?api-version=2.0&audience=https%3a%2f%2fgithub.com%2fan+owner http/1.1\r\n"
            ),
            "{request}"
        );
        assert!(request.contains("authorization: bearer request-canary\r\n"));
    }
    for request in exchange {
        assert!(
            request.contains("subject_token=e30.e30.canary&"),
            "{request}"
        );
        assert!(!request.contains("request-canary"), "{request}");
    }
}

#[test]
fn error_names_token_endpoint_of_github() {
    for (test, status, body) in [
        (
            "in_a_process::rejection_is_permanent",
            "401 Unauthorized",
            r#"{"message":"bad request-canary"}"#,
        ),
        (
            "in_a_process::outage_is_transient",
            "503 Service Unavailable",
            "canary",
        ),
        (
            "in_a_process::response_without_value_is_transient",
            "200 OK",
            r#"{"canary":1}"#,
        ),
    ] {
        let (github, exchange) = against(test, status, body);
        assert_eq!((github.len(), exchange.len()), (1, 0), "{test}");
    }
}

#[test]
fn plain_http_elsewhere_is_refused() {
    run(
        "in_a_process::plain_http_is_refused",
        &[
            (URL, "http://canary.example/?v=2"),
            (TOKEN, "request-canary"),
        ],
    );
}

#[test]
fn unset_or_empty_variable_is_not_configured() {
    let test = "in_a_process::absence_is_not_configured";
    let url = (URL, "http://127.0.0.1:9/?v=2");
    run(test, &[(URL, ""), (TOKEN, "")]);
    run(test, &[url, (TOKEN, " ")]);
    run(test, &[(URL, ""), (TOKEN, "request-canary")]);
}

#[test]
fn transport_sends_both_requests() {
    run(
        "in_a_process::both_requests_are_in_script",
        &[
            (URL, "https://github.example/idtoken?v=2"),
            (TOKEN, "request-canary"),
        ],
    );
}

mod in_a_process {
    use super::*;

    fn provider() -> WorkloadIdentity {
        let exchange = std::env::var(EXCHANGE).unwrap_or("http://127.0.0.1:9".into());
        WorkloadIdentity::github("aje0", "https://github.com/an owner").with_endpoint(exchange)
    }

    async fn error() -> ProviderError {
        let provider = provider();
        let error = provider.fetch().await.unwrap_err();
        let printed = format!("{error} {error:?} {provider:?}");
        assert!(!printed.contains("canary"), "{printed}");
        error
    }

    fn assert_says(error: &ProviderError, texts: &[&str]) {
        for text in texts {
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn token_is_fetched_twice() {
        let provider = provider();
        for _ in 0..2 {
            let credential = provider.fetch().await.unwrap();
            assert_eq!(credential.header_value(), "Bearer t1.abc");
        }
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn both_requests_are_in_script() {
        let script = Script::new().reply(200, ID_TOKEN).reply(200, IAM_TOKEN);
        let provider = WorkloadIdentity::github("aje0", "a").with_transport(script.clone());
        provider.fetch().await.unwrap();
        let urls = [0, 1].map(|n| script.request(n).uri().to_string());
        assert_eq!(
            urls,
            [
                "https://github.example/idtoken?v=2&audience=a",
                "https://auth.yandex.cloud/oauth/token"
            ]
        );
        assert!(script.request(0).headers()["authorization"].is_sensitive());
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn rejection_is_permanent() {
        let error = error().await;
        assert!(error.is_permanent());
        let texts = ["GitHub's token endpoint", "bad [secret]", "id-token: write"];
        assert_says(&error, &texts);
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn outage_is_transient() {
        let error = error().await;
        assert!(error.is_transient());
        assert_says(&error, &["GitHub's token endpoint", "503"]);
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn response_without_value_is_transient() {
        let error = error().await;
        assert!(error.is_transient());
        assert_says(&error, &["GitHub's token endpoint", "it has no `value`"]);
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn plain_http_is_refused() {
        let error = error().await;
        assert!(error.is_permanent());
        assert_says(&error, &[URL, "use https"]);
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn absence_is_not_configured() {
        let error = error().await;
        assert!(error.is_not_configured());
        assert_says(
            &error,
            &["is not set", "permissions: id-token: write", "GitHub"],
        );
    }
}
