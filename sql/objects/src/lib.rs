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
//! What it costs: `cargo run --release -p holdfast-objects --example read 1048576`, run
//! twice on two shared virtual cores with other load, CPU time of one thread, bucket in
//! memory, sysbench's row (190 bytes), 2026-11-27:
//!
//! | what | run 1, run 2 |
//! |---|---|
//! | point read, cached | 1.2, 1.3 us; with four values 2.7, 2.8 us |
//! | point read, block not cached, footer cached | 462, 460 us; 0.95 MB in 8 reads |
//! | locate, cached, 100,000 keys in a row | 66, 69 ns a key |
//! | range, cached; not cached | 28, 28; 124, 131 ns a row |
//! | scan of all slots, three times each | 2.77 to 2.81, 2.72 to 2.83 GB/s |
//! | plain parquet, the same | 2.79 to 2.85, 2.76 to 2.83 GB/s |
//! | scan with one row in 1000; 16; 2 dead | 76, 71; 85, 85; 216, 207 ns a row that is alive |
//!
//! A scan and plain parquet do not differ by more than either does from itself. Of the
//! two integers alone the scan mostly came out ahead, but plain parquet parses the footer
//! each time there and the scan has it cached: that says nothing of reading. The bucket
//! is memory: what reads of a real one cost is not in these figures.
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
