//! A column's definition as a row of the catalog.
//!
//! Not here: keys (`key`), where a column stands (`alter`).

use holdfast_syntax::{ColumnDef, DefaultDef, GeneratedDef, print};
use holdfast_value::{Collation, SqlType, Value, show};
use sqlparser::ast;

use super::draft::{Draft, DraftColumn, Unfit, unfit};
use super::names;
use crate::catalog::{ColumnRow, DefaultRow};
use crate::error::{Result, SqlError};

/// The longest CHAR and BINARY. [characters, bytes]
const CHAR_MAX: u32 = 255;
/// The longest VARCHAR. [characters of at most 4 bytes]
const VARCHAR_MAX: u32 = 16_383;
/// The longest VARBINARY. [bytes]
const VARBINARY_MAX: u32 = 65_535;
/// The longest comment. [characters]
pub const COMMENT_MAX: usize = 1024;

/// A column by its definition. Expressions are bound later: [`check_expressions`].
///
/// # Errors
/// MySQL's for each thing that may not be.
pub fn column(draft: &Draft, def: &ColumnDef, ansi: bool) -> Result<DraftColumn> {
    names::check_column(&def.name)?;
    if def.invisible {
        return Err(SqlError::unsupported("INVISIBLE columns"));
    }
    let of = column_type(def, draft.collation)?;
    check_type(&def.name, &of)?;
    let comment = def.comment.clone().unwrap_or_default();
    if comment.chars().count() > COMMENT_MAX {
        let text = format!("Comment for field '{}' is too long (max = {COMMENT_MAX})", def.name);
        return Err(SqlError::new(1629, text));
    }
    let generated = def.generated.as_ref().map(|generated| generated_text(generated, ansi));
    check_attributes(def, &of)?;
    let nullable = def.nullable != Some(false) && !def.auto_increment;
    let default = match &def.default {
        None => None,
        Some(default) => Some(default_row(&def.name, (&of, nullable), default, ansi)?),
    };
    let row = ColumnRow {
        name: def.name.clone(),
        slot: 0,
        of,
        nullable,
        default,
        on_update: def.on_update.is_some(),
        auto: def.auto_increment,
        comment,
        fill: None,
        generated,
    };
    Ok(DraftColumn { row, from: None, wants_null: def.nullable == Some(true) })
}

fn generated_text(def: &GeneratedDef, ansi: bool) -> (String, bool) {
    (expression_text(&def.expr, &def.text, ansi), def.stored)
}

/// An expression as the catalog keeps it: with ANSI_QUOTES its text would read otherwise.
pub fn expression_text(expr: &ast::Expr, text: &str, ansi: bool) -> String {
    if ansi && text.contains('"') { print::expr(expr) } else { text.to_owned() }
}

/// The type with the collation that counts.
fn column_type(def: &ColumnDef, inherited: Collation) -> Result<SqlType> {
    let (charset, collation) = (def.charset.as_deref(), def.collation.as_deref());
    if !def.of.is_text() {
        if collation.is_some() || charset.is_some() {
            names::collation(charset, collation)?;
        }
        return Ok(def.of.clone());
    }
    let collation = match (charset, collation) {
        (None | Some("utf8mb4" | "utf8" | "utf8mb3"), Some("binary")) => Collation::Bin,
        _ => names::collation(charset, collation)?.unwrap_or(inherited),
    };
    Ok(with_collation(&def.of, collation))
}

/// A text type with a collation; a text that is binary is bytes.
pub fn with_collation(of: &SqlType, collation: Collation) -> SqlType {
    match (of, collation) {
        (SqlType::Char(length, _), Collation::Binary) => SqlType::Binary(*length),
        (SqlType::VarChar(length, _), Collation::Binary) => SqlType::VarBinary(*length),
        (SqlType::Text(size, _), Collation::Binary) => SqlType::Blob(*size),
        _ => {
            let mut of = of.clone();
            crate::bind::collation::set(&mut of, collation);
            of
        }
    }
}

fn check_type(name: &str, of: &SqlType) -> Result<()> {
    let too_long = |most: u32| {
        let text = format!(
            "Column length too big for column '{name}' (max = {most}); use BLOB or TEXT instead"
        );
        Err(SqlError::new(1074, text))
    };
    let precise = |digits: u8| match digits {
        0..=6 => Ok(()),
        _ => Err(SqlError::new(
            1426,
            format!("Too-big precision {digits} specified for '{name}'. Maximum is 6."),
        )),
    };
    match of {
        SqlType::Char(length, _) | SqlType::Binary(length) if *length > CHAR_MAX => {
            too_long(CHAR_MAX)
        }
        SqlType::VarChar(length, _) if *length > VARCHAR_MAX => too_long(VARCHAR_MAX),
        SqlType::VarBinary(length) if *length > VARBINARY_MAX => too_long(VARBINARY_MAX),
        SqlType::Decimal { precision, scale, .. } => {
            if *scale > 30 {
                return Err(SqlError::new(
                    1425,
                    format!("Too big scale {scale} specified for column '{name}'. Maximum is 30."),
                ));
            }
            if *precision > 65 {
                return Err(SqlError::new(
                    1426,
                    format!("Too-big precision {precision} specified for '{name}'. Maximum is 65."),
                ));
            }
            if scale > precision {
                return Err(SqlError::new(
                    1427,
                    format!(
                        "For float(M,D), double(M,D) or decimal(M,D), M must be >= D (column '{name}')."
                    ),
                ));
            }
            Ok(())
        }
        SqlType::Time(digits) | SqlType::DateTime(digits) | SqlType::Timestamp(digits) => {
            precise(*digits)
        }
        SqlType::Bit(bits) if *bits > 64 => Err(SqlError::new(
            1439,
            format!("Display width out of range for column '{name}' (max = 64)"),
        )),
        SqlType::Enum(items, _) => check_items(name, items, "ENUM"),
        SqlType::Set(items, _) => {
            if items.len() > 64 {
                return Err(SqlError::new(
                    1097,
                    format!("Too many strings for column {name} and SET"),
                ));
            }
            if let Some(item) = items.iter().find(|item| item.contains(',')) {
                return Err(SqlError::new(
                    1367,
                    format!("Illegal set '{item}' value found during parsing"),
                ));
            }
            check_items(name, items, "SET")
        }
        SqlType::Null => Err(SqlError::internal(format!("column '{name}' has no type"))),
        _ => Ok(()),
    }
}

fn check_items(name: &str, items: &[String], kind: &str) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for item in items {
        if !seen.insert(item.trim_end_matches(' ').to_lowercase()) {
            let text = format!("Column '{name}' has duplicated value '{item}' in {kind}");
            return Err(SqlError::new(1291, text));
        }
    }
    Ok(())
}

fn invalid_default(name: &str) -> SqlError {
    SqlError::new(1067, format!("Invalid default value for '{name}'"))
}

fn check_attributes(def: &ColumnDef, of: &SqlType) -> Result<()> {
    let name = &def.name;
    if def.generated.is_some() {
        let usage = |what: &str| {
            Err(SqlError::new(1221, format!("Incorrect usage of {what} and generated column")))
        };
        if def.default.is_some() {
            return usage("DEFAULT");
        }
        if def.auto_increment {
            return usage("AUTO_INCREMENT");
        }
        if def.on_update.is_some() {
            return usage("ON UPDATE");
        }
    }
    if def.auto_increment {
        let fits =
            matches!(of, SqlType::Int { .. } | SqlType::Float { .. } | SqlType::Double { .. });
        if !fits {
            return Err(SqlError::new(
                1063,
                format!("Incorrect column specifier for column '{name}'"),
            ));
        }
        if def.default.is_some() {
            return Err(invalid_default(name));
        }
    }
    match (def.on_update, of) {
        (None, _) => {}
        (Some(given), SqlType::DateTime(digits) | SqlType::Timestamp(digits))
            if given == *digits => {}
        (Some(_), _) => {
            return Err(SqlError::new(
                1294,
                format!("Invalid ON UPDATE clause for '{name}' column"),
            ));
        }
    }
    Ok(())
}

/// A DEFAULT, checked but for an expression's columns.
///
/// # Errors
/// 1067, 1101.
pub fn default_row(
    name: &str,
    (of, nullable): (&SqlType, bool),
    default: &DefaultDef,
    ansi: bool,
) -> Result<DefaultRow> {
    match default {
        DefaultDef::Now(given) => match of {
            SqlType::DateTime(digits) | SqlType::Timestamp(digits) if given == digits => {
                Ok(DefaultRow::Now(*given))
            }
            _ => Err(invalid_default(name)),
        },
        DefaultDef::Expr(expr, text) => {
            Ok(DefaultRow::Expression(expression_text(expr, text, ansi)))
        }
        DefaultDef::Literal(expr) => {
            let value = crate::bind::literal_of(&print::expr(expr), of)
                .map_err(|_| invalid_default(name))?;
            if value.is_null() && !nullable {
                return Err(invalid_default(name));
            }
            let has_none = matches!(of, SqlType::Text(..) | SqlType::Blob(_) | SqlType::Json);
            if has_none && !value.is_null() {
                return Err(SqlError::new(
                    1101,
                    format!(
                        "BLOB, TEXT, GEOMETRY or JSON column '{name}' can't have a default value"
                    ),
                ));
            }
            Ok(DefaultRow::Literal(literal_text(&value, of)))
        }
    }
}

/// A stored value as SQL that [`literal_of`](crate::bind::literal_of) reads again.
pub fn literal_text(value: &Value, of: &SqlType) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Bytes(bytes) if bytes.is_empty() => "''".to_owned(),
        Value::Bytes(bytes) => format!("X'{}'", hex::encode_upper(bytes)),
        Value::Text(text) | Value::Json(text) => print::quote_text(text),
        Value::Decimal(_) | Value::Double(_) => shown(value, of),
        Value::Date(_) | Value::DateTime(_) | Value::Time(_) => format!("'{}'", shown(value, of)),
    }
}

fn shown(value: &Value, of: &SqlType) -> String {
    let mut out = Vec::new();
    show::write(value, of, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Binds generated columns and defaults that are expressions.
///
/// # Errors
/// 1054, 3102 to 3109, 3763 to 3774.
pub fn check_expressions(draft: &Draft) -> Result<()> {
    for (at, column) in draft.columns.iter().enumerate() {
        if let Some((text, _)) = &column.row.generated {
            check_generated(draft, at, text)?;
        }
        if let Some(DefaultRow::Expression(text)) = &column.row.default {
            check_default(draft, at, text)?;
        }
    }
    Ok(())
}

fn placed(error: SqlError, place: &str) -> SqlError {
    match error.code {
        1054 => {
            let name = error.message.split('\'').nth(1).unwrap_or_default();
            SqlError::unknown_column(name, place)
        }
        _ => error,
    }
}

fn check_generated(draft: &Draft, at: usize, text: &str) -> Result<()> {
    let name = &draft.columns[at].row.name;
    let bound = draft.bind(text).map_err(|error| placed(error, "generated column function"))?;
    for used in crate::expr::walk::columns(&bound) {
        let used = used as usize;
        // Of another query: it is refused below.
        let Some(column) = draft.columns.get(used) else { continue };
        if column.row.auto {
            return Err(SqlError::new(
                3109,
                format!("Generated column '{name}' cannot refer to auto-increment column."),
            ));
        }
        if used >= at && column.row.generated.is_some() {
            return Err(SqlError::new(
                3107,
                "Generated column can refer only to generated columns defined prior to it.",
            ));
        }
    }
    match unfit(&bound, true) {
        None => Ok(()),
        Some(Unfit::Function(function)) => Err(SqlError::new(
            3763,
            format!(
                "Expression of generated column '{name}' contains a disallowed function: {function}."
            ),
        )),
        Some(Unfit::Subquery) => Err(SqlError::new(
            3764,
            format!("Expression of generated column '{name}' contains a disallowed function."),
        )),
        Some(Unfit::Variable) => Err(SqlError::new(
            3772,
            format!(
                "Expression of generated column '{name}' cannot refer user or system variables."
            ),
        )),
    }
}

fn check_default(draft: &Draft, at: usize, text: &str) -> Result<()> {
    let name = &draft.columns[at].row.name;
    let bound = draft.bind(text).map_err(|error| placed(error, "default value expression"))?;
    for used in crate::expr::walk::columns(&bound) {
        // Of another query: it is refused below.
        let Some(column) = draft.columns.get(used as usize) else { continue };
        let used = &column.row;
        if used.auto {
            return Err(SqlError::new(
                3769,
                format!(
                    "Default value expression of column '{name}' cannot refer to an auto-increment column."
                ),
            ));
        }
    }
    match unfit(&bound, false) {
        None => Ok(()),
        Some(Unfit::Variable) => Err(SqlError::new(
            3774,
            format!(
                "Default value expression of column '{name}' cannot refer user or system variables."
            ),
        )),
        Some(_) => Err(SqlError::new(
            3770,
            format!("Default value expression of column '{name}' contains a disallowed function."),
        )),
    }
}
