//! Secrets in settings that are not meant for them: paths, names, ids, endpoints, audiences.

use std::fmt::Debug;

use yandex_cloud_auth::*;

use crate::canary::*;

/// Secrets in the formats in which people have them.
fn secrets() -> Vec<String> {
    vec![
        TOKEN.into(),
        API_KEY.into(),
        OAUTH_TOKEN.into(),
        SUBJECT_TOKEN.into(),
        format!("{{\"private_key\":\"{CANARY}\"}}"),
        format!("-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n"),
        format!("{CANARY}{}", "A".repeat(300)),
        format!("{CANARY}AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"),
        format!("\"{CANARY}\""),
    ]
}

/// Searches everything that a provider prints.
async fn assert_provider_silent(provider: impl CredentialProvider + Debug) {
    let mut text = debug(&provider) + &provider.name();
    if let Err(failed) = provider.fetch().await {
        text += &error(&failed);
    }
    assert_silent("a provider", &text);
}

#[tokio::test]
async fn secret_in_path_or_name_is_not_shown() {
    for secret in secrets() {
        assert_provider_silent(CredentialFile::new(&secret)).await;
        assert_provider_silent(CredentialFile::api_key(&secret)).await;
        assert_provider_silent(Exec::new(&secret)).await;
        assert_provider_silent(YcCli::new().with_program(&secret)).await;
        assert_provider_silent(WorkloadIdentity::from_file("aje1", &secret)).await;
        assert_provider_silent(WorkloadIdentity::from_env("aje1", &secret)).await;
        // Not fetched: a job of GitHub Actions may have the variables.
        let github = WorkloadIdentity::github("aje1", &secret);
        assert_silent("a job of GitHub Actions", &debug(&github));
        let failed = ServiceAccountKey::from_file(&secret).unwrap_err();
        assert_silent("a key file", &error(&failed));
    }
}

#[tokio::test]
async fn secret_in_other_setting_is_not_shown() {
    let unreachable = || {
        tower::service_fn(|_| async {
            Err::<http::Response<http_body_util::Full<bytes::Bytes>>, _>(std::io::Error::other(
                "down",
            ))
        })
    };
    let key = || ServiceAccountKey::from_json(KEY_FILE).unwrap();
    for secret in secrets() {
        let subject = || async { Ok("e30.e30.c2ln".to_owned()) };
        let source = Credential::iam_token("t1.source").unwrap();
        let endpoint = format!("https://{secret}");
        let audience = key().with_audience(secret.clone());
        let workload = WorkloadIdentity::from_fn(secret.clone(), subject);
        let impersonation = Impersonation::new(source, secret.clone());
        assert_provider_silent(audience.with_transport(unreachable())).await;
        assert_provider_silent(workload.with_transport(unreachable())).await;
        assert_provider_silent(impersonation.with_transport(unreachable())).await;
        assert_provider_silent(key().with_endpoint(&endpoint).with_transport(unreachable())).await;
        // A domain is changed to lower case, where secrets are not recognized.
        let refused = Region::at(&secret).unwrap_err();
        assert_silent("a region", &format!("{refused:?} {refused}"));
        let metadata = MetadataService::new().with_endpoint(&endpoint);
        assert_provider_silent(metadata.with_transport(unreachable())).await;
    }
}
