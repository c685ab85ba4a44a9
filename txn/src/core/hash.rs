//! Hashing of keys: seeded, so that clients cannot choose keys that collide, and so
//! that one seed gives one run.
//!
//! Not here: what the prints are used for (`recent`, `commit`).

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hasher};

use holdfast_base::TableId;

/// Builds `SipHash` hashers that start from a seed.
#[derive(Clone, Copy, Debug)]
pub struct Seeded(pub u64);

/// A hasher for keys that are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ready(u64);

/// A map whose keys are prints.
#[allow(clippy::disallowed_types, reason = "never iterated")]
pub type PrintMap<V> = std::collections::HashMap<u64, V, BuildHasherDefault<Ready>>;

/// A map with seeded hashing.
#[allow(clippy::disallowed_types, reason = "never iterated")]
pub type SeededMap<K, V> = std::collections::HashMap<K, V, Seeded>;

impl BuildHasher for Seeded {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher
    }
}

impl Seeded {
    /// 64 bits that stand for a key. Two keys with one print are taken for one
    /// key: whoever asks must be safe when it is told too much.
    pub fn print(&self, table: TableId, key: &[u8]) -> u64 {
        let mut hasher = self.build_hasher();
        hasher.write_u64(table.0);
        hasher.write(key);
        hasher.finish()
    }
}

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = self.0.rotate_left(5) ^ u64::from_le_bytes(word);
        }
    }

    fn write_u64(&mut self, print: u64) {
        self.0 = print;
    }
}
