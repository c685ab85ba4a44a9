//! The server's configuration: what may be said, and what was meant.
//!
//! ```text
//! flag > environment (HOLDFAST_*) > file (--config) > default  ->  ServerArgs -> ServerConfig
//! ```
//!
//! - C1: one struct carries all three sources, so that no key exists in one only.
//! - C2: an unknown key in the file is refused, with its line.
//! - C3: no secret is in here: credentials come from the environment or the
//!   data directory (`start::credentials`), never from a flag that `ps` shows.

mod args;
mod check;
mod file;

pub use args::{IoChoice, LogFormat, ServerArgs};
pub use check::{CacheChoice, DriveChoice, EMBEDDED_DRIVES, ServerConfig, TlsFiles};
pub use file::merge_file;

/// A configuration that cannot be meant.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    /// C2, or not TOML, or a value of the wrong kind.
    #[error("{path}, line {line}: {what}")]
    Line { path: String, line: usize, what: String },
    /// A value that does not parse.
    #[error("--{name} {value}: {what}")]
    Value { name: &'static str, value: String, what: String },
    /// Something needed is not there.
    #[error("{0}")]
    Missing(&'static str),
    /// Fewer drives than the geometry has shards.
    #[error(
        "--geometry {geometry} needs {} drives, {have} are given: give more --drive, or a smaller geometry",
        geometry.shards()
    )]
    TooFewDrives { have: usize, geometry: holdfast_base::Geometry },
    /// Two that must differ.
    #[error("--{one} and --{other} are both {address}: give each its own port")]
    SameAddress { one: &'static str, other: &'static str, address: std::net::SocketAddr },
}

impl ConfigError {
    /// Never anything but: say it and stop.
    pub fn remedy(&self) -> holdfast_base::Remedy {
        holdfast_base::Remedy::Refuse
    }
}
