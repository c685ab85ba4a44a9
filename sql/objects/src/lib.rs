//! A table's immutable part: columnar objects in the database's bucket, and the
//! manifest that names them.
//!
//! ```text
//! manifest (at, flushed)
//!   object  a..k   rows, key range, footer      deletes: positions that are dead
//!   object  f..z   ...
//! ```
//!
//! - M1: of the objects of one manifest a key is alive in at most one.
//! - M2: a manifest does not change: an edit makes another one, of a later timestamp.
//!
//! Not here: rows that are not flushed (`tail`), which manifest a reader takes (`sql`).

pub mod manifest;
