//! From pixels to the map between two pictures.

use super::support::{painted, picture};
use touchstone_inspect::features::{Extractor, Query, Reference, Settings};
use touchstone_inspect::geometry::{Alignment, align};
use touchstone_inspect::raster::Grey;

const WIDTH: u32 = 256;
const HEIGHT: u32 = 192;

fn reference() -> Reference {
    let found = Extractor::new().reference(&picture(WIDTH, HEIGHT, 7, |x, y| (x, y)), &Settings::REGISTER);
    // As it comes back from storage.
    Reference::from_bytes(&found.to_bytes()).unwrap()
}

fn query(raster: &Grey) -> Query {
    Extractor::new().query(raster, &Settings::QUERY)
}

/// Largest miss, in pixels, at places of the reference of which the truth is known.
fn miss(found: &Alignment, truth: impl Fn(f64, f64) -> (f64, f64)) -> f64 {
    let mut worst = 0.0_f64;
    for (x, y) in [(80.0, 60.0), (180.0, 60.0), (80.0, 130.0), (180.0, 130.0)] {
        let ((u, v), (p, q)) = (truth(x, y), found.homography.apply((x, y)).unwrap());
        worst = worst.max(((p - u).powi(2) + (q - v).powi(2)).sqrt());
    }
    worst
}

#[test]
fn a_turned_and_enlarged_part_is_found() {
    let (cosine, sine) = (0.3_f64.cos() * 1.3, 0.3_f64.sin() * 1.3);
    let forth = |x: f64, y: f64| (cosine * x - sine * y - 20.0, sine * x + cosine * y - 60.0);
    let back = |u: f64, v: f64| {
        let (u, v) = ((u + 20.0) / 1.69, (v + 60.0) / 1.69);
        (cosine * u + sine * v, cosine * v - sine * u)
    };
    let found = align(&reference(), &query(&picture(280, 220, 7, back))).unwrap();
    assert!(!found.mirrored);
    assert!(found.inliers >= 12, "{}", found.inliers);
    assert!(miss(&found, forth) < 1.0, "{}", miss(&found, forth));
    // The map at other sizes of the same pictures, and back.
    let larger = found.homography.rescaled((2.0, 2.0), (0.5, 0.5));
    let (one, two) = (found.homography.apply((50.0, 90.0)).unwrap(), larger.apply((100.0, 180.0)).unwrap());
    assert!((one.0 - 2.0 * two.0).abs() < 1e-9 && (one.1 - 2.0 * two.1).abs() < 1e-9);
    let again = larger.inverse().unwrap().apply(two).unwrap();
    assert!((again.0 - 100.0).abs() < 1e-6 && (again.1 - 180.0).abs() < 1e-6);
}

#[test]
fn a_mirrored_quarter_turn_is_found_as_mirrored() {
    // Turning over the diagonal is a quarter turn and a mirror.
    let found = align(&reference(), &query(&picture(HEIGHT, WIDTH, 7, |u, v| (v, u)))).unwrap();
    assert!(found.mirrored);
    assert!(found.inliers >= 20, "{}", found.inliers);
    assert!(miss(&found, |x, y| (y, x)) < 1.0);
}

#[test]
fn a_foreshortened_view_is_found() {
    let back = |u: f64, v: f64| {
        let w = 1.0 - 0.0009 * u + 0.0004 * v;
        ((0.9 * u + 0.04 * v) / w, (0.95 * v - 0.03 * u) / w)
    };
    let found = align(&reference(), &query(&picture(WIDTH, HEIGHT, 7, back))).unwrap();
    let inverse = found.homography.inverse().unwrap();
    for (u, v) in [(40.0, 40.0), (200.0, 40.0), (40.0, 150.0), (200.0, 150.0)] {
        let ((x, y), (p, q)) = (back(u, v), inverse.apply((u, v)).unwrap());
        assert!((p - x).abs() < 2.0 && (q - y).abs() < 2.0, "({u}, {v}): ({p}, {q}) for ({x}, {y})");
    }
}

#[test]
fn an_unrelated_picture_is_not_found() {
    assert_eq!(align(&reference(), &query(&picture(WIDTH, HEIGHT, 99, |x, y| (x, y)))), None);
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let reference = reference();
    let mut extractor = Extractor::new();
    for (width, height) in [(1, 1), (1, 300), (300, 1), (2, 2), (16, 16), (17, 40), (100, 80)] {
        let flat = extractor.query(&painted(width, height, |_, _| 128.0), &Settings::QUERY);
        assert!(flat.features.is_empty());
        assert_eq!(align(&reference, &flat), None);
    }
    assert_eq!(align(&Reference::default(), &query(&picture(WIDTH, HEIGHT, 7, |x, y| (x, y)))), None);
}

#[test]
fn hostile_pictures_keep_within_the_limits() {
    let reference = reference();
    let mut extractor = Extractor::new();
    let noise = painted(200, 200, |x, y| {
        f64::from(((x * 7919.0 + y * 104_729.0) as u32).wrapping_mul(2_654_435_761) >> 24)
    });
    let squares =
        painted(200, 200, |x, y| if (x as u32 / 8 + y as u32 / 8).is_multiple_of(2) { 0.0 } else { 255.0 });
    let stripes = painted(200, 200, |x, _| if (x as u32 / 2).is_multiple_of(2) { 0.0 } else { 255.0 });
    for raster in [noise, squares, stripes] {
        let found = extractor.query(&raster, &Settings::QUERY);
        assert!(found.features.len() <= Settings::QUERY.count);
        for two in &found.features {
            let point = two.feature.keypoint;
            assert!((0.0..200.0).contains(&point.x) && (0.0..200.0).contains(&point.y));
            assert!((0.0..1.0).contains(&point.angle) && point.log_scale.is_finite());
        }
        assert_eq!(align(&reference, &found), None);
        // Against itself a periodic picture may be found, but must not fail.
        let own = extractor.reference(&raster, &Settings::REGISTER);
        let _ = align(&own, &found);
    }
}

#[test]
fn the_memory_of_earlier_pictures_changes_nothing() {
    let (one, two) = (picture(WIDTH, HEIGHT, 7, |x, y| (x, y)), picture(90, 130, 3, |x, y| (x, y)));
    let mut extractor = Extractor::new();
    let first = extractor.query(&one, &Settings::QUERY);
    let small = extractor.query(&two, &Settings::QUERY);
    assert_eq!(extractor.query(&one, &Settings::QUERY), first);
    assert_eq!(small, query(&two));
}
