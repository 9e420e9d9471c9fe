//! Manifests: how they are kept, found, owned, deleted and proved.

use super::{Sbr, TRUSTMARK, done, label, register, signed, stripped};
use crate::{
    actors::inspect,
    pictures::{Authority, flat, jpeg, picture, png, resized},
    support::{Engine, TestApp},
};
use image::imageops;
use serde_json::json;
use touchstone_inspect::{
    c2pa::{C2paReader, TrustAnchors, active_manifest_only, embedded_store},
    digest::{self, manifest_ranges},
};
use touchstone_schema::{
    Sha256Digest,
    api::{ContentReceipt, StatementView},
    label::DigitalSourceType,
    problem::ProblemCode as Code,
    sbr::{ISCC, ManifestCreateResult, ManifestReceipt, VerifiedManifestReceipt},
    statement::{Kind, View},
};

on_both!(
    a_copy_of_a_signed_picture_leads_back_to_its_manifest,
    a_manifest_goes_with_its_record_and_its_statement,
    a_registrant_may_keep_the_manifest_at_home,
    a_store_is_kept_by_itself_and_belongs_to_who_brought_it,
    a_label_is_given_once,
    receipts_name_the_log_entry,
);

fn a_copy_of_a_signed_picture_leads_back_to_its_manifest(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), Sbr::of(&app.platform()));
    let file = signed(1);
    let id = label(&file);
    let (_, receipt) = register(&merchant, &file);
    assert_eq!(receipt.manifest.as_ref(), Some(&id));
    let (_, other) = register(&merchant, &signed(2));
    assert_ne!(other.manifest, receipt.manifest);

    let bare = stripped(&file);
    assert_eq!(inspect(&bare).c2pa_binding(), None);
    assert_eq!(platform.like("", &bare), [(id.clone(), 100)]);
    assert_eq!(platform.like("", &file), [(id.clone(), 100)]);
    let half = jpeg(&resized(&picture(1), 50), 60);
    let [(found, score)] = platform.like("", &half).try_into().expect("one match");
    assert_eq!(found, id);
    assert!((90..100).contains(&score), "{score}");
    let cropped = jpeg(&imageops::crop_imm(&picture(1), 60, 40, 460, 360).to_image(), 80);
    let [(found, score)] = platform.like("", &cropped).try_into().expect("a crop is found by local features");
    assert!(found == id && score < 100, "{score}");
    assert_eq!(platform.like("?alg=io.iscc.v0", &cropped), [], "no fingerprint of the whole finds a part");
    assert_eq!(platform.like("?alg=io.iscc.v0", &half).len(), 1);
    for nothing in [jpeg(&picture(3), 90), jpeg(&flat(200), 90)] {
        assert_eq!(platform.like("", &nothing), []);
    }

    let answer = platform.manifest(&found);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/c2pa")));
    assert_eq!(Some(&answer.body), embedded_store(&file).as_ref(), "byte for byte");
    assert_eq!(Sha256Digest::of(&answer.body), inspect(&file).c2pa_binding().unwrap().store_sha256);
    let active = platform.get(&format!("/sbr/v1/manifests/{id}?returnActiveManifest=true"));
    assert_eq!(active.body, active_manifest_only(&answer.body).unwrap());

    // The store that came back belongs to the copy that lost it.
    let [range] = manifest_ranges(&file).try_into().expect("one manifest");
    let restored = [&bare[..range.start], &file[range.clone()], &bare[range.start..]].concat();
    assert_eq!(inspect(&restored).c2pa_state().unwrap(), "valid");
    assert_eq!(digest::content_sha256(&restored), digest::file_sha256(&bare));
}

fn a_manifest_goes_with_its_record_and_its_statement(app: &TestApp) {
    let (merchant, other) = (app.merchant(), app.merchant());
    let platform = Sbr::of(&app.platform());
    let (deleted, withdrawn) = (signed(4), signed(5));
    let gone = |file: &[u8]| {
        platform.manifest(&label(file)).refused(Code::NotFound);
        platform.receipt(&label(file)).refused(Code::NotFound);
        for copy in [stripped(file), file.to_vec(), jpeg(&resized(&picture(4), 50), 60)] {
            assert_eq!(platform.like("", &copy), []);
        }
        let iscc = [&[0x21, 0x07][..], &inspect(file).iscc].concat();
        assert_eq!(platform.bound(ISCC, &iscc), []);
    };
    let (statement, _) = register(&merchant, &deleted);
    assert_eq!(merchant.delete_record(&statement).status, 200);
    gone(&deleted);
    let (statement, _) = register(&merchant, &withdrawn);
    assert_eq!(merchant.withdraw(&statement).status, 201);
    gone(&withdrawn);

    // Whoever registers it again has it again; two pictures of one owner hold it together.
    let (first, _) = register(&other, &deleted);
    let (second, _) = register(&other, &deleted);
    assert_eq!(other.delete_record(&first).status, 200);
    assert_eq!(platform.manifest(&label(&deleted)).status, 200);
    assert_eq!(other.delete_record(&second).status, 200);
    gone(&deleted);
    // A picture of somebody else with the same manifest neither keeps nor deletes it.
    let (own, receipt) = register(&merchant, &deleted);
    let (foreign, same) = register(&other, &deleted);
    assert_eq!(same.manifest, receipt.manifest);
    assert_eq!(other.delete_record(&foreign).status, 200);
    assert_eq!(platform.like("", &stripped(&deleted)), [(label(&deleted), 100)]);
    // When its owner goes, it is whose picture still has it.
    let (inherited, same) = register(&other, &deleted);
    assert_eq!(same.manifest, receipt.manifest);
    assert_eq!(merchant.delete_record(&own).status, 200);
    assert_eq!(platform.like("", &stripped(&deleted)), [(label(&deleted), 100)]);
    let verified: VerifiedManifestReceipt = platform.receipt(&label(&deleted)).json_with(200);
    assert!(verified.verified, "{verified:?}");
    Sbr::of(&merchant).remove(&label(&deleted)).refused(Code::NotOwner);
    let (own, _) = register(&merchant, &deleted);
    let size = app.log_size();
    done(&Sbr::of(&other).remove(&label(&deleted)));
    assert_eq!(app.log_size(), size, "nothing is deleted, nothing is logged");
    assert_eq!(other.delete_record(&inherited).status, 200);
    assert_eq!(platform.manifest(&label(&deleted)).status, 200);
    assert_eq!(merchant.delete_record(&own).status, 200);
    gone(&deleted);
    // What its owner also brought by itself stays until the owner deletes it.
    let store = embedded_store(&withdrawn).unwrap();
    let (statement, _) = register(&merchant, &withdrawn);
    Sbr::of(&merchant).stored(&store);
    assert_eq!(merchant.delete_record(&statement).status, 200);
    assert_eq!(platform.manifest(&label(&withdrawn)).body, store);
}

fn a_registrant_may_keep_the_manifest_at_home(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), Sbr::of(&app.platform()));
    let file = signed(6);
    let accepted = merchant.declare(&file, View::Listing);
    let path = format!("/v1/statements/{}/content?keep_manifest=false", accepted.id);
    let receipt: ContentReceipt = merchant.client.put(&path, "image/jpeg", &file).json_with(200);
    assert_eq!(receipt.manifest, None);
    assert_eq!(platform.like("", &stripped(&file)), []);
    platform.manifest(&label(&file)).refused(Code::NotFound);
    // A manifest that does not hold for the picture is not kept.
    let other = Authority::new().sign(&jpeg(&picture(7), 90), DigitalSourceType::DigitalCapture);
    let transplanted = crate::pictures::with_manifest_of(&other, &jpeg(&picture(8), 90));
    let (_, receipt) = register(&merchant, &transplanted);
    assert_eq!(receipt.manifest, None);
    let (_, receipt) = register(&merchant, &png(&picture(9)));
    assert_eq!(receipt.manifest, None, "there is none");
}

fn a_store_is_kept_by_itself_and_belongs_to_who_brought_it(app: &TestApp) {
    let (owner, other) = (app.vendor(), app.merchant());
    let (sbr, stranger) = (Sbr::of(&owner), Sbr::of(&other));
    let platform = Sbr::of(&app.platform());
    let file = signed(10);
    let store = embedded_store(&file).unwrap();
    let size = app.log_size();
    let id = sbr.stored(&store);
    assert_eq!((id.clone(), app.log_size()), (label(&file), size + 1));
    assert_eq!((sbr.stored(&store), stranger.stored(&store)), (id.clone(), id.clone()));
    assert_eq!(app.log_size(), size + 1, "the same again changes nothing");
    assert_eq!(platform.manifest(&id).body, store);
    // Its picture was never seen: the hard binding alone leads to it, by the signer's word.
    assert_eq!(platform.like("", &stripped(&file)), [(id.clone(), 90)]);
    assert_eq!(platform.like("", &jpeg(&picture(10), 60)), []);

    stranger.remove(&id).refused(Code::NotOwner);
    stranger.bind("POST", Some(TRUSTMARK), b"2*0", &id).refused(Code::NotOwner);
    stranger.bind("PUT", Some(TRUSTMARK), b"2*0", &id).refused(Code::NotOwner);
    done(&sbr.bind("POST", Some(TRUSTMARK), b"2*0", &id));
    assert_eq!(platform.bound(TRUSTMARK, b"2*0"), std::slice::from_ref(&id));
    done(&sbr.remove(&id));
    assert_eq!(app.log_size(), size + 2);
    sbr.remove(&id).refused(Code::NotFound);
    sbr.bind("POST", Some(TRUSTMARK), b"2*0", &id).refused(Code::NotFound);
    platform.manifest(&id).refused(Code::NotFound);
    assert_eq!(platform.bound(TRUSTMARK, b"2*0"), []);
    assert_eq!(platform.like("", &stripped(&file)), []);
    // The same store may come back, and is then whose it is.
    assert_eq!(stranger.stored(&store), id);
    sbr.remove(&id).refused(Code::NotOwner);
    done(&stranger.remove(&id));
}

/// Another store with the same label: some bytes of a store are not signed.
fn twin(store: &[u8]) -> Vec<u8> {
    let reader = C2paReader::new(TrustAnchors::default()).unwrap();
    let label = reader.read_store(store).unwrap().label;
    let flipped = (0..store.len()).rev().map(|at| {
        let mut other = store.to_vec();
        other[at] ^= 1;
        other
    });
    let mut same = flipped.filter(|other| reader.read_store(other).is_ok_and(|found| found.label == label));
    same.next().expect("a store has padding")
}

fn a_label_is_given_once(app: &TestApp) {
    let (owner, squatter) = (app.merchant(), app.merchant());
    let store = embedded_store(&signed(11)).unwrap();
    let twin = twin(&store);
    assert_ne!(twin, store);
    let id = Sbr::of(&owner).stored(&store);
    app.stores_nothing(|| Sbr::of(&squatter).store("", &twin)).refused(Code::ManifestConflict);
    app.stores_nothing(|| Sbr::of(&owner).store("", &twin)).refused(Code::ManifestConflict);
    done(&Sbr::of(&owner).remove(&id));
    Sbr::of(&squatter).store("", &twin).refused(Code::ManifestConflict);

    // What came with its picture takes the place of what came alone, and of what was deleted.
    for deleted in [false, true] {
        let file = signed(if deleted { 12 } else { 30 });
        let (id, store) = (label(&file), embedded_store(&file).unwrap());
        let squatted = self::twin(&store);
        let squatter = Sbr::of(&squatter);
        squatter.stored(&squatted);
        done(&squatter.bind("POST", Some(TRUSTMARK), b"2*7", &id));
        if deleted {
            done(&squatter.remove(&id));
        }
        let size = app.log_size();
        let (_, receipt) = register(&owner, &file);
        let logged = app.log_size() - size;
        assert_eq!(logged, if deleted { 2 } else { 3 }, "the deletion is logged with the picture's two");
        assert_eq!(receipt.manifest.as_ref(), Some(&id));
        assert_eq!(squatter.manifest(&id).body, store);
        assert_eq!(squatter.like("", &stripped(&file)), [(id.clone(), 100)]);
        assert_eq!(squatter.bound(TRUSTMARK, b"2*7"), []);
        squatter.remove(&id).refused(Code::NotOwner);
        squatter.store("", &squatted).refused(Code::ManifestConflict);
    }
}

fn receipts_name_the_log_entry(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), Sbr::of(&app.platform()));
    let sbr = Sbr::of(&merchant);
    let (with_picture, alone) = (signed(19), signed(20));
    let (_, kept) = register(&merchant, &with_picture);
    let store = embedded_store(&alone).unwrap();
    let created: ManifestCreateResult = sbr.store("?returnReceipt=true", &store).json_with(200);
    for (id, kind, file) in [
        (kept.manifest.unwrap(), Kind::ContentObserved, &with_picture),
        (created.manifest_id.clone(), Kind::ManifestStored, &alone),
    ] {
        let verified: VerifiedManifestReceipt = platform.receipt(&id).json_with(200);
        assert_eq!((verified.verified, verified.error), (true, None));
        let receipt = verified.receipt;
        assert_eq!(receipt.repository.manifest_id, id);
        assert_eq!(receipt.repository.uri, "https://registry.test/sbr/v1");
        // The proof leads to an entry of the log that names this very store.
        let statement = receipt.anchor.proof["statement"].as_str().unwrap();
        assert_eq!(receipt.anchor.uri, format!("https://registry.test/v1/statements/{statement}"));
        let view: StatementView = app.client().get(&format!("/v1/statements/{statement}")).json_with(200);
        assert_eq!(view.kind, kind);
        assert_eq!(receipt.anchor.proof["leafHash"], json!(view.leaf_hash));
        assert_eq!(receipt.anchor.proof["logIndex"], json!(view.log_index));
        let text = view.statement.to_string();
        assert!(text.contains(id.as_str()), "{text}");
        assert!(text.contains(&Sha256Digest::of(&embedded_store(file).unwrap()).to_string()), "{text}");

        let verify = |receipt: &ManifestReceipt| -> VerifiedManifestReceipt {
            platform.post_json(&format!("/sbr/v1/manifests/{id}/receipts"), receipt).json_with(200)
        };
        assert!(verify(&receipt).verified);
        let spoilt = |change: &dyn Fn(&mut ManifestReceipt)| {
            let mut receipt = receipt.clone();
            change(&mut receipt);
            let verified = verify(&receipt);
            assert!(!verified.verified && verified.error.is_some(), "{verified:?}");
            assert_eq!(verified.receipt, receipt, "what was given comes back");
        };
        // Given before the registry had this address and these keys.
        let mut older = receipt.clone();
        older.repository.uri = "https://former.test/sbr/v1".to_owned();
        older.anchor.parameters.as_mut().unwrap()["verdictKey"] = json!("a former key");
        assert!(verify(&older).verified);
        spoilt(&|receipt| receipt.anchor.parameters.as_mut().unwrap()["origin"] = json!("other.test/log"));
        spoilt(&|receipt| receipt.repository.uri.push('x'));
        spoilt(&|receipt| receipt.anchor.proof["logIndex"] = json!(0));
        spoilt(&|receipt| drop(receipt.anchor.proof.remove("leafHash")));
        spoilt(&|receipt| receipt.anchor.parameters = Some(serde_json::Map::new()));
        spoilt(&|receipt| {
            receipt.repository.manifest_id = "urn:c2pa:00000000-0000-4000-8000-000000000000".parse().unwrap();
        });
        let mut other = serde_json::to_value(&receipt).unwrap();
        other["@type"] = json!("something else");
        let path = format!("/sbr/v1/manifests/{id}/receipts");
        platform.post_json(&path, &other).refused(Code::InvalidField);
    }
    let again: VerifiedManifestReceipt = platform.receipt(&created.manifest_id).json_with(200);
    assert_eq!(created.receipt, Some(again.receipt));
}

#[test]
fn a_damaged_copy_does_not_verify() {
    let app = TestApp::start(Engine::Sqlite);
    let sbr = Sbr::of(&app.merchant());
    let id = sbr.stored(&embedded_store(&signed(21)).unwrap());
    app.execute("UPDATE manifests SET bytes = x'00'");
    let verified: VerifiedManifestReceipt = sbr.receipt(&id).json_with(200);
    assert!(!verified.verified && verified.error.unwrap().contains("damaged"));
}
