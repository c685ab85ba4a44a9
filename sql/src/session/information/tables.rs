//! SCHEMATA, TABLES, VIEWS, PARTITIONS, FILES.

use holdfast_value::Value;

use super::{
    COUNT, LONG, MIDDLE, MOMENT, NAME, NOTHING, NUMBER, Rows, SHORT, WORD, computed, count, def,
    text,
};
use crate::catalog::{Entry, TableRow};
use crate::error::Result;
use crate::session::grants;
use crate::session::schema::VirtualTable;
use crate::session::seen::Seen;
use crate::session::show::auto_next;
use crate::session::variables::charset;

pub(super) static SCHEMATA: VirtualTable = computed!(
    "information_schema",
    "SCHEMATA",
    schemata,
    [
        ("CATALOG_NAME", NAME),
        ("SCHEMA_NAME", NAME),
        ("DEFAULT_CHARACTER_SET_NAME", WORD),
        ("DEFAULT_COLLATION_NAME", WORD),
        ("SQL_PATH", NOTHING),
        ("DEFAULT_ENCRYPTION", SHORT),
    ]
);

pub(super) fn schemata(seen: &Seen<'_>) -> Result<Rows> {
    let row = |name: &str| {
        let collation = match seen.catalog.databases.get(name) {
            Some(row) => charset::name_of(row.collation),
            None if name == "mysql" => "utf8mb4_0900_ai_ci",
            None => "utf8mb3_general_ci",
        };
        let set = if collation.starts_with("utf8mb3") { "utf8mb3" } else { "utf8mb4" };
        let set = if collation == "binary" { "binary" } else { set };
        vec![def(), text(name), text(set), text(collation), Value::Null, text("NO")]
    };
    Ok(seen.databases().into_iter().map(row).collect())
}

pub(super) static TABLES: VirtualTable = computed!(
    "information_schema",
    "TABLES",
    tables,
    [
        ("TABLE_CATALOG", NAME),
        ("TABLE_SCHEMA", NAME),
        ("TABLE_NAME", NAME),
        ("TABLE_TYPE", SHORT),
        ("ENGINE", WORD),
        ("VERSION", NUMBER),
        ("ROW_FORMAT", SHORT),
        ("TABLE_ROWS", COUNT),
        ("AVG_ROW_LENGTH", COUNT),
        ("DATA_LENGTH", COUNT),
        ("MAX_DATA_LENGTH", COUNT),
        ("INDEX_LENGTH", COUNT),
        ("DATA_FREE", COUNT),
        ("AUTO_INCREMENT", COUNT),
        ("CREATE_TIME", MOMENT),
        ("UPDATE_TIME", MOMENT),
        ("CHECK_TIME", MOMENT),
        ("TABLE_COLLATION", WORD),
        ("CHECKSUM", NUMBER),
        ("CREATE_OPTIONS", MIDDLE),
        ("TABLE_COMMENT", LONG),
    ]
);

fn created(seen: &Seen<'_>, row: &TableRow) -> Value {
    Value::DateTime(seen.zone.from_utc(row.created.saturating_mul(1_000_000)))
}

pub(super) fn tables(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows: Rows = Vec::new();
    for (database, entry) in seen.entries() {
        let mut row = vec![Value::Null; 21];
        row[0] = def();
        row[1] = text(database);
        row[2] = text(&entry.row().name);
        row[3] = text(super::entry_kind(entry));
        row[14] = created(seen, entry.row());
        match entry {
            Entry::Table(table) => {
                let facts = seen.server.table_facts(table);
                row[4] = text("InnoDB");
                row[5] = Value::Int(10);
                row[6] = text(super::row_format(table));
                row[7] = count(facts.rows);
                row[8] = count(facts.data_bytes.checked_div(facts.rows).unwrap_or(0));
                row[9] = count(facts.data_bytes);
                row[10] = count(0u32);
                row[11] = count(facts.index_bytes);
                row[12] = count(0u32);
                row[13] = auto_next(table, &facts).map_or(Value::Null, count);
                row[17] = text(charset::name_of(table.body.collation));
                row[19] = text(super::create_options(table));
                row[20] = text(&table.row.comment);
            }
            Entry::View(_) => row[20] = text("VIEW"),
        }
        rows.push(row);
    }
    for table in super::TABLES.iter().filter(|table| seen.sees(table.database, table.name)) {
        let mut row = vec![Value::Null; 21];
        row[0] = def();
        row[1] = text(table.database);
        row[2] = text(table.name);
        row[3] = text(super::kind_of(table));
        row[5] = Value::Int(10);
        row[7] = count(0u32);
        row[20] = text("");
        rows.push(row);
    }
    Ok(rows)
}

pub(super) static VIEWS: VirtualTable = computed!(
    "information_schema",
    "VIEWS",
    views,
    [
        ("TABLE_CATALOG", NAME),
        ("TABLE_SCHEMA", NAME),
        ("TABLE_NAME", NAME),
        ("VIEW_DEFINITION", LONG),
        ("CHECK_OPTION", SHORT),
        ("IS_UPDATABLE", SHORT),
        ("DEFINER", MIDDLE),
        ("SECURITY_TYPE", SHORT),
        ("CHARACTER_SET_CLIENT", WORD),
        ("COLLATION_CONNECTION", WORD),
    ]
);

pub(super) fn views(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for (database, entry) in seen.entries() {
        let Entry::View(view) = entry else { continue };
        let may_read = seen.account.as_ref().is_some_and(|account| {
            let need = grants::privilege::SHOW_VIEW;
            grants::allows(account, Some(database), Some(&view.name), need)
        });
        rows.push(vec![
            def(),
            text(database),
            text(&view.name),
            text(if may_read { view.body.select.as_str() } else { "" }),
            text("NONE"),
            text("NO"),
            text(&view.body.definer),
            text("DEFINER"),
            text("utf8mb4"),
            text(crate::bind::collation::name(view.body.collation)),
        ]);
    }
    Ok(rows)
}

pub(super) static PARTITIONS: VirtualTable = computed!(
    "information_schema",
    "PARTITIONS",
    partitions,
    [
        ("TABLE_CATALOG", NAME),
        ("TABLE_SCHEMA", NAME),
        ("TABLE_NAME", NAME),
        ("PARTITION_NAME", NAME),
        ("SUBPARTITION_NAME", NAME),
        ("PARTITION_ORDINAL_POSITION", COUNT),
        ("SUBPARTITION_ORDINAL_POSITION", COUNT),
        ("PARTITION_METHOD", SHORT),
        ("SUBPARTITION_METHOD", SHORT),
        ("PARTITION_EXPRESSION", LONG),
        ("SUBPARTITION_EXPRESSION", LONG),
        ("PARTITION_DESCRIPTION", LONG),
        ("TABLE_ROWS", COUNT),
        ("AVG_ROW_LENGTH", COUNT),
        ("DATA_LENGTH", COUNT),
        ("MAX_DATA_LENGTH", COUNT),
        ("INDEX_LENGTH", COUNT),
        ("DATA_FREE", COUNT),
        ("CREATE_TIME", MOMENT),
        ("UPDATE_TIME", MOMENT),
        ("CHECK_TIME", MOMENT),
        ("CHECKSUM", NUMBER),
        ("PARTITION_COMMENT", LONG),
        ("NODEGROUP", MIDDLE),
        ("TABLESPACE_NAME", MIDDLE),
    ]
);

pub(super) fn partitions(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows: Rows = Vec::new();
    for table in seen.tables() {
        let facts = seen.server.table_facts(table);
        let mut row = vec![Value::Null; 25];
        row[0] = def();
        row[1] = text(&table.database);
        row[2] = text(&table.name);
        row[12] = count(facts.rows);
        row[13] = count(facts.data_bytes.checked_div(facts.rows).unwrap_or(0));
        row[14] = count(facts.data_bytes);
        row[15] = count(0u32);
        row[16] = count(facts.index_bytes);
        row[17] = count(0u32);
        row[18] = created(seen, &table.row);
        row[22] = text("");
        rows.push(row);
    }
    debug_assert!(rows.iter().all(|row| row.len() == PARTITIONS.columns.len()));
    Ok(rows)
}

pub(super) static FILES: VirtualTable = computed!(
    "information_schema",
    "FILES",
    none,
    [
        ("FILE_ID", NUMBER),
        ("FILE_NAME", LONG),
        ("FILE_TYPE", MIDDLE),
        ("TABLESPACE_NAME", MIDDLE),
        ("TABLE_CATALOG", NAME),
        ("TABLE_SCHEMA", NOTHING),
        ("TABLE_NAME", NOTHING),
        ("LOGFILE_GROUP_NAME", MIDDLE),
        ("LOGFILE_GROUP_NUMBER", NUMBER),
        ("ENGINE", WORD),
        ("FULLTEXT_KEYS", NOTHING),
        ("DELETED_ROWS", NOTHING),
        ("UPDATE_COUNT", NOTHING),
        ("FREE_EXTENTS", NUMBER),
        ("TOTAL_EXTENTS", NUMBER),
        ("EXTENT_SIZE", NUMBER),
        ("INITIAL_SIZE", NUMBER),
        ("MAXIMUM_SIZE", NUMBER),
        ("AUTOEXTEND_SIZE", NUMBER),
        ("CREATION_TIME", NOTHING),
        ("LAST_UPDATE_TIME", NOTHING),
        ("LAST_ACCESS_TIME", NOTHING),
        ("RECOVER_TIME", NOTHING),
        ("TRANSACTION_COUNTER", NOTHING),
        ("VERSION", NUMBER),
        ("ROW_FORMAT", MIDDLE),
        ("TABLE_ROWS", NOTHING),
        ("AVG_ROW_LENGTH", NOTHING),
        ("DATA_LENGTH", NOTHING),
        ("MAX_DATA_LENGTH", NOTHING),
        ("INDEX_LENGTH", NOTHING),
        ("DATA_FREE", NOTHING),
        ("CREATE_TIME", NOTHING),
        ("UPDATE_TIME", NOTHING),
        ("CHECK_TIME", NOTHING),
        ("CHECKSUM", NOTHING),
        ("STATUS", MIDDLE),
        ("EXTRA", MIDDLE),
    ]
);

/// There are no tablespaces to tell of.
pub(super) fn none(_: &Seen<'_>) -> Result<Rows> {
    Ok(Vec::new())
}
