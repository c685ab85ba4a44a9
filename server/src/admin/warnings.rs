//! What a person should know first, in order of urgency.

use super::state::Facts;
use super::status::Status;

/// Free space below this share is worth a word. [percent]
const FREE_LOW_PERCENT: u64 = 10;

/// One line each; the most urgent first.
pub(super) fn of(status: &Status, facts: &Facts, trouble: &Option<String>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(trouble) = trouble {
        lines.push(format!("figures of the metadata are missing: {trouble}"));
    }
    drives(status, &mut lines);
    redundancy(status, facts, &mut lines);
    space(status, &mut lines);
    metadata(status, &mut lines);
    if let Some(cache) = &status.cache
        && let Some(why) = &cache.off
    {
        lines.push(format!("the cache of objects in {} is off: {why}", cache.path));
    }
    if !facts.tls && !facts.s3.ip().is_loopback() {
        lines.push("S3 is reached without TLS: what is sent can be read on the way".into());
    }
    if let Some(why) = &facts.io_fallback {
        lines.push(format!("disks are reached by threads, not io_uring: {why}"));
    }
    lines
}

fn drives(status: &Status, lines: &mut Vec<String>) {
    if status.store.full {
        lines.push("THE DRIVES ARE FULL: only reads and deletes are taken".into());
    } else if status.store.geometry_now.is_none() {
        lines.push("WRITES ARE REFUSED: too few drives take them".into());
    }
    for drive in &status.drives {
        let why = drive.why.as_deref().unwrap_or("no directory, or not mounted");
        match drive.state.as_str() {
            "missing" => lines.push(format!("drive {} ({}) is missing", drive.no, drive.path)),
            "offline" => {
                lines.push(format!("drive {} ({}) is offline: {why}", drive.no, drive.path));
            }
            _ => {}
        }
        if drive.errors > 0 && drive.state == "online" {
            let (no, path, errors) = (drive.no, &drive.path, drive.errors);
            lines.push(format!("drive {no} ({path}) has had {errors} errors since it was opened"));
        }
    }
}

fn redundancy(status: &Status, facts: &Facts, lines: &mut Vec<String>) {
    let now = &status.redundancy;
    let out = status.drives.iter().filter(|drive| drive.state != "online").count();
    if facts.parity == 0 {
        lines.push(format!("no redundancy ({}): a lost drive is lost data", status.store.geometry));
    } else if out > facts.parity {
        lines.push(format!(
            "{out} drives are out, the parity covers {}: some data cannot be read",
            facts.parity
        ));
    } else if now.survives_drives == 0 {
        lines.push("no further drive may be lost until the heal is done".into());
    }
    if now.devices == 1 && status.drives.len() > 1 {
        lines.push("all drives share one device: its loss is the loss of everything".into());
    } else if !now.survives_a_device && facts.parity > 0 && out == 0 && now.heal_queued == 0 {
        lines.push("a device carries more drives than the parity covers".into());
    }
    if now.heal_queued > 0 {
        lines.push(format!("{} blobs wait for a heal", now.heal_queued));
    }
}

fn space(status: &Status, lines: &mut Vec<String>) {
    for drive in status.drives.iter().filter(|drive| drive.total > 0) {
        let percent = drive.free.saturating_mul(100) / drive.total;
        if percent < FREE_LOW_PERCENT {
            lines.push(format!("drive {} ({}) has {percent} % free", drive.no, drive.path));
        }
    }
}

fn metadata(status: &Status, lines: &mut Vec<String>) {
    let Some(meta) = &status.meta else { return };
    if meta.leader.is_none() {
        lines.push("the metadata has no leader: nothing can be written".into());
    }
    let able = ["leader", "follower", "candidate", "learner"];
    for replica in meta.replicas.iter().filter(|one| !able.contains(&one.state.as_str())) {
        lines.push(format!("metadata replica at {} is out: {}", replica.path, replica.state));
    }
    for replica in meta.replicas.iter().filter(|one| one.role == "catching up") {
        lines.push(format!("metadata replica {} catches up and does not vote yet", replica.id));
    }
    if meta.replicas.len() == 1 && status.redundancy.devices > 1 {
        lines.push("one metadata replica only: give drives on three devices for three".into());
    }
}
