//! IPTC-IIM and second pictures of JPEG files; Matroska, WebM, FLV, AVI and PDF.

use crate::{files::*, formats::*, media_files::*};
use touchstone_inspect::{
    InspectOptions, Inspected,
    containers::{Container, ebml, flv, iim, jpeg, pdf, png, riff},
    inspect_file,
    labels::read_labels,
};
use touchstone_schema::label::{FoundLabel, LabelMeaning, LabelScheme};

const MADE: &[u8] = b"Made with Google AI";

fn credited(found: &FoundLabel, carrier: &str) {
    assert_eq!((found.carrier.as_str(), found.scheme), (carrier, LabelScheme::GeneratorTrace));
    assert_eq!((found.generator.as_deref(), found.meaning), (Some("Google AI"), LabelMeaning::Synthetic));
}

#[test]
fn a_credit_in_iptc_is_read_in_every_picture_format() {
    let datasets = [dataset(5, b"a cup"), dataset(110, MADE)];
    let file = jpeg_file(&[jpeg_iptc(&datasets)], &[]);
    let found = only(&file);
    credited(&found, "jpeg:app13:iptc:Credit");
    assert_eq!(file[usize::try_from(found.offset).unwrap()..][..2], [0xFF, jpeg::APP13]);
    let edited = only(&jpeg_file(&[jpeg_iptc(&[dataset(110, b"Edited with Google AI")])], &[]));
    assert_eq!(edited.meaning, LabelMeaning::PartlySynthetic);

    let resources = resource(iim::IPTC_RESOURCE, &datasets.concat());
    credited(&only(&tiff_file(true, false, &[(0x83BB, 1, &datasets.concat())], &[])), "tiff:iptc:Credit");
    credited(&only(&tiff_file(false, true, &[(0x8649, 1, &resources)], &[])), "tiff:iptc:Credit");
    let hex: String = resources.iter().map(|byte| format!("{byte:02x}")).collect();
    let profile = format!("\niptc\n{:8}\n{hex}\n", resources.len());
    let chunk = text_chunk(*b"zTXt", "Raw profile type iptc", profile.as_bytes());
    credited(&only(&png_file(&[chunk], &[])), "png:zTXt:Raw profile type iptc:Credit");
    // The same words anywhere else are none of the service's.
    assert_eq!(read_labels(&jpeg_file(&[jpeg_iptc(&[dataset(25, MADE)])], &[])), []);
}

#[test]
fn resources_may_be_spread_over_segments() {
    let whole = resource(iim::IPTC_RESOURCE, &dataset(110, MADE));
    let (one, two) = whole.split_at(20);
    let segment = |part: &[u8]| jpeg::segment(jpeg::APP13, &[iim::PHOTOSHOP_HEADER, part].concat()).unwrap();
    credited(&only(&jpeg_file(&[segment(one), segment(two)], &[])), "jpeg:app13:iptc:Credit");
    assert_eq!(read_labels(&jpeg_file(&[segment(one)], &[])), []);
}

#[test]
fn resources_and_datasets_come_out_as_they_went_in() {
    let named = [&b"8BIM\x03\xED\x03abc\0\0\0\x03"[..], b"one\0"].concat();
    let bytes = [named, resource(iim::IPTC_RESOURCE, b"four"), b"trailer".to_vec()].concat();
    let found: Vec<_> = iim::resources(&bytes).map(|it| (it.id, it.offset, it.data)).collect();
    assert_eq!(found, [(0x03ED, 14, &b"one"[..]), (iim::IPTC_RESOURCE, 30, &b"four"[..])]);
    let extended = [&[0x1C, 2, 120, 0x80, 2, 0x01, 0x00][..], &[b'x'; 256]].concat();
    let bytes = [dataset(110, b"credit"), extended, dataset(0, b"")].concat();
    let found: Vec<_> = iim::datasets(&bytes).map(|it| (it.number, it.offset, it.data.len())).collect();
    assert_eq!(found, [(110, 0, 6), (120, 11, 256), (0, 274, 0)]);
    for bad in [&b"\x1C\x02\x01\0\x09"[..], b"\x1C\x02\x01\x80\x05\0\0\0\0\0", b"\x1B\x02\x01\0\0"] {
        assert_eq!(iim::datasets(bad).count(), 0, "{bad:?}");
    }
}

#[test]
fn the_pictures_of_a_multi_picture_file_are_read_each_by_itself() {
    let labelled = jpeg_file(&[jpeg_xmp(&quirky_packet(&json(&label())))], &[]);
    let credit = jpeg_file(&[jpeg_iptc(&[dataset(110, MADE)])], &[]);
    for little in [true, false] {
        let first = jpeg_file(&[], &[]);
        let file = jpeg_pictures(little, &first, &[credit.clone(), labelled.clone()]);
        let found = read_labels(&file);
        assert_eq!(found.len(), 2, "{found:?}");
        credited(&found[0], "jpeg:mpf2:app13:iptc:Credit");
        assert_eq!(found[1].carrier, "jpeg:mpf3:app1:xmp");
        assert_eq!(found[1].gb45438, Some(label()));
        assert_eq!(codes(&found[1]), ["carrier_not_named"]);
        let at = usize::try_from(found[1].offset).unwrap();
        assert!(file[at..].starts_with(&[0xFF, jpeg::APP1]) && at > file.len() - labelled.len());
        // A file has one label, in whichever of its pictures.
        let both = read_labels(&jpeg_pictures(little, &labelled, std::slice::from_ref(&labelled)));
        assert_eq!(codes(&both[0]), Vec::<&str>::new());
        assert_eq!(codes(&both[1]), ["carrier_not_named", "label_repeated"]);
    }
}

#[test]
fn an_index_that_names_the_same_bytes_again_is_followed_once() {
    let labelled = jpeg_file(&[jpeg_xmp(&quirky_packet(&json(&label())))], &[]);
    let mut file = jpeg_pictures(true, &jpeg_file(&[], &[]), &vec![labelled.clone(); 3]);
    assert_eq!(read_labels(&file).len(), 3);
    // Size and offset of the second entry, in the place of those of the third and fourth.
    let second = 2 + 8 + 8 + 2 + 12 + 4 + 16;
    let place = file[second + 4..second + 12].to_vec();
    for entry in [second + 16, second + 32] {
        file[entry + 4..entry + 12].copy_from_slice(&place);
    }
    assert_eq!(read_labels(&file).len(), 1);
    // One that reaches back into the first picture or past the end is none.
    for (size, offset) in [(100_u32, 1_u32), (u32::MAX, 100), (100, u32::MAX)] {
        for entry in [second, second + 16, second + 32] {
            file[entry + 4..entry + 12].copy_from_slice(&[size.to_le_bytes(), offset.to_le_bytes()].concat());
        }
        assert_eq!(read_labels(&file), [], "{size} {offset}");
    }
}

/// A file of each kind with a label, its carrier and its media type.
fn labelled() -> Vec<(Vec<u8>, &'static str, &'static str)> {
    let text = json(&label());
    let text = text.as_bytes();
    let utf16: Vec<u8> =
        [0xFE_u8, 0xFF].into_iter().chain(json(&label()).encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let hex: String = utf16.iter().map(|byte| format!("{byte:02X}")).collect();
    let (matroska, pdf) = ("matroska:SimpleTag:AIGC", "pdf:Info:AIGC");
    vec![
        (matroska_file("matroska", &[tag("AIGC", text)]), matroska, "video/matroska"),
        (matroska_file("webm", &[element(CLUSTER, b"frames"), tag("AIGC", text)]), matroska, "video/webm"),
        (flv_file(&[("encoder", b"x"), ("AIGC", text)]), "flv:onMetaData:AIGC", "video/x-flv"),
        (avi_file(&[(*b"ISFT", b"x\0"), (*b"AIGC", text)], &[]), "avi:LIST.INFO:AIGC", "video/vnd.avi"),
        (pdf_file(&[pdf_info(&pdf_text(text))]), pdf, "application/pdf"),
        (pdf_file(&[pdf_info(format!("<{hex}>").as_bytes())]), pdf, "application/pdf"),
        (pdf_file(&[pdf_objects(&pdf_info(&pdf_text(text)))]), pdf, "application/pdf"),
    ]
}

#[test]
fn labels_of_videos_and_documents_stand_in_named_places() {
    for (file, carrier, media_type) in labelled() {
        let found = only(&file);
        assert_eq!((found.carrier.as_str(), found.gb45438.clone()), (carrier, Some(label())), "{carrier}");
        assert_eq!(codes(&found), Vec::<&str>::new(), "{carrier}");
        let Inspected::Media(report) = inspect_file(&file, &InspectOptions::default()).unwrap() else {
            panic!("{carrier} is no picture");
        };
        assert_eq!((report.media_type, report.labels), (media_type, vec![found]));
        // What breaks off is read as far as it goes, or is no such file any more.
        for cut in 0..file.len() {
            assert!(read_labels(&file[..cut]).len() <= 1, "{carrier} {cut}");
        }
    }
}

#[test]
fn movies_are_told_by_their_brand_and_pictures_are_none() {
    let media_type = |file: &[u8]| Container::sniff(file).and_then(|container| container.media_type(file));
    let movie = mp4_file(&[], &[]);
    assert_eq!(media_type(&movie), Some("video/mp4"));
    for (brand, expected) in [(b"qt  ", "video/quicktime"), (b"M4A ", "audio/mp4"), (b"avc1", "video/mp4")] {
        let mut file = movie.clone();
        file[8..12].copy_from_slice(brand);
        assert_eq!(media_type(&file), Some(expected));
    }
    assert_eq!(media_type(&movie[movie.len() - 14..]), None, "frames alone");
    let pictures =
        [jpeg_file(&[], &[]), png::SIGNATURE.to_vec(), webp_file(&[]), gif_file(&[], &[]), exifless_heif()];
    for file in pictures {
        assert!(Container::sniff(&file).is_some());
        assert_eq!(media_type(&file), None);
    }
}

fn exifless_heif() -> Vec<u8> {
    heif_file(b"heic", &[], true)
}

#[test]
fn packets_and_traces_are_read_in_them_too() {
    let packet = quirky_packet(&json(&label()));
    let file = avi_file(&[], &[riff::chunk(*b"_PMX", packet.as_bytes()).unwrap()]);
    assert_eq!((only(&file).carrier.as_str(), only(&file).gb45438), ("avi:_PMX", Some(label())));
    let begun = format!("<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>{packet}");
    let found = only(&pdf_file(&[b"<</Type/Metadata>>stream\n".to_vec(), begun.into_bytes()]));
    assert_eq!((found.carrier.as_str(), found.gb45438), ("pdf:xmp", Some(label())));
    let job = b"a cat --v 6.1 Job ID: 0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001";
    for file in [
        matroska_file("webm", &[tag("COMMENT", job)]),
        flv_file(&[("comment", job)]),
        avi_file(&[(*b"ICMT", job)], &[]),
    ] {
        assert_eq!(only(&file).generator.as_deref(), Some("Midjourney"));
    }
}

#[test]
fn tags_are_found_behind_clusters_of_any_size_and_in_any_order() {
    let live = [&CLUSTER.to_be_bytes()[..], &[0xFF], &element(0xA3, b"frame")].concat();
    let bytes = matroska_file("webm", &[live, tag("AIGC", b"{}"), tag("TITLE", b"x")]);
    let found: Vec<_> = ebml::simple_tags(&bytes).map(|tag| (tag.name, tag.text)).collect();
    assert_eq!(found, [(&b"AIGC"[..], &b"{}"[..]), (b"TITLE", b"x")]);
    let first = ebml::simple_tags(&bytes).next().unwrap();
    assert!(bytes[first.offset..].starts_with(&[0x44, 0x87]));
    assert_eq!(ebml::doc_type(&bytes), Some(&b"webm"[..]));
    // A text before its name; a tag in a tag has its own.
    let inner = element(SIMPLE_TAG, &element(TAG_NAME, b"no text"));
    let outer = [element(TAG_STRING, b"text"), element(TAG_NAME, b"name"), inner].concat();
    let bytes = matroska_file("matroska", &[tag_of(&outer)]);
    let found: Vec<_> = ebml::simple_tags(&bytes).map(|tag| (tag.name, tag.text)).collect();
    assert_eq!(found, [(&b"name"[..], &b"text"[..])]);
    for bytes in [&[0_u8; 16][..], &[0x1A, 0x45, 0xDF, 0xA3, 0], &[0xA3, 0xFF, 1, 2], &[0xA3, 0x88, 1]] {
        assert_eq!(ebml::simple_tags(bytes).count(), 0, "{bytes:?}");
    }
}

#[test]
fn the_walk_over_elements_and_tags_ends() {
    let flood = [0xEC, 0x80].repeat(ebml::MAX_ELEMENTS);
    let within = matroska_file("webm", &[flood[..1000].to_vec(), tag("AIGC", b"{}")]);
    let behind = matroska_file("webm", &[flood, tag("AIGC", b"{}")]);
    assert_eq!((read_labels(&within).len(), read_labels(&behind).len()), (1, 0));
    let file = flv_file(&[("a", b"x"), ("AIGC", b"{}")]);
    let (properties, seen) = flv::properties(&file);
    assert_eq!((properties.len(), properties[1].name, seen), (2, &b"AIGC"[..], 9));
    // Values that stand in each other without end, and lists that count wrongly.
    let head = b"\x02\0\x0AonMetaData\x03";
    let nested = [&head[..], &b"\0\x01a\x03".repeat(20_000)].concat();
    let lists = [&head[..], b"\0\x01a", &b"\x0A\xFF\xFF\xFF\xFF".repeat(20_000)].concat();
    for message in [nested, lists] {
        let file = flv_script(&message);
        let (found, seen) = flv::properties(&file);
        assert!(found.is_empty() && seen < 20, "{seen}");
    }
    let many = b"\x12\0\0\0\0\0\0\0\0\0\0\0\0\0\x0B".repeat(2 * flv::MAX_TAGS);
    let file = [b"FLV\x01\x05\0\0\0\x09\0\0\0\0", &many[..]].concat();
    assert_eq!(flv::properties(&file).1, flv::MAX_TAGS);
}

#[test]
fn a_document_costs_what_is_read_of_it() {
    // Many beginnings of everything that is looked for, none of which ends.
    for word in [&b"/AIGC("[..], b"/AIGC<", b"/ObjStm ", b"/ObjStm stream", b"<?xpacket begin"] {
        let file = pdf_file(&[word.repeat(200_000)]);
        assert!(pdf::is_pdf(&file));
        let found = pdf::search(&file, b"/AIGC", 1 << 20).count();
        assert!(found <= pdf::MAX_FOUND, "{found}");
        assert_eq!(read_labels(&file).len(), 0, "{}", String::from_utf8_lossy(word));
    }
    assert!(!pdf::is_pdf(b"%PDF-1.7\n1 0 obj<</AIGC(x)>>endobj"), "it breaks off");
}
