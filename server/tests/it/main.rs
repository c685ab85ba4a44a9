//! The binary as a person meets it: processes, exit codes, lines on stderr, HTTP on loopback.
//!
//! Every server listens on port 0 and tells its ports in `DIR/endpoint`; nothing
//! sleeps: what is waited for is a line of its log, or its end.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests of processes")]

mod admin;
mod config;
mod drivers;
mod drives;
mod harness;
mod refusals;
mod voters;
