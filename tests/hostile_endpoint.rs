//! The ready-made transport against servers that break off, stall, drip, redirect, pack and never
//! end.
//!
//! Real sockets and the real clock, so limits are short.

mod script;
mod server;

use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use yandex_cloud_auth::{CredentialProvider, MetadataService, ProviderError, ServiceAccountKey};

use crate::script::{iam_token, printed};
use crate::server::{KEY, Server, read_request, run, wait_for_close, with_length};

/// What a fetch from this server ends with, by one connection.
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
async fn a_request_is_http_1_1_and_asks_for_no_encoding() {
    let (tell, told) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let server = Server::start(move |mut stream| {
        tell.lock()
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
    let request = told.recv().unwrap().to_lowercase();
    assert!(
        request.starts_with("post /iam/v1/tokens http/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains(&format!("host: {}\r\n", server.address)));
    assert!(!request.contains("accept-encoding") && !request.contains("authorization"));
}

#[tokio::test]
async fn every_fetch_opens_a_connection_of_its_own() {
    let server = Server::start(|mut stream| {
        // Kept open by this side.
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
async fn a_connection_that_is_closed_or_reset_is_transient() {
    let closed = Server::start(drop);
    assert!(failure(&closed).await.is_transient());

    let reset = Server::start(|stream| {
        // Closing with a request unread makes the kernel send a reset.
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
async fn a_body_that_breaks_off_is_never_taken_for_a_token() {
    let whole = r#"{"iamToken":"t1.canary"}"#;
    let short = Server::answering(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{whole}"
    ));
    let error = failure(&short).await;
    assert!(
        error.is_transient() && error.to_string().contains("its body broke off"),
        "{error}"
    );

    let chunked = Server::answering(format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n18\r\n{whole}\r\n"
    ));
    assert!(failure(&chunked).await.is_transient());
}

#[tokio::test]
async fn a_body_without_end_is_read_up_to_64_kib() {
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
async fn a_body_that_is_not_utf_8_is_transient() {
    let mut answer =
        b"HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"iamToken\":\"canary".to_vec();
    answer.extend(b"\xff\"}");
    assert!(failure(&Server::answering(answer)).await.is_transient());
}

#[tokio::test]
async fn a_name_that_is_not_found_is_transient() {
    // A name that never exists *(RFC 6761 §6.4)*.
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
async fn a_head_without_end_is_transient() {
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
async fn what_is_no_http_is_transient() {
    for answer in [
        "canary",
        "SSH-2.0-canary\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: canary\r\n\r\n",
    ] {
        assert!(
            failure(&Server::answering(answer)).await.is_transient(),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn an_encoded_body_is_not_unpacked() {
    let server = Server::answering(with_length(
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
async fn a_redirect_is_not_followed_and_its_host_is_named() {
    let target = Server::answering(with_length("200 OK", "", &iam_token("t1.canary", 60)));
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = format!("location: http://{}/canary?canary\r\n", target.address);
        let error = failure(&Server::answering(with_length(status, &location, "canary"))).await;
        assert!(
            error.is_permanent() && error.to_string().contains("the host 127.0.0.1"),
            "{error}"
        );
        assert!(error.to_string().contains(&status[..3]), "{error}");
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_stalled_head_a_stalled_body_and_a_drip_end_when_the_caller_ends_them() {
    let stalled_head = Server::start(|mut stream| {
        read_request(&mut stream);
        wait_for_close(&mut stream);
    });
    let stalled_body = Server::start(|mut stream| {
        read_request(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"iamToken\":")
            .unwrap();
        wait_for_close(&mut stream);
    });
    let drip = Server::start(|mut stream| {
        read_request(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n")
            .unwrap();
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    for server in [stalled_head, stalled_body, drip] {
        let start = Instant::now();
        let provider = server.provider();
        assert!(
            tokio::time::timeout(Duration::from_millis(300), provider.fetch())
                .await
                .is_err()
        );
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(server.connections(), 1);
    }
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
        "in_a_process::a_fetch_succeeds",
        &names.map(|name| (name, proxy.as_str())),
    );
    assert_eq!(trap.connections(), 0);
}

mod in_a_process {
    use super::*;

    #[tokio::test]
    #[ignore = "run by another test, with the environment it needs"]
    async fn a_fetch_succeeds() {
        let token = r#"{"iamToken":"t1.abc","access_token":"t1.abc"}"#;
        let server = Server::answering(with_length("200 OK", "", token));
        server.provider().fetch().await.unwrap();
        let machine = MetadataService::new().with_endpoint(format!("http://{}", server.address));
        machine.fetch().await.unwrap();
        assert_eq!(server.connections(), 2);
    }
}
