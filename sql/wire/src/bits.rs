//! The protocol's two sets of bits: what a client and the server can, and the
//! session's state that goes with every answer.

/// What both sides agreed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u32);

impl Capabilities {
    /// `CLIENT_LONG_PASSWORD`; its absence would mean MariaDB's own extensions.
    pub const LONG_PASSWORD: Self = Self(1);
    /// Affected rows count rows found, not rows changed.
    pub const FOUND_ROWS: Self = Self(1 << 1);
    /// Flags of columns have two bytes.
    pub const LONG_FLAG: Self = Self(1 << 2);
    /// A database is named in the handshake.
    pub const CONNECT_WITH_DB: Self = Self(1 << 3);
    /// The client answers `LOAD DATA LOCAL`.
    pub const LOCAL_FILES: Self = Self(1 << 7);
    /// A space may stand before a function's parenthesis.
    pub const IGNORE_SPACE: Self = Self(1 << 8);
    /// The protocol since 4.1; the only one spoken here.
    pub const PROTOCOL_41: Self = Self(1 << 9);
    /// `interactive_timeout` instead of `wait_timeout`.
    pub const INTERACTIVE: Self = Self(1 << 10);
    /// TLS begins in mid-handshake.
    pub const SSL: Self = Self(1 << 11);
    /// Status flags are understood.
    pub const TRANSACTIONS: Self = Self(1 << 13);
    /// Authentication with 20 bytes of salt.
    pub const SECURE_CONNECTION: Self = Self(1 << 15);
    /// Several statements in one COM_QUERY.
    pub const MULTI_STATEMENTS: Self = Self(1 << 16);
    /// Several results for one COM_QUERY.
    pub const MULTI_RESULTS: Self = Self(1 << 17);
    /// Several results for one COM_STMT_EXECUTE.
    pub const PS_MULTI_RESULTS: Self = Self(1 << 18);
    /// The client knows authentication plugins.
    pub const PLUGIN_AUTH: Self = Self(1 << 19);
    /// The client describes itself.
    pub const CONNECT_ATTRS: Self = Self(1 << 20);
    /// The client's proof may be longer than 255 bytes.
    pub const PLUGIN_AUTH_LENENC: Self = Self(1 << 21);
    /// Changes of the session are told in OK packets.
    pub const SESSION_TRACK: Self = Self(1 << 23);
    /// OK packets where there were EOF packets.
    pub const DEPRECATE_EOF: Self = Self(1 << 24);

    /// What the server can without a certificate.
    pub const SERVER: Self = Self(
        Self::LONG_PASSWORD.0
            | Self::FOUND_ROWS.0
            | Self::LONG_FLAG.0
            | Self::CONNECT_WITH_DB.0
            | Self::LOCAL_FILES.0
            | Self::IGNORE_SPACE.0
            | Self::PROTOCOL_41.0
            | Self::INTERACTIVE.0
            | Self::TRANSACTIONS.0
            | Self::SECURE_CONNECTION.0
            | Self::MULTI_STATEMENTS.0
            | Self::MULTI_RESULTS.0
            | Self::PS_MULTI_RESULTS.0
            | Self::PLUGIN_AUTH.0
            | Self::CONNECT_ATTRS.0
            | Self::PLUGIN_AUTH_LENENC.0
            | Self::SESSION_TRACK.0
            | Self::DEPRECATE_EOF.0,
    );

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// As they travel.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// True where all of `other` are here.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What both have.
    #[must_use]
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// The session's state, as every answer tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status(u16);

impl Status {
    /// Nothing set.
    pub const NONE: Self = Self(0);
    /// A transaction is open.
    pub const IN_TRANS: Self = Self(1);
    /// `autocommit` is on.
    pub const AUTOCOMMIT: Self = Self(1 << 1);
    /// Another result follows.
    pub const MORE_RESULTS: Self = Self(1 << 3);
    /// The execution opened a cursor; rows come with COM_STMT_FETCH.
    pub const CURSOR_EXISTS: Self = Self(1 << 6);
    /// The cursor has no more rows.
    pub const LAST_ROW_SENT: Self = Self(1 << 7);
    /// The session's database is gone.
    pub const DB_DROPPED: Self = Self(1 << 8);
    /// `NO_BACKSLASH_ESCAPES` is in `sql_mode`: how clients must quote.
    pub const NO_BACKSLASH_ESCAPES: Self = Self(1 << 9);
    /// The transaction is READ ONLY.
    pub const IN_TRANS_READONLY: Self = Self(1 << 13);
    /// This crate sets it where it tells a change.
    pub(crate) const STATE_CHANGED: Self = Self(1 << 14);

    /// As they travel.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// True where all of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}
