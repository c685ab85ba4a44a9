//! SHOW, DESCRIBE and EXPLAIN.
//!
//! Not here: what they answer.

use sqlparser::tokenizer::Token;

use super::account::account_name;
use super::cursor::{Cursor, Fail, Res};
use crate::show::{Show, ShowFilter, ShowWhat};
use crate::statement::{Statement, TableName};

pub(super) fn show(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    let what = what(cursor)?;
    let filter = if cursor.eat("LIKE") {
        Some(ShowFilter::Like(cursor.text()?))
    } else if cursor.eat("WHERE") {
        Some(ShowFilter::Where(Box::new(cursor.expr()?)))
    } else {
        None
    };
    Ok(Statement::Show(Show { what, filter }))
}

fn what(cursor: &mut Cursor<'_>) -> Res<ShowWhat> {
    let _ = cursor.eat("EXTENDED");
    let full = cursor.eat("FULL");
    if cursor.eat("TABLES") {
        return Ok(ShowWhat::Tables { db: database(cursor)?, full });
    }
    if cursor.eat_any(&["COLUMNS", "FIELDS"]).is_some() {
        return Ok(ShowWhat::Columns { table: of_table(cursor)?, full });
    }
    if cursor.eat("PROCESSLIST") {
        return Ok(ShowWhat::Processlist { full });
    }
    if full {
        return Err(Fail::Here);
    }
    if cursor.eat_any(&["INDEX", "INDEXES", "KEYS"]).is_some() {
        return Ok(ShowWhat::Indexes { table: of_table(cursor)? });
    }
    if cursor.eat("CREATE") {
        return create(cursor);
    }
    let scope = cursor.eat_any(&["GLOBAL", "SESSION", "LOCAL"]);
    let global = scope == Some("GLOBAL");
    if cursor.eat("VARIABLES") {
        return Ok(ShowWhat::Variables { global });
    }
    if cursor.eat("STATUS") {
        return Ok(ShowWhat::Status { global });
    }
    match scope {
        Some(_) => Err(Fail::Here),
        None => named(cursor),
    }
}

fn named(cursor: &mut Cursor<'_>) -> Res<ShowWhat> {
    if let Some(simple) = simple(cursor) {
        return Ok(simple);
    }
    if cursor.eat_all(&["OPEN", "TABLES"]) {
        return Ok(ShowWhat::OpenTables { db: database(cursor)? });
    }
    if cursor.eat_all(&["TABLE", "STATUS"]) {
        return Ok(ShowWhat::TableStatus { db: database(cursor)? });
    }
    if cursor.eat("TRIGGERS") {
        return Ok(ShowWhat::Triggers { db: database(cursor)? });
    }
    if cursor.eat("EVENTS") {
        return Ok(ShowWhat::Events { db: database(cursor)? });
    }
    if cursor.eat("WARNINGS") {
        let (offset, limit) = limit(cursor)?;
        return Ok(ShowWhat::Warnings { offset, limit });
    }
    if cursor.eat("ERRORS") {
        let (offset, limit) = limit(cursor)?;
        return Ok(ShowWhat::Errors { offset, limit });
    }
    if cursor.eat("COUNT") {
        cursor.need(&Token::LParen)?;
        cursor.need(&Token::Mul)?;
        cursor.need(&Token::RParen)?;
        return match cursor.eat_any(&["WARNINGS", "ERRORS"]) {
            Some("WARNINGS") => Ok(ShowWhat::CountWarnings),
            Some(_) => Ok(ShowWhat::CountErrors),
            None => Err(Fail::Here),
        };
    }
    if cursor.eat("GRANTS") {
        let user = match cursor.eat("FOR") {
            true => Some(account_name(cursor)?),
            false => None,
        };
        return Ok(ShowWhat::Grants(user));
    }
    if cursor.eat("ENGINE") {
        let name = cursor.name_or_text()?;
        let what = cursor.eat_any(&["STATUS", "LOGS", "MUTEX"]).ok_or(Fail::Here)?;
        return Ok(ShowWhat::Engine { name, what: what.to_owned() });
    }
    for refused in ["BINLOG", "RELAYLOG", "PROFILE", "PARSE_TREE"] {
        if cursor.peek(refused) {
            return cursor.rest_is_refused(&format!("SHOW {refused}"));
        }
    }
    if cursor.peek_all(&["PROCEDURE", "CODE"]) || cursor.peek_all(&["FUNCTION", "CODE"]) {
        return cursor.rest_is_refused("SHOW CODE");
    }
    Err(Fail::Here)
}

/// Those that are two words or one and nothing more.
fn simple(cursor: &mut Cursor<'_>) -> Option<ShowWhat> {
    let table: [(&[&str], ShowWhat); 27] = [
        (&["DATABASES"], ShowWhat::Databases),
        (&["SCHEMAS"], ShowWhat::Databases),
        (&["STORAGE", "ENGINES"], ShowWhat::Engines),
        (&["ENGINES"], ShowWhat::Engines),
        (&["PLUGINS"], ShowWhat::Plugins),
        (&["CHARACTER", "SET"], ShowWhat::Charsets),
        (&["CHAR", "SET"], ShowWhat::Charsets),
        (&["CHARSET"], ShowWhat::Charsets),
        (&["COLLATION"], ShowWhat::Collations),
        (&["PRIVILEGES"], ShowWhat::Privileges),
        (&["PROCEDURE", "STATUS"], ShowWhat::Procedures),
        (&["FUNCTION", "STATUS"], ShowWhat::Functions),
        (&["PACKAGE", "BODY", "STATUS"], ShowWhat::Packages),
        (&["PACKAGE", "STATUS"], ShowWhat::Packages),
        (&["MASTER", "STATUS"], ShowWhat::MasterStatus),
        (&["BINARY", "LOG", "STATUS"], ShowWhat::MasterStatus),
        (&["BINLOG", "STATUS"], ShowWhat::MasterStatus),
        (&["REPLICA", "STATUS"], ShowWhat::ReplicaStatus),
        (&["SLAVE", "STATUS"], ShowWhat::ReplicaStatus),
        (&["ALL", "SLAVES", "STATUS"], ShowWhat::ReplicaStatus),
        (&["ALL", "REPLICAS", "STATUS"], ShowWhat::ReplicaStatus),
        (&["REPLICAS"], ShowWhat::Replicas),
        (&["REPLICA", "HOSTS"], ShowWhat::Replicas),
        (&["SLAVE", "HOSTS"], ShowWhat::Replicas),
        (&["BINARY", "LOGS"], ShowWhat::BinaryLogs),
        (&["MASTER", "LOGS"], ShowWhat::BinaryLogs),
        (&["PROFILES"], ShowWhat::Profiles),
    ];
    table.into_iter().find_map(|(words, what)| cursor.eat_all(words).then_some(what))
}

fn create(cursor: &mut Cursor<'_>) -> Res<ShowWhat> {
    if cursor.eat("TABLE") {
        return Ok(ShowWhat::CreateTable(cursor.table_name()?));
    }
    if cursor.eat("VIEW") {
        return Ok(ShowWhat::CreateView(cursor.table_name()?));
    }
    if cursor.eat_any(&["DATABASE", "SCHEMA"]).is_some() {
        let if_not_exists = cursor.eat_all(&["IF", "NOT", "EXISTS"]);
        return Ok(ShowWhat::CreateDatabase { name: cursor.name()?, if_not_exists });
    }
    if cursor.eat("USER") {
        return Ok(ShowWhat::CreateUser(account_name(cursor)?));
    }
    let kind = cursor
        .eat_any(&["PROCEDURE", "FUNCTION", "TRIGGER", "EVENT"])
        .ok_or(Fail::Here)?
        .to_owned();
    Ok(ShowWhat::CreateRoutine { kind, name: cursor.table_name()? })
}

fn database(cursor: &mut Cursor<'_>) -> Res<Option<String>> {
    match cursor.eat_any(&["FROM", "IN"]) {
        Some(_) => Ok(Some(cursor.name()?)),
        None => Ok(None),
    }
}

/// `FROM t [FROM db]`.
fn of_table(cursor: &mut Cursor<'_>) -> Res<TableName> {
    cursor.eat_any(&["FROM", "IN"]).ok_or(Fail::Here)?;
    let mut table = cursor.table_name()?;
    if let Some(db) = database(cursor)? {
        table.db = Some(db);
    }
    Ok(table)
}

/// `LIMIT [offset,] count`.
fn limit(cursor: &mut Cursor<'_>) -> Res<(u64, Option<u64>)> {
    if !cursor.eat("LIMIT") {
        return Ok((0, None));
    }
    let first = cursor.uint()?;
    if cursor.take(&Token::Comma) {
        return Ok((first, Some(cursor.uint()?)));
    }
    let offset = match cursor.eat("OFFSET") {
        true => cursor.uint()?,
        false => 0,
    };
    Ok((offset, Some(first)))
}

/// DESCRIBE, DESC and EXPLAIN, of a table or of a statement.
pub(super) fn describe(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    let analyze = cursor.eat("ANALYZE");
    let _ = cursor.eat_any(&["EXTENDED", "PARTITIONS"]);
    let format = match cursor.peek("FORMAT") && *cursor.token_at(1) == Token::Eq {
        true => {
            cursor.skip();
            cursor.skip();
            Some(cursor.name_or_text()?.to_ascii_uppercase())
        }
        false => None,
    };
    if cursor.eat_all(&["FOR", "CONNECTION"]) {
        return Ok(Statement::ExplainConnection(cursor.uint()?));
    }
    let explainable =
        ["SELECT", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE", "TABLE", "VALUES"];
    let is_statement = explainable.iter().any(|word| cursor.peek(word));
    if is_statement || *cursor.token() == Token::LParen {
        let statement = Box::new(super::any(cursor, Vec::new())?);
        return Ok(Statement::Explain { analyze, format, statement });
    }
    if analyze || format.is_some() {
        return Err(Fail::Here);
    }
    let table = cursor.table_name()?;
    let filter = match cursor.token() {
        Token::EOF => None,
        Token::SingleQuotedString(_) => Some(ShowFilter::Like(cursor.text()?)),
        _ => Some(ShowFilter::Like(cursor.name()?)),
    };
    let what = ShowWhat::Columns { table, full: false };
    Ok(Statement::Show(Show { what, filter }))
}
