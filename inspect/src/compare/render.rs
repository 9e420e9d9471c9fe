//! The picture a judge looks at.
//!
//! Owns the drawing of a comparison over the query: the photograph grey and dimmed, alterations as heat from yellow to
//! red with a thin box each, screen overlays and reflections in blue. It is drawn in the numbers of one fixed
//! palette: a third of the bytes of full colour to write, to keep and to send.

// Colours are clamped to bytes, positions to the picture.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::raster;
use super::whole::{Alteration, Comparison, Query};

/// Grey levels of what was not altered: every second one, of a dimmed photograph all.
const GREYS: usize = 128;
/// The darkest of them.
const DARKEST: u8 = 40;
/// Grey levels that are told apart under heat, so that a judge sees what it marks, and steps of heat.
const UNDER_HEAT: usize = 20;
const HEATS: usize = 5;
/// The same under what a screen laid over it.
const UNDER_OVERLAY: usize = 24;
/// Numbers of the palette from which each kind of colour begins.
const HEAT: usize = GREYS;
const OVERLAID: usize = HEAT + HEATS * UNDER_HEAT;
const BOX: usize = OVERLAID + UNDER_OVERLAY;
const OVERLAY_BOX: usize = BOX + 1;
const COLOURS: usize = OVERLAY_BOX + 1;
/// Pixels that are looked at together: nearly everywhere nothing was altered.
const RUN: usize = 32;

const WHITE: [u8; 3] = [255, 255, 255];
const BLUE: [u8; 3] = [70, 150, 255];
/// Of 255: how much heat and blue cover.
const HEAT_COVERS: u32 = 120;
const BLUE_COVERS: u32 = 90;

/// A comparison drawn over the bounded query, in colours of [`palette`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// Width of the bounded query, pixels.
    pub width: usize,
    /// Height, likewise.
    pub height: usize,
    /// `width * height` numbers of colours, row-major.
    pub colours: Vec<u8>,
}

/// The colours of a [`Drawing`], red, green and blue.
#[must_use]
pub fn palette() -> Vec<[u8; 3]> {
    let grey = |at: usize, of: usize| DARKEST + ((2 * at + 1) * GREYS / (2 * of)) as u8;
    let mut colours: Vec<[u8; 3]> = (0..GREYS).map(|at| [DARKEST + at as u8; 3]).collect();
    for heat in 0..HEATS {
        // From yellow to red.
        let hot = [255, (220 - heat * 189 / (HEATS - 1)) as u8, 0];
        colours.extend((0..UNDER_HEAT).map(|at| blend(grey(at, UNDER_HEAT), hot, HEAT_COVERS)));
    }
    colours.extend((0..UNDER_OVERLAY).map(|at| blend(grey(at, UNDER_OVERLAY), BLUE, BLUE_COVERS)));
    colours.extend([WHITE, BLUE]);
    colours
}

/// Draws the comparison over the bounded query; the result has the bounded query's size.
#[must_use]
pub fn render(query: &Query<'_>, comparison: &Comparison) -> Drawing {
    let picture = query.picture();
    let mut colours = raster::lumas(picture.rgb);
    colours.iter_mut().for_each(|colour| *colour = dimmed(*colour));
    for (colours, heats) in colours.chunks_mut(RUN).zip(comparison.map.data.chunks(RUN)) {
        if heats.iter().fold(0, |any, heat| any | heat) != 0 {
            let pixels = colours.iter_mut().zip(heats).filter(|(_, heat)| **heat != 0);
            pixels.for_each(|(colour, heat)| *colour = covered(*colour, *heat));
        }
    }
    let mut out = Drawing { width: picture.width, height: picture.height, colours };
    let scale = picture.width as f32 / query.full_width() as f32;
    for overlay in &comparison.overlays {
        outline(&mut out, overlay, scale, OVERLAY_BOX as u8);
    }
    for alteration in &comparison.alterations {
        outline(&mut out, alteration, scale, BOX as u8);
    }
    out
}

/// The grey of a luma: its half, from the darkest on.
fn dimmed(luma: u8) -> u8 {
    luma / 2
}

/// The colour over a grey where the map is not empty.
fn covered(grey: u8, heat: u8) -> u8 {
    let of = |shades: usize| usize::from(grey) * shades / GREYS;
    let number = match heat.checked_sub(Comparison::ALTERED) {
        // 128 is yellow, 192 and more red.
        Some(hot) => HEAT + usize::from(hot.min(63)) * HEATS / 64 * UNDER_HEAT + of(UNDER_HEAT),
        None => OVERLAID + of(UNDER_OVERLAY),
    };
    number as u8
}

/// `colour` over grey; `share` of 255.
fn blend(grey: u8, colour: [u8; 3], share: u32) -> [u8; 3] {
    colour.map(|value| ((u32::from(value) * share + u32::from(grey) * (255 - share) + 127) / 255) as u8)
}

/// A rectangle's outline with three pixels of air, one pixel wide, two on pictures above 800 pixels.
fn outline(picture: &mut Drawing, at: &Alteration, scale: f32, colour: u8) {
    let (width, height) = (picture.width, picture.height);
    let clamp = |value: f32, limit: usize| value.clamp(0.0, (limit - 1) as f32) as usize;
    let (left, right) = (clamp(at.x * scale - 3.0, width), clamp((at.x + at.width) * scale + 3.0, width));
    let (top, bottom) = (clamp(at.y * scale - 3.0, height), clamp((at.y + at.height) * scale + 3.0, height));
    let thick = if width.max(height) > 800 { 2 } else { 1 };
    let mut dot = |x: usize, y: usize| {
        if let Some(pixel) = picture.colours.get_mut(y * width + x) {
            *pixel = colour;
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

const _: () = assert!(COLOURS <= 256, "a colour's number is a byte");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_is_as_near_to_full_colour_as_eyes_are() {
        let palette = palette();
        assert_eq!(palette.len(), COLOURS);
        for value in 0..=255_u8 {
            let grey = dimmed(value);
            assert_eq!(palette[usize::from(grey)], [DARKEST + value / 2; 3]);
            for heat in Comparison::ALTERED..=255 {
                let hot = [255, (220 - u16::from(heat - Comparison::ALTERED).min(63) * 3) as u8, 0];
                let exact = blend(DARKEST + grey, hot, HEAT_COVERS);
                assert!(distance(palette[usize::from(covered(grey, heat))], exact) <= 21, "{value} {heat}");
            }
            let exact = blend(DARKEST + grey, BLUE, BLUE_COVERS);
            let drawn = palette[usize::from(covered(grey, Comparison::OVERLAY))];
            assert!(distance(drawn, exact) <= 2, "{value}: {drawn:?} {exact:?}");
        }
    }

    fn distance(one: [u8; 3], other: [u8; 3]) -> u8 {
        one.iter().zip(other).map(|(one, other)| one.abs_diff(other)).max().unwrap_or(0)
    }
}
