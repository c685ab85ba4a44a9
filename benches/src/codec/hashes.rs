//! Hashes over the same bytes: what we do to each shard, and what S3 clients
//! ask for.

use std::hint::black_box;

use holdfast_base::checksum;
use holdfast_base::ids::BodyId;
use holdfast_io::rng::{Rng, SeededRng};
use md5::Digest as _;

use crate::interleave::Contender;

/// Every hash, and memcpy, over `bytes` bytes.
pub fn contenders(bytes: usize) -> Vec<Contender<'static>> {
    let shard = BodyId { born: 1, nonce: 2 }.blob(0).shard(0);
    let mut copy = vec![0; bytes];
    vec![
        contender("BLAKE3 leaves", bytes, move |data| {
            black_box(checksum::leaves(shard, data));
        }),
        contender("CRC32", bytes, |data| {
            black_box(checksum::crc32(&[data]));
        }),
        contender("SHA-256", bytes, |data| {
            black_box(sha2::Sha256::digest(data));
        }),
        contender("MD5", bytes, |data| {
            black_box(md5::Md5::digest(data));
        }),
        contender("memcpy", bytes, move |data| copy.copy_from_slice(black_box(data))),
    ]
}

fn contender(
    name: &'static str,
    bytes: usize,
    mut hash: impl FnMut(&[u8]) + 'static,
) -> Contender<'static> {
    let mut data = vec![0; bytes];
    SeededRng::new(1).fill(&mut data);
    Contender { name, bytes, run: Box::new(move || hash(black_box(&data))) }
}
