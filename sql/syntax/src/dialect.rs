//! MySQL's operators and aliases, as `sqlparser` asks for them.
//!
//! `sqlparser`'s own dialect of MySQL binds `^`, `XOR`, `DIV`, `->` and others
//! differently from MySQL, and backs out of failed guesses at exponential cost;
//! this one answers for every prefix and every precedence itself.
//!
//! Not here: what an operand may be (`prefix`).

use std::any::TypeId;

use sqlparser::ast::{BinaryOperator, Expr};
use sqlparser::dialect::{Dialect, MySqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use crate::prefix;
use crate::words::is_reserved;

const ASSIGN: u8 = 3;
const OR: u8 = 5;
const XOR: u8 = 7;
const AND: u8 = 10;
pub(crate) const NOT: u8 = 15;
const COMPARE: u8 = 20;
/// LIKE, IN, BETWEEN: tighter than `=`.
pub(crate) const PREDICATE: u8 = 22;
const BIT_OR: u8 = 24;
const BIT_AND: u8 = 26;
const SHIFT: u8 = 28;
const ADD: u8 = 30;
const MULTIPLY: u8 = 40;
const BIT_XOR: u8 = 42;
const CONCAT: u8 = 44;
/// `-x`, `~x`, `!x`, `BINARY x`.
pub(crate) const UNARY: u8 = 46;
const PATH: u8 = 60;
const PERIOD: u8 = 100;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct MySql;

fn precedence_of(parser: &Parser<'_>) -> u8 {
    match &parser.peek_token_ref().token {
        Token::Word(word) => match word.keyword {
            Keyword::OR => OR,
            Keyword::XOR => XOR,
            Keyword::AND => AND,
            Keyword::IS => COMPARE,
            Keyword::IN | Keyword::BETWEEN | Keyword::LIKE | Keyword::RLIKE | Keyword::REGEXP => {
                PREDICATE
            }
            Keyword::MEMBER if is_keyword(parser, 1, Keyword::OF) => PREDICATE,
            Keyword::NOT => match &parser.peek_nth_token_ref(1).token {
                Token::Word(next) => match next.keyword {
                    Keyword::IN
                    | Keyword::BETWEEN
                    | Keyword::LIKE
                    | Keyword::RLIKE
                    | Keyword::REGEXP => PREDICATE,
                    _ => 0,
                },
                _ => 0,
            },
            Keyword::DIV => MULTIPLY,
            _ => 0,
        },
        Token::Assignment => ASSIGN,
        Token::Eq
        | Token::Lt
        | Token::LtEq
        | Token::Neq
        | Token::Gt
        | Token::GtEq
        | Token::Spaceship => COMPARE,
        Token::Pipe => BIT_OR,
        Token::Ampersand => BIT_AND,
        Token::ShiftLeft | Token::ShiftRight => SHIFT,
        Token::Plus | Token::Minus => ADD,
        Token::Mul | Token::Div | Token::Mod => MULTIPLY,
        Token::Caret => BIT_XOR,
        Token::StringConcat => CONCAT,
        Token::Arrow | Token::LongArrow => PATH,
        Token::Period => PERIOD,
        _ => 0,
    }
}

fn is_keyword(parser: &Parser<'_>, ahead: usize, keyword: Keyword) -> bool {
    matches!(&parser.peek_nth_token_ref(ahead).token, Token::Word(word) if word.keyword == keyword)
}

/// `IN (` with another `(` after it, which `sqlparser` would read twice; `DIV`,
/// to which it gives no precedence; and `:=`, which binds from the right.
fn infix(
    parser: &mut Parser<'_>,
    left: &Expr,
    precedence: u8,
) -> Option<Result<Expr, ParserError>> {
    let (keyword, is_assignment) = match &parser.peek_token_ref().token {
        Token::Word(word) => (word.keyword, false),
        Token::Assignment => (Keyword::NoKeyword, true),
        _ => return None,
    };
    if is_assignment {
        parser.advance_token();
        return Some(binary(parser, left, BinaryOperator::Assignment, precedence - 1));
    }
    match keyword {
        Keyword::DIV => {
            parser.advance_token();
            Some(binary(parser, left, BinaryOperator::MyIntegerDivide, precedence))
        }
        Keyword::IN | Keyword::NOT => {
            let negated = keyword == Keyword::NOT;
            let first = usize::from(negated);
            let doubled = is_keyword(parser, first, Keyword::IN)
                && parser.peek_nth_token_ref(first + 1).token == Token::LParen
                && parser.peek_nth_token_ref(first + 2).token == Token::LParen;
            doubled.then(|| in_list(parser, left, negated))
        }
        _ => None,
    }
}

fn binary(
    parser: &mut Parser<'_>,
    left: &Expr,
    op: BinaryOperator,
    precedence: u8,
) -> Result<Expr, ParserError> {
    let right = Box::new(parser.parse_subexpr(precedence)?);
    Ok(Expr::BinaryOp { left: Box::new(left.clone()), op, right })
}

fn in_list(parser: &mut Parser<'_>, left: &Expr, negated: bool) -> Result<Expr, ParserError> {
    for _ in 0..2 + usize::from(negated) {
        parser.advance_token();
    }
    let list = parser.parse_comma_separated(Parser::parse_expr)?;
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::InList { expr: Box::new(left.clone()), list, negated })
}

impl Dialect for MySql {
    fn dialect(&self) -> TypeId {
        TypeId::of::<MySqlDialect>()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        MySqlDialect {}.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        MySqlDialect {}.is_identifier_part(ch)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('`')
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        Some(prefix::parse(parser))
    }

    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        infix(parser, expr, precedence)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        Some(Ok(precedence_of(parser)))
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        match precedence {
            Precedence::Period => PERIOD,
            Precedence::DoubleColon | Precedence::AtTz => PATH,
            Precedence::MulDivModOp => MULTIPLY,
            Precedence::PlusMinus => ADD,
            Precedence::Caret => BIT_XOR,
            Precedence::Ampersand => BIT_AND,
            Precedence::Pipe | Precedence::Colon | Precedence::PgOther => BIT_OR,
            Precedence::Between | Precedence::Like => PREDICATE,
            Precedence::Eq | Precedence::Is => COMPARE,
            Precedence::UnaryNot => NOT,
            Precedence::And => AND,
            Precedence::Xor => XOR,
            Precedence::Or => OR,
        }
    }

    fn is_select_item_alias(&self, explicit: bool, kw: &Keyword, _parser: &mut Parser<'_>) -> bool {
        explicit || !(is_reserved(*kw) || *kw == Keyword::RETURNING)
    }

    fn is_table_factor_alias(
        &self,
        explicit: bool,
        kw: &Keyword,
        _parser: &mut Parser<'_>,
    ) -> bool {
        explicit || !(is_reserved(*kw) || matches!(*kw, Keyword::RETURNING | Keyword::OFFSET))
    }

    fn is_reserved_for_identifier(&self, kw: Keyword) -> bool {
        is_reserved(kw)
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn ignores_wildcard_escapes(&self) -> bool {
        true
    }

    fn supports_numeric_prefix(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn require_interval_qualifier(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_select_modifiers(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn supports_cross_join_constraint(&self) -> bool {
        true
    }
}
