//! Random flushes, deletions and merges, compared with a map.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::TryStreamExt;
use holdfast_base::Ts;
use holdfast_io::rng::SeededRng;
use holdfast_tail::{Direction, KeyRange};
use holdfast_value::Value;
use roaring::RoaringBitmap;

use super::{Row, Rows, bucket, ids, options, row, scanned, shape, write};
use crate::{Edit, Ids, Manifest, ObjectId, ObjectScan, Reader, SlotBound, TableObjects, Writer};

struct World {
    rng: SeededRng,
    reader: Reader,
    bucket: Arc<dyn holdfast_api::bucket::Bucket>,
    ids: Ids,
    table: TableObjects,
    version: u32,
    model: Rows,
}

fn key(number: u64) -> Vec<u8> {
    let mut key = format!("{:03}", number).into_bytes();
    key.extend(std::iter::repeat_n(b'x', (number % 5) as usize));
    key
}

impl World {
    fn new(seed: u64) -> Self {
        let rng = SeededRng::new(seed);
        let (_, bucket) = bucket();
        // Of nothing to enough for everything.
        let reader = Reader::new(bucket.clone(), rng.below(3) as usize * 60_000);
        let table = TableObjects::new(Arc::new(Manifest::default()), shape(0));
        let model = Rows::new();
        Self { rng, reader, bucket, ids: ids(1), table, version: 0, model }
    }

    fn edit(&mut self, edit: Edit) {
        let before = &self.table.manifest;
        let edit = Edit { before: before.at, ..edit };
        let after = before.edited(Ts(before.at.0 + 1), &edit).expect("it follows");
        self.table = TableObjects::new(Arc::new(after), shape(self.version));
    }

    /// Writes some keys, deletes some others: what a flush does.
    async fn flush(&mut self) {
        let (mut changed, mut deleted) = (Rows::new(), BTreeSet::new());
        let (from, to) = (self.rng.below(700), self.rng.below(200) + 1);
        for number in from..from + to {
            match self.rng.below(4) {
                0 => _ = deleted.insert(key(number)),
                1 => {}
                _ => _ = changed.insert(key(number), row(self.version, self.rng.below(1 << 40))),
            }
        }
        let keys: BTreeSet<Vec<u8>> = changed.keys().cloned().chain(deleted.clone()).collect();
        let keys: Vec<Vec<u8>> = keys.into_iter().collect();
        let dead = self.reader.locate(&self.table, &keys).await.expect("objects are whole");
        self.check_located(&keys, &dead).await;
        let mut edit = Edit::default();
        for (id, rows) in &dead {
            let object = self.table.object(*id).expect("it was found in one").clone();
            let table = self.table.shape.table;
            let deletes = self.reader.with_deletes(table, &object, rows, (self.ids)()).await;
            edit.deletes.push((*id, deletes.expect("memory does not fail")));
        }
        edit.added = write(&self.bucket, &shape(self.version), &changed, &self.ids).await;
        for key in &deleted {
            self.model.remove(key);
        }
        self.model.extend(changed);
        self.edit(edit);
    }

    async fn check_located(&self, keys: &[Vec<u8>], dead: &BTreeMap<ObjectId, RoaringBitmap>) {
        let alive = keys.iter().filter(|key| self.model.contains_key(*key)).count() as u64;
        assert_eq!(dead.values().map(RoaringBitmap::len).sum::<u64>(), alive, "M1");
    }

    async fn compact(&mut self) {
        let objects = &self.table.manifest.objects;
        let some = objects.iter().filter(|_| !self.rng.one_in(3)).map(|object| object.id);
        let some: Vec<ObjectId> = some.collect();
        let options = options(1 << self.rng.between(12, 16));
        let shape = shape(self.version);
        let writer = Writer::new(self.bucket.clone(), shape, options, self.ids.clone(), 1);
        let made = self.reader.compact(&self.table, &some, writer).await.expect("M1");
        assert!(made.windows(2).all(|pair| pair[0].last < pair[1].first));
        self.edit(Edit { removed: some, added: made, ..Edit::default() });
    }

    /// The row as a reader of the newest shape has it.
    fn want(&self, row: &Row) -> Row {
        let added = &self.table.shape.defaults[row.len()..];
        row.iter().chain(added).cloned().collect()
    }

    fn slots(&self) -> Vec<usize> {
        (0..self.table.shape.slots.len()).collect()
    }

    fn range_at(&self) -> KeyRange {
        let (from, to) = (key(self.rng.below(950)), key(self.rng.below(950)));
        let from = if self.rng.one_in(4) { Vec::new() } else { from };
        KeyRange { from, to: (!self.rng.one_in(4)).then_some(to) }
    }

    async fn check(&mut self) {
        assert_eq!(self.table.manifest.rows(), self.model.len() as u64);
        self.check_points().await;
        self.check_range(Direction::Forward).await;
        self.check_range(Direction::Reverse).await;
        self.check_scan().await;
    }

    async fn check_points(&self) {
        let slots = self.slots();
        let shape = &self.table.shape;
        let keys: BTreeSet<Vec<u8>> = (0..40).map(|_| key(self.rng.below(950))).collect();
        let keys: Vec<Vec<u8>> = keys.into_iter().collect();
        let many = self.reader.get_many(&self.table, &keys).await.expect("objects are whole");
        for (key, many) in keys.iter().zip(many) {
            let want = self.model.get(key).map(|row| self.want(row));
            let one = self.reader.get(&self.table, key).await.expect("objects are whole");
            for got in [one, many] {
                let got = got.map(|row| row.values(shape, &slots).expect("values of their types"));
                assert_eq!(got, want, "key {key:?}");
            }
        }
    }

    async fn check_range(&self, direction: Direction) {
        let range = self.range_at();
        let inside = self.model.iter().filter(|(key, _)| range.contains(key));
        let mut want: Vec<(Vec<u8>, Row)> =
            inside.map(|(key, row)| (key.clone(), self.want(row))).collect();
        if direction == Direction::Reverse {
            want.reverse();
        }
        let mut cursor = self.reader.range(&self.table, &range, direction);
        let mut got = Vec::new();
        loop {
            let limit = self.rng.between(1, 30) as usize;
            let rows = cursor.next_batch(limit).await.expect("objects are whole");
            if rows.is_empty() {
                break;
            }
            assert!(rows.len() <= limit);
            for (key, row) in rows {
                let row = row.values(&self.table.shape, &self.slots()).expect("values");
                got.push((key.to_vec(), row));
            }
        }
        assert_eq!(got, want, "{range:?} {direction:?}");
    }

    async fn check_scan(&self) {
        let mut scan = ObjectScan {
            slots: self.slots(),
            with_key: true,
            batch_rows: self.rng.between(1, 50) as usize,
            ..ObjectScan::default()
        };
        if self.rng.one_in(2) {
            scan.ranges = (0..self.rng.between(1, 4)).map(|_| self.range_at()).collect();
        }
        let low = self.rng.below(1000) as i64;
        let high = low + self.rng.below(300) as i64;
        if self.rng.one_in(2) {
            let low = Some((Value::Int(low), self.rng.one_in(2)));
            let high = Some((Value::Int(high), self.rng.one_in(2)));
            scan.bounds = vec![SlotBound { slot: 0, low, high }];
        }
        if self.rng.one_in(2) {
            let text = Value::text(format!("text {high:04}"));
            scan.bounds.push(SlotBound { slot: 1, low: None, high: Some((text, false)) });
        }
        let hidden: Vec<Vec<u8>> =
            self.model.keys().filter(|_| self.rng.one_in(9)).cloned().collect();
        let places = self.reader.locate(&self.table, &hidden).await.expect("objects are whole");
        scan.hidden = places.into_iter().map(|(id, rows)| (id, Arc::new(rows))).collect();
        let parts = self.rng.between(1, 9) as usize;
        let got = scanned(&self.reader, &self.table, &scan, parts).await.expect("whole objects");

        let in_ranges = |key: &Vec<u8>| {
            scan.ranges.is_empty() || scan.ranges.iter().any(|range| range.contains(key))
        };
        let mut must = 0;
        for (key, row) in &self.model {
            if !in_ranges(key) || hidden.binary_search(key).is_ok() {
                continue;
            }
            let row = self.want(row);
            match got.get(key) {
                Some(got) => assert_eq!(*got, row, "key {key:?}"),
                None => assert!(!is_inside(&scan.bounds, &row), "P1: key {key:?} {scan:?}"),
            }
            must += 1;
        }
        let may = |key: &Vec<u8>| {
            self.model.contains_key(key) && in_ranges(key) && hidden.binary_search(key).is_err()
        };
        assert!(got.keys().all(may), "a row that is dead, or outside the ranges");
        assert!(!scan.bounds.is_empty() || got.len() == must);
    }
}

fn is_inside(bounds: &[SlotBound], row: &Row) -> bool {
    let value = |value: &Value| match value {
        Value::Int(int) => format!("{int:08}"),
        Value::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    };
    bounds.iter().all(|bound| {
        let it = &row[bound.slot];
        let low = |(low, is_in): &(Value, bool)| {
            value(it) > value(low) || (*is_in && value(it) == value(low))
        };
        let high = |(high, is_in): &(Value, bool)| {
            value(it) < value(high) || (*is_in && value(it) == value(high))
        };
        !it.is_null() && bound.low.as_ref().is_none_or(low) && bound.high.as_ref().is_none_or(high)
    })
}

#[test]
fn objects_agree_with_a_map() {
    for seed in holdfast_sim::seeds(12) {
        println!("seed {seed}");
        holdfast_sim::run(async {
            let mut world = World::new(seed);
            for _ in 0..20 {
                match world.rng.below(7) {
                    0 => world.compact().await,
                    1 if world.version < 6 => {
                        world.version += 1;
                        let manifest = world.table.manifest.clone();
                        world.table = TableObjects::new(manifest, shape(world.version));
                    }
                    _ => world.flush().await,
                }
                world.check().await;
            }
        });
    }
}

#[test]
fn rows_that_are_almost_all_dead_are_left_out() {
    holdfast_sim::run(async {
        let (_, bucket) = bucket();
        let reader = Reader::new(bucket.clone(), 1 << 20);
        let rows: Rows =
            (0..2000).map(|at| (format!("{at:05}").into_bytes(), row(3, at))).collect();
        let objects = write(&bucket, &shape(3), &rows, &ids(1)).await;
        let table = super::table(objects, &shape(3));
        let id = table.manifest.objects[0].id;
        for step in [1, 2, 3, 39, 40, 41, 70, 700] {
            let hidden: RoaringBitmap = (0..2000).filter(|row| row % step != step - 1).collect();
            for hidden in [RoaringBitmap::from_iter(0..2000) - &hidden, hidden] {
                let scan = ObjectScan {
                    slots: (0..7).collect(),
                    with_key: true,
                    hidden: [(id, Arc::new(hidden.clone()))].into(),
                    batch_rows: 100,
                    ..ObjectScan::default()
                };
                let got = scanned(&reader, &table, &scan, 3).await.expect("whole objects");
                let alive = (0..2000).filter(|row| !hidden.contains(*row));
                let want: Vec<Vec<u8>> = alive.map(|row| format!("{row:05}").into()).collect();
                assert_eq!(got.into_keys().collect::<Vec<_>>(), want, "step {step}");
            }
        }
        let parts = reader.scan(&table, &ObjectScan::default(), 4).await.expect("whole objects");
        let mut counted = 0;
        for part in parts {
            let batches: Vec<_> = part.open().try_collect().await.expect("whole objects");
            counted += batches.iter().map(|batch| batch.num_rows()).sum::<usize>();
        }
        assert_eq!(counted, 2000, "rows are counted without a column");
    });
}
