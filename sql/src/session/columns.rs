//! A column, and what of a key it is, as SHOW COLUMNS and `information_schema` tell.

use std::borrow::Cow;

use holdfast_syntax::print;
use holdfast_value::{SqlType, Value, show};

use super::schema::VirtualTable;
use crate::algebra::Output;
use crate::catalog::{Column, ColumnRow, Default, Index, Table};

/// A column, told.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnInfo<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its type.
    pub of: Cow<'a, SqlType>,
    /// May be NULL.
    pub nullable: bool,
    /// `PRI`, `UNI`, `MUL` or nothing.
    pub key: &'static str,
    /// Its default's text.
    pub default: Option<String>,
    /// `auto_increment` and the like.
    pub extra: String,
    /// Its comment.
    pub comment: &'a str,
    /// A generated column's expression.
    pub generated: Option<String>,
}

/// The columns of a table.
pub fn of_table(table: &Table) -> Vec<ColumnInfo<'_>> {
    let each = table.columns.iter().zip(&table.body.columns).enumerate();
    each.map(|(at, (column, row))| ColumnInfo {
        name: Cow::Borrowed(&row.name),
        of: Cow::Borrowed(&row.of),
        nullable: row.nullable,
        key: key(table, at),
        default: default_text(column, row),
        extra: extra(column, row),
        comment: &row.comment,
        generated: row.generated.as_ref().map(|(text, _)| expression(text)),
    })
    .collect()
}

/// The columns of a view.
pub fn of_view(outputs: Vec<Output>) -> Vec<ColumnInfo<'static>> {
    let each = outputs.into_iter();
    each.map(|output| ColumnInfo {
        name: Cow::Owned(output.name.to_string()),
        of: Cow::Owned(output.of),
        nullable: output.nullable,
        key: "",
        default: None,
        extra: String::new(),
        comment: "",
        generated: None,
    })
    .collect()
}

/// The columns of a computed table.
pub fn of_virtual(table: &'static VirtualTable) -> Vec<ColumnInfo<'static>> {
    let each = table.columns.iter();
    each.map(|column| ColumnInfo {
        name: Cow::Borrowed(column.name),
        of: Cow::Borrowed(&column.of),
        nullable: true,
        key: "",
        default: None,
        extra: String::new(),
        comment: "",
        generated: None,
    })
    .collect()
}

/// An expression of the catalog as MySQL prints it; as it is stored if it does not parse.
pub fn expression(text: &str) -> String {
    match crate::parse::expression(text) {
        Ok(parsed) => print::expr(&parsed),
        Err(_) => text.to_owned(),
    }
}

/// An index's columns all being NOT NULL.
pub fn is_not_null(table: &Table, index: &Index) -> bool {
    index.key.columns().all(|at| !table.columns[at].nullable)
}

fn key(table: &Table, at: usize) -> &'static str {
    if table.primary.columns().any(|part| part == at) {
        return "PRI";
    }
    let mut unique = table.indexes.iter().filter(|index| index.unique);
    if table.is_keyless()
        && let Some(stand_in) = unique.clone().find(|index| is_not_null(table, index))
        && stand_in.key.columns().any(|part| part == at)
    {
        return "PRI";
    }
    let starts = |index: &&Index| index.key.columns().next() == Some(at);
    if unique.any(|index| index.key.parts.len() == 1 && starts(&index)) {
        return "UNI";
    }
    if table.indexes.iter().any(|index| starts(&index)) { "MUL" } else { "" }
}

/// `CURRENT_TIMESTAMP(3)`.
pub fn now_text(of: &SqlType) -> String {
    match of {
        SqlType::DateTime(fsp) | SqlType::Timestamp(fsp) if *fsp > 0 => {
            format!("CURRENT_TIMESTAMP({fsp})")
        }
        _ => "CURRENT_TIMESTAMP".to_owned(),
    }
}

/// A value as text; a BIT's as `b'101'`.
pub fn value_text(value: &Value, of: &SqlType) -> String {
    let bits = match (value, of) {
        (Value::UInt(bits), SqlType::Bit(_)) => Some(*bits),
        (Value::Int(bits), SqlType::Bit(_)) => Some(*bits as u64),
        _ => None,
    };
    if let Some(bits) = bits {
        return format!("b'{bits:b}'");
    }
    let mut out = Vec::new();
    show::write(value, of, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn default_text(column: &Column, row: &ColumnRow) -> Option<String> {
    match &column.default {
        Default::Missing | Default::Value(Value::Null) => None,
        Default::Value(value) => Some(value_text(value, &row.of)),
        Default::Now => Some(now_text(&row.of)),
        Default::Expression(text) => Some(expression(text)),
    }
}

fn extra(column: &Column, row: &ColumnRow) -> String {
    if row.auto {
        return "auto_increment".to_owned();
    }
    if let Some((_, stored)) = &row.generated {
        let kind = if *stored { "STORED GENERATED" } else { "VIRTUAL GENERATED" };
        return kind.to_owned();
    }
    let mut parts = Vec::new();
    if matches!(column.default, Default::Now | Default::Expression(_)) {
        parts.push("DEFAULT_GENERATED".to_owned());
    }
    if column.on_update {
        parts.push(format!("on update {}", now_text(&row.of)));
    }
    parts.join(" ")
}
