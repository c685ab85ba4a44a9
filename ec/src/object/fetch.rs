//! One part of a blob, verified, in the user's order.
//!
//! ```text
//! blob bytes -> pieces (shard, from, to) -> reads (gather) -> verify -> slices, without a copy
//!                                             |- bad: report, ask another
//!                                             `- slow: hedge
//! ```
//!
//! Invariants
//! - O3: every slice given out is of a verified read, or decoded from `k` such.
//! - F1: a part that cannot be decoded as a whole is tried leaf by leaf, so that
//!   damage in different places of many shards is no loss.
//!
//! Not here: which reads (`gather`), which parts (`get`), repair (`heal`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use holdfast_api::blob::{BlobLayout, BlobRecord};
use holdfast_api::drive::{DriveError, ShardBytes, ShardRange};
use holdfast_api::object::StoreError;
use holdfast_base::BlobId;
use holdfast_base::limits::{LEAF_BYTES, SHARD_DEADLINE_MS};
use holdfast_io::clock::deadline;

use super::gather::{Event, Gather, Verdict, Want, Width};
use super::rebuild::{Trouble, trouble};
use super::store::Inner;
use super::verify::{Verified, verify};
use holdfast_api::BoxFuture;

/// Consecutive bytes of a blob that lie in one shard. [bytes]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which data shard.
    pub shard: usize,
    /// First byte of the shard's payload.
    pub from: usize,
    /// One past the last byte.
    pub to: usize,
}

/// The pieces that bytes `from..to` of a blob consist of, in order.
pub fn pieces(layout: &BlobLayout, from: usize, to: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = from;
    while at < to {
        let stripe = layout.stripe(at / layout.stripe_bytes());
        let within = at - stripe.blob_at;
        let (unit, offset) = (within / stripe.unit, within % stripe.unit);
        let count = (stripe.unit - offset).min(to - at);
        let start = stripe.shard_at + offset;
        pieces.push(Piece { shard: unit, from: start, to: start + count });
        at += count;
    }
    pieces
}

/// What is read of each shard for these pieces.
struct Ranges {
    /// For each data shard: what is wanted of it.
    narrow: Vec<Option<(usize, usize)>>,
    /// Whole leaves that cover all of them.
    wide: (usize, usize),
}

impl Ranges {
    fn of(layout: &BlobLayout, pieces: &[Piece]) -> Self {
        let mut narrow: Vec<Option<(usize, usize)>> = vec![None; layout.geometry.k()];
        for piece in pieces {
            let (from, to) = narrow[piece.shard].get_or_insert((piece.from, piece.to));
            *from = piece.from.min(*from);
            *to = piece.to.max(*to);
        }
        let from = narrow.iter().flatten().map(|range| range.0).min().unwrap_or(0);
        let to = narrow.iter().flatten().map(|range| range.1).max().unwrap_or(0);
        Self { narrow, wide: whole_leaves(layout, from, to) }
    }
}

fn whole_leaves(layout: &BlobLayout, from: usize, to: usize) -> (usize, usize) {
    (from / LEAF_BYTES * LEAF_BYTES, to.next_multiple_of(LEAF_BYTES).min(layout.shard_bytes()))
}

/// Bytes `from..to` of a blob whose record is legal and holds them.
///
/// # Errors
/// [`StoreError::Unreadable`].
pub async fn fetch(
    inner: &Arc<Inner>,
    blob: BlobId,
    record: &BlobRecord,
    (from, to): (usize, usize),
) -> Result<Vec<Bytes>, StoreError> {
    let pieces = pieces(&record.layout, from, to);
    match Part::new(inner, blob, record).read(&pieces).await {
        Err(StoreError::Unreadable { .. }) if spans_leaves(&pieces) => {
            let mut bytes = Vec::new();
            for piece in by_leaf(&pieces) {
                bytes.extend(Part::new(inner, blob, record).read(&[piece]).await?); // F1
            }
            Ok(bytes)
        }
        other => other,
    }
}

fn spans_leaves(pieces: &[Piece]) -> bool {
    by_leaf(pieces).len() > 1
}

fn by_leaf(pieces: &[Piece]) -> Vec<Piece> {
    let mut leaves = Vec::new();
    for piece in pieces {
        let mut from = piece.from;
        while from < piece.to {
            let to = (from + 1).next_multiple_of(LEAF_BYTES).min(piece.to);
            leaves.push(Piece { shard: piece.shard, from, to });
            from = to;
        }
    }
    leaves
}

type Answer = (usize, Width, Result<Verified, Trouble>);

/// One attempt at one part.
struct Part<'a> {
    inner: &'a Arc<Inner>,
    blob: BlobId,
    record: &'a BlobRecord,
    narrow: Vec<Option<Verified>>,
    wide: Vec<Option<Verified>>,
    last: String,
    hedged: bool,
    /// A shard that was wanted is away, absent or wrong, not only slow.
    lost: bool,
}

impl<'a> Part<'a> {
    fn new(inner: &'a Arc<Inner>, blob: BlobId, record: &'a BlobRecord) -> Self {
        let none: Vec<Option<Verified>> = vec![None; record.layout.geometry.shards()];
        Self {
            inner,
            blob,
            record,
            narrow: none.clone(),
            wide: none,
            last: String::new(),
            hedged: false,
            lost: false,
        }
    }

    async fn read(mut self, pieces: &[Piece]) -> Result<Vec<Bytes>, StoreError> {
        let ranges = Ranges::of(&self.record.layout, pieces);
        let mut gather = self.gather(&ranges);
        self.lost = gather.avoids();
        let mut reads = FuturesUnordered::new();
        let (mut verdict, mut asks) = gather.start();
        let mut timer = self.inner.clock.sleep(self.inner.hedge.slow_after());
        loop {
            for &(shard, width) in &asks {
                reads.push(self.ask(&ranges, shard, width));
            }
            match verdict {
                Verdict::Wait => {}
                Verdict::Whole => return self.assemble(pieces, &[]),
                Verdict::Decode => return self.decode(&gather, &ranges, pieces),
                Verdict::Unreadable => return Err(self.unreadable(&gather)),
            }
            let event = tokio::select! {
                biased;
                answer = reads.next() => match answer {
                    Some(answer) => self.take(answer),
                    None => return Err(self.unreadable(&gather)),
                },
                () = &mut timer => {
                    timer = self.inner.clock.sleep(Duration::from_millis(SHARD_DEADLINE_MS));
                    if !self.inner.hedge.may() {
                        asks.clear();
                        continue;
                    }
                    Event::Slow
                }
            };
            (verdict, asks) = gather.step(event);
            if event == Event::Slow && !asks.is_empty() {
                self.inner.hedge.spend(asks.len());
                self.inner.counters.hedged_reads.add(u64::from(!self.hedged));
                self.hedged = true;
            }
        }
    }

    fn gather(&self, ranges: &Ranges) -> Gather {
        let layout = &self.record.layout;
        let want = |shard: usize| {
            let narrow = ranges.narrow.get(shard).copied().flatten();
            Want {
                wanted: narrow.is_some(),
                covers: narrow
                    .is_some_and(|(from, to)| whole_leaves(layout, from, to) == ranges.wide),
                avoid: self.inner.drives.avoid(self.record.drives[shard]),
            }
        };
        let shards = layout.geometry.shards();
        Gather::new(layout.geometry.k(), (0..shards).map(want).collect())
    }

    fn ask(&self, ranges: &Ranges, shard: usize, width: Width) -> BoxFuture<'static, Answer> {
        let (from, to) = match (width, ranges.narrow.get(shard).copied().flatten()) {
            (Width::Narrow, Some(range)) => range,
            (Width::Narrow, None) | (Width::Wide, _) => ranges.wide,
        };
        let range = ShardRange { shard: self.blob.shard(shard), from, to };
        let (inner, record) = (Arc::clone(self.inner), self.record.clone());
        Box::pin(async move { (shard, width, read_verified(&inner, &record, range).await) })
    }

    fn take(&mut self, (shard, width, answer): Answer) -> Event {
        match answer {
            Ok(verified) => {
                match width {
                    Width::Narrow => self.narrow[shard] = Some(verified),
                    Width::Wide => self.wide[shard] = Some(verified),
                }
                Event::Good(shard, width)
            }
            Err(trouble) => {
                if trouble.is_bad() {
                    self.inner.found_bad(self.blob, shard, &trouble);
                }
                self.last = trouble.to_string();
                self.lost = true;
                Event::Bad(shard, width)
            }
        }
    }

    /// The pieces in order; shards that were not read are in `decoded`, from `at` on.
    fn assemble(
        &self,
        pieces: &[Piece],
        decoded: &[(usize, Verified)],
    ) -> Result<Vec<Bytes>, StoreError> {
        let slice = |piece: &Piece| {
            let (shard, from, to) = (piece.shard, piece.from, piece.to);
            let made = decoded.iter().find(|(made, _)| *made == shard).map(|(_, bytes)| bytes);
            [self.narrow[shard].as_ref(), self.wide[shard].as_ref(), made]
                .into_iter()
                .flatten()
                .find_map(|verified| verified.slice(from, to))
        };
        let bytes: Option<Vec<Bytes>> = pieces.iter().map(slice).collect();
        Ok(bytes.expect("the gather is over when every piece is covered"))
    }

    fn decode(
        &self,
        gather: &Gather,
        ranges: &Ranges,
        pieces: &[Piece],
    ) -> Result<Vec<Bytes>, StoreError> {
        let (from, to) = ranges.wide;
        let present: Vec<(usize, Bytes)> = (0..self.wide.len())
            .filter_map(|shard| Some((shard, self.wide[shard].as_ref()?.slice(from, to)?)))
            .collect();
        let missing: Vec<usize> =
            (0..ranges.narrow.len()).filter(|&shard| gather.lacks(shard)).collect();
        let mut made: Vec<Vec<u8>> = missing.iter().map(|_| vec![0; to - from]).collect();
        let inputs: Vec<(usize, &[u8])> =
            present.iter().map(|(shard, bytes)| (*shard, &bytes[..])).collect();
        let mut outputs: Vec<&mut [u8]> = made.iter_mut().map(|bytes| &mut bytes[..]).collect();
        let rebuilt = self.inner.codec(self.record.layout).and_then(|codec| {
            codec.rebuild(&inputs, &missing, &mut outputs).map_err(|error| error.to_string())
        });
        if let Err(trouble) = rebuilt {
            return Err(StoreError::Unreadable {
                blob: self.blob,
                good: gather.good(),
                needed: self.record.layout.geometry.k(),
                trouble,
            });
        }
        self.inner.counters.degraded_reads.add(u64::from(self.lost));
        let head = self.wide.iter().flatten().next().map(|verified| verified.head.clone());
        let head = head.expect("k shards are here");
        let decoded: Vec<(usize, Verified)> = missing
            .into_iter()
            .zip(made)
            .map(|(shard, bytes)| {
                (shard, Verified { head: head.clone(), from, bytes: Bytes::from(bytes) })
            })
            .collect();
        self.assemble(pieces, &decoded)
    }

    fn unreadable(&self, gather: &Gather) -> StoreError {
        StoreError::Unreadable {
            blob: self.blob,
            good: gather.good(),
            needed: self.record.layout.geometry.k(),
            trouble: self.last.clone(),
        }
    }
}

/// Reads a range of one shard from its drive and proves it.
pub async fn read_verified(
    inner: &Inner,
    record: &BlobRecord,
    range: ShardRange,
) -> Result<Verified, Trouble> {
    let found = read_raw(inner, record, range).await.map_err(|error| trouble(&error))?;
    verify(record, range, found).map_err(|what| Trouble::Bad(format!("{}: {what}", range.shard)))
}

async fn read_raw(
    inner: &Inner,
    record: &BlobRecord,
    range: ShardRange,
) -> Result<ShardBytes, DriveError> {
    let drive = record.drives[usize::from(range.shard.index.0)];
    let slots = inner.drives.slots();
    let Some(slot) = slots.get(&drive) else {
        return Err(DriveError::Offline { drive, why: "there is no drive in the slot".into() });
    };
    let began = inner.clock.monotonic();
    let limit = Duration::from_millis(SHARD_DEADLINE_MS);
    let found = deadline(&inner.clock, limit, slot.service.read(range)).await;
    inner.hedge.record(inner.clock.monotonic().saturating_sub(began));
    match found {
        Ok(found) => found,
        Err(_) => Err(DriveError::Late { drive, after_ms: SHARD_DEADLINE_MS }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_range_and_nothing_else() {
        for geometry in ["1+0", "2+1", "4+2", "3+2"] {
            let geometry: holdfast_base::Geometry = geometry.parse().unwrap();
            let stripe = geometry.k() * (64 << 10);
            for len in [1, 100, stripe - 1, stripe, stripe + 1, 2 * stripe + 1000] {
                let layout = BlobLayout::new(geometry, len);
                // Every byte's place, by writing the blob out as a writer does.
                let mut places = Vec::with_capacity(len);
                for index in 0..layout.stripes() {
                    let cut = layout.stripe(index);
                    for unit in 0..geometry.k() {
                        places.extend((0..cut.unit).map(|offset| (unit, cut.shard_at + offset)));
                    }
                }
                let edges = [0, 1, 63, 64, 65_535, 65_536, 65_537, stripe - 1, stripe, stripe + 1];
                let edges = || edges.iter().copied().chain([len - 1, len]).filter(|&at| at <= len);
                for (from, to) in edges().flat_map(|from| edges().map(move |to| (from, to))) {
                    if from < to {
                        let got: Vec<(usize, usize)> = pieces(&layout, from, to)
                            .iter()
                            .flat_map(|piece| (piece.from..piece.to).map(|at| (piece.shard, at)))
                            .collect();
                        assert_eq!(got, places[from..to], "{geometry} {len} {from}..{to}");
                    }
                }
            }
        }
    }
}
