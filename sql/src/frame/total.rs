//! SUM and AVG of exact numbers, in 128 bits where they surely fit, else in 256.
//!
//! State: sum, count. A sum is kept at the argument's scale; AVG divides once, at
//! the end, rounding half away from zero.
//!
//! - A1: a sum never wraps: 128 bits are used for arguments of at most 27 digits,
//!   of which 10^11 rows fit; 256 bits are checked.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Decimal256Array, Int64Array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal256Type, Field, FieldRef, Int64Type, i256};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use holdfast_value::ValueError;

use super::arith::{digits, digits256};
use super::trouble::wrap;

/// SUM or AVG.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Total {
    /// AVG.
    pub is_average: bool,
    /// The argument's scale.
    pub scale: u8,
    /// 128 bits will do (A1).
    pub is_narrow: bool,
    /// The result.
    pub returns: DataType,
    pub signature: Signature,
}

impl Total {
    pub fn new(is_average: bool, (digits, scale): (u8, u8), returns: DataType) -> Self {
        let signature = Signature::any(1, Volatility::Immutable);
        Self { is_average, scale, is_narrow: digits <= 27, returns, signature }
    }

    fn sums(&self) -> Sums {
        Sums {
            is_average: self.is_average,
            scale: self.scale,
            returns: self.returns.clone(),
            narrow: Vec::new(),
            wide: Vec::new(),
            is_narrow: self.is_narrow,
            counts: Vec::new(),
        }
    }
}

impl AggregateUDFImpl for Total {
    fn name(&self) -> &str {
        if self.is_average { "exact_avg" } else { "exact_sum" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let mut sums = self.sums();
        sums.grow(1);
        Ok(Box::new(One { sums }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![
            Arc::new(Field::new(format!("{}[sum]", args.name), STATE, false)),
            Arc::new(Field::new(format!("{}[count]", args.name), DataType::Int64, false)),
        ])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.sums()))
    }
}

/// The type of sums between the two halves of an aggregation.
const STATE: DataType = DataType::Decimal256(76, 0);

/// Sums of many groups.
#[derive(Debug)]
struct Sums {
    is_average: bool,
    scale: u8,
    returns: DataType,
    is_narrow: bool,
    /// Used where `is_narrow`.
    narrow: Vec<i128>,
    /// Used otherwise.
    wide: Vec<i256>,
    counts: Vec<i64>,
}

impl Sums {
    fn grow(&mut self, groups: usize) {
        if self.is_narrow {
            self.narrow.resize(groups, 0);
        } else {
            self.wide.resize(groups, i256::ZERO);
        }
        self.counts.resize(groups, 0);
    }

    fn add(
        &mut self,
        array: &ArrayRef,
        groups: impl Fn(usize) -> usize,
        is_in: impl Fn(usize) -> bool,
    ) -> Result<()> {
        if self.is_narrow {
            let values = digits(array)?;
            for (row, value) in values.values().iter().enumerate() {
                if values.is_valid(row) && is_in(row) {
                    let group = groups(row);
                    self.narrow[group] = self.narrow[group].wrapping_add(*value);
                    self.counts[group] += 1;
                }
            }
            return Ok(());
        }
        let is_wide = matches!(array.data_type(), DataType::Decimal256(..));
        if is_wide {
            let values = digits256(array)?;
            for (row, value) in values.values().iter().enumerate() {
                if values.is_valid(row) && is_in(row) {
                    self.add_wide(groups(row), *value, 1)?;
                }
            }
        } else {
            let values = digits(array)?;
            for (row, value) in values.values().iter().enumerate() {
                if values.is_valid(row) && is_in(row) {
                    self.add_wide(groups(row), i256::from_i128(*value), 1)?;
                }
            }
        }
        Ok(())
    }

    fn add_wide(&mut self, group: usize, value: i256, count: i64) -> Result<()> {
        let sum = self.wide[group].checked_add(value).ok_or_else(too_large)?;
        self.wide[group] = sum;
        self.counts[group] += count;
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: impl Fn(usize) -> usize) -> Result<()> {
        let sums = states[0].as_primitive::<Decimal256Type>();
        let counts = states[1].as_primitive::<Int64Type>();
        for row in 0..sums.len() {
            let (group, sum) = (groups(row), sums.value(row));
            if self.is_narrow {
                let sum = sum.to_i128().ok_or_else(too_large)?;
                self.narrow[group] = self.narrow[group].checked_add(sum).ok_or_else(too_large)?;
                self.counts[group] += counts.value(row);
            } else {
                self.add_wide(group, sum, counts.value(row))?;
            }
        }
        Ok(())
    }

    fn take(&mut self, emit: EmitTo) -> (Vec<i256>, Vec<i64>) {
        let sums = if self.is_narrow {
            emit.take_needed(&mut self.narrow).into_iter().map(i256::from_i128).collect()
        } else {
            emit.take_needed(&mut self.wide)
        };
        (sums, emit.take_needed(&mut self.counts))
    }

    fn finish(&self, sums: Vec<i256>, counts: &[i64]) -> Result<ArrayRef> {
        let nulls: NullBuffer = counts.iter().map(|count| *count > 0).collect();
        let nulls = Some(nulls);
        let (precision, scale) = match self.returns {
            DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
                (precision, scale)
            }
            ref other => return Err(DataFusionError::Internal(format!("a total as {other}"))),
        };
        let raise = (scale as u8).saturating_sub(self.scale);
        let factor = i256::from_i128(10).wrapping_pow(u32::from(raise));
        let most = i256::from_i128(10).wrapping_pow(u32::from(precision));
        let mut values = Vec::with_capacity(sums.len());
        for (sum, count) in sums.into_iter().zip(counts) {
            let raised = sum.checked_mul(factor).ok_or_else(too_large)?;
            let value =
                if self.is_average && *count > 0 { average(raised, *count) } else { raised };
            let is_in = value < most && value > most.wrapping_neg();
            values.push(if is_in { value } else { return Err(too_large()) });
        }
        if let DataType::Decimal256(..) = self.returns {
            let array = Decimal256Array::new(values.into(), nulls);
            return Ok(Arc::new(array.with_data_type(self.returns.clone())));
        }
        // Fewer digits than `most` has, which are at most 38.
        let narrow: Option<Vec<i128>> = values.into_iter().map(i256::to_i128).collect();
        let array = Decimal128Array::new(narrow.ok_or_else(too_large)?.into(), nulls);
        Ok(Arc::new(array.with_data_type(self.returns.clone())))
    }
}

/// Rounded half away from zero.
fn average(sum: i256, count: i64) -> i256 {
    let count = i256::from_i128(i128::from(count));
    let quotient = sum.wrapping_div(count);
    let rest = sum.wrapping_rem(count).wrapping_abs();
    if rest.wrapping_add(rest) < count {
        return quotient;
    }
    let one = i256::from_i128(if sum < i256::ZERO { -1 } else { 1 });
    quotient.wrapping_add(one)
}

fn too_large() -> DataFusionError {
    wrap(ValueError::OutOfRange { kind: "DECIMAL", expression: "sum".into() })
}

fn states(sums: Vec<i256>, counts: Vec<i64>) -> Vec<ArrayRef> {
    let sums = Decimal256Array::new(sums.into(), None).with_data_type(STATE);
    vec![Arc::new(sums), Arc::new(Int64Array::from(counts))]
}

impl GroupsAccumulator for Sums {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        match filter {
            None => self.add(&values[0], |row| groups[row], |_| true),
            Some(filter) => self.add(
                &values[0],
                |row| groups[row],
                |row| filter.is_valid(row) && filter.value(row),
            ),
        }
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (sums, counts) = self.take(emit);
        self.finish(sums, &counts)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, counts) = self.take(emit);
        Ok(states(sums, counts))
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        self.merge(values, |row| groups[row])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let array = digits256(&values[0])?;
        let is_in = |row: usize| {
            array.is_valid(row)
                && filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
        };
        let rows = 0..array.len();
        let sums = rows.clone().map(|row| if is_in(row) { array.value(row) } else { i256::ZERO });
        Ok(states(sums.collect(), rows.map(|row| i64::from(is_in(row))).collect()))
    }

    fn size(&self) -> usize {
        self.narrow.capacity() * 16 + self.wide.capacity() * 32 + self.counts.capacity() * 8
    }
}

/// One sum: without groups, and over windows.
#[derive(Debug)]
struct One {
    sums: Sums,
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.sums.add(&values[0], |_| 0, |_| true)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = match self.sums.is_narrow {
            true => i256::from_i128(self.sums.narrow[0]),
            false => self.sums.wide[0],
        };
        let one = self.sums.finish(vec![sum], &[self.sums.counts[0]])?;
        ScalarValue::try_from_array(&one, 0)
    }

    fn size(&self) -> usize {
        std::mem::size_of::<Self>() + self.sums.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sum = match self.sums.is_narrow {
            true => i256::from_i128(self.sums.narrow[0]),
            false => self.sums.wide[0],
        };
        let arrays = states(vec![sum], vec![self.sums.counts[0]]);
        arrays.iter().map(|array| ScalarValue::try_from_array(array, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.sums.merge(states, |_| 0)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let array = digits256(&values[0])?;
        for value in array.iter().flatten() {
            if self.sums.is_narrow {
                let value = value.to_i128().ok_or_else(too_large)?;
                self.sums.narrow[0] = self.sums.narrow[0].wrapping_sub(value);
                self.sums.counts[0] -= 1;
            } else {
                self.sums.add_wide(0, value.wrapping_neg(), -1)?;
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}
