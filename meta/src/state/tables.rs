//! The tables of the store: one ordered map of byte strings, cut into families.
//!
//! ```text
//! key    group u16 BE | family u8 | the family's own key
//! value  format version u8 | postcard
//!
//! family           own key                          value
//! 01 System        which u8                         01 System, 02 position and membership (raft)
//! 10 Bucket        name                             api Bucket
//! 11 BucketById    bucket u64                       name
//! 12 Usage         bucket u64                       api Usage
//! 20 Object        bucket u64, key                  ListedObject, then ObjectRest
//! 21 Inline        bucket u64, esc(key), nth u16    bytes of the object's nth body
//! 28 Upload        bucket u64, esc(key), upload     UploadRow
//! 29 Part          upload, number u16               api Part
//! 30 Blob          body 16, index u32               api BlobRecord
//! 31 Intent        body 16                          Tick: the last at which it may commit
//! 32 Garbage       since u64, body 16               number of blobs u32
//! 33 Spent         body 16                          Option<Tick>: garbage since, or forgotten
//! 38 Set           drive u16, ...                   set u32       (a sorted list of drives)
//! 39 SetByNo       set u32                          drives
//! 3a SetSeen       born / SPAN_MS u64, set u32      nothing: blobs born then may lie on the set
//! 3c Heal          spare u8, body 16, index u32     nothing
//! 40 Drive         slot u16                         api DriveRecord
//! 41 AccessKey     id                               api AccessKey
//! 50 LogRecord     raft index u64                   LogRow
//! 60 Session       session 16                       Session
//! ```
//!
//! Numbers are big-endian. `esc` writes 00 as `00 ff` and ends with `00 00`, so
//! that what follows a key cannot be taken for a part of it, and keys stay in order.
//!
//! Invariants
//! - K1: byte order of keys is the order of what they stand for.
//! - K2: no key is a key of another family or another group.
//!
//! Not here: the values (`rows`), who writes which row when (the command families).

use holdfast_base::{BlobId, BodyId, BucketId, DriveNo, GroupId, SessionId, Tick, UploadId};

/// The group whose state this is. There is one now.
pub const GROUP: GroupId = GroupId(0);

/// A kind of row. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the table above")]
pub enum Family {
    System = 0x01,
    Bucket = 0x10,
    BucketById = 0x11,
    Usage = 0x12,
    Object = 0x20,
    Inline = 0x21,
    Upload = 0x28,
    Part = 0x29,
    Blob = 0x30,
    Intent = 0x31,
    Garbage = 0x32,
    Spent = 0x33,
    Set = 0x38,
    SetByNo = 0x39,
    SetSeen = 0x3a,
    Heal = 0x3c,
    Drive = 0x40,
    AccessKey = 0x41,
    LogRecord = 0x50,
    Session = 0x60,
}

/// Bytes before a family's own key.
pub const PREFIX: usize = 3;

/// The beginning of every key of a family.
pub fn family(family: Family) -> Vec<u8> {
    let mut key = Vec::with_capacity(48);
    key.extend_from_slice(&GROUP.0.to_be_bytes());
    key.push(family as u8);
    key
}

/// The first key after all that begin with `prefix`; `None` where there is none.
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next)
}

/// All keys that begin with `prefix`, as a half-open range. Families end below `0xff`.
pub fn range_of(prefix: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let end = after_prefix(&prefix).unwrap_or_else(|| vec![0xff; PREFIX + 1]);
    (prefix, end)
}

fn with(kind: Family, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = family(kind);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// `esc`: see the module's header.
fn escape(into: &mut Vec<u8>, key: &[u8]) {
    for &byte in key {
        into.push(byte);
        if byte == 0 {
            into.push(0xff);
        }
    }
    into.extend_from_slice(&[0, 0]);
}

/// The inverse of `esc`, and how many bytes it took. `None` for what `esc` never writes.
pub fn unescape(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut key = Vec::with_capacity(bytes.len());
    let mut at = 0;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (0, Some(0)) => return Some((key, at + 2)),
            (0, Some(0xff)) => {
                key.push(0);
                at += 2;
            }
            (0, _) => return None,
            (&byte, _) => {
                key.push(byte);
                at += 1;
            }
        }
    }
}

/// The `System` row.
pub fn system() -> Vec<u8> {
    with(Family::System, &[&[1]])
}

/// Where the log stands, and the membership: Raft's own words, opaque here.
pub fn raft() -> Vec<u8> {
    with(Family::System, &[&[2]])
}

/// A bucket by name.
pub fn bucket(name: &str) -> Vec<u8> {
    with(Family::Bucket, &[name.as_bytes()])
}

/// A bucket by id.
pub fn bucket_by_id(id: BucketId) -> Vec<u8> {
    with(Family::BucketById, &[&id.0.to_be_bytes()])
}

/// A bucket's sums.
pub fn usage(id: BucketId) -> Vec<u8> {
    with(Family::Usage, &[&id.0.to_be_bytes()])
}

/// An object; with an empty key: the beginning of its bucket's objects.
pub fn object(bucket: BucketId, key: &[u8]) -> Vec<u8> {
    with(Family::Object, &[&bucket.0.to_be_bytes(), key])
}

/// Bytes before an object's key in its row's key.
pub const OBJECT_PREFIX: usize = PREFIX + 8;

/// The inline bodies of one object: a prefix.
pub fn inlines(bucket: BucketId, key: &[u8]) -> Vec<u8> {
    let mut row = with(Family::Inline, &[&bucket.0.to_be_bytes()]);
    escape(&mut row, key);
    row
}

/// One inline body.
pub fn inline(bucket: BucketId, key: &[u8], nth: u16) -> Vec<u8> {
    let mut row = inlines(bucket, key);
    row.extend_from_slice(&nth.to_be_bytes());
    row
}

/// The beginning of a bucket's uploads.
pub fn uploads(bucket: BucketId) -> Vec<u8> {
    with(Family::Upload, &[&bucket.0.to_be_bytes()])
}

/// Bytes before an upload's escaped key.
pub const UPLOAD_PREFIX: usize = PREFIX + 8;

/// An upload.
pub fn upload(bucket: BucketId, key: &[u8], id: UploadId) -> Vec<u8> {
    let mut row = uploads_of(bucket, key);
    row.extend_from_slice(&id.0);
    row
}

/// The uploads of one key: a prefix.
pub fn uploads_of(bucket: BucketId, key: &[u8]) -> Vec<u8> {
    let mut row = uploads(bucket);
    escape(&mut row, key);
    row
}

/// The parts of an upload: a prefix.
pub fn parts(upload: UploadId) -> Vec<u8> {
    with(Family::Part, &[&upload.0])
}

/// One part.
pub fn part(upload: UploadId, number: u16) -> Vec<u8> {
    with(Family::Part, &[&upload.0, &number.to_be_bytes()])
}

/// The blobs of a body: a prefix.
pub fn blobs(body: BodyId) -> Vec<u8> {
    with(Family::Blob, &[&body.to_bytes()])
}

/// One blob.
pub fn blob(id: BlobId) -> Vec<u8> {
    with(Family::Blob, &[&id.to_bytes()])
}

/// The blob whose row has this key.
pub fn blob_of(key: &[u8]) -> Option<BlobId> {
    Some(BlobId::from_bytes(key.get(PREFIX..)?.try_into().ok()?))
}

/// A body's intent.
pub fn intent(body: BodyId) -> Vec<u8> {
    with(Family::Intent, &[&body.to_bytes()])
}

/// The body whose row, in a family keyed by bodies, has this key.
pub fn body_of(key: &[u8]) -> Option<BodyId> {
    Some(BodyId::from_bytes(key.get(PREFIX..)?.try_into().ok()?))
}

/// A body that waits for the collector.
pub fn garbage(since: Tick, body: BodyId) -> Vec<u8> {
    with(Family::Garbage, &[&since.0.to_be_bytes(), &body.to_bytes()])
}

/// When and which: the inverse of [`garbage`].
pub fn garbage_of(key: &[u8]) -> Option<(Tick, BodyId)> {
    let since = u64::from_be_bytes(key.get(PREFIX..PREFIX + 8)?.try_into().ok()?);
    Some((Tick(since), BodyId::from_bytes(key.get(PREFIX + 8..)?.try_into().ok()?)))
}

/// A body that may not commit again.
pub fn spent(body: BodyId) -> Vec<u8> {
    with(Family::Spent, &[&body.to_bytes()])
}

/// A set by its sorted drives.
pub fn set(drives: &[DriveNo]) -> Vec<u8> {
    let mut row = family(Family::Set);
    for drive in drives {
        row.extend_from_slice(&drive.0.to_be_bytes());
    }
    row
}

/// A set by its number.
pub fn set_by_no(set: u32) -> Vec<u8> {
    with(Family::SetByNo, &[&set.to_be_bytes()])
}

/// That blobs born in `span` may lie on `set`.
pub fn set_seen(span: u64, set: u32) -> Vec<u8> {
    with(Family::SetSeen, &[&span.to_be_bytes(), &set.to_be_bytes()])
}

/// The inverse of [`set_seen`].
pub fn set_seen_of(key: &[u8]) -> Option<(u64, u32)> {
    let span = u64::from_be_bytes(key.get(PREFIX..PREFIX + 8)?.try_into().ok()?);
    Some((span, u32::from_be_bytes(key.get(PREFIX + 8..)?.try_into().ok()?)))
}

/// An entry of the heal queue.
pub fn heal(spare: u8, blob: BlobId) -> Vec<u8> {
    with(Family::Heal, &[&[spare], &blob.to_bytes()])
}

/// The inverse of [`heal`].
pub fn heal_of(key: &[u8]) -> Option<(u8, BlobId)> {
    let spare = *key.get(PREFIX)?;
    Some((spare, BlobId::from_bytes(key.get(PREFIX + 1..)?.try_into().ok()?)))
}

/// A drive slot.
pub fn drive(no: DriveNo) -> Vec<u8> {
    with(Family::Drive, &[&no.0.to_be_bytes()])
}

/// A pair of credentials.
pub fn access_key(id: &str) -> Vec<u8> {
    with(Family::AccessKey, &[id.as_bytes()])
}

/// A record of the transaction log.
pub fn log_record(index: u64) -> Vec<u8> {
    with(Family::LogRecord, &[&index.to_be_bytes()])
}

/// A client session.
pub fn session(id: SessionId) -> Vec<u8> {
    with(Family::Session, &[&id.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_keys_keep_their_order_and_come_back() {
        let keys: &[&[u8]] = &[
            b"", b"\0", b"\0\0", b"\0\x01", b"\0\xff", b"\x01", b"a", b"a\0", b"a\0b", b"ab",
            b"\xff",
        ];
        for pair in keys.windows(2) {
            let (low, high) = (uploads_of(BucketId(1), pair[0]), uploads_of(BucketId(1), pair[1]));
            assert!(low < high, "K1: {pair:?}");
        }
        for key in keys {
            let row = upload(BucketId(7), key, UploadId([9; 16]));
            let (back, took) = unescape(&row[UPLOAD_PREFIX..]).unwrap();
            assert_eq!((&back[..], row.len() - UPLOAD_PREFIX - took), (*key, 16));
        }
    }

    #[test]
    fn a_prefix_ends_before_what_does_not_begin_with_it() {
        assert_eq!(after_prefix(b"a\xff\xff").as_deref(), Some(&b"b"[..]));
        assert_eq!(after_prefix(b"\xff\xff"), None);
        let (low, high) = range_of(object(BucketId(u64::MAX), b""));
        assert!(
            low < object(BucketId(u64::MAX), b"\xff\xff")
                && object(BucketId(u64::MAX), b"\xff") < high
        );
        assert!(high <= family(Family::Inline), "K2");
    }
}
