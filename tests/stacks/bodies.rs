//! Bodies of the clients that users have, each over a socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::{LocalSet, spawn_local};
use tower::{BoxError, Layer, ServiceExt};
use yandex_cloud_auth::testing::ScriptedProvider;

use crate::client::*;
use crate::token::token;

/// Responds with the credential and the body of the request.
async fn echo_server() -> SocketAddr {
    let echo = async |headers: HeaderMap, body: String| {
        format!(
            "{} {body}",
            headers[header::AUTHORIZATION].to_str().unwrap()
        )
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = axum::serve(listener, Router::new().route("/", post(echo)));
    tokio::spawn(server.into_future());
    address
}

/// Sends the body while there is no credential yet, and again when there is.
async fn assert_arrives<B>(body: impl Fn() -> B, expected: &str)
where
    B: Body<Data: Send, Error: Into<BoxError>> + 'static,
{
    let address = echo_server().await;
    let client = tower::service_fn(move |request: Request<B>| async move {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        spawn_local(connection);
        Ok::<_, BoxError>(sender.send_request(request).await?)
    });
    let client = layer(ScriptedProvider::new().answer(token("t1.abc"))).layer(client);
    let requests = async {
        for _ in 0..2 {
            let request = Request::post("/").header(header::HOST, "localhost");
            let request = request.body(body()).unwrap();
            let response = client.clone().oneshot(request).await.unwrap();
            let text = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(text, format!("Bearer t1.abc {expected}"));
        }
    };
    LocalSet::new().run_until(requests).await;
}

const TEXT: Bytes = Bytes::from_static(b"abc");

/// One frame, neither `Clone` nor `Send`.
struct Local(Option<Rc<Bytes>>);

impl Body for Local {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.0.take().map(|data| Bytes::clone(&data));
        Poll::Ready(data.map(Frame::data).map(Ok))
    }
}

#[tokio::test]
async fn body_of_every_client_arrives() {
    assert_arrives(Empty::<Bytes>::new, "").await;
    assert_arrives(|| Full::new(TEXT), "abc").await;
    assert_arrives(|| "abc".to_owned(), "abc").await;
    assert_arrives(|| axum::body::Body::from(TEXT), "abc").await;
    assert_arrives(|| tonic::body::Body::new(Full::new(TEXT)), "abc").await;
}

#[tokio::test]
async fn streaming_body_that_is_not_unpin_arrives() {
    let frames = || {
        let frames = futures_util::stream::unfold(0, |number| async move {
            tokio::task::yield_now().await;
            let frame = || Ok::<_, Infallible>(Frame::data(TEXT.slice(number..=number)));
            (number < 3).then(|| (frame(), number + 1))
        });
        StreamBody::new(frames)
    };
    assert_arrives(frames, "abc").await;
}

#[tokio::test]
async fn body_that_is_not_send_arrives() {
    assert_arrives(|| Local(Some(Rc::new(TEXT))), "abc").await;
}
