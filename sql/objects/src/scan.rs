//! What a scan reads: rows of objects, by row group, in parts of about equal work.
//!
//! ```text
//! objects -> key ranges -> bounds (row groups, pages) -> units: runs of rows of one row
//! group -> parts
//! ```
//!
//! Key ranges are exact: the blocks at their ends are read, and kept. Bounds only prune.
//!
//! Not here: reading the rows (`part`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use futures_util::future::try_join_all;
use holdfast_tail::{KeyRange, Scan, TableShape, columns};
use roaring::RoaringBitmap;

use crate::block::{Block, Part};
use crate::bounds::{SlotBound, prune, push, within};
use crate::deletes::Parsed;
use crate::footer::Footer;
use crate::manifest::{Object, ObjectId};
use crate::part::{Plan, ScanPart};
use crate::read::Reader;
use crate::table::touches;
use crate::{ObjectsError, TableObjects};

/// Objects that are looked into at the same time.
const SIDE_BY_SIDE: usize = 16;
/// Rows of a batch where the caller does not say.
const BATCH_ROWS: usize = 8192;

/// What a scan reads.
#[derive(Clone, Debug, Default)]
pub struct ObjectScan {
    /// Which slots, in the order of the batches' columns.
    pub slots: Vec<usize>,
    /// Keys of these ranges only, exactly; none: all keys. They may overlap.
    pub ranges: Vec<KeyRange>,
    /// Adds a column `Scan::KEY` (`Binary`) after the slots.
    pub with_key: bool,
    /// Rows outside any of these may be left out.
    pub bounds: Vec<SlotBound>,
    /// Further dead rows, by object.
    pub hidden: BTreeMap<ObjectId, Arc<RoaringBitmap>>,
    /// About how many rows a batch has; 0: 8192.
    pub batch_rows: usize,
}

/// Rows of one row group.
#[derive(Clone)]
pub(crate) struct Unit {
    pub footer: Arc<Footer>,
    pub dead: Option<Arc<Parsed>>,
    pub hidden: Option<Arc<RoaringBitmap>>,
    pub group: usize,
    /// Rows of the object, ascending, apart from each other, not none.
    pub ranges: Vec<Range<u32>>,
}

impl Unit {
    pub fn rows(&self) -> usize {
        self.ranges.iter().map(|range| range.len()).sum()
    }

    /// Cuts at a block after about `rows` rows; what comes after is given.
    fn split(&mut self, rows: usize) -> Option<Unit> {
        let mut left = rows;
        let range = self.ranges.iter().find(|range| {
            let is_here = range.len() > left;
            left -= left.min(range.len());
            is_here
        })?;
        let at = (range.start as usize + rows_up_to(&self.ranges, range, rows))
            .next_multiple_of(self.footer.blocks.rows as usize);
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let after = within(&self.ranges, at..u32::MAX);
        let before = within(&self.ranges, 0..at);
        if after.is_empty() || before.is_empty() {
            return None;
        }
        self.ranges = before;
        Some(Unit { ranges: after, ..self.clone() })
    }
}

/// How many of the first `rows` rows lie in `last`, one of `ranges`.
fn rows_up_to(ranges: &[Range<u32>], last: &Range<u32>, rows: usize) -> usize {
    let before = ranges.iter().take_while(|range| range.start < last.start);
    rows - before.map(|range| range.len()).sum::<usize>().min(rows)
}

impl Reader {
    /// The table's rows in no order, in about `parts` parts of equal work. A part may be
    /// empty of rows, and there may be fewer, or none.
    ///
    /// # Errors
    /// A slot that the table has not; the bucket's; bytes that do not parse.
    pub async fn scan(
        &self,
        table: &TableObjects,
        scan: &ObjectScan,
        parts: usize,
    ) -> Result<Vec<ScanPart>, ObjectsError> {
        table.check_slots(&scan.slots)?;
        let is_wanted = |object: &&Arc<Object>| {
            scan.ranges.is_empty() || scan.ranges.iter().any(|range| touches(object, range))
        };
        let objects: Vec<&Arc<Object>> = table.manifest.objects.iter().filter(is_wanted).collect();
        let mut units = Vec::new();
        for objects in objects.chunks(SIDE_BY_SIDE) {
            let one = |object: &&Arc<Object>| {
                let object = Arc::clone(object);
                async move { self.units(table, scan, &object).await }
            };
            units.extend(try_join_all(objects.iter().map(one)).await?.into_iter().flatten());
        }
        let rows: usize = units.iter().map(Unit::rows).sum();
        let plan = Arc::new(plan(&table.shape, scan));
        let cut = cut(units, rows.div_ceil(parts.max(1)));
        Ok(cut.into_iter().map(|units| ScanPart::new(self, plan.clone(), units)).collect())
    }

    /// All rows of an object in key order, as its newest shape has them, a few blocks at
    /// a time: for merging, where many objects are open at once.
    pub(crate) async fn whole(
        &self,
        table: &TableObjects,
        object: &Arc<Object>,
        unit_blocks: usize,
    ) -> Result<ScanPart, ObjectsError> {
        let slots = (0..table.shape.slots.len()).collect();
        let scan = ObjectScan { slots, with_key: true, ..ObjectScan::default() };
        let mut units = Vec::new();
        for unit in self.units(table, &scan, object).await? {
            let rows = unit_blocks * unit.footer.blocks.rows as usize;
            let mut rest = Some(unit);
            while let Some(mut unit) = rest {
                rest = unit.split(rows);
                units.push(unit);
            }
        }
        Ok(ScanPart::new(self, Arc::new(plan(&table.shape, &scan)), units))
    }

    async fn units(
        &self,
        table: &TableObjects,
        scan: &ObjectScan,
        object: &Arc<Object>,
    ) -> Result<Vec<Unit>, ObjectsError> {
        let footer = self.footer(table.shape.table, object).await?;
        check_types(&footer, &table.shape, &scan.slots)?;
        let dead = self.dead(table.shape.table, object).await?;
        let hidden = scan.hidden.get(&object.id).filter(|hidden| !hidden.is_empty()).cloned();
        let ranges = self.rows_of(&footer, &scan.ranges).await?;
        let ranges = prune(&footer, &table.shape, &scan.bounds, ranges)?;
        let mut units = Vec::new();
        for (group, bounds) in footer.groups.windows(2).enumerate() {
            let ranges = within(&ranges, bounds[0]..bounds[1]);
            if !ranges.is_empty() {
                let (footer, dead, hidden) = (footer.clone(), dead.clone(), hidden.clone());
                units.push(Unit { footer, dead, hidden, group, ranges });
            }
        }
        Ok(units)
    }

    /// The rows of an object whose keys lie in any of the ranges.
    async fn rows_of(
        &self,
        footer: &Footer,
        ranges: &[KeyRange],
    ) -> Result<Vec<Range<u32>>, ObjectsError> {
        if ranges.is_empty() {
            return Ok(std::iter::once(0..footer.rows()).collect());
        }
        let touched = || ranges.iter().filter(|range| touches(&footer.object, range));
        let ends = touched().flat_map(|range| [Some(&range.from), range.to.as_ref()]);
        let blocks = ends.flatten().filter_map(|key| end_block(footer, key));
        let blocks: BTreeSet<u32> = blocks.collect();
        let blocks: Vec<u32> = blocks.into_iter().collect();
        let loaded = self.blocks(footer, &blocks, Part::Keys).await?;
        let row_of = |key: &[u8]| lower(footer, &blocks, &loaded, key);
        let rows = touched().map(|range| {
            row_of(&range.from)..range.to.as_ref().map_or(footer.rows(), |to| row_of(to))
        });
        let mut rows: Vec<Range<u32>> = rows.collect();
        rows.sort_by_key(|range| range.start);
        let mut merged = Vec::with_capacity(rows.len());
        for range in rows {
            push(&mut merged, range);
        }
        Ok(merged)
    }
}

/// The block that must be read to know where `key` would be; none: it is known.
fn end_block(footer: &Footer, key: &[u8]) -> Option<u32> {
    let block = footer.block_of(key)?;
    let is_known = *key == *footer.blocks.firsts[block as usize] || *key > *footer.object.last;
    (!is_known).then_some(block)
}

/// The first row whose key is not below `key`.
fn lower(footer: &Footer, blocks: &[u32], loaded: &[Block], key: &[u8]) -> u32 {
    if *key > *footer.object.last {
        return footer.rows();
    }
    let Some(block) = footer.block_of(key) else { return 0 };
    let first = footer.block_rows(block).start;
    match blocks.binary_search(&block) {
        Ok(at) => first + loaded[at].keys.lower(key) as u32,
        Err(_) => first, // The key is the block's first one.
    }
}

/// Whether the object's columns are of the types that the table has now.
fn check_types(footer: &Footer, shape: &TableShape, slots: &[usize]) -> Result<(), ObjectsError> {
    let fields = footer.arrow.schema().fields();
    for &slot in slots.iter().filter(|slot| **slot < footer.slots) {
        let want = columns::data_type(&shape.slots[slot]);
        if *fields[slot].data_type() != want {
            let what = format!("slot {slot} is {}, not {want}", fields[slot].data_type());
            return Err(ObjectsError::Format { object: footer.object.id, what });
        }
    }
    if *fields[footer.slots].data_type() != DataType::Binary {
        let what = "its keys are not a column of bytes".into();
        return Err(ObjectsError::Format { object: footer.object.id, what });
    }
    Ok(())
}

fn plan(shape: &Arc<TableShape>, scan: &ObjectScan) -> Plan {
    let field = |slot: &usize| columns::field(&format!("s{slot}"), &shape.slots[*slot], true);
    let mut fields: Vec<Field> = scan.slots.iter().map(field).collect();
    if scan.with_key {
        fields.push(Field::new(Scan::KEY, DataType::Binary, false));
    }
    Plan {
        shape: shape.clone(),
        slots: scan.slots.clone(),
        with_key: scan.with_key,
        batch_rows: if scan.batch_rows == 0 { BATCH_ROWS } else { scan.batch_rows },
        schema: Arc::new(Schema::new(fields)),
    }
}

/// Units into runs of about `target` rows. A row group is cut only where it would make a
/// part a quarter too long: each piece reads the dictionaries again.
fn cut(units: Vec<Unit>, target: usize) -> Vec<Vec<Unit>> {
    let mut parts = Vec::new();
    let (mut part, mut rows) = (Vec::new(), 0);
    for unit in units {
        let mut rest = Some(unit);
        while let Some(mut unit) = rest.take() {
            if rows + unit.rows() > target + target / 4 {
                rest = unit.split(target.saturating_sub(rows).max(1));
            }
            rows += unit.rows();
            part.push(unit);
            if rows >= target {
                parts.push(std::mem::take(&mut part));
                rows = 0;
            }
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}
