//! A file with blocking calls, through the page cache: for an embedded ordered
//! store that has its own cache and is synchronous itself.
//!
//! - K1: after a write, resize or sync that erred every later one errs too (D6).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fd::OwnedFd;
use rustix::io::Errno;

use super::dir::{Handle, read_exact, write_all};
use super::{BlockingFile, DiskError, DiskErrorKind, FileName, OpKind};

/// See [`super::Disk::open_blocking`].
#[derive(Debug)]
pub(super) struct PlainFile {
    disk: Arc<str>,
    pub(super) name: FileName,
    fd: OwnedFd,
    pub(super) inode: u64,
    pub(super) unnamed: AtomicBool,
    /// K1.
    fenced: AtomicBool,
}

impl PlainFile {
    /// Wraps an open file of `disk`.
    pub(super) fn new(disk: Arc<str>, name: FileName, handle: Handle) -> Self {
        let Handle { fd, inode, .. } = handle;
        let (unnamed, fenced) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { disk, name, fd, inode, unnamed, fenced }
    }

    fn error(&self, doing: OpKind, source: std::io::Error) -> DiskError {
        let kind = DiskErrorKind::of(&source);
        DiskError { disk: self.disk.to_string(), file: self.name.to_string(), doing, kind, source }
    }

    /// Runs something that changes the file, or refuses (K1).
    fn change(
        &self,
        doing: OpKind,
        change: impl FnOnce() -> Result<(), Errno>,
    ) -> Result<(), DiskError> {
        if self.fenced.load(Ordering::Acquire) {
            return Err(self.error(doing, fenced()));
        }
        change().map_err(|errno| {
            self.fenced.store(true, Ordering::Release);
            self.error(doing, errno.into())
        })
    }
}

impl BlockingFile for PlainFile {
    fn len(&self) -> Result<u64, DiskError> {
        let stat = rustix::fs::fstat(&self.fd);
        stat.map(|stat| stat.st_size as u64).map_err(|e| self.error(OpKind::Open, e.into()))
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<(), DiskError> {
        read_exact(&self.fd, at, into).map_err(|errno| self.error(OpKind::Read, errno.into()))
    }

    fn write(&self, at: u64, from: &[u8]) -> Result<(), DiskError> {
        self.change(OpKind::Write, || write_all(&self.fd, at, from))
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.change(OpKind::Write, || rustix::fs::ftruncate(&self.fd, len))
    }

    fn sync(&self) -> Result<(), DiskError> {
        // A length that is needed to read the data back is data to fdatasync; a
        // mere cut is not, hence fsync.
        self.change(OpKind::Sync, || rustix::fs::fsync(&self.fd))
    }
}

/// Why a file refuses, after its first error.
pub(super) fn fenced() -> std::io::Error {
    std::io::Error::other("an earlier write or sync of this open file erred; open it anew")
}
