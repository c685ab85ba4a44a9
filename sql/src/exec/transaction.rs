//! A transaction of a session: its snapshot, its changes, its locks, its end.
//!
//! ```text
//! begin -> [read at the snapshot | change: read at now, lock, read again] ... -> commit | rollback
//! ```
//!
//! - Y1: REPEATABLE READ reads at the timestamp of its first read, READ COMMITTED at
//!   a new one for each statement; both see the transaction's own changes.
//! - Y2: what is changed is read at the newest timestamp under locks, whatever the level.
//! - Y3: the definitions that a change was made by are checked when it commits.
//! - Y4: after a commit is acknowledged its changes are in the tail of this node.
//!
//! Not here: what a transaction does that is too large for one record (`large`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use holdfast_api::txn::{
    AutoCommit, Check, CommitRequest, LockGrant, LockMode, LockRequest, LockWait, Lockable,
    TxnError, TxnOutcome, TxnService,
};
use holdfast_base::{Epoch, TableId, Ts, TxnId};
use holdfast_objects::ObjectId;
use holdfast_tail::{Pin, TableShape};

use super::change::Done;
use super::workspace::{Mark, Workspace};
use crate::catalog::{Catalog, Table, system};
use crate::engine::Engine;
use crate::error::{Result, SqlError};

/// An isolation level that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// READ COMMITTED.
    ReadCommitted,
    /// REPEATABLE READ, MySQL's default.
    #[default]
    RepeatableRead,
}

mod large;

/// How long an unknown outcome is asked for.
const OUTCOME_LIMIT: Duration = Duration::from_secs(20);
const OUTCOME_PAUSE: Duration = Duration::from_millis(50);

/// See the module's header.
pub struct Transaction {
    /// Its id.
    pub id: TxnId,
    /// Its level.
    pub isolation: Isolation,
    /// START TRANSACTION READ ONLY.
    pub read_only: bool,
    /// A statement's own, under autocommit.
    pub is_implicit: bool,
    /// Its changes.
    pub workspace: Workspace,
    snapshot: Option<(Ts, Pin)>,
    locked_in: Option<Epoch>,
    held: BTreeSet<(Lockable, bool)>,
    /// The definitions used by changes.
    used: BTreeMap<TableId, Used>,
    /// Objects that were written for it.
    spilled: Vec<(TableId, ObjectId)>,
    /// Further checks.
    checks: Vec<Check>,
    savepoints: Vec<(String, Mark)>,
    /// Where the statement that runs began.
    statement_mark: Option<Mark>,
    /// A commit was sent; its outcome may not be known.
    pub is_sent: bool,
    /// What the statement has done whose commit it is, for one that is interrupted.
    pub told: Done,
    /// For the locks of one that is dropped.
    txn: Arc<dyn TxnService>,
    is_over: bool,
}

/// A definition that changes were made by.
struct Used {
    /// As of when; none: nobody else knows the table, or an index goes with its table.
    since: Option<Ts>,
    /// When the definition became what it is.
    defined: Ts,
    version: u32,
    shape: Arc<TableShape>,
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.is_over {
            self.txn.release(self.id);
        }
    }
}

impl Transaction {
    /// Begins.
    ///
    /// # Errors
    /// The transaction node's.
    pub async fn begin(engine: &Engine, isolation: Isolation, is_implicit: bool) -> Result<Self> {
        let id = engine.txn.begin().await?;
        Ok(Self {
            id,
            isolation,
            read_only: false,
            is_implicit,
            workspace: Workspace::default(),
            snapshot: None,
            locked_in: None,
            held: BTreeSet::new(),
            used: BTreeMap::new(),
            spilled: Vec::new(),
            checks: Vec::new(),
            savepoints: Vec::new(),
            statement_mark: None,
            is_sent: false,
            told: Done::default(),
            txn: Arc::clone(&engine.txn),
            is_over: false,
        })
    }

    /// The timestamp that a read of this statement sees (Y1).
    ///
    /// # Errors
    /// The transaction node's.
    pub async fn read_ts(&mut self, engine: &Engine) -> Result<Ts> {
        if let Some((ts, _)) = &self.snapshot {
            return Ok(*ts);
        }
        let ts = engine.now().await?;
        if self.isolation == Isolation::RepeatableRead {
            self.snapshot = Some((ts, engine.tail.pin(ts)?));
        }
        Ok(ts)
    }

    /// The snapshot, where there is one.
    pub fn snapshot(&self) -> Option<Ts> {
        self.snapshot.as_ref().map(|(ts, _)| *ts)
    }

    /// Notes that a table's definition, as of `catalog`, was used for changes (Y3).
    pub fn use_table(&mut self, table: &Table, catalog: &Catalog) {
        if !self.used.contains_key(&table.id) {
            // A temporary table is the session's own.
            self.know(table, (!table.is_temporary).then_some(catalog.ts));
        }
    }

    /// Notes a table that this transaction makes: nobody else can change it.
    pub fn make_table(&mut self, table: &Table) {
        self.know(table, None);
    }

    fn know(&mut self, table: &Table, since: Option<Ts>) {
        let (version, shape) = (table.row.version, Arc::clone(&table.shape));
        let defined = table.since;
        self.used.insert(table.id, Used { since, defined, version, shape });
        for index in &table.indexes {
            let shape = Arc::new(crate::engine::shape(index.id, crate::catalog::index_slots()));
            self.used.insert(index.id, Used { since: None, defined, version: 1, shape });
        }
    }

    /// A statement begins: what it changes can be undone.
    pub fn begin_statement(&mut self) -> Mark {
        let mark = self.workspace.mark();
        self.statement_mark = Some(mark);
        mark
    }

    /// A statement has ended.
    pub fn end_statement(&mut self) {
        self.statement_mark = None;
    }

    /// Undoes what the statement that was dropped has changed.
    pub fn undo_statement(&mut self) {
        if let Some(mark) = self.statement_mark.take() {
            self.workspace.back_to(mark);
        }
    }

    /// Whether a commit that was sent has happened; it is decided by asking.
    ///
    /// # Errors
    /// 1180: nobody knows, or it has and is not seen here.
    pub async fn is_committed(&mut self, engine: &Engine) -> Result<bool> {
        match self.settle(engine, self.id).await {
            Ok(()) => Ok(true),
            Err(error) if error.code == 1213 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Notes a key that must not have changed since `since`.
    pub fn check(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Takes locks that it does not hold yet.
    ///
    /// # Errors
    /// The transaction node's; after 1213 the transaction is over.
    pub async fn lock(
        &mut self,
        engine: &Engine,
        wanted: &Locks,
        since: Ts,
        wait: LockWait,
    ) -> Result<LockGrant> {
        let locks = self.missing(wanted);
        if locks.is_empty() {
            return Ok(LockGrant { at: since, skipped: Vec::new(), changed: false });
        }
        self.renew(engine).await?;
        self.note_epoch(engine)?;
        let request = LockRequest { txn: self.id, locks: locks.clone(), wait, since };
        let grant = engine.txn.lock(request).await?;
        for (at, (lockable, mode)) in locks.into_iter().enumerate() {
            if !grant.skipped.contains(&at) {
                self.held.insert((lockable, mode == LockMode::Exclusive));
            }
        }
        engine.reach(grant.at).await?;
        Ok(grant)
    }

    fn missing(&self, wanted: &Locks) -> Vec<(Lockable, LockMode)> {
        let is_missing = |(lockable, exclusive): &&(Lockable, bool)| {
            !self.held.contains(&(lockable.clone(), true))
                && (*exclusive || !self.held.contains(&(lockable.clone(), false)))
        };
        let mode = |exclusive| if exclusive { LockMode::Exclusive } else { LockMode::Shared };
        wanted
            .all
            .iter()
            .filter(is_missing)
            .map(|(lockable, exclusive)| (lockable.clone(), mode(*exclusive)))
            .collect()
    }

    fn note_epoch(&mut self, engine: &Engine) -> Result<()> {
        let epoch = engine.txn.epoch();
        match self.locked_in {
            None => self.locked_in = Some(epoch),
            Some(known) if known != epoch => return Err(SqlError::deadlock()),
            Some(_) => {}
        }
        Ok(())
    }

    /// Those of `wanted` that it does not hold.
    pub fn not_held(&self, wanted: &Locks) -> Vec<Lockable> {
        self.missing(wanted).into_iter().map(|(lockable, _)| lockable).collect()
    }

    /// True where it has locks.
    pub fn holds_locks(&self) -> bool {
        !self.held.is_empty()
    }

    /// Commits a statement that is a transaction of its own: locks and log in one call.
    /// `Some`: something changed after `since`, look again at that timestamp; the locks
    /// are held from now on.
    ///
    /// # Errors
    /// The transaction node's.
    pub async fn commit_with(
        &mut self,
        engine: &Engine,
        wanted: &Locks,
        since: Ts,
        wait: LockWait,
    ) -> Result<Option<Ts>> {
        if self.is_large(engine) {
            let grant = self.lock(engine, wanted, since, wait).await?;
            if grant.changed {
                return Ok(Some(grant.at));
            }
            self.commit(engine).await?;
            return Ok(None);
        }
        self.renew(engine).await?;
        let locks = self.missing(wanted);
        let mut request = self.request(engine, &BTreeSet::new())?;
        for (lockable, _) in &locks {
            if let Lockable::Row(row) = lockable {
                request.checks.push(Check { row: row.clone(), since });
            }
        }
        let has_ranges = locks.iter().any(|(lockable, _)| !matches!(lockable, Lockable::Row(_)));
        if has_ranges || request.parts.is_empty() {
            let grant = self.lock(engine, wanted, since, wait).await?;
            if grant.changed {
                return Ok(Some(grant.at));
            }
            self.commit(engine).await?;
            return Ok(None);
        }
        let lock = LockRequest { txn: self.id, locks: locks.clone(), wait, since };
        self.is_sent = true;
        match engine.txn.lock_and_commit(lock, request).await {
            Ok(AutoCommit::Done(done)) => {
                self.is_over = true;
                shown(engine, done.ts).await?;
                Ok(None)
            }
            Ok(AutoCommit::Changed { at }) => {
                self.note_epoch(engine)?;
                for (lockable, mode) in locks {
                    self.held.insert((lockable, mode == LockMode::Exclusive));
                }
                engine.reach(at).await?;
                Ok(Some(at))
            }
            Err(TxnError::Unknown(id)) => {
                self.settle(engine, id).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Commits.
    ///
    /// # Errors
    /// The transaction node's. The transaction is over in any case.
    pub async fn commit(&mut self, engine: &Engine) -> Result<()> {
        if self.workspace.is_empty() {
            if self.holds_locks() {
                engine.txn.release(self.id);
                self.held.clear();
            }
            return Ok(());
        }
        if self.is_large(engine) {
            return self.commit_large(engine).await;
        }
        self.renew(engine).await?;
        let request = self.request(engine, &BTreeSet::new())?;
        self.send(engine, request).await
    }

    /// Draws its id anew while nobody knows it: however long a transaction only reads, the
    /// transaction node does not take it for one that it has forgotten.
    async fn renew(&mut self, engine: &Engine) -> Result<()> {
        if self.locked_in.is_none() && !self.is_sent {
            self.id = engine.txn.begin().await?;
        }
        Ok(())
    }

    async fn send(&mut self, engine: &Engine, request: CommitRequest) -> Result<()> {
        self.is_sent = true;
        match engine.txn.commit(request).await {
            Ok(done) => {
                self.is_over = true;
                shown(engine, done.ts).await
            }
            Err(TxnError::Unknown(id)) => self.settle(engine, id).await,
            Err(TxnError::Busy) => {
                engine.txn.release(self.id);
                Err(TxnError::Busy.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What is sent, but the rows of tables that `leave` names.
    ///
    /// A catalog may be older than what the transaction node remembers of changes. What it
    /// says still holds as of what the tail has applied, where the catalog of then says the same.
    fn request(&self, engine: &Engine, leave: &BTreeSet<TableId>) -> Result<CommitRequest> {
        // Before the catalog is looked at, which is then not older (N1 of `engine`).
        let (applied, _) = engine.tail.applied();
        let catalog = engine.catalog()?;
        let mut checks = self.checks.clone();
        for (table, used) in &self.used {
            let Some(since) = used.since else { continue };
            let is_same =
                catalog.tables.get(table).is_some_and(|table| table.since == used.defined);
            let since = if is_same { since.max(applied) } else { since };
            checks.push(Check { row: system::table_key(*table), since });
        }
        let version = |table| self.used.get(&table).map_or(1, |used| used.version);
        let parts = self.workspace.parts(leave, version);
        Ok(CommitRequest { txn: self.id, checks, locked_in: self.locked_in, parts })
    }

    /// Asks until the outcome is known.
    async fn settle(&self, engine: &Engine, id: TxnId) -> Result<()> {
        let end = engine.clock.monotonic() + OUTCOME_LIMIT;
        loop {
            match engine.txn.outcome(id).await {
                Ok(TxnOutcome::Committed(done)) => return shown(engine, done.ts).await,
                Ok(TxnOutcome::Aborted) => return Err(SqlError::deadlock()),
                Ok(TxnOutcome::Forgotten) => return Err(TxnError::Unknown(id).into()),
                Err(_) if engine.clock.monotonic() < end => engine.clock.sleep(OUTCOME_PAUSE).await,
                Err(_) => return Err(TxnError::Unknown(id).into()),
            }
        }
    }

    /// Ends without changes.
    pub fn rollback(&mut self, engine: &Engine) {
        self.workspace = Workspace::default();
        // What was sent may be in the log.
        if !self.is_sent {
            self.discard_spilled(engine, &BTreeSet::new());
        }
        self.savepoints.clear();
        self.snapshot = None;
        // Locks may be held that an answer was lost of.
        engine.txn.release(self.id);
        self.held.clear();
    }

    /// SAVEPOINT.
    pub fn savepoint(&mut self, name: &str) {
        self.savepoints.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.savepoints.push((name.to_owned(), self.workspace.mark()));
    }

    /// ROLLBACK TO. Locks stay, as in MySQL.
    ///
    /// # Errors
    /// 1305.
    pub fn rollback_to(&mut self, name: &str) -> Result<()> {
        let at = self.find_savepoint(name)?;
        self.savepoints.truncate(at + 1);
        self.workspace.back_to(self.savepoints[at].1);
        Ok(())
    }

    /// RELEASE SAVEPOINT: it and those after it are gone.
    ///
    /// # Errors
    /// 1305.
    pub fn release_savepoint(&mut self, name: &str) -> Result<()> {
        let at = self.find_savepoint(name)?;
        self.savepoints.truncate(at);
        Ok(())
    }

    fn find_savepoint(&self, name: &str) -> Result<usize> {
        let found = self.savepoints.iter().rposition(|(known, _)| known.eq_ignore_ascii_case(name));
        found.ok_or_else(|| SqlError::new(1305, format!("SAVEPOINT {name} does not exist")))
    }
}

/// Waits until this node shows what is committed (Y4). A code that says "not committed"
/// must not come of it.
async fn shown(engine: &Engine, ts: Ts) -> Result<()> {
    engine.reach(ts).await.map_err(|error| {
        let why = error.message;
        SqlError::new(
            1180,
            format!("Got error during COMMIT: it is durable, but not seen here: {why}"),
        )
    })
}

/// Locks that a statement wants: what, and whether alone.
///
/// More than [`ROWS_MAX`] rows of a table become the table: a lock costs the transaction
/// node some 250 bytes.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    all: BTreeSet<(Lockable, bool)>,
    rows: BTreeMap<TableId, usize>,
    whole: BTreeSet<TableId>,
}

/// See [`Locks`].
const ROWS_MAX: usize = 50_000;

impl Locks {
    /// Wants an exclusive lock.
    pub fn exclusive(&mut self, lockable: Lockable) {
        if self.is_covered(&lockable) {
            return;
        }
        self.all.remove(&(lockable.clone(), false));
        self.all.insert((lockable, true));
    }

    /// True where the table is wanted already, or becomes so.
    fn is_covered(&mut self, lockable: &Lockable) -> bool {
        let Lockable::Row(row) = lockable else { return false };
        let table = row.table;
        if self.whole.contains(&table) {
            return true;
        }
        let count = self.rows.entry(table).or_default();
        *count += 1;
        if *count <= ROWS_MAX {
            return false;
        }
        self.whole.insert(table);
        self.all.retain(|(other, _)| !matches!(other, Lockable::Row(row) if row.table == table));
        self.all.insert((Lockable::Table(table), true));
        true
    }

    /// Wants a shared lock.
    pub fn shared(&mut self, lockable: Lockable) {
        if !self.is_covered(&lockable) && !self.all.contains(&(lockable.clone(), true)) {
            self.all.insert((lockable, false));
        }
    }

    /// True where none is wanted.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
