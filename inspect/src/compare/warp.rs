//! Bringing the query into the frame, with block-wise local alignment.
//!
//! Owns the displacement field on a coarse grid, its estimation (one translational Gauss-Newton step per block with
//! outlier weights, smoothed over neighbours) and the bilinear warp.

// Pixel positions are below 2^16 and results are clamped to bytes.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::homography::Homography;
use super::raster::{Plane, Rgb, whole};

/// Pixels between two nodes of the displacement field.
const STEP: usize = 20;
/// Longest local displacement, pixels: more is no residue of alignment.
const REACH: f32 = 2.0;

/// Displacements in frame pixels, at nodes [`STEP`] pixels apart, bilinear in between.
pub(crate) struct Field {
    columns: usize,
    rows: usize,
    nodes: Vec<(f32, f32)>,
}

impl Field {
    pub(crate) fn zero(width: usize, height: usize) -> Self {
        let (columns, rows) = (width / STEP + 2, height / STEP + 2);
        Self { columns, rows, nodes: vec![(0.0, 0.0); columns * rows] }
    }

    fn node(&self, column: usize, row: usize) -> (f32, f32) {
        self.nodes
            .get(row.min(self.rows - 1) * self.columns + column.min(self.columns - 1))
            .copied()
            .unwrap_or_default()
    }

    /// The field for a frame of another size over the same picture.
    pub(crate) fn rescaled(&self, from: (usize, usize), to: (usize, usize)) -> Self {
        let mut out = Self::zero(to.0, to.1);
        let grow = (to.0 as f32 / from.0 as f32, to.1 as f32 / from.1 as f32);
        let columns = out.columns;
        for (index, node) in out.nodes.iter_mut().enumerate() {
            let at = ((index % columns * STEP) as f32 / grow.0, (index / columns * STEP) as f32 / grow.1);
            let (x, y) = self.at(at.0, at.1);
            *node = (x * grow.0, y * grow.1);
        }
        out
    }

    /// The displacement at (x, y).
    pub(crate) fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = (x.max(0.0) / STEP as f32, y.max(0.0) / STEP as f32);
        let (column, row) = (x as usize, y as usize);
        let (fx, fy) = (x - column as f32, y - row as f32);
        let mix = |a: (f32, f32), b: (f32, f32), f: f32| (a.0 + f * (b.0 - a.0), a.1 + f * (b.1 - a.1));
        let left = mix(self.node(column, row), self.node(column, row + 1), fy);
        let right = mix(self.node(column + 1, row), self.node(column + 1, row + 1), fy);
        mix(left, right, fx)
    }

    /// The displacements along one row of the frame, across and down.
    fn line(&self, y: usize, across: &mut [f32], down: &mut [f32]) {
        let (row, fy) = (y / STEP, (y % STEP) as f32 / STEP as f32);
        let mix = |a: (f32, f32), b: (f32, f32), f: f32| (a.0 + f * (b.0 - a.0), a.1 + f * (b.1 - a.1));
        let runs = across.chunks_mut(STEP).zip(down.chunks_mut(STEP));
        for (column, (across, down)) in runs.enumerate() {
            let left = mix(self.node(column, row), self.node(column, row + 1), fy);
            let right = mix(self.node(column + 1, row), self.node(column + 1, row + 1), fy);
            let slope = ((right.0 - left.0) / STEP as f32, (right.1 - left.1) / STEP as f32);
            for (index, (x, y)) in across.iter_mut().zip(down).enumerate() {
                *x = left.0 + slope.0 * index as f32;
                *y = left.1 + slope.1 * index as f32;
            }
        }
    }

    /// The field that best moves `moving` (the warped query's luma) onto `fixed`. Where `valid` is 0, or blocks have no
    /// texture, neighbours decide.
    pub(crate) fn estimate(fixed: &Plane, moving: &Plane, valid: &[u8]) -> Self {
        let (width, height) = (fixed.width, fixed.height);
        let mut field = Self::zero(width, height);
        // Per node: xx, xy, yy, and the two right-hand sides.
        let mut sums = vec![[0.0_f32; 5]; field.nodes.len()];
        for row in 0..field.rows {
            for column in 0..field.columns {
                if let Some(sum) = sums.get_mut(row * field.columns + column) {
                    *sum = block((column * STEP, row * STEP), fixed, moving, valid);
                }
            }
        }
        // Neighbours lend a quarter (sides) and a sixteenth (corners): smooth where texture is poor.
        for row in 0..field.rows {
            for column in 0..field.columns {
                let mut total = [0.0_f32; 5];
                for (dy, wy) in [(0, 0.5), (1, 1.0), (2, 0.5)] {
                    for (dx, wx) in [(0, 0.5), (1, 1.0), (2, 0.5)] {
                        let (Some(r), Some(c)) = ((row + dy).checked_sub(1), (column + dx).checked_sub(1))
                        else {
                            continue;
                        };
                        if r >= field.rows || c >= field.columns {
                            continue;
                        }
                        for (value, part) in total.iter_mut().zip(sums[r * field.columns + c]) {
                            *value += wy * wx * part;
                        }
                    }
                }
                let [xx, xy, yy, bx, by] = total;
                // A ridge worth about 200 pixels of gradient 3 holds flat blocks at rest.
                let (xx, yy) = (xx + 1800.0, yy + 1800.0);
                let determinant = xx * yy - xy * xy;
                if determinant > 1.0 {
                    let move_x = (yy * bx - xy * by) / determinant;
                    let move_y = (xx * by - xy * bx) / determinant;
                    field.nodes[row * field.columns + column] =
                        (move_x.clamp(-REACH, REACH), move_y.clamp(-REACH, REACH));
                }
            }
        }
        field
    }
}

/// Normal equations of one block centred at `centre`: two passes, the second with outlier weights from the first.
fn block(centre: (usize, usize), fixed: &Plane, moving: &Plane, valid: &[u8]) -> [f32; 5] {
    let (width, height) = (fixed.width, fixed.height);
    let (left, right) = (centre.0.saturating_sub(STEP / 2).max(1), (centre.0 + STEP / 2).min(width - 1));
    let (top, bottom) = (centre.1.saturating_sub(STEP / 2).max(1), (centre.1 + STEP / 2).min(height - 1));
    let mut sums = [0.0_f32; 5];
    for y in top..bottom {
        let start = y * width;
        let (above, row, below) = (
            &fixed.data[start - width..start],
            &fixed.data[start..start + width],
            &fixed.data[start + width..start + 2 * width],
        );
        let (seen, other) = (&valid[start..start + width], &moving.data[start..start + width]);
        for x in left..right {
            let gx = 0.5 * (f32::from(row[x + 1]) - f32::from(row[x - 1]));
            let gy = 0.5 * (f32::from(below[x]) - f32::from(above[x]));
            let error = f32::from(other[x]) - f32::from(row[x]);
            // An error that no move of two pixels explains belongs to an alteration.
            let bound = 6.0 + 1.5 * (gx.abs() + gy.abs());
            let weight = if seen[x] == 0 || error.abs() > bound { 0.0 } else { 1.0 };
            for (sum, term) in sums.iter_mut().zip([gx * gx, gx * gy, gy * gy, gx * error, gy * error]) {
                *sum += weight * term;
            }
        }
    }
    sums
}

/// The query's part seen from a `width` x `height` frame, and 255 where it shows the frame, 0 elsewhere.
///
/// A displacement d moves the sampling point by -d: the moving picture shows at x what the fixed one shows at x + d.
pub(crate) fn warp(
    part: &Rgb,
    map: &Homography,
    field: &Field,
    width: usize,
    height: usize,
) -> (Rgb, Vec<u8>) {
    let mut rgb = vec![0_u8; width * height * 3];
    let mut valid = vec![0_u8; width * height];
    let (mut across, mut down) = (vec![0.0_f32; width], vec![0.0_f32; width]);
    let columns: Vec<f32> = (0..width).map(|x| x as f32).collect();
    // Where the query shows the pixels of a row: the byte where the upper left one of four pixels begins, -1 outside, and
    // how far it is to the next column and to the next row, in parts of ONE.
    let [mut starts, mut right_parts, mut down_parts] = [(); 3].map(|()| vec![0_i32; width]);
    let m = map.0.map(|value| value as f32);
    let (right, bottom) = ((part.width - 1) as f32, (part.height - 1) as f32);
    let stride = part.width * 3;
    let lines = rgb.chunks_exact_mut(width * 3).zip(valid.chunks_exact_mut(width));
    for (y, (line, seen)) in lines.enumerate() {
        field.line(y, &mut across, &mut down);
        // Without branches, so that it becomes vector code.
        let from_top = y as f32;
        let shifts = columns.iter().zip(&across).zip(&down);
        let places = starts.iter_mut().zip(&mut right_parts).zip(&mut down_parts);
        for (((x, u), v), ((start, right_part), down_part)) in shifts.zip(places) {
            let (px, py) = (x - u, from_top - v);
            let depth = 1.0 / (m[6] * px + m[7] * py + m[8]);
            let (qx, qy) = ((m[0] * px + m[1] * py + m[2]) * depth, (m[3] * px + m[4] * py + m[5]) * depth);
            let inside = (qx >= 0.0) & (qy >= 0.0) & (qx < right) & (qy < bottom);
            let (column, row) = (whole(qx), whole(qy));
            let first = row.wrapping_mul(stride as i32).wrapping_add(column.wrapping_mul(3));
            *start = if inside { first } else { -1 };
            *right_part = whole((qx - column as f32) * ONE);
            *down_part = whole((qy - row as f32) * ONE);
        }
        let places = starts.iter().zip(&right_parts).zip(&down_parts);
        let pixels = line.as_chunks_mut::<3>().0.iter_mut().zip(seen);
        for ((pixel, seen), ((start, right_part), down_part)) in pixels.zip(places) {
            let Ok(start) = usize::try_from(*start) else { continue };
            let (above, below) = (pair(&part.rgb, start), pair(&part.rgb, start + stride));
            *pixel = between(&above, &below, *right_part, *down_part);
            *seen = 255;
        }
    }
    (Rgb { width, height, rgb }, valid)
}

/// Parts of the way from pixel to pixel.
const ONE: f32 = 128.0;

/// Two neighbouring pixels, and two bytes that are read because eight are one load.
fn pair(rgb: &[u8], start: usize) -> [u8; 8] {
    let rest = rgb.get(start..).unwrap_or_default();
    rest.first_chunk().copied().unwrap_or_else(|| {
        // The last two pixels of all.
        let mut pair = [0; 8];
        pair.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        pair
    })
}

/// The bilinear value between two pixels and the two below them, exact up to one rounding; `right` and `down` are parts of
/// [`ONE`].
fn between(above: &[u8; 8], below: &[u8; 8], right: i32, down: i32) -> [u8; 3] {
    // Four bytes of a word at once: each has 16 bits for 128 parts of it.
    const EVERY_SECOND: u64 = 0x00ff_00ff_00ff_00ff;
    let (above, below) = (u64::from_le_bytes(*above), u64::from_le_bytes(*below));
    let (top, down) = ((128 - down) as u64, down as u64);
    let column = |shift: u32| {
        let (above, below) = (above >> shift & EVERY_SECOND, below >> shift & EVERY_SECOND);
        above.wrapping_mul(top).wrapping_add(below.wrapping_mul(down))
    };
    let (even, odd) = (column(0), column(8));
    let (left, right) = ((128 - right) as u32, right as u32);
    let mixed = |first: u64, second: u64| {
        let (first, second) = (u32::from(first as u16), u32::from(second as u16));
        ((first * left + second * right + 8192) >> 14) as u8
    };
    // Bytes 0, 1, 2 are the left pixel, 3, 4, 5 the right one.
    [mixed(even, odd >> 16), mixed(odd, even >> 32), mixed(even >> 16, odd >> 32)]
}
