//! Text chunks of PNG: `tEXt`, `zTXt`, `iTXt` (ISO/IEC 15948, 11.3.3).

use super::inflate::{Coding, inflate};
use crate::containers::png::Chunk;
use std::borrow::Cow;

/// What the keyword of a text chunk with another kind of metadata in hexadecimal digits begins with (ImageMagick).
const RAW_PROFILE: &[u8] = b"Raw profile type ";

/// A text chunk whose text is still as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextChunk<'a> {
    /// `tEXt`, `zTXt` or `iTXt`.
    pub(super) kind: &'static str,
    pub(super) keyword: &'a [u8],
    pub(super) compressed: bool,
    /// Offset of the text in the chunk's data.
    pub(super) text_at: usize,
    body: &'a [u8],
}

impl<'a> TextChunk<'a> {
    /// Splits a chunk; `None` if it is not a text chunk or not well-formed.
    pub(super) fn parse(chunk: &Chunk<'a>) -> Option<Self> {
        let keyword_end = chunk.data.iter().take(256).position(|&b| b == 0);
        let keyword_end = keyword_end.filter(|_| matches!(&chunk.kind, b"tEXt" | b"zTXt" | b"iTXt"))?;
        let after_zero = |from: usize| Some(from + chunk.data.get(from..)?.iter().position(|&b| b == 0)? + 1);
        let (kind, compressed, text_at) = match &chunk.kind {
            b"tEXt" => ("tEXt", false, keyword_end + 1),
            b"zTXt" => ("zTXt", true, keyword_end + 2),
            _ => ("iTXt", *chunk.data.get(keyword_end + 1)? == 1, after_zero(after_zero(keyword_end + 3)?)?),
        };
        let (keyword, body) = (chunk.data.get(..keyword_end)?, chunk.data.get(text_at..)?);
        Some(Self { kind, keyword, compressed, text_at, body })
    }

    /// The text, inflated up to `limit` bytes. `None` if it is longer or cannot be inflated at all.
    pub(super) fn text(&self, limit: usize) -> Option<Cow<'a, [u8]>> {
        self.counted_text(limit).0
    }

    /// As [`Self::text`], and how many bytes were inflated for it.
    pub(super) fn counted_text(&self, limit: usize) -> (Option<Cow<'a, [u8]>>, usize) {
        if !self.compressed {
            return ((self.body.len() <= limit).then_some(Cow::Borrowed(self.body)), 0);
        }
        let inflated = inflate(self.body, Coding::Zlib, limit);
        (inflated.text.map(Cow::Owned), inflated.work)
    }

    /// What a chunk with a raw profile carries, such as `xmp` or `exif`.
    pub(super) fn raw_profile(&self) -> Option<&'a [u8]> {
        self.keyword.strip_prefix(RAW_PROFILE)
    }
}

/// The bytes of a raw profile: a line with its name, one with its length, then hexadecimal digits in lines.
pub(super) fn raw_profile_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let mut lines = text.trim_ascii_start().splitn(3, |&b| b == b'\n');
    let (_name, length) = (lines.next()?, lines.next()?);
    let length: usize = std::str::from_utf8(length.trim_ascii()).ok()?.parse().ok()?;
    let digit = |b: &u8| char::from(*b).to_digit(16);
    let digits: Vec<u32> = lines.next()?.iter().filter_map(digit).collect();
    let bytes: Vec<u8> =
        digits.as_chunks().0.iter().filter_map(|[high, low]| u8::try_from(high << 4 | low).ok()).collect();
    (bytes.len() >= length).then(|| bytes.into_iter().take(length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], data: &'static [u8]) -> Chunk<'static> {
        Chunk { kind: *kind, offset: 0, end: 0, data }
    }

    #[test]
    fn splits_the_three_kinds() {
        let text = TextChunk::parse(&chunk(b"tEXt", b"AIGC\0{}")).unwrap();
        assert_eq!((text.keyword, text.text(9).unwrap().as_ref()), (&b"AIGC"[..], &b"{}"[..]));
        assert_eq!(text.text(1), None);
        let text = TextChunk::parse(&chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0en\0t\0<x/>")).unwrap();
        assert_eq!((text.keyword, text.text(9).unwrap().as_ref()), (&b"XML:com.adobe.xmp"[..], &b"<x/>"[..]));
        for data in [&b""[..], b"no zero", b"k\0", b"k\0\0", b"k\0\0\0", b"k\0\0\0en", b"k\0\0\0en\0"] {
            assert_eq!(TextChunk::parse(&chunk(b"iTXt", data)), None, "{data:?}");
        }
        assert_eq!(TextChunk::parse(&chunk(b"IDAT", b"a\0b")), None);
        let broken = TextChunk::parse(&chunk(b"zTXt", b"k\0\0not deflate")).unwrap();
        assert_eq!(broken.counted_text(100), (None, 0));
    }

    #[test]
    fn raw_profiles_are_hexadecimal() {
        let text = TextChunk::parse(&chunk(b"tEXt", b"Raw profile type xmp\0\nxmp\n       4\n3c78\n2f3e\n"))
            .unwrap();
        assert_eq!(text.raw_profile(), Some(&b"xmp"[..]));
        assert_eq!(raw_profile_bytes(&text.text(99).unwrap()).as_deref(), Some(&b"<x/>"[..]));
        for text in [&b""[..], b"\nxmp\n", b"\nxmp\n3\n3c78", b"\nxmp\nmany\n3c78", b"\nxmp\n-1\n3c78"] {
            assert_eq!(raw_profile_bytes(text), None, "{text:?}");
        }
    }
}
