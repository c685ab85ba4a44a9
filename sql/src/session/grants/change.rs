//! What GRANT and REVOKE make of an account.
//!
//! Not here: storing it (`ddl`), who may (`may_grant` says, the session asks).

use holdfast_syntax::{Grant, GrantLevel};

use super::privilege::{self, DYNAMIC, GRANT, OF_DATABASE, OF_TABLE, STATIC};
use crate::catalog::{AccountRow, Privileges};
use crate::error::{Result, SqlError};

/// The privileges that a GRANT or REVOKE names, and where, with the current database
/// put in.
enum Level<'a> {
    Global,
    Database(&'a str),
    Table(&'a str, &'a str),
}

fn level<'a>(grant: &'a Grant, current: Option<&'a str>) -> Result<Level<'a>> {
    let or_current = |name: &'a Option<String>| {
        name.as_deref().or(current).ok_or_else(SqlError::no_database_selected)
    };
    Ok(match &grant.on {
        GrantLevel::Global => Level::Global,
        GrantLevel::Database(name) => Level::Database(or_current(name)?),
        GrantLevel::Table(name) => Level::Table(or_current(&name.db)?, &name.name),
    })
}

/// 1410: GRANT does not make accounts.
pub fn no_such_account() -> SqlError {
    SqlError::new(1410, "You are not allowed to create a user with GRANT")
}

/// The bits that are meant.
fn bits(grant: &Grant, level: &Level<'_>) -> Result<u64> {
    let legal = match level {
        Level::Global => STATIC | DYNAMIC,
        Level::Database(_) => OF_DATABASE,
        Level::Table(..) => OF_TABLE,
    };
    let mut bits = if grant.all { legal & !GRANT } else { 0 };
    if grant.grant_option {
        bits |= GRANT;
    }
    for named in &grant.privileges {
        if !named.columns.is_empty() {
            return Err(SqlError::unsupported("privileges on columns"));
        }
        if named.name == "USAGE" {
            continue;
        }
        let unknown = || {
            let text =
                format!("Dynamic privilege '{}' is not registered with the server.", named.name);
            SqlError::new(3929, text)
        };
        bits |= privilege::named(&named.name).ok_or_else(unknown)?.bit;
    }
    if bits & !legal == 0 {
        return Ok(bits);
    }
    Err(match level {
        Level::Table(..) => SqlError::new(
            1144,
            "Illegal GRANT/REVOKE command; please consult the manual to see which privileges can be used",
        ),
        _ => SqlError::new(1221, "Incorrect usage of DB GRANT and GLOBAL PRIVILEGES"),
    })
}

/// The account after a GRANT.
///
/// # Errors
/// 1046, 1144, 1221, 1235, 3929.
pub fn granted(account: &AccountRow, grant: &Grant, current: Option<&str>) -> Result<AccountRow> {
    let level = level(grant, current)?;
    let bits = bits(grant, &level)?;
    let mut account = account.clone();
    match level {
        Level::Global => account.global.0 |= bits,
        Level::Database(name) => {
            match account.databases.iter_mut().find(|(of, _)| of == name) {
                Some((_, have)) => have.0 |= bits,
                None => account.databases.push((name.to_owned(), Privileges(bits))),
            }
            account.databases.retain(|(_, have)| have.0 != 0);
        }
        Level::Table(database, name) => {
            let found =
                account.tables.iter_mut().find(|(of, table, _)| of == database && table == name);
            match found {
                Some((_, _, have)) => have.0 |= bits,
                None => {
                    account.tables.push((database.to_owned(), name.to_owned(), Privileges(bits)));
                }
            }
            account.tables.retain(|(_, _, have)| have.0 != 0);
        }
    }
    Ok(account)
}

/// The account after a REVOKE. `REVOKE ALL PRIVILEGES, GRANT OPTION` takes everything
/// on every level.
///
/// # Errors
/// 1141, 1147 where nothing of it was granted; as [`granted`].
pub fn revoked(account: &AccountRow, revoke: &Grant, current: Option<&str>) -> Result<AccountRow> {
    let level = level(revoke, current)?;
    let bits = bits(revoke, &level)?;
    let mut account = account.clone();
    let who = format!("user '{}' on host '{}'", account.user, account.host);
    match level {
        Level::Global => {
            account.global.0 &= !bits;
            if revoke.all && revoke.grant_option {
                account.databases.clear();
                account.tables.clear();
            }
        }
        Level::Database(name) => {
            let found = account.databases.iter_mut().find(|(of, _)| of == name);
            let missing =
                || SqlError::new(1141, format!("There is no such grant defined for {who}"));
            let (_, have) = found.ok_or_else(missing)?;
            have.0 &= !bits;
            account.databases.retain(|(_, have)| have.0 != 0);
        }
        Level::Table(database, name) => {
            let found =
                account.tables.iter_mut().find(|(of, table, _)| of == database && table == name);
            let missing = || {
                SqlError::new(
                    1147,
                    format!("There is no such grant defined for {who} on table '{name}'"),
                )
            };
            let (_, _, have) = found.ok_or_else(missing)?;
            have.0 &= !bits;
            account.tables.retain(|(_, _, have)| have.0 != 0);
        }
    }
    Ok(account)
}

/// Whether an account may give or take what a GRANT or REVOKE names: it needs GRANT
/// OPTION there, and what it gives.
///
/// # Errors
/// 1045, 1044, 1142 as MySQL says it; as [`granted`].
pub fn may_grant(granter: &AccountRow, grant: &Grant, current: Option<&str>) -> Result<()> {
    let level = level(grant, current)?;
    let need = bits(grant, &level)? | GRANT;
    match level {
        Level::Global if granter.global.0 & need == need => Ok(()),
        Level::Global => Err(super::denied(&granter.user, &granter.host, true)),
        Level::Database(name) => super::check_database(granter, name, need),
        Level::Table(database, name) => super::check_table(granter, database, name, need),
    }
}
