use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithTonicConfig};
use yandex_cloud_auth::Credential;

pub fn exporter(
    endpoint: &str,
    tls: ClientTlsConfig,
    key: &Credential,
) -> Result<SpanExporter, ExporterBuildError> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, key.header_value().clone());
    headers.insert(
        "x-monium-project",
        HeaderValue::from_static("folder__b1g0example"),
    );
    SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_tls_config(tls)
        .with_metadata(MetadataMap::from_headers(headers))
        .build()
}
