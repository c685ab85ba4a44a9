//! The scan over segments that are anything but in order.

use super::frame::{self, Kind, Stamp};
use super::scan::Scan;
use super::segment::{Entry, FIRST_GROUP};
use super::*;

const LEN: usize = 128 << 10;

/// A frame of `no` as it lies at `at` in `life`.
fn framed(no: u32, stamp: Stamp) -> (Vec<u8>, Entry) {
    let write = shard_write(no, 1);
    let payload_len = write.head.layout.shard_bytes();
    let parts = frame::Parts { head: &write.head, leaves: &write.leaves, payload_len };
    let mut bytes = write.buf[..frame::frame_bytes(write.room, payload_len)].to_vec();
    assert!(frame::fill(&mut bytes, write.room, parts));
    bytes[write.room + payload_len..].fill(0);
    frame::stamp(&mut bytes, stamp);
    let Stamp { sequence, at, .. } = stamp;
    let (shard, kind, payload_at) = (write.head.shard, Kind::Shard, write.room);
    (bytes, Entry { shard, kind, sequence, at, payload_at, payload_len })
}

fn scan(image: &[u8], life: u64, rng: &SeededRng) -> Vec<Entry> {
    let mut scan = Scan::new(life, image.len() as u64);
    let mut at = FIRST_GROUP as usize;
    while at < image.len() {
        let piece = (4096 * rng.between(1, 8) as usize).min(image.len() - at);
        scan.feed(at as u64, &image[at..at + piece]);
        at += piece;
    }
    scan.finish().0
}

/// Frames of two lives over one another, with garbage between them, and some spoiled.
#[test]
fn a_scan_finds_every_sound_frame_and_nothing_else() {
    let (mut found, mut spoiled) = (0, 0);
    for seed in holdfast_sim::seeds(300) {
        let rng = SeededRng::new(seed);
        let mut image = vec![0; LEN];
        if rng.one_in(2) {
            rng.fill(&mut image);
        }
        let (old, life) = (rng.next_u64(), rng.next_u64());
        lay(&mut image, old, &rng);
        let mut frames = lay(&mut image, life, &rng);
        for _ in 0..rng.below(4) {
            let Some(entry) = frames.get(rng.below(frames.len() as u64) as usize) else { break };
            let at = entry.at as usize + rng.below(entry.payload_at as u64) as usize;
            image[at] ^= 1 << rng.below(8);
            let hit = |entry: &Entry| {
                (entry.at as usize..entry.at as usize + entry.payload_at).contains(&at)
            };
            frames.retain(|entry| !hit(entry));
            spoiled += 1;
        }
        let got = scan(&image, life, &rng);
        assert_eq!(got, frames, "C1, C2: seed {seed}");
        found += got.len();
    }
    eprintln!("{found} frames found, {spoiled} headers spoiled");
    assert!(found > 0 && spoiled > 0);
}

/// Lays frames of `life` into the image, with gaps; some copies at the wrong place.
fn lay(image: &mut [u8], life: u64, rng: &SeededRng) -> Vec<Entry> {
    let (mut at, mut laid) = (FIRST_GROUP as usize, Vec::new());
    for sequence in 0..rng.between(1, 12) {
        let no = rng.below(1000) as u32;
        let misplaced = rng.one_in(6);
        let claimed = if misplaced { at as u64 + 512 } else { at as u64 };
        let (bytes, entry) = framed(no, Stamp { life, sequence, at: claimed });
        if at + bytes.len() > image.len() {
            break;
        }
        image[at..at + bytes.len()].copy_from_slice(&bytes);
        if !misplaced {
            laid.push(entry);
        }
        at += bytes.len() + 512 * rng.below(20) as usize;
    }
    laid
}

#[test]
fn a_scan_of_garbage_finds_nothing() {
    for seed in 0..50 {
        let rng = SeededRng::new(seed);
        let mut image = vec![0; LEN];
        rng.fill(&mut image);
        for at in (0..LEN).step_by(512) {
            // Garbage that looks like headers as far as the magic and the lengths go.
            image[at..at + 10].copy_from_slice(b"hfFRAME\0\x01\0");
            image[at + 12..at + 28]
                .copy_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0]);
        }
        assert_eq!(scan(&image, rng.next_u64(), &rng), vec![], "C2: seed {seed}");
    }
}
