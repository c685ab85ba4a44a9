//! The house rules that a compiler does not check: who imports whom, where a
//! library may be named, where the world may be touched, where `unsafe` may stand.
//!
//! The picture is in docs/architecture.md; this test is the law.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom, dev-dependencies aside: an arrow of docs/architecture.md each.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("io", &["base"]),
    ("api", &["io", "base"]),
    ("ec", &["api", "io", "base"]),
    ("meta", &["api", "io", "base"]),
    ("txn", &["api", "io", "base"]),
    ("sql/value", &["base"]),
    ("sql/func", &["value", "base"]),
    ("sql/wire", &["value", "io", "base"]),
    ("sql/syntax", &["value", "base"]),
    ("sql/tail", &["value", "api", "base"]),
    ("sql/objects", &["value", "tail", "api", "base"]),
    ("sql/cache", &["api", "io", "base"]),
    ("sql", &["value", "func", "wire", "syntax", "tail", "objects", "api", "io", "base"]),
    ("sim", &["api", "io", "base"]),
    ("server", &["sql", "cache", "wire", "txn", "meta", "ec", "api", "io", "base"]),
    ("benches", &["sql", "txn", "meta", "ec", "api", "io", "base"]),
];

/// A word, and the only folders whose code may contain it.
const NAMED_ONLY_IN: &[(&str, &[&str])] = &[
    ("openraft", &["meta/src"]),
    ("redb::", &["meta/src"]),
    ("s3s::", &["server/src/s3"]),
    ("datafusion", &["sql/src"]),
    ("sqlparser", &["sql/syntax/src", "sql/src"]),
    ("io_uring::", &["io/src/disk"]),
    ("unsafe ", &["io/src/disk", "ec/src/codec", "server/src/heap.rs"]),
    ("unsafe_code", &["io/src/disk", "ec/src/codec", "server/src/heap.rs"]),
    ("std::fs::", &["io/src"]),
    ("tokio::fs", &["io/src"]),
    ("std::net::Tcp", &["io/src"]),
    ("tokio::net", &["io/src"]),
    ("std::thread::", &["io/src"]),
    ("thread::Builder", &["io/src"]),
    ("Instant::now", &["io/src", "sim/src/clock.rs"]),
    ("SystemTime::now", &["io/src"]),
    ("tokio::time::", &["io/src", "sim/src"]),
    ("rand::", &["io/src"]),
];

#[test]
fn crates_import_along_the_arrows_only() {
    for (name, allowed) in MAY_IMPORT {
        let Ok(manifest) = fs::read_to_string(root().join(name).join("Cargo.toml")) else {
            continue; // A floor that is not built yet.
        };
        let table = section(&manifest, "[dependencies]");
        for (other, _) in MAY_IMPORT {
            let other = other.rsplit('/').next().unwrap();
            let imports = table.contains(&format!("holdfast-{other} "));
            assert!(!imports || allowed.contains(&other), "{name} imports {other}");
        }
    }
}

#[test]
fn every_member_has_its_arrows_listed() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest.lines().find(|line| line.starts_with("members")).unwrap();
    for member in members.split('"').skip(1).step_by(2) {
        assert!(MAY_IMPORT.iter().any(|(name, _)| *name == member), "{member} is not listed");
    }
}

#[test]
fn versions_and_lints_stand_in_one_place() {
    for (name, _) in MAY_IMPORT {
        let Ok(manifest) = fs::read_to_string(root().join(name).join("Cargo.toml")) else {
            continue;
        };
        assert!(section(&manifest, "[lints]").contains("workspace = true"), "{name}: lints");
        for line in section(&manifest, "[dependencies]").lines().filter(|line| line.contains('=')) {
            assert!(line.contains("workspace = true"), "{name}: {line}");
        }
    }
}

#[test]
fn the_world_and_the_big_libraries_are_named_where_they_belong() {
    let mut read = 0;
    for (name, _) in MAY_IMPORT.iter().filter(|(name, _)| *name != "benches") {
        for file in sources(&root().join(name).join("src")) {
            let place = file.strip_prefix(root()).unwrap().display().to_string();
            // Tests may touch the world: they stand in files of their own or last in a file.
            if place.ends_with("tests.rs") || place.contains("/tests/") {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
                let code = line.split(" // ").next().unwrap();
                for (word, homes) in NAMED_ONLY_IN {
                    let at_home = homes.iter().any(|home| place.starts_with(home));
                    assert!(!names(code, word) || at_home, "{place} says {word:?}: {line}");
                }
            }
            read += 1;
        }
    }
    assert!(read > 10, "the test looked at {read} files only");
}

/// True where `code` has `word` as a word, not as the tail of a longer one.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn the_checker_sees_a_word_and_not_its_tail() {
    assert!(names("let a = rand::random();", "rand::"));
    assert!(!names("operand::of(x)", "rand::"));
}

fn root() -> PathBuf {
    // Asked at run time: a target directory may outlive the checkout that filled it.
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    Path::new(&here).join("..").canonicalize().unwrap()
}

/// The lines of one table of a manifest.
fn section(manifest: &str, header: &str) -> String {
    let lines = manifest.lines().skip_while(|line| *line != header).skip(1);
    lines.take_while(|line| !line.starts_with('[')).collect::<Vec<_>>().join("\n")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(sources(&entry));
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            files.push(entry);
        }
    }
    files.sort();
    files
}
