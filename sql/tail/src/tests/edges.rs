//! What is refused, and what must not be lost.

use futures_util::FutureExt;
use holdfast_base::{TableId, Ts};
use holdfast_value::Value;

use super::{change, lsn, record, rows, shape};
use crate::{KeyRange, Limits, Lookup, Scan, Tail, TailError};

fn tail() -> Tail {
    Tail::new(Limits { chunk_rows: 4, step_rows: 3, raw_chunks: 0 })
}

fn put(tail: &Tail, ts: u64, schema: u32, keys: std::ops::Range<u8>) {
    let row = |key: u8| {
        let row = super::model_row(schema, ts);
        change(&[key], Some(&row))
    };
    let part = rows(1, schema, keys.map(row).collect());
    tail.apply(lsn(ts), &record(ts, vec![part])).expect("in order");
}

fn count(tail: &Tail, ts: u64, slots: &[usize]) -> Result<usize, TailError> {
    let table = tail.table(TableId(1)).expect("it has rows");
    let batches = table.scan(&Scan { ts: Ts(ts), slots, ..Scan::default() })?;
    Ok(batches.iter().map(|batch| batch.num_rows()).sum())
}

#[test]
fn rows_before_their_definition_wait_as_bytes() {
    let tail = tail();
    put(&tail, 1, 1, 0..50);
    while tail.prune(Ts(1)) {}
    assert!(matches!(count(&tail, 1, &[]), Err(TailError::Undefined(_))));
    let table = tail.table(TableId(1)).expect("it has rows");
    let Ok(Lookup::Row(row)) = table.get(&[7], Ts(1)) else { panic!("it is there") };
    assert!(row.bytes().is_some());
    tail.define(shape(1, 1)).expect("the first");
    assert_eq!(count(&tail, 1, &[0, 1]).ok(), Some(50));
    // Rows of a later definition than is known are not cut to the known one.
    put(&tail, 2, 3, 50..100);
    while tail.prune(Ts(2)) {}
    tail.define(shape(1, 3)).expect("it continues");
    while tail.prune(Ts(2)) {}
    assert_eq!(tail.status().raw_chunks, 0);
    let Ok(Lookup::Row(row)) = table.get(&[70], Ts(2)) else { panic!("it is there") };
    let values = row.values(&shape(1, 3), &[3, 2]).expect("it parses");
    assert_eq!(values, [super::model_row(3, 2)[3].clone(), super::model_row(3, 2)[2].clone()]);
    assert_eq!(count(&tail, 2, &[3]).ok(), Some(100));
}

#[test]
fn records_come_once_and_in_order() {
    let tail = tail();
    tail.define(shape(1, 1)).expect("the first");
    put(&tail, 5, 1, 0..3);
    put(&tail, 5, 1, 0..3); // Again: nothing.
    assert_eq!(tail.status().rows, 3);
    let early = tail.apply(lsn(6), &record(4, vec![]));
    assert!(matches!(early, Err(TailError::OutOfOrder { .. })));
    assert!(tail.wait_for(Ts(5)).now_or_never().is_some());
    assert!(tail.wait_for(Ts(6)).now_or_never().is_none());
    tail.advance(Ts(6), lsn(7));
    assert!(tail.wait_for(Ts(6)).now_or_never().is_some());
    assert_eq!(tail.applied(), (Ts(6), lsn(7)));
}

#[test]
fn what_does_not_follow_is_refused() {
    let tail = tail();
    tail.define(shape(1, 2)).expect("the first");
    put(&tail, 5, 2, 0..3);
    let mut other = shape(1, 3);
    other.slots[0] = holdfast_value::SqlType::Date;
    assert!(matches!(tail.define(other), Err(TailError::Shape { .. })));
    let mut short = shape(1, 1);
    short.version = 9;
    assert!(matches!(tail.define(short), Err(TailError::Shape { .. })));
    tail.define(shape(1, 1)).expect("an old one changes nothing");
    assert!(matches!(count(&tail, 5, &[3]), Err(TailError::Slot { .. })));
    let flush = |upto, at| tail.drop_through(TableId(1), Ts(upto), Ts(at));
    assert!(matches!(flush(7, 7), Err(TailError::Flush { .. })), "it covers its own record");
    flush(5, 7).expect("the first");
    flush(5, 7).expect("again: nothing");
    assert!(matches!(flush(4, 8), Err(TailError::Flush { .. })));
    assert!(matches!(tail.frozen(TableId(1), Ts(6)), Err(TailError::NotApplied { .. })));
    assert!(tail.frozen(TableId(2), Ts(5)).expect("readable").is_none());
}

#[test]
fn a_row_that_does_not_parse_is_told_and_not_lost() {
    let tail = tail();
    tail.define(shape(1, 1)).expect("the first");
    let bad = holdfast_api::txn::Change {
        key: bytes::Bytes::from_static(b"bad"),
        row: Some(bytes::Bytes::from_static(&[0xff; 3])),
    };
    tail.apply(lsn(1), &record(1, vec![rows(1, 1, vec![bad])])).expect("in order");
    put(&tail, 2, 1, 0..9);
    while tail.prune(Ts(2)) {}
    assert!(matches!(count(&tail, 2, &[0]), Err(TailError::Value(_))));
    let table = tail.table(TableId(1)).expect("it has rows");
    let Ok(Lookup::Row(row)) = table.get(b"bad", Ts(2)) else { panic!("it is there") };
    assert_eq!(row.bytes().map(|row| &row[..]), Some(&[0xff; 3][..]));
    assert!(row.values(&shape(1, 1), &[0]).is_err());
}

#[test]
fn readers_before_a_flush_keep_the_tail_and_later_ones_the_objects() {
    let tail = tail();
    tail.define(shape(1, 1)).expect("the first");
    put(&tail, 5, 1, 0..10);
    put(&tail, 6, 1, 5..6);
    tail.drop_through(TableId(1), Ts(5), Ts(8)).expect("the first");
    tail.advance(Ts(9), lsn(9));
    assert_eq!(count(&tail, 7, &[0]).ok(), Some(10));
    assert_eq!(count(&tail, 8, &[0]).ok(), Some(1), "only what came after 5");
    while tail.prune(Ts(7)) {}
    assert_eq!(count(&tail, 7, &[0]).ok(), Some(10), "somebody may still read at 7");
    while tail.prune(Ts(8)) {}
    assert_eq!((count(&tail, 8, &[0]).ok(), tail.status().keys), (Some(1), 1));
    let table = tail.table(TableId(1)).expect("it has rows");
    assert!(matches!(table.get(&[4], Ts(8)), Ok(Lookup::Absent)));
    assert_eq!(table.dead_keys(&KeyRange::all(), Ts(8)).map(|keys| keys.len()).ok(), Some(1));
    // What a restart replays of the time before stays out.
    assert_eq!(table.status().flushed, Ts(5));
}

#[test]
fn a_scan_s_hook_leaves_chunks_out() {
    let tail = tail();
    tail.define(shape(1, 1)).expect("the first");
    (1..=10).for_each(|ts| put(&tail, ts, 1, (ts as u8 * 4)..(ts as u8 * 4 + 4)));
    while tail.prune(Ts(10)) {}
    let keep = |chunk: &crate::ChunkView<'_>| chunk.commits().1 > Ts(7) && chunk.rows() == 4;
    let table = tail.table(TableId(1)).expect("it has rows");
    let scan = Scan { ts: Ts(10), slots: &[0], keep: Some(&keep), ..Scan::default() };
    let batches = table.scan(&scan).expect("readable");
    assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 12);
    assert_eq!(count(&tail, 10, &[]).ok(), Some(40), "a count needs no column");
    assert_eq!(Value::Null, shape(1, 1).defaults[0]);
}
