//! Which drives are written to and read from while some of them are ill.

use super::super::pace::Pace;
use super::*;

/// The drive of seven that a failed write was replaced away from.
async fn failed(bench: &Bench) -> DriveNo {
    bench.plan.fail.store(1, Ordering::Relaxed);
    let record = bench.commit("first", 9000).await.2;
    assert!(record.missing.is_empty(), "a spare took it");
    (0..7).map(DriveNo).find(|no| !record.drives.contains(no)).unwrap()
}

#[test]
fn r1_a_drive_that_failed_a_write_is_left_alone_for_a_while() {
    holdfast_sim::run(async {
        let bench = Bench::new(7).await;
        let ill = failed(&bench).await;
        for number in 0..12 {
            let record = bench.commit(&format!("then-{number}"), 9000).await.2;
            assert!(!record.drives.contains(&ill), "R1");
        }
        bench.clock.sleep(Duration::from_secs(11)).await;
        let mut again = false;
        for number in 0..12 {
            let record = bench.commit(&format!("later-{number}"), 9000).await.2;
            again |= record.drives.contains(&ill);
        }
        assert!(again, "R1: for a while only");
    });
}

#[test]
fn r1_suspicion_is_of_the_occupant_not_of_the_slot() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let drives = &bench.store.inner.drives;
        let (no, late) = (DriveNo(3), DriveError::Late { drive: DriveNo(3), after_ms: 1 });
        let takes = || drives.takers().candidates.iter().any(|one| one.no == no);
        let old = drives.slots()[&no].life;
        drives.suspect(no, old, &late);
        assert!(!takes() && drives.avoid(no));
        bench.give_drive(3, 2).await;
        assert!(takes() && !drives.avoid(no), "R1: another drive");
        drives.suspect(no, old, &late);
        assert!(takes(), "R1: what the former one failed is not its fault");
    });
}

#[test]
fn r1_a_suspected_drive_is_read_last() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (bytes, blob, record) = bench.commit("key", 300_000).await;
        let no = record.drives[0];
        let late = DriveError::Late { drive: no, after_ms: 1 };
        let life = bench.store.inner.drives.slots()[&no].life;
        bench.store.inner.drives.suspect(no, life, &late);
        bench.plan.read.lock().unwrap().clear();
        let inner = &bench.store.inner;
        let got = super::super::fetch::fetch(inner, blob, &record, (0, bytes.len())).await.unwrap();
        assert!(got.concat() == bytes);
        assert!(!bench.plan.read.lock().unwrap().contains(&no), "R1");
    });
}

/// R2, and what docs/architecture.md says must stay true (2).
#[test]
fn fewer_healthy_drives_make_k_smaller_and_never_m() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        for (pulled, want) in [(None, "4+2"), (Some(1), "3+2"), (Some(4), "2+2")] {
            bench.plan.offline.lock().unwrap().extend(pulled.map(DriveNo));
            bench.clock.sleep(Duration::from_millis(250)).await;
            let record = bench.commit(want, 9000).await.2;
            assert_eq!(record.layout.geometry.to_string(), want, "R2");
            assert!(record.missing.is_empty(), "R2: an offline drive was asked");
        }
    });
}

#[test]
fn j2_no_drive_gets_two_shards_of_a_blob() {
    holdfast_sim::run(async {
        let bench = Bench::new(8).await;
        let mut blobs = Vec::new();
        for number in 0..8 {
            blobs.push(bench.commit(&format!("key-{number}"), 9000 + number).await.1);
        }
        bench.plan.offline.lock().unwrap().insert(DriveNo(2));
        bench.clock.sleep(Duration::from_millis(250)).await;
        let mut shards = Vec::new();
        for blob in &blobs {
            let on = bench.record(*blob).drives.iter().position(|no| *no == DriveNo(2));
            shards.extend(on.map(|shard| (*blob, shard as u8)));
        }
        assert!(shards.len() > 2);
        let count = shards.len() as u64;
        bench.watched.execute(Command::ReportMissing { shards }).await.unwrap();
        assert_eq!(bench.store.heal_once().await.unwrap().shards, count);
        for blob in blobs {
            let record = bench.record(blob);
            let drives: BTreeSet<_> = record.drives.iter().collect();
            assert_eq!(drives.len(), 6, "J2: {record:?}");
            assert!(!drives.contains(&DriveNo(2)) && record.missing.is_empty());
        }
    });
}

#[test]
fn j3_a_heal_that_was_overtaken_changes_nothing_and_is_owed() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (_, blob, _) = bench.commit("key", 9000).await;
        let missing = Command::ReportMissing { shards: vec![(blob, 1)] };
        bench.watched.execute(missing).await.unwrap();
        let meta = bench.meta.clone();
        *bench.plan.on_read.lock().unwrap() = Some(Box::new(move || {
            meta.state().blobs.get_mut(&blob).unwrap().missing = vec![1, 4];
        }));
        let healed = bench.store.heal_once().await.unwrap();
        assert_eq!((healed.shards, healed.owed), (0, 1), "J3");
        assert_eq!(bench.record(blob).missing, [1, 4], "J3");
        assert_eq!(bench.store.heal_once().await.unwrap().shards, 2);
    });
}

#[test]
fn j4_a_drive_stays_marked_while_a_blob_on_it_is_owed() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (_, blob, record) = bench.commit("key", 9000).await;
        let shards: Vec<usize> = vec![0, 2, 5];
        shards.iter().for_each(|shard| bench.rot(blob, *shard, 0));
        let no = record.drives[0];
        let id = bench.meta.state().drives[&no].id;
        let heal = Command::SetHealing { no, id, healing: true };
        bench.watched.execute(heal).await.unwrap();
        bench.store.heal_once().await.unwrap();
        assert!(bench.meta.state().drives[&no].healing, "J4: three shards of 4+2 are lost");
    });
}

#[test]
fn k1_a_blob_that_another_has_claimed_is_left_and_owed() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (_, blob, _) = bench.commit("key", 9000).await;
        let missing = Command::ReportMissing { shards: vec![(blob, 1)] };
        bench.watched.execute(missing).await.unwrap();
        let claim = bench.store.inner.claims.take(blob);
        let healed = bench.store.heal_once().await.unwrap();
        assert_eq!((healed.shards, healed.owed), (0, 1), "K1");
        drop(claim);
        assert_eq!(bench.store.heal_once().await.unwrap().shards, 1);
    });
}

#[test]
fn z3_one_heal_at_a_time() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (one, other) = tokio::join!(bench.store.heal_once(), bench.store.heal_once());
        assert!(one.is_ok() && matches!(other, Err(StoreError::Busy)), "Z3");
    });
}

#[test]
fn a_healed_shard_and_one_that_was_placed_again_are_durable() {
    holdfast_sim::run(async {
        let bench = Bench::new(7).await;
        failed(&bench).await;
        assert!(bench.plan.unsynced.lock().unwrap().is_empty(), "U1");
        let (_, blob, _) = bench.commit("key", 9000).await;
        bench.rot(blob, 3, 0);
        bench.store.scrub_once().await.unwrap();
        assert_eq!(bench.store.heal_once().await.unwrap().shards, 1);
        assert!(bench.plan.unsynced.lock().unwrap().is_empty(), "J1");
    });
}

#[test]
fn d1_d2_a_heal_keeps_its_rate_and_steps_back_for_clients() {
    holdfast_sim::run(async {
        let mut config = Config::new("4+2".parse().unwrap());
        config.heal_bytes_per_s = 1 << 20;
        let bench = Bench::of(6, config).await;
        let steps = async |bytes: usize| {
            let (pace, began) = (Pace::new(&bench.store.inner), bench.clock.monotonic());
            for _ in 0..9 {
                pace.step(bytes).await;
            }
            bench.clock.monotonic() - began
        };
        let took = steps(512 << 10).await;
        assert!(took >= Duration::from_secs(4) && took < Duration::from_secs(5), "D1: {took:?}");
        let clients: Vec<_> = (0..50).map(|_| bench.store.inner.foreground()).collect();
        let took = steps(0).await;
        assert!(took >= Duration::from_millis(9 * 25), "D2: {took:?}");
        assert!(took < Duration::from_secs(1), "D2: but never for good");
        drop(clients);
    });
}
