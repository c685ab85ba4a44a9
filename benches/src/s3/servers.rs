//! The servers under comparison, on loopback.
//!
//! Not here: what they cost (`process`).

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::http::Connection;
use super::load::{EMPTY_SHA256, amz_date};
use super::sign::Signer;
use crate::process::{Process, Usage, free_port};

const USER: &str = "benchmark-user";
const PASSWORD: &str = "benchmark-password";

/// A running server; ended when dropped.
pub struct Server {
    pub name: &'static str,
    pub signer: Signer,
    process: Process,
}

impl Server {
    /// Holdfast, six drive directories below `folder`, 4+2, every PUT synced.
    pub fn holdfast(binary: &Path, folder: &Path) -> Result<Self> {
        let (s3, admin) = (free_port()?, free_port()?);
        let mut command = Command::new(binary);
        command
            .args(["server", "--data"])
            .arg(folder.join("holdfast"))
            .args(["--s3", &format!("127.0.0.1:{s3}"), "--admin", &format!("127.0.0.1:{admin}")])
            .args(["--mysql", "off"])
            .env("HOLDFAST_ROOT_USER", USER)
            .env("HOLDFAST_ROOT_PASSWORD", PASSWORD);
        Self::start("holdfast", command, s3, &folder.join("holdfast.log"))
    }

    /// SeaweedFS: master, volume server, filer and S3 in one process, as its documentation
    /// suggests for one machine; it syncs nothing and keeps one copy.
    pub fn seaweedfs(binary: &Path, folder: &Path) -> Result<Self> {
        let data = folder.join("seaweedfs");
        fs::create_dir_all(&data)?;
        let identities = format!(
            r#"{{"identities":[{{"name":"b","credentials":[{{"accessKey":"{USER}","secretKey":"{PASSWORD}"}}],"actions":["Admin","Read","Write","List","Tagging"]}}]}}"#
        );
        fs::write(folder.join("seaweedfs.json"), identities)?;
        let s3 = free_port()?;
        let mut command = Command::new(binary);
        command.args([
            "server",
            "-ip=127.0.0.1",
            "-filer",
            "-s3",
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=100",
        ]);
        command.arg(format!("-dir={}", data.display()));
        command.arg(format!("-s3.port={s3}"));
        command.arg(format!("-s3.config={}", folder.join("seaweedfs.json").display()));
        for flag in ["master.port", "volume.port", "filer.port"] {
            command.arg(format!("-{flag}={}", free_port_with_twin()?));
        }
        command.arg(format!("-s3.port.grpc={}", free_port()?));
        command.current_dir(&data);
        Self::start("seaweedfs", command, s3, &folder.join("seaweedfs.log"))
    }

    fn start(name: &'static str, command: Command, port: u16, log: &Path) -> Result<Self> {
        let process = Process::start(name, command, log)?;
        let signer = Signer {
            host: format!("127.0.0.1:{port}"),
            user: USER.into(),
            password: PASSWORD.into(),
        };
        Ok(Self { name, signer, process })
    }

    /// Waits until it answers, then makes `bucket`.
    pub async fn make_bucket(&mut self, bucket: &str) -> Result<()> {
        let began = Instant::now();
        let mut last = String::new();
        while began.elapsed() < Duration::from_secs(60) {
            self.process.check()?;
            match try_bucket(&self.signer, bucket).await {
                Ok(200) => return Ok(()),
                Ok(status) => last = format!("status {status}"),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("{} made no bucket within 60 s: {last}", self.name)
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        self.process.stop()
    }

    /// What it has cost.
    pub fn usage(&self) -> Result<Usage> {
        self.process.usage()
    }
}

/// Asks for `bucket`; returns the answer's status.
pub async fn try_bucket(signer: &Signer, bucket: &str) -> Result<u16> {
    let mut connection = Connection::open(&signer.host).await?;
    let path = format!("/{bucket}");
    let headers = signer.headers("PUT", &path, EMPTY_SHA256, &amz_date());
    let head = format!("PUT {path} HTTP/1.1\r\n{headers}content-length: 0\r\n\r\n");
    Ok(connection.send(&head, &[], 512).await?.status)
}

/// SeaweedFS listens on a port and on the one 10,000 above it.
fn free_port_with_twin() -> Result<u16> {
    for _ in 0..200 {
        let port = free_port()?;
        let twin = port.checked_add(10_000).map(|twin| TcpListener::bind(("127.0.0.1", twin)));
        if matches!(twin, Some(Ok(_))) {
            return Ok(port);
        }
    }
    bail!("no free pair of ports")
}
