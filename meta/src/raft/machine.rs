//! openraft's state machine over our store.
//!
//! - Y1: an answer is sent after the commit that it is in, so that who has it
//!   reads its effect (M3).
//! - Y2: a snapshot's position is that of the rows in it; what openraft purges by
//!   it is durable in the store.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{Stream, StreamExt};
use holdfast_base::{Lsn, Tick};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend, Snapshot};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::snapshot::{SnapshotData, Stores};
use super::types::{self, LogId, SnapshotMeta, StoredMembership, Types};
use crate::state::rows::System;
use crate::state::txn::Rows;
use crate::state::{StateError, Step, Store, query, tables};

/// Entries of one commit. [bytes]
const BATCH_BYTES_MAX: usize = 4 << 20;

/// Work of this size leaves the async worker. [bytes]
const INLINE_BYTES_MAX: usize = 64 << 10;

type SnapshotOf = openraft::type_config::alias::SnapshotOf<Types, SnapshotData>;

/// Runs `work`, which blocks, so that other tasks of a threaded runtime go on.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        Ok(_) | Err(_) => work(),
    }
}

/// What others want to know of the last commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The last log index applied.
    pub applied: Option<u64>,
    /// Log time.
    pub tick: Tick,
    /// The last accepted record of the transaction log.
    pub log_last: Lsn,
    /// Bytes of entries applied since the last checkpoint.
    pub unsaved_bytes: u64,
    /// Something waits for time to pass: intents, garbage, memories of spent bodies.
    pub expiring: bool,
}

/// Raft's own row in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftRow {
    /// The last entry applied.
    pub applied: Option<LogId>,
    /// The last membership applied.
    pub membership: StoredMembership,
}

impl RaftRow {
    fn load(bytes: Option<Vec<u8>>) -> io::Result<Self> {
        bytes.map_or(Ok(Self::default()), |bytes| types::decode(&bytes))
    }

    fn meta(&self) -> SnapshotMeta {
        SnapshotMeta { last_log_id: self.applied, last_membership: self.membership.clone() }
    }
}

/// One replica's state machine.
#[derive(Clone)]
pub struct Machine {
    shared: Arc<Shared>,
}

/// What the machine, its snapshots and its readers share.
pub struct Shared {
    /// The store.
    pub stores: Stores,
    /// The last commit.
    pub heard: watch::Sender<Heard>,
    /// Guards Raft's own row as it was last committed; written by the one applier.
    row: Mutex<RaftRow>,
    /// Guards the position up to which the store is durable.
    saved: Mutex<Option<LogId>>,
}

impl Machine {
    /// Over the store in `stores`.
    ///
    /// # Errors
    /// The store.
    pub fn open(stores: Stores) -> io::Result<Self> {
        let store = stores.current();
        let row = RaftRow::load(store.raft()?)?;
        let (heard, saved) = (heard_of(&store, &row, 0)?, row.applied);
        let (heard, _) = watch::channel(heard);
        let shared = Shared { stores, heard, row: Mutex::new(row), saved: Mutex::new(saved) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What it shares.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Shared {
    fn row(&self) -> RaftRow {
        self.row.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The position up to which the store is durable.
    pub fn saved(&self) -> Option<LogId> {
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last entry applied.
    pub fn applied(&self) -> Option<LogId> {
        self.row().applied
    }

    fn commit(
        &self,
        steps: Vec<Step>,
        row: RaftRow,
        bytes: usize,
    ) -> io::Result<Vec<crate::state::Applied>> {
        let encoded = types::encode(&row)?;
        let (applied, system) = self.stores.current().apply(steps, &encoded)?;
        let index = row.applied.map(|id| id.index);
        *self.row.lock().unwrap_or_else(PoisonError::into_inner) = row;
        self.heard.send_modify(|heard| {
            let unsaved_bytes = heard.unsaved_bytes + bytes as u64;
            *heard = Heard { applied: index, unsaved_bytes, ..heard_in(&system) };
        });
        Ok(applied)
    }

    fn checkpoint(&self) -> io::Result<RaftRow> {
        let before = self.heard.borrow().unsaved_bytes;
        let row = RaftRow::load(blocking(|| self.stores.current().checkpoint())?)?;
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = row.applied;
        self.heard.send_modify(|heard| {
            heard.unsaved_bytes = heard.unsaved_bytes.saturating_sub(before);
        });
        Ok(row)
    }

    /// The rows now, and the position that they are of.
    fn hold(&self) -> io::Result<SnapshotOf> {
        let view = self.stores.current().view()?;
        let bytes = view.decoded(&tables::raft(), |value| Ok(value.to_vec()))?;
        let row = RaftRow::load(bytes)?;
        Ok(Snapshot { meta: row.meta(), snapshot: SnapshotData::Held(view) })
    }
}

fn heard_in(system: &System) -> Heard {
    Heard {
        applied: None,
        tick: system.tick,
        log_last: system.log.last,
        unsaved_bytes: 0,
        expiring: system.intents + system.spent + system.garbage > 0 || system.log.sweep,
    }
}

fn heard_of(store: &Store, row: &RaftRow, unsaved_bytes: u64) -> Result<Heard, StateError> {
    let system = query::system(&store.view()?)?;
    let applied = row.applied.map(|id| id.index);
    Ok(Heard { applied, unsaved_bytes, ..heard_in(&system) })
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let row = self.shared.row();
        Ok((row.applied, row.membership))
    }

    async fn apply<Strm>(&mut self, mut entries: Strm) -> io::Result<()>
    where
        Strm: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        loop {
            let (mut steps, mut answers, mut bytes) = (Vec::new(), Vec::new(), 0);
            let mut row = self.shared.row();
            while bytes < BATCH_BYTES_MAX
                && let Some(next) = entries.next().await
            {
                let (entry, answer) = next?;
                let index = entry.log_id.index;
                steps.push(match entry.payload {
                    EntryPayload::Blank => Step::Raft,
                    EntryPayload::Normal(proposal) => {
                        bytes += proposal.0.len();
                        Step::Entry { index, bytes: proposal.0 }
                    }
                    EntryPayload::Membership(membership) => {
                        row.membership = StoredMembership::new(Some(entry.log_id), membership);
                        Step::Raft
                    }
                });
                row.applied = Some(entry.log_id);
                answers.push(answer);
            }
            if steps.is_empty() {
                return Ok(());
            }
            let commit = || self.shared.commit(steps, row, bytes);
            let applied = if bytes > INLINE_BYTES_MAX { blocking(commit)? } else { commit()? };
            for (answer, applied) in answers.into_iter().zip(applied) {
                if let Some(answer) = answer {
                    answer.send(applied); // Y1
                }
            }
        }
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        data: SnapshotData,
    ) -> io::Result<()> {
        let stores = &self.shared.stores;
        let staged = match data {
            SnapshotData::Staged(staged) => staged,
            SnapshotData::Held(view) => stores.stage(&view).await?,
        };
        let store = stores.switch(staged).await?;
        let row = RaftRow::load(store.raft()?)?;
        if row.meta() != *meta {
            return Err(StateError::Snapshot("its rows are of another position".into()).into());
        }
        *self.shared.saved.lock().unwrap_or_else(PoisonError::into_inner) = row.applied;
        let heard = heard_of(&store, &row, 0)?;
        *self.shared.row.lock().unwrap_or_else(PoisonError::into_inner) = row;
        self.shared.heard.send_replace(heard);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<SnapshotOf>> {
        match self.shared.saved() {
            Some(_) => self.shared.hold().map(Some),
            None => Ok(None),
        }
    }
}

impl RaftSnapshotBuilder<Types> for Machine {
    type SnapshotData = SnapshotData;

    /// Makes the store durable; the snapshot names what is (Y2).
    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf> {
        let meta = self.shared.checkpoint()?.meta();
        let view = self.shared.stores.current().view()?;
        Ok(Snapshot { meta, snapshot: SnapshotData::Held(view) })
    }
}
