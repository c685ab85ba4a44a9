//! `a <=> b` of two columns, as equalities that are never NULL.
//!
//! DataFusion makes one flag of it for all of a join's keys: with `IS NOT DISTINCT FROM`
//! as a key, `x = y` that comes to that join later (a condition further up, once an outer
//! join has become an inner one) holds for two NULLs, too. So no join has such a key:
//!
//! ```text
//! a <=> b    is    present(a) = present(b) AND (a IS NULL) = (b IS NULL)
//! ```

use std::sync::Arc;

use arrow::array::Datum;
use arrow::compute::is_not_null;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// True where two values are equal or both NULL; never NULL itself.
pub(super) fn same(a: Expr, b: Expr) -> Expr {
    let function =
        ScalarUDF::new_from_impl(Present { signature: Signature::any(1, Volatility::Immutable) });
    let values = function.call(vec![a.clone()]).eq(function.call(vec![b.clone()]));
    values.and(a.is_null().eq(b.is_null()))
}

/// Its argument, and the type's default in the place of NULL; of a column that has no
/// type but NULL's, a constant.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Present {
    signature: Signature,
}

impl ScalarUDFImpl for Present {
    fn name(&self) -> &'static str {
        "present"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// With the casts inside, which other names leave out.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(Expr::to_string).collect();
        Ok(format!("present({})", args.join(", ")))
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match args {
            [DataType::Null] => Ok(DataType::Boolean),
            [of] => Ok(of.clone()),
            _ => internal_err!("present of {} arguments", args.len()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> =
            args.arg_fields.iter().map(|of| of.data_type().clone()).collect();
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = &args.args[..] else {
            return internal_err!("present of {} arguments", args.args.len());
        };
        if value.data_type() == DataType::Null {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(false))));
        }
        let default = ScalarValue::new_default(&value.data_type())?;
        Ok(match value {
            ColumnarValue::Scalar(value) if value.is_null() => ColumnarValue::Scalar(default),
            ColumnarValue::Scalar(_) => value.clone(),
            ColumnarValue::Array(values) if values.logical_null_count() == 0 => value.clone(),
            ColumnarValue::Array(values) => {
                let default = default.to_scalar()?;
                let values: &dyn Datum = values;
                let known = is_not_null(values.get().0)?;
                ColumnarValue::Array(zip(&known, values, &default)?)
            }
        })
    }
}
