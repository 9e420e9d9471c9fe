//! What becomes of registered labels and manifests in photos, each brought about with a file made for it.

use crate::{
    forging::edited_as,
    pictures::{
        Authority, jpeg, picture, png, resized, turned, with_gb45438, with_manifest_of, with_png_text,
        with_source_type,
    },
    support::{Engine, TestApp},
    verdicts::{app, concluded, finding, kinds, timely},
};
use image::RgbImage;
use touchstone_inspect::labels::integrity::Sm2SigningKey;
use touchstone_schema::{
    api::Acknowledgement,
    label::{DigitalSourceType, Gb45438Label, LabelLevel, LabelScheme},
    label_integrity::SignedForm,
    statement::View,
    verdict::{
        Conclusion, Context, FindingKind, Limit, Recommendation, Relation, SourceTypeChange, Strength,
        Verdict,
    },
};

/// A registered output with an implicit label, and a platform.
pub(crate) struct Labelled {
    pub(crate) app: TestApp,
    pub(crate) vendor: crate::actors::Vendor,
    pub(crate) platform: crate::actors::Platform,
    pub(crate) label: Gb45438Label,
    pub(crate) output: Acknowledgement,
    pub(crate) drawn: RgbImage,
}

pub(crate) fn labelled(seed: u64) -> Labelled {
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
    // Another label does not stand for the implicit one.
    let source = with_source_type(&jpeg(&scene.drawn, 80), DigitalSourceType::TrainedAlgorithmicMedia);
    scene.relabelled(&source, FindingKind::LabelRemoved);
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
    // A heavy crop on the same canvas looks like this, too: it is what its label says, and a person looks at it.
    let verdict = scene.platform.check(&photo, &timely(&scene.app)).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    let elsewhere = finding(&verdict, FindingKind::LabelTransplanted);
    assert!(elsewhere.distance.unwrap() > 80);
    assert_eq!((elsewhere.strength, verdict.best_match.is_none()), (Strength::Supporting, true));
    // Of another size it might be a crop: that the label is registered is said, and that it could not be compared.
    let crop = with_gb45438(&jpeg(&resized(&picture(13), 70), 90), &scene.label);
    let verdict = scene.platform.check(&crop, &timely(&scene.app)).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    assert!(!kinds(&verdict).contains(&FindingKind::LabelTransplanted));
    assert_eq!(finding(&verdict, FindingKind::LabelRegistered).limits, [Limit::MayBeMissed]);
    // A picture that is registered without a label is certainly another one.
    scene.app.merchant().register(&jpeg(&picture(13), 92), View::Listing);
    let verdict = scene.relabelled(&photo, FindingKind::LabelTransplanted);
    let transplanted = finding(&verdict, FindingKind::LabelTransplanted);
    assert_eq!((transplanted.strength, verdict.best_match.is_some()), (Strength::Strong, true));
    // A registration that was accepted after the claim accuses nobody.
    let early = Context {
        claim_time: Some(scene.output.accepted_at.saturating_add_seconds(-1)),
        ..Context::default()
    };
    let verdict = scene.platform.check(&photo, &early).verdict;
    assert_eq!(verdict.conclusion, Conclusion::Synthetic);
    assert!(!kinds(&verdict).contains(&FindingKind::LabelTransplanted));
}

#[test]
fn a_source_type_that_says_less_is_relabelled() {
    let app = app();
    let (vendor, platform) = (app.vendor(), app.platform());
    let bare = jpeg(&picture(14), 90);
    let wholly = DigitalSourceType::TrainedAlgorithmicMedia;
    vendor.register_output(&with_source_type(&bare, wholly), &vendor.bare_label("output-1"));
    // Whether it carried a label is known from the file, which the registry saw.
    let again = jpeg(&picture(14), 60);
    let verdict = platform.check(&with_source_type(&again, wholly), &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    for less in [DigitalSourceType::CompositeWithTrainedAlgorithmicMedia, DigitalSourceType::DigitalCapture] {
        let verdict = platform.check(&with_source_type(&again, less), &timely(&app)).verdict;
        concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
        let changed = finding(&verdict, FindingKind::LabelChanged);
        assert!(changed.summary.en.contains("source type"), "{}", changed.summary.en);
    }
}

#[test]
fn nothing_weaker_takes_the_place_of_a_label() {
    let app = app();
    let (vendor, platform) = (app.vendor(), app.platform());
    let drawn = picture(22);
    let wholly = with_source_type(&jpeg(&drawn, 90), DigitalSourceType::TrainedAlgorithmicMedia);
    vendor.register_output(&wholly, &vendor.bare_label("output-1"));
    let suspected = Gb45438Label {
        label: "3".to_owned(),
        content_propagator: "somebody".to_owned(),
        propagate_id: "1".to_owned(),
        ..Gb45438Label::default()
    };
    // An implicit label that is less sure, and a generator's own text in a PNG, which is no label.
    let less = with_gb45438(&jpeg(&drawn, 70), &suspected);
    let traced = with_png_text(
        &png(&drawn),
        "parameters",
        "a cup\nNegative prompt: none\nSteps: 20, Sampler: Euler a",
    );
    // The first one is what a platform has to write into a file that comes without any: nothing was put in the place of
    // the registered label, which is missing.
    for photo in [less, traced] {
        let verdict = platform.check(&photo, &timely(&app)).verdict;
        concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
        finding(&verdict, FindingKind::LabelRemoved);
    }
    // One with a producer of its own is in its place.
    let own =
        Gb45438Label { content_producer: "somebody".to_owned(), produce_id: "1".to_owned(), ..suspected };
    let verdict = platform.check(&with_gb45438(&jpeg(&drawn, 70), &own), &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
    finding(&verdict, FindingKind::LabelChanged);
}

#[test]
fn what_was_only_declared_accuses_nobody_of_a_new_signature() {
    let (app, _folder) = trusting(None);
    let (merchant, platform) = (app.merchant(), app.platform());
    let photo = jpeg(&picture(23), 90);
    let taken = Authority::new().sign(&photo, DigitalSourceType::DigitalCapture);
    merchant.declare(&taken, View::Packing);
    for edited in [false, true] {
        let from: &[u8] = if edited { &taken } else { &photo };
        let anew = Authority::new().sign_as("Platform", from, DigitalSourceType::DigitalCapture, edited);
        let verdict = platform.check(&anew, &timely(&app)).verdict;
        assert_eq!(verdict.conclusion, Conclusion::Original, "{verdict:#?}");
        assert!(!kinds(&verdict).contains(&FindingKind::C2paResigned));
    }
}

#[test]
fn each_change_of_a_label_is_called_by_its_name() {
    let scene = labelled(15);
    let bare = jpeg(&scene.drawn, 80);
    let said = |change: fn(&mut Gb45438Label)| {
        let mut label = scene.label.clone();
        change(&mut label);
        let verdict = scene.relabelled(&with_gb45438(&bare, &label), FindingKind::LabelChanged);
        finding(&verdict, FindingKind::LabelChanged).summary.en.clone()
    };
    assert!(said(|label| "3".clone_into(&mut label.label)).contains("weaker"));
    assert!(said(|label| "somebody".clone_into(&mut label.content_producer)).contains("another producer"));
    assert!(said(|label| "output-8".clone_into(&mut label.produce_id)).contains("another content number"));
}

/// The registry trusts `authority`, as far as given.
pub(crate) fn trusting(authority: Option<&Authority>) -> (TestApp, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("registrants.pem");
    if let Some(authority) = authority {
        std::fs::write(&list, authority.pem()).unwrap();
    }
    let app = TestApp::start_with(Engine::Sqlite, |config| {
        config.rules.c2pa_registrants = authority.is_some().then(|| list.clone());
    });
    (app, folder)
}

#[test]
fn registered_content_that_somebody_else_signed_is_relabelled() {
    let authority = Authority::new();
    let (wholly, camera) = (DigitalSourceType::TrainedAlgorithmicMedia, DigitalSourceType::DigitalCapture);
    for trusted in [None, Some(&authority)] {
        let (app, _folder) = trusting(trusted);
        let (vendor, merchant, platform) = (app.vendor(), app.merchant(), app.platform());
        let (output, photo) = (jpeg(&picture(16), 90), jpeg(&picture(17), 90));
        let made = authority.sign(&output, wholly);
        vendor.register_output(&made, &vendor.bare_label("output-1"));
        let taken = authority.sign(&photo, camera);
        let accepted = merchant.register(&taken, View::Packing);
        // A capture of an AI output, a merchant's photo as somebody's own, and a name that anybody can put on.
        let (stranger, anew) = (Authority::new(), "Stranger");
        let cases = [
            (stranger.sign_as(anew, &output, camera, false), "output"),
            (stranger.sign_as(anew, &photo, camera, false), "photo"),
            (authority.sign_as(anew, &photo, camera, false), "photo, trusted like the first"),
            (stranger.sign(&photo, camera), "photo, under the first one's name"),
        ];
        for (file, what) in cases {
            let verdict = platform.check(&file, &timely(&app)).verdict;
            concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
            let resigned = finding(&verdict, FindingKind::C2paResigned);
            assert_eq!(resigned.strength, Strength::Conclusive, "{what}");
        }
        // The registered file itself, and without its manifest.
        let verdict = platform.check(&taken, &timely(&app)).verdict;
        concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
        assert_eq!(verdict.best_match.unwrap().statement, accepted.id);
        let verdict = platform.check(&photo, &timely(&app)).verdict;
        concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
        // A broken manifest is no new signature.
        let foreign = with_manifest_of(&stranger.sign_as(anew, &output, camera, false), &photo);
        let verdict = platform.check(&foreign, &timely(&app)).verdict;
        assert!(!kinds(&verdict).contains(&FindingKind::C2paResigned));
        finding(&verdict, FindingKind::C2paInvalid);
    }
}

#[test]
fn an_edit_over_a_registered_parent_is_known_by_its_manifest() {
    let (app, _folder) = trusting(None);
    let (merchant, platform, authority) = (app.merchant(), app.platform(), Authority::new());
    let taken = authority.sign(&jpeg(&picture(18), 90), DigitalSourceType::DigitalCapture);
    let accepted = merchant.register(&taken, View::Packing);
    // Where bytes or pixels tell, they come first, and the manifest stands beside them. The registered manifest is kept
    // as the parent's: nothing was relabelled.
    let edited = Authority::new().sign_as("Stranger", &taken, DigitalSourceType::CompositeCapture, true);
    let verdict = platform.check(&edited, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
    let parent = finding(&verdict, FindingKind::EditedFromRegistered);
    assert_eq!((parent.statement, parent.strength), (Some(accepted.id), Strength::Supporting));
    // The edit's pixels are another picture altogether: only the manifest tells where it came from.
    let other = jpeg(&picture(19), 90);
    let studio = Authority::new();
    for (form, conclusion, recommendation) in [
        (false, Conclusion::Altered, Recommendation::HumanReview),
        (true, Conclusion::Copy, Recommendation::AskForAnotherPhoto),
    ] {
        let verdict = platform.check(&studio.sign_over(&taken, &other, form), &timely(&app)).verdict;
        concluded(&verdict, conclusion, recommendation);
        let found = verdict.best_match.as_ref().unwrap();
        assert_eq!((found.statement, found.relation), (accepted.id, Relation::EditedFrom));
        assert!(verdict.limits.contains(&Limit::AlterationsNotExamined), "{:?}", verdict.limits);
        assert!(verdict.alterations.is_empty());
    }
    // Of a registration that the registry never saw, nobody knows that the manifest was in it.
    let (app, _folder) = trusting(None);
    app.merchant().declare(&taken, View::Packing);
    let verdict = app.platform().check(&studio.sign_over(&taken, &other, false), &timely(&app)).verdict;
    assert_eq!((verdict.conclusion, verdict.best_match), (Conclusion::Unknown, None));
}

#[test]
fn a_source_type_that_changed_is_told_with_old_and_new() {
    let scene = labelled(33);
    let bare = jpeg(&scene.drawn, 80);
    let (wholly, camera) = (DigitalSourceType::TrainedAlgorithmicMedia, DigitalSourceType::DigitalCapture);
    let checked = |photo: &[u8]| scene.platform.check(photo, &timely(&scene.app)).verdict;
    // Beside the kept label, in the metadata.
    let beside = with_gb45438(&with_source_type(&bare, camera), &scene.label);
    let verdict = checked(&beside);
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    let changed = finding(&verdict, FindingKind::SourceTypeChanged);
    assert_eq!((changed.statement, changed.strength), (Some(scene.output.id), Strength::Strong));
    let told = changed.source_type.as_ref().unwrap();
    assert_eq!((told.registered, told.found), (wholly, camera));
    assert_eq!((told.stated_in, told.level, &told.signer), (LabelScheme::Iptc, LabelLevel::Declared, &None));
    for text in [&changed.summary.en, &changed.summary.zh] {
        assert!(text.contains("trainedAlgorithmicMedia") && text.contains("digitalCapture"), "{text}");
    }
    assert!(verdict.reason.en.contains("another digital source type"), "{}", verdict.reason.en);
    // The registered one is no change.
    let same = with_gb45438(&with_source_type(&bare, wholly), &scene.label);
    assert!(!kinds(&checked(&same)).contains(&FindingKind::SourceTypeChanged));
}

#[test]
fn who_signed_another_source_type_is_named() {
    let authority = Authority::new();
    let (wholly, camera) = (DigitalSourceType::TrainedAlgorithmicMedia, DigitalSourceType::DigitalCapture);
    for trusted in [None, Some(&authority)] {
        let (app, _folder) = trusting(trusted);
        let (vendor, platform) = (app.vendor(), app.platform());
        let made = authority.sign(&jpeg(&picture(34), 90), wholly);
        let output = vendor.register_output(&made, &vendor.bare_label("output-1"));
        // Our own writer refuses this: see `sdk/rust/tests/labelling.rs`.
        let edited = edited_as(&authority, "Retoucher", &made, camera);
        let verdict = platform.check(&edited, &timely(&app)).verdict;
        concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
        let changed = finding(&verdict, FindingKind::SourceTypeChanged);
        assert_eq!(changed.statement, Some(output.id));
        let level = if trusted.is_some() { LabelLevel::Verified } else { LabelLevel::Signed };
        let told = SourceTypeChange {
            registered: wholly,
            found: camera,
            stated_in: LabelScheme::C2pa,
            level,
            signer: Some("Retoucher".to_owned()),
        };
        assert_eq!(changed.source_type, Some(told));
        for text in [&changed.summary.en, &changed.summary.zh] {
            assert!(text.contains("Retoucher"), "{text}");
        }
        assert_eq!(changed.summary.en.contains("nobody trusted here"), trusted.is_none());
        // The registered file states what was registered.
        let verdict = platform.check(&made, &timely(&app)).verdict;
        assert!(!kinds(&verdict).contains(&FindingKind::SourceTypeChanged));
    }
}

/// A key of a producer, made with `openssl genpkey -algorithm SM2`.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgPL+/+Bcqx+2SfOd9
1+OjTSFYDM+1ZsIftoZ0Fss/Ij2hRANCAAR63IJCEPZ30wvB/a4ugsweNX5EV0Rh
iB7NTYY7zjUUieImpxeXe6tTuNUqZwnCtsFgQpk5KcK+a73AHbWPgYq2
-----END PRIVATE KEY-----
";

#[test]
fn a_signature_in_a_label_is_worth_what_its_key_is() {
    let key = Sm2SigningKey::from_pem(KEY).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pinned = folder.path().join("producers.json");
    let spki: String = key.public_key_der().iter().map(|byte| format!("{byte:02X}")).collect();
    std::fs::write(&pinned, format!(r#"{{"keys":[{{"producer":"inkstone","spki":"{spki}"}}]}}"#)).unwrap();
    let bare = jpeg(&picture(21), 90);
    let labelled = |change: fn(&mut Gb45438Label)| {
        let mut label = Gb45438Label {
            label: "1".to_owned(),
            content_producer: "inkstone".to_owned(),
            produce_id: "output-1".to_owned(),
            ..Gb45438Label::default()
        };
        label.reserved_code_1 = key.sign(&label, SignedForm::Message).unwrap();
        change(&mut label);
        with_gb45438(&bare, &label)
    };
    let strength = |app: &TestApp, photo: &[u8]| {
        let verdict = app.platform().look(photo).verdict;
        concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
        let broken = kinds(&verdict).contains(&FindingKind::LabelSignatureBroken);
        (finding(&verdict, FindingKind::LabelInFile).strength, broken)
    };
    let app = app();
    assert_eq!(
        strength(&app, &labelled(|_| ())),
        (Strength::Supporting, false),
        "signed by a key that nobody knows"
    );
    let renumbered = labelled(|label| "output-2".clone_into(&mut label.produce_id));
    assert_eq!(strength(&app, &renumbered), (Strength::Hint, true));
    let app = TestApp::start_with(Engine::Sqlite, |config| config.rules.producer_keys = Some(pinned.clone()));
    assert_eq!(strength(&app, &labelled(|_| ())), (Strength::Strong, false), "signed by the producer");
}
