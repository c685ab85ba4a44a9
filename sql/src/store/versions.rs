//! The manifests of all tables, as far back as somebody may read them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use holdfast_base::{TableId, Ts};
use holdfast_objects::TableObjects;
use holdfast_objects::manifest::{BadManifest, Edit, Manifest};
use holdfast_tail::TableShape;
use parking_lot::RwLock;

/// See the module's header.
#[derive(Default)]
pub struct Versions {
    /// Ascending by `at`, never empty.
    tables: RwLock<BTreeMap<TableId, Vec<Version>>>,
}

struct Version {
    manifest: Arc<Manifest>,
    /// Made by the first who reads it.
    objects: Option<Arc<TableObjects>>,
}

impl Version {
    fn of(manifest: Manifest) -> Self {
        Self { manifest: Arc::new(manifest), objects: None }
    }
}

impl Versions {
    /// The newest manifest of a table; an empty one where there is none.
    pub fn newest(&self, table: TableId) -> Arc<Manifest> {
        let tables = self.tables.read();
        let last = tables.get(&table).and_then(|versions| versions.last());
        last.map_or_else(Arc::default, |version| Arc::clone(&version.manifest))
    }

    /// The newest manifest of every table.
    pub fn all(&self) -> Vec<(TableId, Arc<Manifest>)> {
        let tables = self.tables.read();
        let newest = |(table, versions): (&TableId, &Vec<Version>)| {
            Some((*table, Arc::clone(&versions.last()?.manifest)))
        };
        tables.iter().filter_map(newest).collect()
    }

    /// What a reader at `ts` sees of a table; `shape` tells what rows look like.
    pub fn objects(
        &self,
        table: TableId,
        ts: Ts,
        shape: impl Fn() -> Option<Arc<TableShape>>,
    ) -> Option<Arc<TableObjects>> {
        let manifest = {
            let tables = self.tables.read();
            let version = tables.get(&table)?.iter().rev().find(|v| v.manifest.at <= ts)?;
            if version.manifest.objects.is_empty() {
                return None;
            }
            let shape = shape()?;
            match &version.objects {
                Some(objects) if Arc::ptr_eq(&objects.shape, &shape) => {
                    return Some(Arc::clone(objects));
                }
                _ => Arc::clone(&version.manifest),
            }
        };
        let at = manifest.at;
        let objects = Arc::new(TableObjects::new(manifest, shape()?));
        let mut tables = self.tables.write();
        let mut versions = tables.get_mut(&table).into_iter().flatten();
        if let Some(version) = versions.find(|version| version.manifest.at == at) {
            version.objects = Some(Arc::clone(&objects));
        }
        Some(objects)
    }

    /// Takes an edit of the log; one that was taken already changes nothing. What
    /// `flushed` became, where it moved.
    ///
    /// # Errors
    /// [`BadManifest`]: an edit is missing.
    pub fn edit(&self, table: TableId, at: Ts, edit: &Edit) -> Result<Option<Ts>, BadManifest> {
        let mut tables = self.tables.write();
        let versions =
            tables.entry(table).or_insert_with(|| vec![Version::of(Manifest::default())]);
        let Some(last) = versions.last() else { return Ok(None) };
        if last.manifest.at >= at {
            return Ok(None);
        }
        let next = last.manifest.edited(at, edit)?;
        let moved = (next.flushed > last.manifest.flushed).then_some(next.flushed);
        versions.push(Version::of(next));
        Ok(moved)
    }

    /// A table's manifest as a checkpoint has it.
    pub fn load(&self, table: TableId, manifest: Manifest) {
        self.tables.write().insert(table, vec![Version::of(manifest)]);
    }

    /// Drops manifests that nobody at or above the horizon reads; the names that only
    /// they had, and since when nobody needs them.
    pub fn retire(&self, horizon: Ts) -> Vec<(Ts, String)> {
        let mut gone = Vec::new();
        let mut tables = self.tables.write();
        for (table, versions) in tables.iter_mut() {
            let seen = versions.iter().rposition(|version| version.manifest.at <= horizon);
            for _ in 0..seen.unwrap_or(0) {
                let old = versions.remove(0).manifest.names(*table);
                let Some(next) = versions.first() else { break };
                let kept: BTreeSet<String> = next.manifest.names(*table);
                let since = next.manifest.at;
                gone.extend(old.difference(&kept).map(|name| (since, name.clone())));
            }
        }
        gone
    }

    /// Forgets a table that was dropped: all its names.
    pub fn forget(&self, table: TableId) -> BTreeSet<String> {
        let versions = self.tables.write().remove(&table);
        let names = |version: Version| version.manifest.names(table);
        versions.into_iter().flatten().flat_map(names).collect()
    }
}
