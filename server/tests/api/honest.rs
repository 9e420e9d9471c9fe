//! Honest photos beside registered labels: none of them may be accused of having lost one. Beside each stands what must
//! still be found.

use crate::{
    actors::{Merchant, Platform, Vendor},
    pictures::{
        Authority, jpeg, picture, png, resized, with_gb45438, with_manifest_of, with_png_text,
        with_source_type,
    },
    relabelling::labelled,
    support::TestApp,
    verdicts::{app, concluded, finding, kinds, timely},
};
use image::{Rgb, RgbImage, imageops};
use std::time::{Duration, SystemTime};
use touchstone_schema::{
    Sha256Digest,
    api::Acknowledgement,
    label::{DigitalSourceType, Gb45438Label, OutputLabel},
    statement::View,
    verdict::{Conclusion, FindingKind, Limit, Recommendation, Strength, Verdict},
};

const CAMERA: DigitalSourceType = DigitalSourceType::DigitalCapture;
const PARTLY: DigitalSourceType = DigitalSourceType::CompositeWithTrainedAlgorithmicMedia;

/// Kinds that say that a label or a signature was tampered with.
const ACCUSING: [FindingKind; 5] = [
    FindingKind::LabelRemoved,
    FindingKind::LabelChanged,
    FindingKind::SourceTypeChanged,
    FindingKind::LabelTransplanted,
    FindingKind::C2paResigned,
];

struct Scene {
    app: TestApp,
    vendor: Vendor,
    merchant: Merchant,
    platform: Platform,
}

fn scene() -> Scene {
    let app = app();
    let (vendor, merchant, platform) = (app.vendor(), app.merchant(), app.platform());
    Scene { app, vendor, merchant, platform }
}

impl Scene {
    fn check(&self, photo: &[u8]) -> Verdict {
        self.platform.check(photo, &timely(&self.app)).verdict
    }

    /// The conclusion is drawn, and nothing says that the photo's label or signature was tampered with.
    #[track_caller]
    fn clears(&self, photo: &[u8], conclusion: Conclusion, recommendation: Recommendation) -> Verdict {
        let verdict = self.check(photo);
        concluded(&verdict, conclusion, recommendation);
        let found = kinds(&verdict);
        assert!(ACCUSING.iter().all(|kind| !found.contains(kind)), "{found:?} {}", verdict.reason.en);
        verdict
    }

    #[track_caller]
    fn finds(&self, photo: &[u8], kind: FindingKind, of: &Acknowledgement) -> Verdict {
        let verdict = self.check(photo);
        concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
        assert_eq!(finding(&verdict, kind).statement, Some(of.id));
        assert_eq!(verdict.best_match.as_ref().map(|best| best.statement), Some(of.id));
        verdict
    }

    /// The file with the implicit label, as an output that was made from `parents`.
    fn output(&self, bare: &[u8], label: &OutputLabel, parents: &[&[u8]]) -> Acknowledgement {
        let file = with_gb45438(bare, label.gb45438.as_ref().unwrap());
        let mut claim = self.vendor.claim(&file, label);
        claim.parents = parents.iter().map(|parent| Sha256Digest::of(parent)).collect();
        let accepted = self.vendor.accepted(claim);
        self.vendor.uploaded(&accepted.id, &file);
        accepted
    }
}

/// The picture in other tones.
fn enhanced(picture: &RgbImage) -> RgbImage {
    imageops::colorops::brighten(&imageops::colorops::contrast(picture, 8.0), 6)
}

/// The picture with something painted into it.
fn painted(picture: &RgbImage) -> RgbImage {
    let mut painted = picture.clone();
    for (x, y) in (250..360).flat_map(|x| (180..290).map(move |y| (x, y))) {
        let shade = u8::try_from((x * 7 + y * 5) % 200).unwrap();
        painted.put_pixel(x, y, Rgb([shade, 30, 200 - shade]));
    }
    painted
}

/// This part of the picture alone.
fn cropped(picture: &RgbImage, left: u32, top: u32, percent: u32) -> RgbImage {
    let (width, height) = (picture.width() * percent / 100, picture.height() * percent / 100);
    imageops::crop_imm(picture, left, top, width, height).to_image()
}

// Which of two pictures was made from the other

#[test]
fn the_picture_that_an_ai_edit_was_made_from_is_accused_of_nothing() {
    for (seed, edit) in [(40, enhanced as fn(&RgbImage) -> RgbImage), (41, painted)] {
        let scene = scene();
        let taken = jpeg(&picture(seed), 92);
        let edited = edit(&picture(seed));
        let label = scene.vendor.label("edit-1");
        let output = scene.output(&jpeg(&edited, 92), &label, &[&taken]);
        // The original as a chat program sends it, and as a camera marks it.
        let sent = jpeg(&resized(&picture(seed), 75), 75);
        for photo in [sent.clone(), with_source_type(&sent, CAMERA)] {
            let verdict = scene.clears(&photo, Conclusion::Copy, Recommendation::HumanReview);
            assert_eq!(verdict.best_match.as_ref().unwrap().statement, output.id);
            assert!(verdict.reason.en.contains("may be that picture"), "{}", verdict.reason.en);
        }
        // The edit itself is known all the same: by its label, or to a person.
        let implicit = label.gb45438.clone().unwrap();
        let kept = with_gb45438(&jpeg(&edited, 75), &implicit);
        scene.clears(&kept, Conclusion::Synthetic, Recommendation::HumanReview);
        let verdict = scene.clears(&jpeg(&edited, 75), Conclusion::Copy, Recommendation::HumanReview);
        assert_eq!(verdict.best_match.unwrap().statement, output.id);
        // A label that was swapped came from the output, whatever that was made from.
        let swapped = Gb45438Label { content_producer: "somebody".to_owned(), ..implicit };
        scene.finds(&with_gb45438(&jpeg(&edited, 75), &swapped), FindingKind::LabelChanged, &output);
    }
}

#[test]
fn an_output_that_is_ai_in_part_was_made_from_another_picture() {
    let scene = scene();
    let label = OutputLabel { digital_source_type: PARTLY, ..scene.vendor.label("edit-1") };
    let output = scene.output(&jpeg(&enhanced(&picture(42)), 92), &label, &[]);
    let verdict = scene.clears(&jpeg(&picture(42), 75), Conclusion::Copy, Recommendation::HumanReview);
    assert_eq!(verdict.best_match.unwrap().statement, output.id);
    // Of two captures that differ in places, one may be the other's origin, unless a label tells.
    let scene = self::scene();
    scene.output(&jpeg(&painted(&picture(42)), 92), &scene.vendor.label("output-1"), &[]);
    let verdict = scene.clears(&jpeg(&picture(42), 75), Conclusion::Synthetic, Recommendation::HumanReview);
    finding(&verdict, FindingKind::AlteredRegions);
}

#[test]
fn a_merchants_picture_is_not_relabelled_by_who_labels_it_later() {
    let scene = scene();
    let drawn = picture(43);
    let first = scene.merchant.register(&jpeg(&drawn, 90), View::Listing);
    scene.output(&jpeg(&drawn, 92), &scene.vendor.label("output-1"), &[]);
    let photos = [jpeg(&drawn, 60), jpeg(&resized(&drawn, 50), 75), jpeg(&cropped(&drawn, 60, 40, 70), 85)];
    for photo in &photos {
        let verdict = scene.clears(photo, Conclusion::Copy, Recommendation::HumanReview);
        assert_eq!(verdict.best_match.as_ref().unwrap().statement, first.id);
        finding(&verdict, FindingKind::MerchantAndAi);
    }
    // Who comes second, or registers the label with the picture, takes nothing from the output.
    for labelled_first in [false, true] {
        let scene = self::scene();
        let label = scene.vendor.label("output-1");
        let file = with_gb45438(&jpeg(&drawn, 92), label.gb45438.as_ref().unwrap());
        if labelled_first {
            scene.merchant.register(&file, View::Listing);
        }
        let output = scene.output(&jpeg(&drawn, 92), &label, &[]);
        if !labelled_first {
            scene.merchant.register(&jpeg(&drawn, 90), View::Listing);
        }
        for photo in &photos {
            scene.finds(photo, FindingKind::LabelRemoved, &output);
        }
    }
}

// What is known of the registered file

#[test]
fn what_was_never_seen_had_no_label_to_lose() {
    let scene = scene();
    let bare = jpeg(&picture(44), 90);
    let signed = Authority::new().sign(&bare, DigitalSourceType::TrainedAlgorithmicMedia);
    scene.vendor.accepted(scene.vendor.claim(&signed, &scene.vendor.bare_label("output-1")));
    let verdict = scene.clears(&bare, Conclusion::Synthetic, Recommendation::HumanReview);
    assert!(verdict.limits.contains(&Limit::DeclaredOnly));
    // What it states is told, as far as a declaration carries it.
    let capture = Authority::new().sign(&bare, CAMERA);
    let verdict = scene.check(&capture);
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    assert_eq!(finding(&verdict, FindingKind::SourceTypeChanged).strength, Strength::Supporting);
}

#[test]
fn a_label_that_is_kept_is_kept_whatever_looks_alike() {
    let scene = scene();
    let (small, large) = (picture(45), resized(&picture(45), 150));
    let labels = ["output-1", "output-2"].map(|number| scene.vendor.label(number));
    let implicit = |at: usize| labels[at].gb45438.clone().unwrap();
    let one = scene.output(&jpeg(&small, 92), &labels[0], &[]);
    let two = scene.output(&jpeg(&large, 92), &labels[1], &[]);
    for (drawn, at, output) in [(&small, 0, &one), (&large, 1, &two), (&small, 1, &two), (&large, 0, &one)] {
        let photo = with_gb45438(&jpeg(drawn, 75), &implicit(at));
        let verdict = scene.clears(&photo, Conclusion::Synthetic, Recommendation::HumanReview);
        assert_eq!(verdict.best_match.as_ref().unwrap().statement, output.id);
        assert!(verdict.reason.en.contains("label kept"), "{}", verdict.reason.en);
    }
    let renumbered = Gb45438Label { produce_id: "output-9".to_owned(), ..implicit(0) };
    for (photo, kind) in [
        (with_gb45438(&jpeg(&large, 75), &renumbered), FindingKind::LabelChanged),
        (jpeg(&large, 75), FindingKind::LabelRemoved),
    ] {
        let verdict = scene.check(&photo);
        concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
        finding(&verdict, kind);
    }
}

// Signatures

#[test]
fn who_signs_his_picture_again_is_nobody_else() {
    let scene = scene();
    let photo = jpeg(&picture(46), 90);
    // With a renewed certificate.
    let files = [(); 2].map(|()| Authority::new().sign(&photo, CAMERA));
    let own = files.each_ref().map(|file| scene.merchant.register(file, View::Packing));
    for (file, own) in files.iter().zip(&own) {
        let verdict = scene.clears(file, Conclusion::Original, Recommendation::AskForAnotherPhoto);
        assert_eq!(verdict.best_match.unwrap().statement, own.id);
    }
    // Somebody else's signature is one, registered or not.
    let others = [(); 2].map(|()| Authority::new().sign(&photo, CAMERA));
    scene.app.merchant().register(&others[1], View::Packing);
    for other in &others {
        let verdict = scene.check(other);
        concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
        let resigned = finding(&verdict, FindingKind::C2paResigned).statement;
        assert!(own.iter().any(|own| Some(own.id) == resigned));
    }
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the C2PA library judges certificates at the time of the machine"
)]
fn a_certificate_that_ended_takes_nothing_back() {
    let scene = scene();
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let (authority, end) = (Authority::new(), now() + 10);
    let wholly = DigitalSourceType::TrainedAlgorithmicMedia;
    let sign = |seed, source_type| authority.sign_until(end, &jpeg(&picture(seed), 90), source_type);
    let (taken, made, other, over) = (sign(54, CAMERA), sign(55, wholly), sign(56, CAMERA), sign(55, CAMERA));
    let photo = scene.merchant.register(&taken, View::Packing);
    let output = scene.vendor.register_output(&made, &scene.vendor.bare_label("output-1"));
    let verdict = scene.check(&other);
    finding(&verdict, FindingKind::C2paValid);
    assert!(now() < end, "the machine is too slow for this test");
    std::thread::sleep(Duration::from_secs(end + 2 - now()));
    // As the registry saw it then.
    let verdict = scene.clears(&taken, Conclusion::Original, Recommendation::AskForAnotherPhoto);
    assert_eq!(verdict.best_match.as_ref().unwrap().statement, photo.id);
    finding(&verdict, FindingKind::C2paValid);
    let verdict = scene.clears(&made, Conclusion::Synthetic, Recommendation::HumanReview);
    assert_eq!(verdict.best_match.as_ref().unwrap().statement, output.id);
    assert!(!verdict.reason.en.contains("no longer fits"), "{}", verdict.reason.en);
    // Of one that nobody registered, that its certificate ended is said, and counts against nobody.
    let verdict = scene.clears(&other, Conclusion::Unknown, Recommendation::Proceed);
    assert_eq!(kinds(&verdict), [FindingKind::C2paEnded].into());
    // On other pixels the manifest does not fit, whenever its certificate ended; nor does it stand for a label.
    let forged = with_manifest_of(&other, &jpeg(&picture(57), 90));
    let verdict = scene.clears(&forged, Conclusion::Unknown, Recommendation::HumanReview);
    finding(&verdict, FindingKind::C2paInvalid);
    scene.finds(&over, FindingKind::LabelRemoved, &output);
}

#[test]
fn a_manifest_that_fits_no_more_hides_no_missing_label() {
    let scene = scene();
    let drawn = picture(47);
    let authority = Authority::new();
    let wholly = DigitalSourceType::TrainedAlgorithmicMedia;
    let label = scene.vendor.label("output-1");
    let labelled = with_gb45438(&jpeg(&drawn, 92), label.gb45438.as_ref().unwrap());
    let signed = authority.sign(&labelled, wholly);
    let output = scene.vendor.register_output(&signed, &label);
    let stripped = with_manifest_of(&signed, &jpeg(&drawn, 75));
    scene.finds(&stripped, FindingKind::LabelRemoved, &output);
    // Where the manifest was the label, that it is broken is said, and not that it is gone.
    let scene = self::scene();
    let signed = authority.sign(&jpeg(&drawn, 92), wholly);
    scene.vendor.register_output(&signed, &scene.vendor.bare_label("output-1"));
    let broken = with_manifest_of(&signed, &jpeg(&drawn, 75));
    let verdict = scene.clears(&broken, Conclusion::Synthetic, Recommendation::HumanReview);
    finding(&verdict, FindingKind::C2paInvalid);
}

// Labels in the photo

#[test]
fn a_label_on_a_part_that_nobody_recognises_is_no_transplant() {
    let scene = scene();
    let (drawn, other) = (picture(48), picture(49));
    let label = scene.vendor.label("output-1");
    let implicit = label.gb45438.clone().unwrap();
    let output = scene.output(&jpeg(&drawn, 92), &label, &[]);
    // A small part on the same canvas, with the label kept.
    let part = imageops::crop_imm(&drawn, 200, 150, 64, 48).to_image();
    let enlarged = imageops::resize(&part, 640, 480, imageops::FilterType::Triangle);
    let verdict = scene.check(&with_gb45438(&jpeg(&enlarged, 85), &implicit));
    concluded(&verdict, Conclusion::Synthetic, Recommendation::HumanReview);
    assert_eq!(verdict.best_match, None, "this test must meet the trap");
    let elsewhere = finding(&verdict, FindingKind::LabelTransplanted);
    assert_eq!((elsewhere.statement, elsewhere.strength), (Some(output.id), Strength::Supporting));
    assert_eq!(elsewhere.limits, [Limit::MayBeMissed]);
    assert!(elsewhere.summary.en.contains("crop"), "{}", elsewhere.summary.en);
    // On a picture that is registered as another one it is.
    let registered = scene.merchant.register(&jpeg(&other, 90), View::Listing);
    let verdict = scene.check(&with_gb45438(&jpeg(&other, 75), &implicit));
    concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
    assert_eq!(finding(&verdict, FindingKind::LabelTransplanted).strength, Strength::Strong);
    assert_eq!(verdict.best_match.unwrap().statement, registered.id);
}

#[test]
fn a_text_that_looks_like_a_generators_is_suspicion_and_no_more() {
    let scene = scene();
    let photo = png(&picture(50));
    let job = "Parcel scanned. Job ID: 0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001";
    let verdict = scene.check(&with_png_text(&photo, "Description", job));
    concluded(&verdict, Conclusion::Unknown, Recommendation::Proceed);
    assert_eq!(kinds(&verdict), [].into());
    for (keyword, text) in [
        ("Comment", "Sour dough. Steps: 12 in all, CFG scale: 7 on the oven"),
        ("Description", "a cup --ar 3:4 --v 6.1 Job ID: 0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001"),
    ] {
        let traced = with_png_text(&photo, keyword, text);
        let verdict = scene.check(&traced);
        concluded(&verdict, Conclusion::Unknown, Recommendation::HumanReview);
        assert!(verdict.reason.en.contains("trace"), "{}", verdict.reason.en);
        let trace = finding(&verdict, FindingKind::GeneratorTrace);
        assert_eq!((trace.strength, &trace.limits[..]), (Strength::Hint, &[Limit::Unsigned][..]));
    }
    // A label is one, with or without it.
    let label = scene.vendor.label("output-1").gb45438.unwrap();
    let said = with_gb45438(&with_png_text(&photo, "Comment", job), &label);
    concluded(&scene.check(&said), Conclusion::Synthetic, Recommendation::HumanReview);
}

#[test]
fn a_label_on_a_registered_photo_makes_it_no_ai_picture() {
    let scene = scene();
    let drawn = picture(51);
    let pasted = Gb45438Label {
        label: "1".to_owned(),
        content_producer: "anybody".to_owned(),
        produce_id: "1".to_owned(),
        ..Gb45438Label::default()
    };
    let registered = scene.merchant.register(&jpeg(&drawn, 90), View::Packing);
    let again = jpeg(&drawn, 75);
    let wholly = DigitalSourceType::TrainedAlgorithmicMedia;
    for photo in [with_gb45438(&again, &pasted), with_source_type(&again, wholly)] {
        let verdict = scene.clears(&photo, Conclusion::Copy, Recommendation::HumanReview);
        assert_eq!(verdict.best_match.as_ref().unwrap().statement, registered.id);
        assert!(verdict.reason.en.contains("not in the registered picture"), "{}", verdict.reason.en);
    }
    // Signed, it is somebody's word; on an altered picture it may tell how that came about.
    let signed = Authority::new().sign(&again, wholly);
    scene.clears(&signed, Conclusion::Synthetic, Recommendation::HumanReview);
    // What was registered with its label has it.
    let scene = self::scene();
    scene.merchant.register(&with_gb45438(&jpeg(&drawn, 90), &pasted), View::Packing);
    scene.clears(&with_gb45438(&again, &pasted), Conclusion::Synthetic, Recommendation::HumanReview);
}

#[test]
fn a_platforms_own_first_label_does_not_change_the_registered_one() {
    let scene = labelled(52);
    let first = Gb45438Label {
        label: "3".to_owned(),
        content_propagator: "platform".to_owned(),
        propagate_id: "7".to_owned(),
        ..Gb45438Label::default()
    };
    let sent = jpeg(&scene.drawn, 75);
    let verdict = scene.platform.check(&with_gb45438(&sent, &first), &timely(&scene.app)).verdict;
    concluded(&verdict, Conclusion::Relabelled, Recommendation::HumanReview);
    assert_eq!(finding(&verdict, FindingKind::LabelRemoved).statement, Some(scene.output.id));
    assert!(!kinds(&verdict).contains(&FindingKind::LabelChanged));
    assert!(verdict.reason.en.contains("is missing"), "{}", verdict.reason.en);
    // One that names a producer of its own stands in the registered one's place.
    let other = Gb45438Label { content_producer: "other".to_owned(), produce_id: "1".to_owned(), ..first };
    let verdict = scene.platform.check(&with_gb45438(&sent, &other), &timely(&scene.app)).verdict;
    finding(&verdict, FindingKind::LabelChanged);
}

#[test]
fn registering_what_lost_its_label_hides_nothing() {
    let scene = scene();
    let drawn = picture(53);
    let output = scene.output(&jpeg(&drawn, 92), &scene.vendor.label("output-1"), &[]);
    let stripped = jpeg(&drawn, 80);
    let photos = [stripped.clone(), jpeg(&drawn, 60), jpeg(&cropped(&drawn, 60, 40, 60), 85)];
    for times in [1, 9, 26] {
        for _ in 0..times {
            scene.merchant.register(&stripped, View::Listing);
        }
        for photo in &photos {
            scene.finds(photo, FindingKind::LabelRemoved, &output);
        }
    }
}
