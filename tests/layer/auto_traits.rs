//! `Send`, `Sync` and `Unpin` of the layer's types, as those of their parts.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, Ready};
use std::marker::{PhantomData, PhantomPinned};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::MutexGuard;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use yandex_cloud_auth::future::{GrpcResponseFuture, ResponseFuture};
use yandex_cloud_auth::retry::OnUnauthorized;
use yandex_cloud_auth::*;

use crate::support::*;

/// The answer for a type that does not implement a trait. An inherent constant takes precedence.
trait Otherwise {
    const IMPLEMENTS: bool = false;
}

impl<T> Otherwise for T {}

/// Whether the type implements the trait. The inherent constant exists only if it does.
macro_rules! implements {
    ($type:ty: $trait:ident) => {{
        struct Probe<T>(PhantomData<T>);
        #[allow(dead_code, reason = "unused if the trait is not implemented")]
        impl<T: $trait> Probe<T> {
            const IMPLEMENTS: bool = true;
        }
        <Probe<$type>>::IMPLEMENTS
    }};
}

/// A caller who wants the text must ask for the secret by name.
#[test]
fn credential_has_no_text_form() {
    use std::fmt::{Debug, Display};

    use serde::Serialize;

    assert!(implements!(String: Display) && implements!(String: Serialize));
    for has_form in [
        implements!(Credential: Display),
        implements!(Credential: Serialize),
        implements!(CredentialCache: Display),
        implements!(Auth<()>: Display),
        implements!(ServiceAccountKey: Display),
        implements!(ServiceAccountKey: Serialize),
    ] {
        assert!(!has_form);
    }
    assert!(implements!(Credential: Debug), "redacted");
}

macro_rules! auto_traits {
    ($type:ty) => {
        [
            implements!($type: Send),
            implements!($type: Sync),
            implements!($type: Unpin),
        ]
    };
}

/// A service whose auto traits are those of `S`, and those of its futures those of `F`.
struct Inner<S, F>(PhantomData<S>, PhantomData<F>);

struct Pending<F>(F);

impl<F> Future for Pending<F> {
    type Output = Result<Response<()>, Infallible>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}

impl<B, S, F> Service<Request<B>> for Inner<S, F> {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Pending<F>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Pending
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        unreachable!("only its types matter")
    }
}

type NotSync = Cell<u8>;
type NotSend = MutexGuard<'static, ()>;
type Neither = Rc<()>;

#[test]
fn service_has_auto_traits_of_its_parts() {
    assert_eq!(auto_traits!(Auth<()>), [true, true, true]);
    assert_eq!(auto_traits!(Auth<NotSync>), [true, false, true]);
    assert_eq!(auto_traits!(Auth<NotSend>), [false, true, true]);
    assert_eq!(auto_traits!(Auth<(), Neither>), [false, false, true]);
    assert_eq!(auto_traits!(Auth<PhantomPinned>), [true, true, false]);
    assert_eq!(auto_traits!(GrpcAuth<()>), [true, true, true]);
    assert_eq!(auto_traits!(GrpcAuth<NotSync>), [true, false, true]);
    assert_eq!(auto_traits!(GrpcAuth<NotSend>), [false, true, true]);
    assert_eq!(auto_traits!(GrpcAuth<PhantomPinned>), [true, true, false]);
}

#[test]
fn layer_has_auto_traits_of_its_policy() {
    assert_eq!(auto_traits!(AuthLayer), [true, true, true]);
    assert_eq!(auto_traits!(AuthLayer<NotSync>), [true, false, true]);
    assert_eq!(auto_traits!(AuthLayer<Neither>), [false, false, true]);
    assert_eq!(auto_traits!(GrpcAuthLayer), [true, true, true]);
    assert_eq!(auto_traits!(GrpcAuthLayer<NotSync>), [true, false, true]);
    assert_eq!(auto_traits!(GrpcAuthLayer<Neither>), [false, false, true]);
}

/// The future over a service, its future, a policy and a body, each with these auto traits.
macro_rules! response_futures {
    ($service:ty, $future:ty, $policy:ty, $body:ty) => {{
        let rest = auto_traits!(ResponseFuture<Inner<$service, $future>, $policy, $body>);
        let grpc = auto_traits!(GrpcResponseFuture<Inner<$service, $future>, $policy, $body>);
        assert_eq!(rest, grpc);
        rest
    }};
}

#[test]
fn response_future_is_sync_if_inner_one_is() {
    assert_eq!(response_futures!((), (), (), ()), [true, true, true]);
    assert_eq!(response_futures!((), NotSync, (), ()), [true, false, true]);
    // What waits in the future is not shared.
    assert_eq!(
        response_futures!(NotSync, (), NotSync, NotSync),
        [true, true, true]
    );
}

#[test]
fn response_future_is_send_if_its_parts_are() {
    for auto_traits in [
        response_futures!(Neither, (), (), ()),
        response_futures!((), (), Neither, ()),
        response_futures!((), (), (), Neither),
        response_futures!((), Neither, (), ()),
    ] {
        assert_eq!(auto_traits, [false, false, true]);
    }
}

#[test]
fn response_future_is_unpin_if_inner_one_is() {
    assert_eq!(
        response_futures!((), PhantomPinned, (), ()),
        [true, true, false]
    );
    assert_eq!(
        response_futures!(PhantomPinned, (), PhantomPinned, PhantomPinned),
        [true, true, true]
    );
}

#[test]
fn plain_types_are_send_sync_and_unpin() {
    for auto_traits in [
        auto_traits!(AuthError),
        auto_traits!(AuthOverride),
        auto_traits!(CacheState),
        auto_traits!(CacheStatus),
        auto_traits!(Credential),
        auto_traits!(CredentialCache),
        auto_traits!(CredentialCacheBuilder),
        auto_traits!(Decision),
        auto_traits!(Denial),
        auto_traits!(Fingerprint),
        auto_traits!(InvalidCredential),
        auto_traits!(InvalidRule),
        auto_traits!(OnUnauthorized),
        auto_traits!(ProviderError),
        auto_traits!(RequestHead<'static>),
        auto_traits!(Scheme),
        auto_traits!(ApiKeyRules),
        auto_traits!(ExecutionOnly),
        auto_traits!(TrustedOrigins),
        auto_traits!(Unrestricted),
        auto_traits!(Workflows),
        auto_traits!(And<Workflows, Unrestricted>),
        auto_traits!(Chain),
        auto_traits!(EnvCredential),
    ] {
        assert_eq!(auto_traits, [true, true, true]);
    }
    assert_eq!(auto_traits!(And<NotSync, Neither>), [false, false, true]);
}

#[test]
fn providers_are_send_sync_and_unpin() {
    for auto_traits in [
        auto_traits!(CredentialFile),
        auto_traits!(Exec),
        auto_traits!(HttpsTransport),
        auto_traits!(HttpsTransportBuilder),
        auto_traits!(Impersonation),
        auto_traits!(MetadataService),
        auto_traits!(OAuthToken),
        auto_traits!(ServiceAccountKey),
        auto_traits!(WorkloadIdentity),
        auto_traits!(YcCli),
    ] {
        assert_eq!(auto_traits, [true, true, true]);
    }
}

#[test]
fn probe_finds_what_is_missing() {
    assert_eq!(auto_traits!(Ready<u8>), [true, true, true]);
    assert_eq!(auto_traits!(NotSync), [true, false, true]);
    assert_eq!(auto_traits!(NotSend), [false, true, true]);
    assert_eq!(auto_traits!(PhantomPinned), [true, true, false]);
}

type HyperClient<B> = Client<HttpConnector, B>;

#[tokio::test]
async fn boxed_clone_sync_compiles_over_hyper_client() {
    let client: HyperClient<Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let service = ServiceBuilder::new()
        .boxed_clone_sync()
        .layer(AuthLayer::new(key()))
        .service(client);
    let foreign = Request::post("https://evil.example/").body(Full::default());
    assert!(service.oneshot(foreign.unwrap()).await.is_err());
}

#[test]
fn grpc_service_fits_boxed_clone_sync() {
    let client = tower::service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let _boxed = ServiceBuilder::new()
        .boxed_clone_sync()
        .layer(AuthLayer::new(key()).grpc())
        .service(client);
}

#[test]
fn unsync_body_leaves_response_future_sync() {
    type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;
    fn assert_sync<T: Sync>(_: &T) {}
    let client: HyperClient<Body> = Client::builder(TokioExecutor::new()).build_http();
    let mut service = AuthLayer::new(key()).layer(client);
    let body = Body::new(Full::new(Bytes::new()));
    assert_sync(&service.call(Request::new(body)));
}
