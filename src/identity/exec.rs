//! A token that a program prints.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::Deserialize;

use super::process::Program;
use crate::credential::Credential;
use crate::error::ProviderError;
use crate::provider::CredentialProvider;

/// The lifetime of a token if the program does not state one.
const ASSUMED_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// An IAM token that a program prints.
///
/// Each fetch runs the program without a shell, with the environment of this process and an empty
/// standard input. The last line of its output that is not empty must be the token alone, or the
/// output must end with a JSON object with `iam_token` and optionally `expires_at` (RFC 3339);
/// `iamToken` and `expiresAt` are accepted too. Everything before that is ignored. A token without
/// `expires_at` is assumed to live 15 minutes.
///
/// The exit of the program ends the fetch; on Unix, even if a process that it started keeps its
/// output open. If the exit status is not success, the error quotes the last lines of stderr, with
/// secrets masked. If the program runs longer than its timeout (20 seconds by default) or writes
/// more than 64 KiB to either stream, it is killed. A program that does not exist is "not
/// configured"; if it has run before, its absence is transient.
///
/// On Unix, the program runs in a process group of its own, which is killed as a whole. So it
/// cannot read from the terminal.
///
/// It needs a tokio runtime with I/O and time enabled. `Debug` does not show the arguments, but
/// other users of the machine may see them: pass secrets in the environment.
///
/// # Cancel safety
///
/// If the future of the fetch is dropped, the program is killed; on Unix, the processes that it
/// started too.
///
/// # Examples
///
/// ```
/// use yandex_cloud_auth::{AuthLayer, Exec};
///
/// let auth = AuthLayer::new(Exec::new("vault").args(["read", "-field=token", "yandex/token"]));
/// ```
pub struct Exec {
    program: Program,
}

impl Exec {
    /// Runs `program`: a path, or a name that is searched in `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: Program::new(program.as_ref().to_owned()),
        }
    }

    /// Adds arguments. Each is passed unchanged.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.program
            .args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets how long the program may run before it is killed. Default: 20 seconds, less than the
    /// fetch timeout of a cache.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.program.timeout = timeout;
        self
    }
}

impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exec")
            .field("program", &self.program)
            .finish()
    }
}

impl CredentialProvider for Exec {
    async fn fetch(&self) -> Result<Credential, ProviderError> {
        let output = self.program.output().await.map_err(ProviderError::from);
        output
            .and_then(|output| printed(&output))
            .map_err(|error| error.with_provider(self.name()))
    }

    fn name(&self) -> Cow<'static, str> {
        format!("program {}", self.program.shown()).into()
    }
}

/// The JSON that `yc` and similar programs print. Errors of its parser quote the input, so they are
/// dropped.
#[derive(Deserialize)]
struct Printed<'a> {
    #[serde(borrow, alias = "iamToken")]
    iam_token: Cow<'a, str>,
    #[serde(borrow, alias = "expiresAt")]
    expires_at: Option<Cow<'a, str>>,
}

/// The credential at the end of a program's output.
pub(super) fn printed(output: &str) -> Result<Credential, ProviderError> {
    let output = output.trim();
    let last_line = output.lines().next_back().unwrap_or_default();
    let (token, expiry) = match last_line.ends_with('}') {
        true => printed_json(output)?,
        false => (Cow::Borrowed(last_line.trim()), None),
    };
    if token == "null" {
        return Err(ProviderError::permanent(
            "printed `null`: `jq` and similar programs do so where there is no such field",
        ));
    }
    let credential = Credential::iam_token(&*token)
        .map_err(|error| ProviderError::permanent(format!("printed an {error}")))?;
    Ok(match expiry {
        Some(at) => credential.with_expiry(at),
        None => credential.with_lifetime(ASSUMED_LIFETIME),
    })
}

/// The object at the end of `output`. It starts at the start of a line, and may span several.
fn printed_json(output: &str) -> Result<(Cow<'_, str>, Option<SystemTime>), ProviderError> {
    let start = output.rfind("\n{").map_or(0, |end_of_line| end_of_line + 1);
    let Ok(printed) = serde_json::from_str::<Printed<'_>>(&output[start..]) else {
        return Err(ProviderError::permanent(
            "printed JSON that is not an object with `iam_token` and `expires_at`",
        ));
    };
    let Some(expires_at) = printed.expires_at else {
        return Ok((printed.iam_token, None));
    };
    match expires_at
        .parse()
        .map(|at: Timestamp| SystemTime::try_from(at))
    {
        Ok(Ok(at)) => Ok((printed.iam_token, Some(at))),
        _ => Err(ProviderError::permanent(
            "printed an `expires_at` that is not an RFC 3339 time",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Expiry;

    #[test]
    fn last_line_is_token_for_15_minutes() {
        for output in [
            "t1.a",
            "t1.a\n",
            "Welcome!\n\n t1.a \r\n\n",
            "{\"iam_token\":\"t1.no\"}\nt1.a",
        ] {
            let credential = printed(output).unwrap();
            assert_eq!(credential.header_value(), "Bearer t1.a", "{output}");
            assert_eq!(credential.expiry(), Expiry::In(Duration::from_secs(900)));
        }
    }

    #[test]
    fn object_at_end_is_read_in_any_layout() {
        for output in [
            r#"{"iam_token":"t1.a","expires_at":"2026-01-01T12:00:00.5Z"}"#,
            r#"{"iamToken":"t1.a","expiresAt":"2026-01-01T15:00:00.500000000+03:00","more":{"iam_token":1}}"#,
            "There is {a} news {\n{\n  \"expires_at\": \"2026-01-01T12:00:00.500Z\",\n  \"iam_token\": \"t1.a\"\n}\n",
        ] {
            let credential = printed(output).unwrap();
            assert_eq!(credential.header_value(), "Bearer t1.a", "{output}");
            let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_268_800_500);
            assert_eq!(credential.expires_at(), Some(at), "{output}");
        }
        for output in [
            r#"{"iam_token":"t1.a"}"#,
            r#"{"iam_token":"t1.a","expires_at":null}"#,
        ] {
            assert_eq!(
                printed(output).unwrap().expiry(),
                Expiry::In(ASSUMED_LIFETIME),
                "{output}"
            );
        }
    }

    #[test]
    fn other_output_is_permanent_and_not_shown() {
        for (output, reason) in [
            ("", "invalid credential: it is empty"),
            (" \n ", "invalid credential: it is empty"),
            ("t1.canary and more", "white space"),
            ("iam_token: t1.canary", "a character"),
            ("{canary}", "not an object"),
            (r#"{"token":"t1.canary"}"#, "not an object"),
            (r#"{"iam_token":7,"x":"canary"}"#, "not an object"),
            (r#"{"iam_token":"a","iam_token":"canary"}"#, "not an object"),
            (
                r#"{"iam_token":"t1.a","expires_at":"canary"}"#,
                "not an RFC 3339 time",
            ),
            (
                r#"{"iam_token":"t1.a","expires_at":"99999-01-01T00:00:00Z"}"#,
                "not an RFC 3339 time",
            ),
            (r#"{"iam_token":"t1.\ncanary"}"#, "white space"),
            (r#"{"iam_token":""}"#, "it is empty"),
            ("null", "printed `null`"),
            (r#"{"iam_token":"null"}"#, "printed `null`"),
        ] {
            let error = printed(output).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(
                error.is_permanent() && text.contains(reason) && !text.contains("canary"),
                "{output}: {text}"
            );
        }
    }
}
