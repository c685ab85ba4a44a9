//! Variables as statements use them: typed, read without a look-up.
//!
//! Not here: their names and texts (`table`, `mod`).

use holdfast_value::{Collation, Value, Zone};

use super::charset;
use super::mode::SqlMode;

/// What a transaction sees. MySQL's other two are not run: READ UNCOMMITTED is
/// taken for READ COMMITTED, SERIALIZABLE is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IsolationLevel {
    /// As of its first read.
    #[default]
    RepeatableRead,
    /// As of each statement.
    ReadCommitted,
}

impl IsolationLevel {
    /// `REPEATABLE-READ`.
    pub fn name(self) -> &'static str {
        match self {
            Self::RepeatableRead => "REPEATABLE-READ",
            Self::ReadCommitted => "READ-COMMITTED",
        }
    }
}

/// A session's settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// `sql_mode`.
    pub mode: SqlMode,
    /// `autocommit`.
    pub autocommit: bool,
    /// `transaction_isolation`, of transactions to come.
    pub isolation: IsolationLevel,
    /// `transaction_read_only`, of transactions to come.
    pub read_only: bool,
    /// `time_zone`.
    pub zone: Zone,
    /// `collation_connection`.
    pub collation: Collation,
    /// `character_set_results` is `binary` or NULL: texts go out as they are, without
    /// a character set.
    pub results_as_is: bool,
    /// `innodb_lock_wait_timeout`. [s]
    pub lock_wait_s: u64,
    /// `lock_wait_timeout`: for definitions. [s]
    pub definition_wait_s: u64,
    /// `foreign_key_checks`.
    pub foreign_keys: bool,
    /// `max_execution_time`; none: no limit. [ms]
    pub execution_ms: Option<u64>,
    /// `wait_timeout`. [s]
    pub idle_s: u64,
    /// `interactive_timeout`. [s]
    pub interactive_idle_s: u64,
    /// `net_read_timeout`. [s]
    pub read_s: u64,
    /// `net_write_timeout`. [s]
    pub write_s: u64,
    /// `sql_select_limit`; none: no limit. [rows]
    pub select_limit: Option<u64>,
    /// `max_allowed_packet`. [bytes]
    pub bytes_max: u64,
    /// `auto_increment_increment`.
    pub auto_step: u64,
    /// `auto_increment_offset`.
    pub auto_offset: u64,
    /// `sql_safe_updates`.
    pub safe_updates: bool,
    /// `group_concat_max_len`. [bytes]
    pub group_concat_max: u64,
    /// `div_precision_increment`.
    pub div_scale: u8,
    /// `cte_max_recursion_depth`.
    pub recursion_max: u64,
    /// `sql_require_primary_key`.
    pub needs_primary_key: bool,
    /// `timestamp` where it was set: what `NOW()` says. [microseconds since 1970 UTC]
    pub timestamp: Option<i64>,
    /// `insert_id` where it was set: the next AUTO_INCREMENT value; the statement that
    /// uses it clears it.
    pub insert_id: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: SqlMode::default(),
            autocommit: true,
            isolation: IsolationLevel::default(),
            read_only: false,
            zone: Zone::default(),
            collation: Collation::default(),
            results_as_is: false,
            lock_wait_s: 50,
            definition_wait_s: 31_536_000,
            foreign_keys: true,
            execution_ms: None,
            idle_s: 28_800,
            interactive_idle_s: 28_800,
            read_s: 30,
            write_s: 60,
            select_limit: None,
            bytes_max: 64 << 20,
            auto_step: 1,
            auto_offset: 1,
            safe_updates: false,
            group_concat_max: 1024,
            div_scale: 4,
            recursion_max: 1000,
            needs_primary_key: false,
            timestamp: None,
            insert_id: None,
        }
    }
}

impl Settings {
    /// Takes over the value of one variable; of most there is nothing to take.
    pub(super) fn note(&mut self, name: &str, value: &Value) {
        match value {
            Value::Int(number) => self.note_flag(name, *number != 0),
            Value::UInt(number) => self.note_number(name, *number),
            Value::Text(text) => self.note_text(name, text),
            Value::Null if name == "character_set_results" => self.results_as_is = true,
            Value::Double(seconds) if name == "timestamp" => {
                let micros = (*seconds > 0.0).then_some((seconds * 1e6).round() as i64);
                self.timestamp = micros;
            }
            _ => {}
        }
    }

    fn note_flag(&mut self, name: &str, is_on: bool) {
        match name {
            "autocommit" => self.autocommit = is_on,
            "transaction_read_only" => self.read_only = is_on,
            "foreign_key_checks" => self.foreign_keys = is_on,
            "sql_safe_updates" => self.safe_updates = is_on,
            "sql_require_primary_key" => self.needs_primary_key = is_on,
            _ => {}
        }
    }

    fn note_number(&mut self, name: &str, number: u64) {
        match name {
            "innodb_lock_wait_timeout" => self.lock_wait_s = number,
            "lock_wait_timeout" => self.definition_wait_s = number,
            "max_execution_time" => self.execution_ms = (number > 0).then_some(number),
            "wait_timeout" => self.idle_s = number,
            "interactive_timeout" => self.interactive_idle_s = number,
            "net_read_timeout" => self.read_s = number,
            "net_write_timeout" => self.write_s = number,
            "sql_select_limit" => self.select_limit = (number < u64::MAX).then_some(number),
            "max_allowed_packet" => self.bytes_max = number,
            "auto_increment_increment" => self.auto_step = number,
            "auto_increment_offset" => self.auto_offset = number,
            "group_concat_max_len" => self.group_concat_max = number,
            "div_precision_increment" => self.div_scale = u8::try_from(number).unwrap_or(30),
            "cte_max_recursion_depth" => self.recursion_max = number,
            "insert_id" => self.insert_id = (number > 0).then_some(number),
            _ => {}
        }
    }

    fn note_text(&mut self, name: &str, text: &str) {
        match name {
            "sql_mode" => self.mode = SqlMode::parse(text).unwrap_or_default(),
            "transaction_isolation" => {
                self.isolation = match text {
                    "READ-COMMITTED" | "READ-UNCOMMITTED" => IsolationLevel::ReadCommitted,
                    _ => IsolationLevel::RepeatableRead,
                }
            }
            "time_zone" => self.zone = Zone::parse(text).unwrap_or_default(),
            "collation_connection" => {
                self.collation =
                    charset::collation_named(text).map_or(self.collation, |of| of.means)
            }
            "character_set_results" => self.results_as_is = text == "binary",
            _ => {}
        }
    }
}
