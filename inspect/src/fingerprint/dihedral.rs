//! The PDQ hashes of the eight turned and mirrored versions of a picture, from one cosine transform.
//!
//! Turning or mirroring the pixels exchanges the two axes of the spectrum and flips signs; no pixel is read
//! again. The order is the reference's. Owns those symmetries only.

use super::{
    Pdq,
    pdq::{COEFFICIENTS, Spectrum, bits, spectrum},
};
use crate::decode::Picture;

/// The eight symmetries of the square in the order in which the reference lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Symmetry {
    /// As it is.
    Original,
    /// Turned by 90 degrees counter-clockwise.
    Rotate90,
    /// Turned by 180 degrees.
    Rotate180,
    /// Turned by 270 degrees counter-clockwise.
    Rotate270,
    /// Upside down: mirrored at the horizontal middle line.
    FlipX,
    /// Left and right exchanged: mirrored at the vertical middle line.
    FlipY,
    /// Mirrored at the diagonal from the upper left to the lower right.
    FlipPlus1,
    /// Mirrored at the diagonal from the upper right to the lower left.
    FlipMinus1,
}

impl Symmetry {
    /// All eight, in the order of [`pdq_dihedral`].
    pub const ALL: [Self; 8] = [
        Self::Original,
        Self::Rotate90,
        Self::Rotate180,
        Self::Rotate270,
        Self::FlipX,
        Self::FlipY,
        Self::FlipPlus1,
        Self::FlipMinus1,
    ];

    /// Whether width and height change places.
    #[must_use]
    pub const fn transposes(self) -> bool {
        matches!(self, Self::Rotate90 | Self::Rotate270 | Self::FlipPlus1 | Self::FlipMinus1)
    }

    /// Whether the coefficient of the vertical frequency `row + 1` and the horizontal `column + 1` changes
    /// sign. An odd frequency is antisymmetric under the mirror across its axis.
    const fn negates(self, row: usize, column: usize) -> bool {
        match self {
            Self::Original | Self::FlipPlus1 => false,
            Self::Rotate90 | Self::FlipY => column.is_multiple_of(2),
            Self::Rotate270 | Self::FlipX => row.is_multiple_of(2),
            Self::Rotate180 | Self::FlipMinus1 => !(row + column).is_multiple_of(2),
        }
    }

    fn apply(self, spectrum: &Spectrum) -> Spectrum {
        let mut turned = [[0.0; COEFFICIENTS]; COEFFICIENTS];
        for (row, values) in spectrum.iter().enumerate() {
            for (column, &value) in values.iter().enumerate() {
                let value = if self.negates(row, column) { -value } else { value };
                let (row, column) = if self.transposes() { (column, row) } else { (row, column) };
                turned[row][column] = value;
            }
        }
        turned
    }
}

/// The PDQ hashes of the eight versions in the order of [`Symmetry::ALL`], and the quality, 0 to 100.
///
/// Like the reference, this filters also a picture of exactly 64 x 64 pixels, which [`super::pdq`] takes as
/// it is; there the first hash may differ from the plain one by the rounding of the filter.
/// [`pdq_and_dihedral`] gives both. A picture with a side below [`super::PDQ_MIN_SIDE`] has eight zero hashes
/// and quality 0.
#[must_use]
pub fn pdq_dihedral(picture: &Picture) -> ([[u8; 32]; 8], u8) {
    dihedral(picture, (picture.width, picture.height))
}

fn dihedral(picture: &Picture, full: (u32, u32)) -> ([[u8; 32]; 8], u8) {
    spectrum(picture, full, false).map_or(([[0; 32]; 8], 0), |(spectrum, quality)| {
        (Symmetry::ALL.map(|symmetry| bits(&symmetry.apply(&spectrum))), quality)
    })
}

/// What [`super::pdq`] and [`pdq_dihedral`] give, for the price of one of them.
#[must_use]
pub fn pdq_and_dihedral(picture: &Picture) -> (Pdq, [[u8; 32]; 8]) {
    pdq_and_dihedral_of(picture, (picture.width, picture.height))
}

/// As [`pdq_and_dihedral`], for a picture that was reduced from one of `full` width and height: what that one has, to
/// about two bits. With the picture's own size, exactly [`pdq_and_dihedral`].
#[must_use]
pub fn pdq_and_dihedral_of(picture: &Picture, full: (u32, u32)) -> (Pdq, [[u8; 32]; 8]) {
    let (hashes, quality) = dihedral(picture, full);
    // Only here do the two differ, and so small a picture costs nothing.
    let tiny = (picture.width, picture.height) == (64, 64) && full == (64, 64);
    (if tiny { super::pdq(picture) } else { Pdq { hash: hashes[0], quality } }, hashes)
}
