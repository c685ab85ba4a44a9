//! One situation each.

use super::*;

fn run(work: impl Future<Output = ()>) {
    holdfast_sim::run(work);
}

#[test]
fn what_was_written_is_read_back_also_after_a_restart() {
    run(async {
        let mut bench = Bench::new(1).await;
        for no in 0..40 {
            bench.write(no, 1, Durability::Durable).await.unwrap();
        }
        for round in 0..3 {
            for no in 0..40 {
                assert_eq!(bench.value(no).await.unwrap(), Some(1), "{no} in round {round}");
            }
            assert_eq!(bench.value(99).await.unwrap(), None);
            let status = bench.store().status();
            assert_eq!((status.shards, status.state, status.errors), (40, DriveState::Online, 0));
            if round == 0 {
                bench.store().close().await;
            }
            bench.restart(round == 1).await;
        }
    });
}

#[test]
fn any_range_is_covered_by_its_leaves() {
    run(async {
        let bench = Bench::new(2).await;
        let no = (0..).find(|no| payload(*no, 1).len() > 80_000).unwrap();
        let whole = payload(no, 1);
        bench.write(no, 1, Durability::Later).await.unwrap();
        for from in (0..whole.len()).step_by(4999) {
            for to in [from, from + 1, from + 16_384, whole.len()] {
                let range = ShardRange { shard: id(no), from, to: to.min(whole.len()) };
                let answer = bench.store().read(range).await.unwrap();
                let begin = answer.first_leaf * 16_384;
                assert!(begin <= from && begin + answer.bytes.len() >= range.to, "{range:?}");
                assert_eq!(answer.bytes, whole[begin..begin + answer.bytes.len()], "{range:?}");
                assert!(answer.bytes.len() < range.to - from + 2 * 16_384, "{range:?}: too much");
            }
        }
        for (from, to) in [(0, whole.len() + 1), (5, 4), (0, usize::MAX)] {
            let answer = bench.store().read(ShardRange { shard: id(no), from, to }).await;
            assert!(matches!(answer, Err(DriveError::OutOfRange { .. })), "{from}..{to}");
        }
    });
}

#[test]
fn deleted_space_is_used_again() {
    run(async {
        let bench = Bench::new(3).await;
        bench.disk.set_capacity(3 << 20);
        for round in 0..30 {
            for no in 0..20 {
                bench.write(no, round, Durability::Durable).await.unwrap_or_else(|error| {
                    panic!("round {round}, shard {no}: {error}");
                });
            }
            bench.store().delete((0..20).map(id).collect()).await.unwrap();
            bench.sleep(Duration::from_secs(3)).await;
        }
        assert_eq!(bench.store().status().shards, 0);
    });
}

#[test]
fn a_full_disk_refuses_writes_and_takes_them_again() {
    run(async {
        let bench = Bench::new(4).await;
        bench.disk.set_capacity(2 << 20);
        let mut kept = 0;
        let refused = loop {
            match bench.write(kept, 1, Durability::Durable).await {
                Ok(()) => kept += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, DriveError::Full { .. }), "{refused}");
        assert_eq!(bench.store().status().state, DriveState::Online);
        for no in 0..kept {
            assert_eq!(bench.value(no).await.unwrap(), Some(1), "reads go on");
        }
        bench.store().delete((0..kept).step_by(2).map(id).collect()).await.unwrap();
        bench.sleep(Duration::from_secs(60)).await;
        // A client asks, and again once there was time to make room.
        let _ = bench.write(1000, 1, Durability::Durable).await;
        bench.sleep(Duration::from_secs(60)).await;
        for no in 0..kept * 3 / 8 {
            bench.write(1000 + no, 1, Durability::Durable).await.unwrap();
        }
        for no in (1..kept).step_by(2) {
            assert_eq!(bench.value(no).await.unwrap(), Some(1), "compaction lost nothing");
        }
    });
}

#[test]
fn a_flipped_byte_costs_one_shard() {
    run(async {
        let mut bench = Bench::new(5).await;
        for no in 0..12 {
            bench.write(no, 1, Durability::Durable).await.unwrap();
        }
        bench.restart(false).await;
        // Also with the footer gone: the scan finds what the footer would have told.
        for footer in [true, false] {
            let name = segment::SegmentNo(1).file_name();
            let len = bench.disk.contents(&name).unwrap().len() as u64;
            if !footer {
                bench.store = None;
                bench.disk = bench.disk.kill();
                assert!(bench.disk.tamper(&name, len - 1, |byte| *byte ^= 1));
                bench.open().await.unwrap();
            }
            for at in (0..len - 4096).step_by(512) {
                assert!(bench.disk.tamper(&name, at + 40, |byte| *byte ^= 0x10));
                bench.restart(false).await;
                let mut lost = 0;
                for no in 0..12 {
                    lost += u32::from(bench.value(no).await.ok() != Some(Some(1)));
                }
                assert!(lost <= 1, "C1: a flip at {at} cost {lost} shards, footer {footer}");
                // The restart wrote a footer over the damage only if there was none.
                bench.disk.tamper(&name, at + 40, |byte| *byte ^= 0x10);
                if !footer {
                    bench.disk.tamper(&name, len - 1, |byte| *byte ^= 1);
                }
            }
        }
    });
}

#[test]
fn a_failed_write_takes_the_drive_offline_for_good() {
    run(async {
        for (fault, on) in
            [(Fault::Eio, OpKind::Write), (Fault::Eio, OpKind::Sync), (Fault::Stall, OpKind::Write)]
        {
            let bench = Bench::new(6).await;
            bench.write(1, 1, Durability::Durable).await.unwrap();
            bench.write(2, 1, Durability::Later).await.unwrap();
            bench.disk.set_faults(Faults::none().with(fault, on, When::Always));
            for _ in 0..4 {
                let (write, sync) = (bench.write(3, 1, Durability::Durable), bench.store().sync());
                let (write, sync) = tokio::join!(write, sync);
                assert!(write.is_err() || sync.is_err(), "{fault:?} at {on:?}");
            }
            bench.disk.set_faults(Faults::none());
            assert!(matches!(bench.store().status().state, DriveState::Offline(_)), "{fault:?}");
            let read = bench.value(1).await;
            assert!(matches!(read, Err(DriveError::Offline { .. })), "{fault:?} at {on:?}");
            assert!(bench.store().status().shards >= 2, "figures stay readable");
        }
    });
}

#[test]
fn a_replaced_directory_is_noticed_within_two_seconds() {
    use holdfast_sim::disk::Damage;
    run(async {
        for damage in [Damage::Emptied, Damage::Replaced, Damage::Dead] {
            let bench = Bench::new(7).await;
            bench.write(1, 1, Durability::Durable).await.unwrap();
            bench.disk.damage(damage);
            bench.sleep(Duration::from_secs(if damage == Damage::Dead { 5 } else { 2 })).await;
            assert!(
                matches!(bench.store().status().state, DriveState::Offline(_)),
                "{damage:?}: {:?}",
                bench.store().status()
            );
        }
        let bench = Bench::new(8).await;
        let other = Identity { drive: DriveId([9; 16]), ..IDENTITY };
        identity::write(&bench.disk.drive(), &other).await.unwrap();
        bench.sleep(Duration::from_secs(2)).await;
        assert!(matches!(bench.store().status().state, DriveState::Offline(_)), "formatted anew");
    });
}

#[test]
fn a_read_error_of_one_frame_leaves_the_drive_online() {
    run(async {
        let bench = Bench::new(9).await;
        bench.write(1, 1, Durability::Durable).await.unwrap();
        bench.disk.set_faults(Faults::none().with(Fault::Eio, OpKind::Read, When::Nth(1)));
        assert!(matches!(bench.value(1).await, Err(DriveError::Disk { .. })));
        assert_eq!(bench.value(1).await.unwrap(), Some(1));
        let status = bench.store().status();
        assert_eq!((status.state, status.errors), (DriveState::Online, 1));
    });
}

#[test]
fn compaction_leaves_a_damaged_frame_findable() {
    run(async {
        let bench = Bench::new(10).await;
        for no in 0..30 {
            bench.write(no, 1, Durability::Durable).await.unwrap();
        }
        let name = segment::SegmentNo(1).file_name();
        let victim = bench.disk.contents(&name).unwrap();
        let hit = payload(2, 1);
        let at = victim.windows(64).position(|bytes| bytes == &hit[..64]).unwrap() as u64;
        assert!(bench.disk.tamper(&name, at + 20, |byte| *byte ^= 4));
        let others: Vec<_> = (0..30).filter(|no| *no != 2 && no % 10 != 0).map(id).collect();
        bench.store().delete(others).await.unwrap();
        bench.sleep(Duration::from_secs(30)).await;
        assert!(bench.store().status().errors >= 1, "K3: it is counted");
        assert!(matches!(bench.value(2).await, Err(DriveError::Corrupt { .. })), "K3");
        for no in (0..30).step_by(10) {
            assert_eq!(bench.value(no).await.unwrap(), Some(1), "shard {no}");
        }
        bench.write(2, 2, Durability::Durable).await.unwrap();
        bench.sleep(Duration::from_secs(30)).await;
        assert_eq!(bench.value(2).await.unwrap(), Some(2), "healed");
    });
}

#[test]
fn shards_are_listed_in_order_and_in_pages() {
    run(async {
        let bench = Bench::new(11).await;
        for no in 0..25 {
            bench.write(no, 1, Durability::Later).await.unwrap();
        }
        bench.store().delete(vec![id(3), id(77)]).await.unwrap();
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = bench.store().list(after, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.shard);
            all.extend(page.into_iter().map(|stored| stored.shard));
        }
        assert_eq!(all, (0..25).filter(|no| *no != 3).map(id).collect::<Vec<_>>());
    });
}
