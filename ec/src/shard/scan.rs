//! The scan: finds the frames of a segment that has no footer.
//!
//! Invariants
//! - C1: it steps over what is no frame, sector by sector, and never cuts off what follows.
//! - C2: it reports only frames of the given life at their own position (F2), so
//!   that neither garbage, nor payload, nor an earlier life passes for a frame.
//! - C3: it answers for any bytes whatever, and holds at most `ROOM_MAX` of them.
//!
//! Pure: it is fed. Not here: the reads (`recover`).

use super::frame::{Header, NotAFrame, ROOM_MAX, SECTOR};
use super::segment::{Entry, FIRST_GROUP};

/// A scan under way.
#[derive(Debug)]
pub struct Scan {
    life: u64,
    len: u64,
    /// The position that is looked at next. [bytes]
    next: u64,
    /// Bytes from `next` on that were fed already, too few to tell.
    rest: Vec<u8>,
    found: Vec<Entry>,
    bad: u64,
}

impl Scan {
    /// Looks for frames of `life` in a segment of `len` bytes.
    pub fn new(life: u64, len: u64) -> Self {
        Self { life, len, next: FIRST_GROUP, rest: Vec::new(), found: Vec::new(), bad: 0 }
    }

    /// The bytes at `at`, which follow those fed before without a gap.
    pub fn feed(&mut self, at: u64, bytes: &[u8]) {
        if self.rest.is_empty() {
            self.look(at, bytes);
        } else {
            let mut joined = std::mem::take(&mut self.rest);
            let joined_at = at - joined.len() as u64;
            joined.extend_from_slice(bytes);
            self.look(joined_at, &joined);
        }
    }

    /// The frames found, in order, and how many headers of this life were damaged.
    pub fn finish(self) -> (Vec<Entry>, u64) {
        (self.found, self.bad)
    }

    fn look(&mut self, at: u64, bytes: &[u8]) {
        let end = at + bytes.len() as u64;
        self.next = self.next.max(at);
        while self.next + SECTOR as u64 <= end {
            let here = &bytes[(self.next - at) as usize..];
            match Header::parse_at(here, self.life, self.next) {
                Ok(header) if self.next + header.frame_bytes() as u64 <= self.len => {
                    self.take(&header);
                    continue;
                }
                Err(NotAFrame::Short(wanted)) if self.next + wanted as u64 <= self.len => {
                    debug_assert!(here.len() < ROOM_MAX, "C3");
                    self.rest = here.to_vec();
                    return;
                }
                Err(NotAFrame::Checksum { .. } | NotAFrame::Undecodable | NotAFrame::Lengths) => {
                    self.bad += 1;
                }
                Ok(_)
                | Err(
                    NotAFrame::Nothing
                    | NotAFrame::Elsewhere
                    | NotAFrame::Version(_)
                    | NotAFrame::Short(_),
                ) => {}
            }
            self.next += SECTOR as u64;
        }
    }

    fn take(&mut self, header: &Header) {
        self.found.push(Entry {
            shard: header.shard,
            kind: header.kind,
            sequence: header.stamp.sequence,
            at: header.stamp.at,
            payload_at: header.payload_at,
            payload_len: header.payload_len,
        });
        self.next += header.frame_bytes() as u64;
    }
}
