//! Aggregates that want all values of a group at once: GROUP_CONCAT, JSON_ARRAYAGG,
//! JSON_OBJECTAGG, SUM and AVG of DISTINCT; and those that keep one: MIN and MAX of
//! texts under their collation, a scalar subquery's only value.
//!
//! State: a list for each argument.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use holdfast_tail::columns::{data_type, one, value_at};
use holdfast_value::{Decimal, SqlType, Value, ValueError, cast, compare};

use super::row::fit;
use super::shared::Shared;
use super::trouble::wrap;
use crate::error::SqlError;

/// Which of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// GROUP_CONCAT: the last arguments are what it is ordered by; true is descending.
    Concat {
        separator: Box<str>,
        order: Vec<bool>,
    },
    JsonArray,
    JsonObject,
    Sum,
    Average,
    Least,
    Greatest,
    /// 1242 where there are two.
    Single,
}

/// An aggregate over values.
pub(super) struct Collect {
    pub what: What,
    pub distinct: bool,
    pub types: Vec<SqlType>,
    pub of: SqlType,
    pub shared: Arc<Shared>,
    pub signature: Signature,
}

impl Collect {
    pub fn new(
        what: What,
        distinct: bool,
        (types, of): (Vec<SqlType>, SqlType),
        shared: &Arc<Shared>,
    ) -> Self {
        let signature = Signature::variadic_any(Volatility::Immutable);
        Self { what, distinct, types, of, shared: Arc::clone(shared), signature }
    }
}

impl std::fmt::Debug for Collect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {} {:?} {:?}", self.what, self.distinct, self.types, self.of)
    }
}

impl PartialEq for Collect {
    fn eq(&self, other: &Self) -> bool {
        (&self.what, self.distinct, &self.types, &self.of)
            == (&other.what, other.distinct, &other.types, &other.of)
    }
}

impl Eq for Collect {}

impl Hash for Collect {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.what, self.distinct, &self.types).hash(state);
    }
}

impl AggregateUDFImpl for Collect {
    fn name(&self) -> &str {
        match self.what {
            What::Concat { .. } => "group_concat",
            What::JsonArray => "json_arrayagg",
            What::JsonObject => "json_objectagg",
            What::Sum => "sum_distinct",
            What::Average => "avg_distinct",
            What::Least => "min_text",
            What::Greatest => "max_text",
            What::Single => "only",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(data_type(&self.of))
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Values {
            what: self.what.clone(),
            distinct: self.distinct,
            types: self.types.clone(),
            of: self.of.clone(),
            shared: Arc::clone(&self.shared),
            rows: Vec::new(),
            bytes: 0,
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |(at, of): (usize, &SqlType)| {
            let item = Field::new_list_field(data_type(of), true);
            let list = DataType::List(Arc::new(item));
            Arc::new(Field::new(format!("{}[{at}]", args.name), list, true))
        };
        Ok(self.types.iter().enumerate().map(field).collect())
    }
}

/// The values of one group.
struct Values {
    what: What,
    distinct: bool,
    types: Vec<SqlType>,
    of: SqlType,
    shared: Arc<Shared>,
    rows: Vec<Vec<Value>>,
    /// About what `rows` take. Only grows.
    bytes: usize,
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} of {}", self.what, self.rows.len())
    }
}

impl Values {
    fn push(&mut self, row: Vec<Value>) -> Result<()> {
        self.bytes += row.iter().map(bytes_of).sum::<usize>() + std::mem::size_of::<Vec<Value>>();
        let wanted = match self.what {
            What::Least => Ordering::Less,
            What::Greatest => Ordering::Greater,
            What::Single if !self.rows.is_empty() => {
                return Err(wrap(SqlError::new(1242, "Subquery returns more than 1 row")));
            }
            What::Concat { ref order, .. } => {
                let args = row.len() - order.len();
                if row[..args].iter().any(Value::is_null) {
                    return Ok(());
                }
                self.rows.push(row);
                return Ok(());
            }
            What::Sum | What::Average if row[0].is_null() => return Ok(()),
            _ => {
                self.rows.push(row);
                return Ok(());
            }
        };
        if row[0].is_null() {
            return Ok(());
        }
        let is_better = self
            .rows
            .first()
            .is_none_or(|best| compare::order(&row[0], &best[0], &self.types[0]) == wanted);
        if is_better {
            self.rows = vec![row];
        }
        Ok(())
    }

    fn compare(&self, a: &[Value], b: &[Value], upto: usize) -> Ordering {
        (0..upto)
            .map(|at| compare::order(&a[at], &b[at], &self.types[at]))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    fn distinct_rows(&self) -> Vec<&Vec<Value>> {
        let args = match &self.what {
            What::Concat { order, .. } => self.types.len() - order.len(),
            _ => self.types.len(),
        };
        let mut rows: Vec<&Vec<Value>> = self.rows.iter().collect();
        if self.distinct {
            rows.sort_by(|a, b| self.compare(a, b, args));
            rows.dedup_by(|a, b| self.compare(a, b, args).is_eq());
        }
        if let What::Concat { order, .. } = &self.what {
            rows.sort_by(|a, b| {
                let by = |(at, desc): (usize, &bool)| {
                    let at = args + at;
                    let order = compare::order(&a[at], &b[at], &self.types[at]);
                    if *desc { order.reverse() } else { order }
                };
                order
                    .iter()
                    .enumerate()
                    .map(by)
                    .find(|order| order.is_ne())
                    .unwrap_or(Ordering::Equal)
            });
        }
        rows
    }

    fn result(&self) -> Result<Value, ValueError> {
        let rows = self.distinct_rows();
        match &self.what {
            What::Least | What::Greatest | What::Single => {
                Ok(rows.first().map_or(Value::Null, |row| row[0].clone()))
            }
            _ if rows.is_empty() => Ok(Value::Null),
            What::Concat { separator, order } => self.concat(&rows, separator, order.len()),
            What::JsonArray => self.json("json_array", &rows),
            What::JsonObject => self.json("json_object", &rows),
            What::Sum | What::Average => self.total(&rows),
        }
    }

    fn concat(
        &self,
        rows: &[&Vec<Value>],
        separator: &str,
        keys: usize,
    ) -> Result<Value, ValueError> {
        let most = self.shared.concat_max;
        let mut text = Vec::new();
        let mut cut_at = None;
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                text.extend_from_slice(separator.as_bytes());
            }
            for (value, of) in row[..row.len() - keys].iter().zip(&self.types) {
                holdfast_value::show::write(value, of, &mut text);
            }
            if text.len() > most {
                cut_at = Some(at + 1);
                break;
            }
        }
        if let Some(row) = cut_at {
            let message = format!("Row {row} was cut by GROUP_CONCAT()");
            self.shared.with(|context| {
                context.warn(ValueError::Other { code: 1260, state: "HY000", message });
            });
            let mut most = most;
            while most > 0 && text.get(most).is_some_and(|byte| byte & 0xc0 == 0x80) {
                most -= 1;
            }
            text.truncate(most);
        }
        if self.of.is_bytes() {
            return Ok(Value::Bytes(text.into()));
        }
        Ok(Value::text(String::from_utf8_lossy(&text).into_owned()))
    }

    fn json(&self, maker: &'static str, rows: &[&Vec<Value>]) -> Result<Value, ValueError> {
        let function = holdfast_func::lookup(maker)
            .ok_or_else(|| ValueError::NotSupported(maker.to_uppercase()))?;
        let values: Vec<Value> = rows.iter().flat_map(|row| row.iter().cloned()).collect();
        let types: Vec<SqlType> = rows.iter().flat_map(|_| self.types.iter().cloned()).collect();
        let call = holdfast_func::Call { types: &types, result: &self.of };
        self.shared.with(|context| (function.eval)(context, &call, &values))
    }

    fn total(&self, rows: &[&Vec<Value>]) -> Result<Value, ValueError> {
        let count = rows.len() as u64;
        let is_average = self.what == What::Average;
        let out_of_range = || ValueError::OutOfRange { kind: "DECIMAL", expression: "sum".into() };
        self.shared.with(|context| {
            if let SqlType::Double { .. } = self.of {
                let mut sum = 0.0;
                for row in rows {
                    sum += cast::to_f64(&row[0], context)?.unwrap_or(0.0);
                }
                return Ok(Value::Double(if is_average { sum / count as f64 } else { sum }));
            }
            let mut sum = Decimal::ZERO;
            for row in rows {
                let number = cast::to_decimal(&row[0], context)?.unwrap_or(Decimal::ZERO);
                sum = sum.checked_add(&number).ok_or_else(out_of_range)?;
            }
            if is_average {
                sum = sum.div(&Decimal::from_u64(count), 4).ok_or_else(out_of_range)?;
            }
            Ok(Value::Decimal(sum))
        })
    }
}

impl Accumulator for Values {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for row in 0..values[0].len() {
            let row = values
                .iter()
                .zip(&self.types)
                .map(|(array, of)| value_at(array, row, of))
                .collect::<Result<Vec<_>, _>>()
                .map_err(wrap)?;
            self.push(row)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.result().map_err(wrap)?;
        let value = self.shared.with(|context| fit(value, &self.of, context)).map_err(wrap)?;
        let one = one(&self.of, &value).map_err(wrap)?;
        ScalarValue::try_from_array(&one, 0)
    }

    fn size(&self) -> usize {
        std::mem::size_of::<Self>() + self.bytes
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut states = Vec::with_capacity(self.types.len());
        for (at, of) in self.types.iter().enumerate() {
            let mut builder =
                holdfast_tail::columns::Builder::new([(0, of, &Value::Null)], self.rows.len());
            for row in &self.rows {
                builder.push_values(std::slice::from_ref(&row[at])).map_err(wrap)?;
            }
            let column = builder.finish().pop();
            let column = column.ok_or_else(|| DataFusionError::Internal("no column".into()))?;
            let list = SingleRowListArrayBuilder::new(column).with_nullable(true);
            states.push(list.build_list_scalar());
        }
        Ok(states)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists: Vec<_> = states.iter().map(|state| state.as_list::<i32>()).collect();
        for group in 0..states[0].len() {
            let columns: Vec<ArrayRef> = lists.iter().map(|list| list.value(group)).collect();
            self.update_batch(&columns)?;
        }
        Ok(())
    }
}

fn bytes_of(value: &Value) -> usize {
    let more = match value {
        Value::Text(text) | Value::Json(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    std::mem::size_of::<Value>() + more
}
