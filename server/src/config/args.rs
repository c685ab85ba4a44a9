//! What may be said to `holdfast server`: by flag, environment or file (C1).
//!
//! Everything is optional here; defaults are given in `check`, once the three
//! sources are one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Flags of `holdfast server`; the same names are keys of the file.
#[derive(Clone, Debug, Default, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerArgs {
    /// The data directory.
    ///
    /// Holds the cluster's identity, the root credentials (`credentials`), the
    /// key that seals other secrets (`secret.key`), the metadata (`meta/`,
    /// unless three devices carry three replicas of it) and, when no --drive
    /// is given, six drive directories `drive1` to `drive6`. Made if absent.
    #[arg(long, env = "HOLDFAST_DATA", value_name = "DIR", help_heading = "Storage")]
    pub data: Option<PathBuf>,

    /// A directory that serves as one drive; repeat it, one per device.
    ///
    /// Made and formatted on the first start. Later, a directory that is not
    /// there counts as a missing drive and is never made again by itself; an
    /// empty one counts as a replaced drive and is healed. The order does not
    /// matter: a drive knows its slot. Give whole file systems (XFS or ext4)
    /// on devices of their own: what shares a device is lost together.
    /// In the environment: separated by commas.
    /// [default: DIR/drive1 to DIR/drive6]
    #[arg(
        long,
        env = "HOLDFAST_DRIVES",
        value_name = "PATH",
        value_delimiter = ',',
        verbatim_doc_comment,
        help_heading = "Storage"
    )]
    pub drive: Vec<PathBuf>,

    /// Data and parity shards of a new blob, K+M.
    ///
    /// Any M drives may be lost without losing a byte; the space used is
    /// (K+M)/K times the data. Changing it affects new objects only.
    /// [default: by the number of drives: 1 → 1+0 (no redundancy), 2 → 1+1,
    /// 3 → 2+1, 4 → 2+2, 6 → 4+2, 8 → 5+3, 12 → 8+4, 16 and more → 12+4]
    #[arg(
        long,
        env = "HOLDFAST_GEOMETRY",
        value_name = "K+M",
        verbatim_doc_comment,
        help_heading = "Storage"
    )]
    pub geometry: Option<String>,

    /// Start although more drives are missing than the parity covers.
    ///
    /// Without it the server refuses, since what lies on the missing drives
    /// cannot be read. With it, what can be read is served and the rest
    /// answers an error, never a wrong byte.
    #[arg(
        long,
        env = "HOLDFAST_DEGRADED",
        value_parser = clap::builder::BoolishValueParser::new(),
        help_heading = "Storage"
    )]
    pub degraded: bool,

    /// How to reach the disks.
    ///
    /// `auto` takes io_uring and falls back to a pool of threads where the
    /// kernel or a container's seccomp profile forbids it; the log says which.
    /// io_uring needs about half the processor time. [default: auto]
    #[arg(
        long,
        env = "HOLDFAST_IO",
        value_name = "BACKEND",
        hide_possible_values = true,
        help_heading = "Storage"
    )]
    pub io: Option<IoChoice>,

    /// A directory that holds what was read of tables lately; without it only memory does.
    ///
    /// For a node that reads its tables over a network: give a fast local disk, a directory
    /// of its own. On one node the tables lie on local drives already, and this is a
    /// second copy. Nothing in it is needed: it may be lost, or emptied while the server
    /// is stopped. What is read of it is verified; when its disk errs, reads go on without.
    #[arg(
        long,
        env = "HOLDFAST_SQL_CACHE_DIR",
        value_name = "DIR",
        verbatim_doc_comment,
        help_heading = "Storage"
    )]
    pub sql_cache_dir: Option<PathBuf>,

    /// The most that --sql-cache-dir may take: a number with MiB, GiB or TiB. [default: 16GiB]
    ///
    /// It grows to this in files of half a GiB, and stops before its file system is full.
    /// Each 100 GiB take about 80 MB of memory. With less than what is read again and again it
    /// helps little.
    #[arg(long, env = "HOLDFAST_SQL_CACHE_SIZE", value_name = "SIZE", help_heading = "Storage")]
    pub sql_cache_size: Option<String>,

    /// Where S3 listens. [default: 127.0.0.1:9000]
    ///
    /// An address that is not a loopback one needs a strong root password; give
    /// --tls-cert too, or end TLS in front of it.
    #[arg(long, env = "HOLDFAST_S3", value_name = "ADDR", help_heading = "Network")]
    pub s3: Option<String>,

    /// Where health, metrics and `holdfast admin` listen. [default: 127.0.0.1:9001]
    ///
    /// GET /health/live and /health/ready are open; everything else asks for
    /// the root credentials.
    #[arg(long, env = "HOLDFAST_ADMIN", value_name = "ADDR", help_heading = "Network")]
    pub admin: Option<String>,

    /// Where MySQL clients are answered; `off`: nowhere. [default: 127.0.0.1:3306]
    ///
    /// The account `root` begins with the password that S3's root has. An address
    /// that is not a loopback one needs a strong one.
    #[arg(long, env = "HOLDFAST_MYSQL", value_name = "ADDR", help_heading = "Network")]
    pub mysql: Option<String>,

    /// A domain for virtual-host style requests, BUCKET.NAME; repeat it.
    ///
    /// Path style (NAME/BUCKET/KEY) always works.
    #[arg(
        long,
        env = "HOLDFAST_DOMAINS",
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Network"
    )]
    pub domain: Vec<String>,

    /// The region that S3 clients sign for. [default: us-east-1]
    #[arg(long, env = "HOLDFAST_REGION", value_name = "NAME", help_heading = "Network")]
    pub region: Option<String>,

    /// Certificate chain for S3 and admin, PEM; goes with --tls-key.
    #[arg(long, env = "HOLDFAST_TLS_CERT", value_name = "PEM", help_heading = "Network")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, PEM.
    #[arg(long, env = "HOLDFAST_TLS_KEY", value_name = "PEM", help_heading = "Network")]
    pub tls_key: Option<PathBuf>,

    /// Connections at once, for each of S3 and admin; more wait. [default: 4096]
    ///
    /// Each holds some tens of KiB and one descriptor.
    #[arg(long, env = "HOLDFAST_CONNECTIONS", value_name = "COUNT", help_heading = "Network")]
    pub connections: Option<usize>,

    /// How long a client may keep a connection without a request. [s, default: 120]
    ///
    /// Longer than a load balancer in front keeps its connections, or requests
    /// meet closed ones. The headers of a request have 10 s at most.
    #[arg(long, env = "HOLDFAST_IDLE_TIMEOUT", value_name = "SECONDS", help_heading = "Network")]
    pub idle_timeout: Option<u64>,

    /// How long requests under way may take after SIGTERM. [s, default: 30]
    ///
    /// A second signal ends them at once. Nothing acknowledged is lost either way.
    #[arg(long, env = "HOLDFAST_SHUTDOWN_GRACE", value_name = "SECONDS", help_heading = "Process")]
    pub shutdown_grace: Option<u64>,

    /// Log lines for people (text) or machines (json), on stderr. [default: text]
    #[arg(
        long,
        env = "HOLDFAST_LOG_FORMAT",
        value_name = "FORMAT",
        hide_possible_values = true,
        help_heading = "Process"
    )]
    pub log_format: Option<LogFormat>,

    /// What to log: error, warn, info, debug, trace, or per module. [default: info]
    ///
    /// Per module as in `info,holdfast_ec=debug`.
    #[arg(long, env = "HOLDFAST_LOG", value_name = "LEVEL", help_heading = "Process")]
    pub log: Option<String>,

    /// A TOML file with any of these, keys named as the flags without dashes in front.
    ///
    /// Flags win over the environment, the environment over the file. A key
    /// that does not exist is refused.
    #[arg(long, env = "HOLDFAST_CONFIG", value_name = "FILE", help_heading = "Process")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

/// `--io`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IoChoice {
    /// io_uring where it is permitted, else threads.
    #[default]
    Auto,
    /// io_uring or nothing.
    Uring,
    /// A pool of threads.
    Threads,
}

/// `--log-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object per line.
    Json,
}
