//! How long this node may answer read timestamps without hearing from the log.
//!
//! - E1 (X1): a read timestamp is given only while no other node can have
//!   acknowledged a commit that it does not cover.
//!
//! The log told at some moment that this node's epoch was current; the moment is
//! taken from before it was asked. Whoever is granted the next epoch serves only
//! one lease (and a tenth) after its grant, which is later than that moment. A
//! clock that runs through suspend and drifts by less than a tenth is assumed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use holdfast_io::clock::Clock;

/// See the module's header.
#[derive(Debug)]
pub struct Lease {
    length: Option<Duration>,
    /// Until when, on the monotonic clock. [ns]
    until_ns: AtomicU64,
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Lease {
    /// A lease that has run out; without a length it never does.
    pub fn new(length: Option<Duration>) -> Self {
        Self { length, until_ns: AtomicU64::new(0) }
    }

    /// How long it is.
    pub fn length(&self) -> Option<Duration> {
        self.length
    }

    /// The epoch was current at some time after `asked`.
    pub fn renewed(&self, asked: Duration) {
        if let Some(length) = self.length {
            self.until_ns.fetch_max(ns(asked + length), Ordering::AcqRel);
        }
    }

    /// E1.
    pub fn is_live(&self, clock: &dyn Clock) -> bool {
        self.length.is_none() || ns(clock.monotonic()) < self.until_ns.load(Ordering::Acquire)
    }
}
