//! Text chunks of PNG: `tEXt`, `zTXt`, `iTXt` (ISO/IEC 15948, 11.3.3).

use crate::containers::png::Chunk;
use flate2::read::ZlibDecoder;
use std::{borrow::Cow, io::Read};

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
        if !self.compressed {
            return (self.body.len() <= limit).then_some(Cow::Borrowed(self.body));
        }
        let mut text = Vec::new();
        let most = u64::try_from(limit).ok()?.saturating_add(1);
        // What was inflated before an error in the stream is still worth reading.
        let _ = ZlibDecoder::new(self.body).take(most).read_to_end(&mut text);
        (!text.is_empty() && text.len() <= limit).then_some(Cow::Owned(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::ZlibEncoder};
    use std::io::Write;

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
    }

    #[test]
    fn inflation_is_bounded() {
        let mut encoder = ZlibEncoder::new(b"k\0\0".to_vec(), Compression::best());
        encoder.write_all(&vec![b' '; 4 << 20]).unwrap();
        let data = encoder.finish().unwrap();
        assert!(data.len() < 10_000);
        let text = TextChunk::parse(&Chunk { kind: *b"zTXt", offset: 0, end: 0, data: &data }).unwrap();
        assert_eq!(text.text(1 << 20), None);
        assert_eq!(text.text(4 << 20).unwrap().len(), 4 << 20);
        let broken = TextChunk::parse(&chunk(b"zTXt", b"k\0\0not deflate")).unwrap();
        assert_eq!(broken.text(100), None);
    }
}
