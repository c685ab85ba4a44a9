//! The client: sends what its script says, and reads what comes in between.

use std::sync::Arc;
use std::time::Duration;

use holdfast_io::clock::{Clock, deadline};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};

/// How long the server may stay silent before the next step; time is simulated.
const PAUSE: Duration = Duration::from_millis(50);
/// The login of `open`, who has no password.
const HELLO: &[u8] = b"\x85\xa2\x3a\0\0\0\0\x01\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    open\0\0caching_sha2_password\0\x06\x02_a\x02bc";
/// What a script sends at most. [steps]
const STEPS_MAX: usize = 64;

/// One thing that the client does.
pub enum Step<'a> {
    /// A packet with the number that is due.
    Next(&'a [u8]),
    /// A packet that begins a command.
    Command(&'a [u8]),
    /// A packet with a number of its own: the first byte.
    Numbered(&'a [u8]),
    /// Bytes without a head.
    Raw(&'a [u8]),
    /// A packet of the bytes repeated: `.0` times.
    Repeated(usize, &'a [u8]),
    /// A command, without waiting for its answer.
    Ahead(&'a [u8]),
    /// The end of the stream; the server may still write.
    End,
}

/// The steps of a script; all bytes are one.
pub fn steps(mut script: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    while let ([kind, size, rest @ ..], true) = (script, steps.len() < STEPS_MAX) {
        let (bytes, rest) = rest.split_at(rest.len().min(usize::from(*size)));
        script = rest;
        steps.push(match kind % 8 {
            0 | 1 => Step::Next(bytes),
            2 | 3 => Step::Command(bytes),
            4 => Step::Numbered(bytes),
            5 => Step::Raw(bytes),
            6 if kind & 8 != 0 => Step::Repeated(1 << (kind >> 4), bytes),
            6 => Step::Ahead(bytes),
            _ if kind & 0xf0 == 0 => Step::End,
            _ => Step::Command(bytes),
        });
    }
    steps
}

struct Client {
    from: ReadHalf<DuplexStream>,
    /// What was read and is not a whole packet yet.
    input: Vec<u8>,
    /// The number that is due next.
    sequence: u8,
    /// The server may number what it answers to bytes that are no packets as it likes.
    is_in_step: bool,
}

/// Runs a script; how many packets were sent.
pub async fn run(
    stream: DuplexStream,
    steps: &[Step<'_>],
    clock: &Arc<dyn Clock>,
    logs_in: bool,
) -> u64 {
    let (from, mut into) = tokio::io::split(stream);
    let mut client = Client { from, input: Vec::new(), sequence: 0, is_in_step: true };
    client.listen(clock).await;
    let mut sent = 0;
    if logs_in {
        client.send(&mut into, &framed(HELLO, 1), clock).await;
        client.listen(clock).await;
        sent += 1;
    }
    for step in steps {
        let (packet, waits) = match step {
            Step::Next(bytes) => (framed(bytes, client.sequence), true),
            Step::Command(bytes) => {
                client.sequence = 0;
                (framed(bytes, 0), true)
            }
            Step::Numbered([number, bytes @ ..]) => {
                client.is_in_step = false;
                (framed(bytes, *number), true)
            }
            Step::Raw(bytes) => {
                client.is_in_step = false;
                (bytes.to_vec(), true)
            }
            Step::Repeated(times, bytes) => {
                (framed(&bytes.repeat((*times).min(1 << 10)), client.sequence), true)
            }
            Step::Ahead(bytes) => {
                client.is_in_step = false;
                (framed(bytes, 0), false)
            }
            Step::Numbered([]) | Step::End => break,
        };
        sent += 1;
        client.send(&mut into, &packet, clock).await;
        if waits {
            client.listen(clock).await;
        }
    }
    let _ = into.shutdown().await;
    client.listen(clock).await;
    sent
}

fn framed(payload: &[u8], sequence: u8) -> Vec<u8> {
    let length = (payload.len() as u32).to_le_bytes();
    [&[length[0], length[1], length[2], sequence][..], payload].concat()
}

impl Client {
    /// Writes, and reads when the server has to write before it reads on.
    async fn send(
        &mut self,
        into: &mut WriteHalf<DuplexStream>,
        packet: &[u8],
        clock: &Arc<dyn Clock>,
    ) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut left = packet;
        while !left.is_empty() {
            match deadline(clock, PAUSE, into.write(left)).await {
                Ok(Ok(count)) if count > 0 => left = &left[count..],
                Ok(_) => return,
                Err(_) if !self.listen(clock).await => return,
                Err(_) => {}
            }
        }
    }

    /// Reads until nothing comes; true where something did.
    async fn listen(&mut self, clock: &Arc<dyn Clock>) -> bool {
        let mut came = false;
        while let Ok(Ok(1..)) = deadline(clock, PAUSE, self.from.read_buf(&mut self.input)).await {
            came = true;
            self.look();
        }
        came
    }

    /// Takes whole packets out of the input (P3).
    fn look(&mut self) {
        while let [a, b, c, number, rest @ ..] = &self.input[..] {
            let length = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
            if rest.len() < length {
                return;
            }
            if self.is_in_step {
                assert_eq!(*number, self.sequence, "P3");
            }
            self.sequence = number.wrapping_add(1);
            self.input.drain(..4 + length);
        }
    }
}
