//! Models: the scalar kernel for the vector ones, the crate
//! `reed-solomon-erasure` for the arithmetic and the solving of losses, and
//! the data itself for every rebuild.

use holdfast_base::{CodecId, Geometry};
use holdfast_io::rng::{Rng, SeededRng};
use reed_solomon_erasure::galois_8::{ReedSolomon, mul_slice_xor};

use super::gf8::Gf8;
use super::kernel::{Kernel, Slices};
use super::matrix::Matrix;
use super::plan::Plan;
use super::{ALIGN_BYTES, Codec, ShapeError};

/// Seeds of a test; `SEED` alone where it is set, to replay a failure.
fn seeds(count: u64) -> std::ops::Range<u64> {
    match std::env::var("SEED") {
        Ok(seed) => {
            let seed: u64 = seed.parse().expect("SEED is a number");
            seed..seed + 1
        }
        Err(_) => 0..count,
    }
}

fn below(rng: &SeededRng, bound: usize) -> usize {
    rng.below(bound as u64) as usize
}

fn random_slices(rng: &SeededRng, count: usize, bytes: usize) -> Vec<Vec<u8>> {
    let slice = || {
        let mut slice = vec![0; bytes];
        rng.fill(&mut slice);
        slice
    };
    (0..count).map(|_| slice()).collect()
}

fn views(slices: &[Vec<u8>]) -> Vec<&[u8]> {
    slices.iter().map(Vec::as_slice).collect()
}

fn views_mut(slices: &mut [Vec<u8>]) -> Vec<&mut [u8]> {
    slices.iter_mut().map(Vec::as_mut_slice).collect()
}

fn shuffle<T>(rng: &SeededRng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last + 1));
    }
}

fn geometry(k: usize, m: usize) -> Geometry {
    Geometry::new(k, m).unwrap()
}

/// All shards of a stripe of random data.
fn stripe(rng: &SeededRng, codec: &Codec, bytes: usize) -> Vec<Vec<u8>> {
    let geometry = codec.geometry();
    let mut shards = random_slices(rng, geometry.shards(), bytes);
    let (data, parity) = shards.split_at_mut(geometry.k());
    codec.encode(&views(data), &mut views_mut(parity)).unwrap();
    shards
}

/// Rebuilds `missing` from `present` and compares with what was lost.
#[track_caller]
fn check_rebuild(codec: &Codec, shards: &[Vec<u8>], present: &[usize], missing: &[usize]) {
    let given: Vec<_> = present.iter().map(|&shard| (shard, shards[shard].as_slice())).collect();
    let mut out = vec![vec![0xee; shards[0].len()]; missing.len()];
    codec.rebuild(&given, missing, &mut views_mut(&mut out)).unwrap();
    for (shard, out) in missing.iter().zip(&out) {
        let geometry = codec.geometry();
        assert!(*out == shards[*shard], "C2: {geometry}, shard {shard} from {present:?}");
    }
}

/// Runs `plan` on slices that begin at odd addresses, between canaries.
fn run_unaligned(kernel: Kernel, plan: &Plan, inputs: &[Vec<u8>], shift: usize) -> Vec<Vec<u8>> {
    let bytes = inputs[0].len();
    let shifted: Vec<Vec<u8>> =
        inputs.iter().map(|slice| [&vec![7; shift], slice.as_slice()].concat()).collect();
    let inputs: Vec<&[u8]> = shifted.iter().map(|slice| &slice[shift..]).collect();
    let mut out = vec![vec![0xaa; shift + bytes + 64]; plan.coefficients.rows()];
    let mut outputs: Vec<&mut [u8]> =
        out.iter_mut().map(|slice| &mut slice[shift..shift + bytes]).collect();
    kernel.run(plan, Slices::new(&inputs, &mut outputs));
    for slice in &mut out {
        let tail = slice.split_off(shift + bytes);
        assert!(tail == [0xaa; 64] && slice.drain(..shift).all(|byte| byte == 0xaa), "in bounds");
    }
    out
}

#[test]
fn every_kernel_agrees_with_scalar() {
    let [scalar, others @ ..] = Kernel::all() else { panic!("scalar runs anywhere") };
    assert_eq!(scalar.name(), "scalar");
    for seed in seeds(600) {
        let rng = SeededRng::new(seed);
        let (rows, columns) = (1 + below(&rng, 9), 1 + below(&rng, 20));
        let (unit_row, unit_column) = (rng.one_in(2), rng.one_in(2));
        let coefficients = Matrix::from_fn(rows, columns, |row, column| match rng.below(8) {
            _ if unit_row && row == 0 || unit_column && column == 0 => 1,
            0 => 0,
            1 => 1,
            _ => rng.next_u64() as u8,
        });
        let plan = Plan::new(coefficients);
        let inputs = random_slices(&rng, columns, ALIGN_BYTES * (1 + below(&rng, 9)));
        let shift = below(&rng, 64);
        let want = run_unaligned(*scalar, &plan, &inputs, shift);
        for kernel in others {
            let got = run_unaligned(*kernel, &plan, &inputs, shift);
            assert!(got == want, "K1: seed {seed}, {}, {rows} x {columns}", kernel.name());
        }
    }
}

#[test]
fn c2_every_loss_of_up_to_sixteen_shards_is_mended_by_every_kernel() {
    let rng = SeededRng::new(1);
    let mut losses = 0;
    for &kernel in Kernel::all() {
        for shards in 1..=16usize {
            for m in 0..shards {
                let codec = Codec::on(kernel, geometry(shards - m, m), CodecId::Gf8).unwrap();
                let stripe = stripe(&rng, &codec, ALIGN_BYTES);
                for kept in
                    (0..1u32 << shards).filter(|set| set.count_ones() as usize == shards - m)
                {
                    let (present, missing): (Vec<_>, Vec<_>) =
                        (0..shards).partition(|shard| kept >> shard & 1 == 1);
                    check_rebuild(&codec, &stripe, &present, &missing);
                    losses += 1;
                }
            }
        }
    }
    // Choosing who is left, at least one: 2^n - 1 ways for each n.
    assert_eq!(losses, Kernel::all().len() * ((1 << 17) - 2 - 16));
}

#[test]
fn c2_any_part_of_a_random_loss_is_mended() {
    for seed in seeds(400) {
        let rng = SeededRng::new(seed);
        let shards = 2 + below(&rng, 31);
        let m = 1 + below(&rng, shards - 1);
        let kernel = *rng.pick(Kernel::all());
        let codec = Codec::on(kernel, geometry(shards - m, m), CodecId::Gf8).unwrap();
        let stripe = stripe(&rng, &codec, ALIGN_BYTES * (1 + below(&rng, 20)));
        for _ in 0..8 {
            check_random_loss(&rng, &codec, &stripe);
        }
    }
}

/// Some shards in any order, some of the others wanted.
#[track_caller]
fn check_random_loss(rng: &SeededRng, codec: &Codec, stripe: &[Vec<u8>]) {
    let geometry = codec.geometry();
    let mut order: Vec<usize> = (0..geometry.shards()).collect();
    shuffle(rng, &mut order);
    let (present, lost) = order.split_at(geometry.k() + below(rng, geometry.m() + 1));
    let wanted = &lost[..below(rng, lost.len() + 1)];
    check_rebuild(codec, stripe, present, wanted);
}

#[test]
fn c2_leopard_mends_random_losses_of_wide_sets() {
    for seed in seeds(12) {
        let rng = SeededRng::new(seed);
        let shards = if seed == 0 { 256 } else { 33 + below(&rng, 224) };
        let m = if seed == 1 { 0 } else { 1 + below(&rng, shards - 1) };
        let codec = Codec::new(geometry(shards - m, m), CodecId::Leopard).unwrap();
        let stripe = stripe(&rng, &codec, ALIGN_BYTES * (1 + below(&rng, 4)));
        for _ in 0..3 {
            check_random_loss(&rng, &codec, &stripe);
        }
    }
}

#[test]
fn parity_is_what_another_implementation_of_the_field_makes_of_our_matrix() {
    for seed in seeds(100) {
        let rng = SeededRng::new(seed);
        let (k, m) = (1 + below(&rng, 24), 1 + below(&rng, 8));
        let codec = Codec::new(geometry(k, m), CodecId::Gf8).unwrap();
        let shards = stripe(&rng, &codec, ALIGN_BYTES * (1 + below(&rng, 12)));
        let matrix = Matrix::parity(k, m);
        for row in 0..m {
            let mut want = vec![0; shards[0].len()];
            for (column, data) in shards[..k].iter().enumerate() {
                mul_slice_xor(matrix.at(row, column), data, &mut want);
            }
            assert!(want == shards[k + row], "seed {seed}, {k}+{m}, row {row}");
        }
    }
}

#[test]
fn with_its_matrix_we_make_and_mend_the_shards_of_another_implementation() {
    for seed in seeds(100) {
        let rng = SeededRng::new(seed);
        let (k, m) = (1 + below(&rng, 20), 1 + below(&rng, 8));
        let theirs = ReedSolomon::new(k, m).unwrap();
        let mut units: Vec<Vec<u8>> =
            (0..k + m).map(|shard| (0..k).map(|i| u8::from(i == shard)).collect()).collect();
        theirs.encode(&mut units).unwrap();
        let ours = Gf8::with_matrix(
            Matrix::from_fn(m, k, |row, column| units[k + row][column]),
            *rng.pick(Kernel::all()),
        );
        let mut shards = random_slices(&rng, k + m, ALIGN_BYTES * (1 + below(&rng, 12)));
        theirs.encode(&mut shards).unwrap();

        let mut parity = vec![vec![0; shards[0].len()]; m];
        ours.encode(&views(&shards[..k]), &mut views_mut(&mut parity));
        assert!(parity == shards[k..], "seed {seed}, {k}+{m}: encode");

        let mut order: Vec<usize> = (0..k + m).collect();
        shuffle(&rng, &mut order);
        let (present, missing) = order.split_at(k);
        let given: Vec<_> =
            present.iter().map(|&shard| (shard, shards[shard].as_slice())).collect();
        let mut out = vec![vec![0; shards[0].len()]; m];
        ours.rebuild(&given, missing, &mut views_mut(&mut out));
        for (shard, out) in missing.iter().zip(&out) {
            assert!(*out == shards[*shard], "seed {seed}, {k}+{m}, shard {shard} of {present:?}");
        }
    }
}

#[test]
fn c2_stored_parity_keeps_its_bytes() {
    let check = |geometry: &str, id, want: u32| {
        let codec = Codec::new(geometry.parse().unwrap(), id).unwrap();
        let shards = stripe(&SeededRng::new(42), &codec, 4096);
        let found = holdfast_base::checksum::crc32(&views(&shards));
        assert_eq!(found, want, "{geometry} {id:?}: {found:#010x}");
    };
    check("4+2", CodecId::Gf8, 0x3438_3f38);
    check("12+4", CodecId::Gf8, 0x83e1_29fc);
    check("20+12", CodecId::Gf8, 0x333c_387f);
    check("4+2", CodecId::Leopard, 0x44dd_84a0);
    check("40+8", CodecId::Leopard, 0xeefe_5643);
    check("100+156", CodecId::Leopard, 0x6cab_980a);
}

#[test]
fn a_wrong_shape_is_refused_and_nothing_written() {
    use ShapeError::{Count, Length, NoSuchShard, Ragged, TooFew, Twice};
    let g = geometry(2, 2);
    let (long, short) = (vec![1; 128], vec![1; 64]);
    let (long, short) = (long.as_slice(), short.as_slice());
    let check = |why: &str, present: &[(usize, &[u8])], missing: &[usize], out: &[usize], want| {
        for id in [CodecId::Gf8, CodecId::Leopard] {
            let codec = Codec::new(g, id).unwrap();
            let mut out: Vec<Vec<u8>> = out.iter().map(|&bytes| vec![9; bytes]).collect();
            let got = codec.rebuild(present, missing, &mut views_mut(&mut out));
            assert_eq!(got, Err::<(), _>(Clone::clone(&want)), "{why}, {id:?}");
            assert!(out.iter().flatten().all(|&byte| byte == 9), "C1: {why}, {id:?}");
        }
    };
    let two = [(0, long), (3, long)];
    check("one is too few", &two[..1], &[1], &[128], TooFew { geometry: g, have: 1 });
    check("none is too few", &[], &[], &[], TooFew { geometry: g, have: 0 });
    check("beyond", &[(0, long), (4, long)], &[1], &[128], NoSuchShard { geometry: g, shard: 4 });
    check("wanted beyond", &two, &[9], &[128], NoSuchShard { geometry: g, shard: 9 });
    check("present twice", &[(3, long), (3, long)], &[1], &[128], Twice { shard: 3 });
    check("wanted twice", &two, &[1, 1], &[128, 128], Twice { shard: 1 });
    check("wanted and present", &two, &[0], &[128], Twice { shard: 0 });
    check("no out", &two, &[1], &[], Count { what: "out", have: 0, want: 1 });
    let lengths = |what| Length { what, have: 64, want: 128 };
    check("short present", &[(0, long), (3, short)], &[1], &[128], lengths("present"));
    check("short out", &two, &[1, 2], &[128, 64], lengths("out"));
    let ragged = [(0, &long[..100]), (1, &long[..100])];
    check("ragged", &ragged, &[2], &[100], Ragged { bytes: 100 });

    let check = |why: &str, data: &[&[u8]], parity: &[usize], want| {
        let codec = Codec::new(g, CodecId::Gf8).unwrap();
        let mut parity: Vec<Vec<u8>> = parity.iter().map(|&bytes| vec![9; bytes]).collect();
        let got = codec.encode(data, &mut views_mut(&mut parity));
        assert_eq!(got, Err::<(), _>(want), "{why}");
        assert!(parity.iter().flatten().all(|&byte| byte == 9), "C1: {why}");
    };
    check("no data", &[], &[128; 2], Count { what: "data", have: 0, want: 2 });
    check("more data", &[long; 3], &[128; 2], Count { what: "data", have: 3, want: 2 });
    check("less parity", &[long; 2], &[128], Count { what: "parity", have: 1, want: 2 });
    check("short data", &[long, short], &[128; 2], lengths("data"));
    check("short parity", &[long; 2], &[128, 64], lengths("parity"));
    check("ragged data", &[&long[..100]; 2], &[100; 2], Ragged { bytes: 100 });
}

#[test]
fn a_set_too_wide_for_the_codec_is_refused() {
    let too_wide = Codec::new(geometry(30, 3), CodecId::Gf8).map(|codec| codec.geometry());
    let want = ShapeError::TooWide { geometry: geometry(30, 3), codec: CodecId::Gf8, most: 32 };
    assert_eq!(too_wide, Err(want));
    assert!(Codec::new(geometry(28, 4), CodecId::Gf8).is_ok());
    assert!(Codec::new(geometry(200, 56), CodecId::Leopard).is_ok());
}

#[test]
fn nothing_is_a_stripe_too() {
    for id in [CodecId::Gf8, CodecId::Leopard] {
        let codec = Codec::new(geometry(2, 1), id).unwrap();
        codec.encode(&[&[], &[]], &mut [&mut []]).unwrap();
        codec.rebuild(&[(0, &[]), (1, &[])], &[2], &mut [&mut []]).unwrap();
    }
}
