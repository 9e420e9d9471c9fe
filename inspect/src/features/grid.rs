//! Gradients on a square grid of samples that turns and grows with a point.

use super::maths::turns;
use super::scale_space::Plane;

/// Fraction bits of a position.
const FRACTION: u32 = 16;
const ONE: i32 = 1 << FRACTION;

/// Values at `N` x `N` samples, a step apart and centred at (column, row) of the plane. `step` is the way
/// from one sample to the next along the grid's first axis, in samples of the plane; the second axis stands a
/// quarter turn clockwise from it. Interpolated linearly; the plane's edge is repeated.
///
/// Positions are whole numbers of 2^-16: the plane is at most 1,024 wide and the grid at most as large, so 32
/// bits hold them.
pub(super) fn sample<const N: usize>(
    plane: &Plane,
    column: f32,
    row: f32,
    step: (f32, f32),
) -> [[f32; N]; N] {
    let mut values = [[0.0; N]; N];
    if plane.width < 2 || plane.height < 2 {
        return values;
    }
    let fixed = |value: f32| (value * ONE as f32) as i32;
    let (along, down) = (fixed(step.0), fixed(step.1));
    let half = (N as f32 - 1.0) / 2.0;
    let mut start =
        (fixed(column - half * step.0 + half * step.1), fixed(row - half * step.1 - half * step.0));
    let (right, bottom) =
        (((plane.width as i32 - 1) << FRACTION) - 1, ((plane.height as i32 - 1) << FRACTION) - 1);
    for line in &mut values {
        let (mut x, mut y) = start;
        for value in line.iter_mut() {
            let (inside_x, inside_y) = (x.clamp(0, right), y.clamp(0, bottom));
            let (across, under) = ((inside_x & (ONE - 1)) as f32, (inside_y & (ONE - 1)) as f32);
            let (across, under) = (across * (1.0 / ONE as f32), under * (1.0 / ONE as f32));
            let at = (inside_y >> FRACTION) as usize * plane.stride + (inside_x >> FRACTION) as usize;
            let square = &plane.values[at..][..plane.stride + 2];
            let (upper, lower) = ([square[0], square[1]], [square[plane.stride], square[plane.stride + 1]]);
            let first = upper[0] + across * (upper[1] - upper[0]);
            let second = lower[0] + across * (lower[1] - lower[0]);
            *value = first + under * (second - first);
            x += along;
            y += down;
        }
        start.0 -= down;
        start.1 += along;
    }
    values
}

/// Gradients of the inner `M` x `M` of `N` x `N` values (`N` = `M` + 2): magnitudes, and directions in turns
/// relative to the grid's first axis.
pub(super) fn gradients<const N: usize, const M: usize>(
    values: &[[f32; N]; N],
) -> ([[f32; M]; M], [[f32; M]; M]) {
    let mut magnitudes = [[0.0; M]; M];
    let mut angles = [[0.0; M]; M];
    for (line, (magnitudes, angles)) in magnitudes.iter_mut().zip(&mut angles).enumerate() {
        let (above, middle, below) = (&values[line], &values[line + 1], &values[line + 2]);
        for place in 0..M {
            let across = middle[place + 2] - middle[place];
            let down = below[place + 1] - above[place + 1];
            magnitudes[place] = (across * across + down * down).sqrt();
            angles[place] = turns(across, down);
        }
    }
    (magnitudes, angles)
}
