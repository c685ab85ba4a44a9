//! The locks of one table: who holds which row, range, or all of it.
//!
//! - Two locks of different transactions clash when they overlap and are not both
//!   shared; a table lock clashes with every row and range lock of others,
//!   shared or not. [`clash`] is the rule, everything else here is an index for it.
//!
//! Not here: who waits, and for whom (`locks`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use holdfast_api::txn::{LockMode, Lockable};
use holdfast_base::{TableId, Ts, TxnId};

use super::Ticket;

/// One lock that is held.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// By whom.
    pub txn: TxnId,
    /// How.
    pub mode: LockMode,
    /// Nobody else changed what is locked after this.
    pub at: Ts,
}

/// The holders of one row: nearly always one.
#[derive(Debug, Default)]
pub struct Row {
    first: Option<Hold>,
    more: Vec<Hold>,
    /// Who waits for it, by ticket.
    pub queue: VecDeque<Ticket>,
}

#[derive(Debug)]
struct Range {
    to: Option<Bytes>,
    hold: Hold,
}

/// See the module's header.
#[derive(Debug, Default)]
pub struct Table {
    rows: BTreeMap<Bytes, Row>,
    /// By first key and a number that makes it unique.
    ranges: BTreeMap<(Bytes, u64), Range>,
    whole: Vec<Hold>,
    /// Who holds anything here, and how many rows and ranges.
    holders: BTreeMap<TxnId, usize>,
    /// Who waits for anything here.
    pub waiting: BTreeSet<Ticket>,
    /// Who waits for a range or for all of it.
    pub wide: BTreeSet<Ticket>,
}

/// What one transaction holds in one table: the names of its locks in [`Table`].
#[derive(Debug, Default)]
pub struct Held {
    rows: Vec<Bytes>,
    ranges: Vec<(Bytes, u64)>,
    is_whole: bool,
}

/// Whether two modes may not live together.
fn modes_clash(a: LockMode, b: LockMode) -> bool {
    a == LockMode::Exclusive || b == LockMode::Exclusive
}

/// The table of a lock.
pub fn table_of(lock: &Lockable) -> TableId {
    match lock {
        Lockable::Row(row) => row.table,
        Lockable::Range { table, .. } | Lockable::Table(table) => *table,
    }
}

/// Whether `key` lies in `from..to`.
fn within(key: &Bytes, from: &Bytes, to: Option<&Bytes>) -> bool {
    key >= from && to.is_none_or(|to| key < to)
}

/// A range without a key.
pub fn is_empty(lock: &Lockable) -> bool {
    matches!(lock, Lockable::Range { from, to: Some(to), .. } if from >= to)
}

/// Whether the locks of two transactions may not be held at one time.
pub fn clash(a: (&Lockable, LockMode), b: (&Lockable, LockMode)) -> bool {
    use Lockable::{Range, Row, Table};
    if table_of(a.0) != table_of(b.0) || is_empty(a.0) || is_empty(b.0) {
        return false;
    }
    let overlap = match (a.0, b.0) {
        (Table(_), Table(_)) => true,
        (Table(_), Row(_) | Range { .. }) | (Row(_) | Range { .. }, Table(_)) => return true,
        (Row(a), Row(b)) => a.key == b.key,
        (Row(row), Range { from, to, .. }) | (Range { from, to, .. }, Row(row)) => {
            within(&row.key, from, to.as_ref())
        }
        (Range { from, to, .. }, Range { from: other_from, to: other_to, .. }) => {
            to.as_ref().is_none_or(|to| other_from < to)
                && other_to.as_ref().is_none_or(|other_to| from < other_to)
        }
    };
    overlap && modes_clash(a.1, b.1)
}

impl Row {
    fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.first.iter().chain(&self.more)
    }

    fn of(&self, txn: TxnId) -> Option<&Hold> {
        self.holds().find(|hold| hold.txn == txn)
    }

    /// True when `txn` did not hold it before.
    fn add(&mut self, hold: Hold) -> bool {
        let mut held = self.first.iter_mut().chain(&mut self.more);
        if let Some(held) = held.find(|held| held.txn == hold.txn) {
            held.mode = held.mode.max(hold.mode);
            return false;
        }
        match self.first {
            None => self.first = Some(hold),
            Some(_) => self.more.push(hold),
        }
        true
    }

    fn remove(&mut self, txn: TxnId) {
        if self.first.is_some_and(|hold| hold.txn == txn) {
            self.first = self.more.pop();
        } else {
            self.more.retain(|hold| hold.txn != txn);
        }
    }

    fn is_idle(&self) -> bool {
        self.first.is_none() && self.queue.is_empty()
    }
}

/// The rows of `from..to`; none where that is no range.
fn span<'a>(
    rows: &'a BTreeMap<Bytes, Row>,
    from: &Bytes,
    to: Option<&Bytes>,
) -> impl Iterator<Item = (&'a Bytes, &'a Row)> {
    let is_range = to.is_none_or(|to| from < to);
    let end = to.map_or(Bound::Unbounded, Bound::Excluded);
    let rows = is_range.then(|| rows.range::<Bytes, _>((Bound::Included(from), end)));
    rows.into_iter().flatten()
}

impl Table {
    /// Nobody holds or waits for anything.
    pub fn is_idle(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }

    /// The queue of a row.
    pub fn queue_of(&mut self, key: &Bytes) -> &mut VecDeque<Ticket> {
        &mut self.rows.entry(key.clone()).or_default().queue
    }

    /// The queue of a row, if there is one.
    pub fn queue(&self, key: &Bytes) -> Option<&VecDeque<Ticket>> {
        self.rows.get(key).map(|row| &row.queue)
    }

    /// A waiter left the queue of a row.
    pub fn leave(&mut self, key: &Bytes, ticket: Ticket) {
        if let Some(row) = self.rows.get_mut(key) {
            row.queue.retain(|waiting| *waiting != ticket);
            if row.is_idle() {
                self.rows.remove(key);
            }
        }
    }

    /// Whether `txn` holds `lock`, or more, at least in `mode`; and since when.
    pub fn covered(&self, txn: TxnId, lock: &Lockable, mode: LockMode) -> Option<Ts> {
        if !self.holders.contains_key(&txn) {
            return None;
        }
        let mine = |hold: &&Hold| hold.txn == txn && hold.mode >= mode;
        if let Some(hold) = self.whole.iter().find(mine) {
            return Some(hold.at);
        }
        let (from, to) = match lock {
            Lockable::Table(_) => return None,
            Lockable::Row(row) => {
                let held = self.rows.get(&row.key).and_then(|row| row.of(txn));
                if let Some(hold) = held.filter(|hold| hold.mode >= mode) {
                    return Some(hold.at);
                }
                (&row.key, None)
            }
            Lockable::Range { from, to, .. } => (from, Some(to)),
        };
        let upto = (Bound::Unbounded, Bound::Included((from.clone(), u64::MAX)));
        let covers = |range: &&Range| {
            mine(&&range.hold)
                && match (to, &range.to) {
                    (_, None) => true,
                    (None, Some(end)) => from < end,
                    (Some(to), Some(end)) => to.as_ref().is_some_and(|to| to <= end),
                }
        };
        let mut ranges = self.ranges.range(upto).map(|(_, range)| range);
        ranges.find(covers).map(|range| range.hold.at)
    }

    /// Notes a lock; true when it is one more for its holder, whose list is `held`.
    pub fn add(&mut self, lock: &Lockable, hold: Hold, serial: u64, held: &mut Held) -> bool {
        let parts = self.holders.entry(hold.txn).or_default();
        match lock {
            Lockable::Row(row) => {
                let is_new = match self.rows.get_mut(&row.key) {
                    Some(entry) => entry.add(hold),
                    None => self.rows.entry(row.key.clone()).or_default().add(hold),
                };
                if is_new {
                    *parts += 1;
                    held.rows.push(row.key.clone());
                }
                is_new
            }
            Lockable::Range { from, to, .. } => {
                *parts += 1;
                let name = (from.clone(), serial);
                self.ranges.insert(name.clone(), Range { to: to.clone(), hold });
                held.ranges.push(name);
                true
            }
            Lockable::Table(_) => {
                match self.whole.iter_mut().find(|held| held.txn == hold.txn) {
                    Some(held) => held.mode = held.mode.max(hold.mode),
                    None => self.whole.push(hold),
                }
                !std::mem::replace(&mut held.is_whole, true)
            }
        }
    }

    /// Gives up everything that `held` lists.
    pub fn remove(&mut self, txn: TxnId, held: &Held) {
        for key in &held.rows {
            if let Some(row) = self.rows.get_mut(key) {
                row.remove(txn);
                if row.is_idle() {
                    self.rows.remove(key);
                }
            }
        }
        for name in &held.ranges {
            self.ranges.remove(name);
        }
        if held.is_whole {
            self.whole.retain(|hold| hold.txn != txn);
        }
        self.holders.remove(&txn);
    }

    /// Whether `txn`, whose locks here are `held`, holds something that clashes.
    pub fn blocks(&self, txn: TxnId, held: &Held, lock: (&Lockable, LockMode)) -> bool {
        let rule = |hold: &Hold| modes_clash(hold.mode, lock.1);
        let mine = |hold: &&Hold| hold.txn == txn;
        let whole = self.whole.iter().find(mine);
        match lock.0 {
            Lockable::Table(_) => {
                !held.rows.is_empty() || !held.ranges.is_empty() || whole.is_some_and(rule)
            }
            _ if is_empty(lock.0) => false,
            Lockable::Row(_) | Lockable::Range { .. } if whole.is_some() => true,
            Lockable::Row(row) => {
                self.rows.get(&row.key).and_then(|row| row.of(txn)).is_some_and(rule)
                    || self.ranges_block(held, lock)
            }
            Lockable::Range { from, to, .. } => {
                let row = |key: &&Bytes| within(key, from, to.as_ref());
                let of = |key: &Bytes| self.rows.get(key).and_then(|row| row.of(txn));
                held.rows.iter().filter(row).filter_map(of).any(rule)
                    || self.ranges_block(held, lock)
            }
        }
    }

    fn ranges_block(&self, held: &Held, lock: (&Lockable, LockMode)) -> bool {
        let mut ranges = held.ranges.iter().filter_map(|name| Some((name, self.ranges.get(name)?)));
        ranges.any(|(name, range)| {
            let (from, to) = (name.0.clone(), range.to.clone());
            clash((&Lockable::Range { table: table_of(lock.0), from, to }, range.hold.mode), lock)
        })
    }

    /// Calls `each` with others than `txn` whose locks clash with `lock`, until it breaks.
    ///
    /// Cost: for a row, the ranges of its table that begin at or before it; for a
    /// range, the rows in it and the ranges that begin before its end; for a
    /// table, the transactions that hold something there.
    pub fn each_holder(
        &self,
        txn: TxnId,
        lock: (&Lockable, LockMode),
        each: &mut dyn FnMut(TxnId) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if is_empty(lock.0) || self.holders.is_empty() {
            return ControlFlow::Continue(());
        }
        let rule = |hold: &&Hold| hold.txn != txn && modes_clash(hold.mode, lock.1);
        match lock.0 {
            Lockable::Table(_) => return self.each_in_the_way_of_all(txn, lock.1, each),
            Lockable::Row(row) => {
                if let Some(row) = self.rows.get(&row.key) {
                    row.holds().filter(rule).try_for_each(|hold| each(hold.txn))?;
                }
            }
            Lockable::Range { from, to, .. } => {
                let mut rows = span(&self.rows, from, to.as_ref());
                rows.try_for_each(|(_, row)| {
                    row.holds().filter(rule).try_for_each(|hold| each(hold.txn))
                })?;
            }
        }
        let whole = self.whole.iter().filter(|hold| hold.txn != txn);
        whole.map(|hold| hold.txn).try_for_each(&mut *each)?;
        self.each_range(lock.0, &mut |hold| {
            if rule(&hold) { each(hold.txn) } else { ControlFlow::Continue(()) }
        })
    }

    fn each_range(
        &self,
        lock: &Lockable,
        each: &mut dyn FnMut(&Hold) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.ranges.is_empty() {
            return ControlFlow::Continue(());
        }
        let (first, last) = match lock {
            Lockable::Row(row) => (&row.key, Bound::Included((row.key.clone(), u64::MAX))),
            Lockable::Range { from, to: Some(to), .. } => (from, Bound::Excluded((to.clone(), 0))),
            Lockable::Range { from, to: None, .. } => (from, Bound::Unbounded),
            Lockable::Table(_) => return ControlFlow::Continue(()),
        };
        let mut ranges = self.ranges.range((Bound::Unbounded, last));
        ranges.try_for_each(|(_, range)| match &range.to {
            Some(to) if to <= first => ControlFlow::Continue(()),
            _ => each(&range.hold),
        })
    }

    /// A table lock clashes with all but the shared table locks of others.
    fn each_in_the_way_of_all(
        &self,
        txn: TxnId,
        mode: LockMode,
        each: &mut dyn FnMut(TxnId) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for (other, parts) in self.holders.iter().filter(|(other, _)| **other != txn) {
            let mut whole = self.whole.iter().filter(|hold| hold.txn == *other);
            if *parts > 0 || whole.any(|hold| modes_clash(hold.mode, mode)) {
                each(*other)?;
            }
        }
        ControlFlow::Continue(())
    }
}
