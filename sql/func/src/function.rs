//! What a function is: its name, how many arguments it takes, what it gives and
//! how it computes.
//!
//! Invariants
//! - F1: a function of kind `Pure` gives the same value and the same warnings for
//!   the same arguments under the same session settings.
//! - F2: no argument, whatever its kind or their number, makes a function panic.
//!
//! Not here: which functions there are (`registry`), how arguments are read (`input`).

use holdfast_value::{Context, SqlType, Value, ValueError};

/// What evaluating gives.
pub type Out = Result<Value, ValueError>;

/// How often a function must be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The same arguments give the same value within a session's settings.
    Pure,
    /// Constant within a statement, as `NOW`.
    Stable,
    /// New for each row, as `RAND`.
    Volatile,
}

/// What NULL among the arguments means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// Any NULL argument gives NULL: an evaluator need not call.
    Strict,
    /// The function decides.
    Own,
}

/// What is known of an argument before evaluating.
#[derive(Clone, Copy, Debug)]
pub struct Arg<'a> {
    /// Its type.
    pub of: &'a SqlType,
    /// Its value if it is the same for every row.
    pub constant: Option<&'a Value>,
}

/// What is known of a call while evaluating.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The types of the arguments.
    pub types: &'a [SqlType],
    /// The type that `infer` gave; for `cast`, what is asked for.
    pub result: &'a SqlType,
}

/// Gives the type of a result.
pub type Infer = fn(&[Arg<'_>], &Context) -> Result<SqlType, ValueError>;

/// Computes a result.
pub type Eval = fn(&mut Context, &Call<'_>, &[Value]) -> Out;

/// A function or an operator.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name in lower case; operators have the name that SQL gives them.
    pub name: &'static str,
    /// Arguments at least.
    pub min: usize,
    /// Arguments at most; `usize::MAX` where any number will do.
    pub max: usize,
    /// How often it must be evaluated.
    pub kind: Kind,
    /// What NULL among its arguments means.
    pub nulls: Nulls,
    /// The type of its result.
    pub infer: Infer,
    /// Its result. The caller has checked the number of arguments.
    pub eval: Eval,
}

impl Function {
    /// True if it takes `count` arguments.
    pub fn takes(&self, count: usize) -> bool {
        (self.min..=self.max).contains(&count)
    }

    /// The result's type, once the number of arguments is checked.
    ///
    /// # Errors
    /// 1582 for a wrong number of arguments; what the function refuses.
    pub fn result(&self, args: &[Arg<'_>], ctx: &Context) -> Result<SqlType, ValueError> {
        if !self.takes(args.len()) {
            return Err(ValueError::ParameterCount(self.name.to_uppercase()));
        }
        (self.infer)(args, ctx)
    }

    /// The result, once number and NULLs are checked.
    ///
    /// # Errors
    /// 1582 for a wrong number of arguments; what the function refuses.
    pub fn call(&self, ctx: &mut Context, call: &Call<'_>, values: &[Value]) -> Out {
        if !self.takes(values.len()) {
            return Err(ValueError::ParameterCount(self.name.to_uppercase()));
        }
        if self.nulls == Nulls::Strict && values.iter().any(Value::is_null) {
            return Ok(Value::Null);
        }
        (self.eval)(ctx, call, values)
    }
}

/// One row of a table of functions. `$eval` takes an [`In`].
macro_rules! function {
    ($name:expr, $min:expr, $max:expr, $kind:ident, $nulls:ident, $infer:expr, $eval:expr) => {
        $crate::function::Function {
            name: $name,
            min: $min,
            max: $max,
            kind: $crate::function::Kind::$kind,
            nulls: $crate::function::Nulls::$nulls,
            infer: $infer,
            eval: |ctx, call, values| $eval(&mut $crate::input::In { ctx, call, values }),
        }
    };
}

/// A pure function with strict NULLs, which most are.
macro_rules! pure {
    ($name:expr, $min:expr, $max:expr, $infer:expr, $eval:expr) => {
        $crate::function::function!($name, $min, $max, Pure, Strict, $infer, $eval)
    };
}

/// The value, or a return with NULL.
macro_rules! get {
    ($value:expr) => {
        match $value? {
            Some(value) => value,
            None => return Ok(holdfast_value::Value::Null),
        }
    };
}

pub(crate) use {function, get, pure};
