//! The lock table: who holds what, who waits for whom.
//!
//! ```text
//! table 7   rows     a: T1 X        b: T2 S, T3 S     queue of b: T4 X, T5 S
//!           ranges   [m, q): T3 X
//!           whole    -
//! waits     T4 -> T2, T3     T5 -> T4 (first come, first served)
//!           each waiter watches one of those; when that one ends it looks again
//! ```
//!
//! - L1: no two transactions hold locks that clash (`table::clash`).
//! - L2: a request waits behind earlier ones that it clashes with, unless a lock
//!   that its transaction holds is what they wait for (so that a shared lock is
//!   turned into an exclusive one ahead of those who queue for it).
//! - L3: what a transaction holds, it may have again: a row under its own range or
//!   table lock costs nothing.
//! - L4: nobody waits in a circle. A request that would close one is refused with
//!   `Deadlock`: **the victim is the one who closed the circle**. MySQL chooses
//!   the one with the fewest changes, which is not known here before it
//!   commits; either way somebody goes on, and 1213 means "again".
//! - L5: giving up all locks of a transaction costs as much as it has locks, and
//!   a look at those who watch it. On a row that all want, that is one waiter.
//! - L6: locks are bounded for each transaction and in all.
//!
//! Edges of the wait-for graph arise where a request begins to wait, and where a
//! lock is granted past somebody who waits. Who is granted one does not wait, so
//! that a circle is closed by a request only: looking there finds all of them. A
//! search follows, for a row, the nearest clashing requests before it, whose own
//! edges lead on to the rest.
//!
//! Not here: time (a wait that took too long arrives as `leave`), what the locks
//! mean to a commit (`commit`).

mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use holdfast_api::txn::{LockMode, Lockable, RowKey};
use holdfast_base::{TableId, Ts, TxnId};

use self::table::{Held, Hold, Table, clash, table_of};
use super::hash::{Seeded, SeededMap};

/// The number of a request that waits; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Bounds (L6).
#[derive(Clone, Copy, Debug)]
pub struct LockLimits {
    /// Locks of one transaction.
    pub each: usize,
    /// Locks of all.
    pub all: usize,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// It is held.
    Granted,
    /// It is not, and nobody waits.
    Blocked,
    /// It waits; a [`Wake`] follows.
    Waiting(Ticket),
    /// L4.
    Deadlock,
    /// L6.
    TooMany {
        /// Locks of whom.
        what: &'static str,
        /// The bound.
        most: usize,
    },
}

/// A wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The lock is held.
    Granted(Ticket),
    /// The transaction ended.
    Ended(Ticket),
}

#[derive(Debug)]
struct Waiter {
    txn: TxnId,
    lock: Lockable,
    mode: LockMode,
    /// Whom it watches.
    on: TxnId,
}

#[derive(Debug, Default)]
struct Owner {
    /// By table, ordered.
    held: Vec<(TableId, Held)>,
    count: usize,
    waits: Vec<Ticket>,
    /// Who looks again when this one ends or stops waiting.
    watchers: Vec<Ticket>,
}

/// See the module's header.
#[derive(Debug)]
pub struct Locks {
    tables: BTreeMap<TableId, Table>,
    owners: SeededMap<TxnId, Owner>,
    waiters: BTreeMap<Ticket, Waiter>,
    serial: u64,
    held: usize,
    limits: LockLimits,
}

impl Owner {
    fn held_in(&self, table: TableId) -> Option<&Held> {
        let at = self.held.binary_search_by_key(&table, |(table, _)| *table).ok()?;
        self.held.get(at).map(|(_, held)| held)
    }

    fn held_in_mut(&mut self, table: TableId) -> &mut Held {
        let at = match self.held.binary_search_by_key(&table, |(table, _)| *table) {
            Ok(at) => at,
            Err(at) => {
                self.held.insert(at, (table, Held::default()));
                at
            }
        };
        &mut self.held[at].1
    }
}

impl Locks {
    /// No locks.
    pub fn new(limits: LockLimits, hashing: Seeded) -> Self {
        Self {
            tables: BTreeMap::new(),
            owners: SeededMap::with_hasher(hashing),
            waiters: BTreeMap::new(),
            serial: 0,
            held: 0,
            limits,
        }
    }

    /// Locks that are held.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Requests that wait.
    pub fn waiting(&self) -> usize {
        self.waiters.len()
    }

    /// Transactions that hold or wait.
    pub fn owners(&self) -> usize {
        self.owners.len()
    }

    /// Whether `txn` holds anything.
    pub fn holds_any(&self, txn: TxnId) -> bool {
        self.owners.get(&txn).is_some_and(|owner| owner.count > 0)
    }

    /// Since when `txn` holds `lock`, or more, at least in `mode`.
    pub fn covered(&self, txn: TxnId, lock: &Lockable, mode: LockMode) -> Option<Ts> {
        self.tables.get(&table_of(lock))?.covered(txn, lock, mode)
    }

    /// Takes a lock, or waits for it if it may; `at` is the highest accepted timestamp.
    pub fn acquire(
        &mut self,
        txn: TxnId,
        lock: &Lockable,
        mode: LockMode,
        how: (Ts, bool),
    ) -> Acquired {
        let (at, may_wait) = how;
        if table::is_empty(lock) || self.covered(txn, lock, mode).is_some() {
            return Acquired::Granted;
        }
        if let Some(refused) = self.too_many(txn) {
            return refused;
        }
        let ask = Waiter { txn, lock: lock.clone(), mode, on: txn };
        let Some(blocker) = self.first_blocker(&ask, Ticket(u64::MAX)) else {
            self.hold(txn, lock, mode, at);
            return Acquired::Granted;
        };
        if !may_wait {
            return Acquired::Blocked;
        }
        if self.closes_a_circle(&ask) {
            return Acquired::Deadlock;
        }
        Acquired::Waiting(self.enqueue(ask, blocker))
    }

    /// Whether a lock would have to be waited for.
    pub fn would_wait(&self, txn: TxnId, lock: &Lockable, mode: LockMode) -> bool {
        if table::is_empty(lock) || self.covered(txn, lock, mode).is_some() {
            return false;
        }
        let ask = Waiter { txn, lock: lock.clone(), mode, on: txn };
        self.first_blocker(&ask, Ticket(u64::MAX)).is_some()
    }

    /// Takes an exclusive lock of a row for the moment of a commit, past those who
    /// wait. False if another holds what clashes with it.
    pub fn seize(&mut self, txn: TxnId, row: &RowKey, at: Ts) -> bool {
        let lock = Lockable::Row(row.clone());
        if self.covered(txn, &lock, LockMode::Exclusive).is_some() {
            return true;
        }
        if let Some(table) = self.tables.get(&row.table) {
            let mut is_free = true;
            let _ = table.each_holder(txn, (&lock, LockMode::Exclusive), &mut |_| {
                is_free = false;
                ControlFlow::Break(())
            });
            if !is_free {
                return false;
            }
        }
        self.hold(txn, &lock, LockMode::Exclusive, at);
        true
    }

    fn too_many(&self, txn: TxnId) -> Option<Acquired> {
        let LockLimits { each, all } = self.limits;
        if self.held >= all {
            return Some(Acquired::TooMany { what: "locks of all transactions", most: all });
        }
        let mine = self.owners.get(&txn).map_or(0, |owner| owner.count);
        (mine >= each).then_some(Acquired::TooMany { what: "locks", most: each })
    }

    fn hold(&mut self, txn: TxnId, lock: &Lockable, mode: LockMode, at: Ts) {
        let table = table_of(lock);
        self.serial += 1;
        let owner = self.owners.entry(txn).or_default();
        let held = owner.held_in_mut(table);
        let entry = self.tables.entry(table).or_default();
        if entry.add(lock, Hold { txn, mode, at }, self.serial, held) {
            owner.count += 1;
            self.held += 1;
        }
    }

    fn enqueue(&mut self, ask: Waiter, blocker: TxnId) -> Ticket {
        self.serial += 1;
        let ticket = Ticket(self.serial);
        let table = self.tables.entry(table_of(&ask.lock)).or_default();
        table.waiting.insert(ticket);
        match &ask.lock {
            Lockable::Row(row) => table.queue_of(&row.key).push_back(ticket),
            Lockable::Range { .. } | Lockable::Table(_) => {
                table.wide.insert(ticket);
            }
        }
        self.owners.entry(ask.txn).or_default().waits.push(ticket);
        self.waiters.insert(ticket, ask);
        self.watch(blocker, ticket);
        ticket
    }

    fn watch(&mut self, blocker: TxnId, ticket: Ticket) {
        if let Some(waiter) = self.waiters.get_mut(&ticket) {
            waiter.on = blocker;
        }
        self.owners.entry(blocker).or_default().watchers.push(ticket);
    }

    fn unwatch(&mut self, blocker: TxnId, ticket: Ticket) {
        if let Some(owner) = self.owners.get_mut(&blocker) {
            owner.watchers.retain(|watcher| *watcher != ticket);
        }
    }

    /// Somebody in the way: the nearest of those before it, else a holder.
    fn first_blocker(&self, ask: &Waiter, before: Ticket) -> Option<TxnId> {
        let mut found = None;
        let _ = self.each_blocker(ask, before, &mut |txn| {
            found = Some(txn);
            ControlFlow::Break(())
        });
        found
    }

    /// Calls `each` with whom a request waits for, given the tickets before it:
    /// those before it first, the nearest first.
    fn each_blocker(
        &self,
        ask: &Waiter,
        before: Ticket,
        each: &mut dyn FnMut(TxnId) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(table) = self.tables.get(&table_of(&ask.lock)) else {
            return ControlFlow::Continue(());
        };
        if !table.waiting.is_empty() {
            self.each_before(table, ask, before, each)?;
        }
        table.each_holder(ask.txn, (&ask.lock, ask.mode), each)
    }

    fn each_before(
        &self,
        table: &Table,
        ask: &Waiter,
        before: Ticket,
        each: &mut dyn FnMut(TxnId) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mine = self.owners.get(&ask.txn).and_then(|owner| owner.held_in(table_of(&ask.lock)));
        let in_the_way = |ticket: &Ticket| {
            let waiter = self.waiters.get(ticket).filter(|waiter| waiter.txn != ask.txn)?;
            let lock = (&waiter.lock, waiter.mode);
            // L2: who waits for what this one holds does not stand in its way.
            let is_held_up = || mine.is_some_and(|held| table.blocks(ask.txn, held, lock));
            (clash(lock, (&ask.lock, ask.mode)) && !is_held_up()).then_some(waiter)
        };
        let wide = match &ask.lock {
            Lockable::Row(row) => {
                let queue = table.queue(&row.key);
                for ticket in queue.into_iter().flatten().rev().filter(|other| **other < before) {
                    let Some(waiter) = in_the_way(ticket) else { continue };
                    each(waiter.txn)?;
                    if waiter.mode == LockMode::Exclusive {
                        break;
                    }
                }
                &table.wide
            }
            Lockable::Range { .. } | Lockable::Table(_) => &table.waiting,
        };
        let mut wide = wide.range(..before).rev().filter_map(in_the_way);
        wide.try_for_each(|waiter| each(waiter.txn))
    }

    /// L4: whether anybody that `ask` would wait for waits for its transaction.
    fn closes_a_circle(&self, ask: &Waiter) -> bool {
        match self.owners.get(&ask.txn) {
            // Nobody waits for one that has nothing.
            Some(owner) if owner.count > 0 || !owner.waits.is_empty() => {}
            _ => return false,
        }
        let (mut seen, mut next) = (BTreeSet::new(), Vec::new());
        let mut is_circle = false;
        let mut visit = |txn: TxnId, next: &mut Vec<TxnId>| {
            is_circle |= txn == ask.txn;
            if !is_circle && seen.insert(txn) {
                next.push(txn);
            }
            if is_circle { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let last = Ticket(u64::MAX);
        let mut flow = self.each_blocker(ask, last, &mut |txn| visit(txn, &mut next));
        while let (ControlFlow::Continue(()), Some(txn)) = (flow, next.pop()) {
            let waits = self.owners.get(&txn).into_iter().flat_map(|owner| &owner.waits);
            for ticket in waits {
                let Some(waiter) = self.waiters.get(ticket) else { continue };
                flow = self.each_blocker(waiter, *ticket, &mut |txn| visit(txn, &mut next));
                if flow.is_break() {
                    break;
                }
            }
        }
        flow.is_break()
    }

    /// A wait ends without the lock: too late, or nobody wants it any more.
    /// False when it was granted, or ended, before.
    pub fn leave(&mut self, ticket: Ticket, at: Ts, woken: &mut Vec<Wake>) -> bool {
        let Some(waiter) = self.unqueue(ticket) else { return false };
        self.unwatch(waiter.on, ticket);
        let watchers = match self.owners.get_mut(&waiter.txn) {
            Some(owner) => std::mem::take(&mut owner.watchers),
            None => Vec::new(),
        };
        self.look_again(watchers, at, woken);
        self.forget_if_idle(waiter.txn);
        true
    }

    fn unqueue(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.waiters.remove(&ticket)?;
        let name = table_of(&waiter.lock);
        if let Some(table) = self.tables.get_mut(&name) {
            table.waiting.remove(&ticket);
            table.wide.remove(&ticket);
            if let Lockable::Row(row) = &waiter.lock {
                table.leave(&row.key, ticket);
            }
            if table.is_idle() {
                self.tables.remove(&name);
            }
        }
        if let Some(owner) = self.owners.get_mut(&waiter.txn) {
            owner.waits.retain(|waiting| *waiting != ticket);
        }
        Some(waiter)
    }

    /// Gives up every lock and every wait of a transaction.
    pub fn release_all(&mut self, txn: TxnId, at: Ts, woken: &mut Vec<Wake>) {
        let Some(owner) = self.owners.remove(&txn) else { return };
        for ticket in owner.waits {
            if let Some(waiter) = self.unqueue(ticket) {
                self.unwatch(waiter.on, ticket);
                woken.push(Wake::Ended(ticket));
            }
        }
        for (name, held) in &owner.held {
            if let Some(table) = self.tables.get_mut(name) {
                table.remove(txn, held);
                if table.is_idle() {
                    self.tables.remove(name);
                }
            }
        }
        self.held -= owner.count;
        self.look_again(owner.watchers, at, woken);
    }

    /// Grants what nobody is in the way of any more, first come, first served.
    fn look_again(&mut self, mut watchers: Vec<Ticket>, at: Ts, woken: &mut Vec<Wake>) {
        watchers.sort_unstable();
        watchers.dedup();
        for ticket in watchers {
            let Some(waiter) = self.waiters.get(&ticket) else { continue };
            if let Some(blocker) = self.first_blocker(waiter, ticket) {
                self.watch(blocker, ticket);
                continue;
            }
            if let Some(waiter) = self.unqueue(ticket) {
                self.hold(waiter.txn, &waiter.lock, waiter.mode, at);
                woken.push(Wake::Granted(ticket));
            }
        }
    }

    fn forget_if_idle(&mut self, txn: TxnId) {
        let is_idle =
            |owner: &Owner| owner.count == 0 && owner.waits.is_empty() && owner.watchers.is_empty();
        if self.owners.get(&txn).is_some_and(is_idle) {
            self.owners.remove(&txn);
        }
    }
}
