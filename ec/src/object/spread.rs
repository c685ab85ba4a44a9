//! A sealed blob on its way to its drives, until it may be acknowledged.
//!
//! ```text
//! write: all shards at once --> acknowledge --> Replace: write to a spare --> ...
//!                                           `-> Commit | Abort
//! sync:  one per drive for all blobs written `Later` --> the failed ones are lost, acknowledge again
//! ```
//!
//! Invariants
//! - A5: a shard counts only while the drive that took it is still in its slot.
//! - A7: until the verdict of `write` every payload is kept, within the blob's share of the
//!   budget, so that what failed can be placed again however much failed. For a sync that
//!   comes later it is not: then shards are rebuilt from those that were written.
//! - A6: a drive that failed a sync counts as failed for all its shards since the last one.
//!
//! Not here: what is enough (`acknowledge`), which blobs wait for which sync (`put`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::{DriveError, ShardWrite};
use holdfast_api::object::StoreError;
use holdfast_base::checksum::{leaves, root};
use holdfast_base::limits::SHARD_DEADLINE_MS;
use holdfast_base::{DriveNo, Hash};
use holdfast_io::clock::deadline;
use holdfast_io::disk::{Buf, Durability, SharedBuf};

use super::acknowledge::{Acknowledge, Event, Verdict};
use super::drives::Slot;
use super::placement::Chosen;
use super::rebuild::rebuild;
use super::store::Inner;
use super::stripe::{Birth, Sealed, frame_bytes, head};

/// A sync of a drive slower than this has failed: it may have hundreds of MiB to do.
pub const SYNC_DEADLINE: Duration = Duration::from_millis(4 * SHARD_DEADLINE_MS);
/// A pause before a drive whose queue was full is asked once more.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// A blob that was written.
pub struct Spread {
    birth: Birth,
    seal: Hash,
    acknowledge: Acknowledge,
    /// The life of each shard's drive when it took the shard.
    lives: Vec<u64>,
    /// How it was written; what was `Later` waits for a sync.
    durability: Durability,
    missing: Vec<u8>,
    trouble: String,
    refused_for_space: bool,
    kept: Option<Kept>,
}

/// A7: the payloads, and the roots that prove them.
struct Kept {
    payloads: Vec<SharedBuf>,
    roots: Vec<Hash>,
}

impl Spread {
    /// Writes all shards of `sealed` where `chosen` says, and where that fails elsewhere.
    ///
    /// # Errors
    /// [`StoreError::NoQuorum`], [`StoreError::Full`].
    pub async fn write(
        inner: &Arc<Inner>,
        sealed: Sealed,
        chosen: Chosen,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let Sealed { birth, seal, mut writes, share } = sealed;
        let mut spread = Self {
            acknowledge: Acknowledge::new(birth.layout.geometry, chosen),
            lives: vec![0; writes.len()],
            birth,
            seal,
            durability,
            missing: Vec::new(),
            trouble: String::new(),
            refused_for_space: false,
            kept: Some(Kept::of(&mut writes)),
        };
        let verdict = spread.first_round(inner, writes).await;
        let settled = spread.settle(inner, verdict).await;
        spread.kept = None;
        spread.acknowledge.give_up_payloads();
        drop(share);
        settled.map(|()| spread)
    }

    /// What the metadata is to remember.
    pub fn record(&self) -> BlobRecord {
        let drives = self.acknowledge.drives().to_vec();
        let mut record = Sealed::record(&self.birth, self.seal, drives);
        record.missing = self.missing.clone();
        record
    }

    /// The blob's number in its body.
    pub fn index(&self) -> u32 {
        self.birth.blob.index
    }

    async fn first_round(&mut self, inner: &Arc<Inner>, writes: Vec<ShardWrite>) -> Verdict {
        let slots = inner.drives.slots();
        let mut answers = FuturesUnordered::new();
        let mut verdict = Verdict::Wait;
        for (shard, write) in writes.into_iter().enumerate() {
            match slots.get(&self.acknowledge.drives()[shard]) {
                Some(slot) => {
                    self.lives[shard] = slot.life;
                    let answer = slot.service.write(write, self.durability);
                    answers.push(async move { (shard, answer.await) });
                }
                None => verdict = self.acknowledge.step(Event::Failed(shard)),
            }
        }
        let mut timer = inner.clock.sleep(Duration::from_millis(SHARD_DEADLINE_MS));
        while verdict == Verdict::Wait {
            let event = tokio::select! {
                biased;
                Some((shard, answer)) = answers.next() => self.answered(inner, shard, answer),
                () = &mut timer => {
                    self.suspect_the_late(inner);
                    Event::Deadline
                }
            };
            verdict = self.acknowledge.step(event);
        }
        verdict
    }

    fn answered(&mut self, inner: &Inner, shard: usize, answer: Result<(), DriveError>) -> Event {
        let Err(error) = answer else {
            return Event::Durable(shard);
        };
        self.trouble = error.to_string();
        if matches!(error, DriveError::Busy { .. }) {
            return Event::Busy(shard);
        }
        self.refused_for_space |= matches!(error, DriveError::Full { .. });
        inner.drives.suspect(self.acknowledge.drives()[shard], self.lives[shard], &error);
        Event::Failed(shard)
    }

    fn suspect_the_late(&mut self, inner: &Inner) {
        for shard in self.acknowledge.waiting() {
            let drive = self.acknowledge.drives()[shard];
            let error = DriveError::Late { drive, after_ms: SHARD_DEADLINE_MS };
            self.trouble = error.to_string();
            inner.drives.suspect(drive, self.lives[shard], &error);
        }
    }

    /// Follows verdicts until there is nothing left to try.
    async fn settle(&mut self, inner: &Arc<Inner>, mut verdict: Verdict) -> Result<(), StoreError> {
        loop {
            match verdict {
                Verdict::Commit { missing } => {
                    self.missing = missing;
                    return Ok(());
                }
                Verdict::Abort | Verdict::Wait => return Err(self.refusal()),
                Verdict::Replace { shard, drive } => {
                    let event = self.replace(inner, shard, drive).await;
                    verdict = self.acknowledge.step(event);
                }
                Verdict::Again { shard } => {
                    inner.clock.sleep(BUSY_PAUSE).await;
                    let drive = self.acknowledge.drives()[shard];
                    let event = self.replace(inner, shard, drive).await;
                    verdict = self.acknowledge.step(event);
                }
            }
        }
    }

    fn refusal(&self) -> StoreError {
        if self.refused_for_space {
            return StoreError::Full;
        }
        StoreError::NoQuorum {
            blob: self.birth.blob,
            durable: self.acknowledge.durable(),
            needed: self.birth.layout.geometry.write_quorum(),
            trouble: self.trouble.clone(),
        }
    }

    /// Writes a shard once more, onto this drive.
    async fn replace(&mut self, inner: &Arc<Inner>, shard: usize, drive: DriveNo) -> Event {
        let slots = inner.drives.slots();
        let Some(slot) = slots.get(&drive) else {
            return Event::Failed(shard);
        };
        let made = match &self.kept {
            Some(kept) => kept.write(&self.birth, shard),
            None => self.rebuilt(inner, shard).await,
        };
        let write = match made {
            Ok(write) => write,
            Err(trouble) => {
                self.trouble = trouble;
                return Event::Failed(shard);
            }
        };
        self.lives[shard] = slot.life;
        match write_durable(inner, slot, write).await {
            Ok(()) => Event::Durable(shard),
            Err(error) => {
                self.trouble = error.to_string();
                inner.drives.suspect(drive, slot.life, &error);
                Event::Failed(shard)
            }
        }
    }

    /// A shard made from those that were written.
    async fn rebuilt(&self, inner: &Arc<Inner>, shard: usize) -> Result<ShardWrite, String> {
        let record = self.record();
        let missing: Vec<usize> =
            self.acknowledge.missing().iter().map(|&shard| usize::from(shard)).collect();
        let made = rebuild(inner, self.birth.blob, &record, &missing).await;
        let made = made.map_err(|error| error.to_string())?;
        let ours = |write: &ShardWrite| usize::from(write.head.shard.index.0) == shard;
        made.into_iter().find(ours).ok_or_else(|| format!("shard {shard} was not rebuilt"))
    }

    /// A5, A6: these drives' shards, and those of drives taken away, are lost.
    async fn lose(
        &mut self,
        inner: &Arc<Inner>,
        failed: &BTreeMap<DriveNo, String>,
    ) -> Result<(), StoreError> {
        let slots = inner.drives.slots();
        let mut lost = Vec::new();
        for (shard, no) in self.acknowledge.drives().iter().enumerate() {
            let gone = slots.get(no).is_none_or(|slot| slot.life != self.lives[shard]);
            let unsynced = self.durability == Durability::Later && failed.contains_key(no);
            if (gone || unsynced) && !self.missing.contains(&(shard as u8)) {
                let why = failed.get(no).map_or("the drive was taken away", String::as_str);
                self.trouble = format!("drive {no}: {why}");
                lost.push(shard);
            }
        }
        if lost.is_empty() {
            return Ok(());
        }
        let verdict = self.acknowledge.lose(&lost);
        self.settle(inner, verdict).await
    }
}

impl Kept {
    fn of(writes: &mut [ShardWrite]) -> Self {
        let roots = writes.first().map(|write| write.head.roots.clone()).unwrap_or_default();
        let share = |write: &mut ShardWrite| write.buf.share(write.room);
        Self { payloads: writes.iter_mut().map(share).collect(), roots }
    }

    /// The shard as it was, in a buffer of its own, hashed anew.
    fn write(&self, birth: &Birth, shard: usize) -> Result<ShardWrite, String> {
        let (room, frame) = frame_bytes(birth);
        let payload = &self.payloads[shard][..birth.layout.shard_bytes()];
        let id = birth.blob.shard(shard);
        let leaves = leaves(id, payload);
        if root(id, &leaves) != self.roots[shard] {
            return Err(format!("{id} changed in memory")); // P2: it must not reach a drive.
        }
        let mut buf = Buf::dirty(frame);
        buf[room..room + payload.len()].copy_from_slice(payload);
        buf[room + payload.len()..].fill(0);
        Ok(ShardWrite { head: head(birth, shard, self.roots.clone()), leaves, buf, room })
    }
}

/// Writes one shard durably, within the deadline.
///
/// # Errors
/// The drive's, or that it is late.
pub async fn write_durable(
    inner: &Inner,
    slot: &Slot,
    write: ShardWrite,
) -> Result<(), DriveError> {
    let limit = Duration::from_millis(SHARD_DEADLINE_MS);
    let answer = slot.service.write(write, Durability::Durable);
    let late = DriveError::Late { drive: slot.service.no(), after_ms: SHARD_DEADLINE_MS };
    deadline(&inner.clock, limit, answer).await.unwrap_or(Err(late))
}

/// Makes all `spreads` durable: one sync for each drive, then whatever it takes
/// to make up for those that failed.
///
/// # Errors
/// As [`Spread::write`].
pub async fn sync(inner: &Arc<Inner>, spreads: &mut [Spread]) -> Result<(), StoreError> {
    let later = spreads.iter().filter(|spread| spread.durability == Durability::Later);
    let drives: BTreeSet<DriveNo> =
        later.flat_map(|spread| spread.acknowledge.drives().iter().copied()).collect();
    let slots = inner.drives.slots();
    let syncs = drives.iter().filter_map(|no| slots.get(no)).map(|slot| async move {
        let no = slot.service.no();
        let after_ms = SYNC_DEADLINE.as_millis() as u64;
        let answer = deadline(&inner.clock, SYNC_DEADLINE, slot.service.sync()).await;
        match answer.unwrap_or(Err(DriveError::Late { drive: no, after_ms })) {
            Ok(()) => None,
            Err(error) => {
                inner.drives.suspect(no, slot.life, &error);
                Some((no, error.to_string()))
            }
        }
    });
    let answers: Vec<_> = syncs.collect::<FuturesUnordered<_>>().collect().await;
    let failed: BTreeMap<DriveNo, String> = answers.into_iter().flatten().collect();
    for spread in spreads.iter_mut() {
        spread.lose(inner, &failed).await?;
        spread.durability = Durability::Durable;
    }
    Ok(())
}
