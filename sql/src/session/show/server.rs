//! SHOW of the server: variables, counts, sessions, accounts, what it is made of.

use holdfast_syntax::AccountName;
use holdfast_value::{SqlType, Value};

use super::{COUNT, LONG, Shown, name, or_null, text};
use crate::catalog::AccountRow;
use crate::error::{Result, SqlError};
use crate::session::grants::{self, privilege};
use crate::session::seen::{Level, ProcessRow, Seen};
use crate::session::variables::charset::{CHARSETS, COLLATIONS};

/// What is shown of a statement without FULL. [characters]
const INFO_MAX: usize = 100;

pub(super) fn variables(seen: &Seen<'_>, global: bool) -> Shown {
    let rows = seen.variables.rows(global).into_iter();
    let rows = rows.map(|(title, value)| vec![text(title), text(value)]);
    Shown::new(&[("Variable_name", name(64)), ("Value", name(1024))]).with(rows.collect())
}

pub(super) fn status(seen: &Seen<'_>, global: bool) -> Shown {
    let counts = seen.server.counts((!global).then_some(seen.connection_id));
    let rows = counts.into_iter().map(|(title, count)| vec![text(title), text(count.to_string())]);
    Shown::new(&[("Variable_name", name(64)), ("Value", name(1024))]).with(rows.collect())
}

pub(super) fn warnings(
    seen: &Seen<'_>,
    errors: bool,
    (offset, limit): (u64, Option<u64>),
) -> Shown {
    let count = |number: Option<u64>| {
        number.map_or(usize::MAX, |number| usize::try_from(number).unwrap_or(usize::MAX))
    };
    let lines = seen.diagnostics.lines.iter();
    let lines = lines.filter(|line| !errors || line.level == Level::Error);
    let lines = lines.skip(count(Some(offset))).take(count(limit));
    let rows = lines.map(|line| {
        vec![text(line.level.name()), Value::UInt(line.code.into()), text(&line.message)]
    });
    Shown::new(&[("Level", name(7)), ("Code", COUNT), ("Message", name(512))]).with(rows.collect())
}

pub(super) fn count_warnings(seen: &Seen<'_>, errors: bool) -> Shown {
    let lines = seen.diagnostics.lines.iter();
    let (title, count) = match errors {
        true => {
            let count = lines.filter(|line| line.level == Level::Error).count();
            ("@@session.error_count", count as u64)
        }
        false => ("@@session.warning_count", seen.diagnostics.count),
    };
    Shown::new(&[(title, COUNT)]).with(vec![vec![Value::UInt(count)]])
}

/// Engine, support, comment, transactions, XA, savepoints.
pub(crate) const ENGINE: [&str; 6] = [
    "InnoDB",
    "DEFAULT",
    "Holdfast: supports transactions, row-level locking, and foreign keys",
    "YES",
    "NO",
    "YES",
];

pub(super) fn engines() -> Shown {
    let titles = [
        ("Engine", name(64)),
        ("Support", name(8)),
        ("Comment", name(80)),
        ("Transactions", name(3)),
        ("XA", name(3)),
        ("Savepoints", name(3)),
    ];
    Shown::new(&titles).with(vec![ENGINE.iter().map(text).collect()])
}

pub(super) fn engine(seen: &Seen<'_>, engine: &str, what: &str) -> Result<Shown> {
    if let Some(account) = &seen.account {
        grants::check_global(account, privilege::PROCESS)?;
    }
    if !engine.eq_ignore_ascii_case("InnoDB") {
        return Err(SqlError::new(1286, format!("Unknown storage engine '{engine}'")));
    }
    let shown = Shown::new(&[("Type", name(10)), ("Name", name(512)), ("Status", LONG)]);
    if what != "STATUS" {
        return Ok(shown);
    }
    let lines: Vec<String> =
        seen.server.counts(None).iter().map(|(title, count)| format!("{title} {count}")).collect();
    let row = vec![text("InnoDB"), text(""), text(lines.join("\n"))];
    Ok(shown.with(vec![row]))
}

/// Name, type.
pub(crate) const PLUGINS: [(&str, &str); 3] = [
    ("mysql_native_password", "AUTHENTICATION"),
    ("caching_sha2_password", "AUTHENTICATION"),
    ("InnoDB", "STORAGE ENGINE"),
];

pub(super) fn plugins() -> Shown {
    let titles = [
        ("Name", name(64)),
        ("Status", name(10)),
        ("Type", name(80)),
        ("Library", name(64)),
        ("License", name(80)),
    ];
    let rows = PLUGINS.iter().map(|(title, kind)| {
        vec![text(title), text("ACTIVE"), text(kind), Value::Null, text("Apache-2.0")]
    });
    Shown::new(&titles).with(rows.collect())
}

pub(super) fn charsets() -> Shown {
    let titles = [
        ("Charset", name(64)),
        ("Description", name(2048)),
        ("Default collation", name(64)),
        ("Maxlen", COUNT),
    ];
    let rows = CHARSETS.iter().map(|one| {
        vec![
            text(one.name),
            text(one.description),
            text(one.collation),
            Value::UInt(one.bytes_max.into()),
        ]
    });
    Shown::new(&titles).with(rows.collect())
}

pub(super) fn collations() -> Shown {
    let titles = [
        ("Collation", name(64)),
        ("Charset", name(64)),
        ("Id", COUNT),
        ("Default", name(3)),
        ("Compiled", name(3)),
        ("Sortlen", COUNT),
        ("Pad_attribute", name(9)),
    ];
    let rows = COLLATIONS.iter().map(|one| {
        vec![
            text(one.name),
            text(one.charset),
            Value::UInt(one.id.into()),
            text(if one.is_default { "Yes" } else { "" }),
            text("Yes"),
            Value::UInt(one.sort_length.into()),
            text(if one.no_pad { "NO PAD" } else { "PAD SPACE" }),
        ]
    });
    Shown::new(&titles).with(rows.collect())
}

/// The account that a statement names; another's needs a look into `mysql`.
fn account<'a>(seen: &'a Seen<'_>, named: Option<&AccountName>) -> Result<&'a AccountRow> {
    let (user, host) = match named {
        Some(named) if !named.current => (named.user.as_str(), named.host.as_str()),
        _ => grants::split_account(seen.user),
    };
    let missing = || {
        let text = format!("There is no such grant defined for user '{user}' on host '{host}'");
        SqlError::new(1141, text)
    };
    if format!("{user}@{host}") != seen.user {
        let asking = seen.account.as_ref().ok_or_else(missing)?;
        grants::check_database(asking, "mysql", privilege::SELECT)?;
    }
    let found = seen.catalog.accounts.get(&(user.to_owned(), host.to_owned()));
    found.map(|row| &**row).ok_or_else(missing)
}

pub(super) fn grants(seen: &Seen<'_>, named: Option<&AccountName>) -> Result<Shown> {
    let account = account(seen, named)?;
    let title = format!("Grants for {}@{}", account.user, account.host);
    let rows = grants::show_grants(account).into_iter().map(|line| vec![text(line)]);
    Ok(Shown::new(&[(&title, name(1024))]).with(rows.collect()))
}

pub(super) fn create_user(seen: &Seen<'_>, named: &AccountName) -> Result<Shown> {
    let account = account(seen, Some(named))?;
    let title = format!("CREATE USER for {}@{}", account.user, account.host);
    let row = vec![text(grants::show_create_user(account))];
    Ok(Shown::new(&[(&title, name(4096))]).with(vec![row]))
}

pub(super) fn privileges() -> Shown {
    let titles = [("Privilege", name(48)), ("Context", name(48)), ("Comment", name(96))];
    let title = |name: &str| {
        // `Create temporary tables`, but `BACKUP_ADMIN`.
        match name.contains('_') {
            true => name.to_owned(),
            false => name[..1].to_owned() + &name[1..].to_ascii_lowercase(),
        }
    };
    let rows = privilege::ALL
        .iter()
        .map(|one| vec![text(title(one.name)), text(one.context), text(one.comment)]);
    Shown::new(&titles).with(rows.collect())
}

/// The sessions that an account sees: its own, or with PROCESS all.
pub(crate) fn processes(seen: &Seen<'_>) -> Vec<ProcessRow> {
    let sees_all = seen.has_global(privilege::PROCESS);
    let user = grants::split_account(seen.user).0;
    let mut all = seen.server.processes();
    all.retain(|row| sees_all || row.user == user);
    all
}

pub(super) fn processlist(seen: &Seen<'_>, full: bool) -> Shown {
    let titles = [
        ("Id", COUNT),
        ("User", name(32)),
        ("Host", name(261)),
        ("db", name(64)),
        ("Command", name(16)),
        ("Time", SqlType::INT),
        ("State", name(64)),
        ("Info", LONG),
    ];
    let rows = processes(seen).into_iter().map(|row| {
        let info = row.info.map(|info| match full {
            true => info,
            false => info.chars().take(INFO_MAX).collect(),
        });
        vec![
            Value::UInt(row.id),
            text(row.user),
            text(row.host),
            or_null(row.database),
            text(row.command),
            Value::Int(i64::try_from(row.seconds).unwrap_or(i64::MAX)),
            text(row.state),
            or_null(info),
        ]
    });
    Shown::new(&titles).with(rows.collect())
}

/// 1305, 1360, 1539: there are none.
pub(super) fn no_routine(kind: &str, named: &str) -> SqlError {
    match kind {
        "TRIGGER" => SqlError::new(1360, "Trigger does not exist"),
        "EVENT" => SqlError::new(1539, format!("Unknown event '{named}'")),
        _ => SqlError::new(1305, format!("{kind} {named} does not exist")),
    }
}

pub(super) fn binary_log_status() -> Shown {
    Shown::new(&[
        ("File", name(255)),
        ("Position", COUNT),
        ("Binlog_Do_DB", name(255)),
        ("Binlog_Ignore_DB", name(255)),
        ("Executed_Gtid_Set", LONG),
    ])
}

/// 1381
pub(super) fn no_binary_log() -> SqlError {
    SqlError::new(1381, "You are not using binary logging")
}

pub(super) fn replica_status() -> Shown {
    Shown::new(&[
        ("Replica_IO_State", name(14)),
        ("Source_Host", name(255)),
        ("Source_User", name(96)),
        ("Source_Port", COUNT),
        ("Replica_IO_Running", name(3)),
        ("Replica_SQL_Running", name(3)),
        ("Seconds_Behind_Source", COUNT),
    ])
}

pub(super) fn replicas() -> Shown {
    Shown::new(&[
        ("Server_Id", COUNT),
        ("Host", name(255)),
        ("Port", COUNT),
        ("Source_Id", COUNT),
        ("Replica_UUID", name(36)),
    ])
}

pub(super) fn profiles() -> Shown {
    Shown::new(&[("Query_ID", COUNT), ("Duration", SqlType::DOUBLE), ("Query", LONG)])
}
