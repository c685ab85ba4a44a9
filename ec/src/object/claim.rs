//! Who may change a blob's shards on the drives: one at a time.
//!
//! A heal writes a shard before the metadata names it; to the collector such a
//! shard looks left over. Both claim the blob first, then look at the metadata.
//!
//! - K1: while a claim is held nobody else gets one for the same blob.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_base::BlobId;

/// The blobs claimed now.
#[derive(Clone, Default)]
pub struct Claims(Arc<Mutex<BTreeSet<BlobId>>>);

/// One blob, until it is dropped.
pub struct Claim {
    claims: Claims,
    blob: BlobId,
}

impl Claims {
    /// K1: `None` while another has it.
    pub fn take(&self, blob: BlobId) -> Option<Claim> {
        let mut claimed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.insert(blob).then(|| Claim { claims: self.clone(), blob })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.blob);
    }
}
