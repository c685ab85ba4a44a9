//! The state machine: entries in, outcomes out. Pure: no clock, no disk, no
//! randomness; time arrives in the entry.
//!
//! - A1: equal entries applied to equal stores give equal stores and outcomes.
//! - A2: log time never goes back, whatever an entry says.
//! - A3: a refused command changes nothing but its session's window.
//!
//! Not here: one family of commands each in `buckets`, `objects`, `uploads`,
//! `bodies`, `drives`, `heal`, `keys`, `records`; exactly-once in `sessions`.

use holdfast_api::meta::{Command, Outcome};

use super::entry::{Applied, Entry, Op};
use super::error::{StateError, Stop};
use super::txn::Txn;
use super::{bodies, buckets, drives, heal, keys, objects, records, sessions, uploads};

/// Applies one entry at log position `index`.
///
/// # Errors
/// The store; the transaction must then be given up.
pub fn apply(txn: &mut Txn<'_>, index: u64, entry: Entry) -> Result<Applied, StateError> {
    txn.system.tick = txn.system.tick.max(entry.tick); // A2
    let mut outcomes = Vec::with_capacity(entry.ops.len());
    for op in entry.ops {
        outcomes.push(match op {
            Op::OpenSession { session, log_budget } => {
                txn.system.log.budget = log_budget;
                sessions::open(txn, session)?;
                Outcome::Done
            }
            Op::Tick { session } => {
                sessions::hear(txn, session)?;
                sweep(txn)?;
                Outcome::Done
            }
            Op::Command { session, seq, acked, command } => {
                let stamp = sessions::Stamp { session, seq, acked };
                sessions::once(txn, stamp, |txn| command_outcome(txn, index, command))?
            }
        });
    }
    Ok(Applied { outcomes })
}

/// Removes what has expired; bounded, the rest goes with the next tick.
fn sweep(txn: &mut Txn<'_>) -> Result<(), StateError> {
    sessions::sweep(txn)?;
    bodies::sweep(txn)?;
    records::sweep(txn)
}

fn command_outcome(txn: &mut Txn<'_>, index: u64, command: Command) -> Result<Outcome, StateError> {
    match run(txn, index, command) {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Refused(refusal)) => Ok(Outcome::Refused(refusal)),
        Err(Stop::Broken(error)) => Err(error),
    }
}

fn run(txn: &mut Txn<'_>, index: u64, command: Command) -> Result<Outcome, Stop> {
    match command {
        Command::CreateBucket { name, now } => buckets::create(txn, name, now),
        Command::DeleteBucket { name } => buckets::delete(txn, &name),
        Command::ExtendBody { body, blobs } => bodies::extend(txn, body, blobs),
        Command::RenewIntent { body } => bodies::renew(txn, body),
        Command::PutObject(put) => objects::put(txn, put),
        Command::SetAttributes { bucket, key, version, attributes, now } => {
            let change = objects::Change { version, attributes, now };
            objects::set_attributes(txn, bucket, &key, change)
        }
        Command::DeleteObjects { bucket, objects } => objects::delete(txn, bucket, objects),
        Command::CreateUpload(upload) => uploads::create(txn, upload),
        Command::PutPart(put) => uploads::put_part(txn, put),
        Command::AbortUpload { bucket, key, upload } => uploads::abort(txn, bucket, &key, upload),
        Command::CompleteUpload { bucket, key, upload, parts, object, condition } => {
            let complete = uploads::Complete { bucket, key, upload, parts, object, condition };
            uploads::complete(txn, complete)
        }
        Command::PutAccessKey(key) => keys::put(txn, key),
        Command::DeleteAccessKey { id } => keys::delete(txn, &id),
        Command::PutDrive { no, id, node, path } => {
            drives::put(txn, no, drives::Found { id, node, path })
        }
        Command::SetHealing { no, id, healing } => drives::set_healing(txn, no, id, healing),
        Command::ReportMissing { shards } => heal::report(txn, shards),
        Command::SetBlob { blob, before, after } => heal::set_blob(txn, blob, before, after),
        Command::ForgetGarbage { bodies } => bodies::forget(txn, bodies),
        Command::LogGrant => records::grant(txn),
        Command::LogAppend { epoch, seq, records } => {
            records::append(txn, index, records::Append { epoch, seq, records })
        }
        Command::LogTruncate { epoch, through } => records::truncate(txn, epoch, through),
    }
}
