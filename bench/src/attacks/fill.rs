//! Filling an area from what surrounds it: a patch without a seam, and a smear.
//!
//! Both work at a reduced size: what they compute is smooth. Knows areas, not kinds of damage.

use super::{
    field::Field,
    pixels::{Colour, between, colour, each, mix, resize},
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

/// Puts the middle of `patch` at `centre` wherever `area` is above 0, its colours shifted so that they meet
/// the ground's along the rim: the membrane form of Poisson blending (Pérez, Gangnet, Blake 2003).
pub(crate) fn cloned(picture: &RgbImage, patch: &RgbImage, area: &Field, centre: (f32, f32)) -> RgbImage {
    let offset = (centre.0 - patch.width() as f32 / 2.0, centre.1 - patch.height() as f32 / 2.0);
    let (width, height) = (area.width, area.height);
    let factor = (SEAM_SIDE / width.max(height) as f32).min(1.0);
    let side = |length: usize| ((length as f32 * factor) as usize).max(2);
    let (small_width, small_height) = (side(width), side(height));
    let small_area = area.resized(small_width, small_height);
    let ground = resize(picture, small_width as u32, small_height as u32);
    let scale = (width as f32 / small_width as f32, height as f32 / small_height as f32);
    let patched = |x: usize, y: usize| {
        // The mean of a few places, as the ground is a mean too.
        let mut sum = [0.0; 3];
        for (u, v) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
            let place = ((x as f32 + u) * scale.0 - offset.0, (y as f32 + v) * scale.1 - offset.1);
            let found = between(patch, place);
            sum = std::array::from_fn(|at| sum[at] + found[at] / 4.0);
        }
        sum
    };
    let shift: [Field; 3] = std::array::from_fn(|channel| {
        let mut shift = Field::from_fn(small_width, small_height, |x, y| {
            let below = colour(ground.get_pixel(x as u32, y as u32))[channel];
            below - patched(x, y)[channel]
        });
        relax(&mut shift, &small_area);
        shift
    });
    let soft = Field::from_fn(width, height, |x, y| f32::from(area.values[y * width + x] > 0.0));
    let soft = soft.blurred(1.2);
    each(picture, |x, y, colour| {
        let strength = soft.values[y * width + x];
        if strength == 0.0 {
            return colour;
        }
        let (px, py) = (x as f32, y as f32);
        let new = between(patch, (px - offset.0, py - offset.1));
        let (sx, sy) = ((px + 0.5) / scale.0 - 0.5, (py + 0.5) / scale.1 - 0.5);
        mix(colour, std::array::from_fn(|at| new[at] + shift[at].between(sx, sy)), strength)
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
    let (width, height) = (area.width, area.height);
    let factor = (SMEAR_SIDE / width.max(height) as f32).min(1.0);
    let side = |length: usize| ((length as f32 * factor) as usize).max(2);
    let (small_width, small_height) = (side(width), side(height));
    let small_area = area.resized(small_width, small_height);
    let small = resize(picture, small_width as u32, small_height as u32);
    let mut colours: Vec<Colour> = small.pixels().map(colour).collect();
    let mut known: Vec<bool> = small_area.values.iter().map(|value| *value <= 0.0).collect();
    let mut open: Vec<usize> = (0..known.len()).filter(|at| !known[*at]).collect();
    // The field falls outwards, so its order is the order from the rim inwards.
    open.sort_by(|a, b| small_area.values[*a].total_cmp(&small_area.values[*b]).then(a.cmp(b)));
    for at in open {
        let (x, y) = ((at % small_width) as isize, (at / small_width) as isize);
        let inwards = (
            small_area.at(x + 1, y) - small_area.at(x - 1, y),
            small_area.at(x, y + 1) - small_area.at(x, y - 1),
        );
        let length = inwards.0.hypot(inwards.1) + 1e-6;
        let (mut sum, mut weights) = ([0.0; 3], 0.0_f32);
        for dy in -LOOK..=LOOK {
            for dx in -LOOK..=LOOK {
                let (nx, ny) = (x + dx, y + dy);
                let outside = nx < 0 || ny < 0 || nx >= small_width as isize || ny >= small_height as isize;
                if outside || (dx, dy) == (0, 0) || dx * dx + dy * dy > LOOK * LOOK {
                    continue;
                }
                let neighbour = ny as usize * small_width + nx as usize;
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
    let scale = (width as f32 / small_width as f32, height as f32 / small_height as f32);
    let filled = RgbImage::from_fn(small_width as u32, small_height as u32, |x, y| {
        super::pixels::byte(colours[y as usize * small_width + x as usize])
    });
    let soft = Field::from_fn(width, height, |x, y| f32::from(area.values[y * width + x] > 0.0));
    let soft = soft.blurred(2.0);
    each(picture, |x, y, colour| {
        let strength = soft.values[y * width + x];
        if strength == 0.0 {
            return colour;
        }
        let place = ((x as f32 + 0.5) / scale.0 - 0.5, (y as f32 + 0.5) / scale.1 - 0.5);
        mix(colour, between(&filled, place), strength)
    })
}
