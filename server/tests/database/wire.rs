//! A MySQL client in a few lines: logs in as `root` without a password, asks, reads rows.

use holdfast_wire::Capabilities;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// What was answered to a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// So many rows were changed.
    Done(u64),
    /// Rows; no value is NULL in what these histories ask.
    Rows(Vec<Vec<String>>),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server's.
    Refused(u16, String),
    /// The connection is over.
    Gone,
}

impl Failure {
    /// Nobody knows whether the commit happened. Everything else says that it did not.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Gone | Self::Refused(1180, _))
    }
}

/// A connection.
pub struct Wire {
    stream: DuplexStream,
    sequence: u8,
}

impl Wire {
    /// Logs in.
    pub async fn login(stream: DuplexStream, database: &str) -> Result<Self, Failure> {
        let mut wire = Self { stream, sequence: 0 };
        wire.packet().await?;
        let can = [
            Capabilities::LONG_PASSWORD,
            Capabilities::CONNECT_WITH_DB,
            Capabilities::PROTOCOL_41,
            Capabilities::TRANSACTIONS,
            Capabilities::SECURE_CONNECTION,
            Capabilities::PLUGIN_AUTH,
            Capabilities::DEPRECATE_EOF,
        ];
        let can = can.iter().fold(0, |all, one| all | one.bits());
        let mut hello = can.to_le_bytes().to_vec();
        hello.extend_from_slice(&[0, 0, 0, 1, 255]);
        hello.extend_from_slice(&[0; 23]);
        hello.extend_from_slice(b"root\0\0");
        hello.extend_from_slice(database.as_bytes());
        hello.extend_from_slice(b"\0caching_sha2_password\0");
        wire.send(&hello).await?;
        match wire.packet().await?.first() {
            Some(0) => Ok(wire),
            _ => Err(Failure::Gone),
        }
    }

    /// Asks, and waits for all of the answer.
    pub async fn ask(&mut self, text: &str) -> Result<Answer, Failure> {
        self.sequence = 0;
        self.send(&[b"\x03", text.as_bytes()].concat()).await?;
        let first = self.packet().await?;
        if first.first() == Some(&0) {
            return Ok(Answer::Done(number(&mut &first[1..])));
        }
        for _ in 0..number(&mut &first[..]) {
            self.packet().await?;
        }
        let mut rows = Vec::new();
        loop {
            let packet = self.packet().await?;
            if packet.first() == Some(&0xfe) {
                return Ok(Answer::Rows(rows));
            }
            let mut rest = &packet[..];
            let mut row = Vec::new();
            while !rest.is_empty() {
                let length = number(&mut rest) as usize;
                let (value, later) = rest.split_at(length);
                row.push(String::from_utf8_lossy(value).into_owned());
                rest = later;
            }
            rows.push(row);
        }
    }

    /// The next packet; an error packet is a failure.
    async fn packet(&mut self) -> Result<Vec<u8>, Failure> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head).await.map_err(|_| Failure::Gone)?;
        if head[3] != self.sequence {
            return Err(Failure::Gone); // The last word to a connection that was killed while idle.
        }
        self.sequence = self.sequence.wrapping_add(1);
        let mut packet = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
        self.stream.read_exact(&mut packet).await.map_err(|_| Failure::Gone)?;
        if packet.first() != Some(&0xff) {
            return Ok(packet);
        }
        let code = u16::from_le_bytes([packet[1], packet[2]]);
        Err(Failure::Refused(code, String::from_utf8_lossy(&packet[9..]).into_owned()))
    }

    async fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let length = (payload.len() as u32).to_le_bytes();
        let head = [length[0], length[1], length[2], self.sequence];
        self.sequence = self.sequence.wrapping_add(1);
        let sent = self.stream.write_all(&[&head[..], payload].concat()).await;
        sent.map_err(|_| Failure::Gone)
    }
}

/// A number of variable length, taken from the front.
fn number(bytes: &mut &[u8]) -> u64 {
    let (width, from) = match bytes.first() {
        Some(0xfc) => (2, 1),
        Some(0xfd) => (3, 1),
        Some(0xfe) => (8, 1),
        Some(0xfb) => panic!("NULL was not asked for"),
        _ => (1, 0),
    };
    let mut whole = [0; 8];
    whole[..width].copy_from_slice(&bytes[from..from + width]);
    *bytes = &bytes[from + width..];
    u64::from_le_bytes(whole)
}
