//! The frame in which query and reference are compared.
//!
//! Owns the choice of the working resolution, the query's part that shows the reference, and the warp into the frame.
//! The frame is the reference shrunk to the density at which both pictures carry detail; the query is shrunk to the
//! same density first, so that sampling it neither aliases nor invents detail.

// Pixel positions are below 2^16 and results are clamped to bytes.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::homography::Homography;
use super::raster::{Plane, Rgb, RgbView, luma, shrink};
use super::{CompareError, align};

/// Pixels of the working frame, at most: what the time budget of a comparison carries.
pub(crate) const WORK_AREA: usize = 230_000;
/// Shortest side of the working frame and of the query's part, pixels.
const SHORTEST: usize = 16;

/// Both pictures at one density.
pub(crate) struct Frame {
    /// The reference.
    pub(crate) reference: Rgb,
    /// The part of the query around the reference's image.
    pub(crate) part: Rgb,
    /// Frame pixels to pixels of `part`.
    pub(crate) to_part: Homography,
    /// Pixels of `part` to pixels of the whole query.
    pub(crate) part_to_query: Homography,
    /// Frame pixels to reference pixels.
    pub(crate) to_reference: Homography,
}

impl Frame {
    pub(crate) fn new(
        query: RgbView<'_>,
        reference: RgbView<'_>,
        initial: &Homography,
    ) -> Result<Self, CompareError> {
        let centre = (0.5 * reference.width as f64, 0.5 * reference.height as f64);
        let map = initial.normalised(centre).ok_or(CompareError::Homography)?;
        let density = density(&map, query, reference)?;
        let area = (reference.width * reference.height) as f64;
        let scale = (WORK_AREA as f64 / area).sqrt().min(density).min(1.0);
        let scaled = |length: usize| (length as f64 * scale).round() as usize;
        let size = (scaled(reference.width), scaled(reference.height));
        if size.0 < SHORTEST || size.1 < SHORTEST {
            return Err(CompareError::TooSmall);
        }
        let pixels = |width: usize, height: usize| (width as f64, height as f64);
        let to_reference =
            Homography::rescale(pixels(size.0, size.1), pixels(reference.width, reference.height));
        let whole = map.after(&to_reference);
        // The query's part, in query pixels, with a margin for the refinement.
        let (left, top, right, bottom) = bounds(&whole, size, (query.width, query.height))?;
        let (width, height) = (right - left, bottom - top);
        let shrink_by = (density / scale).max(1.0);
        let part_size =
            ((width as f64 / shrink_by).round() as usize, (height as f64 / shrink_by).round() as usize);
        if part_size.0 < SHORTEST || part_size.1 < SHORTEST || part_size.0 * part_size.1 > 16 * WORK_AREA {
            return Err(CompareError::TooSmall);
        }
        let crop = crop(query, left, top, width, height);
        let part = Rgb {
            width: part_size.0,
            height: part_size.1,
            rgb: shrink::<3>(&crop, (width, height), part_size),
        };
        let into = Homography::rescale(pixels(width, height), pixels(part_size.0, part_size.1));
        let to_part = into.after(&Homography::shift(-(left as f64), -(top as f64))).after(&whole);
        let part_to_query = Homography::shift(left as f64, top as f64)
            .after(&Homography::rescale(pixels(part_size.0, part_size.1), pixels(width, height)));
        let reference = Rgb {
            width: size.0,
            height: size.1,
            rgb: shrink::<3>(reference.rgb, (reference.width, reference.height), size),
        };
        Ok(Self { reference, part, to_part, part_to_query, to_reference })
    }

    /// Refines the alignment on grey pyramids, from about 64 pixels upwards.
    pub(crate) fn refine(&mut self) {
        let mut pyramid = vec![(luma(&self.reference), luma(&self.part))];
        while let Some((reference, part)) = pyramid.last() {
            let shortest = [reference.width, reference.height, part.width, part.height].into_iter().min();
            let longest = reference.width.max(reference.height);
            if longest < 110 || shortest.is_none_or(|side| side < 48) {
                break;
            }
            let half = |plane: &Plane| {
                let even = Plane {
                    width: plane.width & !1,
                    height: plane.height & !1,
                    data: plane
                        .data
                        .chunks_exact(plane.width)
                        .take(plane.height & !1)
                        .flat_map(|row| row[..plane.width & !1].iter().copied())
                        .collect(),
                };
                even.shrunk(even.width / 2, even.height / 2)
            };
            pyramid.push((half(reference), half(part)));
        }
        for (level, (reference, part)) in pyramid.iter().enumerate().rev() {
            let factor = f64::from(1_u32 << level.min(16));
            let down = Homography::rescale((factor, factor), (1.0, 1.0));
            let up = Homography::rescale((1.0, 1.0), (factor, factor));
            let local = down.after(&self.to_part).after(&up);
            let iterations = if level + 1 == pyramid.len() { 14 } else { 10 };
            let refined = align::refine(reference, part, local, iterations);
            let centre = (0.5 * self.reference.width as f64, 0.5 * self.reference.height as f64);
            if let Some(map) = up.after(&refined).after(&down).normalised(centre) {
                self.to_part = map;
            }
        }
    }
}

/// Query pixels per reference pixel, linear: the median over a 5 x 5 grid of the points that the query shows.
fn density(map: &Homography, query: RgbView<'_>, reference: RgbView<'_>) -> Result<f64, CompareError> {
    let mut seen = Vec::with_capacity(25);
    for row in 0..5 {
        for column in 0..5 {
            let at = (
                (f64::from(column) + 0.5) / 5.0 * reference.width as f64,
                (f64::from(row) + 0.5) / 5.0 * reference.height as f64,
            );
            let Some((x, y)) = map.apply(at.0, at.1) else { continue };
            if x > -1.0 && y > -1.0 && x < query.width as f64 && y < query.height as f64 {
                seen.extend(map.magnification(at.0, at.1));
            }
        }
    }
    if seen.len() < 2 {
        return Err(CompareError::Homography);
    }
    let middle = seen.len() / 2;
    let (_, median, _) = seen.select_nth_unstable_by(middle, f64::total_cmp);
    if (1e-2..=1e2).contains(median) { Ok(*median) } else { Err(CompareError::Homography) }
}

/// The query's rectangle around the frame's image: left, top, right, bottom; the last two exclusive.
fn bounds(
    map: &Homography,
    size: (usize, usize),
    query: (usize, usize),
) -> Result<(usize, usize, usize, usize), CompareError> {
    let corners = map.corners(size.0, size.1).ok_or(CompareError::Homography)?;
    let span = |values: [f64; 4], limit: usize| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let margin = 4.0 + 0.03 * (high - low).max(0.0);
        let limit_real = limit as f64;
        let first = (low - margin).clamp(0.0, limit_real) as usize;
        let end = (high + margin).clamp(0.0, limit_real).ceil() as usize;
        (first, end.max(first))
    };
    let (left, right) = span(corners.map(|corner| corner.0), query.0);
    let (top, bottom) = span(corners.map(|corner| corner.1), query.1);
    if right - left < SHORTEST || bottom - top < SHORTEST {
        return Err(CompareError::TooSmall);
    }
    Ok((left, top, right, bottom))
}

fn crop(source: RgbView<'_>, left: usize, top: usize, width: usize, height: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(width * height * 3);
    for row in source.rgb.chunks_exact(source.width * 3).skip(top).take(height) {
        out.extend_from_slice(&row[left * 3..(left + width) * 3]);
    }
    out
}
