//! The working raster: 8-bit luma at a small, bounded size, and the area average that makes it.
//!
//! Owns luma, the exact area average in whole numbers, the mirrored copy and the measure of grain. Knows nothing of files or
//! features.

// Sides of working rasters are at most 1,024 and averages of bytes are bytes.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]

/// Longest side a working raster may have, in pixels. Bounds the work of everything computed from one.
pub const MAX_SIDE: u32 = 1024;

/// Values that are told apart where grain is measured; grain is a few grey levels.
const GRAIN_LEVELS: usize = 256;

/// A picture of 8-bit luma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grey {
    width: usize,
    height: usize,
    luma: Vec<u8>,
}

impl Grey {
    /// A raster from `width * height` bytes, row-major. `None` if a side is zero or longer than [`MAX_SIDE`],
    /// or the length differs.
    #[must_use]
    pub fn new(width: u32, height: u32, luma: Vec<u8>) -> Option<Self> {
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return None;
        }
        let (width, height) = (width as usize, height as usize);
        (luma.len() == width * height).then_some(Self { width, height, luma })
    }

    /// The area average of a larger 8-bit RGB picture (`width * height * 3` bytes, row-major), its longer
    /// side reduced to `long_side` pixels; a smaller picture keeps its size. `None` if a side is zero, the
    /// length differs or `long_side` is not within 1 to [`MAX_SIDE`].
    ///
    /// Luma is ITU-R BT.601 rounded to 8 bits. The average is exact and rounded once, so the same pixels give
    /// the same raster on every machine.
    #[must_use]
    pub fn from_rgb(width: u32, height: u32, rgb: &[u8], long_side: u32) -> Option<Self> {
        let (to_width, to_height) = reduced(width, height, long_side)?;
        let (width, height) = (width as usize, height as usize);
        if rgb.len() != width.checked_mul(height)?.checked_mul(3)? {
            return None;
        }
        let rows = rgb.chunks_exact(width * 3);
        let reduce = Reduction { width, height, to_width, to_height };
        Some(reduce.run(rows, luma))
    }

    /// The same from 8-bit luma (`width * height` bytes, row-major).
    #[must_use]
    pub fn from_luma(width: u32, height: u32, luma: &[u8], long_side: u32) -> Option<Self> {
        let (to_width, to_height) = reduced(width, height, long_side)?;
        let (width, height) = (width as usize, height as usize);
        if luma.len() != width.checked_mul(height)? {
            return None;
        }
        let reduce = Reduction { width, height, to_width, to_height };
        Some(reduce.run(luma.chunks_exact(width), |row, out| out.copy_from_slice(row)))
    }

    /// The area average at a shorter long side; a raster that is small already is copied.
    #[must_use]
    pub fn reduced(&self, long_side: u32) -> Self {
        Self::from_luma(self.width as u32, self.height as u32, &self.luma, long_side.clamp(1, MAX_SIDE))
            .unwrap_or_else(|| self.clone())
    }

    /// The standard deviation of the grain, grey levels: noise that lies on the whole picture. 0 if a side is below three
    /// pixels.
    ///
    /// Immerkær, "Fast noise variance estimation", CVIU 64(2), 1996: a second difference along both axes, which neither
    /// slopes nor straight edges answer; its median instead of its mean, so that texture on less than half of the picture
    /// does not count. Of every fourth row only.
    #[must_use]
    pub fn grain(&self) -> f32 {
        let mut counts = [0_u32; GRAIN_LEVELS];
        let mut total = 0;
        for rows in self.luma.windows((3 * self.width).max(1)).step_by((4 * self.width).max(1)) {
            let (above, rest) = rows.split_at(self.width);
            let (middle, below) = rest.split_at(self.width);
            let columns = above.windows(3).zip(middle.windows(3)).zip(below.windows(3));
            for ((above, middle), below) in columns {
                let bent = |row: &[u8]| i32::from(row[0]) - 2 * i32::from(row[1]) + i32::from(row[2]);
                let value = bent(above) - 2 * bent(middle) + bent(below);
                counts[(value.unsigned_abs() as usize).min(GRAIN_LEVELS - 1)] += 1;
                total += 1;
            }
        }
        let mut left = total / 2;
        let median = counts.iter().position(|count| {
            let here = left < *count;
            left = left.saturating_sub(*count);
            here
        });
        // The median of absolute values is 0.6745 standard deviations, the weights' root of squares 6.
        median.unwrap_or(0) as f32 / (0.6745 * 6.0)
    }

    /// Width, pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height, pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// `width * height` bytes, row-major.
    #[must_use]
    pub fn luma(&self) -> &[u8] {
        &self.luma
    }
}

/// The size after the longer side is reduced, each side at least 1 and rounded to nearest.
fn reduced(width: u32, height: u32, long_side: u32) -> Option<(usize, usize)> {
    if width == 0 || height == 0 || long_side == 0 || long_side > MAX_SIDE {
        return None;
    }
    let longest = u64::from(width.max(height));
    let wanted = u64::from(long_side).min(longest);
    let side = |from: u32| ((2 * u64::from(from) * wanted + longest) / (2 * longest)).max(1) as usize;
    Some((side(width), side(height)))
}

/// Rounded BT.601 luma of a row; the weights sum to 2^15.
fn luma(rgb: &[u8], out: &mut [u8]) {
    for (luma, pixel) in out.iter_mut().zip(rgb.as_chunks::<3>().0) {
        let [red, green, blue] = pixel.map(u32::from);
        *luma = ((9798 * red + 19235 * green + 3735 * blue + (1 << 14)) >> 15) as u8;
    }
}

/// An area average from one size to a smaller one. Lengths are counted in units in which a source pixel is as
/// wide as the target has pixels and a target pixel as wide as the source has pixels: every overlap is then a
/// whole number.
struct Reduction {
    width: usize,
    height: usize,
    to_width: usize,
    to_height: usize,
}

impl Reduction {
    fn run<'a>(&self, rows: impl Iterator<Item = &'a [u8]>, to_luma: impl Fn(&[u8], &mut [u8])) -> Grey {
        let mut line = vec![0_u8; self.width];
        // Sum of weight times luma down each column, of the target row being filled. A row's weights sum to
        // the source's height, so 32 bits hold it up to 16 million rows; `u32` sides beyond that do not fit
        // in memory.
        let mut columns = vec![0_u32; self.width];
        let mut luma = Vec::with_capacity(self.to_width * self.to_height);
        let mut missing = self.height;
        let mut across = Across::new(self);
        for row in rows {
            to_luma(row, &mut line);
            let mut left = self.to_height;
            while left > 0 {
                let weight = left.min(missing);
                // A weight is at most the target's height: with 16 bits, vector code is cheap on every processor.
                let factor = u32::from(weight as u16);
                for (sum, &value) in columns.iter_mut().zip(&line) {
                    *sum = sum.wrapping_add(factor * u32::from(value));
                }
                (left, missing) = (left - weight, missing - weight);
                if missing == 0 {
                    across.average(&columns, &mut luma);
                    columns.fill(0);
                    missing = self.height;
                }
            }
        }
        Grey { width: self.to_width, height: self.to_height, luma }
    }

    /// Where the target pixels begin and where the last one ends: a source pixel, and how far into it.
    fn edges(&self) -> Vec<(usize, u64)> {
        let place = |target: usize| target * self.width;
        (0..=self.to_width)
            .map(|it| (place(it) / self.to_width, (place(it) % self.to_width) as u64))
            .collect()
    }
}

/// The average along a row, for one row of column sums after another.
struct Across {
    edges: Vec<(usize, u64)>,
    area: Divisor,
    to_width: u64,
    /// Sums of the columns to the left.
    left: Vec<u64>,
}

impl Across {
    fn new(of: &Reduction) -> Self {
        let area = Divisor::new(of.width as u64 * of.height as u64);
        Self { edges: of.edges(), area, to_width: of.to_width as u64, left: vec![0; of.width + 1] }
    }

    /// Divides and rounds to nearest.
    fn average(&mut self, columns: &[u32], luma: &mut Vec<u8>) {
        let mut sum = 0;
        for (left, column) in self.left.iter_mut().skip(1).zip(columns) {
            sum += u64::from(*column);
            *left = sum;
        }
        // What lies to the left of an edge. The last edge is the end, where no column begins.
        let until = |&(column, into): &(usize, u64)| {
            let here = columns.get(column).copied().unwrap_or(0);
            self.left.get(column).copied().unwrap_or(sum) * self.to_width + into * u64::from(here)
        };
        let mut start = 0;
        luma.extend(self.edges.iter().skip(1).map(|edge| {
            let end = until(edge);
            let average = self.area.rounded(end - start);
            start = end;
            average as u8
        }));
    }
}

/// A number by which many are divided: a product with its reciprocal and one correction take less time than a division.
#[derive(Clone, Copy)]
struct Divisor {
    value: u64,
    /// 2^64 - 1 divided by it, rounded down.
    reciprocal: u64,
}

impl Divisor {
    /// `value` is at least 1; by 1 nothing needs dividing, but the result must be right.
    fn new(value: u64) -> Self {
        Self { value, reciprocal: u64::MAX / value }
    }

    /// The quotient to the nearest whole number, halves up.
    #[inline]
    fn rounded(self, number: u64) -> u64 {
        let number = number + self.value / 2;
        // The reciprocal is too small by at most one, so the product by less than one, and the quotient by at most one.
        let quotient = ((u128::from(number) * u128::from(self.reciprocal)) >> 64) as u64;
        quotient + u64::from(number - quotient * self.value >= self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_average_along_a_row_is_exact(columns in proptest::collection::vec(0..=255_u32, 1..90), part in 0..=100_usize) {
            let (width, height) = (columns.len(), 7);
            let to_width = (width * part / 100).max(1);
            let sums: Vec<u32> = columns.iter().map(|value| value * 7).collect();
            let mut found = Vec::new();
            Across::new(&Reduction { width, height, to_width, to_height: 1 }).average(&sums, &mut found);
            // Every source pixel cut into as many parts as there are target pixels.
            let fine: Vec<u64> = sums.iter().flat_map(|sum| vec![u64::from(*sum); to_width]).collect();
            let area = (width * height) as u64;
            let exact: Vec<u8> =
                fine.chunks(width).map(|parts| ((parts.iter().sum::<u64>() + area / 2) / area) as u8).collect();
            prop_assert_eq!(found, exact);
        }

        #[test]
        fn a_divisor_divides(value in 1..=u64::from(u32::MAX), number in 0..1_u64 << 40) {
            prop_assert_eq!(Divisor::new(value).rounded(number), (number + value / 2) / value);
        }

        #[test]
        fn a_divisor_divides_its_multiples(value in 1..1_u64 << 28, times in 0..256_u64, by in -1..=1_i64) {
            let number = (value * times).saturating_add_signed(by);
            for value in [value, value.next_power_of_two()] {
                prop_assert_eq!(Divisor::new(value).rounded(number), (number + value / 2) / value);
            }
        }
    }
}
