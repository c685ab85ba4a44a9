//! Keys, foreign keys and checks.

use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Fail, Res};
use crate::table::{CheckDef, ForeignKeyDef, KeyDef, KeyKind, KeyPart, KeyPartOf, Reaction};

/// A part of a table's definition that is no column.
pub(super) enum Constraint {
    Key(KeyDef),
    Foreign(ForeignKeyDef),
    Check(Box<CheckDef>),
}

/// A key, foreign key or check of a table; `None` if the next tokens begin none.
pub(super) fn constraint(cursor: &mut Cursor<'_>) -> Res<Option<Constraint>> {
    let mut symbol = None;
    let named = cursor.eat("CONSTRAINT");
    if named && !["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"].iter().any(|word| cursor.peek(word)) {
        symbol = Some(cursor.name()?);
    }
    if cursor.eat("CHECK") {
        return Ok(Some(Constraint::Check(Box::new(check(cursor, symbol)?))));
    }
    if cursor.eat_all(&["FOREIGN", "KEY"]) {
        let index = match cursor.token() {
            Token::LParen => None,
            _ => Some(cursor.name()?),
        };
        let columns = cursor.in_parens(Cursor::name)?;
        let mut foreign = references(cursor)?;
        foreign.name = symbol.or(index);
        foreign.columns = columns;
        return Ok(Some(Constraint::Foreign(foreign)));
    }
    let Some(kind) = key_kind(cursor)? else {
        return if named { Err(Fail::Here) } else { Ok(None) };
    };
    let mut key = key_body(cursor, kind)?;
    key.name = key.name.or(symbol);
    Ok(Some(Constraint::Key(key)))
}

fn key_kind(cursor: &mut Cursor<'_>) -> Res<Option<KeyKind>> {
    if cursor.eat("PRIMARY") {
        cursor.expect("KEY")?;
        return Ok(Some(KeyKind::Primary));
    }
    let kind = match cursor.eat_any(&["UNIQUE", "FULLTEXT", "SPATIAL"]) {
        Some("UNIQUE") => KeyKind::Unique,
        Some("FULLTEXT") => KeyKind::Fulltext,
        Some(_) => KeyKind::Spatial,
        None => {
            let plain = cursor.eat_any(&["INDEX", "KEY"]).is_some();
            return Ok(plain.then_some(KeyKind::Plain));
        }
    };
    let _ = cursor.eat_any(&["INDEX", "KEY"]);
    Ok(Some(kind))
}

/// `[name] [USING t] (parts) [options]`.
fn key_body(cursor: &mut Cursor<'_>, kind: KeyKind) -> Res<KeyDef> {
    let name = match cursor.token() {
        Token::LParen => None,
        _ if cursor.peek("USING") => None,
        _ => Some(cursor.name()?),
    };
    using(cursor)?;
    let parts = key_parts(cursor)?;
    let mut key = KeyDef { kind, name, parts, comment: None, invisible: false };
    key_options(cursor, &mut key)?;
    Ok(key)
}

fn using(cursor: &mut Cursor<'_>) -> Res<bool> {
    if cursor.eat_any(&["USING", "TYPE"]).is_none() {
        return Ok(false);
    }
    cursor.eat_any(&["BTREE", "HASH", "RTREE"]).ok_or(Fail::Here)?;
    Ok(true)
}

/// `(column(length) ASC, (expression) DESC, ...)`.
pub(super) fn key_parts(cursor: &mut Cursor<'_>) -> Res<Vec<KeyPart>> {
    cursor.in_parens(|cursor| {
        let of = match cursor.token() {
            Token::LParen => {
                let (expr, text) = cursor.parenthesized_expr()?;
                KeyPartOf::Expr(Box::new(expr), text)
            }
            _ => KeyPartOf::Column(cursor.name()?),
        };
        let length = match cursor.take(&Token::LParen) {
            true => {
                let length = cursor.uint()?;
                cursor.need(&Token::RParen)?;
                Some(u32::try_from(length).map_err(|_| Fail::Here)?)
            }
            false => None,
        };
        let descending = cursor.eat_any(&["ASC", "DESC"]) == Some("DESC");
        Ok(KeyPart { of, length, descending })
    })
}

pub(super) fn key_options(cursor: &mut Cursor<'_>, key: &mut KeyDef) -> Res<()> {
    loop {
        if using(cursor)? {
        } else if cursor.eat("COMMENT") {
            key.comment = Some(cursor.text()?);
        } else if cursor.eat("KEY_BLOCK_SIZE") {
            let _ = cursor.take(&Token::Eq);
            let _ = cursor.uint()?;
        } else if cursor.eat_all(&["WITH", "PARSER"]) {
            let _ = cursor.name()?;
        } else if cursor.eat("INVISIBLE") {
            key.invisible = true;
        } else if cursor.eat("VISIBLE") {
            key.invisible = false;
        } else {
            return Ok(());
        }
    }
}

/// At CREATE [UNIQUE ...] INDEX: the kind, after the words for it are taken.
pub(super) fn index_kind(cursor: &mut Cursor<'_>) -> Res<KeyKind> {
    let kind = match cursor.eat_any(&["UNIQUE", "FULLTEXT", "SPATIAL"]) {
        Some("UNIQUE") => KeyKind::Unique,
        Some("FULLTEXT") => KeyKind::Fulltext,
        Some(_) => KeyKind::Spatial,
        None => KeyKind::Plain,
    };
    cursor.expect("INDEX")?;
    Ok(kind)
}

/// `name [USING t] ON table (parts) [options]` of CREATE INDEX, without `ON table`.
pub(super) fn skip_using(cursor: &mut Cursor<'_>) -> Res<()> {
    using(cursor).map(|_| ())
}

pub(super) fn check(cursor: &mut Cursor<'_>, name: Option<String>) -> Res<CheckDef> {
    let (expr, text) = cursor.parenthesized_expr()?;
    let enforced = !cursor.eat_all(&["NOT", "ENFORCED"]);
    if enforced {
        let _ = cursor.eat("ENFORCED");
    }
    Ok(CheckDef { name, expr, text, enforced })
}

/// `REFERENCES t (columns) [MATCH ...] [ON DELETE ...] [ON UPDATE ...]`.
pub(super) fn references(cursor: &mut Cursor<'_>) -> Res<ForeignKeyDef> {
    cursor.expect("REFERENCES")?;
    let table = cursor.table_name()?;
    let references = match cursor.token() {
        Token::LParen => cursor.in_parens(Cursor::name)?,
        _ => Vec::new(),
    };
    if cursor.eat("MATCH") {
        cursor.eat_any(&["FULL", "PARTIAL", "SIMPLE"]).ok_or(Fail::Here)?;
    }
    let (mut on_delete, mut on_update) = (None, None);
    loop {
        if cursor.eat_all(&["ON", "DELETE"]) {
            on_delete = Some(reaction(cursor)?);
        } else if cursor.peek_all(&["ON", "UPDATE"])
            && !["CURRENT_TIMESTAMP", "NOW"].iter().any(|now| cursor.peek_at(2, now))
        {
            cursor.skip();
            cursor.skip();
            on_update = Some(reaction(cursor)?);
        } else {
            break;
        }
    }
    let (name, columns, inline) = (None, Vec::new(), false);
    Ok(ForeignKeyDef { name, columns, table, references, on_delete, on_update, inline })
}

fn reaction(cursor: &mut Cursor<'_>) -> Res<Reaction> {
    let all: [(&[&str], Reaction); 5] = [
        (&["RESTRICT"], Reaction::Restrict),
        (&["CASCADE"], Reaction::Cascade),
        (&["SET", "NULL"], Reaction::SetNull),
        (&["NO", "ACTION"], Reaction::NoAction),
        (&["SET", "DEFAULT"], Reaction::SetDefault),
    ];
    let found = all.into_iter().find(|(words, _)| cursor.eat_all(words));
    found.map(|(_, reaction)| reaction).ok_or(Fail::Here)
}
