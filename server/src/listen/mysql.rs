//! The port that MySQL clients connect to.
//!
//! - K1: no more than `connections_max` connections are open; one more is told so (1040).
//! - K3: `serve` ends only when it is told to; on `Drain` it takes no new connection and
//!   ends those that are idle, after `Now` it drops those that are left.
//!
//! Not here: what is said there (`holdfast_wire`, `holdfast_sql`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use holdfast_io::clock::Clock;
use holdfast_io::net::{Listener, Net};
use holdfast_io::rng::Rng;
use holdfast_sql::engine::Engine;
use holdfast_sql::session::serve;
use holdfast_wire::{Connection, WireConfig};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::{Phase, unheard};
use crate::start::StartError;

/// Pause after an accept that erred.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often the end of sessions is looked for while draining.
const DRAIN_EVERY: Duration = Duration::from_millis(50);

/// What the port needs.
#[derive(Clone)]
pub struct MysqlConfig {
    /// TLS, if it is offered.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// K1.
    pub connections_max: usize,
    /// For deadlines.
    pub clock: Arc<dyn Clock>,
    /// For salts and keys.
    pub rng: Arc<dyn Rng>,
}

/// A port that is listened on.
pub struct MysqlPort {
    listener: Box<dyn Listener>,
    config: MysqlConfig,
}

impl MysqlPort {
    /// Listens on `address`.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub async fn bind(
        net: &dyn Net,
        address: SocketAddr,
        config: MysqlConfig,
    ) -> Result<Self, StartError> {
        let listener = net.bind(address).await.map_err(|error| StartError::Listen {
            flag: "--mysql",
            address,
            what: unheard(&error),
        })?;
        Ok(Self { listener, config })
    }

    /// Where it listens; the real port where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Serves until `phase` says otherwise (K3).
    pub async fn serve(mut self, engine: Arc<Engine>, mut phase: watch::Receiver<Phase>) {
        let MysqlConfig { tls, connections_max, clock, rng } = self.config.clone();
        let mut wire = WireConfig::new(Arc::clone(&clock), rng);
        wire.version.clone_from(&engine.version);
        wire.tls = tls;
        let wire = Arc::new(wire);
        let permits = Arc::new(Semaphore::new(connections_max));
        let mut tasks = JoinSet::new();
        while *phase.borrow() == Phase::Run {
            let accepted = tokio::select! {
                biased;
                changed = phase.changed() => if changed.is_ok() { continue } else { break },
                Some(_) = tasks.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, from) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(port = "mysql", %error, "could not accept a connection");
                    clock.sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (engine, wire) = (Arc::clone(&engine), Arc::clone(&wire));
            match Arc::clone(&permits).try_acquire_owned() {
                Ok(permit) => {
                    let mut phase = phase.clone();
                    tasks.spawn(async move {
                        let _permit = permit;
                        let client = tokio::select! {
                            biased;
                            client = serve::login(engine, stream, wire, from) => client,
                            // Who has not said yet who it is need not be waited for.
                            _ = phase.wait_for(|phase| *phase != Phase::Run) => None,
                        };
                        if let Some(client) = client {
                            client.serve().await;
                        }
                    })
                }
                Err(_) => tasks.spawn(async move {
                    let _ = Connection::refuse(stream, &wire, 1040, "Too many connections").await;
                }),
            };
        }
        drop(self.listener);
        while !tasks.is_empty() && *phase.borrow() != Phase::Now {
            for known in engine.sessions.all() {
                if known.doing.lock().command == "Sleep" {
                    known.kill(true);
                }
            }
            tokio::select! {
                biased;
                _ = tasks.join_next() => {}
                changed = phase.changed() => if changed.is_err() { break },
                () = clock.sleep(DRAIN_EVERY) => {}
            }
        }
        tasks.shutdown().await;
    }
}
