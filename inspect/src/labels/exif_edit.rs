//! Changes the text of a label in EXIF (`UserComment`, `ImageDescription`) and moves nothing else: the new text is
//! appended to the TIFF structure, and its entry points there.

use std::ops::Range;

const EXIF_DIRECTORY: u16 = 0x8769;
const FIELDS: [u16; 2] = [0x010E, 0x9286];
const USER_COMMENT: u16 = 0x9286;
/// How many entries of a directory are looked at.
const MAX_ENTRIES: usize = 512;
/// The longest text that is changed.
const MAX_TEXT: usize = 64 << 10;
/// Bytes that name the character code of a `UserComment`.
const CODE: usize = 8;

struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl<'a> Tiff<'a> {
    fn u16(&self, at: usize) -> Option<u16> {
        let raw = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(raw) } else { u16::from_be_bytes(raw) })
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let raw = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(if self.little { u32::from_le_bytes(raw) } else { u32::from_be_bytes(raw) }).ok()
    }

    fn put(&self, number: usize) -> Option<[u8; 4]> {
        let number = u32::try_from(number).ok()?;
        Some(if self.little { number.to_le_bytes() } else { number.to_be_bytes() })
    }

    /// Tag and offset of each entry.
    fn entries(&self, at: usize) -> impl Iterator<Item = (u16, usize)> + '_ {
        let count = usize::from(self.u16(at).unwrap_or(0)).min(MAX_ENTRIES);
        (0..count).map_while(move |i| {
            let entry = at.checked_add(2 + 12 * i)?;
            Some((self.u16(entry)?, entry))
        })
    }

    fn value(&self, entry: usize) -> Option<(Range<usize>, &'a [u8])> {
        let length = self.u32(entry + 4)?;
        let start = if length <= 4 { entry + 8 } else { self.u32(entry + 8)? };
        let range = start..start.checked_add(length)?;
        Some((range.clone(), self.bytes.get(range)?)).filter(|_| length <= MAX_TEXT)
    }
}

/// `bytes`, a TIFF structure, with the first text field that `change` knows what to make of changed. `None` if there
/// is none, or if it is not in a code that takes ASCII.
pub(super) fn changed(bytes: &[u8], change: impl Fn(&str) -> Option<String>) -> Option<Vec<u8>> {
    let little = match bytes.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let tiff = Tiff { bytes, little };
    let first = tiff.u32(4)?;
    let exif = tiff.entries(first).find(|(tag, _)| *tag == EXIF_DIRECTORY);
    let exif = exif.and_then(|(_, entry)| tiff.u32(entry + 8));
    let entries = tiff.entries(first).chain(exif.into_iter().flat_map(|at| tiff.entries(at)));
    let (entry, place, new) = entries.filter(|(tag, _)| FIELDS.contains(tag)).find_map(|(tag, entry)| {
        let (place, value) = tiff.value(entry)?;
        let head = if tag == USER_COMMENT { value.get(..CODE.min(value.len()))? } else { &[] };
        if head.starts_with(b"UNICODE") {
            return None;
        }
        // Some writers leave the code out or pad it with fewer zeros: the text begins with its brace.
        let text = std::str::from_utf8(value).ok()?.trim_end_matches('\0');
        let begin = text.find('{')?;
        let new = format!("{}{}", text.get(..begin)?, change(text.get(begin..)?)?);
        let end: &[u8] = if tag == USER_COMMENT { b"" } else { b"\0" };
        Some((entry, place, [new.as_bytes(), end].concat()))
    })?;
    let mut file = bytes.to_vec();
    // What stood there would be found as a second label by those who search the bytes.
    file.get_mut(place)?.fill(0);
    if file.len() % 2 == 1 {
        file.push(0); // values begin on word boundaries
    }
    let at = tiff.put(file.len())?;
    file.get_mut(entry + 4..entry + 8)?.copy_from_slice(&tiff.put(new.len())?);
    file.get_mut(entry + 8..entry + 12)?.copy_from_slice(&at);
    file.extend(new);
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiff(little: bool, comment: &[u8]) -> Vec<u8> {
        let word = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let long = |n: u32| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let mut bytes = if little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
        bytes.extend(long(8));
        bytes.extend(word(1));
        bytes.extend([&word(EXIF_DIRECTORY)[..], &word(4), &long(1), &long(26)].concat());
        bytes.extend(long(0));
        bytes.extend(word(1));
        let length = u32::try_from(comment.len()).unwrap();
        bytes.extend([&word(USER_COMMENT)[..], &word(7), &long(length), &long(44)].concat());
        bytes.extend(long(0));
        bytes.extend(comment);
        bytes.extend(b"behind");
        bytes
    }

    #[test]
    fn the_text_moves_to_the_end_and_nothing_else_moves() {
        for little in [true, false] {
            let old = tiff(little, b"ASCII\0\0\0{ab}");
            let new = changed(&old, |text| Some(text.replace('b', "bcd"))).unwrap();
            assert!(new.ends_with(b"ASCII\0\0\0{abcd}"));
            assert_eq!(new[..32], old[..32]);
            assert_eq!(new[40..44], old[40..44], "end of the directory");
            assert_eq!(new[44..56], [0; 12], "the old text is gone");
            assert_eq!(new[56..62], *b"behind");
        }
    }

    #[test]
    fn other_structures_are_left_alone() {
        let good = tiff(true, b"ASCII\0\0\0{ab}");
        for bytes in [tiff(true, b"UNICODE\0{\0"), tiff(true, b"no label"), b"II*\0".to_vec(), Vec::new()] {
            assert_eq!(changed(&bytes, |text| Some(text.to_owned())), None);
        }
        assert_eq!(changed(&good, |_| None), None);
        for cut in 0..56 {
            assert_eq!(changed(&good[..cut], |text| Some(text.to_owned())), None, "{cut}");
        }
    }
}
