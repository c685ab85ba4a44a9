//! Foreign keys' definitions: the parent, its key, the index that children are found by.
//!
//! Not here: what they do (`exec::change::foreign`), rows that are there (`fill`).

use std::sync::Arc;

use holdfast_syntax::{ForeignKeyDef, Reaction, TableName};
use holdfast_value::SqlType;

use super::draft::{Draft, DraftForeign, DraftKey, DraftPart, generated_name};
use super::{key, names};
use crate::catalog::{Action, Catalog, Entry, ForeignRow, Table};
use crate::error::{Result, SqlError};

/// What is asked about other tables.
pub struct Around<'a> {
    /// All definitions.
    pub catalog: &'a Arc<Catalog>,
    /// `foreign_key_checks`.
    pub checks: bool,
    /// Tables whose names count no more: the one that changes.
    pub except: Option<holdfast_base::TableId>,
}

/// The database and name of a foreign key's parent.
pub fn parent_name<'a>(child_database: &'a str, name: &'a TableName) -> (&'a str, &'a str) {
    (name.db.as_deref().unwrap_or(child_database), &name.name)
}

/// Adds a foreign key, and an index over its columns where there is none.
///
/// # Errors
/// MySQL's for each thing that may not be.
pub fn add(draft: &mut Draft, def: &ForeignKeyDef, around: &Around<'_>) -> Result<()> {
    // MySQL 8.0 reads REFERENCES of a column and forgets it.
    if def.inline {
        return Ok(());
    }
    let name = match &def.name {
        Some(name) => {
            names::check_index(name)?;
            name.clone()
        }
        None => {
            let used = draft.foreign.iter().map(|foreign| foreign.row.name.as_str());
            generated_name(&draft.name, "_ibfk_", used)
        }
    };
    check_name(draft, &name, around)?;
    if def.columns.len() != def.references.len() {
        return Err(SqlError::new(
            1239,
            format!(
                "Incorrect foreign key definition for '{name}': Key reference and table reference don't match"
            ),
        ));
    }
    let columns = own_columns(draft, def)?;
    let (database, parent) = parent_name(&draft.database, &def.table);
    let (database, parent) = (database.to_owned(), parent.to_owned());
    let actions = (action(def.on_delete)?, action(def.on_update)?);
    if [actions.0, actions.1].contains(&Action::SetNull) {
        let is_not_null =
            |column: &&String| draft.find(column).is_some_and(|at| !draft.columns[at].row.nullable);
        if let Some(column) = columns.iter().find(is_not_null) {
            return Err(SqlError::new(
                1830,
                format!(
                    "Column '{column}' cannot be NOT NULL: needed in a foreign key constraint '{name}' SET NULL"
                ),
            ));
        }
    }
    let row = ForeignRow {
        name: name.clone(),
        columns: Vec::new(),
        parent_database: database,
        parent,
        parent_columns: def.references.clone(),
        on_delete: actions.0,
        on_update: actions.1,
        written: (written(def.on_delete), written(def.on_update)),
    };
    if !draft
        .keys
        .iter()
        .map(|key| &key.parts)
        .chain(&draft.primary)
        .any(|parts| key::leads(parts, &columns))
    {
        add_index(draft, def.name.as_deref(), &columns)?;
    }
    draft.foreign.push(DraftForeign { row, columns, is_new: true });
    let foreign = draft.foreign.last().cloned();
    foreign.map_or(Ok(()), |foreign| check_parent(draft, &foreign, around))
}

fn check_name(draft: &Draft, name: &str, around: &Around<'_>) -> Result<()> {
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    let elsewhere = around.catalog.in_database(&draft.database).any(|(_, entry)| match entry {
        Entry::Table(table) if Some(table.id) != around.except => {
            table.body.foreign.iter().any(|foreign| same(&foreign.name))
        }
        _ => false,
    });
    if elsewhere || draft.foreign.iter().any(|foreign| same(&foreign.row.name)) {
        return Err(SqlError::new(1826, format!("Duplicate foreign key constraint name '{name}'")));
    }
    Ok(())
}

fn own_columns(draft: &Draft, def: &ForeignKeyDef) -> Result<Vec<String>> {
    let mut columns: Vec<String> = Vec::with_capacity(def.columns.len());
    for name in &def.columns {
        let at = draft.find(name).ok_or_else(|| key::no_column(name))?;
        let column = &draft.columns[at].row;
        if columns.contains(&column.name) {
            return Err(SqlError::new(1060, format!("Duplicate column name '{name}'")));
        }
        if matches!(&column.generated, Some((_, false))) {
            let text =
                format!("Foreign key constraint cannot use virtual generated column '{name}'");
            return Err(SqlError::new(3733, text));
        }
        if matches!(column.of, SqlType::Text(..) | SqlType::Blob(_) | SqlType::Json) {
            return Err(SqlError::new(
                1170,
                format!("BLOB/TEXT column '{name}' used in key specification without a key length"),
            ));
        }
        columns.push(column.name.clone());
    }
    Ok(columns)
}

fn add_index(draft: &mut Draft, name: Option<&str>, columns: &[String]) -> Result<()> {
    let part = |column: &String| DraftPart { column: column.clone(), prefix: None, desc: false };
    let parts: Vec<DraftPart> = columns.iter().map(part).collect();
    let name = match name {
        Some(name) if draft.find_key(name).is_none() => name.to_owned(),
        Some(name) => return Err(key::duplicate(name)),
        None => key::free_name(draft, &parts),
    };
    draft.keys.push(DraftKey { id: None, name, unique: false, parts, comment: String::new() });
    Ok(())
}

fn action(reaction: Option<Reaction>) -> Result<Action> {
    Ok(match reaction {
        None | Some(Reaction::Restrict | Reaction::NoAction) => Action::Restrict,
        Some(Reaction::Cascade) => Action::Cascade,
        Some(Reaction::SetNull) => Action::SetNull,
        Some(Reaction::SetDefault) => {
            return Err(SqlError::new(1215, "Cannot add foreign key constraint"));
        }
    })
}

fn written(reaction: Option<Reaction>) -> Option<String> {
    let word = match reaction? {
        Reaction::Restrict => "RESTRICT",
        Reaction::Cascade => "CASCADE",
        Reaction::SetNull => "SET NULL",
        Reaction::NoAction => "NO ACTION",
        Reaction::SetDefault => "SET DEFAULT",
    };
    Some(word.to_owned())
}

/// Checks that a foreign key's parent is there, with the columns and a key over them.
///
/// # Errors
/// 1824, 3734, 3780, 1822.
pub fn check_parent(draft: &Draft, foreign: &DraftForeign, around: &Around<'_>) -> Result<()> {
    let row = &foreign.row;
    if row.parent_database == draft.database && row.parent == draft.name {
        return check_against(draft, foreign, draft);
    }
    match around.catalog.find(&row.parent_database, &row.parent) {
        Some(Entry::Table(parent)) => check_against(draft, foreign, &Draft::of(&parent)),
        Some(Entry::View(_)) => Err(SqlError::new(
            1347,
            format!("'{}.{}' is not BASE TABLE", row.parent_database, row.parent),
        )),
        None if around.checks => Err(SqlError::new(
            1824,
            format!("Failed to open the referenced table '{}'", row.parent),
        )),
        None => Ok(()),
    }
}

fn check_against(child: &Draft, foreign: &DraftForeign, parent: &Draft) -> Result<()> {
    let row = &foreign.row;
    let mut columns = Vec::with_capacity(row.parent_columns.len());
    for (name, own) in row.parent_columns.iter().zip(&foreign.columns) {
        let at = parent.find(name).ok_or_else(|| {
            let text = format!(
                "Failed to add the foreign key constraint. Missing column '{name}' for constraint '{}' in the referenced table '{}'",
                row.name, row.parent
            );
            SqlError::new(3734, text)
        })?;
        let theirs = &parent.columns[at].row;
        let own = child.find(own).map(|at| &child.columns[at].row);
        if own.is_some_and(|own| !is_compatible(&own.of, &theirs.of)) {
            let text = format!(
                "Referencing column '{}' and referenced column '{name}' in foreign key constraint '{}' are incompatible.",
                own.map_or("", |own| own.name.as_str()),
                row.name
            );
            return Err(SqlError::new(3780, text));
        }
        columns.push(theirs.name.clone());
    }
    if !has_key(parent, &columns) {
        return Err(SqlError::new(
            1822,
            format!(
                "Failed to add the foreign key constraint. Missing index for constraint '{}' in the referenced table '{}'",
                row.name, row.parent
            ),
        ));
    }
    Ok(())
}

/// A key of the parent that rows are found by: all of the primary key, or the beginning
/// of another.
fn has_key(parent: &Draft, columns: &[String]) -> bool {
    match &parent.primary {
        Some(parts) if key::leads(parts, columns) => parts.len() == columns.len(),
        _ => parent.keys.iter().any(|key| key::leads(&key.parts, columns)),
    }
}

fn is_compatible(a: &SqlType, b: &SqlType) -> bool {
    use SqlType as T;
    match (a, b) {
        (T::Int { width: w, unsigned: u, .. }, T::Int { width: x, unsigned: v, .. }) => {
            w == x && u == v
        }
        (T::Char(_, c) | T::VarChar(_, c), T::Char(_, d) | T::VarChar(_, d)) => c == d,
        (T::Binary(_) | T::VarBinary(_), T::Binary(_) | T::VarBinary(_)) => true,
        (T::Enum(..), T::Enum(..)) | (T::Set(..), T::Set(..)) => true,
        _ => a == b,
    }
}

/// Checks, after a parent changed, that the foreign keys of its children still have a key
/// and compatible columns; `renamed`: columns by their old names.
///
/// # Errors
/// 1553, 1829, 3780.
pub fn check_children(
    catalog: &Catalog,
    old: &Table,
    draft: &Draft,
    renamed: &dyn Fn(&str) -> Option<String>,
) -> Result<()> {
    let name = (old.database.to_string(), old.name.to_string());
    for (child, at) in catalog.children.get(&name).into_iter().flatten() {
        let Some(child) = catalog.tables.get(child).filter(|child| child.id != old.id) else {
            continue;
        };
        let foreign = &child.body.foreign[*at];
        let mut columns = Vec::new();
        for (theirs, own) in foreign.parent_columns.iter().zip(&foreign.columns) {
            let new = renamed(theirs).unwrap_or_else(|| theirs.clone());
            let Some(at) = draft.find(&new) else {
                return Err(SqlError::new(
                    1829,
                    format!(
                        "Cannot drop column '{theirs}': needed in a foreign key constraint '{}' of table '{}'",
                        foreign.name, child.name
                    ),
                ));
            };
            if !is_compatible(&child.columns[usize::from(*own)].of, &draft.columns[at].row.of) {
                return Err(SqlError::new(
                    3780,
                    format!(
                        "Referencing column '{}' and referenced column '{new}' in foreign key constraint '{}' are incompatible.",
                        child.columns[usize::from(*own)].name,
                        foreign.name
                    ),
                ));
            }
            columns.push(new);
        }
        if !has_key(draft, &columns) {
            return Err(SqlError::new(
                1553,
                format!(
                    "Cannot drop index '{}': needed in a foreign key constraint",
                    key_of(old, foreign)
                ),
            ));
        }
    }
    Ok(())
}

/// The name of the parent's key that a foreign key uses, for messages.
fn key_of(parent: &Table, foreign: &ForeignRow) -> String {
    let old = Draft::of(parent);
    match &old.primary {
        Some(parts) if key::leads(parts, &foreign.parent_columns) => "PRIMARY".to_owned(),
        _ => {
            let found = old.keys.iter().find(|key| key::leads(&key.parts, &foreign.parent_columns));
            found.map_or_else(String::new, |key| key.name.clone())
        }
    }
}
