//! What can go wrong with the log.

use std::sync::Arc;

use holdfast_base::Remedy;
use holdfast_io::disk::{DiskError, DiskErrorKind};

use super::frame::Position;

/// The log of one replica cannot go on: the replica fences itself.
#[derive(Clone, Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum LogStoreError {
    /// The disk below.
    #[error("the metadata log: {0}")]
    Disk(Arc<DiskError>),
    /// L4.
    #[error(
        "the metadata log is damaged in {file} at byte {at}: {why}. What was acknowledged may be \
         missing; this replica does not start. Rebuild it from the others under a new id, or \
         restore a backup"
    )]
    Rot { file: String, at: u64, why: String },
    /// Another Holdfast wrote it.
    #[error("{file} has log format {found}, this build knows {known}")]
    Format { file: String, found: u32, known: u32 },
    /// An entry that no segment holds.
    #[error("a log entry of {bytes} bytes is more than a segment holds")]
    TooLarge { bytes: usize },
    /// A caller left a hole.
    #[error("log entry {given:?} does not follow {last:?}")]
    Hole { given: Position, last: Option<Position> },
    /// It failed before, or was closed.
    #[error("the metadata log has stopped: {why}")]
    Failed { why: String },
}

impl LogStoreError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Disk(error) => error.remedy(),
            Self::Rot { .. } | Self::Format { .. } => Remedy::Stop,
            Self::TooLarge { .. } => Remedy::Refuse,
            Self::Hole { .. } | Self::Failed { .. } => Remedy::Stop,
        }
    }

    /// True where only room is missing.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Disk(error) if error.kind == DiskErrorKind::Full)
    }
}

impl From<DiskError> for LogStoreError {
    fn from(error: DiskError) -> Self {
        Self::Disk(Arc::new(error))
    }
}

impl From<LogStoreError> for std::io::Error {
    fn from(error: LogStoreError) -> Self {
        std::io::Error::other(error)
    }
}
