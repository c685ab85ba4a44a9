//! Character sets and collations by name.
//!
//! Texts are UTF-8 throughout. Sets that are parts of it, and `binary`, are taken
//! from a client; others would need a conversion that is not made, and are refused.
//! A collation that MySQL has and Holdfast does not is taken where it means the same
//! as one of ours.

use holdfast_value::Collation;

use crate::error::{Result, SqlError};

/// A character set, as SHOW CHARACTER SET has it.
#[derive(Clone, Copy, Debug)]
pub struct Charset {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Its collation where none is named.
    pub collation: &'static str,
    /// The longest character. [bytes]
    pub bytes_max: u32,
}

/// A collation, as SHOW COLLATION has it.
#[derive(Clone, Copy, Debug)]
pub struct CollationInfo {
    /// Its name.
    pub name: &'static str,
    /// Its character set.
    pub charset: &'static str,
    /// MySQL's number of it.
    pub id: u16,
    /// The one where none is named.
    pub is_default: bool,
    /// MySQL's measure of what sorting by it costs.
    pub sort_length: u32,
    /// Spaces at the end of a text count.
    pub no_pad: bool,
    /// Which of ours it is.
    pub means: Collation,
}

/// All that a client may name.
pub static CHARSETS: [Charset; 4] = [
    charset("ascii", "US ASCII", "ascii_general_ci", 1),
    charset("binary", "Binary pseudo charset", "binary", 1),
    charset("utf8mb3", "UTF-8 Unicode", "utf8mb3_general_ci", 3),
    charset("utf8mb4", "UTF-8 Unicode", "utf8mb4_0900_ai_ci", 4),
];

/// All that a client may name, by name.
pub static COLLATIONS: [CollationInfo; 12] = [
    collation("ascii_bin", 65, (1, false), Collation::Bin),
    collation("ascii_general_ci", 11, (1, false), Collation::GeneralCi).first(),
    collation("binary", 63, (1, true), Collation::Binary).first(),
    collation("utf8mb3_bin", 83, (1, false), Collation::Bin),
    collation("utf8mb3_general_ci", 33, (1, false), Collation::GeneralCi).first(),
    collation("utf8mb3_unicode_ci", 192, (8, false), Collation::Uca0900AiCi),
    collation("utf8mb4_0900_ai_ci", 255, (0, true), Collation::Uca0900AiCi).first(),
    collation("utf8mb4_0900_bin", 309, (1, true), Collation::Bin),
    collation("utf8mb4_bin", 46, (1, false), Collation::Bin),
    collation("utf8mb4_general_ci", 45, (1, false), Collation::GeneralCi),
    collation("utf8mb4_unicode_520_ci", 246, (8, false), Collation::Uca0900AiCi),
    collation("utf8mb4_unicode_ci", 224, (8, false), Collation::Uca0900AiCi),
];

const fn charset(
    name: &'static str,
    description: &'static str,
    collation: &'static str,
    bytes_max: u32,
) -> Charset {
    Charset { name, description, collation, bytes_max }
}

const fn collation(
    name: &'static str,
    id: u16,
    (sort_length, no_pad): (u32, bool),
    means: Collation,
) -> CollationInfo {
    let charset = match name.as_bytes()[0] {
        b'a' => "ascii",
        b'b' => "binary",
        _ if name.as_bytes()[6] == b'3' => "utf8mb3",
        _ => "utf8mb4",
    };
    CollationInfo { name, charset, id, is_default: false, sort_length, no_pad, means }
}

impl CollationInfo {
    const fn first(mut self) -> Self {
        self.is_default = true;
        self
    }
}

/// A character set by name: `utf8` is `utf8mb3`.
///
/// # Errors
/// 1115.
pub fn charset_named(name: &str) -> Result<&'static Charset> {
    let wanted = if name.eq_ignore_ascii_case("utf8") { "utf8mb3" } else { name };
    let found = CHARSETS.iter().find(|one| one.name.eq_ignore_ascii_case(wanted));
    found.ok_or_else(|| SqlError::new(1115, format!("Unknown character set: '{name}'")))
}

/// A collation by name: `utf8_` is `utf8mb3_`.
///
/// # Errors
/// 1273.
pub fn collation_named(name: &str) -> Result<&'static CollationInfo> {
    let lower = name.to_ascii_lowercase();
    let wanted = match lower.strip_prefix("utf8_") {
        Some(rest) => format!("utf8mb3_{rest}"),
        None => lower,
    };
    let found = COLLATIONS.iter().find(|one| one.name == wanted);
    found.ok_or_else(|| SqlError::new(1273, format!("Unknown collation: '{name}'")))
}

/// A collation by MySQL's number of it.
pub fn collation_numbered(id: u16) -> Option<&'static CollationInfo> {
    COLLATIONS.iter().find(|one| one.id == id)
}

/// The name of one of our collations.
pub fn name_of(collation: Collation) -> &'static str {
    holdfast_value::collate::name(collation)
}

/// The character set of one of our collations.
pub fn charset_of(collation: Collation) -> &'static str {
    match collation {
        Collation::Binary => "binary",
        Collation::Bin | Collation::GeneralCi | Collation::Uca0900AiCi => "utf8mb4",
    }
}
