//! RIFF chunks (Multimedia Programming Interface and Data Specifications 1.0), which WebP and AVI share.

use super::le32;

/// Bytes of `RIFF`, size and form.
pub const HEADER: usize = 12;

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

/// Iterator over the chunks of a file or a list.
#[derive(Debug, Clone)]
pub struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Offset after the last byte that the RIFF header counts in, at most the length of the file; `None` if this is no RIFF
/// file of that form.
#[must_use]
pub fn end(bytes: &[u8], form: &[u8; 4]) -> Option<usize> {
    if !bytes.starts_with(b"RIFF") || bytes.get(8..HEADER) != Some(form) {
        return None;
    }
    let size = usize::try_from(le32(bytes, 4)?).ok()?;
    Some(size.saturating_add(8).min(bytes.len()))
}

/// Walks the chunks that the header of a RIFF file of that form counts in.
#[must_use]
pub fn chunks<'a>(bytes: &'a [u8], form: &[u8; 4]) -> Chunks<'a> {
    let bytes = end(bytes, form).and_then(|end| bytes.get(..end)).unwrap_or_default();
    Chunks { bytes, at: HEADER }
}

/// The chunks in `list`, a `LIST` chunk of the file `bytes` with that form.
#[must_use]
pub fn listed<'a>(bytes: &'a [u8], list: &Chunk<'_>, form: &[u8; 4]) -> Chunks<'a> {
    let data_at = list.offset + 8;
    let is_list = list.kind == *b"LIST" && list.data.starts_with(form);
    let end = if is_list { data_at + list.data.len() } else { 0 };
    Chunks { bytes: bytes.get(..end).unwrap_or_default(), at: data_at + form.len() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_chunks_and_nothing_behind_them() {
        let inner = [chunk(*b"ISFT", b"odd").unwrap(), chunk(*b"AIGC", b"{}").unwrap()].concat();
        let list = chunk(*b"LIST", &[&b"INFO"[..], &inner].concat()).unwrap();
        let body = [&b"AVI "[..], &list, &chunk(*b"JUNK", b"x").unwrap()].concat();
        let file = [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat();
        assert_eq!(end(&file, b"WEBP"), None);
        let found: Vec<_> = chunks(&file, b"AVI ").collect();
        assert_eq!(found.iter().map(|chunk| chunk.kind).collect::<Vec<_>>(), [*b"LIST", *b"JUNK"]);
        let inner: Vec<_> =
            listed(&file, &found[0], b"INFO").map(|it| (it.kind, it.offset, it.data)).collect();
        assert_eq!(inner, [(*b"ISFT", 24, &b"odd"[..]), (*b"AIGC", 36, &b"{}"[..])]);
        assert_eq!(listed(&file, &found[0], b"hdrl").count(), 0);
        assert_eq!(listed(&file, &found[1], b"INFO").count(), 0);
    }
}
