//! A linear map over slices, prepared for the kernels: which products to
//! make, and which of them an XOR can save.
//!
//! ```text
//! out[row] = coefficient[row][0] * in[0] + ... + coefficient[row][columns-1] * in[columns-1]
//! ```
//!
//! Invariants
//! - L1: every shortcut gives the bytes of the formula above; the scalar
//!   kernel computes the formula and nothing else.
//!
//! Not here: where coefficients come from (`matrix`), how slices are
//! multiplied (`kernel`).

use super::field::{NIBBLES, Nibbles};
use super::matrix::Matrix;

/// The most rows that a kernel computes in one pass over its inputs: two
/// vectors of each row are kept in registers.
pub const ROWS_PER_PASS: usize = 4;

/// Coefficients, cut into passes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The formula.
    pub coefficients: Matrix,
    /// How to compute it.
    pub passes: Vec<Pass>,
}

/// Up to [`ROWS_PER_PASS`] consecutive rows.
#[derive(Clone, Debug)]
pub struct Pass {
    /// The first row.
    pub from: usize,
    /// How many.
    pub rows: usize,
    /// How the first of them is made; the rest are products.
    pub first: FirstRow,
    /// Whether every product in column 0 is by 1.
    pub unit_column: bool,
    /// For each column, what multiplies it in each row of products.
    pub tables: Vec<Nibbles>,
}

/// How the first row of a pass is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstRow {
    /// By multiplying, as the other rows.
    Products,
    /// It is the XOR of the first `of` inputs, and of the other rows of the
    /// pass where `closing`.
    Sum {
        /// How many inputs.
        of: usize,
        /// Whether the other rows are summed, too.
        closing: bool,
    },
}

impl Plan {
    /// A plan from coefficients alone.
    pub fn new(coefficients: Matrix) -> Self {
        let (rows, columns) = (coefficients.rows(), coefficients.columns());
        let passes = rows.div_ceil(ROWS_PER_PASS).max(1);
        let mut from = 0;
        let mut plan = Self { coefficients, passes: Vec::with_capacity(passes) };
        for pass in 0..passes {
            let rows = (rows - from).div_ceil(passes - pass);
            let sum = rows > 0 && plan.coefficients.row(from).iter().all(|&cell| cell == 1);
            let first = match sum {
                true => FirstRow::Sum { of: columns, closing: false },
                false => FirstRow::Products,
            };
            plan.push(from, rows, first);
            from += rows;
        }
        plan
    }

    /// A plan for rows that, all together and with the first `of` inputs, sum
    /// to 0: the rows of a rebuild of all the lost data that reads parity row
    /// 0, which is the XOR of all data.
    pub fn closing(coefficients: Matrix, of: usize) -> Self {
        if coefficients.rows() > ROWS_PER_PASS {
            return Self::new(coefficients);
        }
        let rows = coefficients.rows();
        let mut plan = Self { coefficients, passes: Vec::with_capacity(1) };
        plan.push(0, rows, FirstRow::Sum { of, closing: true });
        plan
    }

    fn push(&mut self, from: usize, rows: usize, first: FirstRow) {
        let skip = usize::from(first != FirstRow::Products);
        let products = from + skip..from + rows;
        let cell = |row: usize, column| self.coefficients.at(row, column);
        let unit_column = products.clone().all(|row| cell(row, 0) == 1);
        let mut tables = Vec::with_capacity(products.len() * self.coefficients.columns());
        for column in 0..self.coefficients.columns() {
            tables.extend(products.clone().map(|row| NIBBLES[usize::from(cell(row, column))]));
        }
        self.passes.push(Pass { from, rows, first, unit_column, tables });
    }
}
