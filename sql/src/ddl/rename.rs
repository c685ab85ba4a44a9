//! RENAME TABLE: chains, between databases, foreign keys follow.

use std::collections::BTreeMap;

use holdfast_base::TableId;
use holdfast_syntax::TableName;

use super::work::{Wants, Work};
use super::{DdlDone, names};
use crate::catalog::{Catalog, Entry, TableKind, TableRow, system};
use crate::error::{Result, SqlError};

/// A name: database and table.
type Name = (String, String);

/// RENAME TABLE, in order.
pub async fn tables(work: &mut Work<'_>, pairs: &[(TableName, TableName)]) -> Result<DdlDone> {
    let current = work.statement.facts.database.clone();
    let owned = |name: &TableName| {
        names::split(name, current.as_deref()).map(|(db, name)| (db.to_owned(), name.to_owned()))
    };
    let mut steps: Vec<(Name, Name)> = Vec::with_capacity(pairs.len());
    for (from, to) in pairs {
        names::check_table(&to.name)?;
        steps.push((owned(from)?, owned(to)?));
    }
    work.hold(|catalog, wants| {
        steps.iter().try_for_each(|(from, to)| want(catalog, from, to, wants))
    })
    .await?;
    let moved = walk(&work.catalog, &steps)?;
    apply(work, moved)?;
    Ok(DdlDone::default())
}

/// What renaming one table needs.
pub fn want(catalog: &Catalog, from: &Name, to: &Name, wants: &mut Wants) -> Result<()> {
    for (database, name) in [from, to] {
        let row = names::database(catalog, database)?;
        wants.enter(row);
        wants.name(row.id, name);
        if let Some(entry) = catalog.find(database, name) {
            wants.change(&entry);
        }
        let key = (database.clone(), name.clone());
        for (child, _) in catalog.children.get(&key).into_iter().flatten() {
            wants.redefine(*child);
        }
    }
    Ok(())
}

/// Where each entry that moves ends.
fn walk(catalog: &Catalog, steps: &[(Name, Name)]) -> Result<Vec<(Entry, Name)>> {
    // What each name that was touched is now.
    let mut now: BTreeMap<&Name, Option<Entry>> = BTreeMap::new();
    for (from, to) in steps {
        let find = |name: &Name| match now.get(name) {
            Some(known) => known.clone(),
            None => catalog.find(&name.0, &name.1),
        };
        let entry = find(from).ok_or_else(|| SqlError::no_table(&from.0, &from.1))?;
        if find(to).is_some() {
            return Err(names::taken(&to.1));
        }
        if matches!(entry, Entry::View(_)) && from.0 != to.0 {
            return Err(SqlError::new(
                1450,
                format!("Changing schema from '{}' to '{}' is not allowed.", from.0, to.0),
            ));
        }
        now.insert(from, None);
        now.insert(to, Some(entry));
    }
    Ok(now.into_iter().filter_map(|(name, entry)| Some((entry?, name.clone()))).collect())
}

fn apply(work: &mut Work<'_>, moved: Vec<(Entry, Name)>) -> Result<()> {
    let mut rows: BTreeMap<TableId, TableRow> = BTreeMap::new();
    let mut renamed: BTreeMap<Name, Name> = BTreeMap::new();
    for (entry, _) in &moved {
        let row = entry.row();
        work.put(system::name_key(row.database, &row.name), None);
    }
    for (entry, to) in &moved {
        let mut row = entry.row().clone();
        row.database = names::database(&work.catalog, &to.0)?.id;
        row.name.clone_from(&to.1);
        row.version += 1;
        if let Entry::Table(table) = entry {
            renamed.insert((table.database.to_string(), table.name.to_string()), to.clone());
            rename_constraints(&mut row, &table.name);
        }
        rows.insert(row.id, row);
    }
    // Children name their parent: they follow it.
    let catalog = work.catalog.clone();
    for parent in renamed.keys() {
        for (child, _) in catalog.children.get(parent).into_iter().flatten() {
            let Some(table) = catalog.tables.get(child) else { continue };
            rows.entry(*child).or_insert_with(|| {
                let mut row = table.row.clone();
                row.version += 1;
                row
            });
        }
    }
    for row in rows.values_mut() {
        let TableKind::Table(body) = &mut row.kind else { continue };
        for foreign in &mut body.foreign {
            let parent = (foreign.parent_database.clone(), foreign.parent.clone());
            if let Some((database, name)) = renamed.get(&parent) {
                foreign.parent_database.clone_from(database);
                foreign.parent.clone_from(name);
            }
        }
    }
    for row in rows.values() {
        work.put_entry(row)?;
    }
    Ok(())
}

/// Names that MySQL generated follow the table's name.
pub fn rename_constraints(row: &mut TableRow, old: &str) {
    let new = row.name.clone();
    let TableKind::Table(body) = &mut row.kind else { return };
    let follow = |name: &mut String, kind: &str| {
        let rest = name.strip_prefix(old).and_then(|rest| rest.strip_prefix(kind));
        if let Some(number) = rest.filter(|rest| rest.parse::<u32>().is_ok()) {
            *name = format!("{new}{kind}{number}");
        }
    };
    body.foreign.iter_mut().for_each(|foreign| follow(&mut foreign.name, "_ibfk_"));
    body.checks.iter_mut().for_each(|check| follow(&mut check.name, "_chk_"));
}
