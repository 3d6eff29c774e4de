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
use crate::error::BoxError;
use crate::error::ProviderError;
use crate::error::with_causes;
use crate::runtime;
use crate::runtime::spawn_blocking;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The ready-made transport of the network providers: HTTP/1.1 through hyper-util, TLS through
/// rustls.
///
/// It is a tower service from `Request<Full<Bytes>>` to a response, and what a provider without a
/// transport of its own uses. Clones share it, so one may serve several providers. It needs a tokio
/// runtime with I/O and time.
///
/// It follows no redirect, reads no proxy variable, asks for no compression and keeps no idle
/// connection: a provider asks once an hour, and a connection that old is the likeliest to fail.
/// How long a whole request may take is the caller's business.
///
/// # Root certificates
///
/// They are read at the first `https` request, and once. They are the system's, or those that
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` name. Where a variable is set and yields none, requests fail
/// with an error that says so. Where neither is set and the system has none at all, as in an empty
/// container, they are Mozilla's, compiled in. A private authority is added by
/// [`add_root_certificates_pem`](HttpsTransportBuilder::add_root_certificates_pem).
///
/// The cryptography is *ring*'s. No process-wide crypto provider is installed, and none is looked
/// at.
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
    /// For `http`, which must not fail for want of roots.
    plain: OnceLock<HyperClient>,
    /// For `https`. Made once it can be made: what is wrong with the roots may be mended.
    secure: OnceLock<HyperClient>,
}

impl HttpsTransport {
    /// A transport with the defaults. Reads nothing and needs no runtime yet.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts from the defaults.
    pub fn builder() -> HttpsTransportBuilder {
        HttpsTransportBuilder {
            added_roots: Vec::new(),
            tls_config: None,
            connect_timeout: CONNECT_TIMEOUT,
        }
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
#[derive(Clone)]
#[must_use]
pub struct HttpsTransportBuilder {
    added_roots: Vec<CertificateDer<'static>>,
    tls_config: Option<ClientConfig>,
    connect_timeout: Duration,
}

impl HttpsTransportBuilder {
    /// Trusts the authorities in this PEM text too, beside those of [the
    /// system](HttpsTransport#root-certificates).
    ///
    /// # Errors
    ///
    /// Permanent, where the text has no certificate or one that cannot be read.
    pub fn add_root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, ProviderError> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| {
                ProviderError::permanent(format!(
                    "root certificates are not readable as PEM: {error}"
                ))
            })?;
        let (added, _) =
            RootCertStore::empty().add_parsable_certificates(certificates.iter().cloned());
        if added == 0 || added < certificates.len() {
            return Err(ProviderError::permanent(
                "root certificates: the text has none, or one that is not X.509",
            ));
        }
        self.added_roots.extend(certificates);
        Ok(self)
    }

    /// Takes this TLS configuration instead: its roots, client certificates, crypto provider and
    /// versions.
    ///
    /// The certificates added to this builder are then not used, and the protocol stays HTTP/1.1
    /// whatever its ALPN list says.
    pub fn tls_config(mut self, mut config: ClientConfig) -> Self {
        config.alpn_protocols.clear();
        self.tls_config = Some(config);
        self
    }

    /// How long a TCP connection may take to be made. Default: 10 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The transport.
    pub fn build(self) -> HttpsTransport {
        HttpsTransport {
            shared: Arc::new(Shared {
                settings: self,
                plain: OnceLock::new(),
                secure: OnceLock::new(),
            }),
        }
    }

    fn client(&self, tls: ClientConfig) -> HyperClient {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(self.connect_timeout));
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(tls)
    }

    fn tls(&self) -> Result<ClientConfig, ProviderError> {
        if let Some(config) = &self.tls_config {
            return Ok(config.clone());
        }
        let mut roots = roots::load().map_err(ProviderError::permanent)?;
        roots.add_parsable_certificates(self.added_roots.iter().cloned());
        Ok(tls_with(roots))
    }
}

fn tls_with(roots: RootCertStore) -> ClientConfig {
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

/// Errors are transient, but for a certificate that is not trusted and the like: those are a
/// permanent [`ProviderError`], since somebody has to mend something.
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
            let host = request.uri().host().unwrap_or_default().to_owned();
            let response = client
                .request(request)
                .await
                .map_err(|error| explained(&host, error))?;
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
                "`HttpsTransport` needs a tokio runtime with I/O and time: give another service to `with_transport`",
            ));
        }
        if scheme == Some(&Scheme::HTTP) {
            let plain = || self.settings.client(tls_with(RootCertStore::empty()));
            return Ok(self.plain.get_or_init(plain).clone());
        }
        if let Some(client) = self.secure.get() {
            return Ok(client.clone());
        }
        let shared = Arc::clone(&self);
        let tls = spawn_blocking(move || shared.settings.tls()).await??;
        Ok(self
            .secure
            .get_or_init(|| self.settings.client(tls))
            .clone())
    }
}

fn explained(host: &str, error: hyper_util::client::legacy::Error) -> BoxError {
    if is_configuration(&error) {
        let text = with_causes(&error);
        return ProviderError::permanent(format!(
            "no TLS connection to {host}, check its certificate and the roots trusted here: {text}"
        ))
        .into();
    }
    error.into()
}

/// Whether TLS failed in a way that stays until a certificate, a root or a version is changed.
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
    // `io::Error::source` skips the error it was made from.
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
    fn a_certificate_that_is_not_trusted_is_found_under_layers_of_io_errors() {
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
    fn root_certificates_are_read_at_once_and_the_error_says_so() {
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
    fn a_tls_configuration_with_an_alpn_list_does_not_panic() {
        let mut config = tls_with(RootCertStore::empty());
        config.alpn_protocols = vec![b"h2".to_vec()];
        let builder = HttpsTransport::builder().tls_config(config);
        builder.client(builder.tls().unwrap());
    }

    #[test]
    fn no_process_wide_crypto_provider_is_installed() {
        let builder = HttpsTransport::builder();
        builder.client(builder.tls().unwrap());
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }
}
