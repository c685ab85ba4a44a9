//! Makes blobs whole again: the queue first, most endangered first, then drives
//! that may lack shards.
//!
//! ```text
//! claim -> record -> read and verify every shard -> rebuild what is bad from k good ones
//!       -> write durably: its own drive, or one outside the set -> read back, verify -> SetBlob
//! ```
//!
//! Invariants
//! - J1: "healed" means read back from the drive and verified up to the seal.
//! - J2: no drive ever holds two shards of one blob by its record.
//! - J3: `SetBlob` compares with the record that the heal began with; on a difference
//!   nothing changes and the blob stays queued.
//! - J4: a drive is healing until a walk over all its blobs has verified each.
//! - J5: all state is in the metadata: a walk that is cut off begins again and skips nothing.
//!
//! Not here: who finds bad shards (`fetch`, `scrub`), what a rebuild is (`rebuild`), pace (`pace`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::{DriveState, ShardRange, ShardWrite};
use holdfast_api::meta::{Answer, BodyState, Command, DriveRecord, Outcome, Query};
use holdfast_api::object::StoreError;
use holdfast_base::{BlobId, DriveNo};

use super::census::{Census, Halt, blobs_on_drive, record_of, shards_on};
use super::drives::Slot;
use super::fetch::read_verified;
use super::get::foreign;
use super::pace::Pace;
use super::placement::choose;
use super::rebuild::{Sources, Trouble, remake, survey};
use super::spread::write_durable;
use super::store::Inner;
use super::verify::{Verified, record_is_legal};

/// Blobs that are looked at side by side.
const SIDE_BY_SIDE: usize = 8;
/// Entries of the queue that are looked at in one pass.
const QUEUE_BATCH: usize = 1024;
/// The longest wait for other blobs that are being healed.
const BUDGET_WAIT: Duration = Duration::from_secs(120);
/// The most passes over the queue in one heal.
const PASSES_MAX: usize = 64;

/// What a heal did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Healed {
    /// Shards rebuilt and verified.
    pub shards: u64,
    /// Blobs that still lack shards.
    pub owed: u64,
    /// Drives verified whole.
    pub drives: u64,
}

/// How a blob was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Every shard that could be looked at is there and verified.
    Whole { healed: u64 },
    /// Something is missing and could not be made now.
    Owed { healed: u64 },
    /// The metadata no longer knows it.
    Gone,
}

/// Why a blob is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// It is in the queue: only what is known to be missing counts.
    Queued,
    /// This drive is to be verified: a shard that cannot be read on it counts, too.
    Drive(DriveNo),
}

type Found = BTreeMap<usize, Result<Verified, Trouble>>;

/// One heal: the queue, then the drives that are marked.
///
/// # Errors
/// [`StoreError::Meta`]; what was healed stays healed.
pub async fn heal(inner: &Inner) -> Result<Healed, StoreError> {
    inner.reports.flush(inner.meta.as_ref()).await?;
    let work = Work { inner, pace: Pace::new(inner) };
    work.run().await
}

struct Work<'a> {
    inner: &'a Inner,
    pace: Pace<'a>,
}

impl Work<'_> {
    async fn run(&self) -> Result<Healed, StoreError> {
        let mut healed = Healed::default();
        self.queue(&mut healed).await?;
        let drives = match self.inner.meta.query(Query::Drives).await? {
            Answer::Drives(drives) => drives,
            other => return Err(foreign(&other)),
        };
        for drive in drives.iter().filter(|drive| drive.healing) {
            match self.drive(drive, &mut healed).await {
                Ok(()) => {}
                Err(Halt::Drive(why)) => tracing::info!(drive = drive.no.0, why, "heal put off"),
                Err(Halt::Store(error)) => return Err(error),
            }
        }
        Ok(healed)
    }

    /// Heals what is queued; entries that cannot be healed now are tried once.
    async fn queue(&self, healed: &mut Healed) -> Result<(), StoreError> {
        let mut tried = BTreeSet::new();
        for _ in 0..PASSES_MAX {
            let query = Query::HealQueue { limit: QUEUE_BATCH };
            let (entries, queued) = match self.inner.meta.query(query).await? {
                Answer::Heal { entries, queued } => (entries, queued),
                other => return Err(foreign(&other)),
            };
            let blobs: Vec<BlobId> =
                entries.iter().map(|entry| entry.blob).filter(|blob| tried.insert(*blob)).collect();
            if blobs.is_empty() {
                return Ok(());
            }
            self.expect(queued);
            let heals = blobs.into_iter().map(|blob| self.blob(blob, Reason::Queued));
            let mut heals = stream::iter(heals).buffer_unordered(SIDE_BY_SIDE);
            while let Some(left) = heals.next().await {
                healed.count(left?);
            }
        }
        Ok(())
    }

    /// J4: walks over a drive's blobs until each was verified on it.
    async fn drive(&self, drive: &DriveRecord, healed: &mut Healed) -> Result<(), Halt> {
        let slots = self.inner.drives.slots();
        let Some(slot) = slots.get(&drive.no).filter(|slot| is_here(slot, drive)) else {
            return Ok(());
        };
        self.expect(self.count_blobs(drive.no).await?);
        let owed = healed.owed;
        let mut after = None;
        loop {
            let page = blobs_on_drive(self.inner, drive.no, after).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            let looks = page.into_iter().map(|(blob, record)| self.look(blob, record, drive.no));
            let mut looks = stream::iter(looks).buffer_unordered(SIDE_BY_SIDE);
            while let Some(left) = looks.next().await {
                healed.count(left?);
            }
            if !self.is_still(slot) {
                return Ok(());
            }
        }
        self.close(slot, healed).await?;
        if healed.owed > owed || !self.is_still(slot) || !is_here(slot, drive) {
            return Ok(());
        }
        let command = Command::SetHealing { no: drive.no, id: drive.id, healing: false };
        let done = self.inner.meta.execute(command).await.map_err(StoreError::from)?;
        healed.drives += u64::from(done == Outcome::Done);
        tracing::info!(drive = drive.no.0, "the drive is healed: every shard was verified");
        Ok(())
    }

    /// Blobs that were committed behind the walk's back: compares the lists once more.
    async fn close(&self, slot: &Slot, healed: &mut Healed) -> Result<(), Halt> {
        let no = slot.service.no();
        let mut census = Census::new(self.inner, slot.clone());
        while let Some(entry) = census.next().await? {
            let Some(record) = entry.record else { continue };
            let stored = |shard: &usize| entry.stored.iter().any(|at| usize::from(at.0) == *shard);
            if !shards_on(&record, no).iter().all(stored) {
                healed.count(self.blob(entry.blob, Reason::Drive(no)).await?);
            }
        }
        Ok(())
    }

    fn is_still(&self, slot: &Slot) -> bool {
        let slots = self.inner.drives.slots();
        slots.get(&slot.service.no()).is_some_and(|now| now.life == slot.life)
    }

    async fn count_blobs(&self, no: DriveNo) -> Result<u64, StoreError> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = blobs_on_drive(self.inner, no, after).await?;
            let Some((last, _)) = page.last() else { return Ok(count) };
            after = Some(*last);
            count += page.len() as u64;
        }
    }

    /// Verifies a blob's shard on one drive; heals the blob if it is not sound.
    async fn look(
        &self,
        blob: BlobId,
        record: BlobRecord,
        no: DriveNo,
    ) -> Result<Left, StoreError> {
        if !record_is_legal(&record) {
            return Ok(Left::Owed { healed: 0 });
        }
        let shards = shards_on(&record, no);
        self.pace.step(record.layout.shard_bytes() * shards.len()).await;
        let found = survey(self.inner, blob, &record, &shards).await;
        if found.values().all(Result::is_ok) && record.missing.is_empty() {
            self.pace.done();
            return Ok(Left::Whole { healed: 0 });
        }
        self.blob(blob, Reason::Drive(no)).await
    }

    /// Verifies all shards of a blob and makes those that are bad.
    async fn blob(&self, blob: BlobId, reason: Reason) -> Result<Left, StoreError> {
        let left = self.claimed(blob, reason).await;
        self.pace.done();
        left
    }

    async fn claimed(&self, blob: BlobId, reason: Reason) -> Result<Left, StoreError> {
        let Some(_claim) = self.inner.claims.take(blob) else {
            return Ok(Left::Owed { healed: 0 });
        };
        let Some(before) = record_of(self.inner, blob).await? else {
            return Ok(Left::Gone);
        };
        let all: Vec<usize> = (0..before.drives.len()).collect();
        let bytes = before.layout.shard_bytes() * all.len();
        let share = self.inner.heal_budget.take(2 * bytes, &self.inner.clock, BUDGET_WAIT).await;
        let Ok(_share) = share else {
            return Ok(Left::Owed { healed: 0 });
        };
        self.pace.step(bytes).await;
        let found = survey(self.inner, blob, &before, &all).await;
        let is_bad = |&shard: &usize| {
            matches!(found[&shard], Err(Trouble::Bad(_))) || before.missing.contains(&(shard as u8))
        };
        let bad: Vec<usize> = all.iter().copied().filter(is_bad).collect();
        let mut after = before.clone();
        after.missing = bad.iter().map(|&shard| shard as u8).collect();
        let healed = match bad.is_empty() {
            true => 0,
            false => self.mend(blob, &mut after, (&bad, &found)).await?,
        };
        let away = |shard: &usize| matches!(found[shard], Err(Trouble::Away(_)));
        let owed = match reason {
            Reason::Queued => !after.missing.is_empty(),
            Reason::Drive(no) => {
                !after.missing.is_empty() || shards_on(&before, no).iter().any(away)
            }
        };
        let changed = after != before;
        if changed || (reason == Reason::Queued && !owed) {
            let command = Command::SetBlob { blob, before, after };
            if let Outcome::Refused(_) = self.inner.meta.execute(command).await? {
                return Ok(Left::Owed { healed: 0 }); // J3
            }
        }
        self.inner.counters.shards_healed.add(healed);
        match owed {
            false => Ok(Left::Whole { healed }),
            true if self.is_dead(blob).await? => Ok(Left::Gone),
            true => Ok(Left::Owed { healed }),
        }
    }

    /// True for a blob that only waits for the collector: nobody misses its shards.
    async fn is_dead(&self, blob: BlobId) -> Result<bool, StoreError> {
        match self.inner.meta.query(Query::Bodies { bodies: vec![blob.body] }).await? {
            Answer::Bodies(states) => {
                let dead = |state: &BodyState| match state {
                    BodyState::Garbage | BodyState::Unknown => true,
                    BodyState::Live | BodyState::Intended => false,
                };
                Ok(states.first().is_some_and(dead))
            }
            other => Err(foreign(&other)),
        }
    }

    /// Makes the `bad` shards; updates `after` for each that is healed (J1), and
    /// returns their number.
    async fn mend(
        &self,
        blob: BlobId,
        after: &mut BlobRecord,
        (bad, found): (&[usize], &Found),
    ) -> Result<u64, StoreError> {
        let mut sources = Sources::of(found);
        if sources.shards() < after.layout.geometry.k() {
            sources.salvage(self.inner, blob, after, found).await;
        }
        let writes = match remake(self.inner, blob, after, (&sources, bad)).await {
            Ok(writes) => writes,
            Err(error @ StoreError::Unreadable { .. }) => {
                tracing::error!(%blob, %error, "the blob cannot be healed with the drives at hand");
                return Ok(0);
            }
            Err(error) => return Err(error),
        };
        let mut healed = 0;
        for write in writes {
            let shard = usize::from(write.head.shard.index.0);
            let bytes = write.buf.len();
            if let Some(no) = self.place(blob, after, write).await {
                after.drives[shard] = no;
                after.missing.retain(|&missing| usize::from(missing) != shard);
                healed += 1;
                self.pace.wrote(bytes);
            }
        }
        Ok(healed)
    }

    /// Writes a shard onto its own drive, or onto one outside the set (J2), and
    /// reads it back (J1).
    async fn place(&self, blob: BlobId, record: &BlobRecord, write: ShardWrite) -> Option<DriveNo> {
        let inner = self.inner;
        let shard = usize::from(write.head.shard.index.0);
        let takers = inner.drives.takers().candidates;
        let own = record.drives[shard];
        let no = if takers.iter().any(|taker| taker.no == own) {
            own
        } else {
            let outside: Vec<_> =
                takers.iter().filter(|taker| !record.drives.contains(&taker.no)).copied().collect();
            *choose(&outside, 1, blob).drives.first()?
        };
        let slots = inner.drives.slots();
        let slot = slots.get(&no)?;
        let written = write_durable(inner, slot, write).await;
        if let Err(error) = written {
            inner.drives.suspect(no, slot.life, &error);
            return None;
        }
        let mut there = record.clone();
        there.drives[shard] = no;
        let range =
            ShardRange { shard: blob.shard(shard), from: 0, to: record.layout.shard_bytes() };
        match read_verified(inner, &there, range).await {
            Ok(_) => Some(no),
            Err(trouble) => {
                tracing::warn!(drive = no.0, %trouble, "a healed shard does not read back");
                None
            }
        }
    }

    fn expect(&self, more: u64) {
        self.pace.expect(more);
    }
}

impl Healed {
    fn count(&mut self, left: Left) {
        match left {
            Left::Whole { healed } => self.shards += healed,
            Left::Owed { healed } => {
                self.shards += healed;
                self.owed += 1;
            }
            Left::Gone => {}
        }
    }
}

/// True if the drive in the slot is the one that the metadata means, and online.
fn is_here(slot: &Slot, drive: &DriveRecord) -> bool {
    let status = slot.service.status();
    status.id == Some(drive.id) && status.state == DriveState::Online
}
