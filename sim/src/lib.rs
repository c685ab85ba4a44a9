//! The fake world: the four seams of `io` from one seed, on one thread.
//!
//! - [`disk::SimDisk`]: files in memory, power cuts, and whatever disks do wrong
//! - [`clock::SimClock`]: tokio's paused time, and a wall clock that can be set
//! - [`net::SimNet`]: connections in memory; [`bucket::SimBucket`]: objects in memory
//! - [`report::Report`]: what a model test over seeds says; [`aim`]: at which line the power goes
//! - randomness is [`holdfast_io::rng::SeededRng`]
//!
//! The same seed gives the same run, as long as everything happens on one
//! current-thread tokio runtime with paused time: [`run`] makes one.
//!
//! Not here: the scenarios, which live in `sim/tests` and in the tests of the
//! crates that use the seams.

pub mod aim;
pub mod bucket;
pub mod clock;
pub mod disk;
pub mod net;
pub mod report;
mod seeds;

pub use seeds::{run, seeds};
