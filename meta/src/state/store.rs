//! The ordered store of one replica: where rows live, and when they are durable.
//!
//! ```text
//! apply batch      a commit without sync: seen by every later read, lost by a crash
//! checkpoint       a commit with sync: what a crash goes back to
//! log purge        only up to the last checkpoint; the log replays the rest
//! ```
//!
//! - D1: `checkpointed` is a position whose state survives a crash; it never goes back.
//! - D2: a batch that did not commit changed nothing.
//!
//! Not here: what is written (`apply`), where the file's bytes lie (`pages`).

use std::fmt;
use std::sync::Arc;

use holdfast_io::disk::BlockingFile;
use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use super::apply;
use super::entry::{Applied, Entry};
use super::error::StateError;
use super::pages::Pages;
use super::rows::{FORMAT, System};
use super::tables;
use super::txn::{Rows, Txn};

const ROWS: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("rows");

/// A read transaction's rows.
pub type View = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

/// The store of one replica.
pub struct Store {
    database: Database,
    file: Option<Arc<dyn BlockingFile>>,
}

/// What one entry of a batch is.
#[derive(Debug)]
pub enum Step {
    /// Ours.
    Entry {
        /// Its position in the log.
        index: u64,
        /// Its bytes.
        bytes: bytes::Bytes,
    },
    /// Raft's own: blank, or a membership.
    Raft,
}

impl Store {
    /// Opens the store in `file`, or makes one there if it is empty.
    ///
    /// # Errors
    /// A damaged store, another format, the disk.
    pub fn open(file: Arc<dyn BlockingFile>, cache_bytes: usize) -> Result<Self, StateError> {
        let pages = Pages::open(file.clone()).map_err(StateError::doing("open its pages"))?;
        let database = Database::builder()
            .set_cache_size(cache_bytes)
            .create_with_backend(pages)
            .map_err(StateError::doing("open"))?;
        let store = Self { database, file: Some(file) };
        store.check_format()?;
        Ok(store)
    }

    /// A store in memory, for tests of what is applied.
    #[cfg(test)]
    pub fn in_memory() -> Self {
        let backend = redb::backends::InMemoryBackend::new();
        let database =
            Database::builder().create_with_backend(backend).expect("memory does not fail");
        let store = Self { database, file: None };
        store.check_format().expect("a new store has our format");
        store
    }

    /// Makes the first row, or checks that it is ours.
    fn check_format(&self) -> Result<(), StateError> {
        if let Some(view) = self.try_view()? {
            let system: Option<System> = view.row(&tables::system())?;
            let found = system.map_or(0, |system| system.format);
            if found != FORMAT {
                return Err(StateError::Format { found, known: FORMAT });
            }
            return Ok(());
        }
        self.write(Durability::Immediate, |txn| {
            txn.system.format = FORMAT;
            txn.system.incarnation = 1;
            Ok(())
        })
    }

    fn try_view(&self) -> Result<Option<View>, StateError> {
        let read = self.database.begin_read().map_err(StateError::doing("begin to read"))?;
        match read.open_table(ROWS) {
            Ok(view) => Ok(Some(view)),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(StateError::doing("open its table")(error)),
        }
    }

    /// The rows as they are now; later changes do not show in it.
    ///
    /// # Errors
    /// The disk.
    pub fn view(&self) -> Result<View, StateError> {
        self.try_view()?.ok_or(StateError::Snapshot("it has no table".into()))
    }

    fn write<T>(
        &self,
        durability: Durability,
        change: impl FnOnce(&mut Txn<'_>) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let mut write = self.database.begin_write().map_err(StateError::doing("begin to write"))?;
        write.set_durability(durability).map_err(StateError::doing("set its durability"))?;
        write.set_quick_repair(matches!(durability, Durability::Immediate));
        let value = {
            let rows = write.open_table(ROWS).map_err(StateError::doing("open its table"))?;
            let mut txn = Txn::new(rows)?;
            let value = change(&mut txn)?;
            txn.settle()?;
            value
        };
        write.commit().map_err(StateError::doing("commit"))?;
        Ok(value)
    }

    /// Applies a batch in order and notes Raft's own row with it: one commit, not durable.
    ///
    /// # Errors
    /// The store is then as before (D2).
    pub fn apply(
        &self,
        steps: Vec<Step>,
        raft: &[u8],
    ) -> Result<(Vec<Applied>, System), StateError> {
        self.write(Durability::None, |txn| {
            let mut all = Vec::with_capacity(steps.len());
            for step in steps {
                all.push(match step {
                    Step::Raft => Applied::default(),
                    Step::Entry { index, bytes } => {
                        let entry = Entry::decode(&bytes)
                            .map_err(|why| StateError::Entry { index, why })?;
                        apply::apply(txn, index, entry)?
                    }
                });
            }
            txn.put_value(&tables::raft(), raft)?;
            Ok((all, txn.system.clone()))
        })
    }

    /// Makes everything that was applied durable (D1), and answers Raft's own row of it.
    ///
    /// # Errors
    /// The disk.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, StateError> {
        self.write(Durability::Immediate, |txn| {
            txn.rows.decoded(&tables::raft(), |value| Ok(value.to_vec()))
        })
    }

    /// Raft's own row.
    ///
    /// # Errors
    /// The disk.
    pub fn raft(&self) -> Result<Option<Vec<u8>>, StateError> {
        self.view()?.decoded(&tables::raft(), |value| Ok(value.to_vec()))
    }

    /// Writes rows as they come, for a snapshot's receiver; the last call makes them durable.
    ///
    /// # Errors
    /// The disk.
    pub fn load(&self, rows: &[(Vec<u8>, Vec<u8>)], last: bool) -> Result<(), StateError> {
        let durability = if last { Durability::Immediate } else { Durability::None };
        let mut write = self.database.begin_write().map_err(StateError::doing("begin to write"))?;
        write.set_durability(durability).map_err(StateError::doing("set its durability"))?;
        write.set_quick_repair(last);
        {
            let mut table = write.open_table(ROWS).map_err(StateError::doing("open its table"))?;
            for (key, value) in rows {
                table
                    .insert(key.as_slice(), value.as_slice())
                    .map_err(StateError::doing("write a row"))?;
            }
        }
        write.commit().map_err(StateError::doing("commit"))
    }

    /// Length of its file. [bytes]
    pub fn bytes(&self) -> u64 {
        self.file.as_ref().and_then(|file| file.len().ok()).unwrap_or(0)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}
