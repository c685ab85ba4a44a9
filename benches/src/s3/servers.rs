//! The servers under comparison, as processes on loopback, and what they cost.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::http::Connection;
use super::load::{EMPTY_SHA256, amz_date};
use super::sign::Signer;

const USER: &str = "benchmark-user";
const PASSWORD: &str = "benchmark-password";
/// The unit of /proc/PID/stat on every Linux that Rust supports (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// A running server; ended when dropped.
pub struct Server {
    pub name: &'static str,
    pub signer: Signer,
    child: Child,
}

/// What a server has used so far.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub cpu: Duration,
    /// The most memory that was ever resident. [bytes]
    pub peak: u64,
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

    fn start(name: &'static str, mut command: Command, port: u16, log: &Path) -> Result<Self> {
        let log = fs::File::create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child =
            command.spawn().with_context(|| format!("could not start {name}: {command:?}"))?;
        let signer = Signer {
            host: format!("127.0.0.1:{port}"),
            user: USER.into(),
            password: PASSWORD.into(),
        };
        Ok(Self { name, signer, child })
    }

    /// Waits until it answers, then makes `bucket`.
    pub async fn make_bucket(&mut self, bucket: &str) -> Result<()> {
        let began = Instant::now();
        let mut last = String::new();
        while began.elapsed() < Duration::from_secs(60) {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended: {status}; its log lies beside its data", self.name);
            }
            match self.try_bucket(bucket).await {
                Ok(200) => return Ok(()),
                Ok(status) => last = format!("status {status}"),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("{} made no bucket within 60 s: {last}", self.name)
    }

    async fn try_bucket(&self, bucket: &str) -> Result<u16> {
        let mut connection = Connection::open(&self.signer.host).await?;
        let path = format!("/{bucket}");
        let headers = self.signer.headers("PUT", &path, EMPTY_SHA256, &amz_date());
        let head = format!("PUT {path} HTTP/1.1\r\n{headers}content-length: 0\r\n\r\n");
        Ok(connection.send(&head, &[], 512).await?.status)
    }

    /// Asks it to end, as a service manager does, and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            if let Some(status) = self.child.try_wait()? {
                anyhow::ensure!(status.success(), "{} ended with {status}", self.name);
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("{} did not end within 60 s", self.name)
    }

    /// CPU time and memory of the process with all its threads.
    pub fn usage(&self) -> Result<Usage> {
        let pid = self.child.id();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks =
            |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        Ok(Usage {
            cpu: Duration::from_secs_f64((ticks(11) + ticks(12)) / TICKS_PER_SECOND),
            peak: kib("VmHWM:") << 10,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
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

/// A path that must exist.
pub fn existing(path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("{} is not there", path.display()))
}
