//! Boxes of the ISO base media file format (ISO/IEC 14496-12), which HEIF, AVIF, MP4, MOV and M4A share.
//!
//! A box is visited by its header alone; nothing recurses, so that depth is what the caller walks down. A box that
//! runs past the end of the box or file around it ends the walk.

use super::be32;

/// UUID of the box that carries C2PA data (C2PA specification, "Embedding manifests into BMFF-based assets").
pub const C2PA_UUID: [u8; 16] =
    [0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81];
/// How many boxes one walk over one level yields. Fragmented videos have a few thousand.
pub const MAX_BOXES: usize = 65_536;
/// User type of the `uuid` box with an XMP packet (ISO 16684-3, MP4 and HEIF).
pub const XMP_USER_TYPE: [u8; 16] =
    [0xBE, 0x7A, 0xCF, 0xCB, 0x97, 0xA9, 0x42, 0xE8, 0x9C, 0x71, 0x99, 0x94, 0x91, 0xE3, 0xAF, 0xAC];

/// User type of the `uuid` box that carries C2PA data (C2PA specification, "Embedding manifests into BMFF-based assets").
pub const C2PA_USER_TYPE: [u8; 16] =
    [0xD8, 0xFE, 0xC3, 0xD6, 0x1B, 0x0E, 0x48, 0x3C, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7E, 0xC4, 0x81];

/// One box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BmffBox<'a> {
    /// Four-character type.
    pub kind: [u8; 4],
    /// The 16 bytes that name the kind of a `uuid` box.
    pub user_type: Option<[u8; 16]>,
    /// Offset of the size field in the file.
    pub offset: usize,
    /// Bytes of size, type, large size and user type: 8, 16, 24 or 32.
    pub header: usize,
    /// Whether the size field is zero: the box runs to the end of what is around it.
    pub open_ended: bool,
    /// Offset in the file after the last byte of the box.
    pub end: usize,
    /// What follows the header.
    pub data: &'a [u8],
}

impl BmffBox<'_> {
    /// Bytes of the whole box, header included.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.end - self.offset
    }

    /// Offset in the file of the first byte of `data`.
    #[must_use]
    pub const fn data_offset(&self) -> usize {
        self.offset + self.header
    }
}

/// Iterator over the boxes of one level.
#[derive(Debug, Clone)]
pub struct Boxes<'a> {
    bytes: &'a [u8],
    at: usize,
    left: usize,
}

/// Whether a file begins like one of this format. Old QuickTime files have no `ftyp`.
#[must_use]
pub fn is_bmff(bytes: &[u8]) -> bool {
    matches!(bytes.get(4..8), Some(b"ftyp" | b"moov" | b"mdat" | b"wide"))
}

/// The media type of a video or sound file (RFC 4337), by its major brand. `None` for files without a movie, such as
/// pictures.
#[must_use]
pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let mut top = boxes(bytes).filter(|found| matches!(&found.kind, b"ftyp" | b"moov"));
    let first = top.next()?;
    let brand = first.data.first_chunk().filter(|_| first.kind == *b"ftyp");
    let has_movie = brand.is_none() || top.any(|found| found.kind == *b"moov");
    has_movie.then_some(match brand {
        None | Some(b"qt  ") => "video/quicktime",
        Some(b"M4A " | b"M4B ") => "audio/mp4",
        Some(_) => "video/mp4",
    })
}

/// The boxes of a file.
#[must_use]
pub const fn boxes(bytes: &[u8]) -> Boxes<'_> {
    Boxes { bytes, at: 0, left: MAX_BOXES }
}

/// The boxes inside `parent`, a box of the file `bytes`, after its first `skip` bytes of data: 4 if it is a full box.
#[must_use]
pub fn children<'a>(bytes: &'a [u8], parent: &BmffBox<'_>, skip: usize) -> Boxes<'a> {
    let at = parent.data_offset().saturating_add(skip);
    Boxes { bytes: bytes.get(..parent.end).unwrap_or_default(), at, left: MAX_BOXES }
}

/// The boxes of a `meta` box, which is a full box in ISO files and a plain one in QuickTime files.
#[must_use]
pub fn meta_children<'a>(bytes: &'a [u8], meta: &BmffBox<'_>) -> Boxes<'a> {
    // In a plain box the first box begins at once, and its type stands where a full box has the first child's size.
    let plain = matches!(meta.data.get(4..8), Some(b"hdlr" | b"keys" | b"ilst" | b"free" | b"mhdr"));
    children(bytes, meta, if plain { 0 } else { 4 })
}

/// Version, flags and rest of the data of a full box.
#[must_use]
pub fn full(data: &[u8]) -> Option<(u8, u32, &[u8])> {
    let word = be32(data, 0)?;
    Some(((word >> 24) as u8, word & 0x00FF_FFFF, data.get(4..)?))
}

impl<'a> Iterator for Boxes<'a> {
    type Item = BmffBox<'a>;

    fn next(&mut self) -> Option<BmffBox<'a>> {
        self.left = self.left.checked_sub(1)?;
        let offset = self.at;
        let small = be32(self.bytes, offset)?;
        let kind = self.bytes.get(offset.checked_add(4)?..offset.checked_add(8)?)?.try_into().ok()?;
        let (end, mut header) = match small {
            0 => (self.bytes.len(), 8),
            1 => {
                let high = u64::from(be32(self.bytes, offset + 8)?) << 32;
                let size = high | u64::from(be32(self.bytes, offset + 12)?);
                (offset.checked_add(usize::try_from(size).ok()?)?, 16)
            }
            size => (offset.checked_add(usize::try_from(size).ok()?)?, 8),
        };
        let mut data = self.bytes.get(offset + header..end)?;
        let mut user_type = None;
        if kind == *b"uuid" {
            let (name, rest) = data.split_first_chunk()?;
            (user_type, header, data) = (Some(*name), header + 16, rest);
        }
        self.at = end;
        Some(BmffBox { kind, user_type, offset, header, open_ended: small == 0, end, data })
    }
}

/// The bytes of a box, or `None` if the data does not fit a 32-bit size.
#[must_use]
pub fn boxed(kind: [u8; 4], data: &[u8]) -> Option<Vec<u8>> {
    let size = u32::try_from(data.len().checked_add(8)?).ok()?;
    Some([&size.to_be_bytes()[..], &kind, data].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_the_three_forms_of_size_and_user_types() {
        let mut file = boxed(*b"ftyp", b"isom\0\0\0\0").unwrap();
        let large_at = file.len();
        file.extend(b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x13abc");
        let uuid_at = file.len();
        file.extend(boxed(*b"uuid", &[&XMP_USER_TYPE[..], b"<x/>"].concat()).unwrap());
        let last_at = file.len();
        file.extend(b"\0\0\0\0free to the end");
        let found: Vec<_> = boxes(&file).collect();
        assert_eq!(found.iter().map(|b| b.offset).collect::<Vec<_>>(), [0, large_at, uuid_at, last_at]);
        assert_eq!((found[1].header, found[1].size(), found[1].data), (16, 19, &b"abc"[..]));
        assert_eq!((found[2].user_type, found[2].header), (Some(XMP_USER_TYPE), 24));
        assert_eq!((found[2].data, found[2].data_offset()), (&b"<x/>"[..], uuid_at + 24));
        assert!(found[3].open_ended && found[3].data == b" to the end" && found[3].end == file.len());
        assert!(is_bmff(&file) && !is_bmff(b"\0\0\0\x08jumb"));
        for cut in 0..last_at {
            let whole = boxes(&file[..cut]).count();
            assert!(whole <= 3 && boxes(&file[..cut]).all(|b| b.end <= cut), "{cut}");
        }
    }

    #[test]
    fn children_keep_their_place_in_the_file() {
        let inner = boxed(*b"hdlr", b"x").unwrap();
        for skip in [0, 4] {
            let mut file = boxed(*b"free", b"").unwrap();
            file.extend(boxed(*b"meta", &[&vec![0; skip][..], &inner].concat()).unwrap());
            file.extend(boxed(*b"free", b"").unwrap());
            let meta = boxes(&file).nth(1).unwrap();
            let found: Vec<_> = meta_children(&file, &meta).collect();
            assert_eq!(found.len(), 1, "{skip}");
            assert_eq!((found[0].kind, found[0].offset, found[0].data), (*b"hdlr", 16 + skip, &b"x"[..]));
        }
        assert_eq!(full(b"\x01\0\0\x02rest"), Some((1, 2, &b"rest"[..])));
        assert_eq!(full(b"abc"), None);
    }

    #[test]
    fn hostile_sizes_end_the_walk() {
        // Sizes smaller than the header, larger than the file, and near the end of the address space.
        for start in [
            &b"\0\0\0\x02free"[..],
            b"\0\0\0\x07free",
            b"\xFF\xFF\xFF\xFFfree",
            b"\0\0\0\x01free\0\0\0\0\0\0\0\x0F",
            b"\0\0\0\x01free\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
            b"\0\0\0\x10uuid\0\0\0\0\0\0\0\0",
            b"\0\0\0\x01free",
        ] {
            let file = [start, &[0; 8]].concat();
            assert_eq!(boxes(&file).count(), 0, "{start:?}");
        }
        let flood = boxed(*b"free", b"").unwrap().repeat(MAX_BOXES + 10);
        assert_eq!(boxes(&flood).count(), MAX_BOXES);
    }
}
