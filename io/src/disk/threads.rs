//! A disk on a pool of threads with blocking calls: the fallback where io_uring
//! is not permitted (the default seccomp profile of containers forbids it).
//!
//! Invariants
//! - T1: at most [`TRANSFERS_MAX`] transfers are queued or running; further callers wait.
//!
//! Not here: creation, removal and the other operations by name (`errand`, `dir`).

use std::path::Path;
use std::sync::Arc;

use super::calls::serve;
use super::errand::{Errands, Shelf};
use super::queue::{Gate, Lane, Outcome};
use super::{BlockingFile, Disk, DiskError, FileName, OpKind, Request};
use crate::BoxFuture;

/// Transfers of one disk, queued and running.
const TRANSFERS_MAX: usize = 256;

/// Transfers that run at once: about what keeps an SSD busy.
const TRANSFER_THREADS: usize = 8;

/// One directory, served by threads.
#[derive(Debug)]
pub(super) struct ThreadDisk {
    shelf: Arc<Shelf>,
    errands: Errands,
    gate: Gate,
    transfers: Arc<Lane>,
}

impl ThreadDisk {
    /// Opens the directory at `path` and starts its threads.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let shelf = Shelf::open(path)?;
        let errands = Errands::start(&shelf)?;
        let gate = Gate::new(shelf.name.clone(), TRANSFERS_MAX);
        let disk = Self { shelf, errands, gate, transfers: Arc::default() };
        serve(&disk.shelf, &disk.transfers, TRANSFER_THREADS)?;
        Ok(disk)
    }
}

impl Disk for ThreadDisk {
    fn submit(&self, request: Request) -> BoxFuture<'static, Outcome> {
        match request.op.kind() {
            OpKind::Read | OpKind::Write | OpKind::Sync | OpKind::Punch => {
                let lane = self.transfers.clone();
                self.gate.submit(request, move |ticket| lane.push(ticket))
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
        if self.shelf.dir.is_direct() { "threads" } else { "threads, buffered" }
    }

    fn device(&self) -> u64 {
        self.shelf.dir.device()
    }
}

impl Drop for ThreadDisk {
    fn drop(&mut self) {
        self.transfers.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::contract;

    #[tokio::test]
    async fn without_direct_io_the_contract_holds_as_well() {
        let dir = tempfile::tempdir().unwrap();
        contract::run(async || {
            let disk = ThreadDisk::open(dir.path()).unwrap();
            disk.shelf.dir.go_buffered();
            assert_eq!(disk.backend(), "threads, buffered");
            Arc::new(disk) as Arc<dyn Disk>
        })
        .await;
    }
}
