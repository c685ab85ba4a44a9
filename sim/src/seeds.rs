//! Which seeds to try, and a runtime to try them on.

/// `$SEED` alone when it is set, so that a failure is replayed by one
/// variable; else `0..n`, or `0..$SEEDS`.
///
/// # Panics
/// If a variable is set to something that is not a number.
pub fn seeds(n: u64) -> impl Iterator<Item = u64> {
    match (variable("SEED"), variable("SEEDS")) {
        (Some(seed), _) => seed..seed.saturating_add(1),
        (None, Some(n)) => 0..n,
        (None, None) => 0..n,
    }
}

/// Runs `work` to its end on a current-thread runtime whose time is paused: it
/// jumps ahead when everybody waits.
///
/// # Panics
/// If the runtime cannot be made.
pub fn run<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O needs nothing from the system").block_on(work)
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => panic!("{name} is {text:?}, not a number"),
    }
}
