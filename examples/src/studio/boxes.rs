//! Packing material: cartons, tape, labels, shreds, crates.

use super::maths::{V, hash01, rgb};
use super::paint::{Lay, Paint, Tint};
use super::scene::{Object, Part};
use super::shapes::Shape;

fn block(x: f32, y: f32, z: f32, r: f32) -> Shape {
    Shape::Block(V(x, y, z), r)
}

/// A shipping label: bars, address lines, a big sort code. About 0.9 by 0.6.
pub(super) fn shipping_label(u: f32, v: f32) -> Option<V> {
    let ink = rgb(0x17171A);
    let bars = v > -0.24 && v < -0.04 && u.abs() < 0.36 && hash01((u * 70.0).floor() as i32, 3, 8) > 0.5;
    let lines =
        v > 0.0 && v < 0.17 && u > -0.38 && u < 0.1 + 0.12 * hash01((v * 24.0).floor() as i32, 1, 1) && {
            let t = v * 24.0;
            t - t.floor() < 0.45
        };
    let code = v > 0.03
        && v < 0.24
        && u > 0.2
        && u < 0.38
        && hash01((u * 26.0).floor() as i32, (v * 26.0).floor() as i32, 4) > 0.45;
    let rule = (v + 0.01).abs() < 0.006 || (u.abs() - 0.42).abs() < 0.006 || (v.abs() - 0.275).abs() < 0.006;
    if bars || lines || code || rule { Some(ink) } else { None }
}

fn label() -> Paint {
    Paint::satin(Tint::Plain(rgb(0xF4F3EE))).printed(Lay::Top, shipping_label)
}

/// A closed carton of half sides (w, h, d) with tape along x and a label on top.
pub(super) fn closed_carton(w: f32, h: f32, d: f32) -> Object {
    let tape = Paint::satin(Tint::Cloud(rgb(0xC79A63), rgb(0xB98B54), 4.0)).rough(0.25);
    let board = Paint::board();
    Object::new()
        .put(Part::new(block(w, h, d, 0.03), &board).at(0.0, h, 0.0))
        .put(Part::new(block(w, 0.012, 0.008, 0.0), &Paint::paper(0x5A3F24)).at(0.0, 2.0 * h - 0.008, 0.0))
        .put(Part::new(block(w + 0.012, 0.30, 0.17, 0.004), &tape).at(0.0, 2.0 * h - 0.29, 0.0))
        .put(Part::new(block(0.45, 0.006, 0.30, 0.0), &label()).at(w * 0.42, 2.0 * h + 0.006, d * 0.55))
}

/// An open carton: walls and four flaps bent outwards; the inside is empty.
pub(super) fn open_carton(w: f32, h: f32, d: f32, flap: f32) -> Object {
    let board = Paint::board();
    let inner = Paint::matte(Tint::Cloud(rgb(0xA87B4C), rgb(0x97693D), 2.0));
    let t = 0.035;
    let mut out = Object::new()
        .put(Part::new(block(w, t, d, 0.01), &inner).at(0.0, t, 0.0))
        .put(Part::new(block(t, h, d, 0.01), &board).at(-w, h, 0.0))
        .put(Part::new(block(t, h, d, 0.01), &board).at(w, h, 0.0))
        .put(Part::new(block(w, h, t, 0.01), &board).at(0.0, h, -d))
        .put(Part::new(block(w, h, t, 0.01), &board).at(0.0, h, d));
    let top = 2.0 * h;
    for (side, tilt) in [(-1.0, 24.0), (1.0, 15.0)] {
        let lid =
            Part::new(block(flap * 0.5, t * 0.8, d * 0.98, 0.01), &board).at(side * flap * 0.5, 0.0, 0.0);
        out = out.with(Object::new().put(lid).placed(V(side * w, top, 0.0), V(0.0, 0.0, side * tilt), 1.0));
    }
    for (side, tilt) in [(-1.0, -55.0), (1.0, 48.0)] {
        let lid =
            Part::new(block(w * 0.98, t * 0.8, flap * 0.5, 0.01), &board).at(0.0, 0.0, side * flap * 0.5);
        out = out.with(Object::new().put(lid).placed(V(0.0, top, side * d), V(tilt, 0.0, 0.0), 1.0));
    }
    out
}

/// Crinkled paper strips that fill a carton of half sides (w, d) up to height `y`.
pub(super) fn shreds(w: f32, d: f32, y: f32, count: i32, a: u32, b: u32) -> Object {
    let mut out = Object::new();
    for i in 0..count {
        let r = |k: i32| hash01(i, k, 51) * 2.0 - 1.0;
        let (x, z) = (r(1) * w * 0.8, r(2) * d * 0.8);
        let reach = 0.35;
        let clip = |v: f32, half: f32| v.clamp(-half * 0.94, half * 0.94);
        let from = V(clip(x - reach * r(3), w), y - 0.05, clip(z - reach * r(4), d));
        let to = V(clip(x + reach * r(3), w), y - 0.02, clip(z + reach * r(4), d));
        let mid = V(x + 0.3 * r(5), y + 0.16 + 0.14 * r(6), z + 0.3 * r(7));
        let paint = Paint::paper(if i % 3 == 0 { b } else { a });
        let strip = vec![(from, 0.05), (from.mix(mid, 0.7), 0.055), (mid.mix(to, 0.3), 0.055), (to, 0.045)];
        out = out.put(Part::new(Shape::Tube(strip), &paint));
    }
    let bed = Paint::matte(Tint::Speckle(rgb(a) * 0.75, rgb(b), 14.0, 0.35)).grain(0.6, 14.0);
    out.put(Part::new(block(w * 0.97, y * 0.5, d * 0.97, 0.05), &bed).at(0.0, y * 0.5, 0.0))
}

/// A slatted crate of half sides (w, h, d).
pub(super) fn crate_box(w: f32, h: f32, d: f32) -> Object {
    let pale = Paint::wood(0xD9B98A, 0xA67C4C, 0);
    let post = Paint::wood(0xCDA976, 0x8F673B, 1);
    let side = Paint::wood(0xD4B282, 0x9C7344, 2);
    let mut out = Object::new();
    for (x, z) in [(-w, -d), (w, -d), (-w, d), (w, d)] {
        out = out.put(Part::new(block(0.08, h, 0.08, 0.015), &post).at(x * 0.93, h, z * 0.93));
    }
    for i in 0..3 {
        let y = h * (0.25 + 0.72 * i as f32);
        let slat = h * 0.24;
        for s in [-1.0, 1.0] {
            out = out
                .put(Part::new(block(w, slat, 0.035, 0.012), &pale).at(0.0, y, s * d))
                .put(Part::new(block(0.035, slat, d, 0.012), &side).at(s * w, y, 0.0));
        }
    }
    out.put(Part::new(block(w * 0.96, 0.03, d * 0.96, 0.01), &pale).at(0.0, 0.05, 0.0))
}

/// A flat packing slip with printed lines.
pub(super) fn slip() -> Object {
    let paper = Paint::matte(Tint::Plain(rgb(0xF6F5F0))).printed(Lay::Top, slip_art);
    Object::new().put(Part::new(block(0.5, 0.006, 0.7, 0.0), &paper).at(0.0, 0.008, 0.0))
}

fn slip_art(u: f32, v: f32) -> Option<V> {
    let t = (v + 0.6) * 11.0;
    let line = t - t.floor() < 0.35
        && u > -0.4
        && u < 0.05 + 0.34 * hash01(t.floor() as i32, 2, 2)
        && v < 0.35
        && v > -0.55;
    let head = v > 0.45 && v < 0.58 && u > -0.4 && u < 0.0;
    if head { Some(rgb(0xB3402E)) } else { line.then(|| rgb(0x4A4A4E)) }
}

/// A roll of tape, lying.
pub(super) fn tape_roll() -> Object {
    let tape = Paint::satin(Tint::Plain(rgb(0xC08A4A))).rough(0.3);
    let core = Paint::paper(0xD9C7A6);
    Object::new().group(vec![
        Part::new(Shape::Cylinder(0.42, 0.16, 0.02), &tape).at(0.0, 0.16, 0.0),
        Part::new(Shape::Cylinder(0.30, 0.30, 0.0), &core).at(0.0, 0.16, 0.0).op(super::scene::Op::Cut),
    ])
}
