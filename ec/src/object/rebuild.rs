//! Shards of a blob made from other shards of it.
//!
//! - X1: every byte that goes in was verified up to the seal.
//! - X2: what comes out has the root that the seal covers, or it is refused:
//!   a wrong decode cannot reach a drive.
//!
//! Not here: why shards are rebuilt (`spread` for a failed write, `heal` for the rest).

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::{DriveError, ShardRange, ShardWrite};
use holdfast_api::object::StoreError;
use holdfast_base::checksum::{leaves, root};
use holdfast_base::limits::UNIT_BYTES;
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

/// Makes the shards `missing` from the `good` ones.
///
/// # Errors
/// [`StoreError::Unreadable`] when fewer than `k` are good, or what comes out
/// breaks X2.
pub async fn remake(
    inner: &Inner,
    blob: BlobId,
    record: &BlobRecord,
    good: &BTreeMap<usize, Verified>,
    missing: &[usize],
) -> Result<Vec<ShardWrite>, StoreError> {
    let layout = record.layout;
    let (k, len) = (layout.geometry.k(), layout.shard_bytes());
    let unreadable =
        |trouble: String| StoreError::Unreadable { blob, good: good.len(), needed: k, trouble };
    let Some(known) = good.values().next().filter(|_| good.len() >= k) else {
        return Err(unreadable("too few good shards to rebuild from".into()));
    };
    let birth = Birth { blob, at: record.at, layout, owner: known.head.owner.clone() };
    let (room, frame) = frame_bytes(&birth);
    let codec = inner.codec(layout).map_err(unreadable)?;
    let mut frames: Vec<Buf> = missing.iter().map(|_| Buf::zeroed(frame)).collect();
    let mut at = 0;
    while at < len {
        let end = (at + UNIT_BYTES).min(len);
        let inputs: Vec<(usize, &[u8])> =
            good.iter().map(|(&shard, verified)| (shard, &verified.bytes[at..end])).collect();
        let mut outputs: Vec<&mut [u8]> =
            frames.iter_mut().map(|frame| &mut frame[room + at..room + end]).collect();
        codec
            .rebuild(&inputs, missing, &mut outputs)
            .map_err(|error| unreadable(error.to_string()))?;
        at = end;
        tokio::task::yield_now().await;
    }
    let mut writes = Vec::with_capacity(missing.len());
    for (&shard, buf) in missing.iter().zip(frames) {
        let leaves = leaves(blob.shard(shard), &buf[room..room + len]);
        if root(blob.shard(shard), &leaves) != known.head.roots[shard] {
            return Err(unreadable(format!("the rebuilt shard {shard} is not the lost one"))); // X2
        }
        let head = head(&birth, shard, known.head.roots.clone());
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
    inner: &Arc<Inner>,
    blob: BlobId,
    record: &BlobRecord,
    missing: &[usize],
) -> Result<Vec<ShardWrite>, StoreError> {
    let others: Vec<usize> =
        (0..record.layout.geometry.shards()).filter(|shard| !missing.contains(shard)).collect();
    let found = survey(inner, blob, record, &others).await;
    let good = found.into_iter().filter_map(|(shard, found)| Some((shard, found.ok()?))).collect();
    remake(inner, blob, record, &good, missing).await
}
