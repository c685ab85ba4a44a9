//! Tokens to statements: which words start what.
//!
//! Not here: the statements themselves, a file for each family.

mod account;
mod alter;
mod column;
mod create;
mod cursor;
mod dml;
mod item;
mod key;
mod misc;
mod rewrite;
mod set;
mod show;
mod types;
mod view;

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::dialect::MySql;
use crate::error::SyntaxError;
use crate::lexer::{Lexer, Raw};
use crate::mode::ParseMode;
use crate::statement::Statement;
use cursor::{Cursor, Fail, Res};

/// How deep expressions, subqueries and tables may nest.
pub(crate) const RECURSION: usize = 100;

/// A statement and what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The statement.
    pub statement: Statement,
    /// Its own text, without a semicolon.
    pub text: String,
    /// How many `?` it has.
    pub params: usize,
}

/// Parses the statements of `sql`.
///
/// Without `mode.multi` a second statement is an error. With it, a statement that
/// does not parse comes last and as `Statement::Invalid`, so that those before it
/// run first, as with MySQL; only if it is the first is the result an error.
pub fn parse(sql: &[u8], mode: &ParseMode) -> Result<Vec<Parsed>, SyntaxError> {
    let mut lexer = Lexer::new(sql, mode);
    let mut all: Vec<Parsed> = Vec::new();
    loop {
        let one = match lexer.next_statement() {
            Ok(None) => break,
            Ok(Some(raw)) => statement(sql, raw),
            Err(error) => Err(error),
        };
        match one {
            Ok(parsed) => {
                let ends = matches!(parsed.statement, Statement::Refused(_));
                all.push(parsed);
                // The body of a routine has semicolons of its own.
                if ends {
                    return Ok(all);
                }
            }
            Err(error) if all.is_empty() => return Err(error),
            Err(error) => {
                let (text, params) = (String::new(), 0);
                all.push(Parsed { statement: Statement::Invalid(error), text, params });
                return Ok(all);
            }
        }
        if !mode.multi && !lexer.is_done() {
            return Err(lexer.error_here());
        }
    }
    if all.is_empty() { Err(SyntaxError::Empty) } else { Ok(all) }
}

fn statement(source: &[u8], mut raw: Raw) -> Result<Parsed, SyntaxError> {
    let span = |at: u64| usize::try_from(at.saturating_sub(1)).unwrap_or(0);
    let start = raw.tokens.first().map_or(0, |first| span(first.span.start.column));
    let end = raw.tokens.last().map_or(0, |last| span(last.span.end.column));
    let text = String::from_utf8_lossy(source.get(start..end).unwrap_or_default()).into_owned();
    let wrong = rewrite::clause_for_table(&raw.tokens);
    if let Some(wrong) = wrong.or_else(|| rewrite::stray_period(&raw.tokens)) {
        return Err(SyntaxError::near(source, span(wrong.start.column), wrong.start.line));
    }
    let into = rewrite::rewrite(&mut raw.tokens);
    let items = item::spans(&raw.tokens);
    let dialect = MySql;
    let parser = Parser::new(&dialect)
        .with_recursion_limit(RECURSION)
        .with_tokens_with_locations(raw.tokens);
    let mut cursor = Cursor { parser, source };
    let parsed = match into {
        rewrite::Into::File => Err(Fail::Refused("INTO OUTFILE".to_owned())),
        rewrite::Into::Variables(into) => any(&mut cursor, into),
    };
    let parsed = parsed.and_then(|statement| {
        let whole = cursor.at_end() || matches!(statement, Statement::Refused(_));
        if whole { Ok(statement) } else { Err(Fail::Here) }
    });
    let statement = match parsed {
        Ok(Statement::Query(mut select)) => {
            item::keep(&mut select, &items, source);
            Statement::Query(select)
        }
        Ok(statement) => statement,
        Err(Fail::Refused(what)) => Statement::Refused(what),
        Err(fail) => return Err(cursor.explain(fail)),
    };
    Ok(Parsed { statement, text, params: raw.params })
}

/// One statement of any kind. `into` has what was taken out of a SELECT ... INTO.
fn any(cursor: &mut Cursor<'_>, into: Vec<String>) -> Res<Statement> {
    let Token::Word(word) = cursor.token() else {
        return match cursor.token() {
            Token::LParen => dml::query(cursor, into),
            _ => Err(Fail::Here),
        };
    };
    if word.quote_style.is_some() {
        return Err(Fail::Here);
    }
    let upper = word.value.to_ascii_uppercase();
    if !matches!(upper.as_str(), "SELECT" | "WITH") && !into.is_empty() {
        return Err(Fail::Here);
    }
    match upper.as_str() {
        "SELECT" | "VALUES" | "TABLE" => dml::query(cursor, into),
        "WITH" => dml::with(cursor, into),
        "INSERT" => dml::insert(cursor, false),
        "REPLACE" => dml::insert(cursor, true),
        "UPDATE" => dml::update(cursor, None),
        "DELETE" => dml::delete(cursor, None),
        "LOAD" => dml::load(cursor),
        "SET" => set::set(cursor),
        "SHOW" => show::show(cursor),
        "DESCRIBE" | "DESC" | "EXPLAIN" => show::describe(cursor),
        "CREATE" => create::create(cursor),
        "ALTER" => alter::alter(cursor),
        "DROP" => create::drop(cursor),
        "RENAME" => alter::rename(cursor),
        "TRUNCATE" => create::truncate(cursor),
        "GRANT" => account::grant(cursor),
        "REVOKE" => account::revoke(cursor),
        _ => misc::misc(cursor, &upper),
    }
}
