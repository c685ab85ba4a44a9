//! TEMPORARY tables: tables of a session, stored as all tables are, under hidden names.
//!
//! ```text
//! session: (db, t) -> #holdfast-temporary-7-1      engine: (db, #holdfast-temporary-7-1) -> rows
//!          `-> the session's catalog: the engine's, with these tables under their own names
//! ```
//!
//! - E1: nobody else finds or lists a table under its hidden name.
//! - E2: a table is removed while its session has no transaction open, so that no
//!   commit brings rows of a table that is gone.
//!
//! Not here: making and removing them (`session::temporary`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Catalog, Entry, Table, TableRow};
use crate::error::Result;

/// What hidden names begin with.
const PREFIX: &str = "#holdfast-temporary-";

/// The temporary tables of a session.
#[derive(Debug, Default)]
pub struct Temporary {
    /// Hidden names by database and name.
    names: BTreeMap<(String, String), String>,
    /// Dropped, but still there (E2): database and hidden name.
    doomed: Vec<(String, String)>,
    /// How many there were.
    made: u64,
    /// The engine's catalog, and the session's over it.
    known: Option<(Arc<Catalog>, Arc<Catalog>)>,
}

/// True for the name under which a temporary table is stored.
pub fn is_hidden(name: &str) -> bool {
    name.starts_with(PREFIX)
}

impl Temporary {
    /// A new hidden name.
    pub fn fresh(&mut self, connection: u64) -> String {
        self.made += 1;
        format!("{PREFIX}{connection}-{}", self.made)
    }

    /// A table is there now.
    pub fn add(&mut self, database: &str, name: &str, hidden: String) {
        self.names.insert((database.to_owned(), name.to_owned()), hidden);
        self.known = None;
    }

    /// The hidden name of a table.
    pub fn hidden(&self, database: &str, name: &str) -> Option<&str> {
        if self.names.is_empty() {
            return None;
        }
        self.names.get(&(database.to_owned(), name.to_owned())).map(String::as_str)
    }

    /// Gives a table up; false: there is none.
    pub fn doom(&mut self, database: &str, name: &str) -> bool {
        let key = (database.to_owned(), name.to_owned());
        let Some(hidden) = self.names.remove(&key) else { return false };
        self.doomed.push((key.0, hidden));
        self.known = None;
        true
    }

    /// Gives all of them up.
    pub fn doom_all(&mut self) {
        let names = std::mem::take(&mut self.names);
        self.doomed.extend(names.into_iter().map(|((database, _), hidden)| (database, hidden)));
        self.known = None;
    }

    /// What is to be removed.
    pub fn doomed(&self) -> &[(String, String)] {
        &self.doomed
    }

    /// It was removed.
    pub fn forget_doomed(&mut self) {
        self.doomed.clear();
    }

    /// The session's catalog over the engine's.
    ///
    /// # Errors
    /// A definition does not load.
    pub fn over(&mut self, base: &Arc<Catalog>) -> Result<Arc<Catalog>> {
        if self.names.is_empty() {
            return Ok(Arc::clone(base));
        }
        if let Some((known, over)) = &self.known
            && Arc::ptr_eq(known, base)
        {
            return Ok(Arc::clone(over));
        }
        let mut over = Catalog {
            ts: base.ts,
            databases: base.databases.clone(),
            entries: base.entries.clone(),
            tables: base.tables.clone(),
            accounts: base.accounts.clone(),
            children: base.children.clone(),
        };
        for ((database, name), hidden) in &self.names {
            let Some(Entry::Table(stored)) = base.find(database, hidden) else { continue };
            let row = TableRow { name: name.clone(), ..stored.row.clone() };
            let place = (Arc::clone(&stored.database), stored.since);
            let mut table = Table::new(row, stored.body.clone(), place, &crate::bind::literal_of)?;
            table.is_temporary = true;
            let table = Arc::new(table);
            let key = (database.clone(), name.clone());
            // Foreign keys are about the table that it stands before.
            over.children.remove(&key);
            over.tables.insert(table.id, Arc::clone(&table));
            over.entries.insert(key, Entry::Table(table));
        }
        let over = Arc::new(over);
        self.known = Some((Arc::clone(base), Arc::clone(&over)));
        Ok(over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_up_is_doomed_once() {
        let mut temporary = Temporary::default();
        let hidden = temporary.fresh(7);
        assert!(is_hidden(&hidden));
        assert_ne!(hidden, temporary.fresh(7));
        temporary.add("d", "t", hidden.clone());
        assert_eq!(temporary.hidden("d", "t"), Some(hidden.as_str()));
        assert!(temporary.doom("d", "t"));
        assert!(!temporary.doom("d", "t"));
        temporary.doom_all();
        assert_eq!(temporary.doomed(), [("d".to_owned(), hidden)]);
    }
}
