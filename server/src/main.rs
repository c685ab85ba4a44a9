//! The binary: parse, do, say what went wrong in one line.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use holdfast::cli::{Cli, Command};
use holdfast::{client, config, heap, start, version};
use holdfast_io::host;
use tokio::runtime::{Builder, Runtime};

/// Of each worker. Statements may nest (`holdfast_sql::bind`), and plans of queries are
/// walked by recursion: with the usual 2 MiB a sum of 129 columns ended the process.
/// Memory is only taken where it is used.
const STACK_BYTES: usize = 64 << 20;

fn main() -> ExitCode {
    heap::settle();
    let cli = Cli::parse();
    let runtime = match runtime("server", || {}) {
        Ok(runtime) => runtime,
        Err(error) => return said(format!("the runtime: {error}"), 1),
    };
    match cli.command {
        Command::Server(args) => {
            let queries = match self::runtime("queries", host::give_way) {
                Ok(queries) => queries,
                Err(error) => return said(format!("the runtime of queries: {error}"), 1),
            };
            let checked = config::merge_file(*args).and_then(config::ServerArgs::check);
            let done = match checked {
                Ok(config) => runtime.block_on(start::run(config, queries.handle().clone())),
                Err(error) => Err(error.into()),
            };
            // Tasks that hang must not keep a server that was told to stop.
            queries.shutdown_background();
            runtime.shutdown_background();
            done.map_or_else(
                |error| said(error.to_string(), error.exit_code()),
                |()| ExitCode::SUCCESS,
            )
        }
        Command::Admin(args) => runtime
            .block_on(client::run(args))
            .map_or_else(|error| said(error.to_string(), 1), |()| ExitCode::SUCCESS),
        Command::Version => {
            let _ = writeln!(std::io::stdout(), "{}", version::long());
            ExitCode::SUCCESS
        }
    }
}

/// As many workers as there are processors, each of which begins with `first`.
fn runtime(name: &str, first: fn()) -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .thread_name(name)
        .thread_stack_size(STACK_BYTES)
        .on_thread_start(first)
        .enable_all()
        .build()
}

fn said(line: String, code: u8) -> ExitCode {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(std::io::stderr(), "holdfast: {line}");
    ExitCode::from(code)
}
