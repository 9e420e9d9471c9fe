//! From brightness and colour differences to red, green and blue.
//!
//! Owns the conversion of JFIF (ITU-T T.871, clause 7) on rows of samples whose middle is 0.

/// Pixels that are converted together.
const RUN: usize = 16;

/// Appends a row of grey pixels.
pub(super) fn push_grey(luma: &[f32], rgb: &mut Vec<u8>) {
    rgb.extend(luma.iter().flat_map(|&value| [byte(value); 3]));
}

/// Appends a row of colour pixels from rows of brightness, blue and red differences of the same length.
pub(super) fn push_colour([luma, blue, red]: [&[f32]; 3], rgb: &mut Vec<u8>) {
    let (runs, rest) = (luma.as_chunks::<RUN>(), [blue.as_chunks::<RUN>(), red.as_chunks::<RUN>()]);
    for ((luma, blue), red) in runs.0.iter().zip(rest[0].0).zip(rest[1].0) {
        rgb.extend_from_slice(converted(luma, blue, red).as_flattened());
    }
    // The last pixels, filled up to a whole run.
    let mut last = [[0.0; RUN]; 3];
    for (filled, rest) in last.iter_mut().zip([runs.1, rest[0].1, rest[1].1]) {
        filled[..rest.len()].copy_from_slice(rest);
    }
    let [luma, blue, red] = &last;
    rgb.extend_from_slice(converted(luma, blue, red)[..runs.1.len()].as_flattened());
}

#[inline]
fn converted(luma: &[f32; RUN], blue: &[f32; RUN], red: &[f32; RUN]) -> [[u8; 3]; RUN] {
    let mut planes = [[0_u8; RUN]; 3];
    for lane in 0..RUN {
        let (y, cb, cr) = (luma[lane], blue[lane], red[lane]);
        planes[0][lane] = byte(y + 1.402 * cr);
        planes[1][lane] = byte(y - 0.344_136 * cb - 0.714_136 * cr);
        planes[2][lane] = byte(y + 1.772 * cb);
    }
    std::array::from_fn(|lane| [planes[0][lane], planes[1][lane], planes[2][lane]])
}

/// A sample whose middle is 0 as a byte, to nearest.
#[inline]
fn byte(value: f32) -> u8 {
    // At 2^23 the last place of a 32-bit number is worth 1: its low bits are the rounded value. (A cast would not
    // become vector code on every processor.)
    let value = value + 128.0;
    let value = if value > 0.0 { value } else { 0.0 };
    let value = if value < 255.0 { value } else { 255.0 };
    (value + 8_388_608.0).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours_and_ends_of_the_range() {
        let mut rgb = Vec::new();
        // Red, white, black beyond the range, and more than a run of grey.
        let mut rows = [vec![76.0 - 128.0, 127.0, -400.0], vec![-43.1, 0.0, 0.0], vec![127.5, 0.0, 0.0]];
        rows.iter_mut().for_each(|row| row.resize(RUN + 5, 0.0));
        push_colour([&rows[0], &rows[1], &rows[2]], &mut rgb);
        assert_eq!(rgb.len(), 3 * (RUN + 5));
        assert_eq!(rgb[..9], [255, 0, 0, 255, 255, 255, 0, 0, 0]);
        assert!(rgb[9..].iter().all(|&value| value == 128));
        rgb.clear();
        push_grey(&[-128.0, -0.4, 500.0], &mut rgb);
        assert_eq!(rgb, [0, 0, 0, 128, 128, 128, 255, 255, 255]);
    }
}
