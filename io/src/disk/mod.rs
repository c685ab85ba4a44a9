//! One drive: a directory of files on one device, behind one method.
//!
//! ```text
//! ec, meta --> Drive (call sites) --submit(Request)--> Disk
//!                                                       |- UringDisk    one ring, one thread
//!                                                       |- ThreadDisk   a pool of threads
//!                                                       `- sim::SimDisk faults from one seed
//! ```
//!
//! The contract; `disk::contract` runs it against every implementation.
//! - D1: a completed write is readable at once; it survives a power cut once
//!   it was written with `Durability::Durable`, or once a `Sync` of its file that
//!   was submitted after it completed has itself completed.
//! - D2: a power cut leaves each sector (512 bytes) that was not yet durable
//!   old, new or unreadable, nothing else, in any order.
//! - D3: `Create`, `Remove` and `Replace` are atomic and durable, with their
//!   directory entry, when they complete; cut off, they happened or did not.
//! - D4: reads and writes are whole blocks (`base::limits::BLOCK_BYTES`) inside
//!   the length that the file was created with; anything else is refused with
//!   `DiskErrorKind::Misaligned` and changes nothing. Files do not grow.
//! - D5: a fresh file reads as zeros, and its blocks are allocated: writing into
//!   it later cannot meet a full disk (`Full` comes from `Create`, `Replace`, or
//!   from a write into a range that was punched).
//! - D6: after a write or sync error of a file its state is unknown until it is
//!   opened anew; an error is never retried here.
//! - D7: `Verify` errs with `Gone` within one call once the directory at the path is
//!   no longer the one that was opened, or an open file is no longer in it.
//!
//! Not here: what the files mean (`ec::shard`, `meta::log`).

mod absent;
mod blocking;
mod buf;
mod calls;
pub mod contract;
mod dir;
mod drive;
mod errand;
mod error;
mod files;
mod op;
mod open;
mod queue;
mod threads;
mod transfer;
mod uring;

pub use absent::absent;
pub use buf::{Buf, SharedBuf};
pub use drive::{Drive, File, Traffic};
pub use error::{DiskError, DiskErrorKind};
pub use op::{BlockingFile, Done, Durability, FileId, FileName, Op, OpKind, Request, Site, Space};
pub use open::{Backend, OpenError, Opened, open};

use crate::BoxFuture;

/// One directory on one device. See the contract above.
pub trait Disk: Send + Sync + 'static {
    /// Starts `request` and resolves when it is done. A future that is dropped
    /// does not undo what was started.
    fn submit(&self, request: Request) -> BoxFuture<'static, Result<Done, DiskError>>;

    /// Opens (or creates, empty) a file with blocking calls, for an embedded
    /// ordered store that is synchronous itself. D1 and D2 hold; D4 and D5 do
    /// not: it grows, at any offset. Do not open it twice at once.
    ///
    /// # Errors
    /// As [`Disk::submit`].
    fn open_blocking(&self, name: &FileName)
    -> Result<std::sync::Arc<dyn BlockingFile>, DiskError>;

    /// What to call it in logs and errors: usually its path.
    fn name(&self) -> &str;

    /// `"io_uring"`, `"threads"` or `"simulated"`; followed by `", buffered"`
    /// where the file system has no direct I/O.
    fn backend(&self) -> &'static str;

    /// Identifies the device below; disks that share it fail and sync together.
    fn device(&self) -> u64;
}
