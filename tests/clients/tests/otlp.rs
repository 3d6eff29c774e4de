//! OpenTelemetry's OTLP exporter over tonic, with TLS.

mod support;

use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use opentelemetry_sdk::trace::SpanExporter;
use yandex_cloud_auth::Credential;
use yandex_cloud_auth::testing::{FakeCloud, Host};
use yandex_cloud_auth_clients_tests::otlp::exporter;

use support::*;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

#[test]
fn page_has_recipe() {
    assert!(PAGE.contains(include_str!("../src/otlp.rs")));
}

#[tokio::test]
async fn export_has_api_key_and_project() {
    let cloud = FakeCloud::start().await;
    let key = Credential::api_key(cloud.api_key()).unwrap();
    let root = Certificate::from_pem(cloud.root_certificate());
    let tls = ClientTlsConfig::new().ca_certificate(root);
    let exporter = exporter(&cloud.grpc_tls_url(), tls, &key).unwrap();
    // The cloud has no such service.
    exporter.export(Vec::new()).await.unwrap_err();
    let request = received(&cloud, Host::Grpc);
    assert_eq!(request.path, EXPORT);
    assert_eq!(request.fingerprint, Some(key.fingerprint()));
    assert_eq!(request.headers["x-monium-project"], "folder__b1g0example");
}

#[tokio::test]
async fn printed_endpoint_is_accepted() {
    let endpoint = "https://ingest.monium.yandex.cloud:443";
    assert!(PAGE.contains(endpoint));
    let key = Credential::api_key("AQVNabc").unwrap();
    exporter(endpoint, ClientTlsConfig::new().with_enabled_roots(), &key).unwrap();
}
