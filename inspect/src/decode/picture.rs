//! Decoded pixels.
//!
//! Owns the picture type and turning it upright. It must not know where the pixels came from.

/// A decoded picture: 8-bit RGB, no colour management.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width, pixels; at least 1.
    pub width: u32,
    /// Height, pixels; at least 1.
    pub height: u32,
    /// `width * height * 3` bytes, row-major, red first.
    pub rgb: Vec<u8>,
}

/// Side of the square blocks in which a picture is turned, so that both the rows read and the rows written stay in
/// the cache.
const BLOCK: usize = 32;

impl Picture {
    /// A picture from `width * height * 3` bytes of row-major RGB; `None` if a side is zero or the length differs.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Option<Self> {
        let expected = (width as usize).checked_mul(height as usize)?.checked_mul(3)?;
        (expected != 0 && rgb.len() == expected).then_some(Self { width, height, rgb })
    }

    /// A picture from row-major RGBA of `width * height * 4` bytes, laid over white. Reuses the buffer.
    pub(crate) fn over_white(width: u32, height: u32, mut rgba: Vec<u8>) -> Option<Self> {
        let pixels = (width as usize).checked_mul(height as usize)?;
        if rgba.len() != pixels.checked_mul(4)? {
            return None;
        }
        for i in 0..pixels {
            let alpha = u32::from(rgba[4 * i + 3]);
            for channel in 0..3 {
                let value = u32::from(rgba[4 * i + channel]);
                // Rounded to nearest; exact at both ends of the alpha range.
                rgba[3 * i + channel] = ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
            }
        }
        rgba.truncate(pixels * 3);
        Self::new(width, height, rgba)
    }

    /// The area average with the longer side reduced to `long_side` pixels; a smaller picture is copied. Exact in whole
    /// numbers and rounded once, so the same pixels give the same result on every machine.
    #[must_use]
    pub fn reduced(&self, long_side: u32) -> Self {
        let longest = self.width.max(self.height);
        if longest <= long_side || long_side == 0 {
            return self.clone();
        }
        let side = |from: u32| {
            let doubled = 2 * u64::from(from) * u64::from(long_side) + u64::from(longest);
            ((doubled / (2 * u64::from(longest))) as usize).max(1)
        };
        let (width, height) = (self.width as usize, self.height as usize);
        let (to_width, to_height) = (side(self.width), side(self.height));
        // A source pixel is counted as wide as the target has pixels, a target pixel as wide as the source has: every
        // overlap is a whole number. A column's sum is at most 255 times the source's height.
        let mut sums = vec![0_u32; width * 3];
        let mut rgb = Vec::with_capacity(to_width * to_height * 3);
        let mut missing = height;
        for row in self.rgb.chunks_exact(width * 3) {
            let mut left = to_height;
            while left > 0 {
                let weight = left.min(missing);
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += weight as u32 * u32::from(*value);
                }
                (left, missing) = (left - weight, missing - weight);
                if missing == 0 {
                    average_across(&sums, to_width, height, &mut rgb);
                    sums.fill(0);
                    missing = height;
                }
            }
        }
        Self { width: to_width as u32, height: to_height as u32, rgb }
    }

    /// The picture as it should be seen, given the orientation under which it is stored.
    ///
    /// `orientation` is the EXIF/TIFF tag 0x0112 (TIFF 6.0, section 8): 1 upright, 2 mirrored, 3 half turn, 4 mirrored
    /// half turn, 5 transposed, 6 to be turned a quarter clockwise, 7 transposed across the other diagonal, 8 to be
    /// turned a quarter anticlockwise. Other values leave the picture as it is.
    #[must_use]
    pub fn oriented(mut self, orientation: u8) -> Self {
        let row_bytes = self.width as usize * 3;
        match orientation {
            2 => self.rgb.chunks_exact_mut(row_bytes).for_each(reverse_pixels),
            3 => reverse_pixels(&mut self.rgb),
            4 => {
                let rows = self.height as usize;
                for y in 0..rows / 2 {
                    let (above, below) = self.rgb.split_at_mut((rows - 1 - y) * row_bytes);
                    above[y * row_bytes..][..row_bytes].swap_with_slice(&mut below[..row_bytes]);
                }
            }
            5..=8 => return self.turned(orientation),
            _ => {}
        }
        self
    }

    /// Orientations 5 to 8, which exchange width and height.
    fn turned(self, orientation: u8) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        // Whether a step along an output column (row) runs backwards through the source's row (column).
        let (flip_x, flip_y) = match orientation {
            5 => (false, false),
            6 => (false, true),
            7 => (true, true),
            _ => (true, false),
        };
        let mut rgb = vec![0; self.rgb.len()];
        for block_y in (0..width).step_by(BLOCK) {
            for block_x in (0..height).step_by(BLOCK) {
                for y in block_y..(block_y + BLOCK).min(width) {
                    let from_x = if flip_x { width - 1 - y } else { y };
                    for x in block_x..(block_x + BLOCK).min(height) {
                        let from_y = if flip_y { height - 1 - x } else { x };
                        let (to, from) = ((y * height + x) * 3, (from_y * width + from_x) * 3);
                        rgb[to..to + 3].copy_from_slice(&self.rgb[from..from + 3]);
                    }
                }
            }
        }
        Self { width: self.height, height: self.width, rgb }
    }
}

/// Averages column sums of `height` rows over `to_width` target pixels, three channels.
fn average_across(sums: &[u32], to_width: usize, height: usize, rgb: &mut Vec<u8>) {
    let columns = sums.as_chunks::<3>().0;
    let width = columns.len();
    let area = width as u64 * height as u64;
    let (mut total, mut missing) = ([0_u64; 3], width);
    for column in columns {
        let share = missing.min(to_width);
        for (total, value) in total.iter_mut().zip(column) {
            *total += share as u64 * u64::from(*value);
        }
        missing -= share;
        if missing == 0 {
            rgb.extend(total.map(|total| ((total + area / 2) / area) as u8));
            // The target is not larger: at most one of its pixels ends within a source pixel.
            let rest = to_width - share;
            total = column.map(|value| rest as u64 * u64::from(value));
            missing = width - rest;
        }
    }
}

/// Reverses the order of whole pixels.
fn reverse_pixels(rgb: &mut [u8]) {
    let pixels = rgb.len() / 3;
    for i in 0..pixels / 2 {
        let (left, right) = (3 * i, 3 * (pixels - 1 - i));
        for channel in 0..3 {
            rgb.swap(left + channel, right + channel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(width: u32, height: u32, letters: &str) -> Picture {
        Picture::new(width, height, letters.bytes().flat_map(|b| [b, b + 1, b + 2]).collect()).unwrap()
    }

    #[test]
    fn a_picture_must_have_the_length_its_sides_say() {
        assert!(Picture::new(2, 1, vec![0; 6]).is_some());
        assert!(Picture::new(2, 1, vec![0; 5]).is_none());
        assert!(Picture::new(0, 1, vec![]).is_none());
        assert!(Picture::new(u32::MAX, u32::MAX, vec![0; 6]).is_none());
    }

    #[test]
    fn all_eight_orientations() {
        // Stored rows ABC / DEF.
        let stored = letters(3, 2, "ABCDEF");
        let seen = [
            (0, 3, "ABCDEF"),
            (1, 3, "ABCDEF"),
            (2, 3, "CBAFED"),
            (3, 3, "FEDCBA"),
            (4, 3, "DEFABC"),
            (5, 2, "ADBECF"),
            (6, 2, "DAEBFC"),
            (7, 2, "FCEBDA"),
            (8, 2, "CFBEAD"),
            (9, 3, "ABCDEF"),
        ];
        for (orientation, width, expected) in seen {
            let got = stored.clone().oriented(orientation);
            assert_eq!(got, letters(width, 6 / width, expected), "orientation {orientation}");
        }
    }

    #[test]
    fn quarter_turns_larger_than_a_block_undo_each_other() {
        let (width, height) = (70, 45);
        let rgb = (0..width * height * 3).map(|i| (i * 7 % 251) as u8).collect();
        let picture = Picture::new(width, height, rgb).unwrap();
        assert_eq!(picture.clone().oriented(6).oriented(8), picture);
        for own_inverse in [2, 3, 4, 5, 7] {
            assert_eq!(picture.clone().oriented(own_inverse).oriented(own_inverse), picture);
        }
    }

    #[test]
    fn alpha_is_laid_over_white() {
        let rgba = vec![10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 128, 255, 255, 255, 77];
        let picture = Picture::over_white(4, 1, rgba).unwrap();
        assert_eq!(picture.rgb, [10, 20, 30, 255, 255, 255, 127, 127, 127, 255, 255, 255]);
        assert!(Picture::over_white(4, 1, vec![0; 12]).is_none());
    }
}
