//! Signals: the first asks for an orderly end, the second for an end at once.

use std::sync::Arc;
use std::time::Duration;

use holdfast_io::clock::Clock;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::listen::Phase;

/// Moves `phase` on as signals come, and from `Drain` to `Now` after `grace`.
pub async fn watch_signals(
    phase: watch::Sender<Phase>,
    grace: Duration,
    clock: Arc<dyn Clock>,
) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut next = async || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    let mut told = phase.subscribe();
    tokio::select! {
        name = next() => tracing::info!("{name}: finishing what is under way; a second one ends at once"),
        // Somebody else ends the server.
        _ = told.wait_for(|phase| *phase != Phase::Run) => {}
    }
    phase.send_replace(Phase::Drain);
    tokio::select! {
        name = next() => tracing::warn!("{name} again: ending at once"),
        () = clock.sleep(grace) => tracing::warn!("requests took longer than the grace: ending"),
    }
    phase.send_replace(Phase::Now);
    Ok(())
}
