//! Erasure codes: `k` data slices become `m` parity slices, and any `k` of the
//! `k + m` give back the rest.
//!
//! ```text
//! Codec ── gf8 ──── plan ── kernel: scalar | ssse3 | avx2
//!   │       └─ matrix ── field
//!   └───── leopard ── reed-solomon-simd
//! shape: what the caller handed in, checked before anything is written
//! ```
//!
//! A code is chosen by the geometry and the `CodecId` that are stored with
//! every blob. `gf8` serves up to 32 shards, `leopard` wider sets.
//!
//! Not here: cutting a blob into stripes and units (`object::stripe`), hashes
//! (`base::checksum`), which shards are read (`shard`).

#![allow(unsafe_code)] // Vector instructions; the scalar kernel is the specification.

mod any;
mod field;
mod gf8;
mod kernel;
mod leopard;
mod matrix;
mod plan;
mod shape;
#[cfg(test)]
mod tests;

pub use any::Codec;
pub use kernel::Kernel;
pub use shape::{ALIGN_BYTES, ShapeError};
