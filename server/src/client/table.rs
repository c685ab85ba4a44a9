//! `holdfast admin status` for people: warnings, drives, redundancy, buckets, metadata.
//!
//! Pure: a status in, a text out.

use comfy_table::presets::NOTHING;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, TableComponent,
};
use holdfast_base::ByteCount;

use crate::admin::{DriveRow, Status};

/// Buckets shown; the largest first.
const BUCKETS_SHOWN: usize = 20;
/// Cells of a bar.
const BAR_CELLS: usize = 10;

/// The text, `width` columns wide if that is known.
pub(super) fn render(status: &Status, width: Option<u16>, colour: bool) -> String {
    let paint = Paint { colour };
    let mut text = String::new();
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    for warning in &status.warnings {
        say(&paint.warning(&format!("! {warning}")));
    }
    if !status.warnings.is_empty() {
        say("");
    }
    say(&format!(
        "Holdfast {}   up {}   cluster {}   S3 {}",
        status.version,
        since(status.uptime_s),
        &status.cluster.get(..8).unwrap_or(&status.cluster),
        status.endpoints.s3
    ));
    say("");
    say(&drives(status, width, &paint));
    say("");
    redundancy(status, &paint).iter().for_each(|line| say(line));
    say("");
    buckets(status, width).iter().for_each(|line| say(line));
    say("");
    metadata(status).iter().for_each(|line| say(line));
    database(status).iter().for_each(|line| say(line));
    cache(status).iter().for_each(|line| say(line));
    text.truncate(text.trim_end().len());
    text
}

/// `3 d 4 h`, `12 min`, `7 s`.
pub(super) fn since(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

struct Paint {
    colour: bool,
}

impl Paint {
    fn warning(&self, line: &str) -> String {
        if self.colour { format!("\u{1b}[1;33m{line}\u{1b}[0m") } else { line.to_owned() }
    }

    fn state(&self, state: &str) -> Cell {
        let cell = Cell::new(state);
        if !self.colour {
            return cell;
        }
        match state {
            "online" => cell.fg(Color::Green),
            "healing" => cell.fg(Color::Yellow),
            _ => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        }
    }
}

/// A table with a line under its header and no other.
pub(super) fn grid(width: Option<u16>, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(header.to_vec());
    table.set_style(TableComponent::HeaderLines, '─');
    table.set_style(TableComponent::MiddleHeaderIntersections, '─');
    match width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn drives(status: &Status, width: Option<u16>, paint: &Paint) -> String {
    let header = ["Slot", "State", "Shards", "Used", "Free", "File system", "Device", "Path"];
    let mut table = grid(width, &header);
    for drive in &status.drives {
        let there = drive.device.is_some();
        let size = |bytes: u64| if there { ByteCount(bytes).to_string() } else { "-".into() };
        table.add_row([
            right(drive.no),
            paint.state(&drive.state),
            right(if there { drive.shards.to_string() } else { "-".into() }),
            right(size(drive.used)),
            right(size(drive.free)),
            Cell::new(bar(drive)),
            Cell::new(drive.device.as_deref().unwrap_or("-")),
            Cell::new(&drive.path),
        ]);
    }
    table.to_string()
}

/// How full a drive's file system is.
fn bar(drive: &DriveRow) -> String {
    if drive.total == 0 {
        return "-".into();
    }
    let taken = drive.total.saturating_sub(drive.free);
    let percent = taken.saturating_mul(100) / drive.total;
    let cells = (percent as usize * BAR_CELLS).div_ceil(100).min(BAR_CELLS);
    format!("{}{} {percent:>3} %", "█".repeat(cells), "░".repeat(BAR_CELLS - cells))
}

fn redundancy(status: &Status, paint: &Paint) -> Vec<String> {
    let (store, now) = (&status.store, &status.redundancy);
    let geometry = match &store.geometry_now {
        Some(same) if *same == store.geometry => store.geometry.clone(),
        Some(other) => format!("{} (new objects now {other})", store.geometry),
        None => paint.warning(&format!("{} (writes are refused)", store.geometry)),
    };
    let drives = match now.survives_drives {
        0 => paint.warning("no further drive may be lost"),
        1 => "any 1 drive may be lost".into(),
        many => format!("any {many} drives may be lost"),
    };
    let device = match (now.survives_a_device, now.devices) {
        (_, 0) => "no device is there".into(),
        (true, devices) => format!("survives the loss of a device ({devices} devices)"),
        (false, 1) => "does not survive the loss of the one device".into(),
        (false, devices) => format!("does not survive the loss of a device ({devices} devices)"),
    };
    let complete = if now.shards_complete { "all shards complete" } else { "shards are missing" };
    let mut lines = vec![
        format!("Geometry     {geometry}"),
        format!("Redundancy   {complete}; {drives}; {device}"),
        heal(status),
        format!(
            "Since start  {} degraded reads, {} hedged; {} shards found bad, {} healed",
            store.degraded_reads, store.hedged_reads, store.shards_found_bad, store.shards_healed
        ),
    ];
    if store.under_redundant_puts > 0 {
        let puts = store.under_redundant_puts;
        lines.push(format!("             {puts} PUTs acknowledged with fewer shards than planned"));
    }
    lines
}

fn heal(status: &Status) -> String {
    let queued = status.redundancy.heal_queued;
    let waiting = if queued > 0 { format!("; {queued} blobs queued") } else { String::new() };
    match &status.store.heal {
        None if queued == 0 => "Heal         idle, nothing queued".into(),
        None => format!("Heal         idle{waiting}"),
        Some(heal) => {
            let left = heal.eta_s.map_or("unknown".into(), since);
            format!(
                "Heal         {} of {} blobs, {} written, time left {left}{waiting}",
                heal.done, heal.total, heal.bytes
            )
        }
    }
}

fn buckets(status: &Status, width: Option<u16>) -> Vec<String> {
    if status.usage.is_empty() {
        return vec!["No buckets".into()];
    }
    let mut usage: Vec<_> = status.usage.iter().collect();
    usage.sort_by(|a, b| (b.bytes, &a.bucket).cmp(&(a.bytes, &b.bucket)));
    let mut table = grid(width, &["Bucket", "Objects", "Size"]);
    for one in usage.iter().take(BUCKETS_SHOWN) {
        table.add_row([Cell::new(&one.bucket), right(one.objects), right(ByteCount(one.bytes))]);
    }
    let (objects, bytes) =
        usage.iter().fold((0, 0), |(o, b), one| (o + one.objects, b + one.bytes));
    if usage.len() > 1 {
        let all = format!("all {}", usage.len());
        table.add_row([Cell::new(all), right(objects), right(ByteCount(bytes))]);
    }
    vec![table.to_string()]
}

fn database(status: &Status) -> Vec<String> {
    let Some(database) = &status.database else { return Vec::new() };
    let txn = &database.txn;
    let mut lines = vec![
        format!(
            "Database     epoch {}, {} commits in {} appends, {} conflicts, {} deadlocks; {} locks of {} transactions, {} wait",
            txn.epoch,
            txn.commits,
            txn.appends,
            txn.conflicts,
            txn.deadlocks,
            txn.locks,
            txn.lockers,
            txn.waiting
        ),
        format!(
            "  tail of {} keys, {}; {} tables, {} sessions, {} statements",
            database.tail_keys,
            ByteCount(database.tail_bytes),
            database.tables,
            database.sessions,
            database.questions
        ),
    ];
    if let Some(meta) = &status.meta {
        let log = &meta.log;
        let store = &database.store;
        lines.push(format!(
            "  {} objects of {} tables and indexes, {} rows, {}; {} flushes, {} compactions, {} checkpoints, {} failures",
            store.objects,
            store.tables,
            store.rows,
            ByteCount(store.bytes),
            store.flushes,
            store.compactions,
            store.checkpoints,
            store.failures
        ));
        lines.push(format!(
            "  log {} of {}, {} not flushed yet",
            log.bytes,
            log.budget,
            ByteCount(database.unflushed_bytes)
        ));
    }
    lines.extend(database.stopped.iter().map(|why| format!("  STOPPED: {why}")));
    lines
}

fn cache(status: &Status) -> Vec<String> {
    let Some(cache) = &status.cache else { return Vec::new() };
    let size = |bytes: u64| ByteCount(bytes);
    let asked = (cache.hits + cache.misses).max(1);
    let mut lines = vec![
        format!(
            "Cache        {} of objects in {} of {}, {}",
            size(cache.held_bytes),
            size(cache.file_bytes),
            size(cache.limit_bytes),
            cache.path
        ),
        format!(
            "  {} % hits ({} of {}), {} given, {} fetched; {} dropped, {} evicted, {} corrupt, {} errors",
            cache.hits * 100 / asked,
            cache.hits,
            cache.hits + cache.misses,
            size(cache.hit_bytes),
            size(cache.fetched_bytes),
            cache.dropped,
            cache.evictions,
            cache.corrupt,
            cache.errors
        ),
    ];
    lines.extend(cache.off.iter().map(|why| format!("  OFF until the next start: {why}")));
    lines
}

fn metadata(status: &Status) -> Vec<String> {
    let Some(meta) = &status.meta else { return vec!["Metadata     does not answer".into()] };
    let leader = meta.leader.map_or("none".into(), |leader| leader.to_string());
    let mut lines = vec![format!(
        "Metadata     {} of {} replicas vote, leader {leader}, term {}, log position {}, garbage {} bodies",
        meta.replicas.iter().filter(|one| one.role == "voter").count(),
        meta.replicas.len(),
        meta.term,
        meta.applied.index,
        meta.garbage
    )];
    for one in &meta.replicas {
        let lag = one.lag.map_or("unknown".into(), |lag| lag.to_string());
        lines.push(format!(
            "  replica {}  {}, {}, lag {lag}, applied {} of {}, log {}, store {}, {}",
            one.id,
            one.role,
            one.state,
            one.applied,
            one.last,
            one.log_bytes,
            one.store_bytes,
            one.path
        ));
    }
    lines
}
