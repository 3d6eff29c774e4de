//! `iam.api.cloud.yandex.net`: issues IAM tokens for a signed JWT, for an OAuth token or for
//! another service account, and revokes them.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::testing::cloud::state::assertion;
use crate::testing::cloud::state::tokens::Issued;
use crate::testing::cloud::state::world::{Shared, World};
use crate::testing::cloud::wire::access::{Resource, authorize};
use crate::testing::cloud::wire::payload::Payload;
use crate::testing::cloud::wire::status::ErrorStatus;

const MAX_JWT: usize = 8000;
const MAX_OAUTH_TOKEN: usize = 4000;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/iam/v1/tokens", post(create))
        .route(
            "/iam/v1/tokens:createForServiceAccount",
            post(create_for_service_account),
        )
        .route("/iam/v1/tokens:revoke", post(revoke))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    jwt: Option<String>,
    yandex_passport_oauth_token: Option<String>,
}

async fn create(
    State(cloud): State<Shared>,
    Payload(request): Payload<Create>,
) -> Result<Json<Value>, ErrorStatus> {
    let mut world = cloud.lock();
    let issued = exchange(&mut world, request.jwt, request.yandex_passport_oauth_token)?;
    Ok(rendered(&world, issued))
}

/// Issues an IAM token to the signer of a JWT or to the owner of an OAuth token.
pub(crate) fn exchange(
    world: &mut World,
    jwt: Option<String>,
    oauth_token: Option<String>,
) -> Result<Issued, ErrorStatus> {
    let account = match (jwt, oauth_token) {
        (Some(jwt), None) => signer(&jwt, world)?,
        (None, Some(token)) => yandex_account(&token, world)?,
        _ => {
            return Err(ErrorStatus::invalid(
                "Exactly one of jwt and yandexPassportOauthToken is required",
            ));
        }
    };
    let now = world.now();
    Ok(world.tokens.issue(&account, now))
}

fn signer(jwt: &str, world: &World) -> Result<String, ErrorStatus> {
    if jwt.len() > MAX_JWT {
        return Err(ErrorStatus::invalid("jwt is too long"));
    }
    let domains = [world.region.domain(), &world.domain];
    assertion::verify(jwt, &world.accounts, domains, world.now())
}

fn yandex_account(token: &str, world: &World) -> Result<String, ErrorStatus> {
    if token.len() > MAX_OAUTH_TOKEN {
        return Err(ErrorStatus::invalid("yandexPassportOauthToken is too long"));
    }
    if !world.grants.accepts_oauth(token) {
        return Err(ErrorStatus::unauthenticated(
            "OAuth token is invalid or expired",
        ));
    }
    Ok(world.accounts.user().to_owned())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateForServiceAccount {
    service_account_id: String,
}

async fn create_for_service_account(
    State(cloud): State<Shared>,
    headers: HeaderMap,
    Payload(request): Payload<CreateForServiceAccount>,
) -> Result<Json<Value>, ErrorStatus> {
    let mut world = cloud.lock();
    authorize(&world, &headers, Resource::Other)?;
    if !world.accounts.exists(&request.service_account_id) {
        return Err(ErrorStatus::not_found("Service account was not found"));
    }
    if !world.accounts.impersonation {
        return Err(ErrorStatus::denied());
    }
    let now = world.now();
    let issued = world.tokens.issue(&request.service_account_id, now);
    Ok(rendered(&world, issued))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Revoke {
    iam_token: String,
}

async fn revoke(
    State(cloud): State<Shared>,
    headers: HeaderMap,
    Payload(request): Payload<Revoke>,
) -> Result<Json<Value>, ErrorStatus> {
    let mut world = cloud.lock();
    authorize(&world, &headers, Resource::Other)?;
    let account = world
        .tokens
        .revoke(&request.iam_token)
        .ok_or_else(|| ErrorStatus::invalid("iamToken is not an IAM token"))?;
    Ok(Json(json!({ "subjectId": account })))
}

fn rendered(world: &World, Issued { token, expires_at }: Issued) -> Json<Value> {
    let mut body = json!({ "iamToken": token });
    if let Some(text) = world.expires_at.render(expires_at) {
        body["expiresAt"] = text.into();
    }
    Json(body)
}
