//! The setters that every network provider has.

/// Implements the two setters for a provider with a field `client`.
macro_rules! network_setters {
    ($provider:ident) => {
        impl $provider {
            /// Sets the endpoint: `scheme://host[:port]`. The documented path is appended.
            ///
            /// For other installations of the cloud, and for tests. Plain `http` is allowed for
            /// loopback and link-local addresses only. If the text is not such an endpoint, each
            /// fetch returns a permanent error.
            #[must_use]
            pub fn with_endpoint(self, endpoint: impl AsRef<str>) -> Self {
                Self {
                    client: self.client.with_endpoint("the endpoint", endpoint.as_ref()),
                    ..self
                }
            }

            /// Sends requests through this tower service instead of an
            /// [`HttpsTransport`](crate::HttpsTransport).
            ///
            /// The service is cloned for each request and polled until it is ready; it need not be
            /// `Sync`. Its errors are transient, unless they are a
            /// [`ProviderError`](crate::ProviderError). It should neither follow redirects nor
            /// decompress. Without this setter and without the feature `hyper-client`, each fetch
            /// returns a permanent error.
            ///
            /// Do not pass the service that is under the [`AuthLayer`](crate::AuthLayer) if the
            /// number of its requests is limited, as by `ConcurrencyLimit` or `Buffer`. Requests
            /// that wait for a token hold its permits. If they hold all of them, the fetch waits
            /// for a permit, and no request is sent until the fetch timeout has passed. Use another
            /// client, or apply the limit above the layer.
            #[must_use]
            pub fn with_transport<S, B>(self, service: S) -> Self
            where
                S: tower_service::Service<
                        http::Request<http_body_util::Full<bytes::Bytes>>,
                        Response = http::Response<B>,
                    > + Clone
                    + Send
                    + 'static,
                S::Future: Send,
                S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
                B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
                B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
            {
                let transport = crate::transport::Transport::new(service);
                Self {
                    client: self.client.with_transport(transport),
                    ..self
                }
            }
        }
    };
}

pub(crate) use network_setters;
