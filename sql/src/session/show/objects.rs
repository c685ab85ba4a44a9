//! SHOW of databases, tables and what they have.

use holdfast_syntax::TableName;
use holdfast_value::{SqlType, Value, show as text_of};

use super::{COUNT, LONG, Shown, name, or_null, text};
use crate::catalog::{Entry, Index, Key, Table};
use crate::error::{Result, SqlError};
use crate::session::columns::{self, ColumnInfo};
use crate::session::seen::{Seen, TableFacts, system_database};
use crate::session::variables::charset;
use crate::session::{create, grants, information, schema};

pub(super) fn databases(seen: &Seen<'_>) -> Shown {
    let rows = seen.databases().into_iter().map(|one| vec![text(one)]);
    Shown::new(&[("Database", name(64))]).with(rows.collect())
}

/// Names in a database and their kinds, in order.
fn names(seen: &Seen<'_>, database: &str) -> Vec<(String, &'static str)> {
    if system_database(database).is_some() {
        let all = information::TABLES.iter();
        let within = all.filter(|table| table.database.eq_ignore_ascii_case(database));
        let visible = within.filter(|table| seen.sees(table.database, table.name));
        let mut names: Vec<(String, &'static str)> =
            visible.map(|table| (table.name.to_owned(), information::kind_of(table))).collect();
        names.sort_unstable();
        return names;
    }
    let all = seen.catalog.listed(database);
    let visible = all.filter(|(name, _)| seen.sees(database, name));
    visible.map(|(name, entry)| (name.to_owned(), information::entry_kind(entry))).collect()
}

pub(super) fn tables(seen: &Seen<'_>, database: Option<&str>, full: bool) -> Result<Shown> {
    let database = seen.database_or(database)?;
    let title = format!("Tables_in_{database}");
    let mut columns = vec![(title.as_str(), name(64))];
    if full {
        columns.push(("Table_type", name(11)));
    }
    let row = |(table, kind): (String, &str)| match full {
        true => vec![text(table), text(kind)],
        false => vec![text(table)],
    };
    Ok(Shown::new(&columns).with(names(seen, database).into_iter().map(row).collect()))
}

pub(super) fn open_tables(seen: &Seen<'_>, database: Option<&str>) -> Result<Shown> {
    if let Some(database) = database {
        seen.database_or(Some(database))?;
    }
    let number = SqlType::BIGINT;
    Ok(Shown::new(&[
        ("Database", name(64)),
        ("Table", name(64)),
        ("In_use", number.clone()),
        ("Name_locked", number),
    ]))
}

pub(super) fn table_status(seen: &Seen<'_>, database: Option<&str>) -> Result<Shown> {
    let database = seen.database_or(database)?;
    let rows = seen.catalog.listed(database).filter(|(name, _)| seen.sees(database, name));
    let rows = rows.map(|(_, entry)| status_row(seen, entry)).collect();
    let moment = SqlType::DateTime(0);
    Ok(Shown::new(&[
        ("Name", name(64)),
        ("Engine", name(64)),
        ("Version", SqlType::INT),
        ("Row_format", name(10)),
        ("Rows", COUNT),
        ("Avg_row_length", COUNT),
        ("Data_length", COUNT),
        ("Max_data_length", COUNT),
        ("Index_length", COUNT),
        ("Data_free", COUNT),
        ("Auto_increment", COUNT),
        ("Create_time", moment.clone()),
        ("Update_time", moment.clone()),
        ("Check_time", moment),
        ("Collation", name(64)),
        ("Checksum", SqlType::BIGINT),
        ("Create_options", name(256)),
        ("Comment", LONG),
    ])
    .with(rows))
}

fn status_row(seen: &Seen<'_>, entry: &Entry) -> Vec<Value> {
    let created =
        Value::DateTime(seen.zone.from_utc(entry.row().created.saturating_mul(1_000_000)));
    let Entry::Table(table) = entry else {
        let mut row = vec![Value::Null; 18];
        row[0] = text(&entry.row().name);
        row[11] = created;
        row[17] = text("VIEW");
        return row;
    };
    let facts = seen.server.table_facts(table);
    vec![
        text(&table.name),
        text("InnoDB"),
        Value::Int(10),
        text(information::row_format(table)),
        Value::UInt(facts.rows),
        Value::UInt(facts.data_bytes.checked_div(facts.rows).unwrap_or(0)),
        Value::UInt(facts.data_bytes),
        Value::UInt(0),
        Value::UInt(facts.index_bytes),
        Value::UInt(0),
        auto_next(table, &facts).map_or(Value::Null, Value::UInt),
        created,
        Value::Null,
        Value::Null,
        text(charset::name_of(table.body.collation)),
        Value::Null,
        text(information::create_options(table)),
        text(&table.row.comment),
    ]
}

/// The next AUTO_INCREMENT value of a table that has one.
pub(crate) fn auto_next(table: &Table, facts: &TableFacts) -> Option<u64> {
    table.auto.map(|_| facts.auto_next.unwrap_or(1))
}

pub(super) fn columns(seen: &Seen<'_>, table: &TableName, full: bool) -> Result<Shown> {
    let database =
        table.db.as_deref().or(seen.database).ok_or_else(SqlError::no_database_selected)?;
    if let Some(system) = system_database(database) {
        let found = schema::find(system, &table.name);
        let found = found.ok_or_else(|| SqlError::no_table(system, &table.name))?;
        return Ok(column_rows(columns::of_virtual(found), full));
    }
    match seen.entry(Some(database), &table.name)? {
        Entry::Table(table) => Ok(column_rows(columns::of_table(&table), full)),
        Entry::View(view) => Ok(column_rows(columns::of_view(seen.view_columns(&view)?), full)),
    }
}

fn column_rows(all: Vec<ColumnInfo<'_>>, full: bool) -> Shown {
    let mut titles = vec![("Field", name(64)), ("Type", LONG)];
    if full {
        titles.push(("Collation", name(64)));
    }
    titles.extend([("Null", name(3)), ("Key", name(3)), ("Default", LONG), ("Extra", name(256))]);
    if full {
        titles.extend([("Privileges", name(154)), ("Comment", LONG)]);
    }
    let row = |column: ColumnInfo<'_>| {
        let mut row = vec![text(&column.name), text(text_of::type_name(&column.of))];
        if full {
            let collation = column.of.is_text().then(|| charset::name_of(column.of.collation()));
            row.push(or_null(collation));
        }
        row.push(text(if column.nullable { "YES" } else { "NO" }));
        row.push(text(column.key));
        row.push(or_null(column.default));
        row.push(text(column.extra));
        if full {
            row.push(text("select,insert,update,references"));
            row.push(text(column.comment));
        }
        row
    };
    Shown::new(&titles).with(all.into_iter().map(row).collect())
}

pub(super) fn indexes(seen: &Seen<'_>, named: &TableName) -> Result<Shown> {
    let titles = [
        ("Table", name(64)),
        ("Non_unique", SqlType::INT),
        ("Key_name", name(64)),
        ("Seq_in_index", SqlType::INT),
        ("Column_name", name(64)),
        ("Collation", name(1)),
        ("Cardinality", SqlType::BIGINT),
        ("Sub_part", SqlType::BIGINT),
        ("Packed", SqlType::Null),
        ("Null", name(3)),
        ("Index_type", name(11)),
        ("Comment", name(8)),
        ("Index_comment", name(2048)),
        ("Visible", name(3)),
        ("Expression", LONG),
    ];
    let shown = Shown::new(&titles);
    let database =
        named.db.as_deref().or(seen.database).ok_or_else(SqlError::no_database_selected)?;
    if let Some(system) = system_database(database) {
        let found = schema::find(system, &named.name);
        return found.map(|_| shown).ok_or_else(|| SqlError::no_table(system, &named.name));
    }
    let Entry::Table(table) = seen.entry(Some(database), &named.name)? else { return Ok(shown) };
    let rows = key_parts(seen, &table).into_iter().map(|part| {
        vec![
            text(&table.name),
            Value::bool(!part.unique),
            text(part.index),
            Value::UInt(part.place),
            text(part.column),
            text(if part.desc { "D" } else { "A" }),
            Value::UInt(part.cardinality),
            part.prefix.map_or(Value::Null, |length| Value::UInt(length.into())),
            Value::Null,
            text(if part.nullable { "YES" } else { "" }),
            text("BTREE"),
            text(""),
            text(part.comment),
            text("YES"),
            Value::Null,
        ]
    });
    Ok(shown.with(rows.collect()))
}

/// A column of a key, told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartInfo<'a> {
    pub index: &'a str,
    pub unique: bool,
    /// From 1.
    pub place: u64,
    pub column: &'a str,
    pub nullable: bool,
    pub desc: bool,
    pub prefix: Option<u32>,
    pub cardinality: u64,
    pub comment: &'a str,
}

/// The columns of a table's keys, in MySQL's order of keys. How many different values
/// there are is guessed: all for unique keys, a tenth for one column of another,
/// halfway more with each further column.
pub(crate) fn key_parts<'a>(seen: &Seen<'_>, table: &'a Table) -> Vec<PartInfo<'a>> {
    let rows = seen.server.table_facts(table).rows;
    let mut all = Vec::new();
    let mut push = |index: &'a str, unique: bool, comment: &'a str, key: &'a Key| {
        for (at, part) in key.parts.iter().enumerate() {
            let column = &table.columns[usize::from(part.column)];
            let cardinality = match unique && at + 1 == key.parts.len() {
                true => rows,
                false => rows - rows.saturating_mul(9) / 10 / (1 << at.min(32)),
            };
            all.push(PartInfo {
                index,
                unique,
                place: at as u64 + 1,
                column: &column.name,
                nullable: column.nullable,
                desc: part.desc,
                prefix: part.prefix,
                cardinality,
                comment,
            });
        }
    };
    push("PRIMARY", true, "", &table.primary);
    for index in create::in_order(table) {
        push(&index.name, index.unique, comment_of(table, index), &index.key);
    }
    all
}

fn comment_of<'a>(table: &'a Table, index: &Index) -> &'a str {
    let row = table.body.indexes.iter().find(|row| row.id == index.id);
    row.map_or("", |row| row.comment.as_str())
}

pub(super) fn create_table(seen: &Seen<'_>, named: &TableName) -> Result<Shown> {
    if let Some(system) = named.db.as_deref().or(seen.database).and_then(system_database) {
        let what = format!("SHOW CREATE TABLE {system}.{}", named.name);
        return Err(SqlError::unsupported(what));
    }
    match seen.entry(named.db.as_deref(), &named.name)? {
        Entry::Table(table) => {
            let next = auto_next(&table, &seen.server.table_facts(&table));
            let row = vec![text(&table.name), text(create::table(&table, next))];
            Ok(Shown::new(&[("Table", name(64)), ("Create Table", LONG)]).with(vec![row]))
        }
        Entry::View(_) => create_view(seen, named),
    }
}

pub(super) fn create_view(seen: &Seen<'_>, named: &TableName) -> Result<Shown> {
    let view = match seen.entry(named.db.as_deref(), &named.name)? {
        Entry::View(view) => view,
        Entry::Table(table) => {
            let text = format!("'{}.{}' is not VIEW", table.database, table.name);
            return Err(SqlError::new(1347, text));
        }
    };
    if let Some(account) = &seen.account {
        let need = grants::privilege::SHOW_VIEW;
        grants::check_table(account, &view.database, &view.name, need)?;
    }
    let titles = [
        ("View", name(64)),
        ("Create View", LONG),
        ("character_set_client", name(32)),
        ("collation_connection", name(64)),
    ];
    let row = vec![
        text(&view.name),
        text(create::view(&view)),
        text("utf8mb4"),
        text(crate::bind::collation::name(view.body.collation)),
    ];
    Ok(Shown::new(&titles).with(vec![row]))
}

pub(super) fn create_database(seen: &Seen<'_>, named: &str, if_not_exists: bool) -> Result<Shown> {
    let named = seen.database_or(Some(named))?;
    let row = match seen.catalog.databases.get(named) {
        Some(row) => (**row).clone(),
        None => crate::catalog::DatabaseRow {
            v: crate::catalog::definition::ROW_VERSION,
            id: 0,
            name: named.to_owned(),
            collation: holdfast_value::Collation::GeneralCi,
        },
    };
    let row = vec![text(named), text(create::database(&row, if_not_exists))];
    Ok(Shown::new(&[("Database", name(64)), ("Create Database", name(1024))]).with(vec![row]))
}

const SESSION_TITLES: [(&str, SqlType); 3] = [
    ("character_set_client", name(32)),
    ("collation_connection", name(64)),
    ("Database Collation", name(64)),
];

pub(super) fn triggers(seen: &Seen<'_>, database: Option<&str>) -> Result<Shown> {
    seen.database_or(database)?;
    let mut titles = vec![
        ("Trigger", name(64)),
        ("Event", name(6)),
        ("Table", name(64)),
        ("Statement", LONG),
        ("Timing", name(6)),
        ("Created", SqlType::Timestamp(2)),
        ("sql_mode", name(520)),
        ("Definer", name(288)),
    ];
    titles.extend(SESSION_TITLES);
    Ok(Shown::new(&titles))
}

pub(super) fn events(seen: &Seen<'_>, database: Option<&str>) -> Result<Shown> {
    seen.database_or(database)?;
    let moment = SqlType::DateTime(0);
    let mut titles = vec![
        ("Db", name(64)),
        ("Name", name(64)),
        ("Definer", name(288)),
        ("Time zone", name(64)),
        ("Type", name(9)),
        ("Execute at", moment.clone()),
        ("Interval value", name(256)),
        ("Interval field", name(18)),
        ("Starts", moment.clone()),
        ("Ends", moment),
        ("Status", name(21)),
        ("Originator", SqlType::INT),
    ];
    titles.extend(SESSION_TITLES);
    Ok(Shown::new(&titles))
}

pub(super) fn routines() -> Shown {
    let mut titles = vec![
        ("Db", name(64)),
        ("Name", name(64)),
        ("Type", name(9)),
        ("Definer", name(288)),
        ("Modified", SqlType::Timestamp(0)),
        ("Created", SqlType::Timestamp(0)),
        ("Security_type", name(7)),
        ("Comment", LONG),
    ];
    titles.extend(SESSION_TITLES);
    Shown::new(&titles)
}
