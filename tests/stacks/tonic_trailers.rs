//! tonic over a layer that watches trailers.

use futures_util::TryStreamExt;
use tonic::Code;
use tower::Layer;
use yandex_cloud_auth::{AuthLayer, CacheState};

use crate::client::*;
use crate::server::{EXPIRE, Server};

/// Calls a method whose response has messages, and then this word: status 16 if it is [`EXPIRE`].
macro_rules! call {
    ($channel:expr, $word:expr) => {{
        let mut client = EchoClient::new($channel);
        let reply = client.server_stream(format!("a b {}", $word)).await;
        let mut messages = reply.unwrap().into_inner();
        assert_eq!(messages.message().await.unwrap().unwrap(), "a");
        assert_eq!(messages.message().await.unwrap().unwrap(), "b");
        messages.try_collect::<Vec<_>>().await
    }};
}

fn state(auth: &AuthLayer<Loopback>) -> CacheState {
    auth.cache().status().state()
}

#[tokio::test]
async fn status_16_in_trailers_drops_credential() {
    let server = Server::start().await;
    let auth = aged(two_tokens()).await;
    let watched = auth.clone().grpc().watch_trailers();

    let last = call!(watched.layer(channel(server.url())), "c");
    assert_eq!(last.unwrap(), ["c"]);
    assert_eq!(state(&auth), CacheState::Fresh);

    let status = call!(watched.layer(channel(server.url())), EXPIRE).unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.message(), "the token has expired meanwhile");
    assert_eq!(state(&auth), CacheState::Empty);

    call!(watched.layer(channel(server.url())), "c").unwrap();
    assert_eq!(server.received(), [OLD, OLD, NEW]);
}

#[tokio::test]
async fn trailers_are_not_read_unless_asked() {
    let server = Server::start().await;
    let auth = aged(two_tokens()).await;
    let plain = auth.clone().grpc().layer(channel(server.url()));
    call!(plain, EXPIRE).unwrap_err();
    assert_eq!(state(&auth), CacheState::Fresh);
}

#[tokio::test]
async fn trailers_only_response_is_read_when_watched() {
    let server = Server::start().await;
    server.reject(OLD);
    let auth = aged(two_tokens()).await;
    let watched = auth.clone().grpc().watch_trailers();
    let mut client = EchoClient::new(watched.layer(channel(server.url())));
    let status = client.unary(String::new()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(state(&auth), CacheState::Empty);
}

#[tokio::test]
async fn late_trailers_do_not_drop_next_credential() {
    let server = Server::start().await;
    let auth = aged(two_tokens()).await;
    let watched = auth.clone().grpc().watch_trailers();
    let mut client = EchoClient::new(watched.layer(channel(server.url())));
    let reply = client.server_stream(format!("a {EXPIRE}")).await.unwrap();
    auth.cache().refresh().await.unwrap();
    reply
        .into_inner()
        .try_collect::<Vec<_>>()
        .await
        .unwrap_err();
    assert_eq!(state(&auth), CacheState::Fresh);
}
