//! The catalog: databases, tables, views and accounts, as rows of system tables.
//!
//! ```text
//! rows of system tables (in the tail, like all rows) -> definition -> Table, computed once
//!                                                                `-> Catalog: all of them at a moment
//! ```
//!
//! Not here: the statements that change it (`ddl`), SHOW and information_schema (`session`).

pub mod bootstrap;
pub mod definition;
mod load;
pub mod system;
mod table;
pub mod temporary;

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::{TableId, Ts};

use crate::error::{Result, SqlError};
pub use definition::{
    AccountRow, Action, CheckRow, ColumnRow, CounterRow, DatabaseRow, DefaultRow, ForeignRow,
    IndexRow, KeyPart, Privileges, TableBody, TableKind, TableRow, ViewBody,
};
pub use load::SystemRow;
pub use table::{
    Column, Default, Index, Key, Table, View, index_slots, object_row_key, row_key, stored_row_key,
    stored_text,
};

/// Everything that has a name, at one moment.
#[derive(Debug, std::default::Default)]
pub struct Catalog {
    /// The newest change that is in it.
    pub ts: Ts,
    /// By name.
    pub databases: BTreeMap<String, Arc<DatabaseRow>>,
    /// By database and name.
    pub entries: BTreeMap<(String, String), Entry>,
    /// By id.
    pub tables: BTreeMap<TableId, Arc<Table>>,
    /// By user and host.
    pub accounts: BTreeMap<(String, String), Arc<AccountRow>>,
    /// Foreign keys that name a table as their parent, by database and name:
    /// the child, and the position among its foreign keys.
    pub children: BTreeMap<(String, String), Vec<(TableId, usize)>>,
}

/// What a name is.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A table.
    Table(Arc<Table>),
    /// A view.
    View(Arc<View>),
}

impl Entry {
    /// The definition's row.
    pub fn row(&self) -> &TableRow {
        match self {
            Self::Table(table) => &table.row,
            Self::View(view) => &view.row,
        }
    }

    /// Its id; views have one, too.
    pub fn id(&self) -> TableId {
        self.row().id
    }

    /// False for temporary tables, under their hidden names and their own.
    pub fn is_listed(&self) -> bool {
        match self {
            Self::Table(table) => !table.is_temporary && !temporary::is_hidden(&table.name),
            Self::View(_) => true,
        }
    }

    /// When the definition last changed.
    pub fn since(&self) -> Ts {
        match self {
            Self::Table(table) => table.since,
            Self::View(view) => view.since,
        }
    }
}

impl Catalog {
    /// What has this name.
    ///
    /// # Errors
    /// 1049, 1146.
    pub fn entry(&self, database: &str, name: &str) -> Result<Entry> {
        let found = self.find(database, name).filter(|_| !temporary::is_hidden(name));
        found.ok_or_else(|| match self.databases.contains_key(database) {
            true => SqlError::no_table(database, name),
            false => SqlError::no_database(database),
        })
    }

    /// What has this name, if anything has.
    pub fn find(&self, database: &str, name: &str) -> Option<Entry> {
        // Two strings are made for one look: the map is not asked in a hot loop.
        self.entries.get(&(database.to_owned(), name.to_owned())).cloned()
    }

    /// The table of this name.
    ///
    /// # Errors
    /// 1049, 1146, 1347 for a view.
    pub fn table(&self, database: &str, name: &str) -> Result<Arc<Table>> {
        let entry = match self.find(database, name) {
            Some(entry) => entry,
            None => self.entry(database, name)?,
        };
        match entry {
            Entry::Table(table) => Ok(table),
            Entry::View(_) => {
                Err(SqlError::new(1347, format!("'{database}.{name}' is not BASE TABLE")))
            }
        }
    }

    /// A database.
    ///
    /// # Errors
    /// 1049.
    pub fn database(&self, name: &str) -> Result<&Arc<DatabaseRow>> {
        self.databases.get(name).ok_or_else(|| SqlError::no_database(name))
    }

    /// The names in a database that clients are told, in order.
    pub fn listed<'a>(&'a self, database: &'a str) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        self.in_database(database).filter(|(_, entry)| entry.is_listed())
    }

    /// The names in a database, in order; temporary tables' too.
    pub fn in_database<'a>(
        &'a self,
        database: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        let from = (database.to_owned(), String::new());
        let range = self.entries.range(from..);
        range
            .take_while(move |((name, _), _)| name == database)
            .map(|((_, name), entry)| (name.as_str(), entry))
    }
}
