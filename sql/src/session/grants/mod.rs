//! Who may do what.
//!
//! ```text
//! *.*  or  the database's most specific entry  or  the table's entry
//! ```
//!
//! - G1: a privilege of a wider level holds in every narrower one.
//! - G2: of several patterns that fit a database one counts: its own name, else the
//!   pattern with the longest text before its first wildcard.
//! - G3: `information_schema` and `performance_schema` are read by everybody; what
//!   they show is what the account may see. Nobody changes them, nor `mysql`.
//!
//! Not here: names and bits (`privilege`), hosts (`host`), GRANT and REVOKE (`change`).

mod change;
mod host;
pub mod privilege;
mod text;

use holdfast_value::Collation;
use holdfast_value::collate::Pattern;

use crate::catalog::{AccountRow, Privileges};
use crate::error::{Result, SqlError};

pub use change::{granted, may_grant, no_such_account, revoked};
pub use host::{choose, host_matches};
pub use text::{show_create_user, show_grants};

/// Whether an account has all of `need` on a table, or, without one, on a database,
/// or, without either, on everything.
pub fn allows(
    account: &AccountRow,
    database: Option<&str>,
    table: Option<&str>,
    need: u64,
) -> bool {
    let mut have = account.global.0;
    if have & need == need {
        return true;
    }
    let Some(database) = database else { return false };
    if is_open(database) && need & !privilege::SELECT == 0 {
        return true;
    }
    have |= of_database(account, database).0;
    if have & need == need {
        return true;
    }
    let Some(table) = table else { return false };
    have |= of_table(account, database, table).0;
    have & need == need
}

/// G3.
fn is_open(database: &str) -> bool {
    ["information_schema", "performance_schema"]
        .iter()
        .any(|one| one.eq_ignore_ascii_case(database))
}

/// Whether an account has any privilege in a database: it sees it then.
pub fn sees_database(account: &AccountRow, database: &str) -> bool {
    let any = OF_ANYTHING | privilege::SHOW_DATABASES;
    account.global.0 & any != 0
        || is_open(database)
        || of_database(account, database).0 != 0
        || account.tables.iter().any(|(of, _, bits)| of == database && bits.0 != 0)
}

/// Whether an account has any privilege on a table: it sees it then.
pub fn sees_table(account: &AccountRow, database: &str, table: &str) -> bool {
    account.global.0 & OF_ANYTHING != 0
        || is_open(database)
        || of_database(account, database).0 & privilege::OF_TABLE != 0
        || of_table(account, database, table).0 != 0
}

const OF_ANYTHING: u64 = privilege::OF_TABLE & !privilege::GRANT;

fn of_database(account: &AccountRow, database: &str) -> Privileges {
    let mut best: Option<(usize, Privileges)> = None;
    for (pattern, bits) in &account.databases {
        if pattern == database {
            return *bits;
        }
        let Some(wild) = pattern.find(['%', '_', '\\']) else { continue };
        if best.is_none_or(|(length, _)| wild > length)
            && Pattern::new(pattern, Some('\\'), Collation::Binary).matches(database)
        {
            best = Some((wild, *bits));
        }
    }
    best.map(|(_, bits)| bits).unwrap_or_default()
}

fn of_table(account: &AccountRow, database: &str, table: &str) -> Privileges {
    let found = account.tables.iter().find(|(of, name, _)| of == database && name == table);
    found.map(|(_, _, bits)| *bits).unwrap_or_default()
}

/// `'user'@'host'`.
fn quoted(account: &AccountRow) -> String {
    format!("'{}'@'{}'", account.user, account.host)
}

/// # Errors
/// 1142 unless the account has all of `need` on the table.
pub fn check_table(account: &AccountRow, database: &str, table: &str, need: u64) -> Result<()> {
    let writes = need & !(privilege::SELECT | privilege::SHOW_VIEW) != 0;
    if !(writes && is_open(database)) && allows(account, Some(database), Some(table), need) {
        return Ok(());
    }
    let what = privilege::names(need);
    Err(SqlError::new(
        1142,
        format!("{what} command denied to user {} for table '{table}'", quoted(account)),
    ))
}

/// # Errors
/// 1044 unless the account has all of `need` on the database.
pub fn check_database(account: &AccountRow, database: &str, need: u64) -> Result<()> {
    let writes = need & !privilege::SELECT != 0;
    if !(writes && is_open(database)) && allows(account, Some(database), None, need) {
        return Ok(());
    }
    Err(no_database(account, database))
}

/// # Errors
/// 1044 unless the account has any privilege in the database: USE.
pub fn check_use(account: &AccountRow, database: &str) -> Result<()> {
    match sees_database(account, database) {
        true => Ok(()),
        false => Err(no_database(account, database)),
    }
}

fn no_database(account: &AccountRow, database: &str) -> SqlError {
    SqlError::new(
        1044,
        format!("Access denied for user {} to database '{database}'", quoted(account)),
    )
}

/// # Errors
/// 1227 unless the account has one of `any_of` on everything.
pub fn check_global(account: &AccountRow, any_of: u64) -> Result<()> {
    if account.global.0 & any_of != 0 {
        return Ok(());
    }
    let names = privilege::names(any_of).replace(", ", " or ");
    Err(SqlError::new(
        1227,
        format!(
            "Access denied; you need (at least one of) the {names} privilege(s) for this operation"
        ),
    ))
}

/// # Errors
/// 1227 unless the account may SET GLOBAL.
pub fn check_set_global(account: &AccountRow) -> Result<()> {
    check_global(account, privilege::SUPER | privilege::SYSTEM_VARIABLES_ADMIN)
}

/// 1045: a login that failed.
pub fn denied(user: &str, host: &str, with_password: bool) -> SqlError {
    let using = if with_password { "YES" } else { "NO" };
    SqlError::new(
        1045,
        format!("Access denied for user '{user}'@'{host}' (using password: {using})"),
    )
}

/// The account of `user@host` as `CURRENT_USER()` has it: the last `@` splits it.
pub fn split_account(name: &str) -> (&str, &str) {
    name.rsplit_once('@').unwrap_or((name, "%"))
}

#[cfg(test)]
mod tests;
