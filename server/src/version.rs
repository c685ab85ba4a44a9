//! What this build is.

/// The version alone.
pub const SHORT: &str = env!("CARGO_PKG_VERSION");

/// `optimized` or `debug`.
pub const PROFILE: &str = if cfg!(debug_assertions) { "debug" } else { "optimized" };

/// What `holdfast version` prints.
pub fn long() -> String {
    format!(
        "holdfast {SHORT} ({PROFILE}, {}-{})\n\
         S3 front, erasure coding, one Raft log. Not in this version: SQL, several nodes.",
        std::env::consts::ARCH,
        std::env::consts::OS,
    )
}
