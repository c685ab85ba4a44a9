//! A table's immutable part: columnar objects in the database's bucket, and the
//! manifest that names them.
//!
//! ```text
//! manifest (at, flushed)
//!   object  a..k   rows, key range, footer      deletes: positions that are dead
//!   object  f..z   ...
//! ```
//!
//! - M1: of the objects of one manifest a key is alive in at most one.
//! - M2: a manifest does not change: an edit makes another one, of a later timestamp.
//!
//! Not here: rows that are not flushed (`tail`), which manifest a reader takes (`sql`).

mod block;
mod bounds;
mod cache;
mod compact;
mod deletes;
mod error;
mod footer;
mod guard;
pub mod manifest;
mod part;
mod range;
mod read;
mod scan;
mod source;
mod table;
pub mod testing;
mod write;

pub use block::ObjectRow;
pub use bounds::SlotBound;
pub use error::ObjectsError;
pub use manifest::{BadManifest, Deletes, Edit, Manifest, Object, ObjectId, Place};
pub use part::ScanPart;
pub use range::ObjectCursor;
pub use read::{Reader, ReaderStatus};
pub use roaring::RoaringBitmap;
pub use scan::ObjectScan;
pub use table::TableObjects;
pub use write::{Ids, Options, Writer};

#[cfg(test)]
mod tests;
