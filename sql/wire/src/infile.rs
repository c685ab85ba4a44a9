//! LOAD DATA LOCAL INFILE: the client sends a file in the middle of an answer.
//!
//! ```text
//! server: fb name     client: packet, packet, ..., empty packet     server: ok or error
//! ```
//!
//! - F1: the transfer is read to its empty packet before anything else is written,
//!   whatever the engine makes of the data.

use bytes::{Buf, Bytes};

use crate::channel::{PIECE_MAX, Transfer};
use crate::connection::Connection;
use crate::error::WireError;

/// The longest chunk. [bytes]
const CHUNK_MAX: usize = 64 << 10;

impl Connection {
    /// Asks the client for a file. Only for clients that can
    /// [`LOCAL_FILES`](crate::Capabilities::LOCAL_FILES).
    ///
    /// # Errors
    /// The client has gone.
    pub async fn local_infile(&mut self, name: &[u8]) -> Result<(), WireError> {
        let out = self.channel.open();
        out.push(0xfb);
        out.extend_from_slice(name);
        self.channel.close();
        self.flush().await?;
        self.channel.transfer = Transfer::Head { is_continued: false };
        Ok(())
    }

    /// The next bytes of the file, at most 64 KiB and never none; `None` at its end.
    ///
    /// # Errors
    /// The client has gone, or numbers its packets wrongly.
    pub async fn next_infile_chunk(&mut self) -> Result<Option<Bytes>, WireError> {
        loop {
            match self.channel.transfer {
                Transfer::None => return Ok(None),
                Transfer::Head { is_continued } => self.transfer_head(is_continued).await?,
                Transfer::Piece { left, is_full } => {
                    if !self.channel.fill(1).await? {
                        return Err(WireError::Gone);
                    }
                    let count = left.min(CHUNK_MAX).min(self.channel.input.len());
                    let left = left - count;
                    self.channel.transfer = match left {
                        0 => Transfer::Head { is_continued: is_full },
                        left => Transfer::Piece { left, is_full },
                    };
                    return Ok(Some(self.channel.take(count)));
                }
            }
        }
    }

    async fn transfer_head(&mut self, is_continued: bool) -> Result<(), WireError> {
        if !self.channel.fill(4).await? {
            return Err(WireError::Gone);
        }
        let (left, found) = self.channel.head();
        let expected = self.channel.sequence;
        if found != expected {
            return Err(WireError::OutOfOrder { expected, found });
        }
        self.channel.input.advance(4);
        self.channel.sequence = expected.wrapping_add(1);
        self.channel.transfer = match (left, is_continued) {
            (0, false) => Transfer::None,
            (0, true) => Transfer::Head { is_continued: false },
            (left, _) => Transfer::Piece { left, is_full: left == PIECE_MAX },
        };
        Ok(())
    }

    /// Reads what the engine left of a transfer (F1). An answer that was encoded
    /// before gets its number afterwards.
    pub(crate) async fn end_transfer(&mut self) -> Result<(), WireError> {
        if self.channel.transfer == Transfer::None {
            return Ok(());
        }
        // Answers that wait took numbers which are the client's packets'.
        self.channel.take_numbers_back();
        while self.next_infile_chunk().await?.is_some() {}
        self.channel.renumber();
        Ok(())
    }
}
