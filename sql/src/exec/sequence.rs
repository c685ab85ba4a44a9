//! Numbers that are given out once: AUTO_INCREMENT, hidden row numbers, ids.
//!
//! A counter's row says up to where numbers were leased; leases are kept in memory
//! and given back when the node ends in order. After a crash the rest of a lease is
//! a gap.
//!
//! - G1: no number is given out before a row that covers it is durable.

use std::collections::BTreeMap;

use holdfast_api::txn::{Change, Check, CommitRequest, Part, RowKey, TxnError};
use holdfast_base::{TableId, Ts};
use parking_lot::Mutex;

use crate::catalog::definition::{COUNTERS, ROW_VERSION};
use crate::catalog::{CounterRow, system};
use crate::engine::Engine;
use crate::error::{Result, SqlError};

/// The first lease of a counter, and the largest one: each is twice the one before.
const LEASE_FIRST: u64 = 32;
const LEASE_MAX: u64 = 65_536;
/// Tries against others who lease from the same counter.
const TRIES: usize = 64;

/// Which counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Ids of tables, indexes and databases.
    Id,
    /// Hidden row numbers, of all tables.
    Row,
    /// A table's AUTO_INCREMENT.
    Auto(TableId),
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    next: u64,
    end: u64,
    size: u64,
}

/// The leases of a node.
#[derive(Debug, Default)]
pub struct Sequences {
    leases: Mutex<BTreeMap<Counter, Lease>>,
    /// One lease is taken at a time.
    taking: tokio::sync::Mutex<()>,
}

impl Counter {
    fn key(self) -> RowKey {
        match self {
            Self::Id => system::id_counter_key(),
            Self::Row => system::row_counter_key(),
            Self::Auto(table) => system::auto_key(table),
        }
    }

    fn first(self) -> u64 {
        match self {
            Self::Id => crate::catalog::definition::FIRST_TABLE,
            Self::Row | Self::Auto(_) => 1,
        }
    }
}

impl Sequences {
    /// `count` numbers in a row; the first of them.
    ///
    /// # Errors
    /// The transaction node's; 1467 at the end of all numbers.
    pub async fn take(&self, engine: &Engine, counter: Counter, count: u64) -> Result<u64> {
        loop {
            if let Some(first) = self.take_leased(counter, count) {
                return Ok(first);
            }
            let _one = self.taking.lock().await;
            if let Some(first) = self.take_leased(counter, count) {
                return Ok(first);
            }
            self.lease(engine, counter, (0, count)).await?;
        }
    }

    /// The next number of `offset`, `offset + step`, `offset + 2 step` ...
    ///
    /// # Errors
    /// As [`Sequences::take`].
    pub async fn take_stepped(
        &self,
        engine: &Engine,
        counter: Counter,
        (step, offset): (u64, u64),
    ) -> Result<u64> {
        let number = self.take(engine, counter, 1).await?;
        if step <= 1 {
            return Ok(number);
        }
        let offset = if offset > step { 1 } else { offset.max(1) };
        let steps = number.saturating_sub(offset).div_ceil(step);
        let number = offset.saturating_add(steps.saturating_mul(step));
        self.pass(engine, counter, number).await?;
        Ok(number)
    }

    /// Notes that `value` was given by a statement: later numbers are above it.
    ///
    /// # Errors
    /// As [`Sequences::take`].
    pub async fn pass(&self, engine: &Engine, counter: Counter, value: u64) -> Result<()> {
        let above = value.saturating_add(1);
        if self.skip_to(counter, above) {
            return Ok(());
        }
        let _one = self.taking.lock().await;
        if self.skip_to(counter, above) {
            return Ok(());
        }
        self.lease(engine, counter, (above, 1)).await
    }

    /// The number that comes next, as far as this node knows.
    ///
    /// # Errors
    /// 1712: the counter's row does not parse.
    pub fn peek(&self, engine: &Engine, counter: Counter) -> Result<u64> {
        if let Some(lease) = self.leases.lock().get(&counter) {
            return Ok(lease.next);
        }
        let (ts, _) = engine.tail.applied();
        Ok(read(engine, counter, ts)?.unwrap_or(counter.first()))
    }

    /// Forgets a counter's lease: TRUNCATE, DROP, ALTER.
    pub fn forget(&self, counter: Counter) {
        self.leases.lock().remove(&counter);
    }

    fn take_leased(&self, counter: Counter, count: u64) -> Option<u64> {
        let mut leases = self.leases.lock();
        let lease = leases.get_mut(&counter)?;
        let end = lease.next.checked_add(count)?;
        if end > lease.end {
            return None;
        }
        let first = lease.next;
        lease.next = end;
        Some(first)
    }

    /// True where the lease reaches that far, or is beyond it.
    fn skip_to(&self, counter: Counter, above: u64) -> bool {
        let mut leases = self.leases.lock();
        let Some(lease) = leases.get_mut(&counter) else { return false };
        if above > lease.end {
            return false;
        }
        lease.next = lease.next.max(above);
        true
    }

    /// Takes a lease of at least `count` numbers from `least` on (G1).
    async fn lease(
        &self,
        engine: &Engine,
        counter: Counter,
        (least, count): (u64, u64),
    ) -> Result<()> {
        let known = self.leases.lock().get(&counter).copied();
        let size = known.map_or(LEASE_FIRST, |lease| (lease.size * 2).min(LEASE_MAX)).max(count);
        for _ in 0..TRIES {
            let ts = engine.now().await?;
            let durable = read(engine, counter, ts)?;
            // Where nobody else has leased since, what is left of the lease goes on.
            let from = match (known, durable) {
                (Some(lease), Some(durable)) if durable == lease.end => lease.next,
                (_, durable) => durable.unwrap_or(counter.first()),
            };
            let from = from.max(least);
            let end = from.checked_add(size).ok_or_else(|| {
                SqlError::new(1467, "Failed to read auto-increment value from storage engine")
            })?;
            if write(engine, counter, (ts, end)).await? {
                self.leases.lock().insert(counter, Lease { next: from, end, size });
                return Ok(());
            }
        }
        Err(SqlError::deadlock())
    }

    /// Gives back what was not used of each lease.
    pub async fn give_back(&self, engine: &Engine) {
        let leases = std::mem::take(&mut *self.leases.lock());
        for (counter, lease) in leases {
            let Ok(ts) = engine.now().await else { return };
            if let Ok(Some(durable)) = read(engine, counter, ts)
                && durable == lease.end
                && lease.next < lease.end
                && write(engine, counter, (ts, lease.next)).await.is_err()
            {
                return;
            }
        }
    }
}

fn read(engine: &Engine, counter: Counter, ts: Ts) -> Result<Option<u64>> {
    // System tables are in the tail, all of them.
    let Some(tail) = engine.tail.table(COUNTERS) else { return Ok(None) };
    let holdfast_tail::Lookup::Row(row) = tail.get(&counter.key().key, ts)? else {
        return Ok(None);
    };
    let text = crate::catalog::stored_text(&row)?;
    let row: CounterRow = system::parse(&text)?;
    Ok(Some(row.next))
}

/// Writes a counter; false: somebody else did meanwhile.
async fn write(engine: &Engine, counter: Counter, (since, next): (Ts, u64)) -> Result<bool> {
    let row = counter.key();
    let value = system::encode(&CounterRow { v: ROW_VERSION, next })?;
    let change = Change { key: row.key.clone(), row: Some(value) };
    let request = CommitRequest {
        txn: engine.txn.begin().await?,
        checks: vec![Check { row, since }],
        locked_in: None,
        parts: vec![Part::Rows { table: COUNTERS, schema: 1, changes: vec![change] }],
    };
    match engine.txn.commit(request).await {
        Ok(done) => {
            engine.reach(done.ts).await?;
            Ok(true)
        }
        Err(TxnError::Conflict { .. } | TxnError::Decided(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
