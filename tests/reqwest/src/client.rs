use http::{Request, Response};
use reqwest::{Body, redirect};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder};
use tower_reqwest::HttpClientLayer;
use yandex_cloud_auth::retry::{ReplayBody, ReplayLayer};
use yandex_cloud_auth::{AuthLayer, Policy};

pub type Client = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

pub fn client<P>(auth: AuthLayer<P>) -> Result<Client, reqwest::Error>
where
    P: Policy + Clone + Send + Sync + 'static,
{
    // The policy cannot judge a redirect that reqwest follows.
    let client = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .build()?;
    let client = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(auth)
        .map_request(|request: Request<ReplayBody<Body>>| request.map(Body::wrap))
        .layer(HttpClientLayer)
        .service(client);
    Ok(BoxCloneSyncService::new(client))
}
