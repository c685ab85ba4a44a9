//! Names of databases, tables, columns: where they are, whether they may be.

use holdfast_syntax::TableName;

use crate::catalog::{Catalog, DatabaseRow};
use crate::error::{Result, SqlError};

/// The most characters of a name.
const NAME_MAX: usize = 64;

/// Databases that nobody changes.
const CLOSED: [&str; 4] = ["information_schema", "performance_schema", "mysql", "sys"];

/// The database that a name means, and the table's name in it.
pub fn split<'a>(name: &'a TableName, current: Option<&'a str>) -> Result<(&'a str, &'a str)> {
    let database = name.db.as_deref().or(current).ok_or_else(SqlError::no_database_selected)?;
    check_open(database)?;
    Ok((database, &name.name))
}

/// # Errors
/// 1044 for the server's own databases.
pub fn check_open(database: &str) -> Result<()> {
    if CLOSED.iter().any(|closed| closed.eq_ignore_ascii_case(database)) {
        let text = format!("Access denied to database '{database}'");
        return Err(SqlError::new(1044, text));
    }
    Ok(())
}

/// # Errors
/// 1102, 1059: no name for a database.
pub fn check_database(name: &str) -> Result<()> {
    check(name, 1102, "database")
}

/// # Errors
/// 1103, 1059: no name for a table.
pub fn check_table(name: &str) -> Result<()> {
    check(name, 1103, "table")
}

/// # Errors
/// 1166, 1059: no name for a column.
pub fn check_column(name: &str) -> Result<()> {
    check(name, 1166, "column")
}

/// # Errors
/// 1280, 1059: no name for an index or constraint.
pub fn check_index(name: &str) -> Result<()> {
    if name.chars().count() > NAME_MAX {
        return Err(SqlError::new(1059, format!("Identifier name '{name}' is too long")));
    }
    if name.eq_ignore_ascii_case("PRIMARY") {
        return Err(SqlError::new(1280, format!("Incorrect index name '{name}'")));
    }
    // MySQL allows spaces at the end of these.
    check(name.trim_end_matches(' '), 1280, "index")
}

fn check(name: &str, code: u16, what: &str) -> Result<()> {
    if name.chars().count() > NAME_MAX {
        return Err(SqlError::new(1059, format!("Identifier name '{name}' is too long")));
    }
    if name.is_empty() || name.ends_with(' ') || name.contains('\0') {
        return Err(SqlError::new(code, format!("Incorrect {what} name '{name}'")));
    }
    Ok(())
}

/// A database's row.
pub fn database<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a DatabaseRow> {
    catalog.database(name).map(|row| &**row)
}

/// 1050.
pub fn taken(name: &str) -> SqlError {
    SqlError::new(1050, format!("Table '{name}' already exists"))
}

/// A collation of what options say; none where they say nothing.
///
/// # Errors
/// 1115, 1273, 1253.
pub fn collation(
    charset: Option<&str>,
    collation: Option<&str>,
) -> Result<Option<holdfast_value::Collation>> {
    use crate::bind::collation::{by_name, of_charset};
    let of_set = match charset {
        None => None,
        Some(name) => Some(
            of_charset(name)
                .ok_or_else(|| SqlError::new(1115, format!("Unknown character set: '{name}'")))?,
        ),
    };
    let Some(name) = collation else { return Ok(of_set) };
    let found =
        by_name(name).ok_or_else(|| SqlError::new(1273, format!("Unknown collation: '{name}'")))?;
    if let Some(charset) = charset
        && !belongs(&name.to_ascii_lowercase(), &charset.to_ascii_lowercase())
    {
        return Err(SqlError::new(
            1253,
            format!("COLLATION '{name}' is not valid for CHARACTER SET '{charset}'"),
        ));
    }
    Ok(Some(found))
}

fn belongs(collation: &str, charset: &str) -> bool {
    let set = collation.split('_').next().unwrap_or(collation);
    let same = |name: &str| if name == "utf8" { "utf8mb3".to_owned() } else { name.to_owned() };
    // A text that is BINARY has that as its collation whatever its set is.
    collation == "binary" || same(set) == same(charset)
}
