//! The listeners, and a thread that serves them until it is stopped.

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
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tower_service::Service;

use crate::testing::cloud::wire::fault::HungUp;

/// A listener on a loopback port that nobody serves yet. Connections wait in its queue.
pub(crate) fn bind() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A thread with a runtime of its own, so that the cloud outlives its caller's runtime and paused
/// clock, and so that dropping this ends every task and socket before it returns.
pub(crate) struct Server {
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(served: Vec<(TcpListener, Router)>) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::Builder::new()
            .name("fake-cloud".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    for (listener, router) in served {
                        let listener = tokio::net::TcpListener::from_std(listener)
                            .expect("the runtime has I/O");
                        tokio::spawn(accept(listener, router));
                    }
                    let _gone = stopped.await;
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
            // A panic in there was printed by its thread.
            let _panicked = thread.join();
        }
    }
}

async fn accept(listener: tokio::net::TcpListener, router: Router) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, router.clone()))),
            // Out of file descriptors, most likely: others get a chance to close theirs.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// One connection, HTTP/1.1 or HTTP/2 by its first bytes.
async fn serve(stream: TcpStream, router: Router) {
    let _slower_at_worst = stream.set_nodelay(true);
    let service = TowerToHyperService::new(MayHangUp(router));
    // An error here is the client's: it went away, or was hung up on.
    let _error = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The router, with the one answer a router cannot give: none.
#[derive(Clone)]
struct MayHangUp(Router);

impl<B> Service<Request<B>> for MayHangUp
where
    Router: Service<Request<B>, Response = Response, Error = Infallible>,
    <Router as Service<Request<B>>>::Future: Send + 'static,
{
    type Response = Response;
    type Error = HungUp;
    type Future = Pin<Box<dyn Future<Output = Result<Response, HungUp>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HungUp>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answered = self.0.call(request);
        answered
            .map(|Ok(response)| match response.extensions().get::<HungUp>() {
                Some(&hung_up) => Err(hung_up),
                None => Ok(response),
            })
            .boxed()
    }
}
