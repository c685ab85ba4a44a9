//! What changed recently: when each key was last written, as far back as there is room.
//!
//! ```text
//!            horizon           old            young        accepted
//! forgotten ....|== every change is here, exactly ==|=======|
//! ```
//!
//! Changes go into the young one of two generations. Once that is full, or half of the age old,
//! it becomes the old one, and what was the old one is given up at a stroke: there is no list of
//! changes to walk, a key that changes all the time takes one slot, and maps from which nothing
//! is ever removed may be filled to the brim.
//!
//! - W1: for `since >= horizon`, a key that changed after `since` is never said to
//!   be unchanged.
//! - W2: for `since < horizon` the answer is `TooOld`, unless the key is known to
//!   have changed.
//! - W3: bounded by bytes and by age; giving a generation up raises the horizon to its last change.
//!
//! Keys are kept as 64-bit prints: two that share one look like one key, which may
//! refuse a commit that was innocent, rarely, and never
//! accepts one that was not. A table remembers its last change, for ranges and for
//! whole tables: whoever locks a range is told that it may have changed when
//! anything in its table did. Changes of whole tables (bulk loads under a table
//! lock) count as changes of every key.
//!
//! Not here: changes that are sent and not accepted yet (`commit`).

use std::collections::BTreeMap;

use holdfast_base::{TableId, Ts};

use super::hash::{PrintMap, Seeded};
use super::stamp::COUNTER_BITS;

/// A slot of a map: a print, a timestamp, a control byte. [bytes]
const SLOT_BYTES: usize = 17;

/// Tables are looked through for ones that may be forgotten beyond so many.
const TABLES_MIN: usize = 4096;

/// What is known about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It did not change (W1).
    Same,
    /// It changed then, or another key with its print did.
    Changed,
    /// Nobody remembers (W2).
    TooOld,
}

/// When a table changed.
#[derive(Clone, Copy, Debug, Default)]
struct Table {
    any: Ts,
    whole: Ts,
}

/// The last changes of the keys that changed in a while.
#[derive(Debug)]
struct Generation {
    keys: PrintMap<Ts>,
    first: Ts,
    last: Ts,
}

/// See the module's header.
#[derive(Debug)]
pub struct Recent {
    young: Generation,
    old: Generation,
    /// Of each generation.
    keys_max: usize,
    tables: BTreeMap<TableId, Table>,
    tables_max: usize,
    horizon: Ts,
    age_ms: u64,
    hashing: Seeded,
}

impl Generation {
    /// Reserved and not touched: growing would copy it all while everybody waits.
    fn new(keys_max: usize) -> Self {
        let keys = PrintMap::with_capacity_and_hasher(keys_max, Default::default());
        Self { keys, first: Ts(0), last: Ts(0) }
    }

    fn note(&mut self, print: u64, ts: Ts) {
        if self.keys.is_empty() {
            self.first = ts;
        }
        self.keys.insert(print, ts);
        self.last = ts;
    }
}

impl Recent {
    /// Remembers nothing at or before `horizon`; then `bytes_max` of changes, for `age_ms`.
    pub fn new(horizon: Ts, bytes_max: usize, age_ms: u64, hashing: Seeded) -> Self {
        // Maps have a power of two of slots, and fill seven of eight.
        let slots = (bytes_max / 2 / SLOT_BYTES).max(8);
        let keys_max = (1 << slots.ilog2()) / 8 * 7;
        Self {
            young: Generation::new(keys_max),
            old: Generation::new(keys_max),
            keys_max,
            tables: BTreeMap::new(),
            tables_max: TABLES_MIN,
            horizon,
            age_ms,
            hashing,
        }
    }

    /// The print of a key.
    pub fn hashing(&self) -> Seeded {
        self.hashing
    }

    /// Everything after this is remembered.
    pub fn horizon(&self) -> Ts {
        self.horizon
    }

    /// Changes that are remembered.
    pub fn len(&self) -> usize {
        self.young.keys.len() + self.old.keys.len()
    }

    /// Nothing at or before `ts` is known.
    pub fn raise_horizon(&mut self, ts: Ts) {
        self.horizon = self.horizon.max(ts);
    }

    /// A key was written at `ts`, which never goes back.
    pub fn note(&mut self, table: TableId, print: u64, ts: Ts) {
        if self.young.keys.len() >= self.keys_max {
            self.turn();
        }
        self.young.note(print, ts);
        self.note_table(table, ts);
    }

    /// Something in a table changed that is not named key by key, and that is
    /// the same rows as before.
    pub fn note_table(&mut self, table: TableId, ts: Ts) {
        let entry = self.tables.entry(table).or_default();
        entry.any = entry.any.max(ts);
        if self.tables.len() > self.tables_max {
            let horizon = self.horizon;
            self.tables.retain(|_, table| table.any > horizon);
            self.tables_max = (self.tables.len() * 2).max(TABLES_MIN);
        }
    }

    /// Any row of a table may have changed.
    pub fn note_whole(&mut self, table: TableId, ts: Ts) {
        self.note_table(table, ts);
        let entry = self.tables.entry(table).or_default();
        entry.whole = entry.whole.max(ts);
    }

    /// Gives up what is too old at `now` (W3).
    pub fn age(&mut self, now: Ts) {
        let now_ms = now.0 >> COUNTER_BITS;
        let is_past = |ts: Ts, ms: u64| (ts.0 >> COUNTER_BITS).saturating_add(ms) < now_ms;
        if !self.young.keys.is_empty() && is_past(self.young.first, self.age_ms / 2) {
            self.turn();
        }
        if !self.old.keys.is_empty() && is_past(self.old.last, self.age_ms) {
            self.give_up_old();
        }
    }

    /// The young generation becomes the old one.
    fn turn(&mut self) {
        self.give_up_old();
        std::mem::swap(&mut self.young, &mut self.old);
    }

    fn give_up_old(&mut self) {
        self.raise_horizon(self.old.last);
        self.old.keys.clear();
    }

    /// Whether a key changed after `since` (W1, W2).
    pub fn key(&self, table: TableId, print: u64, since: Ts) -> Seen {
        let whole = self.tables.get(&table).map_or(Ts(0), |table| table.whole);
        match self.young.keys.get(&print).or_else(|| self.old.keys.get(&print)) {
            Some(ts) if *ts > since => Seen::Changed,
            _ if whole > since => Seen::Changed,
            _ if since < self.horizon => Seen::TooOld,
            _ => Seen::Same,
        }
    }

    /// Whether anything in a table changed after `since`.
    pub fn table(&self, table: TableId, since: Ts) -> Seen {
        match self.tables.get(&table) {
            Some(table) if table.any > since => Seen::Changed,
            _ if since < self.horizon => Seen::TooOld,
            _ => Seen::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use holdfast_io::rng::SeededRng;

    use super::*;

    const T: TableId = TableId(1);

    #[test]
    fn the_window_agrees_with_a_list_of_all_changes() {
        for seed in holdfast_sim::seeds(64) {
            let rng = SeededRng::new(seed);
            let hashing = Seeded(seed);
            let bytes = 2 * SLOT_BYTES * rng.between(8, 40) as usize;
            let mut recent = Recent::new(Ts(0), bytes, u64::MAX, hashing);
            let mut all: Vec<(Ts, u8)> = Vec::new();
            for step in 1..300u64 {
                let (ts, key) = (Ts(step * 2), rng.below(30) as u8);
                recent.note(T, hashing.print(T, &[key]), ts);
                all.push((ts, key));
                let (asked, since) = (rng.below(32) as u8, Ts(rng.below(step * 2 + 2)));
                let changed = all.iter().any(|(ts, key)| *key == asked && *ts > since);
                let got = recent.key(T, hashing.print(T, &[asked]), since);
                match got {
                    Seen::Same => assert!(!changed, "W1: seed {seed}, step {step}"),
                    Seen::Changed => assert!(changed, "seed {seed}, step {step}"),
                    Seen::TooOld => assert!(since < recent.horizon(), "W2: seed {seed}"),
                }
                assert!(recent.len() * SLOT_BYTES <= bytes, "W3: seed {seed}, step {step}");
                assert!(step < 60 || recent.len() >= 7, "seed {seed}: too little is remembered");
                let table = recent.table(T, since) == Seen::Changed;
                assert_eq!(table, all.iter().any(|(ts, _)| *ts > since), "seed {seed}");
            }
        }
    }

    #[test]
    fn age_raises_the_horizon_and_whole_tables_change_every_key() {
        let hashing = Seeded(1);
        let mut recent = Recent::new(Ts(0), 1 << 16, 10, hashing);
        let at = |ms: u64| Ts(ms << COUNTER_BITS);
        let print = hashing.print(T, b"a");
        recent.note(T, print, at(100));
        recent.note(T, hashing.print(T, b"b"), at(105));
        recent.age(at(115));
        assert_eq!((recent.horizon(), recent.len()), (Ts(0), 2));
        recent.age(at(116));
        assert_eq!((recent.horizon(), recent.len()), (at(105), 0), "W3");
        assert_eq!(recent.key(T, print, at(104)), Seen::TooOld, "W2");
        assert_eq!(recent.key(T, print, at(105)), Seen::Same);
        recent.note_whole(T, at(120));
        assert_eq!(recent.key(T, print, at(119)), Seen::Changed);
        assert_eq!(recent.key(TableId(2), hashing.print(TableId(2), b"a"), at(119)), Seen::Same);
    }
}
