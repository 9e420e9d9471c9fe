//! What registrants and platforms do from one end to the other, on both engines.

use crate::{
    actors::{fresh_key, inspect, logged},
    client::Answer,
    pictures::{jpeg, picture, with_gb45438},
    support::{BEGIN, ORIGIN, TestApp, time},
};
use touchstone_schema::{
    StatementId,
    api::{Acknowledgement, BatchItem, BatchResult, CallerInfo, CheckResult, ContentReceipt, Scope},
    envelope::{self, STATEMENT_TYPE, VERDICT_TYPE},
    key::PublicKey,
    leaf,
    problem::ProblemCode as Code,
    statement::{Body, ContentObserved, KeyAdded, KeyRevoked, KeyRotated, Kind, Role, Statement, View},
    verdict::{Binding, Conclusion, Context, FindingKind, Limit, Recommendation, Verdict},
};

on_both!(
    a_picture_is_registered_found_and_checked,
    an_output_is_registered_and_its_label_found,
    a_duplicate_gets_the_first_acknowledgement,
    a_batch_answers_each_statement_for_itself,
    a_record_in_place_of_pixels_counts_as_declared,
    a_deleted_record_is_forgotten_and_its_statement_is_not,
    the_recovery_key_rotates_and_revokes,
    the_operator_adds_and_revokes_keys,
    a_suspended_organisation_is_shut_out,
    a_statement_is_for_one_registry_and_one_issuer,
    checks_are_seen_by_their_own_organisation_until_they_expire,
    what_was_registered_is_found_after_a_restart,
);

/// The verdict in the envelope of a check, after its signature.
fn signed_verdict(app: &TestApp, result: &CheckResult) -> Verdict {
    let opened = envelope::open(result.envelope.as_bytes(), VERDICT_TYPE).unwrap();
    assert!(opened.verifies(&app.info().verdict_key), "the registry's verdict key signed it");
    assert!(!opened.verifies(&app.info().operator_key), "and no other key");
    serde_json::from_slice(&opened.payload).unwrap()
}

/// A statement as anyone reads it, after its signature.
fn signed_statement(app: &TestApp, id: &StatementId, key: &PublicKey) -> Statement {
    let view = app.anonymous().statement(id);
    let opened = envelope::open(view.envelope.as_bytes(), STATEMENT_TYPE).unwrap();
    assert!(opened.verifies(key));
    assert_eq!(view.leaf_hash, leaf::hash(&leaf::encode(view.accepted_at, view.envelope.as_bytes())));
    let statement = Statement::parse(&opened.payload).unwrap();
    assert_eq!(view.statement, serde_json::from_slice::<serde_json::Value>(&opened.payload).unwrap());
    assert_eq!((view.kind, view.id), (statement.body.kind(), *id));
    statement
}

fn a_picture_is_registered_found_and_checked(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let file = jpeg(&picture(1), 90);
    let before = app.info();
    assert_eq!((before.origin.as_str(), before.time), (ORIGIN, time(BEGIN)));
    let accepted = merchant.declare(&file, View::Listing);
    assert_eq!((accepted.log_index, accepted.accepted_at), (before.log_size, time(BEGIN)));
    app.clock.move_by(60);
    let receipt = merchant.uploaded(&accepted.id, &file);
    assert_eq!((receipt.observed_at_index, receipt.searchable), (Some(accepted.log_index + 1), true));
    assert_eq!(merchant.uploaded(&accepted.id, &file), receipt, "a repetition changes nothing");
    assert_eq!(app.log_size(), before.log_size + 2);

    let statement = signed_statement(app, &accepted.id, &merchant.public_key());
    assert!(matches!(statement.body, Body::ImageRegistered(_)));
    let view = app.anonymous().statement(&accepted.id);
    assert_eq!((view.issuer, view.issuer_name), (merchant.id.to_string(), merchant.name.clone()));
    assert_eq!((view.observed_at_index, view.withdrawn), (receipt.observed_at_index, false));

    let digest = inspect(&file).sha256;
    let found = app.anonymous().content(&digest);
    let [found] = found.statements.as_slice() else { panic!("{found:?}") };
    assert_eq!((found.id, found.issuer, found.kind), (accepted.id, merchant.id, Kind::ImageRegistered));
    assert!(found.whole_file && !found.withdrawn);

    let context = Context { order_time: Some(app.now()), ..Context::default() };
    let result = platform.check(&file, &context);
    assert_eq!(signed_verdict(app, &result), result.verdict);
    let verdict = result.verdict;
    assert_eq!((verdict.check, verdict.registry.as_str()), (result.id, ORIGIN));
    assert_eq!((verdict.checked_at, verdict.log_size), (app.now(), app.log_size()));
    assert_eq!((verdict.conclusion, verdict.photo.sha256), (Conclusion::Original, Some(digest)));
    assert_eq!((verdict.photo.width, verdict.photo.height), (Some(640), Some(480)));
    assert_eq!(verdict.context, context);
    let best = verdict.best_match.unwrap();
    assert_eq!((best.statement, best.issuer), (accepted.id, merchant.id));
    assert_eq!((best.role, best.view), (Role::Merchant, Some(View::Listing)));
    assert_eq!(best.file_name.as_deref(), Some("cup.jpg"), "folders are cut off");
    assert_eq!((best.binding, best.registered_before), (Binding::Observed, Some(true)));
    assert_eq!(app.log_size(), before.log_size + 2, "a check is no log entry");
}

fn an_output_is_registered_and_its_label_found(app: &TestApp) {
    let vendor = app.vendor();
    let label = vendor.label("output-1");
    let file = with_gb45438(&jpeg(&picture(2), 90), label.gb45438.as_ref().unwrap());
    let accepted = vendor.register_output(&file, &label);
    signed_statement(app, &accepted.id, &vendor.public_key());
    let found = app.anonymous().labels(&vendor.code, "output-1").labels;
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((found.statement, found.issuer), (accepted.id, vendor.id));
    assert_eq!((&found.label, found.sha256), (&label, inspect(&file).sha256));
    assert!(!found.corrected && !found.withdrawn);
    assert_eq!(app.anonymous().labels(&vendor.code, "output-2").labels, []);
    let observed = vendor.uploaded(&accepted.id, &file).observed_at_index.unwrap();
    assert_eq!(observed, accepted.log_index + 1);
}

fn a_duplicate_gets_the_first_acknowledgement(app: &TestApp) {
    let merchant = app.merchant();
    let envelope = merchant.sign(merchant.claim(&jpeg(&picture(3), 90), View::Packing));
    let first: Acknowledgement = merchant.submit(&envelope).json_with(201);
    app.clock.move_by(3_600);
    let again = Acknowledgement { duplicate: true, ..first.clone() };
    app.stores_nothing(|| {
        assert_eq!(merchant.submit(&envelope).json_with::<Acknowledgement>(200), again);
        // Wrapped otherwise, it is still the same statement.
        let spaced = String::from_utf8(envelope.clone()).unwrap().replace("\",\"", "\" , \"");
        assert_eq!(merchant.submit(spaced.as_bytes()).json_with::<Acknowledgement>(200), again);
        let batch = [br#"{"statements":["#, envelope.as_slice(), b"]}"].concat();
        let result: BatchResult = merchant.submit(&batch).json_with(200);
        assert_eq!(result.results, [BatchItem::Accepted(again.clone())]);
    });
    // The same claim, signed anew, is another statement.
    let other = merchant.declare(&jpeg(&picture(3), 90), View::Packing);
    assert_eq!(other.log_index, first.log_index + 1);
    let batch = merchant.sign(merchant.claim(&jpeg(&picture(4), 90), View::Packing));
    let batch = [br#"{"statements":["#, batch.as_slice(), b",", &batch, b"]}"].concat();
    let result: BatchResult = merchant.submit(&batch).json_with(200);
    let [BatchItem::Accepted(one), BatchItem::Accepted(two)] = result.results.as_slice() else {
        panic!("{result:?}")
    };
    assert_eq!((one.log_index, two.log_index), (other.log_index + 1, other.log_index + 1));
    assert!(!one.duplicate && two.duplicate, "also within one batch");
}

fn a_batch_answers_each_statement_for_itself(app: &TestApp) {
    let merchant = app.merchant();
    let mut claim = merchant.claim(&jpeg(&picture(5), 90), View::Listing);
    let mut envelopes: Vec<Vec<u8>> = (0..300)
        .map(|number| {
            claim.product = Some(format!("cup {number}"));
            merchant.sign(claim.clone())
        })
        .collect();
    // Cut out of the middle of the signature and put in again the other way round.
    envelopes[10] = {
        let text = String::from_utf8(envelopes[10].clone()).unwrap();
        let (head, signature) = text.split_once("\"sig\":\"").unwrap();
        let turned: String = signature[..80].chars().rev().collect();
        format!("{head}\"sig\":\"{turned}{}", &signature[80..]).into_bytes()
    };
    let mut elsewhere = merchant.statement(claim.clone());
    elsewhere.audience = "other.test/log".to_owned();
    envelopes[150] = elsewhere.sign(&merchant.key).unwrap();
    envelopes[299] = br#"{"nonsense":1}"#.to_vec();
    let body = [br#"{"statements":["#, envelopes.join(b",".as_slice()).as_slice(), b"]}"].concat();
    let size = app.log_size();
    let answer = merchant.submit(&body);
    let results: BatchResult = answer.json_with(200);
    assert_eq!(results.results.len(), 300);
    let mut next = size;
    let mut refused = Vec::new();
    for (place, item) in results.results.iter().enumerate() {
        match item {
            BatchItem::Accepted(acknowledgement) => {
                assert_eq!((acknowledgement.log_index, acknowledgement.duplicate), (next, false));
                next += 1;
            }
            BatchItem::Refused { problem } => {
                assert_eq!(problem.instance.as_deref(), Some(answer.request_id()));
                refused.push((place, problem.code.clone()));
            }
        }
    }
    let expected = [(10, Code::InvalidSignature), (150, Code::WrongAudience), (299, Code::MalformedEnvelope)];
    assert_eq!(refused, expected.map(|(place, code)| (place, code.code().to_owned())));
    assert_eq!((next, app.log_size()), (size + 297, size + 297));
}

fn a_record_in_place_of_pixels_counts_as_declared(app: &TestApp) {
    let (merchant, platform) = (app.merchant(), app.platform());
    let file = jpeg(&picture(6), 92);
    let (accepted, record) = merchant.register_record(&file, View::Packing);
    let verdict = platform.look(&jpeg(&picture(6), 60)).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Copy);
    assert_eq!(verdict.recommendation, Recommendation::HumanReview, "a near match by declaration alone");
    assert!(verdict.limits.contains(&Limit::DeclaredOnly));
    let best = verdict.best_match.unwrap();
    assert_eq!((best.statement, best.binding), (accepted.id, Binding::Declared));
    app.stores_nothing(|| {
        let mut other = record.clone();
        other.insert(1, b' ');
        merchant.put_record(&accepted.id, &other).refused(Code::ContentMismatch);
        let unbound = merchant.withdraw(&accepted.id.to_string().replace("stm_0", "stm_1").parse().unwrap());
        unbound.refused(Code::UnknownStatement);
    });
    // Now with pixels: the registry's own computation replaces the declared one.
    merchant.uploaded(&accepted.id, &file);
    merchant.put_record(&accepted.id, &record).refused(Code::Conflict);
    let verdict = platform.look(&jpeg(&picture(6), 60)).verdict;
    assert_eq!(verdict.best_match.unwrap().binding, Binding::Observed);
    assert_eq!(verdict.recommendation, Recommendation::AskForAnotherPhoto);
    // A statement that binds no record takes none.
    let bare = merchant.declare(&jpeg(&picture(7), 90), View::Packing);
    merchant.put_record(&bare.id, &record).refused(Code::ContentMismatch);
}

fn a_deleted_record_is_forgotten_and_its_statement_is_not(app: &TestApp) {
    let (merchant, other, platform) = (app.merchant(), app.merchant(), app.platform());
    let file = jpeg(&picture(8), 92);
    let accepted = merchant.register(&file, View::Listing);
    let copy = jpeg(&picture(8), 60);
    assert_eq!(platform.look(&copy).verdict.conclusion, Conclusion::Copy);
    app.stores_nothing(|| other.delete_record(&accepted.id).refused(Code::NotOwner));
    let tombstone = logged(&merchant.delete_record(&accepted.id));
    assert_eq!(tombstone.log_index, app.log_size() - 1);
    let view = app.anonymous().statement(&tombstone.statement);
    assert_eq!((view.kind, view.issuer.as_str()), (Kind::RecordDeleted, "registry"));
    app.stores_nothing(|| {
        assert_eq!(logged(&merchant.delete_record(&accepted.id)), tombstone, "deleting is idempotent");
        merchant.upload(&accepted.id, &file).refused(Code::ContentDeleted);
    });
    let verdict = platform.look(&copy).verdict;
    assert_eq!((verdict.conclusion, verdict.best_match), (Conclusion::Unknown, None));
    let verdict = platform.look(&file).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Original, "the digest stands in the log");
    assert_eq!(verdict.best_match.unwrap().file_name, None);
    assert_eq!(app.anonymous().content(&inspect(&file).sha256).statements.len(), 1);
}

fn the_recovery_key_rotates_and_revokes(app: &TestApp) {
    let merchant = app.merchant();
    let claim = |seed| merchant.claim(&jpeg(&picture(seed), 90), View::Packing);
    let new = fresh_key();
    let rotation = KeyRotated { organisation: merchant.id, old: merchant.public_key(), new: (&new).into() };
    app.stores_nothing(|| {
        // A stolen signing key cannot take the organisation over.
        merchant.submit(&merchant.sign(rotation.clone())).refused(Code::UnknownKey);
        let statement = merchant.statement(claim(9)).sign(&merchant.recovery).unwrap();
        merchant.submit(&statement).refused(Code::UnknownKey);
        let early = merchant.statement(claim(9)).sign(&new).unwrap();
        merchant.submit(&early).refused(Code::UnknownKey);
    });
    let rotated: Acknowledgement =
        merchant.submit(&merchant.sign_to_recover(rotation.clone())).json_with(201);
    app.stores_nothing(|| {
        merchant.submit(&merchant.sign(claim(9))).refused(Code::RevokedKey);
        merchant.submit(&merchant.sign_to_recover(rotation)).refused(Code::Conflict);
    });
    let signed = merchant.statement(claim(9)).sign(&new).unwrap();
    merchant.submit(&signed).json_with::<Acknowledgement>(201);
    let caller: CallerInfo = merchant.client.get("/v1/caller").json_with(200);
    assert_eq!((caller.organisation, caller.role), (Some(merchant.id), Some(Role::Merchant)));
    assert_eq!(caller.scopes, Scope::of_role(Role::Merchant));
    let [key] = caller.keys.as_slice() else { panic!("{caller:?}") };
    assert_eq!((key.public_key, key.valid_from_index), ((&new).into(), rotated.log_index));

    let further = fresh_key();
    let addition = KeyAdded { organisation: merchant.id, key: (&further).into() };
    merchant.submit(&merchant.sign_to_recover(addition)).json_with::<Acknowledgement>(201);
    let revocation = KeyRevoked {
        organisation: merchant.id,
        key: (&new).into(),
        suspect_from_index: Some(rotated.log_index),
        reason: "a laptop was lost".to_owned(),
    };
    merchant.submit(&merchant.sign_to_recover(revocation)).json_with::<Acknowledgement>(201);
    let keys = app.operator().organisation(&merchant.id).keys;
    let revoked = keys.iter().find(|key| key.public_key == (&new).into()).unwrap();
    assert_eq!(revoked.suspect_from_index, Some(rotated.log_index));
    app.stores_nothing(|| {
        let late = merchant.statement(claim(10)).sign(&new).unwrap();
        merchant.submit(&late).refused(Code::RevokedKey);
    });
    let signed = merchant.statement(claim(10)).sign(&further).unwrap();
    merchant.submit(&signed).json_with::<Acknowledgement>(201);
}

fn the_operator_adds_and_revokes_keys(app: &TestApp) {
    let (operator, merchant, other) = (app.operator(), app.merchant(), app.merchant());
    let second = fresh_key();
    let added = logged(&operator.add_key(&merchant.id, &second));
    app.stores_nothing(|| {
        operator.add_key(&merchant.id, &second).refused(Code::Conflict);
        operator.add_key(&other.id, &second).refused(Code::Conflict);
        operator.revoke_key(&other.id, &merchant.key_id, None).refused(Code::NotFound);
    });
    let claim = merchant.claim(&jpeg(&picture(11), 90), View::Packing);
    let by_second = merchant.statement(claim.clone()).sign(&second).unwrap();
    merchant.submit(&by_second).json_with::<Acknowledgement>(201);
    let revoked = logged(&operator.revoke_key(&merchant.id, &merchant.key_id, Some(added.log_index)));
    app.stores_nothing(|| {
        operator.revoke_key(&merchant.id, &merchant.key_id, None).refused(Code::Conflict);
        merchant.submit(&merchant.sign(claim.clone())).refused(Code::RevokedKey);
    });
    let info = operator.organisation(&merchant.id);
    let key = info.keys.iter().find(|key| key.key == merchant.key_id).unwrap();
    assert_eq!(key.revoked_at_index, Some(revoked.log_index));
    assert_eq!(key.suspect_from_index, Some(added.log_index));
    assert_eq!(info.keys.len(), 2, "revoked ones included, recovery keys not");
    let view = app.anonymous().statement(&revoked.statement);
    assert_eq!(view.kind, Kind::KeyRevoked);
    signed_statement(app, &revoked.statement, &app.info().operator_key);
}

fn a_suspended_organisation_is_shut_out(app: &TestApp) {
    let (operator, merchant, platform) = (app.operator(), app.merchant(), app.platform());
    let file = jpeg(&picture(12), 90);
    let accepted = merchant.register(&file, View::Listing);
    let envelope = merchant.sign(merchant.claim(&file, View::Listing));
    logged(&operator.suspend(&merchant.id));
    app.stores_nothing(|| {
        operator.suspend(&merchant.id).refused(Code::Conflict);
        merchant.submit(&envelope).refused(Code::OrganisationSuspended);
        merchant.upload(&accepted.id, &file).refused(Code::OrganisationSuspended);
        merchant.delete_record(&accepted.id).refused(Code::OrganisationSuspended);
        merchant.client.get("/v1/caller").refused(Code::OrganisationSuspended);
    });
    assert!(operator.organisation(&merchant.id).suspended);
    let verdict = platform.look(&file).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Original, "its entries stay");
    assert!(verdict.findings.iter().any(|finding| finding.kind == FindingKind::IssuerSuspended));
}

fn a_statement_is_for_one_registry_and_one_issuer(app: &TestApp) {
    let (merchant, other, vendor) = (app.merchant(), app.merchant(), app.vendor());
    let file = jpeg(&picture(13), 90);
    let claim = merchant.claim(&file, View::Listing);
    let accepted = merchant.accepted(claim.clone());
    app.stores_nothing(|| {
        let mut replayed = merchant.statement(claim.clone());
        replayed.audience = "sandbox.test/log".to_owned();
        merchant.submit(&replayed.sign(&merchant.key).unwrap()).refused(Code::WrongAudience);
        // What another organisation signed is not taken from this one, before or after it was accepted.
        let theirs = other.sign(other.claim(&file, View::Listing));
        merchant.submit(&theirs).refused(Code::WrongIssuer);
        let envelope = app.anonymous().statement(&accepted.id).envelope;
        other.submit(envelope.as_bytes()).refused(Code::WrongIssuer);
        // In its name, with the own key.
        let forged = other.statement(claim.clone()).sign(&merchant.key).unwrap();
        other.submit(&forged).refused(Code::UnknownKey);
        let registrys = {
            let mut statement = merchant.statement(claim.clone());
            statement.issuer = touchstone_schema::statement::Issuer::Registry;
            statement.sign(&merchant.key).unwrap()
        };
        merchant.submit(&registrys).refused(Code::WrongIssuer);
        // What a role may not say.
        let output = vendor.claim(&file, &vendor.label("x"));
        merchant.submit(&merchant.sign(output)).refused(Code::WrongRole);
        vendor.submit(&vendor.sign(claim.clone())).refused(Code::WrongRole);
        let observed = ContentObserved {
            statement: accepted.id,
            content: claim.content.clone(),
            width: 1,
            height: 1,
            c2pa: None,
        };
        merchant.submit(&merchant.sign(observed)).refused(Code::WrongRole);
        // What belongs to others.
        other.withdraw(&accepted.id).refused(Code::UnknownStatement);
        other.upload(&accepted.id, &file).refused(Code::NotOwner);
    });
}

fn checks_are_seen_by_their_own_organisation_until_they_expire(app: &TestApp) {
    let (platform, other, regulator) = (app.platform(), app.platform(), app.regulator());
    let result = app.stores_nothing(|| platform.look(&jpeg(&picture(14), 90)));
    let path = format!("/v1/checks/{}", result.id);
    let read = |answer: Answer| answer.refused(Code::NotFound).detail;
    let nothing = read(other.client.get("/v1/checks/chk_00000000000000000000000000"));
    assert_eq!(read(other.client.get(&path)), nothing, "it does not even tell that there is one");
    assert_eq!(read(regulator.client.get(&path)), nothing);
    app.client().get(&path).refused(Code::Unauthenticated);
    app.operator().client.get(&path).refused(Code::Forbidden);
    app.clock.move_by(180 * 86_400 - 1);
    platform.client.get(&path).json_with::<CheckResult>(200);
    app.clock.move_by(1);
    platform.client.get(&path).refused(Code::NotFound);
}

fn what_was_registered_is_found_after_a_restart(app: &TestApp) {
    let mut again = TestApp::start(app.engine);
    let (merchant, platform) = (again.merchant(), again.platform());
    let accepted = merchant.register(&jpeg(&picture(15), 90), View::Listing);
    let gone = merchant.register(&jpeg(&picture(16), 90), View::Listing);
    logged(&merchant.delete_record(&gone.id));
    let withdrawn = merchant.register(&jpeg(&picture(17), 90), View::Listing);
    merchant.withdraw(&withdrawn.id).json_with::<Acknowledgement>(201);
    let size = again.log_size();
    again.restart();
    assert_eq!(again.log_size(), size);
    let client = again.again(&platform.client);
    let check = |seed| -> CheckResult {
        client.post_form("/v1/checks", &[("photo", &jpeg(&picture(seed), 60))]).json_with(201)
    };
    let verdict = check(15).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Copy);
    assert_eq!(verdict.best_match.unwrap().statement, accepted.id);
    assert_eq!(check(16).verdict.best_match, None);
    assert_eq!(check(17).verdict.best_match, None, "a withdrawn picture is not found by its looks");
    let merchant_client = again.again(&merchant.client);
    let path = format!("/v1/statements/{}/content", accepted.id);
    let receipt: ContentReceipt =
        merchant_client.put(&path, "image/jpeg", &jpeg(&picture(15), 90)).json_with(200);
    assert_eq!(receipt.observed_at_index, Some(accepted.log_index + 1));
}
