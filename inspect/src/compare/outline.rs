//! The bar of round ends (a disc in a square box) that gathers what is covered and leaves out what is not.
//!
//! A half-transparent button changes nothing on ground of nearly its own colour, so that its region lacks what lies
//! there: its outline is found from what speaks for it and against it. Owns the search and the measures; decides
//! nothing.

// Places are below 2^16, counts below 2^24.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

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
    /// Neither explains it, and it is lighter than the cover: perhaps a glyph.
    Lighter,
    /// Neither explains it.
    Neither,
    /// The photo does not show it.
    Unseen,
}

/// A box, left, top, right, bottom, pixels; its bar has its width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bar(pub(crate) [f32; 4]);

impl Bar {
    /// The same bar elsewhere.
    pub(crate) fn moved(self, x: f32, y: f32) -> Self {
        let [left, top, right, bottom] = self.0;
        Self([left + x, top + y, right + x, bottom + y])
    }

    pub(crate) fn width(self) -> f32 {
        self.0[2] - self.0[0]
    }

    pub(crate) fn height(self) -> f32 {
        self.0[3] - self.0[1]
    }

    /// The same outline, `by` pixels further out.
    pub(crate) fn grown(self, by: f32) -> Self {
        let [left, top, right, bottom] = self.0;
        Self([left - by, top - by, right + by, bottom + by])
    }

    /// The pixels of row `y` whose centres lie inside, within a row of `width`.
    pub(crate) fn row(self, y: usize, width: usize) -> std::ops::Range<usize> {
        let [left, top, right, bottom] = self.0;
        let radius = 0.5 * (right - left).min(bottom - top);
        let at = y as f32 + 0.5;
        let off = at - at.clamp(top + radius, (bottom - radius).max(top + radius));
        let chord = radius * radius - off * off;
        if radius <= 0.0 || chord < 0.0 {
            return 0..0;
        }
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
    pub(crate) lighter: u32,
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
            lighter: self.lighter - other.lighter,
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
                sum.lighter += u32::from(says == Says::Lighter);
                sum.all += u32::from(says != Says::Unseen);
                sums.push(sum);
            }
        }
        Self { width, height, sums }
    }

    /// What the pixels inside a bar say.
    pub(crate) fn inside(&self, bar: Bar) -> Counts {
        let [_, top, _, bottom] = bar.0;
        let (first, end) = (top.max(0.0) as usize, (bottom.max(0.0).ceil() as usize).min(self.height));
        let mut total = Counts::default();
        for y in first..end {
            let row = bar.row(y, self.width);
            let at = |x: usize| self.sums.get(y * (self.width + 1) + x).copied().unwrap_or_default();
            let part = at(row.end).less(at(row.start));
            total.covered += part.covered;
            total.bare += part.bare;
            total.lighter += part.lighter;
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

    /// The bar that gathers most, from the best of several starts around `bounds`.
    pub(crate) fn fit(&self, [left, top, right, bottom]: [f32; 4]) -> Bar {
        let (width, height) = (right - left, bottom - top);
        let side = width.max(height).max(LEAST);
        let (x, y) = (0.5 * (left + right - side), 0.5 * (top + bottom - side));
        let square = |x: f32, y: f32| Bar([x, y, x + side, y + side]);
        let mut starts = vec![square(x, y)];
        if width.min(height) >= LEAST {
            starts.push(Bar([left, top, right, bottom]));
        }
        // Part of a disc may be all that shows of it.
        starts.extend([square(left, top), square(right - side, bottom - side)]);
        starts.dedup();
        let ascended = starts.into_iter().map(|start| self.ascend(start));
        let first = (square(x, y), i64::MIN);
        ascended.fold(first, |best, found| if found.1 > best.1 { found } else { best }).0
    }

    fn ascend(&self, start: Bar) -> (Bar, i64) {
        let mut best = (start, self.inside(start).net());
        for step in STEPS {
            loop {
                let before = best.1;
                for edges in MOVES {
                    for sign in [step, -step] {
                        let mut moved = best.0;
                        for (edge, by) in moved.0.iter_mut().zip(edges) {
                            *edge += sign * by;
                        }
                        let [left, top, right, bottom] = moved.0;
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

    fn off(found: Bar, from: Bar) -> f32 {
        found.0.iter().zip(from.0).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_bar_holds_as_many_pixels_as_its_area_says() {
        let disc = Bar([10.0, 12.0, 50.0, 52.0]);
        let counts = votes(disc, |_, _| false).inside(disc);
        assert!((f64::from(counts.all) - std::f64::consts::PI * 400.0).abs() < 20.0, "{counts:?}");
        assert_eq!((counts.covered, counts.bare), (counts.all, 0));
        let tall = Bar([20.0, 5.0, 36.0, 65.0]);
        let area = 16.0 * 44.0 + std::f64::consts::PI * 64.0;
        assert!((f64::from(votes(tall, |_, _| false).inside(tall).all) - area).abs() < 14.0);
    }

    /// Discs and bars of several sizes and places; then those of which a half, or a stripe across, says nothing.
    #[test]
    fn an_outline_is_found_from_a_part_of_it() {
        for (width, height) in [(10.0, 10.0), (24.0, 24.0), (34.0, 34.0), (40.0, 16.0), (14.0, 30.0)] {
            for (x, y) in [(20.0, 22.0), (23.5, 19.0), (30.0, 28.5)] {
                let bar = Bar([x, y, x + width, y + height]);
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
                    let found = votes.fit([x, y, x + width, bottom]);
                    let edge = votes.along(found, DEPTH);
                    assert_eq!(edge.wrong, 0, "{name}: {found:?} for {bar:?}");
                    // Nobody knows how far it goes on where nothing is seen.
                    let mut seen = found;
                    if name == "upper half" {
                        seen.0[3] = bar.0[3];
                    }
                    assert!(off(seen, bar) <= 1.5, "{name}: {found:?} for {bar:?}");
                }
            }
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
        let edge = votes.along(votes.fit([23.0, 23.0, 58.0, 58.0]), DEPTH);
        assert!(edge.right * 10 < (edge.right + edge.wrong) * 9, "{edge:?}");
    }

    const DEPTH: f32 = 1.5;
}
