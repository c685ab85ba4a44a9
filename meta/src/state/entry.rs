//! What one entry of the Raft log says.
//!
//! ```text
//! entry   version u8 | tick varint | number of ops varint | op ...
//! op      0 OpenSession | session 16 | log budget varint
//!         1 Tick        | session 16
//!         2 Command     | session 16 | seq varint | acked varint | api Command
//! ```
//! All of it is postcard, so that ops can be encoded one by one, as they are
//! queued, and put together later.
//!
//! - E1: an entry has at most one `LogAppend`: its position is the entry's.
//! - E2: an entry has at most `ENTRY_BYTES_MAX` bytes of ops, or one op.

use holdfast_api::meta::{Command, Outcome};
use holdfast_base::{SessionId, Tick};
use serde::{Deserialize, Serialize};

/// The format of entries.
pub const VERSION: u8 = 1;

/// One entry, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// [`VERSION`].
    pub version: u8,
    /// The leader's log time.
    pub tick: Tick,
    /// In the order in which they are applied.
    pub ops: Vec<Op>,
}

/// One thing to apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
#[allow(clippy::large_enum_variant, reason = "nearly every op is a command")]
pub enum Op {
    /// A proposer begins. Its budget for the transaction log holds from here on.
    OpenSession { session: SessionId, log_budget: u64 },
    /// Time passes; what has expired goes. Keeps the session alive.
    Tick { session: SessionId },
    /// A client's command, once.
    Command { session: SessionId, seq: u64, acked: u64, command: Command },
}

/// What came of an entry: one outcome for each op.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// In the order of the ops.
    pub outcomes: Vec<Outcome>,
}

impl Entry {
    /// An entry of ops that were encoded one by one (E2 is the caller's).
    pub fn encode<'o>(tick: Tick, ops: impl ExactSizeIterator<Item = &'o [u8]> + Clone) -> Vec<u8> {
        let bytes = ops.clone().map(<[u8]>::len).sum::<usize>();
        let head = (VERSION, tick, ops.len() as u64);
        let mut entry = postcard::to_extend(&head, Vec::with_capacity(bytes + 24))
            .expect("numbers have a length that is known");
        for op in ops {
            entry.extend_from_slice(op);
        }
        entry
    }

    /// The inverse.
    ///
    /// # Errors
    /// Says what is wrong; another version is named.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        match bytes.first() {
            Some(&VERSION) => {}
            Some(other) => return Err(format!("format {other}, this build knows {VERSION}")),
            None => return Err("it is empty".into()),
        }
        match postcard::take_from_bytes(bytes) {
            Ok((entry, [])) => Ok(entry),
            Ok((_, rest)) => Err(format!("{} bytes too many", rest.len())),
            Err(why) => Err(why.to_string()),
        }
    }
}

impl Op {
    /// The op's bytes.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("commands have no length that is not known")
    }

    /// The bytes of a command whose own bytes are there already.
    pub fn encode_command(session: SessionId, seq: u64, acked: u64, command: &[u8]) -> Vec<u8> {
        let head = (2u8, session, seq, acked);
        let mut op = postcard::to_extend(&head, Vec::with_capacity(command.len() + 40))
            .expect("numbers have a length that is known");
        op.extend_from_slice(command);
        op
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ops_encoded_one_by_one_are_the_entry() {
        let session = SessionId([7; 16]);
        let command = Command::DeleteBucket { name: "b".into() };
        let ops = vec![
            Op::OpenSession { session, log_budget: 1 << 30 },
            Op::Command { session, seq: 300, acked: 299, command: command.clone() },
            Op::Tick { session },
        ];
        let entry = Entry { version: VERSION, tick: Tick(5000), ops: ops.clone() };
        let mut parts: Vec<Vec<u8>> = ops.iter().map(Op::encode).collect();
        parts[1] = Op::encode_command(session, 300, 299, &postcard::to_stdvec(&command).unwrap());
        let bytes = Entry::encode(Tick(5000), parts.iter().map(Vec::as_slice));
        assert_eq!(bytes, postcard::to_stdvec(&entry).unwrap());
        assert_eq!(Entry::decode(&bytes), Ok(entry));
        assert!(Entry::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Entry::decode(&[2]).unwrap_err().contains("format 2"));
    }
}
