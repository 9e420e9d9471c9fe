//! Signed distances of the solids a scene is built from. Knows no materials and no light.

use super::maths::{PI, V, atan2, cos, fbm, noise, sin, smooth_min};

/// A solid around its own origin. Lengths are in scene units (about a hand's breadth).
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// A ball with this radius.
    Ball(f32),
    /// An ellipsoid with these half axes.
    Ellipsoid(V),
    /// A box with these half sides and this edge radius.
    Block(V, f32),
    /// An upright cylinder: radius, half height, edge radius.
    Cylinder(f32, f32, f32),
    /// A lying ring about the y axis: ring radius, tube radius.
    Ring(f32, f32),
    /// A part of a ring in the xy plane, open at the bottom: ring radius, tube radius, half angle in radians.
    Arc(f32, f32, f32),
    /// A chain of round segments: centre and radius at each joint.
    Tube(Vec<(V, f32)>),
    /// A solid of revolution about y.
    Lathe(Outline),
    /// An outline in the xy plane made thick along z: half thickness.
    Plate(Outline, f32),
}

/// A change of a solid's surface.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Warp {
    /// None.
    Plain,
    /// Flutes around y: count and depth.
    Flutes(f32, f32),
    /// A lobed cross-section that turns about y: count, depth, radians per unit.
    Swirl(f32, f32, f32),
    /// Bent down along z: drop per squared unit.
    Droop(f32),
    /// Soft folds: frequency and depth.
    Folds(f32, f32),
    /// Fine hammered facets: frequency and depth.
    Hammered(f32, f32),
}

impl Warp {
    /// The point to measure, an offset to the distance, and the factor that keeps steps safe.
    pub(crate) fn apply(self, p: V) -> (V, f32, f32) {
        match self {
            Self::Plain => (p, 0.0, 1.0),
            Self::Flutes(n, depth) => (p, depth * cos(n * atan2(p.2, p.0)), 0.8),
            Self::Swirl(n, depth, rate) => (p, depth * cos(n * (atan2(p.2, p.0) + rate * p.1)), 0.6),
            Self::Droop(k) => (V(p.0, p.1 + k * p.2 * p.2, p.2), 0.0, 0.6),
            Self::Folds(f, depth) => (p, depth * (fbm(p * f) - 0.5), 0.75),
            Self::Hammered(f, depth) => {
                let n = noise(p * f);
                (p, depth * n * n, 0.8)
            }
        }
    }

    /// How far the surface can move outwards.
    pub(crate) fn reach(self) -> f32 {
        match self {
            Self::Flutes(_, d) | Self::Swirl(_, d, _) | Self::Folds(_, d) | Self::Hammered(_, d) => d,
            Self::Droop(k) => k * 1.5,
            Self::Plain => 0.0,
        }
    }
}

impl Shape {
    /// Signed distance from `p`, or a safe lower bound of it.
    pub(crate) fn distance(&self, p: V) -> f32 {
        match self {
            Self::Ball(r) => p.len() - r,
            Self::Ellipsoid(h) => {
                let k0 = V(p.0 / h.0, p.1 / h.1, p.2 / h.2).len();
                let k1 = V(p.0 / (h.0 * h.0), p.1 / (h.1 * h.1), p.2 / (h.2 * h.2)).len();
                k0 * (k0 - 1.0) / k1.max(1e-6)
            }
            Self::Block(h, r) => {
                let q = p.abs() - *h + V::ONE * *r;
                V(q.0.max(0.0), q.1.max(0.0), q.2.max(0.0)).len() + q.0.max(q.1).max(q.2).min(0.0) - r
            }
            Self::Cylinder(radius, h, r) => {
                let a = (p.0 * p.0 + p.2 * p.2).sqrt() - radius + r;
                let b = p.1.abs() - h + r;
                let (oa, ob) = (a.max(0.0), b.max(0.0));
                (oa * oa + ob * ob).sqrt() + a.max(b).min(0.0) - r
            }
            Self::Ring(ring, tube) => {
                let a = (p.0 * p.0 + p.2 * p.2).sqrt() - ring;
                (a * a + p.1 * p.1).sqrt() - tube
            }
            Self::Arc(ring, tube, half) => {
                let (s, c) = (sin(*half), cos(*half));
                let x = p.0.abs();
                let k = if c * x > s * p.1 { x * s + p.1 * c } else { (x * x + p.1 * p.1).sqrt() };
                (p.dot(p) + ring * ring - 2.0 * ring * k).max(0.0).sqrt() - tube
            }
            Self::Tube(joints) => {
                let mut d = f32::MAX;
                for pair in joints.windows(2) {
                    let (a, b) = (pair[0], pair[1]);
                    let (pa, ba) = (p - a.0, b.0 - a.0);
                    let t = (pa.dot(ba) / ba.dot(ba).max(1e-9)).clamp(0.0, 1.0);
                    d = d.min((pa - ba * t).len() - (a.1 + (b.1 - a.1) * t));
                }
                d
            }
            Self::Lathe(outline) => outline.distance((p.0 * p.0 + p.2 * p.2).sqrt(), p.1),
            Self::Plate(outline, h) => {
                let r = (h * 0.3).min(0.03);
                let (a, b) = (outline.distance(p.0, p.1) + r, p.2.abs() - h + r);
                let (oa, ob) = (a.max(0.0), b.max(0.0));
                (oa * oa + ob * ob).sqrt() + a.max(b).min(0.0) - r
            }
        }
    }

    /// An upright box that holds the solid: centre and half sides.
    pub(crate) fn bound(&self) -> (V, V) {
        match self {
            Self::Ball(r) => (V::ZERO, V::ONE * *r),
            Self::Ellipsoid(h) | Self::Block(h, _) => (V::ZERO, *h),
            Self::Cylinder(r, h, _) => (V::ZERO, V(*r, *h, *r)),
            Self::Ring(a, b) => (V::ZERO, V(a + b, *b, a + b)),
            Self::Arc(a, b, _) => (V::ZERO, V(a + b, a + b, *b)),
            Self::Tube(joints) => {
                let (mut lo, mut hi) = (V::ONE * f32::MAX, V::ONE * f32::MIN);
                for (c, r) in joints {
                    lo = lo.least(*c - V::ONE * *r);
                    hi = hi.most(*c + V::ONE * *r);
                }
                ((lo + hi) * 0.5, (hi - lo) * 0.5)
            }
            Self::Lathe(o) => {
                let half = V(o.hi.0, (o.hi.1 - o.lo.1) * 0.5, o.hi.0);
                (V(0.0, (o.hi.1 + o.lo.1) * 0.5, 0.0), half)
            }
            Self::Plate(o, h) => (
                V((o.hi.0 + o.lo.0) * 0.5, (o.hi.1 + o.lo.1) * 0.5, 0.0),
                V((o.hi.0 - o.lo.0) * 0.5, (o.hi.1 - o.lo.1) * 0.5, *h),
            ),
        }
    }
}

/// A flat outline as a baked field of distances, read back with cubic B-splines: smooth normals at any size.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    lo: (f32, f32),
    hi: (f32, f32),
    origin: (f32, f32),
    cell: f32,
    width: usize,
    height: usize,
    field: Vec<f32>,
}

/// Free cells around an outline.
const MARGIN: usize = 14;

impl Outline {
    /// The profile of a solid of revolution: (radius, height) from the axis at the bottom, outside up
    /// and, for
    /// a vessel, inside down to the axis again. A repeated point makes a corner.
    pub(crate) fn turned(points: &[(f32, f32)]) -> Self {
        let chain = spline(points, false);
        Self::bake(&chain, true)
    }

    /// A closed outline in the plane; a repeated point makes a corner.
    pub(crate) fn closed(points: &[(f32, f32)]) -> Self {
        let chain = spline(points, true);
        Self::bake(&chain, false)
    }

    fn bake(chain: &[(f32, f32)], on_axis: bool) -> Self {
        let fold = |f: fn(f32, f32) -> f32, start: f32, pick: fn(&(f32, f32)) -> f32| {
            chain.iter().map(pick).fold(start, f)
        };
        let mut lo = (fold(f32::min, f32::MAX, |p| p.0), fold(f32::min, f32::MAX, |p| p.1));
        let hi = (fold(f32::max, f32::MIN, |p| p.0), fold(f32::max, f32::MIN, |p| p.1));
        if on_axis {
            lo.0 = 0.0;
        }
        let cell = (hi.0 - lo.0).max(hi.1 - lo.1) / 170.0;
        let margin = MARGIN as f32 * cell;
        let origin = (lo.0 - margin, lo.1 - margin);
        let width = ((hi.0 - lo.0) / cell) as usize + 2 * MARGIN + 2;
        let height = ((hi.1 - lo.1) / cell) as usize + 2 * MARGIN + 2;
        let mut field = Vec::with_capacity(width * height);
        for j in 0..height {
            for i in 0..width {
                let x = origin.0 + i as f32 * cell;
                let y = origin.1 + j as f32 * cell;
                let x = if on_axis { x.abs() } else { x };
                field.push(exact(chain, x, y));
            }
        }
        Self { lo, hi, origin, cell, width, height, field }
    }

    fn distance(&self, x: f32, y: f32) -> f32 {
        let u = (x - self.origin.0) / self.cell;
        let v = (y - self.origin.1) / self.cell;
        // One cell stays free on each side for the spline's support.
        let cu = u.clamp(1.0, self.width as f32 - 3.0);
        let cv = v.clamp(1.0, self.height as f32 - 3.0);
        let (du, dv) = (u - cu, v - cv);
        let outside = (du * du + dv * dv).sqrt() * self.cell;
        if outside > 0.0 {
            return outside + (MARGIN as f32 - 2.5) * self.cell;
        }
        let (i, j) = (cu as usize, cv as usize);
        let (fu, fv) = (cu - i as f32, cv - j as f32);
        let near = {
            let start = j * self.width + i;
            let (r, q) =
                (&self.field[start..start + 2], &self.field[start + self.width..start + self.width + 2]);
            let (a, b) = (r[0] + (r[1] - r[0]) * fu, q[0] + (q[1] - q[0]) * fu);
            a + (b - a) * fv
        };
        if near.abs() > 3.0 * self.cell {
            return near;
        }
        let (wu, wv) = (b_spline(fu), b_spline(fv));
        let mut sum = 0.0;
        for (b, wy) in wv.iter().enumerate() {
            let start = (j + b - 1) * self.width + i - 1;
            let row = &self.field[start..start + 4];
            sum += wy * (wu[0] * row[0] + wu[1] * row[1] + wu[2] * row[2] + wu[3] * row[3]);
        }
        sum
    }
}

/// The four weights of the uniform cubic B-spline.
fn b_spline(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        (1.0 - 3.0 * t + 3.0 * t2 - t3) / 6.0,
        (4.0 - 6.0 * t2 + 3.0 * t3) / 6.0,
        (1.0 + 3.0 * t + 3.0 * t2 - 3.0 * t3) / 6.0,
        t3 / 6.0,
    ]
}

/// Catmull-Rom subdivision; a repeated point stops the tangent and leaves a corner.
fn spline(points: &[(f32, f32)], closed: bool) -> Vec<(f32, f32)> {
    let n = points.len() as i32;
    let get = |i: i32| {
        let i = if closed { i.rem_euclid(n) } else { i.clamp(0, n - 1) };
        points[i as usize]
    };
    let mut out = Vec::new();
    let last = if closed { n } else { n - 1 };
    for i in 0..last {
        let (a, b, c, d) = (get(i - 1), get(i), get(i + 1), get(i + 2));
        if b == c {
            continue;
        }
        for s in 0..8 {
            let t = s as f32 / 8.0;
            let curve = |a: f32, b: f32, c: f32, d: f32| {
                let (m0, m1) = ((c - a) * 0.5, (d - b) * 0.5);
                let (t2, t3) = (t * t, t * t * t);
                (2.0 * t3 - 3.0 * t2 + 1.0) * b
                    + (t3 - 2.0 * t2 + t) * m0
                    + (3.0 * t2 - 2.0 * t3) * c
                    + (t3 - t2) * m1
            };
            let x = curve(a.0, b.0, c.0, d.0);
            out.push((if closed { x } else { x.max(0.0) }, curve(a.1, b.1, c.1, d.1)));
        }
    }
    out.push(get(last));
    out
}

/// Exact signed distance to a chain; an open chain is closed along the axis, and that edge is no surface.
fn exact(chain: &[(f32, f32)], x: f32, y: f32) -> f32 {
    let mut best = f32::MAX;
    let mut inside = false;
    let mut cross = |a: (f32, f32), b: (f32, f32)| {
        if (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0 {
            inside = !inside;
        }
    };
    for pair in chain.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let (bx, by, px, py) = (b.0 - a.0, b.1 - a.1, x - a.0, y - a.1);
        let t = ((px * bx + py * by) / (bx * bx + by * by).max(1e-12)).clamp(0.0, 1.0);
        let (dx, dy) = (px - bx * t, py - by * t);
        best = best.min(dx * dx + dy * dy);
        cross(a, b);
    }
    if let (Some(&a), Some(&b)) = (chain.last(), chain.first()) {
        cross(a, b);
    }
    if inside { -best.sqrt() } else { best.sqrt() }
}

/// A round tube along a quadratic Bezier curve, from radius `ra` to `rb`.
pub(crate) fn bent_tube(a: V, b: V, c: V, ra: f32, rb: f32) -> Shape {
    let joints = (0..=8)
        .map(|i| {
            let t = i as f32 / 8.0;
            let p = a * ((1.0 - t) * (1.0 - t)) + b * (2.0 * t * (1.0 - t)) + c * (t * t);
            (p, ra + (rb - ra) * t)
        })
        .collect();
    Shape::Tube(joints)
}

/// A regular star or flower outline: number of tips, outer and inner radius, corners sharp or rounded.
pub(crate) fn star(tips: u32, outer: f32, inner: f32, sharp: bool) -> Outline {
    let mut points = Vec::new();
    for i in 0..tips * 2 {
        let r = if i % 2 == 0 { outer } else { inner };
        let a = PI * i as f32 / tips as f32 + PI * 0.5;
        let p = (r * cos(a), r * sin(a));
        points.push(p);
        if sharp {
            points.push(p);
        }
    }
    Outline::closed(&points)
}

/// The union of two distances with an optional fillet.
pub(crate) fn join(a: f32, b: f32, k: f32) -> f32 {
    if k > 0.0 { smooth_min(a, b, k) } else { a.min(b) }
}
