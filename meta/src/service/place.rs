//! Where a replica lives: a directory that may vanish, be emptied, and come back.

use std::sync::Arc;

use holdfast_io::disk::Drive;

/// A directory as it is now.
pub struct Ground {
    /// To call.
    pub drive: Drive,
    /// A lost replica's place may be taken here: it is certain that this is the
    /// directory meant, and not the mount point of a file system that is away.
    pub may_format: bool,
}

/// Opens the directory as it is now; a line for people where it cannot be.
type Open = dyn Fn() -> Result<Ground, String> + Send + Sync;

/// The place of one replica. Cheap to clone.
#[derive(Clone)]
pub struct Place {
    name: Arc<str>,
    open: Arc<Open>,
}

impl Place {
    /// A place that is called `name` and opened anew by `open`, which may block for some
    /// milliseconds.
    pub fn new(
        name: &str,
        open: impl Fn() -> Result<Ground, String> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), open: Arc::new(open) }
    }

    /// A directory that stays open.
    pub fn fixed(drive: Drive) -> Self {
        let name = drive.name().to_owned();
        Self::new(&name, move || Ok(Ground { drive: drive.clone(), may_format: true }))
    }

    /// What to call it: its path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The directory as it is now.
    ///
    /// # Errors
    /// A line for people.
    pub fn open(&self) -> Result<Ground, String> {
        crate::raft::machine::blocking(|| (self.open)())
    }
}
