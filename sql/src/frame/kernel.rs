//! One way to make a function of DataFusion's: a name that says all, a type, a closure.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

/// Computes a column of so many rows.
pub(super) type Body = Arc<dyn Fn(&[ColumnarValue], usize) -> Result<ArrayRef> + Send + Sync>;

/// A function. Two with the same `identity` are the same function.
pub(super) struct Kernel {
    name: String,
    identity: String,
    returns: DataType,
    signature: Signature,
    body: Body,
}

impl Kernel {
    /// A function of its arguments alone.
    pub fn pure(
        name: &str,
        settings: &str,
        returns: DataType,
        body: impl Fn(&[ColumnarValue], usize) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Self {
        Self::new((name, settings), returns, Volatility::Immutable, Arc::new(body))
    }

    pub fn new(
        (name, settings): (&str, &str),
        returns: DataType,
        volatility: Volatility,
        body: Body,
    ) -> Self {
        let identity = format!("{name}|{settings}|{returns}");
        let any = vec![TypeSignature::VariadicAny, TypeSignature::Nullary];
        let signature = Signature::one_of(any, volatility);
        Self { name: name.to_owned(), identity, returns, signature, body }
    }

    /// A call of it.
    pub fn call(self, args: Vec<Expr>) -> Expr {
        ScalarUDF::new_from_impl(self).call(args)
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.identity)
    }
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Eq for Kernel {}

impl Hash for Kernel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity.hash(state);
    }
}

impl ScalarUDFImpl for Kernel {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Two calls that differ in nothing but settings are two columns.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(format!("{}({})", self.identity, args.join(",")))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_one = |arg: &ColumnarValue| matches!(arg, ColumnarValue::Scalar(_));
        let is_volatile = self.signature.volatility == Volatility::Volatile;
        if !is_volatile && !args.args.is_empty() && args.args.iter().all(is_one) {
            let one = (self.body)(&args.args, 1)?;
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?));
        }
        Ok(ColumnarValue::Array((self.body)(&args.args, args.number_rows)?))
    }
}

/// Argument `at` as a column of so many rows.
pub(super) fn column(args: &[ColumnarValue], at: usize, rows: usize) -> Result<ArrayRef> {
    args[at].to_array(rows)
}
