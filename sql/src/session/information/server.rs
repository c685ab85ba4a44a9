//! What the server is made of, and what it does now.

use holdfast_value::Value;

use super::{
    COUNT, LONG, MIDDLE, MOMENT, NUMBER, Rows, SHORT, WORD, computed, count, or_null, text,
};
use crate::error::Result;
use crate::session::schema::VirtualTable;
use crate::session::seen::Seen;
use crate::session::show::{ENGINE, PLUGINS as PLUGIN_NAMES, processes};
use crate::session::variables::charset::{CHARSETS, COLLATIONS as ALL_COLLATIONS};

pub(super) static ENGINES: VirtualTable = computed!(
    "information_schema",
    "ENGINES",
    engines,
    [
        ("ENGINE", WORD),
        ("SUPPORT", SHORT),
        ("COMMENT", MIDDLE),
        ("TRANSACTIONS", SHORT),
        ("XA", SHORT),
        ("SAVEPOINTS", SHORT),
    ]
);

pub(super) fn engines(_: &Seen<'_>) -> Result<Rows> {
    Ok(vec![ENGINE.iter().map(text).collect()])
}

pub(super) static CHARACTER_SETS: VirtualTable = computed!(
    "information_schema",
    "CHARACTER_SETS",
    character_sets,
    [
        ("CHARACTER_SET_NAME", WORD),
        ("DEFAULT_COLLATE_NAME", WORD),
        ("DESCRIPTION", MIDDLE),
        ("MAXLEN", COUNT),
    ]
);

pub(super) fn character_sets(_: &Seen<'_>) -> Result<Rows> {
    let row = |one: &crate::session::variables::charset::Charset| {
        vec![text(one.name), text(one.collation), text(one.description), count(one.bytes_max)]
    };
    Ok(CHARSETS.iter().map(row).collect())
}

pub(super) static COLLATIONS: VirtualTable = computed!(
    "information_schema",
    "COLLATIONS",
    collations,
    [
        ("COLLATION_NAME", WORD),
        ("CHARACTER_SET_NAME", WORD),
        ("ID", COUNT),
        ("IS_DEFAULT", SHORT),
        ("IS_COMPILED", SHORT),
        ("SORTLEN", COUNT),
        ("PAD_ATTRIBUTE", SHORT),
    ]
);

pub(super) fn collations(_: &Seen<'_>) -> Result<Rows> {
    let rows = ALL_COLLATIONS.iter().map(|one| {
        vec![
            text(one.name),
            text(one.charset),
            count(one.id),
            text(if one.is_default { "Yes" } else { "" }),
            text("Yes"),
            count(one.sort_length),
            text(if one.no_pad { "NO PAD" } else { "PAD SPACE" }),
        ]
    });
    Ok(rows.collect())
}

pub(super) static COLLATION_CHARACTER_SET_APPLICABILITY: VirtualTable = computed!(
    "information_schema",
    "COLLATION_CHARACTER_SET_APPLICABILITY",
    applicability,
    [("COLLATION_NAME", WORD), ("CHARACTER_SET_NAME", WORD),]
);

pub(super) fn applicability(_: &Seen<'_>) -> Result<Rows> {
    Ok(ALL_COLLATIONS.iter().map(|one| vec![text(one.name), text(one.charset)]).collect())
}

pub(super) static PLUGINS: VirtualTable = computed!(
    "information_schema",
    "PLUGINS",
    plugins,
    [
        ("PLUGIN_NAME", WORD),
        ("PLUGIN_VERSION", SHORT),
        ("PLUGIN_STATUS", SHORT),
        ("PLUGIN_TYPE", MIDDLE),
        ("PLUGIN_TYPE_VERSION", SHORT),
        ("PLUGIN_LIBRARY", WORD),
        ("PLUGIN_LIBRARY_VERSION", SHORT),
        ("PLUGIN_AUTHOR", WORD),
        ("PLUGIN_DESCRIPTION", LONG),
        ("PLUGIN_LICENSE", MIDDLE),
        ("LOAD_OPTION", WORD),
    ]
);

pub(super) fn plugins(_: &Seen<'_>) -> Result<Rows> {
    let rows = PLUGIN_NAMES.iter().map(|(name, kind)| {
        vec![
            text(name),
            text("1.0"),
            text("ACTIVE"),
            text(kind),
            text("1.0"),
            Value::Null,
            Value::Null,
            text("Holdfast"),
            text(""),
            text("Apache-2.0"),
            text("FORCE"),
        ]
    });
    Ok(rows.collect())
}

pub(super) static PROCESSLIST: VirtualTable = computed!(
    "information_schema",
    "PROCESSLIST",
    processlist,
    [
        ("ID", COUNT),
        ("USER", WORD),
        ("HOST", MIDDLE),
        ("DB", WORD),
        ("COMMAND", WORD),
        ("TIME", NUMBER),
        ("STATE", WORD),
        ("INFO", LONG),
    ]
);

pub(super) fn processlist(seen: &Seen<'_>) -> Result<Rows> {
    let rows = processes(seen).into_iter().map(|row| {
        vec![
            count(row.id),
            text(row.user),
            text(row.host),
            or_null(row.database),
            text(row.command),
            Value::Int(i64::try_from(row.seconds).unwrap_or(i64::MAX)),
            text(row.state),
            or_null(row.info),
        ]
    });
    Ok(rows.collect())
}

pub(super) static INNODB_TRX: VirtualTable = computed!(
    "information_schema",
    "INNODB_TRX",
    transactions,
    [
        ("trx_id", COUNT),
        ("trx_state", SHORT),
        ("trx_started", MOMENT),
        ("trx_requested_lock_id", MIDDLE),
        ("trx_wait_started", MOMENT),
        ("trx_weight", COUNT),
        ("trx_mysql_thread_id", COUNT),
        ("trx_query", LONG),
        ("trx_operation_state", WORD),
        ("trx_tables_in_use", COUNT),
        ("trx_tables_locked", COUNT),
        ("trx_lock_structs", COUNT),
        ("trx_lock_memory_bytes", COUNT),
        ("trx_rows_locked", COUNT),
        ("trx_rows_modified", COUNT),
        ("trx_concurrency_tickets", COUNT),
        ("trx_isolation_level", WORD),
        ("trx_unique_checks", NUMBER),
        ("trx_foreign_key_checks", NUMBER),
        ("trx_last_foreign_key_error", MIDDLE),
        ("trx_adaptive_hash_latched", NUMBER),
        ("trx_adaptive_hash_timeout", COUNT),
        ("trx_is_read_only", NUMBER),
        ("trx_autocommit_non_locking", NUMBER),
        ("trx_schedule_weight", COUNT),
    ]
);

/// Sessions with a transaction; what is not known of it is NULL.
pub(super) fn transactions(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows: Rows = Vec::new();
    for process in processes(seen) {
        let Some(since) = process.transaction_since else { continue };
        let mut row = vec![Value::Null; 25];
        row[0] = count(process.id);
        row[1] = text("RUNNING");
        row[2] = Value::DateTime(seen.zone.from_utc(since));
        row[6] = count(process.id);
        row[7] = or_null(process.info);
        rows.push(row);
    }
    debug_assert!(rows.iter().all(|row| row.len() == INNODB_TRX.columns.len()));
    Ok(rows)
}

pub(super) static KEYWORDS: VirtualTable =
    computed!("information_schema", "KEYWORDS", keywords, [("WORD", WORD), ("RESERVED", NUMBER),]);

/// MySQL 8.0's reserved words, in order.
const RESERVED: &str = "ACCESSIBLE ADD ALL ALTER ANALYZE AND AS ASC ASENSITIVE BEFORE BETWEEN \
BIGINT BINARY BLOB BOTH BY CALL CASCADE CASE CHANGE CHAR CHARACTER CHECK COLLATE COLUMN CONDITION \
CONSTRAINT CONTINUE CONVERT CREATE CROSS CUBE CUME_DIST CURRENT_DATE CURRENT_TIME \
CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DATABASES DAY_HOUR DAY_MICROSECOND DAY_MINUTE \
DAY_SECOND DEC DECIMAL DECLARE DEFAULT DELAYED DELETE DENSE_RANK DESC DESCRIBE DETERMINISTIC \
DISTINCT DISTINCTROW DIV DOUBLE DROP DUAL EACH ELSE ELSEIF EMPTY ENCLOSED ESCAPED EXCEPT EXISTS \
EXIT EXPLAIN FALSE FETCH FIRST_VALUE FLOAT FLOAT4 FLOAT8 FOR FORCE FOREIGN FROM FULLTEXT FUNCTION \
GENERATED GET GRANT GROUP GROUPING GROUPS HAVING HIGH_PRIORITY HOUR_MICROSECOND HOUR_MINUTE \
HOUR_SECOND IF IGNORE IN INDEX INFILE INNER INOUT INSENSITIVE INSERT INT INT1 INT2 INT3 INT4 INT8 \
INTEGER INTERSECT INTERVAL INTO IO_AFTER_GTIDS IO_BEFORE_GTIDS IS ITERATE JOIN JSON_TABLE KEY KEYS \
KILL LAG LAST_VALUE LATERAL LEAD LEADING LEAVE LEFT LIKE LIMIT LINEAR LINES LOAD LOCALTIME \
LOCALTIMESTAMP LOCK LONG LONGBLOB LONGTEXT LOOP LOW_PRIORITY MASTER_BIND \
MASTER_SSL_VERIFY_SERVER_CERT MATCH MAXVALUE MEDIUMBLOB MEDIUMINT MEDIUMTEXT MIDDLEINT \
MINUTE_MICROSECOND MINUTE_SECOND MOD MODIFIES NATURAL NOT NO_WRITE_TO_BINLOG NTH_VALUE NTILE NULL \
NUMERIC OF ON OPTIMIZE OPTIMIZER_COSTS OPTION OPTIONALLY OR ORDER OUT OUTER OUTFILE OVER PARTITION \
PERCENT_RANK PRECISION PRIMARY PROCEDURE PURGE RANGE RANK READ READS READ_WRITE REAL RECURSIVE \
REFERENCES REGEXP RELEASE RENAME REPEAT REPLACE REQUIRE RESIGNAL RESTRICT RETURN REVOKE RIGHT RLIKE \
ROW ROWS ROW_NUMBER SCHEMA SCHEMAS SECOND_MICROSECOND SELECT SENSITIVE SEPARATOR SET SHOW SIGNAL \
SMALLINT SPATIAL SPECIFIC SQL SQLEXCEPTION SQLSTATE SQLWARNING SQL_BIG_RESULT SQL_CALC_FOUND_ROWS \
SQL_SMALL_RESULT SSL STARTING STORED STRAIGHT_JOIN SYSTEM TABLE TERMINATED THEN TINYBLOB TINYINT \
TINYTEXT TO TRAILING TRIGGER TRUE UNDO UNION UNIQUE UNLOCK UNSIGNED UPDATE USAGE USE USING UTC_DATE \
UTC_TIME UTC_TIMESTAMP VALUES VARBINARY VARCHAR VARCHARACTER VARYING VIRTUAL WHEN WHERE WHILE \
WINDOW WITH WRITE XOR YEAR_MONTH ZEROFILL";

pub(super) fn keywords(_: &Seen<'_>) -> Result<Rows> {
    Ok(RESERVED.split_whitespace().map(|word| vec![text(word), Value::Int(1)]).collect())
}
