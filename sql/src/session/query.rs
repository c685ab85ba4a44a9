//! SELECT and changes, as a session runs them.

use std::sync::Arc;
use std::time::Duration;

use holdfast_api::txn::LockWait;
use holdfast_syntax::statement::{Delete, Insert, Select, Update};
use holdfast_syntax::{Statement as Ast, ast};
use holdfast_value::{SqlType, Value};

use super::found_rows;
use super::grants::{self, privilege};
use super::plans::{Bound, Plan};
use super::run::{Answer, Outcome, Session, done};
use crate::algebra::{Output, Query, Rel};
use crate::bind::Binder;
use crate::error::{Result, SqlError};
use crate::exec::change::{self, Change, Done};
use crate::exec::rows::{Reader, limit_of};
use crate::exec::select::{self, Locking};
use crate::exec::vectors;
use crate::exec::view::View;
use crate::exec::workspace::Workspace;
use crate::expr::Typed;
use crate::expr::eval::eval;

/// Statements under autocommit are tried again where a definition or a row changed
/// in their way: nobody has seen anything of them yet.
const TRIES: usize = 20;

impl Session {
    pub(super) async fn select(&mut self, select: &Select) -> Result<Answer> {
        let (query, has_tables) = match self.plan()?.as_deref() {
            Some(Plan { bound: Bound::Query(query), tables, .. }) => {
                self.check_read(tables.values())?;
                (Arc::clone(query), true)
            }
            _ => self.bind_select(select).await?,
        };
        let query = &*query;
        self.check_limits(query)?;
        let to_count = found_rows::to_count(select, query);
        if let Some(locking) = self.locking(&select.query.locks)?
            && has_tables
        {
            return self.select_locking(query, locking, &select.into).await;
        }
        if !has_tables {
            let ts = self.statement.engine.tail.applied().0;
            let own = Workspace::default();
            if let Some(whole) = &to_count {
                let found = found_rows::count(&mut self.statement, &own, whole, ts).await?;
                self.found = Some(found);
            }
            let rows = select::over(&mut self.statement, &own, query, ts).await?;
            return self.keep_or_show(&query.columns, rows, &select.into);
        }
        self.select_at(query, to_count.as_ref(), &select.into).await
    }

    /// A query, and whether it names tables.
    async fn bind_select(&mut self, select: &Select) -> Result<(Arc<Query>, bool)> {
        let mut named = select.named();
        self.settle_late(&mut named).await?;
        let query = self.bind(|binder| {
            let query = binder.query(&named)?;
            Ok((query, binder.tables.clone()))
        });
        let (mut query, tables) = query?;
        self.check_read(tables.values())?;
        if let Some(limit) = self.statement.variables.settings().select_limit
            && select.query.limit_clause.is_none()
        {
            let fetch = Some(Typed::literal(Value::UInt(limit), SqlType::BIGINT_UNSIGNED));
            query.rel = Rel::Limit { input: Box::new(query.rel), skip: None, fetch };
        }
        let query = Arc::new(query);
        if !tables.is_empty() {
            self.keep_plan(|| Bound::Query(Arc::clone(&query)), &tables);
        }
        Ok((query, !tables.is_empty()))
    }

    /// LIMIT's numbers are checked whichever engine runs.
    fn check_limits(&mut self, query: &Query) -> Result<()> {
        if let Rel::Limit { skip, fetch, .. } = &query.rel {
            for count in [skip, fetch].into_iter().flatten() {
                let value = self.statement.with(|env| eval(count, env))?;
                limit_of(&value)?;
            }
        }
        Ok(())
    }

    async fn select_at(
        &mut self,
        query: &Query,
        to_count: Option<&Query>,
        into: &[String],
    ) -> Result<Answer> {
        let engine = Arc::clone(&self.statement.engine);
        let has_open = self.transaction.is_some() || !self.autocommit();
        let ts = if has_open {
            self.open(false).await?.read_ts(&engine).await?
        } else {
            engine.now().await?
        };
        let _pin = engine.tail.pin(ts)?;
        let nothing = Workspace::default();
        let own = self.transaction.as_ref().map_or(&nothing, |open| &open.workspace);
        if let Some(whole) = to_count {
            self.found = Some(found_rows::count(&mut self.statement, own, whole, ts).await?);
        }
        let view = View { engine: &engine, ts, own };
        if let Some(rows) = Reader::new(view, &mut self.statement).query(query).await? {
            return self.keep_or_show(&query.columns, rows, into);
        }
        if !into.is_empty() {
            let rows = vectors::all(&mut self.statement, own, query, ts).await?;
            return self.keep_or_show(&query.columns, rows, into);
        }
        let rows = vectors::begin(&mut self.statement, own, query, ts).await?;
        Ok(Answer::Stream(query.columns.clone(), Box::new(rows)))
    }

    async fn select_locking(
        &mut self,
        query: &Query,
        locking: Locking,
        into: &[String],
    ) -> Result<Answer> {
        let is_implicit = self.transaction.is_none() && self.autocommit();
        self.open(is_implicit).await?;
        let Self { statement, transaction, .. } = self;
        let Some(open) = transaction else { return Err(SqlError::internal("no transaction")) };
        let rows = select::locking(statement, open, query, locking).await;
        if is_implicit {
            self.rollback();
        }
        self.keep_or_show(&query.columns, rows?, into)
    }

    fn locking(&self, locks: &[ast::LockClause]) -> Result<Option<Locking>> {
        let Some(lock) = locks.first() else { return Ok(None) };
        let exclusive = matches!(lock.lock_type, ast::LockType::Update);
        let wait = match lock.nonblock {
            None => {
                LockWait::For(Duration::from_secs(self.statement.variables.settings().lock_wait_s))
            }
            Some(ast::NonBlock::Nowait) => LockWait::NoWait,
            Some(ast::NonBlock::SkipLocked) => LockWait::SkipLocked,
        };
        Ok(Some(Locking { exclusive, wait }))
    }

    /// `SELECT ... INTO @a, @b`.
    fn keep_or_show(
        &mut self,
        columns: &[Output],
        mut rows: Vec<Vec<Value>>,
        into: &[String],
    ) -> Result<Answer> {
        if into.is_empty() {
            return Ok(Answer::Rows(columns.to_vec(), rows));
        }
        if into.len() != columns.len() {
            return Err(SqlError::new(
                1222,
                "The used SELECT statements have a different number of columns",
            ));
        }
        if rows.len() > 1 {
            return Err(SqlError::new(1172, "Result consisted of more than one row"));
        }
        let affected = rows.len() as u64;
        if let Some(row) = rows.pop() {
            for ((name, value), column) in into.iter().zip(row).zip(columns) {
                let name = name.to_ascii_lowercase();
                self.statement.facts.variables.insert(name, (value, column.of.clone()));
            }
        }
        Ok(Answer::Done(Outcome { affected, ..Outcome::default() }))
    }

    fn check_read<'a>(
        &self,
        tables: impl Iterator<Item = &'a Arc<crate::catalog::Table>>,
    ) -> Result<()> {
        for table in tables.filter(|table| !table.is_temporary) {
            grants::check_table(&self.account, &table.database, &table.name, privilege::SELECT)?;
        }
        Ok(())
    }

    pub(super) async fn insert(&mut self, insert: &Insert) -> Result<Answer> {
        if insert.returning {
            return Err(SqlError::unsupported("RETURNING"));
        }
        let need = match (insert.replace, insert.on_duplicate.is_empty()) {
            (true, _) => privilege::INSERT | privilege::DELETE,
            (false, false) => privilege::INSERT | privilege::UPDATE,
            (false, true) => privilege::INSERT,
        };
        let ignores = insert.ignore;
        let run = self.change(ignores, |binder| {
            let bound = binder.insert(insert)?;
            let target = (Arc::clone(&bound.table), need);
            Ok((Change::Insert(bound), vec![target]))
        });
        let done = run.await?;
        let mut outcome = Outcome {
            affected: done.affected,
            last_insert_id: done.last_insert_id.unwrap_or(0),
            ..Outcome::default()
        };
        if done.records > 1
            || matches!(insert.source, holdfast_syntax::statement::InsertSource::Query(_))
        {
            outcome.info = format!(
                "Records: {}  Duplicates: {}  Warnings: {}",
                done.records,
                done.duplicates,
                self.warnings()
            );
        }
        Ok(Answer::Done(outcome))
    }

    pub(super) async fn update(&mut self, update: &Update) -> Result<Answer> {
        self.check_safe(update.selection.as_ref(), update.limit.as_ref())?;
        let run = self.change(update.ignore, |binder| {
            let bound = binder.update(update)?;
            let need = privilege::UPDATE;
            let targets =
                bound.targets.iter().map(|target| (Arc::clone(&target.table), need)).collect();
            Ok((Change::Rows(bound), targets))
        });
        let done = run.await?;
        let affected = if self.statement.found_rows { done.matched } else { done.affected };
        let info = format!(
            "Rows matched: {}  Changed: {}  Warnings: {}",
            done.matched,
            done.affected,
            self.warnings()
        );
        Ok(Answer::Done(Outcome { affected, info, ..Outcome::default() }))
    }

    pub(super) async fn delete(&mut self, delete: &Delete) -> Result<Answer> {
        self.check_safe(delete.selection.as_ref(), delete.limit.as_ref())?;
        let run = self.change(delete.ignore, |binder| {
            let bound = binder.delete(delete)?;
            let need = privilege::DELETE;
            let targets =
                bound.targets.iter().map(|target| (Arc::clone(&target.table), need)).collect();
            Ok((Change::Rows(bound), targets))
        });
        let done = run.await?;
        Ok(Answer::Done(Outcome { affected: done.affected, ..Outcome::default() }))
    }

    /// `sql_safe_updates`.
    fn check_safe(&self, selection: Option<&ast::Expr>, limit: Option<&ast::Expr>) -> Result<()> {
        if self.statement.variables.settings().safe_updates
            && selection.is_none()
            && limit.is_none()
        {
            return Err(SqlError::new(
                1175,
                "You are using safe update mode and you tried to update a table without a WHERE that uses a KEY column.",
            ));
        }
        Ok(())
    }

    /// Binds and runs a change; under autocommit again where it was only unlucky.
    async fn change(
        &mut self,
        ignores: bool,
        bind: impl Fn(&mut Binder<'_>) -> Result<(Change, Vec<(Arc<crate::catalog::Table>, u64)>)>,
    ) -> Result<Done> {
        let is_implicit = self.transaction.is_none() && self.autocommit();
        let mut tries = 0;
        loop {
            let (mut change, targets) = match self.plan()?.as_deref() {
                Some(Plan { bound: Bound::Change(change, targets), .. }) => {
                    (Change::clone(change), targets.clone())
                }
                _ => {
                    let bound = self.bind(|binder| {
                        let bound = bind(binder)?;
                        Ok((bound, binder.tables.clone()))
                    });
                    let ((change, targets), tables) = bound?;
                    let kept = || Bound::Change(Box::new(change.clone()), targets.clone());
                    self.keep_plan(kept, &tables);
                    (change, targets)
                }
            };
            for (table, need) in targets.iter().filter(|(table, _)| !table.is_temporary) {
                grants::check_table(&self.account, &table.database, &table.name, *need)?;
            }
            self.statement.ignores = ignores;
            self.open(is_implicit).await?;
            let Self { statement, transaction, .. } = &mut *self;
            let Some(open) = transaction else { return Err(SqlError::internal("no transaction")) };
            let run = change::run(statement, open, &mut change).await;
            if is_implicit {
                match &run {
                    Ok(_) => self.transaction = None,
                    Err(_) => self.rollback(),
                }
            }
            match run {
                Err(error) if is_implicit && error.code == 1213 && tries < TRIES => {
                    tries += 1;
                    self.statement.context.warnings.clear();
                    self.statement.context.warning_count = 0;
                }
                run => return run,
            }
        }
    }

    pub(super) async fn do_exprs(&mut self, exprs: &[ast::Expr]) -> Result<Answer> {
        for expr in exprs {
            let mut expr = expr.clone();
            self.settle_late_expr(&mut expr).await?;
            self.value_of(&expr).await?;
        }
        Ok(done())
    }

    /// The value of an expression without a FROM; it may hold subqueries.
    pub(super) async fn value_of(&mut self, expr: &ast::Expr) -> Result<(Value, SqlType)> {
        let bound = self.bind(|binder| {
            let typed = binder.alone(expr, crate::bind::Scope::default())?;
            Ok((typed, binder.tables.clone(), binder.columns()))
        });
        let (typed, tables, next) = bound?;
        if !crate::expr::walk::has_subquery(&typed) {
            let value = self.statement.with(|env| eval(&typed, env))?;
            return Ok((value, typed.of));
        }
        self.check_read(tables.values())?;
        let of = typed.of.clone();
        let output =
            Output { id: next, name: "value".into(), of: of.clone(), nullable: true, source: None };
        let rel = Rel::Project(Box::new(Rel::One), vec![(next, typed)]);
        let query = Query { rel, columns: vec![output] };
        let answer = self.select_at(&query, None, &["\u{0}value".to_owned()]).await?;
        drop(answer);
        let found = self.statement.facts.variables.remove("\u{0}value");
        Ok((found.map_or(Value::Null, |(value, _)| value), of))
    }

    pub(super) async fn explain(
        &mut self,
        inner: &Ast,
        analyze: bool,
        _format: Option<&str>,
    ) -> Result<Answer> {
        let Ast::Query(select) = inner else {
            return Err(SqlError::unsupported("EXPLAIN of a change"));
        };
        if analyze {
            return Err(SqlError::unsupported("EXPLAIN ANALYZE"));
        }
        let query = self.bind(|binder| binder.query(&select.query))?;
        let text = super::explain::plan(self, &query).await?;
        let of = SqlType::Text(holdfast_value::LobSize::Long, holdfast_value::Collation::GeneralCi);
        let column = Output { id: 0, name: "EXPLAIN".into(), of, nullable: false, source: None };
        let rows = text.lines().map(|line| vec![Value::text(line)]).collect();
        Ok(Answer::Rows(vec![column], rows))
    }

    // ---- functions that wait: GET_LOCK, SLEEP

    /// Puts values in the place of calls that wait, where a query selects from nothing.
    async fn settle_late(&mut self, query: &mut ast::Query) -> Result<()> {
        let ast::SetExpr::Select(select) = &mut *query.body else { return Ok(()) };
        if !select.from.is_empty() {
            return Ok(());
        }
        for item in &mut select.projection {
            match item {
                ast::SelectItem::UnnamedExpr(expr) => {
                    let name = expr.to_string();
                    if self.settle_late_expr(expr).await? {
                        let alias = ast::Ident::new(name);
                        *item = ast::SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                    }
                }
                ast::SelectItem::ExprWithAlias { expr, .. } => {
                    self.settle_late_expr(expr).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// True where something was put in.
    pub(super) async fn settle_late_expr(&mut self, expr: &mut ast::Expr) -> Result<bool> {
        match expr {
            ast::Expr::Nested(inner) | ast::Expr::IsNull(inner) | ast::Expr::IsNotNull(inner) => {
                Box::pin(self.settle_late_expr(inner)).await
            }
            ast::Expr::BinaryOp { left, right, .. } => {
                let left = Box::pin(self.settle_late_expr(left)).await?;
                Ok(Box::pin(self.settle_late_expr(right)).await? || left)
            }
            ast::Expr::Function(call) => {
                let name = call.name.to_string().to_ascii_lowercase();
                if !super::names::waits(&name) {
                    return Ok(false);
                }
                let args = crate::bind::plain_args(call)?;
                let mut values = Vec::new();
                for arg in args {
                    values.push(self.value_of(&arg.clone()).await?.0);
                }
                let value = self.call_late(&name, &values).await?;
                *expr = ast::Expr::value(match value {
                    Value::Int(number) => ast::Value::Number(number.to_string(), false),
                    Value::UInt(number) => ast::Value::Number(number.to_string(), false),
                    _ => ast::Value::Null,
                });
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
