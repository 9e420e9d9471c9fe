//! Registered labels: provider codes, corrections, withdrawals. On both engines.

use crate::{
    actors::{fresh_key, inspect, logged},
    pictures::{jpeg, picture, with_gb45438},
    support::TestApp,
};
use touchstone_schema::{
    api::{Acknowledgement, NewOrganisation},
    label::{AiAttribute, DigitalSourceType, LabelBasis},
    problem::ProblemCode as Code,
    statement::{EvidenceRecorded, Kind, LabelCorrected, Role, View},
    verdict::{Conclusion, FindingKind},
};

on_both!(
    a_provider_code_belongs_to_one_vendor,
    a_corrected_label_holds_from_then_on,
    a_withdrawn_statement_stays_visible,
);

fn a_provider_code_belongs_to_one_vendor(app: &TestApp) {
    let (operator, vendor, other, merchant) = (app.operator(), app.vendor(), app.vendor(), app.merchant());
    let file = jpeg(&picture(1), 90);
    app.stores_nothing(|| {
        let mut borrowed = other.bare_label("1");
        borrowed.producer.clone_from(&vendor.code);
        other.submit(&other.sign(other.claim(&file, &borrowed))).refused(Code::UnboundCode);
        operator.bind_code(&other.id, &vendor.code).refused(Code::Conflict);
        operator.bind_code(&vendor.id, &vendor.code).refused(Code::Conflict);
        operator.bind_code(&merchant.id, "a-code").refused(Code::InvalidField);
        operator.bind_code(&vendor.id, "").refused(Code::InvalidField);
        let taken = NewOrganisation {
            name: "Late".to_owned(),
            role: Role::AiVendor,
            public_key: (&fresh_key()).into(),
            recovery_key: None,
            proof_of_possession: None,
            provider_codes: vec!["a-free-code".to_owned(), vendor.code.clone()],
        };
        operator.client.post_json("/v1/organisations", &taken).refused(Code::Conflict);
    });
    // Nobody owns a name that was not bound; the refused admission has bound nothing.
    let mut free = other.bare_label("1");
    "a-free-code".clone_into(&mut free.producer);
    other.accepted(other.claim(&file, &free));
    let bound = logged(&operator.bind_code(&vendor.id, "a-free-code"));
    assert_eq!(app.anonymous().statement(&bound.statement).kind, Kind::CodeBound);
    assert_eq!(operator.organisation(&vendor.id).provider_codes.len(), 2);
    app.stores_nothing(|| {
        other.submit(&other.sign(other.claim(&file, &free))).refused(Code::UnboundCode);
    });
    vendor.accepted(vendor.claim(&file, &free));
}

fn a_corrected_label_holds_from_then_on(app: &TestApp) {
    let (vendor, other, merchant) = (app.vendor(), app.vendor(), app.merchant());
    let label = vendor.label("output-1");
    let file = with_gb45438(&jpeg(&picture(2), 90), label.gb45438.as_ref().unwrap());
    let accepted = vendor.register_output(&file, &label);
    let mut corrected = label.clone();
    corrected.attribute = AiAttribute::Possible;
    corrected.basis = LabelBasis::UserDeclared;
    corrected.digital_source_type = DigitalSourceType::CompositeWithTrainedAlgorithmicMedia;
    corrected.gb45438.as_mut().unwrap().label = "2".to_owned();
    let correction = LabelCorrected {
        statement: accepted.id,
        label: corrected.clone(),
        reason: "a person drew the background".to_owned(),
    };
    app.stores_nothing(|| {
        let mut theirs = correction.clone();
        theirs.label = other.label("output-1");
        other.submit(&other.sign(theirs)).refused(Code::UnknownStatement);
        merchant.submit(&merchant.sign(correction.clone())).refused(Code::WrongRole);
        let mut inconsistent = correction.clone();
        inconsistent.label.attribute = AiAttribute::Suspected;
        assert!(vendor.statement(inconsistent).sign(&vendor.key).is_err(), "the two attributes differ");
    });
    vendor.accepted(correction.clone());
    let found = app.anonymous().labels(&vendor.code, "output-1").labels;
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((found.statement, found.corrected), (accepted.id, true));
    assert_eq!(found.label, corrected);
    // The latest correction holds, also under another number; the number of before still leads to it.
    let mut renumbered = correction;
    renumbered.label = vendor.label("output-1b");
    vendor.accepted(renumbered);
    for number in ["output-1", "output-1b"] {
        let found = app.anonymous().labels(&vendor.code, number).labels;
        assert_eq!(found.len(), 1, "{number}");
        assert_eq!(found[0].label.content_id, "output-1b");
    }
    let view = app.anonymous().statement(&accepted.id);
    assert_eq!(view.statement["body"]["label"]["content_id"], "output-1", "the old entry stays as it was");
}

fn a_withdrawn_statement_stays_visible(app: &TestApp) {
    let (vendor, merchant, platform) = (app.vendor(), app.merchant(), app.platform());
    let label = vendor.label("output-9");
    let file = with_gb45438(&jpeg(&picture(3), 90), label.gb45438.as_ref().unwrap());
    let output = vendor.register_output(&file, &label);
    let own = jpeg(&picture(4), 90);
    let listing = merchant.register(&own, View::Listing);
    vendor.withdraw(&output.id).json_with::<Acknowledgement>(201);
    merchant.withdraw(&listing.id).json_with::<Acknowledgement>(201);
    app.stores_nothing(|| {
        vendor.withdraw(&output.id).refused(Code::Conflict);
        vendor.upload(&output.id, &file).refused(Code::Conflict);
        let correction = LabelCorrected { statement: output.id, label, reason: "late".to_owned() };
        vendor.submit(&vendor.sign(correction)).refused(Code::Conflict);
    });
    assert!(app.anonymous().labels(&vendor.code, "output-9").labels[0].withdrawn);
    assert!(app.anonymous().statement(&listing.id).withdrawn);
    let found = app.anonymous().content(&inspect(&own).sha256).statements;
    assert!(found.len() == 1 && found[0].withdrawn);
    let verdict = platform.look(&own).verdict;
    assert_eq!((verdict.conclusion, verdict.best_match), (Conclusion::Unknown, None));
    assert!(verdict.findings.iter().any(|finding| finding.kind == FindingKind::Withdrawn));

    // Evidence without a picture can be withdrawn too, and takes no content.
    let evidence = merchant.accepted(EvidenceRecorded {
        media_type: "video/mp4".to_owned(),
        sha256: inspect(&own).sha256,
        bytes: 10_000_000,
        chunk_bytes: 1 << 20,
        chunks: inspect(&own).sha256,
        order_commitment: inspect(&own).sha256,
        record: None,
    });
    merchant.upload(&evidence.id, &own).refused(Code::Conflict);
    let withdrawal: Acknowledgement = merchant.withdraw(&evidence.id).json_with(201);
    merchant.withdraw(&withdrawal.id).refused(Code::UnknownStatement);
}
