//! Whether a region is covered by one colour at one opacity, in an outline that is its own mirror image.
//!
//! Apps lay round buttons, badges and counters over a picture, many of them half transparent: what is seen is
//! `opacity * colour + (1 - opacity) * picture` (source over destination: Porter and Duff, "Compositing digital
//! images", SIGGRAPH 1984). Paint and damage have neither one opacity nor a straight outline. Owns the measures;
//! decides nothing.

// Areas are below 2^24; bytes are mixed by factors from 0 to 1.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::tone::Channels;

/// Steps of opacity that are tried.
const STEPS: i32 = 20;
/// Half width, grey levels, of what counts as explained.
const SAME: i32 = 9;
/// Departures from a mixture lie from -255 to 255.
const RANGE: usize = 511;

/// What covers a region.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Veil {
    /// Share of the outline's inner pixels that one colour at one opacity explains, 0 to 1; the rest may be a glyph.
    pub(crate) explained: f32,
    /// How far the outline is its own mirror image, left to right and top to bottom: the lesser intersection over
    /// union, 0 to 1.
    pub(crate) symmetry: f32,
    /// Intersection over union of the outline and a bar of round ends, 0 to 1.
    pub(crate) roundness: f32,
}

/// The outline of a region: every pixel between two of its own in a row or in a column.
struct Outline {
    width: usize,
    height: usize,
    inside: Vec<bool>,
}

impl Outline {
    fn new(width: usize, height: usize, own: impl Fn(usize, usize) -> bool) -> Self {
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
        Self { width, height, inside }
    }

    /// The lesser intersection over union with the two mirror images.
    fn symmetry(&self) -> f32 {
        let overlap = |image: &dyn Fn(usize, usize) -> usize| {
            let (mut both, mut either) = (0_u32, 0_u32);
            for y in 0..self.height {
                for x in 0..self.width {
                    let (a, b) = (self.inside[y * self.width + x], self.inside[image(x, y)]);
                    both += u32::from(a && b);
                    either += u32::from(a || b);
                }
            }
            both as f32 / either.max(1) as f32
        };
        let across = overlap(&|x, y| y * self.width + self.width - 1 - x);
        let down = overlap(&|x, y| (self.height - 1 - y) * self.width + x);
        across.min(down)
    }

    /// Intersection over union with the bar of round ends that the bounding box holds: a disc in a square.
    fn roundness(&self) -> f32 {
        let (width, height) = (self.width as f32, self.height as f32);
        let radius = 0.5 * width.min(height);
        let (mut both, mut either) = (0_u32, 0_u32);
        for y in 0..self.height {
            for x in 0..self.width {
                // From the nearest point of the bar's axis.
                let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
                let (dx, dy) =
                    (px - px.clamp(radius, width - radius), py - py.clamp(radius, height - radius));
                let bar = dx * dx + dy * dy <= radius * radius;
                let own = self.inside[y * self.width + x];
                both += u32::from(own && bar);
                either += u32::from(own || bar);
            }
        }
        both as f32 / either.max(1) as f32
    }

    /// Pixels whose four neighbours are inside, too; all of them if those are few.
    fn inner(&self) -> Vec<(usize, usize)> {
        let at = |x: usize, y: usize| self.inside[y * self.width + x];
        let all = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y)));
        let own: Vec<(usize, usize)> = all.filter(|(x, y)| at(*x, *y)).collect();
        let surrounded = |(x, y): &(usize, usize)| {
            let (x, y) = (*x, *y);
            x > 0
                && y > 0
                && x + 1 < self.width
                && y + 1 < self.height
                && at(x - 1, y)
                && at(x + 1, y)
                && at(x, y - 1)
                && at(x, y + 1)
        };
        let inner: Vec<(usize, usize)> = own.iter().copied().filter(surrounded).collect();
        if inner.len() >= 24 { inner } else { own }
    }
}

/// The veil over the region `label` within `bounds` (left, top, right, bottom).
pub(crate) fn measure(
    labels: &[u32],
    label: u32,
    bounds: (usize, usize, usize, usize),
    predicted: &Channels,
    query: &Channels,
) -> Veil {
    let stride = query[0].width;
    let (left, top, right, bottom) = bounds;
    let (width, height) = (right - left, bottom - top);
    let outline =
        Outline::new(width, height, |x, y| labels.get((top + y) * stride + left + x) == Some(&label));
    let places: Vec<usize> =
        outline.inner().into_iter().map(|(x, y)| (top + y) * stride + left + x).collect();
    let best = (0..=STEPS).map(|step| explained(&places, predicted, query, step)).max().unwrap_or(0);
    Veil {
        explained: best as f32 / places.len().max(1) as f32,
        symmetry: outline.symmetry(),
        roundness: outline.roundness(),
    }
}

/// How many of the pixels the commonest colour explains at one opacity.
fn explained(places: &[usize], predicted: &Channels, query: &Channels, step: i32) -> usize {
    let departure = |channel: usize, place: usize| {
        let below = i32::from(predicted[channel].data[place]) * (STEPS - step) / STEPS;
        i32::from(query[channel].data[place]) - below
    };
    let middle: [i32; 3] = std::array::from_fn(|channel| {
        let mut counts = [0_u32; RANGE];
        for place in places {
            counts[(departure(channel, *place) + 255) as usize] += 1;
        }
        let mut left = places.len() as u32 / 2;
        let found = counts.iter().position(|count| {
            let here = left < *count;
            left = left.saturating_sub(*count);
            here
        });
        found.unwrap_or(255) as i32 - 255
    });
    let fits = |place: &&usize| (0..3).all(|at| (departure(at, **place) - middle[at]).abs() <= SAME);
    places.iter().filter(fits).count()
}
