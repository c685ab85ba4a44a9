//! DROP TABLE and TRUNCATE.

use std::collections::BTreeSet;

use holdfast_base::TableId;
use holdfast_syntax::TableName;

use super::work::Work;
use super::{DdlDone, names};
use crate::catalog::{Entry, TableKind};
use crate::error::{Result, SqlError};

/// DROP TABLE: all of them or none.
pub async fn tables(
    work: &mut Work<'_>,
    tables: &[TableName],
    if_exists: bool,
    temporary: bool,
) -> Result<DdlDone> {
    let current = work.statement.facts.database.clone();
    let mut wanted = Vec::with_capacity(tables.len());
    for name in tables {
        let pair = names::split(name, current.as_deref())?;
        if wanted.contains(&pair) {
            return Err(SqlError::new(1066, format!("Not unique table/alias: '{}'", pair.1)));
        }
        wanted.push(pair);
    }
    if !temporary {
        work.hold(|catalog, wants| {
            for (database, name) in &wanted {
                let Some(row) = catalog.databases.get(*database) else { continue };
                wants.enter(row);
                wants.name(row.id, name);
                if let Some(entry @ Entry::Table(_)) = catalog.find(database, name) {
                    wants.change(&entry);
                }
            }
            Ok(())
        })
        .await?;
    }
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for (database, name) in &wanted {
        match work.catalog.find(database, name).filter(|_| !temporary) {
            Some(entry @ Entry::Table(_)) => found.push(entry),
            _ => unknown.push(format!("{database}.{name}")),
        }
    }
    if !if_exists && !unknown.is_empty() {
        return Err(SqlError::new(1051, format!("Unknown table '{}'", unknown.join(","))));
    }
    check_children(work, &found)?;
    for name in unknown {
        work.warn(1051, format!("Unknown table '{name}'"));
    }
    for entry in &found {
        work.remove_entry(entry);
    }
    Ok(DdlDone::default())
}

/// # Errors
/// 3730: a table that stays has a foreign key to one that goes.
pub fn check_children(work: &Work<'_>, going: &[Entry]) -> Result<()> {
    if !work.statement.variables.settings().foreign_keys {
        return Ok(());
    }
    let ids: BTreeSet<TableId> = going.iter().map(Entry::id).collect();
    for entry in going {
        let Entry::Table(table) = entry else { continue };
        let name = (table.database.to_string(), table.name.to_string());
        for (child, at) in work.catalog.children.get(&name).into_iter().flatten() {
            if ids.contains(child) {
                continue;
            }
            let Some(child) = work.catalog.tables.get(child) else { continue };
            return Err(SqlError::new(
                3730,
                format!(
                    "Cannot drop table '{}' referenced by a foreign key constraint '{}' on table '{}'.",
                    table.name, child.body.foreign[*at].name, child.name
                ),
            ));
        }
    }
    Ok(())
}

/// TRUNCATE: the same definition with new ids, and no rows.
pub async fn truncate(work: &mut Work<'_>, name: &TableName) -> Result<DdlDone> {
    let current = work.statement.facts.database.clone();
    let (database, name) = names::split(name, current.as_deref())?;
    work.hold(|catalog, wants| {
        let table = catalog.table(database, name).map_err(|error| match error.code {
            // MySQL says so of a view.
            1347 => SqlError::no_table(database, name),
            _ => error,
        })?;
        wants.enter(names::database(catalog, database)?);
        wants.name(table.row.database, name);
        wants.change(&Entry::Table(table));
        Ok(())
    })
    .await?;
    let table = work.catalog.table(database, name)?;
    let key = (database.to_owned(), name.to_owned());
    if work.statement.variables.settings().foreign_keys
        && let Some((child, at)) = work
            .catalog
            .children
            .get(&key)
            .into_iter()
            .flatten()
            .find(|(child, _)| *child != table.id)
        && let Some(child) = work.catalog.tables.get(child)
    {
        return Err(SqlError::new(
            1701,
            format!(
                "Cannot truncate a table referenced in a foreign key constraint (`{}`.`{}`, CONSTRAINT `{}`)",
                child.database, child.name, child.body.foreign[*at].name
            ),
        ));
    }
    let first = work.ids(table.indexes.len() + 1).await?;
    let mut row = table.row.clone();
    let mut body = table.body.clone();
    for (at, index) in body.indexes.iter_mut().enumerate() {
        index.id = TableId(first + 1 + at as u64);
    }
    (row.id, row.version, row.kind) = (TableId(first), 1, TableKind::Table(body));
    work.remove_entry(&Entry::Table(table));
    work.put_entry(&row)?;
    Ok(DdlDone::default())
}
