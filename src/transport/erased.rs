//! Any tower HTTP service, its type forgotten.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::response::Response;
use crate::error::BoxError;
use crate::error::ProviderError;
use crate::error::with_causes;

/// What carries a provider's requests: the user's service, or the ready-made one. Clones share it.
#[derive(Clone)]
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

    /// One request, one answer. An error means that no answer came.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response, ProviderError> {
        let Some(service) = &self.0 else {
            return Err(ProviderError::permanent(
                "there is nothing to send requests with: enable the feature `hyper-client`, or give a service to `with_transport`",
            ));
        };
        let url = request.uri().to_string();
        service
            .send(request)
            .await
            .map_err(|error| no_response(&url, error))
    }
}

impl Default for Transport {
    #[cfg(feature = "hyper-client")]
    fn default() -> Self {
        Self::new(super::HttpsTransport::new())
    }

    #[cfg(not(feature = "hyper-client"))]
    fn default() -> Self {
        Self(None)
    }
}

/// A transport that knows better than "it may pass" says so by a `ProviderError` of its own.
fn no_response(url: &str, error: BoxError) -> ProviderError {
    match error.downcast::<ProviderError>() {
        Ok(error) => *error,
        Err(error) => {
            ProviderError::transient(format!("no answer from {url}: {}", with_causes(&*error)))
        }
    }
}

trait ErasedService: Send + Sync {
    fn send(&self, request: Request<Full<Bytes>>) -> SendFuture;
}

type SendFuture = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

/// What each request's own service is cloned from. The lock makes it `Sync`, which a tower service
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
        let url = request.uri().to_string();
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

    /// Not `Sync`, and panics when called before it was ready.
    #[derive(Clone, Default)]
    struct Fussy {
        polls: Cell<u32>,
    }

    impl Service<Request<Full<Bytes>>> for Fussy {
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
                Some("wrong") => Err(ProviderError::permanent("no such thing").into()),
                _ => Err(std::io::Error::other("boom").into()),
            })
        }
    }

    fn send(url: &str) -> Result<Response, ProviderError> {
        let transport = Transport::new(Fussy::default());
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
    fn a_service_that_is_not_sync_is_polled_ready_before_it_is_called() {
        assert_eq!(
            **send("http://ok/").unwrap().body.as_ref().unwrap(),
            b"fine"
        );
        fn is_sync<T: Send + Sync>() {}
        is_sync::<Transport>();
    }

    #[test]
    fn a_services_error_is_transient_and_tells_url_and_cause() {
        let error = send("http://down/").err().unwrap();
        assert!(error.is_transient());
        assert_eq!(error.to_string(), "no answer from http://down/: boom");
    }

    #[test]
    fn a_provider_error_of_the_service_is_taken_as_it_is() {
        let error = send("http://wrong/").err().unwrap();
        assert!(error.is_permanent());
        assert_eq!(error.to_string(), "no such thing");
    }

    #[test]
    fn without_a_service_the_error_is_permanent_and_names_the_feature() {
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
