//! A point's directions and its descriptor.
//!
//! Owns the two histograms of gradients (Lowe 2004, sections 5 and 6) and the 256 signs kept of the second
//! one.

use super::Code;
use super::detect::Point;
use super::grid::{gradients, sample};
use super::maths::{cos_sin, exp_neg, exp2};
use super::scale_space::Plane;

/// Distance of two samples, in standard deviations of the point.
const SPACING: f32 = 0.75;
/// Samples per side for the direction: a window of 4.5 standard deviations to either side.
const NEAR: usize = 13;
const NEAR_VALUES: usize = NEAR + 2;
/// Bins of the histogram of directions.
const DIRECTIONS: usize = 36;
/// A further direction counts from this share of the strongest.
const SECOND: f32 = 0.8;

/// Cells per side of the descriptor, samples per cell, and samples per side with half a cell more on each
/// side.
const CELLS: usize = 4;
const PER_CELL: usize = 4;
const SIDE: usize = (CELLS + 1) * PER_CELL;
const SIDE_VALUES: usize = SIDE + 2;
/// Directions per cell.
const BINS: usize = 8;
const HISTOGRAM: usize = CELLS * CELLS * BINS;

/// Weights of a Gaussian window of `N` samples along one side; `width` is its standard deviation in samples.
fn window<const N: usize>(width: f64) -> [f32; N] {
    std::array::from_fn(|index| {
        let distance = (index as f64 - (N as f64 - 1.0) / 2.0) / width;
        exp_neg(distance * distance / 2.0) as f32
    })
}

/// Step between samples for a point.
fn step(point: &Point, finest: f32) -> f32 {
    SPACING * finest * exp2(f64::from(point.octave_scale())) as f32
}

/// Tables that every point of a picture shares.
#[derive(Debug)]
pub(super) struct Describer {
    finest: f32,
    near: [f32; NEAR],
    wide: [f32; SIDE],
}

impl Describer {
    /// For a scale space that starts at `finest` pixels.
    pub(super) fn new(finest: f64) -> Self {
        // The direction's window is 1.5 standard deviations of the point, the descriptor's half its width:
        // two cells.
        Self {
            finest: finest as f32,
            near: window(1.5 / f64::from(SPACING)),
            wide: window((CELLS * PER_CELL) as f64 / 2.0),
        }
    }

    /// The point's directions, strongest first, in turns. None where the picture is flat.
    pub(super) fn directions(&self, plane: &Plane, point: &Point) -> impl Iterator<Item = f32> + use<> {
        let values: [[f32; NEAR_VALUES]; NEAR_VALUES] =
            sample(plane, point.column, point.row, (step(point, self.finest), 0.0));
        let (magnitudes, angles) = gradients::<NEAR_VALUES, NEAR>(&values);
        let mut histogram = [0.0_f32; DIRECTIONS + 1];
        for ((magnitudes, angles), &down) in magnitudes.iter().zip(&angles).zip(&self.near) {
            for ((&magnitude, &angle), &across) in magnitudes.iter().zip(angles).zip(&self.near) {
                let position = angle * DIRECTIONS as f32;
                let bin = (position as usize).min(DIRECTIONS - 1);
                let share = position - bin as f32;
                let weight = magnitude * down * across;
                histogram[bin] += weight * (1.0 - share);
                histogram[bin + 1] += weight * share;
            }
        }
        histogram[0] += histogram[DIRECTIONS];
        peaks(&smooth(&histogram)).into_iter().flatten()
    }

    /// The descriptor under a direction, and that of the mirrored picture.
    pub(super) fn code(&self, plane: &Plane, point: &Point, angle: f32) -> (Code, Code) {
        let (cosine, sine) = cos_sin(angle);
        let step = step(point, self.finest);
        let values: [[f32; SIDE_VALUES]; SIDE_VALUES] =
            sample(plane, point.column, point.row, (step * cosine, step * sine));
        let (magnitudes, angles) = gradients::<SIDE_VALUES, SIDE>(&values);
        let histogram = self.histogram(&magnitudes, &angles);
        let mut middle = histogram;
        let (_, &mut upper, _) = middle.select_nth_unstable_by(HISTOGRAM / 2, f32::total_cmp);
        (signs(&histogram, upper), signs(&mirror(&histogram), upper))
    }

    /// Directions per cell, weighted by magnitude, window and nearness to the cell's and the direction's
    /// centre.
    fn histogram(&self, magnitudes: &[[f32; SIDE]; SIDE], angles: &[[f32; SIDE]; SIDE]) -> [f32; HISTOGRAM] {
        // A ring of cells around the real ones takes what falls outside.
        let mut rows = [[0.0_f32; CELLS * BINS]; CELLS + 2];
        for (line, ((magnitudes, angles), &down)) in magnitudes.iter().zip(angles).zip(&self.wide).enumerate()
        {
            let mut cells = [[0.0_f32; BINS]; CELLS + 2];
            for (place, &across) in self.wide.iter().enumerate() {
                let weight = magnitudes[place] * down * across;
                let bin = angles[place] * BINS as f32;
                let first = bin as usize;
                let share = bin - first as f32;
                let (cell, near) = cell(place);
                let (first, second) = (first % BINS, (first + 1) % BINS);
                let (here, next) = (weight * (1.0 - near), weight * near);
                cells[cell][first] += here * (1.0 - share);
                cells[cell][second] += here * share;
                cells[cell + 1][first] += next * (1.0 - share);
                cells[cell + 1][second] += next * share;
            }
            let inner = &cells.as_flattened()[BINS..][..CELLS * BINS];
            let (row, near) = cell(line);
            for (weight, row) in [(1.0 - near, row), (near, row + 1)] {
                for (sum, value) in rows[row].iter_mut().zip(inner) {
                    *sum += weight * value;
                }
            }
        }
        let mut histogram = [0.0; HISTOGRAM];
        for (out, row) in histogram.as_chunks_mut::<{ CELLS * BINS }>().0.iter_mut().zip(&rows[1..]) {
            *out = *row;
        }
        histogram
    }
}

/// The cell before a sample (0 is the ring) and the share of the next one.
const fn cell(sample: usize) -> (usize, f32) {
    let share = ((sample % PER_CELL) as f32 + 0.5) / PER_CELL as f32;
    (sample / PER_CELL, share)
}

/// The circular histogram smoothed with the binomial weights 1 4 6 4 1.
fn smooth(histogram: &[f32; DIRECTIONS + 1]) -> [f32; DIRECTIONS] {
    std::array::from_fn(|bin| {
        let at = |step: usize| histogram[(bin + step) % DIRECTIONS];
        (at(DIRECTIONS - 2) + at(2) + 4.0 * (at(DIRECTIONS - 1) + at(1)) + 6.0 * at(0)) / 16.0
    })
}

/// Up to four peaks, strongest first, placed between the bins by a parabola.
fn peaks(histogram: &[f32; DIRECTIONS]) -> [Option<f32>; 4] {
    let strongest = histogram.iter().fold(0.0_f32, |most, &value| most.max(value));
    let mut found = [None; 4];
    let mut heights = [0.0_f32; 4];
    if strongest <= 1e-6 {
        return found;
    }
    for bin in 0..DIRECTIONS {
        let (before, value, after) = (
            histogram[(bin + DIRECTIONS - 1) % DIRECTIONS],
            histogram[bin],
            histogram[(bin + 1) % DIRECTIONS],
        );
        if value < SECOND * strongest || value <= before || value < after {
            continue;
        }
        let curvature = before - 2.0 * value + after;
        let offset = if curvature < 0.0 { 0.5 * (before - after) / curvature } else { 0.0 };
        let turn = (bin as f32 + offset) / DIRECTIONS as f32;
        let turn = if turn < 0.0 { turn + 1.0 } else { turn };
        let mut next = (value, Some(if turn >= 1.0 { 0.0 } else { turn }));
        for (height, peak) in heights.iter_mut().zip(&mut found) {
            if next.0 > *height {
                std::mem::swap(&mut next.0, height);
                std::mem::swap(&mut next.1, peak);
            }
        }
    }
    found
}

/// The histogram of the picture mirrored: in the point's own frame the second axis and all directions turn
/// over.
fn mirror(histogram: &[f32; HISTOGRAM]) -> [f32; HISTOGRAM] {
    let mut mirrored = [0.0; HISTOGRAM];
    let row = CELLS * BINS;
    for (line, out) in mirrored.chunks_exact_mut(row).enumerate() {
        let from = &histogram[(CELLS - 1 - line) * row..][..row];
        for (out, from) in out.as_chunks_mut::<BINS>().0.iter_mut().zip(from.as_chunks::<BINS>().0) {
            for (bin, out) in out.iter_mut().enumerate() {
                *out = from[(BINS - bin) % BINS];
            }
        }
    }
    mirrored
}

/// 128 bits for values from the upper half of all; then 64 for two neighbouring directions together that are
/// stronger than the same two directions two cells further down, and 64 for two cells further right.
/// (Comparing with the next direction of the same cell, as is common, gives far more equal bits between
/// unrelated places.)
fn signs(histogram: &[f32; HISTOGRAM], upper: f32) -> Code {
    const APART: usize = CELLS / 2;
    let mut code = [0_u64; 4];
    for (index, &value) in histogram.iter().enumerate() {
        code[index / 64] |= u64::from(value >= upper && value > 0.0) << (index % 64);
    }
    let pooled = |row: usize, column: usize, bin: usize| {
        let cell = (row * CELLS + column) * BINS;
        histogram[cell + bin] + histogram[cell + (bin + 1) % BINS]
    };
    let (mut down, mut right) = (0, 0);
    for near in 0..APART {
        for side in 0..CELLS {
            for bin in 0..BINS {
                let stronger = pooled(near, side, bin) > pooled(near + APART, side, bin);
                code[2] |= u64::from(stronger) << down;
                down += 1;
                let stronger = pooled(side, near, bin) > pooled(side, near + APART, bin);
                code[3] |= u64::from(stronger) << right;
                right += 1;
            }
        }
    }
    code
}
