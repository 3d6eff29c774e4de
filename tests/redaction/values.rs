//! The `Debug` and `Display` output of the public types.

use std::convert::Infallible;
use std::fs;
use std::time::{Duration, SystemTime};

use http::{Request, Response, header};
use tower::{Layer, Service, ServiceExt};
use yandex_cloud_auth::testing::{FakeCloud, ScriptedProvider};
use yandex_cloud_auth::*;

use crate::canary::*;

fn token() -> Credential {
    Credential::iam_token(TOKEN).unwrap()
}

fn key() -> Credential {
    Credential::api_key(API_KEY).unwrap()
}

/// Responds with the `Debug` output of the request.
async fn printed(request: Request<()>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(debug(&request)))
}

type Client =
    tower::util::ServiceFn<fn(Request<()>) -> std::future::Ready<Result<Response<()>, Infallible>>>;

fn client() -> Client {
    tower::service_fn(|_| std::future::ready(Ok(Response::new(()))))
}

#[test]
fn credential_prints_no_secret() {
    for credential in [token(), key()] {
        let aged = credential
            .clone()
            .with_expiry(SystemTime::now())
            .with_max_age(Duration::from_secs(1));
        for text in [
            debug(&credential),
            debug(&aged),
            debug(credential.header_value()),
            shown(&credential.fingerprint()),
        ] {
            assert_silent("a credential", &text);
        }
        assert_silent("an override", &debug(&AuthOverride::Use(credential)));
    }
    for text in [
        "Bearer c4n4ry007",
        "Api-Key c4n4ry007",
        "c4n4ry007 ",
        "c4n4ry007\u{e9}",
        "c4=n4ry007",
        "\"c4n4ry007\"",
    ] {
        let invalid = Credential::iam_token(text).unwrap_err();
        assert_silent("an invalid credential", &error(&invalid));
        assert_silent(
            "the error it becomes",
            &error(&ProviderError::from(invalid)),
        );
    }
}

#[tokio::test]
async fn cache_layer_and_service_print_no_secret() {
    let builder = CredentialCache::builder(token()).max_age(std::time::Duration::from_secs(1));
    assert_silent("a builder", &debug(&builder));
    let cache = builder.build();
    let layer = AuthLayer::from_cache(cache.clone()).with_policy(Unrestricted);
    let mut service = layer.layer(client());
    let mut grpc = layer.clone().grpc().layer(client());
    let request = || Request::new(());
    for _ in 0..3 {
        // Cold, warm with the shared value, warm with the local copy.
        assert_silent("a response future", &debug(&service.call(request())));
        assert_silent("a gRPC response future", &debug(&grpc.call(request())));
        service
            .ready()
            .await
            .unwrap()
            .call(request())
            .await
            .unwrap();
        grpc.ready().await.unwrap().call(request()).await.unwrap();
        assert_silent("a service", &debug(&service));
        assert_silent("a gRPC service", &debug(&grpc));
    }
    assert!(cache.peek().is_some());
    assert_silent("a cache", &debug(&cache));
    assert_silent("a status", &debug(&cache.status()));
    assert_silent("a layer", &debug(&layer));
    assert_silent("a gRPC layer", &debug(&layer.grpc()));
}

#[tokio::test]
async fn request_prints_no_header_value() {
    for credential in [token(), key()] {
        let mut service = AuthLayer::new(credential.clone())
            .with_policy(Unrestricted)
            .layer(tower::service_fn(printed));
        for exception in [
            None,
            Some(AuthOverride::Use(credential.clone())),
            None,
            None,
        ] {
            let mut request = Request::new(());
            if let Some(exception) = exception {
                request.extensions_mut().insert(exception);
            }
            let text = service
                .ready()
                .await
                .unwrap()
                .call(request)
                .await
                .unwrap()
                .into_body();
            assert!(text.contains("\"authorization\": Sensitive"), "{text}");
            assert_silent("a request", &text);
        }
    }
}

#[test]
fn decision_prints_no_query_or_userinfo() {
    let mut request = Request::delete("https://me:c4n4ry007@evil.example/x?token=c4n4ry007")
        .body(())
        .unwrap();
    request
        .headers_mut()
        .insert(header::AUTHORIZATION, key().header_value().clone());
    let head = RequestHead::of(&request);
    for credential in [token(), key()] {
        let decision = Workflows::new().decide(&head, &credential);
        assert_silent("a decision", &debug(&decision));
        let Decision::Deny(denial) = decision else {
            panic!("{decision:?}")
        };
        assert_silent("a denial", &error(&denial));
        assert_silent("the error it becomes", &error(&AuthError::Denied(denial)));
    }
    for origin in [
        "https://me:c4n4ry007@host",
        "c4n4ry007",
        "https://host/c4n4ry007",
        "ftp://c4n4ry007",
    ] {
        let invalid = TrustedOrigins::none().allow(origin).unwrap_err();
        assert_silent("an invalid origin", &error(&invalid));
    }
}

#[tokio::test]
async fn provider_prints_no_secret() {
    let path = std::env::temp_dir().join(format!("redaction-{}", std::process::id()));
    fs::write(&path, TOKEN).unwrap();
    let file = CredentialFile::iam_token(&path);
    let lookup =
        EnvCredential::with_lookup(|name| (name == "YC_API_KEY").then(|| API_KEY.to_owned()));
    let exec = Exec::new("sh").args(["-c", &format!("echo {TOKEN}")]);
    let scripted = ScriptedProvider::new().answer(token());
    let chain = Chain::new().or(ScriptedProvider::new()).or(token());
    for _ in 0..2 {
        assert_silent("a file", &debug(&file));
        assert_silent("variables", &debug(&lookup));
        assert_silent("a program", &debug(&exec));
        assert_silent("a script", &debug(&scripted));
        assert_silent("a chain", &debug(&chain));
        for fetched in [
            file.fetch().await,
            lookup.fetch().await,
            exec.fetch().await,
            scripted.fetch().await,
            chain.fetch().await,
        ] {
            assert!(fetched.is_ok());
            assert_silent("what was fetched", &debug(&fetched));
        }
    }
    assert_silent("an explanation", &debug(&chain.diagnose().await));
    fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn network_provider_prints_no_secret() {
    let source = CredentialCache::new(token());
    source.get().await.unwrap();
    assert_silent(
        "an OAuth token",
        &debug(&OAuthToken::new(OAUTH_TOKEN).unwrap()),
    );
    assert_silent(
        "an impersonation",
        &debug(&Impersonation::from_cache(source, "aje1")),
    );
    let identity = WorkloadIdentity::from_fn("aje1", || async { Ok(SUBJECT_TOKEN.to_owned()) });
    assert_silent("a workload identity", &debug(&identity));
    let key = ServiceAccountKey::from_json(KEY_FILE).unwrap();
    assert_without("a key", &debug(&key), &key_part());
    assert_without("a layer over it", &debug(&AuthLayer::new(key)), &key_part());

    let endpoint = "https://me:c4n4ry007@iam.example";
    let oauth = OAuthToken::new(OAUTH_TOKEN)
        .unwrap()
        .with_endpoint(endpoint);
    let metadata = MetadataService::new().with_endpoint(endpoint);
    assert_silent("an endpoint", &(debug(&oauth) + &debug(&metadata)));
    for error in [
        oauth.fetch().await.unwrap_err(),
        metadata.fetch().await.unwrap_err(),
    ] {
        assert_silent("an endpoint's error", &crate::canary::error(&error));
    }
}

#[tokio::test]
async fn invalid_source_is_not_shown() {
    let path = std::env::temp_dir().join(format!("redaction-bad-{}", std::process::id()));
    let mut errors = Vec::new();
    for text in [
        "c4n4ry007 c4n4ry007",
        "Bearer c4n4ry007",
        "{\"c4n4ry007\": \"c4n4ry007",
        "\u{e9}c4n4ry007",
        "AQVN c4n4ry007",
    ] {
        fs::write(&path, text).unwrap();
        errors.extend(CredentialFile::new(&path).fetch().await.err());
        errors.extend(CredentialFile::api_key(&path).fetch().await.err());
        errors.extend(ServiceAccountKey::from_file(&path).err());
        errors.extend(ServiceAccountKey::from_json(text).err());
        errors.extend(ServiceAccountKey::from_json(KEY_FILE.replace("MII", text)).err());
        errors.extend(Credential::from_function_context(text).err());
        errors.extend(
            Credential::from_function_context(format!("{{\"access_token\":\"{text}\"}}")).err(),
        );
        let text = text.to_owned();
        for name in ["YC_API_KEY", "YC_TOKEN"] {
            let text = text.clone();
            errors.extend(
                EnvCredential::with_lookup(move |variable| {
                    (variable == name).then(|| text.clone())
                })
                .fetch()
                .await
                .err(),
            );
        }
    }
    for script in [
        "echo c4n4ry007 c4n4ry007",
        "echo '{\"iam_token\":\"c4n4ry007 \"}'",
        "printf 'c4n4ry007\\377'",
        "echo \"bad token $0\" >&2; exit 1",
    ] {
        errors.extend(
            Exec::new("sh")
                .args(["-c", script, TOKEN])
                .fetch()
                .await
                .err(),
        );
        errors.extend(
            Exec::new("sh")
                .args(["-c", script, API_KEY])
                .fetch()
                .await
                .err(),
        );
    }
    assert!(errors.len() > 40, "{}", errors.len());
    for error in errors {
        assert_silent("an error", &crate::canary::error(&error));
    }
    fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn fake_cloud_prints_no_secret() {
    let cloud = FakeCloud::start().await;
    let key = ServiceAccountKey::from_json(cloud.service_account_key())
        .unwrap()
        .with_endpoint(cloud.iam_url());
    let token = key.fetch().await.unwrap();
    let client = tower::ServiceBuilder::new()
        .layer(AuthLayer::new(token.clone()).with_policy(TrustedOrigins::none().allow_loopback()))
        .service(HttpsTransport::new());
    let request = Request::get(cloud.workflows_url() + "/workflows/v1/workflow/dfq1")
        .body(Default::default())
        .unwrap();
    assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
    let text = debug(&cloud) + &debug(&cloud.audit()) + &debug(&cloud.requests_per_credential());
    assert_eq!(cloud.audit().len(), 2);
    let token = token.header_value().to_str().unwrap()["Bearer ".len()..].to_owned();
    for secret in [
        token,
        cloud.api_key(),
        cloud.oauth_token(),
        cloud.subject_token(),
    ] {
        assert_without("the fake cloud", &text, &secret);
    }
}
