//! The first configured provider wins, and a failed one ends the chain.

#[path = "support/token.rs"]
mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use yandex_cloud_auth::{Chain, CredentialProvider, EnvCredential, ProviderError};

use crate::token::token;

fn nothing_set() -> EnvCredential {
    EnvCredential::with_lookup(|_| None)
}

fn failing(error: ProviderError) -> impl CredentialProvider {
    move || {
        let error = error.clone();
        async move { Err(error) }
    }
}

/// A provider that counts its fetches.
fn counted(fetches: &Arc<AtomicUsize>) -> impl CredentialProvider + use<> {
    let fetches = Arc::clone(fetches);
    move || {
        fetches.fetch_add(1, Ordering::Relaxed);
        async { Ok(token("counted")) }
    }
}

#[tokio::test]
async fn first_configured_provider_wins() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let chain = Chain::new()
        .or(nothing_set())
        .or(token("first"))
        .or(counted(&fetches));
    assert_eq!(chain.fetch().await.unwrap().header_value(), "Bearer first");
    assert_eq!(fetches.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn failed_provider_ends_chain() {
    let fetches = Arc::new(AtomicUsize::new(0));
    for error in [
        ProviderError::transient("vault is sealed").with_provider("vault"),
        ProviderError::permanent("vault is sealed").with_provider("vault"),
    ] {
        let transient = error.is_transient();
        let chain = Chain::new()
            .or(nothing_set())
            .or(failing(error))
            .or(counted(&fetches));
        let error = chain.fetch().await.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.provider()),
            ("vault: vault is sealed", Some("vault"))
        );
        assert_eq!(
            (error.is_transient(), error.is_permanent()),
            (transient, !transient)
        );
    }
    assert_eq!(fetches.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn unconfigured_chain_lists_every_reason() {
    let nameless = failing(ProviderError::not_configured("no seal"));
    let named = failing(ProviderError::not_configured("no address").with_provider("vault"));
    let chain = Chain::new().or(named).or(nameless).or(nothing_set());
    let error = chain.fetch().await.unwrap_err();
    assert!(error.is_not_configured());
    assert_eq!(
        error.to_string(),
        "no source of credentials is configured: vault: no address; provider 2: no seal; environment: \
         none of YC_API_KEY, YC_IAM_TOKEN, IAM_TOKEN, YC_TOKEN is set"
    );
}

#[tokio::test]
async fn empty_chain_is_not_configured() {
    let error = Chain::new().fetch().await.unwrap_err();
    assert!(error.is_not_configured());
    assert_eq!(error.to_string(), "the chain has no providers");
}

#[tokio::test]
async fn chain_can_contain_chain() {
    let inner = Chain::new().or(nothing_set());
    let chain = Chain::new().or(inner.clone()).or(token("outer"));
    assert_eq!(chain.fetch().await.unwrap().header_value(), "Bearer outer");
    let error = Chain::new().or(Arc::new(inner)).fetch().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("provider 1: no source of credentials is configured: environment: "),
        "{error}"
    );
}

#[tokio::test]
async fn provider_configured_later_takes_over() {
    let fetches = AtomicUsize::new(0);
    let first = EnvCredential::with_lookup(move |name| {
        (name == "YC_IAM_TOKEN" && fetches.fetch_add(1, Ordering::Relaxed) > 0)
            .then(|| "first".into())
    });
    let chain = Chain::new().or(first).or(token("second"));
    assert_eq!(chain.fetch().await.unwrap().header_value(), "Bearer second");
    assert_eq!(chain.fetch().await.unwrap().header_value(), "Bearer first");
}

#[tokio::test]
async fn diagnose_returns_each_outcome() {
    let sealed = failing(ProviderError::permanent("vault is sealed"));
    let chain = Chain::new()
        .or(nothing_set())
        .or(Arc::new(token("mine")))
        .or(sealed);
    let outcomes = chain.diagnose().await;
    let [
        ("EnvCredential", Err(reason)),
        ("Credential", Ok(credential)),
    ] = &outcomes[..]
    else {
        panic!("{outcomes:?}");
    };
    assert!(reason.is_not_configured());
    assert_eq!(credential.header_value(), "Bearer mine");
}

#[test]
fn chain_of_static_providers_is_static() {
    assert!(Chain::new().or(token("a")).is_static());
    assert!(!Chain::new().or(token("a")).or(nothing_set()).is_static());
    assert!(!Chain::new().or(nothing_set()).or(token("a")).is_static());
}

#[test]
fn name_lists_providers() {
    let chain = Chain::new().or(nothing_set()).or(token("canary"));
    assert_eq!(chain.name(), "chain of EnvCredential, Credential");
    assert_eq!(Arc::new(token("canary")).name(), "Credential");
    assert_eq!(
        failing(ProviderError::not_configured("a")).name(),
        "closure"
    );
}

#[test]
fn debug_shows_provider_names_only() {
    let chain = Chain::new().or(nothing_set()).or(token("canary"));
    assert_eq!(
        format!("{chain:?}"),
        r#"Chain ["EnvCredential", "Credential"]"#
    );
}

#[test]
fn providers_are_clone_send_and_sync() {
    fn check<T: Clone + Send + Sync + CredentialProvider>(_: &T) {}
    check(&Chain::new());
    check(&EnvCredential::new());
}
