//! The one task that changes the cache's disk: it finds what an earlier start left, and
//! then writes what readers fetched.
//!
//! - W1: a slot is named in the index after its write has completed, and only if its object
//!   was not forgotten meanwhile.
//! - W2: nothing is written before all slots were found: no slot is both.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use holdfast_api::bucket::Bucket;
use holdfast_io::disk::{Buf, DiskError, Durability};
use tokio::sync::mpsc;

use crate::files::slots;
use crate::key::ObjectKey;
use crate::shared::{Job, Run, Shared};
use crate::slot::{self, HEADER};
use crate::status::add;

/// Headers that are read at the same time.
const SIDE_BY_SIDE: usize = 32;
/// Names that are listed at once.
const LISTED: usize = 1000;

/// See the module's header.
pub(crate) struct Keeper {
    pub shared: Arc<Shared>,
    pub bucket: Arc<dyn Bucket>,
    pub prefixes: &'static [&'static str],
}

impl Keeper {
    /// Until it is aborted, or the cache is off.
    pub async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        if let Err(error) = self.restore().await {
            add(&self.shared.counts.errors, 1);
            return self.shared.turn_off(error.to_string());
        }
        let mut is_full = false;
        while let Some(job) = jobs.recv().await {
            if let Err(error) = self.write(job, &mut is_full).await {
                add(&self.shared.counts.errors, 1);
                return self.shared.turn_off(error.to_string());
            }
        }
    }

    async fn restore(&self) -> Result<(), DiskError> {
        let numbers = self.shared.files.open_all().await?;
        let there = match numbers.is_empty() {
            true => None,
            false => self.there().await,
        };
        for number in numbers {
            self.shared.state.lock().index.add(slots(number));
            let all: Vec<u32> = slots(number).collect();
            for some in all.chunks(SIDE_BY_SIDE) {
                join_all(some.iter().map(|slot| self.look(*slot, there.as_ref()))).await;
            }
        }
        self.shared.state.lock().forgotten = None;
        Ok(())
    }

    /// The objects that there are; `None`: the bucket does not say, and all may be.
    async fn there(&self) -> Option<BTreeSet<ObjectKey>> {
        let mut there = BTreeSet::new();
        for prefix in self.prefixes {
            let mut after = String::new();
            loop {
                let page = self.bucket.list(prefix, &after, LISTED).await.ok()?;
                there.extend(page.iter().map(|listed| ObjectKey::of(&listed.name)));
                match page.last() {
                    Some(last) if page.len() >= LISTED => after.clone_from(&last.name),
                    _ => break,
                }
            }
        }
        Some(there)
    }

    /// Finds out what a slot holds.
    async fn look(&self, slot: u32, there: Option<&BTreeSet<ObjectKey>>) {
        let Some((file, at)) = self.shared.files.slot(slot) else { return };
        let header = match file.read(at, Buf::dirty(HEADER)).await {
            Ok(buf) => {
                let header = slot::parse(&buf);
                if header.is_none() && buf.iter().any(|byte| *byte != 0) {
                    add(&self.shared.counts.corrupt, 1);
                }
                header
            }
            Err(error) => {
                self.shared.read_erred(&error);
                None
            }
        };
        let mut state = self.shared.state.lock();
        if state.off.is_some() {
            return;
        }
        let found =
            header.map(|header| (ObjectKey::of(&header.name).block(header.block), header.span));
        let is_there = |object: &ObjectKey| {
            there.is_none_or(|there| there.contains(object))
                && state.forgotten.as_ref().is_none_or(|gone| !gone.contains(object))
        };
        match found.filter(|(key, _)| is_there(&key.object)) {
            Some((key, span)) => {
                add(&self.shared.counts.restored, 1);
                state.index.restore(slot, key, span);
            }
            None => state.index.open(slot),
        }
    }

    async fn write(&self, job: Job, is_full: &mut bool) -> Result<(), DiskError> {
        let Some(run) = self.waiting(&job) else { return Ok(()) };
        let slot = match self.slot(is_full).await? {
            Some(slot) => slot,
            None => {
                add(&self.shared.counts.dropped, 1);
                self.done(&job);
                return Ok(());
            }
        };
        let Some((file, at)) = self.shared.files.slot(slot) else { return Ok(()) };
        let (span, block) = (run.span(), job.key.block);
        let buf = slot::encode((&job.name, block), span, &run.bytes);
        file.write(at, buf, Durability::Later).await?;
        add(&self.shared.counts.written, 1);
        let mut state = self.shared.state.lock();
        match state.waiting.get(&job.key).is_some_and(|waiting| waiting.number == job.number) {
            true => state.index.fill(slot, job.key, span),
            false => state.index.give_back(slot), // W1; where it is off, nothing waits.
        }
        drop(state);
        self.done(&job);
        Ok(())
    }

    /// A slot to be filled; makes a file where none is free, then evicts.
    async fn slot(&self, is_full: &mut bool) -> Result<Option<u32>, DiskError> {
        if let Some(slot) = self.shared.state.lock().index.take() {
            return Ok(Some(slot));
        }
        if !*is_full {
            match self.shared.files.grow().await? {
                Some(number) => {
                    let mut state = self.shared.state.lock();
                    state.index.add(slots(number));
                    slots(number).for_each(|slot| state.index.open(slot));
                    return Ok(state.index.take());
                }
                None => self.grown(is_full),
            }
        }
        Ok(self.shared.state.lock().index.evict())
    }

    fn grown(&self, is_full: &mut bool) {
        *is_full = true;
        let (limit, bytes) = self.shared.files.bytes();
        if bytes < limit {
            let path = self.shared.files.drive().name();
            add(&self.shared.counts.errors, 1);
            tracing::warn!(%path, bytes, limit, "no room: the cache of objects grows no further");
        }
    }

    /// What a job is to write; nothing: it was forgotten, or a later job has it.
    fn waiting(&self, job: &Job) -> Option<Run> {
        let state = self.shared.state.lock();
        let waiting = state.waiting.get(&job.key);
        waiting.filter(|waiting| waiting.number == job.number).map(|waiting| waiting.run.clone())
    }

    fn done(&self, job: &Job) {
        let mut state = self.shared.state.lock();
        if state.waiting.get(&job.key).is_some_and(|waiting| waiting.number == job.number) {
            state.waiting.remove(&job.key);
        }
    }
}
