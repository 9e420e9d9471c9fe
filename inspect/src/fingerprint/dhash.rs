//! The 16 x 16 gradient hash (dHash-256): one bit per cell that says whether brightness rises to the right.
//!
//! Owns the reduction to 17 x 16 cells, the order of the bits and the eight variants of a turned or mirrored
//! picture. Knows nothing of thresholds.
//!
//! Method: the difference hash (Krawetz, "Kind of like that", 2013) at 16 x 16. All in whole numbers: the
//! reduction is an exact area average whose common divisor is left out, so that the comparisons are exact,
//! too.

use crate::raster::Grey;

/// Cells along the shorter side of the reduction.
const SIDE: usize = 16;

/// 256 bits; bit `16 row + column`, lowest first in the first word, is 1 where the cell to the right is
/// brighter.
pub(super) type Hash = [u64; 4];

/// The eight ways to see a picture: as it is, then turned clockwise by one, two and three quarters; then the
/// picture mirrored left to right and the same turns of that.
pub(super) const VARIANTS: usize = 8;

/// The hashes of the raster's eight variants, exactly the hashes that the turned and mirrored rasters have.
#[must_use]
pub(super) fn dihedral(raster: &Grey) -> [Hash; VARIANTS] {
    let [wide, tall] = reductions(raster);
    let last = SIDE - 1;
    // `wide` has 16 rows of 17 cells, `tall` 17 rows of 16.
    let across = |row: usize, column: usize| wide[row * (SIDE + 1) + column];
    let down = |row: usize, column: usize| tall[row * SIDE + column];
    let rises = |row: usize, column: usize| across(row, column + 1) > across(row, column);
    let falls = |row: usize, column: usize| across(row, column + 1) < across(row, column);
    let deepens = |row: usize, column: usize| down(row + 1, column) > down(row, column);
    let fades = |row: usize, column: usize| down(row + 1, column) < down(row, column);
    [
        bits(rises),
        // A quarter turn clockwise: the new row runs up an old column.
        bits(|row, column| fades(last - column, row)),
        bits(|row, column| falls(last - row, last - column)),
        bits(|row, column| deepens(column, last - row)),
        bits(|row, column| falls(row, last - column)),
        bits(|row, column| fades(last - column, last - row)),
        bits(|row, column| rises(last - row, column)),
        bits(|row, column| deepens(column, row)),
    ]
}

fn bits(bit: impl Fn(usize, usize) -> bool) -> Hash {
    let mut hash = [0_u64; 4];
    for row in 0..SIDE {
        for column in 0..SIDE {
            let index = row * SIDE + column;
            hash[index / 64] |= u64::from(bit(row, column)) << (index % 64);
        }
    }
    hash
}

/// Sums over 17 x 16 and over 16 x 17 cells (columns x rows) of equal area.
fn reductions(raster: &Grey) -> [[u64; SIDE * (SIDE + 1)]; 2] {
    [cells(raster, SIDE + 1, SIDE), cells(raster, SIDE, SIDE + 1)]
}

/// Weighted sums of luma over a grid of cells. Lengths are counted in units of which a pixel has as many as
/// there are cells, and a cell as many as there are pixels. A sum down a column is at most 255 x 1,024, a sum at most
/// 255 x 1,024^2: within 32 and 64 bits.
fn cells(raster: &Grey, columns: usize, rows: usize) -> [u64; SIDE * (SIDE + 1)] {
    let mut sums = [0; SIDE * (SIDE + 1)];
    let mut lines = vec![0_u32; rows * raster.width()];
    for (y, row) in raster.luma().chunks_exact(raster.width()).enumerate() {
        for (cell, weight) in shares(y, rows, raster.height()) {
            let line = &mut lines[cell * raster.width()..][..raster.width()];
            for (sum, &value) in line.iter_mut().zip(row) {
                *sum += u32::from(weight) * u32::from(value);
            }
        }
    }
    for (line, sums) in lines.chunks_exact(raster.width()).zip(sums.chunks_exact_mut(columns)) {
        for (x, value) in line.iter().enumerate() {
            for (cell, weight) in shares(x, columns, raster.width()) {
                sums[cell] += u64::from(weight) * u64::from(*value);
            }
        }
    }
    sums
}

/// The cells that a pixel overlaps, with the overlap's length.
fn shares(pixel: usize, cells: usize, pixels: usize) -> impl Iterator<Item = (usize, u16)> {
    let (start, end) = (pixel * cells, (pixel + 1) * cells);
    (start / pixels..end.div_ceil(pixels)).map(move |cell| {
        let overlap = end.min((cell + 1) * pixels) - start.max(cell * pixels);
        // A pixel is as long as there are cells, 17 at most.
        (cell, overlap as u16)
    })
}
