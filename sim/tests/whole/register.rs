//! What a key may hold: a register whose writes overlap and whose outcomes may be unknown.
//!
//! ```text
//! write   begin ------- end (answered, or seen by a read)        took effect in between
//!         begin ------- limit (its service died)                 took effect in between, or never
//! read    from --- to: a value is legal if some write of it may have been the last at
//!         some moment in between
//! ```
//!
//! Judged by intervals: what this calls a violation is one in every linearization;
//! what it lets pass may still be none, which the closing comparison narrows.

use std::collections::BTreeMap;
use std::fmt;

/// Which PUT made a value; ids are never reused. Zero is never one.
pub type PutId = u64;

/// One write of one key.
#[derive(Clone, Debug)]
struct Write {
    /// `None` for a deletion.
    value: Option<PutId>,
    begin: u64,
    /// It has happened by then.
    end: Option<u64>,
    /// If it has not happened by then it never will.
    limit: Option<u64>,
    /// The service said that it did not happen.
    refused: bool,
}

impl Write {
    fn latest(&self) -> u64 {
        self.end.or(self.limit).unwrap_or(u64::MAX)
    }
}

/// What is wrong with a value that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Something acknowledged is not there.
    Lost,
    /// Something that was overwritten, deleted or refused is there.
    Resurrected,
    /// Something that nobody ever wrote there.
    Foreign,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wrong::Lost => "LOST",
            Wrong::Resurrected => "RESURRECTED",
            Wrong::Foreign => "WRONG",
        })
    }
}

/// A write of the model, to answer.
pub type Ticket = (String, usize);

/// All keys.
#[derive(Debug, Default)]
pub struct Registers {
    keys: BTreeMap<String, Vec<Write>>,
    now: u64,
}

impl Registers {
    /// The next moment.
    pub fn now(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    /// Keys that were ever written.
    pub fn keys(&self) -> Vec<String> {
        self.keys.keys().cloned().collect()
    }

    /// A write is on its way.
    pub fn begin(&mut self, key: &str, value: Option<PutId>) -> Ticket {
        let begin = self.now();
        let writes = self.keys.entry(key.to_owned()).or_default();
        writes.push(Write { value, begin, end: None, limit: None, refused: false });
        (key.to_owned(), writes.len() - 1)
    }

    /// It happened.
    pub fn acknowledge(&mut self, ticket: &Ticket) {
        let end = self.now();
        let write = self.write(ticket);
        write.end = Some(write.end.map_or(end, |seen| seen.min(end)));
    }

    /// It did not, and will not.
    pub fn refuse(&mut self, ticket: &Ticket) {
        self.write(ticket).refused = true;
    }

    /// Nothing that is on its way now can happen later: the service has ended.
    pub fn close(&mut self) {
        let limit = self.now();
        for write in self.keys.values_mut().flatten() {
            if write.end.is_none() && write.limit.is_none() {
                write.limit = Some(limit);
            }
        }
    }

    /// Writes whose outcome nobody was told.
    pub fn unknown(&self) -> u64 {
        let open = |write: &&Write| write.end.is_none() && !write.refused;
        self.keys.values().flatten().filter(open).count() as u64
    }

    /// May `key` have been `value` at some moment from `from` to `to`? `own` is the
    /// write that asks, which is neither.
    pub fn may_be(
        &self,
        key: &str,
        value: Option<PutId>,
        (from, to): (u64, u64),
        own: Option<&Ticket>,
    ) -> bool {
        self.candidates(key, value, (from, to), own).next().is_some()
    }

    /// May it have been anything but `value`?
    pub fn may_differ(
        &self,
        key: &str,
        value: PutId,
        window: (u64, u64),
        own: Option<&Ticket>,
    ) -> bool {
        let writes = self.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let others = writes.iter().map(|write| write.value).filter(|other| *other != Some(value));
        others.chain([None]).any(|other| self.may_be(key, other, window, own))
    }

    /// May it have been an object?
    pub fn may_exist(&self, key: &str, window: (u64, u64), own: Option<&Ticket>) -> bool {
        let writes = self.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let mut values = writes.iter().filter_map(|write| write.value);
        values.any(|value| self.may_be(key, Some(value), window, own))
    }

    /// A read between `from` and `to` gave `value`: judges it, and learns from it.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn saw(
        &mut self,
        key: &str,
        value: Option<PutId>,
        (from, to): (u64, u64),
    ) -> Result<(), String> {
        let found: Vec<Option<usize>> =
            self.candidates(key, value, (from, to), None).take(2).collect();
        match found[..] {
            [] => {
                let what = self.what_is_wrong(key, value);
                let writes = self.keys.get(key);
                Err(format!("{what}: {key} is {value:?} in {from}..{to}; {writes:?}"))
            }
            // The only write that it can be of has happened.
            [Some(index)] => {
                let write = self.write(&(key.to_owned(), index));
                write.end = Some(write.end.map_or(to, |end| end.min(to)));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn what_is_wrong(&self, key: &str, value: Option<PutId>) -> Wrong {
        let Some(value) = value else { return Wrong::Lost };
        let writes = self.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        match writes.iter().any(|write| write.value == Some(value)) {
            true => Wrong::Resurrected,
            false => Wrong::Foreign,
        }
    }

    /// The writes that may have made `value` what the key was; `None` is the beginning.
    fn candidates(
        &self,
        key: &str,
        value: Option<PutId>,
        (from, to): (u64, u64),
        own: Option<&Ticket>,
    ) -> impl Iterator<Item = Option<usize>> {
        let writes = self.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        let own = own.filter(|(of, _)| of == key).map(|(_, index)| *index);
        // Was it certainly overwritten before `from`?
        let covered = move |latest: u64, but: Option<usize>| {
            writes.iter().enumerate().any(|(index, over)| {
                Some(index) != own
                    && Some(index) != but
                    && !over.refused
                    && over.begin > latest
                    && over.end.is_some_and(|end| end < from)
            })
        };
        let beginning = (value.is_none() && !covered(0, None)).then_some(None);
        let made = writes.iter().enumerate().filter(move |(index, write)| {
            Some(*index) != own
                && write.value == value
                && !write.refused
                && write.begin <= to
                && !covered(write.latest(), Some(*index))
        });
        beginning.into_iter().chain(made.map(|(index, _)| Some(index)))
    }

    fn write(&mut self, (key, index): &Ticket) -> &mut Write {
        let writes = self.keys.get_mut(key).expect("tickets are given by begin");
        &mut writes[*index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(all: &mut Registers, id: PutId) -> Ticket {
        let ticket = all.begin("k", Some(id));
        all.acknowledge(&ticket);
        ticket
    }

    /// What a read that begins and ends now may not give, and why.
    #[track_caller]
    fn check(all: &mut Registers, value: Option<PutId>, want: Result<(), Wrong>) {
        let now = (all.now(), all.now());
        let got = all.saw("k", value, now);
        match want {
            Ok(()) => assert_eq!(got, Ok(())),
            Err(wrong) => {
                let why = got.expect_err("this is a violation");
                assert!(why.starts_with(&wrong.to_string()), "{why}");
            }
        }
    }

    #[test]
    fn what_was_acknowledged_is_read_and_nothing_older() {
        let mut all = Registers::default();
        check(&mut all, None, Ok(()));
        put(&mut all, 1);
        check(&mut all, None, Err(Wrong::Lost));
        put(&mut all, 2);
        check(&mut all, Some(1), Err(Wrong::Resurrected));
        check(&mut all, Some(2), Ok(()));
        check(&mut all, Some(3), Err(Wrong::Foreign));
        let gone = all.begin("k", None);
        check(&mut all, Some(2), Ok(()));
        all.acknowledge(&gone);
        check(&mut all, Some(2), Err(Wrong::Resurrected));
        check(&mut all, None, Ok(()));
    }

    #[test]
    fn an_unknown_outcome_is_either_until_it_is_seen() {
        let mut all = Registers::default();
        put(&mut all, 1);
        let _unknown = all.begin("k", Some(2));
        all.close();
        check(&mut all, Some(1), Ok(()));
        check(&mut all, Some(2), Ok(()));
        check(&mut all, Some(1), Err(Wrong::Resurrected));
        assert_eq!(all.unknown(), 0, "a read has told");
    }

    #[test]
    fn an_unknown_outcome_does_not_happen_after_its_service_died() {
        let mut all = Registers::default();
        let _unknown = all.begin("k", Some(1));
        all.close();
        put(&mut all, 2);
        check(&mut all, Some(1), Err(Wrong::Resurrected));
        check(&mut all, Some(2), Ok(()));
        let refused = all.begin("k", Some(3));
        all.refuse(&refused);
        check(&mut all, Some(3), Err(Wrong::Resurrected));
    }

    #[test]
    fn of_two_that_overlap_either_may_be_the_last() {
        let mut all = Registers::default();
        let (first, second) = (all.begin("k", Some(1)), all.begin("k", Some(2)));
        all.acknowledge(&second);
        all.acknowledge(&first);
        let now = (all.now(), all.now());
        assert!(all.may_be("k", Some(1), now, None) && all.may_be("k", Some(2), now, None));
        assert!(!all.may_be("k", None, now, None) && all.may_exist("k", now, None));
        assert!(all.may_differ("k", 1, now, None));
    }
}
