//! Authorization: all resources accept IAM tokens, and the Execution resource also accepts API keys
//! with the scope of Workflows.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::credential::{Credential, Fingerprint, Scheme};
use crate::testing::cloud::state::api_keys::WORKFLOWS_SCOPE;
use crate::testing::cloud::state::world::{Shared, World};
use crate::testing::cloud::wire::status::ErrorStatus;

/// The resource that a request uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// The only resource that accepts API keys *(Authentication, Workflows API reference, Yandex
    /// Cloud docs)*.
    Execution,
    /// Any other resource.
    Other,
}

/// The credentials of a request: a single `Authorization` header with a known scheme.
pub(crate) struct Presented {
    pub(crate) scheme: Scheme,
    pub(crate) secret: String,
}

impl Presented {
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        let (name, secret) = value.to_str().ok()?.split_once(' ')?;
        let scheme = [Scheme::ApiKey, Scheme::Bearer]
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(name))?;
        Some(Self {
            scheme,
            secret: secret.to_owned(),
        })
    }

    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        let credential = match self.scheme {
            Scheme::ApiKey => Credential::api_key(&self.secret),
            Scheme::Bearer => Credential::iam_token(&self.secret),
        };
        credential.ok().map(|credential| credential.fingerprint())
    }

    /// The account that owns the credentials, whether or not they are still valid.
    pub(crate) fn account<'w>(&self, world: &'w World) -> Option<&'w str> {
        match self.scheme {
            Scheme::ApiKey => world.api_keys.account(&self.secret),
            Scheme::Bearer => world.tokens.account(&self.secret),
        }
    }
}

/// Returns the account of a request that may use `resource`.
///
/// Yandex does not document the response to an API key outside the Execution resource. The fake
/// returns 403, code 7.
pub(crate) fn authorize(
    world: &World,
    headers: &HeaderMap,
    resource: Resource,
) -> Result<String, ErrorStatus> {
    let Some(Presented { scheme, secret }) = Presented::of(headers) else {
        return Err(ErrorStatus::unauthenticated(
            "No valid Authorization header provided",
        ));
    };
    match scheme {
        Scheme::Bearer => world.tokens.check(&secret, world.now()),
        Scheme::ApiKey => {
            let key = world.api_keys.check(&secret, world.now())?;
            if resource == Resource::Execution && key.has_scope(WORKFLOWS_SCOPE) {
                Ok(key.account.clone())
            } else {
                Err(ErrorStatus::denied())
            }
        }
    }
}

/// A middleware that checks the credentials of requests to a resource.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) resource: Resource,
    pub(crate) cloud: Shared,
}

pub(crate) async fn guard(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Result<Response, ErrorStatus> {
    authorize(&guard.cloud.lock(), request.headers(), guard.resource)?;
    Ok(next.run(request).await)
}
