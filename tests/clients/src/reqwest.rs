use std::error::Error;

use http::StatusCode;
use http::header::AUTHORIZATION;
use reqwest::{Client, Response};
use yandex_cloud_auth::CredentialCache;

pub async fn get(
    client: &Client,
    cache: &CredentialCache,
    url: &str,
) -> Result<Response, Box<dyn Error + Send + Sync>> {
    let credential = cache.get().await?;
    let request = client
        .get(url)
        .header(AUTHORIZATION, credential.header_value().clone());
    let response = request.send().await?;
    if response.status() == StatusCode::UNAUTHORIZED {
        // The next `get` fetches another one.
        cache.invalidate(&credential);
    }
    Ok(response)
}
