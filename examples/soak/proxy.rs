//! A TCP proxy that half-closes its connections.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tower::BoxError;

/// Forwards connections to a server. Ends when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    half_close: Arc<Notify>,
    task: AbortHandle,
}

impl Proxy {
    /// A proxy for the server at this URL without TLS.
    pub(crate) async fn start(url: String) -> Result<Self, BoxError> {
        let server = url.trim_start_matches("http://").parse()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let half_close = Arc::new(Notify::new());
        let task = tokio::spawn(accept(listener, server, Arc::clone(&half_close)));
        Ok(Self {
            address,
            half_close,
            task: task.abort_handle(),
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends the direction from the server to the client on each open connection. The other
    /// direction stays open.
    pub(crate) fn half_close(&self) {
        self.half_close.notify_waiters();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, half_close: Arc<Notify>) {
    // Aborts the connections when the task is aborted.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                connections.spawn(forward(client, server, Arc::clone(&half_close)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn forward(
    mut client: TcpStream,
    server: SocketAddr,
    half_close: Arc<Notify>,
) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let responses = async {
        tokio::select! {
            copied = copy(&mut from_server, &mut to_client) => drop(copied),
            () = half_close.notified() => {}
        }
        to_client.shutdown().await
    };
    let requests = async {
        copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await
    };
    tokio::try_join!(requests, responses).map(drop)
}
