//! Three voters on three disks: a lost disk is a lost replica, no more.

use std::time::Duration;

use holdfast_api::meta::{MetaError, MetaStatus};
use holdfast_io::disk::OpKind;
use holdfast_sim::disk::{Damage, Fault, Faults, Rule, When};

use super::*;

async fn status(meta: &Meta) -> MetaStatus {
    match meta.query(Query::Status).await {
        Ok(Answer::Status(status)) => status,
        other => panic!("{other:?}"),
    }
}

async fn put_all(meta: &Meta, bucket: BucketId, keys: std::ops::Range<u32>) {
    for n in keys {
        let outcome = meta.execute(put(bucket, &format!("k{n}"), &format!("v{n}"))).await;
        assert!(matches!(outcome, Ok(Outcome::Object { .. })), "k{n}: {outcome:?}");
    }
}

async fn check_all(meta: &Meta, bucket: BucketId, keys: std::ops::Range<u32>) {
    for n in keys {
        let found = get(meta, bucket, &format!("k{n}")).await;
        assert_eq!(found, Some(small(&format!("v{n}"))), "k{n}");
    }
}

fn leader_disk(world: &World, status: &MetaStatus) -> usize {
    let leader = status.leader.unwrap();
    assert!(leader as usize <= world.disks.len());
    leader as usize - 1
}

#[test]
fn writes_go_on_when_any_one_disk_errs() {
    for lost in 0..3 {
        holdfast_sim::run(async {
            let world = World::new(lost as u64, 3);
            let meta = world.open().await;
            let bucket = bucket(&meta, "b").await;
            put_all(&meta, bucket, 0..5).await;
            let rule = Rule {
                fault: Fault::Eio,
                on: Some(OpKind::Write),
                files: None,
                when: When::Always,
            };
            world.disks[lost].set_faults(Faults::none().rule(rule));
            put_all(&meta, bucket, 5..20).await;
            check_all(&meta, bucket, 0..20).await;
            world.clock.sleep(Duration::from_secs(3)).await;
            let status = status(&meta).await;
            assert!(status.replicas[lost].state.contains("stopped"), "{:?}", status.replicas);
            assert_ne!(status.leader, Some(lost as u64 + 1));
            meta.shutdown().await;
        });
    }
}

#[test]
fn writes_go_on_within_five_seconds_when_the_leaders_disk_is_gone() {
    holdfast_sim::run(async {
        let world = World::new(5, 3);
        let meta = world.open().await;
        let bucket = bucket(&meta, "b").await;
        put_all(&meta, bucket, 0..3).await;
        let leader = leader_disk(&world, &status(&meta).await);
        world.disks[leader].damage(Damage::Emptied);
        let rule = Rule { fault: Fault::Eio, on: None, files: None, when: When::Always };
        world.disks[leader].set_faults(Faults::none().rule(rule));
        let before = world.clock.monotonic();
        put_all(&meta, bucket, 3..6).await;
        let took = world.clock.monotonic() - before;
        assert!(took < Duration::from_secs(5), "P4: {took:?}");
        check_all(&meta, bucket, 0..6).await;
        meta.shutdown().await;
    });
}

#[test]
fn a_leader_that_answers_nobody_is_replaced_and_commands_apply_once() {
    for seed in holdfast_sim::seeds(2) {
        holdfast_sim::run(async {
            let world = World::new(seed, 3);
            let meta = world.open().await;
            let bucket = bucket(&meta, "b").await;
            let rule = Rule {
                fault: Fault::Stall,
                on: Some(OpKind::Write),
                files: None,
                when: When::Nth(1),
            };
            let leader = leader_disk(&world, &status(&meta).await);
            // Its log hangs in the middle of a write for 30 s, then goes on.
            world.disks[leader].set_faults(Faults::none().rule(rule));
            let create = Command::CreateBucket { name: "once".into(), now: WallMs(1) };
            let outcome = meta.execute(create).await;
            assert!(
                matches!(outcome, Ok(Outcome::Bucket(_)) | Err(MetaError::Unavailable(_))),
                "seed {seed}: {outcome:?}"
            );
            world.clock.sleep(Duration::from_secs(40)).await;
            put_all(&meta, bucket, 0..3).await;
            check_all(&meta, bucket, 0..3).await;
            meta.shutdown().await;
        });
    }
}

#[test]
fn two_of_three_are_enough_to_start_and_the_third_catches_up() {
    for seed in holdfast_sim::seeds(2) {
        holdfast_sim::run(async {
            let mut world = World::new(seed, 3);
            let meta = world.open().await;
            let bucket = bucket(&meta, "b").await;
            put_all(&meta, bucket, 0..5).await;
            let away = (seed % 3) as usize;
            world.crash();
            drop(meta);
            let rule = Rule { fault: Fault::Eio, on: None, files: None, when: When::Always };
            world.disks[away].set_faults(Faults::none().rule(rule));
            let meta = world.open().await;
            check_all(&meta, bucket, 0..5).await;
            put_all(&meta, bucket, 5..400).await;
            // What the third one lacks is purged meanwhile: a snapshot must bring it.
            for _ in 0..3 {
                meta.checkpoint().await;
                world.clock.sleep(Duration::from_secs(2)).await;
                put_all(&meta, bucket, 400..500).await;
            }
            meta.shutdown().await;
            world.disks[away].set_faults(Faults::none());
            let meta = world.open().await;
            put_all(&meta, bucket, 500..510).await;
            world.clock.sleep(Duration::from_secs(20)).await;
            let status = status(&meta).await;
            let applied: Vec<u64> = status.replicas.iter().map(|r| r.applied).collect();
            assert!(
                applied.iter().all(|at| *at == applied[0]),
                "seed {seed}: {:?}",
                status.replicas
            );
            // Now the others go, one by one, and the third one has it all.
            let other = (away + 1) % 3;
            let rule = Rule { fault: Fault::Eio, on: None, files: None, when: When::Always };
            world.disks[other].set_faults(Faults::none().rule(rule));
            put_all(&meta, bucket, 510..515).await;
            check_all(&meta, bucket, 0..515).await;
            meta.shutdown().await;
        });
    }
}

#[test]
fn a_wiped_replica_under_its_old_number_is_refused() {
    holdfast_sim::run(async {
        let mut world = World::new(3, 3);
        let meta = world.open().await;
        let bucket = bucket(&meta, "b").await;
        put_all(&meta, bucket, 0..5).await;
        meta.shutdown().await;
        world.disks[1] = SimDisk::new("fresh", 99, world.clock.clone());
        let meta = world.open().await;
        check_all(&meta, bucket, 0..5).await;
        put_all(&meta, bucket, 5..8).await;
        let status = status(&meta).await;
        assert!(status.replicas[1].state.contains("empty"), "U1: {:?}", status.replicas);
        meta.shutdown().await;
    });
}

#[test]
fn without_a_majority_the_answer_is_an_error_within_the_deadline() {
    holdfast_sim::run(async {
        let world = World::new(4, 3);
        let meta = world.open().await;
        let bucket = bucket(&meta, "b").await;
        for lost in 0..2 {
            let rule = Rule { fault: Fault::Eio, on: None, files: None, when: When::Always };
            world.disks[lost].set_faults(Faults::none().rule(rule));
        }
        let before = world.clock.monotonic();
        let outcome = meta.execute(put(bucket, "k", "v")).await;
        let took = world.clock.monotonic() - before;
        assert!(matches!(outcome, Err(MetaError::Unavailable(_))), "{outcome:?}");
        assert!(took < Duration::from_secs(15), "{took:?}");
        meta.shutdown().await;
    });
}
