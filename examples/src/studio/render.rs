//! From a scene to pixels: sphere tracing, light, and the finish of a photograph. Knows no particular scene.

use image::RgbImage;
use rayon::prelude::*;

use super::maths::{PI, V, cos, encode, hash01, noise, sin, squared, step};
use super::paint::Paint;
use super::scene::Scene;

/// The farthest distance that is searched.
const FAR: f32 = 60.0;

/// What a ray met.
struct Hit {
    at: V,
    normal: V,
    /// Point and normal in the frame of the part.
    local: V,
    local_normal: V,
    distance: f32,
    floor: bool,
}

/// Renders a scene: one ray per pixel, then four more wherever the picture has an edge.
pub(crate) fn render(scene: &Scene, seed: u32) -> RgbImage {
    let (w, h) = scene.size;
    let (wide, high) = (w as usize, h as usize);
    let camera = Rig::new(scene);
    let mut first = vec![V::ZERO; wide * high];
    first.par_chunks_mut(wide).enumerate().for_each(|(y, row)| {
        for (x, pixel) in row.iter_mut().enumerate() {
            *pixel = camera.expose(scene, x as f32 + 0.5, y as f32 + 0.5);
        }
    });
    let mut bytes = vec![0_u8; wide * high * 3];
    bytes.par_chunks_mut(wide * 3).enumerate().for_each(|(y, row)| {
        for x in 0..wide {
            let mut c = first[y * wide + x];
            if edge(&first, wide, high, x, y) {
                for (dx, dy) in [(0.12, 0.38), (0.62, 0.12), (0.88, 0.62), (0.38, 0.88)] {
                    c = c + camera.expose(scene, x as f32 + dx, y as f32 + dy);
                }
                c = c * 0.2;
            }
            let (u, v) = ((x as f32 + 0.5) / w as f32 - 0.5, (y as f32 + 0.5) / h as f32 - 0.5);
            let r2 = u * u + v * v;
            let c = c * (1.0 - 0.42 * r2 - 0.25 * r2 * r2);
            let speck = hash01(x as i32, y as i32, seed as i32) - hash01(y as i32, x as i32, !seed as i32);
            for (k, value) in [c.0, c.1, c.2].into_iter().enumerate() {
                let tint = hash01(x as i32 * 3 + k as i32, y as i32, seed as i32 ^ 77) - 0.5;
                let noisy = encode(value) * 255.0 + speck * 1.6 + tint * 1.0;
                row[x * 3 + k] = (noisy + 0.5).clamp(0.0, 255.0) as u8;
            }
        }
    });
    RgbImage::from_raw(w, h, bytes).unwrap_or_default()
}

/// Whether neighbours differ enough to need more rays.
fn edge(pixels: &[V], w: usize, h: usize, x: usize, y: usize) -> bool {
    let c = pixels[y * w + x];
    let differs = |o: V| {
        let d = (c - o).abs();
        d.0.max(d.1).max(d.2) > 0.13 * (0.2 + c.luma())
    };
    (x > 0 && differs(pixels[y * w + x - 1]))
        || (x + 1 < w && differs(pixels[y * w + x + 1]))
        || (y > 0 && differs(pixels[(y - 1) * w + x]))
        || (y + 1 < h && differs(pixels[(y + 1) * w + x]))
}

/// The camera's axes.
struct Rig {
    from: V,
    right: V,
    up: V,
    ahead: V,
    size: (f32, f32),
}

impl Rig {
    fn new(scene: &Scene) -> Self {
        let c = scene.camera;
        let ahead = (c.to - c.from).unit();
        let pole = if ahead.1.abs() > 0.999 { V(0.0, 0.0, -1.0) } else { V(0.0, 1.0, 0.0) };
        let right = ahead.cross(pole).unit();
        let up = right.cross(ahead);
        let (s, k) = (sin(c.roll * PI / 180.0), cos(c.roll * PI / 180.0));
        let (right, up) = (right * k + up * s, up * k - right * s);
        Self {
            from: c.from,
            right,
            up,
            ahead: ahead * c.focal,
            size: (scene.size.0 as f32, scene.size.1 as f32),
        }
    }

    /// The tone-mapped colour at a place in the picture.
    fn expose(&self, scene: &Scene, x: f32, y: f32) -> V {
        let (w, h) = self.size;
        let short = w.min(h);
        let (u, v) = ((x - w * 0.5) / short, (h * 0.5 - y) / short);
        let dir = (self.ahead + self.right * u + self.up * v).unit();
        film(radiance(scene, self.from, dir, 2, true) * scene.exposure)
    }
}

/// A filmic curve: straight below, a soft shoulder above.
fn film(c: V) -> V {
    let f = |x: f32| {
        let x = x.max(0.0);
        (x * (2.30 * x + 0.12)) / (x * (2.20 * x + 0.66) + 0.10)
    };
    V(f(c.0), f(c.1), f(c.2))
}

fn radiance(scene: &Scene, from: V, dir: V, depth: u32, glass: bool) -> V {
    match trace(scene, from, dir, glass) {
        Some((hit, paint)) => shade(scene, &hit, paint, dir, depth),
        None => studio(scene, dir, 0.5),
    }
}

fn trace(scene: &Scene, from: V, dir: V, glass: bool) -> Option<(Hit, &Paint)> {
    let ground = ground(scene, from, dir);
    let limit = ground.as_ref().map_or(FAR, |g| g.0.distance);
    let (mask, near, far) = scene.reach(from, dir, 0.0, glass);
    if mask != 0 && near < limit {
        let mut t = near + 1e-3;
        for _ in 0..160 {
            let p = from + dir * t;
            let d = scene.distance(p, mask, 0.06);
            if d < 4e-4 * t.max(1.0) {
                let part = scene.part_at(p, mask)?;
                let normal = slope(scene, p, mask, 0.002);
                let (local, local_normal) = (part.local(p), part.local(p + normal) - part.local(p));
                let hit = Hit {
                    at: p,
                    normal,
                    local,
                    local_normal: local_normal.unit(),
                    distance: t,
                    floor: false,
                };
                return Some((hit, &part.paint));
            }
            t += d;
            if t > far || t > limit {
                break;
            }
        }
    }
    ground
}

/// The unit gradient of the distance, from four samples.
fn slope(scene: &Scene, p: V, mask: u128, e: f32) -> V {
    let k = [V(1.0, -1.0, -1.0), V(-1.0, -1.0, 1.0), V(-1.0, 1.0, -1.0), V(1.0, 1.0, 1.0)];
    k.iter().fold(V::ZERO, |s, k| s + *k * scene.distance(p + *k * e, mask, 0.06)).unit()
}

/// Where a ray meets floor, curve or wall, by plain geometry.
fn ground<'a>(scene: &'a Scene, from: V, dir: V) -> Option<(Hit, &'a Paint)> {
    let b = &scene.backdrop;
    let hit = |t: f32, normal: V, paint: &'a Paint, floor: bool| {
        let at = from + dir * t;
        Some((Hit { at, normal, local: at, local_normal: normal, distance: t, floor }, paint))
    };
    if dir.1 < -1e-5 {
        let t = -from.1 / dir.1;
        if t > 0.0 && (from + dir * t).2 > b.wall + b.radius {
            return hit(t, V(0.0, 1.0, 0.0), &b.floor, true);
        }
    }
    if dir.2 < -1e-5 {
        let t = (b.wall - from.2) / dir.2;
        if t > 0.0 && (from + dir * t).1 > b.radius {
            return hit(t, V(0.0, 0.0, 1.0), &b.back, false);
        }
    }
    // The curve between them: the far side of a lying cylinder.
    let (oy, oz) = (from.1 - b.radius, from.2 - b.wall - b.radius);
    let a = dir.1 * dir.1 + dir.2 * dir.2;
    let h = oy * dir.1 + oz * dir.2;
    let root = h * h - a * (oy * oy + oz * oz - b.radius * b.radius);
    if root < 0.0 || a < 1e-9 {
        return None;
    }
    let t = (root.sqrt() - h) / a;
    let p = from + dir * t;
    if t <= 0.0 || p.1 > b.radius + 1e-3 || p.2 > b.wall + b.radius + 1e-3 {
        return None;
    }
    let normal = V(0.0, b.radius - p.1, b.wall + b.radius - p.2).unit();
    hit(t, normal, &b.back, normal.1 > 0.7)
}

/// The share of a light that reaches a point, with the penumbra of a large soft source.
fn shadow(scene: &Scene, from: V, to: V, hard: f32) -> f32 {
    let way = to - from;
    let (dir, length) = (way.unit(), way.len());
    let (mask, near, far) = scene.reach(from, dir, 0.2, false);
    if mask == 0 {
        return 1.0;
    }
    let (mut t, end, mut light) = (near.max(0.015), far.min(length), 1.0_f32);
    let mut before = f32::MAX;
    for _ in 0..40 {
        if t > end {
            break;
        }
        let d = scene.distance(from + dir * t, mask, 0.6);
        // The nearest miss lies between two samples; the last two distances tell where.
        let back = d * d / (2.0 * before);
        let miss = (d * d - back * back).max(0.0).sqrt();
        light = light.min(hard * miss / (t - back).max(1e-3));
        before = d.max(1e-4);
        if light < 0.004 || d < 0.001 {
            return 0.0;
        }
        t += d.abs().clamp(0.02, 0.4);
    }
    let l = light.clamp(0.0, 1.0);
    l * l * (3.0 - 2.0 * l)
}

/// How open the hemisphere is around a point.
fn openness(scene: &Scene, p: V, n: V) -> f32 {
    let mask = scene.around(p, 0.75, false);
    let (mut closed, mut weight) = (0.0, 1.0);
    for i in 0..4 {
        let h = 0.03 + 0.18 * i as f32;
        let q = p + n * h;
        let d = if mask == 0 { h } else { scene.distance(q, mask, 0.6).min(h) };
        // The floor closes the lower half for every object that stands on it.
        let d = d.min(q.1.max(0.0) + 0.3 * h);
        closed += (h - d).max(0.0) * weight;
        weight *= 0.72;
    }
    (1.0 - 1.15 * closed).clamp(0.12, 1.0)
}

/// The surroundings that glossy surfaces mirror: a grey room with one bright softbox per light.
fn studio(scene: &Scene, dir: V, rough: f32) -> V {
    let up = dir.1 * 0.5 + 0.5;
    let mut c = scene.sky * (0.25 + 0.75 * up);
    let soft = 0.06 + 0.5 * rough;
    for light in &scene.lights {
        let axis = light.at.unit();
        let along = dir.dot(axis);
        if along < 0.1 {
            continue;
        }
        let side = axis.cross(V(0.0, 1.0, 0.0)).unit();
        let top = side.cross(axis);
        let (u, v) = (dir.dot(side) / along, dir.dot(top) / along);
        let pane = |x: f32, half: f32| 1.0 - step(half - soft * 0.5, half + soft * 0.5 + 0.01, x.abs());
        let size = 0.30 + 0.3 * rough;
        c = c + light.colour * (pane(u, size) * pane(v, size * 1.35) * 1.9 / (1.0 + 3.0 * rough));
    }
    c
}

fn shade(scene: &Scene, hit: &Hit, paint: &Paint, dir: V, depth: u32) -> V {
    let mut n = hit.normal;
    let (grain, freq) = paint.grain;
    if grain > 0.0 {
        let q = hit.local * freq;
        let bump = V(noise(q), noise(q + V(31.4, 0.0, 0.0)), noise(q + V(0.0, 47.1, 0.0))) - V::ONE * 0.5;
        n = (n + bump * grain).unit();
    }
    let tint = paint.tint.at(hit.local, hit.local_normal);
    let facing = (-n.dot(dir)).clamp(0.0, 1.0);
    let rise = (1.0 - facing) * squared(1.0 - facing, 2);
    let f0 = V::ONE.mix(tint, paint.metal) * if paint.metal > 0.0 { 0.92 } else { paint.shine };
    let gloss = (1.0 - paint.rough) * (1.0 - paint.rough);
    let fresnel = f0 + (V::ONE - f0) * (rise * gloss);
    let origin = hit.at + hit.normal * 0.006;
    let open = if depth == 0 || hit.floor && scene.around(hit.at, 0.75, true) == 0 {
        1.0
    } else {
        openness(scene, origin, hit.normal)
    };
    let doublings = if paint.rough < 0.2 {
        9
    } else if paint.rough < 0.5 {
        6
    } else {
        3
    };
    let mut diffuse = V::ZERO;
    let mut sparkle = V::ZERO;
    for (i, light) in scene.lights.iter().enumerate() {
        let way = light.at - hit.at;
        let distance = way.len();
        let l = way * (1.0 / distance);
        let nl = n.dot(l);
        // Cloth and paper scatter a little past the terminator.
        let wrap = 0.18 * paint.rough;
        let facing_light = ((nl + wrap) / (1.0 + wrap)).max(0.0);
        if facing_light <= 0.0 {
            continue;
        }
        let reach = light.at.len() / distance;
        // A weak fill light only follows the openness; in mirrored surfaces only the key light casts a
        // shadow.
        let seen = if i > 0 && (depth == 0 || light.colour.luma() < 0.85) {
            0.25 + 0.75 * open * open
        } else {
            shadow(scene, origin, light.at, light.hard)
        };
        let power = light.colour * (seen * reach * reach);
        diffuse = diffuse + power * facing_light;
        let half = (l - dir).unit();
        let lobe = squared(n.dot(half).max(0.0), doublings);
        let norm = ((1_u32 << doublings) as f32 + 8.0) / 26.0;
        sparkle = sparkle + power * (lobe * norm * nl.max(0.0) * 0.35);
    }
    let sky = scene.sky * (0.55 + 0.45 * n.1) * open;
    let bounce = if hit.floor { V::ZERO } else { floor_light(scene) * ((0.5 - 0.5 * n.1) * 0.5 * open) };
    let faint = paint.metal == 0.0 && fresnel.0 * gloss < 0.02;
    let mirror = mirrored(scene, hit, n, dir, paint, if faint { 0 } else { depth });
    let body = tint * (diffuse + sky + bounce) * ((1.0 - paint.metal) * (1.0 - paint.clear));
    let reflected = (mirror * (0.35 + 0.65 * open)) * fresnel * (0.25 + 0.75 * gloss);
    let mut out = body + sparkle * fresnel + reflected + tint * paint.glow;
    if paint.clear > 0.0 && depth > 0 {
        // Thin glass: the way goes on nearly straight, darker where the wall is seen edge-on.
        let bent = (dir - n * 0.10).unit();
        let behind = radiance(scene, hit.at + dir * 0.01, bent, depth - 1, false);
        let thick = 1.0 + 1.6 * rise.sqrt();
        let filter = V(through(tint.0, thick), through(tint.1, thick), through(tint.2, thick));
        out = out + behind * filter * paint.clear * (1.0 - rise);
    }
    out
}

/// Light that passes a filter of this transmittance at this thickness, to first order.
fn through(tint: f32, thick: f32) -> f32 {
    tint / (tint + (1.0 - tint) * thick).max(1e-4)
}

/// The colour the floor throws back.
fn floor_light(scene: &Scene) -> V {
    let up = V(0.0, 1.0, 0.0);
    let tint = scene.backdrop.floor.tint.at(V(0.31, 0.0, 0.17), up);
    let key = scene.lights.iter().fold(V::ZERO, |s, l| s + l.colour * l.at.unit().1.max(0.0));
    tint * (key * 0.6 + scene.sky)
}

/// What a surface mirrors: a traced ray where it is smooth, the blurred room otherwise.
fn mirrored(scene: &Scene, hit: &Hit, n: V, dir: V, paint: &Paint, depth: u32) -> V {
    let r = dir.reflect(n);
    let room = studio(scene, r, paint.rough);
    if depth == 0 || paint.rough > 0.35 {
        let low = step(0.1, -0.5, r.1);
        return room.mix(floor_light(scene), low * 0.7);
    }
    match trace(scene, hit.at + hit.normal * 0.01, r, true) {
        Some((other, paint)) if !other.floor && other.at.2 <= scene.backdrop.wall + 0.01 => {
            // The wall is far away: mostly room light with its tint.
            room.mix(shade(scene, &other, paint, r, 0), 0.25)
        }
        Some((other, paint)) => shade(scene, &other, paint, r, 0),
        None => room,
    }
}
