//! The one walk over boxes of JUMBF (ISO/IEC 19566-5), the container of manifest stores.
//!
//! It knows where a box begins and ends, and nothing of what C2PA puts into it.

use crate::containers::be32;
use std::ops::Range;

/// Type of a superbox.
pub(super) const SUPERBOX: [u8; 4] = *b"jumb";
/// Type of its description, the first box in it.
pub(super) const DESCRIPTION: [u8; 4] = *b"jumd";
/// Toggle of a description that has a label.
pub(super) const HAS_LABEL: u8 = 0x02;

/// Where a box stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its type.
    pub(super) kind: [u8; 4],
    /// The whole box.
    pub(super) all: Range<usize>,
    /// What follows length and type.
    pub(super) data: Range<usize>,
}

/// The box that begins `within` (ISO/IEC 14496-12, 4.2); `None` if it is cut off.
pub(super) fn first(bytes: &[u8], within: Range<usize>) -> Option<Place> {
    let around = bytes.get(within.clone())?;
    let kind = *around.get(4..)?.first_chunk()?;
    let (length, header) = match be32(around, 0)? {
        // To the end of what holds it.
        0 => (around.len(), 8),
        // The length follows in 64 bits.
        1 => (usize::try_from(u64::from_be_bytes(*around.get(8..)?.first_chunk()?)).ok()?, 16),
        length => (usize::try_from(length).ok()?, 8),
    };
    if length < header || length > around.len() {
        return None;
    }
    let (start, end) = (within.start, within.start + length);
    Some(Place { kind, all: start..end, data: start + header..end })
}
