//! One comparison from end to end, and its result.
//!
//! Owns the order of the steps and the way back into the query's pixels.

// Positions are below 2^16, ratios lie between 0 and 1, and heat is clamped to a byte.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::agreement::{self, Agreement, softened};
use super::border::{self, Border};
use super::decide::{self, Place, Relation, Seen, Setting};
use super::frame::{Frame, WORK_AREA, is_small};
use super::highlight::{Highlight, Spot};
use super::homography::Homography;
use super::look::Scene;
use super::parallax::{self, Parallax};
use super::raster::{self, Plane, Rgb, RgbView};
use super::regions::{self, Bounds, Ground, Region};
use super::residual::{self, Residual, UNIT};
use super::sketch::{self, Sketch};
use super::tone::{self, Channels, Tone};
use super::veil::Covered;
use super::warp::{self, Field};
use super::{CompareError, sharpness};

/// Pixels of a prepared query, at most.
const QUERY_AREA: usize = 1_300_000;
/// Shortest side of the smallest halving of a query, pixels.
const SMALLEST: usize = 32;
/// Regions reported of either kind, at most; the strongest.
const REPORTED: usize = 32;
/// Pixels around a button's outline into which its edge reaches.
const BUTTON_EDGE: f32 = 1.5;
/// Signs in the corners of a picture alone that show that it was cut out of a page, at least.
const SIGNS: usize = 2;
/// Regions examined, at most; the heaviest.
const EXAMINED: usize = 64;
/// Reflections of lamps that are told, and regions that are tried as such, at most.
const LAMPS: usize = 3;
const TRIED: usize = 6;
/// One part in so many of what is seen has to lie beside them: it tells the colours.
const LEFT_BY_LAMPS: usize = 3;

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
        let found = Found::new(sight, &frame, Setting::of(&border, &parallax));
        result.level = found.residual.level;
        found.report(&mut result, &frame.to_query(), &up);
        if !result.alterations.is_empty() {
            result.relation = Relation::SameCaptureAltered;
        }
    }
    Ok(result)
}

/// Both pictures in the frame, comparable.
struct Sight {
    predicted: Channels,
    query: Channels,
    warped: Rgb,
    valid: Vec<u8>,
    tone: Tone,
    field: Field,
}

impl Sight {
    fn new(frame: &Frame) -> Self {
        let (width, height) = (frame.reference.width, frame.reference.height);
        let (warped, valid) =
            warp::warp(&frame.part, &frame.to_part, &Field::zero(width, height), width, height);
        let tone = Tone::fit(&frame.reference, &warped, &valid);
        let predicted = tone.apply(&frame.reference);
        let field = Field::estimate(&predicted[0], &raster::luma(&warped), &valid);
        Self::through(frame, predicted, tone, field)
    }

    /// The same at the density of another frame; `before` is the size of the one so far.
    fn finer(self, frame: &Frame, before: (usize, usize)) -> Self {
        let size = (frame.reference.width, frame.reference.height);
        let predicted = self.tone.apply(&frame.reference);
        Self::through(frame, predicted, self.tone, self.field.rescaled(before, size))
    }

    fn through(frame: &Frame, predicted: Channels, tone: Tone, field: Field) -> Self {
        let (width, height) = (frame.reference.width, frame.reference.height);
        let (warped, valid) = warp::warp(&frame.part, &frame.to_part, &field, width, height);
        let (predicted, query) = Self::equalised(predicted, &warped, &valid);
        Self { predicted, query, warped, valid, tone, field }
    }

    /// The prediction and what is seen, equally sharp.
    fn equalised(mut predicted: Channels, warped: &Rgb, valid: &[u8]) -> (Channels, Channels) {
        let mut query = tone::channels(warped);
        // What the query does not show must not bleed into what it shows when either is softened. `valid` is 0 or 255.
        for (shown, predicted) in query.iter_mut().zip(&predicted) {
            for ((value, predicted), seen) in shown.data.iter_mut().zip(&predicted.data).zip(valid) {
                *value = *value & *seen | *predicted & !*seen;
            }
        }
        sharpness::equalise(&mut predicted, &mut query, valid);
        (predicted, query)
    }

    /// Without what lies along the border of what is seen.
    fn within_margin(mut self) -> Self {
        let (width, height) = (self.warped.width, self.warped.height);
        residual::margin(&mut self.valid, width, height, (width.max(height) / 130).max(2));
        self
    }

    /// The pictures with the light of lamps predicted; `None` if one is no light, or they leave too little. The colours
    /// are told anew by the rest of the picture: the smooth light fitted to all of it bends towards a lamp's.
    fn relit(&self, frame: &Frame, plain: &Channels, spots: &[(Spot, f32)]) -> Option<Relit> {
        let (width, height) = (self.warped.width, self.warped.height);
        let mut rest = self.valid.clone();
        for (spot, _) in spots {
            spot.hide(width, height, &mut rest);
        }
        let seen = |pixels: &[u8]| pixels.iter().filter(|seen| **seen != 0).count();
        if LEFT_BY_LAMPS * seen(&rest) < seen(&self.valid) {
            return None;
        }
        let predicted = Tone::fit(&frame.reference, &self.warped, &rest).apply(&frame.reference);
        let (mut predicted, query) = Self::equalised(predicted, &self.warped, &self.valid);
        // Damage elsewhere shows as well as without the light.
        let edited = residual::edited(&predicted, plain);
        let mut lamps = Vec::with_capacity(spots.len());
        for (spot, strength) in spots {
            let highlight = Highlight::fit(*spot, &predicted, &query, &self.valid)?;
            let (pixels, bounds) = highlight.add(&mut predicted, &self.valid)?;
            lamps.push(Lamp { bounds, pixels, strength: *strength });
        }
        Some(Relit { predicted, query, edited, lamps })
    }
}

/// Both pictures with the light of lamps predicted.
struct Relit {
    predicted: Channels,
    query: Channels,
    /// As [`residual::edited`] without the light.
    edited: f32,
    lamps: Vec<Lamp>,
}

/// What one lamp lights.
struct Lamp {
    bounds: Bounds,
    /// Per pixel of the frame 255 where it is clearly lit, else 0.
    pixels: Vec<u8>,
    /// Of the region that it explains.
    strength: f32,
}

/// One of the regions that are strong enough to be told.
struct Judged {
    strength: f32,
    /// Place in [`Found::regions`].
    index: usize,
    /// A screen's, and no alteration.
    overlay: bool,
}

/// The regions that depart.
struct Found {
    sight: Sight,
    residual: Residual,
    labels: Vec<u32>,
    regions: Vec<Region>,
    size: (usize, usize),
    /// As [`residual::edited`], without the light of lamps.
    edited: f32,
    setting: Setting,
    /// Strongest first.
    judged: Vec<Judged>,
    lamps: Vec<Lamp>,
}

impl Found {
    fn new(sight: Sight, frame: &Frame, setting: Setting) -> Self {
        let plain = tone::channels(&frame.reference);
        let edited = residual::edited(&sight.predicted, &plain);
        let mut found = Self::measured(sight.within_margin(), &plain, edited, setting);
        if !setting.reflects {
            return found;
        }
        // What lies in a lamp's light is judged once the light is part of the prediction.
        let (mut spots, mut tries) = (Vec::new(), TRIED);
        while spots.len() < LAMPS
            && let Some(relit) = found.with_another_lamp(frame, &plain, &mut spots, &mut tries)
        {
            let Relit { predicted, query, edited, lamps } = relit;
            let sight = Sight { predicted, query, ..found.sight };
            found = Self { lamps, ..Self::measured(sight, &plain, edited, setting) };
        }
        found
    }

    fn measured(sight: Sight, plain: &Channels, edited: f32, setting: Setting) -> Self {
        let size = (plain[0].width, plain[0].height);
        let residual = residual::measure(&sight.predicted, plain, &sight.query, &sight.valid);
        let mut mask = softened(&residual.relative);
        for value in &mut mask.data {
            *value = if f32::from(*value) >= UNIT { 255 } else { 0 };
        }
        let (labels, count) = regions::label(&mask, if is_small(size) { 1 } else { 2 });
        let ground = Ground { width: size.0, relative: &residual.relative, contrast: &residual.contrast };
        let regions = ground.measure(&labels, count);
        let (judged, lamps) = (Vec::new(), Vec::new());
        let mut found = Self { sight, residual, labels, regions, size, edited, setting, judged, lamps };
        found.judged = found.judge();
        found
    }

    /// The pictures with the light of one lamp more than in `spots`, if a large region is that. Each try uses up one of
    /// `tries`.
    fn with_another_lamp(
        &self,
        frame: &Frame,
        plain: &Channels,
        spots: &mut Vec<(Spot, f32)>,
        tries: &mut usize,
    ) -> Option<Relit> {
        let Sight { predicted, query, valid, .. } = &self.sight;
        for Judged { strength, index, overlay } in &self.judged {
            let region = &self.regions[*index];
            // Bars of a screen are often the heaviest.
            if *overlay || !decide::may_be_lit(region, self.size) {
                continue;
            }
            *tries = tries.checked_sub(1)?;
            let Some(spot) = Spot::around(region.bounds, predicted, query, valid) else { continue };
            spots.push((spot, *strength));
            if let Some(relit) = self.sight.relit(frame, plain, spots) {
                return Some(relit);
            }
            spots.pop();
        }
        None
    }

    /// The regions that are strong enough to be told, strongest first, and what each is.
    fn judge(&self) -> Vec<Judged> {
        let mut heaviest: Vec<(f32, usize)> = self
            .regions
            .iter()
            .enumerate()
            .map(|(index, region)| (self.strength(region), index))
            .filter(|(strength, _)| *strength >= 1.0)
            .collect();
        if heaviest.is_empty() {
            return Vec::new();
        }
        heaviest.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        heaviest.truncate(EXAMINED);
        let contrast = residual::contrast(&self.sight.query[0]);
        let shows_more = self.setting.shows_more;
        let place = Place { frame: self.size, seen: self.seen(), shows_more, corners: false };
        let is_overlay = |place: &Place, index: usize| {
            self.is_overlay(&contrast, place, index as u32 + 1, &self.regions[index])
        };
        let told = |(strength, index)| Judged { strength, index, overlay: is_overlay(&place, index) };
        let mut judged: Vec<Judged> = heaviest.into_iter().map(told).collect();
        if shows_more {
            return judged;
        }
        // A page that was cut to its very picture has signs in several corners; one spot is a stain there, too.
        let corners = Place { corners: true, ..place };
        let is_sign = |region: &Judged| {
            !region.overlay
                && corners.has_signs(&self.regions[region.index])
                && is_overlay(&corners, region.index)
        };
        let signs: Vec<usize> = (0..judged.len()).filter(|at| is_sign(&judged[*at])).collect();
        if signs.len() >= SIGNS {
            for at in signs {
                judged[at].overlay = true;
            }
        }
        judged
    }

    fn strength(&self, region: &Region) -> f32 {
        decide::strength(region, self.residual.level, self.edited, self.size)
    }

    /// Whether a screen painted the region, or laid a button over it and the rest is too weak to be reported: where a
    /// button meets a line of the picture that is a little out of place, both make one region.
    fn is_overlay(&self, contrast: &Plane, place: &Place, label: u32, region: &Region) -> bool {
        let look = self.scene(contrast).look(label, region.bounds);
        if decide::is_painted(region, &look, place) {
            return true;
        }
        if !place.has_signs(region) || !decide::may_be_button(region, self.size) {
            return false;
        }
        let Sight { predicted, query, valid, .. } = &self.sight;
        let covered = Covered { labels: &self.labels, label, bounds: region.bounds, predicted, query, valid };
        let Some(cover) = covered.cover().filter(|cover| decide::is_button(cover, self.size)) else {
            return false;
        };
        let outline = cover.bar.grown(BUTTON_EDGE);
        let beside = |x: usize, y: usize| {
            self.labels[y * self.size.0 + x] == label && !outline.row(y, self.size.0).contains(&x)
        };
        let ground = Ground {
            width: self.size.0,
            relative: &self.residual.relative,
            contrast: &self.residual.contrast,
        };
        self.strength(&ground.measure_where(region.bounds, beside)) < 1.0
    }

    fn scene<'a>(&'a self, contrast: &'a Plane) -> Scene<'a> {
        let (predicted, query) = (&self.sight.predicted[0], &self.sight.query[0]);
        Scene { labels: &self.labels, query: &self.sight.warped, luma: query, contrast, predicted }
    }

    /// The bounds of what is judged.
    fn seen(&self) -> Bounds {
        let mut bounds = (self.size.0, self.size.1, 0, 0);
        for (y, row) in self.sight.valid.chunks_exact(self.size.0).enumerate() {
            if let (Some(first), Some(last)) =
                (row.iter().position(|seen| *seen != 0), row.iter().rposition(|seen| *seen != 0))
            {
                let (left, top, right, _) = bounds;
                bounds = (left.min(first), top.min(y), right.max(last + 1), y + 1);
            }
        }
        bounds
    }

    /// Enters alterations and overlays into the result, and both into its map.
    fn report(&self, result: &mut Comparison, to_bounded: &Homography, up: &Homography) {
        let whole = &up.after(to_bounded);
        for lamp in &self.lamps {
            let Some([x, y, width, height]) = outline(lamp.bounds, whole) else { continue };
            let area = lamp.pixels.iter().filter(|lit| **lit != 0).count();
            let share = area as f32 / (self.size.0 * self.size.1) as f32;
            result.overlays.push(Alteration { x, y, width, height, strength: lamp.strength, share });
            self.paint(&mut result.map, lamp.bounds, to_bounded, |at| lamp.pixels[at] & Comparison::OVERLAY);
        }
        // What every label is: 0 nothing, else the least value in the map.
        let mut kinds = vec![0_u8; self.regions.len() + 1];
        for &Judged { strength, index, overlay } in &self.judged {
            let region = &self.regions[index];
            let list = if overlay { &mut result.overlays } else { &mut result.alterations };
            let Some(at) = outline(region.bounds, whole) else { continue };
            if list.len() < REPORTED {
                let share = region.area as f32 / (self.size.0 * self.size.1) as f32;
                let [x, y, width, height] = at;
                list.push(Alteration { x, y, width, height, strength, share });
                kinds[index + 1] = if overlay { Comparison::OVERLAY } else { Comparison::ALTERED };
                self.paint(&mut result.map, region.bounds, to_bounded, |at| {
                    let kind = kinds[self.labels[at] as usize];
                    let heat = self.residual.relative.data[at] / 2;
                    if kind == Comparison::ALTERED { kind + heat.min(127) } else { kind }
                });
            }
        }
    }

    /// Paints the part of the map that shows `bounds` of the frame with the values of the frame's pixels, where those are
    /// not 0.
    fn paint(
        &self,
        map: &mut Plane,
        bounds: Bounds,
        to_bounded: &Homography,
        value_of: impl Fn(usize) -> u8,
    ) {
        let (Some([x, y, width, height]), Some(back)) = (outline(bounds, to_bounded), to_bounded.inverse())
        else {
            return;
        };
        let Some(back) = back.normalised((f64::from(x + 0.5 * width), f64::from(y + 0.5 * height))) else {
            return;
        };
        let range = |start: f32, length: f32, limit: usize| {
            let first = (start - 1.0).clamp(0.0, limit as f32) as usize;
            first..((start + length + 2.0).clamp(0.0, limit as f32) as usize).max(first)
        };
        let columns = range(x, width, map.width);
        for row in range(y, height, map.height) {
            for column in columns.clone() {
                let Some((fx, fy)) = back.apply(column as f64, row as f64) else { continue };
                let (fx, fy) = ((fx + 0.5).floor(), (fy + 0.5).floor());
                if fx < 0.0 || fy < 0.0 || fx >= self.size.0 as f64 || fy >= self.size.1 as f64 {
                    continue;
                }
                let index = fy as usize * self.size.0 + fx as usize;
                if let (value @ 1.., Some(out)) =
                    (value_of(index), map.data.get_mut(row * map.width + column))
                {
                    *out = value;
                }
            }
        }
    }
}

/// The upright rectangle around the image of `bounds`: x, y, width, height.
fn outline(bounds: Bounds, map: &Homography) -> Option<[f32; 4]> {
    let (left, top) = (bounds.0 as f64 - 0.5, bounds.1 as f64 - 0.5);
    let (right, bottom) = (bounds.2 as f64 - 0.5, bounds.3 as f64 - 0.5);
    let corners =
        [map.apply(left, top)?, map.apply(right, top)?, map.apply(right, bottom)?, map.apply(left, bottom)?];
    let low = corners.iter().fold((f64::MAX, f64::MAX), |a, b| (a.0.min(b.0), a.1.min(b.1)));
    let high = corners.iter().fold((f64::MIN, f64::MIN), |a, b| (a.0.max(b.0), a.1.max(b.1)));
    Some([low.0 + 0.5, low.1 + 0.5, high.0 - low.0, high.1 - low.1].map(|value| value as f32))
}
