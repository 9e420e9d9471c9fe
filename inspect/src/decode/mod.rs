//! From a file's bytes to pixels, within limits.
//!
//! Owns recognising the format, the order of the checks (bytes, declared dimensions, estimated memory, then pixels) and
//! the promise that a damaged or hostile file ends in a [`DecodeError`], never in half a picture. It must not know what
//! the pixels are for, and it does no colour management.

mod error;
mod format;
mod jpeg;
mod picture;
mod polled;
mod raster;
mod scaled;
mod structure;

#[cfg(feature = "heif")]
mod av1;
#[cfg(feature = "heif")]
mod heif;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use error::DecodeError;
pub use format::Format;
pub use picture::Picture;

use crate::limits::Limits;

/// A decoded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The pixels, upright.
    pub picture: Picture,
    /// Width of the picture as the file declares it, upright, pixels; more than `picture` has if that is reduced.
    pub width: u32,
    /// Height as the file declares it, upright, pixels.
    pub height: u32,
    /// The format, told from the bytes.
    pub format: Format,
    /// The EXIF orientation found in the file, 1 to 8, already applied to `picture`; 1 when there is none. For HEIC and
    /// AVIF it is always 1: there the container's own rotation counts (ISO/IEC 23008-12, 6.5.10), and it is part of
    /// decoding.
    pub orientation: u8,
    /// Whether the file holds further pictures (animation frames, pages) that were not looked at.
    pub frames_ignored: bool,
}

/// Samples as a lossless file stores them: at full size, before anything is turned, converted or laid over white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPixels<'a> {
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// Samples of a pixel: 3 for red, green, blue; 4 with alpha behind them.
    pub channels: usize,
    /// `width * height * channels` samples of 8 bits, row-major.
    pub samples: &'a [u8],
}

/// What looks at [`StoredPixels`].
pub type Look<'l> = &'l mut dyn FnMut(&StoredPixels<'_>);

/// Decodes the first picture of a file at its full size.
///
/// # Errors
/// See [`DecodeError`]. No memory is allocated for pixels before the header's dimensions and the estimated memory have
/// passed `limits`.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    decode_for(bytes, limits, u64::MAX, &mut |_| {})
}

/// Decodes the first picture of a file, smaller if it is much larger than needed: it keeps its shape and has, but for
/// rounding, at least `least_area` pixels, or all of its own if it has fewer. Costs far less than a full decode if the
/// file is a large JPEG of the kind that cameras write.
///
/// # Errors
/// As [`decode`].
pub fn decode_reduced(bytes: &[u8], limits: &Limits, least_area: u32) -> Result<Decoded, DecodeError> {
    decode_reduced_looking(bytes, limits, least_area, &mut |_| {})
}

/// As [`decode_reduced`], and shows the samples on the way to `look` if the format is one that can be lossless (PNG,
/// WebP, TIFF, BMP) and stores RGB or RGBA with 8 bits. Other files cost nothing more.
///
/// # Errors
/// As [`decode`].
pub fn decode_reduced_looking(
    bytes: &[u8],
    limits: &Limits,
    least_area: u32,
    look: Look<'_>,
) -> Result<Decoded, DecodeError> {
    let mut decoded = decode_for(bytes, limits, u64::from(least_area.max(1)), look)?;
    let Picture { width, height, .. } = decoded.picture;
    let shrink = (u64::from(width) * u64::from(height) / u64::from(least_area.max(1))).isqrt();
    if shrink > 1 {
        decoded.picture = decoded.picture.reduced(u64::from(width.max(height)).div_ceil(shrink) as u32);
        limits.check_cancelled()?;
    }
    Ok(decoded)
}

fn decode_for(
    bytes: &[u8],
    limits: &Limits,
    least_area: u64,
    look: Look<'_>,
) -> Result<Decoded, DecodeError> {
    limits.check_bytes(bytes.len())?;
    let format = Format::sniff(bytes).ok_or(DecodeError::NotAnImage)?;
    limits.check_cancelled()?;
    let decoded = guarded(|| match format {
        Format::Avif | Format::Heic => decode_heif(bytes, format, limits),
        _ => raster::decode(bytes, format, limits, least_area, look),
    })?;
    limits.check_cancelled()?;
    Ok(decoded)
}

#[cfg(feature = "heif")]
fn decode_heif(bytes: &[u8], _format: Format, limits: &Limits) -> Result<Decoded, DecodeError> {
    heif::decode(bytes, limits)
}

#[cfg(not(feature = "heif"))]
fn decode_heif(_bytes: &[u8], format: Format, _limits: &Limits) -> Result<Decoded, DecodeError> {
    let name = format.name();
    Err(DecodeError::unsupported(format!("{name} is not compiled in; convert the picture to JPEG")))
}

/// Runs a decoder and turns a panic inside it into [`DecodeError::Corrupt`].
///
/// The decoders are other people's parsers fed with hostile bytes: a slice index out of range or an arithmetic overflow
/// in one of them must cost the caller that file and nothing else. Unwinding across this boundary is sound: the decoder
/// and everything it built are dropped here, and the only things shared with the outside are the borrowed bytes and the
/// limits, which it cannot change.
fn guarded<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(DecodeError::corrupt("the decoder gave up on an inconsistency in the file")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_decoder_is_a_damaged_file() {
        let result: Result<(), _> = guarded(|| panic!("index out of bounds"));
        assert!(matches!(result, Err(DecodeError::Corrupt { .. })));
        assert_eq!(guarded(|| Ok(7)), Ok(7));
    }

    #[test]
    fn the_size_of_the_file_is_checked_before_anything_else() {
        let limits = Limits { max_bytes: 3, ..Limits::default() };
        assert_eq!(decode(b"abcd", &limits), Err(DecodeError::TooManyBytes { found: 4, limit: 3 }));
        assert_eq!(decode(b"abc", &limits), Err(DecodeError::NotAnImage));
        assert_eq!(decode(b"", &limits), Err(DecodeError::NotAnImage));
    }
}
