//! `+`, `-`, `*` on columns, with MySQL's result types.
//!
//! ```text
//! BIGINT, BIGINT UNSIGNED   i128, then whether it fits
//! DECIMAL, both sides <= 38 digits and the result as well: i128, which cannot overflow
//! DECIMAL, both sides <= 38 digits, the result longer: i128 while it lasts, else i256
//! DECIMAL, a side longer: i256
//! DOUBLE                    f64, then whether it is finite
//! ```
//!
//! A result that does not fit is computed again by the library, which says so as
//! MySQL does.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Decimal256Array, Float64Array, Int64Array,
    UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, Float64Type, Int64Type, i256};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{ColumnarValue, Expr};
use holdfast_func::Call;
use holdfast_tail::columns::data_type;
use holdfast_value::{SqlType, Value};

use super::kernel::Kernel;
use super::lower::Lower;
use super::row;
use super::trouble::wrap;
use crate::error::{Result, SqlError};
use crate::expr::Typed;

/// An operator that has kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    /// Of doubles only.
    Div,
}

impl Op {
    fn name(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
        }
    }
}

/// `a op b` as an `of`; nothing where no kernel fits.
pub(super) fn call(
    lower: &Lower,
    op: Op,
    (a, b): (&Typed, &Typed),
    of: &SqlType,
) -> Result<Option<Expr>> {
    let Some(plan) = Plan::of(op, &a.of, &b.of, of) else { return Ok(None) };
    let function = holdfast_func::lookup(op.name())
        .ok_or_else(|| SqlError::internal(format!("there is no '{}'", op.name())))?;
    let types = [a.of.clone(), b.of.clone()];
    let settings = format!("{types:?}->{of:?}");
    let (shared, to) = (Arc::clone(&lower.shared), of.clone());
    let kernel = Kernel::pure(op.name(), &settings, data_type(of), move |args, rows| {
        if let Some(done) = plan.run(args, rows)? {
            return Ok(done);
        }
        let strict = &mut |context: &mut holdfast_value::Context, values: &[Value]| {
            if values.iter().any(Value::is_null) {
                return Ok(Value::Null);
            }
            (function.eval)(context, &Call { types: &types, result: &to }, values)
        };
        row::each(args, (&types, &to), rows, &shared, strict).map_err(wrap)
    });
    Ok(Some(kernel.call(vec![lower.value(a)?, lower.value(b)?])))
}

/// How a call is computed.
#[derive(Clone, Debug)]
struct Plan {
    op: Op,
    /// The result's column type.
    to: DataType,
    /// Powers of ten that bring each side to the result's scale.
    raise: (u8, u8),
    /// A sum or product cannot leave i128.
    is_safe: bool,
}

impl Plan {
    fn of(op: Op, a: &SqlType, b: &SqlType, of: &SqlType) -> Option<Self> {
        let to = data_type(of);
        let plan = |raise, is_safe| Some(Self { op, to: to.clone(), raise, is_safe });
        match of {
            SqlType::Double { .. } => {
                let fits = |side: &SqlType| side.is_number() && !matches!(side, SqlType::Bit(_));
                (fits(a) && fits(b)).then_some(())?;
                plan((0, 0), false)
            }
            SqlType::Int { .. } => {
                let fits = |side: &SqlType| matches!(side, SqlType::Int { .. });
                let is_wide = to == DataType::Int64 || to == DataType::UInt64;
                (fits(a) && fits(b) && is_wide && op != Op::Div).then_some(())?;
                plan((0, 0), false)
            }
            SqlType::Decimal { scale, .. } => {
                let ((p, s), (q, t)) = (shape(a)?, shape(b)?);
                let (raise, digits) = match op {
                    Op::Add | Op::Sub => {
                        let raise = (scale.checked_sub(s)?, scale.checked_sub(t)?);
                        (raise, (p + raise.0).max(q + raise.1) + 1)
                    }
                    Op::Mul => {
                        (s + t == *scale).then_some(())?;
                        ((0, 0), p + q)
                    }
                    Op::Div => return None,
                };
                // Beyond 65 digits the library decides what becomes of it.
                (digits <= 65).then_some(())?;
                plan(raise, digits <= 38)
            }
            _ => None,
        }
    }

    /// Nothing where something does not fit.
    fn run(&self, args: &[ColumnarValue], rows: usize) -> DfResult<Option<ArrayRef>> {
        let (a, b) = (args[0].to_array(rows)?, args[1].to_array(rows)?);
        match &self.to {
            DataType::Float64 => self.doubles(&a, &b),
            DataType::Int64 if is_int64(&a) && is_int64(&b) => self.longs(&a, &b),
            DataType::Int64 | DataType::UInt64 => self.integers(&a, &b),
            DataType::Decimal128(..) if self.is_safe && narrow(&a) && narrow(&b) => {
                self.narrow(&a, &b).map(Some)
            }
            _ if narrow(&a) && narrow(&b) => self.widened(&a, &b),
            _ => self.wide(&a, &b),
        }
    }

    fn doubles(&self, a: &ArrayRef, b: &ArrayRef) -> DfResult<Option<ArrayRef>> {
        let (a, b) = (arrow_cast(a, &DataType::Float64)?, arrow_cast(b, &DataType::Float64)?);
        let (a, b) = (a.as_primitive::<Float64Type>(), b.as_primitive::<Float64Type>());
        let op = self.op;
        let nulls = NullBuffer::union(a.nulls(), b.nulls());
        let pairs = a.values().iter().zip(b.values());
        let values: Vec<f64> = match op {
            Op::Add => pairs.map(|(a, b)| a + b).collect(),
            Op::Sub => pairs.map(|(a, b)| a - b).collect(),
            Op::Mul => pairs.map(|(a, b)| a * b).collect(),
            Op::Div => pairs.map(|(a, b)| a / b).collect(),
        };
        let is_there = |at: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(at));
        if values.iter().enumerate().any(|(at, value)| !value.is_finite() && is_there(at)) {
            return Ok(None);
        }
        Ok(Some(Arc::new(Float64Array::new(values.into(), nulls))))
    }

    fn longs(&self, a: &ArrayRef, b: &ArrayRef) -> DfResult<Option<ArrayRef>> {
        let (a, b) = (a.as_primitive::<Int64Type>(), b.as_primitive::<Int64Type>());
        let nulls = NullBuffer::union(a.nulls(), b.nulls());
        let mut broke = false;
        let pairs = a.values().iter().zip(b.values());
        let values: Vec<i64> = pairs
            .map(|(a, b)| {
                let (value, over) = match self.op {
                    Op::Add => a.overflowing_add(*b),
                    Op::Sub => a.overflowing_sub(*b),
                    _ => a.overflowing_mul(*b),
                };
                broke |= over;
                value
            })
            .collect();
        // What lies under a NULL may have overflowed: the library then finds that out.
        Ok((!broke).then(|| Arc::new(Int64Array::new(values.into(), nulls)) as ArrayRef))
    }

    fn integers(&self, a: &ArrayRef, b: &ArrayRef) -> DfResult<Option<ArrayRef>> {
        let (a, b) = (digits(a)?, digits(b)?);
        let nulls = NullBuffer::union(a.nulls(), b.nulls());
        let pairs = a.values().iter().zip(b.values());
        // Products of 64 bits fit 128.
        let results = pairs.map(|(a, b)| match self.op {
            Op::Add => a + b,
            Op::Sub => a - b,
            _ => a.wrapping_mul(*b),
        });
        Ok(match self.to {
            DataType::Int64 => {
                let fit: Option<Vec<i64>> = results.map(|value| value.try_into().ok()).collect();
                fit.map(|values| Arc::new(Int64Array::new(values.into(), nulls)) as ArrayRef)
            }
            _ => {
                let fit: Option<Vec<u64>> = results.map(|value| value.try_into().ok()).collect();
                fit.map(|values| Arc::new(UInt64Array::new(values.into(), nulls)) as ArrayRef)
            }
        })
    }

    fn narrow(&self, a: &ArrayRef, b: &ArrayRef) -> DfResult<ArrayRef> {
        let (a, b) = (digits(a)?, digits(b)?);
        let nulls = NullBuffer::union(a.nulls(), b.nulls());
        let (x, y) = (power(self.raise.0), power(self.raise.1));
        let pairs = a.values().iter().zip(b.values());
        // Wrapping: what lies under a NULL may be anything; all else cannot overflow.
        let values: Vec<i128> = match self.op {
            Op::Add => {
                pairs.map(|(a, b)| a.wrapping_mul(x).wrapping_add(b.wrapping_mul(y))).collect()
            }
            Op::Sub => {
                pairs.map(|(a, b)| a.wrapping_mul(x).wrapping_sub(b.wrapping_mul(y))).collect()
            }
            _ => pairs.map(|(a, b)| a.wrapping_mul(*b)).collect(),
        };
        let array = Decimal128Array::new(values.into(), nulls).with_data_type(self.to.clone());
        Ok(Arc::new(array))
    }

    /// Operands of 128 bits, a result that may need more.
    fn widened(&self, a: &ArrayRef, b: &ArrayRef) -> DfResult<Option<ArrayRef>> {
        let (a, b) = (digits(a)?, digits(b)?);
        let nulls = NullBuffer::union(a.nulls(), b.nulls());
        let (x, y) = (power256(self.raise.0), power256(self.raise.1));
        let (x128, y128) = (self.raise.0 <= 38)
            .then(|| power(self.raise.0))
            .zip((self.raise.1 <= 38).then(|| power(self.raise.1)))
            .unwrap_or((0, 0));
        let op = self.op;
        let one = |a: i128, b: i128| -> i256 {
            let narrow = match op {
                Op::Mul => a.checked_mul(b),
                _ if x128 == 0 => None,
                Op::Add => {
                    a.checked_mul(x128).zip(b.checked_mul(y128)).and_then(|(a, b)| a.checked_add(b))
                }
                _ => {
                    a.checked_mul(x128).zip(b.checked_mul(y128)).and_then(|(a, b)| a.checked_sub(b))
                }
            };
            if let Some(value) = narrow {
                return i256::from_i128(value);
            }
            let (a, b) = (i256::from_i128(a), i256::from_i128(b));
            combine(op, a.wrapping_mul(x), b.wrapping_mul(y), (a, b))
        };
        let pairs = a.values().iter().zip(b.values());
        let values: Vec<i256> = pairs.map(|(a, b)| one(*a, *b)).collect();
        self.finish(values, nulls)
    }

    fn wide(&self, a: &ArrayRef, b: &ArrayRef) -> DfResult<Option<ArrayRef>> {
        let (a, b) = (digits256(a)?, digits256(b)?);
        let nulls = NullBuffer::union(a.nulls(), b.nulls());
        let (x, y) = (power256(self.raise.0), power256(self.raise.1));
        let op = self.op;
        let pairs = a.values().iter().zip(b.values());
        let values: Vec<i256> = pairs
            .map(|(a, b)| combine(op, a.wrapping_mul(x), b.wrapping_mul(y), (*a, *b)))
            .collect();
        self.finish(values, nulls)
    }

    fn finish(&self, values: Vec<i256>, nulls: Option<NullBuffer>) -> DfResult<Option<ArrayRef>> {
        let wide = Decimal256Array::new(values.into(), nulls);
        if let DataType::Decimal256(..) = self.to {
            return Ok(Some(Arc::new(wide.with_data_type(self.to.clone()))));
        }
        let narrow: Option<Vec<Option<i128>>> = wide
            .iter()
            .map(|value| match value {
                None => Some(None),
                Some(value) => value.to_i128().map(Some),
            })
            .collect();
        Ok(narrow.map(|values| {
            let array: Decimal128Array = values.into_iter().collect();
            Arc::new(array.with_data_type(self.to.clone())) as ArrayRef
        }))
    }
}

/// Sums take the raised sides, products the sides as they are.
fn combine(op: Op, a: i256, b: i256, (x, y): (i256, i256)) -> i256 {
    match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        _ => x.wrapping_mul(y),
    }
}

fn shape(of: &SqlType) -> Option<(u8, u8)> {
    match of {
        SqlType::Decimal { precision, scale, .. } => Some((*precision, *scale)),
        SqlType::Int { .. } => Some((super::convert::int_digits(of), 0)),
        _ => None,
    }
}

fn is_int64(array: &ArrayRef) -> bool {
    *array.data_type() == DataType::Int64
}

fn narrow(array: &ArrayRef) -> bool {
    !matches!(array.data_type(), DataType::Decimal256(..))
}

fn power(exponent: u8) -> i128 {
    10i128.checked_pow(u32::from(exponent)).unwrap_or(0)
}

fn power256(exponent: u8) -> i256 {
    i256::from_i128(10).wrapping_pow(u32::from(exponent))
}

/// The digits of exact numbers, whatever their scale.
pub(super) fn digits(array: &ArrayRef) -> DfResult<Decimal128Array> {
    if let Some(array) = array.as_primitive_opt::<Decimal128Type>() {
        return Ok(array.clone());
    }
    let array = arrow_cast(array, &DataType::Decimal128(20, 0))?;
    Ok(array.as_primitive::<Decimal128Type>().clone())
}

/// As [`digits`], of any width.
pub(super) fn digits256(array: &ArrayRef) -> DfResult<Decimal256Array> {
    if let Some(array) = array.as_primitive_opt::<Decimal256Type>() {
        return Ok(array.clone());
    }
    let narrow = digits(array)?;
    let values: Vec<i256> = narrow.values().iter().map(|value| i256::from_i128(*value)).collect();
    Ok(Decimal256Array::new(values.into(), narrow.nulls().cloned()))
}
