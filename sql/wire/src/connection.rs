//! One client's connection, from the greeting to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use holdfast_io::clock::deadline;
use holdfast_io::net::Stream;

use crate::answer::Format;
use crate::auth::{AccountName, Accounts};
use crate::bits::{Capabilities, Status};
use crate::channel::{Channel, OUTPUT_HIGH, Transfer};
use crate::command::{ChangeUser, Command, Wait};
use crate::config::WireConfig;
use crate::error::WireError;
use crate::greeting::{Hello, HelloHead};
use crate::login::{Attempt, greet};
use crate::stream::TlsOrPlain;
use crate::within::within;

/// What is read and forgotten of a packet that is too large. [bytes]
const DISCARD_MAX: u64 = 256 << 20;

/// Who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where it comes from.
    pub address: SocketAddr,
    /// Its number here, what `CONNECTION_ID()` says.
    pub connection_id: u32,
}

impl Peer {
    /// The host that accounts are looked up by.
    pub fn host(&self) -> String {
        self.address.ip().to_canonical().to_string()
    }
}

/// A client that has proved who it is. The engine answers it with `ok`, or with
/// `error` where the database is not there (1049) or not for it (1044).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user as it was given.
    pub user: String,
    /// The account that it is, what `CURRENT_USER()` says.
    pub account: AccountName,
    /// The database to begin with.
    pub database: Option<String>,
    /// What the client says of itself; at most 4 KiB are kept.
    pub attributes: Vec<(String, String)>,
    /// What both sides can.
    pub capabilities: Capabilities,
    /// The client's collation, by MySQL's number; 0 where it said none.
    pub collation: u16,
    /// Where it comes from.
    pub peer: Peer,
    /// The connection is encrypted.
    pub is_tls: bool,
}

/// One client's connection.
pub struct Connection {
    pub(crate) channel: Channel,
    shared: Arc<WireConfig>,
    pub(crate) can: Capabilities,
    pub(crate) format: Format,
    salt: [u8; 20],
    peer: Peer,
    is_logged_in: bool,
}

impl Connection {
    /// Greets a client and finds out who it is. The caller answers the login and
    /// goes on with [`next_command`](Self::next_command).
    ///
    /// # Errors
    /// Any; the client was told, and the stream is closed.
    pub async fn accept(
        stream: Box<dyn Stream>,
        shared: Arc<WireConfig>,
        accounts: &dyn Accounts,
        peer: Peer,
    ) -> Result<(Self, Login), WireError> {
        let (clock, limit) = (Arc::clone(&shared.clock), shared.login_limit);
        let login = deadline(&clock, limit, Self::log_in(stream, shared, accounts, peer)).await;
        login.unwrap_or_else(|late| Err(WireError::Late { doing: "a login", limit: late.0 }))
    }

    async fn log_in(
        stream: Box<dyn Stream>,
        shared: Arc<WireConfig>,
        accounts: &dyn Accounts,
        peer: Peer,
    ) -> Result<(Self, Login), WireError> {
        let salt = shared.salt();
        let mut channel = Some(Channel::new(TlsOrPlain::Plain(stream), shared.limits()));
        let greeted = greet(&mut channel, &shared, peer.connection_id, &salt).await;
        let Some(channel) = channel else {
            return Err(greeted.err().unwrap_or(WireError::Gone));
        };
        let mut connection = Self::over(channel, shared, peer, salt);
        let greeted = match greeted {
            Ok(greeted) => greeted,
            Err(error) => return Err(connection.tell(error).await),
        };
        connection.can = greeted.0.can;
        let login = connection.authenticate(greeted, Some(salt), accounts).await?;
        connection.channel.read_ahead();
        connection.is_logged_in = true;
        Ok((connection, login))
    }

    fn over(channel: Channel, shared: Arc<WireConfig>, peer: Peer, salt: [u8; 20]) -> Self {
        let can = Capabilities::PROTOCOL_41;
        Self { channel, shared, can, format: Format::Text, salt, peer, is_logged_in: false }
    }

    /// Refuses a client before it was greeted: 1040 (too many connections), 1053
    /// (the server ends), 1129 (the host is blocked), 1130 (the host has no account).
    ///
    /// # Errors
    /// Where the client does not take it.
    pub async fn refuse(
        stream: Box<dyn Stream>,
        shared: &WireConfig,
        code: u16,
        message: &str,
    ) -> Result<(), WireError> {
        let mut channel = Channel::new(TlsOrPlain::Plain(stream), shared.limits());
        let out = channel.open();
        // No capability is known yet, hence no SQLSTATE.
        out.push(0xff);
        out.extend_from_slice(&code.to_le_bytes());
        out.extend_from_slice(message.as_bytes());
        channel.close();
        channel.flush().await
    }

    /// The whole exchange of COM_CHANGE_USER. The caller answers it as a login.
    ///
    /// # Errors
    /// Any; the client was told, and the connection ends.
    pub async fn change_user(
        &mut self,
        change: ChangeUser,
        accounts: &dyn Accounts,
    ) -> Result<Login, WireError> {
        let clock = Arc::clone(&self.shared.clock);
        let collation = change.hello.collation;
        let head = HelloHead { can: self.can, collation, is_tls_request: false };
        // Clients differ in which salt they would use: those who can are given a new one.
        let salt = (!self.can.has(Capabilities::PLUGIN_AUTH)).then_some(self.salt);
        let limit = self.shared.login_limit;
        let login = self.authenticate((head, change.hello), salt, accounts);
        let login = deadline(&clock, limit, login).await;
        login.unwrap_or_else(|late| Err(WireError::Late { doing: "a login", limit: late.0 }))
    }

    async fn authenticate(
        &mut self,
        (head, hello): (HelloHead, Hello),
        salt: Option<[u8; 20]>,
        accounts: &dyn Accounts,
    ) -> Result<Login, WireError> {
        let host = self.peer.host();
        let (channel, shared, can) = (&mut self.channel, &self.shared, self.can);
        let mut attempt = Attempt { channel, shared, can, host: &host };
        match attempt.authenticate(&hello, salt, accounts).await {
            Err(error) => Err(self.tell(error).await),
            Ok(account) => Ok(Login {
                user: hello.user,
                account: account.name,
                database: hello.database,
                attributes: hello.attributes,
                capabilities: self.can,
                collation: head.collation,
                peer: self.peer,
                is_tls: self.channel.stream.is_tls(),
            }),
        }
    }

    /// The next command; `None` where the client has gone. Writes what is waiting
    /// first. May be dropped and called again: nothing is lost.
    ///
    /// A packet that is no command is answered here (1835).
    ///
    /// # Errors
    /// Any; where the client can be told it was, and the connection ends.
    pub async fn next_command(&mut self, wait: Wait) -> Result<Option<Command>, WireError> {
        loop {
            // What lies in the input during a transfer is no command.
            let is_next_here = self.channel.has_packet() && self.channel.transfer == Transfer::None;
            if !is_next_here || self.channel.output.len() >= OUTPUT_HIGH {
                self.flush().await?;
            }
            if !self.channel.is_within_packet() {
                self.channel.sequence = 0;
            }
            let clock = &self.shared.clock;
            let first = match within(clock, wait.idle, self.channel.wait()).await {
                Ok(first) => first?,
                Err(late) => return Err(self.tell(WireError::Idle(late.0)).await),
            };
            if !first {
                return Ok(None);
            }
            let packet = match self.channel.packet(wait.packet_max).await {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.tell(error).await),
            };
            match Command::parse(&packet, self.can) {
                Ok(command) => return Ok(Some(command)),
                Err(error) => self.error(error.code(), error.state(), &error.message()),
            }
        }
    }

    /// Writes what is waiting.
    ///
    /// # Errors
    /// The client has gone or does not read; the connection ends.
    pub async fn flush(&mut self) -> Result<(), WireError> {
        self.end_transfer().await?;
        self.channel.flush().await
    }

    /// Writes what is waiting and ends the stream in good order.
    ///
    /// # Errors
    /// The client has gone or does not read.
    pub async fn close(mut self) -> Result<(), WireError> {
        use tokio::io::AsyncWriteExt;
        self.flush().await?;
        let shutdown = self.channel.stream.shutdown();
        match within(&self.shared.clock, self.shared.write_limit, shutdown).await {
            Ok(ended) => ended.map_err(WireError::Net),
            Err(late) => Err(WireError::Late { doing: "a write", limit: late.0 }),
        }
    }

    /// Resolves when the client has gone, while a statement of it runs. Commands that
    /// it sends meanwhile stay for `next_command`. May be dropped at any time.
    pub async fn gone(&mut self) {
        self.channel.ended().await;
    }

    /// What both sides can.
    pub fn capabilities(&self) -> Capabilities {
        self.can
    }

    /// Who is at the other side.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// The status that goes with a session which has done nothing yet.
    pub fn first_status() -> Status {
        Status::AUTOCOMMIT
    }

    /// Tells the client, as far as it can be told, and hands the error back.
    async fn tell(&mut self, error: WireError) -> WireError {
        let (code, state, message) = match error {
            WireError::Gone | WireError::Net(_) | WireError::Tls(_) | WireError::Late { .. } => {
                return error;
            }
            WireError::Malformed(_) => (1043, "08S01", "Bad handshake".to_owned()),
            _ => (error.code(), error.state(), error.message()),
        };
        match error {
            WireError::TooLarge { .. } if !self.is_logged_in => {
                self.channel.sequence = self.channel.sequence.wrapping_add(1);
            }
            WireError::TooLarge { .. } => {
                let skipped = self.channel.skip_packet(DISCARD_MAX).await;
                if skipped.is_err() {
                    return error;
                }
            }
            WireError::OutOfOrder { found, .. } => {
                self.channel.sequence = found.wrapping_add(1);
            }
            _ => {}
        }
        self.error(code, state, &message);
        // Where this fails the client has gone, which is no news to the caller.
        let _ = self.channel.flush().await;
        error
    }
}
