//! Redirects that reqwest and tower-http follow.

mod support;

use http::{Request, Response};
use reqwest::{Body, redirect};
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_reqwest::{HttpClientLayer, HttpClientService};
use yandex_cloud_auth::testing::{FakeCloud, Host};
use yandex_cloud_auth::{AuthError, Credential, Decision, Policy, RequestHead, TrustedOrigins};

use support::*;

const ELSEWHERE: &str = "/elsewhere";

fn reqwest_with(policy: redirect::Policy) -> HttpClientService<reqwest::Client> {
    let client = reqwest::Client::builder().redirect(policy).build().unwrap();
    HttpClientLayer.layer(client)
}

async fn status<S>(cloud: &FakeCloud, client: S) -> Result<u16, BoxError>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>>,
{
    let response = client.oneshot(request(cloud.workflows_url() + LIST)).await;
    response
        .map(|response| response.status().as_u16())
        .map_err(Into::into)
}

/// A key that may not read workflows is sent to do so.
#[tokio::test]
async fn redirect_within_reqwest_escapes_policy() {
    let cloud = FakeCloud::start().await;
    let auth = with_api_key(&cloud);
    let mut calls = 0;
    redirect_to(&cloud, WORKFLOW);
    let counted = tower::util::MapRequest::new(
        auth.layer(reqwest_with(redirect::Policy::default())),
        |request| {
            calls += 1;
            request
        },
    );
    let response = status_once(&cloud, counted).await;
    assert_eq!(
        (response, calls),
        (403, 1),
        "the cloud denied it, and not the policy"
    );
    let both = [
        "/workflows/v1/execution Api-Key",
        "/workflows/v1/workflow/dfq1 Api-Key",
    ];
    assert_eq!(received(&cloud), both);
}

/// As [`status`], for a service that is not `Clone`.
async fn status_once<S>(cloud: &FakeCloud, mut client: S) -> u16
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError>,
{
    let request = request(cloud.workflows_url() + LIST);
    let response = client.ready().await.unwrap().call(request).await;
    response.unwrap().status().as_u16()
}

/// The rows of the page that this file shows.
#[track_caller]
fn says(place: &str, what: &str) {
    let row = format!("| `FollowRedirect` | {place} | {what} |");
    assert!(PAGE.lines().any(|line| line == row), "no row {row}");
}

#[test]
fn page_has_no_other_rows() {
    assert_eq!(PAGE.matches("\n| `FollowRedirect` | ").count(), 2);
}

#[tokio::test]
async fn follow_redirect_outside_is_judged() {
    says(
        "outside",
        "The policy judges each hop. The default one denies a hop to a host that it does not trust.",
    );
    let cloud = FakeCloud::start().await;
    let auth = with_api_key(&cloud);
    let client = auth.layer(reqwest_with(redirect::Policy::none()));
    let client = FollowRedirectLayer::new().layer(client);

    redirect_to(&cloud, "/workflows/v1/execution/dfe1");
    assert_eq!(status(&cloud, client.clone()).await.unwrap(), 404);
    for denied in [WORKFLOW, "http://storage.example/object"] {
        cloud.clear_audit();
        redirect_to(&cloud, denied);
        let error = status(&cloud, client.clone()).await.unwrap_err();
        assert!(
            matches!(error.downcast_ref(), Some(AuthError::Denied(_))),
            "{error}"
        );
        assert_eq!(received(&cloud), ["/workflows/v1/execution Api-Key"]);
    }
}

#[tokio::test]
async fn follow_redirect_inside_is_not_judged() {
    says(
        "inside",
        "The policy judges the first request only. tower-http removes the credential from a hop to another origin, unless it is configured to keep it.",
    );
    let cloud = FakeCloud::start().await;
    let client = FollowRedirectLayer::new().layer(reqwest_with(redirect::Policy::none()));
    let client = with_api_key(&cloud).layer(client);
    redirect_to(&cloud, WORKFLOW);
    assert_eq!(status(&cloud, client.clone()).await.unwrap(), 403);
    assert_eq!(received(&cloud)[1], "/workflows/v1/workflow/dfq1 Api-Key");

    redirect_to(&cloud, &(cloud.url(Host::Operation) + ELSEWHERE));
    assert_eq!(status(&cloud, client).await.unwrap(), 404);
    let audit = cloud.audit();
    let hop = audit.iter().find(|request| request.path == ELSEWHERE);
    assert_eq!(hop.unwrap().scheme, None);
}

/// Sends no credential to other origins than this one, instead of denying the request.
#[derive(Clone)]
struct OnlyTo(TrustedOrigins);

impl Policy for OnlyTo {
    fn decide(&self, head: &RequestHead<'_>, credential: &Credential) -> Decision {
        match self.0.decide(head, credential) {
            Decision::Deny(_) => Decision::Skip,
            decision => decision,
        }
    }
}

#[tokio::test]
async fn redirect_to_storage_goes_without_credential() {
    let cloud = FakeCloud::start().await;
    let origins = TrustedOrigins::none()
        .allow_insecure(cloud.workflows_url())
        .unwrap();
    let auth = with_api_key(&cloud).with_policy(OnlyTo(origins));
    let client = auth.layer(reqwest_with(redirect::Policy::none()));
    let client = FollowRedirectLayer::new().layer(client);

    redirect_to(&cloud, &(cloud.url(Host::Operation) + ELSEWHERE));
    assert_eq!(status(&cloud, client).await.unwrap(), 404);
    let audit = cloud.audit();
    let schemes: Vec<_> = audit
        .iter()
        .map(|request| (request.host, request.scheme))
        .collect();
    let key = Some(yandex_cloud_auth::Scheme::ApiKey);
    assert_eq!(schemes, [(Host::Workflows, key), (Host::Operation, None)]);
}
