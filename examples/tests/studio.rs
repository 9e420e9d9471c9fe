//! The studio's pictures: complete, repeatable, neither blank nor noise; edits change what they should.

use std::collections::HashSet;

use image::RgbImage;
use touchstone_examples::studio::{Shot, ShotKind, catalogue, edits, render};

fn shot(name: &str) -> &'static Shot {
    let mut named = catalogue().iter().filter(|s| s.name == name);
    let Some(found) = named.next() else { unreachable!("no picture {name}") };
    found
}

fn luma(image: &RgbImage) -> Vec<f64> {
    image
        .pixels()
        .map(|p| 0.2126 * f64::from(p[0]) + 0.7152 * f64::from(p[1]) + 0.0722 * f64::from(p[2]))
        .collect()
}

/// Pixels that differ visibly.
fn changed(a: &RgbImage, b: &RgbImage) -> usize {
    a.pixels().zip(b.pixels()).filter(|(p, q)| p.0.iter().zip(q.0).any(|(x, y)| x.abs_diff(y) > 12)).count()
}

#[test]
fn catalogue_is_complete_and_names_are_unique() {
    let count = |kind| catalogue().iter().filter(|s| s.kind == kind).count();
    assert!(count(ShotKind::Listing) >= 14);
    assert!(count(ShotKind::Packing) >= 6);
    assert!(count(ShotKind::AiOutput) >= 8);
    assert!(count(ShotKind::Unregistered) >= 4);
    let names: HashSet<_> = catalogue().iter().map(|s| s.name).collect();
    assert_eq!(names.len(), catalogue().len());
    let listings: HashSet<_> =
        catalogue().iter().filter(|s| s.kind == ShotKind::Listing).map(|s| s.name).collect();
    for shot in catalogue() {
        assert!(shot.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", shot.name);
        assert!(!shot.title_en.is_empty() && !shot.title_zh.is_empty());
        assert!(shot.product.is_empty() || listings.contains(shot.product), "{}", shot.name);
        if shot.kind == ShotKind::Packing {
            assert!(!shot.product.is_empty(), "{} packs nothing", shot.name);
        }
    }
}

#[test]
fn a_picture_is_repeatable_and_looks_like_a_photograph() {
    let first = render(shot("headphones"));
    assert_eq!((first.width(), first.height()), (1024, 1024));
    assert!(first == render(shot("headphones")), "two runs differ");
    let values = luma(&first);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let spread = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64).sqrt();
    assert!((40.0..225.0).contains(&mean), "mean {mean}");
    assert!(spread > 18.0, "blank: spread {spread}");
    let rough = values.windows(2).map(|w| (w[1] - w[0]).abs()).sum::<f64>() / values.len() as f64;
    assert!((0.05..6.0).contains(&rough), "noise: mean step {rough}");
}

/// A plain grey ramp: edits must work on any picture, and this one needs no rendering.
fn ramp() -> RgbImage {
    RgbImage::from_fn(640, 480, |x, y| image::Rgb([(90 + x / 8) as u8, (100 + y / 8) as u8, 140]))
}

#[test]
fn a_crack_is_visible_small_and_follows_its_seed() {
    let clean = ramp();
    let cracked = edits::with_crack(&clean, 1);
    let share = changed(&clean, &cracked) as f64 / (640.0 * 480.0);
    assert!((0.0005..0.03).contains(&share), "share {share}");
    assert!(cracked == edits::with_crack(&clean, 1));
    assert!(cracked != edits::with_crack(&clean, 2));
    let darkest = luma(&cracked).into_iter().fold(f64::MAX, f64::min);
    let brightest = luma(&cracked).into_iter().fold(f64::MIN, f64::max);
    assert!(darkest < 50.0, "the gap is dark: {darkest}");
    assert!(brightest > luma(&clean).into_iter().fold(f64::MIN, f64::max), "the chipped edge is bright");
}

#[test]
fn a_stain_is_modest_and_follows_its_seed() {
    let clean = ramp();
    let stained = edits::with_stain(&clean, 1);
    let share = changed(&clean, &stained) as f64 / (640.0 * 480.0);
    assert!((0.003..0.06).contains(&share), "share {share}");
    assert!(stained != edits::with_stain(&clean, 2));
}

#[test]
fn encodings_and_sizes_are_as_asked() {
    let clean = ramp();
    let png = edits::png(&clean).expect("PNG");
    assert!(image::load_from_memory(&png).expect("PNG decodes").to_rgb8() == clean);
    let (fine, coarse) = (edits::jpeg(&clean, 90).expect("JPEG"), edits::jpeg(&clean, 30).expect("JPEG"));
    assert!(coarse.len() < fine.len());
    assert_eq!(image::load_from_memory(&fine).expect("JPEG decodes").to_rgb8().dimensions(), (640, 480));
    assert_eq!(edits::resized(&clean, 0.5).dimensions(), (320, 240));
    assert_eq!(edits::rotated_90(&clean).dimensions(), (480, 640));
    assert_eq!(edits::cropped(&clean, 0.5).dimensions(), (320, 240));
    assert_eq!(edits::cropped(&clean, 0.0).dimensions(), (1, 1));
    assert!(edits::png(&RgbImage::new(0, 0)).is_err() || edits::jpeg(&RgbImage::new(0, 0), 80).is_err());
}
