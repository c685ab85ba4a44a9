//! Readers, the applier and the pruner at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int32Type;
use holdfast_base::{TableId, Ts};
use holdfast_io::rng::SeededRng;
use holdfast_value::Value;

use super::{change, lsn, record, rows, shape};
use crate::{KeyRange, Limits, Lookup, Scan, Tail};

type State = BTreeMap<Vec<u8>, i32>;

/// Records of timestamps 1, 2, ... and the table after each of them.
fn history(count: u64) -> (Vec<holdfast_api::txn::TxnRecord>, Vec<State>) {
    let rng = SeededRng::new(1);
    let mut states = vec![State::new()];
    let mut records = Vec::new();
    for ts in 1..=count {
        let mut state = states[states.len() - 1].clone();
        let mut changes = BTreeMap::new();
        for _ in 0..rng.between(1, 40) {
            let value = (!rng.one_in(5)).then(|| rng.below(1 << 30) as i32);
            changes.insert(vec![rng.below(100) as u8], value);
        }
        let mut encoded = Vec::new();
        for (key, value) in changes {
            let row = value.map(|value| [Value::Int(value.into()), Value::text("beyond a view")]);
            encoded.push(change(&key, row.as_ref().map(|row| &row[..])));
            match value {
                Some(value) => state.insert(key, value),
                None => state.remove(&key),
            };
        }
        records.push(record(ts, vec![rows(1, 1, encoded)]));
        states.push(state);
    }
    (records, states)
}

#[test]
fn every_scan_during_apply_is_the_table_at_its_timestamp() {
    const COUNT: u64 = 3000;
    let (records, states) = history(COUNT);
    let tail = Tail::new(Limits { chunk_rows: 600, step_rows: 64, raw_chunks: 2 });
    tail.define(shape(1, 1)).expect("the first");
    let scans = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for record in &records {
                tail.apply(lsn(record.ts.0), record).expect("in order");
                if record.ts.0.is_multiple_of(16) {
                    std::thread::yield_now();
                }
            }
        });
        scope.spawn(|| {
            while tail.applied().0 < Ts(COUNT) {
                tail.prune(Ts(tail.applied().0.0.saturating_sub(20)));
            }
        });
        for reader in 0..2 {
            let (tail, states, scans) = (&tail, &states, &scans);
            scope.spawn(move || {
                let rng = SeededRng::new(reader);
                while tail.applied().0 < Ts(COUNT) {
                    let ts = tail.applied().0.0.saturating_sub(rng.below(10));
                    let Ok(_pin) = tail.pin(Ts(ts)) else { continue };
                    check(tail, ts, &states[ts as usize]);
                    scans.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    check(&tail, COUNT, &states[COUNT as usize]);
    assert!(scans.load(Ordering::Relaxed) > 10, "{scans:?} scans saw nothing happen");
}

fn check(tail: &Tail, ts: u64, want: &State) {
    let Some(table) = tail.table(TableId(1)) else { return };
    let scan = Scan { ts: Ts(ts), slots: &[0], with_key: true, ..Scan::default() };
    let mut got = State::new();
    for batch in table.scan(&scan).expect("pinned") {
        let (values, keys) = (batch.column(0).as_primitive::<Int32Type>(), batch.column(1));
        let keys = keys.as_binary::<i32>();
        for at in 0..batch.num_rows() {
            let twice = got.insert(keys.value(at).to_vec(), values.value(at));
            assert_eq!(twice, None, "a key twice at {ts}");
        }
        assert_eq!(values.null_count(), 0);
    }
    assert_eq!(got, *want, "at {ts}");
    let mut cursor =
        table.range(&KeyRange::all(), Ts(ts), crate::Direction::Forward).expect("pinned");
    let entries: Vec<_> =
        std::iter::repeat_with(|| cursor.next_batch(7)).take_while(|b| !b.is_empty()).collect();
    let live = entries.iter().flatten().filter(|entry| entry.row.is_some());
    assert!(live.map(|entry| &*entry.key).eq(want.keys().map(|key| &key[..])), "at {ts}");
    if let Some((key, value)) = want.first_key_value() {
        let Lookup::Row(row) = table.get(key, Ts(ts)).expect("pinned") else {
            panic!("{key:?} at {ts} is not there");
        };
        let values = row.values(&shape(1, 1), &[0]).expect("it parses");
        assert_eq!(values, [Value::Int(i64::from(*value))]);
    }
}
