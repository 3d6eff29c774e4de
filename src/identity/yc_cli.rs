//! The identity with which the `yc` CLI is logged in.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::time::Duration;

use super::exec::printed;
use super::process::{ProcessError, Program};
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::CredentialProvider;

const NAME: &str = "yc CLI";

/// Words of `yc` and IAM for errors that a new log-in fixes.
const LOGIN_WORDS: [&str; 6] = [
    "yc init",
    "authenticat",
    "log in",
    "login",
    "oauth token",
    "expired",
];

/// The identity with which the `yc` CLI is logged in: a Yandex, federated or local account, or a
/// service account.
///
/// Each fetch runs `yc iam create-token`, under the limits of [`Exec`](crate::Exec). For federated
/// and local accounts there is no other way to get an IAM token. Such a token ends with the browser
/// session of `yc`, after which a person must log in again. Use it on a developer's machine, and a
/// service account for a service.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, YcCli};
///
/// let me = AuthLayer::new(YcCli::new());
/// let robot = AuthLayer::new(YcCli::new().with_profile("test").with_impersonation("aje0000000000000robot"));
/// ```
pub struct YcCli {
    program: Program,
}

impl YcCli {
    /// The current profile of the `yc` in `PATH`.
    pub fn new() -> Self {
        let mut program = Program::new("yc".into());
        program.args.extend(
            [
                "iam",
                "create-token",
                "--format",
                "json",
                "--no-user-output",
            ]
            .map(Into::into),
        );
        Self { program }
    }

    /// Sets the path of `yc`. Services and editors often have another `PATH` than your shell.
    #[must_use]
    pub fn with_program(mut self, path: impl AsRef<OsStr>) -> Self {
        self.program.path = path.as_ref().to_owned();
        self
    }

    /// Sets the profile to use instead of the current one.
    #[must_use]
    pub fn with_profile(self, name: impl AsRef<OsStr>) -> Self {
        self.flag("--profile", name.as_ref())
    }

    /// Sets the id of a service account that the account of the profile may impersonate. The token
    /// is that of the service account.
    #[must_use]
    pub fn with_impersonation(self, service_account_id: impl AsRef<OsStr>) -> Self {
        self.flag(
            "--impersonate-service-account-id",
            service_account_id.as_ref(),
        )
    }

    /// Sets the endpoint of the API to use instead of that of the profile: `host:port`, such as
    /// `api.yandexcloud.kz:443`.
    #[must_use]
    pub fn with_endpoint(self, endpoint: impl AsRef<OsStr>) -> Self {
        self.flag("--endpoint", endpoint.as_ref())
    }

    /// Sets how long `yc` may run before it is killed. Default: 20 seconds, less than the fetch
    /// timeout of a cache.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.program.timeout = timeout;
        self
    }

    fn flag(mut self, flag: &str, value: &OsStr) -> Self {
        self.program.args.extend([flag.into(), value.to_owned()]);
        self
    }
}

impl Default for YcCli {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for YcCli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("YcCli")
            .field("program", &self.program)
            .finish()
    }
}

impl CredentialProvider for YcCli {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let output = self.program.output().await.map_err(with_hint);
        output
            .and_then(|output| printed(&output))
            .map_err(|error| error.with_provider(NAME))
    }

    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }
}

fn with_hint(error: ProcessError) -> ProviderError {
    match error {
        ProcessError::NotFound => ProviderError::not_configured(
            "not found: install it, add its directory to PATH, or set its path with `YcCli::with_program`",
        ),
        // Without a session it waits for a person to log in with a browser.
        ProcessError::Timeout(_) => {
            ProviderError::transient(format!("{error}: if it waits for a log-in, run `yc init`"))
        }
        ProcessError::Exit { ref stderr, .. } if asks_for_login(stderr) => {
            ProviderError::permanent(format!("{error}; log in with `yc init`"))
        }
        other => other.into(),
    }
}

fn asks_for_login(stderr: &str) -> bool {
    let stderr = stderr.to_lowercase();
    LOGIN_WORDS.iter().any(|words| stderr.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_those_of_cli() {
        let cli = YcCli::new()
            .with_profile("test")
            .with_impersonation("aje1")
            .with_endpoint("api.yandexcloud.kz:443");
        let expected = "iam create-token --format json --no-user-output --profile test \
             --impersonate-service-account-id aje1 --endpoint api.yandexcloud.kz:443";
        assert_eq!(cli.program.path, "yc");
        assert_eq!(cli.program.args, expected.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn login_hint_needs_matching_cause() {
        for (stderr, login) in [
            (
                "ERROR: rpc error: code = Unauthenticated desc = OAuth token is invalid or expired",
                true,
            ),
            ("ERROR: profile is empty, run `yc init`", true),
            (
                "ERROR: rpc error: code = Unavailable desc = no such host",
                false,
            ),
            ("ERROR: post /oauth/token: i/o timeout", false),
            ("", false),
        ] {
            assert_eq!(asks_for_login(stderr), login, "{stderr}");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let missing = with_hint(ProcessError::NotFound);
        assert!(
            missing.is_not_configured() && missing.to_string().contains("install it"),
            "{missing}"
        );
        let late = with_hint(ProcessError::Timeout(Duration::from_secs(20)));
        assert!(late.is_transient(), "{late}");
        assert_eq!(
            late.to_string(),
            "did not finish within 20s: if it waits for a log-in, run `yc init`"
        );
    }
}
