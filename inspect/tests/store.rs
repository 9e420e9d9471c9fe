//! Manifest stores by themselves: taken out of files, read without their picture, cut down.

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

use ::c2pa::{Builder, BuilderIntent, Context, DigitalSourceType, SigningAlg, create_signer};
use certificates::{Authority, Identity};
use serde_json::{Value, json};
use std::io::Cursor;
use std::path::PathBuf;
use touchstone_inspect::{
    c2pa::{
        C2paReader, MAX_SOFT_BINDINGS, SoftBinding, StoreFault, TrustAnchors, active_manifest_only,
        embedded_store,
    },
    digest,
};
use touchstone_schema::Sha256Digest;
use xorshift::Xorshift;

const FORMATS: [(image::ImageFormat, &str); 3] = [
    (image::ImageFormat::Jpeg, "image/jpeg"),
    (image::ImageFormat::Png, "image/png"),
    (image::ImageFormat::WebP, "image/webp"),
];

fn picture(format: image::ImageFormat) -> Vec<u8> {
    let picture =
        image::RgbImage::from_fn(96, 64, |x, y| image::Rgb([(x * y) as u8, (x * 2) as u8, (y * 3) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    image::DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The picture with a manifest that holds these assertions besides its own.
fn signed(bytes: &[u8], media_type: &str, identity: &Identity, edited: bool, assertions: &Value) -> Vec<u8> {
    let signer = create_signer::from_keys(
        identity.chain_pem.as_bytes(),
        identity.key_pkcs8_pem.as_bytes(),
        SigningAlg::Ed25519,
        None,
    )
    .unwrap();
    let settings = json!({ "builder": { "thumbnail": { "enabled": false } } });
    let definition = json!({ "claim_generator_info": [{ "name": "Inkstone" }], "assertions": assertions });
    let context = Context::new().with_settings(settings).unwrap();
    let mut builder = Builder::from_context(context).with_definition(definition).unwrap();
    builder.set_intent(if edited {
        BuilderIntent::Edit
    } else {
        BuilderIntent::Create(DigitalSourceType::TrainedAlgorithmicMedia)
    });
    let mut out = Cursor::new(Vec::new());
    builder.sign(signer.as_ref(), media_type, &mut Cursor::new(bytes), &mut out).unwrap();
    out.into_inner()
}

fn soft_binding(alg: &str, value: &[u8]) -> Value {
    json!({ "label": "c2pa.soft-binding", "data": { "alg": alg, "blocks": [{ "scope": {}, "value": value }] } })
}

fn reader() -> C2paReader {
    C2paReader::new(TrustAnchors::default()).unwrap()
}

#[test]
fn the_store_of_a_file_is_read_by_itself() {
    let identity = Authority::new("Registrants").signer("Inkstone Ltd");
    for (format, media_type) in FORMATS {
        let file = signed(&picture(format), media_type, &identity, false, &json!([]));
        let whole = reader().read(&file, media_type).unwrap();
        let store = embedded_store(&file).unwrap();
        let found = reader().read_store(&store).unwrap();
        assert_eq!(Some(&found.label), whole.active_manifest.as_ref(), "{media_type}");
        assert_eq!(Some(found.sha256), whole.store_sha256);
        assert_eq!(found.signer, whole.signer.unwrap().organisation);
        assert_eq!(found.hard_binding, whole.hard_binding.map(|binding| binding.hash));
        // A WebP chunk of odd length is followed by a byte that signers leave in and removers take out.
        if media_type != "image/webp" {
            assert_eq!(found.content_sha256, Some(digest::content_sha256(&file)), "{media_type}");
        }
        assert_eq!((found.manifests, found.soft_bindings), (vec![found.label], vec![]));
        assert_eq!(active_manifest_only(&store).unwrap(), store, "there is nothing to leave out");
    }
    for bytes in [picture(image::ImageFormat::Jpeg), Vec::new(), b"GIF89a".to_vec()] {
        assert_eq!(embedded_store(&bytes), None);
    }
}

#[test]
fn the_hard_binding_is_read_of_the_largest_stores() {
    let identity = Authority::new("Registrants").signer("Inkstone Ltd");
    let large = json!([{ "label": "org.inkstone.large", "data": { "text": "x".repeat(5 * 1024 * 1024) } }]);
    let file = signed(&picture(image::ImageFormat::Png), "image/png", &identity, false, &large);
    let store = embedded_store(&file).unwrap();
    assert!(store.len() > 5 * 1024 * 1024);
    let found = reader().read_store(&store).unwrap();
    assert_eq!(found.content_sha256, Some(digest::content_sha256(&file)));
    assert_eq!(found.hard_binding, Some(digest::content_sha256(&file).to_string()));
}

#[test]
fn one_signer_is_told_from_another_of_the_same_name() {
    let file = picture(image::ImageFormat::Jpeg);
    let authority = Authority::new("Registrants");
    let certificate = |identity: &Identity| {
        let store = embedded_store(&signed(&file, "image/jpeg", identity, false, &json!([]))).unwrap();
        reader().read_store(&store).unwrap().certificate_sha256
    };
    let (one, other) = (authority.signer("Inkstone Ltd"), authority.signer("Inkstone Ltd"));
    assert_eq!(certificate(&one), certificate(&one));
    assert_ne!(certificate(&one), certificate(&other));
}

#[test]
fn soft_bindings_are_those_of_the_active_manifest() {
    let identity = Authority::new("Registrants").signer("Inkstone Ltd");
    let assertions = json!([
        soft_binding("com.adobe.trustmark.P", b"2*0101"),
        soft_binding("io.iscc.v0", &[7; 34]),
        soft_binding("io.iscc.v0", &[7; 34]),
        soft_binding("io.iscc.v0", &[]),
    ]);
    let file = signed(&picture(image::ImageFormat::Jpeg), "image/jpeg", &identity, false, &assertions);
    let found = reader().read_store(&embedded_store(&file).unwrap()).unwrap();
    let expected = |alg: &str, value: &[u8]| SoftBinding { alg: alg.to_owned(), value: value.to_vec() };
    assert_eq!(
        found.soft_bindings,
        [expected("com.adobe.trustmark.P", b"2*0101"), expected("io.iscc.v0", &[7; 34])]
    );
    let edited = signed(&file, "image/jpeg", &identity, true, &json!([]));
    let store = embedded_store(&edited).unwrap();
    let after = reader().read_store(&store).unwrap();
    assert_eq!(after.soft_bindings, [], "the parent's are the parent's");
    assert_eq!(after.manifests, [found.label, after.label.clone()]);
    let alone = active_manifest_only(&store).unwrap();
    assert!(alone.len() < store.len());
    assert!(!contains(&alone, b"2*0101") && contains(&store, b"2*0101"));
    assert!(contains(&alone, after.label.as_bytes()));

    let many: Vec<Value> = (0..40).map(|n| soft_binding("com.adobe.trustmark.P", &[n])).collect();
    let file = signed(&picture(image::ImageFormat::Jpeg), "image/jpeg", &identity, false, &json!(many));
    let found = reader().read_store(&embedded_store(&file).unwrap()).unwrap();
    assert_eq!(found.soft_bindings.len(), MAX_SOFT_BINDINGS);
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn what_the_signer_did_not_sign_is_refused() {
    let identity = Authority::new("Registrants").signer("Inkstone Ltd");
    let assertions = json!([soft_binding("com.adobe.trustmark.P", b"2*0101")]);
    let file = signed(&picture(image::ImageFormat::Jpeg), "image/jpeg", &identity, false, &assertions);
    let store = embedded_store(&file).unwrap();
    let at = store.windows(6).position(|window| window == b"2*0101").unwrap();
    let mut forged = store.clone();
    forged[at + 5] = b'0';
    assert!(matches!(reader().read_store(&forged), Err(StoreFault::Invalid(_))));
    // The label of another picture's manifest in its place: the signature covers where the claim says it is.
    let label = reader().read_store(&store).unwrap().label;
    let other = format!("{}0", &label[..label.len() - 1]);
    let other = if other == label { format!("{}1", &label[..label.len() - 1]) } else { other };
    let renamed = replace(&store, label.as_bytes(), other.as_bytes());
    assert!(reader().read_store(&renamed).is_err());
    for bytes in [&b""[..], b"no store", &file, &store[..store.len() - 1]] {
        assert!(matches!(reader().read_store(bytes), Err(StoreFault::Structure(_))));
    }
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut out = bytes.to_vec();
    let places: Vec<usize> =
        (0..=bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for at in places {
        out[at..at + to.len()].copy_from_slice(to);
    }
    out
}

#[test]
fn hostile_stores_are_answered() {
    let identity = Authority::new("Registrants").signer("Inkstone Ltd");
    let file = signed(&picture(image::ImageFormat::Jpeg), "image/jpeg", &identity, false, &json!([]));
    let store = embedded_store(&file).unwrap();
    let (reader, mut random) = (reader(), Xorshift(0x5eed));
    let (mut kept, mut refused) = (0, 0);
    for _ in 0..400 {
        let mut mutated = store.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(mutated.len());
            mutated[at] ^= 1 << random.below(8);
        }
        match reader.read_store(&mutated) {
            Ok(found) => {
                assert_eq!(found.sha256, Sha256Digest::of(&mutated));
                kept += 1;
            }
            Err(_) => refused += 1,
        }
        let _ = active_manifest_only(&mutated);
    }
    // Some bytes of a store are padding that nobody signs: the digest tells such stores apart.
    assert!(refused > kept, "{kept} kept, {refused} refused");
}

#[test]
fn stores_of_the_public_vectors_are_read_or_refused() {
    let Some(corpus) = std::env::var_os("TOUCHSTONE_CORPUS").map(PathBuf::from) else {
        println!("skipped: TOUCHSTONE_CORPUS is not set");
        return;
    };
    let (mut kept, mut refused, mut none) = (0, 0, 0);
    for path in files(&corpus.join("c2pa/vectors")) {
        let bytes = std::fs::read(&path).unwrap();
        let Some(store) = embedded_store(&bytes) else {
            none += 1;
            continue;
        };
        match reader().read_store(&store) {
            Ok(found) => {
                let alone = active_manifest_only(&store).unwrap();
                assert!(contains(&alone, found.label.as_bytes()), "{}", path.display());
                kept += 1;
            }
            Err(fault) => {
                println!("{}: {fault}", path.file_name().unwrap().display());
                refused += 1;
            }
        }
    }
    println!("{kept} stores can be kept, {refused} are refused, {none} files have none");
    assert!(kept >= 20, "{kept}");
}

/// All files below a folder.
fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut found): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    found.extend(folders.iter().flat_map(|folder| files(folder)));
    found
}
