//! Compressed text, inflated up to a limit.

use flate2::read::{GzDecoder, ZlibDecoder};
use std::io::Read;

/// How a text is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// RFC 1950.
    Zlib,
    /// RFC 1952.
    Gzip,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inflated {
    /// The text; `None` if it is longer than the limit or nothing could be inflated.
    pub(super) text: Option<Vec<u8>>,
    /// Bytes that were produced, in vain or not.
    pub(super) work: usize,
}

/// Inflates at most one byte more than `limit`. What comes before an error in the stream is still worth reading.
pub(super) fn inflate(data: &[u8], coding: Coding, limit: usize) -> Inflated {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    let _ = match coding {
        Coding::Zlib => ZlibDecoder::new(data).take(most).read_to_end(&mut text),
        Coding::Gzip => GzDecoder::new(data).take(most).read_to_end(&mut text),
    };
    let work = text.len();
    Inflated { text: (1..=limit).contains(&work).then_some(text), work }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};
    use std::io::Write;

    #[test]
    fn inflation_is_bounded() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b' '; 4 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 10_000);
        assert_eq!(inflate(&bomb, Coding::Zlib, 1 << 20), Inflated { text: None, work: (1 << 20) + 1 });
        assert_eq!(inflate(&bomb, Coding::Zlib, 4 << 20).text.unwrap().len(), 4 << 20);
        assert_eq!(inflate(b"not deflate", Coding::Zlib, 100), Inflated { text: None, work: 0 });
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(b"text").unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(inflate(&packed, Coding::Gzip, 4).text.as_deref(), Some(&b"text"[..]));
        assert_eq!(inflate(&packed, Coding::Gzip, 3).text, None);
    }
}
