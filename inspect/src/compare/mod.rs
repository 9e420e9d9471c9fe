//! Comparison of a picture with a registered reference, pixel by pixel: are they one capture, and where was the picture
//! altered?
//!
//! Owns the order of work. At the scale of a sketch: one frame at a common density, refined alignment, predicted
//! colours, block agreement, parallax, the reference's border, the relation. Then, for one capture only and as finely as
//! both pictures allow: residual, regions, light of lamps, alterations. It must not know where the reference or the
//! first homography come from.
//!
//! Every step is deterministic on every machine: integer arithmetic, or IEEE basic operations and square roots in a
//! fixed order. Work and memory are bounded by the working frame (about 120,000 pixels) and the bounded query.

mod agreement;
mod align;
mod border;
mod decide;
mod found;
mod frame;
mod highlight;
mod homography;
mod layer;
mod linear;
mod look;
mod outline;
mod parallax;
mod raster;
mod regions;
mod render;
mod residual;
mod screen;
mod sharpness;
mod sight;
mod sketch;
mod tone;
mod veil;
mod warp;
mod whole;

pub use agreement::Agreement;
pub use border::Border;
pub use decide::Relation;
pub use homography::Homography;
pub use parallax::Parallax;
pub use raster::{Plane, Rgb, RgbView};
pub use render::{Drawing, palette, render};
pub use whole::{Alteration, Comparison, Query, compare};

/// Why two pictures could not be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareError {
    /// A side is zero or above 65,535 pixels, or the buffer has another length.
    Size,
    /// The homography is singular, or does not show the reference in the query.
    Homography,
    /// Too few pixels of the reference are visible.
    TooSmall,
}

impl std::fmt::Display for CompareError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Size => "the buffer does not hold a picture of the given sides",
            Self::Homography => "the homography does not show the reference in the query",
            Self::TooSmall => "too few pixels of the reference are visible",
        })
    }
}

impl std::error::Error for CompareError {}
