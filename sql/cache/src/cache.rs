//! The bucket, through the cache.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{join, join_all, try_join_all};
use holdfast_api::BoxFuture;
use holdfast_api::bucket::{Bucket, BucketError, Listed, ObjectWriter};
use holdfast_io::clock::{Clock, deadline};
use holdfast_io::disk::{Buf, DiskErrorKind, Drive};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::files::Files;
use crate::keeper::Keeper;
use crate::key::{ObjectKey, Span};
use crate::plan::{Fetch, Piece, Pin, Way, pieces, plan};
use crate::shared::{Run, Shared};
use crate::slot::{self, BLOCK, NAME_MAX};
use crate::status::{CacheStatus, add};

/// What the cache's disk does not give within this comes from the bucket.
const READ_LIMIT: Duration = Duration::from_secs(1);

/// What a cache needs.
#[derive(Clone)]
pub struct CacheConfig {
    /// Its directory, nobody else's.
    pub drive: Drive,
    /// What is cached.
    pub bucket: Arc<dyn Bucket>,
    /// For deadlines.
    pub clock: Arc<dyn Clock>,
    /// The most that its files take; less than [`crate::FILE_BYTES`] is nothing. [bytes]
    pub bytes: u64,
    /// Only objects whose names begin so: names that are never used a second time (K1).
    pub prefixes: &'static [&'static str],
}

/// See the crate's header. Make it inside a tokio runtime.
pub struct DiskCache {
    bucket: Arc<dyn Bucket>,
    clock: Arc<dyn Clock>,
    prefixes: &'static [&'static str],
    shared: Arc<Shared>,
    /// Held for an assignment only.
    keeper: Mutex<Option<JoinHandle<()>>>,
}

/// Pieces that lie side by side, and are read of the bucket at once.
struct Group {
    fetches: Vec<(usize, Fetch)>,
    range: Range<u64>,
    /// The end of what was asked for.
    asked: u64,
}

impl DiskCache {
    /// Serves at once; what an earlier start left is found while it does.
    pub fn start(config: CacheConfig) -> Self {
        let CacheConfig { drive, bucket, clock, bytes, prefixes } = config;
        let (shared, jobs) = Shared::new(Files::new(drive, bytes));
        let keeper = Keeper { shared: shared.clone(), bucket: bucket.clone(), prefixes };
        let keeper = Mutex::new(Some(tokio::spawn(keeper.run(jobs))));
        Self { bucket, clock, prefixes, shared, keeper }
    }

    /// Its figures.
    pub fn status(&self) -> CacheStatus {
        self.shared.status()
    }

    /// Ends the keeper; reads go on, and nothing more is kept.
    pub async fn close(&self) {
        let keeper = self.keeper.lock().take();
        if let Some(keeper) = keeper {
            keeper.abort();
            // It was told to end; how it ended says nothing.
            let _ = keeper.await;
        }
    }

    fn takes(&self, name: &str) -> bool {
        name.len() <= NAME_MAX && self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }

    async fn read_through(&self, name: &str, range: Range<u64>) -> Result<Bytes, BucketError> {
        let object = ObjectKey::of(name);
        let pieces = pieces(object, &range).unwrap_or_default();
        let ways = plan(&self.shared, &pieces).filter(|ways| !ways.is_empty());
        let Some(ways) = ways else { return self.bucket.read(name, range).await };
        let name: Arc<str> = name.into();
        match self.collect(&name, &pieces, ways).await {
            Ok(parts) => Ok(joined(parts)),
            // In the caller's words, not in ours.
            Err(BucketError::Range { .. }) => self.bucket.read(&name, range).await,
            Err(error) => Err(error),
        }
    }

    /// The bytes of each piece.
    async fn collect(
        &self,
        name: &Arc<str>,
        pieces: &[Piece],
        ways: Vec<Way>,
    ) -> Result<Vec<Bytes>, BucketError> {
        let mut parts: Vec<Option<Bytes>> = vec![None; pieces.len()];
        let (mut pins, mut landings, mut fetches) = (Vec::new(), Vec::new(), Vec::new());
        for (at, way) in ways.into_iter().enumerate() {
            match way {
                Way::Memory(run) => parts[at] = self.hit(run.part(pieces[at].wanted)),
                Way::Slot(pin) => pins.push((at, pin)),
                Way::Wait(landing) => landings.push((at, landing)),
                Way::Fetch(fetch) => fetches.push((at, fetch)),
            }
        }
        let groups = groups(pieces, fetches).into_iter().map(|group| self.fetch(name, group));
        let slots = self.read_slots(name, pieces, pins);
        let (slots, fetched) = join(slots, try_join_all(groups)).await;
        for (at, run) in fetched?.into_iter().flatten() {
            parts[at] = run.part(pieces[at].wanted);
        }
        for (at, bytes) in slots {
            parts[at] = self.hit(bytes);
        }
        for (at, landing) in landings {
            // P2; whoever gave up leaves it to us.
            parts[at] = landing.await.ok().and_then(|run| run.part(pieces[at].wanted));
        }
        let rest = rest(pieces, &parts);
        let asked = try_join_all(rest.iter().map(|range| self.ask(name, range.clone()))).await?;
        let asked: Vec<(Range<u64>, Bytes)> = rest.into_iter().zip(asked).collect();
        let part = |(piece, part): (&Piece, Option<Bytes>)| {
            part.unwrap_or_else(|| {
                let range = absolute(*piece, piece.wanted);
                let at = asked.partition_point(|(asked, _)| asked.end <= range.start);
                let (asked, bytes) = &asked[at];
                let from = (range.start - asked.start) as usize;
                bytes.slice(from..from + piece.wanted.len as usize)
            })
        };
        Ok(pieces.iter().zip(parts).map(part).collect())
    }

    fn hit(&self, bytes: Option<Bytes>) -> Option<Bytes> {
        match &bytes {
            Some(bytes) => {
                add(&self.shared.counts.hits, 1);
                add(&self.shared.counts.hit_bytes, bytes.len() as u64);
            }
            None => add(&self.shared.counts.misses, 1),
        }
        bytes
    }

    /// What slots hold; nothing for those that do not give it (K2).
    async fn read_slots(
        &self,
        name: &str,
        pieces: &[Piece],
        pins: Vec<(usize, Pin)>,
    ) -> Vec<(usize, Option<Bytes>)> {
        if pins.is_empty() {
            return Vec::new();
        }
        let numbers: Vec<usize> = pins.iter().map(|(at, _)| *at).collect();
        let reads = pins.into_iter().map(|(at, pin)| self.read_slot(name, pieces[at], pin));
        let read = match deadline(&self.clock, READ_LIMIT, join_all(reads)).await {
            Ok(read) => read,
            Err(late) => {
                let why = format!("its disk hangs: {late}");
                self.shared.read_failed(DiskErrorKind::Medium, why);
                vec![None; numbers.len()]
            }
        };
        numbers.into_iter().zip(read).collect()
    }

    async fn read_slot(&self, name: &str, piece: Piece, pin: Pin) -> Option<Bytes> {
        let Piece { key, wanted } = piece;
        let (file, at) = self.shared.files.slot(pin.slot)?;
        let buf = Buf::dirty(slot::read_bytes(pin.span, wanted));
        let verified = match file.read(at, buf).await {
            Ok(buf) => match slot::verify(&buf, (name, key.block), pin.span, wanted) {
                Some(at) => Some(part_of(buf, at)),
                None => {
                    add(&self.shared.counts.corrupt, 1);
                    None
                }
            },
            Err(error) => {
                self.shared.read_erred(&error);
                None
            }
        };
        if verified.is_none() {
            self.shared.state.lock().index.drop_slot(pin.slot, key);
        }
        verified
    }

    /// One read of the bucket, and a run for each of its pieces.
    async fn fetch(&self, name: &Arc<str>, group: Group) -> Result<Vec<(usize, Run)>, BucketError> {
        let Group { fetches, mut range, asked } = group;
        let read = match self.ask(name, range.clone()).await {
            // The last block was asked for as a whole, and is shorter.
            Err(BucketError::Range { bytes, .. }) if bytes >= asked && bytes < range.end => {
                range.end = bytes;
                self.ask(name, range.clone()).await?
            }
            read => read?,
        };
        let mut runs = Vec::with_capacity(fetches.len());
        for (at, fetch) in fetches {
            let begin = u64::from(fetch.key.block) * BLOCK as u64;
            let from = (begin + u64::from(fetch.span.from) - range.start) as usize;
            let to = (begin + u64::from(fetch.span.end())).min(range.end) - range.start;
            let run = Run { from: fetch.span.from, bytes: read.slice(from..to as usize) };
            fetch.land(name, run.clone());
            runs.push((at, run));
        }
        Ok(runs)
    }

    /// All bytes of a range, of the bucket.
    async fn ask(&self, name: &str, range: Range<u64>) -> Result<Bytes, BucketError> {
        let bytes = self.bucket.read(name, range.clone()).await?;
        add(&self.shared.counts.fetched_bytes, bytes.len() as u64);
        if bytes.len() as u64 != range.end - range.start {
            let why = format!("{} bytes came for {range:?}", bytes.len());
            return Err(BucketError::Broken { name: name.into(), why });
        }
        Ok(bytes)
    }
}

fn absolute(piece: Piece, span: Span) -> Range<u64> {
    let begin = u64::from(piece.key.block) * BLOCK as u64;
    begin + u64::from(span.from)..begin + u64::from(span.end())
}

/// Fetches whose spans meet, together.
fn groups(pieces: &[Piece], fetches: Vec<(usize, Fetch)>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (at, fetch) in fetches {
        let range = absolute(pieces[at], fetch.span);
        let asked = absolute(pieces[at], pieces[at].wanted).end;
        match groups.last_mut() {
            Some(last) if last.range.end == range.start => {
                (last.range.end, last.asked) = (range.end, asked);
                last.fetches.push((at, fetch));
            }
            _ => groups.push(Group { fetches: vec![(at, fetch)], range, asked }),
        }
    }
    groups
}

/// What nobody brought, pieces that meet together.
fn rest(pieces: &[Piece], parts: &[Option<Bytes>]) -> Vec<Range<u64>> {
    let mut rest: Vec<Range<u64>> = Vec::new();
    for (piece, _) in pieces.iter().zip(parts).filter(|(_, part)| part.is_none()) {
        let range = absolute(*piece, piece.wanted);
        match rest.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => rest.push(range),
        }
    }
    rest
}

/// A part of a slot: the slot's own memory where most of it is wanted, else a copy, so that
/// little does not keep much in memory.
fn part_of(buf: Buf, at: Range<usize>) -> Bytes {
    match at.len() * 2 > buf.len() {
        true => Bytes::from_owner(buf).slice(at),
        false => Bytes::copy_from_slice(&buf[at]),
    }
}

fn joined(parts: Vec<Bytes>) -> Bytes {
    match <[Bytes; 1]>::try_from(parts) {
        Ok([one]) => one,
        Err(parts) => {
            let mut all = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
            parts.iter().for_each(|part| all.extend_from_slice(part));
            all.freeze()
        }
    }
}

impl Bucket for DiskCache {
    fn create(&self, name: &str, bytes: Option<u64>) -> Box<dyn ObjectWriter> {
        self.bucket.create(name, bytes)
    }

    fn read(&self, name: &str, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, BucketError>> {
        if range.start >= range.end || !self.takes(name) {
            return self.bucket.read(name, range);
        }
        let name = name.to_owned();
        Box::pin(async move { self.read_through(&name, range).await })
    }

    fn list(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Listed>, BucketError>> {
        self.bucket.list(prefix, after, limit)
    }

    fn delete(&self, name: &str) -> BoxFuture<'_, Result<(), BucketError>> {
        let name = name.to_owned();
        Box::pin(async move {
            let deleted = self.bucket.delete(&name).await;
            // Also after an error, which does not say that it is still there.
            self.shared.forget(ObjectKey::of(&name));
            deleted
        })
    }
}

impl Drop for DiskCache {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.get_mut() {
            keeper.abort();
        }
    }
}

impl std::fmt::Debug for DiskCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DiskCache({:?})", self.shared.files.drive())
    }
}
