//! Why a server does not start: one clear line each, and an exit code.

use std::path::PathBuf;

use crate::config::ConfigError;

/// A start that was refused. Its `Display` is one line for the person at the terminal:
/// what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum StartError {
    /// What was asked for cannot be meant.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error("data directory {}: {what}", path.display())]
    DataDirectory { path: PathBuf, what: String },
    /// Another server has it.
    #[error("data directory {} is in use by another holdfast server", path.display())]
    DataInUse { path: PathBuf },
    /// A file of ours does not say what we wrote.
    #[error("{}: {what}", path.display())]
    BadFile { path: PathBuf, what: String },
    /// Root credentials that are refused.
    #[error("{0}")]
    Credentials(String),
    /// One drive directory cannot be used.
    #[error("drive {}: {what}", path.display())]
    Drive { path: PathBuf, what: String },
    /// The drives, taken together, cannot be used.
    #[error("{0}")]
    Drives(String),
    /// The metadata does not come up.
    #[error("metadata: {0}")]
    Metadata(String),
    /// The database does not come up.
    #[error("database: {0} (S3 alone starts with --mysql off)")]
    Database(String),
    /// The cache's directory cannot be used.
    #[error("--sql-cache-dir {}: {what}", path.display())]
    Cache { path: PathBuf, what: String },
    /// A port cannot be listened on.
    #[error("{flag} {address}: {what}")]
    Listen { flag: &'static str, address: std::net::SocketAddr, what: String },
    /// TLS files that are not.
    #[error("{}: {what}", path.display())]
    Tls { path: PathBuf, what: String },
    /// A core task ended while the server ran.
    #[error("{task} ended unexpectedly: {what}")]
    CoreEnded { task: &'static str, what: String },
}

impl StartError {
    /// The process's exit code: 2 for what was said wrongly, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 2,
            _ => 1,
        }
    }

    /// Never anything but: say it and stop.
    pub fn remedy(&self) -> holdfast_base::Remedy {
        holdfast_base::Remedy::Stop
    }
}

/// The system's word about a place that is to be written, and what a person can do about it.
pub fn advice(error: &std::io::Error) -> String {
    format!("{}{}", plain(error), what_helps(error.kind()))
}

/// What a person can do about an error of this kind, with a colon before it; or nothing.
pub fn what_helps(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind as K;
    match kind {
        K::PermissionDenied => ": let the server's user write there, or give another directory",
        K::ReadOnlyFilesystem => ": mount it for writing, or give another directory",
        K::StorageFull | K::QuotaExceeded => ": make room, or give another directory",
        _ => "",
    }
}

/// The system's word for people, without the error number.
pub fn plain(error: &std::io::Error) -> String {
    use std::io::ErrorKind as K;
    match error.kind() {
        K::NotFound => "not found".into(),
        K::PermissionDenied if error.raw_os_error().is_some() => "permission denied".into(),
        K::ReadOnlyFilesystem => "the file system is read-only".into(),
        K::StorageFull | K::QuotaExceeded => "no space left on the device".into(),
        K::NotADirectory | K::AlreadyExists => "not a directory".into(),
        K::AddrInUse => "already in use".into(),
        K::AddrNotAvailable => "not an address of this machine".into(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_string()
        }
    }
}
