//! What the query shows along the reference's border, inside and outside.
//!
//! Owns the sampling of strips on both sides of the border and their statistics. Whoever derives a picture from
//! another does not know what lay beyond its border; a second photograph of the scene shows it. Decides nothing.

// Pixel positions are below 2^16; counts are small.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::frame::Frame;
use super::homography::Homography;
use super::raster::Plane;

/// Longest side of a sketch, pixels: the unit of all distances here.
const SKETCH: f64 = 192.0;
/// Distances of a strip's samples from the border.
const STRIP: [f64; 3] = [1.5, 2.0, 2.5];
/// How far inside the third strip lies, in multiples of the first one's distance.
const DEEPER: f64 = 3.0;
/// Pixels of the border taken together, and those that must be seen.
const RUN: usize = 16;
const SEEN: usize = 12;
/// Variance, grey levels squared, from which a run has texture.
const TEXTURE: f64 = 16.0;
/// How far beyond the border the query must reach for the border to count as lying well inside it.
const BEYOND: f64 = 9.0;
/// Points per side at which that is looked at.
const POINTS: u32 = 50;

/// The border of the reference in the query.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Border {
    /// Correlation along the border of what lies just inside with what lies just outside, pooled, -1 to 1.
    pub correlation: f32,
    /// Sketch pixels of border that have texture on both sides.
    pub textured: f32,
    /// Standard deviation of the outside along runs of 16 pixels, grey levels.
    pub contrast: f32,
    /// Mean step across the border over the mean step over the same distance inside.
    pub step: f32,
    /// Share of the border beyond which the query goes on for another 5 % of the longer side, 0 to 1.
    pub beyond: f32,
}

/// Sums over the border.
#[derive(Default)]
struct Sums {
    inside: f64,
    outside: f64,
    both: f64,
    across: f64,
    within: f64,
    seen: f64,
    textured: f64,
}

/// The border as the query of `size` pixels shows it; `luma` is that of the frame's part.
pub(crate) fn measure(frame: &Frame, luma: &Plane, size: (usize, usize)) -> Border {
    let (width, height) = (frame.reference.width as f64, frame.reference.height as f64);
    let unit = (width.max(height) / SKETCH).max(1.0);
    let (right, bottom) = (width - 1.0, height - 1.0);
    let mut sums = Sums::default();
    for side in [
        Side { from: (0.0, 0.0), along: (unit, 0.0), out: (0.0, -unit), length: right / unit },
        Side { from: (0.0, bottom), along: (unit, 0.0), out: (0.0, unit), length: right / unit },
        Side { from: (0.0, 0.0), along: (0.0, unit), out: (-unit, 0.0), length: bottom / unit },
        Side { from: (right, 0.0), along: (0.0, unit), out: (unit, 0.0), length: bottom / unit },
    ] {
        side.add(luma, &frame.to_part, &mut sums);
    }
    let per = |sum: f64| sum / sums.seen.max(1.0);
    Border {
        correlation: (sums.both / (sums.inside * sums.outside + 1.0).sqrt()) as f32,
        textured: sums.textured as f32,
        contrast: per(sums.outside).sqrt() as f32,
        step: (per(sums.across) / per(sums.within).max(0.1)) as f32,
        beyond: beyond(&frame.to_query(), (width, height), unit, size),
    }
}

/// One side of the border: where it starts, one sketch pixel along it and out of the frame, and its sketch pixels.
struct Side {
    from: (f64, f64),
    along: (f64, f64),
    out: (f64, f64),
    length: f64,
}

impl Side {
    /// The query's mean luma across a strip, at the `index`th pixel along; `side` 1 is outside, -1 inside.
    fn strip(&self, luma: &Plane, map: &Homography, index: usize, side: f64) -> Option<f64> {
        let mut sum = 0.0;
        for distance in STRIP {
            let (along, out) = (index as f64, side * distance);
            let (x, y) = map.apply(
                self.from.0 + along * self.along.0 + out * self.out.0,
                self.from.1 + along * self.along.1 + out * self.out.1,
            )?;
            sum += f64::from(luma.sample(x as f32, y as f32)?);
        }
        Some(sum / STRIP.len() as f64)
    }

    fn add(&self, luma: &Plane, map: &Homography, sums: &mut Sums) {
        let indices: Vec<usize> = (0..self.length as usize).collect();
        for run in indices.chunks(RUN) {
            let values: Vec<[f64; 3]> = run
                .iter()
                .filter_map(|index| {
                    let at = |side: f64| self.strip(luma, map, *index, side);
                    Some([at(1.0)?, at(-1.0)?, at(-DEEPER)?])
                })
                .collect();
            if values.len() < SEEN {
                continue;
            }
            let count = values.len() as f64;
            let mean = |k: usize| values.iter().map(|value| value[k]).sum::<f64>() / count;
            let (outside, inside) = (mean(0), mean(1));
            let product = |i: usize, j: usize, a: f64, b: f64| -> f64 {
                values.iter().map(|value| (value[i] - a) * (value[j] - b)).sum()
            };
            let (far, near) = (product(0, 0, outside, outside), product(1, 1, inside, inside));
            sums.outside += far;
            sums.inside += near;
            sums.both += product(0, 1, outside, inside);
            sums.seen += count;
            if far.min(near) > TEXTURE * count {
                sums.textured += count;
            }
            sums.across += values.iter().map(|value| (value[0] - value[1]).abs()).sum::<f64>();
            sums.within += values.iter().map(|value| (value[1] - value[2]).abs()).sum::<f64>();
        }
    }
}

fn beyond(map: &Homography, (width, height): (f64, f64), unit: f64, query: (usize, usize)) -> f32 {
    let shown = |x: f64, y: f64| {
        let inside = |(u, v): (f64, f64)| u >= 0.0 && v >= 0.0 && u < query.0 as f64 && v < query.1 as f64;
        map.apply(x, y).is_some_and(inside)
    };
    let reach = BEYOND * unit;
    let mut count = 0_u32;
    for point in 0..POINTS {
        let share = (f64::from(point) + 0.5) / f64::from(POINTS);
        let (x, y) = (share * width, share * height);
        for (at, out) in [
            ((x, 0.0), (x, -reach)),
            ((x, height), (x, height + reach)),
            ((0.0, y), (-reach, y)),
            ((width, y), (width + reach, y)),
        ] {
            count += u32::from(shown(at.0, at.1) && shown(out.0, out.1));
        }
    }
    count as f32 / (4 * POINTS) as f32
}
