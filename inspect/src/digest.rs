//! Digests of whole files, and of files without the C2PA manifest store that is embedded in them.
//!
//! The second kind equals the hash of a signed file's data-hash assertion (`c2pa.hash.data`) when the
//! manifest store is the only exclusion, so that an original is found again after its manifest was dropped.

use crate::containers::{Container, jpeg, png, webp};
use std::ops::Range;
use touchstone_schema::Sha256Digest;

/// SHA-256 of the file as it is.
#[must_use]
pub fn file_sha256(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest::of(bytes)
}

/// SHA-256 of the file without the bytes of [`manifest_ranges`]; equals [`file_sha256`] when there are none.
#[must_use]
pub fn content_sha256(bytes: &[u8]) -> Sha256Digest {
    without(bytes, manifest_ranges(bytes))
}

/// [`file_sha256`] and [`content_sha256`]: nearly no file has a manifest, and then one digest is both.
#[must_use]
pub fn both_sha256(bytes: &[u8]) -> (Sha256Digest, Sha256Digest) {
    let (file, ranges) = (file_sha256(bytes), manifest_ranges(bytes));
    (file, if ranges.is_empty() { file } else { without(bytes, ranges) })
}

fn without(bytes: &[u8], ranges: Vec<Range<usize>>) -> Sha256Digest {
    let mut parts = Vec::new();
    let mut at = 0;
    for range in ranges {
        parts.extend(bytes.get(at..range.start));
        at = range.end;
    }
    parts.extend(bytes.get(at..));
    Sha256Digest::of_parts(&parts)
}

/// Where the C2PA manifest store stands in a JPEG, PNG or WebP file: ascending, without overlaps, neighbours
/// joined.
///
/// JPEG: the whole APP11 segments of the store, told as C2PA readers tell them, so that a changed byte that they
/// do not look at changes nothing here either. PNG: the whole `caBX` chunk. WebP: the whole `C2PA` chunk
/// with its padding. Empty for other formats and for files without a store.
#[must_use]
pub fn manifest_ranges(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut push = |range: Range<usize>| match ranges.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => ranges.push(range),
    };
    match Container::sniff(bytes) {
        Some(Container::Jpeg) => {
            // The box instance number of the store; its further segments share it.
            let mut instance: Option<[u8; 2]> = None;
            for segment in jpeg::segments(bytes).filter(|s| s.marker == jpeg::APP11) {
                let Some(found) = jumbf_instance(segment.data) else {
                    continue;
                };
                if is_c2pa_store(segment.data) {
                    instance = Some(found);
                }
                if instance == Some(found) {
                    push(segment.offset..segment.end);
                }
            }
        }
        Some(Container::Png) => {
            png::chunks(bytes).filter(|c| c.kind == *b"caBX").for_each(|c| push(c.offset..c.end));
        }
        Some(Container::WebP) => {
            webp::chunks(bytes).filter(|c| c.kind == *b"C2PA").for_each(|c| push(c.offset..c.end));
        }
        _ => {}
    }
    ranges
}

/// Box instance number of an APP11 segment that may carry (a part of) a JUMBF superbox: common identifier `JP`,
/// instance, sequence, then length and type of the superbox (ISO/IEC 19566-5 Annex D). Readers go by the instance
/// alone.
fn jumbf_instance(data: &[u8]) -> Option<[u8; 2]> {
    data.get(2..4).filter(|_| data.len() > 16)?.try_into().ok()
}

/// Whether the superbox that begins in this segment is a C2PA manifest store: by the beginning of the UUID in its
/// description box.
fn is_c2pa_store(data: &[u8]) -> bool {
    data.get(24..28) == Some(b"c2pa")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UUID of the description box of a C2PA manifest store (C2PA 2.x, "c2pa" box), as it stands in the file.
    const C2PA_STORE_UUID: [u8; 16] =
        [0x63, 0x32, 0x70, 0x61, 0x00, 0x11, 0x00, 0x10, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71];

    /// The payload of an APP11 segment.
    fn app11(instance: u16, sequence: u32, store: bool, rest: &[u8]) -> Vec<u8> {
        let mut data = b"JP".to_vec();
        data.extend(instance.to_be_bytes());
        data.extend(sequence.to_be_bytes());
        data.extend(9_999_u32.to_be_bytes());
        data.extend(b"jumb");
        if store {
            data.extend(30_u32.to_be_bytes());
            data.extend(b"jumd");
            data.extend(C2PA_STORE_UUID);
            data.push(3);
            data.extend(b"c2pa\0");
        }
        data.extend(rest);
        jpeg::segment(jpeg::APP11, &data).unwrap()
    }

    #[test]
    fn jpeg_without_its_store_has_the_same_content_digest() {
        let head = [&[0xFF, jpeg::SOI][..], &jpeg::segment(jpeg::APP0, b"JFIF\0").unwrap()].concat();
        // Another JUMBF box, with its own instance number, is content.
        let other = app11(9, 1, false, b"not the store");
        let tail = [&jpeg::segment(jpeg::SOS, &[0]).unwrap()[..], &[1, 2, 3, 0xFF, jpeg::EOI]].concat();
        let plain = [&head[..], &other, &tail].concat();
        let store = [app11(513, 1, true, b"first"), app11(513, 2, false, b"second")].concat();
        let signed = [&head[..], &store, &other, &tail].concat();
        let expected = head.len()..head.len() + store.len();
        assert_eq!(manifest_ranges(&signed), std::slice::from_ref(&expected));
        assert_eq!(content_sha256(&signed), file_sha256(&plain));
        assert_eq!(content_sha256(&plain), file_sha256(&plain));
        assert!(manifest_ranges(&plain).is_empty());
        assert_ne!(file_sha256(&signed), content_sha256(&signed));
    }

    #[test]
    fn png_without_its_store_has_the_same_content_digest() {
        let (head, tail) = (png::SIGNATURE.to_vec(), png::chunk(*b"IEND", b"").unwrap());
        let signed = [&head[..], &png::chunk(*b"caBX", b"store").unwrap(), &tail].concat();
        assert_eq!(content_sha256(&signed), file_sha256(&[head, tail].concat()));
    }

    #[test]
    fn webp_skips_the_chunk_with_its_padding() {
        let mut signed = b"RIFF\x18\0\0\0WEBP".to_vec();
        signed.extend(webp::chunk(*b"C2PA", b"store").unwrap());
        signed.extend(webp::chunk(*b"XMP ", b"").unwrap());
        signed[4] = u8::try_from(signed.len() - 8).unwrap();
        let expected = 12..26;
        assert_eq!(manifest_ranges(&signed), std::slice::from_ref(&expected));
        let rest = [&signed[..12], &signed[26..]].concat();
        assert_eq!(content_sha256(&signed), file_sha256(&rest));
    }

    #[test]
    fn other_bytes_have_no_store() {
        for bytes in [&b""[..], b"\xFF\xD8\xFF", b"GIF89a", b"RIFF\0\0\0\0WEBP"] {
            assert!(manifest_ranges(bytes).is_empty());
            assert_eq!(content_sha256(bytes), file_sha256(bytes));
        }
    }
}
