//! Drives that go, come back, change places or are replaced.

use std::path::Path;

use crate::harness::{Running, ended, server};

fn states(running: &Running) -> Vec<String> {
    let status = running.status();
    let drives = status["drives"].as_array().unwrap();
    drives.iter().map(|drive| drive["state"].as_str().unwrap().to_owned()).collect()
}

fn remove(path: &Path) {
    std::fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_restart_finds_everything_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = Running::start(dir.path(), &[]);
    let before = first.status();
    assert_eq!(before["store"]["geometry"], "4+2");
    assert_eq!(states(&first), ["online"; 6]);
    assert_eq!(first.stop(), Some(0));
    let mut second = Running::start(dir.path(), &[]);
    let after = second.status();
    assert_eq!(before["cluster"], after["cluster"]);
    for (was, is) in
        before["drives"].as_array().unwrap().iter().zip(after["drives"].as_array().unwrap())
    {
        assert_eq!((&was["no"], &was["id"], &was["path"]), (&is["no"], &is["id"], &is["path"]));
    }
    assert!(after["warnings"].to_string().contains("all drives share one device"));
    assert_eq!(second.stop(), Some(0));
}

#[test]
fn missing_drives_are_a_warning_up_to_the_parity_and_refused_beyond() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Running::start(dir.path(), &[]).stop(), Some(0));
    remove(&dir.path().join("drive2"));
    remove(&dir.path().join("drive5"));
    let mut degraded = Running::start(dir.path(), &[]);
    assert!(degraded.log.contains("MISSING DRIVE: drive 1"), "{}", degraded.log);
    let want = ["online", "missing", "online", "online", "missing", "online"];
    assert_eq!(states(&degraded), want);
    assert!(!dir.path().join("drive2").exists(), "a missing drive is never made again by us");
    assert_eq!(degraded.stop(), Some(0));
    remove(&dir.path().join("drive6"));
    let done = ended(server(dir.path(), &[]));
    assert_eq!(done.code, Some(1), "{done:?}");
    let line = &done.line;
    assert!(line.contains("3 of 6 drives are missing, the parity covers 2"), "{line}");
    for path in ["drive2", "drive5", "drive6"] {
        assert!(line.contains(path), "{path} is not in {line}");
    }
    let mut forced = Running::start(dir.path(), &["--degraded"]);
    assert_eq!(forced.stop(), Some(0));
}

#[test]
fn a_drive_deleted_and_given_back_empty_is_healed() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::start(dir.path(), &[]);
    let before = running.status()["drives"][2]["id"].clone();
    remove(&dir.path().join("drive3"));
    running.until("drive is offline");
    std::fs::create_dir(dir.path().join("drive3")).unwrap();
    running.until("a replaced drive was formatted");
    running.until("drive open");
    let done = running.admin(&["heal"]);
    assert!(done.out.contains("all shards are complete"), "{done:?}");
    let after = running.status();
    assert_ne!(after["drives"][2]["id"], before, "a new formatting has a new id");
    assert_eq!(after["drives"][2]["no"], 2, "the slot stays");
    let verified = running.admin(&["heal", "--verify"]);
    assert!(verified.out.contains("every shard verified"), "{verified:?}");
    assert_eq!(running.stop(), Some(0));
}

#[test]
fn drives_may_come_in_any_order_but_not_twice() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (a, b, c) = (path("a"), path("b"), path("c"));
    let flags = |paths: &[&str]| -> Vec<String> {
        paths.iter().flat_map(|path| ["--drive".to_owned(), (*path).to_owned()]).collect()
    };
    let start = |paths: &[&str]| {
        let flags = flags(paths);
        Running::start(&data, &flags.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut first = start(&[&a, &b, &c]);
    assert_eq!(first.status()["store"]["geometry"], "2+1");
    assert_eq!(first.stop(), Some(0));
    let mut turned = start(&[&c, &a, &b]);
    assert_eq!(turned.status()["drives"][0]["path"], a.as_str(), "slots come from the drives");
    assert_eq!(turned.stop(), Some(0));
    std::fs::rename(&b, path("moved")).unwrap();
    let mut moved = start(&[&a, &path("moved"), &c]);
    assert_eq!(moved.status()["drives"][1]["path"], path("moved").as_str());
    assert_eq!(moved.stop(), Some(0));
}
