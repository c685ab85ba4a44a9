//! Rows of the system tables -> [`Catalog`].
//!
//! Tables whose rows have not changed are taken over from the catalog before.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::{TableId, Ts};

use super::definition::{ACCOUNTS, DATABASES, TABLES};
use super::{AccountRow, Catalog, DatabaseRow, Entry, Table, TableKind, TableRow, View, system};
use crate::error::Result;

/// A row of a system table, and the timestamp of its last change.
pub type SystemRow = (TableId, Box<str>, Ts);

impl Catalog {
    /// The catalog that these rows are. `before` gives what has not changed since.
    ///
    /// # Errors
    /// 1712: a row that does not parse.
    pub fn build(rows: Vec<SystemRow>, before: &Catalog) -> Result<Catalog> {
        let mut catalog = Catalog::default();
        let mut names: BTreeMap<u64, Arc<str>> = BTreeMap::new();
        let mut definitions = Vec::new();
        for (table, row, ts) in rows {
            catalog.ts = catalog.ts.max(ts);
            match table {
                DATABASES => {
                    let row: DatabaseRow = system::parse(&row)?;
                    names.insert(row.id, row.name.as_str().into());
                    catalog.databases.insert(row.name.clone(), Arc::new(row));
                }
                TABLES => definitions.push((row, ts)),
                ACCOUNTS => {
                    let row: AccountRow = system::parse(&row)?;
                    let key = (row.user.clone(), row.host.clone());
                    catalog.accounts.insert(key, Arc::new(row));
                }
                _ => {}
            }
        }
        for (row, ts) in definitions {
            let row: TableRow = system::parse(&row)?;
            let Some(database) = names.get(&row.database) else { continue };
            catalog.add(row, Arc::clone(database), ts, before)?;
        }
        Ok(catalog)
    }

    fn add(&mut self, row: TableRow, database: Arc<str>, ts: Ts, before: &Catalog) -> Result<()> {
        let name = (database.to_string(), row.name.clone());
        let entry = match (&row.kind, before.entries.get(&name)) {
            (_, Some(known)) if known.since() == ts && known.id() == row.id => known.clone(),
            (TableKind::View(body), _) => {
                let body = body.clone();
                Entry::View(Arc::new(View::new(row, body, database, ts)))
            }
            (TableKind::Table(body), _) => {
                let body = body.clone();
                let evaluate = &crate::bind::literal_of;
                Entry::Table(Arc::new(Table::new(row, body, (database, ts), evaluate)?))
            }
        };
        if let Entry::Table(table) = &entry {
            self.tables.insert(table.id, Arc::clone(table));
            for (at, foreign) in table.body.foreign.iter().enumerate() {
                let parent = (foreign.parent_database.clone(), foreign.parent.clone());
                self.children.entry(parent).or_default().push((table.id, at));
            }
        }
        self.entries.insert(name, entry);
        Ok(())
    }
}
