//! MySQL statements as clients write them, parsed.
//!
//! ```text
//! bytes -> lexer -> tokens -> rewrite -> parse (ours) -> Statement
//!            |                              |
//!          guard                      sqlparser (queries, expressions)
//!                                           |
//!                                    dialect + prefix
//! ```
//!
//! - [`parse`]: the one entry; [`Statement`]: what comes out
//! - [`ast`]: `sqlparser`'s trees; `prefix` says how MySQL's forms look in them
//! - [`SyntaxError`]: what a client is told; [`print`]: names and expressions as text
//!
//! Not here: names, types and plans (`sql`), values (`value`).

pub mod account;
mod cast;
mod dialect;
mod error;
mod guard;
mod lexer;
mod mode;
mod parse;
mod prefix;
pub mod print;
pub mod show;
pub mod statement;
pub mod table;
mod words;

pub use account::*;
pub use error::SyntaxError;
pub use mode::ParseMode;
pub use parse::{Parsed, parse};
pub use print::quote_identifier;
pub use show::*;
pub use sqlparser::ast;
pub use statement::*;
pub use table::*;
