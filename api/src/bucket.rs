//! The database's own bucket: immutable objects by name, in the same store as everybody's.
//!
//! ```text
//! create -> write* -> finish        durable and visible, or not there
//! read a range | list by prefix | delete
//! ```
//!
//! - B1: an object is visible whole, after `finish` was answered; a writer that is
//!   dropped leaves nothing that is visible.
//! - B2: a name is written once. Writing it again puts the new object in its place, at once.
//! - B3: bytes that are read are verified; a wrong byte is an error.
//!
//! Not here: what is in the objects (`sql`), how they are stored (`object`, `meta`).

use std::ops::Range;

use bytes::Bytes;
use holdfast_base::Remedy;

use crate::BoxFuture;

/// An object as a listing tells of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its size. [bytes]
    pub bytes: u64,
}

/// Why an object could not be had.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BucketError {
    /// There is no such object.
    #[error("there is no object {0}")]
    Absent(String),
    /// The range reaches beyond its end.
    #[error("{name} has {bytes} bytes, {from}..{to} was asked for")]
    Range {
        /// Which object.
        name: String,
        /// Its size. [bytes]
        bytes: u64,
        /// First byte asked for.
        from: u64,
        /// One past the last byte asked for.
        to: u64,
    },
    /// Nothing is lost; try again.
    #[error("{name}: {why}")]
    Away {
        /// Which object.
        name: String,
        /// What is away.
        why: String,
    },
    /// It will not get better by itself: no room, or bytes that cannot be rebuilt.
    #[error("{name}: {why}")]
    Broken {
        /// Which object.
        name: String,
        /// What is broken.
        why: String,
    },
}

impl BucketError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Away { .. } => Remedy::RetryHere,
            Self::Absent(_) | Self::Range { .. } | Self::Broken { .. } => Remedy::Refuse,
        }
    }
}

/// Takes an object's bytes in order.
pub trait ObjectWriter: Send {
    /// Takes the next bytes; waits while too many are under way.
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), BucketError>>;

    /// Ends the object (B1); its size.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<u64, BucketError>>;
}

/// The bucket.
pub trait Bucket: Send + Sync + 'static {
    /// Begins an object; `bytes`, where it is known, only helps to choose.
    fn create(&self, name: &str, bytes: Option<u64>) -> Box<dyn ObjectWriter>;

    /// The bytes of a range, all of them (B3).
    fn read(&self, name: &str, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, BucketError>>;

    /// At most `limit` objects whose names begin with `prefix` and come after `after`,
    /// by name. Fewer: there are no more.
    fn list(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Listed>, BucketError>>;

    /// Removes an object; one that is not there is removed already.
    fn delete(&self, name: &str) -> BoxFuture<'_, Result<(), BucketError>>;
}
