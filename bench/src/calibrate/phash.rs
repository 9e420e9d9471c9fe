//! The 64-bit hash of the lowest frequencies that is widely called pHash (Zauner 2010, section 3.2).
//!
//! Only a peer to compare with: the product does not use it.

use image::{RgbImage, imageops};

const SIDE: usize = 32;
const KEPT: usize = 8;

/// The hash: grey at 32 x 32 pixels, cosine transform, its lowest 8 x 8 frequencies against their median.
pub(crate) fn phash(picture: &RgbImage) -> u64 {
    let grey = imageops::grayscale(picture);
    let small = imageops::resize(&grey, SIDE as u32, SIDE as u32, imageops::FilterType::Lanczos3);
    let wave = |frequency: usize, at: usize| {
        (std::f64::consts::PI * frequency as f64 * (2 * at + 1) as f64 / (2 * SIDE) as f64).cos()
    };
    let waves: Vec<[f64; SIDE]> =
        (0..KEPT).map(|frequency| std::array::from_fn(|at| wave(frequency, at))).collect();
    let rows: Vec<Vec<f64>> = (0..SIDE)
        .map(|y| {
            let value = |x: usize| f64::from(small.get_pixel(x as u32, y as u32).0[0]);
            waves.iter().map(|wave| (0..SIDE).map(|x| wave[x] * value(x)).sum()).collect()
        })
        .collect();
    let mut sums = Vec::with_capacity(KEPT * KEPT);
    for wave in &waves {
        sums.extend((0..KEPT).map(|u| (0..SIDE).map(|y| wave[y] * rows[y][u]).sum::<f64>()));
    }
    let mut sorted = sums.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = (sorted[KEPT * KEPT / 2 - 1] + sorted[KEPT * KEPT / 2]) / 2.0;
    sums.iter().fold(0, |hash, sum| hash << 1 | u64::from(*sum > median))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// A single wave along x is far above the median in its own frequency and in the mean alone.
    #[test]
    fn a_wave_sets_its_bit() {
        let wave = |x: u32| 128.0 + 100.0 * (std::f64::consts::PI * 3.0 * (2 * x + 1) as f64 / 64.0).cos();
        let hash = phash(&RgbImage::from_fn(32, 32, |x, _| Rgb([wave(x) as u8; 3])));
        assert!(hash >> 63 & 1 == 1 && hash >> 60 & 1 == 1, "{hash:064b}");
        let negative = phash(&RgbImage::from_fn(32, 32, |x, _| Rgb([255 - wave(x) as u8; 3])));
        assert_eq!(negative >> 60 & 1, 0, "{negative:064b}");
    }
}
