//! Whose a label and a soft binding are when somebody else says that they are his.

use crate::{
    actors::inspect,
    forging::with_label,
    pictures::{Authority, jpeg, picture, resized},
    sbr::{Sbr, done, label, register, signed, stripped},
    support::{Engine, TestApp},
};
use data_encoding::BASE64URL_NOPAD;
use touchstone_inspect::c2pa::embedded_store;
use touchstone_schema::{label::DigitalSourceType, problem::ProblemCode as Code, sbr::ISCC};

on_both!(what_was_seen_comes_before_what_is_claimed);

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
            Sbr::of(&squatter).remove(&id).refused(Code::Forbidden);
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
