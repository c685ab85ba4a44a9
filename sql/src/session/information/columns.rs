//! COLUMNS.

use holdfast_value::{LobSize, SqlType, Value, show};

use super::{
    COUNT, LONG, MIDDLE, NAME, NUMBER, Rows, SHORT, WORD, computed, count, def, or_null, text,
    yes_no,
};
use crate::catalog::Entry;
use crate::error::Result;
use crate::session::columns::{self, ColumnInfo};
use crate::session::schema::VirtualTable;
use crate::session::seen::Seen;
use crate::session::variables::charset;

pub(super) static COLUMNS: VirtualTable = computed!(
    "information_schema",
    "COLUMNS",
    rows,
    [
        ("TABLE_CATALOG", NAME),
        ("TABLE_SCHEMA", NAME),
        ("TABLE_NAME", NAME),
        ("COLUMN_NAME", WORD),
        ("ORDINAL_POSITION", COUNT),
        ("COLUMN_DEFAULT", LONG),
        ("IS_NULLABLE", SHORT),
        ("DATA_TYPE", LONG),
        ("CHARACTER_MAXIMUM_LENGTH", NUMBER),
        ("CHARACTER_OCTET_LENGTH", NUMBER),
        ("NUMERIC_PRECISION", COUNT),
        ("NUMERIC_SCALE", COUNT),
        ("DATETIME_PRECISION", COUNT),
        ("CHARACTER_SET_NAME", WORD),
        ("COLLATION_NAME", WORD),
        ("COLUMN_TYPE", LONG),
        ("COLUMN_KEY", SHORT),
        ("EXTRA", MIDDLE),
        ("PRIVILEGES", MIDDLE),
        ("COLUMN_COMMENT", LONG),
        ("GENERATION_EXPRESSION", LONG),
        ("SRS_ID", COUNT),
    ]
);

pub(super) fn rows(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for (database, entry) in seen.entries() {
        let name = &entry.row().name;
        match entry {
            Entry::Table(table) => {
                push((database, name), columns::of_table(table), WRITABLE, &mut rows);
            }
            // A view whose tables are gone has no columns to tell of.
            Entry::View(view) => {
                if let Ok(outputs) = seen.view_columns(view) {
                    push((database, name), columns::of_view(outputs), WRITABLE, &mut rows);
                }
            }
        }
    }
    for table in super::TABLES.iter().filter(|table| seen.sees(table.database, table.name)) {
        push((table.database, table.name), columns::of_virtual(table), "select", &mut rows);
    }
    Ok(rows)
}

const WRITABLE: &str = "select,insert,update,references";

fn push(
    (database, table): (&str, &str),
    columns: Vec<ColumnInfo<'_>>,
    privileges: &str,
    rows: &mut Rows,
) {
    for (at, column) in columns.into_iter().enumerate() {
        let of = &*column.of;
        let (characters, octets) = lengths(of);
        let (precision, scale) = precision(of);
        let collation = of.is_text().then(|| of.collation());
        rows.push(vec![
            def(),
            text(database),
            text(table),
            text(&column.name),
            count(at as u64 + 1),
            or_null(column.default),
            yes_no(column.nullable),
            text(show::data_type(of)),
            characters.map_or(Value::Null, Value::Int),
            octets.map_or(Value::Null, Value::Int),
            precision.map_or(Value::Null, count),
            scale.map_or(Value::Null, count),
            fraction(of).map_or(Value::Null, count),
            or_null(collation.map(charset::charset_of)),
            or_null(collation.map(charset::name_of)),
            text(show::type_name(of)),
            text(column.key),
            text(column.extra),
            text(privileges),
            text(column.comment),
            text(column.generated.unwrap_or_default()),
            Value::Null,
        ]);
    }
}

fn lob(size: LobSize) -> i64 {
    match size {
        LobSize::Tiny => 255,
        LobSize::Normal => 65_535,
        LobSize::Medium => 16_777_215,
        LobSize::Long => 4_294_967_295,
    }
}

/// The longest value, in characters and in bytes.
fn lengths(of: &SqlType) -> (Option<i64>, Option<i64>) {
    let characters = match of {
        SqlType::Char(length, _) | SqlType::VarChar(length, _) => i64::from(*length),
        SqlType::Enum(items, _) => {
            items.iter().map(|item| item.chars().count()).max().unwrap_or(0) as i64
        }
        SqlType::Set(items, _) => {
            let all: usize = items.iter().map(|item| item.chars().count() + 1).sum();
            all.saturating_sub(1) as i64
        }
        SqlType::Text(size, _) | SqlType::Blob(size) => {
            return (Some(lob(*size)), Some(lob(*size)));
        }
        SqlType::Binary(length) | SqlType::VarBinary(length) => {
            let length = i64::from(*length);
            return (Some(length), Some(length));
        }
        _ => return (None, None),
    };
    let width = if of.collation() == holdfast_value::Collation::Binary { 1 } else { 4 };
    (Some(characters), Some(characters * width))
}

fn precision(of: &SqlType) -> (Option<u64>, Option<u64>) {
    use holdfast_value::IntWidth as W;
    match of {
        SqlType::Int { width, unsigned, .. } => {
            let digits = match (width, unsigned) {
                (W::Tiny, _) => 3,
                (W::Small, _) => 5,
                (W::Medium, _) => 7,
                (W::Int, _) => 10,
                (W::Big, false) => 19,
                (W::Big, true) => 20,
            };
            (Some(digits), Some(0))
        }
        SqlType::Decimal { precision, scale, .. } => {
            (Some((*precision).into()), Some((*scale).into()))
        }
        SqlType::Float { .. } => (Some(12), None),
        SqlType::Double { .. } => (Some(22), None),
        SqlType::Bit(bits) => (Some((*bits).into()), None),
        _ => (None, None),
    }
}

fn fraction(of: &SqlType) -> Option<u64> {
    match of {
        SqlType::Time(fsp) | SqlType::DateTime(fsp) | SqlType::Timestamp(fsp) => {
            Some((*fsp).into())
        }
        _ => None,
    }
}

pub(super) static COLUMN_STATISTICS: VirtualTable = computed!(
    "information_schema",
    "COLUMN_STATISTICS",
    none,
    [
        ("SCHEMA_NAME", NAME),
        ("TABLE_NAME", NAME),
        ("COLUMN_NAME", WORD),
        ("HISTOGRAM", SqlType::Json),
    ]
);

/// No histograms are kept.
pub(super) fn none(_: &Seen<'_>) -> Result<Rows> {
    Ok(Vec::new())
}
