//! What can go wrong between a file's bytes and its pixels.
//!
//! Owns the error type and the translation of the decoders' own errors into it. It must not know how a format is read.

use std::error::Error as StdError;
use std::io;

use image::ImageError;
use touchstone_schema::problem::ProblemCode;

/// Why a file gave no picture. Nothing is kept of a failed decode: there are no half pictures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes do not begin like any picture format known here.
    #[error("this is not a picture file; send a JPEG, PNG, WebP, GIF, TIFF, BMP, HEIC or AVIF file")]
    NotAnImage,
    /// A picture, of a kind that is not decoded here. `what` names the kind and the remedy.
    #[error("unsupported picture: {what}")]
    Unsupported {
        /// The kind of picture, and what to do about it.
        what: String,
    },
    /// The file is larger than [`crate::limits::Limits::max_bytes`].
    #[error("the file has {found} bytes, the limit is {limit}")]
    TooManyBytes {
        /// Size of the file, bytes.
        found: u64,
        /// The limit, bytes.
        limit: u64,
    },
    /// The header declares more pixels than the limits allow.
    #[error("the picture is {width} x {height}; the limits are {max_side} a side and {max_pixels} pixels")]
    TooManyPixels {
        /// Declared width, pixels.
        width: u32,
        /// Declared height, pixels.
        height: u32,
        /// The limit on width times height.
        max_pixels: u64,
        /// The limit on each side.
        max_side: u32,
    },
    /// Decoding would need more memory than [`crate::limits::Limits::max_memory`].
    #[error("decoding would need about {needed} bytes of memory, the limit is {limit}")]
    TooMuchMemory {
        /// Estimated need, bytes.
        needed: u64,
        /// The limit, bytes.
        limit: u64,
    },
    /// Decoding takes too long: the caller's test stopped it, or the file asks for too many passes.
    #[error("decoding takes too long")]
    TooSlow,
    /// The file ends before the picture does.
    #[error("the file is cut short: the picture is incomplete")]
    Truncated,
    /// The file contradicts its format.
    #[error("the file is damaged: {reason}")]
    Corrupt {
        /// What was found wrong, for a log.
        reason: String,
    },
}

/// Longest reason kept: decoders quote file content in their messages.
const MAX_REASON: usize = 200;

impl DecodeError {
    /// The code of the problem document that tells about it.
    #[must_use]
    pub const fn problem(&self) -> ProblemCode {
        match self {
            Self::NotAnImage => ProblemCode::NotAnImage,
            Self::Unsupported { .. } => ProblemCode::UnsupportedPicture,
            Self::TooManyBytes { .. } => ProblemCode::BodyTooLarge,
            Self::TooManyPixels { .. } => ProblemCode::TooManyPixels,
            Self::TooMuchMemory { .. } | Self::TooSlow => ProblemCode::PictureTooCostly,
            Self::Truncated | Self::Corrupt { .. } => ProblemCode::CorruptPicture,
        }
    }

    // By value, to serve as the argument of `map_err`.
    #[allow(clippy::needless_pass_by_value)]
    pub(crate) fn corrupt(reason: impl ToString) -> Self {
        let reason = reason.to_string().chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
        Self::Corrupt { reason }
    }

    // By value, to serve as the argument of `map_err`.
    #[allow(clippy::needless_pass_by_value)]
    pub(crate) fn unsupported(what: impl ToString) -> Self {
        let what = what.to_string().chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
        Self::Unsupported { what }
    }

    /// Translates an error of the `image` crate; `max_memory` in bytes is the limit it was given.
    pub(crate) fn from_image(error: ImageError, max_memory: usize) -> Self {
        // `ImageError::source` skips the `io::Error` itself.
        let early = match &error {
            ImageError::IoError(e) => ended_early(e),
            other => ended_early(other),
        };
        if early {
            return Self::Truncated;
        }
        match error {
            ImageError::Limits(_) => {
                let limit = max_memory as u64;
                Self::TooMuchMemory { needed: limit.saturating_add(1), limit }
            }
            ImageError::Unsupported(e) => {
                Self::unsupported(format!("{e}; convert the picture to 8-bit JPEG or PNG"))
            }
            // The GIF decoder's way to say that there was no frame.
            ImageError::Parameter(_) => Self::Truncated,
            other => Self::corrupt(other),
        }
    }
}

/// Whether an end of file is somewhere in the chain of causes.
fn ended_early(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(e) = cause {
        if let Some(e) = e.downcast_ref::<io::Error>() {
            if e.kind() == io::ErrorKind::UnexpectedEof {
                return true;
            }
            // An `io::Error` made from another error hides it behind `get_ref`, not `source`.
            if let Some(inner) = e.get_ref() {
                cause = Some(inner);
                continue;
            }
        }
        cause = e.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_of_file_anywhere_in_the_chain_means_truncated() {
        let eof = || io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(DecodeError::from_image(ImageError::IoError(eof()), 1), DecodeError::Truncated);
        let nested = io::Error::other(eof());
        assert_eq!(DecodeError::from_image(ImageError::IoError(nested), 1), DecodeError::Truncated);
        let other = ImageError::IoError(io::Error::other("odd"));
        assert_eq!(DecodeError::from_image(other, 1), DecodeError::Corrupt { reason: "odd".into() });
    }

    #[test]
    fn reasons_are_short_and_printable() {
        let DecodeError::Corrupt { reason } = DecodeError::corrupt("a\n\u{1b}".repeat(500)) else { panic!() };
        assert_eq!(reason, "a".repeat(MAX_REASON));
    }
}
