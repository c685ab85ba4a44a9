//! What both real disks share: the directory, the open files, and the helper
//! threads for the rare operations that block for long.
//!
//! ```text
//! Create, Remove, Close                    --> slow lane     (zero filling, freeing extents)
//! Open, Replace, Load, List, Verify, Space --> errand lane
//! Read, Write, Sync, Punch                 --> the backend: `threads` or `uring`
//! ```
//!
//! Not here: the system calls (`dir`), the transfers.

use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;

use super::blocking::PlainFile;
use super::dir::Dir;
use super::files::{Files, OpenFile};
use super::queue::{Gate, Lane, Outcome};
use super::{BlockingFile, DiskError, DiskErrorKind, Done, FileId, FileName, Op, OpKind, Request};
use crate::BoxFuture;

/// Slow or directory operations of one disk, queued and running.
const ERRANDS_MAX: usize = 64;

/// Threads for operations that may take seconds.
const SLOW_THREADS: usize = 2;

/// Threads for operations that take milliseconds.
const ERRAND_THREADS: usize = 2;

/// Enough for system calls and small files. [bytes]
pub(super) const STACK_BYTES: usize = 256 << 10;

/// A directory and its open files.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) name: Arc<str>,
    pub(super) dir: Dir,
    pub(super) files: Files,
}

/// The helper threads of one disk; they end when it is dropped.
#[derive(Debug)]
pub(super) struct Errands {
    gate: Gate,
    slow: Arc<Lane>,
    quick: Arc<Lane>,
}

impl Shelf {
    /// Opens the directory at `path`.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, Errno> {
        let dir = Dir::open(path)?;
        let name = dir.path().display().to_string().into();
        Ok(Arc::new(Self { name, dir, files: Files::default() }))
    }

    /// The open file `id`.
    pub(super) fn file(&self, id: FileId, doing: OpKind) -> Result<Arc<OpenFile>, DiskError> {
        self.files.get(id).ok_or_else(|| DiskError {
            disk: self.name.to_string(),
            file: format!("#{}", id.0),
            doing,
            kind: DiskErrorKind::Closed,
            source: std::io::Error::other("the file was closed"),
        })
    }

    /// An error of the system about `file`, or about the directory when empty.
    pub(super) fn error(&self, doing: OpKind, file: &str, errno: Errno) -> DiskError {
        let source = std::io::Error::from(errno);
        let kind = DiskErrorKind::of(&source);
        DiskError { disk: self.name.to_string(), file: file.to_owned(), doing, kind, source }
    }

    /// A refusal of our own.
    pub(super) fn refuse(
        &self,
        doing: OpKind,
        file: &str,
        kind: DiskErrorKind,
        why: &str,
    ) -> DiskError {
        let source = std::io::Error::other(why);
        DiskError { disk: self.name.to_string(), file: file.to_owned(), doing, kind, source }
    }

    /// See [`super::Disk::open_blocking`].
    pub(super) fn open_blocking(
        &self,
        name: &FileName,
    ) -> Result<Arc<dyn BlockingFile>, DiskError> {
        let handle = self.dir.open_plain(name);
        let handle = handle.map_err(|errno| self.error(OpKind::Open, name.as_str(), errno))?;
        let file = Arc::new(PlainFile::new(self.name.clone(), name.clone(), handle));
        self.files.add_plain(&file);
        Ok(file)
    }

    /// Does one operation of the helper threads.
    fn run(&self, op: Op) -> Outcome {
        let doing = op.kind();
        let erred = |name: &FileName, errno| self.error(doing, name.as_str(), errno);
        match op {
            Op::Create { name, len } => {
                let handle = self.dir.create(&name, len).map_err(|errno| erred(&name, errno))?;
                Ok(Done::File(self.files.add(name, handle), len))
            }
            Op::Open { name } => {
                let handle = self.dir.open_file(&name).map_err(|errno| erred(&name, errno))?;
                let len = handle.len;
                Ok(Done::File(self.files.add(name, handle), len))
            }
            Op::Close { file } => {
                self.file(file, doing)?;
                drop(self.files.forget(file));
                Ok(Done::Unit)
            }
            Op::Remove { name } => {
                let removed = self.unnaming(&name, || self.dir.remove(&name));
                removed.map(|()| Done::Unit).map_err(|errno| erred(&name, errno))
            }
            Op::Replace { name, bytes } => {
                let replaced = self.unnaming(&name, || self.dir.replace(&name, &bytes));
                replaced.map(|()| Done::Unit).map_err(|errno| erred(&name, errno))
            }
            Op::Load { name } => {
                self.dir.load(&name).map(Done::Bytes).map_err(|errno| erred(&name, errno))
            }
            Op::List => self.dir.list().map(Done::Names).map_err(|e| self.error(doing, "", e)),
            Op::Verify => self.verify(),
            Op::Space => self.dir.space().map(Done::Space).map_err(|e| self.error(doing, "", e)),
            Op::Read { .. } | Op::Write { .. } | Op::Sync { .. } | Op::Punch { .. } => {
                unreachable!("transfers go to the backend")
            }
        }
    }

    /// Runs what takes a name away from the files that are open under it. They
    /// are marked before, so that `Verify` meanwhile does not take it for a loss.
    fn unnaming(
        &self,
        name: &FileName,
        change: impl FnOnce() -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        self.files.set_unnamed(name, |_| true);
        let changed = change();
        if changed.is_err() {
            self.files.set_unnamed(name, |inode| !self.dir.leads_to(name, inode).unwrap_or(false));
        }
        changed
    }

    /// D7.
    fn verify(&self) -> Outcome {
        let doing = OpKind::Verify;
        if !self.dir.is_in_place().map_err(|errno| self.error(doing, "", errno))? {
            let why = "the path no longer leads to the directory that was opened";
            return Err(self.refuse(doing, "", DiskErrorKind::Gone, why));
        }
        for (name, inode) in self.files.named() {
            let there = self.dir.leads_to(&name, inode);
            if !there.map_err(|errno| self.error(doing, name.as_str(), errno))? {
                let why = "an open file is no longer in the directory";
                return Err(self.refuse(doing, name.as_str(), DiskErrorKind::Gone, why));
            }
        }
        Ok(Done::Unit)
    }
}

impl Errands {
    /// Starts the helper threads of `shelf`.
    pub(super) fn start(shelf: &Arc<Shelf>) -> std::io::Result<Self> {
        let errands = Self {
            gate: Gate::new(shelf.name.clone(), ERRANDS_MAX),
            slow: Arc::default(),
            quick: Arc::default(),
        };
        let lanes =
            [(&errands.slow, SLOW_THREADS, "slow"), (&errands.quick, ERRAND_THREADS, "dir")];
        for (lane, threads, kind) in lanes {
            for number in 0..threads {
                let (shelf, lane) = (shelf.clone(), lane.clone());
                spawn(&shelf.name.clone(), &format!("{kind}{number}"), move || {
                    while let Some(ticket) = lane.next() {
                        let (op, caller) = ticket.split();
                        caller.answer(shelf.run(op));
                    }
                })?;
            }
        }
        Ok(errands)
    }

    /// Queues an operation that is not a transfer.
    pub(super) fn submit(&self, request: Request) -> BoxFuture<'static, Outcome> {
        let lane = match request.op.kind() {
            OpKind::Create | OpKind::Remove | OpKind::Close => self.slow.clone(),
            _ => self.quick.clone(),
        };
        self.gate.submit(request, move |ticket| lane.push(ticket))
    }
}

impl Drop for Errands {
    fn drop(&mut self) {
        self.slow.close();
        self.quick.close();
    }
}

/// Starts a thread named for its disk and its work.
pub(super) fn spawn(
    disk: &str,
    work: &str,
    body: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    let last = disk.rsplit('/').next().unwrap_or(disk);
    let builder = std::thread::Builder::new().name(format!("{work}-{last}"));
    builder.stack_size(STACK_BYTES).spawn(body).map(drop)
}
