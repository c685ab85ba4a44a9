//! A session: one client's state, one statement at a time.
//!
//! - S1: a statement that errs leaves no change behind; errors that end the transaction
//!   (1213) roll all of it back, as MySQL does.
//! - S2: under autocommit a statement is its own transaction; DDL and some others
//!   commit what is open first, as in MySQL.
//! - S3: what a client is told was committed is durable (`transaction` Y4).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_syntax::{Completion, Parsed, Statement as Ast};
use holdfast_value::{Context, SqlType, Value, ValueError};

use super::grants;
use super::plans::{Slot, Tables};
use super::registry::Known;
use super::variables::{IsolationLevel, Variables};
use crate::algebra::Output;
use crate::bind::{Binder, Setting};
use crate::catalog::{AccountRow, Table};
use crate::engine::Engine;
use crate::error::{Result, SqlError};
use crate::exec::Statement;
use crate::exec::load::Load;
use crate::exec::transaction::{Isolation, Transaction};
use crate::expr::eval::Facts;
use crate::frame::Rows;

/// What a statement answers.
pub enum Answer {
    /// Something was done.
    Done(Outcome),
    /// Rows, all of them there.
    Rows(Vec<Output>, Vec<Vec<Value>>),
    /// Rows, as they are computed.
    Stream(Vec<Output>, Box<Rows>),
    /// The client is to send a file (`load`).
    Load(Box<Load>),
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows changed.
    pub affected: u64,
    /// The first generated number; 0: none.
    pub last_insert_id: u64,
    /// `Rows matched: 1  Changed: 1  Warnings: 0`
    pub info: String,
    /// The current database has become this one.
    pub database: Option<String>,
}

/// A prepared statement.
#[derive(Clone)]
pub struct Prepared {
    /// Its parsed text.
    pub parsed: Arc<Parsed>,
    /// How many parameters it has.
    pub params: usize,
    /// What binding made of it.
    pub plan: Slot,
}

/// A client's session.
pub struct Session {
    /// What statements know of it.
    pub statement: Statement,
    /// The open transaction.
    pub transaction: Option<Transaction>,
    /// The account.
    pub account: Arc<AccountRow>,
    /// What others see of it.
    pub known: Arc<Known>,
    /// Prepared by name.
    pub named: BTreeMap<String, Prepared>,
    /// Where the plan of the prepared statement that runs is kept.
    pub slot: Option<Slot>,
    /// The rows that there are without LIMIT, where the statement asked for their number.
    pub found: Option<i64>,
    /// LOCK TABLES is in force.
    pub has_locked_tables: bool,
    /// The connection is to be closed after the answer (COMMIT RELEASE).
    pub is_over: bool,
    /// CLIENT_LOCAL_FILES.
    pub sends_files: bool,
}

/// The most warnings that are counted in an OK packet.
const WARNINGS_MAX: u64 = 65_535;

/// Who the client is.
pub struct Who {
    /// The account.
    pub account: Arc<AccountRow>,
    /// The user as it was given.
    pub user: String,
    /// Where it comes from.
    pub host: String,
    /// CLIENT_FOUND_ROWS.
    pub found_rows: bool,
    /// CLIENT_LOCAL_FILES.
    pub sends_files: bool,
}

impl Session {
    /// A new client's session.
    ///
    /// # Errors
    /// The catalog does not load.
    pub fn new(engine: &Arc<Engine>, client: Who, known: Arc<Known>) -> Result<Self> {
        let mut variables = Variables::new(&engine.globals);
        variables.moment.connection_id = known.id;
        let facts = Facts {
            user: format!("{}@{}", client.user, client.host),
            current_user: format!("{}@{}", client.account.user, client.account.host),
            connection_id: known.id,
            version: engine.version.clone(),
            ..Facts::default()
        };
        let mut statement = Statement::new(engine, engine.catalog()?, facts);
        statement.variables = variables;
        statement.found_rows = client.found_rows;
        Ok(Self {
            statement,
            transaction: None,
            account: client.account,
            known,
            named: BTreeMap::new(),
            found: None,
            has_locked_tables: false,
            slot: None,
            is_over: false,
            sends_files: client.sends_files,
        })
    }

    /// As a new session's, but for who it is: COM_RESET_CONNECTION.
    pub fn reset(&mut self) {
        self.rollback();
        self.statement.temporary.doom_all();
        self.named.clear();
        self.statement.variables.reset();
        self.statement.facts.variables.clear();
        self.statement.facts.last_insert_id = 0;
        self.statement.before = super::seen::Diagnostics::default();
        self.statement.engine.names.release_all(self.known.id);
    }

    /// How its texts are to be parsed.
    pub fn parse_mode(&self, multi: bool) -> holdfast_syntax::ParseMode {
        holdfast_syntax::ParseMode { multi, ..self.statement.variables.settings().mode.parsing() }
    }

    /// Runs one parsed statement.
    ///
    /// # Errors
    /// MySQL's (S1).
    pub async fn run(&mut self, parsed: &Parsed, params: Vec<Value>) -> Result<Answer> {
        if parsed.params != params.len() {
            return Err(SqlError::syntax("'?' stands for a value in prepared statements only"));
        }
        self.prepare_to_run(params).await?;
        let keeps_warnings = matches!(&parsed.statement, Ast::Show(show) if is_diagnostic(show));
        let answer = self.dispatch(parsed).await;
        let answer = match answer {
            Ok(answer) => Ok(answer),
            Err(error) => {
                if error.ends_transaction() {
                    self.rollback();
                }
                Err(error)
            }
        };
        if !keeps_warnings {
            self.note(&answer);
        }
        answer
    }

    async fn prepare_to_run(&mut self, params: Vec<Value>) -> Result<()> {
        self.found = None;
        let statement = &mut self.statement;
        let now = statement.engine.clock.wall().0 as i64 * 1000;
        let settings = *statement.variables.settings();
        statement.variables.moment.now = now;
        statement.variables.moment.last_insert_id = statement.facts.last_insert_id;
        statement.context = Context {
            zone: settings.zone,
            mode: settings.mode.values(),
            now: settings.timestamp.unwrap_or(now),
            bytes_max: settings.bytes_max,
            div_scale: settings.div_scale,
            is_change: false,
            warnings: Vec::new(),
            warning_count: 0,
        };
        statement.params = params;
        statement.ignores = false;
        if let Some(why) = statement.engine.stopped() {
            return Err(SqlError::new(1053, format!("Server shutdown in progress: {why}")));
        }
        self.sweep().await
    }

    /// Keeps what the statement had to say, for SHOW WARNINGS, ROW_COUNT and others.
    pub(super) fn note(&mut self, answer: &Result<Answer>) {
        use super::seen::{Diagnostic, Level};
        let context = &self.statement.context;
        let line = |warning: &ValueError| Diagnostic {
            level: if is_note(warning.code()) { Level::Note } else { Level::Warning },
            code: warning.code(),
            message: warning.to_string(),
        };
        let mut lines: Vec<Diagnostic> = context.warnings.iter().map(line).collect();
        let mut count = context.warning_count;
        let facts = &mut self.statement.facts;
        match answer {
            Ok(Answer::Done(outcome)) => {
                facts.row_count = i64::try_from(outcome.affected).unwrap_or(i64::MAX);
                if outcome.last_insert_id > 0 {
                    facts.last_insert_id = outcome.last_insert_id;
                }
            }
            Ok(Answer::Rows(_, rows)) => {
                facts.row_count = -1;
                facts.found_rows = self.found.take().unwrap_or(rows.len() as i64);
            }
            Ok(Answer::Stream(..) | Answer::Load(_)) => facts.row_count = -1,
            Err(error) => {
                facts.row_count = -1;
                count += 1;
                lines.push(Diagnostic {
                    level: Level::Error,
                    code: error.code,
                    message: error.message.clone(),
                });
            }
        }
        let errors = u64::from(answer.is_err());
        self.statement.variables.moment.warnings = count;
        self.statement.variables.moment.errors = errors;
        self.statement.before = super::seen::Diagnostics { lines, count };
    }

    /// Warnings of the statement, as an OK packet counts them.
    pub fn warnings(&self) -> u64 {
        self.statement.context.warning_count.min(WARNINGS_MAX)
    }

    async fn dispatch(&mut self, parsed: &Parsed) -> Result<Answer> {
        match &parsed.statement {
            Ast::Query(select) => self.select(select).await,
            Ast::Insert(insert) => self.insert(insert).await,
            Ast::Update(update) => self.update(update).await,
            Ast::Delete(delete) => self.delete(delete).await,
            Ast::LoadData(load) => self.begin_load(load).await,
            Ast::Do(exprs) => self.do_exprs(exprs).await,
            Ast::Set(items) => self.set(items).await,
            Ast::Use(name) => self.use_database(name),
            Ast::Show(show) => self.show(show),
            Ast::Explain { statement, analyze, format } => {
                self.explain(statement, *analyze, format.as_deref()).await
            }
            Ast::Begin { snapshot, read_only } => self.begin(*snapshot, *read_only).await,
            Ast::Commit(completion) => self.commit_statement(*completion).await,
            Ast::Rollback(completion) => self.rollback_statement(*completion).await,
            Ast::Savepoint(name) => {
                if self.transaction.is_some() || !self.autocommit() {
                    self.open(false).await?.savepoint(name);
                }
                Ok(done())
            }
            Ast::RollbackTo(name) => {
                let missing = || SqlError::new(1305, format!("SAVEPOINT {name} does not exist"));
                self.transaction.as_mut().ok_or_else(missing)?.rollback_to(name)?;
                Ok(done())
            }
            Ast::ReleaseSavepoint(name) => {
                let missing = || SqlError::new(1305, format!("SAVEPOINT {name} does not exist"));
                self.transaction.as_mut().ok_or_else(missing)?.release_savepoint(name)?;
                Ok(done())
            }
            Ast::LockTables(tables) => self.lock_tables(tables).await,
            Ast::UnlockTables => self.unlock_tables().await,
            Ast::Kill { query, id } => self.kill(*query, id).await,
            Ast::Prepare { name, source } => self.prepare_named(name, source),
            Ast::Execute { name, using } => Box::pin(self.execute_named(name, using)).await,
            Ast::Deallocate(name) => match self.named.remove(&name.to_ascii_lowercase()) {
                Some(_) => Ok(done()),
                None => Err(unknown_prepared(name, "DEALLOCATE PREPARE")),
            },
            Ast::Flush(words) => {
                self.check_global(grants::privilege::RELOAD)?;
                let first = words.first().map(|word| word.to_ascii_uppercase());
                if matches!(first.as_deref(), Some("TABLES" | "TABLE")) {
                    let engine = Arc::clone(&self.statement.engine);
                    engine.checkpoint().await?;
                }
                Ok(done())
            }
            Ast::Reset(_) => {
                self.check_global(grants::privilege::RELOAD)?;
                Ok(done())
            }
            Ast::ExplainConnection(_) => Err(SqlError::unsupported("EXPLAIN FOR CONNECTION")),
            Ast::Refused(what) => Err(SqlError::unsupported(what)),
            Ast::Invalid(error) => Err(error.clone().into()),
            other => self.ddl(other).await,
        }
    }

    // ---- transactions

    /// `autocommit`.
    pub fn autocommit(&self) -> bool {
        self.statement.variables.settings().autocommit
    }

    /// True inside a transaction that a statement does not end.
    pub fn in_transaction(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| !transaction.is_implicit)
    }

    /// The open transaction, or a new one.
    pub(super) async fn open(&mut self, is_implicit: bool) -> Result<&mut Transaction> {
        if self.transaction.is_none() {
            let (level, read_only) = self.statement.variables.take_transaction();
            let isolation = match level {
                IsolationLevel::RepeatableRead => Isolation::RepeatableRead,
                IsolationLevel::ReadCommitted => Isolation::ReadCommitted,
            };
            let engine = Arc::clone(&self.statement.engine);
            let mut transaction = Transaction::begin(&engine, isolation, is_implicit).await?;
            transaction.read_only = read_only;
            self.transaction = Some(transaction);
        }
        self.transaction.as_mut().ok_or_else(|| SqlError::internal("no transaction"))
    }

    async fn begin(&mut self, snapshot: bool, read_only: Option<bool>) -> Result<Answer> {
        self.commit_open().await?;
        let engine = Arc::clone(&self.statement.engine);
        let transaction = self.open(false).await?;
        if let Some(read_only) = read_only {
            transaction.read_only = read_only;
        }
        if snapshot && transaction.isolation == Isolation::RepeatableRead {
            transaction.read_ts(&engine).await?;
        }
        Ok(done())
    }

    /// Commits what is open (S2).
    ///
    /// # Errors
    /// The transaction node's; the transaction is over in any case.
    pub async fn commit_open(&mut self) -> Result<()> {
        let Some(transaction) = &mut self.transaction else { return Ok(()) };
        // Not to be interrupted: the client learns the outcome.
        self.known.set_committing(true);
        let committed = transaction.commit(&self.statement.engine).await;
        self.known.set_committing(false);
        self.transaction = None;
        self.has_locked_tables = false;
        committed
    }

    /// Rolls back what is open.
    pub fn rollback(&mut self) {
        if let Some(mut transaction) = self.transaction.take() {
            transaction.rollback(&self.statement.engine);
        }
    }

    async fn commit_statement(&mut self, completion: Completion) -> Result<Answer> {
        let again = self.transaction.as_ref().map(|open| (open.isolation, open.read_only));
        self.commit_open().await?;
        self.complete(completion, again).await
    }

    async fn rollback_statement(&mut self, completion: Completion) -> Result<Answer> {
        let again = self.transaction.as_ref().map(|open| (open.isolation, open.read_only));
        self.rollback();
        self.complete(completion, again).await
    }

    async fn complete(
        &mut self,
        completion: Completion,
        again: Option<(Isolation, bool)>,
    ) -> Result<Answer> {
        if completion.chain == Some(true) {
            let transaction = self.open(false).await?;
            if let Some((isolation, read_only)) = again {
                transaction.isolation = isolation;
                transaction.read_only = read_only;
            }
        }
        self.is_over |= completion.release == Some(true);
        Ok(done())
    }

    // ---- binding

    /// The catalog as it is now, and what the account may now.
    pub(super) fn refresh(&mut self) -> Result<()> {
        self.statement.look()?;
        let catalog = &self.statement.catalog;
        let name = (self.account.user.clone(), self.account.host.clone());
        // An account that was dropped keeps what it had until it goes, as in MySQL.
        if let Some(row) = catalog.accounts.get(&name) {
            self.account = Arc::clone(row);
        }
        Ok(())
    }

    /// Binds with `work`, by the catalog as it is now.
    pub(super) fn bind<T>(&mut self, work: impl FnOnce(&mut Binder<'_>) -> Result<T>) -> Result<T> {
        self.refresh()?;
        let catalog = Arc::clone(&self.statement.catalog);
        let settings = *self.statement.variables.settings();
        let types: Vec<SqlType> =
            self.statement.params.iter().map(crate::exec::natural_type).collect();
        let facts = &self.statement.facts;
        let variables: BTreeMap<String, SqlType> =
            facts.variables.iter().map(|(name, (_, of))| (name.clone(), of.clone())).collect();
        let setting = Setting {
            database: facts.database.as_deref(),
            collation: settings.collation,
            full_group_by: settings.mode.full_group_by(),
            pipes_as_concat: settings.mode.pipes_as_concat(),
            params: &types,
            variables: &variables,
            system: super::variables::type_of,
        };
        let mut binder = Binder::new(&catalog, setting, self.statement.context.clone());
        let bound = work(&mut binder)?;
        self.check_snapshot(&binder.tables)?;
        Ok(bound)
    }

    /// A table that was changed after the transaction's snapshot cannot be read at it.
    pub(super) fn check_snapshot(&self, tables: &Tables) -> Result<()> {
        let Some(ts) = self.transaction.as_ref().and_then(Transaction::snapshot) else {
            return Ok(());
        };
        // A temporary table is there from when it was made, whatever the snapshot is.
        let is_newer = |table: &Arc<Table>| table.since > ts && !table.is_temporary;
        match tables.values().any(is_newer) {
            true => Err(SqlError::table_changed()),
            false => Ok(()),
        }
    }

    // ---- small statements

    fn show(&mut self, show: &holdfast_syntax::show::Show) -> Result<Answer> {
        self.refresh()?;
        let shown = super::show::show(&mut self.statement, show)?;
        let output = |(at, (name, of)): (usize, (String, SqlType))| Output {
            id: at as u32,
            name: name.into(),
            of,
            nullable: true,
            source: None,
        };
        let columns = shown.columns.into_iter().enumerate().map(output).collect();
        Ok(Answer::Rows(columns, shown.rows))
    }

    /// Statements about definitions and accounts: they commit what is open (S2).
    async fn ddl(&mut self, statement: &Ast) -> Result<Answer> {
        match statement {
            Ast::CreateTable(create) if create.temporary => {
                return self.create_temporary(create).await;
            }
            Ast::DropTable { tables, if_exists, temporary } => {
                return self.drop_tables(tables, *if_exists, *temporary).await;
            }
            _ => {}
        }
        self.commit_open().await?;
        self.refresh()?;
        super::ddl::run(self, statement).await
    }

    pub(super) async fn set_password(
        &mut self,
        user: Option<&holdfast_syntax::account::AccountName>,
        password: &str,
    ) -> Result<()> {
        let is_own = user.is_none_or(|name| {
            name.current || (name.user == self.account.user && name.host == self.account.host)
        });
        if !is_own {
            self.check_global(grants::privilege::CREATE_USER)?;
        }
        self.commit_open().await?;
        let item = holdfast_syntax::SetItem::Password {
            user: user.cloned(),
            password: password.to_owned(),
        };
        crate::ddl::run(&mut self.statement, &Ast::Set(vec![item])).await?;
        Ok(())
    }

    fn use_database(&mut self, name: &str) -> Result<Answer> {
        self.change_database(name)?;
        let database = Some(name.to_owned());
        Ok(Answer::Done(Outcome { database, ..Outcome::default() }))
    }

    /// USE, COM_INIT_DB.
    ///
    /// # Errors
    /// 1049, 1044.
    pub fn change_database(&mut self, name: &str) -> Result<()> {
        self.refresh()?;
        let computed = super::information::TABLES
            .iter()
            .find(|table| table.database.eq_ignore_ascii_case(name))
            .map(|table| table.database);
        let (name, collation) = match computed {
            Some(name) => (name.to_owned(), None),
            None => {
                let database = self.statement.catalog.database(name)?;
                (name.to_owned(), Some(database.collation))
            }
        };
        grants::check_use(&self.account, &name)?;
        self.statement.variables.use_database(collation);
        self.known.doing.lock().database = Some(name.clone());
        self.statement.facts.database = Some(name);
        Ok(())
    }

    async fn kill(&mut self, query: bool, id: &holdfast_syntax::ast::Expr) -> Result<Answer> {
        let bound = self.bind(|binder| binder.alone(id, crate::bind::Scope::default()))?;
        let value = self.statement.with(|env| crate::expr::eval::eval(&bound, env))?;
        let id = holdfast_value::cast::to_u64(&value, &mut self.statement.context)?.unwrap_or(0);
        self.kill_id(id, !query)?;
        Ok(done())
    }

    /// KILL, COM_PROCESS_KILL.
    ///
    /// # Errors
    /// 1094, 1095.
    pub fn kill_id(&self, id: u64, connection: bool) -> Result<()> {
        let found = self.statement.engine.sessions.find(id);
        let known = found.ok_or_else(|| SqlError::new(1094, format!("Unknown thread id: {id}")))?;
        let is_own = known.user == self.known.user;
        let may = grants::privilege::SUPER | grants::privilege::PROCESS;
        if !is_own && grants::check_global(&self.account, may).is_err() {
            return Err(SqlError::new(1095, format!("You are not owner of thread {id}")));
        }
        known.kill(connection);
        Ok(())
    }

    pub(super) fn check_global(&self, any_of: u64) -> Result<()> {
        grants::check_global(&self.account, any_of)
    }

    fn prepare_named(
        &mut self,
        name: &str,
        source: &holdfast_syntax::statement::PrepareSource,
    ) -> Result<Answer> {
        use holdfast_syntax::statement::PrepareSource as From;
        let text = match source {
            From::Text(text) => text.clone(),
            From::Variable(name) => {
                match self.statement.facts.variables.get(&name.to_ascii_lowercase()) {
                    Some((Value::Text(text), _)) => text.to_string(),
                    _ => return Err(SqlError::syntax(format!("@{name} holds no statement"))),
                }
            }
        };
        let prepared = self.prepare(text.as_bytes())?;
        self.named.insert(name.to_ascii_lowercase(), prepared);
        Ok(done())
    }

    /// PREPARE, COM_STMT_PREPARE.
    ///
    /// # Errors
    /// 1064, 1295.
    pub fn prepare(&self, text: &[u8]) -> Result<Prepared> {
        let mut parsed = holdfast_syntax::parse(text, &self.parse_mode(false))?;
        let Some(one) = parsed.pop().filter(|_| parsed.is_empty()) else {
            return Err(SqlError::syntax("one statement is wanted"));
        };
        match &one.statement {
            Ast::Refused(what) => return Err(SqlError::unsupported(what)),
            Ast::Invalid(error) => return Err(error.clone().into()),
            Ast::Prepare { .. } | Ast::Execute { .. } | Ast::Deallocate(_) | Ast::LoadData(_) => {
                return Err(SqlError::new(
                    1295,
                    "This command is not supported in the prepared statement protocol yet",
                ));
            }
            _ => {}
        }
        let params = one.params;
        Ok(Prepared { parsed: Arc::new(one), params, plan: Slot::default() })
    }

    async fn execute_named(&mut self, name: &str, using: &[String]) -> Result<Answer> {
        let found = self.named.get(&name.to_ascii_lowercase()).cloned();
        let prepared = found.ok_or_else(|| unknown_prepared(name, "EXECUTE"))?;
        if prepared.params != using.len() {
            return Err(SqlError::new(1210, "Incorrect arguments to EXECUTE"));
        }
        let value = |name: &String| {
            let known = self.statement.facts.variables.get(&name.to_ascii_lowercase());
            known.map_or(Value::Null, |(value, _)| value.clone())
        };
        self.statement.params = using.iter().map(value).collect();
        self.slot = Some(Arc::clone(&prepared.plan));
        let answer = self.dispatch(&prepared.parsed).await;
        self.slot = None;
        answer
    }

    /// COM_STATISTICS.
    pub fn statistics(&self) -> String {
        let sessions = self.statement.engine.sessions.all().len();
        let questions =
            self.statement.engine.sessions.questions.load(std::sync::atomic::Ordering::Relaxed);
        let uptime = self.statement.engine.uptime_s();
        let per_second = questions as f64 / uptime.max(1) as f64;
        format!(
            "Uptime: {uptime}  Threads: {sessions}  Questions: {questions}  Slow queries: {}  Opens: 0  Flush tables: 0  Open tables: 0  Queries per second avg: {per_second:.3}",
            self.statement.engine.slow_queries()
        )
    }
}

/// Nothing to say.
pub(super) fn done() -> Answer {
    Answer::Done(Outcome::default())
}

fn unknown_prepared(name: &str, what: &str) -> SqlError {
    SqlError::new(1243, format!("Unknown prepared statement handler ({name}) given to {what}"))
}

/// SHOW WARNINGS and ERRORS leave what they show.
fn is_diagnostic(show: &holdfast_syntax::show::Show) -> bool {
    use holdfast_syntax::show::ShowWhat as W;
    matches!(show.what, W::Warnings { .. } | W::Errors { .. } | W::CountWarnings | W::CountErrors)
}

/// Warnings that MySQL calls notes.
fn is_note(code: u16) -> bool {
    matches!(code, 1003 | 1007 | 1008 | 1050 | 1051 | 1054 | 1065 | 1305)
}

/// The text of a statement, for PROCESSLIST.
pub fn text_of(bytes: &Bytes) -> Arc<str> {
    const SHOWN: usize = 1024;
    let cut = &bytes[..bytes.len().min(SHOWN)];
    String::from_utf8_lossy(cut).into()
}

impl Session {
    /// A stream has ended: what it warned of counts, and how many rows it had.
    pub(super) fn end_stream(&mut self, rows: &Rows, count: i64) {
        crate::exec::vectors::take_warnings(&mut self.statement, rows);
        self.statement.facts.found_rows = self.found.take().unwrap_or(count);
        let answer = Ok(Answer::Done(Outcome::default()));
        self.note(&answer);
        self.statement.facts.row_count = -1;
    }

    /// A statement was dropped where it waited: what it did is undone. But if its
    /// commit was on its way and has happened: what was done.
    ///
    /// # Errors
    /// 1180: nobody knows whether it has.
    pub(super) async fn after_interruption(&mut self) -> Result<Option<Outcome>> {
        let Some(open) = &mut self.transaction else { return Ok(None) };
        if !open.is_implicit {
            open.undo_statement();
            return Ok(None);
        }
        let is_committed = match open.is_sent {
            true => open.is_committed(&self.statement.engine).await,
            false => Ok(false),
        };
        let Ok(true) = is_committed else {
            self.rollback();
            return is_committed.map(|_| None);
        };
        let told = std::mem::take(&mut open.told);
        self.transaction = None;
        let matched = self.statement.found_rows && told.matched > 0;
        Ok(Some(Outcome {
            affected: if matched { told.matched } else { told.affected },
            last_insert_id: told.last_insert_id.unwrap_or(0),
            ..Outcome::default()
        }))
    }

    /// The columns that a statement gives; none where it gives no rows.
    ///
    /// # Errors
    /// MySQL's.
    pub(super) fn describe(&mut self, text: &[u8]) -> Result<Vec<Output>> {
        let prepared = self.prepare(text)?;
        self.describe_prepared(&prepared)
    }

    /// [`Session::describe`], of a prepared statement.
    ///
    /// # Errors
    /// MySQL's.
    pub(super) fn describe_prepared(&mut self, prepared: &Prepared) -> Result<Vec<Output>> {
        let Ast::Query(select) = &prepared.parsed.statement else { return Ok(Vec::new()) };
        // Types of parameters are not known yet: they are texts for now.
        self.statement.params = vec![Value::Null; prepared.params];
        let named = select.named();
        let columns = self.bind(|binder| binder.query(&named).map(|query| query.columns));
        self.statement.params = Vec::new();
        columns
    }
}
