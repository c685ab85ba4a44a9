//! Checkpoints: where a start may begin to read the log.
//!
//! ```text
//! (T, P) applied -> every table flushed beyond T -> at C: manifests, system tables -> object
//!                                                -> record -> log truncated through P
//! start: newest checkpoint -> manifests, system tables -> log after P
//! checkpoints/<P> = version u8 | postcard(Checkpoint)
//! ```
//!
//! - K1: a checkpoint names P only if every change of a user's table up to P is in the
//!   objects of its manifests.
//! - K2: manifests and system tables are those of C, which is later than P: what the log
//!   says between P and C is said again at a start. A record sets rows to what they
//!   are, so that saying it twice changes nothing; an edit of a manifest is known by its timestamp.
//! - K3: the record of the checkpoint lies after P: the log is never truncated to its end,
//!   so that the transaction node finds the highest timestamp in it.
//! - K4: a checkpoint is true whether or not its record was accepted; a start takes the
//!   newest one that there is.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use holdfast_api::bucket::Bucket;
use holdfast_api::txn::{Change, Part, TxnRecord};
use holdfast_base::{Lsn, TableId, Ts, TxnId};
use holdfast_objects::manifest::Manifest;
use holdfast_tail::Direction;
use holdfast_tail::table::KeyRange;
use serde::{Deserialize, Serialize};

use super::edit;
use crate::catalog::definition::FIRST_TABLE;
use crate::catalog::system;
use crate::engine::Engine;
use crate::error::{Result, SqlError};

/// The version that is written.
pub const VERSION: u8 = 1;

/// Their names begin with it.
pub const PREFIX: &str = "checkpoints/";

/// See the module's header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// P: the log is read from the record after this one.
    pub after: Lsn,
    /// T: the timestamp of the record at P.
    pub ts: Ts,
    /// C: edits up to this timestamp are in the manifests.
    pub made: Ts,
    /// The manifests of tables and indexes, of dropped ones, too.
    pub tables: Vec<(TableId, Manifest)>,
    /// The rows of system tables: key and row.
    pub system: Vec<(TableId, Vec<(Bytes, Bytes)>)>,
}

impl Checkpoint {
    /// Its name in the bucket; names are ordered as positions are.
    pub fn name(after: Lsn) -> String {
        format!("{PREFIX}{:08x}-{:016x}", after.incarnation, after.index)
    }

    /// As it lies in the bucket.
    pub fn encode(&self) -> Bytes {
        let out = postcard::to_extend(self, vec![VERSION]);
        out.expect("a Vec takes everything, and no part of it refuses to be encoded").into()
    }

    /// The inverse of [`Checkpoint::encode`].
    ///
    /// # Errors
    /// 1712: another version, or bytes that do not parse.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let bad = |why: String| SqlError::new(1712, format!("a checkpoint does not parse: {why}"));
        match bytes.split_first() {
            Some((&VERSION, rest)) => {
                postcard::from_bytes(rest).map_err(|error| bad(error.to_string()))
            }
            Some((&other, _)) => {
                Err(bad(format!("it has version {other}, up to {VERSION} are known")))
            }
            None => Err(bad("it is empty".to_owned())),
        }
    }

    /// The newest one that there is.
    ///
    /// # Errors
    /// The bucket's; 1712.
    pub async fn newest(bucket: &dyn Bucket) -> Result<Option<Self>> {
        let mut newest = None;
        let mut after = String::new();
        loop {
            let listed = bucket.list(PREFIX, &after, 1000).await?;
            let Some(last) = listed.last().cloned() else { break };
            after.clone_from(&last.name);
            newest = Some(last);
        }
        match newest {
            Some(listed) => {
                let bytes = bucket.read(&listed.name, 0..listed.bytes).await?;
                Self::decode(&bytes).map(Some)
            }
            None => Ok(None),
        }
    }

    /// The system tables' rows as a record, which a tail takes as its first one.
    pub fn record(&self) -> TxnRecord {
        let part = |(table, rows): &(TableId, Vec<(Bytes, Bytes)>)| {
            let change =
                |(key, row): &(Bytes, Bytes)| Change { key: key.clone(), row: Some(row.clone()) };
            Part::Rows { table: *table, schema: 1, changes: rows.iter().map(change).collect() }
        };
        TxnRecord {
            ts: self.ts,
            txn: TxnId { born: self.ts, nonce: 0 },
            shard: 0,
            participants: Vec::new(),
            parts: self.system.iter().map(part).collect(),
        }
    }
}

impl Engine {
    /// Flushes every table, writes a checkpoint and truncates the log up to where that
    /// began.
    ///
    /// # Errors
    /// The bucket's, the transaction node's, the log's. What was flushed stays so.
    pub async fn checkpoint(&self) -> Result<bool> {
        let _job = self.store.jobs.lock().await;
        let (ts, after) = self.tail.applied();
        if self.store.checkpointed.lock().0 >= ts {
            return Ok(false);
        }
        let catalog = self.catalog()?;
        let named = crate::engine::ids(&catalog);
        for tail in self.tail.tables() {
            let id = tail.table();
            // What was dropped is nobody's; its rows need not outlive the log.
            if id.0 >= FIRST_TABLE && named.contains(&id) {
                self.flush_one(id).await?;
            }
        }
        let checkpoint = self.collect(ts, after)?;
        let bytes = checkpoint.encode();
        let name = Checkpoint::name(after);
        let mut writer = self.store.bucket.create(&name, Some(bytes.len() as u64));
        writer.write(bytes).await?;
        writer.finish().await?;
        let part = Part::Checkpoint(Bytes::from(name.into_bytes()));
        edit::send(self, Vec::new(), vec![part]).await?;
        *self.store.checkpointed.lock() = (ts, checkpoint.made);
        self.store.counts.checkpoints.fetch_add(1, Ordering::Relaxed);
        self.truncate(after).await?;
        let older = self.store.bucket.list(PREFIX, "", 1000).await?.into_iter();
        let older = older.filter(|listed| listed.name < Checkpoint::name(after));
        self.store.garbage.lock().extend(older.map(|listed| (Ts(0), listed.name)));
        Ok(true)
    }

    /// K2: as of what the tail has applied, which is after every flush. The transaction node
    /// may know of less: an append whose answer it still waits for may be in the log.
    ///
    /// Tables that were dropped are in it, too, as long as they have a manifest: edits of
    /// before they were dropped may lie after C. A start buries what nobody names.
    fn collect(&self, ts: Ts, after: Lsn) -> Result<Checkpoint> {
        let (made, _) = self.tail.applied();
        let mut system = Vec::new();
        for table in system::SYSTEM_TABLES {
            system.push((table, self.system_table(table, made)?));
        }
        let tables = self.store.versions.all().into_iter();
        let tables = tables.map(|(id, manifest)| (id, Manifest::clone(&manifest))).collect();
        Ok(Checkpoint { after, ts, made, tables, system })
    }

    /// The rows of a system table, as they are stored.
    fn system_table(&self, table: TableId, ts: Ts) -> Result<Vec<(Bytes, Bytes)>> {
        let mut rows = Vec::new();
        let Some(tail) = self.tail.table(table) else { return Ok(rows) };
        let mut cursor = tail.range(&KeyRange::all(), ts, Direction::Forward)?;
        loop {
            let entries = cursor.next_batch(1024);
            if entries.is_empty() {
                return Ok(rows);
            }
            for entry in entries {
                let Some(row) = entry.row else { continue };
                let text = crate::catalog::stored_text(&row)?;
                rows.push((Bytes::copy_from_slice(&entry.key), system::encode_text(&text)?));
            }
        }
    }
}
