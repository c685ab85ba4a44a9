//! The MySQL protocol: packets, handshake, commands, result sets.
//!
//! ```text
//! Connection::accept      handshake, TLS, authentication      -> Login
//!   the engine answers the login: ok (welcome) or error (1049, 1044, ...)
//! Connection::next_command                                    -> Command
//!   the engine answers: ok | error | columns, row*, end | prepare_ok | ...
//! Connection::change_user                                     -> Login
//! ```
//!
//! Answers collect in one buffer; they leave when it is full, on `flush`, and
//! before `next_command` waits.
//!
//! - W1: no bytes of a client make this crate panic or hold more memory than the
//!   limits of [`WireConfig`] allow.
//! - W2: before a login succeeds a packet has at most 64 KiB.
//! - W3: an unknown user and a wrong password look the same.
//! - W4: an answer is written whole or the connection ends; sequence numbers have no gap.
//!
//! Not here: what a command means, sessions, privileges (`sql`); values as text (`value`).

mod answer;
pub mod auth;
mod bits;
mod cell;
mod channel;
mod column;
mod command;
mod config;
mod connection;
mod error;
mod greeting;
mod infile;
mod login;
pub mod params;
mod put;
mod scan;
mod stream;
mod temporal;
mod within;

pub use answer::{Format, OkPacket};
pub use auth::{Account, AccountName, Accounts, Plugin, hash_password};
pub use bits::{Capabilities, Status};
pub use column::ColumnMeta;
pub use command::{ChangeUser, Command, Wait};
pub use config::{LoginKey, WireConfig};
pub use connection::{Connection, Login, Peer};
pub use error::WireError;
pub use params::{LongData, ParamType};
