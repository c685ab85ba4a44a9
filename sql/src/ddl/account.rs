//! Accounts: CREATE, ALTER, DROP and RENAME USER, SET PASSWORD, GRANT, REVOKE.
//!
//! - U1: a password is hashed before it is kept; it is in no message.
//!
//! Not here: what privileges mean (`session::grants`), who may do this (`session`).

use holdfast_syntax::{
    AccountName, AccountOptions, AccountSpec, AlterUser, CreateUser, Grant, Identified,
};
use holdfast_wire::{Plugin, hash_password};

use super::DdlDone;
use super::work::Work;
use crate::catalog::definition::ROW_VERSION;
use crate::catalog::{AccountRow, Privileges, system};
use crate::error::{Result, SqlError};
use crate::session::grants;

/// The longest user. [characters]
const USER_MAX: usize = 32;
/// The longest host. [characters]
const HOST_MAX: usize = 255;

/// User and host.
type Key = (String, String);

/// The account that a name means.
fn key(work: &Work<'_>, name: &AccountName) -> Result<Key> {
    if name.current {
        let (user, host) = grants::split_account(&work.statement.facts.current_user);
        return Ok((user.to_owned(), host.to_owned()));
    }
    let too_long = |what: &str, text: &str, most: usize| {
        let text = format!(
            "String '{text}' is too long for {what} name (should be no longer than {most})"
        );
        Err(SqlError::new(1470, text))
    };
    if name.user.chars().count() > USER_MAX {
        return too_long("user", &name.user, USER_MAX);
    }
    if name.host.chars().count() > HOST_MAX {
        return too_long("host", &name.host, HOST_MAX);
    }
    if name.user.contains('\0') || name.host.contains('\0') {
        return Err(SqlError::new(1396, "Operation failed: a zero byte in an account's name"));
    }
    Ok((name.user.clone(), name.host.to_ascii_lowercase()))
}

fn quoted((user, host): &Key) -> String {
    format!("'{user}'@'{host}'")
}

fn failed(operation: &str, accounts: &[Key]) -> SqlError {
    let list: Vec<String> = accounts.iter().map(quoted).collect();
    SqlError::new(1396, format!("Operation {operation} failed for {}", list.join(",")))
}

async fn hold(work: &mut Work<'_>, accounts: &[Key]) -> Result<()> {
    work.hold(|_, wants| {
        accounts.iter().for_each(|(user, host)| wants.account(user, host));
        Ok(())
    })
    .await
}

fn put(work: &mut Work<'_>, row: &AccountRow) -> Result<()> {
    work.put(system::account_key(&row.user, &row.host), Some(system::encode(row)?));
    Ok(())
}

fn find(work: &Work<'_>, key: &Key) -> Option<AccountRow> {
    work.catalog.accounts.get(key).map(|row| (**row).clone())
}

/// CREATE USER: all of them or none.
pub async fn create(work: &mut Work<'_>, create: &CreateUser) -> Result<DdlDone> {
    check_options(&create.options)?;
    let keys = create.users.iter().map(|spec| key(work, &spec.name)).collect::<Result<Vec<_>>>()?;
    hold(work, &keys).await?;
    let is_there =
        |at: usize| work.catalog.accounts.contains_key(&keys[at]) || keys[..at].contains(&keys[at]);
    let known: Vec<Key> =
        (0..keys.len()).filter(|at| is_there(*at)).map(|at| keys[at].clone()).collect();
    if !known.is_empty() && !create.if_not_exists {
        return Err(failed("CREATE USER", &known));
    }
    for key in &known {
        work.warn(3163, format!("Authorization ID {} already exists.", quoted(key)));
    }
    for (spec, key) in create.users.iter().zip(&keys) {
        if known.contains(key) {
            continue;
        }
        let mut row = AccountRow {
            v: ROW_VERSION,
            user: key.0.clone(),
            host: key.1.clone(),
            plugin: Plugin::CachingSha2.name().to_owned(),
            auth: String::new(),
            locked: false,
            require_tls: false,
            global: Privileges::default(),
            databases: Vec::new(),
            tables: Vec::new(),
        };
        identify(work, &mut row, spec)?;
        set_options(&mut row, &create.options);
        put(work, &row)?;
    }
    Ok(DdlDone::default())
}

fn check_options(options: &AccountOptions) -> Result<()> {
    if options.expire {
        return Err(SqlError::unsupported("PASSWORD EXPIRE"));
    }
    Ok(())
}

fn set_options(row: &mut AccountRow, options: &AccountOptions) {
    row.locked = options.locked.unwrap_or(row.locked);
    row.require_tls = options.require_tls.unwrap_or(row.require_tls);
}

fn plugin(name: &str) -> Result<Plugin> {
    Plugin::of(&name.to_ascii_lowercase())
        .ok_or_else(|| SqlError::new(1524, format!("Plugin '{name}' is not loaded")))
}

/// U1.
fn identify(work: &Work<'_>, row: &mut AccountRow, spec: &AccountSpec) -> Result<()> {
    match &spec.identified {
        Identified::Unchanged => {}
        Identified::By { plugin: given, password } => {
            let of = plugin(given.as_deref().unwrap_or(&row.plugin))?;
            of.name().clone_into(&mut row.plugin);
            row.auth = hash_password(of, password.as_bytes(), &salt(work));
        }
        Identified::As { plugin: given, hash } => {
            let of = plugin(given)?;
            let auth = std::str::from_utf8(hash).ok().filter(|auth| is_hash(of, auth));
            let wrong =
                || SqlError::new(1827, "The password hash doesn't have the expected format.");
            row.auth = auth.ok_or_else(wrong)?.to_owned();
            of.name().clone_into(&mut row.plugin);
        }
        Identified::Plugin(given) => {
            plugin(given)?.name().clone_into(&mut row.plugin);
            row.auth.clear();
        }
    }
    Ok(())
}

fn is_hash(plugin: Plugin, auth: &str) -> bool {
    match plugin {
        _ if auth.is_empty() => true,
        Plugin::Native => {
            auth.len() == 41
                && auth.starts_with('*')
                && auth[1..].bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        Plugin::CachingSha2 => auth.len() == 70 && auth.starts_with("$A$"),
    }
}

/// 20 characters, neither zero nor `$`.
fn salt(work: &Work<'_>) -> [u8; 20] {
    let mut salt = [0; 20];
    work.engine.rng.fill(&mut salt);
    salt.map(|byte| match byte & 0x7f {
        0 | b'$' => (byte & 0x7f) + 1,
        byte => byte,
    })
}

/// ALTER USER.
pub async fn alter(work: &mut Work<'_>, alter: &AlterUser) -> Result<DdlDone> {
    check_options(&alter.options)?;
    let keys = alter.users.iter().map(|spec| key(work, &spec.name)).collect::<Result<Vec<_>>>()?;
    hold(work, &keys).await?;
    let unknown = missing(work, &keys);
    if !unknown.is_empty() && !alter.if_exists {
        return Err(failed("ALTER USER", &unknown));
    }
    note_missing(work, &unknown);
    for (spec, key) in alter.users.iter().zip(&keys) {
        let Some(mut row) = find(work, key) else { continue };
        identify(work, &mut row, spec)?;
        set_options(&mut row, &alter.options);
        put(work, &row)?;
    }
    Ok(DdlDone::default())
}

fn missing(work: &Work<'_>, keys: &[Key]) -> Vec<Key> {
    keys.iter().filter(|key| !work.catalog.accounts.contains_key(*key)).cloned().collect()
}

fn note_missing(work: &mut Work<'_>, unknown: &[Key]) {
    for key in unknown {
        work.warn(3162, format!("Authorization ID {} does not exist.", quoted(key)));
    }
}

/// DROP USER: all of them or none.
pub async fn remove(
    work: &mut Work<'_>,
    users: &[AccountName],
    if_exists: bool,
) -> Result<DdlDone> {
    let keys = users.iter().map(|name| key(work, name)).collect::<Result<Vec<_>>>()?;
    hold(work, &keys).await?;
    let unknown = missing(work, &keys);
    if !unknown.is_empty() && !if_exists {
        return Err(failed("DROP USER", &unknown));
    }
    note_missing(work, &unknown);
    for key in keys.iter().filter(|key| !unknown.contains(key)) {
        work.put(system::account_key(&key.0, &key.1), None);
    }
    Ok(DdlDone::default())
}

/// RENAME USER, in order.
pub async fn rename(work: &mut Work<'_>, pairs: &[(AccountName, AccountName)]) -> Result<DdlDone> {
    let mut steps = Vec::with_capacity(pairs.len());
    for (from, to) in pairs {
        steps.push((key(work, from)?, key(work, to)?));
    }
    let all: Vec<Key> = steps.iter().flat_map(|(from, to)| [from.clone(), to.clone()]).collect();
    hold(work, &all).await?;
    let mut accounts: std::collections::BTreeMap<Key, Option<AccountRow>> =
        all.iter().map(|key| (key.clone(), find(work, key))).collect();
    for (from, to) in &steps {
        let is_taken = accounts.get(to).is_some_and(Option::is_some);
        let row = accounts.get_mut(from).and_then(Option::take).filter(|_| !is_taken);
        let Some(mut row) = row else {
            return Err(failed("RENAME USER", std::slice::from_ref(from)));
        };
        (row.user, row.host) = to.clone();
        accounts.insert(to.clone(), Some(row));
    }
    for ((user, host), row) in accounts {
        let value = row.map(|row| system::encode(&row)).transpose()?;
        work.put(system::account_key(&user, &host), value);
    }
    Ok(DdlDone::default())
}

/// SET PASSWORD.
pub async fn set_password(
    work: &mut Work<'_>,
    user: Option<&AccountName>,
    password: &str,
) -> Result<DdlDone> {
    let own = AccountName { user: String::new(), host: String::new(), current: true };
    let key = key(work, user.unwrap_or(&own))?;
    hold(work, std::slice::from_ref(&key)).await?;
    let missing = || SqlError::new(1133, "Can't find any matching row in the user table");
    let mut row = find(work, &key).ok_or_else(missing)?;
    row.auth = hash_password(plugin(&row.plugin)?, password.as_bytes(), &salt(work));
    put(work, &row)?;
    Ok(DdlDone::default())
}

/// GRANT and REVOKE.
pub async fn grant(work: &mut Work<'_>, grant: &Grant, is_revoke: bool) -> Result<DdlDone> {
    let current = work.statement.facts.database.clone();
    let keys = grant.users.iter().map(|name| key(work, name)).collect::<Result<Vec<_>>>()?;
    hold(work, &keys).await?;
    check_target(work, grant, is_revoke)?;
    for key in &keys {
        let row = find(work, key);
        let row = match (row, is_revoke) {
            (Some(row), true) => grants::revoked(&row, grant, current.as_deref())?,
            (Some(row), false) => grants::granted(&row, grant, current.as_deref())?,
            (None, false) => return Err(grants::no_such_account()),
            (None, true) => {
                let text = format!(
                    "There is no such grant defined for user '{}' on host '{}'",
                    key.0, key.1
                );
                return Err(SqlError::new(1141, text));
            }
        };
        put(work, &row)?;
    }
    Ok(DdlDone::default())
}

/// # Errors
/// 1146: GRANT on a table that is not there, unless it is to be made.
fn check_target(work: &Work<'_>, grant: &Grant, is_revoke: bool) -> Result<()> {
    let holdfast_syntax::GrantLevel::Table(name) = &grant.on else { return Ok(()) };
    let makes = grant.all || grant.privileges.iter().any(|one| one.name == "CREATE");
    if is_revoke || makes {
        return Ok(());
    }
    let current = work.statement.facts.database.as_deref();
    let database = name.db.as_deref().or(current).ok_or_else(SqlError::no_database_selected)?;
    let is_known = work.catalog.find(database, &name.name).is_some()
        || crate::session::schema::find(database, &name.name).is_some();
    if is_known { Ok(()) } else { Err(SqlError::no_table(database, &name.name)) }
}
