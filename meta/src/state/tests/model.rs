//! The state machine against maps: every command, in any order, sent again, over seeds.
//!
//! The model says the same things in other words: one map per concept, bodies as
//! an enum, no rows, no indexes, no counters.

use std::collections::BTreeMap;

use bytes::Bytes;
use holdfast_api::blob::{BlobLayout, BlobRecord};
use holdfast_api::log::LogRecord;
use holdfast_api::meta::{
    AccessKey, Answer, BodyState, Bucket, Command, Condition, DeleteOne, DriveRecord, Garbage,
    HealEntry, Object, Outcome, Part, PartSummary, PutObject, PutPart, Query, Refusal, Upload,
    Usage,
};
use holdfast_api::object::Body;
use holdfast_base::limits::INTENT_MS;
use holdfast_base::{
    BlobId, BodyId, BucketId, ByteCount, DriveId, DriveNo, Epoch, Hash, Lsn, NodeId, SessionId,
    Tick, UploadId, VersionId, WallMs,
};
use holdfast_io::rng::{Rng, SeededRng};

use super::rng;
use crate::state::{Entry, Op, Step, Store, View, query};

/// An object of `n` inline bytes.
pub fn object(bucket: BucketId, key: &[u8], n: usize) -> Command {
    let object = Object {
        version: VersionId([1; 16]),
        modified: WallMs(7),
        size: n as u64,
        etag: "e".into(),
        attributes: Default::default(),
        checksums: Vec::new(),
        bodies: vec![Body::Inline(Bytes::from(vec![b'x'; n]))],
        parts: Vec::new(),
    };
    let (key, condition) = (Bytes::copy_from_slice(key), Condition::default());
    Command::PutObject(PutObject { bucket, key, object, blobs: Vec::new(), condition })
}

#[derive(Clone, Debug, PartialEq)]
enum Life {
    Intended(Tick),
    Live,
    Garbage(Tick),
    Gone,
}

type Key = (BucketId, Bytes);

#[derive(Clone, Debug, Default)]
struct Model {
    tick: u64,
    next_bucket: u64,
    buckets: BTreeMap<String, Bucket>,
    objects: BTreeMap<Key, (Object, Option<UploadId>)>,
    uploads: BTreeMap<(Key, UploadId), Upload>,
    parts: BTreeMap<(UploadId, u16), Part>,
    lives: BTreeMap<BodyId, Life>,
    blobs: BTreeMap<BlobId, BlobRecord>,
    drives: BTreeMap<DriveNo, DriveRecord>,
    keys: BTreeMap<String, AccessKey>,
    epoch: u64,
    next_seq: u64,
    log: Vec<LogRecord>,
    truncated: Lsn,
    last: Lsn,
}

const BUDGET: u64 = 1500;

type Said = Result<Outcome, Refusal>;

fn bad() -> Refusal {
    Refusal::Bad(String::new())
}

impl Model {
    fn exists(&self, id: BucketId) -> Result<(), Refusal> {
        self.buckets.values().any(|b| b.id == id).then_some(()).ok_or(Refusal::NoSuchBucket)
    }

    fn life(&self, body: BodyId) -> Life {
        self.lives.get(&body).cloned().unwrap_or(Life::Intended(Tick(body.born + INTENT_MS)))
    }

    fn intended(&self, body: BodyId) -> Result<(), Refusal> {
        match self.life(body) {
            _ if body.born > self.tick => Err(bad()),
            Life::Intended(until) if self.tick <= until.0 => Ok(()),
            _ => Err(Refusal::IntentExpired { body }),
        }
    }

    fn holds(there: Option<&Object>, condition: &Condition) -> Result<(), Refusal> {
        let among = |list: &[String]| {
            there.is_some_and(|there| list.iter().any(|one| one == "*" || *one == there.etag))
        };
        if !condition.if_match.is_empty() && !among(&condition.if_match) {
            return Err(if there.is_some() {
                Refusal::ConditionFailed
            } else {
                Refusal::NoSuchObject
            });
        }
        if !condition.if_none_match.is_empty() && among(&condition.if_none_match) {
            return Err(Refusal::ConditionFailed);
        }
        Ok(())
    }

    /// The body with these blobs may commit.
    fn whole(&self, body: &Body, given: &[(BlobId, BlobRecord)]) -> Result<(), Refusal> {
        let Body::Stored { id, len } = body else { return Ok(()) };
        self.intended(*id)?;
        let mut all: BTreeMap<u32, &BlobRecord> = BTreeMap::new();
        all.extend(self.blobs.iter().filter(|(b, _)| b.body == *id).map(|(b, r)| (b.index, r)));
        all.extend(given.iter().filter(|(b, _)| b.body == *id).map(|(b, r)| (b.index, r)));
        let mut end = 0;
        for (n, (index, record)) in all.iter().enumerate() {
            if *index != n as u32 || record.at != end {
                return Err(Refusal::BodyIncomplete { body: *id });
            }
            end += u64::from(record.layout.len);
        }
        if end == *len { Ok(()) } else { Err(Refusal::BodyIncomplete { body: *id }) }
    }

    fn commit(&mut self, body: &Body, given: Vec<(BlobId, BlobRecord)>) {
        if let Body::Stored { id, .. } = body {
            self.lives.insert(*id, Life::Live);
        }
        self.blobs.extend(given);
    }

    fn retire(&mut self, body: &Body) {
        if let Body::Stored { id, .. } = body {
            self.lives.insert(*id, Life::Garbage(Tick(self.tick)));
        }
    }

    fn show(&mut self, key: Key, object: Object, upload: Option<UploadId>) -> Outcome {
        let (etag, size) = (object.etag.clone(), object.size);
        let before = self.objects.insert(key, (object, upload));
        let replaced = before.as_ref().map(|(before, _)| before.version);
        for body in before.iter().flat_map(|(before, _)| before.bodies.clone()) {
            self.retire(&body);
        }
        Outcome::Object { etag, size, replaced }
    }

    fn run(&mut self, index: u64, command: Command) -> Said {
        match command {
            Command::CreateBucket { name, now } => {
                if self.buckets.contains_key(&name) {
                    return Err(Refusal::BucketExists);
                }
                self.next_bucket += 1;
                let bucket = Bucket { id: BucketId(self.next_bucket), name, created: now };
                self.buckets.insert(bucket.name.clone(), bucket.clone());
                Ok(Outcome::Bucket(bucket))
            }
            Command::DeleteBucket { name } => {
                let id = self.buckets.get(&name).ok_or(Refusal::NoSuchBucket)?.id;
                let used = self.objects.keys().any(|key| key.0 == id)
                    || self.uploads.keys().any(|(key, _)| key.0 == id);
                if used {
                    return Err(Refusal::BucketNotEmpty);
                }
                self.buckets.remove(&name);
                Ok(Outcome::Done)
            }
            Command::ExtendBody { body, blobs } => {
                self.intended(body)?;
                for (index, record) in &blobs {
                    let there = self.blobs.get(&body.blob(*index));
                    if there.is_some_and(|t| (t.at, t.seal) != (record.at, record.seal)) {
                        return Err(bad());
                    }
                }
                self.lives.insert(body, Life::Intended(Tick(self.tick + INTENT_MS)));
                self.blobs.extend(blobs.into_iter().map(|(n, record)| (body.blob(n), record)));
                Ok(Outcome::Done)
            }
            Command::RenewIntent { body } => {
                self.intended(body)?;
                self.lives.insert(body, Life::Intended(Tick(self.tick + INTENT_MS)));
                Ok(Outcome::Done)
            }
            Command::PutObject(put) => {
                self.exists(put.bucket)?;
                let key = (put.bucket, put.key);
                Self::holds(self.objects.get(&key).map(|o| &o.0), &put.condition)?;
                let body = put.object.bodies[0].clone();
                self.whole(&body, &put.blobs)?;
                self.commit(&body, put.blobs);
                Ok(self.show(key, put.object, None))
            }
            Command::SetAttributes { bucket, key, version, attributes, now } => {
                let there = self.objects.get_mut(&(bucket, key)).ok_or(Refusal::NoSuchObject)?;
                if there.0.version != version {
                    return Err(Refusal::Stale);
                }
                (there.0.attributes, there.0.modified) = (attributes, now);
                Ok(Outcome::Done)
            }
            Command::DeleteObjects { bucket, objects } => {
                self.exists(bucket)?;
                let delete = |one: DeleteOne| {
                    let key = (bucket, one.key);
                    Self::holds(self.objects.get(&key).map(|o| &o.0), &one.condition)?;
                    let Some((before, _)) = self.objects.remove(&key) else { return Ok(false) };
                    before.bodies.iter().for_each(|body| self.retire(body));
                    Ok(true)
                };
                Ok(Outcome::Deleted(objects.into_iter().map(delete).collect()))
            }
            Command::CreateUpload(upload) => {
                self.exists(upload.bucket)?;
                let key = ((upload.bucket, upload.key.clone()), upload.id);
                let used = self.parts.keys().any(|(id, _)| *id == upload.id);
                if used || self.uploads.contains_key(&key) {
                    return Err(bad());
                }
                self.uploads.insert(key, upload);
                Ok(Outcome::Done)
            }
            Command::PutPart(put) => {
                let key = ((put.bucket, put.key), put.upload);
                self.uploads.get(&key).ok_or(Refusal::NoSuchUpload)?;
                self.whole(&put.part.body, &put.blobs)?;
                self.commit(&put.part.body, put.blobs);
                let before = self.parts.insert((put.upload, put.part.number), put.part);
                before.iter().for_each(|before| self.retire(&before.body));
                Ok(Outcome::Done)
            }
            Command::AbortUpload { bucket, key, upload } => {
                let key = ((bucket, key), upload);
                self.uploads.remove(&key).ok_or(Refusal::NoSuchUpload)?;
                for part in self.drop_parts(upload) {
                    self.retire(&part.body);
                }
                Ok(Outcome::Done)
            }
            Command::CompleteUpload { bucket, key, upload, parts, object, condition } => {
                self.complete((bucket, key), upload, parts, (object, condition))
            }
            Command::PutAccessKey(key) => {
                self.keys.insert(key.id.clone(), key);
                Ok(Outcome::Done)
            }
            Command::DeleteAccessKey { id } => {
                self.keys.remove(&id).map(|_| Outcome::Done).ok_or(Refusal::NoSuchKey)
            }
            Command::PutDrive { no, id, node, path } => {
                let here = self.drives.values().find(|d| d.id == id).cloned();
                if here.as_ref().is_some_and(|here| no.is_some_and(|no| no != here.no)) {
                    return Err(Refusal::SlotTaken);
                }
                let free = (0..).map(DriveNo).find(|no| !self.drives.contains_key(no));
                let slot = here.as_ref().map(|h| h.no).or(no).or(free).unwrap();
                let healing = here.map_or(self.drives.contains_key(&slot), |here| here.healing);
                self.drives.insert(slot, DriveRecord { no: slot, id, node, path, healing });
                Ok(Outcome::Drive { no: slot, healing })
            }
            Command::SetHealing { no, id, healing } => {
                let drive = self.drives.get_mut(&no).filter(|d| d.id == id);
                drive.ok_or(Refusal::Stale)?.healing = healing;
                Ok(Outcome::Done)
            }
            Command::ReportMissing { shards } => {
                for (blob, shard) in shards {
                    let Some(record) = self.blobs.get_mut(&blob) else { continue };
                    if usize::from(shard) < record.layout.geometry.shards() {
                        record.missing.push(shard);
                        record.missing.sort_unstable();
                        record.missing.dedup();
                    }
                }
                Ok(Outcome::Done)
            }
            Command::SetBlob { blob, before, after } => {
                if self.blobs.get(&blob) != Some(&before) {
                    return Err(Refusal::Stale);
                }
                self.blobs.insert(blob, after);
                Ok(Outcome::Done)
            }
            Command::ForgetGarbage { bodies } => {
                for body in bodies {
                    if matches!(self.life(body), Life::Garbage(_)) {
                        self.lives.insert(body, Life::Gone);
                        self.blobs.retain(|blob, _| blob.body != body);
                    }
                }
                Ok(Outcome::Done)
            }
            Command::LogGrant => {
                (self.epoch, self.next_seq) = (self.epoch + 1, 1);
                Ok(Outcome::Epoch(Epoch(self.epoch)))
            }
            Command::LogAppend { epoch, seq, records } => {
                let record = LogRecord {
                    lsn: Lsn { incarnation: 1, index, ..Lsn::default() },
                    epoch,
                    seq,
                    records,
                };
                self.append(record)
            }
            Command::LogTruncate { epoch, through } => {
                if epoch.0 != self.epoch {
                    return Err(Refusal::Fenced { current: Epoch(self.epoch) });
                }
                self.truncated = self.truncated.max(through.min(self.last));
                self.log.retain(|record| record.lsn > self.truncated);
                Ok(Outcome::Done)
            }
        }
    }

    fn append(&mut self, record: LogRecord) -> Said {
        if record.epoch.0 != self.epoch || self.epoch == 0 {
            return Err(Refusal::Fenced { current: Epoch(self.epoch) });
        }
        if record.seq != self.next_seq {
            let again = |r: &&LogRecord| (r.epoch, r.seq) == (record.epoch, record.seq);
            let there = self.log.iter().find(again).map(|r| r.lsn);
            return there.map(Outcome::Lsn).ok_or(Refusal::OutOfOrder { next: self.next_seq });
        }
        if self.log_bytes() + cost(&record) > BUDGET {
            return Err(Refusal::LogFull);
        }
        (self.last, self.next_seq) = (record.lsn, self.next_seq + 1);
        self.log.push(record);
        Ok(Outcome::Lsn(self.last))
    }

    fn log_bytes(&self) -> u64 {
        self.log.iter().map(cost).sum()
    }

    fn drop_parts(&mut self, upload: UploadId) -> Vec<Part> {
        let all = self.parts.clone();
        self.parts.retain(|(id, _), _| *id != upload);
        all.into_iter().filter(|((id, _), _)| *id == upload).map(|(_, part)| part).collect()
    }

    fn complete(
        &mut self,
        key: Key,
        upload: UploadId,
        listed: Vec<(u16, String)>,
        (mut object, condition): (Object, Condition),
    ) -> Said {
        if !self.uploads.contains_key(&(key.clone(), upload)) {
            let there = self.objects.get(&key).filter(|(_, by)| *by == Some(upload));
            let (there, _) = there.ok_or(Refusal::NoSuchUpload)?;
            return Ok(Outcome::Object {
                etag: there.etag.clone(),
                size: there.size,
                replaced: None,
            });
        }
        if listed.is_empty() {
            return Err(bad());
        }
        if listed.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(Refusal::InvalidPartOrder);
        }
        let mut taken = Vec::new();
        for (number, etag) in &listed {
            let part = self.parts.get(&(upload, *number)).filter(|part| part.etag == *etag);
            taken.push(part.cloned().ok_or(Refusal::InvalidPart { number: *number })?);
        }
        for part in &taken[..taken.len() - 1] {
            if part.size < 5 << 20 {
                return Err(Refusal::PartTooSmall { number: part.number, size: part.size });
            }
        }
        Self::holds(self.objects.get(&key).map(|o| &o.0), &condition)?;
        self.uploads.remove(&(key.clone(), upload));
        for part in self.drop_parts(upload) {
            if !taken.contains(&part) {
                self.retire(&part.body);
            }
        }
        object.size = taken.iter().map(|part| part.size).sum();
        object.bodies = taken.iter().map(|part| part.body.clone()).collect();
        let summary = |part: &Part| PartSummary {
            number: part.number,
            size: part.size,
            checksums: part.checksums.clone(),
        };
        object.parts = taken.iter().map(summary).collect();
        Ok(self.show(key, object, Some(upload)))
    }

    /// Intents end with the tick that comes after their end; with blobs they become garbage.
    fn tick(&mut self) {
        let now = Tick(self.tick);
        for (body, life) in &mut self.lives {
            if matches!(life, Life::Intended(until) if now > *until) {
                let any = self.blobs.keys().any(|blob| blob.body == *body);
                *life = if any { Life::Garbage(now) } else { Life::Gone };
            }
        }
    }
}

fn cost(record: &LogRecord) -> u64 {
    record.records.iter().map(|bytes| bytes.len() as u64).sum::<u64>() + 64
}

/// Draws commands that meet: few names, few keys, bodies that are used again.
struct Draw<'r> {
    rng: &'r SeededRng,
    bodies: Vec<(BodyId, u64)>,
}

impl Draw<'_> {
    fn key(&self) -> Bytes {
        let keys: [&[u8]; 4] = [b"a", b"a/b", b"a\0", b"z"];
        Bytes::copy_from_slice(keys[self.rng.below(4) as usize])
    }

    fn bucket(&self) -> BucketId {
        BucketId(1 + self.rng.below(3))
    }

    fn upload(&self) -> UploadId {
        UploadId([self.rng.below(4) as u8; 16])
    }

    fn body(&mut self, tick: u64) -> (BodyId, u64) {
        if self.bodies.is_empty() || self.rng.one_in(3) {
            let id = BodyId { born: tick, nonce: self.rng.next_u64() };
            self.bodies.push((id, 1 + self.rng.below(3)));
        }
        let recent = self.bodies.len().saturating_sub(6);
        self.bodies[recent + self.rng.below((self.bodies.len() - recent) as u64) as usize]
    }

    fn record(&self, index: u64, body: BodyId) -> BlobRecord {
        let layout = BlobLayout::new("2+1".parse().unwrap(), 1000);
        let first = 3 * self.rng.below(2) as u16;
        let missing = if self.rng.one_in(4) { vec![self.rng.below(3) as u8] } else { Vec::new() };
        BlobRecord {
            at: index * 1000,
            layout,
            seal: Hash([(body.nonce as u8).wrapping_add(index as u8); 32]),
            drives: (first..first + 3).map(DriveNo).collect(),
            missing,
        }
    }

    fn stored(&mut self, model: &Model) -> (Body, Vec<(BlobId, BlobRecord)>) {
        if self.rng.one_in(4) {
            let n = self.rng.below(20) as usize;
            return (Body::Inline(Bytes::from(vec![n as u8; n])), Vec::new());
        }
        let (id, count) = self.body(model.tick);
        let mut blobs = Vec::new();
        for index in 0..count {
            let is_there = model.blobs.contains_key(&id.blob(index as u32));
            if !is_there && !self.rng.one_in(15) {
                blobs.push((id.blob(index as u32), self.record(index, id)));
            }
        }
        (Body::Stored { id, len: count * 1000 }, blobs)
    }

    fn object(&self, body: Body) -> Object {
        let size = match &body {
            Body::Inline(bytes) => bytes.len() as u64,
            Body::Stored { len, .. } => *len,
        };
        Object {
            version: VersionId(self.rng.id()),
            modified: WallMs(self.rng.below(1000)),
            size,
            etag: format!("e{}", self.rng.below(3)),
            attributes: Default::default(),
            checksums: Vec::new(),
            bodies: vec![body],
            parts: Vec::new(),
        }
    }

    fn condition(&self) -> Condition {
        let mut condition = Condition::default();
        let etags = |rng: &SeededRng| vec![(*rng.pick(&["*", "e0", "e1"])).to_owned()];
        match self.rng.below(6) {
            0 => condition.if_match = etags(self.rng),
            1 => condition.if_none_match = etags(self.rng),
            _ => {}
        }
        condition
    }

    fn command(&mut self, model: &Model) -> Command {
        let (bucket, key, upload) = (self.bucket(), self.key(), self.upload());
        match self.rng.below(30) {
            0 => Command::CreateBucket { name: format!("b{}", self.rng.below(3)), now: WallMs(1) },
            1 => Command::DeleteBucket { name: format!("b{}", self.rng.below(3)) },
            2 | 3 => {
                let (body, count) = self.body(model.tick);
                let index = self.rng.below(count);
                Command::ExtendBody { body, blobs: vec![(index as u32, self.record(index, body))] }
            }
            4 => Command::RenewIntent { body: self.body(model.tick).0 },
            5..=9 => {
                let (body, blobs) = self.stored(model);
                let (object, condition) = (self.object(body), self.condition());
                Command::PutObject(PutObject { bucket, key, object, blobs, condition })
            }
            10 => Command::SetAttributes {
                bucket,
                key: key.clone(),
                version: model
                    .objects
                    .get(&(bucket, key))
                    .map_or(VersionId([0; 16]), |o| o.0.version),
                attributes: Default::default(),
                now: WallMs(self.rng.below(1000)),
            },
            11..=13 => {
                let one = |key| DeleteOne { key, condition: self.condition() };
                let objects = vec![one(key), one(self.key())];
                Command::DeleteObjects { bucket, objects }
            }
            14 | 15 => Command::CreateUpload(Upload {
                id: upload,
                bucket,
                key,
                initiated: WallMs(2),
                attributes: Default::default(),
                checksum: None,
            }),
            16..=18 => {
                let at = model.uploads.keys().nth(self.rng.below(3) as usize).cloned();
                let ((bucket, key), upload) = at.unwrap_or(((bucket, key), upload));
                let (body, blobs) = self.stored(model);
                let Object { size, etag, .. } = self.object(body.clone());
                let number = 1 + self.rng.below(3) as u16;
                let (modified, checksums) = (WallMs(3), Vec::new());
                let part = Part { number, modified, size, etag, checksums, body };
                Command::PutPart(PutPart { bucket, key, upload, part, blobs })
            }
            19 => Command::AbortUpload { bucket, key, upload },
            20 | 21 => {
                let at = model.uploads.keys().nth(self.rng.below(3) as usize).cloned();
                let ((bucket, key), upload) = at.unwrap_or(((bucket, key), upload));
                let there = model.parts.iter().filter(|((id, _), _)| *id == upload);
                let mut parts: Vec<(u16, String)> =
                    there.map(|((_, n), part)| (*n, part.etag.clone())).collect();
                parts.truncate(1 + self.rng.below(2) as usize);
                let object = self.object(Body::Inline(Bytes::new()));
                let condition = self.condition();
                Command::CompleteUpload { bucket, key, upload, parts, object, condition }
            }
            22 => Command::PutAccessKey(AccessKey {
                id: format!("k{}", self.rng.below(3)),
                sealed_secret: Bytes::from_static(b"s"),
                note: "n".into(),
                created: WallMs(4),
                enabled: self.rng.one_in(2),
            }),
            23 => Command::DeleteAccessKey { id: format!("k{}", self.rng.below(3)) },
            24 => Command::PutDrive {
                no: self.rng.one_in(2).then(|| DriveNo(self.rng.below(4) as u16)),
                id: DriveId([self.rng.below(5) as u8; 16]),
                node: NodeId([1; 16]),
                path: "p".into(),
            },
            25 => {
                let no = DriveNo(self.rng.below(4) as u16);
                let id = model.drives.get(&no).map_or(DriveId([0; 16]), |drive| drive.id);
                Command::SetHealing { no, id, healing: self.rng.one_in(2) }
            }
            26 => {
                let blobs: Vec<&BlobId> = model.blobs.keys().collect();
                let some = (0..2).filter(|_| !blobs.is_empty()).map(|_| **self.rng.pick(&blobs));
                let shards = some.map(|blob| (blob, self.rng.below(4) as u8)).collect();
                Command::ReportMissing { shards }
            }
            27 => {
                let blobs: Vec<_> = model.blobs.iter().collect();
                match blobs.is_empty() {
                    true => Command::LogGrant,
                    false => {
                        let (blob, before) = *self.rng.pick(&blobs);
                        let mut after = before.clone();
                        after.missing.clear();
                        after.drives = (6..9).map(DriveNo).collect();
                        Command::SetBlob { blob: *blob, before: before.clone(), after }
                    }
                }
            }
            28 => {
                let bodies = self.bodies.iter().map(|(body, _)| *body);
                Command::ForgetGarbage { bodies: bodies.filter(|_| self.rng.one_in(2)).collect() }
            }
            _ => self.log_command(model),
        }
    }

    fn log_command(&self, model: &Model) -> Command {
        let epoch = Epoch(model.epoch - u64::from(model.epoch > 0 && self.rng.one_in(6)));
        match self.rng.below(12) {
            0 => Command::LogGrant,
            1 => {
                let index = model.truncated.index + self.rng.below(model.last.index + 2);
                Command::LogTruncate { epoch, through: Lsn { incarnation: 1, index, ..model.last } }
            }
            _ => {
                let back = if self.rng.one_in(3) { self.rng.below(4) } else { 0 };
                let seq = (model.next_seq + u64::from(self.rng.one_in(8))).saturating_sub(back);
                let records = vec![Bytes::from(vec![7; self.rng.below(200) as usize])];
                Command::LogAppend { epoch, seq, records }
            }
        }
    }
}

/// Outcomes are equal but for the words of `Bad`.
fn same(found: &Outcome, want: &Said) -> bool {
    match (found, want) {
        (Outcome::Refused(Refusal::Bad(_)), Err(Refusal::Bad(_))) => true,
        (Outcome::Refused(found), Err(want)) => found == want,
        (found, Ok(want)) => found == want,
        (_, Err(_)) => false,
    }
}

fn ask(view: &View, query: Query) -> Answer {
    query::answer(view, &query).unwrap().unwrap()
}

fn compare(view: &View, model: &Model, draw: &Draw<'_>, why: &str) {
    let buckets: Vec<Bucket> = model.buckets.values().cloned().collect();
    assert_eq!(ask(view, Query::Buckets), Answer::Buckets(buckets.clone()), "{why}");
    let usage = |bucket: Bucket| {
        let mine = model.objects.iter().filter(|(key, _)| key.0 == bucket.id);
        let bytes = mine.clone().map(|(_, (object, _))| object.size).sum();
        let usage = Usage { objects: mine.count() as u64, bytes: ByteCount(bytes) };
        (bucket, usage)
    };
    let usage = buckets.into_iter().map(usage).collect();
    assert_eq!(ask(view, Query::Usage), Answer::Usage(usage), "{why}");
    for bucket in (1..4).map(BucketId) {
        for key in [&b"a"[..], b"a/b", b"a\0", b"z"].map(Bytes::from_static) {
            let question = Query::Object { bucket, key: key.clone(), at: 0, blobs: 100 };
            let want = model.objects.get(&(bucket, key)).map(|(object, _)| {
                let ids = object.bodies.iter().filter_map(|body| match body {
                    Body::Stored { id, .. } => Some(*id),
                    Body::Inline(_) => None,
                });
                let blobs =
                    ids.flat_map(|id| model.blobs.iter().filter(move |(blob, _)| blob.body == id));
                (object.clone(), blobs.map(|(id, record)| (*id, record.clone())).collect())
            });
            assert_eq!(ask(view, question), Answer::Object(want), "{why}");
        }
    }
    for upload in (0..4).map(|n| UploadId([n; 16])) {
        let parts = model.parts.iter().filter(|((id, _), _)| *id == upload);
        let parts = parts.map(|(_, part)| part.clone()).collect();
        let want = Answer::Parts { parts, truncated: false };
        assert_eq!(ask(view, Query::ListParts { upload, after: 0, limit: 100 }), want, "{why}");
    }
    assert_eq!(ask(view, Query::Drives), Answer::Drives(model.drives.values().cloned().collect()));
    assert_eq!(ask(view, Query::AccessKeys), Answer::Keys(model.keys.values().cloned().collect()));
    compare_blobs(view, model, draw, why);
    let log = ask(view, Query::LogRead { after: Lsn::default(), limit: ByteCount(u64::MAX) });
    assert_eq!(log, Answer::Log(model.log.clone()), "{why}");
    let Answer::LogBounds(bounds) = ask(view, Query::LogBounds) else { panic!("{why}") };
    let found = (bounds.truncated, bounds.last, bounds.epoch.0, bounds.bytes.0);
    assert_eq!(found, (model.truncated, model.last, model.epoch, model.log_bytes()), "{why}");
}

fn compare_blobs(view: &View, model: &Model, draw: &Draw<'_>, why: &str) {
    let mut heal: Vec<HealEntry> = model
        .blobs
        .iter()
        .filter(|(_, record)| !record.missing.is_empty())
        .map(|(blob, record)| HealEntry {
            spare: 1u8.saturating_sub(record.missing.len() as u8),
            blob: *blob,
        })
        .collect();
    heal.sort();
    let want = Answer::Heal { queued: heal.len() as u64, entries: heal };
    assert_eq!(ask(view, Query::HealQueue { limit: 1000 }), want, "{why}: Q1");
    let mut garbage = Vec::new();
    for (body, life) in &model.lives {
        if let Life::Garbage(since) = life {
            let blobs = model.blobs.keys().filter(|blob| blob.body == *body).count() as u32;
            garbage.push(Garbage { since: *since, body: *body, blobs });
        }
    }
    garbage.sort();
    let found = ask(view, Query::Garbage { before: Tick(u64::MAX), limit: 1000 });
    assert_eq!(found, Answer::Garbage(garbage), "{why}");
    let bodies: Vec<BodyId> = draw.bodies.iter().map(|(body, _)| *body).collect();
    let states = bodies.iter().map(|body| match model.life(*body) {
        Life::Intended(until) if model.tick <= until.0 => BodyState::Intended,
        Life::Intended(_) | Life::Gone => BodyState::Unknown,
        Life::Live => BodyState::Live,
        Life::Garbage(_) => BodyState::Garbage,
    });
    let want = Answer::Bodies(states.collect());
    assert_eq!(ask(view, Query::Bodies { bodies }), want, "{why}: M5");
    for no in (0..9).map(DriveNo) {
        let on = model.blobs.iter().filter(|(_, record)| record.drives.contains(&no));
        let on: Vec<_> = on.map(|(id, record)| (*id, record.clone())).collect();
        let found = ask(view, Query::BlobsOnDrive { no, after: None, limit: 1000 });
        assert_eq!(found, Answer::Blobs(on.clone()), "{why}: drive {no}");
        if let Some((first, _)) = on.first() {
            let found = ask(view, Query::BlobsOnDrive { no, after: Some(*first), limit: 1000 });
            assert_eq!(found, Answer::Blobs(on[1..].to_vec()), "{why}: drive {no}, after");
        }
    }
}

/// What one history hands out: entries, and what must come of each.
pub struct History {
    /// Encoded entries, from log index 1.
    pub entries: Vec<Bytes>,
    /// Commands that were applied for the first time, and sent again.
    pub counts: (u64, u64),
}

/// Runs a history of `steps` entries on `apply`; compares every outcome, and
/// now and then all that can be asked of `view`.
pub fn history(
    seed: u64,
    steps: u64,
    mut apply: impl FnMut(u64, Bytes) -> Vec<Outcome>,
    mut view: impl FnMut() -> View,
) -> History {
    let rng = rng(seed);
    let session = SessionId([5; 16]);
    let mut model = Model::default();
    let mut draw = Draw { rng: &rng, bodies: Vec::new() };
    let (mut sent, mut acked) = (Vec::<(Command, Said)>::new(), 0);
    let mut history = History { entries: Vec::new(), counts: (0, 0) };
    for index in 1..=steps {
        // The entry's own tick may be behind; the state machine's is not (A2).
        let step = if rng.one_in(4) { rng.below(200_000) } else { rng.below(50) };
        let tick = if rng.one_in(5) { model.tick / 2 } else { model.tick + step };
        model.tick = model.tick.max(tick);
        let mut ops = vec![Op::OpenSession { session, log_budget: BUDGET }];
        let mut wants: Vec<Said> = vec![Ok(Outcome::Done)];
        if rng.one_in(3) {
            ops.push(Op::Tick { session });
            model.tick();
            wants.push(Ok(Outcome::Done));
        }
        let mut appended = false;
        for _ in 0..1 + rng.below(4) {
            if !sent.is_empty() && rng.one_in(6) {
                let seq = 1 + rng.below(sent.len() as u64);
                let (command, said) = sent[seq as usize - 1].clone();
                let want = if seq <= acked { Err(Refusal::SessionExpired) } else { said };
                ops.push(Op::Command { session, seq, acked, command });
                wants.push(want);
                history.counts.1 += 1;
                continue;
            }
            let command = draw.command(&model);
            if matches!(command, Command::LogAppend { .. })
                && std::mem::replace(&mut appended, true)
            {
                continue; // E1
            }
            let said = model.run(index, command.clone());
            sent.push((command.clone(), said.clone()));
            if rng.one_in(3) {
                acked = acked.max(rng.below(sent.len() as u64));
            }
            ops.push(Op::Command { session, seq: sent.len() as u64, acked, command });
            wants.push(said);
            history.counts.0 += 1;
        }
        if rng.one_in(10) {
            let stranger = SessionId([6; 16]);
            let command = Command::CreateBucket { name: "never".into(), now: WallMs(1) };
            ops.push(Op::Command { session: stranger, seq: 1, acked: 0, command });
            wants.push(Err(Refusal::SessionExpired));
        }
        let encoded: Vec<Vec<u8>> = ops.iter().map(Op::encode).collect();
        let bytes = Bytes::from(Entry::encode(Tick(tick), encoded.iter().map(Vec::as_slice)));
        history.entries.push(bytes.clone());
        let found = apply(index, bytes);
        assert_eq!(found.len(), wants.len(), "seed {seed}, entry {index}");
        for ((found, want), op) in found.iter().zip(&wants).zip(&ops) {
            let why =
                format!("seed {seed}, entry {index}: {op:?}\nfound {found:?}\nwant  {want:?}");
            assert!(same(found, want), "{why}");
        }
        if index.is_multiple_of(7) || index == steps {
            compare(&view(), &model, &draw, &format!("seed {seed}, after entry {index}"));
        }
    }
    history
}

#[test]
fn the_state_machine_agrees_with_maps() {
    let mut counts = (0, 0);
    for seed in holdfast_sim::seeds(50) {
        let store = Store::in_memory();
        let apply = |index, bytes| {
            store.apply(vec![Step::Entry { index, bytes }], b"").unwrap().0.remove(0).outcomes
        };
        let history = history(seed, 150, apply, || store.view().unwrap());
        counts = (counts.0 + history.counts.0, counts.1 + history.counts.1);
    }
    println!("model: {} commands, {} of them sent again", counts.0, counts.1);
}
