//! Whether a region is covered by one colour at one opacity, in a round outline.
//!
//! Apps lay round buttons, badges and counters over a picture, many of them half transparent: what is seen is
//! `opacity * colour + (1 - opacity) * picture` (source over destination: Porter and Duff, "Compositing digital
//! images", SIGGRAPH 1984). Paint and damage have neither one opacity nor an outline that is its own mirror image. Owns
//! the measures; decides nothing.

// Areas are below 2^24; bytes are mixed by factors from 0 to 1.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::look::{FEW_INNER, SAME};
use super::tone::Channels;

/// Steps of opacity that are tried.
const STEPS: i32 = 20;
/// Departures from a mixture lie from -255 to 255.
const RANGE: usize = 511;

/// Grey levels by which a glyph differs from the button that it is on.
const STANDS_OUT: i32 = 24;

/// How far one colour at one opacity covers a region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cover {
    /// Share of the inner pixels that it explains, 0 to 1; the rest may be a glyph.
    pub(crate) explained: f32,
    /// 0 to 1.
    pub(crate) opacity: f32,
    /// Luma of the colour, grey levels.
    pub(crate) luma: f32,
    /// Share of the inner pixels that stand out from it, as a glyph does, 0 to 1.
    pub(crate) marked: f32,
}

/// A region as something that may lie over the picture. Its measures are made when they are asked for, the cheap ones
/// first.
pub(crate) struct Veil<'a> {
    width: usize,
    height: usize,
    /// The region and every pixel between two of its own in a row or in a column.
    inside: Vec<bool>,
    /// Of the first pixel in the frame's planes, and from row to row.
    start: usize,
    stride: usize,
    predicted: &'a Channels,
    query: &'a Channels,
}

impl<'a> Veil<'a> {
    /// The region `label` within `bounds` (left, top, right, bottom) of the frame that both pictures share.
    pub(crate) fn new(
        labels: &[u32],
        label: u32,
        bounds: (usize, usize, usize, usize),
        predicted: &'a Channels,
        query: &'a Channels,
    ) -> Self {
        let stride = query[0].width;
        let (left, top, right, bottom) = bounds;
        let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
        let start = top * stride + left;
        let own = |x: usize, y: usize| labels.get(start + y * stride + x) == Some(&label);
        let mut inside = vec![false; width * height];
        let ends = |count: usize, at: &dyn Fn(usize) -> bool| {
            Some(((0..count).find(|i| at(*i))?, (0..count).rev().find(|i| at(*i))?))
        };
        for y in 0..height {
            if let Some((first, last)) = ends(width, &|x| own(x, y)) {
                inside[y * width + first..=y * width + last].fill(true);
            }
        }
        for x in 0..width {
            if let Some((first, last)) = ends(height, &|y| own(x, y)) {
                (first..=last).for_each(|y| inside[y * width + x] = true);
            }
        }
        Self { width, height, inside, start, stride, predicted, query }
    }

    /// How far the outline is its own mirror image, left to right and top to bottom: the lesser intersection over
    /// union, 0 to 1.
    pub(crate) fn symmetry(&self) -> f32 {
        let across = self.overlap(|x, y| self.inside[y * self.width + self.width - 1 - x]);
        across.min(self.overlap(|x, y| self.inside[(self.height - 1 - y) * self.width + x]))
    }

    /// Intersection over union with the bar of round ends that the bounding box holds (a disc in a square), 0 to 1.
    pub(crate) fn roundness(&self) -> f32 {
        let (width, height) = (self.width as f32, self.height as f32);
        let radius = 0.5 * width.min(height);
        self.overlap(|x, y| {
            // From the nearest point of the bar's axis.
            let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
            let (dx, dy) = (px - px.clamp(radius, width - radius), py - py.clamp(radius, height - radius));
            dx * dx + dy * dy <= radius * radius
        })
    }

    /// Intersection over union of the outline and another one in the same box.
    fn overlap(&self, other: impl Fn(usize, usize) -> bool) -> f32 {
        let (mut both, mut either) = (0_u32, 0_u32);
        for y in 0..self.height {
            for x in 0..self.width {
                let (own, other) = (self.inside[y * self.width + x], other(x, y));
                both += u32::from(own && other);
                either += u32::from(own || other);
            }
        }
        both as f32 / either.max(1) as f32
    }

    /// What one colour at one opacity explains of the outline's inner pixels, at the opacity that explains most.
    pub(crate) fn cover(&self) -> Cover {
        let places = self.inner();
        let best = (0..=STEPS).map(|step| (self.explained_at(&places, step), step)).max();
        let (explained, step) = best.unwrap_or((0, 0));
        let colour = self.colour(&places, step);
        let stands_out = |place: &&usize| (self.departure(0, **place, step) - colour[0]).abs() > STANDS_OUT;
        let marked = places.iter().filter(stands_out).count();
        let share = |count: usize| count as f32 / places.len().max(1) as f32;
        Cover {
            explained: share(explained),
            opacity: step as f32 / STEPS as f32,
            luma: (colour[0] * STEPS) as f32 / step.max(1) as f32,
            marked: share(marked),
        }
    }

    /// Places in the planes of the pixels whose four neighbours are inside, too; of all pixels if those are few.
    fn inner(&self) -> Vec<usize> {
        let at = |x: usize, y: usize| self.inside[y * self.width + x];
        let surrounded = |x: usize, y: usize| {
            let within = x > 0 && y > 0 && x + 1 < self.width && y + 1 < self.height;
            within && at(x - 1, y) && at(x + 1, y) && at(x, y - 1) && at(x, y + 1)
        };
        let (mut own, mut inner) = (Vec::new(), Vec::new());
        for y in 0..self.height {
            for x in (0..self.width).filter(|x| at(*x, y)) {
                let place = self.start + y * self.stride + x;
                own.push(place);
                if surrounded(x, y) {
                    inner.push(place);
                }
            }
        }
        if inner.len() >= FEW_INNER { inner } else { own }
    }

    /// How many of the pixels the median colour explains at one opacity.
    fn explained_at(&self, places: &[usize], step: i32) -> usize {
        let colour = self.colour(places, step);
        let fits =
            |place: &&usize| (0..3).all(|at| (self.departure(at, **place, step) - colour[at]).abs() <= SAME);
        places.iter().filter(fits).count()
    }

    /// The median of what is added at one opacity, as far as a colour can add it.
    fn colour(&self, places: &[usize], step: i32) -> [i32; 3] {
        std::array::from_fn(|channel| {
            let mut counts = [0_u32; RANGE];
            for place in places {
                counts[(self.departure(channel, *place, step) + 255) as usize] += 1;
            }
            let mut left = places.len() as u32 / 2;
            let found = counts.iter().position(|count| {
                let here = left < *count;
                left = left.saturating_sub(*count);
                here
            });
            (found.unwrap_or(255) as i32 - 255).clamp(0, 255 * step / STEPS)
        })
    }

    /// What the query has at a place beyond what is seen of the picture at one opacity.
    fn departure(&self, channel: usize, place: usize, step: i32) -> i32 {
        let below = i32::from(self.predicted[channel].data[place]) * (STEPS - step) / STEPS;
        i32::from(self.query[channel].data[place]) - below
    }
}
