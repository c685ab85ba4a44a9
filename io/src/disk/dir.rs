//! A directory held open: everything that goes by name, with blocking calls.
//! Shared by both real disks; their helper threads call it.
//!
//! ```text
//! create   .tmp-N  write zeros  fdatasync  renameat2(NOREPLACE)  fsync(directory)
//! replace  .tmp-N  write        fdatasync  renameat              fsync(directory)
//! remove                                   unlinkat              fsync(directory)
//! ```
//!
//! Invariants
//! - F1: a name appears only after the bytes behind it are durable, and the
//!   caller is answered only after the name is (D3).
//! - F2: a file of ours is a regular file whose name parses as a [`FileName`];
//!   what begins with a dot is never listed, and `.tmp-*` is removed at open.
//! - F3: a fresh file's blocks are written, not merely allocated: writing into
//!   unwritten extents costs a journal commit each time (three times slower
//!   with a sync per write).
//!
//! Not here: reads and writes (`calls`, `uring::ring`), which files
//! are open (`files`), who calls on which thread (`errand`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, FallocateFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::{Buf, FileName, Space};

/// The largest file that `Replace` and `Load` take. [bytes]
pub(super) const SMALL_FILE_BYTES_MAX: usize = 1 << 20;

/// One write of zeros. [bytes]
const FILL_BYTES: usize = 1 << 20;

/// The longest rest between two writes of zeros while others wait for the device. [ms]
const FILL_REST_MS_MAX: u64 = 20;

/// What our unfinished files begin with.
const TEMPORARY_PREFIX: &str = ".tmp-";

/// A directory, by descriptor; the path is only used to see whether it still
/// leads here.
#[derive(Debug)]
pub(super) struct Dir {
    path: PathBuf,
    fd: OwnedFd,
    device: u64,
    inode: u64,
    /// Cleared once the file system refused `O_DIRECT`.
    direct: AtomicBool,
    next_temporary: AtomicU64,
    /// Foreground transfers under way; zero filling rests while there are any.
    pub(super) busy: AtomicUsize,
}

/// A file that [`Dir`] opened.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) fd: OwnedFd,
    /// [bytes]
    pub(super) len: u64,
    pub(super) inode: u64,
    /// False on a file system that does not take writes.
    pub(super) writable: bool,
}

impl Dir {
    /// Opens `path`, removes what interrupted creations left, and finds out
    /// whether direct I/O and writes are possible.
    pub(super) fn open(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&fd)?;
        let dir = Self {
            path: path.to_owned(),
            fd,
            device: stat.st_dev,
            inode: stat.st_ino,
            direct: AtomicBool::new(true),
            next_temporary: AtomicU64::new(0),
            busy: AtomicUsize::new(0),
        };
        dir.sweep()?;
        dir.probe()?;
        Ok(dir)
    }

    /// The path it was opened by.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// `st_dev` of the directory.
    pub(super) fn device(&self) -> u64 {
        self.device
    }

    /// Whether files bypass the page cache.
    pub(super) fn is_direct(&self) -> bool {
        self.direct.load(Ordering::Relaxed)
    }

    /// From now on files go through the page cache.
    pub(super) fn go_buffered(&self) {
        if self.direct.swap(false, Ordering::Relaxed) {
            let path = self.path.display();
            tracing::warn!(%path, "no direct I/O on this file system: using the page cache");
        }
    }

    /// Creates `name` with `len` written zeros; opens it.
    pub(super) fn create(&self, name: &FileName, len: u64) -> Result<Handle, Errno> {
        if self.stat(name)?.is_some() {
            return Err(Errno::EXIST);
        }
        let temporary = self.temporary();
        let made = self.make(&temporary, len).and_then(|handle| {
            self.publish(&temporary, name)?;
            Ok(handle)
        });
        self.tidy(&temporary, made)
    }

    /// Opens `name`; read-only where the file system does not take writes.
    pub(super) fn open_file(&self, name: &FileName) -> Result<Handle, Errno> {
        let (fd, writable) = match self.open_with(name.as_str(), OFlags::RDWR) {
            Err(Errno::ROFS) => (self.open_with(name.as_str(), OFlags::RDONLY)?, false),
            opened => (opened?, true),
        };
        let stat = rustix::fs::fstat(&fd)?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(Errno::NOENT);
        }
        Ok(Handle { fd, len: stat.st_size as u64, inode: stat.st_ino, writable })
    }

    /// Removes `name`.
    pub(super) fn remove(&self, name: &FileName) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.fd, name.as_str(), AtFlags::empty())?;
        rustix::fs::fsync(&self.fd)
    }

    /// Puts a file with `bytes` in the place of `name`, or of nothing.
    pub(super) fn replace(&self, name: &FileName, bytes: &[u8]) -> Result<(), Errno> {
        if bytes.len() > SMALL_FILE_BYTES_MAX {
            return Err(Errno::INVAL);
        }
        let temporary = self.temporary();
        let made = self.create_temporary(&temporary, OFlags::empty()).and_then(|fd| {
            write_all(&fd, 0, bytes)?;
            rustix::fs::fdatasync(&fd)?;
            rustix::fs::renameat(&self.fd, &*temporary, &self.fd, name.as_str())?;
            rustix::fs::fsync(&self.fd)
        });
        self.tidy(&temporary, made)
    }

    /// The whole of a small file.
    pub(super) fn load(&self, name: &FileName) -> Result<Vec<u8>, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name.as_str(), flags, Mode::empty())?;
        let len = rustix::fs::fstat(&fd)?.st_size as u64;
        if len > SMALL_FILE_BYTES_MAX as u64 {
            return Err(Errno::INVAL);
        }
        let mut bytes = vec![0; len as usize];
        read_exact(&fd, 0, &mut bytes)?;
        Ok(bytes)
    }

    /// All files (F2), sorted by name.
    pub(super) fn list(&self) -> Result<Vec<(FileName, u64)>, Errno> {
        let mut names = Vec::new();
        for text in self.entries()? {
            let Ok(name) = FileName::new(&text) else { continue };
            if let Some(stat) = self.stat(&name)?
                && FileType::from_raw_mode(stat.st_mode).is_file()
            {
                names.push((name, stat.st_size as u64));
            }
        }
        names.sort();
        Ok(names)
    }

    /// True while the path still leads to this directory.
    pub(super) fn is_in_place(&self) -> Result<bool, Errno> {
        match rustix::fs::stat(&self.path) {
            Ok(stat) => Ok((stat.st_dev, stat.st_ino) == (self.device, self.inode)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// True while `name` still leads to `inode`.
    pub(super) fn leads_to(&self, name: &FileName, inode: u64) -> Result<bool, Errno> {
        Ok(self.stat(name)?.is_some_and(|stat| stat.st_ino == inode && stat.st_nlink > 0))
    }

    /// Size of the file system.
    pub(super) fn space(&self) -> Result<Space, Errno> {
        let stat = rustix::fs::fstatvfs(&self.fd)?;
        Ok(Space { total: stat.f_blocks * stat.f_frsize, free: stat.f_bavail * stat.f_frsize })
    }

    /// Opens or creates `name` for buffered, growing use. The entry is durable.
    pub(super) fn open_plain(&self, name: &FileName) -> Result<Handle, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name.as_str(), flags, file_mode())?;
        let stat = rustix::fs::fstat(&fd)?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(Errno::ISDIR);
        }
        rustix::fs::fsync(&fd)?;
        rustix::fs::fsync(&self.fd)?;
        Ok(Handle { fd, len: stat.st_size as u64, inode: stat.st_ino, writable: true })
    }

    fn stat(&self, name: &FileName) -> Result<Option<rustix::fs::Stat>, Errno> {
        match rustix::fs::statat(&self.fd, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn entries(&self) -> Result<Vec<String>, Errno> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            if let Ok(name) = entry?.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn open_with(&self, name: &str, access: OFlags) -> Result<OwnedFd, Errno> {
        let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.try_direct(|direct| rustix::fs::openat(&self.fd, name, flags | direct, Mode::empty()))
    }

    /// Runs `open` with `O_DIRECT`, and without once the file system refused it.
    fn try_direct(
        &self,
        open: impl Fn(OFlags) -> Result<OwnedFd, Errno>,
    ) -> Result<OwnedFd, Errno> {
        if !self.is_direct() {
            return open(OFlags::empty());
        }
        match open(OFlags::DIRECT) {
            Err(Errno::INVAL) => {
                let fd = open(OFlags::empty())?;
                self.go_buffered();
                Ok(fd)
            }
            opened => opened,
        }
    }

    fn temporary(&self) -> String {
        format!("{TEMPORARY_PREFIX}{}", self.next_temporary.fetch_add(1, Ordering::Relaxed))
    }

    fn create_temporary(&self, name: &str, extra: OFlags) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | extra;
        rustix::fs::openat(&self.fd, name, flags, file_mode())
    }

    fn make(&self, temporary: &str, len: u64) -> Result<Handle, Errno> {
        let fd = match self.try_direct(|direct| self.create_temporary(temporary, direct)) {
            // Some file systems refuse `O_DIRECT` only after they made the file.
            Err(Errno::EXIST) => self.open_with(temporary, OFlags::RDWR)?,
            made => made?,
        };
        if len > 0 {
            // Reserves the space, in few extents, before a second of writing: a
            // full disk is found out at once. F3 is the job of `fill`.
            match rustix::fs::fallocate(&fd, FallocateFlags::empty(), 0, len) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
                reserved => reserved?,
            }
            self.fill(&fd, len)?;
        }
        rustix::fs::fdatasync(&fd)?;
        let stat = rustix::fs::fstat(&fd)?;
        Ok(Handle { fd, len, inode: stat.st_ino, writable: true })
    }

    /// Writes `len` zeros, one piece at a time; while others use the device it
    /// rests as long as it wrote, so they keep at least half of it.
    fn fill(&self, fd: &OwnedFd, len: u64) -> Result<(), Errno> {
        let block = holdfast_base::limits::BLOCK_BYTES as u64;
        // Whole blocks, for direct I/O; a ragged end is cut off afterwards.
        let whole = len.next_multiple_of(block);
        let zeros = Buf::zeroed(whole.min(FILL_BYTES as u64) as usize);
        let mut at = 0;
        while at < whole {
            let piece = (whole - at).min(zeros.len() as u64) as usize;
            let started = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
            write_all(fd, at, &zeros[..piece])?;
            at += piece as u64;
            if self.busy.load(Ordering::Relaxed) > 0 {
                rest_since(started);
            }
        }
        if whole != len {
            rustix::fs::ftruncate(fd, len)?;
        }
        Ok(())
    }

    fn publish(&self, temporary: &str, name: &FileName) -> Result<(), Errno> {
        let (from, to) = (temporary, name.as_str());
        match rustix::fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            // Not every file system knows NOREPLACE; a link does not replace either.
            Err(Errno::INVAL | Errno::NOSYS) => {
                rustix::fs::linkat(&self.fd, from, &self.fd, to, AtFlags::empty())?;
                rustix::fs::unlinkat(&self.fd, from, AtFlags::empty())?;
            }
            renamed => renamed?,
        }
        rustix::fs::fsync(&self.fd)
    }

    /// Removes the temporary file of something that did not work out.
    fn tidy<T>(&self, temporary: &str, made: Result<T, Errno>) -> Result<T, Errno> {
        if made.is_err() {
            // The next open sweeps it if this does not.
            let _ = rustix::fs::unlinkat(&self.fd, temporary, AtFlags::empty());
        }
        made
    }

    fn sweep(&self) -> Result<(), Errno> {
        for name in self.entries()? {
            if name.starts_with(TEMPORARY_PREFIX) {
                match rustix::fs::unlinkat(&self.fd, &*name, AtFlags::empty()) {
                    Err(Errno::NOENT | Errno::ISDIR | Errno::PERM) => {}
                    removed => removed?,
                }
            }
        }
        Ok(())
    }

    /// Makes and removes a file, so that a directory that takes none is refused
    /// at start. A full one is accepted: what it holds can be read and removed.
    fn probe(&self) -> Result<(), Errno> {
        let temporary = self.temporary();
        let made = match self.make(&temporary, holdfast_base::limits::BLOCK_BYTES as u64) {
            Err(Errno::NOSPC | Errno::DQUOT) => Ok(()),
            made => made.map(drop),
        };
        match rustix::fs::unlinkat(&self.fd, &*temporary, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => made,
            Err(error) => made.and(Err(error)),
        }
    }
}

fn file_mode() -> Mode {
    Mode::RUSR | Mode::WUSR
}

#[allow(clippy::disallowed_methods, reason = "a helper thread of its own, below the clock seam")]
fn rest_since(started: rustix::fs::Timespec) {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let spent_ns = (now.tv_sec - started.tv_sec) * 1_000_000_000 + (now.tv_nsec - started.tv_nsec);
    let spent = std::time::Duration::from_nanos(u64::try_from(spent_ns).unwrap_or(0));
    std::thread::sleep(spent.min(std::time::Duration::from_millis(FILL_REST_MS_MAX)));
}

/// Writes all of `bytes` at `at`.
pub(super) fn write_all(fd: &OwnedFd, mut at: u64, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(fd, bytes, at) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => (at, bytes) = (at + count as u64, &bytes[count..]),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills `into` from `at`; the end of the file before that is an error.
pub(super) fn read_exact(fd: &OwnedFd, mut at: u64, mut into: &mut [u8]) -> Result<(), Errno> {
    while !into.is_empty() {
        match rustix::io::pread(fd, &mut *into, at) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => (at, into) = (at + count as u64, &mut into[count..]),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
