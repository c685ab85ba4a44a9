//! Shards of a blob made from other shards of it.
//!
//! - X1: every byte that goes in was verified up to the seal.
//! - X2: what comes out has the root that the seal covers, or it is refused:
//!   a wrong decode cannot reach a drive.
//!
//! Not here: why shards are rebuilt (`spread` for a failed write, `heal` for the rest).

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::{DriveError, ShardHead, ShardRange, ShardWrite};
use holdfast_api::object::StoreError;
use holdfast_base::checksum::{leaf_count, leaves, root};
use holdfast_base::limits::LEAF_BYTES;
use holdfast_base::{BlobId, Remedy};
use holdfast_io::disk::{Buf, DiskErrorKind};

use super::fetch::read_verified;
use super::store::Inner;
use super::stripe::{Birth, frame_bytes, head};
use super::verify::Verified;

/// Why a shard's bytes are not here.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Trouble {
    /// The shard is absent or wrong: it must be rebuilt.
    #[error("{0}")]
    Bad(String),
    /// Its drive does not answer; the shard may be sound.
    #[error("{0}")]
    Away(String),
}

impl Trouble {
    /// True when the shard itself is to blame.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Bad(_))
    }
}

/// Whose fault a drive's refusal of a read is.
pub fn trouble(error: &DriveError) -> Trouble {
    let what = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let medium =
        matches!(error, DriveError::Disk { source, .. } if source.kind == DiskErrorKind::Medium);
    match error.remedy() {
        Remedy::Rebuild => Trouble::Bad(what),
        // A layout that the drive does not know of: not the shard that was written.
        Remedy::Refuse if matches!(error, DriveError::OutOfRange { .. }) => Trouble::Bad(what),
        _ if medium => Trouble::Bad(what),
        Remedy::RetryHere | Remedy::TryElsewhere | Remedy::Refuse | Remedy::Stop => {
            Trouble::Away(what)
        }
    }
}

/// Reads and verifies these shards whole, all at once.
pub async fn survey(
    inner: &Inner,
    blob: BlobId,
    record: &BlobRecord,
    shards: &[usize],
) -> BTreeMap<usize, Result<Verified, Trouble>> {
    let to = record.layout.shard_bytes();
    let read = |&shard: &usize| async move {
        let range = ShardRange { shard: blob.shard(shard), from: 0, to };
        (shard, read_verified(inner, record, range).await)
    };
    shards.iter().map(read).collect::<FuturesUnordered<_>>().collect().await
}

/// What there is of a blob, leaf by leaf, every byte verified (X1).
#[derive(Default)]
pub struct Sources {
    head: Option<ShardHead>,
    /// For each shard its leaves; `None` where a leaf is not here.
    leaves: BTreeMap<usize, Vec<Option<Bytes>>>,
}

impl Sources {
    /// The shards that a survey found good.
    pub fn of(found: &BTreeMap<usize, Result<Verified, Trouble>>) -> Self {
        let mut sources = Self::default();
        for (&shard, found) in found {
            if let Ok(verified) = found {
                sources.add(shard, verified);
            }
        }
        sources
    }

    fn add(&mut self, shard: usize, verified: &Verified) {
        let len = verified.bytes.len();
        let leaf = |from| Some(verified.bytes.slice(from..len.min(from + LEAF_BYTES)));
        self.head.get_or_insert_with(|| verified.head.clone());
        self.leaves.insert(shard, (0..len).step_by(LEAF_BYTES).map(leaf).collect());
    }

    /// Number of shards of which anything is here.
    pub fn shards(&self) -> usize {
        self.leaves.len()
    }

    /// Reads the damaged among the shards `found` again, leaf by leaf: damage
    /// in different places of many shards is then no loss.
    pub async fn salvage(
        &mut self,
        inner: &Inner,
        blob: BlobId,
        record: &BlobRecord,
        found: &BTreeMap<usize, Result<Verified, Trouble>>,
    ) {
        let len = record.layout.shard_bytes();
        for (&shard, _) in found.iter().filter(|(_, found)| matches!(found, Err(Trouble::Bad(_)))) {
            let mut leaves = Vec::with_capacity(leaf_count(len as u64));
            for from in (0..len).step_by(LEAF_BYTES) {
                let range =
                    ShardRange { shard: blob.shard(shard), from, to: len.min(from + LEAF_BYTES) };
                let read = read_verified(inner, record, range).await.ok();
                if let Some(verified) = &read {
                    self.head.get_or_insert_with(|| verified.head.clone());
                }
                leaves.push(read.and_then(|verified| verified.slice(range.from, range.to)));
            }
            if leaves.iter().any(Option::is_some) {
                self.leaves.insert(shard, leaves);
            }
        }
    }
}

/// Makes the shards `missing` from what there is.
///
/// # Errors
/// [`StoreError::Unreadable`] when a leaf is on fewer than `k` shards, or what
/// comes out breaks X2.
pub async fn remake(
    inner: &Inner,
    blob: BlobId,
    record: &BlobRecord,
    (sources, missing): (&Sources, &[usize]),
) -> Result<Vec<ShardWrite>, StoreError> {
    let layout = record.layout;
    let (k, len) = (layout.geometry.k(), layout.shard_bytes());
    let unreadable =
        |good: usize, trouble: String| StoreError::Unreadable { blob, good, needed: k, trouble };
    let Some(known) = sources.head.as_ref() else {
        return Err(unreadable(0, "no good shard to rebuild from".into()));
    };
    let birth = Birth { blob, at: record.at, layout, owner: known.owner.clone() };
    let (room, frame) = frame_bytes(&birth);
    let codec = inner.codec(layout).map_err(|trouble| unreadable(sources.shards(), trouble))?;
    let mut frames: Vec<Buf> = missing.iter().map(|_| Buf::zeroed(frame)).collect();
    for (number, at) in (0..len).step_by(LEAF_BYTES).enumerate() {
        let here = room + at..room + len.min(at + LEAF_BYTES);
        let leaf = |shard: &usize| sources.leaves.get(shard).and_then(|all| all[number].as_ref());
        let inputs: Vec<(usize, &[u8])> =
            sources.leaves.keys().filter_map(|shard| Some((*shard, &leaf(shard)?[..]))).collect();
        let (mut lost, mut outputs) = (Vec::new(), Vec::<&mut [u8]>::new());
        for (&shard, frame) in missing.iter().zip(&mut frames) {
            match leaf(&shard) {
                Some(bytes) => frame[here.clone()].copy_from_slice(bytes),
                None => {
                    lost.push(shard);
                    outputs.push(&mut frame[here.clone()]);
                }
            }
        }
        if !lost.is_empty() {
            codec
                .rebuild(&inputs, &lost, &mut outputs)
                .map_err(|error| unreadable(inputs.len(), error.to_string()))?;
        }
        if number % 8 == 7 {
            tokio::task::yield_now().await;
        }
    }
    let mut writes = Vec::with_capacity(missing.len());
    for (&shard, buf) in missing.iter().zip(frames) {
        let leaves = leaves(blob.shard(shard), &buf[room..room + len]);
        if root(blob.shard(shard), &leaves) != known.roots[shard] {
            let trouble = format!("the rebuilt shard {shard} is not the lost one"); // X2
            return Err(unreadable(sources.shards(), trouble));
        }
        let head = head(&birth, shard, known.roots.clone());
        writes.push(ShardWrite { head, leaves, buf, room });
        tokio::task::yield_now().await;
    }
    Ok(writes)
}

/// Reads what is left of a blob and makes the shards `missing` from it.
///
/// # Errors
/// As [`remake`].
pub async fn rebuild(
    inner: &Inner,
    blob: BlobId,
    record: &BlobRecord,
    missing: &[usize],
) -> Result<Vec<ShardWrite>, StoreError> {
    let others: Vec<usize> =
        (0..record.layout.geometry.shards()).filter(|shard| !missing.contains(shard)).collect();
    let found = survey(inner, blob, record, &others).await;
    remake(inner, blob, record, (&Sources::of(&found), missing)).await
}
