//! The default chain, each case in a process of its own: it reads the process's environment.

mod script;

use std::process::Command;

use yandex_cloud_auth::{CredentialProvider, default_chain, default_chain_with};

use crate::script::{Script, iam_token};

const KEY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/service_account_key.json"
);

/// Runs one of the ignored tests below with these variables and no others.
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
fn a_key_file_comes_before_the_environment_and_that_before_the_metadata_service() {
    let key_json = std::fs::read_to_string(KEY).unwrap();
    run(
        "in_a_process::a_key_file_answers",
        &[("YC_SERVICE_ACCOUNT_KEY_FILE", KEY), ("YC_API_KEY", "AQVN")],
    );
    run(
        "in_a_process::a_key_file_answers",
        &[
            ("YC_SERVICE_ACCOUNT_KEY_FILE", &key_json),
            ("YC_IAM_TOKEN", "t1.x"),
        ],
    );
    run(
        "in_a_process::the_environment_answers",
        &[("YC_SERVICE_ACCOUNT_KEY_FILE", ""), ("YC_API_KEY", "AQVN")],
    );
    run(
        "in_a_process::the_metadata_service_answers",
        &[("YC_METADATA_ADDR", "127.0.0.1:9")],
    );
}

#[test]
fn a_key_file_that_is_configured_and_broken_ends_the_walk() {
    let broken = [
        ("YC_SERVICE_ACCOUNT_KEY_FILE", "/nonexistent/key.json"),
        ("YC_API_KEY", "AQVN"),
    ];
    run(
        "in_a_process::a_broken_key_file_is_the_chains_error",
        &broken,
    );
}

#[test]
fn where_nothing_is_configured_every_reason_is_told() {
    // Port 9 of loopback: nothing listens there.
    run(
        "in_a_process::every_reason_is_told",
        &[("YC_METADATA_ADDR", "127.0.0.1:9")],
    );
}

mod in_a_process {
    use super::*;

    #[tokio::test]
    #[ignore = "run by another test, with the environment it needs"]
    async fn a_key_file_answers() {
        let script = Script::new().reply(200, iam_token("t1.key", 60));
        let credential = default_chain_with(script.clone()).fetch().await.unwrap();
        assert_eq!(credential.header_value(), "Bearer t1.key");
        assert_eq!(
            (script.calls(), script.asked(0).uri().host()),
            (1, Some("iam.api.cloud.yandex.net"))
        );
    }

    #[tokio::test]
    #[ignore = "run by another test, with the environment it needs"]
    async fn the_environment_answers() {
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
    #[ignore = "run by another test, with the environment it needs"]
    async fn the_metadata_service_answers() {
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
                script.asked(0).uri().authority().unwrap().as_str()
            ),
            (1, "127.0.0.1:9")
        );
    }

    #[tokio::test]
    #[ignore = "run by another test, with the environment it needs"]
    async fn a_broken_key_file_is_the_chains_error() {
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
    #[ignore = "run by another test, with the environment it needs"]
    async fn every_reason_is_told() {
        let error = default_chain().fetch().await.unwrap_err();
        assert!(error.is_not_configured());
        let text = error.to_string();
        for part in [
            "service account key: YC_SERVICE_ACCOUNT_KEY_FILE is not set",
            "environment: ",
            "metadata service: no answer from http://127.0.0.1:9/",
            "Connection refused",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
