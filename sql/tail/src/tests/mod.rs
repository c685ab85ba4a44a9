//! The tail against models.

mod concurrent;
mod edges;
mod memory;
mod model;

use bytes::Bytes;
use holdfast_api::txn::{Change, Part, TxnRecord};
use holdfast_base::{GroupId, Lsn, TableId, Ts, TxnId};
use holdfast_value::{Collation, SqlType, Value, row};

use crate::TableShape;

fn lsn(index: u64) -> Lsn {
    Lsn { incarnation: 1, group: GroupId(0), index }
}

fn record(ts: u64, parts: Vec<Part>) -> TxnRecord {
    let txn = TxnId { born: Ts(ts - 1), nonce: ts };
    TxnRecord { ts: Ts(ts), txn, shard: 0, participants: vec![], parts }
}

fn rows(table: u64, schema: u32, changes: Vec<Change>) -> Part {
    Part::Rows { table: TableId(table), schema, changes }
}

fn change(key: &[u8], values: Option<&[Value]>) -> Change {
    let row = values.map(|values| {
        let mut bytes = Vec::new();
        row::encode(values, &mut bytes).expect("few slots");
        Bytes::from(bytes)
    });
    Change { key: Bytes::copy_from_slice(key), row }
}

/// Version `n` of a table has `n + 1` slots.
fn shape(table: u64, version: u32) -> TableShape {
    let all = [
        (SqlType::INT, Value::Null),
        (SqlType::VarChar(100, Collation::default()), Value::Null),
        (SqlType::BIGINT_UNSIGNED, Value::UInt(7)),
        (SqlType::VarBinary(40), Value::Bytes(Bytes::from_static(b"a default beyond a view"))),
        (SqlType::DateTime(6), Value::Null),
        (SqlType::DOUBLE, Value::Double(0.5)),
    ];
    let (slots, defaults) = all.into_iter().take(version as usize + 1).unzip();
    TableShape { table: TableId(table), slots, defaults, version }
}

/// A row of a version that says when it was written.
fn model_row(version: u32, ts: u64) -> Vec<Value> {
    let all = [
        Value::Int(ts as i64),
        Value::text("some text"),
        Value::UInt(ts),
        Value::Bytes(Bytes::from_static(b"some bytes")),
        Value::DateTime(0),
        Value::Double(1.0),
    ];
    all.into_iter().take(version as usize + 1).collect()
}
