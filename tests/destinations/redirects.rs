//! Redirects between servers, followed by a client outside of the layer that keeps all headers.

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::{BoxError, Layer, Service, ServiceExt};
use yandex_cloud_auth::{
    AuthError, AuthLayer, Credential, Decision, ExecutionOnly, Policy, RequestHead, TrustedOrigins,
};

use crate::site::*;
use crate::tls;

/// Sends the request, and once more to the target of each redirect, with the headers that the
/// caller set.
async fn follow<S>(
    client: &mut S,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, BoxError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<Incoming>, Error = BoxError>,
{
    let mut next = request.clone();
    loop {
        let base = next.uri().clone();
        let response = client.ready().await?.call(next).await?;
        let Some(location) = response.headers().get(LOCATION) else {
            return Ok(response);
        };
        next = request.clone();
        *next.uri_mut() = resolved(&base, location.to_str()?)?;
    }
}

/// A target with or without an authority.
fn resolved(base: &Uri, location: &str) -> Result<Uri, BoxError> {
    let target: Uri = location.parse()?;
    if target.authority().is_some() {
        return Ok(target);
    }
    let mut parts = base.clone().into_parts();
    parts.path_and_query = target.into_parts().path_and_query;
    Ok(Uri::from_parts(parts)?)
}

fn redirect(status: u16, location: &str) -> String {
    format!(
        "HTTP/1.1 {status} Redirect\r\nlocation: {location}\r\nconnection: close\r\n\
         content-length: 0\r\n\r\n"
    )
}

/// A server whose path `/workflows/v1/execution` redirects to `location`.
fn redirecting(status: u16, location: String) -> Site {
    Site::responding(move |head| {
        if path(head) == EXECUTION {
            redirect(status, &location)
        } else {
            OK.to_owned()
        }
    })
}

async fn followed(site: &Site, credential: Credential) -> Result<u16, BoxError> {
    let origins = TrustedOrigins::none().allow_insecure(site.origin())?;
    let layer = AuthLayer::new(credential).with_policy(origins.and(ExecutionOnly));
    let mut client = layer.layer(client());
    let response = follow(&mut client, request("GET", &site.url(EXECUTION))).await?;
    Ok(response.status().as_u16())
}

#[tokio::test]
async fn followed_redirect_is_judged_at_each_hop() {
    let foreign = Site::start();
    let other = foreign.port();
    for status in [301, 302, 303, 307, 308] {
        for location in [
            foreign.url(EXECUTION),
            format!("http://localhost:{other}{EXECUTION}/dfe1"),
            format!("http://user:secret@127.0.0.1:{other}/"),
            format!("http://127.0.0.1:1@127.0.0.1:{other}/"),
            format!("https://127.0.0.1:{other}{EXECUTION}"),
            "/workflows/v1/workflow/dfq1".to_owned(),
            "/workflows/v1/execution/../workflow".to_owned(),
            "/workflows/v1/execution%2f..".to_owned(),
        ] {
            let site = redirecting(status, location.clone());
            let error = followed(&site, key()).await.unwrap_err();
            let denied = matches!(error.downcast_ref(), Some(AuthError::Denied(_)));
            assert!(denied, "{location}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
            assert_eq!(site.server.connections(), 1, "{location}");
        }
        let hop = "/workflows/v1/execution/dfe1";
        let site = redirecting(status, hop.to_owned());
        assert_eq!(followed(&site, key()).await.unwrap(), 200);
        let with_key = |path: &str| (path.to_owned(), vec!["Api-Key AQVNcanary".to_owned()]);
        assert_eq!(site.received(), [with_key(EXECUTION), with_key(hop)]);
    }
    assert_eq!(foreign.server.connections(), 0);
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
async fn credential_does_not_return_on_later_hop() {
    let foreign = Site::responding(|head| match path(head).as_str() {
        "/first" => redirect(307, "/second"),
        _ => OK.to_owned(),
    });
    let site = redirecting(307, foreign.url("/first"));
    let origins = TrustedOrigins::none()
        .allow_insecure(site.origin())
        .unwrap();
    let layer = AuthLayer::new(token()).with_policy(OnlyTo(origins));
    let mut client = layer.layer(client());
    // The second round takes the local copy of the credential.
    for by_hand in [false, true] {
        let mut request = request("GET", &site.url(EXECUTION));
        if by_hand {
            let value = "Bearer canary".parse().unwrap();
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let response = follow(&mut client, request).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let attached = (EXECUTION.to_owned(), vec![format!("Bearer {TOKEN}")]);
    assert_eq!(site.received(), vec![attached; 2]);
    let hops = ["/first", "/second"].map(|path| (path.to_owned(), vec![]));
    assert_eq!(foreign.received(), [hops.clone(), hops].concat());
    assert!(!foreign.heads().concat().contains("canary"));
}

#[tokio::test]
async fn followed_redirect_to_plain_text_is_denied() {
    let plain = Site::start();
    let secure = tls::Site::responding(redirect(307, &plain.url(EXECUTION)));
    let origins = TrustedOrigins::none().allow(secure.origin()).unwrap();
    let layer = AuthLayer::new(token()).with_policy(origins.and(ExecutionOnly));
    let mut client = layer.layer(tls::client(tls::http_connector()));
    let request = request("GET", &(secure.origin() + EXECUTION));
    let error = follow(&mut client, request).await.unwrap_err();
    assert!(
        matches!(error.downcast_ref(), Some(AuthError::Denied(_))),
        "{error}"
    );
    assert_eq!(
        values(&secure.heads()[0], "authorization"),
        ["Bearer t1.canary"]
    );
    assert_eq!(plain.server.connections(), 0);
}
