//! A lamp's reflection: a soft spot of light over a photograph of a screen or a print, which is no alteration.
//!
//! Owns the shape of such a spot, its fit to what the query has gained over the prediction, what tells light from paint,
//! and what the light adds to the predicted colours. Light adds up before the camera encodes it: light colours gain less
//! than dark ones, texture fades no more than that, and no colour comes in. Paint has sharper edges, hides texture or is
//! of a colour.

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
/// Rounds of the search; every second one the steps shrink.
const ROUNDS: usize = 10;
const SHRINK: f32 = 0.6;
/// Squares that the search looks at, at most.
const SEARCHED: usize = 400;
/// Share of its greatest light from which a square lies in the spot, from which it is bright, and up to which it lies
/// beside the spot.
const WITHIN: f32 = 0.25;
const BRIGHT: f32 = 0.6;
const BESIDE: f32 = 0.02;
/// The same from which a pixel tells nothing of the picture's colours.
const HIDDEN: f32 = 0.1;
/// Fewest squares of a spot.
const FEW: usize = 12;
/// Least standard deviation of a spot along its short axis, as a part of the frame's longest side: smaller ones may be
/// paint; and on a sketch.
const SMALLEST: f32 = 0.04;
const SMALLEST_ON_SKETCH: f32 = 0.05;
/// Least light, grey levels of luma, at the brightest square of a spot; a pixel that gains as much is lit.
const LIT: f32 = 10.0;
/// Share of a spot's squares that it must explain, each to within a multiple of what squares beside it are off in the
/// median, and a part of the light.
const EXPLAINED: f32 = 0.8;
const SCATTER: f32 = 2.5;
const PART: f32 = 0.08;
/// What squares are off, grey levels, at least, and as a part of the greatest light at most.
const LEAST: f32 = 0.5;
const MOST: f32 = 0.15;
/// Variance of luma from which a surface has texture that can be followed.
const TEXTURED: f32 = 16.0;
/// Mean luma from which a square is white and tells no more than that it is at least so light, and to which the light has
/// to bring it then.
const WHITE: f32 = 250.0;
const NEARLY_WHITE: f32 = 240.0;
/// Share of the contrast that light must leave of what it leaves in linear light.
const KEPT: f32 = 0.75;
/// Colour that light may bring, as a part of its luma: lamps are warmer or colder than daylight.
const TINT: f32 = 0.25;

/// An ellipse with soft edges; pixels of the frame. The last three are the Cholesky factor of its inverse covariance, in
/// 1 / pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    x: f32,
    y: f32,
    across: f32,
    skew: f32,
    down: f32,
}

impl Spot {
    /// Light at a place, 1 in the middle; nearly a Gaussian, in arithmetic that is the same everywhere.
    fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x - self.x, y - self.y);
        let (u, v) = (self.across * x + self.skew * y, self.down * y);
        let rest = (1.0 - (u * u + v * v) / 16.0).max(0.0);
        let square = rest * rest;
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

    /// The standard deviation along the short axis, pixels: one over the factor's larger singular value.
    fn thickness(&self) -> f32 {
        let squares = self.across * self.across + self.skew * self.skew + self.down * self.down;
        let product = 2.0 * self.across * self.down;
        let apart = (squares * squares - product * product).max(0.0).sqrt();
        1.0 / (0.5 * (squares + apart)).sqrt()
    }

    /// Whether it is too small for a lamp's.
    fn is_tiny(&self, frame: (usize, usize)) -> bool {
        let smallest = if is_small(frame) { SMALLEST_ON_SKETCH } else { SMALLEST };
        self.thickness() < smallest * frame.0.max(frame.1) as f32
    }

    /// The spot about `bounds` that explains most of what `query` gained over `predicted`; `None` where it is darker
    /// rather than lighter, or the spot is half as thick as a lamp's at most.
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
        let (squares, _) = squares(wider, predicted, query, valid);
        let spot = first(bounds, &squares)?.adjusted(&squares);
        // The colours are not told without it yet, and may have taken up some of its edge.
        (2.0 * spot.thickness() >= SMALLEST * width.max(height) as f32).then_some(spot)
    }

    /// The spot nearby that leaves least unexplained.
    fn adjusted(mut self, squares: &[Square]) -> Self {
        let step = squares.len().div_ceil(SEARCHED).max(1);
        // Every step-th of a row, shifted from row to row: all columns are looked at.
        let is_looked_at = |square: &&Square| {
            let (column, row) = (square.x as usize / SQUARE, square.y as usize / SQUARE);
            (column + ((step / 2) | 1) * row).is_multiple_of(step)
        };
        let some: Vec<Square> = squares.iter().filter(is_looked_at).copied().collect();
        let mut least = cost(&self, &some);
        let mut step = 0.5;
        for round in 0..ROUNDS {
            for trial in neighbours(&self, step) {
                let error = cost(&trial, &some);
                if error < least {
                    (self, least) = (trial, error);
                }
            }
            if round % 2 == 1 {
                step *= SHRINK;
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

/// Measures of a square of pixels.
#[derive(Clone, Copy)]
struct Square {
    /// The middle, pixels.
    x: f32,
    y: f32,
    /// Mean channels of the prediction, and what the query has more.
    predicted: [f32; 3],
    gain: [f32; 3],
    /// Of the predicted luma its variance, and the covariance with the query's.
    variance: f32,
    covariance: f32,
}

/// What a channel gains of `light` where the prediction has the given channels: light, a flatter top of it, less on light
/// colours, and less of its own colour, or of luma by its square.
fn terms(channel: usize, light: f32, predicted: [f32; 3]) -> [f32; TERMS] {
    let centred = |value: f32| value / 128.0 - 1.0;
    let (luma, own) = (centred(predicted[0]), centred(predicted[channel]));
    let own = if channel == 0 { own * own } else { own };
    [light, light * light, light * luma, light * own]
}

fn dot(factors: &[f32; TERMS], terms: &[f32; TERMS]) -> f32 {
    factors.iter().zip(terms).map(|(factor, term)| factor * term).sum()
}

impl Highlight {
    /// What a spot near the given one adds to the colours, where the prediction knows nothing of it; `None` if it is too
    /// small, or what the query shows there is no light.
    pub(crate) fn fit(spot: Spot, predicted: &Channels, query: &Channels, valid: &[u8]) -> Option<Self> {
        let frame = (predicted[0].width, predicted[0].height);
        let near = |spot: &Spot| squares(spot.reach(frame.0, frame.1), predicted, query, valid);
        let spot = spot.adjusted(&near(&spot).0);
        if spot.is_tiny(frame) {
            return None;
        }
        let (squares, white) = near(&spot);
        let lights: Vec<f32> = squares.iter().map(|square| spot.at(square.x, square.y)).collect();
        let factors = |channel: usize| fitted(&squares, &lights, channel);
        let highlight = Self { spot, added: [factors(0)?, factors(1)?, factors(2)?] };
        highlight.is_light(&squares, &lights, &white).then_some(highlight)
    }

    /// Whether the squares are as much lighter as the spot says, keep their texture and take on no colour.
    ///
    /// Of 234 photographs of screens that reflect a round lamp 18 are called altered (160 where light is not told). Of 118
    /// photographs of screens that show soft paint, opaque, red or green, 109 are; of 54 that show half-transparent white 21.
    fn is_light(&self, squares: &[Square], lights: &[f32], white: &[Square]) -> bool {
        let each = || squares.iter().zip(lights.iter().copied());
        let adds = |square: &Square, light: f32| self.adds(0, light, square.predicted);
        let within = || each().filter(|(_, light)| *light >= WITHIN);
        let brightest = within().map(|(square, light)| adds(square, light)).fold(0.0, f32::max);
        let tint = |factors: &[f32; TERMS]| (factors[0] + factors[1]).abs();
        if brightest < LIT || self.added[1..].iter().any(|factors| tint(factors) > TINT * brightest) {
            return false;
        }
        let off = |square: &Square, light: f32| (square.gain[0] - adds(square, light)).abs();
        let mut beside: Vec<f32> =
            each().filter(|(_, light)| *light < BESIDE).map(|(square, light)| off(square, light)).collect();
        let middle = beside.len() / 2;
        // What few squares say is no measure.
        let usual = if beside.len() < FEW {
            2.0 * LEAST
        } else {
            *beside.select_nth_unstable_by(middle, f32::total_cmp).1
        };
        let usual = usual.clamp(LEAST, (MOST * brightest).max(LEAST));
        let (mut all, mut well) = (0_usize, 0_usize);
        for (square, light) in within() {
            let adds = adds(square, light);
            // Light pales colours and brings little of its own.
            let paled = [1, 2].into_iter().all(|channel| {
                let own = square.predicted[channel] - 128.0;
                let (after, spare) = (own + self.adds(channel, light, square.predicted), TINT * brightest);
                (own.min(0.0) - spare..=own.max(0.0) + spare).contains(&after)
            });
            all += 1;
            well += usize::from(adds >= 0.0 && paled && off(square, light) <= SCATTER * usual + PART * adds);
        }
        // Where the query is white, the light has to make it nearly that.
        for square in white {
            let light = self.spot.at(square.x, square.y);
            if light >= WITHIN {
                all += 1;
                well += usize::from(square.predicted[0] + adds(square, light) >= NEARLY_WHITE);
            }
        }
        all >= FEW && well as f32 >= EXPLAINED * all as f32 && self.keeps_texture(squares, lights)
    }

    /// Whether the brightest part of the spot that is not white has as much of the predicted contrast, against what lies
    /// beside it, as light leaves; where there is none to follow it may.
    ///
    /// In linear light, of which colours are the root of degree 2.2, the slope of what is seen over what was there is
    /// what there was over what there is, to the power of 1.2.
    fn keeps_texture(&self, squares: &[Square], lights: &[f32]) -> bool {
        let slope = |is_part: &dyn Fn(f32) -> bool| {
            let part =
                || squares.iter().zip(lights).filter(|(_, light)| is_part(**light)).map(|(square, _)| square);
            let variance: f32 = part().map(|square| square.variance).sum();
            let covariance: f32 = part().map(|square| square.covariance).sum();
            (variance >= TEXTURED * part().count().max(1) as f32).then_some(covariance / variance.max(1.0))
        };
        let bright = BRIGHT * lights.iter().copied().fold(0.0, f32::max);
        let Some(kept) = slope(&|light| light >= bright) else { return true };
        let beside = slope(&|light| light < BESIDE).unwrap_or(1.0).clamp(0.3, 1.0);
        let (mut variance, mut left) = (0.0_f32, 0.0_f32);
        for (square, light) in squares.iter().zip(lights).filter(|(_, light)| **light >= bright) {
            let before = square.predicted[0];
            let ratio = before / (before + self.adds(0, *light, square.predicted)).max(1.0);
            variance += square.variance;
            // Nearly ratio^1.2.
            left += square.variance * ratio * (0.8 + 0.2 * ratio);
        }
        kept >= KEPT * beside * left / variance.max(1.0)
    }

    fn adds(&self, channel: usize, light: f32, predicted: [f32; 3]) -> f32 {
        dot(&self.added[channel], &terms(channel, light, predicted))
    }

    /// Adds the light to the predicted colours. What it lights of the valid pixels, 255 or 0 per pixel of the frame, and
    /// the bounds of that; `None` if nothing.
    pub(crate) fn add(&self, predicted: &mut Channels, valid: &[u8]) -> Option<(Vec<u8>, Bounds)> {
        let (width, height) = (predicted[0].width, predicted[0].height);
        let (left, top, right, bottom) = self.spot.reach(width, height);
        let mut lit = vec![0; valid.len()];
        let mut bounds = (width, height, 0, 0);
        for y in top..bottom {
            for x in left..right {
                let light = self.spot.at(x as f32, y as f32);
                let place = y * width + x;
                if light == 0.0 || valid[place] == 0 {
                    continue;
                }
                let before = [0, 1, 2].map(|channel: usize| f32::from(predicted[channel].data[place]));
                let gain = self.adds(0, light, before);
                for (channel, plane) in predicted.iter_mut().enumerate() {
                    // Light takes nothing away.
                    let gain = if channel == 0 { gain.max(0.0) } else { self.adds(channel, light, before) };
                    plane.data[place] =
                        whole((before[channel] + gain).clamp(0.0, 255.0) + 0.5).min(255) as u8;
                }
                if gain >= LIT {
                    lit[place] = 255;
                    let (left, top, right, bottom) = bounds;
                    bounds = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
                }
            }
        }
        (bounds.0 < bounds.2).then_some((lit, bounds))
    }
}

/// The squares in `bounds` that are seen whole: those that tell how light they became, and those that are white.
fn squares(
    bounds: Bounds,
    predicted: &Channels,
    query: &Channels,
    valid: &[u8],
) -> (Vec<Square>, Vec<Square>) {
    let (width, height) = (predicted[0].width, predicted[0].height);
    let (left, top, right, bottom) = bounds;
    let (right, bottom) = (right.min(width), bottom.min(height));
    let mut found = Vec::new();
    for y in (top / SQUARE * SQUARE..bottom).step_by(SQUARE).filter(|y| y + SQUARE <= height) {
        for x in (left / SQUARE * SQUARE..right).step_by(SQUARE).filter(|x| x + SQUARE <= width) {
            let rows = || (y..y + SQUARE).map(|row| row * width + x..row * width + x + SQUARE);
            if rows().all(|row| !valid[row].contains(&0)) {
                found.push(square((x, y), rows, predicted, query));
            }
        }
    }
    found.into_iter().partition(|square| square.predicted[0] + square.gain[0] < WHITE)
}

/// The measures of the square at `place`, whose pixels stand in `rows` of the planes.
fn square<I: Iterator<Item = std::ops::Range<usize>>>(
    place: (usize, usize),
    rows: impl Fn() -> I,
    predicted: &Channels,
    query: &Channels,
) -> Square {
    const PIXELS: f32 = (SQUARE * SQUARE) as f32;
    let mean = |plane: &[u8]| {
        let sum: u32 = rows().flat_map(|row| &plane[row]).map(|value| u32::from(*value)).sum();
        sum as f32 / PIXELS
    };
    let before = [0, 1, 2].map(|at: usize| mean(&predicted[at].data));
    let now = [0, 1, 2].map(|at: usize| mean(&query[at].data));
    let (mut squares, mut products) = (0_u32, 0_u32);
    for row in rows() {
        for (a, b) in predicted[0].data[row.clone()].iter().zip(&query[0].data[row]) {
            squares += u32::from(*a) * u32::from(*a);
            products += u32::from(*a) * u32::from(*b);
        }
    }
    Square {
        x: place.0 as f32 + 0.5 * (SQUARE - 1) as f32,
        y: place.1 as f32 + 0.5 * (SQUARE - 1) as f32,
        predicted: before,
        gain: std::array::from_fn(|at| now[at] - before[at]),
        variance: squares as f32 / PIXELS - before[0] * before[0],
        covariance: products as f32 / PIXELS - before[0] * now[0],
    }
}

/// A spot where the squares within `bounds` have gained most; `None` where they lost half as much.
fn first(bounds: Bounds, squares: &[Square]) -> Option<Spot> {
    let (left, top, right, bottom) = bounds;
    let within = |square: &&Square| {
        (left as f32..right as f32).contains(&square.x) && (top as f32..bottom as f32).contains(&square.y)
    };
    let (mut total, mut lost, mut x, mut y) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
    for square in squares.iter().filter(within) {
        let gain = square.gain[0].max(0.0);
        total += gain;
        lost += gain - square.gain[0];
        x += gain * square.x;
        y += gain * square.y;
    }
    if total <= 2.0 * lost {
        return None;
    }
    let start = |length: usize| 3.0 / (length.max(2 * SQUARE) as f32);
    Some(Spot {
        x: x / total,
        y: y / total,
        across: start(right - left),
        skew: 0.0,
        down: start(bottom - top),
    })
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

/// The factors of a channel's terms under the light of each square, by reweighted least squares.
fn fitted(squares: &[Square], lights: &[f32], channel: usize) -> Option<[f32; TERMS]> {
    let mut factors = [0.0_f32; TERMS];
    for round in 0..3 {
        let mut normal = Normal::<TERMS, 1>::ZERO;
        for (run, lights) in squares.chunks(ROWS).zip(lights.chunks(ROWS)) {
            let mut rows: [Rows; TERMS] = [[0.0; ROWS]; TERMS];
            let (mut targets, mut weights): ([Rows; 1], Rows) = ([[0.0; ROWS]], [0.0; ROWS]);
            for (at, (square, light)) in
                run.iter().zip(lights).enumerate().filter(|(_, (_, light))| **light > 0.0)
            {
                let terms = terms(channel, *light, square.predicted);
                let adds = dot(&factors, &terms);
                for (row, term) in rows.iter_mut().zip(terms) {
                    row[at] = term;
                }
                targets[0][at] = square.gain[channel];
                let off = (square.gain[channel] - adds) / OFF;
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
fn cost(spot: &Spot, squares: &[Square]) -> f32 {
    let lights: Vec<f32> = squares.iter().map(|square| spot.at(square.x, square.y)).collect();
    let Some(factors) = fitted(squares, &lights, 0) else { return f32::MAX };
    // Light never takes away: a wide spot whose edge is darker is a smaller one.
    if factors[0] + WITHIN * factors[1] < 0.0 {
        return f32::MAX;
    }
    let each = squares.iter().zip(&lights).map(|(square, light)| {
        let off = (square.gain[0] - dot(&factors, &terms(0, *light, square.predicted))) / OFF;
        off * off / (1.0 + off * off / 9.0)
    });
    each.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::raster::Plane;

    const SIDE: usize = 320;

    fn channels(luma: impl Fn(usize, usize) -> f32) -> Channels {
        let plane = |value: &dyn Fn(usize, usize) -> f32| Plane {
            width: SIDE,
            height: SIDE,
            data: (0..SIDE * SIDE)
                .map(|i| value(i % SIDE, i / SIDE).round().clamp(0.0, 255.0) as u8)
                .collect(),
        };
        [plane(&luma), plane(&|_, _| 128.0), plane(&|_, _| 128.0)]
    }

    /// A picture of stripes and waves.
    fn texture(x: usize, y: usize) -> f32 {
        100.0 + 30.0 * (x as f32 * 0.5).sin() + 20.0 * (y as f32 * 0.31).sin()
    }

    /// An ellipse of standard deviations 40 and 20, turned by 30 degrees.
    fn ellipse(x: usize, y: usize) -> f32 {
        let (x, y) = (x as f32 - 150.0, y as f32 - 170.0);
        let (u, v) = ((0.866 * x + 0.5 * y) / 40.0, (0.866 * y - 0.5 * x) / 20.0);
        (-0.5 * (u * u + v * v)).exp()
    }

    const BOUNDS: Bounds = (80, 110, 220, 230);

    #[test]
    fn a_turned_spot_is_told_and_what_it_adds() {
        let (picture, valid) = (channels(texture), vec![255; SIDE * SIDE]);
        let query = channels(|x, y| texture(x, y) + 60.0 * ellipse(x, y));
        let spot = Spot::around(BOUNDS, &picture, &query, &valid).unwrap();
        let mut predicted = picture.clone();
        let highlight = Highlight::fit(spot, &picture, &query, &valid).unwrap();
        let (x, y) = (highlight.spot.x, highlight.spot.y);
        assert!((x - 150.0).abs() < 4.0 && (y - 170.0).abs() < 4.0, "{highlight:?}");
        assert!((15.0..25.0).contains(&highlight.spot.thickness()), "{highlight:?}");
        let (lit, bounds) = highlight.add(&mut predicted, &valid).unwrap();
        assert_eq!(lit[170 * SIDE + 150], 255);
        assert!(bounds.0 < 120 && bounds.2 > 180 && bounds.0 > 60, "{bounds:?}");
        let off = |place: usize| predicted[0].data[place].abs_diff(query[0].data[place]);
        assert!((0..SIDE * SIDE).all(|place| off(place) <= 8), "{highlight:?}");
        assert!(predicted[0].data.iter().zip(&picture[0].data).all(|(after, before)| after >= before));
    }

    #[test]
    fn darkness_paint_and_what_is_not_seen_are_no_light() {
        let (picture, valid) = (channels(texture), vec![255; SIDE * SIDE]);
        let shade = channels(|x, y| texture(x, y) - 60.0 * ellipse(x, y));
        assert!(Spot::around(BOUNDS, &picture, &shade, &valid).is_none());
        // Opaque in the middle.
        let paint = channels(|x, y| 230.0 * ellipse(x, y) + texture(x, y) * (1.0 - ellipse(x, y)));
        let spot = Spot::around(BOUNDS, &picture, &paint, &valid).unwrap();
        assert!(Highlight::fit(spot, &picture, &paint, &valid).is_none());
        assert!(Spot::around(BOUNDS, &picture, &paint, &vec![0; SIDE * SIDE]).is_none());
    }

    /// What was burnt out tells nothing: the rest of the spot has to.
    #[test]
    fn white_paint_is_no_light_and_a_burnt_out_lamp_is() {
        let (picture, valid) = (channels(texture), vec![255; SIDE * SIDE]);
        let told = |query: &Channels| {
            let spot = Spot::around(BOUNDS, &picture, query, &valid)?;
            Highlight::fit(spot, &picture, query, &valid)
        };
        for strength in [2.0, 2.2, 2.6] {
            let covered = |x, y| (strength * ellipse(x, y)).min(1.0);
            let paint = channels(|x, y| 255.0 * covered(x, y) + texture(x, y) * (1.0 - covered(x, y)));
            assert!(told(&paint).is_none(), "{strength}");
        }
        let hole = channels(|x, y| {
            let light = ellipse(x, y);
            if light > 0.4 { 255.0 } else { texture(x, y) + 60.0 * light }
        });
        assert!(told(&hole).is_none());
        assert!(told(&channels(|x, y| texture(x, y) + 300.0 * ellipse(x, y))).is_some());
    }

    #[test]
    fn nothing_is_left_beyond_the_reach_of_a_skewed_spot() {
        let spot = Spot { x: 100.0, y: 120.0, across: 0.11, skew: -0.07, down: 0.2 };
        let (left, top, right, bottom) = spot.reach(SIDE, SIDE);
        for y in 0..SIDE {
            for x in 0..SIDE {
                let inside = (left..right).contains(&x) && (top..bottom).contains(&y);
                assert!(inside || spot.at(x as f32, y as f32) == 0.0, "{x} {y}");
            }
        }
    }
}
