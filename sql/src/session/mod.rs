//! Sessions: what a connected client has, and what its statements do.
//!
//! ```text
//! serve (wire) -> run: parse -> transaction around it -> bind -> exec | ddl | show | set
//! ```

mod columns;
mod create;
mod ddl;
mod explain;
mod found_rows;
pub mod grants;
pub mod information;
mod load;
pub mod names;
pub mod plans;
mod query;
pub mod registry;
pub mod run;
pub mod schema;
pub mod seen;
pub mod serve;
mod set;
mod show;
pub mod temporary;
#[cfg(test)]
mod testing;
pub mod variables;
