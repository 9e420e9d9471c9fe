//! Changes the text of a label in EXIF (`UserComment`, `ImageDescription`) and moves nothing else: the new text is
//! appended to the TIFF structure, and its entry points there.

use crate::containers::tiff::{EXIF_DIRECTORY, IMAGE_DESCRIPTION, Tiff, USER_COMMENT};

/// The fields that are changed, as the reader names them.
const FIELDS: [(&str, u16); 2] = [("ImageDescription", IMAGE_DESCRIPTION), ("UserComment", USER_COMMENT)];
/// How many fields are looked at: a directory that repeats a tag is not valid.
const MAX_FIELDS: usize = 8;
/// The longest text that is changed.
const MAX_TEXT: usize = 64 << 10;

/// `bytes`, a TIFF structure with 32-bit offsets, with the text of `field` changed: of the first one of that name which
/// `change` knows what to make of. `None` if there is none, or if its text is in UTF-16.
pub(super) fn changed(bytes: &[u8], field: &str, change: impl Fn(&str) -> Option<String>) -> Option<Vec<u8>> {
    let (_, tag) = FIELDS.iter().find(|(name, _)| *name == field)?;
    let tiff = Tiff::open(bytes).filter(|_| bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*"))?;
    let first = tiff.directories().next()?;
    let exif =
        tiff.entries(first).find(|entry| entry.tag == EXIF_DIRECTORY).and_then(|entry| tiff.number(&entry));
    let entries = tiff.entries(first).chain(exif.into_iter().flat_map(|at| tiff.entries(at)));
    let fields = entries.filter(|entry| entry.tag == *tag).take(MAX_FIELDS);
    let (entry, place, new) = fields.into_iter().find_map(|entry| {
        let place = tiff.value_range(&entry)?;
        let value = bytes.get(place.clone())?;
        if value.len() > MAX_TEXT || place.len() as u64 != entry.count || value.starts_with(b"UNICODE") {
            return None;
        }
        // Some writers leave the character code out or pad it with fewer zeros: the text begins with its brace.
        let text = std::str::from_utf8(value).ok()?.trim_end_matches('\0');
        let begin = text.find('{')?;
        let new = format!("{}{}", text.get(..begin)?, change(text.get(begin..)?)?);
        let end: &[u8] = if entry.tag == USER_COMMENT { b"" } else { b"\0" };
        Some((entry, place, [new.as_bytes(), end].concat()))
    })?;
    let number = |number: usize| {
        let number = u32::try_from(number).ok()?;
        Some(if tiff.is_little_endian() { number.to_le_bytes() } else { number.to_be_bytes() })
    };
    let mut file = bytes.to_vec();
    // What stood there would be found as a second label by those who search the bytes.
    file.get_mut(place)?.fill(0);
    if file.len() % 2 == 1 {
        file.push(0); // values begin on word boundaries
    }
    let at = number(file.len())?;
    // Behind tag and type: how many bytes, and where.
    file.get_mut(entry.offset + 4..entry.offset + 8)?.copy_from_slice(&number(new.len())?);
    file.get_mut(entry.offset + 8..entry.offset + 12)?.copy_from_slice(&at);
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
            let new = changed(&old, "UserComment", |text| Some(text.replace('b', "bcd"))).unwrap();
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
            assert_eq!(changed(&bytes, "UserComment", |text| Some(text.to_owned())), None);
        }
        assert_eq!(changed(&good, "UserComment", |_| None), None);
        assert_eq!(changed(&good, "ImageDescription", |text| Some(text.to_owned())), None);
        assert_eq!(changed(&good, "Software", |text| Some(text.to_owned())), None);
        for cut in 0..56 {
            assert_eq!(changed(&good[..cut], "UserComment", |text| Some(text.to_owned())), None, "{cut}");
        }
    }
}
