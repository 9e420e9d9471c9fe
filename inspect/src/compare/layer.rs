//! The regions in which a query departs from its reference, in one frame, and what each looks like there.
//!
//! Owns the pictures and the labels of a frame, and the closer look at the query that tells signs which a sketch is too
//! coarse for. Decides nothing about strength.

// Areas are below 2^24; labels below 2^20.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use std::cell::OnceCell;

use super::agreement::softened;
use super::frame::{Frame, is_small};
use super::look::{Scene, quantile};
use super::outline::Bar;
use super::raster::Plane;
use super::regions::{self, Bounds, Ground, Region};
use super::residual::{self, Residual, UNIT};
use super::screen::{self, Place};
use super::sight::Sight;
use super::tone::{self, Channels};
use super::veil::{Cover, Covered};
use super::whole::Query;

/// Pixels of a frame around an outline into which an edge reaches there.
pub(crate) const BUTTON_EDGE: f32 = 1.5;
/// Part of a button's area that a region must take to be it.
const OWN: f32 = 0.25;

/// The outer part of an outline that may be mixed with what lies around it, parts of its shorter side, and grey levels by
/// which a glyph stands out.
const MIXED: f32 = 0.2;
const FAR: usize = 40;

/// What a region is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// An alteration.
    Departs,
    /// An icon.
    Icon,
    /// Letters, bars and strips.
    Painted,
    /// A button's, as far as it lies within the outline and its edge.
    Button(Bar),
}

impl Kind {
    /// A screen's, and no alteration.
    pub(crate) fn is_overlay(self) -> bool {
        !matches!(self, Self::Departs)
    }
}

/// Both pictures in one frame, and the regions in which they differ.
pub(crate) struct Layer {
    pub(crate) sight: Sight,
    pub(crate) residual: Residual,
    /// Per pixel the region's place in `regions` and one more; 0 in none.
    pub(crate) labels: Vec<u32>,
    pub(crate) regions: Vec<Region>,
    pub(crate) size: (usize, usize),
    /// Of what is seen, as [`residual::contrast`].
    contrast: OnceCell<Plane>,
}

impl Layer {
    /// `plain` is the reference before its colours were mapped.
    pub(crate) fn new(sight: Sight, plain: &Channels) -> Self {
        let reach = if is_small((plain[0].width, plain[0].height)) { 1 } else { 2 };
        Self::labelled(sight, plain, |mask| regions::label(mask, reach))
    }

    /// The same regions at the query's own density, where that is higher than a sketch's: letters and outlines are told
    /// there. What the sketch has lost of the picture counts as noise.
    pub(crate) fn closer(&self, frame: &Frame, query: &Query<'_>) -> Option<Self> {
        let closer = frame.closer(query)?;
        let size = (closer.reference.width, closer.reference.height);
        let plain = tone::channels(&closer.reference);
        let sight = self.sight.closer(&closer, self.size);
        // The coarse pixel under the middle of a fine one.
        let at = |place: usize, from: usize, to: usize| ((2 * place + 1) * to / (2 * from)).min(to - 1);
        let label = |x: usize, y: usize| {
            let (column, row) = (at(x, size.0, self.size.0), at(y, size.1, self.size.1));
            let near = |row: usize| {
                let line = self.labels.get(row * self.size.0..(row + 1) * self.size.0).unwrap_or_default();
                let around = line.get(column.saturating_sub(1)..(column + 2).min(line.len()));
                around.unwrap_or_default().iter().copied().find(|label| *label != 0)
            };
            let own = self.labels.get(row * self.size.0 + column).copied().filter(|label| *label != 0);
            own.or_else(|| near(row)).or_else(|| near(row.saturating_sub(1))).or_else(|| near(row + 1))
        };
        let known = |mask: &Plane| {
            let mut labels = vec![0; size.0 * size.1];
            let lines = labels.chunks_exact_mut(size.0).zip(mask.data.chunks_exact(size.0));
            for (y, (line, flagged)) in lines.enumerate() {
                for (x, (own, _)) in
                    line.iter_mut().zip(flagged).enumerate().filter(|(_, (_, flagged))| **flagged != 0)
                {
                    *own = label(x, y).unwrap_or(0);
                }
            }
            (labels, self.regions.len())
        };
        Some(Self::labelled(sight, &plain, known))
    }

    fn labelled(sight: Sight, plain: &Channels, label: impl Fn(&Plane) -> (Vec<u32>, usize)) -> Self {
        let size = (plain[0].width, plain[0].height);
        let residual = residual::measure(&sight.predicted, plain, &sight.query, &sight.valid);
        let mut mask = softened(&residual.relative);
        for value in &mut mask.data {
            *value = if f32::from(*value) >= UNIT { 255 } else { 0 };
        }
        let (labels, count) = label(&mask);
        let mut layer =
            Self { sight, residual, labels, regions: Vec::new(), size, contrast: OnceCell::new() };
        layer.regions = layer.ground().measure(&layer.labels, count);
        layer
    }

    /// What a region is; `buttons` are outlines that are known.
    pub(crate) fn kind(&self, place: &Place, index: usize, buttons: &[Bar]) -> Kind {
        let (region, label) = (&self.regions[index], index as u32 + 1);
        if region.area == 0 {
            return Kind::Departs;
        }
        let look = self.scene().look(label, region.bounds);
        if screen::is_icon(region, &look, place) {
            return Kind::Icon;
        }
        if screen::is_painted(region, &look, place) {
            return Kind::Painted;
        }
        let has_signs = place.has_signs(region);
        // On a sketch letters are too small to tell a button; the closer look tells it.
        if !screen::may_be_button(region, self.size) || (is_small(self.size) && !has_signs) {
            return Kind::Departs;
        }
        let known: Vec<Bar> = buttons.iter().map(|bar| bar.grown(BUTTON_EDGE)).collect();
        let (labels, bounds, known) = (&self.labels, region.bounds, &known);
        let Sight { predicted, query, valid, .. } = &self.sight;
        let covered = Covered { labels, label, bounds, predicted, query, valid, known };
        let is_button =
            |cover: &Cover| screen::is_button(cover, self.size, has_signs) && self.is_of(index, cover.bar);
        covered.cover(is_button).map_or(Kind::Departs, |cover| Kind::Button(cover.bar))
    }

    /// Whether enough of what lies within an outline and its edge is a region's.
    pub(crate) fn is_of(&self, index: usize, bar: Bar) -> bool {
        let outline = bar.grown(BUTTON_EDGE);
        self.pixels_within(index, outline) >= OWN * outline.area()
    }

    /// Share of what lies well within an outline that stands out from its median, as a glyph does on an icon or a button.
    pub(crate) fn glyph(&self, outline: Bar) -> f32 {
        let inner = outline.grown(-MIXED * outline.width().min(outline.height()));
        let (width, luma) = (self.size.0, &self.sight.query[0].data);
        let mut counts = [0_u32; 256];
        for y in 0..self.size.1 {
            let row = inner.row(y, width);
            for value in luma.get(y * width + row.start..y * width + row.end).unwrap_or_default() {
                counts[usize::from(*value)] += 1;
            }
        }
        let all: u32 = counts.iter().sum();
        let Some(median) = quantile(counts.iter(), all / 2) else { return 0.0 };
        let far = counts.iter().enumerate().filter(|(value, _)| value.abs_diff(median) > FAR);
        far.map(|(_, count)| *count).sum::<u32>() as f32 / all as f32
    }

    /// A region's pixels within an outline.
    fn pixels_within(&self, index: usize, outline: Bar) -> f32 {
        let (width, (left, top, right, bottom)) = (self.size.0, self.regions[index].bounds);
        let count = |y: usize| {
            let row = outline.row(y, width);
            let (first, end) = (row.start.max(left), row.end.min(right));
            let labels = self.labels.get(y * width + first..y * width + end).unwrap_or_default();
            labels.iter().filter(|label| **label == index as u32 + 1).count()
        };
        (top..bottom).map(count).sum::<usize>() as f32
    }

    /// What of a region lies beside an outline: where a button meets another, or a line of the picture that is a little out
    /// of place, they make one region.
    pub(crate) fn beside(&self, index: usize, outline: Bar) -> Region {
        let (width, label) = (self.size.0, index as u32 + 1);
        self.ground().measure_where(self.regions[index].bounds, |x, y| {
            self.labels[y * width + x] == label && !outline.row(y, width).contains(&x)
        })
    }

    /// Leaves what lies within an outline to a region, and makes what lies `beside` it the last one.
    pub(crate) fn split(&mut self, index: usize, outline: Bar, beside: Region) {
        let (width, label) = (self.size.0, index as u32 + 1);
        let (left, top, right, bottom) = self.regions[index].bounds;
        self.regions.push(beside);
        for y in top..bottom {
            let inside = outline.row(y, width);
            for x in (left..right).filter(|x| !inside.contains(x)) {
                let value = &mut self.labels[y * width + x];
                if *value == label {
                    *value = self.regions.len() as u32;
                }
            }
        }
        let own = |x: usize, y: usize| self.labels[y * width + x] == label;
        self.regions[index] = self.ground().measure_where((left, top, right, bottom), own);
    }

    fn ground(&self) -> Ground<'_> {
        let Residual { relative, contrast, .. } = &self.residual;
        Ground { width: self.size.0, relative, contrast }
    }

    fn scene(&self) -> Scene<'_> {
        let contrast = self.contrast.get_or_init(|| residual::contrast(&self.sight.query[0]));
        let Sight { predicted, query: seen, warped: query, .. } = &self.sight;
        Scene { labels: &self.labels, query, seen, contrast, predicted }
    }

    /// The bounds of what is judged.
    pub(crate) fn seen(&self) -> Bounds {
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
}
