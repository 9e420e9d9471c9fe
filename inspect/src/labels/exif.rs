//! The two text fields of EXIF in which AI labels are met: `ImageDescription` and `UserComment`.
//!
//! Reads the first directory and the EXIF directory of a TIFF structure and nothing else, so that its work is
//! bounded by the number of entries of two directories.

use std::borrow::Cow;

const IMAGE_DESCRIPTION: u16 = 0x010E;
const EXIF_DIRECTORY: u16 = 0x8769;
const USER_COMMENT: u16 = 0x9286;
/// How many text fields are read: a directory that repeats a tag is not valid.
const MAX_FIELDS: usize = 8;
/// The longest text that is decoded.
const MAX_TEXT: usize = 256 << 10;

/// A text field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextField {
    /// Name of the tag.
    pub(super) name: &'static str,
    /// Decoded text without padding.
    pub(super) text: String,
}

/// Byte order and bytes of a TIFF structure.
struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl<'a> Tiff<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let little = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Self { bytes, little })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let raw = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(raw) } else { u16::from_be_bytes(raw) })
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let raw = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(if self.little { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) }).ok()
    }

    /// Tag and offset of each entry of the directory at `at`, as far as the bytes go.
    fn entries(&self, at: usize) -> impl Iterator<Item = (u16, usize)> + '_ {
        let count = usize::from(self.u16(at).unwrap_or(0));
        (0..count).map_while(move |i| {
            let entry = at.checked_add(2 + 12 * i)?;
            Some((self.u16(entry)?, entry))
        })
    }

    /// The bytes of an entry whose elements are single bytes.
    fn value(&self, entry: usize) -> Option<&'a [u8]> {
        let length = self.u32(entry + 4)?;
        let start = if length <= 4 { entry + 8 } else { self.u32(entry + 8)? };
        // A length past the end is cut: some writers count wrongly.
        let end = start.checked_add(length.min(MAX_TEXT))?.min(self.bytes.len());
        self.bytes.get(start..end)
    }
}

/// The text fields of the TIFF structure in `bytes` (an `Exif\0\0` header may stand before it).
pub(super) fn text_fields(bytes: &[u8]) -> Vec<TextField> {
    let bytes = bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes);
    let Some(tiff) = Tiff::open(bytes) else {
        return Vec::new();
    };
    let first = tiff.u32(4);
    let entries = |directory: Option<usize>| directory.into_iter().flat_map(|at| tiff.entries(at));
    let exif =
        entries(first).find(|(tag, _)| *tag == EXIF_DIRECTORY).and_then(|(_, entry)| tiff.u32(entry + 8));
    let texts = entries(first)
        .chain(entries(exif))
        .filter(|(tag, _)| matches!(*tag, IMAGE_DESCRIPTION | USER_COMMENT));
    // Decoding is the costly part: a directory may name the same bytes 65,535 times.
    let decoded = texts.take(MAX_FIELDS).filter_map(|(tag, entry)| {
        let value = tiff.value(entry)?;
        Some(match tag {
            USER_COMMENT => ("UserComment", comment(value, tiff.little)),
            _ => ("ImageDescription", plain(value)),
        })
    });
    decoded
        .map(|(name, text)| TextField { name, text: text.trim_matches(['\0', ' ', '\u{FEFF}']).to_owned() })
        .filter(|field| !field.text.is_empty())
        .collect()
}

fn plain(value: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(value)
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
            [first, second, ..] if first.is_ascii() && second.is_ascii() => return plain(rest),
            _ => little,
        };
        let unit = |pair: &[u8; 2]| {
            if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) }
        };
        let units: Vec<u16> = rest.as_chunks().0.iter().map(unit).collect();
        return Cow::Owned(String::from_utf16_lossy(&units));
    }
    plain(value.strip_prefix(b"ASCII").or_else(|| value.strip_prefix(b"JIS")).unwrap_or(value))
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
        assert!(text_fields(&bytes).len() <= MAX_FIELDS);
        for cut in 0..bytes.len() {
            let _ = text_fields(&bytes[..cut]);
        }
        assert!(text_fields(b"Exif\0\0MM\0*\xFF\xFF\xFF\xFF").is_empty());
    }
}
