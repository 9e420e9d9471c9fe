//! Hand-made labels, packets and files. The PNG and the WebP are valid pictures of one pixel.

use flate2::{Compression, write::ZlibEncoder};
use std::io::Write;
use touchstone_inspect::{
    containers::{jpeg, png, webp},
    labels::{LabelToWrite, read_labels},
};
use touchstone_schema::label::{DigitalSourceType, FoundLabel, Gb45438Label};

pub(crate) const CODE: &str = "001191110102MACQD9K64010000";
pub(crate) const TC260: &str = "http://www.tc260.org.cn/ns/AIGC/1.0/";
pub(crate) const IPTC_EXT: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";

pub(crate) fn label() -> Gb45438Label {
    Gb45438Label {
        label: "1".into(),
        content_producer: CODE.into(),
        produce_id: "task:42/a".into(),
        ..Gb45438Label::default()
    }
}

pub(crate) fn json(label: &Gb45438Label) -> String {
    serde_json::to_string(label).unwrap()
}

pub(crate) fn both() -> LabelToWrite {
    LabelToWrite {
        gb45438: Some(label()),
        digital_source_type: Some(DigitalSourceType::TrainedAlgorithmicMedia),
    }
}

/// A packet as two Chinese services write it: an XML declaration first, `??>` after the xpacket instruction.
pub(crate) fn quirky_packet(value: &str) -> String {
    let value = value.replace('"', "&quot;");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><?xpacket begin=\"\" id=\"W5M0MpCehiHzreSzNTczkc9d\"??>\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:TC260=\"{TC260}\">\
         <TC260:AIGC>{value}</TC260:AIGC></rdf:Description>\
         </rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>"
    )
}

pub(crate) fn iptc_packet(uri: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:iptcExt='{IPTC_EXT}' iptcExt:DigitalSourceType='{uri}' \
         iptcExt:AISystemUsed='Painter 3'/>\
         </rdf:RDF></x:xmpmeta>"
    )
}

pub(crate) fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn png_file(before: &[Vec<u8>], after: &[Vec<u8>]) -> Vec<u8> {
    let mut file = png::SIGNATURE.to_vec();
    file.extend(png::chunk(*b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]).unwrap());
    before.iter().for_each(|c| file.extend(c));
    file.extend(png::chunk(*b"IDAT", &deflated(&[0, 200, 100, 50])).unwrap());
    after.iter().for_each(|c| file.extend(c));
    file.extend(png::chunk(*b"IEND", b"").unwrap());
    file
}

pub(crate) fn text_chunk(kind: [u8; 4], keyword: &str, text: &[u8]) -> Vec<u8> {
    let header: &[u8] = match &kind {
        b"iTXt" => b"\0\0\0\0\0",
        b"zTXt" => b"\0\0",
        _ => b"\0",
    };
    let text = if kind == *b"zTXt" { deflated(text) } else { text.to_vec() };
    png::chunk(kind, &[keyword.as_bytes(), header, &text].concat()).unwrap()
}

pub(crate) fn jpeg_file(before: &[Vec<u8>], after_scan: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0xFF, jpeg::SOI];
    file.extend(jpeg::segment(jpeg::APP0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0").unwrap());
    before.iter().for_each(|s| file.extend(s));
    file.extend(jpeg::segment(jpeg::SOS, &[1, 1, 0, 0, 63, 0]).unwrap());
    file.extend([0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 0x56]);
    after_scan.iter().for_each(|s| file.extend(s));
    file.extend([0xFF, jpeg::EOI]);
    file.extend(b"trailer");
    file
}

pub(crate) fn jpeg_xmp(packet: &str) -> Vec<u8> {
    jpeg::segment(jpeg::APP1, &[jpeg::XMP_HEADER, packet.as_bytes()].concat()).unwrap()
}

pub(crate) fn webp_file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let pixel = [0x2F, 0, 0, 0, 0, 0x07, 0x10, 0x11, 0x11, 0x88, 0x88, 0xFE, 0x07];
    let mut body = b"WEBP".to_vec();
    body.extend(webp::chunk(*b"VP8L", &pixel).unwrap());
    chunks.iter().for_each(|c| body.extend(c));
    [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
}

/// A TIFF structure with `ImageDescription` in the first directory and `UserComment` in the EXIF directory.
pub(crate) fn tiff(little: bool, description: &[u8], comment: &[u8]) -> Vec<u8> {
    let u16 = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
    let u32 = |n: usize| {
        let n = u32::try_from(n).unwrap();
        if little { n.to_le_bytes() } else { n.to_be_bytes() }
    };
    let entry = |tag, kind, count, value| [&u16(tag)[..], &u16(kind), &u32(count), &u32(value)].concat();
    let (exif_at, data_at) = (8 + 2 + 24 + 4, 8 + 2 + 24 + 4 + 2 + 12 + 4);
    [
        if little { b"II*\0" } else { b"MM\0*" },
        &u32(8)[..],
        &u16(2),
        &entry(0x010E, 2, description.len(), data_at),
        &entry(0x8769, 4, 1, exif_at),
        &u32(0),
        &u16(1),
        &entry(0x9286, 7, comment.len(), data_at + description.len()),
        &u32(0),
        description,
        comment,
    ]
    .concat()
}

pub(crate) fn jpeg_exif(tiff: &[u8]) -> Vec<u8> {
    jpeg::segment(jpeg::APP1, &[jpeg::EXIF_HEADER, tiff].concat()).unwrap()
}

/// Codes of the findings about a label.
pub(crate) fn codes(label: &FoundLabel) -> Vec<&'static str> {
    label.findings.iter().map(|finding| finding.code.code()).collect()
}

pub(crate) fn only(file: &[u8]) -> FoundLabel {
    let mut labels = read_labels(file);
    assert_eq!(labels.len(), 1, "{labels:?}");
    labels.remove(0)
}
