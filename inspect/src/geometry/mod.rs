//! The geometry between a registered picture and a picture that is looked up.
//!
//! Owns matching of descriptors, the search for one plane map that explains the matches, and its
//! plausibility. Knows nothing of pixels: whether two pictures are the same capture is decided elsewhere,
//! never by the number of inliers.

// The entries of small matrices and the coordinates in two planes have one letter each, as in the literature;
// 32 bits are enough for the directions and scales that a map is compared with.
#![allow(clippy::many_single_char_names, clippy::cast_possible_truncation)]

mod align;
mod fit;
mod homography;
mod matching;

pub use align::{Alignment, MIN_INLIERS, align};
pub use homography::Homography;
pub use matching::Match;
