//! Two aligned pictures at the scale of a registered sketch.
//!
//! Owns that scale. What decides the relation is measured there, so that it does not depend on which reference was
//! kept.

use super::agreement::softened;
use super::raster::Plane;

/// Longest side at which pictures are related, pixels.
pub(crate) const SIDE: usize = 192;

/// Luma of the predicted and the aligned picture, softened, and how much of each pixel the query shows (0 to 255).
pub(crate) struct Sketch {
    pub(crate) predicted: Plane,
    pub(crate) query: Plane,
    pub(crate) valid: Plane,
}

impl Sketch {
    /// Of a frame at that scale.
    pub(crate) fn new(predicted: &Plane, query: &Plane, valid: &[u8]) -> Self {
        let (width, height) = (predicted.width, predicted.height);
        let valid = Plane { width, height, data: valid.to_vec() };
        Self { predicted: softened(predicted), query: softened(query), valid }
    }
}
