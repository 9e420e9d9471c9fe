//! Whose a C2PA manifest is and which came first: labels that were taken, parents that were made up, originals that were
//! signed again.

use crate::{
    actors::inspect,
    forging::with_label,
    pictures::{Authority, jpeg, picture, with_manifest_of},
    relabelling::trusting,
    verdicts::{concluded, finding, kinds, timely},
};
use touchstone_schema::{
    ManifestId,
    label::DigitalSourceType,
    statement::View,
    verdict::{Conclusion, FindingKind, Limit, Recommendation, Relation, Strength},
};

const CAMERA: DigitalSourceType = DigitalSourceType::DigitalCapture;

fn label(file: &[u8]) -> ManifestId {
    inspect(file).c2pa_binding().unwrap().manifest.parse().unwrap()
}

#[test]
fn a_parent_of_ones_own_making_is_not_the_registered_one() {
    let (app, _folder) = trusting(None);
    let (merchant, platform) = (app.merchant(), app.platform());
    let photo = jpeg(&picture(24), 90);
    let taken = Authority::new().sign(&photo, CAMERA);
    let accepted = merchant.register(&taken, View::Packing);
    // Somebody signs the same content under the registered label, and then an edit of that.
    let stranger = Authority::new();
    let made_up = with_label(&stranger, "Stranger", &photo, &label(&taken));
    assert_eq!(label(&made_up), label(&taken), "this test must meet the trap");
    let anew = stranger.sign_as("Stranger", &made_up, DigitalSourceType::HumanEdits, true);
    for file in [&made_up, &anew] {
        let verdict = platform.check(file, &timely(&app)).verdict;
        concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
        let resigned = finding(&verdict, FindingKind::C2paResigned);
        assert_eq!((resigned.statement, resigned.strength), (Some(accepted.id), Strength::Conclusive));
        assert_eq!(resigned.limits, [Limit::OrderByLogAlone]);
        assert!(!kinds(&verdict).contains(&FindingKind::EditedFromRegistered));
        let shared = finding(&verdict, FindingKind::C2paLabelShared);
        assert_eq!((shared.statement, shared.strength), (Some(accepted.id), Strength::Hint));
    }
    // Over other pixels it leads nowhere.
    let other = stranger.sign_over(&made_up, &jpeg(&picture(25), 90), false);
    let verdict = platform.check(&other, &timely(&app)).verdict;
    assert_eq!((verdict.conclusion, &verdict.best_match), (Conclusion::Unknown, &None), "{verdict:#?}");
    finding(&verdict, FindingKind::C2paLabelShared);
    // The registered manifest itself leads to its picture, and shares its label with nobody.
    let edit = stranger.sign_over(&taken, &jpeg(&picture(25), 90), false);
    let verdict = platform.check(&edit, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Altered, Recommendation::HumanReview);
    assert!(!kinds(&verdict).contains(&FindingKind::C2paLabelShared));
}

#[test]
fn descent_goes_back_over_several_edits() {
    let (app, _folder) = trusting(None);
    let (merchant, platform) = (app.merchant(), app.platform());
    let photo = jpeg(&picture(26), 90);
    let taken = Authority::new().sign(&photo, CAMERA);
    let accepted = merchant.register(&taken, View::Packing);
    let (studio, shop) = (Authority::new(), Authority::new());
    // Two edits of the same content, and a change of form over an edit of the pixels.
    let twice = shop.sign_as(
        "Shop",
        &studio.sign_as("Studio", &taken, DigitalSourceType::HumanEdits, true),
        DigitalSourceType::HumanEdits,
        true,
    );
    let verdict = platform.check(&twice, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
    assert_eq!(finding(&verdict, FindingKind::EditedFromRegistered).statement, Some(accepted.id));
    let pixels = studio.sign_over(&taken, &jpeg(&picture(27), 90), false);
    let formed = shop.sign_over(&pixels, &jpeg(&picture(28), 90), true);
    let verdict = platform.check(&formed, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Altered, Recommendation::HumanReview);
    let found = verdict.best_match.unwrap();
    assert_eq!((found.statement, found.relation), (accepted.id, Relation::EditedFrom));
}

#[test]
fn an_original_that_somebody_signed_again_stays_the_original() {
    let (camera, studio) = (Authority::new(), Authority::new());
    let photo = jpeg(&picture(29), 90);
    let taken = camera.sign(&photo, CAMERA);
    // The registered manifest has the original's as its parent's: by the content, the original came first.
    let (app, _folder) = trusting(None);
    let edited = studio.sign_as("Studio", &taken, DigitalSourceType::HumanEdits, true);
    app.merchant().register(&edited, View::Listing);
    let platform = app.platform();
    let verdict = platform.check(&taken, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
    assert!(!kinds(&verdict).contains(&FindingKind::C2paResigned));
    // Who signed neither of the two is somebody else.
    let verdict = platform.check(&Authority::new().sign_as("Other", &photo, CAMERA, false), &timely(&app));
    assert_eq!(verdict.verdict.conclusion, Conclusion::Relabelled);

    // The original was logged first; what was signed over it was registered as an AI output.
    for original_first in [true, false] {
        let (app, _folder) = trusting(None);
        let (merchant, vendor, platform) = (app.merchant(), app.vendor(), app.platform());
        let output = studio.sign_as("Studio", &photo, DigitalSourceType::TrainedAlgorithmicMedia, false);
        if original_first {
            merchant.register(&taken, View::Listing);
        }
        vendor.register_output(&output, &vendor.bare_label("output-1"));
        if !original_first {
            merchant.register(&taken, View::Listing);
        }
        let verdict = platform.check(&taken, &timely(&app)).verdict;
        let resigned = kinds(&verdict).contains(&FindingKind::C2paResigned);
        if original_first {
            // By the log it was the merchant's before anybody called it an output: a person decides between them.
            concluded(&verdict, Conclusion::Original, Recommendation::HumanReview);
            assert!(!resigned && !kinds(&verdict).contains(&FindingKind::SourceTypeChanged));
            finding(&verdict, FindingKind::MerchantAndAi);
        } else {
            concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
            assert!(resigned);
        }
    }
}

#[test]
fn a_registration_whose_manifest_does_not_fit_accuses_nobody() {
    let (app, _folder) = trusting(None);
    let (merchant, platform) = (app.merchant(), app.platform());
    let (photo, other) = (jpeg(&picture(30), 90), jpeg(&picture(31), 90));
    let stranger = Authority::new();
    let elsewhere = stranger.sign_as("Stranger", &other, CAMERA, false);
    merchant.register(&with_manifest_of(&elsewhere, &photo), View::Listing);
    // The photo's own manifest, where only a foreign one was registered.
    let taken = Authority::new().sign(&photo, CAMERA);
    let verdict = platform.check(&taken, &timely(&app)).verdict;
    concluded(&verdict, Conclusion::Original, Recommendation::AskForAnotherPhoto);
    assert!(!kinds(&verdict).contains(&FindingKind::C2paResigned));
    // Nor does what descends from the foreign manifest's own picture descend from the one that it was put on.
    let edit = stranger.sign_over(&elsewhere, &jpeg(&picture(32), 90), false);
    let verdict = platform.check(&edit, &timely(&app)).verdict;
    assert_eq!((verdict.conclusion, verdict.best_match), (Conclusion::Unknown, None));
}
