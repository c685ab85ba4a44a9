//! Accounts and grants.

use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Fail, Res};
use crate::account::{
    AccountName, AccountOptions, AccountSpec, AlterUser, CreateUser, Grant, GrantLevel, Identified,
    Privilege,
};
use crate::statement::Statement;

/// `'user'@'host'`, `user`, CURRENT_USER.
pub(super) fn account_name(cursor: &mut Cursor<'_>) -> Res<AccountName> {
    let current = matches!(cursor.token(), Token::Word(word) if word.quote_style.is_none())
        && (cursor.peek("CURRENT_USER")
            || (cursor.peek("USER") && *cursor.token_at(1) == Token::LParen));
    if current {
        cursor.skip();
        if cursor.take(&Token::LParen) {
            cursor.need(&Token::RParen)?;
        }
        return Ok(AccountName { user: String::new(), host: String::new(), current: true });
    }
    let user = match cursor.token() {
        Token::SingleQuotedString(_) => cursor.text()?,
        _ => cursor.name()?,
    };
    let host = match cursor.token() {
        Token::Word(word) if word.quote_style.is_none() && word.value.starts_with('@') => {
            let host = word.value[1..].to_owned();
            cursor.skip();
            if host.is_empty() { cursor.name_or_text()? } else { host }
        }
        _ => "%".to_owned(),
    };
    Ok(AccountName { user, host: host.to_ascii_lowercase(), current: false })
}

fn spec(cursor: &mut Cursor<'_>) -> Res<AccountSpec> {
    let name = account_name(cursor)?;
    if !cursor.eat("IDENTIFIED") {
        return Ok(AccountSpec { name, identified: Identified::Unchanged });
    }
    let plugin = match cursor.eat("WITH") || cursor.eat("VIA") {
        true => Some(cursor.name_or_text()?),
        false => None,
    };
    let identified = if cursor.eat("BY") {
        if cursor.eat_all(&["RANDOM", "PASSWORD"]) {
            return cursor.rest_is_refused("RANDOM PASSWORD");
        }
        if cursor.eat("PASSWORD") {
            let plugin = plugin.unwrap_or_else(|| "mysql_native_password".to_owned());
            Identified::As { plugin, hash: hash(cursor)? }
        } else {
            Identified::By { plugin, password: cursor.text()? }
        }
    } else if let Some(plugin) = plugin {
        match cursor.eat("AS") {
            true => Identified::As { plugin, hash: hash(cursor)? },
            false => Identified::Plugin(plugin),
        }
    } else {
        return Err(Fail::Here);
    };
    if cursor.eat("REPLACE") {
        let _ = cursor.text()?;
    }
    let _ = cursor.eat_all(&["RETAIN", "CURRENT", "PASSWORD"]);
    Ok(AccountSpec { name, identified })
}

/// A text, or bytes in hexadecimal.
fn hash(cursor: &mut Cursor<'_>) -> Res<Vec<u8>> {
    if let Token::HexStringLiteral(hex) = cursor.token() {
        let bytes = crate::lexer::from_hex(hex);
        cursor.skip();
        return Ok(bytes);
    }
    cursor.text().map(String::into_bytes)
}

fn account_options(cursor: &mut Cursor<'_>) -> Res<AccountOptions> {
    let mut options = AccountOptions::default();
    if cursor.peek_all(&["DEFAULT", "ROLE"]) {
        return cursor.rest_is_refused("ROLE");
    }
    loop {
        if cursor.eat("REQUIRE") {
            options.require_tls = Some(require(cursor)?);
        } else if cursor.eat("WITH") {
            while let Some(word) = cursor.eat_any(&[
                "MAX_QUERIES_PER_HOUR",
                "MAX_UPDATES_PER_HOUR",
                "MAX_CONNECTIONS_PER_HOUR",
                "MAX_USER_CONNECTIONS",
            ]) {
                let _ = cursor.uint()?;
                options.ignored.push(word.to_owned());
            }
        } else if cursor.eat("ACCOUNT") {
            let word = cursor.eat_any(&["LOCK", "UNLOCK"]).ok_or(Fail::Here)?;
            options.locked = Some(word == "LOCK");
        } else if cursor.eat_all(&["PASSWORD", "EXPIRE"]) {
            if cursor.eat("INTERVAL") {
                let _ = cursor.uint()?;
                cursor.expect("DAY")?;
            } else {
                options.expire = cursor.eat_any(&["DEFAULT", "NEVER"]).is_none();
            }
        } else if cursor.eat("PASSWORD") {
            password_option(cursor)?;
        } else if cursor.eat_any(&["FAILED_LOGIN_ATTEMPTS", "PASSWORD_LOCK_TIME"]).is_some() {
            if !cursor.eat("UNBOUNDED") {
                let _ = cursor.uint()?;
            }
        } else if cursor.eat("COMMENT") {
            options.comment = Some(cursor.text()?);
        } else if cursor.eat("ATTRIBUTE") {
            options.attribute = Some(cursor.text()?);
        } else if cursor.eat_all(&["DISCARD", "OLD", "PASSWORD"]) {
        } else {
            return Ok(options);
        }
    }
}

/// PASSWORD HISTORY n, REUSE INTERVAL n DAY, REQUIRE CURRENT: read and dropped.
fn password_option(cursor: &mut Cursor<'_>) -> Res<()> {
    match cursor.eat_any(&["HISTORY", "REUSE", "REQUIRE"]) {
        Some("HISTORY") => {
            if !cursor.eat("DEFAULT") {
                let _ = cursor.uint()?;
            }
        }
        Some("REUSE") => {
            cursor.expect("INTERVAL")?;
            if !cursor.eat("DEFAULT") {
                let _ = cursor.uint()?;
                cursor.expect("DAY")?;
            }
        }
        Some(_) => {
            cursor.expect("CURRENT")?;
            let _ = cursor.eat_any(&["DEFAULT", "OPTIONAL"]);
        }
        None => return Err(Fail::Here),
    }
    Ok(())
}

fn require(cursor: &mut Cursor<'_>) -> Res<bool> {
    if cursor.eat("NONE") {
        return Ok(false);
    }
    if cursor.eat_any(&["SSL", "X509"]).is_some() {
        return Ok(true);
    }
    while cursor.eat_any(&["SUBJECT", "ISSUER", "CIPHER"]).is_some() {
        let _ = cursor.text()?;
        let _ = cursor.eat("AND");
    }
    Ok(true)
}

pub(super) fn create_user(cursor: &mut Cursor<'_>) -> Res<Statement> {
    let if_not_exists = cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let users = cursor.list(spec)?;
    let options = account_options(cursor)?;
    Ok(Statement::CreateUser(CreateUser { if_not_exists, users, options }))
}

pub(super) fn alter_user(cursor: &mut Cursor<'_>) -> Res<Statement> {
    let if_exists = cursor.eat_all(&["IF", "EXISTS"]);
    let users = cursor.list(spec)?;
    let options = account_options(cursor)?;
    Ok(Statement::AlterUser(AlterUser { if_exists, users, options }))
}

/// Privileges; `None` if they are roles.
fn privileges(cursor: &mut Cursor<'_>) -> Res<Option<Vec<Privilege>>> {
    let privileges = cursor.list(|cursor| {
        let mut name = String::new();
        loop {
            match cursor.token() {
                Token::Word(word)
                    if word.quote_style.is_none()
                        && !["ON", "TO", "FROM"].iter().any(|end| cursor.peek(end)) =>
                {
                    if !name.is_empty() {
                        name.push(' ');
                    }
                    name.push_str(&word.value.to_ascii_uppercase());
                    cursor.skip();
                }
                Token::Word(word) if word.quote_style.is_some() => {
                    name.push_str(&word.value.clone());
                    cursor.skip();
                }
                Token::SingleQuotedString(text) => {
                    name.push_str(&text.clone());
                    cursor.skip();
                }
                _ => break,
            }
        }
        if name.is_empty() {
            return Err(Fail::Here);
        }
        let columns = match cursor.token() {
            Token::LParen => cursor.in_parens(Cursor::name)?,
            _ => Vec::new(),
        };
        Ok(Privilege { name, columns })
    })?;
    Ok(cursor.peek("ON").then_some(privileges))
}

fn level(cursor: &mut Cursor<'_>) -> Res<GrantLevel> {
    if cursor.peek("FUNCTION") || cursor.peek("PROCEDURE") {
        return cursor.rest_is_refused("ROUTINE");
    }
    if cursor.peek("TABLE") {
        cursor.skip();
    }
    if cursor.take(&Token::Mul) {
        if !cursor.take(&Token::Period) {
            return Ok(GrantLevel::Database(None));
        }
        cursor.need(&Token::Mul)?;
        return Ok(GrantLevel::Global);
    }
    if *cursor.token_at(1) == Token::Period && *cursor.token_at(2) == Token::Mul {
        let db = cursor.name()?;
        cursor.skip();
        cursor.skip();
        return Ok(GrantLevel::Database(Some(db)));
    }
    Ok(GrantLevel::Table(cursor.table_name()?))
}

/// Splits ALL and GRANT OPTION from the other privileges.
fn sorted(privileges: Vec<Privilege>) -> (bool, bool, Vec<Privilege>) {
    let is_all = |name: &str| matches!(name, "ALL" | "ALL PRIVILEGES");
    let all = privileges.iter().any(|privilege| is_all(&privilege.name));
    let option = privileges.iter().any(|privilege| privilege.name == "GRANT OPTION");
    let rest = privileges
        .into_iter()
        .filter(|privilege| !is_all(&privilege.name) && privilege.name != "GRANT OPTION")
        .collect();
    (all, option, rest)
}

pub(super) fn grant(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    let Some(privileges) = privileges(cursor)? else {
        return match cursor.peek("TO") {
            true => cursor.rest_is_refused("ROLE"),
            false => Err(Fail::Here),
        };
    };
    let (all, mut grant_option, privileges) = sorted(privileges);
    cursor.expect("ON")?;
    let on = level(cursor)?;
    cursor.expect("TO")?;
    let users = cursor.list(|cursor| Ok(spec(cursor)?.name))?;
    if cursor.eat("REQUIRE") {
        let _ = require(cursor)?;
    }
    if cursor.eat_all(&["WITH", "GRANT", "OPTION"]) {
        grant_option = true;
    }
    if cursor.eat("AS") {
        return cursor.rest_is_refused("GRANT AS");
    }
    Ok(Statement::Grant(Grant { all, privileges, on, users, grant_option }))
}

pub(super) fn revoke(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    let _ = cursor.eat_all(&["IF", "EXISTS"]);
    let start = cursor.peek("ALL");
    let found = privileges(cursor)?;
    let (privileges, on) = match found {
        Some(privileges) => {
            cursor.expect("ON")?;
            (privileges, level(cursor)?)
        }
        // `REVOKE ALL PRIVILEGES, GRANT OPTION FROM user`: everything everywhere.
        None if start && cursor.peek("FROM") => {
            let all = ["ALL", "GRANT OPTION"];
            let all = all.map(|name| Privilege { name: name.to_owned(), columns: Vec::new() });
            (all.to_vec(), GrantLevel::Global)
        }
        None if cursor.peek("FROM") => return cursor.rest_is_refused("ROLE"),
        None => return Err(Fail::Here),
    };
    let (all, grant_option, privileges) = sorted(privileges);
    cursor.expect("FROM")?;
    let users = cursor.list(account_name)?;
    let _ = cursor.eat_all(&["IGNORE", "UNKNOWN", "USER"]);
    Ok(Statement::Revoke(Grant { all, privileges, on, users, grant_option }))
}
