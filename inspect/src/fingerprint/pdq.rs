//! PDQ, the perceptual hash of 256 bits published by Meta ("PDQ & TMK + PDQF", 2019), computed bit for bit as
//! the reference implementation computes it on the full-size pixels.
//!
//! Owns luma, the two box-filter passes, the 64 x 64 thumbnail, its cosine transform, the quality metric and
//! the order of the bits. Knows nothing of files, of matching thresholds or of storage.
//!
//! The result depends on the order of every rounding in 32-bit floating point, so the arithmetic below
//! follows the reference's order: each running sum first adds the entering value and then subtracts the
//! leaving one. What differs is only *where* the sums live. Rows are filtered eight at a time, one row per
//! vector lane; columns are filtered as whole rows that stream through a ring of one window's height. Beyond
//! the pixels this needs memory for a few dozen rows, whatever the height. The second pass is written only
//! where the thumbnail samples it.

use super::reduced;
use crate::decode::Picture;

/// Side of the thumbnail, in pixels.
pub(super) const SIDE: usize = 64;
/// Side of the block of cosine coefficients that becomes the hash.
pub(super) const COEFFICIENTS: usize = 16;
/// The reference calls pictures unhashable when a side is shorter than this, in pixels.
pub const PDQ_MIN_SIDE: u32 = 5;
/// Rows that are filtered together, one per vector lane.
const LANES: usize = 8;

/// A luma thumbnail, row-major.
pub(super) type Thumbnail = [[f32; SIDE]; SIDE];
/// The cosine coefficients of the vertical frequencies 1 to 16 (rows) and the horizontal ones 1 to 16
/// (columns).
pub(super) type Spectrum = [[f32; COEFFICIENTS]; COEFFICIENTS];

/// `sqrt(2 / 64) * cos(k * pi / 128)` for k = 1 to 63, rounded to 32 bits. Written out, because a platform's
/// own cosine may differ in the last digit. Entry 31 (k = 32) is never used: k is a product of an odd factor
/// and one of 1 to 16.
const COSINES: [f32; 63] = [
    0.17672345,
    0.17656375,
    0.17629771,
    0.17592546,
    0.17544726,
    0.17486335,
    0.17417413,
    0.17337997,
    0.17248139,
    0.17147891,
    0.17037314,
    0.16916475,
    0.16785446,
    0.16644305,
    0.16493139,
    0.16332036,
    0.16161098,
    0.15980424,
    0.15790124,
    0.15590313,
    0.1538111,
    0.15162642,
    0.14935042,
    0.14698444,
    0.14452994,
    0.14198837,
    0.13936128,
    0.13665023,
    0.13385688,
    0.13098289,
    0.12803,
    0.125,
    0.121894695,
    0.11871597,
    0.11546574,
    0.112145945,
    0.108758606,
    0.10530575,
    0.10178947,
    0.09821187,
    0.09457511,
    0.090881385,
    0.08713291,
    0.08333196,
    0.079480805,
    0.075581774,
    0.07163722,
    0.06764951,
    0.06362105,
    0.059554275,
    0.05545162,
    0.051315565,
    0.0471486,
    0.042953234,
    0.038731992,
    0.034487423,
    0.030222077,
    0.025938528,
    0.021639355,
    0.017327147,
    0.0130045,
    0.008674021,
    0.004338317,
];

/// Row i, column k: the weight of thumbnail line k in frequency i + 1.
const TRANSFORM: [[f32; SIDE]; COEFFICIENTS] = {
    let mut matrix = [[0.0; SIDE]; COEFFICIENTS];
    let mut frequency = 0;
    while frequency < COEFFICIENTS {
        let mut line = 0;
        while line < SIDE {
            matrix[frequency][line] = cosine((frequency + 1) * (2 * line + 1));
            line += 1;
        }
        frequency += 1;
    }
    matrix
};

/// [`TRANSFORM`] with rows and columns exchanged.
const TRANSPOSED: [[f32; COEFFICIENTS]; SIDE] = {
    let mut matrix = [[0.0; COEFFICIENTS]; SIDE];
    let mut line = 0;
    while line < SIDE {
        let mut frequency = 0;
        while frequency < COEFFICIENTS {
            matrix[line][frequency] = TRANSFORM[frequency][line];
            frequency += 1;
        }
        line += 1;
    }
    matrix
};

/// The scaled cosine of `step * pi / 128`, folded into the first quarter of the circle.
const fn cosine(step: usize) -> f32 {
    let turn = step % 256;
    let half = if turn > 128 { 256 - turn } else { turn };
    if half > 64 { -COSINES[128 - half - 1] } else { COSINES[half - 1] }
}

/// The spectrum and the quality (0 to 100) of a picture, or `None` when it is too small to be hashed or its
/// buffer does not hold `width * height * 3` bytes. `shortcut` takes a picture of exactly 64 x 64 pixels as
/// its own thumbnail: the reference does so for the plain hash, but not for the dihedral set.
/// `full` is the size of the picture that this one was reduced from, or its own.
pub(super) fn spectrum(picture: &Picture, full: (u32, u32), shortcut: bool) -> Option<(Spectrum, u8)> {
    if picture.width < PDQ_MIN_SIDE || picture.height < PDQ_MIN_SIDE {
        return None;
    }
    let (width, height) = (usize::try_from(picture.width).ok()?, usize::try_from(picture.height).ok()?);
    if picture.rgb.len() != width.checked_mul(height)?.checked_mul(3)? {
        return None;
    }
    let full = (usize::try_from(full.0).ok()?.max(width), usize::try_from(full.1).ok()?.max(height));
    let thumbnail = if full != (width, height) {
        reduced::thumbnail(&picture.rgb, (width, height), full)
    } else if shortcut && (width, height) == (SIDE, SIDE) {
        let mut own = [[0.0; SIDE]; SIDE];
        for (line, rgb) in own.iter_mut().zip(picture.rgb.chunks_exact(SIDE * 3)) {
            luma(rgb, line);
        }
        own
    } else {
        thumbnail(&picture.rgb, width, height)
    };
    Some((transform(&thumbnail), quality(&thumbnail)))
}

/// The 256 bits: 1 where a coefficient exceeds the median. The first coefficient is the last bit, so that the
/// bytes in order give the reference's hexadecimal text.
pub(super) fn bits(spectrum: &Spectrum) -> [u8; 32] {
    let mut values = [0.0_f32; COEFFICIENTS * COEFFICIENTS];
    values.copy_from_slice(spectrum.as_flattened());
    // The reference takes the lower of the two middle values.
    let middle = (values.len() - 1) / 2;
    let (_, &mut median, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    let mut hash = [0_u8; 32];
    for (index, value) in spectrum.as_flattened().iter().enumerate() {
        hash[31 - index / 8] |= u8::from(*value > median) << (index % 8);
    }
    hash
}

/// ITU-R BT.601 luma of a row: the 32-bit number nearest to (299 R + 587 G + 114 B) / 1000. The numerator is
/// exact and the division rounds once, which gives the same number as a sum of 64-bit products rounded to 32
/// bits: the exact quotient is never nearer to a rounding boundary than such a sum can err.
pub(super) fn luma(rgb: &[u8], out: &mut [f32]) {
    for (luma, pixel) in out.iter_mut().zip(rgb.as_chunks::<3>().0) {
        let [red, green, blue] = pixel.map(i32::from);
        *luma = (299 * red + 587 * green + 114 * blue) as f32 / 1000.0;
    }
}

/// Width of the box filter for a side: half of one 64th, rounded up, because the filter runs twice.
pub(super) const fn window(side: usize) -> usize {
    side.div_ceil(2 * SIDE)
}

/// The 64 positions of a side that the thumbnail samples: the centres of its 64ths, rounded down.
pub(super) fn samples(side: usize) -> [usize; SIDE] {
    // (2 i + 1) side / 128 in whole numbers: the reference computes it in floating point, exactly for such
    // sides.
    std::array::from_fn(|index| (2 * index + 1) * side / (2 * SIDE))
}

/// Blurs twice along both axes and samples 64 x 64 values.
fn thumbnail(rgb: &[u8], width: usize, height: usize) -> Thumbnail {
    let mut blur = Blur::new(width, height);
    let mut rows = vec![0.0_f32; LANES * width];
    for block in rgb.chunks(LANES * width * 3) {
        for (pixels, row) in block.chunks_exact(width * 3).zip(rows.chunks_exact_mut(width)) {
            luma(pixels, row);
        }
        let count = block.len() / (width * 3);
        blur.absorb(&mut rows, count);
    }
    blur.finish()
}

/// The four filter passes as one stream: rows, columns, rows, columns.
struct Blur {
    width: usize,
    /// Window of the row filters.
    window: usize,
    /// Columns and rows that the thumbnail samples, ascending.
    columns: [usize; SIDE],
    rows: [usize; SIDE],
    lanes: Vec<[f32; LANES]>,
    filtered: Vec<[f32; LANES]>,
    first: ColumnFilter,
    second: ColumnFilter,
    /// Rows that the first column filter gave and the second row filter has not taken yet.
    waiting: Vec<f32>,
    waiting_rows: usize,
    thumbnail: Thumbnail,
    /// Rows that the second column filter gave, and how many thumbnail rows are filled.
    produced: usize,
    placed: usize,
}

impl Blur {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            window: window(width),
            columns: samples(width),
            rows: samples(height),
            lanes: vec![[0.0; LANES]; width],
            filtered: vec![[0.0; LANES]; width],
            first: ColumnFilter::new(width, window(height)),
            second: ColumnFilter::new(SIDE, window(height)),
            waiting: vec![0.0; LANES * width],
            waiting_rows: 0,
            thumbnail: [[0.0; SIDE]; SIDE],
            produced: 0,
            placed: 0,
        }
    }

    /// Takes the next `count` rows of luma (at most `LANES`); overwrites them.
    fn absorb(&mut self, rows: &mut [f32], count: usize) {
        to_lanes(rows, &mut self.lanes);
        // Slices, not vectors: their places cannot change while numbers are written through them.
        let filtered = self.filtered.as_mut_slice();
        filter_rows(&self.lanes, self.window, |column, sum, size| {
            filtered[column] = sum.map(|value| value / size);
        });
        from_lanes(&self.filtered, rows);
        for row in rows.chunks_exact(self.width).take(count) {
            let out = &mut self.waiting[self.waiting_rows * self.width..][..self.width];
            if self.first.push(row, out) {
                self.advance();
            }
        }
    }

    /// Gives what the column filters still hold and returns the thumbnail.
    fn finish(mut self) -> Thumbnail {
        while self.first.drain(&mut self.waiting[self.waiting_rows * self.width..][..self.width]) {
            self.advance();
        }
        self.second_half();
        let mut row = [0.0; SIDE];
        while self.second.drain(&mut row) {
            self.place(&row);
        }
        self.thumbnail
    }

    /// Counts one more waiting row; a full block moves on.
    fn advance(&mut self) {
        self.waiting_rows += 1;
        if self.waiting_rows == LANES {
            self.second_half();
        }
    }

    /// Filters the waiting rows along rows, keeping only the sampled columns, and then along columns.
    fn second_half(&mut self) {
        to_lanes(&self.waiting, &mut self.lanes);
        let sums = self.filtered.as_mut_slice();
        filter_rows(&self.lanes, self.window, |column, sum, _| sums[column] = *sum);
        let mut sampled = [[0.0_f32; SIDE]; LANES];
        for (index, &column) in self.columns.iter().enumerate() {
            let size = self.size(column);
            for (row, sum) in sampled.iter_mut().zip(&self.filtered[column]) {
                row[index] = sum / size;
            }
        }
        for row in sampled.iter().take(self.waiting_rows) {
            let mut out = [0.0; SIDE];
            if self.second.push(row, &mut out) {
                self.place(&out);
            }
        }
        self.waiting_rows = 0;
    }

    /// Number of values in the row filter's window around a column.
    fn size(&self, column: usize) -> f32 {
        let end = column + self.window.midpoint(2);
        (end.min(self.width) - end.saturating_sub(self.window)) as f32
    }

    /// Keeps a finished row as often as the thumbnail samples it: several times for pictures lower than 64
    /// pixels.
    fn place(&mut self, row: &[f32; SIDE]) {
        while self.rows.get(self.placed) == Some(&self.produced) {
            self.thumbnail[self.placed] = *row;
            self.placed += 1;
        }
        self.produced += 1;
    }
}

/// Turns eight rows into one vector of eight lanes per column. Row by row, which compilers make faster code
/// of.
fn to_lanes(rows: &[f32], lanes: &mut [[f32; LANES]]) {
    let width = lanes.len();
    for (lane, row) in rows.chunks_exact(width).take(LANES).enumerate() {
        for (vector, value) in lanes.iter_mut().zip(row) {
            vector[lane] = *value;
        }
    }
}

/// Turns one vector of eight lanes per column back into eight rows.
fn from_lanes(lanes: &[[f32; LANES]], rows: &mut [f32]) {
    let width = lanes.len();
    for (lane, row) in rows.chunks_exact_mut(width).take(LANES).enumerate() {
        for (value, vector) in row.iter_mut().zip(lanes) {
            *value = vector[lane];
        }
    }
}

/// Box filter along rows, in all lanes at once. `emit` gets each column's running sum and the number of
/// values in it. The window is cut at both ends.
fn filter_rows(lanes: &[[f32; LANES]], window: usize, mut emit: impl FnMut(usize, &[f32; LANES], f32)) {
    let lead = window.midpoint(2) - 1;
    let mut sum = [0.0_f32; LANES];
    for (index, entering) in lanes.iter().enumerate() {
        add(&mut sum, entering);
        if index >= window {
            subtract(&mut sum, &lanes[index - window]);
        }
        if index >= lead {
            emit(index - lead, &sum, (index + 1).min(window) as f32);
        }
    }
    for step in 0..lead {
        subtract(&mut sum, &lanes[lanes.len() - window + step]);
        emit(lanes.len() - lead + step, &sum, (window - 1 - step) as f32);
    }
}

fn add(sum: &mut [f32; LANES], entering: &[f32; LANES]) {
    for (sum, value) in sum.iter_mut().zip(entering) {
        *sum += value;
    }
}

fn subtract(sum: &mut [f32; LANES], leaving: &[f32; LANES]) {
    for (sum, value) in sum.iter_mut().zip(leaving) {
        *sum -= value;
    }
}

/// Box filter along columns over a stream of rows. Keeps one window of rows.
struct ColumnFilter {
    window: usize,
    /// Rows by which the output runs behind the input.
    lead: usize,
    sum: Vec<f32>,
    /// The last `window` rows; row i stands at slot i modulo `window`.
    ring: Vec<f32>,
    taken: usize,
    drained: usize,
}

impl ColumnFilter {
    fn new(width: usize, window: usize) -> Self {
        Self {
            window,
            lead: window.midpoint(2) - 1,
            sum: vec![0.0; width],
            ring: vec![0.0; width * window],
            taken: 0,
            drained: 0,
        }
    }

    /// Takes the next row; true when a filtered row was written to `out`.
    fn push(&mut self, row: &[f32], out: &mut [f32]) -> bool {
        let width = self.sum.len();
        let oldest = &mut self.ring[self.taken % self.window * width..][..width];
        let full = self.taken >= self.window;
        self.taken += 1;
        let size = self.taken.min(self.window) as f32;
        if full {
            for (((sum, old), &value), out) in self.sum.iter_mut().zip(oldest).zip(row).zip(&mut *out) {
                *sum += value;
                *sum -= *old;
                *old = value;
                *out = *sum / size;
            }
        } else {
            for (((sum, old), &value), out) in self.sum.iter_mut().zip(oldest).zip(row).zip(&mut *out) {
                *sum += value;
                *old = value;
                *out = *sum / size;
            }
        }
        self.taken > self.lead
    }

    /// After the last row: true when one more filtered row was written to `out`.
    fn drain(&mut self, out: &mut [f32]) -> bool {
        if self.drained == self.lead {
            return false;
        }
        let width = self.sum.len();
        let oldest = &self.ring[(self.taken + self.drained) % self.window * width..][..width];
        self.drained += 1;
        let size = (self.window - self.drained) as f32;
        for ((sum, old), out) in self.sum.iter_mut().zip(oldest).zip(out) {
            *sum -= *old;
            *out = *sum / size;
        }
        true
    }
}

/// How much structure the thumbnail has, 0 to 100: the sum of its steps in whole hundredths, divided by 90.
fn quality(thumbnail: &Thumbnail) -> u8 {
    let step = |first: f32, second: f32| (((first - second) * 100.0 / 255.0) as i32).unsigned_abs();
    let mut sum = 0;
    for pair in thumbnail.windows(2) {
        sum += pair[0].iter().zip(&pair[1]).map(|(&above, &below)| step(above, below)).sum::<u32>();
    }
    for row in thumbnail {
        sum += row.windows(2).map(|pair| step(pair[0], pair[1])).sum::<u32>();
    }
    u8::try_from((sum / 90).min(100)).unwrap_or(100)
}

/// The 16 x 16 wanted cosine coefficients: columns first, then rows, each summed in the order of the pixels.
fn transform(thumbnail: &Thumbnail) -> Spectrum {
    let mut spectrum = [[0.0; COEFFICIENTS]; COEFFICIENTS];
    for (weights, coefficients) in TRANSFORM.iter().zip(&mut spectrum) {
        let mut vertical = [0.0_f32; SIDE];
        for (weight, row) in weights.iter().zip(thumbnail) {
            for (sum, value) in vertical.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        for (value, weights) in vertical.iter().zip(&TRANSPOSED) {
            for (sum, weight) in coefficients.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
    spectrum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_cosines_are_the_formula() {
        let scale = f64::from((2.0_f64 / 64.0).sqrt() as f32);
        for (frequency, row) in TRANSFORM.iter().enumerate() {
            for (line, &weight) in row.iter().enumerate() {
                let angle =
                    std::f64::consts::PI / 2.0 / 64.0 * (frequency + 1) as f64 * (2 * line + 1) as f64;
                let formula = scale * angle.cos();
                assert!((f64::from(weight) - formula).abs() < 1e-8, "{frequency} {line}");
            }
        }
    }

    #[test]
    fn luma_equals_the_sum_of_64_bit_products() {
        // Every red and green against blue in steps that meet all residues modulo 8.
        for red in 0..=255_u8 {
            for green in 0..=255_u8 {
                for blue in (red % 8..=255).step_by(8) {
                    let mut fast = [0.0_f32];
                    luma(&[red, green, blue], &mut fast);
                    let slow = f64::from(red) * 0.299 + f64::from(green) * 0.587 + f64::from(blue) * 0.114;
                    assert_eq!(fast[0], slow as f32, "{red} {green} {blue}");
                }
            }
        }
    }
}
