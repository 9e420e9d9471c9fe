//! Refinement of a homography on pixels, coarse to fine.
//!
//! Owns the choice of points, the robust inverse-compositional Gauss-Newton step with brightness gain and bias
//! (Baker and Matthews, "Lucas-Kanade 20 years on", IJCV 2004) and the test whether a step helped. Altered pixels
//! are outliers of a Geman-McClure weight, so a stain does not pull the picture towards itself.

// Pixel positions and sums of bytes are far below 2^24.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::homography::Homography;
use super::linear::{Normal, ROWS, Rows, solve};
use super::raster::Plane;

/// Points used per pyramid level, at most.
const POINTS: usize = 2500;
/// Twice the gradient, grey levels a pixel, up to which a point says nothing about position.
const WEAK: u8 = 5;
/// Part of the best score so far that steps which doubt nothing must come below: a large tear can pull them away for a
/// score that is hardly better.
const CLEARLY: f32 = 0.95;
/// A step that moves every corner less, in pixels of its level, ends the iteration.
const SETTLED: f64 = 0.03;

/// What a step makes of points that fit badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outliers {
    /// They count less, the less they fit: what was altered does not pull.
    Doubted,
    /// They count like all others: what a crop or a turn moved far pulls the map to itself, where the steps that doubt
    /// it settle with the rest.
    Kept,
}

/// A template point: position, value and the derivatives of the template by the eight parameters.
struct Point {
    x: f32,
    y: f32,
    value: f32,
    gradient: (f32, f32),
}

/// Steepest gradients, one per cell of a grid of at most [`POINTS`] cells.
fn points(template: &Plane) -> Vec<Point> {
    let (width, height) = (template.width, template.height);
    if width.min(height) < 3 {
        return Vec::new();
    }
    let cell = ((width * height) as f64 / POINTS as f64).sqrt().ceil().max(1.0) as usize;
    let mut found = Vec::with_capacity(POINTS);
    // Twice the slope of every pixel of a row of cells.
    let mut slopes = vec![0_u8; cell * width];
    for top in (1..height - 1).step_by(cell) {
        let bottom = (top + cell).min(height - 1);
        for (y, line) in (top..bottom).zip(slopes.chunks_exact_mut(width)) {
            steepness(&template.data[(y - 1) * width..(y + 2) * width], line);
        }
        for left in (1..width - 1).step_by(cell) {
            let right = (left + cell).min(width - 1);
            let (mut steepest, mut at) = (WEAK, None);
            for (y, line) in (top..bottom).zip(slopes.chunks_exact(width)) {
                for (x, slope) in (left..right).zip(&line[left..right]) {
                    if *slope > steepest {
                        (steepest, at) = (*slope, Some((x, y)));
                    }
                }
            }
            found.extend(at.map(|(x, y)| {
                let value = |x: usize, y: usize| f32::from(template.at(x, y));
                let across = 0.5 * (value(x + 1, y) - value(x - 1, y));
                let down = 0.5 * (value(x, y + 1) - value(x, y - 1));
                Point { x: x as f32, y: y as f32, value: value(x, y), gradient: (across, down) }
            }));
        }
    }
    found
}

/// Twice the slope, along the axis where it is steeper, of the middle one of three rows; its ends keep what they have.
fn steepness(rows: &[u8], line: &mut [u8]) {
    let width = line.len();
    let (above, rest) = rows.split_at(width);
    let (row, below) = rest.split_at(width);
    let inner = 1..width - 1;
    let across = row.iter().zip(&row[2..]);
    let down = above[inner.clone()].iter().zip(&below[inner.clone()]);
    for ((slope, (left, right)), (above, below)) in line[inner].iter_mut().zip(across).zip(down) {
        *slope = left.abs_diff(*right).max(above.abs_diff(*below));
    }
}

/// Up to [`ROWS`] points, each quantity in an array of its own; the rest is 0.
struct Block {
    x: Rows,
    y: Rows,
    value: Rows,
    /// The derivatives of the template by the eight parameters, in centred coordinates of unit half side.
    derivatives: [Rows; 8],
}

/// The points in blocks; the derivatives stay the same while the map moves.
fn blocks(points: &[Point], centre: (f64, f64), unit: f64) -> Vec<Block> {
    let (centre, unit) = ((centre.0 as f32, centre.1 as f32), unit as f32);
    let block = |points: &[Point]| {
        let zero = [0.0; ROWS];
        let mut block = Block { x: zero, y: zero, value: zero, derivatives: [zero; 8] };
        for (at, point) in points.iter().enumerate() {
            let (x, y) = ((point.x - centre.0) / unit, (point.y - centre.1) / unit);
            let (gx, gy) = (point.gradient.0 * unit, point.gradient.1 * unit);
            let radial = -(gx * x + gy * y);
            let derivative = [gx * x, gx * y, gx, gy * x, gy * y, gy, radial * x, radial * y];
            block.derivatives.iter_mut().zip(derivative).for_each(|(rows, value)| rows[at] = value);
            (block.x[at], block.y[at], block.value[at]) = (point.x, point.y, point.value);
        }
        block
    };
    points.chunks(ROWS).map(block).collect()
}

/// What the query shows at the template's points.
struct Fit {
    /// Errors per block after gain, bias and light, and 1 where the query shows the point, 0 elsewhere.
    errors: Vec<(Rows, Rows)>,
    /// The scale of the errors: what fits worse is an outlier.
    scale: f32,
    /// Median absolute error over the template's spread: small is good.
    score: f32,
}

/// The query's values at a block's points, and 1 where it shows them, 0 elsewhere.
fn shown(block: &Block, count: usize, query: &Plane, map: &Homography) -> (Rows, Rows) {
    let m = map.0.map(|value| value as f32);
    let (mut across, mut down) = ([0.0_f32; ROWS], [0.0_f32; ROWS]);
    for ((u, v), (x, y)) in across.iter_mut().zip(&mut down).zip(block.x.iter().zip(&block.y)) {
        let depth = m[6] * x + m[7] * y + m[8];
        // Behind the horizon nothing is shown.
        let share = if depth > 1e-9 { 1.0 / depth } else { f32::NAN };
        (*u, *v) = ((m[0] * x + m[1] * y + m[2]) * share, (m[3] * x + m[4] * y + m[5]) * share);
    }
    let (mut values, mut seen) = ([0.0_f32; ROWS], [0.0_f32; ROWS]);
    for at in 0..count.min(ROWS) {
        if let Some(value) = query.sample(across[at], down[at]) {
            (values[at], seen[at]) = (value, 1.0);
        }
    }
    (values, seen)
}

/// 1.5 times the median of the absolute errors that count, at least 2.
fn scale(errors: &[(Rows, Rows)], absolute: &mut Vec<u32>) -> f32 {
    absolute.clear();
    for (errors, seen) in errors {
        let pairs = errors.iter().zip(seen).filter(|(_, seen)| **seen > 0.0);
        // Positive numbers are in the order of their bits.
        absolute.extend(pairs.map(|(error, _)| error.abs().to_bits()));
    }
    let middle = absolute.len() / 2;
    let (_, median, _) = absolute.select_nth_unstable(middle);
    (1.5 * f32::from_bits(*median)).max(2.0)
}

fn photometric(blocks: &[Block], number: usize, query: &Plane, map: &Homography) -> Option<Fit> {
    let counts = (0..blocks.len()).map(|block| number.saturating_sub(block * ROWS));
    let seen: Vec<(Rows, Rows)> =
        blocks.iter().zip(counts).map(|(block, count)| shown(block, count, query, map)).collect();
    let count: f32 = seen.iter().flat_map(|(_, seen)| seen).sum();
    if count < 40.0 {
        return None;
    }
    // Gain, bias and a linear fall of light over the frame: uneven light must not pass for a shift.
    let mut errors: Vec<(Rows, Rows)> = seen.iter().map(|(_, seen)| ([0.0; ROWS], *seen)).collect();
    let mut limit = f32::INFINITY;
    let mut absolute = Vec::with_capacity(number);
    for _ in 0..3 {
        let mut normal = Normal::<4, 1>::ZERO;
        for ((block, (values, seen)), (errors, _)) in blocks.iter().zip(&seen).zip(&errors) {
            let mut weights = *seen;
            weights.iter_mut().zip(errors).for_each(|(weight, error)| *weight *= geman(*error, limit));
            normal.add(&[*values, [1.0; ROWS], block.x, block.y], &[block.value], &weights);
        }
        let Normal { mut matrix, right: [mut right] } = normal;
        let total = matrix[1][1];
        for (k, ridge) in [1.0, 1e-3, 10.0, 10.0].into_iter().enumerate() {
            matrix[k][k] += ridge * total;
        }
        right[0] += total;
        let mut light = solve(matrix, right)?.map(|value| value as f32);
        light[0] = light[0].clamp(0.2, 5.0);
        for ((block, (values, _)), (errors, _)) in blocks.iter().zip(&seen).zip(&mut errors) {
            for (at, error) in errors.iter_mut().enumerate() {
                let predicted =
                    light[0] * values[at] + light[1] + light[2] * block.x[at] + light[3] * block.y[at];
                *error = predicted - block.value[at];
            }
        }
        limit = scale(&errors, &mut absolute);
    }
    let mean = over(blocks, &seen, |value| value) / count;
    let spread = over(blocks, &seen, |value| (value - mean).abs()) / count;
    Some(Fit { errors, scale: limit, score: limit / (spread + 4.0) })
}

/// The sum of a function of the template's values where the query shows them.
fn over(blocks: &[Block], seen: &[(Rows, Rows)], of: impl Fn(f32) -> f32) -> f32 {
    let one = |(block, (_, seen)): (&Block, &(Rows, Rows))| {
        block.value.iter().zip(seen).map(|(value, seen)| seen * of(*value)).sum::<f32>()
    };
    blocks.iter().zip(seen).map(one).sum()
}

/// The Geman-McClure weight of an error, 1 at 0.
fn geman(error: f32, scale: f32) -> f32 {
    let ratio = error / scale;
    let weight = 1.0 / (1.0 + ratio * ratio);
    weight * weight
}

/// Improves `map` (template pixels to query pixels) on one pyramid level, by at most so many steps of each kind, each
/// kind from where it all began. Returns it unchanged where nothing helped.
pub(crate) fn refine(
    template: &Plane,
    query: &Plane,
    map: Homography,
    runs: &[(Outliers, usize)],
) -> Homography {
    let points = points(template);
    let centre = (0.5 * template.width as f64, 0.5 * template.height as f64);
    let unit = 0.5 * template.width.max(template.height) as f64;
    let blocks = blocks(&points, centre, unit);
    let look = |map: &Homography| photometric(&blocks, points.len(), query, map);
    let Some(first) = look(&map) else { return map };
    let mut best = (map, first.score);
    for (outliers, iterations) in runs {
        let mut asked = if *outliers == Outliers::Kept { CLEARLY * best.1 } else { best.1 };
        let (mut current, mut later) = (map, None);
        for _ in 0..*iterations {
            let fit = later.as_ref().unwrap_or(&first);
            let Some(step) = step(&blocks, fit, *outliers) else { break };
            let Some(next) = compose(&current, &step, centre, unit) else { break };
            let moved = displacement(&current, &next, template);
            current = next;
            let Some(fit) = look(&current) else { break };
            if fit.score < asked {
                best = (current, fit.score);
                asked = fit.score;
            }
            later = Some(fit);
            if moved.is_none_or(|moved| moved < SETTLED) {
                break;
            }
        }
    }
    best.0
}

/// One weighted Gauss-Newton step for the eight parameters in centred coordinates of unit half side.
fn step(blocks: &[Block], fit: &Fit, outliers: Outliers) -> Option<[f64; 8]> {
    let mut normal = Normal::<8, 1>::ZERO;
    for (block, (errors, seen)) in blocks.iter().zip(&fit.errors) {
        let mut weights = *seen;
        if outliers == Outliers::Doubted {
            weights.iter_mut().zip(errors).for_each(|(weight, error)| *weight *= geman(*error, fit.scale));
        }
        normal.add(&block.derivatives, &[*errors], &weights);
    }
    let Normal { mut matrix, right: [right] } = normal;
    let trace: f64 = (0..8).map(|k| matrix[k][k]).sum();
    for (k, row) in matrix.iter_mut().enumerate() {
        // The two perspective terms are held more firmly: little texture must not tilt the picture.
        row[k] += trace * if k < 6 { 1e-6 } else { 1e-4 };
    }
    solve(matrix, right)
}

/// `map` after the inverse of the step.
fn compose(map: &Homography, step: &[f64; 8], centre: (f64, f64), unit: f64) -> Option<Homography> {
    let mut warp = Homography::IDENTITY;
    for (entry, change) in warp.0.iter_mut().zip(step) {
        *entry += change;
    }
    let inward =
        Homography([1.0 / unit, 0.0, -centre.0 / unit, 0.0, 1.0 / unit, -centre.1 / unit, 0.0, 0.0, 1.0]);
    let outward = Homography([unit, 0.0, centre.0, 0.0, unit, centre.1, 0.0, 0.0, 1.0]);
    map.after(&outward).after(&warp.inverse()?).after(&inward).normalised(centre)
}

/// The longest move of the template's corners between two maps, pixels.
fn displacement(from: &Homography, to: &Homography, template: &Plane) -> Option<f64> {
    let (before, after) =
        (from.corners(template.width, template.height)?, to.corners(template.width, template.height)?);
    let moves = before.iter().zip(&after).map(|(a, b)| (a.0 - b.0).abs().max((a.1 - b.1).abs()));
    Some(moves.fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn points_are_the_steepest_of_their_cells(
            width in 3_usize..90, height in 3_usize..90, seed in any::<u32>(), busy in any::<bool>(),
        ) {
            let value = |i: usize| {
                let mixed = (i as u32).wrapping_mul(2_654_435_761) ^ seed;
                if busy { (mixed >> 13) as u8 } else { ((i / 7 % 40) as u8) + (mixed >> 30) as u8 }
            };
            let template = Plane { width, height, data: (0..width * height).map(value).collect() };
            let slope = |x: usize, y: usize| {
                let across = template.at(x - 1, y).abs_diff(template.at(x + 1, y));
                across.max(template.at(x, y - 1).abs_diff(template.at(x, y + 1)))
            };
            let found = points(&template);
            prop_assert!(found.len() <= POINTS);
            let cell = ((width * height) as f64 / POINTS as f64).sqrt().ceil().max(1.0) as usize;
            let mut expected = 0;
            for top in (1..height - 1).step_by(cell) {
                for left in (1..width - 1).step_by(cell) {
                    let (right, bottom) = ((left + cell).min(width - 1), (top + cell).min(height - 1));
                    let steepest =
                        (top..bottom).flat_map(|y| (left..right).map(move |x| slope(x, y))).max();
                    let Some(steepest) = steepest.filter(|steepest| *steepest > WEAK) else { continue };
                    expected += 1;
                    let own = found.iter().find(|point| {
                        let (x, y) = (point.x as usize, point.y as usize);
                        (left..right).contains(&x) && (top..bottom).contains(&y)
                    });
                    let (x, y) = own.map(|point| (point.x as usize, point.y as usize)).unwrap();
                    prop_assert_eq!(slope(x, y), steepest);
                }
            }
            prop_assert_eq!(found.len(), expected);
        }
    }
}
