//! Random histories, compared with every version of everything.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use holdfast_base::{TableId, Ts};
use holdfast_io::rng::SeededRng;
use holdfast_value::Value;

use super::{change, lsn, record, rows, shape};
use crate::columns::value_at;
use crate::{
    Direction, Frozen, KeyRange, Limits, Lookup, RowRef, Scan, TableShape, TableTail, Tail,
    TailError,
};

type Row = Vec<Value>;
type Versions = Vec<(u64, Option<Row>)>;
/// Key, commit timestamp and row.
type Entry = (Vec<u8>, u64, Option<Row>);

type Objects = BTreeMap<Vec<u8>, (u64, Row)>;

const TABLES: u64 = 3;

#[derive(Default)]
struct TableModel {
    versions: BTreeMap<Vec<u8>, Versions>,
    /// (at, upto) of each flush, and the objects from `at` on.
    flushes: Vec<(u64, u64, Objects)>,
    version: u32,
    is_defined: bool,
}

impl TableModel {
    fn shape(&self, table: u64) -> TableShape {
        shape(table, self.version)
    }

    /// The newest version of each key that is not later than `ts`.
    fn at(&self, ts: u64) -> impl Iterator<Item = Entry> {
        self.versions.iter().filter_map(move |(key, versions)| {
            let (at, row) = versions.iter().rev().find(|(at, _)| *at <= ts)?;
            Some((key.clone(), *at, row.clone()))
        })
    }

    fn floor(&self, ts: u64) -> u64 {
        self.flushes.iter().rev().find(|flush| flush.0 <= ts).map_or(0, |flush| flush.1)
    }

    /// What a reader at `ts` is to find in the tail.
    fn view(&self, ts: u64) -> Vec<Entry> {
        let floor = self.floor(ts);
        self.at(ts).filter(|entry| entry.1 > floor).collect()
    }

    /// Rows of an earlier version have the defaults in later slots.
    fn pad(&self, table: u64, mut row: Row) -> Row {
        let shape = self.shape(table);
        row.extend(shape.defaults[row.len()..].iter().cloned());
        row
    }
}

struct History {
    seed: u64,
    step: usize,
    rng: SeededRng,
    tail: Tail,
    tables: BTreeMap<u64, TableModel>,
    now: u64,
}

#[test]
fn the_tail_agrees_with_every_version_of_everything() {
    for seed in 0..40 {
        let limits = Limits { chunk_rows: 37, step_rows: 11, raw_chunks: 1 };
        let mut history = History {
            seed,
            step: 0,
            rng: SeededRng::new(seed),
            tail: Tail::new(limits),
            tables: (0..TABLES).map(|table| (table, TableModel::default())).collect(),
            now: 10,
        };
        history.define(0);
        for step in 0..400 {
            history.step = step;
            history.step();
        }
        history.finish();
    }
}

impl History {
    fn step(&mut self) {
        match self.rng.below(20) {
            0..=8 => self.apply(),
            9..=10 => self.gets(),
            11..=12 => self.ranges(),
            13..=15 => self.scans(),
            16..=17 => self.prune(),
            18 => self.flush(),
            _ if self.rng.one_in(4) => {
                let table = self.rng.below(TABLES);
                self.define(table);
            }
            _ => self.whole(),
        }
    }

    fn place(&self) -> String {
        format!("seed {}, step {}", self.seed, self.step)
    }

    fn key(&self) -> Vec<u8> {
        let number = self.rng.below(60) as u8;
        // Every third is too long to lie in the index.
        vec![number; if number.is_multiple_of(3) { 30 } else { 1 + usize::from(number % 5) }]
    }

    fn row(&self, table: u64) -> Row {
        let number = self.rng.below(1000);
        let all = [
            if number.is_multiple_of(7) { Value::Null } else { Value::Int(number as i64 - 500) },
            Value::text("text ".repeat(number as usize % 9)),
            Value::UInt(u64::MAX - number),
            Value::Bytes(vec![number as u8; number as usize % 40].into()),
            Value::DateTime(-(number as i64)),
            Value::Double(number as f64 / 8.0),
        ];
        all.into_iter().take(self.tables[&table].version as usize + 1).collect()
    }

    fn apply(&mut self) {
        self.now += 1 + self.rng.below(3);
        let mut parts = Vec::new();
        for table in 0..TABLES {
            if !self.rng.one_in(2) {
                continue;
            }
            let mut changes = BTreeMap::new();
            for _ in 0..self.rng.between(1, 25) {
                let row = (!self.rng.one_in(4)).then(|| self.row(table));
                changes.insert(self.key(), row);
            }
            let model = self.tables.get_mut(&table).expect("all are there");
            let encoded = changes.iter().map(|(key, row)| change(key, row.as_deref())).collect();
            parts.push(rows(table, model.version, encoded));
            for (key, row) in changes {
                model.versions.entry(key).or_default().push((self.now, row));
            }
        }
        self.tail.apply(lsn(self.now), &record(self.now, parts)).expect("it is in order");
    }

    fn define(&mut self, table: u64) {
        let model = self.tables.get_mut(&table).expect("all are there");
        model.version = (model.version + u32::from(model.is_defined)).min(5);
        model.is_defined = true;
        self.tail.define(model.shape(table)).expect("it continues the last one");
    }

    /// A table that is defined, and a timestamp that can be read.
    fn reader(&self) -> Option<(u64, std::sync::Arc<TableTail>, u64)> {
        let table = self.rng.below(TABLES);
        let tail = self.tail.table(TableId(table)).filter(|_| self.tables[&table].is_defined)?;
        let (first, last) = (self.tail.horizon().0, self.tail.applied().0.0);
        Some((table, tail, self.rng.between(first, last.max(first))))
    }

    fn gets(&self) {
        let Some((table, tail, ts)) = self.reader() else { return };
        let model = &self.tables[&table];
        let shape = model.shape(table);
        for _ in 0..20 {
            let key = self.key();
            let want = model.view(ts).into_iter().find(|entry| entry.0 == key);
            let want = want.map(|(_, at, row)| (at, row.map(|row| model.pad(table, row))));
            let got = match tail.get(&key, Ts(ts)).expect("above the horizon") {
                Lookup::Absent => None,
                Lookup::Deleted(at) => Some((at.0, None)),
                Lookup::Row(row) => Some((row.ts().0, Some(values(&row, &shape)))),
            };
            assert_eq!(got, want, "{} table {table} key {key:?} at {ts}", self.place());
            let newest = model.versions.get(&key).map_or(0, |of| of[of.len() - 1].0);
            let is_changed = tail.changed_since(&key, Ts(ts)).expect("above the horizon");
            assert_eq!(is_changed, newest > ts, "{}", self.place());
        }
    }

    fn key_range(&self) -> KeyRange {
        if self.rng.one_in(3) {
            return KeyRange::all();
        }
        KeyRange { from: self.key(), to: (!self.rng.one_in(3)).then(|| self.key()) }
    }

    fn ranges(&self) {
        let Some((table, tail, ts)) = self.reader() else { return };
        let (model, range) = (&self.tables[&table], self.key_range());
        let shape = model.shape(table);
        let mut want: Vec<Entry> =
            model.view(ts).into_iter().filter(|entry| range.contains(&entry.0)).collect();
        want.iter_mut().for_each(|entry| {
            entry.2 = entry.2.take().map(|row| model.pad(table, row));
        });
        let dead = tail.dead_keys(&range, Ts(ts)).expect("above the horizon");
        assert!(dead.iter().map(|key| &**key).eq(want.iter().map(|entry| &entry.0[..])));
        let direction = *self.rng.pick(&[Direction::Forward, Direction::Reverse]);
        let mut cursor = tail.range(&range, Ts(ts), direction).expect("above the horizon");
        let mut got = Vec::new();
        loop {
            let batch = cursor.next_batch(self.rng.between(1, 20) as usize);
            if batch.is_empty() {
                break;
            }
            got.extend(batch.into_iter().map(|entry| {
                let row = entry.row.map(|row| values(&row, &shape));
                (entry.key.to_vec(), entry.ts.0, row)
            }));
        }
        if direction == Direction::Reverse {
            want.reverse();
        }
        assert_eq!(got, want, "{} table {table} {range:?} at {ts}", self.place());
        let is_changed = tail.range_changed_since(&range, Ts(ts)).expect("above the horizon");
        let later =
            |(key, of): (&Vec<u8>, &Versions)| range.contains(key) && of[of.len() - 1].0 > ts;
        assert_eq!(is_changed, model.versions.iter().any(later), "{}", self.place());
    }

    fn scans(&self) {
        let Some((table, tail, ts)) = self.reader() else { return };
        let (model, range) = (&self.tables[&table], self.key_range());
        let mut want: Vec<(Vec<u8>, u64, Row)> = Vec::new();
        for (key, at, row) in model.view(ts) {
            if let Some(row) = row.filter(|_| range.contains(&key)) {
                want.push((key, at, model.pad(table, row)));
            }
        }
        let got = scan(&tail, model.version, table, ts, range);
        assert_eq!(got, want, "{} table {table} at {ts}", self.place());
    }

    fn prune(&mut self) {
        let oldest = self.now.saturating_sub(self.rng.below(40));
        for _ in 0..self.rng.below(12) {
            self.tail.prune(Ts(oldest));
        }
        let horizon = self.tail.horizon();
        for (table, tail) in self.tail.tables().iter().enumerate() {
            let below = tail.get(&self.key(), Ts(horizon.0.saturating_sub(1)));
            let is_refused = matches!(below, Err(TailError::TooOld { .. }));
            assert!(is_refused || horizon.0 == 0, "{} table {table}", self.place());
        }
    }

    fn flush(&mut self) {
        let Some((table, _, upto)) = self.reader() else { return };
        let model = &self.tables[&table];
        let last = model.flushes.last().map_or(0, |flush| flush.1);
        let want: Vec<Entry> = model
            .at(upto)
            .filter(|entry| entry.1 > last)
            .map(|(key, at, row)| (key, at, row.map(|row| model.pad(table, row))))
            .collect();
        let mut objects = model.flushes.last().map_or_else(BTreeMap::new, |flush| flush.2.clone());
        if upto < last {
            return;
        }
        let frozen = self.tail.frozen(TableId(table), Ts(upto)).expect("it can be read");
        let frozen = frozen.expect("the table is there");
        let got = self.drain(frozen, table);
        assert_eq!(got, want, "{} table {table} up to {upto}", self.place());
        for (key, at, row) in got {
            match row {
                Some(row) => objects.insert(key, (at, row)),
                None => objects.remove(&key),
            };
        }
        self.now += 1;
        let at = self.now;
        self.tail.drop_through(TableId(table), Ts(upto), Ts(at)).expect("it follows the last");
        self.tail.apply(lsn(at), &record(at, vec![])).expect("it is in order");
        let model = self.tables.get_mut(&table).expect("all are there");
        model.flushes.push((at, upto, objects));
    }

    fn drain(&self, mut frozen: Frozen, table: u64) -> Vec<Entry> {
        let slots = self.tables[&table].shape(table).slots.len();
        let mut entries = Vec::new();
        let limit = self.rng.between(1, 50) as usize;
        while let Some(batch) = frozen.next_batch(limit).expect("every row parses") {
            let rows = unpack(&batch.rows, &self.tables[&table].shape(table), slots);
            let mut both: Vec<Entry> =
                rows.into_iter().map(|(key, at, row)| (key, at, Some(row))).collect();
            both.extend(batch.deleted.iter().map(|(key, at)| (key.to_vec(), at.0, None)));
            both.sort_by(|a, b| a.0.cmp(&b.0));
            entries.extend(both);
        }
        entries
    }

    /// L5: objects under the tail are the whole table, at every timestamp.
    fn whole(&self) {
        let Some((table, tail, ts)) = self.reader() else { return };
        let model = &self.tables[&table];
        let objects = model.flushes.iter().rev().find(|flush| flush.0 <= ts);
        let mut got: BTreeMap<Vec<u8>, (u64, Row)> =
            objects.map_or_else(BTreeMap::new, |flush| flush.2.clone());
        for key in tail.dead_keys(&KeyRange::all(), Ts(ts)).expect("above the horizon") {
            got.remove(&*key);
        }
        for (key, at, row) in scan(&tail, model.version, table, ts, KeyRange::all()) {
            got.insert(key, (at, row));
        }
        got.values_mut().for_each(|(_, row)| *row = model.pad(table, std::mem::take(row)));
        let want: BTreeMap<Vec<u8>, (u64, Row)> = model
            .at(ts)
            .filter_map(|(key, at, row)| Some((key, (at, model.pad(table, row?)))))
            .collect();
        assert_eq!(got, want, "{} table {table} at {ts}", self.place());
    }

    /// When everything is flushed and nobody reads, nothing is left.
    fn finish(&mut self) {
        for table in 0..TABLES {
            if !self.tables[&table].is_defined {
                self.define(table);
            }
            let upto = self.now;
            let Some(frozen) = self.tail.frozen(TableId(table), Ts(upto)).expect("readable") else {
                continue;
            };
            self.drain(frozen, table);
            self.now += 1;
            self.tail.drop_through(TableId(table), Ts(upto), Ts(self.now)).expect("follows");
            self.tail.apply(lsn(self.now), &record(self.now, vec![])).expect("in order");
        }
        while self.tail.prune(Ts(u64::MAX)) {}
        let status = self.tail.status();
        let chunks = (status.keys, status.chunks, status.unflushed_bytes);
        assert_eq!(chunks, (0, 0, 0), "seed {} {status:?}", self.seed);
    }
}

fn values(row: &RowRef, shape: &TableShape) -> Row {
    let slots: Vec<usize> = (0..shape.slots.len()).collect();
    let row_values = row.values(shape, &slots).expect("every row parses");
    let back: Vec<usize> = slots.iter().rev().copied().collect();
    let reversed = row.values(shape, &back).expect("every row parses");
    assert!(row_values.iter().eq(reversed.iter().rev()), "slots in any order");
    row_values
}

/// A scan's rows by key.
fn scan(
    tail: &TableTail,
    version: u32,
    table: u64,
    ts: u64,
    range: KeyRange,
) -> Vec<(Vec<u8>, u64, Row)> {
    let shape = shape(table, version);
    let slots: Vec<usize> = (0..shape.slots.len()).collect();
    let scan = Scan { ts: Ts(ts), slots: &slots, range, with_key: true, with_ts: true, keep: None };
    let mut got = Vec::new();
    for batch in tail.scan(&scan).expect("it can be read") {
        got.extend(unpack(&batch, &shape, slots.len()));
    }
    got.sort_by(|a, b| a.0.cmp(&b.0));
    got
}

fn unpack(batch: &RecordBatch, shape: &TableShape, slots: usize) -> Vec<(Vec<u8>, u64, Row)> {
    let keys = batch.column(slots).as_binary::<i32>();
    let begins = batch.column(slots + 1).as_primitive::<UInt64Type>();
    let row = |at: usize| {
        let value = |slot: usize| value_at(batch.column(slot), at, &shape.slots[slot]);
        (0..slots).map(|slot| value(slot).expect("of its type")).collect()
    };
    (0..keys.len()).map(|at| (keys.value(at).to_vec(), begins.value(at), row(at))).collect()
}
