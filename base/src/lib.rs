//! Holdfast's vocabulary: ids, units, checksums, remedies and limits.
//!
//! Everything above speaks these words. Nothing here does I/O, waits, or
//! knows about tokio; whatever needs the world lives in `io`.

pub mod checksum;
pub mod geometry;
pub mod ids;
pub mod limits;
pub mod remedy;
pub mod units;

pub use checksum::Hash;
pub use geometry::{CodecId, Geometry};
pub use ids::{
    BlobId, BodyId, BucketId, ClusterId, DriveId, DriveNo, Epoch, GroupId, Lsn, NodeId, SessionId,
    ShardId, ShardIndex, TableId, Ts, TxnId, UploadId, VersionId,
};
pub use remedy::Remedy;
pub use units::{ByteCount, Tick, WallMs};
