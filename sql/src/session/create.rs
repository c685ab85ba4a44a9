//! SHOW CREATE: definitions as MySQL 8.0 prints them, byte for byte.
//!
//! `mysqldump` stores these texts and SQLAlchemy reads them with regular expressions.
//!
//! Not here: who may see them (`seen`), accounts (`grants`).

use std::fmt::Write as _;

use holdfast_syntax::print::{quote_identifier, quote_text};
use holdfast_value::{Collation, SqlType, Value, show};

use super::columns::{expression, is_not_null, now_text, value_text};
use super::grants::split_account;
use super::variables::charset;
use crate::catalog::{
    Action, CheckRow, Column, ColumnRow, DatabaseRow, Default, ForeignRow, Index, Key, Table, View,
};

/// CREATE TABLE; `auto_next`: the next AUTO_INCREMENT value.
pub fn table(table: &Table, auto_next: Option<u64>) -> String {
    let mut out = String::with_capacity(512);
    out.push_str(if table.is_temporary { "CREATE TEMPORARY TABLE " } else { "CREATE TABLE " });
    out.push_str(&quote_identifier(&table.name));
    out.push_str(" (\n");
    let mut between = "  ";
    for (column, row) in table.columns.iter().zip(&table.body.columns) {
        out.push_str(between);
        write_column(column, row, table.body.collation, &mut out);
        between = ",\n  ";
    }
    for line in keys(table) {
        out.push_str(",\n  ");
        out.push_str(&line);
    }
    // MySQL keeps them by name.
    let mut foreign: Vec<&ForeignRow> = table.body.foreign.iter().collect();
    foreign.sort_by(|a, b| a.name.cmp(&b.name));
    for foreign in foreign {
        out.push_str(",\n  ");
        out.push_str(&foreign_key(table, foreign));
    }
    for check in &table.body.checks {
        out.push_str(",\n  ");
        out.push_str(&check_text(check));
    }
    out.push_str("\n)");
    write_options(table, auto_next, &mut out);
    out
}

fn write_column(column: &Column, row: &ColumnRow, inherited: Collation, out: &mut String) {
    let of = &row.of;
    out.push_str(&quote_identifier(&row.name));
    out.push(' ');
    out.push_str(&type_text(of));
    if of.is_text() {
        write_collation(of.collation(), inherited, out);
    }
    if let Some((text, stored)) = &row.generated {
        let kind = if *stored { "STORED" } else { "VIRTUAL" };
        let text = expression(text);
        add(out, format_args!(" GENERATED ALWAYS AS ({text}) {kind}"));
    }
    if !row.nullable {
        out.push_str(" NOT NULL");
    } else if matches!(of, SqlType::Timestamp(_)) {
        out.push_str(" NULL");
    }
    write_default(column, row, out);
    if column.on_update {
        add(out, format_args!(" ON UPDATE {}", now_text(of)));
    }
    if row.auto {
        out.push_str(" AUTO_INCREMENT");
    }
    if !row.comment.is_empty() {
        add(out, format_args!(" COMMENT {}", quote_text(&row.comment)));
    }
}

/// Of the types that name their values the names are quoted as texts are.
fn type_text(of: &SqlType) -> String {
    match of {
        SqlType::Enum(items, _) | SqlType::Set(items, _) => {
            let quoted: Vec<String> = items.iter().map(|item| quote_text(item)).collect();
            format!("{}({})", show::data_type(of), quoted.join(","))
        }
        _ => show::type_name(of),
    }
}

/// Where it is not the table's, the character set; where it is not the set's first, or
/// the table's is another, the collation.
fn write_collation(collation: Collation, inherited: Collation, out: &mut String) {
    if collation != inherited {
        add(out, format_args!(" CHARACTER SET {}", charset::charset_of(collation)));
    }
    let is_first = matches!(collation, Collation::Binary | Collation::Uca0900AiCi);
    let is_unlike = collation == Collation::Uca0900AiCi && inherited != collation;
    if !is_first || is_unlike {
        add(out, format_args!(" COLLATE {}", charset::name_of(collation)));
    }
}

fn write_default(column: &Column, row: &ColumnRow, out: &mut String) {
    if row.auto || row.generated.is_some() {
        return;
    }
    let of = &row.of;
    let has_none = matches!(of, SqlType::Text(..) | SqlType::Blob(_) | SqlType::Json);
    match &column.default {
        Default::Missing | Default::Value(Value::Null) if row.nullable && !has_none => {
            out.push_str(" DEFAULT NULL");
        }
        Default::Missing | Default::Value(Value::Null) => {}
        Default::Value(value) if matches!(of, SqlType::Bit(_)) => {
            add(out, format_args!(" DEFAULT {}", value_text(value, of)));
        }
        Default::Value(value) => {
            add(out, format_args!(" DEFAULT {}", quote_text(&value_text(value, of))));
        }
        Default::Now => add(out, format_args!(" DEFAULT {}", now_text(of))),
        Default::Expression(text) => {
            let text = expression(text);
            add(out, format_args!(" DEFAULT ({text})"));
        }
    }
}

/// Keys in the order in which MySQL keeps them: the primary one, unique ones without
/// NULL, other unique ones, the rest.
fn keys(table: &Table) -> Vec<String> {
    let mut lines = Vec::new();
    if !table.is_keyless() {
        lines.push(format!("PRIMARY KEY {}", parts(table, &table.primary)));
    }
    for index in in_order(table) {
        let kind = if index.unique { "UNIQUE KEY" } else { "KEY" };
        let name = quote_identifier(&index.name);
        let mut line = format!("{kind} {name} {}", parts(table, &index.key));
        let comment = table.body.indexes.iter().find(|row| row.id == index.id);
        if let Some(comment) = comment.map(|row| &row.comment).filter(|text| !text.is_empty()) {
            add(&mut line, format_args!(" COMMENT {}", quote_text(comment)));
        }
        lines.push(line);
    }
    lines
}

/// A table's indexes in the order in which MySQL keeps them.
pub fn in_order(table: &Table) -> Vec<&Index> {
    let mut indexes: Vec<&Index> = table.indexes.iter().collect();
    indexes.sort_by_key(|index| (!index.unique, index.unique && !is_not_null(table, index)));
    indexes
}

fn parts(table: &Table, key: &Key) -> String {
    let part = |part: &crate::catalog::KeyPart| {
        let name = &table.columns[usize::from(part.column)].name;
        let mut text = quote_identifier(name);
        if let Some(length) = part.prefix {
            add(&mut text, format_args!("({length})"));
        }
        if part.desc {
            text.push_str(" DESC");
        }
        text
    };
    let parts: Vec<String> = key.parts.iter().map(part).collect();
    format!("({})", parts.join(","))
}

/// What a foreign key's ON DELETE or ON UPDATE says, as it is shown; NO ACTION is not.
pub fn reaction(written: Option<&str>, action: Action) -> Option<&'static str> {
    match (action, written) {
        (Action::Cascade, _) => Some("CASCADE"),
        (Action::SetNull, _) => Some("SET NULL"),
        (Action::Restrict, Some(written)) if written.eq_ignore_ascii_case("RESTRICT") => {
            Some("RESTRICT")
        }
        (Action::Restrict, _) => None,
    }
}

fn foreign_key(table: &Table, foreign: &ForeignRow) -> String {
    let list = |names: Vec<String>| names.join(", ");
    let own =
        foreign.columns.iter().map(|at| quote_identifier(&table.columns[usize::from(*at)].name));
    let parent = foreign.parent_columns.iter().map(|name| quote_identifier(name));
    let mut to = quote_identifier(&foreign.parent);
    if foreign.parent_database != *table.database {
        to = format!("{}.{to}", quote_identifier(&foreign.parent_database));
    }
    let mut text = format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {to} ({})",
        quote_identifier(&foreign.name),
        list(own.collect()),
        list(parent.collect()),
    );
    if let Some(what) = reaction(foreign.written.0.as_deref(), foreign.on_delete) {
        add(&mut text, format_args!(" ON DELETE {what}"));
    }
    if let Some(what) = reaction(foreign.written.1.as_deref(), foreign.on_update) {
        add(&mut text, format_args!(" ON UPDATE {what}"));
    }
    text
}

fn check_text(check: &CheckRow) -> String {
    let not = if check.enforced { "" } else { " /*!80016 NOT ENFORCED */" };
    let name = quote_identifier(&check.name);
    format!("CONSTRAINT {name} CHECK ({}){not}", expression(&check.expression))
}

fn write_options(table: &Table, auto_next: Option<u64>, out: &mut String) {
    out.push_str(" ENGINE=InnoDB");
    if let Some(next) = auto_next.filter(|next| *next > 1)
        && table.auto.is_some()
    {
        add(out, format_args!(" AUTO_INCREMENT={next}"));
    }
    let collation = table.body.collation;
    add(out, format_args!(" DEFAULT CHARSET={}", charset::charset_of(collation)));
    if collation != Collation::Binary {
        add(out, format_args!(" COLLATE={}", charset::name_of(collation)));
    }
    if let Some(format) = &table.body.row_format {
        add(out, format_args!(" ROW_FORMAT={}", format.to_ascii_uppercase()));
    }
    if !table.row.comment.is_empty() {
        add(out, format_args!(" COMMENT={}", quote_text(&table.row.comment)));
    }
}

/// CREATE VIEW.
pub fn view(view: &View) -> String {
    let (user, host) = split_account(&view.body.definer);
    let columns = match view.body.columns.is_empty() {
        true => String::new(),
        false => {
            let names: Vec<String> =
                view.body.columns.iter().map(|name| quote_identifier(name)).collect();
            format!(" ({})", names.join(","))
        }
    };
    format!(
        "CREATE ALGORITHM=UNDEFINED DEFINER={}@{} SQL SECURITY DEFINER VIEW {}{columns} AS {}",
        quote_identifier(user),
        quote_identifier(host),
        quote_identifier(&view.name),
        view.body.select,
    )
}

/// CREATE DATABASE.
pub fn database(database: &DatabaseRow, if_not_exists: bool) -> String {
    let is_there = if if_not_exists { "/*!32312 IF NOT EXISTS*/ " } else { "" };
    let (set, collation) =
        (charset::charset_of(database.collation), charset::name_of(database.collation));
    let collate = match database.collation {
        Collation::Binary => String::new(),
        _ => format!(" COLLATE {collation}"),
    };
    format!(
        "CREATE DATABASE {is_there}{} /*!40100 DEFAULT CHARACTER SET {set}{collate} */ \
         /*!80016 DEFAULT ENCRYPTION='N' */",
        quote_identifier(&database.name),
    )
}

/// Writing into a `String` is not refused.
fn add(out: &mut String, text: std::fmt::Arguments<'_>) {
    let done = out.write_fmt(text);
    debug_assert!(done.is_ok());
}

#[cfg(test)]
mod tests;
