//! Looks at every slot once a second, and brings back what can be brought back.
//!
//! ```text
//! online --directory gone or replaced, disk failed--> offline   (the drive notices by itself)
//! offline --let go--> missing --its drive stands there again--> open, healing
//!                            `--a vacant directory put there--> format, open, healing
//! ```
//!
//! - V1: it never makes a directory, and formats only what a person emptied or put there.
//! - V2: what stays wrong is said once, not every second.
//! - V3: a drive that fails again and again is tried less and less often.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use holdfast_api::meta::DriveRecord;
use holdfast_base::DriveNo;
use tokio::sync::watch;

use super::adopt::Fleet;
use super::look::{Looked, look};
use super::plan::Stands;
use crate::listen::Phase;

/// How often every slot is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// The longest pause between two attempts at a drive that keeps failing.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// A drive that stayed this long is trusted again.
const TRUSTED_AFTER: Duration = Duration::from_secs(600);

/// What is remembered between rounds.
#[derive(Default)]
struct Memory {
    /// V2.
    said: BTreeSet<String>,
    /// When each slot was last brought back, and how often in a row. (V3)
    tries: BTreeMap<DriveNo, (Duration, u32)>,
}

/// Runs until `phase` says that the server stops.
pub async fn supervise(fleet: Arc<Fleet>, mut phase: watch::Receiver<Phase>) {
    let clock = Arc::clone(&fleet.world().clock);
    let mut memory = Memory::default();
    loop {
        tokio::select! {
            biased;
            _ = phase.wait_for(|phase| *phase != Phase::Run) => return,
            () = clock.sleep(EVERY) => {}
        }
        round(&fleet, &mut memory).await;
    }
}

/// One look at all slots.
async fn round(fleet: &Fleet, memory: &mut Memory) {
    // Without metadata no drive can be registered; it is tried again.
    let Ok(slots) = fleet.slots().await else { return };
    let out = fleet.out(&slots);
    for slot in &out {
        fleet.let_go(slot.no).await;
    }
    let now = fleet.world().clock.monotonic();
    let due: Vec<DriveRecord> =
        out.into_iter().filter(|slot| memory.is_due(slot.no, now)).collect();
    if due.is_empty() {
        return;
    }
    let mut looked: Vec<Looked> = Vec::new();
    let mut wrong = BTreeSet::new();
    for path in fleet.places(&due, &slots) {
        let one = look(path, fleet.cluster(), fleet.backend()).await;
        match &one.found.stands {
            Stands::Ours { .. } | Stands::Vacant { .. } => looked.push(one),
            Stands::Absent => {}
            Stands::Wrong(why) | Stands::Unusable(why) | Stands::Broken(why) => {
                wrong.insert(format!("drive {}: {why}", one.found.path.display()));
            }
        }
    }
    if !looked.is_empty() {
        match fleet.bring_back(looked, &slots).await {
            Ok(back) => back.into_iter().for_each(|no| memory.tried(no, now)),
            Err(error) => {
                wrong.insert(error.to_string());
            }
        }
    }
    for line in wrong.difference(&memory.said) {
        tracing::warn!("not brought back: {line}");
    }
    memory.said = wrong;
}

impl Memory {
    /// V3: at once for the first time, then after 2, 4, 8 s and so on.
    fn is_due(&self, no: DriveNo, now: Duration) -> bool {
        let Some((last, count)) = self.tries.get(&no) else { return true };
        now >= *last + Duration::from_secs(1 << (*count).min(10)).min(PAUSE_MAX)
    }

    fn tried(&mut self, no: DriveNo, now: Duration) {
        let entry = self.tries.entry(no).or_insert((now, 0));
        let count = if now > entry.0 + TRUSTED_AFTER { 1 } else { entry.1 + 1 };
        *entry = (now, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_that_keeps_failing_is_tried_less_and_less() {
        let (mut memory, no) = (Memory::default(), DriveNo(1));
        let at = Duration::from_secs;
        assert!(memory.is_due(no, at(0)));
        memory.tried(no, at(10));
        assert!(!memory.is_due(no, at(11)) && memory.is_due(no, at(12)));
        memory.tried(no, at(12));
        assert!(!memory.is_due(no, at(15)) && memory.is_due(no, at(16)));
        (0..20).for_each(|_| memory.tried(no, at(16)));
        assert!(!memory.is_due(no, at(315)) && memory.is_due(no, at(316)), "V3: bounded");
        memory.tried(no, at(2000));
        assert!(memory.is_due(no, at(2002)), "trusted again after it stayed");
    }
}
