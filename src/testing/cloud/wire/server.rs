//! The listeners, and the thread that serves them.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::response::Response;
use futures_util::FutureExt;
use http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use crate::testing::cloud::wire::fault::Closed;

/// A listener on a loopback port. Connections wait in its queue until it is served.
pub(crate) fn bind() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A listener and what it serves, over TLS if it has an acceptor.
pub(crate) struct Served {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) tls: Option<TlsAcceptor>,
}

/// A thread with its own runtime. The cloud does not depend on the runtime or the paused clock of
/// its user, and a drop of this value returns after all tasks have ended and sockets are closed.
pub(crate) struct Server {
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(served: Vec<Served>) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::Builder::new()
            .name("fake-cloud".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    for served in served {
                        tokio::spawn(accept(served));
                    }
                    let _closed = stopped.await;
                });
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The panic hook has already printed a panic of the thread.
            let _panicked = thread.join();
        }
    }
}

async fn accept(served: Served) {
    let listener = tokio::net::TcpListener::from_std(served.listener).expect("the runtime has I/O");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connection = connect(stream, served.tls.clone(), served.router.clone());
                drop(tokio::spawn(connection));
            }
            // Probably too many open files. Other tasks may close some.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

async fn connect(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router) {
    let _optional = stream.set_nodelay(true);
    match tls {
        None => serve(stream, router).await,
        Some(tls) => {
            // On an error, the client does not trust the certificate, or does not speak TLS.
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, router).await;
            }
        }
    }
}

/// Serves a connection as HTTP/1.1 or HTTP/2, depending on its first bytes.
async fn serve(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, router: Router) {
    let service = TowerToHyperService::new(MayClose(router));
    // On an error, the client or a fault has closed the connection.
    let _error = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The router, which cannot fail, as a service whose error closes the connection.
#[derive(Clone)]
struct MayClose(Router);

impl<B> Service<Request<B>> for MayClose
where
    Router: Service<Request<B>, Response = Response, Error = Infallible>,
    <Router as Service<Request<B>>>::Future: Send + 'static,
{
    type Response = Response;
    type Error = Closed;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Closed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let response = self.0.call(request);
        response
            .map(|Ok(response)| match response.extensions().get::<Closed>() {
                Some(&closed) => Err(closed),
                None => Ok(response),
            })
            .boxed()
    }
}
