//! Directories of a TIFF structure (TIFF 6.0, EXIF, BigTIFF), in both byte orders.
//!
//! Values are handed out as bytes. A value that runs past the end is cut there: some writers count wrongly.

use std::ops::Range;

/// How many entries of one directory are looked at. Real ones have fewer than a hundred.
pub const MAX_ENTRIES: usize = 4096;
/// How many directories of a chain are followed, so that a chain that bites its tail ends.
pub const MAX_DIRECTORIES: usize = 16;

/// Tag of what the picture shows.
pub const IMAGE_DESCRIPTION: u16 = 0x010E;
/// Tag of the EXIF directory (EXIF 2.32, 4.6.3).
pub const EXIF_DIRECTORY: u16 = 0x8769;
/// Tag of the comment in the EXIF directory (EXIF 2.32, 4.6.5).
pub const USER_COMMENT: u16 = 0x9286;

/// A TIFF structure; offsets count from its first byte.
#[derive(Debug, Clone, Copy)]
pub struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
    /// Whether offsets and counts have 64 bits.
    big: bool,
}

/// An entry of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Number of the field.
    pub tag: u16,
    /// Type of its values.
    pub kind: u16,
    /// How many values it has.
    pub count: u64,
    /// Offset of the entry.
    pub offset: usize,
}

/// Whether the bytes begin like a TIFF structure.
#[must_use]
pub fn is_tiff(bytes: &[u8]) -> bool {
    Tiff::open(bytes).is_some()
}

/// Bytes of one value of a type (TIFF 6.0 section 2, BigTIFF); unknown ones count as bytes.
const fn value_size(kind: u16) -> u64 {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 1,
    }
}

impl<'a> Tiff<'a> {
    /// The structure that begins with the first byte.
    #[must_use]
    pub fn open(bytes: &'a [u8]) -> Option<Self> {
        let (little, big) = match bytes.get(..4)? {
            b"II*\0" => (true, false),
            b"MM\0*" => (false, false),
            b"II+\0" if bytes.get(4..8)? == [8, 0, 0, 0] => (true, true),
            b"MM\0+" if bytes.get(4..8)? == [0, 8, 0, 0] => (false, true),
            _ => return None,
        };
        Some(Self { bytes, little, big })
    }

    /// Whether the least significant byte comes first.
    #[must_use]
    pub const fn is_little_endian(&self) -> bool {
        self.little
    }

    fn number_at(&self, at: usize, length: usize) -> Option<u64> {
        let raw = self.bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if self.little { raw.iter().rev().fold(0, add) } else { raw.iter().fold(0, add) })
    }

    /// Bytes of an offset.
    const fn word(&self) -> usize {
        if self.big { 8 } else { 4 }
    }

    fn offset_at(&self, at: usize) -> Option<usize> {
        self.number_at(at, self.word()).and_then(|n| usize::try_from(n).ok())
    }

    /// Offsets of the directories of the main chain, at most [`MAX_DIRECTORIES`].
    pub fn directories(&self) -> impl Iterator<Item = usize> {
        let this = *self;
        let first = this.offset_at(if this.big { 8 } else { 4 });
        std::iter::successors(first, move |&at| {
            let (count, header, size) = this.shape(at)?;
            let entries = usize::try_from(count).ok()?.checked_mul(size)?;
            this.offset_at(at.checked_add(header)?.checked_add(entries)?)
        })
        .take_while(|&at| at != 0)
        .take(MAX_DIRECTORIES)
    }

    /// Number of entries of the directory at `at`, bytes before the first and of each.
    fn shape(&self, at: usize) -> Option<(u64, usize, usize)> {
        let (header, size) = if self.big { (8, 20) } else { (2, 12) };
        Some((self.number_at(at, header)?, header, size))
    }

    /// Entries of the directory at `at` as far as the bytes go, at most [`MAX_ENTRIES`].
    pub fn entries(&self, at: usize) -> impl Iterator<Item = Entry> {
        let this = *self;
        let (count, header, size) = this.shape(at).unwrap_or_default();
        let count = usize::try_from(count).unwrap_or(MAX_ENTRIES).min(MAX_ENTRIES);
        (0..count).map_while(move |i| {
            let offset = at.checked_add(header)?.checked_add(size * i)?;
            let end = offset.checked_add(size)?;
            this.bytes.get(offset..end)?;
            let number = |at, length| this.number_at(at, length);
            let tag = u16::try_from(number(offset, 2)?).ok()?;
            let kind = u16::try_from(number(offset + 2, 2)?).ok()?;
            Some(Entry { tag, kind, count: number(offset + 4, this.word())?, offset })
        })
    }

    /// The bytes of an entry's values, cut at the end of the structure.
    #[must_use]
    pub fn value(&self, entry: &Entry) -> &'a [u8] {
        self.value_range(entry).and_then(|range| self.bytes.get(range)).unwrap_or_default()
    }

    /// Where an entry's values stand, cut at the end of the structure.
    #[must_use]
    pub fn value_range(&self, entry: &Entry) -> Option<Range<usize>> {
        let length = usize::try_from(entry.count.checked_mul(value_size(entry.kind))?).ok()?;
        let field = entry.offset + 4 + self.word();
        let start = if length <= self.word() { field } else { self.offset_at(field)? };
        Some(start..start.saturating_add(length).min(self.bytes.len()))
    }

    /// The one number of an entry, such as the offset of another directory.
    #[must_use]
    pub fn number(&self, entry: &Entry) -> Option<usize> {
        let length = usize::try_from(value_size(entry.kind)).ok()?;
        let field = entry.offset + 4 + self.word();
        self.number_at(field, length).and_then(|n| usize::try_from(n).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One directory with a short text in place, a long one elsewhere and a number, then no next directory.
    fn structure(little: bool, big: bool) -> Vec<u8> {
        let number = |n: u64, length: usize| {
            let all = n.to_le_bytes()[..length].to_vec();
            if little { all } else { all.into_iter().rev().collect() }
        };
        let word = if big { 8 } else { 4 };
        let (header, size) = if big { (8, 20) } else { (2, 12) };
        let start = if big { 16 } else { 8 };
        let text_at = start + header + 3 * size + word;
        let entry = |tag: u64, kind: u64, count: u64, value: Vec<u8>| {
            [number(tag, 2), number(kind, 2), number(count, word), value].concat()
        };
        let padded = |text: &[u8]| [text, &vec![0; word - text.len()]].concat();
        let mut bytes = if little { b"II".to_vec() } else { b"MM".to_vec() };
        bytes.extend(number(if big { 43 } else { 42 }, 2));
        if big {
            bytes.extend([number(8, 2), number(0, 2)].concat());
        }
        bytes.extend(number(start as u64, word));
        bytes.extend(number(3, header));
        bytes.extend(entry(0x010E, 2, 3, padded(b"ab\0")));
        bytes.extend(entry(0x02BC, 1, 12, number(text_at as u64, word)));
        bytes.extend(entry(0x8769, 4, 1, padded(&number(77, 4))));
        bytes.extend(number(0, word));
        bytes.extend(b"<a long one>");
        bytes
    }

    #[test]
    fn reads_both_byte_orders_and_both_sizes() {
        for (little, big) in [(true, false), (false, false), (true, true), (false, true)] {
            let bytes = structure(little, big);
            let tiff = Tiff::open(&bytes).unwrap();
            let directories: Vec<_> = tiff.directories().collect();
            assert_eq!(directories.len(), 1, "{little} {big}");
            let entries: Vec<_> = tiff.entries(directories[0]).collect();
            assert_eq!(entries.iter().map(|e| e.tag).collect::<Vec<_>>(), [0x010E, 0x02BC, 0x8769]);
            assert_eq!(tiff.value(&entries[0]), b"ab\0");
            assert_eq!(tiff.value(&entries[1]), b"<a long one>");
            assert_eq!(tiff.number(&entries[2]), Some(77));
            for cut in 0..bytes.len() {
                let Some(tiff) = Tiff::open(&bytes[..cut]) else { continue };
                for entry in tiff.directories().flat_map(|at| tiff.entries(at)) {
                    assert!(tiff.value(&entry).len() <= 12);
                }
            }
        }
    }

    #[test]
    fn hostile_structures_end() {
        // A directory whose next is itself, with 65,535 entries that all name the whole file.
        let mut bytes = b"II*\0\x08\0\0\0\xFF\xFF".to_vec();
        for _ in 0..65_535 {
            bytes.extend(b"\xBC\x02\x01\0\xFF\xFF\xFF\xFF\0\0\0\0");
        }
        bytes.extend(b"\x08\0\0\0");
        let tiff = Tiff::open(&bytes).unwrap();
        assert_eq!(tiff.directories().count(), MAX_DIRECTORIES);
        assert_eq!(tiff.entries(8).count(), MAX_ENTRIES);
        let entry = tiff.entries(8).next().unwrap();
        assert_eq!(tiff.value(&entry).len(), bytes.len());
        let end = Tiff::open(b"MM\0*\xFF\xFF\xFF\xFF").unwrap();
        assert_eq!(end.directories().flat_map(|at| end.entries(at)).count(), 0);
        let huge = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
        let huge = Tiff::open(huge).unwrap();
        assert_eq!(huge.directories().flat_map(|at| huge.entries(at)).count(), 0);
        assert!(!is_tiff(b"II*") && !is_tiff(b"II+\0\x04\0\0\0") && !is_tiff(b"BM\0\0"));
    }
}
