//! One transfer, with blocking calls.

use std::io::IoSlice;

use rustix::fs::FallocateFlags;
use rustix::io::{Errno, ReadWriteFlags};

use crate::disk::blocking::fenced;
use crate::disk::errand::Shelf;
use crate::disk::files::OpenFile;
use crate::disk::queue::{Caller, Outcome, Ticket};
use crate::disk::{Buf, DiskError, DiskErrorKind, Done, Durability, Op, OpKind};

/// How often in a row the kernel may say "try again". Between two, the thread yields.
pub(in crate::disk) const AGAIN_MAX: u32 = 64;

/// Does the transfer and tells its caller.
pub(super) fn run(shelf: &Shelf, ticket: Ticket) {
    let (op, caller) = ticket.split();
    match admit(shelf, &op) {
        Err(refusal) => caller.answer(Err(refusal)),
        Ok(file) => match op {
            Op::Sync { .. } => sync(shelf, &file, caller),
            other => caller.answer(transfer(shelf, &file, other)),
        },
    }
}

/// Checks a transfer before anything happens (D4, D6).
pub(in crate::disk) fn admit(
    shelf: &Shelf,
    op: &Op,
) -> Result<std::sync::Arc<OpenFile>, DiskError> {
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
pub(in crate::disk) fn fence_error(shelf: &Shelf, doing: OpKind, name: &str) -> DiskError {
    let kind = DiskErrorKind::Medium;
    DiskError { disk: shelf.name.to_string(), file: name.to_owned(), doing, kind, source: fenced() }
}

fn transfer(shelf: &Shelf, file: &OpenFile, op: Op) -> Outcome {
    let doing = op.kind();
    let done = match op {
        Op::Read { at, mut buf, .. } => read(file, at, &mut buf).map(|()| Done::Buf(buf)),
        Op::Write { at, buf, durability, .. } => {
            write(file, at, &buf, durability).map(|()| Done::Buf(buf))
        }
        Op::Punch { at, len, .. } => punch(file, at, len).map(|()| Done::Unit),
        _ => unreachable!("`run` handles the rest"),
    };
    done.map_err(|errno| {
        if doing == OpKind::Write {
            file.fence();
        }
        shelf.error(doing, file.name.as_str(), errno)
    })
}

/// Syncs, on behalf of `caller` and of everybody who asks meanwhile.
fn sync(shelf: &Shelf, file: &OpenFile, caller: Caller) {
    let mut batch = file.begin_sync(caller);
    while let Some(callers) = batch {
        let synced = if file.is_fenced() { None } else { Some(datasync(file)) };
        finish_sync(shelf, file, callers, synced);
        batch = file.next_sync();
    }
}

/// Tells `callers` how a sync ended; `None`: the file is fenced, there was none.
pub(in crate::disk) fn finish_sync(
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

fn datasync(file: &OpenFile) -> Result<(), Errno> {
    loop {
        match rustix::fs::fdatasync(&file.fd) {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

fn read(file: &OpenFile, at: u64, buf: &mut Buf) -> Result<(), Errno> {
    repeat(buf.len(), |done| rustix::io::pread(&file.fd, &mut buf[done..], at + done as u64))
}

fn write(file: &OpenFile, at: u64, buf: &Buf, durability: Durability) -> Result<(), Errno> {
    let flags = match durability {
        Durability::Later => ReadWriteFlags::empty(),
        Durability::Durable => ReadWriteFlags::DSYNC,
    };
    repeat(buf.len(), |done| {
        rustix::io::pwritev2(&file.fd, &[IoSlice::new(&buf[done..])], at + done as u64, flags)
    })
}

fn punch(file: &OpenFile, at: u64, len: u64) -> Result<(), Errno> {
    if len == 0 {
        return Ok(());
    }
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    loop {
        match rustix::fs::fallocate(&file.fd, flags, at, len) {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

/// Repeats a short transfer until `len` bytes are done.
fn repeat(
    len: usize,
    mut transfer: impl FnMut(usize) -> Result<usize, Errno>,
) -> Result<(), Errno> {
    let (mut done, mut again) = (0, 0);
    while done < len {
        match transfer(done) {
            Ok(count) => done = advance(done, count, len)?,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if again < AGAIN_MAX => {
                again += 1;
                std::thread::yield_now();
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Where a transfer of `len` bytes goes on after `count` more: at a whole
/// block, as direct I/O wants. No progress is an error: the file is shorter
/// than it was.
pub(in crate::disk) fn advance(done: usize, count: usize, len: usize) -> Result<usize, Errno> {
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
