//! The implicit label in videos: samples stay where the tables say, and files that would break are refused.

use crate::files::{both, label, only};
use crate::movies::{Layout, Movie, SAMPLES, make, samples};
use proptest::prelude::*;
use touchstone_inspect::{
    containers::bmff::{boxes, children},
    labels::{LabelToWrite, LabelWriteError, Propagation, propagate, read_labels, write_labels},
};
use touchstone_schema::label::Gb45438Label;

fn implicit() -> LabelToWrite {
    LabelToWrite { gb45438: Some(label()), digital_source_type: None }
}

fn keyed(keys: &[&str], handler: &[u8; 4]) -> Vec<u8> {
    let hdlr = make(*b"hdlr", &[&[0; 8], handler, &[0; 13]]);
    let mut names = vec![0, 0, 0, 0, 0, 0, 0, u8::try_from(keys.len()).unwrap()];
    let mut list = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        names.extend(u32::try_from(key.len() + 8).unwrap().to_be_bytes());
        names.extend([b"mdta", key.as_bytes()].concat());
        let data = make(*b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0], b"value"]);
        list.extend(make(u32::try_from(at + 1).unwrap().to_be_bytes(), &[&data]));
    }
    make(*b"meta", &[&[0; 4], &hdlr, &make(*b"keys", &[&names]), &make(*b"ilst", &[&list])])
}

fn itunes() -> Vec<u8> {
    let hdlr = make(*b"hdlr", &[&[0; 8], b"mdir", b"appl", &[0; 9]]);
    let tool = make(*b"\xA9too", &[&make(*b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0], b"Lavf"])]);
    make(*b"meta", &[&[0; 4], &hdlr, &make(*b"ilst", &[&tool])])
}

fn expect_whole(file: &[u8], new: &[u8]) {
    assert_eq!(samples(new), SAMPLES);
    let end = boxes(new).last().unwrap().end;
    assert_eq!(end, new.len(), "every size is right");
    let media = |file: &[u8]| boxes(file).find(|b| b.kind == *b"mdat").unwrap().data.to_vec();
    assert_eq!(media(file), media(new));
    let kinds =
        |file: &[u8]| -> Vec<_> { boxes(file).map(|b| b.kind).filter(|kind| kind != b"free").collect() };
    assert_eq!(kinds(file), kinds(new));
}

#[test]
fn the_label_reads_back_and_every_sample_is_found() {
    let terminated = [make(*b"\xA9nam", &[b"title"]), vec![0; 4]].concat();
    let user_data =
        [Vec::new(), terminated, keyed(&["com.example.one"], b"mdta"), keyed(&[], b"mdta"), itunes()];
    for layout in [Layout::Behind, Layout::Front, Layout::FrontFree(64), Layout::FrontFree(2048)] {
        for (at, data) in user_data.iter().enumerate() {
            for wide in [false, true] {
                let movie = Movie { layout, wide, user_data: data.clone(), ..Movie::default() };
                let file = movie.bytes();
                assert_eq!(samples(&file), SAMPLES);
                let new = write_labels(&file, &implicit()).unwrap();
                expect_whole(&file, &new);
                assert_eq!(only(&new).gb45438, Some(label()), "{layout:?} {at}");
                if layout == Layout::FrontFree(2048) {
                    assert_eq!(new.len(), file.len(), "the free space holds it");
                }
                assert_eq!(write_labels(&new, &implicit()), Err(LabelWriteError::AlreadyLabelled));

                let add = Propagation {
                    propagator: "platform".into(),
                    propagate_id: "n:1".into(),
                    ..Propagation::default()
                };
                let spread = propagate(&new, &add).unwrap();
                expect_whole(&file, &spread.bytes);
                let expected = Gb45438Label {
                    content_propagator: "platform".into(),
                    propagate_id: "n:1".into(),
                    ..label()
                };
                assert_eq!(only(&spread.bytes).gb45438, Some(expected));
            }
        }
    }
}

#[test]
fn other_metadata_stays() {
    let movie = Movie { user_data: keyed(&["com.example.one"], b"mdta"), ..Movie::default() };
    let new = write_labels(&movie.bytes(), &implicit()).unwrap();
    for part in [&b"com.example.one"[..], b"value"] {
        assert!(new.windows(part.len()).any(|window| window == part));
    }
    // A free box with something in it is not empty.
    let mut file = Movie { layout: Layout::FrontFree(2048), ..Movie::default() }.bytes();
    let at = boxes(&file).find(|b| b.kind == *b"free").unwrap().data_offset();
    file[at + 100] = b'!';
    let new = write_labels(&file, &implicit()).unwrap();
    expect_whole(&file, &new);
    assert!(new.len() > file.len());
}

#[test]
fn a_shorter_entry_moves_nothing() {
    let long = Gb45438Label { produce_id: "x".repeat(300), propagate_id: "x".repeat(300), ..label() };
    let long = Gb45438Label { content_propagator: long.content_producer.clone(), ..long };
    let write = LabelToWrite { gb45438: Some(long.clone()), digital_source_type: None };
    let file = write_labels(&Movie::default().bytes(), &write).unwrap();
    let add = Propagation { propagator: "p".into(), propagate_id: "1".into(), ..Propagation::default() };
    let new = propagate(&file, &add).unwrap().bytes;
    assert_eq!(new.len(), file.len());
    expect_whole(&file, &new);
    assert_eq!(only(&new).gb45438.unwrap().produce_id, long.produce_id);
}

#[test]
fn files_that_would_break_are_refused() {
    let refused = |movie: &Movie| write_labels(&movie.bytes(), &implicit()).unwrap_err();
    let unsupported = |movie: &Movie| match refused(movie) {
        LabelWriteError::UnsupportedLayout { what } => what,
        other => panic!("{other:?}"),
    };
    let fragmented = make(*b"mvex", &[]);
    assert!(unsupported(&Movie { more: fragmented.clone(), ..Movie::default() }).contains("fragmented"));
    for end in [*b"moof", *b"sidx", *b"mfra"] {
        assert!(unsupported(&Movie { end: make(end, &[]), ..Movie::default() }).contains("fragmented"));
    }
    let roomy = Movie { layout: Layout::FrontFree(2048), more: fragmented, ..Movie::default() };
    expect_whole(&roomy.bytes(), &write_labels(&roomy.bytes(), &implicit()).unwrap());
    assert!(unsupported(&Movie { inside: false, ..Movie::default() }).contains("other files"));
    assert!(unsupported(&Movie { tables: make(*b"saio", &[]), ..Movie::default() }).contains("auxiliary"));
    let items = make(*b"meta", &[&[0; 4], &make(*b"iloc", &[])]);
    assert!(unsupported(&Movie { end: items, ..Movie::default() }).contains("index of items"));
    assert!(unsupported(&Movie { more: make(*b"cmov", &[]), ..Movie::default() }).contains("compressed"));
    let other = Movie { user_data: keyed(&[], b"ID32"), ..Movie::default() };
    assert!(unsupported(&other).contains("another kind"));
    // Behind everything nothing moves.
    let behind = Movie { layout: Layout::Behind, inside: false, ..Movie::default() };
    assert!(write_labels(&behind.bytes(), &implicit()).is_ok());

    let signed = make(*b"uuid", &[b"\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c\x92\x97\x58\x28\x87\x7e\xc4\x81store"]);
    assert_eq!(refused(&Movie { end: signed, ..Movie::default() }), LabelWriteError::SignedMovie);
    assert!(matches!(
        write_labels(&Movie::default().bytes(), &both()),
        Err(LabelWriteError::UnsupportedLayout { .. })
    ));
    let file = Movie::default().bytes();
    assert!(matches!(
        write_labels(&file[..file.len() - 1], &implicit()),
        Err(LabelWriteError::Malformed { .. })
    ));
    let two = Movie { end: make(*b"moov", &[]), ..Movie::default() };
    assert!(matches!(refused(&two), LabelWriteError::Malformed { .. }));
    let picture = make(*b"ftyp", &[b"avif\0\0\0\0"]);
    assert_eq!(write_labels(&picture, &implicit()), Err(LabelWriteError::UnsupportedFormat));
}

#[test]
fn a_label_in_the_list_of_itunes_stands_in_a_named_place() {
    let movie = Movie { user_data: itunes(), ..Movie::default() };
    let found = only(&write_labels(&movie.bytes(), &implicit()).unwrap());
    assert_eq!(found.carrier, "mp4:moov.udta.meta.ilst:----:AIGC");
    assert_eq!(found.findings, []);
}

#[test]
fn a_label_that_would_be_judged_faulty_is_not_handed_out() {
    // The list of keys says that it is empty, and is not: the first key becomes the name of what is added.
    let key = [&[0, 0, 0, 24][..], b"mdta", b"com.example.AIGC"].concat();
    let hdlr = make(*b"hdlr", &[&[0; 8], b"mdta", &[0; 13]]);
    let meta = make(*b"meta", &[&[0; 4], &hdlr, &make(*b"keys", &[&[0; 8], &key]), &make(*b"ilst", &[])]);
    let file = Movie { user_data: meta, ..Movie::default() }.bytes();
    assert_eq!(read_labels(&file), []);
    assert_eq!(write_labels(&file, &implicit()), Err(LabelWriteError::NotReadBack));
}

#[test]
fn a_raw_photo_with_offsets_of_its_own_is_not_moved() {
    let photo = |layout, place: usize| {
        let mut file = Movie { layout, ..Movie::default() }.bytes();
        file[place..place + 4].copy_from_slice(b"crx ");
        file
    };
    // Major brand, and a compatible one.
    for place in [8, 20] {
        let what = "it is a Canon raw photo, whose index states offsets";
        let refused = write_labels(&photo(Layout::Front, place), &implicit());
        assert_eq!(refused, Err(LabelWriteError::UnsupportedLayout { what }));
        for layout in [Layout::FrontFree(2048), Layout::Behind] {
            let file = photo(layout, place);
            expect_whole(&file, &write_labels(&file, &implicit()).unwrap());
        }
    }
}

#[test]
fn a_chunk_offset_that_does_not_fit_is_refused() {
    let mut file = Movie::default().bytes();
    let moov = boxes(&file).find(|b| b.kind == *b"moov").unwrap();
    let mut level = moov;
    for kind in [b"trak", b"mdia", b"minf", b"stbl", b"stco"] {
        level = children(&file, &level, 0).find(|b| b.kind == *kind).unwrap();
    }
    let at = level.data_offset() + 8;
    file[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(write_labels(&file, &implicit()), Err(LabelWriteError::TooLarge));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_end_in_a_label_or_an_error(at in 0usize..700, byte in any::<u8>(), cut in 0usize..900) {
        for layout in [Layout::Front, Layout::Behind] {
            let mut file = Movie { layout, user_data: keyed(&["one"], b"mdta"), ..Movie::default() }.bytes();
            let at = at % file.len();
            file[at] = byte;
            file.truncate(cut.max(16));
            if let Ok(new) = write_labels(&file, &implicit()) {
                prop_assert!(read_labels(&new).iter().any(|l| l.gb45438 == Some(label())));
            }
        }
    }
}
