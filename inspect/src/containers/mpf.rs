//! The multi-picture index of JPEG files (CIPA DC-007): where the pictures stand that follow the first, such as
//! previews, gain maps and the frames of a stereo camera.

use super::{
    jpeg::{self, Segment},
    tiff::Tiff,
};
use std::ops::Range;

/// What opens an APP2 segment with the index.
pub const HEADER: &[u8] = b"MPF\0";
/// How many pictures behind the first are looked at.
pub const MAX_PICTURES: usize = 15;
/// Tag of the list of pictures.
const ENTRIES: u16 = 0xB002;
/// Bytes of a picture in it: attribute, size, offset, and two numbers of pictures that depend on it.
const ENTRY: usize = 16;

/// Whether a segment holds the index.
#[must_use]
pub fn is_index(segment: &Segment<'_>) -> bool {
    segment.marker == jpeg::APP2 && segment.data.starts_with(HEADER)
}

/// Where the pictures behind the first one stand in the file, by the index in `segment` of the file `bytes`: ascending
/// and without overlaps, so that nobody reads a byte twice. What is no JPEG picture there, or runs past the end, is left
/// out.
#[must_use]
pub fn pictures(bytes: &[u8], segment: &Segment<'_>) -> Vec<Range<usize>> {
    let structure = segment.data.get(HEADER.len()..).filter(|_| is_index(segment)).unwrap_or_default();
    // Marker and length stand before the data; offsets count from the structure's first byte.
    let origin = segment.offset + 4 + HEADER.len();
    let Some(tiff) = Tiff::open(structure) else { return Vec::new() };
    let list = tiff.directories().next().and_then(|at| tiff.entries(at).find(|entry| entry.tag == ENTRIES));
    let list = list.map(|entry| tiff.value(&entry)).unwrap_or_default();
    let number = |bytes: [u8; 4]| {
        if tiff.is_little_endian() { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    };
    let picture = |entry: &[u8; ENTRY]| {
        let [_, _, _, _, a, b, c, d, e, f, g, h, ..] = *entry;
        let (size, offset) = (number([a, b, c, d]), number([e, f, g, h]));
        let start = origin.checked_add(usize::try_from(offset).ok()?)?;
        let range = start..start.checked_add(usize::try_from(size).ok()?)?;
        // The first picture has the offset zero.
        bytes.get(range.clone()).filter(|found| offset > 0 && found.starts_with(&jpeg::SIGNATURE))?;
        Some(range)
    };
    let entries: &[[u8; ENTRY]] = list.as_chunks().0;
    let mut found: Vec<Range<usize>> =
        entries.iter().skip(1).take(MAX_PICTURES).filter_map(picture).collect();
    found.sort_by_key(|range| range.start);
    let mut end = segment.end;
    found.retain(|range| {
        let apart = range.start >= end;
        end = if apart { range.end } else { end };
        apart
    });
    found
}
