//! What Holdfast has none of: ROUTINES, PARAMETERS, TRIGGERS, EVENTS. Drivers ask all the same.

use super::{COUNT, LONG, MIDDLE, MOMENT, NAME, NOTHING, NUMBER, Rows, SHORT, WORD, computed};
use crate::error::Result;
use crate::session::schema::VirtualTable;
use crate::session::seen::Seen;

pub(super) fn none(_: &Seen<'_>) -> Result<Rows> {
    Ok(Vec::new())
}

pub(super) static ROUTINES: VirtualTable = computed!(
    "information_schema",
    "ROUTINES",
    none,
    [
        ("SPECIFIC_NAME", WORD),
        ("ROUTINE_CATALOG", NAME),
        ("ROUTINE_SCHEMA", NAME),
        ("ROUTINE_NAME", WORD),
        ("ROUTINE_TYPE", SHORT),
        ("DATA_TYPE", LONG),
        ("CHARACTER_MAXIMUM_LENGTH", NUMBER),
        ("CHARACTER_OCTET_LENGTH", NUMBER),
        ("NUMERIC_PRECISION", COUNT),
        ("NUMERIC_SCALE", COUNT),
        ("DATETIME_PRECISION", COUNT),
        ("CHARACTER_SET_NAME", WORD),
        ("COLLATION_NAME", WORD),
        ("DTD_IDENTIFIER", LONG),
        ("ROUTINE_BODY", SHORT),
        ("ROUTINE_DEFINITION", LONG),
        ("EXTERNAL_NAME", NOTHING),
        ("EXTERNAL_LANGUAGE", WORD),
        ("PARAMETER_STYLE", SHORT),
        ("IS_DETERMINISTIC", SHORT),
        ("SQL_DATA_ACCESS", WORD),
        ("SQL_PATH", NOTHING),
        ("SECURITY_TYPE", SHORT),
        ("CREATED", MOMENT),
        ("LAST_ALTERED", MOMENT),
        ("SQL_MODE", MIDDLE),
        ("ROUTINE_COMMENT", LONG),
        ("DEFINER", MIDDLE),
        ("CHARACTER_SET_CLIENT", WORD),
        ("COLLATION_CONNECTION", WORD),
        ("DATABASE_COLLATION", WORD),
    ]
);

pub(super) static PARAMETERS: VirtualTable = computed!(
    "information_schema",
    "PARAMETERS",
    none,
    [
        ("SPECIFIC_CATALOG", NAME),
        ("SPECIFIC_SCHEMA", NAME),
        ("SPECIFIC_NAME", WORD),
        ("ORDINAL_POSITION", COUNT),
        ("PARAMETER_MODE", SHORT),
        ("PARAMETER_NAME", WORD),
        ("DATA_TYPE", LONG),
        ("CHARACTER_MAXIMUM_LENGTH", NUMBER),
        ("CHARACTER_OCTET_LENGTH", NUMBER),
        ("NUMERIC_PRECISION", COUNT),
        ("NUMERIC_SCALE", NUMBER),
        ("DATETIME_PRECISION", COUNT),
        ("CHARACTER_SET_NAME", WORD),
        ("COLLATION_NAME", WORD),
        ("DTD_IDENTIFIER", LONG),
        ("ROUTINE_TYPE", SHORT),
    ]
);

pub(super) static TRIGGERS: VirtualTable = computed!(
    "information_schema",
    "TRIGGERS",
    none,
    [
        ("TRIGGER_CATALOG", NAME),
        ("TRIGGER_SCHEMA", NAME),
        ("TRIGGER_NAME", NAME),
        ("EVENT_MANIPULATION", SHORT),
        ("EVENT_OBJECT_CATALOG", NAME),
        ("EVENT_OBJECT_SCHEMA", NAME),
        ("EVENT_OBJECT_TABLE", NAME),
        ("ACTION_ORDER", COUNT),
        ("ACTION_CONDITION", NOTHING),
        ("ACTION_STATEMENT", LONG),
        ("ACTION_ORIENTATION", SHORT),
        ("ACTION_TIMING", SHORT),
        ("ACTION_REFERENCE_OLD_TABLE", NOTHING),
        ("ACTION_REFERENCE_NEW_TABLE", NOTHING),
        ("ACTION_REFERENCE_OLD_ROW", SHORT),
        ("ACTION_REFERENCE_NEW_ROW", SHORT),
        ("CREATED", MOMENT),
        ("SQL_MODE", MIDDLE),
        ("DEFINER", MIDDLE),
        ("CHARACTER_SET_CLIENT", WORD),
        ("COLLATION_CONNECTION", WORD),
        ("DATABASE_COLLATION", WORD),
    ]
);

pub(super) static EVENTS: VirtualTable = computed!(
    "information_schema",
    "EVENTS",
    none,
    [
        ("EVENT_CATALOG", NAME),
        ("EVENT_SCHEMA", NAME),
        ("EVENT_NAME", WORD),
        ("DEFINER", MIDDLE),
        ("TIME_ZONE", WORD),
        ("EVENT_BODY", SHORT),
        ("EVENT_DEFINITION", LONG),
        ("EVENT_TYPE", SHORT),
        ("EXECUTE_AT", MOMENT),
        ("INTERVAL_VALUE", MIDDLE),
        ("INTERVAL_FIELD", WORD),
        ("SQL_MODE", MIDDLE),
        ("STARTS", MOMENT),
        ("ENDS", MOMENT),
        ("STATUS", WORD),
        ("ON_COMPLETION", SHORT),
        ("CREATED", MOMENT),
        ("LAST_ALTERED", MOMENT),
        ("LAST_EXECUTED", MOMENT),
        ("EVENT_COMMENT", LONG),
        ("ORIGINATOR", COUNT),
        ("CHARACTER_SET_CLIENT", WORD),
        ("COLLATION_CONNECTION", WORD),
        ("DATABASE_COLLATION", WORD),
    ]
);
