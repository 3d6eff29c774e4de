//! The messages of `yandex.cloud.endpoint.ApiEndpointService`.

/// Requests the address of one host.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub(crate) struct GetApiEndpointRequest {
    #[prost(string, tag = "1")]
    pub(crate) api_endpoint_id: String,
}

/// Requests the addresses of all hosts. The fake returns one page.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub(crate) struct ListApiEndpointsRequest {}

/// The addresses of all hosts.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub(crate) struct ListApiEndpointsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) endpoints: Vec<ApiEndpoint>,
}

/// The address of a host, as `host:port`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub(crate) struct ApiEndpoint {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) address: String,
}
