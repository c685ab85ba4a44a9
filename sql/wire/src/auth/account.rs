//! Accounts as authentication sees them.

/// How an account's password is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plugin {
    /// `caching_sha2_password`, MySQL 8's default.
    CachingSha2,
    /// `mysql_native_password`.
    Native,
}

impl Plugin {
    /// As it is named in packets and in `CREATE USER`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CachingSha2 => "caching_sha2_password",
            Self::Native => "mysql_native_password",
        }
    }

    /// The plugin of that name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::CachingSha2, Self::Native].into_iter().find(|plugin| plugin.name() == name)
    }
}

/// `'user'@'host'`, the host as the account has it: may be a pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountName {
    /// The user; empty for the anonymous account.
    pub user: String,
    /// The host or its pattern.
    pub host: String,
}

impl std::fmt::Display for AccountName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "'{}'@'{}'", self.user, self.host)
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: AccountName,
    /// How its password is proved.
    pub plugin: Plugin,
    /// The stored form of its password, see [`hash_password`](super::hash_password);
    /// empty: none is needed.
    pub auth: String,
    /// `ACCOUNT LOCK`.
    pub is_locked: bool,
    /// `REQUIRE SSL`.
    pub requires_tls: bool,
}

/// The accounts of a server.
pub trait Accounts: Send + Sync {
    /// The account that `user` from `host` (an address as text) is, by MySQL's order
    /// of preference; `None` where there is none. Must not block.
    fn find(&self, user: &str, host: &str) -> Option<Account>;
}
