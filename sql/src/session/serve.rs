//! A connection's life: login, commands, answers, end.
//!
//! - K1: what a client left open is rolled back when it goes, whatever it was doing.
//! - K2: a statement that is killed, or whose time is over, is dropped where it waits;
//!   a commit that is on its way goes on, and its outcome counts.
//! - K3: the client's going is seen while a statement runs.

mod transfer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use holdfast_io::net::Stream;
use holdfast_syntax::Parsed;
use holdfast_value::{SqlType, Value};
use holdfast_wire::{
    Account, AccountName, Accounts, Capabilities, ColumnMeta, Command, Connection, Format, Login,
    LongData, OkPacket, ParamType, Peer, Plugin, Status, Wait, WireConfig, WireError, params,
};

use super::grants;
use super::registry::Entered;
use super::run::{Answer, Outcome, Prepared, Session, Who, text_of};
use crate::algebra::Output;
use crate::engine::Engine;
use crate::error::{Result, SqlError};

/// The most prepared statements of one session, as `max_prepared_stmt_count` would have it.
const PREPARED_MAX: usize = 4096;

/// The accounts of a node, for logins.
struct Known<'a>(&'a Engine);

impl Accounts for Known<'_> {
    fn find(&self, user: &str, host: &str) -> Option<Account> {
        let catalog = self.0.catalog().ok()?;
        let row = grants::choose(catalog.accounts.values(), user, host)?;
        Some(Account {
            name: AccountName { user: row.user.clone(), host: row.host.clone() },
            plugin: Plugin::of(&row.plugin)?,
            auth: row.auth.clone(),
            is_locked: row.locked,
            requires_tls: row.require_tls,
        })
    }
}

/// A prepared statement of the binary protocol.
struct Bound {
    prepared: Prepared,
    types: Vec<ParamType>,
    long: LongData,
    /// Long data was too long: the execution is refused.
    is_spoiled: bool,
    /// What a cursor has left.
    cursor: Option<(Vec<Output>, std::vec::IntoIter<Vec<Value>>)>,
}

/// A client that has logged in.
pub struct Client {
    connection: Connection,
    session: Session,
    entered: Entered,
    prepared: BTreeMap<u32, Bound>,
    last_prepared: u32,
    wants_multi: bool,
}

/// Greets a client, finds out who it is and makes its session; none: it was refused,
/// or did not come through.
pub async fn login(
    engine: Arc<Engine>,
    stream: Box<dyn Stream>,
    shared: Arc<WireConfig>,
    address: std::net::SocketAddr,
) -> Option<Client> {
    let number = engine.sessions.number();
    let peer = Peer { address, connection_id: number as u32 };
    let accepted = Connection::accept(stream, shared, &Known(&engine), peer).await;
    let (mut connection, login) = match accepted {
        Ok(accepted) => accepted,
        Err(error) => {
            tracing::debug!(connection = number, "a login did not succeed: {error}");
            return None;
        }
    };
    match welcome(&engine, &mut connection, &login, number) {
        Ok((session, entered)) => {
            let wants_multi = login.capabilities.has(Capabilities::MULTI_STATEMENTS);
            let prepared = BTreeMap::new();
            Some(Client { connection, session, entered, prepared, last_prepared: 0, wants_multi })
        }
        Err(error) => {
            connection.error(error.code, error.state, &error.message);
            let _ = connection.close().await;
            None
        }
    }
}

fn welcome(
    engine: &Arc<Engine>,
    connection: &mut Connection,
    login: &Login,
    number: u64,
) -> Result<(Session, Entered)> {
    let catalog = engine.catalog()?;
    let key = (login.account.user.clone(), login.account.host.clone());
    let account = catalog.accounts.get(&key).cloned();
    let host = connection.peer().host();
    let account = account.ok_or_else(|| grants::denied(&login.user, &host, true))?;
    let shown = connection.peer().address.to_string();
    let entered = engine.sessions.enter(number, login.user.clone(), shown);
    let who = Who {
        account,
        user: login.user.clone(),
        host,
        found_rows: login.capabilities.has(Capabilities::FOUND_ROWS),
        sends_files: login.capabilities.has(Capabilities::LOCAL_FILES),
    };
    let mut session = Session::new(engine, who, Arc::clone(&entered.known))?;
    if let Some(collation) = super::variables::charset::collation_numbered(login.collation) {
        let _ =
            session.statement.variables.set_names(Some(collation.charset), Some(collation.name));
    }
    if let Some(database) = login.database.as_deref().filter(|name| !name.is_empty()) {
        session.change_database(database)?;
    }
    Ok((session, entered))
}

impl Client {
    /// Serves the client until it goes.
    pub async fn serve(mut self) {
        let number = self.entered.known.id;
        self.answer_login();
        if let Err(error) = self.commands().await
            && !error.is_harmless()
        {
            tracing::debug!(connection = number, "a connection ended: {error}");
        }
        // K1
        self.session.rollback();
        self.session.end_temporary().await;
        self.session.statement.engine.names.release_all(number);
    }

    fn status(&self) -> Status {
        let mut status = Status::NONE;
        if self.session.autocommit() {
            status = status.with(Status::AUTOCOMMIT);
        }
        if self.session.in_transaction() {
            status = status.with(Status::IN_TRANS);
        }
        if self.session.statement.variables.settings().mode.no_backslash_escapes() {
            status = status.with(Status::NO_BACKSLASH_ESCAPES);
        }
        status
    }

    fn answer_login(&mut self) {
        let status = self.status();
        self.connection.ok(&OkPacket { status, ..OkPacket::default() });
    }

    async fn commands(&mut self) -> Result<(), WireError> {
        loop {
            let settings = *self.session.statement.variables.settings();
            let interactive = self.connection.capabilities().has(Capabilities::INTERACTIVE);
            let idle_s = if interactive { settings.interactive_idle_s } else { settings.idle_s };
            let wait = Wait { idle: Duration::from_secs(idle_s), packet_max: settings.bytes_max };
            let known = Arc::clone(&self.entered.known);
            known.begin();
            self.doing("Sleep", None);
            let command = tokio::select! {
                biased;
                () = known.killed() => {
                    self.connection.error(1053, "08S01", "Server shutdown in progress");
                    return self.connection.flush().await;
                }
                command = self.connection.next_command(wait) => command?,
            };
            let Some(command) = command else { return Ok(()) };
            if matches!(command, Command::Quit) {
                return Ok(());
            }
            self.session.statement.engine.sessions.questions.fetch_add(1, Ordering::Relaxed);
            self.command(command).await?;
            if self.session.is_over || self.entered.known.is_closed() {
                return self.connection.flush().await;
            }
        }
    }

    fn doing(&self, command: &'static str, text: Option<Arc<str>>) {
        let mut doing = self.entered.known.doing.lock();
        doing.command = command;
        doing.text = text;
        doing.since = self.session.statement.engine.clock.monotonic();
    }

    async fn command(&mut self, command: Command) -> Result<(), WireError> {
        match command {
            Command::Query(text) => self.query(text).await,
            Command::InitDb(name) => {
                let name = String::from_utf8_lossy(&name).into_owned();
                match self.session.change_database(&name) {
                    Ok(()) => {
                        self.ok(&Outcome { database: Some(name), ..Outcome::default() }, false)
                    }
                    Err(error) => self.error(&error),
                }
                Ok(())
            }
            Command::Ping => {
                self.ok(&Outcome::default(), false);
                Ok(())
            }
            Command::Statistics => {
                let text = self.session.statistics();
                self.connection.statistics(&text);
                Ok(())
            }
            Command::ProcessInfo => self.query(Bytes::from_static(b"SHOW PROCESSLIST")).await,
            Command::ProcessKill(id) => {
                match self.session.kill_id(u64::from(id), true) {
                    Ok(()) => self.ok(&Outcome::default(), false),
                    Err(error) => self.error(&error),
                }
                Ok(())
            }
            Command::Debug => {
                let status = self.status();
                self.connection.end(status, 0);
                Ok(())
            }
            Command::SetOption(option) => {
                self.wants_multi = option == 0;
                let status = self.status();
                self.connection.end(status, 0);
                Ok(())
            }
            Command::ResetConnection => {
                self.session.reset();
                self.prepared.clear();
                self.ok(&Outcome::default(), false);
                Ok(())
            }
            Command::ChangeUser(change) => self.change_user(*change).await,
            Command::FieldList { table, wildcard: _ } => {
                self.field_list(&table).await;
                Ok(())
            }
            Command::StmtPrepare(text) => {
                self.prepare(&text).await;
                Ok(())
            }
            Command::StmtExecute { id, flags, body, .. } => self.execute(id, flags, &body).await,
            Command::StmtSendLongData { id, param, data } => {
                let limit = self.session.statement.variables.settings().bytes_max;
                if let Some(bound) = self.prepared.get_mut(&id) {
                    bound.is_spoiled |= !bound.long.append(param, &data, limit);
                }
                Ok(())
            }
            Command::StmtClose(id) => {
                self.prepared.remove(&id);
                Ok(())
            }
            Command::StmtReset(id) => {
                match self.prepared.get_mut(&id) {
                    Some(bound) => {
                        bound.long.clear();
                        bound.is_spoiled = false;
                        bound.cursor = None;
                        self.ok(&Outcome::default(), false);
                    }
                    None => self.error(&unknown_statement(id, "mysqld_stmt_reset")),
                }
                Ok(())
            }
            Command::StmtFetch { id, rows } => self.fetch(id, rows).await,
            Command::Quit => Ok(()),
            Command::Unknown(_) => {
                self.error(&SqlError::new(1047, "Unknown command"));
                Ok(())
            }
        }
    }

    async fn change_user(&mut self, change: holdfast_wire::ChangeUser) -> Result<(), WireError> {
        let engine = Arc::clone(&self.session.statement.engine);
        self.session.reset();
        self.session.end_temporary().await;
        self.prepared.clear();
        let login = self.connection.change_user(change, &Known(&engine)).await?;
        let number = self.entered.known.id;
        match welcome(&engine, &mut self.connection, &login, number) {
            Ok((session, entered)) => {
                self.session = session;
                self.entered = entered;
                self.answer_login();
                Ok(())
            }
            Err(error) => {
                self.error(&error);
                self.session.is_over = true;
                Ok(())
            }
        }
    }

    // ---- statements as text

    async fn query(&mut self, text: Bytes) -> Result<(), WireError> {
        let mode = self.session.parse_mode(self.wants_multi);
        let parsed = match holdfast_syntax::parse(&text, &mode) {
            Ok(parsed) => parsed,
            Err(holdfast_syntax::SyntaxError::Empty) if !text.is_empty() => {
                // Nothing but comments, which tools send.
                self.ok(&Outcome::default(), false);
                return Ok(());
            }
            Err(error) => {
                self.error(&error.into());
                return Ok(());
            }
        };
        let hides = parsed.iter().any(|one| holds_secret(&one.statement));
        self.doing("Query", Some(if hides { HIDDEN.into() } else { text_of(&text) }));
        let count = parsed.len();
        for (at, one) in parsed.into_iter().enumerate() {
            let more = at + 1 < count;
            let answer = self.run(&one, Vec::new()).await?;
            let Some(answer) = answer else { return Ok(()) };
            if !self.send(answer, (Format::Text, more)).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Runs a statement under its deadline; `None`: it erred, and the client was told.
    async fn run(
        &mut self,
        parsed: &Parsed,
        params: Vec<Value>,
    ) -> Result<Option<Answer>, WireError> {
        let engine = Arc::clone(&self.session.statement.engine);
        let known = Arc::clone(&self.entered.known);
        let limit = self.session.statement.variables.settings().execution_ms;
        let limit = limit.map_or(Duration::from_secs(365 * 24 * 3600), Duration::from_millis);
        let begun = engine.clock.monotonic();
        let overdue = async {
            engine.clock.sleep(limit).await;
            known.interruptible().await;
        };
        let answer = tokio::select! {
            biased;
            answer = self.session.run(parsed, params) => answer,
            () = known.killed() => Err(SqlError::new(1317, "Query execution was interrupted")),
            () = overdue => Err(SqlError::new(
                3024,
                "Query execution was interrupted, maximum statement execution time exceeded",
            )),
            () = self.connection.gone() => {
                self.session.rollback();
                return Err(WireError::Gone);
            }
        };
        let took = engine.clock.monotonic().saturating_sub(begun);
        self.note_slow(took, parsed);
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(mut error) => {
                if matches!(error.code, 1317 | 3024) {
                    match self.session.after_interruption().await {
                        // It was durable before it was interrupted.
                        Ok(Some(done)) => return Ok(Some(Answer::Done(done))),
                        Ok(None) => {}
                        Err(unknown) => error = unknown,
                    }
                }
                self.error(&error);
                Ok(None)
            }
        }
    }

    fn note_slow(&self, took: Duration, parsed: &Parsed) {
        let long = match self.session.statement.variables.get("long_query_time", false) {
            Some(Value::Double(seconds)) => seconds,
            _ => 10.0,
        };
        if took.as_secs_f64() < long {
            return;
        }
        self.session.statement.engine.count_slow();
        let text = shown(parsed);
        tracing::warn!(
            connection = self.entered.known.id,
            user = %self.entered.known.user,
            seconds = took.as_secs_f64(),
            "slow statement: {text}"
        );
    }

    /// Sends an answer; false: it erred half-way, and nothing may follow.
    async fn send(
        &mut self,
        answer: Answer,
        (format, more): (Format, bool),
    ) -> Result<bool, WireError> {
        match answer {
            Answer::Done(outcome) => {
                self.ok(&outcome, more);
                Ok(true)
            }
            Answer::Rows(columns, rows) => {
                self.begin_rows(&columns, format, more);
                let types: Vec<SqlType> = columns.into_iter().map(|column| column.of).collect();
                for row in rows {
                    self.connection.row(&row, &types).await?;
                }
                self.end_rows(more);
                Ok(true)
            }
            Answer::Stream(columns, mut rows) => {
                // The first batch before the head: most errors come with it.
                let first = self.next_batch(&mut rows, &columns).await?;
                let mut batch = match first {
                    Ok(batch) => batch,
                    Err(error) => {
                        self.error(&error);
                        return Ok(false);
                    }
                };
                self.begin_rows(&columns, format, more);
                let types: Vec<SqlType> = columns.iter().map(|column| column.of.clone()).collect();
                let mut count = 0;
                while let Some(values) = batch {
                    count += values.len() as i64;
                    for row in values {
                        self.connection.row(&row, &types).await?;
                    }
                    batch = match self.next_batch(&mut rows, &columns).await? {
                        Ok(batch) => batch,
                        Err(error) => {
                            self.error(&error);
                            return Ok(false);
                        }
                    };
                }
                self.session.end_stream(&rows, count);
                self.end_rows(more);
                Ok(true)
            }
            Answer::Load(mut load) => {
                self.connection.local_infile(load.file().as_bytes()).await?;
                match self.load(&mut load).await? {
                    Ok(outcome) => {
                        self.ok(&outcome, more);
                        Ok(true)
                    }
                    Err(error) => {
                        let error = self.session.undo_load(&load, error);
                        self.error(&error);
                        Ok(false)
                    }
                }
            }
        }
    }

    /// The next rows of a running query, unless it is killed or the client goes.
    async fn next_batch(
        &mut self,
        rows: &mut crate::frame::Rows,
        columns: &[Output],
    ) -> Result<Result<Option<Vec<Vec<Value>>>>, WireError> {
        let known = Arc::clone(&self.entered.known);
        let next = tokio::select! {
            biased;
            () = known.killed() => {
                return Ok(Err(SqlError::new(1317, "Query execution was interrupted")));
            }
            next = rows.next() => next,
        };
        Ok(match next {
            None => Ok(None),
            Some(Err(error)) => Err(error),
            Some(Ok(batch)) => crate::frame::rows_of(&batch, columns).map(Some),
        })
    }

    fn begin_rows(&mut self, columns: &[Output], format: Format, more: bool) {
        let metas: Vec<ColumnMeta> = columns.iter().map(meta).collect();
        let status = self.status_with(more);
        self.connection.columns(&metas, format, status);
    }

    fn end_rows(&mut self, more: bool) {
        let status = self.status_with(more);
        let warnings = self.session.warnings();
        self.connection.end(status, warnings);
    }

    fn status_with(&self, more: bool) -> Status {
        let status = self.status();
        if more { status.with(Status::MORE_RESULTS) } else { status }
    }

    fn ok(&mut self, outcome: &Outcome, more: bool) {
        let status = self.status_with(more);
        let warnings = self.session.warnings();
        self.connection.ok(&OkPacket {
            affected: outcome.affected,
            last_insert_id: outcome.last_insert_id,
            status,
            warnings,
            info: &outcome.info,
            schema: outcome.database.as_deref(),
        });
    }

    fn error(&mut self, error: &SqlError) {
        self.connection.error(error.code, error.state, &error.message);
    }

    async fn field_list(&mut self, table: &[u8]) {
        let name = holdfast_syntax::quote_identifier(&String::from_utf8_lossy(table));
        let text = format!("SELECT * FROM {name} LIMIT 0");
        match self.session.describe(text.as_bytes()) {
            Ok(columns) => {
                let metas: Vec<ColumnMeta> = columns.iter().map(meta).collect();
                let status = self.status();
                self.connection.field_list(&metas, status);
            }
            Err(error) => self.error(&error),
        }
    }

    // ---- prepared statements

    async fn prepare(&mut self, text: &Bytes) {
        if self.prepared.len() >= PREPARED_MAX {
            return self.error(&SqlError::new(
                1461,
                format!("Can't create more than max_prepared_stmt_count statements (current value: {PREPARED_MAX})"),
            ));
        }
        let prepared = match self.session.prepare(text) {
            Ok(prepared) => prepared,
            Err(error) => return self.error(&error),
        };
        let columns = match self.session.describe_prepared(&prepared) {
            Ok(columns) => columns,
            Err(error) => return self.error(&error),
        };
        let Ok(params) = u16::try_from(prepared.params) else {
            return self
                .error(&SqlError::new(1390, "Prepared statement contains too many placeholders"));
        };
        self.last_prepared = self.last_prepared.wrapping_add(1).max(1);
        let id = self.last_prepared;
        let metas: Vec<ColumnMeta> = columns.iter().map(meta).collect();
        self.connection.prepare_ok(id, params, &metas, 0);
        let bound = Bound {
            prepared,
            types: Vec::new(),
            long: LongData::default(),
            is_spoiled: false,
            cursor: None,
        };
        self.prepared.insert(id, bound);
    }

    async fn execute(&mut self, id: u32, flags: u8, body: &Bytes) -> Result<(), WireError> {
        let Some(bound) = self.prepared.get_mut(&id) else {
            self.error(&unknown_statement(id, "mysqld_stmt_execute"));
            return Ok(());
        };
        let decoded = params::decode(body, bound.prepared.params, &mut bound.types, &bound.long);
        bound.long.clear();
        bound.cursor = None;
        if std::mem::take(&mut bound.is_spoiled) {
            self.error(&SqlError::new(1153, "Got a packet bigger than 'max_allowed_packet' bytes"));
            return Ok(());
        }
        let parsed = Arc::clone(&bound.prepared.parsed);
        self.session.slot = Some(Arc::clone(&bound.prepared.plan));
        let values = match decoded {
            Ok(values) => values,
            Err(error) => {
                self.error(&SqlError::new(error.code(), error.message()));
                return Ok(());
            }
        };
        self.doing("Execute", Some(shown(&parsed).into()));
        let answer = self.run(&parsed, values).await;
        self.session.slot = None;
        let Some(answer) = answer? else { return Ok(()) };
        if flags & 1 == 0 {
            self.send(answer, (Format::Binary, false)).await?;
            return Ok(());
        }
        self.open_cursor(id, answer).await
    }

    /// A read-only cursor: the rows stay here until they are fetched.
    async fn open_cursor(&mut self, id: u32, answer: Answer) -> Result<(), WireError> {
        let (columns, rows) = match answer {
            Answer::Rows(columns, rows) => (columns, rows),
            Answer::Stream(columns, mut stream) => {
                let mut rows = Vec::new();
                loop {
                    match self.next_batch(&mut stream, &columns).await? {
                        Ok(Some(batch)) => rows.extend(batch),
                        Ok(None) => break,
                        Err(error) => {
                            self.error(&error);
                            return Ok(());
                        }
                    }
                }
                (columns, rows)
            }
            done => {
                self.send(done, (Format::Binary, false)).await?;
                return Ok(());
            }
        };
        let metas: Vec<ColumnMeta> = columns.iter().map(meta).collect();
        let status = self.status().with(Status::CURSOR_EXISTS);
        let warnings = self.session.warnings();
        self.connection.columns_of_cursor(&metas, status, warnings);
        if let Some(bound) = self.prepared.get_mut(&id) {
            bound.cursor = Some((columns, rows.into_iter()));
        }
        Ok(())
    }

    async fn fetch(&mut self, id: u32, count: u32) -> Result<(), WireError> {
        let status = self.status();
        let Some(cursor) = self.prepared.get_mut(&id).and_then(|bound| bound.cursor.as_mut())
        else {
            self.error(&SqlError::new(1421, format!("The statement ({id}) has no open cursor.")));
            return Ok(());
        };
        self.connection.resume_rows();
        let types: Vec<SqlType> = cursor.0.iter().map(|column| column.of.clone()).collect();
        for row in cursor.1.by_ref().take(count as usize) {
            self.connection.row(&row, &types).await?;
        }
        let last = cursor.1.len() == 0;
        let status = match last {
            true => status.with(Status::LAST_ROW_SENT),
            false => status.with(Status::CURSOR_EXISTS),
        };
        self.connection.end(status, 0);
        Ok(())
    }
}

/// What is shown in place of a statement with a password in it.
const HIDDEN: &str = "<a statement about accounts>";

/// Whether a statement may hold a password: neither logs nor PROCESSLIST show it.
fn holds_secret(statement: &holdfast_syntax::Statement) -> bool {
    use holdfast_syntax::{SetItem, Statement as S};
    match statement {
        S::CreateUser(_) | S::AlterUser(_) | S::Prepare { .. } => true,
        S::Set(items) => items.iter().any(|item| matches!(item, SetItem::Password { .. })),
        _ => false,
    }
}

/// A statement's text as others may see it, its beginning.
fn shown(parsed: &Parsed) -> String {
    match holds_secret(&parsed.statement) {
        true => HIDDEN.into(),
        false => parsed.text.chars().take(1024).collect(),
    }
}

fn unknown_statement(id: u32, what: &str) -> SqlError {
    SqlError::new(1243, format!("Unknown prepared statement handler ({id}) given to {what}"))
}

/// A column as the protocol describes it.
fn meta(output: &Output) -> ColumnMeta {
    let mut meta = ColumnMeta::expression(Arc::clone(&output.name), output.of.clone());
    meta.not_null = !output.nullable;
    let Some(source) = &output.source else { return meta };
    meta.schema = Arc::clone(&source.database);
    meta.table = Arc::clone(&source.alias);
    meta.org_table = Arc::clone(&source.table_name);
    meta.org_name = Arc::clone(&source.name);
    meta.computed = false;
    let Some(table) = &source.table else { return meta };
    let at = usize::from(source.column);
    meta.primary = table.primary.columns().any(|column| column == at);
    for index in &table.indexes {
        let columns: Vec<usize> = index.key.columns().collect();
        if columns.first() == Some(&at) {
            meta.unique |= index.unique && columns.len() == 1;
            meta.multiple_key |= !index.unique || columns.len() > 1;
        }
    }
    meta.auto_increment = table.auto == Some(at);
    let column = &table.columns[at];
    meta.no_default = matches!(column.default, crate::catalog::Default::Missing)
        && !column.nullable
        && !meta.auto_increment;
    meta.on_update_now = column.on_update;
    meta
}
