use http::header::AUTHORIZATION;
use http::{Extensions, StatusCode};
use reqwest::{Request, Response, redirect};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next, Result};
use yandex_cloud_auth::{CredentialCache, Decision, Policy, RequestHead};

/// A client that judges and authenticates each request.
pub fn client<P>(cache: CredentialCache, policy: P) -> reqwest::Result<ClientWithMiddleware>
where
    P: Policy + Send + Sync + 'static,
{
    // The policy cannot judge a redirect that reqwest follows.
    let client = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .build()?;
    let authenticate = Authenticate { cache, policy };
    Ok(ClientBuilder::new(client).with(authenticate).build())
}

// Private, so that only the client above has it.
struct Authenticate<P> {
    cache: CredentialCache,
    policy: P,
}

#[async_trait::async_trait]
impl<P: Policy + Send + Sync + 'static> Middleware for Authenticate<P> {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let credential = self.cache.get().await.map_err(Error::middleware)?;
        let mut head = http::Request::builder()
            .method(request.method())
            .uri(request.url().as_str())
            .body(())
            .map_err(Error::middleware)?;
        *head.headers_mut() = request.headers().clone();
        match self.policy.decide(&RequestHead::of(&head), &credential) {
            Decision::Attach => {
                let value = credential.header_value().clone();
                request.headers_mut().insert(AUTHORIZATION, value);
            }
            Decision::Deny(denial) => return Err(Error::middleware(denial)),
            _ => drop(request.headers_mut().remove(AUTHORIZATION)),
        }
        let response = next.run(request, extensions).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.cache.invalidate(&credential);
        }
        Ok(response)
    }
}
