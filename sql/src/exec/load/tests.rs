//! Loads against a whole node over a log in memory. A batch has eight rows here.

use std::collections::BTreeMap;

use holdfast_sim::bucket::SimBucket;
use holdfast_syntax::{ParseMode, Statement as Parsed};

use super::*;
use crate::bind::Binder;
use crate::ddl::tests::{Server, setting};
use crate::exec::transaction::Isolation;
use crate::store::StoreLimits;

/// A load that runs.
struct Run {
    statement: Statement,
    transaction: Transaction,
    load: Load,
}

impl Run {
    async fn begin(server: &Server, text: &str) -> Result<Self> {
        let mut parsed = holdfast_syntax::parse(text.as_bytes(), &ParseMode::default())?;
        let Some(Parsed::LoadData(load)) = parsed.pop().map(|one| one.statement) else {
            panic!("{text} is a LOAD DATA")
        };
        server.engine.now().await?;
        let mut statement = server.statement();
        let catalog = Arc::clone(&statement.catalog);
        let variables = BTreeMap::new();
        let bound = Binder::new(&catalog, setting(&variables), holdfast_value::Context::default())
            .load(&load)?;
        let mut transaction =
            Transaction::begin(&server.engine, Isolation::RepeatableRead, true).await?;
        let load = Load::begin(&mut statement, &mut transaction, (&load, bound))?;
        Ok(Self { statement, transaction, load })
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.load.take(&mut self.statement, &mut self.transaction, bytes).await
    }

    async fn finish(mut self) -> Result<(Loaded, Vec<u16>)> {
        let done = self.load.finish(&mut self.statement, &mut self.transaction).await?;
        let engine = Arc::clone(&self.statement.engine);
        self.transaction.commit(&engine).await?;
        let codes = self.statement.context.warnings.iter().map(|warning| warning.code());
        Ok((done, codes.collect()))
    }
}

const LOAD: &str = "LOAD DATA LOCAL INFILE 'f' INTO TABLE t FIELDS TERMINATED BY ','";

fn lines(keys: std::ops::Range<u32>) -> String {
    keys.map(|key| format!("{key},{}\n", key * 2)).collect()
}

async fn server() -> Server {
    let server = Server::new().await;
    server.all(&["CREATE TABLE t (a INT PRIMARY KEY, b INT, UNIQUE u (b))"]).await;
    server
}

#[test]
fn a_file_in_pieces_becomes_rows_in_batches() {
    holdfast_sim::run(async {
        let server = server().await;
        let mut run = Run::begin(&server, LOAD).await.unwrap();
        for piece in lines(0..30).as_bytes().chunks(7) {
            run.take(piece).await.unwrap();
            assert!(run.load.batch.len() < BATCH_ROWS, "D2");
        }
        assert!(!run.load.whole.is_empty(), "more than a batch locks the table");
        let (done, warnings) = run.finish().await.unwrap();
        assert_eq!(done, Loaded { records: 30, copied: 30, ..Loaded::default() });
        assert!(warnings.is_empty());
        assert_eq!(server.rows("SELECT COUNT(*), SUM(b) FROM t").await, "30,870");
        assert_eq!(server.rows("SELECT a FROM t WHERE b = 44").await, "22");
    });
}

#[test]
fn rows_that_went_into_objects_are_still_the_loads_own() {
    holdfast_sim::run(async {
        let bucket = SimBucket::default();
        let limits = StoreLimits { spill_bytes: 2 << 10, ..StoreLimits::default() };
        let server = Server::over_both(Arc::default(), bucket.clone(), limits).await;
        server
            .all(&["CREATE DATABASE d", "CREATE TABLE t (a INT PRIMARY KEY, b INT, UNIQUE u (b))"])
            .await;
        let mut run = Run::begin(&server, LOAD).await.unwrap();
        run.take(lines(0..1000).as_bytes()).await.unwrap();
        let written = bucket.names().len();
        assert!(written > 4, "{written} objects while it runs");
        // The first key again, and the second one's unique value.
        run.take(b"0,5001\n5002,2\n").await.unwrap();
        let (done, warnings) = run.finish().await.unwrap();
        assert_eq!((done.records, done.copied, warnings), (1002, 1000, vec![1062, 1062]));
        assert_eq!(server.rows("SELECT COUNT(*), SUM(b) FROM t").await, "1000,999000");
        assert_eq!(server.rows("SELECT a, b FROM t WHERE a IN (0, 5002)").await, "0,0");
        let done = server.ok("CHECK TABLE t").await;
        assert!(format!("{:?}", done.rows.unwrap().rows).contains("\"OK\""));

        // What is undone leaves no row, and its objects go.
        let mut run = Run::begin(&server, LOAD).await.unwrap();
        run.take(lines(2000..3000).as_bytes()).await.unwrap();
        run.load.undo(&mut run.transaction);
        run.transaction.rollback(&server.engine);
        assert_eq!(server.rows("SELECT COUNT(*) FROM t").await, "1000");
    });
}

#[test]
fn warnings_come_in_the_order_of_rows() {
    holdfast_sim::run(async {
        let server = server().await;
        server.ok("INSERT INTO t VALUES (2, 4)").await;
        let mut run = Run::begin(&server, LOAD).await.unwrap();
        run.take(b"1,x\n2,9\n3,1,1\n3\n4").await.unwrap();
        let (done, warnings) = run.finish().await.unwrap();
        assert_eq!(done, Loaded { records: 5, copied: 3, ..Loaded::default() });
        assert_eq!(warnings, [1366, 1062, 1262, 1261, 1062, 1261]);
        assert_eq!(server.rows("SELECT a, b FROM t ORDER BY a").await, "1,0;2,4;3,1;4,NULL");
    });
}

#[test]
fn d1_what_erred_is_undone() {
    holdfast_sim::run(async {
        let server = server().await;
        let replace = LOAD.replace("INTO", "REPLACE INTO");
        let mut run = Run::begin(&server, &replace).await.unwrap();
        let input = lines(0..20) + "oops,1\n" + &lines(30..40);
        let error = run.take(input.as_bytes()).await.unwrap_err();
        assert_eq!(error.code, 1366);
        assert!(error.message.ends_with("at row 21"), "{error}");
        assert!(!run.transaction.workspace.is_empty());
        run.load.undo(&mut run.transaction);
        assert!(run.transaction.workspace.is_empty(), "D1");
        drop(run);
        assert_eq!(server.rows("SELECT COUNT(*) FROM t").await, "0");
    });
}

#[test]
fn d3_a_batch_is_computed_again_where_its_keys_were_taken_meanwhile() {
    holdfast_sim::run(async {
        let server = server().await;
        // Another load of one row holds its key; it is committed while this one waits.
        let mut other = Run::begin(&server, LOAD).await.unwrap();
        other.take(b"5,1000\n").await.unwrap();
        other.load.splitter.finish();
        other.load.lines(&mut other.statement, &mut other.transaction).await.unwrap();
        other.load.write(&mut other.statement, &mut other.transaction).await.unwrap();
        let mut run = Run::begin(&server, LOAD).await.unwrap();
        run.take(lines(4..7).as_bytes()).await.unwrap();
        let engine = Arc::clone(&server.engine);
        let commit = async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            other.transaction.commit(&engine).await.unwrap();
        };
        let (done, ()) = tokio::join!(run.finish(), commit);
        let (done, warnings) = done.unwrap();
        assert_eq!((done.records, done.copied, warnings), (3, 2, vec![1062]), "D3");
        assert_eq!(server.rows("SELECT a, b FROM t ORDER BY a").await, "4,8;5,1000;6,12");
    });
}

#[test]
fn replace_counts_what_it_removes() {
    holdfast_sim::run(async {
        let server = server().await;
        server.ok("INSERT INTO t VALUES (1, 2), (5, 4)").await;
        let mut run = Run::begin(&server, &LOAD.replace("INTO", "REPLACE INTO")).await.unwrap();
        run.take(b"1,4\n7,8\n").await.unwrap();
        let (done, _) = run.finish().await.unwrap();
        assert_eq!(done, Loaded { records: 2, copied: 2, deleted: 2, ..Loaded::default() });
        assert_eq!(server.rows("SELECT a, b FROM t ORDER BY a").await, "1,4;7,8");
    });
}

#[test]
fn a_line_without_end_is_refused() {
    holdfast_sim::run(async {
        let server = server().await;
        let most = holdfast_value::Value::UInt(4096);
        let global = holdfast_syntax::statement::Scope::Global;
        server.statement().variables.set(global, "max_allowed_packet", &most).unwrap();
        let mut run = Run::begin(&server, LOAD).await.unwrap();
        let mut refused = None;
        for _ in 0..10 {
            if let Err(error) = run.take(&[b'1'; 1000]).await {
                refused = Some(error.code);
                break;
            }
        }
        assert_eq!(refused, Some(1153), "D2");
    });
}
