//! A disk on io_uring: one ring and one thread that owns it.
//!
//! ```text
//! callers --Gate--> Inbox --(eventfd, only when the thread sleeps)--> ring thread
//!                                     takes all that is there, submits it at once,
//!                                     waits for one completion, reaps all, answers
//! ```
//!
//! A durable write that finds fewer than [`LONE_MAX`] others under way goes to a
//! thread with a blocking call instead. On a device without FUA the kernel ends
//! a ring's `RWF_DSYNC` write on a workqueue bound to one core, and while that
//! core is busy it waits for a time slice: 2,000 writes of 4 KiB at random offsets
//! of a 64 MiB file, one at a time, on a loaded 2-core EPYC VM took 3.98 ms (p50)
//! through the ring and 0.18 ms with a blocking call, for the same CPU time
//! (November 2026, ext4, `write_cache` on, `fua` 0). Group commit
//! has one such write per drive under way, so this is the common case; the many
//! share the wait, and the ring does them at half the CPU time.
//!
//! Registered buffers and files are left out: they gained nothing in a spike
//! (November 2026). So is polling, which burns a core.
//!
//! Invariants
//! - U1: at most [`TRANSFERS_MAX`] transfers are queued or under way, so the
//!   submission queue, which is larger, never fills.
//! - U2: memory that the kernel may still touch is owned by a flight until its
//!   completion was reaped; should the thread end before, it is leaked.
//!
//! Not here: creation, removal and the other operations by name (`errand`, `dir`).

mod flight;
mod inbox;
mod probe;
mod ring;

use std::path::Path;
use std::sync::{Arc, mpsc};

use super::calls::serve;
use super::errand::{Errands, Shelf, spawn};
use super::queue::{Gate, Lane, Outcome};
use super::{BlockingFile, Disk, DiskError, Durability, FileName, Op, OpKind, Request};
use crate::BoxFuture;
use inbox::Inbox;
pub(super) use probe::probe;
use ring::Ring;

/// Transfers of one disk, queued and under way.
const TRANSFERS_MAX: usize = 256;

/// Durable writes that are done with blocking calls, one thread each: as many as a drive
/// has groups under way.
const LONE_MAX: usize = 4;

/// Slots of the submission queue.
const RING_ENTRIES: u32 = 512;

const _: () = assert!(RING_ENTRIES as usize > TRANSFERS_MAX, "U1: and one for the wake-up");

/// One directory, served by a ring.
#[derive(Debug)]
pub(super) struct UringDisk {
    shelf: Arc<Shelf>,
    errands: Errands,
    gate: Gate,
    inbox: Arc<Inbox>,
    lone: Arc<Lane>,
}

impl UringDisk {
    /// Opens the directory at `path` and starts its ring.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let shelf = Shelf::open(path)?;
        let errands = Errands::start(&shelf)?;
        let inbox = Arc::new(Inbox::new()?);
        let gate = Gate::new(shelf.name.clone(), TRANSFERS_MAX);
        // From here on an error ends the threads, because it drops the disk.
        let disk = Self { shelf, errands, gate, inbox, lone: Arc::default() };
        serve(&disk.shelf, &disk.lone, LONE_MAX)?;
        let (started, outcome) = mpsc::sync_channel(1);
        let (shelf, inbox) = (disk.shelf.clone(), disk.inbox.clone());
        // The ring is made on its thread: the kernel wants one issuer, this one.
        spawn(&disk.shelf.name, "uring", move || match Ring::new(shelf, inbox) {
            Ok(ring) => {
                let _ = started.send(Ok(()));
                ring.run();
            }
            Err(error) => drop(started.send(Err(error))),
        })?;
        outcome.recv().map_err(|_| std::io::Error::other("the ring thread died"))??;
        Ok(disk)
    }
}

impl Disk for UringDisk {
    fn submit(&self, request: Request) -> BoxFuture<'static, Outcome> {
        let inbox = self.inbox.clone();
        if let Op::Write { durability: Durability::Durable, .. } = &request.op {
            let lone = self.lone.clone();
            return self.gate.submit(request, move |ticket| {
                if let Some(ticket) = lone.offer(ticket) {
                    inbox.push(ticket);
                }
            });
        }
        match request.op.kind() {
            OpKind::Read | OpKind::Write | OpKind::Sync | OpKind::Punch => {
                self.gate.submit(request, move |ticket| inbox.push(ticket))
            }
            _ => self.errands.submit(request),
        }
    }

    fn open_blocking(&self, name: &FileName) -> Result<Arc<dyn BlockingFile>, DiskError> {
        self.shelf.open_blocking(name)
    }

    fn name(&self) -> &str {
        &self.shelf.name
    }

    fn backend(&self) -> &'static str {
        if self.shelf.dir.is_direct() { "io_uring" } else { "io_uring, buffered" }
    }

    fn device(&self) -> u64 {
        self.shelf.dir.device()
    }
}

impl Drop for UringDisk {
    fn drop(&mut self) {
        self.inbox.close();
        self.lone.close();
    }
}
