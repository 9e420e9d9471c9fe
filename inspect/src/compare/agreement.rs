//! Whether two aligned, tone-matched pictures are one capture.
//!
//! Owns the block-wise normalised cross-correlation at the scale of the registered sketch and its median. Honest
//! photographs of the same object agree in outline but not block by block.

// Block sums are exact in f32 or rounded alike on every machine.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::raster::Plane;
use super::sketch::Sketch;

/// Textured blocks below which nothing is said.
const FEW_BLOCKS: u32 = 10;
/// Side of a block, pixels of the sketch scale.
const BLOCK: usize = 12;
/// Standard deviation, grey levels, above which a block has texture.
const TEXTURE: f32 = 5.0;
/// Grain, grey levels, beyond which it is no longer excused.
const GRAIN: f32 = 6.0;
/// Correlation that one and the same block does not fall below.
const ALIKE: f32 = 0.7;

/// The agreement of two pictures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Agreement {
    /// Median over textured blocks of the normalised cross-correlation, -1 to 1; 0 without such blocks.
    pub median: f32,
    /// The lower quartile of the same.
    pub quartile: f32,
    /// Share of textured blocks that correlate at all, 0 to 1.
    pub alike: f32,
    /// Textured blocks that do not correlate as a share of all blocks seen, plain ones included, 0 to 1.
    pub unlike: f32,
    /// Number of textured blocks compared.
    pub blocks: u32,
}

impl Agreement {
    /// Too few textured blocks to say anything.
    #[must_use]
    pub const fn is_too_plain(&self) -> bool {
        self.blocks < FEW_BLOCKS
    }
}

pub(crate) fn measure(sketch: &Sketch) -> Agreement {
    let (a, b, valid) = (&sketch.predicted, &sketch.query, &sketch.valid);
    let (width, height) = (a.width, a.height);
    let noise = noise(a, b, valid);
    let (mut found, mut all) = (Vec::new(), 0_u32);
    for top in (0..(height + 1).saturating_sub(BLOCK)).step_by(BLOCK / 2) {
        for left in (0..(width + 1).saturating_sub(BLOCK)).step_by(BLOCK / 2) {
            if seen(valid, left, top) {
                all += 1;
                found.extend(correlate(a, b, left, top, noise));
            }
        }
    }
    if found.is_empty() {
        return Agreement::default();
    }
    found.sort_unstable_by(f32::total_cmp);
    let alike = found.iter().filter(|value| **value > ALIKE).count();
    Agreement {
        median: found[found.len() / 2],
        quartile: found[found.len() / 4],
        alike: alike as f32 / found.len() as f32,
        unlike: (found.len() - alike) as f32 / all.max(1) as f32,
        blocks: u32::try_from(found.len()).unwrap_or(u32::MAX),
    }
}

/// Whether a block lies in the overlap, but for a tenth.
fn seen(valid: &Plane, left: usize, top: usize) -> bool {
    let rows =
        (top..top + BLOCK).map(|y| &valid.data[y * valid.width + left..y * valid.width + left + BLOCK]);
    rows.flatten().map(|value| u32::from(*value)).sum::<u32>() >= 255 * (BLOCK * BLOCK * 9 / 10) as u32
}

/// The query's grain, grey levels: the lower quartile of the deviation over blocks where nothing is predicted. A
/// screen photographed again has grain everywhere; an object in another scene has not.
fn noise(a: &Plane, b: &Plane, valid: &Plane) -> f32 {
    let mut flat = Vec::new();
    for top in (0..(a.height + 1).saturating_sub(BLOCK)).step_by(BLOCK) {
        for left in (0..(a.width + 1).saturating_sub(BLOCK)).step_by(BLOCK) {
            if seen(valid, left, top) && moments(a, left, top).1 < 0.5 * TEXTURE {
                flat.push(moments(b, left, top).1);
            }
        }
    }
    if flat.len() < 8 {
        return 0.0;
    }
    let quarter = flat.len() / 4;
    let (_, level, _) = flat.select_nth_unstable_by(quarter, f32::total_cmp);
    level.min(GRAIN)
}

/// The best correlation of a block over moves of one pixel; `None` without texture in either picture.
fn correlate(a: &Plane, b: &Plane, left: usize, top: usize, noise: f32) -> Option<f32> {
    let here = moments(a, left, top);
    let other = moments(b, left, top);
    if here.1 <= TEXTURE && other.1 <= TEXTURE + 2.0 * noise {
        return None;
    }
    let mut best = correlation(a, (left, top), here, b, (left, top), other);
    if best < 0.98 {
        for y in top.saturating_sub(1)..=(top + 1).min(a.height - BLOCK) {
            for x in left.saturating_sub(1)..=(left + 1).min(a.width - BLOCK) {
                if (x, y) != (left, top) {
                    best = best.max(correlation(a, (left, top), here, b, (x, y), moments(b, x, y)));
                }
            }
        }
    }
    Some(best)
}

/// Mean and standard deviation of a block.
fn moments(plane: &Plane, left: usize, top: usize) -> (f32, f32) {
    let (mut sum, mut squares) = (0_u32, 0_u32);
    for y in top..top + BLOCK {
        for value in &plane.data[y * plane.width + left..y * plane.width + left + BLOCK] {
            sum += u32::from(*value);
            squares += u32::from(*value) * u32::from(*value);
        }
    }
    let count = (BLOCK * BLOCK) as f32;
    let mean = sum as f32 / count;
    (mean, (squares as f32 / count - mean * mean).max(0.0).sqrt())
}

fn correlation(
    a: &Plane,
    at: (usize, usize),
    of_a: (f32, f32),
    b: &Plane,
    other: (usize, usize),
    of_b: (f32, f32),
) -> f32 {
    let mut products = 0_u32;
    for y in 0..BLOCK {
        let first = (at.1 + y) * a.width + at.0;
        let second = (other.1 + y) * b.width + other.0;
        for (p, q) in a.data[first..first + BLOCK].iter().zip(&b.data[second..second + BLOCK]) {
            products += u32::from(*p) * u32::from(*q);
        }
    }
    let covariance = products as f32 / (BLOCK * BLOCK) as f32 - of_a.0 * of_b.0;
    // One grey level squared stands for rounding noise.
    covariance / (of_a.1 * of_b.1 + 1.0)
}

/// The plane under a 3 x 3 binomial filter; the outermost pixels stay.
pub(crate) fn softened(plane: &Plane) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let mut out = plane.clone();
    if width < 3 || height < 3 {
        return out;
    }
    let mut sums = vec![0_u16; width];
    for y in 1..height - 1 {
        let rows = &plane.data[(y - 1) * width..(y + 2) * width];
        for (x, sum) in sums.iter_mut().enumerate() {
            *sum = u16::from(rows[x]) + 2 * u16::from(rows[x + width]) + u16::from(rows[x + 2 * width]);
        }
        let line = &mut out.data[y * width + 1..(y + 1) * width - 1];
        for (value, around) in line.iter_mut().zip(sums.windows(3)) {
            *value = ((around[0] + 2 * around[1] + around[2] + 8) >> 4) as u8;
        }
    }
    out
}
