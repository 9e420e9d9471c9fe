//! The propagator's part: added to every carrier, never instead of the producer's.

use crate::files::*;
use crate::movies::Movie;
use proptest::prelude::*;
use touchstone_inspect::{
    containers::{jpeg, png, webp},
    labels::{
        LabelToWrite, LabelWriteError, Propagation, PropagationBasis, gb45438::LabelFault, produced,
        propagate, read_labels, write_labels,
    },
};
use touchstone_schema::label::{AiAttribute, DigitalSourceType, Gb45438Label, LabelScheme};

const PLATFORM: &str = "00119144030008867405X220001";

fn platform() -> Propagation {
    Propagation { propagator: PLATFORM.into(), propagate_id: "n:1".into(), ..Propagation::default() }
}

fn spread(label: Gb45438Label) -> Gb45438Label {
    Gb45438Label { content_propagator: PLATFORM.into(), propagate_id: "n:1".into(), ..label }
}

fn labelled(label: Gb45438Label, file: &[u8]) -> Vec<u8> {
    write_labels(file, &LabelToWrite { gb45438: Some(label), digital_source_type: None }).unwrap()
}

fn carriers() -> Vec<Vec<u8>> {
    vec![jpeg_file(&[], &[]), png_file(&[], &[]), webp_file(&[]), Movie::default().bytes()]
}

/// Where two files differ: the offset of the first difference, and how many bytes from there on stand in each.
fn difference(old: &[u8], new: &[u8]) -> (usize, usize, usize) {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    (head, old.len() - head - tail, new.len() - head - tail)
}

#[test]
fn on_first_write_the_propagator_is_the_producer() {
    let label = produced(AiAttribute::Confirmed, CODE, "task:42");
    assert_eq!(
        (label.label.as_str(), &label.content_propagator, &label.propagate_id),
        ("1", &CODE.into(), &"task:42".into())
    );
    for file in carriers() {
        let new = labelled(label.clone(), &file);
        let found = propagate(&new, &platform()).unwrap();
        assert!(!found.is_new);
        assert_eq!(found.label, spread(label.clone()));
        assert_eq!(only(&found.bytes).gb45438, Some(spread(label.clone())));
        // Once more changes nothing, and another platform does not take the place.
        assert_eq!(propagate(&found.bytes, &platform()).unwrap().bytes, found.bytes);
        let other = Propagation { propagator: "other".into(), ..platform() };
        let refused = propagate(&found.bytes, &other);
        assert_eq!(refused, Err(LabelWriteError::AlreadyPropagated { found: PLATFORM.into() }));
        let renumbered = Propagation { propagate_id: "n:2".into(), ..platform() };
        assert!(matches!(
            propagate(&found.bytes, &renumbered),
            Err(LabelWriteError::AlreadyPropagated { .. })
        ));
    }
}

#[test]
fn labels_in_the_wild_get_the_fields_where_they_stand() {
    let text = r#"{"AIGC": {"Label":"1","ContentProducer":"001191440300708461136T1WFUO","ProduceID":"7", "ReservedCode1":"{\"Type\":\" TC260PG\"}"}}"#;
    let bare = r#"{"ContentProducer":"kling","Label":"1","ProduceID":"u:1/task:e5"}"#;
    let misspelt = r#"{"Label":"AIGC","ContentProducer":"中文","ReserveCode1":"x","ProduceID":" 7"}"#;
    let exif = |text: &str| tiff(true, b"a cup", &[b"ASCII\0\0\0", text.as_bytes()].concat());
    for text in [text, bare, misspelt] {
        let packet = quirky_packet(text);
        let compressed = [b"XML:com.adobe.xmp\0\x01\0\0\0", &deflated(packet.as_bytes())[..]].concat();
        let mut files = vec![
            jpeg_file(&[jpeg_xmp(&packet)], &[]),
            png_file(&[], &[text_chunk(*b"iTXt", "XML:com.adobe.xmp", packet.as_bytes())]),
            png_file(&[png::chunk(*b"iTXt", &compressed).unwrap()], &[]),
            webp_file(&[
                webp::chunk(*b"XMP ", packet.as_bytes()).unwrap(),
                webp::chunk(*b"ABCD", b"x").unwrap(),
            ]),
            jpeg_file(&[jpeg_exif(&exif(text))], &[]),
            png_file(&[png::chunk(*b"eXIf", &exif(text)).unwrap()], &[]),
            webp_file(&[webp::chunk(*b"EXIF", &exif(text)).unwrap()]),
        ];
        if text.is_ascii() {
            files.push(png_file(&[text_chunk(*b"tEXt", "AIGC", text.as_bytes())], &[]));
            files.push(png_file(&[text_chunk(*b"zTXt", "AIGC", text.as_bytes())], &[]));
        }
        for file in files {
            let old = only(&file);
            let found = propagate(&file, &platform()).unwrap();
            let new = only(&found.bytes);
            assert_eq!(new.gb45438, Some(spread(old.gb45438.unwrap())), "{}", new.carrier);
            assert_eq!((&new.carrier, new.scheme), (&old.carrier, LabelScheme::Gb45438));
            assert_eq!(webp::riff_end(&found.bytes).unwrap_or(found.bytes.len()), found.bytes.len());
        }
    }
}

#[test]
fn only_the_carrier_changes() {
    let icc = jpeg::segment(jpeg::APP2, b"ICC_PROFILE\0\x01\x01").unwrap();
    let packet = quirky_packet(&json(&label()));
    let file = jpeg_file(&[jpeg_xmp(&packet), icc], &[]);
    let new = propagate(&file, &platform()).unwrap().bytes;
    let (at, old, _) = difference(&file, &new);
    let end = 20 + 4 + jpeg::XMP_HEADER.len() + packet.len();
    assert!(at > 20 && at + old < end, "from {at}, {old} bytes");
    let gamma = png::chunk(*b"gAMA", &[0, 0, 0xB1, 0x8F]).unwrap();
    let chunk = text_chunk(*b"tEXt", "AIGC", json(&label()).as_bytes());
    let length = chunk.len();
    let file = png_file(&[chunk, gamma], &[]);
    let new = propagate(&file, &platform()).unwrap().bytes;
    let (at, old, _) = difference(&file, &new);
    assert!(at >= 33 && at + old <= 33 + length);
}

#[test]
fn files_without_a_label_get_one_on_a_stated_or_found_basis() {
    for file in carriers() {
        assert_eq!(propagate(&file, &platform()), Err(LabelWriteError::NoLabel));
        for (basis, value) in [(PropagationBasis::Declared, "2"), (PropagationBasis::Detected, "3")] {
            let given = Propagation { basis: Some(basis), ..platform() };
            let found = propagate(&file, &given).unwrap();
            assert!(found.is_new);
            let expected = spread(Gb45438Label { label: value.into(), ..Gb45438Label::default() });
            assert_eq!(only(&found.bytes).gb45438, Some(expected));
        }
    }
    // Another label that says AI is a basis of its own; one that does not is none, and neither is a trace.
    let said = |term: DigitalSourceType| jpeg_file(&[jpeg_xmp(&iptc_packet(&term.uri()))], &[]);
    let found = propagate(&said(DigitalSourceType::TrainedAlgorithmicMedia), &platform()).unwrap();
    assert_eq!(found.label.label, "3");
    let traced = b"a cup --v 6 Job ID: 0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001";
    let traced = png_file(&[text_chunk(*b"tEXt", "Description", traced)], &[]);
    assert_eq!(read_labels(&traced).len(), 1, "this test must meet the trap");
    for photo in [said(DigitalSourceType::DigitalCapture), traced.clone()] {
        assert_eq!(propagate(&photo, &platform()), Err(LabelWriteError::NoLabel));
    }
    let detected = Propagation { basis: Some(PropagationBasis::Detected), ..platform() };
    assert_eq!(propagate(&traced, &detected).unwrap().label.label, "3");
}

#[test]
fn a_label_never_says_less_than_before() {
    let declared = Propagation { basis: Some(PropagationBasis::Declared), ..platform() };
    let detected = Propagation { basis: Some(PropagationBasis::Detected), ..platform() };
    for file in carriers() {
        // What a producer confirmed stays confirmed, whatever a platform claims.
        let confirmed = labelled(label(), &file);
        for basis in [&declared, &detected] {
            assert_eq!(propagate(&confirmed, basis).unwrap().label, spread(label()));
        }
        // A platform's own label may say more once it knows more, and never less.
        let suspected = propagate(&file, &detected).unwrap().bytes;
        let possible = propagate(&suspected, &declared).unwrap();
        assert_eq!(only(&possible.bytes).gb45438.unwrap().label, "2");
        let refused = propagate(&possible.bytes, &detected);
        assert_eq!(refused, Err(LabelWriteError::WouldWeaken { found: "2".into(), asked: "3" }));
        assert_eq!(propagate(&possible.bytes, &platform()).unwrap().bytes, possible.bytes);
    }
    // A source type that takes the label back is refused, and so is a second label.
    let photo = LabelToWrite { gb45438: None, digital_source_type: Some(DigitalSourceType::DigitalCapture) };
    let confirmed = labelled(label(), &png_file(&[], &[]));
    let contradiction = LabelWriteError::Contradiction { asked: "digitalCapture" };
    assert_eq!(write_labels(&confirmed, &photo), Err(contradiction.clone()));
    let both = LabelToWrite { gb45438: Some(label()), ..photo };
    assert_eq!(write_labels(&png_file(&[], &[]), &both), Err(contradiction));
}

#[test]
fn unclear_files_are_refused() {
    let text = json(&label());
    let two = png_file(
        &[text_chunk(*b"tEXt", "AIGC", text.as_bytes()), text_chunk(*b"zTXt", "AIGC", text.as_bytes())],
        &[],
    );
    assert_eq!(propagate(&two, &platform()), Err(LabelWriteError::SeveralLabels));
    let bare = jpeg_file(&[jpeg::segment(jpeg::COM, format!("AIGC{text}").as_bytes()).unwrap()], &[]);
    assert_eq!(read_labels(&bare).len(), 1);
    assert!(matches!(propagate(&bare, &platform()), Err(LabelWriteError::UnsupportedLayout { .. })));
    let unreadable = png_file(&[text_chunk(*b"tEXt", "AIGC", b"not JSON")], &[]);
    assert!(matches!(propagate(&unreadable, &platform()), Err(LabelWriteError::UnsupportedLayout { .. })));
    let twice = text.replace("\"PropagateID\":\"\"", "\"PropagateID\":\"\",\"PropagateID\":\"\"");
    let twice = png_file(&[text_chunk(*b"tEXt", "AIGC", twice.as_bytes())], &[]);
    assert!(matches!(propagate(&twice, &platform()), Err(LabelWriteError::UnsupportedLayout { .. })));
    let signed = png_file(&[png::chunk(*b"caBX", b"store").unwrap()], &[]);
    assert_eq!(propagate(&signed, &platform()), Err(LabelWriteError::WouldBreakManifest));
    assert_eq!(propagate(b"GIF89a", &platform()), Err(LabelWriteError::UnsupportedFormat));
    let invalid = |propagation: &Propagation| match propagate(&png_file(&[], &[]), propagation) {
        Err(LabelWriteError::InvalidLabel(fault)) => fault.field(),
        other => panic!("{other:?}"),
    };
    assert_eq!(invalid(&Propagation::default()), "ContentPropagator");
    assert_eq!(invalid(&Propagation { propagate_id: String::new(), ..platform() }), "PropagateID");
    assert_eq!(invalid(&Propagation { propagator: "a b".into(), ..platform() }), "ContentPropagator");
    assert_eq!(invalid(&Propagation { integrity: "\u{4E2D}".into(), ..platform() }), "ReservedCode2");
    // The extension of a code says for which role it stands.
    let producing = Propagation { propagator: "00119144030008867405X210001".into(), ..platform() };
    let refused = propagate(&png_file(&[], &[]), &producing);
    assert!(matches!(refused, Err(LabelWriteError::Inconsistent(_))), "{refused:?}");
    let half = Gb45438Label { content_propagator: PLATFORM.into(), ..label() };
    let half = LabelToWrite { gb45438: Some(half), digital_source_type: None };
    assert!(matches!(write_labels(&png_file(&[], &[]), &half), Err(LabelWriteError::Inconsistent(_))));
    let wrong = Propagation { propagator: PLATFORM.replace('X', "Y"), ..platform() };
    assert!(matches!(
        propagate(&png_file(&[], &[]), &wrong),
        Err(LabelWriteError::InvalidLabel(LabelFault::ProviderCode { .. }))
    ));
}

/// A packet whose prefix for the namespace of the label is `AIGC`, as the name of the property is.
fn namesake(property: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description rdf:about='' xmlns:AIGC=\"{TC260}\"{property}</rdf:RDF></x:xmpmeta>"
    )
}

#[test]
fn a_declaration_of_the_prefix_aigc_is_no_label() {
    let value = json(&label()).replace('"', "&quot;");
    for property in
        [format!("><AIGC:AIGC>{value}</AIGC:AIGC></rdf:Description>"), format!(" AIGC:AIGC='{value}'/>")]
    {
        let file = jpeg_file(&[jpeg_xmp(&namesake(&property))], &[]);
        let found = only(&file);
        assert_eq!((found.gb45438, found.findings), (Some(label()), Vec::new()));
        let new = only(&propagate(&file, &platform()).unwrap().bytes);
        assert_eq!((new.gb45438, new.findings), (Some(spread(label())), Vec::new()));
    }
    let file = jpeg_file(&[jpeg_xmp(&namesake("/>"))], &[]);
    assert_eq!(read_labels(&file), []);
    let new = only(&labelled(label(), &file));
    assert_eq!((new.gb45438, new.findings), (Some(label()), Vec::new()));
}

#[test]
fn integrity_data_of_another_is_never_lost() {
    let integrity = |text: &str| Propagation { integrity: text.into(), ..platform() };
    let with = |code_1: &str, code_2: &str| Gb45438Label {
        reserved_code_1: code_1.into(),
        reserved_code_2: code_2.into(),
        ..produced(AiAttribute::Confirmed, CODE, "task:42")
    };
    for file in carriers() {
        // What is not the producer's own stays, or nothing is written.
        for code_1 in ["", "PRODUCER"] {
            let old = labelled(with(code_1, "SIG"), &file);
            let expected = spread(with(code_1, "SIG"));
            assert_eq!(only(&propagate(&old, &platform()).unwrap().bytes).gb45438, Some(expected));
            let refused = Err(LabelWriteError::AlreadyPropagated { found: CODE.into() });
            assert_eq!(propagate(&old, &integrity("OWN")), refused);
        }
        // A repetition of the producer's is not lost: it stands in the producer's field.
        let old = labelled(with("SIG", "SIG"), &file);
        let new = propagate(&old, &platform()).unwrap().bytes;
        assert_eq!(only(&new).gb45438, Some(spread(with("SIG", "SIG"))));
        let new = propagate(&old, &integrity("OWN")).unwrap().bytes;
        assert_eq!(only(&new).gb45438, Some(spread(with("SIG", "OWN"))));
        // Its own data stays too, whether it is repeated or left out.
        for again in [platform(), integrity("OWN")] {
            assert_eq!(propagate(&new, &again).unwrap().bytes, new);
        }
        let refused = Err(LabelWriteError::AlreadyPropagated { found: PLATFORM.into() });
        assert_eq!(propagate(&new, &integrity("NEW")), refused);
    }
}

#[test]
fn pictures_behind_the_first_are_not_moved() {
    let index = jpeg::segment(jpeg::APP2, b"MPF\0II*\0").unwrap();
    let exif = tiff(true, b"a cup", &[b"ASCII\0\0\0", json(&label()).as_bytes()].concat());
    for carrier in [jpeg_xmp(&quirky_packet(&json(&label()))), jpeg_exif(&exif)] {
        for segments in [[carrier.clone(), index.clone()], [index.clone(), carrier.clone()]] {
            let file = jpeg_file(&segments, &[]);
            assert_eq!(only(&file).gb45438, Some(label()));
            let what = "it has a multi-picture index";
            assert_eq!(propagate(&file, &platform()), Err(LabelWriteError::UnsupportedLayout { what }));
        }
    }
}

#[test]
fn other_json_beside_the_label_stays() {
    let text = json(&label());
    let other = br#"{"camera":"x1"}"#;
    let comment = |text: &[u8]| [b"ASCII\0\0\0", text].concat();
    for little in [true, false] {
        for (carrier, exif) in [
            ("UserComment", tiff(little, other, &comment(text.as_bytes()))),
            ("ImageDescription", tiff(little, text.as_bytes(), &comment(other))),
        ] {
            for file in [
                jpeg_file(&[jpeg_exif(&exif)], &[]),
                png_file(&[png::chunk(*b"eXIf", &exif).unwrap()], &[]),
                webp_file(&[webp::chunk(*b"EXIF", &exif).unwrap()]),
            ] {
                assert!(only(&file).carrier.ends_with(carrier));
                let new = propagate(&file, &platform()).unwrap().bytes;
                assert_eq!(only(&new).gb45438, Some(spread(label())), "{carrier}");
                assert!(new.windows(other.len()).any(|window| window == other), "{carrier}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_label_keeps_its_fields_in_every_carrier(
        attribute in "[123]",
        producer in "[!-\\[\\]-~]{1,26}",
        id in "[!-\\[\\]-~]{1,60}",
        integrity in "[!-\\[\\]-~]{0,60}",
        propagator in "[!-\\[\\]-~]{1,26}",
        number in "[!-\\[\\]-~]{1,60}",
        own in "[!-\\[\\]-~]{0,60}",
        empty in any::<bool>(),
    ) {
        let mut label = Gb45438Label {
            label: attribute,
            content_producer: producer,
            produce_id: id,
            reserved_code_1: integrity,
            ..Gb45438Label::default()
        };
        if !empty {
            label.content_propagator = label.content_producer.clone();
            label.propagate_id = label.produce_id.clone();
        }
        let propagation = Propagation { propagator, propagate_id: number, integrity: own, basis: None };
        let expected = Gb45438Label {
            content_propagator: propagation.propagator.clone(),
            propagate_id: propagation.propagate_id.clone(),
            reserved_code_2: propagation.integrity.clone(),
            ..label.clone()
        };
        for file in carriers() {
            let new = propagate(&labelled(label.clone(), &file), &propagation).unwrap();
            prop_assert_eq!(only(&new.bytes).gb45438, Some(expected.clone()));
        }
    }
}
