//! Rows by key.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use futures_util::future::try_join_all;
use holdfast_api::bucket::Bucket;
use holdfast_base::TableId;
use roaring::RoaringBitmap;

use crate::block::{ObjectRow, Part};
use crate::cache::{Cache, Cached, Name};
use crate::deletes::Parsed;
use crate::footer::Footer;
use crate::manifest::{Object, ObjectId};
use crate::source::Reads;
use crate::{ObjectsError, TableObjects};

/// Objects that are looked into at the same time.
const SIDE_BY_SIDE: usize = 8;
/// Blocks of an object that are held at the same time where many keys are looked for.
const WINDOW: usize = 64;

/// Reads objects; one per node, cheap to clone.
#[derive(Clone)]
pub struct Reader {
    inner: Arc<Inner>,
}

struct Inner {
    reads: Reads,
    cache: Cache,
}

/// A reader's figures, since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReaderStatus {
    /// Memory of what is cached, estimated from sizes. [bytes]
    pub cache_bytes: usize,
    /// Looked for in the cache and found.
    pub hits: u64,
    /// Looked for and not found.
    pub misses: u64,
    /// Reads of the bucket.
    pub reads: u64,
    /// What they gave. [bytes]
    pub read_bytes: u64,
}

/// Keys of one object that are alive in it: their place among the keys that were asked
/// for, and their row.
struct Located {
    footer: Arc<Footer>,
    rows: Vec<(usize, u32)>,
}

impl Reader {
    /// A reader that keeps up to `cache_bytes` in memory.
    pub fn new(bucket: Arc<dyn Bucket>, cache_bytes: usize) -> Self {
        let inner = Inner { reads: Reads::new(bucket), cache: Cache::new(cache_bytes) };
        Self { inner: Arc::new(inner) }
    }

    /// Its figures.
    pub fn status(&self) -> ReaderStatus {
        let (cache_bytes, hits, misses) = self.cache().figures();
        let (reads, read_bytes) = self.reads().figures();
        ReaderStatus { cache_bytes, hits, misses, reads, read_bytes }
    }

    /// These objects are not read any more: their part of the cache goes.
    pub fn forget(&self, objects: impl Iterator<Item = ObjectId>) {
        self.cache().forget(objects);
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    pub(crate) fn reads(&self) -> &Reads {
        &self.inner.reads
    }

    pub(crate) async fn footer(
        &self,
        table: TableId,
        object: &Arc<Object>,
    ) -> Result<Arc<Footer>, ObjectsError> {
        if let Some(footer) = self.cache().footer(object.id) {
            return Ok(footer);
        }
        let footer = Arc::new(Footer::load(self.reads(), table, object).await?);
        let cached = Cached::Footer(footer.clone());
        self.cache().put(Name::Footer(object.id), cached, footer.bytes);
        Ok(footer)
    }

    /// The row under a key.
    ///
    /// # Errors
    /// The bucket's; bytes that do not parse.
    pub async fn get(
        &self,
        table: &TableObjects,
        key: &[u8],
    ) -> Result<Option<ObjectRow>, ObjectsError> {
        for object in table.around(key) {
            if let Some(row) = self.get_in(table.shape.table, object, key).await? {
                return Ok(Some(row)); // M1: no other object has it alive.
            }
        }
        Ok(None)
    }

    async fn get_in(
        &self,
        table: TableId,
        object: &Arc<Object>,
        key: &[u8],
    ) -> Result<Option<ObjectRow>, ObjectsError> {
        let footer = self.footer(table, object).await?;
        let Some(block) = footer.block_of(key) else { return Ok(None) };
        let (keys, along) = match self.cache().keys(object.id, block) {
            Some(keys) => (keys, None),
            None if !footer.may_have(block, key) => return Ok(None),
            None => {
                let mut blocks = self.blocks(&footer, &[block], Part::Both).await?;
                let Some(block) = blocks.pop() else { return Ok(None) };
                (block.keys, block.slots)
            }
        };
        let Some(at) = keys.find(key) else { return Ok(None) };
        let row = footer.block_rows(block).start + at as u32;
        if self.dead(table, object).await?.is_some_and(|dead| dead.rows.contains(row)) {
            return Ok(None);
        }
        let slots = match along {
            Some(slots) => Some(slots),
            None => self.slots(&footer, &[block]).await?.pop(),
        };
        Ok(slots.map(|slots| ObjectRow::new(slots, at)))
    }

    /// The rows under keys that ascend, each key once; in their order.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub async fn get_many<K: AsRef<[u8]> + Sync>(
        &self,
        table: &TableObjects,
        keys: &[K],
    ) -> Result<Vec<Option<ObjectRow>>, ObjectsError> {
        let mut found: Vec<Option<ObjectRow>> = vec![None; keys.len()];
        for located in self.locate_all(table, keys, Part::Both).await? {
            let rows = located.footer.blocks.rows;
            let blocks: BTreeSet<u32> = located.rows.iter().map(|(_, row)| row / rows).collect();
            let blocks: Vec<u32> = blocks.into_iter().collect();
            let slots = self.slots(&located.footer, &blocks).await?;
            for (at, row) in located.rows {
                if let Ok(place) = blocks.binary_search(&(row / rows)) {
                    let row = ObjectRow::new(slots[place].clone(), (row % rows) as usize);
                    found[at] = Some(row);
                }
            }
        }
        Ok(found)
    }

    /// Where those of the keys are that are alive in the objects. The keys ascend, each
    /// once.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub async fn locate<K: AsRef<[u8]> + Sync>(
        &self,
        table: &TableObjects,
        keys: &[K],
    ) -> Result<BTreeMap<ObjectId, RoaringBitmap>, ObjectsError> {
        let mut places = BTreeMap::new();
        for located in self.locate_all(table, keys, Part::Keys).await? {
            let rows: RoaringBitmap = located.rows.iter().map(|(_, row)| *row).collect();
            if !rows.is_empty() {
                places.insert(located.footer.object.id, rows);
            }
        }
        Ok(places)
    }

    async fn locate_all<K: AsRef<[u8]> + Sync>(
        &self,
        table: &TableObjects,
        keys: &[K],
        along: Part,
    ) -> Result<Vec<Located>, ObjectsError> {
        let mut wanted: Vec<(&Arc<Object>, Range<usize>)> = Vec::new();
        for object in &table.manifest.objects {
            let from = keys.partition_point(|key| *key.as_ref() < *object.first);
            let to = keys.partition_point(|key| *key.as_ref() <= *object.last);
            if from < to {
                wanted.push((object, from..to));
            }
        }
        let mut all = Vec::with_capacity(wanted.len());
        for wanted in wanted.chunks(SIDE_BY_SIDE) {
            let one = |(object, range): &(&Arc<Object>, Range<usize>)| {
                let keys = Asked { keys: &keys[range.clone()], offset: range.start, along };
                let object = Arc::clone(object);
                async move { self.locate_in(table.shape.table, &object, keys).await }
            };
            all.extend(try_join_all(wanted.iter().map(one)).await?);
        }
        Ok(all)
    }

    async fn locate_in<K: AsRef<[u8]> + Sync>(
        &self,
        table: TableId,
        object: &Arc<Object>,
        asked: Asked<'_, K>,
    ) -> Result<Located, ObjectsError> {
        let footer = self.footer(table, object).await?;
        let dead = self.dead(table, object).await?;
        let is_dead = |dead: &Option<Arc<Parsed>>, row| {
            dead.as_ref().is_some_and(|dead| dead.rows.contains(row))
        };
        let mut rows = Vec::new();
        let wanted = self.wanted(&footer, asked.keys);
        for wanted in wanted.chunks(WINDOW) {
            let blocks: Vec<u32> = wanted.iter().map(|(block, _)| *block).collect();
            let loaded = self.blocks(&footer, &blocks, asked.along).await?;
            for ((block, range), loaded) in wanted.iter().zip(loaded) {
                let first = footer.block_rows(*block).start;
                for at in range.clone() {
                    let Some(place) = loaded.keys.find(asked.keys[at].as_ref()) else { continue };
                    let row = first + place as u32;
                    if !is_dead(&dead, row) {
                        rows.push((asked.offset + at, row));
                    }
                }
            }
        }
        Ok(Located { footer, rows })
    }

    /// The blocks that may have some of the keys, and which.
    fn wanted<K: AsRef<[u8]>>(&self, footer: &Footer, keys: &[K]) -> Vec<(u32, Range<usize>)> {
        let mut wanted = Vec::new();
        let mut from = 0;
        while from < keys.len() {
            let Some(block) = footer.block_of(keys[from].as_ref()) else {
                from += 1;
                continue;
            };
            let rest = &keys[from..];
            let next = footer.blocks.firsts.get(block as usize + 1);
            let count = match next {
                Some(next) => rest.partition_point(|key| *key.as_ref() < **next),
                None => rest.len(),
            };
            let may_have = |key: &K| footer.may_have(block, key.as_ref());
            if self.cache().keys(footer.object.id, block).is_some()
                || rest[..count].iter().any(may_have)
            {
                wanted.push((block, from..from + count));
            }
            from += count.max(1);
        }
        wanted
    }
}

/// Keys to look for in one object; `offset` is the place of the first among all.
struct Asked<'a, K> {
    keys: &'a [K],
    offset: usize,
    along: Part,
}
