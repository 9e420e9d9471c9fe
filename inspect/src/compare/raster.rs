//! Pixel buffers of the comparison and their shrinking.
//!
//! Owns the borrowed RGB view, the owned RGB raster, the one-channel plane and the area-averaging resize. Knows
//! nothing of what is compared.

// Sums of bytes and pixel positions below 2^24 are exact in f32, and the results are clamped to a byte.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::CompareError;

/// A borrowed 8-bit RGB picture: `width * height * 3` bytes, row-major, red first.
#[derive(Debug, Clone, Copy)]
pub struct RgbView<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: &'a [u8],
}

impl<'a> RgbView<'a> {
    /// A view of `width * height * 3` bytes.
    ///
    /// # Errors
    /// [`CompareError::Size`] when a side is zero, or longer than 65,535 pixels, or the length does not fit.
    pub fn new(width: u32, height: u32, rgb: &'a [u8]) -> Result<Self, CompareError> {
        let sides = u16::try_from(width).ok().zip(u16::try_from(height).ok()).ok_or(CompareError::Size)?;
        let (width, height) = (usize::from(sides.0), usize::from(sides.1));
        if width == 0 || height == 0 || rgb.len() != width * height * 3 {
            return Err(CompareError::Size);
        }
        Ok(Self { width, height, rgb })
    }

    /// The picture at half its size; an odd last column or row is left out.
    pub(crate) fn half(&self) -> Rgb {
        let (width, height) = (self.width / 2, self.height / 2);
        Rgb { width, height, rgb: halved::<3>(self.rgb, self.width * 3, (width, height)) }
    }
}

/// An owned interleaved 8-bit RGB picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rgb {
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
    /// `width * height * 3` bytes, row-major, red first.
    pub rgb: Vec<u8>,
}

impl Rgb {
    pub(crate) fn view(&self) -> RgbView<'_> {
        RgbView { width: self.width, height: self.height, rgb: &self.rgb }
    }
}

/// One channel of 8 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane {
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
    /// `width * height` bytes, row-major.
    pub data: Vec<u8>,
}

impl Plane {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, data: vec![0; width * height] }
    }

    pub(crate) fn at(&self, x: usize, y: usize) -> u8 {
        self.data.get(y * self.width + x).copied().unwrap_or(0)
    }

    /// The plane at half its size; an odd last column or row is left out.
    pub(crate) fn half(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        Self { width, height, data: halved::<1>(&self.data, self.width, (width, height)) }
    }

    /// The plane at another size, interpolated between its pixels.
    pub(crate) fn enlarged(&self, width: usize, height: usize) -> Self {
        let data = enlarge::<1>(&self.data, (self.width, self.height), (width, height));
        Self { width, height, data }
    }

    /// Bilinear value at (x, y), pixel centres at whole numbers; `None` outside the pixel centres.
    pub(crate) fn sample(&self, x: f32, y: f32) -> Option<f32> {
        let (right, bottom) = ((self.width - 1) as f32, (self.height - 1) as f32);
        if !(x >= 0.0 && y >= 0.0 && x < right && y < bottom) {
            return None;
        }
        let (column, row) = (x as usize, y as usize);
        let (fx, fy) = (x - column as f32, y - row as f32);
        let start = row * self.width + column;
        let above = self.data.get(start..start + 2)?;
        let below = self.data.get(start + self.width..start + self.width + 2)?;
        let top = f32::from(above[0]) + fx * (f32::from(above[1]) - f32::from(above[0]));
        let low = f32::from(below[0]) + fx * (f32::from(below[1]) - f32::from(below[0]));
        Some(top + fy * (low - top))
    }
}

/// ITU-R BT.601 luma, rounded to a byte.
pub(crate) fn luma(rgb: &Rgb) -> Plane {
    Plane { width: rgb.width, height: rgb.height, data: lumas(&rgb.rgb) }
}

/// The same of pixels alone, three bytes each.
pub(crate) fn lumas(rgb: &[u8]) -> Vec<u8> {
    let luma = |pixel: &[u8; 3]| {
        let [red, green, blue] = pixel.map(u16::from);
        ((red * 77 + green * 150 + blue * 29 + 128) >> 8) as u8
    };
    rgb.as_chunks().0.iter().map(luma).collect()
}

/// The whole part of a number from 0 to 2^22; of others something, but never a panic. `as` saturates, which takes one
/// lane of a vector after the other.
#[inline(always)]
pub(crate) fn whole(value: f32) -> i32 {
    // The unit of 2^23 is its last digit.
    const UNIT: f32 = 8_388_608.0;
    (value.floor() + UNIT).to_bits() as i32 - UNIT.to_bits() as i32
}

/// Shrinks to at most `area` pixels, keeping the shape; `None` for a picture that is small enough.
pub(crate) fn bounded(source: RgbView<'_>, area: usize) -> Option<Rgb> {
    let (width, height) = (source.width, source.height);
    if width * height <= area {
        return None;
    }
    let scale = (area as f64 / (width * height) as f64).sqrt();
    let scaled = |length: usize| ((length as f64 * scale) as usize).max(1);
    let size = (scaled(width), scaled(height));
    Some(Rgb { width: size.0, height: size.1, rgb: shrink::<3>(source.rgb, (width, height), size) })
}

/// Area-averaging resize of `C` interleaved channels. Sides that would grow are repeated, not interpolated.
pub(crate) fn shrink<const C: usize>(source: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
    if from == to {
        return source.to_vec();
    }
    let stride = from.0 * C;
    if from.0 == 2 * to.0 && from.1 == 2 * to.1 {
        return halved::<C>(source, stride, to);
    }
    if from.0 <= 2 * to.0 && from.1 <= 2 * to.1 && from.0.min(from.1) >= 3 {
        return slightly::<C>(source, from, to);
    }
    let mut out = vec![0_u8; to.0 * to.1 * C];
    let columns: Vec<Span> = (0..to.0).map(|x| Span::of(x, from.0, to.0)).collect();
    let mut sums = vec![0.0_f32; stride];
    for (y, line) in out.chunks_exact_mut(to.0 * C).enumerate() {
        let rows = Span::of(y, from.1, to.1);
        sums.fill(0.0);
        for row in rows.first..=rows.last {
            let weight = rows.weight(row);
            for (sum, value) in sums.iter_mut().zip(&source[row * stride..(row + 1) * stride]) {
                *sum += weight * f32::from(*value);
            }
        }
        for (span, value) in columns.iter().zip(line.chunks_exact_mut(C)) {
            let run = &sums[span.first * C..(span.last + 1) * C];
            let mut total = [0.0_f32; C];
            for pixel in run.chunks_exact(C) {
                for c in 0..C {
                    total[c] += pixel[c];
                }
            }
            // The body's weight everywhere, put right at both ends.
            let last = run.len() - C;
            for c in 0..C {
                let ends = (span.head - span.body) * run[c] + (span.tail - span.body) * run[last + c];
                let sum = if last == 0 { run[c] } else { span.body * total[c] + ends };
                value[c] = (sum + 0.5) as u8;
            }
        }
    }
    out
}

/// Bilinear resize of `C` interleaved channels to larger sides; borders are repeated.
pub(crate) fn enlarge<const C: usize>(source: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
    // The pixel before a place, the one after it, and how far between them it lies, parts of 256.
    let span = |at: usize, from: usize, to: usize| {
        let place = ((2 * at + 1) * from * 128 / to).saturating_sub(128).min((from - 1) * 256);
        (place / 256, (place / 256 + 1).min(from - 1), (place % 256) as u32)
    };
    let columns: Vec<_> = (0..to.0).map(|x| span(x, from.0, to.0)).collect();
    let mut out = Vec::with_capacity(to.0 * to.1 * C);
    let stride = from.0 * C;
    let mut between = vec![0_u32; stride];
    for y in 0..to.1 {
        let (above, below, part) = span(y, from.1, to.1);
        let rows = source[above * stride..][..stride].iter().zip(&source[below * stride..][..stride]);
        for (value, (above, below)) in between.iter_mut().zip(rows) {
            *value = u32::from(*above) * (256 - part) + u32::from(*below) * part;
        }
        for (left, right, part) in &columns {
            let pixels = between[left * C..][..C].iter().zip(&between[right * C..][..C]);
            out.extend(
                pixels.map(|(left, right)| ((left * (256 - part) + right * part + 32_768) >> 16) as u8),
            );
        }
    }
    out
}

/// A picture of rows of `stride` bytes at half its size, `to`; an odd last column or row is left out.
fn halved<const C: usize>(source: &[u8], stride: usize, to: (usize, usize)) -> Vec<u8> {
    let mut out = vec![0_u8; to.0 * to.1 * C];
    let mut sums = vec![0_u16; stride];
    // The mean of every pixel and the next: every second one is wanted, but vectors make all of them sooner.
    let mut means = vec![0_u8; stride.saturating_sub(C)];
    for (rows, line) in source.chunks_exact(2 * stride).zip(out.chunks_exact_mut((to.0 * C).max(1))) {
        let (upper, lower) = rows.split_at(stride);
        for ((sum, a), b) in sums.iter_mut().zip(upper).zip(lower) {
            *sum = u16::from(*a) + u16::from(*b) + 1;
        }
        for ((mean, left), right) in means.iter_mut().zip(&sums).zip(sums.iter().skip(C)) {
            *mean = ((left + right) >> 2) as u8;
        }
        for (value, mean) in line.as_chunks_mut::<C>().0.iter_mut().zip(means.chunks(2 * C)) {
            if let Some(mean) = mean.first_chunk() {
                *value = *mean;
            }
        }
    }
    out
}

/// Room for a pixel: a power of two, so that vectors hold whole ones.
const LANES: usize = 4;
/// The weights along a column, in so many parts: sums of bytes then fit 16 bits, and a vector holds eight.
const ROW_UNIT: u32 = 1 << 8;
/// The weights along a row: the upper half of a product of 16 bits each is one instruction.
const COLUMN_UNIT: u32 = 1 << 16;

/// [`shrink`] to no less than half of either side, where three source pixels at most lie under a target along an axis:
/// within one grey level of the exact mean.
fn slightly<const C: usize>(source: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
    let stride = from.0 * C;
    let mut firsts = Vec::with_capacity(to.0);
    // The weights of the first, second and third pixel under each target, and these pixels of one row.
    let mut weights = [(); 3].map(|()| Vec::with_capacity(to.0 * LANES));
    for x in 0..to.0 {
        let (first, three) = Span::of(x, from.0, to.0).three(from.0);
        firsts.push(first * C);
        for (weights, weight) in weights.iter_mut().zip(in_parts(three, COLUMN_UNIT)) {
            weights.extend([weight; LANES]);
        }
    }
    let mut pixels = [(); 3].map(|()| vec![[0_u16; LANES]; to.0]);
    let mut mixed = vec![0_u8; to.0 * LANES];
    let mut out = vec![0_u8; to.0 * to.1 * C];
    // With room for the lanes that hold no channel.
    let mut sums = vec![0_u16; stride + LANES];
    for (y, line) in out.chunks_exact_mut((to.0 * C).max(1)).enumerate() {
        let (first, three) = Span::of(y, from.1, to.1).three(from.1);
        let [a, b, c] = in_parts(three, ROW_UNIT);
        let (upper, rest) = source[first * stride..(first + 3) * stride].split_at(stride);
        let (middle, lower) = rest.split_at(stride);
        for (((sum, upper), middle), lower) in sums.iter_mut().zip(upper).zip(middle).zip(lower) {
            *sum = a * u16::from(*upper) + b * u16::from(*middle) + c * u16::from(*lower);
        }
        let [p, q, r] = &mut pixels;
        for (((first, p), q), r) in firsts.iter().zip(&mut *p).zip(&mut *q).zip(&mut *r) {
            if let Some(three) = sums.get(*first..first + 2 * C + LANES) {
                p.copy_from_slice(&three[..LANES]);
                q.copy_from_slice(&three[C..C + LANES]);
                r.copy_from_slice(&three[2 * C..2 * C + LANES]);
            }
        }
        let share = |weight: &u16, sum: &u16| ((u32::from(*weight) * u32::from(*sum)) >> 16) as u16;
        let weighted = weights[0].iter().zip(&weights[1]).zip(&weights[2]);
        let threes = p.as_flattened().iter().zip(q.as_flattened()).zip(r.as_flattened());
        for ((mixed, ((a, b), c)), ((p, q), r)) in mixed.iter_mut().zip(weighted).zip(threes) {
            // Half a grey level, and one for what was cut off of three products.
            *mixed = ((share(a, p) + share(b, q) + share(c, r) + 129) >> 8) as u8;
        }
        for (value, mixed) in line.chunks_exact_mut(C).zip(mixed.as_chunks::<LANES>().0) {
            value.copy_from_slice(&mixed[..C]);
        }
    }
    out
}

/// Weights that add up to one as parts of `unit`; the largest makes up for what rounding left, and stays below 2^16.
fn in_parts(weights: [f32; 3], unit: u32) -> [u16; 3] {
    let mut parts = weights.map(|weight| (weight * unit as f32 + 0.5) as u32);
    let left = unit.wrapping_sub(parts.iter().sum());
    if let Some(largest) = parts.iter_mut().max() {
        *largest = largest.wrapping_add(left);
    }
    parts.map(|part| part.min(u32::from(u16::MAX)) as u16)
}

/// The source pixels under one target pixel along one axis.
struct Span {
    first: usize,
    last: usize,
    head: f32,
    tail: f32,
    body: f32,
}

impl Span {
    fn of(index: usize, from: usize, to: usize) -> Self {
        let step = from as f64 / to as f64;
        let (start, end) = (index as f64 * step, (index as f64 + 1.0) * step);
        let first = (start as usize).min(from - 1);
        let last = ((end - 1e-9) as usize).clamp(first, from - 1);
        let body = 1.0 / step;
        let head = if first == last { 1.0 } else { (first as f64 + 1.0 - start) * body };
        let tail = if first == last { 1.0 } else { (end - last as f64) * body };
        Self { first, last, head: head as f32, tail: tail as f32, body: body as f32 }
    }

    /// The span as three pixels of a side of `length`: the first of them and their weights.
    fn three(&self, length: usize) -> (usize, [f32; 3]) {
        let first = self.first.min(length.saturating_sub(3));
        let mut weights = [0.0; 3];
        for (offset, weight) in weights.iter_mut().enumerate() {
            let position = first + offset;
            if position >= self.first && position <= self.last {
                *weight = self.weight(position);
            }
        }
        (first, weights)
    }

    fn weight(&self, position: usize) -> f32 {
        if position == self.first {
            self.head
        } else if position == self.last {
            self.tail
        } else {
            self.body
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much of each source pixel of a side lies under target `index`, in shares of the target.
    fn shares(index: usize, from: usize, to: usize) -> Vec<f64> {
        let step = from as f64 / to as f64;
        let (start, end) = (index as f64 * step, (index + 1) as f64 * step);
        let under = |pixel: usize| (end.min(pixel as f64 + 1.0) - start.max(pixel as f64)).max(0.0);
        (0..from).map(|pixel| under(pixel) / step).collect()
    }

    fn is_the_mean<const C: usize>(from: (usize, usize), to: (usize, usize)) {
        let source: Vec<u8> = (0..from.0 * from.1 * C).map(|i| (i * i * 31 + i * 7) as u8).collect();
        let shrunk = shrink::<C>(&source, from, to);
        for (place, value) in shrunk.iter().enumerate() {
            let (channel, x, y) = (place % C, place / C % to.0, place / C / to.0);
            let (across, down) = (shares(x, from.0, to.0), shares(y, from.1, to.1));
            let at = |x: usize, y: usize| f64::from(source[(y * from.0 + x) * C + channel]);
            let row = |y: usize| across.iter().enumerate().map(|(x, share)| share * at(x, y)).sum::<f64>();
            let mean: f64 = down.iter().enumerate().map(|(y, share)| share * row(y)).sum();
            assert!((f64::from(*value) - mean).abs() <= 1.01, "{from:?} {to:?} {place}: {value}, {mean}");
        }
    }

    #[test]
    fn a_little_smaller_is_the_mean_over_areas() {
        for (from, to) in
            [((3, 3), (2, 2)), ((9, 7), (9, 6)), ((9, 7), (8, 7)), ((20, 31), (11, 16)), ((64, 48), (45, 34))]
        {
            is_the_mean::<3>(from, to);
            is_the_mean::<1>(from, to);
        }
    }

    /// Between the middles of pixels in real numbers; beyond the outermost middles nothing changes.
    fn is_interpolated<const C: usize>(from: (usize, usize), to: (usize, usize)) {
        let source: Vec<u8> = (0..from.0 * from.1 * C).map(|i| (i * i * 31 + i * 7) as u8).collect();
        let large = enlarge::<C>(&source, from, to);
        assert_eq!(large.len(), to.0 * to.1 * C);
        let place = |at: usize, from: usize, to: usize| {
            ((at as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64)
        };
        for (index, value) in large.iter().enumerate() {
            let (channel, x, y) = (index % C, index / C % to.0, index / C / to.0);
            let (x, y) = (place(x, from.0, to.0), place(y, from.1, to.1));
            let at = |x: f64, y: f64| {
                let (x, y) = ((x as usize).min(from.0 - 1), (y as usize).min(from.1 - 1));
                f64::from(source[(y * from.0 + x) * C + channel])
            };
            let row = |y: f64| at(x, y) + x.fract() * (at(x + 1.0, y) - at(x, y));
            let between = row(y) + y.fract() * (row(y + 1.0) - row(y));
            assert!(
                (f64::from(*value) - between).abs() <= 2.6,
                "{from:?} {to:?} {index}: {value}, {between}"
            );
        }
    }

    #[test]
    fn a_larger_plane_lies_between_the_pixels_of_the_smaller() {
        for (from, to) in [((2, 2), (2, 2)), ((7, 5), (14, 10)), ((9, 7), (13, 9)), ((1, 3), (4, 11))] {
            is_interpolated::<3>(from, to);
            is_interpolated::<1>(from, to);
        }
    }

    #[test]
    fn a_plain_picture_stays_as_it_is() {
        for value in 0..=u8::MAX {
            let shrunk = shrink::<3>(&[value; 3 * 13 * 11], (13, 11), (8, 7));
            assert!(shrunk.iter().all(|out| *out == value), "{value}");
        }
    }
}
