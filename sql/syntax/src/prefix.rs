//! Operands: what an expression may begin with.
//!
//! Shapes that a reader of the tree must know:
//! - `@x` and `@@scope.x` are an `Identifier` without quotes that starts with `@`;
//!   `DEFAULT` is an `Identifier` without quotes.
//! - `!x` and `NOT x` are `UnaryOp::Not`; `ROW(a, b)` and `(a, b)` are `Tuple`.
//! - `CAST(x AS t)`, `CONVERT(x, t)` and `BINARY x` are `Cast`; with a character
//!   set the `Cast` is inside a `Convert` that names it, as with `CONVERT(x USING cs)`.
//! - `INTERVAL x unit` is an `Interval` whose unit is `leading_field`, `Custom` for
//!   compound units such as `DAY_SECOND`.
//! - A word that MySQL calls without parentheses (`CURRENT_TIMESTAMP`) is a
//!   `Function` without arguments.
//! - TRUE and FALSE are `Boolean`; `0x`, `x''`, `b''` and texts that are not UTF-8
//!   are `HexStringLiteral`.
//!
//! Not here: operators (`dialect`), the order of clauses in a query (`sqlparser`).

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    CaseWhen, DataType, Expr, ExtractSyntax, Function, FunctionArguments, Interval, ObjectName,
    TimezoneInfo, TypedString, UnaryOperator, Value, ValueWithSpan,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, Word};

use crate::cast;
use crate::dialect::{NOT, PREDICATE, UNARY};
use crate::words::{is_function_too, is_reserved};

type Parsed = Result<Expr, ParserError>;

/// Parses one operand.
pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed {
    let next = parser.peek_token_ref();
    let span = next.span;
    match &next.token {
        Token::Word(_) => word(parser),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::HexStringLiteral(_)
        | Token::Placeholder(_) => literal(parser),
        Token::Minus => unary(parser, UnaryOperator::Minus, UNARY),
        Token::Plus => unary(parser, UnaryOperator::Plus, UNARY),
        Token::Tilde => unary(parser, UnaryOperator::BitwiseNot, UNARY),
        Token::ExclamationMark => unary(parser, UnaryOperator::Not, UNARY),
        Token::LParen => parenthesized(parser),
        Token::LBrace => odbc(parser, span),
        _ => parser.expected_ref("an expression", next),
    }
}

fn unary(parser: &mut Parser<'_>, op: UnaryOperator, precedence: u8) -> Parsed {
    parser.advance_token();
    let expr = Box::new(parser.parse_subexpr(precedence)?);
    Ok(Expr::UnaryOp { op, expr })
}

fn value_of(value: Value, span: Span) -> Expr {
    Expr::Value(ValueWithSpan { value, span })
}

fn literal(parser: &mut Parser<'_>) -> Parsed {
    let next = parser.next_token();
    let value = match next.token {
        Token::Number(text, long) => Value::Number(text, long),
        Token::SingleQuotedString(text) => Value::SingleQuotedString(text),
        Token::HexStringLiteral(hex) => Value::HexStringLiteral(hex),
        Token::Placeholder(mark) => Value::Placeholder(mark),
        _ => return parser.expected("a literal", next),
    };
    Ok(value_of(value, next.span))
}

fn starts_query(parser: &Parser<'_>) -> bool {
    matches!(
        &parser.peek_token_ref().token,
        Token::Word(word) if matches!(word.keyword, Keyword::SELECT | Keyword::WITH | Keyword::TABLE)
    ) || matches!(
        (&parser.peek_token_ref().token, &parser.peek_nth_token_ref(1).token),
        (Token::Word(first), Token::Word(second))
            if first.keyword == Keyword::VALUES && second.keyword == Keyword::ROW
    )
}

fn parenthesized(parser: &mut Parser<'_>) -> Parsed {
    parser.expect_token(&Token::LParen)?;
    if starts_query(parser) {
        let query = parser.parse_query()?;
        parser.expect_token(&Token::RParen)?;
        return Ok(Expr::Subquery(query));
    }
    let mut list = parser.parse_comma_separated(Parser::parse_expr)?;
    parser.expect_token(&Token::RParen)?;
    if list.len() > 1 {
        return Ok(Expr::Tuple(list));
    }
    match list.pop() {
        // `((SELECT 1))` is the same as `(SELECT 1)`.
        Some(query @ Expr::Subquery(_)) => Ok(query),
        Some(one) => Ok(Expr::Nested(Box::new(one))),
        None => parser.expected_ref("an expression", parser.peek_token_ref()),
    }
}

/// `{d '2020-01-01'}`, `{t '...'}`, `{ts '...'}`.
fn odbc(parser: &mut Parser<'_>, span: Span) -> Parsed {
    parser.expect_token(&Token::LBrace)?;
    let kind = parser.parse_identifier()?;
    let data_type = match kind.value.to_ascii_lowercase().as_str() {
        "d" => DataType::Date,
        "t" => DataType::Time(None, TimezoneInfo::None),
        "ts" => DataType::Timestamp(None, TimezoneInfo::None),
        _ => return parser.expected_ref("d, t or ts", parser.peek_token_ref()),
    };
    let text = parser.parse_literal_string()?;
    parser.expect_token(&Token::RBrace)?;
    let value = ValueWithSpan { value: Value::SingleQuotedString(text), span };
    Ok(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: true }))
}

fn word(parser: &mut Parser<'_>) -> Parsed {
    let next = parser.next_token();
    let span = next.span;
    let Token::Word(word) = next.token else { return parser.expected("a name", next) };
    if word.quote_style.is_some() {
        return name(parser, word, span);
    }
    let follows = &parser.peek_token_ref().token;
    match (word.keyword, follows) {
        (Keyword::NoKeyword, Token::SingleQuotedString(_) | Token::HexStringLiteral(_))
            if is_introducer(&word.value) =>
        {
            let prefix = word.into_ident(span);
            Ok(Expr::Prefixed { prefix, value: Box::new(literal(parser)?) })
        }
        (Keyword::NoKeyword, _) => name(parser, word, span),
        (_, Token::Period) if !is_reserved(word.keyword) => name(parser, word, span),
        _ => special(parser, word, span),
    }
}

fn is_introducer(word: &str) -> bool {
    let Some(charset) = word.strip_prefix('_') else { return false };
    const KNOWN: [&str; 16] = [
        "utf8mb4", "utf8mb3", "utf8", "binary", "latin1", "ascii", "ucs2", "utf16", "utf16le",
        "utf32", "gbk", "gb2312", "gb18030", "big5", "sjis", "cp1251",
    ];
    KNOWN.iter().any(|known| charset.eq_ignore_ascii_case(known))
}

/// Words that mean something of their own before falling back to a name or a call.
fn special(parser: &mut Parser<'_>, word: Word, span: Span) -> Parsed {
    let called = parser.peek_token_ref().token == Token::LParen;
    match word.keyword {
        Keyword::NULL => Ok(value_of(Value::Null, span)),
        Keyword::TRUE => Ok(value_of(Value::Boolean(true), span)),
        Keyword::FALSE => Ok(value_of(Value::Boolean(false), span)),
        Keyword::NOT => {
            let expr = Box::new(parser.parse_subexpr(NOT)?);
            Ok(Expr::UnaryOp { op: UnaryOperator::Not, expr })
        }
        Keyword::CASE => case(parser),
        Keyword::EXISTS if called => parser.parse_exists_expr(false),
        Keyword::CAST if called => cast::cast(parser),
        Keyword::CONVERT if called => cast::convert(parser),
        Keyword::BINARY => {
            let expr = Box::new(parser.parse_subexpr(UNARY)?);
            Ok(cast::to(expr, DataType::Binary(None)))
        }
        Keyword::INTERVAL => interval(parser, word, span),
        Keyword::EXTRACT if called => extract(parser),
        Keyword::POSITION if called => position(parser),
        Keyword::SUBSTR | Keyword::SUBSTRING if called => {
            parser.prev_token();
            parser.parse_substring()
        }
        Keyword::TRIM if called => parser.parse_trim_expr(),
        Keyword::ROW if called => row(parser),
        Keyword::CHAR if called => char_function(parser, word, span),
        Keyword::DATE | Keyword::TIME | Keyword::TIMESTAMP => typed(parser, word, span),
        Keyword::MATCH => Err(refused("FULLTEXT")),
        Keyword::CURRENT_TIMESTAMP
        | Keyword::CURRENT_TIME
        | Keyword::CURRENT_DATE
        | Keyword::CURRENT_USER
        | Keyword::LOCALTIME
        | Keyword::LOCALTIMESTAMP
            if !called =>
        {
            Ok(call_without_arguments(word, span))
        }
        Keyword::DEFAULT if !called => Ok(Expr::Identifier(word.into_ident(span))),
        keyword if is_function_too(keyword) && called => name(parser, word, span),
        Keyword::CURRENT_TIMESTAMP
        | Keyword::CURRENT_TIME
        | Keyword::CURRENT_DATE
        | Keyword::CURRENT_USER
        | Keyword::LOCALTIME
        | Keyword::LOCALTIMESTAMP => name(parser, word, span),
        keyword if is_reserved(keyword) => {
            parser.prev_token();
            parser.expected_ref("an expression", parser.peek_token_ref())
        }
        _ => name(parser, word, span),
    }
}

/// A marker that the caller of the parser turns into 1235.
pub(crate) const REFUSED: &str = "\u{1}refused:";

pub(crate) fn refused(what: &str) -> ParserError {
    ParserError::ParserError(format!("{REFUSED}{what}"))
}

fn call_without_arguments(word: Word, span: Span) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![word.into_ident(span)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

/// `a`, `a.b`, `a.b.c`, `f(...)`, `db.f(...)`, and `UTC_DATE` and its like.
fn name(parser: &mut Parser<'_>, word: Word, span: Span) -> Parsed {
    let bare = word.quote_style.is_none();
    let first = &parser.peek_token_ref().token;
    if *first == Token::LParen && !word.value.starts_with('@') {
        let called = ObjectName::from(vec![word.into_ident(span)]);
        return parser.parse_function(called);
    }
    if *first != Token::Period {
        const UTC: [&str; 3] = ["UTC_DATE", "UTC_TIME", "UTC_TIMESTAMP"];
        if bare && UTC.iter().any(|known| word.value.eq_ignore_ascii_case(known)) {
            return Ok(call_without_arguments(word, span));
        }
        return Ok(Expr::Identifier(word.into_ident(span)));
    }
    let mut parts = vec![word.into_ident(span)];
    while parser.peek_token_ref().token == Token::Period
        && matches!(parser.peek_nth_token_ref(1).token, Token::Word(_))
    {
        parser.advance_token();
        parts.push(parser.parse_identifier()?);
    }
    if parser.peek_token_ref().token == Token::LParen {
        return parser.parse_function(ObjectName::from(parts));
    }
    match parts.len() {
        // `t.*` with the period left for the caller.
        1 => Ok(Expr::Identifier(parts.remove(0))),
        _ => Ok(Expr::CompoundIdentifier(parts)),
    }
}

fn case(parser: &mut Parser<'_>) -> Parsed {
    let operand = match parser.peek_token_ref().token {
        Token::Word(Word { keyword: Keyword::WHEN, .. }) => None,
        _ => Some(Box::new(parser.parse_expr()?)),
    };
    let mut conditions = Vec::new();
    while parser.parse_keyword(Keyword::WHEN) {
        let condition = parser.parse_expr()?;
        parser.expect_keyword_is(Keyword::THEN)?;
        conditions.push(CaseWhen { condition, result: parser.parse_expr()? });
    }
    if conditions.is_empty() {
        return parser.expected_ref("WHEN", parser.peek_token_ref());
    }
    let else_result = match parser.parse_keyword(Keyword::ELSE) {
        true => Some(Box::new(parser.parse_expr()?)),
        false => None,
    };
    parser.expect_keyword_is(Keyword::END)?;
    let (case_token, end_token) = (AttachedToken::empty(), AttachedToken::empty());
    Ok(Expr::Case { case_token, end_token, operand, conditions, else_result })
}

/// `INTERVAL x unit`, or the function `INTERVAL(x, a, b, ...)`.
fn interval(parser: &mut Parser<'_>, word: Word, span: Span) -> Parsed {
    let expr = parser.parse_expr()?;
    if let Expr::Tuple(list) = expr {
        let mut function = call_without_arguments(word, span);
        if let Expr::Function(call) = &mut function {
            call.args = cast::arguments(list);
        }
        return Ok(function);
    }
    let unit = parser.parse_identifier()?;
    let Some(field) = cast::unit(&unit) else {
        parser.prev_token();
        return parser.expected_ref("a unit of time", parser.peek_token_ref());
    };
    Ok(Expr::Interval(Interval {
        value: Box::new(expr),
        leading_field: Some(field),
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }))
}

fn extract(parser: &mut Parser<'_>) -> Parsed {
    parser.expect_token(&Token::LParen)?;
    let unit = parser.parse_identifier()?;
    let Some(field) = cast::unit(&unit) else {
        parser.prev_token();
        return parser.expected_ref("a unit of time", parser.peek_token_ref());
    };
    parser.expect_keyword_is(Keyword::FROM)?;
    let expr = Box::new(parser.parse_expr()?);
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Extract { field, syntax: ExtractSyntax::From, expr })
}

fn position(parser: &mut Parser<'_>) -> Parsed {
    parser.expect_token(&Token::LParen)?;
    let expr = Box::new(parser.parse_subexpr(PREDICATE)?);
    parser.expect_keyword_is(Keyword::IN)?;
    let r#in = Box::new(parser.parse_expr()?);
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Position { expr, r#in })
}

/// A row has two columns at least.
fn row(parser: &mut Parser<'_>) -> Parsed {
    parser.expect_token(&Token::LParen)?;
    let mut list = vec![parser.parse_expr()?];
    parser.expect_token(&Token::Comma)?;
    list.extend(parser.parse_comma_separated(Parser::parse_expr)?);
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Tuple(list))
}

/// `CHAR(n, ...)` and `CHAR(n, ... USING charset)`.
fn char_function(parser: &mut Parser<'_>, word: Word, span: Span) -> Parsed {
    parser.expect_token(&Token::LParen)?;
    let list = parser.parse_comma_separated(Parser::parse_expr)?;
    let charset = match parser.parse_keyword(Keyword::USING) {
        true => Some(parser.parse_object_name(false)?),
        false => None,
    };
    parser.expect_token(&Token::RParen)?;
    let mut function = call_without_arguments(word, span);
    if let Expr::Function(call) = &mut function {
        call.args = cast::arguments(list);
    }
    Ok(match charset {
        Some(charset) => cast::charset_of(Box::new(function), charset),
        None => function,
    })
}

/// `DATE '...'`, `TIME '...'`, `TIMESTAMP '...'`; else a name or a call.
fn typed(parser: &mut Parser<'_>, word: Word, span: Span) -> Parsed {
    if !matches!(parser.peek_token_ref().token, Token::SingleQuotedString(_)) {
        return name(parser, word, span);
    }
    let data_type = match word.keyword {
        Keyword::DATE => DataType::Date,
        Keyword::TIME => DataType::Time(None, TimezoneInfo::None),
        _ => DataType::Timestamp(None, TimezoneInfo::None),
    };
    let text = parser.parse_literal_string()?;
    let value = ValueWithSpan { value: Value::SingleQuotedString(text), span };
    Ok(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }))
}
