//! The values of rows that are not already `api`'s records, and how every value is written.
//!
//! ```text
//! value = format version u8 | postcard of the record
//! ```
//!
//! An object's value begins with what a listing needs, so that a listing
//! neither copies nor decodes the rest; inline bytes have rows of their own.
//!
//! Not here: which rows there are (`tables`).

use std::collections::BTreeMap;

use holdfast_api::meta::{
    AccessKey, Attributes, Bucket, Checksum, ChecksumKind, DriveRecord, ListedObject, Object,
    Outcome, Part, PartSummary, Upload, Usage,
};
use holdfast_api::object::Body;
use holdfast_api::{blob::BlobRecord, log::LogRecord};
use holdfast_base::{BodyId, ByteCount, DriveNo, Epoch, Lsn, Tick, UploadId, VersionId, WallMs};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The one version of every row's value now.
pub const VERSION: u8 = 1;

/// The version of the whole store: which families there are and what they mean.
pub const FORMAT: u32 = 1;

/// A value that cannot be what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum BadRow {
    /// A later Holdfast wrote it.
    #[error("a row has format {found}, this build knows {VERSION}")]
    Version { found: u8 },
    /// It does not decode.
    #[error("a {what} row does not decode: {why}")]
    Shape { what: &'static str, why: String },
}

/// A record with a row of its own.
pub trait Row: Serialize + DeserializeOwned {
    /// For messages.
    const WHAT: &'static str;

    /// The row's value.
    fn to_row(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(VERSION);
        append(&mut bytes, self);
        bytes
    }

    /// The record.
    ///
    /// # Errors
    /// [`BadRow`] for anything that [`Row::to_row`] does not write.
    fn from_row(value: &[u8]) -> Result<Self, BadRow> {
        let (record, rest) = take(Self::WHAT, body(Self::WHAT, value)?)?;
        if rest.is_empty() {
            return Ok(record);
        }
        Err(BadRow::Shape { what: Self::WHAT, why: format!("{} bytes too many", rest.len()) })
    }
}

fn append(bytes: &mut Vec<u8>, value: &impl Serialize) {
    let taken = std::mem::take(bytes);
    *bytes = postcard::to_extend(value, taken).expect("records have no length that is not known");
}

fn body<'v>(what: &'static str, value: &'v [u8]) -> Result<&'v [u8], BadRow> {
    match value.split_first() {
        Some((&VERSION, rest)) => Ok(rest),
        Some((&found, _)) => Err(BadRow::Version { found }),
        None => Err(BadRow::Shape { what, why: "it is empty".into() }),
    }
}

fn take<'v, T: Deserialize<'v>>(
    what: &'static str,
    bytes: &'v [u8],
) -> Result<(T, &'v [u8]), BadRow> {
    postcard::take_from_bytes(bytes).map_err(|why| BadRow::Shape { what, why: why.to_string() })
}

macro_rules! rows {
    ($($record:ty = $what:literal),* $(,)?) => {
        $(impl Row for $record { const WHAT: &'static str = $what; })*
    };
}

rows! {
    System = "system",
    Bucket = "bucket",
    String = "bucket name",
    Usage = "usage",
    UploadRow = "upload",
    Part = "part",
    BlobRecord = "blob",
    Tick = "intent",
    Option<Tick> = "spent body",
    u32 = "number",
    Vec<DriveNo> = "set",
    DriveRecord = "drive",
    AccessKey = "access key",
    LogRow = "log",
    Session = "session",
    () = "mark",
}

/// What the state machine keeps of itself; one row, written once per batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// [`FORMAT`].
    pub format: u32,
    /// Log time.
    pub tick: Tick,
    /// Which life of the cluster's log this is.
    pub incarnation: u32,
    /// The next bucket's id.
    pub next_bucket: u64,
    /// The next erasure set's number.
    pub next_set: u32,
    /// Rows in `Heal`.
    pub heal_queued: u64,
    /// Rows in `Garbage`.
    pub garbage: u64,
    /// Rows in `Intent`.
    pub intents: u64,
    /// Rows in `Spent`.
    pub spent: u64,
    /// Rows in `Session`.
    pub sessions: u32,
    /// Where the sweep of intents goes on.
    pub intent_cursor: Option<BodyId>,
    /// The transaction log.
    pub log: LogState,
}

/// The transaction log's bounds. `start` and `end` count all bytes ever accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogState {
    /// Records up to it are gone, though some of their rows may still be there.
    pub truncated: Lsn,
    /// The last accepted record.
    pub last: Lsn,
    /// The current epoch.
    pub epoch: Epoch,
    /// The `seq` that is accepted next.
    pub next_seq: u64,
    /// Bytes accepted before the first record that is held.
    pub start: u64,
    /// Bytes accepted in all.
    pub end: u64,
    /// The most that may be held.
    pub budget: u64,
    /// True while rows at or before `truncated` wait for their removal.
    pub sweep: bool,
}

impl LogState {
    /// Bytes held.
    pub fn bytes(&self) -> ByteCount {
        ByteCount(self.end - self.start)
    }
}

/// A record of the transaction log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRow {
    /// All bytes accepted before it: `LogState::start` once everything before it is truncated.
    pub start: u64,
    /// What readers get.
    pub record: LogRecord,
}

/// A client session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// When it was last heard of.
    pub heard: Tick,
    /// Commands up to this one were answered and will not be asked about again.
    pub acked: u64,
    /// The outcomes of later ones.
    pub window: BTreeMap<u64, Outcome>,
}

/// An upload without what its key says already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRow {
    /// See [`Upload`].
    pub initiated: WallMs,
    /// See [`Upload`].
    pub attributes: Attributes,
    /// See [`Upload`].
    pub checksum: Option<(ChecksumKind, bool)>,
}

impl UploadRow {
    /// The row of `upload`.
    pub fn of(upload: &Upload) -> Self {
        Self {
            initiated: upload.initiated,
            attributes: upload.attributes.clone(),
            checksum: upload.checksum,
        }
    }

    /// The upload under this key.
    pub fn upload(self, bucket: holdfast_base::BucketId, key: Vec<u8>, id: UploadId) -> Upload {
        let Self { initiated, attributes, checksum } = self;
        Upload { id, bucket, key: key.into(), initiated, attributes, checksum }
    }
}

/// A run of an object's bytes, as its row names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BodyRow {
    /// In a row of the `Inline` family; its length.
    Inline(u32),
    /// Erasure-coded blobs.
    Stored {
        /// Which body.
        id: BodyId,
        /// Its length. [bytes]
        len: u64,
    },
}

impl BodyRow {
    /// The row's word for `body`.
    pub fn of(body: &Body) -> Self {
        match body {
            Body::Inline(bytes) => Self::Inline(bytes.len() as u32),
            Body::Stored { id, len } => Self::Stored { id: *id, len: *len },
        }
    }

    /// Its length. [bytes]
    pub fn len(&self) -> u64 {
        match self {
            Self::Inline(len) => u64::from(*len),
            Self::Stored { len, .. } => *len,
        }
    }
}

/// What a listing does not need of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRest {
    /// Which PUT made it.
    pub version: VersionId,
    /// What the client said about it.
    pub attributes: Attributes,
    /// Its checksums.
    pub checksums: Vec<Checksum>,
    /// Its bytes, in order.
    pub bodies: Vec<BodyRow>,
    /// The parts that it was completed from.
    pub parts: Vec<PartSummary>,
    /// The upload that it was completed from, so that a completion that is sent again succeeds again.
    pub upload: Option<UploadId>,
}

/// An object's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRow {
    /// What a listing shows.
    pub listed: ListedObject,
    /// The rest.
    pub rest: ObjectRest,
}

impl ObjectRow {
    /// The row of `object`; its inline bytes go elsewhere.
    pub fn of(object: &Object, upload: Option<UploadId>) -> Self {
        Self {
            listed: ListedObject {
                modified: object.modified,
                size: object.size,
                etag: object.etag.clone(),
                checksums: object.checksums.iter().map(|checksum| checksum.kind).collect(),
            },
            rest: ObjectRest {
                version: object.version,
                attributes: object.attributes.clone(),
                checksums: object.checksums.clone(),
                bodies: object.bodies.iter().map(BodyRow::of).collect(),
                parts: object.parts.clone(),
                upload,
            },
        }
    }

    /// The object, given its bodies.
    pub fn object(self, bodies: Vec<Body>) -> Object {
        Object {
            version: self.rest.version,
            modified: self.listed.modified,
            size: self.listed.size,
            etag: self.listed.etag,
            attributes: self.rest.attributes,
            checksums: self.rest.checksums,
            bodies,
            parts: self.rest.parts,
        }
    }

    /// The row's value.
    pub fn to_row(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160);
        bytes.push(VERSION);
        append(&mut bytes, &self.listed);
        append(&mut bytes, &self.rest);
        bytes
    }

    /// The whole row.
    ///
    /// # Errors
    /// [`BadRow`].
    pub fn from_row(value: &[u8]) -> Result<Self, BadRow> {
        let (listed, rest) = take("object", body("object", value)?)?;
        let (rest, end) = take("object", rest)?;
        if end.is_empty() {
            return Ok(Self { listed, rest });
        }
        Err(BadRow::Shape { what: "object", why: format!("{} bytes too many", end.len()) })
    }

    /// Only what a listing shows.
    ///
    /// # Errors
    /// [`BadRow`].
    pub fn listed(value: &[u8]) -> Result<ListedObject, BadRow> {
        Ok(take("object", body("object", value)?)?.0)
    }
}

impl Session {
    /// A session that was just heard of.
    pub fn new(heard: Tick) -> Self {
        Self { heard, ..Self::default() }
    }

    /// Forgets outcomes that nobody will ask for.
    pub fn acknowledge(&mut self, acked: u64) {
        if acked > self.acked {
            self.acked = acked;
            self.window = self.window.split_off(&(acked + 1));
        }
    }
}
