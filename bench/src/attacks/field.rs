//! One number for each pixel: strengths of paint, noise, distances.
//!
//! Owns smooth noise, blurring and drawing of strokes and spots with soft edges. Knows nothing of colours.

use super::random::Random;
use resvg::tiny_skia::{FillRule, LineCap, Paint, PathBuilder, Pixmap, Stroke, Transform};

/// A plane of numbers, row by row.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<f32>,
}

impl Field {
    /// The value `make(x, y)` at each place.
    pub(crate) fn from_fn(width: usize, height: usize, mut make: impl FnMut(usize, usize) -> f32) -> Self {
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            values.extend((0..width).map(|x| make(x, y)));
        }
        Self { width, height, values }
    }

    /// The value at a place; the nearest one outside.
    pub(crate) fn at(&self, x: isize, y: isize) -> f32 {
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        self.values.get(y * self.width + x).copied().unwrap_or(0.0)
    }

    /// The value between places.
    pub(crate) fn between(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (u, v) = (x - left, y - top);
        let (left, top) = (left as isize, top as isize);
        let upper = self.at(left, top) * (1.0 - u) + self.at(left + 1, top) * u;
        let lower = self.at(left, top + 1) * (1.0 - u) + self.at(left + 1, top + 1) * u;
        upper * (1.0 - v) + lower * v
    }

    /// The same plane in another size.
    pub(crate) fn resized(&self, width: usize, height: usize) -> Self {
        let (sx, sy) = (self.width as f32 / width as f32, self.height as f32 / height as f32);
        Self::from_fn(width, height, |x, y| {
            self.between((x as f32 + 0.5) * sx - 0.5, (y as f32 + 0.5) * sy - 0.5)
        })
    }

    /// Smooth noise with mean about 0 and deviation 1: octaves of `cells` cells across, each weaker than the
    /// last.
    pub(crate) fn noise(width: usize, height: usize, random: &mut Random, cells: &[usize]) -> Self {
        let mut sum = vec![0.0_f32; width * height];
        let mut weight = 1.0;
        for &cells in cells {
            let grid = Self::from_fn(cells + 3, cells + 3, |_, _| random.normal());
            let ease = |part: f32| part * part * (3.0 - 2.0 * part);
            // The places along each axis are the same in every row and column.
            let places = |length: usize| -> Vec<(usize, f32)> {
                let step = cells as f32 / length as f32;
                (0..length).map(|at| at as f32 * step).map(|at| (at as usize, ease(at.fract()))).collect()
            };
            let columns = places(width);
            for (y, (row, v)) in places(height).into_iter().enumerate() {
                let line = |row: usize| &grid.values[row * grid.width..(row + 1) * grid.width];
                let (upper, lower) = (line(row), line(row + 1));
                for (value, &(column, u)) in sum[y * width..(y + 1) * width].iter_mut().zip(&columns) {
                    let first = upper[column] * (1.0 - u) + upper[column + 1] * u;
                    let second = lower[column] * (1.0 - u) + lower[column + 1] * u;
                    *value += weight * (first * (1.0 - v) + second * v);
                }
            }
            weight *= 0.6;
        }
        let mut field = Self { width, height, values: sum };
        field.standardise();
        field
    }

    fn standardise(&mut self) {
        let count = self.values.len().max(1) as f32;
        let mean = self.values.iter().sum::<f32>() / count;
        let variance = self.values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
        let scale = 1.0 / (variance.sqrt() + 1e-6);
        for value in &mut self.values {
            *value *= scale;
        }
    }

    /// Blurred by a Gaussian of this deviation in pixels.
    pub(crate) fn blurred(&self, sigma: f32) -> Self {
        let kernel = kernel(sigma);
        let across = convolve(&self.values, self.width, &kernel);
        let turned = transposed(&across, self.width, self.height);
        let down = convolve(&turned, self.height, &kernel);
        Self { width: self.width, height: self.height, values: transposed(&down, self.height, self.width) }
    }
}

/// A Gaussian as weights that sum to 1, cut at three deviations.
fn kernel(sigma: f32) -> Vec<f32> {
    let sigma = sigma.max(0.05);
    let reach = (sigma * 3.0).ceil() as i32;
    let weights: Vec<f32> =
        (-reach..=reach).map(|at| (-(at as f32).powi(2) / (2.0 * sigma * sigma)).exp()).collect();
    let sum: f32 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Each row convolved; beyond its ends it goes on with the last value.
fn convolve(values: &[f32], width: usize, kernel: &[f32]) -> Vec<f32> {
    let reach = kernel.len() / 2;
    let mut result = vec![0.0; values.len()];
    let mut padded = vec![0.0; width + 2 * reach];
    for (row, sums) in values.chunks_exact(width).zip(result.chunks_exact_mut(width)) {
        let (Some(first), Some(last)) = (row.first(), row.last()) else { continue };
        padded[..reach].fill(*first);
        padded[reach..reach + width].copy_from_slice(row);
        padded[reach + width..].fill(*last);
        for (at, weight) in kernel.iter().enumerate() {
            for (sum, value) in sums.iter_mut().zip(&padded[at..]) {
                *sum += weight * value;
            }
        }
    }
    result
}

fn transposed(values: &[f32], width: usize, height: usize) -> Vec<f32> {
    let mut result = Vec::with_capacity(values.len());
    for x in 0..width {
        result.extend((0..height).map(|y| values[y * width + x]));
    }
    result
}

/// Paint with soft edges on a transparent plane.
pub(crate) struct Drawing(Pixmap);

impl Drawing {
    /// An empty drawing; none for a size of zero.
    pub(crate) fn new(width: usize, height: usize) -> Option<Self> {
        Pixmap::new(width as u32, height as u32).map(Self)
    }

    fn paint<'a>(strength: f32) -> Paint<'a> {
        let mut paint = Paint::default();
        paint.set_color_rgba8(255, 255, 255, (strength.clamp(0.0, 1.0) * 255.0) as u8);
        paint
    }

    /// A straight stroke between two places, `width` pixels wide.
    pub(crate) fn stroke(&mut self, from: (f32, f32), to: (f32, f32), width: f32) {
        let mut path = PathBuilder::new();
        path.move_to(from.0, from.1);
        path.line_to(to.0, to.1);
        if let Some(path) = path.finish() {
            let stroke = Stroke { width, line_cap: LineCap::Round, ..Stroke::default() };
            self.0.stroke_path(&path, &Self::paint(1.0), &stroke, Transform::identity(), None);
        }
    }

    /// A filled circle.
    pub(crate) fn spot(&mut self, x: f32, y: f32, radius: f32, strength: f32) {
        if let Some(path) = PathBuilder::from_circle(x, y, radius) {
            let (paint, rule) = (Self::paint(strength), FillRule::Winding);
            self.0.fill_path(&path, &paint, rule, Transform::identity(), None);
        }
    }

    /// How much paint lies at each place, 0 to 1.
    pub(crate) fn strengths(&self) -> Field {
        Field {
            width: self.0.width() as usize,
            height: self.0.height() as usize,
            values: self.0.pixels().iter().map(|pixel| f32::from(pixel.alpha()) / 255.0).collect(),
        }
    }
}
