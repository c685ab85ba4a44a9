//! What the tasks of one store share: the index, the segments, the drive's health.
//!
//! ```text
//! write, delete, sync ---> writer ---> open segment --full--> footer, sealed
//!                            ^ takes a spare                        |
//!         prepare: fills new segments with zeros ------> spares <---+ clean: dead ones
//!                            ^ copies of live frames, from half-dead ones: clean
//! read, list: in the caller's task      watch: identity and space, every second
//! ```
//!
//! Not here: what each of them does.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_base::ByteCount;
use holdfast_base::limits::SHARD_DEADLINE_MS;
use holdfast_io::clock::Clock;
use holdfast_io::disk::{Drive, File};
use holdfast_io::rng::Rng;
use tokio::sync::{Notify, watch};

use super::clean::Punch;
use super::health::Health;
use super::identity::Identity;
use super::index::Index;
use super::segment::SegmentNo;

/// The world that a store lives in.
#[derive(Clone)]
pub struct World {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
}

/// What may differ between stores.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The length of new segments; by the free space if absent. [bytes]
    pub segment_bytes: Option<u64>,
    /// How many drives share the device below, this one included.
    pub drives_on_device: u32,
    /// A disk call slower than this has failed.
    pub disk_deadline: Duration,
    /// How fast compaction copies. [bytes per second]
    pub compaction_rate: u64,
    /// How often the drive's identity is looked at.
    pub watch_every: Duration,
}

/// What the tasks share.
pub struct Shared {
    pub drive: Drive,
    pub identity: Identity,
    pub world: World,
    pub options: Options,
    /// The length of new segments. [bytes]
    pub segment_bytes: u64,
    pub health: Health,
    /// Guards the index and the table of segments. Taken alone, for microseconds.
    core: Mutex<Core>,
    /// A spare was added, or could not be made.
    pub spares_changed: Notify,
    /// A spare was taken.
    pub spare_wanted: Notify,
    /// Frames died.
    pub frames_died: Notify,
    /// True once the store is closing.
    pub closing: watch::Sender<bool>,
    total: AtomicU64,
    free: AtomicU64,
}

/// The state that the lock guards.
#[derive(Debug, Default)]
pub struct Core {
    pub index: Index,
    pub segments: BTreeMap<SegmentNo, Segment>,
    pub spares: VecDeque<SegmentNo>,
    /// Payloads of dead frames whose space is to be given back.
    pub punches: VecDeque<Punch>,
    /// The last attempt to make a spare met a full disk.
    pub full: bool,
    /// A client was refused for want of space, and none was served a segment since.
    pub tight: bool,
    pub next_no: u32,
}

/// One segment's file and state.
#[derive(Debug)]
pub struct Segment {
    /// Cloned by whoever uses it: while there is a clone it is not recycled.
    pub file: Arc<File>,
    pub life: u64,
    pub generation: u64,
    pub state: State,
    /// Has completed writes that no sync covers.
    pub dirty: bool,
    /// Given back by punching. [bytes]
    pub punched: u64,
    /// False once it has holes, or a write whose end nobody saw: it is removed, not recycled.
    pub reusable: bool,
    /// Compaction left this many bytes that could not be moved; it tries again when fewer live.
    pub stuck_at: Option<u64>,
}

/// What a segment is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits to be opened.
    Spare,
    /// Being filled, or not yet sealed.
    Open,
    /// Takes no more frames.
    Sealed,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: None,
            drives_on_device: 1,
            disk_deadline: Duration::from_millis(SHARD_DEADLINE_MS),
            compaction_rate: 32 << 20,
            watch_every: Duration::from_secs(1),
        }
    }
}

impl Shared {
    /// Nothing known yet of what the drive holds. `segment_bytes` is the length of new ones.
    pub fn new(drive: Drive, identity: Identity, world: World, setup: (Options, u64)) -> Self {
        let (options, segment_bytes) = setup;
        Self {
            health: Health::new(identity.no, world.clock.clone(), options.disk_deadline),
            drive,
            identity,
            world,
            options,
            segment_bytes,
            core: Mutex::default(),
            spares_changed: Notify::new(),
            spare_wanted: Notify::new(),
            frames_died: Notify::new(),
            closing: watch::Sender::new(false),
            total: AtomicU64::new(0),
            free: AtomicU64::new(0),
        }
    }

    /// The index and the segments. Never held across a wait.
    pub fn core(&self) -> MutexGuard<'_, Core> {
        // Nothing in a critical section panics between two changes that belong together
        // but for a broken invariant, which ends the process anyway.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Size and free space of the file system, as last seen.
    pub fn space(&self) -> (ByteCount, ByteCount) {
        let load = |value: &AtomicU64| ByteCount(value.load(Ordering::Relaxed));
        (load(&self.total), load(&self.free))
    }

    /// Remembers the file system's size and free space.
    pub fn saw_space(&self, space: holdfast_io::disk::Space) {
        self.total.store(space.total, Ordering::Relaxed);
        self.free.store(space.free, Ordering::Relaxed);
    }

    /// Waits for `pause` or until the store closes or fails; false if it did.
    pub async fn pause(&self, pause: Duration) -> bool {
        let mut closing = self.closing.subscribe();
        tokio::select! { biased;
            _ = closing.wait_for(|closing| *closing) => false,
            () = self.health.failed() => false,
            () = self.world.clock.sleep(pause) => true,
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("identity", &self.identity).finish_non_exhaustive()
    }
}
