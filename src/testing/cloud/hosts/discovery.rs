//! `api.cloud.yandex.net`: the addresses of the other hosts. It requires no credentials.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::testing::cloud::state::world::Shared;
use crate::testing::cloud::wire::host::Host;
use crate::testing::cloud::wire::status::ErrorStatus;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/endpoints", get(list))
        .route("/endpoints/{id}", get(one))
}

async fn list(State(cloud): State<Shared>) -> Json<Value> {
    let world = cloud.lock();
    let endpoints: Vec<_> = world
        .endpoints
        .iter()
        .map(|&(id, address)| endpoint(id, &address.to_string()))
        .collect();
    Json(json!({ "endpoints": endpoints }))
}

async fn one(
    State(cloud): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ErrorStatus> {
    let world = cloud.lock();
    let found = world.endpoints.iter().find(|&&(known, _)| known == id);
    let &(id, address) = found.ok_or_else(|| ErrorStatus::not_found("Endpoint was not found"))?;
    Ok(Json(endpoint(id, &address.to_string())))
}

/// The addresses of the hosts that Yandex lists, with their ids. Yandex lists neither the token
/// exchange nor the metadata service.
pub(crate) fn endpoints(addresses: &BTreeMap<Host, SocketAddr>) -> Vec<(&'static str, SocketAddr)> {
    let listed = [
        ("endpoint", Host::Discovery),
        ("iam", Host::Iam),
        ("operation", Host::Operation),
        ("serverless-workflows", Host::Workflows),
    ];
    listed
        .into_iter()
        .map(|(id, host)| (id, addresses[&host]))
        .collect()
}

fn endpoint(id: &str, address: &str) -> Value {
    json!({ "id": id, "address": address })
}
