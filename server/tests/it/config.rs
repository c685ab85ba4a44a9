//! Flag, environment, file, default: in this order. And what is said, and what is not.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::harness::{PASSWORD, Running, USER, ended, holdfast, server};

#[test]
fn flags_beat_the_environment_and_that_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("h.toml");
    std::fs::write(&file, "region = \"file\"\nconnections = 7\nshutdown-grace = 3\n").unwrap();
    let data = dir.path().join("data");
    let mut command = server(&data, &["--config", file.to_str().unwrap(), "--region", "flag"]);
    command.env("HOLDFAST_REGION", "environment").env("HOLDFAST_CONNECTIONS", "9");
    let mut running = Running::from(&data, command);
    for want in ["region=flag", "connections=9", "shutdown-grace=3s", "io=Auto"] {
        assert!(running.log.contains(want), "{want} is not in {}", running.log);
    }
    assert_eq!(running.status()["region"], "flag");
    assert_eq!(running.stop(), Some(0));
    assert!(!running.log.contains(PASSWORD), "P6: a secret is in the log");
}

#[test]
fn generated_credentials_are_kept_private_and_stay() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let command = || {
        let flags = ["--s3", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--mysql", "off"];
        holdfast(&[&["server", "--data", data][..], &flags].concat())
    };
    let mut running = Running::from(dir.path(), command());
    let file = dir.path().join("credentials");
    let made = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::metadata(dir.path().join("secret.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let password = made.lines().find_map(|line| line.strip_prefix("HOLDFAST_ROOT_PASSWORD="));
    let password = password.unwrap();
    assert_eq!(password.len(), 40);
    // Found by --data alone; a wrong environment would win, so it is clean.
    let done = ended(holdfast(&["admin", "status", "--data", data]));
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(running.stop(), Some(0));
    let said = &running.log;
    assert!(!said.contains(password), "A1: stdout is no terminal, yet the password was printed");
    assert!(said.contains(file.to_str().unwrap()), "A1: where the file is, is not said: {said}");
    let mut again = Running::from(dir.path(), command());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), made, "generated once");
    assert_eq!(again.stop(), Some(0));
}

#[test]
fn the_mysql_port_greets_as_mysql_8_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::start(dir.path(), &["--mysql", "127.0.0.1:0"]);
    let endpoint = std::fs::read_to_string(dir.path().join("endpoint")).unwrap();
    let endpoint: serde_json::Value = serde_json::from_str(&endpoint).unwrap();
    let address = endpoint["mysql"].as_str().unwrap().to_owned();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let mut greeting = [0; 32];
    std::io::Read::read_exact(&mut stream, &mut greeting).unwrap();
    assert_eq!(greeting[4], 10, "the protocol's version");
    assert!(greeting[5..].starts_with(b"8.0."), "{greeting:?}");
    assert_eq!(running.stop(), Some(0));
}

#[test]
fn help_teaches() {
    let done = ended(holdfast(&["server", "--help"]));
    assert_eq!(done.code, Some(0));
    for want in [
        "Examples:",
        "HOLDFAST_ROOT_PASSWORD",
        "[default: 127.0.0.1:9000]",
        "127.0.0.1:3306",
        "HOLDFAST_SQL_CACHE_DIR",
        "[default: 16GiB]",
        "Exit codes:",
    ] {
        assert!(done.out.contains(want), "--help lacks {want}");
    }
    let unknown = ended(holdfast(&["server", "--dta", "x"]));
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
}

#[test]
fn everything_that_names_the_version_names_the_commit() {
    let line = ended(holdfast(&["--version"])).out.trim().to_owned();
    let full = line.strip_prefix("holdfast ").unwrap();
    let commit = full.split_once(" (").map(|(_, rest)| rest.strip_suffix(')').unwrap());
    let version = full.split(' ').next().unwrap();
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    assert!(ended(holdfast(&["version"])).out.starts_with(&format!("{line} (")));
    // Without git, as from a source archive, there is no commit to name.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let head = Command::new("git").args(["-C", root, "rev-parse", "--short=12", "HEAD"]).output();
    if let (Some(commit), Ok(head)) = (commit, head) {
        let head = String::from_utf8(head.stdout).unwrap();
        assert_eq!(commit.trim_end_matches("-dirty"), head.trim());
    }

    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::start(dir.path(), &[]);
    assert!(running.log.contains(&format!("holdfast {full} starts")), "{}", running.log);
    let status = running.status();
    assert_eq!((status["version"].as_str(), status["commit"].as_str()), (Some(version), commit));
    let root = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let (_, metrics) = running.ask("GET", "/metrics", Some(&root), "");
    let label = format!("commit=\"{}\"", commit.unwrap_or_default());
    assert!(metrics.contains(&label), "{label} is not in {metrics}");
    assert_eq!(running.stop(), Some(0));
}
