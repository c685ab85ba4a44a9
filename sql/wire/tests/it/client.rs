//! A small client, and a server for it, in one process.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use holdfast_io::rng::SeededRng;
use holdfast_sim::clock::SimClock;
use holdfast_wire::{Capabilities, LoginKey, Peer, WireConfig, WireError};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

use crate::serve::{accounts, serve};

/// The end of the server's task.
pub type Served = JoinHandle<Result<(), WireError>>;

/// What the recorded conversations were recorded with.
pub fn config() -> WireConfig {
    let mut config = WireConfig::new(SimClock::new(), Arc::new(SeededRng::new(7)));
    static KEY: LazyLock<LoginKey> =
        LazyLock::new(|| LoginKey::from_pem(include_str!("../data/rsa-key.pem")).unwrap());
    config.key = KEY.clone();
    config
}

/// A pipe to a server of its own.
pub fn connect(shared: &Arc<WireConfig>, connection_id: u32) -> (DuplexStream, Served) {
    let (here, there) = tokio::io::duplex(64 << 10);
    let shared = Arc::clone(shared);
    let address: SocketAddr = "127.0.0.1:50000".parse().unwrap();
    let peer = Peer { address, connection_id };
    let served =
        tokio::spawn(async move { serve(Box::new(there), shared, accounts(), peer).await });
    (here, served)
}

/// How a client introduces itself.
pub struct Who {
    pub user: &'static str,
    pub password: &'static str,
    pub plugin: &'static str,
    pub can: u32,
}

impl Default for Who {
    fn default() -> Self {
        let can = Capabilities::SERVER.without(Capabilities::CONNECT_WITH_DB);
        let can = can.without(Capabilities::CONNECT_ATTRS).bits();
        Self { user: "sha", password: "secret", plugin: "caching_sha2_password", can }
    }
}

pub trait Pipe: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Pipe for T {}

pub struct Client<S> {
    pub stream: S,
    pub sequence: u8,
    pub salt: Vec<u8>,
}

impl<S: Pipe> Client<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, sequence: 0, salt: Vec::new() }
    }

    /// Panics where the server has closed.
    pub async fn read(&mut self) -> Vec<u8> {
        self.try_read().await.expect("an answer")
    }

    pub async fn try_read(&mut self) -> Option<Vec<u8>> {
        let mut whole = Vec::new();
        loop {
            let mut head = [0; 4];
            self.stream.read_exact(&mut head).await.ok()?;
            assert_eq!(head[3], self.sequence, "W4: no gap in sequence numbers");
            self.sequence = self.sequence.wrapping_add(1);
            let length = u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize;
            let at = whole.len();
            whole.resize(at + length, 0);
            self.stream.read_exact(&mut whole[at..]).await.ok()?;
            if length < 0xff_ffff {
                return Some(whole);
            }
        }
    }

    pub async fn write(&mut self, payload: &[u8]) {
        let mut rest = payload;
        loop {
            let (piece, later) = rest.split_at(rest.len().min(0xff_ffff));
            let length = (piece.len() as u32).to_le_bytes();
            let head = [length[0], length[1], length[2], self.sequence];
            self.sequence = self.sequence.wrapping_add(1);
            // A server that refuses closes: what it said is to be read all the same.
            let _ = self.stream.write_all(&[&head[..], piece].concat()).await;
            rest = later;
            if piece.len() < 0xff_ffff {
                return;
            }
        }
    }

    /// A command and the first packet of its answer.
    pub async fn ask(&mut self, code: u8, body: &[u8]) -> Vec<u8> {
        self.send(code, body).await;
        self.read().await
    }

    pub async fn send(&mut self, code: u8, body: &[u8]) {
        self.sequence = 0;
        self.write(&[&[code][..], body].concat()).await;
    }

    pub async fn greeting(&mut self) -> Vec<u8> {
        let greeting = self.read().await;
        let at = greeting.iter().position(|byte| *byte == 0).unwrap() + 5;
        self.salt = [&greeting[at..at + 8], &greeting[at + 27..at + 39]].concat();
        greeting
    }

    /// Greeting to verdict; the verdict's packet.
    pub async fn log_in(&mut self, who: &Who) -> Vec<u8> {
        self.greeting().await;
        self.introduce(who).await
    }

    pub async fn introduce(&mut self, who: &Who) -> Vec<u8> {
        let proof = prove(who.plugin, who.password, &self.salt);
        self.write(&hello(who, &proof)).await;
        self.settle(who, false).await
    }

    /// Answers what the server asks until its verdict.
    pub async fn settle(&mut self, who: &Who, is_tls: bool) -> Vec<u8> {
        loop {
            let packet = self.read().await;
            match packet[..] {
                [1, 3] => {}
                [1, 4] if is_tls => {
                    self.write(&[who.password.as_bytes(), b"\0"].concat()).await;
                }
                [1, 4] => self.write(&[2]).await,
                [1, b'-', ..] => {
                    let cipher = self.encrypt(&packet[1..], who.password);
                    self.write(&cipher).await;
                }
                [0xfe, ..] => {
                    let end = packet.iter().position(|byte| *byte == 0).unwrap();
                    let plugin = String::from_utf8(packet[1..end].to_vec()).unwrap();
                    self.salt = packet[end + 1..packet.len() - 1].to_vec();
                    let proof = prove(&plugin, who.password, &self.salt);
                    self.write(&proof).await;
                }
                _ => return packet,
            }
        }
    }

    fn encrypt(&self, pem: &[u8], password: &str) -> Vec<u8> {
        let mut plain = [password.as_bytes(), b"\0"].concat();
        plain.iter_mut().zip(self.salt.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        crate::login::encrypt(std::str::from_utf8(pem).unwrap(), &plain)
    }
}

/// The client's first packet.
pub fn hello(who: &Who, proof: &[u8]) -> Vec<u8> {
    let mut packet = who.can.to_le_bytes().to_vec();
    packet.extend_from_slice(&[0, 0, 0, 1, 255]);
    packet.extend_from_slice(&[0; 23]);
    packet.extend_from_slice(who.user.as_bytes());
    packet.push(0);
    packet.push(proof.len() as u8);
    packet.extend_from_slice(proof);
    if Capabilities::PLUGIN_AUTH.bits() & who.can != 0 {
        packet.extend_from_slice(who.plugin.as_bytes());
        packet.push(0);
    }
    packet
}

pub fn prove(plugin: &str, password: &str, salt: &[u8]) -> Vec<u8> {
    let xor = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a ^ b).collect();
    if password.is_empty() {
        return Vec::new();
    }
    if plugin == "mysql_native_password" {
        let once = Sha1::digest(password);
        let mask = Sha1::new().chain_update(salt).chain_update(Sha1::digest(once)).finalize();
        return xor(&once, &mask);
    }
    let once = Sha256::digest(password);
    let mask = Sha256::new().chain_update(Sha256::digest(once)).chain_update(salt).finalize();
    xor(&once, &mask)
}

/// The number of an error packet.
pub fn error_code(packet: &[u8]) -> Option<u16> {
    match packet {
        [0xff, low, high, ..] => Some(u16::from_le_bytes([*low, *high])),
        _ => None,
    }
}
