//! Privileges as tables, and what of the database `mysql` is shown.

use holdfast_value::Value;

use super::{
    COUNT, LONG, MIDDLE, MOMENT, NAME, Rows, SHORT, WORD, computed, count, def, text, yes_no,
};
use crate::catalog::AccountRow;
use crate::error::Result;
use crate::session::grants::privilege::{self, GRANT, Privilege, SELECT};
use crate::session::grants::{allows, split_account};
use crate::session::schema::VirtualTable;
use crate::session::seen::Seen;

/// The accounts whose privileges are seen: the session's own, and all for those who
/// may read `mysql`.
fn accounts<'a>(seen: &Seen<'a>) -> impl Iterator<Item = &'a AccountRow> {
    let sees_all = reads_mysql(seen);
    let (user, host) = split_account(seen.user);
    let all = seen.catalog.accounts.values();
    all.map(|row| &**row).filter(move |row| sees_all || (row.user == user && row.host == host))
}

fn reads_mysql(seen: &Seen<'_>) -> bool {
    seen.account.as_ref().is_some_and(|account| allows(account, Some("mysql"), None, SELECT))
}

fn grantee(account: &AccountRow) -> Value {
    text(format!("'{}'@'{}'", account.user, account.host))
}

/// The names of a set, USAGE where it is empty, and whether they may be given on.
fn types(bits: u64) -> impl Iterator<Item = (&'static str, Value)> {
    let usage = (bits & !GRANT == 0).then_some("USAGE");
    let named = privilege::ALL.iter().filter(move |one| one.bit != GRANT && bits & one.bit != 0);
    usage
        .into_iter()
        .chain(named.map(|one| one.name))
        .map(move |name| (name, yes_no(bits & GRANT != 0)))
}

pub(super) static USER_PRIVILEGES: VirtualTable = computed!(
    "information_schema",
    "USER_PRIVILEGES",
    user_privileges,
    [
        ("GRANTEE", MIDDLE),
        ("TABLE_CATALOG", MIDDLE),
        ("PRIVILEGE_TYPE", WORD),
        ("IS_GRANTABLE", SHORT),
    ]
);

pub(super) fn user_privileges(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for account in accounts(seen) {
        for (name, grantable) in types(account.global.0) {
            rows.push(vec![grantee(account), def(), text(name), grantable]);
        }
    }
    Ok(rows)
}

pub(super) static SCHEMA_PRIVILEGES: VirtualTable = computed!(
    "information_schema",
    "SCHEMA_PRIVILEGES",
    schema_privileges,
    [
        ("GRANTEE", MIDDLE),
        ("TABLE_CATALOG", MIDDLE),
        ("TABLE_SCHEMA", NAME),
        ("PRIVILEGE_TYPE", WORD),
        ("IS_GRANTABLE", SHORT),
    ]
);

pub(super) fn schema_privileges(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for account in accounts(seen) {
        for (database, bits) in &account.databases {
            for (name, grantable) in types(bits.0) {
                rows.push(vec![grantee(account), def(), text(database), text(name), grantable]);
            }
        }
    }
    Ok(rows)
}

pub(super) static TABLE_PRIVILEGES: VirtualTable = computed!(
    "information_schema",
    "TABLE_PRIVILEGES",
    table_privileges,
    [
        ("GRANTEE", MIDDLE),
        ("TABLE_CATALOG", MIDDLE),
        ("TABLE_SCHEMA", NAME),
        ("TABLE_NAME", NAME),
        ("PRIVILEGE_TYPE", WORD),
        ("IS_GRANTABLE", SHORT),
    ]
);

pub(super) fn table_privileges(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for account in accounts(seen) {
        for (database, table, bits) in &account.tables {
            for (name, grantable) in types(bits.0) {
                rows.push(vec![
                    grantee(account),
                    def(),
                    text(database),
                    text(table),
                    text(name),
                    grantable,
                ]);
            }
        }
    }
    Ok(rows)
}

pub(super) static COLUMN_PRIVILEGES: VirtualTable = computed!(
    "information_schema",
    "COLUMN_PRIVILEGES",
    none,
    [
        ("GRANTEE", MIDDLE),
        ("TABLE_CATALOG", MIDDLE),
        ("TABLE_SCHEMA", NAME),
        ("TABLE_NAME", NAME),
        ("COLUMN_NAME", WORD),
        ("PRIVILEGE_TYPE", WORD),
        ("IS_GRANTABLE", SHORT),
    ]
);

/// Privileges are not granted on columns.
pub(super) fn none(_: &Seen<'_>) -> Result<Rows> {
    Ok(Vec::new())
}

fn letter(bits: u64, one: &Privilege) -> Value {
    text(if bits & one.bit != 0 { "Y" } else { "N" })
}

pub(super) static MYSQL_USER: VirtualTable = computed!(
    "mysql",
    "user",
    users,
    [
        ("Host", NAME),
        ("User", NAME),
        ("Select_priv", SHORT),
        ("Insert_priv", SHORT),
        ("Update_priv", SHORT),
        ("Delete_priv", SHORT),
        ("Create_priv", SHORT),
        ("Drop_priv", SHORT),
        ("Reload_priv", SHORT),
        ("Shutdown_priv", SHORT),
        ("Process_priv", SHORT),
        ("File_priv", SHORT),
        ("Grant_priv", SHORT),
        ("References_priv", SHORT),
        ("Index_priv", SHORT),
        ("Alter_priv", SHORT),
        ("Show_db_priv", SHORT),
        ("Super_priv", SHORT),
        ("Create_tmp_table_priv", SHORT),
        ("Lock_tables_priv", SHORT),
        ("Execute_priv", SHORT),
        ("Repl_slave_priv", SHORT),
        ("Repl_client_priv", SHORT),
        ("Create_view_priv", SHORT),
        ("Show_view_priv", SHORT),
        ("Create_routine_priv", SHORT),
        ("Alter_routine_priv", SHORT),
        ("Create_user_priv", SHORT),
        ("Event_priv", SHORT),
        ("Trigger_priv", SHORT),
        ("Create_tablespace_priv", SHORT),
        ("ssl_type", SHORT),
        ("ssl_cipher", LONG),
        ("x509_issuer", LONG),
        ("x509_subject", LONG),
        ("max_questions", COUNT),
        ("max_updates", COUNT),
        ("max_connections", COUNT),
        ("max_user_connections", COUNT),
        ("plugin", WORD),
        ("authentication_string", LONG),
        ("password_expired", SHORT),
        ("password_last_changed", MOMENT),
        ("password_lifetime", COUNT),
        ("account_locked", SHORT),
        ("Create_role_priv", SHORT),
        ("Drop_role_priv", SHORT),
        ("Password_reuse_history", COUNT),
        ("Password_reuse_time", COUNT),
        ("Password_require_current", SHORT),
        ("User_attributes", LONG),
    ]
);

pub(super) fn users(seen: &Seen<'_>) -> Result<Rows> {
    if !reads_mysql(seen) {
        return Ok(Vec::new());
    }
    let row = |account: &AccountRow| {
        let bits = account.global.0;
        let fixed = |one: &&Privilege| one.column.is_some();
        let letters: Vec<Value> =
            privilege::ALL.iter().filter(fixed).map(|one| letter(bits, one)).collect();
        // The two that came with roles stand further back.
        let (first, roles) = letters.split_at(letters.len() - 2);
        let mut row = vec![text(&account.host), text(&account.user)];
        row.extend_from_slice(first);
        row.push(text(if account.require_tls { "ANY" } else { "" }));
        row.extend([text(""), text(""), text("")]);
        row.extend([count(0u32), count(0u32), count(0u32), count(0u32)]);
        row.extend([
            text(&account.plugin),
            text(&account.auth),
            text("N"),
            Value::Null,
            Value::Null,
        ]);
        row.push(text(if account.locked { "Y" } else { "N" }));
        row.extend_from_slice(roles);
        row.extend([Value::Null, Value::Null, Value::Null, Value::Null]);
        row
    };
    Ok(accounts(seen).map(row).collect())
}

pub(super) static MYSQL_DB: VirtualTable = computed!(
    "mysql",
    "db",
    databases,
    [
        ("Host", NAME),
        ("Db", NAME),
        ("User", NAME),
        ("Select_priv", SHORT),
        ("Insert_priv", SHORT),
        ("Update_priv", SHORT),
        ("Delete_priv", SHORT),
        ("Create_priv", SHORT),
        ("Drop_priv", SHORT),
        ("Grant_priv", SHORT),
        ("References_priv", SHORT),
        ("Index_priv", SHORT),
        ("Alter_priv", SHORT),
        ("Create_tmp_table_priv", SHORT),
        ("Lock_tables_priv", SHORT),
        ("Create_view_priv", SHORT),
        ("Show_view_priv", SHORT),
        ("Create_routine_priv", SHORT),
        ("Alter_routine_priv", SHORT),
        ("Execute_priv", SHORT),
        ("Event_priv", SHORT),
        ("Trigger_priv", SHORT),
    ]
);

pub(super) fn databases(seen: &Seen<'_>) -> Result<Rows> {
    if !reads_mysql(seen) {
        return Ok(Vec::new());
    }
    let mut rows: Rows = Vec::new();
    for account in accounts(seen) {
        for (database, bits) in &account.databases {
            let mut row = vec![text(&account.host), text(database), text(&account.user)];
            for column in &MYSQL_DB.columns[3..] {
                let of = privilege::ALL.iter().find(|one| one.column == Some(column.name));
                row.push(of.map_or(Value::Null, |one| letter(bits.0, one)));
            }
            rows.push(row);
        }
    }
    Ok(rows)
}

pub(super) static MYSQL_TABLES_PRIV: VirtualTable = computed!(
    "mysql",
    "tables_priv",
    tables,
    [
        ("Host", NAME),
        ("Db", NAME),
        ("User", NAME),
        ("Table_name", NAME),
        ("Grantor", MIDDLE),
        ("Timestamp", MOMENT),
        ("Table_priv", MIDDLE),
        ("Column_priv", MIDDLE),
    ]
);

pub(super) fn tables(seen: &Seen<'_>) -> Result<Rows> {
    if !reads_mysql(seen) {
        return Ok(Vec::new());
    }
    let mut rows: Rows = Vec::new();
    for account in accounts(seen) {
        for (database, table, bits) in &account.tables {
            let names = privilege::names(bits.0).split(", ").map(capital).collect::<Vec<_>>();
            rows.push(vec![
                text(&account.host),
                text(database),
                text(&account.user),
                text(table),
                text(""),
                Value::Null,
                text(names.join(",")),
                text(""),
            ]);
        }
    }
    Ok(rows)
}

/// `SHOW VIEW` -> `Show view`; `GRANT OPTION` is `Grant` in this table.
fn capital(name: &str) -> String {
    match name {
        "GRANT OPTION" => "Grant".to_owned(),
        "" => String::new(),
        name => name[..1].to_owned() + &name[1..].to_ascii_lowercase(),
    }
}
