//! Keys: their parts, their names, what they may hold.

use holdfast_syntax::{KeyDef, KeyKind, KeyPart, KeyPartOf};
use holdfast_value::{LobSize, SqlType};

use super::column::COMMENT_MAX;
use super::draft::{Draft, DraftKey, DraftPart};
use super::names;
use crate::error::{Result, SqlError};

/// The longest key, and part of one. [bytes]
const BYTES_MAX: u64 = 3072;
/// The most columns of a key.
const PARTS_MAX: usize = 16;
/// The most keys of a table.
const KEYS_MAX: usize = 64;

/// 1072.
pub fn no_column(name: &str) -> SqlError {
    SqlError::new(1072, format!("Key column '{name}' doesn't exist in table"))
}

fn wrong_prefix() -> SqlError {
    SqlError::new(
        1089,
        "Incorrect prefix key; the used key part isn't a string, the used length is longer than the key part, or the storage engine doesn't support unique prefix keys",
    )
}

/// Adds a key.
///
/// # Errors
/// MySQL's for each thing that may not be.
pub fn add(draft: &mut Draft, def: &KeyDef) -> Result<()> {
    match def.kind {
        KeyKind::Fulltext => return Err(SqlError::unsupported("FULLTEXT indexes")),
        KeyKind::Spatial => return Err(SqlError::unsupported("SPATIAL indexes")),
        KeyKind::Primary => {
            if draft.primary.is_some() {
                return Err(SqlError::new(1068, "Multiple primary key defined"));
            }
            let parts = parts(draft, &def.parts)?;
            not_null(draft, &parts)?;
            draft.primary = Some(parts);
            return Ok(());
        }
        KeyKind::Unique | KeyKind::Plain => {}
    }
    let parts = parts(draft, &def.parts)?;
    let name = match &def.name {
        Some(name) => {
            names::check_index(name)?;
            if draft.find_key(name).is_some() {
                return Err(duplicate(name));
            }
            name.clone()
        }
        None => free_name(draft, &parts),
    };
    let comment = def.comment.clone().unwrap_or_default();
    if comment.chars().count() > COMMENT_MAX {
        let text = format!("Comment for index '{name}' is too long (max = {COMMENT_MAX})");
        return Err(SqlError::new(1688, text));
    }
    let unique = def.kind == KeyKind::Unique;
    draft.keys.push(DraftKey { id: None, name, unique, parts, comment });
    Ok(())
}

/// 1061.
pub fn duplicate(name: &str) -> SqlError {
    SqlError::new(1061, format!("Duplicate key name '{name}'"))
}

/// The first column's name, or that and a number.
pub fn free_name(draft: &Draft, parts: &[DraftPart]) -> String {
    let column = parts.first().map_or("key", |part| part.column.as_str());
    let is_free =
        |name: &str| !name.eq_ignore_ascii_case("PRIMARY") && draft.find_key(name).is_none();
    if is_free(column) {
        return column.to_owned();
    }
    let mut number = 2_u64;
    loop {
        let name = format!("{column}_{number}");
        if is_free(&name) {
            return name;
        }
        number += 1;
    }
}

fn parts(draft: &Draft, parts: &[KeyPart]) -> Result<Vec<DraftPart>> {
    if parts.len() > PARTS_MAX {
        let text = format!("Too many key parts specified; max {PARTS_MAX} parts allowed");
        return Err(SqlError::new(1070, text));
    }
    let mut made: Vec<DraftPart> = Vec::with_capacity(parts.len());
    for part in parts {
        let KeyPartOf::Column(name) = &part.of else {
            return Err(SqlError::unsupported("functional key parts"));
        };
        let at = draft.find(name).ok_or_else(|| no_column(name))?;
        let column = draft.columns[at].row.name.clone();
        if made.iter().any(|known| known.column.eq_ignore_ascii_case(&column)) {
            return Err(SqlError::new(1060, format!("Duplicate column name '{column}'")));
        }
        let prefix = prefix(&column, &draft.columns[at].row.of, part.length)?;
        made.push(DraftPart { column, prefix, desc: part.descending });
    }
    Ok(made)
}

/// How much of a column a part has; none: all of it.
fn prefix(name: &str, of: &SqlType, length: Option<u32>) -> Result<Option<u32>> {
    match (of, length) {
        (_, Some(0)) => Err(SqlError::new(1391, format!("Key part '{name}' length cannot be 0"))),
        (SqlType::Json, _) => Err(SqlError::new(
            3152,
            format!(
                "JSON column '{name}' supports indexing only via generated columns on a specified JSON path."
            ),
        )),
        (SqlType::Text(..) | SqlType::Blob(_), None) => Err(SqlError::new(
            1170,
            format!("BLOB/TEXT column '{name}' used in key specification without a key length"),
        )),
        (_, None) => Ok(None),
        (SqlType::Text(..) | SqlType::Blob(_), Some(length)) => Ok(Some(length)),
        (
            SqlType::Char(most, _)
            | SqlType::VarChar(most, _)
            | SqlType::Binary(most)
            | SqlType::VarBinary(most),
            Some(length),
        ) => match length.cmp(most) {
            std::cmp::Ordering::Less => Ok(Some(length)),
            std::cmp::Ordering::Equal => Ok(None),
            std::cmp::Ordering::Greater => Err(wrong_prefix()),
        },
        (_, Some(_)) => Err(wrong_prefix()),
    }
}

/// A primary key's columns are NOT NULL.
fn not_null(draft: &mut Draft, parts: &[DraftPart]) -> Result<()> {
    for part in parts {
        let Some(at) = draft.find(&part.column) else { continue };
        let column = &mut draft.columns[at];
        if column.wants_null {
            return Err(SqlError::new(
                1171,
                "All parts of a PRIMARY KEY must be NOT NULL; if you need NULL in a key, use UNIQUE instead",
            ));
        }
        if matches!(&column.row.generated, Some((_, false))) {
            return Err(SqlError::new(
                3106,
                "'Defining a virtual generated column as primary key' is not supported for generated columns.",
            ));
        }
        if matches!(&column.row.default, Some(crate::catalog::DefaultRow::Literal(text)) if text == "NULL")
        {
            return Err(SqlError::new(
                1067,
                format!("Invalid default value for '{}'", column.row.name),
            ));
        }
        column.row.nullable = false;
    }
    Ok(())
}

/// Checks all keys of a finished draft.
///
/// # Errors
/// 1069, 1071, 1072, 1170 and others: a column may have changed under a key.
pub fn check(draft: &mut Draft) -> Result<()> {
    if draft.keys.len() + usize::from(draft.primary.is_some()) > KEYS_MAX {
        return Err(SqlError::new(
            1069,
            format!("Too many keys specified; max {KEYS_MAX} keys allowed"),
        ));
    }
    if let Some(mut parts) = draft.primary.take() {
        fit(draft, &mut parts)?;
        not_null(draft, &parts)?;
        draft.primary = Some(parts);
    }
    let mut keys = std::mem::take(&mut draft.keys);
    for key in &mut keys {
        fit(draft, &mut key.parts)?;
    }
    draft.keys = keys;
    Ok(())
}

fn fit(draft: &Draft, parts: &mut [DraftPart]) -> Result<()> {
    let mut bytes = 0;
    for part in parts {
        let at = draft.find(&part.column).ok_or_else(|| no_column(&part.column))?;
        let of = &draft.columns[at].row.of;
        // A prefix that is all of a column that became shorter is none any more.
        part.prefix = match (part.prefix, of) {
            (Some(length), SqlType::Char(most, _) | SqlType::VarChar(most, _))
            | (Some(length), SqlType::Binary(most) | SqlType::VarBinary(most))
                if length >= *most =>
            {
                None
            }
            (length, of) => prefix(&part.column, of, length)?,
        };
        bytes += part_bytes(of, part.prefix);
    }
    if bytes > BYTES_MAX {
        let text = format!("Specified key was too long; max key length is {BYTES_MAX} bytes");
        return Err(SqlError::new(1071, text));
    }
    Ok(())
}

/// What a part counts for, at MySQL's 4 bytes for a character.
fn part_bytes(of: &SqlType, prefix: Option<u32>) -> u64 {
    match (of, prefix) {
        (of, Some(length)) if of.is_text() => 4 * u64::from(length),
        (_, Some(length)) => u64::from(length),
        (SqlType::Char(length, _) | SqlType::VarChar(length, _), None) => 4 * u64::from(*length),
        (of, None) => row_bytes(of),
    }
}

/// What a column counts for in MySQL's limit of a row.
pub fn row_bytes(of: &SqlType) -> u64 {
    use holdfast_value::IntWidth as W;
    match of {
        SqlType::Null => 0,
        SqlType::Int { width, .. } => match width {
            W::Tiny => 1,
            W::Small => 2,
            W::Medium => 3,
            W::Int => 4,
            W::Big => 8,
        },
        SqlType::Decimal { precision, .. } => u64::from(*precision).div_ceil(9) * 4,
        SqlType::Float { .. } => 4,
        SqlType::Double { .. } => 8,
        SqlType::Char(length, _) => 4 * u64::from(*length),
        SqlType::VarChar(length, _) => 4 * u64::from(*length) + if *length > 63 { 2 } else { 1 },
        SqlType::Binary(length) => u64::from(*length),
        SqlType::VarBinary(length) => u64::from(*length) + if *length > 255 { 2 } else { 1 },
        SqlType::Text(size, _) | SqlType::Blob(size) => match size {
            LobSize::Tiny => 9,
            LobSize::Normal => 10,
            LobSize::Medium => 11,
            LobSize::Long => 12,
        },
        SqlType::Json => 12,
        SqlType::Date => 3,
        SqlType::Time(digits) => 3 + u64::from(*digits).div_ceil(2),
        SqlType::DateTime(digits) => 5 + u64::from(*digits).div_ceil(2),
        SqlType::Timestamp(digits) => 4 + u64::from(*digits).div_ceil(2),
        SqlType::Year => 1,
        SqlType::Enum(items, _) => {
            if items.len() > 255 {
                2
            } else {
                1
            }
        }
        SqlType::Set(items, _) => (items.len() as u64).div_ceil(8),
        SqlType::Bit(bits) => u64::from(*bits).div_ceil(8),
    }
}

/// Whether a key has these columns first, in any order, and all of each.
pub fn leads(parts: &[DraftPart], columns: &[String]) -> bool {
    let first: Vec<&DraftPart> = parts.iter().take(columns.len()).collect();
    first.len() == columns.len()
        && first.iter().all(|part| {
            part.prefix.is_none()
                && columns.iter().any(|column| column.eq_ignore_ascii_case(&part.column))
        })
}
