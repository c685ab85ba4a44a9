//! Bound expressions as DataFusion's (F1, F2).

use std::sync::Arc;

use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Case, Expr, lit};
use holdfast_tail::columns::{self, data_type};
use holdfast_value::{SqlType, Value};

use super::shared::Shared;
use super::{compare, convert, native, row};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Expr as Bound, SessionValue, Typed};

/// What a column is called in every plan.
pub(super) fn name(id: ColumnId) -> String {
    format!("c{id}")
}

/// A column by its number.
pub(super) fn column(id: ColumnId) -> Expr {
    named(name(id))
}

/// A column by its name in the plan.
pub(super) fn named(name: String) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// Makes expressions.
#[derive(Clone)]
pub(super) struct Lower {
    pub shared: Arc<Shared>,
}

impl Lower {
    /// As a value of its type's column type.
    pub fn value(&self, typed: &Typed) -> Result<Expr> {
        match &typed.expr {
            Bound::Literal(value) => Ok(Expr::Literal(self.scalar(value, &typed.of)?, None)),
            Bound::Column(id) => Ok(column(*id)),
            Bound::Case { whens, otherwise } => self.case(typed, whens, otherwise.as_deref()),
            Bound::Coalesce(items) => self.coalesce(items, &typed.of),
            Bound::Call(function, args) => {
                if let Some(known) = native::value(self, function.name, args, &typed.of)? {
                    return Ok(known);
                }
                if let Some(test) = native::test(self, function.name, args)? {
                    return Ok(number(test, &typed.of));
                }
                let types = args.iter().map(|arg| arg.of.clone()).collect();
                let args = args.iter().map(|arg| self.value(arg)).collect::<Result<_>>()?;
                Ok(row::call(function, (types, args), &typed.of, &self.shared))
            }
            Bound::And(_) | Bound::Or(_) | Bound::In { .. } => {
                Ok(number(self.test(typed)?, &typed.of))
            }
            Bound::Session(SessionValue::Uuid | SessionValue::Rand) => {
                Ok(row::drawn(typed, &self.shared))
            }
            Bound::Param(_) | Bound::Variable(_) | Bound::Session(_) | Bound::Assign(..) => {
                Err(SqlError::unsupported("a user variable that changes while a query runs"))
            }
            Bound::Scalar(_) | Bound::Exists { .. } | Bound::InQuery { .. } => {
                Err(SqlError::internal("a subquery that became no join"))
            }
        }
    }

    /// As a condition.
    pub fn test(&self, typed: &Typed) -> Result<Expr> {
        match &typed.expr {
            Bound::And(items) => self.all(items),
            Bound::Or(items) => self.any(items),
            Bound::In { item, list, negated } => {
                let found = compare::in_list(self, item, list)?;
                Ok(if *negated { not(found) } else { found })
            }
            Bound::Call(function, args) => match native::test(self, function.name, args)? {
                Some(test) => Ok(test),
                None => self.truth(typed),
            },
            Bound::Literal(Value::Null) => Ok(Expr::Literal(ScalarValue::Boolean(None), None)),
            Bound::Literal(Value::Int(number)) => Ok(lit(*number != 0)),
            _ => self.truth(typed),
        }
    }

    /// All of some conditions.
    pub fn all(&self, items: &[Typed]) -> Result<Expr> {
        let tests = items.iter().map(|item| self.test(item)).collect::<Result<Vec<_>>>()?;
        Ok(balanced(tests, Expr::and).unwrap_or_else(|| lit(true)))
    }

    fn any(&self, items: &[Typed]) -> Result<Expr> {
        let tests = items.iter().map(|item| self.test(item)).collect::<Result<Vec<_>>>()?;
        Ok(balanced(tests, Expr::or).unwrap_or_else(|| lit(false)))
    }

    /// A value read as a condition.
    fn truth(&self, typed: &Typed) -> Result<Expr> {
        let value = self.value(typed)?;
        let of = &typed.of;
        let is_number = of.is_number();
        if !is_number {
            let value = row::convert(value, of, &SqlType::DOUBLE, &self.shared);
            return Ok(value.not_eq(lit(0.0f64)));
        }
        let zero = ScalarValue::new_zero(&data_type(of)).map_err(SqlError::internal)?;
        Ok(value.not_eq(Expr::Literal(zero, None)))
    }

    /// A constant as a column of its type has it.
    pub fn scalar(&self, value: &Value, of: &SqlType) -> Result<ScalarValue> {
        let value = self.shared.with(|context| row::fit(value.clone(), of, context))?;
        let one = columns::one(of, &value)?;
        ScalarValue::try_from_array(&one, 0).map_err(SqlError::internal)
    }

    /// `typed` as a value of another type.
    pub fn converted(&self, typed: &Typed, to: &SqlType) -> Result<Expr> {
        if let Bound::Literal(value) = &typed.expr
            && typed.of != *to
        {
            let converted = if value.is_null() {
                Ok(Value::Null)
            } else {
                self.shared.with(|context| {
                    holdfast_value::cast::convert(value.clone(), &typed.of, to, context)
                })
            };
            return Ok(Expr::Literal(self.scalar(&converted?, to)?, None));
        }
        Ok(convert::convert(self.value(typed)?, &typed.of, to, &self.shared))
    }

    fn case(
        &self,
        typed: &Typed,
        whens: &[(Typed, Typed)],
        otherwise: Option<&Typed>,
    ) -> Result<Expr> {
        let mut pairs = Vec::with_capacity(whens.len());
        for (test, result) in whens {
            let result = self.converted(result, &typed.of)?;
            pairs.push((Box::new(self.test(test)?), Box::new(result)));
        }
        let otherwise = match otherwise {
            Some(otherwise) => self.converted(otherwise, &typed.of)?,
            None => self.null(&typed.of)?,
        };
        Ok(Expr::Case(Case::new(None, pairs, Some(Box::new(otherwise)))))
    }

    fn coalesce(&self, items: &[Typed], of: &SqlType) -> Result<Expr> {
        let Some((last, items)) = items.split_last() else { return self.null(of) };
        let mut pairs = Vec::with_capacity(items.len());
        for item in items {
            let value = self.converted(item, of)?;
            pairs.push((Box::new(value.clone().is_not_null()), Box::new(value)));
        }
        let last = self.converted(last, of)?;
        if pairs.is_empty() {
            return Ok(last);
        }
        Ok(Expr::Case(Case::new(None, pairs, Some(Box::new(last)))))
    }

    /// NULL of a type.
    pub fn null(&self, of: &SqlType) -> Result<Expr> {
        let null = ScalarValue::try_from(&data_type(of)).map_err(SqlError::internal)?;
        Ok(Expr::Literal(null, None))
    }
}

/// A condition as the number that MySQL shows.
pub(super) fn number(test: Expr, of: &SqlType) -> Expr {
    datafusion::logical_expr::cast(test, data_type(of))
}

pub(super) fn not(test: Expr) -> Expr {
    Expr::Not(Box::new(test))
}

/// All of them joined by `join`, no deeper than need be: whoever walks a plan recurses.
pub(super) fn balanced(mut tests: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Option<Expr> {
    while tests.len() > 1 {
        let mut pairs = Vec::with_capacity(tests.len().div_ceil(2));
        let mut rest = tests.into_iter();
        while let Some(first) = rest.next() {
            pairs.push(match rest.next() {
                Some(second) => join(first, second),
                None => first,
            });
        }
        tests = pairs;
    }
    tests.pop()
}
