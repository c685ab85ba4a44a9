//! Which access keys there are, for s3s to verify signatures with.
//!
//! Not here: where keys are stored and how secrets are sealed (the wiring hands
//! them over in the clear), who may do what (every key may do everything).

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

/// The keys that authenticate: root's, and those of the metadata.
#[derive(Debug)]
pub struct Keys {
    root: (String, SecretKey),
    /// By access key id; guards nothing else, held for a lookup only.
    others: RwLock<BTreeMap<String, SecretKey>>,
}

impl Keys {
    /// Root's key alone.
    pub fn new(root_id: impl Into<String>, root_secret: impl Into<String>) -> Self {
        let root = (root_id.into(), SecretKey::from(root_secret.into()));
        Self { root, others: RwLock::default() }
    }

    /// From now on these (id, secret) pairs authenticate besides root's, and no others.
    /// Call it at start and whenever the metadata's keys have changed.
    pub fn replace(&self, keys: impl IntoIterator<Item = (String, String)>) {
        let keys = keys.into_iter().map(|(id, secret)| (id, SecretKey::from(secret))).collect();
        *self.others.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn secret(&self, id: &str) -> Option<SecretKey> {
        if id == self.root.0 {
            return Some(self.root.1.clone());
        }
        self.others.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// [`Keys`] as s3s asks for them.
pub(super) struct KeyRing(pub(super) Arc<Keys>);

#[async_trait::async_trait]
impl S3Auth for KeyRing {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.0.secret(access_key).ok_or_else(|| {
            s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_key_no_longer_authenticates() {
        let keys = Keys::new("root", "r");
        keys.replace([("a".into(), "1".into())]);
        assert_eq!(keys.secret("a").map(|s| s.expose().to_owned()).as_deref(), Some("1"));
        keys.replace([("b".into(), "2".into())]);
        assert!(keys.secret("a").is_none() && keys.secret("b").is_some());
        assert!(keys.secret("root").is_some(), "root's key stays");
        assert!(!format!("{keys:?}").contains('2'), "P6: a secret does not reach a log");
    }
}
