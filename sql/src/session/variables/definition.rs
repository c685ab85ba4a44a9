//! What a system variable is: its name, what it may be, whose it is.
//!
//! - V1: [`super::table::TABLE`] is sorted by name, so that a look-up is a binary search.
//!
//! Not here: the variables themselves (`table`), how a value is checked (`check`).

/// A system variable.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name, lower case.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is at first.
    pub initial: Initial,
    /// Whose it is.
    pub scope: VariableScope,
    /// Whether SET may change it.
    pub access: Access,
    /// Whether changing it changes anything.
    pub weight: Weight,
}

/// What a variable may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// ON or OFF.
    Flag,
    /// A number without sign; what lies outside is clamped.
    Whole {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// A number with a sign.
    Signed {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// An approximate number.
    Real {
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// One of these, by name in any case or by position.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
    /// `sql_mode`.
    Mode,
    /// A character set.
    Charset,
    /// A collation.
    Collation,
    /// A time zone.
    Zone,
    /// `name=on,name=off`: what is not named stays.
    Switches,
}

/// A variable's first value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants are named for what they hold")]
pub enum Initial {
    Flag(bool),
    Whole(u64),
    Signed(i64),
    Real(f64),
    Text(&'static str),
    Null,
}

/// Whose a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableScope {
    /// The server has one, and each session its own.
    Both,
    /// The server's.
    Global,
    /// Each session's.
    Session,
}

/// Whether SET may change a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Yes.
    Free,
    /// No: 1238.
    ReadOnly,
    /// The global one only: 1621 for a session's.
    GlobalWrite,
    /// To what it is already; other values are MySQL's and not ours: 1235.
    Fixed,
}

/// Whether changing a variable changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It does.
    Real,
    /// It is kept and shown, nothing more.
    Shown,
}

impl Definition {
    const fn new(name: &'static str, kind: Kind, initial: Initial) -> Self {
        Self {
            name,
            kind,
            initial,
            scope: VariableScope::Both,
            access: Access::Free,
            weight: Weight::Shown,
        }
    }

    /// The server has one only.
    pub(super) const fn global(mut self) -> Self {
        self.scope = VariableScope::Global;
        self
    }

    /// Each session has its own, the server has none.
    pub(super) const fn session(mut self) -> Self {
        self.scope = VariableScope::Session;
        self
    }

    /// SET does not change it.
    pub(super) const fn read_only(mut self) -> Self {
        self.access = Access::ReadOnly;
        self
    }

    /// SET GLOBAL changes it.
    pub(super) const fn global_write(mut self) -> Self {
        self.access = Access::GlobalWrite;
        self
    }

    /// It stays what it is.
    pub(super) const fn fixed(mut self) -> Self {
        self.access = Access::Fixed;
        self
    }

    /// It means something here.
    pub(super) const fn real(mut self) -> Self {
        self.weight = Weight::Real;
        self
    }
}

pub(super) const fn flag(name: &'static str, initial: bool) -> Definition {
    Definition::new(name, Kind::Flag, Initial::Flag(initial))
}

pub(super) const fn whole(name: &'static str, initial: u64, min: u64, max: u64) -> Definition {
    Definition::new(name, Kind::Whole { min, max }, Initial::Whole(initial))
}

pub(super) const fn signed(name: &'static str, initial: i64, min: i64, max: i64) -> Definition {
    Definition::new(name, Kind::Signed { min, max }, Initial::Signed(initial))
}

pub(super) const fn real(name: &'static str, initial: f64, min: f64, max: f64) -> Definition {
    Definition::new(name, Kind::Real { min, max }, Initial::Real(initial))
}

pub(super) const fn text(name: &'static str, initial: &'static str) -> Definition {
    Definition::new(name, Kind::Text, Initial::Text(initial))
}

/// The first of the choices is the first value.
pub(super) const fn choice(name: &'static str, choices: &'static [&'static str]) -> Definition {
    Definition::new(name, Kind::Choice(choices), Initial::Text(choices[0]))
}

pub(super) const fn of_kind(name: &'static str, kind: Kind, initial: &'static str) -> Definition {
    Definition::new(name, kind, Initial::Text(initial))
}

/// The place of a variable in the table, by its name in lower case.
pub(super) fn find(name: &str) -> Option<usize> {
    super::table::TABLE.binary_search_by(|one| one.name.cmp(name)).ok()
}
