//! How far the query departs from the predicted picture, relative to the picture's own residual level.
//!
//! Owns the distance outside the local interval (tolerant of a pixel's misplacement), the noise curve over local
//! contrast and their quotient. Knows nothing of regions.

// Byte arithmetic; quotients are clamped to a byte.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::raster::{Plane, whole};
use super::tone::Channels;

/// The quotient's unit: a residual as large as the expected noise has this value.
pub(crate) const UNIT: f32 = 16.0;
/// Classes of local contrast.
const CLASSES: usize = 16;
/// Grey levels of residual that are always tolerated.
const FLOOR: f32 = 5.0;
/// Luma from which, and up to which, a pixel without colour is clipped.
const WHITE: u8 = 250;
const BLACK: u8 = 5;
/// Colour difference, grey levels, up to which a pixel has no colour.
const COLOURLESS: u8 = 2;
/// Noise that is expected per quantile of the residual.
const MARGIN: f32 = 1.6;

/// The residual of a comparison.
pub(crate) struct Residual {
    /// Residual over the expected noise, in units of [`UNIT`].
    pub(crate) relative: Plane,
    /// The upper quartile of the absolute residual over valid pixels: the picture's own level, grey levels.
    pub(crate) level: f32,
    /// Contrast of the predicted picture over 5 x 5 pixels, grey levels.
    pub(crate) contrast: Plane,
}

/// The residual of `query` against `predicted`; `plain` is the reference before its colours were mapped. How far the
/// map moved a pixel's colour bounds how well the map can be trusted there.
// Passes over few planes each become vector code; one pass over all of them does not.
pub(crate) fn measure(predicted: &Channels, plain: &Channels, query: &Channels, valid: &[u8]) -> Residual {
    let (width, height) = (valid.len() / predicted[0].height.max(1), predicted[0].height);
    let mut absolute = Plane::new(width, height);
    let mut contrast = Plane::new(width, height);
    let mut outside = vec![0_u8; width * height];
    let mut inverse = vec![0_u8; width * height];
    for (channel, (a, b)) in predicted.iter().zip(query).enumerate() {
        let before = &plain[channel];
        let of_a = extremes(a);
        beyond(&mut outside, &b.data, &of_a);
        beyond(&mut inverse, &a.data, &extremes(b));
        if channel == 0 {
            take_off(&mut inverse, &lost(a).data);
            contrast = of_a.1;
            take_off(&mut contrast.data, &of_a.0.data);
        }
        for (outside, inverse) in outside.iter_mut().zip(&inverse) {
            *outside = (*outside).max(*inverse);
        }
        let excused = if channel == 0 { 2 } else { 1 };
        for ((outside, now), before) in outside.iter_mut().zip(&a.data).zip(&before.data) {
            *outside = outside.saturating_sub(now.abs_diff(*before) >> excused);
        }
        for (out, outside) in absolute.data.iter_mut().zip(&outside) {
            *out = out.saturating_add(*outside);
        }
    }
    let contrast = extreme(&contrast, u8::max);
    // What is clipped in both pictures agrees, whatever the map says of colours beyond white.
    clipped(&mut outside, plain);
    clipped(&mut inverse, query);
    for (value, (before, after)) in absolute.data.iter_mut().zip(outside.iter().zip(&inverse)) {
        *value = if *before & *after == 0 { *value } else { 0 };
    }
    for (value, seen) in absolute.data.iter_mut().zip(valid) {
        *value &= *seen;
    }
    let (curve, level) = noise(&absolute, &contrast, valid);
    let scales: [f32; 256] =
        std::array::from_fn(|contrast| UNIT / (FLOOR + MARGIN * curve[class(contrast as u8)]));
    let mut relative = Plane::new(width, height);
    for (out, (value, contrast)) in relative.data.iter_mut().zip(absolute.data.iter().zip(&contrast.data)) {
        *out = whole((f32::from(*value) * scales[usize::from(*contrast)]).min(255.0)) as u8;
    }
    Residual { relative, level, contrast }
}

/// Mean change of the reference's colours by the colour map, summed over the channels, grey levels.
pub(crate) fn edited(predicted: &Channels, plain: &Channels) -> f32 {
    let moved = |(now, before): (&Plane, &Plane)| {
        now.data.iter().zip(&before.data).map(|(now, before)| u32::from(now.abs_diff(*before))).sum::<u32>()
    };
    let sum: u32 = predicted.iter().zip(plain).map(moved).sum();
    sum as f32 / plain[0].data.len().max(1) as f32
}

/// How far each value lies outside what is lowest and highest around it.
fn beyond(out: &mut [u8], values: &[u8], (low, high): &(Plane, Plane)) {
    let bounds = low.data.iter().zip(&high.data);
    for ((out, value), (low, high)) in out.iter_mut().zip(values).zip(bounds) {
        *out = value.saturating_sub(*high).max(low.saturating_sub(*value));
    }
}

/// Subtracts down to 0.
fn take_off(values: &mut [u8], others: &[u8]) {
    for (value, other) in values.iter_mut().zip(others) {
        *value = value.saturating_sub(*other);
    }
}

/// Per pixel how far, grey levels, it stands out of all that lies halfway between pixels around it. So much of pleats,
/// meshes and other texture of two or three pixels is lost when the query is sampled between its pixels.
fn lost(plane: &Plane) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let mut half = plane.clone();
    for y in 0..height - 1 {
        let rows = &plane.data[y * width..(y + 2) * width];
        let (row, below) = rows.split_at(width);
        let line = &mut half.data[y * width..(y + 1) * width - 1];
        let pairs = row.iter().zip(&row[1..]).zip(below.iter().zip(&below[1..]));
        for (value, ((a, b), (c, d))) in line.iter_mut().zip(pairs) {
            let sum = u16::from(*a) + u16::from(*b) + u16::from(*c) + u16::from(*d);
            *value = ((sum + 2) >> 2) as u8;
        }
    }
    let bounds = extremes(&half);
    beyond(&mut half.data, &plane.data, &bounds);
    half
}

/// Per pixel 1 where it is white, 2 where it is black, 0 where it is neither.
fn clipped(out: &mut [u8], channels: &Channels) {
    let [luma, blue, red] = channels;
    for (out, (luma, (blue, red))) in
        out.iter_mut().zip(luma.data.iter().zip(blue.data.iter().zip(&red.data)))
    {
        let colourless = blue.abs_diff(128).max(red.abs_diff(128)) <= COLOURLESS;
        let white = if *luma >= WHITE { 1 } else { 0 };
        let black = if *luma <= BLACK { 2 } else { 0 };
        *out = if colourless { white | black } else { 0 };
    }
}

/// Clears `valid` within `reach` pixels of its own border and of the frame's: there interpolation mixes in what lies
/// around the picture.
pub(crate) fn margin(valid: &mut [u8], width: usize, height: usize, reach: usize) {
    let mut plane = Plane { width, height, data: valid.to_vec() };
    for (y, row) in plane.data.chunks_exact_mut(width).enumerate() {
        if y == 0 || y + 1 == height {
            row.fill(0);
        }
        if let [first, .., last] = row {
            *first = 0;
            *last = 0;
        }
    }
    for _ in 1..reach {
        plane = extreme(&plane, u8::min);
    }
    valid.copy_from_slice(&plane.data);
}

/// The class of a local contrast: finer where contrast is low.
fn class(contrast: u8) -> usize {
    match contrast {
        0..32 => usize::from(contrast / 4),
        32..96 => 8 + usize::from((contrast - 32) / 16),
        _ => 12 + usize::from((contrast - 96) / 40),
    }
}

/// The least contrast of a class, grey levels.
fn least_contrast(class: usize) -> f32 {
    match class {
        0..8 => 4.0 * class as f32,
        8..12 => 32.0 + 16.0 * (class - 8) as f32,
        _ => 96.0 + 40.0 * (class.max(12) - 12) as f32,
    }
}

/// Per class of contrast the upper quartile of the residual, never falling with contrast; and the overall one.
fn noise(absolute: &Plane, contrast: &Plane, valid: &[u8]) -> ([f32; CLASSES], f32) {
    let classes: [usize; 256] = std::array::from_fn(|contrast| class(contrast as u8));
    // Two tables in turn: most pixels count where the one before them counted, and would wait for it.
    let mut counts = [[[0_u32; 256]; CLASSES]; 2];
    for (index, ((value, contrast), seen)) in absolute.data.iter().zip(&contrast.data).zip(valid).enumerate()
    {
        if *seen == 255 {
            counts[index % 2][classes[usize::from(*contrast)]][usize::from(*value)] += 1;
        }
    }
    let [mut counts, other] = counts;
    for (count, other) in counts.as_flattened_mut().iter_mut().zip(other.as_flattened()) {
        *count += other;
    }
    let quartile = |counts: &[u32; 256]| {
        let total: u32 = counts.iter().sum();
        let mut left = f64::from(total) * 0.75;
        for (value, count) in counts.iter().enumerate() {
            left -= f64::from(*count);
            if left <= 0.0 {
                return (value as f32, total);
            }
        }
        (255.0, total)
    };
    let mut overall = [0_u32; 256];
    for class in &counts {
        for (sum, count) in overall.iter_mut().zip(class) {
            *sum += count;
        }
    }
    let (level, _) = quartile(&overall);
    let mut curve = [0.0_f32; CLASSES];
    let mut previous = 0.0_f32;
    for (class, (value, counts)) in curve.iter_mut().zip(&counts).enumerate() {
        let (own, total) = quartile(counts);
        // Few pixels say little: lean on the class below.
        let trust = total as f32 / (total as f32 + 300.0);
        // An alteration may cover most pixels of one class, but not of the picture: the overall level bounds the class,
        // with some residue of misplacement per contrast.
        let bound = 1.5 * level + 1.0 + 0.15 * least_contrast(class);
        previous = previous.max(previous + trust * (own.min(bound) - previous));
        *value = previous;
    }
    (curve, level)
}

/// Contrast of a plane over 5 x 5 pixels, grey levels.
pub(crate) fn contrast(plane: &Plane) -> Plane {
    let low = extreme(&extreme(plane, u8::min), u8::min);
    let mut high = extreme(&extreme(plane, u8::max), u8::max);
    take_off(&mut high.data, &low.data);
    high
}

/// The least and the largest of 3 x 3 pixels, borders repeated.
fn extremes(plane: &Plane) -> (Plane, Plane) {
    (extreme(plane, u8::min), extreme(plane, u8::max))
}

/// The 3 x 3 extreme (`u8::min` or `u8::max`), borders repeated.
pub(crate) fn extreme(plane: &Plane, pick: impl Fn(u8, u8) -> u8 + Copy) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let mut out = Plane::new(width, height);
    let mut down = vec![0_u8; width];
    let row = |y: usize| &plane.data[y * width..(y + 1) * width];
    for (y, line) in out.data.chunks_exact_mut(width).enumerate() {
        let (above, below) = (row(y.saturating_sub(1)), row((y + 1).min(height - 1)));
        for ((down, own), (above, below)) in down.iter_mut().zip(row(y)).zip(above.iter().zip(below)) {
            *down = pick(*own, pick(*above, *below));
        }
        line.copy_from_slice(&down);
        for (value, right) in line.iter_mut().zip(&down[1..]) {
            *value = pick(*value, *right);
        }
        for (value, left) in line[1..].iter_mut().zip(&down) {
            *value = pick(*value, *left);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vertical stripes of 40 and 200, each so many pixels wide.
    fn stripes(wide: usize) -> Plane {
        let data = (0..64 * 48).map(|i| if (i % 64 / wide).is_multiple_of(2) { 40 } else { 200 }).collect();
        Plane { width: 64, height: 48, data }
    }

    #[test]
    fn only_texture_near_the_limit_of_resolution_can_be_lost_between_pixels() {
        let inner = |plane: &Plane| {
            (8..40)
                .flat_map(|y| (8..56).map(move |x| (x, y)))
                .map(|(x, y)| plane.at(x, y))
                .collect::<Vec<_>>()
        };
        // Halfway between stripes of one pixel lies their mean.
        assert!(inner(&lost(&stripes(1))).iter().all(|loss| *loss == 80));
        // Wider ones are met in their middle.
        assert!(inner(&lost(&stripes(2))).iter().all(|loss| *loss == 0));
        assert!(inner(&lost(&stripes(8))).iter().all(|loss| *loss == 0));
    }
}
