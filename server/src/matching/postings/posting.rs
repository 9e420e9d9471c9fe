//! Eight bytes of the index for one descriptor: whose it is, how it is turned and scaled, and a signature of its
//! code that rejects most others in its word without reading the code.
//!
//! The signature is the binary one of Jegou, Douze, Schmid: "Hamming embedding and weak geometric consistency for
//! large scale image search" (ECCV 2008); the descriptor being binary already, it is a choice of its bits.
//!
//! | bits | content |
//! |---|---|
//! | 32 to 63 | picture |
//! | 11 to 31 | signature |
//! | 5 to 10 | direction, 64ths of a turn |
//! | 0 to 4 | logarithm of the scale, thirds of an octave |
#![allow(clippy::cast_possible_truncation)] // the fields are cut out of their word

use super::local::{Code, Local};

/// The bits of a code that form its signature, chosen one by one so that the number of differing ones tells
/// pairs of the same place (distance <= 34) best from pairs of other places that visit the same word.
const SIGNATURE: [u32; 21] =
    [7, 11, 14, 17, 23, 45, 51, 62, 65, 91, 107, 118, 132, 156, 159, 163, 189, 192, 231, 234, 250];
const SIGNATURE_SHIFT: u32 = 11;
const SIGNATURE_MASK: u64 = 0x1f_ffff << SIGNATURE_SHIFT;
/// Rotations are counted in 64ths of a turn, changes of scale in thirds of an octave, both around the clock.
pub(crate) const ROTATIONS: u32 = 64;
pub(crate) const RATIOS: u32 = 32;

/// One entry of a list. Ordered by picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Posting(pub(crate) u64);

fn signature(code: &Code) -> u64 {
    let mut bits = 0;
    for place in SIGNATURE {
        let word = code.get((place / 64) as usize).copied().unwrap_or_default();
        bits = bits << 1 | (word >> (place % 64) & 1);
    }
    bits
}

impl Posting {
    pub(crate) fn new(picture: u32, local: &Local) -> Self {
        let turned = u64::from(local.angle >> 2) << 5 | u64::from(local.log_scale >> 3);
        Self(u64::from(picture) << 32 | signature(&local.code) << SIGNATURE_SHIFT | turned)
    }

    pub(crate) fn picture(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Differing bits of the signatures, 0 to 21.
    #[inline]
    pub(crate) fn signature_distance(self, other: Self) -> u32 {
        ((self.0 ^ other.0) & SIGNATURE_MASK).count_ones()
    }

    /// How far `query` is turned and scaled against this: 64ths of a turn above 5 bits of thirds of an octave.
    #[inline]
    pub(crate) fn change(self, query: Self) -> u16 {
        let rotation = (query.0 >> 5).wrapping_sub(self.0 >> 5) as u16 % ROTATIONS as u16;
        let ratio = query.0.wrapping_sub(self.0) as u16 % RATIOS as u16;
        rotation << 5 | ratio
    }
}

/// Whether two changes, as of [`Posting::change`], agree: within 22.5 degrees and two thirds of an octave (one
/// step more than the exact vote, for what the coarse fields have lost).
#[inline]
pub(crate) fn changes_agree(a: u16, b: u16) -> bool {
    let rotation = (a >> 5).wrapping_sub(b >> 5).wrapping_add(4) % ROTATIONS as u16;
    let ratio = a.wrapping_sub(b).wrapping_add(2) % RATIOS as u16;
    rotation <= 8 && ratio <= 4
}
