//! Reading the protocol's numbers and strings from a packet.
//!
//! - R1: every read is checked; a packet that ends early is `None`, never a panic.

/// What is left of a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    pub(crate) fn new(packet: &'a [u8]) -> Self {
        Self { rest: packet }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length-encoded integer; NULL's 0xfb and the error mark 0xff are none.
    pub(crate) fn lenenc(&mut self) -> Option<u64> {
        match self.u8()? {
            small @ 0..=0xfa => Some(u64::from(small)),
            0xfc => self.u16().map(u64::from),
            0xfd => self.array::<3>().map(|[a, b, c]| u64::from(u32::from_le_bytes([a, b, c, 0]))),
            0xfe => self.u64(),
            _ => None,
        }
    }

    /// A string with its length before it.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(self.lenenc()?).ok()?;
        self.take(count)
    }

    /// A string up to a zero byte, which is taken too.
    pub(crate) fn until_zero(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|byte| *byte == 0)?;
        let text = self.take(end)?;
        self.take(1)?;
        Some(text)
    }

    /// A string up to a zero byte or the packet's end.
    pub(crate) fn until_zero_or_end(&mut self) -> &'a [u8] {
        self.until_zero().unwrap_or_else(|| std::mem::take(&mut self.rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_come_in_four_sizes() {
        let check = |bytes: &[u8], want: Option<u64>| {
            assert_eq!(Scan::new(bytes).lenenc(), want, "{bytes:?}");
        };
        check(&[0], Some(0));
        check(&[250], Some(250));
        check(&[0xfb], None);
        check(&[0xfc, 0xfb, 0], Some(251));
        check(&[0xfd, 0, 0, 1], Some(65536));
        check(&[0xfe, 0, 0, 0, 1, 0, 0, 0, 0], Some(1 << 24));
        check(&[0xfe, 0, 0], None);
        check(&[0xff], None);
        check(&[], None);
    }

    #[test]
    fn a_string_longer_than_its_packet_is_none() {
        assert_eq!(Scan::new(&[3, b'a', b'b']).string(), None);
        let huge = [0xfe, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert_eq!(Scan::new(&huge).string(), None);
        assert_eq!(Scan::new(b"ab").until_zero(), None);
        assert_eq!(Scan::new(b"ab").until_zero_or_end(), b"ab");
    }
}
