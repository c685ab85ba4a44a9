//! `holdfast admin`: commands to a running server.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Look at a running server, manage its access keys and drives.
///
/// Where the server is and who root is comes from the data directory (--data),
/// or from --admin and HOLDFAST_ROOT_USER, HOLDFAST_ROOT_PASSWORD.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  holdfast admin status --data ./data
  holdfast admin status --data ./data --json | jq .store.geometry
  holdfast admin key add --data ./data --note 'backup job'
  holdfast admin heal --verify --data ./data")]
pub struct AdminArgs {
    /// Which server, and who asks.
    #[command(flatten)]
    pub target: Target,
    /// What to ask.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// Which server, and who asks.
#[derive(Clone, Debug, Args)]
pub struct Target {
    /// The server's data directory: tells its address, and root's credentials.
    #[arg(long, env = "HOLDFAST_DATA", value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// The server's admin address. [default: what DIR says, else 127.0.0.1:9001]
    #[arg(long, env = "HOLDFAST_ADMIN", value_name = "ADDR", global = true)]
    pub admin: Option<String>,
    /// A file with root's credentials, as DIR/credentials; the environment wins.
    #[arg(long, env = "HOLDFAST_CREDENTIALS", value_name = "FILE", global = true)]
    pub credentials: Option<PathBuf>,
    /// Speak TLS and trust the certificates in this file. [default: what DIR says]
    #[arg(long, env = "HOLDFAST_TLS_CERT", value_name = "PEM", global = true)]
    pub tls_cert: Option<PathBuf>,
}

/// What to ask.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Drives, redundancy, usage and metadata at a glance
    Status {
        /// The same data as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Access keys for S3 besides root's
    Key {
        /// What to do with them.
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Show the heal under way, or verify every shard on every drive
    Heal {
        /// Read and verify everything, heal what is wrong; waits until it is done.
        #[arg(long)]
        verify: bool,
        /// Start it, do not wait.
        #[arg(long, requires = "verify")]
        detach: bool,
    },
    /// Ask whether the server is live, or ready (exit code 0 or 1)
    Health {
        /// Alive is enough: do not ask for a quorum.
        #[arg(long)]
        live: bool,
    },
    /// Print a bearer token with which GET /metrics and /v1/status may be read, nothing else
    Token,
}

/// `holdfast admin key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key; the secret is shown once
    Add {
        /// The public half. [default: 20 random characters]
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// What it is for.
        #[arg(long, default_value = "")]
        note: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// All keys, without their secrets
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Forget a key; it authenticates nobody from then on
    Remove {
        /// The public half.
        id: String,
    },
    /// Let a disabled key authenticate again
    Enable {
        /// The public half.
        id: String,
    },
    /// Keep a key, but let it authenticate nobody
    Disable {
        /// The public half.
        id: String,
    },
}
