//! What the tail costs, with sysbench's row: int, int, char(120), char(60).
//!
//! `cargo run --release -p holdfast-tail --example tail [keys]`: nanoseconds a
//! call on one thread, and bytes a row. The time is the thread's own on a CPU
//! (Linux's schedstat), so that other load on the machine disturbs it less.

#![allow(clippy::expect_used, reason = "an example")]

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::txn::{Change, Part, TxnRecord};
use holdfast_base::{GroupId, Lsn, TableId, Ts, TxnId};
use holdfast_tail::{Direction, KeyRange, Limits, Lookup, Scan, TableShape, Tail};
use holdfast_value::{Collation, SqlType, Value, row};

const TABLE: TableId = TableId(1);
const SLOTS: [usize; 4] = [0, 1, 2, 3];

fn main() {
    let keys: u64 = std::env::args().nth(1).and_then(|keys| keys.parse().ok()).unwrap_or(1_000_000);
    let tail = Tail::new(Limits::default());
    let collation = Collation::Bin;
    let shape = TableShape {
        table: TABLE,
        slots: vec![
            SqlType::INT,
            SqlType::INT,
            SqlType::Char(120, collation),
            SqlType::Char(60, collation),
        ],
        defaults: vec![Value::Null; 4],
        version: 1,
    };
    tail.define(shape.clone()).expect("the first");

    let mut log = Log { tail: &tail, ts: 0 };
    log.fill("insert", keys, |at| at);
    while tail.prune(Ts(0)) {}
    let status = tail.status();
    println!(
        "{keys} rows: {} bytes a row in all, {} chunks, {status:?}",
        status.bytes as u64 / keys,
        status.chunks
    );
    log.fill("update", keys / 4, |at| scatter(at, keys));
    let now = Ts(log.ts);

    let table = tail.table(TABLE).expect("it has rows");
    let get = |name: &str, slots: &[usize], of: &dyn Fn(u64) -> u64| {
        time(name, 200_000, |at| {
            let key = key(of(at));
            let Ok(Lookup::Row(row)) = table.get(&key, now) else { panic!("not there") };
            black_box(row.values(&shape, slots).expect("it parses"));
        });
    };
    get("get, 4 values, sealed", &SLOTS, &|at| scatter(at + keys, keys));
    get("get, 0 values, sealed", &[], &|at| scatter(at + keys, keys));
    // The last updates lie in the open chunk.
    let open = keys / 4 - (keys / 4).min(1000);
    get("get, 4 values, row bytes", &SLOTS, &|at| scatter(open + at % (keys / 4 - open), keys));
    time("range of 100 rows", 2000, |at| {
        let from = key(scatter(at, keys - 100)).to_vec();
        let range = KeyRange { from, to: None };
        let mut cursor = table.range(&range, now, Direction::Forward).expect("live");
        black_box(cursor.next_batch(100));
    });
    scans(&table, now, keys);
    let start = on_cpu();
    while tail.prune(now) {}
    println!("prune, all: {} ms, then {:?}", (on_cpu() - start).as_millis(), tail.status());
    scans(&table, now, keys);
}

fn scans(table: &holdfast_tail::TableTail, ts: Ts, keys: u64) {
    for slots in [&SLOTS[..2], &SLOTS[..]] {
        let start = on_cpu();
        let batches = table.scan(&Scan { ts, slots, ..Scan::default() }).expect("it can be read");
        let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
        assert_eq!(rows as u64, keys);
        let nanos = (on_cpu() - start).as_nanos() as f64 / rows as f64;
        println!("scan of {} slots: {nanos:.2} ns a row", slots.len());
    }
}

struct Log<'a> {
    tail: &'a Tail,
    ts: u64,
}

impl Log<'_> {
    fn fill(&mut self, name: &str, count: u64, of: impl Fn(u64) -> u64) {
        let mut spent = Duration::ZERO;
        for from in (0..count).step_by(1000) {
            let records: Vec<_> = (from..(from + 1000).min(count))
                .step_by(10)
                .map(|at| self.record(at, &of))
                .collect();
            let start = on_cpu();
            for (lsn, record) in &records {
                self.tail.apply(*lsn, record).expect("in order");
            }
            spent += on_cpu() - start;
        }
        println!("{name}, records of 10, sealing included: {} ns a row", nanos(spent, count));
    }

    fn record(&mut self, from: u64, of: &impl Fn(u64) -> u64) -> (Lsn, TxnRecord) {
        self.ts += 1;
        let changes = (from..from + 10).map(|at| change(of(at), self.ts)).collect();
        let parts = vec![Part::Rows { table: TABLE, schema: 1, changes }];
        let txn = TxnId { born: Ts(0), nonce: self.ts };
        let record = TxnRecord { ts: Ts(self.ts), txn, shard: 0, participants: vec![], parts };
        let lsn = Lsn { incarnation: 1, group: GroupId(0), index: self.ts };
        (lsn, record)
    }
}

fn time(name: &str, count: u64, mut call: impl FnMut(u64)) {
    let start = on_cpu();
    (0..count).for_each(&mut call);
    println!("{name}: {} ns", nanos(on_cpu() - start, count));
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

fn change(number: u64, ts: u64) -> Change {
    let text = |length: usize| Value::text(format!("{ts:011}-").repeat(length.div_ceil(12)));
    let values = [Value::Int(number as i64), Value::Int(ts as i64), text(120), text(60)];
    let mut bytes = Vec::new();
    row::encode(&values, &mut bytes).expect("few slots");
    Change { key: Bytes::copy_from_slice(&key(number)), row: Some(bytes.into()) }
}
