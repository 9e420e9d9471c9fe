//! The text fields of EXIF in which AI labels and traces of generators are met, and a packet that stands among them.
//!
//! Looks at the directories it is given and the EXIF directories they name, so that its work is bounded by the entries
//! of a few directories. Decoding text is the costly part and is left to the caller to pay for, field by field.

use crate::containers::tiff::{self, EXIF_DIRECTORY, Entry, IMAGE_DESCRIPTION, Tiff};
use std::borrow::Cow;

/// Tags of text fields with their names, `XMP` for a packet and `IPTC` for datasets.
const FIELDS: [(u16, &str); 9] = [
    (IMAGE_DESCRIPTION, "ImageDescription"),
    (0x010F, "Make"),
    (0x0110, "Model"),
    (0x0131, "Software"),
    (0x013B, "Artist"),
    (0x02BC, PACKET),
    (0x83BB, DATASETS),
    (0x8649, DATASETS),
    (tiff::USER_COMMENT, USER_COMMENT),
];
/// Name under which the packet in tag 0x2BC is handed out.
pub(super) const PACKET: &str = "XMP";
/// Name under which IPTC-IIM datasets are handed out: as they are (0x83BB), or among image resources (0x8649).
pub(super) const DATASETS: &str = "IPTC";
const USER_COMMENT: &str = "UserComment";
/// How many fields of a directory are handed out: one that repeats a tag is not valid.
const MAX_FIELDS: usize = 16;
/// The longest text that is decoded.
pub(super) const MAX_TEXT: usize = 256 << 10;

/// The fields of the directory at `at` and of the EXIF directory that it names, with their names; and how many entries
/// were looked at.
pub(super) fn fields(tiff: &Tiff<'_>, at: usize) -> (Vec<(&'static str, Entry)>, usize) {
    let mut fields = Vec::new();
    let mut seen = 0;
    let mut exif = None;
    let mut collect = |at: usize, exif: Option<&mut Option<usize>>| {
        let mut named = None;
        let most = fields.len() + MAX_FIELDS;
        for entry in tiff.entries(at) {
            seen += 1;
            if entry.tag == EXIF_DIRECTORY && named.is_none() {
                named = tiff.number(&entry);
            }
            if let Some((_, name)) = FIELDS.iter().find(|(tag, _)| *tag == entry.tag)
                && fields.len() < most
            {
                fields.push((*name, entry));
            }
        }
        if let Some(exif) = exif {
            *exif = named;
        }
    };
    collect(at, Some(&mut exif));
    if let Some(at) = exif {
        collect(at, None);
    }
    (fields, seen)
}

/// The text of a field without padding; empty if there is none. At most [`MAX_TEXT`] bytes are decoded.
pub(super) fn text(tiff: &Tiff<'_>, name: &str, entry: &Entry) -> String {
    let value = tiff.value(entry);
    let value = value.get(..value.len().min(MAX_TEXT)).unwrap_or_default();
    let decoded = if name == USER_COMMENT {
        comment(value, tiff.is_little_endian())
    } else {
        String::from_utf8_lossy(value)
    };
    decoded.trim_matches(['\0', ' ', '\u{FEFF}']).to_owned()
}

/// `UserComment`: eight bytes name the character code (EXIF 2.32, 4.6.5). Fewer zeros after the name are
/// accepted, and UTF-16 in the other byte order than the file's, which real writers produce.
fn comment(value: &[u8], little: bool) -> Cow<'_, str> {
    if let Some(rest) = value.strip_prefix(b"UNICODE") {
        let rest = rest.strip_prefix(b"\0").unwrap_or(rest);
        let little = match rest {
            [0xFF, 0xFE, ..] => true,
            [0xFE, 0xFF, ..] => false,
            [0, second, ..] if *second != 0 => false,
            [first, 0, ..] if *first != 0 => true,
            [first, second, ..] if first.is_ascii() && second.is_ascii() => {
                return String::from_utf8_lossy(rest);
            }
            _ => little,
        };
        let unit = |pair: &[u8; 2]| {
            if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) }
        };
        let units: Vec<u16> = rest.as_chunks().0.iter().map(unit).collect();
        return Cow::Owned(String::from_utf16_lossy(&units));
    }
    String::from_utf8_lossy(
        value.strip_prefix(b"ASCII").or_else(|| value.strip_prefix(b"JIS")).unwrap_or(value),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_the_character_codes() {
        assert_eq!(comment(b"ASCII\0\0\0{1}", true).trim_matches('\0'), "{1}");
        assert_eq!(comment(b"ASCII\0{1}", true).trim_matches('\0'), "{1}");
        assert_eq!(comment(b"\0\0\0\0\0\0\0\0{1}", true).trim_matches('\0'), "{1}");
        assert_eq!(comment(b"UNICODE\0\0{\x001", true), "{1");
        assert_eq!(comment(b"UNICODE\0{\x001\0", false), "{1");
        assert_eq!(comment(b"UNICODE\0{1}", false), "{1}");
    }

    #[test]
    fn hostile_directories_end() {
        // The directory lies over itself, counts 65,535 entries and points past the end.
        let mut bytes = b"II*\0\x08\0\0\0\xFF\xFF".to_vec();
        for _ in 0..100 {
            bytes.extend(b"\x86\x92\x07\0\xFF\xFF\xFF\xFF\x08\0\0\0");
        }
        for cut in 0..bytes.len() {
            let Some(tiff) = Tiff::open(&bytes[..cut]) else { continue };
            let (fields, seen) = fields(&tiff, 8);
            assert!(fields.len() <= MAX_FIELDS && seen <= 100); // no EXIF directory is named
            assert!(fields.iter().all(|(name, entry)| text(&tiff, name, entry).len() <= 3 * cut));
        }
        // The EXIF directory is the first one.
        let bytes = b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0";
        assert_eq!(fields(&Tiff::open(bytes).unwrap(), 8), (Vec::new(), 2));
    }
}
