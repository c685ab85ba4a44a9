//! A committed transaction as one record of the log.
//!
//! ```text
//! record = version u8 | postcard(TxnRecord)
//! TxnRecord = ts | txn | shard | participants | parts
//! part = rows of one table | objects of one table | a checkpoint
//! ```
//!
//! - R1: a record is redo only and whole: indexes (hidden tables) and the
//!   catalog (tables, too) change in the same record as the rows that they serve.
//! - R2: `ts` grows from record to record along the log.
//! - R3: a record of a version that is not known is refused, never guessed at.
//!
//! Shards of tables: there is one (0); a transaction over several names them in
//! `participants`, and counts once every one of them has its record.

use bytes::Bytes;
use holdfast_base::{TableId, Ts, TxnId};
use serde::{Deserialize, Serialize};

/// The version that is written.
pub const VERSION: u8 = 1;

/// One committed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxnRecord {
    /// Its commit timestamp.
    pub ts: Ts,
    /// Its id, for those who ask for its outcome.
    pub txn: TxnId,
    /// The shard of tables that this record belongs to.
    pub shard: u16,
    /// All shards of the transaction where there are several, else empty.
    pub participants: Vec<u16>,
    /// What it changes.
    pub parts: Vec<Part>,
}

/// What a transaction changes in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Rows of one table or index.
    Rows {
        /// The table or index.
        table: TableId,
        /// The version of its definition that the rows are encoded by.
        schema: u32,
        /// The changes; a key at most once, in key order.
        changes: Vec<Change>,
    },
    /// Rows that other objects hold now: a flush, a compaction, a bulk load.
    /// Opaque here (`sql` encodes and versions it).
    Objects {
        /// The table or index.
        table: TableId,
        /// Encoded by `sql`.
        change: Bytes,
    },
    /// Everything before a position of the log is in an object, too.
    /// Opaque here (`sql` encodes and versions it).
    Checkpoint(Bytes),
}

/// One row's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The row's key.
    pub key: Bytes,
    /// What is there now; `None`: nothing.
    pub row: Option<Bytes>,
}

/// Bytes that are not a record of ours.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum BadRecord {
    /// R3.
    #[error("a transaction record has version {0}, up to {VERSION} are known")]
    Version(u8),
    /// It is cut off or not encoded as it should be.
    #[error("a transaction record does not parse: {0}")]
    Encoding(String),
}

impl TxnRecord {
    /// The record as it lies in the log.
    pub fn encode(&self) -> Bytes {
        let out = postcard::to_extend(self, vec![VERSION]);
        out.expect("a Vec takes everything, and no part of a record refuses to be encoded").into()
    }

    /// The inverse of [`TxnRecord::encode`].
    ///
    /// # Errors
    /// [`BadRecord`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BadRecord> {
        match bytes.split_first() {
            Some((&VERSION, rest)) => {
                postcard::from_bytes(rest).map_err(|error| BadRecord::Encoding(error.to_string()))
            }
            Some((&other, _)) => Err(BadRecord::Version(other)),
            None => Err(BadRecord::Encoding("it is empty".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_reads_back_and_keeps_its_bytes() {
        let record = TxnRecord {
            ts: Ts(300),
            txn: TxnId { born: Ts(1), nonce: 2 },
            shard: 0,
            participants: vec![],
            parts: vec![
                Part::Rows {
                    table: TableId(7),
                    schema: 1,
                    changes: vec![
                        Change { key: Bytes::from_static(b"a"), row: None },
                        Change {
                            key: Bytes::from_static(b"b"),
                            row: Some(Bytes::from_static(b"x")),
                        },
                    ],
                },
                Part::Checkpoint(Bytes::from_static(b"c")),
            ],
        };
        let bytes = record.encode();
        assert_eq!(hex(&bytes), "01ac0201020000020007010201610001620101780201 63".replace(' ', ""));
        assert_eq!(TxnRecord::decode(&bytes), Ok(record));
        assert_eq!(TxnRecord::decode(&[9, 1]), Err(BadRecord::Version(9)));
        assert!(TxnRecord::decode(&bytes[..bytes.len() - 3]).is_err());
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
