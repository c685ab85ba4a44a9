//! The writer: owns the end of a drive's open segment.
//!
//! ```text
//! asks --> small frames  --one group of all that wait-->  one contiguous write   (4 in flight)
//!      \-> large frames  --each in its own buffer------>  a write each          (16 in flight)
//! position and sequence number are given before the write, the index learns after it
//! ```
//!
//! Invariants
//! - W1: an ask is answered after its bytes were written as durably as it wanted,
//!   and after the index knows them.
//! - W2: a `sync` covers every write that was answered before it was asked for; those
//!   who wait at one moment share one pass.
//! - W4: sequence numbers follow the order of asking, whatever order writes end in.
//! - W6: a segment is sealed once nothing of it is in flight.
//! - W7: a full disk still takes what makes room: tombstones and copies.
//!
//! Not here: how a group is laid out (`group`), where spares come from (`prepare`),
//! what becomes of dead frames (`clean`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use holdfast_api::BoxFuture;
use holdfast_api::drive::DriveError;
use holdfast_base::ShardId;
use holdfast_io::disk::{Durability, File};
use tokio::sync::mpsc;

use super::clean::Punch;
use super::frame::{Kind, sequence};
use super::group::{FRAME, Filling, Item, Prepared, SMALL, Ticket, What};
use super::index::Place;
use super::prepare::{self, Opened, Purpose};
use super::recover;
use super::segment::{Entry, SegmentNo};
use super::shared::{Shared, State};

/// Groups of small frames in flight. 16 durable writes of 4 KiB at a time ran at 0.7 of fio's
/// rate with two, at 1.0 with four, at 0.7 with eight, for the same CPU time each (a virtio disk
/// of a 2-core EPYC VM, November 2026).
const SMALL_IN_FLIGHT: usize = 4;

/// Large frames in flight.
const LARGE_IN_FLIGHT: usize = 16;

/// What the writer is asked.
#[derive(Debug)]
pub enum Ask {
    /// Keep a shard.
    Write(Prepared, Durability, Ticket),
    /// Keep a copy, which gets this sequence number, of the frame that lies there.
    Copy(Prepared, u64, Place, Ticket),
    /// Forget shards, at most `group::DELETE_MAX`.
    Delete(Vec<ShardId>, Ticket),
    /// Make everything that was answered durable.
    Sync(Ticket),
}

/// The owner task's state.
pub struct Writer {
    shared: Arc<Shared>,
    /// The next frame is the how-manieth of the drive.
    next_count: u64,
    small: VecDeque<Item>,
    large: VecDeque<Item>,
    small_in_flight: usize,
    large_in_flight: usize,
    /// Shards that are queued or in flight, and how often.
    coming: BTreeMap<ShardId, u32>,
    open: Option<Filling>,
    /// Full, with writes in flight, or waiting for their footer.
    closing: BTreeMap<SegmentNo, Filling>,
    opening: bool,
    waits_for_spare: bool,
    sync_waiters: Vec<Ticket>,
    syncing: bool,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
}

/// One write.
struct Group {
    segment: SegmentNo,
    durability: Durability,
    large: bool,
    entries: Vec<(Entry, Option<Place>)>,
    items: Vec<(Ticket, Vec<ShardId>)>,
}

/// Work that ended.
enum Done {
    Written(Group, Result<(), DriveError>),
    Opened(Purpose, Result<Option<Opened>, DriveError>),
    Sealed(SegmentNo, Result<(), DriveError>),
    Synced(Vec<Ticket>, Result<(), DriveError>),
}

impl Writer {
    /// Nothing open yet.
    pub fn new(shared: Arc<Shared>, next_count: u64) -> Self {
        Self {
            shared,
            next_count,
            small: VecDeque::new(),
            large: VecDeque::new(),
            small_in_flight: 0,
            large_in_flight: 0,
            coming: BTreeMap::new(),
            open: None,
            closing: BTreeMap::new(),
            opening: false,
            waits_for_spare: false,
            sync_waiters: Vec::new(),
            syncing: false,
            work: FuturesUnordered::new(),
        }
    }

    /// Serves until the store closes or the drive fails.
    pub async fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        let shared = self.shared.clone();
        let mut closing = shared.closing.subscribe();
        loop {
            self.start();
            tokio::select! { biased;
                _ = closing.wait_for(|closing| *closing) => break,
                () = shared.health.failed() => break,
                Some(done) = self.work.next(), if !self.work.is_empty() => self.finish(done),
                ask = asks.recv() => {
                    let Some(ask) = ask else { break };
                    self.take(ask);
                    while let Ok(ask) = asks.try_recv() {
                        self.take(ask);
                    }
                }
                () = shared.spares_changed.notified(), if self.waits_for_spare => {
                    self.waits_for_spare = false;
                }
            }
        }
        asks.close();
        self.wind_down().await;
    }

    /// What is in flight ends; the open segment gets its footer, for a fast start.
    async fn wind_down(mut self) {
        // Tickets that are dropped answer "closed", or why the drive is offline.
        self.small.clear();
        self.large.clear();
        while let Some(done) = self.work.next().await {
            self.finish(done);
        }
        if let Some(filling) = self.open.take()
            && !filling.written.is_empty()
            && self.shared.health.check().is_ok()
        {
            self.seal(filling);
            while let Some(done) = self.work.next().await {
                self.finish(done);
            }
        }
    }

    /// Queues an ask (W4).
    fn take(&mut self, ask: Ask) {
        let item = match ask {
            Ask::Sync(ticket) => return self.sync_waiters.push(ticket),
            Ask::Write(frame, durability, ticket) => {
                let sequence = self.sequences(1);
                Item { what: What::Frame(frame), sequence, durability, ticket }
            }
            Ask::Copy(frame, sequence, from, ticket) => {
                let what = What::Copy(frame, from);
                Item { what, sequence, durability: Durability::Later, ticket }
            }
            Ask::Delete(mut shards, ticket) => {
                let core = self.shared.core();
                let coming = &self.coming;
                shards.retain(|shard| {
                    core.index.needs_tombstone(*shard) || coming.contains_key(shard)
                });
                drop(core);
                if shards.is_empty() {
                    return ticket.answer(Ok(()));
                }
                let sequence = self.sequences(shards.len() as u64);
                let what = What::Tombstones(shards);
                Item { what, sequence, durability: Durability::Later, ticket }
            }
        };
        for shard in item.what.shards() {
            *self.coming.entry(shard).or_default() += 1;
        }
        self.queue(item);
    }

    fn queue(&mut self, item: Item) {
        let queue = if item.what.bytes() > SMALL && !matches!(item.what, What::Tombstones(_)) {
            &mut self.large
        } else {
            &mut self.small
        };
        queue.push_back(item);
    }

    /// The first of `count` sequence numbers, which are [`FRAME`] apart.
    fn sequences(&mut self, count: u64) -> u64 {
        let first = self.next_count;
        self.next_count += count;
        sequence(first)
    }

    /// Starts whatever can be started.
    fn start(&mut self) {
        if !self.syncing && !self.sync_waiters.is_empty() {
            self.sync();
        }
        loop {
            let small = !self.small.is_empty() && self.small_in_flight < SMALL_IN_FLIGHT;
            let large = !self.large.is_empty() && self.large_in_flight < LARGE_IN_FLIGHT;
            if !small && !large {
                return;
            }
            let may_roll = self.may_roll();
            let Some(filling) = &self.open else { return self.open_segment() };
            let queue = if large { &mut self.large } else { &mut self.small };
            let group = filling.gather(queue);
            if !group.is_empty() {
                self.write(group, large);
            } else if filling.placed == 0 || !may_roll {
                // It does not fit an empty segment: one that was made when they were
                // smaller. Or there is no other: what is left takes what is smaller (W7).
                let item = queue.pop_front().expect("`small` or `large` says that there is one");
                self.refuse(item);
            } else {
                self.roll();
            }
        }
    }

    /// False if the disk is full and there is no spare.
    fn may_roll(&self) -> bool {
        let core = self.shared.core();
        !(core.full && core.spares.is_empty())
    }

    /// Writes `items`, which fit the open segment, as one group (W3).
    fn write(&mut self, items: Vec<Item>, large: bool) {
        let filling = self.open.as_mut().expect("the caller looked");
        let (file, segment) = (filling.opened.file.clone(), filling.opened.no);
        let durable = items.iter().any(|item| item.durability == Durability::Durable);
        let durability = if durable { Durability::Durable } else { Durability::Later };
        let (mut entries, mut tickets) = (Vec::new(), Vec::new());
        let at = filling.at;
        let buf = filling.lay_out(items, &mut entries, &mut tickets);
        let group = Group { segment, durability, large, entries, items: tickets };
        if large {
            self.large_in_flight += 1;
        } else {
            self.small_in_flight += 1;
        }
        let shared = self.shared.clone();
        let write = file.write(at, buf, durability);
        self.work.push(Box::pin(async move {
            let done = shared.health.change(write).await;
            Done::Written(group, done.map(drop))
        }));
    }

    fn finish(&mut self, done: Done) {
        match done {
            Done::Written(group, result) => self.written(group, result),
            Done::Opened(purpose, result) => self.opened(purpose, result),
            Done::Sealed(no, result) => self.sealed(no, &result),
            Done::Synced(tickets, result) => {
                self.syncing = false;
                for ticket in tickets {
                    ticket.answer(self.repeat(&result));
                }
            }
        }
    }

    fn written(&mut self, group: Group, result: Result<(), DriveError>) {
        if group.large {
            self.large_in_flight -= 1;
        } else {
            self.small_in_flight -= 1;
        }
        for (_, shards) in &group.items {
            self.uncount(shards);
        }
        if result.is_ok() {
            self.learn(&group);
        } else {
            self.doubt(&group);
        }
        self.settle(&group, &result);
        let deleted = matches!(result, Err(DriveError::Full { .. }));
        for (ticket, shards) in group.items {
            let tombstones = group.entries.iter().any(|(entry, _)| {
                entry.kind == Kind::Tombstone && shards.first() == Some(&entry.shard)
            });
            if deleted && tombstones {
                self.forget(&shards);
                ticket.answer(Ok(()));
            } else {
                ticket.answer(self.repeat(&result));
            }
        }
    }

    /// The index learns what was written, before anyone is answered (W1).
    fn learn(&self, group: &Group) {
        let mut guard = self.shared.core();
        let core = &mut *guard;
        let mut died = false;
        for (entry, from) in &group.entries {
            let dead = match from {
                Some(from) => core.index.relocate(group.segment, entry, *from),
                None => core.index.apply(group.segment, entry),
            };
            if let Some(dead) = dead {
                died = true;
                Punch::queue(core, dead.place);
            }
        }
        if group.durability == Durability::Later
            && let Some(segment) = core.segments.get_mut(&group.segment)
        {
            segment.dirty = true;
        }
        drop(guard);
        if died {
            self.shared.frames_died.notify_one();
        }
    }

    /// The write failed, and may still land: its place is never given to anything else, and
    /// a restart may find its frames.
    fn doubt(&self, group: &Group) {
        let mut core = self.shared.core();
        for (entry, _) in &group.entries {
            core.index.doubt(group.segment, entry);
        }
        if let Some(segment) = core.segments.get_mut(&group.segment) {
            segment.reusable = false;
        }
    }

    /// The segment learns that a write of it ended.
    fn settle(&mut self, group: &Group, result: &Result<(), DriveError>) {
        if matches!(result, Err(DriveError::Full { .. }))
            && self.open.as_ref().is_some_and(|open| open.opened.no == group.segment)
        {
            self.roll_now();
        }
        let open = self.open.as_mut().filter(|open| open.opened.no == group.segment);
        let Some(filling) = open.or_else(|| self.closing.get_mut(&group.segment)) else { return };
        filling.in_flight -= 1;
        if result.is_ok() {
            filling.written.extend(group.entries.iter().map(|(entry, _)| *entry));
        }
        if filling.in_flight == 0
            && let Some(filling) = self.closing.remove(&group.segment)
        {
            self.seal(filling);
        }
    }

    /// The open segment is full.
    fn roll(&mut self) {
        self.roll_now();
        let done = self.closing.iter().find(|(_, filling)| filling.in_flight == 0);
        if let Some(no) = done.map(|(no, _)| *no)
            && let Some(filling) = self.closing.remove(&no)
        {
            self.seal(filling);
        }
    }

    fn roll_now(&mut self) {
        if let Some(filling) = self.open.take() {
            self.closing.insert(filling.opened.no, filling);
        }
    }

    /// Makes a full segment durable and writes its footer (W5).
    fn seal(&mut self, filling: Filling) {
        let shared = self.shared.clone();
        self.work.push(Box::pin(async move {
            let Opened { no, file, life } = filling.opened;
            let result = recover::seal(&shared, no, life, (&file, &filling.written)).await;
            Done::Sealed(no, result)
        }));
    }

    fn sealed(&self, no: SegmentNo, result: &Result<(), DriveError>) {
        if let Some(segment) = self.shared.core().segments.get_mut(&no) {
            segment.state = State::Sealed;
            segment.dirty &= result.is_err();
            segment.reusable &= result.is_ok();
        }
        self.shared.frames_died.notify_one();
    }

    fn open_segment(&mut self) {
        if self.opening || self.waits_for_spare {
            return;
        }
        self.opening = true;
        let makes_room = self.small.iter().chain(&self.large).all(|item| item.what.makes_room());
        let purpose = if makes_room { Purpose::MakingRoom } else { Purpose::User };
        let shared = self.shared.clone();
        self.work.push(Box::pin(async move {
            Done::Opened(purpose, prepare::open(&shared, purpose).await)
        }));
    }

    fn opened(&mut self, purpose: Purpose, result: Result<Option<Opened>, DriveError>) {
        self.opening = false;
        match result {
            Ok(Some(opened)) => self.open = Some(Filling::new(opened)),
            Ok(None) => self.waits_for_spare = true,
            Err(_) => {
                let queued = std::mem::take(&mut self.small).into_iter();
                for item in queued.chain(std::mem::take(&mut self.large)) {
                    if item.what.makes_room() && purpose == Purpose::User {
                        self.queue(item);
                    } else {
                        self.refuse(item);
                    }
                }
            }
        }
    }

    /// There is no room for it. (Deleting needs none: a restart may bring the shard
    /// back, and whoever collects will delete it again.)
    fn refuse(&mut self, item: Item) {
        let shards: Vec<ShardId> = item.what.shards().collect();
        self.uncount(&shards);
        if matches!(item.what, What::Tombstones(_)) {
            self.forget(&shards);
            return item.ticket.answer(Ok(()));
        }
        let full = Err(DriveError::Full { drive: self.shared.identity.no });
        item.ticket.answer(self.shared.health.check().and(full));
    }

    fn forget(&mut self, shards: &[ShardId]) {
        let first = self.sequences(shards.len() as u64);
        let mut guard = self.shared.core();
        let core = &mut *guard;
        for (shard, sequence) in shards.iter().zip((first..).step_by(FRAME)) {
            if let Some(dead) = core.index.forget(*shard, sequence) {
                Punch::queue(core, dead.place);
            }
        }
        drop(guard);
        self.shared.frames_died.notify_one();
    }

    /// One pass over all segments that are dirty now (W2).
    fn sync(&mut self) {
        self.syncing = true;
        let tickets = std::mem::take(&mut self.sync_waiters);
        let mut dirty: Vec<(SegmentNo, Arc<File>)> = Vec::new();
        for (no, segment) in &mut self.shared.core().segments {
            if std::mem::take(&mut segment.dirty) {
                dirty.push((*no, segment.file.clone()));
            }
        }
        let shared = self.shared.clone();
        self.work.push(Box::pin(async move {
            let syncs = dirty.iter().map(|(no, file)| {
                let (shared, sync) = (&shared, file.sync());
                async move {
                    let done = shared.health.sync(sync).await;
                    if done.is_err()
                        && let Some(segment) = shared.core().segments.get_mut(no)
                    {
                        segment.dirty = true;
                    }
                    done
                }
            });
            let result = join_all(syncs).await.into_iter().collect();
            Done::Synced(tickets, result)
        }));
    }

    /// One answer for many: an error of the disk has taken the drive offline.
    fn repeat(&self, result: &Result<(), DriveError>) -> Result<(), DriveError> {
        let drive = self.shared.identity.no;
        match result {
            Ok(()) => Ok(()),
            Err(DriveError::Full { .. }) => Err(DriveError::Full { drive }),
            Err(DriveError::Late { after_ms, .. }) => {
                Err(DriveError::Late { drive, after_ms: *after_ms })
            }
            Err(_) => Err(self.shared.health.why()),
        }
    }

    fn uncount(&mut self, shards: &[ShardId]) {
        for shard in shards {
            if let Some(count) = self.coming.get_mut(shard) {
                *count -= 1;
                if *count == 0 {
                    self.coming.remove(shard);
                }
            }
        }
    }
}
