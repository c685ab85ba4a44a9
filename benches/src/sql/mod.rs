//! SQL beside MariaDB: both servers run at once on the same disk and take turns, so that a noisy
//! machine is noisy for both.
//!
//! ```text
//! sysbench   its OLTP workloads, through the sysbench command
//! tpcc       TPC-C's transactions through mysql_async, and its consistency conditions
//! storm      COMMIT beside a storm of small PUTs on the same log
//! cold       point reads of objects just after a start
//! memory     resident memory over minutes
//! ```
//!
//! Not here: the processes and what they cost (`process`).

pub mod cold;
pub mod memory;
mod servers;
pub mod storm;
pub mod sysbench;
pub mod tpcc;
