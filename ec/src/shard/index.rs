//! The index of one drive: where each shard's newest frame lies, and how much of
//! each segment is alive.
//!
//! Invariants
//! - I1: of the frames of one shard the one with the highest sequence number counts;
//!   order of arrival does not matter. No two have the same: a copy's is one higher
//!   than its original's, or two starts might take different ones for the stale one.
//! - I2: a tombstone is kept as long as a segment holds an older frame of its shard,
//!   or may hold one that could not be read, else a restart would bring that frame back.
//! - I3: `live` of a segment is the sum of its frames that count.
//! - I4: what a segment's end takes from `stale` is what was counted for it, never
//!   what its file says: a scan also finds frames that were never taken in.
//!
//! Pure: no disk, no clock. About 60 bytes per shard, and as much per dead frame.
//!
//! Not here: finding the frames (`scan`, `recover`), acting on dead ones (`clean`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use holdfast_api::drive::StoredShard;
use holdfast_base::{BlobId, ByteCount, ShardId, ShardIndex};

use super::frame::{Kind, SECTOR};
use super::segment::{Entry, SegmentNo};

/// Where a frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The segment.
    pub segment: SegmentNo,
    /// Where it begins in it, in sectors.
    at: u32,
    sequence_low: u32,
    sequence_high: u32,
    /// What it takes, in sectors.
    sectors: u16,
    /// Where its payload begins, in sectors.
    payload_at: u8,
    kind: Kind,
}

/// The index.
#[derive(Debug, Default)]
pub struct Index {
    newest: BTreeMap<Key, Place>,
    /// Frames of a shard that lie in segments but do not count. No zeros.
    stale: BTreeMap<Key, u32>,
    /// The same by segment (I4): one key per frame.
    stale_in: BTreeMap<SegmentNo, Vec<Key>>,
    /// The highest sequence number of a shard's frames that lie in a segment, or may, though
    /// their writers were told that they failed. All are counted in `stale`.
    doubtful: BTreeMap<Key, u64>,
    /// Segments that could not be read in full: whatever they hide, tombstones wait for it (I2).
    opaque: BTreeSet<SegmentNo>,
    /// I3, in bytes.
    live: BTreeMap<SegmentNo, u64>,
    shards: u64,
    used: u64,
}

/// A shard's frame that no longer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Died {
    /// Where it lies.
    pub place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key([u8; 21]);

/// Not in any segment: a deletion that found no room for its tombstone.
const NOWHERE: SegmentNo = SegmentNo(u32::MAX);

impl Place {
    /// Where `entry` of `segment` lies.
    pub fn of(segment: SegmentNo, entry: &Entry) -> Self {
        Self {
            segment,
            at: (entry.at / SECTOR as u64) as u32,
            sequence_low: entry.sequence as u32,
            sequence_high: (entry.sequence >> 32) as u32,
            sectors: (entry.frame_bytes() / SECTOR) as u16,
            payload_at: (entry.payload_at / SECTOR) as u8,
            kind: entry.kind,
        }
    }

    /// Where it begins in its segment. [bytes]
    pub fn at(&self) -> u64 {
        u64::from(self.at) * SECTOR as u64
    }

    /// What it takes. [bytes]
    pub fn frame_bytes(&self) -> usize {
        usize::from(self.sectors) * SECTOR
    }

    /// Where its payload begins, from the frame's begin. [bytes]
    pub fn payload_at(&self) -> usize {
        usize::from(self.payload_at) * SECTOR
    }

    /// Its sequence number.
    pub fn sequence(&self) -> u64 {
        u64::from(self.sequence_low) | u64::from(self.sequence_high) << 32
    }
}

impl Index {
    /// Takes in a frame that lies in `segment`. Returns the shard's frame that
    /// counts no longer: an older one, or the new one itself.
    pub fn apply(&mut self, segment: SegmentNo, entry: &Entry) -> Option<Died> {
        let (key, new) = (Key::of(entry.shard), Place::of(segment, entry));
        match self.newest.get(&key).copied() {
            None => {
                self.put(key, new);
                None
            }
            Some(old) if new.sequence() > old.sequence() => {
                self.take(key, old);
                self.put(key, new);
                self.count_stale(key, old)
            }
            Some(_) => self.count_stale(key, new),
        }
    }

    /// Takes in the copy of the frame at `from`. It counts only if `from` still does.
    pub fn relocate(&mut self, segment: SegmentNo, entry: &Entry, from: Place) -> Option<Died> {
        let (key, new) = (Key::of(entry.shard), Place::of(segment, entry));
        if self.newest.get(&key) == Some(&from) {
            self.take(key, from);
            self.put(key, new);
            self.count_stale(key, from)
        } else {
            self.count_stale(key, new)
        }
    }

    /// Forgets a shard without a tombstone on the drive; a restart may bring it back.
    pub fn forget(&mut self, shard: ShardId, sequence: u64) -> Option<Died> {
        let entry = Entry {
            shard,
            kind: Kind::Tombstone,
            sequence,
            at: 0,
            payload_at: SECTOR,
            payload_len: 0,
        };
        self.apply(NOWHERE, &entry)
    }

    /// Takes in a frame that must not count: its write failed, and what the segment
    /// holds of it is unknown. A restart may find it whole.
    pub fn doubt(&mut self, segment: SegmentNo, entry: &Entry) {
        if entry.kind == Kind::Shard {
            let key = Key::of(entry.shard);
            self.count_stale(key, Place::of(segment, entry));
            let highest = self.doubtful.entry(key).or_default();
            *highest = entry.sequence.max(*highest);
        }
    }

    /// Not all of `segment` could be read.
    pub fn cloud(&mut self, segment: SegmentNo) {
        self.opaque.insert(segment);
    }

    /// The former life of `segment`, in which nothing counts, has ended.
    pub fn erase(&mut self, segment: SegmentNo) {
        let live = self.live.remove(&segment).unwrap_or(0);
        assert_eq!(live, 0, "I3: {segment:?} ends while something in it counts");
        let cleared = self.opaque.remove(&segment) && self.opaque.is_empty();
        for key in self.stale_in.remove(&segment).unwrap_or_default() {
            let count = self.stale.get_mut(&key).expect("I4: counted in both");
            *count -= 1;
            if *count == 0 {
                self.stale.remove(&key);
                self.doubtful.remove(&key);
                self.prune(key);
            }
        }
        if cleared {
            self.prune_all();
        }
    }

    /// Drops tombstones that no longer have anything to hide (I2); after a recovery.
    pub fn prune_all(&mut self) {
        let tombstones = self.newest.iter().filter(|(_, place)| place.kind == Kind::Tombstone);
        let keys: Vec<Key> = tombstones.map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.prune(key));
    }

    /// Where the shard lies; `None` for one that is not there or deleted.
    pub fn find(&self, shard: ShardId) -> Option<Place> {
        self.newest.get(&Key::of(shard)).copied().filter(|place| place.kind == Kind::Shard)
    }

    /// True if a restart without a further tombstone would find the shard.
    pub fn needs_tombstone(&self, shard: ShardId) -> bool {
        let key = Key::of(shard);
        let newest = self.newest.get(&key);
        newest.is_some_and(|place| place.kind == Kind::Shard)
            || self.doubtful.get(&key).copied() > newest.map(Place::sequence)
    }

    /// True if a frame of the shard is known, of whatever kind.
    pub fn knows(&self, shard: ShardId) -> bool {
        self.newest.contains_key(&Key::of(shard))
    }

    /// The place of this very frame, if it counts.
    pub fn counts(&self, segment: SegmentNo, entry: &Entry) -> Option<Place> {
        let place = Place::of(segment, entry);
        (self.newest.get(&Key::of(entry.shard)) == Some(&place)).then_some(place)
    }

    /// What counts in `segment`. [bytes]
    pub fn live(&self, segment: SegmentNo) -> u64 {
        self.live.get(&segment).copied().unwrap_or(0)
    }

    /// Number of live shards, and what they take. [bytes]
    pub fn totals(&self) -> (u64, ByteCount) {
        (self.shards, ByteCount(self.used))
    }

    /// Live shards in order of their ids, after `after`, at most `limit`.
    pub fn list(&self, after: Option<ShardId>, limit: usize) -> Vec<StoredShard> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(Key::of(after)));
        self.newest
            .range((from, Bound::Unbounded))
            .filter(|(_, place)| place.kind == Kind::Shard)
            .take(limit)
            .map(|(key, place)| StoredShard {
                shard: key.shard(),
                bytes: ByteCount(place.frame_bytes() as u64),
            })
            .collect()
    }

    fn put(&mut self, key: Key, place: Place) {
        self.newest.insert(key, place);
        if place.segment != NOWHERE {
            *self.live.entry(place.segment).or_default() += place.frame_bytes() as u64;
        }
        if place.kind == Kind::Shard {
            self.shards += 1;
            self.used += place.frame_bytes() as u64;
        }
    }

    fn take(&mut self, key: Key, place: Place) {
        self.newest.remove(&key);
        if let Some(live) = self.live.get_mut(&place.segment) {
            *live = live.checked_sub(place.frame_bytes() as u64).expect("I3: counted in `put`");
        }
        if place.kind == Kind::Shard {
            self.shards -= 1;
            self.used -= place.frame_bytes() as u64;
        }
    }

    fn count_stale(&mut self, key: Key, place: Place) -> Option<Died> {
        (place.kind == Kind::Shard).then(|| {
            *self.stale.entry(key).or_default() += 1;
            self.stale_in.entry(place.segment).or_default().push(key);
            Died { place }
        })
    }

    fn prune(&mut self, key: Key) {
        if let Some(place) = self.newest.get(&key).copied()
            && place.kind == Kind::Tombstone
            && self.opaque.is_empty()
            && !self.stale.contains_key(&key)
        {
            self.take(key, place);
        }
    }
}

impl Key {
    fn of(shard: ShardId) -> Self {
        let mut key = [0; 21];
        key[..20].copy_from_slice(&shard.blob.to_bytes());
        key[20] = shard.index.0;
        Self(key)
    }

    fn shard(self) -> ShardId {
        let mut blob = [0; 20];
        blob.copy_from_slice(&self.0[..20]);
        ShardId { blob: BlobId::from_bytes(blob), index: ShardIndex(self.0[20]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_base::BodyId;
    use holdfast_io::rng::SeededRng;

    fn entry(shard: u32, kind: Kind, sequence: u64) -> Entry {
        let shard = BodyId { born: 1, nonce: 1 }.blob(shard).shard(0);
        let payload_len = if kind == Kind::Shard { 1024 } else { 0 };
        Entry { shard, kind, sequence, at: 512 * sequence, payload_at: 512, payload_len }
    }

    #[test]
    fn a_place_is_small() {
        assert!(std::mem::size_of::<Place>() <= 20);
        assert!(std::mem::size_of::<(Key, Place)>() <= 44);
    }

    /// Model: all frames ever applied and not erased.
    #[test]
    fn the_newest_frame_counts_whatever_the_order() {
        for seed in 0..300 {
            let rng = SeededRng::new(seed);
            let mut frames: Vec<(SegmentNo, Entry)> = (0..60)
                .map(|sequence| {
                    let kind = if rng.one_in(3) { Kind::Tombstone } else { Kind::Shard };
                    (SegmentNo(rng.below(5) as u32), entry(rng.below(8) as u32, kind, sequence))
                })
                .collect();
            for i in (1..frames.len()).rev() {
                frames.swap(i, rng.below(i as u64 + 1) as usize);
            }
            let mut index = Index::default();
            for (segment, entry) in &frames {
                index.apply(*segment, entry);
            }
            index.prune_all();
            // Segments die one after the other; what remains must be what a fresh
            // recovery of the remaining frames finds.
            for gone in 0..5 {
                check(&index, &frames, seed);
                let gone = SegmentNo(gone);
                let (table, rest): (Vec<_>, Vec<_>) =
                    frames.iter().copied().partition(|(s, _)| *s == gone);
                let live = |(s, e): &&(SegmentNo, Entry)| index.counts(*s, e).is_some();
                if table.iter().any(|frame| live(&frame)) {
                    continue;
                }
                index.erase(gone);
                frames = rest;
            }
        }
    }

    fn check(index: &Index, frames: &[(SegmentNo, Entry)], seed: u64) {
        let mut newest: BTreeMap<ShardId, (SegmentNo, Entry)> = BTreeMap::new();
        for (segment, entry) in frames {
            let slot = newest.entry(entry.shard).or_insert((*segment, *entry));
            if slot.1.sequence < entry.sequence {
                *slot = (*segment, *entry);
            }
        }
        let mut used = 0;
        for (shard, (segment, entry)) in &newest {
            let want = (entry.kind == Kind::Shard).then(|| Place::of(*segment, entry));
            assert_eq!(index.find(*shard), want, "I1: seed {seed}, {shard}");
            used += want.map_or(0, |place| place.frame_bytes() as u64);
        }
        let listed: Vec<ShardId> = index.list(None, 100).iter().map(|s| s.shard).collect();
        assert!(listed.is_sorted(), "seed {seed}");
        assert_eq!(index.totals(), (listed.len() as u64, ByteCount(used)), "I3: seed {seed}");
        for no in (0..5).map(SegmentNo) {
            let counted = frames.iter().filter(|(s, e)| *s == no && index.counts(*s, e).is_some());
            let live: u64 = counted.map(|(_, e)| e.frame_bytes() as u64).sum();
            assert_eq!(index.live(no), live, "I3: seed {seed}, segment {no:?}");
        }
    }

    #[test]
    fn a_tombstone_waits_for_what_nobody_was_told_of_and_for_what_nobody_could_read() {
        let (a, b, c) = (SegmentNo(1), SegmentNo(2), SegmentNo(3));
        let mut index = Index::default();
        let (failed, tombstone) = (entry(1, Kind::Shard, 5), entry(1, Kind::Tombstone, 9));
        assert!(!index.needs_tombstone(failed.shard));
        index.doubt(a, &failed);
        assert!(index.find(failed.shard).is_none() && index.needs_tombstone(failed.shard));
        index.apply(b, &entry(1, Kind::Shard, 7));
        index.apply(b, &tombstone);
        assert!(!index.needs_tombstone(failed.shard), "the tombstone is newer");
        index.apply(c, &entry(1, Kind::Tombstone, 11));
        index.erase(b);
        assert!(index.knows(failed.shard), "I2: the failed one still lies in `a`");
        index.doubt(a, &entry(1, Kind::Shard, 13));
        assert!(index.needs_tombstone(failed.shard), "another one, after the tombstone");
        index.erase(a);
        assert!(!index.knows(failed.shard) && !index.needs_tombstone(failed.shard));

        index.cloud(a);
        index.apply(c, &entry(2, Kind::Shard, 20));
        index.apply(b, &entry(2, Kind::Tombstone, 21));
        index.erase(c);
        assert!(index.knows(entry(2, Kind::Shard, 0).shard), "I2: who knows what `a` holds");
        index.erase(a);
        assert!(!index.knows(entry(2, Kind::Shard, 0).shard));
    }

    #[test]
    fn a_moved_frame_counts_only_while_the_old_one_did() {
        let mut index = Index::default();
        let (a, b) = (SegmentNo(1), SegmentNo(2));
        let old = entry(1, Kind::Shard, 5);
        index.apply(a, &old);
        let from = index.find(old.shard).unwrap();
        let copy = Entry { at: 99 * 512, sequence: 6, ..old };
        assert_eq!(index.relocate(b, &copy, from), Some(Died { place: from }));
        assert_eq!((index.live(a), index.live(b)), (0, 1536));
        index.apply(b, &entry(1, Kind::Tombstone, 7));
        let late = Entry { at: 77 * 512, ..old };
        let died = index.relocate(b, &late, Place::of(b, &copy));
        assert_eq!(died.map(|d| d.place.at()), Some(77 * 512));
        assert_eq!(index.find(old.shard), None, "I1: the tombstone is newer");
    }
}
