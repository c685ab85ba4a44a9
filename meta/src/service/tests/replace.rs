//! A replica that is lost, wiped or rotten is replaced by one under a new number.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast_api::meta::{MetaStatus, ReplicaStatus};
use holdfast_io::disk::FileName;
use holdfast_sim::disk::{Damage, Fault, Faults, Rule, When};

use super::*;
use crate::service::place::{Ground, Place};

/// Three places whose disks can be taken away and given back while the service runs.
struct Yard {
    clock: Arc<dyn Clock>,
    rng: Arc<SeededRng>,
    seed: u64,
    /// Guards the list only; `None` is a drive that is not there.
    slots: Arc<Mutex<Vec<Option<Arc<SimDisk>>>>>,
    /// Whether an empty directory may be taken for the one meant.
    may_format: Arc<AtomicBool>,
    made: u64,
}

impl Yard {
    fn new(seed: u64) -> Self {
        let clock: Arc<dyn Clock> = SimClock::new();
        let slots = Arc::new(Mutex::new(vec![None, None, None]));
        let (rng, may_format) = (Arc::new(SeededRng::new(seed)), Arc::new(AtomicBool::new(true)));
        let mut yard = Self { clock, rng, seed, slots, may_format, made: 0 };
        (0..3).for_each(|at| yard.give_empty(at));
        yard
    }

    fn disk(&self, at: usize) -> Arc<SimDisk> {
        self.slots.lock().unwrap()[at].clone().unwrap()
    }

    /// Another, empty disk.
    fn give_empty(&mut self, at: usize) {
        self.made += 1;
        let name = format!("meta{at}-{}", self.made);
        let disk = SimDisk::new(&name, self.seed * 100 + self.made, self.clock.clone());
        self.slots.lock().unwrap()[at] = Some(disk);
    }

    /// The disk at `at` vanishes under the service.
    fn take(&self, at: usize) -> Arc<SimDisk> {
        let disk = self.slots.lock().unwrap()[at].take().unwrap();
        disk.damage(Damage::Emptied);
        disk
    }

    fn config(&self) -> MetaConfig {
        let place = |at: usize| {
            let (slots, may_format) = (self.slots.clone(), self.may_format.clone());
            Place::new(&format!("place{at}"), move || {
                let disk = slots.lock().unwrap()[at].clone();
                let drive = disk.ok_or("no such directory")?.drive();
                Ok(Ground { drive, may_format: may_format.load(Ordering::Relaxed) })
            })
        };
        let places = (0..3).map(place).collect();
        let mut config = MetaConfig::over(places, CLUSTER, self.clock.clone(), self.rng.clone());
        config.first_segment_bytes = 64 << 10;
        config.segment_bytes = 128 << 10;
        config.cache_bytes = 4 << 20;
        config
    }

    async fn open(&self) -> Arc<Meta> {
        Meta::open(self.config()).await.unwrap()
    }

    /// All power goes.
    fn crash(&self) {
        for disk in self.slots.lock().unwrap().iter_mut().flatten() {
            *disk = disk.crash();
            disk.set_faults(Faults::none());
        }
    }

    /// Waits until three replicas vote and none lacks anything; their numbers.
    async fn healed(&self, meta: &Meta) -> Vec<u64> {
        let end = self.clock.monotonic() + Duration::from_secs(120);
        loop {
            let status = status(meta).await;
            let whole = |one: &ReplicaStatus| one.role == "voter" && one.lag == Some(0);
            if status.replicas.iter().all(whole) && members(meta).await.1 == 0 {
                let mut ids: Vec<u64> = status.replicas.iter().map(|one| one.id).collect();
                ids.sort_unstable();
                return ids;
            }
            assert!(self.clock.monotonic() < end, "seed {}: {:#?}", self.seed, status.replicas);
            self.clock.sleep(Duration::from_millis(500)).await;
        }
    }
}

/// Voters, learners left over.
async fn members(meta: &Meta) -> (Vec<u64>, usize) {
    let leader = meta.inner.leader().map(|leader| leader.roster()).unwrap_or_default();
    let left = leader.learners.len() + usize::from(leader.is_joint);
    (leader.voters.into_iter().collect(), left)
}

async fn status(meta: &Meta) -> MetaStatus {
    match meta.query(Query::Status).await {
        Ok(Answer::Status(status)) => status,
        other => panic!("{other:?}"),
    }
}

/// What was answered, and must be there for ever.
#[derive(Default)]
struct Kept {
    bucket: Option<BucketId>,
    keys: Vec<String>,
}

impl Kept {
    async fn put(&mut self, meta: &Meta, count: usize) {
        let bucket = match self.bucket {
            Some(bucket) => bucket,
            None => *self.bucket.insert(bucket(meta, "b").await),
        };
        for _ in 0..count {
            let key = format!("k{}", self.keys.len());
            let outcome = meta.execute(put(bucket, &key, &key.repeat(40))).await;
            assert!(matches!(outcome, Ok(Outcome::Object { .. })), "{key}: {outcome:?}");
            self.keys.push(key);
        }
    }

    /// As much as can be before something goes wrong.
    async fn try_put(&mut self, meta: &Meta, count: usize) {
        let Some(bucket) = self.bucket else { return };
        for _ in 0..count {
            let key = format!("k{}", self.keys.len());
            match meta.execute(put(bucket, &key, &key.repeat(40))).await {
                Ok(Outcome::Object { .. }) => self.keys.push(key),
                Ok(other) => panic!("{key}: {other:?}"),
                Err(_) => return,
            }
        }
    }

    async fn check(&self, meta: &Meta, why: &str) {
        for key in &self.keys {
            let found = get(meta, self.bucket.unwrap(), key).await;
            assert_eq!(found, Some(small(&key.repeat(40))), "{why}: {key}");
        }
    }
}

#[test]
fn a_drive_that_is_given_back_empty_gets_a_new_voter_and_another_may_go_then() {
    for seed in holdfast_sim::seeds(4) {
        holdfast_sim::run(async {
            let mut yard = Yard::new(seed);
            let meta = yard.open().await;
            let mut kept = Kept::default();
            kept.put(&meta, 40).await;
            for round in 0..6 {
                let lost = (seed as usize + round) % 3;
                drop(yard.take(lost));
                kept.put(&meta, 20).await;
                yard.clock.sleep(Duration::from_secs(3)).await;
                let away = status(&meta).await;
                let is_away = |one: &&ReplicaStatus| one.role == "away";
                assert_eq!(away.replicas.iter().filter(is_away).count(), 1, "{away:#?}");
                if round % 2 == 0 {
                    meta.checkpoint().await; // What it lacks is purged: a snapshot brings it.
                    kept.put(&meta, 200).await;
                    meta.checkpoint().await;
                    yard.clock.sleep(Duration::from_secs(2)).await;
                }
                yard.give_empty(lost);
                let ids = yard.healed(&meta).await;
                assert_eq!(members(&meta).await, (ids.clone(), 0), "seed {seed}");
                assert!(ids.iter().any(|id| *id > 3), "a new number: {ids:?}");
                kept.check(&meta, &format!("seed {seed}, round {round}")).await;
            }
            meta.shutdown().await;
            yard.crash();
            let meta = yard.open().await;
            kept.check(&meta, "after a restart").await;
            meta.shutdown().await;
        });
    }
}

#[test]
fn a_replica_that_is_rotten_or_wiped_at_the_start_is_made_anew() {
    let rot = |disk: &Arc<SimDisk>, file: &str, at: u64| {
        assert!(disk.tamper(&FileName::new(file).unwrap(), at, |byte| *byte ^= 4), "{file}");
    };
    for (what, file) in [("log", "log-00000001"), ("vote", "vote"), ("who", "replica"), ("", "")] {
        holdfast_sim::run(async {
            let mut yard = Yard::new(3);
            let meta = yard.open().await;
            let mut kept = Kept::default();
            kept.put(&meta, 10).await;
            meta.shutdown().await;
            yard.crash();
            match what {
                "" => yard.give_empty(1),
                _ => rot(&yard.disk(1), file, if what == "log" { 4096 + 30 } else { 6 }),
            }
            let meta = yard.open().await;
            kept.put(&meta, 10).await;
            let ids = yard.healed(&meta).await;
            assert!(!ids.contains(&2), "{what}: the old number is not used again: {ids:?}");
            // The two others that it caught up from are not both needed any more.
            drop(yard.take(0));
            kept.put(&meta, 5).await;
            kept.check(&meta, what).await;
            meta.shutdown().await;
        });
    }
}

#[test]
fn files_that_are_lost_under_a_replica_never_let_it_vote_again() {
    for file in ["vote", "log-00000001"] {
        holdfast_sim::run(async {
            let yard = Yard::new(9);
            let meta = yard.open().await;
            let mut kept = Kept::default();
            kept.put(&meta, 3).await;
            meta.shutdown().await;
            yard.crash();
            let drive = yard.disk(2).drive();
            for (name, _) in drive.list().await.unwrap() {
                if name.as_str() == file || file != "vote" && name.as_str().starts_with("log-") {
                    drive.remove(name).await.unwrap();
                }
            }
            let meta = yard.open().await;
            let ids = yard.healed(&meta).await;
            assert!(!ids.contains(&3), "H1: {file}: {ids:?}");
            kept.check(&meta, file).await;
            meta.shutdown().await;
        });
    }
}

#[test]
fn a_disk_that_errs_for_a_while_comes_back_under_its_own_number() {
    holdfast_sim::run(async {
        let yard = Yard::new(5);
        let meta = yard.open().await;
        let mut kept = Kept::default();
        kept.put(&meta, 10).await;
        let rule = Rule { fault: Fault::Eio, on: None, files: None, when: When::Always };
        yard.disk(1).set_faults(Faults::none().rule(rule));
        kept.put(&meta, 10).await;
        yard.clock.sleep(Duration::from_secs(3)).await;
        assert_eq!(status(&meta).await.replicas[1].role, "away");
        yard.disk(1).set_faults(Faults::none());
        assert_eq!(yard.healed(&meta).await, [1, 2, 3]);
        kept.check(&meta, "back").await;
        meta.shutdown().await;
    });
}

#[test]
fn an_empty_directory_that_may_be_a_mount_point_is_left_alone() {
    holdfast_sim::run(async {
        let mut yard = Yard::new(8);
        let meta = yard.open().await;
        let mut kept = Kept::default();
        kept.put(&meta, 10).await;
        yard.may_format.store(false, Ordering::Relaxed);
        let mounted = yard.take(1);
        yard.give_empty(1);
        kept.put(&meta, 10).await;
        yard.clock.sleep(Duration::from_secs(120)).await;
        assert_eq!(status(&meta).await.replicas[1].role, "away");
        assert_eq!(members(&meta).await, (vec![1, 2, 3], 0), "nobody's vote is taken away");
        assert_eq!(yard.disk(1).drive().list().await.unwrap().len(), 0, "nothing is written");
        drop(mounted);
        yard.may_format.store(true, Ordering::Relaxed);
        let ids = yard.healed(&meta).await;
        assert!(!ids.contains(&2), "{ids:?}");
        kept.check(&meta, "then").await;
        meta.shutdown().await;
    });
}

#[test]
fn one_that_was_replaced_and_comes_back_is_made_anew() {
    holdfast_sim::run(async {
        let mut yard = Yard::new(6);
        let meta = yard.open().await;
        let mut kept = Kept::default();
        kept.put(&meta, 10).await;
        let old = yard.disk(1);
        yard.slots.lock().unwrap()[1] = None;
        let rule = Rule { fault: Fault::Eio, on: None, files: None, when: When::Always };
        old.set_faults(Faults::none().rule(rule));
        kept.put(&meta, 10).await;
        yard.clock.sleep(Duration::from_secs(5)).await;
        yard.give_empty(1);
        let ids = yard.healed(&meta).await;
        drop(yard.take(1));
        kept.put(&meta, 10).await;
        yard.clock.sleep(Duration::from_secs(5)).await;
        old.set_faults(Faults::none());
        yard.slots.lock().unwrap()[1] = Some(old.crash());
        let again = yard.healed(&meta).await;
        let newest = again.iter().max().unwrap();
        assert!(!again.contains(&2) && !ids.contains(newest), "{ids:?}, then {again:?}");
        kept.check(&meta, "back").await;
        meta.shutdown().await;
    });
}

/// The power goes at any I/O of a replacement, on any disk; then everything starts again.
#[test]
fn a_replacement_that_is_cut_off_anywhere_is_taken_up_again() {
    let (mut cuts, mut kept_in_all) = (0, 0);
    for seed in holdfast_sim::seeds(48) {
        holdfast_sim::run(async {
            let mut yard = Yard::new(seed);
            let meta = yard.open().await;
            let mut kept = Kept::default();
            kept.put(&meta, 8).await;
            let lost = (seed % 3) as usize;
            let at = yard.rng.below(3) as usize;
            drop(yard.take(lost));
            yard.clock.sleep(Duration::from_secs(2)).await;
            yard.give_empty(lost);
            let io = 1 + yard.rng.below(if at == lost { 40 } else { 25 });
            yard.disk(at).set_faults(Faults::none().crash_at(io));
            for _ in 0..12 {
                kept.try_put(&meta, 2).await;
                yard.clock.sleep(Duration::from_millis(700)).await;
            }
            cuts += usize::from(yard.disk(at).is_off());
            yard.crash();
            drop(meta);
            let meta = yard.open().await;
            let ids = yard.healed(&meta).await;
            assert_eq!(members(&meta).await, (ids.clone(), 0), "seed {seed}");
            kept.check(&meta, &format!("seed {seed}: disk {at} of lost {lost} at {io}")).await;
            // Whoever it is, another may go now.
            drop(yard.take((lost + 1) % 3));
            kept.put(&meta, 3).await;
            kept.check(&meta, &format!("seed {seed}: then another")).await;
            kept_in_all += kept.keys.len();
            meta.shutdown().await;
        });
    }
    println!("replacement: {cuts} power cuts in it, {kept_in_all} answered PUTs, all kept");
    assert!(cuts > 20 || std::env::var("SEED").is_ok(), "{cuts} cuts only");
}
