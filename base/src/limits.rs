//! Every bound that more than one crate relies on, and the relations between
//! them, proved at compile time.

/// The unit of direct I/O: offsets, lengths and buffers are multiples of it. [bytes]
pub const BLOCK_BYTES: usize = 4096;

/// The unit of hashing: the least that a verified read touches. [bytes]
pub const LEAF_BYTES: usize = 16 << 10;

/// The unit of striping: a stripe is `k` of these, the last one of a blob may be shorter. [bytes]
pub const UNIT_BYTES: usize = 64 << 10;

/// The most payload that one shard holds. [bytes]
pub const SHARD_BYTES_MAX: usize = 2 << 20;

/// The most bytes that one blob holds, whatever its geometry. [bytes]
pub const BLOB_BYTES_MAX: usize = 64 << 20;

/// Objects up to this size live in the metadata entry itself. [bytes]
pub const INLINE_BYTES_MAX: usize = 4096;

/// The most shards of one blob.
pub const MAX_SHARDS: usize = 256;

/// The widest set that is chosen without being asked for.
pub const MAX_SHARDS_BY_DEFAULT: usize = 16;

/// The widest set of the `gf8` codec.
pub const GF8_MAX_SHARDS: usize = 32;

/// The longest object key. [bytes]
pub const KEY_BYTES_MAX: usize = 1024;

/// The most command bytes in one log entry. [bytes]
pub const ENTRY_BYTES_MAX: usize = 1 << 20;

/// How long after its birth, or its last renewal, a body may still be committed. [ms of log time]
pub const INTENT_MS: u64 = 15 * 60 * 1000;

/// How long after its deletion a body's shards are kept for readers that may still see it. [ms of log time]
pub const READ_GRACE_MS: u64 = 30 * 1000;

/// A shard write or read slower than this has failed. [ms]
pub const SHARD_DEADLINE_MS: u64 = 5_000;

const _: () = assert!(LEAF_BYTES.is_multiple_of(BLOCK_BYTES), "a leaf is read with direct I/O");
const _: () = assert!(UNIT_BYTES.is_multiple_of(LEAF_BYTES), "a unit is verified leaf by leaf");
const _: () = assert!(SHARD_BYTES_MAX.is_multiple_of(UNIT_BYTES), "a full shard is whole units");
const _: () = assert!(BLOB_BYTES_MAX.is_multiple_of(UNIT_BYTES), "a full blob is whole units");
const _: () = assert!(INLINE_BYTES_MAX * 4 <= ENTRY_BYTES_MAX, "inline objects batch");
