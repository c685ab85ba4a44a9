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
//! - B3: nothing is held open on a drive that is out: its file system can be unmounted and
//!   replaced. Once a drive is back, it gets a reserve anew.
//!
//! Not here: what a replica does that meets a full disk all the same (`meta::service::keeper`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use holdfast_api::BoxFuture;
use holdfast_api::meta::{Answer, Command, MetaError, MetaService, Outcome, Query};
use holdfast_base::{BodyId, ByteCount, Tick};
use holdfast_io::clock::Clock;
use holdfast_io::disk::{self, Backend, DiskError, DiskErrorKind, Drive, FileName};
use holdfast_io::host;

use super::metadata::{self, Drives};

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
    drives: Drives,
    clock: Arc<dyn Clock>,
    tight: AtomicBool,
}

/// One directory of the metadata, and the reserve beside it.
struct Place {
    metadata: PathBuf,
    /// `None` while the directory is away. Only the looking task changes it; locked for a
    /// copy or an assignment.
    held: Mutex<Option<Held>>,
    /// The second, on the clock, of the last attempt to open it.
    tried: AtomicU64,
}

/// The folder of a reserve, open.
#[derive(Clone)]
struct Held {
    drive: Drive,
    bytes: u64,
    state: State,
}

/// A reserve's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    /// Given up at this time; `None`: there was none at the start.
    Spent(Option<Duration>),
}

/// What the free space means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Verdict {
    /// What adds rows must wait.
    tight: bool,
    step: Step,
}

/// What to do with a reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Keep,
    GiveUp,
    MakeAnew,
}

impl State {
    /// The picture above: a reserve of `bytes`, where `free` bytes are free. The floor is half of it.
    fn judge(self, free: u64, bytes: u64, now: Duration) -> Verdict {
        let floor = bytes / 2;
        match self {
            Self::Whole if free < floor / 2 => Verdict { tight: true, step: Step::GiveUp },
            Self::Whole => Verdict { tight: free < floor, step: Step::Keep },
            Self::Spent(_) if free >= bytes + floor / 2 => {
                Verdict { tight: false, step: Step::MakeAnew }
            }
            Self::Spent(since) => {
                let waits = since.is_some_and(|since| now < since + PATIENCE);
                Verdict { tight: free < floor || waits, step: Step::Keep }
            }
        }
    }
}

/// The size of a reserve on a file system of `total` bytes. (B2)
fn reserve_bytes(total: u64) -> u64 {
    (total / SHARE).clamp(BYTES_MIN, BYTES_MAX)
}

impl Reserve {
    /// Opens, or makes, the reserves beside `metadata`. A directory that is away has none.
    pub(super) async fn open(
        metadata: &[PathBuf],
        drives: Drives,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let places: Vec<Place> = metadata.iter().map(|path| Place::new(path.clone())).collect();
        for place in &places {
            if let Err(why) = place.take().await {
                let path = place.metadata.display();
                tracing::warn!("no room is kept for the metadata in {path}: {why}");
            }
        }
        let reserve = Self { places, drives, clock, tight: AtomicBool::new(false) };
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
            match metadata::is_reachable(&place.metadata, &self.drives) {
                true => tight |= place.look(self.clock.monotonic()).await,
                false => place.keep(None), // B3.
            }
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
    fn new(metadata: PathBuf) -> Self {
        Self { metadata, held: Mutex::default(), tried: AtomicU64::new(0) }
    }

    /// True if what adds rows must wait.
    async fn look(&self, now: Duration) -> bool {
        let second = now.as_secs();
        if self.held().is_none() && self.tried.swap(second, Ordering::Relaxed) != second {
            // Back, or not back yet: there are more looks.
            let _ = self.take().await;
        }
        let Some(mut held) = self.held() else { return false };
        let tight = held.look(now).await;
        self.keep(Some(held));
        tight
    }

    async fn take(&self) -> Result<(), String> {
        self.keep(Some(Held::open(&self.metadata).await?));
        Ok(())
    }

    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, held: Option<Held>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}

impl Held {
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
        let bytes = reserve_bytes(opened.drive.space().await.map_err(said)?.total);
        let held = opened.drive.list().await.map_err(said)?;
        let state = match held.iter().any(|(name, _)| *name == file()) {
            true => State::Whole,
            false => State::Spent(None),
        };
        Ok(Self { drive: opened.drive, bytes, state })
    }

    /// True if what adds rows must wait.
    async fn look(&mut self, now: Duration) -> bool {
        let Ok(space) = self.drive.space().await else { return false };
        let verdict = self.state.judge(space.free, self.bytes, now);
        match verdict.step {
            Step::Keep => {}
            Step::GiveUp => {
                if self.drive.remove(file()).await.is_ok() {
                    self.state = State::Spent(Some(now));
                    tracing::warn!(folder = self.drive.name(), "the reserve was given up");
                }
            }
            Step::MakeAnew => match self.drive.create(file(), self.bytes).await {
                Ok(_) => self.state = State::Whole,
                Err(error) if error.kind == DiskErrorKind::Full => {}
                Err(error) => tracing::debug!(%error, "the reserve could not be made"),
            },
        }
        verdict.tight
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

    fn has_room(&self) -> bool {
        !self.reserve.is_tight()
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

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = ByteCount::MIB;

    #[track_caller]
    fn check(why: &str, state: State, (free_mib, now_s): (u64, u64), want: (bool, Step)) {
        let (tight, step) = want;
        let got = state.judge(free_mib * MIB, 64 * MIB, Duration::from_secs(now_s));
        assert_eq!(got, Verdict { tight, step }, "{why}: {state:?}, {free_mib} MiB free");
    }

    #[test]
    fn the_reserve_is_given_up_late_and_made_anew_once_there_is_room_for_it() {
        use State::{Spent, Whole};
        use Step::{GiveUp, Keep, MakeAnew};
        // A reserve of 64 MiB: the floor is 32.
        check("plenty", Whole, (32, 0), (false, Keep));
        check("below the floor", Whole, (31, 0), (true, Keep));
        check("half the floor is left", Whole, (16, 0), (true, Keep));
        check("below half the floor", Whole, (15, 0), (true, GiveUp));
        let spent = Spent(Some(Duration::from_secs(100)));
        check("spent, nothing came back", spent, (0, 101), (true, Keep));
        check("its own room is not room for more", spent, (64, 101), (true, Keep));
        check("room for a new one, and some", spent, (80, 101), (false, MakeAnew));
        check("patience lasts", spent, (79, 129), (true, Keep));
        check("patience ends: the floor has to do", spent, (32, 130), (false, Keep));
        check("patience ends below the floor", spent, (31, 130), (true, Keep));
        check("none at the start", Spent(None), (32, 0), (false, Keep));
        check("none at the start, and no room", Spent(None), (31, 0), (true, Keep));
        check("none at the start, room for one", Spent(None), (80, 0), (false, MakeAnew));
    }

    #[test]
    fn a_new_reserve_is_not_given_up_at_once() {
        for bytes in [BYTES_MIN, 5 * MIB + 1, BYTES_MAX] {
            let least = bytes + bytes / 2 / 2;
            let made = State::Spent(None).judge(least, bytes, Duration::ZERO);
            assert_eq!(made.step, Step::MakeAnew, "{bytes}");
            let then = State::Whole.judge(least - bytes, bytes, Duration::ZERO);
            assert_eq!(then.step, Step::Keep, "{bytes}: {then:?}");
        }
    }

    #[test]
    fn a_reserve_is_a_share_within_bounds() {
        for (total_mib, want_mib) in
            [(0, 4), (100, 4), (128, 4), (320, 10), (2048, 64), (1 << 30, 64)]
        {
            assert_eq!(reserve_bytes(total_mib * MIB), want_mib * MIB, "{total_mib} MiB");
        }
    }

    #[test]
    fn what_frees_room_is_never_refused() {
        let bucket = holdfast_base::BucketId(1);
        let frees = [
            Command::DeleteObjects { bucket, objects: Vec::new() },
            Command::ForgetGarbage { bodies: Vec::new() },
            Command::LogGrant,
        ];
        for command in frees {
            assert!(!adds(&command), "{command:?}");
        }
    }
}
