//! Log time: what the leader writes into entries. Pure.
//!
//! - C1: it never goes back, and stands still while nobody leads.
//! - C2: while one leader leads, it advances with monotonic time.

use std::time::Duration;

use holdfast_base::Tick;

/// Log time as the leader counts it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogClock {
    term: u64,
    /// Log time when the term began here.
    from: Tick,
    /// Monotonic time then.
    since: Duration,
    /// The latest tick given out.
    last: Tick,
}

impl LogClock {
    /// The tick of an entry proposed at monotonic time `now`, in `term`, by a
    /// leader that has applied `applied`.
    pub fn tick(&mut self, term: u64, applied: Tick, now: Duration) -> Tick {
        if term != self.term {
            *self = Self { term, from: applied.max(self.last), since: now, last: self.last };
        }
        let elapsed = now.saturating_sub(self.since).as_millis() as u64;
        self.last = self.last.max(self.from.after(elapsed)).max(applied);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_time_advances_with_a_leader_and_stands_still_without() {
        let s = Duration::from_secs;
        let mut clock = LogClock::default();
        assert_eq!(clock.tick(1, Tick(500), s(100)), Tick(500));
        assert_eq!(clock.tick(1, Tick(500), s(102)), Tick(2500), "C2");
        assert_eq!(clock.tick(1, Tick(500), s(101)), Tick(2500), "C1");
        // Nobody led for an hour; the next leader had applied less.
        assert_eq!(clock.tick(2, Tick(400), s(3702)), Tick(2500), "C1");
        assert_eq!(clock.tick(2, Tick(400), s(3703)), Tick(3500));
    }
}
