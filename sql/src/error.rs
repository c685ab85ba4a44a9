//! What a client is told: MySQL's error number, SQLSTATE and text.
//!
//! Not here: the packet (`wire`), what is wrong with a value (`value`).

use holdfast_api::log::LogError;
use holdfast_api::meta::MetaError;
use holdfast_api::txn::TxnError;
use holdfast_value::ValueError;

/// An error as a MySQL client sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ERROR {code} ({state}): {message}")]
pub struct SqlError {
    /// MySQL's number.
    pub code: u16,
    /// Five characters.
    pub state: &'static str,
    /// What happened.
    pub message: String,
}

/// What most of this crate returns.
pub type Result<T, E = SqlError> = std::result::Result<T, E>;

impl SqlError {
    /// An error of MySQL's table.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, state: state_of(code), message: message.into() }
    }

    /// 1235: MySQL has it, Holdfast does not.
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(1235, format!("This version of Holdfast doesn't yet support '{what}'"))
    }

    /// 1064.
    pub fn syntax(what: impl std::fmt::Display) -> Self {
        Self::new(1064, format!("You have an error in your SQL syntax; {what}"))
    }

    /// 1105: what should not happen; says what did.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::new(1105, format!("Holdfast met a case that it does not know: {what}"))
    }

    /// 1054.
    pub fn unknown_column(name: impl std::fmt::Display, place: &str) -> Self {
        Self::new(1054, format!("Unknown column '{name}' in '{place}'"))
    }

    /// 1146.
    pub fn no_table(database: &str, table: &str) -> Self {
        Self::new(1146, format!("Table '{database}.{table}' doesn't exist"))
    }

    /// 1049.
    pub fn no_database(name: &str) -> Self {
        Self::new(1049, format!("Unknown database '{name}'"))
    }

    /// 1046.
    pub fn no_database_selected() -> Self {
        Self::new(1046, "No database selected")
    }

    /// 1062.
    pub fn duplicate(entry: impl std::fmt::Display, key: impl std::fmt::Display) -> Self {
        Self::new(1062, format!("Duplicate entry '{entry}' for key '{key}'"))
    }

    /// 1213: the transaction is over, the client may try it again.
    pub fn deadlock() -> Self {
        Self::new(1213, "Deadlock found when trying to get lock; try restarting transaction")
    }

    /// 1412.
    pub fn table_changed() -> Self {
        Self::new(1412, "Table definition has changed, please retry transaction")
    }

    /// True where the whole transaction is rolled back, not the statement alone.
    pub fn ends_transaction(&self) -> bool {
        matches!(self.code, 1213 | 1412)
    }
}

/// The SQLSTATE that MySQL gives with a number.
fn state_of(code: u16) -> &'static str {
    match code {
        1040 | 1203 => "08004",
        1043 | 1047 | 1053 | 1184 => "08S01",
        1044 | 1049 | 1065 | 1061 | 1064 | 1067 | 1068 | 1069 | 1070 | 1071 | 1072 | 1073
        | 1074 | 1075 | 1090 | 1091 | 1101 | 1103 | 1110 | 1112 | 1113 | 1115 | 1118 | 1120
        | 1121 | 1131 | 1132 | 1133 | 1138 | 1139 | 1140 | 1141 | 1142 | 1143 | 1144 | 1145
        | 1147 | 1148 | 1149 | 1162 | 1163 | 1164 | 1166 | 1167 | 1170 | 1171 | 1172 | 1173
        | 1176 | 1177 | 1178 | 1226 | 1227 | 1230 | 1231 | 1232 | 1234 | 1235 | 1239 | 1247
        | 1248 | 1250 | 1252 | 1253 | 1280 | 1281 | 1286 | 1304 | 1305 | 1370 | 1582 | 1583
        | 1584 | 3948 => "42000",
        1045 | 1251 => "28000",
        1046 => "3D000",
        1048 | 1022 | 1052 | 1062 | 1169 | 1216 | 1217 | 1451 | 1452 | 1586 => "23000",
        1050 => "42S01",
        1051 | 1109 | 1146 => "42S02",
        1054 => "42S22",
        1060 => "42S21",
        1055 | 1056 | 1057 | 1059 => "42000",
        1058 | 1136 | 1222 => "21S01",
        1241 | 1242 => "21000",
        1205 | 1206 | 1689 => "HY000",
        1213 | 1614 => "40001",
        1264 | 1690 => "22003",
        1292 => "22007",
        1317 => "70100",
        1365 => "22012",
        1406 => "22001",
        1568 | 1792 => "25001",
        _ => "HY000",
    }
}

impl From<ValueError> for SqlError {
    fn from(error: ValueError) -> Self {
        Self { code: error.code(), state: error.state(), message: error.to_string() }
    }
}

impl From<holdfast_syntax::SyntaxError> for SqlError {
    fn from(error: holdfast_syntax::SyntaxError) -> Self {
        Self { code: error.code(), state: error.state(), message: error.to_string() }
    }
}

impl From<holdfast_tail::TailError> for SqlError {
    fn from(error: holdfast_tail::TailError) -> Self {
        use holdfast_tail::TailError as T;
        match error {
            T::TooOld { .. } => Self::new(
                1213,
                "The snapshot is older than what is kept; try restarting transaction",
            ),
            other => Self::internal(other),
        }
    }
}

impl From<holdfast_objects::ObjectsError> for SqlError {
    fn from(error: holdfast_objects::ObjectsError) -> Self {
        match error {
            holdfast_objects::ObjectsError::Bucket(error) => error.into(),
            other => Self::new(1030, format!("Got error from storage engine: {other}")),
        }
    }
}

impl From<holdfast_api::bucket::BucketError> for SqlError {
    fn from(error: holdfast_api::bucket::BucketError) -> Self {
        Self::new(1030, format!("Got error from storage engine: {error}"))
    }
}

impl From<TxnError> for SqlError {
    fn from(error: TxnError) -> Self {
        match error {
            TxnError::LockTimeout(_) => {
                Self::new(1205, "Lock wait timeout exceeded; try restarting transaction")
            }
            TxnError::LockBusy => Self::new(
                3572,
                "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set.",
            ),
            TxnError::Deadlock(_)
            | TxnError::Conflict { .. }
            | TxnError::TooOld { .. }
            | TxnError::LocksLost { .. }
            | TxnError::Decided(_) => Self::deadlock(),
            TxnError::TooLarge { what: "locks", .. } => {
                Self::new(1206, "The total number of locks exceeds the lock table size")
            }
            TxnError::TooLarge { what, have, most } => Self::new(
                1197,
                format!(
                    "A transaction may have at most {most} {what}, this one has {have}; split it"
                ),
            ),
            TxnError::Busy => Self::new(1040, "Too many requests wait for locks; try again"),
            TxnError::Log(error) => error.into(),
            TxnError::Unknown(txn) => Self::new(
                1180,
                format!("Got error during COMMIT: the outcome of transaction {txn} is not known"),
            ),
            TxnError::Stopped(why) => {
                Self::new(1053, format!("Server shutdown in progress: {why}"))
            }
        }
    }
}

impl From<LogError> for SqlError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Full { bytes, budget } => Self::new(
                1021,
                format!(
                    "Disk full (transaction log holds {bytes} of {budget}); waiting for a flush to free some space..."
                ),
            ),
            LogError::Fenced { .. } => {
                Self::new(1053, "Server shutdown in progress: a later transaction node has begun")
            }
            LogError::Meta(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<MetaError> for SqlError {
    fn from(error: MetaError) -> Self {
        match error {
            MetaError::Full => Self::new(1021, "Disk full (metadata); free some space"),
            MetaError::Stopped(why) => {
                Self::new(1053, format!("Server shutdown in progress: {why}"))
            }
            other => Self::new(1180, format!("Got error during COMMIT: {other}")),
        }
    }
}
