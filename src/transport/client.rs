//! The endpoint of a network provider, and the transport to it.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{Method, Request, request};
use http_body_util::Full;

use super::endpoint::Endpoint;
use super::erased::Transport;
use super::response::Response;
use crate::error::ProviderError;

/// An endpoint and a transport. Clones share the transport.
#[derive(Clone)]
pub(crate) struct Client {
    endpoint: Endpoint,
    transport: Transport,
}

impl Client {
    /// A client of `endpoint` with the default transport.
    pub(crate) fn new(endpoint: &str) -> Self {
        Self {
            endpoint: Endpoint::new("the endpoint", endpoint),
            transport: Transport::default(),
        }
    }

    pub(crate) fn with_endpoint(self, name: &str, endpoint: &str) -> Self {
        Self {
            endpoint: Endpoint::new(name, endpoint),
            ..self
        }
    }

    /// No endpoint: each request is the permanent error `reason`.
    #[cfg(feature = "workload-identity")]
    pub(crate) fn without_endpoint(self, reason: String) -> Self {
        Self {
            endpoint: Endpoint::unknown(reason),
            ..self
        }
    }

    pub(crate) fn with_transport(self, transport: Transport) -> Self {
        Self { transport, ..self }
    }

    /// The name of a provider with its endpoint, for errors.
    pub(crate) fn name_of(&self, provider: &'static str) -> Cow<'static, str> {
        match self.endpoint.shown() {
            Some(origin) => format!("{provider} ({origin})").into(),
            None => provider.into(),
        }
    }

    /// A request for `path` at this endpoint.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
    ) -> Result<request::Builder, ProviderError> {
        Ok(Request::builder()
            .method(method)
            .uri(self.endpoint.join(path)?)
            .header(ACCEPT, "application/json")
            .header(
                USER_AGENT,
                concat!("yandex-cloud-auth/", env!("CARGO_PKG_VERSION")),
            ))
    }

    /// Sends a request that [`request`](Self::request) started. An error means that no response
    /// arrived.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response, ProviderError> {
        self.transport.send(request).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
