//! The certificate of the TLS listener.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// The authority that signed the certificate, for the clients of the listener.
pub(crate) const ROOT: &str = include_str!("../../keys/root.crt.pem");

const CERTIFICATE: &[u8] = include_bytes!("../../keys/localhost.crt.pem");
const KEY: &[u8] = include_bytes!("../../keys/localhost.pem");

/// Accepts TLS as `localhost`. It negotiates HTTP/2, which gRPC clients require, or HTTP/1.1.
pub(crate) fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("the certificate is PEM");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("the key is PEM");
    let provider = rustls::crypto::ring::default_provider();
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key belongs to the certificate");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}
