//! Blocks of objects on a local disk, in front of a bucket whose objects never change.
//!
//! ```text
//! read -> plan: block by block -> slot of the cache's disk -> verified -> bytes
//!                              -> what is missing: one read of the bucket -> bytes
//!                                                     `-> queue -> keeper: slot written
//! slots:  small --wanted twice--> main --not wanted--> out       (S3-FIFO)
//!           `--not wanted--> ghost (names only) --read again--> main
//! ```
//!
//! - K1: what is read is what the bucket would give: every leaf that is used was compared
//!   with a hash whose key says object, block and place. Names are never used again, so
//!   nothing has to be invalidated; a deleted object is forgotten.
//! - K2: no read errs, or waits for longer than `READ_LIMIT`, because of the cache's disk:
//!   what the cache cannot give comes from the bucket. Read errors here and there cost
//!   their slots; any other error, or many, and the cache is off until the next start.
//! - K3: no read waits for a write of the cache. Writes go through a bounded queue; what
//!   finds it full is dropped.
//! - K4: the files take at most the bytes given, the memory at most
//!   `QUEUE` blocks and about 100 bytes for each slot (80 MB for 100 GiB; counted from the types, not measured).
//!
//! The first read of a part of a block fetches and keeps just that part; one of another
//! part fetches the whole block. So a footer, or a column that is read once, costs no byte
//! more than without a cache, and what is read again is soon there as a whole.
//!
//! Who is thrown out: S3-FIFO (Yang et al., "FIFO queues are all you need for cache
//! eviction", SOSP 2023), because a scan larger than the disk then passes through a tenth
//! of it, and one that is read again soon gets in by the ghosts. Counting a block as wanted
//! takes two further reads: a scan whose reads meet in a block touches it twice.
//!
//! Nothing is synced: a slot that a power cut tore does not verify, and is dropped. At start
//! the keeper reads the slots' headers, and asks the bucket which objects there still are.
//!
//! What it saves: the example `cached`, dev profile, run twice on two shared virtual cores
//! with much other load, bucket in memory behind 5 ms and 100 MB/s for each read, cache on
//! ext4 with direct I/O, 2026-11-27:
//!
//! | what | bucket alone | cache, empty | cache, warm |
//! |---|---|---|---|
//! | point read: 8 reads of 120 KB at a time | 7.5, 7.4 ms | 8.7, 8.6 ms | 2.5, 2.7 ms |
//! | scan of 256 MiB, four reads of 8 MiB at a time | 373, 373 MB/s | 473, 521 MB/s | 640, 646 MB/s |
//!
//! The scan of the empty cache found what the point reads before it had left. What several
//! nodes would spare the bucket together is not in these figures.
//!
//! Not here: decoded rows in memory (`objects`), which directory, and how large (`server`).

mod cache;
mod files;
mod index;
mod keeper;
mod key;
mod plan;
mod ring;
mod shared;
mod slot;
mod status;

pub use cache::{CacheConfig, DiskCache};
pub use slot::FILE_BYTES;
pub use status::CacheStatus;

#[cfg(test)]
mod tests;
