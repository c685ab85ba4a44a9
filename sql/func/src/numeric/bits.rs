//! BIT_COUNT, CRC32.

use holdfast_value::Value;

use crate::function::{Function, Out, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("bit_count", 1, 1, infer::bigint, bit_count),
    pure!("crc32", 1, 1, infer::unsigned, crc32),
];

fn bit_count(x: &mut In<'_>) -> Out {
    let count = match x.value(0) {
        Value::Bytes(bytes) => bytes.iter().map(|byte| i64::from(byte.count_ones())).sum(),
        _ => i64::from(get!(x.uint(0)).count_ones()),
    };
    Ok(Value::Int(count))
}

fn crc32(x: &mut In<'_>) -> Out {
    Ok(Value::UInt(u64::from(crc32fast::hash(&get!(x.bytes(0))))))
}
