//! Groups: frames that wait are laid out behind one another, to be written as one.
//!
//! Invariants
//! - W3: groups begin and end at blocks, each block belongs to one group (S4).
//! - W5: what is given a place leaves room for the segment's footer.
//!
//! Pure but for buffers. Not here: when a group is written (`writer`).

use std::collections::VecDeque;

use holdfast_api::drive::DriveError;
use holdfast_base::ShardId;
use holdfast_base::limits::BLOCK_BYTES;
use holdfast_io::disk::{Buf, Durability};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::frame::{Kind, SECTOR, Stamp, fill_tombstone, frame_bytes, sequence, stamp};
use super::index::Place;
use super::prepare::Opened;
use super::segment::{Entry, FIRST_GROUP, footer_bytes};

/// Frames up to this size are copied into one write with their neighbours. Larger ones go
/// side by side: 16 durable writes of 64 KiB ran at 1.8 GB/s, two of 512 KiB at 1.3 (fio on
/// a virtio disk of a 2-core EPYC VM, `--sync=dsync`, November 2026). [bytes]
pub const SMALL: usize = if cfg!(test) { 16 << 10 } else { 32 << 10 };

/// The most that one group holds. [bytes]
const GROUP_BYTES_MAX: usize = if cfg!(test) { 64 << 10 } else { 1 << 20 };

/// The most shards that one ask deletes.
pub const DELETE_MAX: usize = GROUP_BYTES_MAX / SECTOR / 2;

/// The distance of the sequence numbers of two frames that were asked for one after the other.
pub const FRAME: usize = sequence(1) as usize;

/// Where an answer goes.
pub type Reply = oneshot::Sender<Result<(), DriveError>>;

/// A frame, complete but for its stamp.
#[derive(Debug)]
pub struct Prepared {
    /// Header, payload, zeros to whole blocks. The payload may be shared.
    pub buf: Buf,
    /// What it says.
    pub kind: Kind,
    /// Of which shard.
    pub shard: ShardId,
    /// Where the payload begins. [bytes]
    pub payload_at: usize,
    /// Its length. [bytes]
    pub payload_len: usize,
}

/// Who asked, and its share of the queue.
#[derive(Debug)]
pub struct Ticket {
    /// Where the answer goes.
    pub reply: Reply,
    /// Its share of the queue; `None` for the store's own tasks, which bound themselves.
    pub permit: Option<OwnedSemaphorePermit>,
}

/// Something to write.
pub struct Item {
    /// What.
    pub what: What,
    /// The sequence number of its first frame.
    pub sequence: u64,
    /// How durable its writer wants it.
    pub durability: Durability,
    /// Who waits for it.
    pub ticket: Ticket,
}

pub enum What {
    /// A shard.
    Frame(Prepared),
    /// A copy of the frame that lies there.
    Copy(Prepared, Place),
    /// The deletion of shards.
    Tombstones(Vec<ShardId>),
}

/// A segment that frames go to.
pub struct Filling {
    /// The segment.
    pub opened: Opened,
    /// Where the next group begins. [bytes]
    pub at: u64,
    /// Frames given a place, those in flight included.
    pub placed: usize,
    /// Frames that were written.
    pub written: Vec<Entry>,
    /// Its writes that have not ended.
    pub in_flight: usize,
}

impl Filling {
    /// Nothing in it yet.
    pub fn new(opened: Opened) -> Self {
        Self { opened, at: FIRST_GROUP, placed: 0, written: Vec::new(), in_flight: 0 }
    }

    /// Takes from `queue` what goes into one group: one large item, or small
    /// ones; nothing if the first does not fit.
    pub fn gather(&self, queue: &mut VecDeque<Item>) -> Vec<Item> {
        let (mut bytes, mut frames, mut group) = (0, self.placed, Vec::new());
        while let Some(next) = queue.front() {
            let (more_bytes, more) = (bytes + next.what.bytes(), frames + next.what.frames());
            let end = self.at + (more_bytes as u64).next_multiple_of(BLOCK_BYTES as u64);
            let fits = end + footer_bytes(more) <= self.opened.file.len();
            if !fits || (!group.is_empty() && more_bytes > GROUP_BYTES_MAX) {
                break;
            }
            (bytes, frames) = (more_bytes, more);
            group.extend(queue.pop_front());
            if bytes > SMALL && group.len() == 1 {
                break;
            }
        }
        group
    }

    /// Gives every frame its place and stamp; returns the bytes of the group.
    pub fn lay_out(
        &mut self,
        items: Vec<Item>,
        entries: &mut Vec<(Entry, Option<Place>)>,
        tickets: &mut Vec<(Ticket, Vec<ShardId>)>,
    ) -> Buf {
        let bytes: usize = items.iter().map(|item| item.what.bytes()).sum();
        let bytes = bytes.next_multiple_of(BLOCK_BYTES);
        let (life, begin) = (self.opened.life, self.at);
        self.at += bytes as u64;
        self.in_flight += 1;
        let in_place = items.len() == 1 && items[0].what.buf_len() >= bytes;
        let mut group = if in_place { None } else { Some(Buf::dirty(bytes)) };
        let mut at = 0;
        for item in items {
            let shards: Vec<ShardId> = item.what.shards().collect();
            let here = |sequence, at: usize| Stamp { life, sequence, at: begin + at as u64 };
            match item.what {
                What::Tombstones(shards) => {
                    let into = group.as_mut().expect("tombstones come without a buffer");
                    let sequences = (item.sequence..).step_by(FRAME);
                    for (shard, sequence) in shards.iter().zip(sequences) {
                        fill_tombstone(&mut into[at..at + SECTOR], *shard);
                        stamp(&mut into[at..at + SECTOR], here(sequence, at));
                        entries.push((Entry::tombstone(*shard, here(sequence, at)), None));
                        at += SECTOR;
                    }
                }
                What::Frame(frame) => {
                    let at_stamp = here(item.sequence, at);
                    entries.push((frame.entry(at_stamp), None));
                    at += frame.lay(at, &mut group, at_stamp);
                }
                What::Copy(frame, from) => {
                    let at_stamp = here(item.sequence, at);
                    entries.push((frame.entry(at_stamp), Some(from)));
                    at += frame.lay(at, &mut group, at_stamp);
                }
            }
            tickets.push((item.ticket, shards));
        }
        self.placed += entries.len();
        let mut group = group.expect("filled by the loop: there is at least one item");
        group.truncate(bytes);
        if !in_place {
            group[at..].fill(0);
        }
        group
    }
}

impl Prepared {
    fn frame_bytes(&self) -> usize {
        frame_bytes(self.payload_at, self.payload_len)
    }

    fn entry(&self, stamp: Stamp) -> Entry {
        Entry {
            shard: self.shard,
            kind: self.kind,
            sequence: stamp.sequence,
            at: stamp.at,
            payload_at: self.payload_at,
            payload_len: self.payload_len,
        }
    }

    /// Puts the frame into `group` at `at`, or makes its own buffer the group.
    /// Returns what it takes. [bytes]
    fn lay(mut self, at: usize, group: &mut Option<Buf>, here: Stamp) -> usize {
        let (used, bytes) = (self.payload_at + self.payload_len, self.frame_bytes());
        stamp(&mut self.buf, here);
        match group {
            None => *group = Some(self.buf),
            Some(group) => {
                group[at..at + used].copy_from_slice(&self.buf[..used]);
                group[at + used..at + bytes].fill(0);
            }
        }
        bytes
    }
}

impl What {
    /// What its frames take. [bytes]
    pub fn bytes(&self) -> usize {
        match self {
            What::Frame(frame) | What::Copy(frame, _) => frame.frame_bytes(),
            What::Tombstones(shards) => shards.len() * SECTOR,
        }
    }

    fn buf_len(&self) -> usize {
        match self {
            What::Frame(frame) | What::Copy(frame, _) => frame.buf.len(),
            What::Tombstones(_) => 0,
        }
    }

    /// Their number.
    pub fn frames(&self) -> usize {
        match self {
            What::Frame(_) | What::Copy(..) => 1,
            What::Tombstones(shards) => shards.len(),
        }
    }

    /// It makes room, now or later: it may take the last spare.
    pub fn makes_room(&self) -> bool {
        !matches!(self, What::Frame(_))
    }

    /// The shards that it is about.
    pub fn shards(&self) -> impl Iterator<Item = ShardId> + '_ {
        let (one, many) = match self {
            What::Frame(frame) | What::Copy(frame, _) => (Some(frame.shard), &[][..]),
            What::Tombstones(shards) => (None, &shards[..]),
        };
        one.into_iter().chain(many.iter().copied())
    }
}

impl Ticket {
    /// Answers, and gives back its share of the queue.
    pub fn answer(self, result: Result<(), DriveError>) {
        drop(self.permit);
        // Whoever asked may have given up; then nobody wants the answer.
        let _ = self.reply.send(result);
    }
}

impl Entry {
    fn tombstone(shard: ShardId, stamp: Stamp) -> Self {
        let Stamp { sequence, at, .. } = stamp;
        Self { shard, kind: Kind::Tombstone, sequence, at, payload_at: SECTOR, payload_len: 0 }
    }
}
