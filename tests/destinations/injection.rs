//! Text from users and servers that tries to add header fields.

use std::convert::Infallible;

use http::{Request, Response};
use tower::{Layer, ServiceExt};
use yandex_cloud_auth::{
    ApiKeyRules, AuthLayer, Credential, CredentialProvider, Impersonation, MetadataService,
    OAuthToken, ProviderError, Region, ServiceAccountKey, TrustedOrigins, WorkloadIdentity,
};

use crate::server::{KEY, with_length};
use crate::site::*;

/// Ends of a line, and a field that follows.
const BREAKS: [&str; 6] = [
    "\r\nx-injected: 1",
    "\nx-injected: 1",
    "\rx-injected: 1",
    "\r\n\r\nx-injected: 1",
    "\0\r\nx-injected: 1",
    "%0d%0ax-injected: 1",
];

/// Every provider that takes text which it sends, with `text` as a part of it.
fn providers(endpoint: &str, text: &str) -> Vec<Result<Fetch, ProviderError>> {
    let (id, url) = (format!("aje{text}"), format!("{endpoint}{text}"));
    let key_of = |id: &str| {
        let key = KEY.replace("ajekey00000000000000", &in_json(id));
        ServiceAccountKey::from_json(key)
    };
    let source = Credential::iam_token("t1.source").unwrap();
    let subject = id.clone();
    vec![
        key_of(&id).map(|key| fetch(key.with_endpoint(endpoint))),
        key_of("aje").map(|key| fetch(key.with_endpoint(&url))),
        key_of("aje").map(|key| fetch(key.with_endpoint(endpoint).with_audience(url.clone()))),
        Ok(fetch(
            Impersonation::new(source.clone(), &id).with_endpoint(endpoint),
        )),
        Ok(fetch(Impersonation::new(source, "aje").with_endpoint(&url))),
        Ok(fetch(MetadataService::new().with_endpoint(&url))),
        Ok(fetch(
            WorkloadIdentity::from_fn(&id, || async { Ok("a.b.c".to_owned()) })
                .with_endpoint(endpoint),
        )),
        Ok(fetch(
            WorkloadIdentity::from_fn("aje", move || {
                let subject = subject.clone();
                async move { Ok(subject) }
            })
            .with_endpoint(endpoint),
        )),
    ]
}

type Fetch = futures_util::future::BoxFuture<'static, Result<Credential, ProviderError>>;

fn fetch(provider: impl CredentialProvider) -> Fetch {
    Box::pin(async move { provider.fetch().await })
}

/// The text as it stands in a JSON string.
fn in_json(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\0'..='\x1f' => format!("\\u{:04x}", u32::from(character)),
            character => character.to_string(),
        })
        .collect()
}

#[tokio::test]
async fn text_of_user_adds_no_header() {
    let body = r#"{"iamToken":"t1.abc","access_token":"t1.abc","expires_in":60}"#;
    let site = Site::responding(|_| with_length("200 OK", "", body));
    for text in BREAKS {
        // Refused, or sent in an encoding.
        for fetch in providers(&site.origin(), text).into_iter().flatten() {
            let _ = fetch.await;
        }
        let secret = format!("t1.abc{text}");
        assert!(Credential::iam_token(&secret).is_err());
        assert!(Credential::api_key(&secret).is_err());
        assert!(OAuthToken::new(format!("y0_abc{text}")).is_err());
        let origin = format!("https://a.example{text}");
        assert!(TrustedOrigins::none().allow(&origin).is_err());
        assert!(ApiKeyRules::none().allow_rest(&origin, "/x").is_err());
        assert!(ApiKeyRules::none().allow_grpc(&origin).is_err());
        assert!(Region::at(format!("a.example{text}")).is_err());
        assert!(AuthLayer::new(token()).with_origin(&origin).is_err());
    }
    let heads = site.heads();
    assert!(heads.len() >= 4 * BREAKS.len(), "{} requests", heads.len());
    for request in heads {
        let (head, _) = request.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("x-injected"), "{head}");
    }
}

/// The error of the endpoint becomes the `grpc-message` of a response.
#[tokio::test]
async fn error_of_endpoint_adds_no_header() {
    for text in [
        "\\r\\nset-cookie: canary",
        "\\u0000\\u0001é\\u202e%0d%0a",
        "\\nx: 1",
    ] {
        let body = format!(r#"{{"code":16,"message":"no{text}"}}"#);
        let site = Site::responding(move |_| with_length("401 Unauthorized", "", &body));
        let key = ServiceAccountKey::from_json(KEY).unwrap();
        let channel =
            tower::service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
        let layer = AuthLayer::new(key.with_endpoint(site.origin())).grpc();
        let request = Request::post("/a.B/C").body(()).unwrap();
        let response = layer.layer(channel).oneshot(request).await.unwrap();
        let names: Vec<_> = response
            .headers()
            .keys()
            .map(|name| name.as_str())
            .collect();
        let expected = [
            "content-type",
            "grpc-status",
            "yandex-cloud-auth",
            "grpc-message",
        ];
        assert_eq!(names, expected);
        let message = response.headers()["grpc-message"].to_str().unwrap();
        assert!(message.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        assert_eq!(site.heads().len(), 1);
    }
}
