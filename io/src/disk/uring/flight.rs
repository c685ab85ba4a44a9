//! One operation under way in a ring.

use std::sync::Arc;

use io_uring::{opcode, squeue, types};
use rustix::fd::AsRawFd;
use rustix::io::Errno;

use crate::disk::errand::Shelf;
use crate::disk::files::OpenFile;
use crate::disk::queue::{Caller, Ticket};
use crate::disk::transfer::{AGAIN_MAX, admit, advance, fence_error, finish_sync};
use crate::disk::{Buf, Done, Durability, Op, OpKind};

/// The most bytes of one submission; the kernel's own limit is a little under 2 GiB.
const PIECE_BYTES_MAX: usize = 1 << 30;

/// What the kernel works on, whom to tell, and how far it got. Owns the memory (U2).
pub(super) struct Flight {
    file: Arc<OpenFile>,
    work: Work,
    /// [bytes]
    done: usize,
    again: u32,
}

enum Work {
    Read { at: u64, buf: Buf, caller: Caller },
    Write { at: u64, buf: Buf, durability: Durability, caller: Caller },
    Punch { at: u64, len: u64, caller: Caller },
    Sync { callers: Vec<Caller> },
}

/// What a completion means for a flight.
pub(super) enum Progress {
    /// Submit it again: it was short, or interrupted.
    Again,
    /// It ended so.
    Ended(Result<(), Errno>),
}

impl Flight {
    /// Checks a transfer. `None` when it was answered at once, or waits for a
    /// sync that is under way (O3).
    pub(super) fn begin(shelf: &Shelf, ticket: Ticket) -> Option<Self> {
        let (op, caller) = ticket.split();
        let file = match admit(shelf, &op) {
            Ok(file) => file,
            Err(refusal) => {
                caller.answer(Err(refusal));
                return None;
            }
        };
        let work = match op {
            Op::Read { buf, .. } | Op::Write { buf, .. } if buf.is_empty() => {
                caller.answer(Ok(Done::Buf(buf)));
                return None;
            }
            Op::Punch { len: 0, .. } => {
                caller.answer(Ok(Done::Unit));
                return None;
            }
            Op::Read { at, buf, .. } => Work::Read { at, buf, caller },
            Op::Write { at, buf, durability, .. } => Work::Write { at, buf, durability, caller },
            Op::Punch { at, len, .. } => Work::Punch { at, len, caller },
            Op::Sync { .. } => Work::Sync { callers: file.begin_sync(caller)? },
            _ => unreachable!("only transfers come here"),
        };
        Some(Self { file, work, done: 0, again: 0 })
    }

    /// The submission for what is left to do. It points into this flight's memory.
    pub(super) fn entry(&mut self) -> squeue::Entry {
        let fd = types::Fd(self.file.fd.as_raw_fd());
        let done = self.done;
        match &mut self.work {
            Work::Read { at, buf, .. } => {
                let offset = *at + done as u64;
                let rest = &mut buf[done..];
                let len = rest.len().min(PIECE_BYTES_MAX) as u32;
                opcode::Read::new(fd, rest.as_mut_ptr(), len).offset(offset).build()
            }
            Work::Write { at, buf, durability, .. } => {
                let offset = *at + done as u64;
                let rest = &buf[done..];
                let len = rest.len().min(PIECE_BYTES_MAX) as u32;
                let flags = match durability {
                    Durability::Later => 0,
                    Durability::Durable => libc::RWF_DSYNC,
                };
                opcode::Write::new(fd, rest.as_ptr(), len).offset(offset).rw_flags(flags).build()
            }
            Work::Punch { at, len, .. } => {
                let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
                opcode::Fallocate::new(fd, *len).offset(*at).mode(mode).build()
            }
            Work::Sync { .. } => opcode::Fsync::new(fd).flags(types::FsyncFlags::DATASYNC).build(),
        }
    }

    /// Takes in a completion: bytes, or a negative errno.
    pub(super) fn progress(&mut self, result: i32) -> Progress {
        if result < 0 {
            let errno = Errno::from_raw_os_error(-result);
            if matches!(errno, Errno::INTR | Errno::AGAIN) && self.again < AGAIN_MAX {
                self.again += 1;
                return Progress::Again;
            }
            return Progress::Ended(Err(errno));
        }
        let len = match &self.work {
            Work::Read { buf, .. } | Work::Write { buf, .. } => buf.len(),
            Work::Punch { .. } | Work::Sync { .. } => return Progress::Ended(Ok(())),
        };
        match advance(self.done, result as usize, len) {
            Err(errno) => Progress::Ended(Err(errno)),
            Ok(done) => {
                self.done = done;
                if done == len { Progress::Ended(Ok(())) } else { Progress::Again }
            }
        }
    }

    /// Answers. The next sync of the file, when somebody waits for one.
    pub(super) fn end(self, shelf: &Shelf, result: Result<(), Errno>) -> Option<Flight> {
        let file = self.file;
        let erred = |doing, errno| shelf.error(doing, file.name.as_str(), errno);
        match self.work {
            Work::Read { buf, caller, .. } => {
                let answer = result.map(|()| Done::Buf(buf));
                caller.answer(answer.map_err(|errno| erred(OpKind::Read, errno)));
            }
            Work::Write { buf, caller, .. } => {
                if result.is_err() {
                    file.fence();
                }
                let answer = result.map(|()| Done::Buf(buf));
                caller.answer(answer.map_err(|errno| erred(OpKind::Write, errno)));
            }
            Work::Punch { caller, .. } => {
                let answer = result.map(|()| Done::Unit);
                caller.answer(answer.map_err(|errno| erred(OpKind::Punch, errno)));
            }
            Work::Sync { callers } => {
                finish_sync(shelf, &file, callers, Some(result));
                return next_sync(shelf, file);
            }
        }
        None
    }

    /// Answers with an error, and leaks the memory that the kernel may still touch (U2).
    pub(super) fn abandon(self, shelf: &Shelf) {
        self.file.fence();
        let (doing, callers) = match self.work {
            Work::Read { buf, caller, .. } => {
                std::mem::forget(buf);
                (OpKind::Read, vec![caller])
            }
            Work::Write { buf, caller, .. } => {
                std::mem::forget(buf);
                (OpKind::Write, vec![caller])
            }
            Work::Punch { caller, .. } => (OpKind::Punch, vec![caller]),
            Work::Sync { callers } => (OpKind::Sync, callers),
        };
        for caller in callers {
            caller.answer(Err(shelf.error(doing, self.file.name.as_str(), Errno::IO)));
        }
    }
}

/// The sync that answers whoever asked meanwhile (O3); a fenced file has none.
fn next_sync(shelf: &Shelf, file: Arc<OpenFile>) -> Option<Flight> {
    while let Some(callers) = file.next_sync() {
        if !file.is_fenced() {
            return Some(Flight { file, work: Work::Sync { callers }, done: 0, again: 0 });
        }
        for caller in callers {
            caller.answer(Err(fence_error(shelf, OpKind::Sync, file.name.as_str())));
        }
    }
    None
}
