//! The identity that the `yc` CLI is logged in as.

use std::ffi::OsStr;
use std::fmt;
use std::time::Duration;

use super::child::{ProcessError, Program};
use super::exec::printed;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::CredentialProvider;

/// What `yc` and IAM say where logging in is what helps.
const LOGIN_WORDS: [&str; 6] = [
    "yc init",
    "authenticat",
    "log in",
    "login",
    "oauth token",
    "expired",
];

/// The identity that the `yc` CLI is logged in as: a Yandex, federated or local account, or a
/// service account.
///
/// Runs `yc iam create-token` at each fetch; how the program is run and watched is as with
/// [`Exec`](crate::Exec). For federated and local accounts it is the only way to an IAM token. Such
/// a token dies with the browser session that `yc` keeps, so after the session's end somebody has
/// to log in again. It is made for people's own machines; a service does better with a service
/// account.
///
/// # Examples
///
/// ```no_run
/// use yandex_cloud_auth::{AuthLayer, YcCli};
///
/// let me = AuthLayer::new(YcCli::new());
/// let robot = AuthLayer::new(YcCli::new().with_profile("test").with_impersonation("aje0000000000000robot"));
/// ```
pub struct YcCli {
    program: Program,
}

impl YcCli {
    /// The CLI's current profile, by the `yc` in `PATH`.
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

    /// Another `yc` than the one in `PATH`, which services and editors often do not share with your
    /// shell.
    #[must_use]
    pub fn with_program(mut self, path: impl AsRef<OsStr>) -> Self {
        self.program.path = path.as_ref().to_owned();
        self
    }

    /// The profile of that name in place of the current one.
    #[must_use]
    pub fn with_profile(self, name: impl AsRef<OsStr>) -> Self {
        self.flag("--profile", name.as_ref())
    }

    /// A token of the service account with this id, in whose name the account of the profile may
    /// act.
    #[must_use]
    pub fn with_impersonation(self, service_account_id: impl AsRef<OsStr>) -> Self {
        self.flag(
            "--impersonate-service-account-id",
            service_account_id.as_ref(),
        )
    }

    /// How long `yc` may run before it is killed. Default: 20 seconds, less than a cache waits for
    /// a fetch.
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
        let output = self.program.output().await.map_err(with_advice);
        output
            .and_then(|output| printed(&output))
            .map_err(|error| error.with_provider("yc CLI"))
    }
}

fn with_advice(failure: ProcessError) -> ProviderError {
    match failure {
        ProcessError::NotFound => ProviderError::not_configured(
            "not found: install it, put `yc` on PATH, or say where it is by `YcCli::with_program`",
        ),
        // Without a session it waits for somebody to come back from the browser.
        ProcessError::Timeout(_) => ProviderError::transient(format!(
            "{failure}: if it waits for a log-in, log in by `yc init`"
        )),
        ProcessError::Exit { ref stderr, .. } if asks_for_login(stderr) => {
            ProviderError::permanent(format!("{failure}; log in by `yc init`"))
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
    fn the_flags_are_the_cli_s_own() {
        let cli = YcCli::new().with_profile("test").with_impersonation("aje1");
        let expected = "iam create-token --format json --no-user-output --profile test --impersonate-service-account-id aje1";
        assert_eq!(cli.program.path, "yc");
        assert_eq!(cli.program.args, expected.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn a_login_is_advised_where_that_is_the_cause() {
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
    fn what_to_do_is_said_for_each_failure() {
        let missing = with_advice(ProcessError::NotFound);
        assert!(
            missing.is_not_configured() && missing.to_string().contains("install it"),
            "{missing}"
        );
        let late = with_advice(ProcessError::Timeout(Duration::from_secs(20)));
        assert!(late.is_transient(), "{late}");
        assert_eq!(
            late.to_string(),
            "did not finish within 20s: if it waits for a log-in, log in by `yc init`"
        );
    }
}
