//! Extrema of the difference of Gaussians: found, placed between the samples, and tested.
//!
//! Owns the three tests of Lowe 2004, section 4 and 4.1. Knows nothing of directions and descriptors.

use super::maths::log2;
use super::scale_space::{DIFFERENCES, LANES, LEVELS, Octave};
use super::{Keypoint, Settings};

/// Pixels along the edge of an octave that are not searched.
const BORDER: usize = 4;
/// Steps to a neighbouring sample before a point that does not settle is given up.
const MOVES: usize = 4;

/// An extremum in scale space.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Position, pixels of the raster, as in [`Keypoint`].
    pub(super) x: f32,
    pub(super) y: f32,
    /// Position in samples of the octave's planes; the first sample is at 0.
    pub(super) column: f32,
    pub(super) row: f32,
    /// The octave, the nearest level within it and the distance from it, in levels.
    pub(super) octave: usize,
    pub(super) level: usize,
    pub(super) offset: f32,
    /// Contrast: the absolute difference of Gaussians, grey levels.
    pub(super) strength: f32,
}

impl Point {
    /// Levels above the finest scale.
    fn levels(&self) -> f32 {
        (self.octave * LEVELS + self.level) as f32 + self.offset
    }

    /// The point with a direction; `finest` is the finest scale in pixels of the raster.
    pub(super) fn keypoint(&self, angle: f32, finest: f64) -> Keypoint {
        let log_scale = log2(finest) as f32 + self.levels() / LEVELS as f32;
        Keypoint { x: self.x, y: self.y, log_scale, angle }
    }

    /// Scale in samples of the octave's planes relative to the octave's first scale, in octaves.
    pub(super) fn octave_scale(&self) -> f32 {
        (self.level as f32 + self.offset) / LEVELS as f32
    }
}

/// Rows of the differences that are at hand: the one that is searched and its neighbours.
const ROWS: usize = 3;

/// The differences of neighbouring Gaussian planes, a few rows at a time: read again and again while they are in the
/// cache, and never stored as a whole.
struct Strip<'a> {
    octave: &'a Octave,
    /// Row y of a difference is at (difference * ROWS + y % ROWS) * length.
    values: Vec<f32>,
    length: usize,
}

impl<'a> Strip<'a> {
    fn new(octave: &'a Octave) -> Self {
        // A block may run over the row's end.
        let length = octave.gaussian(0).stride + LANES;
        Self { octave, values: vec![0.0; DIFFERENCES * ROWS * length], length }
    }

    /// Takes a row in, in place of the third before it.
    fn load(&mut self, y: usize) {
        for difference in 0..DIFFERENCES {
            let (finer, coarser) = (self.octave.gaussian(difference), self.octave.gaussian(difference + 1));
            let start = (difference * ROWS + y % ROWS) * self.length;
            let out = self.values[start..][..finer.stride].as_chunks_mut::<LANES>().0;
            for ((out, coarse), fine) in out.iter_mut().zip(coarser.blocks(y)).zip(finer.blocks(y)) {
                for lane in 0..LANES {
                    out[lane] = coarse[lane] - fine[lane];
                }
            }
        }
    }

    #[inline]
    fn row(&self, difference: usize, y: usize) -> &[f32] {
        &self.values[(difference * ROWS + y % ROWS) * self.length..][..self.length]
    }
}

/// Appends the octave's points in the order of levels, rows and columns. `unit` is the raster's pixels per
/// sample of the first octave.
pub(super) fn points(octave: &Octave, index: usize, unit: f32, settings: &Settings, out: &mut Vec<Point>) {
    let (width, height) = (octave.gaussian(0).width, octave.gaussian(0).height);
    if width <= 2 * BORDER || height <= 2 * BORDER {
        return;
    }
    let mut strip = Strip::new(octave);
    (BORDER - 1..=BORDER).for_each(|y| strip.load(y));
    let mut levels: [Vec<Point>; LEVELS] = Default::default();
    for y in BORDER..height - BORDER {
        strip.load(y + 1);
        for (level, found) in (1..).zip(&mut levels) {
            candidates(&strip, level, y, width - BORDER, 0.5 * settings.least_contrast, |x| {
                if !is_extremum(&strip, level, x, y) {
                    return;
                }
                if let Some(mut point) = settle(octave, level, x, y, settings) {
                    // Halving keeps the first sample: sample i of an octave is sample i * 2^octave of the
                    // first.
                    let factor = (1_u32 << index) as f32;
                    point.octave = index;
                    let place = |sample: f32| (sample * factor + 0.5) * unit;
                    (point.x, point.y) = (place(point.column), place(point.row));
                    found.push(point);
                }
            });
        }
    }
    levels.iter_mut().for_each(|found| out.append(found));
}

/// Calls `found` for the columns of a row, before `last`, whose value exceeds the threshold and its six direct
/// neighbours.
// Without branches, so that the loop becomes vector code.
#[allow(clippy::needless_bitwise_bool)]
fn candidates(
    strip: &Strip<'_>,
    level: usize,
    y: usize,
    last: usize,
    threshold: f32,
    mut found: impl FnMut(usize),
) {
    let (row, row_above, row_below) = (strip.row(level, y), strip.row(level, y - 1), strip.row(level, y + 1));
    let (finer, coarser) = (strip.row(level - 1, y), strip.row(level + 1, y));
    // Columns beyond the last one are dropped.
    for from in (BORDER..last).step_by(LANES) {
        let middle = &row[from..][..LANES];
        let (left, right) = (&row[from - 1..][..LANES], &row[from + 1..][..LANES]);
        let (above, below) = (&row_above[from..][..LANES], &row_below[from..][..LANES]);
        let (under, over) = (&finer[from..][..LANES], &coarser[from..][..LANES]);
        let mut flags = [0_u8; LANES];
        for lane in 0..LANES {
            let value = middle[lane];
            let highest = larger(
                larger(larger(left[lane], right[lane]), larger(above[lane], below[lane])),
                larger(under[lane], over[lane]),
            );
            let lowest = smaller(
                smaller(smaller(left[lane], right[lane]), smaller(above[lane], below[lane])),
                smaller(under[lane], over[lane]),
            );
            let above_all = (value >= highest) & (value > threshold);
            let below_all = (value <= lowest) & (value < -threshold);
            flags[lane] = u8::from(above_all | below_all);
        }
        let mut bits = u128::from_le_bytes(flags);
        while bits != 0 {
            let lane = (bits.trailing_zeros() / 8) as usize;
            bits &= bits - 1;
            if from + lane < last {
                found(from + lane);
            }
        }
    }
}

/// The larger one, without the standard library's care for numbers that are none.
#[inline]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Whether no one of the 26 neighbours lies beyond the value.
fn is_extremum(strip: &Strip<'_>, level: usize, x: usize, y: usize) -> bool {
    let value = strip.row(level, y)[x];
    let mut most = f32::NEG_INFINITY;
    let mut least = f32::INFINITY;
    for level in level - 1..=level + 1 {
        for y in y - 1..=y + 1 {
            for &near in &strip.row(level, y)[x - 1..][..3] {
                (most, least) = (larger(most, near), smaller(least, near));
            }
        }
    }
    if value > 0.0 { value >= most } else { value <= least }
}

/// Fits a quadratic, moves to the sample nearest its extremum until it settles, and applies the tests of
/// contrast and of edges.
fn settle(octave: &Octave, level: usize, x: usize, y: usize, settings: &Settings) -> Option<Point> {
    let (mut level, mut x, mut y) = (level, x, y);
    for _ in 0..=MOVES {
        let fit = Fit::at(octave, level, x, y);
        let [dx, dy, ds] = fit.offset()?;
        if dx.abs() < 0.5 && dy.abs() < 0.5 && ds.abs() < 0.5 {
            let [gx, gy, gs] = fit.gradient;
            let strength = (fit.value + 0.5 * (gx * dx + gy * dy + gs * ds)).abs();
            let trace = fit.xx + fit.yy;
            let determinant = fit.xx * fit.yy - fit.xy * fit.xy;
            let ratio = settings.edge_ratio;
            let edge = trace * trace * ratio >= (ratio + 1.0) * (ratio + 1.0) * determinant;
            if strength < settings.least_contrast || determinant <= 0.0 || edge {
                return None;
            }
            return Some(Point {
                x: 0.0,
                y: 0.0,
                column: x as f32 + dx,
                row: y as f32 + dy,
                octave: 0,
                level,
                offset: ds,
                strength,
            });
        }
        let plane = octave.gaussian(level);
        x = moved(x, dx, BORDER, plane.width - BORDER)?;
        y = moved(y, dy, BORDER, plane.height - BORDER)?;
        level = moved(level, ds, 1, LEVELS + 1)?;
    }
    None
}

/// A sample's index moved towards an extremum by at most one; `None` outside `low..high`.
fn moved(index: usize, by: f32, low: usize, high: usize) -> Option<usize> {
    let to = if by >= 0.5 {
        index + 1
    } else if by <= -0.5 {
        index.checked_sub(1)?
    } else {
        index
    };
    (low..high).contains(&to).then_some(to)
}

/// One difference, at single places.
struct Difference<'a> {
    octave: &'a Octave,
    difference: usize,
}

impl Difference<'_> {
    #[inline]
    fn at(&self, x: usize, y: usize) -> f32 {
        let (finer, coarser) =
            (self.octave.gaussian(self.difference), self.octave.gaussian(self.difference + 1));
        coarser.at(x, y) - finer.at(x, y)
    }
}

/// Value, gradient and second derivatives at a sample, by central differences.
struct Fit {
    value: f32,
    gradient: [f32; 3],
    xx: f32,
    yy: f32,
    ss: f32,
    xy: f32,
    xs: f32,
    ys: f32,
}

impl Fit {
    fn at(octave: &Octave, level: usize, x: usize, y: usize) -> Self {
        let [finer, plane, coarser] =
            [level - 1, level, level + 1].map(|difference| Difference { octave, difference });
        let value = plane.at(x, y);
        let second = |before: f32, after: f32| before + after - 2.0 * value;
        let mixed = |a: f32, b: f32, c: f32, d: f32| 0.25 * (a - b - c + d);
        Self {
            value,
            gradient: [
                0.5 * (plane.at(x + 1, y) - plane.at(x - 1, y)),
                0.5 * (plane.at(x, y + 1) - plane.at(x, y - 1)),
                0.5 * (coarser.at(x, y) - finer.at(x, y)),
            ],
            xx: second(plane.at(x - 1, y), plane.at(x + 1, y)),
            yy: second(plane.at(x, y - 1), plane.at(x, y + 1)),
            ss: second(finer.at(x, y), coarser.at(x, y)),
            xy: mixed(
                plane.at(x + 1, y + 1),
                plane.at(x - 1, y + 1),
                plane.at(x + 1, y - 1),
                plane.at(x - 1, y - 1),
            ),
            xs: mixed(coarser.at(x + 1, y), coarser.at(x - 1, y), finer.at(x + 1, y), finer.at(x - 1, y)),
            ys: mixed(coarser.at(x, y + 1), coarser.at(x, y - 1), finer.at(x, y + 1), finer.at(x, y - 1)),
        }
    }

    /// Where the quadratic's gradient vanishes, in samples and levels from here. `None` when it nowhere does.
    fn offset(&self) -> Option<[f32; 3]> {
        let Self { xx, yy, ss, xy, xs, ys, .. } = *self;
        let cofactors = [yy * ss - ys * ys, ys * xs - xy * ss, xy * ys - yy * xs];
        let determinant = xx * cofactors[0] + xy * cofactors[1] + xs * cofactors[2];
        if determinant.abs() < 1e-9 {
            return None;
        }
        let [gx, gy, gs] = self.gradient;
        let minors = [xx * ss - xs * xs, xy * xs - xx * ys, xx * yy - xy * xy];
        let scale = -1.0 / determinant;
        Some([
            scale * (cofactors[0] * gx + cofactors[1] * gy + cofactors[2] * gs),
            scale * (cofactors[1] * gx + minors[0] * gy + minors[1] * gs),
            scale * (cofactors[2] * gx + minors[1] * gy + minors[2] * gs),
        ])
    }
}
