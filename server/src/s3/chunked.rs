//! What s3s's decoder of `aws-chunked` bodies lets pass, checked on the way to it.
//!
//! ```text
//! size[;chunk-signature=..] CRLF | size bytes | CRLF | ... | 0[;..] CRLF | trailers | CRLF
//! ```
//!
//! - C1: a body without its final chunk is truncated, though each chunk is whole: s3s would
//!   end it there in peace.
//! - C2: s3s holds a chunk in memory until it is whole, and a client may send its whole
//!   object as one. An unsigned chunk is cut into chunks as it comes; a signed one cannot be,
//!   and is bounded.
//!
//! Not here: signatures, decoding, trailers (s3s); what trailers say (`checksums`).

use std::collections::VecDeque;

use bytes::Bytes;

/// A signed chunk beyond this is refused (C2). [bytes]
const SIGNED_CHUNK_BYTES_MAX: u64 = 16 << 20;
/// An unsigned chunk beyond this is cut (C2). [bytes]
const UNSIGNED_CHUNK_BYTES_MAX: u64 = 128 << 10;
/// The line before a chunk. [bytes]
const LINE_BYTES_MAX: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Line,
    Data {
        left: u64,
        cut: bool,
    },
    /// CR and LF after a chunk's data: how many of the two are still to come.
    Ending {
        left: u8,
        cut: bool,
    },
    Trailers,
}

/// Why a chunked body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadChunk {
    /// Not a chunk's line.
    Line,
    /// C2.
    TooLarge,
}

/// Follows a chunked body's framing.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    line: Vec<u8>,
    signed: bool,
}

impl Framing {
    pub(super) fn new(signed: bool) -> Self {
        Self { state: State::Line, line: Vec::new(), signed }
    }

    /// C1: true once the final chunk was seen.
    pub(super) fn is_whole(&self) -> bool {
        self.state == State::Trailers
    }

    /// Takes the next bytes; `out` gets what s3s shall see of them.
    pub(super) fn push(
        &mut self,
        mut bytes: Bytes,
        out: &mut VecDeque<Bytes>,
    ) -> Result<(), BadChunk> {
        while !bytes.is_empty() {
            match self.state {
                State::Line => self.line(&mut bytes, out)?,
                State::Data { left, cut } => {
                    let take = left.min(bytes.len() as u64);
                    let piece = bytes.split_to(take as usize);
                    if cut {
                        out.push_back(Bytes::from(format!("{take:x}\r\n")));
                        out.push_back(piece);
                        out.push_back(Bytes::from_static(b"\r\n"));
                    } else {
                        out.push_back(piece);
                    }
                    self.state = match left - take {
                        0 => State::Ending { left: 2, cut },
                        left => State::Data { left, cut },
                    };
                }
                State::Ending { left, cut } => {
                    let take = usize::from(left).min(bytes.len());
                    let piece = bytes.split_to(take);
                    if cut && piece[..] != b"\r\n"[2 - usize::from(left)..][..take] {
                        return Err(BadChunk::Line);
                    }
                    if !cut {
                        out.push_back(piece);
                    }
                    self.state = match left - take as u8 {
                        0 => State::Line,
                        left => State::Ending { left, cut },
                    };
                }
                State::Trailers => out.push_back(std::mem::take(&mut bytes)),
            }
        }
        Ok(())
    }

    fn line(&mut self, bytes: &mut Bytes, out: &mut VecDeque<Bytes>) -> Result<(), BadChunk> {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let piece = bytes.split_to(end.map_or(bytes.len(), |at| at + 1));
        if self.line.len() + piece.len() > LINE_BYTES_MAX {
            return Err(BadChunk::Line);
        }
        self.line.extend_from_slice(&piece);
        if end.is_none() {
            return Ok(());
        }
        let size = size(&self.line).ok_or(BadChunk::Line)?;
        if self.signed && size > SIGNED_CHUNK_BYTES_MAX {
            return Err(BadChunk::TooLarge);
        }
        let cut = !self.signed && size > UNSIGNED_CHUNK_BYTES_MAX;
        let line = Bytes::from(std::mem::take(&mut self.line));
        if !cut {
            out.push_back(line);
        }
        self.state = if size == 0 { State::Trailers } else { State::Data { left: size, cut } };
        Ok(())
    }
}

/// The size that a chunk's line begins with.
fn size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|byte| matches!(byte, b';' | b'\r'))?;
    let digits = line.get(..end).filter(|digits| (1..=16).contains(&digits.len()))?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(body: &[u8], piece: usize, signed: bool) -> (Result<(), BadChunk>, Vec<u8>, bool) {
        let mut framing = Framing::new(signed);
        let (mut out, mut result) = (VecDeque::new(), Ok(()));
        for bytes in body.chunks(piece) {
            result = framing.push(Bytes::copy_from_slice(bytes), &mut out);
            if result.is_err() {
                break;
            }
        }
        (result, out.into_iter().collect::<Vec<_>>().concat(), framing.is_whole())
    }

    /// Decodes plain chunks, as s3s does.
    fn decode(mut body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let end = body.iter().position(|&b| b == b'\n').unwrap() + 1;
            let size = size(&body[..end]).unwrap() as usize;
            if size == 0 {
                return out;
            }
            out.extend_from_slice(&body[end..end + size]);
            assert_eq!(&body[end + size..end + size + 2], b"\r\n");
            body = &body[end + size + 2..];
        }
    }

    #[test]
    fn small_chunks_pass_untouched_however_they_are_cut() {
        let body = b"5;chunk-signature=ab\r\nhello\r\n0;chunk-signature=cd\r\nx-t:1\r\n\r\n";
        for piece in 1..body.len() {
            assert_eq!(run(body, piece, true), (Ok(()), body.to_vec(), true), "pieces of {piece}");
        }
    }

    #[test]
    fn a_huge_unsigned_chunk_becomes_many() {
        let data = vec![7; 300_000];
        let mut body = b"493e0\r\n".to_vec();
        body.extend_from_slice(&data);
        body.extend_from_slice(b"\r\n0\r\n\r\n");
        for piece in [1000, 65_536, body.len()] {
            let (result, out, whole) = run(&body, piece, false);
            assert_eq!((result, whole, decode(&out) == data), (Ok(()), true, true), "C2: {piece}");
        }
        assert_eq!(run(b"1000001;chunk-signature=a\r\n", 9, true).0, Err(BadChunk::TooLarge), "C2");
    }

    #[test]
    fn a_body_without_its_final_chunk_is_not_whole() {
        for body in [&b"5\r\nhello\r\n"[..], b"5\r\nhel", b"5", b""] {
            assert!(!run(body, 3, false).2, "C1: {body:?}");
        }
        for body in [&b"xyz\r\n"[..], b"\r\n", b";chunk-signature=\r\n", b"+5\r\n"] {
            assert_eq!(run(body, 3, false).0, Err(BadChunk::Line), "{body:?}");
        }
    }
}
