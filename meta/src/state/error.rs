//! What can go wrong with the store, and how a command ends early.

use holdfast_api::meta::Refusal;
use holdfast_base::Remedy;
use holdfast_io::disk::DiskError;

use super::rows::BadRow;

/// The store of one replica cannot go on: the replica fences itself.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum StateError {
    /// The ordered store, or the file below it.
    #[error("the metadata store could not {doing}: {why}")]
    Store { doing: &'static str, why: String },
    /// The disk below.
    #[error("the metadata store's disk: {source}")]
    Disk {
        #[from]
        source: DiskError,
    },
    /// A value that is not what was written.
    #[error("the metadata store holds a bad value: {0}")]
    Row(#[from] BadRow),
    /// A key that no family has.
    #[error("the metadata store holds a bad key in family {family:#04x}")]
    Key { family: u8 },
    /// Another version of the whole store.
    #[error("the metadata store has format {found}, this build reads and writes {known}")]
    Format { found: u32, known: u32 },
    /// The file that names the store.
    #[error("{file}: {why}")]
    Pointer { file: &'static str, why: String },
    /// A committed entry that this build cannot read: a later one wrote it.
    #[error("log entry {index} does not decode: {why}")]
    Entry { index: u64, why: String },
    /// A snapshot that is not whole.
    #[error("the snapshot is not whole: {0}")]
    Snapshot(String),
}

impl StateError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Store { .. } | Self::Disk { .. } | Self::Row(_) | Self::Key { .. } => {
                Remedy::Rebuild
            }
            Self::Format { .. } | Self::Pointer { .. } | Self::Entry { .. } => Remedy::Stop,
            Self::Snapshot(_) => Remedy::RetryHere,
        }
    }

    /// For `map_err`: `what` is a verb phrase that reads well after "could not".
    pub(crate) fn doing<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Self {
        move |why| Self::Store { doing: what, why: why.to_string() }
    }
}

impl From<StateError> for std::io::Error {
    fn from(error: StateError) -> Self {
        std::io::Error::other(error)
    }
}

/// How a command ends early: refused with nothing changed, or the store broke.
#[derive(Debug)]
pub enum Stop {
    /// The command's answer is a refusal.
    Refused(Refusal),
    /// The replica fences itself.
    Broken(StateError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StateError> for Stop {
    fn from(error: StateError) -> Self {
        Self::Broken(error)
    }
}

impl From<BadRow> for Stop {
    fn from(error: BadRow) -> Self {
        Self::Broken(error.into())
    }
}

/// A refusal for what breaks a rule of the format.
pub(crate) fn bad(why: impl Into<String>) -> Stop {
    Stop::Refused(Refusal::Bad(why.into()))
}
