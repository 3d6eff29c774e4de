//! Requests to servers that are not trusted.

use http::header::{CONNECTION, HOST, UPGRADE};
use http::{Request, Response};
use hyper::body::Incoming;
use tower::{BoxError, Layer, Service, ServiceExt};
use yandex_cloud_auth::{AuthError, AuthLayer, ExecutionOnly, Policy, TrustedOrigins};

use crate::site::*;

fn layer(trusted: &Site) -> AuthLayer<impl Policy + Clone + use<>> {
    let origins = TrustedOrigins::none().allow_insecure(trusted.origin());
    AuthLayer::new(key()).with_policy(origins.unwrap().and(ExecutionOnly))
}

fn assert_denied(outcome: Result<Response<Incoming>, BoxError>, what: &str) {
    let error = outcome.map(|response| response.status()).unwrap_err();
    let denied = matches!(error.downcast_ref(), Some(AuthError::Denied(_)));
    assert!(denied, "{what}: {error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

/// One service sends requests to the trusted server in between.
#[tokio::test]
async fn denied_request_opens_no_connection() {
    let (trusted, foreign) = (Site::start(), Site::start());
    let (port, other) = (trusted.port(), foreign.port());
    let mut service = layer(&trusted).layer(client());
    let mut sent = 0;
    for (method, uri) in [
        // Another port, scheme, host or user.
        ("GET", foreign.url(EXECUTION)),
        ("GET", format!("https://127.0.0.1:{port}{EXECUTION}")),
        ("GET", format!("http://localhost:{port}{EXECUTION}")),
        ("GET", format!("http://127.0.0.2:{port}{EXECUTION}")),
        ("GET", format!("http://127.1:{port}{EXECUTION}")),
        (
            "GET",
            format!("http://[::ffff:127.0.0.1]:{port}{EXECUTION}"),
        ),
        (
            "GET",
            format!("http://user:secret@127.0.0.1:{port}{EXECUTION}"),
        ),
        (
            "GET",
            format!("http://127.0.0.1:{port}@127.0.0.1:{other}{EXECUTION}"),
        ),
        (
            "GET",
            format!("http://127.0.0.1:{other}#@127.0.0.1:{port}{EXECUTION}"),
        ),
        (
            "GET",
            format!("http://127.0.0.1:{other}?@127.0.0.1:{port}{EXECUTION}"),
        ),
        // Methods that disclose what is sent.
        ("TRACE", trusted.url(EXECUTION)),
        ("CONNECT", trusted.url(EXECUTION)),
        ("CONNECT", format!("127.0.0.1:{other}")),
        ("CONNECT", format!("127.0.0.1:{port}")),
        // Methods that an API key is not for.
        ("POST", trusted.url("/workflows/v1/workflow")),
        ("GET", trusted.url("/workflows/v1/execution/../workflow")),
    ] {
        assert_denied(
            service
                .ready()
                .await
                .unwrap()
                .call(request(method, &uri))
                .await,
            &format!("{method} {uri}"),
        );
        let mut upgrade = request(method, &uri);
        let headers = upgrade.headers_mut();
        headers.insert(CONNECTION, "upgrade".parse().unwrap());
        headers.insert(UPGRADE, "websocket".parse().unwrap());
        let outcome = service.ready().await.unwrap().call(upgrade).await;
        assert_denied(outcome, &format!("an upgrade with {method} {uri}"));

        let allowed = request("GET", &trusted.url(EXECUTION));
        let response = service.ready().await.unwrap().call(allowed).await;
        assert_eq!(response.unwrap().status(), 200);
        sent += 1;
    }
    assert_eq!(foreign.server.connections(), 0);
    let with_key = (EXECUTION.to_owned(), vec!["Api-Key AQVNcanary".to_owned()]);
    assert_eq!(trusted.received(), vec![with_key; sent]);
}

#[tokio::test]
async fn foreign_host_field_is_not_sent() {
    let (trusted, foreign) = (Site::start(), Site::start());
    let service = layer(&trusted).layer(client());
    let with_hosts = |hosts: &[String]| -> Request<_> {
        let mut request = request("GET", &trusted.url(EXECUTION));
        for host in hosts {
            request.headers_mut().append(HOST, host.parse().unwrap());
        }
        request
    };
    let own = trusted.server.address.to_string();
    let other = foreign.server.address.to_string();
    for hosts in [
        &[other.clone()][..],
        &[own.clone(), other.clone()],
        &[own.clone(), own.clone()],
        &["127.0.0.1".to_owned()],
        &[String::new()],
    ] {
        let outcome = service.clone().oneshot(with_hosts(hosts)).await;
        assert_denied(outcome, &format!("{hosts:?}"));
    }
    assert_eq!(trusted.server.connections(), 0);
    let response = service
        .oneshot(with_hosts(std::slice::from_ref(&own)))
        .await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(values(&trusted.heads()[0], "host"), [own]);
}
