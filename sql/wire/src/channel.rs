//! Packets on a stream: cut, numbered, joined and buffered.
//!
//! ```text
//! packet = length (3) | sequence (1) | payload        all little-endian
//! a payload of 2^24-1 bytes or more goes in several, the last one shorter
//! ```
//!
//! - N1: memory grows with bytes that came, not with lengths that were announced.
//! - N2: every future here may be dropped: what was read or written stays counted.
//! - N3: before the login is done no byte beyond the current packet is read, so that
//!   TLS finds its first record whole.
//!
//! Not here: what packets say (`greeting`, `command`, `answer`).

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use holdfast_io::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::WireError;
use crate::stream::TlsOrPlain;
use crate::within::within;

/// The longest payload of one piece.
pub(crate) const PIECE_MAX: usize = 0xff_ffff;
const HEAD: usize = 4;
/// A first buffer: most statements fit. [bytes]
const INPUT_SMALL: usize = 4 << 10;
/// A buffer beyond this is not kept after use. [bytes]
const BUFFER_KEPT: usize = 128 << 10;
/// What is read at a time of what is forgotten. [bytes]
const CHUNK: usize = 64 << 10;
/// Output beyond this is written before more is encoded. [bytes]
pub(crate) const OUTPUT_HIGH: usize = 64 << 10;

/// Deadlines of single reads and writes.
#[derive(Clone)]
pub(crate) struct Limits {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) read: Duration,
    pub(crate) write: Duration,
}

/// Where a LOCAL INFILE transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    None,
    /// A packet's head is next; `is_continued` where the last piece was full.
    Head {
        is_continued: bool,
    },
    /// So many bytes of the current piece are still to come.
    Piece {
        left: usize,
        is_full: bool,
    },
}

pub(crate) struct Channel {
    pub(crate) stream: TlsOrPlain,
    pub(crate) input: BytesMut,
    /// Pieces of a packet that is not whole yet.
    pieces: BytesMut,
    pub(crate) output: Vec<u8>,
    /// `output[..sent]` is gone.
    sent: usize,
    /// Where the packet being written begins.
    packet_at: usize,
    /// The sequence number that is due next, in either direction.
    pub(crate) sequence: u8,
    reads_ahead: bool,
    pub(crate) transfer: Transfer,
    pub(crate) limits: Limits,
}

impl Channel {
    pub(crate) fn new(stream: TlsOrPlain, limits: Limits) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            pieces: BytesMut::new(),
            output: Vec::new(),
            sent: 0,
            packet_at: 0,
            sequence: 0,
            reads_ahead: false,
            transfer: Transfer::None,
            limits,
        }
    }

    /// Begins TLS (N3).
    pub(crate) async fn begin_tls(
        self,
        config: &Arc<rustls::ServerConfig>,
    ) -> Result<Self, WireError> {
        let stream = self.stream.begin_tls(config).await.map_err(WireError::Tls)?;
        Ok(Self { stream, ..self })
    }

    /// From now on reads take what there is (N3).
    pub(crate) fn read_ahead(&mut self) {
        self.reads_ahead = true;
    }

    /// The next packet's payload of at most `limit` bytes; `None` where the stream
    /// ends between two packets.
    pub(crate) async fn packet(&mut self, limit: u64) -> Result<Option<Bytes>, WireError> {
        loop {
            if !self.fill(HEAD).await? {
                let is_clean = self.input.is_empty() && self.pieces.is_empty();
                return if is_clean { Ok(None) } else { Err(WireError::Gone) };
            }
            let (length, found) = self.head();
            let size = (self.pieces.len() + length) as u64;
            if found != self.sequence {
                return Err(WireError::OutOfOrder { expected: self.sequence, found });
            }
            if size > limit {
                return Err(WireError::TooLarge { size, limit });
            }
            if !self.fill(HEAD + length).await? {
                return Err(WireError::Gone);
            }
            self.input.advance(HEAD);
            let piece = self.take(length);
            self.sequence = self.sequence.wrapping_add(1);
            if length < PIECE_MAX && self.pieces.is_empty() {
                return Ok(Some(piece));
            }
            self.pieces.extend_from_slice(&piece);
            if length < PIECE_MAX {
                return Ok(Some(std::mem::take(&mut self.pieces).freeze()));
            }
        }
    }

    /// As `packet`, where the client has to say something.
    pub(crate) async fn answer(&mut self, limit: u64) -> Result<Bytes, WireError> {
        self.packet(limit).await?.ok_or(WireError::Gone)
    }

    /// Length and sequence number of the head that lies at the input's start.
    pub(crate) fn head(&self) -> (usize, u8) {
        match self.input[..] {
            [a, b, c, sequence, ..] => {
                (usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16, sequence)
            }
            _ => (0, 0),
        }
    }

    /// The first `count` bytes of the input, which are there.
    pub(crate) fn take(&mut self, count: usize) -> Bytes {
        let taken = self.input.split_to(count.min(self.input.len())).freeze();
        if count > BUFFER_KEPT {
            // The rest must not keep the big buffer alive.
            self.input = BytesMut::from(&self.input[..]);
        }
        taken
    }

    /// Reads until the input has `count` bytes; false where the stream ends before.
    pub(crate) async fn fill(&mut self, count: usize) -> Result<bool, WireError> {
        while self.input.len() < count {
            if self.read_some(count).await? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn read_some(&mut self, count: usize) -> Result<usize, WireError> {
        let missing = count.saturating_sub(self.input.len()).max(1);
        // N1: as much again as there is, at most.
        let room = missing.min(self.input.len().max(INPUT_SMALL));
        let limit = if self.reads_ahead { usize::MAX } else { room };
        let wanted = if self.reads_ahead { room.max(INPUT_SMALL / 2) } else { room };
        // Only where it is nearly full: growing doubles what there is.
        if self.input.capacity() - self.input.len() < wanted.min(INPUT_SMALL / 4) {
            self.input.reserve(wanted);
        }
        let (stream, input) = (&mut self.stream, &mut self.input);
        let read = async move { stream.take(limit as u64).read_buf(input).await };
        match within(&self.limits.clock, self.limits.read, read).await {
            Ok(Ok(count)) => Ok(count),
            Ok(Err(error)) if is_gone(&error) => Ok(0),
            Ok(Err(error)) => Err(WireError::Net(error)),
            Err(late) => Err(WireError::Late { doing: "a read", limit: late.0 }),
        }
    }

    /// Waits for a first byte for as long as it takes; false at the stream's end.
    pub(crate) async fn wait(&mut self) -> Result<bool, WireError> {
        if !self.input.is_empty() {
            return Ok(true);
        }
        self.input.reserve(INPUT_SMALL / 2);
        match self.stream.read_buf(&mut self.input).await {
            Ok(count) => Ok(count > 0),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(WireError::Net(error)),
        }
    }

    /// Resolves when the stream has ended; reads ahead at most one buffer.
    pub(crate) async fn ended(&mut self) {
        while self.input.len() < BUFFER_KEPT {
            self.input.reserve(INPUT_SMALL);
            match self.stream.read_buf(&mut self.input).await {
                Ok(count) if count > 0 => {}
                _ => return,
            }
        }
        std::future::pending().await
    }

    /// Reads the rest of a packet that is too large and forgets it, so that the client
    /// comes to reading what it is told. Beyond `count` bytes it gives up.
    pub(crate) async fn skip_packet(&mut self, count: u64) -> Result<(), WireError> {
        let mut budget = count;
        self.pieces = BytesMut::new();
        loop {
            if !self.fill(HEAD).await? {
                return Err(WireError::Gone);
            }
            let (length, found) = self.head();
            self.input.advance(HEAD);
            self.sequence = found.wrapping_add(1);
            let mut left = length;
            while left > 0 {
                let part = left.min(self.input.len());
                self.input.advance(part);
                left -= part;
                budget = budget.saturating_sub(part as u64);
                if left > 0 && (budget == 0 || self.read_some(left.min(CHUNK)).await? == 0) {
                    return Err(WireError::Gone);
                }
            }
            if length < PIECE_MAX {
                return Ok(());
            }
        }
    }

    /// True while pieces of a packet wait for the rest of it.
    pub(crate) fn is_within_packet(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// True where a whole command already lies in the input.
    pub(crate) fn has_packet(&self) -> bool {
        let (length, _) = self.head();
        self.input.len() >= HEAD && self.input.len() - HEAD >= length
    }

    /// Begins a packet: the caller appends its payload to `output`.
    pub(crate) fn open(&mut self) -> &mut Vec<u8> {
        self.packet_at = self.output.len();
        self.output.extend_from_slice(&[0; HEAD]);
        &mut self.output
    }

    /// Ends the packet that `open` began.
    pub(crate) fn close(&mut self) {
        let payload_at = self.packet_at + HEAD;
        let length = self.output.len().saturating_sub(payload_at);
        if length < PIECE_MAX {
            self.put_head(self.packet_at, length);
            return;
        }
        let payload = self.output.split_off(payload_at);
        self.output.truncate(self.packet_at);
        let mut rest = &payload[..];
        loop {
            let piece = &rest[..rest.len().min(PIECE_MAX)];
            let at = self.output.len();
            self.output.extend_from_slice(&[0; HEAD]);
            self.output.extend_from_slice(piece);
            self.put_head(at, piece.len());
            rest = &rest[piece.len()..];
            if piece.len() < PIECE_MAX {
                return;
            }
        }
    }

    /// Forgets the packet that `open` began.
    pub(crate) fn abandon(&mut self) {
        self.output.truncate(self.packet_at);
    }

    fn put_head(&mut self, at: usize, length: usize) {
        let length = (length as u32).to_le_bytes();
        self.output[at..at + 3].copy_from_slice(&length[..3]);
        self.output[at + 3] = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Gives the packets that wait in the output their numbers, from `sequence` on.
    pub(crate) fn renumber(&mut self) {
        self.for_each_waiting(|head, sequence| {
            *head = *sequence;
            *sequence = sequence.wrapping_add(1);
        });
    }

    /// Takes the numbers of the packets that wait in the output back.
    pub(crate) fn take_numbers_back(&mut self) {
        self.for_each_waiting(|_, sequence| *sequence = sequence.wrapping_sub(1));
    }

    fn for_each_waiting(&mut self, mut with: impl FnMut(&mut u8, &mut u8)) {
        let mut at = self.sent;
        while let Some([a, b, c, number]) = self.output.get_mut(at..at + HEAD) {
            with(number, &mut self.sequence);
            at += HEAD + (usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16);
        }
    }

    /// Writes what is in the output.
    pub(crate) async fn flush(&mut self) -> Result<(), WireError> {
        if self.output.is_empty() {
            return Ok(());
        }
        while self.sent < self.output.len() {
            let write = self.stream.write(&self.output[self.sent..]);
            match within(&self.limits.clock, self.limits.write, write).await {
                Ok(Ok(0)) => return Err(WireError::Gone),
                Ok(Ok(count)) => self.sent += count,
                Ok(Err(error)) if is_gone(&error) => return Err(WireError::Gone),
                Ok(Err(error)) => return Err(WireError::Net(error)),
                Err(late) => return Err(WireError::Late { doing: "a write", limit: late.0 }),
            }
        }
        let flush = self.stream.flush();
        match within(&self.limits.clock, self.limits.write, flush).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(WireError::Net(error)),
            Err(late) => return Err(WireError::Late { doing: "a write", limit: late.0 }),
        }
        self.sent = 0;
        self.output.clear();
        self.output.shrink_to(BUFFER_KEPT);
        Ok(())
    }
}

/// True where the other side closed or reset the connection.
fn is_gone(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe
    )
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use holdfast_sim::clock::SimClock;

    use super::*;

    fn channel() -> (tokio::io::DuplexStream, Channel) {
        let (here, there) = tokio::io::duplex(256 << 10);
        let (read, write) = (Duration::from_secs(1), Duration::from_secs(1));
        let limits = Limits { clock: SimClock::new(), read, write };
        (here, Channel::new(TlsOrPlain::Plain(Box::new(there)), limits))
    }

    fn poll(channel: &mut Channel, limit: u64) -> Poll<Result<Option<Bytes>, WireError>> {
        pin!(channel.packet(limit)).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn memory_grows_with_what_came_and_not_with_what_was_announced() {
        holdfast_sim::run(async {
            for reads_ahead in [false, true] {
                let (mut here, mut channel) = channel();
                channel.reads_ahead = reads_ahead;
                here.write_all(&[0xff, 0xff, 0, 0]).await.unwrap();
                let mut came = 4;
                while came < 4 + 0xffff {
                    assert!(poll(&mut channel, 64 << 10).is_pending());
                    let held = channel.input.capacity();
                    assert!(held <= 2 * came + 2 * INPUT_SMALL, "N1: {held} after {came}");
                    let more = 1000.min(4 + 0xffff - came);
                    here.write_all(&vec![7; more]).await.unwrap();
                    came += more;
                }
                let Poll::Ready(Ok(Some(packet))) = poll(&mut channel, 64 << 10) else { panic!() };
                assert_eq!(packet.len(), 0xffff);
            }
        });
    }

    #[test]
    fn before_the_login_not_a_byte_too_many_is_read() {
        holdfast_sim::run(async {
            let (mut here, mut channel) = channel();
            here.write_all(b"\x02\0\0\0abTLS").await.unwrap();
            let Poll::Ready(Ok(Some(packet))) = poll(&mut channel, 10) else { panic!() };
            assert_eq!((&packet[..], channel.input.len()), (&b"ab"[..], 0), "N3");
        });
    }

    #[test]
    fn small_packets_share_one_buffer_and_it_is_used_again() {
        holdfast_sim::run(async {
            let (mut here, mut channel) = channel();
            channel.read_ahead();
            let mut places = std::collections::BTreeSet::new();
            for sequence in 0..200_u8 {
                here.write_all(&[3, 0, 0, sequence, 1, 2, 3]).await.unwrap();
                let Poll::Ready(Ok(Some(packet))) = poll(&mut channel, 10) else { panic!() };
                places.insert(packet.as_ptr() as usize / (64 << 10));
            }
            assert!(places.len() <= 2, "{places:?}");
            assert!(channel.input.capacity() <= 2 * INPUT_SMALL);
        });
    }

    #[test]
    fn full_pieces_are_split_and_joined() {
        holdfast_sim::run(async {
            for size in [0, PIECE_MAX - 1, PIECE_MAX, PIECE_MAX + 1] {
                let (_here, mut channel) = channel();
                channel.open().resize(HEAD + size, 1);
                channel.close();
                let pieces = size / PIECE_MAX + 1;
                assert_eq!(channel.output.len(), size + pieces * HEAD);
                assert_eq!(channel.sequence as usize, pieces);
                channel.input = BytesMut::from(&channel.output[..]);
                channel.sequence = 0;
                let Poll::Ready(Ok(Some(packet))) = poll(&mut channel, u64::MAX) else { panic!() };
                assert_eq!(packet.len(), size);
            }
        });
    }
}
