//! Ways in which a file that the library accepts can mislead a registry, each with a file made here.

use crate::certificates::{Authority, Usage};
use crate::files::*;
use std::io::Cursor;
use touchstone_inspect::c2pa::{
    AnchorSet, C2paReader, C2paState, Component, FAILURE_ADDITIONAL_EXCLUSIONS, FAILURE_STORE_TOO_LARGE,
    MAX_STORE_BYTES, ManifestParts, ManifestToWrite, TrustAnchors, sign_manifest, sign_manifest_with,
};
use touchstone_inspect::digest::{both_sha256, content_sha256, file_sha256, manifest_ranges};
use touchstone_schema::Sha256Digest;
use touchstone_schema::label::DigitalSourceType;

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
    assert_eq!(report.state, C2paState::Trusted, "this test must meet the trap");
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

    assert_eq!(
        library_state(&authority.pem(), &file, "image/jpeg"),
        ::c2pa::ValidationState::Trusted,
        "this test must meet the trap"
    );

    let report = reader_trusting(&authority).read(&file, "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Invalid, "{report:?}");
    assert!(report.failures.iter().any(|code| code == FAILURE_ADDITIONAL_EXCLUSIONS));
    assert_eq!(report.hard_binding.as_ref().unwrap().exclusions, 2);
    assert_eq!((report.anchor_set, report.to_label()), (None, None));
}

#[test]
fn a_remote_reference_is_reported_and_not_fetched() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}/manifest.c2pa", listener.local_addr().unwrap());
    let original = picture(image::ImageFormat::Jpeg, 32, 32);
    let xmp = format!(
        concat!(
            "http://ns.adobe.com/xap/1.0/\0<?xpacket begin=\"\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">",
            "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" ",
            "xmlns:dcterms=\"http://purl.org/dc/terms/\" dcterms:provenance=\"{}\"/>",
            "</rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>"
        ),
        address
    );
    let mut file = original[..2].to_vec();
    file.extend_from_slice(&[0xff, 0xe1]);
    file.extend_from_slice(&u16::try_from(xmp.len() + 2).unwrap().to_be_bytes());
    file.extend_from_slice(xmp.as_bytes());
    file.extend_from_slice(&original[2..]);
    let report = no_anchors().read(&file, "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Remote);
    assert_eq!(report.remote_url, Some(address));
    assert_eq!(report.to_label(), None);
    assert!(listener.accept().is_err(), "nobody may have connected");
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

/// The library on its own, trusting these certificates as anchors.
fn library_state(anchors: &str, file: &[u8], media_type: &str) -> ::c2pa::ValidationState {
    let settings = serde_json::json!({ "trust": { "anchors": [
        { "trust_anchors": anchors, "trust_kind": "manifest" }
    ] } });
    let context = ::c2pa::Context::new().with_settings(settings).unwrap();
    let reader = ::c2pa::Reader::from_context(context);
    reader.with_stream(media_type, Cursor::new(file)).unwrap().validation_state()
}

#[test]
fn a_squatted_label_is_told_by_store_and_signer() {
    const LABEL: &str = "urn:c2pa:6f2b8e2e-5a4c-4f0b-9a68-0d6a4f1c2b3a";
    let authority = Authority::new("Registrants");
    let mut definition = captured();
    definition["label"] = LABEL.into();
    let options = touchstone_inspect::InspectOptions {
        c2pa: Some(std::sync::Arc::new(reader_trusting(&authority))),
        ..touchstone_inspect::InspectOptions::default()
    };
    let bound = |width: u32, organisation: &str| {
        let original = picture(image::ImageFormat::Jpeg, width, 64);
        let signer = authority.signer(organisation);
        let file = sign_raw(&original, "image/jpeg", &signer, &mut builder(&definition));
        let inspection = touchstone_inspect::inspect(&file, &options).unwrap();
        assert_eq!(
            inspection.c2pa.as_ref().unwrap().state,
            C2paState::Trusted,
            "the squatter is trusted, too"
        );
        inspection.c2pa_binding().unwrap()
    };
    let (first, squatter) = (bound(64, "Inkstone Ltd"), bound(80, "Quill Ltd"));
    assert_eq!((first.manifest.as_str(), squatter.manifest.as_str()), (LABEL, LABEL));
    assert_ne!(first.store_sha256, squatter.store_sha256);
    assert_ne!(first.signer, squatter.signer);
    assert_ne!(first.hard_binding, squatter.hard_binding);
}

/// Anybody can make a manifest of anybody's label, and name it as the parent's of another one.
#[test]
fn a_parent_is_told_by_what_its_signer_signed() {
    let authority = Authority::new("Registrants");
    let (maker, stranger) = (authority.signer("Inkstone Ltd"), authority.signer("Quill Ltd"));
    let original = picture(image::ImageFormat::Jpeg, 96, 64);
    let made = sign_raw(&original, "image/jpeg", &maker, &mut builder(&captured()));
    let reader = reader_trusting(&authority);
    let known = reader.read(&made, "image/jpeg").unwrap();
    let (claim, certificate) = (known.claim_signature_sha256.unwrap(), known.certificate_sha256.unwrap());
    let mut definition = captured();
    definition["label"] = known.active_manifest.clone().into();
    let made_up = sign_raw(&original, "image/jpeg", &stranger, &mut builder(&definition));

    let edit =
        ManifestToWrite { digital_source_type: DigitalSourceType::HumanEdits, edited: true, ..generated() };
    for (parent, genuine) in [(&made, true), (&made_up, false)] {
        let edited = sign_manifest(parent, "image/jpeg", &signing(&stranger), &edit).unwrap();
        let report = reader.read(&edited, "image/jpeg").unwrap();
        assert_eq!(report.state, C2paState::Trusted, "this test must meet the trap");
        let [ingredient] = report.ingredients.as_slice() else { panic!("{report:?}") };
        assert_eq!(ingredient.active_manifest, known.active_manifest);
        assert_eq!(
            ingredient.claim_signature_sha256.unwrap() == claim,
            genuine,
            "the same claim, byte for byte"
        );
        assert_eq!(ingredient.certificate_sha256.unwrap() == certificate, genuine);
        assert!(ingredient.lineage && ingredient.edited_since && ingredient.is_signature_sound());
        assert_eq!(ingredient.failures, ["signingCredential.untrusted"], "whoever edits trusts nobody");
        // One generation on, it is in the lineage still; what was merely placed is not.
        let again = sign_manifest(&edited, "image/jpeg", &signing(&maker), &edit).unwrap();
        let report = reader.read(&again, "image/jpeg").unwrap();
        let oldest = report.ingredients.iter().find(|it| it.depth == 2).unwrap();
        assert_eq!((oldest.claim_signature_sha256.unwrap() == claim, oldest.lineage), (genuine, true));
        let parts = ManifestParts {
            components: &[Component { title: "logo".to_owned(), bytes: edited }],
            ..ManifestParts::default()
        };
        let placed = ManifestToWrite { edited: false, ..edit.clone() };
        let placed = sign_manifest_with(&original, "image/jpeg", &signing(&maker), &placed, &parts).unwrap();
        let report = reader.read(&placed, "image/jpeg").unwrap();
        assert_eq!(report.ingredients.len(), 2);
        assert!(report.ingredients.iter().all(|it| !it.lineage && !it.edited_since), "{report:?}");
    }
    // A store by itself tells the same.
    let store = ::c2pa::jumbf_io::load_jumbf_from_memory("image/jpeg", &made).unwrap();
    let summary = reader.read_store(&store).unwrap();
    assert_eq!((summary.claim_signature_sha256, summary.certificate_sha256), (Some(claim), certificate));
    assert!(summary.trusted && !no_anchors().read_store(&store).unwrap().trusted);
}

#[test]
fn changed_bytes_of_a_manifest_never_change_what_the_content_is() {
    let authority = Authority::new("Registrants");
    let reader = reader_trusting(&authority);
    let identity = authority.signer("Inkstone Ltd");
    for (format, media_type) in FORMATS {
        let unsigned = picture(format, 24, 16);
        let digest = file_sha256(&unsigned);
        assert_eq!((both_sha256(&unsigned), content_sha256(&unsigned)), ((digest, digest), digest));
        let signed = sign_manifest(&unsigned, media_type, &signing(&identity), &generated()).unwrap();
        let first = reader.read(&signed, media_type).unwrap();
        let content = content_sha256(&signed);
        assert_eq!(both_sha256(&signed), (file_sha256(&signed), content));
        let region = manifest_ranges(&signed).into_iter().next().unwrap();
        let (mut harmless, mut read, mut untold) = (0, 0, 0);
        // Every fifth byte, another bit of each.
        for at in region.step_by(5) {
            let mut changed = signed.clone();
            changed[at] ^= 1 << (at % 8);
            let Some(report) = reader.read(&changed, media_type) else { continue };
            read += 1;
            if matches!(report.state, C2paState::Trusted | C2paState::Valid) {
                harmless += 1;
                assert_eq!(content_sha256(&changed), content, "{media_type} at {at}");
                assert_eq!(report.hard_binding, first.hard_binding, "{media_type} at {at}");
                assert_eq!(report.active_manifest, first.active_manifest, "{media_type} at {at}");
                assert_eq!(report.certificate_sha256, first.certificate_sha256, "{media_type} at {at}");
                // Where boxes are spoilt that the library passes over, the claim is not told; it is never another one.
                match report.claim_signature_sha256 {
                    None => untold += 1,
                    claim => assert_eq!(claim, first.claim_signature_sha256, "{media_type} at {at}"),
                }
            }
        }
        assert!(
            harmless > read / 10,
            "{media_type}: the trap is met: {harmless} of {read} changes stay valid"
        );
        assert!(untold * 20 < harmless, "{media_type}: {untold} of {harmless}");
    }
}

#[test]
fn a_picture_without_its_manifest_is_found_by_the_hard_binding() {
    let identity = signing(&Authority::new("Registrants").signer("Inkstone Ltd"));
    for (format, media_type) in FORMATS {
        let signed = sign_manifest(&picture(format, 60, 40), media_type, &identity, &generated()).unwrap();
        let binding = no_anchors().read(&signed, media_type).unwrap().hard_binding.unwrap();
        let mut stripped = signed.clone();
        manifest_ranges(&signed).into_iter().rev().for_each(|range| drop(stripped.drain(range)));
        assert!(stripped.len() + 1000 < signed.len());
        assert_eq!(no_anchors().read(&stripped, media_type), None, "{media_type}");
        assert_eq!(Sha256Digest::of(&stripped).to_string(), binding.hash, "{media_type}");
        let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().to_rgb8();
        assert_eq!(pixels(&stripped), pixels(&signed), "{media_type}");
    }
}

#[test]
fn a_certificate_that_is_no_authority_certifies_nobody() {
    let authority = Authority::new("Registrants");
    let (merchant, client) = authority.signer_and_its_client("Merchant", "Somebody");
    let original = picture(image::ImageFormat::Jpeg, 48, 48);
    let definition = captured();
    let sign = |identity| sign_raw(&original, "image/jpeg", identity, &mut builder(&definition));
    let (own, forged) = (sign(&merchant), sign(&client));

    // Under the root.
    let reader = reader_trusting(&authority);
    assert_eq!(reader.read(&own, "image/jpeg").unwrap().state, C2paState::Trusted);
    let report = reader.read(&forged, "image/jpeg").unwrap();
    assert_ne!(report.state, C2paState::Trusted, "{report:?}");
    assert!(report.failures.iter().any(|code| code == "signingCredential.untrusted"), "{report:?}");

    // With the merchant's certificate itself on the list: it is pinned, and vouches for itself alone. The
    // library takes whatever is on a list for an authority, if the chain in the file does not show what it is.
    let leaf = client.chain_pem.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap().to_owned();
    let short =
        crate::certificates::Identity { chain_pem: leaf, key_pkcs8_pem: client.key_pkcs8_pem.clone() };
    let short = sign(&short);
    let pinned = TrustAnchors {
        registrants: Some(merchant.chain_pem.clone().into_bytes()),
        ..TrustAnchors::default()
    };
    let reader = C2paReader::new(pinned).unwrap();
    let report = reader.read(&own, "image/jpeg").unwrap();
    assert_eq!((report.state, report.anchor_set), (C2paState::Trusted, Some(AnchorSet::Registrants)));
    assert_eq!(report.anchor_list_sha256, Some(Sha256Digest::of(merchant.chain_pem.as_bytes())));
    assert_eq!(
        library_state(&merchant.chain_pem, &short, "image/jpeg"),
        ::c2pa::ValidationState::Trusted,
        "this test must meet the trap"
    );
    for file in [&forged, &short] {
        let report = reader.read(file, "image/jpeg").unwrap();
        assert_eq!((report.state, report.anchor_set), (C2paState::Valid, None), "{report:?}");
    }
}

#[test]
fn without_a_time_stamp_a_signature_is_judged_now() {
    let authority = Authority::new("Registrants");
    let ended = authority.signer_for("Inkstone Ltd", Usage::EmailProtection, 2025);
    let original = picture(image::ImageFormat::Jpeg, 48, 48);
    let file = sign_with(&original, "image/jpeg", &Careless(ended), &mut builder(&captured()));
    let report = reader_trusting(&authority).read(&file, "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Invalid, "{report:?}");
    assert!(report.failures.iter().any(|code| code == "signingCredential.expired"), "{report:?}");
    assert_eq!(report.signer.unwrap().time, None);
}

#[test]
fn a_detached_manifest_covers_every_byte_but_its_own_place() {
    let authority = Authority::new("Registrants");
    let reader = reader_trusting(&authority);
    let signed = signed_jpeg(&authority.signer("Inkstone Ltd"), 64, 64);
    let store = ::c2pa::jumbf_io::load_jumbf_from_memory("image/jpeg", &signed).unwrap();
    let region = manifest_ranges(&signed).into_iter().next().unwrap();

    // Other content in the place that the hash leaves out.
    let mut forged = signed.clone();
    forged[region.clone()].fill(0x41);
    let report = reader.read_detached(&store, &forged, "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Invalid, "{report:?}");
    assert_eq!((report.anchor_set, report.to_label()), (None, None));
    // With an own picture in it, for example as a comment of the JPEG.
    let mut comment = signed.clone();
    let length = u16::try_from(region.len() - 2).unwrap().to_be_bytes();
    comment[region.start..region.start + 4].copy_from_slice(&[0xff, 0xfe, length[0], length[1]]);
    let report = reader.read_detached(&store, &comment, "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Invalid, "{report:?}");

    // The file as it was signed.
    let report = reader.read_detached(&store, &signed, "image/jpeg").unwrap();
    assert_eq!(report.carrier, "detached");
    assert_eq!(report.store_sha256, Some(Sha256Digest::of(&store)));
    let embedded = reader.read(&signed, "image/jpeg").unwrap();
    assert_eq!(report.active_manifest, embedded.active_manifest);
    assert_eq!(report.hard_binding, embedded.hard_binding);
    assert_eq!(report.state, C2paState::Trusted, "{report:?}");
    // Without its manifest the file does not fit either: what is left out of the hash is pixels now. It is found
    // by the hash of its content, which equals the hard binding.
    let mut stripped = signed.clone();
    stripped.drain(region);
    let report = reader.read_detached(&store, &stripped, "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Invalid, "{report:?}");
    assert_eq!(report.hard_binding.unwrap().hash, Sha256Digest::of(&stripped).to_string());

    // Not a store at all, or too large a one.
    let report = reader.read_detached(b"nonsense", &signed, "image/jpeg").unwrap();
    assert_eq!(report.state, C2paState::Unreadable);
    let report = reader.read_detached(&vec![0; MAX_STORE_BYTES + 1], &signed, "image/jpeg").unwrap();
    assert_eq!(report.failures, [FAILURE_STORE_TOO_LARGE]);
}

#[test]
fn a_heic_or_avif_may_leave_out_boxes_without_pixels() {
    let authority = Authority::new("Registrants");
    let identity = authority.signer("Inkstone Ltd");
    let reader = reader_trusting(&authority);
    for (name, media_type) in [("shapes.avif", "image/avif"), ("shapes.heic", "image/heic")] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let original = std::fs::read(path).unwrap();
        // With and without padding boxes among those that are left out.
        for padding in [false, true] {
            let settings = serde_json::json!({
                "builder": {
                    "thumbnail": { "enabled": false },
                    "bmff_hash_exclude_free_and_skip_boxes": padding,
                },
            });
            let context = ::c2pa::Context::new().with_settings(settings).unwrap();
            let mut builder = ::c2pa::Builder::from_context(context).with_definition(captured()).unwrap();
            let mut signed = sign_raw(&original, media_type, &identity, &mut builder);
            let report = reader.read(&signed, media_type).unwrap();
            assert_eq!(report.state, C2paState::Trusted, "{name} {padding}: {report:?}");
            let noted = report.informational.iter().any(|code| code.ends_with("additionalExclusionsPresent"));
            assert_eq!(noted, padding, "{name}: {report:?}");
            let pixel = signed.len() - 40;
            signed[pixel] ^= 1;
            assert_eq!(reader.read(&signed, media_type).unwrap().state, C2paState::Invalid, "{name}");
        }
    }
}

/// A signer that leaves the pixels of an AVIF out of the hash: the library trusts the result.
#[test]
fn an_avif_whose_pixels_are_left_out_of_the_hash_is_refused() {
    let authority = Authority::new("Registrants");
    let identity = authority.signer("Inkstone Ltd");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shapes.avif");
    let original = std::fs::read(path).unwrap();
    let settings = serde_json::json!({
        "builder": { "thumbnail": { "enabled": false } },
        "signer": { "local": {
            "alg": "ed25519",
            "sign_cert": identity.chain_pem,
            "private_key": identity.key_pkcs8_pem,
        } },
    });
    let context = ::c2pa::Context::new().with_settings(settings).unwrap();
    let mut builder = ::c2pa::Builder::from_context(context).with_definition(captured()).unwrap();
    builder.placeholder("image/avif").unwrap();
    builder.add_bmff_hash_exclusions(r#"[{ "xpath": "/mdat" }]"#).unwrap();
    let placeholder = builder.placeholder("image/avif").unwrap();
    // Behind the first box, `ftyp`.
    let at = u32::from_be_bytes(original[..4].try_into().unwrap()) as usize;
    let mut file = [&original[..at], &placeholder, &original[at..]].concat();
    builder.update_hash_from_stream("image/avif", &mut Cursor::new(&file)).unwrap();
    let manifest = builder.sign_embeddable("image/avif").unwrap();
    assert_eq!(manifest.len(), placeholder.len());
    file[at..at + manifest.len()].copy_from_slice(&manifest);
    // The picture data end the file.
    let pixel = file.len() - 40;
    file[pixel] ^= 1;
    assert_eq!(
        library_state(&authority.pem(), &file, "image/avif"),
        ::c2pa::ValidationState::Trusted,
        "this test must meet the trap"
    );
    let report = reader_trusting(&authority).read(&file, "image/avif").unwrap();
    assert_eq!(report.state, C2paState::Invalid, "{report:?}");
    assert!(report.failures.iter().any(|code| code == FAILURE_ADDITIONAL_EXCLUSIONS));
}
