//! A lamp's reflection: a soft spot of light over a photograph of a screen or a print, which is no alteration.
//!
//! Owns the shape of such a spot, its fit to what the query shows beyond the prediction, and what it adds to the predicted
//! colours. Light adds up before the camera encodes it, so light colours gain less than dark ones, and texture stays.
//! Paint does not: its edges are sharper, or what lay below is gone.

// Positions are below 2^16, colours are clamped to bytes.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::frame::is_small;
use super::linear::{Normal, ROWS, Rows, solve};
use super::raster::whole;
use super::regions::Bounds;
use super::tone::Channels;

/// Side of the squares whose means are fitted, pixels.
const SQUARE: usize = 8;
/// Quantities per channel that a spot adds multiples of.
const TERMS: usize = 4;
/// Error, grey levels, from which a square counts little: it may be damaged below the light.
const OFF: f32 = 6.0;
/// Rounds of the search, each with half the steps of every second one before.
const ROUNDS: usize = 10;
/// Share of its greatest light from which a square lies in the spot.
const WITHIN: f32 = 0.25;
/// Share of its greatest light from which a pixel tells nothing of the picture's colours.
const HIDDEN: f32 = 0.1;
/// The same up to which a square lies beside the spot.
const BESIDE: f32 = 0.02;
/// Fewest squares of a spot.
const FEW: usize = 12;
/// Least half-width of a spot, as a part of the frame's longest side: smaller ones may be paint.
const SMALLEST: f32 = 0.04;
/// The same on a sketch, which does not show whether texture stayed.
const SMALLEST_ON_SKETCH: f32 = 0.05;
/// Least light, grey levels of luma, of a spot at its brightest.
const FAINTEST: f32 = 10.0;
/// Light, grey levels, from which a pixel is told as lit.
const LIT: f32 = 10.0;
/// Share of a spot's squares that it must explain, each to within a multiple of what squares beside it are off in the
/// median, and a part of the light. Of 144 photographs of screens that reflect a lamp, and 48 lit pictures, 6 are called
/// altered with these numbers where 148 were; of 132 pictures with one patch made paler, its edge sharp or up to 2 % of
/// the picture soft, 129 stay altered, and of 1,218 other damaged pictures all.
const EXPLAINED: f32 = 0.8;
const SCATTER: f32 = 2.5;
const PART: f32 = 0.08;
/// The least that squares are taken to be off, grey levels.
const LEAST: f32 = 0.5;

/// An ellipse with soft edges; pixels of the frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    x: f32,
    y: f32,
    /// The factors of distances: across, of `y` in across, and down.
    across: f32,
    skew: f32,
    down: f32,
}

impl Spot {
    /// Light at a place, 1 in the middle; nearly a Gaussian, in arithmetic that is the same everywhere.
    fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x - self.x, y - self.y);
        let (u, v) = (self.across * x + self.skew * y, self.down * y);
        let left = (1.0 - (u * u + v * v) / 16.0).max(0.0);
        let square = left * left;
        (square * square) * (square * square)
    }

    /// How far it reaches until nothing is left: left, top, right, bottom.
    fn reach(&self, width: usize, height: usize) -> Bounds {
        let down = 4.0 / self.down;
        let across = (4.0 + self.skew.abs() * down) / self.across;
        let within = |value: f32, limit: usize| value.clamp(0.0, limit as f32) as usize;
        (
            within(self.x - across, width),
            within(self.y - down, height),
            within(self.x + across + 1.0, width),
            within(self.y + down + 1.0, height),
        )
    }

    /// The smaller half-width, pixels: one over the larger singular value of the factors.
    fn thickness(&self) -> f32 {
        let squares = self.across * self.across + self.skew * self.skew + self.down * self.down;
        let product = 2.0 * self.across * self.down;
        let apart = (squares * squares - product * product).max(0.0).sqrt();
        1.0 / (0.5 * (squares + apart)).sqrt()
    }

    /// The spot within `bounds` that explains most of what `query` shows beyond `predicted`; `None` where it is
    /// darker rather than lighter.
    pub(crate) fn around(
        bounds: Bounds,
        predicted: &Channels,
        query: &Channels,
        valid: &[u8],
    ) -> Option<Self> {
        let (left, top, right, bottom) = bounds;
        let around = (right - left).max(bottom - top);
        let (width, height) = (predicted[0].width, predicted[0].height);
        let wider = (
            left.saturating_sub(around),
            top.saturating_sub(around),
            (right + around).min(width),
            (bottom + around).min(height),
        );
        let squares = squares(wider, predicted, query, valid);
        Some(first(bounds, &squares)?.adjusted(&squares))
    }

    /// The spot nearby that leaves least unexplained.
    fn adjusted(mut self, squares: &[Square]) -> Self {
        let mut least = left(&self, squares);
        let mut step = 0.5;
        for round in 0..ROUNDS {
            for trial in neighbours(&self, step) {
                let error = left(&trial, squares);
                if error < least {
                    (self, least) = (trial, error);
                }
            }
            if round % 2 == 1 {
                step *= 0.6;
            }
        }
        self
    }

    /// Clears what the spot lights of the pixels that tell the colours of the whole picture.
    pub(crate) fn hide(&self, width: usize, height: usize, pixels: &mut [u8]) {
        let (left, top, right, bottom) = self.reach(width, height);
        for y in top..bottom {
            for x in left..right {
                if self.at(x as f32, y as f32) >= HIDDEN {
                    pixels[y * width + x] = 0;
                }
            }
        }
    }
}

/// What a spot of light adds to the predicted colours.
#[derive(Debug, Clone)]
pub(crate) struct Highlight {
    spot: Spot,
    /// Per channel the factors of [`terms`].
    added: [[f32; TERMS]; 3],
}

/// Means of a square of pixels.
struct Square {
    x: f32,
    y: f32,
    predicted: [f32; 3],
    beyond: [f32; 3],
}

/// What a channel gains: light, a flatter top of it, less on light colours, less of its own colour.
fn terms(light: f32, luma: f32, own: f32) -> [f32; TERMS] {
    let luma = luma / 128.0 - 1.0;
    [light, light * light, light * luma, light * own]
}

/// The last factor of [`terms`]: of luma its square, of the others their colour.
fn own(channel: usize, predicted: [f32; 3]) -> f32 {
    let value = predicted[channel] / 128.0 - 1.0;
    if channel == 0 { value * value } else { value }
}

impl Highlight {
    /// What a spot near the given one adds to the colours, where the prediction knows nothing of it; `None` if it is too
    /// small, or does not explain what the query shows there.
    pub(crate) fn fit(spot: Spot, predicted: &Channels, query: &Channels, valid: &[u8]) -> Option<Self> {
        let (width, height) = (predicted[0].width, predicted[0].height);
        let squares = squares(spot.reach(width, height), predicted, query, valid);
        let spot = spot.adjusted(&squares);
        let smallest = if is_small((width, height)) { SMALLEST_ON_SKETCH } else { SMALLEST };
        if spot.thickness() < smallest * width.max(height) as f32 {
            return None;
        }
        let added = [fitted(&spot, &squares, 0)?, fitted(&spot, &squares, 1)?, fitted(&spot, &squares, 2)?];
        let highlight = Self { spot, added };
        highlight.explains(&squares).then_some(highlight)
    }

    /// Whether the squares of the spot are as much lighter as it says.
    fn explains(&self, squares: &[Square]) -> bool {
        let lights = || squares.iter().map(|square| (square, self.spot.at(square.x, square.y)));
        let off = |square: &Square, adds: f32| (square.beyond[0] - adds).abs();
        let mut beside: Vec<f32> = lights()
            .filter(|(_, light)| *light < BESIDE)
            .map(|(square, light)| off(square, self.adds(0, light, square.predicted)))
            .collect();
        let middle = beside.len() / 2;
        let usual = if beside.len() < FEW {
            2.0 * LEAST
        } else {
            beside.select_nth_unstable_by(middle, f32::total_cmp).1.max(LEAST)
        };
        let (mut all, mut well, mut brightest) = (0_usize, 0_usize, 0.0_f32);
        for (square, light) in lights().filter(|(_, light)| *light >= WITHIN) {
            let adds = self.adds(0, light, square.predicted);
            all += 1;
            well += usize::from(adds >= 0.0 && off(square, adds) <= SCATTER * usual + PART * adds);
            brightest = brightest.max(adds);
        }
        all >= FEW && brightest >= FAINTEST && well as f32 >= EXPLAINED * all as f32
    }

    fn adds(&self, channel: usize, light: f32, predicted: [f32; 3]) -> f32 {
        let terms = terms(light, predicted[0], own(channel, predicted));
        self.added[channel].iter().zip(terms).map(|(factor, term)| factor * term).sum()
    }

    /// Adds the light to the predicted colours; what it lights clearly, per pixel of the frame, and the bounds of that.
    pub(crate) fn add(&self, predicted: &mut Channels, lit: &mut [u8]) -> Bounds {
        let (width, height) = (predicted[0].width, predicted[0].height);
        let (left, top, right, bottom) = self.spot.reach(width, height);
        let mut bounds = (width, height, 0, 0);
        for y in top..bottom {
            for x in left..right {
                let light = self.spot.at(x as f32, y as f32);
                if light == 0.0 {
                    continue;
                }
                let place = y * width + x;
                let before = [0, 1, 2].map(|channel: usize| f32::from(predicted[channel].data[place]));
                for (channel, plane) in predicted.iter_mut().enumerate() {
                    let after = before[channel] + self.adds(channel, light, before);
                    plane.data[place] = whole(after.clamp(0.0, 255.0) + 0.5).min(255) as u8;
                }
                if self.adds(0, light, before) >= LIT {
                    lit[place] = 255;
                    let (left, top, right, bottom) = bounds;
                    bounds = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
                }
            }
        }
        bounds
    }
}

/// The squares in `bounds` that are seen whole and not clipped.
fn squares(bounds: Bounds, predicted: &Channels, query: &Channels, valid: &[u8]) -> Vec<Square> {
    let (width, height) = (predicted[0].width, predicted[0].height);
    let (left, top, right, bottom) = bounds;
    let mut found = Vec::new();
    for y in (top / SQUARE * SQUARE..bottom).step_by(SQUARE) {
        for x in (left / SQUARE * SQUARE..right).step_by(SQUARE) {
            if y + SQUARE > height || x + SQUARE > width {
                continue;
            }
            let rows = || (y..y + SQUARE).map(|row| row * width + x..row * width + x + SQUARE);
            if rows().any(|row| valid[row].contains(&0)) {
                continue;
            }
            let mean = |plane: &super::raster::Plane| {
                let sum: u32 = rows().flat_map(|row| &plane.data[row]).map(|value| u32::from(*value)).sum();
                sum as f32 / (SQUARE * SQUARE) as f32
            };
            let (before, now) = (
                [0, 1, 2].map(|at: usize| mean(&predicted[at])),
                [0, 1, 2].map(|at: usize| mean(&query[at])),
            );
            if now[0] >= 250.0 {
                continue;
            }
            found.push(Square {
                x: x as f32 + 0.5 * (SQUARE - 1) as f32,
                y: y as f32 + 0.5 * (SQUARE - 1) as f32,
                predicted: before,
                beyond: std::array::from_fn(|at| now[at] - before[at]),
            });
        }
    }
    found
}

/// A spot where the squares within `bounds` have gained most.
fn first(bounds: Bounds, squares: &[Square]) -> Option<Spot> {
    let (left, top, right, bottom) = bounds;
    let within = |square: &&Square| {
        (left as f32..right as f32).contains(&square.x) && (top as f32..bottom as f32).contains(&square.y)
    };
    let (mut total, mut lost, mut x, mut y) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
    for square in squares.iter().filter(within) {
        let gain = square.beyond[0].max(0.0);
        total += gain;
        lost += gain - square.beyond[0];
        x += gain * square.x;
        y += gain * square.y;
    }
    if total <= 2.0 * lost {
        return None;
    }
    let half = |length: usize| 3.0 / (length.max(2 * SQUARE) as f32);
    Some(Spot { x: x / total, y: y / total, across: half(right - left), skew: 0.0, down: half(bottom - top) })
}

/// Spots a little elsewhere, of other size or other direction.
fn neighbours(spot: &Spot, step: f32) -> [Spot; 12] {
    let (grow, shrink) = (1.0 / (1.0 + step), 1.0 + step);
    let tilt = step * spot.across.max(spot.down);
    [
        Spot { x: spot.x + step / spot.across, ..*spot },
        Spot { x: spot.x - step / spot.across, ..*spot },
        Spot { y: spot.y + step / spot.down, ..*spot },
        Spot { y: spot.y - step / spot.down, ..*spot },
        Spot { across: spot.across * grow, skew: spot.skew * grow, down: spot.down * grow, ..*spot },
        Spot { across: spot.across * shrink, skew: spot.skew * shrink, down: spot.down * shrink, ..*spot },
        Spot { across: spot.across * grow, ..*spot },
        Spot { across: spot.across * shrink, ..*spot },
        Spot { down: spot.down * grow, ..*spot },
        Spot { down: spot.down * shrink, ..*spot },
        Spot { skew: spot.skew + tilt, ..*spot },
        Spot { skew: spot.skew - tilt, ..*spot },
    ]
}

/// The factors of a channel's terms under a spot, by least squares over the squares near it.
fn fitted(spot: &Spot, squares: &[Square], channel: usize) -> Option<[f32; TERMS]> {
    let mut factors = [0.0_f32; TERMS];
    for round in 0..3 {
        let mut normal = Normal::<TERMS, 1>::ZERO;
        for run in squares.chunks(ROWS) {
            let (mut rows, mut targets, mut weights): ([Rows; TERMS], [Rows; 1], Rows) =
                ([[0.0; ROWS]; TERMS], [[0.0; ROWS]], [0.0; ROWS]);
            for (at, square) in run.iter().enumerate() {
                let light = spot.at(square.x, square.y);
                if light == 0.0 {
                    continue;
                }
                let terms = terms(light, square.predicted[0], own(channel, square.predicted));
                let adds: f32 = factors.iter().zip(terms).map(|(factor, term)| factor * term).sum();
                for (row, term) in rows.iter_mut().zip(terms) {
                    row[at] = term;
                }
                targets[0][at] = square.beyond[channel];
                let off = (square.beyond[channel] - adds) / OFF;
                weights[at] = if round == 0 { 1.0 } else { 1.0 / (1.0 + off * off) };
            }
            normal.add(&rows, &targets, &weights);
        }
        for (at, row) in normal.matrix.iter_mut().enumerate() {
            row[at] += if at == 0 { 0.01 } else { 0.1 };
        }
        factors = solve(normal.matrix, normal.right[0])?.map(|factor| factor as f32);
    }
    Some(factors)
}

/// What a spot leaves unexplained, bounded per square.
fn left(spot: &Spot, squares: &[Square]) -> f32 {
    let Some(factors) = fitted(spot, squares, 0) else { return f32::MAX };
    // Light never takes away: a wide spot whose edge is darker is a smaller one.
    if factors[0] + WITHIN * factors[1] < 0.0 {
        return f32::MAX;
    }
    let each = squares.iter().map(|square| {
        let terms = terms(spot.at(square.x, square.y), square.predicted[0], own(0, square.predicted));
        let adds: f32 = factors.iter().zip(terms).map(|(factor, term)| factor * term).sum();
        let off = (square.beyond[0] - adds) / OFF;
        off * off / (1.0 + off * off / 9.0)
    });
    each.sum()
}
