//! Ways in which a file that the library accepts can mislead a registry, each with a file made here.

use crate::certificates::{Authority, Usage};
use crate::files::*;
use std::io::Cursor;
use touchstone_inspect::c2pa::{
    AnchorSet, C2paReader, C2paState, FAILURE_ADDITIONAL_EXCLUSIONS, FAILURE_STORE_TOO_LARGE, MAX_STORE_BYTES,
    ManifestToWrite, TrustAnchors, sign_manifest,
};
use touchstone_inspect::digest::content_sha256;
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
