//! Accounts and privileges, as statements name them.

use crate::statement::TableName;

/// `'user'@'host'`; CURRENT_USER is the empty user with no host, flagged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountName {
    /// The user.
    pub user: String,
    /// The host; `%` if none was named.
    pub host: String,
    /// CURRENT_USER or USER().
    pub current: bool,
}

/// An account and how it identifies itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSpec {
    /// The account.
    pub name: AccountName,
    /// IDENTIFIED.
    pub identified: Identified,
}

/// IDENTIFIED ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identified {
    /// Not said.
    Unchanged,
    /// `[WITH plugin] BY 'password'`.
    By {
        /// The plugin.
        plugin: Option<String>,
        /// The password.
        password: String,
    },
    /// `WITH plugin AS 'hash'`.
    As {
        /// The plugin.
        plugin: String,
        /// What it stores.
        hash: Vec<u8>,
    },
    /// `WITH plugin`.
    Plugin(String),
}

/// What CREATE USER and ALTER USER say beyond names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOptions {
    /// REQUIRE SSL (or X509, or more) is true, REQUIRE NONE is false.
    pub require_tls: Option<bool>,
    /// ACCOUNT LOCK is true, ACCOUNT UNLOCK is false.
    pub locked: Option<bool>,
    /// PASSWORD EXPIRE, without more: at once.
    pub expire: bool,
    /// COMMENT.
    pub comment: Option<String>,
    /// ATTRIBUTE.
    pub attribute: Option<String>,
    /// Options that were read and mean nothing here, upper case.
    pub ignored: Vec<String>,
}

/// CREATE USER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateUser {
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// The accounts.
    pub users: Vec<AccountSpec>,
    /// The rest.
    pub options: AccountOptions,
}

/// ALTER USER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterUser {
    /// IF EXISTS.
    pub if_exists: bool,
    /// The accounts.
    pub users: Vec<AccountSpec>,
    /// The rest.
    pub options: AccountOptions,
}

/// GRANT and REVOKE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// ALL [PRIVILEGES].
    pub all: bool,
    /// The privileges, upper case (`CREATE TEMPORARY TABLES`), with columns where listed.
    pub privileges: Vec<Privilege>,
    /// On what.
    pub on: GrantLevel,
    /// To or from whom.
    pub users: Vec<AccountName>,
    /// WITH GRANT OPTION; for REVOKE, GRANT OPTION among the privileges.
    pub grant_option: bool,
}

/// One privilege.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privilege {
    /// Its name, upper case.
    pub name: String,
    /// The columns it is limited to.
    pub columns: Vec<String>,
}

/// What a grant is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantLevel {
    /// `*.*`
    Global,
    /// `db.*`; `None` is `*`, the current database.
    Database(Option<String>),
    /// A table.
    Table(TableName),
}
