//! What the heal queue owes which blob.
//!
//! - Q1: a blob has a row in the queue if and only if its record names missing
//!   shards, under the number of further losses that it survives.

use std::collections::BTreeMap;

use holdfast_api::blob::BlobRecord;
use holdfast_api::meta::{Outcome, Refusal};
use holdfast_base::BlobId;

use super::drives;
use super::error::{StateError, Stop, bad};
use super::tables;
use super::txn::{Rows, Txn};

/// Checks what came from outside: what the codec and the heal queue rely on.
/// Leaves `missing` sorted, each shard once.
pub fn check(record: &mut BlobRecord) -> Result<(), Stop> {
    let shards = record.layout.geometry.shards();
    if !record.layout.is_legal() {
        return Err(bad(format!(
            "a blob of {} bytes at {}",
            record.layout.len, record.layout.geometry
        )));
    }
    if record.drives.len() != shards {
        return Err(bad(format!("{} drives for {shards} shards", record.drives.len())));
    }
    record.missing.sort_unstable();
    record.missing.dedup();
    if record.missing.iter().any(|&shard| usize::from(shard) >= shards) {
        return Err(bad(format!("missing shards {:?} of {shards}", record.missing)));
    }
    Ok(())
}

/// How many more shards a blob can lose.
fn spare(record: &BlobRecord) -> u8 {
    record.layout.geometry.m().saturating_sub(record.missing.len()) as u8
}

/// Writes a blob's record and its place in the queue (Q1). `before` is what was there.
pub fn write(
    txn: &mut Txn<'_>,
    blob: BlobId,
    before: Option<&BlobRecord>,
    after: &BlobRecord,
) -> Result<(), StateError> {
    if let Some(before) = before {
        dequeue(txn, blob, before)?;
    }
    if before.is_none_or(|before| before.drives != after.drives) {
        drives::note_set(txn, blob, after)?;
    }
    txn.put(&tables::blob(blob), after)?;
    if !after.missing.is_empty() {
        txn.put(&tables::heal(spare(after), blob), &())?;
        txn.system.heal_queued += 1;
    }
    Ok(())
}

/// Takes a blob out of the queue, before its record goes or changes.
pub fn dequeue(txn: &mut Txn<'_>, blob: BlobId, record: &BlobRecord) -> Result<(), StateError> {
    if !record.missing.is_empty() && txn.remove(&tables::heal(spare(record), blob))? {
        txn.system.heal_queued = txn.system.heal_queued.saturating_sub(1);
    }
    Ok(())
}

/// See `Command::ReportMissing`. Blobs without a record are passed over.
pub fn report(txn: &mut Txn<'_>, shards: Vec<(BlobId, u8)>) -> Result<Outcome, Stop> {
    let mut by_blob: BTreeMap<BlobId, Vec<u8>> = BTreeMap::new();
    for (blob, shard) in shards {
        by_blob.entry(blob).or_default().push(shard);
    }
    for (blob, shards) in by_blob {
        let Some(before) = txn.rows.row::<BlobRecord>(&tables::blob(blob))? else { continue };
        let mut after = before.clone();
        let count = after.layout.geometry.shards();
        after.missing.extend(shards.into_iter().filter(|&shard| usize::from(shard) < count));
        after.missing.sort_unstable();
        after.missing.dedup();
        if after != before {
            write(txn, blob, Some(&before), &after)?;
        }
    }
    Ok(Outcome::Done)
}

/// See `Command::SetBlob`.
pub fn set_blob(
    txn: &mut Txn<'_>,
    blob: BlobId,
    before: BlobRecord,
    mut after: BlobRecord,
) -> Result<Outcome, Stop> {
    check(&mut after)?;
    let same = (after.at, after.layout, after.seal) == (before.at, before.layout, before.seal);
    if !same {
        return Err(bad("a heal moves shards, it does not change a blob"));
    }
    if txn.rows.row::<BlobRecord>(&tables::blob(blob))?.as_ref() != Some(&before) {
        return Err(Refusal::Stale.into());
    }
    write(txn, blob, Some(&before), &after)?;
    Ok(Outcome::Done)
}
