//! Plane homographies between pixel frames.
//!
//! Owns the 3 x 3 matrix, its composition, inverse and sanity. Pixel centres lie at whole numbers.

// The entries of a 3 x 3 matrix are a to i everywhere.
#![allow(clippy::many_single_char_names)]

/// A homography, row-major; it maps (x, y, 1) of one picture to another up to scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homography(pub [f64; 9]);

impl Homography {
    /// The map that leaves every point where it is.
    pub const IDENTITY: Self = Self([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);

    /// Resampling from a frame of `from` pixels (width, height) to one of `to` pixels over the same picture.
    #[must_use]
    pub fn rescale(from: (f64, f64), to: (f64, f64)) -> Self {
        let (sx, sy) = (to.0 / from.0, to.1 / from.1);
        Self([sx, 0.0, 0.5 * sx - 0.5, 0.0, sy, 0.5 * sy - 0.5, 0.0, 0.0, 1.0])
    }

    pub(crate) const fn shift(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, x, 0.0, 1.0, y, 0.0, 0.0, 1.0])
    }

    /// The homography that applies `first`, then `self`.
    #[must_use]
    pub fn after(&self, first: &Self) -> Self {
        let mut out = [0.0; 9];
        for row in 0..3 {
            for column in 0..3 {
                out[3 * row + column] = (0..3).map(|k| self.0[3 * row + k] * first.0[3 * k + column]).sum();
            }
        }
        Self(out)
    }

    /// The inverse; `None` when the matrix is singular or not finite.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let minors = [
            e * i - f * h,
            c * h - b * i,
            b * f - c * e,
            f * g - d * i,
            a * i - c * g,
            c * d - a * f,
            d * h - e * g,
            b * g - a * h,
            a * e - b * d,
        ];
        let determinant = a * minors[0] + b * minors[3] + c * minors[6];
        let inverse = minors.map(|minor| minor / determinant);
        inverse.iter().all(|value| value.is_finite()).then_some(Self(inverse))
    }

    /// Where (x, y) lands; `None` on or behind the horizon.
    #[must_use]
    pub fn apply(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        let depth = g * x + h * y + i;
        // The sign of a homography is free; callers normalise it so that the picture has positive depth.
        (depth > 1e-9).then(|| ((a * x + b * y + c) / depth, (d * x + e * y + f) / depth))
    }

    /// Scaled so that the picture's centre has depth 1; `None` when that is impossible.
    pub(crate) fn normalised(&self, centre: (f64, f64)) -> Option<Self> {
        let depth = self.0[6] * centre.0 + self.0[7] * centre.1 + self.0[8];
        let scaled = self.0.map(|value| value / depth);
        scaled.iter().all(|value| value.is_finite() && value.abs() < 1e7).then_some(Self(scaled))
    }

    /// Linear magnification around (x, y): the square root of the area of a unit square's image.
    pub(crate) fn magnification(&self, x: f64, y: f64) -> Option<f64> {
        let origin = self.apply(x, y)?;
        let right = self.apply(x + 0.5, y)?;
        let down = self.apply(x, y + 0.5)?;
        let area = (right.0 - origin.0) * (down.1 - origin.1) - (right.1 - origin.1) * (down.0 - origin.0);
        let scale = 2.0 * area.abs().sqrt();
        (scale.is_finite() && scale > 1e-6).then_some(scale)
    }

    /// The images of the four corners of a `width` x `height` frame, clockwise from the top left.
    pub(crate) fn corners(&self, width: usize, height: usize) -> Option<[(f64, f64); 4]> {
        #[allow(clippy::cast_precision_loss)] // sides are below 2^16
        let (right, bottom) = ((width - 1) as f64, (height - 1) as f64);
        Some([
            self.apply(0.0, 0.0)?,
            self.apply(right, 0.0)?,
            self.apply(right, bottom)?,
            self.apply(0.0, bottom)?,
        ])
    }
}
