//! Reading: a shard's header and the leaves that cover a range.
//!
//! Invariants
//! - D1: what is answered was the shard's newest frame after the bytes had been read: a
//!   frame that was deleted, moved or punched meanwhile is looked up again.
//! - D2: the header was checked: checksum, shard, life, position. The payload was not:
//!   who asked verifies it, end to end.
//!
//! Not here: hashes of payload (`object`).

use std::sync::Arc;

use bytes::Bytes;
use holdfast_api::drive::{DriveError, ShardBytes, ShardRange};
use holdfast_base::limits::{BLOCK_BYTES, LEAF_BYTES};
use holdfast_io::disk::{Buf, File};

use super::frame::{Header, NotAFrame};
use super::index::Place;
use super::shared::Shared;

/// A range that begins at most so far behind the header is read together with it. [bytes]
const NEAR: usize = if cfg!(test) { 16 << 10 } else { 64 << 10 };

/// How often a frame may move under a reader before it gives up.
const TRIES: usize = 8;

/// Reads a part of one shard.
///
/// # Errors
/// As `DriveService::read`.
pub async fn read(shared: &Shared, range: ShardRange) -> Result<ShardBytes, DriveError> {
    let drive = shared.identity.no;
    for _ in 0..TRIES {
        shared.health.check()?;
        let found = {
            let core = shared.core();
            let place = core.index.find(range.shard);
            place
                .and_then(|place| Some((place, core.segments.get(&place.segment)?)))
                .map(|(place, segment)| (place, segment.file.clone(), segment.life))
        };
        let Some((place, file, life)) = found else {
            return Err(DriveError::NotFound { drive, shard: range.shard });
        };
        let result = read_frame(shared, &file, (place, life), range).await;
        if shared.core().index.find(range.shard) == Some(place) {
            if matches!(result, Err(DriveError::Corrupt { .. })) {
                shared.health.count_error();
            }
            return result;
        }
    }
    Err(DriveError::Busy { drive })
}

async fn read_frame(
    shared: &Shared,
    file: &Arc<File>,
    at: (Place, u64),
    range: ShardRange,
) -> Result<ShardBytes, DriveError> {
    let (place, life) = at;
    let ShardRange { shard, from, to } = range;
    let drive = shared.identity.no;
    let out_of_range = DriveError::OutOfRange { drive, shard, from, to };
    let payload_max = place.frame_bytes() - place.payload_at();
    if from > to || to > payload_max {
        return Err(out_of_range);
    }
    let first_leaf = from / LEAF_BYTES;
    let begin = first_leaf * LEAF_BYTES;
    let end = to.next_multiple_of(LEAF_BYTES).clamp(begin, payload_max.max(begin));
    let body = place.payload_at() + begin..place.payload_at() + end;
    let (header_bytes, body_bytes) = if begin <= NEAR || begin == end {
        let both = read_run(shared, file, place.at(), 0..body.end.max(place.payload_at())).await?;
        (both.clone(), both.slice(body.start.min(both.len())..))
    } else {
        tokio::try_join!(
            read_run(shared, file, place.at(), 0..place.payload_at()),
            read_run(shared, file, place.at(), body)
        )?
    };
    let corrupt = |what: NotAFrame| DriveError::Corrupt { drive, shard, what: what.to_string() };
    let header = Header::parse_at(&header_bytes, life, place.at()).map_err(corrupt)?;
    if header.shard != shard {
        let what = format!("the frame there is of {}", header.shard);
        return Err(DriveError::Corrupt { drive, shard, what });
    }
    let (head, leaves) = header.decode(&header_bytes).map_err(corrupt)?;
    if to > header.payload_len {
        return Err(out_of_range);
    }
    let padding = (begin + body_bytes.len()).saturating_sub(header.payload_len);
    let bytes = body_bytes.slice(..body_bytes.len().saturating_sub(padding));
    Ok(ShardBytes { head, leaves, first_leaf, bytes })
}

/// The bytes `run` of the frame at `at`.
pub async fn read_run(
    shared: &Shared,
    file: &File,
    at: u64,
    run: std::ops::Range<usize>,
) -> Result<Bytes, DriveError> {
    let from = at + run.start as u64;
    let first = from / BLOCK_BYTES as u64 * BLOCK_BYTES as u64;
    let skip = (from - first) as usize;
    let len = (skip + run.len()).next_multiple_of(BLOCK_BYTES);
    let buf = shared.health.read(file.read(first, Buf::dirty(len))).await?;
    Ok(Bytes::from_owner(buf).slice(skip..skip + run.len()))
}
