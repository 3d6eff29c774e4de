//! The ready-made transport with servers that truncate, stall, redirect, encode or never end their
//! responses.

#[path = "support/script.rs"]
mod script;
#[path = "support/server.rs"]
mod server;

use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, channel};
use yandex_cloud_auth::{CredentialProvider, MetadataService, ProviderError, ServiceAccountKey};

use crate::script::{iam_token, printed};
use crate::server::{KEY, Server, read_request, run, wait_for_close, with_length};

/// The error of a fetch from this server, with one connection.
async fn failure(server: &Server) -> ProviderError {
    let fetch = tokio::time::timeout(Duration::from_secs(20), async {
        server.provider().fetch().await
    });
    let error = fetch.await.expect("an end").unwrap_err();
    assert_eq!(server.connections(), 1, "{error}");
    assert!(!printed(&error).contains("canary"), "{error}");
    error
}

#[tokio::test]
async fn request_is_http_1_1_without_encoding() {
    let (sender, requests) = mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let server = Server::start(move |mut stream| {
        sender
            .lock()
            .unwrap()
            .send(read_request(&mut stream))
            .unwrap();
        stream
            .write_all(with_length("200 OK", "", &iam_token("t1.abc", 60)).as_bytes())
            .unwrap();
    });
    assert_eq!(
        server.provider().fetch().await.unwrap().header_value(),
        "Bearer t1.abc"
    );
    let request = requests.recv().unwrap().to_lowercase();
    assert!(
        request.starts_with("post /iam/v1/tokens http/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains(&format!("host: {}\r\n", server.address)));
    assert!(!request.contains("accept-encoding") && !request.contains("authorization"));
}

#[tokio::test]
async fn each_fetch_opens_a_connection() {
    let server = Server::start(|mut stream| {
        // This side keeps the connection open.
        while stream.peek(&mut [0]).is_ok_and(|length| length > 0) {
            read_request(&mut stream);
            stream
                .write_all(with_length("200 OK", "", &iam_token("t1.abc", 60)).as_bytes())
                .unwrap();
        }
    });
    let provider = server.provider();
    provider.fetch().await.unwrap();
    provider.fetch().await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn closed_connection_is_transient() {
    let closed = Server::start(drop);
    assert!(failure(&closed).await.is_transient());

    let reset = Server::start(|stream| {
        // If a request is unread, the kernel closes with a reset.
        stream.peek(&mut [0]).unwrap();
    });
    assert!(failure(&reset).await.is_transient());

    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let provider = ServiceAccountKey::from_json(KEY)
        .unwrap()
        .with_endpoint(format!("http://127.0.0.1:{port}"));
    let error = provider.fetch().await.unwrap_err();
    assert!(
        error.is_transient() && error.to_string().contains("onnection refused"),
        "{error}"
    );
}

#[tokio::test]
async fn truncated_body_is_not_a_token() {
    let whole = r#"{"iamToken":"t1.canary"}"#;
    let short = Server::responding(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{whole}"
    ));
    let error = failure(&short).await;
    assert!(
        error.is_transient() && error.to_string().contains("its body broke off"),
        "{error}"
    );

    let chunked = Server::responding(format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n18\r\n{whole}\r\n"
    ));
    assert!(failure(&chunked).await.is_transient());
}

#[tokio::test]
async fn endless_body_is_read_up_to_64_kib() {
    let endless = Server::start(|mut stream| {
        read_request(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .unwrap();
        let chunk = format!("1000\r\n{}\r\n", "c".repeat(4096));
        while stream.write_all(chunk.as_bytes()).is_ok() {}
    });
    let error = failure(&endless).await;
    assert!(
        error.is_transient() && error.to_string().contains("longer than 64 KiB"),
        "{error}"
    );

    let huge = Server::start(|mut stream| {
        read_request(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
            .unwrap();
        while stream.write_all(&[b'c'; 4096]).is_ok() {}
    });
    assert!(
        failure(&huge)
            .await
            .to_string()
            .contains("longer than 64 KiB")
    );
}

#[tokio::test]
async fn binary_body_is_transient() {
    let mut response =
        b"HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"iamToken\":\"canary".to_vec();
    response.extend(b"\xff\"}");
    assert!(failure(&Server::responding(response)).await.is_transient());
}

#[tokio::test]
async fn unknown_host_is_transient() {
    // This name never exists *(RFC 6761 §6.4)*.
    let error = ServiceAccountKey::from_json(KEY)
        .unwrap()
        .with_endpoint("https://iam.invalid")
        .fetch()
        .await
        .unwrap_err();
    assert!(
        error.is_transient()
            && error
                .to_string()
                .contains("https://iam.invalid/iam/v1/tokens"),
        "{error}"
    );
}

#[tokio::test]
async fn endless_head_is_transient() {
    let endless = Server::start(|mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        while stream
            .write_all(b"x-canary: canary-canary-canary-canary\r\n")
            .is_ok()
        {}
    });
    assert!(failure(&endless).await.is_transient());
}

#[tokio::test]
async fn invalid_http_is_transient() {
    for response in [
        "canary",
        "SSH-2.0-canary\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: canary\r\n\r\n",
    ] {
        assert!(
            failure(&Server::responding(response)).await.is_transient(),
            "{response}"
        );
    }
}

#[tokio::test]
async fn encoded_body_is_not_decoded() {
    let server = Server::responding(with_length(
        "200 OK",
        "content-encoding: gzip\r\n",
        "\u{1f}canary",
    ));
    let error = failure(&server).await;
    assert!(
        error.is_transient() && error.to_string().contains("encoded"),
        "{error}"
    );
}

#[tokio::test]
async fn redirect_is_named_and_not_followed() {
    let target = Server::responding(with_length("200 OK", "", &iam_token("t1.canary", 60)));
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = format!("location: http://{}/canary?canary\r\n", target.address);
        let error = failure(&Server::responding(with_length(
            status, &location, "canary",
        )))
        .await;
        assert!(
            error.is_permanent() && error.to_string().contains("the host 127.0.0.1"),
            "{error}"
        );
        assert!(error.to_string().contains(&status[..3]), "{error}");
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn stalled_response_ends_with_caller() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n";
    const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"iamToken\":";
    for (start, spaces, received) in [("", 0, 0), (HALF, 0, 0), (HEAD, 2000, 20)] {
        let (server, mut seen) = stalling(start, spaces);
        let provider = server.provider();
        let mut fetch = Box::pin(provider.fetch());
        for _ in 0..=received {
            tokio::select! {
                result = &mut fetch => panic!("{result:?}"),
                event = seen.recv() => assert_eq!(event, Some(Seen::Sent)),
            }
        }
        drop(fetch);
        let close = tokio::time::timeout(Duration::from_secs(20), closed_after(&mut seen));
        let sent = received + close.await.expect("an end");
        assert!(sent <= spaces / 2, "{sent} of {spaces} were sent");
        assert_eq!(server.connections(), 1);
    }
}

#[derive(Debug, PartialEq)]
enum Seen {
    Sent,
    Closed,
}

/// Sends `start` and then one space at a time, and waits until the client closes the connection. At
/// most two more spaces are sent than the test has received events.
fn stalling(start: &'static str, spaces: usize) -> (Server, Receiver<Seen>) {
    let (sender, seen) = channel(1);
    let server = Server::start(move |mut stream| {
        read_request(&mut stream);
        stream.write_all(start.as_bytes()).unwrap();
        sender.blocking_send(Seen::Sent).unwrap();
        for _ in 0..spaces {
            if stream.write_all(b" ").is_err() {
                break;
            }
            sender.blocking_send(Seen::Sent).unwrap();
        }
        wait_for_close(&mut stream);
        sender.blocking_send(Seen::Closed).unwrap();
    });
    (server, seen)
}

/// How often the server sent before the client closed the connection.
async fn closed_after(seen: &mut Receiver<Seen>) -> usize {
    let mut sent = 0;
    while seen.recv().await == Some(Seen::Sent) {
        sent += 1;
    }
    sent
}

#[test]
fn proxy_variables_are_not_read() {
    let trap = Server::start(drop);
    let proxy = format!("http://{}", trap.address);
    let names = [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ];
    run(
        "in_a_process::fetch_succeeds",
        &names.map(|name| (name, proxy.as_str())),
    );
    assert_eq!(trap.connections(), 0);
}

mod in_a_process {
    use super::*;

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn fetch_succeeds() {
        let token = r#"{"iamToken":"t1.abc","access_token":"t1.abc"}"#;
        let server = Server::responding(with_length("200 OK", "", token));
        server.provider().fetch().await.unwrap();
        let machine = MetadataService::new().with_endpoint(format!("http://{}", server.address));
        machine.fetch().await.unwrap();
        assert_eq!(server.connections(), 2);
    }
}
