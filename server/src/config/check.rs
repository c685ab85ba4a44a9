//! From what was said to what is meant: defaults, and what no single value shows.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use holdfast_base::{ByteCount, Geometry};

use super::{ConfigError, IoChoice, LogFormat, ServerArgs};

/// What a server runs with.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The data directory.
    pub data: PathBuf,
    /// Its drives.
    pub drives: DriveChoice,
    /// The geometry asked for; by the number of drives if `None`.
    pub geometry: Option<Geometry>,
    /// Start although data is out of reach.
    pub degraded: bool,
    /// How to reach the disks.
    pub io: IoChoice,
    /// Where objects of tables are cached, if they are.
    pub sql_cache: Option<CacheChoice>,
    /// Where S3 listens.
    pub s3: SocketAddr,
    /// Where the admin port listens.
    pub admin: SocketAddr,
    /// Where MySQL clients are answered; `None`: nowhere.
    pub mysql: Option<SocketAddr>,
    /// Domains for virtual-host style requests.
    pub domains: Vec<String>,
    /// The region that clients sign for.
    pub region: String,
    /// TLS for S3 and admin.
    pub tls: Option<TlsFiles>,
    /// Connections at once, each port.
    pub connections_max: usize,
    /// How long a connection may stay without a request.
    pub idle: Duration,
    /// How long requests under way may take when we are told to stop.
    pub shutdown_grace: Duration,
    /// For whom logs are written.
    pub log_format: LogFormat,
    /// What is logged.
    pub log: String,
}

/// Which directories serve as drives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriveChoice {
    /// `drive1` to `drive6` under the data directory.
    Embedded,
    /// These.
    Given(Vec<PathBuf>),
}

/// A cache on a local disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheChoice {
    /// Its directory.
    pub path: PathBuf,
    /// The most that it takes. [bytes]
    pub bytes: u64,
}

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, PEM.
    pub cert: PathBuf,
    /// The key, PEM.
    pub key: PathBuf,
}

/// What a cache takes where nothing is said. [bytes]
const CACHE_BYTES: u64 = 16 << 30;

/// Drive directories of the embedded default: room for 4+2.
pub const EMBEDDED_DRIVES: usize = 6;

impl ServerArgs {
    /// Checks everything that can be checked without touching the machine.
    ///
    /// # Errors
    /// [`ConfigError`], the first thing that is wrong.
    pub fn check(self) -> Result<ServerConfig, ConfigError> {
        let data = self.data.ok_or(ConfigError::Missing(
            "no data directory: give --data DIR (or HOLDFAST_DATA, or `data` in the file)",
        ))?;
        let drives = match self.drive {
            none if none.is_empty() => DriveChoice::Embedded,
            given => DriveChoice::Given(given),
        };
        let geometry = self.geometry.as_deref().map(|text| geometry(text, &drives)).transpose()?;
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
            (None, None) => None,
            _ => {
                return Err(ConfigError::Missing(
                    "--tls-cert and --tls-key go together: give both",
                ));
            }
        };
        let sql_cache = cache(self.sql_cache_dir, self.sql_cache_size.as_deref())?;
        let config = ServerConfig {
            data,
            drives,
            geometry,
            degraded: self.degraded,
            io: self.io.unwrap_or_default(),
            sql_cache,
            s3: address("s3", self.s3.as_deref().unwrap_or("127.0.0.1:9000"))?,
            admin: address("admin", self.admin.as_deref().unwrap_or("127.0.0.1:9001"))?,
            mysql: match self.mysql.as_deref().unwrap_or("127.0.0.1:3306") {
                "off" => None,
                text => Some(address("mysql", text)?),
            },
            domains: self.domain.iter().map(|name| domain(name)).collect::<Result<_, _>>()?,
            region: self.region.unwrap_or_else(|| "us-east-1".into()),
            tls,
            connections_max: self.connections.unwrap_or(4096).max(1),
            idle: Duration::from_secs(self.idle_timeout.unwrap_or(120).max(1)),
            shutdown_grace: Duration::from_secs(self.shutdown_grace.unwrap_or(30)),
            log_format: self.log_format.unwrap_or_default(),
            log: self.log.unwrap_or_else(|| "info".into()),
        };
        if config.s3 == config.admin && config.s3.port() != 0 {
            return Err(ConfigError::SameAddress { one: "s3", other: "admin", address: config.s3 });
        }
        config.check_cache()?;
        Ok(config)
    }
}

impl ServerConfig {
    /// The cache's directory is nothing else's.
    fn check_cache(&self) -> Result<(), ConfigError> {
        let Some(cache) = &self.sql_cache else { return Ok(()) };
        let is_drive = matches!(&self.drives, DriveChoice::Given(all) if all.contains(&cache.path));
        if is_drive || cache.path == self.data {
            return Err(ConfigError::Value {
                name: "sql-cache-dir",
                value: cache.path.display().to_string(),
                what: "it is a drive, or the data directory: give a directory of its own".into(),
            });
        }
        Ok(())
    }
}

fn cache(path: Option<PathBuf>, size: Option<&str>) -> Result<Option<CacheChoice>, ConfigError> {
    let bad = |what: String| ConfigError::Value {
        name: "sql-cache-size",
        value: size.unwrap_or_default().into(),
        what,
    };
    let bytes = match size {
        None => CACHE_BYTES,
        Some(text) => bytes(text)
            .ok_or_else(|| bad("write a number with MiB, GiB or TiB, as in 200GiB".into()))?,
    };
    if bytes < holdfast_cache::FILE_BYTES {
        let least = ByteCount(holdfast_cache::FILE_BYTES);
        return Err(bad(format!("it is less than one file of {least}")));
    }
    match (path, size) {
        (Some(path), _) => Ok(Some(CacheChoice { path, bytes })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(ConfigError::Missing(
            "--sql-cache-size says how large, not where: give --sql-cache-dir, too",
        )),
    }
}

/// `200GiB`, with or without a space.
fn bytes(text: &str) -> Option<u64> {
    let units = [("MiB", ByteCount::MIB), ("GiB", ByteCount::GIB), ("TiB", 1 << 40)];
    let (number, unit) =
        units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
    number.trim().parse::<u64>().ok()?.checked_mul(unit)
}

fn geometry(text: &str, drives: &DriveChoice) -> Result<Geometry, ConfigError> {
    let geometry: Geometry = text.parse().map_err(|_| ConfigError::Value {
        name: "geometry",
        value: text.into(),
        what: "write K+M, data and parity shards, as in 4+2".into(),
    })?;
    let have = match drives {
        DriveChoice::Embedded => EMBEDDED_DRIVES,
        DriveChoice::Given(given) => given.len(),
    };
    if have < geometry.shards() {
        return Err(ConfigError::TooFewDrives { have, geometry });
    }
    Ok(geometry)
}

fn address(name: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| ConfigError::Value {
        name,
        value: text.into(),
        what: "write IP:PORT, as in 127.0.0.1:9000, 0.0.0.0:9000 (all) or [::1]:9000".into(),
    })
}

fn domain(name: &str) -> Result<String, ConfigError> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if name.len() <= 253 && name.split('.').all(label) {
        return Ok(name.to_ascii_lowercase());
    }
    let what = "a domain name is wanted, as in s3.example.com, without scheme or port".into();
    Err(ConfigError::Value { name: "domain", value: name.into(), what })
}

/// One line, `key=value`, in the order of `--help`; logged at start.
impl fmt::Display for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "data={}", self.data.display())?;
        match &self.drives {
            DriveChoice::Embedded => write!(f, " drives=embedded")?,
            DriveChoice::Given(given) => {
                let given: Vec<_> = given.iter().map(|path| path.display().to_string()).collect();
                write!(f, " drives={}", given.join(","))?;
            }
        }
        match self.geometry {
            Some(geometry) => write!(f, " geometry={geometry}")?,
            None => write!(f, " geometry=by-drives")?,
        }
        write!(f, " degraded={} io={:?}", self.degraded, self.io)?;
        match &self.sql_cache {
            Some(cache) => {
                let size = ByteCount(cache.bytes).to_string().replace(' ', "");
                write!(f, " sql-cache={},{size}", cache.path.display())?;
            }
            None => write!(f, " sql-cache=off")?,
        }
        write!(f, " s3={} admin={}", self.s3, self.admin)?;
        match self.mysql {
            Some(address) => write!(f, " mysql={address}")?,
            None => write!(f, " mysql=off")?,
        }
        write!(f, " domains=[{}] region={}", self.domains.join(","), self.region)?;
        match &self.tls {
            Some(tls) => write!(f, " tls={}", tls.cert.display())?,
            None => write!(f, " tls=off")?,
        }
        write!(f, " connections={}", self.connections_max)?;
        write!(f, " idle-timeout={}s", self.idle.as_secs())?;
        write!(f, " shutdown-grace={}s", self.shutdown_grace.as_secs())?;
        write!(f, " log={} log-format={:?}", self.log, self.log_format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> ServerArgs {
        ServerArgs { data: Some("/d".into()), ..ServerArgs::default() }
    }

    fn cached(size: &str) -> ServerArgs {
        ServerArgs { sql_cache_dir: Some("/c".into()), sql_cache_size: Some(size.into()), ..args() }
    }

    #[test]
    fn a_cache_has_the_size_that_was_said() {
        let bytes = |args: ServerArgs| args.check().unwrap().sql_cache.unwrap().bytes;
        assert_eq!(bytes(cached("2 TiB")), 2 << 40);
        assert_eq!(bytes(ServerArgs { sql_cache_size: None, ..cached("") }), 16 << 30);
        assert_eq!(args().check().unwrap().sql_cache, None);
    }

    #[test]
    fn defaults_are_as_the_help_says() {
        let config = args().check().unwrap();
        assert_eq!(config.s3.to_string(), "127.0.0.1:9000");
        assert_eq!(config.admin.to_string(), "127.0.0.1:9001");
        assert_eq!((config.drives, config.geometry), (DriveChoice::Embedded, None));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_one_line() {
        let text = |text: &str| Some(text.to_string());
        let table = [
            (ServerArgs::default(), "no data directory"),
            (ServerArgs { s3: text("localhost"), ..args() }, "--s3 localhost: write IP:PORT"),
            (ServerArgs { geometry: text("4-2"), ..args() }, "--geometry 4-2: write K+M"),
            (ServerArgs { geometry: text("8+4"), ..args() }, "needs 12 drives, 6 are given"),
            (ServerArgs { admin: text("127.0.0.1:9000"), ..args() }, "each its own port"),
            (ServerArgs { tls_key: Some("k".into()), ..args() }, "go together"),
            (ServerArgs { domain: vec!["http://x".into()], ..args() }, "--domain http://x"),
            (ServerArgs { sql_cache_size: text("1GiB"), ..args() }, "give --sql-cache-dir"),
            (cached("100"), "--sql-cache-size 100: write a number with MiB"),
            (cached("100MiB"), "--sql-cache-size 100MiB: it is less than one file of 528"),
            (ServerArgs { sql_cache_dir: Some("/d".into()), ..args() }, "a directory of its own"),
        ];
        for (args, want) in table {
            let said = args.check().unwrap_err().to_string();
            assert!(said.contains(want) && !said.contains('\n'), "{said:?} lacks {want:?}");
        }
    }
}
