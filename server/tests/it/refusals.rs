//! Starts that are refused: one clear line, an exit code, nothing else.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Running, ended, holdfast, server};

/// The line that was said.
#[track_caller]
fn refused(command: Command, code: i32, want: &str) -> String {
    let done = ended(command);
    assert_eq!(done.code, Some(code), "{want}: {done:?}");
    assert!(done.line.starts_with("holdfast: ") && done.line.contains(want), "{want}: {done:?}");
    for noise in ["panicked", "RUST_BACKTRACE", "Os {", "Error {"] {
        assert!(!done.err.contains(noise), "{want}: {done:?}");
    }
    let said = done.err.lines().filter(|line| line.starts_with("holdfast: ")).count();
    assert_eq!(said, 1, "one line: {done:?}");
    done.line
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn what_cannot_be_meant_ends_with_2() {
    let dir = folder();
    let data = dir.path();
    refused(holdfast(&["server"]), 2, "no data directory");
    refused(server(data, &["--geometry", "9+9"]), 2, "--geometry 9+9 needs 18 drives");
    refused(server(data, &["--mysql", "here"]), 2, "--mysql here: write IP:PORT");
    refused(server(data, &["--log", "=="]), 2, "--log ==");
    refused(server(data, &["--tls-cert", "x"]), 2, "--tls-cert and --tls-key go together");
    let file = data.join("h.toml");
    std::fs::write(&file, "region = \"x\"\n\nregoin = \"y\"\n").unwrap();
    let wrong_key = server(data, &["--config", file.to_str().unwrap()]);
    refused(wrong_key, 2, "h.toml, line 3: unknown field `regoin`");
    refused(server(data, &["--config", "/nowhere.toml"]), 2, "/nowhere.toml: ");
    assert!(!data.join("cluster").exists(), "nothing was begun");
}

#[test]
fn a_data_directory_that_cannot_be_used() {
    let dir = folder();
    let file = dir.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    refused(server(&file, &[]), 1, "not a directory");
    refused(server(Path::new("/proc/nowhere"), &[]), 1, "data directory /proc/nowhere: ");
}

#[test]
fn a_directory_of_the_cache_that_cannot_be_used() {
    let dir = folder();
    let (data, cache) = (dir.path().join("data"), dir.path().join("cache"));
    let start = |cache: &Path| {
        let more = ["--mysql", "127.0.0.1:0", "--sql-cache-dir", cache.to_str().unwrap()];
        server(&data, &more)
    };
    let file = dir.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    refused(start(&file), 1, "file: not a directory: give a directory of its own");
    refused(start(Path::new("/proc/nowhere")), 1, "--sql-cache-dir /proc/nowhere: ");
    refused(server(&data, &["--sql-cache-size", "1GiB"]), 2, "give --sql-cache-dir");
    let mut running = Running::from(&data, start(&cache));
    let more = ["--mysql", "127.0.0.1:0", "--sql-cache-dir", cache.to_str().unwrap()];
    refused(server(&dir.path().join("other"), &more), 1, "in use by another holdfast server");
    assert_eq!(running.stop(), Some(0));
}

#[test]
fn credentials_that_are_refused() {
    let dir = folder();
    let with = |name: &str, value: &str, more: &[&str]| {
        let mut command = server(dir.path(), more);
        command.env(name, value);
        command
    };
    let short = with("HOLDFAST_ROOT_PASSWORD", "1234567", &[]);
    refused(short, 1, "at least 8 characters");
    let mut half = server(dir.path(), &[]);
    half.env_remove("HOLDFAST_ROOT_PASSWORD");
    refused(half, 1, "HOLDFAST_ROOT_USER is set and HOLDFAST_ROOT_PASSWORD is not");
    let weak = with("HOLDFAST_ROOT_PASSWORD", "minioadmin", &["--s3", "0.0.0.0:0"]);
    refused(weak, 1, "the root password is weak");
    let file = dir.path().join("credentials");
    std::fs::write(&file, "HOLDFAST_ROOT_USER=a\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut open = server(dir.path(), &[]);
    open.env_remove("HOLDFAST_ROOT_USER").env_remove("HOLDFAST_ROOT_PASSWORD");
    refused(open, 1, "lets others read it: chmod 600 it");
}

#[test]
fn ports_and_tls_that_cannot_be_used() {
    let dir = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let taken_s3 = server(dir.path(), &["--s3", &address]);
    refused(taken_s3, 1, &format!("--s3 {address}: already in use: end what listens there"));
    let taken_admin = server(dir.path(), &["--admin", &address]);
    refused(taken_admin, 1, &format!("--admin {address}: already in use: end what listens there"));
    let elsewhere = server(dir.path(), &["--s3", "192.0.2.1:0"]);
    refused(elsewhere, 1, "--s3 192.0.2.1:0: not an address of this machine: give one that it has");
    let pem = dir.path().join("x.pem");
    std::fs::write(&pem, "nothing").unwrap();
    let pem = pem.to_str().unwrap();
    let tls = server(dir.path(), &["--tls-cert", pem, "--tls-key", pem]);
    refused(tls, 1, "x.pem: no certificate in PEM format");
    assert!(!dir.path().join("cluster").exists(), "nothing was begun");
}

#[test]
fn drives_that_cannot_be_used() {
    let dir = folder();
    let data = dir.path().join("data");
    let drive = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let with = |paths: &[String]| {
        let flags: Vec<&str> = paths.iter().flat_map(|path| ["--drive", path.as_str()]).collect();
        server(&data, &flags)
    };
    std::fs::write(drive("file"), b"x").unwrap();
    refused(with(&[drive("file")]), 1, "file: not a directory");
    std::fs::create_dir(drive("full")).unwrap();
    std::fs::write(drive("full/holiday.jpg"), b"x").unwrap();
    refused(with(&[drive("full")]), 1, "not empty: give an empty directory");
    std::fs::create_dir(drive("a")).unwrap();
    std::os::unix::fs::symlink(drive("a"), drive("link")).unwrap();
    refused(with(&[drive("a"), drive("link")]), 1, "are the same directory");
}

#[test]
fn drives_of_others_and_of_other_formats() {
    let dir = folder();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    assert_eq!(Running::start(&one, &[]).stop(), Some(0));
    let foreign = one.join("drive1");
    let foreign = foreign.to_str().unwrap();
    refused(server(&two, &["--drive", foreign]), 1, "it belongs to another cluster");
    let helps = "run the version of Holdfast that wrote it";
    let file = one.join("drive2/drive.json");
    let text = std::fs::read_to_string(&file).unwrap();
    for (format, said) in [("0", "0"), ("7", "7"), ("18446744073709551615", "18446744073709551615")]
    {
        let format = format!("\"format\":{format}");
        std::fs::write(&file, text.replace("\"format\":1", &format)).unwrap();
        let want = format!("drive2: it has drive format {said}, this version knows 1: {helps}");
        refused(server(&one, &[]), 1, &want);
    }
    for damage in ["rubbish", "{}", ""] {
        std::fs::write(&file, damage).unwrap();
        refused(server(&one, &[]), 1, "drive2: its drive.json is damaged");
    }
    let cluster = one.join("cluster");
    let text = std::fs::read_to_string(&cluster).unwrap();
    for format in ["0", "2", "4294967295"] {
        std::fs::write(&cluster, text.replace("\"format\": 1", &format!("\"format\": {format}")))
            .unwrap();
        let want = format!("cluster: format {format} is not known to this version, which has 1: ");
        refused(server(&one, &[]), 1, &(want + helps));
    }
    for damage in
        ["rubbish", "{}", "", &text.replace("\"geometry\": \"4+2\"", "\"geometry\": \"x\"")]
    {
        std::fs::write(&cluster, damage).unwrap();
        refused(server(&one, &[]), 1, "cluster: not a cluster file: ");
    }
}

#[test]
fn drives_that_are_missing() {
    let dir = folder();
    let data = dir.path().join("data");
    let drive = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let with = |names: &[&str]| {
        let paths: Vec<String> = names.iter().map(|name| drive(name)).collect();
        let flags: Vec<&str> = paths.iter().flat_map(|path| ["--drive", path.as_str()]).collect();
        server(&data, &flags)
    };
    refused(server(&data, &["--drive", "/proc/nowhere/a"]), 1, "drive /proc/nowhere/a: not found");
    assert_eq!(Running::from(&data, with(&["a", "b", "c"])).stop(), Some(0));
    // A slip of the pen is no new drive, and none of the old ones either.
    let want = "other/b: no such directory; make it to add a drive";
    refused(with(&["a", "other/b", "c"]), 1, want);
    assert!(!Path::new(&drive("other")).exists(), "after the first start no directory is made");
    for gone in ["b", "c"] {
        std::fs::rename(drive(gone), drive(&format!("gone-{gone}"))).unwrap();
    }
    let line = refused(with(&["a", "b", "c"]), 1, "2 of 3 drives are missing, the parity covers 1");
    for want in [drive("b"), drive("c"), "no such directory".into(), "--degraded starts".into()] {
        assert!(line.contains(&want), "{want} is not in {line}");
    }
    refused(with(&["a"]), 1, "not among the --drive given");
    for back in ["b", "c"] {
        std::fs::rename(drive(&format!("gone-{back}")), drive(back)).unwrap();
    }
    let mut whole = Running::from(&data, with(&["a", "b", "c"]));
    assert!(!whole.log.contains("MISSING DRIVE"), "{}", whole.log);
    assert_eq!(whole.stop(), Some(0));
}

/// A directory that is mounted on itself, read-only; until it is dropped.
struct ReadOnly(PathBuf);

impl ReadOnly {
    /// `None`, with the reason printed, where a test may not mount.
    fn mount(path: &Path) -> Option<Self> {
        let call = |arguments: &[&str]| {
            Command::new("mount")
                .args(arguments)
                .arg(path)
                .output()
                .is_ok_and(|o| o.status.success())
        };
        if !call(&["--bind", path.to_str().unwrap()]) {
            eprintln!("NOT TESTED: mounting {} needs root", path.display());
            return None;
        }
        let mounted = Self(path.into());
        assert!(call(&["-o", "remount,bind,ro"]), "{} cannot be made read-only", path.display());
        Some(mounted)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn read_only_directories() {
    let dir = folder();
    let (data, drives) = (dir.path().join("data"), dir.path().join("drives"));
    let drive = |name: &str| drives.join(name);
    let flags = ["a", "b", "c"].map(|name| drive(name).to_str().unwrap().to_owned());
    let flags: Vec<&str> = flags.iter().flat_map(|path| ["--drive", path.as_str()]).collect();
    let helps = "the file system is read-only: mount it for writing, or give another directory";

    // At the first start: nothing is begun.
    std::fs::create_dir_all(drive("b")).unwrap();
    let Some(mounted) = ReadOnly::mount(&drive("b")) else { return };
    refused(server(&data, &flags), 1, &format!("drive {}: {helps}", drive("b").display()));
    drop(mounted);
    assert!(!data.join("cluster").exists() && !drive("a").exists(), "nothing was begun");
    let mounted = ReadOnly::mount(&data).unwrap();
    refused(server(&data, &flags), 1, &format!("data directory {}: {helps}", data.display()));
    refused(server(&data.join("new"), &flags), 1, &format!("data/new: {helps}"));
    drop(mounted);
    std::fs::remove_dir(drive("b")).unwrap();
    let mounted = ReadOnly::mount(&drives).unwrap();
    refused(server(&data, &flags), 1, &format!("drive {}: {helps}", drive("a").display()));
    drop(mounted);

    // And later.
    assert_eq!(Running::start(&data, &flags).stop(), Some(0));
    let mounted = ReadOnly::mount(&drive("b")).unwrap();
    let line =
        refused(server(&data, &flags), 1, &format!("drive {}: {helps}", drive("b").display()));
    assert!(line.contains("(--degraded starts without it)"), "{line}");
    let mut without = Running::start(&data, &[&flags[..], &["--degraded"]].concat());
    assert_eq!(without.status()["drives"][1]["state"], "missing");
    assert_eq!(without.stop(), Some(0));
    drop(mounted);
    let mounted = ReadOnly::mount(&data).unwrap();
    refused(server(&data, &flags), 1, &format!("data directory {}: {helps}", data.display()));
    drop(mounted);
    assert_eq!(Running::start(&data, &flags).stop(), Some(0));
}

#[test]
fn one_data_directory_has_one_server() {
    let dir = folder();
    let mut first = Running::start(dir.path(), &[]);
    refused(server(dir.path(), &[]), 1, "is in use by another holdfast server");
    assert_eq!(first.stop(), Some(0));
}
