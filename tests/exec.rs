//! A program that prints a token: bounded in time and output, killed if its fetch is dropped, and
//! quoted without its secrets.
#![cfg(all(unix, feature = "exec"))]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use yandex_cloud_auth::{Chain, Credential, CredentialProvider, Exec, ProviderError, YcCli};

fn shell(script: &str) -> Exec {
    Exec::new("/bin/sh").args(["-c", script])
}

async fn error_of(provider: impl CredentialProvider) -> ProviderError {
    provider.fetch().await.expect_err("no credential")
}

/// A path of one test. The file there is removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "yandex-cloud-auth-exec-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        Self(std::env::temp_dir().join(name))
    }

    /// An executable script. Another process writes it: a descriptor that is open for writing here
    /// could be inherited by a child of another test, and the script could not be run before that
    /// child ends.
    fn script(text: &str) -> Self {
        let scratch = Self::new();
        let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 700 "$2""#;
        let mut shell = std::process::Command::new("/bin/sh");
        assert!(
            shell
                .args(["-c", write, "sh", text])
                .arg(&scratch.0)
                .status()
                .unwrap()
                .success()
        );
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn bare_token_on_last_line_is_used() {
    let credential = shell("echo hello; echo t1.abc; echo")
        .fetch()
        .await
        .unwrap();
    assert_eq!(credential.header_value(), "Bearer t1.abc");
    assert_eq!(credential.expires_at(), None);
}

#[tokio::test]
async fn arguments_are_passed_unchanged() {
    let provider = Exec::new("/bin/echo").args(["-n"]).args(["t1.$HOME"]);
    assert!(error_of(provider).await.to_string().contains("at offset 3"));
}

#[tokio::test]
async fn json_output_has_expiry() {
    let script = r#"echo 'Fresh from the press'; echo '{"iam_token": "t1.abc",'; echo '"expires_at": "2100-01-01T00:00:00.123456789Z"}'"#;
    let credential = shell(script).fetch().await.unwrap();
    assert_eq!(credential.header_value(), "Bearer t1.abc");
    let at = SystemTime::UNIX_EPOCH + Duration::new(4_102_444_800, 123_456_789);
    assert_eq!(credential.expires_at(), Some(at));
}

#[tokio::test]
async fn standard_input_is_empty() {
    let credential = shell("if read line; then echo $line; else echo t1.closed; fi")
        .fetch()
        .await
        .unwrap();
    assert_eq!(credential.header_value(), "Bearer t1.closed");
}

#[tokio::test]
async fn failure_quotes_redacted_stderr() {
    let script = "echo t1.out.canary; echo 'first' >&2; echo 'bad key AQVNcanary' >&2; echo 'at /etc/app/conf' >&2; \
                  echo 'token=t1.canary.x' >&2; exit 3";
    let error = error_of(shell(script)).await;
    assert!(error.is_transient());
    assert_eq!(
        error.to_string(),
        "program /bin/sh: failed (exit status: 3): bad key [secret]; at /etc/app/conf; token=[secret]"
    );
    assert!(!format!("{error:?} {:?}", std::error::Error::source(&error)).contains("canary"));
}

#[tokio::test]
async fn quoted_stderr_is_printable() {
    let script = "echo 'a\u{202e}b\u{9b}c\u{1b}[31md' >&2; exit 1";
    let error = error_of(shell(script)).await;
    assert_eq!(
        error.to_string(),
        "program /bin/sh: failed (exit status: 1): a b c [31md"
    );
}

#[tokio::test]
async fn missing_program_is_not_configured() {
    let error = error_of(Exec::new("/nonexistent/helper")).await;
    assert!(error.is_not_configured());
    assert_eq!(error.to_string(), "program /nonexistent/helper: not found");
    let chain = Chain::new()
        .or(Exec::new("/nonexistent/helper"))
        .or(Credential::iam_token("t1.next").unwrap());
    assert_eq!(
        chain.fetch().await.unwrap().header_value(),
        "Bearer t1.next"
    );
}

#[tokio::test]
async fn program_without_interpreter_ends_chain() {
    let script = Scratch::new();
    fs::write(&script.0, "#!/nonexistent/interpreter\n").unwrap();
    fs::set_permissions(&script.0, fs::Permissions::from_mode(0o700)).unwrap();
    let chain = Chain::new()
        .or(Exec::new(&script.0))
        .or(Credential::iam_token("t1.other").unwrap());
    let error = error_of(chain).await;
    assert!(error.is_permanent(), "{error}");
    assert!(error.to_string().contains("interpreter"), "{error}");
}

#[tokio::test]
async fn program_removed_later_is_transient() {
    let script = Scratch::script("echo t1.abc");
    let chain = Chain::new()
        .or(Exec::new(&script.0))
        .or(Credential::iam_token("t1.other").unwrap());
    assert_eq!(chain.fetch().await.unwrap().header_value(), "Bearer t1.abc");
    drop(script);
    assert!(error_of(chain).await.is_transient());
}

#[tokio::test]
async fn file_without_permission_is_permanent() {
    let file = Scratch::new();
    fs::write(&file.0, "").unwrap();
    fs::set_permissions(&file.0, fs::Permissions::from_mode(0o600)).unwrap();
    let error = error_of(Exec::new(&file.0)).await;
    assert!(
        error.is_permanent() && error.to_string().contains("cannot be run"),
        "{error}"
    );
}

#[tokio::test]
async fn endless_output_ends_program() {
    for (script, stream) in [
        ("exec yes canary", "stdout"),
        ("exec yes canary >&2", "stderr"),
    ] {
        let error = error_of(shell(script).timeout(Duration::from_secs(60))).await;
        assert!(error.is_permanent());
        assert_eq!(
            error.to_string(),
            format!("program /bin/sh: wrote more than 64 KiB to {stream}")
        );
    }
}

#[tokio::test]
async fn binary_output_is_refused() {
    let error = error_of(shell(r"printf 't1.\377'")).await;
    assert!(
        error.is_permanent() && error.to_string().ends_with("not UTF-8 text"),
        "{error}"
    );
}

#[tokio::test]
async fn success_without_token_is_permanent() {
    let error = error_of(shell("echo canary canary")).await;
    assert!(
        error.is_permanent() && !error.to_string().contains("canary"),
        "{error}"
    );
    assert!(
        error_of(shell("true"))
            .await
            .to_string()
            .ends_with("printed an invalid credential: it is empty")
    );
}

#[test]
fn call_outside_runtime_says_what_to_do() {
    let provider = shell("echo t1.abc");
    let fetch = std::pin::pin!(provider.fetch());
    let std::task::Poll::Ready(outcome) =
        fetch.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    else {
        panic!("the fetch waits");
    };
    let error = outcome.unwrap_err();
    assert!(
        error.is_permanent() && error.to_string().contains("call it inside one"),
        "{error}"
    );
}

#[tokio::test]
async fn debug_shows_no_arguments() {
    let text = format!(
        "{:?} {:?}",
        shell("canary"),
        YcCli::new().with_profile("canary")
    );
    assert!(
        text.contains("/bin/sh") && text.contains("yc") && !text.contains("canary"),
        "{text}"
    );
}

#[tokio::test]
async fn cli_is_called_with_profile_and_account() {
    let yc = Scratch::script(r#"printf '{"iam_token":"t1.%s"}' "$(echo "$*" | tr ' ' .)""#);
    let credential = YcCli::new()
        .with_program(&yc.0)
        .with_profile("test")
        .with_impersonation("aje1")
        .fetch()
        .await
        .unwrap();
    assert_eq!(
        credential.header_value(),
        "Bearer t1.iam.create-token.--format.json.--no-user-output.--profile.test.--impersonate-service-account-id.aje1"
    );
}

#[tokio::test]
async fn cli_errors_say_what_to_do() {
    let missing = error_of(YcCli::new().with_program("/nonexistent/yc")).await;
    assert!(
        missing.is_not_configured()
            && missing
                .to_string()
                .starts_with("yc CLI: not found: install it"),
        "{missing}"
    );

    let yc = Scratch::script(
        "echo 'ERROR: code = Unauthenticated desc = OAuth token is invalid' >&2; exit 1",
    );
    let login = error_of(YcCli::new().with_program(&yc.0)).await;
    assert!(
        login.is_permanent() && login.to_string().ends_with("; log in with `yc init`"),
        "{login}"
    );

    let yc = Scratch::script("echo 'ERROR: no such host' >&2; exit 1");
    let network = error_of(YcCli::new().with_program(&yc.0)).await;
    assert!(network.is_transient(), "{network}");
    assert_eq!(
        network.to_string(),
        "yc CLI: failed (exit status: 1): ERROR: no such host"
    );

    let yc = Scratch::script("exec sleep 600");
    let late = error_of(
        YcCli::new()
            .with_program(&yc.0)
            .with_timeout(Duration::from_millis(100)),
    )
    .await;
    assert!(
        late.is_transient() && late.to_string().contains("did not finish within 100ms"),
        "{late}"
    );
    assert!(late.to_string().contains("yc init"), "{late}");
}

#[cfg(target_os = "linux")]
mod killed {
    use super::*;

    /// Prints its process id to a file, then hangs.
    fn hanging(pid_file: &Scratch) -> Exec {
        shell(&format!(
            "echo $$ > {0}.new && mv {0}.new {0}; exec sleep 600",
            pid_file.0.display()
        ))
    }

    /// The first value that `check` returns.
    async fn eventually<T>(check: impl Fn() -> Option<T>) -> T {
        for _ in 0..3000 {
            if let Some(value) = check() {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not within 30 seconds");
    }

    async fn must_be_gone(pid_file: &Scratch) {
        let pid = eventually(|| fs::read_to_string(&pid_file.0).ok()).await;
        let stat = format!("/proc/{}/stat", pid.trim());
        // A zombie has ended, and only waits for its parent.
        eventually(|| {
            fs::read_to_string(&stat).map_or(Some(()), |stat| stat.contains(") Z ").then_some(()))
        })
        .await;
    }

    /// Kills the process whose id is in the file.
    fn kill(pid_file: &Scratch) {
        let pid = fs::read_to_string(&pid_file.0).unwrap();
        let killed = std::process::Command::new("kill").arg(pid.trim()).status();
        assert!(killed.unwrap().success());
    }

    #[tokio::test]
    async fn exit_ends_reading_of_kept_output() {
        let pid_file = Scratch::new();
        let script = format!(
            "sleep 600 & echo $! > {}; head -c 60000 /dev/zero | tr '\\0' a; echo; echo t1.abc",
            pid_file.0.display()
        );
        for _ in 0..3 {
            let provider = shell(&script).timeout(Duration::from_secs(60));
            let credential = provider.fetch().await.unwrap();
            assert_eq!(credential.header_value(), "Bearer t1.abc");
            kill(&pid_file);
        }
    }

    #[tokio::test]
    async fn timeout_kills_process_group() {
        let pid_file = Scratch::new();
        let script = format!("sleep 600 & echo $! > {}; wait", pid_file.0.display());
        let error = error_of(shell(&script).timeout(Duration::from_secs(2))).await;
        assert!(error.is_transient(), "{error}");
        must_be_gone(&pid_file).await;
    }

    #[tokio::test]
    async fn program_is_killed_at_its_timeout() {
        let pid_file = Scratch::new();
        // Long enough for a shell to start on a busy machine.
        let error = error_of(hanging(&pid_file).timeout(Duration::from_secs(2))).await;
        assert!(error.is_transient());
        assert_eq!(
            error.to_string(),
            "program /bin/sh: did not finish within 2s"
        );
        must_be_gone(&pid_file).await;
    }

    #[tokio::test]
    async fn program_of_dropped_fetch_is_killed() {
        let pid_file = Scratch::new();
        let provider = hanging(&pid_file).timeout(Duration::from_secs(600));
        let fetch = tokio::spawn(async move { provider.fetch().await });
        eventually(|| pid_file.0.exists().then_some(())).await;
        fetch.abort();
        must_be_gone(&pid_file).await;
    }
}
