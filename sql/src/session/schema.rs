//! Tables that are computed when they are read: `information_schema` and its like.

use holdfast_value::{SqlType, Value};

use crate::error::Result;
use crate::exec::Statement;

/// A computed table.
pub struct VirtualTable {
    /// `information_schema`, `mysql`, `performance_schema` or `sys`.
    pub database: &'static str,
    /// Its name, as it is shown.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [VirtualColumn],
    /// Its rows now, by column.
    pub rows: fn(&Statement) -> Result<Vec<Vec<Value>>>,
}

/// A column of a computed table.
pub struct VirtualColumn {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub of: SqlType,
}

impl std::fmt::Debug for VirtualTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.database, self.name)
    }
}

/// The computed table of this name; letters' case does not count.
pub fn find(database: &str, name: &str) -> Option<&'static VirtualTable> {
    super::information::TABLES.iter().copied().find(|table| {
        table.database.eq_ignore_ascii_case(database) && table.name.eq_ignore_ascii_case(name)
    })
}
