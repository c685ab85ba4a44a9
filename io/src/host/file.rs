//! Small files of a data directory: read whole, replaced whole, locked.
//!
//! - W1: after a crash a replaced file has its old or its new content, never less.
//! - W2: a private file is nobody's but its owner's to read (0600), from its first byte on.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::FlockOperation;

/// The largest file that is read whole. [bytes]
pub const SMALL_FILE_BYTES_MAX: u64 = 1 << 20;

/// Holds a directory for one process. Ends when it is dropped, or with the process.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock file `path`, made if need be. `None`: another process has it.
    ///
    /// # Errors
    /// The system's.
    pub fn take(path: &Path) -> std::io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = file.open(path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The whole of a small file.
///
/// # Errors
/// The system's; `InvalidData` beyond [`SMALL_FILE_BYTES_MAX`].
pub fn read_small(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).open(path)?;
    let mut bytes = Vec::new();
    file.take(SMALL_FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SMALL_FILE_BYTES_MAX {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "larger than 1 MiB"));
    }
    Ok(bytes)
}

/// As [`read_small`]; refuses a file that others may read.
///
/// # Errors
/// The system's; `PermissionDenied` if its mode lets group or others in.
pub fn read_private(path: &Path) -> std::io::Result<Vec<u8>> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        let text = format!("mode {:04o} lets others read it: chmod 600 it", mode & 0o7777);
        return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, text));
    }
    read_small(path)
}

/// Puts `bytes` in the place of `path`, or of nothing (W1).
///
/// # Errors
/// The system's.
pub fn replace_small(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    replace(path, bytes, 0o644)
}

/// As [`replace_small`], for the owner's eyes only (W2).
///
/// # Errors
/// The system's.
pub fn replace_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    replace(path, bytes, 0o600)
}

/// Makes a directory and its parents, durably; an existing one is fine.
///
/// # Errors
/// The system's.
pub fn create_directories(path: &Path) -> std::io::Result<()> {
    let missing: Vec<_> = path.ancestors().take_while(|path| !path.exists()).collect();
    std::fs::DirBuilder::new().recursive(true).mode(0o750).create(path)?;
    // Each new entry is durable once the directory that it is in is synced.
    for made in missing.into_iter().filter(|made| !made.as_os_str().is_empty()) {
        sync_directory(made.parent().unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

fn replace(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let temporary = path.with_file_name(format!(".{name}.new"));
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

fn sync_directory(path: &Path) -> std::io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    OpenOptions::new().read(true).open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        replace_private(&path, b"one").unwrap();
        replace_private(&path, b"two").unwrap();
        assert_eq!(read_private(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = read_private(&path).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_directory_is_locked_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = DirectoryLock::take(&path).unwrap();
        assert!(held.is_some());
        assert!(DirectoryLock::take(&path).unwrap().is_none(), "W: a second holder");
        drop(held);
        assert!(DirectoryLock::take(&path).unwrap().is_some());
    }
}
