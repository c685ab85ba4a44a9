//! Secrets at rest: access keys' secret halves are sealed before they enter the metadata.
//!
//! ```text
//! sealed = version 1 | nonce 12 | AES-256-GCM ciphertext | tag 16      bound to the key's id
//! ```
//!
//! - U1: a sealed secret opens under the id that it was sealed for, and no other.
//! - U2: a nonce is drawn at random for every sealing; at 2^32 sealings under one
//!   key a repetition is still less likely than 2^-32 (NIST SP 800-38D, 8.3).
//!
//! The key lies in `DIR/secret.key` (0600, 64 hex digits) or in HOLDFAST_SECRET_KEY.
//! Not here: root's credentials (`start::credentials`).

use std::path::{Path, PathBuf};

use holdfast_io::host;
use holdfast_io::rng::Rng;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::start::{Secret, StartError, plain};

/// The variable that carries the key instead of the file.
const VARIABLE: &str = "HOLDFAST_SECRET_KEY";
const FILE: &str = "secret.key";
const VERSION: u8 = 1;

/// Seals and opens secrets.
pub struct Vault {
    key: LessSafeKey,
}

/// A sealed secret that does not open: another key, another id, or rot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was sealed with another secret key, or is damaged")]
pub struct NotOpened;

impl NotOpened {
    /// Nothing to retry: the caller leaves the key out and says so.
    pub fn remedy(&self) -> holdfast_base::Remedy {
        holdfast_base::Remedy::Refuse
    }
}

/// Whether a data directory is new: only then a key may be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// First start.
    New,
    /// There may be sealed secrets.
    Old,
}

impl Vault {
    /// The vault of the data directory `data`.
    ///
    /// # Errors
    /// [`StartError::BadFile`] if the key is unreadable, no key, or gone.
    pub fn open(data: &Path, age: Age, rng: &dyn Rng) -> Result<Self, StartError> {
        if let Ok(text) = std::env::var(VARIABLE)
            && !text.is_empty()
        {
            return Self::from_hex(text.trim()).ok_or_else(|| StartError::BadFile {
                path: PathBuf::from(VARIABLE),
                what: "64 hex digits are wanted".into(),
            });
        }
        let path = data.join(FILE);
        let bad = |what: String| StartError::BadFile { path: path.clone(), what };
        match host::read_private(&path) {
            Ok(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| Self::from_hex(text.trim()))
                .ok_or_else(|| bad("64 hex digits are wanted".into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && age == Age::New => {
                let mut key = [0; 32];
                rng.fill(&mut key);
                host::replace_private(&path, format!("{}\n", hex::encode(key)).as_bytes())
                    .map_err(|error| bad(plain(&error)))?;
                Ok(Self::new(&key))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(bad(
                "gone: restore it, or put 64 new hex digits there (access keys made so far are then void)".into(),
            )),
            Err(error) => Err(bad(plain(&error))),
        }
    }

    /// The vault with this key.
    pub fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes");
        Self { key: LessSafeKey::new(key) }
    }

    fn from_hex(text: &str) -> Option<Self> {
        let mut key = [0; 32];
        hex::decode_to_slice(text, &mut key).ok()?;
        Some(Self::new(&key))
    }

    /// Seals `secret` for `id` (U1, U2).
    pub fn seal(&self, id: &str, secret: &Secret, rng: &dyn Rng) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut bytes = secret.expose().as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(id.as_bytes()),
                &mut bytes,
            )
            .expect("a secret is far shorter than AES-GCM's 64 GiB");
        [&[VERSION][..], &nonce, &bytes].concat()
    }

    /// Opens what was sealed for `id`.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open_sealed(&self, id: &str, sealed: &[u8]) -> Result<Secret, NotOpened> {
        let (&version, rest) = sealed.split_first().ok_or(NotOpened)?;
        let (nonce, bytes) = rest.split_first_chunk::<NONCE_LEN>().ok_or(NotOpened)?;
        if version != VERSION {
            return Err(NotOpened);
        }
        let mut bytes = bytes.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = Aad::from(id.as_bytes());
        let plain = self.key.open_in_place(nonce, aad, &mut bytes).map_err(|_| NotOpened)?;
        String::from_utf8(plain.to_vec()).map(Secret::new).map_err(|_| NotOpened)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_io::rng::SeededRng;

    #[test]
    fn a_secret_opens_for_its_own_id_only() {
        let (vault, rng) = (Vault::new(&[7; 32]), SeededRng::new(1));
        let secret = Secret::new("s3cret");
        let sealed = vault.seal("AKIA1", &secret, &rng);
        assert_eq!(vault.open_sealed("AKIA1", &sealed), Ok(secret.clone()));
        assert_eq!(vault.open_sealed("AKIA2", &sealed), Err(NotOpened), "U1");
        assert_eq!(Vault::new(&[8; 32]).open_sealed("AKIA1", &sealed), Err(NotOpened));
        assert_ne!(vault.seal("AKIA1", &secret, &rng), sealed, "U2");
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert_eq!(vault.open_sealed("AKIA1", &bad), Err(NotOpened), "byte {at}");
            assert_eq!(vault.open_sealed("AKIA1", &sealed[..at]), Err(NotOpened), "cut at {at}");
        }
    }

    #[test]
    fn a_key_is_generated_for_a_new_directory_only() {
        let (dir, rng) = (tempfile::tempdir().unwrap(), SeededRng::new(2));
        let said = Vault::open(dir.path(), Age::Old, &rng).unwrap_err().to_string();
        assert!(said.contains("secret.key: gone"), "{said}");
        let sealed =
            Vault::open(dir.path(), Age::New, &rng).unwrap().seal("a", &Secret::new("b"), &rng);
        let again = Vault::open(dir.path(), Age::Old, &rng).unwrap();
        assert_eq!(again.open_sealed("a", &sealed), Ok(Secret::new("b")));
    }
}
