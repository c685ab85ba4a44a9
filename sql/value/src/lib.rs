//! MySQL types and values: arithmetic, comparison, casts, collations, keys and rows.
//!
//! - [`SqlType`]: what a column is; [`Value`]: what a row holds
//! - [`Context`]: what evaluating knows of the session, and the warnings that it makes
//! - [`cast`]: a value as another kind; [`store`]: a value as a column's; [`show`]: as text
//! - [`compare`], [`arith`]: operators and their types; [`decimal`], [`temporal`]: what
//!   they count with
//! - [`collate`]: how texts compare; [`key`], [`row`]: how values lie in storage
//!
//! Not here: functions (`func`), expressions and plans (`sql`).

pub mod arith;
pub mod cast;
pub mod collate;
pub mod compare;
pub mod context;
pub mod decimal;
pub mod error;
pub mod json;
pub mod key;
pub mod row;
pub mod show;
pub mod store;
pub mod temporal;
#[cfg(test)]
mod testing;
pub mod types;
pub mod value;
pub mod zone;

pub use compare::Comparison;
pub use context::{Context, Mode};
pub use decimal::Decimal;
pub use error::ValueError;
pub use types::{Collation, IntWidth, LobSize, SqlType};
pub use value::Value;
pub use zone::Zone;
