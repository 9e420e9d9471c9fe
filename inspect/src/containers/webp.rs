//! RIFF chunks of a WebP file (RFC 9649).

pub use super::riff::{Chunk, Chunks, HEADER, chunk};
use super::{le32, riff};

/// Flag in the first byte of `VP8X`: the file has an `XMP ` chunk.
pub const FLAG_XMP: u8 = 0x04;
/// Flag in the first byte of `VP8X`: a frame has transparency.
pub const FLAG_ALPHA: u8 = 0x10;

/// Form of the RIFF file.
const FORM: &[u8; 4] = b"WEBP";

/// Offset after the last byte that the RIFF header counts in, at most the length of the file; `None` if this
/// is not a WebP file.
#[must_use]
pub fn riff_end(bytes: &[u8]) -> Option<usize> {
    riff::end(bytes, FORM)
}

/// Walks the chunks that the RIFF header counts in.
#[must_use]
pub fn chunks(bytes: &[u8]) -> Chunks<'_> {
    riff::chunks(bytes, FORM)
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
