//! What a model test over seeds says: counts, faults, violations; for people, and in
//! one line that starts with `SEEDS` for the campaign (`tests/faults/seeds.py`).
//!
//! - E1: a history that panics, in whatever task, is a violation of its seed; the
//!   others are run nevertheless.
//! - E2: a run of many seeds without a fault, or without something that it
//!   names as needed, is void, and void is a failed test.
//! - E3: where a model asks for it, call sites of the disk that no seed struck are aimed at
//!   afterwards, one after the other. `SEED=<n> AIM=<file:line:pass>` replays such a history.
//!
//! Not here: which seeds (`seeds`), the histories themselves (the models).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use holdfast_io::disk::Site;

use crate::aim::{self, Aim};
use crate::disk::{Fault, Ledger};

/// So many seeds may be followed by a sweep (E3).
const SWEEP_FROM: usize = 50;

/// What happened in one history, or in many.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By name.
    pub counts: BTreeMap<&'static str, u64>,
    /// The disks'.
    pub ledger: Ledger,
}

impl Tally {
    /// Counts `more` of `what`.
    pub fn add(&mut self, what: &'static str, more: u64) {
        *self.counts.entry(what).or_default() += more;
    }

    /// How many of `what`.
    pub fn get(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Adds `other`.
    pub fn merge(&mut self, other: &Tally) {
        for (what, count) in &other.counts {
            self.add(what, *count);
        }
        self.ledger.merge(&other.ledger);
    }
}

/// What happened over many seeds.
#[derive(Debug)]
pub struct Report {
    model: &'static str,
    /// The seeds that were run, in order.
    pub seeds: Vec<u64>,
    /// Sums over the seeds that ended.
    pub tally: Tally,
    violations: Vec<(u64, String)>,
    /// The first histories that passed a site, at most [`TRIES`].
    passed: BTreeMap<Site, Vec<(u64, Vec<Aim>)>>,
    /// Sites that were aimed at and not struck either.
    spared: Vec<Site>,
}

/// Histories in which one call site is aimed at, and passes in each.
const TRIES: usize = 4;

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
    static WHY: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Report {
    /// Runs `history` for each of `seeds` (E1).
    pub fn run(
        model: &'static str,
        seeds: impl IntoIterator<Item = u64>,
        history: impl Fn(u64) -> Tally,
    ) -> Self {
        watch_panics();
        let (seeds_run, tally) = (Vec::new(), Tally::default());
        let (violations, passed, spared) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut report = Self { model, seeds: seeds_run, tally, violations, passed, spared };
        let aims = std::env::var("AIM").ok();
        let aims = aims.map(|text| Aim::parse(&text).expect("AIM is file:line:pass"));
        let aims = aims.unwrap_or_default();
        for seed in seeds {
            report.seeds.push(seed);
            report.history(seed, &aims, &history);
        }
        report
    }

    /// As [`Report::run`], for a model whose power may go at any operation whatever: then
    /// aims at what was spared (E3).
    pub fn sweeping(
        model: &'static str,
        seeds: impl IntoIterator<Item = u64>,
        history: impl Fn(u64) -> Tally,
    ) -> Self {
        let mut report = Self::run(model, seeds, &history);
        if report.seeds.len() >= SWEEP_FROM {
            report.sweep(&history);
        }
        report
    }

    /// One history.
    fn history(&mut self, seed: u64, aims: &[Aim], history: &impl Fn(u64) -> Tally) {
        let named: Vec<String> = aims.iter().map(Aim::to_string).collect();
        let what = if aims.is_empty() { "" } else { "AIM=" }.to_owned() + &named.join(",") + " ";
        println!("seed {seed} {what}"); // Shown when it fails.
        let before = PANICS.get();
        let ended = aim::with(aims.to_vec(), || catch_unwind(AssertUnwindSafe(|| history(seed))));
        if PANICS.get() > before {
            self.violations.push((seed, what + &WHY.take()));
        }
        if let Ok(tally) = ended {
            for site in tally.ledger.sites.keys() {
                let passed = self.passed.entry(*site).or_default();
                if passed.len() < TRIES {
                    passed.push((seed, aims.to_vec()));
                }
            }
            self.tally.merge(&tally);
        }
    }

    /// E3: strikes what the seeds alone spared, in a history that passed there: until then it
    /// is the same again. (Where the operation is given up before its end, the power stays:
    /// then the next history, then a later pass.) Sites that come up meanwhile are aimed at, too.
    fn sweep(&mut self, history: &impl Fn(u64) -> Tally) {
        let mut tries: BTreeMap<Site, usize> = BTreeMap::new();
        loop {
            let next = self.tally.ledger.spared().find_map(|site| {
                let tried = tries.get(&site).copied().unwrap_or(0);
                let passed =
                    self.passed.get(&site).filter(|passed| tried < TRIES * passed.len())?;
                let (history, pass) = (tried % passed.len(), tried / passed.len());
                Some((Aim::at(site, pass as u64), site, passed[history].clone()))
            });
            let Some((aim, site, (seed, mut aims))) = next else { break };
            *tries.entry(site).or_default() += 1;
            aims.push(aim);
            self.history(seed, &aims, history);
        }
        self.spared = self.tally.ledger.spared().collect();
    }

    /// Prints everything; fails on a violation, and where `needed` did not happen in at
    /// least `enough` seeds (E2).
    ///
    /// # Panics
    /// Then.
    pub fn finish(self, enough: usize, needed: &[&str]) {
        println!("{}: {} seeds", self.model, self.seeds.len());
        for (what, count) in &self.tally.counts {
            println!("  {count:>9} {what}");
        }
        println!("  {}", self.tally.ledger);
        for site in &self.spared {
            println!("  never struck: {site}");
        }
        println!("{}", self.line());
        for (seed, why) in &self.violations {
            println!("VIOLATION seed {seed}: {why}");
        }
        assert!(self.violations.is_empty(), "SEED={} replays it", self.violations[0].0);
        if self.seeds.len() >= enough {
            let faults: u64 = self.tally.ledger.faults.values().sum();
            assert!(faults > 0, "void: no fault happened");
            for what in needed {
                assert!(self.tally.get(what) > 0, "void: no history had any {what}");
            }
            assert!(self.spared.is_empty(), "void: {} call sites were spared", self.spared.len());
        }
    }

    fn line(&self) -> String {
        let ledger = &self.tally.ledger;
        let io: u64 = ledger.ops.values().sum();
        let sites = ledger.sites.iter();
        let sites = sites.map(|(site, n)| format!("\"{site}\": {}", n.struck())).collect();
        let object = |pairs: Vec<String>| format!("{{{}}}", pairs.join(", "));
        let counts = self.tally.counts.iter().map(|(what, n)| format!("\"{what}\": {n}")).collect();
        let faults = ledger.faults.iter().map(|(f, n)| format!("\"{f:?}\": {n}")).collect();
        let violations: Vec<String> = self
            .violations
            .iter()
            .map(|(seed, why)| format!("\"seed {seed}: {}\"", plain(why)))
            .collect();
        format!(
            "SEEDS {{\"model\": \"{}\", \"seeds\": {}, \"crash_points\": {}, \"disk_operations\": {io}, \
             \"sites\": {}, \"counts\": {}, \"faults\": {}, \"violations\": [{}]}}",
            self.model,
            self.seeds.len(),
            ledger.count(Fault::Crash),
            object(sites),
            object(counts),
            object(faults),
            violations.join(", "),
        )
    }
}

/// `text` without what JSON would have to escape.
fn plain(text: &str) -> String {
    let legal = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(legal).map(|c| if matches!(c, '"' | '\\') { '\'' } else { c }).collect()
}

/// Counts this thread's panics, also those that a task's handle would swallow.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            WHY.with(|why| {
                if let Ok(mut why) = why.try_borrow_mut()
                    && why.is_empty()
                {
                    *why = info.to_string();
                }
            });
            before(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_that_panics_in_a_task_is_a_violation_of_its_seed() {
        let report = Report::run("self", 0..4, |seed| {
            crate::run(async move {
                let task = tokio::spawn(async move { assert!(seed != 2, "planted \"here\"") });
                let _ = task.await;
            });
            Tally { counts: BTreeMap::from([("histories", 1)]), ..Tally::default() }
        });
        assert_eq!(report.tally.get("histories"), 4, "the others are run");
        let [(2, why)] = &report.violations[..] else { panic!("{:?}", report.violations) };
        assert!(why.contains("planted"), "{why}");
        assert!(report.line().contains("\"violations\": [\"seed 2: "), "{}", report.line());
        assert!(catch_unwind(AssertUnwindSafe(|| report.finish(4, &[]))).is_err());
    }

    #[test]
    fn many_seeds_without_a_fault_are_void() {
        let report = Report::run("self", 0..4, |_| Tally::default());
        assert!(catch_unwind(AssertUnwindSafe(|| report.finish(4, &[]))).is_err());
    }
}
