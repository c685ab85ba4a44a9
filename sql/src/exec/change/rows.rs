//! One row in, out or changed, with its index entries (H3).

use std::sync::Arc;

use bytes::Bytes;
use holdfast_base::{TableId, Ts};
use holdfast_value::{Value, show};

use super::{Pass, row_lock};
use crate::catalog::{Index, Table};
use crate::error::{Result, SqlError};
use crate::exec::Statement;
use crate::exec::transaction::Transaction;
use crate::exec::view::{Row, View};

/// Writes rows into a transaction's workspace.
pub struct Writer<'a> {
    /// The statement.
    pub statement: &'a mut Statement,
    /// The transaction.
    pub transaction: &'a mut Transaction,
    /// What is found out.
    pub pass: &'a mut Pass,
    /// As of when rows are read.
    pub ts: Ts,
}

/// A row that is in the way.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// Of which key: `table.PRIMARY` or `table.index`.
    pub key_name: String,
    /// The values, as messages show them.
    pub entry: String,
    /// The row's key.
    pub row: Bytes,
}

impl Conflict {
    /// 1062.
    pub fn refuse(&self) -> SqlError {
        SqlError::duplicate(&self.entry, &self.key_name)
    }
}

impl Writer<'_> {
    /// Rows as this statement sees them.
    pub fn view(&self) -> View<'_> {
        View { engine: &self.statement.engine, ts: self.ts, own: &self.transaction.workspace }
    }

    /// The row under a key, as values.
    pub async fn read(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<Value>>> {
        match self.view().get(table.id, key).await? {
            Some(row) => Ok(Some(row.values(table)?)),
            None => Ok(None),
        }
    }

    /// The rows that a new row is in conflict with, first the primary key's.
    /// `except`: the key of the row that it replaces.
    pub async fn conflict(
        &mut self,
        table: &Table,
        (key, values): (&Bytes, &[Value]),
        except: Option<&Bytes>,
    ) -> Result<Option<Conflict>> {
        if except != Some(key) {
            self.pass.locks.exclusive(row_lock(table.id, key));
            if !table.is_keyless() && self.view().get(table.id, key).await?.is_some() {
                let columns: Vec<usize> = table.primary.columns().collect();
                return Ok(Some(Conflict {
                    key_name: format!("{}.PRIMARY", table.name),
                    entry: entry_text(table, &columns, values),
                    row: key.clone(),
                }));
            }
        }
        for index in table.indexes.iter().filter(|index| index.is_settled(values)) {
            let (entry, _) = table.entry(index, values, key)?;
            self.pass.locks.exclusive(row_lock(index.id, &entry));
            let Some(found) = self.view().get(index.id, &entry).await? else { continue };
            let row = found.leads_to()?;
            if except == Some(&row) {
                continue;
            }
            let columns: Vec<usize> = index.key.columns().collect();
            return Ok(Some(Conflict {
                key_name: format!("{}.{}", table.name, index.name),
                entry: entry_text(table, &columns, values),
                row,
            }));
        }
        Ok(None)
    }

    /// Puts a row that is in nobody's way.
    pub fn put(&mut self, table: &Arc<Table>, key: &Bytes, values: &[Value]) -> Result<()> {
        self.transaction.use_table(table, &self.statement.catalog);
        self.transaction.check_room(&self.statement.engine)?;
        self.pass.locks.exclusive(row_lock(table.id, key));
        self.transaction.workspace.put(table.id, key.clone(), Some(table.encode(values)?));
        for index in &table.indexes {
            let (entry, row) = table.entry(index, values, key)?;
            self.write_entry(index, entry, Some(row));
        }
        Ok(())
    }

    /// Removes a row.
    pub fn remove(&mut self, table: &Arc<Table>, key: &Bytes, values: &[Value]) -> Result<()> {
        self.transaction.use_table(table, &self.statement.catalog);
        self.transaction.check_room(&self.statement.engine)?;
        self.pass.locks.exclusive(row_lock(table.id, key));
        self.transaction.workspace.put(table.id, key.clone(), None);
        for index in &table.indexes {
            let (entry, _) = table.entry(index, values, key)?;
            self.write_entry(index, entry, None);
        }
        Ok(())
    }

    /// Makes one row of another; its key may change.
    pub fn replace(
        &mut self,
        table: &Arc<Table>,
        (old_key, old): (&Bytes, &[Value]),
        (new_key, new): (&Bytes, &[Value]),
    ) -> Result<()> {
        self.transaction.use_table(table, &self.statement.catalog);
        self.transaction.check_room(&self.statement.engine)?;
        self.pass.locks.exclusive(row_lock(table.id, old_key));
        self.pass.locks.exclusive(row_lock(table.id, new_key));
        if old_key != new_key {
            self.transaction.workspace.put(table.id, old_key.clone(), None);
        }
        self.transaction.workspace.put(table.id, new_key.clone(), Some(table.encode(new)?));
        for index in &table.indexes {
            let (before, before_row) = table.entry(index, old, old_key)?;
            let (after, after_row) = table.entry(index, new, new_key)?;
            // A snapshot from before may have another entry: the own row needs its own.
            if before == after && before_row == after_row && !self.has_older_snapshot() {
                continue;
            }
            if before != after {
                self.write_entry(index, before, None);
            }
            self.write_entry(index, after, Some(after_row));
        }
        Ok(())
    }

    fn has_older_snapshot(&self) -> bool {
        self.transaction.snapshot().is_some_and(|snapshot| snapshot < self.ts)
    }

    fn write_entry(&mut self, index: &Index, entry: Bytes, row: Option<Bytes>) {
        self.pass.locks.exclusive(row_lock(index.id, &entry));
        self.transaction.workspace.put(index.id, entry, row);
    }

    /// The rows whose index entries begin with `prefix`, as (key, values).
    pub async fn by_index(
        &self,
        table: &Table,
        index: TableId,
        prefix: &[u8],
    ) -> Result<Vec<(Bytes, Vec<Value>)>> {
        let view = self.view();
        let range = crate::exec::view::prefix_range(prefix);
        let mut rows = view.range(index, range, holdfast_tail::Direction::Forward)?;
        let mut found = Vec::new();
        while let Some((entry, row)) = rows.next().await? {
            let (key, row) = if index == table.id {
                (Bytes::copy_from_slice(&entry), Some(row))
            } else {
                let key = row.leads_to()?;
                let row: Option<Row> = view.get(table.id, &key).await?;
                (key, row)
            };
            if let Some(row) = row {
                found.push((key, row.values(table)?));
            }
        }
        Ok(found)
    }
}

/// A key's values as messages show them: joined by `-`.
pub fn entry_text(table: &Table, columns: &[usize], values: &[Value]) -> String {
    let mut out = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            out.push(b'-');
        }
        match &values[*column] {
            Value::Null => out.extend_from_slice(b"NULL"),
            value => show::write(value, &table.columns[*column].of, &mut out),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
