//! CREATE, DROP and TRUNCATE.
//!
//! Not here: accounts (`account`), views (`view`).

use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Fail, Res};
use super::key::{self, Constraint};
use super::types::charset;
use super::{account, column, view};
use crate::statement::{Duplicates, Statement, TableName};
use crate::table::{CreateIndex, CreateTable, DatabaseOptions, Extras, KeyDef, TableOptions};

pub(super) fn create(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    let temporary = cursor.eat("TEMPORARY");
    if cursor.eat("TABLE") {
        return table(cursor, temporary);
    }
    if temporary {
        return Err(Fail::Here);
    }
    if cursor.eat_any(&["DATABASE", "SCHEMA"]).is_some() {
        let if_not_exists = cursor.eat_all(&["IF", "NOT", "EXISTS"]);
        let name = cursor.name()?;
        let options = database_options(cursor)?;
        return Ok(Statement::CreateDatabase { name, if_not_exists, options });
    }
    let unique = ["INDEX", "UNIQUE", "FULLTEXT", "SPATIAL"].iter().any(|word| cursor.peek(word));
    if unique && !cursor.peek_all(&["SPATIAL", "REFERENCE"]) {
        return index(cursor);
    }
    if cursor.eat("USER") {
        return account::create_user(cursor);
    }
    view::create(cursor)
}

pub(super) fn database_options(cursor: &mut Cursor<'_>) -> Res<DatabaseOptions> {
    let mut options = DatabaseOptions::default();
    loop {
        let _ = cursor.eat("DEFAULT");
        if let Some(name) = charset(cursor)? {
            options.charset = Some(name);
        } else if cursor.eat("COLLATE") {
            let _ = cursor.take(&Token::Eq);
            options.collation = Some(cursor.name_or_text()?.to_ascii_lowercase());
        } else if cursor.eat("ENCRYPTION") {
            let _ = cursor.take(&Token::Eq);
            let _ = cursor.text()?;
        } else if cursor.eat_all(&["READ", "ONLY"]) {
            let _ = cursor.take(&Token::Eq);
            options.read_only = match cursor.eat("DEFAULT") {
                true => Some(false),
                false => Some(cursor.uint()? != 0),
            };
        } else {
            return Ok(options);
        }
    }
}

fn index(cursor: &mut Cursor<'_>) -> Res<Statement> {
    let kind = key::index_kind(cursor)?;
    let name = Some(cursor.name()?);
    key::skip_using(cursor)?;
    cursor.expect("ON")?;
    let table = cursor.table_name()?;
    let parts = key::key_parts(cursor)?;
    let mut key = KeyDef { kind, name, parts, comment: None, invisible: false };
    loop {
        key::key_options(cursor, &mut key)?;
        if !algorithm_or_lock(cursor)? {
            break;
        }
    }
    Ok(Statement::CreateIndex(Box::new(CreateIndex { table, key })))
}

/// `ALGORITHM = x` or `LOCK = x`: read and dropped.
pub(super) fn algorithm_or_lock(cursor: &mut Cursor<'_>) -> Res<bool> {
    if cursor.eat_any(&["ALGORITHM", "LOCK"]).is_none() {
        return Ok(false);
    }
    let _ = cursor.take(&Token::Eq);
    let _ = cursor.name_or_text()?;
    Ok(true)
}

fn table(cursor: &mut Cursor<'_>, temporary: bool) -> Res<Statement> {
    let if_not_exists = cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let mut table = CreateTable {
        name: cursor.table_name()?,
        temporary,
        if_not_exists,
        like: None,
        columns: Vec::new(),
        keys: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        options: TableOptions::default(),
        partition_by: None,
        query: None,
        duplicates: None,
    };
    let in_parens = *cursor.token() == Token::LParen && cursor.peek_at(1, "LIKE");
    if in_parens || cursor.peek("LIKE") {
        if in_parens {
            cursor.skip();
        }
        cursor.skip();
        table.like = Some(cursor.table_name()?);
        if in_parens {
            cursor.need(&Token::RParen)?;
        }
        return Ok(Statement::CreateTable(Box::new(table)));
    }
    let query_next =
        |cursor: &Cursor<'_>| ["SELECT", "WITH"].iter().any(|word| cursor.peek_at(1, word));
    if *cursor.token() == Token::LParen && !query_next(cursor) {
        let _ = cursor.in_parens(|cursor| element(cursor, &mut table))?;
    }
    while option(cursor, &mut table.options)? {
        let _ = cursor.take(&Token::Comma);
    }
    if cursor.peek_all(&["PARTITION", "BY"]) {
        table.partition_by = Some(partition(cursor)?);
    }
    as_query(cursor, &mut table)?;
    if table.columns.is_empty() && table.query.is_none() {
        return Err(Fail::Here);
    }
    Ok(Statement::CreateTable(Box::new(table)))
}

fn element(cursor: &mut Cursor<'_>, table: &mut CreateTable) -> Res<()> {
    match key::constraint(cursor)? {
        Some(Constraint::Key(key)) => table.keys.push(key),
        Some(Constraint::Foreign(foreign)) => table.foreign_keys.push(foreign),
        Some(Constraint::Check(check)) => table.checks.push(*check),
        None => {
            let (column, Extras { keys, foreign_keys, checks }) = column::column(cursor)?;
            table.columns.push(column);
            table.keys.extend(keys);
            table.foreign_keys.extend(foreign_keys);
            table.checks.extend(checks);
        }
    }
    Ok(())
}

fn as_query(cursor: &mut Cursor<'_>, table: &mut CreateTable) -> Res<()> {
    table.duplicates = match cursor.eat_any(&["IGNORE", "REPLACE"]) {
        Some("IGNORE") => Some(Duplicates::Ignore),
        Some(_) => Some(Duplicates::Replace),
        None => None,
    };
    let said = cursor.eat("AS") || table.duplicates.is_some();
    if said || !cursor.at_end() {
        table.query = Some(cursor.parser.parse_query()?);
    }
    Ok(())
}

/// The text of PARTITION BY up to the query, or to the end.
fn partition(cursor: &mut Cursor<'_>) -> Res<String> {
    let start = cursor.offset();
    let mut depth = 0_usize;
    loop {
        match cursor.token() {
            Token::EOF => break,
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.checked_sub(1).ok_or(Fail::Here)?,
            _ if depth == 0 && (cursor.peek("AS") || cursor.peek("SELECT")) => break,
            _ => {}
        }
        cursor.skip();
    }
    if depth > 0 {
        return Err(Fail::Here);
    }
    Ok(cursor.text_since(start))
}

/// One option of a table; false if there is none.
pub(super) fn option(cursor: &mut Cursor<'_>, options: &mut TableOptions) -> Res<bool> {
    let default = cursor.peek("DEFAULT")
        && ["CHARACTER", "CHARSET", "COLLATE", "CHAR"].iter().any(|word| cursor.peek_at(1, word));
    if default {
        cursor.skip();
    }
    if let Some(name) = charset(cursor)? {
        options.charset = Some(name);
        return Ok(true);
    }
    let Token::Word(word) = cursor.token() else { return Ok(false) };
    if word.quote_style.is_some() {
        return Ok(false);
    }
    let name = word.value.to_ascii_uppercase();
    if !OPTIONS.contains(&name.as_str()) {
        return if default { Err(Fail::Here) } else { Ok(false) };
    }
    cursor.skip();
    if matches!(name.as_str(), "DATA" | "INDEX") {
        cursor.expect("DIRECTORY")?;
    }
    let _ = cursor.take(&Token::Eq);
    match name.as_str() {
        "ENGINE" | "TYPE" => options.engine = Some(cursor.name_or_text()?),
        "COLLATE" => options.collation = Some(cursor.name_or_text()?.to_ascii_lowercase()),
        "AUTO_INCREMENT" => options.auto_increment = Some(cursor.uint()?),
        "COMMENT" => options.comment = Some(cursor.text()?),
        "ROW_FORMAT" => options.row_format = Some(cursor.name_or_text()?.to_ascii_uppercase()),
        "UNION" => {
            let tables = cursor.in_parens(Cursor::table_name)?;
            let names: Vec<String> = tables.iter().map(TableName::to_string).collect();
            options.other.push((name, names.join(",")));
        }
        _ => {
            let value = match cursor.token() {
                Token::Number(number, _) => {
                    let number = number.clone();
                    cursor.skip();
                    number
                }
                _ => cursor.name_or_text()?,
            };
            options.other.push((name, value));
        }
    }
    Ok(true)
}

const OPTIONS: [&str; 33] = [
    "ENGINE",
    "TYPE",
    "COLLATE",
    "AUTO_INCREMENT",
    "COMMENT",
    "ROW_FORMAT",
    "UNION",
    "AUTOEXTEND_SIZE",
    "AVG_ROW_LENGTH",
    "CHECKSUM",
    "TABLE_CHECKSUM",
    "COMPRESSION",
    "CONNECTION",
    "DATA",
    "INDEX",
    "DELAY_KEY_WRITE",
    "ENCRYPTION",
    "ENGINE_ATTRIBUTE",
    "INSERT_METHOD",
    "KEY_BLOCK_SIZE",
    "MAX_ROWS",
    "MIN_ROWS",
    "PACK_KEYS",
    "PASSWORD",
    "SECONDARY_ENGINE_ATTRIBUTE",
    "STATS_AUTO_RECALC",
    "STATS_PERSISTENT",
    "STATS_SAMPLE_PAGES",
    "TABLESPACE",
    "PAGE_CHECKSUM",
    "TRANSACTIONAL",
    "PAGE_COMPRESSED",
    "SECONDARY_ENGINE",
];

pub(super) fn drop(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    let temporary = cursor.eat("TEMPORARY");
    if cursor.eat_any(&["TABLE", "TABLES"]).is_some() {
        let if_exists = cursor.eat_all(&["IF", "EXISTS"]);
        let tables = cursor.list(Cursor::table_name)?;
        let _ = cursor.eat_any(&["RESTRICT", "CASCADE"]);
        return Ok(Statement::DropTable { tables, if_exists, temporary });
    }
    if temporary {
        return Err(Fail::Here);
    }
    if cursor.eat("VIEW") {
        let if_exists = cursor.eat_all(&["IF", "EXISTS"]);
        let views = cursor.list(Cursor::table_name)?;
        let _ = cursor.eat_any(&["RESTRICT", "CASCADE"]);
        return Ok(Statement::DropView { views, if_exists });
    }
    if cursor.eat_any(&["DATABASE", "SCHEMA"]).is_some() {
        let if_exists = cursor.eat_all(&["IF", "EXISTS"]);
        return Ok(Statement::DropDatabase { name: cursor.name()?, if_exists });
    }
    if cursor.eat("INDEX") {
        let name = cursor.name()?;
        cursor.expect("ON")?;
        let table = cursor.table_name()?;
        while algorithm_or_lock(cursor)? {}
        return Ok(Statement::DropIndex { name, table });
    }
    if cursor.eat("USER") {
        let if_exists = cursor.eat_all(&["IF", "EXISTS"]);
        let users = cursor.list(account::account_name)?;
        return Ok(Statement::DropUser { users, if_exists });
    }
    if cursor.eat("PREPARE") {
        return Ok(Statement::Deallocate(cursor.name()?));
    }
    view::refuse(cursor)
}

pub(super) fn truncate(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    let _ = cursor.eat("TABLE");
    Ok(Statement::Truncate(cursor.table_name()?))
}
