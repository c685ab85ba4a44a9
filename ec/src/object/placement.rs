//! Which drive gets which shard of a new blob. Pure: candidates in, a choice out.
//!
//! Drives are drawn without replacement, weighted by their free space, from
//! generator numbers that the blob's id seeds; a drive whose device already
//! holds more of the set waits until the other devices have caught up. The
//! drives drawn are sorted and rotated by the same seed, so that parity, which
//! is written as often as data but read more rarely, is spread evenly.
//!
//! Invariants
//! - P1: no drive twice; `drives` and `spares` together are all candidates.
//! - P2: the same candidates and blob give the same choice.
//!
//! Not here: which drives are candidates (`drives`), how many are enough (`acknowledge`).

use holdfast_base::{BlobId, ByteCount, DriveNo};

/// A drive that takes writes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its slot.
    pub no: DriveNo,
    /// The device below; drives that share one fail together.
    pub device: u64,
    /// What is free on it.
    pub free: ByteCount,
}

/// Where a blob goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// One drive for each shard, data first.
    pub drives: Vec<DriveNo>,
    /// The other candidates, best first.
    pub spares: Vec<DriveNo>,
}

/// Free space below which a drive is as good as full: drawn last. [bytes]
const NEARLY_FULL: u64 = 64 * ByteCount::MIB;

/// Chooses `shards` of `candidates` for `blob`; all of them, if there are fewer.
pub fn choose(candidates: &[Candidate], shards: usize, blob: BlobId) -> Chosen {
    let mut numbers = Numbers::of(blob);
    let rotation = numbers.next() as usize;
    let mut left = candidates.to_vec();
    let mut drawn: Vec<Candidate> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let index = draw(&left, &drawn, numbers.next());
        drawn.push(left.remove(index));
    }
    let spares = drawn.split_off(shards.min(drawn.len()));
    let mut drives: Vec<DriveNo> = drawn.iter().map(|candidate| candidate.no).collect();
    drives.sort_unstable();
    if !drives.is_empty() {
        let by = rotation % drives.len();
        drives.rotate_left(by);
    }
    Chosen { drives, spares: spares.iter().map(|candidate| candidate.no).collect() }
}

/// The index in `left` of the next drive: of those with room, on the devices
/// that hold the least of `drawn`, by free space.
fn draw(left: &[Candidate], drawn: &[Candidate], number: u64) -> usize {
    let load = |candidate: &Candidate| {
        let full = candidate.free.0 < NEARLY_FULL;
        (full, drawn.iter().filter(|other| other.device == candidate.device).count())
    };
    let least = left.iter().map(load).min().unwrap_or_default();
    let weight = |candidate: &Candidate| match load(candidate) == least {
        true => u128::from((candidate.free.0 >> 20).max(1)),
        false => 0,
    };
    let sum: u128 = left.iter().map(weight).sum();
    let mut point = (u128::from(number) * sum) >> 64;
    for (index, candidate) in left.iter().enumerate() {
        let weight = weight(candidate);
        if point < weight {
            return index;
        }
        point -= weight;
    }
    0
}

/// SplitMix64 (Steele, Lea and Flood, 2014) seeded by a blob's id.
struct Numbers(u64);

impl Numbers {
    fn of(blob: BlobId) -> Self {
        Self(blob.body.nonce ^ blob.body.born.rotate_left(32) ^ (u64::from(blob.index) << 17))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use holdfast_base::BodyId;

    use super::*;

    fn candidates(of: &[(u16, u64, u64)]) -> Vec<Candidate> {
        of.iter()
            .map(|&(no, device, free_mib)| Candidate {
                no: DriveNo(no),
                device,
                free: ByteCount(free_mib * ByteCount::MIB),
            })
            .collect()
    }

    fn blobs(count: u64) -> impl Iterator<Item = BlobId> {
        (0..count).map(|nonce| BodyId { born: 7, nonce: nonce * 0x1234_5678_9abc }.blob(0))
    }

    #[test]
    fn nobody_is_chosen_twice_and_nobody_is_forgotten() {
        let all = candidates(&[(0, 1, 900), (1, 1, 500), (2, 2, 100), (3, 2, 0), (4, 3, 900)]);
        for blob in blobs(200) {
            let chosen = choose(&all, 3, blob);
            assert_eq!((chosen.drives.len(), chosen.spares.len()), (3, 2));
            let seen: BTreeSet<_> = chosen.drives.iter().chain(&chosen.spares).collect();
            assert_eq!(seen.len(), 5, "P1");
            assert_eq!(chosen, choose(&all, 3, blob), "P2");
        }
        assert_eq!(choose(&all, 9, blobs(1).next().unwrap()).drives.len(), 5);
        assert_eq!(choose(&[], 3, blobs(1).next().unwrap()), Chosen::default());
    }

    #[test]
    fn parity_is_spread_evenly() {
        let all: Vec<_> = (0..6).map(|no| (no, 1, 1000)).collect();
        let mut last = [0; 6];
        for blob in blobs(6000) {
            last[usize::from(choose(&candidates(&all), 6, blob).drives[5].0)] += 1;
        }
        assert!(last.iter().all(|count| (850..1150).contains(count)), "{last:?}");
    }

    #[test]
    fn free_space_weighs_and_full_drives_are_avoided() {
        let all = candidates(&[(0, 1, 4000), (1, 2, 1000), (2, 3, 1000), (3, 4, 10)]);
        let mut first = [0; 4];
        for blob in blobs(4000) {
            first[usize::from(choose(&all, 1, blob).drives[0].0)] += 1;
        }
        assert_eq!(first[3], 0, "a drive without room is drawn last");
        assert!(first[0] > 2 * first[1] && first[1] > 400, "{first:?}");
    }

    #[test]
    fn devices_share_the_load() {
        let all = candidates(&[(0, 1, 900), (1, 1, 900), (2, 1, 900), (3, 2, 900), (4, 3, 900)]);
        for blob in blobs(100) {
            let drives = choose(&all, 3, blob).drives;
            let on_first = drives.iter().filter(|no| no.0 < 3).count();
            assert_eq!(on_first, 1, "{drives:?}: three devices, one shard on each");
        }
    }
}
