//! What crosses a process boundary: messages and service traits.
//!
//! `ec`, `meta`, `txn` and `sql` never import one another; they meet here, and
//! `server` wires them. In one process a call is a function call behind the
//! same trait that an RPC client implements.
//!
//! - [`drive::DriveService`]: shards on one drive
//! - [`meta::MetaService`]: the object index and all other replicated state
//! - [`log::LogService`]: the transaction log, in the same Raft log
//! - [`txn::TxnService`]: timestamps, locks and commits of the database
//! - [`object::ObjectStore`]: bytes in and out, erasure coded
//! - [`bucket::Bucket`]: the database's own objects, by name
//!
//! Not here: transports (they come with the second node), S3's own types (`server::s3`).

pub mod blob;
pub mod bucket;
pub mod drive;
pub mod log;
pub mod meta;
pub mod object;
pub mod txn;

pub use holdfast_io::BoxFuture;
