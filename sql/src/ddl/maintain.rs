//! ANALYZE, OPTIMIZE, CHECK, REPAIR and CHECKSUM TABLE.

use bytes::Bytes;
use holdfast_syntax::{Maintenance, TableName};
use holdfast_tail::Direction;
use holdfast_value::{Collation, SqlType, Value};

use super::work::Work;
use super::{Answer, DdlDone, names};
use crate::catalog::{Entry, Table};
use crate::error::Result;
use crate::exec::view::whole;

/// One of them; nothing is locked: rows are read at one timestamp.
pub async fn run(work: &mut Work<'_>, kind: Maintenance, tables: &[TableName]) -> Result<DdlDone> {
    let current = work.statement.facts.database.clone();
    let mut rows = Vec::new();
    for name in tables {
        let (database, table) = names::split(name, current.as_deref())?;
        let shown = format!("{database}.{table}");
        match kind {
            Maintenance::Checksum => {
                let sum = match work.catalog.find(database, table) {
                    Some(Entry::Table(table)) => {
                        Value::UInt(u64::from(checksum(work, &table).await?))
                    }
                    _ => {
                        work.warn(1146, format!("Table '{shown}' doesn't exist"));
                        Value::Null
                    }
                };
                rows.push(vec![Value::text(shown), sum]);
            }
            _ => lines(work, kind, ((database, table), &shown), &mut rows).await?,
        }
    }
    let text = |length| SqlType::VarChar(length, Collation::default());
    let columns = match kind {
        Maintenance::Checksum => vec![("Table", text(128)), ("Checksum", SqlType::BIGINT_UNSIGNED)],
        _ => vec![
            ("Table", text(128)),
            ("Op", text(10)),
            ("Msg_type", text(10)),
            ("Msg_text", text(16_383)),
        ],
    };
    Ok(DdlDone { rows: Some(Answer { columns, rows }), ..DdlDone::default() })
}

async fn lines(
    work: &Work<'_>,
    kind: Maintenance,
    ((database, table), shown): ((&str, &str), &str),
    rows: &mut Vec<Vec<Value>>,
) -> Result<()> {
    let op = match kind {
        Maintenance::Analyze => "analyze",
        Maintenance::Optimize => "optimize",
        Maintenance::Check => "check",
        Maintenance::Repair => "repair",
        Maintenance::Checksum => "checksum",
    };
    let mut line = |what: &str, text: &str| {
        rows.push([shown, op, what, text].into_iter().map(Value::text).collect());
    };
    match (work.catalog.find(database, table), kind) {
        (None, _) => {
            line("Error", &format!("Table '{shown}' doesn't exist"));
            line("status", "Operation failed");
        }
        (Some(Entry::View(_)), Maintenance::Check) => line("status", "OK"),
        (Some(Entry::View(_)), _) => {
            line("Error", &format!("'{shown}' is not BASE TABLE"));
            line("status", "Operation failed");
        }
        (Some(Entry::Table(table)), Maintenance::Check) => match broken(work, &table).await? {
            None => line("status", "OK"),
            Some(what) => {
                line("error", &what);
                line("status", "Corrupt");
            }
        },
        (Some(Entry::Table(_)), Maintenance::Repair) => {
            line("note", "The storage engine for the table doesn't support repair");
        }
        (Some(Entry::Table(table)), Maintenance::Optimize) => {
            match work.engine.optimize(&table).await {
                Ok(()) => line("status", "OK"),
                Err(error) => {
                    line("Error", &error.message);
                    line("status", "Operation failed");
                }
            }
        }
        (Some(Entry::Table(_)), _) => line("status", "OK"),
    }
    Ok(())
}

/// What is wrong with a table's rows and indexes.
async fn broken(work: &Work<'_>, table: &Table) -> Result<Option<String>> {
    let view = work.view();
    let mut rows = view.range(table.id, whole(), Direction::Forward)?;
    let mut count = 0_u64;
    while let Some((key, row)) = rows.next().await? {
        let key = Bytes::copy_from_slice(&key);
        let values = match row.values(table) {
            Ok(values) => values,
            Err(error) => return Ok(Some(error.message)),
        };
        for index in &table.indexes {
            let (entry, _) = table.entry(index, &values, &key)?;
            let leads =
                view.get(index.id, &entry).await?.map(|found| found.leads_to()).transpose()?;
            if leads.as_ref() != Some(&key) {
                return Ok(Some(format!("Index '{}' has no entry for a row", index.name)));
            }
        }
        count += 1;
    }
    for index in &table.indexes {
        let mut entries = view.range(index.id, whole(), Direction::Forward)?;
        let mut found = 0_u64;
        while entries.next().await?.is_some() {
            found += 1;
        }
        if found != count {
            let text =
                format!("Index '{}' has {found} entries, the table {count} rows", index.name);
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// A sum of all values, whatever order they come in. Not MySQL's number.
async fn checksum(work: &Work<'_>, table: &Table) -> Result<u32> {
    let mut sum = 0_u32;
    let mut rows = work.view().range(table.id, whole(), Direction::Forward)?;
    while let Some((_, row)) = rows.next().await? {
        let mut hash = 0x811c_9dc5_u32;
        for (value, column) in row.values(table)?.iter().zip(&table.columns) {
            let mut bytes = Vec::new();
            match value {
                Value::Null => bytes.push(0),
                value => holdfast_value::show::write(value, &column.of, &mut bytes),
            }
            bytes.push(0xff);
            for byte in bytes {
                hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
            }
        }
        sum = sum.wrapping_add(hash);
    }
    Ok(sum)
}
