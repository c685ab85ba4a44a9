//! Starts that are refused: one clear line, an exit code, nothing else.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::{Running, ended, holdfast, server};

#[track_caller]
fn refused(command: std::process::Command, code: i32, want: &str) {
    let done = ended(command);
    assert_eq!(done.code, Some(code), "{want}: {done:?}");
    assert!(done.line.starts_with("holdfast: ") && done.line.contains(want), "{want}: {done:?}");
    for noise in ["panicked", "RUST_BACKTRACE", "Os {", "Error {"] {
        assert!(!done.err.contains(noise), "{want}: {done:?}");
    }
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
    refused(taken_s3, 1, &format!("--s3 {address}: already in use"));
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
    let file = one.join("drive2/drive.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"format\":1", "\"format\":7")).unwrap();
    refused(server(&one, &[]), 1, "it has drive format 7, this version knows 1");
    std::fs::write(&file, "rubbish").unwrap();
    refused(server(&one, &[]), 1, "its drive.json is damaged");
    let cluster = one.join("cluster");
    let text = std::fs::read_to_string(&cluster).unwrap();
    std::fs::write(&cluster, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    refused(server(&one, &[]), 1, "cluster: format 2 is not known to this version");
}

#[test]
fn one_data_directory_has_one_server() {
    let dir = folder();
    let mut first = Running::start(dir.path(), &[]);
    refused(server(dir.path(), &[]), 1, "is in use by another holdfast server");
    assert_eq!(first.stop(), Some(0));
}
