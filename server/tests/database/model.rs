//! What clients may see.
//!
//! ```text
//! keys    each client changes its own keys only: what they hold is one of a few whole
//!         states (`State`), more than one while an outcome is unknown. Others read them.
//! bank    everybody transfers; each transfer leaves a row in `ledger`, in the same
//!         transaction, so that balances tell of exactly the rows that are there.
//! ```
//!
//! - W1: a read between two moments sees, of each client, one state that was possible in
//!   between, whole: no half of a transaction, nothing refused, nothing lost.
//! - W2: what is unknown may still happen while its life lasts, and not after; what was
//!   seen to have happened stays so.
//!
//! Not here: the blobs beside it all (`register`).

use std::collections::{BTreeMap, BTreeSet};

/// A row of `own`: what `v` and `pad` are.
pub type Row = (i64, String);

/// What a client's keys hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Its rows of `own`.
    pub rows: BTreeMap<i64, Row>,
    /// Its table `extra_<client>`, where there is one.
    pub extra: Option<BTreeMap<i64, i64>>,
    /// Commits of unknown outcome that happened in this state.
    happened: BTreeSet<u64>,
}

/// A statement of a client about what is its own.
#[derive(Clone, Debug)]
pub enum Op {
    /// REPLACE of rows.
    Replace(Vec<(i64, Row)>),
    /// INSERT of a row; 1062 where it is there.
    Insert(i64, Row),
    /// `v` of a range becomes one more.
    Bump(i64, i64),
    /// All rows of a range get a `pad`.
    Pad(i64, i64, String),
    /// DELETE of a range.
    Delete(i64, i64),
    /// CREATE TABLE of the client's own table, with an index.
    Create,
    /// DROP TABLE of it.
    Drop,
    /// A row of it.
    Extra(i64, i64),
}

impl Op {
    /// Its text.
    pub fn text(&self, client: i64) -> String {
        match self {
            Self::Replace(rows) => {
                let row = |(k, (v, pad)): &(i64, Row)| format!("({k}, {client}, {v}, '{pad}')");
                let rows: Vec<String> = rows.iter().map(row).collect();
                format!("REPLACE INTO own (k, client, v, pad) VALUES {}", rows.join(", "))
            }
            Self::Insert(k, (v, pad)) => {
                format!("INSERT INTO own (k, client, v, pad) VALUES ({k}, {client}, {v}, '{pad}')")
            }
            Self::Bump(from, to) => {
                format!("UPDATE own SET v = v + 1 WHERE k BETWEEN {from} AND {to}")
            }
            Self::Pad(from, to, pad) => {
                format!("UPDATE own SET pad = '{pad}' WHERE k BETWEEN {from} AND {to}")
            }
            Self::Delete(from, to) => format!("DELETE FROM own WHERE k BETWEEN {from} AND {to}"),
            Self::Create => {
                format!("CREATE TABLE extra_{client} (k INT PRIMARY KEY, v INT, KEY (v))")
            }
            Self::Drop => format!("DROP TABLE extra_{client}"),
            Self::Extra(k, v) => format!("REPLACE INTO extra_{client} VALUES ({k}, {v})"),
        }
    }

    /// What it makes of a state; `None` where the server has to refuse it.
    fn apply(&self, state: &State) -> Option<State> {
        let mut next = state.clone();
        match self {
            Self::Replace(rows) => next.rows.extend(rows.iter().cloned()),
            Self::Insert(k, row) => {
                if next.rows.insert(*k, row.clone()).is_some() {
                    return None;
                }
            }
            Self::Bump(from, to) => {
                next.rows.range_mut(from..=to).for_each(|(_, row)| row.0 += 1);
            }
            Self::Pad(from, to, pad) => {
                next.rows.range_mut(from..=to).for_each(|(_, row)| row.1.clone_from(pad));
            }
            Self::Delete(from, to) => next.rows.retain(|k, _| !(from..=to).contains(&k)),
            Self::Create => {
                if next.extra.replace(BTreeMap::new()).is_some() {
                    return None;
                }
            }
            Self::Drop => {
                next.extra.take()?;
            }
            Self::Extra(k, v) => {
                next.extra.as_mut()?.insert(*k, *v);
            }
        }
        Some(next)
    }

    /// The rows that it is told to have changed in `state`, where that is plain.
    pub fn affected(&self, state: &State) -> Option<u64> {
        let (from, to) = match self {
            Self::Bump(from, to) | Self::Delete(from, to) => (from, to),
            _ => return None,
        };
        Some(state.rows.range(from..=to).count() as u64)
    }
}

/// A commit of a client that is on its way: its number, and its statements.
#[derive(Clone, Debug)]
pub struct Commit {
    pub client: i64,
    id: u64,
    ops: Vec<Op>,
}

/// Between two moments.
pub type Window = (u64, u64);

/// Where a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// On its way, or nobody knows.
    Open,
    /// It happened, by this moment.
    Done(u64),
    /// It did not and will not.
    Not,
}

/// A transfer: from, to, how much.
pub type Transfer = (i64, i64, i64);

/// One client's keys.
#[derive(Default)]
struct Keys {
    /// What was possible from which moment on.
    points: Vec<(u64, Vec<State>)>,
    /// What was acknowledged or possible before, to name what is wrong.
    past: Vec<State>,
    /// Commits that a read has seen: they cannot be refused any more.
    seen: BTreeSet<u64>,
}

/// Everything that clients know together.
#[derive(Default)]
pub struct Model {
    now: u64,
    commits: u64,
    keys: BTreeMap<i64, Keys>,
    transfers: BTreeMap<i64, (Transfer, Fate)>,
}

/// What an account begins with.
pub const BALANCE: i64 = 100;

impl Model {
    /// The next moment.
    pub fn now(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    /// What a client's keys may hold now.
    pub fn states(&mut self, client: i64) -> &[State] {
        let keys = self.keys.entry(client).or_default();
        if keys.points.is_empty() {
            keys.points.push((0, vec![State::default()]));
        }
        &keys.points.last().expect("never empty").1
    }

    fn set(&mut self, client: i64, states: Vec<State>) {
        assert!(!states.is_empty(), "WRONG: client {client} was told what cannot be");
        let now = self.now();
        let keys = self.keys.get_mut(&client).expect("it was asked for");
        if let Some((_, before)) = keys.points.last() {
            keys.past.extend(before.iter().filter(|state| !states.contains(state)).cloned());
        }
        keys.points.push((now, states));
    }

    /// A commit is about to be sent.
    pub fn begin(&mut self, client: i64, ops: &[Op]) -> Commit {
        self.commits += 1;
        let commit = Commit { client, id: self.commits, ops: ops.to_vec() };
        let before = self.states(client).to_vec();
        let mut after = before.clone();
        after.extend(before.iter().filter_map(|state| commit.on(state)));
        self.set(client, after);
        commit
    }

    /// It happened.
    pub fn acknowledge(&mut self, commit: &Commit) {
        let happened = |state: &&State| state.happened.contains(&commit.id);
        let mut states: Vec<State> =
            self.states(commit.client).iter().filter(happened).cloned().collect();
        states.iter_mut().for_each(|state| {
            state.happened.remove(&commit.id);
        });
        self.set(commit.client, states);
    }

    /// It did not, and will not.
    pub fn refuse(&mut self, commit: &Commit) {
        let seen = self.keys.get(&commit.client).is_some_and(|keys| keys.seen.contains(&commit.id));
        assert!(!seen, "WRONG: {commit:?} was seen, and refused afterwards");
        let not = |state: &&State| !state.happened.contains(&commit.id);
        let states = self.states(commit.client).iter().filter(not).cloned().collect();
        self.set(commit.client, states);
    }

    /// A read of a client's keys saw what `is_it` looks for (W1, W2).
    pub fn saw(
        &mut self,
        client: i64,
        (from, to): Window,
        what: &dyn std::fmt::Debug,
        is_it: impl Fn(&State) -> bool,
    ) {
        self.states(client);
        let keys = &self.keys[&client];
        let first = keys.points.partition_point(|(at, _)| *at <= from).saturating_sub(1);
        let points = keys.points[first..].iter().take_while(|(at, _)| *at <= to.max(from));
        let mut seen: Vec<&State> =
            points.flat_map(|(_, states)| states).filter(|state| is_it(state)).collect();
        seen.dedup();
        if seen.is_empty() {
            let wrong = if keys.past.iter().any(is_it) { "LOST" } else { "WRONG" };
            let now = keys.points[first..].to_vec();
            panic!("{wrong}: client {client} in {from}..{to}: {what:?}; possible: {now:?}");
        }
        let mut sure = seen[0].happened.clone();
        seen.iter().for_each(|state| sure.retain(|id| state.happened.contains(id)));
        let keys = self.keys.get_mut(&client).expect("it was asked for");
        keys.seen.extend(&sure);
        let states = self.states(client);
        let in_doubt: BTreeSet<u64> =
            states.iter().flat_map(|state| state.happened.iter().copied()).collect();
        // What was acknowledged meanwhile is in no state's list any more.
        sure.retain(|id| in_doubt.contains(id));
        let kept = states.iter().filter(|state| sure.is_subset(&state.happened)).cloned();
        let kept: Vec<State> = kept.collect();
        if kept.len() < states.len() {
            self.set(client, kept);
        }
    }

    /// The first look after a life: nothing that is unknown happens any more.
    pub fn found(
        &mut self,
        client: i64,
        rows: &BTreeMap<i64, Row>,
        extra: Option<&BTreeMap<i64, i64>>,
    ) {
        let now = (self.now, self.now);
        let is_it = |state: &State| state.rows == *rows && state.extra.as_ref() == extra;
        self.saw(client, now, &(rows, extra), is_it);
        let mut one = self.states(client).iter().find(|state| is_it(state)).cloned();
        one.iter_mut().for_each(|state| state.happened.clear());
        self.set(client, one.into_iter().collect());
        let keys = self.keys.get_mut(&client).expect("it was asked for");
        keys.points.drain(..keys.points.len() - 1);
    }

    // ---- the bank

    /// A transfer is on its way; its number.
    pub fn transfer(&mut self, transfer: Transfer) -> i64 {
        let id = self.transfers.len() as i64 + 1;
        self.transfers.insert(id, (transfer, Fate::Open));
        id
    }

    /// It happened, or did not.
    pub fn settle(&mut self, id: i64, happened: bool) {
        let now = self.now();
        let transfer = self.transfers.get_mut(&id).expect("transfers are numbered here");
        match (happened, transfer.1) {
            (true, Fate::Not) => panic!("WRONG: transfer {id} happened after all"),
            (true, Fate::Open) => transfer.1 = Fate::Done(now),
            (false, Fate::Done(_)) => panic!("LOST: transfer {id} was seen and did not happen"),
            (false, Fate::Open) => transfer.1 = Fate::Not,
            (true, Fate::Done(_)) | (false, Fate::Not) => {}
        }
    }

    /// One snapshot of the bank that began at `from`: balances by account, rows of the
    /// ledger. `is_over`: what is not there will not come.
    pub fn audit(
        &mut self,
        from: u64,
        (balances, ledger): (&BTreeMap<i64, i64>, &BTreeMap<i64, Transfer>),
        is_over: bool,
    ) {
        for (id, transfer) in ledger {
            let known = self.transfers.get(id).map(|(transfer, _)| transfer);
            assert_eq!(known, Some(transfer), "WRONG: transfer {id}");
            self.settle(*id, true);
        }
        let mut missing = Vec::new();
        for (id, (_, fate)) in self.transfers.iter().filter(|(id, _)| !ledger.contains_key(id)) {
            match fate {
                Fate::Done(at) => assert!(*at > from, "LOST: transfer {id}, done at {at}, {from}"),
                Fate::Open if is_over => missing.push(*id),
                Fate::Open | Fate::Not => {}
            }
        }
        missing.into_iter().for_each(|id| self.settle(id, false));
        let mut want: BTreeMap<i64, i64> =
            balances.keys().map(|account| (*account, BALANCE)).collect();
        for (from, to, amount) in ledger.values() {
            *want.entry(*from).or_default() -= amount;
            *want.entry(*to).or_default() += amount;
        }
        assert_eq!(*balances, want, "WRONG: balances do not tell of the ledger {ledger:?}");
    }
}

impl Commit {
    /// What it makes of a state.
    fn on(&self, state: &State) -> Option<State> {
        let mut next = run(&self.ops, state)?;
        next.happened.insert(self.id);
        Some(next)
    }
}

/// All statements after one another; `None` where one would be refused.
pub fn run(ops: &[Op], state: &State) -> Option<State> {
    ops.iter().try_fold(state.clone(), |state, op| op.apply(&state))
}
