//! What stands in front of the camera: parts, objects, backdrop, lights, camera. Knows nothing of pixels.

use super::maths::{Turn, V};
use super::paint::Paint;
use super::shapes::{Shape, Warp, join};

/// How a part meets the parts before it in its group.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// Joined, with a fillet of this radius.
    Join(f32),
    /// Cut out of what came before.
    Cut,
}

/// One solid with its place and its paint.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) shape: Shape,
    pub(crate) paint: Paint,
    warp: Warp,
    op: Op,
    at: V,
    turn: Turn,
    scale: f32,
}

impl Part {
    pub(crate) fn new(shape: Shape, paint: &Paint) -> Self {
        let (warp, op) = (Warp::Plain, Op::Join(0.0));
        Self { shape, paint: paint.clone(), warp, op, at: V::ZERO, turn: Turn::NONE, scale: 1.0 }
    }

    pub(crate) fn at(mut self, x: f32, y: f32, z: f32) -> Self {
        self.at = V(x, y, z);
        self
    }

    /// Turns the part about its own origin, in degrees.
    pub(crate) fn turn(mut self, x: f32, y: f32, z: f32) -> Self {
        self.turn = Turn::degrees(x, y, z).after(&self.turn);
        self
    }

    pub(crate) fn op(mut self, op: Op) -> Self {
        self.op = op;
        self
    }

    pub(crate) fn warp(mut self, warp: Warp) -> Self {
        self.warp = warp;
        self
    }

    /// A point of the scene in the part's own frame.
    pub(crate) fn local(&self, p: V) -> V {
        self.turn.undo(p - self.at) * (1.0 / self.scale)
    }

    fn distance(&self, p: V) -> f32 {
        let (q, offset, safe) = self.warp.apply(self.local(p));
        (self.shape.distance(q) - offset) * safe * self.scale
    }

    /// Lower and upper corner of an upright box that holds the part.
    fn bound(&self) -> (V, V) {
        let (c, half) = self.shape.bound();
        let centre = self.at + self.turn.apply(c) * self.scale;
        let half = self.turn.extent(half + V::ONE * self.warp.reach()) * self.scale;
        (centre - half, centre + half)
    }
}

/// An object: groups of parts. Fillets and cuts act inside one group only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object(Vec<Vec<Part>>);

impl Object {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a part on its own.
    pub(crate) fn put(mut self, part: Part) -> Self {
        self.0.push(vec![part]);
        self
    }

    /// Adds parts that are joined to and cut from each other, in order.
    pub(crate) fn group(mut self, parts: Vec<Part>) -> Self {
        self.0.push(parts);
        self
    }

    pub(crate) fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The object turned (degrees), scaled and moved.
    pub(crate) fn placed(mut self, at: V, degrees: V, scale: f32) -> Self {
        let turn = Turn::degrees(degrees.0, degrees.1, degrees.2);
        for part in self.0.iter_mut().flatten() {
            part.at = at + turn.apply(part.at) * scale;
            part.turn = turn.after(&part.turn);
            part.scale *= scale;
        }
        self
    }

    /// The object set down at (x, z), turned about y and scaled.
    pub(crate) fn stand(self, x: f32, z: f32, degrees: f32, scale: f32) -> Self {
        self.placed(V(x, 0.0, z), V(0.0, degrees, 0.0), scale)
    }
}

#[derive(Clone, Debug)]
struct Group {
    parts: Vec<Part>,
    lo: V,
    hi: V,
    glass: bool,
}

impl Group {
    /// Distance from the group's box; 0 inside.
    fn away(&self, p: V) -> f32 {
        (self.lo - p).most(p - self.hi).most(V::ZERO).len()
    }
}

/// A soft light: position, colour times strength, and the hardness of its shadows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Light {
    pub(crate) at: V,
    pub(crate) colour: V,
    pub(crate) hard: f32,
}

/// Floor and wall. The wall stands at depth `wall` (negative z) and joins the floor in a curve of `radius`.
#[derive(Clone, Debug)]
pub(crate) struct Backdrop {
    pub(crate) floor: Paint,
    pub(crate) back: Paint,
    pub(crate) wall: f32,
    pub(crate) radius: f32,
}

/// The camera: where it stands, what it looks at, focal length in picture heights, and its roll.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Camera {
    pub(crate) from: V,
    pub(crate) to: V,
    pub(crate) focal: f32,
    pub(crate) roll: f32,
}

/// The largest number of groups: one bit each in a ray's mask.
const MAX_GROUPS: usize = 128;

/// A complete set-up.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    groups: Vec<Group>,
    pub(crate) backdrop: Backdrop,
    pub(crate) lights: Vec<Light>,
    pub(crate) sky: V,
    pub(crate) camera: Camera,
    pub(crate) size: (u32, u32),
    pub(crate) exposure: f32,
}

impl Scene {
    /// A sweep of one material, one key light from the left, a weak one from the right, camera in front.
    pub(crate) fn new(floor: &Paint) -> Self {
        Self {
            groups: Vec::new(),
            backdrop: Backdrop { floor: floor.clone(), back: floor.clone(), wall: -5.0, radius: 2.2 },
            lights: vec![
                Light { at: V(-5.0, 7.0, 4.5), colour: V(1.0, 0.97, 0.92) * 2.3, hard: 7.0 },
                Light { at: V(6.0, 4.0, 3.0), colour: V(0.85, 0.93, 1.0) * 0.6, hard: 4.0 },
            ],
            sky: V(0.62, 0.66, 0.72) * 0.62,
            camera: Camera { from: V(0.0, 2.6, 8.0), to: V(0.0, 1.0, 0.0), focal: 2.0, roll: 0.0 },
            size: (1024, 1024),
            exposure: 0.52,
        }
    }

    /// A table that ends at a wall.
    pub(crate) fn wall(mut self, back: &Paint, depth: f32) -> Self {
        self.backdrop.back = back.clone();
        self.backdrop.wall = -depth;
        self.backdrop.radius = 0.01;
        self
    }

    pub(crate) fn camera(mut self, from: V, to: V, focal: f32) -> Self {
        self.camera = Camera { from, to, focal, roll: 0.0 };
        self
    }

    pub(crate) fn roll(mut self, degrees: f32) -> Self {
        self.camera.roll = degrees;
        self
    }

    pub(crate) fn light(mut self, index: usize, at: V, colour: V, hard: f32) -> Self {
        let light = Light { at, colour, hard };
        match self.lights.get_mut(index) {
            Some(slot) => *slot = light,
            None => self.lights.push(light),
        }
        self
    }

    pub(crate) fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (width, height);
        self
    }

    pub(crate) fn exposure(mut self, factor: f32) -> Self {
        self.exposure = factor;
        self
    }

    /// Adds an object. Groups beyond the limit would not be drawn; a test holds every scene below it.
    pub(crate) fn add(mut self, object: Object) -> Self {
        for parts in object.0 {
            let (mut lo, mut hi) = (V::ONE * f32::MAX, V::ONE * f32::MIN);
            for part in parts.iter().filter(|p| matches!(p.op, Op::Join(_))) {
                let (a, b) = part.bound();
                lo = lo.least(a);
                hi = hi.most(b);
            }
            let glass = parts.first().is_some_and(|p| p.paint.clear > 0.0);
            let rim = V::ONE * 0.01;
            self.groups.push(Group { parts, lo: lo - rim, hi: hi + rim, glass });
        }
        self.groups.truncate(MAX_GROUPS);
        self
    }

    /// The number of groups.
    #[cfg(test)]
    pub(crate) fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// The groups a ray can meet (each box grown by `grow`), with the range of distances to search.
    pub(crate) fn reach(&self, from: V, dir: V, grow: f32, glass: bool) -> (u128, f32, f32) {
        let (mut mask, mut near, mut far) = (0_u128, f32::MAX, 0.0_f32);
        let safe = |x: f32| if x.abs() < 1e-9 { 1e9 } else { 1.0 / x };
        let inverse = V(safe(dir.0), safe(dir.1), safe(dir.2));
        let rim = V::ONE * grow;
        for (i, g) in self.groups.iter().enumerate() {
            if g.glass && !glass {
                continue;
            }
            let (a, b) = ((g.lo - rim - from) * inverse, (g.hi + rim - from) * inverse);
            let (first, last) = (a.least(b), a.most(b));
            let (enter, leave) = (first.0.max(first.1).max(first.2), last.0.min(last.1).min(last.2));
            if leave <= enter.max(0.0) {
                continue;
            }
            mask |= 1 << i;
            near = near.min(enter);
            far = far.max(leave);
        }
        (mask, near.max(0.0), far)
    }

    /// All groups within `reach` of a point.
    pub(crate) fn around(&self, p: V, reach: f32, glass: bool) -> u128 {
        let mut mask = 0;
        for (i, g) in self.groups.iter().enumerate() {
            if (glass || !g.glass) && g.away(p) < reach {
                mask |= 1 << i;
            }
        }
        mask
    }

    /// Distance to the groups in `mask`. Groups farther than `loose` count with the distance of their boxes,
    /// which is never too large.
    pub(crate) fn distance(&self, p: V, mask: u128, loose: f32) -> f32 {
        let mut best = f32::MAX;
        let mut rest = mask;
        while rest != 0 {
            let g = &self.groups[rest.trailing_zeros() as usize];
            rest &= rest - 1;
            let away = g.away(p);
            if away >= best {
                continue;
            }
            if away > loose {
                best = away;
                continue;
            }
            best = best.min(group_distance(g, p));
        }
        best
    }

    /// The part whose surface lies nearest to `p`.
    pub(crate) fn part_at(&self, p: V, mask: u128) -> Option<&Part> {
        let mut best = (f32::MAX, None);
        let mut rest = mask;
        while rest != 0 {
            let g = &self.groups[rest.trailing_zeros() as usize];
            rest &= rest - 1;
            let d = group_distance(g, p);
            if d < best.0 {
                best = (d, nearest_part(g, p));
            }
        }
        best.1
    }
}

fn group_distance(g: &Group, p: V) -> f32 {
    let mut d = f32::MAX;
    for part in &g.parts {
        let e = part.distance(p);
        d = match part.op {
            Op::Join(k) => join(d, e, k),
            Op::Cut => d.max(-e),
        };
    }
    d
}

fn nearest_part(g: &Group, p: V) -> Option<&Part> {
    // The wall of a cut shows the paint of the cutting part.
    let key = |part: &&Part| part.distance(p).abs();
    g.parts.iter().min_by(|a, b| key(a).total_cmp(&key(b)))
}
