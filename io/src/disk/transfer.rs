//! What both real disks agree on about a transfer: whether it may begin, where a
//! short one goes on, and what an error does to its file.
//!
//! Not here: the system calls (`calls`, `uring::ring`).

use std::sync::Arc;

use rustix::io::Errno;

use super::blocking::fenced;
use super::errand::Shelf;
use super::files::OpenFile;
use super::queue::Caller;
use super::{DiskError, DiskErrorKind, Done, Op, OpKind};

/// How often in one transfer the kernel may say "try again".
pub(super) const AGAIN_MAX: u32 = 64;

/// Checks a transfer before anything happens (D4, D6).
pub(super) fn admit(shelf: &Shelf, op: &Op) -> Result<Arc<OpenFile>, DiskError> {
    let doing = op.kind();
    let (id, at, len) = match op {
        Op::Read { file, at, buf } | Op::Write { file, at, buf, .. } => {
            (*file, *at, buf.len() as u64)
        }
        Op::Punch { file, at, len } => (*file, *at, *len),
        Op::Sync { file } => (*file, 0, 0),
        _ => unreachable!("only transfers are queued here"),
    };
    let file = shelf.file(id, doing)?;
    let name = file.name.as_str();
    if !file.fits(at, len) {
        let why = format!("{len} bytes at {at} are not whole blocks inside {}", file.len);
        return Err(shelf.refuse(doing, name, DiskErrorKind::Misaligned, &why));
    }
    if doing != OpKind::Read && !file.writable {
        return Err(shelf.error(doing, name, Errno::ROFS));
    }
    if doing != OpKind::Read && file.is_fenced() {
        return Err(fence_error(shelf, doing, name));
    }
    Ok(file)
}

/// The answer of a fenced file (D6).
pub(super) fn fence_error(shelf: &Shelf, doing: OpKind, name: &str) -> DiskError {
    let kind = DiskErrorKind::Medium;
    DiskError { disk: shelf.name.to_string(), file: name.to_owned(), doing, kind, source: fenced() }
}

/// Tells `callers` how a sync ended; `None`: the file is fenced, there was none.
pub(super) fn finish_sync(
    shelf: &Shelf,
    file: &OpenFile,
    callers: Vec<Caller>,
    synced: Option<Result<(), Errno>>,
) {
    if let Some(Err(_)) = synced {
        file.fence();
    }
    for caller in callers {
        caller.answer(match synced {
            Some(Ok(())) => Ok(Done::Unit),
            Some(Err(errno)) => Err(shelf.error(OpKind::Sync, file.name.as_str(), errno)),
            None => Err(fence_error(shelf, OpKind::Sync, file.name.as_str())),
        });
    }
}

/// Where a transfer of `len` bytes goes on after `count` more: at a whole
/// block, as direct I/O wants. No progress is an error: the file is shorter
/// than it was.
pub(super) fn advance(done: usize, count: usize, len: usize) -> Result<usize, Errno> {
    let next = done + count;
    let next = if next >= len { len } else { next - next % holdfast_base::limits::BLOCK_BYTES };
    if next > done { Ok(next) } else { Err(Errno::IO) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::queue::{Gate, Lane};
    use crate::disk::{Buf, Durability, FileId, FileName, Request};

    #[test]
    fn short_transfers_go_on_at_a_block_and_end() {
        for (done, count, len, want) in [
            (0, 8192, 8192, Some(8192)),
            (0, 5000, 8192, Some(4096)),
            (4096, 4096, 16384, Some(8192)),
            (0, 100, 8192, None),
            (0, 0, 8192, None),
        ] {
            assert_eq!(advance(done, count, len).ok(), want, "{done} + {count} of {len}");
        }
    }

    /// A shelf with one open file of one block.
    fn shelf() -> (tempfile::TempDir, Arc<Shelf>, FileName, FileId) {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path()).unwrap();
        let name = FileName::new("f").unwrap();
        let file = shelf.files.add(name.clone(), shelf.dir.create(&name, 4096).unwrap());
        (dir, shelf, name, file)
    }

    #[test]
    fn a_fenced_file_takes_reads_only_until_it_is_opened_anew() {
        let (_dir, shelf, name, file) = shelf();
        let ops = |file| {
            let (at, len, durability) = (0, 4096, Durability::Later);
            [
                Op::Read { file, at, buf: Buf::zeroed(4096) },
                Op::Write { file, at, buf: Buf::zeroed(4096), durability },
                Op::Punch { file, at, len },
                Op::Sync { file },
            ]
        };
        let admitted = |file| ops(file).map(|op| admit(&shelf, &op).is_ok());
        assert_eq!(admitted(file), [true; 4]);
        shelf.files.get(file).unwrap().fence();
        assert_eq!(admitted(file), [true, false, false, false], "D6");
        let anew = shelf.files.add(name.clone(), shelf.dir.open_file(&name).unwrap());
        assert_eq!(admitted(anew), [true; 4], "D6: opened anew");
    }

    #[tokio::test]
    async fn whoever_asks_during_a_sync_shares_the_next_one_and_its_error() {
        let (_dir, shelf, _, id) = shelf();
        let file = shelf.files.get(id).unwrap();
        let (gate, lane) = (Gate::new("d".into(), 8), Arc::new(Lane::default()));
        let mut answers = Vec::new();
        let mut caller = || {
            let (lane, site) = (lane.clone(), std::panic::Location::caller());
            let request = Request { op: Op::Sync { file: id }, site };
            let queue = lane.clone();
            answers.push(gate.submit(request, move |ticket| queue.push(ticket)));
            lane.next().unwrap().split().1
        };
        let first = file.begin_sync(caller()).expect("O3: nobody else syncs");
        assert!(file.begin_sync(caller()).is_none(), "O3: one at a time");
        assert!(file.begin_sync(caller()).is_none(), "O3: one at a time");
        finish_sync(&shelf, &file, first, Some(Ok(())));
        let second = file.next_sync().expect("two wait");
        assert_eq!(second.len(), 2, "O3: they share");
        finish_sync(&shelf, &file, second, Some(Err(Errno::IO)));
        assert!(file.next_sync().is_none() && file.is_fenced(), "D6");
        let done = futures_util::future::join_all(answers).await;
        assert_eq!(done.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false]);
    }
}
