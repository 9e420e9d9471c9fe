//! Turning, scaling and shifting as a whole: whether two pairs of places agree.
//!
//! Owns the arithmetic, in whole numbers, so that votes are the same on every machine.

use super::local::{Local, STEPS_PER_OCTAVE};

/// 2^14 times the cosine of 0 to 64 256ths of a turn, rounded.
const COSINES: [i64; 65] = [
    16_384, 16_379, 16_364, 16_340, 16_305, 16_261, 16_207, 16_143, 16_069, 15_986, 15_893, 15_791, 15_679,
    15_557, 15_426, 15_286, 15_137, 14_978, 14_811, 14_635, 14_449, 14_256, 14_053, 13_842, 13_623, 13_395,
    13_160, 12_916, 12_665, 12_406, 12_140, 11_866, 11_585, 11_297, 11_003, 10_702, 10_394, 10_080, 9_760,
    9_434, 9_102, 8_765, 8_423, 8_076, 7_723, 7_366, 7_005, 6_639, 6_270, 5_897, 5_520, 5_139, 4_756, 4_370,
    3_981, 3_590, 3_196, 2_801, 2_404, 2_006, 1_606, 1_205, 804, 402, 0,
];
/// 2^14 times 2^(k / 24), rounded.
const POWERS: [i64; STEPS_PER_OCTAVE as usize] = [
    16_384, 16_864, 17_358, 17_867, 18_390, 18_929, 19_484, 20_055, 20_643, 21_247, 21_870, 22_511, 23_170,
    23_849, 24_548, 25_268, 26_008, 26_770, 27_554, 28_362, 29_193, 30_048, 30_929, 31_835,
];
const UNIT_BITS: u32 = 14;
/// Most difference of two rotations that agree, 256ths of a turn (22.5 degrees), and of two changes of scale, 24ths of
/// an octave.
const ROTATION: u8 = 16;
const RATIO: u16 = 12;
/// Places agree when the second stands where the first predicts it, but for a quarter of their distance (what an error
/// of 14 degrees or of 25 percent displaces) and 12 pixels (in 32nds).
const SLACK: u64 = 4;
const NEAR: u64 = 12 * 32;

/// A place of a stored picture that was recognised at a place of the query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    /// 256ths of a turn by which the query is turned against the picture.
    pub(crate) rotation: u8,
    /// 24ths of an octave by which it is enlarged.
    pub(crate) ratio: i16,
    stored: (i64, i64),
    query: (i64, i64),
    /// Cosine and sine of the rotation times the enlargement's broken part, in 2^28ths, and its whole octaves.
    turn: (i64, i64),
    octaves: i16,
}

impl Pair {
    pub(crate) fn new(stored: &Local, query: &Local) -> Self {
        let rotation = query.angle.wrapping_sub(stored.angle);
        let ratio = i16::from(query.log_scale) - i16::from(stored.log_scale);
        let steps = i16::from(STEPS_PER_OCTAVE);
        let power = usize::try_from(ratio.rem_euclid(steps)).ok().and_then(|it| POWERS.get(it)).copied();
        let power = power.unwrap_or(1 << UNIT_BITS);
        Self {
            rotation,
            ratio,
            stored: (i64::from(stored.x), i64::from(stored.y)),
            query: (i64::from(query.x), i64::from(query.y)),
            turn: (cosine(rotation) * power, cosine(rotation.wrapping_sub(64)) * power),
            octaves: ratio.div_euclid(steps),
        }
    }

    /// Whether `other` is turned and scaled as this, and stands where this predicts it.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let rotation = self.rotation.wrapping_sub(other.rotation).wrapping_add(ROTATION);
        if rotation > 2 * ROTATION || self.ratio.abs_diff(other.ratio) > RATIO {
            return false;
        }
        let (x, y) = (other.stored.0 - self.stored.0, other.stored.1 - self.stored.1);
        let (cosine, sine) = self.turn;
        let (x, y) = (self.enlarge(x * cosine - y * sine), self.enlarge(x * sine + y * cosine));
        let off = (other.query.0 - self.query.0).abs_diff(x) + (other.query.1 - self.query.1).abs_diff(y);
        off <= (x.unsigned_abs() + y.unsigned_abs()) / SLACK + NEAR
    }

    /// Takes the 2^28ths away and puts the whole octaves on: -11 to 10 of them.
    fn enlarge(&self, value: i64) -> i64 {
        value >> (2 * i64::from(UNIT_BITS) - i64::from(self.octaves)).clamp(0, 62)
    }
}

/// 2^14 times the cosine of an angle in 256ths of a turn.
fn cosine(angle: u8) -> i64 {
    let folded = if angle > 128 { 256 - usize::from(angle) } else { usize::from(angle) };
    let quarter = |place: usize| COSINES.get(place).copied().unwrap_or(0);
    if folded > 64 { -quarter(128 - folded) } else { quarter(folded) }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)] // table entries are small
mod tests {
    use super::*;

    #[test]
    fn the_written_tables_are_the_formulas() {
        for angle in 0..=255_u8 {
            let formula = (f64::from(angle) / 128.0 * std::f64::consts::PI).cos() * 16_384.0;
            assert!((cosine(angle) as f64 - formula).abs() < 0.51, "{angle}");
        }
        for (step, power) in POWERS.iter().enumerate() {
            assert!((*power as f64 - (step as f64 / 24.0).exp2() * 16_384.0).abs() < 0.51, "{step}");
        }
    }

    #[test]
    fn a_turned_enlarged_place_agrees_and_a_shifted_one_does_not() {
        let at = |x, y, log_scale, angle| Local { code: [0; 4], x, y, log_scale, angle };
        // Turned by a quarter (x towards y), twice as large.
        let first = Pair::new(&at(1_000, 1_000, 50, 10), &at(9_000, 3_000, 74, 74));
        let second = Pair::new(&at(4_000, 2_000, 60, 200), &at(7_000, 9_000, 84, 8));
        let shifted = Pair::new(&at(4_000, 2_000, 60, 200), &at(9_500, 9_000, 84, 8));
        assert!(first.agrees(&second) && second.agrees(&first));
        assert!(!first.agrees(&shifted));
        let turned = Pair::new(&at(4_000, 2_000, 60, 200), &at(7_000, 9_000, 84, 40));
        assert!(!first.agrees(&turned));
    }
}
