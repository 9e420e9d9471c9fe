//! Damaged and hostile files. `TOUCHSTONE_MUTATIONS` sets how many changed copies are read in each test; the
//! default keeps ordinary runs short.

use crate::certificates::Authority;
use crate::files::*;
use crate::manifests::{check_bounds, hostile_manifests, read_any_manifest};
use crate::xorshift::Xorshift;
use touchstone_inspect::c2pa::{C2paReader, C2paState, TrustAnchors, sign_manifest};

/// Changed copies in all.
fn mutations() -> usize {
    let set = std::env::var("TOUCHSTONE_MUTATIONS").ok();
    set.map_or(1500, |count| count.parse().expect("TOUCHSTONE_MUTATIONS is a number"))
}

/// A copy with one to four changes, most of them within `region`.
fn mutated(file: &[u8], region: &std::ops::Range<usize>, random: &mut Xorshift) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=random.below(4) {
        let at = match random.below(4) {
            0 => random.below(bytes.len()),
            _ => region.start + random.below(region.len()),
        };
        let at = at.min(bytes.len() - 1);
        match random.below(6) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            3 => bytes.truncate(at.max(16)),
            4 => {
                // A piece of the file elsewhere in the file.
                let from = random.below(bytes.len());
                let piece = bytes[from..(from + random.below(64)).min(bytes.len())].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            _ => drop(bytes.splice(at..at, [0xff, 0x00, 0x7f])),
        }
    }
    bytes
}

#[test]
fn mutated_files_never_panic_and_never_gain_trust_for_other_pixels() {
    let authority = Authority::new("Registrants");
    let signer = signing(&authority.signer("Inkstone Ltd"));
    let reader = reader_trusting(&authority);
    let mut random = Xorshift(0x7357_0123_4567_89ab);
    for (format, media_type) in FORMATS {
        let signed = sign_manifest(&picture(format, 24, 16), media_type, &signer, &generated()).unwrap();
        let pixels = image::load_from_memory(&signed).unwrap().to_rgb8();
        let start = find(&signed, b"jumdc2pa").unwrap();
        for round in 0..mutations() / FORMATS.len() {
            let bytes = mutated(&signed, &(start..start + 4_000), &mut random);
            let Some(report) = reader.read(&bytes, media_type) else {
                continue;
            };
            check_bounds(&report);
            if matches!(report.state, C2paState::Trusted | C2paState::Valid) {
                let decoded = image::load_from_memory(&bytes).unwrap().to_rgb8();
                assert_eq!(decoded, pixels, "{media_type} round {round}");
            }
        }
    }
}

#[test]
fn mutated_vectors_never_panic() {
    let Some(corpus) = crate::corpus::corpus() else { return };
    let vectors = crate::corpus::vectors(&corpus);
    let small: Vec<_> = vectors.iter().filter(|vector| vector.bytes.len() < 20_000).collect();
    assert!(small.len() >= 8, "{} small vectors", small.len());
    let list = std::fs::read(corpus.join("c2pa/vectors/cawg/generated/identity-1.2/trust/claim-allowed.pem"));
    let people =
        std::fs::read(corpus.join("c2pa/vectors/cawg/generated/identity-1.2/trust/cawg-allowed.pem"));
    let reader = C2paReader::new(TrustAnchors {
        registrants: list.ok(),
        identities: people.ok(),
        ..TrustAnchors::default()
    })
    .unwrap();
    let mut random = Xorshift(0x6361_7767_0000_0001);
    let mut read = 0;
    for round in 0..mutations() {
        let vector = small[round % small.len()];
        let bytes = mutated(&vector.bytes, &(0..vector.bytes.len()), &mut random);
        if let Some(report) = reader.read(&bytes, &vector.media_type) {
            check_bounds(&report);
            read += 1;
        }
    }
    assert!(read > mutations() / 10, "only {read} copies still had a manifest");
}

#[test]
fn a_hostile_detached_store_never_panics() {
    let authority = Authority::new("Registrants");
    let reader = reader_trusting(&authority);
    let signed = signed_jpeg(&authority.signer("Inkstone Ltd"), 24, 16);
    let store = ::c2pa::jumbf_io::load_jumbf_from_memory("image/jpeg", &signed).unwrap();
    let mut random = Xorshift(0x6465_7461_6368_6564);
    for _ in 0..mutations() {
        let changed = mutated(&store, &(0..store.len()), &mut random);
        if let Some(report) = reader.read_detached(&changed, &signed, "image/jpeg") {
            check_bounds(&report);
        }
    }
}

#[test]
fn manifests_made_to_cost_much_never_panic() {
    for (name, file) in hostile_manifests() {
        println!("{name}: {}", read_any_manifest(&file));
    }
}
