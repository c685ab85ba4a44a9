//! System variables.
//!
//! ```text
//! table (what there is) -> Globals (the server's values) -> Variables (a session's)
//!                                                               `-> Settings: typed, for statements
//! SET x = v: find -> whose, writable? -> check::take -> keep -> Settings::note
//! ```
//!
//! - V1 to V3: see `definition` and `globals`.
//! - V4: `Settings` always says what the values say.
//!
//! Not here: user variables (`expr::Facts`), the statement SET (the session), what a
//! setting does.

pub mod charset;
mod check;
mod definition;
mod globals;
mod mode;
mod settings;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_syntax::{Isolation, Scope};
use holdfast_value::{Collation, SqlType, Value, ValueError};

pub use definition::{Access, Definition, Kind, VariableScope, Weight};
pub use globals::{Globals, Identity};
pub use mode::SqlMode;
pub use settings::{IsolationLevel, Settings};
pub use table::VERSION;

use crate::error::{Result, SqlError};
use definition::find;
use globals::Snapshot;
use table::TABLE;

/// A session's system variables. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Variables {
    globals: Arc<Globals>,
    base: Arc<Snapshot>,
    own: Arc<BTreeMap<usize, Value>>,
    settings: Settings,
    next: NextTransaction,
    /// Variables that change without being set.
    pub moment: Moment,
}

/// Variables that change without being set: whoever runs statements keeps them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// What `@@timestamp` says unless it was set. [microseconds since 1970 UTC]
    pub now: i64,
    /// `@@last_insert_id`, `@@identity`.
    pub last_insert_id: u64,
    /// `@@warning_count`.
    pub warnings: u64,
    /// `@@error_count`.
    pub errors: u64,
    /// `@@pseudo_thread_id`.
    pub connection_id: u64,
}

/// What SET TRANSACTION without SESSION said of the next transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NextTransaction {
    /// ISOLATION LEVEL.
    pub isolation: Option<IsolationLevel>,
    /// READ ONLY, READ WRITE.
    pub read_only: Option<bool>,
}

/// What a SET did.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The variable.
    pub name: &'static str,
    /// Whether it means anything here.
    pub weight: Weight,
    /// The value was changed to fit.
    pub warning: Option<ValueError>,
}

impl Default for Variables {
    fn default() -> Self {
        Self::new(&Arc::default())
    }
}

/// 1193.
fn unknown(name: &str) -> SqlError {
    SqlError::new(1193, format!("Unknown system variable '{name}'"))
}

fn lookup(name: &str) -> Option<(usize, &'static Definition)> {
    let at = match name.bytes().any(|b| b.is_ascii_uppercase()) {
        true => find(&name.to_ascii_lowercase()),
        false => find(name),
    }?;
    Some((at, &TABLE[at]))
}

/// The type that a variable shows.
pub fn type_of(name: &str) -> Option<SqlType> {
    let (_, of) = lookup(name)?;
    Some(match of.kind {
        Kind::Flag | Kind::Signed { .. } => SqlType::BIGINT,
        Kind::Whole { .. } => SqlType::BIGINT_UNSIGNED,
        Kind::Real { .. } => SqlType::DOUBLE,
        Kind::Choice(_)
        | Kind::Text
        | Kind::Mode
        | Kind::Charset
        | Kind::Collation
        | Kind::Zone
        | Kind::Switches => SqlType::VarChar(1024, Collation::GeneralCi),
    })
}

/// A variable's definition.
///
/// # Errors
/// 1193.
pub fn definition_of(name: &str) -> Result<&'static Definition> {
    lookup(name).map(|(_, of)| of).ok_or_else(|| unknown(name))
}

/// Whether `@@global.x` or `@@session.x` may be read.
///
/// # Errors
/// 1193; 1238 for the scope that a variable does not have.
pub fn check_read(name: &str, scope: VariableScope) -> Result<()> {
    let of = definition_of(name)?;
    let whose = match (scope, of.scope) {
        (VariableScope::Global, VariableScope::Session) => "SESSION",
        (VariableScope::Session, VariableScope::Global) => "GLOBAL",
        _ => return Ok(()),
    };
    Err(SqlError::new(1238, format!("Variable '{}' is a {whose} variable", of.name)))
}

impl Variables {
    /// A new session's.
    pub fn new(globals: &Arc<Globals>) -> Self {
        let base = globals.snapshot();
        let settings = base.settings;
        Self {
            globals: Arc::clone(globals),
            base,
            own: Arc::default(),
            settings,
            next: NextTransaction::default(),
            moment: Moment::default(),
        }
    }

    /// As a new session's: COM_RESET_CONNECTION, COM_CHANGE_USER.
    pub fn reset(&mut self) {
        let connection_id = self.moment.connection_id;
        *self = Self::new(&self.globals);
        self.moment.connection_id = connection_id;
    }

    /// The settings, typed.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The value of `insert_id` for the statement that uses it, once.
    pub fn take_insert_id(&mut self) -> Option<u64> {
        self.settings.insert_id.take()
    }

    /// What the next transaction is told, once: its isolation, and whether it only reads.
    pub fn take_transaction(&mut self) -> (IsolationLevel, bool) {
        let next = std::mem::take(&mut self.next);
        (
            next.isolation.unwrap_or(self.settings.isolation),
            next.read_only.unwrap_or(self.settings.read_only),
        )
    }

    /// The value of a variable; `global`: the server's, not the session's.
    pub fn get(&self, name: &str, global: bool) -> Option<Value> {
        let (at, of) = lookup(name)?;
        if of.scope == VariableScope::Global || (global && of.scope == VariableScope::Both) {
            return self.globals.get(of.name);
        }
        if global {
            return None;
        }
        Some(self.session_value(at, of))
    }

    fn session_value(&self, at: usize, of: &Definition) -> Value {
        match of.name {
            "timestamp" => {
                Value::Double(self.settings.timestamp.unwrap_or(self.moment.now) as f64 / 1e6)
            }
            "last_insert_id" | "identity" => Value::UInt(self.moment.last_insert_id),
            "insert_id" => Value::UInt(self.settings.insert_id.unwrap_or(0)),
            "warning_count" => Value::UInt(self.moment.warnings),
            "error_count" => Value::UInt(self.moment.errors),
            "pseudo_thread_id" => Value::UInt(self.moment.connection_id),
            _ => self.own.get(&at).unwrap_or(&self.base.values[at]).clone(),
        }
    }

    /// SET of one variable. Whoever calls has checked the privilege that a global
    /// one needs.
    ///
    /// # Errors
    /// 1193, 1228, 1229, 1238, 1621 for what is not there or not to be set there;
    /// 1231, 1232 and others for the value; 1235 for what MySQL has and we do not.
    pub fn set(&mut self, scope: Scope, name: &str, value: &Value) -> Result<Effect> {
        let (at, of) = lookup(name).ok_or_else(|| unknown(name))?;
        may_set(of, scope)?;
        let is_global = scope == Scope::Global;
        let before = match is_global {
            true => self.globals.get(of.name).unwrap_or(Value::Null),
            false => self.session_value(at, of),
        };
        let (mut value, warning) = check::take(of, value, &before, self.settings.mode)?;
        if of.name == "transaction_isolation" {
            value = Value::text(isolation_named(&value)?.name());
        }
        let effect = Effect { name: of.name, weight: of.weight, warning };
        if scope == Scope::Next && self.put_next(of.name, &value) {
            return Ok(effect);
        }
        self.put(is_global, of.name, value);
        Ok(effect)
    }

    /// SET x = DEFAULT: the server's value, or for the server's the first one.
    ///
    /// # Errors
    /// As [`Variables::set`].
    pub fn set_default(&mut self, scope: Scope, name: &str) -> Result<Effect> {
        let (at, of) = lookup(name).ok_or_else(|| unknown(name))?;
        may_set(of, scope)?;
        let value = match (scope, of.scope) {
            (Scope::Global, _) | (_, VariableScope::Session) => globals::initial(of),
            _ => self.globals.snapshot().values[at].clone(),
        };
        let effect = Effect { name: of.name, weight: of.weight, warning: None };
        if scope == Scope::Next && self.put_next(of.name, &value) {
            return Ok(effect);
        }
        self.put(scope == Scope::Global, of.name, value);
        Ok(effect)
    }

    /// True where the variable is one that speaks of the next transaction.
    fn put_next(&mut self, name: &str, value: &Value) -> bool {
        match name {
            "transaction_isolation" => self.next.isolation = isolation_named(value).ok(),
            "transaction_read_only" => self.next.read_only = Some(*value == Value::Int(1)),
            _ => return false,
        }
        true
    }

    /// Keeps a value that was checked, and those that follow from it.
    fn put(&mut self, is_global: bool, name: &'static str, value: Value) {
        if let (Some((other, set_of)), Value::Text(text)) = (partner(name), &value) {
            let follows = match set_of {
                true => charset::collation_named(text).map(|of| of.charset),
                false => charset::charset_named(text).map(|of| of.collation),
            };
            if let Ok(follows) = follows {
                self.put_one(is_global, other, Value::text(follows));
            }
        }
        self.put_one(is_global, name, value);
    }

    fn put_one(&mut self, is_global: bool, name: &str, value: Value) {
        if is_global {
            return self.globals.put(name, value);
        }
        self.settings.note(name, &value);
        match (name, &value) {
            ("last_insert_id" | "identity", Value::UInt(id)) => self.moment.last_insert_id = *id,
            ("pseudo_thread_id", _) => {}
            _ => {
                if let Some(at) = find(name) {
                    Arc::make_mut(&mut self.own).insert(at, value);
                }
            }
        }
    }

    /// SET NAMES.
    ///
    /// # Errors
    /// 1115, 1273; 1253 where the two do not go together.
    pub fn set_names(&mut self, charset: Option<&str>, collation: Option<&str>) -> Result<()> {
        let charset = match charset {
            Some(name) => charset::charset_named(name)?.name,
            None => charset::charset_named("utf8mb4")?.name,
        };
        let collation = collation.map(charset::collation_named).transpose()?;
        if let Some(collation) = collation
            && collation.charset != charset
        {
            return Err(SqlError::new(
                1253,
                format!(
                    "COLLATION '{}' is not valid for CHARACTER SET '{charset}'",
                    collation.name
                ),
            ));
        }
        for name in ["character_set_client", "character_set_connection", "character_set_results"] {
            self.put(false, name, Value::text(charset));
        }
        if let Some(collation) = collation {
            self.put(false, "collation_connection", Value::text(collation.name));
        }
        Ok(())
    }

    /// SET CHARACTER SET.
    ///
    /// # Errors
    /// 1115.
    pub fn set_character_set(&mut self, charset: Option<&str>) -> Result<()> {
        let charset = charset::charset_named(charset.unwrap_or("utf8mb4"))?.name;
        for name in ["character_set_client", "character_set_results"] {
            self.put(false, name, Value::text(charset));
        }
        if let Some(collation) = self.get("collation_database", false) {
            self.put(false, "collation_connection", collation);
        }
        Ok(())
    }

    /// USE: the database's collation is shown. None: no database, the server's.
    pub fn use_database(&mut self, collation: Option<Collation>) {
        let name = collation.map(|of| Value::text(charset::name_of(of)));
        let name = name.or_else(|| self.get("collation_server", false));
        if let Some(name) = name {
            self.put(false, "collation_database", name);
        }
    }

    /// SET [GLOBAL | SESSION] TRANSACTION.
    ///
    /// # Errors
    /// 1235 for SERIALIZABLE.
    pub fn set_transaction(
        &mut self,
        scope: Scope,
        isolation: Option<Isolation>,
        read_only: Option<bool>,
    ) -> Result<()> {
        if let Some(isolation) = isolation {
            let name = match isolation {
                Isolation::ReadUncommitted => "READ-UNCOMMITTED",
                Isolation::ReadCommitted => "READ-COMMITTED",
                Isolation::RepeatableRead => "REPEATABLE-READ",
                Isolation::Serializable => "SERIALIZABLE",
            };
            self.set(scope, "transaction_isolation", &Value::text(name))?;
        }
        if let Some(read_only) = read_only {
            self.set(scope, "transaction_read_only", &Value::bool(read_only))?;
        }
        Ok(())
    }

    /// Every variable and its value as SHOW VARIABLES has it, by name.
    pub fn rows(&self, global: bool) -> Vec<(&'static str, String)> {
        let shown = |of: &'static Definition| {
            let value = self.get(of.name, global)?;
            Some((of.name, as_shown(of, &value)))
        };
        TABLE.iter().filter_map(shown).collect()
    }
}

/// `ON`, `10.000000`: a value as SHOW VARIABLES has it.
fn as_shown(of: &Definition, value: &Value) -> String {
    match (of.kind, value) {
        (_, Value::Null) => String::new(),
        (Kind::Flag, Value::Int(0)) => "OFF".to_owned(),
        (Kind::Flag, _) => "ON".to_owned(),
        (_, Value::Double(number)) => format!("{number:.6}"),
        _ => check::shown(value),
    }
}

/// The variable that changes along, and whether it names a character set.
fn partner(name: &str) -> Option<(&'static str, bool)> {
    Some(match name {
        "character_set_connection" => ("collation_connection", false),
        "character_set_database" => ("collation_database", false),
        "character_set_server" => ("collation_server", false),
        "collation_connection" => ("character_set_connection", true),
        "collation_database" => ("character_set_database", true),
        "collation_server" => ("character_set_server", true),
        _ => return None,
    })
}

fn isolation_named(value: &Value) -> Result<IsolationLevel> {
    match value {
        Value::Text(name) if &**name == "SERIALIZABLE" => Err(SqlError::unsupported(
            "ISOLATION LEVEL SERIALIZABLE; use REPEATABLE READ and lock rows with FOR SHARE",
        )),
        Value::Text(name) if name.starts_with("READ-") => Ok(IsolationLevel::ReadCommitted),
        _ => Ok(IsolationLevel::RepeatableRead),
    }
}

/// Whether a variable may be set there.
fn may_set(of: &Definition, scope: Scope) -> Result<()> {
    let name = of.name;
    if matches!(scope, Scope::Persist | Scope::PersistOnly) {
        return Err(SqlError::unsupported("SET PERSIST"));
    }
    if of.access == Access::ReadOnly {
        return Err(SqlError::new(1238, format!("Variable '{name}' is a read only variable")));
    }
    match (scope == Scope::Global, of.scope) {
        (true, VariableScope::Session) => Err(SqlError::new(
            1228,
            format!("Variable '{name}' is a SESSION variable and can't be used with SET GLOBAL"),
        )),
        (false, VariableScope::Global) => Err(SqlError::new(
            1229,
            format!("Variable '{name}' is a GLOBAL variable and should be set with SET GLOBAL"),
        )),
        (false, _) if of.access == Access::GlobalWrite => Err(SqlError::new(
            1621,
            format!("SESSION variable '{name}' is read-only. Use SET GLOBAL to assign the value"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
