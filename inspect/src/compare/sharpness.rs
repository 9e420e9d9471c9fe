//! Making two aligned pictures equally sharp.
//!
//! Owns the measure of fine detail and the softening of the sharper picture: a resized, blurred or heavily compressed
//! copy has lost detail everywhere, which is no alteration.

// Byte arithmetic; sums stay below 2^32.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::agreement::softened;
use super::raster::Plane;
use super::tone::Channels;

/// Detail of one pixel counts up to this many grey levels, so that a crack does not pass for sharpness.
const CAP: u8 = 16;
/// Ratio of detail within which pictures are equally sharp.
const EQUAL: f32 = 0.92;
/// Times the sharper picture is softened, at most.
const PASSES: usize = 5;

/// Softens the sharper of the two until their luma detail over valid pixels is alike; colour follows luma.
pub(crate) fn equalise(a: &mut Channels, b: &mut Channels, valid: &[u8]) {
    for _ in 0..PASSES {
        let (soft_a, soft_b) = (softened(&a[0]), softened(&b[0]));
        let (in_a, in_b) = (detail(&a[0], &soft_a, valid), detail(&b[0], &soft_b, valid));
        let ratio = (in_a as f32 + 1.0) / (in_b as f32 + 1.0);
        let (sharper, soft, share) = if ratio < EQUAL {
            (&mut *b, soft_b, 1.0 - ratio)
        } else if ratio * EQUAL > 1.0 {
            (&mut *a, soft_a, 1.0 - 1.0 / ratio)
        } else {
            break;
        };
        let [luma, blue, red] = sharper;
        mix(luma, &soft, share);
        for colour in [blue, red] {
            let soft = softened(colour);
            mix(colour, &soft, share);
        }
    }
}

fn detail(plane: &Plane, soft: &Plane, valid: &[u8]) -> u32 {
    let values = plane.data.iter().zip(&soft.data).zip(valid);
    values.map(|((value, soft), seen)| u32::from(value.abs_diff(*soft).min(CAP) & *seen)).sum()
}

fn mix(plane: &mut Plane, soft: &Plane, share: f32) {
    // Sums of 256 parts of a byte fit 16 bits.
    let weight = (share.clamp(0.0, 1.0) * 256.0) as u16;
    for (value, soft) in plane.data.iter_mut().zip(&soft.data) {
        *value = ((u16::from(*value) * (256 - weight) + u16::from(*soft) * weight + 128) >> 8) as u8;
    }
}
