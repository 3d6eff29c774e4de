//! What every provider that asks over the network lets its user set.

/// The two setters, for a provider whose field `client` asks.
macro_rules! network_setters {
    ($provider:ident) => {
        impl $provider {
            /// Asks at this endpoint instead: `scheme://host[:port]`, to which the documented path
            /// is appended.
            ///
            /// For other installations of the cloud, and for tests. Plain `http` is for loopback
            /// and link-local addresses only. A text that is no such endpoint is a permanent error
            /// of each fetch.
            #[must_use]
            pub fn with_endpoint(self, endpoint: impl AsRef<str>) -> Self {
                Self {
                    client: self.client.with_endpoint("the endpoint", endpoint.as_ref()),
                    ..self
                }
            }

            /// Asks through this tower service instead of an
            /// [`HttpsTransport`](crate::HttpsTransport) of its own.
            ///
            /// It is cloned for each request and polled ready before it is called; it need not be
            /// `Sync`. Its errors are transient, unless they are a
            /// [`ProviderError`](crate::ProviderError). It should neither follow redirects nor
            /// decompress. Without one, and without the feature `hyper-client`, each fetch fails.
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
