//! `Hedge`.

use tower::buffer::BufferLayer;
use tower::hedge::{Hedge, Policy};
use tower::{BoxError, Layer, ServiceExt};
use yandex_cloud_auth::AuthLayer;

use super::*;

#[derive(Clone)]
struct Always;

impl Policy<Request<String>> for Always {
    fn clone_request(&self, request: &Request<String>) -> Option<Request<String>> {
        Some(request.clone())
    }

    fn can_retry(&self, _: &Request<String>) -> bool {
        true
    }
}

/// Sends a request once more if it takes longer than this many milliseconds.
fn hedge<S>(service: S, milliseconds: u64) -> Hedge<S, Always>
where
    S: Service<Request<String>, Error: Into<BoxError>> + Clone,
{
    Hedge::new_with_mock_latencies(service, Always, 1, 0.5, FETCH * 10, &[milliseconds; 10])
}

#[tokio::test(start_paused = true)]
async fn hedge_outside_counts_wait() {
    says(
        "`Hedge`",
        "outside",
        "Its delay runs while a request waits for a credential. Both attempts wait for the same fetch, and both are sent.",
    );
    let (provider, client) = (slow_token(), Client::default());
    let auth = AuthLayer::new(provider.clone());
    let stack = hedge(auth.layer(client.service()), 10);
    stack.oneshot(request()).await.unwrap();
    assert_eq!(provider.calls(), 1);
    assert_eq!(client.received(), ["Bearer t1.a"; 2]);
}

#[tokio::test(start_paused = true)]
async fn hedge_inside_counts_from_sending() {
    says(
        "`Hedge`",
        "inside",
        "It is not `Clone`, so place a `Buffer` between it and the layer. Its delay starts when the request is sent, and both attempts carry the same credential.",
    );
    for (milliseconds, attempts) in [(10, 1), (0, 2)] {
        let client = Client::default();
        let hedged = BufferLayer::new(1).layer(hedge(client.service(), milliseconds));
        let stack = AuthLayer::new(slow_token()).layer(hedged);
        stack.oneshot(request()).await.unwrap();
        assert_eq!(client.received(), vec!["Bearer t1.a"; attempts]);
    }
}
