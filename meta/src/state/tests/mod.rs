//! The state machine against maps, and on disks that lose power.

mod crash;
mod golden;
mod list;
mod model;
mod pages;

use std::sync::Arc;

use holdfast_io::rng::SeededRng;

/// A generator for one seed.
fn rng(seed: u64) -> Arc<SeededRng> {
    Arc::new(SeededRng::new(seed))
}
