//! The service of `examples/gateway`, over real sockets on both sides.

#[path = "../../examples/gateway/service/mod.rs"]
mod service;
mod support;

use std::time::Duration;

use http::StatusCode;
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, PROXY_AUTHORIZATION, RETRY_AFTER,
};
use yandex_cloud_auth::testing::{FakeCloud, Fault, Host, ManualClock};
use yandex_cloud_auth::{Credential, CredentialCache, Scheme};

use support::{Reply, Running, account, get, post};

const START: &str = r#"{"workflowId":"dfq1","input":{"greeting":"hello"}}"#;

/// Statuses and codes of error responses, in a form that failed assertions print.
fn problem(reply: &Reply) -> (u16, &str) {
    assert_eq!(reply.header(CONTENT_TYPE), "application/problem+json");
    (reply.status.as_u16(), reply.json["code"].as_str().unwrap())
}

#[tokio::test]
async fn caller_starts_and_reads_execution() {
    let gateway = Running::start().await;
    let started = gateway.send(post("/api/executions", START)).await;
    assert_eq!(started.status, StatusCode::CREATED);

    let read = gateway.send(get(started.header(LOCATION))).await;
    assert_eq!(read.status, StatusCode::OK);
    assert_eq!(read.json["execution"]["status"], "FINISHED");
    assert_eq!(
        read.json["execution"]["result"]["resultJson"],
        r#"{"greeting":"hello"}"#
    );

    let list = gateway.send(get("/api/workflows/dfq1/executions")).await;
    assert_eq!(
        list.json["executions"][0]["id"],
        started.json["executionId"]
    );
}

#[tokio::test]
async fn caller_credentials_stay_at_gateway() {
    let gateway = Running::start().await;
    let mut request = post("/api/executions", START);
    for (name, value) in [
        (AUTHORIZATION, "Bearer t1.of.caller"),
        (PROXY_AUTHORIZATION, "Basic Zm9v"),
        (COOKIE, "session=1"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let id = "0ee07ba0-3f1d-4a6b-9c3a-6a5c0f1f2a11";
    request
        .headers_mut()
        .insert("x-request-id", id.parse().unwrap());
    assert_eq!(gateway.send(request).await.status, StatusCode::CREATED);

    let audit = gateway.cloud.audit();
    let seen = audit.last().unwrap();
    assert_eq!(seen.host, Host::Workflows);
    let token = gateway.cache.peek().unwrap();
    assert_eq!(seen.fingerprint, Some(token.fingerprint()));
    for name in [PROXY_AUTHORIZATION, COOKIE] {
        assert!(!seen.headers.contains_key(&name), "{name} was forwarded");
    }
    assert_eq!(seen.headers["x-request-id"], id);
}

#[tokio::test]
async fn no_response_has_token() {
    let gateway = Running::start().await;
    let started = gateway.send(post("/api/executions", START)).await;
    gateway.cloud.inject(
        Host::Workflows,
        Fault::status(401).on_path("/workflows/v1/workflow/dfq1"),
    );
    let token = gateway.cache.peek().unwrap();
    for path in [
        "/",
        "/healthz",
        "/readyz",
        "/absent",
        "/api/workflows/dfq1",
        "/api/workflows/dfq1/executions",
        started.header(LOCATION),
    ] {
        let reply = gateway.send(get(path)).await;
        let shown = format!("{:?}{}", reply.headers, reply.text);
        assert!(!shown.contains(token.expose_secret()), "{path} has it");
    }
}

#[tokio::test]
async fn cloud_401_and_403_differ_from_policy() {
    let gateway = Running::start().await;
    for (status, code) in [(401, "cloud_unauthorized"), (403, "cloud_forbidden")] {
        gateway.cloud.inject(Host::Workflows, Fault::status(status));
        let reply = gateway.send(get("/api/executions/dfe1")).await;
        assert_eq!(problem(&reply), (502, code));
        gateway.cloud.heal(Host::Workflows);
    }

    let cloud = FakeCloud::start().await;
    let key = Credential::api_key(cloud.api_key()).unwrap();
    let gateway = Running::with(cloud, key).await;
    let started = gateway.send(post("/api/executions", START)).await;
    assert_eq!(started.status, StatusCode::CREATED);
    let reply = gateway.send(get("/api/workflows/dfq1")).await;
    assert_eq!(problem(&reply), (403, "denied_by_policy"));
    assert_eq!(gateway.cloud.audit().len(), 1);
    assert_eq!(gateway.cloud.audit()[0].scheme, Some(Scheme::ApiKey));
}

#[tokio::test]
async fn revoked_token_is_replaced_unseen_by_caller() {
    let cloud = FakeCloud::start().await;
    let clock = ManualClock::new();
    cloud.set_clock(clock.clone());
    let cache = CredentialCache::builder(account(&cloud))
        .clock(clock.clone())
        .build();
    let gateway = Running::with_cache(cloud, cache).await;
    gateway.cache.get().await.unwrap();
    gateway.cloud.revoke_all();
    // Younger than five seconds, it would not be dropped.
    clock.advance(Duration::from_secs(60));

    let started = gateway.send(post("/api/executions", START)).await;
    assert_eq!(started.status, StatusCode::CREATED);
    assert_eq!(gateway.requests(), 2);
    assert_eq!(gateway.cloud.count(|seen| seen.host == Host::Iam), 2);
}

#[tokio::test]
async fn missing_token_is_503_with_retry_after() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Iam, Fault::status(503).retry_after("7"));
    let gateway = Running::with_account(cloud).await;
    let reply = gateway.send(get("/api/executions/dfe1")).await;
    assert_eq!(problem(&reply), (503, "no_credential"));
    // The cache waits for one to two times the `Retry-After` of the server.
    let seconds: u64 = reply.header(RETRY_AFTER).parse().unwrap();
    assert!((7..=15).contains(&seconds), "{seconds}");
    assert!(!reply.text.contains("127.0.0.1"), "{}", reply.text);
    assert_eq!(gateway.requests(), 0);

    let ready = gateway.send(get("/readyz")).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.header(RETRY_AFTER).parse::<u64>().unwrap() >= 6);
    assert_eq!(ready.json["credential"], "Empty");
    assert!(ready.json["lastError"].as_str().unwrap().contains("503"));
    assert_eq!(gateway.send(get("/healthz")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn gateway_is_ready_after_warm_up() {
    let gateway = Running::start().await;
    let before = gateway.send(get("/readyz")).await;
    assert_eq!(before.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(gateway.cloud.audit().len(), 0, "a probe starts no fetch");

    gateway.cache.get().await.unwrap();
    let after = gateway.send(get("/readyz")).await;
    assert_eq!(after.status, StatusCode::OK);
    assert_eq!(after.json["credential"], "Fresh");
}

#[tokio::test]
async fn late_cloud_is_504() {
    let gateway = Running::start().await;
    gateway.cache.get().await.unwrap();
    for fault in [Fault::hang(), Fault::stall()] {
        gateway.cloud.inject(Host::Workflows, fault);
        let reply = gateway.send(get("/api/executions/dfe1")).await;
        assert_eq!(problem(&reply), (504, "timeout"));
        gateway.cloud.heal(Host::Workflows);
    }
}

#[tokio::test]
async fn late_token_is_504() {
    let cloud = FakeCloud::start().await;
    cloud.inject(Host::Iam, Fault::hang());
    let gateway = Running::with_account(cloud).await;
    let reply = gateway.send(get("/api/executions/dfe1")).await;
    assert_eq!(problem(&reply), (504, "timeout"));
}

#[tokio::test]
async fn broken_cloud_is_502() {
    let gateway = Running::start().await;
    for fault in [Fault::hang_up(), Fault::garbage(), Fault::status(500)] {
        gateway.cloud.inject(Host::Workflows, fault);
        let reply = gateway.send(get("/api/executions/dfe1")).await;
        assert_eq!(problem(&reply), (502, "cloud_failed"));
        gateway.cloud.heal(Host::Workflows);
    }
}

#[tokio::test]
async fn other_errors_of_cloud_keep_status() {
    let gateway = Running::start().await;
    let reply = gateway.send(get("/api/executions/dfe1")).await;
    assert_eq!(problem(&reply), (404, "cloud_rejected"));
    let detail = reply.json["detail"].as_str().unwrap();
    let id = gateway.cloud.audit().pop().unwrap().request_id;
    assert!(detail.contains("Execution was not found"), "{detail}");
    assert!(detail.contains(&id), "{detail}");

    gateway
        .cloud
        .inject(Host::Workflows, Fault::status(429).retry_after("3"));
    let reply = gateway.send(get("/api/executions/dfe1")).await;
    assert_eq!(problem(&reply), (429, "cloud_rejected"));
    assert_eq!(reply.header(RETRY_AFTER), "3");
}

#[tokio::test]
async fn bad_request_reaches_no_cloud() {
    let gateway = Running::start().await;
    for path in ["/api/executions/..%2Fworkflow", "/api/workflows/a%3Fb"] {
        assert_eq!(
            problem(&gateway.send(get(path)).await),
            (400, "bad_request")
        );
    }
    let mut form = post("/api/executions", START);
    form.headers_mut()
        .insert(CONTENT_TYPE, "text/plain".parse().unwrap());
    let large = format!(
        r#"{{"workflowId":"dfq1","input":"{}"}}"#,
        "a".repeat(70_000)
    );
    for (request, status) in [
        (form, 415),
        (post("/api/executions", "{"), 400),
        (post("/api/executions", r#"{"workflowId":"../x"}"#), 400),
        (post("/api/executions", r#"{"workflow":"dfq1"}"#), 422),
        (post("/api/executions", &large), 413),
    ] {
        let reply = gateway.send(request).await;
        assert_eq!(problem(&reply), (status, "bad_request"));
    }
    assert_eq!(gateway.cloud.audit().len(), 0);
}

#[tokio::test]
async fn open_request_finishes_during_shutdown() {
    let gateway = Running::start().await;
    let slow = Fault::slow(Duration::from_millis(600));
    gateway.cloud.inject(Host::Workflows, slow);
    let (open, ()) = tokio::join!(gateway.send(post("/api/executions", START)), async {
        gateway.until_cloud_is_asked().await;
        gateway.stop();
        let ready = gateway.send(get("/readyz")).await;
        assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ready.json["draining"], true);
        assert_eq!(ready.json["credential"], "Fresh");
    });
    assert_eq!(open.status, StatusCode::CREATED);
    gateway.until_stopped().await;
}

#[tokio::test]
async fn shutdown_ends_at_its_limit() {
    let gateway = Running::start().await;
    gateway.cloud.inject(Host::Workflows, Fault::hang());
    let open = gateway.send_in_background(post("/api/executions", START));
    gateway.until_cloud_is_asked().await;
    gateway.stop();
    gateway.until_stopped().await;
    open.abort();
}
