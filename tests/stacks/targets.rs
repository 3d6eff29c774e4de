//! Requests of every form and method on the wire, as hyper sends them over HTTP/1.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT, HOST, UPGRADE};
use http::{Method, Request, Response, Version};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::{BoxError, Layer, ServiceExt};
use yandex_cloud_auth::{AuthError, AuthLayer, Policy};

use crate::client::*;
use crate::raw_server::{Server, read_request};
use crate::token::token;

/// A server that shows the head of each request, and the heads.
fn server(response: &'static [u8]) -> (Server, Receiver<String>) {
    let (sender, heads) = channel();
    let server = Server::start(move |mut stream| {
        sender.send(read_request(&mut stream)).unwrap();
        stream.write_all(response).unwrap();
        // After an upgrade, four bytes are sent back.
        let mut word = [0; 4];
        if response.starts_with(b"HTTP/1.1 101") && stream.read_exact(&mut word).is_ok() {
            stream.write_all(&word).unwrap();
        }
    });
    (server, heads)
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Sends the request as it is, on a connection of its own.
async fn send<P>(
    auth: &AuthLayer<P>,
    server: &Server,
    request: Request<Empty<Bytes>>,
) -> Result<Response<Incoming>, BoxError>
where
    P: Policy + Clone,
{
    let address = server.address;
    let client = tower::service_fn(move |request: Request<Empty<Bytes>>| async move {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection.with_upgrades());
        Ok::<_, BoxError>(sender.send_request(request).await?)
    });
    auth.layer(client).oneshot(request).await
}

fn request(method: Method, target: &str) -> Request<Empty<Bytes>> {
    let request = Request::builder().method(method).uri(target);
    request
        .header(HOST, "localhost")
        .body(Empty::new())
        .unwrap()
}

/// The first line of the request that arrives, which must carry the credential.
fn authorized_line(heads: &Receiver<String>) -> String {
    let head = heads.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(head.contains("authorization: Bearer t1.abc\r\n"), "{head}");
    head.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn every_form_of_target_is_sent_unchanged() {
    let (server, heads) = server(OK);
    let auth = layer(token("t1.abc"));
    let absolute = format!("http://localhost:{}/a?b", server.address.port());
    let (origin, asterisk) = ("/a?b".to_owned(), "*".to_owned());
    for (method, target) in [
        (Method::GET, absolute),
        (Method::POST, origin),
        (Method::OPTIONS, asterisk),
    ] {
        let mut request = request(method.clone(), &target);
        if let Some(authority) = request.uri().authority().cloned() {
            let host = authority.as_str().parse().unwrap();
            request.headers_mut().insert(HOST, host);
        }
        assert_eq!(send(&auth, &server, request).await.unwrap().status(), 200);
        assert_eq!(
            authorized_line(&heads),
            format!("{method} {target} HTTP/1.1")
        );
    }
}

#[tokio::test]
async fn origin_form_is_judged_by_given_origin() {
    let (server, heads) = server(OK);
    for (origin, is_sent) in [("http://localhost", true), ("https://evil.example", false)] {
        let auth = layer(token("t1.abc")).with_origin(origin).unwrap();
        let response = send(&auth, &server, request(Method::GET, "/a")).await;
        assert_eq!(response.is_ok(), is_sent, "{origin}");
    }
    assert_eq!(authorized_line(&heads), "GET /a HTTP/1.1");
    assert!(heads.try_recv().is_err());
}

#[tokio::test]
async fn tunnel_trace_and_bare_authority_are_denied() {
    let (server, heads) = server(OK);
    for (method, target) in [
        (Method::CONNECT, "localhost:443"),
        (Method::CONNECT, "api.cloud.yandex.net:443"),
        (Method::GET, "localhost:443"),
        (Method::TRACE, "http://localhost/"),
        (Method::TRACE, "/"),
        (Method::GET, "*"),
    ] {
        let request = request(method.clone(), target);
        let error = send(&layer(token("t1.abc")), &server, request).await;
        let error = error.map(|_| format!("{method} {target}")).unwrap_err();
        assert!(
            matches!(error.downcast_ref(), Some(AuthError::Denied(_))),
            "{error}"
        );
    }
    assert!(heads.try_recv().is_err());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn http_1_0_carries_credential() {
    let (server, heads) = server(OK);
    let mut request = request(Method::GET, "/a");
    *request.version_mut() = Version::HTTP_10;
    let response = send(&layer(token("t1.abc")), &server, request).await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(authorized_line(&heads), "GET /a HTTP/1.0");
}

#[tokio::test]
async fn expectation_is_sent_with_credential() {
    let (server, heads) = server(OK);
    let mut request = request(Method::POST, "/a");
    let expectation = "100-continue".parse().unwrap();
    request.headers_mut().insert(EXPECT, expectation);
    send(&layer(token("t1.abc")), &server, request)
        .await
        .unwrap();
    assert_eq!(authorized_line(&heads), "POST /a HTTP/1.1");
}

#[tokio::test]
async fn websocket_handshake_carries_credential() {
    let (server, heads) = server(
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    );
    let mut handshake = request(Method::GET, "/stream");
    for (name, value) in [(CONNECTION, "upgrade"), (UPGRADE, "websocket")] {
        handshake.headers_mut().insert(name, value.parse().unwrap());
    }
    let response = send(&layer(token("t1.abc")), &server, handshake).await;
    let response = response.unwrap();
    assert_eq!(response.status(), 101);
    assert_eq!(authorized_line(&heads), "GET /stream HTTP/1.1");

    let mut stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    stream.write_all(b"ping").await.unwrap();
    let mut word = [0; 4];
    stream.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"ping");
}

/// hyper's target of a handshake is `http` or `https`: the policy knows no `wss`.
#[tokio::test]
async fn websocket_scheme_is_denied() {
    let (server, _heads) = server(OK);
    for target in ["ws://localhost/", "wss://localhost/"] {
        let error = send(
            &layer(token("t1.abc")),
            &server,
            request(Method::GET, target),
        )
        .await;
        assert!(error.is_err(), "{target}");
    }
    assert_eq!(server.connections(), 0);
}
