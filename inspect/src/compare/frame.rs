//! The frame in which query and reference are compared.
//!
//! Owns the choice of the working resolution, the query's part that shows the reference, and the warp into the frame.
//! The frame is the reference shrunk to the density at which both pictures carry detail; the query is shrunk to the
//! same density first, so that sampling it neither aliases nor invents detail.

// Pixel positions are below 2^16 and results are clamped to bytes.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::CompareError;
use super::align::{self, Outliers};
use super::homography::Homography;
use super::raster::{Rgb, RgbView, enlarge, luma, shrink};
use super::whole::Query;

/// Pixels of the working frame, at most: what the time budget of a comparison carries.
pub(crate) const WORK_AREA: usize = 120_000;
/// Longest side of a frame that is nearly as coarse as a sketch (192), pixels.
const SMALL: usize = 256;
/// Shortest side of the working frame and of the query's part, pixels.
const SHORTEST: usize = 16;

/// How many times as dense as a coarse frame a query must be for a closer one to show more.
const CLOSER: f64 = 1.4;

/// Whether a frame of that width and height is about as coarse as a sketch: what is small in it is a few pixels, mostly
/// edge.
pub(crate) fn is_small((width, height): (usize, usize)) -> bool {
    width.max(height) <= SMALL
}

/// Both pictures at one density.
pub(crate) struct Frame {
    /// The reference.
    pub(crate) reference: Rgb,
    /// The part of the query around the reference's image.
    pub(crate) part: Rgb,
    /// Frame pixels to pixels of `part`.
    pub(crate) to_part: Homography,
    /// Pixels of `part` to pixels of the bounded query.
    pub(crate) part_to_query: Homography,
    /// Frame pixels to reference pixels.
    pub(crate) to_reference: Homography,
}

impl Frame {
    /// The frame of at most `area` pixels and `side` pixels along its longer side; `initial` maps reference pixels to
    /// pixels of the bounded query ([`Query::picture`]).
    pub(crate) fn new(
        query: &Query<'_>,
        reference: RgbView<'_>,
        initial: &Homography,
        area: usize,
        side: usize,
    ) -> Result<Self, CompareError> {
        let centre = (0.5 * reference.width as f64, 0.5 * reference.height as f64);
        let map = initial.normalised(centre).ok_or(CompareError::Homography)?;
        let density = density(&map, query.picture(), reference)?;
        let full = (reference.width * reference.height) as f64;
        let longest = reference.width.max(reference.height) as f64;
        let scale = (area as f64 / full).sqrt().min(side as f64 / longest).min(density).min(1.0);
        let scaled = |length: usize| (length as f64 * scale).round() as usize;
        let size = (scaled(reference.width), scaled(reference.height));
        if size.0 < SHORTEST || size.1 < SHORTEST {
            return Err(CompareError::TooSmall);
        }
        let pixels = |width: usize, height: usize| (width as f64, height as f64);
        let to_reference =
            Homography::rescale(pixels(size.0, size.1), pixels(reference.width, reference.height));
        // The halving that is still as dense as the frame.
        let shrink_by = (density / scale).max(1.0);
        let (query, times) = query.halved((shrink_by as u32).checked_ilog2().unwrap_or(0) as usize);
        let factor = f64::from(1_u32 << times.min(16));
        let shrink_by = shrink_by / factor;
        let onto = Homography::rescale((factor, factor), (1.0, 1.0)).after(&map).after(&to_reference);
        // The query's part, in pixels of that halving, with a margin for the refinement.
        let (left, top, right, bottom) = bounds(&onto, size, (query.width, query.height))?;
        let (width, height) = (right - left, bottom - top);
        let part_size =
            ((width as f64 / shrink_by).round() as usize, (height as f64 / shrink_by).round() as usize);
        if part_size.0 < SHORTEST || part_size.1 < SHORTEST || part_size.0 * part_size.1 > 16 * WORK_AREA {
            return Err(CompareError::TooSmall);
        }
        let crop = crop(query, left, top, width, height);
        let rgb =
            if part_size == (width, height) { crop } else { shrink::<3>(&crop, (width, height), part_size) };
        let part = Rgb { width: part_size.0, height: part_size.1, rgb };
        let into = Homography::rescale(pixels(width, height), pixels(part_size.0, part_size.1));
        let to_part = into.after(&Homography::shift(-(left as f64), -(top as f64))).after(&onto);
        let part_to_query = Homography::rescale((1.0, 1.0), (factor, factor))
            .after(&Homography::shift(left as f64, top as f64))
            .after(&Homography::rescale(pixels(part_size.0, part_size.1), pixels(width, height)));
        Ok(Self { reference: reduced(reference, size), part, to_part, part_to_query, to_reference })
    }

    /// The frame at the query's density, where that is clearly higher; the reference grows no sharper.
    pub(crate) fn closer(&self, query: &Query<'_>) -> Option<Self> {
        let Rgb { width, height, rgb } = &self.reference;
        let onto = self.to_query();
        let density = density(&onto, query.picture(), self.reference.view()).ok()?;
        let scale = (WORK_AREA as f64 / (width * height) as f64).sqrt().min(density);
        let scaled = |length: usize| (length as f64 * scale) as usize;
        let size = (scaled(*width), scaled(*height));
        if scale < CLOSER || is_small(size) {
            return None;
        }
        let large = Rgb { width: size.0, height: size.1, rgb: enlarge::<3>(rgb, (*width, *height), size) };
        let pixels = |(width, height): (usize, usize)| (width as f64, height as f64);
        let initial = onto.after(&Homography::rescale(pixels(size), pixels((*width, *height))));
        Self::new(query, large.view(), &initial, WORK_AREA, usize::MAX).ok()
    }

    /// Frame pixels to pixels of the bounded query.
    pub(crate) fn to_query(&self) -> Homography {
        self.part_to_query.after(&self.to_part)
    }

    /// Refines the alignment on grey pyramids from about 64 pixels upwards; of a frame that is aligned nearly, on its
    /// own pixels only.
    pub(crate) fn refine(&mut self, nearly: bool) {
        let mut pyramid = vec![(luma(&self.reference), luma(&self.part))];
        while let (false, Some((reference, part))) = (nearly, pyramid.last()) {
            let shortest = [reference.width, reference.height, part.width, part.height].into_iter().min();
            let longest = reference.width.max(reference.height);
            if longest < 110 || shortest.is_none_or(|side| side < 48) {
                break;
            }
            pyramid.push((reference.half(), part.half()));
        }
        for (level, (reference, part)) in pyramid.iter().enumerate().rev() {
            let factor = f64::from(1_u32 << level.min(16));
            let down = Homography::rescale((factor, factor), (1.0, 1.0));
            let up = Homography::rescale((1.0, 1.0), (factor, factor));
            let local = down.after(&self.to_part).after(&up);
            let runs: &[_] = match (nearly, level + 1 == pyramid.len()) {
                (true, _) => &[(Outliers::Doubted, 3)],
                (false, true) => &[(Outliers::Doubted, 14), (Outliers::Kept, 14)],
                (false, false) => &[(Outliers::Doubted, 10)],
            };
            let refined = align::refine(reference, part, local, runs);
            let centre = (0.5 * self.reference.width as f64, 0.5 * self.reference.height as f64);
            if let Some(map) = up.after(&refined).after(&down).normalised(centre) {
                self.to_part = map;
            }
        }
    }
}

/// The reference at the frame's size: halved while that leaves it denser, then shrunk.
fn reduced(reference: RgbView<'_>, size: (usize, usize)) -> Rgb {
    let (mut width, mut height) = (reference.width, reference.height);
    let mut halved: Option<Rgb> = None;
    while width >= 2 * size.0 && height >= 2 * size.1 && width % 2 == 0 && height % 2 == 0 {
        let source = halved.as_ref().map_or(reference, Rgb::view);
        let rgb = shrink::<3>(source.rgb, (width, height), (width / 2, height / 2));
        (width, height) = (width / 2, height / 2);
        halved = Some(Rgb { width, height, rgb });
    }
    let source = halved.as_ref().map_or(reference, Rgb::view);
    Rgb { width: size.0, height: size.1, rgb: shrink::<3>(source.rgb, (width, height), size) }
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
