//! Puts an XMP packet into a file: in place of the one that is there, or where the format wants a first one.
//!
//! Each function asks `packet` for the new packet, given the old one if there is one. Every byte outside the
//! carrier is copied as it is, but for the sizes and flags that the format derives from the carrier.
//! [`change`] changes the text of a label that is there, whatever carrier it stands in.

use super::{
    exif_edit, gb45438,
    png_text::TextChunk,
    read::PNG_XMP_KEYWORD,
    write::{LabelWriteError, Picture},
    xmp::MAX_PACKET,
    xmp_edit,
};
use crate::containers::{jpeg, mpf, png, webp};
use flate2::{Compression, write::ZlibEncoder};
use std::{io::Write, ops::Range};
use touchstone_schema::label::FoundLabel;

type Result<T> = std::result::Result<T, LabelWriteError>;

const fn malformed(what: &'static str) -> LabelWriteError {
    LabelWriteError::Malformed { what }
}

/// `bytes` with `range` replaced by `new`.
fn splice(bytes: &[u8], range: Range<usize>, new: &[u8]) -> Vec<u8> {
    let (head, tail) =
        (bytes.get(..range.start).unwrap_or_default(), bytes.get(range.end..).unwrap_or_default());
    [head, new, tail].concat()
}

/// Refuses a JPEG file with a multi-picture index (CIPA DC-007): it states sizes and offsets of the pictures behind the
/// first one, which are wrong once a segment in front of them grows.
fn single_picture(bytes: &[u8]) -> Result<()> {
    if jpeg::segments(bytes).any(|segment| mpf::is_index(&segment)) {
        return Err(LabelWriteError::UnsupportedLayout { what: "it has a multi-picture index" });
    }
    Ok(())
}

/// JPEG: APP1, after the leading APP0 and EXIF segments.
pub(super) fn jpeg(bytes: &[u8], packet: impl Fn(Option<&[u8]>) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    single_picture(bytes)?;
    let mut at = 2;
    let mut leading = true;
    let mut old: Option<(Range<usize>, &[u8])> = None;
    let mut has_scan = false;
    for segment in jpeg::segments(bytes) {
        let exif = segment.marker == jpeg::APP1 && segment.data.starts_with(jpeg::EXIF_HEADER);
        leading &= segment.marker == jpeg::SOI || segment.marker == jpeg::APP0 || exif;
        if leading {
            at = segment.end;
        }
        if segment.marker == jpeg::APP1 && old.is_none() {
            old = segment.data.strip_prefix(jpeg::XMP_HEADER).map(|xmp| (segment.offset..segment.end, xmp));
        }
        has_scan |= segment.marker == jpeg::SOS;
    }
    if !has_scan {
        return Err(malformed("it has no scan"));
    }
    let (range, old) = old.map_or((at..at, None), |(range, xmp)| (range, Some(xmp)));
    let data = [jpeg::XMP_HEADER, &packet(old)?].concat();
    let segment = jpeg::segment(jpeg::APP1, &data).ok_or(LabelWriteError::TooLarge)?;
    Ok(splice(bytes, range, &segment))
}

/// PNG: `iTXt`, before the first `IDAT`.
pub(super) fn png(bytes: &[u8], packet: impl Fn(Option<&[u8]>) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    if png::chunks(bytes).next().is_none_or(|c| c.kind != *b"IHDR") {
        return Err(malformed("it does not begin with an IHDR chunk"));
    }
    let image = png::chunks(bytes).find(|c| c.kind == *b"IDAT").ok_or(malformed("it has no IDAT chunk"))?;
    let mut texts = png::chunks(bytes).filter_map(|c| TextChunk::parse(&c).map(|t| (c, t)));
    let (range, data) = match texts.find(|(_, t)| t.keyword == PNG_XMP_KEYWORD) {
        Some((chunk, text)) => {
            let old = text.text(MAX_PACKET).ok_or(LabelWriteError::UnreadableXmp)?;
            let plain_itxt = text.kind == "iTXt" && !text.compressed;
            let header = chunk.data.get(..text.text_at).filter(|_| plain_itxt);
            (chunk.offset..chunk.end, itxt(header, &packet(Some(&old))?))
        }
        None => (image.offset..image.offset, itxt(None, &packet(None)?)),
    };
    Ok(splice(bytes, range, &png::chunk(*b"iTXt", &data).ok_or(LabelWriteError::TooLarge)?))
}

/// Data of an uncompressed `iTXt` chunk; the header of the old one is kept.
fn itxt(header: Option<&[u8]>, packet: &[u8]) -> Vec<u8> {
    // Keyword, no compression, no language, no translated keyword.
    let standard = [PNG_XMP_KEYWORD, &[0; 5]].concat();
    [header.unwrap_or(&standard), packet].concat()
}

/// WebP: `XMP ` as the last chunk, announced in `VP8X`, which is made if the file is a simple one.
pub(super) fn webp(bytes: &[u8], packet: impl Fn(Option<&[u8]>) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let end = webp::riff_end(bytes).ok_or(malformed("it has no RIFF header"))?;
    let last = webp::chunks(bytes).last().ok_or(malformed("it has no chunk"))?;
    if last.end != end {
        return Err(malformed("a chunk runs past the end of the file"));
    }
    let first = webp::chunks(bytes).next().ok_or(malformed("it has no chunk"))?;
    let old = webp::chunks(bytes).find(|c| c.kind == *b"XMP ");
    let xmp = webp::chunk(*b"XMP ", &packet(old.map(|c| c.data))?).ok_or(LabelWriteError::TooLarge)?;

    let mut body = b"WEBP".to_vec();
    if first.kind == *b"VP8X" {
        if first.data.len() < 10 {
            return Err(malformed("its VP8X chunk is too short"));
        }
    } else {
        body.extend(extended_header(&first)?);
    }
    for chunk in webp::chunks(bytes) {
        if old.is_some_and(|old| old.offset == chunk.offset) {
            body.extend(&xmp);
            continue;
        }
        let start = body.len();
        body.extend(bytes.get(chunk.offset..chunk.end).unwrap_or_default());
        if chunk.offset == first.offset
            && first.kind == *b"VP8X"
            && let Some(flags) = body.get_mut(start + 8)
        {
            *flags |= webp::FLAG_XMP;
        }
        if body.len() % 2 == 1 {
            body.push(0); // the last padding byte was left out
        }
    }
    if old.is_none() {
        body.extend(&xmp);
    }
    let size = u32::try_from(body.len()).map_err(|_| LabelWriteError::TooLarge)?;
    let trailer = bytes.get(end..).unwrap_or_default();
    Ok([b"RIFF", &size.to_le_bytes()[..], &body, trailer].concat())
}

/// The `VP8X` chunk of a simple file that begins with the bitstream chunk `first`.
fn extended_header(first: &webp::Chunk<'_>) -> Result<Vec<u8>> {
    let (width, height, alpha) = webp::bitstream_size(first.kind, first.data)
        .ok_or(malformed("it does not begin with a bitstream"))?;
    if width == 0 || height == 0 {
        return Err(malformed("its size is zero"));
    }
    let flags = webp::FLAG_XMP | if alpha { webp::FLAG_ALPHA } else { 0 };
    let mut data = vec![flags, 0, 0, 0];
    for side in [width, height] {
        data.extend((side - 1).to_le_bytes().into_iter().take(3));
    }
    webp::chunk(*b"VP8X", &data).ok_or(LabelWriteError::TooLarge)
}

/// The file with the text of a label changed that was found in it; XMP, EXIF and text chunks of PNG are carriers whose
/// texts can be changed.
pub(super) fn change(
    bytes: &[u8],
    picture: Picture,
    label: &FoundLabel,
    change: impl Fn(&str) -> Option<String>,
) -> Result<Vec<u8>> {
    let elsewhere =
        LabelWriteError::UnsupportedLayout { what: "its label stands in a place that is not written to" };
    let unclear = LabelWriteError::UnsupportedLayout { what: "its label is written in an unclear way" };
    let offset = usize::try_from(label.offset).unwrap_or(usize::MAX);
    // A structure of EXIF may hold other JSON than the label: only the field that was found is changed.
    let exif = |carrier: &str, old: &[u8]| {
        let field = label.carrier.strip_prefix(carrier)?.strip_prefix(':')?;
        exif_edit::changed(old, field, &change)
    };
    let packet = |old: &[u8]| {
        let old = std::str::from_utf8(old).ok().filter(|old| old.len() <= MAX_PACKET)?;
        xmp_edit::changed(old, &change).filter(|new| new.len() <= MAX_PACKET).map(String::into_bytes)
    };
    match picture {
        Picture::Jpeg => {
            single_picture(bytes)?;
            let found = jpeg::segments(bytes).find(|s| s.offset <= offset && offset < s.end);
            let segment = found.filter(|s| s.marker == jpeg::APP1).ok_or(elsewhere.clone())?;
            let (header, new) = if let Some(old) = segment.data.strip_prefix(jpeg::XMP_HEADER) {
                (jpeg::XMP_HEADER, packet(old))
            } else if let Some(old) = segment.data.strip_prefix(jpeg::EXIF_HEADER) {
                (jpeg::EXIF_HEADER, exif("jpeg:app1:exif", old))
            } else {
                return Err(elsewhere);
            };
            let data = [header, &new.ok_or(unclear)?].concat();
            let new = jpeg::segment(jpeg::APP1, &data).ok_or(LabelWriteError::TooLarge)?;
            Ok(splice(bytes, segment.offset..segment.end, &new))
        }
        Picture::Png => {
            let chunk =
                png::chunks(bytes).find(|c| c.offset <= offset && offset < c.end).ok_or(elsewhere.clone())?;
            let new = if chunk.kind == *b"eXIf" {
                exif("png:eXIf", chunk.data)
            } else {
                let text = TextChunk::parse(&chunk).ok_or(elsewhere)?;
                let is_xmp = text.keyword == PNG_XMP_KEYWORD;
                text.text(if is_xmp { MAX_PACKET } else { gb45438::MAX_TEXT }).and_then(|old| {
                    let new = if is_xmp {
                        packet(&old)?
                    } else {
                        change(std::str::from_utf8(&old).ok()?)?.into_bytes()
                    };
                    let header = chunk.data.get(..text.text_at)?;
                    Some([header, &if text.compressed { deflated(&new)? } else { new }].concat())
                })
            };
            let new = png::chunk(chunk.kind, &new.ok_or(unclear)?).ok_or(LabelWriteError::TooLarge)?;
            Ok(splice(bytes, chunk.offset..chunk.end, &new))
        }
        Picture::WebP => {
            let chunk = webp::chunks(bytes)
                .find(|c| c.offset <= offset && offset < c.end)
                .ok_or(elsewhere.clone())?;
            let new = match &chunk.kind {
                b"XMP " => packet(chunk.data),
                b"EXIF" => {
                    let header: &[u8] =
                        if chunk.data.starts_with(jpeg::EXIF_HEADER) { jpeg::EXIF_HEADER } else { b"" };
                    let tiff = chunk.data.get(header.len()..).unwrap_or_default();
                    exif("webp:EXIF", tiff).map(|new| [header, &new].concat())
                }
                _ => return Err(elsewhere),
            };
            let new = webp::chunk(chunk.kind, &new.ok_or(unclear)?).ok_or(LabelWriteError::TooLarge)?;
            let mut file = splice(bytes, chunk.offset..chunk.end, &new);
            let size = webp::riff_end(bytes).ok_or(malformed("it has no RIFF header"))? - 8;
            let size =
                (size + new.len()).checked_sub(chunk.end - chunk.offset).and_then(|n| u32::try_from(n).ok());
            let size = size.ok_or(LabelWriteError::TooLarge)?.to_le_bytes();
            file.get_mut(4..8).ok_or(malformed("it has no RIFF header"))?.copy_from_slice(&size);
            Ok(file)
        }
    }
}

fn deflated(data: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).ok()?;
    encoder.finish().ok()
}
