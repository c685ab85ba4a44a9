//! MySQL scalar functions and operators over values.
//!
//! - [`lookup`]: a [`Function`] by its name; operators have the name that SQL gives them
//! - `infer` gives the type of a result before any row is seen, `eval` the result
//!
//! Invariants: F1 and F2 of [`function`].
//!
//! Names that SQL spells in words are one function each: `date_add_month(date, n)`,
//! `timestampdiff_day(a, b)`, `extract_year_month(x)`, `trim_leading(text, what)`,
//! `convert_using(text, 'utf8mb4')`, `json_unquote_extract(doc, path)` for `->>`.
//!
//! Not here: what needs a session (`DATABASE`, `LAST_INSERT_ID`, `SLEEP`, `UUID`): the
//! binder in `sql` replaces it; aggregates and windows; rules of conversion, comparison
//! and arithmetic (`holdfast_value`).

mod control;
mod digest;
pub mod function;
mod inet;
mod infer;
mod input;
mod json;
mod numeric;
mod ops;
mod regexp;
pub mod registry;
mod string;
mod temporal;

pub use function::{Arg, Call, Function, Kind, Nulls, Out};
pub use numeric::random::Generator;
pub use registry::{lookup, names};
