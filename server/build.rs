//! Tells the compiler which commit the binary is built from.
//!
//! ```text
//! HOLDFAST_COMMIT   4245b001c0de          the commit
//!                   4245b001c0de-dirty    .. and changes to what the binary is made of
//!                   (empty)               no git, or the sources are not a repository's own
//! HOLDFAST_VERSION  0.1.0 (4245b001c0de)  the version and that; 0.1.0 without
//! ```
//!
//! - G1: runs again only after a change to what the binary is made of, a commit or a checkout.
//! - G2: never stops a build: without git there is just no commit to tell.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the binary is made of, in the workspace's root.
const MADE_OF: [&str; 14] = [
    "Cargo.toml",
    "Cargo.lock",
    "base/Cargo.toml",
    "base/src",
    "io/Cargo.toml",
    "io/src",
    "api/Cargo.toml",
    "api/src",
    "ec/Cargo.toml",
    "ec/src",
    "meta/Cargo.toml",
    "meta/src",
    "server/Cargo.toml",
    "server/src",
];
/// Hexadecimal digits of a commit.
const DIGITS: &str = "--short=12";

fn main() {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let root = here.join("..");
    watch(&here.join("build.rs"));
    for part in MADE_OF {
        watch(&root.join(part));
    }
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let (commit, version) = match commit(&root) {
        Some(commit) => (commit.clone(), format!("{version} ({commit})")),
        None => (String::new(), version),
    };
    println!("cargo:rustc-env=HOLDFAST_COMMIT={commit}");
    println!("cargo:rustc-env=HOLDFAST_VERSION={version}");
}

/// The commit of the sources in `root`, if they are a repository's own.
fn commit(root: &Path) -> Option<String> {
    let top = PathBuf::from(git(root, &["rev-parse", "--show-toplevel"])?);
    if top.canonicalize().ok()? != root.canonicalize().ok()? {
        return None; // Unpacked inside of somebody else's repository.
    }
    // HEAD and its log are a work tree's own; the branch is the repository's, loose or packed.
    let watch_git = |name: &str| {
        let path = git(root, &["rev-parse", "--git-path", name]);
        path.is_some_and(|path| watch(&root.join(path)))
    };
    watch_git("HEAD");
    watch_git("logs/HEAD");
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
    if branch.is_some_and(|branch| !watch_git(&branch)) {
        watch_git("packed-refs");
    }
    let head = git(root, &["rev-parse", DIGITS, "HEAD"])?;
    let status = ["status", "--porcelain", "--untracked-files=no", "--"];
    let made_of = MADE_OF.into_iter().chain(["server/build.rs"]);
    let changes = git(root, &status.into_iter().chain(made_of).collect::<Vec<_>>())?;
    Some(if changes.is_empty() { head } else { head + "-dirty" })
}

/// G1. False for what is not there: naming it would mean to run always.
fn watch(path: &Path) -> bool {
    let is_there = path.exists();
    if is_there {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    is_there
}

/// What git says; `None` without git, or if it refuses.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // A hook's variables would speak of another repository, or of another index.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    // No lock: a build must not be in the way of whoever works with git meanwhile.
    let asked = command.arg("--no-optional-locks").arg("-C").arg(root).args(arguments).output();
    let said = asked.ok().filter(|asked| asked.status.success())?;
    Some(String::from_utf8(said.stdout).ok()?.trim().to_owned())
}
