//! Auto traits and trait implementations of the public types.

use std::cell::Cell;
use std::convert::Infallible;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt};
use yandex_cloud_auth::future::{GrpcResponseFuture, ResponseFuture};
use yandex_cloud_auth::retry::OnUnauthorized;
use yandex_cloud_auth::testing::{FakeCloud, Fault, ManualClock, Received, ScriptedProvider};
use yandex_cloud_auth::*;

fn is_plain<T: Send + Sync + Unpin + 'static>() {}
fn is_clone<T: Clone + Send + Sync + Unpin + 'static>() {}
fn is_error<T: Error + Clone + Send + Sync + Unpin + 'static>() {}
fn is_debug<T: Debug>() {}
fn is_send<T: Send>(value: T) -> T {
    value
}

/// A client that is `Send` and `Clone` but not `Sync`, as a boxed client may be.
#[derive(Clone, Debug, Default)]
struct NotSync {
    calls: Cell<u32>,
}

impl<B> Service<Request<B>> for NotSync {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        self.calls.set(self.calls.get() + 1);
        ready(Ok(Response::new(Full::from(
            r#"{"access_token":"t1.abc","expires_in":60,"token_type":"Bearer"}"#,
        ))))
    }
}

fn request() -> Request<()> {
    Request::get("https://serverless-workflows.api.cloud.yandex.net/workflows/v1/execution")
        .body(())
        .unwrap()
}

#[test]
fn public_types_are_send_and_sync() {
    is_clone::<Credential>();
    is_clone::<Fingerprint>();
    is_clone::<Scheme>();
    is_clone::<CredentialCache>();
    is_clone::<CacheStatus>();
    is_clone::<CacheState>();
    is_clone::<AuthLayer>();
    is_clone::<GrpcAuthLayer>();
    is_clone::<AuthOverride>();
    is_clone::<Decision>();
    is_clone::<OnUnauthorized>();
    is_clone::<ManualClock>();
    is_clone::<ScriptedProvider>();
    is_clone::<Fault>();
    is_clone::<Received>();
    is_plain::<CredentialCacheBuilder>();
    is_plain::<FakeCloud>();
}

#[test]
fn errors_are_clone_and_shareable() {
    is_error::<AuthError>();
    is_error::<ProviderError>();
    is_error::<Denial>();
    is_error::<InvalidCredential>();
    is_error::<InvalidRule>();
    fn fits_anywhere(
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Box<dyn Error + Send + Sync> {
        error.into()
    }
    let error = fits_anywhere(AuthError::from(ProviderError::transient("down")));
    assert!(error.is::<AuthError>());
    fn is_display<T: Display>() {}
    is_display::<Scheme>();
    is_display::<Fingerprint>();
}

#[test]
fn policies_are_clone_and_combine() {
    is_clone::<Workflows>();
    is_clone::<ExecutionOnly>();
    is_clone::<ApiKeyRules>();
    is_clone::<TrustedOrigins>();
    is_clone::<Unrestricted>();
    is_clone::<And<TrustedOrigins, And<ApiKeyRules, Workflows>>>();
    is_clone::<RequestHead<'static>>();
    is_debug::<And<TrustedOrigins, Unrestricted>>();
}

#[test]
fn providers_and_transports_are_send_and_sync() {
    fn is_provider<P: CredentialProvider + Debug>() {}
    is_provider::<Chain>();
    is_provider::<Credential>();
    is_provider::<CredentialFile>();
    is_provider::<EnvCredential>();
    is_provider::<Exec>();
    is_provider::<Impersonation>();
    is_provider::<MetadataService>();
    is_provider::<OAuthToken>();
    is_provider::<ServiceAccountKey>();
    is_provider::<WorkloadIdentity>();
    is_provider::<YcCli>();
    is_provider::<Arc<Arc<ServiceAccountKey>>>();
    is_clone::<Chain>();
    is_clone::<HttpsTransport>();
    is_plain::<HttpsTransportBuilder>();
}

#[test]
fn service_has_auto_traits_of_its_parts() {
    fn is_send_clone<T: Send + Clone + 'static>() {}
    is_clone::<Auth<tower::util::ServiceFn<fn()>, Workflows>>();
    is_clone::<GrpcAuth<tower::util::ServiceFn<fn()>, Workflows>>();
    is_send_clone::<Auth<NotSync, Workflows>>();
    is_send_clone::<GrpcAuth<NotSync, Workflows>>();
    is_debug::<Auth<NotSync, Workflows>>();
    is_debug::<GrpcAuth<NotSync, Workflows>>();
    fn is_send_static<T: Send + 'static>() {}
    is_send_static::<ResponseFuture<NotSync, Workflows, Vec<u8>>>();
    is_send_static::<GrpcResponseFuture<NotSync, Workflows, Vec<u8>>>();
    is_debug::<ResponseFuture<NotSync, Workflows, Cell<u8>>>();
}

#[test]
fn futures_of_cache_are_send() {
    let cache = CredentialCache::new(ScriptedProvider::new());
    drop(is_send(cache.get()));
    drop(is_send(cache.refresh()));
    drop(is_send(Chain::new().diagnose()));
    drop(is_send(FakeCloud::start()));
}

#[test]
fn provider_type_is_erased() {
    let layers: [AuthLayer; 4] = [
        AuthLayer::new(Credential::iam_token("t1.abc").unwrap()),
        AuthLayer::new(EnvCredential::new()),
        AuthLayer::new(|| async { Err(ProviderError::not_configured("nothing")) }),
        AuthLayer::from_cache(CredentialCache::new(ScriptedProvider::new())),
    ];
    let services: Vec<Auth<NotSync, Workflows>> = layers
        .iter()
        .map(|layer| layer.layer(NotSync::default()))
        .collect();
    assert_eq!(services.len(), 4);
}

#[test]
fn service_fits_clone_sync_box() {
    let client =
        tower::service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let service = AuthLayer::new(Credential::iam_token("t1.abc").unwrap()).layer(client);
    is_clone::<BoxCloneSyncService<Request<()>, Response<()>, tower::BoxError>>();
    let _boxed = BoxCloneSyncService::new(service);
}

#[tokio::test]
async fn client_and_transport_need_not_be_sync() {
    let client = AuthLayer::new(Credential::iam_token("t1.abc").unwrap()).layer(NotSync::default());
    assert_eq!(
        tokio::spawn(client.oneshot(request()))
            .await
            .unwrap()
            .unwrap()
            .status(),
        200
    );

    let provider = Arc::new(MetadataService::new().with_transport(NotSync::default()));
    is_clone::<Arc<MetadataService>>();
    let fetched = tokio::spawn(async move { provider.fetch().await })
        .await
        .unwrap();
    assert_eq!(fetched.unwrap().header_value(), "Bearer t1.abc");
}

#[tokio::test]
async fn closures_functions_and_shared_providers_are_providers() {
    async fn function() -> Result<Credential, ProviderError> {
        Ok(Credential::iam_token("t1.function")?)
    }
    let kept = String::from("t1.closure");
    let closure = move || {
        let token = kept.clone();
        async move { Ok(Credential::iam_token(token)?) }
    };
    let shared = Arc::new(ScriptedProvider::new().answer(Credential::api_key("AQVN").unwrap()));
    let fixed = Arc::new(Credential::iam_token("t1.fixed").unwrap());
    assert!(fixed.is_static() && !shared.is_static());
    for (cache, expected) in [
        (CredentialCache::new(function), "Bearer t1.function"),
        (CredentialCache::new(closure), "Bearer t1.closure"),
        (CredentialCache::new(Arc::clone(&shared)), "Api-Key AQVN"),
        (CredentialCache::new(fixed), "Bearer t1.fixed"),
        (
            CredentialCache::new(
                Chain::new()
                    .or(EnvCredential::with_lookup(|_| None))
                    .or(function),
            ),
            "Bearer t1.function",
        ),
    ] {
        assert_eq!(cache.get().await.unwrap().header_value(), expected);
    }
    assert_eq!(shared.calls(), 1);
}

#[tokio::test]
async fn closures_functions_and_shared_policies_are_policies() {
    fn nothing(head: &RequestHead<'_>, _: &Credential) -> Decision {
        Decision::Deny(Denial::new("denied by function", head))
    }
    let closed = true;
    let closure = move |head: &RequestHead<'_>, _: &Credential| match closed {
        true => Decision::Deny(Denial::new("closed", head)),
        false => Decision::Attach,
    };
    let layer = || AuthLayer::new(Credential::iam_token("t1.abc").unwrap());
    for (outcome, rule) in [
        (
            layer()
                .with_policy(nothing)
                .layer(NotSync::default())
                .oneshot(request())
                .await,
            "denied by function",
        ),
        (
            layer()
                .with_policy(closure)
                .layer(NotSync::default())
                .oneshot(request())
                .await,
            "closed",
        ),
        (
            layer()
                .with_policy(Arc::new(closure))
                .layer(NotSync::default())
                .oneshot(request())
                .await,
            "closed",
        ),
        (
            layer()
                .with_policy(Unrestricted.and(nothing))
                .layer(NotSync::default())
                .oneshot(request())
                .await,
            "denied by function",
        ),
    ] {
        let error = outcome.unwrap_err();
        let Some(AuthError::Denied(denial)) = error.downcast_ref() else {
            panic!("{error}")
        };
        assert_eq!(denial.rule(), rule);
    }
    let by_trait_object: Arc<dyn Policy + Send + Sync> = Arc::new(Workflows::new());
    let service = layer()
        .with_policy(by_trait_object)
        .layer(NotSync::default());
    assert!(is_send(service).oneshot(request()).await.is_ok());
}
