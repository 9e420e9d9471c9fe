//! Every conclusion and every finding that can be reached, each brought about through the public interface.

use crate::{
    actors::{inspect, logged},
    pictures::{
        Authority, flat, jpeg, mirrored, picture, png, resized, turned, with_gb45438, with_manifest_of,
        with_source_type,
    },
    support::{Engine, TestApp},
};
use image::RgbImage;
use std::collections::BTreeSet;
use touchstone_schema::{
    Timestamp,
    api::{Acknowledgement, FingerprintCheck},
    label::{DigitalSourceType, Gb45438Label},
    record::Code256,
    statement::View,
    verdict::{
        Basis, Binding, Conclusion, Context, Finding, FindingKind, Limit, Recommendation, Relation, Strength,
        Verdict,
    },
};

fn app() -> TestApp {
    TestApp::start(Engine::Sqlite)
}

fn kinds(verdict: &Verdict) -> BTreeSet<FindingKind> {
    verdict.findings.iter().map(|finding| finding.kind).collect()
}

#[track_caller]
fn finding(verdict: &Verdict, kind: FindingKind) -> &Finding {
    let found = verdict.findings.iter().find(|finding| finding.kind == kind);
    found.unwrap_or_else(|| panic!("no {kind:?} among {:?}", kinds(verdict)))
}

/// What holds of every verdict.
#[track_caller]
fn concluded(verdict: &Verdict, conclusion: Conclusion, recommendation: Recommendation) {
    assert_eq!(
        (verdict.conclusion, verdict.recommendation),
        (conclusion, recommendation),
        "{:?} {}",
        kinds(verdict),
        verdict.reason.en
    );
    assert!(verdict.findings.windows(2).all(|pair| pair[0].strength >= pair[1].strength), "strongest first");
    for text in verdict.findings.iter().map(|finding| &finding.summary).chain([&verdict.reason]) {
        assert!(!text.en.is_empty() && !text.zh.is_empty());
        let accusing = ["fraud", "fake", "liar", "dishonest"];
        assert!(accusing.iter().all(|word| !text.en.to_lowercase().contains(word)), "{}", text.en);
    }
    if let Some(best) = &verdict.best_match {
        let tied = verdict.findings.iter().any(|finding| finding.statement == Some(best.statement));
        assert!(tied, "the match is among the findings");
    }
}

fn after(app: &TestApp, seconds: i64) -> Option<Timestamp> {
    Some(app.now().saturating_add_seconds(seconds))
}

/// A context in which everything was registered in good time, once the clock has moved on.
fn timely(app: &TestApp) -> Context {
    app.clock.move_by(3_600);
    Context {
        order_time: after(app, -60),
        dispatch_time: after(app, -40),
        claim_time: after(app, -20),
        ..Context::default()
    }
}

// Originals and copies

#[test]
fn the_same_bytes_are_the_original() {
    let app = app();
    let (merchant, platform) = (app.merchant(), app.platform());
    let file = jpeg(&picture(1), 90);
    let accepted = merchant.register(&file, View::Listing);
    let verdict = platform.check(&file, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
    assert_eq!(kinds(&verdict), [FindingKind::SameBytes].into());
    let same = finding(&verdict, FindingKind::SameBytes);
    assert_eq!((same.strength, same.rests_on), (Strength::Conclusive, Basis::Digest));
    assert_eq!((same.statement, same.log_index), (Some(accepted.id), Some(accepted.log_index)));
    assert_eq!((same.registered_before, same.binding), (Some(true), Some(Binding::Observed)));
    let best = verdict.best_match.unwrap();
    assert_eq!((best.relation, best.accepted_at), (Relation::SameBytes, accepted.accepted_at));
    assert_eq!(verdict.limits, []);
    assert_eq!(verdict.alterations, []);
}

#[test]
fn the_same_bytes_with_a_manifest_more_or_less_are_the_original() {
    let app = app();
    let (merchant, platform, authority) = (app.merchant(), app.platform(), Authority::new());
    let bare = jpeg(&picture(2), 90);
    let signed = authority.sign(&bare, DigitalSourceType::DigitalCapture);
    let registered = merchant.register(&bare, View::Packing);
    let verdict = platform.check(&signed, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
    finding(&verdict, FindingKind::SameContent);
    assert_eq!(verdict.best_match.as_ref().unwrap().statement, registered.id);
    // Its signer is nobody that this registry trusts.
    assert_eq!(finding(&verdict, FindingKind::C2paValid).strength, Strength::Supporting);

    let bare = jpeg(&picture(3), 90);
    let signed = authority.sign(&bare, DigitalSourceType::DigitalCapture);
    let registered = merchant.register(&signed, View::Packing);
    let verdict = platform.check(&bare, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
    assert_eq!(kinds(&verdict), [FindingKind::SameContent].into());
    assert_eq!(verdict.best_match.unwrap().statement, registered.id);
}

#[test]
fn an_encoded_resized_turned_or_mirrored_picture_is_a_copy() {
    let app = app();
    let (merchant, platform) = (app.merchant(), app.platform());
    let original = picture(4);
    let accepted = merchant.register(&jpeg(&original, 92), View::Packing);
    merchant.register(&jpeg(&picture(5), 92), View::Packing);
    let context = timely(&app);
    let photos: [(&str, Vec<u8>); 6] = [
        ("encoded", jpeg(&original, 45)),
        ("as PNG", png(&original)),
        ("resized", jpeg(&resized(&original, 40), 80)),
        ("turned", jpeg(&turned(&original), 80)),
        ("mirrored", jpeg(&mirrored(&original), 80)),
        ("turned, mirrored and resized", jpeg(&resized(&mirrored(&turned(&original)), 60), 70)),
    ];
    for (what, photo) in photos {
        let verdict = platform.check(&photo, &context).verdict;
        concluded(&verdict, Conclusion::Copy, Recommendation::AskForAnotherPhoto);
        assert_eq!(kinds(&verdict), [FindingKind::SimilarPicture].into(), "{what}");
        let similar = finding(&verdict, FindingKind::SimilarPicture);
        assert_eq!((similar.strength, similar.rests_on), (Strength::Strong, Basis::Fingerprint));
        assert!(similar.distance.unwrap() <= 31, "{what}");
        assert_eq!(verdict.limits, [Limit::SmallReference], "{what}");
        let best = verdict.best_match.unwrap();
        assert_eq!((best.statement, best.relation), (accepted.id, Relation::SameCapture), "{what}");
    }
}

#[test]
fn a_painted_crack_is_an_alteration() {
    let app = app();
    let (merchant, platform) = (app.merchant(), app.platform());
    let accepted = merchant.register(&jpeg(&picture(6), 92), View::Packing);
    let mut cracked = picture(6);
    for step in 0..120 {
        for width in 0..3 {
            cracked.put_pixel(250 + step + width, 180 + step / 2 + (step % 7), image::Rgb([20, 16, 14]));
        }
    }
    let verdict = platform.check(&jpeg(&cracked, 85), &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Altered, Recommendation::HumanReview);
    assert_eq!(verdict.best_match.as_ref().unwrap().statement, accepted.id);
    assert!(finding(&verdict, FindingKind::AlteredRegions).limits.contains(&Limit::SmallReference));
}

// AI labels

#[test]
fn a_registered_output_with_its_label_is_synthetic() {
    let app = app();
    let (vendor, platform) = (app.vendor(), app.platform());
    let label = vendor.label("output-1");
    let file = with_gb45438(&jpeg(&picture(1), 92), label.gb45438.as_ref().unwrap());
    let accepted = vendor.register_output(&file, &label);
    let context = timely(&app);
    let verdict = platform.check(&file, &context).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    let expected = [FindingKind::SameBytes, FindingKind::LabelRegistered, FindingKind::LabelInFile];
    assert_eq!(kinds(&verdict), expected.into());
    assert_eq!(verdict.best_match.as_ref().unwrap().statement, accepted.id);
    assert_eq!(verdict.best_match.as_ref().unwrap().view, None);
    let in_file = finding(&verdict, FindingKind::LabelInFile);
    assert_eq!((in_file.strength, in_file.limits.as_slice()), (Strength::Hint, &[Limit::Unsigned][..]));
    assert_eq!(finding(&verdict, FindingKind::LabelRegistered).rests_on, Basis::Log);
    // Encoded again with the label kept.
    let kept = with_gb45438(&jpeg(&picture(1), 50), label.gb45438.as_ref().unwrap());
    let verdict = platform.check(&kept, &context).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    assert!(kinds(&verdict).contains(&FindingKind::SimilarPicture));
}

#[test]
fn an_unregistered_label_says_how_far_it_can_be_trusted() {
    let platform_of = |app: &TestApp| app.platform();
    let app = app();
    let platform = platform_of(&app);
    let declared = with_source_type(&jpeg(&picture(2), 90), DigitalSourceType::TrainedAlgorithmicMedia);
    let verdict = platform.look(&declared).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    assert_eq!(finding(&verdict, FindingKind::LabelInFile).strength, Strength::Hint);
    assert!(verdict.limits.contains(&Limit::Unsigned));
    assert_eq!(verdict.best_match, None);

    let authority = Authority::new();
    let signed = authority.sign(&jpeg(&picture(3), 90), DigitalSourceType::TrainedAlgorithmicMedia);
    let verdict = platform.look(&signed).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    assert_eq!(finding(&verdict, FindingKind::LabelInFile).strength, Strength::Supporting);
    finding(&verdict, FindingKind::C2paValid);
    assert!(!verdict.limits.contains(&Limit::Unsigned));

    // A file that says a camera took it, unsigned, is worth nothing.
    let captured = with_source_type(&jpeg(&picture(4), 90), DigitalSourceType::DigitalCapture);
    let verdict = platform.look(&captured).verdict;
    concluded(&verdict, Conclusion::Unknown, Recommendation::Proceed);
}

#[test]
fn trusted_credentials_are_believed() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("registrants.pem");
    std::fs::write(&list, authority.pem()).unwrap();
    let app =
        TestApp::start_with(Engine::Sqlite, |config| config.rules.c2pa_registrants = Some(list.clone()));
    let (merchant, platform) = (app.merchant(), app.platform());
    let captured = authority.sign(&jpeg(&picture(5), 90), DigitalSourceType::DigitalCapture);
    let verdict = platform.look(&captured).verdict;
    concluded(&verdict, Conclusion::Captured, Recommendation::Proceed);
    assert_eq!(kinds(&verdict), [FindingKind::C2paTrusted, FindingKind::CaptureCredential].into());
    assert!(verdict.limits.contains(&Limit::WatermarksNotChecked));

    let synthetic = authority.sign(&jpeg(&picture(6), 90), DigitalSourceType::TrainedAlgorithmicMedia);
    let verdict = platform.look(&synthetic).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    assert_eq!(finding(&verdict, FindingKind::LabelInFile).strength, Strength::Strong);
    finding(&verdict, FindingKind::C2paTrusted);

    // Somebody else's signature under another root stays what it is.
    let other = Authority::new().sign(&jpeg(&picture(7), 90), DigitalSourceType::DigitalCapture);
    let verdict = platform.look(&other).verdict;
    concluded(&verdict, Conclusion::Unknown, Recommendation::Proceed);
    finding(&verdict, FindingKind::C2paValid);

    // A match takes precedence over credentials.
    merchant.register(&jpeg(&picture(5), 60), View::Listing);
    let verdict = platform.check(&captured, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Copy, Recommendation::AskForAnotherPhoto);
}

/// A registered output with an implicit label, and a platform.
struct Labelled {
    app: TestApp,
    vendor: crate::actors::Vendor,
    platform: crate::actors::Platform,
    label: Gb45438Label,
    output: Acknowledgement,
    drawn: RgbImage,
}

fn labelled(seed: u64) -> Labelled {
    let app = app();
    let (vendor, platform) = (app.vendor(), app.platform());
    let label = vendor.label("output-1");
    let drawn = picture(seed);
    let implicit = label.gb45438.clone().unwrap();
    let output = vendor.register_output(&with_gb45438(&jpeg(&drawn, 92), &implicit), &label);
    Labelled { app, vendor, platform, label: implicit, output, drawn }
}

impl Labelled {
    #[track_caller]
    fn relabelled(&self, photo: &[u8], kind: FindingKind) -> Verdict {
        let verdict = self.platform.check(photo, &timely(&self.app)).verdict;
        concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
        let departure = finding(&verdict, kind);
        assert_eq!(departure.statement, Some(self.output.id));
        verdict
    }
}

#[test]
fn a_stripped_label_is_relabelled() {
    let scene = labelled(8);
    for photo in [jpeg(&scene.drawn, 92), jpeg(&resized(&scene.drawn, 50), 70), png(&turned(&scene.drawn))] {
        let verdict = scene.relabelled(&photo, FindingKind::LabelRemoved);
        assert!(kinds(&verdict).contains(&FindingKind::LabelRegistered));
        assert_eq!(finding(&verdict, FindingKind::LabelRemoved).strength, Strength::Strong);
        assert!(verdict.reason.en.contains(&scene.vendor.name));
    }
}

#[test]
fn a_label_that_says_captured_is_relabelled() {
    let scene = labelled(9);
    let bare = jpeg(&scene.drawn, 80);
    scene.relabelled(&with_source_type(&bare, DigitalSourceType::DigitalCapture), FindingKind::LabelChanged);
    // A leftover beside the kept label takes nothing away from it.
    let kept = with_gb45438(&with_source_type(&bare, DigitalSourceType::DigitalCapture), &scene.label);
    let verdict = scene.platform.check(&kept, &timely(&scene.app)).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
}

#[test]
fn a_swapped_or_weakened_label_is_relabelled() {
    let scene = labelled(10);
    let bare = jpeg(&scene.drawn, 80);
    let with = |change: fn(&mut Gb45438Label)| {
        let mut label = scene.label.clone();
        change(&mut label);
        with_gb45438(&bare, &label)
    };
    let swapped = with(|label| "somebody-else".clone_into(&mut label.content_producer));
    scene.relabelled(&swapped, FindingKind::LabelChanged);
    let renumbered = with(|label| "output-77".clone_into(&mut label.produce_id));
    scene.relabelled(&renumbered, FindingKind::LabelChanged);
    let weakened = with(|label| "3".clone_into(&mut label.label));
    scene.relabelled(&weakened, FindingKind::LabelChanged);
    let kept = scene.platform.check(&with(|_| ()), &timely(&scene.app)).verdict;
    concluded(&kept, Conclusion::Synthetic, Recommendation::HumanReview);
}

#[test]
fn a_cut_manifest_is_relabelled() {
    let app = app();
    let (vendor, platform, authority) = (app.vendor(), app.platform(), Authority::new());
    let bare = jpeg(&picture(11), 90);
    let signed = authority.sign(&bare, DigitalSourceType::TrainedAlgorithmicMedia);
    let output = vendor.register_output(&signed, &vendor.bare_label("output-1"));
    let context = timely(&app);
    let verdict = platform.check(&signed, &context).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    let verdict = platform.check(&bare, &context).verdict;
    concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
    finding(&verdict, FindingKind::SameContent);
    let removed = finding(&verdict, FindingKind::LabelRemoved);
    assert_eq!((removed.statement, removed.strength), (Some(output.id), Strength::Conclusive));
    let verdict = platform.check(&jpeg(&picture(11), 60), &context).verdict;
    concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
    finding(&verdict, FindingKind::LabelRemoved);
}

#[test]
fn a_transplanted_label_is_relabelled() {
    let scene = labelled(12);
    let photo = with_gb45438(&jpeg(&picture(13), 90), &scene.label);
    let verdict = scene.relabelled(&photo, FindingKind::LabelTransplanted);
    let transplanted = finding(&verdict, FindingKind::LabelTransplanted);
    assert!(transplanted.distance.unwrap() > 80);
    assert_eq!((transplanted.strength, verdict.best_match.is_none()), (Strength::Strong, true));
    // Of another size it might be a crop: that the label is registered is said, and that it could not be compared.
    let crop = with_gb45438(&jpeg(&resized(&picture(13), 70), 90), &scene.label);
    let verdict = scene.platform.check(&crop, &timely(&scene.app)).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    assert!(!kinds(&verdict).contains(&FindingKind::LabelTransplanted));
    assert_eq!(finding(&verdict, FindingKind::LabelRegistered).limits, [Limit::MayBeMissed]);
    // A registration that was accepted after the claim accuses nobody.
    let early = Context {
        claim_time: Some(scene.output.accepted_at.saturating_add_seconds(-1)),
        ..Context::default()
    };
    let verdict = scene.platform.check(&photo, &early).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Synthetic);
}

// Nothing known

#[test]
fn an_unrelated_picture_is_unknown_and_counts_against_nobody() {
    let app = app();
    let (merchant, platform) = (app.merchant(), app.platform());
    merchant.register(&jpeg(&picture(1), 90), View::Packing);
    let verdict = platform.check(&jpeg(&picture(2), 90), &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Unknown, Recommendation::Proceed);
    assert_eq!((verdict.findings.len(), verdict.best_match), (0, None));
    assert_eq!(verdict.limits, [Limit::MayBeMissed, Limit::WatermarksNotChecked]);
}

#[test]
fn what_was_registered_after_the_claim_proves_nothing() {
    let app = app();
    let (merchant, platform) = (app.merchant(), app.platform());
    let claim_time = Some(app.now());
    app.clock.move_by(1);
    let file = jpeg(&picture(3), 90);
    let accepted = merchant.register(&file, View::Packing);
    let context = Context { claim_time, ..Context::default() };
    for photo in [file, jpeg(&picture(3), 50)] {
        let verdict = platform.check(&photo, &context).verdict;
        concluded(&verdict, Conclusion::Unknown, Recommendation::Proceed);
        assert_eq!(verdict.best_match, None);
        let late = finding(&verdict, FindingKind::RegisteredAfterClaim);
        assert_eq!((late.statement, late.registered_before), (Some(accepted.id), Some(false)));
        assert!(verdict.reason.en.contains("after the claim"), "{}", verdict.reason.en);
    }
}

#[test]
fn a_withdrawn_picture_proves_nothing() {
    let app = app();
    let (merchant, platform) = (app.merchant(), app.platform());
    let file = jpeg(&picture(4), 90);
    let accepted = merchant.register(&file, View::Listing);
    assert_eq!(merchant.withdraw(&accepted.id).status, 201);
    let verdict = platform.check(&file, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Unknown, Recommendation::Proceed);
    assert_eq!(finding(&verdict, FindingKind::Withdrawn).statement, Some(accepted.id));
    assert_eq!(verdict.best_match, None);
    assert!(!verdict.reason.en.contains("after the claim"), "{}", verdict.reason.en);
}

#[test]
fn an_empty_picture_is_known_by_its_bytes_alone() {
    let app = app();
    let (merchant, platform) = (app.merchant(), app.platform());
    let file = png(&flat(140));
    let accepted = merchant.declare(&file, View::Packing);
    assert!(!merchant.uploaded(&accepted.id, &file).searchable);
    let context = timely(&app);
    let verdict = platform.check(&file, &context).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
    let verdict = platform.check(&jpeg(&flat(140), 90), &context).verdict;
    concluded(&verdict, Conclusion::Unknown, Recommendation::AskForAnotherPhoto);
    assert_eq!(kinds(&verdict), [FindingKind::Uninformative].into());
    assert_eq!(verdict.best_match, None);
}

// Conflicts and cautions

#[test]
fn two_claims_to_one_picture_go_to_a_person() {
    let app = app();
    let (first, second, platform) = (app.merchant(), app.merchant(), app.platform());
    let file = jpeg(&picture(5), 90);
    let one = first.register(&file, View::Listing);
    app.clock.move_by(10);
    let two = second.register(&file, View::Listing);
    let verdict = platform.check(&file, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::HumanReview);
    assert_eq!(verdict.best_match.as_ref().unwrap().statement, one.id, "the older one");
    assert_eq!(finding(&verdict, FindingKind::ConflictingClaims).statement, Some(two.id));
    // One merchant may register its picture twice.
    let own = jpeg(&picture(6), 90);
    first.register(&own, View::Listing);
    first.register(&own, View::Packing);
    let verdict = platform.check(&own, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
}

#[test]
fn a_merchants_original_that_a_vendor_registered_as_output_goes_to_a_person() {
    let app = app();
    let (merchant, vendor, platform) = (app.merchant(), app.vendor(), app.platform());
    let label = vendor.label("output-1");
    let file = with_gb45438(&jpeg(&picture(7), 90), label.gb45438.as_ref().unwrap());
    merchant.register(&file, View::Listing);
    let output = vendor.register_output(&file, &label);
    let verdict = platform.check(&file, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    assert_eq!(verdict.best_match.as_ref().unwrap().statement, output.id);
    finding(&verdict, FindingKind::MerchantAndAi);
    assert!(!kinds(&verdict).contains(&FindingKind::ConflictingClaims));
}

#[test]
fn an_entry_by_a_suspect_key_goes_to_a_person() {
    let app = app();
    let (operator, merchant, platform) = (app.operator(), app.merchant(), app.platform());
    let (before, since) = (jpeg(&picture(8), 90), jpeg(&picture(9), 90));
    merchant.register(&before, View::Listing);
    let suspect = merchant.register(&since, View::Listing);
    logged(&operator.revoke_key(&merchant.id, &merchant.key_id, Some(suspect.log_index)));
    let context = timely(&app);
    let verdict = platform.check(&since, &context).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::HumanReview);
    assert_eq!(finding(&verdict, FindingKind::SuspectKey).statement, Some(suspect.id));
    let verdict = platform.check(&before, &context).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
}

#[test]
fn an_entry_of_a_suspended_issuer_goes_to_a_person() {
    let app = app();
    let (operator, merchant, platform) = (app.operator(), app.merchant(), app.platform());
    let file = jpeg(&picture(10), 90);
    let accepted = merchant.register(&file, View::Listing);
    logged(&operator.suspend(&merchant.id));
    let verdict = platform.check(&file, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::HumanReview);
    assert_eq!(finding(&verdict, FindingKind::IssuerSuspended).statement, Some(accepted.id));
}

#[test]
fn a_changed_pixel_breaks_the_manifest() {
    let app = app();
    let (merchant, platform, authority) = (app.merchant(), app.platform(), Authority::new());
    let original = picture(11);
    let signed = authority.sign(&jpeg(&original, 90), DigitalSourceType::DigitalCapture);
    let mut changed = original;
    for x in 300..316 {
        for y in 200..216 {
            changed.put_pixel(x, y, image::Rgb([255, 0, 0]));
        }
    }
    let photo = with_manifest_of(&signed, &jpeg(&changed, 90));
    let verdict = platform.look(&photo).verdict;
    concluded(&verdict, Conclusion::Unknown, Recommendation::HumanReview);
    let broken = finding(&verdict, FindingKind::C2paInvalid);
    assert_eq!(broken.rests_on, Basis::Credential);
    assert!(!kinds(&verdict).contains(&FindingKind::CaptureCredential));
    merchant.register(&signed, View::Packing);
    let verdict = platform.check(&photo, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Copy, Recommendation::HumanReview);
    finding(&verdict, FindingKind::C2paInvalid);
}

// Time

#[test]
fn each_view_is_compared_with_its_own_time() {
    let app = app();
    let (merchant, platform) = (app.merchant(), app.platform());
    let files = [(1, View::Listing), (2, View::Packing), (3, View::Shipping)];
    for (seed, view) in files {
        merchant.register(&jpeg(&picture(seed), 90), view);
    }
    let none = Context::default();
    // The seeds 1 to 3 show a listing, a packing and a shipping picture, registered now.
    let cases: [(u64, Context, Option<bool>); 13] = [
        (1, Context { order_time: after(&app, 1), ..none.clone() }, Some(true)),
        (1, Context { order_time: after(&app, 0), ..none.clone() }, Some(false)),
        (1, Context { order_time: after(&app, -1), ..none.clone() }, Some(false)),
        (1, Context { dispatch_time: after(&app, 1), claim_time: after(&app, 2), ..none.clone() }, None),
        (1, none.clone(), None),
        (2, Context { dispatch_time: after(&app, 1), ..none.clone() }, Some(true)),
        (
            2,
            Context { dispatch_time: after(&app, -1), claim_time: after(&app, 9), ..none.clone() },
            Some(false),
        ),
        (2, Context { claim_time: after(&app, 1), ..none.clone() }, Some(true)),
        (2, Context { order_time: after(&app, 1), ..none.clone() }, None),
        (2, none.clone(), None),
        (3, Context { dispatch_time: after(&app, 1), ..none.clone() }, Some(true)),
        (3, Context { claim_time: after(&app, 1), ..none.clone() }, Some(true)),
        (3, none, None),
    ];
    for (seed, context, expected) in cases {
        let verdict = platform.check(&jpeg(&picture(seed), 90), &context).verdict;
        let recommendation = match expected {
            Some(false) => Recommendation::HumanReview,
            _ => Recommendation::AskForAnotherPhoto,
        };
        concluded(&verdict, Conclusion::Original, recommendation);
        assert_eq!(verdict.best_match.as_ref().unwrap().registered_before, expected, "{context:?}");
        assert_eq!(finding(&verdict, FindingKind::SameBytes).registered_before, expected);
        assert_eq!(verdict.limits.contains(&Limit::TimeMissing), expected.is_none());
    }
    // An AI output is compared with the order time.
    let vendor = app.vendor();
    let output = jpeg(&picture(4), 90);
    vendor.register_output(&output, &vendor.bare_label("output-1"));
    let verdict =
        platform.check(&output, &Context { order_time: after(&app, 1), ..Context::default() }).verdict;
    assert_eq!(verdict.best_match.unwrap().registered_before, Some(true));
    let verdict =
        platform.check(&output, &Context { dispatch_time: after(&app, 1), ..Context::default() }).verdict;
    assert_eq!(verdict.best_match.unwrap().registered_before, None);
}

// Fingerprints alone

#[test]
fn fingerprints_alone_find_and_the_verdict_says_that_no_pixels_were_seen() {
    let app = app();
    let (merchant, platform) = (app.merchant(), app.platform());
    let file = jpeg(&picture(5), 90);
    let accepted = merchant.register(&file, View::Packing);
    let context = timely(&app);
    let nothing = FingerprintCheck {
        sha256: None,
        sha256_without_manifest: None,
        pdq: None,
        dhash: None,
        pdq_quality: None,
        context: context.clone(),
    };
    let own = inspect(&file);
    let by_digest = FingerprintCheck { sha256: Some(own.sha256), ..nothing.clone() };
    let verdict = platform.check_fingerprints(&by_digest).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
    assert_eq!(verdict.best_match.unwrap().statement, accepted.id);
    assert_eq!(verdict.limits, [Limit::PixelsNotSeen]);

    let copy = inspect(&jpeg(&picture(5), 50));
    let by_looks = |pdq, quality| FingerprintCheck {
        pdq: Some(Code256(pdq)),
        dhash: None,
        pdq_quality: Some(quality),
        ..nothing.clone()
    };
    let verdict = platform.check_fingerprints(&by_looks(copy.pdq.hash, copy.pdq.quality)).verdict;
    concluded(&verdict, Conclusion::Copy, Recommendation::AskForAnotherPhoto);
    assert!(verdict.limits.contains(&Limit::PixelsNotSeen));
    assert_eq!(verdict.photo.sha256, None);

    let verdict = platform.check_fingerprints(&by_looks(copy.pdq.hash, 10)).verdict;
    concluded(&verdict, Conclusion::Unknown, Recommendation::AskForAnotherPhoto);
    assert_eq!(kinds(&verdict), [FindingKind::Uninformative].into());
    let other = inspect(&jpeg(&picture(6), 50));
    let verdict = platform.check_fingerprints(&by_looks(other.pdq.hash, 100)).verdict;
    concluded(&verdict, Conclusion::Unknown, Recommendation::Proceed);
    assert!(verdict.limits.contains(&Limit::PixelsNotSeen));
}

#[test]
fn fingerprints_alone_are_no_proof_that_a_label_was_removed() {
    let scene = labelled(14);
    let file = with_gb45438(&jpeg(&scene.drawn, 92), &scene.label);
    let own = inspect(&file);
    // The label stands in the file, which the registry does not see.
    let check = FingerprintCheck {
        sha256: None,
        sha256_without_manifest: None,
        pdq: Some(Code256(own.pdq.hash)),
        dhash: None,
        pdq_quality: Some(own.pdq.quality),
        context: timely(&scene.app),
    };
    let verdict = scene.platform.check_fingerprints(&check).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    assert!(!kinds(&verdict).contains(&FindingKind::LabelRemoved));
}
