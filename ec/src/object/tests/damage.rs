//! What is read, rebuilt and counted while drives are wrong, or not the ones that they were.

use holdfast_base::checksum::{leaf, root};

use super::super::rebuild::{Sources, remake, survey};
use super::super::verify::verify;
use super::*;

/// Two blobs; the first one is written when the second begins, and synced at the end.
const LEN: usize = 9 << 20;
const FIRST: usize = (8 << 20) + 1000;

/// Every shard that a record counts is on its drive; the shards that it names as missing.
async fn counted(bench: &Bench, stored: &StoredBody) -> Vec<usize> {
    let Body::Stored { id, .. } = stored.body else { panic!("inline") };
    for (index, record) in &stored.blobs {
        for (shard, no) in record.drives.iter().enumerate() {
            let is_there = bench.has(*no, id.blob(*index).shard(shard)).await;
            let is_missing = record.missing.contains(&(shard as u8));
            assert_ne!(is_there, is_missing, "blob {index}, shard {shard} on drive {no}");
        }
    }
    stored.blobs.iter().map(|(_, record)| record.missing.len()).collect()
}

#[test]
fn a5_a_shard_counts_only_while_its_drive_is_in_its_slot() {
    for (drives, swapped) in [(6, 1), (7, 2)] {
        holdfast_sim::run(async move {
            let bench = Bench::new(drives).await;
            let bytes = content(3, LEN);
            let mut writer = bench.writer(Some(LEN));
            writer.write(bytes.slice(..FIRST)).await.unwrap();
            bench.clock.sleep(Duration::from_secs(2)).await;
            for no in 0..swapped {
                bench.give_drive(no, 2).await; // The first blob is on one of them at least.
            }
            writer.write(bytes.slice(FIRST..)).await.unwrap();
            let stored = writer.finish().await.unwrap();
            let missing = counted(&bench, &stored).await;
            assert!(drives > 6 || missing == [1, 0], "A5: {missing:?}");
            assert!(bench.get(&stored, LEN).await == bytes);
        });
    }
}

#[test]
fn a6_a_failed_sync_takes_back_all_that_its_drive_took_since_the_last_one() {
    holdfast_sim::run(async {
        for (fail, want) in [(1, Some([1, 1])), (2, None)] {
            let bench = Bench::new(6).await;
            let bytes = content(4, LEN);
            let mut writer = bench.writer(Some(LEN));
            writer.write(bytes).await.unwrap();
            bench.plan.fail_sync.store(fail, Ordering::Relaxed);
            let missing = writer.finish().await.map(|stored| {
                let missing = stored.blobs.iter().map(|(_, record)| record.missing.len());
                missing.collect::<Vec<_>>()
            });
            match want {
                Some(want) => assert_eq!(missing.unwrap(), want, "A6"),
                None => assert!(missing.is_err(), "A6: two of 4+2 are no quorum: {missing:?}"),
            }
        }
    });
}

/// Four shards of six are damaged, no leaf on more than two of them.
async fn scattered(bench: &Bench) -> (Bytes, BlobId) {
    let (bytes, blob, _) = bench.commit("key", 4 * (128 << 10)).await;
    for (shard, leaf) in [(0, 0), (1, 1), (2, 5), (3, 5), (4, 1)] {
        bench.rot(blob, shard, leaf);
    }
    (bytes, blob)
}

#[test]
fn y1_whatever_a_drive_gives_back_otherwise_is_no_shard() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (_, blob, record) = bench.commit("key", 400_000).await;
        let range = ShardRange { shard: blob.shard(1), from: LEAF_BYTES, to: 2 * LEAF_BYTES };
        let found = bench.drive(record.drives[1]).read(range).await.unwrap();
        let check = |why: &str, change: &dyn Fn(&mut ShardBytes)| {
            let mut changed = found.clone();
            change(&mut changed);
            let is_sound = why.is_empty();
            assert_eq!(verify(&record, range, changed).is_ok(), is_sound, "Y1: {why}");
        };
        let resealed = |found: &mut ShardBytes| {
            found.head.roots[1] = root(range.shard, &found.leaves);
        };
        check("", &|_| {});
        check("another shard", &|found| found.head.shard = blob.shard(2));
        check("another cut", &|found| found.head.layout.len -= 1);
        check("a root too few", &|found| found.head.roots.truncate(5));
        check("another root", &|found| found.head.roots[4] = found.head.roots[0]);
        check("a leaf too few", &|found| found.leaves.truncate(6));
        check("another leaf", &|found| found.leaves[3] = found.leaves[0]);
        check("other bytes, and their leaf", &|found| {
            let bytes = Bytes::from(vec![7; LEAF_BYTES]);
            found.leaves[1] = leaf(range.shard, 1, &bytes);
            found.bytes = bytes;
        });
        check("other bytes, their leaf and their root", &|found| {
            let bytes = Bytes::from(vec![7; LEAF_BYTES]);
            found.leaves[1] = leaf(range.shard, 1, &bytes);
            found.bytes = bytes;
            resealed(found);
        });
        check("too few bytes", &|found| found.bytes.truncate(LEAF_BYTES - 1));
        check("none", &|found| found.bytes.clear());
        check("from elsewhere", &|found| found.first_leaf = 2);
        check("from nowhere", &|found| found.first_leaf = usize::MAX);
    });
}

async fn read(bench: &Bench, blob: BlobId, len: usize) -> Result<Vec<u8>, StoreError> {
    let record = bench.record(blob);
    let pieces = super::super::fetch::fetch(&bench.store.inner, blob, &record, (0, len)).await?;
    Ok(pieces.concat())
}

#[test]
fn f1_damage_in_different_leaves_of_many_shards_is_no_loss() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (bytes, blob) = scattered(&bench).await;
        assert!(read(&bench, blob, bytes.len()).await.unwrap() == bytes, "F1");
        bench.rot(blob, 5, 5);
        let lost = read(&bench, blob, bytes.len()).await;
        assert!(matches!(lost, Err(StoreError::Unreadable { .. })), "one leaf on three shards");
    });
}

#[test]
fn f1_a_heal_puts_together_what_scattered_damage_left() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (bytes, blob) = scattered(&bench).await;
        bench.store.scrub_once().await.unwrap();
        bench.store.heal_once().await.unwrap();
        assert!(bench.record(blob).missing.is_empty(), "{:?}", bench.record(blob));
        assert!(bench.plan.rot.lock().unwrap().is_empty(), "every damaged shard was made anew");
        assert!(read(&bench, blob, bytes.len()).await.unwrap() == bytes);
    });
}

#[test]
fn x2_what_a_wrong_decode_makes_is_refused() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (_, blob, record) = bench.commit("key", 300_000).await;
        let inner = &bench.store.inner;
        let mut found = survey(inner, blob, &record, &[0, 1, 2, 4]).await;
        let made = remake(inner, blob, &record, (&Sources::of(&found), &[3, 5])).await.unwrap();
        let right = survey(inner, blob, &record, &[3, 5]).await;
        for write in &made {
            let shard = usize::from(write.head.shard.index.0);
            let want = &right[&shard].as_ref().unwrap().bytes;
            assert!(write.buf[write.room..][..want.len()] == want[..], "shard {shard}");
        }
        // Verified once, and wrong when it is used: memory, or the codec.
        let source = found.get_mut(&1).unwrap().as_mut().unwrap();
        let mut bytes = source.bytes.to_vec();
        bytes[7] ^= 1;
        source.bytes = Bytes::from(bytes);
        let made = remake(inner, blob, &record, (&Sources::of(&found), &[3, 5])).await;
        assert!(matches!(made, Err(StoreError::Unreadable { .. })), "X2");
    });
}
