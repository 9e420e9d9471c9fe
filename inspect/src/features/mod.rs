//! Local features: where they stand, how large and how turned they are, and 256 bits that say how the picture
//! looks there.
//!
//! Owns the extraction from a working raster. Knows nothing of matching, of thresholds or of storage.
//!
//! Method: Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004, with three
//! changes for speed. The scale space starts at a fine scale instead of a doubled picture; the strongest,
//! spatially balanced points are chosen first and only those are described; a descriptor is sampled on a
//! fixed grid that turns and grows with its point. The histogram is kept as signs only (256 bits), which a
//! square root or a normalisation would not change.

// Sides of rasters are at most 1,024, indices and bins far smaller, and floating-point values are cut where
// that is meant.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

mod describe;
mod detect;
mod grid;
pub(crate) mod maths;
mod record;
mod scale_space;
mod select;

use crate::raster::Grey;
use describe::Describer;
use detect::Point;
pub use record::{BYTES_PER_FEATURE, HEADER_BYTES, MAX_RECORDED, RecordError};
use scale_space::ScaleSpace;

/// Long side, pixels, of the raster whose features are registered.
pub const REGISTER_SIDE: u32 = 448;
/// Long side, pixels, of the raster whose features are looked up.
pub const QUERY_SIDE: u32 = 640;
/// The same for a second look at a photo with grain.
pub const COARSE_SIDE: u32 = 320;
/// Features of a registered picture.
pub const REGISTER_COUNT: usize = 64;
/// Features of a picture that is looked up.
pub const QUERY_COUNT: usize = 600;

/// The 256 bits of a descriptor, lowest bit first.
pub type Code = [u64; 4];

/// Where a feature stands and how it is oriented.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keypoint {
    /// Position, pixels of the raster; the centre of the first pixel is (0.5, 0.5).
    pub x: f32,
    /// Position downwards, pixels of the raster.
    pub y: f32,
    /// Binary logarithm of the feature's standard deviation in pixels.
    pub log_scale: f32,
    /// Dominant direction of the gradient, turns in 0 to 1 from the x axis towards the y axis (clockwise as
    /// seen).
    pub angle: f32,
}

/// A place and how the picture looks there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Feature {
    /// Position, scale and direction.
    pub keypoint: Keypoint,
    /// The descriptor.
    pub code: Code,
}

/// The features of a registered picture, best rank first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reference {
    /// Width of the raster they were found in, pixels.
    pub width: u16,
    /// Height of the raster, pixels.
    pub height: u16,
    /// The features.
    pub features: Vec<Feature>,
}

/// The features of a picture that is looked up, best rank first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Width of the raster they were found in, pixels.
    pub width: u16,
    /// Height of the raster, pixels.
    pub height: u16,
    /// The features.
    pub features: Vec<TwoFaced>,
}

/// A feature that can also be matched as if its picture were mirrored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoFaced {
    /// The feature as it is.
    pub feature: Feature,
    /// The descriptor of the same place in the picture mirrored left to right. (There the feature stands at
    /// `width - x` with the direction `0.5 - angle`.)
    pub mirrored: Code,
}

/// How many features are wanted and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Most features that are given.
    pub count: usize,
    /// Contrast from which a point is a good one, in grey levels of the difference of Gaussians.
    pub contrast: f32,
    /// Least contrast of a point. Weaker ones than `contrast` are taken only where good ones are too few.
    pub least_contrast: f32,
    /// Largest ratio of a point's two principal curvatures.
    pub edge_ratio: f32,
    /// Standard deviation of the finest scale, pixels.
    pub finest: f64,
    /// Most directions that one point is described under.
    pub directions: usize,
}

impl Settings {
    /// For a picture that is registered (a raster of [`REGISTER_SIDE`]).
    pub const REGISTER: Self = Self {
        count: REGISTER_COUNT,
        contrast: 1.7,
        least_contrast: 0.8,
        edge_ratio: 12.0,
        finest: 1.1,
        directions: 1,
    };
    /// For a picture that is looked up (a raster of [`QUERY_SIDE`]).
    pub const QUERY: Self = Self {
        count: QUERY_COUNT,
        contrast: 1.7,
        least_contrast: 0.8,
        edge_ratio: 12.0,
        finest: 1.05,
        directions: 2,
    };
}

/// Finds and describes features; keeps its memory from one picture to the next. The same raster and settings
/// always give the same features, in the same order: best rank first.
#[derive(Debug, Default)]
pub struct Extractor {
    space: ScaleSpace,
    points: Vec<Point>,
}

impl Extractor {
    /// An extractor without memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is kept of a picture that is registered.
    pub fn reference(&mut self, raster: &Grey, settings: &Settings) -> Reference {
        let features = self.extract(raster, settings).into_iter().map(|two| two.feature).collect();
        Reference { width: side(raster.width()), height: side(raster.height()), features }
    }

    /// What a picture is looked up with.
    pub fn query(&mut self, raster: &Grey, settings: &Settings) -> Query {
        let features = self.extract(raster, settings);
        Query { width: side(raster.width()), height: side(raster.height()), features }
    }

    /// The features of a raster, at most `settings.count`, spatially balanced. A flat or tiny raster has
    /// none.
    fn extract(&mut self, raster: &Grey, settings: &Settings) -> Vec<TwoFaced> {
        self.space.build(raster, settings.finest);
        self.points.clear();
        for (index, octave) in self.space.octaves().iter().enumerate() {
            detect::points(octave, index, self.space.unit(), settings, &mut self.points);
        }
        select::balance(&mut self.points, settings.count, settings.contrast, raster.width(), raster.height());
        let finest = self.space.finest() * f64::from(self.space.unit());
        let describer = Describer::new(self.space.finest());
        let mut features = Vec::with_capacity(settings.count.min(self.points.len() * settings.directions));
        for point in &self.points {
            let Some(octave) = self.space.octaves().get(point.octave) else { continue };
            let plane = octave.gaussian(point.level);
            for angle in describer.directions(plane, point).take(settings.directions) {
                if features.len() == settings.count {
                    return features;
                }
                let (code, mirrored) = describer.code(plane, point, angle);
                let feature = Feature { keypoint: point.keypoint(angle, finest), code };
                features.push(TwoFaced { feature, mirrored });
            }
        }
        features
    }
}

/// A side of a working raster, which never exceeds 16 bits.
fn side(pixels: usize) -> u16 {
    u16::try_from(pixels).unwrap_or(u16::MAX)
}
