//! A lean HTTP/1.1 client connection: one request at a time, the answer's body counted and thrown away.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
pub struct Response {
    pub status: u16,
    /// Bytes of the body.
    pub bytes: u64,
    /// The body's beginning, for errors and listings; at most as much as `keep` asked for.
    pub kept: Vec<u8>,
}

const BUFFER_BYTES: usize = 256 << 10;

impl Connection {
    pub async fn open(host: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Sends `head` (request line and headers, ending in an empty line) and `body`.
    pub async fn send(&mut self, head: &str, body: &[u8], keep: usize) -> io::Result<Response> {
        if body.len() <= 16 << 10 {
            let mut whole = Vec::with_capacity(head.len() + body.len());
            whole.extend_from_slice(head.as_bytes());
            whole.extend_from_slice(body);
            self.stream.write_all(&whole).await?;
        } else {
            self.stream.write_all(head.as_bytes()).await?;
            self.stream.write_all(body).await?;
        }
        self.receive(keep).await
    }

    /// Sends `head` and a body of `len` bytes that repeats `piece`.
    pub async fn stream(&mut self, head: &str, piece: &[u8], len: u64) -> io::Result<Response> {
        self.stream.write_all(head.as_bytes()).await?;
        let mut left = len;
        while left > 0 {
            let count = left.min(piece.len() as u64) as usize;
            self.stream.write_all(&piece[..count]).await?;
            left -= count as u64;
        }
        self.receive(512).await
    }

    async fn receive(&mut self, keep: usize) -> io::Result<Response> {
        let mut filled = 0;
        let end = loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            if let Some(at) = self.buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n")
            {
                break at + 4;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0);
        let field = |name: &str| {
            head.lines()
                .find_map(|line| line.strip_prefix(name))
                .map(|value| value.trim().to_owned())
        };
        let mut response = Response { status, bytes: 0, kept: Vec::new() };
        if field("transfer-encoding:").is_some_and(|value| value.contains("chunked")) {
            self.chunks(end, filled, keep, &mut response).await?;
        } else {
            let length: u64 =
                field("content-length:").and_then(|value| value.parse().ok()).unwrap_or(0);
            take(&mut response, &self.buffer[end..filled], keep);
            while response.bytes < length {
                let read = self.stream.read(&mut self.buffer).await?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                take(&mut response, &self.buffer[..read], keep);
            }
        }
        Ok(response)
    }

    /// A chunked body; `self.buffer[at..filled]` was read already.
    async fn chunks(
        &mut self,
        at: usize,
        filled: usize,
        keep: usize,
        response: &mut Response,
    ) -> io::Result<()> {
        let mut raw = self.buffer[at..filled].to_vec();
        loop {
            while let Some(line) = raw.windows(2).position(|two| two == b"\r\n") {
                let size = std::str::from_utf8(&raw[..line]).ok();
                let size = size.and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
                let size = size.ok_or(io::ErrorKind::InvalidData)?;
                if raw.len() < line + 2 + size + 2 {
                    break;
                }
                take(response, &raw[line + 2..line + 2 + size], keep);
                raw.drain(..line + 2 + size + 2);
                if size == 0 {
                    return Ok(());
                }
            }
            let read = self.stream.read(&mut self.buffer).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            raw.extend_from_slice(&self.buffer[..read]);
        }
    }
}

fn take(response: &mut Response, bytes: &[u8], keep: usize) {
    response.bytes += bytes.len() as u64;
    let room = keep.saturating_sub(response.kept.len()).min(bytes.len());
    response.kept.extend_from_slice(&bytes[..room]);
}
