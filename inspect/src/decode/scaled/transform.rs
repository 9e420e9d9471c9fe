//! From the coefficients of a block to fewer samples than it was made of.
//!
//! Owns the inverse cosine transform of 1 to 8 points per axis, which takes only the frequencies that so many points
//! can show. It must not know where the coefficients come from.
//!
//! Method: Dugad and Ahuja, "A fast scheme for image size change in the compressed domain", IEEE Trans. Circuits and
//! Systems for Video Technology 11(4), 2001. In 32-bit floating point, in a fixed order and without any function of
//! the platform's own, so the samples are the same on every machine.

/// Values that are computed together, and most points per axis.
pub(super) const LANES: usize = 8;
/// Coefficients of a block.
pub(super) const BLOCK: usize = 64;

/// Row and column of each coefficient in the order in which they are stored (T.81, figure A.6).
const ZIGZAG: [(u8, u8); BLOCK] = {
    let mut order = [(0, 0); BLOCK];
    let (mut row, mut column) = (0_u8, 0_u8);
    let mut index = 0;
    while index < BLOCK {
        order[index] = (row, column);
        // Even diagonals run upwards.
        if (row + column).is_multiple_of(2) {
            if column == 7 {
                row += 1;
            } else if row == 0 {
                column += 1;
            } else {
                (row, column) = (row - 1, column + 1);
            }
        } else if row == 7 {
            column += 1;
        } else if column == 0 {
            row += 1;
        } else {
            (row, column) = (row + 1, column - 1);
        }
        index += 1;
    }
    order
};

/// The transform of one component's blocks.
#[derive(Debug, Clone)]
pub(super) struct Transform {
    /// Samples per block across and down.
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// For each coefficient as stored: its frequency down, or [`LANES`] if it is not wanted.
    lines: [u8; BLOCK],
    /// For each coefficient as stored: what one unit of it adds across.
    across: Box<[[f32; LANES]; BLOCK]>,
    /// For each sample down, what each frequency down adds.
    down: [[f32; LANES]; LANES],
    /// The last coefficient as stored that is wanted.
    pub(super) last: usize,
}

impl Transform {
    /// From blocks of coefficients in steps of `quantisation` (as stored) to `columns` x `rows` samples, 1 to 8 each.
    pub(super) fn new(quantisation: &[u16; BLOCK], columns: usize, rows: usize) -> Self {
        let (columns, rows) = (columns.clamp(1, LANES), rows.clamp(1, LANES));
        let (horizontal, vertical) = (basis(columns), basis(rows));
        let mut lines = [LANES as u8; BLOCK];
        let mut across = Box::new([[0.0; LANES]; BLOCK]);
        let mut last = 0;
        for (index, &(row, column)) in ZIGZAG.iter().enumerate() {
            if usize::from(row) < rows && usize::from(column) < columns {
                lines[index] = row;
                across[index] =
                    horizontal[usize::from(column)].map(|weight| weight * f32::from(quantisation[index]));
                last = index;
            }
        }
        let down = std::array::from_fn(|sample| vertical.map(|frequency| frequency[sample]));
        Self { columns, rows, lines, across, down, last }
    }
}

/// The sums of one block, one line for each frequency down, and one for what is not wanted.
#[derive(Debug)]
pub(super) struct Sums {
    lines: [[f32; LANES]; LANES + 1],
    /// Lines from here on are zero.
    used: usize,
}

impl Sums {
    pub(super) fn new() -> Self {
        Self { lines: [[0.0; LANES]; LANES + 1], used: 0 }
    }

    /// Counts a coefficient in.
    #[inline]
    pub(super) fn add(&mut self, transform: &Transform, index: usize, value: i32) {
        let index = index % BLOCK;
        let line = usize::from(transform.lines[index]).min(LANES);
        let value = value as f32;
        for (sum, weight) in self.lines[line].iter_mut().zip(&transform.across[index]) {
            *sum += value * weight;
        }
        if line < LANES {
            self.used = self.used.max(line + 1);
        }
    }

    /// Writes the block's samples to `plane`, a row every `stride` values from `at` on, and starts anew. The samples
    /// after the block's last column, up to [`LANES`], are overwritten.
    #[inline]
    pub(super) fn finish(&mut self, transform: &Transform, plane: &mut [f32], at: usize, stride: usize) {
        let used = self.used;
        for (row, weights) in transform.down.iter().enumerate().take(transform.rows) {
            let mut samples = [0.0; LANES];
            for (line, weight) in self.lines.iter().zip(weights).take(used) {
                for (sample, value) in samples.iter_mut().zip(line) {
                    *sample += weight * value;
                }
            }
            if let Some(out) = plane.get_mut(at + row * stride..).and_then(|out| out.first_chunk_mut()) {
                *out = samples;
            }
        }
        self.lines[..used].fill([0.0; LANES]);
        self.used = 0;
    }
}

/// For each frequency, its value at each of `points` samples; what is beyond them is zero.
fn basis(points: usize) -> [[f32; LANES]; LANES] {
    let mut basis = [[0.0; LANES]; LANES];
    // Half of the cosine, and of the mean half the square root of one half: the same amplitudes as with eight points.
    for (frequency, row) in basis.iter_mut().enumerate().take(points) {
        for (sample, value) in row.iter_mut().enumerate().take(points) {
            let cosine = cosine((2 * sample + 1) * frequency, points);
            let scale = if frequency == 0 { 0.5 * std::f64::consts::FRAC_1_SQRT_2 } else { 0.5 };
            *value = (scale * cosine) as f32;
        }
    }
    basis
}

/// The cosine of `step * pi / (2 points)`, from basic operations only.
fn cosine(step: usize, points: usize) -> f64 {
    // Into the first quarter of the circle, which has `points` steps.
    let turn = step % (4 * points);
    let half = turn.min(4 * points - turn);
    let (quarter, sign) = if half > points { (2 * points - half, -1.0) } else { (half, 1.0) };
    let angle = quarter as f64 * std::f64::consts::FRAC_PI_2 / points as f64;
    let square = angle * angle;
    // The series to the 22nd power: exact to a few units in the last digit for angles up to a right one.
    let series = (1..=11).rev().fold(1.0, |sum, term| {
        let next = f64::from(2 * term);
        1.0 - sum * square / (next * (next - 1.0))
    });
    sign * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_is_the_cosine_and_the_order_is_the_standards() {
        for points in 1..=LANES {
            for step in 0..9 * points {
                let angle = step as f64 * std::f64::consts::FRAC_PI_2 / points as f64;
                assert!((cosine(step, points) - angle.cos()).abs() < 1e-14, "{step} of {points}");
            }
        }
        assert_eq!(ZIGZAG[..6], [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1), (0, 2)]);
        assert_eq!(ZIGZAG[61..], [(6, 7), (7, 6), (7, 7)]);
        let mut seen = ZIGZAG.to_vec();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), BLOCK);
    }

    /// The samples of a block, by the definition.
    fn by_definition(block: &[i32; BLOCK], columns: usize, rows: usize) -> Vec<f64> {
        let factor = |frequency: u8, sample: usize, points: usize| {
            let angle =
                (2 * sample + 1) as f64 * f64::from(frequency) * std::f64::consts::PI / (2 * points) as f64;
            0.5 * angle.cos() * if frequency == 0 { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 }
        };
        let sample = |x: usize, y: usize| {
            let wanted = ZIGZAG
                .iter()
                .zip(block)
                .filter(|((row, column), _)| usize::from(*row) < rows && usize::from(*column) < columns);
            wanted
                .map(|(&(row, column), &value)| {
                    f64::from(value) * factor(row, y, rows) * factor(column, x, columns)
                })
                .sum::<f64>()
        };
        (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))).map(|(x, y)| sample(x, y)).collect()
    }

    #[test]
    fn every_size_follows_the_definition() {
        let block: [i32; BLOCK] = std::array::from_fn(|index| (index as i32 * 37 % 101) - 50);
        let quantisation: [u16; BLOCK] = std::array::from_fn(|index| 1 + index as u16 % 5);
        let steps: [i32; BLOCK] = std::array::from_fn(|index| block[index] * i32::from(quantisation[index]));
        for columns in 1..=LANES {
            for rows in 1..=LANES {
                let transform = Transform::new(&quantisation, columns, rows);
                let mut sums = Sums::new();
                let mut plane = vec![7.0; 3 * LANES * LANES];
                // Twice, to see that the second block starts from nothing.
                for at in [0, columns] {
                    for (index, &value) in block.iter().enumerate() {
                        sums.add(&transform, index, value);
                    }
                    sums.finish(&transform, &mut plane, at, 2 * LANES);
                }
                for (index, expected) in by_definition(&steps, columns, rows).into_iter().enumerate() {
                    let at = index / columns * 2 * LANES + index % columns;
                    for found in [plane[at], plane[at + columns]] {
                        assert!(
                            (f64::from(found) - expected).abs() < 1e-3,
                            "{columns} x {rows}: {found} {expected}"
                        );
                    }
                }
            }
        }
    }
}
