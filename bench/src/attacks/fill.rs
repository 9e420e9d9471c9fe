//! Filling an area from what surrounds it: a patch without a seam, and a smear.
//!
//! Both work at a reduced size: what they compute is smooth. Knows areas, not kinds of damage.

use super::{
    field::Field,
    pixels::{Colour, between, byte, colour, each, mix, resize},
};
use image::RgbImage;

/// Long side at which a patch's seam is spread, pixels.
const SEAM_SIDE: f32 = 96.0;
/// Sweeps of the relaxation: enough for the size above.
const SWEEPS: usize = 300;
/// Over-relaxation (Young 1954), near the best for areas of about 40 pixels.
const RELAXATION: f32 = 1.85;
/// Long side at which an area is smeared over, pixels.
const SMEAR_SIDE: f32 = 320.0;
/// How far a smear looks around, pixels at that size.
const LOOK: isize = 5;

/// A picture and the area to fill, at a size where smooth things are quick to compute.
struct Reduced {
    picture: RgbImage,
    area: Field,
    /// How much larger the whole is, across and down.
    scale: (f32, f32),
}

impl Reduced {
    /// At most `long` pixels along the long side.
    fn new(picture: &RgbImage, area: &Field, long: f32) -> Self {
        let factor = (long / area.width.max(area.height) as f32).min(1.0);
        let side = |length: usize| ((length as f32 * factor) as usize).max(2);
        let (width, height) = (side(area.width), side(area.height));
        Self {
            picture: resize(picture, width as u32, height as u32),
            area: area.resized(width, height),
            scale: (area.width as f32 / width as f32, area.height as f32 / height as f32),
        }
    }

    /// Where a place of the whole lies.
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        ((x + 0.5) / self.scale.0 - 0.5, (y + 0.5) / self.scale.1 - 0.5)
    }
}

/// The colours `new(x, y)` wherever `area` is above 0, its rim blurred by a Gaussian of `soft` pixels.
fn laid_over(picture: &RgbImage, area: &Field, soft: f32, new: impl Fn(f32, f32) -> Colour) -> RgbImage {
    let inside = |x: usize, y: usize| f32::from(area.values[y * area.width + x] > 0.0);
    let strengths = Field::from_fn(area.width, area.height, inside).blurred(soft);
    each(picture, |x, y, colour| {
        let strength = strengths.values[y * area.width + x];
        if strength == 0.0 { colour } else { mix(colour, new(x as f32, y as f32), strength) }
    })
}

/// Puts the middle of `patch` at `centre` wherever `area` is above 0, its colours shifted so that they meet
/// the ground's along the rim: the membrane form of Poisson blending (Pérez, Gangnet, Blake 2003).
pub(crate) fn cloned(picture: &RgbImage, patch: &RgbImage, area: &Field, centre: (f32, f32)) -> RgbImage {
    let offset = (centre.0 - patch.width() as f32 / 2.0, centre.1 - patch.height() as f32 / 2.0);
    let small = Reduced::new(picture, area, SEAM_SIDE);
    let patched = |x: usize, y: usize| {
        // The mean of a few places, as the ground is a mean too.
        let mut sum = [0.0; 3];
        for (u, v) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
            let place =
                ((x as f32 + u) * small.scale.0 - offset.0, (y as f32 + v) * small.scale.1 - offset.1);
            let found = between(patch, place);
            sum = std::array::from_fn(|at| sum[at] + found[at] / 4.0);
        }
        sum
    };
    let shift: [Field; 3] = std::array::from_fn(|channel| {
        let mut shift = Field::from_fn(small.area.width, small.area.height, |x, y| {
            let below = colour(small.picture.get_pixel(x as u32, y as u32))[channel];
            below - patched(x, y)[channel]
        });
        relax(&mut shift, &small.area);
        shift
    });
    laid_over(picture, area, 1.2, |x, y| {
        let new = between(patch, (x - offset.0, y - offset.1));
        let (sx, sy) = small.place(x, y);
        std::array::from_fn(|at| new[at] + shift[at].between(sx, sy))
    })
}

/// Solves Laplace's equation where `area` is above 0; the values around stay.
fn relax(field: &mut Field, area: &Field) {
    let (width, height) = (field.width, field.height);
    for _ in 0..SWEEPS {
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let at = y * width + x;
                if area.values[at] > 0.0 {
                    let around = field.values[at - 1]
                        + field.values[at + 1]
                        + field.values[at - width]
                        + field.values[at + width];
                    field.values[at] += RELAXATION * (0.25 * around - field.values[at]);
                }
            }
        }
    }
}

/// Paints over wherever `area` is above 0, from the rim inwards, each place from those already known near it;
/// those that lie outwards count most, so that edges run on (after Telea 2004).
pub(crate) fn smear(picture: &RgbImage, area: &Field) -> RgbImage {
    let small = Reduced::new(picture, area, SMEAR_SIDE);
    let (width, height) = (small.area.width, small.area.height);
    let mut colours: Vec<Colour> = small.picture.pixels().map(colour).collect();
    let mut known: Vec<bool> = small.area.values.iter().map(|value| *value <= 0.0).collect();
    let mut open: Vec<usize> = (0..known.len()).filter(|at| !known[*at]).collect();
    // The field falls outwards, so its order is the order from the rim inwards.
    open.sort_by(|a, b| small.area.values[*a].total_cmp(&small.area.values[*b]).then(a.cmp(b)));
    for at in open {
        let (x, y) = ((at % width) as isize, (at / width) as isize);
        let inwards = (
            small.area.at(x + 1, y) - small.area.at(x - 1, y),
            small.area.at(x, y + 1) - small.area.at(x, y - 1),
        );
        let length = inwards.0.hypot(inwards.1) + 1e-6;
        let (mut sum, mut weights) = ([0.0; 3], 0.0_f32);
        for dy in -LOOK..=LOOK {
            for dx in -LOOK..=LOOK {
                let (nx, ny) = (x + dx, y + dy);
                let outside = nx < 0 || ny < 0 || nx >= width as isize || ny >= height as isize;
                if outside || (dx, dy) == (0, 0) || dx * dx + dy * dy > LOOK * LOOK {
                    continue;
                }
                let neighbour = ny as usize * width + nx as usize;
                if !known[neighbour] {
                    continue;
                }
                let far = ((dx * dx + dy * dy) as f32).sqrt();
                let along = (dx as f32 * inwards.0 + dy as f32 * inwards.1).abs() / (far * length);
                let weight = (along + 0.02) / (far * far);
                sum = std::array::from_fn(|channel| sum[channel] + weight * colours[neighbour][channel]);
                weights += weight;
            }
        }
        if weights > 0.0 {
            colours[at] = sum.map(|value| value / weights);
        }
        known[at] = true;
    }
    let filled =
        RgbImage::from_fn(width as u32, height as u32, |x, y| byte(colours[y as usize * width + x as usize]));
    laid_over(picture, area, 2.0, |x, y| between(&filled, small.place(x, y)))
}
