//! Two photographs of one scene from two places, and one photograph cut, pasted or largely damaged: only the first are
//! other captures.
// Small synthetic pictures: every cast is exact or clamped.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "tests on formulas"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "values are clamped"
)]

use crate::support::surface;
use touchstone_inspect::compare::{Comparison, Homography, Query, Relation, Rgb, RgbView, compare};

const SIDE: usize = 192;
/// How far the second camera's picture is shifted as a whole, pixels.
const SHIFT: f64 = 26.0;

/// The scene as a camera sees it whose picture is shifted by `shift`, and by `parallax` times the depth besides.
fn photograph(shift: f64, parallax: f64) -> Rgb {
    let mut rgb = Vec::with_capacity(SIDE * SIDE * 3);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (u, v) = (x as f64 + shift, y as f64 + 0.4 * shift);
            // A heap: hills some 50 pixels wide.
            let depth = (u * 0.13).sin() * (v * 0.11).cos();
            let grey = surface((u + parallax * depth, v), 7);
            rgb.extend([1.0, 0.9, 0.8].map(|gain| (20.0 + 0.8 * gain * grey).clamp(0.0, 255.0) as u8));
        }
    }
    Rgb { width: SIDE, height: SIDE, rgb }
}

fn view(picture: &Rgb) -> RgbView<'_> {
    RgbView::new(picture.width as u32, picture.height as u32, &picture.rgb).unwrap()
}

fn run(query: &Rgb, reference: &Rgb, shift: f64) -> Comparison {
    let start = Homography([1.0, 0.0, -shift, 0.0, 1.0, -0.4 * shift, 0.0, 0.0, 1.0]);
    compare(&Query::new(view(query)), view(reference), &start).unwrap()
}

#[test]
fn the_same_heap_from_another_place_is_another_capture() {
    let reference = photograph(0.0, 0.0);
    for parallax in [1.0, 1.6, -1.3] {
        let found = run(&photograph(SHIFT, parallax), &reference, SHIFT);
        // Block by block they agree as one capture does; only the shifts and the border tell.
        assert!(found.agreement.median > 0.92 && found.agreement.alike > 0.66, "{:?}", found.agreement);
        assert!(found.parallax.median > 0.1, "{:?}", found.parallax);
        assert_eq!(found.relation, Relation::OtherCapture, "{:?} {:?}", found.parallax, found.border);
        assert!(found.alterations.is_empty() && found.overlays.is_empty());
    }
}

#[test]
fn without_parallax_a_wider_picture_is_the_same_capture() {
    let found = run(&photograph(SHIFT, 0.0), &photograph(0.0, 0.0), SHIFT);
    assert!(found.parallax.places > 100 && found.parallax.median < 0.05, "{:?}", found.parallax);
    assert!(found.border.correlation > 0.3 && found.border.beyond > 0.1, "{:?}", found.border);
    assert_eq!(found.relation, Relation::SameCapture);
}

#[test]
fn a_picture_pasted_on_another_has_a_border_that_ends() {
    let picture = photograph(0.0, 0.0);
    let ground = photograph(900.0, 0.0);
    let size = 2 * SIDE;
    let mut rgb = Vec::with_capacity(size * size * 3);
    for y in 0..size {
        for x in 0..size {
            let inside = (48..48 + SIDE).contains(&x) && (60..60 + SIDE).contains(&y);
            let (source, x, y) = if inside {
                (&picture, x - 48, y - 60)
            } else {
                (&ground, x % SIDE, (y + x / SIDE * 31) % SIDE)
            };
            rgb.extend_from_slice(&source.rgb[3 * (y * SIDE + x)..][..3]);
        }
    }
    let query = Rgb { width: size, height: size, rgb };
    let start = Homography([1.0, 0.0, 48.0, 0.0, 1.0, 60.0, 0.0, 0.0, 1.0]);
    let found = compare(&Query::new(view(&query)), view(&picture), &start).unwrap();
    assert!(found.border.beyond > 0.9 && found.border.step > 1.8, "{:?}", found.border);
    assert_eq!(found.relation, Relation::SameCapture);
}

/// A product on white, the upper part of it torn away, photographed with grain: the picture, the photo.
fn torn_product(until: usize, grain: i32) -> (Rgb, Rgb) {
    let product = |x: usize, y: usize| (40..150).contains(&x) && (30..165).contains(&y);
    let torn = |x: usize, y: usize| product(x, y) && 3 * y + x < until;
    let mut picture = photograph(0.0, 0.0);
    let tear = photograph(500.0, 0.0);
    for (index, pixel) in picture.rgb.chunks_exact_mut(3).enumerate() {
        if !product(index % SIDE, index / SIDE) {
            pixel.fill(250);
        }
    }
    let mut photo = picture.clone();
    let mut state = 1_u32;
    for (index, pixel) in photo.rgb.chunks_exact_mut(3).enumerate() {
        if torn(index % SIDE, index / SIDE) {
            let other = &tear.rgb[3 * index..];
            pixel.copy_from_slice(&[20 + other[0] / 8, 24 + other[1] / 8, 28 + other[2] / 8]);
        }
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (state >> 16) as i32 % (2 * grain + 1) - grain;
        for value in pixel {
            *value = (i32::from(*value) + noise).clamp(0, 255) as u8;
        }
    }
    (picture, photo)
}

#[test]
fn a_tear_over_half_of_the_product_leaves_one_capture() {
    let (picture, photo) = torn_product(460, 12);
    let found = run(&photo, &picture, 0.0);
    // Too few blocks agree for one capture by themselves; but what is left lies where it lay.
    assert!(found.agreement.median < 0.92 && found.agreement.alike < 0.66, "{:?}", found.agreement);
    assert_eq!(found.relation, Relation::SameCaptureAltered, "{:?} {:?}", found.agreement, found.parallax);
}
