//! Appends on their way: which are sent again, accepted, refused; in which order.
//!
//! ```text
//! push -> seq 7  sending ----------- accepted ------> out, with its lsn
//!         seq 8  sending - behind -- parked --------> sent again once 7 is out
//! ```
//!
//! - P1 (T2): a `seq` of this epoch is only ever sent with the same records, until
//!   it is certain that no attempt of it can be accepted any more.
//! - P2 (X3): batches leave in `seq` order, however the answers arrive.
//! - P3: a batch is refused only if every attempt of it, and of every later one, was
//!   answered with a plain no. An attempt without an answer may be accepted yet
//!   (a "ghost"): then the same is sent again until there is an answer.
//!
//! Not here: the sending itself and its pauses (`appender`).

use std::collections::VecDeque;

use holdfast_api::log::LogError;
use holdfast_api::meta::MetaError;
use holdfast_base::{Lsn, Remedy};

/// Batches on their way at once.
pub const FLIGHTS_MAX: usize = 2;

/// What an attempt was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is in the log.
    Accepted(Lsn),
    /// Surely not, for an earlier one is missing.
    Behind,
    /// Surely not, for now.
    NotNow,
    /// Surely not, for there is no room.
    Full(LogError),
    /// Nobody knows.
    Ambiguous,
    /// Surely not, and never again.
    Never(LogError),
    /// Nobody knows, and nobody will tell.
    Lost(LogError),
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect<B> {
    /// Send it (again), after a pause that grows with `attempts`.
    Send {
        /// Which.
        seq: u64,
        /// How often it was sent since anything went well.
        attempts: u32,
    },
    /// It is accepted.
    Accept(B, Lsn),
    /// It is surely not accepted.
    Refuse(B, LogError),
    /// Nobody knows, and nobody will tell.
    Unknown(B),
    /// No more may be pushed; why.
    Stop(LogError),
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Sending,
    /// Surely not in the log; waits for those before it.
    Parked,
    Accepted(Lsn),
}

#[derive(Debug)]
struct Flight<B> {
    batch: B,
    state: State,
    attempts: u32,
    /// An attempt was never answered (P3).
    has_ghost: bool,
}

/// See the module's header.
#[derive(Debug)]
pub struct Pipeline<B> {
    flights: VecDeque<Flight<B>>,
    /// Of the first flight.
    first: u64,
    /// The first one found the log full: all are about to be refused.
    full: Option<LogError>,
    is_stopped: bool,
}

impl Answer {
    /// What `append` of `seq` was answered with.
    pub fn of(seq: u64, result: Result<Lsn, LogError>) -> Self {
        match result {
            Ok(lsn) => Self::Accepted(lsn),
            Err(LogError::OutOfOrder { next, .. }) if next < seq => Self::Behind,
            // It is in the log, and the log does not remember where.
            Err(error @ LogError::OutOfOrder { .. }) => Self::Lost(error),
            Err(error @ (LogError::Full { .. } | LogError::Meta(MetaError::Full))) => {
                Self::Full(error)
            }
            Err(LogError::Meta(MetaError::Busy(_))) => Self::NotNow,
            Err(error @ (LogError::Fenced { .. } | LogError::Meta(MetaError::TooLarge(_)))) => {
                Self::Never(error)
            }
            Err(error) if error.remedy() == Remedy::RetryHere => Self::Ambiguous,
            Err(error) => Self::Lost(error),
        }
    }
}

impl<B> Default for Pipeline<B> {
    fn default() -> Self {
        Self { flights: VecDeque::new(), first: 1, full: None, is_stopped: false }
    }
}

impl<B> Pipeline<B> {
    /// Whether another batch may be pushed.
    pub fn has_room(&self) -> bool {
        self.flights.len() < FLIGHTS_MAX && self.full.is_none() && !self.is_stopped
    }

    /// Nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// A batch goes on its way; its `seq`.
    pub fn push(&mut self, batch: B) -> u64 {
        debug_assert!(self.has_room(), "the caller looked");
        let flight = Flight { batch, state: State::Sending, attempts: 0, has_ghost: false };
        self.flights.push_back(flight);
        self.first + self.flights.len() as u64 - 1
    }

    /// The batch of a `seq` that is on its way.
    pub fn batch(&self, seq: u64) -> Option<&B> {
        let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        self.flights.get(at).map(|flight| &flight.batch)
    }

    /// An attempt was answered.
    pub fn answered(&mut self, seq: u64, answer: Answer) -> Vec<Effect<B>> {
        let mut effects = Vec::new();
        let Some(at) = seq.checked_sub(self.first).and_then(|at| usize::try_from(at).ok()) else {
            return effects;
        };
        let Some(flight) = self.flights.get_mut(at) else { return effects };
        flight.attempts = flight.attempts.saturating_add(1);
        let attempts = flight.attempts;
        match answer {
            Answer::Accepted(lsn) => {
                flight.state = State::Accepted(lsn);
                self.let_out(&mut effects);
            }
            Answer::Behind | Answer::NotNow if at > 0 => flight.state = State::Parked,
            Answer::Full(_) if at > 0 => flight.state = State::Parked,
            Answer::Full(error) if !flight.has_ghost => {
                flight.state = State::Parked;
                self.full = Some(error);
            }
            Answer::Ambiguous => {
                flight.has_ghost = true;
                effects.push(Effect::Send { seq, attempts });
            }
            Answer::Behind | Answer::NotNow | Answer::Full(_) => {
                effects.push(Effect::Send { seq, attempts });
            }
            Answer::Never(error) => {
                flight.state = State::Parked;
                self.stop(error, &mut effects);
            }
            Answer::Lost(error) => {
                flight.has_ghost = true;
                self.stop(error, &mut effects);
            }
        }
        self.settle_full(&mut effects);
        effects
    }

    /// P2.
    fn let_out(&mut self, effects: &mut Vec<Effect<B>>) {
        while let Some(State::Accepted(lsn)) = self.flights.front().map(|flight| &flight.state) {
            let lsn = *lsn;
            if let Some(flight) = self.flights.pop_front() {
                self.first += 1;
                effects.push(Effect::Accept(flight.batch, lsn));
            }
        }
        let seq = self.first;
        if let Some(flight) = self.flights.front_mut().filter(|front| front.state == State::Parked)
        {
            flight.state = State::Sending;
            flight.attempts = 0;
            effects.push(Effect::Send { seq, attempts: 0 });
        }
    }

    /// P3: once every flight is known to be out of the log, all are refused; if
    /// one has a ghost, the first is sent again.
    fn settle_full(&mut self, effects: &mut Vec<Effect<B>>) {
        let Some(error) = self.full.clone() else { return };
        if self.flights.iter().any(|flight| flight.has_ghost || flight.state != State::Parked) {
            if self.flights.iter().any(|flight| flight.has_ghost)
                && let Some(front) = self.flights.front_mut()
            {
                self.full = None;
                front.state = State::Sending;
                effects.push(Effect::Send { seq: self.first, attempts: front.attempts });
            }
            return;
        }
        self.full = None;
        let refused = self.flights.drain(..);
        effects.extend(refused.map(|flight| Effect::Refuse(flight.batch, error.clone())));
    }

    /// No more: what is surely not in the log is refused, of the rest nobody knows.
    pub fn stop(&mut self, error: LogError, effects: &mut Vec<Effect<B>>) {
        self.is_stopped = true;
        self.full = None;
        for flight in self.flights.drain(..) {
            effects.push(match flight.state {
                State::Parked if !flight.has_ghost => Effect::Refuse(flight.batch, error.clone()),
                State::Parked | State::Sending | State::Accepted(_) => {
                    Effect::Unknown(flight.batch)
                }
            });
        }
        effects.push(Effect::Stop(error));
    }
}

#[cfg(test)]
mod tests {
    use holdfast_base::{ByteCount, Epoch};

    use super::*;

    fn at(index: u64) -> Lsn {
        Lsn { index, ..Lsn::default() }
    }

    fn full() -> LogError {
        LogError::Full { bytes: ByteCount(2), budget: ByteCount(1) }
    }

    /// Pushes `a` as 1 and `b` as 2, then gives the answers; every effect in a line.
    #[track_caller]
    fn check(why: &str, answers: &[(u64, Answer)], want: &[&str]) {
        let mut pipeline = Pipeline::default();
        assert_eq!((pipeline.push("a"), pipeline.push("b")), (1, 2));
        assert!(!pipeline.has_room());
        let mut got = Vec::new();
        for (seq, answer) in answers {
            got.extend(pipeline.answered(*seq, answer.clone()).into_iter().map(
                |effect| match effect {
                    Effect::Send { seq, attempts } => format!("send {seq} after {attempts}"),
                    Effect::Accept(batch, lsn) => format!("{batch} at {}", lsn.index),
                    Effect::Refuse(batch, _) => format!("{batch} refused"),
                    Effect::Unknown(batch) => format!("{batch} unknown"),
                    Effect::Stop(_) => "stop".to_owned(),
                },
            ));
        }
        assert_eq!(got, want, "{why}");
    }

    #[test]
    fn answers_and_what_follows() {
        use Answer::{Accepted, Ambiguous, Behind, Full, Lost, Never, NotNow};
        let fenced = LogError::Fenced { given: Epoch(1), current: Epoch(2) };
        check(
            "the plain case",
            &[(1, Accepted(at(5))), (2, Accepted(at(6)))],
            &["a at 5", "b at 6"],
        );
        check(
            "P2: answers cross",
            &[(2, Accepted(at(6))), (1, Ambiguous), (1, Accepted(at(5)))],
            &["send 1 after 1", "a at 5", "b at 6"],
        );
        check(
            "the second was first: it waits for the first one",
            &[(2, Behind), (1, Accepted(at(5)))],
            &["a at 5", "send 2 after 0"],
        );
        check(
            "its answer comes after the first one's",
            &[(1, Accepted(at(5))), (2, Behind)],
            &["a at 5", "send 2 after 1"],
        );
        check("a full log", &[(1, Full(full())), (2, Behind)], &["a refused", "b refused"]);
        check(
            "P3: the second may be in a queue still: nobody is refused",
            &[(1, Full(full())), (2, Ambiguous)],
            &["send 2 after 1", "send 1 after 1"],
        );
        check(
            "P3: an attempt of the first may be in a queue still",
            &[(1, Ambiguous), (1, Full(full()))],
            &["send 1 after 1", "send 1 after 2"],
        );
        check("busy is a plain no", &[(1, NotNow), (1, Full(full()))], &["send 1 after 1"]);
        check(
            "fenced: what was not answered is unknown",
            &[(1, Never(fenced.clone()))],
            &["a refused", "b unknown", "stop"],
        );
        check(
            "fenced after an attempt without an answer",
            &[(2, Behind), (1, Ambiguous), (1, Lost(fenced))],
            &["send 1 after 1", "a unknown", "b refused", "stop"],
        );
    }

    #[test]
    fn a_refused_number_is_used_again() {
        let mut pipeline = Pipeline::default();
        assert_eq!(pipeline.push("a"), 1);
        assert_eq!(pipeline.answered(1, Answer::Full(full())).len(), 1);
        assert_eq!(pipeline.push("b"), 1, "T2: the log still waits for it");
    }
}
