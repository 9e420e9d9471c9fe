//! Both pictures of a comparison in one frame: what the reference predicts, and what the query shows.
//!
//! Owns the steps that make them comparable: warp, colours, local shifts, sharpness and the light of lamps. Judges
//! nothing.

use super::frame::Frame;
use super::highlight::{Highlight, Spot};
use super::raster::{self, Rgb};
use super::regions::Bounds;
use super::residual;
use super::sharpness;
use super::tone::{self, Channels, Tone};
use super::warp::{self, Field};

/// One part in so many of what is seen has to lie beside lamps' light: it tells the colours.
const LEFT_BY_LAMPS: usize = 3;

/// Both pictures in the frame, comparable.
pub(crate) struct Sight {
    pub(crate) predicted: Channels,
    pub(crate) query: Channels,
    pub(crate) warped: Rgb,
    pub(crate) valid: Vec<u8>,
    pub(crate) tone: Tone,
    pub(crate) field: Field,
}

impl Sight {
    pub(crate) fn new(frame: &Frame) -> Self {
        let (width, height) = (frame.reference.width, frame.reference.height);
        let (warped, valid) =
            warp::warp(&frame.part, &frame.to_part, &Field::zero(width, height), width, height);
        let tone = Tone::fit(&frame.reference, &warped, &valid);
        let predicted = tone.apply(&frame.reference);
        let field = Field::estimate(&predicted[0], &raster::luma(&warped), &valid);
        Self::through(frame, predicted, tone, field)
    }

    /// The same at the density of another frame; `before` is the size of the one so far.
    pub(crate) fn finer(self, frame: &Frame, before: (usize, usize)) -> Self {
        let size = (frame.reference.width, frame.reference.height);
        let predicted = self.tone.apply(&frame.reference);
        Self::through(frame, predicted, self.tone, self.field.rescaled(before, size))
    }

    /// The same at the density of a frame that only the query fills: what is predicted is no sharper than before.
    pub(crate) fn closer(&self, frame: &Frame, before: (usize, usize)) -> Self {
        let (width, height) = (frame.reference.width, frame.reference.height);
        let predicted = self.predicted.each_ref().map(|plane| plane.enlarged(width, height));
        let field = self.field.rescaled(before, (width, height));
        let (warped, mut valid) = warp::warp(&frame.part, &frame.to_part, &field, width, height);
        let known = raster::enlarge::<1>(&self.valid, before, (width, height));
        for (seen, known) in valid.iter_mut().zip(known) {
            *seen = if known == 255 { *seen } else { 0 };
        }
        let query = Self::shown(&predicted, &warped, &valid);
        Self { predicted, query, warped, valid, tone: self.tone, field }
    }

    fn through(frame: &Frame, predicted: Channels, tone: Tone, field: Field) -> Self {
        let (width, height) = (frame.reference.width, frame.reference.height);
        let (warped, valid) = warp::warp(&frame.part, &frame.to_part, &field, width, height);
        let (predicted, query) = Self::equalised(predicted, &warped, &valid);
        Self { predicted, query, warped, valid, tone, field }
    }

    /// The prediction and what is seen, equally sharp.
    fn equalised(mut predicted: Channels, warped: &Rgb, valid: &[u8]) -> (Channels, Channels) {
        let mut query = Self::shown(&predicted, warped, valid);
        sharpness::equalise(&mut predicted, &mut query, valid);
        (predicted, query)
    }

    /// What the query shows, and the prediction where it shows nothing: that must not bleed into what it shows when either
    /// is softened. `valid` is 0 or 255.
    fn shown(predicted: &Channels, warped: &Rgb, valid: &[u8]) -> Channels {
        let mut query = tone::channels(warped);
        for (shown, predicted) in query.iter_mut().zip(predicted) {
            for ((value, predicted), seen) in shown.data.iter_mut().zip(&predicted.data).zip(valid) {
                *value = *value & *seen | *predicted & !*seen;
            }
        }
        query
    }

    /// Without what lies along the border of what is seen.
    pub(crate) fn within_margin(mut self) -> Self {
        let (width, height) = (self.warped.width, self.warped.height);
        residual::margin(&mut self.valid, width, height, (width.max(height) / 130).max(2));
        self
    }

    /// The pictures with the light of lamps predicted; `None` if one is no light, or they leave too little. The colours
    /// are told anew by the rest of the picture: the smooth light fitted to all of it bends towards a lamp's.
    pub(crate) fn relit(&self, frame: &Frame, plain: &Channels, spots: &[(Spot, f32)]) -> Option<Relit> {
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
pub(crate) struct Relit {
    pub(crate) predicted: Channels,
    pub(crate) query: Channels,
    /// As [`residual::edited`] without the light.
    pub(crate) edited: f32,
    pub(crate) lamps: Vec<Lamp>,
}

/// What one lamp lights.
pub(crate) struct Lamp {
    pub(crate) bounds: Bounds,
    /// Per pixel of the frame 255 where it is clearly lit, else 0.
    pub(crate) pixels: Vec<u8>,
    /// Of the region that it explains.
    pub(crate) strength: f32,
}
