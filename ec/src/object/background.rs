//! The store's loops, and the same work asked for by hand.
//!
//! ```text
//! every 1 s   report bad shards          every 5 s    heal
//! every 10 s  collect garbage            every 10 min sweep for orphans
//! ```
//!
//! - Z1: `shutdown` ends every loop that `run` began, within a deadline; a loop
//!   is cut off wherever it waits, because all its state is in the metadata.
//! - Z3: one heal, one scrub and one collection at a time.
//!
//! Not here: the work (`heal`, `scrub`, `collect`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use holdfast_api::BoxFuture;
use holdfast_api::object::StoreError;
use holdfast_io::clock::deadline;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::collect::{Collected, Leftovers, collect_garbage, sweep};
use super::heal::{Healed, heal};
use super::scrub::{Scrubbed, scrub};
use super::store::Store;

const REPORT_EVERY: Duration = Duration::from_secs(1);
const HEAL_EVERY: Duration = Duration::from_secs(5);
const COLLECT_EVERY: Duration = Duration::from_secs(10);
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// How long a loop may take to end.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(5);

/// The loops that run, and who has which work in hand (Z3).
#[derive(Default)]
pub struct Background {
    loops: Mutex<Option<Loops>>,
    heal: tokio::sync::Mutex<()>,
    scrub: tokio::sync::Mutex<()>,
    collect: tokio::sync::Mutex<Leftovers>,
}

/// One turn of a loop.
type Work = for<'a> fn(&'a Store) -> BoxFuture<'a, Result<(), StoreError>>;

struct Loops {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Store {
    /// Starts the loops; once.
    pub fn run(&self) {
        let mut loops = self.inner.background.loops.lock().unwrap_or_else(PoisonError::into_inner);
        if loops.is_some() {
            return;
        }
        let (stop, stopped) = watch::channel(false);
        let store = || self.clone();
        let tasks = vec![
            repeat(store(), stopped.clone(), REPORT_EVERY, |store| {
                Box::pin(store.inner.reports.flush(store.inner.meta.as_ref()))
            }),
            repeat(store(), stopped.clone(), HEAL_EVERY, |store| {
                Box::pin(async { store.heal_once().await.map(drop) })
            }),
            repeat(store(), stopped.clone(), COLLECT_EVERY, |store| {
                Box::pin(async { store.collect_once().await.map(drop) })
            }),
            repeat(store(), stopped, SWEEP_EVERY, |store| {
                Box::pin(async { store.sweep_once().await.map(drop) })
            }),
        ];
        *loops = Some(Loops { stop, tasks });
    }

    /// Ends the loops (Z1).
    pub async fn shutdown(&self) {
        let loops =
            self.inner.background.loops.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Loops { stop, tasks }) = loops else { return };
        let _ = stop.send(true);
        for mut task in tasks {
            if deadline(&self.inner.clock, SHUTDOWN_WAIT, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    /// Heals what is queued and what lies on drives that are marked.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while another heal runs, [`StoreError::Meta`].
    pub async fn heal_once(&self) -> Result<Healed, StoreError> {
        let _one = self.inner.background.heal.try_lock().map_err(|_| StoreError::Busy)?;
        heal(&self.inner).await
    }

    /// Reads and verifies every shard of every drive; queues what is bad.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while another scrub runs, [`StoreError::Meta`].
    pub async fn scrub_once(&self) -> Result<Scrubbed, StoreError> {
        let _one = self.inner.background.scrub.try_lock().map_err(|_| StoreError::Busy)?;
        scrub(&self.inner).await
    }

    /// Deletes the garbage that may go. Returns the number of bodies.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while a collection runs, [`StoreError::Meta`].
    pub async fn collect_once(&self) -> Result<u64, StoreError> {
        let _one = self.inner.background.collect.try_lock().map_err(|_| StoreError::Busy)?;
        collect_garbage(&self.inner).await
    }

    /// Deletes orphans, and leftovers that the last sweep saw already.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while a collection runs, [`StoreError::Meta`].
    pub async fn sweep_once(&self) -> Result<Collected, StoreError> {
        let mut leftovers =
            self.inner.background.collect.try_lock().map_err(|_| StoreError::Busy)?;
        sweep(&self.inner, &mut leftovers).await
    }
}

/// Does `work` every `pause` until it is told to stop; owned by [`Loops`].
fn repeat(
    store: Store,
    mut stopped: watch::Receiver<bool>,
    pause: Duration,
    work: Work,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let clock = Arc::clone(&store.inner.clock);
        loop {
            let turn = async {
                clock.sleep(pause).await;
                work(&store).await
            };
            let done = tokio::select! {
                biased;
                _ = stopped.wait_for(|&stop| stop) => return,
                done = turn => done,
            };
            if let Err(error) = done {
                tracing::debug!(%error, "background work is put off");
            }
        }
    })
}
