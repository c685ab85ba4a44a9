//! What is refused, what is read, and what is kept.

use std::sync::Arc;

use futures_util::TryStreamExt;
use holdfast_api::bucket::{Bucket, BucketError};
use holdfast_base::{Remedy, TableId};
use holdfast_tail::{Direction, KeyRange};
use holdfast_value::Value;
use roaring::RoaringBitmap;

use super::{Rows, batch, bucket, ids, options, row, shape, table, write};
use crate::manifest::Place;
use crate::testing::MemoryBucket;
use crate::{
    Object, ObjectId, ObjectScan, ObjectsError, Options, Reader, SlotBound, TableObjects, Writer,
};

fn rows(count: u64) -> Rows {
    (0..count).map(|at| (format!("{at:06}").into_bytes(), row(2, at))).collect()
}

/// A table of one object with blocks of 64 rows, of which nothing is cached.
async fn whole(count: u64) -> (MemoryBucket, Reader, TableObjects) {
    let (memory, bucket) = bucket();
    let options = Options { object_bytes: 1 << 30, row_group_rows: 4096, block_rows: 64 };
    let mut writer = Writer::new(bucket.clone(), shape(2), options, ids(1), 0);
    writer.write(&batch(&shape(2), &rows(count))).await.expect("rows ascend");
    let objects = writer.finish().await.expect("memory does not fail");
    (memory, Reader::new(bucket, 64 << 20), table(objects, &shape(2)))
}

#[test]
fn a_writer_refuses_keys_that_do_not_ascend_and_other_columns() {
    holdfast_sim::run(async {
        let (memory, bucket) = bucket();
        let writer = || Writer::new(bucket.clone(), shape(2), options(1 << 20), ids(1), 0);
        let mut again = writer();
        again.write(&batch(&shape(2), &rows(20))).await.expect("rows ascend");
        let same = again.write(&batch(&shape(2), rows(20).iter().skip(19))).await;
        assert!(matches!(same, Err(ObjectsError::Input(_))), "W1: {same:?}");
        drop(again);
        assert!(memory.names().is_empty(), "a writer that is dropped leaves nothing");
        let fewer = writer().write(&batch(&shape(1), [(&vec![1], &row(1, 1))])).await;
        assert!(matches!(fewer, Err(ObjectsError::Input(_))), "{fewer:?}");
        assert!(writer().finish().await.expect("nothing to do").is_empty());
    });
}

#[test]
fn objects_roll_over_at_their_size_and_hold_all_rows() {
    holdfast_sim::run(async {
        let (memory, bucket) = bucket();
        let mut writer = Writer::new(bucket.clone(), shape(2), options(8 << 10), ids(1), 3);
        writer.write(&batch(&shape(2), &rows(2000))).await.expect("rows ascend");
        let objects = writer.finish().await.expect("memory does not fail");
        assert!(objects.len() > 3, "{}", objects.len());
        assert_eq!(objects.iter().map(|object| object.rows).sum::<u64>(), 2000);
        assert!(objects.windows(2).all(|pair| pair[0].last < pair[1].first));
        for object in &objects {
            assert_eq!((object.level, object.schema), (3, 2));
            let stored = memory.bytes(&object.id.rows(TableId(7))).expect("it was written");
            assert_eq!(stored.len() as u64, object.bytes);
            assert!(u64::from(object.tail) < object.bytes);
        }
        let reader = Reader::new(bucket, 1 << 20);
        let table = table(objects, &shape(2));
        let mut cursor = reader.range(&table, &KeyRange::all(), Direction::Forward);
        assert_eq!(cursor.next_batch(5000).await.expect("whole objects").len(), 2000);
        assert!(cursor.next_batch(1).await.expect("it is over").is_empty());
    });
}

#[test]
fn a_point_read_costs_few_reads_and_then_none() {
    holdfast_sim::run(async {
        let (memory, reader, table) = whole(10_000).await;
        let object = table.manifest.objects[0].clone();
        assert!(reader.get(&table, b"005000").await.expect("whole").is_some());
        let reads = memory.take_reads();
        assert_eq!(reads[0].1, object.bytes - u64::from(object.tail)..object.bytes);
        let bytes: u64 = reads[1..].iter().map(|(_, range)| range.end - range.start).sum();
        assert!(reads.len() <= 9 && bytes < object.bytes / 2, "{reads:?} of {}", object.bytes);
        assert!(reader.get(&table, b"005001").await.expect("whole").is_some());
        assert!(reader.get(&table, b"005001x").await.expect("whole").is_none());
        assert_eq!(memory.take_reads(), [], "the block is cached");
        let status = reader.status();
        assert!(status.hits > 0 && status.cache_bytes > 0 && status.reads == reads.len() as u64);
        // Keys between those that there are: bloom filters let one in a hundred pass.
        for at in 0..100 {
            let key = format!("{:06}y", at * 97);
            assert!(reader.get(&table, key.as_bytes()).await.expect("whole").is_none());
        }
        assert!(memory.take_reads().len() < 40);
    });
}

#[test]
fn a_scan_reads_the_bytes_of_its_columns_only_and_of_pages_that_may_match() {
    holdfast_sim::run(async {
        let (memory, reader, table) = whole(10_000).await;
        let object = table.manifest.objects[0].clone();
        let read = async |scan: ObjectScan| {
            let parts = reader.scan(&table, &scan, 1).await.expect("whole");
            memory.take_reads();
            let mut rows = 0;
            for part in parts {
                let batches: Vec<_> = part.open().try_collect().await.expect("whole");
                rows += batches.iter().map(|batch| batch.num_rows()).sum::<usize>();
            }
            let reads = memory.take_reads();
            (rows, reads.iter().map(|(_, range)| range.end - range.start).sum::<u64>())
        };
        let all = ObjectScan { slots: (0..6).collect(), with_key: true, ..ObjectScan::default() };
        let (rows, everything) = read(all).await;
        assert_eq!(rows, 10_000);
        assert!(everything <= object.bytes - u64::from(object.tail));
        let one = ObjectScan { slots: vec![0], ..ObjectScan::default() };
        let (rows, bytes) = read(one.clone()).await;
        assert!(rows == 10_000 && bytes < everything / 4, "{bytes} of {everything}");
        assert_eq!(read(ObjectScan::default()).await, (10_000, 0), "rows are counted for nothing");
        // Slot 4 descends: UInt(max - seed).
        let low = Some((Value::UInt(u64::MAX - 99), true));
        let bounds = vec![SlotBound { slot: 4, low, high: None }];
        let (rows, few) = read(ObjectScan { slots: vec![0], bounds, ..one.clone() }).await;
        assert!(rows == 128 && few < bytes / 4, "{rows} rows, {few} of {bytes}");
        let range = KeyRange { from: b"000100".into(), to: Some(b"000103".into()) };
        let (rows, few) = read(ObjectScan { ranges: vec![range], ..one }).await;
        assert!(rows == 3 && few < bytes / 4, "{rows} rows, {few} of {bytes}");
    });
}

#[test]
fn a_long_deletion_vector_is_an_object_of_its_own() {
    holdfast_sim::run(async {
        let (memory, reader, table) = whole(10_000).await;
        let object = table.manifest.objects[0].clone();
        let (id, of) = (ObjectId(900), TableId(7));
        let few: RoaringBitmap = (0..100).map(|at| at * 3).collect();
        let deletes = reader.with_deletes(of, &object, &few, id).await.expect("rows it has");
        assert!(matches!(deletes.place, Place::Inline(_)) && deletes.count == 100);
        let object = Object { deletes: Some(deletes), ..(*object).clone() };
        let more: RoaringBitmap = (0..9000).filter(|at| at * at % 7 > 2).collect();
        let deletes = reader.with_deletes(of, &object, &more, id).await.expect("rows it has");
        assert!(matches!(deletes.place, Place::Object { id: ObjectId(900), .. }), "{deletes:?}");
        assert_eq!(deletes.count, (&few | &more).len());
        assert!(memory.names().contains(&id.deletes(of)));
        let table = super::table(vec![Object { deletes: Some(deletes), ..object }], &shape(2));
        assert!(reader.get(&table, b"000003").await.expect("whole").is_none(), "few");
        assert!(reader.get(&table, b"000002").await.expect("whole").is_none(), "more");
        assert!(reader.get(&table, b"000001").await.expect("whole").is_some(), "neither");
        let beyond = RoaringBitmap::from_iter([10_000]);
        let refused = reader.with_deletes(of, &table.manifest.objects[0], &beyond, id).await;
        assert!(matches!(refused, Err(ObjectsError::Format { .. })), "{refused:?}");
    });
}

#[test]
fn a_bucket_that_is_away_is_told_as_such_and_a_broken_cursor_stays_broken() {
    holdfast_sim::run(async {
        let (memory, reader, table) = whole(1000).await;
        memory.set_away(true);
        let away = |error: ObjectsError| {
            assert!(matches!(error, ObjectsError::Bucket(BucketError::Away { .. })), "{error:?}");
            assert_eq!(error.remedy(), Remedy::RetryHere);
        };
        away(reader.get(&table, b"000003").await.expect_err("it is away"));
        let mut cursor = reader.range(&table, &KeyRange::all(), Direction::Forward);
        away(cursor.next_batch(1).await.expect_err("it is away"));
        memory.set_away(false);
        assert!(cursor.next_batch(1).await.is_err(), "rows would be left out");
        let scan = ObjectScan { slots: vec![0], ..ObjectScan::default() };
        let parts = reader.scan(&table, &scan, 1).await.expect("whole");
        memory.set_away(true);
        // On its way through parquet it stays what it is.
        away(parts[0].open().try_collect::<Vec<_>>().await.expect_err("it is away"));
        memory.set_away(false);
        assert_eq!(parts[0].open().try_collect::<Vec<_>>().await.expect("it is back").len(), 1);
        assert!(matches!(
            reader.scan(&table, &ObjectScan { slots: vec![9], ..scan }, 1).await.err(),
            Some(ObjectsError::Slot { slots: 6, given: 9 })
        ));
    });
}

#[test]
fn rows_of_long_texts_get_short_blocks() {
    holdfast_sim::run(async {
        let (memory, bucket) = bucket();
        let options = Options { object_bytes: 16 << 20, row_group_rows: 4096, block_rows: 4096 };
        let mut writer = Writer::new(bucket.clone(), shape(0), options, ids(1), 0);
        let long = |at: u64| Value::text(format!("{at}").repeat(1 << 20));
        let row = |at: u64| {
            let mut row = row(0, at);
            row[1] = long(at);
            row
        };
        let rows: Rows = (1..25).map(|at| (vec![at as u8], row(at))).collect();
        writer.write(&batch(&shape(0), &rows)).await.expect("rows ascend");
        let objects = writer.finish().await.expect("memory does not fail");
        let reader = Reader::new(bucket as Arc<dyn Bucket>, 0);
        let table = table(objects, &shape(0));
        let row = reader.get(&table, &[13]).await.expect("whole").expect("it is there");
        assert_eq!(row.values(&shape(0), &[1]).expect("a text"), [long(13)]);
        assert!(reader.status().cache_bytes == 0 && !memory.take_reads().is_empty());
    });
}

#[test]
fn what_an_object_had_in_the_cache_goes_with_it() {
    holdfast_sim::run(async {
        let (_, bucket) = bucket();
        let first = write(&bucket, &shape(2), &rows(400), &ids(1)).await;
        let second = write(&bucket, &shape(2), &rows(400), &ids(2)).await;
        let reader = Reader::new(bucket, 1 << 20);
        let read = async |objects: &[Object]| {
            let table = table(objects.to_vec(), &shape(2));
            for at in 0..400 {
                let key = format!("{at:06}");
                assert!(reader.get(&table, key.as_bytes()).await.expect("whole").is_some());
            }
            reader.status().cache_bytes
        };
        let one = read(&first).await;
        let both = read(&second).await;
        assert!(both > one && one > 0, "{one}, {both}");
        let names = second.iter().map(|object| object.id.rows(TableId(7)));
        reader.forget(names.filter_map(|name| ObjectId::of_name(&name)));
        assert_eq!(reader.status().cache_bytes, one, "C3");
        let reads = reader.status().reads;
        assert_eq!(read(&first).await, one);
        assert_eq!(reader.status().reads, reads, "what others have stays");
        assert_eq!(read(&second).await, both, "it may come back");
    });
}

#[test]
fn the_cache_keeps_its_limit() {
    holdfast_sim::run(async {
        let (_, bucket) = bucket();
        let objects = write(&bucket, &shape(2), &rows(400), &ids(1)).await;
        let table = table(objects, &shape(2));
        let limit = 80_000;
        let reader = Reader::new(bucket, limit);
        for at in (0..400).rev() {
            let key = format!("{at:06}");
            assert!(reader.get(&table, key.as_bytes()).await.expect("whole").is_some());
            assert!(reader.status().cache_bytes <= limit, "C1");
        }
        assert!(reader.status().hits > 400);
    });
}
