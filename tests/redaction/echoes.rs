//! Servers that echo the secret in a request.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use yandex_cloud_auth::*;

use crate::canary::*;

/// A server, and the secrets that it received.
#[derive(Clone)]
struct Echo {
    status: u16,
    shape: fn(&str) -> String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    async fn respond(
        self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let authorization = request.headers().get(header::AUTHORIZATION).cloned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let authorization = authorization
            .as_ref()
            .map_or("", |value| value.to_str().unwrap());
        let seen = format!("{authorization} {}", std::str::from_utf8(&body).unwrap());
        let secret = secret_in(&seen);
        self.seen.lock().unwrap().push(secret.clone());
        let response = Response::builder()
            .status(self.status)
            .header("x-request-id", &secret);
        Ok(response.body(Full::from((self.shape)(&secret))).unwrap())
    }
}

/// The secret in a request: a field of a JSON object, a field of a form, or the header.
fn secret_in(seen: &str) -> String {
    let (authorization, body) = seen.rsplit_once(' ').unwrap();
    if let Some(token) = authorization.strip_prefix("Bearer ") {
        return token.to_owned();
    }
    if let Ok(body) = serde_json::from_str::<Value>(body) {
        let field = ["jwt", "yandexPassportOauthToken"]
            .into_iter()
            .find_map(|name| body[name].as_str());
        return field.unwrap().to_owned();
    }
    let (_, value) = form_urlencoded::parse(body.as_bytes())
        .find(|(name, _)| name == "subject_token")
        .unwrap();
    value.into_owned()
}

/// The bodies in which a server echoes a secret.
const SHAPES: [fn(&str) -> String; 14] = [
    |secret| json!({ "code": 16, "message": format!("you sent '{secret}', why?") }).to_string(),
    |secret| json!({ "code": secret, "message": secret }).to_string(),
    |secret| {
        json!({ "error": secret, "error_description": format!("{secret}{secret}") }).to_string()
    },
    |secret| json!({ "error_code": "X", "error_message": format!("jwt={secret}&x=1") }).to_string(),
    |secret| json!({ "message": "no", "details": [request_info(secret)] }).to_string(),
    |secret| {
        json!({ "message": { secret: secret }, "code": [secret], "details": secret }).to_string()
    },
    |secret| {
        json!({ "iamToken": format!("{secret} "), "access_token": format!("{secret} ") })
            .to_string()
    },
    |secret| {
        json!({ "iamToken": [secret], "access_token": [secret], "expires_in": secret }).to_string()
    },
    |secret| {
        json!({ "access_token": "t1.a", "token_type": secret, "expires_in": secret }).to_string()
    },
    |secret| format!("{{\"iamToken\":\"{secret}\",\"access_token\":\"{secret}"),
    |secret| format!("<html><body>{secret}</body></html>"),
    |secret| format!("\"{secret}\""),
    |secret| secret.to_owned(),
    |secret| {
        format!(
            "{{\"message\":\"{}\"}}",
            secret.chars().map(escaped).collect::<String>()
        )
    },
];

fn request_info(secret: &str) -> Value {
    json!({ "@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": secret })
}

fn escaped(character: char) -> String {
    format!("\\u{:04x}", u32::from(character))
}

/// Fetches from every server with a new provider, and searches its errors for the secrets that the
/// server received.
async fn assert_not_echoed<P: CredentialProvider>(
    expect_errors: usize,
    provider: impl Fn(Echo) -> P,
) {
    let mut errors = 0;
    for status in [200, 302, 400, 401, 403, 404, 418, 429, 500, 503] {
        for shape in SHAPES {
            let echo = Echo {
                status,
                shape,
                seen: Arc::default(),
            };
            let provider = provider(echo.clone());
            let outcome = provider.fetch().await;
            let text = match &outcome {
                Ok(credential) => debug(credential),
                Err(error) => {
                    crate::canary::error(error)
                        + &crate::canary::error(&AuthError::from(error.clone()))
                }
            };
            errors += usize::from(outcome.is_err());
            let seen = echo.seen.lock().unwrap().clone();
            assert!(!seen.is_empty(), "the server received no request");
            for part in seen
                .iter()
                .flat_map(|secret| secret.split('.'))
                .filter(|part| part.len() > 6)
            {
                assert_without(&format!("the error after {status}"), &text, part);
            }
        }
    }
    assert!(errors >= expect_errors, "{errors} errors");
}

/// Most success responses contain no token either.
const ERRORS: usize = 9 * SHAPES.len() + 8;

macro_rules! through {
    ($provider:expr) => {
        |echo: Echo| {
            $provider.with_transport(tower::service_fn(move |request| {
                echo.clone().respond(request)
            }))
        }
    };
}

#[tokio::test]
async fn echoed_assertion_is_not_shown() {
    assert_not_echoed(
        ERRORS,
        through!(ServiceAccountKey::from_json(KEY_FILE).unwrap()),
    )
    .await;
}

#[tokio::test]
async fn echoed_oauth_token_is_not_shown() {
    for token in [OAUTH_TOKEN, PLAIN] {
        assert_not_echoed(ERRORS, through!(OAuthToken::new(token).unwrap())).await;
    }
}

#[tokio::test]
async fn echoed_subject_token_is_not_shown() {
    for token in [SUBJECT_TOKEN, PLAIN] {
        let subject = move || async move { Ok(token.to_owned()) };
        assert_not_echoed(ERRORS, through!(WorkloadIdentity::from_fn("aje1", subject))).await;
    }
}

#[tokio::test]
async fn echoed_source_token_is_not_shown() {
    for token in [TOKEN, PLAIN] {
        let source = Credential::iam_token(token).unwrap();
        assert_not_echoed(ERRORS, through!(Impersonation::new(source.clone(), "aje1"))).await;
    }
}

#[tokio::test]
async fn token_in_invalid_response_is_not_shown() {
    for status in [200, 404, 500] {
        for shape in SHAPES {
            let respond = move |_: Request<Full<Bytes>>| async move {
                Ok::<_, Infallible>(
                    Response::builder()
                        .status(status)
                        .body(Full::from(shape(TOKEN)))
                        .unwrap(),
                )
            };
            let provider = MetadataService::new().with_transport(tower::service_fn(respond));
            if let Err(error) = provider.fetch().await {
                assert_silent(
                    "the metadata service's error",
                    &crate::canary::error(&error),
                );
            }
        }
    }
}
