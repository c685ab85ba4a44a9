//! The store: what its parts share, and its face to the house.
//!
//! Invariants
//! - Z2: figures are counted where the thing happens, and only there.
//!
//! Not here: the work itself (`put`, `get`, `heal`, `collect`), the loops (`background`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_api::blob::BlobLayout;
use holdfast_api::drive::{DriveService, Owner};
use holdfast_api::meta::MetaService;
use holdfast_api::object::{
    BodyReader, BodyWriter, HealProgress, ObjectStore, ReadLease, ReadPlan, StoreStatus,
};
use holdfast_base::{BlobId, CodecId, DriveNo, Geometry};
use holdfast_io::clock::Clock;

use super::background::Background;
use super::budget::Budget;
use super::claim::Claims;
use super::drives::Drives;
use super::get::Reader;
use super::hedge::Hedge;
use super::lease::Leases;
use super::put::Writer;
use super::rebuild::Trouble;
use super::report::Reports;
use super::seat::Seats;
use crate::codec::Codec;

/// Frames on their way to the drives, all writers together (O5). [bytes]
pub const WRITE_BYTES_MAX: usize = 256 << 20;
/// Verified bytes on their way to readers, all of them together. [bytes]
pub const READ_BYTES_MAX: usize = 256 << 20;
/// Shards in the hands of heals and scrubs. [bytes]
pub const HEAL_BYTES_MAX: usize = 64 << 20;

/// What an operator may choose.
#[derive(Clone, Debug)]
pub struct Config {
    /// The geometry of a blob while all drives are healthy.
    pub geometry: Geometry,
    /// What heals and scrubs may read, all drives together. Higher heals
    /// sooner and slows the clients down. [bytes/s]
    pub heal_bytes_per_s: u64,
}

impl Config {
    /// `geometry`, and a heal that leaves a disk some room.
    pub fn new(geometry: Geometry) -> Self {
        Self { geometry, heal_bytes_per_s: 400 << 20 }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Z2.
#[derive(Debug, Default)]
pub struct Counters {
    /// PUTs with fewer shards than their geometry has.
    pub under_redundant_puts: Counter,
    /// Reads that decoded.
    pub degraded_reads: Counter,
    /// Reads that asked for more because a drive was slow.
    pub hedged_reads: Counter,
    /// Shards found wrong or absent.
    pub shards_found_bad: Counter,
    /// Shards rebuilt and verified.
    pub shards_healed: Counter,
}

/// What the parts of a store share.
pub struct Inner {
    /// The operator's choice.
    pub config: Config,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The metadata.
    pub meta: Arc<dyn MetaService>,
    /// The drive slots.
    pub drives: Drives,
    /// Active reads.
    pub leases: Arc<Leases>,
    /// For writers.
    pub write_budget: Budget,
    /// Blobs that fill.
    pub seats: Seats,
    /// For readers.
    pub read_budget: Budget,
    /// For heals and scrubs.
    pub heal_budget: Budget,
    /// Latencies of reads.
    pub hedge: Hedge,
    /// Bad shards on their way to the metadata.
    pub reports: Reports,
    /// Figures.
    pub counters: Counters,
    /// The heal that runs, if any.
    pub heal: Mutex<Option<HealProgress>>,
    /// Blobs whose shards are being moved or collected; see `heal`.
    pub claims: Claims,
    /// Loops, and work in hand.
    pub background: Background,
    busy: Arc<AtomicUsize>,
    codecs: Mutex<BTreeMap<(Geometry, CodecId), Arc<Codec>>>,
}

/// A client's request under way; heals step back while there are many.
pub struct Foreground(Arc<AtomicUsize>);

impl Drop for Foreground {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Inner {
    /// Counts a request of a client until it is dropped.
    pub fn foreground(&self) -> Foreground {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Foreground(Arc::clone(&self.busy))
    }

    /// Requests of clients under way.
    pub fn busy(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    /// The codec of a layout.
    ///
    /// # Errors
    /// In words, for a geometry that the codec has no code for.
    pub fn codec(&self, layout: BlobLayout) -> Result<Arc<Codec>, String> {
        let mut codecs = self.codecs.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (layout.geometry, layout.codec);
        if let Some(codec) = codecs.get(&key) {
            return Ok(Arc::clone(codec));
        }
        let codec = Codec::new(layout.geometry, layout.codec).map_err(|error| error.to_string())?;
        let codec = Arc::new(codec);
        codecs.insert(key, Arc::clone(&codec));
        Ok(codec)
    }

    /// Counts and reports a shard that is absent or wrong.
    pub fn found_bad(&self, blob: BlobId, shard: usize, trouble: &Trouble) {
        if self.reports.push(blob, shard as u8) {
            self.counters.shards_found_bad.add(1);
            tracing::warn!(%blob, shard, %trouble, "a shard is bad, its blob is queued for a heal");
        }
    }
}

/// The erasure-coded store over a set of drives. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
}

impl Store {
    /// A store without drives.
    pub fn new(config: Config, clock: Arc<dyn Clock>, meta: Arc<dyn MetaService>) -> Self {
        let inner = Inner {
            drives: Drives::new(Arc::clone(&clock)),
            config,
            clock,
            meta,
            leases: Arc::default(),
            write_budget: Budget::new(WRITE_BYTES_MAX),
            seats: Seats::default(),
            read_budget: Budget::new(READ_BYTES_MAX),
            heal_budget: Budget::new(HEAL_BYTES_MAX),
            hedge: Hedge::default(),
            reports: Reports::default(),
            counters: Counters::default(),
            heal: Mutex::default(),
            claims: Claims::default(),
            background: Background::default(),
            busy: Arc::default(),
            codecs: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Puts a drive into its slot; whoever was there serves nothing new.
    pub fn set_drive(&self, no: DriveNo, service: Arc<dyn DriveService>) {
        self.inner.drives.set(no, Some(service));
    }

    /// Empties a slot.
    pub fn remove_drive(&self, no: DriveNo) {
        self.inner.drives.set(no, None);
    }

    /// The most bytes that writers have had under way at once (O5).
    pub fn write_bytes_peak(&self) -> u64 {
        self.inner.write_budget.peak()
    }
}

impl ObjectStore for Store {
    fn writer(&self, owner: Owner, len: Option<u64>) -> Box<dyn BodyWriter> {
        Box::new(Writer::new(Arc::clone(&self.inner), owner, len))
    }

    fn reader(&self, plan: ReadPlan) -> Box<dyn BodyReader> {
        Box::new(Reader::new(Arc::clone(&self.inner), plan))
    }

    fn lease(&self) -> ReadLease {
        ReadLease::new(self.inner.leases.take(self.inner.meta.as_ref()))
    }

    fn status(&self) -> StoreStatus {
        let inner = &self.inner;
        let (slots, counters) = (inner.drives.slots(), &inner.counters);
        let takers = inner.drives.takers();
        let (healthy, geometry) = (takers.candidates.len(), inner.config.geometry);
        let fits = geometry.fit(healthy);
        StoreStatus {
            drives: slots.values().map(|slot| slot.service.status()).collect(),
            geometry_now: fits.map(|now| now.to_string()),
            full: fits.is_none() && healthy + takers.full > geometry.m(),
            geometry: geometry.to_string(),
            under_redundant_puts: counters.under_redundant_puts.get(),
            degraded_reads: counters.degraded_reads.get(),
            hedged_reads: counters.hedged_reads.get(),
            shards_found_bad: counters.shards_found_bad.get(),
            shards_healed: counters.shards_healed.get(),
            heal: inner.heal.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
