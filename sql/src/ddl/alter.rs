//! ALTER TABLE, CREATE INDEX, DROP INDEX: all changes in one go.
//!
//! | way | when | rows |
//! |---|---|---|
//! | definition only | names, defaults, comments, columns that come or go, wider types | stay |
//! | new indexes | keys that come or whose columns change | stay, entries are made |
//! | written anew | the primary key, types, collations, computed columns change | all of them, under a new id |
//!
//! - A1: the table's rows are locked before they are looked at, until the commit.
//!
//! Not here: what happens to rows (`fill`), single columns and keys (`column`, `key`).

mod changes;

use std::collections::BTreeMap;

use holdfast_base::TableId;
use holdfast_syntax::{AlterChange, AlterTable, TableName};

use super::draft::{Draft, DraftColumn, DraftPart, SLOTS_MAX};
use super::foreign::{self, Around};
use super::work::{Wants, Work};
use super::{DdlDone, create, fill, key, names, rename};
use crate::catalog::{Catalog, DefaultRow, Entry, KeyPart, Table, TableKind, TableRow, system};
use crate::error::{Result, SqlError};
use holdfast_value::{LobSize, SqlType};
use std::sync::Arc;

/// ALTER TABLE.
pub async fn table(work: &mut Work<'_>, alter: &AlterTable) -> Result<DdlDone> {
    let current = work.statement.facts.database.clone();
    let (database, name) = names::split(&alter.name, current.as_deref())?;
    let (database, name) = (database.to_owned(), name.to_owned());
    let to = new_name(alter, (&database, &name), current.as_deref())?;
    work.hold(|catalog, wants| want(catalog, (&database, &name), (alter, &to), wants)).await?;
    let old = work.catalog.table(&database, &name)?;
    if let Some((new_database, new_name)) = &to
        && work.catalog.find(new_database, new_name).is_some_and(|entry| entry.id() != old.id)
    {
        return Err(names::taken(new_name));
    }
    let mut draft = Draft::of(&old);
    let applied = changes::apply(work, (&old, &mut draft), alter)?;
    check_foreign(work, &old, &draft, &applied)?;
    let mut body = draft.finish()?;
    let is_new = needs_new_rows(&old, &draft);
    if is_new {
        draft.renew();
        body = draft.finish()?;
    }
    let fresh = body.indexes.iter().filter(|index| index.id.0 == 0).count();
    let first = match fresh + usize::from(is_new) {
        0 => 0,
        count => work.ids(count).await?,
    };
    create::number_indexes(&mut body, first + u64::from(is_new));
    if !is_new {
        fill::fills(work, &old, &draft, &mut body).await?;
    }
    let row = TableRow {
        id: if is_new { TableId(first) } else { old.id },
        version: if is_new { 1 } else { old.row.version + 1 },
        comment: draft.comment.clone(),
        kind: TableKind::Table(body),
        ..old.row.clone()
    };
    let change = fill::Change { old: &old, draft: &draft, row: &row, is_new, applied: &applied };
    let affected = fill::rows(work, &change).await?;
    write(work, &old, row, (&applied, &to))?;
    let info = format!("Records: {affected}  Duplicates: 0  Warnings: 0");
    Ok(DdlDone { affected, info, ..DdlDone::default() })
}

/// What an ALTER TABLE did to a draft, beside what the draft says.
#[derive(Debug, Default)]
pub struct Applied {
    /// Columns by their old names, which have new ones.
    pub renamed: BTreeMap<String, String>,
    /// Checks that rows have not been checked by.
    pub new_checks: bool,
    /// AUTO_INCREMENT.
    pub auto_increment: Option<u64>,
}

type Name = (String, String);

fn new_name(alter: &AlterTable, old: (&str, &str), current: Option<&str>) -> Result<Option<Name>> {
    let rename = |change: &AlterChange| match change {
        AlterChange::Rename(name) => Some(name.clone()),
        _ => None,
    };
    let Some(TableName { db, name }) = alter.changes.iter().rev().find_map(rename) else {
        return Ok(None);
    };
    names::check_table(&name)?;
    // Without a database it stays in the table's own, if there is no current one.
    let database = db.or(current.map(str::to_owned)).unwrap_or_else(|| old.0.to_owned());
    names::check_open(&database)?;
    Ok(Some((database, name)).filter(|(database, name)| (database.as_str(), name.as_str()) != old))
}

fn want(
    catalog: &Catalog,
    (database, name): (&str, &str),
    (alter, to): (&AlterTable, &Option<Name>),
    wants: &mut Wants,
) -> Result<()> {
    let table = catalog.table(database, name)?;
    wants.enter(names::database(catalog, database)?);
    wants.name(table.row.database, name);
    wants.change(&Entry::Table(table));
    let key = (database.to_owned(), name.to_owned());
    for (child, _) in catalog.children.get(&key).into_iter().flatten() {
        wants.redefine(*child);
    }
    if let Some((new_database, new_name)) = to {
        let row = names::database(catalog, new_database)?;
        wants.enter(row);
        wants.name(row.id, new_name);
    }
    let parents: Vec<&TableName> = alter.changes.iter().flat_map(changes::parents).collect();
    create::want_parents(catalog, database, parents.iter().copied(), wants);
    for parent in parents {
        let (database, name) = foreign::parent_name(database, parent);
        if let Some(Entry::Table(parent)) = catalog.find(database, name)
            && key != (database.to_owned(), name.to_owned())
        {
            wants.rely_on_rows(parent.id);
        }
    }
    Ok(())
}

/// Foreign keys of the table and of its children still hold together.
fn check_foreign(work: &Work<'_>, old: &Table, draft: &Draft, applied: &Applied) -> Result<()> {
    let around = Around {
        catalog: &work.catalog,
        checks: work.statement.variables.settings().foreign_keys,
        except: Some(old.id),
    };
    for foreign in &draft.foreign {
        let keys = draft.keys.iter().map(|key| &key.parts).chain(&draft.primary);
        if !keys.map(Vec::as_slice).any(|parts| key::leads(parts, &foreign.columns)) {
            let is_old = |parts: &[DraftPart]| key::leads(parts, &foreign.columns);
            let before = Draft::of(old);
            let lost = before.keys.iter().find(|key| is_old(&key.parts));
            let name = lost.map_or("PRIMARY", |key| key.name.as_str());
            return Err(SqlError::new(
                1553,
                format!("Cannot drop index '{name}': needed in a foreign key constraint"),
            ));
        }
        let is_own =
            foreign.row.parent == *old.name && foreign.row.parent_database == *old.database;
        if !foreign.is_new && (around.checks || is_own) {
            foreign::check_parent(draft, foreign, &Around { checks: false, ..around })?;
        }
    }
    let renamed = |name: &str| {
        let found = applied.renamed.iter().find(|(old, _)| old.eq_ignore_ascii_case(name));
        found.map(|(_, new)| new.clone())
    };
    foreign::check_children(&work.catalog, old, draft, &renamed)
}

impl Draft {
    /// Everything is written anew: slots are given out again, indexes are new ones.
    fn renew(&mut self) {
        self.slots.clear();
        self.is_renewed = true;
        for column in &mut self.columns {
            column.row.fill = None;
        }
        for key in &mut self.keys {
            key.id = None;
        }
    }
}

/// Whether rows as they are stored do not mean what the new definition says.
fn needs_new_rows(old: &Table, draft: &Draft) -> bool {
    let primary = draft.primary.as_deref().unwrap_or_default();
    let same_part = |(new, old_part): (&DraftPart, &KeyPart)| {
        let from = draft.find(&new.column).and_then(|at| draft.columns[at].from);
        from == Some(usize::from(old_part.column))
            && new.prefix == old_part.prefix
            && new.desc == old_part.desc
    };
    if primary.len() != old.body.primary.len()
        || !primary.iter().zip(&old.body.primary).all(same_part)
    {
        return true;
    }
    let added = draft.columns.iter().filter(|column| column.from.is_none()).count();
    draft.slots.len() + added > SLOTS_MAX
        || draft.columns.iter().any(|column| column_needs_rows(old, column))
}

fn column_needs_rows(old: &Table, column: &DraftColumn) -> bool {
    match column.from {
        None => {
            column.row.generated.is_some()
                || column.row.auto
                || matches!(column.row.default, Some(DefaultRow::Expression(_)))
        }
        Some(from) => {
            let before = &old.body.columns[from];
            !is_in_place(&before.of, &column.row.of)
                || (column.row.generated.is_some() && column.row.generated != before.generated)
        }
    }
}

/// Whether stored values, and keys made of them, are right for the new type, too.
fn is_in_place(old: &SqlType, new: &SqlType) -> bool {
    use SqlType as T;
    match (old, new) {
        (T::Int { width: w, unsigned: u, .. }, T::Int { width: x, unsigned: v, .. }) => {
            w == x && u == v
        }
        (T::VarChar(from, c), T::VarChar(to, d)) => c == d && from <= to,
        (T::VarBinary(from), T::VarBinary(to)) => from <= to,
        (T::Text(from, c), T::Text(to, d)) => c == d && lob(*from) <= lob(*to),
        (T::Blob(from), T::Blob(to)) => lob(*from) <= lob(*to),
        (T::VarChar(from, c), T::Text(to, d)) => c == d && u64::from(*from) * 4 <= lob(*to),
        (T::Enum(from, c), T::Enum(to, d)) | (T::Set(from, c), T::Set(to, d)) => {
            c == d && to.starts_with(from)
        }
        _ => old == new,
    }
}

fn lob(size: LobSize) -> u64 {
    match size {
        LobSize::Tiny => 255,
        LobSize::Normal => 65_535,
        LobSize::Medium => 16_777_215,
        LobSize::Long => u64::from(u32::MAX),
    }
}

/// Writes the definition, and those of children that name what has another name now.
fn write(
    work: &mut Work<'_>,
    old: &Arc<Table>,
    mut row: TableRow,
    (applied, to): (&Applied, &Option<Name>),
) -> Result<()> {
    if row.id != old.id {
        work.put(system::table_key(old.id), None);
        work.remove_counter(old);
    }
    let before = (old.database.to_string(), old.name.to_string());
    if let Some((database, name)) = to {
        work.put(system::name_key(old.row.database, &old.row.name), None);
        row.database = names::database(&work.catalog, database)?.id;
        row.name.clone_from(name);
        rename::rename_constraints(&mut row, &old.name);
    }
    follow(&mut row, &before, (applied, to));
    work.put_entry(&row)?;
    if to.is_none() && applied.renamed.is_empty() {
        return Ok(());
    }
    let catalog = work.catalog.clone();
    let mut seen = vec![old.id];
    for (child, _) in catalog.children.get(&before).into_iter().flatten() {
        let Some(child) = catalog.tables.get(child).filter(|child| !seen.contains(&child.id))
        else {
            continue;
        };
        seen.push(child.id);
        let mut row = child.row.clone();
        row.version += 1;
        follow(&mut row, &before, (applied, to));
        work.put_entry(&row)?;
    }
    Ok(())
}

/// Foreign keys to the table have its new name, and its columns' new names.
fn follow(row: &mut TableRow, parent: &Name, (applied, to): (&Applied, &Option<Name>)) {
    let TableKind::Table(body) = &mut row.kind else { return };
    for foreign in &mut body.foreign {
        if foreign.parent_database != parent.0 || foreign.parent != parent.1 {
            continue;
        }
        if let Some((database, name)) = to {
            foreign.parent_database.clone_from(database);
            foreign.parent.clone_from(name);
        }
        for column in &mut foreign.parent_columns {
            let new = applied.renamed.iter().find(|(old, _)| old.eq_ignore_ascii_case(column));
            if let Some((_, new)) = new {
                column.clone_from(new);
            }
        }
    }
}
