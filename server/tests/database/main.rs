//! The database over everything that is below it, against a model: SQL sessions, the
//! compute node, the transaction node, its log in the real metadata service, its objects
//! in the real store, on simulated disks with one power supply, from one seed.
//!
//! Clients overlap; so do flushes, merges, checkpoints, large transactions and
//! definitions. The power goes at any disk operation; drives go wrong within the parity;
//! the log's answers are ambiguous, and the bucket's (`doubts`).
//! Checked: every answer when it is given (`model`); after each restart what became of the
//! unknown; in the end all ways to the rows, every object that is named, that no object is
//! left over and that the log is short.
//!
//! `SEED=n` replays one history; `SEED_FROM` and `SEEDS` choose others. Even and odd seeds
//! are two tests, so that two cores are used.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test")]

#[path = "../../../sim/tests/whole/clients.rs"]
mod blobs;
mod clients;
mod closing;
mod doubts;
mod history;
mod life;
#[allow(dead_code, reason = "the other model looks at shards")]
#[path = "../../../sim/tests/whole/machine.rs"]
mod machine;
mod model;
#[path = "../../../sim/tests/whole/register.rs"]
mod register;
#[allow(dead_code, reason = "the other model looks for orphans")]
#[path = "../../../sim/tests/whole/repair.rs"]
mod repair;
mod system;
#[path = "../../../sim/tests/whole/trouble.rs"]
mod trouble;
mod wire;

use holdfast_sim::report::Report;

/// Counters that must not be zero.
const NEEDED: &[&str] = &[
    "acknowledged",
    "unknown",
    "refused",
    "commits",
    "conflicts",
    "transactions",
    "rollbacks",
    "transfers",
    "large commits",
    "ddl",
    "reads compared",
    "flushes",
    "compactions",
    "checkpoints",
    "objects removed",
    "ambiguous answers",
    "last words of the log",
    "fences",
    "statements killed",
    "bucket writes that failed",
    "bucket writes that failed and are there",
    "bucket reads that failed",
    "blobs put",
    "blobs read",
    "power cuts",
    "kills",
    "restarts",
    "restarts of the database alone",
    "three voters",
    "drives replaced",
    "shards healed",
    "searched for orphans",
];

/// A seed costs about a third of a second of a core (dev profile), the sweep included.
const GATE: u64 = 160;

fn check(parity: u64) {
    let seeds = holdfast_sim::seeds(GATE).filter(|seed| seed % 2 == parity);
    Report::sweeping("database", seeds, |seed| holdfast_sim::run(history::run(seed)))
        .finish(GATE as usize / 2, NEEDED);
}

#[test]
fn what_was_committed_is_there_whatever_happens_even_seeds() {
    check(0);
}

#[test]
fn what_was_committed_is_there_whatever_happens_odd_seeds() {
    check(1);
}
