//! The few transcendental functions needed, from basic operations only, so that results are the same on every
//! machine.

/// `exp(-x)` for `0 <= x <= 200`; relative error below 1e-12. (Taylor series of a 1,024th, squared ten
/// times.)
pub(crate) fn exp_neg(x: f64) -> f64 {
    let small = -x / 1024.0;
    let mut value = 1.0;
    for divisor in [12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0] {
        value = 1.0 + value * small / divisor;
    }
    for _ in 0..10 {
        value *= value;
    }
    value
}

/// `2^x` for `-20 <= x <= 20`; relative error below 1e-12.
pub(crate) fn exp2(x: f64) -> f64 {
    let value = exp_neg(x.abs() * std::f64::consts::LN_2);
    if x < 0.0 { value } else { 1.0 / value }
}

/// Binary logarithm for positive `x` between 2^-20 and 2^20; error below 1e-9. Halves or doubles into 1 to 2,
/// then the series of the area hyperbolic tangent.
pub(crate) fn log2(x: f64) -> f64 {
    let (mut mantissa, mut exponent) = (x, 0.0);
    for _ in 0..20 {
        if mantissa >= 1.5 {
            mantissa /= 2.0;
            exponent += 1.0;
        } else if mantissa < 0.75 {
            mantissa *= 2.0;
            exponent -= 1.0;
        }
    }
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let mut sum = 0.0;
    for odd in [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * square + 1.0 / odd;
    }
    exponent + 2.0 * ratio * sum * std::f64::consts::LOG2_E
}

/// Direction of the vector (x, y) in turns, 0 to 1; error below 2e-6 turns (Abramowitz and Stegun, 4.4.49).
/// The zero vector gives 0.25. Without branches, so that loops over it become vector code.
#[inline]
pub(crate) fn turns(x: f32, y: f32) -> f32 {
    let (across, up) = (x.abs(), y.abs());
    let (large, small) = if across > up { (across, up) } else { (up, across) };
    let ratio = small / if large > 1e-20 { large } else { 1.0 };
    let square = ratio * ratio;
    let series = (((0.020_835_1 * square - 0.085_133) * square + 0.180_141) * square - 0.330_299_5) * square
        + 0.999_866;
    let eighth = series * ratio * (0.5 * std::f32::consts::FRAC_1_PI);
    let quarter = if across > up { eighth } else { 0.25 - eighth };
    let half = if x < 0.0 { 0.5 - quarter } else { quarter };
    let turn = if y < 0.0 { 1.0 - half } else { half };
    if turn >= 1.0 { 0.0 } else { turn }
}

/// Cosine and sine of an angle in turns, 0 to 1; error below 1e-6.
pub(crate) fn cos_sin(turns: f32) -> (f32, f32) {
    let eighths = (turns * 8.0) as i32;
    let quarter = (eighths + 1) / 2;
    let angle = (turns - quarter as f32 * 0.25) * std::f32::consts::TAU;
    let square = angle * angle;
    let sine = angle * (1.0 + square * (-1.0 / 6.0 + square * (1.0 / 120.0 - square * (1.0 / 5040.0))));
    let cosine =
        1.0 + square * (-0.5 + square * (1.0 / 24.0 + square * (-1.0 / 720.0 + square * (1.0 / 40320.0))));
    match quarter & 3 {
        0 => (cosine, sine),
        1 => (-sine, cosine),
        2 => (-cosine, -sine),
        _ => (sine, -cosine),
    }
}

/// The shortest way from one angle to another, turns in -0.5 to 0.5.
#[inline]
pub(crate) fn turn_between(from: f32, to: f32) -> f32 {
    let difference = to - from;
    if difference > 0.5 {
        difference - 1.0
    } else if difference < -0.5 {
        difference + 1.0
    } else {
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_keep_their_stated_errors() {
        for step in 0..2000_u32 {
            let x = f64::from(step) / 10.0;
            assert!((exp_neg(x) / (-x).exp() - 1.0).abs() < 1e-11, "{x}");
            let y = f64::from(step) / 50.0 - 20.0;
            assert!((exp2(y) / y.exp2() - 1.0).abs() < 1e-11, "{y}");
            assert!((log2(y.exp2()) - y).abs() < 1e-9, "{y}");
        }
    }

    #[test]
    fn directions_keep_their_stated_errors() {
        for step in 0..4096_u16 {
            let turn = f32::from(step) / 4096.0;
            let angle = f64::from(turn) * std::f64::consts::TAU;
            let (cosine, sine) = cos_sin(turn);
            assert!((f64::from(cosine) - angle.cos()).abs() < 1e-6, "{turn}");
            assert!((f64::from(sine) - angle.sin()).abs() < 1e-6, "{turn}");
            assert!(turn_between(turn, turns(cosine * 7.0, sine * 7.0)).abs() < 4e-6, "{turn}");
        }
        assert!((turns(0.0, 0.0) - 0.25).abs() < f32::EPSILON);
    }
}
