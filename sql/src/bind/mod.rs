//! Names become columns, texts become types: MySQL's AST in, bound queries out.
//!
//! ```text
//! FROM -> scope -> WHERE -> GROUP BY, aggregates -> HAVING -> windows
//!      -> select list -> DISTINCT -> ORDER BY -> LIMIT
//! ```
//!
//! - B1: every column of every relation of a statement has its own number.
//! - B2: a name is looked for in the innermost scope first; what is found further
//!   out makes the subquery a correlated one.
//! - B3: nothing is evaluated here but what is constant.
//!
//! Not here: what a query costs or how it runs (`exec`, `frame`).

mod aggregate;
mod call;
pub mod change;
pub mod collation;
mod expr;
mod from;
mod interval;
mod json;
mod literal;
pub mod load;
mod query;
mod scope;
mod select;
mod types;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::TableId;
use holdfast_value::{Collation, Context, SqlType};

use crate::algebra::{Aggregate, Window};
use crate::catalog::{Catalog, Table};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Typed};

pub use call::plain_args;
pub use scope::{Scope, ScopeColumn};
pub use types::{common, text_type};

/// The deepest nesting of queries and views.
const DEPTH_MAX: usize = 32;

/// Tables that one FROM may join, as in MySQL.
const JOINED_MAX: usize = 61;

/// Tables, views and common table expressions in a statement, each as often as it is
/// named, also by views and by other expressions: what each names twice doubles it.
const NAMED_MAX: usize = 1_000;

/// 1436.
pub(crate) fn too_deep() -> SqlError {
    SqlError::new(1436, "Thread stack overrun: the statement nests too deep")
}

/// What binding knows of the session.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// The current database.
    pub database: Option<&'a str>,
    /// `collation_connection`.
    pub collation: Collation,
    /// ONLY_FULL_GROUP_BY.
    pub full_group_by: bool,
    /// PIPES_AS_CONCAT.
    pub pipes_as_concat: bool,
    /// The types of `?`, by number.
    pub params: &'a [SqlType],
    /// The types of user variables.
    pub variables: &'a BTreeMap<String, SqlType>,
    /// The types of system variables, by name in lower case.
    pub system: fn(&str) -> Option<SqlType>,
}

/// Where in a query block an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// WHERE, ON, GROUP BY: no aggregates.
    Rows,
    /// Select list, HAVING, ORDER BY: aggregates are collected.
    Groups,
    /// Inside an aggregate's arguments.
    Inside,
}

/// What is collected while a query block is bound.
pub(crate) struct Block {
    pub phase: Phase,
    /// How many scopes are of the blocks around it.
    pub scopes_from: usize,
    pub aggregates: Vec<(ColumnId, Aggregate)>,
    pub windows: Vec<(ColumnId, Window)>,
    pub named_windows: Vec<(String, sqlparser::ast::WindowSpec)>,
}

/// Binds one statement.
pub struct Binder<'a> {
    pub(crate) catalog: &'a Arc<Catalog>,
    pub(crate) setting: Setting<'a>,
    /// For inference and constants.
    pub(crate) context: Context,
    next: ColumnId,
    next_number: u32,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) ctes: Vec<from::Cte>,
    depth: usize,
    /// Tables, views and common table expressions so far.
    named: usize,
    /// Operators of the chains around what is bound.
    chained: usize,
    /// Every table that the statement names.
    pub tables: BTreeMap<TableId, Arc<Table>>,
    /// Something in it is of this session or this moment: do not keep the plan.
    pub is_personal: bool,
}

/// A literal of the catalog as a value of a column's type.
///
/// # Errors
/// It does not parse, or does not fit.
pub fn literal_of(text: &str, of: &SqlType) -> Result<holdfast_value::Value> {
    let expr = crate::parse::expression(text)?;
    let catalog = Arc::new(Catalog::default());
    let variables = BTreeMap::new();
    let setting = Setting {
        database: None,
        collation: Collation::default(),
        full_group_by: true,
        pipes_as_concat: false,
        params: &[],
        variables: &variables,
        system: |_| None,
    };
    let mut binder = Binder::new(&catalog, setting, Context::default());
    let bound = binder.alone(&expr, Scope::default())?;
    let value = crate::expr::eval::constant(&bound)?;
    let mut context = Context::default();
    let target = holdfast_value::store::Target { name: "default", of, nullable: true };
    let source = holdfast_value::store::Source { of: &bound.of, row: 1, ignore: false };
    Ok(holdfast_value::store::store(value, &source, &target, &mut context)?)
}

impl<'a> Binder<'a> {
    /// A binder for one statement.
    pub fn new(catalog: &'a Arc<Catalog>, setting: Setting<'a>, context: Context) -> Self {
        Self {
            catalog,
            setting,
            context,
            next: 0,
            next_number: 0,
            scopes: Vec::new(),
            blocks: Vec::new(),
            ctes: Vec::new(),
            depth: 0,
            named: 0,
            chained: 0,
            tables: BTreeMap::new(),
            is_personal: false,
        }
    }

    /// The number of columns so far.
    pub fn columns(&self) -> ColumnId {
        self.next
    }

    pub(crate) fn fresh(&mut self) -> ColumnId {
        self.next += 1;
        self.next - 1
    }

    pub(crate) fn fresh_run(&mut self, count: usize) -> ColumnId {
        let first = self.next;
        self.next += count as u32;
        first
    }

    pub(crate) fn fresh_number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// Runs `work` one level deeper.
    pub(crate) fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= DEPTH_MAX {
            return Err(too_deep());
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// Binds an expression over one scope, outside of any query: CHECK, DEFAULT, SET.
    pub fn alone(&mut self, expr: &sqlparser::ast::Expr, scope: Scope) -> Result<Typed> {
        self.scopes.push(scope);
        let bound = self.expr(expr);
        self.scopes.pop();
        bound
    }
}
