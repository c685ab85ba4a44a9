//! RSA with OAEP over SHA-1, as MySQL's clients encrypt a password.
//!
//! The `rsa` crate wants a hash with the traits of an older `digest` than ours:
//! [`OldSha1`] is our SHA-1 with them.

use holdfast_io::rng::Rng;
use rsa::Oaep;
use rsa::signature::digest::consts::U20;
use rsa::signature::digest::{FixedOutput, HashMarker, Output, OutputSizeUser, Reset, Update};
use sha1::{Digest, Sha1};

use crate::config::{Entropy, KeyPair};

/// The plain text of `cipher`; `None` where it is none. Blinded: its duration tells
/// nothing of the key.
pub(crate) fn decrypt(key: &KeyPair, cipher: &[u8], rng: &dyn Rng) -> Option<Vec<u8>> {
    key.private.decrypt_blinded(&mut Entropy(rng), Oaep::new::<OldSha1>(), cipher).ok()
}

#[derive(Clone, Default)]
pub(crate) struct OldSha1(Sha1);

impl HashMarker for OldSha1 {}

impl OutputSizeUser for OldSha1 {
    type OutputSize = U20;
}

impl Update for OldSha1 {
    fn update(&mut self, data: &[u8]) {
        Digest::update(&mut self.0, data);
    }
}

impl FixedOutput for OldSha1 {
    fn finalize_into(self, out: &mut Output<Self>) {
        out.copy_from_slice(&self.0.finalize());
    }
}

impl Reset for OldSha1 {
    fn reset(&mut self) {
        self.0 = Sha1::new();
    }
}

impl rsa::signature::digest::FixedOutputReset for OldSha1 {
    fn finalize_into_reset(&mut self, out: &mut Output<Self>) {
        FixedOutput::finalize_into(std::mem::take(self), out);
    }
}
