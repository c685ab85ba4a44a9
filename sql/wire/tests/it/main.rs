//! The protocol from outside: recorded and made-up clients against the example server.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

mod answers;
mod client;
mod golden;
mod limits;
mod login;
mod mutation;
#[path = "../../examples/echo/serve.rs"]
mod serve;
