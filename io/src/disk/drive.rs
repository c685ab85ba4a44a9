//! The callers' side of a disk: one method per operation, each remembering
//! the place that called it (`#[track_caller]`), and all together counting bytes.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Buf, Disk, DiskError, Done, Durability, FileId, FileName, Op, Request, Space};
use crate::BoxFuture;

type Answer<T> = BoxFuture<'static, Result<T, DiskError>>;

/// A disk to call. Cheap to clone.
#[derive(Clone)]
pub struct Drive {
    disk: Arc<dyn Disk>,
    traffic: Arc<Counters>,
}

/// What went through a [`Drive`] and its files since it was made. [bytes]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Read.
    pub read: u64,
    /// Written, the zeros of new files included.
    pub written: u64,
}

/// Counts what succeeded: one relaxed addition for each operation.
#[derive(Default)]
struct Counters {
    read: AtomicU64,
    written: AtomicU64,
}

/// An open file of a drive. Cheap to clone; stays open until [`File::close`].
#[derive(Clone)]
pub struct File {
    disk: Arc<dyn Disk>,
    traffic: Arc<Counters>,
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
        Self { disk, traffic: Arc::default() }
    }

    /// The disk below.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// What to call it in logs.
    pub fn name(&self) -> &str {
        self.disk.name()
    }

    /// What went through it, and through its clones, so far.
    pub fn traffic(&self) -> Traffic {
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic { read: now(&self.traffic.read), written: now(&self.traffic.written) }
    }

    /// See [`Op::Create`].
    #[track_caller]
    pub fn create(&self, name: FileName, len: u64) -> Answer<File> {
        let (disk, traffic) = (self.disk.clone(), self.traffic.clone());
        ask!(self.disk, Op::Create { name, len }, Done::File(id, len) => {
            add(&traffic.written, len);
            File { disk, traffic, id, len }
        })
    }

    /// See [`Op::Open`].
    #[track_caller]
    pub fn open(&self, name: FileName) -> Answer<File> {
        let (disk, traffic) = (self.disk.clone(), self.traffic.clone());
        ask!(self.disk, Op::Open { name }, Done::File(id, len) => File { disk, traffic, id, len })
    }

    /// See [`Op::Remove`].
    #[track_caller]
    pub fn remove(&self, name: FileName) -> Answer<()> {
        ask!(self.disk, Op::Remove { name }, Done::Unit => ())
    }

    /// See [`Op::Replace`].
    #[track_caller]
    pub fn replace(&self, name: FileName, bytes: Vec<u8>) -> Answer<()> {
        let (traffic, len) = (self.traffic.clone(), bytes.len() as u64);
        ask!(self.disk, Op::Replace { name, bytes }, Done::Unit => add(&traffic.written, len))
    }

    /// See [`Op::Load`].
    #[track_caller]
    pub fn load(&self, name: FileName) -> Answer<Vec<u8>> {
        let traffic = self.traffic.clone();
        ask!(self.disk, Op::Load { name }, Done::Bytes(bytes) => {
            add(&traffic.read, bytes.len() as u64);
            bytes
        })
    }

    /// See [`Op::List`].
    #[track_caller]
    pub fn list(&self) -> Answer<Vec<(FileName, u64)>> {
        ask!(self.disk, Op::List, Done::Names(names) => names)
    }

    /// See [`Op::Verify`].
    #[track_caller]
    pub fn verify(&self) -> Answer<()> {
        ask!(self.disk, Op::Verify, Done::Unit => ())
    }

    /// See [`Op::Space`].
    #[track_caller]
    pub fn space(&self) -> Answer<Space> {
        ask!(self.disk, Op::Space, Done::Space(space) => space)
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
        let traffic = self.traffic.clone();
        ask!(self.disk, Op::Read { file: self.id, at, buf }, Done::Buf(buf) => {
            add(&traffic.read, buf.len() as u64);
            buf
        })
    }

    /// See [`Op::Write`].
    #[track_caller]
    pub fn write(&self, at: u64, buf: Buf, durability: Durability) -> Answer<Buf> {
        let traffic = self.traffic.clone();
        ask!(self.disk, Op::Write { file: self.id, at, buf, durability }, Done::Buf(buf) => {
            add(&traffic.written, buf.len() as u64);
            buf
        })
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

fn add(counter: &AtomicU64, bytes: u64) {
    counter.fetch_add(bytes, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Backend, open};

    #[tokio::test]
    async fn a_drive_counts_what_went_through_it() {
        let dir = tempfile::tempdir().unwrap();
        let drive = open(dir.path(), Backend::Threads).unwrap().drive;
        let name = |text| FileName::new(text).unwrap();
        let count = |read, written| Traffic { read, written };
        assert_eq!(drive.traffic(), count(0, 0));
        drive.replace(name("small"), vec![1; 100]).await.unwrap();
        assert_eq!(drive.load(name("small")).await.unwrap().len(), 100);
        assert_eq!(drive.clone().traffic(), count(100, 100), "clones count together");
        let file = drive.create(name("file"), 16384).await.unwrap();
        file.write(0, Buf::zeroed(8192), Durability::Durable).await.unwrap();
        file.read(4096, Buf::zeroed(4096)).await.unwrap();
        assert_eq!(drive.traffic(), count(4196, 24676));
        file.write(16384, Buf::zeroed(4096), Durability::Later).await.unwrap_err();
        assert_eq!(drive.traffic(), count(4196, 24676), "what erred was not written");
    }
}
