//! Proofs: what a client sends instead of its password.
//!
//! ```text
//! native: SHA1(pw) xor SHA1(salt | SHA1(SHA1(pw)))                 stored: SHA1(SHA1(pw))
//! sha2:   SHA256(pw) xor SHA256(SHA256(SHA256(pw)) | salt)         cached: SHA256(SHA256(pw))
//! ```

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// True where `proof` proves the password whose stored form is `auth` (`*` and 40 hex digits).
pub(crate) fn is_native_proof(proof: &[u8], salt: &[u8; 20], auth: &str) -> bool {
    let Some(stored) = auth.strip_prefix('*').and_then(|hex| hex::decode(hex).ok()) else {
        return false;
    };
    if proof.len() != 20 || stored.len() != 20 {
        return false;
    }
    let mask = Sha1::new().chain_update(salt).chain_update(&stored).finalize();
    let once: Vec<u8> = proof.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect();
    is_same(&Sha1::digest(&once), &stored)
}

/// True where `proof` proves the password of `verifier`.
pub(crate) fn is_sha2_proof(proof: &[u8], salt: &[u8; 20], verifier: &[u8; 32]) -> bool {
    if proof.len() != 32 {
        return false;
    }
    let mask = Sha256::new().chain_update(verifier).chain_update(salt).finalize();
    let once: Vec<u8> = proof.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect();
    is_same(&Sha256::digest(&once), verifier)
}

/// A password as it comes out of the RSA cipher: masked with the salt, over and over.
pub(crate) fn unmask(bytes: &mut [u8], salt: &[u8; 20]) {
    for (byte, mask) in bytes.iter_mut().zip(salt.iter().cycle()) {
        *byte ^= mask;
    }
}

/// Compares without telling by its duration where they differ.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::super::{Plugin, hash_password, verifier};
    use super::*;

    fn xor(a: &[u8], b: &[u8]) -> Vec<u8> {
        a.iter().zip(b).map(|(a, b)| a ^ b).collect()
    }

    #[test]
    fn the_right_password_is_proved_and_no_other() {
        let salt = *b"0123456789abcdefghij";
        let auth = hash_password(Plugin::Native, b"secret", &salt);
        let twice = Sha1::digest(Sha1::digest(b"secret"));
        let mask = Sha1::new().chain_update(salt).chain_update(twice).finalize();
        let proof = xor(&Sha1::digest(b"secret"), &mask);
        assert!(is_native_proof(&proof, &salt, &auth));
        assert!(!is_native_proof(&proof[..19], &salt, &auth));
        assert!(!is_native_proof(&proof, b"1123456789abcdefghij", &auth));
        assert!(!is_native_proof(&proof, &salt, "*no hex"));
        assert!(!is_native_proof(&proof, &salt, ""));

        let twice = Sha256::digest(Sha256::digest(b"secret"));
        let mask = Sha256::new().chain_update(twice).chain_update(salt).finalize();
        let proof = xor(&Sha256::digest(b"secret"), &mask);
        assert!(is_sha2_proof(&proof, &salt, &verifier(b"secret")));
        assert!(!is_sha2_proof(&proof, &salt, &verifier(b"Secret")));
        assert!(!is_sha2_proof(&[], &salt, &verifier(b"secret")));
    }
}
