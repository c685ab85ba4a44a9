//! CREATE VIEW, ALTER VIEW, DROP VIEW.
//!
//! Not here: what a view means in a query (`bind::from`).

use holdfast_base::TableId;
use holdfast_syntax::{CreateView, TableName};

use super::work::Work;
use super::{DdlDone, create, names};
use crate::bind::{Binder, Setting};
use crate::catalog::definition::ROW_VERSION;
use crate::catalog::{Entry, TableKind, TableRow, ViewBody};
use crate::error::{Result, SqlError};

/// CREATE VIEW and ALTER VIEW.
pub async fn create(work: &mut Work<'_>, create: &CreateView) -> Result<DdlDone> {
    let current = work.statement.facts.database.clone();
    let (database, name) = names::split(&create.name, current.as_deref())?;
    names::check_table(name)?;
    if create.check_option.is_some() {
        return Err(SqlError::unsupported("WITH CHECK OPTION"));
    }
    work.hold(|catalog, wants| {
        let row = names::database(catalog, database)?;
        wants.enter(row);
        wants.name(row.id, name);
        if let Some(entry @ Entry::View(_)) = catalog.find(database, name) {
            wants.change(&entry);
        }
        Ok(())
    })
    .await?;
    let known = match work.catalog.find(database, name) {
        None if create.alter => return Err(SqlError::no_table(database, name)),
        Some(Entry::Table(_)) if create.alter || create.or_replace => {
            return Err(SqlError::new(1347, format!("'{database}.{name}' is not VIEW")));
        }
        Some(_) if !create.alter && !create.or_replace => return Err(names::taken(name)),
        known => known,
    };
    let body = bound(work, create, database)?;
    let row = match known {
        Some(entry) => {
            let old = entry.row().clone();
            TableRow { version: old.version + 1, kind: TableKind::View(body), ..old }
        }
        None => TableRow {
            v: ROW_VERSION,
            id: TableId(work.ids(1).await?),
            database: names::database(&work.catalog, database)?.id,
            name: name.to_owned(),
            version: 1,
            created: work.now_s(),
            comment: "VIEW".to_owned(),
            kind: TableKind::View(body),
        },
    };
    work.put_entry(&row)?;
    Ok(DdlDone::default())
}

/// The view, once its query binds.
fn bound(work: &mut Work<'_>, create: &CreateView, database: &str) -> Result<ViewBody> {
    let facts = &work.statement.facts;
    let variables = Default::default();
    let setting = Setting {
        database: facts.database.as_deref(),
        collation: work.statement.variables.settings().collation,
        full_group_by: true,
        pipes_as_concat: false,
        params: &[],
        variables: &variables,
        system: crate::session::variables::type_of,
    };
    let mut binder = Binder::new(&work.catalog, setting, work.statement.context.clone());
    let query = binder.query(&create.query)?;
    if binder.is_personal && has_variables(&create.text) {
        return Err(SqlError::new(1351, "View's SELECT contains a variable or parameter"));
    }
    if !create.columns.is_empty() && create.columns.len() != query.columns.len() {
        return Err(SqlError::new(
            1353,
            "In definition of view, derived table or common table expression, SELECT list and column names list have different column counts",
        ));
    }
    let names: Vec<String> = match create.columns.is_empty() {
        true => query.columns.iter().map(|column| column.name.to_string()).collect(),
        false => create.columns.clone(),
    };
    for (at, column) in names.iter().enumerate() {
        if names[..at].iter().any(|known| known.eq_ignore_ascii_case(column)) {
            return Err(SqlError::new(1060, format!("Duplicate column name '{column}'")));
        }
    }
    let definer = match &create.definer {
        Some(account) if !account.current => format!("{}@{}", account.user, account.host),
        _ => work.statement.facts.current_user.clone(),
    };
    Ok(ViewBody {
        select: create.text.clone(),
        columns: create.columns.clone(),
        database: work.statement.facts.database.clone().unwrap_or_else(|| database.to_owned()),
        definer,
        ansi_quotes: create::ansi_quotes(work),
        collation: work.statement.variables.settings().collation,
    })
}

/// Whether a text that was bound names a variable.
fn has_variables(text: &str) -> bool {
    text.contains('@')
}

/// DROP VIEW: all of them or none.
pub async fn remove(work: &mut Work<'_>, views: &[TableName], if_exists: bool) -> Result<DdlDone> {
    let current = work.statement.facts.database.clone();
    let mut wanted = Vec::with_capacity(views.len());
    for name in views {
        wanted.push(names::split(name, current.as_deref())?);
    }
    work.hold(|catalog, wants| {
        for (database, name) in &wanted {
            let Some(row) = catalog.databases.get(*database) else { continue };
            wants.enter(row);
            wants.name(row.id, name);
            if let Some(entry @ Entry::View(_)) = catalog.find(database, name) {
                wants.change(&entry);
            }
        }
        Ok(())
    })
    .await?;
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for (database, name) in wanted {
        match work.catalog.find(database, name) {
            Some(entry @ Entry::View(_)) => found.push(entry),
            Some(Entry::Table(_)) => {
                return Err(SqlError::new(1347, format!("'{database}.{name}' is not VIEW")));
            }
            None => unknown.push(format!("{database}.{name}")),
        }
    }
    if !unknown.is_empty() && !if_exists {
        return Err(SqlError::new(1051, format!("Unknown table '{}'", unknown.join(","))));
    }
    for name in unknown {
        work.warn(1051, format!("Unknown table '{name}'"));
    }
    for entry in &found {
        work.remove_entry(entry);
    }
    Ok(DdlDone::default())
}
