//! Queries through DataFusion, with MySQL's meaning.
//!
//! ```text
//! Query -> resolve   literals for parameters, session values, constants
//!       -> subquery  subqueries become joins
//!       -> recursive common table expressions become tables in memory
//!       -> plan      relations and expressions as DataFusion has them
//!       -> run       physical plan, stream of batches, by threads of their own (`apart`)
//! ```
//!
//! - F1: a column of the statement is called `c<number>` in every plan and has the
//!   arrow type that `holdfast_tail::columns` gives its type.
//! - F2: what MySQL calls a condition is `Boolean` inside a plan, and a number only
//!   where somebody looks at it (`lower`).
//! - F3: two texts are compared, grouped and ordered by what their collation makes of
//!   them (`keys`); the texts themselves stay as they are.
//! - F4: what no kernel does, the function library does row by row (`row`); both give
//!   the same values.
//!
//! Not here: names and types (`bind`), where rows come from (`exec`).

mod aggregate;
mod apart;
mod arith;
mod collect;
mod compare;
mod convert;
mod group;
mod hints;
mod kernel;
mod keys;
mod like;
mod lower;
mod native;
mod plan;
mod present;
mod recursive;
mod reorder;
mod resolve;
mod row;
mod run;
mod set;
mod shared;
mod source;
mod subquery;
mod total;
mod trouble;
mod window;

pub use resolve::resolve;
pub use run::{Engine, Limits, Rows, rows_of};
pub use source::{Partition, Source, Sources};
pub(crate) use trouble::wrap;

#[cfg(test)]
mod tests;
