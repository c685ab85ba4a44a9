//! LOAD DATA: which field goes where.

use std::sync::Arc;

use holdfast_syntax::statement::{Duplicates, LoadData};
use holdfast_value::{LobSize, SqlType};
use sqlparser::ast;

use super::change::{BoundInsert, BoundSource};
use super::{Binder, Scope};
use crate::catalog::Table;
use crate::error::{Result, SqlError};
use crate::expr::{Typed, walk};

/// A bound LOAD DATA.
#[derive(Clone, Debug)]
pub struct BoundLoad {
    /// How rows go in; it has none of its own.
    pub insert: BoundInsert,
    /// Where each field of a line goes.
    pub goals: Vec<Goal>,
    /// SET: over the row as the fields made it. DEFAULT is `None`.
    pub assignments: Vec<(usize, Option<Typed>)>,
    /// The type of a field.
    pub text: SqlType,
}

/// Where a field goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Into a column.
    Column(usize),
    /// Into a user variable, its name in lower case.
    Variable(Box<str>),
    /// A generated column of a list that was not given: it is computed instead.
    Nothing,
}

/// The variable that an item of a column list names, in lower case.
pub fn variable_of(item: &ast::Ident) -> Option<String> {
    let name = item.value.strip_prefix('@').filter(|_| item.quote_style.is_none());
    name.map(str::to_ascii_lowercase)
}

impl Binder<'_> {
    /// Binds a LOAD DATA LOCAL.
    ///
    /// # Errors
    /// MySQL's.
    pub fn load(&mut self, load: &LoadData) -> Result<BoundLoad> {
        let table = self.target_table(&load.table)?;
        let goals = goals(&table, &load.columns)?;
        let first = self.fresh_run(table.columns.len());
        self.scopes.push(Scope::of_table(&table, &table.name, first));
        let bind = |assignment| self.assignment(assignment, &table);
        let assignments = load.assignments.iter().map(bind).collect::<Result<Vec<_>>>();
        self.scopes.pop();
        let assignments = assignments?;
        if assignments.iter().filter_map(|(_, value)| value.as_ref()).any(walk::has_subquery) {
            return Err(SqlError::unsupported("a subquery in LOAD DATA .. SET"));
        }
        let first_new = self.fresh_run(table.columns.len());
        let insert = BoundInsert {
            table,
            columns: Vec::new(),
            source: BoundSource::Rows(Vec::new()),
            replace: load.duplicates == Duplicates::Replace,
            // The client cannot be stopped, so that MySQL goes on, too.
            ignore: load.duplicates != Duplicates::Replace,
            on_duplicate: Vec::new(),
            first,
            first_new,
        };
        let text = SqlType::Text(LobSize::Long, self.setting.collation);
        Ok(BoundLoad { insert, goals, assignments, text })
    }
}

fn goals(table: &Arc<Table>, items: &[ast::Ident]) -> Result<Vec<Goal>> {
    if items.is_empty() {
        let goal = |(at, column): (usize, &crate::catalog::ColumnRow)| match column.generated {
            Some(_) => Goal::Nothing,
            None => Goal::Column(at),
        };
        return Ok(table.body.columns.iter().enumerate().map(goal).collect());
    }
    let goal = |item: &ast::Ident| {
        if let Some(name) = variable_of(item) {
            return Ok(Goal::Variable(name.into()));
        }
        let at = table.column(&item.value);
        let at = at.ok_or_else(|| SqlError::unknown_column(&item.value, "field list"))?;
        Ok(Goal::Column(at))
    };
    // A column may be named twice: the last field counts, as in MySQL.
    items.iter().map(goal).collect()
}
