//! The metadata that the object store needs, in memory, durable by decree.
//!
//! Follows the contract of `api::meta` (M1, M3, M5) and of the heal queue, nothing
//! else; the real service has tests of its own. It can be told to fail in front of
//! the store: before or after it did what was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::blob::BlobRecord;
use holdfast_api::meta::{
    Answer, BodyState, Command, DriveRecord, Garbage, HealEntry, MetaError, MetaService, Outcome,
    Query, Refusal,
};
use holdfast_api::object::Body;
use holdfast_base::limits::INTENT_MS;
use holdfast_base::{BlobId, BodyId, DriveId, DriveNo, NodeId, Tick};
use holdfast_io::clock::Clock;
use holdfast_io::rng::{Rng, SeededRng};

/// Log time when a simulation begins: some way from zero. [ms]
const EPOCH: u64 = 10_000_000;

pub struct Meta {
    clock: Arc<dyn Clock>,
    rng: SeededRng,
    state: Mutex<State>,
    /// One in so many requests of the store fails; 0 for none.
    pub fail_one_in: AtomicU64,
    pub failed: AtomicU64,
}

#[derive(Default)]
pub struct State {
    pub objects: BTreeMap<Bytes, Body>,
    pub blobs: BTreeMap<BlobId, BlobRecord>,
    intents: BTreeMap<BodyId, u64>,
    pub live: BTreeSet<BodyId>,
    pub garbage: BTreeMap<(Tick, BodyId), u32>,
    spent: BTreeSet<BodyId>,
    pub drives: BTreeMap<DriveNo, DriveRecord>,
}

/// What the store sees: the same, but it fails now and then.
pub struct Flaky(pub Arc<Meta>);

impl Meta {
    pub fn new(seed: u64, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            rng: SeededRng::new(seed),
            state: Mutex::default(),
            fail_one_in: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn now(&self) -> u64 {
        EPOCH + self.clock.monotonic().as_millis() as u64
    }

    pub fn put_drive(&self, no: DriveNo, id: DriveId) {
        let mut state = self.state();
        let healing = state.drives.get(&no).is_some_and(|record| record.id != id);
        let node = NodeId([1; 16]);
        state.drives.insert(no, DriveRecord { no, id, node, path: String::new(), healing });
    }

    /// Makes a body visible under `key`, as `PutObject` does. What was there becomes garbage.
    pub fn commit(
        &self,
        key: &Bytes,
        body: Body,
        blobs: Vec<(u32, BlobRecord)>,
    ) -> Result<(), Refusal> {
        let now = self.now();
        let mut state = self.state();
        if let Body::Stored { id, len } = &body {
            if state.body(*id, now) != BodyState::Intended {
                return Err(Refusal::IntentExpired { body: *id });
            }
            state.blobs.extend(blobs.into_iter().map(|(index, record)| (id.blob(index), record)));
            let mut end = 0;
            for (next, (blob, record)) in state.blobs_of(*id).enumerate() {
                assert_eq!((blob.index as usize, record.at), (next, end), "blobs have no gaps");
                end += u64::from(record.layout.len);
            }
            assert_eq!(end, *len, "the blobs are the body");
            state.intents.remove(id);
            state.live.insert(*id);
        }
        state.delete(key, now);
        state.objects.insert(key.clone(), body);
        Ok(())
    }

    pub fn delete(&self, key: &Bytes) {
        let now = self.now();
        self.state().delete(key, now);
    }

    fn apply(&self, command: Command) -> Outcome {
        let now = self.now();
        let mut state = self.state();
        match command {
            Command::ExtendBody { body, blobs } => {
                if state.body(body, now) != BodyState::Intended {
                    return Outcome::Refused(Refusal::IntentExpired { body });
                }
                state.intents.insert(body, now + INTENT_MS);
                let blobs = blobs.into_iter().map(|(index, record)| (body.blob(index), record));
                state.blobs.extend(blobs);
                Outcome::Done
            }
            Command::RenewIntent { body } => {
                if state.body(body, now) != BodyState::Intended {
                    return Outcome::Refused(Refusal::IntentExpired { body });
                }
                state.intents.insert(body, now + INTENT_MS);
                Outcome::Done
            }
            Command::ReportMissing { shards } => {
                for (blob, shard) in shards {
                    if let Some(record) = state.blobs.get_mut(&blob)
                        && !record.missing.contains(&shard)
                    {
                        record.missing.push(shard);
                        record.missing.sort_unstable();
                    }
                }
                Outcome::Done
            }
            Command::SetBlob { blob, before, after } => match state.blobs.get_mut(&blob) {
                Some(record) if *record == before => {
                    *record = after;
                    Outcome::Done
                }
                _ => Outcome::Refused(Refusal::Stale),
            },
            Command::SetHealing { no, id, healing } => match state.drives.get_mut(&no) {
                Some(record) if record.id == id => {
                    record.healing = healing;
                    Outcome::Done
                }
                _ => Outcome::Refused(Refusal::Stale),
            },
            Command::ForgetGarbage { bodies } => {
                for body in bodies {
                    state.garbage.retain(|(_, garbage), _| *garbage != body);
                    state.blobs.retain(|blob, _| blob.body != body);
                    state.spent.insert(body);
                }
                Outcome::Done
            }
            other => panic!("the store has no business with {other:?}"),
        }
    }

    fn answer(&self, query: Query) -> Answer {
        let now = self.now();
        self.expire(now);
        let state = self.state();
        match query {
            Query::Blobs { body, index, limit } => {
                let range = body.blob(index)..=body.blob(u32::MAX);
                let page = state.blobs.range(range).take(limit);
                Answer::Blobs(page.map(|(blob, record)| (*blob, record.clone())).collect())
            }
            Query::BlobsOnDrive { no, after, limit } => {
                let page = state.blobs.iter().filter(|(blob, record)| {
                    after.is_none_or(|after| **blob > after) && record.drives.contains(&no)
                });
                Answer::Blobs(
                    page.take(limit).map(|(blob, record)| (*blob, record.clone())).collect(),
                )
            }
            Query::HealQueue { limit } => {
                let mut entries = state.heal_queue();
                let queued = entries.len() as u64;
                entries.truncate(limit);
                Answer::Heal { entries, queued }
            }
            Query::Garbage { before, limit } => {
                let page = state.garbage.range(..(before, BodyId { born: 0, nonce: 0 }));
                let garbage = |(&(since, body), &blobs)| Garbage { since, body, blobs };
                Answer::Garbage(page.take(limit).map(garbage).collect())
            }
            Query::Bodies { bodies } => {
                Answer::Bodies(bodies.into_iter().map(|body| state.body(body, now)).collect())
            }
            Query::Drives => Answer::Drives(state.drives.values().cloned().collect()),
            other => panic!("the store has no business with {other:?}"),
        }
    }

    /// Bodies whose intent ran out with blobs recorded become garbage.
    fn expire(&self, now: u64) {
        let mut state = self.state();
        let ended: Vec<BodyId> = state
            .intents
            .iter()
            .filter(|(_, until)| **until < now)
            .map(|(body, _)| *body)
            .collect();
        for body in ended {
            state.intents.remove(&body);
            let blobs = state.blobs_of(body).count() as u32;
            state.garbage.insert((Tick(now), body), blobs);
        }
    }
}

impl State {
    pub fn blobs_of(&self, body: BodyId) -> impl Iterator<Item = (BlobId, &BlobRecord)> {
        self.blobs.range(body.blob(0)..=body.blob(u32::MAX)).map(|(blob, record)| (*blob, record))
    }

    pub fn heal_queue(&self) -> Vec<HealEntry> {
        let owed = self.blobs.iter().filter(|(_, record)| !record.missing.is_empty());
        let entry = |(&blob, record): (&BlobId, &BlobRecord)| {
            let spare = record.layout.geometry.m().saturating_sub(record.missing.len()) as u8;
            HealEntry { spare, blob }
        };
        let mut entries: Vec<HealEntry> = owed.map(entry).collect();
        entries.sort_unstable();
        entries
    }

    fn body(&self, body: BodyId, now: u64) -> BodyState {
        if self.live.contains(&body) {
            BodyState::Live
        } else if self.garbage.keys().any(|(_, garbage)| *garbage == body) {
            BodyState::Garbage
        } else if self.spent.contains(&body) {
            BodyState::Unknown
        } else if now <= self.intents.get(&body).copied().unwrap_or(body.born + INTENT_MS) {
            BodyState::Intended
        } else {
            BodyState::Unknown
        }
    }

    fn delete(&mut self, key: &Bytes, now: u64) {
        if let Some(Body::Stored { id, .. }) = self.objects.remove(key) {
            self.live.remove(&id);
            let blobs = self.blobs_of(id).count() as u32;
            self.garbage.insert((Tick(now), id), blobs);
        }
    }
}

impl Flaky {
    /// `Some` when this request fails; true: only after it was done.
    fn fails(&self) -> Option<bool> {
        let one_in = self.0.fail_one_in.load(Ordering::Relaxed);
        if one_in == 0 || !self.0.rng.one_in(one_in) {
            return None;
        }
        self.0.failed.fetch_add(1, Ordering::Relaxed);
        Some(self.0.rng.one_in(2))
    }
}

impl MetaService for Flaky {
    fn execute(&self, command: Command) -> BoxFuture<'_, Result<Outcome, MetaError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            match self.fails() {
                None => Ok(self.0.apply(command)),
                Some(done) => {
                    if done {
                        self.0.apply(command);
                    }
                    Err(MetaError::Unavailable(1))
                }
            }
        })
    }

    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, MetaError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            match self.fails() {
                None => Ok(self.0.answer(query)),
                Some(_) => Err(MetaError::Unavailable(1)),
            }
        })
    }

    fn tick(&self) -> Tick {
        Tick(self.0.now())
    }

    fn new_body(&self) -> BodyId {
        BodyId { born: self.0.now(), nonce: self.0.rng.next_u64() }
    }
}
