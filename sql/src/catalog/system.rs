//! Rows of the system tables: keys, encoding, shapes.
//!
//! A system table's row is one text, JSON; its key says what it describes.

use bytes::Bytes;
use holdfast_api::txn::RowKey;
use holdfast_base::TableId;
use holdfast_value::row::RowReader;
use holdfast_value::{Collation, LobSize, SqlType, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::definition::{ACCOUNTS, COUNTERS, DATABASES, MANIFESTS, NAMES, TABLES};
use crate::error::{Result, SqlError};

/// Every system table.
pub const SYSTEM_TABLES: [TableId; 6] = [DATABASES, TABLES, NAMES, ACCOUNTS, COUNTERS, MANIFESTS];

/// The one column of a system table.
pub fn slots() -> Vec<SqlType> {
    vec![SqlType::Text(LobSize::Long, Collation::Bin)]
}

/// The key of a database.
pub fn database_key(id: u64) -> RowKey {
    RowKey { table: DATABASES, key: Bytes::copy_from_slice(&id.to_be_bytes()) }
}

/// The key of a table or view.
pub fn table_key(id: TableId) -> RowKey {
    RowKey { table: TABLES, key: Bytes::copy_from_slice(&id.0.to_be_bytes()) }
}

/// The key of a name in a database; database 0 holds the databases' own names.
pub fn name_key(database: u64, name: &str) -> RowKey {
    let mut key = database.to_be_bytes().to_vec();
    key.extend_from_slice(name.as_bytes());
    RowKey { table: NAMES, key: key.into() }
}

/// The key of an account.
pub fn account_key(user: &str, host: &str) -> RowKey {
    let mut key = user.as_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(host.as_bytes());
    RowKey { table: ACCOUNTS, key: key.into() }
}

/// The key of the counter of ids.
pub fn id_counter_key() -> RowKey {
    RowKey { table: COUNTERS, key: Bytes::from_static(b"id") }
}

/// The key of the counter of hidden row numbers.
pub fn row_counter_key() -> RowKey {
    RowKey { table: COUNTERS, key: Bytes::from_static(b"row") }
}

/// The key of a table's AUTO_INCREMENT.
pub fn auto_key(table: TableId) -> RowKey {
    let mut key = b"auto".to_vec();
    key.extend_from_slice(&table.0.to_be_bytes());
    RowKey { table: COUNTERS, key: key.into() }
}

/// A row as it is stored.
///
/// # Errors
/// What does not encode as JSON: nothing of ours.
pub fn encode(row: &impl Serialize) -> Result<Bytes> {
    encode_text(&serde_json::to_string(row).map_err(SqlError::internal)?)
}

/// A row's text as it is stored.
///
/// # Errors
/// None that a text could cause.
pub fn encode_text(text: &str) -> Result<Bytes> {
    let mut out = Vec::with_capacity(text.len() + 8);
    holdfast_value::row::encode(&[Value::text(text)], &mut out)?;
    Ok(out.into())
}

/// The key of what excludes two edits of a table's manifest.
pub fn manifest_key(table: TableId) -> RowKey {
    RowKey { table: MANIFESTS, key: Bytes::copy_from_slice(&table.0.to_be_bytes()) }
}

/// A row's text as what it describes.
///
/// # Errors
/// 1712: it does not parse.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| SqlError::new(1712, format!("a catalog row does not parse: {error}")))
}

/// The inverse of [`encode`].
///
/// # Errors
/// 1712: it does not parse.
pub fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T> {
    match RowReader::new(row)?.get(0, &slots()[0])? {
        Some(Value::Text(text)) => parse(&text),
        _ => Err(SqlError::new(1712, "a catalog row has no text")),
    }
}
