//! Root credentials: given by the environment, or generated once and kept.
//!
//! ```text
//! HOLDFAST_ROOT_USER + HOLDFAST_ROOT_PASSWORD  >  MINIO_ROOT_*  >  DIR/credentials  >  generated into it
//! ```
//!
//! - A1: a generated password is printed once, to a terminal only; whatever is
//!   not a terminal is told where the file is.
//! - A2: no listening address that others can reach goes with a weak password.
//! - A3: the secret is in no `Debug` output and no log.
//!
//! Not here: further S3 keys (`admin::keys`), how their secrets are kept (`vault`).

use std::fmt;
use std::path::{Path, PathBuf};

use holdfast_io::host;
use holdfast_io::rng::Rng;

use super::error::{StartError, plain};

/// The name of the file in the data directory.
pub const FILE: &str = "credentials";
/// The variables that carry the credentials, first choice first.
const VARIABLES: [(&str, &str); 2] =
    [("HOLDFAST_ROOT_USER", "HOLDFAST_ROOT_PASSWORD"), ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")];
const PASSWORD_CHARS_MIN: usize = 8;
/// On an address that others can reach.
const STRONG_CHARS_MIN: usize = 12;
const KNOWN_DEFAULTS: [&str; 8] =
    ["minioadmin", "password", "changeme", "holdfast", "admin", "secret", "root", "12345678"];

/// A text that must not be shown (A3).
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Who root is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id, and admin user.
    pub user: String,
    /// Secret key, and admin password.
    pub password: Secret,
}

/// Where the credentials came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The variable of this name.
    Environment(&'static str),
    /// The file, from an earlier start.
    File(PathBuf),
    /// Generated now, and written to the file.
    Generated(PathBuf),
}

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text; for whoever must compare or sign with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Root's credentials for the data directory `data`, generated if there are none.
///
/// # Errors
/// [`StartError::Credentials`] for half a pair or rules broken, `BadFile` for a file that
/// cannot be read or written.
pub fn find_or_generate(data: &Path, rng: &dyn Rng) -> Result<(Credentials, Origin), StartError> {
    if let Some(found) = from_environment(|name| std::env::var(name).ok())? {
        return Ok(found);
    }
    let path = data.join(FILE);
    match host::read_private(&path) {
        Ok(bytes) => Ok((parse(&path, &bytes)?, Origin::File(path))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let made = generate(rng);
            host::replace_private(&path, render(&made).as_bytes())
                .map_err(|error| StartError::BadFile { path: path.clone(), what: plain(&error) })?;
            Ok((made, Origin::Generated(path)))
        }
        Err(error) => Err(StartError::BadFile { path, what: plain(&error) }),
    }
}

/// Credentials for a client: from the environment, or from a credentials file.
///
/// # Errors
/// As [`find_or_generate`]; nothing is generated.
pub fn find(file: Option<&Path>) -> Result<Option<Credentials>, StartError> {
    if let Some((found, _)) = from_environment(|name| std::env::var(name).ok())? {
        return Ok(Some(found));
    }
    let Some(path) = file else { return Ok(None) };
    match host::read_private(path) {
        Ok(bytes) => Ok(Some(parse(path, &bytes)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StartError::BadFile { path: path.into(), what: plain(&error) }),
    }
}

/// A2: whether these may guard an address that others can reach.
///
/// # Errors
/// [`StartError::Credentials`].
pub fn check_exposed(
    credentials: &Credentials,
    flag: &'static str,
    address: std::net::SocketAddr,
) -> Result<(), StartError> {
    let password = credentials.password.expose();
    let lower = password.to_ascii_lowercase();
    let distinct = password.chars().collect::<std::collections::BTreeSet<_>>().len();
    let known = KNOWN_DEFAULTS.iter().any(|known| lower.starts_with(known) && lower.len() < 20);
    let named = lower.contains(&credentials.user.to_ascii_lowercase());
    if !address.ip().is_loopback()
        && (password.chars().count() < STRONG_CHARS_MIN || distinct < 6 || known || named)
    {
        return Err(StartError::Credentials(format!(
            "--{flag} {address} can be reached by others and the root password is weak: \
             use {STRONG_CHARS_MIN} characters or more that are no default and not the user name, \
             or listen on 127.0.0.1"
        )));
    }
    Ok(())
}

type Found = (Credentials, Origin);

fn from_environment(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Found>, StartError> {
    for (user_name, password_name) in VARIABLES {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        match (given(user_name), given(password_name)) {
            (None, None) => {}
            (Some(user), Some(password)) => {
                let pair = checked(user, password)
                    .map_err(|what| StartError::Credentials(format!("{user_name}: {what}")))?;
                return Ok(Some((pair, Origin::Environment(user_name))));
            }
            (Some(_), None) => return Err(half(user_name, password_name)),
            (None, Some(_)) => return Err(half(password_name, user_name)),
        }
    }
    Ok(None)
}

fn half(set: &str, unset: &str) -> StartError {
    StartError::Credentials(format!("{set} is set and {unset} is not: set both, or neither"))
}

/// The rules: a name that a signature scope can carry, a password of some length.
fn checked(user: String, password: String) -> Result<Credentials, String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-+@".contains(&b);
    if !(3..=128).contains(&user.len()) || !user.bytes().all(legal) {
        return Err("the root user is 3 to 128 letters, digits and . _ - + @".into());
    }
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > 512 {
        return Err(format!("the root password has at least {PASSWORD_CHARS_MIN} characters"));
    }
    if password.chars().any(char::is_control) {
        return Err("the root password has no control characters".into());
    }
    Ok(Credentials { user, password: Secret(password) })
}

fn generate(rng: &dyn Rng) -> Credentials {
    const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const ALL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    Credentials { user: draw(rng, UPPER, 20), password: Secret(draw(rng, ALL, 40)) }
}

/// A new pair for an access key: 20 and 40 characters.
pub fn generate_pair(rng: &dyn Rng) -> Credentials {
    generate(rng)
}

/// `count` characters, each equally likely: bytes beyond a multiple of the alphabet are drawn anew.
fn draw(rng: &dyn Rng, alphabet: &[u8], count: usize) -> String {
    let fair = 256 / alphabet.len() * alphabet.len();
    let mut text = String::with_capacity(count);
    let mut bytes = [0; 64];
    while text.len() < count {
        rng.fill(&mut bytes);
        let fair = bytes.iter().filter(|byte| usize::from(**byte) < fair);
        let drawn = fair.map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]));
        text.extend(drawn.take(count - text.len()));
    }
    text
}

fn render(credentials: &Credentials) -> String {
    format!(
        "# Root credentials of this Holdfast data directory: S3 access key and admin login.\n\
         # Generated on the first start; keep them private. The environment, where set, wins.\n\
         HOLDFAST_ROOT_USER={}\nHOLDFAST_ROOT_PASSWORD={}\n",
        credentials.user,
        credentials.password.expose()
    )
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Credentials, StartError> {
    let bad = |what: String| StartError::BadFile { path: path.into(), what };
    let text = std::str::from_utf8(bytes).map_err(|_| bad("not UTF-8".into()))?;
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        line.map(str::to_owned)
    };
    let (user, password) = VARIABLES[0];
    match (value(user), value(password)) {
        (Some(user), Some(password)) => checked(user, password).map_err(bad),
        _ => Err(bad(format!("lines {user}=... and {password}=... are wanted"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_io::rng::{SeededRng, SystemRng};

    fn environment(pairs: &[(&str, &str)]) -> Result<Option<Found>, StartError> {
        let value = |name: &str| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
        };
        from_environment(value)
    }

    #[test]
    fn the_environment_is_taken_in_order_and_never_by_halves() {
        let ours = ("HOLDFAST_ROOT_USER", "ours");
        let theirs = [("MINIO_ROOT_USER", "theirs"), ("MINIO_ROOT_PASSWORD", "12345678")];
        let found = environment(&theirs).unwrap().unwrap();
        assert_eq!(found.0.user, "theirs");
        let both = [ours, ("HOLDFAST_ROOT_PASSWORD", "87654321"), theirs[0], theirs[1]];
        assert_eq!(environment(&both).unwrap().unwrap().0.user, "ours");
        let said = environment(&[ours]).unwrap_err().to_string();
        assert!(said.contains("HOLDFAST_ROOT_PASSWORD is not"), "{said}");
        let short = [ours, ("HOLDFAST_ROOT_PASSWORD", "1234567")];
        let said = environment(&short).unwrap_err().to_string();
        assert!(said.contains("at least 8") && !said.contains("1234567"), "A3: {said}");
        assert_eq!(environment(&[]).unwrap(), None);
    }

    #[test]
    fn generated_once_then_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let rng = SystemRng;
        let path = dir.path().join(FILE);
        assert_eq!(find(Some(&path)).unwrap(), None);
        let made = generate(&rng);
        host::replace_private(&path, render(&made).as_bytes()).unwrap();
        assert_eq!(find(Some(&path)).unwrap(), Some(made.clone()));
        assert_eq!((made.user.len(), made.password.expose().len()), (20, 40));
        assert!(!format!("{made:?}").contains(made.password.expose()), "A3");
    }

    #[test]
    fn draws_are_fair() {
        let text = draw(&SeededRng::new(1), b"abc", 30_000);
        for letter in ['a', 'b', 'c'] {
            let share = text.chars().filter(|c| *c == letter).count();
            assert!((9_700..10_300).contains(&share), "{letter}: {share}");
        }
    }

    #[test]
    fn a_weak_password_guards_loopback_only() {
        let pair = |password: &str| checked("operator".into(), password.into()).unwrap();
        let everywhere = "0.0.0.0:9000".parse().unwrap();
        let here = "127.0.0.1:9000".parse().unwrap();
        for weak in ["minioadmin", "minioadmin12", "12345678", "aaaaaaaaaaaaaaaa", "x-operator-y1"]
        {
            assert!(check_exposed(&pair(weak), "s3", everywhere).is_err(), "A2: {weak}");
            assert!(check_exposed(&pair(weak), "s3", here).is_ok(), "{weak}");
        }
        assert!(check_exposed(&pair("tr0mbone-Canyon"), "s3", everywhere).is_ok());
    }
}
