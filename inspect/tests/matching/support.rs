//! Pictures by formula.
#![allow(dead_code, clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use touchstone_inspect::raster::Grey;

/// A number from 0 to 1 for a grid point.
fn dice(x: i64, y: i64, seed: u64) -> f64 {
    let mut state = (x as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (y as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        ^ seed.wrapping_mul(0x1656_67b1_9e37_79f9);
    state = (state ^ (state >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state >> 40) as f64 / f64::from(1_u32 << 24)
}

/// A smooth random field of about one feature per `cell` pixels.
fn field(x: f64, y: f64, cell: f64, seed: u64) -> f64 {
    let (x, y) = (x / cell, y / cell);
    let (left, top) = (x.floor(), y.floor());
    let ease = |t: f64| t * t * (3.0 - 2.0 * t);
    let (across, down) = (ease(x - left), ease(y - top));
    let at = |i: i64, j: i64| dice(left as i64 + i, top as i64 + j, seed);
    let upper = at(0, 0) + across * (at(1, 0) - at(0, 0));
    let lower = at(0, 1) + across * (at(1, 1) - at(0, 1));
    upper + down * (lower - upper)
}

/// Grey level, 0 to 255, of an endless textured surface.
pub(crate) fn surface((x, y): (f64, f64), seed: u64) -> f64 {
    let sum = 0.45 * field(x, y, 41.0, seed)
        + 0.35 * field(x, y, 17.0, seed + 1)
        + 0.2 * field(x, y, 8.0, seed + 2);
    (sum * 1.6 - 0.3).clamp(0.0, 1.0) * 255.0
}

/// A picture whose pixel centres show the surface where `map` says.
pub(crate) fn picture(width: u32, height: u32, seed: u64, map: impl Fn(f64, f64) -> (f64, f64)) -> Grey {
    painted(width, height, |x, y| surface(map(x, y), seed))
}

/// A picture from a formula of its pixel centres.
pub(crate) fn painted(width: u32, height: u32, value: impl Fn(f64, f64) -> f64) -> Grey {
    let luma = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| value(f64::from(x) + 0.5, f64::from(y) + 0.5).round() as u8)
        .collect();
    Grey::new(width, height, luma).unwrap()
}
