//! The service: commands in, outcomes out; questions in, answers out.
//!
//! ```text
//! execute -> queue (bounded, by class) -> proposer (session, entries) -> Raft -> outcome
//! query   -> read (leader, barrier) -> view -> answer
//! keeper  -> checkpoints, replicas that stopped
//! tend    -> replicas that come back, or are replaced (`roster` decides, `seats` holds)
//! ```
//!
//! Not here: what a command does (`crate::state`), how it becomes durable (`crate::log`).

mod clock;
mod identity;
mod keeper;
mod open;
mod place;
mod propose;
mod queue;
mod read;
mod records;
mod roster;
mod seats;
mod tend;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_api::BoxFuture;
use holdfast_api::meta::{Answer, Command, MetaError, MetaService, Outcome, Query, ReplicaStatus};
use holdfast_base::{BodyId, ByteCount, ClusterId, Tick};
use holdfast_io::clock::Clock;
use holdfast_io::disk::Drive;
use holdfast_io::rng::Rng;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

pub use open::OpenError;
pub use place::{Ground, Place};

use clock::LogClock;
use queue::{Class, Queue, Waiting};
use seats::Seats;

use crate::raft::network::Switchboard;
use crate::raft::node::Node;

/// What the service needs.
#[derive(Clone)]
pub struct MetaConfig {
    /// Where the replicas of this process live: one, or three.
    pub places: Vec<Place>,
    /// Whose metadata it is.
    pub cluster: ClusterId,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness: ids, and the lives of log segments.
    pub rng: Arc<dyn Rng>,
    /// The most untruncated bytes of the transaction log (T4). Too small: commits wait for flushes.
    pub log_budget: ByteCount,
    /// A command or a question without an answer after so long has failed.
    pub deadline: Duration,
    /// One leader is given so long before the others are asked.
    pub attempt: Duration,
    /// Length of a log segment. [bytes]
    pub segment_bytes: u64,
    /// Length of the first two log segments. [bytes]
    pub first_segment_bytes: u64,
    /// Memory for the pages of each replica's store. [bytes]
    pub cache_bytes: usize,
    /// The store is made durable after so many bytes of entries; the log replays the rest. [bytes]
    pub checkpoint_bytes: u64,
    /// And after so long.
    pub checkpoint_every: Duration,
}

impl MetaConfig {
    /// The defaults, for replicas on drives that stay open.
    pub fn new(
        replicas: Vec<(u64, Drive)>,
        cluster: ClusterId,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        let places = replicas.into_iter().map(|(_, drive)| Place::fixed(drive)).collect();
        Self::over(places, cluster, clock, rng)
    }

    /// The defaults, for replicas at these places.
    pub fn over(
        places: Vec<Place>,
        cluster: ClusterId,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            places,
            cluster,
            clock,
            rng,
            log_budget: ByteCount(ByteCount::GIB),
            deadline: Duration::from_secs(10),
            attempt: Duration::from_secs(3),
            segment_bytes: 16 << 20,
            first_segment_bytes: 4 << 20,
            cache_bytes: 64 << 20,
            checkpoint_bytes: 64 << 20,
            checkpoint_every: Duration::from_secs(60),
        }
    }
}

/// The metadata service of this process.
pub struct Meta {
    inner: Arc<Inner>,
    /// Guards the list only.
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What the tasks of the service share.
struct Inner {
    config: MetaConfig,
    board: Switchboard,
    /// Guards who runs; never held across a wait.
    seats: Mutex<Seats>,
    /// Guards what waits to be proposed.
    queue: Mutex<Queue>,
    /// Guards the leader's time.
    clock: Mutex<LogClock>,
    /// Something was put in line.
    work: Notify,
    /// True once the service ends.
    closing: watch::Sender<bool>,
    /// The highest log index of an answered entry.
    answered: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Resolves when the service ends.
    async fn closed(&self) {
        // The sender is ours: it is not dropped before.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        locked(&self.queue)
    }

    fn running(&self) -> Vec<Arc<Node>> {
        locked(&self.seats).running()
    }

    fn is_single(&self) -> bool {
        self.config.places.len() == 1
    }

    /// Who leads, in which term, as most recently heard.
    fn leader_and_term(&self) -> (Option<u64>, u64) {
        let heard = self.running().into_iter().map(|node| node.leader());
        let newest = heard.max_by_key(|(leader, term)| (*term, leader.is_some()));
        newest.unwrap_or((None, 0))
    }

    fn leader(&self) -> Option<Arc<Node>> {
        let leader = self.leader_and_term().0?;
        locked(&self.seats).find(leader)
    }

    /// The replica that has applied most.
    fn freshest(&self) -> Option<Arc<Node>> {
        self.running().into_iter().max_by_key(|node| node.shared.heard.borrow().applied)
    }

    /// Why nobody will ever lead, if so.
    fn all_stopped(&self) -> Option<MetaError> {
        locked(&self.seats).all_stopped()
    }

    fn is_expiring(&self) -> bool {
        self.freshest().is_some_and(|node| node.shared.heard.borrow().expiring)
    }

    fn tick(&self) -> Tick {
        self.freshest().map_or(Tick(0), |node| node.shared.heard.borrow().tick)
    }

    fn tick_for(&self, leader: &Node) -> Tick {
        let applied = leader.shared.heard.borrow().tick;
        let now = self.config.clock.monotonic();
        locked(&self.clock).tick(leader.leader().1, applied, now)
    }

    fn note_answered(&self, index: u64) {
        self.answered.fetch_max(index, Ordering::Relaxed);
    }

    /// Refuses what the log has no room for; what frees room may go on.
    fn check_room(&self, class: Class) -> Result<(), MetaError> {
        let full = || self.leader().is_some_and(|leader| leader.log.bounds().full);
        if class == Class::User && full() { Err(MetaError::Full) } else { Ok(()) }
    }

    fn replicas(&self) -> Vec<ReplicaStatus> {
        let leader = self.leader();
        locked(&self.seats).status(leader.as_ref())
    }
}

impl Meta {
    /// Ends the service: what was accepted is answered, the log gets its closing mark.
    /// What the store has not made durable the log replays at the next open.
    pub async fn shutdown(&self) {
        self.inner.closing.send_replace(true);
        let tasks: Vec<JoinHandle<()>> = locked(&self.tasks).drain(..).collect();
        for task in tasks {
            // A task that panicked has nothing more to end.
            let _ = task.await;
        }
        for node in self.inner.running() {
            node.close().await;
        }
        for seat in &mut locked(&self.inner.seats).0 {
            seat.node = None;
        }
    }

    /// Makes the stores durable soon, instead of when it is due.
    pub async fn checkpoint(&self) {
        for node in self.inner.running() {
            node.checkpoint().await;
        }
    }
}

impl Drop for Meta {
    fn drop(&mut self) {
        for task in locked(&self.tasks).drain(..) {
            task.abort();
        }
    }
}

impl MetaService for Meta {
    fn execute(&self, command: Command) -> BoxFuture<'_, Result<Outcome, MetaError>> {
        Box::pin(async move {
            let class = Class::of(&command);
            self.inner.check_room(class)?;
            let is_append = matches!(command, Command::LogAppend { .. });
            let encoded = postcard::to_stdvec(&command);
            drop(command);
            let encoded = encoded.map_err(|why| MetaError::Busy(why.to_string()))?;
            let (answer, outcome) = oneshot::channel();
            self.inner.queue().push(class, Waiting { command: encoded, is_append, answer })?;
            self.inner.work.notify_one();
            // Everything in line is answered: by its outcome, its deadline, or the end.
            let stopped = || MetaError::Stopped("it was shut down".into());
            outcome.await.unwrap_or_else(|_| Err(stopped()))
        })
    }

    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, MetaError>> {
        Box::pin(read::answer(&self.inner, query))
    }

    fn tick(&self) -> Tick {
        self.inner.tick()
    }

    fn new_body(&self) -> BodyId {
        BodyId { born: self.inner.tick().0, nonce: self.inner.config.rng.next_u64() }
    }
}

#[cfg(test)]
mod tests;
