//! Cheap tests on the raw bytes: which container is it, can it hold a manifest at all, where does the store
//! begin.
//!
//! Ordinary photos carry no manifest; they must not pay for a parse. A "no" here is final; a "maybe" only
//! costs the full read.

use crate::containers::{
    bmff::{self, C2PA_USER_TYPE},
    jpeg, png, webp,
};
use memchr::memmem;

/// Start of the description box of a manifest store: box type `jumd`, then the UUID that begins with `c2pa`.
const STORE_DESCRIPTION: &[u8] = b"jumdc2pa";
/// XMP key `dcterms:provenance`, with which a file refers to a manifest elsewhere.
const XMP_PROVENANCE: &[u8] = b"provenance";

/// Media types of files of boxes (ISO/IEC 14496-12).
const BMFF: [&str; 6] =
    ["image/avif", "image/heic", "image/heif", "video/mp4", "video/quicktime", "audio/mp4"];
/// Media type of a document, and the name that ties an embedded file to it as its manifest (C2PA specification,
/// "Embedding manifests into PDFs").
const PDF: &str = "application/pdf";
const PDF_RELATIONSHIP: &[u8] = b"/C2PA_Manifest";

/// The media type that the first bytes show, for the image containers that can carry a manifest.
pub(super) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let at = |start: usize, end: usize| bytes.get(start..end).unwrap_or_default();
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Some("image/jpeg")
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"RIFF") && at(8, 12) == b"WEBP" {
        Some("image/webp")
    } else if bytes.starts_with(b"GIF8") {
        Some("image/gif")
    } else if bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") {
        Some("image/tiff")
    } else if at(4, 8) == b"ftyp" {
        match at(8, 12) {
            b"avif" | b"avis" => Some("image/avif"),
            b"heic" | b"heix" | b"heim" | b"heis" => Some("image/heic"),
            b"mif1" | b"msf1" | b"hevc" | b"hevx" => Some("image/heif"),
            _ => None,
        }
    } else {
        None
    }
}

/// Whether the file may hold a manifest or a reference to one. Hops from segment to segment, so that an
/// ordinary photo costs microseconds whatever its size. A JPEG is looked at up to its scan: writers put
/// manifests before it, and one hidden behind it counts as absent, which gains nobody more than leaving it
/// out.
pub(super) fn may_hold_manifest(bytes: &[u8], media_type: &str) -> bool {
    let refers = |xmp: &[u8]| memmem::find(xmp, XMP_PROVENANCE).is_some();
    match media_type {
        "image/jpeg" => jpeg::segments(bytes).take_while(|s| s.marker != jpeg::SOS).any(|s| match s.marker {
            // Common identifier, instance and sequence number (8), superbox header (8), description
            // header (8).
            jpeg::APP11 => s.data.get(24..28) == Some(b"c2pa"),
            jpeg::APP1 => refers(s.data),
            _ => false,
        }),
        "image/png" => {
            png::chunks(bytes).any(|c| c.kind == *b"caBX" || (c.kind == *b"iTXt" && refers(c.data)))
        }
        "image/webp" => {
            webp::chunks(bytes).any(|c| c.kind == *b"C2PA" || (c.kind == *b"XMP " && refers(c.data)))
        }
        "image/gif" => memmem::find(bytes, b"C2PA_GIF").is_some() || refers(bytes),
        "image/avif" | "image/heic" | "image/heif" => {
            memmem::find(bytes, &C2PA_USER_TYPE).is_some() || refers(bytes)
        }
        // Of a movie the boxes are walked: its samples, which are most of it, are not searched.
        "video/mp4" | "video/quicktime" | "audio/mp4" => bmff::boxes(bytes).any(|b| match b.user_type {
            Some(C2PA_USER_TYPE) => true,
            Some(bmff::XMP_USER_TYPE) => refers(b.data),
            _ => false,
        }),
        PDF => memmem::find(bytes, PDF_RELATIONSHIP).is_some(),
        // A TIFF names its store by a tag number only, and of other containers nothing is known here.
        _ => true,
    }
}

/// Whether manifests in this kind of file are judged. Where the store of a PDF stands only its objects tell, and these
/// are not resolved here.
pub(super) fn is_judged(media_type: &str) -> bool {
    media_type != PDF
}

/// Boxes of a file with a manifest that are read at most. What a hash leaves out is cut out of the rest range by range in
/// the library, which takes the square of their number: half a second for so many, eight for four times as many. Pictures
/// and films that are in one piece have some dozens or hundreds.
pub(super) const MAX_BOXES: usize = 8_192;
/// Boxes that hold boxes, which the library goes into.
const CONTAINERS: [&[u8; 4]; 16] = [
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"edts", b"udta", b"dinf", b"tref",
    b"treg", b"mvex", b"mfra", b"meta", b"schi",
];

/// Whether a file of boxes has more of them than [`MAX_BOXES`].
pub(super) fn has_too_many_boxes(bytes: &[u8], media_type: &str) -> bool {
    if !BMFF.contains(&media_type) {
        return false;
    }
    let (mut seen, mut open) = (0, vec![bmff::boxes(bytes)]);
    while let Some(mut level) = open.pop() {
        let Some(found) = level.next() else { continue };
        seen += 1;
        if seen > MAX_BOXES {
            return true;
        }
        open.push(level);
        if CONTAINERS.contains(&&found.kind) {
            open.push(match &found.kind {
                b"meta" => bmff::meta_children(bytes, &found),
                _ => bmff::children(bytes, &found, 0),
            });
        }
    }
    false
}

/// Whether the bytes show the beginning of a manifest store.
pub(super) fn shows_store(bytes: &[u8], media_type: &str) -> bool {
    memmem::find(bytes, STORE_DESCRIPTION).is_some()
        || (media_type == "image/png" && memmem::find(bytes, b"caBX").is_some())
}

/// Name of the carrier and byte offset at which the segment, chunk or box with the store begins (0 if not
/// found).
pub(super) fn carrier(bytes: &[u8], media_type: &str) -> (&'static str, u64) {
    let name = match media_type {
        "image/jpeg" => "jpeg:app11:c2pa",
        "image/png" => "png:caBX",
        "image/webp" => "webp:C2PA",
        "image/gif" => "gif:C2PA_GIF",
        "image/tiff" => "tiff:52545",
        _ if BMFF.contains(&media_type) => "isobmff:uuid:c2pa",
        PDF => {
            let name = memmem::find(bytes, PDF_RELATIONSHIP);
            return ("pdf:C2PA_Manifest", name.unwrap_or_default() as u64);
        }
        _ => "c2pa",
    };
    let Some(description) = memmem::find(bytes, STORE_DESCRIPTION) else {
        return (name, 0);
    };
    // Before the description's type stand its length (4 bytes) and the superbox's length and type (8 bytes).
    let store = description.saturating_sub(12);
    let candidate = match media_type {
        // Marker and length (4), common identifier, instance and sequence number (8).
        "image/jpeg" => store.checked_sub(12).filter(|at| bytes.get(*at..at + 2) == Some(&[0xff, 0xeb])),
        // Chunk length and type.
        "image/png" => store.checked_sub(8).filter(|at| bytes.get(at + 4..at + 8) == Some(b"caBX")),
        // Chunk type and size.
        "image/webp" => store.checked_sub(8).filter(|at| bytes.get(*at..at + 4) == Some(b"C2PA")),
        _ => None,
    };
    (name, candidate.unwrap_or(store) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        assert_eq!(media_type(b"\xff\xd8\xff\xe0rest"), Some("image/jpeg"));
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
        assert_eq!(media_type(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(media_type(b"\0\0\0\x1cftypheic"), Some("image/heic"));
        assert_eq!(media_type(b"\0\0\0\x1cftypisom"), None);
        assert_eq!(media_type(b""), None);
    }

    #[test]
    fn the_carrier_of_a_jpeg_is_its_app11_segment() {
        let mut file = b"\xff\xd8".to_vec();
        file.extend_from_slice(b"\xff\xeb\x00\x1eJP\x00\x01\x00\x00\x00\x01");
        file.extend_from_slice(b"\0\0\0\x99jumb\0\0\0\x1ejumdc2pa");
        assert_eq!(carrier(&file, "image/jpeg"), ("jpeg:app11:c2pa", 2));
        assert!(may_hold_manifest(&file, "image/jpeg"));
        assert!(!may_hold_manifest(b"\xff\xd8\xff\xe0 an ordinary photo", "image/jpeg"));
    }
}
