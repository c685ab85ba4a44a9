//! Queries from their text to their rows.

mod expressions;
mod queries;
mod tpch;
mod world;
