//! Takes a body's bytes: inline if they are few, blob after blob otherwise.
//!
//! ```text
//! write -> filling blob --full--> spread (a task, at most 2) --> written --32 of them--> sync, ExtendBody
//! finish -> the last blob: Durable if it is the only one; else Later, then one sync per drive
//! ```
//!
//! Invariants
//! - U1: `finish` answers with blobs that are durable by the acknowledgement rule, in order.
//! - U2: what `ExtendBody` records was synced before.
//! - U3: a body's intent is renewed long before it runs out; a body whose intent ran out
//!   takes no more bytes.
//! - U4: after an error the writer answers with errors only.
//! - O5: a blob's frames are covered by the budget from its first byte until its drives have it.
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
use tokio::task::JoinHandle;

use super::budget::WAIT;
use super::placement::{Chosen, choose};
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
    filling: Option<(Filling, Chosen)>,
    flights: VecDeque<JoinHandle<Result<Spread, StoreError>>>,
    written: Vec<Spread>,
    renewed: Tick,
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
        let mut stripes = 0;
        while !bytes.is_empty() {
            self.make_room().await?;
            let stored = self.stored.as_mut().expect("make_room began a body");
            let (filling, _) = stored.filling.as_mut().expect("make_room began a blob");
            filling.push(&mut bytes);
            stripes += 1;
            if stripes % STRIPES_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// Sees to it that a blob is there that takes bytes.
    async fn make_room(&mut self) -> Result<(), StoreError> {
        if self.stored.is_none() {
            let (id, renewed) = (self.inner.meta.new_body(), self.inner.meta.tick());
            self.stored = Some(Stored::new(id, renewed));
        }
        let stored = self.stored.as_mut().expect("set just above");
        stored.keep_alive(&self.inner).await?;
        match &stored.filling {
            Some((filling, _)) if !filling.is_full() => return Ok(()),
            Some(_) => stored.send(&self.inner, Durability::Later).await?,
            None => {}
        }
        let left = self.expected.and_then(|len| len.checked_sub(stored.len));
        stored.begin(&self.inner, self.owner.clone(), left).await
    }

    async fn end(mut self) -> Result<StoredBody, StoreError> {
        let Some(mut stored) = self.stored.take() else {
            let body = Body::Inline(std::mem::take(&mut self.inline).freeze());
            return Ok(StoredBody { body, blobs: Vec::new() });
        };
        stored.keep_alive(&self.inner).await?;
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
    fn new(id: BodyId, renewed: Tick) -> Self {
        Self {
            id,
            len: 0,
            blobs: 0,
            filling: None,
            flights: VecDeque::new(),
            written: Vec::new(),
            renewed,
        }
    }

    /// Begins a blob on the drives that are healthy now.
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
        let share = inner.write_budget.take(bytes, &inner.clock, WAIT).await?;
        let codec = inner.codec(layout).map_err(|trouble| StoreError::NoQuorum {
            blob,
            durable: 0,
            needed: geometry.shards(),
            trouble,
        })?;
        self.filling = Some((Filling::new(birth, codec, share), chosen));
        self.blobs += 1;
        Ok(())
    }

    /// Seals the blob that fills and sends it to its drives; records the blobs
    /// before it when they are many.
    async fn send(&mut self, inner: &Arc<Inner>, how: Durability) -> Result<(), StoreError> {
        let Some((filling, chosen)) = self.filling.take() else {
            return Ok(());
        };
        while self.flights.len() >= FLIGHTS_MAX {
            self.land().await?;
        }
        if self.written.len() >= EXTEND_BLOBS {
            self.extend(inner).await?;
        }
        let sealed = filling.seal();
        self.len += u64::from(sealed.birth.layout.len);
        let inner = Arc::clone(inner);
        // Owned by this writer; ends by its own deadlines when the writer is dropped (O2).
        let flight = async move { Spread::write(&inner, sealed, chosen, how).await };
        self.flights.push_back(tokio::spawn(flight));
        Ok(())
    }

    /// Waits for the oldest blob under way.
    async fn land(&mut self) -> Result<(), StoreError> {
        if let Some(flight) = self.flights.pop_front() {
            let spread = flight.await.map_err(|_| StoreError::Busy)??;
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

/// The geometry and the drives of a blob that begins now.
fn plan(inner: &Inner, blob: BlobId) -> Result<(Geometry, Chosen), StoreError> {
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
