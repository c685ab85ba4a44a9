//! Objects against models, and what they cost the bucket.

mod edges;
mod garbled;
mod model;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use futures_util::TryStreamExt;
use holdfast_api::bucket::Bucket;
use holdfast_base::TableId;
use holdfast_tail::columns::{self, Builder, value_at};
use holdfast_tail::{Scan, TableShape};
use holdfast_value::{Collation, Decimal, SqlType, Value};

use crate::testing::MemoryBucket;
use crate::{
    Ids, Manifest, Object, ObjectId, ObjectScan, ObjectsError, Options, Reader, TableObjects,
    Writer,
};

type Row = Vec<Value>;
type Rows = BTreeMap<Vec<u8>, Row>;

/// Version `n` of the table has `n + 4` slots.
fn shape(version: u32) -> Arc<TableShape> {
    let decimal = SqlType::Decimal { precision: 12, scale: 2, unsigned: false };
    let wide = SqlType::Decimal { precision: 50, scale: 3, unsigned: false };
    let all = [
        (SqlType::INT, Value::Null),
        (SqlType::VarChar(100, Collation::Bin), Value::Null),
        (decimal, Value::Null),
        (SqlType::DateTime(6), Value::Null),
        (SqlType::BIGINT_UNSIGNED, Value::UInt(7)),
        (SqlType::VarBinary(40), Value::Bytes(Bytes::from_static(b"a default beyond a view"))),
        (SqlType::DOUBLE, Value::Double(0.5)),
        (wide, Value::Null),
        (SqlType::Null, Value::Null),
        (SqlType::Date, Value::Date(3)),
    ];
    let (slots, defaults) = all.into_iter().take(version as usize + 4).unzip();
    Arc::new(TableShape { table: TableId(7), slots, defaults, version })
}

/// A row whose values follow from `seed`.
fn row(version: u32, seed: u64) -> Row {
    let int = (seed % 1000) as i64;
    let text = Value::text(format!("text {int:04} {}", "long ".repeat((seed % 7) as usize)));
    let all = [
        if seed.is_multiple_of(10) { Value::Null } else { Value::Int(int) },
        text,
        Value::Decimal(Decimal { digits: (int - 500).into(), scale: 2 }),
        Value::DateTime(int * 1_000_000),
        Value::UInt(u64::MAX - seed),
        Value::Bytes(Bytes::from(seed.to_be_bytes().to_vec())),
        Value::Double(int as f64 / 8.0),
        Value::Decimal(Decimal { digits: int.into(), scale: 3 }),
        Value::Null,
        Value::Date(int as i32),
    ];
    all.into_iter().take(version as usize + 4).collect()
}

/// Rows as a flush has them; with a column more than is written.
fn batch<'a>(
    shape: &TableShape,
    rows: impl IntoIterator<Item = (&'a Vec<u8>, &'a Row)>,
) -> RecordBatch {
    let slots = shape.slots.iter().zip(&shape.defaults).enumerate();
    let mut builder = Builder::new(slots.map(|(at, (of, default))| (at, of, default)), 0);
    let mut keys = Vec::new();
    for (key, row) in rows {
        builder.push_values(row).expect("values of their types");
        keys.push(key.as_slice());
    }
    let slot = |(at, of)| columns::field(&format!("s{at}"), of, true);
    let mut fields: Vec<Field> = shape.slots.iter().enumerate().map(slot).collect();
    fields.push(Field::new(Scan::KEY, DataType::Binary, false));
    fields.push(Field::new(Scan::TS, DataType::UInt64, false));
    let mut arrays = builder.finish();
    let stamps = arrow::array::UInt64Array::from_iter_values(keys.iter().map(|_| 1));
    arrays.push(Arc::new(BinaryArray::from_iter_values(keys)) as ArrayRef);
    arrays.push(Arc::new(stamps));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
}

/// Blocks and row groups so short that every edge is met.
fn options(object_bytes: usize) -> Options {
    Options { object_bytes, row_group_rows: 40, block_rows: 8 }
}

fn ids(from: u64) -> Ids {
    let next = AtomicU64::new(from);
    Arc::new(move || ObjectId(next.fetch_add(1, Ordering::Relaxed).into()))
}

fn bucket() -> (MemoryBucket, Arc<dyn Bucket>) {
    let bucket = MemoryBucket::new();
    (bucket.clone(), Arc::new(bucket))
}

async fn write(
    bucket: &Arc<dyn Bucket>,
    shape: &Arc<TableShape>,
    rows: &Rows,
    ids: &Ids,
) -> Vec<Object> {
    let mut writer = Writer::new(bucket.clone(), shape.clone(), options(1 << 20), ids.clone(), 0);
    let rows: Vec<_> = rows.iter().collect();
    for rows in rows.chunks(13) {
        writer.write(&batch(shape, rows.iter().copied())).await.expect("rows ascend");
    }
    writer.finish().await.expect("memory does not fail")
}

fn table(objects: Vec<Object>, shape: &Arc<TableShape>) -> TableObjects {
    let objects = objects.into_iter().map(Arc::new).collect();
    TableObjects::new(Arc::new(Manifest { objects, ..Manifest::default() }), shape.clone())
}

/// A scan's rows by key; the scan has all slots and the key.
async fn scanned(
    reader: &Reader,
    table: &TableObjects,
    scan: &ObjectScan,
    parts: usize,
) -> Result<Rows, ObjectsError> {
    let mut rows = Rows::new();
    for part in reader.scan(table, scan, parts).await? {
        let once: Vec<RecordBatch> = part.open().try_collect().await?;
        let twice: Vec<RecordBatch> = part.open().try_collect().await?;
        assert_eq!(once, twice, "a part may be opened again");
        for batch in once {
            assert!(batch.num_rows() <= scan.batch_rows, "{} rows", batch.num_rows());
            let keys = batch.column(scan.slots.len()).as_binary::<i32>();
            for at in 0..batch.num_rows() {
                let value = |(place, slot): (usize, &usize)| {
                    value_at(batch.column(place), at, &table.shape.slots[*slot]).expect("a value")
                };
                let row = scan.slots.iter().enumerate().map(value).collect();
                let before = rows.insert(keys.value(at).to_vec(), row);
                assert_eq!(before, None, "key {:?} came twice", keys.value(at));
            }
        }
    }
    Ok(rows)
}
