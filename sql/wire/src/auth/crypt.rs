//! The stored forms of passwords, as MySQL has them in `mysql.user`.
//!
//! ```text
//! native: "*" | hex(SHA1(SHA1(password)))
//! sha2:   "$A$005$" | salt (20) | SHA-crypt over SHA-256, 5000 rounds, 43 characters
//! ```
//!
//! SHA-crypt: Drepper, *Unix crypt using SHA-256 and SHA-512*, 2008; MySQL differs by
//! a salt of 20 bytes.

use holdfast_io::rng::Rng;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::account::Plugin;
use super::proof::is_same;

/// The longest password, as MySQL's: SHA-crypt's cost grows with its square. [bytes]
const PASSWORD_MAX: usize = 256;
const SHA2_PREFIX: &str = "$A$005$";
const ROUNDS_PER_UNIT: usize = 1000;
/// More rounds than an auth string may ask for (in units of 1000).
const UNITS_MAX: usize = 100;
const SALT: usize = 20;

/// A salt of legal characters: 7 bits, neither zero nor `$`.
pub fn new_salt(rng: &dyn Rng) -> [u8; 20] {
    let mut salt = [0; SALT];
    rng.fill(&mut salt);
    salt.map(|byte| match byte & 0x7f {
        0 | b'$' => (byte & 0x7f) + 1,
        byte => byte,
    })
}

/// The stored form of a password; empty for the empty password. `salt` comes from
/// [`new_salt`] and is used by caching_sha2_password only. Takes milliseconds there.
pub fn hash_password(plugin: Plugin, password: &[u8], salt: &[u8; 20]) -> String {
    if password.is_empty() {
        return String::new();
    }
    match plugin {
        Plugin::Native => {
            let twice = Sha1::digest(Sha1::digest(password));
            format!("*{}", hex::encode_upper(twice))
        }
        Plugin::CachingSha2 => {
            let salt = salt.map(|byte| byte & 0x7f);
            let hash = sha_crypt(password, &salt, 5 * ROUNDS_PER_UNIT);
            let mut auth = String::from(SHA2_PREFIX);
            auth.extend(salt.iter().chain(&hash).map(|byte| char::from(*byte)));
            auth
        }
    }
}

/// True where `password` is the one whose stored form is `auth`, of caching_sha2_password.
pub(crate) fn is_password(password: &[u8], auth: &str) -> bool {
    let parse = || {
        let rest = auth.as_bytes().strip_prefix(b"$A$")?;
        let (units, rest) = rest.split_at_checked(3)?;
        let units = usize::from_str_radix(std::str::from_utf8(units).ok()?, 16).ok()?;
        let (salt, hash) = rest.strip_prefix(b"$")?.split_at_checked(SALT)?;
        (1..=UNITS_MAX).contains(&units).then_some((units * ROUNDS_PER_UNIT, salt, hash))
    };
    match parse() {
        Some((rounds, salt, hash)) if password.len() <= PASSWORD_MAX => {
            is_same(&sha_crypt(password, salt, rounds), hash)
        }
        _ => false,
    }
}

/// SHA256(SHA256(password)).
pub(crate) fn verifier(password: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(password)).into()
}

/// The stored form of a password that nobody knows.
pub(crate) fn decoy(rng: &dyn Rng) -> String {
    let (mut password, salt) = ([0; 32], new_salt(rng));
    rng.fill(&mut password);
    hash_password(Plugin::CachingSha2, &password, &salt)
}

fn sha_crypt(password: &[u8], salt: &[u8], rounds: usize) -> [u8; 43] {
    let both = Sha256::new().chain_update(password).chain_update(salt);
    let alternate: [u8; 32] = both.clone().chain_update(password).finalize().into();
    let mut hash = both;
    cycle(&alternate, password.len(), |part| hash.update(part));
    let mut length = password.len();
    while length > 0 {
        hash.update(if length & 1 == 1 { &alternate[..] } else { password });
        length >>= 1;
    }
    let mut state: [u8; 32] = hash.finalize().into();

    let mut hash = Sha256::new();
    (0..password.len()).for_each(|_| hash.update(password));
    let password = stretched(&hash.finalize().into(), password.len());
    let mut hash = Sha256::new();
    (0..16 + usize::from(state[0])).for_each(|_| hash.update(salt));
    let salt = stretched(&hash.finalize().into(), salt.len());

    for round in 0..rounds {
        let is_odd = round & 1 == 1;
        let mut hash = Sha256::new();
        hash.update(if is_odd { &password[..] } else { &state });
        if round % 3 != 0 {
            hash.update(&salt);
        }
        if round % 7 != 0 {
            hash.update(&password);
        }
        hash.update(if is_odd { &state } else { &password[..] });
        state = hash.finalize().into();
    }
    printed(&state)
}

/// `digest` over and over, `count` bytes of it.
fn cycle(digest: &[u8; 32], count: usize, mut with: impl FnMut(&[u8])) {
    let mut left = count;
    while left > 0 {
        let part = left.min(digest.len());
        with(&digest[..part]);
        left -= part;
    }
}

fn stretched(digest: &[u8; 32], count: usize) -> Vec<u8> {
    let mut all = Vec::with_capacity(count);
    cycle(digest, count, |part| all.extend_from_slice(part));
    all
}

/// Crypt's base 64, with its order of bytes.
fn printed(state: &[u8; 32]) -> [u8; 43] {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = [0; 43];
    let mut at = 0;
    let mut put = |group: u32, count: usize| {
        for place in 0..count {
            out[at] = ALPHABET[(group >> (6 * place)) as usize & 63];
            at += 1;
        }
    };
    let (mut a, mut b, mut c) = (0, 10, 20);
    for _ in 0..10 {
        let [x, y, z] = [a, b, c].map(|place: usize| u32::from(state[place]));
        put(x << 16 | y << 8 | z, 4);
        (a, b, c) = (c + 1, a + 1, b + 1);
    }
    put(u32::from(state[31]) << 8 | u32::from(state[30]), 3);
    out
}

#[cfg(test)]
mod tests {
    use holdfast_io::rng::SeededRng;

    use super::*;

    #[test]
    fn sha_crypt_is_drepper_s() {
        let check = |password: &str, salt: &str, rounds: usize, want: &str| {
            let got = sha_crypt(password.as_bytes(), salt.as_bytes(), rounds);
            assert_eq!(std::str::from_utf8(&got), Ok(want));
        };
        // From the specification's test vectors.
        let hello = "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
        check("Hello world!", "saltstring", 5000, hello);
    }

    #[test]
    fn a_stored_form_made_by_mysql_is_understood() {
        let stored = hex::decode(
            "24412430303524031A69251C34295C4B35167C7F1E5A7B63091349503974624D34504B5A4246793548\
             56336868686F52485A736E4A733368786E427575516C73446469496537",
        );
        let stored = String::from_utf8(stored.unwrap()).unwrap();
        assert!(is_password(b"foobar", &stored));
        assert!(!is_password(b"foobaz", &stored));
        assert!(!is_password(b"", &stored));
    }

    #[test]
    fn forms_made_here_are_understood_and_others_refused() {
        let salt = new_salt(&SeededRng::new(1));
        let stored = hash_password(Plugin::CachingSha2, b"pass", &salt);
        assert_eq!(stored.len(), 70);
        assert!(is_password(b"pass", &stored));
        assert!(!is_password(&[b'x'; PASSWORD_MAX + 1], &stored));
        for bad in ["", "$A$", "$A$005$short", "$A$fff$01234567890123456789x", "$A$\u{e9}05$"] {
            assert!(!is_password(b"pass", bad), "{bad}");
        }
        // SELECT PASSWORD('mypass') of MySQL 5.
        let native = hash_password(Plugin::Native, b"mypass", &salt);
        assert_eq!(native, "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4");
        assert_eq!(hash_password(Plugin::Native, b"", &salt), "");
    }

    #[test]
    fn salts_have_no_zero_and_no_dollar() {
        let rng = SeededRng::new(3);
        for _ in 0..1000 {
            let salt = new_salt(&rng);
            assert!(salt.iter().all(|byte| (1..128).contains(byte) && *byte != b'$'));
        }
    }
}
