//! Predicting the query's colours from the reference's.
//!
//! Owns the robust fit of a quadratic colour map (gamma, contrast, white balance, hue and saturation filters are
//! close to it) and of a smooth additive light field (glare, vignetting), and their application. The reference is
//! mapped to the query, not the other way, so that clipping to black and white is part of the model.

// Colours are bytes and positions below 2^16; results are clamped to bytes.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::linear::solve;
use super::raster::{Plane, Rgb, whole};

/// Samples of the fit, about.
const SAMPLES: usize = 2000;
const TERMS: usize = 10;
const ROUNDS: usize = 6;
/// Median error of unmapped colours, grey levels, from which they count as changed.
const CHANGED: f32 = 6.0;
/// Fewest samples that a map is fitted to.
const FEW_SAMPLES: usize = 60;
/// Error, grey levels, up to which a map explains a sample.
const WELL: f32 = 8.0;
/// Share of the samples from which a map explains them so well that no other is tried.
const EXPLAINED: f32 = 0.97;
/// Share that another map must explain, and the part that it may leave of what the first does not explain. Of 744
/// pictures made lighter, darker, grey, harsher or of other colours, 264 of them on white, 8 are called altered with these
/// numbers (on sketches 8) where 41 were (on sketches 17); of 1,218 damaged pictures none is lost.
const MOSTLY_EXPLAINED: f32 = 0.65;
const LEFT: f32 = 0.85;
/// Median error of unmapped colours that are not clipped, grey levels, from which the whole product was changed, and the part
/// of it that the other map may leave. Where most of it is as it was, damage must not be explained away.
const SHIFTED: f32 = 3.0;
const SHIFT_LEFT: f32 = 0.7;
/// What clipped samples then weigh in all, as a part of the others.
const CLIPPED_PART: f32 = 0.2;
/// Channels from which, and up to which, a colour is clipped.
const WHITE: u8 = 248;
const BLACK: u8 = 7;
/// Classes of errors, and how many to a grey level.
const BINS: usize = 2048;
const BINS_A_LEVEL: f32 = 8.0;
/// Pixels converted together.
const RUN: usize = 32;

/// Luma and two colour differences, each a byte plane.
pub(crate) type Channels = [Plane; 3];

/// The fitted map.
#[derive(Clone, Copy)]
pub(crate) struct Tone {
    colour: [[f32; TERMS]; 3],
    light: [f32; TERMS],
}

/// What a clipped sample says while a map is fitted.
#[derive(Clone, Copy)]
enum Clipped {
    /// What is predicted, where that lies beyond.
    Predicted,
    /// Nothing, where the prediction lies beyond.
    Silent,
}

struct Sample {
    terms: [f32; TERMS],
    place: [f32; TERMS],
    target: [f32; 3],
    weight: f32,
    /// White in both pictures, or black in both.
    clipped: bool,
}

/// 1, r, g, b, and their products, colours centred and scaled to about one.
fn colour_terms(pixel: &[u8]) -> [f32; TERMS] {
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(|value| (f32::from(value) - 128.0) / 128.0);
    [1.0, r, g, b, r * r, g * g, b * b, r * g, g * b, b * r]
}

/// The monomials of x and y up to the third degree, over a frame of sides -1 to 1.
fn place_terms(x: f32, y: f32) -> [f32; TERMS] {
    [1.0, x, y, x * x, x * y, y * y, x * x * x, x * x * y, x * y * y, y * y * y]
}

fn samples(reference: &Rgb, query: &Rgb, valid: &[u8]) -> Vec<Sample> {
    let (width, height) = (reference.width, reference.height);
    let step = ((width * height) as f64 / SAMPLES as f64).sqrt().max(1.0) as usize;
    let mut found = Vec::with_capacity(2 * SAMPLES);
    // How often each of 4 x 4 x 4 colours occurs: rare colours must not drown in the background.
    let mut counts = [0_u32; 64];
    let bin =
        |p: &[u8]| (usize::from(p[0] >> 6) << 4) | (usize::from(p[1] >> 6) << 2) | usize::from(p[2] >> 6);
    let mut bins = Vec::with_capacity(2 * SAMPLES);
    for y in (step / 2..height).step_by(step) {
        for x in (step / 2..width).step_by(step) {
            let index = y * width + x;
            let (Some(255), Some(from), Some(to)) = (
                valid.get(index),
                reference.rgb.get(3 * index..3 * index + 3),
                query.rgb.get(3 * index..3 * index + 3),
            ) else {
                continue;
            };
            counts[bin(from)] += 1;
            bins.push(bin(from));
            found.push(Sample {
                terms: colour_terms(from),
                place: place_terms(2.0 * x as f32 / width as f32 - 1.0, 2.0 * y as f32 / height as f32 - 1.0),
                target: [to[0], to[1], to[2]].map(f32::from),
                weight: 1.0,
                clipped: [from, to].iter().all(|colour| colour.iter().all(|value| *value >= WHITE))
                    || [from, to].iter().all(|colour| colour.iter().all(|value| *value <= BLACK)),
            });
        }
    }
    for (sample, bin) in found.iter_mut().zip(bins) {
        sample.weight = 1.0 / (counts[bin].max(4) as f32).sqrt();
    }
    found
}

fn dot(a: &[f32; TERMS], b: &[f32; TERMS]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Weighted least squares of several right-hand sides over the same terms, with a ridge towards `prior`.
fn regress<const K: usize>(
    rows: impl Iterator<Item = ([f32; TERMS], [f32; K], f32)>,
    ridge: &[f32; TERMS],
    prior: &[[f32; TERMS]; K],
) -> Option<[[f32; TERMS]; K]> {
    let mut normal = [[0.0_f32; TERMS]; TERMS];
    let mut right = [[0.0_f32; TERMS]; K];
    let mut total = 0.0_f32;
    for (terms, targets, weight) in rows {
        let weighted = terms.map(|value| value * weight);
        for row in 0..TERMS {
            // The lower triangle is read; whole runs of four are quicker than its exact edge.
            for column in 0..(row / 4 * 4 + 4).min(TERMS) {
                normal[row][column] += weighted[row] * terms[column];
            }
        }
        for (side, target) in right.iter_mut().zip(targets) {
            for (value, term) in side.iter_mut().zip(weighted) {
                *value += term * target;
            }
        }
        total += weight;
    }
    let mut out = [[0.0; TERMS]; K];
    for ((out, side), prior) in out.iter_mut().zip(right).zip(prior) {
        let mut matrix = normal.map(|row| row.map(f64::from));
        let mut side = side.map(f64::from);
        for k in 0..TERMS {
            let pull = f64::from(ridge[k] * total) + 1e-6;
            matrix[k][k] += pull;
            side[k] += pull * f64::from(prior[k]);
        }
        *out = solve(matrix, side)?.map(|value| value as f32);
    }
    Some(out)
}

impl Tone {
    /// No change of colours at all.
    pub(crate) fn identity() -> Self {
        let mut colour = [[0.0; TERMS]; 3];
        for (channel, row) in colour.iter_mut().enumerate() {
            row[0] = 128.0;
            row[channel + 1] = 128.0;
        }
        Self { colour, light: [0.0; TERMS] }
    }

    /// The robust fit over the pixels where `valid` is 255.
    pub(crate) fn fit(reference: &Rgb, query: &Rgb, valid: &[u8]) -> Self {
        let mut samples = samples(reference, query, valid);
        if samples.len() < FEW_SAMPLES {
            return Self::identity();
        }
        // A picture whose colours nobody changed needs no map: start from that, and hold the map more firmly, so that
        // a colour that occurs in an altered region only is not explained away.
        let mut trust = vec![1.0_f32; samples.len()];
        let unchanged = Self::identity().trust(&samples, &mut trust);
        if unchanged > CHANGED {
            trust.fill(1.0);
        }
        let firm = 1.0 + 40.0 * (1.0 - unchanged / CHANGED).max(0.0);
        let tone = Self::robust(&samples, trust, firm, Clipped::Predicted);
        let told = tone.explained(&samples);
        if told >= EXPLAINED {
            return tone;
        }
        // White ground stays white under most filters and speaks for no change, whatever became of the product before
        // it. What is not clipped may speak nearly alone, if one map then explains it clearly better.
        let weight = |clipped: bool| {
            let some = samples.iter().filter(|sample| sample.clipped == clipped);
            some.map(|sample| sample.weight).sum::<f32>()
        };
        let quiet = CLIPPED_PART * weight(false) / weight(true).max(f32::MIN_POSITIVE);
        if quiet >= 1.0 {
            return tone;
        }
        for sample in samples.iter_mut().filter(|sample| sample.clipped) {
            sample.weight *= quiet;
        }
        let other = Self::robust(&samples, vec![1.0; samples.len()], 1.0, Clipped::Silent);
        let better = other.explained(&samples);
        let shift = Self::identity().typical_error(&samples);
        let is_filter = shift >= SHIFTED && other.typical_error(&samples) <= SHIFT_LEFT * shift;
        let clearly = better >= MOSTLY_EXPLAINED && 1.0 - better <= LEFT * (1.0 - told);
        if is_filter && clearly { other } else { tone }
    }

    /// Iteratively reweighted least squares, from the trust given; `firm` multiplies the pull towards no change.
    fn robust(samples: &[Sample], mut trust: Vec<f32>, firm: f32, clipped: Clipped) -> Self {
        let colour_ridge = [1e-4, 2e-3, 2e-3, 2e-3, 6e-3, 6e-3, 6e-3, 6e-3, 6e-3, 6e-3];
        let light_ridge = [1e-3, 1e-3, 1e-3, 4e-3, 4e-3, 4e-3, 1e-2, 1e-2, 1e-2, 1e-2];
        let (colour_ridge, light_ridge) = (colour_ridge.map(|r| r * firm), light_ridge.map(|r| r * firm));
        let mut tone = Self::identity();
        for round in 0..ROUNDS {
            let Some(colour) = (match clipped {
                Clipped::Predicted => tone.coloured(samples, &trust, &colour_ridge),
                Clipped::Silent => tone.coloured_by_unclipped(samples, &trust, &colour_ridge, round == 0),
            }) else {
                break;
            };
            if round > 0 {
                let rows = samples.iter().zip(&trust).map(|(sample, trust)| {
                    let light = dot(&sample.place, &tone.light);
                    let colours = tone.colours(&sample.terms).map(|colour| colour + light);
                    let error = grey(unclipped(sample.target, colours)) - grey(colours) + light;
                    (sample.place, [error.clamp(-40.0, 40.0)], trust * sample.weight)
                });
                if let Some([light]) = regress(rows, &light_ridge, &[[0.0; TERMS]]) {
                    tone.light = light;
                }
            }
            tone.colour = colour;
            tone.trust(samples, &mut trust);
        }
        tone
    }

    /// The colour map of the next round; clipped samples keep what this one predicts beyond them.
    fn coloured(&self, samples: &[Sample], trust: &[f32], ridge: &[f32; TERMS]) -> Option<[[f32; TERMS]; 3]> {
        let rows = samples.iter().zip(trust).map(|(sample, trust)| {
            let light = dot(&sample.place, &self.light);
            let colours = self.colours(&sample.terms).map(|colour| colour + light);
            let targets = unclipped(sample.target, colours).map(|value| value - light);
            (sample.terms, targets, trust * sample.weight)
        });
        regress(rows, ridge, &Self::identity().colour)
    }

    /// The same, where clipped channels say nothing: `first`, or where this map predicts beyond them. What they keep would
    /// hold the map near the last one, and white ground is much.
    fn coloured_by_unclipped(
        &self,
        samples: &[Sample],
        trust: &[f32],
        ridge: &[f32; TERMS],
        first: bool,
    ) -> Option<[[f32; TERMS]; 3]> {
        let mut colour = self.colour;
        for ((channel, fitted), identity) in colour.iter_mut().enumerate().zip(Self::identity().colour) {
            let rows = samples.iter().zip(trust).map(|(sample, trust)| {
                let light = dot(&sample.place, &self.light);
                let (value, target) = (dot(fitted, &sample.terms) + light, sample.target[channel]);
                let silent = (target >= f32::from(WHITE) && (first || value >= target))
                    || (target <= f32::from(BLACK) && (first || value <= target));
                (sample.terms, [target - light], if silent { 0.0 } else { trust * sample.weight })
            });
            let [new] = regress(rows, ridge, &[identity])?;
            *fitted = new;
        }
        Some(colour)
    }

    /// The median error of the samples that are not clipped, grey levels.
    fn typical_error(&self, samples: &[Sample]) -> f32 {
        let unclipped = samples.iter().filter(|sample| !sample.clipped);
        let mut errors: Vec<f32> = unclipped.map(|sample| self.error(sample)).collect();
        let middle = errors.len() / 2;
        if errors.is_empty() { 0.0 } else { *errors.select_nth_unstable_by(middle, f32::total_cmp).1 }
    }

    /// Share of the samples that are not clipped which the map explains, 0 to 1; 1 if there are few.
    fn explained(&self, samples: &[Sample]) -> f32 {
        let (mut well, mut all) = (0_usize, 0_usize);
        for sample in samples.iter().filter(|sample| !sample.clipped) {
            all += 1;
            well += usize::from(self.error(sample) <= WELL);
        }
        if all < FEW_SAMPLES { 1.0 } else { well as f32 / all as f32 }
    }

    /// Geman-McClure weights of the samples under this map, and their weighted median error, grey levels.
    fn trust(&self, samples: &[Sample], trust: &mut [f32]) -> f32 {
        let mut weights = [0.0_f32; BINS];
        let mut total = 0.0;
        for (trust, sample) in trust.iter_mut().zip(samples) {
            *trust = self.error(sample);
            weights[((*trust * BINS_A_LEVEL) as usize).min(BINS - 1)] += sample.weight;
            total += sample.weight;
        }
        let mut half = 0.5 * total;
        let middle = weights.iter().position(|weight| {
            half -= weight;
            half <= 0.0
        });
        let median = (middle.unwrap_or(0) as f32 + 0.5) / BINS_A_LEVEL;
        let scale = (2.0 * median).max(3.0);
        for trust in trust {
            let ratio = *trust / scale;
            let weight = 1.0 / (1.0 + ratio * ratio);
            *trust = weight * weight;
        }
        median
    }

    fn colours(&self, terms: &[f32; TERMS]) -> [f32; 3] {
        [dot(&self.colour[0], terms), dot(&self.colour[1], terms), dot(&self.colour[2], terms)]
    }

    fn error(&self, sample: &Sample) -> f32 {
        let light = dot(&self.light, &sample.place);
        let colours = self.colours(&sample.terms);
        colours
            .iter()
            .zip(sample.target)
            .map(|(c, t)| ((c + light).clamp(0.0, 255.0) - t).abs())
            .fold(0.0, f32::max)
    }

    /// Luma and colour differences of up to [`RUN`] pixels; the rest of the arrays is meaningless.
    fn run(&self, pixels: &[u8], light: &[f32; RUN]) -> [[u8; RUN]; 3] {
        let mut rgb = [[0.0_f32; RUN]; 3];
        for (i, pixel) in pixels.chunks_exact(3).enumerate().take(RUN) {
            for c in 0..3 {
                rgb[c][i] = (f32::from(pixel[c]) - 128.0) / 128.0;
            }
        }
        let [r, g, b] = &rgb;
        let mut mapped = [[0.0_f32; RUN]; 3];
        for (out, k) in mapped.iter_mut().zip(&self.colour) {
            for i in 0..RUN {
                let (r, g, b) = (r[i], g[i], b[i]);
                let linear = k[0] + k[1] * r + k[2] * g + k[3] * b;
                let square =
                    r * (k[4] * r + k[7] * g) + g * (k[5] * g + k[8] * b) + b * (k[6] * b + k[9] * r);
                out[i] = (linear + square + light[i]).clamp(0.0, 255.0);
            }
        }
        differences(&mapped)
    }

    /// The predicted query.
    pub(crate) fn apply(&self, reference: &Rgb) -> Channels {
        let (width, height) = (reference.width, reference.height);
        let mut out = [Plane::new(width, height), Plane::new(width, height), Plane::new(width, height)];
        let [luma, blue, red] = &mut out;
        let lines = reference.rgb.chunks_exact(width * 3).zip(
            luma.data
                .chunks_exact_mut(width)
                .zip(blue.data.chunks_exact_mut(width).zip(red.data.chunks_exact_mut(width))),
        );
        for (y, (line, (luma, (blue, red)))) in lines.enumerate() {
            let v = 2.0 * y as f32 / height as f32 - 1.0;
            let l = &self.light;
            // The light polynomial along this row: a cubic in x.
            let cubic = [
                l[0] + v * (l[2] + v * (l[5] + v * l[9])),
                l[1] + v * (l[4] + v * l[8]),
                l[3] + v * l[7],
                l[6],
            ];
            let runs = line
                .chunks(3 * RUN)
                .zip(luma.chunks_mut(RUN).zip(blue.chunks_mut(RUN).zip(red.chunks_mut(RUN))));
            for (run, (pixels, (luma, (blue, red)))) in runs.enumerate() {
                let u: [f32; RUN] =
                    std::array::from_fn(|i| 2.0 * (run * RUN + i) as f32 / width as f32 - 1.0);
                let light = u.map(|u| cubic[0] + u * (cubic[1] + u * (cubic[2] + u * cubic[3])));
                let values = self.run(pixels, &light);
                for (out, values) in [luma, blue, red].into_iter().zip(&values) {
                    out.copy_from_slice(&values[..out.len()]);
                }
            }
        }
        out
    }
}

/// The target, or the prediction where the target is clipped and the prediction lies beyond: no error then.
fn unclipped(target: [f32; 3], predicted: [f32; 3]) -> [f32; 3] {
    std::array::from_fn(|c| {
        let beyond = (target[c] <= 2.0 && predicted[c] < target[c])
            || (target[c] >= 253.0 && predicted[c] > target[c]);
        if beyond { predicted[c] } else { target[c] }
    })
}

fn grey(rgb: [f32; 3]) -> f32 {
    0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
}

/// ITU-R BT.601 luma and colour differences of planar red, green and blue (0 to 255), as bytes; the differences are
/// centred at 128.
fn differences(rgb: &[[f32; RUN]; 3]) -> [[u8; RUN]; 3] {
    let mut out = [[0_u8; RUN]; 3];
    for i in 0..RUN {
        let (r, g, b) = (rgb[0][i], rgb[1][i], rgb[2][i]);
        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
        // All three lie between 0 and 256.
        out[0][i] = whole(luma + 0.5) as u8;
        out[1][i] = whole(128.5 + 0.5 * (b - luma)) as u8;
        out[2][i] = whole(128.5 + 0.5 * (r - luma)) as u8;
    }
    out
}

/// Luma and colour differences of a picture.
pub(crate) fn channels(picture: &Rgb) -> Channels {
    let (width, height) = (picture.width, picture.height);
    let mut out = [Plane::new(width, height), Plane::new(width, height), Plane::new(width, height)];
    let [luma, blue, red] = &mut out;
    let runs = luma.data.chunks_mut(RUN).zip(blue.data.chunks_mut(RUN).zip(red.data.chunks_mut(RUN)));
    for (pixels, (luma, (blue, red))) in picture.rgb.chunks(3 * RUN).zip(runs) {
        let mut rgb = [[0.0_f32; RUN]; 3];
        for (i, pixel) in pixels.chunks_exact(3).enumerate().take(RUN) {
            for c in 0..3 {
                rgb[c][i] = f32::from(pixel[c]);
            }
        }
        let values = differences(&rgb);
        for (out, values) in [luma, blue, red].into_iter().zip(&values) {
            out.copy_from_slice(&values[..out.len()]);
        }
    }
    out
}
