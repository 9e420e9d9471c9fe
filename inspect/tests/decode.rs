//! Decoding against real encoders, damaged files and limits. Pictures are rendered by formula.

// Helpers outside `#[test]` functions fail the test just the same.
#![allow(clippy::unwrap_used)]

#[path = "support/xorshift.rs"]
mod xorshift;

use std::io::{Cursor, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use image::{DynamicImage, ImageFormat, RgbImage};
use touchstone_inspect::decode::{DecodeError, Decoded, Format, Picture, decode};
use touchstone_inspect::limits::Limits;
use xorshift::Xorshift;

const WIDTH: u32 = 96;
const HEIGHT: u32 = 72;

fn pixel(x: u32, y: u32) -> [u8; 3] {
    let in_disc = (x as i32 - 76).pow(2) + (y as i32 - 54).pow(2) < 100;
    match (x, y) {
        (8..32, 8..28) => [200, 30, 40],
        (64..88, 8..28) => [30, 160, 60],
        (8..32, 44..64) => [40, 60, 190],
        _ if in_disc => [235, 220, 60],
        _ => [(90 + x) as u8, (110 + y) as u8, (200 - x) as u8],
    }
}

fn shapes() -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| image::Rgb(pixel(x, y)))
}

fn shapes_picture() -> Picture {
    Picture::new(WIDTH, HEIGHT, shapes().into_raw()).unwrap()
}

fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    encode(&DynamicImage::ImageRgb8(shapes()), format)
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn decoded(bytes: &[u8]) -> Decoded {
    decode(bytes, &Limits::default()).unwrap()
}

fn mean_difference(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let sum: u64 = a.rgb.iter().zip(&b.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.rgb.len() as f64
}

const ALL: [ImageFormat; 6] = [
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::WebP,
    ImageFormat::Gif,
    ImageFormat::Tiff,
    ImageFormat::Bmp,
];

#[test]
fn every_format_round_trips() {
    let expected = [Format::Jpeg, Format::Png, Format::WebP, Format::Gif, Format::Tiff, Format::Bmp];
    for (encoder, format) in ALL.into_iter().zip(expected) {
        let found = decoded(&encoded(encoder));
        assert_eq!((found.format, found.orientation, found.frames_ignored), (format, 1, false));
        let difference = mean_difference(&found.picture, &shapes_picture());
        let allowed = if matches!(format, Format::Jpeg | Format::Gif) { 4.0 } else { 0.0 };
        assert!(difference <= allowed, "{format:?}: {difference}");
        assert_eq!(format.media_type(), encoder.to_mime_type());
    }
}

#[test]
fn grey_sixteen_bit_and_transparent_pictures_become_rgb() {
    let rgb = DynamicImage::ImageRgb8(shapes());
    let sixteen = decoded(&encode(&DynamicImage::ImageRgb16(rgb.to_rgb16()), ImageFormat::Png));
    assert_eq!(sixteen.picture, shapes_picture());
    let grey = decoded(&encode(&DynamicImage::ImageLuma8(rgb.to_luma8()), ImageFormat::Jpeg)).picture;
    assert!(grey.rgb.chunks(3).all(|p| p[0] == p[1] && p[1] == p[2]));

    let mut rgba = rgb.to_rgba8();
    rgba.enumerate_pixels_mut().for_each(|(x, _, p)| p[3] = if x < WIDTH / 2 { 255 } else { 0 });
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        let found = decoded(&encode(&DynamicImage::ImageRgba8(rgba.clone()), format)).picture;
        for (i, p) in found.rgb.chunks(3).enumerate() {
            let (x, y) = (i as u32 % WIDTH, i as u32 / WIDTH);
            let expected = if x < WIDTH / 2 { pixel(x, y) } else { [255; 3] };
            assert_eq!(p, expected, "{format:?} at {x}, {y}");
        }
    }
}

#[test]
fn progressive_and_four_ink_jpeg() {
    let progressive = decoded(&fixture("progressive.jpg")).picture;
    assert!(mean_difference(&progressive, &shapes_picture()) < 4.0);
    let inks = decoded(&fixture("cmyk.jpg")).picture;
    assert!(mean_difference(&inks, &shapes_picture()) < 5.0);
}

// Orientation

/// An EXIF block with nothing but an orientation, in either byte order.
fn exif(orientation: u8, big_endian: bool) -> Vec<u8> {
    if big_endian {
        [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(), &[orientation, 0, 0, 0, 0, 0, 0]]
            .concat()
    } else {
        [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[orientation, 0, 0, 0, 0, 0, 0, 0]]
            .concat()
    }
}

fn png_chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(content);
    let length = (content.len() as u32).to_be_bytes();
    [&length, &kind[..], content, &crc.sum().to_be_bytes()].concat()
}

fn insert(bytes: &[u8], at: usize, what: &[u8]) -> Vec<u8> {
    [&bytes[..at], what, &bytes[at..]].concat()
}

/// Where a PNG's first chunk after `IHDR` begins.
const PNG_AFTER_HEADER: usize = 33;

fn with_orientation(format: ImageFormat, orientation: u8) -> Vec<u8> {
    let bytes = encoded(format);
    let exif = exif(orientation, orientation.is_multiple_of(2));
    match format {
        ImageFormat::Jpeg => {
            let length = (exif.len() as u16 + 8).to_be_bytes();
            insert(&bytes, 2, &[&[0xff, 0xe1], &length[..], b"Exif\0\0", &exif].concat())
        }
        ImageFormat::Png => insert(&bytes, PNG_AFTER_HEADER, &png_chunk(b"eXIf", &exif)),
        ImageFormat::WebP => {
            let picture = &bytes[12..];
            let mut content = b"WEBPVP8X\x0a\0\0\0\x08\0\0\0".to_vec();
            content.extend(&(WIDTH - 1).to_le_bytes()[..3]);
            content.extend(&(HEIGHT - 1).to_le_bytes()[..3]);
            content.extend(picture);
            content.extend(b"EXIF");
            content.extend((exif.len() as u32).to_le_bytes());
            content.extend(&exif);
            [b"RIFF", &(content.len() as u32).to_le_bytes()[..], &content].concat()
        }
        _ => tiff(WIDTH, HEIGHT, orientation, &shapes().into_raw()),
    }
}

/// An uncompressed RGB TIFF of one strip.
fn tiff(width: u32, height: u32, orientation: u8, rgb: &[u8]) -> Vec<u8> {
    let entries: [(u16, u16, u32, u32); 10] = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, 134),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 140),
        (274, 3, 1, orientation.into()),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, rgb.len() as u32),
    ];
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    assert_eq!(bytes.len(), 134);
    bytes.extend([8, 0, 8, 0, 8, 0]);
    bytes.extend(rgb);
    bytes
}

#[test]
fn all_eight_orientations_in_every_format_that_has_them() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        for orientation in 1..=8 {
            let found = decoded(&with_orientation(format, orientation));
            assert_eq!(found.orientation, orientation, "{format:?}");
            let expected = shapes_picture().oriented(orientation);
            let allowed = if format == ImageFormat::Jpeg { 4.0 } else { 0.0 };
            let difference = mean_difference(&found.picture, &expected);
            assert!(difference <= allowed, "{format:?}, orientation {orientation}: {difference}");
        }
        let nonsense = decoded(&with_orientation(format, 77));
        assert_eq!((nonsense.orientation, nonsense.picture.width), (1, WIDTH), "{format:?}");
    }
}

// Limits

/// A file of the format that declares 60,000 x 60,000 pixels.
fn huge(format: ImageFormat) -> Vec<u8> {
    let mut bytes = encoded(format);
    let side: u16 = 60_000;
    let wide = u32::from(side);
    match format {
        ImageFormat::Jpeg => {
            let frame = bytes.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
            bytes[frame + 5..frame + 7].copy_from_slice(&side.to_be_bytes());
            bytes[frame + 7..frame + 9].copy_from_slice(&side.to_be_bytes());
        }
        ImageFormat::Png => {
            let header = [&wide.to_be_bytes()[..], &wide.to_be_bytes(), &bytes[24..29]].concat();
            bytes.splice(8..PNG_AFTER_HEADER, png_chunk(b"IHDR", &header));
        }
        ImageFormat::Gif => {
            bytes[6..8].copy_from_slice(&side.to_le_bytes());
            bytes[8..10].copy_from_slice(&side.to_le_bytes());
        }
        ImageFormat::Bmp => {
            bytes[18..22].copy_from_slice(&wide.to_le_bytes());
            bytes[22..26].copy_from_slice(&wide.to_le_bytes());
        }
        ImageFormat::WebP => {
            bytes = with_orientation(format, 1);
            bytes[24..27].copy_from_slice(&(wide - 1).to_le_bytes()[..3]);
            bytes[27..30].copy_from_slice(&(wide - 1).to_le_bytes()[..3]);
        }
        _ => bytes = tiff(wide, wide, 1, &[0; 300]),
    }
    bytes
}

#[test]
fn a_huge_header_is_refused_by_its_numbers() {
    for format in ALL {
        let result = decode(&huge(format), &Limits::default());
        // The WebP decoder itself compares the two headers first.
        let refused = matches!(result, Err(DecodeError::TooManyPixels { width: 60_000, height: 60_000, .. }))
            || format == ImageFormat::WebP && matches!(result, Err(DecodeError::Corrupt { .. }));
        assert!(refused, "{format:?}: {result:?}");
    }
}

#[test]
fn every_limit_holds_for_every_format() {
    for format in ALL {
        let bytes = encoded(format);
        let refused = |limits: Limits| decode(&bytes, &limits).unwrap_err();
        let default = Limits::default;
        let error = refused(Limits { max_bytes: bytes.len() - 1, ..default() });
        assert!(matches!(error, DecodeError::TooManyBytes { .. }), "{format:?}: {error}");
        for limits in [
            Limits { max_side: WIDTH - 1, ..default() },
            Limits { max_pixels: u64::from(WIDTH * HEIGHT) - 1, ..default() },
        ] {
            let error = refused(limits);
            assert!(matches!(error, DecodeError::TooManyPixels { .. }), "{format:?}: {error}");
        }
        let error = refused(Limits { max_memory: (WIDTH * HEIGHT * 3 - 1) as usize, ..default() });
        assert!(matches!(error, DecodeError::TooMuchMemory { .. }), "{format:?}: {error}");
        let exact = Limits {
            max_bytes: bytes.len(),
            max_side: WIDTH,
            max_pixels: u64::from(WIDTH * HEIGHT),
            ..default()
        };
        assert!(decode(&bytes, &exact).is_ok(), "{format:?}");
    }
    let error = decode(&fixture("progressive.jpg"), &Limits { max_scans: 3, ..Limits::default() });
    assert_eq!(error, Err(DecodeError::TooSlow));
}

#[test]
fn the_callers_deadline_stops_every_stage() {
    for format in ALL {
        let bytes = encoded(format);
        // Stop at the first, the second, ... poll, until decoding gets through without being stopped.
        let mut got_through = false;
        for stop_at in 0..1_000 {
            let polls = Arc::new(AtomicU32::new(0));
            let counter = Arc::clone(&polls);
            let test = move || counter.fetch_add(1, Ordering::Relaxed) >= stop_at;
            let limits = Limits { cancelled: Some(Arc::new(test)), ..Limits::default() };
            match decode(&bytes, &limits) {
                Ok(_) => {
                    assert!(stop_at >= 3, "{format:?} is polled only {stop_at} times");
                    got_through = true;
                    break;
                }
                Err(error) => assert_eq!(error, DecodeError::TooSlow, "{format:?}"),
            }
        }
        assert!(got_through, "{format:?}");
    }
}

#[test]
fn png_decompression_bombs_are_bounded() {
    let deflated = |megabytes: usize| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        let zeros = vec![0; 1 << 20];
        for _ in 0..megabytes {
            encoder.write_all(&zeros).unwrap();
        }
        encoder.finish().unwrap()
    };
    let bomb = deflated(64);
    let limits = Limits { max_memory: 1 << 20, ..Limits::default() };
    let png = encoded(ImageFormat::Png);
    // Text is never inflated; a profile is, within the limit.
    let text = png_chunk(b"zTXt", &[b"Comment\0\0".as_slice(), &bomb].concat());
    let international = png_chunk(b"iTXt", &[b"Comment\0\x01\0\0\0".as_slice(), &bomb].concat());
    for chunk in [text, international] {
        let found = decode(&insert(&png, PNG_AFTER_HEADER, &chunk), &limits).unwrap();
        assert_eq!(found.picture, shapes_picture());
    }
    let profile = png_chunk(b"iCCP", &[b"profile\0\0".as_slice(), &bomb].concat());
    match decode(&insert(&png, PNG_AFTER_HEADER, &profile), &limits) {
        Ok(found) => assert_eq!(found.picture, shapes_picture()),
        Err(e) => {
            assert!(matches!(e, DecodeError::TooMuchMemory { .. } | DecodeError::Corrupt { .. }), "{e}");
        }
    }
    // Pixel data for thousands of times the declared size.
    let mut small = png[..PNG_AFTER_HEADER].to_vec();
    small.extend(png_chunk(b"IDAT", &bomb));
    small.extend(png_chunk(b"IEND", b""));
    if let Ok(found) = decode(&small, &limits) {
        assert_eq!((found.picture.width, found.picture.height), (WIDTH, HEIGHT));
    }
}

// Damage

#[test]
fn a_cut_jpeg_or_png_never_gives_half_a_picture() {
    for bytes in [encoded(ImageFormat::Jpeg), fixture("progressive.jpg"), encoded(ImageFormat::Png)] {
        for length in 0..bytes.len() {
            let error = decode(&bytes[..length], &Limits::default()).unwrap_err();
            let expected = if length < 8 { DecodeError::NotAnImage } else { DecodeError::Truncated };
            let fits = error == expected || length < 8 && error == DecodeError::Truncated;
            assert!(fits, "cut at {length}: {error:?}");
        }
    }
}

#[test]
fn a_cut_file_of_another_format_gives_the_whole_picture_or_none() {
    for format in [ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Tiff, ImageFormat::Bmp] {
        let bytes = encoded(format);
        let whole = decoded(&bytes).picture;
        for length in (0..bytes.len()).step_by(7) {
            match decode(&bytes[..length], &Limits::default()) {
                Ok(found) => assert_eq!(found.picture, whole, "{format:?} cut at {length}"),
                Err(e) => {
                    let fits = matches!(
                        e,
                        DecodeError::Truncated | DecodeError::Corrupt { .. } | DecodeError::NotAnImage
                    );
                    assert!(fits, "{format:?} cut at {length}: {e:?}");
                }
            }
        }
        assert!(decode(&bytes[..bytes.len() / 2], &Limits::default()).is_err(), "{format:?}");
    }
}

/// Decodes `rounds` damaged versions of `bytes`: whatever comes out must keep within the limits.
fn survive_mutations(name: &str, bytes: &[u8], rounds: usize) {
    let limits = Limits { max_pixels: 1_000_000, max_memory: 32 << 20, ..Limits::default() };
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15 ^ bytes.len() as u64);
    let mut pictures = 0;
    for _ in 0..rounds {
        let mut damaged = bytes.to_vec();
        for _ in 0..1 + random.below(6) {
            // Half of the damage goes to the headers.
            let range = if random.below(2) == 0 { damaged.len().min(200) } else { damaged.len() };
            let at = random.below(range);
            damaged[at] = match random.below(4) {
                0 => random.below(256) as u8,
                1 => damaged[at] ^ (1 << random.below(8)),
                2 => 0xff,
                _ => 0,
            };
        }
        if random.below(8) == 0 {
            damaged.truncate(random.below(damaged.len()));
        }
        if let Ok(found) = decode(&damaged, &limits) {
            let Picture { width, height, rgb } = found.picture;
            assert_eq!(rgb.len() as u64, u64::from(width) * u64::from(height) * 3, "{name}");
            assert!(u64::from(width) * u64::from(height) <= limits.max_pixels, "{name}");
            pictures += 1;
        }
    }
    assert!(pictures > 0, "{name}: no damaged file was readable, so no decoder was exercised");
}

#[test]
fn damaged_files_end_in_errors() {
    for format in ALL {
        survive_mutations(&format!("{format:?}"), &encoded(format), 400);
    }
    survive_mutations("progressive", &fixture("progressive.jpg"), 400);
}

#[test]
fn animations_give_their_first_frame() {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    let first = DynamicImage::ImageRgb8(shapes()).into_rgba8();
    let mut second = first.clone();
    image::imageops::invert(&mut second);
    for frame in [first, second] {
        encoder.encode_frame(image::Frame::new(frame)).unwrap();
    }
    drop(encoder);
    let found = decoded(&bytes);
    assert!(found.frames_ignored);
    assert!(mean_difference(&found.picture, &shapes_picture()) < 4.0);
}

#[test]
fn the_corpus_decodes() {
    let Some(corpus) = std::env::var_os("TOUCHSTONE_CORPUS") else {
        println!("skipped: TOUCHSTONE_CORPUS is not set");
        return;
    };
    let directory = std::path::Path::new(&corpus).join("photos/img");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = decode(&bytes, &Limits::default()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(found.picture.width > 16 && found.picture.height > 16, "{}", path.display());
        count += 1;
    }
    assert!(count > 100, "only {count} pictures");
}

#[cfg(not(feature = "heif"))]
#[test]
fn without_the_feature_heif_files_name_the_remedy() {
    for name in ["shapes.heic", "shapes.avif"] {
        let Err(DecodeError::Unsupported { what }) = decode(&fixture(name), &Limits::default()) else {
            panic!()
        };
        assert!(what.contains("convert the picture to JPEG"), "{what}");
    }
}

#[cfg(feature = "heif")]
mod heif {
    use super::*;

    #[test]
    fn every_variant_shows_the_shapes() {
        for (name, format) in
            [("shapes.heic", Format::Heic), ("shapes.avif", Format::Avif), ("shapes-444.avif", Format::Avif)]
        {
            let found = decoded(&fixture(name));
            assert_eq!((found.format, found.orientation, found.frames_ignored), (format, 1, false), "{name}");
            let difference = mean_difference(&found.picture, &shapes_picture());
            assert!(difference < 5.0, "{name}: {difference}");
        }
    }

    #[test]
    fn alpha_is_laid_over_white() {
        let opaque = shapes_picture();
        let rgb = opaque.rgb.chunks(3).enumerate().flat_map(|(i, p)| {
            let half = i as u32 % WIDTH >= WIDTH / 2;
            [p[0], p[1], p[2]].map(|v| if half { ((u32::from(v) + 255) / 2) as u8 } else { v })
        });
        let expected = Picture::new(WIDTH, HEIGHT, rgb.collect()).unwrap();
        for name in ["alpha.heic", "alpha.avif"] {
            let difference = mean_difference(&decoded(&fixture(name)).picture, &expected);
            assert!(difference < 5.0, "{name}: {difference}");
        }
    }

    #[test]
    fn grey_odd_and_tiled_pictures() {
        let grey = decoded(&fixture("grey.avif")).picture;
        let luma = DynamicImage::ImageRgb8(shapes()).to_luma8();
        let expected = luma.pixels().flat_map(|p| [p[0]; 3]).collect();
        let difference = mean_difference(&grey, &Picture::new(WIDTH, HEIGHT, expected).unwrap());
        assert!(difference < 5.0, "{difference}");

        let odd = decoded(&fixture("odd.avif")).picture;
        let rgb = (0..71).flat_map(|y| (0..95).flat_map(move |x| pixel(x, y))).collect();
        let difference = mean_difference(&odd, &Picture::new(95, 71, rgb).unwrap());
        assert!(difference < 5.0, "{difference}");

        let tiled = decoded(&fixture("grid.heic"));
        let rgb =
            (0..2 * HEIGHT).flat_map(|y| (0..2 * WIDTH).flat_map(move |x| pixel(x / 2, y / 2))).collect();
        let expected = Picture::new(2 * WIDTH, 2 * HEIGHT, rgb).unwrap();
        let difference = mean_difference(&tiled.picture, &expected);
        assert!(difference < 5.0, "{difference}");
        assert!(!tiled.frames_ignored, "tiles are not pictures of their own");
    }

    #[test]
    fn the_containers_rotation_is_applied_once() {
        let turned = decoded(&fixture("turned.avif"));
        let expected = shapes_picture().oriented(6);
        let difference = mean_difference(&turned.picture, &expected);
        assert!(difference < 5.0, "{difference}");
        assert_eq!(turned.orientation, 1);

        // The same for HEVC: the colour property becomes a rotation by a quarter anticlockwise.
        let mut bytes = fixture("shapes.heic");
        let property = bytes.windows(8).position(|w| w == b"colrnclx").unwrap();
        bytes[property..property + 5].copy_from_slice(b"irot\x01");
        let found = decoded(&bytes).picture;
        // Without the colour property the range of the samples is unknown: compare places, not shades.
        assert!(mean_difference(&found, &shapes_picture().oriented(8)) < 20.0);
    }

    #[test]
    fn limits_hold() {
        for name in ["shapes.heic", "alpha.heic", "grid.heic", "shapes.avif", "alpha.avif"] {
            let bytes = fixture(name);
            let refused = |limits: Limits| decode(&bytes, &limits).unwrap_err();
            let error = refused(Limits { max_side: 60, ..Limits::default() });
            assert!(matches!(error, DecodeError::TooManyPixels { .. }), "{name}: {error}");
            let error = refused(Limits { max_pixels: 3_000, ..Limits::default() });
            assert!(matches!(error, DecodeError::TooManyPixels { .. }), "{name}: {error}");
            let error = refused(Limits { max_memory: 50_000, ..Limits::default() });
            assert!(matches!(error, DecodeError::TooMuchMemory { .. }), "{name}: {error}");
            let error = refused(Limits { cancelled: Some(Arc::new(|| true)), ..Limits::default() });
            assert_eq!(error, DecodeError::TooSlow);
        }
    }

    #[test]
    fn a_declared_size_of_60_000_is_refused() {
        for name in ["shapes.heic", "shapes.avif"] {
            let mut bytes = fixture(name);
            let size = bytes.windows(4).position(|w| w == b"ispe").unwrap() + 8;
            let side = 60_000u32.to_be_bytes();
            bytes[size..size + 8].copy_from_slice(&[side, side].concat());
            match decode(&bytes, &Limits::default()) {
                Err(DecodeError::TooManyPixels { .. }) => {}
                // HEVC follows its own parameter set.
                Ok(found) => {
                    assert_eq!((found.picture.width, found.picture.height), (WIDTH, HEIGHT), "{name}");
                }
                Err(e) => panic!("{name}: {e}"),
            }
        }
    }

    #[test]
    fn cut_files_are_errors() {
        for name in ["shapes.heic", "grid.heic", "alpha.heic", "shapes.avif", "alpha.avif"] {
            let bytes = fixture(name);
            for length in (0..bytes.len()).step_by(11) {
                assert!(decode(&bytes[..length], &Limits::default()).is_err(), "{name} cut at {length}");
            }
        }
    }

    #[test]
    fn damaged_files_end_in_errors() {
        for name in ["shapes.heic", "alpha.heic", "grid.heic", "shapes.avif", "alpha.avif", "turned.avif"] {
            survive_mutations(name, &fixture(name), 400);
        }
    }
}
