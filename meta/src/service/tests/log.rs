//! LogService.

use std::time::Duration;

use holdfast_api::log::{LogError, LogService};
use holdfast_base::{ByteCount, Epoch, Lsn};

use super::*;

const ALL: ByteCount = ByteCount(u64::MAX);

fn bytes(n: usize) -> Vec<Bytes> {
    vec![Bytes::from(vec![n as u8; n])]
}

#[test]
fn records_are_accepted_in_order_of_one_epoch_and_kept_until_truncated() {
    for replicas in [1, 3] {
        holdfast_sim::run(async {
            let mut world = World::new(2, replicas);
            let meta = world.open().await;
            let epoch = meta.grant().await.unwrap();
            let first = meta.append(epoch, 1, bytes(10)).await.unwrap();
            let second = meta.append(epoch, 2, bytes(20)).await.unwrap();
            assert!(first < second);
            assert_eq!(meta.append(epoch, 2, bytes(20)).await, Ok(second), "T2: sent again");
            let skipped = meta.append(epoch, 4, bytes(1)).await;
            assert_eq!(skipped, Err(LogError::OutOfOrder { given: 4, next: 3 }));
            let next = meta.grant().await.unwrap();
            let fenced = meta.append(epoch, 3, bytes(1)).await;
            assert_eq!(fenced, Err(LogError::Fenced { given: epoch, current: next }));
            let third = meta.append(next, 1, bytes(30)).await.unwrap();
            meta.truncate(next, first).await.unwrap();
            world.crash();
            drop(meta);
            let meta = world.open().await;
            let read = meta.read(first, ALL).await.unwrap();
            let lsns: Vec<Lsn> = read.iter().map(|record| record.lsn).collect();
            assert_eq!(lsns, [second, third], "T1, T3");
            let gone = meta.read(Lsn::default(), ALL).await;
            assert_eq!(gone, Err(LogError::Truncated { from: Lsn::default(), truncated: first }));
            let bounds = meta.bounds().await.unwrap();
            assert_eq!((bounds.truncated, bounds.last, bounds.epoch), (first, third, next));
            meta.shutdown().await;
        });
    }
}

#[test]
fn a_follower_waits_and_sees_every_accepted_record() {
    for replicas in [1, 3] {
        holdfast_sim::run(async {
            let world = World::new(7, replicas);
            let meta = world.open().await;
            let epoch = meta.grant().await.unwrap();
            let follower = tokio::spawn({
                let meta = meta.clone();
                async move {
                    let (mut after, mut seen) = (Lsn::default(), Vec::new());
                    while seen.len() < 10 {
                        for record in meta.follow(after, ByteCount(50)).await.unwrap() {
                            after = record.lsn;
                            seen.push(record.seq);
                        }
                    }
                    seen
                }
            });
            for seq in 1..=10 {
                meta.append(epoch, seq, bytes(seq as usize * 5)).await.unwrap();
                world.clock.sleep(Duration::from_millis(300 * (seq % 3))).await;
            }
            assert_eq!(follower.await.unwrap(), (1..=10).collect::<Vec<u64>>());
            meta.shutdown().await;
        });
    }
}

#[test]
fn a_full_log_refuses_appends_and_can_always_be_emptied() {
    holdfast_sim::run(async {
        let world = World::new(1, 1);
        let mut config = world.config();
        config.log_budget = ByteCount(2000);
        let meta = Meta::open(config).await.unwrap();
        let epoch = meta.grant().await.unwrap();
        let mut seq = 0;
        let mut last = Lsn::default();
        let full = loop {
            seq += 1;
            match meta.append(epoch, seq, bytes(200)).await {
                Ok(lsn) => last = lsn,
                Err(error) => break error,
            }
        };
        assert!(matches!(full, LogError::Full { budget: ByteCount(2000), .. }), "T4: {full:?}");
        let next = meta.grant().await.unwrap();
        assert_eq!(next, Epoch(epoch.0 + 1), "T4: a grant works");
        meta.truncate(next, last).await.unwrap();
        assert_eq!(meta.bounds().await.unwrap().bytes, ByteCount(0));
        meta.append(next, 1, bytes(200)).await.unwrap();
        meta.shutdown().await;
    });
}
