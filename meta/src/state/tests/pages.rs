//! Verified pages: nothing that was synced is lost, no wrong byte is read.

use holdfast_io::disk::FileName;
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::SimDisk;
use redb::StorageBackend;

use super::rng;
use crate::state::pages::Pages;

const PAGE: usize = 4096;

fn page(fill: u64) -> Vec<u8> {
    (0..PAGE as u64).map(|n| (n * 3 + fill * 17 + 1) as u8).collect()
}

fn name() -> FileName {
    FileName::new("pages").unwrap()
}

#[test]
fn pages_of_the_last_sync_verify_after_any_power_cut() {
    let mut cuts = 0;
    for seed in holdfast_sim::seeds(60) {
        holdfast_sim::run(async {
            let rng = rng(seed);
            let mut disk = SimDisk::new("pages", seed, SimClock::new());
            let mut synced: Vec<Option<u64>> = vec![None; 2100];
            let mut head = 0u8;
            for round in 1..6u64 {
                let pages =
                    Pages::open(disk.drive().disk().open_blocking(&name()).unwrap()).unwrap();
                if round == 1 {
                    pages.set_len((synced.len() * PAGE) as u64).unwrap();
                    pages.sync_data().unwrap();
                }
                let mut first = [0];
                pages.read(9, &mut first).unwrap();
                assert_eq!(first[0], head, "seed {seed}: P3");
                for (at, fill) in synced.iter().enumerate() {
                    let Some(fill) = fill else { continue };
                    let mut bytes = vec![0; PAGE];
                    pages.read((at * PAGE) as u64, &mut bytes).unwrap();
                    assert_eq!(bytes, page(*fill), "seed {seed}, round {round}: P1, page {at}");
                }
                for sync in 0..2 {
                    // Copy on write: only pages that hold nothing durable are written.
                    let fresh = 40 + rng.below(100);
                    let mut wrote = Vec::new();
                    for _ in 0..fresh {
                        let at = 1 + rng.below(synced.len() as u64 - 1) as usize;
                        if synced[at].is_none() {
                            let fill = round * 1000 + at as u64;
                            pages.write((at * PAGE) as u64, &page(fill)).unwrap();
                            wrote.push((at, fill));
                        }
                    }
                    if sync == 0 {
                        head = round as u8;
                        pages.write(9, &[head]).unwrap();
                        pages.sync_data().unwrap();
                        wrote.into_iter().for_each(|(at, fill)| synced[at] = Some(fill));
                        let dropped = 1 + rng.below(synced.len() as u64 - 1) as usize;
                        synced[dropped] = None;
                    } else {
                        pages.write(9, &[99]).unwrap();
                    }
                }
                disk = disk.crash();
                cuts += 1;
            }
        });
    }
    println!("pages: {cuts} power cuts");
}

#[test]
fn a_flipped_bit_in_a_page_is_an_error_and_never_a_wrong_byte() {
    for seed in holdfast_sim::seeds(30) {
        holdfast_sim::run(async {
            let rng = rng(seed);
            let disk = SimDisk::new("pages", seed, SimClock::new());
            let pages = Pages::open(disk.drive().disk().open_blocking(&name()).unwrap()).unwrap();
            for at in 1..20 {
                pages.write(at * PAGE as u64, &page(at)).unwrap();
            }
            pages.sync_data().unwrap();
            drop(pages);
            let len = disk.contents(&name()).unwrap().len() as u64;
            let (at, bit) = (rng.below(len), rng.below(8));
            assert!(disk.tamper(&name(), at, |byte| *byte ^= 1 << bit));
            let file = disk.drive().disk().open_blocking(&name()).unwrap();
            let Ok(pages) = Pages::open(file) else { return };
            for at in 1..20 {
                let mut bytes = vec![0; PAGE];
                if pages.read(at * PAGE as u64, &mut bytes).is_ok() {
                    assert_eq!(bytes, page(at), "seed {seed}: page {at}");
                }
            }
        });
    }
}
