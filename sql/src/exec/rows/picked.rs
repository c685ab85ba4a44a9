//! Which of a table's columns a query reads.

use bytes::Bytes;
use holdfast_value::{SqlType, Value, zone::Zone};

use crate::algebra::{Query, Rel, Scan};
use crate::error::Result;
use crate::exec::view::Row;
use crate::expr::{ColumnId, Expr, Typed, walk};

/// The columns that are read of a table, in the order in which a row stores them.
pub(super) struct Picked {
    /// Their numbers; the row's key comes last.
    pub ids: Vec<ColumnId>,
    slots: Vec<usize>,
    /// Which of them are TIMESTAMPs.
    timestamps: Vec<usize>,
    key: bool,
}

impl Picked {
    /// Those of `scan` that are among `named`, which ascends.
    pub fn new(scan: &Scan, named: &[ColumnId]) -> Self {
        let columns = &scan.table.columns;
        let from = named.partition_point(|id| *id < scan.first);
        let own = named[from..].iter().map(|id| (id - scan.first) as usize);
        let mut picked: Vec<usize> = own.take_while(|at| *at < columns.len()).collect();
        picked.sort_unstable_by_key(|at| columns[*at].slot);
        let is_timestamp = |at: &usize| matches!(columns[picked[*at]].of, SqlType::Timestamp(_));
        let timestamps = (0..picked.len()).filter(is_timestamp).collect();
        let slots = picked.iter().map(|at| columns[*at].slot).collect();
        let mut ids: Vec<ColumnId> = picked.iter().map(|at| scan.first + *at as u32).collect();
        let key = scan.key && named.binary_search(&scan.key_id()).is_ok();
        ids.extend(key.then(|| scan.key_id()));
        Self { ids, slots, timestamps, key }
    }

    /// A row's values, TIMESTAMPs in the session's zone.
    ///
    /// # Errors
    /// 1712, 1030: it does not parse.
    pub fn values(
        &self,
        scan: &Scan,
        (key, row): (&[u8], &Row),
        zone: &Zone,
    ) -> Result<Vec<Value>> {
        let mut values = row.slots(&scan.table, &self.slots)?;
        for at in &self.timestamps {
            if let Value::DateTime(micros) = &mut values[*at] {
                *micros = zone.from_utc(*micros);
            }
        }
        if self.key {
            values.push(Value::Bytes(Bytes::copy_from_slice(key)));
        }
        Ok(values)
    }
}

/// The columns that a query without subqueries names, ascending.
pub(super) fn named(query: &Query) -> Vec<ColumnId> {
    let mut found: Vec<ColumnId> = query.columns.iter().map(|column| column.id).collect();
    in_rel(&query.rel, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn in_rel(rel: &Rel, found: &mut Vec<ColumnId>) {
    match rel {
        Rel::Join { left, right, on, .. } => {
            in_rel(left, found);
            in_rel(right, found);
            on.iter().for_each(|on| in_expr(on, found));
        }
        Rel::Filter(input, test) => {
            in_rel(input, found);
            in_expr(test, found);
        }
        Rel::Project(input, items) => {
            in_rel(input, found);
            items.iter().for_each(|(_, item)| in_expr(item, found));
        }
        Rel::Aggregate { input, keys, calls, .. } => {
            in_rel(input, found);
            keys.iter().for_each(|(_, key)| in_expr(key, found));
            for (_, call) in calls {
                call.args.iter().for_each(|arg| in_expr(arg, found));
                call.order.iter().for_each(|key| in_expr(&key.by, found));
            }
        }
        Rel::Sort(input, keys) => {
            in_rel(input, found);
            keys.iter().for_each(|key| in_expr(&key.by, found));
        }
        Rel::Distinct(input) => {
            in_rel(input, found);
            found.extend(input.ids());
        }
        Rel::Limit { input, .. } => in_rel(input, found),
        // These name no columns, or are not the row engine's.
        _ => {}
    }
}

fn in_expr(typed: &Typed, found: &mut Vec<ColumnId>) {
    walk::any(typed, &mut |expr| {
        if let Expr::Column(id) = expr {
            found.push(*id);
        }
        false
    });
}
