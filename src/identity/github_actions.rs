//! The subject token of a job of GitHub Actions.

use std::env::{self, VarError};

use http::StatusCode;
use zeroize::Zeroizing;

use super::shared::availability::Availability;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::exchange::github;
use crate::transport::Client;

const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// Which permission of the workflow sets the variables.
const PERMISSION: &str = "the job needs `permissions: id-token: write`";

/// The name of the provider in errors of GitHub, which are not those of the token exchange.
const NAME: &str = "workload identity (GitHub's token endpoint)";

/// A job of GitHub Actions, which requests an ID token for this audience.
pub(super) struct GithubActions {
    pub(super) audience: String,
}

impl GithubActions {
    /// Requests an ID token through the transport of `client`.
    pub(super) async fn id_token(
        &self,
        client: &Client,
        availability: &Availability,
    ) -> Result<Zeroizing<String>, ProviderError> {
        let url = variable(URL, availability)?;
        let token = variable(TOKEN, availability)?;
        self.request(client, url.trim(), token.trim())
            .await
            .map_err(|error| error.with_provider(NAME))
    }

    async fn request(
        &self,
        client: &Client,
        url: &str,
        token: &str,
    ) -> Result<Zeroizing<String>, ProviderError> {
        let (origin, path) = split(url);
        let client = client.clone().with_endpoint(URL, origin);
        // A bearer token, whose header value is marked sensitive.
        let bearer = Credential::iam_token(token)
            .map_err(|error| ProviderError::permanent(format!("{TOKEN}: {error}")))?;
        let authorization = bearer.header_value().clone();
        github::id_token(&client, path, &self.audience, authorization, token)
            .await
            .map_err(|error| error.with_hint(hint))
    }
}

fn variable(name: &str, availability: &Availability) -> Result<Zeroizing<String>, ProviderError> {
    match env::var(name).map(Zeroizing::new) {
        Ok(value) if !value.trim().is_empty() => Ok(value),
        Ok(_) | Err(VarError::NotPresent) => Err(availability.unavailable(format!(
            "{name} is not set: GitHub Actions sets it, and {PERMISSION}"
        ))),
        // The error contains the value, so it is dropped here.
        Err(VarError::NotUnicode(_)) => Err(ProviderError::permanent(format!(
            "{name} is not valid UTF-8"
        ))),
    }
}

/// The origin of the URL, and its path with its query.
fn split(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |at| at + "://".len());
    match url[authority..].find(['/', '?']) {
        Some(path) => url.split_at(authority + path),
        None => (url, ""),
    }
}

fn hint(status: StatusCode) -> Option<String> {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(format!(
            "{PERMISSION}, and {TOKEN} is valid only while the job runs"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_split_after_its_authority() {
        for (url, parts) in [
            (
                "https://a.example/idtoken/1?v=2",
                ("https://a.example", "/idtoken/1?v=2"),
            ),
            ("http://127.0.0.1:80?v=2", ("http://127.0.0.1:80", "?v=2")),
            ("https://a.example", ("https://a.example", "")),
            ("a.example/x", ("a.example", "/x")),
        ] {
            assert_eq!(split(url), parts);
        }
    }
}
