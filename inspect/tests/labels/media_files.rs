//! Hand-made videos and documents, image resources and multi-picture files.

use crate::formats::{be16, be32};
use touchstone_inspect::containers::{iim, jpeg, mpf, riff};

/// An image resource without a name.
pub(crate) fn resource(id: u16, data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [b"8BIM", &id.to_be_bytes()[..], &[0, 0], &be32(data.len()), data, padding].concat()
}

/// A dataset of the application record.
pub(crate) fn dataset(number: u8, data: &[u8]) -> Vec<u8> {
    [&[0x1C, 2, number][..], &be16(data.len()), data].concat()
}

/// APP13 with datasets behind another resource.
pub(crate) fn jpeg_iptc(datasets: &[Vec<u8>]) -> Vec<u8> {
    let resources = [resource(0x03ED, b"odd"), resource(iim::IPTC_RESOURCE, &datasets.concat())].concat();
    jpeg::segment(jpeg::APP13, &[iim::PHOTOSHOP_HEADER, &resources].concat()).unwrap()
}

/// A multi-picture file: the index stands in front of the first segment of the first picture.
pub(crate) fn jpeg_pictures(little: bool, first: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let number = |n: usize| {
        let n = u32::try_from(n).unwrap();
        if little { n.to_le_bytes() } else { n.to_be_bytes() }
    };
    let short = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
    let count = others.len() + 1;
    let length = 4 + mpf::HEADER.len() + 8 + 2 + 12 + 4 + 16 * count;
    // Offsets count from the byte behind the header, which stands behind SOI.
    let mut at = first.len() + length - (2 + 4 + mpf::HEADER.len());
    let mut entries = [&[0; 4], &number(first.len() + length)[..], &[0; 8]].concat();
    for other in others {
        entries.extend([&[0; 4], &number(other.len())[..], &number(at), &[0; 4]].concat());
        at += other.len();
    }
    let list = [&short(0xB002)[..], &short(7), &number(16 * count), &number(8 + 2 + 12 + 4)].concat();
    let head: &[u8] = if little { b"II*\0" } else { b"MM\0*" };
    let index = [mpf::HEADER, head, &number(8), &short(1), &list, &number(0), &entries].concat();
    let (start, rest) = first.split_at(2);
    [start, &jpeg::segment(jpeg::APP2, &index).unwrap(), rest, &others.concat()].concat()
}

/// An element of EBML, its size in eight bytes.
pub(crate) fn element(id: u32, data: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    let skip = id.iter().take_while(|byte| **byte == 0).count();
    let size = data.len() as u64 | 1 << 56;
    [&id[skip..], &size.to_be_bytes(), data].concat()
}

pub(crate) const CLUSTER: u32 = 0x1F43_B675;
pub(crate) const SIMPLE_TAG: u32 = 0x67C8;
pub(crate) const TAG_NAME: u32 = 0x45A3;
pub(crate) const TAG_STRING: u32 = 0x4487;

/// `Tags` with one tag around these elements.
pub(crate) fn tag_of(elements: &[u8]) -> Vec<u8> {
    element(0x1254_C367, &element(0x7373, &element(SIMPLE_TAG, elements)))
}

pub(crate) fn tag(name: &str, text: &[u8]) -> Vec<u8> {
    tag_of(&[element(TAG_NAME, name.as_bytes()), element(TAG_STRING, text)].concat())
}

/// A Matroska file of this kind with these level-1 elements.
pub(crate) fn matroska_file(kind: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    let header = element(0x1A45_DFA3, &element(0x4282, kind.as_bytes()));
    [header, element(0x1853_8067, &elements.concat())].concat()
}

fn amf(text: &[u8]) -> Vec<u8> {
    [&be16(text.len())[..], text].concat()
}

/// An FLV file whose metadata has these texts behind a number and values in each other.
pub(crate) fn flv_file(texts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut data = [&[2][..], &amf(b"onMetaData"), &[8, 0, 0, 0, 2]].concat();
    data.extend([&amf(b"duration")[..], &[0], &[0; 8]].concat());
    let times = [&[10, 0, 0, 0, 2, 1, 1, 11][..], &[0; 10]].concat();
    data.extend([&amf(b"keyframes")[..], &[3], &amf(b"times"), &times, &[0, 0, 9]].concat());
    for (name, value) in texts {
        data.extend([&amf(name.as_bytes())[..], &[2], &amf(value)].concat());
    }
    data.extend([0, 0, 9]);
    flv_script(&data)
}

/// An FLV file with a message for scripts behind a tag of sound.
pub(crate) fn flv_script(message: &[u8]) -> Vec<u8> {
    let tag = |kind: u8, data: &[u8]| {
        [&[kind][..], &be32(data.len())[1..], &[0; 7], data, &be32(data.len() + 11)].concat()
    };
    [&b"FLV\x01\x05\0\0\0\x09\0\0\0\0"[..], &tag(8, b"sound"), &tag(18, message)].concat()
}

/// An AVI file with entries of its list and further chunks.
pub(crate) fn avi_file(entries: &[([u8; 4], &[u8])], more: &[Vec<u8>]) -> Vec<u8> {
    let entries: Vec<_> = entries.iter().map(|(kind, text)| riff::chunk(*kind, text).unwrap()).collect();
    let list = riff::chunk(*b"LIST", &[&b"INFO"[..], &entries.concat()].concat()).unwrap();
    let frames = riff::chunk(*b"LIST", b"movi00dc\x04\0\0\0AIGC").unwrap();
    let body = [&b"AVI "[..], &frames, &list, &more.concat()].concat();
    [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
}

/// A PDF file with these objects.
pub(crate) fn pdf_file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    for (number, object) in objects.iter().enumerate() {
        file.extend([format!("{} 0 obj\n", number + 1).as_bytes(), object, b"\nendobj\n"].concat());
    }
    file.extend(b"trailer <</Info 1 0 R>>\nstartxref\n0\n%%EOF\n");
    file
}

/// A text of PDF in brackets.
pub(crate) fn pdf_text(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'('];
    for byte in text {
        quoted.extend(if matches!(byte, b'(' | b')' | b'\\') { &b"\\"[..] } else { b"" });
        quoted.push(*byte);
    }
    quoted.push(b')');
    quoted
}

pub(crate) fn pdf_info(text: &[u8]) -> Vec<u8> {
    [b"<</Producer(x)/AIGC ", text, b">>"].concat()
}

/// Compressed objects.
pub(crate) fn pdf_objects(objects: &[u8]) -> Vec<u8> {
    let data = crate::files::deflated(objects);
    let head = format!("<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length {}>>stream\n", data.len());
    [head.as_bytes(), &data, b"\nendstream"].concat()
}
