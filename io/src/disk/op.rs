//! What may be asked of a disk, and what it answers.

use std::fmt;
use std::panic::Location;

use super::{Buf, DiskError};

/// The name of a file in a drive's directory: 1 to 64 of `[a-z0-9._-]`, not
/// beginning with a dot, so that it is a path component on every system.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(Box<str>);

/// An open file of one disk. Closed by `Op::Close`, or with its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u64);

/// Whether a write must be durable when it completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A later `Sync` makes it durable.
    Later,
    /// Durable when it completes (`RWF_DSYNC`).
    Durable,
}

/// The place in our source that asked; fault tests count which were hit.
pub type Site = &'static Location<'static>;

/// One thing to do, and who wants it.
#[derive(Debug)]
pub struct Request {
    /// What to do.
    pub op: Op,
    /// The place that asked.
    pub site: Site,
}

/// One operation. Offsets (`at`) and lengths (`len`) are in bytes.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum Op {
    /// A new file of `len` zeros, open. `Exists` if there is one. → `Done::File`
    Create { name: FileName, len: u64 },
    /// Opens a file. → `Done::File`
    Open { name: FileName },
    /// Forgets an open file. → `Done::Unit`
    Close { file: FileId },
    /// Fills all of `buf` from `at`. → `Done::Buf`
    Read { file: FileId, at: u64, buf: Buf },
    /// Writes all of `buf` at `at`. → `Done::Buf`
    Write { file: FileId, at: u64, buf: Buf, durability: Durability },
    /// Makes all completed writes of the file durable. → `Done::Unit`
    Sync { file: FileId },
    /// Gives the range's space back; it then reads as zeros. Whole blocks. → `Done::Unit`
    Punch { file: FileId, at: u64, len: u64 },
    /// Removes a file by name; open or not. `NotFound` if there is none. → `Done::Unit`
    Remove { name: FileName },
    /// Replaces a small file as a whole, or creates it. At most 1 MiB. → `Done::Unit`
    Replace { name: FileName, bytes: Vec<u8> },
    /// A small file as a whole. At most 1 MiB. → `Done::Bytes`
    Load { name: FileName },
    /// All files, sorted by name, with their lengths. → `Done::Names`
    List,
    /// D7: is this still the directory that was opened, are its open files in it? → `Done::Unit`
    Verify,
    /// Size of the file system below. → `Done::Space`
    Space,
}

/// An [`Op`] without its arguments, for counters and fault plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names of Op's variants")]
pub enum OpKind {
    Create,
    Open,
    Close,
    Read,
    Write,
    Sync,
    Punch,
    Remove,
    Replace,
    Load,
    List,
    Verify,
    Space,
}

/// The answer to an [`Op`].
#[derive(Debug)]
pub enum Done {
    /// Nothing to say.
    Unit,
    /// The buffer that came with the request.
    Buf(Buf),
    /// An open file and its length. [bytes]
    File(FileId, u64),
    /// File names and lengths. [bytes]
    Names(Vec<(FileName, u64)>),
    /// A small file's contents.
    Bytes(Vec<u8>),
    /// The file system's size.
    Space(Space),
}

/// The file system below a disk. [bytes]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// All of it.
    pub total: u64,
    /// What we may still use.
    pub free: u64,
}

/// A file with blocking calls; see [`super::Disk::open_blocking`].
pub trait BlockingFile: Send + Sync + fmt::Debug {
    /// Its length now. [bytes]
    fn len(&self) -> Result<u64, DiskError>;
    /// True when there is nothing in it.
    fn is_empty(&self) -> Result<bool, DiskError> {
        Ok(self.len()? == 0)
    }
    /// Fills `into` from `at`; short of the end of the file it errs.
    fn read(&self, at: u64, into: &mut [u8]) -> Result<(), DiskError>;
    /// Writes `from` at `at`, growing the file where needed.
    fn write(&self, at: u64, from: &[u8]) -> Result<(), DiskError>;
    /// Cuts or grows (with zeros) the file.
    fn set_len(&self, len: u64) -> Result<(), DiskError>;
    /// Makes everything before it durable, the length too.
    fn sync(&self) -> Result<(), DiskError>;
}

/// A text that cannot name a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot name a file: 1 to 64 of a-z 0-9 . _ - and no leading dot can")]
pub struct BadFileName(pub String);

impl FileName {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`BadFileName`] outside the alphabet or the length.
    pub fn new(text: &str) -> Result<Self, BadFileName> {
        let fits = (1..=64).contains(&text.len()) && !text.starts_with('.');
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        if fits && text.bytes().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(BadFileName(text.into()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Op {
    /// Which operation this is.
    pub fn kind(&self) -> OpKind {
        match self {
            Op::Create { .. } => OpKind::Create,
            Op::Open { .. } => OpKind::Open,
            Op::Close { .. } => OpKind::Close,
            Op::Read { .. } => OpKind::Read,
            Op::Write { .. } => OpKind::Write,
            Op::Sync { .. } => OpKind::Sync,
            Op::Punch { .. } => OpKind::Punch,
            Op::Remove { .. } => OpKind::Remove,
            Op::Replace { .. } => OpKind::Replace,
            Op::Load { .. } => OpKind::Load,
            Op::List => OpKind::List,
            Op::Verify => OpKind::Verify,
            Op::Space => OpKind::Space,
        }
    }
}

impl OpKind {
    /// A verb phrase that reads well after "could not".
    pub const fn doing(self) -> &'static str {
        match self {
            OpKind::Create => "create",
            OpKind::Open => "open",
            OpKind::Close => "close",
            OpKind::Read => "read",
            OpKind::Write => "write",
            OpKind::Sync => "sync",
            OpKind::Punch => "punch",
            OpKind::Remove => "remove",
            OpKind::Replace => "replace",
            OpKind::Load => "load",
            OpKind::List => "list",
            OpKind::Verify => "verify",
            OpKind::Space => "measure",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_single_harmless_path_components() {
        for good in ["a", "segment-0000000000000001", "drive.json"] {
            assert!(FileName::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", ".hidden", "UPPER", "nul\0", &"x".repeat(65)] {
            assert!(FileName::new(bad).is_err(), "{bad:?}");
        }
    }
}
