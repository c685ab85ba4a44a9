//! openraft's own storage suite, on simulated and on real disks.

use std::sync::Arc;

use holdfast_io::clock::{Clock, SystemClock};
use holdfast_io::disk::{Backend, Drive};
use holdfast_io::rng::SeededRng;
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::SimDisk;
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};

use super::journal::Journal;
use super::machine::Machine;
use super::snapshot::Stores;
use super::types::Types;
use crate::log::{Log, LogConfig};

fn config(clock: Arc<dyn Clock>) -> LogConfig {
    let rng = Arc::new(SeededRng::new(1));
    LogConfig { segment_bytes: 128 << 10, first_segment_bytes: 64 << 10, clock, rng }
}

async fn open(drive: Drive, clock: Arc<dyn Clock>) -> (Journal, Machine) {
    let log = Log::open(drive.clone(), config(clock)).await.unwrap();
    let stores = Stores::open(drive, 1 << 20).await.unwrap();
    (Journal(log), Machine::open(stores).unwrap())
}

struct Simulated;

impl StoreBuilder<Types, Journal, Machine, Arc<SimDisk>> for Simulated {
    async fn build(&self) -> Result<(Arc<SimDisk>, Journal, Machine), StorageError<Types>> {
        let clock: Arc<dyn Clock> = SimClock::new();
        let disk = SimDisk::new("suite", 1, clock.clone());
        let (journal, machine) = open(disk.drive(), clock).await;
        Ok((disk, journal, machine))
    }
}

struct Real(Backend);

impl StoreBuilder<Types, Journal, Machine, tempfile::TempDir> for Real {
    async fn build(&self) -> Result<(tempfile::TempDir, Journal, Machine), StorageError<Types>> {
        let directory = tempfile::tempdir().unwrap();
        let opened = holdfast_io::disk::open(directory.path(), self.0).unwrap();
        let (journal, machine) = open(opened.drive, Arc::new(SystemClock)).await;
        Ok((directory, journal, machine))
    }
}

#[test]
fn openrafts_storage_suite_passes_on_the_simulated_disk() {
    holdfast_sim::run(async { Suite::test_all(Simulated).await.unwrap() });
}

#[test]
fn openrafts_storage_suite_passes_on_real_disks() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap();
    for backend in [Backend::Auto, Backend::Threads] {
        runtime.block_on(async { Suite::test_all(Real(backend)).await.unwrap() });
    }
}
