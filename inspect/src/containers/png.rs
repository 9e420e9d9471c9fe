//! PNG chunks (ISO/IEC 15948). Check values are not verified when reading and are right when writing.

use super::be32;
use flate2::Crc;

/// The eight bytes that open a file.
pub const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1A\n";
/// Length, type and check value around the data of a chunk.
pub const OVERHEAD: usize = 12;

/// One chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Chunk type.
    pub kind: [u8; 4],
    /// Offset of the length field.
    pub offset: usize,
    /// Offset after the check value.
    pub end: usize,
    /// Chunk data.
    pub data: &'a [u8],
}

/// Iterator over the chunks of a file.
#[derive(Debug, Clone)]
pub struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
    done: bool,
}

/// Walks `bytes` up to IEND; yields nothing unless they begin with the signature.
#[must_use]
pub fn chunks(bytes: &[u8]) -> Chunks<'_> {
    Chunks { bytes, at: SIGNATURE.len(), done: !bytes.starts_with(&SIGNATURE) }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        if self.done {
            return None;
        }
        let found = be32(self.bytes, self.at).and_then(|length| {
            let offset = self.at;
            let end = offset.checked_add(OVERHEAD)?.checked_add(usize::try_from(length).ok()?)?;
            let whole = self.bytes.get(offset..end)?;
            let kind = whole.get(4..8)?.try_into().ok()?;
            let data = whole.get(8..whole.len() - 4)?;
            Some(Chunk { kind, offset, end, data })
        });
        match found {
            Some(chunk) => {
                self.at = chunk.end;
                self.done = chunk.kind == *b"IEND";
            }
            None => self.done = true,
        }
        found
    }
}

/// The bytes of a chunk, or `None` if the data is longer than the format allows (2^31 - 1 bytes).
#[must_use]
pub fn chunk(kind: [u8; 4], data: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(data.len()).ok().filter(|&n| n <= 0x7FFF_FFFF)?;
    let mut bytes = Vec::with_capacity(data.len() + OVERHEAD);
    bytes.extend(length.to_be_bytes());
    bytes.extend(kind);
    bytes.extend(data);
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    bytes.extend(crc.sum().to_be_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_to_iend() {
        let mut file = SIGNATURE.to_vec();
        file.extend(chunk(*b"tEXt", b"a\0b").unwrap());
        let end = file.len();
        file.extend(chunk(*b"IEND", b"").unwrap());
        assert_eq!(&file[end..], b"\0\0\0\0IEND\xAE\x42\x60\x82", "the check value of IEND is well known");
        file.extend(chunk(*b"tEXt", b"after").unwrap());
        let found: Vec<_> = chunks(&file).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].kind, found[0].offset, found[0].end, found[0].data),
            (*b"tEXt", 8, end, &b"a\0b"[..])
        );
        for cut in 0..end {
            assert_eq!(chunks(&file[..cut]).count(), 0, "{cut}");
        }
        let mut hostile = SIGNATURE.to_vec();
        hostile.extend([0xFF; 64]);
        assert_eq!(chunks(&hostile).count(), 0);
    }
}
