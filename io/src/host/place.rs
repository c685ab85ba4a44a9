//! What a path leads to right now.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What kind of thing.
    pub kind: PlaceKind,
    /// `st_dev`: places that share it fail together.
    pub device: u64,
    /// `st_ino`: with `device`, tells two names of one directory.
    pub inode: u64,
    /// A file system begins here.
    pub is_mount_point: bool,
}

/// A directory, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// A directory, or a link to one.
    Directory,
    /// Anything else.
    Other,
}

/// What stands at `path`, `None` if nothing does.
///
/// # Errors
/// The system's.
pub fn place(path: &Path) -> std::io::Result<Option<Place>> {
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let kind = if found.is_dir() { PlaceKind::Directory } else { PlaceKind::Other };
    let is_mount_point = kind == PlaceKind::Directory
        && std::fs::metadata(path.join(".."))
            .is_ok_and(|above| above.dev() != found.dev() || above.ino() == found.ino());
    Ok(Some(Place { kind, device: found.dev(), inode: found.ino(), is_mount_point }))
}

/// True for a directory in which nothing is, `besides` apart.
///
/// # Errors
/// The system's.
pub fn is_vacant(path: &Path, besides: &[&str]) -> std::io::Result<bool> {
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        if !besides.iter().any(|known| name == *known) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The path without links and dots; as it is where nothing is there yet.
///
/// # Errors
/// The system's, if the working directory is gone.
pub fn canonical(path: &Path) -> std::io::Result<PathBuf> {
    match std::fs::canonicalize(path) {
        Ok(path) => Ok(path),
        Err(_) => std::path::absolute(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        assert_eq!(place(&file).unwrap(), None);
        assert!(is_vacant(dir.path(), &[]).unwrap());
        crate::host::replace_small(&file, b"x").unwrap();
        assert_eq!(place(&file).unwrap().unwrap().kind, PlaceKind::Other);
        let here = place(dir.path()).unwrap().unwrap();
        assert_eq!((here.kind, here.is_mount_point), (PlaceKind::Directory, false));
        assert!(!is_vacant(dir.path(), &[]).unwrap());
        assert!(is_vacant(dir.path(), &["file"]).unwrap());
        assert!(place(Path::new("/proc")).unwrap().unwrap().is_mount_point);
        assert!(place(Path::new("/")).unwrap().unwrap().is_mount_point);
    }
}
