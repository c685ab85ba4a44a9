//! When a blob counts as durable. Events in, a verdict out; no clock, no I/O.
//!
//! ```text
//! all shards durable ----------------------------------> Commit, nothing missing
//! some failed, a spare drive is left ------------------> Replace one of them there
//! a queue was full, no spare --------------------------> Again: the same drive, once
//! some failed, no spare, write quorum durable ---------> Commit, the failed ones missing
//! otherwise -------------------------------------------> Abort
//! ```
//!
//! Invariants
//! - A1: no verdict before every shard has answered or is late.
//! - A2: `Commit` names as missing every shard that is not durable, and the
//!   durable ones are at least the geometry's write quorum.
//! - A3: a shard is placed again only while a spare drive is left, so the
//!   number of attempts is bounded.
//! - A4: a late answer changes nothing.
//!
//! Whoever writes keeps the payloads until its verdict, so that a shard can be placed
//! again whatever failed. Once they are given up (a sync comes many blobs later, and
//! memory is bounded) a shard is rebuilt from `k` durable ones: beyond the parity, a
//! spare is no help then.
//!
//! Not here: who the spares are (`placement`), what is done about it (`spread`).

use holdfast_base::{DriveNo, Geometry};

use super::placement::Chosen;

/// What became of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Durable,
    Failed,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The shard's drive made it durable (or wrote it, where a sync is to follow).
    Durable(usize),
    /// The shard's drive did not.
    Failed(usize),
    /// The drive would not take it just now; it may be asked once more.
    Busy(usize),
    /// Shards that have not answered by now have failed.
    Deadline,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Wait for more answers.
    Wait,
    /// Rebuild this shard onto this drive.
    Replace {
        /// Which shard.
        shard: usize,
        /// Where it goes.
        drive: DriveNo,
    },
    /// Rebuild this shard onto its own drive, whose queue was full a moment ago.
    Again {
        /// Which shard.
        shard: usize,
    },
    /// Acknowledge; these shards are missing.
    Commit {
        /// Ascending.
        missing: Vec<u8>,
    },
    /// Refuse.
    Abort,
}

/// The acknowledgement of one blob.
#[derive(Clone, Debug)]
pub struct Acknowledge {
    geometry: Geometry,
    fates: Vec<Fate>,
    drives: Vec<DriveNo>,
    /// Best last.
    spares: Vec<DriveNo>,
    /// Shards that met a full queue, and whether their drive was asked once more.
    again: Vec<(usize, bool)>,
    /// The payloads are still at hand.
    kept: bool,
}

impl Acknowledge {
    /// Every shard of `geometry` was sent where `chosen` says.
    pub fn new(geometry: Geometry, chosen: Chosen) -> Self {
        assert_eq!(chosen.drives.len(), geometry.shards(), "placement chose one drive per shard");
        let spares = chosen.spares.into_iter().rev().collect();
        let fates = vec![Fate::Waiting; geometry.shards()];
        Self { geometry, fates, drives: chosen.drives, spares, again: Vec::new(), kept: true }
    }

    /// Where the shards are, or were to be.
    pub fn drives(&self) -> &[DriveNo] {
        &self.drives
    }

    /// Number of durable shards.
    pub fn durable(&self) -> usize {
        self.fates.iter().filter(|&&fate| fate == Fate::Durable).count()
    }

    /// Indices of the shards that have not answered.
    pub fn waiting(&self) -> Vec<usize> {
        let waits = |&shard: &usize| self.fates[shard] == Fate::Waiting;
        (0..self.fates.len()).filter(waits).collect()
    }

    /// Indices of the shards that are not durable.
    pub fn missing(&self) -> Vec<u8> {
        let lacks = |(shard, &fate): (usize, &Fate)| (fate != Fate::Durable).then_some(shard as u8);
        self.fates.iter().enumerate().filter_map(lacks).collect()
    }

    /// Takes one event.
    pub fn step(&mut self, event: Event) -> Verdict {
        match event {
            Event::Durable(shard) => self.answer(shard, Fate::Durable),
            Event::Failed(shard) => self.answer(shard, Fate::Failed),
            Event::Busy(shard) => {
                let known = self.again.iter().any(|&(other, _)| other == shard);
                if self.fates[shard] == Fate::Waiting && !known {
                    self.again.push((shard, false));
                }
                self.answer(shard, Fate::Failed);
            }
            Event::Deadline => {
                for fate in self.fates.iter_mut().filter(|fate| **fate == Fate::Waiting) {
                    *fate = Fate::Failed;
                }
            }
        }
        self.verdict()
    }

    /// The payloads are gone: from now on a shard can only be rebuilt from others.
    pub fn give_up_payloads(&mut self) {
        self.kept = false;
    }

    /// Shards that were written, but the sync that was to follow failed, or
    /// their drive was taken away.
    pub fn lose(&mut self, shards: &[usize]) -> Verdict {
        for &shard in shards {
            self.fates[shard] = Fate::Failed;
        }
        self.verdict()
    }

    /// A4: only who is waited for can answer.
    fn answer(&mut self, shard: usize, fate: Fate) {
        if self.fates[shard] == Fate::Waiting {
            self.fates[shard] = fate;
        }
    }

    fn verdict(&mut self) -> Verdict {
        if self.fates.contains(&Fate::Waiting) {
            return Verdict::Wait; // A1
        }
        let durable = self.durable();
        let Some(shard) = self.fates.iter().position(|&fate| fate == Fate::Failed) else {
            return Verdict::Commit { missing: Vec::new() };
        };
        if self.kept || durable >= self.geometry.k() {
            if let Some(drive) = self.spares.pop() {
                self.fates[shard] = Fate::Waiting; // A3
                self.drives[shard] = drive;
                return Verdict::Replace { shard, drive };
            }
            if let Some(shard) = self.ask_again() {
                self.fates[shard] = Fate::Waiting; // A3
                return Verdict::Again { shard };
            }
        }
        match durable >= self.geometry.write_quorum() {
            true => Verdict::Commit { missing: self.missing() }, // A2
            false => Verdict::Abort,
        }
    }

    /// A failed shard whose drive was busy and was not asked a second time.
    fn ask_again(&mut self) -> Option<usize> {
        let fates = &self.fates;
        let due =
            |&&mut (shard, asked): &&mut (usize, bool)| !asked && fates[shard] == Fate::Failed;
        let (shard, asked) = self.again.iter_mut().find(due)?;
        *asked = true;
        Some(*shard)
    }
}

#[cfg(test)]
mod tests {
    use super::Event::{Busy, Deadline, Durable as D, Failed as F};
    use super::*;

    /// Six shards on drives 0 to 5, four data; five are the quorum.
    fn four_two(spares: &[u16]) -> Acknowledge {
        let chosen = Chosen {
            drives: (0..6).map(DriveNo).collect(),
            spares: spares.iter().copied().map(DriveNo).collect(),
        };
        Acknowledge::new("4+2".parse().unwrap(), chosen)
    }

    #[track_caller]
    fn check(why: &str, spares: &[u16], events: &[Event], want: Verdict) {
        let mut ack = four_two(spares);
        let got = events.iter().fold(Verdict::Wait, |_, &event| ack.step(event));
        assert_eq!(got, want, "{why}");
    }

    #[test]
    fn verdicts() {
        let commit = |missing: &[u8]| Verdict::Commit { missing: missing.to_vec() };
        let replace = |shard, drive| Verdict::Replace { shard, drive: DriveNo(drive) };
        let all = [D(0), D(1), D(2), D(3), D(4), D(5)];
        check("all durable", &[], &all, commit(&[]));
        check("five are a quorum, but the sixth may come yet", &[], &all[..5], Verdict::Wait);
        check("A1 with a spare", &[7], &all[..5], Verdict::Wait);
        let five = [D(0), D(1), D(2), D(3), D(4)];
        check("one late, no spare", &[], &[&five[..], &[Deadline]].concat(), commit(&[5]));
        check("one late, a spare", &[7, 8], &[&five[..], &[Deadline]].concat(), replace(5, 7));
        check("placed again", &[7], &[&five[..], &[F(5), D(5)]].concat(), commit(&[]));
        check("the next spare", &[7, 8], &[&five[..], &[F(5), F(5)]].concat(), replace(5, 8));
        check("spares run out", &[7], &[&five[..], &[F(5), F(5)]].concat(), commit(&[5]));
        let four = [D(0), D(1), D(2), D(3)];
        check("four are no quorum", &[], &[&four[..], &[Deadline]].concat(), Verdict::Abort);
        check("four and a spare", &[7], &[&four[..], &[Deadline]].concat(), replace(4, 7));
        check("then five", &[7], &[&four[..], &[Deadline, D(4)]].concat(), commit(&[5]));
        check("three and spares", &[7, 8, 9], &[D(0), D(1), D(2), Deadline], replace(3, 7));
        check("three, one spare", &[7], &[D(0), D(1), D(2), Deadline, D(3)], Verdict::Abort);
        check("none and a spare", &[7], &[Deadline], replace(0, 7));
        check("A4", &[], &[&five[..], &[Deadline, D(5)]].concat(), commit(&[5]));
        check("a full queue", &[], &[&five[..], &[Busy(5)]].concat(), Verdict::Again { shard: 5 });
        check("full again", &[], &[&five[..], &[Busy(5), Busy(5)]].concat(), commit(&[5]));
        check("a spare first", &[7], &[&five[..], &[Busy(5)]].concat(), replace(5, 7));
    }

    #[test]
    fn a_failed_sync_takes_back_what_was_written() {
        let written = |spares| {
            let mut ack = four_two(spares);
            (0..6).for_each(|shard| drop(ack.step(D(shard))));
            ack
        };
        assert_eq!(written(&[]).lose(&[2]), Verdict::Commit { missing: vec![2] });
        assert_eq!(written(&[]).lose(&[2, 0]), Verdict::Abort);
        let mut ack = written(&[7, 8]);
        assert_eq!(ack.lose(&[2, 0]), Verdict::Replace { shard: 0, drive: DriveNo(7) });
        assert_eq!(ack.step(D(0)), Verdict::Replace { shard: 2, drive: DriveNo(8) });
        assert_eq!(ack.step(D(2)), Verdict::Commit { missing: vec![] });
        let mut late = written(&[7, 8, 9]);
        late.give_up_payloads();
        assert_eq!(late.lose(&[0, 1, 2]), Verdict::Abort, "nothing to make them from");
    }

    #[test]
    fn whatever_happens_a_commit_is_a_quorum_and_names_what_is_missing() {
        // Every sequence of answers of six shards and two spares, by counting in base 3.
        for code in 0..3_u32.pow(8) {
            let mut ack = four_two(&[7, 8]);
            let mut digits = (0..8).scan(code, |rest, _| {
                let digit = *rest % 3;
                *rest /= 3;
                Some(digit)
            });
            let mut durable = [false; 6];
            let mut answer = |ack: &mut Acknowledge, shard: usize| {
                let good = digits.next() == Some(0);
                durable[shard] |= good;
                ack.step(if good { D(shard) } else { F(shard) })
            };
            let mut verdict = Verdict::Wait;
            for shard in 0..6 {
                verdict = answer(&mut ack, shard);
            }
            while let Verdict::Replace { shard, drive } = verdict {
                assert_eq!(ack.drives()[shard], drive);
                verdict = answer(&mut ack, shard);
            }
            let good = durable.iter().filter(|&&good| good).count();
            match verdict {
                Verdict::Commit { missing } => {
                    assert!(good >= 5, "A2");
                    for (shard, &good) in durable.iter().enumerate() {
                        assert_eq!(missing.contains(&(shard as u8)), !good, "A2");
                    }
                }
                Verdict::Abort => assert!(good < 5),
                other => panic!("{other:?} at the end"),
            }
        }
    }
}
