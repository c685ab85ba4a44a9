//! The only code that touches the world.
//!
//! Four seams, a trait each, so that one seed can replace all four:
//!
//! - [`disk::Disk`] is one directory on one device (io_uring, threads; simulated in `sim`)
//! - [`net::Net`] has listeners and connections
//! - [`clock::Clock`] tells monotonic time, wall time, sleep
//! - [`rng::Rng`] gives randomness
//!
//! Beside them, [`host`] is the machine that the server starts on.
//!
//! No other crate of ours opens a file or a socket, reads a clock, draws a
//! random number or starts a thread; `base/tests/house.rs` checks it.

pub mod clock;
pub mod disk;
pub mod host;
pub mod net;
pub mod rng;

/// A boxed future, the return type of the seams' methods.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
