//! Whether one colour at one opacity lies over a region, and in which outline.
//!
//! Apps lay round buttons, badges and counters over a picture, many of them half transparent: what is seen is
//! `opacity * colour + (1 - opacity) * picture` (source over destination: Porter and Duff, "Compositing digital
//! images", SIGGRAPH 1984). Paint and damage have neither one opacity nor a drawn outline. Owns the measures; decides
//! nothing.

// Areas are below 2^24; bytes are mixed by factors from 0 to 1.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::frame::is_small;
use super::look::{FEW_INNER, SAME, quantile};
use super::outline::{Bar, Says, Votes};
use super::regions::{self, Bounds};
use super::tone::Channels;

/// Steps of opacity that are tried.
const STEPS: i32 = 20;
/// Departures from a mixture lie from -255 to 255.
const RANGE: usize = 511;
/// Grey levels, summed over the channels, by which one explanation of a pixel has to be better than another.
const BETTER: i32 = 4;
/// Departures count up to so many grey levels a channel where an opacity is chosen: a glyph is no mixture at all.
const FAR: i32 = 24;
/// Pixels that a colour and an opacity are taken from, at most.
const SAMPLED: usize = 1_024;
/// Grey levels by which a glyph stands out from the button that it is on: lighter if the button's luma is at most the
/// second, else darker.
const STANDS_OUT: i32 = 24;
pub(super) const DARK: i32 = 128;
/// A region is of one colour and opacity if they explain at least one in so many of its pixels.
const EXPLAINED: usize = 8;
/// Depth, pixels, of the strips along an outline; of a small frame.
const DEPTH: f32 = 1.5;
const SMALL_DEPTH: f32 = 1.0;

/// What one colour at one opacity covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cover {
    /// Its outline, pixels of the frame.
    pub(crate) bar: Bar,
    /// Share of the outline's pixels that it explains and the picture alone does not, 0 to 1.
    pub(crate) covered: f32,
    /// Those that the picture alone explains and the cover does not, as a share of both.
    pub(crate) bare: f32,
    /// Share of the outline's pixels, without its edge if the frame is no sketch's, that neither explains and that
    /// stand out from it, as a glyph does.
    pub(crate) glyph: f32,
    /// Share of the pixels beside the outline's edge, of those that tell, that are covered inside and bare outside.
    pub(crate) drawn: f32,
    /// Share of the pixels beside the outline's edge that tell.
    pub(crate) told: f32,
    /// 0 to 1.
    pub(crate) opacity: f32,
    /// Luma of the colour, grey levels.
    pub(crate) luma: f32,
    /// The larger of its colour differences, grey levels from none.
    pub(crate) tint: f32,
}

/// The pictures in one frame, and the region asked about.
pub(crate) struct Covered<'a> {
    pub(crate) labels: &'a [u32],
    pub(crate) label: u32,
    pub(crate) bounds: Bounds,
    pub(crate) predicted: &'a Channels,
    pub(crate) query: &'a Channels,
    /// 0 where the query does not show the picture.
    pub(crate) valid: &'a [u8],
    /// What is known to be covered by something else.
    pub(crate) known: &'a [Bar],
}

impl Covered<'_> {
    /// The cover that explains most of the region, in the outline that gathers most of what it covers of those that are a
    /// button; `None` where it explains hardly anything, or none is.
    pub(crate) fn cover(&self, is_button: impl Fn(&Cover) -> bool) -> Option<Cover> {
        let places = self.places();
        let step = self.opacity(&places);
        let colour = self.colour(&places, step);
        let explained =
            places.iter().filter(|place| self.says(**place, step, colour) == Says::Covered).count();
        if EXPLAINED * explained < places.len() {
            return None;
        }
        let (width, height) = (self.query[0].width, self.query[0].height);
        let (left, top, right, bottom) = self.bounds;
        // Half of a disc may be all that shows of it.
        let margin = (right - left).max(bottom - top) / 2 + 3;
        let (x, y) = (left.saturating_sub(margin), top.saturating_sub(margin));
        let (end_x, end_y) = ((right + margin).min(width), (bottom + margin).min(height));
        // Their bounds first: the rows of a bar ask for square roots.
        let overlaps = |bar: &&Bar| {
            let [left, top, right, bottom] = bar.edges;
            left < end_x as f32 && right > x as f32 && top < end_y as f32 && bottom > y as f32
        };
        let known: Vec<Bar> = self.known.iter().filter(overlaps).copied().collect();
        let votes = Votes::new(end_x - x, end_y - y, |across, down| {
            let (column, row) = (x + across, y + down);
            if known.iter().any(|bar| bar.row(row, width).contains(&column)) {
                Says::Unseen
            } else {
                self.says(row * width + column, step, colour)
            }
        });
        let near = |edge: usize, start: usize| edge as f32 - start as f32;
        let covers = votes.fits([near(left, x), near(top, y), near(right, x), near(bottom, y)]);
        let mut best: Option<(Cover, i64)> = None;
        for (bar, net) in covers {
            let cover = self.measure(&votes, bar, (x, y), step, colour);
            if best.is_none_or(|(_, most)| net > most) && is_button(&cover) {
                best = Some((cover, net));
            }
        }
        best.map(|(cover, _)| cover)
    }

    /// The measures of one outline; `x` and `y` are where the votes start in the frame.
    fn measure(&self, votes: &Votes, bar: Bar, (x, y): (usize, usize), step: i32, colour: [i32; 3]) -> Cover {
        let small = is_small((self.query[0].width, self.query[0].height));
        let depth = if small { SMALL_DEPTH } else { DEPTH };
        let (inside, edge) = (votes.inside(bar), votes.along(bar, depth));
        // Along its edge a disc is lighter than within. On a sketch the edge is half of it.
        let within = if small { inside } else { votes.inside(bar.grown(-0.5 - depth)) };
        let share = |part: u32, whole: u32| part as f32 / whole.max(1) as f32;
        Cover {
            bar: bar.moved(x as f32, y as f32),
            covered: share(inside.covered, inside.all),
            bare: share(inside.bare, inside.covered + inside.bare),
            glyph: share(within.glyph, within.all),
            drawn: share(edge.right, edge.right + edge.wrong),
            told: share(edge.right + edge.wrong, edge.all),
            opacity: step as f32 / STEPS as f32,
            luma: (colour[0] * STEPS) as f32 / step.max(1) as f32,
            tint: colour[1..]
                .iter()
                .map(|value| ((value * STEPS) as f32 / step.max(1) as f32 - 128.0).abs())
                .fold(0.0, f32::max),
        }
    }

    /// Places in the planes of the region's pixels whose four neighbours are in it, too; of all pixels if those are few;
    /// of some evenly if those are many.
    fn places(&self) -> Vec<usize> {
        let (mut all, mut inner) = (Vec::new(), Vec::new());
        for (place, surrounded) in regions::pixels(self.labels, self.label, self.bounds, self.query[0].width)
        {
            all.push(place);
            if surrounded {
                inner.push(place);
            }
        }
        let mut places = if inner.len() >= FEW_INNER { inner } else { all };
        let step = places.len().div_ceil(SAMPLED);
        if step > 1 {
            places = places.into_iter().step_by(step).collect();
        }
        places
    }

    /// The step of opacity at which the median colour leaves least; the least opacity of equals, as plain ground leaves
    /// it open.
    fn opacity(&self, places: &[usize]) -> i32 {
        let left = |step: &i32| -> i32 {
            let colour = self.colour(places, *step);
            let off = |place: usize| -> i32 {
                (0..3).map(|at| (self.departure(at, place, *step) - colour[at]).abs().min(FAR)).sum()
            };
            places.iter().map(|place| off(*place)).sum()
        };
        (0..=STEPS).min_by_key(left).unwrap_or(0)
    }

    /// The median of what is added at one opacity, as far as a colour can add it.
    fn colour(&self, places: &[usize], step: i32) -> [i32; 3] {
        std::array::from_fn(|channel| {
            let mut counts = [0_u32; RANGE];
            for place in places {
                counts[(self.departure(channel, *place, step) + 255) as usize] += 1;
            }
            let found = quantile(counts.iter(), places.len() as u32 / 2);
            (found.unwrap_or(255) as i32 - 255).clamp(0, 255 * step / STEPS)
        })
    }

    /// What the query has at a place beyond what is seen of the picture at one opacity.
    fn departure(&self, channel: usize, place: usize, step: i32) -> i32 {
        let below = i32::from(self.predicted[channel].data[place]) * (STEPS - step) / STEPS;
        i32::from(self.query[channel].data[place]) - below
    }

    fn says(&self, place: usize, step: i32, colour: [i32; 3]) -> Says {
        if self.valid.get(place) == Some(&0) {
            return Says::Unseen;
        }
        let off = |step: i32, colour: [i32; 3]| -> [i32; 3] {
            std::array::from_fn(|at| self.departure(at, place, step) - colour[at])
        };
        let (covered, bare) = (off(step, colour), off(0, [0; 3]));
        let most = |off: [i32; 3]| off.into_iter().map(i32::abs).max().unwrap_or(0);
        let sum = |off: [i32; 3]| off.into_iter().map(i32::abs).sum::<i32>();
        if most(covered) > SAME && most(bare) > SAME {
            let off = if colour[0] * STEPS <= DARK * step { covered[0] } else { -covered[0] };
            if off > STANDS_OUT { Says::Glyph } else { Says::Neither }
        } else if sum(covered) + BETTER <= sum(bare) {
            Says::Covered
        } else if sum(bare) + BETTER <= sum(covered) {
            Says::Bare
        } else {
            Says::Either
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{raster::Plane, screen};

    const SIDE: usize = 320;
    /// Left, top, right, bottom of the disc.
    const DISC: Bar = Bar { edges: [100.0, 90.0, 126.0, 116.0], round: 1.0 };

    /// A picture with light and dark stripes, from nearly black to nearly white.
    fn picture() -> Channels {
        let plane = |value: &dyn Fn(usize, usize) -> u8| Plane {
            width: SIDE,
            height: SIDE,
            data: (0..SIDE * SIDE).map(|i| value(i % SIDE, i / SIDE)).collect(),
        };
        [
            plane(&|x, y| ((x * 2 + y) % 60 * 4 + 8) as u8),
            plane(&|x, _| 118 + (x % 20) as u8),
            plane(&|_, y| 138 - (y % 20) as u8),
        ]
    }

    /// The picture with a colour at an opacity in places, and the region of pixels that changed by more than 4.
    fn over(
        picture: &Channels,
        colour: [f32; 3],
        opacity: impl Fn(usize, usize) -> f32,
    ) -> (Channels, Vec<u32>) {
        let mut covered = picture.clone();
        for (plane, colour) in covered.iter_mut().zip(colour) {
            for (i, value) in plane.data.iter_mut().enumerate() {
                let opacity = opacity(i % SIDE, i / SIDE);
                *value = (opacity * colour + (1.0 - opacity) * f32::from(*value)).round() as u8;
            }
        }
        let changed = |i: usize| (0..3).any(|at| covered[at].data[i].abs_diff(picture[at].data[i]) > 4);
        let labels = (0..SIDE * SIDE).map(|i| u32::from(changed(i))).collect();
        (covered, labels)
    }

    /// The cover in the first outline that is a button, else in the best drawn.
    fn best(covered: &Covered) -> Option<Cover> {
        let seen = std::cell::RefCell::new(Vec::new());
        let found = covered.cover(|cover| {
            seen.borrow_mut().push(*cover);
            screen::is_button(cover, (SIDE, SIDE), true)
        });
        found.or(seen.into_inner().into_iter().max_by(|one, other| one.drawn.total_cmp(&other.drawn)))
    }

    fn cover(predicted: &Channels, query: &Channels, labels: &[u32]) -> Cover {
        let own = || (0..SIDE * SIDE).filter(|i| labels[*i] != 0).map(|i| (i % SIDE, i / SIDE));
        let bounds = (
            own().map(|(x, _)| x).min().unwrap(),
            own().map(|(_, y)| y).min().unwrap(),
            own().map(|(x, _)| x).max().unwrap() + 1,
            own().map(|(_, y)| y).max().unwrap() + 1,
        );
        let valid = &vec![255; SIDE * SIDE];
        best(&Covered { labels, label: 1, bounds, predicted, query, valid, known: &[] }).unwrap()
    }

    #[test]
    fn a_half_transparent_disc_and_its_opacity_are_told() {
        let picture = picture();
        for (opacity, luma) in [(0.25, 0.0), (0.4, 20.0), (0.6, 240.0), (1.0, 90.0)] {
            let disc = |x: usize, y: usize| {
                let glyph = x.abs_diff(113) < 2 && y.abs_diff(103) < 6;
                if DISC.row(y, SIDE).contains(&x) && !glyph { opacity } else { 0.0 }
            };
            let (mut query, labels) = over(&picture, [luma, 128.0, 128.0], disc);
            for y in 98..109 {
                query[0].data[y * SIDE + 112..y * SIDE + 115].fill(255);
            }
            let cover = cover(&picture, &query, &labels);
            assert!((cover.opacity - opacity).abs() <= 0.1, "{opacity}: {cover:?}");
            assert!((cover.luma - luma).abs() <= 24.0, "{luma}: {cover:?}");
            assert!(cover.drawn >= 0.99 && cover.told >= 0.7 && cover.bare <= 0.05, "{cover:?}");
            let off = cover.bar.edges.iter().zip(DISC.edges).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off <= 1.5, "{cover:?}");
            assert!(screen::is_button(&cover, (SIDE, SIDE), true), "{cover:?}");
        }
    }

    /// Of more opacities than one, in a rough outline.
    #[test]
    fn a_stain_is_no_button() {
        let picture = picture();
        let stain = |x: usize, y: usize| {
            let (x, y) = (x as f32 - 113.0, y as f32 - 103.0);
            let around = y.atan2(x);
            let depth = 1.0 - x.hypot(y) / (13.0 + 2.0 * (3.0 * around).sin() + 1.5 * (5.0 * around).cos());
            (2.0 * depth).clamp(0.0, 0.6)
        };
        let (query, labels) = over(&picture, [40.0, 120.0, 140.0], stain);
        let cover = cover(&picture, &query, &labels);
        assert!(!screen::is_button(&cover, (SIDE, SIDE), true), "{cover:?}");
    }

    /// Across a product's edge; over the white ground the glyph looks as if nothing lay there.
    #[test]
    fn a_white_glyph_on_white_ground_spoils_no_button() {
        let mut picture = picture();
        for y in 0..SIDE {
            picture[0].data[y * SIDE..y * SIDE + 113].fill(252);
            picture[1].data[y * SIDE..y * SIDE + 113].fill(128);
            picture[2].data[y * SIDE..y * SIDE + 113].fill(128);
        }
        let triangle = |x: usize, y: usize| (108..120).contains(&x) && 2 * y.abs_diff(103) < 120 - x;
        let disc = |x: usize, y: usize| {
            if DISC.row(y, SIDE).contains(&x) && !triangle(x, y) { 0.42 } else { 0.0 }
        };
        let (mut query, _) = over(&picture, [0.0, 128.0, 128.0], disc);
        for y in 0..SIDE {
            for x in (0..SIDE).filter(|x| triangle(*x, y)) {
                query[0].data[y * SIDE + x] = 252;
            }
        }
        let changed = |i: usize| query[0].data[i].abs_diff(picture[0].data[i]) > 4;
        let labels: Vec<u32> = (0..SIDE * SIDE).map(|i| u32::from(changed(i))).collect();
        let cover = cover(&picture, &query, &labels);
        assert!(screen::is_button(&cover, (SIDE, SIDE), true), "{cover:?}");
    }

    /// However straight and even a scratch is, no button is so long.
    #[test]
    fn a_scratch_is_no_button() {
        let picture = picture();
        let stroke = |x: usize, y: usize| {
            let inside = (100..150).contains(&x) && (90..97).contains(&y);
            if inside { 0.85 } else { 0.0 }
        };
        let (query, labels) = over(&picture, [25.0, 128.0, 128.0], stroke);
        let cover = cover(&picture, &query, &labels);
        assert!(cover.drawn >= 0.97, "{cover:?}");
        assert!(!screen::is_button(&cover, (SIDE, SIDE), true), "{cover:?}");
    }

    /// A dark spot that nothing is drawn on, its edge a little soft and uneven.
    #[test]
    fn the_soft_edge_of_a_dark_spot_is_no_glyph() {
        let picture = picture();
        let spot = |x: usize, y: usize| {
            let (x, y) = (x as f32 - 113.0, y as f32 - 103.0);
            let reach = 13.0 + 0.9 * (3.0 * y.atan2(x)).sin();
            0.4 * ((reach - x.hypot(y)) / 2.0 + 0.5).clamp(0.0, 1.0)
        };
        let (query, labels) = over(&picture, [10.0, 128.0, 128.0], spot);
        let cover = cover(&picture, &query, &labels);
        assert!(cover.glyph < 0.01, "{cover:?}");
        assert!(!screen::is_button(&cover, (SIDE, SIDE), true), "{cover:?}");
    }

    /// What the photo does not show of a cut button speaks neither for it nor against it.
    #[test]
    fn what_is_not_seen_says_nothing() {
        let picture = picture();
        let disc = |x: usize, y: usize| {
            let glyph = x.abs_diff(113) < 2 && y.abs_diff(103) < 6;
            if x < 118 && DISC.row(y, SIDE).contains(&x) && !glyph { 0.4 } else { 0.0 }
        };
        let (mut query, labels) = over(&picture, [0.0, 128.0, 128.0], disc);
        for y in 98..109 {
            query[0].data[y * SIDE + 112..y * SIDE + 115].fill(255);
        }
        let valid: Vec<u8> = (0..SIDE * SIDE).map(|i| if i % SIDE < 118 { 255 } else { 0 }).collect();
        let bounds = (100, 90, 118, 116);
        let (predicted, query) = (&picture, &query);
        let covered =
            Covered { labels: &labels, label: 1, bounds, predicted, query, valid: &valid, known: &[] };
        let cover = best(&covered);
        assert!(cover.unwrap().drawn >= 0.97, "{cover:?}");
    }

    /// On plain ground a weak black and a strong grey look alike: the weaker is taken, which is a stain.
    #[test]
    fn of_equal_opacities_the_least_is_taken() {
        let plain: Channels = std::array::from_fn(|at| Plane {
            width: SIDE,
            height: SIDE,
            data: vec![if at == 0 { 200 } else { 128 }; SIDE * SIDE],
        });
        let disc = |x: usize, y: usize| if DISC.row(y, SIDE).contains(&x) { 1.0 } else { 0.0 };
        let (query, labels) = over(&plain, [150.0, 128.0, 128.0], disc);
        let cover = cover(&plain, &query, &labels);
        assert!((cover.opacity - 0.25).abs() < 0.01 && cover.luma <= 1.0, "{cover:?}");
    }
}
