//! The object store against a `BTreeMap`, over real shard stores on simulated disks.
//!
//! Every seed is a history of PUTs, GETs, deletes, faults, crashes and repairs,
//! and then an end of all faults. Checked:
//! - P1: a shard that was acknowledged as durable is there, by an audit that does
//!   not use the store's own verification, unless its very drive was damaged;
//! - P2: a read gives the bytes that were acknowledged, or an error, and the error
//!   only where fewer than `k` shards are left on drives without faults;
//! - after the faults end a heal makes every blob whole, each shard verified;
//! - after a collection no drive holds a shard that the metadata does not name.
//!
//! `SEED=n` replays one history, `SEEDS=n` asks for more of them.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test")]

mod history;
mod meta;
mod world;

use world::Counts;

#[test]
fn acknowledged_bytes_survive_and_no_wrong_byte_is_read() {
    let mut sum = Counts::default();
    let mut histories = 0;
    for seed in holdfast_sim::seeds(200) {
        println!("seed {seed}"); // Shown when it fails.
        sum.merge(&holdfast_sim::run(history::run(seed)));
        histories += 1;
    }
    println!("{histories} histories");
    for (what, count) in &sum.counts {
        println!("  {count:>8} {what}");
    }
    println!("{}", sum.ledger);
    if histories >= 200 {
        for what in history::SHOULD_HAPPEN {
            assert!(sum.get(what) > 0, "no history had any {what}");
        }
    }
}
