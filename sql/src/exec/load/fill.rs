//! A line becomes a row: fields are stored, defaults put where there are none.
//!
//! - R1: what a field becomes does not depend on other rows or on what the table holds,
//!   so that it is computed once however often its batch is written.

use std::sync::Arc;

use holdfast_value::{SqlType, Value, ValueError, store};

use super::charset::FileCharset;
use super::quick;
use super::split::Line;
use crate::bind::load::{BoundLoad, Goal};
use crate::catalog::{Default, Table};
use crate::error::{Result, SqlError};
use crate::exec::Statement;
use crate::exec::change::Filled;
use crate::exec::rules::Rules;
use crate::expr::eval::{Layout, eval};

/// Makes rows of lines.
pub struct Filler {
    table: Arc<Table>,
    rules: Arc<Rules>,
    charset: FileCharset,
    /// The type of a field.
    text: SqlType,
    bytes: SqlType,
    bound: BoundLoad,
    layout: Layout,
    /// A row of which nothing is given: defaults.
    base: Vec<Value>,
    /// What a column holds whose field is not on the line. As in MySQL that is not
    /// its default, unless that is NULL.
    none: Vec<Value>,
    /// Columns whose default is an expression and that are not always given.
    late: Vec<usize>,
    /// Warnings instead of errors.
    ignore: bool,
}

/// A row, and what was said about it.
#[derive(Clone)]
pub struct Gathered {
    /// The row.
    pub filled: Filled,
    /// Warnings.
    pub said: Vec<ValueError>,
}

impl Filler {
    /// For one statement.
    ///
    /// # Errors
    /// 1364 where strict: a column has no default and is never given. 3105: a
    /// generated column is.
    pub fn new(statement: &mut Statement, bound: BoundLoad, charset: FileCharset) -> Result<Self> {
        let table = Arc::clone(&bound.insert.table);
        let rules = table.rules()?;
        let ignore = bound.insert.ignore;
        let goals = bound.goals.iter().filter_map(|goal| match goal {
            Goal::Column(at) => Some(*at),
            Goal::Variable(_) | Goal::Nothing => None,
        });
        let set = bound.assignments.iter().filter(|(_, value)| value.is_some());
        let given: Vec<usize> = goals.chain(set.map(|(at, _)| *at)).collect();
        if let Some(at) = given.iter().find(|at| rules.is_generated(**at)) {
            return Err(SqlError::new(
                3105,
                format!(
                    "The value specified for generated column '{}' in table '{}' is not allowed.",
                    table.columns[*at].name, table.name
                ),
            ));
        }
        let mut base = Vec::with_capacity(table.columns.len());
        let mut none = Vec::with_capacity(table.columns.len());
        let mut late = Vec::new();
        for (at, column) in table.columns.iter().enumerate() {
            none.push(match &column.default {
                Default::Missing | Default::Value(Value::Null) if column.nullable => Value::Null,
                _ => zero(statement, &column.of),
            });
            let is_left_out = !given.contains(&at) && !rules.is_generated(at);
            base.push(match &column.default {
                Default::Value(value) => value.clone(),
                Default::Now => statement.now_as(&column.of),
                Default::Expression(_) => {
                    late.push(at);
                    Value::Null
                }
                Default::Missing if column.nullable => Value::Null,
                Default::Missing => {
                    if is_left_out && table.auto != Some(at) {
                        refuse(statement, ignore, no_default(&column.name))?;
                    }
                    zero(statement, &column.of)
                }
            });
        }
        let first = bound.insert.first;
        let ids: Vec<u32> = (first..first + table.columns.len() as u32).collect();
        Ok(Self {
            rules,
            charset,
            text: bound.text.clone(),
            bytes: SqlType::VarBinary(u32::MAX),
            layout: Layout::new(&ids),
            table,
            bound,
            base,
            none,
            late,
            ignore,
        })
    }

    /// What is loaded.
    pub fn bound(&self) -> &BoundLoad {
        &self.bound
    }

    /// The row of a line; `row` is its number, from 1.
    ///
    /// # Errors
    /// What does not fit, where strict.
    pub fn gather(&self, statement: &mut Statement, line: &Line<'_>, row: u64) -> Result<Gathered> {
        // The row's own warnings are noted when it is written, before those of writing.
        let said = std::mem::take(&mut statement.context.warnings);
        let count = statement.context.warning_count;
        let filled = self.fill(statement, line, row);
        let own = std::mem::replace(&mut statement.context.warnings, said);
        statement.context.warning_count = count;
        Ok(Gathered { filled: filled?, said: own })
    }

    fn fill(&self, statement: &mut Statement, line: &Line<'_>, row: u64) -> Result<Filled> {
        let mut filled = Filled { values: self.base.clone(), wants_number: false };
        // Bits of columns that are expressions and were given.
        let mut is_given = vec![false; if self.late.is_empty() { 0 } else { self.base.len() }];
        let mut is_numbered = false;
        for (at, goal) in self.bound.goals.iter().enumerate() {
            let is_missing = at >= line.len();
            match goal {
                Goal::Column(column) if !is_missing => {
                    is_numbered |= self.table.auto == Some(*column);
                    self.field(statement, (line.field(at), *column), (row, &mut filled))?;
                    if let Some(given) = is_given.get_mut(*column) {
                        *given = true;
                    }
                }
                Goal::Variable(name) => {
                    let field = if is_missing { None } else { line.field(at) };
                    self.variable(statement, name, field);
                }
                Goal::Column(column) => {
                    filled.values[*column] = self.none[*column].clone();
                    if let Some(given) = is_given.get_mut(*column) {
                        *given = true;
                    }
                }
                Goal::Nothing => {}
            }
            if is_missing && !matches!(goal, Goal::Variable(_)) {
                refuse(statement, self.ignore, too_few(row))?;
            }
        }
        if line.is_cut {
            refuse(statement, self.ignore, too_many(row))?;
        }
        self.defaults(statement, &is_given, &mut filled)?;
        filled.wants_number |= self.table.auto.is_some() && !is_numbered;
        self.assign(statement, row, &mut filled)?;
        Ok(filled)
    }

    /// One field into its column.
    fn field(
        &self,
        statement: &mut Statement,
        (field, column): (Option<&[u8]>, usize),
        (row, filled): (u64, &mut Filled),
    ) -> Result<()> {
        let of = &self.table.columns[column].of;
        let Some(field) = field else {
            return self.null(statement, column, (row, filled));
        };
        let text = self.charset.text(field);
        if let Some(text) = &text
            && let Some(value) = quick::value(text, of)
        {
            self.put(statement, (column, value), filled);
            return Ok(());
        }
        let (value, source) = match text {
            Some(text) => (Value::Text(text.into()), &self.text),
            None => (self.charset.value(field), &self.bytes),
        };
        self.store(statement, (column, value, source), (row, filled))
    }

    /// `\N`: unlike elsewhere NULL is a warning where it may not be, and the column's zero.
    fn null(
        &self,
        statement: &mut Statement,
        column: usize,
        (row, filled): (u64, &mut Filled),
    ) -> Result<()> {
        let definition = &self.table.columns[column];
        if self.table.auto == Some(column) {
            filled.wants_number = true;
        } else if definition.nullable {
            filled.values[column] = Value::Null;
        } else if matches!(definition.of, SqlType::Timestamp(_)) {
            filled.values[column] = statement.now_as(&definition.of);
        } else {
            let trouble = ValueError::Other {
                code: 1263,
                state: "22004",
                message: format!(
                    "Column set to default value; NULL supplied to NOT NULL column '{}' at row {row}",
                    definition.name
                ),
            };
            refuse(statement, self.ignore, trouble)?;
            filled.values[column] = zero(statement, &definition.of);
        }
        Ok(())
    }

    fn store(
        &self,
        statement: &mut Statement,
        (column, value, of): (usize, Value, &SqlType),
        (row, filled): (u64, &mut Filled),
    ) -> Result<()> {
        let definition = &self.table.columns[column];
        let source = store::Source { of, row, ignore: self.ignore };
        let target = store::Target {
            name: &definition.name,
            of: &definition.of,
            nullable: definition.nullable,
        };
        let stored = store::store(value, &source, &target, &mut statement.context)?;
        let value = store::load(stored, &definition.of, &statement.context);
        self.put(statement, (column, value), filled);
        Ok(())
    }

    fn put(&self, statement: &Statement, (column, value): (usize, Value), filled: &mut Filled) {
        let is_zero = || match value {
            Value::Int(0) | Value::UInt(0) => true,
            Value::Double(number) => number == 0.0,
            _ => false,
        };
        if self.table.auto == Some(column) {
            filled.wants_number =
                is_zero() && !statement.variables.settings().mode.no_auto_value_on_zero();
        }
        filled.values[column] = value;
    }

    fn variable(&self, statement: &mut Statement, name: &str, field: Option<&[u8]>) {
        let (value, of) = match field {
            None => (Value::Null, &self.text),
            Some(field) => match self.charset.value(field) {
                bytes @ Value::Bytes(_) => (bytes, &self.bytes),
                text => (text, &self.text),
            },
        };
        let variables = &mut statement.facts.variables;
        match variables.get_mut(name) {
            Some(known) => {
                known.0 = value;
                if known.1 != *of {
                    known.1 = of.clone();
                }
            }
            None => {
                variables.insert(name.to_owned(), (value, of.clone()));
            }
        }
    }

    /// Defaults that are expressions, over what is there.
    fn defaults(
        &self,
        statement: &mut Statement,
        is_given: &[bool],
        filled: &mut Filled,
    ) -> Result<()> {
        for column in self.late.iter().filter(|column| !is_given[**column]) {
            let value = self.rules.default(statement, &self.table, (*column, &filled.values))?;
            filled.values[*column] = value;
        }
        Ok(())
    }

    /// SET, from left to right; an expression sees what was put before it.
    fn assign(&self, statement: &mut Statement, row: u64, filled: &mut Filled) -> Result<()> {
        for (column, expression) in &self.bound.assignments {
            let Some(expression) = expression else {
                match self.late.contains(column) {
                    true => {
                        let row = (*column, &filled.values[..]);
                        filled.values[*column] = self.rules.default(statement, &self.table, row)?;
                    }
                    false => filled.values[*column] = self.base[*column].clone(),
                }
                filled.wants_number |= self.table.auto == Some(*column);
                continue;
            };
            let value =
                statement.with_row(&self.layout, &filled.values, |env| eval(expression, env))?;
            match value.is_null() && self.table.auto == Some(*column) {
                true => filled.wants_number = true,
                false => self.store(statement, (*column, value, &expression.of), (row, filled))?,
            }
        }
        Ok(())
    }
}

/// What a column without a default holds where nothing may be said.
fn zero(statement: &Statement, of: &SqlType) -> Value {
    match of {
        SqlType::Timestamp(_) => statement.now_as(of),
        of => store::zero(of),
    }
}

/// A warning; an error where strict and not IGNORE.
fn refuse(statement: &mut Statement, ignore: bool, trouble: ValueError) -> Result<()> {
    if ignore {
        statement.context.warn(trouble);
        return Ok(());
    }
    Ok(statement.context.warn_or_refuse(trouble)?)
}

fn no_default(column: &str) -> ValueError {
    let message = format!("Field '{column}' doesn't have a default value");
    ValueError::Other { code: 1364, state: "HY000", message }
}

fn too_few(row: u64) -> ValueError {
    let message = format!("Row {row} doesn't contain data for all columns");
    ValueError::Other { code: 1261, state: "01000", message }
}

fn too_many(row: u64) -> ValueError {
    let message =
        format!("Row {row} was truncated; it contained more data than there were input columns");
    ValueError::Other { code: 1262, state: "01000", message }
}
