//! CAST, CONVERT and units of time.
//!
//! Not here: the types of columns (`parse::types`).

use sqlparser::ast::{
    CastKind, CharacterLength, DataType, DateTimeField, ExactNumberInfo, Expr, FunctionArg,
    FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName, TimezoneInfo,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// `CAST(expr AS type)` as a tree.
pub(crate) fn to(expr: Box<Expr>, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr, data_type, array: false, format: None }
}

/// `CONVERT(expr USING charset)` as a tree.
pub(crate) fn charset_of(expr: Box<Expr>, charset: ObjectName) -> Expr {
    Expr::Convert {
        is_try: false,
        expr,
        data_type: None,
        charset: Some(charset),
        target_before_value: false,
        styles: vec![],
    }
}

/// A list of expressions as a call's arguments.
pub(crate) fn arguments(list: Vec<Expr>) -> FunctionArguments {
    let args =
        list.into_iter().map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))).collect();
    FunctionArguments::List(FunctionArgumentList {
        duplicate_treatment: None,
        args,
        clauses: vec![],
    })
}

/// After `CAST`.
pub(crate) fn cast(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    parser.expect_token(&Token::LParen)?;
    let expr = parser.parse_expr()?;
    parser.expect_keyword_is(Keyword::AS)?;
    finish(parser, expr)
}

/// After `CONVERT`.
pub(crate) fn convert(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    parser.expect_token(&Token::LParen)?;
    let expr = parser.parse_expr()?;
    if parser.parse_keyword(Keyword::USING) {
        let charset = parser.parse_object_name(false)?;
        parser.expect_token(&Token::RParen)?;
        return Ok(charset_of(Box::new(expr), charset));
    }
    parser.expect_token(&Token::Comma)?;
    finish(parser, expr)
}

fn finish(parser: &mut Parser<'_>, expr: Expr) -> Result<Expr, ParserError> {
    let (data_type, charset) = cast_type(parser)?;
    parser.expect_token(&Token::RParen)?;
    let cast = to(Box::new(expr), data_type);
    Ok(match charset {
        Some(charset) => charset_of(Box::new(cast), charset),
        None => cast,
    })
}

fn length(parser: &mut Parser<'_>) -> Result<Option<u64>, ParserError> {
    if !parser.consume_token(&Token::LParen) {
        return Ok(None);
    }
    let length = parser.parse_literal_uint()?;
    parser.expect_token(&Token::RParen)?;
    Ok(Some(length))
}

fn exact(parser: &mut Parser<'_>) -> Result<ExactNumberInfo, ParserError> {
    if !parser.consume_token(&Token::LParen) {
        return Ok(ExactNumberInfo::None);
    }
    let precision = parser.parse_literal_uint()?;
    let info = if parser.consume_token(&Token::Comma) {
        let scale = parser.parse_literal_uint()?;
        ExactNumberInfo::PrecisionAndScale(precision, i64::try_from(scale).unwrap_or(i64::MAX))
    } else {
        ExactNumberInfo::Precision(precision)
    };
    parser.expect_token(&Token::RParen)?;
    Ok(info)
}

fn cast_type(parser: &mut Parser<'_>) -> Result<(DataType, Option<ObjectName>), ParserError> {
    let at = parser.get_current_index();
    let word = parser.parse_identifier()?;
    let none = TimezoneInfo::None;
    let data_type = match word.value.to_ascii_uppercase().as_str() {
        "SIGNED" => {
            let _ = parser.parse_one_of_keywords(&[Keyword::INTEGER, Keyword::INT]);
            DataType::Signed
        }
        "UNSIGNED" => {
            let _ = parser.parse_one_of_keywords(&[Keyword::INTEGER, Keyword::INT]);
            DataType::Unsigned
        }
        "CHAR" | "CHARACTER" | "NCHAR" | "VARCHAR" => {
            let length =
                length(parser)?.map(|length| CharacterLength::IntegerLength { length, unit: None });
            let charset = if parser.parse_keywords(&[Keyword::CHARACTER, Keyword::SET])
                || parser.parse_keyword(Keyword::CHARSET)
                || parser.parse_keywords(&[Keyword::CHAR, Keyword::SET])
            {
                Some(parser.parse_object_name(false)?)
            } else {
                None
            };
            return Ok((DataType::Char(length), charset));
        }
        "BINARY" | "VARBINARY" => DataType::Binary(length(parser)?),
        "DECIMAL" | "DEC" | "NUMERIC" => DataType::Decimal(exact(parser)?),
        "DATE" => DataType::Date,
        "DATETIME" => DataType::Datetime(length(parser)?),
        "TIMESTAMP" => DataType::Timestamp(length(parser)?, none),
        "TIME" => DataType::Time(length(parser)?, none),
        "YEAR" => DataType::Custom(ObjectName::from(vec![Ident::new("YEAR")]), vec![]),
        "JSON" => DataType::JSON,
        "FLOAT" => DataType::Float(exact(parser)?),
        "REAL" => DataType::Double(ExactNumberInfo::None),
        "DOUBLE" => {
            let _ = parser.parse_keyword(Keyword::PRECISION);
            DataType::Double(ExactNumberInfo::None)
        }
        "INT" | "INTEGER" | "BIGINT" => DataType::Signed,
        _ => return parser.expected_at("a type to cast to", at + 1),
    };
    Ok((data_type, None))
}

/// MySQL's units of time; compound ones are `Custom`, upper case.
pub(crate) fn unit(word: &Ident) -> Option<DateTimeField> {
    let upper = word.value.to_ascii_uppercase();
    let upper = upper.strip_prefix("SQL_TSI_").unwrap_or(&upper);
    Some(match upper {
        "MICROSECOND" => DateTimeField::Microsecond,
        "SECOND" => DateTimeField::Second,
        "MINUTE" => DateTimeField::Minute,
        "HOUR" => DateTimeField::Hour,
        "DAY" => DateTimeField::Day,
        "WEEK" => DateTimeField::Week(None),
        "MONTH" => DateTimeField::Month,
        "QUARTER" => DateTimeField::Quarter,
        "YEAR" => DateTimeField::Year,
        "SECOND_MICROSECOND" | "MINUTE_MICROSECOND" | "MINUTE_SECOND" | "HOUR_MICROSECOND"
        | "HOUR_SECOND" | "HOUR_MINUTE" | "DAY_MICROSECOND" | "DAY_SECOND" | "DAY_MINUTE"
        | "DAY_HOUR" | "YEAR_MONTH" => DateTimeField::Custom(Ident::new(upper)),
        _ => return None,
    })
}
