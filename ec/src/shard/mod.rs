//! The shards of one drive.

pub mod frame;
