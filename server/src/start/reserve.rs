//! Room that is kept for the metadata, so that a full disk can always be emptied.
//!
//! ```text
//! plenty --free < floor--> tight    what adds rows is refused (MetaError::Full)
//!   ^                        `--free < floor / 2--> spent   the reserve is given up: deletes go on
//!   `-----free >= reserve + floor / 2: made anew-----------'
//! ```
//!
//! A drive's segments are filled ahead and its last one is left to deletes (`ec::shard::prepare`);
//! the metadata's store grows as it is written, deletes included. Without a reserve it
//! would meet the full disk and stop, and nothing could be read or deleted any more.
//!
//! - B1: what adds rows or bytes is refused before the metadata itself meets a full disk.
//! - B2: a reserve is smaller than a drive's segment: giving it up makes room for deletes only.
//!
//! Not here: what a replica does that meets a full disk all the same (`meta::service::keeper`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use holdfast_api::BoxFuture;
use holdfast_api::meta::{Answer, Command, MetaError, MetaService, Outcome, Query};
use holdfast_base::{BodyId, ByteCount, Tick};
use holdfast_io::clock::Clock;
use holdfast_io::disk::{self, Backend, DiskError, DiskErrorKind, Drive, FileName};
use holdfast_io::host;

/// Between two looks at the free space.
const EVERY: Duration = Duration::from_millis(100);
/// After so long without room for a new reserve the floor has to do: the drives may have
/// taken what came back.
const PATIENCE: Duration = Duration::from_secs(30);
/// A reserve is this share of its file system, within the two bounds that follow. (B2)
const SHARE: u64 = 32;
const BYTES_MIN: u64 = 4 * ByteCount::MIB;
const BYTES_MAX: u64 = 64 * ByteCount::MIB;
/// The folder, beside the one of the metadata.
const FOLDER: &str = "reserve";

/// The reserves of this node's metadata directories.
pub(super) struct Reserve {
    places: Vec<Place>,
    clock: Arc<dyn Clock>,
    tight: AtomicBool,
}

struct Place {
    drive: Drive,
    bytes: u64,
    state: Mutex<State>,
}

/// Guarded by itself; only the looking task changes it.
#[derive(Clone, Copy)]
enum State {
    Whole,
    /// Given up at this time; `None`: there was none at the start.
    Spent(Option<Duration>),
}

impl Reserve {
    /// Opens, or makes, the reserves beside `metadata`. A directory that is away has none.
    pub(super) async fn open(metadata: &[PathBuf], clock: Arc<dyn Clock>) -> Arc<Self> {
        let mut places = Vec::new();
        for path in metadata {
            match Place::open(path).await {
                Ok(place) => places.push(place),
                Err(why) => {
                    tracing::warn!("no room is kept for the metadata in {}: {why}", path.display());
                }
            }
        }
        let reserve = Self { places, clock, tight: AtomicBool::new(false) };
        reserve.look().await;
        Arc::new(reserve)
    }

    /// Looks after the space until it is dropped.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            self.clock.sleep(EVERY).await;
            self.look().await;
        }
    }

    async fn look(&self) {
        let mut tight = false;
        for place in &self.places {
            tight |= place.look(self.clock.monotonic()).await;
        }
        if self.tight.swap(tight, Ordering::Relaxed) != tight {
            match tight {
                true => tracing::warn!("THE DISK OF THE METADATA IS FULL: only deletes are taken"),
                false => tracing::info!("the disk of the metadata has room again"),
            }
        }
    }

    /// B1.
    fn is_tight(&self) -> bool {
        self.tight.load(Ordering::Relaxed)
    }
}

impl Place {
    async fn open(metadata: &Path) -> Result<Self, String> {
        // A folder made where a drive is missing would pass for a replaced drive.
        match host::place(metadata) {
            Ok(Some(_)) => {}
            Ok(None) => return Err("not found".into()),
            Err(error) => return Err(super::plain(&error)),
        }
        let path = metadata.with_file_name(FOLDER);
        host::create_directories(&path).map_err(|error| super::plain(&error))?;
        let opened = disk::open(&path, Backend::Threads).map_err(|error| error.to_string())?;
        let said = |error: DiskError| error.to_string();
        let space = opened.drive.space().await.map_err(said)?;
        let bytes = (space.total / SHARE).clamp(BYTES_MIN, BYTES_MAX);
        let held = opened.drive.list().await.map_err(said)?;
        let state = match held.iter().any(|(name, _)| *name == file()) {
            true => State::Whole,
            false => State::Spent(None),
        };
        Ok(Self { drive: opened.drive, bytes, state: Mutex::new(state) })
    }

    /// True if what adds rows must wait.
    async fn look(&self, now: Duration) -> bool {
        let Ok(space) = self.drive.space().await else { return false };
        let floor = self.bytes / 2;
        match self.state() {
            State::Whole => {
                if space.free < floor / 2 && self.drive.remove(file()).await.is_ok() {
                    self.become_now(State::Spent(Some(now)));
                    tracing::warn!(folder = self.drive.name(), "the reserve was given up");
                }
                space.free < floor
            }
            State::Spent(since) => {
                if space.free >= self.bytes + floor / 2 {
                    match self.drive.create(file(), self.bytes).await {
                        Ok(_) => self.become_now(State::Whole),
                        Err(error) if error.kind == DiskErrorKind::Full => {}
                        Err(error) => tracing::debug!(%error, "the reserve could not be made"),
                    }
                    return false;
                }
                space.free < floor || since.is_some_and(|since| now < since + PATIENCE)
            }
        }
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn become_now(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

fn file() -> FileName {
    FileName::new("reserve").expect("a constant of legal letters")
}

/// The metadata, as everybody but its keeper reaches it.
pub(super) struct Guarded {
    meta: Arc<dyn MetaService>,
    reserve: Arc<Reserve>,
}

impl Guarded {
    pub(super) fn new(meta: Arc<dyn MetaService>, reserve: Arc<Reserve>) -> Self {
        Self { meta, reserve }
    }
}

impl MetaService for Guarded {
    fn execute(&self, command: Command) -> BoxFuture<'_, Result<Outcome, MetaError>> {
        if adds(&command) && self.reserve.is_tight() {
            return Box::pin(std::future::ready(Err(MetaError::Full)));
        }
        self.meta.execute(command)
    }

    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, MetaError>> {
        self.meta.query(query)
    }

    fn tick(&self) -> Tick {
        self.meta.tick()
    }

    fn new_body(&self) -> BodyId {
        self.meta.new_body()
    }
}

/// True for what clients add; false for what frees room, or keeps data safe.
fn adds(command: &Command) -> bool {
    match command {
        Command::CreateBucket { .. }
        | Command::PutObject(_)
        | Command::SetAttributes { .. }
        | Command::CreateUpload(_)
        | Command::PutPart(_)
        | Command::CompleteUpload { .. }
        | Command::PutAccessKey(_)
        | Command::ExtendBody { .. }
        | Command::LogAppend { .. } => true,
        Command::DeleteBucket { .. }
        | Command::DeleteObjects { .. }
        | Command::AbortUpload { .. }
        | Command::DeleteAccessKey { .. }
        | Command::RenewIntent { .. }
        | Command::PutDrive { .. }
        | Command::SetHealing { .. }
        | Command::ReportMissing { .. }
        | Command::SetBlob { .. }
        | Command::ForgetGarbage { .. }
        | Command::LogGrant
        | Command::LogTruncate { .. } => false,
    }
}
