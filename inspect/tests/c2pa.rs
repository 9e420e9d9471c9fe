//! Reading, validating and signing C2PA manifests: real files, the public vectors, hostile bytes.

#![cfg(feature = "c2pa")]
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/xorshift.rs"]
mod xorshift;

use certificates::{Authority, Identity, Usage};
use std::io::Cursor;
use std::path::PathBuf;
use touchstone_inspect::c2pa::{
    AnchorSet, C2paReader, C2paSetupError, C2paSignError, C2paState, FAILURE_ADDITIONAL_EXCLUSIONS,
    FAILURE_STORE_TOO_LARGE, MAX_STORE_BYTES, ManifestToWrite, SigningIdentity, TrustAnchors, sign_manifest,
};
use touchstone_schema::Sha256Digest;
use touchstone_schema::label::{DigitalSourceType, LabelLevel, LabelMeaning, LabelScheme};
use xorshift::Xorshift;

const FORMATS: [(image::ImageFormat, &str); 3] = [
    (image::ImageFormat::Jpeg, "image/jpeg"),
    (image::ImageFormat::Png, "image/png"),
    (image::ImageFormat::WebP, "image/webp"),
];

fn picture(format: image::ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        let wave = (x * x / 7 + y * 13) % 256;
        image::Rgb([wave as u8, (x * 255 / width) as u8, (y * 255 / height) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    image::DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn signing(identity: &Identity) -> SigningIdentity {
    SigningIdentity { chain_pem: identity.chain_pem.clone(), key_pkcs8_pem: identity.key_pkcs8_pem.clone() }
}

fn generated() -> ManifestToWrite {
    ManifestToWrite {
        digital_source_type: DigitalSourceType::TrainedAlgorithmicMedia,
        generator_name: "Inkstone".to_owned(),
        generator_version: Some("2.1".to_owned()),
        title: Some("picture".to_owned()),
        edited: false,
    }
}

fn pem(authority: &Authority) -> Option<Vec<u8>> {
    Some(authority.pem().into_bytes())
}

fn reader_trusting(authority: &Authority) -> C2paReader {
    C2paReader::new(TrustAnchors { registrants: pem(authority), ..TrustAnchors::default() }).unwrap()
}

fn no_anchors() -> C2paReader {
    C2paReader::new(TrustAnchors::default()).unwrap()
}

/// Where the needle stands in the bytes.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

#[test]
fn a_signed_picture_is_trusted_under_its_anchor_and_valid_without() {
    let authority = Authority::new("Registrants");
    let signer = authority.signer("Inkstone Ltd");
    for (format, media_type) in FORMATS {
        let signed =
            sign_manifest(&picture(format, 96, 64), media_type, &signing(&signer), &generated()).unwrap();
        let report = reader_trusting(&authority).read(&signed, media_type).unwrap();
        assert_eq!(report.state, C2paState::Trusted, "{media_type}: {report:?}");
        assert_eq!(report.anchor_set, Some(AnchorSet::Registrants));
        assert_eq!(report.failures, Vec::<String>::new());
        assert!(report.active_manifest.as_ref().unwrap().starts_with("urn:c2pa:"));
        assert!(report.store_sha256.is_some());
        assert_eq!(report.claim_generator.as_deref(), Some("Inkstone 2.1"));
        let who = report.signer.as_ref().unwrap();
        assert_eq!(who.organisation.as_deref(), Some("Inkstone Ltd"));
        assert_eq!(who.common_name.as_deref(), Some("Inkstone Ltd signer"));
        assert!(who.issuer.as_ref().unwrap().contains("CN=Registrants"), "{who:?}");
        assert!(who.serial.is_some());
        assert_eq!(who.time, None, "no time stamp was made");
        assert_eq!(report.actions, ["c2pa.created"]);
        assert_eq!(report.digital_source_types, [DigitalSourceType::TrainedAlgorithmicMedia.uri()]);
        assert_eq!(report.ai_generated, Some(LabelMeaning::Synthetic));
        assert_eq!(report.hard_binding.as_ref().unwrap().exclusions, 1);

        let label = report.to_label().unwrap();
        assert_eq!((label.scheme, label.level), (LabelScheme::C2pa, LabelLevel::Verified));
        assert_eq!(label.digital_source_type, Some(DigitalSourceType::TrainedAlgorithmicMedia));
        let carrier = &signed[usize::try_from(label.offset).unwrap()..];
        match media_type {
            "image/jpeg" => assert!(carrier.starts_with(&[0xff, 0xeb])),
            "image/png" => assert_eq!(&carrier[4..8], b"caBX"),
            _ => assert!(carrier.starts_with(b"C2PA")),
        }

        let unknown = no_anchors().read(&signed, media_type).unwrap();
        assert_eq!(unknown.state, C2paState::Valid);
        assert_eq!(unknown.anchor_set, None);
        assert_eq!(unknown.failures, ["signingCredential.untrusted"]);
        assert_eq!(unknown.to_label().unwrap().level, LabelLevel::Signed);
        assert_eq!(unknown.store_sha256, report.store_sha256);

        // A wrong media type does not hide the manifest: the bytes decide.
        assert_eq!(no_anchors().read(&signed, "application/octet-stream").unwrap(), unknown);
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<touchstone_inspect::c2pa::C2paReport>(&json).unwrap(), report);
    }
}

#[test]
fn the_anchor_set_that_vouches_is_named() {
    let [c2pa, interim, own, other] = ["List", "Interim", "Registrants", "Elsewhere"].map(Authority::new);
    let reader = C2paReader::new(TrustAnchors {
        c2pa_trust_list: pem(&c2pa),
        interim_list: pem(&interim),
        registrants: pem(&own),
        time_stamp_list: None,
    })
    .unwrap();
    let original = picture(image::ImageFormat::Jpeg, 64, 64);
    let cases = [
        (&c2pa, Some(AnchorSet::C2pa)),
        (&interim, Some(AnchorSet::Interim)),
        (&own, Some(AnchorSet::Registrants)),
        (&other, None),
    ];
    for (authority, set) in cases {
        let identity = authority.signer_for("Camera Works", Usage::ClaimSigning, 2099);
        let signed = sign_manifest(&original, "image/jpeg", &signing(&identity), &generated()).unwrap();
        let report = reader.read(&signed, "image/jpeg").unwrap();
        assert_eq!(report.anchor_set, set, "{report:?}");
        assert_eq!(report.state == C2paState::Trusted, set.is_some());
    }
}

#[test]
fn a_time_stamp_authority_does_not_vouch_for_a_signer() {
    let authority = Authority::new("Time");
    let identity = authority.signer("Anybody");
    let original = picture(image::ImageFormat::Png, 40, 40);
    let signed = sign_manifest(&original, "image/png", &signing(&identity), &generated()).unwrap();
    let anchors = TrustAnchors { time_stamp_list: pem(&authority), ..TrustAnchors::default() };
    let report = C2paReader::new(anchors).unwrap().read(&signed, "image/png").unwrap();
    assert_eq!(report.state, C2paState::Valid, "{report:?}");
    assert_eq!(report.anchor_set, None);
    assert_eq!(report.failures, ["signingCredential.untrusted"]);
}

#[test]
fn certificates_outside_the_profile_or_their_validity_do_not_sign() {
    let authority = Authority::new("Registrants");
    let original = picture(image::ImageFormat::Jpeg, 48, 48);
    for identity in [
        authority.signer_for("Web", Usage::ServerAuth, 2099),
        authority.signer_for("Old", Usage::EmailProtection, 2025),
    ] {
        // The writer validates what it wrote and refuses to hand out a manifest that would not hold.
        let refused = sign_manifest(&original, "image/jpeg", &signing(&identity), &generated());
        assert!(matches!(refused, Err(C2paSignError::Library(_))), "{refused:?}");
    }
}

#[test]
fn an_unsigned_picture_is_none_and_one_changed_pixel_byte_is_invalid() {
    let authority = Authority::new("Registrants");
    let signer = authority.signer("Inkstone Ltd");
    let reader = reader_trusting(&authority);
    for (format, media_type) in FORMATS {
        let original = picture(format, 120, 80);
        assert_eq!(reader.read(&original, media_type), None, "{media_type}: unsigned");
        let mut signed = sign_manifest(&original, media_type, &signing(&signer), &generated()).unwrap();
        // The last bytes are pixels or a checksum behind them in all three containers' test pictures,
        // except where the manifest comes last (WebP): there the middle of the first chunk is.
        let pixel = if media_type == "image/webp" { 200 } else { signed.len() - 40 };
        signed[pixel] ^= 1;
        let report = reader.read(&signed, media_type).unwrap();
        assert_eq!(report.state, C2paState::Invalid, "{media_type}: {report:?}");
        assert!(report.failures.iter().any(|code| code == "assertion.dataHash.mismatch"), "{report:?}");
        assert_eq!((report.anchor_set, report.to_label()), (None, None));
    }
}

#[test]
fn the_hard_binding_is_the_hash_of_the_file_without_its_manifest() {
    let signer = Authority::new("Registrants").signer("Inkstone Ltd");
    for (format, media_type) in FORMATS {
        let original = picture(format, 120, 80);
        let signed = sign_manifest(&original, media_type, &signing(&signer), &generated()).unwrap();
        let binding = no_anchors().read(&signed, media_type).unwrap().hard_binding.unwrap();
        assert_eq!((binding.alg.as_str(), binding.exclusions), ("sha256", 1));
        assert_eq!(
            binding.hash,
            touchstone_inspect::digest::content_sha256(&signed).to_string(),
            "{media_type}"
        );
        if media_type == "image/jpeg" {
            assert_eq!(
                binding.hash,
                Sha256Digest::of(&original).to_string(),
                "nothing but the manifest was added"
            );
        }
    }
}

#[test]
fn an_edit_keeps_the_parent_and_the_meaning() {
    let authority = Authority::new("Registrants");
    let reader = reader_trusting(&authority);
    let camera = ManifestToWrite { digital_source_type: DigitalSourceType::DigitalCapture, ..generated() };
    let photo = sign_manifest(
        &picture(image::ImageFormat::Jpeg, 96, 96),
        "image/jpeg",
        &signing(&authority.signer("Camera Works")),
        &camera,
    )
    .unwrap();
    let first = reader.read(&photo, "image/jpeg").unwrap();
    assert_eq!(first.ai_generated, Some(LabelMeaning::Captured));

    let stranger = signing(&Authority::new("Elsewhere").signer("Stranger"));
    let edit = ManifestToWrite {
        digital_source_type: DigitalSourceType::CompositeWithTrainedAlgorithmicMedia,
        edited: true,
        ..generated()
    };
    let edited = sign_manifest(&photo, "image/jpeg", &stranger, &edit).unwrap();
    let second = reader.read(&edited, "image/jpeg").unwrap();
    assert_eq!(second.state, C2paState::Valid, "{second:?}");
    assert_eq!(second.ai_generated, Some(LabelMeaning::PartlySynthetic));
    assert_eq!(second.actions, ["c2pa.opened", "c2pa.edited"]);
    assert_eq!(second.ingredients.len(), 1);
    assert_eq!(second.ingredients[0].relationship, "parentOf");
    assert_eq!(second.ingredients[0].active_manifest, first.active_manifest);
    assert_ne!(second.active_manifest, first.active_manifest);

    // Edited again by hand: the AI part stays known through the parent, and the grandparent is listed.
    let by_hand =
        ManifestToWrite { digital_source_type: DigitalSourceType::HumanEdits, edited: true, ..generated() };
    let again = sign_manifest(&edited, "image/jpeg", &stranger, &by_hand).unwrap();
    let third = reader.read(&again, "image/jpeg").unwrap();
    assert_eq!(third.ai_generated, Some(LabelMeaning::PartlySynthetic), "{third:?}");
    let depths: Vec<u32> = third.ingredients.iter().map(|ingredient| ingredient.depth).collect();
    assert_eq!(depths, [1, 2]);

    // Creating over an existing manifest would lose it.
    let lost = sign_manifest(&photo, "image/jpeg", &stranger, &generated());
    assert!(matches!(lost, Err(C2paSignError::AlreadySigned)));
}

#[test]
fn failures_of_ingredients_surface() {
    let authority = Authority::new("Registrants");
    let identity = signing(&authority.signer("Inkstone Ltd"));
    let mut photo =
        sign_manifest(&picture(image::ImageFormat::Jpeg, 96, 96), "image/jpeg", &identity, &generated())
            .unwrap();
    let pixel = photo.len() - 40;
    photo[pixel] ^= 1;
    let edit =
        ManifestToWrite { digital_source_type: DigitalSourceType::HumanEdits, edited: true, ..generated() };
    let edited = sign_manifest(&photo, "image/jpeg", &identity, &edit).unwrap();
    let report = reader_trusting(&authority).read(&edited, "image/jpeg").unwrap();
    assert!(
        report.ingredients[0].failures.iter().any(|code| code == "assertion.dataHash.mismatch"),
        "a picture that was already broken when it was edited: {report:?}"
    );
}

/// A signer that leaves further bytes out of the hash: the library trusts the result.
#[test]
#[allow(deprecated)] // the successors of these calls do not let a signer exclude more
fn further_exclusions_are_refused_even_from_a_trusted_signer() {
    use ::c2pa::assertions::DataHash;
    use ::c2pa::{Builder, BuilderIntent, Context, HashRange, Signer, SigningAlg, create_signer};
    let authority = Authority::new("Registrants");
    let identity = authority.signer("Inkstone Ltd");
    let signer = create_signer::from_keys(
        identity.chain_pem.as_bytes(),
        identity.key_pkcs8_pem.as_bytes(),
        SigningAlg::Ed25519,
        None,
    )
    .unwrap();
    let original = picture(image::ImageFormat::Jpeg, 96, 96);
    let context = Context::new().with_settings(r#"{"builder":{"thumbnail":{"enabled":false}}}"#).unwrap();
    let mut builder = Builder::from_context(context)
        .with_definition(r#"{"claim_generator_info":[{"name":"Inkstone"}],"format":"image/jpeg"}"#)
        .unwrap();
    builder.set_intent(BuilderIntent::Create(::c2pa::DigitalSourceType::DigitalCapture));
    let placeholder = builder.data_hashed_placeholder(signer.reserve_size(), "image/jpeg").unwrap();
    let mut file = original[..2].to_vec();
    file.extend_from_slice(&placeholder);
    file.extend_from_slice(&original[2..]);
    let mut hash = DataHash::new("jumbf manifest", "sha256");
    hash.add_exclusion(HashRange::new(2, placeholder.len() as u64));
    let pixels = (file.len() - 600) as u64;
    hash.add_exclusion(HashRange::new(pixels, 500));
    hash.gen_hash_from_stream(&mut Cursor::new(&file)).unwrap();
    let manifest = builder.sign_data_hashed_embeddable(signer.as_ref(), &hash, "image/jpeg").unwrap();
    assert_eq!(manifest.len(), placeholder.len());
    file[2..2 + manifest.len()].copy_from_slice(&manifest);

    let settings = serde_json::json!({ "trust": { "anchors": [
        { "trust_anchors": authority.pem(), "trust_kind": "manifest" }
    ] } });
    let plain = Context::new().with_settings(settings).unwrap();
    let library = ::c2pa::Reader::from_context(plain).with_stream("image/jpeg", Cursor::new(&file)).unwrap();
    assert_eq!(library.validation_state(), ::c2pa::ValidationState::Trusted, "this test must meet the trap");

    let report = reader_trusting(&authority).read(&file, "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Invalid, "{report:?}");
    assert!(report.failures.iter().any(|code| code == FAILURE_ADDITIONAL_EXCLUSIONS));
    assert_eq!(report.hard_binding.as_ref().unwrap().exclusions, 2);
    assert_eq!((report.anchor_set, report.to_label()), (None, None));
}

#[test]
fn a_remote_reference_is_reported_and_not_fetched() {
    let original = picture(image::ImageFormat::Jpeg, 32, 32);
    let xmp = concat!(
        "http://ns.adobe.com/xap/1.0/\0<?xpacket begin=\"\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">",
        "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" ",
        "xmlns:dcterms=\"http://purl.org/dc/terms/\" dcterms:provenance=\"http://192.0.2.1/manifest.c2pa\"/>",
        "</rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>"
    );
    let mut file = original[..2].to_vec();
    file.extend_from_slice(&[0xff, 0xe1]);
    file.extend_from_slice(&u16::try_from(xmp.len() + 2).unwrap().to_be_bytes());
    file.extend_from_slice(xmp.as_bytes());
    file.extend_from_slice(&original[2..]);
    let report = no_anchors().read(&file, "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Remote);
    assert_eq!(report.remote_url.as_deref(), Some("http://192.0.2.1/manifest.c2pa"));
    assert_eq!(report.to_label(), None);
}

#[test]
fn a_huge_store_is_not_parsed() {
    let original = picture(image::ImageFormat::Png, 16, 16);
    let mut chunk = b"caBX".to_vec();
    chunk.extend_from_slice(b"\0\0\0\0jumb\0\0\0\x1ejumdc2pa");
    chunk.resize(4 + MAX_STORE_BYTES + 1, 0);
    let mut file = original[..33].to_vec();
    file.extend_from_slice(&u32::try_from(chunk.len() - 4).unwrap().to_be_bytes());
    file.extend_from_slice(&chunk);
    file.extend_from_slice(&[0; 4]);
    file.extend_from_slice(&original[33..]);
    let report = no_anchors().read(&file, "image/png").unwrap();
    assert_eq!(report.state, C2paState::Unreadable);
    assert_eq!(report.failures, [FAILURE_STORE_TOO_LARGE]);
}

#[test]
fn unusable_anchors_and_requests_get_typed_errors() {
    for broken in [
        &b""[..],
        b"no certificate",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"\xff\xfe",
    ] {
        let anchors = TrustAnchors { interim_list: Some(broken.to_vec()), ..TrustAnchors::default() };
        let error = C2paReader::new(anchors).unwrap_err();
        assert!(matches!(error, C2paSetupError::Anchors { set: "interim_list", .. }), "{error}");
    }
    let identity = signing(&Authority::new("Registrants").signer("Inkstone Ltd"));
    let jpeg = picture(image::ImageFormat::Jpeg, 16, 16);
    let sign = |bytes: &[u8], media_type: &str, manifest: &ManifestToWrite| {
        sign_manifest(bytes, media_type, &identity, manifest).unwrap_err()
    };
    assert!(matches!(
        sign(b"not a picture", "image/jpeg", &generated()),
        C2paSignError::UnsupportedFormat(_)
    ));
    assert!(matches!(sign(&jpeg, "image/png", &generated()), C2paSignError::WrongMediaType { .. }));
    let nameless = ManifestToWrite { generator_name: String::new(), ..generated() };
    assert!(matches!(sign(&jpeg, "image/jpeg", &nameless), C2paSignError::Text { .. }));
    let no_key = SigningIdentity { key_pkcs8_pem: "nonsense".to_owned(), ..identity.clone() };
    let error = sign_manifest(&jpeg, "image/jpeg", &no_key, &generated()).unwrap_err();
    assert!(matches!(error, C2paSignError::Identity(_)), "{error}");
    assert!(!format!("{identity:?}").contains("PRIVATE"));
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
        for round in 0..500 {
            let mut bytes = signed.clone();
            for _ in 0..=random.below(4) {
                let at = if random.below(3) == 0 {
                    random.below(bytes.len())
                } else {
                    start + random.below(4_000)
                };
                let at = at.min(bytes.len() - 1);
                match random.below(4) {
                    0 => bytes[at] ^= 1 << random.below(8),
                    1 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
                    2 => bytes.truncate(at.max(16)),
                    _ => drop(bytes.splice(at..at, [0xff, 0x00, 0x7f])),
                }
            }
            let Some(report) = reader.read(&bytes, media_type) else {
                continue;
            };
            if matches!(report.state, C2paState::Trusted | C2paState::Valid) {
                let decoded = image::load_from_memory(&bytes).unwrap().to_rgb8();
                assert_eq!(decoded, pixels, "{media_type} round {round}");
            }
        }
    }
}

#[test]
fn one_reader_serves_many_threads() {
    let authority = Authority::new("Registrants");
    let original = picture(image::ImageFormat::Jpeg, 64, 64);
    let signed =
        sign_manifest(&original, "image/jpeg", &signing(&authority.signer("Inkstone Ltd")), &generated())
            .unwrap();
    let reader = reader_trusting(&authority);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(reader.read(&signed, "image/jpeg").unwrap().state, C2paState::Trusted);
                }
            });
        }
    });
}

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("TOUCHSTONE_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        println!("skipped: TOUCHSTONE_CORPUS is not set");
    }
    corpus
}

/// Failure codes that the corpus expects and the library does not give, with the reason.
const MISSING_CODES: [(&str, &str, &str); 1] = [(
    "reference-missing-hash-algorithm",
    "assertion.action.malformed",
    "the library stops at the first failure, the missing algorithm",
)];

#[test]
fn the_public_vectors_validate_as_expected() {
    let Some(corpus) = corpus() else { return };
    let core = corpus.join("c2pa/vectors/core");
    let list: serde_json::Value =
        serde_json::from_slice(&std::fs::read(core.join("corpus.json")).unwrap()).unwrap();
    // The corpus configures no trust anchors: its positive vectors are expected to be valid, not trusted.
    let reader = no_anchors();
    let (mut checked, mut mismatches) = (0, Vec::new());
    for vector in list["vectors"].as_array().unwrap() {
        let (id, media_type) = (vector["id"].as_str().unwrap(), vector["mime_type"].as_str().unwrap());
        if !media_type.starts_with("image/") {
            println!("{id}: left out, {media_type} is no image");
            continue;
        }
        checked += 1;
        let bytes = std::fs::read(core.join(vector["path"].as_str().unwrap())).unwrap();
        assert_eq!(
            Sha256Digest::of(&bytes).to_string(),
            vector["sha256"].as_str().unwrap(),
            "{id}: other file"
        );
        let expected = &vector["normative_expected"];
        let report = reader.read(&bytes, media_type).unwrap_or_else(|| panic!("{id}: no manifest was found"));
        let state = match report.state {
            C2paState::Valid => "Valid",
            C2paState::Trusted => "Trusted",
            C2paState::Invalid => "Invalid",
            C2paState::Remote => "Remote",
            C2paState::Unreadable => "Unreadable",
        };
        println!("{id}: {state} {:?} {:?}", report.failures, report.informational);
        let mut wrong = Vec::new();
        if expected["validation_state"] != state {
            wrong.push(format!("state {state} instead of {}", expected["validation_state"]));
        }
        for code in expected["failure_codes"].as_array().unwrap() {
            let found = report.failures.iter().any(|found| code == found);
            let known = MISSING_CODES.iter().any(|(vector, missing, _)| *vector == id && code == missing);
            match (found, known) {
                (false, false) => wrong.push(format!("failure {code} is missing")),
                (true, true) => wrong.push(format!("failure {code} is given now: take it off the table")),
                _ => {}
            }
        }
        if !wrong.is_empty() {
            mismatches.push(format!("{id}: {} ({report:?})", wrong.join(", ")));
        }
    }
    assert!(checked >= 5, "only {checked} vectors");
    assert!(mismatches.is_empty(), "{}", mismatches.join("\n"));
}

#[test]
fn the_public_trust_lists_load() {
    let Some(corpus) = corpus() else { return };
    let list = |path: &str| Some(std::fs::read(corpus.join("c2pa/trust-list").join(path)).unwrap());
    let anchors = TrustAnchors {
        c2pa_trust_list: list("C2PA-TRUST-LIST.pem"),
        time_stamp_list: list("C2PA-TSA-TRUST-LIST.pem"),
        ..TrustAnchors::default()
    };
    let reader = C2paReader::new(anchors).unwrap();
    let vector = corpus.join("c2pa/vectors/core/external/contentauth-c2pa-rs/bc3ca83d/assets/C.jpg");
    let report = reader.read(&std::fs::read(vector).unwrap(), "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Valid, "a test certificate is not on the public list: {report:?}");
}
