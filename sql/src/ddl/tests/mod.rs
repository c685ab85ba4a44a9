//! Statements as text against a whole node over a log in memory.

mod definitions;
mod errors;
pub mod log;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::Ts;
use holdfast_io::rng::SeededRng;
use holdfast_sim::bucket::SimBucket;
use holdfast_sim::clock::SimClock;
use holdfast_syntax::{ParseMode, Statement as Parsed};
use holdfast_txn::{TxnConfig, TxnNode};
use holdfast_value::{Collation, Context, Value, show};

use super::DdlDone;
use crate::bind::{Binder, Setting};
use crate::engine::{Engine, EngineConfig};
use crate::error::{Result, SqlError};
use crate::exec::change::{self, Change};
use crate::exec::transaction::{Isolation, Transaction};
use crate::exec::workspace::Workspace;
use crate::exec::{Facts, Statement, select};
use crate::store::StoreLimits;

/// One session of a node.
#[derive(Clone)]
pub struct Server {
    pub log: Arc<log::MemoryLog>,
    pub engine: Arc<Engine>,
}

/// What the transaction node remembers of changes: at most 1,792 of them.
const RECENT_BYTES: usize = 64 << 10;

/// Of how many transactions it remembers the outcome.
const OUTCOMES: usize = 512;

/// 2026-01-02 03:04:05. [microseconds]
const NOW: i64 = 1_767_323_045_000_000;

impl Server {
    /// A new cluster with database `d`.
    pub async fn new() -> Self {
        let server = Self::over(Arc::default()).await;
        server.ok("CREATE DATABASE d").await;
        server
    }

    /// A node over what a log has.
    pub async fn over(log: Arc<log::MemoryLog>) -> Self {
        Self::over_both(log, SimBucket::default(), StoreLimits::default()).await
    }

    /// A node over what a log and a bucket have.
    pub async fn over_both(
        log: Arc<log::MemoryLog>,
        bucket: SimBucket,
        store: StoreLimits,
    ) -> Self {
        let clock = SimClock::new();
        // Another life draws other names.
        let rng = Arc::new(SeededRng::new(7 + log.last()));
        let mut config = TxnConfig::new(log.clone(), clock.clone(), rng.clone());
        config.limits.recent_bytes = RECENT_BYTES;
        config.limits.outcomes = OUTCOMES;
        let txn = TxnNode::start(config).await.unwrap();
        let version = "8.0".into();
        let config = EngineConfig {
            txn,
            log: log.clone(),
            bucket: Arc::new(bucket),
            store,
            clock,
            rng,
            version,
            partitions: 1,
            memory_bytes: 64 << 20,
            queries: None,
            root: "first".into(),
        };
        Self { engine: Engine::start(config).await.unwrap(), log }
    }

    pub fn statement(&self) -> Statement {
        let facts =
            Facts { database: Some("d".into()), current_user: "root@%".into(), ..Facts::default() };
        let mut statement = Statement::new(&self.engine, self.engine.catalog().unwrap(), facts);
        statement.context.now = NOW;
        statement
    }

    pub async fn run(&self, text: &str) -> Result<(DdlDone, Vec<u16>)> {
        let mut parsed = holdfast_syntax::parse(text.as_bytes(), &ParseMode::default())?;
        let parsed = parsed.pop().ok_or_else(|| SqlError::syntax("nothing"))?.statement;
        self.engine.now().await?;
        let mut statement = self.statement();
        let done = match &parsed {
            parsed if super::is_mine(parsed) => super::run(&mut statement, parsed).await?,
            Parsed::Insert(_) | Parsed::Update(_) | Parsed::Delete(_) => {
                let mut transaction = self.begin(true).await?;
                self.change(&mut statement, &mut transaction, &parsed).await?
            }
            Parsed::Refused(what) => return Err(SqlError::unsupported(what)),
            Parsed::Invalid(error) => return Err(error.clone().into()),
            other => panic!("{other:?}"),
        };
        Ok((done, statement.context.warnings.iter().map(|warning| warning.code()).collect()))
    }

    pub async fn begin(&self, is_implicit: bool) -> Result<Transaction> {
        Transaction::begin(&self.engine, Isolation::RepeatableRead, is_implicit).await
    }

    async fn change(
        &self,
        statement: &mut Statement,
        transaction: &mut Transaction,
        parsed: &Parsed,
    ) -> Result<DdlDone> {
        let variables = BTreeMap::new();
        let catalog = statement.catalog.clone();
        let mut binder = Binder::new(&catalog, setting(&variables), Context::default());
        let mut change = match parsed {
            Parsed::Insert(insert) => Change::Insert(binder.insert(insert)?),
            Parsed::Update(update) => Change::Rows(binder.update(update)?),
            Parsed::Delete(delete) => Change::Rows(binder.delete(delete)?),
            _ => unreachable!("these are all"),
        };
        let done = change::run(statement, transaction, &mut change).await?;
        Ok(DdlDone { affected: done.affected, ..DdlDone::default() })
    }

    /// A change in an open transaction.
    pub async fn run_in(&self, transaction: &mut Transaction, text: &str) -> Result<DdlDone> {
        let mut parsed = holdfast_syntax::parse(text.as_bytes(), &ParseMode::default())?;
        let parsed = parsed.pop().ok_or_else(|| SqlError::syntax("nothing"))?.statement;
        self.engine.now().await?;
        self.change(&mut self.statement(), transaction, &parsed).await
    }

    pub async fn ok(&self, text: &str) -> DdlDone {
        match self.run(text).await {
            Ok((done, _)) => done,
            Err(error) => panic!("{text}: {error}"),
        }
    }

    pub async fn all(&self, texts: &[&str]) {
        for text in texts {
            self.ok(text).await;
        }
    }

    pub async fn code(&self, text: &str) -> u16 {
        match self.run(text).await {
            Ok(_) => 0,
            Err(error) => error.code,
        }
    }

    /// A query's rows: values by commas, rows by semicolons.
    pub async fn rows(&self, text: &str) -> String {
        self.rows_at(text, None).await
    }

    /// The same at a timestamp.
    pub async fn rows_at(&self, text: &str, at: Option<Ts>) -> String {
        self.engine.now().await.unwrap();
        let mut statement = self.statement();
        let catalog = statement.catalog.clone();
        let variables = BTreeMap::new();
        let mut binder = Binder::new(&catalog, setting(&variables), Context::default());
        let query = crate::parse::query(text, &ParseMode::default()).unwrap();
        let query = binder.query(&query).unwrap_or_else(|error| panic!("{text}: {error}"));
        let ts = match at {
            Some(ts) => ts,
            None => self.engine.now().await.unwrap(),
        };
        let rows = select::over(&mut statement, &Workspace::default(), &query, ts).await.unwrap();
        let shown = |row: &Vec<Value>| {
            let values = row.iter().zip(&query.columns).map(|(value, column)| {
                let mut out = Vec::new();
                match value {
                    Value::Null => out.extend_from_slice(b"NULL"),
                    value => show::write(value, &column.of, &mut out),
                }
                String::from_utf8(out).unwrap()
            });
            values.collect::<Vec<_>>().join(",")
        };
        rows.iter().map(shown).collect::<Vec<_>>().join(";")
    }
}

pub fn setting(variables: &BTreeMap<String, holdfast_value::SqlType>) -> Setting<'_> {
    Setting {
        database: Some("d"),
        collation: Collation::default(),
        full_group_by: true,
        pipes_as_concat: false,
        params: &[],
        variables,
        system: |_| None,
    }
}
