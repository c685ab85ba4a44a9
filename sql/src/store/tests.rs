//! Rows against a map, while they wander from the tail into objects and back into memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::Ts;
use holdfast_io::rng::SeededRng;
use holdfast_objects::Options;
use holdfast_sim::bucket::SimBucket;

use super::{StoreLimits, compact};
use crate::catalog::Entry;
use crate::ddl::tests::Server;
use crate::ddl::tests::log::MemoryLog;

type Model = BTreeMap<i64, (i64, String)>;

/// So small that everything happens often; nothing happens by itself.
fn limits() -> StoreLimits {
    StoreLimits {
        cache_bytes: 1 << 16,
        flush_bytes: usize::MAX,
        tail_bytes: usize::MAX,
        log_bytes: u64::MAX,
        record_bytes: 4 << 10,
        spill_bytes: 2 << 10,
        options: Options { object_bytes: 8 << 10, row_group_rows: 64, block_rows: 8 },
        ..StoreLimits::default()
    }
}

struct World {
    server: Server,
    log: Arc<MemoryLog>,
    bucket: SimBucket,
    rng: SeededRng,
    model: Model,
    counts: BTreeMap<&'static str, u64>,
    /// Keys that were deleted since the last look.
    deleted: Vec<i64>,
    /// A reader's timestamp, what it saw, and what keeps it.
    snapshot: Option<(Ts, Model, holdfast_tail::Pin)>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let (log, bucket) = (Arc::<MemoryLog>::default(), SimBucket::default());
        let server = Server::over_both(Arc::clone(&log), bucket.clone(), limits()).await;
        server.ok("CREATE DATABASE d").await;
        server.ok("CREATE TABLE t (a INT PRIMARY KEY, b INT, c VARCHAR(200), KEY bi (b))").await;
        let rng = SeededRng::new(seed);
        let (model, counts) = (Model::new(), BTreeMap::new());
        Self { server, log, bucket, rng, model, counts, deleted: Vec::new(), snapshot: None }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn row(&mut self) -> (i64, i64, String) {
        let (a, b) = (self.rng.below(400) as i64, self.rng.below(20) as i64);
        (a, b, "x".repeat(self.rng.below(60) as usize))
    }

    async fn step(&mut self) {
        match self.rng.below(22) {
            0..=4 => self.replace(1).await,
            5 => self.replace(8).await,
            6 => self.replace(120).await,
            7..=9 => self.update().await,
            10..=11 => self.delete().await,
            12 => self.update_many().await,
            13..=14 => self.flush().await,
            15 => self.compact().await,
            16 => self.checkpoint().await,
            17 => self.restart().await,
            18 => self.alter().await,
            19 => self.take_snapshot().await,
            20 => self.check_snapshot().await,
            _ => self.collect().await,
        }
    }

    /// REPLACE with so many rows: beyond some they do not fit into a record.
    async fn replace(&mut self, rows: usize) {
        let rows: Vec<_> = (0..rows).map(|_| self.row()).collect();
        let values: Vec<String> =
            rows.iter().map(|(a, b, c)| format!("({a}, {b}, '{c}')")).collect();
        self.server.ok(&format!("REPLACE INTO t (a, b, c) VALUES {}", values.join(", "))).await;
        self.count(if rows.len() > 100 { "large" } else { "replace" });
        self.model.extend(rows.into_iter().map(|(a, b, c)| (a, (b, c))));
    }

    async fn update(&mut self) {
        let (a, b, _) = self.row();
        self.server.ok(&format!("UPDATE t SET b = {b} WHERE a = {a}")).await;
        if let Some(row) = self.model.get_mut(&a) {
            row.0 = b;
        }
        self.count("update");
    }

    async fn update_many(&mut self) {
        let (a, b, _) = self.row();
        let text = format!("UPDATE t SET b = b + 1, c = 'many' WHERE a >= {a} AND b <> {b}");
        self.server.ok(&text).await;
        for row in self.model.range_mut(a..).map(|(_, row)| row).filter(|row| row.0 != b) {
            *row = (row.0 + 1, "many".into());
        }
        self.count("update many");
    }

    async fn delete(&mut self) {
        let (a, b, _) = self.row();
        let to = a + self.rng.below(12) as i64;
        self.server.ok(&format!("DELETE FROM t WHERE a BETWEEN {a} AND {to} AND b <> {b}")).await;
        self.deleted.extend(a..=to);
        self.model.retain(|key, row| !(a..=to).contains(key) || row.0 == b);
        self.count("delete");
    }

    async fn flush(&mut self) {
        let table = self.table();
        let index = table.indexes.first().map_or(table.id, |index| index.id);
        let ids = match self.rng.below(3) {
            0 => vec![table.id],
            1 => vec![index],
            _ => vec![table.id, index],
        };
        let flushed = self.server.engine.flush(&ids).await.unwrap();
        if flushed > 0 {
            self.count("flush");
        }
    }

    async fn compact(&mut self) {
        let all = self.rng.below(2) == 0;
        let id = self.table().id;
        let choose = if all { compact::all } else { compact::choose };
        if self.server.engine.compact(id, choose).await.unwrap() {
            self.count("compact");
        }
    }

    /// While rows are changed: what comes after its beginning is read again at a start.
    async fn checkpoint(&mut self) {
        let engine = Arc::clone(&self.server.engine);
        let (made, ()) = tokio::join!(engine.checkpoint(), self.replace(3));
        if made.unwrap() {
            self.count("checkpoint");
        }
    }

    /// Another life over the same log and bucket; nothing of this one is told.
    async fn restart(&mut self) {
        self.snapshot = None;
        self.server.engine.shutdown().await;
        let (log, bucket) = (Arc::clone(&self.log), self.bucket.clone());
        self.server = Server::over_both(log, bucket, limits()).await;
        self.count("restart");
    }

    /// A column that old rows have a default for; an index that is made of old rows.
    async fn alter(&mut self) {
        let has = self.table().column("z").is_some();
        let text = match has {
            false => "ALTER TABLE t ADD z INT NOT NULL DEFAULT 7, ADD INDEX zi (z, b)",
            true => "ALTER TABLE t DROP INDEX zi, DROP z",
        };
        self.server.ok(text).await;
        self.count("alter");
    }

    async fn take_snapshot(&mut self) {
        let ts = self.server.engine.now().await.unwrap();
        let pin = self.server.engine.tail.pin(ts).unwrap();
        self.snapshot = Some((ts, self.model.clone(), pin));
    }

    async fn check_snapshot(&mut self) {
        if let Some((ts, model, _)) = &self.snapshot {
            let seen = self.server.rows_at("SELECT a, b, c FROM t ORDER BY a", Some(*ts)).await;
            assert_eq!(seen, shown(model), "a snapshot");
            self.count("snapshot");
        }
    }

    async fn collect(&mut self) {
        let clock = Arc::clone(&self.server.engine.clock);
        clock.sleep(std::time::Duration::from_secs(5)).await;
        self.server.engine.collect_garbage().await.unwrap();
    }

    fn table(&self) -> Arc<crate::catalog::Table> {
        match self.server.engine.catalog().unwrap().find("d", "t") {
            Some(Entry::Table(table)) => table,
            other => panic!("{other:?}"),
        }
    }

    async fn check(&mut self) {
        let all = self.server.rows("SELECT a, b, c FROM t ORDER BY a").await;
        assert_eq!(all, shown(&self.model));
        let both = "SELECT a, b, c FROM t WHERE a < 0 UNION ALL SELECT a, b, c FROM t ORDER BY a";
        assert_eq!(self.server.rows(both).await, shown(&self.model), "by DataFusion");
        let (a, b, _) = self.row();
        for a in std::mem::take(&mut self.deleted) {
            let seen = self.server.rows(&format!("SELECT a FROM t WHERE a = {a}")).await;
            let wanted = if self.model.contains_key(&a) { a.to_string() } else { String::new() };
            assert_eq!(seen, wanted, "by key, deleted");
        }
        let one = self.server.rows(&format!("SELECT a, b, c FROM t WHERE a = {a}")).await;
        let wanted: Model =
            self.model.get_key_value(&a).map(|(a, row)| (*a, row.clone())).into_iter().collect();
        assert_eq!(one, shown(&wanted), "by key");
        let some =
            self.server.rows(&format!("SELECT a, b, c FROM t WHERE b = {b} ORDER BY a")).await;
        let wanted: Model = self
            .model
            .iter()
            .filter(|(_, row)| row.0 == b)
            .map(|(a, row)| (*a, row.clone()))
            .collect();
        assert_eq!(some, shown(&wanted), "by index");
        let count =
            self.server.rows("SELECT COUNT(*) FROM t UNION ALL SELECT 1 FROM t WHERE a < 0").await;
        assert_eq!(count, self.model.len().to_string(), "counted");
        let done = self.server.ok("CHECK TABLE t").await;
        let rows = format!("{:?}", done.rows.unwrap().rows);
        assert!(rows.contains("\"OK\""), "{rows}");
    }
}

fn shown(model: &Model) -> String {
    let row = |(a, (b, c)): (&i64, &(i64, String))| format!("{a},{b},{c}");
    model.iter().map(row).collect::<Vec<_>>().join(";")
}

#[test]
fn tables_agree_with_a_map_wherever_their_rows_are() {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in holdfast_sim::seeds(12) {
        let counts = holdfast_sim::run(async move {
            let mut world = World::new(seed).await;
            for step in 0..60 {
                world.step().await;
                if step % 3 == 0 {
                    world.check().await;
                }
            }
            world.check().await;
            // What no manifest names goes once nobody can need it.
            world.snapshot = None;
            world.checkpoint().await;
            world.server.ok("INSERT INTO t (a, b, c) VALUES (1000, 0, '')").await;
            for _ in 0..3 {
                world.collect().await;
            }
            let named: std::collections::BTreeSet<String> = world
                .server
                .engine
                .store
                .versions
                .all()
                .into_iter()
                .flat_map(|(table, manifest)| manifest.names(table))
                .collect();
            let left = world.bucket.names();
            let left: Vec<&String> = left
                .iter()
                .filter(|name| !name.starts_with("checkpoints/") && !named.contains(*name))
                .collect();
            let waiting = world.server.engine.store.garbage.lock().clone();
            let made = world.server.engine.store.checkpointed.lock().1;
            let waits =
                |name: &str| waiting.iter().any(|(since, other)| other == name && *since > made);
            let lost: Vec<&&String> = left.iter().filter(|name| !waits(name)).collect();
            assert!(lost.is_empty(), "seed {seed}: nobody needs {lost:?}");
            world.counts
        });
        for (what, count) in counts {
            *all.entry(what).or_default() += count;
        }
    }
    for what in ["large", "flush", "compact", "checkpoint", "restart", "alter", "snapshot"] {
        assert!(all.get(what).is_some_and(|count| *count > 2), "{what} hardly happened: {all:?}");
    }
}
