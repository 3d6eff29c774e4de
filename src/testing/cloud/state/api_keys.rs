//! API keys, with their scopes and their expiry.

use std::collections::HashMap;
use std::time::SystemTime;

use crate::credential::Credential;
use crate::testing::cloud::state::random;
use crate::testing::cloud::wire::status::ErrorStatus;

/// The scope that Workflows requires.
pub(crate) const WORKFLOWS_SCOPE: &str = "yc.serverless.workflows.execute";

/// The scopes of a key that is created without scopes. They do not include Workflows *(API key,
/// Yandex Cloud docs)*.
const DEFAULT_SCOPES: [&str; 10] = [
    "yc.ai.imageGeneration.execute",
    "yc.ai.languageModels.execute",
    "yc.ai.speechkitStt.execute",
    "yc.ai.speechkitTts.execute",
    "yc.ai.translate.execute",
    "yc.ai.vision.execute",
    "yc.monitoring.manage",
    "yc.search-api.execute",
    "yc.serverless.containers.invoke",
    "yc.serverless.functions.invoke",
];

#[derive(Default)]
pub(crate) struct ApiKeys(HashMap<String, ApiKey>);

pub(crate) struct ApiKey {
    pub(crate) account: String,
    scopes: Vec<String>,
    expires_at: Option<SystemTime>,
}

impl ApiKey {
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

impl ApiKeys {
    pub(crate) fn issue(
        &mut self,
        account: &str,
        scopes: &[&str],
        expires_at: Option<SystemTime>,
    ) -> String {
        let scopes = if scopes.is_empty() {
            &DEFAULT_SCOPES
        } else {
            scopes
        };
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let secret = random::api_key();
        self.0.insert(
            secret.clone(),
            ApiKey {
                account: account.to_owned(),
                scopes,
                expires_at,
            },
        );
        secret
    }

    pub(crate) fn delete_all(&mut self) {
        self.0.clear();
    }

    pub(crate) fn account(&self, secret: &str) -> Option<&str> {
        self.0.get(secret).map(|key| key.account.as_str())
    }

    pub(crate) fn check(&self, secret: &str, now: SystemTime) -> Result<&ApiKey, ErrorStatus> {
        let Some(key) = self.0.get(secret) else {
            return Err(ErrorStatus::unauthenticated(format!(
                "Unknown api key '{}'",
                masked(secret)
            )));
        };
        if key.expires_at.is_some_and(|end| end <= now) {
            return Err(ErrorStatus::unauthenticated("The apikey has expired"));
        }
        Ok(key)
    }
}

/// A key as the cloud's messages show it: its first and last characters and its checksum. Nothing
/// of a short key is shown.
fn masked(secret: &str) -> String {
    match Credential::api_key(secret) {
        Ok(key) if secret.len() >= 40 => {
            format!(
                "{}****{} ({})",
                &secret[..4],
                &secret[secret.len() - 4..],
                key.fingerprint()
            )
        }
        _ => "****".to_owned(),
    }
}
