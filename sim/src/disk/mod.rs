//! A disk in memory that does what disks do: forgets what was not synced,
//! tears, errs, rots, fills, stalls and vanishes, all from one seed.
//!
//! ```text
//! submit: draw faults, delays, crash phase        (at once, so that order = order of submission)
//!   |  delay
//! begin:  reads see it; a power cut may undo it   (crash "before" | "during")
//!   |  delay
//! finish: settled as the contract says, answered  (crash "after": done, but nobody is told)
//! ```
//!
//! Invariants
//! - M1: the same seed and the same submissions give the same behaviour, byte for byte.
//! - M2: a power cut or kill ends the *life* of every handle; old handles answer
//!   `Closed` and change nothing any more.
//! - M3: an operation that was submitted happens even if its future is dropped:
//!   a write that missed its deadline may land later.
//!
//! Not here: bytes (`image`), names and open files (`medium`), what goes wrong
//! when (`faults`).

mod blocking;
mod faults;
mod image;
mod ledger;
mod medium;
mod power;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_io::BoxFuture;
use holdfast_io::clock::Clock;
use holdfast_io::disk::{
    BlockingFile, Disk, DiskError, DiskErrorKind, Done, Drive, FileName, Op, OpKind, Request, Site,
};
use holdfast_io::rng::{Rng as _, SeededRng};
use tokio::sync::oneshot;

pub use faults::{Fault, Faults, Rule, When};
pub use image::SECTOR_BYTES;
pub use ledger::{Ledger, SiteCount};
pub use medium::Damage;
pub use power::Power;

use medium::{Begun, Medium, Strike};

type Outcome = Result<Done, DiskError>;

/// One life of a simulated disk. Make it inside a tokio runtime.
pub struct SimDisk {
    device: Arc<Device>,
    life: u64,
}

/// What outlives power cuts.
struct Device {
    name: String,
    /// Drawn from name and seed, so that it is the same in every run.
    id: u64,
    clock: Arc<dyn Clock>,
    power: Power,
    state: Mutex<State>,
}

/// Guarded by `Device::state`.
struct State {
    life: u64,
    medium: Medium,
    faults: Faults,
    ledger: Ledger,
    rng: SeededRng,
}

/// What was drawn for one operation.
struct Fate {
    faults: Vec<Fault>,
    crash: Option<Phase>,
    /// Before the first step, and between the first and the second.
    delays: [Delay; 2],
    site: Site,
}

/// A pause: so many turns of the scheduler, and so long.
#[derive(Clone, Copy)]
struct Delay {
    turns: u64,
    time: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    During,
    After,
}

impl SimDisk {
    /// An empty disk with a power supply of its own.
    pub fn new(name: &str, seed: u64, clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::powered(name, seed, clock, &Power::new())
    }

    /// An empty disk that loses power together with the others on `power`.
    pub fn powered(name: &str, seed: u64, clock: Arc<dyn Clock>, power: &Power) -> Arc<Self> {
        let state = State {
            life: 0,
            medium: Medium::new(name.to_owned()),
            faults: Faults::none(),
            ledger: Ledger::default(),
            rng: SeededRng::new(seed),
        };
        let power = power.clone();
        let id = name
            .bytes()
            .fold(seed, |id, byte| SeededRng::new(id.rotate_left(8) ^ u64::from(byte)).next_u64());
        let device = Device { name: name.to_owned(), id, clock, power, state: Mutex::new(state) };
        let device = Arc::new(device);
        device.power.connect(&device);
        Arc::new(Self { device, life: 0 })
    }

    /// Itself, to call.
    pub fn drive(self: &Arc<Self>) -> Drive {
        Drive::new(self.clone())
    }

    /// Replaces the plan of what goes wrong, from the next operation on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Sets the size of the disk. [bytes]
    pub fn set_capacity(&self, bytes: u64) {
        self.state().medium.capacity = bytes;
    }

    /// Cuts the power of this disk, unless this life has ended already, and
    /// returns the disk as it comes back: D2 says with what.
    pub fn crash(&self) -> Arc<Self> {
        self.device.cut(Some(self.life));
        self.reopened()
    }

    /// Ends the process: everything that was completed stays, synced or not.
    pub fn kill(&self) -> Arc<Self> {
        let mut state = self.state();
        if state.life == self.life {
            state.life += 1;
            state.medium.kill();
        }
        drop(state);
        self.reopened()
    }

    /// Whether this life has ended.
    pub fn is_off(&self) -> bool {
        self.state().life != self.life
    }

    /// The power supply.
    pub fn power(&self) -> &Power {
        &self.device.power
    }

    /// Damages the disk from outside, or repairs it ([`Damage::Sound`]). What
    /// was emptied or replaced does not come back.
    pub fn damage(&self, damage: Damage) {
        let mut state = self.state();
        if matches!(damage, Damage::Emptied | Damage::Replaced) {
            state.medium.empty();
        }
        state.medium.damage = damage;
    }

    /// Flips up to `bits` random bits that are stored somewhere. How many it found.
    pub fn rot(&self, bits: u64) -> u64 {
        let mut guard = self.state();
        let State { medium, rng, ledger, .. } = &mut *guard;
        let mut stored = Vec::new();
        for name in medium.names() {
            let blocks = medium.image(name).map(image::Image::stored_blocks).unwrap_or_default();
            stored.extend(blocks.into_iter().map(|block| (name.clone(), block)));
        }
        if stored.is_empty() {
            return 0;
        }
        for _ in 0..bits {
            let (name, block) = rng.pick(&stored);
            let (at, bit) = (block * BLOCK + rng.below(BLOCK), rng.below(8));
            if let Some(image) = medium.image_mut(name) {
                image.tamper(at, |byte| *byte ^= 1 << bit);
            }
        }
        *ledger.faults.entry(Fault::Flip).or_default() += bits;
        bits
    }

    /// Changes the byte at `at` of a stored file. False when there is none.
    pub fn tamper(&self, name: &FileName, at: u64, change: impl Fn(&mut u8)) -> bool {
        match self.state().medium.image_mut(name).filter(|image| at < image.len) {
            Some(image) => {
                image.tamper(at, change);
                true
            }
            None => false,
        }
    }

    /// What reads of a whole file would see, whatever is wrong with the disk.
    pub fn contents(&self, name: &FileName) -> Option<Vec<u8>> {
        let state = self.state();
        let image = state.medium.image(name)?;
        let mut bytes = vec![0; image.len as usize];
        image.read(0, &mut bytes);
        Some(bytes)
    }

    /// What happened so far, over all lives.
    pub fn ledger(&self) -> Ledger {
        self.state().ledger.clone()
    }

    fn reopened(&self) -> Arc<Self> {
        let life = self.state().life;
        Arc::new(Self { device: self.device.clone(), life })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.device.lock()
    }
}

const BLOCK: u64 = holdfast_base::limits::BLOCK_BYTES as u64;

impl Disk for SimDisk {
    fn submit(&self, request: Request) -> BoxFuture<'static, Outcome> {
        let Request { op, site } = request;
        let file = self.state().medium.file_of(&op).to_owned();
        let fate = match self.device.draw(self.life, op.kind(), &file, site) {
            Ok(fate) => fate,
            Err(refusal) => return Box::pin(std::future::ready(Err(refusal))),
        };
        let (answer, outcome) = oneshot::channel();
        let (device, life, doing) = (self.device.clone(), self.life, op.kind());
        let closed = self.device.closed(doing);
        tokio::spawn(async move {
            let done = device.perform(life, op, &file, &fate).await;
            let mut state = device.lock();
            if state.life != life && fate.crash.is_none() {
                // The power went while it was under way, by somebody else's doing.
                state.site(fate.site, |count| count.crashed += 1);
            }
            drop(state);
            let _ = answer.send(done);
        });
        Box::pin(async move { outcome.await.unwrap_or(Err(closed)) })
    }

    fn open_blocking(&self, name: &FileName) -> Result<Arc<dyn BlockingFile>, DiskError> {
        blocking::SimFile::open(self.device.clone(), self.life, name)
    }

    fn name(&self) -> &str {
        &self.device.name
    }

    fn backend(&self) -> &'static str {
        "simulated"
    }

    fn device(&self) -> u64 {
        self.device.id
    }
}

impl Device {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws what will happen to an operation; refuses those of an ended life.
    fn draw(&self, life: u64, kind: OpKind, file: &str, site: Site) -> Result<Fate, DiskError> {
        let powered = self.power.count(site);
        let mut guard = self.lock();
        let State { life: now, faults, ledger, rng, .. } = &mut *guard;
        if *now != life {
            return Err(self.closed(kind));
        }
        *ledger.ops.entry(kind).or_default() += 1;
        let mut struck = faults.strike(kind, (file, site), rng);
        let crash = powered || struck.contains(&Fault::Crash);
        struck.retain(|fault| *fault != Fault::Crash);
        let crash = crash.then(|| *rng.pick(&[Phase::Before, Phase::During, Phase::After]));
        let mut delays = [(); 2].map(|()| {
            let (shortest, longest) = faults.latency;
            let spread = longest.saturating_sub(shortest).as_micros() as u64;
            let time = (shortest + Duration::from_micros(rng.between(0, spread))) / 2;
            Delay { turns: rng.below(3), time }
        });
        if struck.contains(&Fault::Stall) {
            *ledger.faults.entry(Fault::Stall).or_default() += 1;
            delays[0].time += faults.stall;
        }
        ledger.sites.entry(site).or_default().seen += 1;
        Ok(Fate { faults: struck, crash, delays, site })
    }

    /// Lets an operation happen.
    async fn perform(&self, life: u64, op: Op, file: &str, fate: &Fate) -> Outcome {
        let doing = op.kind();
        self.pause(fate.delays[0]).await;
        self.crash_in(Phase::Before, life, fate);
        let begun = {
            let mut guard = self.living(life, doing)?;
            guard.begin(op, fate)
        };
        self.crash_in(Phase::During, life, fate);
        self.pause(fate.delays[1]).await;
        let done = {
            let mut guard = self.living(life, doing)?;
            let done = guard.medium.finish(begun);
            done.map_err(|refusal| guard.medium.error(doing, file, refusal))
        };
        self.crash_in(Phase::After, life, fate);
        drop(self.living(life, doing)?);
        done
    }

    async fn pause(&self, delay: Delay) {
        for _ in 0..delay.turns {
            tokio::task::yield_now().await;
        }
        if !delay.time.is_zero() {
            self.clock.sleep(delay.time).await;
        }
    }

    fn crash_in(&self, phase: Phase, life: u64, fate: &Fate) {
        if fate.crash == Some(phase) && self.lock().life == life {
            self.lock().site(fate.site, |count| count.crashed += 1);
            self.power.cut();
        }
    }

    /// The state, while `life` lasts.
    fn living(&self, life: u64, doing: OpKind) -> Result<MutexGuard<'_, State>, DiskError> {
        let guard = self.lock();
        if guard.life == life { Ok(guard) } else { Err(self.closed(doing)) }
    }

    /// The power of this disk goes; only if `life` still lasts, when given.
    fn cut(&self, life: Option<u64>) {
        let mut guard = self.lock();
        if life.is_some_and(|life| life != guard.life) {
            return;
        }
        let State { life, medium, faults, ledger, rng } = &mut *guard;
        *life += 1;
        let torn = medium.cut(rng, faults.torn_one_in);
        *ledger.faults.entry(Fault::Crash).or_default() += 1;
        if torn > 0 {
            *ledger.faults.entry(Fault::Torn).or_default() += torn;
        }
    }

    fn closed(&self, doing: OpKind) -> DiskError {
        DiskError {
            disk: self.name.clone(),
            file: String::new(),
            doing,
            kind: DiskErrorKind::Closed,
            source: std::io::Error::other("the power went, or the process ended"),
        }
    }
}

impl State {
    /// The first step of an operation; counts the faults that happened.
    fn begin(&mut self, op: Op, fate: &Fate) -> Begun {
        let mut strike = Strike { faults: &fate.faults, rng: &self.rng, happened: Vec::new() };
        let begun = self.medium.begin(op, &mut strike);
        let happened = strike.happened;
        if !happened.is_empty() || fate.faults.contains(&Fault::Stall) {
            self.site(fate.site, |count| count.failed += 1);
        }
        self.count(happened);
        begun
    }

    fn count(&mut self, happened: Vec<Fault>) {
        for fault in happened {
            *self.ledger.faults.entry(fault).or_default() += 1;
        }
    }

    /// One fault struck an operation of a file for blocking use.
    fn failed(&mut self, fate: &Fate, fault: Fault) {
        self.site(fate.site, |count| count.failed += 1);
        self.count(vec![fault]);
    }

    /// The caller at `site` was hit.
    fn site(&mut self, site: Site, hit: impl FnOnce(&mut SiteCount)) {
        hit(self.ledger.sites.entry(site).or_default());
    }
}
