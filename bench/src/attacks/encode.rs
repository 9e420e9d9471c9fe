//! Encodings: JPEG, and what lossy WebP does to pixels.
//!
//! The workspace has no lossy WebP encoder, so its loss is modelled: a quantised 4 x 4 transform of
//! brightness and of half-resolution colour, and smoothed block edges.

use super::{
    field::Field,
    pixels::{Colour, each},
};
use image::RgbImage;

/// Steps of brightness and colour at a quality of about 50, and how high an edge between blocks may be to be
/// smoothed. They are of the size of the steps in RFC 6386, section 14.1, at the same quality.
const STEPS: (f32, f32) = (30.0, 36.0);
const EDGE: f32 = 14.0;
/// The 4-point cosine transform.
const COSINES: [[f32; 4]; 4] = [
    [0.5, 0.5, 0.5, 0.5],
    [0.653_281_5, 0.270_598_05, -0.270_598_05, -0.653_281_5],
    [0.5, -0.5, -0.5, 0.5],
    [0.270_598_05, -0.653_281_5, 0.653_281_5, -0.270_598_05],
];

/// The picture as lossy WebP at a quality of about 50 leaves it.
pub(crate) fn webp(picture: &RgbImage) -> RgbImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let plane = |weights: Colour, base: f32| Field {
        width,
        height,
        values: picture
            .pixels()
            .map(|pixel| base + (0..3).map(|at| weights[at] * f32::from(pixel.0[at])).sum::<f32>())
            .collect(),
    };
    let brightness = coded(&plane([0.299, 0.587, 0.114], 0.0), STEPS.0);
    let halved = |plane: &Field| {
        let (across, down) = (width.div_ceil(2), height.div_ceil(2));
        let half = Field::from_fn(across, down, |x, y| {
            let (x, y) = (2 * x as isize, 2 * y as isize);
            [(0, 0), (1, 0), (0, 1), (1, 1)].iter().map(|(u, v)| plane.at(x + u, y + v)).sum::<f32>() / 4.0
        });
        coded(&half, STEPS.1).resized(width, height)
    };
    let blue = halved(&plane([-0.168_736, -0.331_264, 0.5], 128.0));
    let red = halved(&plane([0.5, -0.418_688, -0.081_312], 128.0));
    each(picture, |x, y, _| {
        let at = y * width + x;
        let (y, b, r) = (brightness.values[at], blue.values[at] - 128.0, red.values[at] - 128.0);
        [y + 1.402 * r, y - 0.344_136 * b - 0.714_136 * r, y + 1.772 * b]
    })
}

/// A plane after quantisation and smoothing of the edges between blocks.
fn coded(plane: &Field, step: f32) -> Field {
    let mut result = plane.clone();
    for top in (0..plane.height).step_by(4) {
        for left in (0..plane.width).step_by(4) {
            let block: [[f32; 4]; 4] = std::array::from_fn(|y| {
                std::array::from_fn(|x| plane.at((left + x) as isize, (top + y) as isize))
            });
            let mut sums = forward(block);
            for (y, row) in sums.iter_mut().enumerate() {
                for (x, value) in row.iter_mut().enumerate() {
                    let step = if (x, y) == (0, 0) { step * 0.5 } else { step };
                    *value = (*value / step).round() * step;
                }
            }
            for (y, row) in inverse(sums).into_iter().enumerate() {
                for (x, value) in row.into_iter().enumerate() {
                    if top + y < plane.height && left + x < plane.width {
                        result.values[(top + y) * plane.width + left + x] = value;
                    }
                }
            }
        }
    }
    smoothed(&result)
}

fn forward(block: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    let sum = |u: usize, v: usize| {
        let row = |y: usize| (0..4).map(|x| COSINES[u][x] * block[y][x]).sum::<f32>();
        (0..4).map(|y| COSINES[v][y] * row(y)).sum()
    };
    std::array::from_fn(|v| std::array::from_fn(|u| sum(u, v)))
}

fn inverse(sums: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    let value = |x: usize, y: usize| {
        let row = |v: usize| (0..4).map(|u| COSINES[u][x] * sums[v][u]).sum::<f32>();
        (0..4).map(|v| COSINES[v][y] * row(v)).sum()
    };
    std::array::from_fn(|y| std::array::from_fn(|x| value(x, y)))
}

/// Low edges between blocks lose half their height.
fn smoothed(plane: &Field) -> Field {
    let soften = |inner: f32, outer: f32| {
        if (inner - outer).abs() < EDGE { inner + 0.25 * (outer - inner) } else { inner }
    };
    let beyond = |at: usize| match at % 4 {
        0 => -1,
        3 => 1,
        _ => 0,
    };
    Field::from_fn(plane.width, plane.height, |x, y| {
        let (column, row) = (x as isize, y as isize);
        let across = soften(plane.at(column, row), plane.at(column + beyond(x), row));
        soften(across, plane.at(column, row + beyond(y)))
    })
}
