//! Signal classes of the conformance rubric, each by a manifest made for it.

use crate::certificates::Authority;
use crate::files::*;
use serde_json::{Value, json};
use std::sync::Arc;
use touchstone_inspect::c2pa::{C2paReport, InceptionSignal, TransformationSignal};
use touchstone_schema::label::LabelMeaning;

const IPTC: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/";

/// Reads a picture whose manifest has these assertions.
fn report(assertions: &Value) -> C2paReport {
    let identity = Authority::new("Registrants").signer("Inkstone Ltd");
    let original = picture(image::ImageFormat::Jpeg, 32, 32);
    let definition = json!({
        "claim_generator_info": [{ "name": "Inkstone" }],
        "format": "image/jpeg",
        "assertions": assertions,
    });
    let signed = sign_raw(&original, "image/jpeg", &identity, &mut builder(&definition));
    no_anchors().read(&signed, "image/jpeg").unwrap()
}

/// An actions assertion that says that it is complete.
fn actions(actions: &Value) -> Value {
    json!([{
        "label": "c2pa.actions.v2",
        "data": { "actions": actions, "allActionsIncluded": true },
        "created": true,
    }])
}

fn created_as(source_type: &str) -> Value {
    json!({ "action": "c2pa.created", "digitalSourceType": source_type })
}

#[test]
fn each_inception_class_is_told_by_the_source_type() {
    use InceptionSignal::*;
    let table = [
        ("trainedAlgorithmicMedia", FullyGenAi, "fullyGenAIMedia", LabelMeaning::Synthetic),
        (
            "compositeWithTrainedAlgorithmicMedia",
            PartlyGenAi,
            "partlyGenAICreation",
            LabelMeaning::PartlySynthetic,
        ),
        ("digitalCapture", CapturedMedia, "capturedMedia", LabelMeaning::Captured),
        ("computationalCapture", CapturedMedia, "capturedMedia", LabelMeaning::Captured),
        ("compositeCapture", CapturedMediaStitched, "capturedMediaStitched", LabelMeaning::Other),
        ("composite", Composition, "compositionMayContainGenAI", LabelMeaning::Other),
        ("screenCapture", ScreenCapture, "screenCaptureMayContainGenAI", LabelMeaning::Other),
        ("digitalCreation", DigitalCreation, "nonGenAIDigitalCreation", LabelMeaning::Other),
    ];
    for (term, signal, name, meaning) in table {
        let report = report(&actions(&json!([created_as(&format!("{IPTC}{term}"))])));
        assert_eq!(report.signals.inception, [signal], "{term}: {report:?}");
        assert_eq!(report.signals.transformations, [], "{term}: complete and without changes");
        assert_eq!(report.ai_generated, Some(meaning), "{term}");
        assert_eq!(serde_json::to_value(signal).unwrap(), name, "the rubric's name");
    }
    let blank = report(&actions(&json!([created_as("http://c2pa.org/digitalsourcetype/empty")])));
    assert_eq!(blank.signals.inception, [BlankCanvas]);
    // The rubric has no class for these at a beginning; what they mean is clear nevertheless.
    for (term, meaning) in
        [("compositeSynthetic", LabelMeaning::PartlySynthetic), ("algorithmicMedia", LabelMeaning::Other)]
    {
        let report = report(&actions(&json!([created_as(&format!("{IPTC}{term}"))])));
        assert_eq!((report.signals.inception.as_slice(), report.ai_generated), (&[][..], Some(meaning)));
    }
}

#[test]
fn each_transformation_class_is_told_by_action_and_source_type() {
    use TransformationSignal::*;
    let camera = created_as(&format!("{IPTC}digitalCapture"));
    let (captured, partly, other) =
        (LabelMeaning::Captured, LabelMeaning::PartlySynthetic, LabelMeaning::Other);
    type Row<'a> = (&'a str, Option<&'a str>, &'a [TransformationSignal], LabelMeaning);
    let table: [Row<'_>; 12] = [
        ("c2pa.edited", Some("trainedAlgorithmicMedia"), &[PerceptibleGenAi], partly),
        ("c2pa.placed", Some("compositeWithTrainedAlgorithmicMedia"), &[PerceptibleGenAi], partly),
        ("c2pa.edited", Some("compositeSynthetic"), &[PerceptibleGenAi], partly),
        ("c2pa.edited", Some("humanEdits"), &[PerceptibleNonGenAi], other),
        ("c2pa.drawing", Some("digitalArt"), &[PerceptibleNonGenAi, PerceptiblePossiblyGenAi], other),
        ("c2pa.placed", Some("composite"), &[PerceptibleNonGenAi, PerceptiblePossiblyGenAi], other),
        ("c2pa.edited", None, &[], other),
        ("c2pa.resized", None, &[], captured),
        ("c2pa.resized.proportional", None, &[NonEditorial], captured),
        ("c2pa.watermarked.bound", Some("trainedAlgorithmicMedia"), &[NonEditorial], captured),
        ("c2pa.unknown", None, &[AmbiguousActions], other),
        ("com.example.tinted", Some("humanEdits"), &[PerceptibleNonGenAi, AmbiguousActions], other),
    ];
    for (name, term, signals, meaning) in table {
        let mut action = json!({ "action": name });
        if let Some(term) = term {
            action["digitalSourceType"] = format!("{IPTC}{term}").into();
        }
        let report = report(&actions(&json!([camera, action])));
        assert_eq!(report.signals.inception, [InceptionSignal::CapturedMedia], "{name} {term:?}");
        assert_eq!(report.signals.transformations, signals, "{name} {term:?}: {report:?}");
        assert_eq!(report.ai_generated, Some(meaning), "{name} {term:?}");
    }
    for (signal, name) in [
        (PerceptibleGenAi, "perceptibleGenAI"),
        (PerceptibleNonGenAi, "perceptibleNonGenAI"),
        (PerceptiblePossiblyGenAi, "perceptiblePossiblyGenAI"),
        (NonEditorial, "nonEditorial"),
        (AmbiguousActions, "ambiguousActions"),
    ] {
        assert_eq!(serde_json::to_value(signal).unwrap(), name, "the rubric's name");
    }
}

#[test]
fn a_list_of_actions_that_is_open_gathered_or_missing_is_ambiguous() {
    let camera = created_as(&format!("{IPTC}digitalCapture"));
    let ambiguous = [TransformationSignal::AmbiguousActions];
    let open = json!([{ "label": "c2pa.actions.v2", "data": { "actions": [camera] }, "created": true }]);
    assert_eq!(report(&open).signals.transformations, ambiguous);
    let none = report(&json!([]));
    assert_eq!(none.signals.transformations, ambiguous);
    assert_eq!((none.signals.inception.as_slice(), none.ai_generated), (&[][..], None));
    // A gathered assertion is one that the claim generator does not answer for.
    let mut gathered = actions(&json!([camera])).as_array().unwrap().clone();
    gathered.push(json!({
        "label": "c2pa.actions.v2",
        "data": { "actions": [{ "action": "c2pa.edited" }] },
        "created": false,
    }));
    let report = report(&Value::Array(gathered));
    assert_eq!(report.signals.inception, [InceptionSignal::CapturedMedia]);
    assert_eq!(report.signals.transformations, ambiguous, "{report:?}");
    assert_eq!(report.ai_generated, Some(LabelMeaning::Other), "the second list counts for the meaning");
}

#[test]
fn actions_of_version_1_show_no_signal_and_count_for_the_meaning() {
    let signer = Authority::new("Registrants").signer("Inkstone Ltd");
    let mut cbor = Vec::new();
    let generated = created_as(&format!("{IPTC}trainedAlgorithmicMedia"));
    ciborium::into_writer(&json!({ "actions": [generated] }), &mut cbor).unwrap();
    let signer = Adding {
        signer: library_signer(&signer),
        label: "c2pa.actions",
        size: cbor.len(),
        make: Arc::new(move |_, _| cbor.clone()),
    };
    let definition = json!({ "claim_version": 1, "claim_generator_info": [{ "name": "Inkstone" }] });
    let original = picture(image::ImageFormat::Jpeg, 32, 32);
    let signed = sign_with(&original, "image/jpeg", &signer, &mut builder(&definition));
    let report = no_anchors().read(&signed, "image/jpeg").unwrap();
    assert_eq!(report.signals.inception, [], "{report:?}");
    assert_eq!(report.signals.transformations, [TransformationSignal::AmbiguousActions]);
    assert_eq!(report.actions, ["c2pa.created"]);
    assert_eq!(report.ai_generated, Some(LabelMeaning::Synthetic));
}

#[test]
fn an_opened_file_without_a_manifest_is_of_unknown_provenance() {
    let authority = Authority::new("Registrants");
    let identity = authority.signer("Inkstone Ltd");
    let edit = touchstone_inspect::c2pa::ManifestToWrite {
        digital_source_type: touchstone_schema::label::DigitalSourceType::HumanEdits,
        edited: true,
        ..generated()
    };
    let sign = |bytes: &[u8]| {
        touchstone_inspect::c2pa::sign_manifest(bytes, "image/jpeg", &signing(&identity), &edit).unwrap()
    };
    let unknown = sign(&picture(image::ImageFormat::Jpeg, 48, 48));
    let report = no_anchors().read(&unknown, "image/jpeg").unwrap();
    assert_eq!(report.signals.inception, [InceptionSignal::MediaUnknownProvenance], "{report:?}");
    // Edited again, the file that goes in has a manifest.
    let known = no_anchors().read(&sign(&unknown), "image/jpeg").unwrap();
    assert_eq!(known.signals.inception, [], "{known:?}");
}

#[test]
fn what_is_said_of_an_ingredient_without_a_manifest_counts() {
    let identity = Authority::new("Registrants").signer("Inkstone Ltd");
    let original = picture(image::ImageFormat::Jpeg, 32, 32);
    for (relationship, meaning) in [
        ("componentOf", LabelMeaning::PartlySynthetic),
        ("parentOf", LabelMeaning::Synthetic),
        ("inputTo", LabelMeaning::Other),
    ] {
        let mut definition = captured();
        definition["assertions"][0]["data"]["actions"][0]["digitalSourceType"] =
            format!("{IPTC}digitalCreation").into();
        definition["ingredients"] = json!([{
            "title": "sky.png",
            "format": "image/png",
            "relationship": relationship,
            "digital_source_type": format!("{IPTC}trainedAlgorithmicMedia"),
        }]);
        let signed = sign_raw(&original, "image/jpeg", &identity, &mut builder(&definition));
        let report = no_anchors().read(&signed, "image/jpeg").unwrap();
        assert_eq!(report.ingredients.len(), 1, "{report:?}");
        assert_eq!(report.ai_generated, Some(meaning), "{relationship}: {report:?}");
    }
}
