//! What the engine answers.
//!
//! ```text
//! ok | error
//! columns, row*, end            a result set; error may stand in place of a row
//! columns_of_cursor             rows follow with resume_rows, row*, end
//! prepare_ok | field_list | statistics | end
//! ```
//!
//! Rows leave while they are made: `row` waits for the client where 64 KiB are
//! waiting. All else is only appended; see `flush` and `next_command`.

use holdfast_value::{Collation, SqlType, Value};

use crate::bits::{Capabilities, Status};
use crate::cell::{put_binary, put_text};
use crate::channel::OUTPUT_HIGH;
use crate::column::ColumnMeta;
use crate::connection::Connection;
use crate::error::WireError;
use crate::put;

/// The longest message, as MySQL's. [bytes]
const MESSAGE_MAX: usize = 511;

/// How rows travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For COM_QUERY.
    Text,
    /// For COM_STMT_EXECUTE and COM_STMT_FETCH.
    Binary,
}

/// A statement went well.
#[derive(Clone, Copy, Debug, Default)]
pub struct OkPacket<'a> {
    /// Rows changed; rows found where the client can `FOUND_ROWS`.
    pub affected: u64,
    /// The first id that AUTO_INCREMENT gave out; 0 for none.
    pub last_insert_id: u64,
    /// The session's state.
    pub status: Status,
    /// Warnings; `SHOW WARNINGS` shows them.
    pub warnings: u64,
    /// As `Rows matched: 1  Changed: 0  Warnings: 0`.
    pub info: &'a str,
    /// The session's database where the statement changed it.
    pub schema: Option<&'a str>,
}

impl Connection {
    /// Answers a login or a statement without rows.
    pub fn ok(&mut self, ok: &OkPacket<'_>) {
        let can_track = self.can.has(Capabilities::SESSION_TRACK);
        let schema = ok.schema.filter(|_| can_track);
        let status = match schema {
            Some(_) => ok.status.with(Status::STATE_CHANGED),
            None => ok.status,
        };
        let out = self.channel.open();
        out.push(0);
        put::lenenc(ok.affected, out);
        put::lenenc(ok.last_insert_id, out);
        put_state(status, ok.warnings, out);
        if !ok.info.is_empty() || schema.is_some() {
            put::string(ok.info.as_bytes(), out);
        }
        if let Some(schema) = schema {
            put::measured(out, |out| {
                out.push(1);
                put::measured(out, |out| put::string(schema.as_bytes(), out));
            });
        }
        self.channel.close();
    }

    /// Answers anything, or ends a result set early. `state` is a SQLSTATE of five
    /// characters.
    pub fn error(&mut self, code: u16, state: &str, message: &str) {
        let message = &message[..message.floor_char_boundary(MESSAGE_MAX)];
        let out = self.channel.open();
        out.push(0xff);
        out.extend_from_slice(&code.to_le_bytes());
        out.push(b'#');
        out.extend_from_slice(if state.len() == 5 { state.as_bytes() } else { b"HY000" });
        out.extend_from_slice(message.as_bytes());
        self.channel.close();
    }

    /// Begins a result set: rows follow, in `format`.
    pub fn columns(&mut self, columns: &[ColumnMeta], format: Format, status: Status) {
        self.format = format;
        self.put_columns(columns);
        if !self.can.has(Capabilities::DEPRECATE_EOF) {
            self.end(status, 0);
        }
    }

    /// Answers an execution that opened a cursor: columns and no rows.
    pub fn columns_of_cursor(&mut self, columns: &[ColumnMeta], status: Status, warnings: u64) {
        self.put_columns(columns);
        self.end(status.with(Status::CURSOR_EXISTS), warnings);
    }

    /// Begins the answer to COM_STMT_FETCH: rows follow, in binary.
    pub fn resume_rows(&mut self) {
        self.format = Format::Binary;
    }

    fn put_columns(&mut self, columns: &[ColumnMeta]) {
        put::lenenc(columns.len() as u64, self.channel.open());
        self.channel.close();
        for column in columns {
            column.put(self.channel.open());
            self.channel.close();
        }
    }

    /// One row. Waits where the client is slower than the engine.
    ///
    /// # Errors
    /// [`WireError::Mismatch`]: the row is not sent; the result set can be ended with
    /// `error`. Anything else: the connection ends.
    pub async fn row(&mut self, values: &[Value], types: &[SqlType]) -> Result<(), WireError> {
        self.put_row(values, types)?;
        self.relieve().await
    }

    /// As `row`, without waiting: for callers that call [`relieve`](Self::relieve) now
    /// and then.
    ///
    /// # Errors
    /// [`WireError::Mismatch`], as `row`.
    pub fn put_row(&mut self, values: &[Value], types: &[SqlType]) -> Result<(), WireError> {
        if values.len() != types.len() {
            let type_name = format!("{} values, {} types", values.len(), types.len());
            return Err(WireError::Mismatch { kind: "row", type_name });
        }
        let format = self.format;
        let out = self.channel.open();
        let put = match format {
            Format::Text => {
                values.iter().zip(types).for_each(|(value, of)| put_text(value, of, out));
                Ok(())
            }
            Format::Binary => put_binary_row(values, types, out),
        };
        match put {
            Ok(()) => self.channel.close(),
            Err(_) => self.channel.abandon(),
        }
        put
    }

    /// One row of the text protocol that is texts already; `None` is NULL.
    ///
    /// # Errors
    /// The connection ends.
    pub async fn row_raw(&mut self, cells: &[Option<&[u8]>]) -> Result<(), WireError> {
        let out = self.channel.open();
        for cell in cells {
            match cell {
                Some(text) => put::string(text, out),
                None => out.push(0xfb),
            }
        }
        self.channel.close();
        self.relieve().await
    }

    /// Writes what is waiting where it is much.
    ///
    /// # Errors
    /// The connection ends.
    pub async fn relieve(&mut self) -> Result<(), WireError> {
        if self.channel.output.len() < OUTPUT_HIGH {
            return Ok(());
        }
        self.flush().await
    }

    /// Ends a result set; answers COM_SET_OPTION and COM_DEBUG.
    pub fn end(&mut self, status: Status, warnings: u64) {
        let is_ok = self.can.has(Capabilities::DEPRECATE_EOF);
        let out = self.channel.open();
        out.push(0xfe);
        if is_ok {
            out.extend_from_slice(&[0, 0]);
            put_state(status, warnings, out);
        } else {
            out.extend_from_slice(&count_of(warnings).to_le_bytes());
            out.extend_from_slice(&status.bits().to_le_bytes());
        }
        self.channel.close();
    }

    /// Answers COM_STMT_PREPARE: how many parameters, and the columns it will give.
    /// More than 65,535 of either are the engine's to refuse (1390).
    pub fn prepare_ok(&mut self, id: u32, params: u16, columns: &[ColumnMeta], warnings: u64) {
        let columns = &columns[..columns.len().min(usize::from(u16::MAX))];
        let out = self.channel.open();
        out.push(0);
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&(columns.len() as u16).to_le_bytes());
        out.extend_from_slice(&params.to_le_bytes());
        out.push(0);
        out.extend_from_slice(&count_of(warnings).to_le_bytes());
        self.channel.close();
        let has_eof = !self.can.has(Capabilities::DEPRECATE_EOF);
        if params > 0 {
            let any = SqlType::VarChar(0, Collation::Binary);
            let param = ColumnMeta::expression("?", any);
            for _ in 0..params {
                param.put(self.channel.open());
                self.channel.close();
            }
            if has_eof {
                self.end(Status::AUTOCOMMIT, 0);
            }
        }
        if !columns.is_empty() {
            for column in columns {
                column.put(self.channel.open());
                self.channel.close();
            }
            if has_eof {
                self.end(Status::AUTOCOMMIT, 0);
            }
        }
    }

    /// Answers COM_FIELD_LIST: columns with their default values, NULL for all.
    pub fn field_list(&mut self, columns: &[ColumnMeta], status: Status) {
        for column in columns {
            let out = self.channel.open();
            column.put(out);
            out.push(0xfb);
            self.channel.close();
        }
        self.end(status, 0);
    }

    /// Answers COM_STATISTICS.
    pub fn statistics(&mut self, text: &str) {
        self.channel.open().extend_from_slice(text.as_bytes());
        self.channel.close();
    }
}

fn put_binary_row(values: &[Value], types: &[SqlType], out: &mut Vec<u8>) -> Result<(), WireError> {
    out.push(0);
    let nulls_at = out.len();
    out.resize(nulls_at + (values.len() + 9) / 8, 0);
    for (at, (value, of)) in values.iter().zip(types).enumerate() {
        if value.is_null() {
            out[nulls_at + (at + 2) / 8] |= 1 << ((at + 2) % 8);
        } else {
            put_binary(value, of, out)?;
        }
    }
    Ok(())
}

fn put_state(status: Status, warnings: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&status.bits().to_le_bytes());
    out.extend_from_slice(&count_of(warnings).to_le_bytes());
}

/// Warnings are counted in two bytes.
fn count_of(warnings: u64) -> u16 {
    u16::try_from(warnings).unwrap_or(u16::MAX)
}
