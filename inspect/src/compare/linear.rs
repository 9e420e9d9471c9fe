//! Small dense linear systems.
//!
//! Owns symmetric solving by Cholesky factors. Knows nothing of what the unknowns mean.

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
