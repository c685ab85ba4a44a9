//! SELECT, INSERT, REPLACE, UPDATE, DELETE and LOAD DATA.
//!
//! Not here: queries' clauses, which `sqlparser` parses.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{Expr, Ident, OrderByExpr, With};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Fail, Res};
use crate::statement::{
    Delete, Duplicates, Insert, InsertSource, LoadData, Select, Statement, TableName, Update,
};

pub(super) fn query(cursor: &mut Cursor<'_>, into: Vec<String>) -> Res<Statement> {
    let query = cursor.parser.parse_query()?;
    if cursor.peek("PROCEDURE") {
        return cursor.rest_is_refused("PROCEDURE ANALYSE");
    }
    Ok(Statement::Query(Select { items: Vec::new(), query, into }))
}

/// At WITH: a query, an UPDATE or a DELETE.
pub(super) fn with(cursor: &mut Cursor<'_>, into: Vec<String>) -> Res<Statement> {
    let start = cursor.parser.index();
    cursor.expect("WITH")?;
    let recursive = cursor.eat("RECURSIVE");
    let cte_tables = cursor.parser.parse_comma_separated(Parser::parse_cte)?;
    let with = With { with_token: AttachedToken::empty(), recursive, cte_tables };
    if cursor.peek("UPDATE") {
        return update(cursor, Some(with));
    }
    if cursor.peek("DELETE") {
        return delete(cursor, Some(with));
    }
    if !cursor.peek("SELECT") && !cursor.peek("TABLE") && *cursor.token() != Token::LParen {
        return Err(Fail::Here);
    }
    // The query is parsed from where the WITH ends, and takes it in.
    debug_assert!(cursor.parser.index() > start, "WITH was taken");
    let mut query = cursor.parser.parse_query()?;
    query.with = Some(with);
    Ok(Statement::Query(Select { items: Vec::new(), query, into }))
}

fn ident(cursor: &mut Cursor<'_>) -> Res<Ident> {
    let quoted = matches!(cursor.token(), Token::Word(word) if word.quote_style.is_some());
    let value = cursor.name()?;
    Ok(if quoted { Ident::with_quote('`', value) } else { Ident::new(value) })
}

/// A column of the target: its table's name, if there is one, is dropped.
fn target_column(cursor: &mut Cursor<'_>) -> Res<Ident> {
    let mut column = ident(cursor)?;
    while cursor.take(&Token::Period) {
        column = Ident::with_quote('`', cursor.name_or_text()?);
    }
    Ok(column)
}

pub(super) fn insert(cursor: &mut Cursor<'_>, replace: bool) -> Res<Statement> {
    cursor.skip();
    let _ = cursor.eat_any(&["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY"]);
    let ignore = cursor.eat("IGNORE");
    let _ = cursor.eat("INTO");
    let table = cursor.table_name()?;
    if cursor.peek("PARTITION") {
        return cursor.rest_is_refused("PARTITION");
    }
    let mut columns = Vec::new();
    if *cursor.token() == Token::LParen && !is_query(cursor, 1) {
        cursor.skip();
        if !cursor.take(&Token::RParen) {
            columns = cursor.list(target_column)?;
            cursor.need(&Token::RParen)?;
        }
    }
    let source = if cursor.eat("SET") {
        let (names, row) = cursor.list(|cursor| assignment(cursor))?.into_iter().unzip();
        columns = names;
        InsertSource::Values(vec![row])
    } else if (cursor.peek("VALUES") || cursor.peek("VALUE"))
        && *cursor.token_at(1) == Token::LParen
    {
        cursor.skip();
        InsertSource::Values(cursor.list(row)?)
    } else if is_query(cursor, 0) || *cursor.token() == Token::LParen {
        InsertSource::Query(cursor.parser.parse_query()?)
    } else {
        return Err(Fail::Here);
    };
    let alias = match cursor.eat("AS") {
        true => {
            let row = ident(cursor)?;
            let columns = match cursor.token() {
                Token::LParen => cursor.in_parens(ident)?,
                _ => Vec::new(),
            };
            Some((row, columns))
        }
        false => None,
    };
    let on_duplicate = match cursor.eat_all(&["ON", "DUPLICATE", "KEY", "UPDATE"]) && !replace {
        true => cursor.parser.parse_comma_separated(Parser::parse_assignment)?,
        false => Vec::new(),
    };
    let returning = cursor.eat("RETURNING");
    if returning {
        cursor.parser.parse_comma_separated(Parser::parse_select_item)?;
    }
    Ok(Statement::Insert(Box::new(Insert {
        replace,
        ignore,
        table,
        columns,
        source,
        alias,
        on_duplicate,
        returning,
    })))
}

fn is_query(cursor: &Cursor<'_>, mut ahead: usize) -> bool {
    while *cursor.token_at(ahead) == Token::LParen {
        ahead += 1;
    }
    ["SELECT", "WITH", "TABLE"].iter().any(|word| cursor.peek_at(ahead, word))
        || (cursor.peek_at(ahead, "VALUES") && cursor.peek_at(ahead + 1, "ROW"))
}

fn assignment(cursor: &mut Cursor<'_>) -> Res<(Ident, Expr)> {
    let column = target_column(cursor)?;
    if !cursor.take(&Token::Eq) {
        cursor.need(&Token::Assignment)?;
    }
    Ok((column, cursor.expr()?))
}

fn row(cursor: &mut Cursor<'_>) -> Res<Vec<Expr>> {
    cursor.need(&Token::LParen)?;
    if cursor.take(&Token::RParen) {
        return Ok(Vec::new());
    }
    let row = cursor.list(Cursor::expr)?;
    cursor.need(&Token::RParen)?;
    Ok(row)
}

/// WHERE, ORDER BY and LIMIT of an UPDATE or DELETE.
struct Tail {
    selection: Option<Expr>,
    order_by: Vec<OrderByExpr>,
    limit: Option<Expr>,
}

fn tail(cursor: &mut Cursor<'_>) -> Res<Tail> {
    let selection = match cursor.eat("WHERE") {
        true => Some(cursor.expr()?),
        false => None,
    };
    let order_by = match cursor.eat_all(&["ORDER", "BY"]) {
        true => cursor.parser.parse_comma_separated(Parser::parse_order_by_expr)?,
        false => Vec::new(),
    };
    let limit = match cursor.eat("LIMIT") {
        true => Some(cursor.expr()?),
        false => None,
    };
    Ok(Tail { selection, order_by, limit })
}

pub(super) fn update(cursor: &mut Cursor<'_>, with: Option<With>) -> Res<Statement> {
    cursor.skip();
    let _ = cursor.eat("LOW_PRIORITY");
    let ignore = cursor.eat("IGNORE");
    let tables = cursor.parser.parse_comma_separated(Parser::parse_table_and_joins)?;
    cursor.expect("SET")?;
    let assignments = cursor.parser.parse_comma_separated(Parser::parse_assignment)?;
    let Tail { selection, order_by, limit } = tail(cursor)?;
    Ok(Statement::Update(Box::new(Update {
        with,
        ignore,
        tables,
        assignments,
        selection,
        order_by,
        limit,
    })))
}

/// `t`, `t.*`, `db.t`, `db.t.*`.
fn delete_target(cursor: &mut Cursor<'_>) -> Res<TableName> {
    let first = cursor.name()?;
    if !cursor.take(&Token::Period) {
        return Ok(TableName { db: None, name: first });
    }
    if cursor.take(&Token::Mul) {
        return Ok(TableName { db: None, name: first });
    }
    let name = cursor.name_or_text()?;
    if cursor.take(&Token::Period) {
        cursor.need(&Token::Mul)?;
    }
    Ok(TableName { db: Some(first), name })
}

pub(super) fn delete(cursor: &mut Cursor<'_>, with: Option<With>) -> Res<Statement> {
    cursor.skip();
    let mut ignore = false;
    while let Some(word) = cursor.eat_any(&["LOW_PRIORITY", "QUICK", "IGNORE"]) {
        ignore |= word == "IGNORE";
    }
    let mut targets = Vec::new();
    if !cursor.eat("FROM") {
        targets = cursor.list(delete_target)?;
        cursor.expect("FROM")?;
    } else if names_then_using(cursor) {
        targets = cursor.list(delete_target)?;
        cursor.expect("USING")?;
    }
    let from = cursor.parser.parse_comma_separated(Parser::parse_table_and_joins)?;
    if cursor.peek("PARTITION") {
        return cursor.rest_is_refused("PARTITION");
    }
    let Tail { selection, order_by, limit } = tail(cursor)?;
    let several = !targets.is_empty();
    if several && (!order_by.is_empty() || limit.is_some()) {
        return Err(Fail::Here);
    }
    let delete = Delete { with, ignore, targets, from, selection, order_by, limit };
    Ok(Statement::Delete(Box::new(delete)))
}

/// True for `a, b.* USING`: names, periods, stars and commas up to a USING.
fn names_then_using(cursor: &Cursor<'_>) -> bool {
    // Looking ahead costs as much as the distance: no list of tables is longer.
    for ahead in 0..400 {
        match cursor.token_at(ahead) {
            Token::Period | Token::Mul | Token::Comma => {}
            Token::Word(_) if cursor.peek_at(ahead, "USING") => return ahead > 0,
            Token::Word(word)
                if word.quote_style.is_some() || !crate::words::is_reserved(word.keyword) => {}
            _ => return false,
        }
    }
    false
}

pub(super) fn load(cursor: &mut Cursor<'_>) -> Res<Statement> {
    cursor.skip();
    if cursor.peek("XML") || cursor.peek("INDEX") {
        return cursor.rest_is_refused("LOAD XML");
    }
    cursor.expect("DATA")?;
    let _ = cursor.eat_any(&["LOW_PRIORITY", "CONCURRENT"]);
    let local = cursor.eat("LOCAL");
    cursor.expect("INFILE")?;
    let file = cursor.text()?;
    let duplicates = match cursor.eat_any(&["REPLACE", "IGNORE"]) {
        Some("REPLACE") => Duplicates::Replace,
        Some(_) => Duplicates::Ignore,
        None => Duplicates::Fail,
    };
    cursor.expect_all(&["INTO", "TABLE"])?;
    let table = cursor.table_name()?;
    if cursor.peek("PARTITION") {
        return cursor.rest_is_refused("PARTITION");
    }
    let charset = match cursor.eat_all(&["CHARACTER", "SET"]) || cursor.eat("CHARSET") {
        true => Some(cursor.name_or_text()?.to_ascii_lowercase()),
        false => None,
    };
    let mut load = LoadData {
        local,
        file,
        duplicates,
        table,
        charset,
        field_end: "\t".to_owned(),
        enclosed: String::new(),
        optionally: false,
        escaped: None,
        line_start: String::new(),
        line_end: "\n".to_owned(),
        skip: 0,
        columns: Vec::new(),
        assignments: Vec::new(),
    };
    load_format(cursor, &mut load)?;
    if cursor.eat("IGNORE") {
        load.skip = cursor.uint()?;
        cursor.eat_any(&["LINES", "ROWS"]).ok_or(Fail::Here)?;
    }
    if *cursor.token() == Token::LParen && *cursor.token_at(1) != Token::RParen {
        load.columns = cursor.in_parens(|cursor| {
            if let Ok(variable) = cursor.variable() {
                return Ok(Ident::new(format!("@{variable}")));
            }
            target_column(cursor)
        })?;
    } else if cursor.take(&Token::LParen) {
        cursor.need(&Token::RParen)?;
    }
    if cursor.eat("SET") {
        load.assignments = cursor.parser.parse_comma_separated(Parser::parse_assignment)?;
    }
    Ok(Statement::LoadData(Box::new(load)))
}

fn load_format(cursor: &mut Cursor<'_>, load: &mut LoadData) -> Res<()> {
    if cursor.eat_any(&["FIELDS", "COLUMNS"]).is_some() {
        loop {
            if cursor.eat_all(&["TERMINATED", "BY"]) {
                load.field_end = cursor.text()?;
            } else if cursor.eat_all(&["OPTIONALLY", "ENCLOSED", "BY"]) {
                load.optionally = true;
                load.enclosed = cursor.text()?;
            } else if cursor.eat_all(&["ENCLOSED", "BY"]) {
                load.enclosed = cursor.text()?;
            } else if cursor.eat_all(&["ESCAPED", "BY"]) {
                load.escaped = Some(cursor.text()?);
            } else {
                break;
            }
        }
    }
    if cursor.eat("LINES") {
        loop {
            if cursor.eat_all(&["STARTING", "BY"]) {
                load.line_start = cursor.text()?;
            } else if cursor.eat_all(&["TERMINATED", "BY"]) {
                load.line_end = cursor.text()?;
            } else {
                break;
            }
        }
    }
    Ok(())
}
