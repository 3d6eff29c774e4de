use std::error::Error;
use std::time::Duration;

use http::header::AUTHORIZATION;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use yandex_cloud_auth::CredentialCache;

pub type WebSocket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub async fn connect(
    url: &str,
    cache: &CredentialCache,
) -> Result<WebSocket, Box<dyn Error + Send + Sync>> {
    let credential = cache.get_valid_for(Duration::from_secs(30 * 60)).await?;
    let mut handshake = url.into_client_request()?;
    handshake
        .headers_mut()
        .insert(AUTHORIZATION, credential.header_value().clone());
    let (socket, _) = connect_async(handshake).await?;
    Ok(socket)
}
