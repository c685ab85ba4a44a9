//! The server's values: what a session starts with.
//!
//! - V2: a session takes a snapshot when it begins; SET GLOBAL reaches those that
//!   begin later, and nobody's session values.
//! - V3: values are kept by place in the table, so there are as many as variables.
//!
//! Not here: a session's own values (`mod`).

use std::sync::Arc;

use holdfast_value::Value;
use parking_lot::RwLock;

use super::definition::{Definition, Initial, find};
use super::settings::Settings;
use super::table::TABLE;

/// What a server is, as its variables tell.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `hostname`.
    pub hostname: String,
    /// `server_uuid`.
    pub server_uuid: String,
    /// `server_id`.
    pub server_id: u32,
    /// `port`.
    pub port: u16,
    /// `max_connections`.
    pub max_connections: u64,
    /// `require_secure_transport`.
    pub require_tls: bool,
    /// `have_ssl`.
    pub has_tls: bool,
}

/// The server's values at one moment.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub values: Vec<Value>,
    pub settings: Settings,
}

/// The server's values.
#[derive(Debug)]
pub struct Globals {
    /// Replaced as a whole by SET GLOBAL.
    now: RwLock<Arc<Snapshot>>,
}

/// A variable's first value.
pub(super) fn initial(of: &Definition) -> Value {
    match of.initial {
        Initial::Flag(is_on) => Value::bool(is_on),
        Initial::Whole(number) => Value::UInt(number),
        Initial::Signed(number) => Value::Int(number),
        Initial::Real(number) => Value::Double(number),
        Initial::Text(text) => Value::text(text),
        Initial::Null => Value::Null,
    }
}

impl Default for Globals {
    fn default() -> Self {
        let values: Vec<Value> = TABLE.iter().map(initial).collect();
        let mut settings = Settings::default();
        for (of, value) in TABLE.iter().zip(&values) {
            settings.note(of.name, value);
        }
        Self { now: RwLock::new(Arc::new(Snapshot { values, settings })) }
    }
}

impl Globals {
    /// The values that a server begins with.
    pub fn new(identity: &Identity) -> Self {
        let globals = Self::default();
        let yes_no = |is_so: bool| Value::text(if is_so { "YES" } else { "DISABLED" });
        globals.put("hostname", Value::text(identity.hostname.as_str()));
        globals.put("server_uuid", Value::text(identity.server_uuid.as_str()));
        globals.put("server_id", Value::UInt(identity.server_id.into()));
        globals.put("port", Value::UInt(identity.port.into()));
        globals.put("max_connections", Value::UInt(identity.max_connections));
        globals.put("require_secure_transport", Value::bool(identity.require_tls));
        globals.put("have_ssl", yes_no(identity.has_tls));
        globals.put("have_openssl", yes_no(identity.has_tls));
        globals
    }

    /// Gives a variable a value that was checked.
    pub(super) fn put(&self, name: &str, value: Value) {
        let Some(at) = find(name) else { return };
        let mut now = self.now.write();
        let changed = Arc::make_mut(&mut now);
        changed.settings.note(name, &value);
        changed.values[at] = value;
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<Value> {
        find(name).map(|at| self.now.read().values[at].clone())
    }

    /// What new sessions begin with.
    pub fn settings(&self) -> Settings {
        self.now.read().settings
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.now.read())
    }
}
