//! The log that remembers, against the log itself.

use holdfast_api::log::{LogError, LogService};
use holdfast_base::{ByteCount, Epoch, Lsn};
use holdfast_io::rng::SeededRng;
use holdfast_sim::clock::SimClock;

use super::log::{Faults, TestLog};
use super::*;
use crate::TailedLog;

/// Appends `count` entries, two at a time at most, through either side.
async fn write(log: Arc<dyn LogService>, rng: Arc<SeededRng>, clock: Arc<SimClock>) {
    let epoch = log.grant().await.unwrap();
    let mut seq = 1;
    for _ in 0..rng.between(1, 12) {
        let bytes = |seq: u64| vec![Bytes::from(format!("{}/{seq}", epoch.0))];
        let (one, two) = tokio::join!(
            insist(&log, epoch, (seq, bytes(seq)), &clock),
            insist(&log, epoch, (seq + 1, bytes(seq + 1)), &clock)
        );
        if let (Ok(lsn), true) = (one, rng.one_in(8)) {
            let _ = log.truncate(epoch, lsn).await;
        }
        if one.is_err() || two.is_err() {
            return;
        }
        seq += 2;
        clock.sleep(Duration::from_millis(rng.below(20))).await;
    }
}

async fn insist(
    log: &Arc<dyn LogService>,
    epoch: Epoch,
    what: (u64, Vec<Bytes>),
    clock: &SimClock,
) -> Result<Lsn, ()> {
    loop {
        match log.append(epoch, what.0, what.1.clone()).await {
            Ok(lsn) => return Ok(lsn),
            Err(LogError::Fenced { .. }) => return Err(()),
            Err(LogError::OutOfOrder { given, next }) if next > given => return Err(()),
            Err(_) => clock.sleep(Duration::from_millis(3)).await,
        }
    }
}

/// Follows from `after` on; what it saw.
async fn follow(tailed: Arc<TailedLog>, from: Lsn, seen: Arc<Mutex<Vec<(Lsn, Bytes)>>>) {
    let mut after = from;
    loop {
        match tailed.follow(after, ByteCount(60)).await {
            Ok(records) => {
                assert!(!records.is_empty(), "follow waits for the first record");
                for record in records {
                    after = record.lsn;
                    seen.lock().push((record.lsn, record.records[0].clone()));
                }
            }
            Err(LogError::Truncated { truncated, .. }) => {
                after = truncated;
                seen.lock().push((truncated, Bytes::new()));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn whoever_follows_from_memory_sees_what_the_log_holds() {
    let mut appended = 0;
    for seed in holdfast_sim::seeds(150) {
        holdfast_sim::run(async {
            let rng = Arc::new(SeededRng::new(seed));
            let clock = SimClock::new();
            let inner = TestLog::new(seed ^ 3, clock.clone());
            let ambiguous = [0, 3, 6][(seed % 3) as usize];
            inner.set_faults(Faults { ambiguous, slow_ms: 6, ..Faults::default() });
            let budget = ByteCount(rng.between(1, 4000));
            let tailed = Arc::new(TailedLog::new(inner.clone(), clock.clone(), budget));
            let whole: Arc<Mutex<Vec<(Lsn, Bytes)>>> = Arc::default();
            let witness = tokio::spawn({
                let (inner, whole) = (inner.clone(), whole.clone());
                async move {
                    let mut after = Lsn::default();
                    loop {
                        match inner.follow(after, ByteCount(u64::MAX)).await {
                            Ok(records) => {
                                for record in records {
                                    after = record.lsn;
                                    whole.lock().push((record.lsn, record.records[0].clone()));
                                }
                            }
                            Err(_) => panic!("the witness keeps up"),
                        }
                    }
                }
            });
            let mut followers = Vec::new();
            for turn in 0..4 {
                let seen: Arc<Mutex<Vec<(Lsn, Bytes)>>> = Arc::default();
                let from = whole.lock().last().map_or(Lsn::default(), |last| last.0);
                let task = tokio::spawn(follow(tailed.clone(), from, seen.clone()));
                followers.push((from, seen, task));
                // Now and then somebody else writes, past the one that remembers.
                let through: Arc<dyn LogService> =
                    if turn > 0 && rng.one_in(3) { inner.clone() } else { tailed.clone() };
                let one = write(through, rng.clone(), clock.clone());
                if rng.one_in(3) {
                    tokio::join!(one, write(tailed.clone(), rng.clone(), clock.clone()));
                } else {
                    one.await;
                }
            }
            clock.sleep(Duration::from_secs(5)).await;
            let whole = whole.lock().clone();
            appended += whole.len();
            for (from, seen, task) in followers {
                assert!(!task.is_finished(), "seed {seed}");
                task.abort();
                let mut want = whole.iter().filter(|record| record.0 > from);
                let mut last = from;
                for got in seen.lock().iter() {
                    assert!(got.0 > last, "twice or out of order: {got:?}, seed {seed}");
                    last = got.0;
                    if got.1.is_empty() {
                        // Truncated: what lies at or below is skipped.
                        want.by_ref().take_while(|record| record.0 < got.0).for_each(drop);
                        continue;
                    }
                    assert_eq!(Some(got), want.next(), "a hole, seed {seed}");
                }
                assert_eq!(want.next(), None, "it did not see the end, seed {seed}");
            }
            witness.abort();
        });
    }
    assert!(appended > 2000 || std::env::var("SEED").is_ok(), "{appended}");
}

/// A log whose follower stands at the first record.
struct Stage {
    clock: Arc<SimClock>,
    inner: Arc<TestLog>,
    tailed: Arc<TailedLog>,
    epoch: Epoch,
    follower: tokio::task::JoinHandle<Vec<u64>>,
}

async fn stage() -> Stage {
    let clock = SimClock::new();
    let inner = TestLog::new(1, clock.clone());
    let tailed = Arc::new(TailedLog::new(inner.clone(), clock.clone(), ByteCount(1 << 20)));
    let epoch = tailed.grant().await.unwrap();
    let first = tailed.append(epoch, 1, vec![Bytes::from_static(b"a")]).await.unwrap();
    let follower = tokio::spawn({
        let tailed = tailed.clone();
        async move {
            let records = tailed.follow(first, ByteCount(1 << 20)).await.unwrap();
            records.iter().map(|record| record.seq).collect()
        }
    });
    clock.sleep(Duration::from_millis(1)).await;
    Stage { clock, inner, tailed, epoch, follower }
}

#[test]
fn a_follower_is_woken_at_once_without_asking_the_log() {
    holdfast_sim::run(async {
        let Stage { clock, inner, tailed, epoch, follower } = stage().await;
        let (asked, before) = (inner.asked(), clock.monotonic());
        tailed.append(epoch, 2, vec![Bytes::from_static(b"b")]).await.unwrap();
        assert_eq!(follower.await.unwrap(), [2]);
        assert_eq!((inner.asked(), clock.monotonic()), (asked, before));
    });
}

#[test]
fn what_others_append_is_seen_after_a_while() {
    holdfast_sim::run(async {
        let Stage { clock, inner, epoch, follower, .. } = stage().await;
        inner.append(epoch, 2, vec![Bytes::from_static(b"b")]).await.unwrap();
        assert_eq!(follower.await.unwrap(), [2], "Q5");
        assert!(clock.monotonic() < Duration::from_secs(1));
    });
}

#[test]
fn what_does_not_join_the_run_is_not_given_out() {
    holdfast_sim::run(async {
        let Stage { inner, tailed, epoch, follower, .. } = stage().await;
        inner.append(epoch, 2, vec![Bytes::from_static(b"b")]).await.unwrap();
        tailed.append(epoch, 3, vec![Bytes::from_static(b"c")]).await.unwrap();
        assert_eq!(follower.await.unwrap(), [2, 3], "Q4: from the log itself");
    });
}
