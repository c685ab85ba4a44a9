//! A table's definition while it is made or changed: by names, so that columns may move.
//!
//! - D1: a draft becomes a body only by [`Draft::finish`], which checks what can only be
//!   checked of the whole.
//! - D2: what a draft takes over from a table keeps its slot and its index's id.
//!
//! Not here: columns (`column`), keys (`key`), foreign keys (`foreign`), rows (`fill`).

use std::sync::Arc;

use holdfast_base::TableId;
use holdfast_func::function::Kind;
use holdfast_syntax::{CheckDef, TableOptions};
use holdfast_value::{Collation, SqlType};

use super::{key, names};
use crate::bind::{Binder, Scope, ScopeColumn, Setting};
use crate::catalog::{
    Catalog, CheckRow, ColumnRow, ForeignRow, IndexRow, KeyPart, Table, TableBody,
};
use crate::error::{Result, SqlError};
use crate::expr::{Expr, Typed, walk};

/// The most columns, as in MySQL; a row has no more slots either.
const COLUMNS_MAX: usize = 4096;
/// The most slots that a table collects before it is written anew.
pub const SLOTS_MAX: usize = 4096;
/// The longest row without its BLOBs and TEXTs. [bytes]
const ROW_BYTES_MAX: u64 = 65_535;

/// See the module's header.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// For columns that name none.
    pub collation: Collation,
    /// ROW_FORMAT.
    pub row_format: Option<String>,
    /// COMMENT.
    pub comment: String,
    /// The columns, in order.
    pub columns: Vec<DraftColumn>,
    /// The primary key.
    pub primary: Option<Vec<DraftPart>>,
    /// The other keys.
    pub keys: Vec<DraftKey>,
    /// The foreign keys.
    pub foreign: Vec<DraftForeign>,
    /// The checks.
    pub checks: Vec<CheckRow>,
    /// The slots of rows that are there.
    pub slots: Vec<SqlType>,
    /// All rows are written anew: no slot counts.
    pub is_renewed: bool,
}

/// A column.
#[derive(Clone, Debug)]
pub struct DraftColumn {
    /// The column; its slot counts where it is an old one.
    pub row: ColumnRow,
    /// The old table's column that it is.
    pub from: Option<usize>,
    /// NULL was asked for.
    pub wants_null: bool,
}

/// A part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftPart {
    /// The column.
    pub column: String,
    /// Only so much of it.
    pub prefix: Option<u32>,
    /// DESC.
    pub desc: bool,
}

/// A key.
#[derive(Clone, Debug)]
pub struct DraftKey {
    /// The old table's index that it is.
    pub id: Option<TableId>,
    /// Its name.
    pub name: String,
    /// UNIQUE.
    pub unique: bool,
    /// Its parts.
    pub parts: Vec<DraftPart>,
    /// COMMENT.
    pub comment: String,
}

/// A foreign key.
#[derive(Clone, Debug)]
pub struct DraftForeign {
    /// It; `columns` is empty.
    pub row: ForeignRow,
    /// Its columns.
    pub columns: Vec<String>,
    /// It was not there before.
    pub is_new: bool,
}

impl Draft {
    /// An empty one.
    pub fn new(database: &str, name: &str, collation: Collation) -> Self {
        Self {
            database: database.to_owned(),
            name: name.to_owned(),
            collation,
            row_format: None,
            comment: String::new(),
            columns: Vec::new(),
            primary: None,
            keys: Vec::new(),
            foreign: Vec::new(),
            checks: Vec::new(),
            slots: Vec::new(),
            is_renewed: false,
        }
    }

    /// A table's.
    pub fn of(table: &Table) -> Self {
        let body = &table.body;
        let name = |at: u16| body.columns[usize::from(at)].name.clone();
        let part = |part: &KeyPart| DraftPart {
            column: name(part.column),
            prefix: part.prefix,
            desc: part.desc,
        };
        let key = |index: &IndexRow| DraftKey {
            id: Some(index.id),
            name: index.name.clone(),
            unique: index.unique,
            parts: index.parts.iter().map(part).collect(),
            comment: index.comment.clone(),
        };
        let foreign = |row: &ForeignRow| DraftForeign {
            row: ForeignRow { columns: Vec::new(), ..row.clone() },
            columns: row.columns.iter().map(|at| name(*at)).collect(),
            is_new: false,
        };
        let column = |(at, row): (usize, &ColumnRow)| DraftColumn {
            row: row.clone(),
            from: Some(at),
            wants_null: false,
        };
        let primary: Vec<DraftPart> = body.primary.iter().map(part).collect();
        Self {
            row_format: body.row_format.clone(),
            comment: table.row.comment.clone(),
            columns: body.columns.iter().enumerate().map(column).collect(),
            primary: (!primary.is_empty()).then_some(primary),
            keys: body.indexes.iter().map(key).collect(),
            foreign: body.foreign.iter().map(foreign).collect(),
            checks: body.checks.clone(),
            slots: body.slots.clone(),
            ..Self::new(&table.database, &table.name, body.collation)
        }
    }

    /// The position of a column.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.row.name.eq_ignore_ascii_case(name))
    }

    /// The position of a key.
    pub fn find_key(&self, name: &str) -> Option<usize> {
        self.keys.iter().position(|key| key.name.eq_ignore_ascii_case(name))
    }

    /// Options; the engine is the caller's business.
    ///
    /// # Errors
    /// 1115, 1273, 1253, 1628.
    pub fn set_options(&mut self, options: &TableOptions) -> Result<()> {
        let (charset, collation) = (options.charset.as_deref(), options.collation.as_deref());
        if let Some(collation) = names::collation(charset, collation)? {
            self.collation = collation;
        }
        if let Some(comment) = &options.comment {
            if comment.chars().count() > 2048 {
                let text = format!("Comment for table '{}' is too long (max = 2048)", self.name);
                return Err(SqlError::new(1628, text));
            }
            self.comment.clone_from(comment);
        }
        if options.row_format.is_some() {
            self.row_format.clone_from(&options.row_format);
        }
        Ok(())
    }

    /// Binds an expression over the columns, numbered by position.
    ///
    /// # Errors
    /// 1054 and others of binding.
    pub fn bind(&self, text: &str) -> Result<Typed> {
        let (catalog, variables) = (Arc::new(Catalog::default()), Default::default());
        let setting = Setting {
            database: None,
            collation: Collation::default(),
            full_group_by: true,
            pipes_as_concat: false,
            params: &[],
            variables: &variables,
            system: |_| None,
        };
        let mut binder = Binder::new(&catalog, setting, Default::default());
        binder.alone(&crate::parse::expression(text)?, self.scope())
    }

    fn scope(&self) -> Scope {
        let alias: Arc<str> = self.name.as_str().into();
        let database: Arc<str> = self.database.as_str().into();
        let column = |(at, column): (usize, &DraftColumn)| ScopeColumn {
            id: at as u32,
            name: column.row.name.as_str().into(),
            of: column.row.of.clone(),
            nullable: column.row.nullable,
            alias: Arc::clone(&alias),
            database: Some(Arc::clone(&database)),
            source: None,
            is_hidden: false,
        };
        Scope { columns: self.columns.iter().enumerate().map(column).collect() }
    }

    /// The columns that an expression names, by position; none where it does not bind.
    pub fn columns_of(&self, text: &str) -> Vec<usize> {
        let bound = self.bind(text).map(|typed| walk::columns(&typed)).unwrap_or_default();
        bound.into_iter().map(|id| id as usize).collect()
    }

    /// Adds a CHECK; `taken`: whether another table of the database has the name.
    ///
    /// # Errors
    /// 3820, 3814, 3815, 3816, 3822, and others of binding.
    pub fn add_check(
        &mut self,
        def: &CheckDef,
        text: String,
        taken: &dyn Fn(&str) -> bool,
    ) -> Result<()> {
        let name = match &def.name {
            Some(name) => {
                names::check_index(name)?;
                name.clone()
            }
            None => {
                let used = self.checks.iter().map(|check| check.name.as_str());
                generated_name(&self.name, "_chk_", used)
            }
        };
        if self.checks.iter().any(|check| check.name.eq_ignore_ascii_case(&name)) || taken(&name) {
            return Err(SqlError::new(3822, format!("Duplicate check constraint name '{name}'.")));
        }
        let bound = self.bind(&text).map_err(|error| match error.code {
            1054 => {
                let column = error.message.split('\'').nth(1).unwrap_or_default().to_owned();
                let text =
                    format!("Check constraint '{name}' refers to non-existing column '{column}'.");
                SqlError::new(3820, text)
            }
            1235 => error,
            _ => error,
        })?;
        let auto = self.columns.iter().position(|column| column.row.auto);
        if walk::columns(&bound).into_iter().any(|id| Some(id as usize) == auto) {
            return Err(SqlError::new(
                3818,
                format!("Check constraint '{name}' cannot refer to an auto-increment column."),
            ));
        }
        if let Some(what) = unfit(&bound, true) {
            return Err(match what {
                Unfit::Function(function) => SqlError::new(
                    3814,
                    format!(
                        "An expression of a check constraint '{name}' contains disallowed function: {function}."
                    ),
                ),
                Unfit::Subquery => SqlError::new(
                    3815,
                    format!(
                        "An expression of a check constraint '{name}' contains disallowed function."
                    ),
                ),
                Unfit::Variable => SqlError::new(
                    3816,
                    format!(
                        "An expression of a check constraint '{name}' cannot refer to a user or system variable."
                    ),
                ),
            });
        }
        self.checks.push(CheckRow { name, expression: text, enforced: def.enforced });
        Ok(())
    }

    /// Checks the whole and makes a body of it. New indexes have id 0; new columns get
    /// the slots after the old ones.
    ///
    /// # Errors
    /// 1113, 1117, 1060, 1118, 1075, 1072 and others.
    pub fn finish(&mut self) -> Result<TableBody> {
        self.check_columns()?;
        key::check(self)?;
        self.check_auto()?;
        let mut slots = self.slots.clone();
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            if column.from.is_none() || self.is_renewed {
                column.row.slot = slots.len() as u16;
                slots.push(column.row.of.clone());
            } else {
                slots[usize::from(column.row.slot)] = column.row.of.clone();
            }
            columns.push(column.row.clone());
        }
        let position = |name: &str| {
            let found = self.find(name).ok_or_else(|| key::no_column(name))?;
            u16::try_from(found).map_err(|_| too_many_columns())
        };
        let parts = |parts: &[DraftPart]| {
            let part = |part: &DraftPart| {
                let column = position(&part.column)?;
                Ok(KeyPart { column, prefix: part.prefix, desc: part.desc })
            };
            parts.iter().map(part).collect::<Result<Vec<_>>>()
        };
        let index = |key: &DraftKey| {
            Ok(IndexRow {
                id: key.id.unwrap_or(TableId(0)),
                name: key.name.clone(),
                unique: key.unique,
                parts: parts(&key.parts)?,
                comment: key.comment.clone(),
            })
        };
        let foreign = |foreign: &DraftForeign| {
            let columns = foreign.columns.iter().map(|name| position(name));
            Ok(ForeignRow { columns: columns.collect::<Result<_>>()?, ..foreign.row.clone() })
        };
        Ok(TableBody {
            columns,
            slots,
            primary: parts(self.primary.as_deref().unwrap_or_default())?,
            indexes: self.keys.iter().map(index).collect::<Result<_>>()?,
            foreign: self.foreign.iter().map(foreign).collect::<Result<_>>()?,
            checks: self.checks.clone(),
            collation: self.collation,
            row_format: self.row_format.clone(),
        })
    }

    fn check_columns(&self) -> Result<()> {
        if self.columns.is_empty() {
            return Err(SqlError::new(1113, "A table must have at least 1 column"));
        }
        if self.columns.len() > COLUMNS_MAX {
            return Err(too_many_columns());
        }
        let mut seen = std::collections::BTreeSet::new();
        for column in &self.columns {
            if !seen.insert(column.row.name.to_lowercase()) {
                let text = format!("Duplicate column name '{}'", column.row.name);
                return Err(SqlError::new(1060, text));
            }
        }
        let bytes: u64 = self.columns.iter().map(|column| key::row_bytes(&column.row.of)).sum();
        if bytes > ROW_BYTES_MAX {
            return Err(SqlError::new(
                1118,
                "Row size too large. The maximum row size for the used table type, not counting BLOBs, is 65535. This includes storage overhead, check the manual. You have to change some columns to TEXT or BLOBs",
            ));
        }
        Ok(())
    }

    fn check_auto(&self) -> Result<()> {
        let wrong = || {
            SqlError::new(
                1075,
                "Incorrect table definition; there can be only one auto column and it must be defined as a key",
            )
        };
        let mut autos = self.columns.iter().filter(|column| column.row.auto);
        let Some(auto) = autos.next() else { return Ok(()) };
        let leads = |parts: &[DraftPart]| {
            parts.first().is_some_and(|part| part.column.eq_ignore_ascii_case(&auto.row.name))
        };
        let keys = self.keys.iter().map(|key| &key.parts).chain(&self.primary);
        if autos.next().is_some() || !keys.map(Vec::as_slice).any(leads) {
            return Err(wrong());
        }
        Ok(())
    }
}

fn too_many_columns() -> SqlError {
    SqlError::new(1117, "Too many columns")
}

/// Why an expression may not stand in a definition.
pub enum Unfit {
    /// A function whose result is not its arguments'.
    Function(String),
    /// A subquery.
    Subquery,
    /// A variable or parameter.
    Variable,
}

/// What in an expression depends on more than its row; a default (not `is_pure`) may
/// ask for the time and random numbers.
pub fn unfit(typed: &Typed, is_pure: bool) -> Option<Unfit> {
    let mut found = None;
    walk::any(typed, &mut |expr| {
        let what = match expr {
            Expr::Scalar(_) | Expr::Exists { .. } | Expr::InQuery { .. } => Unfit::Subquery,
            Expr::Param(_) | Expr::Variable(_) | Expr::Assign(..) => Unfit::Variable,
            Expr::Session(crate::expr::SessionValue::System { .. }) => Unfit::Variable,
            Expr::Session(what) if is_pure => Unfit::Function(format!("{what:?}").to_lowercase()),
            Expr::Call(function, _) if is_pure && function.kind != Kind::Pure => {
                Unfit::Function(function.name.to_owned())
            }
            _ => return false,
        };
        found = Some(what);
        true
    });
    found
}

/// `table_kind_N`, the number after the highest one in use.
pub fn generated_name<'a>(table: &str, kind: &str, used: impl Iterator<Item = &'a str>) -> String {
    let number = |name: &str| {
        let rest = name.strip_prefix(table)?.strip_prefix(kind)?;
        rest.parse::<u32>().ok()
    };
    let most = used.filter_map(number).max().unwrap_or(0);
    format!("{table}{kind}{}", most.saturating_add(1))
}
