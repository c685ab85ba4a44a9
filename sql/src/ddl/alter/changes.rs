//! The changes of an ALTER TABLE, applied to a draft: what goes first, then columns, then
//! what comes, so that their order in the statement does not count.

use holdfast_syntax::{AlterChange, AlterTable, ColumnDef, Extras, Place, TableName};
use holdfast_value::Collation;

use super::Applied;
use crate::catalog::Table;
use crate::ddl::column::{self, check_expressions, expression_text};
use crate::ddl::create::{ansi_quotes, check_engine, has_check};
use crate::ddl::draft::{Draft, DraftColumn};
use crate::ddl::foreign::{self, Around};
use crate::ddl::work::Work;
use crate::ddl::{key, names};
use crate::error::{Result, SqlError};

/// The parents of foreign keys that a change adds.
pub fn parents(change: &AlterChange) -> Vec<&TableName> {
    match change {
        AlterChange::AddForeignKey(foreign) => vec![&foreign.table],
        _ => Vec::new(),
    }
}

/// Applies all changes.
pub fn apply(
    work: &mut Work<'_>,
    (old, draft): (&Table, &mut Draft),
    alter: &AlterTable,
) -> Result<Applied> {
    let mut applied = Applied::default();
    for change in &alter.changes {
        remove(draft, change)?;
    }
    let ansi = ansi_quotes(work);
    for change in &alter.changes {
        reshape(work, (draft, &mut applied), change, ansi)?;
    }
    if draft.columns.is_empty() {
        return Err(SqlError::new(
            1090,
            "You can't delete all columns with ALTER TABLE; use DROP TABLE instead",
        ));
    }
    check_expressions(draft)?;
    for change in &alter.changes {
        add(work, (draft, &mut applied), (change, old), ansi)?;
    }
    Ok(applied)
}

fn cannot_drop(name: &str) -> SqlError {
    SqlError::new(1091, format!("Can't DROP '{name}'; check that column/key exists"))
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// What goes, and keys' names.
fn remove(draft: &mut Draft, change: &AlterChange) -> Result<()> {
    match change {
        AlterChange::DropPrimaryKey => {
            draft.primary.take().ok_or_else(|| cannot_drop("PRIMARY"))?;
        }
        AlterChange::DropKey(name) if same(name, "PRIMARY") => {
            draft.primary.take().ok_or_else(|| cannot_drop("PRIMARY"))?;
        }
        AlterChange::DropKey(name) => {
            let at = draft.find_key(name).ok_or_else(|| cannot_drop(name))?;
            draft.keys.remove(at);
        }
        AlterChange::DropForeignKey(name) => {
            let at = find_foreign(draft, name).ok_or_else(|| cannot_drop(name))?;
            draft.foreign.remove(at);
        }
        AlterChange::DropCheck(name) => {
            let at = find_check(draft, name).ok_or_else(|| no_check(name))?;
            draft.checks.remove(at);
        }
        AlterChange::DropConstraint(name) => drop_constraint(draft, name)?,
        AlterChange::RenameKey { old, new } => {
            let table = draft.name.clone();
            let missing =
                || SqlError::new(1176, format!("Key '{old}' doesn't exist in table '{table}'"));
            names::check_index(new)?;
            let at = draft.find_key(old).ok_or_else(missing)?;
            if draft.find_key(new).is_some_and(|other| other != at) {
                return Err(key::duplicate(new));
            }
            draft.keys[at].name.clone_from(new);
        }
        AlterChange::SetKeyVisible { key, .. } => {
            let missing =
                SqlError::new(1176, format!("Key '{key}' doesn't exist in table '{}'", draft.name));
            draft.find_key(key).ok_or(missing)?;
        }
        _ => {}
    }
    Ok(())
}

fn find_foreign(draft: &Draft, name: &str) -> Option<usize> {
    draft.foreign.iter().position(|foreign| same(&foreign.row.name, name))
}

fn find_check(draft: &Draft, name: &str) -> Option<usize> {
    draft.checks.iter().position(|check| same(&check.name, name))
}

fn no_check(name: &str) -> SqlError {
    SqlError::new(3821, format!("Check constraint '{name}' is not found in the table."))
}

fn drop_constraint(draft: &mut Draft, name: &str) -> Result<()> {
    if same(name, "PRIMARY") && draft.primary.take().is_some() {
        return Ok(());
    }
    if let Some(at) = find_check(draft, name) {
        draft.checks.remove(at);
    } else if let Some(at) = find_foreign(draft, name) {
        draft.foreign.remove(at);
    } else if let Some(at) = draft.find_key(name).filter(|at| draft.keys[*at].unique) {
        draft.keys.remove(at);
    } else {
        return Err(SqlError::new(3940, format!("Constraint '{name}' does not exist.")));
    }
    Ok(())
}

/// Columns and options.
fn reshape(
    work: &mut Work<'_>,
    (draft, applied): (&mut Draft, &mut Applied),
    change: &AlterChange,
    ansi: bool,
) -> Result<()> {
    match change {
        AlterChange::AddColumn { column, place, .. } => {
            if draft.find(&column.name).is_some() {
                let text = format!("Duplicate column name '{}'", column.name);
                return Err(SqlError::new(1060, text));
            }
            let made = column::column(draft, column, ansi)?;
            insert(draft, made, place, None)
        }
        AlterChange::DropColumn(name) => drop_column(draft, name),
        AlterChange::ModifyColumn { column, place, .. } => {
            let name = column.name.clone();
            redefine((draft, applied), &name, (column, place), ansi)
        }
        AlterChange::ChangeColumn { old, column, place, .. } => {
            redefine((draft, applied), old, (column, place), ansi)
        }
        AlterChange::RenameColumn { old, new } => {
            names::check_column(new)?;
            let at = find(draft, old)?;
            rename(draft, applied, at, new)
        }
        AlterChange::SetDefault { column, default } => {
            let at = find(draft, column)?;
            let row = &draft.columns[at].row;
            let default = match default {
                None => None,
                Some(default) => {
                    Some(column::default_row(&row.name, (&row.of, row.nullable), default, ansi)?)
                }
            };
            draft.columns[at].row.default = default;
            Ok(())
        }
        AlterChange::SetVisible { column, visible } => {
            find(draft, column)?;
            if *visible { Ok(()) } else { Err(SqlError::unsupported("INVISIBLE columns")) }
        }
        AlterChange::Convert { charset, collation } => {
            let to = names::collation(charset.as_deref(), collation.as_deref())?;
            convert(draft, to.unwrap_or_default());
            Ok(())
        }
        AlterChange::Options(options) => {
            check_engine(work, options)?;
            if options.auto_increment.is_some() {
                applied.auto_increment = options.auto_increment;
            }
            draft.set_options(options)
        }
        _ => Ok(()),
    }
}

fn find(draft: &Draft, name: &str) -> Result<usize> {
    draft.find(name).ok_or_else(|| SqlError::unknown_column(name, &draft.name))
}

/// Puts a column where it goes; `back`: where it was.
fn insert(
    draft: &mut Draft,
    column: DraftColumn,
    place: &Place,
    back: Option<usize>,
) -> Result<()> {
    let at = match place {
        Place::Unsaid => back.unwrap_or(draft.columns.len()),
        Place::First => 0,
        Place::After(name) => find(draft, name)? + 1,
    };
    draft.columns.insert(at, column);
    Ok(())
}

/// MODIFY and CHANGE.
fn redefine(
    (draft, applied): (&mut Draft, &mut Applied),
    name: &str,
    (def, place): (&ColumnDef, &Place),
    ansi: bool,
) -> Result<()> {
    let at = find(draft, name)?;
    let mut made = column::column(draft, def, ansi)?;
    let old = &draft.columns[at];
    made.from = old.from;
    made.row.slot = old.row.slot;
    made.row.fill.clone_from(&old.row.fill);
    if old.row.generated.is_some() != made.row.generated.is_some() && made.row.generated.is_some() {
        return Err(SqlError::unsupported("Changing a column to a generated one"));
    }
    rename(draft, applied, at, &def.name)?;
    draft.columns.remove(at);
    insert(draft, made, place, Some(at))
}

/// Gives a column another name, wherever it is named.
fn rename(draft: &mut Draft, applied: &mut Applied, at: usize, new: &str) -> Result<()> {
    let old = draft.columns[at].row.name.clone();
    if old == new {
        return Ok(());
    }
    if draft.find(new).is_some_and(|other| other != at) {
        return Err(SqlError::new(1060, format!("Duplicate column name '{new}'")));
    }
    if !same(&old, new) {
        check_unnamed(draft, at)?;
        if let Some(check) =
            draft.checks.iter().find(|check| draft.columns_of(&check.expression).contains(&at))
        {
            return Err(in_check(&check.name, &old));
        }
    }
    draft.columns[at].row.name = new.to_owned();
    let follow = |name: &mut String| {
        if same(name, &old) {
            *name = new.to_owned();
        }
    };
    let keys = draft.keys.iter_mut().map(|key| &mut key.parts).chain(&mut draft.primary);
    keys.flatten().for_each(|part| follow(&mut part.column));
    for foreign in &mut draft.foreign {
        foreign.columns.iter_mut().for_each(follow);
        if foreign.row.parent == draft.name && foreign.row.parent_database == draft.database {
            foreign.row.parent_columns.iter_mut().for_each(follow);
        }
    }
    let first =
        applied.renamed.iter().find(|(_, now)| same(now, &old)).map(|(first, _)| first.clone());
    applied.renamed.insert(first.unwrap_or(old), new.to_owned());
    Ok(())
}

fn in_check(check: &str, column: &str) -> SqlError {
    SqlError::new(
        3959,
        format!(
            "Check constraint '{check}' uses column '{column}', hence column cannot be dropped or renamed."
        ),
    )
}

/// # Errors
/// 3108, 3837: a generated column or a default names it.
fn check_unnamed(draft: &Draft, at: usize) -> Result<()> {
    let name = &draft.columns[at].row.name;
    for (other, column) in draft.columns.iter().enumerate() {
        if let Some((text, _)) = &column.row.generated
            && other != at
            && draft.columns_of(text).contains(&at)
        {
            return Err(SqlError::new(
                3108,
                format!("Column '{name}' has a generated column dependency."),
            ));
        }
        if let Some(crate::catalog::DefaultRow::Expression(text)) = &column.row.default
            && other != at
            && draft.columns_of(text).contains(&at)
        {
            return Err(SqlError::new(
                3837,
                format!(
                    "Column '{name}' of table '{}' has a default value expression dependency and cannot be dropped or renamed.",
                    draft.name
                ),
            ));
        }
    }
    Ok(())
}

fn drop_column(draft: &mut Draft, name: &str) -> Result<()> {
    let at = draft.find(name).ok_or_else(|| cannot_drop(name))?;
    check_unnamed(draft, at)?;
    let name = draft.columns[at].row.name.clone();
    let uses = |columns: &[String]| columns.iter().any(|column| same(column, &name));
    if let Some(foreign) = draft.foreign.iter().find(|foreign| uses(&foreign.columns)) {
        return Err(SqlError::new(
            1828,
            format!(
                "Cannot drop column '{name}': needed in a foreign key constraint '{}'",
                foreign.row.name
            ),
        ));
    }
    let mut gone = Vec::new();
    for (check_at, check) in draft.checks.iter().enumerate() {
        let used = draft.columns_of(&check.expression);
        if used.contains(&at) {
            if used.iter().any(|other| *other != at) {
                return Err(in_check(&check.name, &name));
            }
            gone.push(check_at);
        }
    }
    for check in gone.into_iter().rev() {
        draft.checks.remove(check);
    }
    for key in &mut draft.keys {
        let before = key.parts.len();
        key.parts.retain(|part| !same(&part.column, &name));
        if key.parts.len() != before {
            key.id = None;
        }
    }
    draft.keys.retain(|key| !key.parts.is_empty());
    if let Some(parts) = &mut draft.primary {
        parts.retain(|part| !same(&part.column, &name));
        if parts.is_empty() {
            draft.primary = None;
        }
    }
    draft.columns.remove(at);
    Ok(())
}

fn convert(draft: &mut Draft, to: Collation) {
    draft.collation = to;
    for column in &mut draft.columns {
        if column.row.of.is_text() {
            column.row.of = column::with_collation(&column.row.of, to);
        }
    }
}

/// What comes.
fn add(
    work: &mut Work<'_>,
    (draft, applied): (&mut Draft, &mut Applied),
    (change, old): (&AlterChange, &Table),
    ansi: bool,
) -> Result<()> {
    match change {
        AlterChange::AddKey(def) => key::add(draft, def),
        AlterChange::AddForeignKey(def) => {
            let around = Around {
                catalog: &work.catalog,
                checks: work.statement.variables.settings().foreign_keys,
                except: Some(old.id),
            };
            foreign::add(draft, def, &around)
        }
        AlterChange::AddCheck(def) => {
            let text = expression_text(&def.expr, &def.text, ansi);
            let catalog = work.catalog.clone();
            let database = draft.database.clone();
            applied.new_checks |= def.enforced;
            draft.add_check(def, text, &|name| has_check(&catalog, &database, name, Some(old.id)))
        }
        AlterChange::EnforceCheck { name, enforced } => {
            let at = find_check(draft, name).ok_or_else(|| no_check(name))?;
            applied.new_checks |= *enforced && !draft.checks[at].enforced;
            draft.checks[at].enforced = *enforced;
            Ok(())
        }
        AlterChange::AddColumn { extras, .. }
        | AlterChange::ModifyColumn { extras, .. }
        | AlterChange::ChangeColumn { extras, .. } => {
            let Extras { keys, foreign_keys, checks } = extras;
            for def in keys {
                add(work, (draft, applied), (&AlterChange::AddKey(def.clone()), old), ansi)?;
            }
            for def in foreign_keys {
                add(work, (draft, applied), (&AlterChange::AddForeignKey(def.clone()), old), ansi)?;
            }
            for def in checks {
                add(work, (draft, applied), (&AlterChange::AddCheck(def.clone()), old), ansi)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
