//! The types of columns.
//!
//! Digits and members beyond MySQL's limits are 1064 here, not 1074, 1425, 1426
//! or 1439; lengths of texts are checked by who creates the table.
//!
//! Not here: the types of CAST (`cast`), collations' meaning.

use std::sync::Arc;

use holdfast_value::{Collation, IntWidth, LobSize, SqlType};
use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Fail, Res};

/// A type with what may follow it.
pub(super) struct TypeDef {
    pub(super) of: SqlType,
    pub(super) charset: Option<String>,
    pub(super) collation: Option<String>,
    pub(super) zerofill: bool,
    /// SERIAL.
    pub(super) serial: bool,
}

const COLLATION: Collation = Collation::Uca0900AiCi;

fn length(cursor: &mut Cursor<'_>) -> Res<Option<u64>> {
    if !cursor.take(&Token::LParen) {
        return Ok(None);
    }
    let length = cursor.uint()?;
    cursor.need(&Token::RParen)?;
    Ok(Some(length))
}

fn lengths(cursor: &mut Cursor<'_>) -> Res<(Option<u64>, Option<u64>)> {
    if !cursor.take(&Token::LParen) {
        return Ok((None, None));
    }
    let first = cursor.uint()?;
    let second = match cursor.take(&Token::Comma) {
        true => Some(cursor.uint()?),
        false => None,
    };
    cursor.need(&Token::RParen)?;
    Ok((Some(first), second))
}

/// Digits of fractions of a second.
pub(super) fn fraction(cursor: &mut Cursor<'_>) -> Res<u8> {
    match length(cursor)? {
        None => Ok(0),
        Some(digits @ 0..=6) => Ok(digits as u8),
        Some(_) => Err(Fail::Here),
    }
}

fn display(length: Option<u64>) -> Option<u8> {
    length.and_then(|length| u8::try_from(length).ok())
}

fn lob(length: Option<u64>) -> LobSize {
    match length {
        None | Some(256..=65_535) | Some(0) => LobSize::Normal,
        Some(1..=255) => LobSize::Tiny,
        Some(65_536..=16_777_215) => LobSize::Medium,
        Some(_) => LobSize::Long,
    }
}

fn char_length(length: u64) -> Res<u32> {
    u32::try_from(length).map_err(|_| Fail::Here)
}

/// A type as a column has it.
pub(super) fn column_type(cursor: &mut Cursor<'_>) -> Res<TypeDef> {
    let Token::Word(word) = cursor.token() else { return Err(Fail::Here) };
    if word.quote_style.is_some() {
        return Err(Fail::Here);
    }
    let upper = word.value.to_ascii_uppercase();
    let start = cursor.parser.index();
    cursor.skip();
    let mut def = TypeDef {
        of: SqlType::Null,
        charset: None,
        collation: None,
        zerofill: false,
        serial: upper == "SERIAL",
    };
    let known = match integer(cursor, &upper)? {
        Some(of) => Some(of),
        None => match other_number(cursor, &upper)? {
            Some(of) => Some(of),
            None => text_or_time(cursor, &upper, &mut def)?,
        },
    };
    let Some(of) = known else {
        while cursor.parser.index() > start {
            cursor.parser.prev_token();
        }
        return Err(Fail::Here);
    };
    def.of = of;
    suffixes(cursor, &mut def)?;
    Ok(def)
}

fn integer(cursor: &mut Cursor<'_>, upper: &str) -> Res<Option<SqlType>> {
    let width = match upper {
        "BOOL" | "BOOLEAN" => return Ok(Some(SqlType::BOOL)),
        "SERIAL" => return Ok(Some(SqlType::BIGINT_UNSIGNED)),
        "TINYINT" | "INT1" => IntWidth::Tiny,
        "SMALLINT" | "INT2" => IntWidth::Small,
        "MEDIUMINT" | "MIDDLEINT" | "INT3" => IntWidth::Medium,
        "INT" | "INTEGER" | "INT4" => IntWidth::Int,
        "BIGINT" | "INT8" => IntWidth::Big,
        _ => return Ok(None),
    };
    let display = display(length(cursor)?);
    Ok(Some(SqlType::Int { width, unsigned: false, display }))
}

fn other_number(cursor: &mut Cursor<'_>, upper: &str) -> Res<Option<SqlType>> {
    Ok(Some(match upper {
        "DECIMAL" | "DEC" | "NUMERIC" | "FIXED" => {
            let (precision, scale) = lengths(cursor)?;
            let precision = match precision {
                None | Some(0) => 10,
                Some(precision @ 1..=65) => precision as u8,
                Some(_) => return Err(Fail::Here),
            };
            let scale = match scale {
                None => 0,
                Some(scale @ 0..=30) if scale <= u64::from(precision) => scale as u8,
                Some(_) => return Err(Fail::Here),
            };
            SqlType::Decimal { precision, scale, unsigned: false }
        }
        "FLOAT" | "FLOAT4" => match lengths(cursor)? {
            (Some(54..), None) => return Err(Fail::Here),
            (Some(25..), None) => SqlType::DOUBLE,
            _ => SqlType::Float { unsigned: false },
        },
        "DOUBLE" | "REAL" | "FLOAT8" => {
            let _ = cursor.eat("PRECISION");
            let _ = lengths(cursor)?;
            SqlType::DOUBLE
        }
        "BIT" => match length(cursor)? {
            None => SqlType::Bit(1),
            Some(bits @ 1..=64) => SqlType::Bit(bits as u8),
            Some(_) => return Err(Fail::Here),
        },
        "YEAR" => {
            let _ = length(cursor)?;
            SqlType::Year
        }
        _ => return Ok(None),
    }))
}

fn text_or_time(cursor: &mut Cursor<'_>, upper: &str, def: &mut TypeDef) -> Res<Option<SqlType>> {
    if let "NCHAR" | "NVARCHAR" | "NATIONAL" = upper {
        def.charset = Some("utf8mb3".to_owned());
    }
    Ok(Some(match upper {
        "NATIONAL" => {
            let varies = cursor.eat("VARCHAR")
                || cursor.eat_all(&["CHAR", "VARYING"])
                || cursor.eat_all(&["CHARACTER", "VARYING"]);
            if !varies {
                cursor.eat_any(&["CHAR", "CHARACTER"]).ok_or(Fail::Here)?;
            }
            chars(cursor, varies)?
        }
        "CHAR" | "CHARACTER" | "NCHAR" => {
            let varies = cursor.eat("VARYING");
            chars(cursor, varies)?
        }
        "VARCHAR" | "NVARCHAR" | "VARCHARACTER" => chars(cursor, true)?,
        "BINARY" => SqlType::Binary(char_length(length(cursor)?.unwrap_or(1))?),
        "VARBINARY" => SqlType::VarBinary(char_length(length(cursor)?.ok_or(Fail::Here)?)?),
        "TINYTEXT" => SqlType::Text(LobSize::Tiny, COLLATION),
        "TEXT" => SqlType::Text(lob(length(cursor)?), COLLATION),
        "MEDIUMTEXT" => SqlType::Text(LobSize::Medium, COLLATION),
        "LONGTEXT" => SqlType::Text(LobSize::Long, COLLATION),
        "LONG" => {
            let binary = cursor.eat("VARBINARY");
            let _ = cursor.eat("VARCHAR");
            match binary {
                true => SqlType::Blob(LobSize::Medium),
                false => SqlType::Text(LobSize::Medium, COLLATION),
            }
        }
        "TINYBLOB" => SqlType::Blob(LobSize::Tiny),
        "BLOB" => SqlType::Blob(lob(length(cursor)?)),
        "MEDIUMBLOB" => SqlType::Blob(LobSize::Medium),
        "LONGBLOB" => SqlType::Blob(LobSize::Long),
        "DATE" => SqlType::Date,
        "TIME" => SqlType::Time(fraction(cursor)?),
        "DATETIME" => SqlType::DateTime(fraction(cursor)?),
        "TIMESTAMP" => SqlType::Timestamp(fraction(cursor)?),
        "ENUM" => SqlType::Enum(members(cursor)?, COLLATION),
        "SET" => {
            let members = members(cursor)?;
            if members.len() > 64 {
                return Err(Fail::Here);
            }
            SqlType::Set(members, COLLATION)
        }
        "JSON" => SqlType::Json,
        "GEOMETRY" | "POINT" | "LINESTRING" | "POLYGON" | "MULTIPOINT" | "MULTILINESTRING"
        | "MULTIPOLYGON" | "GEOMETRYCOLLECTION" => {
            return cursor.rest_is_refused(upper);
        }
        _ => return Ok(None),
    }))
}

fn chars(cursor: &mut Cursor<'_>, varies: bool) -> Res<SqlType> {
    let length = length(cursor)?;
    Ok(match varies {
        true => SqlType::VarChar(char_length(length.ok_or(Fail::Here)?)?, COLLATION),
        false => SqlType::Char(char_length(length.unwrap_or(1))?, COLLATION),
    })
}

fn members(cursor: &mut Cursor<'_>) -> Res<Arc<[String]>> {
    let members = cursor.in_parens(Cursor::text)?;
    // Trailing spaces of members do not count.
    Ok(members.into_iter().map(|member| member.trim_end_matches(' ').to_owned()).collect())
}

/// UNSIGNED, ZEROFILL, CHARACTER SET, COLLATE, BINARY ...
fn suffixes(cursor: &mut Cursor<'_>, def: &mut TypeDef) -> Res<()> {
    loop {
        if def.of.is_number() && cursor.eat("UNSIGNED") {
            set_unsigned(&mut def.of);
        } else if def.of.is_number() && cursor.eat("SIGNED") {
        } else if def.of.is_number() && cursor.eat("ZEROFILL") {
            def.zerofill = true;
            set_unsigned(&mut def.of);
        } else if let Some(charset) = charset(cursor)? {
            def.charset = Some(charset);
        } else if def.of.is_text() && cursor.eat("BINARY") {
            def.collation = Some("binary".to_owned());
        } else if def.of.is_text() && cursor.eat("ASCII") {
            def.charset = Some("latin1".to_owned());
        } else if def.of.is_text() && cursor.eat("UNICODE") {
            def.charset = Some("ucs2".to_owned());
        } else if def.of.is_text() && cursor.eat("BYTE") {
            def.charset = Some("binary".to_owned());
        } else if cursor.eat("COLLATE") {
            let _ = cursor.take(&Token::Eq);
            def.collation = Some(cursor.name_or_text()?.to_ascii_lowercase());
        } else {
            return Ok(());
        }
    }
}

/// `CHARACTER SET x` and its other spellings, with or without `=`.
pub(super) fn charset(cursor: &mut Cursor<'_>) -> Res<Option<String>> {
    if !(cursor.eat_all(&["CHARACTER", "SET"])
        || cursor.eat_all(&["CHAR", "SET"])
        || cursor.eat("CHARSET"))
    {
        return Ok(None);
    }
    let _ = cursor.take(&Token::Eq);
    Ok(Some(cursor.name_or_text()?.to_ascii_lowercase()))
}

fn set_unsigned(of: &mut SqlType) {
    match of {
        SqlType::Int { unsigned, .. }
        | SqlType::Decimal { unsigned, .. }
        | SqlType::Float { unsigned }
        | SqlType::Double { unsigned } => *unsigned = true,
        _ => {}
    }
}
