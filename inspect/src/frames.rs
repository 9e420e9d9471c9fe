//! Where a comparison begins: a first map from a reference's pixels to a photo's, from an orientation that global
//! codes matched in, or from matched local features.
//!
//! Owns the conventions between them. Features and orientations count positions from a picture's corner, so that the
//! centre of the first pixel is (0.5, 0.5); comparisons count from that centre.

use crate::{
    compare::Homography,
    features::{Query, Reference},
    fingerprint::Symmetry,
    geometry::Alignment,
};

/// Width and height, pixels.
pub type Size = (u32, u32);

/// The map for a photo whose version under `symmetry` shows the whole of the reference.
#[must_use]
pub fn by_orientation(symmetry: Symmetry, reference: Size, photo: Size) -> Homography {
    // Where the reference's place (u, v), in shares of its sides, lies in the photo: each row is a, b, c of
    // a u + b v + c.
    let [across, down] = match symmetry {
        Symmetry::Original => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        Symmetry::Rotate90 => [[0.0, -1.0, 1.0], [1.0, 0.0, 0.0]],
        Symmetry::Rotate180 => [[-1.0, 0.0, 1.0], [0.0, -1.0, 1.0]],
        Symmetry::Rotate270 => [[0.0, 1.0, 0.0], [-1.0, 0.0, 1.0]],
        Symmetry::FlipX => [[1.0, 0.0, 0.0], [0.0, -1.0, 1.0]],
        Symmetry::FlipY => [[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]],
        Symmetry::FlipPlus1 => [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]],
        Symmetry::FlipMinus1 => [[0.0, -1.0, 1.0], [-1.0, 0.0, 1.0]],
    };
    let (width, height) = (f64::from(reference.0), f64::from(reference.1));
    let row = |[a, b, c]: [f64; 3], side: u32| {
        let side = f64::from(side);
        [a * side / width, b * side / height, c * side]
    };
    from_corners([row(across, photo.0), row(down, photo.1), [0.0, 0.0, 1.0]])
}

/// The map that matched features gave, between the pictures themselves.
#[must_use]
pub fn by_features(
    alignment: &Alignment,
    registered: &Reference,
    looked_up: &Query,
    reference: Size,
    photo: Size,
) -> Homography {
    let ratio = |to: Size, from: (u16, u16)| {
        let share = |to: u32, from: u16| f64::from(to) / f64::from(from.max(1));
        (share(to.0, from.0), share(to.1, from.1))
    };
    let to_reference = ratio(reference, (registered.width, registered.height));
    let to_photo = ratio(photo, (looked_up.width, looked_up.height));
    from_corners(alignment.homography.rescaled(to_reference, to_photo).rows)
}

/// A part of a photo: left, top, right and bottom as shares of its sides.
pub type Part = [f64; 4];

/// The part of a photo in which a reference lies under `map`: the bounds of its corners. `None` if it lies outside.
#[must_use]
pub fn part(map: &Homography, reference: Size, photo: Size) -> Option<Part> {
    let (width, height) = (f64::from(reference.0) - 1.0, f64::from(reference.1) - 1.0);
    let (right, bottom) = (f64::from(photo.0.max(1)), f64::from(photo.1.max(1)));
    let mut part = [1.0_f64, 1.0, 0.0, 0.0];
    for (x, y) in [(0.0, 0.0), (width, 0.0), (0.0, height), (width, height)] {
        let (u, v) = map.apply(x, y)?;
        let (u, v) = ((u / right).clamp(0.0, 1.0), (v / bottom).clamp(0.0, 1.0));
        part = [part[0].min(u), part[1].min(v), part[2].max(u), part[3].max(v)];
    }
    (part[0] < part[2] && part[1] < part[3]).then_some(part)
}

/// Whether two parts of one photo are apart, as in a collage: they share less than a quarter of the smaller one.
#[must_use]
pub fn apart(one: &Part, other: &Part) -> bool {
    let area = |[left, top, right, bottom]: &Part| (right - left).max(0.0) * (bottom - top).max(0.0);
    let shared = [one[0].max(other[0]), one[1].max(other[1]), one[2].min(other[2]), one[3].min(other[3])];
    4.0 * area(&shared) < area(one).min(area(other))
}

/// From positions counted from the corner to positions counted from the first pixel's centre.
fn from_corners([a, b, c]: [[f64; 3]; 3]) -> Homography {
    let to_corner = Homography([1.0, 0.0, 0.5, 0.0, 1.0, 0.5, 0.0, 0.0, 1.0]);
    let to_centre = Homography([1.0, 0.0, -0.5, 0.0, 1.0, -0.5, 0.0, 0.0, 1.0]);
    let map = Homography([a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1], c[2]]);
    to_centre.after(&map.after(&to_corner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::Picture,
        fingerprint::{dhash_dihedral, hamming, pdq_dihedral},
    };

    /// Blobs of different brightness: no symmetry maps it to itself.
    fn scene(width: u32, height: u32) -> Picture {
        let blobs =
            [(0.2, 0.3, 200.0), (0.7, 0.2, 120.0), (0.6, 0.8, 60.0), (0.15, 0.75, 240.0), (0.9, 0.6, 90.0)];
        let pixel = |x: u32, y: u32| {
            let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let glow =
                |(a, b, light): (f64, f64, f64)| light / (1.0 + 60.0 * ((u - a).powi(2) + (v - b).powi(2)));
            (blobs.into_iter().map(glow).sum::<f64>() * 0.6).clamp(0.0, 255.0) as u8
        };
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| [pixel(x, y); 3])).collect();
        Picture::new(width, height, rgb).unwrap()
    }

    #[test]
    fn every_orientation_leads_back_to_the_same_places_and_codes() {
        let reference = scene(240, 160);
        // EXIF orientations turn a picture in every way that the symmetries know.
        for orientation in 1..=8 {
            let photo = reference.clone().oriented(orientation);
            let (pdq, _) = pdq_dihedral(&photo);
            let dhash = dhash_dihedral(&photo);
            let best = |codes: &[[u8; 32]; 8], whole: &[u8; 32]| {
                (0..8).min_by_key(|at| hamming(&codes[*at], whole)).unwrap()
            };
            let by_pdq = best(&pdq, &pdq_dihedral(&reference).0[0]);
            let by_dhash = best(&dhash, &dhash_dihedral(&reference)[0]);
            assert_eq!(by_pdq, by_dhash, "orientation {orientation}");
            assert_eq!(dhash[by_dhash], dhash_dihedral(&reference)[0], "orientation {orientation}");
            let sizes = ((reference.width, reference.height), (photo.width, photo.height));
            let map = by_orientation(Symmetry::ALL[by_pdq], sizes.0, sizes.1);
            for (x, y) in [(0, 0), (100, 30), (200, 150), (239, 159)] {
                let (u, v) = map.apply(f64::from(x), f64::from(y)).unwrap();
                let (u, v) = (u.round() as u32, v.round() as u32);
                let here = reference.rgb[3 * (y * reference.width + x) as usize];
                assert_eq!(photo.rgb[3 * (v * photo.width + u) as usize], here, "orientation {orientation}");
            }
        }
    }
}
