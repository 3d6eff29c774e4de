//! The ready-made transport: hyper-util over rustls.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tower_service::Service;

use super::roots;
use crate::error::{BoxError, ProviderError, with_causes};
use crate::redact;
use crate::runtime;
use crate::runtime::spawn_blocking;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Of the default transport of providers, whose plain `http` stays on this machine or its link.
#[cfg(feature = "_network")]
const LINK_LOCAL_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The ready-made transport of the network providers: HTTP/1.1 through hyper-util, TLS through
/// rustls.
///
/// It is a tower service from `Request<Full<Bytes>>` to a response. A provider without a transport
/// of its own uses it, and then waits one second for a connection of plain `http`, which is
/// link-local. Clones share one client, so one transport can serve several providers. It needs a
/// tokio runtime with I/O and time enabled.
///
/// It follows no redirect, reads no proxy variable, requests no compression and keeps no idle
/// connection: a provider sends a request about once an hour, and a connection of that age often
/// fails. It limits the time to connect, not the time of a whole request.
///
/// # Root certificates
///
/// They are read once in a process, at the first `https` request, on a blocking thread. All
/// transports share them, and a change of them needs a restart. They are those that `SSL_CERT_FILE`
/// and `SSL_CERT_DIR` name, or else those of the system, or else, in a system that has none, such as
/// an empty container, Mozilla's, which are compiled in. If a variable is set and names none,
/// requests fail with an error that says so; if the system's cannot be read, with a transient one.
/// The next request reads again.
///
/// [`add_root_certificates_pem`](HttpsTransportBuilder::add_root_certificates_pem) adds a private
/// authority for one transport. Nothing is read for plain `http`, nor with a
/// [`tls_config`](HttpsTransportBuilder::tls_config).
///
/// TLS uses *ring*. A process-wide crypto provider is neither installed nor used.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use yandex_cloud_auth::HttpsTransport;
///
/// let transport = HttpsTransport::builder().connect_timeout(Duration::from_secs(3)).build();
/// let shared = transport.clone();
/// ```
#[derive(Clone)]
pub struct HttpsTransport {
    shared: Arc<Shared>,
}

type HyperClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

struct Shared {
    settings: HttpsTransportBuilder,
    /// For `http`, which needs no roots.
    plain: OnceLock<HyperClient>,
    /// For `https`. Not set while the roots cannot be read, which may be fixed.
    secure: OnceLock<HyperClient>,
}

impl HttpsTransport {
    /// A transport with the defaults. Reads no file and needs no runtime yet.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A builder with the defaults.
    pub fn builder() -> HttpsTransportBuilder {
        HttpsTransportBuilder {
            added_roots: Vec::new(),
            tls_config: None,
            connect_timeout: CONNECT_TIMEOUT,
            plain_connect_timeout: None,
        }
    }

    /// The transport of a provider that has none of its own.
    #[cfg(feature = "_network")]
    pub(super) fn for_providers() -> Self {
        let mut builder = Self::builder();
        builder.plain_connect_timeout = Some(LINK_LOCAL_CONNECT_TIMEOUT);
        builder.build()
    }
}

impl Default for HttpsTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsTransport")
            .field("connect_timeout", &self.shared.settings.connect_timeout)
            .finish_non_exhaustive()
    }
}

/// Settings of an [`HttpsTransport`].
///
/// # Examples
///
/// A private authority in addition to the roots of the system:
///
/// ```
/// use std::time::Duration;
/// use yandex_cloud_auth::HttpsTransport;
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/testing/keys/root.crt.pem");
/// let authority = std::fs::read(path)?;
/// let transport = HttpsTransport::builder()
///     .connect_timeout(Duration::from_secs(3))
///     .add_root_certificates_pem(&authority)?
///     .build();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct HttpsTransportBuilder {
    added_roots: Vec<CertificateDer<'static>>,
    tls_config: Option<ClientConfig>,
    connect_timeout: Duration,
    /// For `http`. The same as for `https` if `None`.
    plain_connect_timeout: Option<Duration>,
}

impl HttpsTransportBuilder {
    /// Trusts the authorities in this PEM text, in addition to the
    /// [others](HttpsTransport#root-certificates).
    ///
    /// # Errors
    ///
    /// Permanent if the text contains no certificate, or one that cannot be parsed.
    pub fn add_root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, ProviderError> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| {
                ProviderError::permanent(format!("root certificates are not PEM: {error}"))
            })?;
        let (added, _) =
            RootCertStore::empty().add_parsable_certificates(certificates.iter().cloned());
        if added == 0 || added < certificates.len() {
            return Err(ProviderError::permanent(
                "root certificates: the text contains none, or one that is not X.509",
            ));
        }
        self.added_roots.extend(certificates);
        Ok(self)
    }

    /// Sets the whole TLS configuration: roots, client certificates, crypto provider and versions.
    ///
    /// Then the certificates that were added to this builder are not used. The ALPN list is
    /// ignored: the protocol stays HTTP/1.1.
    pub fn tls_config(mut self, mut config: ClientConfig) -> Self {
        config.alpn_protocols.clear();
        self.tls_config = Some(config);
        self
    }

    /// Sets how long to wait for a TCP connection. Default: 10 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Builds the transport. Reads no file and needs no runtime yet.
    pub fn build(self) -> HttpsTransport {
        HttpsTransport {
            shared: Arc::new(Shared {
                settings: self,
                plain: OnceLock::new(),
                secure: OnceLock::new(),
            }),
        }
    }

    /// For `http`.
    fn plain_client(&self) -> HyperClient {
        let timeout = self.plain_connect_timeout.unwrap_or(self.connect_timeout);
        client(tls_with(RootCertStore::empty()), timeout)
    }

    /// For `https`.
    fn secure_client(&self, tls: ClientConfig) -> HyperClient {
        client(tls, self.connect_timeout)
    }

    /// Reads the roots if no transport has yet.
    fn tls(&self) -> Result<ClientConfig, ProviderError> {
        match &self.tls_config {
            Some(config) => Ok(config.clone()),
            None => self.roots().map(tls_with),
        }
    }

    /// The roots of the process, or a copy of them with those that were added.
    fn roots(&self) -> Result<Arc<RootCertStore>, ProviderError> {
        let mut roots = roots::shared()?;
        if !self.added_roots.is_empty() {
            Arc::make_mut(&mut roots).add_parsable_certificates(self.added_roots.iter().cloned());
        }
        Ok(roots)
    }
}

fn client(tls: ClientConfig, connect_timeout: Duration) -> HyperClient {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(connect_timeout));
    let tls = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(tls)
}

fn tls_with(roots: impl Into<Arc<RootCertStore>>) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring's provider has cipher suites for the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

impl fmt::Debug for HttpsTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsTransportBuilder")
            .field("added_roots", &self.added_roots.len())
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

/// Errors are transient, except those of TLS that need a change, such as an untrusted certificate:
/// they are a permanent [`ProviderError`].
impl Service<Request<Full<Bytes>>> for HttpsTransport {
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let client = shared.client(request.uri().scheme()).await?;
            let host = redact::setting(request.uri().host().unwrap_or_default());
            let response = client
                .request(request)
                .await
                .map_err(|error| classified(&host, error))?;
            Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
        })
    }
}

impl Shared {
    async fn client(
        self: Arc<Self>,
        scheme: Option<&Scheme>,
    ) -> Result<HyperClient, ProviderError> {
        if runtime::timer(Duration::ZERO).is_none() {
            return Err(ProviderError::permanent(
                "called outside a tokio runtime: call it inside one, with I/O and time enabled, or set another service than `HttpsTransport` with `with_transport`",
            ));
        }
        if scheme == Some(&Scheme::HTTP) {
            let plain = || self.settings.plain_client();
            return Ok(self.plain.get_or_init(plain).clone());
        }
        if let Some(client) = self.secure.get() {
            return Ok(client.clone());
        }
        let shared = Arc::clone(&self);
        let tls = spawn_blocking(move || shared.settings.tls()).await??;
        Ok(self
            .secure
            .get_or_init(|| self.settings.secure_client(tls))
            .clone())
    }
}

fn classified(host: &str, error: hyper_util::client::legacy::Error) -> BoxError {
    const MAX_CHARS: usize = 400;
    if is_configuration(&error) {
        let text = redact::printable(&with_causes(&error), MAX_CHARS);
        return ProviderError::permanent(format!(
            "no TLS connection to {host}, check its certificate and the trusted roots: {text}"
        ))
        .into();
    }
    error.into()
}

/// Whether TLS fails until a certificate, a root or a version is changed.
fn is_configuration(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return matches!(
            error,
            rustls::Error::InvalidCertificate(_)
                | rustls::Error::PeerIncompatible(_)
                | rustls::Error::AlertReceived(
                    AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure
                )
        );
    }
    // `io::Error::source` skips its inner error.
    let inner = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
        .map(|inner| inner as &(dyn Error + 'static));
    inner
        .or_else(|| error.source())
        .is_some_and(is_configuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_certificate_is_found_under_io_errors() {
        let untrusted =
            || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        for (error, configuration) in [
            (io::Error::other(io::Error::other(untrusted())), true),
            (
                io::Error::other(rustls::Error::PeerIncompatible(
                    rustls::PeerIncompatible::Tls12NotOffered,
                )),
                true,
            ),
            (io::Error::other(rustls::Error::DecryptError), false),
            (io::Error::from(io::ErrorKind::ConnectionRefused), false),
        ] {
            assert_eq!(is_configuration(&error), configuration, "{error}");
        }
    }

    #[test]
    fn invalid_root_certificates_fail_builder() {
        let certificate = include_bytes!("../../tests/fixtures/certificate.pem");
        assert!(
            HttpsTransport::builder()
                .add_root_certificates_pem(certificate)
                .is_ok()
        );
        let not_x509 = b"-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n";
        for text in [
            &b""[..],
            b"canary",
            not_x509,
            b"-----BEGIN CERTIFICATE-----\n\xff\n",
            &certificate[..100],
        ] {
            let error = HttpsTransport::builder()
                .add_root_certificates_pem(text)
                .unwrap_err();
            assert!(
                error.is_permanent() && error.to_string().starts_with("root certificates"),
                "{error}"
            );
        }
    }

    #[test]
    fn alpn_list_does_not_panic() {
        let mut config = tls_with(RootCertStore::empty());
        config.alpn_protocols = vec![b"h2".to_vec()];
        let builder = HttpsTransport::builder().tls_config(config);
        builder.secure_client(builder.tls().unwrap());
    }

    #[test]
    fn no_global_crypto_provider_is_installed() {
        let builder = HttpsTransport::builder();
        builder.secure_client(builder.tls().unwrap());
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }

    #[test]
    fn transports_share_roots() {
        let roots = || HttpsTransport::builder().roots().unwrap();
        assert!(Arc::ptr_eq(&roots(), &roots()));
    }

    #[test]
    fn added_root_changes_copy_only() {
        let shared = HttpsTransport::builder().roots().unwrap();
        let before = shared.len();
        let certificate = include_bytes!("../../tests/fixtures/certificate.pem");
        let builder = HttpsTransport::builder()
            .add_root_certificates_pem(certificate)
            .unwrap();
        assert_eq!(builder.roots().unwrap().len(), before + 1);
        let after = HttpsTransport::builder().roots().unwrap();
        assert_eq!((after.len(), shared.len()), (before, before));
    }
}
