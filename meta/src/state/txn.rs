//! One write transaction: what the command families read and write.
//!
//! Rows that every command touches (the system's own, sums, sessions) are held
//! here and written once, when the batch ends.
//!
//! - X1: a row that was put is seen by every later read of the transaction.
//!
//! Not here: what a command does (`buckets`, `objects`, ...), when a transaction
//! becomes durable (`store`).

use std::collections::BTreeMap;

use holdfast_api::meta::Usage;
use holdfast_base::{BucketId, SessionId, Tick};
use redb::ReadableTable;

use super::error::StateError;
use super::rows::{BadRow, Row, Session, System};
use super::tables;

/// A table of rows, as the store has it.
pub type Table<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

/// Rows that can be read: a write transaction's, or a snapshot's.
pub trait Rows: ReadableTable<&'static [u8], &'static [u8]> {
    /// One row.
    ///
    /// # Errors
    /// The store, or a value that does not decode.
    fn row<R: Row>(&self, key: &[u8]) -> Result<Option<R>, StateError> {
        let value = self.get(key).map_err(StateError::doing("read a row"))?;
        value.map(|value| R::from_row(value.value()).map_err(Into::into)).transpose()
    }

    /// A row's value, decoded by `decode`.
    ///
    /// # Errors
    /// As [`Rows::row`].
    fn decoded<T>(
        &self,
        key: &[u8],
        decode: impl Fn(&[u8]) -> Result<T, BadRow>,
    ) -> Result<Option<T>, StateError> {
        let value = self.get(key).map_err(StateError::doing("read a row"))?;
        value.map(|value| decode(value.value()).map_err(Into::into)).transpose()
    }

    /// True where there is such a row.
    ///
    /// # Errors
    /// The store.
    fn has(&self, key: &[u8]) -> Result<bool, StateError> {
        Ok(self.get(key).map_err(StateError::doing("read a row"))?.is_some())
    }

    /// Calls `see` with every row in `low..high`, in order, until it says stop.
    ///
    /// # Errors
    /// The store, or what `see` finds wrong.
    fn scan(
        &self,
        (low, high): (Vec<u8>, Vec<u8>),
        mut see: impl FnMut(&[u8], &[u8]) -> Result<Go, StateError>,
    ) -> Result<(), StateError> {
        if low >= high {
            return Ok(());
        }
        let range = low.as_slice()..high.as_slice();
        for row in self.range::<&[u8]>(range).map_err(StateError::doing("scan"))? {
            let (key, value) = row.map_err(StateError::doing("scan"))?;
            if see(key.value(), value.value())? == Go::Stop {
                break;
            }
        }
        Ok(())
    }

    /// The keys in `low..high`, at most `limit`.
    ///
    /// # Errors
    /// The store.
    fn keys(&self, range: (Vec<u8>, Vec<u8>), limit: usize) -> Result<Vec<Vec<u8>>, StateError> {
        let mut keys = Vec::new();
        if limit > 0 {
            self.scan(range, |key, _| {
                keys.push(key.to_vec());
                Ok(if keys.len() < limit { Go::On } else { Go::Stop })
            })?;
        }
        Ok(keys)
    }
}

impl<T: ReadableTable<&'static [u8], &'static [u8]>> Rows for T {}

/// What a scan does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// The next row.
    On,
    /// No more.
    Stop,
}

/// A write transaction over one batch of entries.
pub struct Txn<'t> {
    /// The rows.
    pub rows: Table<'t>,
    /// The system row; written when the batch ends.
    pub system: System,
    usage: BTreeMap<BucketId, Usage>,
    sessions: BTreeMap<SessionId, Option<Session>>,
}

impl<'t> Txn<'t> {
    /// Begins on `rows`.
    ///
    /// # Errors
    /// The store.
    pub fn new(rows: Table<'t>) -> Result<Self, StateError> {
        let system = rows.row(&tables::system())?.unwrap_or_default();
        Ok(Self { rows, system, usage: BTreeMap::new(), sessions: BTreeMap::new() })
    }

    /// Log time.
    pub fn tick(&self) -> Tick {
        self.system.tick
    }

    /// Writes one row.
    ///
    /// # Errors
    /// The store.
    pub fn put(&mut self, key: &[u8], row: &impl Row) -> Result<(), StateError> {
        self.put_value(key, &row.to_row())
    }

    /// Writes one row's value.
    ///
    /// # Errors
    /// The store.
    pub fn put_value(&mut self, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        self.rows.insert(key, value).map_err(StateError::doing("write a row"))?;
        Ok(())
    }

    /// Removes one row; true where there was one.
    ///
    /// # Errors
    /// The store.
    pub fn remove(&mut self, key: &[u8]) -> Result<bool, StateError> {
        Ok(self.rows.remove(key).map_err(StateError::doing("remove a row"))?.is_some())
    }

    /// Changes a bucket's sums.
    ///
    /// # Errors
    /// The store.
    pub fn change_usage(
        &mut self,
        bucket: BucketId,
        change: impl FnOnce(&mut Usage),
    ) -> Result<(), StateError> {
        if !self.usage.contains_key(&bucket) {
            let row = self.rows.row(&tables::usage(bucket))?.unwrap_or_default();
            self.usage.insert(bucket, row);
        }
        if let Some(usage) = self.usage.get_mut(&bucket) {
            change(usage);
        }
        Ok(())
    }

    /// Forgets a bucket's sums.
    ///
    /// # Errors
    /// The store.
    pub fn drop_usage(&mut self, bucket: BucketId) -> Result<(), StateError> {
        self.usage.remove(&bucket);
        self.remove(&tables::usage(bucket)).map(|_| ())
    }

    /// A session, `None` if there is none.
    ///
    /// # Errors
    /// The store.
    pub fn session(&mut self, id: SessionId) -> Result<Option<&mut Session>, StateError> {
        if !self.sessions.contains_key(&id) {
            let row = self.rows.row(&tables::session(id))?;
            self.sessions.insert(id, row);
        }
        Ok(self.sessions.get_mut(&id).and_then(Option::as_mut))
    }

    /// Makes, replaces or (`None`) ends a session.
    pub fn set_session(&mut self, id: SessionId, session: Option<Session>) {
        self.sessions.insert(id, session);
    }

    /// Writes the rows that were held back.
    ///
    /// # Errors
    /// The store.
    pub fn settle(&mut self) -> Result<(), StateError> {
        for (bucket, usage) in std::mem::take(&mut self.usage) {
            self.put(&tables::usage(bucket), &usage)?;
        }
        for (id, session) in std::mem::take(&mut self.sessions) {
            match session {
                Some(session) => self.put(&tables::session(id), &session)?,
                None => {
                    self.remove(&tables::session(id))?;
                }
            }
        }
        let system = self.system.clone();
        self.put(&tables::system(), &system)
    }
}
