//! A disk that is not there: every request is answered with `Gone`.
//!
//! For whoever must count a disk that cannot be opened, as a replica set does
//! with a member whose drive is missing.

use std::path::Path;
use std::sync::Arc;

use super::{BlockingFile, Disk, DiskError, DiskErrorKind, Done, Drive, FileName, OpKind, Request};
use crate::BoxFuture;

struct AbsentDisk {
    name: String,
}

/// Stands for the disk at `path`.
pub fn absent(path: &Path) -> Drive {
    Drive::new(Arc::new(AbsentDisk { name: path.display().to_string() }))
}

impl AbsentDisk {
    fn gone(&self, doing: OpKind) -> DiskError {
        DiskError {
            disk: self.name.clone(),
            file: String::new(),
            doing,
            kind: DiskErrorKind::Gone,
            source: std::io::Error::new(std::io::ErrorKind::NotFound, "no such directory"),
        }
    }
}

impl Disk for AbsentDisk {
    fn submit(&self, request: Request) -> BoxFuture<'static, Result<Done, DiskError>> {
        let gone = self.gone(request.op.kind());
        Box::pin(async move { Err(gone) })
    }

    fn open_blocking(&self, _: &FileName) -> Result<Arc<dyn BlockingFile>, DiskError> {
        Err(self.gone(OpKind::Open))
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn backend(&self) -> &'static str {
        "absent"
    }

    fn device(&self) -> u64 {
        0
    }
}
