//! Commit timestamps: milliseconds and a counter, above everything in the log.
//!
//! - H1: every timestamp is greater than the one before, whatever the wall clock does.
//! - H2: the first one is greater than every timestamp in the log.
//!
//! The wall clock makes them readable and lets ages be told from them; nothing is
//! decided by it. A clock that stands still or jumps back costs only the counter.

use holdfast_base::{Ts, WallMs};

/// Bits of the counter.
pub const COUNTER_BITS: u32 = 18;

/// Hands out timestamps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamp {
    last: Ts,
}

/// The least timestamp of a millisecond; 0 for a wall clock beyond what fits.
pub fn floor_of(wall: WallMs) -> Ts {
    match wall.0.checked_mul(1 << COUNTER_BITS) {
        Some(ts) => Ts(ts),
        None => Ts(0),
    }
}

impl Stamp {
    /// Starts above `last` (H2).
    pub fn above(last: Ts) -> Self {
        Self { last }
    }

    /// Something with this timestamp was seen in the log.
    pub fn saw(&mut self, ts: Ts) {
        self.last = self.last.max(ts);
    }

    /// The next one (H1). `None` when there are no more.
    pub fn next(&mut self, wall: WallMs) -> Option<Ts> {
        let next = floor_of(wall).0.max(self.last.0.checked_add(1)?);
        self.last = Ts(next);
        Some(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_grow_whatever_the_clock_does() {
        let mut stamp = Stamp::above(Ts(5 << COUNTER_BITS));
        let mut last = Ts(5 << COUNTER_BITS);
        for wall in [3, 9, 9, 9, 2, 10, u64::MAX, 0, 11] {
            let next = stamp.next(WallMs(wall)).unwrap();
            assert!(next > last, "H1: {next} after {last} at {wall}");
            assert!(next >= floor_of(WallMs(wall)));
            last = next;
        }
        assert_eq!(last, Ts(11 << COUNTER_BITS), "a clock beyond the range is not believed");
        assert_eq!(Stamp::above(Ts(u64::MAX)).next(WallMs(1)), None);
    }
}
