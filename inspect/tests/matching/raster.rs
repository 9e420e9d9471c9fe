//! The area average and the gradient hash.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::support::picture;
use touchstone_inspect::raster::{Grey, MAX_SIDE};
use touchstone_inspect::{decode::Picture, fingerprint::dhash_dihedral};

/// The gradient hashes of a raster in the eight orientations.
fn hashes(raster: &Grey) -> [[u8; 32]; 8] {
    let rgb = raster.luma().iter().flat_map(|value| [*value; 3]).collect();
    dhash_dihedral(&Picture::new(raster.width() as u32, raster.height() as u32, rgb).unwrap())
}

/// The area average of one target pixel by integration over 64-bit floats.
fn slow(luma: &[u8], (width, height): (usize, usize), to: (usize, usize), x: usize, y: usize) -> f64 {
    let overlap = |source: usize, sources: usize, target: usize, targets: usize| {
        let ratio = sources as f64 / targets as f64;
        let (start, end) = (target as f64 * ratio, (target + 1) as f64 * ratio);
        (end.min(source as f64 + 1.0) - start.max(source as f64)).max(0.0) / ratio
    };
    let mut sum = 0.0;
    for row in 0..height {
        for column in 0..width {
            let weight = overlap(column, width, x, to.0) * overlap(row, height, y, to.1);
            sum += weight * f64::from(luma[row * width + column]);
        }
    }
    sum
}

#[test]
fn the_reduction_is_the_area_average() {
    let source = picture(61, 47, 1, |x, y| (3.0 * x, 3.0 * y));
    for long_side in [1, 2, 7, 13, 30, 60, 61, 100] {
        let reduced = source.reduced(long_side);
        let to = (reduced.width(), reduced.height());
        assert_eq!(to.0, (long_side as usize).min(61));
        for y in 0..to.1 {
            for x in 0..to.0 {
                let exact = slow(source.luma(), (61, 47), to, x, y);
                let value = f64::from(reduced.luma()[y * to.0 + x]);
                assert!((value - exact).abs() <= 0.5 + 1e-9, "{long_side}: {value} for {exact}");
            }
        }
    }
}

#[test]
fn luma_keeps_grey_and_weighs_colours() {
    let rgb: Vec<u8> = (0..=255).flat_map(|value| [value; 3]).collect();
    let grey = Grey::from_rgb(256, 1, &rgb, 256).unwrap();
    assert!(grey.luma().iter().zip(0..=255_u8).all(|(&luma, value)| luma == value));
    let colours = Grey::from_rgb(3, 1, &[255, 0, 0, 0, 255, 0, 0, 0, 255], 3).unwrap();
    assert_eq!(colours.luma(), [76, 150, 29]);
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    assert!(Grey::new(2, 2, vec![0; 3]).is_none());
    assert!(Grey::new(0, 2, vec![]).is_none());
    assert!(Grey::new(MAX_SIDE + 1, 1, vec![0; MAX_SIDE as usize + 1]).is_none());
    assert!(Grey::from_rgb(2, 2, &[0; 11], 64).is_none());
    assert!(Grey::from_rgb(2, 2, &[0; 12], 0).is_none());
    assert!(Grey::from_rgb(2, 2, &[0; 12], MAX_SIDE + 1).is_none());
    assert!(Grey::from_rgb(u32::MAX, u32::MAX, &[0; 12], 64).is_none());
    // A long strip keeps at least one row.
    let strip = Grey::from_luma(5000, 2, &[9; 10_000], 100).unwrap();
    assert_eq!((strip.width(), strip.height()), (100, 1));
    assert!(strip.luma().iter().all(|&luma| luma == 9));
}

/// The raster turned clockwise by a quarter.
fn turned(raster: &Grey) -> Grey {
    let (width, height) = (raster.width(), raster.height());
    let luma = (0..width)
        .flat_map(|row| (0..height).map(move |column| (row, column)))
        .map(|(row, column)| raster.luma()[(height - 1 - column) * width + row])
        .collect();
    Grey::new(height as u32, width as u32, luma).unwrap()
}

fn mirrored(raster: &Grey) -> Grey {
    let rows = raster.luma().chunks_exact(raster.width());
    let luma = rows.flat_map(|row| row.iter().rev().copied()).collect();
    Grey::new(raster.width() as u32, raster.height() as u32, luma).unwrap()
}

#[test]
fn the_eight_gradient_hashes_are_those_of_the_turned_rasters() {
    for (width, height) in [(1, 1), (5, 3), (16, 17), (40, 31), (75, 100)] {
        let mut raster = picture(width, height, 2, |x, y| (5.0 * x, 5.0 * y));
        let variants = hashes(&raster);
        // Turned clockwise step by step, then the same mirrored: places in `Symmetry::ALL`.
        for (turn, place) in [0, 3, 2, 1, 5, 7, 4, 6].into_iter().enumerate() {
            if turn == 4 {
                raster = mirrored(&picture(width, height, 2, |x, y| (5.0 * x, 5.0 * y)));
            }
            assert_eq!(variants[place], hashes(&raster)[0], "{width} x {height}, variant {turn}");
            raster = turned(&raster);
        }
    }
}

#[test]
fn gradient_bits_say_where_it_gets_brighter() {
    let ramp = Grey::new(34, 32, (0..32 * 34).map(|index| (index % 34 * 7) as u8).collect()).unwrap();
    assert_eq!(hashes(&ramp)[0], [255; 32]);
    assert_eq!(hashes(&mirrored(&ramp))[0], [0; 32]);
    assert_eq!(hashes(&Grey::new(40, 40, vec![90; 1600]).unwrap())[0], [0; 32]);
}
