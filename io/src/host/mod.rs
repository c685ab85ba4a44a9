//! The machine that a process runs on, beside its drives: the small files of
//! a data directory, what a path leads to, and the process's own figures.
//!
//! Not a seam: only `server` starts on a machine, nothing that is simulated
//! calls this. Not here: drives and their files (`disk`).

mod file;
mod place;
mod process;

pub use file::{
    DirectoryLock, SMALL_FILE_BYTES_MAX, create_directories, read_private, read_small,
    replace_private, replace_small,
};
pub use place::{Place, PlaceKind, canonical, is_vacant, place};
pub use process::{ProcessFigures, give_way, memory_bytes, process_figures, processors};
