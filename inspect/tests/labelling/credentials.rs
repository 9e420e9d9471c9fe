//! Labels and manifests together: what is signed covers the labels, and nothing that was said is lost.

use crate::files::{label, only};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ED25519, SignatureAlgorithm, date_time_ymd,
};
use std::io::Cursor;
use touchstone_inspect::{
    InspectOptions,
    c2pa::{
        C2paSignError, Component, MAX_COMPONENTS, ManifestParts, ManifestToWrite, SigningIdentity,
        TrustAnchors, label_and_sign, propagate_and_sign, sign_manifest, sign_manifest_with,
    },
    inspect,
    labels::{LabelToWrite, LabelWriteError, Propagation, produced, read_labels, write_labels},
};
use touchstone_schema::label::{AiAttribute, DigitalSourceType, LabelScheme};

fn picture(seed: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(160, 120, |x, y| {
        let wave = ((x * 7 + y * 13 + seed * 29) % 200) as u8;
        image::Rgb([wave, (x * y % 251) as u8, ((x ^ y) * 3 % 256) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// A root that certifies signers with keys of any kind.
struct Authority(CertifiedIssuer<'static, KeyPair>);

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, name);
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
    params
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn signer(&self, algorithm: &'static SignatureAlgorithm) -> SigningIdentity {
        let mut params = params("Teapot Ltd");
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        SigningIdentity { chain_pem: certificate.pem(), key_pkcs8_pem: key.serialize_pem() }
    }
}

fn signer(authority: &Authority) -> SigningIdentity {
    authority.signer(&PKCS_ED25519)
}

fn created() -> ManifestToWrite {
    ManifestToWrite {
        digital_source_type: DigitalSourceType::TrainedAlgorithmicMedia,
        generator_name: "Painter".into(),
        generator_version: Some("3".into()),
        title: Some("cup.jpg".into()),
        edited: false,
    }
}

fn edited() -> ManifestToWrite {
    ManifestToWrite {
        digital_source_type: DigitalSourceType::AlgorithmicallyEnhanced,
        generator_name: "Platform".into(),
        edited: true,
        ..created()
    }
}

fn implicit() -> LabelToWrite {
    LabelToWrite {
        gb45438: Some(produced(AiAttribute::Confirmed, "painter", "task:1")),
        digital_source_type: Some(DigitalSourceType::TrainedAlgorithmicMedia),
    }
}

/// The library's own report of the file.
fn detailed(bytes: &[u8]) -> serde_json::Value {
    let reader =
        c2pa::Reader::from_context(c2pa::Context::new()).with_stream("image/jpeg", Cursor::new(bytes));
    serde_json::from_str(&reader.unwrap().detailed_json()).unwrap()
}

fn active(report: &serde_json::Value) -> &serde_json::Value {
    &report["manifests"][report["active_manifest"].as_str().unwrap()]
}

fn report(authority: &Authority, bytes: &[u8]) -> touchstone_inspect::c2pa::C2paReport {
    let anchors = TrustAnchors { registrants: Some(authority.pem().into_bytes()), ..TrustAnchors::default() };
    inspect(bytes, &InspectOptions::with_c2pa(anchors).unwrap()).unwrap().c2pa.unwrap()
}

#[test]
fn a_labelled_picture_is_signed_with_its_soft_binding() {
    let authority = Authority::new("Root");
    let parts = ManifestParts { soft_binding: true, ..ManifestParts::default() };
    let signed =
        label_and_sign(&picture(1), &implicit(), "image/jpeg", &signer(&authority), &created(), &parts)
            .unwrap();
    assert_eq!(read_labels(&signed).iter().filter(|l| l.scheme == LabelScheme::Gb45438).count(), 1);
    let found = report(&authority, &signed);
    assert_eq!(serde_json::to_value(found.state).unwrap(), "trusted", "{found:?}");

    let detailed = detailed(&signed);
    let binding = &active(&detailed)["assertion_store"]["c2pa.soft-binding"];
    assert_eq!(binding["alg"], "io.iscc.v0");
    let code = inspect(&signed, &InspectOptions::default()).unwrap().iscc;
    let expected = [&[0x21, 0x07][..], &code].concat();
    let value = &binding["blocks"][0]["value"];
    let value: Vec<u8> = match value {
        serde_json::Value::Array(bytes) => bytes.iter().map(|b| b.as_u64().unwrap() as u8).collect(),
        text => data_encoding::BASE64.decode(text.as_str().unwrap().as_bytes()).unwrap(),
    };
    assert_eq!(value, expected);

    // A plain picture shares its code with others, and is not bound.
    let mut plain = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(64, 64, image::Rgb([9, 9, 9]))
        .write_to(&mut plain, image::ImageFormat::Jpeg)
        .unwrap();
    let signed =
        sign_manifest_with(&plain.into_inner(), "image/jpeg", &signer(&authority), &created(), &parts)
            .unwrap();
    assert!(active(&self::detailed(&signed))["assertion_store"].get("c2pa.soft-binding").is_none());
}

#[test]
fn the_usual_kinds_of_keys_sign() {
    let authority = Authority::new("Root");
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let identity = authority.signer(algorithm);
        let signed = sign_manifest(&picture(2), "image/jpeg", &identity, &created()).unwrap();
        let found = report(&authority, &signed);
        assert_eq!(serde_json::to_value(found.state).unwrap(), "trusted", "{found:?}");
    }
    let broken = SigningIdentity { chain_pem: "no PEM".into(), key_pkcs8_pem: String::new() };
    let refused = sign_manifest(&picture(2), "image/jpeg", &broken, &created());
    assert!(matches!(refused, Err(C2paSignError::Identity(_))));
}

#[test]
fn a_platform_adds_its_fields_to_a_signed_file_and_keeps_its_manifest() {
    let (maker, platform) = (Authority::new("Maker"), Authority::new("Platform"));
    let parts = ManifestParts { soft_binding: true, ..ManifestParts::default() };
    let original =
        label_and_sign(&picture(3), &implicit(), "image/jpeg", &signer(&maker), &created(), &parts).unwrap();
    let first = report(&maker, &original).active_manifest.unwrap();
    let add =
        Propagation { propagator: "platform".into(), propagate_id: "n:1".into(), ..Propagation::default() };
    let alone = touchstone_inspect::labels::propagate(&original, &add);
    assert_eq!(alone, Err(LabelWriteError::WouldBreakManifest));
    let spread =
        propagate_and_sign(&original, &add, "image/jpeg", &signer(&platform), &created(), &parts).unwrap();
    assert_eq!(spread.label.content_propagator, "platform");
    let found = report(&platform, &spread.bytes);
    assert_eq!(serde_json::to_value(found.state).unwrap(), "trusted", "{found:?}");
    assert_ne!(found.active_manifest.as_ref(), Some(&first));
    let detailed = detailed(&spread.bytes);
    assert!(detailed["manifests"].get(&first).is_some(), "the producer's manifest is kept");
    let store = &active(&detailed)["assertion_store"];
    let (name, parent) =
        store.as_object().unwrap().iter().find(|(name, _)| name.contains("ingredient")).unwrap();
    assert_eq!(parent["relationship"], "parentOf", "{name}");
    assert!(!parent.to_string().contains("dataHash.mismatch"), "the parent is the file as it was: {parent}");
    let actions = &store["c2pa.actions.v2"]["actions"];
    let names: Vec<_> = actions.as_array().unwrap().iter().map(|a| a["action"].as_str().unwrap()).collect();
    assert_eq!(names, ["c2pa.opened", "c2pa.edited.metadata"], "whoever spreads a picture did not create it");
}

#[test]
fn components_are_placed() {
    let authority = Authority::new("Root");
    let component = sign_manifest(&picture(5), "image/jpeg", &signer(&authority), &created()).unwrap();
    let mut png = Cursor::new(Vec::new());
    image::RgbImage::new(8, 8).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let components = [
        Component { title: "cup.jpg".into(), bytes: component },
        Component { title: "logo.png".into(), bytes: png.into_inner() },
    ];
    let parts = ManifestParts { components: &components, ..ManifestParts::default() };
    for manifest in [created(), edited()] {
        let signed =
            sign_manifest_with(&picture(4), "image/jpeg", &signer(&authority), &manifest, &parts).unwrap();
        let found = report(&authority, &signed);
        assert_eq!(serde_json::to_value(found.state).unwrap(), "trusted", "{found:?}");
        let detailed = detailed(&signed);
        let store = &active(&detailed)["assertion_store"];
        let actions = store["c2pa.actions.v2"]["actions"].as_array().unwrap();
        let names: Vec<_> = actions.iter().map(|action| action["action"].as_str().unwrap()).collect();
        let expected: &[&str] = if manifest.edited {
            &["c2pa.opened", "c2pa.edited", "c2pa.placed", "c2pa.placed"]
        } else {
            &["c2pa.created", "c2pa.placed", "c2pa.placed"]
        };
        assert_eq!(names, expected);
        let mut titles: Vec<_> = store
            .as_object()
            .unwrap()
            .values()
            .filter(|assertion| assertion["relationship"] == "componentOf")
            .map(|assertion| assertion["dc:title"].as_str().unwrap())
            .collect();
        titles.sort_unstable();
        assert_eq!(titles, ["cup.jpg", "logo.png"]);
        for action in &actions[names.len() - 2..] {
            assert_eq!(action["parameters"]["ingredients"].as_array().map(Vec::len), Some(1), "{action}");
        }
    }
    let refused = |components: &[Component]| {
        let parts = ManifestParts { components, ..ManifestParts::default() };
        sign_manifest_with(&picture(4), "image/jpeg", &signer(&authority), &created(), &parts).unwrap_err()
    };
    let text = Component { title: "notes.txt".into(), bytes: b"notes".to_vec() };
    assert!(matches!(refused(&[text]), C2paSignError::Component { title } if title == "notes.txt"));
    let many = vec![components[1].clone(); MAX_COMPONENTS + 1];
    assert!(matches!(refused(&many), C2paSignError::TooManyComponents));
}

#[test]
fn a_manifest_takes_nothing_back() {
    let authority = Authority::new("Root");
    let sign = |bytes: &[u8], term| {
        let manifest = ManifestToWrite { digital_source_type: term, ..created() };
        sign_manifest(bytes, "image/jpeg", &signer(&authority), &manifest)
    };
    let write = LabelToWrite { gb45438: Some(label()), digital_source_type: None };
    let labelled = write_labels(&picture(6), &write).unwrap();
    assert_eq!(only(&labelled).gb45438, Some(label()));
    let photo = DigitalSourceType::DigitalCapture;
    assert!(matches!(
        sign(&labelled, photo),
        Err(C2paSignError::Contradiction { asked: "digitalCapture", .. })
    ));
    assert!(sign(&labelled, DigitalSourceType::CompositeWithTrainedAlgorithmicMedia).is_ok());
    let stated = write_labels(&picture(6), &implicit()).unwrap();
    let other = sign(&stated, DigitalSourceType::CompositeWithTrainedAlgorithmicMedia);
    assert!(matches!(other, Err(C2paSignError::Contradiction { .. })));
    assert!(sign(&picture(6), photo).is_ok());
    let parent = ManifestParts { parent: Some(b"GIF89a"), ..ManifestParts::default() };
    let refused = sign_manifest_with(&picture(6), "image/jpeg", &signer(&authority), &edited(), &parent);
    assert!(matches!(refused, Err(C2paSignError::Parent)));
}
