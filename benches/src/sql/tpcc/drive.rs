//! Terminals without think times: each has a connection and a transaction under way, until the turn ends.
//!
//! After a deadlock, a lock's timeout or a changed row (1213, 1205, 1020) a transaction is rolled back and begun
//! again with the same input; its latency is from the first attempt to the commit.

#![allow(clippy::disallowed_methods, reason = "a load generator touches the world itself")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::SCHEMA;
use super::input::{Kind, Terminal};
use super::schema::Scale;
use super::transactions::{End, run};
use crate::sql::servers::{Database, conflict};

/// Attempts of one transaction; more means that nothing gets on.
const ATTEMPTS: usize = 1000;

/// What terminals did in one turn or in several.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Committed, by type: the latencies. [ns]
    pub latencies: BTreeMap<Kind, Vec<u64>>,
    /// New-Orders that were rolled back as their input asks.
    pub rolled_back: u64,
    /// Attempts that were begun again, by error number.
    pub begun_again: BTreeMap<u16, u64>,
    pub wall: Duration,
}

impl Tally {
    /// Adds what `other` did, beside it or after it.
    pub fn add(&mut self, other: Self) {
        for (kind, latencies) in other.latencies {
            self.latencies.entry(kind).or_default().extend(latencies);
        }
        for (code, count) in other.begun_again {
            *self.begun_again.entry(code).or_default() += count;
        }
        self.rolled_back += other.rolled_back;
    }

    /// Committed transactions of a type.
    pub fn count(&self, kind: Kind) -> u64 {
        self.latencies.get(&kind).map_or(0, |latencies| latencies.len() as u64)
    }

    /// The latency below which `share` of a type's stayed. [ms]
    pub fn quantile_ms(&self, kind: Kind, share: f64) -> f64 {
        let mut latencies = self.latencies.get(&kind).cloned().unwrap_or_default();
        latencies.sort_unstable();
        let at = (latencies.len() as f64 * share) as usize;
        let found = latencies.get(at.min(latencies.len().saturating_sub(1)));
        found.map_or(f64::NAN, |&ns| ns as f64 / 1e6)
    }
}

/// One turn of `terminals` on `database`; `round` tells turns apart.
pub async fn turn(
    database: &Database,
    scale: Scale,
    (terminals, length): (usize, Duration),
    round: u64,
) -> Result<Tally> {
    let mut connections = Vec::new();
    for _ in 0..terminals {
        connections.push(database.connect(Some(SCHEMA)).await?);
    }
    let began = Instant::now();
    let workers: Vec<_> = (0..)
        .zip(connections)
        .map(|(nth, connection)| {
            let terminal = Terminal::new(scale, nth, round);
            tokio::spawn(work(connection, terminal, began + length))
        })
        .collect();
    let mut sum = Tally::default();
    for worker in workers {
        sum.add(worker.await?.with_context(|| format!("on {}", database.name))?);
    }
    sum.wall = began.elapsed();
    Ok(sum)
}

async fn work(mut connection: Conn, mut terminal: Terminal, until: Instant) -> Result<Tally> {
    let mut tally = Tally::default();
    while Instant::now() < until {
        let (kind, input) = terminal.draw();
        let began = Instant::now();
        let mut attempts = 0;
        let end = loop {
            match run(&mut connection, terminal.warehouse, &input).await {
                Ok(end) => break end,
                Err(error) => match conflict(&error) {
                    Some(code) => *tally.begun_again.entry(code).or_default() += 1,
                    None => {
                        return Err(error).with_context(|| format!("{kind:?} failed: {input:?}"));
                    }
                },
            }
            attempts += 1;
            if attempts == ATTEMPTS {
                bail!("{kind:?} was begun {attempts} times");
            }
            connection.query_drop("ROLLBACK").await?;
        };
        match end {
            End::Committed => {
                let ns = began.elapsed().as_nanos() as u64;
                tally.latencies.entry(kind).or_default().push(ns);
            }
            End::RolledBack => tally.rolled_back += 1,
        }
    }
    connection.disconnect().await?;
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_all_terminals() {
        let one = |latencies: &[u64]| Tally {
            latencies: [(Kind::Payment, latencies.to_vec())].into(),
            ..Tally::default()
        };
        let mut sum = one(&[3_000_000, 1_000_000]);
        sum.add(one(&[2_000_000]));
        assert_eq!((sum.count(Kind::Payment), sum.count(Kind::Delivery)), (3, 0));
        assert_eq!(sum.quantile_ms(Kind::Payment, 0.5), 2.0);
        assert_eq!(sum.quantile_ms(Kind::Payment, 0.99), 3.0);
        assert!(sum.quantile_ms(Kind::Delivery, 0.5).is_nan());
    }
}
