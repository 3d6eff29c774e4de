//! Any tower HTTP service, with its type erased.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::response::Response;
use crate::error::{BoxError, ProviderError, with_causes};
use crate::redact;

/// The service that sends a provider's requests: the user's, or the ready-made one. Clones share
/// it.
#[derive(Clone)]
#[cfg_attr(not(feature = "hyper-client"), derive(Default))]
pub(crate) struct Transport(Option<Arc<dyn ErasedService>>);

impl Transport {
    pub(crate) fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = http::Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Some(Arc::new(Template(Mutex::new(service)))))
    }

    /// Sends one request. An error means that no response arrived.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response, ProviderError> {
        let Some(service) = &self.0 else {
            return Err(ProviderError::permanent(
                "there is no transport: enable the feature `hyper-client`, or set a service with `with_transport`",
            ));
        };
        let url = redact::setting(&request.uri().to_string());
        service
            .send(request)
            .await
            .map_err(|error| no_response(&url, error))
    }
}

#[cfg(feature = "hyper-client")]
impl Default for Transport {
    fn default() -> Self {
        Self::new(super::HttpsTransport::for_providers())
    }
}

/// A transport may return a `ProviderError` for a failure that is not transient.
fn no_response(url: &str, error: BoxError) -> ProviderError {
    const MAX_CHARS: usize = 400;
    match error.downcast::<ProviderError>() {
        Ok(error) => *error,
        Err(error) => {
            let reason = redact::printable(&with_causes(&*error), MAX_CHARS);
            ProviderError::transient(format!("no response from {url}: {reason}"))
        }
    }
}

trait ErasedService: Send + Sync {
    fn send(&self, request: Request<Full<Bytes>>) -> SendFuture;
}

type SendFuture = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

/// The service that is cloned for each request. The lock makes it `Sync`, which a tower service
/// need not be.
struct Template<S>(Mutex<S>);

impl<S, B> ErasedService for Template<S>
where
    S: Service<Request<Full<Bytes>>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn send(&self, request: Request<Full<Bytes>>) -> SendFuture {
        let url = redact::setting(&request.uri().to_string());
        let mut service = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            let response = service.call(request).await.map_err(Into::into)?;
            Ok(Response::read(url, response).await)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::task::{Context, Poll};

    use futures_util::FutureExt;

    use super::*;

    /// Not `Sync`, and panics if it is called before it is ready.
    #[derive(Clone, Default)]
    struct Strict {
        polls: Cell<u32>,
    }

    impl Service<Request<Full<Bytes>>> for Strict {
        type Response = http::Response<Full<Bytes>>;
        type Error = BoxError;
        type Future = std::future::Ready<Result<Self::Response, BoxError>>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            self.polls.set(self.polls.get() + 1);
            if self.polls.get() < 3 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
            assert_eq!(self.polls.get(), 3, "called before it was ready");
            std::future::ready(match request.uri().host() {
                Some("ok") => Ok(http::Response::new(Full::from("fine"))),
                Some("foreign") => {
                    Err(format!("AQVNcanary \u{202e}\u{9b}{}", "long ".repeat(20_000)).into())
                }
                Some("wrong") => Err(ProviderError::permanent("no such thing").into()),
                _ => Err(std::io::Error::other("boom").into()),
            })
        }
    }

    fn send(url: &str) -> Result<Response, ProviderError> {
        let transport = Transport::new(Strict::default());
        let send = async {
            transport
                .send(Request::get(url).body(Full::default()).unwrap())
                .await
        };
        let mut send = std::pin::pin!(send);
        for _ in 0..2 {
            assert!(send.as_mut().now_or_never().is_none());
        }
        send.now_or_never().unwrap()
    }

    #[test]
    fn service_is_ready_before_its_call() {
        assert_eq!(
            **send("http://ok/").unwrap().body.as_ref().unwrap(),
            b"fine"
        );
        fn is_sync<T: Send + Sync>() {}
        is_sync::<Transport>();
    }

    #[test]
    fn service_error_is_transient_with_url_and_cause() {
        let error = send("http://down/").err().unwrap();
        assert!(error.is_transient());
        assert_eq!(error.to_string(), "no response from http://down/: boom");
    }

    #[test]
    fn service_error_is_short_and_printable() {
        let text = send("http://foreign/").err().unwrap().to_string();
        assert!(
            text.contains("http://foreign/: [secret]   long long"),
            "{text}"
        );
        assert!(text.chars().count() < 500, "{}", text.len());
    }

    #[test]
    fn url_that_may_be_secret_is_not_shown() {
        let text = send("http://AQVNcanary/").err().unwrap().to_string();
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn provider_error_of_service_is_unchanged() {
        let error = send("http://wrong/").err().unwrap();
        assert!(error.is_permanent());
        assert_eq!(error.to_string(), "no such thing");
    }

    #[test]
    fn missing_service_error_names_feature() {
        let error = Transport(None)
            .send(Request::new(Full::default()))
            .now_or_never()
            .unwrap()
            .err()
            .unwrap();
        assert!(error.is_permanent());
        assert!(error.to_string().contains("`hyper-client`"));
    }
}
