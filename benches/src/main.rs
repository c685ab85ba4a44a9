//! `holdfast-bench`: a subcommand per subject, each measured beside a peer or
//! a physical limit in the same run.
//!
//! Not here: how a subject is measured (its module), what a report looks like
//! (`report`), how it is drawn (`plot`).

mod codec;
mod disk;
mod interleave;
mod plot;
mod process;
mod report;
mod s3;
mod sql;

use std::process::ExitCode;

use clap::Parser;

/// Measures Holdfast beside its peers.
#[derive(Parser)]
#[command(name = "holdfast-bench", version)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(clap::Subcommand)]
enum Bench {
    /// Erasure codes and hashes, GB/s of user data per core.
    Codec(codec::Args),
    /// The segment engine of one drive, beside fio.
    Disk(disk::Args),
    /// S3 PUT and GET over loopback, beside SeaweedFS.
    S3(s3::Arguments),
    /// LIST and start-up with a million objects; memory while 2 GiB stream in.
    Scale(s3::scale::Args),
    /// sysbench's OLTP workloads, beside MariaDB.
    Sysbench(sql::sysbench::Args),
    /// TPC-C's five transactions, beside MariaDB, with its consistency conditions.
    Tpcc(sql::tpcc::Args),
    /// Latency of COMMIT while small objects are put into the same log.
    CommitStorm(sql::storm::Args),
    /// Point reads of rows in objects just after a start, beside MariaDB.
    ColdReads(sql::cold::Args),
    /// Resident memory of the server under sysbench, over minutes.
    Memory(sql::memory::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().bench {
        Bench::Codec(args) => codec::run(&args).map_err(anyhow::Error::from),
        Bench::Disk(args) => disk::run(&args),
        Bench::S3(args) => s3::run(&args),
        Bench::Scale(args) => s3::scale::run(&args),
        Bench::Sysbench(args) => sql::sysbench::run(&args),
        Bench::Tpcc(args) => sql::tpcc::run(&args),
        Bench::CommitStorm(args) => sql::storm::run(&args),
        Bench::ColdReads(args) => sql::cold::run(&args),
        Bench::Memory(args) => sql::memory::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("holdfast-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
