//! Surfaces: procedural colour patterns and how they take light. Knows no shapes beyond a point and a
//! normal in
//! the part's own frame.

use super::maths::{PI, V, atan2, fbm, hash01, noise, rgb, sin, step};

/// Free artwork: colour at (u, v), or nothing where the ground shows through.
pub(crate) type Art = fn(f32, f32) -> Option<V>;

/// How artwork lies on a part.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lay {
    /// Facing +z: u is x, v is y.
    Front,
    /// Facing +y: u is x, v is -z (up in the picture).
    Top,
    /// Around the y axis: u is the angle in radians from +z, v is y.
    Around,
}

/// A colour pattern. Colours are linear light; lengths are in the part's frame.
#[derive(Clone, Debug)]
pub(crate) enum Tint {
    /// One colour.
    Plain(V),
    /// Zones along y: colour up to each height, then the last colour.
    Zones(Vec<(f32, V)>, V),
    /// Even stripes along a direction: colours, direction, period, share of the second colour.
    Stripes(V, V, V, f32, f32),
    /// Checks of this edge length on every face.
    Checks(V, V, f32),
    /// Sawn wood with rings around axis 0, 1 or 2: light, dark, axis, scale.
    Wood(V, V, usize, f32),
    /// Floor boards along x of this width: light, dark, width.
    Boards(V, V, f32),
    /// Stone with veins: ground, vein, scale.
    Marble(V, V, f32),
    /// Plain weave: warp colour, weft colour, threads per unit.
    Weave(V, V, f32),
    /// A tartan of three colours: ground, broad band, thin line, period.
    Plaid(V, V, V, f32),
    /// Fine speckles: ground, speckle, scale, share.
    Speckle(V, V, f32, f32),
    /// Cloudy colour: two colours and scale. Concrete, plaster, paper.
    Cloud(V, V, f32),
    /// Tiles: colour, joint colour, edge length.
    Tiles(V, V, f32),
    /// Chips in a ground: ground, three chip colours, scale.
    Terrazzo(V, [V; 3], f32),
    /// Round dots in rows: ground, dot, period, radius.
    Dots(V, V, f32, f32),
    /// A gradient along y: colour and height at both ends.
    Fade(V, f32, V, f32),
    /// Artwork on top of a pattern.
    Printed(Box<Tint>, Lay, Art),
}

/// A surface.
#[derive(Clone, Debug)]
pub(crate) struct Paint {
    pub(crate) tint: Tint,
    /// 0 is a mirror, 1 is chalk.
    pub(crate) rough: f32,
    /// Reflectance at normal incidence of a non-metal.
    pub(crate) shine: f32,
    /// 1 for metal.
    pub(crate) metal: f32,
    /// Light given off, times the tint.
    pub(crate) glow: f32,
    /// Share of light that passes.
    pub(crate) clear: f32,
    /// Depth and frequency of fine unevenness.
    pub(crate) grain: (f32, f32),
}

impl Paint {
    fn of(tint: Tint, rough: f32, shine: f32) -> Self {
        Self { tint, rough, shine, metal: 0.0, glow: 0.0, clear: 0.0, grain: (0.0, 1.0) }
    }

    /// Glazed ceramic, enamel, lacquer.
    pub(crate) fn glazed(tint: Tint) -> Self {
        Self::of(tint, 0.12, 0.05)
    }

    /// Plastic, satin varnish.
    pub(crate) fn satin(tint: Tint) -> Self {
        Self::of(tint, 0.4, 0.045)
    }

    /// Paper, raw wood, cloth.
    pub(crate) fn matte(tint: Tint) -> Self {
        Self::of(tint, 0.9, 0.02)
    }

    /// Metal of this colour and roughness.
    pub(crate) fn metal(colour: V, rough: f32) -> Self {
        Self { metal: 1.0, ..Self::of(Tint::Plain(colour), rough, 0.9) }
    }

    /// Tinted glass; `clear` is the share of light that passes.
    pub(crate) fn glass(colour: V, clear: f32) -> Self {
        Self { clear, ..Self::of(Tint::Plain(colour), 0.03, 0.05) }
    }

    /// A luminous body.
    pub(crate) fn lamp(colour: V, strength: f32) -> Self {
        Self { glow: strength, ..Self::of(Tint::Plain(colour), 0.9, 0.02) }
    }

    pub(crate) fn glow(mut self, strength: f32) -> Self {
        self.glow = strength;
        self
    }

    pub(crate) fn grain(mut self, depth: f32, frequency: f32) -> Self {
        self.grain = (depth, frequency);
        self
    }

    pub(crate) fn rough(mut self, rough: f32) -> Self {
        self.rough = rough;
        self
    }

    /// The same surface with artwork on it.
    pub(crate) fn printed(mut self, lay: Lay, art: Art) -> Self {
        self.tint = Tint::Printed(Box::new(self.tint), lay, art);
        self
    }

    /// Plain matte colour from a display colour.
    pub(crate) fn paper(hex: u32) -> Self {
        let c = rgb(hex);
        Self::matte(Tint::Cloud(c, c * 0.95, 3.0))
    }

    /// Plain glaze from a display colour.
    pub(crate) fn glaze(hex: u32) -> Self {
        Self::glazed(Tint::Plain(rgb(hex)))
    }

    /// Plain satin plastic from a display colour.
    pub(crate) fn plastic(hex: u32) -> Self {
        Self::satin(Tint::Plain(rgb(hex)))
    }

    /// Sawn and oiled wood: light and dark display colours, ring axis.
    pub(crate) fn wood(light: u32, dark: u32, axis: usize) -> Self {
        Self::of(Tint::Wood(rgb(light), rgb(dark), axis, 1.0), 0.5, 0.04)
    }

    /// Boards of a table or a floor.
    pub(crate) fn boards(light: u32, dark: u32, width: f32) -> Self {
        Self::of(Tint::Boards(rgb(light), rgb(dark), width), 0.45, 0.04)
    }

    /// Cloth in plain weave.
    pub(crate) fn cloth(a: u32, b: u32, threads: f32) -> Self {
        Self::of(Tint::Weave(rgb(a), rgb(b), threads), 1.0, 0.015).grain(0.12, threads * 1.5)
    }

    /// Corrugated board.
    pub(crate) fn board() -> Self {
        Self::of(Tint::Cloud(rgb(0xB98A5A), rgb(0xA97C4E), 2.5), 0.85, 0.02).grain(0.03, 30.0)
    }
}

/// The axis along which a normal points most.
fn facing(n: V) -> usize {
    let a = n.abs();
    if a.1 >= a.0 && a.1 >= a.2 {
        1
    } else if a.0 >= a.2 {
        0
    } else {
        2
    }
}

/// Coordinates on the face a normal belongs to.
fn face(p: V, n: V) -> (f32, f32) {
    match facing(n) {
        0 => (p.2, p.1),
        1 => (p.0, p.2),
        _ => (p.0, p.1),
    }
}

fn wood(p: V, axis: usize, light: V, dark: V) -> V {
    let (along, a, b) = match axis {
        0 => (p.0, p.1, p.2),
        1 => (p.1, p.0, p.2),
        _ => (p.2, p.0, p.1),
    };
    let wobble = fbm(V(along * 0.6, a * 1.3, b * 1.3)) - 0.5;
    let radius = ((a + 0.9) * (a + 0.9) + (b - 0.6) * (b - 0.6)).sqrt() + wobble * 0.55;
    let ring = radius * 7.0;
    let t = ring - ring.floor();
    let late = step(0.35, 0.9, t) * (1.0 - step(0.93, 1.0, t));
    let fibre = noise(V(along * 3.0, a * 60.0, b * 60.0));
    light.mix(dark, (late * 0.62 + fibre * 0.28).min(1.0))
}

impl Tint {
    /// Colour at `p` on a surface with normal `n`, both in the part's frame.
    pub(crate) fn at(&self, p: V, n: V) -> V {
        match self {
            Self::Plain(c) => *c,
            Self::Zones(zones, last) => {
                let y = p.1 + 0.012 * (noise(V(p.0 * 9.0, 0.0, p.2 * 9.0)) - 0.5);
                zones.iter().find(|z| y < z.0).map_or(*last, |z| z.1)
            }
            Self::Stripes(a, b, dir, period, share) => {
                let t = p.dot(*dir) / period;
                let t = t - t.floor();
                a.mix(*b, step(1.0 - share, 1.0 - share + 0.03, t) * (1.0 - step(0.97, 1.0, t)))
            }
            Self::Checks(a, b, edge) => {
                let (u, v) = face(p, n);
                let odd = ((u / edge).floor() as i32 + (v / edge).floor() as i32) & 1;
                if odd == 0 { *a } else { *b }
            }
            Self::Wood(light, dark, axis, scale) => wood(p * *scale, *axis, *light, *dark),
            Self::Boards(light, dark, width) => {
                let row = (p.2 / width).floor();
                let i = row as i32;
                let shift = hash01(i, 7, 1) * 40.0;
                let length = width * 7.0;
                let x = p.0 + shift;
                let j = (x / length).floor() as i32;
                let tone = 0.78 + 0.3 * hash01(i, j, 3);
                let q = V(x * 0.7 + hash01(i, j, 4) * 30.0, p.2 - row * width, hash01(i, j, 5) * 9.0);
                let (v, u) = (p.2 / width - row, x / length - j as f32);
                let gap = step(0.0, 0.02, v) * step(0.0, 0.02, 1.0 - v) * step(0.0, 0.003, u);
                wood(q, 0, *light, *dark) * (tone * (0.3 + 0.7 * gap))
            }
            Self::Marble(ground, vein, scale) => {
                let q = p * *scale;
                let w = fbm(q) * 4.0 + fbm(q * 2.7 + V(5.0, 1.0, 2.0)) * 1.2;
                let ridge = |x: f32| 1.0 - sin(x).abs();
                let a = ridge(q.0 * 1.1 + q.2 * 0.7 + q.1 * 0.8 + w);
                let b = ridge(q.0 * 0.5 - q.2 * 1.6 + q.1 + w * 1.7 + 2.0);
                let t = a * a * a * a * 0.75 + b * b * b * b * b * b * 0.45 + 0.22 * (fbm(q * 0.8) - 0.35);
                ground.mix(*vein, t.clamp(0.0, 1.0))
            }
            Self::Weave(a, b, threads) => {
                let (u, v) = face(p, n);
                let (u, v) = (u * threads, v * threads);
                let over = ((u.floor() as i32) + (v.floor() as i32)) & 1 == 0;
                let along = if over { v - v.floor() } else { u - u.floor() };
                let lift = 0.72 + 0.28 * sin(along * PI);
                let thread = if over { u.floor() as i32 } else { 4096 + v.floor() as i32 };
                let slub = 0.88 + 0.2 * hash01(thread, 5, 9) - 0.12 * noise(V(u * 0.2, v * 0.2, 0.0));
                (if over { *a } else { *b }) * (lift * slub)
            }
            Self::Plaid(ground, band, line, period) => {
                let (u, v) = face(p, n);
                let wave = |x: f32| {
                    let t = x / period - (x / period).floor();
                    let broad = step(0.2, 0.22, t) * (1.0 - step(0.62, 0.64, t));
                    let thin = step(0.8, 0.81, t) * (1.0 - step(0.86, 0.87, t));
                    (broad, thin)
                };
                let ((a, c), (b, d)) = (wave(u), wave(v));
                let thread = 0.92 + 0.08 * sin((u + v) * 140.0);
                ground.mix(*band, (a + b) * 0.5).mix(*line, (c + d).min(1.0) * 0.6) * thread
            }
            Self::Speckle(ground, dot, scale, share) => {
                let t = step(1.0 - share - 0.04, 1.0 - share, noise(p * *scale));
                let fine = step(0.80, 0.84, noise(p * (*scale * 2.3) + V(3.0, 8.0, 1.0)));
                let c = ground.mix(*dot, (t + fine * 0.6).min(1.0));
                c * (0.92 + 0.12 * noise(p * 2.0))
            }
            Self::Cloud(a, b, scale) => {
                let fine = 0.97 + 0.06 * noise(p * (*scale * 22.0));
                a.mix(*b, fbm(p * *scale)) * fine
            }
            Self::Tiles(c, joint, edge) => {
                let (u, v) = face(p, n);
                let (i, j) = ((u / edge).floor(), (v / edge).floor());
                let (fu, fv) = (u / edge - i, v / edge - j);
                let rim = fu.min(1.0 - fu).min(fv).min(1.0 - fv);
                let tone = 0.86 + 0.2 * hash01(i as i32, j as i32, 11) + 0.08 * (fbm(p * 3.0) - 0.5);
                joint.mix(*c * tone, step(0.015, 0.03, rim))
            }
            Self::Terrazzo(ground, chips, scale) => {
                let mut c = *ground * (0.95 + 0.08 * fbm(p * 6.0));
                for (i, chip) in chips.iter().enumerate() {
                    let q = p * (*scale * (1.0 + 0.45 * i as f32)) + V(i as f32 * 7.3, 2.1, 4.4);
                    let near = nearest_seed(q);
                    c = c.mix(*chip, 1.0 - step(0.27, 0.30, near));
                }
                c
            }
            Self::Dots(ground, dot, period, radius) => {
                let (u, v) = face(p, n);
                let row = (v / period).floor();
                let u = u + if row as i32 & 1 == 0 { 0.0 } else { period * 0.5 };
                let (du, dv) = (u - ((u / period).floor() + 0.5) * period, v - (row + 0.5) * period);
                let d = (du * du + dv * dv).sqrt();
                dot.mix(*ground, step(radius - 0.006, radius + 0.006, d))
            }
            Self::Fade(a, lo, b, hi) => {
                let t = step(*lo, *hi, p.1 + 0.02 * (noise(p * 14.0) - 0.5));
                a.mix(*b, t)
            }
            Self::Printed(ground, lay, art) => {
                let mark = match lay {
                    Lay::Front if n.2 > 0.6 => art(p.0, p.1),
                    Lay::Top if n.1 > 0.6 => art(p.0, -p.2),
                    Lay::Around if n.1.abs() < 0.8 => art(atan2(p.0, p.2), p.1),
                    Lay::Front | Lay::Top | Lay::Around => None,
                };
                mark.unwrap_or_else(|| ground.at(p, n))
            }
        }
    }
}

/// Distance to the nearest hashed seed point, one per lattice cell (irregular: every third cell is empty).
fn nearest_seed(p: V) -> f32 {
    let (bx, by, bz) = (p.0.floor() as i32, p.1.floor() as i32, p.2.floor() as i32);
    let mut best = 9.0_f32;
    for x in bx - 1..=bx + 1 {
        for y in by - 1..=by + 1 {
            for z in bz - 1..=bz + 1 {
                if hash01(x, y, z) < 0.33 {
                    continue;
                }
                let jitter = V(hash01(x, y, z + 911), hash01(x, y + 911, z), hash01(x + 911, y, z));
                let d = p - V(x as f32, y as f32, z as f32) - jitter;
                let skew = V(d.0 * 1.0 + d.2 * 0.4, d.1, d.2 * 1.2 - d.0 * 0.3);
                best = best.min(skew.len());
            }
        }
    }
    best
}
