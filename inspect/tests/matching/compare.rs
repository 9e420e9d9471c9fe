//! The comparison on synthetic pictures: what is one capture, what is altered, what is an overlay, and hostile input.
// Small synthetic pictures: every cast is exact or clamped.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::many_single_char_names)]

use std::io::Cursor;
use touchstone_inspect::{
    compare::{
        CompareError, Comparison, Homography, Query, Relation, Rgb, RgbView, compare, palette, render,
    },
    overlay::{LEGEND, marked},
};

const SIDE: usize = 200;

/// A textured picture by formula: waves of several lengths, coloured; `phase` makes another scene.
fn scene(phase: f64) -> Rgb {
    let mut rgb = Vec::with_capacity(SIDE * SIDE * 3);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (u, v) = (x as f64 + 31.0 * phase, y as f64 - 17.0 * phase);
            let wave =
                (u * 0.11).sin() * 40.0 + (v * 0.17 + u * 0.05).sin() * 35.0 + (u * v * 0.002).cos() * 25.0;
            for (shift, gain) in [(0.0, 1.0), (9.0, 0.9), (-6.0, 0.7)] {
                rgb.push((128.0 + shift + gain * wave).clamp(0.0, 255.0) as u8);
            }
        }
    }
    Rgb { width: SIDE, height: SIDE, rgb }
}

fn paint(picture: &mut Rgb, colour: impl Fn(usize, usize, [u8; 3]) -> Option<[u8; 3]>) {
    let width = picture.width;
    for (index, pixel) in picture.rgb.chunks_exact_mut(3).enumerate() {
        if let Some(new) = colour(index % width, index / width, [pixel[0], pixel[1], pixel[2]]) {
            pixel.copy_from_slice(&new);
        }
    }
}

fn view(picture: &Rgb) -> RgbView<'_> {
    RgbView::new(picture.width as u32, picture.height as u32, &picture.rgb).unwrap()
}

fn run(query: &Rgb, reference: &Rgb, initial: &Homography) -> Result<Comparison, CompareError> {
    compare(&Query::new(view(query)), view(reference), initial)
}

/// Rows of white above and below a picture on a page.
const AROUND: usize = SIDE / 2;

/// The query as a shop's page shows it; its rows lie [`AROUND`] lower than in the picture.
fn run_on_page(query: &Rgb, reference: &Rgb) -> Comparison {
    let white = vec![255; 3 * query.width * AROUND];
    let page = Rgb {
        width: query.width,
        height: query.height + 2 * AROUND,
        rgb: [&white[..], &query.rgb, &white].concat(),
    };
    let down = Homography([1.0, 0.0, 0.0, 0.0, 1.0, AROUND as f64, 0.0, 0.0, 1.0]);
    run(&page, reference, &down).unwrap()
}

/// Share of the pixels chosen by `truth` that the map calls altered, and of the others.
fn flagged(found: &Comparison, truth: impl Fn(usize, usize) -> bool) -> (f64, f64) {
    let mut counts = [[0_u32; 2]; 2];
    for (index, value) in found.map.data.iter().enumerate() {
        let inside = truth(index % found.map.width, index / found.map.width);
        counts[usize::from(inside)][usize::from(*value >= Comparison::ALTERED)] += 1;
    }
    let share = |c: [u32; 2]| f64::from(c[1]) / f64::from((c[0] + c[1]).max(1));
    (share(counts[1]), share(counts[0]))
}

/// The picture as a lens shows it that bends it a little here and there, by up to 0.8 pixels.
fn photographed(picture: &Rgb) -> Rgb {
    let at = |x: f64, y: f64, channel: usize| {
        let clamp = |value: f64, length: usize| value.clamp(0.0, (length - 1) as f64);
        let (x, y) = (clamp(x, picture.width), clamp(y, picture.height));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(picture.width - 1), (top + 1).min(picture.height - 1));
        let value = |x: usize, y: usize| f64::from(picture.rgb[3 * (y * picture.width + x) + channel]);
        let mix = |a: f64, b: f64, part: f64| a + part * (b - a);
        let (across, down) = (x.fract(), y.fract());
        let (upper, lower) = (
            mix(value(left, top), value(right, top), across),
            mix(value(left, bottom), value(right, bottom), across),
        );
        mix(upper, lower, down).round() as u8
    };
    let mut bent = picture.clone();
    paint(&mut bent, |x, y, _| {
        let (x, y) = (x as f64, y as f64);
        let (across, down) = (0.8 * (y / 37.0 + x / 61.0).sin(), 0.8 * (x / 43.0 - y / 53.0).cos());
        Some([0, 1, 2].map(|channel| at(x + across, y + down, channel)))
    });
    bent
}

/// The same places on the page of [`run_on_page`].
fn in_page(truth: impl Fn(usize, usize) -> bool) -> impl Fn(usize, usize) -> bool {
    move |x, y| y.checked_sub(AROUND).is_some_and(|y| truth(x, y))
}

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

#[test]
fn an_icon_is_an_overlay_on_a_page_and_an_alteration_elsewhere() {
    let picture = scene(0.0);
    let mut query = picture.clone();
    paint(&mut query, |x, y, _| {
        (x.abs_diff(30).pow(2) + y.abs_diff(30).pow(2) < 80).then_some([250, 250, 250])
    });
    let found = run_on_page(&query, &picture);
    assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.alterations);
    assert_eq!(found.overlays.len(), 1);
    assert_eq!(found.map.data[(AROUND + 30) * SIDE + 30], Comparison::OVERLAY);
    // Where no screen shows, a spot of one colour is damage.
    paint(&mut query, |x, y, _| (x.abs_diff(30).pow(2) + y.abs_diff(30).pow(2) < 80).then_some([60, 50, 40]));
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCaptureAltered, 0));
}

/// A page may be cut to its very picture. Its buttons stand in several corners; one spot there may be a stain.
#[test]
fn grey_discs_in_two_corners_are_overlays_and_one_anywhere_is_an_alteration() {
    let picture = scene(0.0);
    let with_discs = |places: &[(usize, usize)]| {
        let mut query = picture.clone();
        let disc = |x: usize, y: usize| {
            places.iter().any(|at| x.abs_diff(at.0).pow(2) + y.abs_diff(at.1).pow(2) < 80)
        };
        paint(&mut query, |x, y, _| disc(x, y).then_some([70; 3]));
        let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
        (found.relation, found.alterations.len(), found.overlays.len())
    };
    for corners in [[(16, 16), (184, 16)], [(184, 16), (182, 184)]] {
        assert_eq!(with_discs(&corners), (Relation::SameCapture, 0, 2), "{corners:?}");
    }
    for place in [(16, 16), (182, 184), (100, 100), (100, 16), (16, 100), (50, 60)] {
        assert_eq!(with_discs(&[place]), (Relation::SameCaptureAltered, 1, 0), "{place:?}");
    }
    // Nor does a page's sign excuse what lies elsewhere.
    let more = [(16, 16), (184, 16), (100, 100)];
    assert_eq!(with_discs(&more), (Relation::SameCaptureAltered, 1, 2));
    // Of a sketch's button in the corner of a page hardly more is told than where it is; a scratch is a scratch.
    let picture = scene(0.0);
    let mut query = picture.clone();
    paint(&mut query, |x, y, _| {
        (x.abs_diff(16) < 8 && y.abs_diff(16) < 8).then_some([40, (8 * x) as u8, (9 * y) as u8])
    });
    assert_eq!(run_on_page(&query, &picture).relation, Relation::SameCapture);
    let mut query = picture.clone();
    paint(&mut query, |x, y, _| (x + y < 44 && x > 3 && y > 3 && x.abs_diff(y) < 2).then_some([20; 3]));
    assert_eq!(run_on_page(&query, &picture).relation, Relation::SameCaptureAltered);
}

/// A grey disc through which the picture is seen, with a white arrow on it, is a button; a spot of uneven edge and
/// strength in the same place is a stain.
#[test]
fn a_half_transparent_button_is_an_overlay_and_an_uneven_spot_is_not() {
    let picture = scene(0.0);
    let disc = |x: usize, y: usize| x.abs_diff(40).pow(2) + y.abs_diff(50).pow(2) <= 169;
    let arrow = |x: usize, y: usize| (36..44).contains(&x) && (x - 36).abs_diff(y.abs_diff(50)) <= 1;
    let mut query = picture.clone();
    paint(&mut query, |x, y, p| {
        let veiled = p.map(|value| (0.58 * f64::from(value)) as u8);
        disc(x, y).then(|| if arrow(x, y) { [255; 3] } else { veiled })
    });
    let found = run_on_page(&query, &picture);
    assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.alterations);
    assert_eq!(found.overlays.len(), 1);

    let mut query = picture.clone();
    paint(&mut query, |x, y, p| {
        let (dx, dy) = (x as f64 - 40.0, y as f64 - 50.0);
        let reach = 9.0 + 4.0 * (3.0 * dy.atan2(dx)).sin();
        let strength = (1.2 - dx.hypot(dy) / reach).clamp(0.0, 0.8);
        (strength > 0.0).then(|| p.map(|value| (f64::from(value) * (1.0 - strength) + 40.0 * strength) as u8))
    });
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!(found.relation, Relation::SameCaptureAltered);
    assert!(found.overlays.is_empty());
    let found = run_on_page(&query, &picture);
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCaptureAltered, 0));
}

/// The scene as a detail shows it, every pixel nine times.
fn large_scene() -> Rgb {
    let small = scene(0.0);
    let third = |x: usize, y: usize| 3 * ((y / 3) * SIDE + x / 3);
    let mut picture = Rgb { width: 600, height: 600, rgb: vec![0; 600 * 600 * 3] };
    paint(&mut picture, |x, y, _| Some([0, 1, 2].map(|c| small.rgb[third(x, y) + c])));
    picture
}

/// On the detail, too, a disc of one opacity is a button; a shaded one is not.
#[test]
fn a_large_disc_is_a_button_if_it_has_one_opacity() {
    let picture = large_scene();
    let disc = |x: usize, y: usize| x.abs_diff(120).pow(2) + y.abs_diff(150).pow(2) <= 1_500;
    let mut query = picture.clone();
    paint(&mut query, |x, y, p| disc(x, y).then(|| p.map(|value| (0.58 * f64::from(value)) as u8)));
    let found = run_on_page(&query, &picture);
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCapture, 1), "{:?}", found.alterations);
    // The same on the picture alone, and in the brown of a stain.
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCaptureAltered, 0));
    let mut query = picture.clone();
    let brown = |p: [u8; 3]| [0, 1, 2].map(|c| ((f64::from(p[c]) + [95.0, 60.0, 30.0][c]) / 2.0) as u8);
    paint(&mut query, |x, y, p| disc(x, y).then(|| brown(p)));
    let found = run_on_page(&query, &picture);
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCaptureAltered, 0));

    let mut query = picture.clone();
    paint(&mut query, |x, y, _| disc(x, y).then(|| [30 + 2 * (x - 80) as u8, 20 + 2 * (x - 80) as u8, 20]));
    let found = run_on_page(&query, &picture);
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCaptureAltered, 0));
}

/// A disc that only darkens a little, with no glyph on it and no drawn outline, is a stain, however even it is.
#[test]
fn a_round_stain_is_no_button() {
    let picture = large_scene();
    let stain = |x: usize, y: usize| {
        let (dx, dy) = (x as f64 - 120.0, y as f64 - 150.0);
        dx.hypot(dy) <= 38.0 + 2.5 * (3.0 * dy.atan2(dx)).sin()
    };
    let mut query = picture.clone();
    paint(&mut query, |x, y, p| stain(x, y).then(|| p.map(|value| (0.66 * f64::from(value)) as u8)));
    let found = run_on_page(&query, &picture);
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCaptureAltered, 0));
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
