//! The default chain. Each case runs in a process of its own, whose environment it reads.

#[cfg(feature = "tracing")]
#[path = "support/listener.rs"]
mod listener;
#[path = "support/script.rs"]
mod script;

use std::process::Command;

use yandex_cloud_auth::{CredentialProvider, default_chain, default_chain_with};

use crate::script::{Script, iam_token};

const KEY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/service_account_key.json"
);

/// Runs one of the ignored tests below with only these variables.
fn run(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn key_precedes_environment_and_metadata() {
    let key_json = std::fs::read_to_string(KEY).unwrap();
    run(
        "in_a_process::key_file_is_used",
        &[("YC_SERVICE_ACCOUNT_KEY_FILE", KEY), ("YC_API_KEY", "AQVN")],
    );
    run(
        "in_a_process::key_file_is_used",
        &[
            ("YC_SERVICE_ACCOUNT_KEY_FILE", &key_json),
            ("YC_IAM_TOKEN", "t1.x"),
        ],
    );
    run(
        "in_a_process::environment_is_used",
        &[("YC_SERVICE_ACCOUNT_KEY_FILE", ""), ("YC_API_KEY", "AQVN")],
    );
    run(
        "in_a_process::metadata_service_is_used",
        &[("YC_METADATA_ADDR", "127.0.0.1:9")],
    );
}

#[test]
fn endpoint_variable_sets_region_of_key() {
    for endpoint in ["api.yandexcloud.kz", "https://api.yandexcloud.kz:443"] {
        let variables = [
            ("YC_SERVICE_ACCOUNT_KEY_FILE", KEY),
            ("YC_ENDPOINT", endpoint),
        ];
        run("in_a_process::key_is_used_in_kazakhstan", &variables);
    }
    let invalid = [
        ("YC_SERVICE_ACCOUNT_KEY_FILE", KEY),
        ("YC_ENDPOINT", "api.yandexcloud.kz:8443"),
        ("YC_API_KEY", "AQVN"),
    ];
    run("in_a_process::error_is_that_of_endpoint", &invalid);
}

#[test]
fn broken_key_file_ends_chain() {
    let broken = [
        ("YC_SERVICE_ACCOUNT_KEY_FILE", "/nonexistent/key.json"),
        ("YC_API_KEY", "AQVN"),
    ];
    run("in_a_process::error_is_that_of_key_file", &broken);
}

#[test]
fn unconfigured_chain_lists_every_reason() {
    // Nothing listens on port 9 of loopback.
    run(
        "in_a_process::error_lists_every_reason",
        &[("YC_METADATA_ADDR", "127.0.0.1:9")],
    );
}

#[cfg(all(unix, feature = "tracing"))]
#[test]
fn world_readable_key_file_is_warned_of_once() {
    use std::os::unix::fs::PermissionsExt;

    let path = std::env::temp_dir().join(format!("yandex-cloud-auth-0644-{}", std::process::id()));
    std::fs::copy(KEY, &path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    run(
        "in_a_process::warning_is_emitted_once",
        &[("YC_SERVICE_ACCOUNT_KEY_FILE", path.to_str().unwrap())],
    );
    std::fs::remove_file(path).unwrap();
}

mod in_a_process {
    use super::*;

    #[cfg(feature = "tracing")]
    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn warning_is_emitted_once() {
        let listener = listener::Listener::default();
        tracing::subscriber::set_global_default(listener.clone()).unwrap();
        let chain = default_chain_with(Script::new().reply(200, iam_token("t1.key", 60)));
        for _ in 0..3 {
            chain.fetch().await.unwrap();
        }
        let lines = listener.lines();
        let warnings = lines.iter().filter(|line| line.starts_with("WARN"));
        assert_eq!(warnings.count(), 1, "{lines:?}");
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn key_file_is_used() {
        let script = Script::new().reply(200, iam_token("t1.key", 60));
        let credential = default_chain_with(script.clone()).fetch().await.unwrap();
        assert_eq!(credential.header_value(), "Bearer t1.key");
        assert_eq!(
            (script.calls(), script.request(0).uri().host()),
            (1, Some("iam.api.cloud.yandex.net"))
        );
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn key_is_used_in_kazakhstan() {
        let script = Script::new().reply(200, iam_token("t1.kz", 60));
        let credential = default_chain_with(script.clone()).fetch().await.unwrap();
        assert_eq!(credential.header_value(), "Bearer t1.kz");
        let request = script.request(0);
        assert_eq!(
            request.uri(),
            "https://iam.api.yandexcloud.kz/iam/v1/tokens"
        );
        assert_eq!(script.calls(), 1);
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn error_is_that_of_endpoint() {
        let script = Script::new();
        let chain = default_chain_with(script.clone());
        let error = chain.fetch().await.unwrap_err();
        assert!(error.is_permanent() && script.calls() == 0, "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with("service account key: YC_ENDPOINT is not the domain"),
            "{text}"
        );
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn environment_is_used() {
        let script = Script::new();
        assert_eq!(
            default_chain_with(script.clone())
                .fetch()
                .await
                .unwrap()
                .header_value(),
            "Api-Key AQVN"
        );
        assert_eq!(script.calls(), 0);
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn metadata_service_is_used() {
        let script = Script::new().reply(
            200,
            r#"{"access_token":"t1.vm","expires_in":60,"token_type":"Bearer"}"#,
        );
        assert_eq!(
            default_chain_with(script.clone())
                .fetch()
                .await
                .unwrap()
                .header_value(),
            "Bearer t1.vm"
        );
        assert_eq!(
            (
                script.calls(),
                script.request(0).uri().authority().unwrap().as_str()
            ),
            (1, "127.0.0.1:9")
        );
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn error_is_that_of_key_file() {
        let script = Script::new();
        let error = default_chain_with(script.clone())
            .fetch()
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "service account key: /nonexistent/key.json does not exist"
        );
        assert_eq!(script.calls(), 0);
    }

    #[tokio::test]
    #[ignore = "run by another test with its own environment"]
    async fn error_lists_every_reason() {
        let error = default_chain().fetch().await.unwrap_err();
        assert!(error.is_not_configured());
        let text = error.to_string();
        for part in [
            "service account key: YC_SERVICE_ACCOUNT_KEY_FILE is not set",
            "environment: ",
            "metadata service: no response from http://127.0.0.1:9/",
            "Connection refused",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
