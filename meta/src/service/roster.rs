//! What to do next so that as many replicas vote as there are places: a pure
//! decision, one step at a time, from Raft's membership and what stands at the places.
//!
//! ```text
//! place        vacant, damaged       fresh            running, catching up    voter
//!              |-- format, new id -->|-- learner ---->|-- in the dead ------->|
//!                                                        voter's stead (joint, then settled)
//! ```
//! Every step is taken anew from what is there, so that a crash between any two
//! of them, or in one, is taken up again.
//!
//! - Q1: a number is never used twice. A new one is above the log position at which
//!   it was drawn, and a replica runs under it only once an entry above that names it.
//! - Q2: a learner votes only once it lacks next to nothing.
//! - Q3: a voter that is only away keeps its vote; it is replaced once its place holds another.
//!
//! Not here: doing it (`tend`).

use std::collections::BTreeSet;

use crate::raft::node::Roster;

/// A learner that lacks no more than so many entries is let vote (Q2).
pub const LAG_MAX: u64 = 64;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// Nothing that can be read or written now, or may be.
    Away,
    /// No replica.
    Vacant,
    /// A replica that must not run any more.
    Damaged,
    /// A replica that never ran.
    Fresh(u64),
    /// A replica that ran, and could.
    Whole(u64),
    /// A replica that runs; what it lacks, where the leader knows; whether its log is empty.
    Running {
        /// Its number.
        id: u64,
        /// Entries.
        lag: Option<u64>,
        /// It has no log yet.
        is_blank: bool,
    },
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Finish the change of membership that was begun.
    Settle,
    /// Run the replica at this place.
    Open(usize),
    /// Stop the replica at this place: it belongs to nothing any more.
    Stop(usize),
    /// Make a fresh replica at this place, under this number.
    Format(usize, u64),
    /// Let this replica listen.
    Learn(u64),
    /// Let it vote in the other's stead.
    Replace {
        /// A voter that is at no place any more.
        dead: u64,
        /// A learner that lacks next to nothing.
        by: u64,
    },
    /// A learner that is at no place any more.
    Forget(u64),
}

impl Seat {
    fn id(self) -> Option<u64> {
        match self {
            Self::Away | Self::Vacant | Self::Damaged => None,
            Self::Fresh(id) | Self::Whole(id) | Self::Running { id, .. } => Some(id),
        }
    }
}

/// The next step, if there is one.
pub fn next(roster: &Roster, seats: &[Seat]) -> Option<Step> {
    if roster.is_joint {
        return Some(Step::Settle);
    }
    let seated: BTreeSet<u64> = seats.iter().filter_map(|seat| seat.id()).collect();
    let dead = roster.voters.difference(&seated).next().copied();
    let stands = seats.iter().enumerate();
    if let Some(step) = stands.filter_map(|(at, seat)| place(roster, at, *seat, dead)).next() {
        return Some(step);
    }
    let ready = |seat: &Seat| match *seat {
        Seat::Running { id, lag: Some(lag), .. } if roster.learners.contains(&id) => {
            (lag <= LAG_MAX).then_some(id) // Q2
        }
        _ => None,
    };
    if let (Some(dead), Some(by)) = (dead, seats.iter().find_map(ready)) {
        return Some(Step::Replace { dead, by });
    }
    if seats.contains(&Seat::Away) {
        return None; // Q3: whoever is not seen may be there.
    }
    roster.learners.difference(&seated).next().map(|id| Step::Forget(*id))
}

/// What one place needs.
fn place(roster: &Roster, at: usize, seat: Seat, dead: Option<u64>) -> Option<Step> {
    match seat {
        Seat::Away => None,
        Seat::Whole(id) if roster.has(id) => Some(Step::Open(at)),
        Seat::Fresh(id) if roster.has(id) => Some(Step::Open(at)),
        Seat::Fresh(id) => dead.map(|_| Step::Learn(id)),
        Seat::Vacant | Seat::Damaged | Seat::Whole(_) => {
            dead.map(|_| Step::Format(at, new_id(roster)))
        }
        Seat::Running { id, .. } if roster.has(id) => None,
        Seat::Running { id, is_blank: true, .. } => dead.map(|_| Step::Learn(id)),
        Seat::Running { .. } => Some(Step::Stop(at)),
    }
}

/// Q1.
fn new_id(roster: &Roster) -> u64 {
    let named = roster.voters.iter().chain(&roster.learners).max().copied().unwrap_or(0);
    named.max(roster.last) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use Seat::{Away, Damaged, Fresh, Vacant, Whole};

    fn roster(voters: &[u64], learners: &[u64]) -> Roster {
        let (voters, learners) = (voters.iter().copied(), learners.iter().copied());
        let (voters, learners) = (voters.collect(), learners.collect());
        Roster { voters, learners, is_joint: false, last: 100 }
    }

    fn runs(id: u64) -> Seat {
        Seat::Running { id, lag: Some(0), is_blank: false }
    }

    fn lags(id: u64, lag: Option<u64>) -> Seat {
        Seat::Running { id, lag, is_blank: false }
    }

    #[track_caller]
    fn check(why: &str, roster: &Roster, seats: &[Seat], want: Option<Step>) {
        assert_eq!(next(roster, seats), want, "{why}");
    }

    #[test]
    fn steps() {
        let (three, with) = (roster(&[1, 2, 3], &[]), roster(&[1, 2, 3], &[101]));
        let after = roster(&[1, 101, 3], &[]);
        let replace = Some(Step::Replace { dead: 2, by: 101 });
        check("all is well", &three, &[runs(1), runs(2), runs(3)], None);
        check("Q3: away", &three, &[runs(1), Away, runs(3)], None);
        check("back", &three, &[runs(1), Whole(2), runs(3)], Some(Step::Open(1)));
        check("wiped", &three, &[runs(1), Vacant, runs(3)], Some(Step::Format(1, 101)));
        check("rotten", &three, &[runs(1), Damaged, runs(3)], Some(Step::Format(1, 101)));
        check("formatted", &three, &[runs(1), Fresh(101), runs(3)], Some(Step::Learn(101)));
        check("listed", &with, &[runs(1), Fresh(101), runs(3)], Some(Step::Open(1)));
        check("far behind", &with, &[runs(1), lags(101, Some(65)), runs(3)], None);
        check("unknown", &with, &[runs(1), lags(101, None), runs(3)], None);
        check("Q2: caught up", &with, &[runs(1), lags(101, Some(64)), runs(3)], replace);
        let joint = Roster { is_joint: true, ..after.clone() };
        check("half done", &joint, &[runs(1), runs(101), runs(3)], Some(Step::Settle));
        check("done", &after, &[runs(1), runs(101), runs(3)], None);
    }

    #[test]
    fn what_comes_back_under_a_forgotten_number_is_made_anew() {
        let after = roster(&[1, 101, 3], &[]);
        check("stopped", &after, &[runs(1), runs(2), runs(3)], Some(Step::Stop(1)));
        check("formatted", &after, &[runs(1), Whole(2), runs(3)], Some(Step::Format(1, 102)));
        let blank = Seat::Running { id: 101, lag: None, is_blank: true };
        let three = roster(&[1, 2, 3], &[]);
        check("opened too early", &three, &[runs(1), blank, runs(3)], Some(Step::Learn(101)));
    }

    #[test]
    fn a_learner_that_is_lost_is_followed_by_another_and_forgotten() {
        let with = roster(&[1, 2, 3], &[101]);
        check("lost", &with, &[runs(1), Vacant, runs(3)], Some(Step::Format(1, 102)));
        check("the next one", &with, &[runs(1), Fresh(102), runs(3)], Some(Step::Learn(102)));
        let both = roster(&[1, 2, 3], &[101, 102]);
        let replace = Some(Step::Replace { dead: 2, by: 102 });
        check("replaces", &both, &[runs(1), runs(102), runs(3)], replace);
        let left = roster(&[1, 3, 102], &[101]);
        check("left over", &left, &[runs(1), runs(102), runs(3)], Some(Step::Forget(101)));
        check("Q3: perhaps there", &left, &[runs(1), Away, runs(3)], None);
    }

    #[test]
    fn drives_that_changed_places_run_where_they_are() {
        let three = roster(&[1, 2, 3], &[]);
        check("swapped", &three, &[runs(1), Whole(3), Away], Some(Step::Open(1)));
        check("swapped", &three, &[runs(3), runs(1), runs(2)], None);
    }
}
