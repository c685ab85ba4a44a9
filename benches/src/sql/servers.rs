//! Holdfast and MariaDB as databases on loopback.
//!
//! Both acknowledge a COMMIT once it is synced; neither keeps a binary log.

#![allow(clippy::disallowed_methods, reason = "a load generator touches the world itself")]

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};

use crate::process::{Process, Usage, existing, free_port};
use crate::s3::sign::Signer;

const S3_USER: &str = "benchmark-user";
const PASSWORD: &str = "benchmark-password";
const HOST: &str = "127.0.0.1";
/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);
/// More than TPC-C has statements.
const STATEMENTS: usize = 128;

/// What all these benchmarks are told.
#[derive(Debug, clap::Args)]
pub struct Setup {
    /// Where the report goes; made if missing. Without it, only text is printed.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// The holdfast binary.
    #[arg(long, default_value = "target/release/holdfast")]
    pub holdfast: PathBuf,
    /// Where the servers keep their data, in a new directory of its own.
    #[arg(long, default_value = "/tmp")]
    folder: PathBuf,
    /// The first port that servers listen on, at most five from there; without it, free ones.
    #[arg(long)]
    port: Option<u16>,
}

/// The peer's binaries.
#[derive(Debug, clap::Args)]
pub struct Peer {
    /// The MariaDB server.
    #[arg(long, default_value = "mariadbd")]
    mariadbd: PathBuf,
    /// What makes its data directory.
    #[arg(long, default_value = "mariadb-install-db")]
    mariadb_install: PathBuf,
}

/// A new directory, removed when dropped, and the ports of those that live in it.
pub struct Place {
    folder: PathBuf,
    next: Option<u16>,
}

/// A running database; ended when dropped.
pub struct Database {
    /// As in tables.
    pub name: &'static str,
    /// Of the MySQL protocol, on 127.0.0.1.
    pub port: u16,
    /// Root's.
    pub password: &'static str,
    /// Who signs for its S3 port, where it has one.
    pub signer: Option<Signer>,
    command: Box<dyn Fn() -> Command + Send + Sync>,
    log: PathBuf,
    process: Process,
}

impl Setup {
    /// Makes the directory.
    pub fn place(&self) -> Result<Place> {
        let folder = self.folder.join(format!("holdfast-bench-sql-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Place { folder: existing(&folder)?, next: self.port })
    }

    /// Both servers, ready; the order is that of the figures.
    pub async fn both(&self, peer: &Peer, place: &mut Place) -> Result<Vec<Database>> {
        let mut databases =
            vec![Database::holdfast(&self.holdfast, place)?, Database::mariadb(peer, place)?];
        for database in &mut databases {
            database.until_ready().await?;
        }
        Ok(databases)
    }
}

impl Place {
    fn port(&mut self) -> Result<u16> {
        let Some(port) = self.next else { return free_port() };
        self.next = port.checked_add(1);
        Ok(port)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Database {
    /// Holdfast, six drive directories, 4+2.
    pub fn holdfast(binary: &Path, place: &mut Place) -> Result<Self> {
        let (s3, admin, port) = (place.port()?, place.port()?, place.port()?);
        let (binary, data) = (binary.to_owned(), place.folder.join("holdfast"));
        let command = move || {
            let mut command = Command::new(&binary);
            command.args(["server", "--data"]).arg(&data);
            for (flag, port) in [("--s3", s3), ("--admin", admin), ("--mysql", port)] {
                command.arg(flag).arg(format!("{HOST}:{port}"));
            }
            command.env("HOLDFAST_ROOT_USER", S3_USER).env("HOLDFAST_ROOT_PASSWORD", PASSWORD);
            command
        };
        let signer = Signer {
            host: format!("{HOST}:{s3}"),
            user: S3_USER.into(),
            password: PASSWORD.into(),
        };
        let (command, log) = (Box::new(command), place.log("holdfast"));
        let process = Process::start("holdfast", command(), &log)?;
        let (name, password, signer) = ("holdfast", PASSWORD, Some(signer));
        Ok(Self { name, port, password, signer, command, log, process })
    }

    /// MariaDB with its defaults, but for a buffer pool that holds everything; its log is synced at each COMMIT.
    pub fn mariadb(peer: &Peer, place: &mut Place) -> Result<Self> {
        let data = place.folder.join("mariadb");
        let datadir = format!("--datadir={}", data.display());
        let root = rustix::process::getuid().is_root();
        let user = root.then_some("--user=root");
        let made = Command::new(&peer.mariadb_install)
            .args(["--no-defaults", &datadir, "--skip-test-db"])
            .arg("--auth-root-authentication-method=normal")
            .args(user)
            .output()
            .with_context(|| format!("could not run {}", peer.mariadb_install.display()))?;
        ensure!(
            made.status.success(),
            "mariadb-install-db: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let port = place.port()?;
        let (binary, socket) = (peer.mariadbd.clone(), place.folder.join("mariadb.sock"));
        let command = move || {
            let mut command = Command::new(&binary);
            command.args(["--no-defaults", &datadir, "--skip-log-bin", "--skip-name-resolve"]);
            command.args(["--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=1G"]);
            command.arg("--innodb-buffer-pool-load-at-startup=OFF");
            command.arg(format!("--bind-address={HOST}")).arg(format!("--port={port}"));
            command.arg(format!("--socket={}", socket.display())).args(user);
            command
        };
        let (command, log) = (Box::new(command), place.log("mariadb"));
        let process = Process::start("mariadb", command(), &log)?;
        let (name, password, signer) = ("mariadb", "", None);
        Ok(Self { name, port, password, signer, command, log, process })
    }

    /// Waits until it answers.
    pub async fn until_ready(&mut self) -> Result<()> {
        let began = Instant::now();
        let mut last = String::new();
        while began.elapsed() < PATIENCE {
            self.process.check()?;
            match self.connect(None).await {
                Ok(connection) => return Ok(connection.disconnect().await?),
                Err(error) => last = format!("{error:#}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("{} did not answer within {} s: {last}", self.name, PATIENCE.as_secs())
    }

    /// Ends it in order, and starts it again.
    pub async fn restart(&mut self) -> Result<()> {
        self.process.stop()?;
        self.process = Process::start(self.name, (self.command)(), &self.log)?;
        self.until_ready().await
    }

    /// Makes `schema`, empty.
    pub async fn make(&self, schema: &str) -> Result<()> {
        let mut connection = self.connect(None).await?;
        connection.query_drop(format!("CREATE DATABASE {schema}")).await?;
        Ok(connection.disconnect().await?)
    }

    /// A connection of root's, over TCP as clients elsewhere have it.
    pub async fn connect(&self, schema: Option<&str>) -> Result<Conn> {
        let options = OptsBuilder::default()
            .ip_or_hostname(HOST)
            .tcp_port(self.port)
            .prefer_socket(false)
            .user(Some("root"))
            .pass(Some(self.password))
            .db_name(schema)
            .stmt_cache_size(STATEMENTS);
        Ok(Conn::new(Opts::from(options)).await?)
    }

    /// What the process has cost.
    pub fn usage(&self) -> Result<Usage> {
        self.process.usage()
    }

    /// Its own word for what it is.
    pub async fn version(&self) -> Result<String> {
        let mut connection = self.connect(None).await?;
        let version: Option<String> = connection.query_first("SELECT VERSION()").await?;
        connection.disconnect().await?;
        version.context("no version")
    }
}

/// Runs `work` to its end, on two threads.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(work)
}

/// The order of turns in a round: forth, then back.
pub fn turns(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |turn| if round.is_multiple_of(2) { turn } else { count - 1 - turn })
}

/// The error's number, where a transaction may be begun again.
pub fn conflict(error: &anyhow::Error) -> Option<u16> {
    match error.downcast_ref::<mysql_async::Error>() {
        Some(mysql_async::Error::Server(error)) => {
            [1213, 1205, 1020].contains(&error.code).then_some(error.code)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16) -> anyhow::Error {
        let error = mysql_async::ServerError { code, message: "m".into(), state: "40001".into() };
        mysql_async::Error::from(error).into()
    }

    #[test]
    fn only_conflicts_are_begun_again() {
        assert_eq!(conflict(&server(1213)), Some(1213));
        assert_eq!(conflict(&server(1205)), Some(1205));
        assert_eq!(conflict(&server(1062)), None, "a duplicate order is a fault");
        assert_eq!(conflict(&anyhow::anyhow!("no customer")), None);
    }

    #[test]
    fn turns_go_forth_and_back() {
        assert_eq!(turns(0, 3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(turns(1, 3).collect::<Vec<_>>(), [2, 1, 0]);
    }
}
