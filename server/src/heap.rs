//! The allocator of the binary, and how long it keeps what was freed.
//!
//! A query's hash tables are hundreds of megabytes that the next query wants again: mimalloc
//! alone gives memory back a second after it was freed. It does not ask for huge pages here
//! (the feature `no_thp`): with them the kernel took longer than the query that wanted the
//! memory (docs/decisions/0009-allocator.md). What the system's
//! `transparent_hugepage/enabled` grants unasked is used. `MIMALLOC_PURGE_DELAY` wins.

#![allow(unsafe_code)]

use std::ffi::c_long;

use libmimalloc_sys::mi_option_t;
use mimalloc::MiMalloc;

/// Rows and packets are many small allocations, made by one thread and freed by another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The option's number in the header of mimalloc 3; the crate does not name it.
const PURGE_DELAY: mi_option_t = 15;

/// How long freed memory is kept. [ms]
const KEEP_MS: c_long = 10_000;

/// Sets the allocator's options, but for those that the environment sets. Call it first,
/// while there is one thread.
pub fn settle() {
    // SAFETY: it writes a number of a static table, which nobody else writes; a thread that
    // reads it meanwhile sees the number of before or of after.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, KEEP_MS) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purge_delay() -> c_long {
        // SAFETY: it reads a number of a static table.
        unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) }
    }

    /// A newer mimalloc may number its options anew: the default tells them apart.
    #[test]
    fn the_number_is_that_of_the_option() {
        assert_eq!(purge_delay(), 1000, "not what mimalloc 3 begins with");
        settle();
        assert_eq!(purge_delay(), KEEP_MS);
    }
}
