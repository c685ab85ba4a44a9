//! The disk contract as a test: one function that runs D1 to D7 against any
//! implementation. The crates that bring one call it from their tests; the
//! crash halves of D1 to D3 and the faults of D6 need a disk that can be cut
//! off, and are tested where it lives (`sim::disk`).
//!
//! It panics with the id of what is broken.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test, though not behind cfg(test)")]

use std::sync::Arc;

use holdfast_base::limits::BLOCK_BYTES;

use super::{Buf, Disk, DiskError, DiskErrorKind, Done, Drive, Durability, FileName, Op, Request};

const BLOCK: u64 = BLOCK_BYTES as u64;

/// Runs the contract. `open` opens the same, at first empty, directory anew
/// every time it is called; a disk is dropped before the next one is opened.
pub async fn run(open: impl AsyncFn() -> Arc<dyn Disk>) {
    let drive = Drive::new(open().await);
    fresh_files_are_zeros(&drive).await;
    written_is_readable(&drive).await;
    only_whole_blocks_inside_the_file(&drive).await;
    names_are_created_once_and_removed_once(&drive).await;
    a_removed_file_stays_open(&drive).await;
    closed_files_refuse(&drive).await;
    small_files_are_replaced_whole(&drive).await;
    punched_ranges_are_zeros(&drive).await;
    many_at_once(&drive).await;
    blocking_files(&drive);
    drive.verify().await.expect("D7: nothing happened to the directory");
    let space = drive.space().await.unwrap();
    assert!(space.total >= space.free && space.total > 0, "{space:?}");
    drop(drive);
    what_was_completed_is_there_after_reopening(&open).await;
}

/// D7, for a disk whose directory can be damaged: `damage` runs while a file is open.
pub async fn notices(disk: Arc<dyn Disk>, damage: impl AsyncFnOnce()) {
    let drive = Drive::new(disk);
    let file = drive.create(name("witness"), BLOCK).await.unwrap();
    drive.verify().await.expect("D7: sound before");
    damage().await;
    let error = drive.verify().await.expect_err("D7: damage is noticed");
    assert_eq!(error.kind, DiskErrorKind::Gone, "D7: {error:?}");
    drop(file);
}

async fn fresh_files_are_zeros(drive: &Drive) {
    let file = drive.create(name("fresh"), 64 * BLOCK).await.unwrap();
    assert_eq!(file.len(), 64 * BLOCK, "D5");
    let mut dirt = Buf::zeroed(64 * BLOCK_BYTES);
    dirt.fill(0xee);
    let buf = file.read(0, dirt).await.unwrap();
    assert!(buf.iter().all(|&byte| byte == 0), "D5: a fresh file reads as zeros");
    let empty = drive.create(name("empty"), 0).await.unwrap();
    assert!(empty.is_empty());
    expect(empty.read(0, Buf::zeroed(BLOCK_BYTES)).await, DiskErrorKind::Misaligned, "D4");
    remove(drive, "fresh").await;
    remove(drive, "empty").await;
}

async fn written_is_readable(drive: &Drive) {
    let file = drive.create(name("data"), 16 * BLOCK).await.unwrap();
    for (at, blocks, durability) in
        [(0, 1, Durability::Later), (3, 4, Durability::Durable), (15, 1, Durability::Durable)]
    {
        file.write(at * BLOCK, pattern(at, blocks), durability).await.unwrap();
    }
    file.sync().await.unwrap();
    for (at, blocks) in [(0, 1), (3, 4), (15, 1)] {
        check_pattern(&file, at, blocks).await;
    }
    let gap = file.read(BLOCK, Buf::zeroed(2 * BLOCK_BYTES)).await.unwrap();
    assert!(gap.iter().all(|&byte| byte == 0), "D1: nothing else was written");
    // A buffer comes back as it went, and nothing is a legal length.
    let back = file.write(0, pattern(0, 1), Durability::Later).await.unwrap();
    assert_eq!(&back[..], &pattern(0, 1)[..]);
    file.write(16 * BLOCK, Buf::zeroed(0), Durability::Durable).await.unwrap();
    assert_eq!(file.read(0, Buf::zeroed(0)).await.unwrap().len(), 0);
    file.close().await.unwrap();
    remove(drive, "data").await;
}

async fn only_whole_blocks_inside_the_file(drive: &Drive) {
    let file = drive.create(name("strict"), 4 * BLOCK).await.unwrap();
    file.write(0, pattern(9, 4), Durability::Durable).await.unwrap();
    let block = BLOCK_BYTES;
    for (at, len) in [
        (1, block),
        (512, block),
        (0, 100),
        (0, block + 512),
        (4 * BLOCK, block),
        (3 * BLOCK, 2 * block),
        (u64::MAX - BLOCK + 1, block),
        (u64::MAX, block),
    ] {
        let why = format!("D4: {len} bytes at {at}");
        expect(file.read(at, Buf::zeroed(len)).await, DiskErrorKind::Misaligned, &why);
        let write = file.write(at, Buf::zeroed(len), Durability::Durable).await;
        expect(write, DiskErrorKind::Misaligned, &why);
        expect(file.punch(at, len as u64).await, DiskErrorKind::Misaligned, &why);
    }
    let buf = file.read(0, Buf::zeroed(4 * block)).await.unwrap();
    assert_eq!(&buf[..], &pattern(9, 4)[..], "D4: a refusal changes nothing");
    file.sync().await.expect("D6: a refusal is not a fault");
    file.close().await.unwrap();
    remove(drive, "strict").await;
}

async fn names_are_created_once_and_removed_once(drive: &Drive) {
    let file = drive.create(name("once"), BLOCK).await.unwrap();
    file.write(0, pattern(1, 1), Durability::Durable).await.unwrap();
    expect(drive.create(name("once"), BLOCK).await, DiskErrorKind::Exists, "D3: double create");
    check_pattern_at(&file, 1, 0, 1).await;
    let (a, b) = (drive.create(name("race"), BLOCK), drive.create(name("race"), BLOCK));
    let (a, b) = futures_util::future::join(a, b).await;
    let won = [a.is_ok(), b.is_ok()];
    assert!(won == [true, false] || won == [false, true], "D3: one creates, {won:?}");
    let listed = drive.list().await.unwrap();
    assert_eq!(listed, [(name("once"), BLOCK), (name("race"), BLOCK)], "sorted, with lengths");
    remove(drive, "race").await;
    remove(drive, "once").await;
    expect(drive.remove(name("once")).await, DiskErrorKind::NotFound, "D3: removed twice");
    expect(drive.open(name("once")).await, DiskErrorKind::NotFound, "D3: removed");
    assert_eq!(drive.list().await.unwrap(), [], "D3: nothing is left");
    drive.create(name("once"), BLOCK).await.expect("D3: a name may come back");
    remove(drive, "once").await;
}

async fn a_removed_file_stays_open(drive: &Drive) {
    let file = drive.create(name("doomed"), 2 * BLOCK).await.unwrap();
    file.write(0, pattern(5, 2), Durability::Durable).await.unwrap();
    remove(drive, "doomed").await;
    drive.verify().await.expect("D7: what we removed is not missed");
    let buf = file.read(0, Buf::zeroed(2 * BLOCK_BYTES)).await.unwrap();
    assert_eq!(&buf[..], &pattern(5, 2)[..], "a reader finishes on a removed file");
    let fresh = drive.create(name("doomed"), BLOCK).await.unwrap();
    let buf = fresh.read(0, Buf::zeroed(BLOCK_BYTES)).await.unwrap();
    assert!(buf.iter().all(|&byte| byte == 0), "D5: a name's second file is fresh");
    file.close().await.unwrap();
    fresh.close().await.unwrap();
    remove(drive, "doomed").await;
}

async fn closed_files_refuse(drive: &Drive) {
    let file = drive.create(name("closing"), BLOCK).await.unwrap();
    let other = drive.open(name("closing")).await.unwrap();
    let clone = file.clone();
    file.close().await.unwrap();
    expect(clone.read(0, Buf::zeroed(BLOCK_BYTES)).await, DiskErrorKind::Closed, "closed");
    expect(clone.sync().await, DiskErrorKind::Closed, "closed");
    expect(clone.close().await, DiskErrorKind::Closed, "closed twice");
    other.read(0, Buf::zeroed(BLOCK_BYTES)).await.expect("an opening of its own");
    other.close().await.unwrap();
    remove(drive, "closing").await;
}

async fn small_files_are_replaced_whole(drive: &Drive) {
    expect(drive.load(name("note")).await, DiskErrorKind::NotFound, "D3");
    for bytes in [&b"first"[..], b"", &[7; 5000], &[9; 1 << 20]] {
        drive.replace(name("note"), bytes.to_vec()).await.unwrap();
        assert_eq!(drive.load(name("note")).await.unwrap(), bytes, "D3: replaced as a whole");
    }
    let huge = drive.replace(name("note"), vec![1; (1 << 20) + 1]).await;
    expect(huge, DiskErrorKind::Misaligned, "at most 1 MiB");
    assert_eq!(drive.load(name("note")).await.unwrap(), [9; 1 << 20], "D3: or not at all");
    drive.create(name("huge"), 2 << 20).await.unwrap();
    expect(drive.load(name("huge")).await, DiskErrorKind::Misaligned, "at most 1 MiB");
    remove(drive, "huge").await;
    remove(drive, "note").await;
}

async fn punched_ranges_are_zeros(drive: &Drive) {
    let file = drive.create(name("sieve"), 8 * BLOCK).await.unwrap();
    file.write(0, pattern(2, 8), Durability::Durable).await.unwrap();
    file.punch(2 * BLOCK, 3 * BLOCK).await.unwrap();
    file.punch(0, 0).await.unwrap();
    file.sync().await.unwrap();
    let buf = file.read(0, Buf::zeroed(8 * BLOCK_BYTES)).await.unwrap();
    let mut want = pattern(2, 8);
    want[2 * BLOCK_BYTES..5 * BLOCK_BYTES].fill(0);
    assert_eq!(&buf[..], &want[..], "a punched range, and no more, reads as zeros");
    file.write(2 * BLOCK, pattern(3, 1), Durability::Durable).await.unwrap();
    assert_eq!(
        &file.read(2 * BLOCK, Buf::zeroed(BLOCK_BYTES)).await.unwrap()[..],
        &pattern(3, 1)[..],
        "a punched range takes writes"
    );
    assert_eq!(drive.list().await.unwrap(), [(name("sieve"), 8 * BLOCK)], "the length stays");
    file.close().await.unwrap();
    remove(drive, "sieve").await;
}

/// More requests than any queue takes, on one file, reads among writes.
async fn many_at_once(drive: &Drive) {
    const REQUESTS: u64 = 600;
    let file = drive.create(name("busy"), REQUESTS * BLOCK).await.unwrap();
    let writes = (0..REQUESTS).map(|at| {
        let durability = if at % 7 == 0 { Durability::Durable } else { Durability::Later };
        file.write(at * BLOCK, pattern(at, 1), durability)
    });
    for done in futures_util::future::join_all(writes).await {
        done.unwrap();
    }
    let syncs = (0..20).map(|_| file.sync());
    let reads = (0..REQUESTS).map(|at| file.read(at * BLOCK, Buf::zeroed(BLOCK_BYTES)));
    let (syncs, reads) = futures_util::future::join(
        futures_util::future::join_all(syncs),
        futures_util::future::join_all(reads),
    )
    .await;
    assert!(syncs.iter().all(Result::is_ok), "syncs of one moment all complete");
    for (at, read) in reads.into_iter().enumerate() {
        let want = pattern(at as u64, 1);
        assert_eq!(&read.unwrap()[..], &want[..], "D1: block {at} of many");
    }
    let large = file.write(0, pattern(77, REQUESTS), Durability::Durable).await.unwrap();
    assert_eq!(large.len() as u64, REQUESTS * BLOCK, "one large write");
    check_pattern_at(&file, 77, 0, REQUESTS).await;
    file.close().await.unwrap();
    remove(drive, "busy").await;
}

fn blocking_files(drive: &Drive) {
    let file = drive.disk().open_blocking(&name("tree")).unwrap();
    assert!(file.is_empty().unwrap(), "a new file is empty");
    file.write(100, b"odd").unwrap();
    assert_eq!(file.len().unwrap(), 103, "a write grows the file");
    let mut head = [1; 103];
    file.read(0, &mut head).unwrap();
    assert!(head[..100].iter().all(|&byte| byte == 0) && &head[100..] == b"odd");
    assert!(file.read(1, &mut head).is_err(), "a read beyond the end errs");
    file.set_len(9000).unwrap();
    file.sync().unwrap();
    file.set_len(101).unwrap();
    file.set_len(103).unwrap();
    file.read(100, &mut head[..3]).unwrap();
    assert_eq!(&head[..3], b"o\0\0", "what was cut off does not come back");
    file.sync().unwrap();
}

async fn what_was_completed_is_there_after_reopening(open: &impl AsyncFn() -> Arc<dyn Disk>) {
    let drive = Drive::new(open().await);
    let file = drive.create(name("kept"), 4 * BLOCK).await.unwrap();
    file.write(BLOCK, pattern(1, 2), Durability::Durable).await.unwrap();
    drive.replace(name("label"), b"mine".to_vec()).await.unwrap();
    drop((file, drive));

    let disk = open().await;
    let drive = Drive::new(disk.clone());
    let names = drive.list().await.unwrap();
    let names: Vec<_> = names.iter().map(|(name, len)| (name.as_str(), *len)).collect();
    assert_eq!(names, [("kept", 4 * BLOCK), ("label", 4), ("tree", 103)], "D3");
    assert_eq!(drive.load(name("label")).await.unwrap(), b"mine", "D3");
    let file = drive.open(name("kept")).await.unwrap();
    assert_eq!(file.len(), 4 * BLOCK);
    check_pattern(&file, 1, 2).await;
    let tree = disk.open_blocking(&name("tree")).unwrap();
    let mut odd = [0; 3];
    tree.read(100, &mut odd).unwrap();
    assert_eq!(&odd, b"o\0\0", "D1 of a blocking file");
    // The bare seam: an answer of the shape that was promised.
    let request = Request { op: Op::Load { name: name("label") }, site: here() };
    assert!(matches!(disk.submit(request).await, Ok(Done::Bytes(bytes)) if bytes == b"mine"));
}

#[track_caller]
fn here() -> super::Site {
    std::panic::Location::caller()
}

fn name(text: &str) -> FileName {
    FileName::new(text).expect("a legal name")
}

/// Different in every block and for every `salt`.
fn pattern(salt: u64, blocks: u64) -> Buf {
    let mut buf = Buf::zeroed((blocks * BLOCK) as usize);
    for (index, chunk) in buf.chunks_exact_mut(8).enumerate() {
        let value = (salt << 40 | index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        chunk.copy_from_slice(&value.to_le_bytes());
    }
    buf
}

async fn check_pattern(file: &super::File, at: u64, blocks: u64) {
    check_pattern_at(file, at, at * BLOCK, blocks).await;
}

async fn check_pattern_at(file: &super::File, salt: u64, at: u64, blocks: u64) {
    let buf = file.read(at, Buf::zeroed((blocks * BLOCK) as usize)).await.unwrap();
    assert!(buf[..] == pattern(salt, blocks)[..], "D1: {blocks} blocks at {at}");
}

async fn remove(drive: &Drive, text: &str) {
    drive.remove(name(text)).await.unwrap();
}

#[track_caller]
fn expect<T: std::fmt::Debug>(result: Result<T, DiskError>, want: DiskErrorKind, why: &str) {
    match result {
        Ok(done) => panic!("{why}: done instead of {want:?}: {done:?}"),
        Err(error) => assert_eq!(error.kind, want, "{why}: {error:?}"),
    }
}
