//! One simulated file: what is durable, what reads see, and what lies between.
//!
//! ```text
//! visible = durable + pending, in order
//! a power cut: each pending sector keeps a prefix of the changes made to it,
//!              or becomes unreadable; what `settle` took is safe
//! ```
//!
//! Invariants
//! - I1: a block that no pending change touches is the same in both images.
//! - I2: once a change is settled, no earlier one of the same bytes can come back.
//!
//! Not here: names, errors and who asks (`medium`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_base::limits::BLOCK_BYTES;
use holdfast_io::rng::SeededRng;

/// What a power cut leaves whole or not at all (D2). [bytes]
pub const SECTOR_BYTES: u64 = 512;

const BLOCK: u64 = BLOCK_BYTES as u64;

/// Bytes by block; an absent block is zeros, so empty segments cost nothing.
#[derive(Clone, Debug, Default)]
struct Blocks(BTreeMap<u64, Arc<[u8; BLOCK_BYTES]>>);

/// Something that happened to a file and is not durable yet.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// New bytes.
    Write { at: u64, bytes: Bytes },
    /// Zeros: a punched range.
    Zero { at: u64, len: u64 },
    /// A new length; files for blocking use only.
    Resize { len: u64 },
}

/// One file.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    /// What reads see. [bytes]
    pub(super) len: u64,
    durable_len: u64,
    visible: Blocks,
    durable: Blocks,
    /// In the order in which they happened.
    pending: Vec<(Mark, Change)>,
    next: u64,
    /// Sectors that cannot be read until they are written.
    unreadable: BTreeSet<u64>,
}

/// When a change happened, among those of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark(u64);

impl Image {
    /// `len` durable zeros.
    pub(super) fn zeros(len: u64) -> Self {
        Self { len, durable_len: len, ..Self::default() }
    }

    /// `bytes`, durable.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut image = Self::zeros(bytes.len() as u64);
        image.visible.write(0, bytes);
        image.durable = image.visible.clone();
        image
    }

    /// What reads see; false when a sector in there cannot be read.
    pub(super) fn read(&self, at: u64, into: &mut [u8]) -> bool {
        self.visible.read(at, into);
        self.unreadable.range(sectors(at, into.len() as u64)).next().is_none()
    }

    /// Makes a change that a power cut may undo.
    pub(super) fn apply(&mut self, change: Change) -> Mark {
        let mark = Mark(self.next);
        self.next += 1;
        match &change {
            Change::Write { at, bytes } => {
                self.visible.write(*at, bytes);
                self.make_readable(*at, bytes.len() as u64);
            }
            Change::Zero { at, len } => {
                self.visible.zero(*at..at + len);
                self.make_readable(*at, *len);
            }
            Change::Resize { len } => {
                if *len < self.len {
                    self.visible.zero(*len..self.len);
                }
                self.len = *len;
            }
        }
        self.pending.push((mark, change));
        mark
    }

    /// The mark of everything that happened so far.
    pub(super) fn now(&self) -> Mark {
        Mark(self.next)
    }

    /// Makes everything before `until` durable.
    pub(super) fn settle_before(&mut self, until: Mark) {
        let later = self.pending.partition_point(|(mark, _)| *mark < until);
        let settled: Vec<_> = self.pending.drain(..later).collect();
        for (_, change) in settled {
            self.make_durable(change);
        }
    }

    /// Makes the change `mark` alone durable.
    pub(super) fn settle(&mut self, mark: Mark) {
        let Ok(index) = self.pending.binary_search_by_key(&mark, |(mark, _)| *mark) else { return };
        let (_, change) = self.pending.remove(index);
        let Some(range) = change.range() else { return self.make_durable(change) };
        // I2: what lies below it is overwritten for good.
        let earlier: Vec<_> = self.pending.drain(..index).collect();
        let trimmed = earlier.into_iter().flat_map(|(mark, change)| {
            change.without(&range).into_iter().map(move |change| (mark, change))
        });
        let later = trimmed.chain(std::mem::take(&mut self.pending)).collect();
        self.pending = later;
        self.make_durable(change);
    }

    /// The power goes; see the header. One in `torn_one_in` pending sectors
    /// becomes unreadable, none when it is 0. How many, for the ledger.
    pub(super) fn cut(&mut self, rng: &SeededRng, torn_one_in: u64) -> u64 {
        let pending = std::mem::take(&mut self.pending);
        let mut kept = self.draw(&pending, rng);
        let resizes = pending.iter().filter(|(_, c)| matches!(c, Change::Resize { .. })).count();
        let mut resizes_kept = rng.below(resizes as u64 + 1);
        let mut len = self.durable_len;
        for (_, change) in &pending {
            match change {
                Change::Resize { len: new } if resizes_kept > 0 => {
                    resizes_kept -= 1;
                    if *new < len {
                        self.durable.zero(*new..len);
                    }
                    len = *new;
                }
                Change::Resize { .. } => {}
                Change::Write { at, bytes } => {
                    each_sector(*at, bytes.len() as u64, |sector, part| {
                        if take_one(&mut kept, sector) {
                            let from = (part.start - at) as usize..(part.end - at) as usize;
                            self.durable.write(part.start, &bytes[from]);
                        }
                    })
                }
                Change::Zero { at, len } => each_sector(*at, *len, |sector, part| {
                    if take_one(&mut kept, sector) {
                        self.durable.zero(part);
                    }
                }),
            }
        }
        let torn: Vec<u64> = kept
            .into_keys()
            .filter(|sector| {
                sector * SECTOR_BYTES < len && torn_one_in > 0 && rng.one_in(torn_one_in)
            })
            .collect();
        self.durable.truncate(len);
        self.durable_len = len;
        self.unreadable.extend(&torn);
        self.forget_pending();
        torn.len() as u64
    }

    /// The process ends, the machine does not: all that was seen stays.
    pub(super) fn keep_all(&mut self) {
        self.settle_before(self.now());
    }

    /// A sync failed: every pending sector is what it was, or what it became,
    /// for good, and nobody will be told again.
    pub(super) fn lose_some(&mut self, rng: &SeededRng) {
        self.cut(rng, 0);
    }

    /// Changes what is stored, behind everybody's back.
    pub(super) fn tamper(&mut self, at: u64, change: impl Fn(&mut u8)) {
        for blocks in [&mut self.visible, &mut self.durable] {
            let mut byte = [0];
            blocks.read(at, &mut byte);
            change(&mut byte[0]);
            blocks.write(at, &byte);
        }
    }

    /// The sector that holds `at` cannot be read any more.
    pub(super) fn spoil(&mut self, at: u64) {
        self.unreadable.insert(at / SECTOR_BYTES);
    }

    /// Blocks that hold something, for picking a victim.
    pub(super) fn stored_blocks(&self) -> Vec<u64> {
        self.visible.0.keys().copied().collect()
    }

    /// What a power cut keeps of each pending sector: so many of its changes.
    fn draw(&self, pending: &[(Mark, Change)], rng: &SeededRng) -> BTreeMap<u64, u64> {
        let mut kept: BTreeMap<u64, u64> = BTreeMap::new();
        for (_, change) in pending {
            if let Some(range) = change.range() {
                for sector in sectors(range.start, range.end - range.start) {
                    *kept.entry(sector).or_default() += 1;
                }
            }
        }
        // All and nothing are the cases in which mistakes of order show.
        let mood = rng.below(4);
        for changes in kept.values_mut() {
            *changes = match mood {
                0 => 0,
                1 => *changes,
                _ => rng.below(*changes + 1),
            };
        }
        kept
    }

    fn make_durable(&mut self, change: Change) {
        match &change {
            Change::Write { at, bytes } => self.durable.write(*at, bytes),
            Change::Zero { at, len } => self.durable.zero(*at..at + len),
            Change::Resize { len } => {
                if *len < self.durable_len {
                    self.durable.zero(*len..self.durable_len);
                }
                self.durable_len = *len;
            }
        }
        if self.pending.is_empty()
            && let Some(range) = change.range()
        {
            // I1, and half the memory.
            self.durable.share(&self.visible, &range);
        }
    }

    fn forget_pending(&mut self) {
        self.visible = self.durable.clone();
        self.len = self.durable_len;
        self.pending.clear();
    }

    fn make_readable(&mut self, at: u64, len: u64) {
        if !self.unreadable.is_empty() {
            for sector in sectors(at, len) {
                self.unreadable.remove(&sector);
            }
        }
    }
}

impl Change {
    /// The bytes that it touches.
    fn range(&self) -> Option<Range<u64>> {
        match self {
            Change::Write { at, bytes } => Some(*at..at + bytes.len() as u64),
            Change::Zero { at, len } => Some(*at..at + len),
            Change::Resize { .. } => None,
        }
    }

    /// What is left of it outside `hole`: up to two pieces.
    fn without(self, hole: &Range<u64>) -> Vec<Change> {
        let Some(range) = self.range() else { return vec![self] };
        if range.end <= hole.start || hole.end <= range.start {
            return vec![self];
        }
        let before = range.start..hole.start.max(range.start);
        let after = hole.end.min(range.end)..range.end;
        let piece = |part: Range<u64>| match &self {
            Change::Write { at, bytes } => {
                let bytes = bytes.slice((part.start - at) as usize..(part.end - at) as usize);
                Change::Write { at: part.start, bytes }
            }
            Change::Zero { .. } => Change::Zero { at: part.start, len: part.end - part.start },
            Change::Resize { .. } => unreachable!("a resize has no range"),
        };
        [before, after].into_iter().filter(|part| !part.is_empty()).map(piece).collect()
    }
}

impl Blocks {
    fn read(&self, at: u64, into: &mut [u8]) {
        each_block(at, into.len() as u64, |block, inside, part| {
            let part = (part.start - at) as usize..(part.end - at) as usize;
            match self.0.get(&block) {
                Some(bytes) => into[part].copy_from_slice(&bytes[inside]),
                None => into[part].fill(0),
            }
        });
    }

    fn write(&mut self, at: u64, from: &[u8]) {
        each_block(at, from.len() as u64, |block, inside, part| {
            let part = (part.start - at) as usize..(part.end - at) as usize;
            let bytes = self.0.entry(block).or_insert_with(|| Arc::new([0; BLOCK_BYTES]));
            Arc::make_mut(bytes)[inside].copy_from_slice(&from[part]);
        });
    }

    fn zero(&mut self, range: Range<u64>) {
        let whole = range.start.next_multiple_of(BLOCK)..range.end / BLOCK * BLOCK;
        if whole.start < whole.end {
            let (first, last) = (whole.start / BLOCK, whole.end / BLOCK);
            let gone: Vec<u64> = self.0.range(first..last).map(|(block, _)| *block).collect();
            gone.iter().for_each(|block| drop(self.0.remove(block)));
            self.write_zeros(range.start..whole.start);
            self.write_zeros(whole.end..range.end);
        } else {
            self.write_zeros(range);
        }
    }

    fn write_zeros(&mut self, range: Range<u64>) {
        each_block(range.start, range.end.saturating_sub(range.start), |block, inside, _| {
            if let Some(bytes) = self.0.get_mut(&block) {
                Arc::make_mut(bytes)[inside].fill(0);
            }
        });
    }

    fn truncate(&mut self, len: u64) {
        drop(self.0.split_off(&len.div_ceil(BLOCK)));
        self.write_zeros(len..len.next_multiple_of(BLOCK));
    }

    fn share(&mut self, other: &Self, range: &Range<u64>) {
        for block in range.start / BLOCK..range.end.div_ceil(BLOCK) {
            match other.0.get(&block) {
                Some(bytes) => drop(self.0.insert(block, bytes.clone())),
                None => drop(self.0.remove(&block)),
            }
        }
    }
}

fn take_one(kept: &mut BTreeMap<u64, u64>, sector: u64) -> bool {
    let left = kept.get_mut(&sector).filter(|left| **left > 0);
    left.map(|left| *left -= 1).is_some()
}

/// The sectors that `len` bytes at `at` touch.
fn sectors(at: u64, len: u64) -> Range<u64> {
    at / SECTOR_BYTES..(at + len).div_ceil(SECTOR_BYTES)
}

fn each_sector(at: u64, len: u64, mut visit: impl FnMut(u64, Range<u64>)) {
    for sector in sectors(at, len) {
        let start = (sector * SECTOR_BYTES).max(at);
        let end = ((sector + 1) * SECTOR_BYTES).min(at + len);
        visit(sector, start..end);
    }
}

/// Visits `(block, range inside the block, range in the file)`.
fn each_block(at: u64, len: u64, mut visit: impl FnMut(u64, Range<usize>, Range<u64>)) {
    let end = at + len;
    let mut start = at;
    while start < end {
        let block = start / BLOCK;
        let stop = ((block + 1) * BLOCK).min(end);
        let inside = (start - block * BLOCK) as usize..(stop - block * BLOCK) as usize;
        visit(block, inside, start..stop);
        start = stop;
    }
}
