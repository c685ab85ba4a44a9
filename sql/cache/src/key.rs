//! What a block is called in memory.

/// An object: 128 bits of its name's BLAKE3. The name itself stands in the slot's header
/// and is compared there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ObjectKey(pub [u8; 16]);

/// A block of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlockKey {
    pub object: ObjectKey,
    pub block: u32,
}

/// The bytes `from .. from + len` of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub from: u32,
    pub len: u32,
}

impl ObjectKey {
    pub fn of(name: &str) -> Self {
        let hash = blake3::hash(name.as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_bytes()[..16]);
        Self(key)
    }

    pub fn block(self, block: u32) -> BlockKey {
        BlockKey { object: self, block }
    }

    /// All its blocks.
    pub fn blocks(self) -> std::ops::RangeInclusive<BlockKey> {
        self.block(0)..=self.block(u32::MAX)
    }
}

impl BlockKey {
    /// Enough to remember it by where a mix-up costs nothing but a place in a queue.
    pub fn print(self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.object.0[..8]);
        u64::from_le_bytes(bytes) ^ u64::from(self.block).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Span {
    pub fn end(self) -> u32 {
        self.from + self.len
    }

    pub fn covers(self, other: Span) -> bool {
        self.from <= other.from && other.end() <= self.end()
    }
}

impl std::fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..", hex::encode(&self.0[..4]))
    }
}
