//! What happens to a picture between the catalogue and a refund request: encodings, sizes, and painted
//! damage.
//! Knows nothing of scenes; every edit hangs on the pixels and its seed alone.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ExtendedColorType, ImageEncoder, ImageError, Rgb, RgbImage};

use super::maths::{PI, V, cos, fbm, hash01, sin, step};

/// JPEG bytes at a quality from 1 to 100.
///
/// # Errors
/// If the encoder refuses the picture, for instance because a side is zero.
pub fn jpeg(image: &RgbImage, quality: u8) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100)).encode(
        image.as_raw(),
        image.width(),
        image.height(),
        ExtendedColorType::Rgb8,
    )?;
    Ok(bytes)
}

/// PNG bytes.
///
/// # Errors
/// If the encoder refuses the picture, for instance because a side is zero.
pub fn png(image: &RgbImage) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes).write_image(
        image.as_raw(),
        image.width(),
        image.height(),
        ExtendedColorType::Rgb8,
    )?;
    Ok(bytes)
}

/// The picture scaled by `factor` on both sides (Lanczos, at least one pixel).
#[must_use]
pub fn resized(image: &RgbImage, factor: f32) -> RgbImage {
    let side = |n: u32| ((n as f32 * factor) as u32).max(1);
    imageops::resize(image, side(image.width()), side(image.height()), FilterType::Lanczos3)
}

/// The picture turned clockwise by a quarter.
#[must_use]
pub fn rotated_90(image: &RgbImage) -> RgbImage {
    imageops::rotate90(image)
}

/// The middle of the picture: `fraction` (0 to 1) of each side stays.
#[must_use]
pub fn cropped(image: &RgbImage, fraction: f32) -> RgbImage {
    let side = |n: u32| ((n as f32 * fraction.clamp(0.0, 1.0)) as u32).clamp(1, n.max(1));
    let (w, h) = (side(image.width()), side(image.height()));
    imageops::crop_imm(image, (image.width() - w) / 2, (image.height() - h) / 2, w, h).to_image()
}

/// The picture on a page of a shop, as a phone's screenshot shows it: a status bar, a white page with lines of grey
/// text, a red button.
#[must_use]
pub fn screenshot(image: &RgbImage) -> RgbImage {
    const WIDTH: u32 = 900;
    let shown = imageops::resize(
        image,
        WIDTH,
        (WIDTH * image.height() / image.width().max(1)).max(1),
        FilterType::Triangle,
    );
    let mut page = RgbImage::from_pixel(WIDTH, shown.height() + 520, Rgb([250, 250, 250]));
    let mut fill = |x: u32, y: u32, width: u32, height: u32, colour: [u8; 3]| {
        for row in y..y + height {
            for column in x..x + width {
                page.put_pixel(column, row, Rgb(colour));
            }
        }
    };
    fill(0, 0, WIDTH, 60, [32, 33, 36]);
    for bar in 0..4 {
        fill(WIDTH - 120 + 18 * bar, 38 - 6 * bar, 10, 8 + 6 * bar, [240, 240, 240]);
    }
    let below = 60 + shown.height();
    for (line, width) in [(0, 760), (1, 640), (2, 420)] {
        fill(40, below + 40 + 52 * line, width, 22, [96, 96, 100]);
    }
    fill(40, below + 260, WIDTH - 80, 96, [228, 57, 60]);
    imageops::replace(&mut page, &shown, 0, 60);
    page
}

/// A numbered stream of hashed numbers in [0, 1).
struct Dice(i32, i32);

impl Dice {
    fn new(seed: u64) -> Self {
        Self((seed ^ (seed >> 32)) as u32 as i32, 0)
    }

    fn roll(&mut self) -> f32 {
        self.1 += 1;
        hash01(self.0, self.1, 1009)
    }

    fn between(&mut self, lo: f32, hi: f32) -> f32 {
        lo + (hi - lo) * self.roll()
    }
}

/// One straight piece of a crack: ends and widths there, in pixels.
type Piece = ((f32, f32), (f32, f32), f32, f32);

/// How unlike the picture's borders the colour at a place is, from 0 to 1: goods stand out, the backdrop
/// does not.
fn stands_out(image: &RgbImage, x: f32, y: f32) -> f32 {
    let (w, h) = (image.width() as f32, image.height() as f32);
    let here = patch(image, x, y);
    let borders = [(0.03, y / h), (0.97, y / h), (x / w, 0.03), (x / w, 0.97), (0.06, 0.06), (0.94, 0.94)];
    let nearest =
        borders.into_iter().map(|(u, v)| (patch(image, u * w, v * h) - here).len()).fold(f32::MAX, f32::min);
    (nearest / 60.0).min(1.0)
}

/// The picture with a branching crack painted on its main object: dark inside, a bright edge on the lit side.
/// Of many places near the middle the one is taken where a long crack fits and the surface stands out
/// from the
/// borders; the crack stops where the surface ends, as a forger would take care to do.
#[must_use]
pub fn with_crack(image: &RgbImage, seed: u64) -> RgbImage {
    let mut out = image.clone();
    if image.width() == 0 || image.height() == 0 {
        return out;
    }
    let short = image.width().min(image.height()) as f32;
    let mut best: (f32, Vec<Piece>) = (0.0, Vec::new());
    for attempt in 0..40 {
        let mut dice = Dice::new(seed.wrapping_mul(41).wrapping_add(attempt));
        let start = (
            image.width() as f32 * dice.between(0.30, 0.70),
            image.height() as f32 * dice.between(0.30, 0.72),
        );
        let heading = dice.between(-PI, PI);
        let mut pieces = Vec::new();
        walk(image, &mut dice, start, heading, short * 0.26, short * 0.0027, 0, &mut pieces);
        let back = heading + PI + kink(attempt);
        walk(image, &mut dice, start, back, short * 0.12, short * 0.0023, 0, &mut pieces);
        let score = (pieces.len() as f32).min(45.0) * (0.1 + stands_out(image, start.0, start.1));
        if score > best.0 {
            best = (score, pieces);
        }
    }
    for piece in &best.1 {
        stroke(&mut out, *piece);
    }
    out
}

/// A small kink between the two arms of a crack.
fn kink(attempt: u64) -> f32 {
    hash01(attempt as i32, 17, 5) * 0.9 - 0.45
}

/// Mean colour of a small patch.
fn patch(image: &RgbImage, x: f32, y: f32) -> V {
    let (w, h) = (image.width() as i32, image.height() as i32);
    let r = (w.min(h) / 170).max(1);
    let mut sum = V::ZERO;
    for j in -1..=1 {
        for i in -1..=1 {
            let px = (x as i32 + i * r).clamp(0, w - 1) as u32;
            let py = (y as i32 + j * r).clamp(0, h - 1) as u32;
            let p = image.get_pixel(px, py).0;
            sum = sum + V(f32::from(p[0]), f32::from(p[1]), f32::from(p[2]));
        }
    }
    sum * (1.0 / 9.0)
}

#[allow(clippy::too_many_arguments)]
fn walk(
    image: &RgbImage,
    dice: &mut Dice,
    from: (f32, f32),
    mut heading: f32,
    length: f32,
    width: f32,
    level: u32,
    pieces: &mut Vec<Piece>,
) {
    let pace = image.width().min(image.height()) as f32 * 0.011;
    let (mut at, mut gone) = (from, 0.0);
    let mut colour = patch(image, at.0, at.1);
    let main = heading;
    while gone < length {
        heading = main + (heading - main) * 0.6 + dice.between(-0.75, 0.75);
        let leap = pace * dice.between(0.5, 1.5);
        let next = (at.0 + leap * cos(heading), at.1 + leap * sin(heading));
        let inside = next.0 > 4.0
            && next.1 > 4.0
            && next.0 < image.width() as f32 - 4.0
            && next.1 < image.height() as f32 - 4.0;
        if !inside {
            return;
        }
        let seen = patch(image, next.0, next.1);
        let change = (seen - colour).abs();
        if change.0.max(change.1).max(change.2) > 46.0 {
            return;
        }
        colour = colour.mix(seen, 0.35);
        let taper = |g: f32| width * (1.0 - 0.8 * (g / length).min(1.0)) * 0.9;
        let swell = dice.between(0.8, 1.35);
        pieces.push((at, next, taper(gone) * swell, taper(gone + leap)));
        if level < 2 && dice.roll() < 0.13 {
            let side = if dice.roll() < 0.5 { 1.0 } else { -1.0 };
            let turn = side * dice.between(0.5, 1.1);
            let branch = (length - gone) * dice.between(0.3, 0.6);
            walk(image, dice, next, heading + turn, branch, width * 0.6, level + 1, pieces);
        }
        at = next;
        gone += leap;
    }
}

fn stroke(image: &mut RgbImage, piece: Piece) {
    let (a, b, wa, wb) = piece;
    let reach = wa.max(wb) + 4.0;
    let (bx, by) = (b.0 - a.0, b.1 - a.1);
    let long = (bx * bx + by * by).max(1e-6);
    let range = |lo: f32, hi: f32, max: u32| {
        let from = (lo - reach).max(0.0) as u32;
        let to = ((hi + reach).max(0.0) as u32).min(max.saturating_sub(1));
        from..=to
    };
    for y in range(a.1.min(b.1), a.1.max(b.1), image.height()) {
        for x in range(a.0.min(b.0), a.0.max(b.0), image.width()) {
            let distance = |ox: f32, oy: f32| {
                let (px, py) = (x as f32 + 0.5 - a.0 - ox, y as f32 + 0.5 - a.1 - oy);
                let t = ((px * bx + py * by) / long).clamp(0.0, 1.0);
                let (dx, dy) = (px - bx * t, py - by * t);
                ((dx * dx + dy * dy).sqrt(), (wa + (wb - wa) * t).max(0.45))
            };
            let (d, half) = distance(0.0, 0.0);
            // The chipped edge that faces the light lies one width down and right of the gap.
            let (e, _) = distance(half * 0.8 + 0.5, half * 0.9 + 0.6);
            let dark = 1.0 - step(half * 0.55, half + 0.7, d);
            let bright = (1.0 - step(0.2, half * 0.5 + 1.0, e)) * (1.0 - dark);
            let pixel = image.get_pixel_mut(x, y);
            for channel in &mut pixel.0 {
                let c = f32::from(*channel);
                let lit = c + (255.0 - c) * 0.42 * bright;
                *channel = (lit * (1.0 - 0.84 * dark) + 14.0 * dark) as u8;
            }
        }
    }
}

/// The picture with a brown stain with a darker rim, as from spilt tea, near its middle.
#[must_use]
pub fn with_stain(image: &RgbImage, seed: u64) -> RgbImage {
    let mut out = image.clone();
    let mut dice = Dice::new(seed);
    let (w, h) = (image.width() as f32, image.height() as f32);
    let short = w.min(h);
    let centre = (w * dice.between(0.42, 0.6), h * dice.between(0.45, 0.65));
    let radius = short * dice.between(0.055, 0.085);
    let phase = dice.between(0.0, 50.0);
    let drops: Vec<(f32, f32, f32)> = (0..7)
        .map(|_| {
            let (a, r) = (dice.between(-PI, PI), radius * dice.between(1.25, 2.1));
            (centre.0 + r * cos(a), centre.1 + r * sin(a), radius * dice.between(0.05, 0.16))
        })
        .collect();
    let brown = V(0.50, 0.33, 0.17);
    for (x, y, pixel) in out.enumerate_pixels_mut() {
        let (px, py) = (x as f32 - centre.0, y as f32 - centre.1);
        let ragged = 0.75 + 0.5 * fbm(V(px / radius * 1.3 + phase, py / radius * 1.3, phase));
        let mut r = (px * px + py * py).sqrt() / (radius * ragged);
        for drop in &drops {
            let (dx, dy) = (x as f32 - drop.0, y as f32 - drop.1);
            r = r.min((dx * dx + dy * dy).sqrt() / drop.2);
        }
        if r > 1.05 {
            continue;
        }
        let rim = step(0.72, 0.93, r) * (1.0 - step(0.96, 1.05, r));
        let body = 1.0 - step(0.94, 1.05, r);
        let strength =
            (0.52 * body + 0.25 * rim) * (0.8 + 0.4 * fbm(V(px / radius * 4.0, py / radius * 4.0, phase)));
        for (channel, tint) in pixel.0.iter_mut().zip([brown.0, brown.1, brown.2]) {
            let c = f32::from(*channel);
            *channel = (c * (1.0 - strength) + c * tint * strength) as u8;
        }
    }
    out
}
