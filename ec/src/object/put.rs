//! Takes a body's bytes: inline if they are few, blob after blob otherwise.
//!
//! ```text
//! write -> stage -> blob in its seat --full--> spread (a task, at most 2) --> written --32 of them--> sync, ExtendBody
//!                        `--cleared, because it is slow and memory is short--> spread
//! finish -> the last blob: Durable if it is the only one; else Later, then one sync per drive
//! ```
//!
//! Invariants
//! - U1: `finish` answers with blobs that are durable by the acknowledgement rule, in order.
//! - U2: what `ExtendBody` records was synced before.
//! - U3: a body's intent is renewed long before it runs out; a body whose intent ran out
//!   takes no more bytes.
//! - U4: after an error the writer answers with errors only.
//! - U5: no blob is begun while the metadata would refuse its commit for want of room: a client
//!   that tries again would fill what room the drives have with shards of nothing.
//! - O5: what a writer holds is covered by the budget: its first bytes as they come, a
//!   blob's frames from its first byte until its drives have it.
//!
//! Coding and hashing run in the caller's task, a stripe (256 KiB at 4+2) at a time, and
//! the task yields after four.
//!
//! Not here: the cut (`stripe`), the drives (`spread`), the commit (`server::s3`).

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use holdfast_api::blob::{BlobLayout, BlobRecord, blob_bytes_max};
use holdfast_api::drive::Owner;
use holdfast_api::meta::{Command, MetaError, Outcome, Refusal};
use holdfast_api::object::{Body, BodyWriter, StoreError, StoredBody};
use holdfast_base::limits::{INLINE_BYTES_MAX, INTENT_MS};
use holdfast_base::{BlobId, BodyId, Geometry, Tick};
use holdfast_io::disk::Durability;

use super::budget::Share;
use super::placement::{Chosen, choose};
use super::seat::{Flight, Has, Seat, reserve, send};
use super::spread::{Spread, sync};
use super::store::{Foreground, Inner};
use super::stripe::{Birth, Filling, frame_bytes};
use holdfast_api::BoxFuture;

/// Blobs of one body that may be on their way to the drives.
const FLIGHTS_MAX: usize = 2;
/// Blobs that are recorded together while a long body streams in.
const EXTEND_BLOBS: usize = 32;
/// An intent older than this is renewed. [ms of log time]
const RENEW_AFTER_MS: u64 = INTENT_MS / 4;
/// Stripes coded between two yields: about a millisecond of work at 4+2.
const STRIPES_PER_TURN: usize = 4;
/// Bytes that wait for more before frames are made for a blob: a client that sends
/// little and stops holds little.
const STAGE_BYTES: usize = 64 << 10;

/// A body while it streams in.
pub struct Writer {
    inner: Arc<Inner>,
    owner: Owner,
    /// The length that the client announced.
    expected: Option<u64>,
    /// The first bytes, until they are too many for the metadata.
    inline: BytesMut,
    stored: Option<Stored>,
    broken: bool,
    _foreground: Foreground,
}

/// A body that has blobs.
struct Stored {
    id: BodyId,
    /// Bytes in blobs before the one that fills.
    len: u64,
    blobs: u32,
    stage: Stage,
    seat: Seat,
    flights: VecDeque<Flight>,
    written: Vec<Spread>,
    renewed: Tick,
}

/// The first bytes of a blob.
#[derive(Default)]
struct Stage {
    bytes: BytesMut,
    shares: Vec<Share>,
}

impl Writer {
    /// An empty body.
    pub fn new(inner: Arc<Inner>, owner: Owner, expected: Option<u64>) -> Self {
        let foreground = inner.foreground();
        Self {
            inner,
            owner,
            expected,
            inline: BytesMut::new(),
            stored: None,
            broken: false,
            _foreground: foreground,
        }
    }

    async fn take(&mut self, mut bytes: Bytes) -> Result<(), StoreError> {
        let announced = self.expected.is_some_and(|len| len > INLINE_BYTES_MAX as u64);
        let fits = self.inline.len() + bytes.len() <= INLINE_BYTES_MAX;
        if self.stored.is_none() && fits && !announced {
            self.inline.extend_from_slice(&bytes);
            return Ok(());
        }
        if !self.inline.is_empty() {
            let first = std::mem::take(&mut self.inline).freeze();
            self.store(first).await?;
        }
        self.store(std::mem::take(&mut bytes)).await
    }

    /// Puts bytes into blobs.
    async fn store(&mut self, mut bytes: Bytes) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.inner);
        if self.stored.is_none() {
            self.stored = Some(Stored::new(&inner));
        }
        let stored = self.stored.as_mut().expect("set just above");
        let mut stripes = 0;
        while !bytes.is_empty() {
            stored.keep_alive(&inner).await?;
            match stored.has(&inner).await? {
                Has::Room => stored.seat.push(&mut bytes),
                Has::Full => stored.send(&inner, Durability::Later).await?,
                Has::Nothing => {
                    let left = self.expected.and_then(|len| len.checked_sub(stored.len));
                    let left = left.filter(|left| *left > 0);
                    let enough = left.map_or(STAGE_BYTES, |left| STAGE_BYTES.min(left as usize));
                    if stored.stage.bytes.len() + bytes.len() < enough {
                        return stored.stage.take(&inner, &bytes).await;
                    }
                    stored.begin(&inner, self.owner.clone(), left).await?;
                }
            }
            stripes += 1;
            if stripes % STRIPES_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    async fn end(mut self) -> Result<StoredBody, StoreError> {
        let Some(mut stored) = self.stored.take() else {
            let body = Body::Inline(std::mem::take(&mut self.inline).freeze());
            return Ok(StoredBody { body, blobs: Vec::new() });
        };
        stored.keep_alive(&self.inner).await?;
        stored.has(&self.inner).await?;
        let staged = stored.stage.bytes.len() as u64;
        if staged > 0 {
            stored.begin(&self.inner, self.owner.clone(), Some(staged)).await?;
        }
        let only = stored.blobs == 1;
        let durability = if only { Durability::Durable } else { Durability::Later };
        stored.send(&self.inner, durability).await?;
        while !stored.flights.is_empty() {
            stored.land().await?;
        }
        sync(&self.inner, &mut stored.written).await?; // U1
        let blobs = stored.records();
        let short = blobs.iter().filter(|(_, record)| !record.missing.is_empty()).count();
        self.inner.counters.under_redundant_puts.add(u64::from(short > 0));
        Ok(StoredBody { body: Body::Stored { id: stored.id, len: stored.len }, blobs })
    }
}

impl BodyWriter for Writer {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if self.broken {
                return Err(StoreError::Busy); // U4
            }
            self.broken = true; // Also for a future that is dropped half-way.
            self.take(bytes).await?;
            self.broken = false;
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<StoredBody, StoreError>> {
        Box::pin(async move {
            if self.broken {
                return Err(StoreError::Busy); // U4
            }
            self.end().await
        })
    }
}

impl Stored {
    fn new(inner: &Arc<Inner>) -> Self {
        Self {
            id: inner.meta.new_body(),
            len: 0,
            blobs: 0,
            stage: Stage::default(),
            seat: Seat::new(inner),
            flights: VecDeque::new(),
            written: Vec::new(),
            renewed: inner.meta.tick(),
        }
    }

    /// What the seat has. A blob that was cleared becomes a flight first (E1).
    async fn has(&mut self, inner: &Arc<Inner>) -> Result<Has, StoreError> {
        if let Some(flight) = self.seat.cleared() {
            self.len += flight.len;
            self.flights.push_back(flight);
            self.settle(inner).await?;
        }
        Ok(self.seat.has())
    }

    /// Begins a blob on the drives that are healthy now, with the bytes of the stage.
    async fn begin(
        &mut self,
        inner: &Arc<Inner>,
        owner: Owner,
        left: Option<u64>,
    ) -> Result<(), StoreError> {
        let blob = self.id.blob(self.blobs);
        let (geometry, chosen) = plan(inner, blob)?;
        let max = blob_bytes_max(geometry);
        let len = match left {
            Some(left) if left > 0 => left.min(max as u64) as usize,
            Some(_) | None => max,
        };
        let layout = BlobLayout::new(geometry, len);
        let birth = Birth { blob, at: self.len, layout, owner };
        let bytes = frame_bytes(&birth).1 * geometry.shards();
        let share = reserve(inner, bytes).await?;
        let codec = inner.codec(layout).map_err(|trouble| StoreError::NoQuorum {
            blob,
            durable: 0,
            needed: geometry.shards(),
            trouble,
        })?;
        let mut filling = Filling::new(birth, codec, share);
        let Stage { bytes, shares } = std::mem::take(&mut self.stage);
        let mut staged = bytes.freeze();
        while !staged.is_empty() && !filling.is_full() {
            filling.push(&mut staged);
        }
        debug_assert!(staged.is_empty(), "the stage is less than what a blob takes");
        drop(shares);
        self.seat.put(filling, chosen);
        self.blobs += 1;
        Ok(())
    }

    /// Seals the blob that fills and sends it to its drives; records the blobs
    /// before it when they are many.
    async fn send(&mut self, inner: &Arc<Inner>, how: Durability) -> Result<(), StoreError> {
        let Some((filling, chosen)) = self.seat.take() else {
            return Ok(());
        };
        while self.flights.len() >= FLIGHTS_MAX {
            self.land().await?;
        }
        let flight = send(inner, filling, chosen, how);
        self.len += flight.len;
        self.flights.push_back(flight);
        self.settle(inner).await
    }

    /// Keeps what is under way and what waits to be recorded within bounds.
    async fn settle(&mut self, inner: &Arc<Inner>) -> Result<(), StoreError> {
        while self.flights.len() > FLIGHTS_MAX {
            self.land().await?;
        }
        match self.written.len() >= EXTEND_BLOBS {
            true => self.extend(inner).await,
            false => Ok(()),
        }
    }

    /// Waits for the oldest blob under way.
    async fn land(&mut self) -> Result<(), StoreError> {
        if let Some(flight) = self.flights.pop_front() {
            let spread = flight.task.await.map_err(|_| StoreError::Busy)??;
            self.written.push(spread);
        }
        Ok(())
    }

    /// U2: records what was written so far.
    async fn extend(&mut self, inner: &Arc<Inner>) -> Result<(), StoreError> {
        sync(inner, &mut self.written).await?;
        let command = Command::ExtendBody { body: self.id, blobs: self.records() };
        self.intend(inner, command).await?;
        self.written.clear();
        Ok(())
    }

    /// U3.
    async fn keep_alive(&mut self, inner: &Arc<Inner>) -> Result<(), StoreError> {
        if inner.meta.tick() < self.renewed.after(RENEW_AFTER_MS) {
            return Ok(());
        }
        self.intend(inner, Command::RenewIntent { body: self.id }).await
    }

    async fn intend(&mut self, inner: &Arc<Inner>, command: Command) -> Result<(), StoreError> {
        let asked = inner.meta.tick();
        match inner.meta.execute(command).await? {
            Outcome::Refused(Refusal::IntentExpired { body }) => {
                Err(StoreError::IntentExpired(body))
            }
            Outcome::Refused(refusal) => Err(MetaError::Busy(refusal.to_string()).into()),
            _ => {
                self.renewed = asked;
                Ok(())
            }
        }
    }

    fn records(&self) -> Vec<(u32, BlobRecord)> {
        self.written.iter().map(|spread| (spread.index(), spread.record())).collect()
    }
}

impl Stage {
    /// Takes bytes, and a share for them.
    async fn take(&mut self, inner: &Arc<Inner>, bytes: &[u8]) -> Result<(), StoreError> {
        let held: usize = self.shares.iter().map(Share::bytes).sum();
        let needed = (self.bytes.len() + bytes.len()).next_power_of_two();
        if needed > held {
            self.shares.push(reserve(inner, needed - held).await?);
            self.bytes.reserve(needed - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// The geometry and the drives of a blob that begins now.
fn plan(inner: &Inner, blob: BlobId) -> Result<(Geometry, Chosen), StoreError> {
    if !inner.meta.has_room() {
        return Err(StoreError::Full); // U5
    }
    let takers = inner.drives.takers();
    let healthy = takers.candidates.len();
    let Some(geometry) = inner.config.geometry.fit(healthy) else {
        let needed = inner.config.geometry.m() + 1;
        return Err(match healthy + takers.full >= needed {
            true => StoreError::Full,
            false => StoreError::TooFewDrives { healthy, needed },
        });
    };
    Ok((geometry, choose(&takers.candidates, geometry.shards(), blob)))
}
