//! One voter.

use super::*;

#[test]
fn what_was_answered_is_there_after_a_power_cut() {
    for seed in holdfast_sim::seeds(8) {
        holdfast_sim::run(async {
            let mut world = World::new(seed, 1);
            let meta = world.open().await;
            let bucket = bucket(&meta, "photos").await;
            for n in 0..20 {
                let outcome = meta.execute(put(bucket, &format!("k{n}"), &format!("v{n}"))).await;
                assert!(matches!(outcome, Ok(Outcome::Object { .. })), "seed {seed}: {outcome:?}");
            }
            world.crash();
            drop(meta);
            let meta = world.open().await;
            for n in 0..20 {
                let found = get(&meta, bucket, &format!("k{n}")).await;
                assert_eq!(found, Some(small(&format!("v{n}"))), "seed {seed}: k{n}");
            }
            meta.shutdown().await;
            let meta = world.open().await;
            assert_eq!(get(&meta, bucket, "k7").await, Some(small("v7")));
            meta.shutdown().await;
        });
    }
}

#[test]
fn a_drive_of_another_cluster_is_refused() {
    holdfast_sim::run(async {
        let world = World::new(1, 1);
        world.open().await.shutdown().await;
        let mut config = world.config();
        config.cluster = ClusterId([9; 16]);
        let error = Meta::open(config).await.err().unwrap().to_string();
        assert!(error.contains("of cluster"), "{error}");
    });
}

#[test]
fn one_of_many_conditional_puts_wins() {
    holdfast_sim::run(async {
        let world = World::new(11, 1);
        let meta = world.open().await;
        let bucket = bucket(&meta, "b").await;
        for round in 0..10 {
            let key = format!("k{round}");
            let racers = (0..16).map(|n| {
                let (meta, key) = (meta.clone(), key.clone());
                tokio::spawn(async move {
                    let mut command = put(bucket, &key, &format!("{n}"));
                    if let Command::PutObject(put) = &mut command {
                        put.condition.if_none_match = vec!["*".into()];
                    }
                    (n, meta.execute(command).await.unwrap())
                })
            });
            let mut won = Vec::new();
            for racer in racers.collect::<Vec<_>>() {
                match racer.await.unwrap() {
                    (n, Outcome::Object { .. }) => won.push(n),
                    (_, Outcome::Refused(holdfast_api::meta::Refusal::ConditionFailed)) => {}
                    (n, other) => panic!("{n}: {other:?}"),
                }
            }
            assert_eq!(won.len(), 1, "M4: {won:?}");
            assert_eq!(get(&meta, bucket, &key).await, Some(small(&won[0].to_string())));
        }
        meta.shutdown().await;
    });
}

#[test]
fn the_log_is_purged_by_checkpoints_and_stays_small() {
    holdfast_sim::run(async {
        let mut world = World::new(12, 1);
        let meta = world.open().await;
        let bucket = bucket(&meta, "b").await;
        for round in 0..8 {
            for n in 0..40 {
                let text = "x".repeat(3000);
                meta.execute(put(bucket, &format!("k{round}-{n}"), &text)).await.unwrap();
            }
            meta.checkpoint().await;
            world.clock.sleep(std::time::Duration::from_secs(1)).await;
        }
        let Ok(Answer::Status(status)) = meta.query(Query::Status).await else { panic!() };
        let replica = &status.replicas[0];
        assert!(replica.purged + 50 > replica.last, "{replica:?}");
        // 960 KiB of entries went through; two spare segments may wait.
        assert!(replica.log_bytes.0 <= 4 * (128 << 10), "{replica:?}");
        world.crash();
        drop(meta);
        let meta = world.open().await;
        for round in 0..8 {
            let found = get(&meta, bucket, &format!("k{round}-39")).await;
            let Ok(Answer::Status(now)) = meta.query(Query::Status).await else { panic!() };
            assert!(found.is_some(), "round {round}: {status:?} {now:?}");
        }
        meta.shutdown().await;
    });
}

#[test]
fn a_service_whose_power_goes_at_any_io_keeps_what_it_answered() {
    let (mut cuts, mut answered) = (0, 0);
    for seed in holdfast_sim::seeds(60) {
        holdfast_sim::run(async {
            let mut world = World::new(seed, 1);
            let mut bucket_id = None;
            let mut kept: Vec<(String, String)> = Vec::new();
            for life in 0..4u64 {
                let at = 1 + world.rng.below(160);
                world.disks[0].set_faults(holdfast_sim::disk::Faults::none().crash_at(at));
                if let Ok(meta) = Meta::open(world.config()).await {
                    if bucket_id.is_none() {
                        let create = Command::CreateBucket { name: "b".into(), now: WallMs(1) };
                        if let Ok(Outcome::Bucket(bucket)) = meta.execute(create).await {
                            bucket_id = Some(bucket.id);
                        }
                    }
                    let Some(bucket) = bucket_id else { break };
                    for (key, text) in &kept {
                        let key = Bytes::copy_from_slice(key.as_bytes());
                        match meta.query(Query::Object { bucket, key, at: 0, blobs: 1 }).await {
                            Ok(Answer::Object(found)) => {
                                let found = found.map(|(object, _)| object);
                                assert_eq!(found, Some(small(text)), "seed {seed}, life {life}");
                            }
                            Err(_) => break,
                            other => panic!("{other:?}"),
                        }
                    }
                    for n in 0..40 {
                        let (key, text) = (format!("{life}-{n}"), format!("{seed}-{life}-{n}"));
                        if n % 13 == 7 {
                            meta.checkpoint().await;
                        }
                        match meta.execute(put(bucket, &key, &text)).await {
                            Ok(Outcome::Object { .. }) => kept.push((key, text)),
                            Ok(other) => panic!("seed {seed}: {other:?}"),
                            Err(_) => break,
                        }
                    }
                }
                world.crash();
                cuts += 1;
            }
            if let Some(bucket) = bucket_id {
                world.disks[0].set_faults(holdfast_sim::disk::Faults::none());
                let meta = world.open().await;
                for (key, text) in &kept {
                    assert_eq!(
                        get(&meta, bucket, key).await,
                        Some(small(text)),
                        "seed {seed}: {key}"
                    );
                }
                answered += kept.len();
                meta.shutdown().await;
            }
        });
    }
    println!("service: {cuts} power cuts, {answered} answered PUTs, all kept");
}

#[test]
fn a_command_whose_answer_was_late_is_sent_again_and_applied_once() {
    holdfast_sim::run(async {
        let world = World::new(21, 1);
        let meta = world.open().await;
        let bucket = bucket(&meta, "b").await;
        for round in 0..5 {
            use holdfast_sim::disk::{Fault, Faults, When};
            let mut faults = Faults::none();
            faults.stall = std::time::Duration::from_secs(5);
            let write = holdfast_io::disk::OpKind::Write;
            world.disks[0].set_faults(faults.with(Fault::Stall, write, When::Nth(1)));
            // The attempt ends after 3 s, the write after 5, the deadline comes after 10.
            let create = Command::CreateBucket { name: format!("n{round}"), now: WallMs(1) };
            let outcome = meta.execute(create).await;
            assert!(matches!(outcome, Ok(Outcome::Bucket(_))), "M2: {outcome:?}");
        }
        meta.execute(put(bucket, "k", "v")).await.unwrap();
        meta.shutdown().await;
    });
}

#[test]
fn a_full_disk_refuses_writes_and_the_service_recovers_when_there_is_room() {
    holdfast_sim::run(async {
        use holdfast_sim::disk::{Fault, Faults, Rule, When};
        let world = World::new(31, 1);
        let meta = world.open().await;
        let bucket = bucket(&meta, "b").await;
        let mut kept = Vec::new();
        for n in 0..10 {
            meta.execute(put(bucket, &format!("k{n}"), "before")).await.unwrap();
            kept.push(format!("k{n}"));
        }
        let on = Some(holdfast_io::disk::OpKind::Write);
        let files = Some("store-".to_owned());
        let rule = Rule { fault: Fault::Full, on, files, when: When::Always };
        world.disks[0].set_faults(Faults::none().rule(rule));
        meta.checkpoint().await;
        world.clock.sleep(std::time::Duration::from_secs(2)).await;
        let refused = meta.execute(put(bucket, "late", "v")).await;
        assert_eq!(refused, Err(holdfast_api::meta::MetaError::Full));
        world.disks[0].set_faults(Faults::none());
        world.clock.sleep(std::time::Duration::from_secs(12)).await;
        meta.execute(put(bucket, "after", "before")).await.unwrap();
        for key in kept {
            assert_eq!(get(&meta, bucket, &key).await, Some(small("before")), "{key}");
        }
        meta.shutdown().await;
    });
}
