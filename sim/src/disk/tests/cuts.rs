//! Power cuts: directory entries, files for blocking use, several disks at
//! once, and that the same seed is the same run.

use super::*;

/// Replaces, creates and removes until the power goes. Which versions of each
/// name may be there afterwards: the last one acknowledged, or the one under way.
#[test]
fn directory_operations_are_whole_and_acknowledged_ones_last() {
    let (mut kept, mut undone) = (0, 0);
    for seed in crate::seeds(300) {
        crate::run(async {
            let (disk, rng) = (fresh(seed), SeededRng::new(seed ^ 77));
            let drive = disk.drive();
            disk.set_faults(Faults::none().crash_at(rng.between(1, 30)));
            let mut acknowledged: BTreeMap<FileName, Option<Vec<u8>>> = BTreeMap::new();
            let mut attempt = None;
            for step in 1..=60u8 {
                let file = name(["a", "b", "c"][rng.below(3) as usize]);
                let there = acknowledged.get(&file).is_some_and(Option::is_some);
                let want = (!there || rng.one_in(2)).then(|| vec![step; usize::from(step)]);
                attempt = Some((file.clone(), want.clone()));
                let done = match &want {
                    Some(bytes) => drive.replace(file.clone(), bytes.clone()).await,
                    None => drive.remove(file.clone()).await,
                };
                if done.is_err() {
                    break;
                }
                acknowledged.insert(file, want);
            }
            let disk = disk.crash();
            let (last, under_way) = attempt.expect("there was a first step");
            for file in ["a", "b", "c"].map(name) {
                let found = disk.contents(&file);
                let old = acknowledged.get(&file).cloned().flatten();
                let new = if file == last { under_way.clone() } else { old.clone() };
                assert!(found == old || found == new, "D3: seed {seed}, {file}: {found:?}");
                if old != new {
                    *(if found == new { &mut kept } else { &mut undone }) += 1;
                }
            }
        });
    }
    let replay = std::env::var("SEED").is_ok();
    assert!(replay || kept > 20 && undone > 20, "{kept} kept, {undone} undone");
}

/// Writes of any length, resizes and syncs, as an embedded store makes them.
#[test]
fn a_blocking_file_keeps_what_was_synced() {
    let mut lost = 0;
    for seed in crate::seeds(300) {
        crate::run(async {
            let (disk, rng) = (fresh(seed), SeededRng::new(seed ^ 5));
            let file = disk.open_blocking(&name("tree")).unwrap();
            // One byte each: since the last sync, what it may be.
            let mut synced: Vec<u8> = Vec::new();
            let mut now: Vec<u8> = Vec::new();
            let mut possible: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
            let (mut shortest, mut longest) = (0, 0);
            let steps = rng.between(1, 30);
            for step in 1..=steps as u8 {
                let at = rng.below(6000) as usize;
                if rng.one_in(4) {
                    file.sync().unwrap();
                    (synced, shortest, longest) = (now.clone(), now.len(), now.len());
                    possible.clear();
                } else if rng.one_in(4) {
                    file.set_len(at as u64).unwrap();
                    for lost in at..now.len() {
                        possible.entry(lost).or_default().push(0);
                    }
                    now.resize(at, 0);
                } else {
                    let len = rng.between(1, 2000) as usize;
                    file.write(at as u64, &vec![step; len]).unwrap();
                    now.resize(now.len().max(at + len), 0);
                    now[at..at + len].fill(step);
                    (at..at + len).for_each(|at| possible.entry(at).or_default().push(step));
                }
                (shortest, longest) = (shortest.min(now.len()), longest.max(now.len()));
                let mut read = vec![0; now.len()];
                file.read(0, &mut read).unwrap();
                assert_eq!(read, now, "D1: seed {seed}, step {step}");
            }
            let found = disk.crash().contents(&name("tree")).unwrap();
            assert!((shortest..=longest).contains(&found.len()), "seed {seed}: {}", found.len());
            for (at, byte) in found.iter().enumerate() {
                let old = synced.get(at).copied().unwrap_or(0);
                let new = possible.get(&at).is_some_and(|bytes| bytes.contains(byte));
                // What was cut off and grew back is zeros.
                let zero = *byte == 0 && shortest <= at;
                assert!(*byte == old || new || zero, "D2: seed {seed}, byte {at} is {byte}");
            }
            lost += usize::from(found != now);
        });
    }
    assert!(std::env::var("SEED").is_ok() || lost > 30, "cuts undid {lost} of 300 files");
}

#[test]
fn disks_of_one_supply_go_together() {
    crate::run(async {
        let power = Power::new();
        let disks: Vec<_> =
            (0..3).map(|seed| SimDisk::powered("sim", seed, SimClock::new(), &power)).collect();
        power.crash_in(7);
        let mut errs = 0;
        for round in 0..3 {
            for disk in &disks {
                errs += u64::from(disk.drive().replace(name("x"), vec![round]).await.is_err());
            }
        }
        assert_eq!((errs, power.ops(), power.cuts()), (3, 9, 1), "the seventh took all three");
        power.cut_after(0).await;
        for disk in &disks {
            assert!(disk.is_off());
            let back = disk.crash();
            assert!(!back.is_off(), "crash() brings back what the cut left");
            let found = back.contents(&name("x")).unwrap();
            assert!(matches!(found[..], [1] | [2]), "{found:?}");
        }
    });
}

#[test]
fn handles_of_an_earlier_life_do_nothing() {
    crate::run(async {
        let disk = fresh(1);
        let old = disk.drive().create(name("f"), BLOCK).await.unwrap();
        let tree = disk.open_blocking(&name("tree")).unwrap();
        let after = disk.crash();
        let error = old.write(0, filled(1, 1), Durability::Durable).await.unwrap_err();
        assert_eq!(error.kind, DiskErrorKind::Closed, "M2");
        assert_eq!(disk.drive().list().await.unwrap_err().kind, DiskErrorKind::Closed, "M2");
        assert_eq!(tree.write(0, b"x").unwrap_err().kind, DiskErrorKind::Closed, "M2");
        assert_eq!(after.contents(&name("f")).unwrap(), vec![0; BLOCK as usize]);
    });
}

/// Everything that a history of many tasks answers, as text.
fn trace(seed: u64) -> String {
    crate::run(async {
        let disk = fresh(seed);
        let drive = disk.drive();
        let file = drive.create(name("f"), 64 * BLOCK).await.unwrap();
        let plan = Faults::none()
            .latency(Duration::ZERO, Duration::from_millis(9))
            .with(Fault::Eio, OpKind::Read, When::OneIn(10))
            .with(Fault::Flip, OpKind::Write, When::OneIn(10))
            .with(Fault::Misdirected, OpKind::Write, When::OneIn(10))
            .crash_at(150);
        disk.set_faults(plan);
        let tasks = (0..20u8).map(|task| {
            let file = file.clone();
            async move {
                let mut answers = Vec::new();
                for round in 0..5 {
                    let at = u64::from(task) * 3 * BLOCK;
                    let write = file.write(at, filled(2, task + round), Durability::Later).await;
                    let read = file.read(at, filled(1, 0)).await.map(|buf| buf[0]);
                    answers.push((write.is_ok(), read.map_err(|error| error.kind)));
                }
                answers
            }
        });
        let answers = futures_util::future::join_all(tasks).await;
        let bytes = disk.crash().contents(&name("f")).unwrap();
        format!(
            "{answers:?} {:?} {}",
            disk.ledger().faults,
            holdfast_base::checksum::crc32(&[&bytes])
        )
    })
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in crate::seeds(10) {
        assert_eq!(trace(seed), trace(seed), "M1: seed {seed}");
    }
    assert_ne!(trace(1), trace(2));
}
