//! Cleaning: gives back the space of frames that died.
//!
//! ```text
//! large payload   punched out, but for the block with the header
//! dead segment    recycled as a spare, or removed: with holes, or when there are spares enough
//! half-dead one   its live frames are verified and copied to the open segment; then it is dead
//!                 (where clients were refused for want of space: one with an eighth dead)
//! ```
//!
//! Invariants
//! - K1: before anything is destroyed, a sync that began after the frames had died
//!   has ended: what replaced them is durable (a copy, a rewritten shard).
//! - K2: a segment is destroyed only while nobody reads it.
//! - K3: compaction verifies what it copies. A bad frame stays where it is, findable
//!   as corrupt, and keeps its segment, until it is healed or deleted.
//! - K4: a segment with holes is never filled again: a write there may meet a full disk.
//!
//! Not here: who decides that a shard is dead (`writer`, on behalf of the metadata).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use holdfast_api::drive::DriveError;
use holdfast_base::checksum;
use holdfast_base::limits::BLOCK_BYTES;
use holdfast_io::disk::{Buf, Durability, File};
use tokio::sync::{mpsc, oneshot};

use super::frame::{Header, Kind, moved};
use super::group::{Prepared, Ticket};
use super::index::Place;
use super::prepare::write_heads;
use super::read::read_run;
use super::recover::{read_footer, scan};
use super::segment::{Entry, SegmentNo, Use};
use super::shared::{Core, Shared, State};
use super::writer::Ask;

/// Payloads of at least this size are punched out when they die. [bytes]
pub const PUNCH_MIN: usize = if cfg!(test) { 64 << 10 } else { 1 << 20 };

/// Spares beyond this number are removed. [segments]
const SPARES_MAX: usize = 2;

/// Frames and bytes that compaction copies at once.
const BATCH_FRAMES: usize = 64;
const BATCH_BYTES: usize = if cfg!(test) { 64 << 10 } else { 1 << 20 };

/// Removing a file may take this long.
const REMOVE_LIMIT: Duration = Duration::from_secs(60);

/// How long to wait after a turn without work, or with trouble.
const PAUSE: Duration = Duration::from_secs(1);

/// A dead frame whose payload is to be punched out.
#[derive(Clone, Copy, Debug)]
pub struct Punch {
    place: Place,
    /// The life of its segment when it died: a recycled one is not touched.
    life: u64,
}

/// The task's state.
pub struct Cleaner {
    shared: Arc<Shared>,
    writer: mpsc::Sender<Ask>,
}

impl Punch {
    /// Remembers the frame if it is large.
    pub fn queue(core: &mut Core, place: Place) {
        if place.frame_bytes() >= PUNCH_MIN
            && let Some(segment) = core.segments.get(&place.segment)
        {
            core.punches.push_back(Punch { place, life: segment.life });
        }
    }

    /// The blocks that hold nothing but the payload. [bytes]
    fn blocks(&self) -> std::ops::Range<u64> {
        let block = BLOCK_BYTES as u64;
        let from = self.place.at() + self.place.payload_at() as u64;
        let to = self.place.at() + self.place.frame_bytes() as u64;
        from.next_multiple_of(block)..to / block * block
    }
}

impl Cleaner {
    /// Copies go through `writer`.
    pub fn new(shared: Arc<Shared>, writer: mpsc::Sender<Ask>) -> Self {
        Self { shared, writer }
    }

    /// Cleans until the store closes or the drive fails.
    pub async fn run(self) {
        let shared = self.shared.clone();
        let mut closing = shared.closing.subscribe();
        loop {
            let worked = tokio::select! { biased;
                _ = closing.wait_for(|closing| *closing) => return,
                () = shared.health.failed() => return,
                worked = self.turn() => worked,
            };
            match worked {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(drive = shared.drive.name(), %error, "cleaning pauses");
                    if !shared.pause(PAUSE).await {
                        return;
                    }
                }
            }
            tokio::select! { biased;
                going_on = shared.pause(PAUSE) => if !going_on { return },
                () = shared.frames_died.notified() => {}
            }
        }
    }

    /// Does one thing of each kind; false if there was nothing to do.
    async fn turn(&self) -> Result<bool, DriveError> {
        let (punches, dead) = {
            let mut core = self.shared.core();
            let punches: Vec<Punch> = core.punches.drain(..).collect();
            (punches, dead_segments(&core))
        };
        if !punches.is_empty() || !dead.is_empty() {
            self.sync().await?;
        }
        for punch in &punches {
            self.punch(punch).await?;
        }
        for no in &dead {
            self.recycle(*no).await?;
        }
        let half_dead = half_dead_segment(&self.shared.core());
        if let Some(no) = half_dead {
            self.compact(no).await?;
        }
        Ok(!dead.is_empty() || half_dead.is_some())
    }

    /// K1.
    async fn sync(&self) -> Result<(), DriveError> {
        self.ask(Ask::Sync).await
    }

    async fn ask(&self, ask: impl FnOnce(Ticket) -> Ask) -> Result<(), DriveError> {
        let (reply, answer) = oneshot::channel();
        let closed = |_| self.shared.health.why();
        self.writer.send(ask(Ticket { reply, permit: None })).await.map_err(|_| closed(()))?;
        answer.await.map_err(|_| closed(()))?
    }

    async fn punch(&self, punch: &Punch) -> Result<(), DriveError> {
        let (no, blocks) = (punch.place.segment, punch.blocks());
        let file = {
            let mut core = self.shared.core();
            let dead = core.index.live(no) == 0;
            let segment = core.segments.get_mut(&no);
            let same = |s: &&mut super::shared::Segment| {
                s.life == punch.life
                    && s.state != State::Spare
                    && !(dead && s.state == State::Sealed)
            };
            let Some(segment) = segment.filter(same) else { return Ok(()) };
            segment.reusable = false;
            segment.punched += blocks.end - blocks.start;
            segment.file.clone()
        };
        self.shared.health.call(file.punch(blocks.start, blocks.end - blocks.start)).await
    }

    /// Makes a dead segment a spare, or removes it.
    async fn recycle(&self, no: SegmentNo) -> Result<(), DriveError> {
        let (file, reuse) = {
            let core = self.shared.core();
            let Some(segment) = core.segments.get(&no).filter(|s| is_dead(&core, no, s)) else {
                return Ok(()); // K2: somebody reads it.
            };
            let wanted =
                core.spares.len() < SPARES_MAX && segment.file.len() == self.shared.segment_bytes;
            (segment.file.clone(), segment.reusable && wanted)
        };
        if reuse { self.reuse(no, &file).await } else { self.remove(no, file).await }
    }

    async fn reuse(&self, no: SegmentNo, file: &Arc<File>) -> Result<(), DriveError> {
        let health = &self.shared.health;
        let last = file.len() - BLOCK_BYTES as u64;
        let erase = file.write(last, Buf::zeroed(BLOCK_BYTES), Durability::Durable);
        if let Err(error) = health.change(erase).await {
            if let Some(segment) = self.shared.core().segments.get_mut(&no) {
                segment.reusable = false;
            }
            return Err(error);
        }
        let life = self.shared.world.rng.next_u64();
        write_heads(&self.shared, no, (Use::Spare, life)).await?;
        let mut core = self.shared.core();
        core.index.erase(no);
        if let Some(segment) = core.segments.get_mut(&no) {
            segment.state = State::Spare;
            (segment.life, segment.punched, segment.stuck_at) = (life, 0, None);
            segment.dirty = false;
        }
        core.spares.push_back(no);
        core.full = false;
        drop(core);
        self.shared.spares_changed.notify_one();
        Ok(())
    }

    async fn remove(&self, no: SegmentNo, file: Arc<File>) -> Result<(), DriveError> {
        // Nothing in the index leads to it, so that nobody opens it again.
        self.shared.core().segments.remove(&no);
        let health = &self.shared.health;
        health.call(File::clone(&file).close()).await?;
        health.call_within(REMOVE_LIMIT, self.shared.drive.remove(no.file_name())).await?;
        // Only now: if it came back with a restart, its tombstones must still be there.
        self.shared.core().index.erase(no);
        self.shared.spare_wanted.notify_one();
        Ok(())
    }

    /// All frames of a sealed segment.
    async fn table(&self, no: SegmentNo, file: &File, life: u64) -> Result<Vec<Entry>, DriveError> {
        let footer = read_footer(&self.shared, no, file).await?;
        match footer.filter(|(trailer, _)| trailer.life == life) {
            Some((_, entries)) => Ok(entries),
            None => Ok(scan(&self.shared, file, life).await?.entries),
        }
    }

    /// Copies what lives in `no` to the open segment. The next turn finds it dead.
    async fn compact(&self, no: SegmentNo) -> Result<(), DriveError> {
        let found = self.shared.core().segments.get(&no).map(|s| (s.file.clone(), s.life));
        let Some((file, life)) = found else { return Ok(()) };
        let mut table = self.table(no, &file, life).await?;
        table.sort_by_key(|entry| entry.at);
        let mut rest = &table[..];
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_len(rest));
            rest = later;
            let copies = batch.iter().map(|entry| self.copy((no, &file, life), entry));
            let copied = join_all(copies).await.into_iter().sum::<Result<u64, _>>()?;
            let nanos = copied.saturating_mul(1_000_000_000) / self.shared.options.compaction_rate;
            if copied > 0 && !self.shared.pause(Duration::from_nanos(nanos)).await {
                return Err(self.shared.health.why());
            }
        }
        drop(file);
        let mut core = self.shared.core();
        let left = core.index.live(no);
        if let Some(segment) = core.segments.get_mut(&no).filter(|_| left > 0) {
            segment.stuck_at = Some(left);
        }
        Ok(())
    }

    /// Copies one frame if it counts and is sound (K3); returns its bytes.
    async fn copy(
        &self,
        from: (SegmentNo, &Arc<File>, u64),
        entry: &Entry,
    ) -> Result<u64, DriveError> {
        let (no, file, life) = from;
        let Some(place) = self.shared.core().index.counts(no, entry) else { return Ok(0) };
        let read = read_run(&self.shared, file, entry.at, 0..entry.frame_bytes()).await;
        let frame = match read {
            Ok(frame) => frame,
            Err(DriveError::Disk { .. }) if self.shared.health.check().is_ok() => return Ok(0),
            Err(error) => return Err(error),
        };
        if !is_sound(&frame, life, entry) {
            // It may have died, and been punched, while it was read.
            if self.shared.core().index.counts(no, entry).is_some() {
                self.shared.health.count_error();
                let drive = self.shared.drive.name();
                tracing::warn!(drive, shard = %entry.shard, "compaction met a damaged frame");
            }
            return Ok(0);
        }
        let Some(sequence) = moved(entry.sequence) else { return Ok(0) };
        let copy = Prepared {
            buf: Buf::padded(&frame),
            kind: entry.kind,
            shard: entry.shard,
            payload_at: entry.payload_at,
            payload_len: entry.payload_len,
        };
        self.ask(|ticket| Ask::Copy(copy, sequence, place, ticket)).await?;
        Ok(entry.frame_bytes() as u64)
    }
}

/// How many of the entries, which are not none, are copied at once.
fn batch_len(rest: &[Entry]) -> usize {
    let ends = rest.iter().take(BATCH_FRAMES).scan(0, |bytes, entry| {
        *bytes += entry.frame_bytes();
        Some(*bytes)
    });
    ends.take_while(|bytes| *bytes <= BATCH_BYTES).count().max(1)
}

/// K3: the header is the one of `entry`, every leaf has its hash.
pub fn is_sound(frame: &[u8], life: u64, entry: &Entry) -> bool {
    let Ok(header) = Header::parse_at(frame, life, entry.at) else { return false };
    let same = (header.shard, header.kind, header.stamp.sequence)
        == (entry.shard, entry.kind, entry.sequence)
        && (header.payload_at, header.payload_len) == (entry.payload_at, entry.payload_len);
    if !same || header.kind == Kind::Tombstone {
        return same;
    }
    let Ok((_, leaves)) = header.decode(frame) else { return false };
    let payload = &frame[header.payload_at..header.payload_at + header.payload_len];
    checksum::leaves(header.shard, payload) == leaves
}

fn dead_segments(core: &Core) -> Vec<SegmentNo> {
    let segments = core.segments.iter();
    segments.filter(|(no, s)| is_dead(core, **no, s)).map(|(no, _)| *no).collect()
}

/// K2: nothing in it lives, and only the table of segments has its file.
fn is_dead(core: &Core, no: SegmentNo, segment: &super::shared::Segment) -> bool {
    segment.state == State::Sealed
        && core.index.live(no) == 0
        && Arc::strong_count(&segment.file) == 1
}

/// The sealed segment with the least alive, if enough of what it takes is dead: half, or an
/// eighth where space is tight, as half of the objects deleted may leave every segment half alive.
fn half_dead_segment(core: &Core) -> Option<SegmentNo> {
    let live = |no: &SegmentNo| core.index.live(*no);
    core.segments
        .iter()
        .filter(|(no, s)| {
            let taken = s.file.len().saturating_sub(s.punched);
            let live = live(no);
            let worth = if core.tight { live * 8 < taken * 7 } else { live * 2 < taken };
            s.state == State::Sealed && live > 0 && worth && s.stuck_at != Some(live)
        })
        .min_by_key(|(no, _)| live(no))
        .map(|(no, _)| *no)
}
