//! What to do with each drive directory: a pure decision, from what stands at
//! the paths, what the metadata has in its slots, and what this node remembers.
//!
//! ```text
//! path        slot of the path     ->
//! ours        any                     open it in the slot that its id has, wherever it is mounted
//! vacant      has a drive elsewhere   next free slot
//! vacant      its drive is nowhere    replaced: format, same slot, heal
//! vacant      .. and was a mount      missing: its file system is not mounted
//! absent      its drive is nowhere    missing; never made again by us
//! ```
//!
//! - P1: a directory is formatted only when it is vacant: the first start made it,
//!   or a person put it there. After the first start we make none.
//! - P2: no two directories serve as one drive, no directory serves twice.
//!
//! The same decision is taken at start and, for the slots that are out, while the
//! server runs (`supervisor`). Not here: doing it (`adopt`), looking (`look`).

use std::path::{Path, PathBuf};

use holdfast_api::meta::DriveRecord;
use holdfast_base::{DriveId, DriveNo};

use crate::start::data_dir::Cluster;

/// What stands at a path that was given as a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Nothing.
    Absent,
    /// An empty directory.
    Vacant {
        /// A file system begins there.
        mounted: bool,
    },
    /// A drive of this cluster.
    Ours {
        /// Its formatting.
        id: DriveId,
    },
    /// A person's mistake, whatever else is said: a file, a drive of another cluster.
    Wrong(String),
    /// Cannot be used as it is: read-only, not permitted.
    Unusable(String),
    /// Its device answers with errors.
    Broken(String),
}

/// A path and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The path, without links.
    pub path: PathBuf,
    /// `st_dev` and `st_ino`, where something stands.
    pub inode: Option<(u64, u64)>,
    /// What stands there.
    pub stands: Stands,
}

/// What is known besides.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The metadata's slots of this node.
    pub slots: &'a [DriveRecord],
    /// Those whose drives are open and online: nothing is planned for them.
    pub online: &'a [DriveNo],
    /// This node's memory.
    pub memory: &'a Cluster,
    /// Leave out what cannot be used instead of refusing.
    pub lenient: bool,
}

/// What to do with one path, or with one slot that has none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum Step {
    /// Open the drive that its slot expects.
    Open { no: DriveNo, id: DriveId, path: PathBuf },
    /// Format a vacant directory: a replaced drive in its slot, or a new one in the next.
    Format { no: Option<DriveNo>, path: PathBuf },
    /// The slot stays empty for now.
    Missing { no: DriveNo, id: DriveId, path: PathBuf, why: String },
}

/// One step per path and per slot without a path; or everything that is wrong.
///
/// # Errors
/// One line for each directory that cannot be used.
pub fn plan(found: &[Found], known: Known<'_>) -> Result<Vec<Step>, Vec<String>> {
    let mut wrong = twice(found);
    let mut steps = Vec::new();
    for one in found {
        match step(one, found, known) {
            Ok(Some(step)) => steps.push(step),
            Ok(None) => {}
            Err(why) => wrong.push(format!("drive {}: {why}", one.path.display())),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let out: Vec<&DriveRecord> =
        known.slots.iter().filter(|slot| !known.online.contains(&slot.no)).collect();
    settle_strangers(&mut steps, &out);
    for slot in out {
        if !steps.iter().any(|step| slot_of(step) == Some(slot.no)) {
            let why = "not among the --drive given".into();
            let (no, id, path) = (slot.no, slot.id, slot.path.clone().into());
            steps.push(Step::Missing { no, id, path, why });
        }
    }
    Ok(steps)
}

/// The slot that a step is about, if it is decided.
pub fn slot_of(step: &Step) -> Option<DriveNo> {
    match step {
        Step::Open { no, .. } | Step::Missing { no, .. } => Some(*no),
        Step::Format { no, .. } => *no,
    }
}

/// P2.
fn twice(found: &[Found]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, one) in found.iter().enumerate() {
        for other in &found[..at] {
            let (a, b) = (other.path.display(), one.path.display());
            if one.path == other.path || (one.inode.is_some() && one.inode == other.inode) {
                wrong.push(format!("drives {a} and {b} are the same directory"));
            } else if let (Stands::Ours { id }, Stands::Ours { id: theirs }) =
                (&one.stands, &other.stands)
                && id == theirs
            {
                wrong.push(format!("drives {a} and {b} are copies of one drive ({id})"));
            }
        }
    }
    wrong
}

fn step(one: &Found, all: &[Found], known: Known<'_>) -> Result<Option<Step>, String> {
    let path = one.path.clone();
    let slot = known.slots.iter().find(|slot| Path::new(&slot.path) == path);
    let slot = slot.filter(|slot| !known.online.contains(&slot.no));
    // A slot whose drive turned up at another path is taken care of there.
    let slot = slot.filter(|slot| !stands_somewhere(slot.id, all));
    let was_mount = known.memory.known(&path).is_some_and(|drive| drive.mounted);
    let missing = |why: String| {
        slot.map(|slot| Step::Missing { no: slot.no, id: slot.id, path: path.clone(), why })
    };
    match &one.stands {
        Stands::Ours { id } => ours(*id, path, known).map(Some),
        Stands::Vacant { mounted: false } if was_mount => {
            let why = "its file system is not mounted: the directory is empty".to_string();
            missing(why.clone()).map(Some).ok_or(why)
        }
        Stands::Vacant { .. } => Ok(Some(Step::Format { no: slot.map(|slot| slot.no), path })),
        Stands::Absent => match missing("no such directory".into()) {
            // Mounted elsewhere now, or a slip of the pen.
            None if known.slots.iter().any(|slot| Path::new(&slot.path) == path) => Ok(None),
            None => Err("no such directory; make it to add a drive".into()),
            step => Ok(step),
        },
        Stands::Broken(why) => missing(why.clone()).map(Some).ok_or(why.clone()),
        Stands::Unusable(why) if known.lenient => missing(why.clone()).map(Some).ok_or(why.clone()),
        Stands::Unusable(why) if slot.is_some() => {
            Err(format!("{why} (--degraded starts without it)"))
        }
        Stands::Unusable(why) | Stands::Wrong(why) => Err(why.clone()),
    }
}

fn ours(id: DriveId, path: PathBuf, known: Known<'_>) -> Result<Step, String> {
    match known.slots.iter().find(|slot| slot.id == id) {
        Some(its) if known.online.contains(&its.no) => {
            Err(format!("it is a copy of drive {}, which is in use", its.no))
        }
        Some(its) => Ok(Step::Open { no: its.no, id, path }),
        None => Err(format!(
            "drive {id} of this cluster was replaced by another one: empty the directory to use it anew"
        )),
    }
}

fn stands_somewhere(id: DriveId, all: &[Found]) -> bool {
    all.iter().any(|found| found.stands == Stands::Ours { id })
}

/// Vacant directories at new paths take the slots whose drives are nowhere, in order.
fn settle_strangers(steps: &mut [Step], slots: &[&DriveRecord]) {
    let taken: Vec<DriveNo> = steps.iter().filter_map(slot_of).collect();
    let mut free = slots.iter().map(|slot| slot.no).filter(|no| !taken.contains(no));
    for step in steps {
        if let Step::Format { no: no @ None, .. } = step {
            *no = free.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::start::data_dir::KnownDrive;
    use holdfast_base::{ClusterId, NodeId};

    const NODE: NodeId = NodeId([2; 16]);

    fn id(number: u8) -> DriveId {
        DriveId([number; 16])
    }

    fn found(path: &str, stands: Stands) -> Found {
        let inode = match stands {
            Stands::Absent => None,
            _ => Some((1, path.bytes().map(u64::from).sum())),
        };
        Found { path: path.into(), inode, stands }
    }

    fn slot(number: u8, path: &str) -> DriveRecord {
        let (no, id) = (DriveNo(number.into()), id(number));
        DriveRecord { no, id, node: NODE, path: path.into(), healing: false }
    }

    fn memory(drives: &[(&str, u8, bool)]) -> Cluster {
        let mut cluster = Cluster::new(ClusterId([1; 16]), NODE, "4+2".parse().unwrap());
        for (path, number, mounted) in drives {
            let path = PathBuf::from(path);
            cluster.drives.push(KnownDrive::new(path, id(*number), *mounted));
        }
        cluster
    }

    /// `open A 1`, `format B 2`, `format C new`, `missing D 3: why`: path and slot.
    fn show(step: &Step) -> String {
        let at = |no: &Option<DriveNo>| no.map_or("new".into(), |no| no.to_string());
        match step {
            Step::Open { no, path, .. } => format!("open {} {no}", path.display()),
            Step::Format { no, path } => format!("format {} {}", path.display(), at(no)),
            Step::Missing { no, path, why, .. } => {
                format!("missing {} {no}: {why}", path.display())
            }
        }
    }

    #[track_caller]
    fn check(why: &str, found: &[Found], slots: &[DriveRecord], memory: &Cluster, want: &[&str]) {
        let known = Known { slots, online: &[], memory, lenient: false };
        let got = match plan(found, known) {
            Ok(steps) => steps.iter().map(show).collect(),
            Err(wrong) => wrong,
        };
        assert_eq!(got, want, "{why}");
    }

    #[test]
    fn first_starts() {
        use Stands::{Ours, Vacant, Wrong};
        let fresh = memory(&[]);
        let vacant = || Vacant { mounted: false };
        let both = [found("/a", vacant()), found("/b", vacant())];
        check("first", &both, &[], &fresh, &["format /a new", "format /b new"]);
        let want = ["format /a 1", "format /b new"];
        check("cut off after one slot was taken", &both, &[slot(1, "/a")], &fresh, &want);
        let cut = [found("/a", Ours { id: id(1) }), found("/b", vacant())];
        let want = ["open /a 1", "format /b new"];
        check("cut off after one format", &cut, &[slot(1, "/a")], &fresh, &want);
        let foreign = [found("/a", Wrong("not empty".into())), found("/b", vacant())];
        check("foreign", &foreign, &[], &fresh, &["drive /a: not empty"]);
    }

    #[test]
    fn later_starts() {
        use Stands::{Absent, Broken, Ours, Unusable, Vacant};
        let slots = [slot(1, "/a"), slot(2, "/b")];
        let known = memory(&[("/a", 1, false), ("/b", 2, true)]);
        let a = || found("/a", Ours { id: id(1) });
        let b = || found("/b", Ours { id: id(2) });
        let check = |why: &str, found: &[Found], want: &[&str]| {
            check(why, found, &slots, &known, want);
        };
        check("as before", &[a(), b()], &["open /a 1", "open /b 2"]);
        check("other order", &[b(), a()], &["open /b 2", "open /a 1"]);
        let swapped = [found("/a", Ours { id: id(2) }), found("/b", Ours { id: id(1) })];
        check("swapped mounts", &swapped, &["open /a 2", "open /b 1"]);
        let gone = [a(), found("/b", Absent)];
        check("gone", &gone, &["open /a 1", "missing /b 2: no such directory"]);
        let unmounted = [a(), found("/b", Vacant { mounted: false })];
        let why = "missing /b 2: its file system is not mounted: the directory is empty";
        check("not mounted", &unmounted, &["open /a 1", why]);
        let mounted = [a(), found("/b", Vacant { mounted: true })];
        check("a new disk mounted", &mounted, &["open /a 1", "format /b 2"]);
        let emptied = [found("/a", Vacant { mounted: false }), b()];
        check("emptied", &emptied, &["format /a 1", "open /b 2"]);
        let elsewhere = [a(), found("/c", Vacant { mounted: true })];
        check("replaced elsewhere", &elsewhere, &["open /a 1", "format /c 2"]);
        check("one left out", &[a()], &["open /a 1", "missing /b 2: not among the --drive given"]);
        let added = [a(), b(), found("/c", Vacant { mounted: true })];
        check("added", &added, &["open /a 1", "open /b 2", "format /c new"]);
        let typo = [a(), b(), found("/x", Absent)];
        check("typo", &typo, &["drive /x: no such directory; make it to add a drive"]);
        let moved = [found("/c", Ours { id: id(2) }), a(), found("/b", Absent)];
        check("moved", &moved, &["open /c 2", "open /a 1"]);
        let dying = [a(), found("/b", Broken("input/output error".into()))];
        check("dying", &dying, &["open /a 1", "missing /b 2: input/output error"]);
        let denied = [a(), found("/b", Unusable("permission denied".into()))];
        let want = "drive /b: permission denied (--degraded starts without it)";
        check("denied", &denied, &[want]);
    }

    #[test]
    fn no_directory_serves_twice() {
        let slots = [slot(1, "/a"), slot(2, "/b")];
        let known = memory(&[("/a", 1, false), ("/b", 2, false)]);
        let ours = |path: &str, number| found(path, Stands::Ours { id: id(number) });
        let mut link = ours("/l", 1);
        link.inode = ours("/a", 1).inode;
        check(
            "P2: a link",
            &[ours("/a", 1), link, ours("/b", 2)],
            &slots,
            &known,
            &["drives /a and /l are the same directory"],
        );
        let want = format!("drives /a and /b are copies of one drive ({})", id(1));
        check("P2: a copy", &[ours("/a", 1), ours("/b", 1)], &slots, &known, &[&want]);
        let old = [ours("/a", 9), ours("/b", 2)];
        let want = format!(
            "drive /a: drive {} of this cluster was replaced by another one: \
             empty the directory to use it anew",
            id(9)
        );
        check("P1: replaced before", &old, &slots, &known, &[&want]);
    }

    #[test]
    fn nothing_is_planned_for_slots_that_are_online() {
        let slots = [slot(1, "/a"), slot(2, "/b")];
        let memory = memory(&[]);
        let online = [DriveNo(1)];
        let known = Known { slots: &slots, online: &online, memory: &memory, lenient: false };
        let shown = |found: &[Found]| -> Vec<String> {
            plan(found, known).map_or_else(|wrong| wrong, |steps| steps.iter().map(show).collect())
        };
        let vacant = || Stands::Vacant { mounted: false };
        let strangers = [found("/c", vacant()), found("/d", vacant())];
        assert_eq!(shown(&strangers), ["format /c 2", "format /d new"], "P2");
        let copy = [found("/c", Stands::Ours { id: id(1) })];
        assert_eq!(shown(&copy), ["drive /c: it is a copy of drive 1, which is in use"], "P2");
    }

    #[test]
    fn the_lenient_leave_out_what_cannot_be_used() {
        let slots = [slot(1, "/a")];
        let memory = memory(&[("/a", 1, false)]);
        let known = Known { slots: &slots, online: &[], memory: &memory, lenient: true };
        let denied = [found("/a", Stands::Unusable("permission denied".into()))];
        let steps = plan(&denied, known).unwrap();
        assert_eq!(steps.iter().map(show).collect::<Vec<_>>(), ["missing /a 1: permission denied"]);
        let wrong = [found("/a", Stands::Wrong("a file".into()))];
        assert!(plan(&wrong, known).is_err());
    }
}
