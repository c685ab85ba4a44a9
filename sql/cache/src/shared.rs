//! What readers and the keeper share: the index, what waits to be written, and who
//! fetches what.
//!
//! - H1: what is kept was fetched by somebody whose flight was still listed: forgetting an
//!   object takes its flights off the list, so that nothing of it comes in afterwards.
//! - H2: once off, it stays off: nothing is found and nothing is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::future::Shared as SharedFuture;
use holdfast_io::disk::{DiskError, DiskErrorKind};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::files::Files;
use crate::index::Index;
use crate::key::{BlockKey, ObjectKey, Span};
use crate::status::{CacheStatus, Counts, add};

/// Blocks that wait to be written, at most.
pub(crate) const QUEUE: usize = if cfg!(test) { 16 } else { 256 };

/// Reads that may err, or be late, before the cache is off: some sectors may be bad, or a
/// moment busy, and the disk is not.
const READ_ERRORS_MAX: u64 = if cfg!(test) { 8 } else { 32 };

/// A part of a block, in memory.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub from: u32,
    pub bytes: Bytes,
}

/// What a flight brings; erring: its owner gave up.
pub(crate) type Landing = SharedFuture<oneshot::Receiver<Run>>;

/// A block that somebody fetches.
#[derive(Debug)]
pub(crate) struct Flight {
    pub number: u64,
    pub span: Span,
    pub landing: Landing,
}

/// A block that waits to be written.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub number: u64,
    pub run: Run,
}

/// What the keeper is to write.
#[derive(Debug)]
pub(crate) struct Job {
    pub key: BlockKey,
    pub number: u64,
    pub name: Arc<str>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub index: Index,
    pub waiting: BTreeMap<BlockKey, Waiting>,
    pub flights: BTreeMap<BlockKey, Flight>,
    /// What was forgotten while slots are still being found (`None`: they all are).
    pub forgotten: Option<BTreeSet<ObjectKey>>,
    pub off: Option<String>,
    numbers: u64,
}

/// See the module's header.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Taken alone, never across a wait.
    pub state: Mutex<State>,
    pub files: Files,
    pub counts: Counts,
    queue: mpsc::Sender<Job>,
}

impl Run {
    pub fn span(&self) -> Span {
        Span { from: self.from, len: self.bytes.len() as u32 }
    }

    /// A part of it.
    pub fn part(&self, wanted: Span) -> Option<Bytes> {
        let from = (wanted.from.checked_sub(self.from))? as usize;
        let to = from + wanted.len as usize;
        (to <= self.bytes.len()).then(|| self.bytes.slice(from..to))
    }
}

impl State {
    /// A number that nothing else has.
    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Lists a flight.
    pub fn depart(&mut self, key: BlockKey, span: Span, landing: Landing) -> u64 {
        let number = self.number();
        self.flights.insert(key, Flight { number, span, landing });
        number
    }

    /// Takes a flight off the list, if it is still on it.
    pub fn arrive(&mut self, key: BlockKey, number: u64) {
        if self.flights.get(&key).is_some_and(|flight| flight.number == number) {
            self.flights.remove(&key);
        }
    }
}

impl Shared {
    pub fn new(files: Files) -> (Arc<Self>, mpsc::Receiver<Job>) {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let state = State { forgotten: Some(BTreeSet::new()), ..State::default() };
        let (state, counts) = (Mutex::new(state), Counts::default());
        (Arc::new(Self { state, files, counts, queue }), jobs)
    }

    pub fn is_off(&self) -> bool {
        self.state.lock().off.is_some()
    }

    /// Hands what a flight brought to the keeper, or drops it (K3, H1).
    pub fn keep(&self, key: BlockKey, flight: u64, (name, run): (&Arc<str>, &Run)) {
        if self.is_off() {
            return;
        }
        let Ok(place) = self.queue.try_reserve() else {
            return add(&self.counts.dropped, 1);
        };
        // A copy, as `run` may be a small part of a large read that would stay in memory.
        let run = Run { from: run.from, bytes: Bytes::copy_from_slice(&run.bytes) };
        let mut state = self.state.lock();
        let is_listed = state.flights.get(&key).is_some_and(|listed| listed.number == flight);
        if !is_listed || state.off.is_some() {
            return;
        }
        let number = state.number();
        state.waiting.insert(key, Waiting { number, run });
        drop(state);
        place.send(Job { key, number, name: name.clone() });
    }

    /// Forgets an object (K1).
    pub fn forget(&self, object: ObjectKey) {
        let mut state = self.state.lock();
        state.index.forget(object);
        let flights: Vec<BlockKey> =
            state.flights.range(object.blocks()).map(|(key, _)| *key).collect();
        let waiting: Vec<BlockKey> =
            state.waiting.range(object.blocks()).map(|(key, _)| *key).collect();
        for key in flights.iter().chain(&waiting) {
            state.flights.remove(key);
            state.waiting.remove(key);
        }
        if let Some(forgotten) = &mut state.forgotten {
            forgotten.insert(object);
        }
    }

    /// A read of the cache's disk erred.
    pub fn read_erred(&self, error: &DiskError) {
        self.read_failed(error.kind, error.to_string());
    }

    /// A read of the cache's disk gave nothing. A bad place of the medium may be the only one.
    pub fn read_failed(&self, kind: DiskErrorKind, why: String) {
        let errors = self.counts.errors.fetch_add(1, Ordering::Relaxed) + 1;
        if kind != DiskErrorKind::Medium || errors > READ_ERRORS_MAX {
            self.turn_off(why);
        }
    }

    /// Off until the next start (H2). Says so once.
    pub fn turn_off(&self, why: String) {
        let mut state = self.state.lock();
        if state.off.is_some() {
            return;
        }
        let path = self.files.drive().name();
        tracing::warn!(%path, "the cache of objects is off until the next start: {why}");
        state.index = Index::default();
        state.waiting.clear();
        state.off = Some(why);
    }

    pub fn status(&self) -> CacheStatus {
        let mut status = self.counts.status();
        let state = self.state.lock();
        (status.slots, status.held_bytes, status.evictions) = state.index.figures();
        status.queued = state.waiting.len() as u64;
        status.off = state.off.clone();
        drop(state);
        (status.limit_bytes, status.file_bytes) = self.files.bytes();
        status.path = self.files.drive().name().to_owned();
        status
    }
}
