//! tonic under `ReplayLayer`: unary calls are replayed, streaming ones are not and do not wait.

use futures_util::{StreamExt, TryStreamExt, stream};
use http::Request;
use tonic::Code;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Layer;
use tower::util::MapRequest;
use yandex_cloud_auth::retry::{Replay, ReplayBody, ReplayLayer};
use yandex_cloud_auth::{AuthLayer, GrpcAuth};

use crate::client::*;
use crate::server::Server;

/// Tonic's channel with bodies that can be sent again.
type Replayable = MapRequest<Channel, fn(Request<ReplayBody<Body>>) -> Request<Body>>;

type Client = EchoClient<Replay<GrpcAuth<Replayable, Loopback>>>;

fn client(auth: AuthLayer<Loopback>, replay: ReplayLayer, server: &Server) -> Client {
    let to_body: fn(Request<ReplayBody<Body>>) -> Request<Body> = |request| request.map(Body::new);
    let channel = MapRequest::new(channel(server.url()), to_body);
    EchoClient::new(replay.layer(auth.grpc().layer(channel)))
}

async fn rejecting_server() -> Server {
    let server = Server::start().await;
    server.reject(OLD);
    server
}

#[tokio::test]
async fn unary_call_is_replayed() {
    let server = rejecting_server().await;
    let mut client = client(aged(two_tokens()).await, ReplayLayer::new(), &server);
    let text = "a".repeat(100_000);
    let reply = client.unary(text.clone()).await.unwrap();
    assert_eq!(reply.into_inner(), text);
    let reply = client.server_stream("a b".to_owned()).await.unwrap();
    let messages: Vec<_> = reply.into_inner().try_collect().await.unwrap();
    assert_eq!(messages, ["a", "b"]);
    assert_eq!(server.received(), [OLD, NEW, NEW]);
}

#[tokio::test]
async fn second_rejection_goes_to_caller() {
    let server = rejecting_server().await;
    server.reject(NEW);
    let mut client = client(aged(two_tokens()).await, ReplayLayer::new(), &server);
    let status = client.unary(String::new()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(server.received(), [OLD, NEW]);
}

#[tokio::test]
async fn long_message_is_sent_once() {
    let server = rejecting_server().await;
    let auth = aged(two_tokens()).await;
    let mut client = client(auth, ReplayLayer::new().with_max_bytes(1000), &server);
    let text = "a".repeat(10_000);
    let status = client.unary(text.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(client.unary(text.clone()).await.unwrap().into_inner(), text);
    assert_eq!(server.received(), [OLD, NEW]);
}

#[tokio::test]
async fn streaming_call_does_not_wait_for_its_end() {
    let server = rejecting_server().await;
    let mut client = client(aged(two_tokens()).await, ReplayLayer::new(), &server);
    let endless = || stream::iter(["a".to_owned()]).chain(stream::pending());

    let status = client.bidirectional(endless()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let mut replies = client.bidirectional(endless()).await.unwrap().into_inner();
    assert_eq!(replies.message().await.unwrap().unwrap(), "a");
    assert_eq!(server.received(), [OLD, NEW]);
}
