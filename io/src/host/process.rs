//! What this process takes of the machine, from `/proc/self`.

use std::time::Duration;

/// A process's figures; 0 where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessFigures {
    /// Memory that is resident. [bytes]
    pub resident_bytes: u64,
    /// The most that ever was. [bytes]
    pub resident_bytes_max: u64,
    /// Processor time, user and system.
    pub cpu: Duration,
    /// Open descriptors.
    pub open_fds: u64,
    /// How many may be open.
    pub max_fds: u64,
    /// Threads.
    pub threads: u64,
}

/// This process, now.
pub fn process_figures() -> ProcessFigures {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = |name: &str| number_after(&status, name) * 1024;
    let open_fds = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    ProcessFigures {
        resident_bytes: kib("VmRSS:"),
        resident_bytes_max: kib("VmHWM:"),
        cpu: Duration::new(used.tv_sec as u64, used.tv_nsec as u32),
        open_fds,
        max_fds: limit.unwrap_or(u64::MAX),
        threads: number_after(&status, "Threads:"),
    }
}

/// Processors that this process may use.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// From now on this thread gives way to the others of the machine: where all processors
/// are wanted it gets about a third of what they get.
pub fn give_way() {
    const LEVELS: i32 = 5;
    // Without it everything works, and small work waits for large.
    let _ = rustix::process::nice(LEVELS);
}

/// The machine's memory, or what a container has of it. [bytes]
pub fn memory_bytes() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let all = number_after(&info, "MemTotal:") * 1024;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse().ok()).unwrap_or(u64::MAX);
    Some(all.min(limit)).filter(|bytes| *bytes > 0)
}

fn number_after(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_figures() {
        let figures = process_figures();
        assert!(figures.resident_bytes > 1 << 20 && figures.threads >= 1);
        assert!(figures.open_fds > 0 && figures.open_fds <= figures.max_fds);
    }
}
