//! Proxies between the client and the trusted server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;

use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use tower::{Layer, ServiceExt};
use yandex_cloud_auth::{
    AuthError, AuthLayer, AuthOverride, Credential, Decision, Policy, RequestHead, TrustedOrigins,
};

use crate::server::{Server, read_request};
use crate::site::*;
use crate::tls;

const PROXY: &str = "Basic cHJveHk6c2VjcmV0";

/// A proxy that opens a tunnel to `target`, and all bytes that its client sent.
fn tunnel_to(target: std::net::SocketAddr) -> (Server, Arc<Mutex<Vec<u8>>>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&sent);
    let proxy = Server::start(move |mut client| {
        let head = read_request(&mut client);
        recorded.lock().unwrap().extend_from_slice(head.as_bytes());
        let mut upstream = TcpStream::connect(target).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from_client, mut to_upstream) =
            (client.try_clone().unwrap(), upstream.try_clone().unwrap());
        let recorded = Arc::clone(&recorded);
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = from_client.read(&mut chunk) {
                recorded.lock().unwrap().extend_from_slice(&chunk[..length]);
                to_upstream.write_all(&chunk[..length]).unwrap();
            }
        });
        let _ended = std::io::copy(&mut upstream, &mut client);
    });
    (proxy, sent)
}

#[tokio::test]
async fn tunnel_proxy_sees_no_credential() {
    let target = tls::Site::responding(OK.to_owned());
    let (proxy, sent) = tunnel_to(target.server.address);
    let origins = TrustedOrigins::none().allow(target.origin()).unwrap();
    let layer = AuthLayer::new(token()).with_policy(origins);
    let proxy_url = format!("http://{}", proxy.address).parse().unwrap();
    let tunnel = Tunnel::new(proxy_url, tls::http_connector());
    let service = layer.layer(tls::client(tunnel.with_auth(PROXY.parse().unwrap())));

    for _ in 0..2 {
        let request = request("GET", &(target.origin() + EXECUTION));
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let bytes = String::from_utf8_lossy(&sent.lock().unwrap()).into_owned();
    let (head, _) = bytes.split_once("\r\n\r\n").unwrap();
    let authority = format!("localhost:{}", target.server.address.port());
    assert!(head.starts_with(&format!("CONNECT {authority} ")), "{head}");
    assert_eq!(values(head, "proxy-authorization"), [PROXY]);
    assert_eq!(values(head, "authorization"), [""; 0]);
    assert!(!bytes.contains(TOKEN) && !bytes.contains("Bearer"));
    for head in target.heads() {
        assert_eq!(values(&head, "authorization"), ["Bearer t1.canary"]);
        assert_eq!(values(&head, "proxy-authorization"), [""; 0]);
    }
    assert_eq!(target.heads().len(), 2);
}

/// Attaches the credential to this path only.
#[derive(Clone)]
struct AtExecution;

impl Policy for AtExecution {
    fn decide(&self, head: &RequestHead<'_>, _: &Credential) -> Decision {
        match head.uri.path() {
            EXECUTION => Decision::Attach,
            _ => Decision::Skip,
        }
    }
}

#[tokio::test]
async fn proxy_authorization_is_left_alone() {
    let site = Site::start();
    let service = AuthLayer::new(token())
        .with_policy(AtExecution)
        .layer(client());
    let with_proxy = |path: &str| {
        let mut request = request("GET", &site.url(path));
        for name in [AUTHORIZATION, PROXY_AUTHORIZATION] {
            request.headers_mut().insert(name, PROXY.parse().unwrap());
        }
        request
    };
    let mut anonymous = with_proxy(EXECUTION);
    anonymous.extensions_mut().insert(AuthOverride::Anonymous);
    for request in [with_proxy(EXECUTION), with_proxy("/skipped"), anonymous] {
        service.clone().oneshot(request).await.unwrap();
    }
    let heads = site.heads();
    let sent = |name| -> Vec<_> { heads.iter().map(|head| values(head, name)).collect() };
    let attached: &[&str] = &["Bearer t1.canary"];
    assert_eq!(sent("authorization"), [attached, &[], &[]]);
    assert_eq!(sent("proxy-authorization"), [[PROXY]; 3]);
}

/// A client that speaks to its proxy by hand sends `CONNECT` through the layer.
#[tokio::test]
async fn request_for_tunnel_is_not_sent() {
    let proxy = Site::start();
    let origins = TrustedOrigins::yandex_cloud().allow_loopback();
    let service = AuthLayer::new(token()).with_policy(origins).layer(client());
    for target in [
        "api.cloud.yandex.net:443",
        &proxy.server.address.to_string(),
    ] {
        let mut connect = request("CONNECT", target);
        let value = PROXY.parse().unwrap();
        connect.headers_mut().insert(PROXY_AUTHORIZATION, value);
        let error = service.clone().oneshot(connect).await.unwrap_err();
        assert!(
            matches!(error.downcast_ref(), Some(AuthError::Denied(_))),
            "{error}"
        );
    }
    assert_eq!(proxy.server.connections(), 0);
}
