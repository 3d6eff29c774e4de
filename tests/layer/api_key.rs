//! `with_api_key`: one client, two identities.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::retry::OnUnauthorized;
use yandex_cloud_auth::testing::{FakeCloud, ManualClock, ScriptedProvider};
use yandex_cloud_auth::{
    ApiKeyRules, AuthLayer, AuthOverride, CacheState, Credential, CredentialCache, Decision,
    Denial, ExecutionOnly, Policy, ProviderError, RequestHead, Scheme, TrustedOrigins,
    Unrestricted,
};

use crate::support::*;

const KEY: &str = "Api-Key AQVN1";
const TOKEN: &str = "Bearer t1.a";

fn both() -> AuthLayer {
    AuthLayer::new(token("t1.a")).with_api_key(key())
}

#[tokio::test]
async fn key_goes_where_policy_allows_it() {
    let mut rest = both().layer(tower::service_fn(echo));
    let mut grpc = both().grpc().layer(tower::service_fn(echo));
    // Cold, with the shared entry, and with the local copy.
    for _ in 0..4 {
        for (path, expected) in [
            (START, KEY),
            (CREATE, TOKEN),
            ("/workflows/v1/execution/dfq1", KEY),
            ("/workflows/v1/workflow/dfq1", TOKEN),
        ] {
            let full = format!("{WORKFLOWS}{path}");
            assert_eq!(send(&mut rest, request(&full)).await.unwrap(), expected);
            assert_eq!(send(&mut grpc, request(path)).await.unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn token_in_place_of_key_is_ignored() {
    let layer = AuthLayer::new(token("t1.a")).with_api_key(token("t1.static"));
    let mut service = layer.layer(tower::service_fn(echo));
    assert_eq!(send(&mut service, request(START)).await.unwrap(), TOKEN);
}

#[tokio::test]
async fn nothing_is_fetched_for_request_with_key() {
    let provider = ScriptedProvider::new().hang();
    let layer = AuthLayer::new(provider.clone()).with_api_key(key());
    let mut service = layer.layer(tower::service_fn(echo));
    for _ in 0..3 {
        assert_eq!(send(&mut service, request(START)).await.unwrap(), KEY);
    }
    tokio::task::yield_now().await;
    assert_eq!(provider.calls(), 0);
}

#[tokio::test]
async fn failing_provider_leaves_key_usable() {
    let provider = ScriptedProvider::new().fail(ProviderError::permanent("revoked"));
    let layer = AuthLayer::new(provider).with_api_key(key());
    let mut service = layer.layer(tower::service_fn(echo));
    assert!(send(&mut service, request(CREATE)).await.is_err());
    assert_eq!(send(&mut service, request(START)).await.unwrap(), KEY);
}

#[tokio::test]
async fn request_that_neither_may_make_is_denied() {
    let provider = ScriptedProvider::new().hang();
    let layer = AuthLayer::new(provider.clone()).with_api_key(key());
    let mut service = layer.layer(tower::service_fn(echo));
    let foreign = request("https://evil.example/workflows/v1/execution");
    let error = send(&mut service, foreign).await.unwrap_err();
    assert!(error.contains("trusted origins"), "{error}");
    assert_eq!(provider.calls(), 0);
}

#[tokio::test]
async fn each_policy_is_asked_with_key_first() {
    async fn sent<P: Policy + Clone>(policy: P, path: &str) -> String {
        let layer = both().with_policy(policy);
        let mut service = layer.layer(tower::service_fn(echo));
        send(&mut service, request(path)).await.unwrap()
    }
    let search = ApiKeyRules::none().allow_grpc("a.SearchService").unwrap();
    assert_eq!(sent(Unrestricted, CREATE).await, KEY);
    assert_eq!(sent(ExecutionOnly, CREATE).await, TOKEN);
    assert_eq!(sent(search.clone(), "/a.SearchService/Get").await, KEY);
    assert_eq!(sent(search.clone(), START).await, TOKEN);
    let and = TrustedOrigins::yandex_cloud().and(search);
    assert_eq!(sent(and, "/a.SearchService/Get").await, KEY);
    let bearer_only = |head: &RequestHead<'_>, credential: &Credential| match credential.scheme() {
        Scheme::Bearer => Decision::Attach,
        _ => Decision::Deny(Denial::new("tokens only", head)),
    };
    assert_eq!(sent(bearer_only, START).await, TOKEN);
}

#[tokio::test]
async fn skip_with_key_is_final() {
    let provider = ScriptedProvider::new().hang();
    let layer = AuthLayer::new(provider.clone())
        .with_api_key(key())
        .with_policy(
            |_: &RequestHead<'_>, credential: &Credential| match credential.scheme() {
                Scheme::ApiKey => Decision::Skip,
                _ => Decision::Attach,
            },
        );
    let mut service = layer.layer(tower::service_fn(echo));
    let mut by_hand = request(CREATE);
    let headers = by_hand.headers_mut();
    headers.insert("authorization", "Basic old".parse().unwrap());
    assert_eq!(send(&mut service, by_hand).await.unwrap(), "");
    assert_eq!(provider.calls(), 0);
}

#[tokio::test]
async fn rejected_key_drops_and_replays_nothing() {
    let layer = aged(ScriptedProvider::new().answer(token("t1.a"))).await;
    let layer = layer.with_api_key(key());
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = calls.clone();
    let mut service = ServiceBuilder::new()
        .retry(OnUnauthorized::new())
        .layer(layer.clone())
        .service(tower::service_fn(move |request: Request<String>| {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            reject(request)
        }));
    let ready = service.ready().await.unwrap();
    assert_eq!(ready.call(request(START)).await.unwrap().status(), 401);
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert_eq!(layer.cache().status().state(), CacheState::Fresh);

    let ready = service.ready().await.unwrap();
    assert_eq!(ready.call(request(CREATE)).await.unwrap().status(), 401);
    assert_eq!(
        calls.load(std::sync::atomic::Ordering::Relaxed),
        3,
        "the token is replayed"
    );
}

#[tokio::test]
async fn override_takes_precedence_over_key() {
    let mut service = both().layer(tower::service_fn(echo));
    let mut used = request(START);
    used.extensions_mut()
        .insert(AuthOverride::Use(token("t1.b")));
    assert_eq!(send(&mut service, used).await.unwrap(), "Bearer t1.b");
    let mut anonymous = request(START);
    anonymous.extensions_mut().insert(AuthOverride::Anonymous);
    assert_eq!(send(&mut service, anonymous).await.unwrap(), "");
}

#[tokio::test]
async fn expired_key_gives_way_to_token() {
    let clock = ManualClock::new();
    let cache = CredentialCache::builder(token("t1.a"))
        .clock(clock.clone())
        .build();
    let end = SystemTime::now() + Duration::from_secs(3600);
    let layer = AuthLayer::from_cache(cache).with_api_key(key().with_expiry(end));
    let mut service = layer.layer(tower::service_fn(echo));
    assert_eq!(send(&mut service, request(START)).await.unwrap(), KEY);
    clock.advance(Duration::from_secs(3700));
    assert_eq!(send(&mut service, request(START)).await.unwrap(), TOKEN);
}

#[tokio::test]
async fn key_is_judged_by_origin() {
    let layer = both().with_origin("http://a.example").unwrap();
    let mut service = layer.layer(tower::service_fn(echo));
    assert!(send(&mut service, request(START)).await.is_err());
}

/// The paths of the 18 REST routes of the Workflows API, and whether an API key may use them.
const REST: [(&str, &str, bool); 18] = [
    ("POST", "/workflows/v1/execution/start", true),
    ("POST", "/workflows/v1/execution/dfq1/start", true),
    ("POST", "/workflows/v1/execution/dfe1/stop", true),
    ("POST", "/workflows/v1/execution/dfe1/terminate", true),
    ("GET", "/workflows/v1/execution/dfe1", true),
    ("GET", "/workflows/v1/execution/dfe1/history", true),
    ("GET", "/workflows/v1/execution?workflowId=dfq1", true),
    ("POST", "/workflows/v1/workflow", false),
    ("PATCH", "/workflows/v1/workflow/dfq1", false),
    ("GET", "/workflows/v1/workflow/dfq1", false),
    ("DELETE", "/workflows/v1/workflow/dfq1", false),
    ("GET", "/workflows/v1/workflow?folderId=b1g1", false),
    ("GET", "/workflows/v1/workflow/dfq1/operations", false),
    (
        "GET",
        "/workflows/v1/workflow/dfq1:listAccessBindings",
        false,
    ),
    (
        "POST",
        "/workflows/v1/workflow/dfq1:setAccessBindings",
        false,
    ),
    (
        "POST",
        "/workflows/v1/workflow/dfq1:updateAccessBindings",
        false,
    ),
    ("GET", "/operations/dfo1", false),
    ("GET", "/operations/dfo1:cancel", false),
];

/// The methods of the gRPC services, and whether an API key may call them.
const GRPC: [(&str, &str, bool); 3] = [
    (
        "yandex.cloud.serverless.workflows.v1.ExecutionService",
        "Start Stop Terminate Get GetHistory List",
        true,
    ),
    (
        "yandex.cloud.serverless.workflows.v1.WorkflowService",
        "Create Update Get Delete List ListOperations \
         ListAccessBindings SetAccessBindings UpdateAccessBindings",
        false,
    ),
    (
        "yandex.cloud.operation.OperationService",
        "Get Cancel",
        false,
    ),
];

fn audited(cloud: &FakeCloud) -> AuthLayer<impl Policy + Clone + use<>> {
    let policy = TrustedOrigins::none().allow_loopback().and(ExecutionOnly);
    let key = Credential::api_key(cloud.api_key()).unwrap();
    AuthLayer::new(token("t1.a"))
        .with_api_key(key)
        .with_policy(policy)
}

/// The scheme of the one request that arrived.
fn arrived(cloud: &FakeCloud) -> Option<Scheme> {
    let audit = cloud.audit();
    cloud.clear_audit();
    assert_eq!(audit.len(), 1);
    audit[0].scheme
}

const fn expected(takes_keys: bool) -> Option<Scheme> {
    Some(if takes_keys {
        Scheme::ApiKey
    } else {
        Scheme::Bearer
    })
}

#[tokio::test]
async fn each_rest_route_receives_its_credential() {
    let cloud = FakeCloud::start().await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut service = audited(&cloud).layer(client);
    for (method, path, takes_keys) in REST {
        let request = Request::builder()
            .method(method.parse::<Method>().unwrap())
            .uri(cloud.workflows_url() + path)
            .body(Full::default())
            .unwrap();
        service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(arrived(&cloud), expected(takes_keys), "{method} {path}");
    }
}

#[tokio::test]
async fn each_grpc_method_receives_its_credential() {
    let cloud = FakeCloud::start().await;
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<Full<Bytes>>();
    let mut service = audited(&cloud).layer(client);
    for (name, methods, takes_keys) in GRPC {
        for method in methods.split_whitespace() {
            let request = Request::post(format!("{}/{name}/{method}", cloud.grpc_url()))
                .header("content-type", "application/grpc")
                .body(Full::from(vec![0; 5]))
                .unwrap();
            service.ready().await.unwrap().call(request).await.unwrap();
            assert_eq!(arrived(&cloud), expected(takes_keys), "{name}/{method}");
        }
    }
}
