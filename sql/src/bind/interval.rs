//! Dates and intervals: `d + INTERVAL 1 DAY`, `DATE_ADD(d, INTERVAL 1 DAY)`, units.

use sqlparser::ast::{self, BinaryOperator as Op, DateTimeField as Field};

use super::Binder;
use super::expr::unnested;
use crate::error::{Result, SqlError};
use crate::expr::Typed;

impl Binder<'_> {
    /// `x + INTERVAL`, `INTERVAL + x`, `x - INTERVAL`.
    pub(crate) fn date_arithmetic(
        &mut self,
        left: &ast::Expr,
        op: &Op,
        right: &ast::Expr,
    ) -> Result<Option<Typed>> {
        let (date, interval, is_minus) = match (unnested(left), op, unnested(right)) {
            (_, Op::Plus, ast::Expr::Interval(interval)) => (left, interval, false),
            (_, Op::Minus, ast::Expr::Interval(interval)) => (left, interval, true),
            (ast::Expr::Interval(interval), Op::Plus, _) => (right, interval, false),
            _ => return Ok(None),
        };
        self.add_interval(date, interval, is_minus).map(Some)
    }

    pub(crate) fn add_interval(
        &mut self,
        date: &ast::Expr,
        interval: &ast::Interval,
        is_minus: bool,
    ) -> Result<Typed> {
        let field = interval.leading_field.as_ref();
        let field = field.ok_or_else(|| SqlError::syntax("an INTERVAL wants a unit"))?;
        let name = match &interval.last_field {
            Some(last) => format!("{}_{}", unit(field)?, unit(last)?),
            None => unit(field)?,
        };
        let date = self.expr(date)?;
        let amount = self.expr(&interval.value)?;
        let name = format!("date_{}_{name}", if is_minus { "sub" } else { "add" });
        self.call(&name, vec![date, amount])
    }
}

/// A unit's name as the functions have it: `day`, `day_hour`, ...
pub(crate) fn unit(field: &Field) -> Result<String> {
    let name = match field {
        Field::Year | Field::Years => "year",
        Field::Month | Field::Months => "month",
        Field::Week(_) | Field::Weeks => "week",
        Field::Day | Field::Days => "day",
        Field::Date => "date",
        Field::Hour | Field::Hours => "hour",
        Field::Minute | Field::Minutes => "minute",
        Field::Second | Field::Seconds => "second",
        Field::Quarter => "quarter",
        Field::Microsecond | Field::Microseconds => "microsecond",
        Field::Custom(name) => return Ok(name.value.to_ascii_lowercase()),
        other => return Err(SqlError::unsupported(other)),
    };
    Ok(name.into())
}
