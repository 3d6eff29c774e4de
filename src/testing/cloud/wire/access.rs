//! Who may do what: IAM tokens everywhere, API keys with the right scope on the Execution resource.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::credential::{Credential, Fingerprint, Scheme};
use crate::testing::cloud::state::api_keys::WORKFLOWS_SCOPE;
use crate::testing::cloud::state::world::{Shared, World};
use crate::testing::cloud::wire::status::ErrorStatus;

/// What a request is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// The one resource that takes API keys *(Authentication, Workflows API reference, Yandex Cloud
    /// docs)*.
    Execution,
    /// Any other.
    Other,
}

/// The credentials of a request: one `Authorization` of a known scheme.
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
        let (word, secret) = value.to_str().ok()?.split_once(' ')?;
        let scheme = [Scheme::ApiKey, Scheme::Bearer]
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(word))?;
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

    /// Whose it is, were it valid.
    pub(crate) fn account<'w>(&self, world: &'w World) -> Option<&'w str> {
        match self.scheme {
            Scheme::ApiKey => world.api_keys.account(&self.secret),
            Scheme::Bearer => world.tokens.account(&self.secret),
        }
    }
}

/// The account that asks, if it may.
///
/// What the cloud answers to an API key elsewhere than on the Execution resource is not documented;
/// this one says 403, code 7.
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

/// What stands before the routes of a resource.
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
