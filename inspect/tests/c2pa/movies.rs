//! Manifests of files that are no pictures, as `inspect` tells them.

use crate::certificates::{Authority, Identity};
use crate::files::*;
use crate::manifests::{READER, SIGNED, check_bounds};
use ::c2pa::{Builder, Context};
use std::sync::Arc;
use touchstone_inspect::c2pa::{
    C2paReport, C2paState, FAILURE_TOO_MANY_BOXES, ManifestToWrite, sign_manifest,
};
use touchstone_inspect::containers::bmff::boxed;
use touchstone_inspect::{InspectOptions, Inspected, Media, inspect_file};
use touchstone_schema::label::{LabelLevel, LabelMeaning, LabelScheme};

/// A movie with these samples.
fn movie(samples: &[u8]) -> Vec<u8> {
    let boxes = [(*b"ftyp", &b"isom\0\0\0\0"[..]), (*b"moov", b""), (*b"mdat", samples)];
    boxes.map(|(kind, data)| boxed(kind, data).unwrap()).concat()
}

fn media(bytes: &[u8], authority: &Authority) -> Media {
    let options =
        InspectOptions { c2pa: Some(Arc::new(reader_trusting(authority))), ..InspectOptions::default() };
    match inspect_file(bytes, &options).unwrap() {
        Inspected::Media(media) => *media,
        Inspected::Picture(..) => panic!("no picture"),
    }
}

fn judged(bytes: &[u8], authority: &Authority) -> C2paReport {
    media(bytes, authority).c2pa.unwrap()
}

/// Signs a movie as made by an AI system. With `parts` its samples are hashed in parts of 1 KiB.
fn sign_movie(bytes: &[u8], identity: &Identity, parts: bool) -> Vec<u8> {
    let mut definition = captured();
    definition["assertions"][0]["data"]["actions"][0]["digitalSourceType"] =
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia".into();
    let mut settings = serde_json::json!({ "builder": { "thumbnail": { "enabled": false } } });
    if parts {
        settings["core"] = serde_json::json!({ "merkle_tree_chunk_size_in_kb": 1 });
    }
    let context = Context::new().with_settings(settings).unwrap();
    let mut builder = Builder::from_context(context).with_definition(definition).unwrap();
    sign_raw(bytes, "video/mp4", identity, &mut builder)
}

#[test]
fn the_manifest_of_a_movie_is_judged() {
    let authority = Authority::new("Registrants");
    let identity = authority.signer("Inkstone Ltd");
    let plain = movie(&[7; 6_000]);
    assert!(media(&plain, &authority).c2pa.is_none());
    let signed = sign_movie(&plain, &identity, false);
    let found = media(&signed, &authority);
    let report = found.c2pa.as_ref().unwrap();
    assert_eq!(report.state, C2paState::Trusted, "{report:?}");
    assert_eq!(report.carrier, "isobmff:uuid:c2pa");
    let [label] = found.labels.as_slice() else { panic!("{:?}", found.labels) };
    assert_eq!(
        (label.scheme, label.level, label.meaning),
        (LabelScheme::C2pa, LabelLevel::Verified, LabelMeaning::Synthetic)
    );
    let told = serde_json::to_value(found.report()).unwrap();
    assert_eq!((&told["c2pa"]["state"], &told["media_type"]), (&"trusted".into(), &"video/mp4".into()));
    // Other samples under the same manifest.
    let mut changed = signed.clone();
    *changed.last_mut().unwrap() ^= 1;
    let changed = media(&changed, &authority);
    assert_eq!(changed.c2pa.unwrap().state, C2paState::Invalid);
    assert_eq!(changed.labels, []);
}

#[test]
fn samples_that_are_hashed_in_parts_are_neither_accepted_nor_called_wrong() {
    let authority = Authority::new("Registrants");
    let signed = sign_movie(&movie(&[7; 6_000]), &authority.signer("Inkstone Ltd"), true);
    let report = judged(&signed, &authority);
    assert_eq!(report.state, C2paState::NotJudged, "{report:?}");
    assert!(report.problem.as_ref().unwrap().contains("parts"));
    assert_eq!((report.anchor_set, report.to_label()), (None, None));
    let samples = find(&signed, &[7; 6_000]).unwrap();
    let mut changed = signed;
    changed[samples + 3_000] ^= 1;
    assert_eq!(judged(&changed, &authority).state, C2paState::Invalid, "what is wrong is told");
}

#[test]
fn a_signed_movie_of_countless_boxes_is_not_judged() {
    let authority = Authority::new("Registrants");
    let signed = sign_movie(&movie(&[7; 600]), &authority.signer("Inkstone Ltd"), false);
    let with = |boxes: usize| [&signed[..], &boxed(*b"free", b"").unwrap().repeat(boxes)].concat();
    let report = judged(&with(9_000), &authority);
    assert_eq!(report.state, C2paState::Unreadable);
    assert_eq!(report.failures, [FAILURE_TOO_MANY_BOXES]);
    // Boxes in boxes count as well.
    let nested = boxed(*b"udta", &boxed(*b"free", b"").unwrap().repeat(9_000)).unwrap();
    let nested = [&signed[..], &boxed(*b"moov", &nested).unwrap()].concat();
    assert_eq!(judged(&nested, &authority).failures, [FAILURE_TOO_MANY_BOXES]);
    assert_ne!(judged(&with(100), &authority).state, C2paState::Unreadable);
}

#[test]
fn a_manifest_in_a_document_is_named_and_not_judged() {
    let authority = Authority::new("Registrants");
    let document = |relation: &str| {
        format!(
            "%PDF-1.7\n1 0 obj\n<< /AFRelationship /{relation} /EF 2 0 R >>\nendobj\nstartxref\n0\n%%EOF\n"
        )
    };
    let report = judged(document("C2PA_Manifest").as_bytes(), &authority);
    assert_eq!((report.state, report.carrier.as_str()), (C2paState::NotJudged, "pdf:C2PA_Manifest"));
    let at = usize::try_from(report.offset).unwrap();
    assert!(document("C2PA_Manifest")[at..].starts_with("/C2PA_Manifest"));
    assert_eq!(report.to_label(), None);
    assert!(media(document("Data").as_bytes(), &authority).c2pa.is_none());
}

#[test]
fn corpus_movies_and_documents_are_told_with_their_manifests() {
    let Some(corpus) = crate::corpus::corpus() else { return };
    let authority = Authority::new("Nobody");
    for (id, media_type, state) in [
        ("reference-invalid-bmff-missing-generator-info", "video/mp4", C2paState::Invalid),
        ("x509-es256-mp4", "video/mp4", C2paState::Valid),
        ("x509-es256-pdf", "application/pdf", C2paState::NotJudged),
    ] {
        let vectors = crate::corpus::vectors(&corpus);
        let vector = vectors.iter().find(|vector| vector.id == id).unwrap();
        let media = media(&vector.bytes, &authority);
        let report = media.c2pa.unwrap();
        assert_eq!((media.media_type, report.state), (media_type, state), "{id}: {report:?}");
    }
}

#[test]
fn signed_fixtures_hold() {
    for (media_type, file) in SIGNED {
        let report = READER.read(file, media_type).unwrap();
        let expected = if report.problem.is_some() { C2paState::NotJudged } else { C2paState::Trusted };
        assert_eq!(report.state, expected, "{report:?}");
        check_bounds(&report);
    }
}

#[test]
#[ignore = "makes the signed fixtures anew"]
fn make_signed_fixtures() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/signed"));
    let authority = Authority::new("Fixtures");
    let identity = authority.signer("Inkstone Ltd");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    write("root.pem", authority.pem().as_bytes());
    let png = picture(image::ImageFormat::Png, 24, 16);
    write("made.png", &sign_manifest(&png, "image/png", &signing(&identity), &generated()).unwrap());
    let edit = ManifestToWrite { edited: true, ..generated() };
    let jpeg = signed_jpeg(&identity, 24, 16);
    write("edited.jpg", &sign_manifest(&jpeg, "image/jpeg", &signing(&identity), &edit).unwrap());
    write("movie.mp4", &sign_movie(&movie(&[7; 6_000]), &identity, false));
    write("parts.mp4", &sign_movie(&movie(&[7; 6_000]), &identity, true));
}
