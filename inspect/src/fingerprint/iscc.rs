//! The Image-Code of the International Standard Content Code (ISO 24138:2024, version 0), with the
//! normalisation of its reference software: trim the border, grey, 32 x 32 pixels.
//!
//! Owns the trimming rule, the fixed-point grey and bicubic resampling that the reference inherits from its
//! imaging library, the cosine transform and the code's text. All of it follows the reference's order of
//! operations, so that the same pixels give the same bits. Orientation and transparency are settled by the
//! decoder.

use crate::decode::Picture;
use data_encoding::BASE32_NOPAD;

/// Side of the normalised picture, in pixels.
const SIDE: usize = 32;
/// A channel that differs by more than this from the upper left pixel is not border.
const TOLERANCE: u8 = 16;
/// Frames within frames are trimmed at most this often.
const TRIM_PASSES: usize = 16;
/// Fractional bits of the resampling weights: 32 less 8 for the pixel and 2 for overshoot and sign.
const WEIGHT_BITS: u32 = 32 - 8 - 2;
/// First byte of the header: main type Content, subtype Image.
const HEADER: u8 = 0x21;

/// The ISCC Image-Code of a picture, for example `ISCC:EEA...` for 64 bits.
///
/// `bits` is 64, 128, 192 or 256; other values are taken as the next lower multiple of 32 between 32 and 256,
/// which are the lengths that the standard can express.
#[must_use]
pub fn iscc_image_code(picture: &Picture, bits: u32) -> String {
    iscc_code_of(&iscc_image_digest(picture), bits)
}

/// The text of the Image-Code whose full digest is `digest`, cut to `bits` as in [`iscc_image_code`].
#[must_use]
pub fn iscc_code_of(digest: &[u8; 32], bits: u32) -> String {
    let words = (bits / 32).clamp(1, 8) as u8;
    let mut code = vec![HEADER, words - 1];
    code.extend_from_slice(&digest[..usize::from(words) * 4]);
    format!("ISCC:{}", BASE32_NOPAD.encode(&code))
}

/// The text of the full Image-Code, 256 bits long.
#[must_use]
pub fn iscc_text(digest: &[u8; 32]) -> String {
    iscc_code_of(digest, 256)
}

/// The value of a C2PA soft binding with the algorithm `io.iscc.v0`: the full Image-Code as one ISCC-UNIT, header and body
/// (IEP-0020).
#[must_use]
pub fn iscc_soft_binding(digest: &[u8; 32]) -> Vec<u8> {
    // The length nibble counts words of 32 bits, less one.
    [&[HEADER, 7], &digest[..]].concat()
}

/// All 256 bits of the Image-Code; the shorter codes are its beginnings. A buffer that is empty or does not
/// hold
/// `width * height * 3` bytes gives zeros.
#[must_use]
pub fn iscc_image_digest(picture: &Picture) -> [u8; 32] {
    Region::whole(picture).map_or([0; 32], |region| digest(&resize(&region.trimmed())))
}

/// Whether the code cannot tell pictures apart: some 64-bit part has fewer than 8 ones, where a picture with
/// structure has 32. Plain areas, stripes and one-way gradients share such codes.
#[must_use]
pub fn is_featureless(digest: &[u8; 32]) -> bool {
    digest.as_chunks().0.iter().any(|part: &[u8; 8]| u64::from_be_bytes(*part).count_ones() < 8)
}

/// A part of a picture: rows `top..bottom`, columns `left..right`; never empty.
#[derive(Clone, Copy)]
struct Region<'a> {
    rgb: &'a [u8],
    stride: usize,
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl<'a> Region<'a> {
    fn whole(picture: &'a Picture) -> Option<Self> {
        let (right, bottom) = (usize::try_from(picture.width).ok()?, usize::try_from(picture.height).ok()?);
        let stride = right.checked_mul(3)?;
        let fits = picture.rgb.len() == stride.checked_mul(bottom)? && !picture.rgb.is_empty();
        fits.then_some(Self { rgb: &picture.rgb, stride, left: 0, top: 0, right, bottom })
    }

    /// The pixels of row `y` of the picture within the region.
    fn row(&self, y: usize) -> &'a [u8] {
        &self.rgb[y * self.stride..][self.left * 3..self.right * 3]
    }

    /// Cuts near-uniform frames until nothing is left to cut. A cut on one side only must remove an even
    /// band, so that skies and other gradients stay.
    fn trimmed(self) -> Self {
        let mut region = self;
        for _ in 0..TRIM_PASSES {
            let Some(inner) = region.content(TOLERANCE) else {
                break;
            };
            let cuts = [
                inner.left > region.left,
                inner.top > region.top,
                inner.right < region.right,
                inner.bottom < region.bottom,
            ];
            match cuts.iter().filter(|cut| **cut).count() {
                0 => break,
                1 if region.content(TOLERANCE / 2).is_none_or(|even| !even.same_place(&inner)) => {
                    break;
                }
                _ => region = inner,
            }
        }
        region
    }

    fn same_place(&self, other: &Self) -> bool {
        (self.left, self.top, self.right, self.bottom) == (other.left, other.top, other.right, other.bottom)
    }

    /// The smallest part that holds every pixel with a channel further than `tolerance` from the upper left
    /// pixel's.
    fn content(&self, tolerance: u8) -> Option<Self> {
        let corner = self.row(self.top);
        let corner = [corner[0], corner[1], corner[2]];
        let differs =
            |pixel: &[u8]| pixel.iter().zip(corner).any(|(&value, own)| value.abs_diff(own) > tolerance);
        let first = |row: &[u8]| row.chunks_exact(3).position(differs);
        let last = |row: &[u8]| row.chunks_exact(3).rposition(differs);
        let top = (self.top..self.bottom).find(|&y| first(self.row(y)).is_some())?;
        let bottom = (top..self.bottom).rfind(|&y| first(self.row(y)).is_some())? + 1;
        let width = self.right - self.left;
        let (mut left, mut right) = (width, 0);
        for y in top..bottom {
            // Only what lies outside the bounds so far can move them.
            let row = self.row(y);
            left = first(&row[..left * 3]).unwrap_or(left);
            right = last(&row[right * 3..]).map_or(right, |found| right + found + 1);
        }
        Some(Self { left: self.left + left, right: self.left + right, top, bottom, ..*self })
    }
}

/// Weights of one output pixel: the first source pixel and the fixed-point factors from there on.
struct Kernel {
    first: usize,
    weights: Vec<i32>,
}

/// Bicubic kernels (a = -0.5) from `size` pixels to 32, widened when the picture shrinks.
fn kernels(size: usize) -> Vec<Kernel> {
    let scale = size as f64 / SIDE as f64;
    let widening = scale.max(1.0);
    let support = 2.0 * widening;
    let narrowing = 1.0 / widening;
    (0..SIDE)
        .map(|index| {
            let centre = (index as f64 + 0.5) * scale;
            // The casts cut towards zero, and below zero they stop there.
            let first = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(size);
            let raw: Vec<f64> = (0..end - first)
                .map(|offset| bicubic(((offset + first) as f64 - centre + 0.5) * narrowing))
                .collect();
            let sum: f64 = raw.iter().fold(0.0, |sum, weight| sum + weight);
            let fixed = |weight: &f64| {
                let scaled = if sum == 0.0 { *weight } else { weight / sum } * f64::from(1 << WEIGHT_BITS);
                (scaled + 0.5_f64.copysign(scaled)) as i32
            };
            Kernel { first, weights: raw.iter().map(fixed).collect() }
        })
        .collect()
}

fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// Rounds a fixed-point sum to a pixel.
fn pixel(sum: i32) -> u8 {
    (sum >> WEIGHT_BITS).clamp(0, 255) as u8
}

/// Half a pixel, so that [`pixel`] rounds to the nearest.
const HALF: i32 = 1 << (WEIGHT_BITS - 1);

/// ITU-R BT.601 grey in 16-bit fixed point.
fn grey(rgb: &[u8; 3]) -> u8 {
    let [red, green, blue] = rgb.map(u32::from);
    let sum = red * 19_595 + green * 38_470 + blue * 7_471;
    ((sum + 0x8000) >> 16) as u8
}

/// Grey 32 x 32 pixels, row-major, rounded to whole pixels between the two axes.
///
/// The imaging library under the reference software shrinks rows first, but since its version 13 columns
/// first where that is less work. Overshoot is cut in between, so the order shows in the pixels: it is part
/// of the rule here.
fn resize(region: &Region<'_>) -> Vec<u8> {
    let (width, height) = (region.right - region.left, region.bottom - region.top);
    let columns_first = height > SIDE && 2 * width < height + SIDE;
    let across = kernels(width);
    let mut columns = Columns::new(if columns_first { width } else { SIDE }, height);
    let mut line = vec![0_u8; width];
    for y in region.top..region.bottom {
        for (value, rgb) in line.iter_mut().zip(region.row(y).as_chunks().0) {
            *value = grey(rgb);
        }
        if columns_first {
            columns.add(&line);
        } else {
            columns.add(&shrink_row(&line, &across));
        }
    }
    let rows = columns.finish();
    if columns_first {
        rows.chunks_exact(width).flat_map(|row| shrink_row(row, &across)).collect()
    } else {
        rows
    }
}

fn shrink_row(line: &[u8], kernels: &[Kernel]) -> [u8; SIDE] {
    let mut row = [0; SIDE];
    for (out, kernel) in row.iter_mut().zip(kernels) {
        let products = line[kernel.first..]
            .iter()
            .zip(&kernel.weights)
            .map(|(&value, &weight)| i32::from(value) * weight);
        *out = pixel(products.fold(HALF, i32::wrapping_add));
    }
    row
}

/// Shrinks columns to 32 rows while the source rows stream by.
struct Columns {
    kernels: Vec<Kernel>,
    width: usize,
    taken: usize,
    /// 32 rows of sums in fixed point.
    sums: Vec<i32>,
}

impl Columns {
    fn new(width: usize, height: usize) -> Self {
        Self { kernels: kernels(height), width, taken: 0, sums: vec![HALF; SIDE * width] }
    }

    fn add(&mut self, row: &[u8]) {
        for (kernel, sums) in self.kernels.iter().zip(self.sums.chunks_exact_mut(self.width)) {
            let offset = self.taken.checked_sub(kernel.first);
            if let Some(&weight) = offset.and_then(|offset| kernel.weights.get(offset)) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum = sum.wrapping_add(i32::from(value) * weight);
                }
            }
        }
        self.taken += 1;
    }

    fn finish(self) -> Vec<u8> {
        self.sums.into_iter().map(pixel).collect()
    }
}

/// Twice the cosines of (i + 1/2) pi / n for n = 2, 4, 8, 16 and 32, i below n / 2, as 64-bit numbers.
/// Written out, because a platform's own cosine may differ in the last digit.
const DOUBLED_COSINES: [&[f64]; 5] = [
    &[std::f64::consts::SQRT_2],
    &[1.8477590650225735, 0.7653668647301797],
    &[1.9615705608064609, 1.6629392246050905, 1.1111404660392046, 0.39018064403225666],
    &[
        1.9903694533443939,
        1.9138806714644176,
        1.76384252869671,
        1.546020906725474,
        1.268786568327291,
        0.9427934736519956,
        0.5805693545089247,
        0.19603428065912154,
    ],
    &[
        1.9975909124103448,
        1.978353019929562,
        1.940062506389088,
        1.8830881303660416,
        1.8079785862468867,
        1.7154572200005442,
        1.6064150629612899,
        1.4819022507099182,
        1.3431179096940367,
        1.191398608984867,
        1.0282054883864433,
        0.8551101868605644,
        0.6737797067844401,
        0.48596035980652796,
        0.2934609489107235,
        0.09813534865483625,
    ],
];

/// Cosine transform in place by halving (B. G. Lee's recursion) in the standard's order of operations. The
/// length is a power of two up to 32.
fn transform(values: &mut [f64]) {
    let half = values.len() / 2;
    if half == 0 {
        return;
    }
    let mut halves = [0.0; SIDE];
    let (even, odd) = halves[..2 * half].split_at_mut(half);
    let cosines = DOUBLED_COSINES[half.ilog2() as usize];
    for (index, cosine) in cosines.iter().enumerate() {
        let (first, last) = (values[index], values[2 * half - 1 - index]);
        even[index] = first + last;
        odd[index] = (first - last) / cosine;
    }
    transform(even);
    transform(odd);
    for index in 0..half {
        values[2 * index] = even[index];
        values[2 * index + 1] = odd.get(index + 1).map_or(odd[index], |next| odd[index] + next);
    }
}

/// The four 8 x 8 squares of the lowest 16 x 16 coefficients, one bit each: above the square's median or not.
fn digest(pixels: &[u8]) -> [u8; 32] {
    let mut matrix = [[0.0_f64; SIDE]; SIDE];
    for (line, row) in matrix.iter_mut().zip(pixels.chunks_exact(SIDE)) {
        for (value, &pixel) in line.iter_mut().zip(row) {
            *value = f64::from(pixel);
        }
        transform(line);
    }
    // Only the first 16 columns are wanted; each is transformed and kept as a line.
    let columns: [[f64; SIDE]; 16] = std::array::from_fn(|column| {
        let mut line = matrix.map(|row| row[column]);
        transform(&mut line);
        line
    });
    let mut code = [0; 32];
    let corners = [(0, 0), (0, 8), (8, 0), (8, 8)];
    for (part, (top, left)) in code.chunks_exact_mut(8).zip(corners) {
        let square: [f64; 64] = std::array::from_fn(|index| columns[left + index % 8][top + index / 8]);
        let mut sorted = square;
        sorted.sort_unstable_by(f64::total_cmp);
        let median = (sorted[31] + sorted[32]) / 2.0;
        let bits = square.iter().fold(0_u64, |bits, value| bits << 1 | u64::from(*value > median));
        part.copy_from_slice(&bits.to_be_bytes());
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_cosines_are_the_formula() {
        for (level, cosines) in DOUBLED_COSINES.iter().enumerate() {
            let length = (2 << level) as f64;
            assert_eq!(cosines.len(), 1 << level);
            for (index, &written) in cosines.iter().enumerate() {
                let formula = ((index as f64 + 0.5) * std::f64::consts::PI / length).cos() * 2.0;
                assert!((written - formula).abs() < 1e-14, "{length} {index}");
            }
        }
    }

    #[test]
    fn the_lengths_have_their_headers() {
        let code = |bits| iscc_code_of(&[0; 32], bits);
        assert_eq!(code(64), "ISCC:EEAQAAAAAAAAAAAA");
        assert_eq!(code(63), code(32));
        assert_eq!(code(0), code(32));
        assert_eq!(code(1024), code(256));
        assert_eq!(code(256).len(), "ISCC:".len() + (34 * 8_usize).div_ceil(5));
    }
}
