//! CREATE TABLE: by columns, LIKE another, AS a query.

use holdfast_base::TableId;
use holdfast_syntax::{CreateTable, TableName, TableOptions};

use super::column::{self, check_expressions};
use super::draft::Draft;
use super::foreign::{self, Around};
use super::work::{Wants, Work};
use super::{DdlDone, fill, key, names};
use crate::catalog::definition::ROW_VERSION;
use crate::catalog::{Catalog, Entry, TableBody, TableKind, TableRow};
use crate::error::{Result, SqlError};

/// CREATE TABLE.
pub async fn table(work: &mut Work<'_>, create: &CreateTable) -> Result<DdlDone> {
    if create.partition_by.is_some() {
        return Err(SqlError::unsupported("PARTITION BY"));
    }
    let current = work.statement.facts.database.clone();
    let (database, name) = names::split(&create.name, current.as_deref())?;
    names::check_table(name)?;
    work.hold(|catalog, wants| {
        want(catalog, (database, name), (create, current.as_deref()), wants)
    })
    .await?;
    let catalog = work.catalog.clone();
    let owner = names::database(&catalog, database)?;
    if catalog.find(database, name).is_some() {
        if !create.if_not_exists {
            return Err(names::taken(name));
        }
        work.warn(1050, format!("Table '{name}' already exists"));
        return Ok(DdlDone::default());
    }
    if let Some(like) = &create.like {
        return copy(work, (owner.id, name), like).await;
    }
    check_engine(work, &create.options)?;
    let mut draft = Draft::new(database, name, owner.collation);
    draft.set_options(&create.options)?;
    define(work, &mut draft, create)?;
    let rows = match &create.query {
        Some(query) => Some(fill::query(work, &mut draft, create, query).await?),
        None => None,
    };
    let rows = rows.filter(|_| !work.statement.fills_later);
    let mut body = draft.finish()?;
    let first = work.ids(body.indexes.len() + 1).await?;
    number_indexes(&mut body, first + 1);
    let row = new_row(work, (first, owner.id), &draft, body);
    work.put_entry(&row)?;
    let affected = match rows {
        Some(rows) => fill::insert(work, (database, &row), rows).await?,
        None => 0,
    };
    if let Some(next) = create.options.auto_increment {
        let counter = crate::exec::sequence::Counter::Auto(row.id);
        let given = work.engine.sequences.peek(&work.engine, counter)?;
        work.put_counter(row.id, next.max(given))?;
    }
    let info = rows_info(create, affected).unwrap_or_default();
    Ok(DdlDone { affected, info, ..DdlDone::default() })
}

fn rows_info(create: &CreateTable, records: u64) -> Option<String> {
    create.query.as_ref()?;
    Some(format!("Records: {records}  Duplicates: 0  Warnings: 0"))
}

fn want(
    catalog: &Catalog,
    (database, name): (&str, &str),
    (create, current): (&CreateTable, Option<&str>),
    wants: &mut Wants,
) -> Result<()> {
    let row = names::database(catalog, database)?;
    wants.enter(row);
    wants.name(row.id, name);
    if let Some(like) = &create.like
        && let Ok((database, name)) = names::split(like, current)
        && let Some(entry) = catalog.find(database, name)
    {
        wants.rely(entry.id());
    }
    want_parents(
        catalog,
        database,
        create.foreign_keys.iter().map(|foreign| &foreign.table),
        wants,
    );
    Ok(())
}

/// Parents stay what they are.
pub fn want_parents<'a>(
    catalog: &Catalog,
    database: &str,
    parents: impl Iterator<Item = &'a TableName>,
    wants: &mut Wants,
) {
    for parent in parents {
        let (database, name) = foreign::parent_name(database, parent);
        if let Some(entry) = catalog.find(database, name) {
            wants.rely(entry.id());
        }
    }
}

/// Warns of an engine that is not ours.
///
/// # Errors
/// 1286 with NO_ENGINE_SUBSTITUTION.
pub fn check_engine(work: &mut Work<'_>, options: &TableOptions) -> Result<()> {
    const KNOWN: [&str; 8] =
        ["innodb", "holdfast", "myisam", "memory", "heap", "aria", "archive", "csv"];
    let Some(engine) = &options.engine else { return Ok(()) };
    if KNOWN.iter().any(|known| known.eq_ignore_ascii_case(engine)) {
        return Ok(());
    }
    work.warn(1286, format!("Unknown storage engine '{engine}'"));
    Ok(())
}

/// Whether names in texts may be in double quotes.
pub fn ansi_quotes(work: &Work<'_>) -> bool {
    match work.statement.variables.get("sql_mode", false) {
        Some(holdfast_value::Value::Text(mode)) => mode.contains("ANSI"),
        _ => false,
    }
}

fn define(work: &Work<'_>, draft: &mut Draft, create: &CreateTable) -> Result<()> {
    let ansi = ansi_quotes(work);
    for def in &create.columns {
        let column = column::column(draft, def, ansi)?;
        draft.columns.push(column);
    }
    // A query brings more columns: keys over those wait for them.
    if create.query.is_none() {
        constraints(work, draft, create)?;
    }
    Ok(())
}

/// Keys, foreign keys and checks, once all columns are known.
pub fn constraints(work: &Work<'_>, draft: &mut Draft, create: &CreateTable) -> Result<()> {
    check_expressions(draft)?;
    for def in &create.keys {
        key::add(draft, def)?;
    }
    let around = Around {
        catalog: &work.catalog,
        checks: work.statement.variables.settings().foreign_keys,
        except: None,
    };
    for def in &create.foreign_keys {
        foreign::add(draft, def, &around)?;
    }
    let ansi = ansi_quotes(work);
    for def in &create.checks {
        let text = column::expression_text(&def.expr, &def.text, ansi);
        let database = draft.database.clone();
        draft.add_check(def, text, &|name| {
            !create.temporary && has_check(&work.catalog, &database, name, None)
        })?;
    }
    Ok(())
}

/// Whether a table of a database, but `except`, has a CHECK of this name.
pub fn has_check(catalog: &Catalog, database: &str, name: &str, except: Option<TableId>) -> bool {
    catalog.in_database(database).any(|(_, entry)| match entry {
        Entry::Table(table) if Some(table.id) != except && entry.is_listed() => {
            table.body.checks.iter().any(|check| check.name.eq_ignore_ascii_case(name))
        }
        _ => false,
    })
}

/// Gives new indexes their ids, from `next` on.
pub fn number_indexes(body: &mut TableBody, mut next: u64) {
    for index in body.indexes.iter_mut().filter(|index| index.id.0 == 0) {
        index.id = TableId(next);
        next += 1;
    }
}

fn new_row(
    work: &Work<'_>,
    (id, database): (u64, u64),
    draft: &Draft,
    body: TableBody,
) -> TableRow {
    TableRow {
        v: ROW_VERSION,
        id: TableId(id),
        database,
        name: draft.name.clone(),
        version: 1,
        created: work.now_s(),
        comment: draft.comment.clone(),
        kind: TableKind::Table(body),
    }
}

/// LIKE: columns and keys, no foreign keys.
async fn copy(
    work: &mut Work<'_>,
    (owner, name): (u64, &str),
    like: &TableName,
) -> Result<DdlDone> {
    let current = work.statement.facts.database.clone();
    let (from_database, from_name) = names::split(like, current.as_deref())?;
    let from = work.catalog.table(from_database, from_name)?;
    let mut body = from.body.clone();
    body.foreign.clear();
    for index in &mut body.indexes {
        index.id = TableId(0);
    }
    for (at, check) in body.checks.iter_mut().enumerate() {
        check.name = format!("{name}_chk_{}", at + 1);
    }
    let first = work.ids(body.indexes.len() + 1).await?;
    number_indexes(&mut body, first + 1);
    let row = TableRow {
        id: TableId(first),
        database: owner,
        name: name.to_owned(),
        version: 1,
        created: work.now_s(),
        kind: TableKind::Table(body),
        ..from.row.clone()
    };
    work.put_entry(&row)?;
    Ok(DdlDone::default())
}
