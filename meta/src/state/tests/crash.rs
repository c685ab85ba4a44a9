//! The store under power cuts: it goes back to a checkpoint, and the log's
//! entries from there give what they gave.

use std::cell::RefCell;
use std::sync::Arc;

use holdfast_api::meta::Outcome;
use holdfast_io::disk::FileName;
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::{Faults, SimDisk};

use super::model::history;
use super::rng;
use crate::state::{StateError, Step, Store};

fn open(disk: &Arc<SimDisk>) -> Result<Store, StateError> {
    let file = disk.drive().disk().open_blocking(&FileName::new("store-1").unwrap())?;
    Store::open(file, 1 << 20)
}

/// The index that the store is at.
fn applied(store: &Store) -> u64 {
    let raft = store.raft().unwrap();
    raft.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
}

fn apply(store: &Store, index: u64, bytes: bytes::Bytes) -> Result<Vec<Outcome>, StateError> {
    let step = Step::Entry { index, bytes };
    Ok(store.apply(vec![step], &index.to_le_bytes())?.0.remove(0).outcomes)
}

/// A store on a disk whose power goes now and then; entries are its log.
struct Cut {
    disk: Arc<SimDisk>,
    store: Option<Store>,
    entries: Vec<(bytes::Bytes, Vec<Outcome>)>,
    saved: u64,
    cuts: u64,
    replayed: u64,
}

impl Cut {
    /// Power comes back: opens, and applies what the checkpoint does not have.
    fn recover(&mut self, seed: u64) {
        self.store = None;
        self.disk = self.disk.crash();
        self.disk.set_faults(Faults::none());
        self.cuts += 1;
        let store = open(&self.disk).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let at = applied(&store);
        assert!(at >= self.saved, "seed {seed}: D1: saved {}, found {at}", self.saved);
        for (index, (bytes, outcomes)) in (1..).zip(&self.entries).skip(at as usize) {
            let again = apply(&store, index, bytes.clone()).unwrap();
            assert_eq!(again, *outcomes, "seed {seed}: A1, entry {index} again");
            self.replayed += 1;
        }
        self.store = Some(store);
    }
}

#[test]
fn a_store_that_lost_power_replays_to_the_same_outcomes() {
    let (mut cuts, mut replayed) = (0, 0);
    for seed in holdfast_sim::seeds(40) {
        holdfast_sim::run(async {
            let rng = rng(seed + 1_000_000);
            let disk = SimDisk::new("store", seed, SimClock::new());
            let store = Some(open(&disk).unwrap());
            let cut = Cut { disk, store, entries: Vec::new(), saved: 0, cuts: 0, replayed: 0 };
            let cut = RefCell::new(cut);
            let step = |index: u64, bytes: bytes::Bytes| {
                let mut cut = cut.borrow_mut();
                let cut = &mut *cut;
                if rng.one_in(6) {
                    cut.disk.set_faults(Faults::none().crash_at(1 + rng.below(40)));
                }
                let outcomes = loop {
                    let store = cut.store.as_ref().unwrap();
                    let checkpoint = rng.one_in(5);
                    let done = apply(store, index, bytes.clone());
                    let Ok(outcomes) = done else {
                        cut.recover(seed);
                        continue;
                    };
                    cut.entries.push((bytes, outcomes.clone()));
                    if checkpoint {
                        match store.checkpoint() {
                            Ok(_) => cut.saved = index,
                            Err(_) => cut.recover(seed),
                        }
                    }
                    break outcomes;
                };
                if rng.one_in(12) {
                    cut.recover(seed);
                }
                outcomes
            };
            history(seed, 120, step, || cut.borrow().store.as_ref().unwrap().view().unwrap());
            let cut = cut.borrow();
            (cuts, replayed) = (cuts + cut.cuts, replayed + cut.replayed);
        });
    }
    assert!(cuts > 0);
    println!("store: {cuts} power cuts, {replayed} entries applied again");
}
