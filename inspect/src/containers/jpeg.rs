//! JPEG marker segments (ISO/IEC 10918-1 Annex B).
//!
//! Entropy-coded data is skipped, so segments between the scans of a progressive picture are seen too. The
//! walk ends after EOI; what follows it (further pictures, trailers) is not part of the structure.

/// SOI followed by the first byte of a marker.
pub const SIGNATURE: [u8; 3] = [0xFF, 0xD8, 0xFF];

/// Start of image.
pub const SOI: u8 = 0xD8;
/// End of image.
pub const EOI: u8 = 0xD9;
/// Start of scan.
pub const SOS: u8 = 0xDA;
/// Application segment 0 (JFIF).
pub const APP0: u8 = 0xE0;
/// Application segment 1 (EXIF, XMP).
pub const APP1: u8 = 0xE1;
/// Application segment 2 (ICC profile, multi-picture index).
pub const APP2: u8 = 0xE2;
/// Application segment 11 (JUMBF).
pub const APP11: u8 = 0xEB;
/// Application segment 13 (image resources of Photoshop, IPTC-IIM among them).
pub const APP13: u8 = 0xED;
/// Application segment 15, the last.
pub const APP15: u8 = 0xEF;
/// Comment.
pub const COM: u8 = 0xFE;

/// What opens an APP1 segment with XMP.
pub const XMP_HEADER: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// What opens an APP1 segment with EXIF.
pub const EXIF_HEADER: &[u8] = b"Exif\0\0";
/// The most bytes that fit into one segment after its length field.
pub const MAX_SEGMENT_DATA: usize = 0xFFFF - 2;

/// One marker segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Second byte of the marker.
    pub marker: u8,
    /// Offset of the marker's 0xFF byte; fill bytes before it are not counted in.
    pub offset: usize,
    /// Offset after the last byte of the segment, without entropy-coded data.
    pub end: usize,
    /// Payload after the length field; empty for markers that stand alone.
    pub data: &'a [u8],
}

/// Iterator over the segments of a file.
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
    done: bool,
}

/// Walks `bytes`; yields nothing unless they begin with SOI.
#[must_use]
pub fn segments(bytes: &[u8]) -> Segments<'_> {
    Segments { bytes, at: 0, done: !bytes.starts_with(&SIGNATURE) }
}

/// Whether a marker has neither length nor payload.
const fn stands_alone(marker: u8) -> bool {
    matches!(marker, 0x01 | 0xD0..=0xD9)
}

impl<'a> Segments<'a> {
    /// Offset of the 0xFF of the next marker at or after `from`. Stuffed zeros, restart markers inside a
    /// scan, fill bytes and garbage are passed over.
    fn next_marker(&self, from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            at += memchr::memchr(0xFF, self.bytes.get(at..)?)?;
            match self.bytes.get(at + 1)? {
                0x00 | 0xD0..=0xD7 => at += 2,
                0xFF => at += 1,
                _ => return Some(at),
            }
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        if self.done {
            return None;
        }
        let found = self.next_marker(self.at).and_then(|offset| {
            let marker = *self.bytes.get(offset + 1)?;
            if stands_alone(marker) {
                return Some(Segment { marker, offset, end: offset + 2, data: &[] });
            }
            let length = self.bytes.get(offset + 2..offset + 4)?;
            let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
            let end = offset + 2 + length;
            let data = self.bytes.get(offset + 4..end)?;
            Some(Segment { marker, offset, end, data })
        });
        match found {
            Some(segment) => {
                self.at = segment.end;
                self.done = segment.marker == EOI;
            }
            None => self.done = true,
        }
        found
    }
}

/// The bytes of a segment with `marker` and `data`, or `None` if they do not fit.
#[must_use]
pub fn segment(marker: u8, data: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(data.len().checked_add(2)?).ok()?;
    let mut bytes = Vec::with_capacity(data.len() + 4);
    bytes.extend([0xFF, marker]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(data);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markers(bytes: &[u8]) -> Vec<(u8, usize)> {
        segments(bytes).map(|s| (s.marker, s.offset)).collect()
    }

    #[test]
    fn walks_fill_bytes_restart_markers_and_segments_between_scans() {
        let mut file = vec![0xFF, SOI];
        file.extend([0xFF, 0xFF, 0xFF]); // fill
        file.extend(segment(APP1, b"one").unwrap());
        file.extend(segment(SOS, &[1, 2]).unwrap());
        file.extend([0x11, 0xFF, 0x00, 0x22, 0xFF, 0xD0, 0x33]); // stuffed byte, RST0
        let between = file.len();
        file.extend(segment(APP11, b"two").unwrap());
        file.extend(segment(SOS, &[3]).unwrap());
        file.extend([0x44, 0xFF, 0xFF]);
        file.extend([EOI]);
        file.extend(segment(APP1, b"after the end").unwrap());
        let found = markers(&file);
        assert_eq!(found.iter().map(|m| m.0).collect::<Vec<_>>(), [SOI, APP1, SOS, APP11, SOS, EOI]);
        assert_eq!(found[1].1, 5);
        assert_eq!(found[3].1, between);
    }

    #[test]
    fn ends_at_truncation() {
        let mut file = vec![0xFF, SOI];
        file.extend(segment(APP1, b"payload").unwrap());
        for cut in 0..file.len() {
            assert!(markers(&file[..cut]).iter().all(|m| m.0 != APP1), "{cut}");
        }
        assert!(markers(b"\xFF\xD8\xFF\xE1\x00\x01").len() < 2, "a length below 2 is not a segment");
        assert!(markers(b"GIF89a").is_empty());
    }

    #[test]
    fn refuses_oversized_payloads() {
        assert!(segment(APP1, &vec![0; MAX_SEGMENT_DATA]).is_some());
        assert!(segment(APP1, &vec![0; MAX_SEGMENT_DATA + 1]).is_none());
    }
}
