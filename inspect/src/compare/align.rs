//! Refinement of a homography on pixels, coarse to fine.
//!
//! Owns the choice of points, the robust inverse-compositional Gauss-Newton step with brightness gain and bias
//! (Baker and Matthews, "Lucas-Kanade 20 years on", IJCV 2004) and the test whether a step helped. Altered pixels
//! are outliers of a Geman-McClure weight, so a stain does not pull the picture towards itself.

// Pixel positions and sums of bytes are far below 2^24.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::homography::Homography;
use super::linear::solve;
use super::raster::Plane;

/// Points used per pyramid level, at most.
const POINTS: usize = 2500;
/// Gradient, grey levels a pixel, below which a point says nothing about position.
const WEAK: f32 = 2.5;
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
    let cell = ((width * height) as f64 / POINTS as f64).sqrt().ceil().max(1.0) as usize;
    let mut found = Vec::with_capacity(POINTS);
    for top in (1..height.saturating_sub(1)).step_by(cell) {
        for left in (1..width.saturating_sub(1)).step_by(cell) {
            let mut best: Option<Point> = None;
            let mut steepest = WEAK;
            for y in top..(top + cell).min(height - 1) {
                let row = &template.data[y * width..(y + 1) * width];
                for x in left..(left + cell).min(width - 1) {
                    let dx = 0.5 * (f32::from(row[x + 1]) - f32::from(row[x - 1]));
                    let dy = 0.5 * (f32::from(template.at(x, y + 1)) - f32::from(template.at(x, y - 1)));
                    let slope = dx.abs().max(dy.abs());
                    if slope > steepest {
                        steepest = slope;
                        best = Some(Point {
                            x: x as f32,
                            y: y as f32,
                            value: f32::from(row[x]),
                            gradient: (dx, dy),
                        });
                    }
                }
            }
            found.extend(best);
        }
    }
    found
}

/// What the query shows at the template's points.
struct Fit {
    /// Error per point after gain, bias and light; `None` where the query does not show the point.
    errors: Vec<Option<f32>>,
    /// Median absolute error over the template's spread: small is good.
    score: f32,
}

fn photometric(points: &[Point], query: &Plane, map: &Homography) -> Option<Fit> {
    let seen: Vec<Option<f32>> = points
        .iter()
        .map(|point| {
            let (x, y) = map.apply(f64::from(point.x), f64::from(point.y))?;
            query.sample(x as f32, y as f32)
        })
        .collect();
    let pairs = || points.iter().zip(&seen).filter_map(|(point, value)| Some((point, (*value)?)));
    let count = pairs().count();
    if count < 40 {
        return None;
    }
    // Gain, bias and a linear fall of light over the frame: uneven light must not pass for a shift.
    let mut light = [1.0_f32, 0.0, 0.0, 0.0];
    let mut scale = f32::INFINITY;
    let error = |light: &[f32; 4], point: &Point, value: f32| {
        light[0] * value + light[1] + light[2] * point.x + light[3] * point.y - point.value
    };
    let mut absolute = Vec::with_capacity(count);
    for _ in 0..3 {
        let mut normal = [[0.0_f64; 4]; 4];
        let mut right = [0.0_f64; 4];
        for (point, value) in pairs() {
            let weight = if scale.is_finite() { geman(error(&light, point, value), scale) } else { 1.0 };
            let terms = [value, 1.0, point.x, point.y].map(f64::from);
            for row in 0..4 {
                let weighted = f64::from(weight) * terms[row];
                for column in 0..=row {
                    normal[row][column] += weighted * terms[column];
                }
                right[row] += weighted * f64::from(point.value);
            }
        }
        let total = normal[1][1];
        for (k, ridge) in [1.0, 1e-3, 10.0, 10.0].into_iter().enumerate() {
            normal[k][k] += ridge * total;
        }
        right[0] += total;
        light = solve(normal, right)?.map(|value| value as f32);
        light[0] = light[0].clamp(0.2, 5.0);
        absolute.clear();
        absolute.extend(pairs().map(|(point, value)| error(&light, point, value).abs()));
        let middle = absolute.len() / 2;
        let (_, median, _) = absolute.select_nth_unstable_by(middle, f32::total_cmp);
        scale = (1.5 * *median).max(2.0);
    }
    let errors = points.iter().zip(&seen).map(|(p, v)| v.map(|v| error(&light, p, v))).collect();
    let mean = pairs().map(|(point, _)| point.value).sum::<f32>() / count as f32;
    let spread = pairs().map(|(point, _)| (point.value - mean).abs()).sum::<f32>() / count as f32;
    Some(Fit { errors, score: scale / (spread + 4.0) })
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
    let Some(first) = photometric(&points, query, &map) else { return map };
    let mut best = (map, first.score);
    for (outliers, iterations) in runs {
        let mut asked = if *outliers == Outliers::Kept { CLEARLY * best.1 } else { best.1 };
        let (mut current, mut later) = (map, None);
        for _ in 0..*iterations {
            let fit = later.as_ref().unwrap_or(&first);
            let Some(step) = step(&points, fit, *outliers, centre, unit) else { break };
            let Some(next) = compose(&current, &step, centre, unit) else { break };
            let moved = displacement(&current, &next, template);
            current = next;
            let Some(fit) = photometric(&points, query, &current) else { break };
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
fn step(points: &[Point], fit: &Fit, outliers: Outliers, centre: (f64, f64), unit: f64) -> Option<[f64; 8]> {
    let mut absolute: Vec<f32> = fit.errors.iter().flatten().map(|error| error.abs()).collect();
    let middle = absolute.len() / 2;
    let (_, median, _) = absolute.select_nth_unstable_by(middle, f32::total_cmp);
    let scale = (1.5 * *median).max(2.0);
    let mut normal = [[0.0_f32; 8]; 8];
    let mut right = [0.0_f32; 8];
    for (point, error) in points.iter().zip(&fit.errors) {
        let Some(error) = *error else { continue };
        let (x, y) = ((point.x - centre.0 as f32) / unit as f32, (point.y - centre.1 as f32) / unit as f32);
        let (gx, gy) = (point.gradient.0 * unit as f32, point.gradient.1 * unit as f32);
        let radial = -(gx * x + gy * y);
        let derivative = [gx * x, gx * y, gx, gy * x, gy * y, gy, radial * x, radial * y];
        let weight = if outliers == Outliers::Kept { 1.0 } else { geman(error, scale) };
        let weighted = derivative.map(|value| value * weight);
        for row in 0..8 {
            for column in 0..8 {
                normal[row][column] += weighted[row] * derivative[column];
            }
            right[row] += weighted[row] * error;
        }
    }
    let mut matrix = normal.map(|row| row.map(f64::from));
    let trace: f64 = (0..8).map(|k| matrix[k][k]).sum();
    for (k, row) in matrix.iter_mut().enumerate() {
        // The two perspective terms are held more firmly: little texture must not tilt the picture.
        row[k] += trace * if k < 6 { 1e-6 } else { 1e-4 };
    }
    solve(matrix, right.map(f64::from))
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
