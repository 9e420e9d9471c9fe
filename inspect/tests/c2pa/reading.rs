//! What is read from a signed file, and who is trusted.

use crate::certificates::{Authority, Usage};
use crate::files::*;
use touchstone_inspect::InspectOptions;
use touchstone_inspect::c2pa::{
    AnchorList, AnchorListError, AnchorSet, C2paReader, C2paReport, C2paSignError, C2paState,
    ManifestToWrite, TrustAnchors, sign_manifest,
};
use touchstone_schema::Sha256Digest;
use touchstone_schema::label::{DigitalSourceType, LabelLevel, LabelMeaning, LabelScheme};
use touchstone_schema::time::Timestamp;

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
        assert_eq!(serde_json::from_str::<C2paReport>(&json).unwrap(), report);
    }
}

#[test]
fn the_anchor_set_that_vouches_is_named() {
    let [c2pa, interim, own, other] = ["List", "Interim", "Registrants", "Elsewhere"].map(Authority::new);
    let reader = C2paReader::new(TrustAnchors {
        c2pa_trust_list: pem(&c2pa),
        interim_list: pem(&interim),
        registrants: pem(&own),
        ..TrustAnchors::default()
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

#[test]
fn a_list_says_what_is_in_it() {
    let (root, other) = (Authority::new("Registrants"), Authority::new("More"));
    let pinned = root.signer_for("Camera Works", Usage::ClaimSigning, 2031);
    let text = [root.pem(), pinned.chain_pem, other.pem()].concat();
    let list = AnchorList::read(text.as_bytes()).unwrap();
    assert_eq!(list.sha256, Sha256Digest::of(text.as_bytes()));
    let kinds: Vec<bool> = list.certificates.iter().map(|certificate| certificate.is_authority).collect();
    assert_eq!(kinds, [true, false, true]);
    assert!(list.certificates[1].subject.contains("CN=Camera Works signer"));
    let end: Timestamp = "2031-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(list.soonest_end(), Some(end));
    assert_eq!((list.ended(end), list.ended(end.saturating_add_seconds(1))), (0, 1));

    let key = text.replace("CERTIFICATE", "PRIVATE KEY");
    assert!(matches!(AnchorList::read(key.as_bytes()), Err(AnchorListError::Block { block: 1, .. })));
    assert_eq!(AnchorList::read(b"nothing"), Err(AnchorListError::Empty));
    assert_eq!(AnchorList::read(b"\xff"), Err(AnchorListError::NotText));
}

#[test]
fn a_verdict_keeps_its_time_list_and_library() {
    let authority = Authority::new("Registrants");
    let file = signed_jpeg(&authority.signer("Inkstone Ltd"), 64, 64);
    let judged_at: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
    let inspect = |reader: C2paReader, file: &[u8]| {
        let options = InspectOptions { c2pa: Some(std::sync::Arc::new(reader)), ..InspectOptions::default() };
        touchstone_inspect::inspect(file, &options).unwrap().c2pa_observation(judged_at)
    };
    let trusted = inspect(reader_trusting(&authority), &file).unwrap();
    assert_eq!(trusted.state, "trusted");
    assert_eq!(trusted.anchor_set.as_deref(), Some("registrants"));
    assert_eq!(trusted.anchor_list_sha256, Some(Sha256Digest::of(authority.pem().as_bytes())));
    assert_eq!((trusted.judged_at, trusted.library.as_str()), (judged_at, "c2pa-rs 0.91.9"));
    let valid = inspect(no_anchors(), &file).unwrap();
    assert_eq!((valid.state.as_str(), valid.anchor_set, valid.anchor_list_sha256), ("valid", None, None));
    assert_eq!(inspect(no_anchors(), &picture(image::ImageFormat::Jpeg, 64, 64)), None);
}
