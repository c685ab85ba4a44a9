//! Golden bytes: what is on disks must stay readable. A change here is a change
//! of the format: raise the version, and teach `from_row` or `decode` the old one.

use std::collections::BTreeMap;

use bytes::Bytes;
use holdfast_api::blob::{BlobLayout, BlobRecord};
use holdfast_api::log::LogRecord;
use holdfast_api::meta::{
    Attributes, Checksum, ChecksumKind, Command, Condition, Object, Outcome, PutObject,
};
use holdfast_api::object::Body;
use holdfast_base::{
    BodyId, BucketId, DriveNo, Epoch, Hash, Lsn, SessionId, Tick, UploadId, VersionId, WallMs,
};

use crate::state::rows::{LogRow, ObjectRow, Row, Session, System};
use crate::state::{Entry, Op, tables};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn check(what: &str, found: &[u8], want: &str) {
    assert_eq!(hex(found), want, "{what}");
}

const BODY: BodyId = BodyId { born: 0x1122, nonce: 0x33 };

fn record() -> BlobRecord {
    BlobRecord {
        at: 0,
        layout: BlobLayout::new("4+2".parse().unwrap(), 16384),
        seal: Hash([0xab; 32]),
        drives: (0..6).map(DriveNo).collect(),
        missing: vec![5],
    }
}

fn object() -> Object {
    let header = [("content-type".to_owned(), "a/b".to_owned())];
    Object {
        version: VersionId([2; 16]),
        modified: WallMs(1000),
        size: 16384,
        etag: "0123".into(),
        attributes: Attributes { headers: BTreeMap::from(header), user: BTreeMap::new() },
        checksums: vec![Checksum {
            kind: ChecksumKind::Crc32c,
            value: Bytes::from_static(&[1, 2, 3, 4]),
            composite: false,
        }],
        bodies: vec![Body::Stored { id: BODY, len: 16384 }],
        parts: Vec::new(),
    }
}

#[test]
fn keys_have_the_bytes_that_they_always_had() {
    check("object", &tables::object(BucketId(7), b"k"), "00002000000000000000076b");
    check(
        "upload",
        &tables::upload(BucketId(7), b"a\0", UploadId([9; 16])),
        "00002800000000000000076100ff000009090909090909090909090909090909",
    );
    check("blob", &tables::blob(BODY.blob(2)), "0000300000000000001122000000000000003300000002");
    check(
        "heal",
        &tables::heal(1, BODY.blob(2)),
        "00003c010000000000001122000000000000003300000002",
    );
    check(
        "garbage",
        &tables::garbage(Tick(5), BODY),
        "000032000000000000000500000000000011220000000000000033",
    );
    check(
        "session",
        &tables::session(SessionId([8; 16])),
        "00006008080808080808080808080808080808",
    );
}

#[test]
fn rows_have_the_bytes_that_they_always_had() {
    check(
        "object",
        &ObjectRow::of(&object(), None).to_row(),
        "01e8078080010430313233010102020202020202020202020202020202010c636f6e74656e742d74\
         79706503612f620001010401020304000101a222338080010000",
    );
    check(
        "blob",
        &record().to_row(),
        "0100040200808001abababababababababababababababababababababababababababababababab\
         060001020304050105",
    );
    let mut session = Session::new(Tick(300));
    session.acked = 4;
    session.window.insert(5, Outcome::Done);
    check("session", &session.to_row(), "01ac0204010500");
    let lsn = Lsn { incarnation: 1, index: 9, ..Lsn::default() };
    let records = vec![Bytes::from_static(b"r")];
    let record = LogRecord { lsn, epoch: Epoch(2), seq: 3, records };
    check("log", &LogRow { start: 77, record }.to_row(), "014d0100090203010172");
    let system = System { format: 1, tick: Tick(300), incarnation: 1, ..System::default() };
    check("system", &system.to_row(), "0101ac02010000000000000000000000000000000000000000");
}

#[test]
fn entries_have_the_bytes_that_they_always_had() {
    let session = SessionId([8; 16]);
    let command = Command::PutObject(PutObject {
        bucket: BucketId(7),
        key: Bytes::from_static(b"k"),
        object: object(),
        blobs: vec![(BODY.blob(0), record())],
        condition: Condition { if_match: Vec::new(), if_none_match: vec!["*".into()] },
    });
    let ops = [
        Op::OpenSession { session, log_budget: 1000 },
        Op::Tick { session },
        Op::Command { session, seq: 5, acked: 4, command },
    ];
    let ops: Vec<Vec<u8>> = ops.iter().map(Op::encode).collect();
    let entry = Entry::encode(Tick(300), ops.iter().map(Vec::as_slice));
    check(
        "entry",
        &entry,
        "01ac02030008080808080808080808080808080808e8070108080808080808080808080808080808\
         020808080808080808080808080808080805040407016b02020202020202020202020202020202e8\
         078080010430313233010c636f6e74656e742d7479706503612f620001010401020304000101a222\
         338080010001a222330000040200808001ababababababababababababababababababababababab\
         ababababababababab0600010203040501050001012a",
    );
}
