//! How far the query departs from the predicted picture, relative to the picture's own residual level.
//!
//! Owns the distance outside the local interval (tolerant of a pixel's misplacement), the noise curve over local
//! contrast and their quotient. Knows nothing of regions.

// Byte arithmetic; quotients are clamped to a byte.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::raster::Plane;
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
    /// Mean change of the reference's colours by the colour map, summed over the channels, grey levels.
    pub(crate) edited: f32,
    /// Contrast of the predicted picture over 5 x 5 pixels, grey levels.
    pub(crate) contrast: Plane,
}

/// The residual of `query` against `predicted`; `plain` is the reference before its colours were mapped. How far the
/// map moved a pixel's colour bounds how well the map can be trusted there.
pub(crate) fn measure(predicted: &Channels, plain: &Channels, query: &Channels, valid: &[u8]) -> Residual {
    let (width, height) = (valid.len() / predicted[0].height.max(1), predicted[0].height);
    let mut absolute = Plane::new(width, height);
    let mut contrast = Plane::new(width, height);
    let mut moved_in_all = 0_u32;
    let lost = lost(&predicted[0]);
    for (channel, (a, b)) in predicted.iter().zip(query).enumerate() {
        let (low_a, high_a) = (extreme(a, u8::min), extreme(a, u8::max));
        let (low_b, high_b) = (extreme(b, u8::min), extreme(b, u8::max));
        let bounds = low_a.data.iter().zip(&high_a.data).zip(low_b.data.iter().zip(&high_b.data));
        let values = a.data.iter().zip(&b.data).zip(plain[channel].data.iter().zip(&lost.data));
        for ((out, ((la, ha), (lb, hb))), ((va, vb), (before, lost))) in
            absolute.data.iter_mut().zip(bounds).zip(values)
        {
            let outside = vb.saturating_sub(*ha).max(la.saturating_sub(*vb));
            let lost = if channel == 0 { *lost } else { 0 };
            let inverse = va.saturating_sub(*hb).max(lb.saturating_sub(*va)).saturating_sub(lost);
            let moved = va.abs_diff(*before);
            moved_in_all += u32::from(moved);
            let excused = if channel == 0 { moved / 4 } else { moved / 2 };
            *out = out.saturating_add(outside.max(inverse).saturating_sub(excused));
        }
        if channel == 0 {
            for (out, (high, low)) in contrast.data.iter_mut().zip(high_a.data.iter().zip(&low_a.data)) {
                *out = high.saturating_sub(*low);
            }
        }
    }
    let contrast = extreme(&contrast, u8::max);
    // What is clipped in both pictures agrees, whatever the map says of colours beyond white.
    let (before, after) = (clipped(plain), clipped(query));
    for (value, (before, after)) in absolute.data.iter_mut().zip(before.zip(after)) {
        if before == after && before.is_some() {
            *value = 0;
        }
    }
    for (value, seen) in absolute.data.iter_mut().zip(valid) {
        *value &= *seen;
    }
    let (curve, level) = noise(&absolute, &contrast, valid);
    let table: Vec<f32> = (0..CLASSES).map(|class| UNIT / (FLOOR + MARGIN * curve[class])).collect();
    let mut relative = Plane::new(width, height);
    for (out, (value, contrast)) in relative.data.iter_mut().zip(absolute.data.iter().zip(&contrast.data)) {
        let scale = table.get(class(*contrast)).copied().unwrap_or(0.0);
        *out = (f32::from(*value) * scale) as u8;
    }
    let edited = moved_in_all as f32 / (width * height).max(1) as f32;
    Residual { relative, level, edited, contrast }
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
        for (value, (above, below)) in line.iter_mut().zip(row.windows(2).zip(below.windows(2))) {
            let sum = above.iter().chain(below).map(|value| u16::from(*value)).sum::<u16>();
            *value = ((sum + 2) / 4) as u8;
        }
    }
    let (low, mut high) = (extreme(&half, u8::min), extreme(&half, u8::max));
    for ((high, low), value) in high.data.iter_mut().zip(&low.data).zip(&plane.data) {
        *high = value.saturating_sub(*high).max(low.saturating_sub(*value));
    }
    high
}

/// Per pixel whether it is white (`Some(true)`), black (`Some(false)`) or neither.
fn clipped(channels: &Channels) -> impl Iterator<Item = Option<bool>> {
    let [luma, blue, red] = channels;
    luma.data.iter().zip(blue.data.iter().zip(&red.data)).map(|(luma, (blue, red))| {
        let colourless = blue.abs_diff(128).max(red.abs_diff(128)) <= COLOURLESS;
        (colourless && (*luma >= WHITE || *luma <= BLACK)).then_some(*luma >= WHITE)
    })
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
    let mut counts = vec![[0_u32; 256]; CLASSES];
    for ((value, contrast), seen) in absolute.data.iter().zip(&contrast.data).zip(valid) {
        if *seen == 255 {
            counts[class(*contrast)][usize::from(*value)] += 1;
        }
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
    let mut low = extreme(&extreme(plane, u8::min), u8::min);
    let high = extreme(&extreme(plane, u8::max), u8::max);
    for (low, high) in low.data.iter_mut().zip(&high.data) {
        *low = high.saturating_sub(*low);
    }
    low
}

/// The 3 x 3 extreme (`u8::min` or `u8::max`), borders repeated.
pub(crate) fn extreme(plane: &Plane, pick: impl Fn(u8, u8) -> u8 + Copy) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let mut across = Plane::new(width, height);
    for (row, out) in plane.data.chunks_exact(width).zip(across.data.chunks_exact_mut(width)) {
        out.copy_from_slice(row);
        for (value, right) in out.iter_mut().zip(&row[1..]) {
            *value = pick(*value, *right);
        }
        for (value, left) in out[1..].iter_mut().zip(row) {
            *value = pick(*value, *left);
        }
    }
    let mut out = across.clone();
    for y in 0..height {
        let line = &mut out.data[y * width..(y + 1) * width];
        for neighbour in [y.checked_sub(1), (y + 1 < height).then_some(y + 1)].into_iter().flatten() {
            for (value, other) in
                line.iter_mut().zip(&across.data[neighbour * width..(neighbour + 1) * width])
            {
                *value = pick(*value, *other);
            }
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
