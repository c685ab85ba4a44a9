//! The parity matrix of `gf8`, and the coefficients that undo a loss.
//!
//! ```text
//! C[row][column] = 1 / ((k + row) ^ column)                      Cauchy
//! P[row][column] = C[row][column] * C[0][0] / (C[0][column] * C[row][0])
//!
//!            | 1  1    1    1   |   row 0: parity is the XOR of the data
//!   P(4+2) = | 1  p11  p12  p13 |   column 0: data shard 0 is never multiplied
//! ```
//!
//! Invariants
//! - M1: every square submatrix of `P` is invertible, hence any `k` of the
//!   `k + m` shards rebuild the rest. The points `k + row` and `column` are
//!   distinct bytes, so this holds for Cauchy's `C` (his determinant is a
//!   quotient of products of differences of points, none of them 0); `P` is
//!   `C` with rows and columns scaled by units, which scales determinants by
//!   units.
//! - M2: `P` is a format: stored blobs depend on every byte of it. A golden
//!   table in the tests pins it.
//!
//! Source: Blömer et al., "An XOR-Based Erasure-Resilient Coding Scheme", ICSI
//! TR-95-048, 1995, for the Cauchy block; the scaling is the usual one of MDS
//! codes, e.g. Plank and Xu, NCA 2006.
//!
//! Not here: products of whole slices (`kernel`), checks of the caller's
//! shapes (`shape`).

use super::field::{div, mul};

/// A matrix of bytes, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    cells: Vec<u8>,
}

impl Matrix {
    /// A matrix from what each cell holds.
    pub fn from_fn(rows: usize, columns: usize, cell: impl Fn(usize, usize) -> u8) -> Self {
        let cells = (0..rows * columns).map(|i| cell(i / columns, i % columns)).collect();
        Self { rows, columns, cells }
    }

    /// `P` above, of `m` rows and `k` columns; `1 <= k`, `k + m <= 256`.
    pub fn parity(k: usize, m: usize) -> Self {
        assert!(k >= 1 && k + m <= 256, "M1: points are distinct bytes");
        let cauchy = |row: usize, column: usize| div(1, (k + row) as u8 ^ column as u8);
        Self::from_fn(m, k, |row, column| {
            let scale = mul(cauchy(0, column), cauchy(row, 0));
            div(mul(cauchy(row, column), cauchy(0, 0)), scale)
        })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn at(&self, row: usize, column: usize) -> u8 {
        self.cells[row * self.columns + column]
    }

    pub fn row(&self, row: usize) -> &[u8] {
        &self.cells[row * self.columns..][..self.columns]
    }

    fn row_mut(&mut self, row: usize) -> &mut [u8] {
        &mut self.cells[row * self.columns..][..self.columns]
    }

    /// `row[target] += factor * row[source]`, for two rows.
    fn add_row(&mut self, target: usize, source: usize, factor: u8) {
        for column in 0..self.columns {
            let product = mul(factor, self.at(source, column));
            self.row_mut(target)[column] ^= product;
        }
    }

    /// Solves `square * x = self` for `x` by Gauss and Jordan, in place of
    /// `self`; `None` where `square` is singular.
    fn solved_for(mut self, mut square: Matrix) -> Option<Self> {
        let size = square.rows();
        for step in 0..size {
            let pivot = (step..size).find(|&row| square.at(row, step) != 0)?;
            for matrix in [&mut square, &mut self] {
                for column in 0..matrix.columns {
                    matrix
                        .cells
                        .swap(pivot * matrix.columns + column, step * matrix.columns + column);
                }
            }
            let unit = square.at(step, step);
            for matrix in [&mut square, &mut self] {
                matrix.row_mut(step).iter_mut().for_each(|cell| *cell = div(*cell, unit));
            }
            for row in (0..size).filter(|&row| row != step) {
                let factor = square.at(row, step);
                square.add_row(row, step, factor);
                self.add_row(row, step, factor);
            }
        }
        Some(self)
    }
}

/// Which shards a rebuild reads and which data it has to do without.
/// All indices are ascending; as many parity rows as there are lost columns.
#[derive(Debug)]
pub struct Loss {
    /// Data shards that are read.
    pub kept: Vec<usize>,
    /// Parity rows that are read.
    pub parity: Vec<usize>,
    /// Data shards that are not.
    pub lost: Vec<usize>,
}

impl Loss {
    /// The coefficients that make the shards `wanted` (0 to `k + m`) from
    /// `kept` and `parity`, in that order of columns.
    ///
    /// With `d` the lost data, `x` the kept and `y` the parity that is read:
    /// `y = A x + S d`, hence `d = S' (A x + y)`; only `S`, of the size of the
    /// loss, is inverted. A wanted parity row is `B x + T d`.
    pub fn coefficients(&self, parity: &Matrix, wanted: &[usize]) -> Matrix {
        let (k, kept) = (parity.columns(), self.kept.len());
        let square = Matrix::from_fn(self.lost.len(), self.lost.len(), |row, column| {
            parity.at(self.parity[row], self.lost[column])
        });
        let known =
            Matrix::from_fn(self.lost.len(), k, |row, column| match column.checked_sub(kept) {
                None => parity.at(self.parity[row], self.kept[column]),
                Some(nth) => u8::from(nth == row),
            });
        let lost = known
            .solved_for(square)
            .expect("M1: every square submatrix of the parity matrix is invertible");
        Matrix::from_fn(wanted.len(), k, |row, column| match wanted[row].checked_sub(k) {
            None => match self.lost.binary_search(&wanted[row]) {
                Ok(nth) => lost.at(nth, column),
                Err(_) => u8::from(self.kept.get(column) == Some(&wanted[row])),
            },
            Some(parity_row) => {
                let direct = self.kept.get(column).map_or(0, |&data| parity.at(parity_row, data));
                (0..self.lost.len()).fold(direct, |sum, nth| {
                    sum ^ mul(parity.at(parity_row, self.lost[nth]), lost.at(nth, column))
                })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m2_the_matrix_is_pinned() {
        let check = |k, m, want: &[&[u8]]| {
            let matrix = Matrix::parity(k, m);
            let rows: Vec<_> = (0..m).map(|row| matrix.row(row)).collect();
            assert_eq!(rows, want, "{k}+{m}");
        };
        check(1, 2, &[&[1], &[1]]);
        check(4, 2, &[&[1, 1, 1, 1], &[1, 217, 92, 172]]);
        check(
            8,
            4,
            &[
                &[1, 1, 1, 1, 1, 1, 1, 1],
                &[1, 55, 39, 73, 84, 181, 225, 217],
                &[1, 39, 217, 161, 92, 60, 172, 90],
                &[1, 73, 161, 239, 220, 132, 15, 24],
            ],
        );
    }

    #[test]
    fn row_0_and_column_0_are_ones() {
        for k in 1..=32 {
            for m in 1..=32 {
                let matrix = Matrix::parity(k, m);
                assert!(matrix.row(0).iter().all(|&cell| cell == 1), "{k}+{m}");
                assert!((0..m).all(|row| matrix.at(row, 0) == 1), "{k}+{m}");
                assert!(matrix.cells.iter().all(|&cell| cell != 0), "M1: {k}+{m}");
            }
        }
    }

    /// Determinants of all square submatrices, which is M1 word for word.
    #[test]
    fn m1_every_square_submatrix_is_invertible() {
        let mut submatrices = 0u64;
        for shards in 2..=16usize {
            for m in 1..shards {
                let matrix = Matrix::parity(shards - m, m);
                for rows in 1..1u32 << m {
                    for columns in 1..1u32 << (shards - m) {
                        if rows.count_ones() == columns.count_ones() {
                            submatrices += 1;
                            assert!(
                                invertible(&matrix, rows, columns),
                                "{shards} {m} {rows:b} {columns:b}"
                            );
                        }
                    }
                }
            }
        }
        // Choosing k of n survivors: sum of binomials less the empty loss.
        let patterns: u64 = (2..=16).map(|n| (1u64 << n) - 2 - (n - 1)).sum();
        assert_eq!(submatrices, patterns, "every loss pattern has its submatrix");
    }

    /// By M1 a parity matrix never needs another pivot than the next one: this one does.
    #[test]
    fn a_solution_swaps_rows_for_its_pivot_and_there_is_none_of_a_singular_square() {
        let matrix = |cells: [u8; 4]| Matrix { rows: 2, columns: 2, cells: cells.to_vec() };
        let solved = matrix([5, 6, 7, 8]).solved_for(matrix([0, 1, 1, 0]));
        assert_eq!(solved, Some(matrix([7, 8, 5, 6])));
        assert_eq!(matrix([5, 6, 7, 8]).solved_for(matrix([3, 3, 7, 7])), None);
    }

    fn invertible(matrix: &Matrix, rows: u32, columns: u32) -> bool {
        let set = |bits: u32| (0..32).filter(|bit| bits >> bit & 1 == 1).collect::<Vec<usize>>();
        let (rows, columns) = (set(rows), set(columns));
        let square = Matrix::from_fn(rows.len(), rows.len(), |r, c| matrix.at(rows[r], columns[c]));
        Matrix::from_fn(rows.len(), 1, |_, _| 0).solved_for(square).is_some()
    }
}
