//! The regions in which a query departs from its reference, and what each of them is.
//!
//! Owns the order in which they are judged, the light of lamps and the buttons that are taken out on the way, and the way
//! back into the query's pixels. The thresholds are elsewhere.

// Positions are below 2^16, ratios lie between 0 and 1, and heat is clamped to a byte.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::decide::{self, Setting};
use super::frame::{Frame, is_small};
use super::highlight::Spot;
use super::homography::Homography;
use super::layer::{BUTTON_EDGE, Kind, Layer};
use super::outline::Bar;
use super::raster::Plane;
use super::regions::{Bounds, Region};
use super::residual;
use super::screen::{self, Place};
use super::sight::{Lamp, Relit, Sight};
use super::tone::{self, Channels};
use super::whole::{Alteration, Comparison, Query};

/// Regions reported of either kind, at most; the strongest.
const REPORTED: usize = 32;
/// Signs in the corners of a picture, or lettered ones anywhere, that show that it was cut out of a page, at least.
const SIGNS: usize = 2;
/// Regions that are told from what lies beside buttons, at most.
const BESIDE: usize = 16;
/// Regions examined, at most; the heaviest.
const EXAMINED: usize = 64;
/// Reflections of lamps that are told, and regions that are tried as such, at most.
const LAMPS: usize = 3;
const TRIED: usize = 6;

/// One of the regions that are strong enough to be told.
struct Judged {
    strength: f32,
    /// Place in [`Layer::regions`].
    index: usize,
    kind: Kind,
}

fn strongest_first(judged: &mut [Judged]) {
    judged.sort_by(|a, b| b.strength.total_cmp(&a.strength).then(a.index.cmp(&b.index)));
}

/// The regions that depart.
pub(crate) struct Found {
    layer: Layer,
    /// The same regions seen closer, of a sketch where the query is denser.
    closer: Option<Layer>,
    /// As [`residual::edited`], without the light of lamps.
    edited: f32,
    setting: Setting,
    /// Strongest first.
    judged: Vec<Judged>,
    /// Outlines of buttons.
    buttons: Vec<Bar>,
    lamps: Vec<Lamp>,
}

impl Found {
    pub(crate) fn new(sight: Sight, frame: &Frame, query: &Query<'_>, setting: Setting) -> Self {
        let plain = tone::channels(&frame.reference);
        let edited = residual::edited(&sight.predicted, &plain);
        let seen_in = |sight, edited, lamps| {
            let (layer, judged, buttons) = (Layer::new(sight, &plain), Vec::new(), Vec::new());
            let mut found = Self { layer, closer: None, edited, setting, judged, buttons, lamps };
            found.judge(|layer| layer.closer(frame, query));
            found
        };
        let mut found = seen_in(sight.within_margin(), edited, Vec::new());
        if !setting.reflects {
            return found;
        }
        // What lies in a lamp's light is judged once the light is part of the prediction.
        let (mut spots, mut tries) = (Vec::new(), TRIED);
        while spots.len() < LAMPS
            && let Some(relit) = found.with_another_lamp(frame, &plain, &mut spots, &mut tries)
        {
            let Relit { predicted, query, edited, lamps } = relit;
            found = seen_in(Sight { predicted, query, ..found.layer.sight }, edited, lamps);
        }
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
        let Sight { predicted, query, valid, .. } = &self.layer.sight;
        for Judged { strength, index, kind } in &self.judged {
            let region = &self.layer.regions[*index];
            // Bars of a screen are often the heaviest.
            if kind.is_overlay() || !decide::may_be_lit(region, self.layer.size) {
                continue;
            }
            *tries = tries.checked_sub(1)?;
            let Some(spot) = Spot::around(region.bounds, predicted, query, valid) else { continue };
            spots.push((spot, *strength));
            if let Some(relit) = self.layer.sight.relit(frame, plain, spots) {
                return Some(relit);
            }
            spots.pop();
        }
        None
    }

    /// The regions that are strong enough to be told, strongest first, and what each is.
    fn judge(&mut self, closer: impl FnOnce(&Layer) -> Option<Layer>) {
        let mut waiting: Vec<(f32, usize)> = self
            .layer
            .regions
            .iter()
            .enumerate()
            .map(|(index, region)| (self.strength(region), index))
            .filter(|(strength, _)| *strength >= 1.0)
            .collect();
        if waiting.is_empty() {
            return;
        }
        waiting.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        waiting.truncate(EXAMINED);
        if is_small(self.layer.size) {
            self.closer = closer(&self.layer);
        }
        let (frame, seen, shows_more) = (self.layer.size, self.layer.seen(), self.setting.shows_more);
        let place = Place { frame, seen, shows_more, corners: false, signs: Vec::new() };
        self.judged = self.told(waiting, &place);
        // A page that was cut to its very picture has signs in several corners; one spot is a stain there, too.
        let corners = Place { corners: true, ..place };
        let is_sign = |judged: &&Judged| {
            let in_corner = corners.is_beside_signs(&self.layer.regions[judged.index]);
            match judged.kind {
                // Letters told it wherever it lies, if this is no page.
                Kind::Button(_) => in_corner || !shows_more,
                Kind::Icon => in_corner,
                // A time stamp or a bar shows no page.
                Kind::Painted => false,
                Kind::Departs => in_corner && self.kind(&corners, judged.index).is_overlay(),
            }
        };
        let is_cut = self.judged.iter().filter(is_sign).take(SIGNS).count() == SIGNS;
        if is_cut {
            self.tell_again(&corners);
        }
        if !is_cut && !shows_more {
            return;
        }
        // More stand in one line with them.
        let signs = self
            .judged
            .iter()
            .map(|judged| (&judged.kind, &self.layer.regions[judged.index]))
            .filter(|(kind, region)| match kind {
                Kind::Button(_) => true,
                Kind::Icon => shows_more || corners.is_beside_signs(region),
                // On a page that was cut its status bar shows where it begins.
                Kind::Painted => !shows_more && corners.is_beside_signs(region),
                Kind::Departs => false,
            })
            .map(|(_, region)| region.bounds)
            .collect();
        self.tell_again(&Place { signs, corners: false, ..corners });
    }

    /// Judges once more what was no screen's, where a place may have signs that it could not have before.
    fn tell_again(&mut self, place: &Place) {
        let (others, mut judged): (Vec<Judged>, Vec<Judged>) =
            std::mem::take(&mut self.judged).into_iter().partition(|judged| {
                !judged.kind.is_overlay() && place.is_near_signs(&self.layer.regions[judged.index])
            });
        let waiting = others.into_iter().map(|other| (other.strength, other.index)).collect();
        judged.extend(self.told(waiting, place));
        strongest_first(&mut judged);
        self.judged = judged;
    }

    /// What each of the regions is, strongest first. What is left beside a button becomes a region of its own.
    fn told(&mut self, mut waiting: Vec<(f32, usize)>, place: &Place) -> Vec<Judged> {
        let mut judged = Vec::with_capacity(waiting.len());
        let mut left = BESIDE;
        waiting.reverse();
        while let Some((mut strength, index)) = waiting.pop() {
            let mut kind = self.kind(place, index);
            if let Kind::Button(bar) = kind {
                let outline = bar.grown(BUTTON_EDGE);
                let beside = self.layer.beside(index, outline);
                let beside_strength = self.strength(&beside);
                if beside_strength < 1.0 {
                    self.buttons.push(bar);
                } else if left > 0 {
                    left -= 1;
                    self.buttons.push(bar);
                    waiting.push((beside_strength, self.layer.regions.len()));
                    if let Some(closer) = &mut self.closer {
                        let fine = bar.scaled(self.layer.size, closer.size).grown(BUTTON_EDGE);
                        closer.split(index, fine, closer.beside(index, fine));
                    }
                    self.layer.split(index, outline, beside);
                    strength = self.strength(&self.layer.regions[index]);
                } else {
                    kind = Kind::Departs;
                }
            }
            judged.push(Judged { strength, index, kind });
        }
        strongest_first(&mut judged);
        judged
    }

    fn strength(&self, region: &Region) -> f32 {
        decide::strength(region, self.layer.residual.level, self.edited, self.layer.size)
    }

    /// What a region is; of a sketch by both looks at it. What the closer one shows plain is no sign for being small.
    fn kind(&self, place: &Place, index: usize) -> Kind {
        let kind = self.layer.kind(place, index, &self.buttons);
        let Some(closer) = &self.closer else { return kind };
        let (own, fine) = (self.layer.size, closer.size);
        let outline = match kind {
            Kind::Departs => None,
            Kind::Painted => return kind,
            Kind::Icon => Some(Bar::around(self.layer.regions[index].bounds)),
            Kind::Button(outline) => Some(outline),
        };
        if outline.is_some_and(|outline| screen::has_glyph(closer.glyph(outline.scaled(own, fine)))) {
            return kind;
        }
        let buttons: Vec<Bar> = self.buttons.iter().map(|bar| bar.scaled(own, fine)).collect();
        match closer.kind(&place.scaled(fine), index, &buttons) {
            Kind::Button(bar) => {
                let bar = bar.scaled(fine, own);
                if self.layer.is_of(index, bar) { Kind::Button(bar) } else { Kind::Departs }
            }
            // What is told closer may be a fleck in a stain that is too weak to be seen there.
            kind @ (Kind::Icon | Kind::Painted) => {
                let bounds = Bar { round: 0.0, ..Bar::around(closer.regions[index].bounds) };
                let beside = self.layer.beside(index, bounds.scaled(fine, own).grown(BUTTON_EDGE));
                if self.strength(&beside) < 1.0 { kind } else { Kind::Departs }
            }
            Kind::Departs => Kind::Departs,
        }
    }

    /// The picture's own residual, grey levels.
    pub(crate) fn level(&self) -> f32 {
        self.layer.residual.level
    }

    /// Enters alterations and overlays into the result, and both into its map.
    pub(crate) fn report(&self, result: &mut Comparison, to_bounded: &Homography, up: &Homography) {
        let whole = &up.after(to_bounded);
        for lamp in &self.lamps {
            let Some([x, y, width, height]) = outline(lamp.bounds, whole) else { continue };
            let area = lamp.pixels.iter().filter(|lit| **lit != 0).count();
            let share = area as f32 / (self.layer.size.0 * self.layer.size.1) as f32;
            result.overlays.push(Alteration { x, y, width, height, strength: lamp.strength, share });
            self.paint(&mut result.map, lamp.bounds, to_bounded, |at| lamp.pixels[at] & Comparison::OVERLAY);
        }
        // What every label is: 0 nothing, else the least value in the map.
        let mut kinds = vec![0_u8; self.layer.regions.len() + 1];
        for &Judged { strength, index, kind } in &self.judged {
            let region = &self.layer.regions[index];
            let overlay = kind.is_overlay();
            let list = if overlay { &mut result.overlays } else { &mut result.alterations };
            let Some(at) = outline(region.bounds, whole) else { continue };
            if list.len() < REPORTED {
                let share = region.area as f32 / (self.layer.size.0 * self.layer.size.1) as f32;
                let [x, y, width, height] = at;
                list.push(Alteration { x, y, width, height, strength, share });
                kinds[index + 1] = if overlay { Comparison::OVERLAY } else { Comparison::ALTERED };
                self.paint(&mut result.map, region.bounds, to_bounded, |at| {
                    let kind = kinds[self.layer.labels[at] as usize];
                    let heat = self.layer.residual.relative.data[at] / 2;
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
                if fx < 0.0 || fy < 0.0 || fx >= self.layer.size.0 as f64 || fy >= self.layer.size.1 as f64 {
                    continue;
                }
                let index = fy as usize * self.layer.size.0 + fx as usize;
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
