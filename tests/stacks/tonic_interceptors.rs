//! tonic's interceptors outside and inside of the layer.

use tonic::body::Body;
use tonic::service::interceptor::{InterceptedService, InterceptorLayer, ResponseBody};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tower::util::MapResponse;
use tower::{Layer, ServiceBuilder};
use yandex_cloud_auth::GrpcAuth;

use crate::client::*;
use crate::server::Server;
use crate::token::token;

type Intercept = fn(Request<()>) -> Result<Request<()>, Status>;

/// What an interceptor sees of the credential is in its status.
const SHOW: Intercept = |request| match request.metadata().get("authorization") {
    None => Err(Status::aborted("no credential")),
    Some(value) if value.is_sensitive() => Err(Status::aborted("a credential")),
    Some(_) => Err(Status::aborted("a credential in the open")),
};

#[tokio::test]
async fn interceptor_outside_does_not_see_credential() {
    let server = Server::start().await;
    let auth = layer(token("t1.abc")).grpc();
    // As the generated `with_interceptor` does.
    let show = InterceptedService::new(auth.layer(channel(server.url())), SHOW);
    let status = EchoClient::new(show)
        .unary(String::new())
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Aborted, "no credential")
    );

    let by_hand: Intercept = |mut request| {
        let value = "Bearer by-hand".parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    };
    let replaced = ServiceBuilder::new()
        .layer(InterceptorLayer::new(by_hand))
        .layer(auth)
        .service(channel(server.url()));
    EchoClient::new(replaced)
        .unary(String::new())
        .await
        .unwrap();
    assert_eq!(server.received(), ["Bearer t1.abc"]);
}

/// The type of a channel with an interceptor inside of the layer.
type Intercepted = MapResponse<
    InterceptedService<Channel, Intercept>,
    fn(http::Response<ResponseBody<Body>>) -> http::Response<Body>,
>;

fn intercepted(channel: Channel, intercept: Intercept) -> Intercepted {
    let intercepted = InterceptedService::new(channel, intercept);
    MapResponse::new(intercepted, |response| response.map(Body::new))
}

#[tokio::test]
async fn interceptor_inside_sees_sensitive_credential() {
    let server = Server::start().await;
    let auth = layer(token("t1.abc")).grpc();
    let show: GrpcAuth<Intercepted, Loopback> =
        auth.layer(intercepted(channel(server.url()), SHOW));
    let status = EchoClient::new(show)
        .unary(String::new())
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Aborted, "a credential")
    );

    let pass = auth.layer(intercepted(channel(server.url()), Ok));
    EchoClient::new(pass).unary(String::new()).await.unwrap();
    assert_eq!(server.received(), ["Bearer t1.abc"]);
}

#[tokio::test]
async fn rejection_inside_interceptor_drops_credential() {
    let server = Server::start().await;
    server.reject(OLD);
    let auth = aged(two_tokens()).await.grpc();
    let mut client = EchoClient::new(auth.layer(intercepted(channel(server.url()), Ok)));
    client.unary(String::new()).await.unwrap_err();
    client.unary(String::new()).await.unwrap();
    assert_eq!(server.received(), [OLD, NEW]);
}
