//! The command line: what may be typed, and what `--help` teaches.

mod admin;

use clap::{Parser, Subcommand};

pub use admin::{AdminArgs, AdminCommand, KeyCommand, Target};

use crate::config::ServerArgs;

/// Holdfast: erasure-coded, strongly consistent S3 storage in one binary.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version = crate::version::FULL, arg_required_else_help = true)]
#[command(after_help = "Try:  holdfast server --data ./holdfast-data\n\
                        then: holdfast admin status --data ./holdfast-data")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a server: S3, metadata and drives in one process
    #[command(long_about = SERVER_ABOUT, after_long_help = SERVER_EXAMPLES)]
    Server(Box<ServerArgs>),
    /// Look at a running server, manage its access keys and drives
    Admin(AdminArgs),
    /// Version, build and what this build can do
    Version,
}

const SERVER_ABOUT: &str = "\
Run a server: S3, metadata and drives in one process.

Objects are cut into K data and M parity shards that lie on K+M drives; any M \
of them may be lost without losing a byte. What was acknowledged is on disk, \
synced. All else (buckets, keys, which object is where) lies in one replicated \
log, the metadata. With drives on three or more devices it is kept three \
times, else once in the data directory.";

const SERVER_EXAMPLES: &str = "\
Examples:
  Six directories under ./data, 4+2, on this machine only (a trial):
    holdfast server --data ./data

  A real server: six disks, everybody may connect, TLS:
    HOLDFAST_ROOT_USER=operator HOLDFAST_ROOT_PASSWORD=... \\
    holdfast server --data /var/lib/holdfast \\
      --drive /mnt/d1 --drive /mnt/d2 --drive /mnt/d3 \\
      --drive /mnt/d4 --drive /mnt/d5 --drive /mnt/d6 \\
      --s3 0.0.0.0:9000 --tls-cert cert.pem --tls-key key.pem

  The same from a file, one value from the command line:
    holdfast server --config /etc/holdfast.toml --log debug
    # holdfast.toml:
    #   data = \"/var/lib/holdfast\"
    #   drive = [\"/mnt/d1\", \"/mnt/d2\", \"/mnt/d3\"]
    #   s3 = \"0.0.0.0:9000\"

  Talk to it:
    aws --endpoint-url http://127.0.0.1:9000 s3 mb s3://photos
    holdfast admin status --data ./data

Credentials:
  Root's come from HOLDFAST_ROOT_USER and HOLDFAST_ROOT_PASSWORD (or
  MINIO_ROOT_USER and MINIO_ROOT_PASSWORD). Where neither is set they are
  generated on the first start, kept in DIR/credentials (0600) and shown once
  on the terminal. Further S3 keys: holdfast admin key add.

Signals:
  SIGTERM, SIGINT: finish the requests under way, then end with 0.
  A second one ends at once. kill -9 loses nothing that was acknowledged.

Exit codes:
  0 ended as told, 1 could not start or go on (one line on stderr says why),
  2 a flag, variable or file that cannot be meant.";
