//! What can go wrong with a disk.

use holdfast_base::Remedy;

use super::OpKind;

/// An operation that a disk did not do.
#[derive(Debug, thiserror::Error)]
#[error("could not {} {} {disk}", doing.doing(), place(file))]
pub struct DiskError {
    /// The disk's name.
    pub disk: String,
    /// The file, or empty for the directory.
    pub file: String,
    /// What was asked.
    pub doing: OpKind,
    /// What kind of trouble it is; decides the remedy.
    pub kind: DiskErrorKind,
    /// The system's word.
    pub source: std::io::Error,
}

/// What kind of trouble a disk is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskErrorKind {
    /// No such file.
    NotFound,
    /// There is such a file already.
    Exists,
    /// No space, or over quota.
    Full,
    /// The file system does not take writes.
    ReadOnly,
    /// Not allowed to.
    Denied,
    /// Not whole blocks, or outside the file (D4): our mistake.
    Misaligned,
    /// The directory, or a file in it, is not the one that was opened (D7).
    Gone,
    /// The disk was closed while the request waited.
    Closed,
    /// The medium, the bus or the kernel.
    Medium,
}

impl DiskError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self.kind {
            DiskErrorKind::NotFound | DiskErrorKind::Exists => Remedy::Refuse,
            DiskErrorKind::Full => Remedy::TryElsewhere,
            DiskErrorKind::Misaligned => Remedy::Stop,
            DiskErrorKind::ReadOnly
            | DiskErrorKind::Denied
            | DiskErrorKind::Gone
            | DiskErrorKind::Closed
            | DiskErrorKind::Medium => Remedy::TryElsewhere,
        }
    }
}

/// The file, if it is about one: `"a" on DISK`, or `the directory DISK`.
fn place(file: &str) -> String {
    if file.is_empty() { "the directory".to_owned() } else { format!("{file:?} on") }
}

impl DiskErrorKind {
    /// The kind of a system error.
    pub fn of(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as K;
        match error.kind() {
            K::NotFound => Self::NotFound,
            K::AlreadyExists => Self::Exists,
            K::StorageFull | K::QuotaExceeded | K::FileTooLarge => Self::Full,
            K::ReadOnlyFilesystem => Self::ReadOnly,
            K::PermissionDenied => Self::Denied,
            K::InvalidInput => Self::Misaligned,
            _ => Self::Medium,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_file_or_the_directory() {
        let text = |file: &str, doing| {
            let source = std::io::Error::other("x");
            let (disk, file, kind) = ("/d/1".into(), file.into(), DiskErrorKind::Medium);
            DiskError { disk, file, doing, kind, source }.to_string()
        };
        assert_eq!(text("a", OpKind::Read), "could not read \"a\" on /d/1");
        assert_eq!(text("", OpKind::List), "could not list the directory /d/1");
    }
}
