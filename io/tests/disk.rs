//! The disk contract on the real disks, in a directory of the machine.

use std::path::Path;
use std::sync::Arc;

use holdfast_io::disk::{Backend, Disk, contract, open};

fn disk(path: &Path, backend: Backend) -> Arc<dyn Disk> {
    open(path, backend).expect("a fresh directory opens").drive.disk().clone()
}

#[tokio::test]
async fn threads_keep_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    contract::run(async || disk(dir.path(), Backend::Threads)).await;
}
