//! The disk contract on the real disks, in a directory of the machine.

use std::path::Path;
use std::sync::Arc;

use holdfast_io::disk::{Backend, Disk, OpenError, contract, open};

/// The backends that this machine has; says loudly when one is missing.
fn backends() -> Vec<Backend> {
    let dir = tempfile::tempdir().unwrap();
    match open(dir.path(), Backend::Uring) {
        Ok(_) => vec![Backend::Uring, Backend::Threads],
        Err(OpenError::NoUring { why, .. }) => {
            eprintln!("SKIPPED: the io_uring disk was NOT tested: {why}");
            vec![Backend::Threads]
        }
        Err(error) => panic!("{error}"),
    }
}

fn disk(path: &Path, backend: Backend) -> Arc<dyn Disk> {
    open(path, backend).expect("a fresh directory opens").drive.disk().clone()
}

#[tokio::test]
async fn real_disks_keep_the_contract() {
    for backend in backends() {
        let dir = tempfile::tempdir().unwrap();
        contract::run(async || disk(dir.path(), backend)).await;
    }
}
