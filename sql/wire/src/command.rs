//! Commands.
//!
//! Texts of statements are bytes: which character set they are in is the session's
//! business. The bytes of a command share the buffer they were read into: what is
//! kept for long should be copied.

use std::time::Duration;

use bytes::Bytes;

use crate::bits::Capabilities;
use crate::error::WireError;
use crate::greeting::Hello;
use crate::scan::Scan;

/// How long to wait for a command, and how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// `wait_timeout` or `interactive_timeout`.
    pub idle: Duration,
    /// `max_allowed_packet`. [bytes]
    pub packet_max: u64,
}

/// What a client wants.
#[derive(Clone, Debug)]
pub enum Command {
    /// COM_QUERY: statements as text.
    Query(Bytes),
    /// COM_INIT_DB: `USE`.
    InitDb(Bytes),
    /// COM_PING.
    Ping,
    /// COM_QUIT: no answer.
    Quit,
    /// COM_FIELD_LIST: answered by `field_list`.
    FieldList {
        /// The table.
        table: Bytes,
        /// A LIKE pattern for columns; empty for all.
        wildcard: Bytes,
    },
    /// COM_STATISTICS: answered by `statistics`.
    Statistics,
    /// COM_PROCESS_INFO: as SHOW PROCESSLIST.
    ProcessInfo,
    /// COM_PROCESS_KILL: the connection to end.
    ProcessKill(u32),
    /// COM_DEBUG: answered by `end`.
    Debug,
    /// COM_SET_OPTION: 0 several statements on, 1 off; answered by `end`.
    SetOption(u16),
    /// COM_RESET_CONNECTION: answered by `ok`.
    ResetConnection,
    /// COM_CHANGE_USER: see `change_user`.
    ChangeUser(Box<ChangeUser>),
    /// COM_STMT_PREPARE: answered by `prepare_ok`.
    StmtPrepare(Bytes),
    /// COM_STMT_EXECUTE.
    StmtExecute {
        /// The statement.
        id: u32,
        /// 0: no cursor, 1: read only; others are not supported by MySQL either.
        flags: u8,
        /// Always 1.
        iterations: u32,
        /// For [`params::decode`](crate::params::decode).
        body: Bytes,
    },
    /// COM_STMT_SEND_LONG_DATA: no answer, not even an error.
    StmtSendLongData {
        /// The statement.
        id: u32,
        /// The parameter, from 0.
        param: u16,
        /// To append.
        data: Bytes,
    },
    /// COM_STMT_CLOSE: no answer.
    StmtClose(u32),
    /// COM_STMT_RESET: answered by `ok`.
    StmtReset(u32),
    /// COM_STMT_FETCH: answered by rows and `end`, see `resume_rows`.
    StmtFetch {
        /// The statement.
        id: u32,
        /// Rows at most.
        rows: u32,
    },
    /// Anything else: answered by error 1047.
    Unknown(u8),
}

/// A COM_CHANGE_USER that waits for its exchange.
#[derive(Clone, Debug)]
pub struct ChangeUser {
    pub(crate) hello: Hello,
}

impl ChangeUser {
    /// The new user as it was given.
    pub fn user(&self) -> &str {
        &self.hello.user
    }
}

impl Command {
    pub(crate) fn parse(packet: &Bytes, can: Capabilities) -> Result<Self, WireError> {
        let Some(&code) = packet.first() else {
            return Ok(Self::Unknown(0));
        };
        Self::parse_body(code, &packet.slice(1..), can).ok_or(WireError::Malformed("command"))
    }

    fn parse_body(code: u8, body: &Bytes, can: Capabilities) -> Option<Self> {
        let mut scan = Scan::new(body);
        let rest = |scan: &Scan<'_>| body.slice_ref(scan.rest());
        Some(match code {
            0x01 => Self::Quit,
            0x02 => Self::InitDb(body.clone()),
            0x03 => Self::Query(body.clone()),
            0x04 => {
                let table = body.slice_ref(scan.until_zero()?);
                Self::FieldList { table, wildcard: body.slice_ref(scan.until_zero_or_end()) }
            }
            0x09 => Self::Statistics,
            0x0a => Self::ProcessInfo,
            0x0c => Self::ProcessKill(scan.u32()?),
            0x0d => Self::Debug,
            0x0e => Self::Ping,
            0x11 => {
                Self::ChangeUser(Box::new(ChangeUser { hello: Hello::parse_change(body, can)? }))
            }
            0x16 => Self::StmtPrepare(body.clone()),
            0x17 => {
                let (id, flags, iterations) = (scan.u32()?, scan.u8()?, scan.u32()?);
                Self::StmtExecute { id, flags, iterations, body: rest(&scan) }
            }
            0x18 => {
                let (id, param) = (scan.u32()?, scan.u16()?);
                Self::StmtSendLongData { id, param, data: rest(&scan) }
            }
            0x19 => Self::StmtClose(scan.u32()?),
            0x1a => Self::StmtReset(scan.u32()?),
            0x1b => Self::SetOption(scan.u16()?),
            0x1c => Self::StmtFetch { id: scan.u32()?, rows: scan.u32()? },
            0x1f => Self::ResetConnection,
            other => Self::Unknown(other),
        })
    }
}
