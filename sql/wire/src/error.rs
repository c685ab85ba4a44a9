//! What can be wrong with a connection.

use std::time::Duration;

use holdfast_base::Remedy;

/// Why a connection, or one packet of it, came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The client went away in the middle of something.
    #[error("the client went away")]
    Gone,
    /// The network broke.
    #[error("the connection broke")]
    Net(#[source] std::io::Error),
    /// The TLS handshake came to nothing.
    #[error("no TLS handshake")]
    Tls(#[source] std::io::Error),
    /// A login, a read in the middle of a packet or a write took too long.
    #[error("{doing} took longer than {limit:?}")]
    Late {
        /// What was waited for.
        doing: &'static str,
        /// The deadline.
        limit: Duration,
    },
    /// No command within `wait_timeout`.
    #[error("no command within {0:?}")]
    Idle(Duration),
    /// 1153: the client was told.
    #[error("a packet of {size} bytes or more, at most {limit} are allowed")]
    TooLarge {
        /// Bytes that were announced so far.
        size: u64,
        /// `max_allowed_packet`, or the limit before the login.
        limit: u64,
    },
    /// 1156: the client was told.
    #[error("packet {found} came where {expected} was next")]
    OutOfOrder {
        /// The sequence number that was due.
        expected: u8,
        /// The sequence number that came.
        found: u8,
    },
    /// 1835 (1043 before the login): bytes that are no packet of their kind.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The login was refused; the client was told.
    #[error("{code}: {message}")]
    Refused {
        /// MySQL's error number.
        code: u16,
        /// Its SQLSTATE.
        state: &'static str,
        /// What the client was told.
        message: String,
    },
    /// A row's value does not go with its column's type: the engine's mistake.
    #[error("a value of kind {kind} in a column of another kind ({type_name})")]
    Mismatch {
        /// The value's kind.
        kind: &'static str,
        /// The column's type.
        type_name: String,
    },
}

impl WireError {
    /// MySQL's number of it.
    pub fn code(&self) -> u16 {
        match self {
            Self::Gone => 1159,
            Self::Net(_) => 1158,
            Self::Tls(_) => 1043,
            Self::Late { .. } => 1159,
            Self::Idle(_) => 4031,
            Self::TooLarge { .. } => 1153,
            Self::OutOfOrder { .. } => 1156,
            Self::Malformed(_) => 1835,
            Self::Refused { code, .. } => *code,
            Self::Mismatch { .. } => 1815,
        }
    }

    /// The SQLSTATE of [`WireError::code`].
    pub fn state(&self) -> &'static str {
        match self {
            Self::Refused { state, .. } => state,
            Self::Malformed(_) | Self::Mismatch { .. } | Self::Idle(_) => "HY000",
            _ => "08S01",
        }
    }

    /// What the client is or was told.
    pub fn message(&self) -> String {
        match self {
            Self::TooLarge { .. } => {
                "Got a packet bigger than 'max_allowed_packet' bytes".to_owned()
            }
            Self::OutOfOrder { .. } => "Got packets out of order".to_owned(),
            Self::Malformed(_) => "Malformed communication packet.".to_owned(),
            Self::Idle(_) => "The client was disconnected by the server because of inactivity. \
                 See wait_timeout and interactive_timeout for configuring this behavior."
                .to_owned(),
            Self::Refused { message, .. } => message.clone(),
            Self::Mismatch { .. } => format!("Internal error: {self}"),
            Self::Gone | Self::Net(_) | Self::Tls(_) | Self::Late { .. } => {
                "Got an error reading communication packets".to_owned()
            }
        }
    }

    /// True where the connection can go on after the client has been told.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::Mismatch { .. })
    }

    /// What to do next: nothing is ever tried again by the server.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Mismatch { .. } => Remedy::Stop,
            _ => Remedy::Refuse,
        }
    }
}
