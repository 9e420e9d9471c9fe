//! The comparison on synthetic pictures: what is one capture, what is altered, and hostile input.
// Small synthetic pictures: every cast is exact or clamped.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::many_single_char_names)]

use crate::scene::{
    AROUND, SIDE, flagged, in_page, large_scene, paint, photographed, run, run_on_page, scene, view,
};
use std::io::Cursor;
use touchstone_inspect::{
    compare::{CompareError, Homography, Query, Relation, Rgb, RgbView, compare, palette, render},
    overlay::{LEGEND, marked},
};

#[test]
fn a_picture_is_its_own_capture() {
    let picture = scene(0.0);
    let found = run(&picture, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!(found.relation, Relation::SameCapture);
    assert!(found.agreement.median > 0.99 && found.overlap > 0.97 && found.alterations.is_empty());
    assert!(found.map.data.iter().all(|value| *value == 0));
}

#[test]
fn tone_and_a_wrong_start_are_taken_out() {
    let picture = scene(0.0);
    let mut query = picture.clone();
    paint(&mut query, |x, _, p| {
        Some(
            [0, 1, 2]
                .map(|c| (f64::from(p[c]) * 0.8 + 12.0 + x as f64 * 0.08 + c as f64 * 5.0).min(255.0) as u8),
        )
    });
    let start = Homography([1.01, 0.004, 1.5, -0.003, 0.992, -1.2, 0.0, 0.0, 1.0]);
    let found = run(&query, &picture, &start).unwrap();
    assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.agreement);
    for (x, y) in [(10.0, 10.0), (190.0, 20.0), (100.0, 180.0)] {
        let (u, v) = found.alignment.apply(x, y).unwrap();
        assert!((u - x).abs() < 0.3 && (v - y).abs() < 0.3, "({x}, {y}) lands on ({u}, {v})");
    }
}

#[test]
fn another_scene_is_not_the_same_capture() {
    let found = run(&scene(3.0), &scene(0.0), &Homography::IDENTITY).unwrap();
    assert!(matches!(found.relation, Relation::OtherCapture | Relation::CannotTell), "{:?}", found.agreement);
    assert!(found.alterations.is_empty());
}

#[test]
fn a_stain_and_a_crack_are_found_where_they_are() {
    let picture = scene(0.0);
    let stain = |x: usize, y: usize| x.abs_diff(120).pow(2) + y.abs_diff(80).pow(2) < 400;
    let mut query = picture.clone();
    paint(&mut query, |x, y, p| stain(x, y).then(|| [p[0] / 2, (u16::from(p[1]) * 2 / 5) as u8, p[2] / 4]));
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!(found.relation, Relation::SameCaptureAltered);
    let (inside, outside) = flagged(&found, stain);
    assert!(inside > 0.6 && outside < 0.01, "{inside} {outside}");
    let at = found.alterations[0];
    assert!((at.x + 0.5 * at.width - 120.5).abs() < 6.0 && (at.y + 0.5 * at.height - 80.5).abs() < 6.0);

    let crack = |x: usize, y: usize| (40..150).contains(&x) && y.abs_diff(60 + x / 3) < 2;
    let mut query = picture.clone();
    paint(&mut query, |x, y, _| crack(x, y).then_some([25, 25, 28]));
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    let (inside, outside) = flagged(&found, crack);
    assert!(inside > 0.5 && outside < 0.02, "{inside} {outside}");
}

/// A strip along a side is what lies around the picture; a crack near a side and beside it is damage.
#[test]
fn a_strip_along_a_side_is_no_alteration_and_a_crack_near_a_side_is() {
    let picture = scene(0.0);
    let mut query = picture.clone();
    paint(&mut query, |x, y, _| (x >= SIDE - 7 && (20..150).contains(&y)).then_some([12, 12, 14]));
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.alterations);

    // Around a corner, too.
    let mut query = picture.clone();
    paint(&mut query, |x, y, _| {
        let (beside, below) = ((20..).contains(&y), (60..).contains(&x));
        ((x >= SIDE - 7 && beside) || (y >= SIDE - 7 && below)).then_some([12, 12, 14])
    });
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.alterations);

    let mut query = picture.clone();
    paint(&mut query, |x, y, _| {
        ((60..105).contains(&y) && x.abs_diff(5 + y % 7 + (y - 60) / 5) < 2).then_some([20; 3])
    });
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!(found.relation, Relation::SameCaptureAltered, "{:?}", found.overlays);
}

/// Pale yellow is as bright as white and yet a stain.
#[test]
fn a_pale_stain_on_white_is_an_alteration() {
    let mut picture = scene(0.0);
    paint(&mut picture, |x, _, _| (x >= 100).then_some([255; 3]));
    let mut query = picture.clone();
    let blot = |x: usize, y: usize| {
        let (dx, dy) = (x as f64 - 150.0, y as f64 - 90.0);
        dx.hypot(dy) < 18.0 + 7.0 * (3.0 * dy.atan2(dx)).sin()
    };
    paint(&mut query, |x, y, _| blot(x, y).then_some([255, 255, 200]));
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!(found.relation, Relation::SameCaptureAltered);
    assert!(flagged(&found, blot).0 > 0.6);
}

/// White ground stays white under a filter and must not speak for unchanged colours.
#[test]
fn a_filter_on_a_product_before_white_is_no_alteration() {
    let product = |x: usize, y: usize| (70..135).contains(&x) && (60..150).contains(&y);
    let mut picture = scene(0.0);
    paint(&mut picture, |x, y, _| (!product(x, y)).then_some([255; 3]));
    let mut query = picture.clone();
    paint(&mut query, |_, _, p| {
        let grade = |value: u8, gamma: f64| (255.0 * (f64::from(value) / 255.0).powf(gamma)) as u8;
        Some([grade(p[0], 0.72), grade(p[1], 0.8), grade(p[2], 0.66)])
    });
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.alterations);
}

/// Light parts of a product reach white under a longer exposure; what is clipped must not bend the colours of the rest.
#[test]
fn an_exposure_that_clips_a_product_before_white_is_no_alteration() {
    let product = |x: usize, y: usize| (70..135).contains(&x) && (60..150).contains(&y);
    let stain = |x: usize, y: usize| (x as f64 - 100.0).hypot(y as f64 - 100.0) < 12.0;
    for (lightness, exposure) in [(120.0, 1.2), (120.0, 1.3), (130.0, 1.2)] {
        let mut picture = scene(0.0);
        paint(&mut picture, |x, y, p| {
            let light = p.map(|value| (lightness + 0.5 * f64::from(value)).min(255.0) as u8);
            Some(if product(x, y) { light } else { [255; 3] })
        });
        let exposed = |value: u8| (f64::from(value) * exposure).min(255.0) as u8;
        let mut query = picture.clone();
        paint(&mut query, |_, _, p| Some(p.map(exposed)));
        let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
        assert_eq!(found.relation, Relation::SameCapture, "{lightness} {exposure}: {:?}", found.alterations);
        paint(&mut query, |x, y, _| stain(x, y).then_some([90, 60, 30]));
        let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
        assert_eq!(found.relation, Relation::SameCaptureAltered, "{lightness} {exposure}");
        assert!(flagged(&found, stain).0 > 0.6, "{lightness} {exposure}");
    }
}

/// A lamp lights a third of a screen that is photographed: light is added before the camera encodes it. A crack in the
/// light is told all the same, and a paler patch with an edge is no light.
#[test]
fn a_lamp_that_a_screen_reflects_is_no_alteration() {
    let picture = large_scene();
    let lamp = |x: usize, y: usize| {
        let (u, v) = ((x as f64 - 250.0) / 55.0, (y as f64 - 160.0) / 40.0);
        (-0.5 * (u * u + v * v)).exp()
    };
    let add = |value: u8, light: f64| {
        let linear = (f64::from(value) / 255.0).powf(2.2) + light;
        (255.0 * linear.min(1.0).powf(1.0 / 2.2)).round() as u8
    };
    let crack = |x: usize, y: usize| (200..290).contains(&x) && (130 + x / 6).abs_diff(y) <= 1;
    for power in [0.08, 0.2, 0.5] {
        let lit = |x: usize, y: usize, p: [u8; 3]| Some(p.map(|value| add(value, power * lamp(x, y))));
        let mut query = picture.clone();
        paint(&mut query, lit);
        let found = run_on_page(&photographed(&query), &picture);
        assert_eq!(found.relation, Relation::SameCapture, "{power}: {:?}", found.alterations);
        assert!(found.overlays.iter().any(|light| {
            (light.x..light.x + light.width).contains(&250.0)
                && (light.y..light.y + light.height).contains(&(160.0 + AROUND as f32))
        }));
        // A digital copy reflects nothing, with a page around it or without: there the spot was painted.
        let spot = |x: usize, y: usize| lamp(x, y) > 0.6;
        let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
        assert_eq!(found.relation, Relation::SameCaptureAltered, "{power}");
        assert!(flagged(&found, spot).0 > 0.3, "{power}");
        let found = run_on_page(&query, &picture);
        assert_eq!(found.relation, Relation::SameCaptureAltered, "{power}");
        assert!(flagged(&found, in_page(spot)).0 > 0.3, "{power}");
        // The brightest light hardly leaves a crack to see.
        if power < 0.3 {
            let mut query = picture.clone();
            paint(&mut query, |x, y, _| crack(x, y).then_some([20, 20, 24]));
            paint(&mut query, lit);
            let found = run_on_page(&photographed(&query), &picture);
            assert_eq!(found.relation, Relation::SameCaptureAltered, "{power}");
            let (hit, wrong) = flagged(&found, in_page(crack));
            assert!(hit > 0.5 && wrong < 0.03, "{power}: {hit} {wrong}");
        }
        // Below the other corner of the light, too, damage stays damage.
        let scratch = |x: usize, y: usize| (440..540).contains(&x) && (380 + x / 5).abs_diff(y) <= 2;
        let mut query = picture.clone();
        paint(&mut query, lit);
        paint(&mut query, |x, y, _| scratch(x, y).then_some([20, 20, 24]));
        let found = run_on_page(&photographed(&query), &picture);
        assert_eq!(found.relation, Relation::SameCaptureAltered, "{power}");
        assert!(flagged(&found, in_page(scratch)).0 > 0.5, "{power}");
        let mut query = picture.clone();
        let patch = |x: usize, y: usize| lamp(x, y) > 0.4;
        paint(&mut query, |x, y, p| patch(x, y).then(|| p.map(|value| add(value, power))));
        let found = run_on_page(&photographed(&query), &picture);
        assert_eq!(found.relation, Relation::SameCaptureAltered, "{power}");
        assert!(flagged(&found, in_page(patch)).0 > 0.3, "{power}");
    }
}

/// Paint of edges as soft as light hides what lies below, or is of a colour.
#[test]
fn soft_paint_is_no_light() {
    let picture = large_scene();
    let spot = |x: usize, y: usize| {
        let (u, v) = ((x as f64 - 250.0) / 55.0, (y as f64 - 160.0) / 40.0);
        (-0.5 * (u * u + v * v)).exp()
    };
    for (colour, opacity) in
        [([235, 235, 232], 1.0), ([200, 205, 190], 1.0), ([220, 60, 60], 0.6), ([120, 200, 90], 0.6)]
    {
        let mut query = picture.clone();
        paint(&mut query, |x, y, p| {
            let alpha = opacity * spot(x, y);
            Some([0, 1, 2].map(|at: usize| {
                (alpha * f64::from(colour[at]) + (1.0 - alpha) * f64::from(p[at])).round() as u8
            }))
        });
        let found = run_on_page(&photographed(&query), &picture);
        assert_eq!(found.relation, Relation::SameCaptureAltered, "{colour:?} {opacity}");
        assert!(flagged(&found, in_page(|x, y| spot(x, y) > 0.6)).0 > 0.3, "{colour:?} {opacity}");
    }
}

#[test]
fn part_of_a_larger_picture_turned_a_quarter() {
    let picture = scene(0.0);
    let mut query = Rgb { width: 420, height: 300, rgb: vec![235; 420 * 300 * 3] };
    // Reference (x, y) lands on (150 + 199 - y, 40 + x).
    paint(&mut query, |x, y, _| {
        let (from_x, from_y) = (y.checked_sub(40)?, 349_usize.checked_sub(x)?);
        let start = 3 * (from_y * SIDE + from_x);
        (from_x < SIDE && from_y < SIDE).then(|| [0, 1, 2].map(|c| picture.rgb[start + c]))
    });
    let start = Homography([0.0, -1.0, 350.0, 1.0, 0.0, 39.0, 0.0, 0.0, 1.0]);
    let found = run(&query, &picture, &start).unwrap();
    assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.agreement);
}

#[test]
fn hostile_pictures_and_maps_are_errors_or_answers() {
    let picture = scene(0.0);
    for (width, height) in [(1, 1), (1, 300), (300, 1), (17, 16), (16, 16)] {
        for value in [0, 128, 255] {
            let flat = Rgb { width, height, rgb: vec![value; width * height * 3] };
            for (query, reference) in [(&flat, &picture), (&picture, &flat), (&flat, &flat)] {
                if let Ok(found) = run(query, reference, &Homography::IDENTITY) {
                    assert!(found.alterations.is_empty());
                }
            }
        }
    }
    let wild = [
        [0.0; 9],
        [f64::NAN; 9],
        [1e300; 9],
        [1.0, 0.0, 1e6, 0.0, 1.0, 1e6, 0.0, 0.0, 1.0],
        [1e-9, 0.0, 0.0, 0.0, 1e-9, 0.0, 0.0, 0.0, 1.0],
        [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, -0.02, 0.03, 1.0],
        [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0],
    ];
    for matrix in wild {
        if let Ok(found) = run(&picture, &picture, &Homography(matrix)) {
            assert!(found.alignment.0.iter().all(|value| value.is_finite()));
        }
    }
    assert_eq!(RgbView::new(2, 2, &[0; 11]).unwrap_err(), CompareError::Size);
    assert_eq!(RgbView::new(0, 2, &[]).unwrap_err(), CompareError::Size);
    assert_eq!(RgbView::new(70_000, 1, &vec![0; 210_000]).unwrap_err(), CompareError::Size);
}

#[test]
fn noise_everywhere_stays_bounded() {
    let picture = scene(0.0);
    let mut state = 1_u32;
    let mut query = picture.clone();
    for value in &mut query.rgb {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = if state >> 30 == 0 { (state >> 16) as u8 } else { *value };
    }
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert!(found.alterations.len() <= 32 && found.overlays.len() <= 32);
}

#[test]
fn the_drawing_marks_what_was_found() {
    let picture = scene(0.0);
    let mut query = picture.clone();
    paint(&mut query, |x, y, _| {
        ((80..120).contains(&x) && (90..130).contains(&y)).then(|| {
            let wave = ((x * 7 + y * 13) % 40) as u8;
            [20 + wave, 30 + wave, 25 + wave]
        })
    });
    let prepared = Query::new(view(&query));
    let found = compare(&prepared, view(&picture), &Homography::IDENTITY).unwrap();
    assert_eq!(found.relation, Relation::SameCaptureAltered);
    let drawn = render(&prepared, &found);
    assert_eq!((drawn.width, drawn.height), (SIDE, SIDE));
    let palette = palette();
    let pixel = |x: usize, y: usize| palette[usize::from(drawn.colours[y * SIDE + x])];
    let [red, _, blue] = pixel(100, 110);
    assert!(red > 100 && blue < 50, "heat at the centre");
    let [red, green, blue] = pixel(10, 10);
    assert!(red == green && green == blue, "grey elsewhere");
}

#[test]
fn a_marked_photo_says_what_its_colours_mean() {
    let picture = scene(0.0);
    let prepared = Query::new(view(&picture));
    let found = compare(&prepared, view(&picture), &Homography::IDENTITY).unwrap();
    let file = marked(&prepared, &found).unwrap();
    assert_eq!(file, marked(&prepared, &found).unwrap(), "the same bytes each time");
    let read = png::Decoder::new(Cursor::new(file.as_slice())).read_info().unwrap();
    let texts = &read.info().utf8_text;
    assert_eq!((texts.len(), texts[0].keyword.as_str()), (1, "Description"));
    let text = texts[0].get_text().unwrap();
    for words in [LEGEND.0, "not an accusation", LEGEND.1, "绝非指控"] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn two_runs_give_one_result() {
    let (a, b) = (scene(0.0), scene(0.05));
    let (first, second) = (run(&b, &a, &Homography::IDENTITY), run(&b, &a, &Homography::IDENTITY));
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
}
