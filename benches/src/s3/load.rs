//! One load: an operation, a size, a number of connections, for some seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use holdfast_io::clock::{Clock, SystemClock};

use super::http::Connection;
use super::sign::{Signer, UNSIGNED, sha256_hex};
use crate::report::date;

/// What to do, over and over.
#[derive(Clone)]
pub struct Load {
    pub signer: Signer,
    pub bucket: String,
    pub operation: Operation,
    pub size: usize,
    pub presigned: bool,
    pub connections: usize,
    pub duration: Duration,
    /// Keys that a GET draws from; a PUT writes them in turn.
    pub keys: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Put,
    Get,
}

/// What a load did.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub requests: u64,
    pub errors: u64,
    pub wall: Duration,
    /// Sorted. [ns]
    pub latencies: Vec<u64>,
}

impl Measured {
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.wall.as_secs_f64()
    }

    /// The latency below which `share` of the requests stayed. [ms]
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let at = ((self.latencies.len() as f64 * share) as usize)
            .min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(0.0, |ns| *ns as f64 / 1e6)
    }
}

/// Runs `load` to its end.
pub async fn run(load: &Load) -> Result<Measured> {
    let body = Arc::new(random_bytes(load.size));
    let payload = if load.presigned { UNSIGNED.into() } else { sha256_hex(&body) };
    let (next, halt) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let began = Instant::now();
    let mut workers = Vec::new();
    for _ in 0..load.connections {
        let worker = Worker {
            load: load.clone(),
            body: body.clone(),
            payload: payload.clone(),
            next: next.clone(),
            halt: halt.clone(),
            once: false,
        };
        workers.push(tokio::spawn(worker.run()));
    }
    tokio::time::sleep(load.duration).await;
    halt.store(true, Ordering::Relaxed);
    let mut sum = Measured::default();
    for worker in workers {
        let one = worker.await??;
        sum.requests += one.requests;
        sum.errors += one.errors;
        sum.latencies.extend(one.latencies);
    }
    sum.wall = began.elapsed();
    sum.latencies.sort_unstable();
    if sum.requests == 0 {
        bail!(
            "{:?} of {} bytes: no request succeeded, {} did not",
            load.operation,
            load.size,
            sum.errors
        );
    }
    Ok(sum)
}

/// Sends every key's request once.
pub async fn once_each(load: &Load) -> Result<()> {
    let body = Arc::new(random_bytes(load.size));
    let (next, halt) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut workers = Vec::new();
    for _ in 0..load.connections {
        let worker = Worker {
            load: load.clone(),
            body: body.clone(),
            payload: UNSIGNED.into(),
            next: next.clone(),
            halt: halt.clone(),
            once: true,
        };
        workers.push(tokio::spawn(worker.run()));
    }
    for worker in workers {
        let done = worker.await??;
        if done.errors > 0 {
            bail!("{} requests failed while filling", done.errors);
        }
    }
    Ok(())
}

struct Worker {
    load: Load,
    body: Arc<Vec<u8>>,
    payload: String,
    next: Arc<AtomicU64>,
    halt: Arc<AtomicBool>,
    /// Every key once, instead of for a while.
    once: bool,
}

impl Worker {
    async fn run(self) -> Result<Measured> {
        let mut connection = Connection::open(&self.load.signer.host).await?;
        let mut measured = Measured::default();
        while !self.halt.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if self.once && number >= self.load.keys {
                break;
            }
            let key = number % self.load.keys;
            let path = format!("/{}/{}/{key:08}", self.load.bucket, self.load.size);
            let began = Instant::now();
            let (head, body) = self.request(&path);
            match connection.send(&head, body, 512).await {
                Ok(response) if response.status == 200 => {
                    measured.requests += 1;
                    measured.latencies.push(began.elapsed().as_nanos() as u64);
                    if self.load.operation == Operation::Get
                        && response.bytes != self.load.size as u64
                    {
                        bail!("{path}: {} bytes came", response.bytes);
                    }
                }
                Ok(response) => {
                    measured.errors += 1;
                    if measured.errors > 20 {
                        bail!(
                            "{path}: {} {}",
                            response.status,
                            String::from_utf8_lossy(&response.kept)
                        );
                    }
                }
                Err(_) => {
                    measured.errors += 1;
                    if measured.errors > 20 {
                        bail!("{path}: connections break");
                    }
                    connection = Connection::open(&self.load.signer.host).await?;
                }
            }
        }
        Ok(measured)
    }

    fn request(&self, path: &str) -> (String, &[u8]) {
        let date = amz_date();
        let signer = &self.load.signer;
        let (method, payload, body): (_, &str, &[u8]) = match self.load.operation {
            Operation::Put => ("PUT", &self.payload, &self.body),
            Operation::Get => ("GET", EMPTY_SHA256, &[]),
        };
        let length = body.len();
        let head = if self.load.presigned {
            let target = signer.presigned(method, path, &date);
            format!(
                "{method} {target} HTTP/1.1\r\nhost: {}\r\ncontent-length: {length}\r\n\r\n",
                signer.host
            )
        } else {
            let headers = signer.headers(method, path, payload, &date);
            format!("{method} {path} HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n")
        };
        (head, body)
    }
}

/// The SHA-256 of nothing.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The time now, as SigV4 wants it.
pub fn amz_date() -> String {
    let seconds = SystemClock.wall().0 / 1000;
    let day = date(seconds / 86_400).replace('-', "");
    let rest = seconds % 86_400;
    format!("{day}T{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Bytes that nothing compresses.
pub fn random_bytes(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
