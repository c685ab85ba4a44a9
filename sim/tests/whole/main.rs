//! Everything together against a model: the real object store over the real metadata
//! service (one voter, or three), on simulated disks with one power supply, from one seed.
//!
//! Clients overlap; the power goes at any disk operation of either; drives forget, rot, err,
//! stall, fill and vanish within the parity; collector, heal and scrub run beside.
//! Checked: every answer when it is given, by what may be true then (`register`); in the
//! end every key byte by byte, the listing, that every blob is whole, and that no shard is
//! left over. A read never errs while the damage is within the parity.
//!
//! `SEED=n` replays one history; `SEED_FROM` and `SEEDS` choose others. Even and odd seeds
//! are two tests, so that two cores are used. What the orphans cost is paid by every third.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test")]

mod clients;
mod history;
mod machine;
mod register;
mod repair;
mod trouble;

use holdfast_sim::report::Report;

/// Counters that must not be zero.
const NEEDED: &[&str] = &[
    "acknowledged",
    "unknown",
    "puts",
    "puts inline",
    "multi-blob bodies",
    "gets",
    "range gets",
    "list pages",
    "deletes",
    "conditions held",
    "conditions failed",
    "races",
    "uploads completed",
    "uploads aborted",
    "restarts",
    "three voters",
    "drives replaced",
    "shards healed",
    "orphans collected",
    "compared",
    "searched for orphans",
];

/// A seed costs about a second of a core (dev profile), so fewer than other models have.
const GATE: u64 = 100;

fn check(parity: u64) {
    let seeds = holdfast_sim::seeds(GATE).filter(|seed| seed % 2 == parity);
    Report::sweeping("whole", seeds, |seed| holdfast_sim::run(history::run(seed)))
        .finish(GATE as usize / 2, NEEDED);
}

#[test]
fn what_was_acknowledged_is_there_whatever_happens_even_seeds() {
    check(0);
}

#[test]
fn what_was_acknowledged_is_there_whatever_happens_odd_seeds() {
    check(1);
}
