//! Exchanges the token of another provider for an IAM token *(RFC 8693 §2; Yandex Cloud, "Setting
//! up a workload identity federation")*.

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::Method;
use http::header::CONTENT_TYPE;
use http_body_util::Full;
use zeroize::Zeroizing;

use super::access_token::credential_in;
use super::error::ExchangeError;
use crate::credential::Credential;
use crate::transport::Client;

/// The endpoint of the token exchange.
pub(crate) const ENDPOINT: &str = "https://auth.yandex.cloud";

const PATH: &str = "/oauth/token";

/// Exchanges the subject token for one of the service account.
pub(crate) async fn exchange(
    client: &Client,
    service_account_id: &str,
    subject_token: &str,
) -> Result<Credential, ExchangeError> {
    let form = Bytes::from_owner(form(service_account_id, subject_token));
    let request = client
        .request(Method::POST, PATH)
        .map_err(ExchangeError::NoResponse)?;
    let request = request
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(form))
        .expect("the URL was checked and the headers are constants");
    credential_in(
        &client
            .send(request)
            .await
            .map_err(ExchangeError::NoResponse)?,
        subject_token,
    )
}

fn form(service_account_id: &str, subject_token: &str) -> Zeroizing<Vec<u8>> {
    const FIXED: usize = 512;
    // Allocated at its maximum: escaping triples the length at most.
    let text = String::with_capacity(FIXED + 3 * (service_account_id.len() + subject_token.len()));
    let form = Serializer::new(text)
        .append_pair(
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        )
        .append_pair(
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        )
        .append_pair("audience", service_account_id)
        .append_pair("subject_token", subject_token)
        .append_pair(
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:id_token",
        )
        .finish();
    Zeroizing::new(form.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_has_documented_fields_without_growth() {
        let form = form("aje&x", &"+".repeat(5000));
        let pairs: Vec<_> = form_urlencoded::parse(&form).into_owned().collect();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                (
                    "grant_type",
                    "urn:ietf:params:oauth:grant-type:token-exchange"
                ),
                (
                    "requested_token_type",
                    "urn:ietf:params:oauth:token-type:access_token"
                ),
                ("audience", "aje&x"),
                ("subject_token", "+".repeat(5000).as_str()),
                (
                    "subject_token_type",
                    "urn:ietf:params:oauth:token-type:id_token"
                ),
            ]
        );
        assert_eq!(form.capacity(), 512 + 3 * 5005);
    }
}
