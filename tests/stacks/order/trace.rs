//! tower-http's `Trace` that prints the headers of requests.

use tower::{Layer, ServiceExt};
use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use yandex_cloud_auth::AuthLayer;

use super::*;
use crate::listener::Listener;

const SECRET: &str = "t1.secret";

/// What `tracing` prints of one request through this stack.
async fn printed<S>(stack: S) -> String
where
    S: Service<Request<String>, Error: std::fmt::Debug>,
{
    let listener = Listener::default();
    let _default = tracing::subscriber::set_default(listener.clone());
    stack.oneshot(request()).await.map(drop).unwrap();
    listener.lines().join("\n")
}

macro_rules! trace {
    () => {
        TraceLayer::new_for_http().make_span_with(DefaultMakeSpan::new().include_headers(true))
    };
}

#[tokio::test(start_paused = true)]
async fn trace_outside_sees_no_credential() {
    says(
        "`Trace` with headers",
        "outside",
        "The credential is not in the span.",
    );
    let auth = AuthLayer::new(token(SECRET));
    let text = printed(trace!().layer(auth.layer(Client::default().service()))).await;
    assert!(text.contains("headers="), "{text}");
    assert!(
        !text.contains("authorization") && !text.contains(SECRET),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn trace_inside_prints_sensitive() {
    says(
        "`Trace` with headers",
        "inside",
        "The span has `Sensitive` in place of the credential.",
    );
    let auth = AuthLayer::new(token(SECRET));
    let text = printed(auth.layer(trace!().layer(Client::default().service()))).await;
    assert!(text.contains(r#""authorization": Sensitive"#), "{text}");
    assert!(!text.contains(SECRET), "{text}");
}
