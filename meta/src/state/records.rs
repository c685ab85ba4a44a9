//! The transaction log inside the state machine: what `api::log` promises.
//!
//! - T1: a record is accepted here or never; only accepted records have a row.
//! - T2: only the next `seq` of the current epoch is accepted; the last ones,
//!   sent again, get the position that they got.
//! - T3: a row goes only after a `LogTruncate` that covers it.
//! - T4: `append` is refused beyond the budget; `grant` and `truncate` never are.

use bytes::Bytes;
use holdfast_api::log::LogRecord;
use holdfast_api::meta::{Outcome, Refusal};
use holdfast_base::{Epoch, Lsn};
use redb::ReadableTable;

use super::error::{StateError, Stop, bad};
use super::rows::{LogRow, Row};
use super::tables::{self, Family, GROUP};
use super::txn::{Rows, Txn};

/// How far back a resent `append` is looked for. [records]
const RESEND_MAX: u64 = 10_000;

/// The most rows that one tick removes.
const SWEEP_ROWS: usize = 4096;

/// What a record costs besides its bytes. [bytes]
const RECORD_OVERHEAD: u64 = 64;

/// See `Command::LogAppend`.
#[derive(Debug)]
pub struct Append {
    /// The writer's epoch.
    pub epoch: Epoch,
    /// Its number in the epoch.
    pub seq: u64,
    /// Opaque.
    pub records: Vec<Bytes>,
}

/// See `Command::LogGrant`.
pub fn grant(txn: &mut Txn<'_>) -> Result<Outcome, Stop> {
    let log = &mut txn.system.log;
    log.epoch.0 += 1;
    log.next_seq = 1;
    Ok(Outcome::Epoch(log.epoch))
}

/// See `Command::LogAppend`.
pub fn append(txn: &mut Txn<'_>, index: u64, append: Append) -> Result<Outcome, Stop> {
    let log = &txn.system.log;
    if append.epoch != log.epoch || append.epoch == Epoch(0) {
        return Err(Refusal::Fenced { current: log.epoch }.into());
    }
    let next = log.next_seq;
    if append.seq != next {
        return match again(txn, append.seq)? {
            Some(lsn) => Ok(Outcome::Lsn(lsn)),
            None => Err(Refusal::OutOfOrder { next }.into()),
        };
    }
    let bytes =
        append.records.iter().map(|record| record.len() as u64).sum::<u64>() + RECORD_OVERHEAD;
    if log.bytes().0 + bytes > log.budget {
        return Err(Refusal::LogFull.into());
    }
    let lsn = Lsn { incarnation: txn.system.incarnation, group: GROUP, index };
    if lsn <= log.last {
        return Err(bad(format!("two appends in entry {index}")));
    }
    let record = LogRecord { lsn, epoch: append.epoch, seq: append.seq, records: append.records };
    txn.put(&tables::log_record(index), &LogRow { start: log.end, record })?;
    let log = &mut txn.system.log;
    log.last = lsn;
    log.end += bytes;
    log.next_seq += 1;
    Ok(Outcome::Lsn(lsn))
}

/// Where `seq` of the current epoch was accepted: as many records back as it is old.
fn again(txn: &Txn<'_>, seq: u64) -> Result<Option<Lsn>, StateError> {
    let log = &txn.system.log;
    let Some(back) = (log.next_seq.checked_sub(1)).and_then(|last| last.checked_sub(seq)) else {
        return Ok(None);
    };
    if seq == 0 || back >= RESEND_MAX {
        return Ok(None);
    }
    let (low, high) = live(log.truncated);
    if low >= high {
        return Ok(None);
    }
    let range = low.as_slice()..high.as_slice();
    let mut rows = txn.rows.range::<&[u8]>(range).map_err(StateError::doing("scan"))?;
    let Some(row) = rows.nth_back(back as usize) else { return Ok(None) };
    let (_, value) = row.map_err(StateError::doing("scan"))?;
    let row = LogRow::from_row(value.value())?;
    Ok((row.record.epoch == log.epoch && row.record.seq == seq).then_some(row.record.lsn))
}

/// The rows after `after`.
pub fn live(after: Lsn) -> (Vec<u8>, Vec<u8>) {
    let (_, high) = tables::range_of(tables::family(Family::LogRecord));
    (tables::log_record(after.index.saturating_add(1)), high)
}

/// See `Command::LogTruncate`.
pub fn truncate(txn: &mut Txn<'_>, epoch: Epoch, through: Lsn) -> Result<Outcome, Stop> {
    let log = &txn.system.log;
    if epoch != log.epoch {
        return Err(Refusal::Fenced { current: log.epoch }.into());
    }
    let through = through.min(log.last);
    if through <= log.truncated {
        return Ok(Outcome::Done);
    }
    let first = txn.rows.keys(live(through), 1)?.pop();
    let start = match first {
        Some(key) => txn.rows.row::<LogRow>(&key)?.map(|row| row.start),
        None => None,
    };
    let log = &mut txn.system.log;
    log.start = start.unwrap_or(log.end);
    log.truncated = through;
    log.sweep = true;
    sweep(txn)?;
    Ok(Outcome::Done)
}

/// Removes rows that were truncated; bounded.
pub fn sweep(txn: &mut Txn<'_>) -> Result<(), StateError> {
    if !txn.system.log.sweep {
        return Ok(());
    }
    let (low, _) = tables::range_of(tables::family(Family::LogRecord));
    let high = tables::log_record(txn.system.log.truncated.index.saturating_add(1));
    let gone = txn.rows.keys((low, high), SWEEP_ROWS)?;
    for key in &gone {
        txn.remove(key)?;
    }
    txn.system.log.sweep = gone.len() == SWEEP_ROWS;
    Ok(())
}
