//! What became of transactions, as far back as there is room.
//!
//! ```text
//!       forgotten        dead             accepted
//!  ---------|--------------|------------------|
//!  unknown  | known, or did| known, or may
//!           | not happen   | still happen
//! ```
//!
//! - O1: an id at or below `forgotten` is not known unless it is listed.
//! - O2 (X5): an id that was decided aborted never commits. Ids of an earlier
//!   epoch (`dead`) never commit in this one, since its decisions are lost;
//!   neither do ids below `forgotten`, unless they held locks all the time
//!   (`commit` looks): an id that holds a lock has not ended.
//! - O3: bounded; giving up entries raises `forgotten` to the last of their births.
//!
//! What ended is in two generations: once the young one is full it becomes the old one, and
//! what was the old one is given up at a stroke.
//!
//! An id says in which epoch it was drawn: the upper 16 bits of its nonce. It matters
//! only for ids that are born at the very timestamp at which an epoch begins.

use holdfast_api::txn::Committed;
use holdfast_base::{Epoch, Ts, TxnId};

use super::hash::{Seeded, SeededMap};

/// What is known of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is sent, its outcome is not known.
    Pending,
    /// It is durable.
    Committed(Committed),
    /// It cannot happen any more.
    Aborted,
}

/// What ended in a while.
#[derive(Debug)]
struct Generation {
    known: SeededMap<TxnId, Known>,
    /// The last birth of one of them.
    born: Ts,
}

/// See the module's header.
#[derive(Debug)]
pub struct Outcomes {
    /// Sent, and not ended.
    pending: SeededMap<TxnId, ()>,
    young: Generation,
    old: Generation,
    /// Of each generation.
    most: usize,
    forgotten: Ts,
    dead: Ts,
    epoch: Epoch,
}

/// Draws an id for `epoch` from 64 random bits.
pub fn draw(born: Ts, epoch: Epoch, random: u64) -> TxnId {
    TxnId { born, nonce: tag(epoch) << 48 | random >> 16 }
}

fn tag(epoch: Epoch) -> u64 {
    epoch.0 & 0xffff
}

impl Outcomes {
    /// Nothing known at or below `forgotten`; room for `most`.
    pub fn new(forgotten: Ts, most: usize, hashing: Seeded) -> Self {
        let most = (most / 2).max(1);
        // Reserved and not touched: growing would copy it all while everybody waits.
        let generation = || Generation {
            known: SeededMap::with_capacity_and_hasher(most, hashing),
            born: Ts(0),
        };
        Self {
            pending: SeededMap::with_hasher(hashing),
            young: generation(),
            old: generation(),
            most,
            forgotten,
            dead: Ts(0),
            epoch: Epoch(0),
        }
    }

    /// A new epoch begins after `last` (O2).
    pub fn begin(&mut self, epoch: Epoch, last: Ts) {
        (self.epoch, self.dead) = (epoch, last);
    }

    /// Nothing at or below `ts` is known but what is listed.
    pub fn raise_forgotten(&mut self, ts: Ts) {
        self.forgotten = self.forgotten.max(ts);
    }

    /// At or below this nobody is remembered for sure.
    pub fn forgotten(&self) -> Ts {
        self.forgotten
    }

    /// Ids at or below this are of earlier epochs.
    pub fn dead(&self) -> Ts {
        self.dead
    }

    /// What is known.
    pub fn get(&self, txn: &TxnId) -> Option<Known> {
        if self.pending.contains_key(txn) {
            return Some(Known::Pending);
        }
        self.young.known.get(txn).or_else(|| self.old.known.get(txn)).copied()
    }

    /// Whether its epoch is over (O2).
    pub fn is_dead(&self, txn: &TxnId) -> bool {
        txn.born < self.dead
            || (txn.born == self.dead && self.dead > Ts(0) && txn.nonce >> 48 != tag(self.epoch))
    }

    /// Whether it may have been forgotten (O1).
    pub fn may_be_forgotten(&self, txn: &TxnId) -> bool {
        txn.born < self.forgotten || (txn.born == self.forgotten && self.forgotten > Ts(0))
    }

    /// It is sent.
    pub fn send(&mut self, txn: TxnId) {
        self.pending.insert(txn, ());
    }

    /// What was sent surely did not happen.
    pub fn unsend(&mut self, txn: &TxnId) {
        self.pending.remove(txn);
    }

    /// It is durable.
    pub fn commit(&mut self, txn: TxnId, committed: Committed) {
        self.end(txn, Known::Committed(committed), committed.ts);
    }

    /// It cannot happen any more (X5).
    pub fn abort(&mut self, txn: TxnId, now: Ts) {
        self.end(txn, Known::Aborted, now);
    }

    fn end(&mut self, txn: TxnId, known: Known, now: Ts) {
        self.pending.remove(&txn);
        if self.young.known.len() >= self.most {
            std::mem::swap(&mut self.young, &mut self.old);
            self.raise_forgotten(self.young.born);
            self.young.known.clear();
            self.young.born = Ts(0);
        }
        self.young.known.insert(txn, known);
        // Ids that nobody drew must not push the horizon beyond those that are drawn.
        self.young.born = self.young.born.max(txn.born.min(now));
    }
}

#[cfg(test)]
mod tests {
    use holdfast_base::Lsn;

    use super::*;

    #[test]
    fn outcomes_are_given_up_the_older_half_first_and_the_horizon_says_so() {
        let mut outcomes = Outcomes::new(Ts(0), 2, Seeded(0));
        let id = |born: u64| TxnId { born: Ts(born), nonce: 1 };
        let committed = Committed { ts: Ts(50), lsn: Lsn::default() };
        outcomes.send(id(10));
        assert_eq!(outcomes.get(&id(10)), Some(Known::Pending));
        outcomes.commit(id(10), committed);
        outcomes.abort(id(5), Ts(60));
        assert!(!outcomes.may_be_forgotten(&id(5)));
        outcomes.abort(id(20), Ts(60));
        assert_eq!(outcomes.get(&id(10)), None, "O3");
        assert_eq!(outcomes.get(&id(5)), Some(Known::Aborted));
        assert!(outcomes.may_be_forgotten(&id(10)) && !outcomes.may_be_forgotten(&id(11)), "O1");
    }

    #[test]
    fn an_id_of_an_earlier_epoch_is_dead_even_when_born_at_the_very_end_of_it() {
        let mut outcomes = Outcomes::new(Ts(0), 2, Seeded(0));
        outcomes.begin(Epoch(7), Ts(100));
        assert!(outcomes.is_dead(&draw(Ts(99), Epoch(7), 1)));
        assert!(outcomes.is_dead(&draw(Ts(100), Epoch(6), 1)), "O2");
        assert!(!outcomes.is_dead(&draw(Ts(100), Epoch(7), u64::MAX)));
        assert!(!outcomes.is_dead(&draw(Ts(101), Epoch(6), 1)));
    }
}
