//! Soft bindings: values that are bound to manifests and looked up, alike ones too.

use super::{Sbr, TRUSTMARK, done, signed};
use crate::{
    actors::inspect,
    pictures::{jpeg, picture},
    support::TestApp,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::json;
use touchstone_inspect::c2pa::embedded_store;
use touchstone_schema::{
    ManifestId,
    problem::ProblemCode as Code,
    sbr::{ISCC, SoftBindingQuery, SoftBindingQueryResult},
};

on_both!(values_are_bound_and_looked_up, alike_iscc_codes_are_found);

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
