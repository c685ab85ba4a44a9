//! Logging in, at the start and with COM_CHANGE_USER.
//!
//! ```text
//! server                      client
//! greeting                ->
//!                         <-  [TLS request, then TLS]
//!                         <-  hello: user, proof for some plugin
//! [switch to plugin]      ->
//!                         <-  [proof]
//! [fast success 01 03]    ->
//! [full proof, please 01 04] ->
//!                         <-  [password in TLS | 02: your key]
//! [key]                   ->
//!                         <-  [password, encrypted]
//! ok or error, the engine's ->
//! ```
//!
//! - L1: a user who is not there goes the way of one with a wrong password (W3).
//! - L2: all of it happens within one deadline.

use std::sync::Arc;

use bytes::Bytes;

use crate::auth::{self, Account, AccountName, Accounts, Plugin};
use crate::bits::Capabilities;
use crate::channel::Channel;
use crate::config::WireConfig;
use crate::error::WireError;
use crate::greeting::{Hello, HelloHead, offered, put_greeting};

/// The longest packet before a login (W2). [bytes]
pub(crate) const LOGIN_PACKET_MAX: u64 = 64 << 10;

/// One login under way.
pub(crate) struct Attempt<'a> {
    pub(crate) channel: &'a mut Channel,
    pub(crate) shared: &'a Arc<WireConfig>,
    pub(crate) can: Capabilities,
    /// The client's address as text.
    pub(crate) host: &'a str,
}

/// What a client offers as proof.
struct Offer {
    plugin: Plugin,
    proof: Bytes,
    salt: [u8; 20],
}

/// Greets, begins TLS where asked, and reads who the client says it is.
pub(crate) async fn greet(
    channel: &mut Option<Channel>,
    shared: &WireConfig,
    id: u32,
    salt: &[u8; 20],
) -> Result<(HelloHead, Hello), WireError> {
    const BAD: WireError = WireError::Malformed("handshake");
    let mut open = channel.take().ok_or(WireError::Gone)?;
    put_greeting(shared, id, salt, open.open());
    open.close();
    let open = channel.insert(open);
    open.flush().await?;
    let mut packet = open.answer(LOGIN_PACKET_MAX).await?;
    let mut head = HelloHead::parse(&packet, offered(shared)).ok_or(BAD)?;
    if head.is_tls_request {
        let tls = shared.tls.as_ref().ok_or(BAD)?;
        let plain = channel.take().ok_or(WireError::Gone)?;
        let secret = channel.insert(plain.begin_tls(tls).await?);
        packet = secret.answer(LOGIN_PACKET_MAX).await?;
        head = HelloHead::parse(&packet, offered(shared)).ok_or(BAD)?;
    }
    if !head.can.has(Capabilities::PROTOCOL_41) {
        return Err(BAD);
    }
    let hello = Hello::parse(&packet, head).ok_or(BAD)?;
    Ok((head, hello))
}

impl Attempt<'_> {
    /// The account that the client has proved to be; `salt` is what its proof was
    /// made with, `None` where it has to be asked for a new one.
    pub(crate) async fn authenticate(
        &mut self,
        hello: &Hello,
        salt: Option<[u8; 20]>,
        accounts: &dyn Accounts,
    ) -> Result<Account, WireError> {
        if self.shared.requires_tls && !self.channel.stream.is_tls() {
            let message = "Connections using insecure transport are prohibited while \
                           --require_secure_transport=ON.";
            return Err(refused(3159, "HY000", message.to_owned()));
        }
        let found = accounts.find(&hello.user, self.host);
        let is_known = found.is_some();
        let account = found.unwrap_or_else(|| self.decoy(hello));
        let offer = self.settle(hello, salt, account.plugin).await?;
        let is_empty = matches!(offer.proof[..], [] | [0]);
        let is_right = match (account.auth.is_empty(), is_empty) {
            (true, true) => true,
            (true, false) | (false, true) => false,
            (false, false) => self.prove(&account, &offer).await?,
        };
        let is_secret_enough = self.channel.stream.is_tls() || !account.requires_tls;
        if !(is_known && is_right && is_secret_enough) {
            let used = if is_empty { "NO" } else { "YES" };
            let (user, host) = (shown(&hello.user), self.host);
            let message =
                format!("Access denied for user '{user}'@'{host}' (using password: {used})");
            return Err(refused(1045, "28000", message));
        }
        if account.is_locked {
            let (user, host) = (shown(&hello.user), self.host);
            let message = format!("Access denied for user '{user}'@'{host}'. Account is locked.");
            return Err(refused(3118, "HY000", message));
        }
        Ok(account)
    }

    /// An account for a user who has none (L1).
    fn decoy(&self, hello: &Hello) -> Account {
        Account {
            name: AccountName { user: hello.user.clone(), host: self.host.to_owned() },
            plugin: self.shared.plugin,
            auth: self.shared.decoy.clone(),
            is_locked: false,
            requires_tls: false,
        }
    }

    /// Brings the client to the account's plugin.
    async fn settle(
        &mut self,
        hello: &Hello,
        salt: Option<[u8; 20]>,
        plugin: Plugin,
    ) -> Result<Offer, WireError> {
        let said = match &hello.plugin {
            Some(name) => Plugin::of(name),
            None => Some(Plugin::Native),
        };
        if let (Some(salt), true) = (salt, said == Some(plugin)) {
            return Ok(Offer { plugin, proof: hello.proof.clone(), salt });
        }
        if !self.can.has(Capabilities::PLUGIN_AUTH) {
            let message = "Client does not support authentication protocol requested by server; \
                           consider upgrading MySQL client";
            return Err(refused(1251, "08004", message.to_owned()));
        }
        let salt = self.shared.salt();
        let out = self.channel.open();
        out.push(0xfe);
        out.extend_from_slice(plugin.name().as_bytes());
        out.push(0);
        out.extend_from_slice(&salt);
        out.push(0);
        self.channel.close();
        Ok(Offer { plugin, proof: self.ask().await?, salt })
    }

    async fn prove(&mut self, account: &Account, offer: &Offer) -> Result<bool, WireError> {
        match offer.plugin {
            Plugin::Native => Ok(auth::is_native_proof(&offer.proof, &offer.salt, &account.auth)),
            Plugin::CachingSha2 => self.prove_sha2(account, offer).await,
        }
    }

    async fn prove_sha2(&mut self, account: &Account, offer: &Offer) -> Result<bool, WireError> {
        if let Some(verifier) = self.shared.verifiers.get(account)
            && auth::is_sha2_proof(&offer.proof, &offer.salt, &verifier)
        {
            self.more(&[3]);
            return Ok(true);
        }
        self.more(&[4]);
        let mut packet = self.ask().await?;
        // A client that has the key already encrypts without asking. One that has not (the
        // MariaDB client where it would have liked TLS) sends its password in the clear:
        // it is out, refusing it would protect nobody.
        let mut is_clear =
            self.channel.stream.is_tls() || !self.shared.key.is_of_size(packet.len());
        if is_clear && !self.channel.stream.is_tls() && packet[..] == [2] {
            is_clear = false;
            let pem = apart(self.shared, |shared| {
                shared.key.pair(&*shared.rng).map(|pair| pair.public_pem.clone())
            });
            let Some(pem) = pem.await else {
                return Ok(false);
            };
            self.more(pem.as_bytes());
            packet = self.ask().await?;
        }
        if is_clear && !self.channel.stream.is_tls() {
            tracing::warn!(account = %account.name, "a client sent its password in the clear");
        }
        let (salt, stored) = (offer.salt, account.auth.clone());
        let check = apart(self.shared, move |shared| {
            let password = match is_clear {
                true => in_clear(&packet),
                false => decrypted(shared, &packet, &salt)?,
            };
            auth::is_password(&password, &stored).then(|| auth::verifier(&password))
        });
        let Some(verifier) = check.await else {
            return Ok(false);
        };
        self.shared.verifiers.put(account, verifier);
        Ok(true)
    }

    /// One more packet of a proof.
    fn more(&mut self, payload: &[u8]) {
        let out = self.channel.open();
        out.push(1);
        out.extend_from_slice(payload);
        self.channel.close();
    }

    async fn ask(&mut self) -> Result<Bytes, WireError> {
        self.channel.flush().await?;
        self.channel.answer(LOGIN_PACKET_MAX).await
    }
}

/// Runs `work` where blocking is allowed, a few at a time; `None` where it says so or panics.
async fn apart<T: Send + 'static>(
    shared: &Arc<WireConfig>,
    work: impl FnOnce(&WireConfig) -> Option<T> + Send + 'static,
) -> Option<T> {
    let permit = Arc::clone(&shared.checks).acquire_owned().await.ok()?;
    let shared = Arc::clone(shared);
    let run = move || {
        let _permit = permit;
        work(&shared)
    };
    tokio::task::spawn_blocking(run).await.ok().flatten()
}

/// As much of a user's name as MySQL repeats.
fn shown(user: &str) -> &str {
    &user[..user.floor_char_boundary(48)]
}

/// A password with the zero byte that ends it, or without.
fn in_clear(packet: &[u8]) -> Vec<u8> {
    packet.strip_suffix(&[0]).unwrap_or(packet).to_vec()
}

fn decrypted(shared: &WireConfig, packet: &[u8], salt: &[u8; 20]) -> Option<Vec<u8>> {
    let mut password = auth::decrypt(shared.key.pair(&*shared.rng)?, packet, &*shared.rng)?;
    auth::unmask(&mut password, salt);
    Some(in_clear(&password))
}

pub(crate) fn refused(code: u16, state: &'static str, message: String) -> WireError {
    WireError::Refused { code, state, message }
}
