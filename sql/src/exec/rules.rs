//! What a table demands of its rows beyond their types: CHECK, generated columns,
//! expressions as defaults.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_value::{Collation, Context, Value, store};

use super::Statement;
use crate::bind::{Binder, Scope, Setting};
use crate::catalog::{Catalog, Default, Table};
use crate::error::{Result, SqlError};
use crate::expr::Typed;
use crate::expr::eval::{Layout, eval, truth};

/// A table's bound expressions, over its columns numbered from 0.
#[derive(Debug)]
pub struct Rules {
    checks: Vec<(String, Typed)>,
    generated: Vec<(usize, Typed)>,
    defaults: Vec<Option<Typed>>,
    layout: Layout,
}

impl Rules {
    /// Binds them.
    ///
    /// # Errors
    /// The definition does not bind any more.
    pub fn of(table: &Arc<Table>) -> Result<Self> {
        let catalog = Arc::new(Catalog::default());
        let variables = BTreeMap::new();
        let bind = |text: &str| {
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
            binder.alone(&crate::parse::expression(text)?, Scope::of_table(table, &table.name, 0))
        };
        let mut checks = Vec::new();
        for check in table.body.checks.iter().filter(|check| check.enforced) {
            checks.push((check.name.clone(), bind(&check.expression)?));
        }
        let mut generated = Vec::new();
        let mut defaults = Vec::new();
        for (at, column) in table.body.columns.iter().enumerate() {
            if let Some((text, _)) = &column.generated {
                generated.push((at, bind(text)?));
            }
            defaults.push(match &table.columns[at].default {
                Default::Expression(text) => Some(bind(text)?),
                _ => None,
            });
        }
        let ids: Vec<u32> = (0..table.columns.len() as u32).collect();
        Ok(Self { checks, generated, defaults, layout: Layout::new(&ids) })
    }

    /// True for a column that is computed.
    pub fn is_generated(&self, column: usize) -> bool {
        self.generated.iter().any(|(at, _)| *at == column)
    }

    /// Computes the generated columns, in order.
    ///
    /// # Errors
    /// What the expressions give, and what does not fit the columns.
    pub fn generate(
        &self,
        statement: &mut Statement,
        table: &Table,
        row: &mut [Value],
    ) -> Result<()> {
        for (at, expression) in &self.generated {
            let value = statement.with_row(&self.layout, row, |env| eval(expression, env))?;
            let column = &table.columns[*at];
            let source = store::Source { of: &expression.of, row: 1, ignore: false };
            let target =
                store::Target { name: &column.name, of: &column.of, nullable: column.nullable };
            let stored = store::store(value, &source, &target, &mut statement.context)?;
            row[*at] = store::load(stored, &column.of, &statement.context);
        }
        Ok(())
    }

    /// The value of a default that is an expression.
    ///
    /// # Errors
    /// What the expression gives, and what does not fit the column.
    pub fn default(
        &self,
        statement: &mut Statement,
        table: &Table,
        (column, row): (usize, &[Value]),
    ) -> Result<Value> {
        let Some(expression) = &self.defaults[column] else { return Ok(Value::Null) };
        let value = statement.with_row(&self.layout, row, |env| eval(expression, env))?;
        let definition = &table.columns[column];
        let source = store::Source { of: &expression.of, row: 1, ignore: false };
        let target = store::Target {
            name: &definition.name,
            of: &definition.of,
            nullable: definition.nullable,
        };
        let stored = store::store(value, &source, &target, &mut statement.context)?;
        Ok(store::load(stored, &definition.of, &statement.context))
    }

    /// Checks a row.
    ///
    /// # Errors
    /// 3819.
    pub fn check(&self, statement: &mut Statement, row: &[Value]) -> Result<()> {
        for (name, expression) in &self.checks {
            let value = statement.with_row(&self.layout, row, |env| eval(expression, env))?;
            if truth(&value, &mut statement.context)? == Some(false) {
                return Err(SqlError::new(3819, format!("Check constraint '{name}' is violated.")));
            }
        }
        Ok(())
    }
}
