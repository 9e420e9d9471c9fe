//! A plane projective map.

/// A projective map of the plane from the reference's raster to the query's raster, in pixels. The centre of
/// a raster's first pixel is (0.5, 0.5), so a map for other sizes of the same pictures differs by factors
/// only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homography {
    /// Row-major; the last entry is 1.
    pub rows: [[f64; 3]; 3],
}

impl Homography {
    /// A map from its matrix; `None` when the last entry is too small to divide by or a value is not finite.
    pub(super) fn new(rows: [[f64; 3]; 3]) -> Option<Self> {
        let last = rows[2][2];
        if last.abs() < 1e-12 {
            return None;
        }
        let rows = rows.map(|row| row.map(|value| value / last));
        rows.iter().flatten().all(|value| value.is_finite()).then_some(Self { rows })
    }

    /// Where a point goes; `None` at or behind the horizon.
    #[must_use]
    pub fn apply(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let [u, v, w] = self.rows.map(|row| row[0] * x + row[1] * y + row[2]);
        (w > 1e-9).then_some((u / w, v / w))
    }

    /// The derivative at a point, row-major; `None` at or behind the horizon.
    #[must_use]
    pub fn derivative(&self, (x, y): (f64, f64)) -> Option<[[f64; 2]; 2]> {
        let [u, v, w] = self.rows.map(|row| row[0] * x + row[1] * y + row[2]);
        if w <= 1e-9 {
            return None;
        }
        let [a, b, c] = &self.rows;
        Some([
            [(a[0] - u / w * c[0]) / w, (a[1] - u / w * c[1]) / w],
            [(b[0] - v / w * c[0]) / w, (b[1] - v / w * c[1]) / w],
        ])
    }

    /// The same map between the pictures at other sizes: `reference` and `query` are the new size divided by
    /// the raster's.
    #[must_use]
    pub fn rescaled(&self, reference: (f64, f64), query: (f64, f64)) -> Self {
        let mut rows = self.rows;
        for (row, factor) in rows.iter_mut().zip([query.0, query.1, 1.0]) {
            row[0] *= factor / reference.0;
            row[1] *= factor / reference.1;
            row[2] *= factor;
        }
        Self { rows }
    }

    /// The map back; `None` when there is none.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let [[a, b, c], [d, e, f], [g, h, i]] = self.rows;
        let rows = [
            [e * i - f * h, c * h - b * i, b * f - c * e],
            [f * g - d * i, a * i - c * g, c * d - a * f],
            [d * h - e * g, b * g - a * h, a * e - b * d],
        ];
        let determinant = a * rows[0][0] + b * rows[1][0] + c * rows[2][0];
        if determinant.abs() < 1e-12 { None } else { Self::new(rows) }
    }

    /// Whether the map could be a photograph of the flat reference: at the corners and the centre of its
    /// raster it keeps (or, mirrored, everywhere turns over) the orientation, scales by 0.08 to 12, stretches
    /// at most threefold and foreshortens one part against another at most by a factor of 4 in length.
    pub(super) fn is_plausible(&self, width: f64, height: f64, mirrored: bool) -> bool {
        let mut scales = (f64::INFINITY, 0.0_f64);
        for point in [(0.0, 0.0), (width, 0.0), (0.0, height), (width, height), (width / 2.0, height / 2.0)] {
            let Some([[a, b], [c, d]]) = self.derivative(point) else { return false };
            let determinant = a * d - b * c;
            let area = if mirrored { -determinant } else { determinant };
            if !(0.08 * 0.08..=144.0).contains(&area) {
                return false;
            }
            // The larger singular value over the smaller one: their squares sum to the squared norm and their
            // product is the determinant.
            let norm = a * a + b * b + c * c + d * d;
            let stretch = norm / area;
            if stretch > 3.0 + 1.0 / 3.0 {
                return false;
            }
            scales = (scales.0.min(area), scales.1.max(area));
        }
        scales.1 <= 16.0 * scales.0
    }
}
