//! Literals: what they are by themselves.

use bytes::Bytes;
use holdfast_value::decimal::Decimal;
use holdfast_value::{LobSize, SqlType, Value};
use sqlparser::ast;

use super::Binder;
use crate::error::{Result, SqlError};
use crate::expr::{Expr, Typed};

impl Binder<'_> {
    pub(crate) fn literal(&mut self, value: &ast::Value) -> Result<Typed> {
        use ast::Value as V;
        Ok(match value {
            V::Null => Typed::null(),
            V::Boolean(is_so) => Typed::int(i64::from(*is_so)),
            V::Number(text, _) => number(text)?,
            V::SingleQuotedString(text)
            | V::DoubleQuotedString(text)
            | V::NationalStringLiteral(text)
            | V::EscapedStringLiteral(text) => self.text(text),
            V::HexStringLiteral(text) => bytes(hex_bytes(text)?),
            V::SingleQuotedByteStringLiteral(text) => bytes(bit_bytes(text)?),
            V::Placeholder(text) => self.placeholder(text)?,
            other => return Err(SqlError::unsupported(other)),
        })
    }

    /// A text of the connection's collation.
    pub(crate) fn text(&self, text: &str) -> Typed {
        let length = text.chars().count() as u32;
        Typed::literal(Value::text(text), SqlType::VarChar(length, self.setting.collation))
    }

    /// `?`: the syntax crate numbers them, `?0`, `?1` ...; a bare one is refused.
    fn placeholder(&mut self, text: &str) -> Result<Typed> {
        let number = text.trim_start_matches(['?', ':']).parse::<u16>();
        let number = number.map_err(|_| SqlError::internal("a parameter without a number"))?;
        let of = self.setting.params.get(usize::from(number)).cloned();
        let of = of.unwrap_or(SqlType::VarChar(255, self.setting.collation));
        Ok(Typed::new(Expr::Param(number), of, true))
    }
}

/// A number as MySQL reads it: BIGINT, BIGINT UNSIGNED, DECIMAL or DOUBLE.
pub(crate) fn number(text: &str) -> Result<Typed> {
    if text.contains(['e', 'E']) {
        let value: f64 = text.parse().map_err(|_| illegal(text))?;
        if !value.is_finite() {
            return Err(SqlError::new(
                1367,
                format!("Illegal double '{text}' value found during parsing"),
            ));
        }
        return Ok(Typed::literal(Value::Double(value), SqlType::DOUBLE));
    }
    if !text.contains('.') {
        if let Ok(value) = text.parse::<i64>() {
            return Ok(Typed::int(value));
        }
        if let Ok(value) = text.parse::<u64>() {
            return Ok(Typed::literal(Value::UInt(value), SqlType::BIGINT_UNSIGNED));
        }
    }
    let (value, _) = Decimal::parse(text).ok_or_else(|| illegal(text))?;
    let precision = value.precision().max(value.scale).max(1);
    let of = SqlType::Decimal { precision, scale: value.scale, unsigned: false };
    Ok(Typed::literal(Value::Decimal(value), of))
}

fn illegal(text: &str) -> SqlError {
    SqlError::syntax(format!("'{text}' is not a number"))
}

fn bytes(bytes: Vec<u8>) -> Typed {
    let of = match u32::try_from(bytes.len()) {
        Ok(length) if length < 65_536 => SqlType::VarBinary(length),
        _ => SqlType::Blob(LobSize::Long),
    };
    Typed::literal(Value::Bytes(Bytes::from(bytes)), of)
}

fn hex_bytes(text: &str) -> Result<Vec<u8>> {
    let padded = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
    hex::decode(&padded).map_err(|_| SqlError::syntax(format!("X'{text}' is not hexadecimal")))
}

fn bit_bytes(text: &str) -> Result<Vec<u8>> {
    let mut bytes = vec![0u8; text.len().div_ceil(8)];
    for (at, digit) in text.bytes().rev().enumerate() {
        let last = bytes.len() - 1;
        match digit {
            b'0' => {}
            b'1' => bytes[last - at / 8] |= 1 << (at % 8),
            _ => return Err(SqlError::syntax(format!("b'{text}' is not binary"))),
        }
    }
    Ok(bytes)
}
