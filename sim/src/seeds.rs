//! Which seeds to try, and a runtime to try them on.

/// `$SEED` alone when it is set, so that a failure is replayed by one
/// variable; else `$SEEDS` seeds, or `n`, from `$SEED_FROM` on, or from 0.
///
/// # Panics
/// If a variable is set to something that is not a number.
pub fn seeds(n: u64) -> impl Iterator<Item = u64> {
    if let Some(seed) = variable("SEED") {
        return seed..seed.saturating_add(1);
    }
    let from = variable("SEED_FROM").unwrap_or(0);
    from..from.saturating_add(variable("SEEDS").unwrap_or(n))
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
