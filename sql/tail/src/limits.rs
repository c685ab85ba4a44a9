//! The bounds of the tail.

/// What the tail may do at once. The defaults are the intended values; tests take
/// smaller ones, so that they reach them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rows of a chunk. 8192 is also what an execution batch holds. At most 65,536.
    pub chunk_rows: usize,
    /// Keys or rows that one step touches under a table's write lock.
    pub step_rows: usize,
    /// Full chunks that may wait for the background to seal them; the applier seals
    /// beyond that itself, which keeps a burst's row bytes bounded.
    pub raw_chunks: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { chunk_rows: 8192, step_rows: 1024, raw_chunks: 8 }
    }
}

impl Limits {
    /// The same, with every bound where it has a meaning.
    pub(crate) fn checked(self) -> Self {
        Self {
            chunk_rows: self.chunk_rows.clamp(1, 1 << 16),
            step_rows: self.step_rows.max(1),
            raw_chunks: self.raw_chunks,
        }
    }
}
