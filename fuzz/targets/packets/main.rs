//! A client that may send anything at any time, against the wire crate's connection.
//!
//! ```text
//! input = options (1) | step*         step = kind (1) | size (1) | bytes
//! ```
//!
//! - P1: no input makes the server panic, and its conversation ends when the client's does.
//! - P2: before the login succeeds a connection holds at most [`BEFORE_LOGIN_MAX`] bytes more
//!   than were held without it, whatever the client announces (W2, N1).
//! - P3: packets of the server are numbered without a gap (W4).
//!
//! Inputs with one script replay alike: clock and randomness are simulated.
//! Not here: what the server says to commands (`server`).

#![no_main]

mod client;
mod server;

use std::cell::{Cell, OnceCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use holdfast_io::rng::{Rng, SeededRng};
use holdfast_sim::clock::SimClock;
use holdfast_wire::{LoginKey, Plugin, WireConfig};
use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// A packet of 64 KiB, the buffer that it was read into (twice that while it grows), the
/// user's name with every byte replaced by three, attributes, and what the two ends of the
/// pipe and the tasks take. [bytes]
const BEFORE_LOGIN_MAX: usize = 640 << 10;

/// What the runs of this process sent.
static PACKETS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Held when the connection began.
    static BASE: Cell<usize> = const { Cell::new(0) };
    /// By the bits of the options that it is made from.
    static SHARED: [OnceCell<Arc<WireConfig>>; 4] = const { [const { OnceCell::new() }; 4] };
}

static KEY: LazyLock<LoginKey> = LazyLock::new(|| {
    LoginKey::from_pem(include_str!("../../../sql/wire/tests/data/rsa-key.pem")).expect("a key")
});

/// Randomness that begins anew with every input.
struct Again(Mutex<SeededRng>);

static RANDOM: LazyLock<Arc<Again>> =
    LazyLock::new(|| Arc::new(Again(Mutex::new(SeededRng::new(7)))));

impl Again {
    fn restart(&self) {
        *self.0.lock().expect("no panic is survived") = SeededRng::new(7);
    }
}

impl Rng for Again {
    fn next_u64(&self) -> u64 {
        self.0.lock().expect("no panic is survived").next_u64()
    }

    fn fill(&self, into: &mut [u8]) {
        self.0.lock().expect("no panic is survived").fill(into);
    }
}

/// A configuration costs thousands of hashes. Inputs that can prove a password, which it
/// would remember, have one of their own; the others share.
fn config(options: u8, script: &[u8]) -> Arc<WireConfig> {
    RANDOM.restart();
    let has = |text: &[u8]| script.windows(text.len()).any(|window| window == text);
    // In the clear, or encrypted: to 256 bytes.
    let can_prove = has(b"secret") || script.len() >= 400 && has(b"sha\0");
    if can_prove {
        return Arc::new(new_config(options));
    }
    SHARED.with(|shared| {
        let config =
            shared[usize::from(options >> 1 & 3)].get_or_init(|| Arc::new(new_config(options)));
        RANDOM.restart();
        Arc::clone(config)
    })
}

fn new_config(options: u8) -> WireConfig {
    let mut config = WireConfig::new(SimClock::new(), RANDOM.clone());
    config.key = KEY.clone();
    if options & 2 != 0 {
        config.plugin = Plugin::Native;
    }
    config.requires_tls = options & 4 != 0;
    RANDOM.restart();
    config
}

/// The login is over, or never will be (P2).
fn login_is_over() {
    let held = HEAP.peak_usage().saturating_sub(BASE.get());
    assert!(held <= BEFORE_LOGIN_MAX, "P2: {held} bytes held before a login");
}

fuzz_target!(|data: &[u8]| {
    let Some((&options, script)) = data.split_first() else { return };
    let steps = client::steps(script);
    holdfast_sim::run(async {
        server::accounts();
        let shared = config(options, script);
        let (here, there) = tokio::io::duplex(if options & 8 != 0 { 37 } else { 16 << 10 });
        BASE.set(HEAP.current_usage());
        HEAP.reset_peak_usage();
        let served = tokio::spawn(server::serve(Box::new(there), Arc::clone(&shared)));
        let sent = client::run(here, &steps, &shared.clock, options & 1 != 0).await;
        served.await.expect("P1: the server ends, without a panic");
        let before = PACKETS.fetch_add(sent, Ordering::Relaxed);
        if before / 100_000 != (before + sent) / 100_000 {
            eprintln!("PACKETS {}", before + sent);
        }
    });
});
