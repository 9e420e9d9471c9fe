//! Small dense linear systems.
//!
//! Owns the sums of weighted least squares and symmetric solving by Cholesky factors. Knows nothing of what the unknowns
//! mean.

/// Observations that are summed together.
pub(crate) const ROWS: usize = 64;
/// One quantity of so many observations.
pub(crate) type Rows = [f32; ROWS];

/// The normal equations of weighted least squares for `K` right-hand sides over the same `N` terms.
///
/// Observations come in blocks, each quantity in an array of its own, so that the products become vector code. A block's
/// sum has 32 bits, that of the blocks 64: no rounding of a long sum builds up.
pub(crate) struct Normal<const N: usize, const K: usize> {
    /// Of the matrix only the lower triangle.
    pub(crate) matrix: [[f64; N]; N],
    pub(crate) right: [[f64; N]; K],
}

impl<const N: usize, const K: usize> Normal<N, K> {
    pub(crate) const ZERO: Self = Self { matrix: [[0.0; N]; N], right: [[0.0; N]; K] };

    /// Adds a block; observations of weight 0 count nothing.
    pub(crate) fn add(&mut self, terms: &[Rows; N], targets: &[Rows; K], weights: &Rows) {
        for (row, term) in terms.iter().enumerate() {
            let mut weighted = *term;
            weighted.iter_mut().zip(weights).for_each(|(value, weight)| *value *= weight);
            for (sum, other) in self.matrix[row].iter_mut().zip(terms).take(row + 1) {
                *sum += f64::from(dot(&weighted, other));
            }
            for (side, target) in self.right.iter_mut().zip(targets) {
                side[row] += f64::from(dot(&weighted, target));
            }
        }
    }
}

/// The sum of products, in lanes that are added in the end: the same on every machine.
fn dot(a: &Rows, b: &Rows) -> f32 {
    let mut lanes = [0.0_f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Solves `matrix * x = right` for a symmetric positive definite matrix of which only the lower triangle is read;
/// `None` when it is not.
pub(crate) fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        for row in column..N {
            let mut value = matrix[row][column];
            for (left, above) in matrix[row].iter().zip(&matrix[column]).take(column) {
                value -= left * above;
            }
            if row == column {
                if !(value > 1e-12 && value.is_finite()) {
                    return None;
                }
                matrix[row][column] = value.sqrt();
            } else {
                matrix[row][column] = value / matrix[column][column];
            }
        }
    }
    for row in 0..N {
        for k in 0..row {
            right[row] -= matrix[row][k] * right[k];
        }
        right[row] /= matrix[row][row];
    }
    for row in (0..N).rev() {
        for k in row + 1..N {
            right[row] -= matrix[k][row] * right[k];
        }
        right[row] /= matrix[row][row];
    }
    right.iter().all(|value| value.is_finite()).then_some(right)
}
