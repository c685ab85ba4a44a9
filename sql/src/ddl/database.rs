//! CREATE, ALTER and DROP DATABASE.

use holdfast_syntax::DatabaseOptions;
use holdfast_value::Collation;

use super::work::{Wants, Work};
use super::{DdlDone, drop, names};
use crate::catalog::definition::ROW_VERSION;
use crate::catalog::{Catalog, DatabaseRow, Entry};
use crate::error::{Result, SqlError};

/// CREATE DATABASE.
pub async fn create(
    work: &mut Work<'_>,
    name: &str,
    if_not_exists: bool,
    options: &DatabaseOptions,
) -> Result<DdlDone> {
    names::check_database(name)?;
    names::check_open(name)?;
    let collation = names::collation(options.charset.as_deref(), options.collation.as_deref())?;
    work.hold(|_, wants| {
        wants.name(0, name);
        Ok(())
    })
    .await?;
    if work.catalog.databases.contains_key(name) {
        let text = format!("Can't create database '{name}'; database exists");
        if !if_not_exists {
            return Err(SqlError::new(1007, text));
        }
        work.warn(1007, text);
        return Ok(DdlDone { affected: 1, ..DdlDone::default() });
    }
    let id = work.ids(1).await?;
    let collation = collation.unwrap_or(Collation::default());
    work.put_database(&DatabaseRow { v: ROW_VERSION, id, name: name.to_owned(), collation })?;
    Ok(DdlDone { affected: 1, ..DdlDone::default() })
}

/// ALTER DATABASE.
pub async fn alter(
    work: &mut Work<'_>,
    name: Option<&str>,
    options: &DatabaseOptions,
) -> Result<DdlDone> {
    let current = work.statement.facts.database.clone();
    let name = name.map(str::to_owned).or(current).ok_or_else(SqlError::no_database_selected)?;
    names::check_open(&name)?;
    if options.read_only == Some(true) {
        return Err(SqlError::unsupported("READ ONLY databases"));
    }
    let collation = names::collation(options.charset.as_deref(), options.collation.as_deref())?;
    work.hold(|catalog, wants| {
        wants.seize(names::database(catalog, &name)?);
        Ok(())
    })
    .await?;
    let mut row = names::database(&work.catalog, &name)?.clone();
    if let Some(collation) = collation {
        row.collation = collation;
    }
    work.put_database(&row)?;
    Ok(DdlDone { affected: 1, ..DdlDone::default() })
}

/// DROP DATABASE.
pub async fn remove(work: &mut Work<'_>, name: &str, if_exists: bool) -> Result<DdlDone> {
    names::check_open(name)?;
    work.hold(|catalog, wants| want_all(catalog, name, wants)).await?;
    let Some(row) = work.catalog.databases.get(name).cloned() else {
        let text = format!("Can't drop database '{name}'; database doesn't exist");
        if !if_exists {
            return Err(SqlError::new(1008, text));
        }
        work.warn(1008, text);
        return Ok(DdlDone::default());
    };
    let entries: Vec<Entry> =
        work.catalog.in_database(name).map(|(_, entry)| entry.clone()).collect();
    drop::check_children(work, &entries)?;
    for entry in &entries {
        work.remove_entry(entry);
    }
    work.remove_database(&row);
    let affected = entries.len() as u64;
    Ok(DdlDone { affected, database_dropped: Some(name.to_owned()), ..DdlDone::default() })
}

fn want_all(catalog: &Catalog, name: &str, wants: &mut Wants) -> Result<()> {
    wants.name(0, name);
    if let Some(row) = catalog.databases.get(name) {
        wants.seize(row);
        for (name, entry) in catalog.in_database(name) {
            wants.name(row.id, name);
            wants.change(entry);
        }
    }
    Ok(())
}
