//! Which shards to read for a part of a blob, and when they are enough.
//! Events in, reads to ask for and a verdict out; no clock, no I/O.
//!
//! ```text
//! narrow read   what is wanted of one data shard, no more
//! wide read     the same leaves of any shard: any k of them decode the rest
//!
//! start: one read for each data shard wanted (wide where that is the same)
//! a bad or slow one: widen, i.e. ask for wide reads until k are good or promising
//! ```
//!
//! Invariants
//! - W1: no read is asked for twice.
//! - W2: `Unreadable` only when nothing that could still help is under way or unasked.
//! - W3: a slow read is never given up: it may still be the one that is needed.
//!
//! Not here: verification (`verify`), when slow is slow (`hedge`), the reads (`fetch`).

/// How much of a shard is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// What is wanted of this shard.
    Narrow,
    /// What is wanted of any shard.
    Wide,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Verified bytes came.
    Good(usize, Width),
    /// The shard is absent, wrong, or its drive does not answer.
    Bad(usize, Width),
    /// What has not come by now is slow.
    Slow,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Wait for more events.
    Wait,
    /// All that is wanted is here.
    Whole,
    /// `k` wide reads are here: decode.
    Decode,
    /// More is lost than the parity covers.
    Unreadable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Waiting,
    Slow,
    Good,
    Bad,
}

/// What is wanted of one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// Some of its bytes are wanted.
    pub wanted: bool,
    /// And they are all that is wanted of any shard: a narrow read is wide.
    pub covers: bool,
    /// Its drive is suspected or away: ask it last.
    pub avoid: bool,
}

/// The reads for one part of a blob.
#[derive(Clone, Debug)]
pub struct Gather {
    k: usize,
    wants: Vec<Want>,
    narrow: Vec<State>,
    wide: Vec<State>,
    widened: bool,
}

impl Gather {
    /// One want for each of the blob's shards, data first; `k` are data.
    pub fn new(k: usize, wants: Vec<Want>) -> Self {
        let idle = vec![State::Idle; wants.len()];
        Self { k, wants, narrow: idle.clone(), wide: idle, widened: false }
    }

    /// The first reads.
    pub fn start(&mut self) -> (Verdict, Vec<(usize, Width)>) {
        let mut asks = Vec::with_capacity(self.k);
        for (shard, want) in self.wants.iter().enumerate().filter(|(_, want)| want.wanted) {
            if want.avoid {
                self.widened = true;
            } else if want.covers {
                self.wide[shard] = State::Waiting;
                asks.push((shard, Width::Wide));
            } else {
                self.narrow[shard] = State::Waiting;
                asks.push((shard, Width::Narrow));
            }
        }
        (self.verdict(&mut asks), asks)
    }

    /// Takes one event.
    pub fn step(&mut self, event: Event) -> (Verdict, Vec<(usize, Width)>) {
        match event {
            Event::Good(shard, Width::Narrow) => self.narrow[shard] = State::Good,
            Event::Good(shard, Width::Wide) => self.wide[shard] = State::Good,
            Event::Bad(shard, Width::Narrow) => {
                self.narrow[shard] = State::Bad;
                if self.wide[shard] == State::Idle {
                    self.wide[shard] = State::Bad;
                }
                self.widened = true;
            }
            Event::Bad(shard, Width::Wide) => {
                self.wide[shard] = State::Bad;
                self.widened = true;
            }
            Event::Slow => {
                let states = self.narrow.iter_mut().chain(self.wide.iter_mut());
                for state in states.filter(|state| **state == State::Waiting) {
                    *state = State::Slow;
                }
                self.widened = true;
            }
        }
        let mut asks = Vec::new();
        (self.verdict(&mut asks), asks)
    }

    /// True when `shard`'s wanted bytes are not here and must be decoded.
    pub fn lacks(&self, shard: usize) -> bool {
        self.wants[shard].wanted
            && self.narrow[shard] != State::Good
            && self.wide[shard] != State::Good
    }

    /// True when a shard that is wanted lies on a drive to be avoided.
    pub fn avoids(&self) -> bool {
        self.wants.iter().any(|want| want.wanted && want.avoid)
    }

    /// Number of good wide reads.
    pub fn good(&self) -> usize {
        self.wide.iter().filter(|&&state| state == State::Good).count()
    }

    fn verdict(&mut self, asks: &mut Vec<(usize, Width)>) -> Verdict {
        if (0..self.wants.len()).all(|shard| !self.lacks(shard)) {
            return Verdict::Whole;
        }
        if self.good() >= self.k {
            return Verdict::Decode;
        }
        if self.widened {
            self.widen(asks);
        }
        let under_way = |state: &State| matches!(state, State::Waiting | State::Slow);
        match self.narrow.iter().chain(&self.wide).any(under_way) {
            true => Verdict::Wait,
            false => Verdict::Unreadable, // W2
        }
    }

    /// Asks until `k` wide reads are good or promising: data before parity,
    /// drives that are slow or to be avoided last.
    fn widen(&mut self, asks: &mut Vec<(usize, Width)>) {
        let promising = |state: &&State| matches!(state, State::Good | State::Waiting);
        let mut short = self.k.saturating_sub(self.wide.iter().filter(promising).count());
        for doubtful in [false, true] {
            for shard in 0..self.wants.len() {
                let doubted = self.wants[shard].avoid || self.narrow[shard] == State::Slow;
                if short > 0 && self.wide[shard] == State::Idle && doubted == doubtful {
                    self.wide[shard] = State::Waiting;
                    asks.push((shard, Width::Wide));
                    short -= 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use holdfast_io::rng::SeededRng;

    use super::*;

    /// 4+2; `wanted` of the data shards are, and cover when `covers`.
    fn gather(wanted: &[usize], covers: bool, avoid: &[usize]) -> Gather {
        let want = |shard| Want {
            wanted: wanted.contains(&shard),
            covers: covers && wanted.contains(&shard),
            avoid: avoid.contains(&shard),
        };
        Gather::new(4, (0..6).map(want).collect())
    }

    #[test]
    fn a_sound_read_asks_for_no_more_than_is_wanted() {
        let mut small = gather(&[2], true, &[]);
        assert_eq!(small.start(), (Verdict::Wait, vec![(2, Width::Wide)]));
        assert_eq!(small.step(Event::Good(2, Width::Wide)), (Verdict::Whole, vec![]));
        let mut two = gather(&[0, 1], false, &[]);
        assert_eq!(two.start().1, [(0, Width::Narrow), (1, Width::Narrow)]);
    }

    #[test]
    fn a_slow_shard_costs_one_more_read_and_may_still_win() {
        let mut all = gather(&[0, 1, 2, 3], true, &[]);
        all.start();
        for shard in [0, 1, 2] {
            assert_eq!(all.step(Event::Good(shard, Width::Wide)), (Verdict::Wait, vec![]));
        }
        let asked = vec![(4, Width::Wide)];
        assert_eq!(all.step(Event::Slow), (Verdict::Wait, asked), "one parity shard");
        let mut parity_first = all.clone();
        assert_eq!(parity_first.step(Event::Good(4, Width::Wide)).0, Verdict::Decode);
        assert!(parity_first.lacks(3) && !parity_first.lacks(2));
        assert_eq!(all.step(Event::Good(3, Width::Wide)).0, Verdict::Whole, "W3");
    }

    #[test]
    fn a_drive_to_avoid_is_not_asked_while_others_suffice() {
        let mut all = gather(&[0, 1, 2, 3], true, &[1]);
        let (_, asks) = all.start();
        let shards: Vec<_> = asks.iter().map(|&(shard, _)| shard).collect();
        assert_eq!(shards, [0, 2, 3, 4]);
        assert_eq!(all.step(Event::Bad(4, Width::Wide)).1, [(5, Width::Wide)]);
        assert_eq!(all.step(Event::Bad(5, Width::Wide)).1, [(1, Width::Wide)], "W2");
    }

    #[test]
    fn whatever_comes_first_enough_good_shards_suffice_and_fewer_do_not() {
        for seed in 0..20_000 {
            let rng = SeededRng::new(seed);
            let some = |one_in| (0..6).filter(|_| rng.one_in(one_in)).collect::<Vec<usize>>();
            let (mut wanted, bad, avoid) = (some(2), some(3), some(4));
            wanted.retain(|&shard| shard < 4);
            if wanted.is_empty() {
                wanted.push(0);
            }
            let mut gather = gather(&wanted, rng.one_in(2), &avoid);
            let (mut verdict, mut asked) = gather.start();
            let mut pending = asked.clone();
            while verdict == Verdict::Wait {
                let event = match rng.one_in(5) {
                    true => Event::Slow,
                    false => {
                        assert!(!pending.is_empty(), "seed {seed}: waits for nothing");
                        let pick = rng.below(pending.len() as u64) as usize;
                        let (shard, width) = pending.remove(pick);
                        match bad.contains(&shard) {
                            true => Event::Bad(shard, width),
                            false => Event::Good(shard, width),
                        }
                    }
                };
                let (next, asks) = gather.step(event);
                for ask in asks {
                    assert!(!asked.contains(&ask), "seed {seed}: W1 {ask:?}");
                    asked.push(ask);
                    pending.push(ask);
                }
                verdict = next;
            }
            let enough = bad.len() <= 2 || wanted.iter().all(|shard| !bad.contains(shard));
            match verdict {
                Verdict::Unreadable => assert!(!enough, "seed {seed}: W2, bad {bad:?}"),
                Verdict::Decode => assert!(bad.len() <= 2, "seed {seed}"),
                Verdict::Whole => assert!(!wanted.iter().any(|shard| bad.contains(shard))),
                Verdict::Wait => unreachable!(),
            }
        }
    }
}
