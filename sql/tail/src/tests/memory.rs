//! What is dead goes, and the figures say so.

use holdfast_base::{TableId, Ts};
use holdfast_value::Value;

use super::{change, lsn, record, rows, shape};
use crate::{Limits, Tail};

#[test]
fn a_million_updates_of_a_thousand_keys_stay_flat() {
    let tail = Tail::new(Limits::default());
    tail.define(shape(1, 1)).expect("the first");
    let text = Value::text("x".repeat(100));
    let mut bytes = Vec::new();
    for ts in 1..=10_000_u64 {
        let changes = (0..100)
            .map(|at| {
                let key = (ts * 100 + at) % 1000;
                let values = [Value::Int(ts as i64), text.clone()];
                change(&key.to_be_bytes(), Some(&values))
            })
            .collect();
        tail.apply(lsn(ts), &record(ts, vec![rows(1, 1, changes)])).expect("in order");
        tail.prune(Ts(ts.saturating_sub(10)));
        if ts.is_multiple_of(1000) {
            bytes.push(tail.status().bytes);
        }
    }
    let status = tail.status();
    assert_eq!(status.keys, 1000);
    assert!(status.chunks <= 3, "{status:?}");
    let most = bytes.iter().max().expect("ten");
    assert!(*most < 8 << 20, "{bytes:?}: two chunks of 8192 rows of 250 bytes and an index");
    assert!(bytes[9] < bytes[0] * 2, "{bytes:?}");
}

#[test]
fn cold_rows_among_hot_ones_are_compacted() {
    let tail = Tail::new(Limits { chunk_rows: 1000, step_rows: 500, raw_chunks: 1 });
    tail.define(shape(1, 1)).expect("the first");
    let text = Value::text("y".repeat(500));
    // One row in ten of each record is never touched again.
    for ts in 1..=1000_u64 {
        let row = |key: u64| change(&key.to_be_bytes(), Some(&[Value::Int(1), text.clone()]));
        let mut changes: Vec<_> = (0..90).map(row).collect();
        changes.extend((0..10).map(|at| row(1000 + ts * 10 + at)));
        tail.apply(lsn(ts), &record(ts, vec![rows(1, 1, changes)])).expect("in order");
        tail.prune(Ts(ts));
    }
    while tail.prune(Ts(1000)) {}
    let status = tail.status();
    assert_eq!(status.keys, 10_090);
    assert!(status.rows < 2 * status.keys, "{status:?}");
    assert!(status.bytes < status.keys * 1500, "{status:?}");
    let table = tail.table(TableId(1)).expect("it has rows");
    let seen = table.scan(&crate::Scan { ts: Ts(1000), slots: &[1], ..Default::default() });
    let seen: usize = seen.expect("readable").iter().map(|batch| batch.num_rows()).sum();
    assert_eq!(seen, 10_090);
}

#[test]
fn a_pin_keeps_what_it_sees() {
    let tail = Tail::new(Limits { chunk_rows: 10, step_rows: 100, raw_chunks: 0 });
    tail.define(shape(1, 1)).expect("the first");
    let put = |ts: u64| {
        let row = [Value::Int(ts as i64), Value::Null];
        let part = rows(1, 1, vec![change(b"k", Some(&row))]);
        tail.apply(lsn(ts), &record(ts, vec![part])).expect("in order");
    };
    (1..=50).for_each(put);
    let pin = tail.pin(Ts(20)).expect("nothing was pruned");
    (51..=99).for_each(put);
    while tail.prune(Ts(99)) {}
    let table = tail.table(TableId(1)).expect("it has rows");
    let read = |ts| match table.get(b"k", Ts(ts)) {
        Ok(crate::Lookup::Row(row)) => row.values(&shape(1, 1), &[0]).ok(),
        _ => None,
    };
    assert_eq!(tail.horizon(), Ts(20));
    assert_eq!(read(20), Some(vec![Value::Int(20)]));
    drop(pin);
    while tail.prune(Ts(99)) {}
    assert_eq!((read(20), read(99)), (None, Some(vec![Value::Int(99)])));
    assert!(tail.status().rows <= 10, "{:?}", tail.status());
}
