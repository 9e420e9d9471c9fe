//! Filters of photo apps: tone, contrast, hue, saturation.

use super::{
    pixels::{Colour, each},
    random::Random,
};
use image::RgbImage;

/// Random tone, contrast, brightness, hue and saturation; `level` 1 is what a filter usually does.
pub(crate) fn tone(picture: &RgbImage, level: f32, random: &mut Random) -> RgbImage {
    let gamma = (random.within(-0.35, 0.35) * level).exp();
    let contrast = 1.0 + random.within(-0.25, 0.35) * level;
    let lift = random.within(-0.1, 0.1) * level;
    let turn = random.within(-24.0, 24.0) * level;
    let saturation = 1.0 + (random.within(0.6, 1.5) - 1.0) * level.min(1.3);
    // One table serves every pixel: the three steps see single values.
    let table: Vec<f32> = (0..256)
        .map(|value| {
            let value = (value as f32 / 255.0).powf(gamma);
            (((value - 0.5) * contrast + 0.5 + lift) * 255.0).clamp(0.0, 255.0)
        })
        .collect();
    each(picture, |_, _, colour| {
        let toned = colour.map(|value| table.get(value as usize).copied().unwrap_or(value));
        let (hue, chroma, value) = to_hsv(toned);
        from_hsv((hue + turn).rem_euclid(360.0), (chroma * saturation).clamp(0.0, 1.0), value)
    })
}

/// Hue in degrees, saturation 0 to 1, value 0 to 255.
fn to_hsv([red, green, blue]: Colour) -> (f32, f32, f32) {
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    let range = most - least;
    if range <= 0.0 {
        return (0.0, 0.0, most);
    }
    let hue = if most == red {
        (green - blue) / range
    } else if most == green {
        2.0 + (blue - red) / range
    } else {
        4.0 + (red - green) / range
    };
    ((60.0 * hue).rem_euclid(360.0), range / most, most)
}

fn from_hsv(hue: f32, saturation: f32, value: f32) -> Colour {
    [5.0_f32, 3.0, 1.0].map(|offset| {
        let k = (offset + hue / 60.0).rem_euclid(6.0);
        value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}
