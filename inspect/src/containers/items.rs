//! Metadata items of a HEIF file (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, annex A): `Exif` and `mime` items, found
//! through `iinf` and `iloc`.

use super::bmff::{BmffBox, children, full, meta_children};
use std::{borrow::Cow, ops::Range};

/// How many metadata items are returned. Real files have one or two.
pub const MAX_ITEMS: usize = 16;
/// How many extents of one item are followed.
const MAX_EXTENTS: usize = 64;

/// A metadata item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'a> {
    /// `Exif` or `mime`.
    pub kind: [u8; 4],
    /// Media type of a `mime` item.
    pub content_type: &'a [u8],
    /// How a `mime` item is compressed: empty, `deflate` or `gzip`.
    pub content_encoding: &'a [u8],
    /// Where its data stands in the file, in order.
    pub extents: Vec<Range<usize>>,
}

impl Item<'_> {
    /// The data, or `None` if it is longer than `limit` bytes.
    #[must_use]
    pub fn data<'b>(&self, bytes: &'b [u8], limit: usize) -> Option<Cow<'b, [u8]>> {
        // Extents may overlap: their sum counts, not the file's length.
        let length = self.extents.iter().fold(0_usize, |sum, range| sum.saturating_add(range.len()));
        if length > limit {
            return None;
        }
        match &self.extents[..] {
            [one] => bytes.get(one.clone()).map(Cow::Borrowed),
            more => Some(Cow::Owned(
                more.iter().filter_map(|r| bytes.get(r.clone())).flatten().copied().collect(),
            )),
        }
    }

    /// Offset in the file of the first byte of the data.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.extents.first().map_or(0, |range| range.start)
    }
}

/// Big-endian numbers one after another.
#[derive(Clone, Copy)]
struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    fn take(&mut self, length: usize) -> Option<u64> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn small(&mut self, length: usize) -> Option<usize> {
        self.take(length).and_then(|n| usize::try_from(n).ok())
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.0 = self.0.get(length..)?;
        Some(())
    }

    /// Text up to a zero byte or the end.
    fn text(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|&b| b == 0).unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        text
    }
}

/// The metadata items of a `meta` box of the file `bytes` whose data lies in the file or in the `idat` box, at most
/// [`MAX_ITEMS`].
#[must_use]
pub fn metadata_items<'a>(bytes: &'a [u8], meta: &BmffBox<'_>) -> Vec<Item<'a>> {
    let child = |kind: &[u8; 4]| meta_children(bytes, meta).find(|b| b.kind == *kind);
    let Some(info) = child(b"iinf") else {
        return Vec::new();
    };
    // Version 0 counts the entries in 16 bits, later ones in 32.
    let skip = if info.data.first() == Some(&0) { 6 } else { 8 };
    let mut items: Vec<(u64, Item<'a>)> = children(bytes, &info, skip)
        .filter(|b| b.kind == *b"infe")
        .filter_map(|entry| described(entry.data))
        .take(MAX_ITEMS)
        .collect();
    if !items.is_empty()
        && let Some(location) = child(b"iloc")
    {
        let stored = child(b"idat").map(|b| b.data_offset()..b.end);
        // What was read before an error is still worth having.
        let _ = locate(location.data, stored.unwrap_or_default(), bytes.len(), &mut items);
    }
    items.into_iter().map(|(_, item)| item).filter(|item| !item.extents.is_empty()).collect()
}

/// Number and kind of an item entry, if it is of a metadata kind.
fn described(data: &[u8]) -> Option<(u64, Item<'_>)> {
    let (version, _, rest) = full(data)?;
    let mut numbers = Numbers(rest);
    let id = match version {
        2 => numbers.take(2)?,
        3 => numbers.take(4)?,
        _ => return None,
    };
    numbers.skip(2)?;
    let kind: [u8; 4] = numbers.0.get(..4)?.try_into().ok()?;
    numbers.skip(4)?;
    let _name = numbers.text();
    let (content_type, content_encoding) = match &kind {
        b"Exif" => (&b""[..], &b""[..]),
        b"mime" => (numbers.text(), numbers.text()),
        _ => return None,
    };
    Some((id, Item { kind, content_type, content_encoding, extents: Vec::new() }))
}

/// Fills in the extents from the data of an `iloc` box. Entries of other items are passed over without a step for each
/// of their extents, which may take no bytes at all.
fn locate(data: &[u8], idat: Range<usize>, file: usize, items: &mut [(u64, Item<'_>)]) -> Option<()> {
    let (version, _, rest) = full(data)?;
    let mut numbers = Numbers(rest);
    let sizes = numbers.small(2)?;
    let nibble = |shift: usize| sizes >> shift & 15;
    let (offset_size, length_size, base_size) = (nibble(12), nibble(8), nibble(4));
    let index_size = if version == 0 { 0 } else { nibble(0) };
    let (id_size, count_size) = if version < 2 { (2, 2) } else { (4, 4) };
    if [offset_size, length_size, base_size, index_size].iter().any(|size| *size > 8) {
        return None;
    }
    for _ in 0..numbers.small(count_size)? {
        let id = numbers.take(id_size)?;
        let method = if version == 0 { 0 } else { numbers.take(2)? & 15 };
        numbers.skip(2)?;
        let base = numbers.small(base_size)?;
        let count = numbers.small(2)?;
        let step = index_size + offset_size + length_size;
        let after = numbers.0.get(count.checked_mul(step)?..)?;
        let area = match method {
            0 => 0..file,
            1 => idat.clone(),
            _ => 0..0,
        };
        if let Some((_, item)) =
            items.iter_mut().find(|(known, item)| *known == id && item.extents.is_empty())
        {
            for _ in 0..count.min(MAX_EXTENTS) {
                numbers.skip(index_size)?;
                let (offset, length) = (numbers.small(offset_size)?, numbers.small(length_size)?);
                let start = area.start.saturating_add(base).saturating_add(offset).min(area.end);
                // A length of zero means all that is there.
                let end = if length == 0 { area.end } else { start.saturating_add(length).min(area.end) };
                if start < end {
                    item.extents.push(start..end);
                }
            }
        }
        numbers.0 = after;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::bmff::{boxed, boxes};

    fn entry(id: u16, rest: &[u8]) -> Vec<u8> {
        boxed(*b"infe", &[b"\x02\0\0\0", &id.to_be_bytes()[..], b"\0\0", rest].concat()).unwrap()
    }

    /// A file of one meta box with a picture item and two metadata items, one in two extents and one in `idat`.
    fn file() -> Vec<u8> {
        let info = [
            b"\0\0\0\0\0\x03".to_vec(),
            entry(1, b"hvc1\0"),
            entry(2, b"Exif\0"),
            entry(3, b"mime\0application/rdf+xml\0deflate\0"),
        ]
        .concat();
        // Version 1: offsets and lengths of four bytes, no base, no index.
        let mut location = b"\x01\0\0\0\x44\0\0\x03".to_vec();
        location.extend(b"\0\x01\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x02");
        location.extend(b"\0\x02\0\0\0\0\0\x02\0\0\0\x08\0\0\0\x02\0\0\0\x0C\0\0\0\x01");
        location.extend(b"\0\x03\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0");
        let meta = [
            &b"\0\0\0\0"[..],
            &boxed(*b"iinf", &info).unwrap(),
            &boxed(*b"iloc", &location).unwrap(),
            &boxed(*b"idat", b"__stored").unwrap(),
        ]
        .concat();
        [boxed(*b"free", b"EX..F").unwrap(), boxed(*b"meta", &meta).unwrap()].concat()
    }

    #[test]
    fn items_are_found_in_the_file_and_in_the_meta_box() {
        let bytes = file();
        let meta = boxes(&bytes).nth(1).unwrap();
        let items = metadata_items(&bytes, &meta);
        assert_eq!(items.len(), 2, "{items:?}");
        assert_eq!((items[0].kind, items[0].offset()), (*b"Exif", 8));
        assert_eq!(items[0].data(&bytes, 3).unwrap(), &b"EXF"[..]);
        assert_eq!(items[0].data(&bytes, 2), None);
        assert_eq!(
            (items[1].content_type, items[1].content_encoding),
            (&b"application/rdf+xml"[..], &b"deflate"[..])
        );
        assert_eq!(items[1].data(&bytes, 99).unwrap(), &b"stored"[..]);
        for cut in 0..bytes.len() {
            for meta in boxes(&bytes[..cut]).filter(|b| b.kind == *b"meta") {
                let _ = metadata_items(&bytes[..cut], &meta);
            }
        }
    }

    #[test]
    fn extents_that_take_no_bytes_take_no_time() {
        // 60,000 items with 65,535 extents of no bytes each would be four thousand million steps.
        let info = [b"\0\0\0\0\0\x01".to_vec(), entry(9, b"Exif\0")].concat();
        let mut location = b"\0\0\0\0\0\0\xEA\x60".to_vec();
        for _ in 0..60_000 {
            location.extend(b"\0\x09\0\0\xFF\xFF");
        }
        let meta = [&b"\0\0\0\0"[..], &boxed(*b"iinf", &info).unwrap(), &boxed(*b"iloc", &location).unwrap()]
            .concat();
        let bytes = boxed(*b"meta", &meta).unwrap();
        let meta = boxes(&bytes).next().unwrap();
        let items = metadata_items(&bytes, &meta);
        assert_eq!(items[0].extents.len(), MAX_EXTENTS);
        assert_eq!(items[0].data(&bytes, bytes.len()), None, "the whole file, many times over");
    }
}
