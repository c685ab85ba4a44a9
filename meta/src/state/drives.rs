//! Drive slots, and the erasure sets that blobs lie on.
//!
//! A set is a sorted list of drives with a number. Which blobs may lie on a set
//! is remembered by the span of log time in which they were born, so that a PUT
//! writes no index row of its own, and a lost drive still costs no scan of blobs
//! that were never near it.

use holdfast_api::blob::BlobRecord;
use holdfast_api::meta::{DriveRecord, Outcome, Refusal};
use holdfast_base::{BlobId, DriveId, DriveNo, NodeId};

use super::error::{StateError, Stop};
use super::rows::Row;
use super::tables::{self, Family};
use super::txn::{Go, Rows, Txn};

/// The span of log time that one `SetSeen` row stands for. [ms]
pub const SPAN_MS: u64 = 1 << 20;

/// A drive that a node found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its formatting.
    pub id: DriveId,
    /// Where it is.
    pub node: NodeId,
    /// Its path there.
    pub path: String,
}

/// See `Command::PutDrive`.
pub fn put(txn: &mut Txn<'_>, no: Option<DriveNo>, found: Found) -> Result<Outcome, Stop> {
    let slots = slots(&txn.rows)?;
    let here = slots.iter().find(|slot| slot.id == found.id);
    let Found { id, node, path } = found;
    let record = match (here, no) {
        (Some(here), no) if no.is_none_or(|no| no == here.no) => {
            DriveRecord { no: here.no, id, node, path, healing: here.healing }
        }
        (Some(_), _) => return Err(Refusal::SlotTaken.into()),
        (None, Some(no)) => {
            let healing = slots.iter().any(|slot| slot.no == no);
            DriveRecord { no, id, node, path, healing }
        }
        (None, None) => {
            let free = (0..=u16::MAX).find(|no| slots.iter().all(|slot| slot.no.0 != *no));
            let no = DriveNo(free.ok_or(Refusal::SlotTaken)?);
            DriveRecord { no, id, node, path, healing: false }
        }
    };
    txn.put(&tables::drive(record.no), &record)?;
    Ok(Outcome::Drive { no: record.no, healing: record.healing })
}

/// See `Command::SetHealing`.
pub fn set_healing(
    txn: &mut Txn<'_>,
    no: DriveNo,
    id: DriveId,
    healing: bool,
) -> Result<Outcome, Stop> {
    let record: Option<DriveRecord> = txn.rows.row(&tables::drive(no))?;
    let Some(record) = record.filter(|record| record.id == id) else {
        return Err(Refusal::Stale.into());
    };
    txn.put(&tables::drive(no), &DriveRecord { healing, ..record })?;
    Ok(Outcome::Done)
}

/// All slots, by number.
pub fn slots(rows: &impl Rows) -> Result<Vec<DriveRecord>, StateError> {
    let mut slots = Vec::new();
    rows.scan(tables::range_of(tables::family(Family::Drive)), |_, value| {
        slots.push(DriveRecord::from_row(value)?);
        Ok(Go::On)
    })?;
    Ok(slots)
}

/// Remembers that `blob` lies on the drives that `record` names.
pub fn note_set(txn: &mut Txn<'_>, blob: BlobId, record: &BlobRecord) -> Result<(), StateError> {
    let mut drives = record.drives.clone();
    drives.sort_unstable();
    drives.dedup();
    let key = tables::set(&drives);
    let set = match txn.rows.row::<u32>(&key)? {
        Some(set) => set,
        None => {
            let set = txn.system.next_set;
            txn.system.next_set += 1;
            txn.put(&key, &set)?;
            txn.put(&tables::set_by_no(set), &drives)?;
            set
        }
    };
    let seen = tables::set_seen(blob.body.born / SPAN_MS, set);
    if !txn.rows.has(&seen)? {
        txn.put(&seen, &())?;
    }
    Ok(())
}

/// The sets that contain a drive, by number.
pub fn sets_with(rows: &impl Rows, drive: DriveNo) -> Result<Vec<u32>, StateError> {
    let mut sets = Vec::new();
    rows.scan(tables::range_of(tables::family(Family::SetByNo)), |key, value| {
        if Vec::<DriveNo>::from_row(value)?.contains(&drive) {
            let no = key[tables::PREFIX..].try_into();
            let no = no.map_err(|_| StateError::Key { family: Family::SetByNo as u8 })?;
            sets.push(u32::from_be_bytes(no));
        }
        Ok(Go::On)
    })?;
    Ok(sets)
}
