//! Bodies that stream in and out while something goes wrong.

use holdfast_base::limits::{INTENT_MS, READ_GRACE_MS};

use super::*;

#[test]
fn u2_what_is_recorded_of_a_long_body_was_synced_before() {
    holdfast_sim::run(async {
        let bench = Bench::of(2, Config::new("1+1".parse().unwrap())).await;
        let piece = content(5, 2 << 20);
        let mut writer = bench.writer(Some(36 * piece.len()));
        for _ in 0..36 {
            writer.write(piece.clone()).await.unwrap();
        }
        writer.finish().await.unwrap(); // `Watched` looks.
        assert_eq!(bench.plan.extended.load(Ordering::Relaxed), 1, "32 blobs at once");
    });
}

#[test]
fn u4_a_writer_that_erred_once_takes_nothing_any_more() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let mut writer = bench.writer(None);
        writer.write(content(1, 100_000)).await.unwrap();
        bench.clock.sleep(Duration::from_millis(INTENT_MS / 2)).await;
        bench.watched.refuses.store(true, Ordering::Relaxed);
        assert!(writer.write(content(2, 100_000)).await.is_err(), "its intent was not renewed");
        bench.watched.refuses.store(false, Ordering::Relaxed);
        assert!(writer.write(content(3, 100_000)).await.is_err(), "U4: there would be a gap");
        assert!(writer.finish().await.is_err(), "U4");
    });
}

#[test]
fn o3_a_reader_that_erred_once_gives_nothing_any_more() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let len = 9 << 20;
        let stored = bench.put(&content(1, len)).await.unwrap();
        let Body::Stored { id, .. } = stored.body else { panic!("inline") };
        for shard in 0..3 {
            let place = (stored.blobs[0].1.drives[shard], id.blob(0).shard(shard), 0);
            bench.plan.rot.lock().unwrap().insert(place);
        }
        let mut reader = bench.store.reader(bench.reading(&stored, len));
        let mut first = reader.next().await;
        while matches!(first, Ok(Some(_))) {
            first = reader.next().await;
        }
        assert!(matches!(first, Err(StoreError::Unreadable { .. })), "{first:?}");
        for _ in 0..3 {
            assert!(reader.next().await.is_err(), "O3: bytes after a gap");
        }
    });
}

#[test]
fn g1_a_record_that_is_none_is_an_error() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let mut stored = bench.put(&content(1, 9000)).await.unwrap();
        stored.blobs[0].1.drives.pop();
        let mut reader = bench.store.reader(bench.reading(&stored, 9000));
        assert!(matches!(reader.next().await, Err(StoreError::NoRecord(_))), "G1");
    });
}

#[test]
fn what_a_read_finds_bad_is_healed() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (bytes, blob, record) = bench.commit("key", 9000).await;
        bench.rot(blob, 1, 0);
        let inner = &bench.store.inner;
        let got = super::super::fetch::fetch(inner, blob, &record, (0, bytes.len())).await.unwrap();
        assert!(got.concat() == bytes);
        assert_eq!(bench.store.heal_once().await.unwrap().shards, 1);
    });
}

#[test]
fn o5_what_a_writer_holds_is_of_the_budget_and_comes_back_when_it_goes() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let granted = || bench.store.inner.write_budget.granted();
        let mut little = bench.writer(None);
        little.write(content(1, 50_000)).await.unwrap();
        assert!(granted() >= 50_000, "O5: {}", granted());
        let mut much = bench.writer(Some(8 << 20));
        much.write(content(2, 100_000)).await.unwrap();
        assert!(granted() >= 50_000 + (12 << 20), "O5: {}", granted());
        drop((little, much));
        assert_eq!(granted(), 0, "writers that were dropped");
    });
}

#[test]
fn of_two_reads_that_began_together_the_second_still_counts() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (_, blob, _) = bench.commit("key", 9000).await;
        let (one, other) = (bench.store.lease(), bench.store.lease());
        bench.clock.sleep(Duration::from_millis(10)).await;
        bench.meta.delete(&Bytes::from_static(b"key"));
        drop(one);
        bench.clock.sleep(Duration::from_millis(3 * READ_GRACE_MS)).await;
        assert_eq!(bench.store.collect_once().await.unwrap(), 0, "R3, O4");
        drop(other);
        assert_eq!(bench.store.collect_once().await.unwrap(), 1);
        assert!(!bench.has(DriveNo(0), blob.shard(0)).await);
    });
}

#[test]
fn garbage_is_forgotten_when_every_drive_has_deleted_it() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        bench.commit("key", 9000).await;
        bench.meta.delete(&Bytes::from_static(b"key"));
        bench.clock.sleep(Duration::from_millis(2 * READ_GRACE_MS)).await;
        bench.plan.fail_delete.store(1, Ordering::Relaxed);
        assert_eq!(bench.store.collect_once().await.unwrap(), 0);
        assert_eq!(bench.meta.state().garbage.len(), 1);
        assert_eq!(bench.store.collect_once().await.unwrap(), 1);
        for no in 0..6 {
            assert_eq!(bench.stored(no).await, []);
        }
    });
}
