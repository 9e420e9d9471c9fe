//! Parallax: local shifts between two aligned pictures that no plane map explains.
//!
//! Owns the measurement of local shifts, the robust fit of a plane map to them and what is left. A picture derived
//! from another, however cropped or photographed from a screen, follows one plane map closely; a second photograph
//! from another place does not, unless all that it shows is flat. Decides nothing.

// Pixel positions are below 2^16; sums of bytes are exact or rounded alike on every machine.
#![allow(clippy::cast_precision_loss)]

use super::linear::solve;
use super::sketch::Sketch;
use super::warp::Field;

/// Side of a cell, sketch pixels; a place is a square of two by two cells.
const CELL: usize = 8;
/// Mean squared gradient, grey levels a pixel, from which a place has a position.
const TEXTURE: f32 = 12.0;
/// Squared gradient at which a place's shift counts half: noise of a few grey levels.
const NOISE: f32 = 10.0;
/// Longest residual shift, sketch pixels: linearisation carries no further.
const REACH: f32 = 3.0;
/// Places below which nothing is said.
const FEW: usize = 20;
/// Rounds of the robust fit.
const ROUNDS: usize = 4;
/// Departure, sketch pixels, below which a place lies still: derived pictures leave half as much.
const STILL: f32 = 0.1;
/// Parameters of a small homography.
const TERMS: usize = 8;

/// How far local shifts depart from a plane map.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Parallax {
    /// Median departure over textured places, pixels of a sketch (192 along the longer side), weighted by texture.
    pub median: f32,
    /// The upper quartile of the same.
    pub quartile: f32,
    /// Share of the places that depart by less than a tenth of such a pixel, 0 to 1.
    pub still: f32,
    /// Textured places measured; 0 if too few to say anything.
    pub places: u32,
}

/// Sums over a cell: products of the gradients and the error, their plain sums, and the pixels seen.
type Sums = [f32; 9];

/// A place's shift and how well its texture fixes it.
struct Place {
    at: (f32, f32),
    /// xx, xy, yy; 0 to 1.
    weight: [f32; 3],
    shift: (f32, f32),
}

/// The parallax between the predicted picture and the query that was warped through `field`.
pub(crate) fn measure(sketch: &Sketch, field: &Field) -> Parallax {
    let places = places(sketch, field);
    if places.len() < FEW {
        return Parallax::default();
    }
    let size = (sketch.predicted.width as f32, sketch.predicted.height as f32);
    let mut left = departures(&places, size);
    left.sort_unstable_by(f32::total_cmp);
    Parallax {
        median: left[left.len() / 2],
        quartile: left[left.len() * 3 / 4],
        still: left.iter().filter(|value| **value < STILL).count() as f32 / left.len() as f32,
        places: u32::try_from(left.len()).unwrap_or(u32::MAX),
    }
}

fn places(sketch: &Sketch, field: &Field) -> Vec<Place> {
    let (columns, rows, sums) = cells(sketch);
    let mut places = Vec::with_capacity(sums.len());
    for row in 1..rows {
        for column in 1..columns {
            let low = row * columns + column;
            let four = [low - columns - 1, low - columns, low - 1, low];
            let total: Sums = std::array::from_fn(|k| four.iter().map(|cell| sums[*cell][k]).sum());
            let centre = ((column * CELL + 1) as f32, (row * CELL + 1) as f32);
            places.extend(place(total, centre, field.at(centre.0, centre.1)));
        }
    }
    places
}

/// The sums of all whole cells, row by row from pixel (1, 1).
fn cells(sketch: &Sketch) -> (usize, usize, Vec<Sums>) {
    let (a, b, valid) = (&sketch.predicted, &sketch.query, &sketch.valid);
    let width = a.width;
    let (columns, rows) = (width.saturating_sub(2) / CELL, a.height.saturating_sub(2) / CELL);
    let mut sums = vec![[0.0_f32; 9]; columns * rows];
    for (row, line) in sums.chunks_exact_mut(columns.max(1)).enumerate() {
        for y in row * CELL + 1..(row + 1) * CELL + 1 {
            let start = y * width;
            let own = &a.data[start..start + width];
            let (above, below) = (&a.data[start - width..start], &a.data[start + width..start + 2 * width]);
            let (other, seen) = (&b.data[start..start + width], &valid.data[start..start + width]);
            for (column, sums) in line.iter_mut().enumerate() {
                for x in column * CELL + 1..(column + 1) * CELL + 1 {
                    let one = if seen[x] >= 250 { 1.0 } else { 0.0 };
                    let gx = 0.5 * one * (f32::from(own[x + 1]) - f32::from(own[x - 1]));
                    let gy = 0.5 * one * (f32::from(below[x]) - f32::from(above[x]));
                    let error = one * (f32::from(other[x]) - f32::from(own[x]));
                    let terms = [gx * gx, gx * gy, gy * gy, gx * error, gy * error, gx, gy, error, one];
                    for (sum, term) in sums.iter_mut().zip(terms) {
                        *sum += term;
                    }
                }
            }
        }
    }
    (columns, rows, sums)
}

/// The shift of a place by one Gauss-Newton step on what the field left, with its own brightness; `None` where it is
/// not seen or has no texture.
fn place(sums: Sums, at: (f32, f32), field: (f32, f32)) -> Option<Place> {
    let count = sums[8];
    if count < 0.9 * (4 * CELL * CELL) as f32 {
        return None;
    }
    let [xx, xy, yy, bx, by, gx, gy, error, _] = sums.map(|sum| sum / count);
    let (xx, xy, yy) = (xx - gx * gx, xy - gx * gy, yy - gy * gy);
    let (bx, by) = (bx - gx * error, by - gy * error);
    let trace = xx + yy;
    if trace < TEXTURE {
        return None;
    }
    // Along an edge the shift is unknown: a small ridge leaves it at rest.
    let ridge = 0.02 * trace + 0.3;
    let (a, c) = (xx + ridge, yy + ridge);
    let determinant = a * c - xy * xy;
    let (dx, dy) = ((c * bx - xy * by) / determinant, (a * by - xy * bx) / determinant);
    let whole = |step: f32, field: f32| step.clamp(-REACH, REACH) + field;
    Some(Place {
        at,
        weight: [xx, xy, yy].map(|value| value / (trace + NOISE)),
        shift: (whole(dx, field.0), whole(dy, field.1)),
    })
}

/// The derivatives of a small homography's shift by its parameters, along x and along y.
fn terms(at: (f32, f32), size: (f32, f32)) -> [[f32; TERMS]; 2] {
    let unit = 0.5 * size.0.max(size.1);
    let (x, y) = ((at.0 - 0.5 * size.0) / unit, (at.1 - 0.5 * size.1) / unit);
    [[1.0, x, y, 0.0, 0.0, 0.0, x * x, x * y], [0.0, 0.0, 0.0, 1.0, x, y, x * y, y * y]]
}

/// What the best plane map leaves of each shift, pixels, weighted by texture.
fn departures(places: &[Place], size: (f32, f32)) -> Vec<f32> {
    let rows: Vec<[[f32; TERMS]; 2]> = places.iter().map(|place| terms(place.at, size)).collect();
    let left = |model: &[f32; TERMS]| -> Vec<f32> {
        let dot = |row: &[f32; TERMS]| row.iter().zip(model).map(|(a, b)| a * b).sum::<f32>();
        let one = |(place, row): (&Place, &[[f32; TERMS]; 2])| {
            let (x, y) = (place.shift.0 - dot(&row[0]), place.shift.1 - dot(&row[1]));
            let [xx, xy, yy] = place.weight;
            (xx * x * x + 2.0 * xy * x * y + yy * y * y).max(0.0).sqrt()
        };
        places.iter().zip(&rows).map(one).collect()
    };
    let mut model = [0.0_f32; TERMS];
    let mut found = left(&model);
    for round in 0..ROUNDS {
        let mut sorted = found.clone();
        let middle = sorted.len() / 2;
        let (_, median, _) = sorted.select_nth_unstable_by(middle, f32::total_cmp);
        let limit = if round == 0 { f32::INFINITY } else { (2.0 * *median).max(0.05) };
        let Some(better) = fit(places, &rows, &found, limit) else { break };
        model = better;
        found = left(&model);
    }
    found
}

/// Least squares with Geman-McClure weights of scale `limit` by what was `left` before.
fn fit(places: &[Place], rows: &[[[f32; TERMS]; 2]], left: &[f32], limit: f32) -> Option<[f32; TERMS]> {
    let mut normal = [[0.0_f64; TERMS]; TERMS];
    let mut right = [0.0_f64; TERMS];
    for ((place, [across, down]), left) in places.iter().zip(rows).zip(left) {
        let ratio = left / limit;
        let trust = 1.0 / ((1.0 + ratio * ratio) * (1.0 + ratio * ratio));
        let [xx, xy, yy] = place.weight.map(|value| value * trust);
        for i in 0..TERMS {
            let (x, y) = (xx * across[i] + xy * down[i], xy * across[i] + yy * down[i]);
            for j in 0..=i {
                normal[i][j] += f64::from(x * across[j] + y * down[j]);
            }
            right[i] += f64::from(x * place.shift.0 + y * place.shift.1);
        }
    }
    for (k, row) in normal.iter_mut().enumerate() {
        row[k] += 1e-3;
    }
    Some(solve(normal, right)?.map(|value| {
        #[allow(clippy::cast_possible_truncation)] // a rounding, not a range
        let value = value as f32;
        value
    }))
}
