//! Written labels: compliant, merged into what is there, refused where they would do harm.

use crate::files::*;
use proptest::prelude::*;
use touchstone_inspect::{
    containers::{jpeg, png, webp},
    labels::{
        LabelToWrite, LabelWriteError,
        gb45438::{LabelFault, faults},
        provider_code::CodeFault,
        read_labels, write_labels,
    },
};
use touchstone_schema::label::{DigitalSourceType, Gb45438Label};

#[test]
fn written_labels_read_back_and_nothing_else_changes() {
    let icc = jpeg::segment(jpeg::APP2, b"ICC_PROFILE\0\x01\x01").unwrap();
    let exif = jpeg_exif(&tiff(true, b"a cup", b"ASCII\0\0\0hello"));
    let gamma = png::chunk(*b"gAMA", &[0, 0, 0xB1, 0x8F]).unwrap();
    for (file, place) in [
        (jpeg_file(&[exif.clone(), icc.clone()], &[]), 20 + exif.len()),
        (jpeg_file(&[icc], &[]), 20),
        (png_file(std::slice::from_ref(&gamma), &[]), 33 + gamma.len()),
    ] {
        let new = write_labels(&file, &both()).unwrap();
        let added = new.len() - file.len();
        assert_eq!(new[..place], file[..place]);
        assert_eq!(new[place + added..], file[place..]);
        expect_both(&new);
    }
}

fn expect_both(file: &[u8]) {
    let found = read_labels(file);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].gb45438, Some(label()));
    assert_eq!(found[1].digital_source_type, Some(DigitalSourceType::TrainedAlgorithmicMedia));
    assert!(found.iter().all(|f| f.findings.is_empty()), "{found:?}");
    assert_eq!(write_labels(file, &both()), Err(LabelWriteError::AlreadyLabelled));
}

#[test]
fn webp_gets_an_extended_header() {
    let simple = webp_file(&[]);
    let new = write_labels(&simple, &both()).unwrap();
    expect_both(&new);
    let chunks: Vec<_> = webp::chunks(&new).collect();
    assert_eq!(chunks.iter().map(|c| &c.kind).collect::<Vec<_>>(), [b"VP8X", b"VP8L", b"XMP "]);
    // XMP and, as the lossless bitstream says, transparency; one pixel by one pixel.
    assert_eq!(chunks[0].data, [webp::FLAG_XMP | alpha_of(&simple), 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(chunks[1].data, webp::chunks(&simple).next().unwrap().data);
    assert_eq!(webp::riff_end(&new), Some(new.len()));

    // A file that has the header already keeps everything else, and what follows the RIFF stays behind it.
    let mut extended = write_labels(&simple, &LabelToWrite { gb45438: None, ..both() }).unwrap();
    extended.extend(b"trailer");
    let merged = write_labels(&extended, &LabelToWrite { digital_source_type: None, ..both() }).unwrap();
    assert!(merged.ends_with(b"trailer"));
    assert_eq!(webp::chunks(&merged).map(|c| c.kind).collect::<Vec<_>>(), [*b"VP8X", *b"VP8L", *b"XMP "]);
    assert_eq!(read_labels(&merged).len(), 2);
}

fn alpha_of(file: &[u8]) -> u8 {
    let first = webp::chunks(file).next().unwrap();
    let (width, height, alpha) = webp::bitstream_size(first.kind, first.data).unwrap();
    assert_eq!((width, height), (1, 1));
    if alpha { webp::FLAG_ALPHA } else { 0 }
}

#[test]
fn labels_are_added_to_the_xmp_that_is_there() {
    let packet = iptc_packet(&DigitalSourceType::TrainedAlgorithmicMedia.uri());
    let compressed = [b"XML:com.adobe.xmp\0\x01\0\0\0", &deflated(packet.as_bytes())[..]].concat();
    for file in [
        jpeg_file(&[jpeg_xmp(&packet)], &[]),
        png_file(&[text_chunk(*b"iTXt", "XML:com.adobe.xmp", packet.as_bytes())], &[]),
        png_file(&[], &[png::chunk(*b"iTXt", &compressed).unwrap()]),
        webp_file(&[webp::chunk(*b"XMP ", packet.as_bytes()).unwrap()]),
    ] {
        let new = write_labels(&file, &both()).unwrap();
        let found = read_labels(&new);
        assert_eq!(found.len(), 2, "the source type is not written twice: {found:?}");
        assert_eq!(found[1].gb45438, Some(label()));
        let (head, tail) = packet.split_at(packet.find("</rdf:RDF>").unwrap());
        let contains = |part: &str| new.windows(part.len()).any(|w| w == part.as_bytes());
        assert!(contains(head) && contains(tail));

        let same = LabelToWrite { gb45438: None, ..both() };
        assert_eq!(write_labels(&file, &same).unwrap(), file);
        let other = LabelToWrite { digital_source_type: Some(DigitalSourceType::DigitalCapture), ..both() };
        assert!(matches!(write_labels(&file, &other), Err(LabelWriteError::OtherSourceType { .. })));
    }
}

#[test]
fn labels_that_are_not_compliant_are_refused() {
    let refused = |change: fn(&mut Gb45438Label)| {
        let mut bad = label();
        change(&mut bad);
        let write = LabelToWrite { gb45438: Some(bad), digital_source_type: None };
        match write_labels(&png_file(&[], &[]), &write) {
            Err(LabelWriteError::InvalidLabel(fault)) => fault,
            other => panic!("{other:?}"),
        }
    };
    let (field, fault) = ("ContentProducer", CodeFault::CheckCharacter);
    assert_eq!(refused(|l| l.label = "4".into()), LabelFault::Attribute);
    assert_eq!(refused(|l| l.content_producer = "91110102 X".into()), LabelFault::CharacterSet { field });
    assert_eq!(refused(|l| l.content_producer.clear()), LabelFault::Empty { field });
    assert_eq!(refused(|l| l.produce_id.clear()), LabelFault::Empty { field: "ProduceID" });
    assert_eq!(
        refused(|l| l.reserved_code_2 = "\\".into()),
        LabelFault::CharacterSet { field: "ReservedCode2" }
    );
    let wrong = refused(|l| l.content_producer = CODE.replace('Q', "R"));
    assert_eq!(wrong, LabelFault::ProviderCode { field, fault });
    let wrong = refused(|l| l.content_propagator = CODE.replace('Q', "R"));
    assert_eq!(wrong, LabelFault::ProviderCode { field: "ContentPropagator", fault });
}

#[test]
fn files_that_cannot_take_a_label_are_refused() {
    let write = |file: &[u8]| write_labels(file, &both()).unwrap_err();
    assert_eq!(
        write_labels(&png_file(&[], &[]), &LabelToWrite::default()),
        Err(LabelWriteError::NothingToWrite)
    );
    assert_eq!(write(b"GIF89a"), LabelWriteError::UnsupportedFormat);
    assert_eq!(write(b""), LabelWriteError::UnsupportedFormat);
    assert!(matches!(write(&png_file(&[], &[])[..50]), LabelWriteError::Malformed { .. }));
    assert!(matches!(write(&jpeg_file(&[], &[])[..20]), LabelWriteError::Malformed { .. }));
    assert!(matches!(write(&webp_file(&[])[..30]), LabelWriteError::Malformed { .. }));
    let index = jpeg::segment(jpeg::APP2, b"MPF\0II*\0").unwrap();
    assert!(matches!(write(&jpeg_file(&[index], &[])), LabelWriteError::UnsupportedLayout { .. }));
    assert_eq!(write(&jpeg_file(&[jpeg_xmp("<x>no end")], &[])), LabelWriteError::UnreadableXmp);
    let full = quirky_packet("{}").replace("TC260:AIGC", "TC260:Other");
    let full = full.replace("</rdf:RDF>", &format!("</rdf:RDF>{}", " ".repeat(65_000 - full.len())));
    assert_eq!(write(&jpeg_file(&[jpeg_xmp(&full)], &[])), LabelWriteError::TooLarge);

    let store = png_file(&[png::chunk(*b"caBX", b"store").unwrap()], &[]);
    assert_eq!(write(&store), LabelWriteError::WouldBreakManifest);
    let store = webp_file(&[webp::chunk(*b"C2PA", b"store").unwrap()]);
    assert_eq!(write(&store), LabelWriteError::WouldBreakManifest);
    let mut jumbf = b"JP\x02\x11\0\0\0\x01\0\0\0\x40jumb\0\0\0\x1Ejumd".to_vec();
    jumbf.extend(b"c2pa\0\x11\0\x10\x80\0\0\xAA\0\x38\x9B\x71\x03c2pa\0");
    let store = jpeg_file(&[jpeg::segment(jpeg::APP11, &jumbf).unwrap()], &[]);
    assert_eq!(write(&store), LabelWriteError::WouldBreakManifest);
}

fn value() -> impl Strategy<Value = String> {
    "[!-\\[\\]-~]{0,60}"
}

prop_compose! {
    fn compliant()(
        label in "[123]",
        producer in prop_oneof![Just(CODE.to_owned()), "[!-\\[\\]-~]{1,26}"],
        id in "[!-\\[\\]-~]{1,60}",
        rest in (value(), "[!-\\[\\]-~]{1,26}", "[!-\\[\\]-~]{1,60}", value()),
        spread in any::<bool>(),
    ) -> Gb45438Label {
        let (reserved_code_1, mut content_propagator, mut propagate_id, reserved_code_2) = rest;
        if !spread {
            content_propagator.clear();
            propagate_id.clear();
        }
        let (content_producer, produce_id) = (producer, id);
        Gb45438Label {
            label,
            content_producer,
            produce_id,
            reserved_code_1,
            content_propagator,
            propagate_id,
            reserved_code_2,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_compliant_label_round_trips(label in compliant(), format in 0..3) {
        prop_assert!(faults(&label).is_empty());
        let file = match format { 0 => jpeg_file(&[], &[]), 1 => png_file(&[], &[]), _ => webp_file(&[]) };
        let write = LabelToWrite { gb45438: Some(label.clone()), digital_source_type: None };
        let found = only(&write_labels(&file, &write).unwrap());
        prop_assert_eq!(found.gb45438, Some(label));
        prop_assert!(found.findings.is_empty(), "{:?}", found.findings);
    }
}
