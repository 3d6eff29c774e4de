//! The gRPC methods that SDKs call before any other: they read the addresses of the hosts, and
//! exchange the JWT of a service account for an IAM token. Neither requires credentials.

use axum::Router;

use crate::testing::cloud::hosts::grpc::route;
use crate::testing::cloud::hosts::iam;
use crate::testing::cloud::hosts::workflows::timestamp;
use crate::testing::cloud::state::expires_at::ExpiresAt;
use crate::testing::cloud::state::world::{Shared, World};
use crate::testing::cloud::wire::status::ErrorStatus;
use crate::testing::proto::endpoint::{
    ApiEndpoint, GetApiEndpointRequest, ListApiEndpointsRequest, ListApiEndpointsResponse,
};
use crate::testing::proto::iam::{CreateIamTokenRequest, CreateIamTokenResponse};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route(
            "/yandex.cloud.endpoint.ApiEndpointService/Get",
            route(endpoint),
        )
        .route(
            "/yandex.cloud.endpoint.ApiEndpointService/List",
            route(endpoints),
        )
        .route(
            "/yandex.cloud.iam.v1.IamTokenService/Create",
            route(create_token),
        )
}

/// The hosts that SDKs look up by id. All of them are the TLS listener here, which has every
/// method.
const LISTED: [&str; 4] = ["endpoint", "iam", "operation", "serverless-workflows"];

fn endpoint(world: &mut World, request: GetApiEndpointRequest) -> Result<ApiEndpoint, ErrorStatus> {
    let listed = endpoints(world, ListApiEndpointsRequest {})?.endpoints;
    let mut listed = listed.into_iter();
    listed
        .find(|endpoint| endpoint.id == request.api_endpoint_id)
        .ok_or_else(|| ErrorStatus::not_found("Endpoint was not found"))
}

fn endpoints(
    world: &mut World,
    _: ListApiEndpointsRequest,
) -> Result<ListApiEndpointsResponse, ErrorStatus> {
    let endpoint = |id: &str| ApiEndpoint {
        id: id.to_owned(),
        address: world.domain.clone(),
    };
    Ok(ListApiEndpointsResponse {
        endpoints: LISTED.into_iter().map(endpoint).collect(),
    })
}

fn create_token(
    world: &mut World,
    request: CreateIamTokenRequest,
) -> Result<CreateIamTokenResponse, ErrorStatus> {
    let issued = iam::exchange(world, request.jwt, request.yandex_passport_oauth_token)?;
    Ok(CreateIamTokenResponse {
        iam_token: issued.token,
        expires_at: (world.expires_at != ExpiresAt::Missing).then(|| timestamp(issued.expires_at)),
    })
}
