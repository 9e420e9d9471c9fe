//! A picture in the terminal: half blocks, two pixels a character, in the colours that the terminal has.
//!
//! Owns the shape and the escape codes. It must not know whether anybody reads on a terminal: the caller asks
//! [`Palette::of_terminal`].

use touchstone_inspect::decode::Picture;

/// Most columns of a thumbnail.
const COLUMNS: u32 = 36;
/// Most lines of a thumbnail; each shows two rows of pixels.
const LINES: u32 = 14;
/// Levels of each channel in the colour cube of 256-colour terminals (xterm).
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The colours that a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Palette {
    /// 24 bits (`COLORTERM=truecolor`).
    True,
    /// The 216 colours of the xterm cube.
    Cube,
}

impl Palette {
    /// What the environment variables `COLORTERM` and `TERM` promise; `None` if no picture can be shown.
    pub(crate) fn of_terminal(colorterm: Option<&str>, term: Option<&str>) -> Option<Self> {
        match (colorterm, term) {
            (Some("truecolor" | "24bit"), _) => Some(Self::True),
            (_, Some(term)) if term.contains("direct") || term.contains("kitty") => Some(Self::True),
            (_, Some(term)) if term.contains("256color") => Some(Self::Cube),
            _ => None,
        }
    }

    fn code(self, [red, green, blue]: [u8; 3]) -> String {
        match self {
            Self::True => format!("2;{red};{green};{blue}"),
            Self::Cube => {
                let level = |value: u8| {
                    let far = |at: &usize| CUBE.get(*at).map_or(u8::MAX, |level| level.abs_diff(value));
                    (0..CUBE.len()).min_by_key(far).unwrap_or(0)
                };
                format!("5;{}", 16 + 36 * level(red) + 6 * level(green) + level(blue))
            }
        }
    }
}

/// The picture as lines of a terminal, each ending with the colours reset. Nothing is enlarged.
pub(crate) fn lines(picture: &Picture, palette: Palette) -> Vec<String> {
    let small = picture.reduced(long_side(picture.width, picture.height));
    let row_bytes = 3 * usize::try_from(small.width).unwrap_or(usize::MAX).max(1);
    let rows: Vec<&[u8]> = small.rgb.chunks_exact(row_bytes).collect();
    let colour =
        |pixel: &[u8]| <[u8; 3]>::try_from(pixel).map(|pixel| palette.code(pixel)).unwrap_or_default();
    let line = |pair: &[&[u8]]| {
        let upper = pair.first().copied().unwrap_or_default();
        let lower = pair.get(1).copied().unwrap_or(upper);
        let cells = upper.chunks_exact(3).zip(lower.chunks_exact(3));
        let cells = cells.map(|(up, low)| format!("\x1b[38;{};48;{}m\u{2580}", colour(up), colour(low)));
        cells.chain(["\x1b[0m".to_owned()]).collect()
    };
    rows.chunks(2).map(line).collect()
}

/// The longer side of the thumbnail of a picture, in pixels. A character is about twice as high as wide: pixels are
/// square.
fn long_side(width: u32, height: u32) -> u32 {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let scale = (f64::from(COLUMNS) / width).min(f64::from(2 * LINES) / height).min(1.0);
    ((width.max(height) * scale).round() as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(width: u32, height: u32) -> Picture {
        let colour = |at: u32| if at / width * 2 < height { [255, 0, 0] } else { [0, 0, 255] };
        Picture { width, height, rgb: (0..width * height).flat_map(colour).collect() }
    }

    #[test]
    fn the_shape_is_kept_within_the_bounds() {
        assert_eq!(long_side(4000, 3000), 36);
        assert_eq!(long_side(3000, 4000), 28);
        assert_eq!(long_side(100, 10_000), 28);
        assert_eq!(long_side(3, 2), 3, "nothing is enlarged");
    }

    #[test]
    fn a_line_shows_two_rows() {
        let shown = lines(&halves(2, 2), Palette::True);
        let cell = "\x1b[38;2;255;0;0;48;2;0;0;255m\u{2580}";
        assert_eq!(shown, [format!("{cell}{cell}\x1b[0m")]);
        assert_eq!(
            lines(&halves(2, 2), Palette::Cube),
            [format!("{cell}{cell}\x1b[0m", cell = "\x1b[38;5;196;48;5;21m\u{2580}")]
        );
        assert_eq!(lines(&halves(720, 360), Palette::True).len(), 9);
    }

    #[test]
    fn a_terminal_without_colours_shows_no_picture() {
        assert_eq!(Palette::of_terminal(Some("truecolor"), None), Some(Palette::True));
        assert_eq!(Palette::of_terminal(None, Some("xterm-256color")), Some(Palette::Cube));
        assert_eq!(Palette::of_terminal(None, Some("xterm-kitty")), Some(Palette::True));
        assert_eq!(Palette::of_terminal(None, Some("vt100")), None);
        assert_eq!(Palette::of_terminal(None, None), None);
    }
}
