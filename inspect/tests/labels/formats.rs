//! Hand-made files of the formats beyond JPEG, PNG and WebP. They hold metadata and no pixels that a decoder would
//! accept, but for the GIF.

use touchstone_inspect::containers::bmff::boxed;

pub(crate) fn be16(n: usize) -> [u8; 2] {
    u16::try_from(n).unwrap().to_be_bytes()
}

pub(crate) fn be32(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap().to_be_bytes()
}

/// Two by one pixels with extension blocks before and behind them.
pub(crate) fn gif_file(before: &[Vec<u8>], after: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"GIF89a\x02\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF".to_vec();
    file.extend(before.concat());
    file.extend(b"\x2C\0\0\0\0\x02\0\x01\0\0\x02\x02\x44\x0A\0");
    file.extend(after.concat());
    file.push(0x3B);
    file
}

/// A comment extension.
pub(crate) fn gif_comment(text: &[u8]) -> Vec<u8> {
    let mut block = vec![0x21, 0xFE];
    for part in text.chunks(255) {
        block.push(u8::try_from(part.len()).unwrap());
        block.extend(part);
    }
    block.push(0);
    block
}

/// Tag, type and bytes of a field.
pub(crate) type Field<'a> = (u16, u16, &'a [u8]);

/// A TIFF structure with one main directory and an EXIF directory; `big` makes it a BigTIFF.
pub(crate) fn tiff_file(little: bool, big: bool, main: &[Field<'_>], exif: &[Field<'_>]) -> Vec<u8> {
    let number = |n: usize, length: usize| -> Vec<u8> {
        let all = n.to_le_bytes();
        if little { all[..length].to_vec() } else { all[..length].iter().rev().copied().collect() }
    };
    let (word, header, entry_size) = if big { (8, 8, 20) } else { (4, 2, 12) };
    let start = if big { 16 } else { 8 };
    let directory_size = |entries: usize| header + entries * entry_size + word;
    let exif_at = start + directory_size(main.len() + 1);
    let mut data_at = exif_at + directory_size(exif.len());
    let mut values: Vec<u8> = Vec::new();
    let mut directory = |fields: &[Field<'_>], pointer: Option<usize>| {
        let mut bytes = number(fields.len() + usize::from(pointer.is_some()), header);
        for (tag, kind, value) in fields {
            bytes.extend(
                [number((*tag).into(), 2), number((*kind).into(), 2), number(value.len(), word)].concat(),
            );
            if value.len() <= word {
                bytes.extend([value, &vec![0; word - value.len()][..]].concat());
            } else {
                bytes.extend(number(data_at, word));
                data_at += value.len();
                values.extend(*value);
            }
        }
        if let Some(at) = pointer {
            bytes.extend([number(0x8769, 2), number(if big { 16 } else { 4 }, 2), number(1, word)].concat());
            bytes.extend(number(at, word));
        }
        bytes.extend(number(0, word));
        bytes
    };
    let mut file = if little { b"II".to_vec() } else { b"MM".to_vec() };
    file.extend(number(if big { 43 } else { 42 }, 2));
    if big {
        file.extend([number(8, 2), number(0, 2)].concat());
    }
    file.extend(number(start, word));
    file.extend(directory(main, Some(exif_at)));
    file.extend(directory(exif, None));
    file.extend(values);
    file
}

/// Kind, content type and encoding, and data of an item.
pub(crate) type HeifItem<'a> = ([u8; 4], &'a [u8], &'a [u8]);

/// A HEIF file with metadata items, in `idat` or in `mdat`; the second half of each is a second extent.
pub(crate) fn heif_file(brand: &[u8; 4], items: &[HeifItem<'_>], inside: bool) -> Vec<u8> {
    let head = boxed(*b"ftyp", &[&brand[..], b"\0\0\0\0mif1", brand].concat()).unwrap();
    let hdlr = boxed(*b"hdlr", b"\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0").unwrap();
    let mut entries = Vec::new();
    for (at, (kind, content, _)) in items.iter().enumerate() {
        let entry = [&b"\x02\0\0\0"[..], &be16(at + 1), b"\0\0", kind, b"\0", content].concat();
        entries.extend(boxed(*b"infe", &entry).unwrap());
    }
    let iinf = boxed(*b"iinf", &[&b"\0\0\0\0"[..], &be16(items.len()), &entries].concat()).unwrap();
    let data: Vec<u8> = items.iter().flat_map(|(_, _, data)| data.iter().copied()).collect();
    let iloc = |start: usize| {
        let mut body = [&b"\x01\0\0\0\x44\x40"[..], &be16(items.len())].concat();
        let mut at = 0;
        for (number, (_, _, data)) in items.iter().enumerate() {
            let half = data.len() / 2;
            body.extend(
                [&be16(number + 1)[..], &be16(usize::from(inside)), &be16(0), &be32(start), &be16(2)]
                    .concat(),
            );
            body.extend([be32(at), be32(half), be32(at + half), be32(data.len() - half)].concat());
            at += data.len();
        }
        boxed(*b"iloc", &body).unwrap()
    };
    let idat = if inside { boxed(*b"idat", &data).unwrap() } else { Vec::new() };
    let meta =
        |start| boxed(*b"meta", &[&b"\0\0\0\0"[..], &hdlr, &iinf, &iloc(start), &idat].concat()).unwrap();
    let start = if inside { 0 } else { head.len() + meta(0).len() + 8 };
    let tail = if inside { Vec::new() } else { boxed(*b"mdat", &data).unwrap() };
    [head, meta(start), tail].concat()
}

/// Data of an `Exif` item: the distance to the TIFF structure, a header, the structure.
pub(crate) fn heif_exif(tiff: &[u8]) -> Vec<u8> {
    [b"\0\0\0\x06Exif\0\0", tiff].concat()
}

/// A video file with boxes in `moov` and others behind it.
pub(crate) fn mp4_file(movie: &[Vec<u8>], behind: &[Vec<u8>]) -> Vec<u8> {
    let head = boxed(*b"ftyp", b"isom\0\0\x02\0isommp41").unwrap();
    let mvhd = boxed(*b"mvhd", &[0; 100]).unwrap();
    let media = boxed(*b"mdat", b"frames").unwrap();
    let moov = boxed(*b"moov", &[mvhd, movie.concat()].concat()).unwrap();
    [head, moov, media, behind.concat()].concat()
}

pub(crate) fn mp4_data(kind: u8, value: &[u8]) -> Vec<u8> {
    boxed(*b"data", &[&[0, 0, 0, kind, 0, 0, 0, 0], value].concat()).unwrap()
}

/// A `meta` box with values under keys; `full` is the form of ISO files, else it is QuickTime's.
pub(crate) fn mp4_keys(values: &[(&str, &[u8])], full: bool) -> Vec<u8> {
    let hdlr = boxed(*b"hdlr", b"\0\0\0\0\0\0\0\0mdta\0\0\0\0\0\0\0\0\0\0\0\0\0").unwrap();
    let mut keys = [&[0; 4], &be32(values.len())[..]].concat();
    let mut list = Vec::new();
    for (at, (key, value)) in values.iter().enumerate() {
        keys.extend(boxed(*b"mdta", key.as_bytes()).unwrap());
        list.extend(boxed(be32(at + 1), &mp4_data(1, value)).unwrap());
    }
    let (keys, list) = (boxed(*b"keys", &keys).unwrap(), boxed(*b"ilst", &list).unwrap());
    boxed(*b"meta", &[if full { &[0; 4][..] } else { &[] }, &hdlr, &keys, &list].concat()).unwrap()
}

/// A `meta` box with one freeform value.
pub(crate) fn mp4_freeform(name: &str, value: &[u8]) -> Vec<u8> {
    let hdlr = boxed(*b"hdlr", b"\0\0\0\0\0\0\0\0mdirappl\0\0\0\0\0\0\0\0\0").unwrap();
    let mean = boxed(*b"mean", b"\0\0\0\0com.apple.iTunes").unwrap();
    let name = boxed(*b"name", &[b"\0\0\0\0", name.as_bytes()].concat()).unwrap();
    let atom = boxed(*b"----", &[mean, name, mp4_data(1, value)].concat()).unwrap();
    let list = boxed(*b"ilst", &atom).unwrap();
    boxed(*b"meta", &[&[0; 4][..], &hdlr, &list].concat()).unwrap()
}
