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
}
