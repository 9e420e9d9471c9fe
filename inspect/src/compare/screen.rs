//! Which regions a screen laid over a picture: icons, buttons, letters, panels and frames, and no damage.
//!
//! Owns the thresholds that tell, with what they were calibrated on. Knows nothing of pixels.

// Areas and sides are below 2^24.
#![allow(clippy::cast_precision_loss)]

use super::frame::is_small;
use super::look::Look;
use super::regions::{Bounds, Region};
use super::veil::Cover;

/// Where a region is judged.
pub(crate) struct Place {
    /// Width and height of the frame.
    pub(crate) frame: (usize, usize),
    /// The bounds of what is judged.
    pub(crate) seen: Bounds,
    /// As in [`super::decide::Setting`].
    pub(crate) shows_more: bool,
    /// Whether the corners of the picture alone may have signs.
    pub(crate) corners: bool,
    /// Where signs are known; more may stand in one row with them.
    pub(crate) signs: Vec<Bounds>,
}

/// How far from the nearer side of the picture the middle of a sign in a corner lies, across and down, parts of the
/// frame's longest side.
const CORNER: (f32, f32) = (0.15, 0.12);

impl Place {
    /// The same in a frame of another size over the same picture.
    pub(crate) fn scaled(&self, frame: (usize, usize)) -> Self {
        let (from, to) = (self.frame, frame);
        let scaled = |(left, top, right, bottom): Bounds| {
            let (right, bottom) = ((right * to.0).div_ceil(from.0), (bottom * to.1).div_ceil(from.1));
            (left * to.0 / from.0, top * to.1 / from.1, right, bottom)
        };
        let signs = self.signs.iter().copied().map(scaled).collect();
        Self { frame, seen: scaled(self.seen), signs, ..*self }
    }

    /// Whether small spots of grey or vivid colours may be icons and buttons there: anywhere on a screen, and where the
    /// picture was cut out of one in its corners and beside the signs in them.
    pub(crate) fn has_signs(&self, region: &Region) -> bool {
        self.shows_more || self.is_beside_signs(region)
    }

    /// Whether a region lies where signs are known to be: in the picture's corners, or in one row with a sign above.
    pub(crate) fn is_beside_signs(&self, region: &Region) -> bool {
        (self.corners && self.is_in_corner(region)) || self.is_in_row(region)
    }

    /// Whether a region is as high as a known sign in the upper half and stands beside it.
    fn is_in_row(&self, region: &Region) -> bool {
        let (_, top, _, bottom) = region.bounds;
        self.signs.iter().any(|sign| {
            let height = sign.3 - sign.1;
            let off = (top + bottom).abs_diff(sign.1 + sign.3);
            let as_high = 2 * (bottom - top) >= height && 2 * (bottom - top) <= 3 * height;
            as_high && 4 * off <= height && sign.1 + sign.3 < self.frame.1
        })
    }

    /// Whether known signs, or that corners may have some, tell anything of a region.
    pub(crate) fn is_near_signs(&self, region: &Region) -> bool {
        self.is_beside_signs(region) || self.stands_with_signs(region)
    }

    /// Whether a region is as high as two known signs that stand in one line with it, give or take an eighth.
    fn stands_with_signs(&self, region: &Region) -> bool {
        let (_, top, _, bottom) = region.bounds;
        let in_line = |sign: &&Bounds| {
            let reach = ((sign.3 - sign.1) / 8).max(1);
            top.abs_diff(sign.1) <= reach && bottom.abs_diff(sign.3) <= reach
        };
        let (width, height) = sides(region.bounds, self.frame);
        height <= 0.13 && width <= 4.0 * height && self.signs.iter().filter(in_line).take(2).count() == 2
    }

    fn is_in_corner(&self, region: &Region) -> bool {
        let (left, top, right, bottom) = region.bounds;
        let (width, height) = self.frame;
        let longest = width.max(height) as f32;
        let from_side = |from: usize, to: usize, length: usize| {
            0.5 * (from + to).min((2 * length).saturating_sub(from + to)) as f32
        };
        from_side(left, right, width) <= CORNER.0 * longest
            && from_side(top, bottom, height) <= CORNER.1 * longest
    }
}

/// Largest less smallest channel of colours, grey levels: up to the first a colour is grey (on a sketch it mixes with
/// its surroundings), from the third vivid, from the fourth as blood and rust are not. Signs of a screen are grey or
/// vivid, stains in between.
const GREYISH: f32 = 10.0;
const GREYISH_ON_SKETCH: f32 = 36.0;
const VIVID: f32 = 120.0;
const VIVID_ANYWHERE: f32 = 150.0;

/// Predicted luma from which ground is white, and up to which it is black, grey levels.
const WHITE_GROUND: f32 = 225.0;
const BLACK_GROUND: f32 = 25.0;

/// Width and height of bounds, parts of the frame's longest side.
fn sides((left, top, right, bottom): Bounds, frame: (usize, usize)) -> (f32, f32) {
    let longest = frame.0.max(frame.1) as f32;
    ((right - left) as f32 / longest, (bottom - top) as f32 / longest)
}

/// Whether a region is letters, a panel along a side or a strip along the border.
pub(crate) fn is_painted(region: &Region, look: &Look, place: &Place) -> bool {
    is_glyph(region, look, place.frame)
        || is_line_of_letters(region, look, place)
        || is_panel(region, look, place)
        || is_rim(region, place)
}

/// Whether a region is a filled icon or a vivid sticker.
///
/// Procedural damage with more than half its pixels of one colour filled at most 0.61 of its box. Icons on a ground of
/// nearly their own grey have no edge, or lose a part of their disc (0.64 filled and more), but are of one colour all
/// the more (0.8 and more).
pub(crate) fn is_icon(region: &Region, look: &Look, place: &Place) -> bool {
    let Place { frame, shows_more, .. } = *place;
    let (width, height) = sides(region.bounds, frame);
    let extent = width.max(height);
    let greyish = if is_small(frame) { GREYISH_ON_SKETCH } else { GREYISH };
    let signed = place.has_signs(region) && !(greyish..VIVID).contains(&look.vivid);
    let icon = signed
        && extent <= 0.13
        && ((look.flat >= 0.62 && look.filled >= 0.7 && look.edge >= 12.0)
            || (look.flat >= 0.8 && look.filled >= 0.64 && look.edge >= 12.0)
            || (look.flat >= 0.95 && look.filled >= 0.66 && look.edge >= 5.0));
    // On a sketch an icon is a dozen pixels and mostly edge.
    let small_icon = signed
        && is_small(frame)
        && extent <= 0.11
        && look.flat >= 0.45
        && look.filled >= 0.7
        && look.edge >= 30.0
        && region.peak >= 5.0;
    // Larger vivid areas are spilt paint, not stickers.
    let least_vivid = if shows_more { VIVID } else { VIVID_ANYWHERE };
    let sticker = look.vivid >= least_vivid
        && look.flat >= 0.5
        && look.edge >= 40.0
        && region.peak >= 6.0
        && extent <= 0.2;
    // Of a gallery's dots the one that is coloured is mostly edge, too.
    let coloured =
        look.vivid >= VIVID_ANYWHERE || (shows_more && look.bright_coloured >= 0.15 && region.peak >= 6.0);
    let dot = coloured && look.edge >= 60.0 && look.filled >= 0.7 && extent <= 0.035;
    // In the picture's corner on a page a sketch leaves no more of a button to be told by than that it is no line.
    let corner =
        shows_more && is_small(frame) && extent <= 0.125 && look.filled >= 0.5 && place.is_in_corner(region);
    // As high as the signs on both sides of it, or of two beside it.
    let in_line = place.stands_with_signs(region);
    // Of a light button on white ground, or a dark one on black, no more than its glyph is seen.
    let dark_on_white = look.ground >= WHITE_GROUND
        && look.bright <= 0.05
        && look.black <= DARK
        && look.vivid <= greyish
        && extent <= 0.06;
    let light_on_black =
        look.ground <= BLACK_GROUND && look.bright >= 0.9 && look.white >= 180.0 && extent <= 0.07;
    let bare_glyph = place.is_beside_signs(region)
        && !is_small(frame)
        && (dark_on_white || light_on_black)
        && look.edge >= 60.0
        && region.peak >= 6.0;
    icon || small_icon || sticker || dot || corner || in_line || bare_glyph
}

/// Whether a region is a small bright glyph. Letters are a few pixels wide, two on a sketch: not quite white any more,
/// and small.
fn is_glyph(region: &Region, look: &Look, frame: (usize, usize)) -> bool {
    let (width, height) = sides(region.bounds, frame);
    let glyph = look.bright >= 0.95
        && look.white >= 195.0
        && look.edge >= 40.0
        && region.peak >= 4.0
        && height <= 0.07
        && width <= 0.12;
    let (least_white, least_edge) = if is_small(frame) { (120.0, 40.0) } else { (140.0, 100.0) };
    let small = look.bright >= 0.97
        && look.white >= least_white
        && look.edge >= least_edge
        && region.peak >= 6.0
        && height <= 0.05
        && width <= 0.08;
    glyph || small
}

/// Whether a region is a line of letters, digits or dots in white, black or a bright colour, as time stamps are.
///
/// Of 5,600 regions of damage, on details and on sketches seen closer, one was as low and 3.5 times as long with strokes of
/// 0.25 and more (0.46, and 0.17 filled); of those twice as long and well filled none was above 0.21 but two of 0.36 and 0.39
/// that were neither light nor dark. Time stamps and dots had 0.33 to 0.68, the wide signs of a phone's status bar, which
/// lie along the top beside other signs, 0.2 and more.
fn is_line_of_letters(region: &Region, look: &Look, place: &Place) -> bool {
    let (width, height) = sides(region.bounds, place.frame);
    if is_small(place.frame) || height > 0.07 || width > 0.5 {
        return false;
    }
    let like = |long: f32, strokes: f32, filled: f32| {
        width >= long * height && look.strokes >= strokes && look.filled >= filled
    };
    // All of one sign, as far as `sure`, and as light or as dark.
    let light = |sure: f32, white: f32| look.bright >= sure && look.white >= white;
    // Letters take colour away, blood adds some.
    let dark =
        |sure: f32, black: f32| look.bright <= 1.0 - sure && look.black <= black && look.tinted <= 0.05;
    let line = like(3.5, 0.3, 0.3)
        && (light(0.85, 195.0) || light(0.6, 245.0) || dark(0.85, 40.0) || look.bright_coloured >= 0.15);
    // Thin strokes are mixed with their ground.
    let long_and_thin = like(3.5, 0.5, 0.3)
        && (light(0.97, (look.ground + 100.0).max(150.0))
            || (dark(0.97, look.ground - 100.0) && look.vivid <= 100.0)
            || look.bright_coloured >= 0.07);
    let thick =
        like(2.0, 0.35, 0.6) && (light(0.97, 215.0) || dark(0.97, 32.0) || look.bright_coloured >= 0.1);
    let thin = like(2.0, 0.5, 0.5)
        && (light(0.97, 195.0)
            || light(0.75, 245.0)
            || (dark(0.97, 80.0) && look.vivid <= GREYISH_ON_SKETCH)
            || (look.bright >= 0.97 && look.vivid >= VIVID_ANYWHERE));
    let at_top = sides((0, 0, 0, region.bounds.3), place.frame).1 <= 0.075;
    let status = at_top
        && (place.shows_more || place.is_beside_signs(region))
        && like(1.5, 0.2, 0.6)
        && (light(0.97, 215.0) || dark(0.97, 32.0));
    line || long_and_thin || thick || thin || status
}

/// Opacity below which a dark cover only darkens, as a stain does, and the luma up to which it is dark.
const WEAK: f32 = 0.5;
const DARK: f32 = super::veil::DARK as f32;

/// Whether a region is small enough to be a button, several side by side or one with a line of the picture that runs
/// into it.
pub(crate) fn may_be_button(region: &Region, frame: (usize, usize)) -> bool {
    let (width, height) = sides(region.bounds, frame);
    width.min(height) <= 0.2 && width.max(height) <= 0.5
}

/// Share of an icon or a button that what is drawn on it takes at least, where a sketch alone tells no more than that
/// something small lies there: of 144 grey stains on a page 48 pass for signs with this, 118 without it, and of 983 pages no
/// more are called altered.
const DRAWN: f32 = 0.06;

/// Whether a small spot may be a sign for what is drawn on it, [`super::layer::Layer::glyph`].
pub(crate) fn has_glyph(glyph: f32) -> bool {
    glyph >= DRAWN
}

/// Share of a cover that a glyph on it takes at least for the cover to be a button wherever it lies.
const WRITTEN: f32 = 0.08;

/// Whether a cover is a button, badge or caption, perhaps half transparent, perhaps with a glyph on it. `has_signs` as
/// [`Place::has_signs`].
///
/// Its outline is drawn: shop pages of two generators, of 135 pictures, had buttons of 0.97 and more where damage that told
/// as much reached 0.96, or was thicker. None of 450 of those pages is called altered (on sketches two). It also needs a glyph, or
/// an outline that is told nearly all around: round stains are drawn as evenly. (On a sketch only if it darkens.)
///
/// Light letters on a dark cover tell it wherever it lies: of 2,600 regions of damage with an outline told that well none
/// had more than 0.07 of them, buttons 0.08 to 0.5. Stains are also found on light things, with dark flecks on them: there
/// the cover must be a disc, and no small one.
pub(crate) fn is_button(cover: &Cover, frame: (usize, usize), has_signs: bool) -> bool {
    let longest = frame.0.max(frame.1) as f32;
    let (width, height) = (cover.bar.width() / longest, cover.bar.height() / longest);
    let (short, long) = (width.min(height), width.max(height));
    let small = is_small(frame);
    // On a sketch a button is a dozen pixels, and its glyph and edge are most of it: there its size has to tell.
    let (thick, covered, bare, drawn, told, glyph, tint) = if small {
        (0.085, 0.22, 0.18, 0.945, 0.38, 0.035, 24.0)
    } else {
        (0.11, 0.4, 0.1, 0.965, 0.55, 0.05, 16.0)
    };
    // Told by its outline alone: it may be larger, and a white glyph on white ground looks bare.
    let certain = cover.drawn >= 0.98 && cover.told >= 0.7;
    let (thick, bare) = if certain { (0.14, 0.25) } else { (thick, bare) };
    let dark = cover.luma <= DARK;
    let lettered = !small && cover.glyph >= WRITTEN;
    // A counter is a few letters long, a caption more; a scratch is longer.
    let (greatest, ratio) = if lettered && dark { (0.4, 9.0) } else { (0.16, 3.0) };
    // A screen's greys, not a stain's brown.
    if cover.covered < covered
        || cover.tint > tint
        || short > thick
        || long > greatest
        || long > ratio * short
    {
        return false;
    }
    let is_disc = short >= 0.045 && long <= 1.25 * short;
    // Black behind several letters: over texture that a sketch has lost its edge is told less well.
    let caption = cover.glyph >= 0.14
        && cover.luma <= 40.0
        && cover.tint <= 10.0
        && long >= 1.5 * short
        && cover.bare <= 0.1
        && cover.drawn >= 0.84
        && cover.told >= 0.4;
    let written =
        if dark { caption || (cover.drawn >= 0.95 && cover.told >= 0.45) } else { certain && is_disc };
    if lettered && written && cover.bare <= 0.25 {
        return true;
    }
    let outlined = cover.bare <= bare && cover.drawn >= drawn && cover.told >= told;
    let marked = cover.glyph >= glyph || (cover.drawn >= 0.99 && cover.told >= 0.8);
    let darkens = cover.opacity < WEAK && dark;
    has_signs && outlined && (marked || (small && !darkens))
}

/// Whether a region is a strip along a third or more of a side of the reference, on a screen a sixth, perhaps around its
/// corners: what lies around the picture shows there when the picture's plain border could not be aligned.
fn is_rim(region: &Region, place: &Place) -> bool {
    let (left, top, right, bottom) = region.bounds;
    let part = if place.shows_more { 6 } else { 3 };
    let long = part * (right - left) >= place.frame.0 || part * (bottom - top) >= place.frame.1;
    region.rim == region.area && long
}

/// Whether a region is a bar or page of one colour that covers a whole side of what is seen of the picture.
fn is_panel(region: &Region, look: &Look, place: &Place) -> bool {
    let Place { frame, seen, .. } = *place;
    let (left, top, right, bottom) = region.bounds;
    // What is near the side stands for what reaches it: the outermost pixels are not judged.
    let near = frame.0.max(frame.1) / 50;
    let (at_left, at_right) = (left <= seen.0 + near, right + near >= seen.2);
    let (at_top, at_bottom) = (top <= seen.1 + near, bottom + near >= seen.3);
    let from_side =
        (at_left && at_right && (at_top || at_bottom)) || (at_top && at_bottom && (at_left || at_right));
    from_side && look.flat >= 0.5 && look.filled >= 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(bounds: Bounds) -> Region {
        Region { bounds, area: 100, mass: 500.0, peak: 9.0, texture: 5.0, rim: 0 }
    }

    fn place(signs: Vec<Bounds>) -> Place {
        Place { frame: (300, 400), seen: (2, 2, 298, 398), shows_more: true, corners: false, signs }
    }

    #[test]
    fn only_what_is_as_high_as_two_signs_in_its_line_is_one_of_them() {
        let row = place(vec![(10, 300, 40, 330), (100, 301, 130, 331)]);
        assert!(row.is_near_signs(&region((60, 299, 90, 329))));
        // Two that touch are one region.
        assert!(row.is_near_signs(&region((140, 300, 210, 331))));
        for other in [(60, 310, 90, 340), (60, 305, 85, 325), (60, 280, 90, 330), (140, 300, 290, 330)] {
            assert!(!row.is_near_signs(&region(other)), "{other:?}");
        }
        assert!(!place(vec![(10, 300, 40, 330)]).is_near_signs(&region((60, 299, 90, 329))));
    }

    #[test]
    fn a_place_is_the_same_place_in_a_finer_frame() {
        let fine = place(vec![(10, 300, 41, 330)]).scaled((600, 800));
        assert_eq!((fine.frame, fine.seen), ((600, 800), (4, 4, 596, 796)));
        assert_eq!(fine.signs, [(20, 600, 82, 660)]);
        assert!(fine.shows_more && !fine.corners);
    }
}
