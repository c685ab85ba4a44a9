//! SET in all its forms.
//!
//! Not here: which variables there are.

use sqlparser::ast::{Expr, Ident};
use sqlparser::tokenizer::Token;

use super::account::account_name;
use super::cursor::{Cursor, Fail, Res};
use crate::statement::{Isolation, Scope, SetItem, SetValue, Statement};

pub(super) fn set(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    if cursor.eat("PASSWORD") && !matches!(cursor.token(), Token::Period) {
        return password(cursor);
    }
    if cursor.peek("RESOURCE") || cursor.peek_all(&["DEFAULT", "ROLE"]) || cursor.peek("ROLE") {
        return cursor.rest_is_refused("ROLE");
    }
    let mut scope = None;
    Ok(Statement::Set(cursor.list(|cursor| item(cursor, &mut scope))?))
}

fn scope_word(cursor: &mut Cursor<'_>) -> Option<Scope> {
    let word = cursor.eat_any(&["SESSION", "LOCAL", "GLOBAL", "PERSIST_ONLY", "PERSIST"])?;
    Some(match word {
        "GLOBAL" => Scope::Global,
        "PERSIST" => Scope::Persist,
        "PERSIST_ONLY" => Scope::PersistOnly,
        _ => Scope::Session,
    })
}

/// One part; a word for the scope holds for the parts after it too.
fn item(cursor: &mut Cursor<'_>, scope: &mut Option<Scope>) -> Res<SetItem> {
    if cursor.peek("NAMES") && !matches!(cursor.token_at(1), Token::Eq | Token::Assignment) {
        cursor.skip();
        return names(cursor);
    }
    if cursor.eat_all(&["CHARACTER", "SET"])
        || (cursor.peek("CHARSET")
            && !matches!(cursor.token_at(1), Token::Eq)
            && cursor.eat("CHARSET"))
    {
        if cursor.eat("DEFAULT") {
            return Ok(SetItem::CharacterSet(None));
        }
        return Ok(SetItem::CharacterSet(Some(cursor.name_or_text()?.to_ascii_lowercase())));
    }
    if let Token::Word(word) = cursor.token()
        && word.quote_style.is_none()
        && word.value.starts_with('@')
    {
        return at_variable(cursor);
    }
    let said = scope_word(cursor);
    if cursor.peek("TRANSACTION") && !matches!(cursor.token_at(1), Token::Eq | Token::Assignment) {
        cursor.skip();
        return transaction(cursor, said.unwrap_or(Scope::Next));
    }
    *scope = said.or(*scope);
    let mut name = cursor.name_or_text()?;
    while cursor.take(&Token::Period) {
        name = format!("{name}.{}", cursor.name_or_text()?);
    }
    let name = name.to_ascii_lowercase();
    let value = set_value(cursor)?;
    Ok(SetItem::Variable { scope: scope.unwrap_or(Scope::Session), name, value })
}

fn at_variable(cursor: &mut Cursor<'_>) -> Res<SetItem> {
    if let Ok(name) = cursor.variable() {
        equals(cursor)?;
        return Ok(SetItem::User { name, value: Box::new(cursor.expr()?) });
    }
    let Token::Word(word) = cursor.token() else { return Err(Fail::Here) };
    let full = word.value.trim_start_matches('@').to_ascii_lowercase();
    cursor.skip();
    let (scope, name) = match full.split_once('.') {
        Some(("session" | "local", name)) => (Scope::Session, name),
        Some(("global", name)) => (Scope::Global, name),
        Some(("persist", name)) => (Scope::Persist, name),
        Some(("persist_only", name)) => (Scope::PersistOnly, name),
        // Only `@@transaction_isolation` and `@@transaction_read_only` differ for `Next`.
        _ => (Scope::Next, full.as_str()),
    };
    let name = name.to_owned();
    Ok(SetItem::Variable { scope, name, value: set_value(cursor)? })
}

fn equals(cursor: &mut Cursor<'_>) -> Res<()> {
    if cursor.take(&Token::Eq) || cursor.take(&Token::Assignment) {
        return Ok(());
    }
    Err(Fail::Here)
}

fn set_value(cursor: &mut Cursor<'_>) -> Res<SetValue> {
    equals(cursor)?;
    let ends = matches!(cursor.token_at(1), Token::Comma | Token::EOF);
    if ends && cursor.eat("DEFAULT") {
        return Ok(SetValue::Default);
    }
    // `ON`, `ALL`, `binary`, `ROW` and `SYSTEM` are values here, reserved or not.
    if let Token::Word(word) = cursor.token()
        && ends
        && !word.value.starts_with('@')
        && !["NULL", "TRUE", "FALSE"].iter().any(|w| word.value.eq_ignore_ascii_case(w))
    {
        let value = Ident::new(word.value.clone());
        cursor.skip();
        return Ok(SetValue::Expr(Box::new(Expr::Identifier(value))));
    }
    Ok(SetValue::Expr(Box::new(cursor.expr()?)))
}

fn names(cursor: &mut Cursor<'_>) -> Res<SetItem> {
    if cursor.eat("DEFAULT") {
        return Ok(SetItem::Names { charset: None, collation: None });
    }
    let charset = Some(cursor.name_or_text()?.to_ascii_lowercase());
    let collation = match cursor.eat("COLLATE") {
        true if cursor.eat("DEFAULT") => None,
        true => Some(cursor.name_or_text()?.to_ascii_lowercase()),
        false => None,
    };
    Ok(SetItem::Names { charset, collation })
}

fn transaction(cursor: &mut Cursor<'_>, scope: Scope) -> Res<SetItem> {
    let (mut isolation, mut read_only) = (None, None);
    loop {
        if cursor.eat_all(&["ISOLATION", "LEVEL"]) && isolation.is_none() {
            isolation = Some(if cursor.eat_all(&["READ", "UNCOMMITTED"]) {
                Isolation::ReadUncommitted
            } else if cursor.eat_all(&["READ", "COMMITTED"]) {
                Isolation::ReadCommitted
            } else if cursor.eat_all(&["REPEATABLE", "READ"]) {
                Isolation::RepeatableRead
            } else if cursor.eat("SERIALIZABLE") {
                Isolation::Serializable
            } else {
                return Err(Fail::Here);
            });
        } else if cursor.eat_all(&["READ", "ONLY"]) && read_only.is_none() {
            read_only = Some(true);
        } else if cursor.eat_all(&["READ", "WRITE"]) && read_only.is_none() {
            read_only = Some(false);
        } else {
            return Err(Fail::Here);
        }
        if !cursor.take(&Token::Comma) {
            return Ok(SetItem::Transaction { scope, isolation, read_only });
        }
    }
}

fn password(cursor: &mut Cursor<'_>) -> Res<Statement> {
    let user = match cursor.eat("FOR") {
        true => Some(account_name(cursor)?),
        false => None,
    };
    equals(cursor)?;
    let password = if cursor.eat("PASSWORD") {
        cursor.need(&Token::LParen)?;
        let password = cursor.text()?;
        cursor.need(&Token::RParen)?;
        password
    } else {
        cursor.text()?
    };
    Ok(Statement::Set(vec![SetItem::Password { user, password }]))
}
