//! Bombs, floods, noise and mutations.

use crate::{files::*, fuzzing::read_file, hostile_files::hostile_files};
use proptest::prelude::*;
use touchstone_inspect::{
    containers::{jpeg, png, webp},
    digest::{content_sha256, manifest_ranges},
    labels::{LabelToWrite, MAX_LABELS, MAX_RAW, read_labels, read_labels_counted, write_labels},
};
use touchstone_schema::{
    conformance::LabelFindingCode,
    label::{DigitalSourceType, FoundLabel},
};

#[test]
fn what_is_reported_is_bounded() {
    let long = format!("{{\"Label\":\"1\",\"ProduceID\":\"{}\"}}", "\u{4E2D}".repeat(5_000));
    let found = only(&png_file(&[text_chunk(*b"tEXt", "AIGC", long.as_bytes())], &[]));
    assert!(found.raw.len() <= MAX_RAW && found.raw.len() > MAX_RAW - 4);
    let many = vec![text_chunk(*b"tEXt", "AIGC", b"{}"); 2 * MAX_LABELS];
    assert_eq!(read_labels(&png_file(&many, &[])).len(), MAX_LABELS);
    // Bombs cost what they inflate to; behind too many of them nothing is read, behind one it is.
    let bomb = text_chunk(*b"zTXt", "AIGC", &vec![b' '; 2 << 20]);
    let behind = text_chunk(*b"zTXt", "AIGC", json(&label()).as_bytes());
    let found = read_labels(&png_file(&vec![bomb.clone(); 2_000], std::slice::from_ref(&behind)));
    assert_eq!(found.len(), 4, "each spends 1 MiB of the budget of 4 MiB");
    let unreadable =
        |l: &FoundLabel| l.gb45438.is_none() && l.findings[0].code == LabelFindingCode::Unreadable;
    assert!(found.iter().all(unreadable));
    let found = read_labels(&png_file(&[bomb, behind], &[]));
    assert!(found.len() == 2 && found[1].gb45438.is_some());
}

#[test]
fn hostile_files_cost_no_more_than_the_budgets() {
    for (name, file) in hostile_files() {
        let (labels, work) = read_labels_counted(&file);
        println!("{name}: {} MiB, {} labels, {work:?}", file.len() >> 20, labels.len());
        read_file(&file);
        // Few parts are left to look at once nothing more can be reported or read.
        assert!(work.parts <= 200_000, "{name}: {work:?}");
    }
    // What ends them early does not end honest files early.
    let many = vec![text_chunk(*b"tEXt", "Author", b"x"); 50_000];
    let labelled = text_chunk(*b"tEXt", "AIGC", json(&label()).as_bytes());
    assert_eq!(read_labels(&png_file(&many, &[labelled])).len(), 1);
}

#[test]
fn mutated_files_do_no_harm() {
    let text = json(&label());
    let exif = tiff(true, text.as_bytes(), format!("ASCII\0\0\0{text}").as_bytes());
    let packet = quirky_packet(&text);
    let files = [
        jpeg_file(&[jpeg_exif(&exif), jpeg_xmp(&packet)], &[jpeg_xmp(&iptc_packet("x"))]),
        png_file(
            &[text_chunk(*b"zTXt", "XML:com.adobe.xmp", packet.as_bytes())],
            &[png::chunk(*b"eXIf", &exif).unwrap()],
        ),
        webp_file(&[
            webp::chunk(*b"XMP ", packet.as_bytes()).unwrap(),
            webp::chunk(*b"EXIF", &exif).unwrap(),
        ]),
        write_labels(&webp_file(&[]), &both()).unwrap(),
    ];
    // xorshift64 with a fixed seed: every run does the same.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    for round in 0..8_000 {
        let mut file = files[round % files.len()].clone();
        for _ in 0..=draw(4) {
            let at = draw(file.len());
            match draw(4) {
                0 => file[at] ^= 1 << draw(8),
                1 => file[at] = [0x00, 0xFF, b'<', b'&', b'"'][draw(5)],
                2 => file.truncate(at.max(12)),
                _ => file.insert(at, u8::try_from(draw(256)).unwrap()),
            }
        }
        let labels = read_labels(&file);
        assert!(
            labels.iter().all(|l| l.raw.len() <= MAX_RAW && l.offset < u64::try_from(file.len()).unwrap())
        );
        let write = LabelToWrite { gb45438: None, digital_source_type: Some(DigitalSourceType::Composite) };
        if let Ok(new) = write_labels(&file, &write) {
            let wanted = Some(DigitalSourceType::Composite);
            assert!(read_labels(&new).iter().any(|l| l.digital_source_type == wanted), "round {round}");
        }
        assert!(manifest_ranges(&file).windows(2).all(|w| w[0].end < w[1].start));
    }
}

fn noise() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in noise(), start in 0_usize..4) {
        let signatures: [&[u8]; 4] = [&jpeg::SIGNATURE, &png::SIGNATURE, b"RIFF\xFF\0\0\0WEBP", b""];
        let file = [signatures[start], &bytes].concat();
        let _ = (read_labels(&file), manifest_ranges(&file));
        let _ = (content_sha256(&file), write_labels(&file, &both()));
    }
}
