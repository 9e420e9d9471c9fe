//! Extension blocks of a GIF (GIF89a specification, 1990).

use std::borrow::Cow;

/// Label of a comment extension.
pub const COMMENT: u8 = 0xFE;
/// Label of an application extension.
pub const APPLICATION: u8 = 0xFF;
/// Identifier and authentication code of the application extension with an XMP packet.
pub const XMP_APPLICATION: &[u8] = b"XMP DataXMP";
/// Bytes of the trailer behind the packet: 0x01, then 0xFF down to 0x00. Whoever takes a byte of the packet for the
/// length of a sub-block lands in it and is led to the terminator (XMP specification part 3, 1.1.2).
const MAGIC_TRAILER: usize = 257;

/// One extension block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What the block is for.
    pub label: u8,
    /// Offset of the introducer 0x21.
    pub offset: usize,
    /// Offset after the terminator.
    pub end: usize,
    /// All sub-blocks as they stand, with their length bytes, without the terminator.
    pub data: &'a [u8],
}

/// Iterator over the extensions of a file.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    bytes: &'a [u8],
    at: Option<usize>,
}

/// Whether a file begins like a GIF.
#[must_use]
pub fn is_gif(bytes: &[u8]) -> bool {
    bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a")
}

/// Walks the blocks up to the trailer; pictures are passed over.
#[must_use]
pub fn extensions(bytes: &[u8]) -> Extensions<'_> {
    let flags = bytes.get(10).filter(|_| is_gif(bytes));
    Extensions { bytes, at: flags.map(|&flags| 13 + colour_table(flags)) }
}

/// Bytes of the colour table that a flag byte announces.
const fn colour_table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Offset of the terminator of the sub-blocks that begin at `at`.
fn terminator(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at),
            length => at += 1 + usize::from(length),
        }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        loop {
            let offset = self.at.take()?;
            match *self.bytes.get(offset)? {
                0x21 => {
                    let label = *self.bytes.get(offset + 1)?;
                    let last = terminator(self.bytes, offset + 2)?;
                    let data = self.bytes.get(offset + 2..last)?;
                    self.at = Some(last + 1);
                    return Some(Extension { label, offset, end: last + 1, data });
                }
                0x2C => {
                    let flags = *self.bytes.get(offset + 9)?;
                    // One byte of minimum code size precedes the sub-blocks.
                    self.at = Some(terminator(self.bytes, offset + 11 + colour_table(flags))? + 1);
                }
                _ => return None,
            }
        }
    }
}

impl<'a> Extension<'a> {
    /// The contents of the sub-blocks, joined, at most about `limit` bytes.
    #[must_use]
    pub fn joined(&self, limit: usize) -> Vec<u8> {
        join(self.data, limit)
    }

    /// The XMP packet, at most about `limit` bytes, if this is the application extension with one. By its
    /// specification it stands there as it is, followed by a trailer; some writers cut it into sub-blocks.
    #[must_use]
    pub fn xmp(&self, limit: usize) -> Option<Cow<'a, [u8]>> {
        let (length, rest) = self.data.split_first().filter(|_| self.label == APPLICATION)?;
        let rest = rest.strip_prefix(XMP_APPLICATION).filter(|_| *length == 11)?;
        let as_it_is = rest.trim_ascii_start().starts_with(b"<") || rest.starts_with(b"\xEF\xBB\xBF");
        let Some(packet) = rest.len().checked_sub(MAGIC_TRAILER).filter(|_| as_it_is) else {
            return Some(Cow::Owned(join(rest, limit)));
        };
        rest.get(..packet.min(limit)).map(Cow::Borrowed)
    }
}

fn join(mut blocks: &[u8], limit: usize) -> Vec<u8> {
    let mut joined = Vec::new();
    while let Some((&length, rest)) = blocks.split_first().filter(|_| joined.len() < limit) {
        let (block, rest) = rest.split_at(usize::from(length).min(rest.len()));
        joined.extend(block);
        blocks = rest;
    }
    joined
}

/// The application extension with an XMP packet and its trailer.
#[must_use]
pub fn xmp_extension(packet: &[u8]) -> Vec<u8> {
    let trailer = std::iter::once(1).chain((0..=255).rev()).chain(std::iter::once(0));
    [&[0x21, APPLICATION, 11], XMP_APPLICATION, packet, &trailer.collect::<Vec<u8>>()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(parts: &[&[u8]]) -> Vec<u8> {
        // Two by one pixels, a colour table of two colours.
        let mut file = b"GIF89a\x02\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF".to_vec();
        parts.iter().for_each(|part| file.extend(*part));
        file.push(0x3B);
        file
    }

    const PICTURE: &[u8] = b"\x2C\0\0\0\0\x02\0\x01\0\0\x02\x02\x44\x01\0";

    #[test]
    fn finds_extensions_around_pictures() {
        let comment = b"\x21\xFE\x03abc\x02de\0";
        let packet = "<x>".to_owned() + &"long ".repeat(200) + "</x>";
        let xmp = xmp_extension(packet.as_bytes());
        let bytes = file(&[comment, PICTURE, &xmp, PICTURE]);
        let found: Vec<_> = extensions(&bytes).collect();
        assert_eq!(found.iter().map(|e| e.label).collect::<Vec<_>>(), [COMMENT, APPLICATION]);
        assert_eq!((found[0].offset, found[0].joined(99)), (19, b"abcde".to_vec()));
        assert_eq!(found[1].end - found[1].offset, xmp.len(), "the trailer leads to the terminator");
        assert_eq!(found[1].xmp(1 << 20).unwrap(), packet.as_bytes());
        assert!(found[0].xmp(99).is_none());
        for cut in 0..bytes.len() {
            assert!(extensions(&bytes[..cut]).all(|e| e.end <= cut));
        }
    }

    #[test]
    fn a_packet_in_sub_blocks_is_joined() {
        let cut = b"\x21\xFF\x0BXMP DataXMP\x04<x a\x04='1'\x02/>\0";
        let bytes = file(&[cut]);
        assert_eq!(extensions(&bytes).next().unwrap().xmp(99).unwrap(), &b"<x a='1'/>"[..]);
        assert_eq!(extensions(&bytes).next().unwrap().xmp(3).unwrap().len(), 4, "whole sub-blocks");
        let other = b"\x21\xFF\x0BNETSCAPE2.0\x03\x01\0\0\0";
        assert!(extensions(&file(&[other])).all(|e| e.xmp(99).is_none()));
        assert_eq!(extensions(b"GIF89a").count() + extensions(b"").count(), 0);
    }
}
