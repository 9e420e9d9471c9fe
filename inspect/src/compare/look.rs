//! What a region of the query looks like: painted by a screen, or part of the photograph.
//!
//! Owns the measures that tell a pasted icon, letter or frame from damage: one flat colour, a crisp edge, strokes of
//! one sign.

// Counts are below 2^24 and exact in f32.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::raster::{Plane, Rgb};
use super::regions::{self, Bounds};
use super::tone::Channels;

/// Half width, grey levels per channel, of what counts as one colour.
pub(super) const SAME: i32 = 9;
/// Inner pixels from which a region is judged by them alone.
pub(super) const FEW_INNER: usize = 24;

/// Luma of a pixel in the bright colour of a sign, its colour difference and how much that exceeds the predicted one,
/// grey levels, at least. Blood and rust are darker.
const LIGHT: u8 = 110;
const STRONG: u8 = 45;
const GAINED: u8 = 25;

/// The appearance of a region in the query.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Look {
    /// Share of the region's inner pixels within a narrow range of its commonest colour, 0 to 1.
    pub(crate) flat: f32,
    /// Mean contrast of the query over 5 x 5 pixels along the region's rim, grey levels.
    pub(crate) edge: f32,
    /// Share of the residual that is brighter than predicted, 0 to 1.
    pub(crate) bright: f32,
    /// The ninth decile of the query's luma over the region, grey levels.
    pub(crate) white: f32,
    /// Filled share of the bounding box, 0 to 1.
    pub(crate) filled: f32,
    /// Largest less smallest channel of the commonest colour, grey levels.
    pub(crate) vivid: f32,
    /// The first decile of the query's luma over the region, grey levels.
    pub(crate) black: f32,
    /// Mean luma that is predicted for the region, grey levels.
    pub(crate) ground: f32,
    /// Share of the region's pixels that are light, of a strong colour and more coloured than predicted, 0 to 1.
    pub(crate) bright_coloured: f32,
    /// Share of the region's pixels that are more coloured than predicted, 0 to 1.
    pub(crate) tinted: f32,
    /// Mean step of the residual from one pixel of a row to the next over its mean, along the box: strokes of letters
    /// stand side by side, a line goes on.
    pub(crate) strokes: f32,
}

/// The planes a look is taken from.
pub(crate) struct Scene<'a> {
    pub(crate) labels: &'a [u32],
    pub(crate) query: &'a Rgb,
    pub(crate) seen: &'a Channels,
    pub(crate) contrast: &'a Plane,
    pub(crate) predicted: &'a Channels,
}

impl Scene<'_> {
    /// The look of the region `label` within `bounds` (left, top, right, bottom).
    pub(crate) fn look(&self, label: u32, bounds: Bounds) -> Look {
        let (left, top, right, bottom) = bounds;
        let (mut inner, mut all) = (Vec::new(), Vec::new());
        let (mut edge, mut rim, mut up, mut total) = (0_u32, 0_u32, 0_u32, 0_u32);
        let (mut lumas, mut ground, mut coloured, mut tinted) = ([0_u32; 256], 0_u32, 0_u32, 0_u32);
        for (index, surrounded) in regions::pixels(self.labels, label, bounds, self.seen[0].width) {
            all.push(index);
            let (value, predicted) = (self.seen[0].data[index], self.predicted[0].data[index]);
            lumas[usize::from(value)] += 1;
            ground += u32::from(predicted);
            let strength = colour_strength(self.seen, index);
            let gained = strength.saturating_sub(colour_strength(self.predicted, index)) >= GAINED;
            coloured += u32::from(value >= LIGHT && strength >= STRONG && gained);
            tinted += u32::from(gained);
            up += u32::from(value.saturating_sub(predicted));
            total += u32::from(value.abs_diff(predicted));
            if surrounded {
                inner.push(index);
            } else {
                edge += u32::from(self.contrast.data[index]);
                rim += 1;
            }
        }
        let chosen = if inner.len() >= FEW_INNER { &inner } else { &all };
        let (colour, same) = self.commonest(chosen);
        let count = chosen.len().max(1) as f32;
        let tenth = all.len() as u32 / 10;
        Look {
            flat: same as f32 / count,
            edge: edge as f32 / rim.max(1) as f32,
            bright: up as f32 / total.max(1) as f32,
            white: quantile(lumas.iter().rev(), tenth).map_or(255.0, |at| 255.0 - at as f32),
            black: quantile(lumas.iter(), tenth).map_or(0.0, |at| at as f32),
            ground: ground as f32 / all.len().max(1) as f32,
            bright_coloured: coloured as f32 / all.len().max(1) as f32,
            tinted: tinted as f32 / all.len().max(1) as f32,
            strokes: self.strokes(bounds),
            filled: all.len() as f32 / ((right - left) * (bottom - top)).max(1) as f32,
            vivid: f32::from(colour.iter().max().unwrap_or(&0) - colour.iter().min().unwrap_or(&0)),
        }
    }

    /// As [`Look::strokes`].
    fn strokes(&self, (left, top, right, bottom): Bounds) -> f32 {
        let width = self.seen[0].width;
        let off = |index: usize| -> u32 {
            let planes = self.seen.iter().zip(self.predicted);
            planes.map(|(seen, predicted)| u32::from(seen.data[index].abs_diff(predicted.data[index]))).sum()
        };
        let (mut steps, mut total) = (0_u32, 0_u32);
        for y in top..bottom {
            let mut before = None;
            for x in left..right {
                let here = off(y * width + x);
                steps += before.map_or(0, |before| here.abs_diff(before));
                total += here;
                before = Some(here);
            }
        }
        steps as f32 / total.max(1) as f32
    }

    /// The commonest colour and how many of the pixels have it.
    fn commonest(&self, pixels: &[usize]) -> ([u8; 3], usize) {
        let at = |index: usize| -> [u8; 3] {
            self.query.rgb.get(3 * index..3 * index + 3).and_then(|p| p.try_into().ok()).unwrap_or_default()
        };
        // Sixteen levels per channel; the mode's mean, then one step of mean shift.
        let mut bins = vec![0_u32; 4096];
        let bin = |c: [u8; 3]| {
            (usize::from(c[0] >> 4) << 8) | (usize::from(c[1] >> 4) << 4) | usize::from(c[2] >> 4)
        };
        for index in pixels {
            bins[bin(at(*index))] += 1;
        }
        let mode =
            bins.iter().enumerate().fold((0, 0), |best, (i, n)| if *n > best.1 { (i, *n) } else { best }).0;
        let mut colour = [(mode >> 8) as u8, (mode >> 4 & 15) as u8, (mode & 15) as u8].map(|c| (c << 4) + 8);
        let near = |colour: [u8; 3], c: [u8; 3], reach: i32| {
            colour.iter().zip(c).all(|(a, b)| (i32::from(*a) - i32::from(b)).abs() <= reach)
        };
        for reach in [2 * SAME, SAME + 3] {
            let mut sums = [0_u32; 4];
            for c in pixels.iter().map(|i| at(*i)).filter(|c| near(colour, *c, reach)) {
                for (sum, value) in sums.iter_mut().zip([c[0], c[1], c[2], 1]) {
                    *sum += u32::from(value);
                }
            }
            if sums[3] > 0 {
                colour = [sums[0], sums[1], sums[2]].map(|sum| (sum / sums[3]) as u8);
            }
        }
        (colour, pixels.iter().filter(|i| near(colour, at(**i), SAME)).count())
    }
}

/// The larger colour difference of a pixel, grey levels from none.
fn colour_strength(channels: &Channels, index: usize) -> u8 {
    channels[1..].iter().map(|plane| plane.data[index].abs_diff(128)).max().unwrap_or(0)
}

/// Where in the counts those so far come to more than `left`.
pub(super) fn quantile<'a>(counts: impl Iterator<Item = &'a u32>, mut left: u32) -> Option<usize> {
    counts.enumerate().find_map(|(value, count)| {
        if *count > left {
            return Some(value);
        }
        left -= count;
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: usize = 64;
    const HIGH: usize = 12;

    /// The look of what is white on plain grey, as one region within the bounds of all of it.
    fn white_where(is_white: impl Fn(usize, usize) -> bool) -> Look {
        let place = |i: usize| (i % WIDE, i / WIDE);
        let plane = |value: &dyn Fn(usize) -> u8| Plane {
            width: WIDE,
            height: HIGH,
            data: (0..WIDE * HIGH).map(value).collect(),
        };
        let white = |i: usize| is_white(place(i).0, place(i).1);
        let luma = |i: usize| if white(i) { 255 } else { 100 };
        let seen = [plane(&luma), plane(&|_| 128), plane(&|_| 128)];
        let predicted = [plane(&|_| 100), plane(&|_| 128), plane(&|_| 128)];
        let rgb = (0..WIDE * HIGH).flat_map(|i| [luma(i); 3]).collect();
        let labels: Vec<u32> = (0..WIDE * HIGH).map(|i| u32::from(white(i))).collect();
        let own: Vec<(usize, usize)> = (0..WIDE * HIGH).filter(|i| white(*i)).map(place).collect();
        let side = |of: &dyn Fn(&(usize, usize)) -> usize| {
            (own.iter().map(of).min().unwrap(), own.iter().map(of).max().unwrap() + 1)
        };
        let ((left, right), (top, bottom)) = (side(&|at| at.0), side(&|at| at.1));
        Scene {
            labels: &labels,
            query: &Rgb { width: WIDE, height: HIGH, rgb },
            seen: &seen,
            contrast: &plane(&|_| 155),
            predicted: &predicted,
        }
        .look(1, (left, top, right, bottom))
    }

    #[test]
    fn strokes_stand_side_by_side_in_letters_and_a_line_goes_on() {
        let bar = |x: usize, y: usize| (4..60).contains(&x) && (4..8).contains(&y);
        let line = white_where(bar);
        let letters = white_where(|x, y| bar(x, y) && x % 4 < 2);
        assert!(line.strokes <= 0.02, "{line:?}");
        // Every second pixel one step, of half the pixels.
        assert!((letters.strokes - 1.0).abs() < 0.1, "{letters:?}");
        assert!((letters.filled - 0.5).abs() < 0.05 && (line.filled - 1.0).abs() < 0.01);
        for look in [line, letters] {
            assert_eq!((look.bright, look.white, look.ground), (1.0, 255.0, 100.0));
            assert!(look.flat > 0.99 && look.vivid == 0.0 && look.bright_coloured == 0.0, "{look:?}");
        }
    }

    #[test]
    fn a_quantile_is_where_the_counts_exceed_what_is_left_out() {
        let counts = [0, 3, 0, 2, 5];
        for (left, at) in [(0, Some(1)), (2, Some(1)), (3, Some(3)), (5, Some(4)), (9, Some(4)), (10, None)] {
            assert_eq!(quantile(counts.iter(), left), at, "{left}");
        }
    }
}
