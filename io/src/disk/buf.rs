//! Buffers for direct I/O: whole blocks, aligned to one.
//!
//! Invariants
//! - B1: the address and the capacity are multiples of `BLOCK_BYTES`.
//! - B2: every byte of a buffer has a value; nobody sees uninitialised memory.
//! - B3: bytes that are shared ([`Buf::share`]) are never written again while anybody
//!   has them: the owner's mutable view ends where they begin.
//!
//! Freed buffers are kept in a bounded pool by size, because a fresh one of
//! 2 MiB costs 512 page faults, as much as hashing half of it.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex};

use holdfast_base::limits::BLOCK_BYTES;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// The most bytes that the pool keeps.
const POOL_BYTES_MAX: usize = 128 << 20;

static POOL: Mutex<Pool> = Mutex::new(Pool { free: BTreeMap::new(), bytes: 0 });

/// An owned, block-aligned run of bytes.
pub struct Buf {
    memory: Arc<Memory>,
    len: usize,
    /// B3: from here on bytes may be shared.
    own: usize,
}

/// The end of a [`Buf`], for reading; lives as long as anybody has it.
#[derive(Clone)]
pub struct SharedBuf {
    memory: Arc<Memory>,
    from: usize,
    to: usize,
}

/// What was allocated; goes back to the pool with its last user.
struct Memory {
    start: NonNull<u8>,
    capacity: usize,
}

/// Free memory by capacity. `bytes` is the sum over `free`.
struct Pool {
    free: BTreeMap<usize, Vec<NonNull<u8>>>,
    bytes: usize,
}

// SAFETY: bytes below `own` are reached by one `Buf` alone, as in a `Box<[u8]>`; the
// others are only read (B3).
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}
// SAFETY: the pool owns what it lists; it is reached under its lock only.
unsafe impl Send for Pool {}

impl Buf {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        let capacity = capacity_for(len);
        match take(capacity) {
            Some(start) => {
                let mut buf = Self::of(start, capacity, len);
                buf.fill(0);
                buf
            }
            None => Self::of(allocate(capacity), capacity, len),
        }
    }

    fn of(start: NonNull<u8>, capacity: usize, len: usize) -> Self {
        Self { memory: Arc::new(Memory { start, capacity }), len, own: len }
    }

    /// `len` bytes of whatever an earlier buffer held; for reading into.
    pub fn dirty(len: usize) -> Self {
        let capacity = capacity_for(len);
        let start = take(capacity).unwrap_or_else(|| allocate(capacity));
        Self::of(start, capacity, len)
    }

    /// A copy of `bytes`, padded with zeros to whole blocks.
    pub fn padded(bytes: &[u8]) -> Self {
        let mut buf = Self::dirty(bytes.len().next_multiple_of(BLOCK_BYTES));
        buf[..bytes.len()].copy_from_slice(bytes);
        buf[bytes.len()..].fill(0);
        buf
    }

    /// Makes it shorter; the rest is still owned.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The bytes from `from` on, which nobody changes from now on (B3): mutable
    /// access reaches the bytes before them only, so do not read into it any more.
    pub fn share(&mut self, from: usize) -> SharedBuf {
        let from = from.min(self.len);
        self.own = self.own.min(from);
        SharedBuf { memory: self.memory.clone(), from, to: self.len }
    }
}

fn capacity_for(len: usize) -> usize {
    // Few sizes, so that the pool hits: powers of two up to 64 KiB, then steps of 64 KiB.
    if len <= 64 << 10 {
        len.max(BLOCK_BYTES).next_power_of_two()
    } else {
        len.next_multiple_of(64 << 10)
    }
}

fn layout(capacity: usize) -> Layout {
    Layout::from_size_align(capacity, BLOCK_BYTES).expect("capacities are far below isize::MAX")
}

/// Memory from this size on is mapped by itself. [bytes]
///
/// The allocator would write the zeros that the kernel has just made once more, and would
/// keep holes between such large aligned pieces when they are freed: after 16 writers and 16
/// readers of 64 MiB a server had 1,051 MiB resident that way.
const MAPPED_MIN: usize = 128 << 10;

/// Zeros (B2), at an address of whole blocks (B1).
fn allocate(capacity: usize) -> NonNull<u8> {
    let layout = layout(capacity);
    if capacity < MAPPED_MIN {
        // SAFETY: the layout has a size above 0 (`capacity_for`).
        let start = unsafe { alloc_zeroed(layout) };
        return NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout));
    }
    let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: an anonymous mapping at an address that the kernel picks, a whole page.
    let start = unsafe { mmap_anonymous(std::ptr::null_mut(), capacity, protection, flags) };
    let start = start.ok().and_then(|start| NonNull::new(start.cast()));
    start.unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives back what `allocate` made.
///
/// # Safety
/// `start` came from `allocate(capacity)`, and nobody uses it any more.
unsafe fn free(start: NonNull<u8>, capacity: usize) {
    if capacity < MAPPED_MIN {
        // SAFETY: allocated with this very layout; the rest is the caller's word.
        return unsafe { dealloc(start.as_ptr(), layout(capacity)) };
    }
    // SAFETY: the whole mapping; the rest is the caller's word.
    let unmapped = unsafe { munmap(start.as_ptr().cast(), capacity) };
    debug_assert!(unmapped.is_ok(), "the mapping is ours");
}

fn take(capacity: usize) -> Option<NonNull<u8>> {
    let mut pool = POOL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let start = pool.free.get_mut(&capacity)?.pop()?;
    pool.bytes -= capacity;
    Some(start)
}

impl Drop for Memory {
    fn drop(&mut self) {
        let mut pool = POOL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if pool.bytes + self.capacity <= POOL_BYTES_MAX {
            pool.bytes += self.capacity;
            pool.free.entry(self.capacity).or_default().push(self.start);
            return;
        }
        drop(pool);
        // SAFETY: allocated by `allocate` with this very capacity, and owned by us alone.
        unsafe { free(self.start, self.capacity) }
    }
}

impl Deref for Buf {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: `len <= capacity` bytes are here and initialised (B2); the shared ones
        // are never written (B3), the others only through `&mut self`.
        unsafe { std::slice::from_raw_parts(self.memory.start.as_ptr(), self.len) }
    }
}

impl DerefMut for Buf {
    fn deref_mut(&mut self) -> &mut [u8] {
        let len = self.len.min(self.own);
        // SAFETY: as in `deref`; `&mut self` makes it unique, and what others share lies
        // behind `own` (B3).
        unsafe { std::slice::from_raw_parts_mut(self.memory.start.as_ptr(), len) }
    }
}

impl Deref for SharedBuf {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        let len = self.to - self.from;
        // SAFETY: inside the memory (`share`), initialised (B2) and never written (B3).
        unsafe { std::slice::from_raw_parts(self.memory.start.as_ptr().add(self.from), len) }
    }
}

impl std::fmt::Debug for SharedBuf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedBuf({}..{})", self.from, self.to)
    }
}

impl AsRef<[u8]> for Buf {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl std::fmt::Debug for Buf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buf({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_zeroed_and_reused() {
        for len in [0, 1, 512, 4096, 5000, 70_000, 2 << 20] {
            let mut buf = Buf::zeroed(len);
            assert_eq!(buf.memory.start.as_ptr() as usize % BLOCK_BYTES, 0, "B1 at {len}");
            assert_eq!(buf.memory.capacity % BLOCK_BYTES, 0, "B1 at {len}");
            assert!(buf.iter().all(|&byte| byte == 0), "B2 at {len}");
            buf.fill(0xff);
            drop(buf);
            assert!(Buf::zeroed(len).iter().all(|&byte| byte == 0), "zeroed means zeroed, {len}");
        }
    }

    #[test]
    fn padding_is_zeros() {
        drop({
            let mut dirt = Buf::zeroed(4096);
            dirt.fill(9);
            dirt
        });
        let buf = Buf::padded(b"abc");
        assert_eq!((buf.len(), &buf[..4]), (4096, &b"abc\0"[..]));
    }

    #[test]
    fn shared_bytes_stay_as_they_were_whoever_goes_first() {
        let mut buf = Buf::zeroed(3 * 4096);
        buf.fill(1);
        let tail = buf.share(4096);
        buf.fill(2);
        assert_eq!(buf.len(), 3 * 4096, "read as a whole");
        assert!(buf[..4096].iter().all(|&byte| byte == 2));
        assert!(buf[4096..].iter().all(|&byte| byte == 1), "B3: the owner cannot reach them");
        assert!(buf.share(8192).iter().all(|&byte| byte == 1));
        buf.fill(3);
        assert!(buf[4096..].iter().all(|&byte| byte == 1), "B3: a later share takes back nothing");
        drop(buf);
        let _reused = Buf::zeroed(3 * 4096);
        assert!(tail.len() == 2 * 4096 && tail.iter().all(|&byte| byte == 1), "B3: still in use");
    }
}
