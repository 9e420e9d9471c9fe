//! Pictures from integer formulas: structured, distinct, with enough detail to be recognised. No noise.

use crate::actors::inspect;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, codecs::jpeg::JpegEncoder, imageops};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ED25519, date_time_ymd,
};
use std::{io::Cursor, time::Duration};
use touchstone_inspect::{
    c2pa::{ManifestParts, ManifestToWrite, SigningIdentity, sign_manifest, sign_manifest_with},
    containers,
    digest::manifest_ranges,
    labels::{LabelToWrite, write_labels},
};
use touchstone_schema::label::{DigitalSourceType, Gb45438Label};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 480;
/// Shapes on each picture.
const SHAPES: u64 = 22;

/// A bijection that spreads neighbouring numbers (the finaliser of SplitMix64).
const fn spread(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

struct Shape {
    x: i64,
    y: i64,
    width: i64,
    height: i64,
    round: bool,
    colour: [u8; 3],
}

fn shape(seed: u64, number: u64) -> Shape {
    let a = spread(seed.wrapping_mul(1_000_003).wrapping_add(number));
    let b = spread(a);
    let part = |value: u64, shift: u32, range: u64| ((value >> shift) % range) as i64;
    Shape {
        x: part(a, 0, 640),
        y: part(a, 16, 480),
        width: 30 + part(a, 32, 110),
        height: 30 + part(a, 48, 110),
        round: b & 1 == 0,
        colour: [part(b, 8, 256) as u8, part(b, 16, 256) as u8, part(b, 24, 256) as u8],
    }
}

/// A still life of boxes and plates over a shaded table, another one for each seed. 640 by 480 pixels.
pub(crate) fn picture(seed: u64) -> RgbImage {
    let shapes: Vec<Shape> = (0..SHAPES).map(|number| shape(seed, number)).collect();
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (px, py) = (i64::from(x), i64::from(y));
        let inside = |s: &&Shape| {
            let (dx, dy) = (px - s.x, py - s.y);
            if s.round {
                dx * dx * s.height * s.height + dy * dy * s.width * s.width
                    <= s.width * s.width * s.height * s.height / 4
            } else {
                2 * dx.abs() <= s.width && 2 * dy.abs() <= s.height
            }
        };
        match shapes.iter().rev().find(inside) {
            Some(shape) => {
                // A little shading, so that no area is wholly even.
                let shade = ((px * 2 + py * 3) % 24) as u8;
                Rgb(shape.colour.map(|c| c.saturating_sub(shade)))
            }
            None => Rgb([(90 + x / 8) as u8, (80 + y / 6) as u8, (120 + (x + y) / 20) as u8]),
        }
    })
}

/// A picture without any structure.
pub(crate) fn flat(shade: u8) -> RgbImage {
    RgbImage::from_pixel(WIDTH, HEIGHT, Rgb([shade, shade, shade]))
}

pub(crate) fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture).unwrap();
    bytes
}

pub(crate) fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture.clone()).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub(crate) fn resized(picture: &RgbImage, percent: u32) -> RgbImage {
    let (width, height) = (picture.width() * percent / 100, picture.height() * percent / 100);
    imageops::resize(picture, width, height, imageops::FilterType::Triangle)
}

pub(crate) fn turned(picture: &RgbImage) -> RgbImage {
    imageops::rotate90(picture)
}

pub(crate) fn mirrored(picture: &RgbImage) -> RgbImage {
    imageops::flip_horizontal(picture)
}

/// The file with this implicit label.
pub(crate) fn with_gb45438(bytes: &[u8], label: &Gb45438Label) -> Vec<u8> {
    let labels = LabelToWrite { gb45438: Some(label.clone()), digital_source_type: None };
    write_labels(bytes, &labels).unwrap()
}

/// The file with this source type in its XMP.
pub(crate) fn with_source_type(bytes: &[u8], source_type: DigitalSourceType) -> Vec<u8> {
    let labels = LabelToWrite { gb45438: None, digital_source_type: Some(source_type) };
    write_labels(bytes, &labels).unwrap()
}

/// The PNG with a text chunk before its pixels.
pub(crate) fn with_png_text(png: &[u8], keyword: &str, text: &str) -> Vec<u8> {
    let data = [keyword.as_bytes(), b"\0", text.as_bytes()].concat();
    let chunk = containers::png::chunk(*b"tEXt", &data).unwrap();
    let at = containers::png::chunks(png).find(|chunk| chunk.kind == *b"IDAT").unwrap().offset;
    [&png[..at], &chunk, &png[at..]].concat()
}

/// A certificate authority of one test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Test authority");
        params.distinguished_name.push(DnType::OrganizationName, "Test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2024, 1, 1);
        params.not_after = date_time_ymd(2099, 1, 1);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate_for(&PKCS_ED25519).unwrap()).unwrap())
    }

    /// The root's certificate, to be trusted.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Key and certificate of a new signer of this name.
    pub(crate) fn signer(&self, name: &str) -> SigningIdentity {
        self.signer_with(name, |_| ())
    }

    /// The JPEG with a manifest whose certificate ends at this time, in seconds since 1970.
    pub(crate) fn sign_until(&self, end: u64, jpeg: &[u8], source_type: DigitalSourceType) -> Vec<u8> {
        let signer = self.signer_with("Camera works", |params| {
            params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(end);
        });
        let manifest = ManifestToWrite {
            digital_source_type: source_type,
            generator_name: "Inkstone".to_owned(),
            generator_version: None,
            title: None,
            edited: false,
        };
        sign_manifest(jpeg, "image/jpeg", &signer, &manifest).unwrap()
    }

    fn signer_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> SigningIdentity {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("{name} signer"));
        params.distinguished_name.push(DnType::OrganizationName, name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        params.not_before = date_time_ymd(2024, 1, 1);
        params.not_after = date_time_ymd(2099, 1, 1);
        change(&mut params);
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        SigningIdentity { chain_pem: certificate.pem(), key_pkcs8_pem: key.serialize_pem() }
    }

    /// The JPEG with a manifest that says how it came about.
    pub(crate) fn sign(&self, jpeg: &[u8], source_type: DigitalSourceType) -> Vec<u8> {
        self.sign_as("Camera works", jpeg, source_type, false)
    }

    /// The JPEG with a manifest of the given signer; `edited`: of an edit of what it was before, manifest included.
    pub(crate) fn sign_as(
        &self,
        signer: &str,
        jpeg: &[u8],
        source_type: DigitalSourceType,
        edited: bool,
    ) -> Vec<u8> {
        let manifest = ManifestToWrite {
            digital_source_type: source_type,
            generator_name: "Inkstone".to_owned(),
            generator_version: None,
            title: None,
            edited,
        };
        sign_manifest(jpeg, "image/jpeg", &self.signer(signer), &manifest).unwrap()
    }

    /// The JPEG with a manifest that claims its ISCC.
    pub(crate) fn sign_with_soft_binding(&self, jpeg: &[u8]) -> Vec<u8> {
        let manifest = ManifestToWrite {
            digital_source_type: DigitalSourceType::DigitalCapture,
            generator_name: "Inkstone".to_owned(),
            generator_version: None,
            title: None,
            edited: false,
        };
        let parts = ManifestParts { soft_binding: true, ..ManifestParts::default() };
        sign_manifest_with(jpeg, "image/jpeg", &self.signer("Studio"), &manifest, &parts).unwrap()
    }

    /// The JPEG with a manifest of an edit that made it from `parent`; `form`: of a change of its metadata alone.
    pub(crate) fn sign_over(&self, parent: &[u8], jpeg: &[u8], form: bool) -> Vec<u8> {
        let manifest = ManifestToWrite {
            digital_source_type: DigitalSourceType::CompositeCapture,
            generator_name: "Inkstone".to_owned(),
            generator_version: None,
            title: None,
            edited: true,
        };
        let parts = ManifestParts { parent: Some(parent), metadata_only: form, ..ManifestParts::default() };
        sign_manifest_with(jpeg, "image/jpeg", &self.signer("Studio"), &manifest, &parts).unwrap()
    }
}

/// The manifest of one JPEG in another one that has none.
pub(crate) fn with_manifest_of(signed: &[u8], other: &[u8]) -> Vec<u8> {
    let [range] = manifest_ranges(signed).try_into().expect("one manifest");
    assert!(manifest_ranges(other).is_empty());
    [&other[..range.start], &signed[range.clone()], &other[range.start..]].concat()
}

#[test]
fn the_pictures_of_these_tests_are_informative_and_distinct() {
    let found: Vec<_> = (1..60).map(|seed| inspect(&jpeg(&picture(seed), 90))).collect();
    for (place, one) in found.iter().enumerate() {
        assert!(one.pdq.quality >= 60, "picture {} has quality {}", place + 1, one.pdq.quality);
        for other in &found[..place] {
            let distances = one.pdq_orientations.iter();
            let nearest =
                distances.map(|code| touchstone_inspect::fingerprint::hamming(code, &other.pdq.hash));
            let nearest = nearest.min().unwrap();
            assert!(nearest > 80, "picture {} resembles another one: {nearest}", place + 1);
        }
    }
    assert!(inspect(&png(&flat(128))).pdq.quality < 50);
}
