//! Fingerprints against vectors from the reference implementations, and the properties that matching relies
//! on.
//!
//! `vectors/make_vectors.py` tells where the vectors come from.

#[path = "vectors/formula.rs"]
mod formula;

use data_encoding::HEXLOWER;
use formula::formula;
use proptest::prelude::*;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::{env, fs, path::Path};
use touchstone_inspect::{
    decode::{self, Picture},
    fingerprint::{
        Fingerprints, PDQ_MIN_SIDE, PDQ_QUALITY_FLOOR, Pdq, Symmetry, fingerprints, hamming, is_featureless,
        iscc_code_of, iscc_image_code, iscc_text, pdq, pdq_and_dihedral, pdq_dihedral,
    },
};

/// What the oracles say about one picture.
#[derive(Deserialize)]
struct Expected {
    width: u32,
    height: u32,
    rgb_sha256: String,
    pdq: String,
    quality: u8,
    iscc_64: String,
    iscc_256: String,
    featureless: bool,
}

#[derive(Deserialize)]
struct FormulaVector {
    kind: String,
    dihedral: [String; 8],
    #[serde(flatten)]
    expected: Expected,
}

#[derive(Deserialize)]
struct PhotographVector {
    file: String,
    file_sha256: String,
    dihedral_sha256: String,
    #[serde(flatten)]
    expected: Expected,
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn hex(hashes: &[[u8; 32]; 8]) -> [String; 8] {
    hashes.map(|hash| HEXLOWER.encode(&hash))
}

/// Compares every fingerprint of `picture` with the oracles' and gives the dihedral hashes.
fn check(name: &str, picture: &Picture, expected: &Expected) -> [String; 8] {
    assert_eq!((picture.width, picture.height), (expected.width, expected.height), "{name}: size");
    assert_eq!(sha256(&picture.rgb), expected.rgb_sha256, "{name}: other pixels than the oracles saw");
    let Fingerprints { pdq, iscc } = fingerprints(picture);
    assert_eq!(pdq.hex(), expected.pdq, "{name}: PDQ");
    assert_eq!(pdq.quality, expected.quality, "{name}: quality");
    assert_eq!(iscc_text(&iscc), expected.iscc_256, "{name}: ISCC, 256 bits");
    assert_eq!(iscc_code_of(&iscc, 64), expected.iscc_64, "{name}: ISCC, 64 bits");
    assert_eq!(iscc_image_code(picture, 64), expected.iscc_64, "{name}: ISCC of the picture");
    assert_eq!(is_featureless(&iscc), expected.featureless, "{name}: featureless");
    let (dihedral, quality) = pdq_dihedral(picture);
    assert_eq!(quality, expected.quality, "{name}: quality of the dihedral set");
    assert_eq!(pdq_and_dihedral(picture), (pdq, dihedral), "{name}: both together");
    hex(&dihedral)
}

#[test]
fn drawn_pictures_have_the_references_fingerprints() {
    let vectors: Vec<FormulaVector> = serde_json::from_str(include_str!("vectors/formula.json")).unwrap();
    assert!(vectors.len() >= 24);
    for vector in vectors {
        let Expected { width, height, .. } = vector.expected;
        let name = format!("{} {width} x {height}", vector.kind);
        let picture = formula(&vector.kind, width, height);
        assert_eq!(check(&name, &picture, &vector.expected), vector.dihedral, "{name}: dihedral");
    }
}

#[test]
fn photographs_have_the_references_fingerprints() {
    let vectors: Vec<PhotographVector> =
        serde_json::from_str(include_str!("vectors/photographs.json")).unwrap();
    assert!(vectors.len() >= 200);
    let Some(corpus) = env::var_os("TOUCHSTONE_CORPUS") else {
        println!("skipped: TOUCHSTONE_CORPUS is not set");
        return;
    };
    let folder = Path::new(&corpus).join("photos").join("img");
    for PhotographVector { file, file_sha256, dihedral_sha256, expected } in &vectors {
        let bytes = fs::read(folder.join(file)).unwrap();
        assert_eq!(&sha256(&bytes), file_sha256, "{file}: another file than the oracles saw");
        let picture = decode::decode(&bytes, &Default::default()).unwrap().picture;
        let dihedral = check(file, &picture, expected);
        assert_eq!(&sha256(dihedral.concat().as_bytes()), dihedral_sha256, "{file}: dihedral");
    }
    println!("{} photographs: PDQ, quality, 8 dihedral hashes and both ISCC codes identical", vectors.len());
}

#[test]
fn a_pdq_keeps_its_text_form() {
    let hash = pdq(&formula("shapes", 200, 100));
    let text = serde_json::to_string(&hash).unwrap();
    assert_eq!(text, format!(r#"{{"hash":"{}","quality":{}}}"#, hash.hex(), hash.quality));
    assert_eq!(serde_json::from_str::<Pdq>(&text).unwrap(), hash);
    for damaged in ["", "0", &hash.hex()[1..], &format!("{}00", hash.hex()), &"g".repeat(64)] {
        assert!(serde_json::from_str::<Pdq>(&format!(r#"{{"hash":"{damaged}","quality":1}}"#)).is_err());
    }
}

#[test]
fn plain_pictures_are_marked_uninformative() {
    for kind in ["plain", "gradient"] {
        let found = fingerprints(&formula(kind, 300, 200));
        assert!(found.pdq.quality < PDQ_QUALITY_FLOOR && !found.pdq.is_informative(), "{kind}");
    }
    let detailed = fingerprints(&formula("strokes", 300, 200));
    assert!(detailed.pdq.is_informative() && !is_featureless(&detailed.iscc));
}

#[test]
fn a_frame_does_not_change_the_iscc() {
    let inner = formula("waves", 120, 90);
    let mut rgb = vec![77; 200 * 150 * 3];
    for (y, row) in inner.rgb.chunks_exact(120 * 3).enumerate() {
        rgb[((y + 25) * 200 + 40) * 3..][..120 * 3].copy_from_slice(row);
    }
    let framed = Picture { width: 200, height: 150, rgb };
    assert_eq!(fingerprints(&framed).iscc, fingerprints(&inner).iscc);
}

#[test]
fn a_buffer_of_the_wrong_length_has_the_empty_fingerprints() {
    let whole = formula("noise", 40, 30);
    for (width, height, length) in
        [(40, 30, 3599), (40, 30, 0), (0, 0, 0), (0, 30, 0), (u32::MAX, u32::MAX, 3600)]
    {
        let picture = Picture { width, height, rgb: whole.rgb[..length].to_vec() };
        let found = fingerprints(&picture);
        assert_eq!(found, Fingerprints { pdq: Pdq { hash: [0; 32], quality: 0 }, iscc: [0; 32] });
        assert_eq!(pdq_dihedral(&picture), ([[0; 32]; 8], 0));
    }
}

/// The picture turned or mirrored pixel by pixel.
fn turned(picture: &Picture, symmetry: Symmetry) -> Picture {
    let (w, h) = (picture.width as usize, picture.height as usize);
    let (width, height) = if symmetry.transposes() { (h, w) } else { (w, h) };
    let mut rgb = Vec::with_capacity(picture.rgb.len());
    for y in 0..height {
        for x in 0..width {
            let (sx, sy) = match symmetry {
                Symmetry::Original => (x, y),
                Symmetry::Rotate90 => (w - 1 - y, x),
                Symmetry::Rotate180 => (w - 1 - x, h - 1 - y),
                Symmetry::Rotate270 => (y, h - 1 - x),
                Symmetry::FlipX => (x, h - 1 - y),
                Symmetry::FlipY => (w - 1 - x, y),
                Symmetry::FlipPlus1 => (y, x),
                Symmetry::FlipMinus1 => (w - 1 - y, h - 1 - x),
            };
            rgb.extend_from_slice(&picture.rgb[(sy * w + sx) * 3..][..3]);
        }
    }
    Picture { width: width as u32, height: height as u32, rgb }
}

#[test]
fn dihedral_hashes_are_those_of_the_turned_pictures() {
    // Sides of 64 times an odd number, whose half is rounded up to an odd window: then the filter and the
    // samples lie symmetrically and only rounding is left.
    for (kind, width, height) in [("sky", 576, 320), ("strokes", 320, 832), ("framed", 576, 576)] {
        let picture = formula(kind, width, height);
        let (hashes, _) = pdq_dihedral(&picture);
        for (symmetry, hash) in Symmetry::ALL.into_iter().zip(hashes) {
            let real = pdq(&turned(&picture, symmetry)).hash;
            let distance = hamming(&real, &hash);
            assert!(distance <= 4, "{kind} {symmetry:?}: {distance} bits");
            let nearest = hashes.iter().map(|other| hamming(&real, other)).min();
            assert_eq!(nearest, Some(distance), "{kind} {symmetry:?}: another variant is nearer");
        }
    }
}

fn code() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

proptest! {
    #[test]
    fn hamming_is_a_metric(a in code(), b in code(), c in code()) {
        let slow: u32 = a.iter().zip(&b).map(|(a, b)| (a ^ b).count_ones()).sum();
        prop_assert_eq!(hamming(&a, &b), slow);
        prop_assert_eq!(hamming(&a, &a), 0);
        prop_assert_eq!(hamming(&a, &b), hamming(&b, &a));
        prop_assert_eq!(hamming(&a, &b) == 0, a == b);
        prop_assert!(hamming(&a, &c) <= hamming(&a, &b) + hamming(&b, &c));
    }

    #[test]
    fn pictures_of_any_size_have_fingerprints(width in 1_u32..200, height in 1_u32..200, kind in 0_usize..9) {
        let kinds = ["gradient", "checker", "shapes", "strokes", "noise", "plain", "framed", "sky", "waves"];
        let picture = formula(kinds[kind], width, height);
        let found = fingerprints(&picture);
        let (hashes, quality) = pdq_dihedral(&picture);
        prop_assert!(found.pdq.quality <= 100);
        prop_assert_eq!(quality, found.pdq.quality);
        if width < PDQ_MIN_SIDE || height < PDQ_MIN_SIDE {
            prop_assert_eq!(found.pdq, Pdq { hash: [0; 32], quality: 0 });
        } else if (width, height) != (64, 64) {
            prop_assert_eq!(hashes[0], found.pdq.hash);
        }
    }
}
