//! Foreign keys: parents that must be there, children that follow.
//!
//! - J1: a child's row locks its parent's key, shared; a parent's row that goes or
//!   changes its key holds it exclusively: no child can come in between.
//!
//! MySQL makes an index over a foreign key's columns; so does DDL here, and children
//! are found by it.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_value::{Value, store};

use super::{Writer, row_lock};
use crate::catalog::{Action, ForeignRow, Table};
use crate::error::{Result, SqlError};

/// The longest chain of cascades, as in MySQL.
const DEPTH_MAX: usize = 15;

impl Writer<'_> {
    fn checks_foreign(&self) -> bool {
        self.statement.variables.settings().foreign_keys
    }

    /// Every parent of a new row is there.
    pub(super) async fn check_parents(
        &mut self,
        table: &Arc<Table>,
        values: &[Value],
    ) -> Result<()> {
        if !self.checks_foreign() {
            return Ok(());
        }
        for foreign in &table.body.foreign {
            self.check_parent(table, foreign, values).await?;
        }
        Ok(())
    }

    /// The parent that one foreign key of a row names is there: rows that were before it.
    ///
    /// # Errors
    /// 1452.
    pub async fn check_parent_at(
        &mut self,
        table: &Arc<Table>,
        foreign: usize,
        values: &[Value],
    ) -> Result<()> {
        self.check_parent(table, &table.body.foreign[foreign], values).await
    }

    /// Every parent that a change names anew is there.
    pub(super) async fn check_new_parents(
        &mut self,
        table: &Arc<Table>,
        old: &[Value],
        new: &[Value],
    ) -> Result<()> {
        if !self.checks_foreign() {
            return Ok(());
        }
        for foreign in &table.body.foreign {
            let is_same =
                foreign.columns.iter().all(|at| old[usize::from(*at)] == new[usize::from(*at)]);
            if !is_same {
                self.check_parent(table, foreign, new).await?;
            }
        }
        Ok(())
    }

    async fn check_parent(
        &mut self,
        table: &Arc<Table>,
        foreign: &ForeignRow,
        values: &[Value],
    ) -> Result<()> {
        let given: Vec<&Value> =
            foreign.columns.iter().map(|at| &values[usize::from(*at)]).collect();
        if given.iter().any(|value| value.is_null()) {
            return Ok(());
        }
        let catalog = Arc::clone(&self.statement.catalog);
        let Ok(parent) = catalog.table(&foreign.parent_database, &foreign.parent) else {
            return Err(no_parent(table, foreign));
        };
        let columns = parent_columns(&parent, foreign)?;
        let mut row = vec![Value::Null; parent.columns.len()];
        for ((at, value), child) in columns.iter().zip(given).zip(&foreign.columns) {
            row[*at] =
                self.as_column(&parent, *at, (value, &table.columns[usize::from(*child)].of))?;
        }
        // A row that is its own parent.
        if parent.id == table.id && columns.iter().all(|at| row[*at] == values[*at]) {
            return Ok(());
        }
        let (id, key) = parent_key(&parent, &columns, &row)?;
        self.transaction.use_table(&parent, &catalog);
        self.pass.locks.shared(row_lock(id, &key));
        let is_there = match id == parent.id || is_whole(&parent, id, &columns) {
            true => self.view().get(id, &key).await?.is_some(),
            false => !self.by_index(&parent, id, &key).await?.is_empty(),
        };
        if is_there { Ok(()) } else { Err(no_parent(table, foreign)) }
    }

    fn as_column(
        &mut self,
        table: &Table,
        at: usize,
        (value, of): (&Value, &holdfast_value::SqlType),
    ) -> Result<Value> {
        let column = &table.columns[at];
        let source = store::Source { of, row: 1, ignore: false };
        let target = store::Target { name: &column.name, of: &column.of, nullable: true };
        Ok(store::store(value.clone(), &source, &target, &mut self.statement.context)?)
    }

    /// What a deleted parent's children do.
    pub(super) async fn follow_delete(
        &mut self,
        table: &Arc<Table>,
        old: &[Value],
        depth: usize,
    ) -> Result<()> {
        for (child, foreign) in self.children(table) {
            for (key, values) in self.children_of(&child, &foreign, table, old).await? {
                deep_enough(depth)?;
                match foreign.on_delete {
                    Action::Restrict => return Err(has_children(&child, &foreign)),
                    Action::Cascade => {
                        Box::pin(self.delete_row(&child, &key, &values, depth + 1)).await?;
                    }
                    Action::SetNull => {
                        let new = with_null(&foreign, &values);
                        Box::pin(self.update_row(&child, (&key, &values), new, depth + 1)).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What a changed parent's children do.
    pub(super) async fn follow_update(
        &mut self,
        table: &Arc<Table>,
        (old, new): (&[Value], &[Value]),
        depth: usize,
    ) -> Result<()> {
        for (child, foreign) in self.children(table) {
            let columns = parent_columns(table, &foreign)?;
            if columns.iter().all(|at| old[*at] == new[*at]) {
                continue;
            }
            for (key, values) in self.children_of(&child, &foreign, table, old).await? {
                deep_enough(depth)?;
                match foreign.on_update {
                    Action::Restrict => return Err(has_children(&child, &foreign)),
                    Action::Cascade => {
                        let mut updated = values.clone();
                        for (at, column) in foreign.columns.iter().zip(&columns) {
                            let given = (&new[*column], &table.columns[*column].of);
                            updated[usize::from(*at)] =
                                self.as_column(&child, usize::from(*at), given)?;
                        }
                        Box::pin(self.update_row(&child, (&key, &values), updated, depth + 1))
                            .await?;
                    }
                    Action::SetNull => {
                        let updated = with_null(&foreign, &values);
                        Box::pin(self.update_row(&child, (&key, &values), updated, depth + 1))
                            .await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The foreign keys that lead to a table.
    fn children(&self, table: &Table) -> Vec<(Arc<Table>, ForeignRow)> {
        if !self.checks_foreign() {
            return Vec::new();
        }
        let name = (table.database.to_string(), table.name.to_string());
        let known = self.statement.catalog.children.get(&name);
        let child = |(id, at): &(holdfast_base::TableId, usize)| {
            let child = self.statement.catalog.tables.get(id)?;
            Some((Arc::clone(child), child.body.foreign.get(*at)?.clone()))
        };
        known.into_iter().flatten().filter_map(child).collect()
    }

    async fn children_of(
        &mut self,
        child: &Arc<Table>,
        foreign: &ForeignRow,
        parent: &Table,
        old: &[Value],
    ) -> Result<Vec<(Bytes, Vec<Value>)>> {
        let columns = parent_columns(parent, foreign)?;
        if columns.iter().any(|at| old[*at].is_null()) {
            return Ok(Vec::new());
        }
        let mut row = vec![Value::Null; child.columns.len()];
        for (at, column) in foreign.columns.iter().zip(&columns) {
            let given = (&old[*column], &parent.columns[*column].of);
            row[usize::from(*at)] = self.as_column(child, usize::from(*at), given)?;
        }
        let wanted: Vec<usize> = foreign.columns.iter().map(|at| usize::from(*at)).collect();
        let (index, prefix) = leading_key(child, &wanted, &row)?.ok_or_else(|| {
            SqlError::internal(format!("foreign key '{}' has no index", foreign.name))
        })?;
        self.by_index(child, index, &prefix).await
    }
}

fn deep_enough(depth: usize) -> Result<()> {
    if depth >= DEPTH_MAX {
        return Err(SqlError::new(
            3008,
            format!("Foreign key cascade delete/update exceeds max depth of {DEPTH_MAX}."),
        ));
    }
    Ok(())
}

fn with_null(foreign: &ForeignRow, values: &[Value]) -> Vec<Value> {
    let mut values = values.to_vec();
    for at in &foreign.columns {
        values[usize::from(*at)] = Value::Null;
    }
    values
}

fn parent_columns(parent: &Table, foreign: &ForeignRow) -> Result<Vec<usize>> {
    let column = |name: &String| {
        parent.column(name).ok_or_else(|| {
            SqlError::new(
                1822,
                format!("foreign key '{}': '{name}' is missing in the parent", foreign.name),
            )
        })
    };
    foreign.parent_columns.iter().map(column).collect()
}

/// The key, or the beginning of one, that has these columns first.
fn leading_key(
    table: &Table,
    columns: &[usize],
    row: &[Value],
) -> Result<Option<(holdfast_base::TableId, Bytes)>> {
    let keys = std::iter::once((table.id, &table.primary));
    let keys = keys.chain(table.indexes.iter().map(|index| (index.id, &index.key)));
    for (id, key) in keys {
        let leading: Vec<usize> = key.columns().take(columns.len()).collect();
        let fits = leading.len() == columns.len()
            && columns.iter().all(|column| leading.contains(column))
            && key.parts.iter().take(columns.len()).all(|part| part.prefix.is_none());
        if fits {
            let mut prefix = Vec::new();
            for (part, column) in leading.iter().enumerate() {
                key.append(part, &row[*column], &mut prefix)?;
            }
            return Ok(Some((id, prefix.into())));
        }
    }
    Ok(None)
}

fn parent_key(
    parent: &Table,
    columns: &[usize],
    row: &[Value],
) -> Result<(holdfast_base::TableId, Bytes)> {
    leading_key(parent, columns, row)?
        .ok_or_else(|| SqlError::internal("a parent without a key over the columns"))
}

/// Whether the columns are all that a unique index has.
fn is_whole(parent: &Table, id: holdfast_base::TableId, columns: &[usize]) -> bool {
    if id == parent.id {
        return parent.primary.parts.len() == columns.len();
    }
    let index = parent.indexes.iter().find(|index| index.id == id);
    index.is_some_and(|index| index.unique && index.key.parts.len() == columns.len())
}

fn constraint(table: &Table, foreign: &ForeignRow) -> String {
    let list = |names: Vec<&str>| {
        names.into_iter().map(holdfast_syntax::quote_identifier).collect::<Vec<_>>().join(", ")
    };
    let columns = foreign.columns.iter().map(|at| &*table.columns[usize::from(*at)].name).collect();
    let parents = foreign.parent_columns.iter().map(String::as_str).collect();
    let action = |word: &str, given: &Option<String>| match given {
        Some(given) if given != "NO ACTION" => format!(" ON {word} {given}"),
        _ => String::new(),
    };
    format!(
        "(`{}`.`{}`, CONSTRAINT `{}` FOREIGN KEY ({}) REFERENCES `{}` ({}){}{})",
        table.database,
        table.name,
        foreign.name,
        list(columns),
        foreign.parent,
        list(parents),
        action("DELETE", &foreign.written.0),
        action("UPDATE", &foreign.written.1),
    )
}

fn no_parent(table: &Table, foreign: &ForeignRow) -> SqlError {
    let what = constraint(table, foreign);
    SqlError::new(
        1452,
        format!("Cannot add or update a child row: a foreign key constraint fails {what}"),
    )
}

fn has_children(table: &Table, foreign: &ForeignRow) -> SqlError {
    let what = constraint(table, foreign);
    SqlError::new(
        1451,
        format!("Cannot delete or update a parent row: a foreign key constraint fails {what}"),
    )
}
