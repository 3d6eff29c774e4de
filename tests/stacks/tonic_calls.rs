//! tonic over `GrpcAuth<Channel>`: every kind of call, with and without TLS.

use futures_util::{TryStreamExt, stream};
use tonic::transport::{Channel, Endpoint};
use tower::Layer;
use yandex_cloud_auth::testing::{FakeCloud, proto};
use yandex_cloud_auth::{Auth, Credential, GrpcAuth, WatchTrailers};

use crate::client::*;
use crate::server::Server;
use crate::token::token;

fn words(text: &'static str) -> impl futures_util::Stream<Item = String> + Send + 'static {
    stream::iter(text.split(' ').map(str::to_owned))
}

/// Makes one call of each kind.
async fn assert_serves(mut client: EchoClient<GrpcAuth<Channel, Loopback>>, server: &Server) {
    let reply = client.unary("a b".to_owned()).await.unwrap();
    assert_eq!(reply.into_inner(), "a b");

    let reply = client.client_stream(words("a b c")).await.unwrap();
    assert_eq!(reply.into_inner(), "a b c");

    let reply = client.server_stream("a b".to_owned()).await.unwrap();
    let messages: Vec<_> = reply.into_inner().try_collect().await.unwrap();
    assert_eq!(messages, ["a", "b"]);

    let reply = client.bidirectional(words("a b")).await.unwrap();
    let messages: Vec<_> = reply.into_inner().try_collect().await.unwrap();
    assert_eq!(messages, ["a", "b"]);

    assert_eq!(server.received(), ["Bearer t1.abc"; 4]);
}

#[tokio::test]
async fn every_kind_of_call_carries_credential() {
    let server = Server::start().await;
    let auth = layer(token("t1.abc")).with_origin(server.url()).unwrap();
    let channel = auth.grpc().layer(channel(server.url()));
    assert_serves(EchoClient::new(channel), &server).await;
}

#[tokio::test]
async fn every_kind_of_call_carries_credential_over_tls() {
    let server = Server::start_tls().await;
    let auth = layer(token("t1.abc")).with_origin(server.https_url());
    let channel = Endpoint::from_shared(server.https_url())
        .unwrap()
        .connect_with_connector(tls_connector())
        .await
        .unwrap();
    let channel = auth.unwrap().grpc().layer(channel);
    assert_serves(EchoClient::new(channel), &server).await;
}

/// Each message is answered before the next one is sent.
#[tokio::test]
async fn bidirectional_call_is_not_buffered() {
    let server = Server::start().await;
    let channel = layer(token("t1.abc")).grpc().layer(channel(server.url()));
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let messages = stream::poll_fn(move |cx| receiver.poll_recv(cx));
    let mut client = EchoClient::new(channel);
    let mut replies = client.bidirectional(messages).await.unwrap().into_inner();
    for word in ["a", "b"] {
        sender.send(word.to_owned()).await.unwrap();
        assert_eq!(replies.message().await.unwrap().unwrap(), word);
    }
    drop(sender);
    assert_eq!(replies.message().await.unwrap(), None);
}

/// No type parameter is needed where the policy is the default one.
#[tokio::test]
async fn clients_are_fields_of_struct() {
    struct Clients {
        executions: proto::ExecutionServiceClient<GrpcAuth<Channel>>,
        watched: proto::ExecutionServiceClient<WatchTrailers<Channel>>,
        channel: Auth<Channel>,
    }
    let cloud = FakeCloud::start().await;
    let auth = yandex_cloud_auth::AuthLayer::new(Credential::api_key(cloud.api_key()).unwrap());
    let channel = channel(cloud.grpc_url());
    let mut clients = Clients {
        executions: proto::ExecutionServiceClient::new(auth.clone().grpc().layer(channel.clone())),
        watched: proto::ExecutionServiceClient::new(
            auth.clone().grpc().watch_trailers().layer(channel.clone()),
        ),
        channel: auth.layer(channel),
    };
    let request = || proto::StartExecutionRequest {
        workflow_id: "dfq1".to_owned(),
        input: None,
    };
    clients.executions.start(request()).await.unwrap();
    clients.watched.start(request()).await.unwrap();
    assert!(
        tower::ServiceExt::<http::Request<tonic::body::Body>>::ready(&mut clients.channel)
            .await
            .is_ok()
    );
}
