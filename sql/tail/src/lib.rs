//! The tail of the log in memory: versions, key index, columnar chunks.
