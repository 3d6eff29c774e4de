//! Installations of Yandex Cloud: [`Region`].

use std::borrow::Cow;
use std::env;
use std::ffi::OsString;

use super::authority::host_name;
use super::invalid_rule::{InvalidRule, Reason};
use crate::redact;
use crate::variable::without_quotes;

const RUSSIA: &str = "api.cloud.yandex.net";
const KAZAKHSTAN: &str = "api.yandexcloud.kz";

/// An installation of Yandex Cloud, by the domain of its API.
///
/// Accounts, keys and tokens of one region are unknown in the others. The endpoint of IAM, the
/// audience of a service account's JWT and the trusted hosts follow from the domain:
///
/// | | `domain()` | IAM and audience |
/// | --- | --- | --- |
/// | [`russia`](Self::russia), the default | `api.cloud.yandex.net` | `iam.api.cloud.yandex.net` |
/// | [`kazakhstan`](Self::kazakhstan) | `api.yandexcloud.kz` | `iam.api.yandexcloud.kz` |
/// | [`at`](Self::at) | as given | `iam.` and the domain |
///
/// The token exchange of workload identity federations is known for Russia only. For another region,
/// set its endpoint with `WorkloadIdentity::with_endpoint`.
///
/// *(Yandex Cloud: "API endpoints", for each region; the Python SDK's "Switch SDK region")*
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{ExecutionOnly, Policy, Region, TrustedOrigins};
///
/// let region = Region::kazakhstan();
/// assert_eq!(region.domain(), "api.yandexcloud.kz");
/// let policy = TrustedOrigins::region(&region).and(ExecutionOnly);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    domain: Cow<'static, str>,
}

impl Region {
    /// Russia: `api.cloud.yandex.net`.
    pub const fn russia() -> Self {
        Self {
            domain: Cow::Borrowed(RUSSIA),
        }
    }

    /// Kazakhstan: `api.yandexcloud.kz`.
    pub const fn kazakhstan() -> Self {
        Self {
            domain: Cow::Borrowed(KAZAKHSTAN),
        }
    }

    /// The installation whose API has this domain, such as `api.example.net`.
    ///
    /// [`TrustedOrigins::region`](super::TrustedOrigins::region) trusts every host under the domain,
    /// so no host under it may belong to another party.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] if the text is not a host name of two or more labels, or looks like a secret. It
    /// has no scheme, port or path, and is not an IP address.
    ///
    /// # Examples
    ///
    /// ```
    /// use yandex_cloud_auth::Region;
    ///
    /// assert_eq!(Region::at("API.example.net")?.domain(), "api.example.net");
    /// assert!(Region::at("https://api.example.net").is_err());
    /// # Ok::<(), yandex_cloud_auth::InvalidRule>(())
    /// ```
    pub fn at(domain: impl AsRef<str>) -> Result<Self, InvalidRule> {
        let name = host_name(domain.as_ref()).filter(|name| is_domain(name));
        let domain = name.ok_or(Reason::Domain)?.to_ascii_lowercase().into();
        Ok(Self { domain })
    }

    /// The region that the variable `YC_ENDPOINT` names by the domain of its API, such as
    /// `api.yandexcloud.kz`, with or without `https://` and port 443.
    ///
    /// White space and a pair of quotes around the value are removed. If it is unset or empty,
    /// [`russia`](Self::russia). Terraform's provider and the Python SDK read the same variable.
    ///
    /// # Errors
    ///
    /// [`InvalidRule`] if the value is no such domain.
    ///
    /// # Examples
    ///
    /// ```
    /// use yandex_cloud_auth::{ApiKeyRules, Policy, Region, TrustedOrigins};
    ///
    /// let policy = TrustedOrigins::region(&Region::from_env()?).and(ApiKeyRules::none());
    /// # Ok::<(), yandex_cloud_auth::InvalidRule>(())
    /// ```
    pub fn from_env() -> Result<Self, InvalidRule> {
        Self::from_variable(env::var_os(Self::VARIABLE))
    }

    /// The domain of the API, in lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl Region {
    pub(crate) const VARIABLE: &str = "YC_ENDPOINT";

    /// The region that this value of the variable names.
    pub(crate) fn from_variable(value: Option<OsString>) -> Result<Self, InvalidRule> {
        let value = value.unwrap_or_default();
        match without_quotes(&value.to_string_lossy()) {
            "" => Ok(Self::default()),
            text => Self::from_endpoint(text),
        }
    }

    /// A domain, with or without `https://` and port 443.
    fn from_endpoint(text: &str) -> Result<Self, InvalidRule> {
        let text = match text.get(..8) {
            Some(scheme) if scheme.eq_ignore_ascii_case("https://") => &text[8..],
            _ => text,
        };
        let text = text.strip_suffix('/').unwrap_or(text);
        Self::at(text.strip_suffix(":443").unwrap_or(text))
    }
}

/// The endpoints of the token providers.
#[cfg(feature = "_network")]
#[cfg_attr(
    not(feature = "full"),
    allow(dead_code, reason = "each provider uses a part of it")
)]
impl Region {
    /// The endpoint of IAM.
    pub(crate) fn iam_endpoint(&self) -> String {
        format!("https://iam.{}", self.domain)
    }

    /// The audience of a service account's JWT: the URL of IAM's `Create`.
    pub(crate) fn jwt_audience(&self) -> String {
        format!("{}/iam/v1/tokens", self.iam_endpoint())
    }

    /// The endpoint of the token exchange, or why there is none.
    pub(crate) fn token_exchange_endpoint(&self) -> Result<&'static str, String> {
        if *self == Self::russia() {
            return Ok("https://auth.yandex.cloud");
        }
        Err(format!(
            "the endpoint of the token exchange is not known for the region {}: set it with `with_endpoint`",
            self.domain
        ))
    }
}

/// Whether the name has two labels, and is no secret that was pasted here. Such a secret would not be
/// masked any more after its letters were changed to lower case.
fn is_domain(name: &str) -> bool {
    name.contains('.') && redact::setting(name) == name
}

/// [`Region::russia`].
impl Default for Region {
    fn default() -> Self {
        Self::russia()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_has_one_canonical_spelling() {
        for (text, region) in [
            ("api.cloud.yandex.net", Region::russia()),
            ("API.Cloud.Yandex.net.", Region::default()),
            ("api.yandexcloud.kz", Region::kazakhstan()),
        ] {
            assert_eq!(Region::at(text).unwrap(), region, "{text}");
        }
    }

    #[cfg(feature = "_network")]
    #[test]
    fn endpoints_follow_from_region() {
        let known = Ok("https://auth.yandex.cloud");
        for (region, iam, audience, exchange) in [
            (
                Region::russia(),
                "https://iam.api.cloud.yandex.net",
                "https://iam.api.cloud.yandex.net/iam/v1/tokens",
                known,
            ),
            (
                Region::kazakhstan(),
                "https://iam.api.yandexcloud.kz",
                "https://iam.api.yandexcloud.kz/iam/v1/tokens",
                Err("for the region api.yandexcloud.kz: set it with `with_endpoint`"),
            ),
            (
                Region::at("API.example.net").unwrap(),
                "https://iam.api.example.net",
                "https://iam.api.example.net/iam/v1/tokens",
                Err("for the region api.example.net: set it with `with_endpoint`"),
            ),
        ] {
            assert_eq!(region.iam_endpoint(), iam);
            assert_eq!(region.jwt_audience(), audience);
            match (region.token_exchange_endpoint(), exchange) {
                (Ok(endpoint), Ok(expected)) => assert_eq!(endpoint, expected),
                (Err(error), Err(expected)) => assert!(error.ends_with(expected), "{error}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn endpoint_variable_holds_domain_and_optional_port() {
        for text in [
            "api.yandexcloud.kz",
            "api.yandexcloud.kz:443",
            "https://api.yandexcloud.kz",
            "HTTPS://API.yandexcloud.kz:443/",
        ] {
            assert_eq!(
                Region::from_endpoint(text),
                Ok(Region::kazakhstan()),
                "{text}"
            );
        }
        for text in [
            "",
            "api.yandexcloud.kz:8443",
            "http://api.yandexcloud.kz",
            "https://api.yandexcloud.kz/endpoints",
            "https://https://api.yandexcloud.kz",
            "u@api.yandexcloud.kz",
            "localhost:443",
        ] {
            assert!(Region::from_endpoint(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn text_that_is_no_domain_is_refused() {
        for text in [
            "",
            ".",
            "net",
            "localhost",
            "a..net",
            ".a.net",
            "a.net..",
            "*.a.net",
            "a.net:443",
            "a.net/",
            "https://a.net",
            "u@a.net",
            "a .net",
            "é.net",
            "127.0.0.1",
            "127.1",
            "[::1]",
            "t1.9euelZ.c2ln",
            "eyJhbGciOi.eyJzdWIi.c2ln",
        ] {
            assert_eq!(
                Region::at(text).unwrap_err(),
                Reason::Domain.into(),
                "{text:?}"
            );
        }
    }
}
