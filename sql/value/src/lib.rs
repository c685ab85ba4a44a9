//! MySQL types and values: arithmetic, comparison, casts, collations, keys and rows.
//!
//! - [`SqlType`]: what a column is; [`Value`]: what a row holds
//! - [`Context`]: what evaluating knows of the session, and the warnings that it makes
//!
//! Not here: functions (`func`), expressions and plans (`sql`).

pub mod context;
pub mod decimal;
pub mod error;
pub mod types;
pub mod value;
pub mod zone;

pub use context::{Context, Mode};
pub use decimal::Decimal;
pub use error::ValueError;
pub use types::{Collation, IntWidth, LobSize, SqlType};
pub use value::Value;
pub use zone::Zone;
