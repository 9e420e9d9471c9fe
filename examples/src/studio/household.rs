//! Goods for home, desk and leisure. Each function gives one object that stands on y = 0 at the origin.

use super::maths::{PI, V, atan2, cos, rgb, sin};
use super::paint::{Lay, Paint, Tint};
use super::scene::{Object, Op, Part};
use super::shapes::{Outline, Shape, Warp, bent_tube};

fn block(x: f32, y: f32, z: f32, r: f32) -> Shape {
    Shape::Block(V(x, y, z), r)
}

/// A table lamp with a drum shade, 2.8 high; the shade glows.
pub(super) fn lamp(foot: &Paint, shade: &Paint) -> Object {
    let base = Shape::Lathe(Outline::turned(&[
        (0.0, 0.0),
        (0.0, 0.0),
        (0.55, 0.0),
        (0.58, 0.05),
        (0.50, 0.14),
        (0.40, 0.35),
        (0.55, 0.75),
        (0.42, 1.1),
        (0.14, 1.3),
        (0.08, 1.4),
        (0.06, 1.75),
        (0.0, 1.75),
    ]));
    let drum = Shape::Lathe(Outline::turned(&[
        (0.0, 1.6),
        (0.0, 1.6),
        (0.98, 1.6),
        (0.98, 1.6),
        (0.72, 2.74),
        (0.72, 2.74),
        (0.0, 2.74),
    ]));
    Object::new().put(Part::new(base, foot)).put(Part::new(drum, shade))
}

/// A three-legged stool, 1.7 high.
pub(super) fn stool(wood: &Paint, seat: &Paint) -> Object {
    let mut stool = Object::new().put(Part::new(Shape::Cylinder(0.88, 0.09, 0.06), seat).at(0.0, 1.62, 0.0));
    for i in 0..3 {
        let a = (i as f32 * 120.0 + 20.0) * PI / 180.0;
        let (s, c) = (sin(a), cos(a));
        let leg = Shape::Tube(vec![(V(0.88 * s, 0.05, 0.88 * c), 0.055), (V(0.5 * s, 1.58, 0.5 * c), 0.095)]);
        let b = a + 2.0 * PI / 3.0;
        let rail = Shape::Tube(vec![
            (V(0.74 * s, 0.62, 0.74 * c), 0.04),
            (V(0.74 * sin(b), 0.62, 0.74 * cos(b)), 0.04),
        ]);
        stool = stool.put(Part::new(leg, wood)).put(Part::new(rail, wood));
    }
    stool
}

/// A round clock of radius 1, dial towards +z, centre at height 1.
pub(super) fn clock(rim: &Paint, dial: fn(f32, f32) -> Option<V>) -> Object {
    let face = Paint::satin(Tint::Plain(rgb(0xF3EFE4))).printed(Lay::Top, dial);
    let hand = |length: f32, width: f32, degrees: f32, z: f32, paint: &Paint| {
        let a = degrees * PI / 180.0;
        let shape = Shape::Tube(vec![
            (V(-0.15 * sin(a), -0.15 * cos(a), 0.0), width),
            (V(length * sin(a), length * cos(a), 0.0), width * 0.6),
        ]);
        Part::new(shape, paint).at(0.0, 1.0, z)
    };
    let black = Paint::plastic(0x1D1D1F);
    Object::new()
        .put(Part::new(Shape::Ring(0.93, 0.09), rim).turn(90.0, 0.0, 0.0).at(0.0, 1.0, 0.05))
        .put(Part::new(Shape::Cylinder(0.92, 0.05, 0.02), &face).turn(90.0, 0.0, 0.0).at(0.0, 1.0, 0.0))
        .put(hand(0.45, 0.035, 305.0, 0.10, &black))
        .put(hand(0.68, 0.026, 54.0, 0.13, &black))
        .put(hand(0.7, 0.012, 170.0, 0.16, &Paint::plastic(0xC8402F)))
        .put(Part::new(Shape::Ball(0.06), &black).at(0.0, 1.0, 0.13))
}

/// Hour strokes of the dial.
pub(super) fn dial(u: f32, v: f32) -> Option<V> {
    let r = (u * u + v * v).sqrt();
    let turn = atan2(u, v) / (2.0 * PI) * 12.0;
    let off = (turn - (turn + 0.5).floor()).abs() * r;
    let hour = (turn + 0.5).floor() as i32;
    let long = hour.rem_euclid(3) == 0;
    let stroke = r < 0.62 && r > if long { 0.42 } else { 0.54 } && off < if long { 0.06 } else { 0.035 };
    stroke.then(|| rgb(0x24303A))
}

/// A town backpack with a front pocket, 2.3 high.
pub(super) fn backpack(cloth: &Paint, pocket: &Paint, leather: &Paint) -> Object {
    let zip = Paint::metal(rgb(0xC9C4B8), 0.3);
    let body = Part::new(block(0.82, 1.1, 0.42, 0.38), cloth).warp(Warp::Folds(2.0, 0.06)).at(0.0, 1.02, 0.0);
    let front =
        Part::new(block(0.62, 0.46, 0.16, 0.14), pocket).warp(Warp::Folds(2.5, 0.05)).at(0.0, 0.62, 0.46);
    let seam = |y: f32, w: f32, z: f32| Part::new(block(w, 0.018, 0.02, 0.015), &zip).at(0.0, y, z);
    let strap =
        |x: f32| Part::new(block(0.08, 0.42, 0.03, 0.025), leather).at(x, 1.28, 0.44).turn(-4.0, 0.0, 0.0);
    Object::new()
        .put(body)
        .put(front)
        .put(seam(0.92, 0.5, 0.61))
        .put(seam(1.78, 0.6, 0.41))
        .put(strap(-0.38))
        .put(strap(0.38))
        .put(Part::new(Shape::Arc(0.24, 0.05, PI * 0.55), leather).at(0.0, 2.2, 0.0))
        .put(Part::new(block(0.2, 0.13, 0.02, 0.02), leather).at(0.0, 0.60, 0.615))
        .put(Part::new(
            bent_tube(V(-0.75, 1.9, -0.3), V(-1.25, 1.2, -0.4), V(-0.8, 0.25, -0.25), 0.08, 0.05),
            leather,
        ))
        .put(Part::new(
            bent_tube(V(0.75, 1.9, -0.3), V(1.25, 1.2, -0.4), V(0.8, 0.25, -0.25), 0.08, 0.05),
            leather,
        ))
}

/// Over-ear headphones that stand on their cups, 1.9 high.
pub(super) fn headphones(shell: &Paint, cushion: &Paint, band: &Paint) -> Object {
    let mut out = Object::new()
        .put(Part::new(Shape::Arc(0.92, 0.07, PI * 0.5), band).at(0.0, 0.95, 0.0))
        .put(Part::new(Shape::Arc(0.90, 0.13, PI * 0.24), cushion).at(0.0, 0.95, 0.0));
    for side in [-1.0, 1.0] {
        let cup = Part::new(Shape::Ellipsoid(V(0.17, 0.52, 0.44)), shell).at(side * 0.98, 0.55, 0.0);
        let pad = Part::new(Shape::Ring(0.33, 0.14), cushion).turn(0.0, 0.0, 90.0).at(side * 0.80, 0.55, 0.0);
        let arm = Shape::Tube(vec![(V(side * 0.92, 0.95, 0.0), 0.06), (V(side * 1.0, 0.7, 0.0), 0.06)]);
        let badge = Part::new(Shape::Cylinder(0.16, 0.02, 0.01), &Paint::metal(rgb(0xD8D4CC), 0.25))
            .turn(0.0, 0.0, 90.0)
            .at(side * 1.145, 0.55, 0.0);
        out = out.put(cup).put(pad).put(Part::new(arm, band)).put(badge);
    }
    out
}

/// A hex dumbbell along x.
pub(super) fn dumbbell(head: &Paint) -> Object {
    let hexagon: Vec<(f32, f32)> = (0..12)
        .map(|i| {
            let a = (i / 2) as f32 * PI / 3.0 + PI / 6.0;
            (0.52 * cos(a), 0.52 * sin(a))
        })
        .collect();
    let chrome = Paint::metal(rgb(0xDADDE0), 0.16).grain(0.10, 60.0);
    let end = |x: f32| {
        Part::new(Shape::Plate(Outline::closed(&hexagon), 0.34), head).turn(0.0, 90.0, 0.0).at(x, 0.45, 0.0)
    };
    let bar = Part::new(Shape::Cylinder(0.13, 0.7, 0.02), &chrome).turn(0.0, 0.0, 90.0).at(0.0, 0.45, 0.0);
    let collar =
        |x: f32| Part::new(Shape::Cylinder(0.2, 0.04, 0.02), &chrome).turn(0.0, 0.0, 90.0).at(x, 0.45, 0.0);
    Object::new().put(end(-0.9)).put(end(0.9)).put(bar).put(collar(-0.54)).put(collar(0.54))
}

/// One book lying flat: half width, half depth, half height, cover colour.
pub(super) fn book(w: f32, d: f32, h: f32, cover: &Paint) -> Object {
    let pages = Paint::matte(Tint::Stripes(rgb(0xEFE6D0), rgb(0xC9BD9F), V(0.0, 1.0, 0.0), 0.022, 0.4));
    Object::new()
        .put(Part::new(block(w - 0.05, h - 0.03, d - 0.05, 0.005), &pages).at(0.02, h, 0.0))
        .put(Part::new(block(w, 0.03, d, 0.015), cover).at(0.0, 0.03, 0.0))
        .put(Part::new(block(w, 0.03, d, 0.015), cover).at(0.0, 2.0 * h - 0.03, 0.0))
        .put(Part::new(block(0.035, h, d, 0.03), cover).at(-w + 0.02, h, 0.0))
}

/// A bookshelf speaker, 2.4 high, facing +z.
pub(super) fn speaker(case: &Paint) -> Object {
    let cone = Paint::matte(Tint::Plain(rgb(0x2B2B2E)));
    let ring = Paint::metal(rgb(0xC6C8CB), 0.22);
    let membrane = |r: f32, y: f32| {
        let dish = Shape::Lathe(Outline::turned(&[
            (0.0, 0.0),
            (0.0, 0.0),
            (r, 0.0),
            (r, 0.05),
            (r * 0.9, 0.09),
            (r * 0.78, 0.05),
            (r * 0.3, -0.02 + 0.03),
            (r * 0.26, 0.06),
            (0.0, 0.11),
        ]));
        Object::new()
            .put(Part::new(dish, &cone).turn(90.0, 0.0, 0.0).at(0.0, y, 0.60))
            .put(Part::new(Shape::Ring(r * 1.02, 0.035), &ring).turn(90.0, 0.0, 0.0).at(0.0, y, 0.62))
    };
    Object::new()
        .put(Part::new(block(0.8, 1.2, 0.6, 0.06), case).at(0.0, 1.2, 0.0))
        .with(membrane(0.54, 0.78))
        .with(membrane(0.26, 1.80))
        .put(Part::new(Shape::Cylinder(0.07, 0.03, 0.01), &ring).turn(90.0, 0.0, 0.0).at(0.45, 2.12, 0.61))
}

/// A square perfume flacon, 1.9 high.
pub(super) fn perfume(liquid: u32, label: &Paint) -> Object {
    let glass = Paint::glass(rgb(0xF1ECE8), 0.80);
    let juice = Paint::glazed(Tint::Fade(rgb(liquid), 0.1, rgb(liquid) * 1.25, 1.0)).glow(0.18);
    let gold = Paint::metal(rgb(0xE2B866), 0.18);
    Object::new()
        .put(Part::new(block(0.66, 0.66, 0.36, 0.10), &glass).at(0.0, 0.66, 0.0))
        .put(Part::new(block(0.54, 0.45, 0.25, 0.06), &juice).at(0.0, 0.58, 0.0))
        .put(Part::new(block(0.36, 0.17, 0.01, 0.01), label).at(0.0, 0.60, 0.37))
        .put(Part::new(Shape::Cylinder(0.16, 0.09, 0.02), &gold).at(0.0, 1.40, 0.0))
        .put(Part::new(block(0.24, 0.22, 0.24, 0.05), &Paint::glaze(0x1C1A1E)).at(0.0, 1.70, 0.0))
}

/// A bar of soap with a pressed flower.
pub(super) fn soap(paint: &Paint) -> Object {
    let mark = super::shapes::star(6, 0.22, 0.12, false);
    Object::new().group(vec![
        Part::new(block(0.72, 0.21, 0.46, 0.16), paint).at(0.0, 0.21, 0.0),
        Part::new(Shape::Plate(mark, 0.06), paint).turn(90.0, 0.0, 0.0).at(0.0, 0.43, 0.0).op(Op::Cut),
    ])
}

/// A toy block of edge 0.8 with a sign on its front and top.
pub(super) fn toy_block(paint: &Paint) -> Object {
    Object::new().put(Part::new(block(0.4, 0.4, 0.4, 0.06), paint).at(0.0, 0.4, 0.0))
}

/// A pitched roof block.
pub(super) fn toy_roof(paint: &Paint) -> Object {
    let roof = Outline::closed(&[(-0.5, 0.0), (-0.5, 0.0), (0.5, 0.0), (0.5, 0.0), (0.0, 0.5), (0.0, 0.5)]);
    Object::new().put(Part::new(Shape::Plate(roof, 0.4), paint))
}

/// An open umbrella that lies on its rim and handle.
pub(super) fn umbrella(cloth: &Paint) -> Object {
    let handle = Paint::wood(0xA0693A, 0x6B3F1D, 1);
    let dome = Part::new(Shape::Ball(1.6), cloth).warp(Warp::Flutes(8.0, 0.06));
    let hollow = Part::new(Shape::Ball(1.53), &Paint::matte(Tint::Plain(rgb(0x4A4D55)))).op(Op::Cut);
    let half = Part::new(block(3.0, 1.0, 3.0, 0.0), cloth).at(0.0, -0.35, 0.0).op(Op::Cut);
    let shaft =
        Shape::Tube(vec![(V(0.0, 1.8, 0.0), 0.03), (V(0.0, 1.5, 0.0), 0.035), (V(0.0, -1.0, 0.0), 0.035)]);
    let crook =
        Part::new(Shape::Arc(0.22, 0.06, PI * 0.5), &handle).turn(0.0, 0.0, 180.0).at(0.22, -1.0, 0.0);
    Object::new()
        .group(vec![dome, hollow, half])
        .put(Part::new(shaft, &Paint::metal(rgb(0xC9CCD0), 0.25)))
        .put(crook)
        .placed(V(0.0, 1.0, 0.0), V(62.0, 0.0, 0.0), 1.0)
}

/// A framed picture of half size (w, h), facing +z, standing on its lower edge.
pub(super) fn frame(w: f32, h: f32, wood: &Paint, art: fn(f32, f32) -> Option<V>) -> Object {
    let print = Paint::matte(Tint::Plain(rgb(0xF4F1E8))).printed(Lay::Front, art);
    let bar = |x: f32, y: f32, a: f32, b: f32| Part::new(block(a, b, 0.09, 0.02), wood).at(x, y, 0.0);
    Object::new()
        .put(Part::new(block(w, h, 0.03, 0.0), &print).at(0.0, h, 0.0))
        .put(bar(-w, h, 0.08, h + 0.08))
        .put(bar(w, h, 0.08, h + 0.08))
        .put(bar(0.0, 0.0, w + 0.08, 0.08))
        .put(bar(0.0, 2.0 * h, w + 0.08, 0.08))
}

/// A square cushion standing on its edge, 1.8 high.
pub(super) fn cushion(paint: &Paint) -> Object {
    Object::new().put(
        Part::new(Shape::Ellipsoid(V(1.15, 1.15, 0.42)), paint)
            .warp(Warp::Folds(1.6, 0.07))
            .at(0.0, 0.98, 0.0),
    )
}

/// A telephone, 1.9 high, screen towards +z.
pub(super) fn phone(screen: fn(f32, f32) -> Option<V>) -> Object {
    let glass = Paint::glazed(Tint::Plain(rgb(0x0B0C10))).printed(Lay::Front, screen).glow(0.35);
    Object::new()
        .put(Part::new(block(0.47, 0.97, 0.05, 0.045), &Paint::metal(rgb(0x9DA5B0), 0.3)).at(0.0, 0.97, 0.0))
        .put(Part::new(block(0.44, 0.94, 0.02, 0.015), &glass).at(0.0, 0.97, 0.04))
}
