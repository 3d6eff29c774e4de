//! The layer for gRPC clients, where a refusal is a status.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderName, HeaderValue, Request, Response, header};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::challenge::{GRPC_STATUS, NotSent};
use super::error::AuthError;
use super::future::State;
use super::layer::AuthLayer;
use super::service::Auth;
use crate::policy::{Policy, Workflows};

const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The longest `grpc-message`, in bytes as sent.
const MAX_MESSAGE: usize = 1024;

/// [`AuthLayer`] for gRPC clients, made by [`AuthLayer::grpc`].
///
/// Errors of the inner service stay as they are, of its type. What the layer itself refuses becomes
/// a trailers-only gRPC *response*, which tonic, or any gRPC client of any version, turns into a
/// status: `PERMISSION_DENIED` where the policy refused, `UNAVAILABLE` where the provider failed
/// for now, `UNAUTHENTICATED` where it failed until somebody mends it.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, Credential};
/// use tower::{Layer, Service, ServiceExt};
/// # use http::{Request, Response};
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let channel = tower::service_fn(|_: Request<()>| async { Ok::<_, std::convert::Infallible>(Response::new(())) });
/// let mut channel = AuthLayer::new(Credential::api_key("AQVN1")?).grpc().layer(channel);
///
/// let request = Request::post("/yandex.cloud.serverless.workflows.v1.WorkflowService/Get").body(())?;
/// let response = channel.ready().await?.call(request).await?;
/// assert_eq!(response.headers()["grpc-status"], "7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GrpcAuthLayer<P = Workflows> {
    layer: AuthLayer<P>,
}

impl<P> GrpcAuthLayer<P> {
    pub(crate) const fn new(layer: AuthLayer<P>) -> Self {
        Self { layer }
    }
}

impl<S, P: Clone> Layer<S> for GrpcAuthLayer<P> {
    type Service = GrpcAuth<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        GrpcAuth {
            auth: self.layer.layer(inner),
        }
    }
}

/// [`Auth`] for gRPC clients, made by [`GrpcAuthLayer`]: the same, but a refusal is a response.
///
/// # Clone
///
/// As for [`Auth`].
#[derive(Clone, Debug)]
pub struct GrpcAuth<S, P> {
    auth: Auth<S, P>,
}

impl<S, P, B, R> Service<Request<B>> for GrpcAuth<S, P>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    P: Policy + Clone,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = GrpcResponseFuture<S, P, B>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.auth.poll_inner_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        GrpcResponseFuture {
            attempt: self.auth.attempt(request),
        }
    }
}

pin_project! {
    /// The response of a [`GrpcAuth`], made by its `call`.
    ///
    /// # Panics
    ///
    /// When polled again after it resolved, as most futures do.
    pub struct GrpcResponseFuture<S, P, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        attempt: State<S, P, B>,
    }
}

impl<S, P, B, R> Future for GrpcResponseFuture<S, P, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    P: Policy,
    R: Default,
{
    type Output = Result<Response<R>, S::Error>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project()
            .attempt
            .poll(cx, |error| error, |error| Ok(trailers_only(&error)))
    }
}

impl<S: Service<Request<B>>, P, B> fmt::Debug for GrpcResponseFuture<S, P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcResponseFuture").finish_non_exhaustive()
    }
}

/// A response that is its trailers *(gRPC over HTTP/2, "Responses")*.
#[cold]
fn trailers_only<R: Default>(error: &AuthError) -> Response<R> {
    let mut response = Response::new(R::default());
    response.extensions_mut().insert(NotSent);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert(GRPC_STATUS, HeaderValue::from_static(status(error)));
    if let Ok(message) = HeaderValue::try_from(percent_encoded(&error.to_string())) {
        headers.insert(GRPC_MESSAGE, message);
    }
    response
}

/// The number of a `google.rpc.Code`.
fn status(error: &AuthError) -> &'static str {
    match error {
        // PERMISSION_DENIED, UNAVAILABLE, UNAUTHENTICATED
        AuthError::Denied(_) => "7",
        AuthError::Provider(error) if error.is_transient() => "14",
        AuthError::Provider(_) => "16",
    }
}

/// Percent-encoded as gRPC over HTTP/2 asks, cut between characters where it would be too long.
fn percent_encoded(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::new();
    for character in text.chars() {
        let start = encoded.len();
        let mut buffer = [0; 4];
        for &byte in character.encode_utf8(&mut buffer).as_bytes() {
            match byte {
                b'%' | ..b' ' | 0x7f.. => {
                    encoded.push('%');
                    encoded.extend(
                        [byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])),
                    );
                }
                _ => encoded.push(char::from(byte)),
            }
        }
        if encoded.len() > MAX_MESSAGE {
            encoded.truncate(start);
            break;
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ProviderError;

    #[test]
    fn messages_are_percent_encoded_as_grpc_asks() {
        assert_eq!(
            percent_encoded("a b~ 100%\n\u{7f}é"),
            "a b~ 100%25%0A%7F%C3%A9"
        );
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        assert_eq!(percent_encoded(&"é".repeat(1000)).len(), 1020);
        assert_eq!(percent_encoded(&"a".repeat(2000)).len(), MAX_MESSAGE);
    }

    #[test]
    fn every_refusal_has_its_status() {
        for (error, expected) in [
            (ProviderError::transient("x"), "14"),
            (ProviderError::permanent("x"), "16"),
            (ProviderError::not_configured("x"), "16"),
        ] {
            let response: Response<()> = trailers_only(&error.into());
            assert_eq!(response.headers()["grpc-status"], expected);
            assert_eq!(
                response.headers()["grpc-message"],
                "no credential to send: x"
            );
            assert_eq!(response.headers()["content-type"], "application/grpc");
        }
    }
}
