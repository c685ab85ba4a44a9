//! What reading objects costs, with sysbench's row: int, int, char(120), char(60).
//!
//! `cargo run --release -p holdfast-objects --example read [rows]`: on one thread, from
//! a bucket in memory. The time is the thread's own on a CPU (Linux's schedstat), so
//! that other load on the machine disturbs it less. That clock may move in steps of a
//! scheduler's tick (4 ms), so everything is repeated until it took `ENOUGH`.

#![allow(clippy::expect_used, reason = "an example")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use futures_util::StreamExt;
use holdfast_api::bucket::Bucket;
use holdfast_base::TableId;
use holdfast_objects::testing::MemoryBucket;
use holdfast_objects::{
    Manifest, ObjectId, ObjectScan, Options, Reader, RoaringBitmap, TableObjects, Writer,
};
use holdfast_tail::columns::{self, Builder};
use holdfast_tail::{Direction, KeyRange, Scan, TableShape};
use holdfast_value::{Collation, SqlType, Value};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const SLOTS: [usize; 4] = [0, 1, 2, 3];
const READS: u64 = 1_000_000;
const COLD: u64 = 2000;
/// Steps of 4 ms are then less than one in a hundred.
const ENOUGH: Duration = Duration::from_millis(600);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let rows: u64 = std::env::args().nth(1).and_then(|rows| rows.parse().ok()).unwrap_or(1 << 20);
    let bucket = MemoryBucket::new();
    let shared: Arc<dyn Bucket> = Arc::new(bucket.clone());
    let shape = shape();
    let spent = on_cpu();
    let next = std::sync::atomic::AtomicU64::new(1);
    let id = move || ObjectId(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed).into());
    let mut writer =
        Writer::new(shared.clone(), shape.clone(), Options::default(), Arc::new(id), 0);
    let mut encoding = Duration::ZERO;
    for from in (0..rows).step_by(8192) {
        let batch = batch(&shape, from..rows.min(from + 8192));
        let begun = on_cpu();
        writer.write(&batch).await.expect("keys ascend");
        encoding += on_cpu() - begun;
    }
    let objects = writer.finish().await.expect("memory does not fail");
    let stored: u64 = objects.iter().map(|object| object.bytes).sum();
    let tails: u64 = objects.iter().map(|object| u64::from(object.tail)).sum();
    println!(
        "written: {} objects, {stored} bytes, {} a row, {tails} of them tails; {} ns a row ({} with making the rows)",
        objects.len(),
        stored / rows,
        nanos(encoding, rows),
        nanos(on_cpu() - spent, rows),
    );
    let manifest =
        Manifest { objects: objects.into_iter().map(Arc::new).collect(), ..Manifest::default() };
    let table = TableObjects::new(Arc::new(manifest), shape.clone());

    points(&bucket, &shared, &table, rows).await;
    ranges(&shared, &table, rows).await;
    scans(&bucket, &shared, &table).await;
}

async fn points(bucket: &MemoryBucket, shared: &Arc<dyn Bucket>, table: &TableObjects, rows: u64) {
    let footers_only = Reader::new(shared.clone(), 8 << 20);
    footers_only.get(table, &key(0)).await.expect("whole");
    bucket.take_reads();
    let begun = on_cpu();
    let mut bytes = 0;
    let mut reads = 0;
    for at in 0..COLD {
        // A new reader for each would read footers; a scattered walk finds no block again.
        let key = key(scatter(at * 7919, rows));
        black_box(footers_only.get(table, &key).await.expect("whole"));
        let done = bucket.take_reads();
        reads += done.len() as u64;
        bytes += done.iter().map(|(_, range)| range.end - range.start).sum::<u64>();
    }
    println!(
        "point read, block not cached: {} ns, {} bytes in {} reads",
        nanos(on_cpu() - begun, COLD),
        bytes / COLD,
        reads / COLD
    );
    let reader = Reader::new(shared.clone(), 4 << 30);
    for from in (0..rows).step_by(1000) {
        reader.get(table, &key(from)).await.expect("whole");
    }
    let begun = on_cpu();
    for at in 0..READS {
        let row = reader.get(table, &key(scatter(at, rows))).await.expect("whole");
        black_box(row.expect("it is there"));
    }
    println!("point read, cached: {} ns", nanos(on_cpu() - begun, READS));
    let begun = on_cpu();
    for at in 0..READS {
        let row = reader.get(table, &key(scatter(at, rows))).await.expect("whole");
        let row = row.expect("it is there");
        black_box(row.values(&table.shape, &SLOTS).expect("values of their types"));
    }
    println!("point read, cached, with four values: {} ns", nanos(on_cpu() - begun, READS));
    let keys: Vec<_> = (0..100_000).map(|at| key(rows / 2 + at)).collect();
    let (begun, mut count) = (on_cpu(), 0);
    while on_cpu() - begun < ENOUGH {
        black_box(reader.locate(table, &keys).await.expect("whole"));
        count += keys.len() as u64;
    }
    println!("locate, cached: {} ns a key", nanos(on_cpu() - begun, count));
}

async fn ranges(shared: &Arc<dyn Bucket>, table: &TableObjects, rows: u64) {
    let warm = Reader::new(shared.clone(), 4 << 30);
    walk(&warm, table).await;
    for what in ["not cached", "cached"] {
        let (begun, mut count) = (on_cpu(), 0);
        while on_cpu() - begun < ENOUGH {
            let cold = Reader::new(shared.clone(), 8 << 20);
            let walked = walk(if what == "cached" { &warm } else { &cold }, table).await;
            assert_eq!(walked, rows);
            count += walked;
        }
        println!("range, {what}: {} ns a row", nanos(on_cpu() - begun, count));
    }
}

async fn walk(reader: &Reader, table: &TableObjects) -> u64 {
    let mut cursor = reader.range(table, &KeyRange::all(), Direction::Forward);
    let mut count = 0;
    loop {
        let batch = cursor.next_batch(1024).await.expect("whole");
        if batch.is_empty() {
            return count;
        }
        count += black_box(batch).len() as u64;
    }
}

async fn scans(bucket: &MemoryBucket, shared: &Arc<dyn Bucket>, table: &TableObjects) {
    let reader = Reader::new(shared.clone(), 256 << 20);
    for slots in [vec![0, 1, 2, 3], vec![0, 1], vec![2]] {
        // In turn, so that what the machine does meanwhile meets both.
        for _ in 0..3 {
            plain(bucket, table, &slots);
            scan(&reader, table, &slots, "nothing dead", |_| false).await;
        }
    }
    for every in [10_000, 1000, 256, 128, 64, 32, 16, 4, 2] {
        let what = format!("one in {every} dead");
        scan(&reader, table, &SLOTS, &what, move |row| row.is_multiple_of(every)).await;
    }
}

async fn scan(
    reader: &Reader,
    table: &TableObjects,
    slots: &[usize],
    what: &str,
    is_dead: impl Fn(u32) -> bool,
) {
    let hidden = table.manifest.objects.iter().map(|object| {
        let dead: RoaringBitmap = (0..object.rows as u32).filter(|row| is_dead(*row)).collect();
        (object.id, Arc::new(dead))
    });
    let scan = ObjectScan { slots: slots.to_vec(), hidden: hidden.collect(), ..Default::default() };
    let begun = on_cpu();
    let (mut bytes, mut rows) = (0, 0);
    while on_cpu() - begun < ENOUGH {
        for part in reader.scan(table, &scan, 4).await.expect("whole") {
            let mut batches = part.open();
            while let Some(batch) = batches.next().await {
                let batch = batch.expect("whole");
                rows += batch.num_rows();
                bytes += value_bytes(&batch);
            }
        }
    }
    print("scan", what, slots, rows, bytes, on_cpu() - begun);
}

fn plain(bucket: &MemoryBucket, table: &TableObjects, slots: &[usize]) {
    let begun = on_cpu();
    let (mut bytes, mut rows) = (0, 0);
    while on_cpu() - begun < ENOUGH {
        for object in &table.manifest.objects {
            let stored = bucket.bytes(&object.id.rows(TableId(1))).expect("it is there");
            let builder = ParquetRecordBatchReaderBuilder::try_new(stored).expect("parquet");
            let mask = ProjectionMask::leaves(builder.parquet_schema(), slots.iter().copied());
            let reader =
                builder.with_projection(mask).with_batch_size(8192).build().expect("parquet");
            for batch in reader {
                let batch = batch.expect("parquet");
                rows += batch.num_rows();
                bytes += value_bytes(&batch);
            }
        }
    }
    print("plain parquet", "", slots, rows, bytes, on_cpu() - begun);
}

#[allow(clippy::too_many_arguments, reason = "a line of an example")]
fn print(who: &str, what: &str, slots: &[usize], rows: usize, bytes: usize, spent: Duration) {
    let megabytes = bytes as f64 / 1e6 / spent.as_secs_f64();
    let each = nanos(spent, rows as u64);
    println!("{who} {what} slots {slots:?}: {rows} rows, {megabytes:.0} MB/s, {each} ns a row");
}

/// The row's own bytes: 4, 4, 120, 60.
fn value_bytes(batch: &RecordBatch) -> usize {
    let width = |name: &str| match name {
        "s2" => 120,
        "s3" => 60,
        _ => 4,
    };
    let schema = batch.schema();
    batch.num_rows() * schema.fields().iter().map(|field| width(field.name())).sum::<usize>()
}

fn shape() -> Arc<TableShape> {
    let text = |length| SqlType::Char(length, Collation::Bin);
    let slots = vec![SqlType::INT, SqlType::INT, text(120), text(60)];
    Arc::new(TableShape { table: TableId(1), slots, defaults: vec![Value::Null; 4], version: 1 })
}

fn batch(shape: &TableShape, numbers: std::ops::Range<u64>) -> RecordBatch {
    let slots = shape.slots.iter().zip(&shape.defaults).enumerate();
    let mut builder = Builder::new(slots.map(|(at, (of, default))| (at, of, default)), 8192);
    for number in numbers.clone() {
        let digits = |groups: u64| -> String {
            let group = |at| format!("{:011}-", scatter(number * 13 + at + 1, 99_999_999_999));
            (0..groups).map(group).collect()
        };
        let k = Value::Int(scatter(number, 1 << 20) as i64);
        let texts = [Value::text(digits(10)), Value::text(digits(5))];
        let [c, pad] = texts;
        builder.push_values(&[Value::Int(number as i64), k, c, pad]).expect("values");
    }
    let slot = |(at, of)| columns::field(&format!("s{at}"), of, true);
    let mut fields: Vec<Field> = shape.slots.iter().enumerate().map(slot).collect();
    fields.push(Field::new(Scan::KEY, DataType::Binary, false));
    let mut arrays = builder.finish();
    arrays.push(Arc::new(BinaryArray::from_iter_values(numbers.map(key))) as ArrayRef);
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
}

/// The time that this thread has run.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has it");
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("its first number is nanoseconds"))
}

fn nanos(spent: Duration, count: u64) -> u128 {
    spent.as_nanos() / u128::from(count.max(1))
}

/// A walk over all numbers below `below` without an order.
fn scatter(at: u64, below: u64) -> u64 {
    at.wrapping_mul(0x9e37_79b9_7f4a_7c15) % below.max(1)
}

fn key(number: u64) -> [u8; 9] {
    let mut key = [1; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}
