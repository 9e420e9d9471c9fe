//! The stored bytes of a registered picture's features.
//!
//! Owns the layout, version 1; all numbers little-endian:
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 1 | version, 1 |
//! | 1 | 1 | number n of features, 0 to 128 |
//! | 2 | 2 | width of the raster, pixels, 1 to 1,024 |
//! | 4 | 2 | height of the raster, pixels, 1 to 1,024 |
//! | 6 + 38 i | 2 | feature i: x in 32nds of a pixel, less than 32 times the width |
//! | 8 + 38 i | 2 | y in the same way |
//! | 10 + 38 i | 1 | binary logarithm of the scale in pixels, in 24ths, plus 24 |
//! | 11 + 38 i | 1 | direction, 256ths of a turn |
//! | 12 + 38 i | 32 | descriptor: four 64-bit words |
//!
//! 64 features take 2,438 bytes. The order of the features is that of the extractor, best rank first.

use super::{Code, Feature, Keypoint, Reference};
use crate::raster::MAX_SIDE;
use thiserror::Error;

const VERSION: u8 = 1;
/// Bytes before the first feature.
pub const HEADER_BYTES: usize = 6;
/// Bytes per feature.
pub const BYTES_PER_FEATURE: usize = 38;
/// Most features in a record.
pub const MAX_RECORDED: usize = 128;
/// Steps per pixel, per octave of scale, and what is added to a logarithm so that it is not negative.
const PER_PIXEL: f32 = 32.0;
const PER_OCTAVE: f32 = 24.0;
const LEAST_LOG_SCALE: f32 = -1.0;
const PER_TURN: f32 = 256.0;

/// Why bytes are no record of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RecordError {
    /// The first byte names another version.
    #[error("features of unknown version {0}")]
    Version(u8),
    /// The length is not what the number of features asks for.
    #[error("{found} bytes of features where {expected} are expected")]
    Length {
        /// Bytes that were expected.
        expected: usize,
        /// Bytes that were given.
        found: usize,
    },
    /// More features than a record may hold.
    #[error("{0} features exceed the limit of {MAX_RECORDED}")]
    Count(usize),
    /// A side of the raster is zero or too long.
    #[error("a raster of {0} x {1} pixels is outside 1 to {MAX_SIDE}")]
    Size(u16, u16),
    /// A feature lies outside the raster.
    #[error("feature {0} lies outside the raster")]
    Position(usize),
}

impl Reference {
    /// The stored bytes. Features beyond [`MAX_RECORDED`] are left out.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let features = &self.features[..self.features.len().min(MAX_RECORDED)];
        let mut bytes = Vec::with_capacity(HEADER_BYTES + BYTES_PER_FEATURE * features.len());
        bytes.extend([VERSION, features.len() as u8]);
        bytes.extend(self.width.to_le_bytes());
        bytes.extend(self.height.to_le_bytes());
        for Feature { keypoint, code } in features {
            let place = |value: f32, side: u16| {
                let most = f32::from(side) * PER_PIXEL - 1.0;
                ((value * PER_PIXEL + 0.5).clamp(0.0, most.max(0.0)) as u16).to_le_bytes()
            };
            bytes.extend(place(keypoint.x, self.width));
            bytes.extend(place(keypoint.y, self.height));
            // Conversions to whole numbers stop at the type's ends.
            bytes.push(((keypoint.log_scale - LEAST_LOG_SCALE) * PER_OCTAVE + 0.5) as u8);
            bytes.push(((keypoint.angle * PER_TURN + 0.5) as u32 % 256) as u8);
            bytes.extend(code.iter().flat_map(|word| word.to_le_bytes()));
        }
        bytes
    }

    /// Reads exactly the bytes that [`Reference::to_bytes`] writes.
    ///
    /// # Errors
    /// [`RecordError`] says what the bytes violate. Nothing beyond the given length is allocated.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let wrong_length = |expected| RecordError::Length { expected, found: bytes.len() };
        let (header, body) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(wrong_length(HEADER_BYTES))?;
        let [version, count, w0, w1, h0, h1] = *header;
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        let count = usize::from(count);
        if count > MAX_RECORDED {
            return Err(RecordError::Count(count));
        }
        if body.len() != count * BYTES_PER_FEATURE {
            return Err(wrong_length(HEADER_BYTES + count * BYTES_PER_FEATURE));
        }
        let (width, height) = (u16::from_le_bytes([w0, w1]), u16::from_le_bytes([h0, h1]));
        let sides = 1..=MAX_SIDE;
        if !sides.contains(&u32::from(width)) || !sides.contains(&u32::from(height)) {
            return Err(RecordError::Size(width, height));
        }
        let mut features = Vec::with_capacity(count);
        for (index, record) in body.as_chunks::<BYTES_PER_FEATURE>().0.iter().enumerate() {
            let [x0, x1, y0, y1, log_scale, angle, words @ ..] = record;
            let (x, y) =
                (f32::from(u16::from_le_bytes([*x0, *x1])), f32::from(u16::from_le_bytes([*y0, *y1])));
            if x >= f32::from(width) * PER_PIXEL || y >= f32::from(height) * PER_PIXEL {
                return Err(RecordError::Position(index));
            }
            let mut code: Code = [0; 4];
            for (word, bytes) in code.iter_mut().zip(words.as_chunks::<8>().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            let keypoint = Keypoint {
                x: x / PER_PIXEL,
                y: y / PER_PIXEL,
                log_scale: f32::from(*log_scale) / PER_OCTAVE + LEAST_LOG_SCALE,
                angle: f32::from(*angle) / PER_TURN,
            };
            features.push(Feature { keypoint, code });
        }
        Ok(Self { width, height, features })
    }
}
