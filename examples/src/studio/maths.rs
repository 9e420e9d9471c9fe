//! Vectors, hashed noise and colour curves for the renderer.
//!
//! Only additions, products, quotients and square roots are used: IEEE 754 fixes these to the last bit, so a
//! picture has the same bytes on every platform. The system's maths library is never called. Knows no scenes.

use std::ops::{Add, Mul, Neg, Sub};

/// Half a turn, in radians.
pub(crate) const PI: f32 = std::f32::consts::PI;

/// A point, a direction or a linear-light colour.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct V(pub(crate) f32, pub(crate) f32, pub(crate) f32);

impl V {
    pub(crate) const ZERO: Self = Self(0.0, 0.0, 0.0);
    pub(crate) const ONE: Self = Self(1.0, 1.0, 1.0);

    pub(crate) fn dot(self, o: Self) -> f32 {
        self.0 * o.0 + self.1 * o.1 + self.2 * o.2
    }

    pub(crate) fn cross(self, o: Self) -> Self {
        Self(self.1 * o.2 - self.2 * o.1, self.2 * o.0 - self.0 * o.2, self.0 * o.1 - self.1 * o.0)
    }

    pub(crate) fn len(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The unit vector along `self`; zero stays finite.
    pub(crate) fn unit(self) -> Self {
        self * (1.0 / self.len().max(1e-9))
    }

    pub(crate) fn mix(self, o: Self, t: f32) -> Self {
        self * (1.0 - t) + o * t
    }

    /// The smaller of each component.
    pub(crate) fn least(self, o: Self) -> Self {
        Self(self.0.min(o.0), self.1.min(o.1), self.2.min(o.2))
    }

    /// The larger of each component.
    pub(crate) fn most(self, o: Self) -> Self {
        Self(self.0.max(o.0), self.1.max(o.1), self.2.max(o.2))
    }

    pub(crate) fn abs(self) -> Self {
        Self(self.0.abs(), self.1.abs(), self.2.abs())
    }

    /// The direction mirrored at a surface with unit normal `n`.
    pub(crate) fn reflect(self, n: Self) -> Self {
        self - n * (2.0 * self.dot(n))
    }

    /// Relative luminance (ITU-R BT.709 weights).
    pub(crate) fn luma(self) -> f32 {
        self.dot(Self(0.2126, 0.7152, 0.0722))
    }
}

impl Add for V {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0 + o.0, self.1 + o.1, self.2 + o.2)
    }
}

impl Sub for V {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self(self.0 - o.0, self.1 - o.1, self.2 - o.2)
    }
}

impl Mul<f32> for V {
    type Output = Self;
    fn mul(self, k: f32) -> Self {
        Self(self.0 * k, self.1 * k, self.2 * k)
    }
}

impl Mul for V {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Self(self.0 * o.0, self.1 * o.1, self.2 * o.2)
    }
}

impl Neg for V {
    type Output = Self;
    fn neg(self) -> Self {
        self * -1.0
    }
}

/// A rotation, as its three rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn(V, V, V);

impl Turn {
    pub(crate) const NONE: Self = Self(V(1.0, 0.0, 0.0), V(0.0, 1.0, 0.0), V(0.0, 0.0, 1.0));

    /// Rotation about x, then y, then z, in degrees.
    pub(crate) fn degrees(x: f32, y: f32, z: f32) -> Self {
        let (sx, cx) = (sin(x * PI / 180.0), cos(x * PI / 180.0));
        let (sy, cy) = (sin(y * PI / 180.0), cos(y * PI / 180.0));
        let (sz, cz) = (sin(z * PI / 180.0), cos(z * PI / 180.0));
        let about_x = Self(V(1.0, 0.0, 0.0), V(0.0, cx, -sx), V(0.0, sx, cx));
        let about_y = Self(V(cy, 0.0, sy), V(0.0, 1.0, 0.0), V(-sy, 0.0, cy));
        let about_z = Self(V(cz, -sz, 0.0), V(sz, cz, 0.0), V(0.0, 0.0, 1.0));
        about_z.after(&about_y).after(&about_x)
    }

    /// The rotation that applies `first`, then `self`.
    pub(crate) fn after(&self, first: &Self) -> Self {
        let row = |r: V| first.0 * r.0 + first.1 * r.1 + first.2 * r.2;
        Self(row(self.0), row(self.1), row(self.2))
    }

    pub(crate) fn apply(&self, p: V) -> V {
        V(self.0.dot(p), self.1.dot(p), self.2.dot(p))
    }

    /// Half sides of the upright box that holds a turned box with half sides `half`.
    pub(crate) fn extent(&self, half: V) -> V {
        V(self.0.abs().dot(half), self.1.abs().dot(half), self.2.abs().dot(half))
    }

    pub(crate) fn undo(&self, p: V) -> V {
        self.0 * p.0 + self.1 * p.1 + self.2 * p.2
    }
}

/// Sine by a polynomial on the folded quarter period; the error is below 4e-6.
pub(crate) fn sin(x: f32) -> f32 {
    let turn = x * (0.5 / PI);
    let x = (turn - (turn + 0.5).floor()) * (2.0 * PI);
    let x = if x > PI * 0.5 {
        PI - x
    } else if x < -PI * 0.5 {
        -PI - x
    } else {
        x
    };
    let s = x * x;
    x * (1.0 + s * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5040.0 + s * (1.0 / 362_880.0)))))
}

/// Cosine, with the accuracy of [`sin`].
pub(crate) fn cos(x: f32) -> f32 {
    sin(x + PI * 0.5)
}

/// The angle of (x, y) in radians, in (-pi, pi]; the error is below 1e-3, enough for textures.
pub(crate) fn atan2(y: f32, x: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    let a = ax.min(ay) / ax.max(ay).max(1e-9);
    let s = a * a;
    let mut r = ((-0.046_496_473 * s + 0.159_314_22) * s - 0.327_622_77) * s * a + a;
    if ay > ax {
        r = PI * 0.5 - r;
    }
    if x < 0.0 {
        r = PI - r;
    }
    if y < 0.0 { -r } else { r }
}

/// The Hermite step from 0 at `a` to 1 at `b`.
pub(crate) fn step(a: f32, b: f32, x: f32) -> f32 {
    let t = ((x - a) / (b - a)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// `x` raised to two to the power `doublings`, by squaring.
pub(crate) fn squared(mut x: f32, doublings: u32) -> f32 {
    for _ in 0..doublings {
        x *= x;
    }
    x
}

/// The rounded minimum of two distances, with radius `k`.
pub(crate) fn smooth_min(a: f32, b: f32, k: f32) -> f32 {
    let h = (k - (a - b).abs()).max(0.0) / k;
    a.min(b) - h * h * k * 0.25
}

/// A well mixed 32-bit hash of three integers.
pub(crate) fn hash(x: i32, y: i32, z: i32) -> u32 {
    let mut h = (x as u32)
        .wrapping_mul(0x9E37_79B1)
        .wrapping_add((y as u32).wrapping_mul(0x85EB_CA77))
        .wrapping_add((z as u32).wrapping_mul(0xC2B2_AE3D));
    h ^= h >> 15;
    h = h.wrapping_mul(0x2C1B_3C6D);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297A_2D39);
    h ^ (h >> 15)
}

/// The hash as a number in [0, 1).
pub(crate) fn hash01(x: i32, y: i32, z: i32) -> f32 {
    (hash(x, y, z) >> 8) as f32 / 16_777_216.0
}

/// Value noise in [0, 1], smooth, with one lattice cell per unit.
pub(crate) fn noise(p: V) -> f32 {
    let (fx, fy, fz) = (p.0.floor(), p.1.floor(), p.2.floor());
    let (ix, iy, iz) = (fx as i32, fy as i32, fz as i32);
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v, w) = (ease(p.0 - fx), ease(p.1 - fy), ease(p.2 - fz));
    let lerp = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let edge = |dy: i32, dz: i32| lerp(hash01(ix, iy + dy, iz + dz), hash01(ix + 1, iy + dy, iz + dz), u);
    lerp(lerp(edge(0, 0), edge(1, 0), v), lerp(edge(0, 1), edge(1, 1), v), w)
}

/// Four octaves of [`noise`], in [0, 1].
pub(crate) fn fbm(p: V) -> f32 {
    let q = V(p.0 * 0.8 - p.2 * 0.6, p.1, p.0 * 0.6 + p.2 * 0.8);
    0.5 * noise(p)
        + 0.27 * noise(q * 2.03 + V(3.1, 7.7, 1.3))
        + 0.15 * noise(p * 4.01 + V(9.2, 2.8, 5.6))
        + 0.08 * noise(q * 8.07 + V(1.7, 4.4, 8.1))
}

/// A display colour `0xRRGGBB` in linear light, by a cubic fit of the sRGB curve.
pub(crate) fn rgb(hex: u32) -> V {
    let f = |shift: u32| {
        let x = ((hex >> shift) & 255) as f32 / 255.0;
        x * (x * (x * 0.305_306_02 + 0.682_171_1) + 0.012_522_878)
    };
    V(f(16), f(8), f(0))
}

/// A linear value as a display value in [0, 1], by a fit of the sRGB curve in square roots.
pub(crate) fn encode(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    let a = x.sqrt();
    let b = a.sqrt();
    let c = b.sqrt();
    (0.662_002_7 * a + 0.684_122_1 * b - 0.323_583_6 * c - 0.022_541_147 * x).clamp(0.0, 1.0)
}
