//! RIFF chunks of a WebP file (RFC 9649).

use super::le32;

/// Bytes of `RIFF`, size and `WEBP`.
pub const HEADER: usize = 12;
/// Flag in the first byte of `VP8X`: the file has an `XMP ` chunk.
pub const FLAG_XMP: u8 = 0x04;
/// Flag in the first byte of `VP8X`: a frame has transparency.
pub const FLAG_ALPHA: u8 = 0x10;

/// One chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// FourCC.
    pub kind: [u8; 4],
    /// Offset of the FourCC.
    pub offset: usize,
    /// Offset after the data and its padding byte.
    pub end: usize,
    /// Data without padding.
    pub data: &'a [u8],
}

/// Iterator over the chunks of a file.
#[derive(Debug, Clone)]
pub struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Offset after the last byte that the RIFF header counts in, at most the length of the file; `None` if this
/// is not a WebP file.
#[must_use]
pub fn riff_end(bytes: &[u8]) -> Option<usize> {
    if !bytes.starts_with(b"RIFF") || bytes.get(8..HEADER) != Some(b"WEBP") {
        return None;
    }
    let size = usize::try_from(le32(bytes, 4)?).ok()?;
    Some(size.saturating_add(8).min(bytes.len()))
}

/// Walks the chunks that the RIFF header counts in.
#[must_use]
pub fn chunks(bytes: &[u8]) -> Chunks<'_> {
    let bytes = riff_end(bytes).and_then(|end| bytes.get(..end)).unwrap_or_default();
    Chunks { bytes, at: HEADER }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let offset = self.at;
        let kind = self.bytes.get(offset..offset.checked_add(4)?)?.try_into().ok()?;
        let length = usize::try_from(le32(self.bytes, offset + 4)?).ok()?;
        let data_end = (offset + 8).checked_add(length)?;
        let data = self.bytes.get(offset + 8..data_end)?;
        // Some writers leave out the last padding byte.
        let end = data_end.checked_add(length % 2)?.min(self.bytes.len());
        self.at = end;
        Some(Chunk { kind, offset, end, data })
    }
}

/// The bytes of a chunk with its padding, or `None` if the data is longer than a RIFF size can say.
#[must_use]
pub fn chunk(kind: [u8; 4], data: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(data.len()).ok()?;
    let mut bytes = Vec::with_capacity(data.len() + 9);
    bytes.extend(kind);
    bytes.extend(length.to_le_bytes());
    bytes.extend(data);
    if data.len() % 2 == 1 {
        bytes.push(0);
    }
    Some(bytes)
}

/// Width, height and use of transparency, from the data of a `VP8 ` or `VP8L` chunk.
#[must_use]
pub fn bitstream_size(kind: [u8; 4], data: &[u8]) -> Option<(u32, u32, bool)> {
    match &kind {
        b"VP8 " => {
            if data.get(3..6)? != [0x9D, 0x01, 0x2A] {
                return None;
            }
            let size = le32(data, 6)?;
            Some((size & 0x3FFF, (size >> 16) & 0x3FFF, false))
        }
        b"VP8L" => {
            if *data.first()? != 0x2F {
                return None;
            }
            let bits = le32(data, 1)?;
            Some(((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1, (bits >> 28) & 1 == 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_padded_chunks_within_the_riff_size() {
        let mut body = b"WEBP".to_vec();
        body.extend(chunk(*b"VP8L", &[0x2F, 0x01, 0x40, 0x00, 0x10]).unwrap());
        body.extend(chunk(*b"XMP ", b"even").unwrap());
        let mut file = b"RIFF".to_vec();
        file.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
        file.extend(&body);
        file.extend(b"EXIF\x01\0\0\0trailer");
        let found: Vec<_> = chunks(&file).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].offset, found[0].end, found[0].data.len()), (12, 26, 5));
        assert_eq!((found[1].kind, found[1].data), (*b"XMP ", &b"even"[..]));
        assert_eq!(bitstream_size(found[0].kind, found[0].data), Some((2, 2, true)));
        for cut in 0..26 {
            assert!(chunks(&file[..cut]).count() <= 1);
        }
        let mut hostile = b"RIFF\xFF\xFF\xFF\xFFWEBP".to_vec();
        hostile.extend([0xFF; 64]);
        assert_eq!(chunks(&hostile).count(), 0);
    }
}
