//! The Raft log of one replica on its disk: entries and the vote.
//!
//! ```text
//! append, truncate, purge --> memory (readable at once) --> writer task --> one durable write
//!                                                            |  per group, then the callbacks
//! save_vote --------------------------------------------------> replaces the file `vote`
//!
//! file     log-00000001 ...  of fixed length, zero-filled, recycled
//! segment  | header 4 KiB | group | group | ... |          groups begin at 4 KiB boundaries
//! group    | frame | frame | ... | zeros |                 written at once, made durable at once
//! frame    | 80 bytes of header, crc32 over all | payload | padding to 8 |
//! ```
//! Below it all lie stamped sectors (`sector`).
//!
//! Invariants
//! - L1: what was acknowledged is durable: entries by their callback, the vote,
//!   truncation and purge by their return.
//! - L2: writes happen in the order in which they were asked for, votes among them.
//! - L3: a group is written only when the one before it is durable, and its
//!   frames say up to which frame the log was durable then.
//! - L4: a tail is cut only where no frame says that it was durable, and no sector of it
//!   is other than a power cut leaves it. Whatever else does not verify is rot: the
//!   log is not opened.
//! - L6: a log that is idle for a second says that all of it is durable.
//! - L5: a segment is written over only when a durable frame says that nothing
//!   in it is needed.
//!
//! Not here: what entries mean (`crate::state`), when to purge (`crate::raft`).

mod error;
mod frame;
mod recover;
mod sector;
mod segment;
mod shelf;
mod writer;

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use holdfast_io::clock::Clock;
use holdfast_io::disk::{Drive, FileName};
use holdfast_io::rng::Rng;
use tokio::sync::{mpsc, oneshot, watch};

pub use error::LogStoreError;
pub use frame::{Kind, Position, Record};
use shelf::Shelf;
use writer::{Job, Writer};

/// Appends and votes that wait for the writer.
const JOBS_MAX: usize = 1024;

/// Payload bytes of written entries that are kept in memory.
const CACHE_BYTES_MAX: usize = if cfg!(test) { 16 << 10 } else { 32 << 20 };

/// Called once when what it belongs to is durable, or will never be.
pub type Done = Box<dyn FnOnce(Result<(), LogStoreError>) + Send>;

/// What the log needs besides its disk.
#[derive(Clone)]
pub struct LogConfig {
    /// Length of a segment file. The first two are shorter. [bytes]
    pub segment_bytes: u64,
    /// Length of the first two segment files. [bytes]
    pub first_segment_bytes: u64,
    /// For pauses between attempts on a full disk.
    pub clock: Arc<dyn Clock>,
    /// For the lives of segments.
    pub rng: Arc<dyn Rng>,
}

/// The log's ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Entries up to it are gone.
    pub purged: Option<Position>,
    /// The last entry; `purged` where there is none.
    pub last: Option<Position>,
    /// Bytes of all segment files.
    pub bytes: u64,
    /// The disk had no room for the next segment.
    pub full: bool,
}

/// A replica's log. Cheap to clone; the writer ends with the last of its clones.
#[derive(Clone)]
pub struct Log {
    drive: Drive,
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    ending: Ending,
}

/// Tells whether the writer of a log has ended: until then it may write.
#[derive(Clone)]
pub struct Ending(watch::Receiver<()>);

impl Ending {
    /// The writer has ended.
    pub fn is_over(&self) -> bool {
        self.0.has_changed().is_err()
    }
}

/// What callers and the writer share.
struct Shared {
    /// Guards the entries that can be read; never held across a wait.
    shelf: Mutex<Shelf>,
}

impl Shared {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file with the vote.
fn vote_file() -> FileName {
    FileName::new("vote").expect("four lower-case letters")
}

impl Log {
    /// Opens what is on `drive`, or begins a log there.
    ///
    /// # Errors
    /// Rot (L4), another format, the disk.
    pub async fn open(drive: Drive, config: LogConfig) -> Result<Self, LogStoreError> {
        let found = recover::recover(&drive).await?;
        let shared = Arc::new(Shared { shelf: Mutex::new(found.shelf) });
        let (jobs, queue) = mpsc::channel(JOBS_MAX);
        let writer = Writer::start(drive.clone(), config, shared.clone(), found.segments).await?;
        let (alive, ending) = watch::channel(());
        tokio::spawn(async move {
            writer.run(queue).await;
            drop(alive);
        });
        Ok(Self { drive, shared, jobs, ending: Ending(ending) })
    }

    /// Appends entries: readable when it returns, durable when `done` is called.
    ///
    /// # Errors
    /// A log that has failed before, an entry that is too large, or not the next one.
    pub async fn append(&self, records: Vec<Record>, done: Done) -> Result<(), LogStoreError> {
        self.shared.shelf().push_all(&records)?;
        self.send(Job::Append { records, done }).await
    }

    /// Durable when it returns.
    ///
    /// # Errors
    /// The disk; the log has then failed.
    pub async fn save_vote(&self, vote: Vec<u8>) -> Result<(), LogStoreError> {
        self.ask(|done| Job::Vote { vote, done }).await
    }

    /// The last vote that was saved.
    pub fn vote(&self) -> Option<Vec<u8>> {
        self.shared.shelf().vote.clone()
    }

    /// Drops the entries after `last`. Durable when it returns.
    ///
    /// # Errors
    /// The disk; the log has then failed.
    pub async fn truncate_after(&self, last: Option<Position>) -> Result<(), LogStoreError> {
        self.shared.shelf().truncate_after(last);
        self.ask(|done| Job::Truncate { last, done }).await
    }

    /// Drops the entries up to `through`. Durable when it returns.
    ///
    /// # Errors
    /// The disk; the log has then failed.
    pub async fn purge(&self, through: Position) -> Result<(), LogStoreError> {
        self.shared.shelf().purge(through);
        self.ask(|done| Job::Purge { through, done }).await
    }

    /// Entries in `range` from the first that is not purged on, as far as they are
    /// there; at most about `bytes_max`, but one.
    ///
    /// # Errors
    /// A frame that does not verify any more, or the disk.
    pub async fn read(
        &self,
        range: Range<u64>,
        bytes_max: usize,
    ) -> Result<Vec<Record>, LogStoreError> {
        let mut records = Vec::new();
        let (mut next, mut bytes) = (range.start.max(self.shared.shelf().first()), 0);
        while next < range.end && bytes < bytes_max {
            let found = self.shared.shelf().find(next);
            let record = match found {
                None => break,
                Some(shelf::Found::Here(record)) => record,
                Some(shelf::Found::On(place)) => {
                    let record = segment::read_frame(&place).await?;
                    // It may have been truncated and written anew meanwhile.
                    match self.shared.shelf().find(next) {
                        Some(shelf::Found::On(now)) if now.seq == place.seq => record,
                        Some(_) | None => continue,
                    }
                }
            };
            bytes += record.payload.len();
            records.push(record);
            next += 1;
        }
        Ok(records)
    }

    /// Its ends.
    pub fn bounds(&self) -> Bounds {
        self.shared.shelf().bounds()
    }

    /// Writes down that everything is durable, so that rot at the very end is seen
    /// as such at the next open; then the writer ends.
    ///
    /// # Errors
    /// The disk.
    pub async fn close(&self) -> Result<(), LogStoreError> {
        self.ask(|done| Job::Close { done }).await
    }

    /// To ask later whether its writer has ended.
    pub fn ending(&self) -> Ending {
        self.ending.clone()
    }

    /// What to call it in messages.
    pub fn name(&self) -> &str {
        self.drive.name()
    }

    async fn ask(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<(), LogStoreError>>) -> Job,
    ) -> Result<(), LogStoreError> {
        let (done, answer) = oneshot::channel();
        self.send(job(done)).await?;
        answer.await.unwrap_or_else(|_| Err(self.failed()))
    }

    async fn send(&self, job: Job) -> Result<(), LogStoreError> {
        self.jobs.send(job).await.map_err(|_| self.failed())
    }

    fn failed(&self) -> LogStoreError {
        let why = self.shared.shelf().failed.clone();
        LogStoreError::Failed { why: why.unwrap_or_else(|| "it was closed".into()) }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Log({})", self.name())
    }
}

/// A payload of no bytes.
const NOTHING: Bytes = Bytes::new();

#[cfg(test)]
mod tests;
