//! The transaction node: timestamps, locks, conflicts, commits.
