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
use crate::server::{EXPIRE, Server};

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

/// As a service of a server needs it, which runs each request in a task.
#[tokio::test]
async fn replay_and_watched_trailers_run_in_tasks() {
    let server = rejecting_server().await;
    let auth = aged(two_tokens()).await;
    let mut replayed = client(auth.clone(), ReplayLayer::new(), &server);
    let replayed = tokio::spawn(async move { replayed.unary("a".to_owned()).await });
    assert_eq!(replayed.await.unwrap().unwrap().into_inner(), "a");

    let watched = auth.grpc().watch_trailers().layer(channel(server.url()));
    let mut watched = EchoClient::new(watched);
    let watched = tokio::spawn(async move { watched.unary("b".to_owned()).await });
    assert_eq!(watched.await.unwrap().unwrap().into_inner(), "b");
}

/// Both together: the caller sees status 16 in trailers, and the next call has the next credential.
#[tokio::test]
async fn replay_over_watched_trailers_builds() {
    let server = Server::start().await;
    let auth = aged(two_tokens()).await.grpc().watch_trailers();
    let to_body: fn(Request<ReplayBody<Body>>) -> Request<Body> = |request| request.map(Body::new);
    let channel = MapRequest::new(channel(server.url()), to_body);
    let mut client = EchoClient::new(ReplayLayer::new().layer(auth.layer(channel)));
    let reply = client.server_stream(format!("a {EXPIRE}")).await.unwrap();
    let messages: Result<Vec<_>, _> = reply.into_inner().try_collect().await;
    assert_eq!(messages.unwrap_err().code(), Code::Unauthenticated);
    client.unary(String::new()).await.unwrap();
    assert_eq!(server.received(), [OLD, NEW]);
}
