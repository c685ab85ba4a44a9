//! The compute node: MySQL statements over the tail of the log and the objects behind it.
//!
//! ```text
//! wire -> session -> syntax -> bind -> exec (keys, changes) ------> tail, objects, workspace
//!                                  `-> frame (DataFusion) -> scan -'
//! COMMIT: exec::change -> TxnService -> log; the tail follows the log
//! ```
//!
//! Not here: packets (`holdfast_wire`), parsing (`holdfast_syntax`), what values mean
//! (`holdfast_value`, `holdfast_func`), versions in memory (`holdfast_tail`).

pub mod algebra;
pub mod bind;
pub mod catalog;
pub mod ddl;
pub mod engine;
pub mod error;
pub mod exec;
pub mod expr;
pub mod frame;
pub mod parse;
pub mod session;
pub mod status;
pub mod store;

pub use error::{Result, SqlError};
