//! One comparison from end to end, and its result.
//!
//! Owns the order of the steps.

// Positions are below 2^16, ratios lie between 0 and 1.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::CompareError;
use super::agreement::{self, Agreement};
use super::border::{self, Border};
use super::decide::{self, Relation, Seen, Setting};
use super::found::Found;
use super::frame::{Frame, WORK_AREA};
use super::homography::Homography;
use super::parallax::{self, Parallax};
use super::raster::{self, Plane, Rgb, RgbView};
use super::sight::Sight;
use super::sketch::{self, Sketch};

/// Pixels of a prepared query, at most.
const QUERY_AREA: usize = 1_300_000;
/// Shortest side of the smallest halving of a query, pixels.
const SMALLEST: usize = 32;
/// A query, prepared once for comparisons with any number of references.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The picture that it was made from.
    whole: RgbView<'a>,
    /// The same with a bounded number of pixels, if it has more.
    bounded: Option<Rgb>,
    /// The halvings of the bounded picture.
    halvings: Vec<Rgb>,
}

impl<'a> Query<'a> {
    /// Bounds the picture to about 1.3 megapixels, shrinking by areas.
    #[must_use]
    pub fn new(whole: RgbView<'a>) -> Self {
        let bounded = raster::bounded(whole, QUERY_AREA);
        let mut halvings: Vec<Rgb> = Vec::new();
        loop {
            let last = halvings.last().or(bounded.as_ref()).map_or(whole, Rgb::view);
            if last.width.min(last.height) < 2 * SMALLEST {
                break Self { whole, bounded, halvings };
            }
            halvings.push(last.half());
        }
    }

    /// Width of the picture it was made from, pixels.
    pub(crate) fn full_width(&self) -> usize {
        self.whole.width
    }

    /// The bounded picture: the frame of [`Comparison::map`].
    #[must_use]
    pub fn picture(&self) -> RgbView<'_> {
        self.bounded.as_ref().map_or(self.whole, Rgb::view)
    }

    /// The bounded picture, halved so many times or as often as it was, and how often that is.
    pub(crate) fn halved(&self, times: usize) -> (RgbView<'_>, usize) {
        let times = times.min(self.halvings.len());
        let halved = times.checked_sub(1).and_then(|at| self.halvings.get(at));
        (halved.map_or(self.picture(), Rgb::view), times)
    }
}

/// One altered region, or one screen overlay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alteration {
    /// Left edge, pixels of the query as given.
    pub x: f32,
    /// Top edge, likewise.
    pub y: f32,
    /// Width, likewise.
    pub width: f32,
    /// Height, likewise.
    pub height: f32,
    /// Multiple of the residual at which a region is reported; at least 1 for alterations.
    pub strength: f32,
    /// Flagged share of the reference, 0 to 1.
    pub share: f32,
}

/// The result of a comparison.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// How the pictures are related.
    pub relation: Relation,
    /// Reference pixels to query pixels, refined.
    pub alignment: Homography,
    /// Share of the reference that the query shows, 0 to 1.
    pub overlap: f32,
    /// The agreement of blocks on which the relation rests.
    pub agreement: Agreement,
    /// Local shifts that no plane map explains.
    pub parallax: Parallax,
    /// What lies along the reference's border.
    pub border: Border,
    /// Upper quartile of the residual between prediction and query, grey levels: the picture's own level.
    pub level: f32,
    /// Altered regions, strongest first; empty unless the relation is [`Relation::SameCaptureAltered`].
    pub alterations: Vec<Alteration>,
    /// Icons, letters and frames that a screen laid over the picture, and light of lamps that it reflects, these first;
    /// they are no alterations.
    pub overlays: Vec<Alteration>,
    /// Per pixel of the bounded query: 0 unaltered, [`Comparison::OVERLAY`] screen overlay, 128 to 255 altered, the
    /// stronger the higher.
    pub map: Plane,
}

impl Comparison {
    /// The map's value for screen overlays.
    pub const OVERLAY: u8 = 64;
    /// The map's least value for alterations.
    pub const ALTERED: u8 = 128;

    /// Whether the photo lies unevenly over the reference, as 97 % of photographs of screens and 2 % of digital copies do
    /// (1,243 and 1,292 pictures).
    #[must_use]
    pub fn lies_unevenly(&self) -> bool {
        decide::is_uneven(&self.parallax)
    }
}

/// Compares a query with a reference (the sketch or the detail). `initial` maps reference pixels to pixels of the query
/// as given: from matched keypoints, or [`Homography::rescale`] when global codes matched; it may be off by some
/// percent of the picture's side.
///
/// # Errors
/// [`CompareError`] when the homography does not show enough of the reference in the query.
pub fn compare(
    query: &Query<'_>,
    reference: RgbView<'_>,
    initial: &Homography,
) -> Result<Comparison, CompareError> {
    let picture = query.picture();
    let size = |(width, height): (usize, usize)| (width as f64, height as f64);
    let bounded = size((picture.width, picture.height));
    let full = size((query.whole.width, query.whole.height));
    let down = Homography::rescale(full, bounded);
    let up = Homography::rescale(bounded, full);
    let mut frame = Frame::new(query, reference, &down.after(initial), WORK_AREA, sketch::SIDE)?;
    frame.refine(false);
    let mut sight = Sight::new(&frame);
    let visible = sight.valid.iter().filter(|seen| **seen != 0).count();
    let overlap = visible as f32 / sight.valid.len() as f32;
    let sketch = Sketch::new(&sight.predicted[0], &sight.query[0], &sight.valid);
    let agreement = agreement::measure(&sketch);
    let parallax = parallax::measure(&sketch, &sight.field);
    let border = border::measure(&frame, &raster::luma(&frame.part), (picture.width, picture.height));
    let relation = decide::relation(&Seen { overlap, agreement, parallax, border });
    let onto = |frame: &Frame| Some(frame.to_query().after(&frame.to_reference.inverse()?));
    let mut alignment = onto(&frame).ok_or(CompareError::Homography)?;
    if relation == Relation::SameCapture {
        // What both pictures resolve beyond a sketch shows finer alterations.
        let finer = Frame::new(query, reference, &alignment, WORK_AREA, usize::MAX)?;
        if finer.reference.width * 10 > frame.reference.width * 12 {
            let before = (frame.reference.width, frame.reference.height);
            frame = finer;
            frame.refine(true);
            sight = sight.finer(&frame, before);
            alignment = onto(&frame).ok_or(CompareError::Homography)?;
        }
    }
    let mut result = Comparison {
        relation,
        alignment: up.after(&alignment),
        overlap,
        agreement,
        parallax,
        border,
        level: 0.0,
        alterations: Vec::new(),
        overlays: Vec::new(),
        map: Plane::new(picture.width, picture.height),
    };
    if result.relation == Relation::SameCapture {
        let found = Found::new(sight, &frame, query, Setting::of(&border, &parallax));
        result.level = found.level();
        found.report(&mut result, &frame.to_query(), &up);
        if !result.alterations.is_empty() {
            result.relation = Relation::SameCaptureAltered;
        }
    }
    Ok(result)
}
