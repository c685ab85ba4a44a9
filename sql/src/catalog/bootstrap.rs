//! What a new cluster begins with: the account `root`.

use holdfast_api::txn::{Change, Check, CommitRequest, Part, TxnError};
use holdfast_wire::{Plugin, auth, hash_password};

use super::definition::{ACCOUNTS, ROW_VERSION};
use super::{AccountRow, Privileges, system};
use crate::engine::Engine;
use crate::error::Result;

/// Makes `root`@`%` where there is no account yet.
///
/// # Errors
/// The transaction node's.
pub async fn first(engine: &Engine, password: &str) -> Result<()> {
    let ts = engine.now().await?;
    if !engine.catalog()?.accounts.is_empty() {
        return Ok(());
    }
    let plugin = Plugin::CachingSha2;
    let account = AccountRow {
        v: ROW_VERSION,
        user: "root".into(),
        host: "%".into(),
        plugin: plugin.name().into(),
        auth: hash_password(plugin, password.as_bytes(), &auth::new_salt(&*engine.rng)),
        locked: false,
        require_tls: false,
        global: Privileges(u64::MAX),
        databases: Vec::new(),
        tables: Vec::new(),
    };
    let row = system::account_key(&account.user, &account.host);
    let change = Change { key: row.key.clone(), row: Some(system::encode(&account)?) };
    let request = CommitRequest {
        txn: engine.txn.begin().await?,
        checks: vec![Check { row, since: ts }],
        locked_in: None,
        parts: vec![Part::Rows { table: ACCOUNTS, schema: 1, changes: vec![change] }],
    };
    match engine.txn.commit(request).await {
        Ok(done) => engine.reach(done.ts).await,
        // Somebody else was first.
        Err(TxnError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
