//! The binary's parts: roles and their wiring, the S3 front, admin, command line.
//!
//! ```text
//! main -> cli -> config -> start -+-> listen -> s3     -> ec, meta
//!             `-> client ~~~~~~~~>|         `-> admin  -> ec, meta
//!                                 `-> drives (supervised), metadata, keys (vault)
//! ```

pub mod admin;
pub mod cli;
pub mod client;
pub mod config;
pub mod heap;
pub mod listen;
pub mod s3;
pub mod start;
pub mod tables;
pub mod vault;
pub mod version;
