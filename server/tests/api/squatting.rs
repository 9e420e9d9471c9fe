//! Whose a label and a soft binding are when somebody else says that they are his.

use crate::{
    actors::inspect,
    forging::with_label,
    pictures::{Authority, jpeg, picture, resized},
    sbr::{Sbr, TRUSTMARK, done, label, register, signed, stripped},
    support::{Engine, TestApp},
};
use data_encoding::BASE64URL_NOPAD;
use touchstone_inspect::c2pa::embedded_store;
use touchstone_schema::{
    ManifestId,
    label::DigitalSourceType,
    problem::ProblemCode as Code,
    sbr::{ISCC, VerifiedManifestReceipt},
    statement::View,
};

on_both!(
    what_was_seen_comes_before_what_is_claimed,
    who_brings_the_picture_owns_its_manifest,
    of_two_who_bring_the_picture_at_once_one_owns_its_manifest,
);

fn what_was_seen_comes_before_what_is_claimed(app: &TestApp) {
    let (merchant, squatter) = (app.merchant(), Sbr::of(&app.merchant()));
    let platform = Sbr::of(&app.platform());
    let file = signed(31);
    let (_, receipt) = register(&merchant, &file);
    let seen = receipt.manifest.unwrap();
    // Somebody signs a copy of the picture and claims its code, for a manifest that came alone.
    let copy = jpeg(&picture(31), 80);
    let code = inspect(&copy).iscc;
    let claiming = Authority::new().sign_with_soft_binding(&copy);
    let claimed = squatter.stored(&embedded_store(&claiming).unwrap());
    let unit = [&[0x21, 0x07][..], &code].concat();
    assert_eq!(platform.bound(ISCC, &unit).last(), Some(&claimed), "this test must meet the trap");
    for photo in [copy.clone(), jpeg(&resized(&picture(31), 60), 70)] {
        for query in ["", "?alg=io.iscc.v0"] {
            let found = platform.like(query, &photo);
            assert_eq!(found.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&seen, &claimed], "{query}");
            assert!(found[0].1 >= 94 && found[1].1 <= 90, "{found:?}");
        }
        assert_eq!(platform.like("?maxResults=1", &photo)[0].0, seen);
    }
    // A hint is no more than the claim.
    let hinted = format!("?hintAlg={ISCC}&hintValue={}", BASE64URL_NOPAD.encode(&unit));
    assert_eq!(platform.like(&hinted, &copy)[0].0, seen);
    // What its owner also claims was seen all the same, and is claimed alone once the picture is gone.
    let own = signed(32);
    let sbr = Sbr::of(&merchant);
    let id = sbr.stored(&embedded_store(&own).unwrap());
    let unit = [&[0x21, 0x07][..], &inspect(&own).iscc].concat();
    done(&sbr.bind("POST", Some(ISCC), &unit, &id));
    let score = || platform.like("?alg=io.iscc.v0", &jpeg(&picture(32), 90))[0].1;
    assert_eq!(score(), 90);
    let (statement, _) = register(&merchant, &own);
    assert_eq!(score(), 100);
    assert_eq!(merchant.delete_record(&statement).status, 200);
    assert_eq!(score(), 90);
}

/// The manifest is this one's alone.
#[track_caller]
fn owns(owner: &Sbr, id: &ManifestId, others: &[&Sbr]) {
    for other in others {
        for method in ["POST", "PUT"] {
            let problem = other.bind(method, Some(TRUSTMARK), b"2*8", id).refused(Code::NotOwner);
            assert!(!problem.remedy.contains("scope"), "no scope helps: {problem:?}");
        }
        other.remove(id).refused(Code::NotOwner);
    }
    done(&owner.bind("POST", Some(TRUSTMARK), b"2*8", id));
}

fn who_brings_the_picture_owns_its_manifest(app: &TestApp) {
    let (owner, third) = (app.merchant(), app.merchant());
    let (squatter, platform) = (Sbr::of(&app.merchant()), Sbr::of(&app.platform()));
    let (own, also) = (Sbr::of(&owner), Sbr::of(&third));
    for deleted in [false, true] {
        // The squatter has seen the file somewhere, and keeps its manifest before its owner comes.
        let file = signed(if deleted { 38 } else { 37 });
        let store = embedded_store(&file).unwrap();
        let id = squatter.stored(&store);
        done(&squatter.bind("POST", Some(TRUSTMARK), b"2*9", &id));
        if deleted {
            done(&squatter.remove(&id));
        }
        let size = app.log_size();
        let (statement, receipt) = register(&owner, &file);
        assert_eq!(receipt.manifest.as_ref(), Some(&id));
        // What leaves is named before what comes: afterwards the log says that it is here.
        let last = app.log_size() - 1;
        assert_eq!(last - size, if deleted { 1 } else { 2 });
        assert_eq!(receipt.observed_at_index, Some(last));
        owns(&own, &id, &[&squatter]);
        assert_eq!(platform.bound(TRUSTMARK, b"2*9"), [], "its word went with it");
        assert_eq!(platform.like("", &stripped(&file)), [(id.clone(), 100)]);
        let verified: VerifiedManifestReceipt = platform.receipt(&id).json_with(200);
        assert!(verified.verified, "{verified:?}");
        assert_eq!(verified.receipt.anchor.proof["logIndex"], last);
        // Neither the store again nor another picture of it changes whose it is.
        app.stores_nothing(|| assert_eq!(squatter.stored(&store), id));
        let (second, receipt) = register(&third, &file);
        assert_eq!(receipt.manifest.as_ref(), Some(&id));
        owns(&own, &id, &[&squatter, &also]);
        // With its picture it passes on, as it does from anybody.
        assert_eq!(owner.delete_record(&statement).status, 200);
        owns(&also, &id, &[&squatter, &own]);
        assert_eq!(third.delete_record(&second).status, 200);
        platform.manifest(&id).refused(Code::NotFound);
        // What its owner deleted, the squatter keeps until its owner brings the picture again.
        register(&owner, &file);
        done(&own.remove(&id));
        assert_eq!(squatter.stored(&store), id);
        owns(&squatter, &id, &[&own]);
        register(&owner, &file);
        owns(&own, &id, &[&squatter]);
        // A manifest that stays at home gives nobody anything.
        done(&own.remove(&id));
        assert_eq!(squatter.stored(&store), id);
        let accepted = third.declare(&file, View::Listing);
        let path = format!("/v1/statements/{}/content?keep_manifest=false", accepted.id);
        assert_eq!(third.client.put(&path, "image/jpeg", &file).status, 200);
        owns(&squatter, &id, &[&own, &also]);
        done(&squatter.remove(&id));
    }
}

fn of_two_who_bring_the_picture_at_once_one_owns_its_manifest(app: &TestApp) {
    let members = [app.merchant(), app.merchant()];
    let squatter = Sbr::of(&app.merchant());
    let file = signed(39);
    let id = squatter.stored(&embedded_store(&file).unwrap());
    let size = app.log_size();
    std::thread::scope(|scope| {
        let uploads = members.each_ref().map(|member| scope.spawn(|| register(member, &file).1));
        for upload in uploads {
            assert_eq!(upload.join().unwrap().manifest.as_ref(), Some(&id));
        }
    });
    assert_eq!(app.log_size() - size, 5, "two pictures, and the squatter's store leaves once");
    let answers = members.each_ref().map(|member| {
        let answer = Sbr::of(member).bind("POST", Some(TRUSTMARK), b"2*8", &id);
        answer.status
    });
    assert!(matches!(answers, [204, 403] | [403, 204]), "{answers:?}");
    squatter.remove(&id).refused(Code::NotOwner);
}

/// A registry that trusts what this authority certifies.
fn trusting(engine: Engine, authority: &Authority) -> (TestApp, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("registrants.pem");
    std::fs::write(&list, authority.pem()).unwrap();
    let app = TestApp::start_with(engine, |config| config.rules.c2pa_registrants = Some(list.clone()));
    (app, folder)
}

#[test]
fn a_trusted_signer_is_not_shut_out_by_a_squatter() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (app, _folder) = trusting(engine, &authority);
        let (owner, squatter) = (app.merchant(), app.merchant());
        let platform = Sbr::of(&app.platform());
        for alone in [false, true] {
            let file = authority.sign(&jpeg(&picture(33), 90), DigitalSourceType::DigitalCapture);
            let (id, store) = (label(&file), embedded_store(&file).unwrap());
            // The squatter's own picture under that label, seen by the registry.
            let taken = with_label(&stranger, "Stranger", &jpeg(&picture(34), 90), &id);
            let (statement, receipt) = register(&squatter, &taken);
            assert_eq!(receipt.manifest.as_ref(), Some(&id), "the label is free");
            let size = app.log_size();
            if alone {
                assert_eq!(Sbr::of(&owner).stored(&store), id);
            } else {
                assert_eq!(register(&owner, &file).1.manifest.as_ref(), Some(&id));
            }
            assert_eq!(app.log_size() - size, if alone { 2 } else { 3 }, "the log says what left");
            assert_eq!(platform.manifest(&id).body, store);
            assert_eq!(platform.like("", &stripped(&taken)), [], "the other store is gone");
            Sbr::of(&squatter).remove(&id).refused(Code::NotOwner);
            // Nobody unknown takes it back, alone or with a picture.
            Sbr::of(&squatter).store("", &embedded_store(&taken).unwrap()).refused(Code::ManifestConflict);
            assert_eq!(squatter.delete_record(&statement).status, 200);
            let (_, receipt) =
                register(&squatter, &with_label(&stranger, "Stranger", &jpeg(&picture(35), 90), &id));
            assert_eq!(receipt.manifest, None);
            // Of two signers who are trusted the first one has it.
            let second = with_label(&authority, "Second", &jpeg(&picture(36), 90), &id);
            Sbr::of(&owner).store("", &embedded_store(&second).unwrap()).refused(Code::ManifestConflict);
            if !alone {
                assert_eq!(register(&owner, &second).1.manifest, None);
            }
            assert_eq!(platform.manifest(&id).body, store);
            done(&Sbr::of(&owner).remove(&id));
        }
    }
}
