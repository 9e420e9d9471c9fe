//! The picture a judge looks at.
//!
//! Owns the drawing of a comparison over the query: the photograph grey and dimmed, alterations as heat from yellow to
//! red with a thin box each, screen overlays in blue.

// Colours are clamped to bytes, positions to the picture.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::raster::Rgb;
use super::whole::{Alteration, Comparison, Query};

const BOX: [u8; 3] = [255, 255, 255];
const OVERLAY: [u8; 3] = [70, 150, 255];

/// Draws the comparison over the bounded query; the result has the bounded query's size.
#[must_use]
pub fn render(query: &Query, comparison: &Comparison) -> Rgb {
    let picture = query.picture();
    let mut out = picture.clone();
    for (pixel, heat) in out.rgb.chunks_exact_mut(3).zip(&comparison.map.data) {
        let luma = (u32::from(pixel[0]) * 77 + u32::from(pixel[1]) * 150 + u32::from(pixel[2]) * 29) >> 8;
        let grey = (40 + luma / 2) as u8;
        let colour = match *heat {
            0 => [grey; 3],
            Comparison::ALTERED.. => {
                // 128 is yellow, 192 and more red.
                let hot = u16::from(heat - Comparison::ALTERED).min(63);
                blend(grey, [255, (220 - hot * 3) as u8, 0], 200)
            }
            _ => blend(grey, OVERLAY, 140),
        };
        pixel.copy_from_slice(&colour);
    }
    let scale = picture.width as f32 / query.full_width() as f32;
    for overlay in &comparison.overlays {
        outline(&mut out, overlay, scale, OVERLAY);
    }
    for alteration in &comparison.alterations {
        outline(&mut out, alteration, scale, BOX);
    }
    out
}

/// `colour` over grey; `share` of 255.
fn blend(grey: u8, colour: [u8; 3], share: u32) -> [u8; 3] {
    colour.map(|value| ((u32::from(value) * share + u32::from(grey) * (255 - share) + 127) / 255) as u8)
}

/// A rectangle's outline with three pixels of air, one pixel wide, two on pictures above 800 pixels.
fn outline(picture: &mut Rgb, at: &Alteration, scale: f32, colour: [u8; 3]) {
    let (width, height) = (picture.width, picture.height);
    let clamp = |value: f32, limit: usize| value.clamp(0.0, (limit - 1) as f32) as usize;
    let (left, right) = (clamp(at.x * scale - 3.0, width), clamp((at.x + at.width) * scale + 3.0, width));
    let (top, bottom) = (clamp(at.y * scale - 3.0, height), clamp((at.y + at.height) * scale + 3.0, height));
    let thick = if width.max(height) > 800 { 2 } else { 1 };
    let mut dot = |x: usize, y: usize| {
        if let Some(pixel) = picture.rgb.get_mut(3 * (y * width + x)..3 * (y * width + x) + 3) {
            pixel.copy_from_slice(&colour);
        }
    };
    for inset in 0..thick {
        let (left, right) = ((left + inset).min(right), right.saturating_sub(inset).max(left));
        let (top, bottom) = ((top + inset).min(bottom), bottom.saturating_sub(inset).max(top));
        for x in left..=right {
            dot(x, top);
            dot(x, bottom);
        }
        for y in top..=bottom {
            dot(left, y);
            dot(right, y);
        }
    }
}
