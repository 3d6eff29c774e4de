//! The bytes of a request on the wire, and the response after the layer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, UPGRADE};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::body::Body;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::testing::{FakeCloud, Host, proto};
use yandex_cloud_auth::{AuthOverride, Credential, Scheme};

use crate::server::{Server, read_request};
use crate::support::*;

#[tokio::test]
async fn public_workflow_starts_without_credential() {
    let cloud = FakeCloud::start().await;
    cloud.publish_workflow("dfq1");
    let auth = layer(account(&cloud));
    for http2 in [false, true] {
        let mut request = request_to(
            "POST",
            cloud.workflows_url() + "/workflows/v1/execution/dfq1/start",
        );
        request
            .headers_mut()
            .insert(AUTHORIZATION, "Bearer by-hand".parse().unwrap());
        request.extensions_mut().insert(AuthOverride::Anonymous);
        assert_eq!(send(&auth, http2, request).await.unwrap().status(), 200);
    }
    let audit = cloud.audit();
    assert_eq!(
        audit
            .iter()
            .map(|request| (request.host, request.scheme))
            .collect::<Vec<_>>(),
        [(Host::Workflows, None); 2]
    );
}

#[tokio::test]
async fn override_obeys_policy_and_keeps_cache() {
    let cloud = FakeCloud::start().await;
    let auth = layer(account(&cloud));
    let key = Credential::api_key(cloud.api_key()).unwrap();
    let with_key = |path: &str| {
        let mut request = request_to("GET", cloud.workflows_url() + path);
        request
            .extensions_mut()
            .insert(AuthOverride::Use(key.clone()));
        request
    };
    assert_eq!(
        send(&auth, false, with_key(LIST)).await.unwrap().status(),
        200
    );
    assert!(
        send(&auth, false, with_key("/workflows/v1/workflow/dfq1"))
            .await
            .is_err()
    );
    let audit = cloud.audit();
    assert_eq!(
        audit
            .iter()
            .map(|request| request.scheme)
            .collect::<Vec<_>>(),
        [Some(Scheme::ApiKey)]
    );
}

#[tokio::test]
async fn header_is_sensitive_cold_and_warm() {
    let cloud = FakeCloud::start().await;
    let auth = layer(account(&cloud));
    let mut service = ServiceBuilder::new()
        .layer(auth)
        .map_request(|request: Request<Full<Bytes>>| {
            let header = &request.headers()[AUTHORIZATION];
            assert!(header.is_sensitive());
            assert!(header.as_bytes().starts_with(b"Bearer t1."));
            request
        })
        .service(client(false));
    for _ in 0..3 {
        let request = request_to("GET", cloud.workflows_url() + LIST);
        assert_eq!(
            service
                .ready()
                .await
                .unwrap()
                .call(request)
                .await
                .unwrap()
                .status(),
            200
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hpack_never_indexes_the_header() {
    /// The representation "literal header field never indexed" with entry 23 of the static table,
    /// `authorization` *(RFC 7541 §6.2.3)*.
    const NEVER_INDEXED: [u8; 2] = [0x1f, 0x08];
    let (address, blocks) = header_blocks();
    let service = layer(Credential::iam_token("t1.abc").unwrap()).layer(client(true));
    for number in 0..3 {
        tokio::spawn(
            service
                .clone()
                .oneshot(request_to("GET", format!("http://{address}/{number}"))),
        );
        let block = blocks
            .recv_timeout(Duration::from_secs(10))
            .expect("a block of header fields");
        assert!(
            block.windows(2).any(|pair| pair == NEVER_INDEXED),
            "{block:02x?}"
        );
    }
}

/// An HTTP/2 server that sends no response, and the encoded header blocks that it receives.
fn header_blocks() -> (std::net::SocketAddr, mpsc::Receiver<Vec<u8>>) {
    const PREFACE: usize = 24;
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const HEADERS: u8 = 1;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&SETTINGS).unwrap();
        stream.read_exact(&mut [0; PREFACE]).unwrap();
        let mut head = [0; 9];
        while stream.read_exact(&mut head).is_ok() {
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            stream.read_exact(&mut payload).unwrap();
            if head[3] == HEADERS && sender.send(payload).is_err() {
                return;
            }
        }
    });
    (address, receiver)
}

#[tokio::test]
async fn grpc_response_keeps_frames_and_trailers() {
    let cloud = FakeCloud::start().await;
    let auth = layer(account(&cloud));
    let token = auth.cache().get().await.unwrap();
    let (layered, bare) = (auth.grpc().layer(channel(&cloud)), channel(&cloud));
    let mut by_hand = list_frame();
    by_hand
        .headers_mut()
        .insert(AUTHORIZATION, token.header_value().clone());
    let (ours, theirs) = (
        layered.oneshot(list_frame()).await.unwrap(),
        bare.oneshot(by_hand).await.unwrap(),
    );
    let (ours, theirs) = (parts_of(ours).await, parts_of(theirs).await);
    assert_eq!(ours, theirs);
    assert_eq!(ours.1.len(), 1, "one frame of data");
    assert_eq!(ours.2["grpc-status"], "0");
}

fn list_frame() -> Request<Body> {
    let message = proto::ListExecutionsRequest {
        workflow_id: "dfq1".to_owned(),
        ..Default::default()
    }
    .encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let frame = [&[0][..], &length, &message].concat();
    Request::post("/yandex.cloud.serverless.workflows.v1.ExecutionService/List")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Full::from(frame)))
        .unwrap()
}

/// The size hint of a body, its data, and its trailers.
async fn parts_of(response: Response<Body>) -> (String, Vec<Bytes>, HeaderMap) {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let mut body = response.into_body();
    let hint = format!(
        "{:?} {}",
        http_body::Body::size_hint(&body),
        http_body::Body::is_end_stream(&body)
    );
    let (mut data, mut trailers) = (Vec::new(), HeaderMap::new());
    while let Some(frame) = body.frame().await {
        match frame.unwrap().into_data() {
            Ok(bytes) => data.push(bytes),
            Err(frame) => trailers.extend(frame.into_trailers().unwrap()),
        }
    }
    (hint, data, trailers)
}

#[tokio::test]
async fn connection_is_upgraded_through_layer() {
    let server = Server::start(|mut stream| {
        let head = read_request(&mut stream);
        assert!(head.contains("authorization: Bearer t1.abc\r\n"), "{head}");
        stream
            .write_all(
                b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
            )
            .unwrap();
        let mut word = [0; 4];
        stream.read_exact(&mut word).unwrap();
        stream.write_all(&word).unwrap();
    });
    let auth = layer(Credential::iam_token("t1.abc").unwrap());
    let mut request = request_to("GET", format!("http://{}/", server.address));
    request
        .headers_mut()
        .insert(CONNECTION, "upgrade".parse().unwrap());
    request
        .headers_mut()
        .insert(UPGRADE, "echo".parse().unwrap());
    let response = send(&auth, false, request).await.unwrap();
    assert_eq!(response.status(), 101);
    let mut stream = TokioIo::new(
        within("the upgrade", hyper::upgrade::on(response))
            .await
            .unwrap(),
    );
    stream.write_all(b"ping").await.unwrap();
    let mut word = [0; 4];
    within("the echo", stream.read_exact(&mut word))
        .await
        .unwrap();
    assert_eq!(&word, b"ping");
}
