//! The log on a simulated disk: a scripted history, cut off at every I/O of it.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_io::clock::Clock;
use holdfast_io::disk::OpKind;
use holdfast_io::rng::SeededRng;
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::{Fault, Faults, Rule, SimDisk, When};
use tokio::sync::oneshot;

use super::{Kind, Log, LogConfig, LogStoreError, Position, Record};

fn config(clock: &Arc<dyn Clock>, seed: u64) -> LogConfig {
    LogConfig {
        segment_bytes: 24 << 10,
        first_segment_bytes: 16 << 10,
        clock: clock.clone(),
        rng: Arc::new(SeededRng::new(seed)),
    }
}

fn record(term: u64, index: u64, bytes: usize) -> Record {
    let at = Position { term, node: 1, index };
    let payload: Vec<u8> = (0..bytes).map(|n| (n as u64 * 7 + index * 31 + term) as u8).collect();
    Record { at, kind: Kind::Normal, payload: Bytes::from(payload) }
}

type Wait = oneshot::Receiver<Result<(), LogStoreError>>;

async fn append(log: &Log, records: Vec<Record>) -> Result<Wait, LogStoreError> {
    let (done, wait) = oneshot::channel();
    log.append(records, Box::new(move |result| drop(done.send(result)))).await?;
    Ok(wait)
}

/// What a step does to a log.
#[derive(Clone, Debug)]
enum Step {
    Vote(u8),
    /// Appends of so many records each, on their way together.
    Append(u64, Vec<Vec<usize>>),
    Truncate(u64),
    Purge(u64),
    Reopen,
}

/// The log as it must be.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    vote: Option<Vec<u8>>,
    purged: Option<Position>,
    entries: Vec<Record>,
}

impl Model {
    fn next(&self) -> u64 {
        let last = self.entries.last().map(|record| record.at).or(self.purged);
        last.map_or(0, |last| last.index + 1)
    }

    fn last_at(&self, index: u64) -> Option<Position> {
        self.entries.iter().find(|record| record.at.index == index).map(|record| record.at)
    }

    /// The states that `step` goes through, the last one being its end.
    fn step(&self, step: &Step) -> Vec<Model> {
        let mut states = vec![self.clone()];
        match step {
            Step::Vote(vote) => states.push(Model { vote: Some(vec![*vote; 20]), ..self.clone() }),
            Step::Append(term, groups) => {
                let mut model = self.clone();
                for bytes in groups.iter().flatten() {
                    let next = model.next();
                    model.entries.push(record(*term, next, *bytes));
                    states.push(model.clone());
                }
            }
            Step::Truncate(index) => {
                let mut model = self.clone();
                model.entries.retain(|record| record.at.index <= *index);
                states.push(model);
            }
            Step::Purge(index) => {
                let mut model = self.clone();
                model.purged = self.last_at(*index);
                model.entries.retain(|record| record.at.index > *index);
                states.push(model);
            }
            Step::Reopen => {}
        }
        states
    }
}

async fn perform(log: &Log, model: &Model, step: &Step) -> Result<(), LogStoreError> {
    match step {
        Step::Vote(vote) => log.save_vote(vec![*vote; 20]).await,
        Step::Append(term, groups) => {
            let (mut next, mut waits) = (model.next(), Vec::new());
            for group in groups {
                let records = group.iter().map(|bytes| {
                    next += 1;
                    record(*term, next - 1, *bytes)
                });
                let records: Vec<Record> = records.collect();
                let count = records.len() as u64;
                waits.push(append(log, records).await?);
                let read = log.read(next - count..next, usize::MAX).await?;
                assert_eq!(read.len() as u64, count, "readable on return");
            }
            for wait in waits {
                wait.await.unwrap_or(Err(LogStoreError::Failed { why: "dropped".into() }))?;
            }
            Ok(())
        }
        Step::Truncate(index) => log.truncate_after(model.last_at(*index)).await,
        Step::Purge(index) => log.purge(model.last_at(*index).unwrap()).await,
        Step::Reopen => Ok(()),
    }
}

async fn found(log: &Log) -> Result<Model, LogStoreError> {
    let bounds = log.bounds();
    let first = bounds.purged.map_or(0, |at| at.index + 1);
    let entries = log.read(first..u64::MAX, usize::MAX).await?;
    assert_eq!(entries.last().map(|r| r.at).or(bounds.purged), bounds.last);
    Ok(Model { vote: log.vote(), purged: bounds.purged, entries })
}

/// Rolls through several segments, recycles them, truncates across them.
fn script() -> Vec<Step> {
    use Step::{Append, Purge, Reopen, Truncate, Vote};
    vec![
        Vote(1),
        Append(1, vec![vec![10]]),
        Append(1, vec![vec![100, 200], vec![3000], vec![0]]),
        Vote(2),
        Append(2, vec![vec![5000; 3], vec![10, 20]]),
        Truncate(6),
        Append(3, vec![vec![700; 6]]),
        Reopen,
        Append(3, vec![vec![4000; 4], vec![4000; 2]]),
        Purge(8),
        Append(3, vec![vec![6000; 3]]),
        Vote(3),
        Purge(17),
        Reopen,
        Append(4, vec![vec![1000; 12]]),
        Truncate(25),
        Purge(22),
        Append(5, vec![vec![9000], vec![9000], vec![9000]]),
        Purge(28),
        Append(5, vec![vec![64; 40]]),
    ]
}

/// Runs the script on `disk` until something fails. What may be there then.
async fn history(
    disk: &Arc<SimDisk>,
    clock: &Arc<dyn Clock>,
    seed: u64,
) -> (Vec<Model>, Option<Step>) {
    let mut model = Model::default();
    let open = || Log::open(disk.drive(), config(clock, seed));
    let Ok(mut log) = open().await else { return (vec![model], Some(Step::Reopen)) };
    for step in script() {
        let states = model.step(&step);
        if matches!(step, Step::Reopen) {
            let closed = log.close().await;
            match open().await {
                Ok(opened) if closed.is_ok() => log = opened,
                Ok(_) | Err(_) => return (states, Some(step)),
            }
        } else if perform(&log, &model, &step).await.is_err() {
            return (states, Some(step));
        }
        model = states.last().unwrap().clone();
        match found(&log).await {
            Ok(found) => assert_eq!(found, model, "after {step:?}"),
            Err(_) => return (vec![model], Some(step)), // The power went after it was done.
        }
    }
    (vec![model], None)
}

#[test]
fn a_log_cut_off_at_any_io_has_all_that_was_acknowledged() {
    let mut cuts = 0;
    for seed in holdfast_sim::seeds(2) {
        let total = holdfast_sim::run(async {
            let clock: Arc<dyn Clock> = SimClock::new();
            let disk = SimDisk::new("log", seed, clock.clone());
            let (states, stopped) = history(&disk, &clock, seed).await;
            assert!(stopped.is_none(), "seed {seed}: {stopped:?}");
            let disk = disk.crash();
            let log = Log::open(disk.drive(), config(&clock, seed)).await.unwrap();
            assert_eq!(found(&log).await.unwrap(), states[0], "seed {seed}");
            disk.ledger().ops.values().sum::<u64>()
        });
        for at in 1..=total {
            holdfast_sim::run(cut_off(seed, at));
            cuts += 1;
        }
    }
    assert!(cuts > 100, "{cuts} cuts");
    println!("log: {cuts} power cuts, one at each I/O of a scripted history");
}

#[test]
fn a_file_that_an_earlier_opening_finishes_late_does_not_stop_the_log() {
    holdfast_sim::run(async {
        let clock: Arc<dyn Clock> = SimClock::new();
        let disk = SimDisk::new("log", 1, clock.clone());
        let open = || Log::open(disk.drive(), config(&clock, 1));
        let log = open().await.unwrap();
        for number in 2..5 {
            let name = super::writer::file_name(number);
            let _ = disk.drive().create(name, 24 << 10).await;
        }
        for index in 0..40 {
            append(&log, vec![record(1, index, 4000)]).await.unwrap().await.unwrap().unwrap();
        }
        log.close().await.unwrap();
        assert_eq!(found(&open().await.unwrap()).await.unwrap().entries.len(), 40);
    });
}

async fn cut_off(seed: u64, at: u64) {
    let clock: Arc<dyn Clock> = SimClock::new();
    let disk = SimDisk::new("log", seed, clock.clone());
    disk.set_faults(Faults::none().crash_at(at));
    let (states, step) = history(&disk, &clock, seed).await;
    let disk = disk.crash();
    disk.set_faults(Faults::none());
    let opened = Log::open(disk.drive(), config(&clock, seed + 1)).await;
    let log = opened.unwrap_or_else(|error| panic!("seed {seed}, cut {at} in {step:?}: {error}"));
    let there = found(&log).await.unwrap();
    assert!(states.contains(&there), "seed {seed}, cut {at} in {step:?}: found {there:#?}");
    // It goes on from there, and the next open finds that, too.
    let more = Step::Append(9, vec![vec![300; 5], vec![2000]]);
    perform(&log, &there, &more).await.unwrap();
    perform(&log, &there, &Step::Vote(9)).await.unwrap();
    let want = Model { vote: Some(vec![9; 20]), ..there.step(&more).pop().unwrap() };
    let disk = disk.crash();
    let log = Log::open(disk.drive(), config(&clock, seed + 2)).await.unwrap();
    assert_eq!(found(&log).await.unwrap(), want, "seed {seed}, cut {at} in {step:?}: later");
}

/// L2: a vote that is durable comes after the entries that were handed in before it.
#[test]
fn a_vote_is_never_durable_before_the_entries_ahead_of_it() {
    let (mut voted, mut at) = (0, 0);
    while voted < 3 {
        at += 1;
        assert!(at < 100, "it never came that far");
        voted += holdfast_sim::run(async {
            let clock: Arc<dyn Clock> = SimClock::new();
            let disk = SimDisk::new("log", at, clock.clone());
            let log = Log::open(disk.drive(), config(&clock, at)).await.unwrap();
            disk.set_faults(Faults::none().crash_at(at));
            let wait = append(&log, vec![record(1, 0, 100)]).await;
            let vote = log.save_vote(vec![7; 20]).await;
            drop(wait);
            let disk = disk.crash();
            disk.set_faults(Faults::none());
            let log = Log::open(disk.drive(), config(&clock, at + 1)).await.unwrap();
            let there = found(&log).await.unwrap();
            assert!(vote.is_err() || there.vote.is_some(), "L1");
            assert!(there.vote.is_none() || there.entries.len() == 1, "L2: cut at {at}");
            u32::from(vote.is_ok())
        });
    }
}

async fn written(seed: u64) -> (Arc<dyn Clock>, Arc<SimDisk>) {
    let clock: Arc<dyn Clock> = SimClock::new();
    let disk = SimDisk::new("log", seed, clock.clone());
    let mut config = config(&clock, seed);
    config.first_segment_bytes = 64 << 10;
    let log = Log::open(disk.drive(), config).await.unwrap();
    let model = Model::default();
    perform(&log, &model, &Step::Vote(1)).await.unwrap();
    for n in 0..6 {
        append(&log, vec![record(1, n, 500)]).await.unwrap().await.unwrap().unwrap();
    }
    log.close().await.unwrap();
    (clock, disk)
}

#[test]
fn rot_in_the_middle_is_refused_and_never_cut() {
    holdfast_sim::run(async {
        for seed in holdfast_sim::seeds(40) {
            let (clock, disk) = written(seed).await;
            let rng = SeededRng::new(seed);
            // Any frame but the closing mark, anywhere in it.
            let at = 4096 * (1 + rng.below(6)) + rng.below(580);
            // A stamp guards what comes after the last frame; frames guard themselves.
            let at = if at % 512 < 504 { at } else { at - 8 };
            let name = super::writer::file_name(1);
            assert!(disk.tamper(&name, at, |byte| *byte ^= 1 << rng.below(8)));
            let error = Log::open(disk.drive(), config(&clock, seed)).await.err();
            assert!(matches!(error, Some(LogStoreError::Rot { .. })), "seed {seed}: {error:?}");
        }
    });
}

#[test]
fn rot_in_the_last_group_is_not_taken_for_a_torn_write() {
    let (mut refused, mut harmless) = (0, 0);
    holdfast_sim::run(async {
        for seed in holdfast_sim::seeds(200) {
            let clock: Arc<dyn Clock> = SimClock::new();
            let disk = SimDisk::new("log", seed, clock.clone());
            let log = Log::open(disk.drive(), config(&clock, seed)).await.unwrap();
            let model = Model::default();
            perform(&log, &model, &Step::Vote(1)).await.unwrap();
            for n in 0..2 {
                append(&log, vec![record(1, n, 1500)]).await.unwrap().await.unwrap().unwrap();
            }
            let disk = disk.kill();
            let rng = SeededRng::new(seed);
            // Any bit of the last group, a frame of 1580 bytes and what fills the block.
            let at = 4096 * 2 + rng.below(4096);
            assert!(
                disk.tamper(&super::writer::file_name(1), at, |byte| *byte ^= 1 << rng.below(8))
            );
            match Log::open(disk.drive(), config(&clock, seed)).await {
                Err(LogStoreError::Rot { .. }) => refused += 1,
                Err(other) => panic!("seed {seed}, byte {at}: {other}"),
                Ok(log) => {
                    let there = found(&log).await.unwrap().entries.len();
                    assert_eq!(
                        there, 2,
                        "L4: seed {seed}, byte {at}: an acknowledged entry is gone"
                    );
                    harmless += 1;
                }
            }
        }
    });
    println!("log: {refused} flips in the last group refused, {harmless} harmless");
    assert!(refused > 100 || std::env::var("SEED").is_ok(), "{refused}");
}

#[test]
fn an_idle_log_says_that_all_of_it_is_durable() {
    holdfast_sim::run(async {
        let clock: Arc<dyn Clock> = SimClock::new();
        let disk = SimDisk::new("log", 1, clock.clone());
        let log = Log::open(disk.drive(), config(&clock, 1)).await.unwrap();
        append(&log, vec![record(1, 0, 1500)]).await.unwrap().await.unwrap().unwrap();
        clock.sleep(std::time::Duration::from_secs(2)).await;
        let disk = disk.kill();
        // The whole of the last group is lost, as by a disk that never wrote it.
        for at in 4096..4096 * 2 {
            assert!(disk.tamper(&super::writer::file_name(1), at, |byte| *byte = 0));
        }
        let error = Log::open(disk.drive(), config(&clock, 1)).await.err();
        assert!(matches!(error, Some(LogStoreError::Rot { .. })), "L6: {error:?}");
    });
}

#[test]
fn a_log_that_was_closed_says_that_all_of_it_is_durable() {
    holdfast_sim::run(async {
        let (clock, disk) = written(1).await;
        // Six groups and the mark: the last of the groups is lost.
        for at in 4096 * 6..4096 * 7 {
            assert!(disk.tamper(&super::writer::file_name(1), at, |byte| *byte = 0));
        }
        let error = Log::open(disk.drive(), config(&clock, 1)).await.err();
        assert!(matches!(error, Some(LogStoreError::Rot { .. })), "L4: {error:?}");
    });
}

#[test]
fn rot_in_a_sealed_segment_is_refused() {
    holdfast_sim::run(async {
        for seed in holdfast_sim::seeds(40) {
            let clock: Arc<dyn Clock> = SimClock::new();
            let disk = SimDisk::new("log", seed, clock.clone());
            let log = Log::open(disk.drive(), config(&clock, seed)).await.unwrap();
            for n in 0..12 {
                append(&log, vec![record(1, n, 3000)]).await.unwrap().await.unwrap().unwrap();
            }
            log.close().await.unwrap();
            // The first file has three groups of a block behind its header.
            let at = 4096 * (1 + seed % 3) + 100 + seed;
            assert!(disk.tamper(&super::writer::file_name(1), at, |byte| *byte ^= 16));
            let error = Log::open(disk.drive(), config(&clock, seed)).await.err();
            assert!(matches!(error, Some(LogStoreError::Rot { .. })), "seed {seed}: {error:?}");
        }
    });
}

#[test]
fn a_rotten_header_of_the_newest_segment_is_refused() {
    holdfast_sim::run(async {
        let (clock, disk) = written(1).await;
        assert!(disk.tamper(&super::writer::file_name(1), 20, |byte| *byte ^= 4));
        let error = Log::open(disk.drive(), config(&clock, 1)).await.err();
        assert!(matches!(error, Some(LogStoreError::Rot { .. })), "{error:?}");
    });
}

#[test]
fn a_rotten_vote_is_refused() {
    holdfast_sim::run(async {
        let (clock, disk) = written(1).await;
        assert!(disk.tamper(&super::vote_file(), 9, |byte| *byte ^= 1));
        let error = Log::open(disk.drive(), config(&clock, 1)).await.err();
        assert!(matches!(error, Some(LogStoreError::Rot { .. })), "{error:?}");
    });
}

#[test]
fn a_write_that_errs_stops_the_log_and_acknowledges_nothing() {
    holdfast_sim::run(async {
        let (clock, disk) = written(1).await;
        let log = Log::open(disk.drive(), config(&clock, 1)).await.unwrap();
        let rule =
            Rule { fault: Fault::Eio, on: Some(OpKind::Write), files: None, when: When::Nth(1) };
        disk.set_faults(Faults::none().rule(rule));
        let wait = append(&log, vec![record(1, 6, 10)]).await.unwrap();
        assert!(wait.await.unwrap().is_err());
        assert!(append(&log, vec![record(1, 7, 10)]).await.is_err(), "it has stopped");
        assert!(log.save_vote(vec![1]).await.is_err(), "it has stopped");
    });
}

#[test]
fn a_full_disk_delays_the_log_and_it_goes_on_when_there_is_room() {
    holdfast_sim::run(async {
        let clock: Arc<dyn Clock> = SimClock::new();
        let disk = SimDisk::new("log", 1, clock.clone());
        let log = Log::open(disk.drive(), config(&clock, 1)).await.unwrap();
        let used = 40 << 10;
        disk.set_capacity(used);
        let mut waits = Vec::new();
        for n in 0..20 {
            waits.push(append(&log, vec![record(1, n, 4000)]).await.unwrap());
        }
        clock.sleep(std::time::Duration::from_secs(5)).await;
        assert!(log.bounds().full);
        disk.set_capacity(1 << 30);
        for wait in waits {
            wait.await.unwrap().unwrap();
        }
        assert!(!log.bounds().full);
        assert_eq!(log.read(0..20, usize::MAX).await.unwrap().len(), 20);
    });
}
