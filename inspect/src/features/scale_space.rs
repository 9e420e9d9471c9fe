//! The Gaussian scale space, octave by octave.
//!
//! Owns the blur and the memory of the planes. Knows nothing of points.

use super::maths::{exp_neg, exp2};
use crate::raster::Grey;

/// Scales that are searched per octave.
pub(super) const LEVELS: usize = 3;
/// Gaussian planes per octave.
const GAUSSIANS: usize = LEVELS + 3;
/// Differences of neighbouring Gaussian planes per octave.
pub(super) const DIFFERENCES: usize = GAUSSIANS - 1;
/// Blur that a picture is assumed to have from its lens and sensor, pixels.
const OWN_BLUR: f64 = 0.5;
/// A raster is doubled first when its longer side has at most so many pixels: it has few pixels and needs
/// them all.
const DOUBLED_SIDE: usize = 320;
/// Standard deviation of a doubled raster's finest scale, in samples.
const DOUBLED_FINEST: f64 = 1.2;
/// An octave is not made when a side is shorter, pixels.
const MIN_SIDE: usize = 16;
/// Most octaves: beyond them every raster is too small.
const MAX_OCTAVES: usize = 7;
/// Values that are computed together. Rows are padded to a multiple of this.
pub(super) const LANES: usize = 16;
/// Widest kernel half, pixels.
const MAX_RADIUS: usize = 12;

/// A plane of 32-bit values whose rows are padded to whole blocks of [`LANES`].
#[derive(Debug, Default, Clone)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) stride: usize,
    pub(super) values: Vec<f32>,
}

impl Plane {
    /// Takes a size; the values keep what they held. Memory is kept.
    fn resize(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.stride = width.next_multiple_of(LANES);
        self.values.resize(self.stride * height, 0.0);
    }

    /// A row with its padding, in blocks.
    #[inline]
    pub(super) fn blocks(&self, y: usize) -> &[[f32; LANES]] {
        self.values[y * self.stride..][..self.stride].as_chunks().0
    }

    /// The value at a pixel.
    #[inline]
    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.stride + x]
    }
}

/// The planes of one octave.
#[derive(Debug, Default)]
pub(super) struct Octave {
    gaussians: [Plane; GAUSSIANS],
}

impl Octave {
    /// The Gaussian plane at a level; the last one beyond it.
    pub(super) fn gaussian(&self, level: usize) -> &Plane {
        &self.gaussians[level.min(GAUSSIANS - 1)]
    }
}

/// All octaves of a raster.
#[derive(Debug, Default)]
pub(super) struct ScaleSpace {
    octaves: Vec<Octave>,
    used: usize,
    line: Vec<f32>,
    finest: f64,
    doubled: bool,
}

impl ScaleSpace {
    /// Builds the scale space of a raster from the scale `finest` (pixels) upwards. A small raster is doubled
    /// and starts finer.
    pub(super) fn build(&mut self, raster: &Grey, finest: f64) {
        self.used = 0;
        self.doubled = raster.width().max(raster.height()) <= DOUBLED_SIDE;
        let (mut width, mut height) = (raster.width(), raster.height());
        let mut own_blur = OWN_BLUR;
        self.finest = finest;
        if self.doubled {
            (width, height, own_blur) = (2 * width, 2 * height, 2.0 * own_blur);
            self.finest = DOUBLED_FINEST;
        }
        let finest = self.finest;
        let first = Kernel::new((finest * finest - own_blur * own_blur).max(0.01).sqrt());
        let steps: [Kernel; DIFFERENCES] = std::array::from_fn(|level| {
            let ratio = exp2(1.0 / LEVELS as f64);
            let scale = finest * exp2(level as f64 / LEVELS as f64);
            Kernel::new(scale * (ratio * ratio - 1.0).sqrt())
        });
        while self.used < MAX_OCTAVES && width >= MIN_SIDE && height >= MIN_SIDE {
            if self.octaves.len() == self.used {
                self.octaves.push(Octave::default());
            }
            let (before, now) = self.octaves.split_at_mut(self.used);
            let Some(octave) = now.first_mut() else { return };
            let [base, rest @ ..] = &mut octave.gaussians;
            base.resize(width, height);
            if let Some(previous) = before.last() {
                halve(&previous.gaussians[LEVELS], base);
            } else {
                // The raster's own values wait in the second plane, which is overwritten afterwards.
                let own = &mut rest[0];
                own.resize(width, height);
                if self.doubled {
                    load_doubled(raster, own);
                } else {
                    load(raster, own);
                }
                blur(own, &first, &mut self.line, base);
            }
            let mut source: &Plane = base;
            for (out, kernel) in rest.iter_mut().zip(&steps) {
                out.resize(width, height);
                blur(source, kernel, &mut self.line, out);
                source = out;
            }
            self.used += 1;
            (width, height) = (width / 2, height / 2);
        }
    }

    /// Standard deviation of the finest scale, in samples of the first octave.
    pub(super) fn finest(&self) -> f64 {
        self.finest
    }

    /// Pixels of the raster per sample of the first octave.
    pub(super) fn unit(&self) -> f32 {
        if self.doubled { 0.5 } else { 1.0 }
    }

    /// The octaves of the last raster.
    pub(super) fn octaves(&self) -> &[Octave] {
        self.octaves.get(..self.used).unwrap_or_default()
    }
}

/// Half a symmetric kernel that sums to 1.
struct Kernel {
    radius: usize,
    centre: f32,
    sides: [f32; MAX_RADIUS],
}

impl Kernel {
    /// A Gaussian of a standard deviation in pixels, cut at three of them.
    fn new(sigma: f64) -> Self {
        let radius = ((3.0 * sigma + 0.5) as usize).clamp(1, MAX_RADIUS);
        let weight = |step: usize| {
            let ratio = step as f64 / sigma;
            exp_neg((ratio * ratio / 2.0).min(200.0))
        };
        let total = 1.0 + 2.0 * (1..=radius).map(weight).sum::<f64>();
        let sides = std::array::from_fn(|index| (weight(index + 1) / total) as f32);
        Self { radius, centre: (1.0 / total) as f32, sides }
    }
}

/// The raster as 32-bit values.
fn load(raster: &Grey, out: &mut Plane) {
    let rows = raster.luma().chunks_exact(raster.width());
    for (row, out) in rows.zip(out.values.chunks_exact_mut(out.stride)) {
        for (out, &value) in out.iter_mut().zip(row) {
            *out = f32::from(value);
        }
    }
}

/// The raster at twice its size: each pixel becomes four samples, a quarter of a pixel from its centre,
/// interpolated linearly. Edges are repeated.
fn load_doubled(raster: &Grey, out: &mut Plane) {
    let (width, height) = (raster.width(), raster.height());
    let luma = raster.luma();
    // The nearer and the farther source line of a doubled line.
    let lines = |at: usize, side: usize| {
        let near = at / 2;
        let far = if at.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(side - 1) };
        (near, far)
    };
    for (y, out) in out.values.chunks_exact_mut(out.stride).enumerate() {
        let (near, far) = lines(y, height);
        let (near, far) = (&luma[near * width..][..width], &luma[far * width..][..width]);
        let down = |x: usize| 0.75 * f32::from(near[x]) + 0.25 * f32::from(far[x]);
        for (x, out) in out.iter_mut().take(2 * width).enumerate() {
            let (near, far) = lines(x, width);
            *out = 0.75 * down(near) + 0.25 * down(far);
        }
    }
}

/// Every second pixel of every second row.
fn halve(from: &Plane, out: &mut Plane) {
    let rows = from.values.chunks_exact(2 * from.stride);
    for (row, out) in rows.zip(out.values.chunks_exact_mut(out.stride)) {
        for (out, pair) in out.iter_mut().zip(row[..from.stride].as_chunks::<2>().0) {
            *out = pair[0];
        }
    }
}

/// Blurs a plane along both axes; edges are repeated.
fn blur(from: &Plane, kernel: &Kernel, line: &mut Vec<f32>, out: &mut Plane) {
    match kernel.radius {
        1 => blur_with::<1>(from, kernel, line, out),
        2 => blur_with::<2>(from, kernel, line, out),
        3 => blur_with::<3>(from, kernel, line, out),
        4 => blur_with::<4>(from, kernel, line, out),
        5 => blur_with::<5>(from, kernel, line, out),
        6 => blur_with::<6>(from, kernel, line, out),
        7 => blur_with::<7>(from, kernel, line, out),
        8 => blur_with::<8>(from, kernel, line, out),
        9 => blur_with::<9>(from, kernel, line, out),
        10 => blur_with::<10>(from, kernel, line, out),
        11 => blur_with::<11>(from, kernel, line, out),
        _ => blur_with::<MAX_RADIUS>(from, kernel, line, out),
    }
}

/// [`blur`] with the radius known to the compiler: each row down the columns into a line, then the line along
/// itself.
fn blur_with<const R: usize>(from: &Plane, kernel: &Kernel, line: &mut Vec<f32>, out: &mut Plane) {
    let sides: [f32; R] = std::array::from_fn(|index| kernel.sides[index]);
    let (width, height, stride) = (from.width, from.height, from.stride);
    line.resize(stride + 2 * MAX_RADIUS, 0.0);
    for y in 0..height {
        let middle = from.blocks(y);
        let above: [_; R] = std::array::from_fn(|index| from.blocks(y.saturating_sub(index + 1)));
        let below: [_; R] = std::array::from_fn(|index| from.blocks((y + index + 1).min(height - 1)));
        let inner = line[R..R + stride].as_chunks_mut::<LANES>().0;
        for (block, (out, middle)) in inner.iter_mut().zip(middle).enumerate() {
            let mut sum = middle.map(|value| value * kernel.centre);
            for index in 0..R {
                let (above, below) = (&above[index][block], &below[index][block]);
                for lane in 0..LANES {
                    sum[lane] += sides[index] * (above[lane] + below[lane]);
                }
            }
            *out = sum;
        }
        let (first, last) = (line[R], line[R + width - 1]);
        line[..R].fill(first);
        line[R + width..].fill(last);
        let target = out.values[y * stride..][..stride].as_chunks_mut::<LANES>().0;
        for (block, out) in target.iter_mut().enumerate() {
            let window = &line[block * LANES..][..LANES + 2 * R];
            let mut sum = [0.0; LANES];
            for lane in 0..LANES {
                sum[lane] = window[lane + R] * kernel.centre;
            }
            for index in 0..R {
                let (left, right) = (&window[R - 1 - index..][..LANES], &window[R + 1 + index..][..LANES]);
                for lane in 0..LANES {
                    sum[lane] += sides[index] * (left[lane] + right[lane]);
                }
            }
            *out = sum;
        }
    }
}
