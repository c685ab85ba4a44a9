//! What heal, scrub and collector do page after page, and while others change what they look at.
//! A page has four entries here (`census`).

use std::time::Duration;

use holdfast_base::limits::{INTENT_MS, READ_GRACE_MS};

use super::super::rebuild::rebuild;
use super::super::spread::write_durable;
use super::*;

/// As many blobs as three pages have, in the order of the walks.
async fn many(bench: &Bench) -> Vec<BlobId> {
    let mut blobs = Vec::new();
    for number in 0..12 {
        blobs.push(bench.commit(&format!("key-{number}"), 5000 + number).await.1);
    }
    blobs.sort_unstable();
    blobs
}

/// The shard of a blob that a drive has.
fn shard_on(bench: &Bench, blob: BlobId, no: u16) -> usize {
    bench.record(blob).drives.iter().position(|drive| *drive == DriveNo(no)).unwrap()
}

#[test]
fn j4_a_drive_is_healed_when_every_page_of_it_was_verified() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        for blob in many(&bench).await {
            bench.rot(blob, shard_on(&bench, blob, 2), 0);
        }
        let (no, id) = (DriveNo(2), DriveId([33; 16]));
        let heal = Command::SetHealing { no, id, healing: true };
        assert_eq!(bench.watched.execute(heal).await, Ok(Outcome::Done));
        bench.store.heal_once().await.unwrap();
        let rot = bench.plan.rot.lock().unwrap().len();
        assert_eq!(rot, 0, "J4: shards that the walk did not read");
        assert!(!bench.meta.state().drives[&no].healing, "J4");
    });
}

#[test]
fn j4_a_blob_that_is_committed_behind_the_walk_is_not_missed() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        // The first in the order of the walk, and not committed yet.
        let stored = bench.put(&content(1, 9000)).await.unwrap();
        let Body::Stored { id: body, .. } = stored.body else { panic!("inline") };
        bench.clock.sleep(Duration::from_millis(10)).await;
        many(&bench).await;
        bench.give_drive(2, 2).await;
        let (meta, mut commit, mut walks) = (bench.meta.clone(), Some(stored), 0);
        *bench.watched.hook.lock().unwrap() = Some(Box::new(move |query| {
            let Query::BlobsOnDrive { no: DriveNo(2), after, .. } = query else { return false };
            walks += u32::from(after.is_none());
            // The first walk only counts; the second one is past its first page.
            let is_past = walks == 2 && after.is_some();
            if is_past && let Some(stored) = commit.take() {
                meta.commit(&Bytes::from_static(b"late"), stored.body, stored.blobs).unwrap();
            }
            is_past
        }));
        bench.store.heal_once().await.unwrap();
        assert!(bench.watched.hook.lock().unwrap().is_none(), "the blob was committed");
        let blob = body.blob(0);
        let shard = shard_on(&bench, blob, 2);
        assert!(!bench.meta.state().drives[&DriveNo(2)].healing);
        assert!(bench.has(DriveNo(2), blob.shard(shard)).await, "J4");
    });
}

#[test]
fn v4_a_scrub_verifies_every_page_of_a_drive() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let blobs = many(&bench).await;
        for blob in &blobs {
            bench.rot(*blob, shard_on(&bench, *blob, 4), 0);
        }
        let scrubbed = bench.store.scrub_once().await.unwrap();
        assert_eq!((scrubbed.bad, scrubbed.good), (12, 60), "V4");
        assert!(blobs.iter().all(|blob| bench.record(*blob).missing.len() == 1), "queued");
    });
}

#[test]
fn one_sweep_finds_the_orphans_of_every_page() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        for number in 0..12 {
            bench.put(&content(number, 6000)).await.unwrap();
        }
        bench.store.sweep_once().await.unwrap();
        assert_eq!(bench.stored(3).await.len(), 12, "C1: they may still be committed");
        bench.clock.sleep(Duration::from_millis(INTENT_MS + 1000)).await;
        bench.store.sweep_once().await.unwrap();
        for no in 0..6 {
            assert_eq!(bench.stored(no).await, [], "drive {no}");
        }
    });
}

/// A committed blob with a second copy of one shard, on the drive that has none of it.
async fn copied(bench: &Bench) -> (BlobId, usize, DriveNo) {
    let (_, blob, record) = bench.commit("key", 9000).await;
    let other = (0..7).map(DriveNo).find(|no| !record.drives.contains(no)).unwrap();
    let made = rebuild(&bench.store.inner, blob, &record, &[1]).await.unwrap();
    let slots = bench.store.inner.drives.slots();
    for write in made {
        write_durable(&bench.store.inner, &slots[&other], write).await.unwrap();
    }
    (blob, 1, other)
}

#[test]
fn c3_a_leftover_is_deleted_when_it_was_seen_twice() {
    holdfast_sim::run(async {
        let bench = Bench::new(7).await;
        let (blob, shard, other) = copied(&bench).await;
        bench.store.sweep_once().await.unwrap();
        assert!(bench.has(other, blob.shard(shard)).await, "C3: a heal may just have written it");
        assert_eq!(bench.store.sweep_once().await.unwrap().leftovers, 1);
        assert!(!bench.has(other, blob.shard(shard)).await);
        assert!(bench.has(bench.record(blob).drives[shard], blob.shard(shard)).await);
    });
}

#[test]
fn c3_a_leftover_is_left_alone_while_a_heal_has_its_blob() {
    holdfast_sim::run(async {
        let bench = Bench::new(7).await;
        let (blob, shard, other) = copied(&bench).await;
        bench.store.sweep_once().await.unwrap();
        let claim = bench.store.inner.claims.take(blob);
        assert!(bench.store.inner.claims.take(blob).is_none(), "K1");
        for _ in 0..3 {
            bench.store.sweep_once().await.unwrap();
        }
        assert!(bench.has(other, blob.shard(shard)).await, "C3");
        drop(claim);
    });
}

#[test]
fn c3_a_shard_that_was_named_while_the_sweep_looked_is_no_leftover() {
    holdfast_sim::run(async {
        let bench = Bench::new(7).await;
        let (blob, shard, other) = copied(&bench).await;
        bench.store.sweep_once().await.unwrap();
        // After the lists were compared, a heal names the copy.
        let meta = bench.meta.clone();
        *bench.watched.hook.lock().unwrap() = Some(Box::new(move |query| {
            let is_judged = matches!(query, Query::Bodies { .. });
            if is_judged {
                meta.state().blobs.get_mut(&blob).unwrap().drives[shard] = other;
            }
            is_judged
        }));
        bench.store.sweep_once().await.unwrap();
        assert!(bench.watched.hook.lock().unwrap().is_none(), "the sweep judged it");
        assert!(bench.has(other, blob.shard(shard)).await, "C3: the metadata names this very one");
    });
}

#[test]
fn o4_garbage_stays_for_the_readers_of_other_processes() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (_, blob, _) = bench.commit("key", 9000).await;
        bench.meta.delete(&Bytes::from_static(b"key"));
        bench.clock.sleep(Duration::from_millis(READ_GRACE_MS - 1000)).await;
        assert_eq!(bench.store.collect_once().await.unwrap(), 0, "O4");
        bench.clock.sleep(Duration::from_millis(2000)).await;
        assert_eq!(bench.store.collect_once().await.unwrap(), 1);
        assert!(!bench.has(DriveNo(0), blob.shard(0)).await);
    });
}

#[test]
fn q2_what_the_metadata_did_not_take_is_reported_again() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let (_, blob, _) = bench.commit("key", 9000).await;
        bench.rot(blob, 3, 0);
        bench.watched.refuses.store(true, Ordering::Relaxed);
        assert!(bench.store.scrub_once().await.is_err(), "nothing could be reported");
        bench.watched.refuses.store(false, Ordering::Relaxed);
        bench.plan.rot.lock().unwrap().clear(); // So that nobody finds it a second time.
        bench.store.heal_once().await.unwrap();
        assert_eq!(bench.store.status().shards_healed, 1, "Q2");
    });
}
