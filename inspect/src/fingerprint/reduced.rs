//! PDQ's thumbnail of a large picture, from a reduced copy of it.
//!
//! The reference filters the full-size pixels with windows and at places that are whole numbers of them. The same
//! filters computed at another size stand elsewhere by fractions of a pixel, which costs a few bits. So the weights of
//! the filters are taken at the full size and summed over what each pixel of the copy covers. Owns those weights only.

use super::pdq::{SIDE, Thumbnail, luma, samples, window};

/// The thumbnail that a picture of `full` width and height has, from a copy of `width` x `height` pixels, row-major RGB.
pub(super) fn thumbnail(rgb: &[u8], (width, height): (usize, usize), full: (usize, usize)) -> Thumbnail {
    let (across, down) = (weights(full.0, width), weights(full.1, height));
    let mut lines = vec![0.0_f32; SIDE * width];
    let mut row = vec![0.0_f32; width];
    for (y, pixels) in rgb.chunks_exact(width * 3).enumerate() {
        luma(pixels, &mut row);
        for (line, weights) in lines.chunks_exact_mut(width).zip(&down) {
            if let Some(&weight) = y.checked_sub(weights.first).and_then(|at| weights.values.get(at)) {
                line.iter_mut().zip(&row).for_each(|(sum, value)| *sum += weight * value);
            }
        }
    }
    let mut thumbnail = [[0.0; SIDE]; SIDE];
    for (line, out) in lines.chunks_exact(width).zip(&mut thumbnail) {
        for (out, weights) in out.iter_mut().zip(&across) {
            let values = line[weights.first..].iter().zip(&weights.values);
            *out = values.fold(0.0, |sum, (value, weight)| sum + value * weight);
        }
    }
    thumbnail
}

/// What the pixels of one axis of the copy add to one sample of the thumbnail.
struct Weights {
    /// The first pixel that counts.
    first: usize,
    values: Vec<f32>,
}

/// The weights of the 64 samples of an axis of `full` pixels, of which the copy has `side`.
fn weights(full: usize, side: usize) -> Vec<Weights> {
    let window = window(full);
    // As the filter stands around a pixel, cut at the ends.
    let around = |at: usize| {
        let end = at + window / 2 + 1;
        end.saturating_sub(window)..end.min(full)
    };
    samples(full)
        .into_iter()
        .map(|sample| {
            let (outer, reach) = (around(sample), around(sample).end + window);
            let from = around(outer.start).start;
            // How the weight rises and falls: each pixel of the second pass spreads its share over its own window.
            let mut steps = vec![0.0_f64; reach - from + 1];
            for middle in outer.clone() {
                let inner = around(middle);
                let share = 1.0 / (outer.len() * inner.len()) as f64;
                steps[inner.start - from] += share;
                steps[inner.end - from] -= share;
            }
            let first = from * side / full;
            let mut values = vec![0.0_f64; (reach * side).div_ceil(full).min(side) - first];
            let mut weight = 0.0;
            for (at, step) in (from..full).zip(steps) {
                weight += step;
                // In units in which a pixel is `side` wide and one of the copy `full`.
                let (start, end) = (at * side, (at + 1) * side);
                for cell in start / full..end.div_ceil(full) {
                    let overlap = end.min((cell + 1) * full) - start.max(cell * full);
                    if let Some(value) = values.get_mut(cell - first) {
                        *value += weight * overlap as f64 / side as f64;
                    }
                }
            }
            Weights { first, values: values.into_iter().map(|value| value as f32).collect() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_stand_around_their_sample() {
        for (full, side) in [(4_000, 1_500), (3_999, 1_333), (2_000, 2_000), (700, 131)] {
            for (weights, sample) in weights(full, side).iter().zip(samples(full)) {
                let sum: f32 = weights.values.iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{full} {side}: {sum}");
                let moments = weights.values.iter().enumerate();
                let mean: f32 = moments.map(|(at, value)| ((weights.first + at) as f32 + 0.5) * value).sum();
                let place = (sample as f32 + 0.5) * side as f32 / full as f32;
                // A window of an even width stands half a pixel to the left, twice.
                assert!((mean - place).abs() <= 1.0, "{full} {side}: {mean} {place}");
            }
        }
    }
}
