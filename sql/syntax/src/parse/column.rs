//! Columns' definitions.

use sqlparser::ast::{Expr, UnaryOperator};
use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Fail, Res};
use super::key;
use super::types::{charset, column_type, fraction};
use crate::table::{
    ColumnDef, DefaultDef, Extras, GeneratedDef, KeyDef, KeyKind, KeyPart, KeyPartOf,
};

/// `name type attributes`, and the keys and constraints among the attributes.
pub(super) fn column(cursor: &mut Cursor<'_>) -> Res<(ColumnDef, Extras)> {
    let name = cursor.name()?;
    let def = column_type(cursor)?;
    let mut column = ColumnDef {
        name,
        of: def.of,
        charset: def.charset,
        collation: def.collation,
        nullable: def.serial.then_some(false),
        default: None,
        on_update: None,
        auto_increment: def.serial,
        comment: None,
        generated: None,
        zerofill: def.zerofill,
        invisible: false,
        serial: def.serial,
    };
    let mut extras = Extras::default();
    if def.serial {
        extras.keys.push(inline_key(&column.name, KeyKind::Unique));
    }
    while attribute(cursor, &mut column, &mut extras)? {}
    Ok((column, extras))
}

fn inline_key(column: &str, kind: KeyKind) -> KeyDef {
    let part =
        KeyPart { of: KeyPartOf::Column(column.to_owned()), length: None, descending: false };
    KeyDef { kind, name: None, parts: vec![part], comment: None, invisible: false }
}

/// Takes one attribute; false if there is none.
fn attribute(cursor: &mut Cursor<'_>, column: &mut ColumnDef, extras: &mut Extras) -> Res<bool> {
    if cursor.eat_all(&["NOT", "NULL"]) {
        column.nullable = Some(false);
    } else if cursor.eat("NULL") {
        column.nullable = Some(true);
    } else if cursor.eat("DEFAULT") {
        column.default = Some(default(cursor)?);
    } else if cursor.eat_all(&["ON", "UPDATE"]) {
        column.on_update = Some(now(cursor)?.ok_or(Fail::Here)?);
    } else if cursor.eat("AUTO_INCREMENT") {
        column.auto_increment = true;
    } else if cursor.eat_all(&["SERIAL", "DEFAULT", "VALUE"]) {
        column.auto_increment = true;
        column.nullable = Some(false);
        extras.keys.push(inline_key(&column.name, KeyKind::Unique));
    } else if cursor.eat("COMMENT") {
        column.comment = Some(cursor.text()?);
    } else if cursor.eat("COLLATE") {
        column.collation = Some(cursor.name_or_text()?.to_ascii_lowercase());
    } else if let Some(charset) = charset(cursor)? {
        column.charset = Some(charset);
    } else if cursor.peek("GENERATED") || cursor.peek("AS") {
        column.generated = Some(generated(cursor)?);
    } else if cursor.eat("INVISIBLE") {
        column.invisible = true;
    } else if cursor.eat("VISIBLE") {
        column.invisible = false;
    } else if cursor.eat_any(&["COLUMN_FORMAT", "STORAGE"]).is_some() {
        let _ = cursor.name_or_text()?;
    } else if cursor.eat_any(&["ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE"]).is_some() {
        let _ = cursor.take(&Token::Eq);
        let _ = cursor.text()?;
    } else if cursor.peek("SRID") {
        return cursor.rest_is_refused("SRID");
    } else {
        return constraint(cursor, column, extras);
    }
    Ok(true)
}

fn constraint(cursor: &mut Cursor<'_>, column: &mut ColumnDef, extras: &mut Extras) -> Res<bool> {
    if cursor.eat("UNIQUE") {
        let _ = cursor.eat("KEY");
        extras.keys.push(inline_key(&column.name, KeyKind::Unique));
    } else if cursor.eat_all(&["PRIMARY", "KEY"]) || cursor.eat("KEY") {
        extras.keys.push(inline_key(&column.name, KeyKind::Primary));
    } else if cursor.peek("REFERENCES") {
        let mut foreign = key::references(cursor)?;
        foreign.columns = vec![column.name.clone()];
        foreign.inline = true;
        extras.foreign_keys.push(foreign);
    } else if cursor.eat("CHECK") {
        extras.checks.push(key::check(cursor, None)?);
    } else if cursor.eat("CONSTRAINT") {
        let name = match cursor.peek("CHECK") {
            true => None,
            false => Some(cursor.name()?),
        };
        cursor.expect("CHECK")?;
        extras.checks.push(key::check(cursor, name)?);
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// CURRENT_TIMESTAMP, NOW() and their like: digits of fractions.
fn now(cursor: &mut Cursor<'_>) -> Res<Option<u8>> {
    let words = ["CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP"];
    if cursor.eat_any(&words).is_none() {
        return Ok(None);
    }
    if *cursor.token() == Token::LParen && *cursor.token_at(1) == Token::RParen {
        cursor.skip();
        cursor.skip();
        return Ok(Some(0));
    }
    fraction(cursor).map(Some)
}

/// After DEFAULT.
pub(super) fn default(cursor: &mut Cursor<'_>) -> Res<DefaultDef> {
    if let Some(digits) = now(cursor)? {
        return Ok(DefaultDef::Now(digits));
    }
    if *cursor.token() == Token::LParen {
        let (expr, text) = cursor.parenthesized_expr()?;
        return Ok(DefaultDef::Expr(expr, text));
    }
    // A sign or an introducer, and a literal: tighter than any operator, and no COLLATE.
    let expr = crate::prefix::parse(&mut cursor.parser)?;
    let literal = match &expr {
        Expr::Value(_) | Expr::TypedString(_) | Expr::Prefixed { .. } => true,
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => {
            matches!(**expr, Expr::Value(_))
        }
        _ => false,
    };
    if literal { Ok(DefaultDef::Literal(expr)) } else { Err(Fail::Here) }
}

fn generated(cursor: &mut Cursor<'_>) -> Res<GeneratedDef> {
    if cursor.eat("GENERATED") {
        cursor.expect("ALWAYS")?;
    }
    cursor.expect("AS")?;
    let (expr, text) = cursor.parenthesized_expr()?;
    let stored = matches!(
        cursor.eat_any(&["VIRTUAL", "STORED", "PERSISTENT"]),
        Some("STORED" | "PERSISTENT")
    );
    Ok(GeneratedDef { expr, text, stored })
}
