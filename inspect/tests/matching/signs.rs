//! What a screen lays over a picture, and what looks like it and is damage.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::many_single_char_names)]

use crate::scene::{AROUND, SIDE, flagged, large_scene, paint, run, run_on_page, scene};
use touchstone_inspect::compare::{Comparison, Homography, Relation, Rgb};

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

/// White strokes on a dark disc of `radius` pixels around `at`, through which the picture is seen.
fn button(picture: &mut Rgb, at: (usize, usize), radius: usize) {
    paint(picture, |x, y, p| {
        let (dx, dy) = (x.abs_diff(at.0), y.abs_diff(at.1));
        let glyph = 3 * dx < radius && 2 * dy < radius && (x + radius - at.0) % 8 < 4;
        let veiled = p.map(|value| (0.55 * f64::from(value)) as u8);
        (dx.pow(2) + dy.pow(2) <= radius.pow(2)).then_some(if glyph { [255; 3] } else { veiled })
    });
}

/// Three in a row so near to each other that their edges meet, on a page and cut out of one; and one in the middle.
#[test]
fn buttons_are_told_one_by_one_wherever_they_lie() {
    let picture = large_scene();
    let mut query = picture.clone();
    for x in [420, 482, 544] {
        button(&mut query, (x, 60), 28);
    }
    for found in [run_on_page(&query, &picture), run(&query, &picture, &Homography::IDENTITY).unwrap()] {
        assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.alterations);
    }
    let mut query = picture.clone();
    button(&mut query, (300, 310), 40);
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCapture, 1), "{:?}", found.alterations);
}

/// A crack that runs out from under a button is damage from there on, and the button is none.
#[test]
fn what_lies_beside_a_button_is_judged_for_itself() {
    let picture = large_scene();
    let mut query = picture.clone();
    let crack = |x: usize, y: usize| (300..460).contains(&x) && (y + x / 3).abs_diff(410) < 4;
    paint(&mut query, |x, y, _| crack(x, y).then_some([25; 3]));
    button(&mut query, (300, 310), 40);
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCaptureAltered, 1));
    let beside = |x: usize, y: usize| crack(x, y) && x > 345;
    let (hit, wrong) = flagged(&found, beside);
    assert!(hit > 0.6 && wrong < 0.005, "{hit} {wrong}");
    assert_eq!(found.map.data[310 * 600 + 285], Comparison::OVERLAY);
}

/// Whether row and column of a line of letters are ink: three strokes a letter, and gaps between letters.
fn ink(x: usize, y: usize) -> bool {
    (100..340).contains(&x) && (540..564).contains(&y) && {
        let (column, row) = ((x - 100) % 20, y - 540);
        column < 16 && (column % 12 < 4 || row < 4 || ((x / 20).is_multiple_of(2) && row >= 20))
    }
}

/// Time stamps are laid over a picture in white, black or a vivid colour. A stroke of the same size is damage.
#[test]
fn a_line_of_letters_is_an_overlay_and_a_stroke_is_damage() {
    let picture = large_scene();
    for colour in [[255; 3], [0; 3], [255, 140, 20]] {
        let mut query = picture.clone();
        paint(&mut query, |x, y, _| ink(x, y).then_some(colour));
        let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
        assert_eq!(found.relation, Relation::SameCapture, "{colour:?} {:?}", found.alterations);
        assert!(!found.overlays.is_empty(), "{colour:?}");
        let mut query = picture.clone();
        let stroke = |x: usize, y: usize| (100..340).contains(&x) && (546..558).contains(&y);
        paint(&mut query, |x, y, _| stroke(x, y).then_some(colour));
        let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
        assert_eq!(found.relation, Relation::SameCaptureAltered, "{colour:?}");
    }
}

/// As even and nearly as round as a button, but without a glyph on it: on a page, too.
#[test]
fn an_even_grey_spot_without_a_glyph_is_a_stain() {
    let picture = large_scene();
    let spot = |x: usize, y: usize| {
        let (dx, dy) = (x as f64 - 300.0, y as f64 - 310.0);
        dx.hypot(dy) <= 34.0 + 1.2 * (3.0 * dy.atan2(dx)).sin()
    };
    let mut query = picture.clone();
    paint(&mut query, |x, y, p| spot(x, y).then(|| p.map(|value| (0.25 * f64::from(value) + 66.0) as u8)));
    for found in [run_on_page(&query, &picture), run(&query, &picture, &Homography::IDENTITY).unwrap()] {
        assert_eq!((found.relation, found.overlays.len()), (Relation::SameCaptureAltered, 0));
    }
}

/// Neither a time stamp nor one button shows a page: a grey spot in another corner is a stain, as is one in a page's top row
/// that is much smaller than its buttons.
#[test]
fn a_stamp_in_one_corner_excuses_no_stain_in_another() {
    let picture = large_scene();
    let spot =
        |x: usize, y: usize, at: (usize, usize)| x.abs_diff(at.0).pow(2) + y.abs_diff(at.1).pow(2) < 500;
    let mut query = picture.clone();
    paint(&mut query, |x, y, _| ink(x, y).then_some([255; 3]));
    paint(&mut query, |x, y, _| spot(x, y, (540, 60)).then_some([90; 3]));
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!((found.relation, found.alterations.len()), (Relation::SameCaptureAltered, 1));
    button(&mut query, (60, 60), 28);
    paint(&mut query, |x, y, _| spot(x, y, (300, 300)).then_some([90; 3]));
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert!(found.alterations.iter().any(|one| (270.0..330.0).contains(&(one.x + 0.5 * one.width))));
}

/// Two buttons show a page; a short crack beside them on a thing with texture is no glyph of a third.
#[test]
fn a_crack_in_the_corner_of_a_page_is_damage() {
    let picture = large_scene();
    let mut query = picture.clone();
    button(&mut query, (60, 60), 28);
    button(&mut query, (540, 60), 28);
    let crack = |x: usize, y: usize| (440..474).contains(&x) && (y + x / 2).abs_diff(295) < 3;
    paint(&mut query, |x, y, _| crack(x, y).then_some([30, 28, 26]));
    let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
    assert_eq!(found.relation, Relation::SameCaptureAltered, "{:?}", found.overlays);
    assert!(flagged(&found, crack).0 > 0.5);
}

/// Letters in a bright colour are a stamp; marks in the grey of a scuff or the dark red of blood are none, whatever the
/// colour of the thing.
#[test]
fn dull_dashes_in_a_line_are_damage() {
    let mut picture = large_scene();
    paint(&mut picture, |_, y, [r, g, b]| (y > 480).then(|| [r / 2 + 110, g / 3, b / 3]));
    for colour in [[120, 118, 116], [138, 7, 7]] {
        let mut query = picture.clone();
        paint(&mut query, |x, y, _| ink(x, y).then_some(colour));
        let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
        assert_eq!(found.relation, Relation::SameCaptureAltered, "{colour:?} {:?}", found.overlays);
    }
    // On grey and on black; old blood is as dark as letters.
    for (ground, colours) in [(150, [[138, 7, 7], [80, 8, 8]]), (8, [[120, 118, 116], [138, 7, 7]])] {
        let mut picture = large_scene();
        paint(&mut picture, |x, y, _| (y > 480).then_some([ground + (x % 5) as u8; 3]));
        for colour in colours {
            let mut query = picture.clone();
            paint(&mut query, |x, y, _| ink(x, y).then_some(colour));
            let found = run(&query, &picture, &Homography::IDENTITY).unwrap();
            assert_eq!(
                found.relation,
                Relation::SameCaptureAltered,
                "{ground} {colour:?} {:?}",
                found.overlays
            );
        }
    }
}

/// Dots in white, the first of them in a colour, stand in a line at the foot of a gallery's picture.
#[test]
fn a_line_of_dots_is_an_overlay() {
    let picture = large_scene();
    let mut query = picture.clone();
    paint(&mut query, |x, y, _| {
        let dot =
            (200..380).contains(&x) && ((x - 200) % 36).abs_diff(9).pow(2) + y.abs_diff(570).pow(2) <= 81;
        dot.then_some(if x < 220 { [255, 80, 0] } else { [255; 3] })
    });
    let found = run_on_page(&query, &picture);
    assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.alterations);
    assert!(!found.overlays.is_empty());
}

/// Beside two buttons a third that only its height and its line tell; a grey box elsewhere on the page is damage.
#[test]
fn what_stands_in_line_with_two_signs_is_one() {
    let picture = large_scene();
    let shaded = |at: (usize, usize)| {
        let mut query = picture.clone();
        button(&mut query, (60, 400), 28);
        button(&mut query, (540, 400), 28);
        let inside = |x: usize, y: usize| x.abs_diff(at.0) <= 26 && y.abs_diff(at.1) <= 28;
        paint(&mut query, |x, y, _| inside(x, y).then(|| [60 + (x % 97) as u8, 90, (y % 89) as u8]));
        run_on_page(&query, &picture)
    };
    let found = shaded((300, 400));
    assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.alterations);
    for elsewhere in [(300, 300), (300, 420)] {
        let found = shaded(elsewhere);
        assert_eq!(
            (found.relation, found.overlays.len()),
            (Relation::SameCaptureAltered, 2),
            "{elsewhere:?}"
        );
    }
}

/// Strips along both sides of a page are as high as a tear from top to bottom, and excuse none.
#[test]
fn strips_excuse_no_tear_between_them() {
    let picture = large_scene();
    let mut query = picture.clone();
    let tear = |x: usize, y: usize| (290 + y / 20..330 + y / 20).contains(&x) && (8..592).contains(&y);
    paint(&mut query, |x, _, _| (!(22..578).contains(&x)).then_some([250; 3]));
    paint(&mut query, |x, y, _| tear(x, y).then(|| [225, 215, (190 + y % 30) as u8]));
    let found = run_on_page(&query, &picture);
    assert_eq!(found.relation, Relation::SameCaptureAltered, "{:?}", found.overlays);
    assert!(flagged(&found, |x, y| y.checked_sub(AROUND).is_some_and(|y| tear(x, y))).0 > 0.5);
}

/// A photo of three times the density of the sketch that it is compared with.
fn on_sketch(query: &Rgb, page: bool) -> Comparison {
    let third = Homography([3.0, 0.0, 1.0, 0.0, 3.0, 1.0, 0.0, 0.0, 1.0]);
    if !page {
        return run(query, &scene(0.0), &third).unwrap();
    }
    let white = vec![255; 3 * query.width * 300];
    let rgb = [&white[..], &query.rgb, &white].concat();
    let page = Rgb { width: query.width, height: query.height + 600, rgb };
    run(&page, &scene(0.0), &Homography([3.0, 0.0, 1.0, 0.0, 3.0, 301.0, 0.0, 0.0, 1.0])).unwrap()
}

/// Letters are below a sketch's pixels, but not below the photo's.
#[test]
fn on_a_sketch_letters_and_buttons_are_told_by_the_photos_own_pixels() {
    let picture = large_scene();
    for colour in [[255; 3], [0; 3], [255, 140, 20]] {
        let mut query = picture.clone();
        paint(&mut query, |x, y, _| ink(x, y).then_some(colour));
        let found = on_sketch(&query, false);
        assert_eq!(found.relation, Relation::SameCapture, "{colour:?} {:?}", found.alterations);
        let written = (540..564).flat_map(|y| (100..340).map(move |x| (x, y))).filter(|(x, y)| ink(*x, *y));
        let marked = written.clone().filter(|(x, y)| found.map.data[y * 600 + x] == Comparison::OVERLAY);
        assert!(2 * marked.count() > written.count(), "{colour:?}");
        let mut query = picture.clone();
        let stroke = |x: usize, y: usize| (100..340).contains(&x) && (546..558).contains(&y);
        paint(&mut query, |x, y, _| stroke(x, y).then_some(colour));
        assert_eq!(on_sketch(&query, false).relation, Relation::SameCaptureAltered, "{colour:?}");
    }
    let mut query = picture.clone();
    button(&mut query, (300, 310), 40);
    let found = on_sketch(&query, false);
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCapture, 1), "{:?}", found.alterations);
    assert_eq!(found.map.data[310 * 600 + 270], Comparison::OVERLAY);
    for colour in [[120, 118, 116], [138, 7, 7]] {
        let mut query = large_scene();
        paint(&mut query, |x, y, _| ink(x, y).then_some(colour));
        assert_eq!(on_sketch(&query, false).relation, Relation::SameCaptureAltered, "{colour:?}");
    }
}

/// A small dull spot in the corner of a page passes for a button on a sketch alone; a photo of more pixels shows that
/// nothing is drawn on it.
#[test]
fn on_a_sketch_a_plain_spot_in_a_corner_is_a_stain_if_the_photo_shows_it() {
    let spot = |x: usize, y: usize| {
        let (dx, dy) = (x as f64 - 60.0, y as f64 - 60.0);
        dx.hypot(dy) <= 30.0 + 2.0 * (3.0 * dy.atan2(dx)).sin()
    };
    let dull = |p: [u8; 3]| [0, 1, 2].map(|c| (0.1 * f64::from(p[c]) + [95.0, 75.0, 50.0][c]) as u8);
    let mut query = large_scene();
    paint(&mut query, |x, y, p| spot(x, y).then(|| dull(p)));
    let found = on_sketch(&query, true);
    assert_eq!((found.relation, found.overlays.len()), (Relation::SameCaptureAltered, 0));
    let mut coarse = scene(0.0);
    paint(&mut coarse, |x, y, p| spot(3 * x, 3 * y).then(|| dull(p)));
    assert_eq!(run_on_page(&coarse, &scene(0.0)).relation, Relation::SameCapture);
}

/// Three whose edges meet, with a crack out from under the last: each layer is split in step with the other.
#[test]
fn on_a_sketch_buttons_are_told_one_by_one_and_what_lies_beside_them_is_judged() {
    let picture = large_scene();
    let row = |query: &mut Rgb| {
        for x in [180, 243, 306] {
            button(query, (x, 310), 29);
        }
    };
    let mut query = picture.clone();
    row(&mut query);
    let found = on_sketch(&query, false);
    assert_eq!(found.relation, Relation::SameCapture, "{:?}", found.alterations);
    let mut query = picture.clone();
    let crack = |x: usize, y: usize| (306..430).contains(&x) && (y + x / 3).abs_diff(412) < 6;
    paint(&mut query, |x, y, _| crack(x, y).then_some([15; 3]));
    row(&mut query);
    let found = on_sketch(&query, false);
    assert_eq!(found.relation, Relation::SameCaptureAltered, "{:?}", found.overlays);
    let (hit, wrong) = flagged(&found, |x, y| crack(x, y) && x > 350);
    assert!(hit > 0.5 && wrong < 0.01, "{hit} {wrong}");
    assert!(!found.overlays.is_empty());
    for one in found.alterations.iter().chain(&found.overlays) {
        assert!(one.width <= 600.0 && one.height <= 600.0 && one.strength >= 0.0, "{one:?}");
    }
}

/// What is told closer is a fleck; the stain around it is too weak to be told there, not too weak to be one.
#[test]
fn on_a_sketch_a_white_fleck_excuses_no_stain_around_it() {
    let mut query = large_scene();
    paint(&mut query, |x, y, p| {
        let away = (x as f64 - 300.0).hypot(y as f64 - 310.0);
        if away < 5.0 {
            return Some([255; 3]);
        }
        let strength = 0.5 * (1.0 - away / 110.0).max(0.0);
        (strength > 0.0).then(|| {
            [0, 1, 2].map(|c| (f64::from(p[c]) * (1.0 - strength) + strength * [140.0, 105.0, 60.0][c]) as u8)
        })
    });
    let found = on_sketch(&query, false);
    assert_eq!(found.relation, Relation::SameCaptureAltered, "{:?}", found.overlays);
}
