//! Which functions there are, by name.

use std::sync::OnceLock;

use crate::function::Function;
use crate::{control, digest, inet, json, numeric, ops, regexp, string, temporal};

const AREAS: &[&[Function]] = &[
    control::FUNCTIONS,
    ops::arithmetic::FUNCTIONS,
    ops::convert::FUNCTIONS,
    ops::logic::FUNCTIONS,
    ops::pattern::FUNCTIONS,
    ops::relation::FUNCTIONS,
    string::code::FUNCTIONS,
    string::cut::FUNCTIONS,
    string::find::FUNCTIONS,
    string::join::FUNCTIONS,
    string::letter::FUNCTIONS,
    string::list::FUNCTIONS,
    string::number::FUNCTIONS,
    regexp::FUNCTIONS,
    numeric::bits::FUNCTIONS,
    numeric::math::FUNCTIONS,
    numeric::random::FUNCTIONS,
    numeric::round::FUNCTIONS,
    temporal::now::FUNCTIONS,
    temporal::parts::FUNCTIONS,
    temporal::make::FUNCTIONS,
    temporal::pattern::FUNCTIONS,
    temporal::interval::FUNCTIONS,
    temporal::difference::FUNCTIONS,
    temporal::unix::FUNCTIONS,
    json::read::FUNCTIONS,
    json::make::FUNCTIONS,
    json::change::FUNCTIONS,
    json::search::FUNCTIONS,
    digest::FUNCTIONS,
    inet::FUNCTIONS,
];

/// Second names.
const ALIASES: &[(&str, &str)] = &[
    ("!", "not"),
    ("!=", "<>"),
    ("&&", "and"),
    ("||", "or"),
    ("->", "json_extract"),
    ("atan2", "atan"),
    ("ceil", "ceiling"),
    ("character_length", "char_length"),
    ("current_date", "curdate"),
    ("current_time", "curtime"),
    ("current_timestamp", "now"),
    ("day", "dayofmonth"),
    ("lcase", "lower"),
    ("localtime", "now"),
    ("localtimestamp", "now"),
    ("mid", "substring"),
    ("mod", "%"),
    ("octet_length", "length"),
    ("is_unknown", "is_null"),
    ("position", "locate"),
    ("power", "pow"),
    ("rlike", "regexp"),
    ("not_rlike", "not_regexp"),
    ("sha", "sha1"),
    ("substr", "substring"),
    ("ucase", "upper"),
];

/// The longest name.
const NAME_MAX: usize = 40;

fn table() -> &'static [(&'static str, &'static Function)] {
    static TABLE: OnceLock<Vec<(&'static str, &'static Function)>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let own = AREAS.iter().flat_map(|area| area.iter()).map(|one| (one.name, one));
        let mut all: Vec<_> = own.collect();
        for (alias, name) in ALIASES {
            let of = all.iter().find(|(other, _)| other == name).map(|(_, one)| *one);
            all.extend(of.map(|one| (*alias, one)));
        }
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    })
}

/// The function of this name, in whatever case.
pub fn lookup(name: &str) -> Option<&'static Function> {
    let mut lower = [0; NAME_MAX];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    let table = table();
    let at = table.binary_search_by(|(other, _)| other.as_bytes().cmp(lower)).ok()?;
    Some(table[at].1)
}

/// All functions, sorted by name, second names included.
pub fn names() -> impl Iterator<Item = (&'static str, &'static Function)> {
    table().iter().copied()
}
