//! One contest: every code does the same work on stripes of the same shape.
//!
//! Each contender has its own memory, page-aligned, laid out as a stripe is:
//! data shards, parity shards, then what it writes. Before it is timed, what
//! it rebuilds is compared with what was lost.
//!
//! Not here: taking turns (`interleave`), which contests there are (`super`).

use holdfast_base::{CodecId, Geometry};
use holdfast_ec::codec::{Codec, Kernel};
use holdfast_io::rng::{Rng, SeededRng};

use super::BenchError;
#[cfg(feature = "isal")]
use super::isal;
use crate::interleave::Contender;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// All parity from all data.
    Encode,
    /// So many lost data shards from the rest and as much parity.
    Rebuild(usize),
}

/// On what.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Of the stripe.
    pub geometry: Geometry,
    /// Of one shard of it. [bytes]
    pub unit: usize,
    /// How many stripes take turns: one stays in the caches, many do not.
    pub stripes: usize,
}

/// Who does it.
enum Code {
    Ours(Codec),
    #[cfg(feature = "isal")]
    Isal {
        encode: isal::Map,
        work: isal::Map,
    },
    /// Copies the data: what a core can do to memory at all.
    Memcpy,
}

/// Stripes, one after the other.
struct Arena {
    bytes: Vec<u8>,
    start: usize,
    unit: usize,
    per_stripe: usize,
}

/// The shards that `work` reads and those that it makes.
struct Task {
    read: Vec<usize>,
    made: Vec<usize>,
}

/// The codes that compete everywhere.
pub fn contenders(shape: Shape, work: Work) -> Result<Vec<Contender<'static>>, BenchError> {
    let ours = |id| Codec::new(shape.geometry, id).map(Code::Ours);
    let mut all = vec![contender("gf8", ours(CodecId::Gf8)?, shape, work)?];
    #[cfg(feature = "isal")]
    {
        let (k, m) = (shape.geometry.k(), shape.geometry.m());
        let task = Task::of(shape.geometry, work);
        let encode = || isal::Map::encode(k, m);
        let work_map = match work {
            Work::Encode => encode(),
            Work::Rebuild(_) => isal::Map::rebuild((k, m), &task.read, &task.made),
        };
        let code = Code::Isal { encode: encode(), work: work_map };
        all.push(contender("ISA-L", code, shape, work)?);
    }
    all.push(contender("leopard", ours(CodecId::Leopard)?, shape, work)?);
    all.push(contender("memcpy", Code::Memcpy, shape, work)?);
    Ok(all)
}

/// `gf8` by each kernel that runs here.
pub fn kernels(shape: Shape, work: Work) -> Result<Vec<Contender<'static>>, BenchError> {
    let of = |&kernel: &Kernel| {
        let codec = Codec::on(kernel, shape.geometry, CodecId::Gf8)?;
        contender(kernel.name(), Code::Ours(codec), shape, work)
    };
    Kernel::all().iter().map(of).collect()
}

fn contender(
    name: &'static str,
    code: Code,
    shape: Shape,
    work: Work,
) -> Result<Contender<'static>, BenchError> {
    let task = Task::of(shape.geometry, work);
    let mut arena = Arena::filled(shape, &code)?;
    for stripe in 0..shape.stripes {
        code.run(&task, arena.stripe(stripe))?;
        code.check(&task, arena.stripe(stripe), name)?;
    }
    let mut stripe = 0;
    let run = move || {
        stripe = (stripe + 1) % shape.stripes;
        code.run(&task, arena.stripe(stripe)).expect("the same shape was accepted before");
    };
    let bytes = shape.geometry.k() * shape.unit;
    Ok(Contender { name, bytes, run: Box::new(run) })
}

impl Task {
    fn of(geometry: Geometry, work: Work) -> Self {
        let (k, m) = (geometry.k(), geometry.m());
        match work {
            Work::Encode => Self { read: (0..k).collect(), made: (k..k + m).collect() },
            Work::Rebuild(lost) => {
                // In the middle: the first data shard has coefficients of 1.
                let first = (k - lost) / 2;
                let made: Vec<usize> = (first..first + lost).collect();
                let read = (0..k + lost).filter(|shard| !made.contains(shard)).collect();
                Self { read, made }
            }
        }
    }
}

impl Code {
    /// Does the task on the stripe `units`.
    fn run(&self, task: &Task, units: Vec<&mut [u8]>) -> Result<(), BenchError> {
        match self {
            Self::Ours(codec) => {
                let shards = codec.geometry().shards();
                let (shards, mut out) = split(units, shards, task.made.len());
                if task.made[0] >= codec.geometry().k() {
                    codec.encode(&shards[..codec.geometry().k()], &mut out)?;
                } else {
                    let read: Vec<_> =
                        task.read.iter().map(|&shard| (shard, shards[shard])).collect();
                    codec.rebuild(&read, &task.made, &mut out)?;
                }
            }
            #[cfg(feature = "isal")]
            Self::Isal { work, .. } => {
                let shards = units.len() - spare(&task.read);
                let (shards, mut out) = split(units, shards, task.made.len());
                let read: Vec<_> = task.read.iter().map(|&shard| shards[shard]).collect();
                work.run(&read, &mut out);
            }
            Self::Memcpy => {
                let shards = units.len() - spare(&task.read);
                let (shards, mut out) = split(units, shards, task.read.len());
                for (out, &shard) in out.iter_mut().zip(&task.read) {
                    out.copy_from_slice(shards[shard]);
                }
            }
        }
        Ok(())
    }

    /// Fills the parity shards of a stripe.
    fn encode(&self, geometry: Geometry, units: Vec<&mut [u8]>) -> Result<(), BenchError> {
        let (data, mut parity) = split(units, geometry.k(), geometry.m());
        match self {
            Self::Ours(codec) => codec.encode(&data, &mut parity)?,
            #[cfg(feature = "isal")]
            Self::Isal { encode, .. } => encode.run(&data, &mut parity),
            Self::Memcpy => {}
        }
        Ok(())
    }

    /// What was made is what is stored.
    fn check(
        &self,
        task: &Task,
        units: Vec<&mut [u8]>,
        name: &'static str,
    ) -> Result<(), BenchError> {
        let made = match self {
            Self::Memcpy => &task.read,
            _ => &task.made,
        };
        let out = units.len() - spare(&task.read);
        let right = made.iter().enumerate().all(|(nth, &shard)| units[out + nth] == units[shard]);
        if right { Ok(()) } else { Err(BenchError::Wrong { name }) }
    }
}

/// Units of a stripe that are written: as many as are read, which is `k`.
fn spare(read: &[usize]) -> usize {
    read.len()
}

/// The first `inputs` units, and `outputs` of those behind them.
fn split(units: Vec<&mut [u8]>, inputs: usize, outputs: usize) -> (Vec<&[u8]>, Vec<&mut [u8]>) {
    let mut units = units.into_iter();
    let read = units.by_ref().take(inputs).map(|unit| &*unit).collect();
    (read, units.take(outputs).collect())
}

impl Arena {
    /// Random data and the parity that `code` makes of it.
    fn filled(shape: Shape, code: &Code) -> Result<Self, BenchError> {
        const PAGE: usize = 4096;
        let (k, per_stripe) = (shape.geometry.k(), shape.geometry.shards() + shape.geometry.k());
        let mut bytes = vec![0; shape.unit * per_stripe * shape.stripes + PAGE];
        let start = bytes.as_ptr().align_offset(PAGE);
        let rng = SeededRng::new(1);
        for stripe in bytes[start..].chunks_exact_mut(shape.unit * per_stripe) {
            rng.fill(&mut stripe[..shape.unit * k]);
        }
        let mut arena = Self { bytes, start, unit: shape.unit, per_stripe };
        for stripe in 0..shape.stripes {
            code.encode(shape.geometry, arena.stripe(stripe))?;
        }
        Ok(arena)
    }

    /// The units of one stripe: data, parity, and room for `k` more.
    fn stripe(&mut self, stripe: usize) -> Vec<&mut [u8]> {
        let bytes = self.unit * self.per_stripe;
        let stripe = &mut self.bytes[self.start + stripe * bytes..][..bytes];
        stripe.chunks_exact_mut(self.unit).collect()
    }
}
