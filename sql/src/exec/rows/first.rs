//! ORDER BY .. LIMIT along a key: the first rows, and nothing of those after them.

use holdfast_tail::Direction;
use holdfast_tail::table::KeyRange;

use super::{Found, Picked, ROWS_MAX, Reader, Touched};
use crate::algebra::{Order, Rel, Scan};
use crate::error::Result;
use crate::exec::path::{self, Path, Which};
use crate::exec::view::whole;
use crate::expr::eval::{Layout, eval, is_true};
use crate::expr::{ColumnId, Expr, Typed, walk};

impl Reader<'_, '_> {
    /// The first rows in the order of a key, without reading those after them; none: no key
    /// has this order, or too many rows lie between them (E2).
    pub(super) async fn first_rows(
        &mut self,
        ordered: &Ordered<'_>,
        count: usize,
    ) -> Result<Option<Found>> {
        let Ordered { scan, test, items, .. } = *ordered;
        let conjuncts = test.cloned().map(walk::conjuncts).unwrap_or_default();
        let empty = Layout::default();
        let path = self.with(&empty, &[], |env| path::choose(scan, &conjuncts, env))?;
        let Some((which, range, direction)) = ordered.along(path) else { return Ok(None) };
        let table = &*scan.table;
        let id = match which {
            Which::Primary => table.id,
            Which::Index(at) => table.indexes[at].id,
        };
        let picked = Picked::new(scan, &self.named);
        let layout = Layout::new(&picked.ids);
        let mut found = Found { ids: items.iter().map(|(id, _)| *id).collect(), rows: Vec::new() };
        let mut one = Found { ids: Vec::new(), rows: Vec::new() };
        let mut touched = range.clone();
        let before = self.looked_at;
        let mut rows = self.view.range(id, range.clone(), direction)?;
        while found.rows.len() < count
            && let Some((key, row)) = rows.next().await?
        {
            match direction {
                Direction::Forward => touched.to = Some([&key[..], &[0]].concat()),
                Direction::Reverse => touched.from = key.to_vec(),
            }
            self.take((scan, &picked, which), (key, row), &mut one).await?;
            if self.looked_at - before > ROWS_MAX {
                self.looked_at = before;
                return Ok(None);
            }
            let Some(row) = one.rows.pop() else { continue };
            let fits = match test {
                Some(test) => self.with(&layout, &row, |env| is_true(test, env))?,
                None => true,
            };
            if fits {
                let values = self.with(&layout, &row, |env| {
                    items.iter().map(|(_, item)| eval(item, env)).collect::<Result<Vec<_>>>()
                })?;
                found.rows.push(values);
            }
        }
        if found.rows.len() < count {
            // To the end: rows that are not there yet count, too.
            touched = range;
        }
        self.read.push(Touched { table: id, range: touched, is_point: false });
        Ok(Some(found))
    }
}

/// A query of one table whose order a key may have.
#[derive(Clone, Copy)]
pub(super) struct Ordered<'r> {
    scan: &'r Scan,
    test: Option<&'r Typed>,
    items: &'r [(ColumnId, Typed)],
    keys: &'r [Order],
}

impl<'r> Ordered<'r> {
    pub(super) fn of(rel: &'r Rel) -> Option<Self> {
        let Rel::Sort(input, keys) = rel else { return None };
        let Rel::Project(input, items) = &**input else { return None };
        match &**input {
            Rel::Scan(scan) => Some(Self { scan, test: None, items, keys }),
            Rel::Filter(input, test) => match &**input {
                Rel::Scan(scan) => Some(Self { scan, test: Some(test), items, keys }),
                _ => None,
            },
            _ => None,
        }
    }

    /// The position of the table's column that a sort key is.
    fn column(&self, key: &Order) -> Option<usize> {
        let Expr::Column(id) = key.by.expr else { return None };
        let (_, item) = self.items.iter().find(|(known, _)| *known == id)?;
        let Expr::Column(id) = item.expr else { return None };
        let at = id.checked_sub(self.scan.first)? as usize;
        (at < self.scan.table.columns.len()).then_some(at)
    }

    /// The range and the direction that give the rows in order; `path` is what the
    /// condition leads to.
    fn along(&self, path: Option<Path>) -> Option<(Which, KeyRange, Direction)> {
        let table = &*self.scan.table;
        let (which, range, fixed) = match path {
            Some(mut path) if path.ranges.len() == 1 => {
                (path.which, path.ranges.pop()?, path.fixed)
            }
            Some(_) => return None,
            None => (Which::Primary, whole(), 0),
        };
        let key = match which {
            Which::Primary => &table.primary,
            Which::Index(at) => &table.indexes[at].key,
        };
        let same: Vec<usize> = key.columns().take(fixed).collect();
        let mut parts = key.columns().zip(&key.parts).skip(fixed);
        let mut reverse = None;
        for order in self.keys {
            let column = self.column(order)?;
            if same.contains(&column) {
                continue;
            }
            let (has, part) = parts.next()?;
            if has != column || part.prefix.is_some() {
                return None;
            }
            let is_reverse = order.desc != part.desc;
            if *reverse.get_or_insert(is_reverse) != is_reverse {
                return None;
            }
        }
        let direction = match reverse? {
            true => Direction::Reverse,
            false => Direction::Forward,
        };
        Some((which, range, direction))
    }
}
