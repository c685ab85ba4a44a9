//! The open files of a real disk.
//!
//! Invariants
//! - O1: a file id is never used twice.
//! - O2: a file whose write or sync erred takes no further write or sync (D6):
//!   the kernel reports a lost page once, and a second sync would say all is well.
//! - O3: one sync of a file runs at a time; whoever asks meanwhile shares the
//!   next one. So no sync can succeed beside one that is told of lost bytes.
//!
//! Not here: what a transfer does to the kernel (`threads`, `uring`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use holdfast_base::limits::BLOCK_BYTES;
use rustix::fd::OwnedFd;

use super::blocking::PlainFile;
use super::dir::Handle;
use super::queue::Caller;
use super::{FileId, FileName};

/// The open files, by id.
#[derive(Debug, Default)]
pub(super) struct Files {
    next: AtomicU64,
    open: Mutex<BTreeMap<FileId, Arc<OpenFile>>>,
    /// Files for blocking use; the dead ones are dropped when one is added.
    plain: Mutex<Vec<Weak<PlainFile>>>,
}

/// One open file.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) name: FileName,
    pub(super) fd: OwnedFd,
    /// [bytes]
    pub(super) len: u64,
    pub(super) inode: u64,
    pub(super) writable: bool,
    /// O2.
    fenced: AtomicBool,
    /// We removed or replaced its name ourselves: `Verify` does not look for it.
    unnamed: AtomicBool,
    /// O3.
    syncing: Mutex<Syncing>,
}

/// Who waits for a sync. Guarded by `OpenFile::syncing`.
#[derive(Debug, Default)]
struct Syncing {
    running: bool,
    next: Vec<Caller>,
}

impl Files {
    /// Adds a file that was opened.
    pub(super) fn add(&self, name: FileName, handle: Handle) -> FileId {
        let id = FileId(self.next.fetch_add(1, Ordering::Relaxed));
        let file = OpenFile {
            name,
            fd: handle.fd,
            len: handle.len,
            inode: handle.inode,
            writable: handle.writable,
            fenced: AtomicBool::new(false),
            unnamed: AtomicBool::new(false),
            syncing: Mutex::default(),
        };
        self.lock().insert(id, Arc::new(file));
        id
    }

    /// An open file.
    pub(super) fn get(&self, id: FileId) -> Option<Arc<OpenFile>> {
        self.lock().get(&id).cloned()
    }

    /// Forgets a file. Operations under way keep it open until they end.
    pub(super) fn forget(&self, id: FileId) -> Option<Arc<OpenFile>> {
        self.lock().remove(&id)
    }

    /// Remembers a file for blocking use.
    pub(super) fn add_plain(&self, file: &Arc<PlainFile>) {
        let mut plain = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        plain.retain(|file| file.strong_count() > 0);
        plain.push(Arc::downgrade(file));
    }

    /// Marks which files, by inode, are open under `name` and have lost it by
    /// our own doing.
    pub(super) fn set_unnamed(&self, name: &FileName, unnamed: impl Fn(u64) -> bool) {
        for file in self.lock().values().filter(|file| file.name == *name) {
            file.unnamed.store(unnamed(file.inode), Ordering::Relaxed);
        }
        let plain = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        for file in plain.iter().filter_map(Weak::upgrade).filter(|file| file.name == *name) {
            file.unnamed.store(unnamed(file.inode), Ordering::Relaxed);
        }
    }

    /// Names and inodes that must still be in the directory (D7).
    pub(super) fn named(&self) -> Vec<(FileName, u64)> {
        let mut named: Vec<_> = self
            .lock()
            .values()
            .filter(|file| !file.unnamed.load(Ordering::Relaxed))
            .map(|file| (file.name.clone(), file.inode))
            .collect();
        let plain = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        let plain = plain.iter().filter_map(Weak::upgrade);
        named.extend(
            plain
                .filter(|file| !file.unnamed.load(Ordering::Relaxed))
                .map(|file| (file.name.clone(), file.inode)),
        );
        named
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<FileId, Arc<OpenFile>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenFile {
    /// D4: whole blocks inside the file.
    pub(super) fn fits(&self, at: u64, len: u64) -> bool {
        let block = BLOCK_BYTES as u64;
        at.is_multiple_of(block)
            && len.is_multiple_of(block)
            && at.checked_add(len).is_some_and(|end| end <= self.len)
    }

    /// O2: from now on it takes no write and no sync.
    pub(super) fn fence(&self) {
        self.fenced.store(true, Ordering::Release);
    }

    /// Whether a write or sync erred.
    pub(super) fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::Acquire)
    }

    /// Whom a sync that starts now would answer; `None` when one is running
    /// and `caller` waits for the next (O3).
    pub(super) fn begin_sync(&self, caller: Caller) -> Option<Vec<Caller>> {
        let mut syncing = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        if syncing.running {
            syncing.next.push(caller);
            return None;
        }
        syncing.running = true;
        Some(vec![caller])
    }

    /// After a sync ended: whom the next one would answer, if anybody waits.
    pub(super) fn next_sync(&self) -> Option<Vec<Caller>> {
        let mut syncing = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = std::mem::take(&mut syncing.next);
        syncing.running = !next.is_empty();
        syncing.running.then_some(next)
    }
}
