//! The C2PA manifest repository and its Soft Binding Resolution API, as its clients use it.

use crate::{
    actors::{Member, Merchant, inspect},
    client::{Answer, Client},
    pictures::{Authority, flat, jpeg, picture, png, resized},
    support::{Engine, TestApp},
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use image::imageops;
use serde_json::{Value, json};
use std::ops::Deref;
use touchstone_inspect::{
    c2pa::{C2paReader, TrustAnchors, active_manifest_only, embedded_store},
    digest::{self, manifest_ranges},
};
use touchstone_schema::{
    ManifestId, Sha256Digest,
    api::{ContentReceipt, IssuedToken, NewToken, Scope, StatementView},
    label::DigitalSourceType,
    problem::ProblemCode as Code,
    sbr::{
        Bindings, ISCC, ManifestCreateResult, ManifestReceipt, ServiceCapabilities, ServiceState,
        ServiceStatus, SoftBindingAlgList, SoftBindingQuery, SoftBindingQueryResult, VerifiedManifestReceipt,
        WellKnownDiscovery,
    },
    statement::{Kind, View},
};

on_both!(
    a_copy_of_a_signed_picture_leads_back_to_its_manifest,
    a_manifest_goes_with_its_record_and_its_statement,
    a_registrant_may_keep_the_manifest_at_home,
    a_store_is_kept_by_itself_and_belongs_to_who_brought_it,
    a_label_is_given_once,
    values_are_bound_and_looked_up,
    alike_iscc_codes_are_found,
    receipts_name_the_log_entry,
);

pub(crate) const TRUSTMARK: &str = "com.adobe.trustmark.P";

/// A picture signed by a camera that nobody need trust.
pub(crate) fn signed(seed: u64) -> Vec<u8> {
    Authority::new().sign(&jpeg(&picture(seed), 90), DigitalSourceType::DigitalCapture)
}

/// The same file without its manifest.
pub(crate) fn stripped(file: &[u8]) -> Vec<u8> {
    let [range] = manifest_ranges(file).try_into().expect("one manifest");
    [&file[..range.start], &file[range.end..]].concat()
}

pub(crate) fn label(file: &[u8]) -> ManifestId {
    inspect(file).c2pa_binding().unwrap().manifest.parse().unwrap()
}

/// A client of the Soft Binding Resolution API.
pub(crate) struct Sbr(pub(crate) Client);

impl Deref for Sbr {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

impl Sbr {
    pub(crate) fn of(member: &Member) -> Self {
        Self(member.client.clone())
    }

    pub(crate) fn by_content(&self, query: &str, file: &[u8]) -> Answer {
        self.send("POST", &format!("/sbr/v1/matches/byContent{query}"), Some(("image/jpeg", file)))
    }

    /// Manifests and scores of what is like this picture.
    #[track_caller]
    pub(crate) fn like(&self, query: &str, file: &[u8]) -> Vec<(ManifestId, u8)> {
        let found: SoftBindingQueryResult = self.by_content(query, file).json_with(200);
        found.matches.into_iter().map(|found| (found.manifest_id, found.similarity_score.unwrap())).collect()
    }

    fn by_binding(&self, alg: &str, value: &[u8]) -> Answer {
        let value = BASE64URL_NOPAD.encode(value);
        self.get(&format!("/sbr/v1/matches/byBinding?alg={alg}&value={value}"))
    }

    #[track_caller]
    pub(crate) fn bound(&self, alg: &str, value: &[u8]) -> Vec<ManifestId> {
        let found: SoftBindingQueryResult = self.by_binding(alg, value).json_with(200);
        let query = SoftBindingQuery { alg: alg.to_owned(), value: BASE64.encode(value) };
        let posted: SoftBindingQueryResult =
            self.post_json("/sbr/v1/matches/byBinding", &query).json_with(200);
        assert_eq!(posted, found, "both forms of the look-up answer alike");
        found.matches.into_iter().map(|found| found.manifest_id).collect()
    }

    pub(crate) fn manifest(&self, id: &ManifestId) -> Answer {
        self.get(&format!("/sbr/v1/manifests/{id}"))
    }

    pub(crate) fn store(&self, query: &str, store: &[u8]) -> Answer {
        self.send("POST", &format!("/sbr/v1/manifests{query}"), Some(("application/c2pa", store)))
    }

    #[track_caller]
    pub(crate) fn stored(&self, store: &[u8]) -> ManifestId {
        let result: ManifestCreateResult = self.store("", store).json_with(200);
        assert_eq!(result.receipt, None, "it was not asked for");
        result.manifest_id
    }

    pub(crate) fn remove(&self, id: &ManifestId) -> Answer {
        self.delete(&format!("/sbr/v1/manifests/{id}"))
    }

    pub(crate) fn bind(&self, method: &str, alg: Option<&str>, value: &[u8], id: &ManifestId) -> Answer {
        let body = Bindings {
            binding_value: BASE64.encode(value),
            manifest_id: id.clone(),
            alg: alg.map(str::to_owned),
        };
        let body = serde_json::to_vec(&body).unwrap();
        self.send(method, "/sbr/v1/bindings", Some(("application/json", &body)))
    }

    pub(crate) fn receipt(&self, id: &ManifestId) -> Answer {
        self.get(&format!("/sbr/v1/manifests/{id}/receipts"))
    }
}

#[track_caller]
pub(crate) fn done(answer: &Answer) {
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{}", answer.text());
}

#[track_caller]
pub(crate) fn register(merchant: &Merchant, file: &[u8]) -> (touchstone_schema::StatementId, ContentReceipt) {
    let accepted = merchant.declare(file, View::Listing);
    let receipt = merchant.uploaded(&accepted.id, file);
    assert_eq!(merchant.uploaded(&accepted.id, file), receipt, "a repetition says the same");
    (accepted.id, receipt)
}

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

fn values_are_bound_and_looked_up(app: &TestApp) {
    let (member, other) = (app.merchant(), app.merchant());
    let (sbr, platform) = (Sbr::of(&member), Sbr::of(&app.platform()));
    let ids: Vec<ManifestId> =
        [13, 14].map(|seed| sbr.stored(&embedded_store(&signed(seed)).unwrap())).into();
    let (one, two) = (&ids[0], &ids[1]);
    sbr.bind("PUT", Some(TRUSTMARK), b"2*1", one).refused(Code::NotFound);
    done(&sbr.bind("POST", Some(TRUSTMARK), b"2*1", one));
    done(&sbr.bind("POST", Some(TRUSTMARK), b"2*1", one));
    assert_eq!(platform.bound(TRUSTMARK, b"2*1"), std::slice::from_ref(one));
    assert_eq!(platform.bound(TRUSTMARK, b"2*2"), []);
    assert_eq!(platform.bound("com.adobe.trustmark.Q", b"2*1"), [], "another algorithm");
    assert_eq!(platform.bound("nobody.knows.this", b"2*1"), []);
    // The specification's bodies name no algorithm: it is the one that the manifest or the value has.
    done(&sbr.bind("POST", None, b"2*3", one));
    assert_eq!(platform.bound(TRUSTMARK, b"2*3"), std::slice::from_ref(one));
    sbr.bind("POST", None, b"2*4", two).refused(Code::InvalidField);
    done(&sbr.bind("PUT", None, b"2*1", two));
    assert_eq!(platform.bound(TRUSTMARK, b"2*1"), std::slice::from_ref(two));
    // Another owner's manifest with the same value stays as it is.
    let theirs = Sbr::of(&other).stored(&embedded_store(&signed(15)).unwrap());
    done(&Sbr::of(&other).bind("POST", Some(TRUSTMARK), b"2*1", &theirs));
    done(&sbr.bind("PUT", Some(TRUSTMARK), b"2*1", one));
    assert_eq!(platform.bound(TRUSTMARK, b"2*1"), [one.clone(), theirs.clone()]);
    let query = SoftBindingQuery { alg: TRUSTMARK.to_owned(), value: BASE64.encode(b"2*1") };
    let first: SoftBindingQueryResult =
        platform.post_json("/sbr/v1/matches/byBinding?maxResults=1", &query).json_with(200);
    assert_eq!(first.matches.len(), 1);
    assert_eq!(first.matches[0].similarity_score, None, "a watermark is the same or another");

    for (alg, value, code) in [
        (Some("nobody.knows.this"), "Mg==", Code::InvalidField),
        (Some(ISCC), "Mg==", Code::InvalidField),
        (Some(TRUSTMARK), "no base64!", Code::InvalidField),
        (Some(TRUSTMARK), "", Code::InvalidField),
        (Some(""), "Mg==", Code::InvalidField),
    ] {
        let body = json!({ "bindingValue": value, "manifestId": one, "alg": alg });
        sbr.post_json("/sbr/v1/bindings", &body).refused(code);
    }
    let hinted = format!("?hintAlg={TRUSTMARK}&hintValue={}", BASE64URL_NOPAD.encode(b"2*3"));
    let found: SoftBindingQueryResult = platform.by_content(&hinted, &jpeg(&picture(16), 90)).json_with(200);
    assert_eq!(found.matches[0].manifest_id, *one, "a hint leads there");
    platform.by_content("?hintAlg=a", &jpeg(&picture(16), 90)).refused(Code::InvalidField);
    platform.by_content("?alg=com.adobe.trustmark.P", &jpeg(&picture(16), 90)).refused(Code::InvalidField);
}

fn alike_iscc_codes_are_found(app: &TestApp) {
    let (sbr, platform) = (Sbr::of(&app.merchant()), Sbr::of(&app.platform()));
    let ids = [17, 18].map(|seed| sbr.stored(&embedded_store(&signed(seed)).unwrap()));
    let code = inspect(&jpeg(&picture(17), 90)).iscc;
    let unit = |code: [u8; 32]| [&[0x21, 0x07][..], &code].concat();
    // Three bits in one part, so that the others still agree; then one bit in each of all sixteen.
    let near = {
        let mut near = code;
        near[5] ^= 0b111;
        near
    };
    let far = {
        let mut far = code;
        far.iter_mut().step_by(2).for_each(|byte| *byte ^= 1);
        far
    };
    done(&sbr.bind("POST", None, &unit(code), &ids[0]));
    done(&sbr.bind("POST", Some(ISCC), &[&[0x30, 0x01][..], &[9; 8], &unit(near)].concat(), &ids[1]));
    let scores = |code| {
        let found: SoftBindingQueryResult = platform.by_binding(ISCC, &unit(code)).json_with(200);
        let scores = found.matches.into_iter().map(|m| (m.manifest_id, m.similarity_score.unwrap()));
        scores.collect::<Vec<_>>()
    };
    // Nobody saw a picture with these codes: they are their owner's word.
    assert_eq!(scores(code), [(ids[0].clone(), 90), (ids[1].clone(), 89)]);
    assert_eq!(scores(near), [(ids[1].clone(), 90), (ids[0].clone(), 89)]);
    assert_eq!(scores(far), []);
    let found = platform.like("?alg=io.iscc.v0", &jpeg(&picture(17), 90));
    assert_eq!(found[0], (ids[0].clone(), 90));
    // Codes of plain pictures are alike by chance: they are looked up as they are.
    done(&sbr.bind("POST", Some(ISCC), &unit([0; 32]), &ids[0]));
    assert_eq!(scores([0; 32]), [(ids[0].clone(), 90)]);
    let mut plain = [0; 32];
    plain[0] = 1;
    assert_eq!(scores(plain), []);
    done(&sbr.remove(&ids[0]));
    assert_eq!(scores(code), [(ids[1].clone(), 89)]);
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

#[test]
fn what_the_service_offers_needs_no_token() {
    let app = TestApp::start(Engine::Sqlite);
    let anybody = app.client();
    let found: WellKnownDiscovery = anybody.get("/.well-known/c2pa-soft-binding-resolution").json_with(200);
    assert_eq!(found.api_endpoint, "/sbr/v1");
    let capabilities: ServiceCapabilities = anybody.get(&found.capabilities_endpoint).json_with(200);
    assert_eq!(capabilities.c2pa_specification_version, found.c2pa_specification_version);
    assert_eq!(capabilities.supported_capabilities, ["queryByContent", "storeManifests", "storeBindings"]);
    anybody.post("/sbr/v1/matches/byReference", b"{}").refused(Code::NotFound);
    let status: ServiceStatus = anybody.get(&found.status_endpoint).json_with(200);
    assert!(status.status != ServiceState::Down);
    let algorithms: SoftBindingAlgList = anybody.get("/sbr/v1/services/supportedAlgorithms").json_with(200);
    assert_eq!(algorithms.fingerprints[0].alg, ISCC);
    assert!(algorithms.watermarks.iter().any(|found| found.alg == TRUSTMARK));
}

#[test]
fn addresses_are_whole_where_the_registry_knows_its_own() {
    let app = TestApp::start_with(Engine::Sqlite, |config| {
        config.rules.public_url = Some("https://registry.example/".to_owned());
    });
    let found: Value = app.client().get("/.well-known/c2pa-soft-binding-resolution").json_with(200);
    assert_eq!(found["apiEndpoint"], "https://registry.example/sbr/v1");
    let sbr = Sbr::of(&app.merchant());
    let id = sbr.stored(&embedded_store(&signed(22)).unwrap());
    let receipt: VerifiedManifestReceipt = sbr.receipt(&id).json_with(200);
    assert_eq!(receipt.receipt.repository.uri, "https://registry.example/sbr/v1");
}

#[test]
fn scopes_divide_who_may_do_what() {
    let app = TestApp::start(Engine::Sqlite);
    let merchant = app.merchant();
    let narrow = |scope| {
        let new = NewToken { organisation: None, scopes: vec![scope], days: 1, name: "narrow".to_owned() };
        let issued: IssuedToken = merchant.client.post_json("/v1/tokens", &new).json_with(201);
        Sbr(app.client().with_token(&issued.token))
    };
    let [fetch, store, bind] =
        [Scope::FetchManifests, Scope::StoreManifests, Scope::StoreBindings].map(narrow);
    let id = store.stored(&embedded_store(&signed(23)).unwrap());
    store.manifest(&id).refused(Code::Forbidden);
    store.by_content("", &jpeg(&picture(23), 90)).refused(Code::Forbidden);
    store.bind("POST", Some(TRUSTMARK), b"1", &id).refused(Code::Forbidden);
    assert_eq!(fetch.manifest(&id).status, 200);
    fetch.remove(&id).refused(Code::Forbidden);
    done(&bind.bind("POST", Some(TRUSTMARK), b"1", &id));
    bind.by_binding(TRUSTMARK, b"1").refused(Code::Forbidden);
    let platform = Sbr::of(&app.platform());
    platform.store("", b"x").refused(Code::Forbidden);
    let new = NewToken {
        organisation: None,
        scopes: vec![Scope::StoreManifests],
        days: 1,
        name: "more than a platform may".to_owned(),
    };
    platform.post_json("/v1/tokens", &new).refused(Code::Forbidden);
}

#[test]
fn every_limit_is_kept() {
    let app = TestApp::start_with(Engine::Sqlite, |config| {
        config.rules.max_manifest_bytes = Some(9_000);
        config.rules.max_matches = Some(2);
        config.rules.max_binding_bytes = Some(64);
        config.limits.max_uri_bytes = 300;
    });
    let sbr = Sbr::of(&app.merchant());
    let stores: Vec<Vec<u8>> = (24..27).map(|seed| embedded_store(&signed(seed)).unwrap()).collect();
    for store in &stores {
        assert!(store.len() <= 9_000, "{}", store.len());
        let id = sbr.stored(store);
        done(&sbr.bind("POST", Some(TRUSTMARK), b"all", &id));
    }
    assert_eq!(sbr.bound(TRUSTMARK, b"all").len(), 2, "never more than the registry's most");
    let query = format!("/sbr/v1/matches/byBinding?alg={TRUSTMARK}&value=YWxs");
    let count = |most: &str| {
        let found: SoftBindingQueryResult = sbr.get(&format!("{query}&maxResults={most}")).json_with(200);
        found.matches.len()
    };
    assert_eq!((count("1"), count("3"), count("99999999999999999999999")), (1, 2, 2));
    for bad in ["0", "-1", "1.5", "many", ""] {
        sbr.get(&format!("{query}&maxResults={bad}")).refused(Code::InvalidField);
    }
    sbr.get(&format!("{query}&value=YWxs")).refused(Code::MalformedRequest);
    sbr.get("/sbr/v1/matches/byBinding?alg=x").refused(Code::MalformedRequest);
    sbr.get(&format!("{query}&other={}", "x".repeat(300))).refused(Code::UriTooLong);

    let id = label(&signed(28));
    let large = [0; 65];
    sbr.by_binding(TRUSTMARK, &large[..64]).json::<SoftBindingQueryResult>();
    sbr.by_binding(TRUSTMARK, &large).refused(Code::InvalidField);
    sbr.by_binding(TRUSTMARK, &[0; 120]).refused(Code::InvalidField);
    let own = sbr.stored(&stores[0]);
    sbr.bind("POST", Some(TRUSTMARK), &large, &own).refused(Code::InvalidField);
    sbr.bind("POST", Some(TRUSTMARK), b"x", &id).refused(Code::NotFound);
    for value in 0..63_u8 {
        done(&sbr.bind("POST", Some(TRUSTMARK), &[value], &own));
    }
    sbr.bind("POST", Some(TRUSTMARK), b"one more", &own).refused(Code::InvalidField);
    done(&sbr.bind("POST", Some(TRUSTMARK), b"all", &own));
    done(&sbr.bind("PUT", Some(TRUSTMARK), b"\0", &own));
    let second = sbr.stored(&stores[1]);
    done(&sbr.bind("POST", Some(TRUSTMARK), b"moved", &second));
    sbr.bind("PUT", Some(TRUSTMARK), b"moved", &own).refused(Code::InvalidField);
    assert_eq!(sbr.bound(TRUSTMARK, b"moved"), [second], "what is refused changes nothing");

    sbr.store("", &[0; 9_001]).refused(Code::BodyTooLarge);
    sbr.store("", b"no store").refused(Code::InvalidManifest);
    sbr.store("?returnReceipt=1", &stores[0]).refused(Code::InvalidField);
    sbr.send("POST", "/sbr/v1/manifests", Some(("application/json", b"{}"))).refused(Code::MalformedRequest);
    sbr.get(&format!("/sbr/v1/manifests/{own}?returnActiveManifest=yes")).refused(Code::InvalidField);

    sbr.by_content("?maxResults=0", &jpeg(&picture(24), 90)).refused(Code::InvalidField);
    sbr.by_content("", b"no picture").refused(Code::UnsupportedMediaType);
    let cut_off = jpeg(&picture(24), 90);
    sbr.by_content("", &cut_off[..cut_off.len() / 3]).refused(Code::InvalidField);
    let audio = sbr.send("POST", "/sbr/v1/matches/byContent", Some(("audio/mpeg", b"x")));
    audio.refused(Code::UnsupportedMediaType);
    // A manifest that is too large for the repository stays with its picture.
    let app = TestApp::start_with(Engine::Sqlite, |config| config.rules.max_manifest_bytes = Some(100));
    let (_, receipt) = register(&app.merchant(), &signed(29));
    assert_eq!(receipt.manifest, None);
}
