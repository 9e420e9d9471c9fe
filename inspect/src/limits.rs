//! How much work one file may cause.
//!
//! Owns the numbers and the checks against them. It must not know any file format: the decoders ask it before they
//! allocate.

use std::fmt;
use std::sync::Arc;

use crate::decode::DecodeError;

/// Asks the caller whether the work should stop, for instance because a deadline has passed.
///
/// Inspection is pure computation and has no clock: whoever has one supplies the test.
pub type CancelTest = Arc<dyn Fn() -> bool + Send + Sync>;

/// Upper bounds for decoding one picture. Each is checked before the memory it guards is allocated.
#[derive(Clone)]
pub struct Limits {
    /// Size of the file, bytes.
    pub max_bytes: usize,
    /// Width times height, pixels.
    pub max_pixels: u64,
    /// Width and height, pixels each.
    pub max_side: u32,
    /// Estimated peak memory of one decode, bytes; the file itself is not counted.
    pub max_memory: usize,
    /// Scans of one JPEG. A progressive file of many scans costs one pass over the picture for each.
    pub max_scans: u32,
    /// Polled while the file is read and between the stages of decoding; `true` stops the work.
    pub cancelled: Option<CancelTest>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 32 << 20,
            max_pixels: 64_000_000,
            max_side: 30_000,
            max_memory: 512 << 20,
            max_scans: 64,
            cancelled: None,
        }
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits")
            .field("max_bytes", &self.max_bytes)
            .field("max_pixels", &self.max_pixels)
            .field("max_side", &self.max_side)
            .field("max_memory", &self.max_memory)
            .field("max_scans", &self.max_scans)
            .field("cancelled", &self.cancelled.as_ref().map(|_| "Fn() -> bool"))
            .finish()
    }
}

impl Limits {
    /// Refuses a file of more than `max_bytes` bytes.
    pub(crate) fn check_bytes(&self, found: usize) -> Result<(), DecodeError> {
        if found > self.max_bytes {
            return Err(DecodeError::TooManyBytes { found: found as u64, limit: self.max_bytes as u64 });
        }
        Ok(())
    }

    /// Refuses a picture whose header declares no pixels, a side over `max_side` or an area over `max_pixels`.
    pub(crate) fn check_dimensions(&self, width: u32, height: u32) -> Result<(), DecodeError> {
        if width == 0 || height == 0 {
            return Err(DecodeError::corrupt("the header declares a picture without pixels"));
        }
        let pixels = u64::from(width) * u64::from(height);
        if width > self.max_side || height > self.max_side || pixels > self.max_pixels {
            return Err(DecodeError::TooManyPixels {
                width,
                height,
                max_pixels: self.max_pixels,
                max_side: self.max_side,
            });
        }
        Ok(())
    }

    /// Refuses a decode whose estimated peak memory, in bytes, is over `max_memory`.
    pub(crate) fn check_memory(&self, needed: u64) -> Result<(), DecodeError> {
        if needed > self.max_memory as u64 {
            return Err(DecodeError::TooMuchMemory { needed, limit: self.max_memory as u64 });
        }
        Ok(())
    }

    /// Stops when the caller's test says so.
    pub(crate) fn check_cancelled(&self) -> Result<(), DecodeError> {
        match &self.cancelled {
            Some(cancelled) if cancelled() => Err(DecodeError::TooSlow),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_checked_by_side_and_by_area() {
        let limits = Limits { max_side: 100, max_pixels: 5_000, ..Limits::default() };
        assert!(limits.check_dimensions(100, 50).is_ok());
        assert!(matches!(limits.check_dimensions(101, 1), Err(DecodeError::TooManyPixels { .. })));
        assert!(matches!(limits.check_dimensions(100, 51), Err(DecodeError::TooManyPixels { .. })));
        assert!(matches!(
            limits.check_dimensions(u32::MAX, u32::MAX),
            Err(DecodeError::TooManyPixels { .. })
        ));
        assert!(matches!(limits.check_dimensions(0, 5), Err(DecodeError::Corrupt { .. })));
    }

    #[test]
    fn debug_shows_the_numbers_and_whether_there_is_a_test() {
        let limits = Limits { cancelled: Some(Arc::new(|| true)), ..Limits::default() };
        let text = format!("{limits:?}");
        assert!(text.contains("max_pixels: 64000000") && text.contains("Fn() -> bool"), "{text}");
        assert!(matches!(limits.check_cancelled(), Err(DecodeError::TooSlow)));
        assert!(Limits::default().check_cancelled().is_ok());
    }
}
