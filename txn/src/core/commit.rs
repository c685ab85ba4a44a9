//! Commits: what is checked before one is sent, and what changes once it is accepted.
//!
//! ```text
//!            seal            admit             accept / refuse
//! request --------> Sealed --------> Sent ... ----------------> window, outcome,
//!        no lock taken   one critical section    in log order   locks go, answer
//! ```
//!
//! - C1 (X4): a check passes if its key did not change after `since`, neither in the
//!   window of recent changes nor by a commit that is sent and not accepted yet; or
//!   if this transaction has held a lock on the key since `since` or before, in
//!   which case nobody else can have changed it, however old `since` is.
//! - C2: a key that is written is locked exclusively until the commit is accepted:
//!   by the transaction already, or for the moment of the commit. If another holds
//!   a lock that clashes, the commit is refused with `Conflict`; it does not wait.
//!   So a key has one commit on its way at most, and whoever is granted a lock
//!   sees, at the accepted timestamp, everything that happened to what it locked.
//! - C3: an id commits once. Sent again, it is told what became of it.
//! - C4 (X3): what is admitted gets the next timestamp and the next place in the
//!   queue in one critical section.
//!
//! A part of the kind `Objects` holds the same rows as before (a flush, a
//! compaction) unless its transaction holds an exclusive lock of the table: then it
//! is a bulk load, and counts as a change of every key. Two of them exclude each
//! other by rows that both of them write, which is `sql`'s affair.
//!
//! Not here: bytes on their way (`pipeline`), recovery (`recover`).

use std::collections::BTreeMap;

use bytes::Bytes;
use holdfast_api::txn::{
    Check, CommitRequest, Committed, LockMode, Lockable, Part, RowKey, TxnError, TxnRecord,
};
use holdfast_base::{Epoch, Lsn, TableId, Ts, TxnId, WallMs};

use super::Core;
use super::hash::{PrintMap, Seeded};
use super::locks::Wake;
use super::outcomes::Known;
use super::recent::Seen;

/// A commit with everything done that needs no lock: hashed and encoded.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Who.
    pub txn: TxnId,
    locked_in: Option<Epoch>,
    checks: Vec<(Check, u64)>,
    writes: Vec<(RowKey, u64)>,
    objects: Vec<TableId>,
    is_empty: bool,
    /// The record, with 0 for its timestamp; see [`stamped`].
    pub body: Bytes,
}

/// A commit that is on its way.
#[derive(Debug)]
pub struct Sent {
    /// Who.
    pub txn: TxnId,
    /// Its timestamp.
    pub ts: Ts,
    writes: Vec<(TableId, u64)>,
    objects: Vec<(TableId, bool)>,
}

/// What became of a commit that was not refused.
#[derive(Debug)]
pub enum Admitted {
    /// To be sent; its locks are held.
    Sent(Sent),
    /// Nothing to be sent: it changes nothing, or it is durable already.
    Done(Committed),
}

/// Why a commit was not admitted.
#[derive(Debug)]
pub enum NotAdmitted {
    /// A checked key changed, or nobody remembers (C1).
    Changed(TxnError),
    /// Anything else that ends it.
    Ended(TxnError),
    /// It is on its way already: nothing is given up.
    OnItsWay(TxnError),
}

/// What is on its way, by key.
#[derive(Debug, Default)]
pub struct Pending {
    /// By print: the latest timestamp, and how many (two only if they share a print).
    keys: PrintMap<(Ts, u32)>,
    whole: BTreeMap<TableId, Ts>,
}

impl Sealed {
    /// Hashes and encodes; takes no lock.
    pub fn new(request: CommitRequest, hashing: Seeded) -> Self {
        let CommitRequest { txn, checks, locked_in, parts } = request;
        let print = |row: &RowKey| hashing.print(row.table, &row.key);
        let checks = checks.into_iter().map(|check| (print(&check.row), check));
        let checks = checks.map(|(print, check)| (check, print)).collect();
        let (mut writes, mut objects) = (Vec::new(), Vec::new());
        for part in &parts {
            match part {
                Part::Rows { table, changes, .. } => writes.extend(changes.iter().map(|change| {
                    let row = RowKey { table: *table, key: change.key.clone() };
                    let print = print(&row);
                    (row, print)
                })),
                Part::Objects { table, .. } => objects.push(*table),
                Part::Checkpoint(_) => {}
            }
        }
        let is_empty = parts.is_empty();
        let record = TxnRecord { ts: Ts(0), txn, shard: 0, participants: Vec::new(), parts };
        let body = if is_empty { Bytes::new() } else { record.encode() };
        Self { txn, locked_in, checks, writes, objects, is_empty, body }
    }
}

/// The record of a [`Sealed`] with its timestamp.
pub fn stamped(body: &Bytes, ts: Ts) -> Bytes {
    let mut out = Vec::with_capacity(body.len() + 9);
    out.extend_from_slice(&body[..body.len().min(1)]);
    let mut rest = ts.0;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    // The version, then a zero that the timestamp replaces.
    out.extend_from_slice(body.get(2..).unwrap_or_default());
    out.into()
}

impl Pending {
    fn add(&mut self, sent: &Sent) {
        for (_, print) in &sent.writes {
            let entry = self.keys.entry(*print).or_default();
            *entry = (entry.0.max(sent.ts), entry.1 + 1);
        }
        for (table, _) in sent.objects.iter().filter(|(_, is_whole)| *is_whole) {
            self.whole.insert(*table, sent.ts);
        }
    }

    fn remove(&mut self, sent: &Sent) {
        for (_, print) in &sent.writes {
            match self.keys.get_mut(print) {
                Some((_, count)) if *count > 1 => *count -= 1,
                _ => {
                    self.keys.remove(print);
                }
            }
        }
        for (table, _) in sent.objects.iter().filter(|(_, is_whole)| *is_whole) {
            self.whole.remove(table);
        }
    }

    /// Whether something on its way changes a key after `since`.
    fn changes(&self, table: TableId, print: u64, since: Ts) -> bool {
        self.keys.get(&print).is_some_and(|(ts, _)| *ts > since)
            || self.whole.get(&table).is_some_and(|ts| *ts > since)
    }
}

impl Core {
    /// C1 to C4. Gives up no lock, whatever comes of it: the caller does.
    pub fn admit(&mut self, sealed: &Sealed, wall: WallMs) -> Result<Admitted, NotAdmitted> {
        if let Some(done) = self.known_or_refused(sealed.txn)? {
            return Ok(Admitted::Done(done));
        }
        if let Some(given) = sealed.locked_in.filter(|given| *given != self.epoch) {
            let current = self.epoch;
            return Err(NotAdmitted::Ended(TxnError::LocksLost { given, current }));
        }
        for (check, print) in &sealed.checks {
            self.check(sealed.txn, check, *print).map_err(NotAdmitted::Changed)?;
        }
        if sealed.is_empty {
            return Ok(Admitted::Done(Committed { ts: self.accepted, lsn: self.lsn }));
        }
        for (row, _) in &sealed.writes {
            if !self.locks.seize(sealed.txn, row, self.accepted) {
                self.conflicts += 1;
                return Err(NotAdmitted::Ended(TxnError::Conflict { key: row.clone() }));
            }
        }
        let Some(ts) = self.stamp.next(wall) else {
            let why = TxnError::Stopped("there are no more timestamps".into());
            return Err(NotAdmitted::Ended(why));
        };
        let is_whole = |table: &TableId| {
            let lock = Lockable::Table(*table);
            self.locks.covered(sealed.txn, &lock, LockMode::Exclusive).is_some()
        };
        let objects = sealed.objects.iter().map(|table| (*table, is_whole(table))).collect();
        let writes = sealed.writes.iter().map(|(row, print)| (row.table, *print)).collect();
        let sent = Sent { txn: sealed.txn, ts, writes, objects };
        self.pending.add(&sent);
        self.outcomes.send(sealed.txn);
        Ok(Admitted::Sent(sent))
    }

    /// C3: what is known of it already; an error if it may not begin to commit.
    fn known_or_refused(&self, txn: TxnId) -> Result<Option<Committed>, NotAdmitted> {
        match self.outcomes.get(&txn) {
            Some(Known::Pending) => Err(NotAdmitted::OnItsWay(TxnError::Unknown(txn))),
            Some(Known::Committed(committed)) => Ok(Some(committed)),
            Some(Known::Aborted) => Err(NotAdmitted::Ended(TxnError::Decided(txn))),
            None => match self.too_old(txn) {
                Some(error) => Err(NotAdmitted::Ended(error)),
                None => Ok(None),
            },
        }
    }

    /// C1.
    fn check(&mut self, txn: TxnId, check: &Check, print: u64) -> Result<(), TxnError> {
        let Check { row, since } = check;
        let seen = if self.pending.changes(row.table, print, *since) {
            Seen::Changed
        } else {
            match self.recent.key(row.table, print, *since) {
                Seen::Same => return Ok(()),
                seen => seen,
            }
        };
        let held = self.locks.covered(txn, &Lockable::Row(row.clone()), LockMode::Shared);
        match seen {
            _ if held.is_some_and(|at| at <= *since) => Ok(()),
            Seen::Same | Seen::Changed => {
                self.conflicts += 1;
                Err(TxnError::Conflict { key: row.clone() })
            }
            Seen::TooOld => {
                self.conflicts += 1;
                Err(TxnError::TooOld { horizon: self.recent.horizon() })
            }
        }
    }

    /// The log accepted these, in this order. Their locks go.
    pub fn accept(&mut self, sent: &[&Sent], lsn: Lsn, woken: &mut Vec<Wake>) {
        for sent in sent {
            self.pending.remove(sent);
            self.note(sent, lsn);
        }
        self.commits += sent.len() as u64;
        self.recent.age(self.accepted);
        for sent in sent {
            self.locks.release_all(sent.txn, self.accepted, woken);
        }
    }

    fn note(&mut self, sent: &Sent, lsn: Lsn) {
        debug_assert!(sent.ts > self.accepted, "X3: timestamps grow along the log");
        for (table, print) in &sent.writes {
            self.recent.note(*table, *print, sent.ts);
        }
        for (table, is_whole) in &sent.objects {
            match is_whole {
                true => self.recent.note_whole(*table, sent.ts),
                false => self.recent.note_table(*table, sent.ts),
            }
        }
        self.accepted = sent.ts;
        self.lsn = lsn;
        self.outcomes.commit(sent.txn, Committed { ts: sent.ts, lsn });
    }

    /// The log surely did not accept these. Their locks go.
    pub fn refuse(&mut self, sent: &[&Sent], woken: &mut Vec<Wake>) {
        for sent in sent {
            self.pending.remove(sent);
            self.outcomes.unsend(&sent.txn);
            self.locks.release_all(sent.txn, self.accepted, woken);
        }
    }

    /// A record that lies in the log already, before this node serves.
    ///
    /// # Errors
    /// A sentence, if it does not follow the one before (R2).
    pub fn learn(&mut self, record: &TxnRecord, lsn: Lsn) -> Result<(), String> {
        if record.ts <= self.accepted {
            let before = self.accepted;
            return Err(format!(
                "the record at {lsn:?} has timestamp {}, after {before}",
                record.ts
            ));
        }
        let (mut writes, mut objects) = (Vec::new(), Vec::new());
        for part in &record.parts {
            match part {
                Part::Rows { table, changes, .. } => {
                    let print = |key: &Bytes| self.recent.hashing().print(*table, key);
                    writes.extend(changes.iter().map(|change| (*table, print(&change.key))));
                }
                // Nobody knows any more whether the table was locked.
                Part::Objects { table, .. } => objects.push((*table, true)),
                Part::Checkpoint(_) => {}
            }
        }
        let sent = Sent { txn: record.txn, ts: record.ts, writes, objects };
        self.note(&sent, lsn);
        self.stamp.saw(record.ts);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use holdfast_api::txn::Change;

    use super::*;

    #[test]
    fn a_stamped_body_is_the_record_encoded() {
        let txn = TxnId { born: Ts(900), nonce: u64::MAX };
        let change = Change { key: Bytes::from_static(b"k"), row: Some(Bytes::from_static(b"v")) };
        let parts = vec![Part::Rows { table: TableId(3), schema: 2, changes: vec![change] }];
        let request = CommitRequest { txn, checks: vec![], locked_in: None, parts: parts.clone() };
        let sealed = Sealed::new(request, Seeded(0));
        for ts in [0, 1, 127, 128, 1 << 20, u64::MAX] {
            let (participants, parts) = (Vec::new(), parts.clone());
            let record = TxnRecord { ts: Ts(ts), txn, shard: 0, participants, parts };
            assert_eq!(stamped(&sealed.body, Ts(ts)), record.encode(), "{ts}");
        }
    }
}
