//! Every carrier in every format.

use crate::{files::*, formats::*};
use touchstone_inspect::{
    containers::{
        bmff::{XMP_USER_TYPE, boxed},
        gif, jpeg, png, webp,
    },
    labels::read_labels,
};
use touchstone_schema::label::{DigitalSourceType, IptcFields, LabelLevel, LabelMeaning, LabelScheme};

/// Checks a file whose one label is [`label`], compliant, and in a place that the standard names unless `elsewhere`.
fn expect(file: &[u8], carrier: &str, marker: &[u8], elsewhere: bool) {
    let found = only(file);
    assert_eq!(found.gb45438, Some(label()), "{carrier}");
    assert_eq!((found.scheme, found.level), (LabelScheme::Gb45438, LabelLevel::Declared));
    assert_eq!(found.meaning, LabelMeaning::Synthetic);
    let expected: &[&str] = if elsewhere { &["carrier_not_named"] } else { &[] };
    assert_eq!(codes(&found), expected, "{carrier}");
    assert_eq!(found.carrier, carrier);
    assert!(found.raw.contains("task:42/a"));
    let at = usize::try_from(found.offset).unwrap();
    assert!(file[at..].starts_with(marker), "the offset points at the carrier: {carrier} {at}");
}

fn expect_label(file: &[u8], carrier: &str, marker: &[u8]) {
    expect(file, carrier, marker, false);
}

fn expect_elsewhere(file: &[u8], carrier: &str, marker: &[u8]) {
    expect(file, carrier, marker, true);
}

#[test]
fn every_png_carrier_is_read() {
    let (bare, wrapped) = (json(&label()), format!("{{\"AIGC\":{}}}", json(&label())));
    let packet = quirky_packet(&bare);
    for (kind, keyword, text, elsewhere) in [
        (*b"iTXt", "XML:com.adobe.xmp", &packet, false),
        (*b"zTXt", "XML:com.adobe.xmp", &packet, true),
        (*b"tEXt", "AIGC", &bare, false),
        (*b"tEXt", "AIGC", &wrapped, false),
        (*b"zTXt", "AIGC", &wrapped, true),
        (*b"iTXt", "AIGC", &bare, true),
        (*b"tEXt", "TC260:aigc", &bare, true),
        (*b"tEXt", "Comment", &wrapped, true),
    ] {
        let chunk = text_chunk(kind, keyword, text.as_bytes());
        let carrier = format!("png:{}:{keyword}", std::str::from_utf8(&kind).unwrap());
        for file in [png_file(std::slice::from_ref(&chunk), &[]), png_file(&[], std::slice::from_ref(&chunk))]
        {
            expect(&file, &carrier, &chunk[..8], elsewhere);
        }
    }
    // Behind more than a megabyte of other chunks.
    let chunk = text_chunk(*b"tEXt", "AIGC", bare.as_bytes());
    let private = png::chunk(*b"prVt", &vec![7; 3 << 20]).unwrap();
    expect_label(&png_file(&[private], std::slice::from_ref(&chunk)), "png:tEXt:AIGC", &chunk[..8]);
    let compressed = [b"XML:com.adobe.xmp\0\x01\0\0\0", &deflated(packet.as_bytes())[..]].concat();
    let chunk = png::chunk(*b"iTXt", &compressed).unwrap();
    expect_label(&png_file(std::slice::from_ref(&chunk), &[]), "png:iTXt:XML:com.adobe.xmp", &chunk[..8]);
    let exif = png::chunk(*b"eXIf", &tiff(true, b"", format!("ASCII\0\0\0{bare}").as_bytes())).unwrap();
    expect_elsewhere(&png_file(&[exif], &[]), "png:eXIf:UserComment", b"");
    // As an image library keeps foreign metadata.
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let packet = packet.as_bytes();
    let exif = [b"Exif\0\0".to_vec(), tiff(true, bare.as_bytes(), b"hello")].concat();
    for (name, bytes, carrier) in [
        ("xmp", packet, "xmp"),
        ("APP1", &[jpeg::XMP_HEADER, packet].concat(), "APP1"),
        ("exif", &exif, "exif:ImageDescription"),
    ] {
        let text = format!("\n{name}\n{:8}\n{}\n", bytes.len(), hex(bytes));
        let file =
            png_file(&[text_chunk(*b"zTXt", &format!("Raw profile type {name}"), text.as_bytes())], &[]);
        expect_elsewhere(&file, &format!("png:zTXt:Raw profile type {carrier}"), b"");
    }
}

#[test]
fn every_jpeg_carrier_is_read() {
    let text = json(&label());
    let xmp = jpeg_xmp(&quirky_packet(&text));
    for file in [jpeg_file(std::slice::from_ref(&xmp), &[]), jpeg_file(&[], std::slice::from_ref(&xmp))] {
        expect_label(&file, "jpeg:app1:xmp", &xmp[..30]);
    }
    let utf16 = |little: bool| -> Vec<u8> {
        let bytes = |u: u16| if little { u.to_le_bytes() } else { u.to_be_bytes() };
        [b"UNICODE\0".to_vec(), text.encode_utf16().flat_map(bytes).collect()].concat()
    };
    for little in [true, false] {
        for comment in [
            format!("ASCII\0\0\0{{\"AIGC\": {text}}}").into_bytes(),
            format!("ASCII\0{text}").into_bytes(),
            format!("\0\0\0\0\0\0\0\0{text}").into_bytes(),
            utf16(true),
            utf16(false),
        ] {
            let file = jpeg_file(&[jpeg_exif(&tiff(little, b"a picture", &comment))], &[]);
            expect_label(&file, "jpeg:app1:exif:UserComment", &[0xFF, jpeg::APP1]);
        }
        let file = jpeg_file(&[jpeg_exif(&tiff(little, format!("{text}\0").as_bytes(), b"hello"))], &[]);
        expect_elsewhere(&file, "jpeg:app1:exif:ImageDescription", &[0xFF, jpeg::APP1]);
    }
    let bare = format!("AIGC{text}");
    let file = jpeg_file(&[jpeg::segment(0xEA, bare.as_bytes()).unwrap()], &[]);
    expect_elsewhere(&file, "jpeg:app10", &[0xFF, 0xEA]);
    let file = jpeg_file(&[jpeg::segment(jpeg::COM, text.as_bytes()).unwrap()], &[]);
    expect_elsewhere(&file, "jpeg:com", &[0xFF, jpeg::COM]);
    expect_elsewhere(&jpeg_file(&[bare.clone().into_bytes()], &[]), "jpeg:bare", b"AIGC{");
    let file = [&jpeg_file(&[], &[])[..], bare.as_bytes()].concat();
    expect_elsewhere(&file, "jpeg:trailer", b"trailerAIGC{");
}

#[test]
fn every_webp_carrier_is_read() {
    let text = json(&label());
    let xmp = webp::chunk(*b"XMP ", quirky_packet(&text).as_bytes()).unwrap();
    expect_label(&webp_file(&[xmp]), "webp:XMP", b"XMP ");
    let comment = format!("ASCII\0\0\0{text}");
    for data in [
        tiff(false, b"", comment.as_bytes()),
        [b"Exif\0\0".to_vec(), tiff(true, b"", comment.as_bytes())].concat(),
    ] {
        let file = webp_file(&[webp::chunk(*b"EXIF", &data).unwrap()]);
        expect_label(&file, "webp:EXIF:UserComment", b"EXIF");
    }
}

#[test]
fn extended_xmp_of_a_jpeg_is_joined() {
    let id = "0123456789ABCDEF0123456789ABCDEF";
    let main = |named: &str| {
        jpeg_xmp(&format!(
            "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
             <rdf:Description xmlns:n='http://ns.adobe.com/xmp/note/' n:HasExtendedXMP='{named}'/></rdf:RDF></x:xmpmeta>"
        ))
    };
    let packet = quirky_packet(&json(&label()));
    let piece = |from: usize, to: usize| {
        let head = [b"http://ns.adobe.com/xmp/extension/\0", id.as_bytes()].concat();
        let data = [&head[..], &be32(packet.len()), &be32(from), &packet.as_bytes()[from..to]].concat();
        jpeg::segment(jpeg::APP1, &data).unwrap()
    };
    let (first, second) = (piece(0, 200), piece(200, packet.len()));
    for pieces in [[first.clone(), second.clone()], [second.clone(), first.clone()]] {
        let file = jpeg_file(&[vec![main(id)], pieces.to_vec()].concat(), &[]);
        expect_label(&file, "jpeg:app1:xmp-extension", &first);
    }
    let foreign = main(&id.replace('0', "F"));
    assert!(read_labels(&jpeg_file(&[foreign, first.clone(), second.clone()], &[])).is_empty());
    assert!(read_labels(&jpeg_file(&[main(id), second], &[])).is_empty(), "the start is missing");
    assert!(read_labels(&jpeg_file(&[main(id), first], &[])).is_empty(), "the end is missing");
}

#[test]
fn every_gif_and_tiff_carrier_is_read() {
    let (text, packet) = (json(&label()), quirky_packet(&json(&label())));
    let xmp = gif::xmp_extension(packet.as_bytes());
    for file in [gif_file(std::slice::from_ref(&xmp), &[]), gif_file(&[], std::slice::from_ref(&xmp))] {
        expect_label(&file, "gif:application:xmp", &xmp[..14]);
    }
    // In sub-blocks, which the specification does not allow and some writers make.
    let blocks = [&b"\x21\xFF\x0BXMP DataXMP"[..], &gif_comment(packet.as_bytes())[2..]].concat();
    expect_label(&gif_file(&[blocks], &[]), "gif:application:xmp", &xmp[..14]);
    expect_elsewhere(&gif_file(&[], &[gif_comment(text.as_bytes())]), "gif:comment", b"\x21\xFE");

    let comment = format!("ASCII\0\0\0{text}");
    for (little, big) in [(true, false), (false, false), (true, true), (false, true)] {
        let tag = |tag: u16| if little { tag.to_le_bytes() } else { tag.to_be_bytes() };
        let file = tiff_file(little, big, &[(0x02BC, 1, packet.as_bytes())], &[]);
        expect_label(&file, "tiff:xmp", &tag(0x02BC));
        let file = tiff_file(little, big, &[(0x010E, 2, text.as_bytes())], &[]);
        expect_elsewhere(&file, "tiff:ImageDescription", &tag(0x010E));
        let file = tiff_file(little, big, &[], &[(0x9286, 7, comment.as_bytes())]);
        expect_elsewhere(&file, "tiff:UserComment", &tag(0x9286));
    }
}

#[test]
fn packets_in_utf16_are_read() {
    let packet = quirky_packet(&json(&label()));
    for (mark, big) in [(true, true), (true, false), (false, true), (false, false)] {
        let unit = |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
        let text = if mark { format!("\u{FEFF}{packet}") } else { packet.clone() };
        let bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
        let file = tiff_file(true, false, &[(0x02BC, 1, &bytes)], &[]);
        expect_label(&file, "tiff:xmp", &[0xBC, 0x02]);
    }
}

#[test]
fn every_heif_carrier_is_read() {
    let (text, packet) = (json(&label()), quirky_packet(&json(&label())));
    let exif = heif_exif(&tiff(false, b"a cup", format!("ASCII\0\0\0{text}").as_bytes()));
    let rdf = b"application/rdf+xml\0";
    let compressed = deflated(packet.as_bytes());
    for brand in [b"heic", b"avif", b"mif1"] {
        for inside in [true, false] {
            let file = heif_file(brand, &[(*b"mime", rdf, packet.as_bytes())], inside);
            expect_label(&file, "heif:mime:xmp", b"<?xml");
            let file =
                heif_file(brand, &[(*b"mime", b"application/rdf+xml\0deflate\0", &compressed)], inside);
            expect_label(&file, "heif:mime:xmp", &compressed[..4]);
            let file = heif_file(brand, &[(*b"hvc1", b"", b"picture"), (*b"Exif", b"", &exif)], inside);
            expect_elsewhere(&file, "heif:exif:UserComment", b"\0\0\0\x06Exif");
            let other = heif_file(brand, &[(*b"mime", b"text/plain\0", packet.as_bytes())], inside);
            assert!(read_labels(&other).is_empty());
        }
    }
}

#[test]
fn every_video_carrier_is_read() {
    let (text, packet) = (json(&label()), quirky_packet(&json(&label())));
    let wrapped = format!("{{\"AIGC\":{text}}}");
    let udta = |inner: Vec<u8>| boxed(*b"udta", &inner).unwrap();
    for full in [true, false] {
        for value in [&text, &wrapped] {
            let keys = mp4_keys(&[("com.example.other", b"x"), ("AIGC", value.as_bytes())], full);
            let file = mp4_file(&[udta(keys.clone())], &[]);
            expect_label(&file, "mp4:moov.udta.meta.ilst:AIGC", &be32(24 + value.len()));
            expect_elsewhere(&mp4_file(&[keys], &[]), "mp4:moov.meta.ilst:AIGC", b"");
        }
    }
    let file = mp4_file(&[udta(mp4_freeform("AIGC", text.as_bytes()))], &[]);
    expect_label(&file, "mp4:moov.udta.meta.ilst:----:AIGC", b"");
    let file = mp4_file(&[mp4_freeform("AIGC", text.as_bytes())], &[]);
    expect_elsewhere(&file, "mp4:moov.meta.ilst:----:AIGC", b"");
    let file = mp4_file(&[udta(boxed(*b"AIGC", text.as_bytes()).unwrap())], &[]);
    expect_elsewhere(&file, "mp4:moov.udta:AIGC", b"");
    let file = mp4_file(&[udta(boxed(*b"XMP_", packet.as_bytes()).unwrap())], &[]);
    expect_elsewhere(&file, "mp4:moov.udta:XMP_", b"");
    let uuid = boxed(*b"uuid", &[&XMP_USER_TYPE, packet.as_bytes()].concat()).unwrap();
    expect_elsewhere(&mp4_file(&[], std::slice::from_ref(&uuid)), "mp4:uuid:xmp", &uuid[..8]);
    // A file that is not cut off at its end, but whose last box is: sizes of zero run to the end.
    let mut open = uuid;
    open[..4].fill(0);
    expect_elsewhere(&mp4_file(&[], std::slice::from_ref(&open)), "mp4:uuid:xmp", &open[..8]);
}

#[test]
fn source_types_are_read_by_namespace() {
    for (term, meaning) in [
        (DigitalSourceType::TrainedAlgorithmicMedia, LabelMeaning::Synthetic),
        (DigitalSourceType::CompositeWithTrainedAlgorithmicMedia, LabelMeaning::PartlySynthetic),
        (DigitalSourceType::DigitalCapture, LabelMeaning::Captured),
        (DigitalSourceType::AlgorithmicMedia, LabelMeaning::Other),
    ] {
        for uri in [term.uri(), term.uri().replace("http://", "https://")] {
            let found = only(&jpeg_file(&[jpeg_xmp(&iptc_packet(&uri))], &[]));
            assert_eq!(found.digital_source_type, Some(term));
            assert_eq!((found.scheme, found.meaning), (LabelScheme::Iptc, meaning));
            assert_eq!((found.raw.as_str(), found.generator.as_deref()), (uri.as_str(), Some("Painter 3")));
            assert_eq!(codes(&found), [""; 0]);
        }
    }
    let found = only(&jpeg_file(&[jpeg_xmp(&iptc_packet("urn:made-up"))], &[]));
    assert_eq!((found.digital_source_type, found.meaning), (None, LabelMeaning::Other));
    assert_eq!(codes(&found), ["source_type_unknown"]);
    for (value, code) in [
        (DigitalSourceType::DigitalArt.uri().as_str(), "source_type_retired"),
        ("trainedAlgorithmicMedia", "source_type_not_uri"),
    ] {
        assert_eq!(codes(&only(&jpeg_file(&[jpeg_xmp(&iptc_packet(value))], &[]))), [code]);
    }
}

#[test]
fn ai_fields_of_iptc_are_read_by_namespace() {
    let with = |source: &str| {
        format!(
            "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
             <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
             <rdf:Description xmlns:any='{IPTC_EXT}' any:AISystemVersionUsed='3.1' any:DigImageGUID='0f2f' {source}>\
             <any:AIPromptInformation><rdf:Alt><rdf:li xml:lang='x-default'>a &amp; b</rdf:li></rdf:Alt>\
             </any:AIPromptInformation><any:AIPromptWriterName>Wang</any:AIPromptWriterName>\
             <any:AISystemUsed>Painter</any:AISystemUsed></rdf:Description></rdf:RDF></x:xmpmeta>"
        )
    };
    let uri = DigitalSourceType::TrainedAlgorithmicMedia.uri();
    let stated = only(&jpeg_file(&[jpeg_xmp(&with(&format!("any:DigitalSourceType='{uri}'")))], &[]));
    let alone = only(&jpeg_file(&[jpeg_xmp(&with(""))], &[]));
    let text = |text: &str| Some(text.to_owned());
    let expected = IptcFields {
        prompt: text("a & b"),
        prompt_writer: text("Wang"),
        system: text("Painter"),
        system_version: text("3.1"),
        image_guid: text("0f2f"),
    };
    assert_eq!((stated.iptc.as_ref(), stated.meaning), (Some(&expected), LabelMeaning::Synthetic));
    assert_eq!((alone.iptc.as_ref(), alone.meaning), (Some(&expected), LabelMeaning::PartlySynthetic));
    assert_eq!((codes(&stated), codes(&alone)), (vec![], vec!["source_type_missing"]));
    assert_eq!((alone.scheme, alone.generator.as_deref()), (LabelScheme::Iptc, Some("Painter")));
    // Another namespace of the same names says nothing.
    assert!(read_labels(&jpeg_file(&[jpeg_xmp(&with("").replace(IPTC_EXT, "urn:x"))], &[])).is_empty());
}
