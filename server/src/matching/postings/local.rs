//! A local descriptor with its place: what is compared, voted with and stored.
//!
//! Owns the quantised form and its bytes. Knows nothing of how descriptors are extracted.

/// Bytes of a stored descriptor.
pub const LOCAL_BYTES: usize = 38;
/// Descriptors of a registered picture that are indexed; further ones are ignored.
pub const PICTURE_LOCALS: usize = 64;
/// Steps of [`Local::log_scale`] in an octave.
pub const STEPS_PER_OCTAVE: u8 = 24;

/// The 256 bits of a descriptor, lowest bit first: bit 8 c + b says whether orientation b of cell c (4 x 4 cells,
/// row by row) is in the upper half, bit 128 + 8 c + b whether it exceeds the next orientation of its cell.
pub type Code = [u64; 4];

/// Number of differing bits.
#[inline]
#[must_use]
pub fn distance(a: &Code, b: &Code) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// Whether at most `most` bits differ. Half of them settle nearly all pairs if `most` is far below half of what other
/// places differ by.
#[inline]
pub(crate) fn is_within(a: &Code, b: &Code, most: u32) -> bool {
    let half = (a[0] ^ b[0]).count_ones() + (a[1] ^ b[1]).count_ones();
    half <= most && half + (a[2] ^ b[2]).count_ones() + (a[3] ^ b[3]).count_ones() <= most
}

/// A descriptor and where it stands in its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Local {
    /// How the picture looks there.
    pub code: Code,
    /// Position to the right, 32nds of a pixel of the raster the picture was described in.
    pub x: u16,
    /// Position downwards, 32nds of a pixel.
    pub y: u16,
    /// Binary logarithm of the scale in pixels: 24ths of an octave, plus 24.
    pub log_scale: u8,
    /// Direction, 256ths of a turn.
    pub angle: u8,
}

impl Local {
    /// The stored form: x, y (2 bytes each), log-scale, direction, code; little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LOCAL_BYTES] {
        let mut bytes = [0; LOCAL_BYTES];
        let parts = [&self.x.to_le_bytes()[..], &self.y.to_le_bytes(), &[self.log_scale, self.angle]];
        let code = self.code.iter().flat_map(|word| word.to_le_bytes());
        for (byte, value) in bytes.iter_mut().zip(parts.concat().into_iter().chain(code)) {
            *byte = value;
        }
        bytes
    }

    /// The descriptor that [`Local::to_bytes`] wrote. Every sequence of bytes is one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; LOCAL_BYTES]) -> Self {
        let [x0, x1, y0, y1, log_scale, angle, code @ ..] = bytes;
        let mut words = [0; 4];
        for (word, eight) in words.iter_mut().zip(code.as_chunks().0) {
            *word = u64::from_le_bytes(*eight);
        }
        let (x, y) = (u16::from_le_bytes([*x0, *x1]), u16::from_le_bytes([*y0, *y1]));
        Self { code: words, x, y, log_scale: *log_scale, angle: *angle }
    }
}
