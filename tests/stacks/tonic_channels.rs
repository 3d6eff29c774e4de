//! tonic's channels: balanced over several endpoints, and connected on first use.

use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tower::Layer;

use crate::client::*;
use crate::server::Server;
use crate::token::token;

#[tokio::test]
async fn balanced_channel_sends_credential_everywhere() {
    let servers = [Server::start().await, Server::start().await];
    let endpoints = servers
        .iter()
        .map(|server| Endpoint::from_shared(server.url()).unwrap());
    let channel = Channel::balance_list(endpoints);
    let mut client = EchoClient::new(layer(token("t1.abc")).grpc().layer(channel));

    let mut received = [0, 0];
    // Bounded only so that a failure ends: each call picks one of the ready endpoints at random.
    for _ in 0..10_000 {
        client.unary(String::new()).await.unwrap();
        for (server, count) in servers.iter().zip(&mut received) {
            let requests = server.received();
            assert!(requests.iter().all(|value| value == "Bearer t1.abc"));
            *count += requests.len();
        }
        if !received.contains(&0) {
            break;
        }
    }
    assert!(received.iter().all(|count| *count > 0), "{received:?}");
}

#[tokio::test]
async fn lazy_channel_connects_on_first_call() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut client = EchoClient::new(layer(token("t1.abc")).grpc().layer(channel(url)));
    let status = client.unary(String::new()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    // The status is the transport's, not the layer's.
    assert!(status.metadata().get("yandex-cloud-auth").is_none());

    let server = Server::start().await;
    let mut client = EchoClient::new(layer(token("t1.abc")).grpc().layer(channel(server.url())));
    client.unary(String::new()).await.unwrap();
    assert_eq!(server.received(), ["Bearer t1.abc"]);
}
