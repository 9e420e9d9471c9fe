//! Every carrier, every departure.

use crate::files::*;
use touchstone_inspect::{
    containers::{jpeg, png, webp},
    labels::read_labels,
};
use touchstone_schema::label::{DigitalSourceType, LabelLevel, LabelMeaning, LabelScheme};

/// Checks a file whose one label is [`label`] and compliant.
fn expect_label(file: &[u8], carrier: &str, marker: &[u8]) {
    let found = only(file);
    assert_eq!(found.gb45438, Some(label()), "{carrier}");
    assert_eq!((found.scheme, found.level), (LabelScheme::Gb45438, LabelLevel::Declared));
    assert_eq!(found.meaning, LabelMeaning::Synthetic);
    assert_eq!(found.departures, Vec::<String>::new(), "{carrier}");
    assert_eq!(found.carrier, carrier);
    assert!(found.raw.contains("task:42/a"));
    let at = usize::try_from(found.offset).unwrap();
    assert!(file[at..].starts_with(marker), "the offset points at the carrier: {carrier} {at}");
}

#[test]
fn every_png_carrier_is_read() {
    let (bare, wrapped) = (json(&label()), format!("{{\"AIGC\":{}}}", json(&label())));
    let packet = quirky_packet(&bare);
    for (kind, keyword, text) in [
        (*b"iTXt", "XML:com.adobe.xmp", &packet),
        (*b"zTXt", "XML:com.adobe.xmp", &packet),
        (*b"tEXt", "AIGC", &bare),
        (*b"tEXt", "AIGC", &wrapped),
        (*b"zTXt", "AIGC", &wrapped),
        (*b"iTXt", "AIGC", &bare),
        (*b"tEXt", "TC260:aigc", &bare),
    ] {
        let chunk = text_chunk(kind, keyword, text.as_bytes());
        let carrier = format!("png:{}:{keyword}", std::str::from_utf8(&kind).unwrap());
        for file in [png_file(std::slice::from_ref(&chunk), &[]), png_file(&[], std::slice::from_ref(&chunk))]
        {
            expect_label(&file, &carrier, &chunk[..8]);
        }
    }
    let compressed = [b"XML:com.adobe.xmp\0\x01\0\0\0", &deflated(packet.as_bytes())[..]].concat();
    let chunk = png::chunk(*b"iTXt", &compressed).unwrap();
    expect_label(&png_file(std::slice::from_ref(&chunk), &[]), "png:iTXt:XML:com.adobe.xmp", &chunk[..8]);
    let exif = png::chunk(*b"eXIf", &tiff(true, b"", format!("ASCII\0\0\0{bare}").as_bytes())).unwrap();
    expect_label(&png_file(&[exif], &[]), "png:eXIf:UserComment", b"");
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
        expect_label(&file, "jpeg:app1:exif:ImageDescription", &[0xFF, jpeg::APP1]);
    }
    let bare = format!("AIGC{text}");
    let file = jpeg_file(&[jpeg::segment(0xEA, bare.as_bytes()).unwrap()], &[]);
    expect_label(&file, "jpeg:app10", &[0xFF, 0xEA]);
    let file = jpeg_file(&[jpeg::segment(jpeg::COM, text.as_bytes()).unwrap()], &[]);
    expect_label(&file, "jpeg:com", &[0xFF, jpeg::COM]);
    expect_label(&jpeg_file(&[bare.into_bytes()], &[]), "jpeg:bare", b"AIGC{");
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
            assert!(found.departures.is_empty());
        }
    }
    let found = only(&jpeg_file(&[jpeg_xmp(&iptc_packet("urn:made-up"))], &[]));
    assert_eq!((found.digital_source_type, found.meaning), (None, LabelMeaning::Other));
    assert_eq!(found.departures.len(), 1);
}

#[test]
fn traces_of_generators_need_more_than_a_keyword() {
    let traces = [
        (
            "parameters",
            "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7",
            "AUTOMATIC1111",
        ),
        ("prompt", "{\"3\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":NaN}}}", "ComfyUI"),
        ("workflow", "{\"nodes\":[],\"links\":[]}", "ComfyUI"),
    ];
    for (keyword, text, generator) in traces {
        let found = only(&png_file(&[text_chunk(*b"tEXt", keyword, text.as_bytes())], &[]));
        assert_eq!((found.scheme, found.meaning), (LabelScheme::GeneratorTrace, LabelMeaning::Synthetic));
        assert_eq!((found.generator.as_deref(), found.raw.as_str()), (Some(generator), text));
        let other = png_file(&[text_chunk(*b"tEXt", keyword, b"of a camera")], &[]);
        assert!(read_labels(&other).is_empty());
    }
}

#[test]
fn departures_are_reported() {
    let read = |text: &str| only(&png_file(&[text_chunk(*b"tEXt", "AIGC", text.as_bytes())], &[]));
    let qwen = format!("{{\"ContentPropagator\":\"{CODE}\",\"Label\":\"1\",\"ProduceID\":\"u:1/task:2\"}}");
    let found = read(&qwen);
    let missing = ["ContentProducer", "ReservedCode1", "PropagateID", "ReservedCode2"]
        .map(|k| format!("{k} is missing"));
    assert_eq!(found.departures, missing);
    assert_eq!(found.gb45438.unwrap().content_propagator, CODE);
    assert!(read("not JSON").gb45438.is_none());
    assert_eq!(read("{\"Label\":\"0\"}").meaning, LabelMeaning::Other);

    // Two labels in one file.
    let chunk = text_chunk(*b"tEXt", "AIGC", json(&label()).as_bytes());
    for found in read_labels(&png_file(&[chunk.clone(), chunk], &[])) {
        assert_eq!(found.departures, ["the file has more than one implicit label"]);
    }
    // A property of the right name in a namespace of somebody else.
    let packet = quirky_packet(&json(&label())).replace(TC260, "urn:somebody");
    assert_eq!(only(&jpeg_file(&[jpeg_xmp(&packet)], &[])).departures.len(), 1);
}
