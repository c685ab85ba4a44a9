//! Values and rows into columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewBuilder, Date32Builder, Decimal128Builder, Decimal256Builder,
    Float32Builder, Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder,
    NullArray, StringViewBuilder, TimestampMicrosecondBuilder, UInt8Builder, UInt16Builder,
    UInt32Builder, UInt64Builder,
};
use arrow::datatypes::i256;
use ethnum::I256;
use holdfast_value::row::RowReader;
use holdfast_value::{Decimal, IntWidth, SqlType, Value, ValueError};

/// Texts of a column lie in blocks of this size: what the last one leaves empty is
/// waste in every chunk, and more blocks are more buffers. [bytes]
const BLOCK_BYTES: u32 = 32 << 10;

/// Appends rows of a fixed list of slots.
#[derive(Debug)]
pub struct Builder {
    slots: Vec<Slot>,
    /// Scratch of `push_row`, kept for its allocation.
    values: Vec<Option<Value>>,
    /// Positions in `slots`, ascending by slot number: how a row is read in one pass.
    order: Vec<usize>,
    rows: usize,
}

#[derive(Debug)]
struct Slot {
    number: usize,
    of: SqlType,
    default: Value,
    column: Column,
}

impl Builder {
    /// For slots of a row: their number, their type, and what rows have that were
    /// written before there was such a slot.
    pub fn new<'a>(
        slots: impl IntoIterator<Item = (usize, &'a SqlType, &'a Value)>,
        capacity: usize,
    ) -> Self {
        let slots: Vec<Slot> = slots
            .into_iter()
            .map(|(number, of, default)| Slot {
                number,
                of: of.clone(),
                default: default.clone(),
                column: Column::new(of, capacity),
            })
            .collect();
        let mut order: Vec<usize> = (0..slots.len()).collect();
        order.sort_by_key(|at| slots[*at].number);
        Self { slots, values: Vec::new(), order, rows: 0 }
    }

    /// Appends an encoded row.
    ///
    /// # Errors
    /// [`ValueError::Stored`]; the builder is then of no use any more.
    pub fn push_row(&mut self, row: &[u8]) -> Result<(), ValueError> {
        let reader = RowReader::new(row)?;
        self.values.clear();
        let wanted = self.order.iter().map(|at| (self.slots[*at].number, &self.slots[*at].of));
        reader.each(wanted, |_, value| self.values.push(value))?;
        for (at, value) in self.order.iter().zip(&self.values) {
            let slot = &mut self.slots[*at];
            slot.column.push(value.as_ref().unwrap_or(&slot.default), &slot.of)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Appends one value for each slot, in the order the slots were given.
    ///
    /// # Errors
    /// As [`Builder::push_row`]; also where there are not as many values as slots.
    pub fn push_values(&mut self, values: &[Value]) -> Result<(), ValueError> {
        if values.len() != self.slots.len() {
            return Err(ValueError::Stored { what: "row", of: SqlType::Null });
        }
        for (slot, value) in self.slots.iter_mut().zip(values) {
            slot.column.push(value, &slot.of)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in the order the slots were given. The builder is empty again.
    pub fn finish(&mut self) -> Vec<ArrayRef> {
        self.rows = 0;
        self.slots.iter_mut().map(|slot| slot.column.finish()).collect()
    }
}

/// One column in the making.
#[derive(Debug)]
pub(crate) enum Column {
    Null(usize),
    I8(Int8Builder),
    I16(Int16Builder),
    I32(Int32Builder),
    I64(Int64Builder),
    U8(UInt8Builder),
    U16(UInt16Builder),
    U32(UInt32Builder),
    U64(UInt64Builder),
    Decimal128(Decimal128Builder, u8),
    Decimal256(Decimal256Builder, u8),
    F32(Float32Builder),
    F64(Float64Builder),
    Text(StringViewBuilder),
    Bytes(BinaryViewBuilder),
    Date(Date32Builder),
    Micros(TimestampMicrosecondBuilder),
}

impl Column {
    pub fn new(of: &SqlType, rows: usize) -> Self {
        match of {
            SqlType::Null => Self::Null(0),
            SqlType::Int { width, unsigned, .. } => match (width, unsigned) {
                (IntWidth::Tiny, false) => Self::I8(Int8Builder::with_capacity(rows)),
                (IntWidth::Small, false) => Self::I16(Int16Builder::with_capacity(rows)),
                (IntWidth::Medium | IntWidth::Int, false) => {
                    Self::I32(Int32Builder::with_capacity(rows))
                }
                (IntWidth::Big, false) => Self::I64(Int64Builder::with_capacity(rows)),
                (IntWidth::Tiny, true) => Self::U8(UInt8Builder::with_capacity(rows)),
                (IntWidth::Small, true) => Self::U16(UInt16Builder::with_capacity(rows)),
                (IntWidth::Medium | IntWidth::Int, true) => {
                    Self::U32(UInt32Builder::with_capacity(rows))
                }
                (IntWidth::Big, true) => Self::U64(UInt64Builder::with_capacity(rows)),
            },
            SqlType::Decimal { precision, scale, .. } if *precision <= 38 => {
                let builder = Decimal128Builder::with_capacity(rows);
                Self::Decimal128(builder.with_data_type(super::data_type(of)), *scale)
            }
            SqlType::Decimal { scale, .. } => {
                let builder = Decimal256Builder::with_capacity(rows);
                Self::Decimal256(builder.with_data_type(super::data_type(of)), *scale)
            }
            SqlType::Float { .. } => Self::F32(Float32Builder::with_capacity(rows)),
            SqlType::Double { .. } => Self::F64(Float64Builder::with_capacity(rows)),
            SqlType::Char(..)
            | SqlType::VarChar(..)
            | SqlType::Text(..)
            | SqlType::Enum(..)
            | SqlType::Set(..)
            | SqlType::Json => {
                let builder = StringViewBuilder::with_capacity(rows);
                Self::Text(builder.with_fixed_block_size(BLOCK_BYTES))
            }
            SqlType::Binary(_) | SqlType::VarBinary(_) | SqlType::Blob(_) => {
                let builder = BinaryViewBuilder::with_capacity(rows);
                Self::Bytes(builder.with_fixed_block_size(BLOCK_BYTES))
            }
            SqlType::Date => Self::Date(Date32Builder::with_capacity(rows)),
            SqlType::Time(_) => Self::I64(Int64Builder::with_capacity(rows)),
            SqlType::DateTime(_) | SqlType::Timestamp(_) => {
                Self::Micros(TimestampMicrosecondBuilder::with_capacity(rows))
            }
            SqlType::Year => Self::U16(UInt16Builder::with_capacity(rows)),
            SqlType::Bit(_) => Self::U64(UInt64Builder::with_capacity(rows)),
        }
    }

    pub fn push(&mut self, value: &Value, of: &SqlType) -> Result<(), ValueError> {
        let is_in = match self {
            Self::Null(rows) => {
                *rows += 1;
                value.is_null()
            }
            Self::I8(to) => put(value, int, |v| to.append_option(v)),
            Self::I16(to) => put(value, int, |v| to.append_option(v)),
            Self::I32(to) => put(value, int, |v| to.append_option(v)),
            Self::I64(to) if matches!(of, SqlType::Time(_)) => {
                put(value, time, |v| to.append_option(v))
            }
            Self::I64(to) => put(value, int, |v| to.append_option(v)),
            Self::U8(to) => put(value, int, |v| to.append_option(v)),
            Self::U16(to) => put(value, int, |v| to.append_option(v)),
            Self::U32(to) => put(value, int, |v| to.append_option(v)),
            Self::U64(to) => put(value, int, |v| to.append_option(v)),
            Self::Decimal128(to, scale) => {
                let narrow = |v: &Value| i128::try_from(digits(v, *scale)?).ok();
                put(value, narrow, |v| to.append_option(v))
            }
            Self::Decimal256(to, scale) => {
                let wide = |v: &Value| Some(i256::from_le_bytes(digits(v, *scale)?.to_le_bytes()));
                put(value, wide, |v| to.append_option(v))
            }
            Self::F32(to) => put(value, double, |v| to.append_option(v.map(|v| v as f32))),
            Self::F64(to) => put(value, double, |v| to.append_option(v)),
            Self::Text(to) => match value {
                Value::Text(text) | Value::Json(text) => to.try_append_value(&**text).is_ok(),
                Value::Null => put_null(|| to.append_null()),
                _ => false,
            },
            Self::Bytes(to) => match value {
                Value::Bytes(bytes) => to.try_append_value(&bytes[..]).is_ok(),
                Value::Null => put_null(|| to.append_null()),
                _ => false,
            },
            Self::Date(to) => put(value, date, |v| to.append_option(v)),
            Self::Micros(to) => put(value, date_time, |v| to.append_option(v)),
        };
        if is_in { Ok(()) } else { Err(ValueError::Stored { what: "value", of: of.clone() }) }
    }

    pub fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Null(rows) => Arc::new(NullArray::new(std::mem::take(rows))),
            Self::I8(from) => Arc::new(from.finish()),
            Self::I16(from) => Arc::new(from.finish()),
            Self::I32(from) => Arc::new(from.finish()),
            Self::I64(from) => Arc::new(from.finish()),
            Self::U8(from) => Arc::new(from.finish()),
            Self::U16(from) => Arc::new(from.finish()),
            Self::U32(from) => Arc::new(from.finish()),
            Self::U64(from) => Arc::new(from.finish()),
            Self::Decimal128(from, _) => Arc::new(from.finish()),
            Self::Decimal256(from, _) => Arc::new(from.finish()),
            Self::F32(from) => Arc::new(from.finish()),
            Self::F64(from) => Arc::new(from.finish()),
            Self::Text(from) => Arc::new(from.finish()),
            Self::Bytes(from) => Arc::new(from.finish()),
            Self::Date(from) => Arc::new(from.finish()),
            Self::Micros(from) => Arc::new(from.finish()),
        }
    }
}

/// Appends NULL, or what `read` makes of the value; false where it makes nothing.
fn put<T>(
    value: &Value,
    read: impl FnOnce(&Value) -> Option<T>,
    append: impl FnOnce(Option<T>),
) -> bool {
    if value.is_null() {
        append(None);
        return true;
    }
    match read(value) {
        Some(read) => {
            append(Some(read));
            true
        }
        None => false,
    }
}

fn put_null(append: impl FnOnce()) -> bool {
    append();
    true
}

fn int<T: TryFrom<i64> + TryFrom<u64>>(value: &Value) -> Option<T> {
    match value {
        Value::Int(int) => T::try_from(*int).ok(),
        Value::UInt(int) => T::try_from(*int).ok(),
        _ => None,
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(double) => Some(*double),
        _ => None,
    }
}

fn date(value: &Value) -> Option<i32> {
    match value {
        Value::Date(days) => Some(*days),
        _ => None,
    }
}

fn date_time(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(micros) => Some(*micros),
        _ => None,
    }
}

fn time(value: &Value) -> Option<i64> {
    match value {
        Value::Time(micros) => Some(*micros),
        _ => None,
    }
}

/// The digits at a scale; nothing where that would lose some.
fn digits(value: &Value, scale: u8) -> Option<I256> {
    let Value::Decimal(Decimal { digits, scale: has }) = value else { return None };
    match has.cmp(&scale) {
        std::cmp::Ordering::Equal => Some(*digits),
        std::cmp::Ordering::Less => {
            let factor = I256::from(10).checked_pow(u32::from(scale - has))?;
            digits.checked_mul(factor)
        }
        std::cmp::Ordering::Greater => {
            let factor = I256::from(10).checked_pow(u32::from(has - scale))?;
            (*digits % factor == I256::ZERO).then(|| *digits / factor)
        }
    }
}
