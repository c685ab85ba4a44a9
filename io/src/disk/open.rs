//! Opening a drive: which backend, and why not the other one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_base::Remedy;

use super::threads::ThreadDisk;
use super::uring::{self, UringDisk};
use super::{Disk, Drive};

/// Which implementation to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// io_uring where the kernel permits it, else threads.
    #[default]
    Auto,
    /// io_uring or nothing.
    Uring,
    /// A pool of threads.
    Threads,
}

/// A drive that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// To call.
    pub drive: Drive,
    /// Why `Auto` did not take io_uring; for the log.
    pub fallback: Option<String>,
}

/// A directory that cannot serve as a drive; one clear line each.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing there.
    #[error("{}: no such directory", path.display())]
    NotFound {
        /// What was to be opened.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("{}: not a directory", path.display())]
    NotADirectory {
        /// What was to be opened.
        path: PathBuf,
    },
    /// Not ours to use.
    #[error("{}: permission denied", path.display())]
    Denied {
        /// What was to be opened.
        path: PathBuf,
    },
    /// The file system takes no writes.
    #[error("{}: the file system is read-only", path.display())]
    ReadOnly {
        /// What was to be opened.
        path: PathBuf,
    },
    /// No space, or over quota.
    #[error("{}: no space left", path.display())]
    Full {
        /// What was to be opened.
        path: PathBuf,
    },
    /// io_uring was asked for by name, and is not to be had.
    #[error("{}: io_uring is not available: {why}", path.display())]
    NoUring {
        /// What was to be opened.
        path: PathBuf,
        /// What the kernel said.
        why: String,
    },
    /// The medium, the bus or the kernel.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was to be opened.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
}

impl OpenError {
    /// The error for `path` that the system's word means.
    pub fn of(path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind as K;
        let path = path.to_owned();
        match source.kind() {
            K::NotFound => Self::NotFound { path },
            K::NotADirectory => Self::NotADirectory { path },
            K::PermissionDenied => Self::Denied { path },
            K::ReadOnlyFilesystem => Self::ReadOnly { path },
            K::StorageFull | K::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }

    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::NotFound { .. }
            | Self::NotADirectory { .. }
            | Self::Denied { .. }
            | Self::NoUring { .. } => Remedy::Refuse,
            Self::ReadOnly { .. } | Self::Full { .. } | Self::Io { .. } => Remedy::TryElsewhere,
        }
    }
}

/// Opens the directory at `path` as a drive. Blocks for some milliseconds.
///
/// The directory exists, is open once only, and takes writes. Leftovers of interrupted
/// creations are removed.
///
/// # Errors
/// [`OpenError`].
pub fn open(path: &Path, backend: Backend) -> Result<Opened, OpenError> {
    let erred = |source| OpenError::of(path, source);
    let threads = || Ok::<Arc<dyn Disk>, _>(Arc::new(ThreadDisk::open(path).map_err(erred)?));
    let uring = || Ok::<Arc<dyn Disk>, _>(Arc::new(UringDisk::open(path).map_err(erred)?));
    let (disk, fallback) = match (backend, uring::probe()) {
        (Backend::Threads, _) => (threads()?, None),
        (Backend::Uring, Err(why)) => {
            return Err(OpenError::NoUring { path: path.to_owned(), why });
        }
        (Backend::Uring, Ok(())) => (uring()?, None),
        (Backend::Auto, Err(why)) => (threads()?, Some(why)),
        // A ring may still be refused, for want of locked memory say; then the
        // directory is fine and threads can have it.
        (Backend::Auto, Ok(())) => match uring() {
            Ok(disk) => (disk, None),
            Err(error) => (threads()?, Some(error.to_string())),
        },
    };
    tracing::debug!(path = disk.name(), backend = disk.backend(), "opened a drive");
    Ok(Opened { drive: Drive::new(disk), fallback })
}
