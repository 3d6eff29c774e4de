//! The certificates that the ready-made transport trusts, and the errors of the others.

#[path = "support/script.rs"]
mod script;
#[path = "support/server.rs"]
mod server;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use yandex_cloud_auth::{CredentialProvider, HttpsTransport, ServiceAccountKey};

use crate::script::iam_token;
use crate::server::{KEY, Server, read_request, run, wait_for_close, with_length};

const AUTHORITY: &[u8] = include_bytes!("fixtures/certificate.pem");

const LOCALHOST: &[u8] = include_bytes!("fixtures/localhost.pem");

/// A TLS server with this certificate for `localhost`, which uses the key of the authority.
fn tls_server(
    certificate: &[u8],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Server {
    let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("fixtures/ec.pem")).unwrap();
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
    let config = Arc::new(config);
    Server::start(move |stream| {
        let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        // A client that does not trust the server closes before its request.
        let mut first = [0; 1];
        if tls.read(&mut first).is_ok_and(|length| length > 0) {
            let mut rest = io::Cursor::new(first).chain(Read::by_ref(&mut tls));
            read_request(&mut rest);
            tls.write_all(with_length("200 OK", "", &iam_token("t1.abc", 60)).as_bytes())
                .unwrap();
        }
    })
}

fn trusting_the_authority() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(AUTHORITY).unwrap())
        .unwrap();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn trusting(server: &Server, host: &str, authority: Option<&[u8]>) -> ServiceAccountKey {
    let mut transport = HttpsTransport::builder();
    if let Some(authority) = authority {
        transport = transport.add_root_certificates_pem(authority).unwrap();
    }
    let endpoint = format!("https://{host}:{}", server.address.port());
    ServiceAccountKey::from_json(KEY)
        .unwrap()
        .with_endpoint(endpoint)
        .with_transport(transport.build())
}

#[tokio::test]
async fn added_authority_is_trusted() {
    for versions in [&[&rustls::version::TLS13][..], &[&rustls::version::TLS12]] {
        let server = tls_server(LOCALHOST, versions);
        let credential = trusting(&server, "localhost", Some(AUTHORITY))
            .fetch()
            .await
            .unwrap();
        assert_eq!(credential.header_value(), "Bearer t1.abc");
    }
}

#[tokio::test]
async fn untrusted_certificate_is_permanent() {
    for (certificate, host, authority, reason) in [
        (LOCALHOST, "localhost", None, "UnknownIssuer"),
        (
            LOCALHOST,
            "127.0.0.1",
            Some(AUTHORITY),
            "not valid for name",
        ),
        (
            include_bytes!("fixtures/localhost_expired.pem"),
            "localhost",
            Some(AUTHORITY),
            "expired",
        ),
    ] {
        let server = tls_server(certificate, rustls::ALL_VERSIONS);
        let error = trusting(&server, host, authority)
            .fetch()
            .await
            .unwrap_err();
        assert!(error.is_permanent(), "{error}");
        let text = error.to_string();
        assert!(
            text.contains(reason) && text.contains("check its certificate and the trusted roots"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn custom_transport_uses_proxy() {
    let server = tls_server(LOCALHOST, rustls::ALL_VERSIONS);
    let target = server.address;
    let proxy = Server::start(move |mut client| {
        let request = read_request(&mut client);
        assert!(
            request.starts_with(&format!("CONNECT localhost:{} ", target.port())),
            "{request}"
        );
        let mut upstream = TcpStream::connect(target).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from_client, mut to_upstream) =
            (client.try_clone().unwrap(), upstream.try_clone().unwrap());
        thread::spawn(move || io::copy(&mut from_client, &mut to_upstream));
        let _ended = io::copy(&mut upstream, &mut client);
    });

    let tunnel = Tunnel::new(
        format!("http://{}", proxy.address).parse().unwrap(),
        HttpConnector::new(),
    );
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(trusting_the_authority())
        .https_only()
        .enable_http1();
    let transport = Client::builder(TokioExecutor::new()).build(https.wrap_connector(tunnel));
    let provider = ServiceAccountKey::from_json(KEY)
        .unwrap()
        .with_transport(transport);
    let provider = provider.with_endpoint(format!("https://localhost:{}", target.port()));
    assert_eq!(
        provider.fetch().await.unwrap().header_value(),
        "Bearer t1.abc"
    );
    assert_eq!((proxy.connections(), server.connections()), (1, 1));
}

#[tokio::test]
async fn server_without_common_version_is_permanent() {
    // A fatal alert `protocol_version`, as a server with TLS 1.1 sends it.
    let old = Server::start(|mut stream| {
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).unwrap();
        stream.write_all(&[0x15, 3, 1, 0, 2, 2, 70]).unwrap();
        wait_for_close(&mut stream);
    });
    let error = trusting(&old, "localhost", Some(AUTHORITY))
        .fetch()
        .await
        .unwrap_err();
    assert!(error.is_permanent(), "{error}");

    let plain = Server::start(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let error = trusting(&plain, "localhost", Some(AUTHORITY))
        .fetch()
        .await
        .unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[test]
fn root_variable_without_roots_fails_https_only() {
    run(
        "in_a_process::roots_cannot_be_read",
        &[("SSL_CERT_FILE", "/nonexistent/ca.pem")],
    );
    run(
        "in_a_process::fetch_succeeds",
        &[("SSL_CERT_FILE", "/nonexistent/ca.pem")],
    );
}

#[test]
fn root_variable_is_used() {
    let authority = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/certificate.pem"
    );
    run(
        "in_a_process::localhost_is_trusted",
        &[("SSL_CERT_FILE", authority)],
    );
}

#[test]
fn roots_are_read_once_and_only_for_https() {
    // The tests below write this file.
    let path =
        std::env::temp_dir().join(format!("yandex-cloud-auth-ca-{}.pem", std::process::id()));
    for test in [
        "in_a_process::second_transport_reads_no_roots",
        "in_a_process::plain_http_reads_no_roots",
    ] {
        run(test, &[("SSL_CERT_FILE", path.to_str().unwrap())]);
    }
    std::fs::remove_file(path).unwrap();
}

mod in_a_process {
    use super::*;

    /// Replaces the roots in the file that the variable names.
    fn write_roots(certificate: &[u8]) {
        std::fs::write(std::env::var_os("SSL_CERT_FILE").unwrap(), certificate).unwrap();
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn second_transport_reads_no_roots() {
        let server = tls_server(LOCALHOST, rustls::ALL_VERSIONS);
        write_roots(AUTHORITY);
        trusting(&server, "localhost", None).fetch().await.unwrap();
        write_roots(b"no roots");
        trusting(&server, "localhost", None).fetch().await.unwrap();
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn plain_http_reads_no_roots() {
        // A root that does not trust the server below, in case it is read too early.
        write_roots(include_bytes!("fixtures/cloud.pem"));
        let plain = Server::responding(with_length("200 OK", "", &iam_token("t1.abc", 60)));
        plain.provider().fetch().await.unwrap();
        write_roots(AUTHORITY);
        let server = tls_server(LOCALHOST, rustls::ALL_VERSIONS);
        trusting(&server, "localhost", None).fetch().await.unwrap();
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn fetch_succeeds() {
        let server = Server::responding(with_length("200 OK", "", &iam_token("t1.abc", 60)));
        server.provider().fetch().await.unwrap();
        assert_eq!(server.connections(), 1);
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn roots_cannot_be_read() {
        let server = tls_server(LOCALHOST, rustls::ALL_VERSIONS);
        let error = trusting(&server, "localhost", None)
            .fetch()
            .await
            .unwrap_err();
        assert!(
            error.is_permanent()
                && error
                    .to_string()
                    .contains("SSL_CERT_FILE is set to /nonexistent/ca.pem"),
            "{error}"
        );
        assert_eq!(server.connections(), 0);
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn localhost_is_trusted() {
        let server = tls_server(LOCALHOST, rustls::ALL_VERSIONS);
        trusting(&server, "localhost", None).fetch().await.unwrap();
    }
}
