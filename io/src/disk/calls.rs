//! Transfers with blocking calls, on threads that wait for them.

use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::FallocateFlags;
use rustix::io::{Errno, ReadWriteFlags};

use super::errand::{Shelf, spawn};
use super::files::OpenFile;
use super::queue::{Caller, Lane, Outcome};
use super::transfer::{AGAIN_MAX, admit, advance, finish_sync};
use super::{Buf, Done, Durability, Op, OpKind};

/// Starts `threads` threads that do what comes through `lane`, until it is closed.
pub(super) fn serve(shelf: &Arc<Shelf>, lane: &Arc<Lane>, threads: usize) -> std::io::Result<()> {
    for number in 0..threads {
        let (shelf, lane) = (shelf.clone(), lane.clone());
        spawn(&shelf.name.clone(), &format!("io{number}"), move || {
            while let Some(ticket) = lane.next() {
                shelf.dir.busy.fetch_add(1, Ordering::Relaxed);
                let (op, caller) = ticket.split();
                run(&shelf, op, caller);
                shelf.dir.busy.fetch_sub(1, Ordering::Relaxed);
            }
        })?;
    }
    Ok(())
}

fn run(shelf: &Shelf, op: Op, caller: Caller) {
    match admit(shelf, &op) {
        Err(refusal) => caller.answer(Err(refusal)),
        Ok(file) => match op {
            Op::Sync { .. } => sync(shelf, &file, caller),
            other => caller.answer(transfer(shelf, &file, other)),
        },
    }
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
