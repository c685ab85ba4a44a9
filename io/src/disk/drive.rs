//! The callers' side of a disk: one method per operation, each remembering
//! the place that called it (`#[track_caller]`).

use std::panic::Location;
use std::sync::Arc;

use super::{Buf, Disk, DiskError, Done, Durability, FileId, FileName, Op, Request, Space};
use crate::BoxFuture;

type Answer<T> = BoxFuture<'static, Result<T, DiskError>>;

/// A disk to call. Cheap to clone.
#[derive(Clone)]
pub struct Drive(Arc<dyn Disk>);

/// An open file of a drive. Cheap to clone; stays open until [`File::close`].
#[derive(Clone)]
pub struct File {
    disk: Arc<dyn Disk>,
    id: FileId,
    len: u64,
}

macro_rules! ask {
    ($disk:expr, $op:expr, $pattern:pat => $value:expr) => {{
        let answer = $disk.submit(Request { op: $op, site: Location::caller() });
        Box::pin(async move {
            match answer.await? {
                $pattern => Ok($value),
                other => unreachable!("a disk answered {other:?} to another question"),
            }
        })
    }};
}

impl Drive {
    /// Calls go to `disk`.
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self(disk)
    }

    /// The disk below.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.0
    }

    /// What to call it in logs.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// See [`Op::Create`].
    #[track_caller]
    pub fn create(&self, name: FileName, len: u64) -> Answer<File> {
        let disk = self.0.clone();
        ask!(self.0, Op::Create { name, len }, Done::File(id, len) => File { disk, id, len })
    }

    /// See [`Op::Open`].
    #[track_caller]
    pub fn open(&self, name: FileName) -> Answer<File> {
        let disk = self.0.clone();
        ask!(self.0, Op::Open { name }, Done::File(id, len) => File { disk, id, len })
    }

    /// See [`Op::Remove`].
    #[track_caller]
    pub fn remove(&self, name: FileName) -> Answer<()> {
        ask!(self.0, Op::Remove { name }, Done::Unit => ())
    }

    /// See [`Op::Replace`].
    #[track_caller]
    pub fn replace(&self, name: FileName, bytes: Vec<u8>) -> Answer<()> {
        ask!(self.0, Op::Replace { name, bytes }, Done::Unit => ())
    }

    /// See [`Op::Load`].
    #[track_caller]
    pub fn load(&self, name: FileName) -> Answer<Vec<u8>> {
        ask!(self.0, Op::Load { name }, Done::Bytes(bytes) => bytes)
    }

    /// See [`Op::List`].
    #[track_caller]
    pub fn list(&self) -> Answer<Vec<(FileName, u64)>> {
        ask!(self.0, Op::List, Done::Names(names) => names)
    }

    /// See [`Op::Verify`].
    #[track_caller]
    pub fn verify(&self) -> Answer<()> {
        ask!(self.0, Op::Verify, Done::Unit => ())
    }

    /// See [`Op::Space`].
    #[track_caller]
    pub fn space(&self) -> Answer<Space> {
        ask!(self.0, Op::Space, Done::Space(space) => space)
    }
}

impl File {
    /// The length that it was created with. [bytes]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True for a file of no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// See [`Op::Read`].
    #[track_caller]
    pub fn read(&self, at: u64, buf: Buf) -> Answer<Buf> {
        ask!(self.disk, Op::Read { file: self.id, at, buf }, Done::Buf(buf) => buf)
    }

    /// See [`Op::Write`].
    #[track_caller]
    pub fn write(&self, at: u64, buf: Buf, durability: Durability) -> Answer<Buf> {
        ask!(self.disk, Op::Write { file: self.id, at, buf, durability }, Done::Buf(buf) => buf)
    }

    /// See [`Op::Sync`].
    #[track_caller]
    pub fn sync(&self) -> Answer<()> {
        ask!(self.disk, Op::Sync { file: self.id }, Done::Unit => ())
    }

    /// See [`Op::Punch`].
    #[track_caller]
    pub fn punch(&self, at: u64, len: u64) -> Answer<()> {
        ask!(self.disk, Op::Punch { file: self.id, at, len }, Done::Unit => ())
    }

    /// See [`Op::Close`].
    #[track_caller]
    pub fn close(self) -> Answer<()> {
        ask!(self.disk, Op::Close { file: self.id }, Done::Unit => ())
    }
}

impl std::fmt::Debug for Drive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Drive({})", self.name())
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "File({} of {})", self.id.0, self.disk.name())
    }
}
