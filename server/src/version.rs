//! What this build is.

/// The version alone.
pub const SHORT: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from, `-dirty` if its sources had changes; `None` where
/// there was no git to ask, as in a source archive. (`build.rs`)
pub const COMMIT: Option<&str> = {
    let commit = env!("HOLDFAST_COMMIT");
    if commit.is_empty() { None } else { Some(commit) }
};

/// `optimized` or `debug`.
pub const PROFILE: &str = if cfg!(debug_assertions) { "debug" } else { "optimized" };

/// Version and commit, as `0.1.0 (4245b001c0de)`.
pub const FULL: &str = env!("HOLDFAST_VERSION");

/// What `holdfast version` prints.
pub fn long() -> String {
    format!(
        "holdfast {FULL} ({PROFILE}, {}-{})\n\
         S3 front, erasure coding, one Raft log. Not in this version: SQL, several nodes.",
        std::env::consts::ARCH,
        std::env::consts::OS,
    )
}
