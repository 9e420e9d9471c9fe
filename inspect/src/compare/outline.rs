//! The bar of round ends (a disc in a square box) or round corners that gathers what is covered and leaves out what is
//! not.
//!
//! A half-transparent button changes nothing on ground of nearly its own colour, so that its region lacks what lies
//! there: its outline is found from what speaks for it and against it. Owns the search and the measures; decides
//! nothing.

// Places are below 2^16, counts below 2^24.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::regions::Bounds;

/// Steps of the search in pixels, the last one as fine as a small disc's outline asks for.
const STEPS: [f32; 5] = [8.0, 4.0, 2.0, 1.0, 0.5];
/// Sides of a bar, pixels, at least.
const LEAST: f32 = 6.0;
/// The edges of a box and the signs in which one step moves them: each alone, both of an axis, all four apart.
const MOVES: [[f32; 4]; 7] = [
    [1.0, 0.0, 0.0, 0.0],
    [0.0, 1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 0.0],
    [0.0, 0.0, 0.0, 1.0],
    [1.0, 0.0, 1.0, 0.0],
    [0.0, 1.0, 0.0, 1.0],
    [-1.0, -1.0, 1.0, 1.0],
];

/// What a pixel says of being covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// The cover explains it, the picture alone does not.
    Covered,
    /// The picture alone explains it, the cover does not.
    Bare,
    /// Both explain it: the ground has the cover's colour.
    Either,
    /// Neither explains it, and it stands out from the cover: perhaps a glyph.
    Glyph,
    /// Neither explains it.
    Neither,
    /// The photo does not show it.
    Unseen,
}

/// How round the corners of bars are that are tried, as shares of what round ends are.
const ROUND: [f32; 2] = [1.0, 0.25];

/// A box with round corners.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bar {
    /// Left, top, right, bottom, pixels.
    pub(crate) edges: [f32; 4],
    /// Radius of the corners over half of the shorter side, 0 to 1: 1 are round ends.
    pub(crate) round: f32,
}

impl Bar {
    /// The same bar elsewhere.
    pub(crate) fn moved(self, x: f32, y: f32) -> Self {
        let [left, top, right, bottom] = self.edges;
        Self { edges: [left + x, top + y, right + x, bottom + y], ..self }
    }

    /// The same outline in a frame of another size over the same picture.
    pub(crate) fn scaled(self, from: (usize, usize), to: (usize, usize)) -> Self {
        let (x, y) = (to.0 as f32 / from.0 as f32, to.1 as f32 / from.1 as f32);
        let [left, top, right, bottom] = self.edges;
        Self { edges: [left * x, top * y, right * x, bottom * y], ..self }
    }

    pub(crate) fn width(self) -> f32 {
        self.edges[2] - self.edges[0]
    }

    pub(crate) fn height(self) -> f32 {
        self.edges[3] - self.edges[1]
    }

    /// The round outline within bounds.
    pub(crate) fn around((left, top, right, bottom): Bounds) -> Self {
        Self { edges: [left as f32, top as f32, right as f32, bottom as f32], round: 1.0 }
    }

    /// The same outline, `by` pixels further out.
    pub(crate) fn grown(self, by: f32) -> Self {
        let [left, top, right, bottom] = self.edges;
        // A corner's centre stays where it is.
        let radius = self.radius() + by;
        let edges = [left - by, top - by, right + by, bottom + by];
        let half = 0.5 * (right - left).min(bottom - top) + by;
        Self { edges, round: (radius / half.max(f32::MIN_POSITIVE)).clamp(0.0, 1.0) }
    }

    fn radius(self) -> f32 {
        0.5 * self.round * self.width().min(self.height())
    }

    /// The area, pixels.
    pub(crate) fn area(self) -> f32 {
        let radius = self.radius();
        self.width() * self.height() - (4.0 - std::f32::consts::PI) * radius * radius
    }

    /// The pixels of row `y` whose centres lie inside, within a row of `width`.
    pub(crate) fn row(self, y: usize, width: usize) -> std::ops::Range<usize> {
        let [left, top, right, bottom] = self.edges;
        let (radius, at) = (self.radius(), y as f32 + 0.5);
        if right <= left || at < top || at >= bottom {
            return 0..0;
        }
        let off = at - at.clamp(top + radius, (bottom - radius).max(top + radius));
        let chord = (radius * radius - off * off).max(0.0);
        let short = radius - chord.sqrt();
        let bound = |x: f32| ((x - 0.5).ceil().max(0.0) as usize).min(width);
        let (first, end) = (bound(left + short), bound(right - short));
        first..end.max(first)
    }
}

/// How many pixels say what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) covered: u32,
    pub(crate) bare: u32,
    pub(crate) glyph: u32,
    pub(crate) all: u32,
}

/// What the pixels beside an outline's edge say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Covered inside, bare outside.
    pub(crate) right: u32,
    /// Bare inside, covered outside.
    pub(crate) wrong: u32,
    pub(crate) all: u32,
}

impl Counts {
    fn less(self, other: Self) -> Self {
        Self {
            covered: self.covered - other.covered,
            bare: self.bare - other.bare,
            glyph: self.glyph - other.glyph,
            all: self.all - other.all,
        }
    }

    fn net(self) -> i64 {
        i64::from(self.covered) - i64::from(self.bare)
    }
}

/// What the pixels around a region say, summed along rows.
pub(crate) struct Votes {
    width: usize,
    height: usize,
    /// `width + 1` a row: counts of the pixels before each place.
    sums: Vec<Counts>,
}

impl Votes {
    pub(crate) fn new(width: usize, height: usize, says: impl Fn(usize, usize) -> Says) -> Self {
        let mut sums = Vec::with_capacity((width + 1) * height);
        for y in 0..height {
            let mut sum = Counts::default();
            sums.push(sum);
            for x in 0..width {
                let says = says(x, y);
                sum.covered += u32::from(says == Says::Covered);
                sum.bare += u32::from(says == Says::Bare);
                sum.glyph += u32::from(says == Says::Glyph);
                sum.all += u32::from(says != Says::Unseen);
                sums.push(sum);
            }
        }
        Self { width, height, sums }
    }

    /// What the pixels inside a bar say.
    pub(crate) fn inside(&self, bar: Bar) -> Counts {
        let [_, top, _, bottom] = bar.edges;
        let (first, end) = (top.max(0.0) as usize, (bottom.max(0.0).ceil() as usize).min(self.height));
        let mut total = Counts::default();
        for y in first..end {
            let row = bar.row(y, self.width);
            let at = |x: usize| self.sums.get(y * (self.width + 1) + x).copied().unwrap_or_default();
            let part = at(row.end).less(at(row.start));
            total.covered += part.covered;
            total.bare += part.bare;
            total.glyph += part.glyph;
            total.all += part.all;
        }
        total
    }

    /// What the pixels beside the edge say, `depth` pixels inwards and outwards. The edge itself is left out: it is
    /// mixed of both.
    pub(crate) fn along(&self, bar: Bar, depth: f32) -> Edge {
        let ring = |outer: f32, inner: f32| self.inside(bar.grown(outer)).less(self.inside(bar.grown(inner)));
        let (without, within) = (ring(0.5 + depth, 0.5), ring(-0.5, -0.5 - depth));
        Edge {
            right: within.covered + without.bare,
            wrong: within.bare + without.covered,
            all: within.all + without.all,
        }
    }

    /// The bars that gather most from where they start around `bounds`, and how much: the whole, and a disc in the middle
    /// and at either end, as half of a disc may be all that shows of it, and two may stand side by side.
    pub(crate) fn fits(&self, [left, top, right, bottom]: [f32; 4]) -> Vec<(Bar, i64)> {
        let (width, height) = (right - left, bottom - top);
        let square = |x: f32, y: f32, side: f32| [x, y, x + side, y + side];
        let mut starts = Vec::new();
        if width.min(height) >= LEAST {
            starts.push([left, top, right, bottom]);
        }
        for side in [width.max(height).max(LEAST), width.min(height).max(LEAST)] {
            starts.push(square(0.5 * (left + right - side), 0.5 * (top + bottom - side), side));
            starts.extend([square(left, top, side), square(right - side, bottom - side, side)]);
        }
        starts.dedup();
        let bars = starts.into_iter().flat_map(|edges| ROUND.map(|round| Bar { edges, round }));
        bars.map(|start| self.ascend(start)).collect()
    }

    fn ascend(&self, start: Bar) -> (Bar, i64) {
        let mut best = (start, self.inside(start).net());
        for step in STEPS {
            loop {
                let before = best.1;
                for edges in MOVES {
                    for sign in [step, -step] {
                        let mut moved = best.0;
                        for (edge, by) in moved.edges.iter_mut().zip(edges) {
                            *edge += sign * by;
                        }
                        let [left, top, right, bottom] = moved.edges;
                        if (right - left).min(bottom - top) < LEAST {
                            continue;
                        }
                        let net = self.inside(moved).net();
                        if net > best.1 {
                            best = (moved, net);
                        }
                    }
                }
                if best.1 == before {
                    break;
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 80;

    /// Votes of a bar on ground that tells, except where `open`.
    fn votes(bar: Bar, open: impl Fn(usize, usize) -> bool) -> Votes {
        Votes::new(SIDE, SIDE, |x, y| match (open(x, y), bar.row(y, SIDE).contains(&x)) {
            (true, _) => Says::Either,
            (false, true) => Says::Covered,
            (false, false) => Says::Bare,
        })
    }

    /// With round ends.
    fn bar(edges: [f32; 4]) -> Bar {
        Bar { edges, round: 1.0 }
    }

    /// The bar that gathers most.
    fn fit(votes: &Votes, bounds: [f32; 4]) -> Bar {
        votes.fits(bounds).into_iter().max_by_key(|(_, net)| *net).unwrap().0
    }

    fn off(found: Bar, from: Bar) -> f32 {
        found.edges.iter().zip(from.edges).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_bar_holds_as_many_pixels_as_its_area_says() {
        let disc = bar([10.0, 12.0, 50.0, 52.0]);
        let counts = votes(disc, |_, _| false).inside(disc);
        assert!((f64::from(counts.all) - std::f64::consts::PI * 400.0).abs() < 20.0, "{counts:?}");
        assert_eq!((counts.covered, counts.bare), (counts.all, 0));
        let tall = bar([20.0, 5.0, 36.0, 65.0]);
        let area = 16.0 * 44.0 + std::f64::consts::PI * 64.0;
        assert!((f64::from(votes(tall, |_, _| false).inside(tall).all) - area).abs() < 14.0);
    }

    /// Discs and bars of several sizes and places; then those of which a half, or a stripe across, says nothing.
    #[test]
    fn an_outline_is_found_from_a_part_of_it() {
        for (width, height) in [(10.0, 10.0), (24.0, 24.0), (34.0, 34.0), (40.0, 16.0), (14.0, 30.0)] {
            for (x, y) in [(20.0, 22.0), (23.5, 19.0), (30.0, 28.5)] {
                let bar = bar([x, y, x + width, y + height]);
                let middle = (y + 0.5 * height) as usize;
                type Open = fn(usize, usize, usize) -> bool;
                let grounds: [(&str, Open); 3] = [
                    ("all", |_, _, _| false),
                    ("upper half", |_, y, middle| y > middle),
                    ("stripe", |_, y, middle| y.abs_diff(middle) < 3),
                ];
                for (name, open) in grounds {
                    let votes = votes(bar, |x, y| open(x, y, middle));
                    let bottom = if name == "upper half" { middle as f32 + 1.0 } else { y + height };
                    let found = fit(&votes, [x, y, x + width, bottom]);
                    let edge = votes.along(found, DEPTH);
                    assert_eq!(edge.wrong, 0, "{name}: {found:?} for {bar:?}");
                    // Nobody knows how far it goes on where nothing is seen.
                    let mut seen = found;
                    if name == "upper half" {
                        seen.edges[3] = bar.edges[3];
                    }
                    assert!(off(seen, bar) <= 1.5, "{name}: {found:?} for {bar:?}");
                }
            }
        }
    }

    #[test]
    fn an_outline_scales_with_its_frame() {
        let disc = Bar::around((10, 20, 34, 44));
        let fine = disc.scaled((100, 60), (250, 150));
        assert_eq!((fine.edges, fine.round), ([25.0, 50.0, 85.0, 110.0], 1.0));
        assert!((fine.area() - 6.25 * disc.area()).abs() < 0.1);
        assert_eq!(fine.scaled((250, 150), (100, 60)), disc);
    }

    #[test]
    fn corners_are_as_round_as_they_are_drawn() {
        for round in ROUND {
            let drawn = Bar { edges: [14.0, 20.0, 58.0, 42.0], round };
            let found = fit(&votes(drawn, |_, _| false), [14.0, 20.0, 58.0, 42.0]);
            assert_eq!(found, drawn);
            let area = votes(drawn, |_, _| false).inside(drawn).all;
            assert!((drawn.area() - area as f32).abs() < 10.0, "{area} of {}", drawn.area());
        }
    }

    /// Both together gather more than either, but leave a gap.
    #[test]
    fn of_discs_side_by_side_each_is_found() {
        let discs = [bar([10.0, 30.0, 30.0, 50.0]), bar([35.0, 30.0, 55.0, 50.0])];
        let votes = Votes::new(SIDE, SIDE, |x, y| {
            if discs.iter().any(|disc| disc.row(y, SIDE).contains(&x)) { Says::Covered } else { Says::Bare }
        });
        let found = votes.fits([10.0, 30.0, 55.0, 50.0]);
        for disc in discs {
            assert!(found.iter().any(|(one, _)| off(*one, disc) <= 0.5), "{found:?}");
        }
    }

    /// As far from the middle as a spilt drop's edge is.
    #[test]
    fn a_drop_has_no_drawn_outline() {
        let drop = |x: usize, y: usize| {
            let (x, y) = (x as f32 - 40.0, y as f32 - 40.0);
            let around = y.atan2(x);
            x.hypot(y) < 15.0 + 2.5 * (3.0 * around).sin() + 1.5 * (7.0 * around + 1.0).cos()
        };
        let votes = Votes::new(SIDE, SIDE, |x, y| if drop(x, y) { Says::Covered } else { Says::Bare });
        let edge = votes.along(fit(&votes, [23.0, 23.0, 58.0, 58.0]), DEPTH);
        assert!(edge.right * 10 < (edge.right + edge.wrong) * 9, "{edge:?}");
    }

    const DEPTH: f32 = 1.5;
}
