//! The specification: each output byte is a sum of products, as written in
//! `plan`, without its shortcuts.

use super::Slices;
use crate::codec::field::NIBBLES;
use crate::codec::plan::Plan;

pub fn run(plan: &Plan, slices: Slices<'_, '_>) {
    for (row, output) in slices.outputs.iter_mut().enumerate() {
        output.fill(0);
        for (input, &coefficient) in slices.inputs.iter().zip(plan.coefficients.row(row)) {
            let table = &NIBBLES[usize::from(coefficient)];
            for (sum, &byte) in output.iter_mut().zip(*input) {
                *sum ^= table[usize::from(byte & 15)] ^ table[16 + usize::from(byte >> 4)];
            }
        }
    }
}
