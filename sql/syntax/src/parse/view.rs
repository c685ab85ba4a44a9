//! Views, and what a CREATE, ALTER or DROP may name that is refused.

use sqlparser::tokenizer::Token;

use super::account::account_name;
use super::cursor::{Cursor, Fail, Res};
use crate::account::AccountName;
use crate::statement::Statement;
use crate::table::CreateView;

/// What stands between CREATE and VIEW.
#[derive(Default)]
struct Before {
    or_replace: bool,
    algorithm: Option<String>,
    definer: Option<AccountName>,
    invoker: bool,
}

fn before(cursor: &mut Cursor<'_>) -> Res<Before> {
    let mut before = Before { or_replace: cursor.eat_all(&["OR", "REPLACE"]), ..Before::default() };
    loop {
        if cursor.eat("ALGORITHM") {
            cursor.need(&Token::Eq)?;
            let algorithm = cursor.eat_any(&["UNDEFINED", "MERGE", "TEMPTABLE"]);
            before.algorithm = Some(algorithm.ok_or(Fail::Here)?.to_owned());
        } else if cursor.eat("DEFINER") {
            cursor.need(&Token::Eq)?;
            before.definer = Some(account_name(cursor)?);
        } else if cursor.eat_all(&["SQL", "SECURITY"]) {
            let who = cursor.eat_any(&["DEFINER", "INVOKER"]).ok_or(Fail::Here)?;
            before.invoker = who == "INVOKER";
        } else {
            return Ok(before);
        }
    }
}

/// After CREATE: a view, or what is refused.
pub(super) fn create(cursor: &mut Cursor<'_>) -> Res<Statement> {
    let before = before(cursor)?;
    if cursor.eat("VIEW") { view(cursor, before, false) } else { refuse(cursor) }
}

/// After ALTER: a view, or what is refused.
pub(super) fn alter(cursor: &mut Cursor<'_>) -> Res<Statement> {
    let before = before(cursor)?;
    if cursor.eat("VIEW") { view(cursor, before, true) } else { refuse(cursor) }
}

/// Objects that there are none of here.
pub(super) fn refuse(cursor: &mut Cursor<'_>) -> Res<Statement> {
    let words = [
        "TRIGGER",
        "PROCEDURE",
        "FUNCTION",
        "EVENT",
        "SERVER",
        "TABLESPACE",
        "ROLE",
        "LOGFILE",
        "SPATIAL",
        "RESOURCE",
        "UNDO",
        "PACKAGE",
        "SEQUENCE",
        "INSTANCE",
        "LIBRARY",
        "MASKING",
    ];
    let _ = cursor.eat("AGGREGATE");
    match cursor.eat_any(&words) {
        Some(what) => cursor.rest_is_refused(what),
        None => Err(Fail::Here),
    }
}

fn view(cursor: &mut Cursor<'_>, before: Before, alter: bool) -> Res<Statement> {
    let _ = cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let name = cursor.table_name()?;
    let columns = match cursor.token() {
        Token::LParen => cursor.in_parens(Cursor::name)?,
        _ => Vec::new(),
    };
    cursor.expect("AS")?;
    let start = cursor.offset();
    let query = cursor.parser.parse_query()?;
    let text = cursor.text_since(start);
    let check_option = match cursor.eat("WITH") {
        true => {
            let kind = cursor.eat_any(&["LOCAL", "CASCADED"]).unwrap_or("CASCADED");
            cursor.expect_all(&["CHECK", "OPTION"])?;
            Some(kind.to_owned())
        }
        false => None,
    };
    let Before { or_replace, algorithm, definer, invoker } = before;
    Ok(Statement::CreateView(Box::new(CreateView {
        name,
        or_replace,
        alter,
        columns,
        query,
        text,
        definer,
        invoker,
        algorithm,
        check_option,
    })))
}
