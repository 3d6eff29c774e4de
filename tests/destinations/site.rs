//! A server that keeps the head of each request, and the client of these tests.

use std::io::Write;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use yandex_cloud_auth::Credential;

use crate::server::{Server, read_request};

pub(crate) const EXECUTION: &str = "/workflows/v1/execution";
pub(crate) const TOKEN: &str = "t1.canary";

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A server on loopback, and the requests that it received.
pub(crate) struct Site {
    pub(crate) server: Server,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub(crate) fn start() -> Self {
        Self::responding(|_| OK.to_owned())
    }

    /// Answers each request with the response that `respond` makes of its head.
    pub(crate) fn responding(respond: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&heads);
        let server = Server::start(move |mut stream| {
            let head = read_request(&mut stream);
            let response = respond(&head);
            received.lock().unwrap().push(head);
            stream.write_all(response.as_bytes()).unwrap();
        });
        Self { server, heads }
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.address.port()
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.origin() + path
    }

    /// The path of each request, and the values of `authorization` that it had.
    pub(crate) fn received(&self) -> Vec<(String, Vec<String>)> {
        let heads = self.heads.lock().unwrap();
        heads
            .iter()
            .map(|head| (path(head), values(head, "authorization")))
            .collect()
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

pub(crate) fn path(head: &str) -> String {
    head.split(' ').nth(1).unwrap().to_owned()
}

/// The values of the fields with this name, which is in small letters.
pub(crate) fn values(head: &str, name: &str) -> Vec<String> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields
        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
        .collect()
}

pub(crate) fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

pub(crate) fn request(method: &str, uri: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method.parse::<Method>().unwrap())
        .uri(uri)
        .body(Full::default())
        .unwrap()
}

pub(crate) fn key() -> Credential {
    Credential::api_key("AQVNcanary").unwrap()
}

pub(crate) fn token() -> Credential {
    Credential::iam_token(TOKEN).unwrap()
}
