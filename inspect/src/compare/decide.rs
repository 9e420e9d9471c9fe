//! The decisions: same capture or not, altered or not.
//!
//! Owns the thresholds that turn measures into answers, with what they were calibrated on, but for those that tell light
//! from paint, which stand beside the fit they judge. Knows nothing of pixels.

// Areas and sides are below 2^24.
#![allow(clippy::cast_precision_loss)]

use super::agreement::Agreement;
use super::border::Border;
use super::parallax::Parallax;
use super::regions::Region;

/// Overlap, share of the reference, below which nothing is said.
const LITTLE_OVERLAP: f32 = 0.06;

/// How two pictures are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// One capture; the comparison found nothing altered.
    SameCapture,
    /// One capture, altered in regions.
    SameCaptureAltered,
    /// The same object or template, another capture.
    OtherCapture,
    /// Too little texture or overlap, or no agreement at all.
    CannotTell,
}

/// What the relation rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Share of the reference that the query shows.
    pub(crate) overlap: f32,
    pub(crate) agreement: Agreement,
    pub(crate) parallax: Parallax,
    pub(crate) border: Border,
}

/// The relation before alterations are looked for.
///
/// Calibrated on 111 products of four kinds: 5,000 attacked pictures compared with their sketch and their detail
/// reference, and 183 ordered pairs of different photographs that 8 features or global codes had proposed. Of those
/// pairs 22, of 7 heaps of fruit, agree by blocks alone as one capture does.
pub(crate) fn relation(seen: &Seen) -> Relation {
    let Seen { agreement, overlap, .. } = seen;
    if agreement.is_too_plain() || *overlap < LITTLE_OVERLAP {
        return Relation::CannotTell;
    }
    let agrees = agrees(seen) || is_still(seen);
    if agrees && !is_other_viewpoint(seen) {
        Relation::SameCapture
    } else if agrees || agreement.median >= 0.35 {
        Relation::OtherCapture
    } else {
        Relation::CannotTell
    }
}

/// Whether the blocks agree as those of one capture.
///
/// Genuinely different captures reached a median of 0.894 with a lower quartile of 0.36 and 58 % alike; two shots of
/// one heap of fruit from nearly one place any value up to 0.991, 0.982 and 100 %: those are told by
/// [`is_other_viewpoint`]. Re-photographed screens fell to 0.89, 0.82 and 91 %: hence the tier for even, noisy
/// agreement.
fn agrees(seen: &Seen) -> bool {
    let Seen { overlap, agreement, parallax, border } = seen;
    let plain = agreement.median >= 0.92 && agreement.alike >= 0.66;
    // A large tear over the product leaves hardly half of the textured blocks, but those agree closely.
    let damaged = agreement.median >= 0.95 && agreement.alike >= 0.52;
    let noisy = agreement.median >= 0.875 && agreement.quartile >= 0.775 && agreement.alike >= 0.82;
    // Strongly rendered again or photographed from a poor screen: everywhere somewhat worse, nowhere unlike. Other
    // captures that show as much of the reference stayed at 0.75, 0.36 and 54 %, but for two sides of a smooth black
    // ball on white: 0.90, 0.64 and 69 %, with shifts as of a new rendering (0.5), and half of the border inside the
    // photo, which no rendering shows.
    let elsewhere = parallax.median > 0.35 && border.beyond >= 0.1;
    let rendered = *overlap >= 0.8
        && agreement.median >= 0.78
        && agreement.quartile >= 0.58
        && agreement.alike >= 0.6
        && !elsewhere;
    plain || damaged || noisy || rendered
}

/// Whether the scene goes on beyond the reference's border.
///
/// The 22 pairs above: correlation 0.34 to 0.92 over 63 to 383 pixels, contrast 12 to 33, steps across the border 0.88
/// to 1.44 times those inside, 19 to 60 % of the border well inside the photo. Of 3,000 screenshots, collages,
/// photographs of screens and new renderings one passed (of a nearly plain picture, badly aligned). Photographs of
/// screens show steps of 1.8 times and more, or a ground of contrast below 6; new renderings reach no more than 3 %
/// beyond the border.
fn continues(border: &Border) -> bool {
    border.correlation >= 0.3
        && border.textured >= 48.0
        && border.contrast >= 6.0
        && border.step <= 1.8
        && border.beyond >= 0.1
}

/// Whether the photo was taken from another place: rough shifts where it shows what lay beyond the registered
/// picture, or rougher ones where it shows a part only.
///
/// The median departure was 0.15 to 0.64 for the 22 pairs, 0.20 and more for other pairs. Attacked pictures that are
/// no photographs of screens and not rendered again: 0.02 in the median, 0.04 at the 95th percentile, 0.08 at the
/// 99th; the few above 0.21 had lost most of their texture to damage and were shown whole. Photographs of screens:
/// 0.06, 0.14 and 0.28; new renderings, which are bent: 0.3 to 0.98, shown whole. Six heaps of
/// one random half of the products stood at 0.16 and more, one of the other half at 0.15 and more; both halves had been
/// looked at before the thresholds were set.
fn is_other_viewpoint(seen: &Seen) -> bool {
    let rough = seen.parallax.median;
    seen.parallax.places > 0
        && ((rough >= 0.1 && continues(&seen.border)) || (rough >= 0.21 && seen.overlap < 0.8))
}

/// Whether what is left of the picture lies so exactly where it was that it is one capture, though much of it may have
/// been damaged, or its blocks agree badly.
///
/// A tear over a product on white leaves 42 % of the textured blocks alike; the shifts of all still have a median
/// departure of at most 0.15. Poor photographs of screens have up to 0.26, but evenly: upper quartile at most 0.4, or at
/// most 0.5 where most blocks agree nevertheless. Of other captures that show the reference whole, the nearest have 0.22
/// and 0.58 with a lower quartile of 0.37 (a hand before a still background) and 0.43 and 0.78 with one of 0.33.
///
/// A tear over most of a product on plain or dark ground leaves less alike, but it covers little of the picture, and the
/// rest lies still: of 126 large tears four had 33 to 45 % of the places within a tenth of a pixel, and 20 to 25 % of all
/// blocks unlike. Of 167 other captures that fit by their features those with as little unlike had at most 11 % still, but
/// for heaps that go on beyond the border; the hand before a still background 39 %, with 40 % unlike, 30 % if both pictures
/// had a white border from 3:4 to a square.
fn is_still(seen: &Seen) -> bool {
    let Seen { overlap, agreement, parallax, border } = seen;
    if parallax.places < 60 || *overlap < 0.8 || continues(border) {
        return false;
    }
    let exact = parallax.median <= 0.15 && agreement.alike >= 0.4;
    let even = parallax.median <= 0.2 && parallax.quartile <= 0.4 && agreement.alike >= 0.42;
    let agreeing = agreement.median >= 0.8 && agreement.quartile >= 0.45 && agreement.alike >= 0.6;
    let partly = parallax.still >= 0.3 && agreement.unlike <= 0.27 && agreement.alike >= 0.4;
    exact || even || partly || (agreeing && parallax.median <= 0.26 && parallax.quartile <= 0.5)
}

/// The residual level of a picture, grey levels, up to which the threshold is the plain one.
const CALM: f32 = 3.0;

/// Mean change of colours, grey levels, that encoding alone brings.
const UNEDITED: f32 = 2.0;

/// How strongly a region departs, as a multiple of what is reported; 1 and more is an alteration.
///
/// The excess over the expected noise is summed, and counts less where the picture itself is busy: there a tenth of
/// a pixel of misalignment leaves residue. What is asked for grows with the resolution (more pixels, more chances)
/// with the picture's own residual level, and with how far its colours were edited as a whole (`edited`, mean grey
/// levels over luma and both colour differences): no smooth map undoes a strong filter exactly.
pub(crate) fn strength(region: &Region, level: f32, edited: f32, frame: (usize, usize)) -> f32 {
    let excess = (region.mass - region.area as f32).max(0.0) / (1.0 + region.texture / 60.0);
    let area = (frame.0 * frame.1) as f32;
    let asked = (360.0 * area / 230_000.0).max(28.0);
    let unrest = 1.0 + 0.5 * (level - CALM).max(0.0) + 0.4 * (edited - UNEDITED).max(0.0);
    excess / (asked * unrest)
}

/// What the surroundings of the registered picture in a photo allow its regions to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// The photo shows more than the registered picture, as a page, a viewer or a photograph of one does. Only there
    /// are small spots of grey or vivid colours icons and buttons, unless letters on them tell: elsewhere they are stains,
    /// burns and mould.
    ///
    /// Of 450 pages 443 show so much of the border; of a photo that shows the picture alone nothing lies there. The
    /// others were cut to the picture and had their buttons called altered, until two corners could have some, too. Of 576
    /// roundish stains of one colour, half of which passed for buttons, 570 are shown with this (on sketches 513; 135
    /// before); of 144 on a shop's page, where they may still pass, 115 are (on sketches 96,
    /// 26 before they were looked at closer).
    pub(crate) shows_more: bool,
    /// The photo was taken of a screen or a print, as it lies unevenly: only there does a lamp reflect. A spot of light
    /// on a digital copy, with a page around it or without, was painted.
    ///
    /// Of 1,243 photographs of screens, also cut to the picture, 97 % have a median shift of 0.04 of a sketch's pixels;
    /// of 594 pages one, of 698 copies with painted light, paler patches or stains 2 %, besides those whose shifts a
    /// large damage disturbs.
    pub(crate) reflects: bool,
}

/// Share of the registered picture's border that must lie well inside the photo for it to show more, and the median
/// shift from which it lies unevenly.
const BEYOND: f32 = 0.1;
const UNEVEN: f32 = 0.04;

impl Setting {
    pub(crate) fn of(border: &Border, parallax: &Parallax) -> Self {
        Self { shows_more: border.beyond >= BEYOND, reflects: is_uneven(parallax) }
    }
}

/// Whether a photo lies unevenly over the registered picture, as one that was taken of a screen or a print does.
pub(crate) fn is_uneven(parallax: &Parallax) -> bool {
    parallax.places > 0 && parallax.median >= UNEVEN
}

/// Whether a region is large enough for a lamp's reflection.
pub(crate) fn may_be_lit(region: &Region, frame: (usize, usize)) -> bool {
    let (left, top, right, bottom) = region.bounds;
    12 * (right - left).max(bottom - top) >= frame.0.max(frame.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As seen where nothing lies along the border, and a share of it `beyond` the photo's.
    fn seen(overlap: f32, agreement: Agreement, parallax: Parallax, beyond: f32) -> Seen {
        let border = Border { correlation: 0.0, textured: 0.0, contrast: 0.0, step: 0.0, beyond };
        Seen { overlap, agreement, parallax, border }
    }

    /// Two sides of a smooth black ball on white, and a new rendering that agrees and is bent as much: it shows the
    /// picture whole.
    #[test]
    fn another_side_of_a_smooth_thing_is_no_strong_rendering() {
        let agreement = Agreement { median: 0.903, quartile: 0.638, alike: 0.691, unlike: 0.14, blocks: 291 };
        let parallax = Parallax { median: 0.503, quartile: 0.986, still: 0.11, places: 129 };
        assert_eq!(relation(&seen(0.874, agreement, parallax, 0.48)), Relation::OtherCapture);
        assert_eq!(relation(&seen(0.874, agreement, parallax, 0.03)), Relation::SameCapture);
    }

    /// A tear over most of a backpack on white, and a hand with another thing in it before one background.
    #[test]
    fn a_picture_with_one_part_torn_is_the_same_and_a_scene_with_another_hand_is_not() {
        let torn = Agreement { median: 0.518, quartile: 0.105, alike: 0.45, unlike: 0.23, blocks: 311 };
        let still = Parallax { median: 0.21, quartile: 0.89, still: 0.41, places: 161 };
        assert_eq!(relation(&seen(0.98, torn, still, 0.0)), Relation::SameCapture);
        let hand = Agreement { median: 0.871, quartile: 0.324, alike: 0.57, unlike: 0.4, blocks: 837 };
        let behind = Parallax { median: 0.23, quartile: 0.73, still: 0.39, places: 413 };
        assert_eq!(relation(&seen(0.96, hand, behind, 0.0)), Relation::OtherCapture);
        // The same with a white border around both.
        let padded = Agreement { unlike: 0.3, ..hand };
        assert_eq!(relation(&seen(0.96, padded, behind, 0.0)), Relation::OtherCapture);
    }
}
