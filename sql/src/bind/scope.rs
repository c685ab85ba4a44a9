//! Which names an expression may use.

use std::sync::Arc;

use holdfast_value::SqlType;

use super::Binder;
use crate::algebra::Source;
use crate::catalog::Table;
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Typed};

/// A column that can be named.
#[derive(Clone, Debug)]
pub struct ScopeColumn {
    /// Its number.
    pub id: ColumnId,
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub of: SqlType,
    /// May be NULL.
    pub nullable: bool,
    /// The table or alias that qualifies it; empty: none.
    pub alias: Arc<str>,
    /// The database that may qualify the alias.
    pub database: Option<Arc<str>>,
    /// Where it comes from.
    pub source: Option<Source>,
    /// Found by name only with its qualifier, and not shown by `*`: the second
    /// of two columns that USING or NATURAL made one.
    pub is_hidden: bool,
}

/// The columns of one FROM.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// In the order of `*`.
    pub columns: Vec<ScopeColumn>,
}

impl Scope {
    /// A table's columns under an alias, numbered from `first`.
    pub fn of_table(table: &Arc<Table>, alias: &Arc<str>, first: ColumnId) -> Self {
        let column = |(at, column): (usize, &crate::catalog::Column)| ScopeColumn {
            id: first + at as u32,
            name: Arc::clone(&column.name),
            of: column.of.clone(),
            nullable: column.nullable,
            alias: Arc::clone(alias),
            database: Some(Arc::clone(&table.database)),
            source: Some(Source {
                database: Arc::clone(&table.database),
                alias: Arc::clone(alias),
                table: Some(Arc::clone(table)),
                table_name: Arc::clone(&table.name),
                column: at as u16,
                name: Arc::clone(&column.name),
            }),
            is_hidden: false,
        };
        Self { columns: table.columns.iter().enumerate().map(column).collect() }
    }

    /// Looks a name up; `qualifier` is alias, or database and alias.
    pub(crate) fn find(&self, qualifier: &[&str], name: &str) -> Result<Option<&ScopeColumn>> {
        let fits = |column: &&ScopeColumn| {
            column.name.eq_ignore_ascii_case(name)
                && match qualifier {
                    [] => !column.is_hidden,
                    [alias] => &*column.alias == *alias,
                    [database, alias] => {
                        &*column.alias == *alias
                            && column.database.as_deref().is_some_and(|name| name == *database)
                    }
                    _ => false,
                }
        };
        let mut found = self.columns.iter().filter(fits);
        let Some(first) = found.next() else { return Ok(None) };
        match found.find(|other| other.id != first.id) {
            None => Ok(Some(first)),
            Some(_) => {
                let name = join(qualifier, name);
                Err(SqlError::new(1052, format!("Column '{name}' in field list is ambiguous")))
            }
        }
    }

    /// Every column of a relation becomes nullable: the inner side of an outer join.
    pub(crate) fn make_nullable(&mut self) {
        for column in &mut self.columns {
            column.nullable = true;
        }
    }
}

fn join(qualifier: &[&str], name: &str) -> String {
    let mut text = String::new();
    for part in qualifier {
        text.push_str(part);
        text.push('.');
    }
    text + name
}

impl Binder<'_> {
    /// A column by name (B2).
    pub(crate) fn column(&mut self, qualifier: &[&str], name: &str) -> Result<Typed> {
        self.try_column(qualifier, name)?
            .ok_or_else(|| SqlError::unknown_column(join(qualifier, name), self.clause()))
    }

    pub(crate) fn try_column(&mut self, qualifier: &[&str], name: &str) -> Result<Option<Typed>> {
        for scope in self.scopes.iter().rev() {
            if let Some(column) = scope.find(qualifier, name)? {
                return Ok(Some(Typed::column(column.id, column.of.clone(), column.nullable)));
            }
        }
        Ok(None)
    }

    /// For messages.
    fn clause(&self) -> &'static str {
        match self.blocks.last() {
            Some(block) if block.phase == super::Phase::Rows => "where clause",
            _ => "field list",
        }
    }
}
