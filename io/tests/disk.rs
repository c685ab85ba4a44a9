//! The disk contract on the real disks, in a directory of the machine.

use std::path::Path;
use std::sync::Arc;

use holdfast_io::disk::{Backend, Disk, OpenError, contract, open};

/// The backends that this machine has; says loudly when one is missing.
fn backends() -> Vec<Backend> {
    let dir = tempfile::tempdir().expect("a place for files");
    match open(dir.path(), Backend::Uring) {
        Ok(_) => vec![Backend::Uring, Backend::Threads],
        Err(OpenError::NoUring { why, .. }) => {
            eprintln!("SKIPPED: the io_uring disk was NOT tested: {why}");
            vec![Backend::Threads]
        }
        Err(error) => panic!("{error}"),
    }
}

fn disk(path: &Path, backend: Backend) -> Arc<dyn Disk> {
    open(path, backend).expect("a fresh directory opens").drive.disk().clone()
}

#[tokio::test]
async fn real_disks_keep_the_contract() {
    for backend in backends() {
        let dir = tempfile::tempdir().unwrap();
        contract::run(async || disk(dir.path(), backend)).await;
    }
}

#[tokio::test]
async fn verify_notices_what_happens_to_the_directory() {
    let damages: [fn(&Path); 3] = [
        |path| std::fs::remove_dir_all(path).unwrap(),
        |path| {
            std::fs::remove_dir_all(path).unwrap();
            std::fs::create_dir(path).unwrap();
        },
        |path| std::fs::remove_file(path.join("witness")).unwrap(),
    ];
    for backend in backends() {
        for damage in damages {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("drive");
            std::fs::create_dir(&path).unwrap();
            contract::notices(disk(&path, backend), async || damage(&path)).await;
        }
    }
}

#[tokio::test]
async fn what_an_interrupted_creation_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    for name in [".tmp-0", ".tmp-17", ".keep"] {
        #[allow(clippy::disallowed_methods, reason = "behind the disk's back")]
        std::fs::write(dir.path().join(name), b"half").unwrap();
    }
    let drive = open(dir.path(), Backend::Auto).unwrap().drive;
    assert_eq!(drive.list().await.unwrap(), [], "names with a dot are nobody's");
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, [".keep"], "only our own leftovers are removed");
}

#[test]
fn a_directory_that_cannot_serve_says_so_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    #[allow(clippy::disallowed_methods, reason = "behind the disk's back")]
    std::fs::write(&file, b"x").unwrap();
    for (path, want) in [
        (dir.path().join("none"), "no such directory"),
        (file, "not a directory"),
        ("/proc/self".into(), ""),
    ] {
        let error = open(&path, Backend::Auto).expect_err(want).to_string();
        assert!(error.starts_with(&format!("{}: ", path.display())), "{error}");
        assert!(error.contains(want) && !error.contains('\n'), "{error}");
    }
}

/// The kernel keeps its word: what is written goes past the page cache into blocks that exist.
#[tokio::test]
async fn a_fresh_file_occupies_its_blocks() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    for backend in backends() {
        let drive = open(dir.path(), backend).unwrap().drive;
        let name = holdfast_io::disk::FileName::new("solid").unwrap();
        let file = drive.create(name.clone(), (3 << 20) + 4096).await.unwrap();
        let stored = std::fs::metadata(dir.path().join("solid")).unwrap();
        assert_eq!(stored.len(), (3 << 20) + 4096);
        assert!(stored.blocks() * 512 >= stored.len(), "D5: allocated");
        file.punch(0, 1 << 20).await.unwrap();
        file.sync().await.unwrap();
        let punched = std::fs::metadata(dir.path().join("solid")).unwrap();
        assert!(punched.blocks() * 512 <= stored.len() - (1 << 20), "a hole takes no space");
        drive.remove(name).await.unwrap();
    }
}

#[tokio::test]
async fn a_disk_that_is_dropped_answers_everybody() {
    use holdfast_io::disk::{Buf, DiskErrorKind, Durability, FileName};
    for backend in backends() {
        let dir = tempfile::tempdir().unwrap();
        let drive = open(dir.path(), backend).unwrap().drive;
        let file = drive.create(FileName::new("f").unwrap(), 1 << 20).await.unwrap();
        let mut asked = Vec::new();
        for at in 0..500 {
            let durability = if at % 2 == 0 { Durability::Later } else { Durability::Durable };
            asked.push(file.write(at % 256 * 4096, Buf::zeroed(4096), durability));
        }
        let verified = drive.verify();
        drop((drive, file));
        let answers = futures_util::future::join_all(asked);
        let clock: Arc<dyn holdfast_io::clock::Clock> = Arc::new(holdfast_io::clock::SystemClock);
        let limit = std::time::Duration::from_secs(60);
        let answers = holdfast_io::clock::deadline(&clock, limit, answers).await;
        for answer in answers.expect("nobody waits forever") {
            assert!(answer.is_ok() || answer.unwrap_err().kind == DiskErrorKind::Closed);
        }
        let _ = verified.await;
    }
}

#[tokio::test]
async fn a_file_cut_short_behind_our_back_is_an_error() {
    use holdfast_io::disk::{Buf, DiskErrorKind, FileName};
    for backend in backends() {
        let dir = tempfile::tempdir().unwrap();
        let drive = open(dir.path(), backend).unwrap().drive;
        let file = drive.create(FileName::new("f").unwrap(), 1 << 20).await.unwrap();
        let behind = std::fs::OpenOptions::new().write(true).open(dir.path().join("f")).unwrap();
        behind.set_len(10_000).unwrap();
        file.read(4096, Buf::zeroed(4096)).await.expect("this part is there");
        let error = file.read(0, Buf::zeroed(1 << 20)).await.expect_err("the end is not");
        assert_eq!(error.kind, DiskErrorKind::Medium, "{error:?}");
    }
}
