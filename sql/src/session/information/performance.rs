//! `performance_schema`: variables and counts, as tables.

use super::{MIDDLE, Rows, WORD, computed, text};
use crate::error::Result;
use crate::session::schema::VirtualTable;
use crate::session::seen::Seen;

pub(super) static GLOBAL_VARIABLES: VirtualTable = computed!(
    "performance_schema",
    "global_variables",
    global_variables,
    [("VARIABLE_NAME", WORD), ("VARIABLE_VALUE", MIDDLE),]
);

pub(super) static SESSION_VARIABLES: VirtualTable = computed!(
    "performance_schema",
    "session_variables",
    session_variables,
    [("VARIABLE_NAME", WORD), ("VARIABLE_VALUE", MIDDLE),]
);

pub(super) static GLOBAL_STATUS: VirtualTable = computed!(
    "performance_schema",
    "global_status",
    global_status,
    [("VARIABLE_NAME", WORD), ("VARIABLE_VALUE", MIDDLE),]
);

pub(super) static SESSION_STATUS: VirtualTable = computed!(
    "performance_schema",
    "session_status",
    session_status,
    [("VARIABLE_NAME", WORD), ("VARIABLE_VALUE", MIDDLE),]
);

fn variables(seen: &Seen<'_>, global: bool) -> Rows {
    let rows = seen.variables.rows(global).into_iter();
    rows.map(|(name, value)| vec![text(name), text(value)]).collect()
}

pub(super) fn global_variables(seen: &Seen<'_>) -> Result<Rows> {
    Ok(variables(seen, true))
}

pub(super) fn session_variables(seen: &Seen<'_>) -> Result<Rows> {
    Ok(variables(seen, false))
}

fn counts(seen: &Seen<'_>, session: Option<u64>) -> Rows {
    let rows = seen.server.counts(session).into_iter();
    rows.map(|(name, count)| vec![text(name), text(count.to_string())]).collect()
}

pub(super) fn global_status(seen: &Seen<'_>) -> Result<Rows> {
    Ok(counts(seen, None))
}

pub(super) fn session_status(seen: &Seen<'_>) -> Result<Rows> {
    Ok(counts(seen, Some(seen.connection_id)))
}
