//! What a JPEG's markers say before any pixel is decoded.
//!
//! Owns the walk over the marker segments (ITU-T T.81, annex B): dimensions, number of scans, whether the file is
//! complete. It must not decode entropy-coded data.

use crate::decode::DecodeError;
use crate::limits::Limits;

/// The frame header and the shape of the scans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JpegHeader {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Component identifiers, 1 to 4 of them.
    pub(super) components: Vec<u8>,
    pub(super) progressive: bool,
    pub(super) scans: u32,
}

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
pub(super) const SOS: u8 = 0xda;

/// Walks the whole file up to its end-of-image marker.
///
/// The decoder behind fills missing data with grey and reports success, so completeness is checked here: every
/// component must have been scanned, and the end-of-image marker must be there.
pub(super) fn read_header(bytes: &[u8], limits: &Limits) -> Result<JpegHeader, DecodeError> {
    if bytes.get(..2) != Some(&[0xff, SOI]) {
        return Err(DecodeError::NotAnImage);
    }
    let mut header: Option<JpegHeader> = None;
    let mut scanned = [false; 256];
    let mut position = 2;
    loop {
        position += next_ff(&bytes[position..])?;
        let marker = *bytes.get(position + 1).ok_or(DecodeError::Truncated)?;
        match marker {
            // Fill byte: the marker comes later. The others stand alone, without a length.
            0xff => position += 1,
            0x00 | 0x01 | 0xd0..=0xd7 | SOI => position += 2,
            EOI => break,
            _ => {
                let (segment, after) = segment(bytes, position + 2)?;
                position = after;
                match marker {
                    0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                        if header.is_some() {
                            return Err(DecodeError::corrupt("a second frame header"));
                        }
                        header = Some(frame_header(marker, segment, limits)?);
                    }
                    SOS => {
                        let header = header.as_mut().ok_or(DecodeError::corrupt("a scan without a frame"))?;
                        header.scans += 1;
                        if header.scans > limits.max_scans {
                            return Err(DecodeError::TooSlow);
                        }
                        for component in scan_components(segment)? {
                            scanned[usize::from(component)] = true;
                        }
                        position = after_entropy_data(bytes, position)?;
                        limits.check_cancelled()?;
                    }
                    _ => {}
                }
            }
        }
    }
    let header = header.ok_or(DecodeError::corrupt("no frame header"))?;
    if header.components.iter().any(|&c| !scanned[usize::from(c)]) {
        return Err(DecodeError::Truncated);
    }
    Ok(header)
}

/// The next segment with a length from `position` on: its marker, its content and where it ends. Only before the first
/// scan's data.
pub(super) fn next_segment(bytes: &[u8], mut position: usize) -> Result<(u8, &[u8], usize), DecodeError> {
    loop {
        position += next_ff(&bytes[position..])?;
        match bytes.get(position + 1).ok_or(DecodeError::Truncated)? {
            0xff => position += 1,
            0x00 | 0x01 | 0xd0..=0xd7 | &SOI => position += 2,
            &EOI => return Err(DecodeError::Truncated),
            &marker => {
                let (segment, after) = segment(bytes, position + 2)?;
                return Ok((marker, segment, after));
            }
        }
    }
}

fn next_ff(bytes: &[u8]) -> Result<usize, DecodeError> {
    memchr::memchr(0xff, bytes).ok_or(DecodeError::Truncated)
}

/// The content of the segment whose length field is at `position`, and where the segment ends.
fn segment(bytes: &[u8], position: usize) -> Result<(&[u8], usize), DecodeError> {
    let length = bytes.get(position..position + 2).ok_or(DecodeError::Truncated)?;
    let end = position + usize::from(u16::from_be_bytes([length[0], length[1]]));
    if end < position + 2 {
        return Err(DecodeError::corrupt("a marker segment shorter than its length field"));
    }
    Ok((bytes.get(position + 2..end).ok_or(DecodeError::Truncated)?, end))
}

/// The position of the marker that ends the entropy-coded data at `position`.
fn after_entropy_data(bytes: &[u8], mut position: usize) -> Result<usize, DecodeError> {
    loop {
        position += next_ff(&bytes[position..])?;
        match bytes.get(position + 1) {
            // A stuffed byte, or a restart marker inside the scan.
            Some(0x00 | 0xd0..=0xd7) => position += 2,
            Some(0xff) => position += 1,
            Some(_) => return Ok(position),
            None => return Err(DecodeError::Truncated),
        }
    }
}

fn frame_header(marker: u8, segment: &[u8], limits: &Limits) -> Result<JpegHeader, DecodeError> {
    let &[precision, h1, h0, w1, w0, count, ref specs @ ..] = segment else {
        return Err(DecodeError::corrupt("a frame header that is too short"));
    };
    let unsupported = |what: &str| DecodeError::unsupported(format!("{what}; convert it to baseline JPEG"));
    if !matches!(marker, 0xc0..=0xc2) {
        return Err(unsupported("a lossless, hierarchical or arithmetic-coded JPEG"));
    }
    if precision != 8 {
        return Err(unsupported(&format!("a JPEG of {precision} bits per sample")));
    }
    if specs.len() != 3 * usize::from(count) {
        return Err(DecodeError::corrupt("a frame header of the wrong length"));
    }
    let (width, height) = (u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into());
    if height == 0 {
        return Err(unsupported("a JPEG that tells its height after the picture"));
    }
    limits.check_dimensions(width, height)?;
    if !matches!(count, 1 | 3 | 4) {
        return Err(unsupported(&format!("a JPEG of {count} components")));
    }
    let components = specs.chunks_exact(3).map(|spec| spec[0]).collect();
    Ok(JpegHeader { width, height, components, progressive: marker == 0xc2, scans: 0 })
}

fn scan_components(segment: &[u8]) -> Result<impl Iterator<Item = u8>, DecodeError> {
    let count = segment.first().copied().map_or(0, usize::from);
    match segment.get(1..1 + 2 * count) {
        Some(specs) if count != 0 => Ok(specs.chunks_exact(2).map(|spec| spec[0])),
        _ => Err(DecodeError::corrupt("a scan header of the wrong length")),
    }
}

impl JpegHeader {
    /// Bytes the decoder holds besides its output: a progressive file keeps every coefficient (16 bits) until the end.
    pub(super) fn working_memory(&self) -> u64 {
        let padded = |side: u32| u64::from(side.next_multiple_of(32));
        let coefficients = padded(self.width) * padded(self.height) * self.components.len() as u64;
        if self.progressive { 2 * coefficients } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A one-component JPEG without tables: enough for the walk, not for a decoder.
    fn skeleton(marker: u8, width: u16, height: u16, scans: usize) -> Vec<u8> {
        let mut bytes = vec![0xff, SOI, 0xff, 0xe0, 0, 4, 1, 2, 0xff, marker, 0, 11, 8];
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes.extend([1, 1, 0x11, 0]);
        for _ in 0..scans {
            bytes.extend([0xff, SOS, 0, 8, 1, 1, 0, 0, 63, 0]);
            bytes.extend([1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4]);
        }
        bytes.extend([0xff, EOI, 9, 9]);
        bytes
    }

    #[test]
    fn a_header_is_read_through_stuffing_and_restarts() {
        let header = read_header(&skeleton(0xc2, 640, 480, 3), &Limits::default()).unwrap();
        assert_eq!((header.width, header.height, header.scans), (640, 480, 3));
        assert!(header.progressive);
        assert_eq!(header.working_memory(), 640 * 480 * 2);
    }

    #[test]
    fn every_cut_is_truncated() {
        let bytes = skeleton(0xc0, 64, 48, 1);
        for length in 2..bytes.len() - 3 {
            let cut = read_header(&bytes[..length], &Limits::default());
            assert_eq!(cut, Err(DecodeError::Truncated), "cut at {length}");
        }
    }

    #[test]
    fn scans_and_dimensions_are_limited() {
        let limits = Limits { max_scans: 5, ..Limits::default() };
        assert!(read_header(&skeleton(0xc2, 64, 48, 5), &limits).is_ok());
        assert_eq!(read_header(&skeleton(0xc2, 64, 48, 6), &limits), Err(DecodeError::TooSlow));
        let huge = read_header(&skeleton(0xc0, 60_000, 60_000, 1), &limits);
        assert!(matches!(huge, Err(DecodeError::TooManyPixels { width: 60_000, .. })));
    }

    #[test]
    fn kinds_that_are_not_decoded_say_what_to_do() {
        for bytes in [skeleton(0xc9, 64, 48, 1), skeleton(0xc0, 64, 0, 1)] {
            let Err(DecodeError::Unsupported { what }) = read_header(&bytes, &Limits::default()) else {
                panic!()
            };
            assert!(what.contains("convert"), "{what}");
        }
    }

    #[test]
    fn a_component_without_a_scan_is_truncated() {
        assert_eq!(read_header(&skeleton(0xc0, 64, 48, 0), &Limits::default()), Err(DecodeError::Truncated));
    }
}
