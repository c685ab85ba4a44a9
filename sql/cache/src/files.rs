//! The cache's files: `blocks-<number>.cache`, all of one size, made as the cache grows.
//!
//! - F1: no file is made that would leave less than another one's size free on the disk.

use holdfast_io::disk::{DiskError, DiskErrorKind, Drive, File, FileName};
use parking_lot::RwLock;

use crate::slot::{FILE_BYTES, FILE_SLOTS, SLOT};

/// The files that are open, by number.
#[derive(Debug)]
pub(crate) struct Files {
    drive: Drive,
    /// Taken alone, for a moment.
    open: RwLock<Vec<Option<File>>>,
}

impl Files {
    /// As many as fit into `bytes`; none is open yet.
    pub fn new(drive: Drive, bytes: u64) -> Self {
        let count = usize::try_from(bytes / FILE_BYTES).unwrap_or(0);
        // Slots are counted in 32 bits.
        let count = count.min((u32::MAX / FILE_SLOTS - 1) as usize);
        Self { drive, open: RwLock::new(vec![None; count]) }
    }

    /// The directory.
    pub fn drive(&self) -> &Drive {
        &self.drive
    }

    /// What they may take, and what they take. [bytes]
    pub fn bytes(&self) -> (u64, u64) {
        let open = self.open.read();
        let count = open.iter().flatten().count() as u64;
        (open.len() as u64 * FILE_BYTES, count * FILE_BYTES)
    }

    /// Where a slot lies.
    pub fn slot(&self, slot: u32) -> Option<(File, u64)> {
        let file = self.open.read().get((slot / FILE_SLOTS) as usize)?.clone()?;
        Some((file, u64::from(slot % FILE_SLOTS) * SLOT as u64))
    }

    /// Opens what an earlier start left, and removes what is ours and does not fit. The
    /// numbers of those that are open.
    pub async fn open_all(&self) -> Result<Vec<usize>, DiskError> {
        let count = self.open.read().len();
        let mut opened = Vec::new();
        for (name, len) in self.drive.list().await? {
            let Some(number) = number(&name) else { continue };
            if number >= count || len != FILE_BYTES {
                self.drive.remove(name).await?;
                continue;
            }
            let file = self.drive.open(name).await?;
            self.open.write()[number] = Some(file);
            opened.push(number);
        }
        Ok(opened)
    }

    /// Makes the next file; its number, or nothing: there is no room for one.
    pub async fn grow(&self) -> Result<Option<usize>, DiskError> {
        let number = self.open.read().iter().position(Option::is_none);
        let Some(number) = number else { return Ok(None) };
        if self.drive.space().await?.free < 2 * FILE_BYTES {
            return Ok(None); // F1
        }
        match self.drive.create(name(number), FILE_BYTES).await {
            Ok(file) => {
                self.open.write()[number] = Some(file);
                Ok(Some(number))
            }
            Err(error) if error.kind == DiskErrorKind::Full => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The slots of a file.
pub(crate) fn slots(number: usize) -> std::ops::Range<u32> {
    let first = number as u32 * FILE_SLOTS;
    first..first + FILE_SLOTS
}

fn name(number: usize) -> FileName {
    FileName::new(&format!("blocks-{number:06}.cache")).expect("letters, digits, - and .")
}

fn number(of: &FileName) -> Option<usize> {
    let text = of.as_str().strip_prefix("blocks-")?.strip_suffix(".cache")?;
    text.parse().ok().filter(|number| name(*number) == *of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_have_numbers() {
        assert_eq!(number(&name(17)), Some(17));
        for other in ["lock", "blocks-17.cache", "blocks-000017", "blocks-00001x.cache"] {
            assert_eq!(number(&FileName::new(other).unwrap()), None, "{other}");
        }
    }
}
