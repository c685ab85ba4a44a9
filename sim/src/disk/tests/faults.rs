//! Each fault, asked for by an exact trigger: it happens, it is counted, and
//! it does to the data what it says.

use super::*;

/// A disk with one file of eight blocks of ones, durable.
async fn prepared(seed: u64) -> (Arc<SimDisk>, File) {
    let disk = fresh(seed);
    let file = disk.drive().create(name("f"), BLOCKS * BLOCK).await.unwrap();
    file.write(0, filled(BLOCKS, 1), Durability::Durable).await.unwrap();
    (disk, file)
}

async fn byte_at(file: &File, block: u64) -> u8 {
    file.read(block * BLOCK, filled(1, 0)).await.unwrap()[0]
}

fn kind<T: std::fmt::Debug>(result: Result<T, DiskError>) -> DiskErrorKind {
    result.expect_err("it errs").kind
}

/// Runs `check` on a prepared disk whose first operation of `on` is struck by `fault`.
fn struck(fault: Fault, on: OpKind, check: impl AsyncFn(Arc<SimDisk>, File)) {
    for seed in crate::seeds(20) {
        crate::run(async {
            let (disk, file) = prepared(seed).await;
            disk.set_faults(Faults::none().with(fault, on, When::Nth(1)));
            check(disk.clone(), file).await;
            assert_eq!(
                disk.ledger().count(fault),
                1,
                "{fault:?} on {on:?} is counted, seed {seed}"
            );
            let (hit, _) = disk.ledger().coverage();
            assert_eq!(hit, 1, "one call site was struck, seed {seed}");
        });
    }
}

#[test]
fn a_read_error_passes() {
    struck(Fault::Eio, OpKind::Read, async |_, file| {
        assert_eq!(kind(file.read(0, filled(1, 0)).await), DiskErrorKind::Medium);
        assert_eq!(byte_at(&file, 0).await, 1);
    });
}

#[test]
fn a_write_error_fences_the_file_until_it_is_opened_anew() {
    struck(Fault::Eio, OpKind::Write, async |disk, file| {
        let write = file.write(0, filled(2, 2), Durability::Durable);
        assert_eq!(kind(write.await), DiskErrorKind::Medium);
        let again = file.write(0, filled(2, 2), Durability::Durable).await;
        assert_eq!(kind(again), DiskErrorKind::Medium, "D6");
        assert_eq!(kind(file.sync().await), DiskErrorKind::Medium, "D6");
        assert!(matches!(byte_at(&file, 0).await, 1 | 2), "its state is unknown");
        let file = disk.drive().open(name("f")).await.unwrap();
        file.write(0, filled(2, 3), Durability::Durable).await.unwrap();
        assert_eq!(byte_at(&file, 1).await, 3);
    });
}

#[test]
fn a_failed_sync_loses_data_and_the_next_one_does_not_say_so() {
    let mut lost = 0;
    for seed in 0..40 {
        crate::run(async {
            let (disk, file) = prepared(seed).await;
            file.write(0, filled(BLOCKS, 2), Durability::Later).await.unwrap();
            disk.set_faults(Faults::none().with(Fault::Eio, OpKind::Sync, When::Nth(1)));
            assert_eq!(kind(file.sync().await), DiskErrorKind::Medium);
            assert_eq!(kind(file.sync().await), DiskErrorKind::Medium, "D6: never retried");
            let anew = disk.drive().open(name("f")).await.unwrap();
            anew.sync().await.expect("the kernel has forgotten");
            let bytes = disk.contents(&name("f")).unwrap();
            lost += bytes.iter().filter(|byte| **byte == 1).count();
            drop(anew);
            assert_eq!(disk.crash().contents(&name("f")).unwrap(), bytes, "it is settled so");
        });
    }
    assert!(lost > 0, "no failed sync lost anything");
}

#[test]
fn a_flipped_bit_is_one_bit_and_stays() {
    for on in [OpKind::Read, OpKind::Write] {
        struck(Fault::Flip, on, async |disk, file| {
            file.write(0, filled(BLOCKS, 1), Durability::Durable).await.unwrap();
            let read = file.read(0, filled(BLOCKS, 0)).await.unwrap();
            let bits: u32 = read.iter().map(|byte| (byte ^ 1).count_ones()).sum();
            assert_eq!(bits, 1);
            let disk = disk.crash();
            assert_eq!(disk.contents(&name("f")).unwrap(), &read[..], "at rest");
        });
    }
}

#[test]
fn a_lost_write_is_acknowledged_and_not_there() {
    struck(Fault::Lost, OpKind::Write, async |_, file| {
        file.write(0, filled(2, 2), Durability::Durable).await.unwrap();
        assert_eq!(byte_at(&file, 0).await, 1);
    });
}

#[test]
fn a_misdirected_write_is_elsewhere() {
    struck(Fault::Misdirected, OpKind::Write, async |disk, file| {
        file.write(3 * BLOCK, filled(1, 2), Durability::Durable).await.unwrap();
        assert_eq!(byte_at(&file, 3).await, 1);
        let bytes = disk.contents(&name("f")).unwrap();
        let elsewhere = bytes.iter().filter(|byte| **byte == 2).count() as u64;
        assert_eq!(elsewhere, BLOCK);
    });
}

#[test]
fn an_unreadable_sector_is_readable_once_written() {
    for on in [OpKind::Read, OpKind::Write] {
        struck(Fault::Unreadable, on, async |_, file| {
            file.write(0, filled(BLOCKS, 2), Durability::Durable).await.unwrap();
            let first = file.read(0, filled(BLOCKS, 0)).await;
            assert_eq!(kind(first), DiskErrorKind::Medium);
            let second = file.read(0, filled(BLOCKS, 0)).await;
            assert_eq!(kind(second), DiskErrorKind::Medium, "it does not pass");
            file.write(0, filled(BLOCKS, 3), Durability::Durable).await.unwrap();
            assert_eq!(byte_at(&file, 7).await, 3);
        });
    }
}

#[test]
fn a_stall_takes_its_time() {
    struck(Fault::Stall, OpKind::Read, async |disk, file| {
        let before = disk.device.clock.monotonic();
        assert_eq!(byte_at(&file, 0).await, 1);
        assert!(disk.device.clock.monotonic() - before >= Duration::from_secs(15));
    });
}

#[test]
fn a_full_disk_refuses_creations_and_holes_can_fill_it() {
    crate::run(async {
        let disk = fresh(1);
        disk.set_capacity(16 * BLOCK);
        let drive = disk.drive();
        let file = drive.create(name("a"), 12 * BLOCK).await.unwrap();
        assert_eq!(kind(drive.create(name("b"), 5 * BLOCK).await), DiskErrorKind::Full);
        assert_eq!(drive.list().await.unwrap().len(), 1, "D3: or not at all");
        for at in 0..12 {
            let write = file.write(at * BLOCK, filled(1, 1), Durability::Durable);
            write.await.expect("D5: a created file has its blocks");
        }
        file.punch(0, 2 * BLOCK).await.unwrap();
        assert_eq!(drive.space().await.unwrap().free, 6 * BLOCK);
        let b = drive.create(name("b"), 6 * BLOCK).await.expect("a hole is space");
        let write = file.write(0, filled(1, 2), Durability::Durable).await;
        assert_eq!(kind(write), DiskErrorKind::Full, "D5: a punched range may find it full");
        drive.remove(name("b")).await.unwrap();
        assert_eq!(drive.space().await.unwrap().free, 0, "an open file keeps its space");
        b.close().await.unwrap();
        let file = drive.open(name("a")).await.unwrap();
        file.write(0, filled(1, 2), Durability::Durable).await.expect("space came back");
    });
}

#[test]
fn an_error_of_a_directory_operation_leaves_it_done_or_not() {
    let (mut done, mut undone) = (0, 0);
    for seed in 0..40 {
        crate::run(async {
            let (disk, _) = prepared(seed).await;
            disk.set_faults(Faults::none().with(Fault::Eio, OpKind::Remove, When::Nth(1)));
            let drive = disk.drive();
            assert_eq!(kind(drive.remove(name("f")).await), DiskErrorKind::Medium);
            match drive.list().await.unwrap().len() {
                0 => done += 1,
                _ => undone += 1,
            }
        });
    }
    assert!(done > 0 && undone > 0, "{done} done, {undone} not");
}

#[test]
fn a_dead_and_a_read_only_disk() {
    crate::run(async {
        let (disk, file) = prepared(1).await;
        disk.damage(Damage::ReadOnly);
        assert_eq!(byte_at(&file, 0).await, 1);
        let write = file.write(0, filled(1, 2), Durability::Durable).await;
        assert_eq!(kind(write), DiskErrorKind::ReadOnly);
        assert_eq!(kind(disk.drive().create(name("g"), BLOCK).await), DiskErrorKind::ReadOnly);
        disk.damage(Damage::Dead);
        assert_eq!(kind(file.read(0, filled(1, 0)).await), DiskErrorKind::Medium);
        assert_eq!(kind(disk.drive().verify().await), DiskErrorKind::Medium);
        disk.damage(Damage::Sound);
        assert_eq!(byte_at(&file, 0).await, 1);
    });
}

#[test]
fn an_emptied_directory_still_serves_open_files() {
    crate::run(async {
        let (disk, file) = prepared(1).await;
        disk.damage(Damage::Emptied);
        assert_eq!(byte_at(&file, 0).await, 1, "the kernel keeps an open file");
        assert_eq!(kind(disk.drive().open(name("f")).await), DiskErrorKind::NotFound);
        let disk = disk.kill();
        assert_eq!(disk.drive().list().await.unwrap(), []);
        disk.drive().verify().await.expect("opened anew, it is what it is");
    });
}

#[test]
fn rot_flips_stored_bits() {
    crate::run(async {
        let (disk, file) = prepared(1).await;
        assert_eq!(disk.rot(5), 5);
        let read = file.read(0, filled(BLOCKS, 0)).await.unwrap();
        let bits: u32 = read.iter().map(|byte| (byte ^ 1).count_ones()).sum();
        assert!((1..=5).contains(&bits), "{bits}");
        assert_eq!(disk.ledger().count(Fault::Flip), 5);
    });
}

#[test]
fn an_operation_whose_caller_went_away_still_happens() {
    crate::run(async {
        let (disk, file) = prepared(1).await;
        let slow = Duration::from_millis(40);
        disk.set_faults(Faults::none().latency(slow, slow));
        drop(file.write(0, filled(1, 9), Durability::Durable));
        disk.device.clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(byte_at(&file, 0).await, 9, "M3");
    });
}

#[test]
fn the_ledger_tells_which_call_sites_were_struck() {
    crate::run(async {
        let disk = fresh(3);
        let file = disk.drive().create(name("f"), BLOCK).await.unwrap();
        disk.set_faults(Faults::none().with(Fault::Eio, OpKind::Read, When::Nth(2)));
        for _ in 0..3 {
            let _ = file.read(0, filled(1, 0)).await;
        }
        file.sync().await.unwrap();
        let ledger = disk.ledger();
        assert_eq!(ledger.coverage(), (1, 3), "create, read and sync asked; one was struck");
        assert_eq!(ledger.spared().count(), 2);
        let read = ledger.sites.values().find(|count| count.struck() > 0).unwrap();
        assert_eq!(*read, SiteCount { seen: 3, crashed: 0, failed: 1 });
        let mut sum = ledger.clone();
        sum.merge(&ledger);
        assert_eq!(sum.count(Fault::Eio), 2);
        assert_eq!(sum.to_string(), "10 operations, 1 of 3 call sites struck, 2 Eio");
    });
}
