//! What the connections of one server share: its name, its limits, its key and
//! certificate, and what they remember of passwords.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use holdfast_io::clock::Clock;
use holdfast_io::rng::Rng;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::{CryptoRng, RngCore};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, RsaPublicKey};
use tokio::sync::Semaphore;

use crate::auth::{Plugin, Verifiers};
use crate::channel::Limits;

/// Password checks and key work that run at a time: the processor's share that
/// strangers can take. The rest waits, within its login's deadline.
const CHECKS_AT_A_TIME: usize = 4;

/// What the connections of one server share. Make it with [`WireConfig::new`], then
/// set fields; a setting that fits all is the default.
pub struct WireConfig {
    /// Told in the handshake; drivers read the number at its start. Default `8.0.39-holdfast`.
    pub version: String,
    /// The collation told in the handshake. Default 255, utf8mb4_0900_ai_ci.
    pub collation: u8,
    /// The plugin that clients try first, and that unknown users see. Default caching_sha2_password.
    pub plugin: Plugin,
    /// Offers TLS. Default none.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Refuses logins without TLS (3159). Default no.
    pub requires_tls: bool,
    /// From the first byte to the verdict. Default 10 s.
    pub login_limit: Duration,
    /// For one read in the middle of a packet, as `net_read_timeout`. Default 30 s.
    pub read_limit: Duration,
    /// For one write, as `net_write_timeout`. Default 60 s.
    pub write_limit: Duration,
    /// For passwords of caching_sha2_password without TLS.
    pub key: LoginKey,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// For salts and keys.
    pub rng: Arc<dyn Rng>,
    pub(crate) verifiers: Verifiers,
    pub(crate) checks: Arc<Semaphore>,
    /// The auth string of users who are not there (W3).
    pub(crate) decoy: String,
}

impl WireConfig {
    /// The defaults.
    pub fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        let decoy = crate::auth::decoy(&*rng);
        Self {
            version: "8.0.39-holdfast".to_owned(),
            collation: 255,
            plugin: Plugin::CachingSha2,
            tls: None,
            requires_tls: false,
            login_limit: Duration::from_secs(10),
            read_limit: Duration::from_secs(30),
            write_limit: Duration::from_secs(60),
            key: LoginKey::lazy(),
            clock,
            rng,
            verifiers: Verifiers::default(),
            checks: Arc::new(Semaphore::new(CHECKS_AT_A_TIME)),
            decoy,
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { clock: Arc::clone(&self.clock), read: self.read_limit, write: self.write_limit }
    }

    /// 20 random bytes, none of them zero and none of them `$`.
    pub(crate) fn salt(&self) -> [u8; 20] {
        crate::auth::new_salt(&*self.rng)
    }
}

/// The RSA key to which clients encrypt passwords where there is no TLS.
#[derive(Clone, Default)]
pub struct LoginKey {
    made: Arc<OnceLock<Option<KeyPair>>>,
}

pub(crate) struct KeyPair {
    pub(crate) private: RsaPrivateKey,
    /// The public half in PEM, as it goes to clients.
    pub(crate) public_pem: String,
}

impl LoginKey {
    const BITS: usize = 2048;

    /// One that is made when a first client asks for it.
    pub fn lazy() -> Self {
        Self::default()
    }

    /// The key of a PEM file, PKCS #8 or PKCS #1; `None` where it is none.
    pub fn from_pem(pem: &str) -> Option<Self> {
        let private = RsaPrivateKey::from_pkcs8_pem(pem)
            .or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem))
            .ok()?;
        let made = OnceLock::from(Some(KeyPair::of(private)?));
        Some(Self { made: Arc::new(made) })
    }

    /// The key; made now if it is not there, which takes a second or so of
    /// processor time: call it where blocking is allowed.
    pub fn prepare(&self, rng: &dyn Rng) {
        let _ = self.pair(rng);
    }

    /// True where the key is there and its ciphers are so long. [bytes]
    pub(crate) fn is_of_size(&self, size: usize) -> bool {
        let made = self.made.get().and_then(Option::as_ref);
        made.is_some_and(|pair| pair.private.size() == size)
    }

    pub(crate) fn pair(&self, rng: &dyn Rng) -> Option<&KeyPair> {
        let make = || KeyPair::of(RsaPrivateKey::new(&mut Entropy(rng), Self::BITS).ok()?);
        self.made.get_or_init(make).as_ref()
    }
}

impl KeyPair {
    fn of(private: RsaPrivateKey) -> Option<Self> {
        let public_pem = RsaPublicKey::from(&private).to_public_key_pem(LineEnding::LF).ok()?;
        Some(Self { private, public_pem })
    }
}

/// The house's randomness as the `rsa` crate wants it.
pub(crate) struct Entropy<'a>(pub(crate) &'a dyn Rng);

impl CryptoRng for Entropy<'_> {}

impl RngCore for Entropy<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, into: &mut [u8]) {
        self.0.fill(into);
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.0.fill(into);
        Ok(())
    }
}
