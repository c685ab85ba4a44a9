//! The lock table: the rule, transcripts, and a comparison with the rule alone.

use std::fmt::Write as _;

use bytes::Bytes;
use holdfast_api::txn::LockMode::{Exclusive as X, Shared as S};
use holdfast_io::rng::SeededRng;

use super::*;

const LIMITS: LockLimits = LockLimits { each: 1000, all: 10_000 };

fn id(n: u64) -> TxnId {
    TxnId { born: Ts(n), nonce: n }
}

fn key(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// `a`: a row; `a-c`: a range; `a-`: to the end; `*`: the table. Of table 1, or `2/a`.
fn lock(text: &str) -> Lockable {
    let (table, text) = match text.split_once('/') {
        Some((table, rest)) => (TableId(table.parse().unwrap()), rest),
        None => (TableId(1), text),
    };
    match text.split_once('-') {
        _ if text == "*" => Lockable::Table(table),
        None => Lockable::Row(RowKey { table, key: key(text) }),
        Some((from, to)) => {
            let to = (!to.is_empty()).then(|| key(to));
            Lockable::Range { table, from: key(from), to }
        }
    }
}

#[test]
fn what_clashes() {
    // Per line: two locks; whether they clash as S S, S X, X X.
    for (a, b, want) in [
        ("a", "a", "nyy"),
        ("a", "b", "nnn"),
        ("a", "2/a", "nnn"),
        ("a", "a-c", "nyy"),
        ("b", "a-c", "nyy"),
        ("c", "a-c", "nnn"),
        ("z", "a-", "nyy"),
        ("a-c", "b-d", "nyy"),
        ("a-c", "c-d", "nnn"),
        ("a-", "b-c", "nyy"),
        ("a-", "b-", "nyy"),
        ("a-b", "b-", "nnn"),
        ("b-b", "a-c", "nnn"),
        ("b-a", "b", "nnn"),
        ("*", "a", "yyy"),
        ("*", "a-c", "yyy"),
        ("*", "b-b", "nnn"),
        ("*", "*", "nyy"),
        ("*", "2/*", "nnn"),
        ("*", "2/a", "nnn"),
    ] {
        let (a, b) = (lock(a), lock(b));
        for (modes, want) in [(S, S), (S, X), (X, X)].into_iter().zip(want.chars()) {
            let want = want == 'y';
            assert_eq!(clash((&a, modes.0), (&b, modes.1)), want, "{a:?} {b:?} {modes:?}");
            assert_eq!(clash((&b, modes.1), (&a, modes.0)), want, "{b:?} {a:?} {modes:?}");
            // L1: the table of locks says the same.
            let mut locks = Locks::new(LIMITS, Seeded(0));
            assert_eq!(locks.acquire(id(1), &a, modes.0, (Ts(0), false)), Acquired::Granted);
            let got = locks.acquire(id(2), &b, modes.1, (Ts(0), false));
            assert_eq!(got == Acquired::Blocked, want, "{a:?} held, {b:?} asked, {modes:?}");
        }
    }
}

/// Runs a script, a line each: `1 X a` asks, `1 end` gives up, `1 late` leaves the
/// queue. Every line is answered after `->`.
#[track_caller]
fn check(script: &str) {
    let mut locks = Locks::new(LIMITS, Seeded(0));
    let mut tickets: BTreeMap<Ticket, u64> = BTreeMap::new();
    let mut got = String::new();
    for line in script.trim().lines() {
        let ask = line.split("->").next().unwrap().trim();
        let words: Vec<&str> = ask.split(' ').collect();
        let txn: u64 = words[0].parse().unwrap();
        let mut woken = Vec::new();
        let mut answer = match words[1] {
            "end" => {
                locks.release_all(id(txn), Ts(0), &mut woken);
                String::new()
            }
            "late" => {
                let ticket = *tickets.iter().find(|(_, of)| **of == txn).unwrap().0;
                tickets.remove(&ticket);
                assert!(locks.leave(ticket, Ts(0), &mut woken));
                String::new()
            }
            mode => {
                let mode = if mode == "S" { S } else { X };
                match locks.acquire(id(txn), &lock(words[2]), mode, (Ts(0), true)) {
                    Acquired::Waiting(ticket) => {
                        tickets.insert(ticket, txn);
                        " waits".to_owned()
                    }
                    Acquired::TooMany { .. } => " too many".to_owned(),
                    other => format!(" {other:?}").to_lowercase(),
                }
            }
        };
        for wake in woken {
            let (Wake::Granted(ticket) | Wake::Ended(ticket)) = wake;
            let txn = tickets.remove(&ticket).unwrap();
            let how = if matches!(wake, Wake::Granted(_)) { "granted" } else { "ended" };
            write!(answer, " {txn} {how}").unwrap();
        }
        writeln!(got, "{ask} ->{answer}").unwrap();
    }
    let want: String = script.trim().lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(got, want);
}

#[test]
fn first_come_first_served() {
    check(
        "1 X a -> granted
         2 X a -> waits
         3 S a -> waits
         4 S a -> waits
         5 X a -> waits
         1 end -> 2 granted
         2 end -> 3 granted 4 granted
         3 end ->
         6 S a -> waits
         4 end -> 5 granted
         5 end -> 6 granted",
    );
}

#[test]
fn who_leaves_the_queue_lets_those_behind_go_on() {
    check(
        "1 S a -> granted
         2 X a -> waits
         3 S a -> waits
         2 late -> 3 granted
         4 X a -> waits
         1 end ->
         3 end -> 4 granted
         5 X a -> waits
         5 end -> 5 ended",
    );
}

#[test]
fn what_is_held_may_be_had_again() {
    check(
        "1 X a-c -> granted
         1 X b -> granted
         1 S a-b -> granted
         2 S b -> waits
         1 X b -> granted
         1 X 2/* -> granted
         1 X 2/q -> granted
         1 X 2/a- -> granted
         1 end -> 2 granted",
    );
}

#[test]
fn a_shared_lock_becomes_exclusive_ahead_of_those_who_queue_for_it() {
    check(
        "1 S a -> granted
         2 X a -> waits
         1 X a -> granted
         1 end -> 2 granted",
    );
    check(
        "1 S a -> granted
         2 S a -> granted
         3 X a -> waits
         1 X a -> waits
         2 end -> 1 granted
         1 end -> 3 granted",
    );
}

#[test]
fn ranges_and_tables_wait_their_turn() {
    check(
        "1 X b -> granted
         2 X a-c -> waits
         3 X a -> waits
         4 X c -> granted
         5 X * -> waits
         6 S d -> waits
         1 end -> 2 granted
         2 end -> 3 granted
         3 end ->
         4 end -> 5 granted
         5 end -> 6 granted",
    );
}

#[test]
fn deadlocks_fall_on_who_closes_the_circle() {
    check(
        "1 X a -> granted
         2 X b -> granted
         1 X b -> waits
         2 X a -> deadlock
         2 end -> 1 granted",
    );
    // Two that hold shared locks and both want more.
    check(
        "1 S a -> granted
         2 S a -> granted
         1 X a -> waits
         2 X a -> deadlock
         2 end -> 1 granted",
    );
    // Three in a circle, over a row, a range and a table.
    check(
        "1 X a -> granted
         2 X m-p -> granted
         3 X 2/* -> granted
         1 X n -> waits
         2 S 2/x -> waits
         3 S a -> deadlock
         3 end -> 2 granted
         2 end -> 1 granted",
    );
    // Through somebody who waits first in line and holds nothing.
    check(
        "1 X a -> granted
         2 X b -> granted
         3 X a -> waits
         2 X a -> waits
         1 X b -> deadlock
         1 end -> 3 granted
         3 end -> 2 granted",
    );
    // The second holder of what is waited for closes it, not only the first.
    check(
        "1 S a -> granted
         2 S a -> granted
         4 X c -> granted
         3 X b -> granted
         3 X a -> waits
         2 X b -> deadlock",
    );
}

#[test]
fn bounds_hold_and_nothing_is_left_behind() {
    let mut locks = Locks::new(LockLimits { each: 2, all: 3 }, Seeded(0));
    let mut ask = |txn: u64, what: &str| locks.acquire(id(txn), &lock(what), X, (Ts(0), true));
    assert_eq!(ask(1, "a"), Acquired::Granted);
    assert_eq!(ask(1, "b-c"), Acquired::Granted);
    assert_eq!(ask(1, "d"), Acquired::TooMany { what: "locks", most: 2 }, "L6");
    assert_eq!(ask(1, "b"), Acquired::Granted, "L3: covered");
    assert_eq!(ask(2, "e"), Acquired::Granted);
    let all = Acquired::TooMany { what: "locks of all transactions", most: 3 };
    assert_eq!(ask(3, "f"), all, "L6");
    for txn in 1..=3 {
        locks.release_all(id(txn), Ts(0), &mut Vec::new());
    }
    assert_eq!((locks.held(), locks.waiting(), locks.owners()), (0, 0, 0));
    assert!(locks.tables.is_empty());
}

/// The rule alone: lists of what is held and of who waits.
#[derive(Default)]
struct Reference {
    held: Vec<(u64, Lockable, LockMode)>,
    waiting: Vec<(Ticket, u64, Lockable, LockMode)>,
}

impl Reference {
    fn blockers(&self, txn: u64, ask: (&Lockable, LockMode), before: Ticket) -> BTreeSet<u64> {
        let held = self.held.iter().filter(|held| held.0 != txn && clash((&held.1, held.2), ask));
        let held_up = |lock: (&Lockable, LockMode)| {
            self.held.iter().any(|held| held.0 == txn && clash((&held.1, held.2), lock))
        };
        let waits = self.waiting.iter().filter(|wait| {
            let lock = (&wait.2, wait.3);
            wait.0 < before && wait.1 != txn && clash(lock, ask) && !held_up(lock)
        });
        held.map(|held| held.0).chain(waits.map(|wait| wait.1)).collect()
    }

    fn reaches(&self, from: &BTreeSet<u64>, goal: u64) -> bool {
        let (mut seen, mut next) = (from.clone(), from.iter().copied().collect::<Vec<_>>());
        while let Some(txn) = next.pop() {
            for wait in self.waiting.iter().filter(|wait| wait.1 == txn) {
                let more = self.blockers(txn, (&wait.2, wait.3), wait.0);
                next.extend(more.into_iter().filter(|txn| seen.insert(*txn)));
            }
        }
        seen.contains(&goal)
    }

    /// L1, and: who waits has a reason.
    fn check(&self, why: &str) {
        for (at, a) in self.held.iter().enumerate() {
            for b in self.held[..at].iter().filter(|b| b.0 != a.0) {
                assert!(!clash((&a.1, a.2), (&b.1, b.2)), "L1: {a:?} {b:?}, {why}");
            }
        }
        for wait in &self.waiting {
            let blockers = self.blockers(wait.1, (&wait.2, wait.3), wait.0);
            assert!(!blockers.is_empty(), "nobody is in the way of {wait:?}, {why}");
            assert!(!self.reaches(&blockers, wait.1), "L4: {wait:?}, {why}");
        }
    }
}

fn any_lock(rng: &SeededRng) -> Lockable {
    let name = |n: u64| String::from(char::from(b'a' + n as u8));
    let table = rng.between(1, 2);
    match rng.below(12) {
        0 => lock(&format!("{table}/*")),
        1 | 2 => {
            let from = rng.below(6);
            lock(&format!("{table}/{}-{}", name(from), name(from + rng.below(4))))
        }
        3 => lock(&format!("{table}/{}-", name(rng.below(6)))),
        _ => lock(&format!("{table}/{}", name(rng.below(6)))),
    }
}

#[test]
fn the_lock_table_agrees_with_the_rule_alone() {
    let mut deadlocks = 0;
    for seed in holdfast_sim::seeds(200) {
        let rng = SeededRng::new(seed);
        let mut locks = Locks::new(LIMITS, Seeded(seed));
        let mut model = Reference::default();
        for step in 0..150 {
            let why = format!("seed {seed}, step {step}");
            let txn = rng.between(1, 6);
            let mut woken = Vec::new();
            let is_waiting = model.waiting.iter().find(|wait| wait.1 == txn).map(|wait| wait.0);
            match (rng.below(10), is_waiting) {
                (0, _) => {
                    model.held.retain(|held| held.0 != txn);
                    locks.release_all(id(txn), Ts(0), &mut woken);
                }
                (1, Some(ticket)) => {
                    model.waiting.retain(|wait| wait.0 != ticket);
                    assert!(locks.leave(ticket, Ts(0), &mut woken), "{why}");
                }
                (_, Some(_)) => {}
                (_, None) => {
                    let (ask, mode) = (any_lock(&rng), *rng.pick(&[S, X, X]));
                    let mine = model
                        .held
                        .iter()
                        .any(|held| held.0 == txn && locks.covered(id(txn), &ask, mode).is_some());
                    let blockers = model.blockers(txn, (&ask, mode), Ticket(u64::MAX));
                    match locks.acquire(id(txn), &ask, mode, (Ts(0), true)) {
                        Acquired::Granted => {
                            assert!(mine || blockers.is_empty(), "{blockers:?}, {why}");
                            // L3: what is covered is no lock of its own.
                            if !mine {
                                model.held.push((txn, ask, mode));
                            }
                        }
                        Acquired::Waiting(ticket) => {
                            assert!(!blockers.is_empty(), "{why}");
                            assert!(!model.reaches(&blockers, txn), "L4: {why}");
                            model.waiting.push((ticket, txn, ask, mode));
                        }
                        Acquired::Deadlock => {
                            deadlocks += 1;
                            assert!(model.reaches(&blockers, txn), "no circle: {why}");
                            model.held.retain(|held| held.0 != txn);
                            locks.release_all(id(txn), Ts(0), &mut woken);
                        }
                        other => panic!("{other:?}, {why}"),
                    }
                }
            }
            for wake in woken {
                let (Wake::Granted(ticket) | Wake::Ended(ticket)) = wake;
                let at = model.waiting.iter().position(|wait| wait.0 == ticket).unwrap();
                let (_, txn, lock, mode) = model.waiting.remove(at);
                if matches!(wake, Wake::Granted(_)) {
                    model.held.push((txn, lock, mode));
                }
            }
            model.check(&why);
        }
        for txn in 1..=6 {
            locks.release_all(id(txn), Ts(0), &mut Vec::new());
        }
        assert_eq!((locks.held(), locks.waiting(), locks.owners()), (0, 0, 0), "seed {seed}");
        assert!(locks.tables.is_empty(), "seed {seed}");
    }
    assert!(deadlocks > 100 || std::env::var("SEED").is_ok(), "only {deadlocks} deadlocks");
}
