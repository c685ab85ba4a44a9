//! Gives back the space of what nobody needs any more.
//!
//! ```text
//! garbage   metadata: replaced or deleted, readers gone  -> delete everywhere -> forget
//! orphans   drive has it, metadata never heard of it, intent expired -> delete
//! leftover  drive has it, the blob lives, but this shard is elsewhere, seen twice -> delete
//! ```
//!
//! Invariants
//! - O4: garbage goes only when it became garbage before the oldest active read
//!   began, and at least `READ_GRACE_MS` ago.
//! - C1: a body that may still be committed keeps its shards: `Intended`, or
//!   younger than `INTENT_MS`.
//! - C2: nothing is deleted on the strength of an answer that did not come.
//! - C3: a leftover is deleted under a claim on its blob, after another look at the
//!   metadata: not while a heal is about to name it.
//!
//! Not here: when space comes back on the drive (`shard`), what is garbage (the metadata).

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use holdfast_api::meta::{Answer, BodyState, Command, Garbage, Query};
use holdfast_api::object::StoreError;
use holdfast_base::limits::{INTENT_MS, READ_GRACE_MS, SHARD_DEADLINE_MS};
use holdfast_base::{BodyId, DriveNo, ShardId, Tick};
use holdfast_io::clock::deadline;

use super::census::{Census, Halt, record_of, shards_on};
use super::drives::Slot;
use super::get::foreign;
use super::store::Inner;

/// Bodies of garbage collected in one go.
const BODIES: usize = 32;
/// Shards in one deletion.
const BATCH: usize = 256;
/// Leftovers that are remembered from one sweep to the next.
const LEFTOVERS_MAX: usize = 65_536;
/// Blob records asked for at once.
const RECORDS: usize = 64;
/// The pause after each batch.
const PAUSE: Duration = Duration::from_millis(2);

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Bodies of garbage.
    pub bodies: u64,
    /// Shards of bodies that nobody will ever commit.
    pub orphans: u64,
    /// Shards that belong on another drive.
    pub leftovers: u64,
}

/// Shards that did not belong where they are when they were last looked at.
#[derive(Debug, Default)]
pub struct Leftovers(BTreeSet<(DriveNo, u64, ShardId)>);

/// Deletes all garbage that may go. Returns the number of bodies.
///
/// # Errors
/// [`StoreError::Meta`] (C2).
pub async fn collect_garbage(inner: &Inner) -> Result<u64, StoreError> {
    let mut bodies = 0;
    loop {
        let (horizon, now) = inner.leases.horizon(inner.meta.as_ref());
        let before = Tick(horizon.0.min(now.0.saturating_sub(READ_GRACE_MS))); // O4
        let garbage = match inner.meta.query(Query::Garbage { before, limit: BODIES }).await? {
            Answer::Garbage(garbage) => garbage,
            other => return Err(foreign(&other)),
        };
        let mut gone = Vec::with_capacity(garbage.len());
        for one in garbage.iter().filter(|one| one.since < before) {
            if delete_body(inner, one).await? {
                gone.push(one.body);
            }
        }
        if gone.is_empty() {
            return Ok(bodies);
        }
        bodies += gone.len() as u64;
        inner.meta.execute(Command::ForgetGarbage { bodies: gone }).await?;
    }
}

/// Deletes the shards of a body everywhere; true if every drive in its slot did so.
/// A drive that is away keeps them until a sweep finds them unknown.
async fn delete_body(inner: &Inner, garbage: &Garbage) -> Result<bool, StoreError> {
    let (body, mut index) = (garbage.body, 0);
    let mut done = true;
    loop {
        let query = Query::Blobs { body, index, limit: RECORDS };
        let blobs = match inner.meta.query(query).await? {
            Answer::Blobs(blobs) => blobs,
            other => return Err(foreign(&other)),
        };
        let Some((last, _)) = blobs.last() else {
            return Ok(done);
        };
        index = last.index.saturating_add(1);
        let all = |(blob, record): &(holdfast_base::BlobId, holdfast_api::blob::BlobRecord)| {
            let blob = *blob;
            (0..record.layout.geometry.shards()).map(move |shard| blob.shard(shard))
        };
        let shards: Vec<ShardId> = blobs.iter().flat_map(all).collect();
        let slots = inner.drives.slots();
        let deletions = slots.values().map(|slot| delete(inner, slot, &shards));
        let answers: Vec<bool> = deletions.collect::<FuturesUnordered<_>>().collect().await;
        done &= answers.into_iter().all(|deleted| deleted);
        inner.clock.sleep(PAUSE).await;
    }
}

/// True if the drive forgot them, or takes no part.
async fn delete(inner: &Inner, slot: &Slot, shards: &[ShardId]) -> bool {
    use holdfast_api::drive::DriveError::Offline;
    for batch in shards.chunks(BATCH) {
        let limit = Duration::from_millis(SHARD_DEADLINE_MS);
        let deletion = slot.service.delete(batch.to_vec());
        match deadline(&inner.clock, limit, deletion).await {
            Ok(Ok(())) => {}
            Ok(Err(Offline { .. })) => return true,
            Ok(Err(error)) => {
                tracing::warn!(drive = slot.service.no().0, %error, "shards not deleted yet");
                return false;
            }
            Err(_) => return false,
        }
    }
    true
}

/// Looks at every shard of every drive once; see the picture above.
/// `leftovers` goes from one sweep to the next.
///
/// # Errors
/// [`StoreError::Meta`] (C2).
pub async fn sweep(inner: &Inner, leftovers: &mut Leftovers) -> Result<Collected, StoreError> {
    let mut collected = Collected::default();
    let mut seen = Leftovers::default();
    for (&no, slot) in inner.drives.slots().iter() {
        let mut sweep = Sweep { inner, no, slot, before: leftovers, seen: &mut seen };
        match sweep.drive().await {
            Ok(one) => {
                collected.orphans += one.orphans;
                collected.leftovers += one.leftovers;
            }
            Err(Halt::Drive(why)) => {
                tracing::debug!(drive = no.0, why, "the sweep left a drive out")
            }
            Err(Halt::Store(error)) => return Err(error),
        }
    }
    *leftovers = seen;
    Ok(collected)
}

struct Sweep<'a> {
    inner: &'a Inner,
    no: DriveNo,
    slot: &'a Slot,
    before: &'a Leftovers,
    seen: &'a mut Leftovers,
}

impl Sweep<'_> {
    async fn drive(&mut self) -> Result<Collected, Halt> {
        let mut collected = Collected::default();
        let mut census = Census::new(self.inner, self.slot.clone());
        let mut odd = Vec::new();
        while let Some(entry) = census.next().await? {
            let expected = entry.record.map_or_else(Vec::new, |record| shards_on(&record, self.no));
            let unexpected = |shard: &ShardId| !expected.contains(&usize::from(shard.index.0));
            let stored = entry.stored.iter().map(|&index| ShardId { blob: entry.blob, index });
            odd.extend(stored.filter(unexpected));
            if odd.len() >= BATCH {
                self.judge(std::mem::take(&mut odd), &mut collected).await?;
            }
        }
        self.judge(odd, &mut collected).await?;
        Ok(collected)
    }

    /// Decides about shards that the metadata does not name this drive for.
    async fn judge(&mut self, odd: Vec<ShardId>, to: &mut Collected) -> Result<(), Halt> {
        let mut bodies: Vec<BodyId> = odd.iter().map(|shard| shard.blob.body).collect();
        bodies.dedup();
        if bodies.is_empty() {
            return Ok(());
        }
        let query = Query::Bodies { bodies: bodies.clone() };
        let states = match self.inner.meta.query(query).await.map_err(StoreError::from)? {
            Answer::Bodies(states) if states.len() == bodies.len() => states,
            other => return Err(foreign(&other).into()),
        };
        let now = self.inner.meta.tick();
        let state = |body: BodyId| {
            bodies.binary_search(&body).map_or(BodyState::Intended, |index| states[index])
        };
        let mut orphans = Vec::new();
        for shard in odd {
            match state(shard.blob.body) {
                BodyState::Unknown if now > Tick(shard.blob.body.born).after(INTENT_MS) => {
                    orphans.push(shard); // C1
                }
                BodyState::Live => to.leftovers += u64::from(self.leftover(shard).await?),
                BodyState::Unknown | BodyState::Intended | BodyState::Garbage => {}
            }
        }
        if !orphans.is_empty() && delete(self.inner, self.slot, &orphans).await {
            to.orphans += orphans.len() as u64;
        }
        self.inner.clock.sleep(PAUSE).await;
        Ok(())
    }

    /// True if the shard was deleted: it was odd in the last sweep already, and is under a claim (C3).
    async fn leftover(&mut self, shard: ShardId) -> Result<bool, Halt> {
        let key = (self.no, self.slot.life, shard);
        let Some(_claim) = self.inner.claims.take(shard.blob) else {
            return Ok(false);
        };
        if !self.before.0.contains(&key) {
            if self.seen.0.len() < LEFTOVERS_MAX {
                self.seen.0.insert(key);
            }
            return Ok(false);
        }
        let index = usize::from(shard.index.0);
        match record_of(self.inner, shard.blob).await? {
            Some(record) if record.drives.get(index).is_some_and(|&no| no != self.no) => {
                Ok(delete(self.inner, self.slot, &[shard]).await)
            }
            Some(_) | None => Ok(false),
        }
    }
}
