//! Identities. If two numbers must not be mixed they have two types.
//!
//! Random ids come from `io::rng`; this module only gives them a shape.
//!
//! Not here: sizes and times (`units`), the shape of an erasure set (`geometry`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// 128 random bits with a type, shown as 32 hex digits.
macro_rules! uuid_like {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), hex::encode(self.0))
            }
        }
        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                let mut bytes = [0; 16];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| BadId { kind: stringify!($name), text: text.into() })?;
                Ok(Self(bytes))
            }
        }
    };
}

/// A number with a type, shown in decimal.
macro_rules! number_like {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// A text that should have been an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: 32 hex digits are")]
pub struct BadId {
    /// Which id was wanted.
    pub kind: &'static str,
    /// What was given.
    pub text: String,
}

uuid_like!(
    /// One Holdfast deployment; drives and nodes of another cluster are refused.
    ClusterId
);
uuid_like!(
    /// One formatting of one drive. A replaced or emptied drive gets a new one.
    DriveId
);
uuid_like!(
    /// One installation of one node.
    NodeId
);
uuid_like!(
    /// One client session of the metadata service; the unit of exactly-once.
    SessionId
);
uuid_like!(
    /// One multipart upload.
    UploadId
);
uuid_like!(
    /// One version of an object; drawn anew for every PUT.
    VersionId
);

number_like!(
    /// A drive's slot in the cluster. Survives the replacement of the drive in it.
    DriveNo(u16)
);
number_like!(
    /// A bucket; never reused, unlike its name.
    BucketId(u64)
);
number_like!(
    /// A Raft group. There is one (0) now; keys are routed through it from the first day.
    GroupId(u16)
);
number_like!(
    /// The term of office of a log writer; grows with every grant.
    Epoch(u64)
);
number_like!(
    /// A commit or read timestamp of the database: issued by the active transaction
    /// node, strictly growing along the log. Milliseconds << 18, and a counter.
    Ts(u64)
);
number_like!(
    /// A table, or an index (a hidden table); never reused, unlike its name.
    TableId(u64)
);
number_like!(
    /// Which of a blob's `k + m` shards: data first, then parity.
    ShardIndex(u8)
);

/// The bytes of one object, or of one part of a multipart upload: a run of blobs.
///
/// Carries the log tick of its birth, so that the collector can tell an
/// upload in flight from an orphan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BodyId {
    /// Log tick at birth. [ms]
    pub born: u64,
    /// Random; tells apart bodies born in one tick.
    pub nonce: u64,
}

/// An immutable run of an object's bytes that is erasure coded as one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobId {
    /// The body that this blob is a piece of.
    pub body: BodyId,
    /// Position in the body, from 0.
    pub index: u32,
}

/// One shard of one blob: what a drive stores.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardId {
    /// The blob.
    pub blob: BlobId,
    /// Which of its shards.
    pub index: ShardIndex,
}

/// One transaction. Ordered by birth, so that a horizon can be drawn below which
/// nobody remembers outcomes any more.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct TxnId {
    /// The read timestamp at its birth.
    pub born: Ts,
    /// Random; tells apart transactions born at one timestamp.
    pub nonce: u64,
}

/// A position in the log of one group: (incarnation, group, Raft index).
/// Grows, may skip, is never reused.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Lsn {
    /// Which life of the cluster's log; a manual rescue starts a new one.
    pub incarnation: u32,
    /// The Raft group.
    pub group: GroupId,
    /// Raft log index.
    pub index: u64,
}

impl BlobId {
    /// 20 bytes, ordered as the id is.
    pub fn to_bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes[..16].copy_from_slice(&self.body.to_bytes());
        bytes[16..].copy_from_slice(&self.index.to_be_bytes());
        bytes
    }

    /// The inverse of [`BlobId::to_bytes`].
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        let (mut body, mut index) = ([0; 16], [0; 4]);
        body.copy_from_slice(&bytes[..16]);
        index.copy_from_slice(&bytes[16..]);
        Self { body: BodyId::from_bytes(body), index: u32::from_be_bytes(index) }
    }

    /// The id of one of this blob's shards.
    pub fn shard(self, index: usize) -> ShardId {
        debug_assert!(index < 256, "a blob has at most 256 shards");
        ShardId { blob: self, index: ShardIndex(index as u8) }
    }
}

impl BodyId {
    /// 16 bytes, ordered as the id is.
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.born) << 64 | u128::from(self.nonce)).to_be_bytes()
    }

    /// The inverse of [`BodyId::to_bytes`].
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        Self { born: (both >> 64) as u64, nonce: both as u64 }
    }

    /// The id of one of this body's blobs.
    pub fn blob(self, index: u32) -> BlobId {
        BlobId { body: self, index }
    }
}

impl fmt::Display for BodyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:016x}", self.born, self.nonce)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.body, self.index)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.blob, self.index)
    }
}

impl fmt::Display for TxnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:016x}", self.born.0, self.nonce)
    }
}

impl fmt::Debug for BodyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyId({self})")
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

impl fmt::Debug for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShardId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_bytes_order_as_blobs_do() {
        let early = BodyId { born: 1, nonce: u64::MAX }.blob(7);
        let late = BodyId { born: 2, nonce: 0 }.blob(0);
        assert!(early < late);
        assert!(early.to_bytes() < late.to_bytes());
        assert_eq!(BlobId::from_bytes(early.to_bytes()), early);
    }

    #[test]
    fn an_id_is_read_back_from_what_it_shows() {
        let id = DriveId([0xa5; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("xyz".parse::<DriveId>().is_err());
    }
}
