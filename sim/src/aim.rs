//! Aiming: the power goes at one line of the callers' source, at its n-th operation.
//!
//! Seeds alone strike what is asked often; a line that is passed once in a history is
//! struck only if somebody aims at it. What is set here holds for the thread, and every
//! power supply made from then on takes it over. Of several aims one waits for the other.
//!
//! Not here: which lines are worth it (`report`).

use std::cell::RefCell;

use holdfast_io::disk::Site;

/// A line, and at which of its operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    file: String,
    line: u32,
    /// Operations of the line that still pass before it is hit.
    pass: u64,
}

thread_local! {
    static NOW: RefCell<Vec<Aim>> = const { RefCell::new(Vec::new()) };
}

impl Aim {
    /// The operation of `site` after `pass` others of it.
    pub fn at(site: Site, pass: u64) -> Self {
        Self { file: site.file().to_owned(), line: site.line(), pass }
    }

    /// As they are printed: `file:line:pass`, with commas between.
    pub fn parse(text: &str) -> Option<Vec<Self>> {
        text.split(',').map(Self::parse_one).collect()
    }

    fn parse_one(text: &str) -> Option<Self> {
        let (rest, pass) = text.rsplit_once(':')?;
        let (file, line) = rest.rsplit_once(':')?;
        Some(Self { file: file.to_owned(), line: line.parse().ok()?, pass: pass.parse().ok()? })
    }

    /// Counts an operation of `site`; whether it is the one.
    pub fn is_hit(&mut self, site: Site) -> bool {
        if (site.file(), site.line()) != (self.file.as_str(), self.line) {
            return false;
        }
        let hit = self.pass == 0;
        self.pass = self.pass.saturating_sub(1);
        hit
    }
}

impl std::fmt::Display for Aim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.pass)
    }
}

/// What this thread aims at.
pub fn now() -> Vec<Aim> {
    NOW.with_borrow(Clone::clone)
}

/// Runs `history` with `aims`.
pub fn with<T>(aims: Vec<Aim>, history: impl FnOnce() -> T) -> T {
    let before = NOW.replace(aims);
    let ended = history();
    NOW.set(before);
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_hits_its_line_once_and_prints_as_it_is_read() {
        let site = std::panic::Location::caller();
        let mut aim = Aim::at(site, 2);
        assert_eq!(Aim::parse(&format!("{aim},{aim}")), Some(vec![aim.clone(), aim.clone()]));
        assert_eq!(Aim::parse("nowhere"), None);
        let other = std::panic::Location::caller();
        let hits = [site, other, site, site].map(|site| aim.is_hit(site));
        assert_eq!(hits, [false, false, false, true]);
    }
}
