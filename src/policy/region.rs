//! Installations of Yandex Cloud: [`Region`].

use std::borrow::Cow;

use super::authority::host_name;
use super::invalid_rule::{InvalidRule, Reason};

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
/// set its endpoint.
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
    /// [`InvalidRule`] if the text is not a host name of two or more labels. It has no scheme, port
    /// or path, and is not an IP address.
    pub fn at(domain: impl AsRef<str>) -> Result<Self, InvalidRule> {
        let name = host_name(domain.as_ref()).filter(|name| name.contains('.'));
        let domain = name.ok_or(Reason::Domain)?.to_ascii_lowercase().into();
        Ok(Self { domain })
    }

    /// The domain of the API, in lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }
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
        ] {
            assert_eq!(
                Region::at(text).unwrap_err(),
                Reason::Domain.into(),
                "{text:?}"
            );
        }
    }
}
