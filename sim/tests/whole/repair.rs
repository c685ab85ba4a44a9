//! Everything is made whole again, and looked at: what is named, what lacks something.

use bytes::Bytes;
use holdfast_api::blob::BlobRecord;
use holdfast_api::meta::{Answer, ListObjects, ListUploads, MetaService, Query};
use holdfast_api::object::{Body, ObjectStore};
use holdfast_base::{BlobId, BucketId};

use super::machine::{Machine, Running};

/// Everything wrong ends; whatever can be healed is healed. Then every blob is whole.
pub async fn make_whole(machine: &mut Machine) -> u64 {
    machine.calm();
    machine.repair().await;
    machine.wait(40_000).await; // What stalls comes to its end, nobody is suspected any more.
    machine.repair().await;
    machine.wait(12_000).await;
    let Running { store, .. } = machine.running();
    let mut attempt = 0;
    loop {
        // The loops may be at it just now.
        let _ = store.scrub_once().await;
        let _ = store.heal_once().await;
        let odd = lacks(machine).await;
        if odd.is_empty() {
            return store.status().shards_healed;
        }
        let status = store.status();
        assert!(attempt < 10, "LOST: not healed: {odd:?}, {status:?}");
        attempt += 1;
        machine.wait(15_000).await;
    }
}

/// Blobs that lack something, in words.
async fn lacks(machine: &Machine) -> Vec<String> {
    let mut odd = Vec::new();
    for (blob, record) in named(machine).await {
        if !record.missing.is_empty() {
            odd.push(format!("{blob} owes {:?}", record.missing));
        }
        for shard in 0..record.drives.len() {
            if !machine.is_good(blob, &record, shard).await {
                odd.push(format!("{blob}#{shard} is not on drive {}", record.drives[shard]));
            }
        }
    }
    odd
}

/// Every blob that an object or a part refers to, in every bucket.
async fn named(machine: &Machine) -> Vec<(BlobId, BlobRecord)> {
    let Running { meta, .. } = machine.running();
    let mut all = Vec::new();
    let mut bodies = Vec::new();
    let Ok(Answer::Buckets(buckets)) = meta.query(Query::Buckets).await else { panic!() };
    for bucket in buckets {
        for key in keys_of(machine, bucket.id).await {
            let query = Query::Object { bucket: bucket.id, key, at: 0, blobs: 0 };
            let Ok(Answer::Object(Some((object, _)))) = meta.query(query).await else {
                panic!("LOST: a listed object is not there")
            };
            bodies.extend(object.bodies);
        }
    }
    for (_, upload) in uploads(machine).await {
        let query = Query::ListParts { upload: upload.id, after: 0, limit: 100 };
        let Ok(Answer::Parts { parts, .. }) = meta.query(query).await else { panic!() };
        bodies.extend(parts.into_iter().map(|part| part.body));
    }
    for body in bodies {
        let Body::Stored { id, len } = body else { continue };
        let query = Query::Blobs { body: id, index: 0, limit: 1000 };
        let Ok(Answer::Blobs(blobs)) = meta.query(query).await else { panic!() };
        let sum: u64 = blobs.iter().map(|(_, record)| u64::from(record.layout.len)).sum();
        assert_eq!(sum, len, "LOST: the blobs of {id} are not the body");
        all.extend(blobs);
    }
    all
}

/// Every key of the clients' bucket.
pub async fn keys(machine: &Machine) -> Vec<Bytes> {
    keys_of(machine, machine.running().bucket).await
}

async fn keys_of(machine: &Machine, bucket: BucketId) -> Vec<Bytes> {
    let meta = machine.running().meta;
    let mut all: Vec<Bytes> = Vec::new();
    loop {
        let after = all.last().cloned().unwrap_or_default();
        let list = ListObjects { bucket, after, limit: 1000, ..Default::default() };
        match meta.query(Query::ListObjects(list)).await {
            Ok(Answer::Listing(page)) if page.entries.is_empty() => return all,
            Ok(Answer::Listing(page)) => all.extend(page.entries.into_iter().map(|(key, _)| key)),
            other => panic!("a calm service lists: {other:?}"),
        }
    }
}

/// Uploads into the clients' bucket that were not completed.
pub async fn uploads(machine: &Machine) -> Vec<(Bytes, holdfast_api::meta::Upload)> {
    let Running { meta, bucket, .. } = machine.running();
    let list = ListUploads { bucket, limit: 1000, ..Default::default() };
    match meta.query(Query::ListUploads(list)).await {
        Ok(Answer::Uploads(page)) => page.entries,
        other => panic!("a calm service lists: {other:?}"),
    }
}

/// No drive has a shard that nothing refers to.
pub async fn no_shard_is_left_over(machine: &Machine) {
    let named = named(machine).await;
    for no in 0..machine.slots.len() {
        for stored in machine.stored(no).await {
            let record = named.iter().find(|(blob, _)| *blob == stored.blob);
            let drive = record.map(|(_, r)| usize::from(r.drives[usize::from(stored.index.0)].0));
            assert_eq!(drive, Some(no), "ORPHAN: {stored} on drive {no} belongs to nobody");
        }
    }
}
