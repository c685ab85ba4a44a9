//! Fast verifiers: what a full proof of caching_sha2_password leaves behind, so that
//! the next login needs two hashes instead of 5000.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::account::{Account, AccountName};

/// Accounts remembered. Beyond, some other is forgotten; it proves itself in full again.
const KEPT: usize = if cfg!(test) { 4 } else { 4096 };

/// SHA256(SHA256(password)) by account. The stored form is part of the key: a changed
/// password is another entry.
#[derive(Default)]
pub(crate) struct Verifiers {
    /// Never held across a wait; innermost.
    kept: Mutex<BTreeMap<AccountName, (String, [u8; 32])>>,
}

impl Verifiers {
    pub(crate) fn get(&self, account: &Account) -> Option<[u8; 32]> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (auth, verifier) = kept.get(&account.name)?;
        (*auth == account.auth).then_some(*verifier)
    }

    pub(crate) fn put(&self, account: &Account, verifier: [u8; 32]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT && !kept.contains_key(&account.name) {
            kept.pop_first();
        }
        kept.insert(account.name.clone(), (account.auth.clone(), verifier));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plugin;
    use super::*;

    #[test]
    fn a_changed_password_is_forgotten_and_there_is_a_bound() {
        let account = |user: &str, auth: &str| Account {
            name: AccountName { user: user.to_owned(), host: "%".to_owned() },
            plugin: Plugin::CachingSha2,
            auth: auth.to_owned(),
            is_locked: false,
            requires_tls: false,
        };
        let verifiers = Verifiers::default();
        verifiers.put(&account("a", "old"), [1; 32]);
        assert_eq!(verifiers.get(&account("a", "old")), Some([1; 32]));
        assert_eq!(verifiers.get(&account("a", "new")), None);
        for user in 0..100 {
            verifiers.put(&account(&user.to_string(), "x"), [2; 32]);
        }
        assert_eq!(verifiers.kept.lock().unwrap().len(), KEPT);
        assert_eq!(verifiers.get(&account("99", "x")), Some([2; 32]), "the newest stays");
    }
}
