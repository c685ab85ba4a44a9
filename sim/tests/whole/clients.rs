//! What clients do, each for itself, beside one another; every answer is judged.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::drive::Owner;
use holdfast_api::meta::{
    Answer, Command, Condition, DeleteOne, ListObjects, MetaError, MetaService, Object, Outcome,
    Part, PutObject, PutPart, Query, Refusal, Upload,
};
use holdfast_api::object::{Body, ObjectStore, ReadPlan, StoreError, StoredBody};
use holdfast_base::{BlobId, UploadId, VersionId, WallMs};
use holdfast_io::clock::Clock;
use holdfast_io::rng::SeededRng;
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::Power;
use holdfast_sim::report::Tally;

use super::machine::{Running, content};
use super::register::{PutId, Registers, Ticket};

/// What all clients share.
#[derive(Default)]
pub struct Shared {
    pub registers: Registers,
    pub tally: Tally,
    /// Lengths of what was put. [bytes]
    pub lens: BTreeMap<PutId, usize>,
    /// PUTs whose ETag a conditional PUT has replaced: no other may.
    replaced: BTreeMap<PutId, PutId>,
    next: PutId,
}

/// One client in one life of the machine.
pub struct Client<'a> {
    pub seed: u64,
    pub rng: SeededRng,
    pub running: Running,
    pub shared: &'a RefCell<Shared>,
    pub clock: &'a SimClock,
    pub power: &'a Power,
    /// Cuts before this life.
    pub cuts: u64,
    pub stripe: u64,
    /// A blob's most bytes.
    pub blob: u64,
}

/// A step ended early, for a reason that was judged.
type Step = Result<(), ()>;

impl Client<'_> {
    pub async fn work(self, steps: u64) {
        for _ in 0..steps {
            let _ = match self.rng.below(100) {
                0..34 => self.put().await,
                34..58 => self.get().await,
                58..68 => self.delete().await,
                68..78 => self.list().await,
                78..85 => self.conditional().await,
                85..87 => self.race().await,
                87..92 => self.multipart().await,
                _ => self.maintain().await,
            };
            let pause = match self.rng.below(12) {
                0 => self.rng.below(12_000),
                1..5 => self.rng.below(60),
                _ => 0,
            };
            self.pause(pause).await;
        }
    }

    async fn pause(&self, ms: u64) {
        if ms > 0 {
            self.clock.sleep(Duration::from_millis(ms)).await;
        }
    }

    fn key(&self) -> String {
        format!("{}/{}", ["a", "b"][self.rng.below(2) as usize], self.rng.below(4))
    }

    fn count(&self, what: &'static str) {
        self.shared.borrow_mut().tally.add(what, 1);
    }

    fn unanswered<T>(&self) -> Result<T, ()> {
        self.count("reads without an answer");
        Err(())
    }

    fn now(&self) -> u64 {
        self.shared.borrow_mut().registers.now()
    }

    /// An answer of a machine that has lost its power says nothing.
    fn is_cut(&self) -> bool {
        self.power.cuts() > self.cuts
    }

    fn len(&self) -> usize {
        let rng = &self.rng;
        (match rng.below(24) {
            0 => 0,
            1..9 => rng.between(1, 4096),
            9..17 => rng.between(4097, 60_000),
            17..22 => (self.stripe * rng.between(1, 3) + rng.below(200)).saturating_sub(100),
            22 => rng.between(self.stripe, 6 * self.stripe),
            _ if rng.one_in(4) => self.blob + rng.below(self.stripe),
            _ => rng.between(self.stripe, 3 * self.stripe),
        }) as usize
    }

    fn new_put(&self, len: usize) -> PutId {
        let mut shared = self.shared.borrow_mut();
        shared.next += 1;
        let id = shared.next;
        shared.lens.insert(id, len);
        id
    }

    fn owner(&self, key: &str, id: PutId) -> Owner {
        let key = Bytes::copy_from_slice(key.as_bytes());
        Owner { bucket: self.running.bucket, key, version: version(id) }
    }

    /// Streams a body in; a body that was refused is an end of the step.
    async fn body(&self, key: &str, id: PutId, bytes: Bytes) -> Result<StoredBody, ()> {
        let announced = (!self.rng.one_in(8)).then_some(bytes.len() as u64);
        let mut writer = self.running.store.writer(self.owner(key, id), announced);
        if bytes.len() as u64 > self.blob {
            self.count("multi-blob bodies");
        }
        let mut left = bytes;
        let slow = self.rng.one_in(12);
        let stored = async {
            while !left.is_empty() {
                let piece = self.rng.between(1, 400_000).min(left.len() as u64) as usize;
                writer.write(left.split_to(piece)).await?;
                if slow {
                    self.pause(self.rng.below(30_000)).await;
                }
            }
            writer.finish().await
        };
        match stored.await {
            Ok(stored) => {
                for (index, record) in &stored.blobs {
                    let durable = record.drives.len() - record.missing.len();
                    let quorum = record.layout.geometry.write_quorum();
                    assert!(durable >= quorum, "A2: blob {index}: {durable} of {quorum} durable");
                }
                Ok(stored)
            }
            Err(_) => {
                self.count("bodies refused");
                Err(())
            }
        }
    }

    async fn put(&self) -> Step {
        self.put_if(&self.key(), Condition::default()).await.map(drop)
    }

    /// A PUT; what the metadata answered, and the moments around it.
    async fn put_if(&self, key: &str, condition: Condition) -> Result<(PutId, Option<Done>), ()> {
        self.put_of(self.len(), key, condition).await
    }

    async fn put_of(
        &self,
        len: usize,
        key: &str,
        condition: Condition,
    ) -> Result<(PutId, Option<Done>), ()> {
        let id = self.new_put(len);
        let stored = self.body(key, id, content(self.seed, id, len)).await?;
        if self.rng.one_in(8) {
            // The collector comes round before the commit.
            drop(self.running.store.sweep_once().await);
        }
        let command = Command::PutObject(PutObject {
            bucket: self.running.bucket,
            key: Bytes::copy_from_slice(key.as_bytes()),
            object: object(id, len, &stored),
            blobs: blobs(&stored),
            condition,
        });
        let done = self.write(key, Some(id), command).await;
        if matches!(&done, Some(Done { outcome: Outcome::Object { .. }, .. })) {
            self.count(if len <= 4096 { "puts inline" } else { "puts" });
        }
        Ok((id, done))
    }

    /// Sends a command that writes `key`; `None` where nobody knows what came of it, or
    /// nothing did.
    async fn write(&self, key: &str, value: Option<PutId>, command: Command) -> Option<Done> {
        let ticket = self.shared.borrow_mut().registers.begin(key, value);
        let from = self.now();
        let outcome = self.running.meta.execute(command).await;
        let to = self.now();
        let mut shared = self.shared.borrow_mut();
        match outcome {
            Ok(outcome) => {
                let refused = matches!(outcome, Outcome::Refused(_))
                    || matches!(&outcome, Outcome::Deleted(all) if all[0].is_err());
                if refused {
                    shared.registers.refuse(&ticket);
                } else {
                    shared.registers.acknowledge(&ticket);
                    shared.tally.add("acknowledged", 1);
                }
                Some(Done { outcome, ticket, window: (from, to) })
            }
            // They say that nothing happened.
            Err(MetaError::Busy(_) | MetaError::TooLarge(_) | MetaError::Full) => {
                shared.registers.refuse(&ticket);
                shared.tally.add("commands refused", 1);
                None
            }
            Err(MetaError::Unavailable(_) | MetaError::Stopped(_)) => None,
        }
    }

    /// If-Match and If-None-Match, judged by what may have been there.
    async fn conditional(&self) -> Step {
        let key = self.key();
        let if_match = self.rng.one_in(2);
        let seen = if if_match { self.lookup(&key).await? } else { None };
        let condition = match seen {
            Some(id) => Condition { if_match: vec![etag(id)], ..Condition::default() },
            None => Condition { if_none_match: vec!["*".into()], ..Condition::default() },
        };
        let (id, Some(Done { outcome, ticket, window })) = self.put_if(&key, condition).await?
        else {
            return Err(());
        };
        let mut shared = self.shared.borrow_mut();
        let all = &shared.registers;
        match (outcome, seen) {
            (Outcome::Object { .. }, Some(seen)) => {
                let may = all.may_be(&key, Some(seen), window, Some(&ticket));
                assert!(may, "WRONG: If-Match {seen} held on {key}: {all:?}");
                let twice = shared.replaced.insert(seen, id);
                assert!(twice.is_none(), "WRONG: If-Match {seen} held for {id} and {twice:?}");
                shared.tally.add("conditions held", 1);
            }
            (Outcome::Object { .. }, None) => {
                let may = all.may_be(&key, None, window, Some(&ticket));
                assert!(may, "WRONG: If-None-Match held on {key}, which was there: {all:?}");
                shared.tally.add("conditions held", 1);
            }
            (Outcome::Refused(Refusal::ConditionFailed), seen) => {
                let may = match seen {
                    Some(seen) => all.may_differ(&key, seen, window, Some(&ticket)),
                    None => all.may_exist(&key, window, Some(&ticket)),
                };
                assert!(may, "WRONG: condition on {seen:?} failed on {key}: {all:?}");
                shared.tally.add("conditions failed", 1);
            }
            (Outcome::Refused(Refusal::NoSuchObject), Some(_)) => {
                let may = all.may_be(&key, None, window, Some(&ticket));
                assert!(may, "WRONG: If-Match on {key} found nothing: {all:?}");
                shared.tally.add("conditions failed", 1);
            }
            (Outcome::Refused(Refusal::IntentExpired { .. }), _) => {}
            (other, _) => panic!("WRONG: a PUT was answered by {other:?}"),
        }
        Ok(())
    }

    /// Two at once want to be the first of a key that nobody else knows.
    async fn race(&self) -> Step {
        let key = format!("c/{}", self.new_put(0));
        let first = Condition { if_none_match: vec!["*".into()], ..Condition::default() };
        let (one, other) = futures_util::join!(
            self.put_of(100, &key, first.clone()),
            self.put_of(200, &key, first)
        );
        let held = |put: &Result<(PutId, Option<Done>), ()>| {
            let outcome = put.as_ref().ok().and_then(|(_, done)| Some(&done.as_ref()?.outcome));
            matches!(outcome, Some(Outcome::Object { .. }))
        };
        assert!(!(held(&one) && held(&other)), "WRONG: If-None-Match held twice on {key}");
        self.count("races");
        Ok(())
    }

    async fn delete(&self) -> Step {
        self.delete_of(&self.key()).await
    }

    async fn delete_of(&self, key: &str) -> Step {
        let one = DeleteOne {
            key: Bytes::copy_from_slice(key.as_bytes()),
            condition: Condition::default(),
        };
        let command = Command::DeleteObjects { bucket: self.running.bucket, objects: vec![one] };
        let done = self.write(key, None, command).await.ok_or(())?;
        let Outcome::Deleted(answers) = &done.outcome else {
            panic!("WRONG: a DELETE was answered by {:?}", done.outcome)
        };
        let mut shared = self.shared.borrow_mut();
        shared.tally.add("deletes", 1);
        let all = &shared.registers;
        let own = Some(&done.ticket);
        let may = match &answers[..] {
            [Ok(true)] => all.may_exist(key, done.window, own),
            [Ok(false)] => all.may_be(key, None, done.window, own),
            other => panic!("WRONG: a DELETE was answered by {other:?}"),
        };
        assert!(may, "WRONG: a DELETE of {key} found {answers:?}: {all:?}");
        Ok(())
    }

    /// Which PUT is visible at `key` now; judged.
    async fn lookup(&self, key: &str) -> Result<Option<PutId>, ()> {
        self.find(key, 0).await.map(|found| found.map(|(id, ..)| id))
    }

    async fn find(&self, key: &str, at: u64) -> Result<Found, ()> {
        let from = self.now();
        let query = Query::Object {
            bucket: self.running.bucket,
            key: Bytes::copy_from_slice(key.as_bytes()),
            at,
            blobs: self.rng.below(3) as usize,
        };
        let found = match self.running.meta.query(query).await {
            Ok(Answer::Object(found)) => found,
            Ok(other) => panic!("WRONG: a lookup was answered by {other:?}"),
            Err(_) => return self.unanswered(),
        };
        let to = self.now();
        let found = found.map(|(object, blobs)| (object.modified.0, object, blobs));
        let id = found.as_ref().map(|(id, ..)| *id);
        let judged = self.shared.borrow_mut().registers.saw(key, id, (from, to));
        if let Err(why) = judged {
            panic!("{why}");
        }
        if let Some((id, object, _)) = &found {
            assert!(
                object.etag == etag(*id) && object.version == version(*id),
                "WRONG: {key}: {object:?}"
            );
        }
        Ok(found)
    }

    /// A range, or all of it; sometimes with pauses, so that it is collected under its
    /// reader if anything is.
    async fn get(&self) -> Step {
        let key = self.key();
        self.read(&key, self.rng.one_in(2), self.rng.one_in(10)).await.map(drop)
    }

    pub async fn read(&self, key: &str, ranged: bool, slow: bool) -> Result<Option<PutId>, ()> {
        let lease = self.running.store.lease();
        let Some((id, object, blobs)) = self.find(key, 0).await? else { return Ok(None) };
        let len = self.shared.borrow().lens[&id];
        assert_eq!(object.size, len as u64, "WRONG: the size of {key}");
        let (a, b) = match ranged {
            true => (self.rng.below(len as u64 + 1), self.rng.below(len as u64 + 1)),
            false => (0, len as u64),
        };
        let (from, to) = (a.min(b), a.max(b));
        let owner = self.owner(key, id);
        let plan = ReadPlan { owner, bodies: object.bodies, from, to, blobs };
        let mut reader = self.running.store.reader(plan);
        let mut got = Vec::with_capacity((to - from) as usize);
        if slow {
            // Deleted by now, and long enough for the collector, but for the lease.
            let _ = self.delete_of(key).await;
            self.pause(self.rng.between(30_000, 60_000)).await;
        }
        loop {
            match reader.next().await {
                Ok(Some(bytes)) => got.extend_from_slice(&bytes),
                Ok(None) => break,
                Err(_) if self.is_cut() => return Err(()),
                Err(StoreError::Meta(_) | StoreError::Busy) => {
                    return self.unanswered();
                }
                Err(error) => panic!("LOST: {key} is PUT {id}, but: {error}"),
            }
            if slow {
                self.pause(self.rng.below(60_000)).await;
            }
        }
        drop(lease);
        let want = content(self.seed, id, len);
        assert!(
            got == want[from as usize..to as usize],
            "WRONG bytes: {key}, PUT {id}, {from}..{to}"
        );
        self.count(if ranged { "range gets" } else { "gets" });
        Ok(Some(id))
    }

    /// One listing, page after page; each page is judged as a read of every key in it.
    pub async fn list(&self) -> Step {
        let prefix = ["", "a/", "b/"][self.rng.below(3) as usize];
        let limit = self.rng.between(1, 9) as usize;
        let mut after = Bytes::new();
        loop {
            let from = self.now();
            let query = Query::ListObjects(ListObjects {
                bucket: self.running.bucket,
                prefix: Bytes::from_static(prefix.as_bytes()),
                delimiter: Bytes::new(),
                after: after.clone(),
                limit,
            });
            let page = match self.running.meta.query(query).await {
                Ok(Answer::Listing(page)) => page,
                Ok(other) => panic!("WRONG: a LIST was answered by {other:?}"),
                Err(_) => return self.unanswered(),
            };
            let window = (from, self.now());
            let mut shared = self.shared.borrow_mut();
            let listed: BTreeMap<&[u8], PutId> =
                page.entries.iter().map(|(key, entry)| (&key[..], entry.modified.0)).collect();
            assert_eq!(listed.len(), page.entries.len(), "WRONG: a key is listed twice");
            for key in shared.registers.keys() {
                let bytes = key.as_bytes();
                let here = bytes > &after[..] && (!page.truncated || bytes <= &page.next[..]);
                if here && key.starts_with(prefix) {
                    let value = listed.get(bytes).copied();
                    if let Err(why) = shared.registers.saw(&key, value, window) {
                        panic!("{why} (in a listing)");
                    }
                }
            }
            shared.tally.add("list pages", 1);
            if !page.truncated {
                return Ok(());
            }
            after = page.next;
        }
    }

    /// An upload of one or two parts, completed, aborted, or left behind.
    async fn multipart(&self) -> Step {
        let key = self.key();
        let id = self.new_put(0);
        let upload = Upload {
            id: UploadId(version(id).0),
            bucket: self.running.bucket,
            key: Bytes::copy_from_slice(key.as_bytes()),
            initiated: WallMs(id),
            attributes: Default::default(),
            checksum: None,
        };
        let (bucket, name, upload_id) = (upload.bucket, upload.key.clone(), upload.id);
        self.expect_done(Command::CreateUpload(upload)).await?;
        let lens = match self.rng.below(14) {
            0 => vec![5 << 20, self.rng.between(1, 9000) as usize],
            _ => vec![self.len().max(1)],
        };
        let len = lens.iter().sum();
        let bytes = content(self.seed, id, len);
        self.shared.borrow_mut().lens.insert(id, len);
        let (mut at, mut parts) = (0, Vec::new());
        for (index, len) in lens.iter().enumerate() {
            let number = index as u16 + 1;
            let stored = self.body(&key, id, bytes.slice(at..at + len)).await?;
            at += len;
            let part = Part {
                number,
                modified: WallMs(id),
                size: *len as u64,
                etag: format!("part{number}-of-{id}"),
                checksums: Vec::new(),
                body: stored.body.clone(),
            };
            parts.push((number, part.etag.clone()));
            let blobs = blobs(&stored);
            let put = PutPart { bucket, key: name.clone(), upload: upload_id, part, blobs };
            self.expect_done(Command::PutPart(put)).await?;
        }
        match self.rng.below(6) {
            0 => {
                self.count("uploads left behind");
                Ok(())
            }
            1 => {
                let abort = Command::AbortUpload { bucket, key: name, upload: upload_id };
                self.expect_done(abort).await.map(|()| self.count("uploads aborted"))
            }
            _ => {
                let empty = StoredBody { body: Body::Inline(Bytes::new()), blobs: Vec::new() };
                let complete = Command::CompleteUpload {
                    bucket,
                    key: name,
                    upload: upload_id,
                    parts,
                    object: Object { bodies: Vec::new(), ..object(id, len, &empty) },
                    condition: Condition::default(),
                };
                let done = self.write(&key, Some(id), complete).await.ok_or(())?;
                let outcome = &done.outcome;
                assert!(matches!(outcome, Outcome::Object { .. }), "WRONG: {outcome:?}");
                self.count("uploads completed");
                Ok(())
            }
        }
    }

    async fn expect_done(&self, command: Command) -> Step {
        match self.running.meta.execute(command).await {
            Ok(Outcome::Done) => Ok(()),
            Ok(Outcome::Refused(Refusal::IntentExpired { .. })) | Err(_) => Err(()),
            Ok(other) => panic!("WRONG: answered by {other:?}"),
        }
    }

    /// The service's own work, beside everybody.
    async fn maintain(&self) -> Step {
        let Running { meta, store, .. } = &self.running;
        match self.rng.below(5) {
            0 => drop(store.heal_once().await),
            1 => drop(store.scrub_once().await),
            2 => {
                let bodies = store.collect_once().await.unwrap_or(0);
                self.shared.borrow_mut().tally.add("bodies collected", bodies);
            }
            3 => {
                let swept = store.sweep_once().await.unwrap_or_default();
                self.shared.borrow_mut().tally.add("orphans collected", swept.orphans);
            }
            _ => meta.checkpoint().await,
        }
        Ok(())
    }
}

/// What the metadata answered to a write.
struct Done {
    outcome: Outcome,
    ticket: Ticket,
    window: (u64, u64),
}

type Found = Option<(PutId, Object, Vec<(BlobId, holdfast_api::blob::BlobRecord)>)>;

fn version(id: PutId) -> VersionId {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&id.to_le_bytes());
    VersionId(bytes)
}

fn etag(id: PutId) -> String {
    format!("put-{id}")
}

fn object(id: PutId, len: usize, stored: &StoredBody) -> Object {
    Object {
        version: version(id),
        modified: WallMs(id),
        size: len as u64,
        etag: etag(id),
        attributes: Default::default(),
        checksums: Vec::new(),
        bodies: if len == 0 { Vec::new() } else { vec![stored.body.clone()] },
        parts: Vec::new(),
    }
}

fn blobs(stored: &StoredBody) -> Vec<(BlobId, holdfast_api::blob::BlobRecord)> {
    match &stored.body {
        Body::Stored { id, .. } => {
            stored.blobs.iter().map(|(index, record)| (id.blob(*index), record.clone())).collect()
        }
        Body::Inline(_) => Vec::new(),
    }
}
