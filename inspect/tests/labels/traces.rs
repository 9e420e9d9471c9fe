//! Traces of generators in every carrier in which they are met, pixels included.

use crate::{files::*, formats::*};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use touchstone_inspect::{InspectOptions, containers::webp, inspect, labels::read_labels};
use touchstone_schema::label::{FoundLabel, LabelMeaning, LabelScheme};

const PARAMETERS: &str = "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1";
const JOB: &str = "a cat --v 6 Job ID: 0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001";

fn expect(found: &FoundLabel, generator: &str, carrier: &str) {
    assert_eq!((found.scheme, found.generator.as_deref()), (LabelScheme::GeneratorTrace, Some(generator)));
    assert_eq!((found.carrier.as_str(), found.findings.len()), (carrier, 0));
}

#[test]
fn text_chunks_of_a_png() {
    for (keyword, text, generator) in [
        ("parameters", PARAMETERS, "AUTOMATIC1111"),
        ("prompt", "{\"3\":{\"class_type\":\"KSampler\",\"inputs\":{\"seed\":NaN}}}", "ComfyUI"),
        ("workflow", "{\"nodes\":[],\"links\":[]}", "ComfyUI"),
        ("invokeai_metadata", "{\"generation_mode\":\"txt2img\"}", "InvokeAI"),
        ("sd-metadata", "{\"model\":\"x\",\"app_id\":\"invoke-ai/InvokeAI\"}", "InvokeAI"),
        ("Dream", "\"a cat\" -s 50 -S 42 -W 512", "InvokeAI"),
        ("parameters", "{\"prompt\":\"a cat\",\"version\":\"Fooocus v2.5.5\"}", "Fooocus"),
        ("fooocus_scheme", "fooocus", "Fooocus"),
        ("Title", "AI generated image", "NovelAI"),
        ("Software", "NovelAI", "NovelAI"),
        ("Comment", "{\"steps\":28,\"sampler\":\"k_euler\",\"uc\":\"bad\"}", "NovelAI"),
        ("Description", JOB, "Midjourney"),
    ] {
        for kind in [*b"tEXt", *b"zTXt", *b"iTXt"] {
            let chunk = text_chunk(kind, keyword, text.as_bytes());
            let found = only(&png_file(&[], &[chunk]));
            expect(&found, generator, &format!("png:{}:{keyword}", std::str::from_utf8(&kind).unwrap()));
            assert_eq!((found.raw.as_str(), found.meaning), (text, LabelMeaning::Synthetic));
        }
        let other = png_file(&[text_chunk(*b"tEXt", keyword, b"of a camera")], &[]);
        assert!(read_labels(&other).is_empty());
    }
    // All that one generator leaves is one trace.
    let chunks = [("Title", "AI generated image"), ("Software", "NovelAI"), ("Description", JOB)]
        .map(|(keyword, text)| text_chunk(*b"tEXt", keyword, text.as_bytes()));
    let found = read_labels(&png_file(&chunks, &[]));
    let generators: Vec<_> = found.iter().filter_map(|l| l.generator.as_deref()).collect();
    assert_eq!(generators, ["NovelAI", "Midjourney"]);
}

#[test]
fn exif_fields() {
    let utf16 = |big: bool| -> Vec<u8> {
        let unit = |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
        [b"UNICODE\0".to_vec(), PARAMETERS.encode_utf16().flat_map(unit).collect()].concat()
    };
    for (little, big) in [(true, true), (true, false), (false, true), (false, false)] {
        let exif = tiff(little, b"a cup", &utf16(big));
        let found = only(&jpeg_file(&[jpeg_exif(&exif)], &[]));
        expect(&found, "AUTOMATIC1111", "jpeg:app1:exif:UserComment");
        assert_eq!(found.raw, PARAMETERS);
        let found = only(&webp_file(&[webp::chunk(*b"EXIF", &exif).unwrap()]));
        expect(&found, "AUTOMATIC1111", "webp:EXIF:UserComment");
    }
    let signature = format!("Signature: {}", "aB3+/=".repeat(12));
    let artist = b"0f2f1c9a-17aa-4a3a-8a8e-7c5ad1a1f001\0";
    let fields: [(&[Field<'_>], &str, &str); 4] = [
        (&[(0x010E, 2, signature.as_bytes()), (0x013B, 2, artist)], "Grok", "ImageDescription"),
        (&[(0x010F, 2, b"Ideogram AI\0")], "Ideogram", "Make"),
        (&[(0x010F, 2, b"workflow:{\"nodes\":[],\"links\":[]}\0")], "ComfyUI", "Make"),
        (&[(0x010E, 2, JOB.as_bytes())], "Midjourney", "ImageDescription"),
    ];
    for (fields, generator, field) in fields {
        let exif = tiff_file(true, false, fields, &[]);
        expect(&only(&jpeg_file(&[jpeg_exif(&exif)], &[])), generator, &format!("jpeg:app1:exif:{field}"));
        expect(&only(&exif), generator, &format!("tiff:{field}"));
    }
    let alone = tiff_file(true, false, &[(0x010E, 2, signature.as_bytes())], &[]);
    assert!(read_labels(&alone).is_empty());
}

#[test]
fn xmp_properties() {
    let packet = |namespace: &str, name: &str, value: &str| {
        format!(
            "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
             <rdf:Description xmlns:n='{namespace}'><n:{name}>{value}</n:{name}></rdf:Description></rdf:RDF></x:xmpmeta>"
        )
    };
    let photoshop = "http://ns.adobe.com/photoshop/1.0/";
    for (namespace, name, value, generator, meaning) in [
        (photoshop, "Credit", "Made with Google AI", "Google AI", LabelMeaning::Synthetic),
        (photoshop, "Credit", "Edited with Google AI", "Google AI", LabelMeaning::PartlySynthetic),
        ("http://ns.adobe.com/xap/1.0/", "CreatorTool", "reve.com", "Reve", LabelMeaning::Synthetic),
    ] {
        let found = only(&jpeg_file(&[jpeg_xmp(&packet(namespace, name, value))], &[]));
        expect(&found, generator, &format!("jpeg:app1:xmp:{name}"));
        assert_eq!(found.meaning, meaning);
        assert!(read_labels(&jpeg_file(&[jpeg_xmp(&packet("urn:x", name, value))], &[])).is_empty());
    }
    let description = format!("<rdf:Alt><rdf:li xml:lang='x-default'>{JOB}</rdf:li></rdf:Alt>");
    let packet = packet("http://purl.org/dc/elements/1.1/", "description", &description);
    expect(&only(&jpeg_file(&[jpeg_xmp(&packet)], &[])), "Midjourney", "jpeg:app1:xmp:Description");
}

#[test]
fn trailers_of_a_phone() {
    let block = |kind: u8| format!("PEg_Info{{\"reEditable\":true,\"genAIType\":{kind}}}SEFH");
    let picture = jpeg_file(&[], &[]);
    let edited = [&picture[..], block(8).as_bytes()].concat();
    let found = only(&edited);
    expect(&found, "Samsung", "trailer:PEg_Info");
    assert_eq!(found.meaning, LabelMeaning::PartlySynthetic);
    assert_eq!(usize::try_from(found.offset).unwrap(), picture.len());
    assert!(read_labels(&[&picture[..], block(0).as_bytes()].concat()).is_empty());
    let sefd = touchstone_inspect::containers::bmff::boxed(*b"sefd", block(1).as_bytes()).unwrap();
    expect(&only(&[heif_file(b"heic", &[], true), sefd].concat()), "Samsung", "trailer:PEg_Info");
}

/// A PNG with a text in its least significant bits, written by an ordinary encoder.
fn stealthy(magic: &str, text: &[u8], width: u32, height: u32) -> Vec<u8> {
    let alpha = magic.starts_with("stealth_png");
    let channels = if alpha { 4 } else { 3 };
    let length = u32::try_from(text.len() * 8).unwrap();
    let message = [magic.as_bytes(), &length.to_be_bytes(), text].concat();
    let mut samples = vec![0xFE; (width * height) as usize * channels];
    for (at, bit) in message.iter().flat_map(|byte| (0..8).rev().map(move |s| byte >> s & 1)).enumerate() {
        let (pixel, channel) = if alpha { (at, 3) } else { (at / 3, at % 3) };
        let (x, y) = (pixel / height as usize, pixel % height as usize);
        samples[(y * width as usize + x) * channels + channel] |= bit;
    }
    let colour = if alpha { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(&samples, width, height, colour).unwrap();
    file
}

#[test]
fn text_in_pixels_is_part_of_an_inspection() {
    let options = InspectOptions::default();
    // One that is inspected at its own size, and one that is inspected at a smaller one.
    for (width, height) in [(90, 70), (2400, 1800)] {
        for (magic, carrier) in [("stealth_pnginfo", "pixels:alpha"), ("stealth_rgbinfo", "pixels:rgb")] {
            let file = stealthy(magic, PARAMETERS.as_bytes(), width, height);
            assert!(read_labels(&file).is_empty(), "it does not stand in the file's structure");
            let labels = inspect(&file, &options).unwrap().labels;
            assert_eq!(labels.len(), 1);
            expect(&labels[0], "AUTOMATIC1111", carrier);
            assert_eq!(labels[0].raw, PARAMETERS);
        }
        let plain = stealthy("nothing_at_all_", b"", width, height);
        assert!(inspect(&plain, &options).unwrap().labels.is_empty());
    }
}
