//! Large files decoded at a smaller size: like the full picture, within the same limits, an error when damaged.

// Helpers outside `#[test]` functions fail the test just the same.
#![allow(clippy::unwrap_used)]

#[path = "vectors/formula.rs"]
mod formula;
#[path = "support/xorshift.rs"]
mod xorshift;

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageFormat};
use touchstone_inspect::decode::{DecodeError, Decoded, Picture, decode, decode_reduced};
use touchstone_inspect::fingerprint::{
    dhash_dihedral, hamming, iscc_image_digest, pdq_and_dihedral, pdq_and_dihedral_of,
};
use touchstone_inspect::limits::Limits;
use touchstone_inspect::{InspectOptions, WORKING_AREA, inspect_picture};
use xorshift::Xorshift;

const SCENES: [&str; 5] = ["420", "422", "444", "restarts", "grey"];
const WIDTH: u32 = 323;
const HEIGHT: u32 = 243;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn scene(name: &str) -> Vec<u8> {
    fixture(&format!("scene-{name}.jpg"))
}

/// The least area that asks for so many eighths of the sides of a scene.
fn area(eighths: u32) -> u32 {
    WIDTH * HEIGHT * eighths * eighths / 64
}

fn reduced(bytes: &[u8], least_area: u32) -> Decoded {
    decode_reduced(bytes, &Limits::default(), least_area).unwrap()
}

fn mean_difference(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let sum: u64 = a.rgb.iter().zip(&b.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.rgb.len() as f64
}

fn jpeg(picture: &Picture, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(&picture.rgb, picture.width, picture.height, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

/// The mean of one channel over a square of pixels.
fn mean(picture: &Picture, (left, top): (u32, u32), side: u32, channel: usize) -> u32 {
    let at = |i: u32| ((top + i / side) * picture.width + left + i % side) as usize * 3 + channel;
    (0..side * side).map(|i| u32::from(picture.rgb[at(i)])).sum::<u32>() / (side * side)
}

#[test]
fn every_size_looks_like_the_full_picture() {
    for name in SCENES {
        let bytes = scene(name);
        let full = decode(&bytes, &Limits::default()).unwrap().picture;
        for eighths in 1..=4 {
            let found = reduced(&bytes, area(eighths));
            let side = |side: u32| (side * eighths + 4) / 8;
            assert_eq!((found.picture.width, found.picture.height), (side(WIDTH), side(HEIGHT)), "{name}");
            assert_eq!((found.width, found.height), (WIDTH, HEIGHT));
            // Squares that cover the same: three blocks of the file.
            let (small, large) = (3 * eighths, 24);
            let places = (0..HEIGHT / large).flat_map(|y| (0..WIDTH / large).map(move |x| (x, y)));
            for (x, y) in places {
                for channel in 0..3 {
                    let found = mean(&found.picture, (small * x, small * y), small, channel);
                    let expected = mean(&full, (large * x, large * y), large, channel);
                    let difference = found.abs_diff(expected);
                    assert!(difference <= 3, "{name}, {eighths} eighths, {x}, {y}: {found} {expected}");
                }
            }
        }
    }
}

#[test]
fn a_flat_picture_stays_flat_to_its_edges() {
    for (width, height) in [(640, 480), (641, 479), (637, 473)] {
        let plain = Picture::new(width, height, [250, 250, 250].repeat((width * height) as usize)).unwrap();
        let bytes = jpeg(&plain, 90);
        let full = decode(&bytes, &Limits::default()).unwrap().picture.rgb[0];
        for least_area in [width * height / 4, width * height / 8, width * height / 64] {
            let found = reduced(&bytes, least_area).picture;
            assert!(found.width < width / 2 + 2);
            assert!(found.rgb.iter().all(|value| value.abs_diff(full) <= 1), "{width} x {height}");
        }
    }
}

/// Pictures as a camera gives them, their full decode and their reduced one.
#[test]
fn fingerprints_are_those_of_the_full_picture() {
    for (kind, width, height) in
        [("shapes", 3_000, 2_000), ("strokes", 1_600, 2_400), ("waves", 2_880, 1_920)]
    {
        let bytes = jpeg(&formula::formula(kind, width, height), 88);
        let full = decode(&bytes, &Limits::default()).unwrap().picture;
        let found = reduced(&bytes, width * height / 8);
        let size = (found.width, found.height);
        assert_eq!(size, (width, height));
        assert_eq!(found.picture.width, width * 3 / 8);
        let (first, second) = (pdq_and_dihedral(&full), pdq_and_dihedral_of(&found.picture, size));
        assert!(first.0.quality.abs_diff(second.0.quality) <= 1, "{kind}");
        for (first, second) in first.1.iter().zip(&second.1) {
            assert!(hamming(first, second) <= 2, "{kind}: PDQ by {}", hamming(first, second));
        }
        for (first, second) in dhash_dihedral(&full).iter().zip(&dhash_dihedral(&found.picture)) {
            assert!(hamming(first, second) <= 2, "{kind}: gradients by {}", hamming(first, second));
        }
        let iscc = hamming(&iscc_image_digest(&full), &iscc_image_digest(&found.picture));
        assert!(iscc <= 6, "{kind}: ISCC by {iscc}");
    }
}

#[test]
fn what_cannot_be_decoded_smaller_is_reduced_afterwards() {
    for name in ["progressive.jpg", "cmyk.jpg"] {
        let bytes = fixture(name);
        let full = decode(&bytes, &Limits::default()).unwrap().picture;
        let found = reduced(&bytes, 96 * 72 / 9);
        assert_eq!((found.width, found.height), (96, 72));
        assert_eq!(found.picture, full.reduced(32), "{name}");
    }
    let drawn = formula::formula("shapes", 300, 200);
    let mut png = Cursor::new(Vec::new());
    image::write_buffer_with_format(
        &mut png,
        &drawn.rgb,
        drawn.width,
        drawn.height,
        ExtendedColorType::Rgb8,
        ImageFormat::Png,
    )
    .unwrap();
    let found = reduced(&png.into_inner(), 300 * 200 / 4);
    assert_eq!(found.picture, drawn.reduced(150));
}

#[test]
fn a_picture_that_is_not_much_larger_keeps_its_pixels() {
    let bytes = scene("420");
    let full = decode(&bytes, &Limits::default()).unwrap();
    assert_eq!(reduced(&bytes, area(8)), full);
    assert_eq!(reduced(&bytes, area(4) + 1), full);
    assert_eq!(reduced(&bytes, u32::MAX), full);
}

#[test]
fn an_inspection_keeps_the_size_of_the_file() {
    let bytes = jpeg(&formula::formula("shapes", 3_200, 2_400), 80);
    let (inspection, picture) = inspect_picture(&bytes, &InspectOptions::default()).unwrap();
    assert_eq!((inspection.width, inspection.height), (3_200, 2_400));
    assert_eq!((picture.width, picture.height), (1_600, 1_200));
    assert!(picture.width * picture.height >= WORKING_AREA);
}

#[test]
fn orientation_is_applied_to_pixels_and_size() {
    let bytes = scene("420");
    let upright = reduced(&bytes, area(4));
    for orientation in 1..=8_u8 {
        let exif = [
            b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(),
            &[orientation, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        let found = reduced(&[&bytes[..2], &exif, &bytes[2..]].concat(), area(4));
        assert_eq!(found.orientation, orientation);
        assert_eq!(found.picture, upright.picture.clone().oriented(orientation));
        let size = if orientation < 5 { (WIDTH, HEIGHT) } else { (HEIGHT, WIDTH) };
        assert_eq!((found.width, found.height), size);
    }
}

#[test]
fn the_same_pixels_every_time_and_on_every_thread() {
    let bytes = Arc::new(scene("restarts"));
    let first = reduced(&bytes, area(3));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let bytes = Arc::clone(&bytes);
            std::thread::spawn(move || (0..5).map(|_| reduced(&bytes, area(3))).collect::<Vec<_>>())
        })
        .collect();
    for thread in threads {
        assert!(thread.join().unwrap().iter().all(|found| *found == first));
    }
}

// Damage and limits

#[test]
fn a_cut_or_shortened_scan_is_never_half_a_picture() {
    for name in SCENES {
        let bytes = scene(name);
        for length in (0..bytes.len()).step_by(13) {
            let error = decode_reduced(&bytes[..length], &Limits::default(), area(3)).unwrap_err();
            let expected = if length < 8 { DecodeError::NotAnImage } else { DecodeError::Truncated };
            assert!(error == expected || length < 8, "{name} cut at {length}: {error:?}");
            // With the marker that says the picture ends there.
            if length > bytes.len() / 2 {
                let closed = [&bytes[..length], b"\xff\xd9"].concat();
                let error = decode_reduced(&closed, &Limits::default(), area(3)).unwrap_err();
                let fits = matches!(error, DecodeError::Truncated | DecodeError::Corrupt { .. });
                assert!(fits, "{name} closed at {length}: {error:?}");
            }
        }
    }
}

#[test]
fn a_lost_restart_interval_is_an_error() {
    let bytes = scene("restarts");
    let markers: Vec<usize> = (0..bytes.len() - 1)
        .filter(|&at| bytes[at] == 0xff && (0xd0..=0xd7).contains(&bytes[at + 1]))
        .collect();
    assert!(markers.len() > 20);
    let without = [&bytes[..markers[3]], &bytes[markers[4]..]].concat();
    let error = decode_reduced(&without, &Limits::default(), area(3)).unwrap_err();
    assert!(matches!(error, DecodeError::Corrupt { .. }), "{error:?}");
    let moved = [&bytes[..markers[3] - 4], &bytes[markers[3]..]].concat();
    assert!(decode_reduced(&moved, &Limits::default(), area(3)).is_err());
}

#[test]
fn damaged_files_end_in_errors_or_in_pictures_within_the_limits() {
    let limits = Limits { max_pixels: 1_000_000, max_memory: 32 << 20, ..Limits::default() };
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    for name in SCENES {
        let bytes = scene(name);
        let mut whole = 0;
        for _ in 0..400 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + random.below(6) {
                let range = if random.below(2) == 0 { 700 } else { damaged.len() };
                let at = random.below(range);
                damaged[at] = match random.below(4) {
                    0 => random.below(256) as u8,
                    1 => damaged[at] ^ (1 << random.below(8)),
                    2 => 0xff,
                    _ => 0,
                };
            }
            match decode_reduced(&damaged, &limits, area(3)) {
                Ok(Decoded { picture, width, height, .. }) => {
                    assert_eq!(picture.rgb.len(), (picture.width * picture.height * 3) as usize, "{name}");
                    assert!(picture.width <= width && picture.height <= height, "{name}");
                    whole += 1;
                }
                Err(DecodeError::Corrupt { reason }) => {
                    assert!(!reason.contains("gave up"), "{name}: a decoder panicked");
                }
                Err(_) => {}
            }
        }
        assert!(whole > 0, "{name}: no damaged file was readable");
    }
}

#[test]
fn every_limit_holds_and_the_caller_can_stop_it() {
    let bytes = scene("420");
    let refused = |limits: Limits| decode_reduced(&bytes, &limits, area(3)).unwrap_err();
    let default = Limits::default;
    assert!(matches!(
        refused(Limits { max_side: WIDTH - 1, ..default() }),
        DecodeError::TooManyPixels { .. }
    ));
    let pixels = u64::from(WIDTH * HEIGHT);
    assert!(matches!(
        refused(Limits { max_pixels: pixels - 1, ..default() }),
        DecodeError::TooManyPixels { .. }
    ));
    assert!(matches!(refused(Limits { max_memory: 30_000, ..default() }), DecodeError::TooMuchMemory { .. }));
    // Too little for all pixels, enough for those that are wanted.
    let tight = Limits { max_memory: 200_000, ..default() };
    assert!(decode(&bytes, &tight).is_err());
    assert!(decode_reduced(&bytes, &tight, area(3)).is_ok());
    let scans = Limits { max_scans: 3, ..default() };
    assert_eq!(decode_reduced(&fixture("progressive.jpg"), &scans, 700), Err(DecodeError::TooSlow));

    let mut stops = 0;
    let through = (0..1_000).any(|stop_at| {
        let polls = AtomicU32::new(0);
        let test = move || polls.fetch_add(1, Ordering::Relaxed) >= stop_at;
        let limits = Limits { cancelled: Some(Arc::new(test)), ..Limits::default() };
        match decode_reduced(&bytes, &limits, area(3)) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error, DecodeError::TooSlow);
                stops += 1;
                false
            }
        }
    });
    // At each of the sixteen rows of blocks, at least.
    assert!(through && stops > 16, "polled {stops} times");
}

#[test]
fn the_transform_stays_near_the_average() {
    let bytes = jpeg(&formula::formula("strokes", 1_600, 1_200), 92);
    let full = decode(&bytes, &Limits::default()).unwrap().picture;
    let difference = mean_difference(&reduced(&bytes, 800 * 600).picture, &full.reduced(800));
    // The transform keeps the letters' edges sharper.
    assert!(difference < 2.0, "{difference}");
}
