//! The drives of this node, from directories to slots of the object store.
//!
//! ```text
//! paths -> look -> plan (pure) -> adopt: format, register, open, put into the slot
//!                    ^                                              |
//!                    `---- supervisor, every second, for slots that are out
//! ```
//!
//! Not here: what is on a drive (`ec::shard`), which blob goes where (`ec::object`).

mod adopt;
mod look;
mod plan;
mod supervisor;

pub use adopt::{Fleet, FleetConfig};
pub use look::{Looked, look};
pub use plan::{Found, Known, Stands, Step, plan};
pub use supervisor::supervise;
