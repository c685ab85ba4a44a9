//! A table as statements use it: everything computed from its definition, once.
//!
//! ```text
//! row    slots as `value::row` writes them; every column is in it, the key's too
//! key    primary key columns as `value::key` writes them, or 8 bytes of a hidden number
//! index  its columns, then (unless unique and without NULL) the row's key -> row's key
//! ```
//!
//! Not here: reading and writing rows (`exec`).

use std::sync::{Arc, LazyLock, OnceLock};

use bytes::Bytes;
use holdfast_base::{TableId, Ts};
use holdfast_objects::ObjectRow;
use holdfast_tail::{RowRef, TableShape};
use holdfast_value::key::KeyPart as ValuePart;
use holdfast_value::row::RowReader;
use holdfast_value::{SqlType, Value};

use super::definition::{KeyPart, TableBody, TableKind, TableRow, ViewBody};
use crate::error::Result;

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Its id.
    pub id: TableId,
    /// Its database.
    pub database: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The primary key; no parts: a hidden number.
    pub primary: Key,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// The column with AUTO_INCREMENT.
    pub auto: Option<usize>,
    /// When the definition last changed.
    pub since: Ts,
    /// The definition.
    pub row: TableRow,
    /// The definition's body.
    pub body: TableBody,
    /// What the tail knows of its rows.
    pub shape: Arc<TableShape>,
    /// The slots of the columns, ascending.
    slots: Vec<usize>,
    /// The column of each of them; none where columns are in the order of slots.
    order: Option<Vec<usize>>,
    /// CHECKs, generated columns and defaults, bound when they are first needed.
    rules: OnceLock<Arc<crate::exec::rules::Rules>>,
    /// The TIMESTAMP columns.
    pub timestamps: Vec<usize>,
    /// Only this session sees it (`temporary`).
    pub is_temporary: bool,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: Arc<str>,
    /// Its slot in stored rows.
    pub slot: usize,
    /// Its type.
    pub of: SqlType,
    /// May be NULL.
    pub nullable: bool,
    /// What it is when it is not given.
    pub default: Default,
    /// ON UPDATE CURRENT_TIMESTAMP.
    pub on_update: bool,
    /// What rows without the slot have.
    pub fill: Value,
}

/// A column's DEFAULT.
#[derive(Clone, Debug, PartialEq)]
pub enum Default {
    /// None was given.
    Missing,
    /// A value (NULL included).
    Value(Value),
    /// The statement's time.
    Now,
    /// An expression; its SQL.
    Expression(String),
}

/// A key's columns.
#[derive(Clone, Debug)]
pub struct Key {
    /// As defined.
    pub parts: Vec<KeyPart>,
    /// For encoding.
    encode: Vec<ValuePart>,
}

/// A secondary index.
#[derive(Clone, Debug)]
pub struct Index {
    /// Its hidden table.
    pub id: TableId,
    /// Its name.
    pub name: Arc<str>,
    /// UNIQUE.
    pub unique: bool,
    /// Its columns.
    pub key: Key,
}

/// A view.
#[derive(Debug)]
pub struct View {
    /// Its database.
    pub database: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What it selects.
    pub body: ViewBody,
    /// When the definition last changed.
    pub since: Ts,
    /// The definition.
    pub row: TableRow,
}

/// What literal defaults are evaluated to: the caller can bind, this module cannot.
pub type Evaluate<'a> = &'a dyn Fn(&str, &SqlType) -> Result<Value>;

impl Table {
    /// Computes a table from its definition.
    ///
    /// # Errors
    /// A default that does not evaluate: the definition is broken.
    pub fn new(
        row: TableRow,
        body: TableBody,
        (database, since): (Arc<str>, Ts),
        evaluate: Evaluate<'_>,
    ) -> Result<Self> {
        let mut columns = Vec::with_capacity(body.columns.len());
        for column in &body.columns {
            let fill = match &column.fill {
                Some(text) => evaluate(text, &column.of)?,
                None => Value::Null,
            };
            let default = match &column.default {
                None => Default::Missing,
                Some(super::DefaultRow::Literal(text)) => {
                    Default::Value(evaluate(text, &column.of)?)
                }
                Some(super::DefaultRow::Now(_)) => Default::Now,
                Some(super::DefaultRow::Expression(text)) => Default::Expression(text.clone()),
            };
            columns.push(Column {
                name: column.name.as_str().into(),
                slot: usize::from(column.slot),
                of: column.of.clone(),
                nullable: column.nullable,
                default,
                on_update: column.on_update,
                fill,
            });
        }
        let primary = Key::new(body.primary.clone(), &columns);
        let index = |index: &super::IndexRow| Index {
            id: index.id,
            name: index.name.as_str().into(),
            unique: index.unique,
            key: Key::new(index.parts.clone(), &columns),
        };
        let indexes = body.indexes.iter().map(index).collect();
        let mut by_slot: Vec<(usize, usize)> =
            columns.iter().enumerate().map(|(at, column)| (column.slot, at)).collect();
        by_slot.sort_unstable();
        let order: Vec<usize> = by_slot.iter().map(|(_, at)| *at).collect();
        let order = (!order.is_sorted()).then_some(order);
        let slots = by_slot.into_iter().map(|(slot, _)| slot).collect();
        let mut defaults = vec![Value::Null; body.slots.len()];
        for column in &columns {
            defaults[column.slot] = column.fill.clone();
        }
        let shape =
            TableShape { table: row.id, slots: body.slots.clone(), defaults, version: row.version };
        Ok(Self {
            id: row.id,
            database,
            name: row.name.as_str().into(),
            auto: body.columns.iter().position(|column| column.auto),
            columns,
            primary,
            indexes,
            since,
            row,
            body: body.clone(),
            rules: OnceLock::new(),
            timestamps: (0..body.columns.len())
                .filter(|at| matches!(body.columns[*at].of, SqlType::Timestamp(_)))
                .collect(),
            shape: Arc::new(shape),
            slots,
            order,
            is_temporary: false,
        })
    }

    /// What it demands of its rows.
    ///
    /// # Errors
    /// The definition does not bind any more.
    pub fn rules(self: &Arc<Self>) -> Result<Arc<crate::exec::rules::Rules>> {
        if let Some(known) = self.rules.get() {
            return Ok(Arc::clone(known));
        }
        let bound = Arc::new(crate::exec::rules::Rules::of(self)?);
        Ok(Arc::clone(self.rules.get_or_init(|| bound)))
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// True where rows are numbered, for want of a primary key.
    pub fn is_keyless(&self) -> bool {
        self.primary.parts.is_empty()
    }

    /// A row's values, by column.
    ///
    /// # Errors
    /// 1712: bytes that do not parse.
    pub fn decode(&self, row: &[u8]) -> Result<Vec<Value>> {
        Ok(self.in_order(self.decode_slots(row, &self.slots)?))
    }

    /// The values of some slots of a row, in their order.
    ///
    /// # Errors
    /// As [`Table::decode`].
    pub fn decode_slots(&self, row: &[u8], slots: &[usize]) -> Result<Vec<Value>> {
        let wanted = slots.iter().map(|slot| (*slot, &self.body.slots[*slot]));
        let mut values = Vec::with_capacity(slots.len());
        RowReader::new(row)?.each(wanted, |slot, value| {
            values.push(value.unwrap_or_else(|| self.shape.defaults[slot].clone()));
        })?;
        Ok(values)
    }

    /// The values of a row of the tail, by column.
    ///
    /// # Errors
    /// As [`Table::decode`].
    pub fn read(&self, row: &RowRef) -> Result<Vec<Value>> {
        Ok(self.in_order(row.values(&self.shape, &self.slots)?))
    }

    /// The values of a row of an object, by column.
    ///
    /// # Errors
    /// 1030: it is not of the table's types.
    pub fn read_object(&self, row: &ObjectRow) -> Result<Vec<Value>> {
        Ok(self.in_order(row.values(&self.shape, &self.slots)?))
    }

    /// Values by slot become values by column.
    fn in_order(&self, values: Vec<Value>) -> Vec<Value> {
        let Some(order) = &self.order else { return values };
        let mut sorted = vec![Value::Null; values.len()];
        for (at, value) in order.iter().zip(values) {
            sorted[*at] = value;
        }
        sorted
    }

    /// A row as it is stored.
    ///
    /// # Errors
    /// More slots than a row may have.
    pub fn encode(&self, values: &[Value]) -> Result<Bytes> {
        let slots = self.body.slots.len();
        let mut out = Vec::with_capacity(64);
        // Columns are the slots, all of them and in their order, unless one was moved or dropped.
        if self.order.is_none() && self.slots.len() == slots && values.len() == slots {
            holdfast_value::row::encode(values, &mut out)?;
            return Ok(out.into());
        }
        let mut by_slot = vec![Value::Null; slots];
        for (column, value) in self.columns.iter().zip(values) {
            by_slot[column.slot] = value.clone();
        }
        holdfast_value::row::encode(&by_slot, &mut out)?;
        Ok(out.into())
    }

    /// The key of a row with a primary key.
    ///
    /// # Errors
    /// A value that is not of its type.
    pub fn key(&self, values: &[Value]) -> Result<Bytes> {
        self.primary.encode(values)
    }

    /// What an index has of a row.
    ///
    /// # Errors
    /// A value that is not of its type.
    pub fn entry(&self, index: &Index, values: &[Value], key: &Bytes) -> Result<(Bytes, Bytes)> {
        let mut out = Vec::with_capacity(32);
        index.key.encode_into(values, &mut out)?;
        if !index.is_settled(values) {
            out.extend_from_slice(key);
        }
        Ok((out.into(), index_row(key)?))
    }
}

/// The stored row of an index entry: the key of the row that it leads to.
pub fn index_row(key: &Bytes) -> Result<Bytes> {
    let mut out = Vec::with_capacity(key.len() + 8);
    holdfast_value::row::encode(&[Value::Bytes(key.clone())], &mut out)?;
    Ok(out.into())
}

/// What is read back of [`index_row`].
///
/// # Errors
/// 1712: bytes that do not parse.
pub fn row_key(row: &[u8]) -> Result<Bytes> {
    leads_to(RowReader::new(row)?.get(0, &INDEX.slots[0])?)
}

/// [`row_key`], of a row whose bytes the tail no longer has.
///
/// # Errors
/// 1712.
pub fn stored_row_key(row: &RowRef) -> Result<Bytes> {
    leads_to(row.values(&INDEX, &[0])?.pop())
}

/// [`row_key`], of a row of an object.
///
/// # Errors
/// 1030, 1712.
pub fn object_row_key(row: &ObjectRow) -> Result<Bytes> {
    leads_to(row.values(&INDEX, &[0])?.pop())
}

/// What all indexes' rows look like.
static INDEX: LazyLock<TableShape> = LazyLock::new(|| TableShape {
    table: TableId(0),
    slots: index_slots(),
    defaults: vec![Value::Null],
    version: 0,
});

fn leads_to(value: Option<Value>) -> Result<Bytes> {
    match value {
        Some(Value::Bytes(key)) => Ok(key),
        _ => Err(crate::error::SqlError::new(1712, "an index entry does not lead to a row")),
    }
}

/// The text of a system table's row.
///
/// # Errors
/// 1712.
pub fn stored_text(row: &RowRef) -> Result<Box<str>> {
    let shape = TableShape {
        table: TableId(0),
        slots: super::system::slots(),
        defaults: vec![Value::Null],
        version: 0,
    };
    match row.values(&shape, &[0])?.pop() {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(crate::error::SqlError::new(1712, "a catalog row has no text")),
    }
}

/// The one column of an index's hidden table.
pub fn index_slots() -> Vec<SqlType> {
    vec![SqlType::VarBinary(u32::MAX)]
}

impl Key {
    fn new(parts: Vec<KeyPart>, columns: &[Column]) -> Self {
        let encode = parts
            .iter()
            .map(|part| ValuePart {
                of: columns[usize::from(part.column)].of.clone(),
                descending: part.desc,
                prefix: part.prefix,
            })
            .collect();
        Self { parts, encode }
    }

    /// The key of a row's values, by column.
    ///
    /// # Errors
    /// A value that is not of its type.
    pub fn encode(&self, values: &[Value]) -> Result<Bytes> {
        let mut out = Vec::with_capacity(16);
        self.encode_into(values, &mut out)?;
        Ok(out.into())
    }

    fn encode_into(&self, values: &[Value], out: &mut Vec<u8>) -> Result<()> {
        for (part, encode) in self.parts.iter().zip(&self.encode) {
            holdfast_value::key::encode_part(&values[usize::from(part.column)], encode, out)?;
        }
        Ok(())
    }

    /// Appends the value of the key's column at `part`.
    ///
    /// # Errors
    /// A value that is not of its type.
    pub fn append(&self, part: usize, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        Ok(holdfast_value::key::encode_part(value, &self.encode[part], out)?)
    }

    /// The columns' positions.
    pub fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.parts.iter().map(|part| usize::from(part.column))
    }
}

impl Index {
    /// True where the columns alone name the row: unique, and none is NULL.
    pub fn is_settled(&self, values: &[Value]) -> bool {
        self.unique && self.key.columns().all(|column| !values[column].is_null())
    }
}

impl View {
    /// A view of its definition.
    pub fn new(row: TableRow, body: ViewBody, database: Arc<str>, since: Ts) -> Self {
        Self { database, name: row.name.as_str().into(), body, since, row }
    }
}

impl TableRow {
    /// The body of a table; a view has none.
    pub fn table(&self) -> Option<&TableBody> {
        match &self.kind {
            TableKind::Table(body) => Some(body),
            TableKind::View(_) => None,
        }
    }
}
