//! How long validation takes. Ignored in ordinary runs: other work on the machine decides the figure.
//! `cargo test -p touchstone-inspect --test c2pa -- --ignored --nocapture validation`

use crate::certificates::Authority;
use crate::files::*;
use std::time::Instant;
use touchstone_inspect::c2pa::C2paState;

/// Longest median time for a signed JPEG of one megapixel.
const LIMIT_MS: f64 = 3.0;

#[test]
#[ignore = "a measurement"]
#[allow(clippy::disallowed_methods, reason = "measures")]
fn validation_of_a_megapixel_takes_less_than_3_ms() {
    let authority = Authority::new("Registrants");
    let reader = reader_trusting(&authority);
    let identity = authority.signer("Inkstone Ltd");
    let original = noise(1152, 896);
    let plain = sign(&original, &identity, &generated());
    let edit = touchstone_inspect::c2pa::ManifestToWrite { edited: true, ..generated() };
    let twice = sign(&sign(&plain, &identity, &edit), &identity, &edit);
    for (name, file) in [("signed once", &plain), ("and edited twice", &twice), ("unsigned", &original)] {
        let mut times: Vec<f64> = (0..200)
            .map(|_| {
                let start = Instant::now();
                let report = reader.read(file, "image/jpeg");
                let time = start.elapsed().as_secs_f64() * 1e3;
                assert!(report.is_none_or(|report| report.state == C2paState::Trusted));
                time
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let (p50, p95) = (times[times.len() / 2], times[times.len() * 95 / 100]);
        println!("{name}, {} kB: p50 {p50:.3} ms, p95 {p95:.3} ms", file.len() / 1000);
        assert!(p50 < LIMIT_MS, "{name}: {p50:.3} ms");
    }
}

fn sign(
    bytes: &[u8],
    identity: &crate::certificates::Identity,
    manifest: &touchstone_inspect::c2pa::ManifestToWrite,
) -> Vec<u8> {
    touchstone_inspect::c2pa::sign_manifest(bytes, "image/jpeg", &signing(identity), manifest).unwrap()
}

/// A JPEG of the size that photographs have: about half a byte a pixel.
fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut random = crate::xorshift::Xorshift(7);
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let grain = random.below(24) as u8;
        image::Rgb([(x / 8) as u8 + grain, (y / 8) as u8 + grain, ((x + y) / 16) as u8 + grain])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::ImageRgb8(picture).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}
