//! HTTP on a listening port: connections in, requests to a service, an orderly end.
//!
//! ```text
//! accept -> permit -> TLS handshake (10 s) -> HTTP/1 or 2 -> service
//!                                                             `- stop: finish what is under way, within the grace
//! ```
//!
//! - K1: no more than `connections_max` connections are open; the next one
//!   waits in the kernel's queue.
//! - K2: a client that does not finish its headers within 10 s of their first byte, its
//!   handshake within [`HANDSHAKE_LIMIT`], or sends nothing for `idle`, is cut off (`paced`).
//! - K3: `serve` ends only when it is told to; after `Drain` it takes no new
//!   connection, after `Now` it drops those that are left.
//! - K4: a connection that is closed lingers until the client has heard the answer (`paced`).
//!
//! Not here: what is answered (`s3`, `admin`), certificates (`tls`).

mod mysql;
mod paced;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_io::clock::{Clock, deadline};
use holdfast_io::net::{Listener, Net, Stream};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub use mysql::{MysqlConfig, MysqlPort};
pub use tls::{acceptor, pinned_connector, server_config};

use paced::{Lingering, Paced, Requests};

use crate::start::{StartError, plain};

/// Time for a TLS handshake. (K2)
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Pause after an accept that erred, for instance for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Between two pings of an HTTP/2 connection.
const PING_EVERY: Duration = Duration::from_secs(10);
/// Streams at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 128;

/// Whether we are running, or how we are to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Serve.
    #[default]
    Run,
    /// No new connections; finish what is under way.
    Drain,
    /// Drop everything.
    Now,
}

/// A port that is listened on.
pub struct Port {
    name: &'static str,
    listener: Box<dyn Listener>,
    tls: Option<TlsAcceptor>,
    connections: Arc<Semaphore>,
    idle: Duration,
    clock: Arc<dyn Clock>,
}

/// What a port needs besides its address.
#[derive(Clone)]
pub struct PortConfig {
    /// The flag that names it.
    pub name: &'static str,
    /// TLS, if it speaks it.
    pub tls: Option<TlsAcceptor>,
    /// K1.
    pub connections_max: usize,
    /// K2.
    pub idle: Duration,
    /// For deadlines.
    pub clock: Arc<dyn Clock>,
}

impl Port {
    /// Listens on `address`.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub async fn bind(
        net: &dyn Net,
        address: SocketAddr,
        config: PortConfig,
    ) -> Result<Self, StartError> {
        let PortConfig { name, tls, connections_max, idle, clock } = config;
        let listener = net.bind(address).await.map_err(|error| StartError::Listen {
            flag: match name {
                "s3" => "--s3",
                _ => "--admin",
            },
            address,
            what: unheard(&error),
        })?;
        let connections = Arc::new(Semaphore::new(connections_max));
        Ok(Self { name, listener, tls, connections, idle, clock })
    }

    /// Where it listens; the real port where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Serves until `phase` says otherwise (K3).
    pub async fn serve<S, B>(mut self, service: S, mut phase: watch::Receiver<Phase>)
    where
        S: hyper::service::Service<Request<Incoming>, Response = Response<B>>,
        S: Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let graceful = GracefulShutdown::new();
        let builder = Arc::new(http_builder(self.idle));
        let mut tasks = JoinSet::new();
        while *phase.borrow() == Phase::Run {
            let next = tokio::select! {
                biased;
                changed = phase.changed() => if changed.is_ok() { continue } else { break },
                Some(_) = tasks.join_next() => continue,
                next = self.next() => next,
            };
            let Some((stream, permit)) = next else { break };
            let (builder, service) = (Arc::clone(&builder), service.clone());
            let (tls, clock, watcher) = (self.tls.clone(), self.clock.clone(), graceful.watcher());
            let (name, idle) = (self.name, self.idle);
            tasks.spawn(async move {
                let _permit = permit;
                let stream = Lingering::new(stream, Arc::clone(&clock));
                let Some(stream) = encrypted(stream, tls, &clock).await else { return };
                let requests = Arc::new(Requests::default());
                let stream = Paced::new(stream, idle, clock, Arc::clone(&requests));
                let counted = service_fn(move |request| {
                    requests.begin();
                    let (answer, requests) = (service.call(request), Arc::clone(&requests));
                    async move {
                        let answer = answer.await;
                        requests.answer();
                        answer
                    }
                });
                let connection =
                    builder.serve_connection(TokioIo::new(stream), counted).into_owned();
                if let Err(error) = watcher.watch(connection).await {
                    tracing::debug!(port = name, %error, "connection ended");
                }
            });
        }
        drop(self.listener);
        let mut drained = std::pin::pin!(graceful.shutdown());
        while *phase.borrow() != Phase::Now {
            tokio::select! {
                biased;
                () = &mut drained => break,
                changed = phase.changed() => if changed.is_err() { break },
            }
        }
        tasks.shutdown().await;
    }

    /// The next connection for which there is a permit; `None` never.
    async fn next(&mut self) -> Option<(Box<dyn Stream>, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.connections).acquire_owned().await.ok()?;
        loop {
            match self.listener.accept().await {
                Ok((stream, _from)) => return Some((stream, permit)),
                Err(error) => {
                    tracing::warn!(port = self.name, %error, "could not accept a connection");
                    self.clock.sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Why an address cannot be listened on, and what a person can do about it.
fn unheard(error: &std::io::Error) -> String {
    use std::io::ErrorKind as K;
    let what_helps = match error.kind() {
        K::AddrInUse => ": end what listens there, or give another address",
        K::AddrNotAvailable => ": give one that it has, or 0.0.0.0 for all",
        K::PermissionDenied => ": ports below 1024 are root's, give another one",
        _ => "",
    };
    plain(error) + what_helps
}

fn http_builder(idle: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(idle);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(Some(PING_EVERY));
    builder
}

/// `stream` after its handshake, if there is to be one; `None` if that went wrong.
async fn encrypted(
    stream: Lingering<Box<dyn Stream>>,
    tls: Option<TlsAcceptor>,
    clock: &Arc<dyn Clock>,
) -> Option<Box<dyn Stream>> {
    let Some(tls) = tls else { return Some(Box::new(stream)) };
    match deadline(clock, HANDSHAKE_LIMIT, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(Box::new(stream)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake");
            None
        }
        Err(late) => {
            tracing::debug!(%late, "TLS handshake");
            None
        }
    }
}
