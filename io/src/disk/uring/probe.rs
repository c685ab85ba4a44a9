//! Whether the kernel lets us use io_uring.
#![allow(unsafe_code)]

use io_uring::{IoUring, Probe, opcode};

/// Sets up a small ring, sends a NOP through it, and asks for the operations
/// that we need.
///
/// # Errors
/// Why not, for the log.
pub(in crate::disk) fn probe() -> Result<(), String> {
    let mut ring = IoUring::new(8).map_err(|error| match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => {
            format!("not permitted, by seccomp or by kernel.io_uring_disabled ({error})")
        }
        Some(libc::ENOSYS) => format!("not in this kernel ({error})"),
        _ => format!("io_uring_setup: {error}"),
    })?;
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe).map_err(|error| format!("probe: {error}"))?;
    let needed = [
        (opcode::Read::CODE, "read"),
        (opcode::Write::CODE, "write"),
        (opcode::Fsync::CODE, "fsync"),
        (opcode::Fallocate::CODE, "fallocate"),
    ];
    if let Some((_, name)) = needed.iter().find(|(code, _)| !probe.is_supported(*code)) {
        return Err(format!("this kernel's io_uring has no {name}"));
    }
    // SAFETY: a NOP refers to no memory.
    unsafe { ring.submission().push(&opcode::Nop::new().build().user_data(7)) }
        .map_err(|_| "a fresh ring is full".to_owned())?;
    ring.submit_and_wait(1).map_err(|error| format!("io_uring_enter: {error}"))?;
    match ring.completion().next() {
        Some(entry) if entry.user_data() == 7 && entry.result() == 0 => Ok(()),
        other => Err(format!("a NOP came back as {:?}", other.map(|entry| entry.result()))),
    }
}
