//! IAM tokens: issue, lifetime and revocation.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::DATE;
use serde_json::{Value, json};
use yandex_cloud_auth::Credential;
use yandex_cloud_auth::testing::{ExpiresAt, FakeCloud, ManualClock};

use crate::client::*;

const FOR_ACCOUNT: &str = "/iam/v1/tokens:createForServiceAccount";
const REVOKE: &str = "/iam/v1/tokens:revoke";

type Change = Box<dyn FnOnce(&mut Jwt)>;

async fn error_of(cloud: &FakeCloud, change: impl FnOnce(&mut Jwt)) -> (u16, i64, String) {
    let mut jwt = jwt(cloud);
    change(&mut jwt);
    let response = create(cloud, json!({ "jwt": jwt.sign() })).send().await;
    let (status, code) = response.error();
    (status, code, response.message())
}

/// The seconds from `now` to the expiry in the response.
fn time_left(response: &Value, now: SystemTime) -> i64 {
    let end: jiff::Timestamp = response["expiresAt"].as_str().unwrap().parse().unwrap();
    end.as_second() - i64::try_from(now.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

#[tokio::test]
async fn jwt_is_exchanged_for_twelve_hour_token() {
    let cloud = FakeCloud::start().await;
    let response = create_token(&cloud).send().await.json();
    assert!(Credential::iam_token(response["iamToken"].as_str().unwrap()).is_ok());
    assert_eq!(
        response["expiresAt"].as_str().unwrap().len(),
        "2025-03-23T03:06:38.419948750Z".len()
    );
    let left = time_left(&response, SystemTime::now());
    assert!((43_140..=43_200).contains(&left), "{left} s");
}

#[tokio::test]
async fn key_file_has_form_of_cli() {
    let cloud = FakeCloud::start().await;
    let text = cloud.service_account_key();
    let key: Value = serde_json::from_str(&text).unwrap();
    let id = key["id"].as_str().unwrap();
    assert_eq!(key["service_account_id"], cloud.service_account_id());
    assert_eq!(key["key_algorithm"], "RSA_2048");
    assert!(
        text.contains(&format!(
            "Yandex.Cloud SA Key ID \\u003c{id}\\u003e\\n-----BEGIN PRIVATE KEY-----\\n"
        )),
        "escaped as by Go"
    );
    assert!(
        key["public_key"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PUBLIC KEY-----\n")
    );
    assert!(
        key["created_at"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .is_ok()
    );
    assert_ne!(
        cloud.service_account_key(),
        cloud.other_service_account_key()
    );
}

#[tokio::test]
async fn audience_may_be_text_or_list() {
    let cloud = FakeCloud::start().await;
    let mut jwt = jwt(&cloud);
    jwt.claims["aud"] = json!([AUDIENCE]);
    assert_eq!(
        create(&cloud, json!({ "jwt": jwt.sign() }))
            .send()
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn invalid_jwt_is_rejected_with_401() {
    let cloud = FakeCloud::start().await;
    let other = cloud.other_service_account_id();
    let other_key: Value = serde_json::from_str(&cloud.other_service_account_key()).unwrap();
    let cases: [(&str, Change); 11] = [
        (
            "alg must be PS256",
            Box::new(|jwt| jwt.header["alg"] = json!("RS256")),
        ),
        (
            "Key 'aje0' was not found",
            Box::new(|jwt| jwt.header["kid"] = json!("aje0")),
        ),
        (
            "Key '' was not found",
            Box::new(|jwt| jwt.header = json!({ "alg": "PS256" })),
        ),
        (
            "the signature does not match",
            Box::new(move |jwt| jwt.key = other_key),
        ),
        (
            "iss is not the owner of the key",
            Box::new(move |jwt| jwt.claims["iss"] = json!(other)),
        ),
        (
            "aud is not",
            Box::new(|jwt| jwt.claims["aud"] = json!("https://iam.api.cloud.yandex.net/")),
        ),
        (
            "JWT is malformed",
            Box::new(|jwt| jwt.claims["aud"] = json!([AUDIENCE, AUDIENCE])),
        ),
        (
            "exp is more than an hour after iat",
            Box::new(|jwt| jwt.shift("exp", 1)),
        ),
        (
            "it has expired",
            Box::new(|jwt| {
                jwt.shift("iat", -3631);
                jwt.shift("exp", -3631);
            }),
        ),
        ("iat is in the future", Box::new(|jwt| jwt.shift("iat", 40))),
        (
            "JWT is malformed",
            Box::new(|jwt| jwt.claims["exp"] = json!("soon")),
        ),
    ];
    for (expected, change) in cases {
        let (status, code, message) = error_of(&cloud, change).await;
        assert_eq!((status, code), (401, 16), "{expected}");
        assert!(message.contains(expected), "{message:?} for {expected:?}");
    }
}

#[tokio::test]
async fn small_clock_skew_is_accepted() {
    let cloud = FakeCloud::start().await;
    for (off, expected) in [(20, 200), (60, 401)] {
        cloud.set_clock_behind(Duration::from_secs(off));
        assert_eq!(
            create_token(&cloud).send().await.status,
            expected,
            "behind by {off} s"
        );
        cloud.set_clock_ahead(HOUR + Duration::from_secs(off));
        assert_eq!(
            create_token(&cloud).send().await.status,
            expected,
            "ahead by an hour and {off} s"
        );
    }
}

#[tokio::test]
async fn request_names_exactly_one_identity() {
    let cloud = FakeCloud::start().await;
    let jwt = jwt(&cloud).sign();
    let bodies = [
        json!({}),
        json!({ "jwt": jwt, "yandexPassportOauthToken": cloud.oauth_token() }),
        json!({ "jwt": jwt, "extra": 1 }),
        json!({ "jwt": "x".repeat(8001) }),
        json!({ "yandexPassportOauthToken": "x".repeat(4001) }),
        json!([]),
    ];
    for body in bodies {
        assert_eq!(create(&cloud, body).send().await.error(), (400, 3));
    }
    let text = json!({ "jwt": jwt }).to_string();
    let unmarked = Call::post(&(cloud.iam_url() + TOKENS)).body("text/plain", text);
    assert_eq!(unmarked.send().await.error(), (400, 3));
}

#[tokio::test]
async fn rotated_key_replaces_old_one() {
    let cloud = FakeCloud::start().await;
    let old = jwt(&cloud);
    cloud.rotate_service_account_key();
    let response = create(&cloud, json!({ "jwt": old.sign() })).send().await;
    assert_eq!(response.error(), (401, 16));
    assert_eq!(
        response.message(),
        format!("Key '{}' was not found", old.key["id"].as_str().unwrap())
    );
    let new = jwt(&cloud);
    assert_ne!(old.key["public_key"], new.key["public_key"]);
    assert_eq!(old.key["service_account_id"], new.key["service_account_id"]);
    issue_token(&cloud).await;
}

#[tokio::test]
async fn expires_at_is_written_as_requested() {
    let cloud = FakeCloud::start().await;
    cloud.set_token_lifetime(Duration::from_secs(90));
    let end = async |form| {
        cloud.set_expires_at(form);
        create_token(&cloud)
            .send()
            .await
            .json()
            .get("expiresAt")
            .cloned()
    };
    assert_eq!(end(ExpiresAt::Missing).await, None);
    assert_eq!(
        end(ExpiresAt::Verbatim("never".to_owned())).await,
        Some(json!("never"))
    );
    assert_eq!(
        end(ExpiresAt::Digits(0))
            .await
            .unwrap()
            .as_str()
            .unwrap()
            .len(),
        "2025-03-23T03:06:38Z".len()
    );
    let text = end(ExpiresAt::Digits(4)).await.unwrap();
    assert_eq!(
        text.as_str().unwrap().len(),
        "2025-03-23T03:06:38.4199Z".len()
    );
    let left = time_left(&json!({ "expiresAt": text }), SystemTime::now());
    assert!((30..=90).contains(&left), "{left} s");
}

#[tokio::test]
async fn account_gets_same_token_for_half_lifetime() {
    let (cloud, clock) = (FakeCloud::start().await, ManualClock::new());
    cloud.set_clock(clock.clone());
    assert_ne!(
        issue_token(&cloud).await,
        issue_token(&cloud).await,
        "by default each token is new"
    );
    cloud.reuse_tokens(true);
    cloud.set_token_lifetime(Duration::from_secs(100));
    let first = create_token(&cloud).send().await.json();
    clock.advance(Duration::from_secs(49));
    assert_eq!(
        create_token(&cloud).send().await.json(),
        first,
        "with the same expiry"
    );
    clock.advance(Duration::from_secs(2));
    let second = create_token(&cloud).send().await.json();
    assert_ne!(second, first);
    cloud.revoke_all();
    assert_ne!(
        create_token(&cloud).send().await.json(),
        second,
        "a revoked token is not reused"
    );
}

#[tokio::test]
async fn token_works_until_expiry_by_cloud_clock() {
    let (cloud, clock) = (FakeCloud::start().await, ManualClock::new());
    cloud.set_clock(clock.clone());
    cloud.set_token_lifetime(HOUR);
    let token = issue_token(&cloud).await;
    clock.advance_wall(HOUR - Duration::from_secs(1));
    assert_eq!(get_workflow(&cloud).bearer(&token).send().await.status, 200);
    clock.advance_wall(Duration::from_secs(1));
    let rejected = get_workflow(&cloud).bearer(&token).send().await;
    assert_eq!(rejected.error(), (401, 16));
    assert_eq!(rejected.message(), "Token is invalid or has expired.");
}

#[tokio::test]
async fn every_response_has_date_of_cloud_clock() {
    let cloud = FakeCloud::start().await;
    let date = async || {
        let response = create_token(&cloud).send().await;
        httpdate::parse_http_date(response.headers[DATE].to_str().unwrap()).unwrap()
    };
    let off = date()
        .await
        .max(SystemTime::now())
        .duration_since(date().await.min(SystemTime::now()))
        .unwrap();
    assert!(off < Duration::from_secs(10), "{off:?}");
    cloud.set_clock_ahead(2 * HOUR);
    assert!(date().await > SystemTime::now() + HOUR);
    cloud.set_clock_behind(2 * HOUR);
    assert!(date().await < SystemTime::now() - HOUR);
    cloud.set_clock(ManualClock::new());
    cloud.set_clock_ahead(Duration::MAX);
    assert!(
        date().await > SystemTime::now() + HOUR,
        "no skew is too large"
    );
    cloud.set_clock_behind(Duration::MAX);
    assert_eq!(date().await, UNIX_EPOCH, "the earliest possible Date");
}

#[tokio::test]
async fn revocation_ends_one_or_all_tokens() {
    let cloud = FakeCloud::start().await;
    let (first, second) = (issue_token(&cloud).await, issue_token(&cloud).await);
    let revoke = async |bearer: &str, token: &str| {
        Call::post(&(cloud.iam_url() + REVOKE))
            .bearer(bearer)
            .json(json!({ "iamToken": token }))
            .send()
            .await
    };
    assert_eq!(
        revoke(&first, &first).await.json(),
        json!({ "subjectId": cloud.service_account_id() })
    );
    assert_eq!(
        get_workflow(&cloud).bearer(&first).send().await.error(),
        (401, 16)
    );
    assert_eq!(
        revoke(&first, &second).await.error(),
        (401, 16),
        "the caller needs a valid token"
    );
    assert_eq!(revoke(&second, "t1.none").await.error(), (400, 3));
    cloud.revoke_all();
    assert_eq!(
        get_workflow(&cloud).bearer(&second).send().await.error(),
        (401, 16)
    );
    let third = issue_token(&cloud).await;
    assert_eq!(get_workflow(&cloud).bearer(&third).send().await.status, 200);
}

#[tokio::test]
async fn permitted_token_impersonates_account() {
    let cloud = FakeCloud::start().await;
    let token = issue_token(&cloud).await;
    let call = |id: String| {
        Call::post(&(cloud.iam_url() + FOR_ACCOUNT)).json(json!({ "serviceAccountId": id }))
    };
    let other = || call(cloud.other_service_account_id());
    let response = other().bearer(&token).send().await.json();
    let theirs = response["iamToken"].as_str().unwrap();
    assert!(response["expiresAt"].is_string());
    get_workflow(&cloud).bearer(theirs).send().await;
    assert_eq!(
        cloud.audit().pop().unwrap().account,
        Some(cloud.other_service_account_id())
    );

    assert_eq!(other().send().await.error(), (401, 16));
    assert_eq!(
        call("aje0".to_owned()).bearer(&token).send().await.error(),
        (404, 5)
    );
    cloud.allow_impersonation(false);
    assert_eq!(other().bearer(&token).send().await.error(), (403, 7));
}

#[tokio::test]
async fn oauth_token_is_accepted_by_issue_date() {
    let cloud = FakeCloud::start().await;
    let call = async |token: &str| {
        create(&cloud, json!({ "yandexPassportOauthToken": token }))
            .send()
            .await
    };
    let granted = call(&cloud.oauth_token()).await.json();
    assert_eq!(
        get_workflow(&cloud)
            .bearer(granted["iamToken"].as_str().unwrap())
            .send()
            .await
            .status,
        200
    );
    let june = UNIX_EPOCH + Duration::from_secs(1_780_272_000);
    assert_eq!(
        call(&cloud.issue_oauth_token(june - Duration::from_secs(1)))
            .await
            .status,
        200
    );
    for rejected in [cloud.issue_oauth_token(june), "y0_unknown".to_owned()] {
        let response = call(&rejected).await;
        assert_eq!(response.error(), (401, 16));
        assert_eq!(response.message(), "OAuth token is invalid or expired");
    }
}
